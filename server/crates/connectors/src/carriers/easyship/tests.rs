//! The standard tests, and Easyship's own habits.
