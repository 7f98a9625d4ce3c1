//! The standard tests, and 17TRACK's own habits.
