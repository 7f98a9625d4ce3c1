//! The inbox: messages as received, durable before they are acknowledged.

use crate::{AuditEntry, Page, Result, Scope, Sealed, WrappedKey, jobs::NewJob, tally::Tally};
use async_trait::async_trait;
use domain::ids::{CorrelationId, MessageId, SourceId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A message to be kept.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// Its id.
    pub id: MessageId,
    /// From where.
    pub source: SourceId,
    /// The correlation id of everything that follows from it.
    pub correlation: CorrelationId,
    /// When it came.
    pub received_at: Timestamp,
    /// By which a repetition is known: a keyed digest of the source, of the provider's id of the delivery where it has one,
    /// and of the plaintext.
    pub digest: Uuid,
    /// The headers kept (none that carries a secret), as JSON object.
    pub headers: String,
    /// The media type.
    pub content_type: Option<String>,
    /// How it was verified: `aftership_hmac`, or `unsigned`.
    pub verified_by: String,
    /// Size of the plaintext in bytes.
    pub size: u64,
    /// The body under the message's own key: its subject is the message.
    pub body: Sealed,
    /// That key.
    pub key: WrappedKey,
}

/// What became of a message that was offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The message that is kept: the new one, or the one it repeats.
    pub message: MessageId,
    /// The correlation id of the kept one.
    pub correlation: CorrelationId,
    /// Whether it was new.
    pub novelty: Novelty,
}

/// Whether a message was new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Novelty {
    /// Stored, with its job.
    New,
    /// The digest is that of a message that is kept; counted there, nothing else stored.
    Repeated,
}

/// The status of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageStatus {
    /// Waiting to be read.
    Received,
    /// Read; its statements are recorded.
    Normalised {
        /// How many statements.
        observations: u32,
        /// What was read with doubt.
        problems: u32,
    },
    /// Well-formed and not about tracking.
    Ignored {
        /// What it is, sealed; none once it was erased.
        reason: Option<Sealed>,
    },
    /// Cannot be read: a person has to look. Replayable.
    Quarantined {
        /// Why, sealed; none once it was erased.
        reason: Option<Sealed>,
    },
}

/// A kept message.
#[derive(Clone, Debug)]
pub struct MessageRecord {
    /// Its id.
    pub id: MessageId,
    /// From where.
    pub source: SourceId,
    /// That source's name.
    pub source_name: String,
    /// That source's connector.
    pub connector: String,
    /// That source's settings.
    pub settings: String,
    /// The correlation id.
    pub correlation: CorrelationId,
    /// When it came.
    pub received_at: Timestamp,
    /// How it was verified.
    pub verified_by: String,
    /// Size in bytes.
    pub size: u64,
    /// How often it was repeated.
    pub repeats: u32,
    /// Its status.
    pub status: MessageStatus,
    /// How many of its reports are recorded while others still have to be: where reading goes on after a stop.
    pub cursor: u32,
    /// Whether it was read before, also while it waits to be read again.
    pub read_before: bool,
    /// Whether its key was destroyed: nothing of its content is left.
    pub erased: bool,
    /// Whether an erasure has rewritten it: it is not read again, since its content may differ by now.
    pub rewritten: bool,
}

/// The body of a kept message with its key.
#[derive(Clone, Debug)]
pub struct MessageBody {
    /// The body.
    pub body: Sealed,
    /// Its key.
    pub key: WrappedKey,
}

/// The status of a message, without the details.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageState {
    /// Waiting to be read.
    Received,
    /// Read.
    Normalised,
    /// Not about tracking.
    Ignored,
    /// Cannot be read.
    Quarantined,
}

/// Which messages: those for which everything that is given here holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageSelection {
    /// One of these; empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<MessageId>,
    /// From this source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceId>,
    /// With this status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<MessageState>,
    /// Received at or after this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Received before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// Messages as received.
#[async_trait]
pub trait Inbox: Send + Sync {
    /// Keeps a message and its job in one transaction, unless the digest is that of a kept one.
    async fn accept(&self, scope: Scope, message: NewMessage, job: NewJob) -> Result<Accepted>;

    /// A message without its body.
    async fn message(&self, scope: Scope, id: MessageId) -> Result<Option<MessageRecord>>;

    /// These messages without their bodies, as far as there are such, oldest first.
    async fn several(&self, scope: Scope, ids: Vec<MessageId>) -> Result<Vec<MessageRecord>>;

    /// A message with its body; none of that once retention dropped it or its key was destroyed.
    async fn message_and_body(
        &self,
        scope: Scope,
        id: MessageId,
    ) -> Result<Option<(MessageRecord, Option<MessageBody>)>>;

    /// Says what became of a message from which nothing was recorded.
    async fn conclude(&self, scope: Scope, id: MessageId, status: MessageStatus) -> Result<()>;

    /// A page of messages, newest first.
    async fn messages(
        &self,
        scope: Scope,
        which: MessageSelection,
        cursor: Option<String>,
    ) -> Result<Page<MessageRecord>>;

    /// How many messages could be read again; those whose body is no longer kept or was rewritten are left out.
    async fn count(&self, scope: Scope, which: MessageSelection) -> Result<Tally>;

    /// Reads messages again: status back to received, and their jobs. One whose body is no longer kept or was
    /// rewritten stays as it is. Returns how many.
    async fn replay(&self, scope: Scope, messages: Vec<(MessageId, NewJob)>, audit: AuditEntry) -> Result<u32>;
}
