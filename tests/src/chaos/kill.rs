//! (a) and (d): the process is killed at random moments under load. Every acknowledged message must be there, and every
//! effect in Odoo and at the desk must have happened exactly once.

use super::{
    Part, Run,
    crowd::Crowd,
    engine::{Database, Engine},
    findings::{DeadLetters, drained, examine},
    outside::Outside,
    story::Plot,
};
use crate::Installation;
use anyhow::{Context, Result};
use simulator::rng::Rng;
use std::time::{Duration, Instant};

/// Shipments for each round, so that there is always something to do.
const STORIES_PER_ROUND: usize = 4;
/// Shipments at least.
const STORIES_MIN: usize = 24;
/// A server is left alone so long at most after it is ready.
const LIFE_MS: u64 = 500;
/// One kill in so many comes while the server starts, within this time.
const EARLY: u64 = 6;
const EARLY_MS: u64 = 80;
/// After the last round everything must be acknowledged within this time.
const ACKNOWLEDGED: Duration = Duration::from_secs(60);
/// And done within this: a lease of a killed worker ends after 30 s.
const DRAIN: Duration = Duration::from_secs(180);

/// (a) One server, killed again and again, and started at once.
///
/// # Errors
/// When a step fails that is not what is tested.
pub async fn kills(run: &Run, engine: Engine, rounds: u32) -> Result<Part> {
    let mut part = Part::new(&format!("kill {}", engine.name()), run.seed);
    let database = Database::fresh(engine)?;
    let outside = stories(run.seed, rounds).await?;
    let mut installation = outside.installation(&run.binary, &database, &outside.odoo.url(), &outside.desk.url())?;
    installation.start().await?;
    outside.imported(&installation).await?;
    let mut rng = Rng::new(run.seed);
    let crowd = Crowd::new(&outside, vec![installation.base()], &mut rng)?;
    let _clients = crowd.start(run.seed);
    let begun = Instant::now();
    for round in 0..rounds {
        crowd.release(share(crowd.left(), rounds - round));
        if !rng.one_in(EARLY) {
            installation.ready().await?;
            pause(rng.range(0, LIFE_MS)).await;
        } else {
            pause(rng.range(0, EARLY_MS)).await;
        }
        installation.kill()?;
        installation.spawn()?;
        part.rounds += 1;
    }
    part.figure("killed_s", begun.elapsed().as_secs_f64());
    installation.ready().await?;
    finish(&mut part, &outside, &database, &crowd, &installation).await?;
    Ok(part)
}

/// (d) Two nodes on one database; one of them is killed again and again, while the carriers talk to both.
///
/// # Errors
/// As [`kills`].
pub async fn nodes(run: &Run, rounds: u32) -> Result<Part> {
    let mut part = Part::new("nodes postgres", run.seed);
    let database = Database::fresh(Engine::Postgres)?;
    let outside = stories(run.seed, rounds).await?;
    let (odoo, desk) = (outside.odoo.url(), outside.desk.url());
    let mut one = outside.installation(&run.binary, &database, &odoo, &desk)?;
    let shared = vec![("MILEPOST_MASTER_KEY_FILE", one.master_key_file().display().to_string())];
    let mut other = outside.node(&run.binary, &database, &odoo, &desk, shared)?;
    one.start().await?;
    other.start().await?;
    outside.imported(&one).await?;
    let mut rng = Rng::new(run.seed);
    let crowd = Crowd::new(&outside, vec![one.base(), other.base()], &mut rng)?;
    let _clients = crowd.start(run.seed);
    for round in 0..rounds {
        crowd.release(share(crowd.left(), rounds - round));
        if !rng.one_in(EARLY) {
            other.ready().await?;
        }
        pause(rng.range(0, LIFE_MS)).await;
        other.kill()?;
        other.spawn()?;
        part.rounds += 1;
    }
    other.ready().await?;
    finish(&mut part, &outside, &database, &crowd, &one).await?;
    Ok(part)
}

async fn stories(seed: u64, rounds: u32) -> Result<std::sync::Arc<Outside>> {
    let stories = (rounds as usize * STORIES_PER_ROUND).max(STORIES_MIN);
    Outside::start(seed, stories, Plot::ALL).await
}

/// Everything is said, everything is done, and everything is looked at.
async fn finish(
    part: &mut Part,
    outside: &std::sync::Arc<Outside>,
    database: &Database,
    crowd: &std::sync::Arc<Crowd>,
    installation: &Installation,
) -> Result<()> {
    crowd.release(crowd.left());
    crowd.all_sent(ACKNOWLEDGED).await.with_context(|| super::findings::tail(&installation.log()))?;
    let begun = Instant::now();
    {
        let (store, scope) = database.open(installation.data()).await?;
        // what is left over is one finding, and what it left undone are others
        if let Err(left) = drained(&store, scope, DRAIN, DeadLetters::None, installation).await {
            part.wrong(left.to_string());
        }
    }
    part.figure("drained_s", begun.elapsed().as_secs_f64());
    let acknowledged = crowd.acknowledged();
    let (findings, effects) = examine(outside, database, installation, &acknowledged).await?;
    part.figure("acknowledged", acknowledged.len() as f64);
    part.figure("effects", effects as f64);
    part.findings.add(findings);
    Ok(())
}

/// What is left, spread evenly over the rounds that are left.
fn share(left: usize, rounds: u32) -> usize {
    left.div_ceil(rounds.max(1) as usize)
}

async fn pause(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}
