//! The standard tests, and Shippo's own habits.
