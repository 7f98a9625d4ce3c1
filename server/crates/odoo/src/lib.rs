//! Odoo 16 and later, over JSON-2 where it has that (19) and JSON-RPC before: deliveries come in; status, notes and
//! activities go out.
//!
//! Facts of the vendor are from its documentation ("External JSON-2 API", Odoo 19) and from what a running Odoo 19.0
//! Community does; where the two differ, from the latter.

mod activities;
mod address;
mod booking;
mod chatter;
mod check;
mod client;
mod compared;
mod config;
mod deliveries;
mod delivery;
mod documents;
mod fault;
mod field_names;
mod identity;
mod invoices;
mod keys;
mod numbers;
mod packages;
mod record;
mod records;
mod returns;
mod rows;
mod rules;
mod setup;
mod shape;
mod shown;
mod status;
mod steps;
mod transfers;
mod transport;
mod validate;
mod values;
mod wire;

pub use activities::{Activity, People};
pub use address::site;
pub use booking::{Goods, Numbered, PARCELS_MAX, Packed, Parcel, Party, Readiness, ToBook};
pub use check::check;
pub use client::OdooClient;
pub use compared::SHOWN_MAX;
pub use config::{ID, OdooConfig, Settings, Transport, template};
pub use deliveries::{DeliveryPage, NO_ACCESS, PAGE_MAX, REFUSES, Unreadable, WAITS};
pub use delivery::{Customer, Delivery, DeliveryState, OrderKind, UnreadPart};
pub use documents::Content;
pub use invoices::{Invoice, Invoiced};
pub use keys::KeyEnd;
pub use record::{Record, RecordKind};
pub use returns::Returning;
pub use setup::{Ended, Extent, Hints, LOGIN, Plan, Step, There, Wanted, gives_hints, plan, removal};
pub use shown::{Changed, changed_by_others, label};
pub use status::{Fields, OCA_FIELD, StatusValues, WRITE_MAX};
pub use steps::{Proofs, Returns, ValidateOn};
pub use transfers::{READ_FIELDS, Since};
pub use transport::Version;
pub use validate::Validation;
pub use values::OrderValue;

#[cfg(test)]
mod tests;
