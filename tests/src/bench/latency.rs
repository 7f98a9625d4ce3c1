//! From the event to the order system, which answers at once: the server that ships, as a process of its own, with events
//! that come at a steady rate whatever the installation does.

use super::{
    Line,
    child::{Share, peak_mb},
    p99,
};
use crate::{
    chaos::{
        crowd::{Crowd, Post},
        engine::{Database, Engine},
        outside::Outside,
        story::Plot,
    },
    until,
};
use anyhow::{Context, Result};
use simulator::rng::Rng;
use std::{
    collections::HashMap,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// Events in a second.
const RATE: u32 = 300;
/// Shipments, unless MILEPOST_BENCH_SHIPMENTS says otherwise; each has five events, one after the other.
pub const SHIPMENTS: usize = 1_200;
/// As often does an installation import by default.
const IMPORT_SECONDS: &str = "60";
/// What is not written after this long is lost to the measurement.
const PATIENCE: Duration = Duration::from_secs(30);
/// Milliseconds.
const GOAL_MS: f64 = 500.0;

/// Event → written, at the rate of 300 a second.
///
/// # Errors
/// When a step fails.
pub async fn latency(engine: Engine, binary: &Path, shipments: usize, peaks: &mut Vec<f64>) -> Result<Vec<Line>> {
    let database = Database::fresh(engine)?;
    let outside = Outside::start(1, shipments, &[Plot::Plain]).await?;
    let mut installation = outside.installation(binary, &database, &outside.odoo.url(), &outside.desk.url())?;
    installation.set("MILEPOST_ODOO_IMPORT_SECONDS", IMPORT_SECONDS.to_owned());
    installation.start().await?;
    outside.imported(&installation).await?;
    installation.idle().await?;
    let crowd = Crowd::new(&outside, vec![installation.base()], &mut Rng::new(1))?;
    let share = Share::start();
    let sent = send(&outside, &crowd).await?;
    let share = share.percent();
    let (end, expected) = (Instant::now() + PATIENCE, sent.len());
    let mut delays = delays(&outside, &sent);
    while delays.len() < expected && Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(200)).await;
        delays = self::delays(&outside, &sent);
    }
    until("the installation to be idle", || async { installation.idle().await.map(Some) }).await?;
    peaks.push(peak_mb(installation.process().context("it runs")?));
    let name = engine.name();
    // what never came took for ever
    delays.resize(expected, PATIENCE.as_secs_f64() * 1000.0);
    let middle = super::median(delays.clone());
    Ok(vec![
        Line::info(format!("{name}: event → written to Odoo at {RATE} events/s, median"), middle, "ms"),
        Line::at_most(
            format!("{name}: event → written to Odoo at {RATE} events/s, p99"),
            p99(&mut delays),
            "ms",
            GOAL_MS,
        ),
        Line::info(format!("{name}: share of the cores of the load generator and the simulated Odoo"), share, "%"),
    ])
}

/// Every event at its time, whatever became of the one before.
async fn send(outside: &Arc<Outside>, crowd: &Arc<Crowd>) -> Result<Vec<(i64, Instant)>> {
    let steps = outside.stories.first().map_or(0, crate::chaos::story::Story::len);
    let (mut posts, mut sent) = (JoinSet::new(), Vec::new());
    let begun = Instant::now();
    let mut number = 0;
    for known in 1..=steps {
        for (index, story) in outside.stories.iter().enumerate() {
            let at = begun + Duration::from_secs(1) * number / RATE;
            number += 1;
            tokio::time::sleep_until(at.into()).await;
            let crowd = Arc::clone(crowd);
            posts.spawn(async move { crowd.post(Post { story: index, known }).await.map(|answer| answer.status) });
            sent.push((story.picking, at));
        }
    }
    while let Some(post) = posts.join_next().await {
        let status = post??;
        anyhow::ensure!(status == 202, "an event was answered with {status}");
    }
    Ok(sent)
}

/// Milliseconds from each event to the first change that Odoo then saw on its delivery.
fn delays(outside: &Outside, sent: &[(i64, Instant)]) -> Vec<f64> {
    let mut changes: HashMap<i64, Vec<Instant>> = HashMap::new();
    for change in outside.odoo.changes() {
        changes.entry(change.record).or_default().push(change.at);
    }
    let written = |(record, at): &(i64, Instant)| {
        let seen = changes.get(record)?.iter().find(|seen| *seen >= at)?;
        Some(seen.duration_since(*at).as_secs_f64() * 1000.0)
    };
    sent.iter().filter_map(written).collect()
}
