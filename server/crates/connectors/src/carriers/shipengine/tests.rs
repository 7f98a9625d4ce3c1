//! The standard tests, and ShipEngine / ShipStation's own habits.
