//! Claims against carriers, and the files that belong to them.

use crate::{AuditEntry, Page, Result, Scope, Sealed, jobs::NewJob};
use async_trait::async_trait;
use domain::{
    claims::{Claim, ClaimNumber, EvidenceKind, Stage, Totals},
    documents::FileFormat,
    ids::{ClaimFileId, ClaimId, ExceptionId, ShipmentId, UserId},
    money::Money,
};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

/// Claims of one shipment that are read.
pub const OF_SHIPMENT_ROWS: u32 = 20;
/// Files of one claim.
pub const FILES_MAX: usize = 40;
/// Claims with a deadline within days that are added up.
pub const SOON_ROWS: u32 = 1_000;

/// A claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimRecord {
    /// Its id.
    pub id: ClaimId,
    /// Its number, given when it is kept first.
    pub number: ClaimNumber,
    /// Its shipment.
    pub shipment: ShipmentId,
    /// The exception that it was raised for.
    pub exception: Option<ExceptionId>,
    /// Where it stands.
    pub claim: Claim,
    /// Whether the deadline was missed: it was filed late, or the day is over.
    pub missed: bool,
    /// The day on which the next reminder goes out.
    pub remind_on: Option<Date>,
    /// What is known of it.
    pub about: ClaimAbout,
    /// What people wrote about it, sealed; none where nothing was written, or it was erased.
    pub note: Option<Sealed>,
    /// Who looks after it.
    pub owner: Option<UserId>,
    /// When it was raised.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts the changes.
    pub revision: u64,
}

/// What of a claim no question asks for. No personal data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimAbout {
    /// The tracking number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking: Option<String>,
    /// The carrier's brand, as in the carrier directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<String>,
    /// The carrier, as a person reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// The rule for the deadline, in words, with its source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<DeadlineSaid>,
    /// The rule that raised it; none where a person did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raised_by: Option<String>,
    /// What the order system says of the goods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goods: Option<Goods>,
    /// What the labels cost.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shipping: Vec<Money>,
    /// How many pieces of evidence were there when that was last counted, and how many are asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<(u32, u32)>,
}

/// A rule for a deadline as it was applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadlineSaid {
    /// `30 days after shipping`.
    pub words: String,
    /// The text that says so.
    pub source: String,
    /// Whether the contract should be checked.
    #[serde(default)]
    pub check_contract: bool,
    /// Within how many days the carrier usually answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_days: Option<u32>,
}

/// What an order system says of the goods of a delivery.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goods {
    /// When it was read.
    pub read_at: Timestamp,
    /// The delivery's name.
    pub delivery: String,
    /// The order's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
    /// What the goods are worth without taxes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Money>,
    /// The order's value with taxes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Money>,
    /// The names of the posted invoices.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub invoices: Vec<String>,
    /// What is in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<GoodsLine>,
    /// The weight of each parcel in grams.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parcels_g: Vec<u32>,
}

/// A line of a packing list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoodsLine {
    /// What it is.
    pub name: String,
    /// The article's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// How many.
    pub quantity: u32,
    /// The list price of one.
    pub price: Money,
    /// Of all of them together, in grams.
    pub weight_g: u32,
}

/// A file of a claim, without its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimFile {
    /// Its id.
    pub id: ClaimFileId,
    /// What it is evidence of.
    pub kind: EvidenceKind,
    /// What kind of file it is.
    pub format: FileFormat,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 of the file, in hexadecimal digits.
    pub digest: String,
    /// The name that it came under, sealed.
    pub name: Sealed,
    /// When it was added.
    pub added_at: Timestamp,
}

/// What became of a claim that was raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Raised {
    /// It is kept under this number.
    New(ClaimNumber),
    /// There is an open one of the shipment for this reason.
    Open(ClaimNumber),
}

/// Which claims.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimQuery {
    /// Those of this list; none: all.
    pub stage: Option<Stage>,
    /// Where the page begins.
    pub cursor: Option<String>,
}

/// What claims add up to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimFigures {
    /// How many are in each list; those with none are left out.
    pub counts: Vec<(Stage, u64)>,
    /// What is claimed by those in each list.
    pub claimed: Vec<(Stage, Money)>,
    /// What was paid in the year.
    pub paid: Totals,
    /// What had been claimed for it.
    pub paid_of: Totals,
    /// Deadlines of the year that were missed.
    pub missed: u64,
    /// What was claimed by those.
    pub missed_of: Totals,
    /// Drafts with a deadline that is near.
    pub soon: u64,
    /// The first of these deadlines.
    pub soon_first: Option<Date>,
    /// What is claimed by those.
    pub soon_of: Totals,
}

/// Claims.
#[async_trait]
pub trait Claims: Send + Sync {
    /// Keeps a claim under the next number, with jobs and audit entry, unless an open one of its shipment has the same reason.
    async fn raise(&self, scope: Scope, new: ClaimRecord, jobs: Vec<NewJob>, audit: AuditEntry) -> Result<Raised>;

    /// Keeps a claim as its next revision, with jobs and audit entry, unless it changed since it was read; whether it did.
    ///
    /// # Errors
    /// `Conflict` where it would be a second open one of its shipment and reason.
    async fn save(
        &self,
        scope: Scope,
        claim: ClaimRecord,
        jobs: Vec<NewJob>,
        audit: Option<AuditEntry>,
    ) -> Result<bool>;

    /// The claim of this number.
    async fn numbered(&self, scope: Scope, number: ClaimNumber) -> Result<Option<ClaimRecord>>;

    /// The claim of this id.
    async fn claim(&self, scope: Scope, id: ClaimId) -> Result<Option<ClaimRecord>>;

    /// Those of a shipment, newest first.
    async fn of_shipment(&self, scope: Scope, shipment: ShipmentId) -> Result<Vec<ClaimRecord>>;

    /// A page of them, by deadline.
    async fn list(&self, scope: Scope, query: ClaimQuery) -> Result<Page<ClaimRecord>>;

    /// How many are open.
    async fn open(&self, scope: Scope) -> Result<u64>;

    /// What they add up to in the year of this day, and with deadlines from it to another one.
    async fn figures(&self, scope: Scope, today: Date, soon: Date) -> Result<ClaimFigures>;

    /// Drafts of which a reminder is due on this day or was before, a page of them.
    async fn to_remind(&self, scope: Scope, today: Date) -> Result<Vec<ClaimRecord>>;

    /// Keeps a file of a claim, with its content sealed.
    ///
    /// # Errors
    /// `Conflict` where the claim has as many as one may have.
    async fn keep_file(
        &self,
        scope: Scope,
        claim: ClaimId,
        file: ClaimFile,
        content: Sealed,
        audit: AuditEntry,
    ) -> Result<()>;

    /// The files of a claim, oldest first.
    async fn files(&self, scope: Scope, claim: ClaimId) -> Result<Vec<ClaimFile>>;

    /// One of them with its content.
    async fn file(&self, scope: Scope, claim: ClaimId, file: ClaimFileId) -> Result<Option<(ClaimFile, Sealed)>>;

    /// Removes one; whether it was there.
    async fn remove_file(&self, scope: Scope, claim: ClaimId, file: ClaimFileId, audit: AuditEntry) -> Result<bool>;

    /// Removes what is sealed of a shipment's claims: notes and files; how many files.
    async fn erase(&self, scope: Scope, shipment: ShipmentId) -> Result<u64>;
}
