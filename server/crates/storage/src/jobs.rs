//! Jobs: units of work with leases, and the calls they made. Jobs carry ids, not payloads.

use crate::{AuditEntry, Page, Result, Scope, Sealed, tally::Tally};
use async_trait::async_trait;
use domain::ids::{AttemptId, CorrelationId, JobId, ShipmentId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};

/// What a job does, by its stable name. The kinds are defined in their registry: here they are only kept and compared.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JobKind([u8; JobKind::BYTES_MAX]);

impl JobKind {
    /// The longest name.
    pub const BYTES_MAX: usize = 24;
    /// Read a message (target: message).
    pub const NORMALISE: Self = Self::new("normalise");
    /// Fold a shipment (target: shipment).
    pub const FOLD: Self = Self::new("fold");
    /// Bring a shipment's state and effects to its order record (target: shipment).
    pub const SYNC_ORDER: Self = Self::new("sync_order");
    /// Bring what its shipments come to to a sales order (target: the system and the order's id there).
    pub const SYNC_SALES_ORDER: Self = Self::new("sync_sales_order");
    /// Bring an exception to the service desk (target: exception).
    pub const SYNC_CASE: Self = Self::new("sync_case");
    /// Learn what agents did at a service desk (target: the connection).
    pub const POLL_DESK: Self = Self::new("poll_desk");
    /// Take in what an order system changed (target: the connection).
    pub const IMPORT_ORDERS: Self = Self::new("import_orders");
    /// Read a record that an order system reported as changed (target: the connection, the model and the record).
    pub const READ_ORDER: Self = Self::new("read_order");
    /// Fetch the keys that a platform publishes (target: the source's name).
    pub const FETCH_KEYS: Self = Self::new("fetch_keys");
    /// Tests a connection, as the schedule has it.
    pub const CHECK_CONNECTION: Self = Self::new("check_connection");
    /// Read again what a published mapping concerns (target: its version, and the observation it has come to).
    pub const REREAD: Self = Self::new("reread");
    /// Compare the systems (target: the run, or the kind's own name to start one).
    pub const RECONCILE: Self = Self::new("reconcile");
    /// Mend a difference (target: it).
    pub const FIX_DIFFERENCE: Self = Self::new("fix_difference");
    /// Plan the bookings of a delivery and bring what became of them to its order system (target: the system and the record).
    pub const SYNC_BOOKING: Self = Self::new("sync_booking");
    /// Buy a label (target: the booking).
    pub const BOOK_SHIPMENT: Self = Self::new("book_shipment");
    /// Void a label (target: the booking).
    pub const VOID_BOOKING: Self = Self::new("void_booking");
    /// Register a number for tracking, or end that (target: the number).
    pub const REGISTER_TRACKING: Self = Self::new("register_tracking");
    /// Start the tracking of numbers again that a platform ended.
    pub const RENEW_TRACKING: Self = Self::new("renew_tracking");
    /// Learn transit times (target: the kind's own name).
    pub const LEARN_TRANSIT: Self = Self::new("learn_transit");
    /// Look at the conditions of operational alerts.
    pub const EVALUATE_ALERTS: Self = Self::new("evaluate_alerts");
    /// Send a notice of an alert over a channel (target: the notice).
    pub const SEND_ALERT: Self = Self::new("send_alert");
    /// Send a saved report by mail (target: the mailing).
    pub const SEND_REPORT: Self = Self::new("send_report");
    /// Look at shipments for rules that the clock starts (target: the kind's own name, or the shipment behind which it goes on).
    pub const CHECK_RULES: Self = Self::new("check_rules");
    /// Do what rules do outside of order systems and desks (target: shipment).
    pub const RULE_ACTIONS: Self = Self::new("rule_actions");
    /// Send a message to a customer by rule (target: the shipment and the effect).
    pub const MESSAGE_CUSTOMER: Self = Self::new("message_customer");
    /// The next step of a dry run of a rule (target: the dry run).
    pub const TRY_RULE: Self = Self::new("try_rule");
    /// Collect what other systems know of a claim (target: the claim).
    pub const PREPARE_CLAIM: Self = Self::new("prepare_claim");
    /// The next step of what a person replays (target: the replay).
    pub const REPLAY: Self = Self::new("replay");

    /// A kind of this name: lower-case letters and `_`.
    pub const fn new(code: &str) -> Self {
        let (code, mut name, mut at) = (code.as_bytes(), [0; Self::BYTES_MAX], 0);
        assert!(!code.is_empty() && code.len() <= Self::BYTES_MAX, "the name of a kind of job has 1 to 24 letters");
        while at < code.len() {
            assert!(code[at].is_ascii_lowercase() || code[at] == b'_', "the name of a kind of job is lower-case");
            name[at] = code[at];
            at += 1;
        }
        Self(name)
    }

    /// The stable code.
    pub fn code(&self) -> &str {
        let end = self.0.iter().position(|byte| *byte == 0).unwrap_or(Self::BYTES_MAX);
        std::str::from_utf8(&self.0[..end]).unwrap_or_default()
    }

    /// The kind with this code, where it can be the code of one.
    pub fn from_code(code: &str) -> Option<Self> {
        let named = !code.is_empty() && code.len() <= Self::BYTES_MAX;
        (named && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')).then(|| Self::new(code))
    }
}

impl fmt::Display for JobKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for JobKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl TryFrom<String> for JobKind {
    type Error = &'static str;

    fn try_from(code: String) -> std::result::Result<Self, Self::Error> {
        Self::from_code(&code).ok_or("no kind of job")
    }
}

impl From<JobKind> for String {
    fn from(kind: JobKind) -> Self {
        kind.code().to_owned()
    }
}

/// The two lanes: batch never delays real-time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// What people wait for.
    RealTime,
    /// History, imports, comparisons.
    Batch,
}

/// Why a shipment is folded.
pub use domain::cause::Cause;

/// A unit of work to be done. One that waits under the same (kind, target) is merged with it: earlier `run_at`, the
/// stronger cause ([`Cause::strength`]), and the newest destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewJob {
    /// Its id.
    pub id: JobId,
    /// What.
    pub kind: JobKind,
    /// On what: an id as text.
    pub target: String,
    /// The connection that it calls; none for work inside.
    pub destination: Option<String>,
    /// In which lane.
    pub lane: Lane,
    /// Why.
    pub cause: Cause,
    /// Not before.
    pub run_at: Timestamp,
    /// The correlation id.
    pub correlation: CorrelationId,
    /// The shipment it concerns, for the timeline.
    pub shipment: Option<ShipmentId>,
}

impl NewJob {
    /// The same, for work that calls this connection.
    #[must_use]
    pub fn to(self, destination: impl Into<String>) -> Self {
        Self { destination: Some(destination.into()), ..self }
    }
}

/// A leased job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeasedJob {
    /// Whose.
    pub scope: Scope,
    /// The work.
    pub job: NewJob,
    /// How often it was tried before.
    pub attempts: u32,
}

/// Work of one kind that goes to one destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The kind.
    pub kind: JobKind,
    /// The connection that it calls; none for work inside.
    pub destination: Option<String>,
    /// At most so many.
    pub at_most: u32,
}

/// What a worker asks for.
#[derive(Clone, Debug)]
pub struct ClaimRequest {
    /// The worker's name; a lease is only its holder's.
    pub owner: String,
    /// From this lane.
    pub lane: Lane,
    /// Of these kinds and destinations, of each at most so many.
    pub wanted: Vec<Wanted>,
    /// The time.
    pub now: Timestamp,
    /// When the lease ends unless renewed.
    pub until: Timestamp,
    /// What the worker is still doing. Its clock may have jumped beyond the end of these leases; they are not ended.
    pub held: Vec<JobId>,
}

/// How a try ended. The text of an error may be another system's: it is kept sealed, and only its class in clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finish<E = Sealed> {
    /// Done.
    Done,
    /// To be tried again.
    Retry {
        /// When.
        at: Timestamp,
        /// Why.
        error: E,
        /// The class of the error, a stable word.
        class: String,
    },
    /// A person has to look.
    Dead {
        /// Why.
        error: E,
        /// The class of the error.
        class: String,
    },
    /// Given back untouched (shutdown): the try does not count.
    Released,
    /// Nothing to do yet: again at this time; the try does not count.
    Later(Timestamp),
    /// It failed, or its outcome is unknown, and not by its own fault: it is tried again, not before that time whatever
    /// comes meanwhile for its target, and the try does not count.
    Deferred {
        /// Not before.
        at: Timestamp,
        /// What happened.
        error: E,
        /// The stable code of the class of error.
        class: String,
    },
}

impl<E> Finish<E> {
    /// The same with another kind of text.
    pub fn map<F>(self, text: impl FnOnce(E) -> F) -> Finish<F> {
        match self {
            Self::Done => Finish::Done,
            Self::Retry { at, error, class } => Finish::Retry { at, error: text(error), class },
            Self::Dead { error, class } => Finish::Dead { error: text(error), class },
            Self::Released => Finish::Released,
            Self::Later(at) => Finish::Later(at),
            Self::Deferred { at, error, class } => Finish::Deferred { at, error: text(error), class },
        }
    }
}

/// The status of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// Waiting for its first try.
    Ready,
    /// Waiting for another try.
    Retrying,
    /// Somebody has it.
    Leased,
    /// Done.
    Done,
    /// Given up until a person acts.
    Dead,
}

/// A job for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRow {
    /// The work.
    pub job: NewJob,
    /// Its status.
    pub status: JobStatus,
    /// Tries so far.
    pub attempts: u32,
    /// Why the last one failed, sealed; none once it was erased.
    pub error: Option<Sealed>,
    /// That error's class.
    pub class: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last moved.
    pub updated_at: Timestamp,
}

/// A call to another system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptRecord {
    /// Its id.
    pub id: AttemptId,
    /// The job.
    pub job: JobId,
    /// The correlation id.
    pub correlation: CorrelationId,
    /// The shipment concerned.
    pub shipment: Option<ShipmentId>,
    /// The connection that was called.
    pub destination: String,
    /// What was called: `stock.picking/write`.
    pub operation: String,
    /// When.
    pub started_at: Timestamp,
    /// For how long, in milliseconds.
    pub duration_ms: u64,
    /// The HTTP status, where there was one.
    pub status: Option<u16>,
    /// Its outcome.
    pub outcome: Outcome,
    /// The request, masked and sealed; none once it was erased.
    pub request: Option<Sealed>,
    /// The answer, masked and sealed; none once it was erased.
    pub response: Option<Sealed>,
}

/// The outcome of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It did.
    Ok,
    /// It was refused or failed.
    Failed,
    /// Unknown: no response came.
    Unknown,
}

/// Which jobs a list shows. What is pending or done inside is shown only where the selection asks for that destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobFilter {
    /// Dead ones.
    #[default]
    Failed,
    /// To be tried again.
    Retrying,
    /// Waiting or leased.
    Pending,
    /// Done.
    Done,
}

/// Figures of one destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestinationSummary {
    /// The connection, or [`INSIDE`].
    pub destination: String,
    /// Done in the last 24 h; no more than [`crate::limits::DONE_COUNTED`] are counted.
    pub done: u64,
    /// Waiting or leased.
    pub pending: u64,
    /// Waiting for another try.
    pub retrying: u64,
    /// Dead.
    pub dead: u64,
    /// Error classes of dead ones and of retrying ones, most frequent first.
    pub errors: Vec<ErrorCount>,
    /// When it last succeeded.
    pub last_ok: Option<Timestamp>,
}

/// How many jobs have an error of one class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorCount {
    /// Among the dead or the retrying ones.
    pub filter: JobFilter,
    /// The class.
    pub class: String,
    /// How many.
    pub count: u64,
}

/// Jobs of one sort, as an engine counts them.
#[derive(Clone, Debug)]
pub struct Counted {
    /// The connection, or [`INSIDE`].
    pub destination: String,
    /// Their status.
    pub status: JobStatus,
    /// The error class of the last try.
    pub class: Option<String>,
    /// How many.
    pub number: u64,
}

impl DestinationSummary {
    /// Of what is not over, and of what is done: its destination, how many, and when the last.
    pub fn of(counts: Vec<Counted>, done: Vec<(String, u64, Option<Timestamp>)>) -> Vec<Self> {
        let mut summaries: BTreeMap<String, Self> = BTreeMap::new();
        let named = |destination: &String| Self {
            destination: destination.clone(),
            done: 0,
            pending: 0,
            retrying: 0,
            dead: 0,
            errors: Vec::new(),
            last_ok: None,
        };
        for (destination, done, last_ok) in done.into_iter().filter(|(_, _, last_ok)| last_ok.is_some()) {
            let summary = summaries.entry(destination.clone()).or_insert_with(|| named(&destination));
            (summary.done, summary.last_ok) = (done, last_ok);
        }
        for counted in counts {
            let Counted { destination, status, class, number } = counted;
            let summary = summaries.entry(destination.clone()).or_insert_with(|| named(&destination));
            match status {
                JobStatus::Ready | JobStatus::Leased => summary.pending += number,
                JobStatus::Retrying => summary.retrying += number,
                JobStatus::Dead => summary.dead += number,
                JobStatus::Done => {}
            }
            let filter = match status {
                JobStatus::Dead => JobFilter::Failed,
                JobStatus::Retrying => JobFilter::Retrying,
                JobStatus::Ready | JobStatus::Leased | JobStatus::Done => continue,
            };
            let Some(class) = class else { continue };
            match summary.errors.iter_mut().find(|known| known.filter == filter && known.class == class) {
                Some(known) => known.count += number,
                None => summary.errors.push(ErrorCount { filter, class, count: number }),
            }
        }
        let mut summaries: Vec<Self> = summaries.into_values().collect();
        for summary in &mut summaries {
            summary
                .errors
                .sort_by(|a, b| b.count.cmp(&a.count).then_with(|| (a.filter, &a.class).cmp(&(b.filter, &b.class))));
        }
        summaries
    }
}

/// The name under which work that goes to no destination is counted.
pub const INSIDE: &str = "inside";

/// Which jobs: those for which everything that is given here holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSelection {
    /// One of these; empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub jobs: Vec<JobId>,
    /// Of this destination, `inside` for internal work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// Of this class of error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Last moved at or after this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Last moved before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Made at or before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_until: Option<Timestamp>,
}

impl JobSelection {
    /// One job.
    pub fn one(job: JobId) -> Self {
        Self { jobs: vec![job], ..Self::default() }
    }
}

/// Units of work.
#[async_trait]
pub trait Jobs: Send + Sync {
    /// Adds work; merges with what waits under the same (kind, target), which then goes to the newest's destination. What waits for another try is brought forward by
    /// it, but not before its last try has settled ([`crate::limits::SETTLE`]).
    async fn enqueue(&self, scope: Scope, jobs: Vec<NewJob>) -> Result<()>;

    /// Leases due work of every company, of each kind and destination the oldest `run_at` first; never two of one (company, kind, target)
    /// at once. Leases that have ended count as free; their try counts. Where nothing is due, nothing is written.
    async fn claim(&self, request: ClaimRequest) -> Result<Vec<LeasedJob>>;

    /// Prolongs leases; returns those that the owner still has.
    async fn renew(&self, owner: &str, jobs: Vec<JobId>, until: Timestamp) -> Result<Vec<JobId>>;

    /// Ends a try. Does nothing when the owner has lost the lease.
    async fn finish(&self, owner: &str, job: JobId, finish: Finish, now: Timestamp) -> Result<()>;

    /// Keeps a call.
    async fn attempt(&self, scope: Scope, attempt: AttemptRecord) -> Result<()>;

    /// When the next waiting job of a lane is due.
    async fn next_due(&self, lane: Lane) -> Result<Option<Timestamp>>;

    /// Leads, or goes on to, until the given time: of all processes that ask under one name, one at a time. A lease that
    /// has ended is free.
    async fn acquire_leadership(&self, name: &str, owner: &str, now: Timestamp, until: Timestamp) -> Result<bool>;

    /// Gives a lease back before it ends.
    async fn release_leadership(&self, name: &str, owner: &str) -> Result<()>;

    /// Figures by destination.
    async fn summary(&self, scope: Scope, now: Timestamp) -> Result<Vec<DestinationSummary>>;

    /// A page of jobs, newest movement first.
    async fn list(
        &self,
        scope: Scope,
        filter: JobFilter,
        which: JobSelection,
        cursor: Option<String>,
    ) -> Result<Page<JobRow>>;

    /// A job.
    async fn job(&self, scope: Scope, id: JobId) -> Result<Option<JobRow>>;

    /// The newest calls of a job, oldest first.
    async fn attempts(&self, scope: Scope, job: JobId) -> Result<Vec<AttemptRecord>>;

    /// The newest calls about a shipment, oldest first.
    async fn attempts_of(&self, scope: Scope, shipment: ShipmentId) -> Result<Vec<AttemptRecord>>;

    /// How many dead jobs would be taken up.
    async fn count(&self, scope: Scope, which: JobSelection) -> Result<Tally>;

    /// Takes dead jobs up again, at most [`crate::limits::RETRY_JOBS`], the newest first; one whose target has waiting
    /// or newer finished work is dropped instead (it succeeded later).
    ///
    /// # Errors
    /// `NotFound` when jobs are named and none of them is dead.
    async fn retry(&self, scope: Scope, which: JobSelection, now: Timestamp, audit: AuditEntry) -> Result<Tally>;
}
