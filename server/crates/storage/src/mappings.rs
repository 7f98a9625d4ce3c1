//! Published mappings: versions of the overlay, and the events with the codes that a version changes.

use crate::{Actor, AuditEntry, Result, Scope, Sealed, jobs::NewJob};
use async_trait::async_trait;
use domain::{
    ids::{ObservationId, ShipmentId},
    mapping::Overlay,
    observation::{Observation, ProviderCode},
    reading::{MappingVersion, Reading},
};
use jiff::Timestamp;

/// A published overlay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedMapping {
    /// Its number; the first is 1, since 0 is the base that ships with the product.
    pub version: MappingVersion,
    /// All of it.
    pub overlay: Overlay,
    /// The person's reason.
    pub why: String,
    /// Who.
    pub actor: Actor,
    /// When.
    pub at: Timestamp,
}

/// An overlay to be published.
#[derive(Clone, Debug)]
pub struct NewMapping {
    /// The version that it was made from; 0 where nothing was published yet.
    pub previous: MappingVersion,
    /// All of it.
    pub overlay: Overlay,
    /// The person's reason.
    pub why: String,
    /// When.
    pub at: Timestamp,
    /// The work that reads again what the change concerns.
    pub job: NewJob,
}

/// A code that no mapping knows, with how often it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnmappedCode {
    /// The code.
    pub code: ProviderCode,
    /// Observations with it.
    pub observations: u64,
    /// Shipments that they concern.
    pub shipments: u64,
    /// When the oldest of them was taken in.
    pub first_seen: Timestamp,
    /// When the newest of them was taken in.
    pub last_seen: Timestamp,
    /// The newest of them.
    pub samples: Vec<Sample>,
}

/// An observation with a code that no mapping knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The observation.
    pub observation: ObservationId,
    /// A shipment that it concerns.
    pub shipment: Option<ShipmentId>,
    /// The tracker's number, as the provider wrote it.
    pub number: String,
    /// The provider's words, sealed as the observation has them.
    pub text: Option<Sealed>,
}

/// An observation to be read again.
#[derive(Clone, Debug, PartialEq)]
pub struct Reread {
    /// The observation.
    pub id: ObservationId,
    /// The observation.
    pub body: Observation,
    /// The shipments that it concerns now.
    pub shipments: Vec<ShipmentId>,
}

/// Published overlays, and the codes that they are for.
#[async_trait]
pub trait Mappings: Send + Sync {
    /// Publishes an overlay with its audit line and its work, in one transaction; its number is one more than that of
    /// `previous`. `Conflict` where another was published since.
    async fn publish(&self, scope: Scope, new: NewMapping, audit: AuditEntry) -> Result<MappingVersion>;

    /// The newest overlay; none where the base is all there is.
    async fn newest(&self, scope: Scope) -> Result<Option<PublishedMapping>>;

    /// The overlay of a version.
    async fn published(&self, scope: Scope, version: MappingVersion) -> Result<Option<PublishedMapping>>;

    /// The overlays, newest first, at most [`crate::limits::MAPPING_ROWS`].
    async fn history(&self, scope: Scope) -> Result<Vec<PublishedMapping>>;

    /// Codes that no mapping knows, most frequent first, each with up to [`crate::limits::SAMPLES`] samples.
    async fn unmapped(&self, scope: Scope) -> Result<Vec<UnmappedCode>>;

    /// How many codes no mapping knows.
    async fn unmapped_count(&self, scope: Scope) -> Result<u64>;

    /// How many observations name one of these codes: among the candidates of their status, as coarse status, or as
    /// reason.
    async fn count_with(&self, scope: Scope, codes: Vec<ProviderCode>) -> Result<u64>;

    /// The observations that name one of these codes, by id, after the one given; at most
    /// [`crate::limits::REREAD_ROWS`].
    async fn with(&self, scope: Scope, codes: Vec<ProviderCode>, after: Option<ObservationId>) -> Result<Vec<Reread>>;

    /// Appends readings of the newest version, and the jobs that follow. `Conflict` where a newer one was published
    /// since they were made.
    async fn reread(
        &self,
        scope: Scope,
        readings: Vec<(ObservationId, Reading)>,
        at: Timestamp,
        jobs: Vec<NewJob>,
    ) -> Result<()>;
}
