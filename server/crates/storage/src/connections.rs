//! Connections: the systems that messages come from and that Milepost calls. What a person sets of one; its present health is in
//! [`crate::destinations`].

use crate::{AuditEntry, Result, Scope, Sealed, WrappedKey};
use async_trait::async_trait;
use domain::ids::SourceId;
use jiff::Timestamp;

/// Hours of traffic that are kept.
pub const TRAFFIC_HOURS: i64 = 35 * 24;

/// A connection. What sends messages is a source, and has its id as such.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionRecord {
    /// Its id.
    pub id: SourceId,
    /// The name, which is never changed: in `/ingest/{name}`, and where jobs go to. Lower case, digits, hyphens.
    pub name: String,
    /// What people call it.
    pub label: String,
    /// The connector.
    pub connector: String,
    /// The verification scheme's name; empty where nothing is verified.
    pub scheme: String,
    /// The settings by the connector's own schema, as JSON object.
    pub settings: String,
    /// The secrets, newest first, as sealed JSON list of strings.
    pub secrets: Sealed,
    /// When the newest secret was set.
    pub secret_set_at: Timestamp,
    /// When a message was first verified with the newest secret; not written by [`Connections::put`].
    pub secret_accepted_at: Option<Timestamp>,
    /// Whether it is in use.
    pub enabled: bool,
    /// When it was disabled; none of one that is in use, or never was.
    pub disabled_at: Option<Timestamp>,
    /// Whether everything behind it is a test system.
    pub sandbox: bool,
    /// Who looks after it.
    pub owner: String,
    /// What it is for.
    pub purpose: String,
    /// Where it is written what to do when it fails: a link.
    pub runbook: String,
    /// Which kinds of data go over it.
    pub data_classes: Vec<String>,
    /// Which exceptions a desk takes, as JSON; `{}`: every one.
    pub takes: String,
    /// What its test last found, as JSON.
    pub tested: Option<String>,
    /// Digests of what the command line said of it so far, by field, as JSON; none where it never said anything.
    pub seeded: Option<String>,
    /// Grows with each change; 0 in a record that replaces whatever is there.
    pub version: u64,
    /// When something last went well.
    pub last_ok_at: Option<Timestamp>,
    /// When something last failed.
    pub last_failed_at: Option<Timestamp>,
    /// How: the class.
    pub last_failure: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl ConnectionRecord {
    /// A new one with nothing but what it cannot be without; it is in use.
    pub fn new(id: SourceId, name: &str, connector: &str, secrets: Sealed, now: Timestamp) -> Self {
        Self {
            id,
            name: name.to_owned(),
            label: name.to_owned(),
            connector: connector.to_owned(),
            scheme: String::new(),
            settings: "{}".into(),
            secrets,
            secret_set_at: now,
            secret_accepted_at: None,
            enabled: true,
            disabled_at: None,
            sandbox: false,
            owner: String::new(),
            purpose: String::new(),
            runbook: String::new(),
            data_classes: Vec::new(),
            takes: "{}".into(),
            tested: None,
            seeded: None,
            version: 0,
            last_ok_at: None,
            last_failed_at: None,
            last_failure: None,
            created_at: now,
        }
    }

    /// The same in use or not in use, from now on.
    #[must_use]
    pub fn switched(self, on: bool, now: Timestamp) -> Self {
        let disabled_at = match (on, self.enabled) {
            (true, _) => None,
            (false, true) => Some(now),
            (false, false) => self.disabled_at,
        };
        Self { enabled: on, disabled_at, ..self }
    }

    /// Whether it was never in use.
    pub fn is_draft(&self) -> bool {
        let untouched = self.last_ok_at.is_none() && self.last_failed_at.is_none();
        !self.enabled && self.disabled_at.is_none() && untouched
    }
}

/// Messages or calls of a connection in one hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hour {
    /// The connection's name.
    pub connection: String,
    /// Hours since 1970.
    pub hour: i64,
    /// How many went well.
    pub ok: u64,
    /// How many failed.
    pub failed: u64,
}

/// What happened on a connection since that was last kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// How much.
    pub hour: Hour,
    /// When something last went well.
    pub last_ok_at: Option<Timestamp>,
    /// When something last failed, and the class.
    pub last_failed: Option<(Timestamp, String)>,
    /// When the newest secret of the record with this version was accepted.
    pub accepted: Option<(u64, Timestamp)>,
}

/// The connections.
#[async_trait]
pub trait Connections: Send + Sync {
    /// Every connection, by name.
    async fn all(&self, scope: Scope) -> Result<Vec<ConnectionRecord>>;

    /// The connection of this name, whichever company has it (names are unique in an installation): the only question that
    /// is called before a company is known. Its key is none where that was destroyed.
    async fn by_name(&self, name: &str) -> Result<Option<(Scope, ConnectionRecord, Option<WrappedKey>)>>;

    /// Makes or replaces a connection; the results of its traffic stay. Where its settings or secrets change, the result of its
    /// test is dropped and its circuit breaker closes: both are about what it was before. The audit entry commits with it, and
    /// so does the key, where one is given.
    ///
    /// # Errors
    /// `Conflict` when another connection has the name, or when it was changed since the record was read.
    async fn put(
        &self,
        scope: Scope,
        record: ConnectionRecord,
        key: Option<WrappedKey>,
        audit: AuditEntry,
    ) -> Result<()>;

    /// Whether anything of the system behind a connection is kept under its name: deliveries, or cases at the desk.
    async fn is_used(&self, scope: Scope, name: &str) -> Result<bool>;

    /// Ends what waits of a connection that was removed: its jobs, also those that failed for good, and deliveries that could not be
    /// read; how many jobs.
    async fn end_work(&self, scope: Scope, name: &str) -> Result<u64>;

    /// Another number after each change of any connection.
    async fn version(&self, scope: Scope) -> Result<u64>;

    /// Keeps what a connection's test found.
    ///
    /// # Errors
    /// `Conflict` when it has another version by now: something else was tested.
    async fn tested(&self, scope: Scope, id: SourceId, version: u64, report: String, audit: AuditEntry) -> Result<()>;

    /// Adds to what happened.
    async fn traffic(&self, scope: Scope, traffic: Vec<Traffic>) -> Result<()>;

    /// What happened from an hour on, by connection and hour.
    async fn hours(&self, scope: Scope, since: i64) -> Result<Vec<Hour>>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::SubjectId;
    use uuid::Uuid;

    #[test]
    fn a_draft_was_never_in_use() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let id = Uuid::from_u128(1);
        let secrets = Sealed { subject: SubjectId(id), bytes: Vec::new() };
        let fresh = ConnectionRecord::new(SourceId(id), "odoo", "odoo", secrets, at(1));
        assert!(!fresh.is_draft());
        let draft = ConnectionRecord { enabled: false, ..fresh }.switched(false, at(2));
        assert!(draft.is_draft() && draft.disabled_at.is_none());
        let disabled = draft.switched(true, at(3)).switched(false, at(4));
        assert!(!disabled.is_draft());
        assert_eq!(disabled.switched(false, at(5)).disabled_at, Some(at(4)), "since then");
    }
}
