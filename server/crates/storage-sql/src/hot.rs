//! What each engine does in its own way, because it has to be fast: taking in messages, recording, folding, and the queue of
//! jobs. Where an engine has no way of its own, it takes the plain one of the area.

use crate::Engine;
use async_trait::async_trait;
use domain::{
    effects::EffectOutcome,
    ids::{EffectId, JobId, MessageId, ShipmentId},
};
use jiff::Timestamp;
use storage::{
    Result, Scope,
    facts::{Recorded, Recording},
    inbox::{Accepted, MessageBody, MessageRecord, NewMessage},
    jobs::{AttemptRecord, ClaimRequest, Finish, LeasedJob, NewJob},
    shipments::{Commit, Committed, Loaded},
};

/// The hot path of an engine. The traits of `storage` document each method.
#[async_trait]
pub trait HotPath: Engine {
    /// See [`storage::inbox::Inbox::accept`].
    async fn accept(&self, scope: Scope, message: NewMessage, job: NewJob) -> Result<Accepted>;

    /// See [`storage::inbox::Inbox::message_and_body`].
    async fn message_and_body(
        &self,
        scope: Scope,
        id: MessageId,
    ) -> Result<Option<(MessageRecord, Option<MessageBody>)>>;

    /// See [`storage::facts::Facts::record`].
    async fn record(&self, scope: Scope, recording: Recording) -> Result<Recorded>;

    /// See [`storage::shipments::Shipments::load`].
    async fn load(&self, scope: Scope, id: ShipmentId, known_at: Option<Timestamp>) -> Result<Option<Loaded>>;

    /// See [`storage::shipments::Shipments::commit`].
    async fn commit(&self, scope: Scope, commit: Commit) -> Result<Committed>;

    /// See [`storage::shipments::Shipments::effect_done`].
    async fn effect_done(&self, scope: Scope, id: EffectId, outcome: EffectOutcome, at: Timestamp) -> Result<()>;

    /// See [`storage::shipments::Shipments::written`].
    async fn written(&self, scope: Scope, id: ShipmentId, values: Option<String>, at: Timestamp) -> Result<()>;

    /// See [`storage::jobs::Jobs::enqueue`].
    async fn enqueue(&self, scope: Scope, jobs: Vec<NewJob>) -> Result<()>;

    /// See [`storage::jobs::Jobs::claim`].
    async fn claim(&self, request: ClaimRequest) -> Result<Vec<LeasedJob>>;

    /// See [`storage::jobs::Jobs::finish`].
    async fn finish(&self, owner: &str, job: JobId, finish: Finish, now: Timestamp) -> Result<()>;

    /// See [`storage::jobs::Jobs::attempt`].
    async fn attempt(&self, scope: Scope, attempt: AttemptRecord) -> Result<()>;

    /// Gives the changes that have committed their numbers, where an engine does so afterwards.
    async fn number_changes(&self) -> Result<()> {
        Ok(())
    }
}
