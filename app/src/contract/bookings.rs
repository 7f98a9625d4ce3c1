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
    /// Since when it is registered, or was started again.
    pub since: Option<When>,
    /// Why and how often it was started again.
    pub again: Option<String>,
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
    /// What a person has booked that is not under way yet, or was not done.
    pub ordered: Option<OrderedView>,
    /// The platforms at which the viewer can book a label now.
    pub bookable: Vec<PlatformView>,
}

/// What a person has booked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderedView {
    /// The platform's connection.
    pub connection: String,
    /// When.
    pub at: When,
    /// Why it was not done, and what to do.
    pub problem: Option<String>,
}

/// A platform at which a label can be booked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformView {
    /// The name of its connection.
    pub name: String,
    /// What people call it.
    pub label: String,
    /// Whether its labels are paid.
    pub live: bool,
    /// The forms of its labels, the usual one first.
    pub formats: Vec<String>,
    /// Whether parcels need their dimensions there.
    pub needs_size: bool,
}

/// A label that a person books; what is empty is left to the platform.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NewBooking {
    /// The shipment.
    pub shipment: String,
    /// The platform's connection.
    pub connection: String,
    /// Only this carrier.
    pub carrier: String,
    /// Only this service.
    pub service: String,
    /// Days to delivery at most.
    pub days: String,
    /// `fastest`, else the cheapest.
    pub offer: String,
    /// The label's form.
    pub format: String,
    /// Of parcels without dimensions, in millimetres.
    pub length: String,
    /// The same.
    pub width: String,
    /// The same.
    pub height: String,
    /// That a live label is paid is understood.
    pub confirmed: bool,
}
