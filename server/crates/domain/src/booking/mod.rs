//! Bookings: the purchase of one label for one parcel, exactly once. Where it stands and what comes next (`machine`), which
//! deliveries are booked where (`rules`). Pure: the calls are made by others.

pub mod machine;
pub mod rules;

pub use machine::{
    Answer, Event, Found, Label, LabelRef, Look, Phase, Purchase, QUIET_PERIOD, Refused, Todo, Void, Wrong,
};
pub use rules::{Action, BookingRule, Choice, Offer, Parcels, RULES_MAX, When, choose, matching};
