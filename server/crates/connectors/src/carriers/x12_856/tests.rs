//! The standard tests, and X12 856's own habits.
