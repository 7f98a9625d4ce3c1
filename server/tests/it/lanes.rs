//! Two lanes: what waits in one leaves the other alone.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::World;
use application::clock::Clock;
use domain::{State, ids::ShipmentId};
use storage::jobs::{Cause, JobKind, Lane};

/// Batch jobs that wait.
const FLOOD: u64 = 300;

async fn waiting(world: &World) -> u64 {
    let summary = world.context.store.jobs.summary(world.context.scope(), world.clock.now()).await.unwrap();
    summary.iter().map(|destination| destination.pending).sum()
}

#[tokio::test]
async fn live_messages_do_not_wait_for_batch_jobs() {
    let world = World::new().await;
    let (context, scope) = (&world.context, world.context.scope());
    let fold = |_| {
        let nothing = ShipmentId(world.clock.id());
        context.job(JobKind::FOLD, nothing, Cause::Replay, context.correlation(), None)
    };
    context.store.jobs.enqueue(scope, (0..FLOOD).map(fold).collect()).await.unwrap();
    world.deliver_to(context, "N1", &[("Delivered_001", "2026-03-04T12:30:00")]).await;
    world.work(Lane::RealTime).await;
    let found = context.store.shipments.find(scope, "N1").await.unwrap();
    assert_eq!(world.state(found[0]).await, State::Delivered);
    assert_eq!(waiting(&world).await, FLOOD, "every batch job waits still");
    world.work(Lane::Batch).await;
    assert_eq!(waiting(&world).await, 0);
}
