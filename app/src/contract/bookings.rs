//! Labels that were booked for a shipment, and where its numbers are registered for tracking.

use super::When;
use serde::{Deserialize, Serialize};

/// A booking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookingView {
    /// Its id.
    pub id: String,
    /// How it stands: `Label booked`.
    pub status: String,
    /// Whether a person should look.
    pub attention: bool,
    /// The platform's connection.
    pub connection: String,
    /// Which parcel, where there are several.
    pub parcel: Option<String>,
    /// The tracking number.
    pub number: Option<String>,
    /// Carrier and service.
    pub service: Option<String>,
    /// What the label costs.
    pub cost: Option<String>,
    /// Whether the label is for tests.
    pub test: bool,
    /// What is wrong and what to do.
    pub problem: Option<String>,
    /// When Milepost looks again.
    pub next: Option<When>,
    /// What it is known by at the platform.
    pub key: String,
    /// Whether a person has to decide.
    pub undecided: bool,
    /// Whether it can be booked again.
    pub repeatable: bool,
    /// Whether its label can be voided.
    pub voidable: bool,
}

/// A number at a platform that tracks it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackingView {
    /// The platform's connection.
    pub connection: String,
    /// The number.
    pub number: String,
    /// How it stands.
    pub status: String,
    /// What is wrong and what to do.
    pub problem: Option<String>,
}

/// Bookings and registrations of a shipment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookingsView {
    /// Bookings, newest first.
    pub bookings: Vec<BookingView>,
    /// Registrations.
    pub registrations: Vec<TrackingView>,
}
