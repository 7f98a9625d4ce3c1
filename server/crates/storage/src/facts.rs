//! Facts: trackers, the observations about them, and the shipments that they concern.

use crate::{
    Result, Scope, Sealed, WrappedKey,
    inbox::MessageStatus,
    jobs::{Cause, Lane},
};
use async_trait::async_trait;
use domain::{
    fold::Trust,
    ids::{
        BindingId, CorrelationId, MessageId, ObservationId, ShipmentId, SnapshotId, SourceId, TrackerId, content_id,
    },
    observation::{Observation, References},
    reading::Reading,
};
use jiff::Timestamp;
use std::borrow::Cow;

/// What names a tracker. Carriers are families (`dhl`), as the carrier directory has them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackerKey {
    /// The carrier's family; none where it is unknown.
    pub carrier: Option<String>,
    /// The normalised number.
    pub number: String,
}

/// What one message adds.
#[derive(Clone, Debug)]
pub struct Recording {
    /// The message.
    pub message: MessageId,
    /// Its source.
    pub source: SourceId,
    /// How far the source is trusted.
    pub trust: Trust,
    /// Its correlation id.
    pub correlation: CorrelationId,
    /// When we took it in.
    pub recorded_at: Timestamp,
    /// Its reports, tracker by tracker.
    pub reports: Vec<NewReport>,
    /// Why the shipments are folded.
    pub cause: Cause,
    /// In which lane they are folded.
    pub lane: Lane,
    /// What the message is afterwards.
    pub progress: Progress,
}

/// How far a message is recorded once a recording has committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// All of it.
    Whole(MessageStatus),
    /// So many of its reports; the others follow. The message stays as received and keeps the number as its cursor.
    Part(u32),
}

/// What one message reports about one tracker.
#[derive(Clone, Debug)]
pub struct NewReport {
    /// The tracker; made where it is new.
    pub tracker: TrackerKey,
    /// Id for the tracker, if it has to be made.
    pub tracker_id: TrackerId,
    /// The number as the provider wrote it.
    pub number_raw: String,
    /// The carrier as a person reads it.
    pub carrier_label: Option<String>,
    /// Every number the report names.
    pub refs: References,
    /// Id for an unlinked shipment, if the tracker belongs to no order yet.
    pub unclaimed_id: ShipmentId,
    /// Id for its binding.
    pub binding_id: BindingId,
    /// The list, where the source sends lists.
    pub snapshot: Option<NewSnapshot>,
    /// The statements in the order of the message.
    pub observations: Vec<NewObservation>,
}

/// A list that a provider sent at once.
#[derive(Clone, Debug)]
pub struct NewSnapshot {
    /// Content id.
    pub id: SnapshotId,
    /// The provider's tracker object.
    pub object: Option<String>,
    /// The provider's stamp.
    pub stamp: Option<Timestamp>,
    /// Digest of the list.
    pub digest: String,
}

/// A statement to be recorded.
#[derive(Clone, Debug)]
pub struct NewObservation {
    /// Content id.
    pub id: ObservationId,
    /// Place in the report.
    pub position: u32,
    /// The observation, without the texts that are kept sealed.
    pub body: Observation,
    /// Description and signatory, as sealed JSON `{"description","signatory"}`, under the message's key.
    pub text: Option<Sealed>,
    /// What it means.
    pub reading: Reading,
}

/// What a recording led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The shipments whose facts changed, each once. A fold job is enqueued for each in the same transaction.
    pub shipments: Vec<ShipmentId>,
    /// How many observations are new.
    pub new_observations: u32,
}

/// A statement with where it came from, for the raw ↔ canonical view.
#[derive(Clone, Debug)]
pub struct ObservationRecord {
    /// The observation.
    pub id: ObservationId,
    /// The observation.
    pub body: Observation,
    /// Description and signatory.
    pub text: Option<Sealed>,
    /// The latest reading.
    pub reading: Reading,
    /// The tracker.
    pub tracker: TrackerId,
    /// Its number.
    pub number: String,
    /// The messages with it, newest first: message, place in it, when.
    pub seen: Vec<(MessageId, u32, Timestamp)>,
}

/// Trackers, observations, readings, bindings.
#[async_trait]
pub trait Facts: Send + Sync {
    /// Records what a message reports, in one transaction: trackers found or made ([`crate::trackers::Wanted::chosen_of`]),
    /// observations once each, sightings, snapshots,
    /// readings, the message's status or cursor, an unlinked shipment for a tracker of no order, and a
    /// coalescing `fold` job (target the shipment) for every shipment concerned. Recording twice changes nothing.
    /// `Conflict` where a mapping was published since the readings were made: they are to be made again.
    async fn record(&self, scope: Scope, recording: Recording) -> Result<Recorded>;

    /// One observation of a shipment.
    async fn observation(
        &self,
        scope: Scope,
        shipment: ShipmentId,
        id: ObservationId,
    ) -> Result<Option<ObservationRecord>>;

    /// The sealed texts of observations with the keys of their messages; none of those that have no text, or whose message was
    /// erased.
    async fn texts(&self, scope: Scope, observations: Vec<ObservationId>) -> Result<Vec<SealedText>>;
}

/// The sealed text of an observation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedText {
    /// The observation.
    pub observation: ObservationId,
    /// Its text.
    pub text: Sealed,
    /// The key of its message.
    pub key: WrappedKey,
}

/// A longer id of an event is found by its digest.
const EVENT_KEY_BYTES: usize = 200;
/// Maximum length of a listed unmapped code in characters.
const LISTED_CHARS: usize = 200;

/// The name under which an event is found that has this id: of a length that every index takes.
pub fn event_key(id: &str) -> Cow<'_, str> {
    if id.len() <= EVENT_KEY_BYTES {
        return Cow::Borrowed(id);
    }
    Cow::Owned(content_id("event", &[id.as_bytes()]).simple().to_string())
}

/// A code as it is listed among the unmapped ones.
pub fn listed_code(text: &str) -> &str {
    text.char_indices().nth(LISTED_CHARS).map_or(text, |(end, _)| &text[..end])
}
