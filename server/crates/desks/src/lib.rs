//! Service desks: one folder each, one shape, one constant list.

mod check;
pub mod cursor;
mod freshdesk;
mod gorgias;
pub mod hooks;
mod intercom;
mod jira;
pub mod marks;
pub mod oauth;
mod odoo_helpdesk;
pub mod paging;
pub mod request_tracker;
pub mod rest;
mod salesforce;
mod servicenow;
mod settings;
mod zammad;
mod zendesk;

use async_trait::async_trait;
use domain::Severity;
use jiff::Timestamp;
use outbound::{CallError, CallLog, ErrorClass, missing::Missing, template::Template};
use std::sync::Arc;
use std::time::Duration;

pub use check::check;
use hooks::{Hook, HookRefusal, HookReport};
pub use settings::{DeskConfig, Options, Settings};

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
    /// Who guards that a key has one case.
    pub key: KeyGuard,
    /// For so long [`Desk::find`] may miss a case that was made: before that, no second one is made.
    pub find_lag: Duration,
    /// What becomes of a case that the desk closed for good.
    pub closed: Closed,
    /// How its reports prove who sends them.
    pub hooks: HookProof,
    /// What it calls the queue that a case can be made in instead of the connection's own; none where it has no such.
    pub queues: Option<&'static str>,
}

/// Who guards that a key has one case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyGuard {
    /// The desk: a second create under the key finds or changes the first case.
    Desk,
    /// Milepost alone: it keeps that it is about to make a case, looks, and only then makes one.
    Milepost,
}

/// What becomes of a case that the desk closed for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// Every closed case can be opened again.
    Reopens,
    /// It cannot always: then another one follows it up.
    FollowUp,
}

/// How a desk's reports of changes prove who sends them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookProof {
    /// By a signature over the body.
    Signature,
    /// By a secret in the header [`hooks::SECRET_HEADER`]: the platform does not sign.
    SharedSecret,
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

/// What people did in a case. Milepost's own notes do not count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// Public replies of agents.
    pub replies: u32,
    /// Internal notes of agents.
    pub notes: u32,
    /// When an agent last wrote, by the desk's clock.
    pub last_at: Option<Timestamp>,
    /// The agent who has it: personal data.
    pub assignee: Option<String>,
    /// The group or queue that has it.
    pub team: Option<String>,
    /// When it last changed, by the clock of [`Change::at`].
    pub changed_at: Option<Timestamp>,
}

/// A case as a closer look finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The case.
    pub case: DeskCase,
    /// What people did in it; empty where it cannot be read.
    pub activity: Activity,
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

/// A case that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The case, as it is now.
    pub case: DeskCase,
    /// When it last changed, by the desk's clock.
    pub at: Option<Timestamp>,
}

/// A page of what changed at the desk, oldest change first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// The cases, as they are now.
    pub cases: Vec<Change>,
    /// Where the next page begins; none where this is the last one.
    pub next: Option<String>,
    /// The newest change on this page, by the desk's clock.
    pub newest: Option<Timestamp>,
}

/// Whom a case is about.
#[derive(Clone, PartialEq, Eq)]
pub struct Requester {
    /// The name.
    pub name: String,
    /// The e-mail address.
    pub email: String,
}

impl std::fmt::Debug for Requester {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Requester(***)")
    }
}

/// Whether a case was opened again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reopened {
    /// It is open, with the note.
    Open,
    /// It is closed for good, deleted or out of sight: another case has to follow it up. Nothing was written.
    FollowUp,
}

/// A case to be made. No personal data goes into it but the requester.
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
    /// The queue, group or team that takes it, by name; none: that of the connection.
    pub queue: Option<String>,
    /// The number of the case that this one follows up.
    pub follows: Option<String>,
    /// The customer; only where the connection is set to name customers. Making a case must not send the customer anything.
    pub requester: Option<Requester>,
}

/// What is set on a case beside its texts and its status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    /// Its priority goes by this; none: it stays.
    pub severity: Option<Severity>,
    /// Added to the tags that it has.
    pub tags: Vec<String>,
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

    /// Adds an internal note, once. Does nothing where the case is deleted or closed for good.
    ///
    /// # Errors
    /// As [`Desk::create`].
    async fn note(&self, number: &str, note_key: &str, body: &str, log: &dyn CallLog) -> Result<(), CallError>;

    /// Adds an internal note, once, and settles the case. Does nothing where it is deleted or closed for good.
    ///
    /// # Errors
    /// As [`Desk::create`].
    async fn resolve(&self, number: &str, note_key: &str, body: &str, log: &dyn CallLog) -> Result<(), CallError>;

    /// Adds an internal note, once, and opens the case again, where the desk allows that.
    ///
    /// # Errors
    /// As [`Desk::create`].
    async fn reopen(&self, number: &str, note_key: &str, body: &str, log: &dyn CallLog) -> Result<Reopened, CallError>;

    /// Gives a case the priority of a severity, and adds tags to those that it has, each once. Does nothing where it is deleted or
    /// closed for good.
    ///
    /// # Errors
    /// As [`Desk::create`].
    async fn label(&self, number: &str, labels: &Labels, log: &dyn CallLog) -> Result<(), CallError>;

    /// Keeps this text as the case's current context, in one field or note of which there is one, in the place of what was
    /// there. The customer does not see it. Does nothing where the case is deleted or closed for good.
    ///
    /// # Errors
    /// As [`Desk::create`].
    async fn set_context(&self, number: &str, context: &str, log: &dyn CallLog) -> Result<(), CallError>;

    /// What a report of the desk is about. Nothing else in it is believed: the cases are read again.
    ///
    /// # Errors
    /// Where it is not proven to come from the desk, is too old, or cannot be read.
    fn read_hook(&self, hook: &Hook<'_>) -> Result<HookReport, HookRefusal>;
}

/// A failure behind a case that was just made: the case is there, so the next try has to look for it first.
pub(crate) fn once_made(error: CallError) -> CallError {
    CallError { class: ErrorClass::UnknownOutcome, ..error }
}

type Connect = fn(DeskConfig) -> Result<Arc<dyn Desk>, CallError>;

/// A desk's connector: what is fixed about it, how a person chooses it, and how to connect it.
type Connector = (&'static Manifest, fn() -> Template, Connect);

/// Every desk.
const DESKS: &[Connector] = &[
    (&freshdesk::MANIFEST, freshdesk::template, freshdesk::connect),
    (&gorgias::MANIFEST, gorgias::template, gorgias::connect),
    (&intercom::MANIFEST, intercom::template, intercom::connect),
    (&jira::MANIFEST, jira::template, jira::connect),
    (&odoo_helpdesk::MANIFEST, odoo_helpdesk::template, odoo_helpdesk::connect),
    (&request_tracker::MANIFEST, request_tracker::template, request_tracker::connect),
    (&salesforce::MANIFEST, salesforce::template, salesforce::connect),
    (&servicenow::MANIFEST, servicenow::template, servicenow::connect),
    (&zammad::MANIFEST, zammad::template, zammad::connect),
    (&zendesk::MANIFEST, zendesk::template, zendesk::connect),
];

/// The desk with this id, connected; none where there is no such connector. Nothing is called yet.
///
/// # Errors
/// `misconfigured` where the address, the token or a setting cannot be used. A setting that this version does not know may
/// change what is written: none is left aside.
pub fn connect(id: &str, config: DeskConfig) -> Result<Option<Arc<dyn Desk>>, CallError> {
    let Some((_, template, connect)) = DESKS.iter().find(|(manifest, ..)| manifest.id == id) else { return Ok(None) };
    let fields = template().fields;
    if let Some(name) = config.options.names().find(|name| fields.iter().all(|field| field.name != *name)) {
        return Err(CallError::new(ErrorClass::Misconfigured, format!("this version has no setting {name}")));
    }
    connect(config).map(Some)
}

/// What the desk with this id calls its queues; none where a case cannot be made in a queue of its own, or there is no such desk.
pub fn queues(id: &str) -> Option<&'static str> {
    DESKS.iter().find(|(manifest, ..)| manifest.id == id).and_then(|(manifest, ..)| manifest.queues)
}

/// The ids of every desk.
pub fn names() -> Vec<&'static str> {
    DESKS.iter().map(|(manifest, ..)| manifest.id).collect()
}

/// Every desk, as a person chooses it.
pub fn templates() -> impl Iterator<Item = Template> {
    DESKS.iter().map(|(_, template, _)| template())
}
