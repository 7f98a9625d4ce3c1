//! (e) A flood of batch jobs leaves live messages alone.

use super::{
    Part, Run,
    crowd::Crowd,
    engine::{Database, Engine},
    findings::tail,
    now,
    outside::Outside,
    story::Plot,
};
use crate::until;
use anyhow::{Context, Result};
use domain::ids::{CorrelationId, JobId, ShipmentId, content_id};
use simulator::rng::Rng;
use std::time::{Duration, Instant};
use storage::{
    Scope, Store,
    jobs::{Cause, JobKind, Lane, NewJob},
};

/// Batch jobs that wait.
const FLOOD: u64 = 100_000;
/// Jobs of one command that makes the flood.
const CHUNK: u64 = 5_000;
/// The flood may move on by so many jobs meanwhile: a lane that waited for the other would be done with all of it.
const BATCH_DONE_MAX: u64 = FLOOD / 2;
/// Shipments that carriers speak about meanwhile.
const STORIES: usize = 12;
/// Everything must be acknowledged within this time.
const ACKNOWLEDGED: Duration = Duration::from_secs(60);

/// Carriers talk while the batch lane has more to do than it can do meanwhile.
///
/// # Errors
/// When a step fails that is not what is tested.
pub async fn flood(run: &Run, engine: Engine) -> Result<Part> {
    let mut part = Part::new(&format!("lanes {}", engine.name()), run.seed);
    let database = Database::fresh(engine)?;
    let outside = Outside::start(run.seed, STORIES, Plot::ALL).await?;
    let mut installation = outside.installation(&run.binary, &database, &outside.odoo.url(), &outside.desk.url())?;
    installation.start().await?;
    outside.imported(&installation).await?;
    let (store, scope) = database.open(installation.data()).await?;
    let mut rng = Rng::new(run.seed);
    let crowd = Crowd::new(&outside, vec![installation.base()], &mut rng)?;
    pour(&store, scope).await?;
    let begun = Instant::now();
    let _clients = crowd.start(run.seed);
    crowd.release(crowd.left());
    crowd.all_sent(ACKNOWLEDGED).await.with_context(|| tail(&installation.log()))?;
    until("the live messages to be read and folded", || async {
        let due = store.jobs.next_due(Lane::RealTime).await?;
        Ok(due.is_none_or(|due| due > now()).then_some(()))
    })
    .await?;
    part.figure("live_s", begun.elapsed().as_secs_f64());
    let left = waiting(&store, scope).await?;
    part.figure("batch_left", left as f64);
    if left + BATCH_DONE_MAX < FLOOD {
        part.wrong(format!("live messages waited for {} batch jobs", FLOOD - left));
    }
    until("the batch lane to go on", || async { Ok((waiting(&store, scope).await? < left.min(FLOOD)).then_some(())) })
        .await?;
    part.rounds += 1;
    Ok(part)
}

/// Jobs that find nothing to do.
async fn pour(store: &Store, scope: Scope) -> Result<()> {
    let id = |what: &str, n: u64| content_id(what, &[&n.to_be_bytes()]);
    for chunk in 0..FLOOD / CHUNK {
        let jobs = (chunk * CHUNK..(chunk + 1) * CHUNK).map(|n| NewJob {
            id: JobId(id("job of the flood", n)),
            kind: JobKind::FOLD,
            target: ShipmentId(id("shipment of the flood", n)).to_string(),
            destination: None,
            lane: Lane::Batch,
            cause: Cause::Replay,
            run_at: now(),
            correlation: CorrelationId(id("correlation of the flood", n)),
            shipment: None,
        });
        store.jobs.enqueue(scope, jobs.collect()).await?;
    }
    Ok(())
}

/// Jobs that are not done.
async fn waiting(store: &Store, scope: Scope) -> Result<u64> {
    Ok(store.jobs.summary(scope, now()).await?.iter().map(|destination| destination.pending).sum())
}
