//! The standard tests, and DCSA Track & Trace's own habits.
