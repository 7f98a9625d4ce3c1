//! The standard tests, and TrackingMore's own habits.
