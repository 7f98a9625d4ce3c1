//! The standard tests, and Karrio's own habits.
