//! The standard tests, and project44's own habits.
