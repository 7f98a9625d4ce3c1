//! Service desks: one folder each, one shape, one constant list.

mod check;
pub mod request_tracker;

use async_trait::async_trait;
use domain::Severity;
use jiff::Timestamp;
use outbound::{CallError, CallLog, Key, missing::Missing, template::Template};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;
use std::sync::Arc;

pub use check::check;

/// An agent whose name the desk does not tell.
pub const SOMEBODY: &str = "an agent";
/// Cases that are asked for at once.
pub const SHOWN_MAX: usize = 100;

/// What is fixed about a desk's connector.
#[derive(Clone, Copy, Debug)]
pub struct Manifest {
    /// The folder's name, as configuration and the command line write it.
    pub id: &'static str,
    /// What a person reads.
    pub label: &'static str,
}

/// What a desk is set to, beside its token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Its address.
    pub url: String,
    /// The queue or group that takes the cases.
    pub queue: String,
    /// Seconds between two looks at what agents did there.
    #[serde(default = "poll_seconds")]
    pub poll_seconds: u64,
    /// Jobs at once, in each lane and process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<NonZeroU32>,
    /// Calls a second at most, in each process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls_per_second: Option<NonZeroU32>,
}

const fn poll_seconds() -> u64 {
    30
}

/// How to reach a desk.
#[derive(Clone, Debug)]
pub struct DeskConfig {
    /// Its address.
    pub url: String,
    /// A token of the integration user.
    pub token: Key,
    /// The queue or group that takes the cases.
    pub queue: String,
    /// At most so many calls a second; none leaves it to the desk.
    pub calls_per_second: Option<NonZeroU32>,
}

/// Where a case stands at the desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeskStatus {
    /// Somebody has to do something.
    Open,
    /// Settled.
    Resolved,
    /// Somebody decided that nothing is done about it.
    Rejected,
    /// Thrown away; it takes notes, but nobody sees them.
    Gone,
    /// It cannot be read any more: moved to where the token may not look, or gone for good.
    Hidden,
}

/// A case as the desk has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeskCase {
    /// Its number. Another one than was asked for where a person merged the case into that one.
    pub number: String,
    /// A page for people.
    pub url: String,
    /// Where it stands.
    pub status: DeskStatus,
}

/// A case as a closer look finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The case.
    pub case: DeskCase,
    /// The agent who gave it its status, by login, or [`SOMEBODY`]; none where that was Milepost itself, or where the status
    /// is the known one.
    pub by: Option<String>,
}

/// Where a poll goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PollFrom {
    /// With what changed at this time of the desk's clock, or later.
    Since(Timestamp),
    /// Behind the page with this cursor.
    After(String),
}

/// A page of what changed at the desk, oldest change first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// The cases, as they are now.
    pub cases: Vec<DeskCase>,
    /// Where the next page begins; none where this is the last one.
    pub next: Option<String>,
    /// The newest change on this page, by the desk's clock.
    pub newest: Option<Timestamp>,
}

/// A case to be made. No personal data goes into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCase {
    /// Our key: one case for each.
    pub external_key: String,
    /// One line.
    pub subject: String,
    /// The first text.
    pub body: String,
    /// The number that the carrier knows.
    pub tracking_number: String,
    /// The carrier, as a person reads it.
    pub carrier: String,
    /// The reason's code.
    pub exception_code: String,
    /// How much a person is needed.
    pub severity: Severity,
    /// The delivery's page in Odoo.
    pub odoo_url: Option<String>,
    /// The shipment's page.
    pub milepost_url: String,
    /// Words to filter by.
    pub tags: Vec<String>,
    /// The number of the case that this one follows up.
    pub follows: Option<String>,
}

/// One service desk. Every text that is posted under a `note_key` is posted once: it is looked for in the case's
/// history first, since an earlier try may have been applied without an answer.
#[async_trait]
pub trait Desk: Send + Sync {
    /// What is fixed about it.
    fn manifest(&self) -> &'static Manifest;

    /// Which version answers, where the token may know; needs a good token.
    ///
    /// # Errors
    /// When the desk does not answer, or the token is not good.
    async fn version(&self, log: &dyn CallLog) -> Result<Option<String>, CallError>;

    /// What is missing at the desk; empty where nothing is. A misnamed field would mean that no case is ever
    /// found again, and so endless duplicates: ask at the start.
    ///
    /// # Errors
    /// When the desk does not answer, or the token is not good.
    async fn check(&self, log: &dyn CallLog) -> Result<Vec<Missing>, CallError>;

    /// The case with this key.
    ///
    /// # Errors
    /// When the desk does not answer as it should.
    async fn find(&self, external_key: &str, log: &dyn CallLog) -> Result<Option<DeskCase>, CallError>;

    /// Makes a case. Look with [`Desk::find`] before: desks do not guard against a second one.
    ///
    /// # Errors
    /// `unknown_outcome` where no answer came; `misconfigured` where the desk did not keep the key.
    async fn create(&self, case: &NewCase, log: &dyn CallLog) -> Result<DeskCase, CallError>;

    /// The case with this number and, where its status is another than the known one, who gave it that. A case that cannot
    /// be read is [`DeskStatus::Hidden`].
    ///
    /// # Errors
    /// When the desk does not answer as it should.
    async fn look(&self, number: &str, known: DeskStatus, log: &dyn CallLog) -> Result<Look, CallError>;

    /// What changed at the desk, a page at a time; paging loses nothing, whatever changes meanwhile. Deleted cases need not
    /// be among it: see [`Desk::shown`].
    ///
    /// # Errors
    /// When the desk does not answer as it should.
    async fn changed(&self, from: &PollFrom, log: &dyn CallLog) -> Result<Changed, CallError>;

    /// Of at most [`SHOWN_MAX`] cases those that the desk still shows; what is missing was deleted, merged, or cannot be read.
    ///
    /// # Errors
    /// When the desk does not answer as it should.
    async fn shown(&self, numbers: &[String], log: &dyn CallLog) -> Result<Vec<DeskCase>, CallError>;

    /// Adds an internal note, once.
    ///
    /// # Errors
    /// As [`Desk::create`].
    async fn note(&self, number: &str, note_key: &str, body: &str, log: &dyn CallLog) -> Result<(), CallError>;

    /// Adds an internal note, once, and settles the case.
    ///
    /// # Errors
    /// As [`Desk::create`].
    async fn resolve(&self, number: &str, note_key: &str, body: &str, log: &dyn CallLog) -> Result<(), CallError>;

    /// Adds an internal note, once, and opens the case again.
    ///
    /// # Errors
    /// As [`Desk::create`].
    async fn reopen(&self, number: &str, note_key: &str, body: &str, log: &dyn CallLog) -> Result<(), CallError>;
}

type Connect = fn(DeskConfig) -> Result<Arc<dyn Desk>, CallError>;

/// A desk's connector: what is fixed about it, how a person chooses it, and how to connect it.
type Connector = (&'static Manifest, fn() -> Template, Connect);

/// Every desk.
const DESKS: &[Connector] = &[(&request_tracker::MANIFEST, request_tracker::template, request_tracker::connect)];

/// The desk with this id, connected; none where there is no such connector. Nothing is called yet.
///
/// # Errors
/// `misconfigured` where the address or the token cannot be used.
pub fn connect(id: &str, config: DeskConfig) -> Result<Option<Arc<dyn Desk>>, CallError> {
    DESKS.iter().find(|(manifest, ..)| manifest.id == id).map(|(.., connect)| connect(config)).transpose()
}

/// The ids of every desk.
pub fn names() -> Vec<&'static str> {
    DESKS.iter().map(|(manifest, ..)| manifest.id).collect()
}

/// Every desk, as a person chooses it.
pub fn templates() -> impl Iterator<Item = Template> {
    DESKS.iter().map(|(_, template, _)| template())
}
