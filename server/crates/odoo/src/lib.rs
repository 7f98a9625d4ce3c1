//! Odoo 19 and later over its JSON-2 API: deliveries come in; status, notes and activities go out.
//!
//! Facts of the vendor are from its documentation ("External JSON-2 API", Odoo 19) and from what a running Odoo 19.0
//! Community does; where the two differ, from the latter.

mod chatter;
mod check;
mod client;
mod config;
mod deliveries;
mod delivery;
mod records;
mod rows;
mod setup;
mod shown;
mod status;
mod wire;

pub use check::check;
use client::PAGES;
pub use client::{OdooClient, Version, site};
pub use config::{ID, OdooConfig, Settings, template};
pub use deliveries::{DeliveryPage, NO_ACCESS, PAGE_MAX, READ_FIELDS, REFUSES, Since, Unreadable, WAITS};
pub use delivery::{Customer, Delivery, DeliveryState, UnreadPart};
pub use shown::{Changed, changed_by_others, label};
pub use status::{Fields, StatusValues, WRITE_MAX};

#[cfg(test)]
mod tests;
