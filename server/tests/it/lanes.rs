//! Two lanes: a flood in one leaves the other alone.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::World;
use application::{clock::Clock, jobs::Runner};
use domain::{
    State,
    ids::{CorrelationId, JobId, ShipmentId},
};
use std::{sync::Arc, time::Duration};
use storage::jobs::{Cause, JobKind, Lane, NewJob};
use tokio_util::sync::CancellationToken;

/// Batch jobs that wait.
const FLOOD: usize = 100_000;
/// Jobs of one command that makes the flood.
const CHUNK: usize = 5_000;
/// Messages that come one after the other while the flood is worked off.
const MESSAGES: usize = 40;
/// The flood may move on by so many jobs meanwhile: a lane that waited for the other would be done with all of it.
const BATCH_DONE_MAX: usize = FLOOD / 2;
const PATIENCE: Duration = Duration::from_secs(120);

impl World {
    async fn flood(&self) {
        for _ in 0..FLOOD / CHUNK {
            let jobs = (0..CHUNK).map(|_| NewJob {
                id: JobId(self.clock.id()),
                kind: JobKind::Fold,
                target: ShipmentId(self.clock.id()).to_string(),
                lane: Lane::Batch,
                cause: Cause::Replay,
                run_at: self.clock.now(),
                correlation: CorrelationId(self.clock.id()),
                shipment: None,
            });
            self.context.store.jobs.enqueue(self.context.scope(), jobs.collect()).await.unwrap();
        }
    }

    async fn pending(&self) -> usize {
        let summary = self.context.store.jobs.summary(self.context.scope(), self.clock.now()).await.unwrap();
        summary.iter().map(|destination| usize::try_from(destination.pending).unwrap()).sum()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_batch_jobs_leave_real_time_alone() {
    let world = World::new().await;
    world.flood().await;
    assert_eq!(world.pending().await, FLOOD);
    let shutdown = CancellationToken::new();
    let workers = [Lane::Batch, Lane::RealTime]
        .map(|lane| tokio::spawn(Runner::new(Arc::clone(&world.context), lane).run(shutdown.clone())));
    while world.pending().await == FLOOD {
        tokio::task::yield_now().await;
    }
    for n in 0..MESSAGES {
        let number = format!("N{n}");
        world.deliver_to(&world.context, &number, &[("Delivered_001", "2026-03-04T12:30:00")]).await;
        world.context.notifier.work(Lane::RealTime);
        let folded = tokio::time::timeout(PATIENCE, async {
            loop {
                if let Some(id) =
                    world.context.store.shipments.find(world.context.scope(), &number).await.unwrap().first()
                    && world.state(*id).await == State::Delivered
                {
                    break;
                }
                tokio::task::yield_now().await;
            }
        });
        folded.await.expect("the message is folded");
    }
    let left = world.pending().await;
    shutdown.cancel();
    for worker in workers {
        worker.await.unwrap();
    }
    assert!(left > FLOOD - BATCH_DONE_MAX, "{MESSAGES} messages waited for {} batch jobs", FLOOD - left);
    assert!(left < FLOOD, "batch goes on too");
}
