//! The hot path on PostgreSQL: commands that wait at the same time go together.

use crate::{
    PostgresStore,
    db::Pg,
    facts,
    inbox::{Accept, Open},
    jobs::{self, Called, End},
    shipments::{
        changes,
        commit::{self, Put},
        load::{self, Load},
        notes::{Note, Noted},
    },
};
use async_trait::async_trait;
use domain::{
    effects::EffectOutcome,
    ids::{EffectId, JobId, MessageId, ShipmentId},
};
use jiff::Timestamp;
use storage::{
    Result, Scope, StoreError,
    facts::{Recorded, Recording},
    inbox::{Accepted, MessageBody, MessageRecord, NewMessage},
    jobs::{AttemptRecord, ClaimRequest, Finish, Lane, LeasedJob, NewJob},
    shipments::{Commit, Committed, Loaded},
};
use storage_sql::{HotPath, jobs::enqueue_all};

#[async_trait]
impl HotPath for PostgresStore {
    async fn accept(&self, scope: Scope, message: NewMessage, job: NewJob) -> Result<Accepted> {
        self.accepting.join(Accept { scope, message, job }).await
    }

    async fn message_and_body(
        &self,
        scope: Scope,
        id: MessageId,
    ) -> Result<Option<(MessageRecord, Option<MessageBody>)>> {
        self.opening.join(Open { scope, id }).await
    }

    async fn record(&self, scope: Scope, recording: Recording) -> Result<Recorded> {
        facts::record_in_lane(self, scope, recording).await
    }

    async fn load(&self, scope: Scope, id: ShipmentId, known_at: Option<Timestamp>) -> Result<Option<Loaded>> {
        if known_at.is_none() {
            return self.loading.join(Load { scope, id }).await;
        }
        let mut read = self.moment().await?;
        Ok(load::load(&mut read, &[(&scope, id)], known_at).await?.pop().flatten())
    }

    async fn commit(&self, scope: Scope, commit: Commit) -> Result<Committed> {
        if commit::is_simple(&commit) {
            return self.putting.join(Put { scope, commit }).await?.ok_or(StoreError::NotFound("shipment"));
        }
        self.write(Lane::RealTime, move |conn| Box::pin(async move { commit::commit(conn, scope, &commit).await }))
            .await
    }

    async fn effect_done(&self, scope: Scope, id: EffectId, outcome: EffectOutcome, at: Timestamp) -> Result<()> {
        found(self.noting.join(Note { scope, at, what: Noted::Effect { effect: id, outcome } }).await?, "effect")
    }

    async fn written(&self, scope: Scope, id: ShipmentId, values: Option<String>, at: Timestamp) -> Result<()> {
        found(self.noting.join(Note { scope, at, what: Noted::Written { shipment: id, values } }).await?, "shipment")
    }

    async fn enqueue(&self, scope: Scope, new: Vec<NewJob>) -> Result<()> {
        let Some(at) = new.iter().map(|job| job.run_at).min() else { return Ok(()) };
        let lane = new.iter().map(|job| job.lane).min().unwrap_or(Lane::Batch);
        self.write_alone(lane, move |conn| {
            Box::pin(async move { Ok(enqueue_all(&mut Pg(conn), scope, &new, at).await.map(drop)?) })
        })
        .await
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Vec<LeasedJob>> {
        self.write_alone(request.lane, move |conn| Box::pin(async move { jobs::claim(conn, &request).await })).await
    }

    async fn finish(&self, owner: &str, job: JobId, finish: Finish, now: Timestamp) -> Result<()> {
        self.finishing.join(End { owner: owner.to_owned(), job, finish, now }).await
    }

    async fn attempt(&self, scope: Scope, attempt: AttemptRecord) -> Result<()> {
        self.calling.join(Called { scope, attempt }).await
    }

    async fn number_changes(&self) -> Result<()> {
        changes::number(self).await
    }
}

fn found(is_there: bool, what: &'static str) -> Result<()> {
    if is_there { Ok(()) } else { Err(StoreError::NotFound(what)) }
}
