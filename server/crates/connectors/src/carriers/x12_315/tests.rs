//! The standard tests, and X12 315's own habits.
