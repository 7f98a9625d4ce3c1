//! The standard tests, and GS1 EPCIS 2.0's own habits.
