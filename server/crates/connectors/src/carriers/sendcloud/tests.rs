//! The standard tests, and Sendcloud's own habits.
