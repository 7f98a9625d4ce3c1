//! Users, sessions, keys, settings and the audit trail.

use crate::{Actor, AuditEntry, Result, Scope, Sealed, WrappedKey};
use async_trait::async_trait;
use domain::ids::{CompanyId, ShipmentId, SubjectId, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A person who signs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRecord {
    /// Its id.
    pub id: UserId,
    /// The company.
    pub company: CompanyId,
    /// What is typed to sign in; lower case, unique in an installation.
    pub login: String,
    /// What others see.
    pub name: String,
    /// PHC string of the password (argon2id).
    pub password: String,
    /// What the person may do.
    pub roles: Vec<RoleName>,
    /// Whether sign-in is allowed.
    pub enabled: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoleName {
    /// Works the queue.
    Agent,
    /// Reads the figures.
    Executive,
    /// Runs the installation.
    Admin,
}

/// A web session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// Keyed hash of the session id: the cookie's value is not stored.
    pub key: String,
    /// What it holds, as JSON.
    pub data: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A line of the audit trail.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditRecord {
    /// Its place in the chain, from 1.
    pub seq: u64,
    /// Who.
    pub actor: Actor,
    /// What.
    pub entry: AuditLine,
    /// Hash of the line before.
    pub previous: String,
    /// Hash of this line and the one before.
    pub hash: String,
}

/// An entry as it is read back.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditLine {
    /// When.
    pub at: Timestamp,
    /// What was done.
    pub action: String,
    /// To what.
    pub subject: String,
    /// After, sealed.
    pub after: Option<Sealed>,
    /// The person's reason.
    pub why: Option<String>,
}

/// Whether the chain holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainCheck {
    /// Every line follows from the one before; so many lines.
    Sound(u64),
    /// This line does not.
    Broken(u64),
}

/// A value on its way from what was read to what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingChange {
    /// Its name.
    pub name: &'static str,
    /// What was read.
    pub from: Option<String>,
    /// What it should be.
    pub to: String,
}

/// Users, sessions, keys, settings, audit.
#[async_trait]
pub trait People: Send + Sync {
    /// The installation's only company, made on first use with this id.
    async fn company(&self, id: CompanyId, name: &str, at: Timestamp) -> Result<CompanyId>;

    /// A user by login, whichever company.
    async fn user_by_login(&self, login: &str) -> Result<Option<UserRecord>>;

    /// A user by id.
    async fn user(&self, id: UserId) -> Result<Option<UserRecord>>;

    /// Every user of the company.
    async fn users(&self, scope: Scope) -> Result<Vec<UserRecord>>;

    /// Makes or replaces a user; the audit entry commits with it.
    ///
    /// # Errors
    /// `Conflict` when another user has the login.
    async fn put_user(&self, scope: Scope, user: UserRecord, audit: AuditEntry) -> Result<()>;

    /// A session that has not ended.
    async fn session(&self, key: &str, now: Timestamp) -> Result<Option<SessionRecord>>;

    /// Keeps a session.
    async fn put_session(&self, session: SessionRecord) -> Result<()>;

    /// Ends a session.
    async fn drop_session(&self, key: &str) -> Result<()>;

    /// Drops sessions and throttle counters that have ended; returns how many.
    async fn sweep(&self, now: Timestamp) -> Result<u64>;

    /// Counts a failure under a key (an HMAC of login or address) in a window; returns the count so far.
    async fn throttle_hit(&self, key: &str, now: Timestamp, window_ends: Timestamp) -> Result<u32>;

    /// The failures counted under a key.
    async fn throttle_count(&self, key: &str, now: Timestamp) -> Result<u32>;

    /// Forgets the failures of a key.
    async fn throttle_clear(&self, key: &str) -> Result<()>;

    /// The wrapped key of a subject: a customer, a source, a message; none once destroyed.
    async fn key(&self, scope: Scope, subject: SubjectId) -> Result<Option<WrappedKey>>;

    /// Keeps a subject's key, unless it has one; returns the one that is kept.
    async fn put_key(&self, scope: Scope, key: WrappedKey, at: Timestamp) -> Result<WrappedKey>;

    /// The wrapped keys of subjects that ever had one of their own; none in place of one that was destroyed.
    async fn keys(&self, scope: Scope, subjects: Vec<SubjectId>) -> Result<BTreeMap<SubjectId, Option<WrappedKey>>>;

    /// Marks the key of a subject that never had one as destroyed: nothing is ever kept of it.
    async fn bury_key(&self, scope: Scope, subject: SubjectId, at: Timestamp) -> Result<()>;

    /// Destroys a subject's key, and forgets the words under which a customer of that subject was found.
    async fn destroy_key(&self, scope: Scope, subject: SubjectId, audit: AuditEntry) -> Result<()>;

    /// A value that outlives restarts (cursors, one-time links, the check value of the master key).
    async fn setting(&self, scope: Scope, name: &str) -> Result<Option<String>>;

    /// Keeps such a value.
    async fn put_setting(&self, scope: Scope, name: &str, value: String) -> Result<()>;

    /// Changes a value from what was read (none: there was none); the audit entry commits with it.
    ///
    /// # Errors
    /// `Conflict` when it is another by now.
    async fn change_setting(&self, scope: Scope, change: SettingChange, audit: AuditEntry) -> Result<()>;

    /// Takes a value out, at most once: of two callers one gets it.
    async fn take_setting(&self, scope: Scope, name: &str) -> Result<Option<String>>;

    /// Appends to the audit trail.
    async fn audit(&self, scope: Scope, entry: AuditEntry) -> Result<()>;

    /// The newest lines of the audit trail, of one subject where given.
    async fn audit_trail(&self, scope: Scope, subject: Option<String>, limit: u32) -> Result<Vec<AuditRecord>>;

    /// Walks the hash chain.
    async fn audit_check(&self, scope: Scope) -> Result<ChainCheck>;

    /// The audit lines about a shipment and its exceptions, oldest first, with the actor's name.
    async fn audit_of(&self, scope: Scope, shipment: ShipmentId) -> Result<Vec<(AuditRecord, Option<String>)>>;
}
