//! Users, sessions, keys, settings and the audit trail.

use crate::{Actor, AuditEntry, Result, Scope, Sealed, WrappedKey, audit::Line};
use async_trait::async_trait;
use domain::{
    access::Role,
    ids::{CompanyId, ShipmentId, SubjectId, UserId},
};
use jiff::{SignedDuration, Timestamp};
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
    pub roles: Vec<Role>,
    /// Whether sign-in is allowed.
    pub enabled: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

impl UserRecord {
    /// Whether this person runs the installation.
    pub fn is_admin(&self) -> bool {
        self.enabled && self.roles.contains(&Role::Admin)
    }

    /// Whether the sessions of the person as they were before go on.
    pub fn keeps_sessions_of(&self, before: &Self) -> bool {
        self.enabled && self.password == before.password && self.roles == before.roles
    }
}

/// A web session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// Keyed hash of the session id: the cookie's value is not stored.
    pub key: String,
    /// Whose.
    pub user: UserId,
    /// When the person signed in.
    pub made_at: Timestamp,
    /// When the person was last seen, to within minutes.
    pub seen_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// What it holds, as JSON.
    pub data: String,
}

/// How fast tries may follow each other: so many are free, and from the last of them on each doubles the time to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Free tries; at least 2.
    pub free: u32,
    /// The longest time to wait.
    pub longest: SignedDuration,
    /// Without a try for so long, the count begins anew; longer than `longest`.
    pub window: SignedDuration,
}

/// Whether a try may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Try {
    /// It may, and is counted; so many were.
    Free(u32),
    /// It may not before then, and is not counted.
    Wait(Timestamp),
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
    /// Its MAC; none of lines of before migration 0034.
    pub mac: Option<Vec<u8>>,
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
    /// Before, sealed.
    pub before: Option<Sealed>,
    /// After, sealed.
    pub after: Option<Sealed>,
    /// The person's reason, sealed.
    pub why: Option<Sealed>,
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

/// Why a user is not changed.
pub fn changed_meanwhile(login: &str) -> String {
    format!("{login} was changed by somebody else at the same time: look at `milepost user list` and try again")
}

/// Why a user stays an admin.
pub fn last_admin(login: &str) -> String {
    format!("{login} is the last admin who can sign in: make another one first")
}

/// A length of time as engines keep it.
pub fn span_micros(span: SignedDuration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
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

    /// Makes or replaces a user; the audit entry commits with it. A new password, other roles or an end of the right to sign in
    /// end the person's sessions.
    ///
    /// # Errors
    /// `Conflict` when another user has the login, or when nobody would be left to run the installation.
    async fn put_user(&self, scope: Scope, user: UserRecord, audit: AuditEntry) -> Result<()>;

    /// The same for a user as it was read, so that of two changes at the same time none undoes the other.
    ///
    /// # Errors
    /// `Conflict` also when the user is another by now.
    async fn change_user(&self, scope: Scope, read: UserRecord, user: UserRecord, audit: AuditEntry) -> Result<()>;

    /// A session that has not ended.
    async fn session(&self, key: &str, now: Timestamp) -> Result<Option<SessionRecord>>;

    /// The sessions of the company's people that have not ended, oldest first.
    async fn sessions(&self, scope: Scope, now: Timestamp) -> Result<Vec<SessionRecord>>;

    /// Begins a session.
    async fn put_session(&self, session: SessionRecord) -> Result<()>;

    /// Prolongs a session; one that was ended meanwhile stays so.
    async fn renew_session(&self, session: SessionRecord) -> Result<()>;

    /// Ends a session.
    async fn drop_session(&self, key: &str) -> Result<()>;

    /// Ends sessions of the company's people; the audit entry commits with it. Returns how many.
    async fn end_sessions(&self, scope: Scope, keys: Vec<String>, audit: AuditEntry) -> Result<u64>;

    /// Drops sessions and throttle counters that have ended; returns how many.
    async fn sweep(&self, now: Timestamp) -> Result<u64>;

    /// Asks for a try under a key (an HMAC of login or address) and counts it, in one step: of tries at the same time no more
    /// are free than one after the other.
    async fn throttle(&self, key: &str, pace: Pace, now: Timestamp) -> Result<Try>;

    /// How the tries of a key stand: the count, and from when on the next is free; none without any in the window.
    async fn throttled(&self, key: &str, now: Timestamp) -> Result<Option<(u32, Timestamp)>>;

    /// Takes a try of a key back that was made then and was counted as this one. Where none was counted since, the next is free
    /// at once.
    async fn throttle_forgive(&self, key: &str, count: u32, at: Timestamp) -> Result<()>;

    /// Forgets the tries of a key.
    async fn throttle_clear(&self, key: &str) -> Result<()>;

    /// The wrapped key of a subject: a customer, a source, a message; none once destroyed.
    async fn key(&self, scope: Scope, subject: SubjectId) -> Result<Option<WrappedKey>>;

    /// Keeps a subject's key, unless it has one; returns the one that is kept.
    async fn put_key(&self, scope: Scope, key: WrappedKey, at: Timestamp) -> Result<WrappedKey>;

    /// The wrapped keys of subjects that ever had one of their own; none in place of one that was destroyed.
    async fn keys(&self, scope: Scope, subjects: Vec<SubjectId>) -> Result<BTreeMap<SubjectId, Option<WrappedKey>>>;

    /// Marks the key of a subject that never had one as destroyed: nothing is ever kept of it.
    async fn tombstone_key(&self, scope: Scope, subject: SubjectId, at: Timestamp) -> Result<()>;

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
    async fn audit_trail(&self, scope: Scope, subject: Option<String>, limit: u32) -> Result<Vec<AuditRecord>> {
        self.audit_before(scope, subject, None, limit).await
    }

    /// The same of the lines before one.
    async fn audit_before(
        &self,
        scope: Scope,
        subject: Option<String>,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<AuditRecord>>;

    /// The lines behind one (none: all), oldest first, as the table has them.
    async fn audit_lines(&self, scope: Scope, after: Option<i64>, limit: u32) -> Result<Vec<Line>>;

    /// The audit lines about a shipment and its exceptions, oldest first, with the actor's name.
    async fn audit_of(&self, scope: Scope, shipment: ShipmentId) -> Result<Vec<(AuditRecord, Option<String>)>>;
}
