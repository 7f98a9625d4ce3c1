//! What an erasure reads and rewrites besides keys and search words: messages, the words of statements, errors and calls. Each
//! method is one step of bounded size and may be done again.

use crate::{Page, Result, Scope, Sealed, WrappedKey};
use async_trait::async_trait;
use domain::ids::{AttemptId, JobId, MessageId, ObservationId, ShipmentId, TrackerId};
use jiff::Timestamp;

/// Before a shipment's id in the name of the setting with the time until which its texts are erased.
pub const ERASED: &str = "erased.";

/// A shipment's own statements: those on its trackers, where others have the tracker too until it was no longer bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own {
    /// The shipment; what was merged into it is part of it.
    pub shipment: ShipmentId,
    /// Statements on its trackers that are of another use of the number.
    pub except: Vec<ObservationId>,
}

impl From<ShipmentId> for Own {
    fn from(shipment: ShipmentId) -> Self {
        Self { shipment, except: Vec::new() }
    }
}

/// A message about a shipment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The message.
    pub message: MessageId,
    /// The trackers in it that are not this shipment's, or not its alone; none where it is about nothing else.
    pub others: Vec<TrackerId>,
    /// When the first of its statements about the shipment was recorded.
    pub recorded_at: Timestamp,
    /// Whether it is still to be processed: not all that it is about is known.
    pub unfinished: bool,
}

/// A message without what was erased, under another key.
#[derive(Clone, Debug)]
pub struct Rewritten {
    /// The body; none where there is none any more.
    pub body: Option<Sealed>,
    /// Its key; the one before is destroyed.
    pub key: WrappedKey,
    /// The words of its statements, sealed again.
    pub texts: Vec<(ObservationId, Sealed)>,
}

/// A text that may name persons of any shipment: of a job that concerns none, or of a call for several that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loose {
    /// Of what.
    pub of: LooseId,
    /// Error, request or answer.
    pub texts: Vec<Sealed>,
}

/// What has such a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LooseId {
    /// A call.
    Attempt(AttemptId),
    /// A job.
    Job(JobId),
}

/// Erasure.
#[async_trait]
pub trait Erasure: Send + Sync {
    /// Shipments with a setting [`ERASED`], by id, at most [`crate::limits::ERASED_TEXTS`].
    async fn erased(&self, scope: Scope, after: Option<ShipmentId>) -> Result<Vec<ShipmentId>>;

    /// The trackers of a shipment that another shipment has or had too.
    async fn shared(&self, scope: Scope, shipment: ShipmentId) -> Result<Vec<TrackerId>>;

    /// Messages with a key and statements of a shipment's own that were recorded, or whose tracker became the shipment's, since
    /// then, by id, at most [`crate::limits::ERASED_MESSAGES`].
    async fn about(&self, scope: Scope, own: Own, since: Timestamp, after: Option<MessageId>) -> Result<Vec<About>>;

    /// Messages with a body that were read and of which no statement is recorded, by id, as many at most.
    async fn unread(&self, scope: Scope, after: Option<MessageId>) -> Result<Vec<MessageId>>;

    /// The words of statements about these trackers that are sealed under a message's key.
    async fn texts_under(
        &self,
        scope: Scope,
        message: MessageId,
        trackers: Vec<TrackerId>,
    ) -> Result<Vec<(ObservationId, Sealed)>>;

    /// The words of a shipment's own statements, by id, at most [`crate::limits::ERASED_TEXTS`].
    async fn texts_about(
        &self,
        scope: Scope,
        own: Own,
        after: Option<ObservationId>,
    ) -> Result<Vec<(ObservationId, Sealed)>>;

    /// Destroys a message's key, body, headers and reason, unless it is to be read; whether it did.
    async fn erase_message(&self, scope: Scope, message: MessageId) -> Result<bool>;

    /// Puts what was rewritten in a message's place, where its key is still the one that it was read with and it is not to be
    /// read; whether it did. The message is not read again from then on.
    async fn rewrite_message(
        &self,
        scope: Scope,
        message: MessageId,
        read_with: WrappedKey,
        rewritten: Rewritten,
    ) -> Result<bool>;

    /// Empties words of a shipment's own statements, and its jobs' errors and calls, at most [`crate::limits::ERASED_TEXTS`]
    /// of each; whether there may be more.
    async fn empty(&self, scope: Scope, own: Own) -> Result<bool>;

    /// A page of errors, of calls that failed, and of calls that concern no shipment, at most [`crate::limits::ERASED_TEXTS`].
    async fn loose(&self, scope: Scope, cursor: Option<String>) -> Result<Page<Loose>>;

    /// Empties some of these.
    async fn empty_loose(&self, scope: Scope, of: Vec<LooseId>) -> Result<()>;

    /// Brings what was erased out of files beside the database; whether it could, or has to be tried again when no reader is active.
    async fn settle(&self) -> Result<bool>;
}
