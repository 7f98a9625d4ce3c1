//! Web sessions, and how fast somebody may try to sign in.

use crate::{AuditEntry, Result, Scope};
use async_trait::async_trait;
use domain::ids::UserId;
use jiff::{SignedDuration, Timestamp};

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

/// How fast attempts may follow each other: the first ones are free, and from the last of them on each doubles the time to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The number of free attempts; at least 2.
    pub free: u32,
    /// The longest time to wait.
    pub longest: SignedDuration,
    /// After this time without an attempt the count begins anew; longer than `longest`.
    pub window: SignedDuration,
}

/// Whether an attempt may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Try {
    /// It may, and is counted: the count.
    Free(u32),
    /// It may not before then, and is not counted.
    Wait(Timestamp),
}

/// A length of time as engines keep it.
pub fn span_micros(span: SignedDuration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

/// Sessions, and tries to sign in.
#[async_trait]
pub trait Sessions: Send + Sync {
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
}
