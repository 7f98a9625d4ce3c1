//! The standard tests, and X12 322's own habits.
