//! The standard tests, and Terminal49's own habits.
