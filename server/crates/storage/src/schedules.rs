//! Schedules: when the clock starts which work.

use crate::{
    AuditEntry, Result, Scope,
    jobs::{JobKind, NewJob},
};
use async_trait::async_trait;
use jiff::Timestamp;

/// When the clock starts one piece of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Its name: `prune`, `import_orders/odoo`.
    pub name: String,
    /// What it starts.
    pub kind: JobKind,
    /// On what.
    pub target: String,
    /// The connection that the work calls; none for work inside.
    pub destination: Option<String>,
    /// `every 60 s`, or a cron expression of five or six fields.
    pub expression: String,
    /// The time zone of a cron expression.
    pub zone: String,
    /// When it starts next.
    pub next_at: Timestamp,
    /// When it last started.
    pub last_at: Option<Timestamp>,
}

/// Schedules.
#[async_trait]
pub trait Schedules: Send + Sync {
    /// All of them, by name.
    async fn all(&self, scope: Scope) -> Result<Vec<Schedule>>;

    /// Makes one, or changes it; when it last started stays. What a person changes is audited with it.
    async fn put(&self, scope: Scope, schedule: Schedule, audit: Option<AuditEntry>) -> Result<()>;

    /// Starts its work where it is still due at the expected time, and sets the next; whether it did. Of several processes
    /// one does.
    async fn start(
        &self,
        scope: Scope,
        name: &str,
        expected: Timestamp,
        next: Timestamp,
        job: NewJob,
        now: Timestamp,
    ) -> Result<bool>;

    /// All are due now.
    async fn hurry(&self, scope: Scope, now: Timestamp) -> Result<()>;
}
