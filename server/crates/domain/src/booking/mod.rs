//! Bookings: the purchase of one label for one parcel, exactly once. Where it stands and what comes next (`machine`), which booking is
//! of which parcel (`parcels`), which deliveries are booked where (`rules`), when a platform stops tracking a number (`subscription`). Pure: the calls are made by others.

pub mod machine;
pub mod parcels;
pub mod rules;
pub mod subscription;

pub use machine::{
    Answer, Event, Found, Label, LabelRef, Look, Phase, Purchase, QUIET_PERIOD, Refused, Todo, TypedOver, Void, Wrong,
};
pub use parcels::{Had, ParcelOf};
pub use rules::{Action, BookingRule, Choice, Misfit, Offer, Parcels, RULES_MAX, When, choose, is_covered, matching};
pub use subscription::{Ended, Ends, RESTARTS_MAX, Subscription};
