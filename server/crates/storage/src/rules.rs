//! Rules as data: what people made of them, their versions, how often they acted, and their dry runs.

use crate::{Actor, AuditEntry, Page, Result, Scope, jobs::NewJob};
use async_trait::async_trait;
use domain::{
    ids::{ExceptionId, ShipmentId, TrialId, UserId},
    rule::{Content, RuleId, RuleVersion},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Rules of an installation.
pub const RULES_MAX: u32 = 200;
/// Versions of one rule that are read, newest first.
pub const VERSION_ROWS: u32 = 100;
/// Dry runs of one rule that are kept.
pub const TRIAL_ROWS: u32 = 10;

/// A rule as people have made it; one that ships with the product and that nobody touched has none.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleRecord {
    /// Its id.
    pub id: RuleId,
    /// Who looks after it.
    pub owner: Option<UserId>,
    /// The version that runs; none: it was never published. 0 is the built-in one.
    pub active: Option<RuleVersion>,
    /// What stops it, if anything does.
    pub halt: Option<Halt>,
    /// What is to be published next.
    pub draft: Option<Draft>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts the changes.
    pub revision: u64,
}

/// What stops a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Halt {
    /// A person paused it.
    Paused {
        /// Until when; none: until a person resumes it.
        until: Option<Timestamp>,
        /// By whom.
        by: Actor,
    },
    /// Milepost stopped it, since it did harm.
    Stopped {
        /// Why, and what to do.
        why: String,
        /// When.
        at: Timestamp,
    },
}

/// What is to be published next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// What the rule is to be.
    pub content: Content,
    /// Who saved it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// Since when a second person is asked to publish it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<Timestamp>,
}

/// A published version; it never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedRule {
    /// The rule.
    pub rule: RuleId,
    /// Its number, from 1.
    pub version: RuleVersion,
    /// What it says.
    pub content: Content,
    /// Who wrote it.
    pub by: Actor,
    /// Who published it, where that was somebody else.
    pub approved_by: Option<Actor>,
    /// When it was published.
    pub at: Timestamp,
    /// The version that it goes back to, where it does.
    pub back_to: Option<RuleVersion>,
}

/// How often a rule acted, since the last count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleCount {
    /// The rule.
    pub rule: RuleId,
    /// On which day, as days since 1970 (UTC).
    pub day: i64,
    /// Changes about which it did something.
    pub fired: u64,
    /// Changes on which it could not be run.
    pub failed: u64,
    /// Actions that were moved to a later minute.
    pub delayed: u64,
}

/// A rule acted because of an exception.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFiring {
    /// The rule.
    pub rule: RuleId,
    /// The exception.
    pub exception: ExceptionId,
    /// Its shipment.
    pub shipment: ShipmentId,
    /// When.
    pub at: Timestamp,
}

/// What a rule came to within some days.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleFigures {
    /// Changes about which it did something.
    pub fired: u64,
    /// Changes on which it could not be run.
    pub failed: u64,
    /// Actions that were moved to a later minute.
    pub delayed: u64,
    /// Exceptions because of which it acted.
    pub exceptions: u64,
    /// Those of them that ended before anybody acted on them.
    pub auto_resolved: u64,
}

/// The status of a dry run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrialState {
    /// Steps follow.
    Running,
    /// It is through.
    Done,
    /// It came to its limit: what it says is of a part.
    Cut,
    /// It failed.
    Failed,
}

/// A dry run: what a version would have done in some days, against the one that runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Its id.
    pub id: TrialId,
    /// The rule.
    pub rule: RuleId,
    /// What is tried.
    pub content: Content,
    /// What it is compared with, and that one's number.
    pub active: Option<(RuleVersion, Content)>,
    /// Days back.
    pub days: u32,
    /// Who started it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// Where it stands.
    pub state: TrialState,
    /// Shipments in these days, as counted before it began.
    pub total: u64,
    /// Shipments that are done.
    pub shipments: u64,
    /// Events that were gone through.
    pub events: u64,
    /// What the draft would have done.
    pub draft_sum: TrialSum,
    /// What the active version would have done.
    pub active_sum: TrialSum,
    /// Where the next step begins.
    pub cursor: Option<String>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Counts the steps.
    pub step: u64,
}

/// What a version would have done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialSum {
    /// How often it would have acted.
    pub fired: u64,
    /// Those that ended by themselves within the grace.
    pub healed: u64,
    /// Those that needed a person.
    pub needed: u64,
    /// On how many shipments it could not be run.
    pub failed: u64,
    /// How long what it acted on lasted: under 1, 2, 3, 4, 8, 24 hours, longer.
    pub lasted: [u64; 7],
}

/// One thing that the tried version would have done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialRow {
    /// The shipment.
    pub shipment: ShipmentId,
    /// Its number, as people write it.
    pub number: String,
    /// Its order.
    pub order: Option<String>,
    /// Its carrier.
    pub carrier: Option<String>,
    /// The reason of the exception; none where it is about none.
    pub reason: Option<String>,
    /// When it would have acted.
    pub at: Timestamp,
    /// Minutes for which the reason lasted; none while it goes on.
    pub lasted_minutes: Option<i64>,
    /// Whether a person was needed.
    pub needed: bool,
    /// How it ended, in a word.
    pub ended: Option<String>,
    /// Whether the active version would have acted too.
    pub active_too: bool,
}

/// Which shipments a dry run walks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrialWalk {
    /// Those that were updated since then.
    pub since: Timestamp,
    /// Behind this one.
    pub after: Option<ShipmentId>,
}

/// Rules.
#[async_trait]
pub trait Rules: Send + Sync {
    /// Every rule that people made or touched, by id, with what its active version says and since when; none where that is the
    /// built-in one.
    async fn all(&self, scope: Scope) -> Result<Vec<(RuleRecord, Option<PublishedRule>)>>;

    /// One.
    async fn rule(&self, scope: Scope, id: &RuleId) -> Result<Option<RuleRecord>>;

    /// Keeps a rule as its next revision, with a version that is published with it, unless it changed since it was read; whether
    /// it did. A new one has revision 0.
    async fn save(
        &self,
        scope: Scope,
        rule: RuleRecord,
        published: Option<PublishedRule>,
        audit: Option<AuditEntry>,
    ) -> Result<bool>;

    /// Removes one that was never published; whether it was there.
    async fn remove(&self, scope: Scope, id: &RuleId, audit: AuditEntry) -> Result<bool>;

    /// The published versions of a rule, newest first, at most [`VERSION_ROWS`].
    async fn history(&self, scope: Scope, id: &RuleId) -> Result<Vec<PublishedRule>>;

    /// What was published of all rules, newest first.
    async fn published(&self, scope: Scope, limit: u32) -> Result<Vec<PublishedRule>>;

    /// Adds to the counts, and forgets what lies before a time.
    async fn count(
        &self,
        scope: Scope,
        counts: Vec<RuleCount>,
        firings: Vec<RuleFiring>,
        forget_before: Timestamp,
    ) -> Result<()>;

    /// What each rule came to since a day.
    async fn figures(&self, scope: Scope, since: Timestamp) -> Result<Vec<(RuleId, RuleFigures)>>;

    /// Begins a dry run with its first job; older ones than the last [`TRIAL_ROWS`] of the rule go.
    async fn begin_trial(&self, scope: Scope, trial: Trial, job: NewJob, audit: AuditEntry) -> Result<()>;

    /// Keeps a step of a dry run, with its rows and the job of the next one, unless that step is done already; whether it did.
    async fn step_trial(&self, scope: Scope, trial: Trial, rows: Vec<TrialRow>, job: Option<NewJob>) -> Result<bool>;

    /// A dry run.
    async fn trial(&self, scope: Scope, id: TrialId) -> Result<Option<Trial>>;

    /// The newest dry run of a rule.
    async fn newest_trial(&self, scope: Scope, rule: &RuleId) -> Result<Option<Trial>>;

    /// A page of what a dry run would have done: those that needed a person first, then the longest.
    async fn trial_rows(&self, scope: Scope, id: TrialId, cursor: Option<String>) -> Result<Page<TrialRow>>;

    /// Shipments of orders that were updated since a time, by id.
    async fn walk(&self, scope: Scope, walk: TrialWalk, limit: u32) -> Result<Vec<ShipmentId>>;

    /// How many shipments such a walk has.
    async fn walk_total(&self, scope: Scope, since: Timestamp) -> Result<u64>;

    /// Shipments of orders that are under way, by id.
    async fn under_way(&self, scope: Scope, after: Option<ShipmentId>, limit: u32) -> Result<Vec<ShipmentId>>;
}
