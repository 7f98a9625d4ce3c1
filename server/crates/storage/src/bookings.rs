//! Bookings: each the purchase of one label, kept before anything is sent; their labels; numbers that are registered for tracking.

use crate::{AuditEntry, Page, Result, Scope, Sealed, jobs::NewJob};
use async_trait::async_trait;
use domain::{
    booking::{Choice, Ended, ParcelOf, Phase, Purchase},
    ids::{BookingId, ShipmentId},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Bookings of one delivery that are read, newest first.
pub const OF_DELIVERY_ROWS: u32 = 100;

/// A booking.
#[derive(Clone, Debug, PartialEq)]
pub struct BookingRecord {
    /// Its id.
    pub id: BookingId,
    /// What it is known by at the platform: one label for each.
    pub key: String,
    /// The connection to the platform.
    pub connection: String,
    /// The order system.
    pub system: String,
    /// The delivery's id there.
    pub record: i64,
    /// Its shipment.
    pub shipment: ShipmentId,
    /// What was wanted.
    pub wanted: WantedLabel,
    /// The request with the addresses, sealed; none once it is not needed any more.
    pub request: Option<Sealed>,
    /// Where the purchase stands.
    pub purchase: Purchase,
    /// What the delivery in the order system was brought to last.
    pub written: Option<Phase>,
    /// When it was planned.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts the changes.
    pub revision: u64,
}

/// What label was wanted, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WantedLabel {
    /// The delivery's name.
    pub name: String,
    /// The parcel's number within the delivery, from 0; it is never given to another one.
    pub parcel: u32,
    /// Which parcel that is.
    #[serde(default)]
    pub of: ParcelOf,
    /// Counts the bookings of the parcel, from 1.
    pub generation: u32,
    /// The rule; none where a person booked it.
    #[serde(default)]
    pub rule: Option<String>,
    /// Which offer.
    pub choice: Choice,
    /// `test` or `live`.
    pub mode: String,
    /// The label's form.
    pub format: String,
    /// Digest of what was to be booked, keyed: after a refusal another one is booked anew.
    pub digest: String,
}

/// What a person has booked beside the rules.
#[derive(Clone, Debug, PartialEq)]
pub struct BookingOrder {
    /// The shipment.
    pub shipment: ShipmentId,
    /// Where and what.
    pub with: OrderedLabel,
    /// What the person took the labels for, `test` or `live`; none of an order of before that was kept.
    pub mode: Option<String>,
    /// Why it was not done, in our own words; none while it is to be done.
    pub refused: Option<String>,
    /// When it was ordered.
    pub ordered_at: Timestamp,
}

/// Where a label is booked, and which.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderedLabel {
    /// The connection to the platform.
    pub connection: String,
    /// Which offer.
    pub choice: Choice,
    /// The label's form: pdf, png, zpl.
    pub format: String,
    /// Length, width and height of parcels whose package type has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_mm: Option<[u32; 3]>,
}

/// A file of a booking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptDocument {
    /// `label` or `customs`.
    pub paper: String,
    /// `pdf`, `png`, `zpl`.
    pub format: String,
    /// SHA-256 of the file, in hexadecimal digits.
    pub digest: String,
    /// The file, sealed.
    pub content: Sealed,
}

/// How a number stands at a platform that tracks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tracking {
    /// To be registered.
    Wanted,
    /// About to be registered: whether it was is not known.
    Sending,
    /// Registered.
    Registered,
    /// To be ended.
    Unwanted,
    /// Its end is about to be asked for, or was: whether it ended is not known.
    Stopping,
    /// The platform ended it by itself, though the shipment is open: to be started again.
    Lapsed,
    /// Ended.
    Stopped,
    /// The platform does not take it.
    Refused,
}

impl Tracking {
    /// What a person reads.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Wanted => "Registration planned",
            Self::Sending => "Registration not confirmed",
            Self::Registered => "Registered for tracking",
            Self::Unwanted | Self::Stopping => "Tracking is being ended",
            Self::Lapsed => "Tracking is being started again",
            Self::Stopped => "Tracking ended",
            Self::Refused => "Registration refused",
        }
    }
}

/// A number at a platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrationRecord {
    /// The connection.
    pub connection: String,
    /// The number.
    pub number: String,
    /// Its shipment.
    pub shipment: ShipmentId,
    /// How it stands.
    pub tracking: Tracking,
    /// What is known of it.
    pub about: Registration,
    /// When it is looked at whether the platform has ended it; none where the time alone does not end it.
    pub due_at: Option<Timestamp>,
    /// When that last changed.
    pub updated_at: Timestamp,
    /// Counts the changes.
    pub revision: u64,
}

/// What is known of a number at a platform.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// The carrier, in the platform's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// The carrier in our own directory: its brand where that is known, else its family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ours: Option<String>,
    /// The delivery's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The country of destination.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// The platform's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Whether it was sent without an answer since: it may be registered.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unanswered: bool,
    /// When it was last registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered_at: Option<Timestamp>,
    /// Why it was refused, and what to do, in our own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// How often it was started again.
    #[serde(default)]
    pub restarts: u32,
    /// Why the platform last ended it by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
}

/// Bookings and registrations.
#[async_trait]
pub trait Bookings: Send + Sync {
    /// Plans a booking with its first jobs, unless there is one of its key; whether it did.
    async fn plan(&self, scope: Scope, new: BookingRecord, jobs: Vec<NewJob>) -> Result<bool>;

    /// Keeps a booking as its next revision, with jobs and audit entry, unless it changed since it was read; whether it did.
    async fn save(
        &self,
        scope: Scope,
        booking: BookingRecord,
        jobs: Vec<NewJob>,
        audit: Option<AuditEntry>,
    ) -> Result<bool>;

    /// One.
    async fn booking(&self, scope: Scope, id: BookingId) -> Result<Option<BookingRecord>>;

    /// Those of these deliveries, newest first, at most [`OF_DELIVERY_ROWS`] for each.
    async fn of_records(&self, scope: Scope, system: &str, records: Vec<i64>) -> Result<Vec<BookingRecord>>;

    /// Those of a shipment, newest first.
    async fn of_shipment(&self, scope: Scope, shipment: ShipmentId) -> Result<Vec<BookingRecord>>;

    /// A page of them, newest first; with `phase` only those.
    async fn list(&self, scope: Scope, phase: Option<Phase>, cursor: Option<String>) -> Result<Page<BookingRecord>>;

    /// Whether there is one.
    async fn any(&self, scope: Scope) -> Result<bool>;

    /// Whether labels were booked, or numbers registered, at this connection.
    async fn any_at(&self, scope: Scope, connection: &str) -> Result<bool>;

    /// Keeps the files of a booking, in place of any that were kept.
    async fn keep_documents(&self, scope: Scope, id: BookingId, documents: Vec<KeptDocument>) -> Result<()>;

    /// The files of a booking.
    async fn documents(&self, scope: Scope, id: BookingId) -> Result<Vec<KeptDocument>>;

    /// Keeps that a number is to be registered, unless it is known at that connection; whether it did.
    async fn want(&self, scope: Scope, new: RegistrationRecord, jobs: Vec<NewJob>) -> Result<bool>;

    /// Keeps a registration as its next revision, unless it changed since it was read; whether it did.
    async fn save_registration(&self, scope: Scope, new: RegistrationRecord, jobs: Vec<NewJob>) -> Result<bool>;

    /// A number at a connection.
    async fn registration(&self, scope: Scope, connection: &str, number: &str) -> Result<Option<RegistrationRecord>>;

    /// Registered numbers that are to be looked at by then, those that wait longest first.
    async fn registrations_due(&self, scope: Scope, now: Timestamp, limit: u32) -> Result<Vec<RegistrationRecord>>;

    /// Those of these records of an order system that have numbers whose tracking is not over.
    async fn tracked_records(&self, scope: Scope, system: &str, records: Vec<i64>) -> Result<BTreeSet<i64>>;

    /// Keeps what a person has booked for a shipment, in place of an earlier order, with jobs and audit entry.
    async fn order(&self, scope: Scope, order: BookingOrder, jobs: Vec<NewJob>, audit: AuditEntry) -> Result<()>;

    /// What a person has booked for a shipment.
    async fn ordered(&self, scope: Scope, shipment: ShipmentId) -> Result<Option<BookingOrder>>;

    /// An order is settled: kept with why it was refused, else removed; unless another one came in its place.
    async fn settle_order(&self, scope: Scope, order: BookingOrder) -> Result<()>;

    /// The numbers of a shipment, wherever they are registered.
    async fn registrations(&self, scope: Scope, shipment: ShipmentId) -> Result<Vec<RegistrationRecord>>;
}
