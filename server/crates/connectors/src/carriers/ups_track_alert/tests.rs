//! The standard tests, and UPS Track Alert's own habits.
