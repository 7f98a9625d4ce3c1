//! The hot path on SQLite: recording, folds and claims in the writer's own way, the rest in the plain one.

use crate::{
    SqliteStore, commit,
    db::{Sqlite, drive},
    facts, jobs,
    writer::Priority,
};
use async_trait::async_trait;
use domain::{
    effects::EffectOutcome,
    ids::{EffectId, JobId, MessageId, ShipmentId},
};
use jiff::Timestamp;
use rusqlite::Connection;
use storage::{
    Result, Scope,
    facts::{Recorded, Recording},
    inbox::{Accepted, MessageBody, MessageRecord, NewMessage},
    jobs::{AttemptRecord, ClaimRequest, Finish, Lane, LeasedJob, NewJob},
    shipments::{Commit, Committed, Loaded},
};
use storage_sql::{Engine as _, HotPath, inbox, jobs as queue, shipments};

#[async_trait]
impl HotPath for SqliteStore {
    async fn accept(&self, scope: Scope, message: NewMessage, job: NewJob) -> Result<Accepted> {
        let accept = move |conn: &mut Connection| drive(inbox::accept(&mut Sqlite(conn), scope, &message, &job));
        self.writer.write(Priority::Ingest, accept).await
    }

    async fn message_and_body(
        &self,
        scope: Scope,
        id: MessageId,
    ) -> Result<Option<(MessageRecord, Option<MessageBody>)>> {
        self.readers.ask(move |conn| drive(inbox::message_and_body(&mut Sqlite(conn), scope, id))).await
    }

    async fn record(&self, scope: Scope, recording: Recording) -> Result<Recorded> {
        let priority = Priority::of(recording.lane);
        self.writer.write(priority, move |conn| facts::record(conn, scope, &recording)).await
    }

    async fn load(&self, scope: Scope, id: ShipmentId, known_at: Option<Timestamp>) -> Result<Option<Loaded>> {
        self.readers.ask(move |conn| drive(shipments::load(&mut Sqlite(conn), scope, id, known_at))).await
    }

    async fn commit(&self, scope: Scope, commit: Commit) -> Result<Committed> {
        self.writer.write(Priority::RealTime, move |conn| commit::commit(conn, scope, &commit)).await
    }

    async fn effect_done(&self, scope: Scope, id: EffectId, outcome: EffectOutcome, at: Timestamp) -> Result<()> {
        let done = shipments::effect_done(scope, id, &outcome, at);
        shipments::found(self.write_one(Lane::RealTime, done).await?, "effect")
    }

    async fn written(&self, scope: Scope, id: ShipmentId, values: Option<String>, at: Timestamp) -> Result<()> {
        let written = shipments::written(scope, id, values, at);
        shipments::found(self.write_one(Lane::RealTime, written).await?, "shipment")
    }

    async fn enqueue(&self, scope: Scope, new: Vec<NewJob>) -> Result<()> {
        let Some(at) = new.iter().map(|job| job.run_at).min() else { return Ok(()) };
        let priority = Priority::of(new.iter().map(|job| job.lane).min().unwrap_or(Lane::Batch));
        let enqueue =
            move |conn: &mut Connection| drive(queue::enqueue_all(&mut Sqlite(conn), scope, &new, at)).map(drop);
        self.writer.write(priority, enqueue).await
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Vec<LeasedJob>> {
        jobs::claim(self, request).await
    }

    async fn finish(&self, owner: &str, job: JobId, finish: Finish, now: Timestamp) -> Result<()> {
        let owner = owner.to_owned();
        let end = move |conn: &mut Connection| drive(queue::end_try(&mut Sqlite(conn), &owner, job, &finish, now));
        self.writer.write(Priority::RealTime, end).await
    }

    async fn attempt(&self, scope: Scope, attempt: AttemptRecord) -> Result<()> {
        self.write_one(Lane::RealTime, queue::attempt(scope, &attempt)).await.map(drop)
    }
}
