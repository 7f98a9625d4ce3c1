//! The keys of subjects: customers, sources, messages.

use crate::{AuditEntry, Result, Scope, WrappedKey};
use async_trait::async_trait;
use domain::ids::SubjectId;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Wrapped keys.
#[async_trait]
pub trait Keys: Send + Sync {
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
}
