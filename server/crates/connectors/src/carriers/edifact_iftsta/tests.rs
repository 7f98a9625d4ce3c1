//! The standard tests, and UN/EDIFACT IFTSTA's own habits.
