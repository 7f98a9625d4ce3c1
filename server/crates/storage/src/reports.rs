//! Saved reports with their mailings, and annotations: remarks about some days, which charts show.

use crate::{Actor, AuditEntry, Result, Scope, Sealed, exceptions::ExceptionRecord, jobs::NewJob, rollups::Filter};
use async_trait::async_trait;
use domain::ids::{AnnotationId, ReportId, ReportRunId, UserId};
use jiff::{SignedDuration, Timestamp, civil::Date};
use kpi::{
    contribution::row::Dims,
    report::{Content, Rhythm},
};
use serde::{Deserialize, Serialize};

/// Annotations of one read, the newest days first.
pub const ANNOTATION_ROWS: u32 = 200;
/// Saved reports of a company.
pub const REPORTS_MAX: u32 = 200;
/// Mailings of a report that are kept.
pub const RUNS_KEPT: u32 = 20;
/// After this time a mailing that is not sent yet holds up no other.
pub const SENDING: SignedDuration = SignedDuration::from_hours(12);

/// What an annotation is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is what it is named by")]
pub enum AnnotationKind {
    Strike,
    Storm,
    Holiday,
    Outage,
    Peak,
    Other,
}

/// Whether deliveries of these days teach transit times. They count for figures in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Learning {
    /// As those of other days.
    #[default]
    Learned,
    /// Shipments that were handed over on these days are left out.
    LeftOut,
}

/// A remark about some days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnotationRecord {
    /// Its id.
    pub id: AnnotationId,
    /// What it is about.
    pub kind: AnnotationKind,
    /// The first day.
    pub from: Date,
    /// The last day.
    pub to: Date,
    /// The carrier's family; none: all.
    pub carrier: Option<String>,
    /// A few words, without personal data.
    pub text: String,
    /// Whether transit times are learned from these days.
    pub learning: Learning,
    /// Who added it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

/// Who sees a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sharing {
    /// Its owner, and who runs the installation.
    #[default]
    Private,
    /// All who see figures.
    Team,
}

/// As what a report is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// In the mail itself, ready for print.
    #[default]
    Html,
    /// With a workbook beside it.
    Xlsx,
    /// With comma-separated values beside it.
    Csv,
}

/// To whom and how often a report goes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailing {
    /// When.
    pub rhythm: Rhythm,
    /// As what.
    pub format: Format,
    /// The addresses, sealed.
    pub to: Sealed,
    /// When it goes out next; none while it is paused.
    pub next_at: Option<Timestamp>,
}

/// A saved report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportRecord {
    /// Its id.
    pub id: ReportId,
    /// Whose; none: the command line's.
    pub owner: Option<UserId>,
    /// Who sees it.
    pub sharing: Sharing,
    /// What it is called.
    pub name: String,
    /// What it shows.
    pub content: Content,
    /// To whom it goes out; none: to none.
    pub mailing: Option<Mailing>,
    /// When it was saved last.
    pub updated_at: Timestamp,
    /// Counts the changes.
    pub revision: u64,
}

/// How a mailing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// It is to be sent.
    Waiting,
    /// It is being sent.
    Sending,
    /// The mail server took it.
    Sent,
    /// It may have been sent; it is not sent again.
    Unknown,
    /// It was given up.
    Failed,
}

/// One mailing of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportRun {
    /// Its id: that of the mail.
    pub id: ReportRunId,
    /// Of which report.
    pub report: ReportId,
    /// The time that its period is seen from.
    pub due_at: Timestamp,
    /// How it stands.
    pub state: RunState,
    /// What there is to be said about that, for people.
    pub note: String,
    /// When it came to this.
    pub at: Timestamp,
}

/// A mailing to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRun {
    /// It.
    pub run: ReportRun,
    /// What sends it; none where it cannot be sent.
    pub job: Option<NewJob>,
}

/// Which exceptions of a period: those that count for the rate of exceptions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TroubleQuery {
    /// The first day, in the company's zone.
    pub from: Date,
    /// The day after the last.
    pub until: Date,
    /// When the first day begins.
    pub begin: Timestamp,
    /// When the last one ends.
    pub end: Timestamp,
    /// What narrows them.
    pub filter: Filter,
    /// From so many shipments at most.
    pub shipments: u32,
}

/// An exception, and by what its shipment is narrowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TroubleRow {
    /// It.
    pub exception: ExceptionRecord,
    /// Carrier, country and the like.
    pub dims: Dims,
    /// The customer: the order system and its record there.
    pub customer: Option<(String, i64)>,
    /// Whether a ticket was opened for it.
    pub ticket: bool,
}

/// Exceptions of a period.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Troubles {
    /// They.
    pub rows: Vec<TroubleRow>,
    /// Whether there are more shipments with exceptions than were read.
    pub cut: bool,
}

/// Saved reports, annotations, and the exceptions of a period.
#[async_trait]
pub trait Reports: Send + Sync {
    /// Annotations with a day in this time (first and last day), the newest first.
    async fn annotations(&self, scope: Scope, from: Date, to: Date) -> Result<Vec<AnnotationRecord>>;

    /// Adds one.
    async fn annotate(&self, scope: Scope, new: AnnotationRecord, audit: AuditEntry) -> Result<()>;

    /// Removes one; whether it was there.
    async fn remove_annotation(&self, scope: Scope, id: AnnotationId, audit: AuditEntry) -> Result<bool>;

    /// The exceptions that count for the rate of exceptions in a period.
    async fn troubles(&self, scope: Scope, query: TroubleQuery) -> Result<Troubles>;

    /// Every saved report, by name.
    async fn all(&self, scope: Scope) -> Result<Vec<ReportRecord>>;

    /// One of them.
    async fn report(&self, scope: Scope, id: ReportId) -> Result<Option<ReportRecord>>;

    /// Keeps a report: a new one with revision 0, else as the next revision unless it changed since it was read; whether it did.
    ///
    /// # Errors
    /// `Conflict` where there are as many as a company may have.
    async fn save(&self, scope: Scope, report: ReportRecord, audit: AuditEntry) -> Result<bool>;

    /// Removes a report with its mailings; whether it was there.
    async fn remove(&self, scope: Scope, id: ReportId, audit: AuditEntry) -> Result<bool>;

    /// Those that are due.
    async fn due(&self, scope: Scope, now: Timestamp) -> Result<Vec<ReportRecord>>;

    /// Begins the mailing that was due at the expected time, and sets the next one; whether it did. Of several processes one does.
    async fn begin(&self, scope: Scope, expected: Timestamp, next: Option<Timestamp>, new: NewRun) -> Result<bool>;

    /// Begins a mailing that a person asks for, unless one of the report is not sent yet; whether it did.
    async fn send_now(&self, scope: Scope, new: NewRun, audit: AuditEntry) -> Result<bool>;

    /// The newest mailing of each report.
    async fn newest_runs(&self, scope: Scope) -> Result<Vec<ReportRun>>;

    /// The mailings of a report, newest first.
    async fn runs(&self, scope: Scope, report: ReportId) -> Result<Vec<ReportRun>>;

    /// A mailing.
    async fn run(&self, scope: Scope, id: ReportRunId) -> Result<Option<ReportRun>>;

    /// Moves a mailing on from a state; whether it was in that.
    async fn run_moved(&self, scope: Scope, from: RunState, to: ReportRun) -> Result<bool>;
}
