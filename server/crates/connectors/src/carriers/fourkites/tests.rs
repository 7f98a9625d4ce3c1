//! The standard tests, and FourKites's own habits.
