//! The standard tests, and Generic JSON's own habits.
