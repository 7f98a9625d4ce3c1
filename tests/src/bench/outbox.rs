//! The outbox's own work: claiming jobs under a lease and completing them, against the barest queue on the same engine.

use super::{Line, bare::Bare, endpoint, median};
use crate::chaos::engine::{Database, Engine};
use anyhow::{Result, ensure};
use application::{context::Context, destinations::ODOO};
use futures::future::try_join_all;
use jiff::SignedDuration;
use std::{sync::Arc, time::Instant};
use storage::{
    jobs::{Cause, ClaimRequest, Finish, JobKind, Lane, Wanted},
    limits::CLAIM_JOBS,
};

/// Jobs of one round.
const JOBS: usize = 20_000;
/// Jobs of one command that makes them.
const CHUNK: usize = 1_000;
/// More than elsewhere: each lasts a second, and half of that is waiting.
const ROUNDS: usize = 7;
/// Of the bare queue, in percent.
const GOAL: f64 = 50.0;

/// Claim and complete, in batches of the largest claim; each side in a task, as workers are.
///
/// # Errors
/// When a step fails.
pub async fn outbox(engine: Engine) -> Result<Vec<Line>> {
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (folder, database) = (tempfile::tempdir()?, Database::fresh(engine)?);
        let plain = match database.url() {
            Some(url) => Bare::postgres(&url).await?,
            None => Bare::sqlite(&folder.path().join("bare.sqlite"))?,
        };
        bare.push(tokio::spawn(plain.claim_and_complete(JOBS, CLAIM_JOBS as usize)).await??);
        let context = endpoint::assembled(folder.path(), database.url()).await?;
        fill(&context).await?;
        ours.push(tokio::spawn(empty(context)).await??);
    }
    let name = engine.name();
    let ratios = ours.iter().zip(&bare).map(|(o, b)| 100.0 * o / b).collect();
    let how = match engine {
        Engine::Postgres => "bare SKIP LOCKED",
        Engine::Sqlite => "bare queue",
    };
    let (batch, ratio) = (CLAIM_JOBS, median(ratios));
    let ratio = match engine {
        Engine::Postgres => Line::at_least(format!("{name}: outbox of the {how} figure"), ratio, "%", GOAL),
        // nobody else claims from a file: there is no figure with SKIP LOCKED
        Engine::Sqlite => Line::info(format!("{name}: outbox of the {how} figure"), ratio, "%"),
    };
    Ok(vec![
        Line::info(format!("{name}: {how}, claim and complete in batches of {batch}"), median(bare), "/s"),
        Line::info(format!("{name}: outbox, claim and complete in batches of {batch}"), median(ours), "/s"),
        ratio,
    ])
}

async fn fill(context: &Context) -> Result<()> {
    for _ in 0..JOBS / CHUNK {
        let job =
            |_| context.job(JobKind::SYNC_ORDER, context.clock.id(), Cause::Live, context.correlation(), None).to(ODOO);
        context.store.jobs.enqueue(context.scope(), (0..CHUNK).map(job).collect()).await?;
    }
    Ok(())
}

async fn empty(context: Arc<Context>) -> Result<f64> {
    let (begun, mut done) = (Instant::now(), 0);
    loop {
        let now = context.now();
        let request = ClaimRequest {
            owner: "bench".into(),
            lane: Lane::RealTime,
            wanted: vec![Wanted { kind: JobKind::SYNC_ORDER, destination: Some(ODOO.into()), at_most: CLAIM_JOBS }],
            now,
            until: now + SignedDuration::from_secs(30),
            held: Vec::new(),
        };
        let claimed = context.store.jobs.claim(request).await?;
        if claimed.is_empty() {
            break;
        }
        done += claimed.len();
        try_join_all(claimed.iter().map(|c| context.store.jobs.finish("bench", c.job.id, Finish::Done, now))).await?;
    }
    ensure!(done == JOBS, "{done} of {JOBS} jobs were done");
    Ok(done as f64 / begun.elapsed().as_secs_f64())
}
