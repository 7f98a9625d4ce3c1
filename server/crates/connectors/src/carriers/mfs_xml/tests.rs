//! The standard tests, and MFS XML's own habits.
