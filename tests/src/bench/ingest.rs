//! Durable ingest against what the engine and the web server can do at most.

use super::{
    Line,
    bare::Bare,
    child::{Served, Share},
    door, load,
    load::{Answers, Messages},
    median,
};
use crate::chaos::engine::{Database, Engine};
use anyhow::{Result, ensure};
use connectors::carriers::RawRequest;
use domain::ids::CorrelationId;
use http::{HeaderMap, HeaderValue};
use server::{
    tower::Tower,
    usecases::ingest::{self, Delivery},
};
use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use storage::inbox::Novelty;
use tokio::task::JoinSet;

/// Clients of the comparison with the engine.
const FEW: usize = 16;
/// Clients of the comparison with the web server.
const MANY: usize = 64;
const LASTING: Duration = Duration::from_secs(4);
const WARM_UP: Duration = Duration::from_millis(500);
/// Each pair is measured so often, in turn; the middle counts.
const ROUNDS: u64 = 3;
/// Messages that are made and signed before the time runs, as what the bare loop writes is: their making is the carrier's
/// work. More than are kept meanwhile; the rest is made on the way.
const PREPARED: usize = 100_000;
/// A sealed message has so many bytes more.
const SEAL_BYTES: usize = 28;
/// Of the group-commit ceiling, in percent.
const CEILING_GOAL: f64 = 60.0;
/// Times the bare loop's p99.
const P99_GOAL: f64 = 3.0;

/// Of what a door does that only verifies, in percent.
fn door_goal(engine: Engine) -> f64 {
    match engine {
        Engine::Sqlite => 40.0,
        Engine::Postgres => 25.0,
    }
}

/// All of it on one engine; the most memory a tower had, in MB, is added to `peaks`.
///
/// # Errors
/// When a step fails.
pub async fn ingest(engine: Engine, peaks: &mut Vec<f64>) -> Result<Vec<Line>> {
    let (mut lines, committed) = with_engine(engine).await?;
    let (more, verified, kept) = with_door(engine, peaks).await?;
    lines.extend(more);
    // a message is verified and committed, and on the same cores one takes from the other
    let both = 1.0 / (1.0 / committed + 1.0 / verified);
    let name = engine.name();
    lines.push(Line::told(
        format!("{name}: verify-only HTTP and the bare group commit one after the other"),
        both,
        "/s",
    ));
    lines.push(Line::told(format!("{name}: durable ingest over HTTP of that"), 100.0 * kept / both, "%"));
    Ok(lines)
}

/// 16 clients that verify, seal and keep, in this process, against 16 clients of a bare group-commit loop; and what that
/// loop commits for 64, in rows per second.
async fn with_engine(engine: Engine) -> Result<(Vec<Line>, f64)> {
    let (mut ours, mut few) = (Vec::new(), Vec::new());
    let bytes = Messages::new(0).next().0.len() + SEAL_BYTES;
    for round in 0..ROUNDS {
        let (folder, database) = (tempfile::tempdir()?, Database::fresh(engine)?);
        few.push(bare(folder.path(), &database).await?.group_commit(FEW, bytes, LASTING).await?);
        ours.push(kept(folder.path(), &database, round).await?);
    }
    let many = {
        let (folder, database) = (tempfile::tempdir()?, Database::fresh(engine)?);
        bare(folder.path(), &database).await?.group_commit(MANY, bytes, LASTING).await?
    };
    let name = engine.name();
    let rate = |of: &[Answers]| median(of.iter().map(|a| a.per_second).collect());
    let p99 = |of: &[Answers]| median(of.iter().map(|a| a.p99_ms).collect());
    let ratios = ours.iter().zip(&few).map(|(o, b)| 100.0 * o.per_second / b.per_second).collect();
    let lines = vec![
        Line::told(format!("{name}: bare group commit, {FEW} clients"), rate(&few), "/s"),
        Line::told(format!("{name}: bare group commit, {MANY} clients"), many.per_second, "/s"),
        Line::told(format!("{name}: durable ingest (verify, seal, commit), {FEW} clients"), rate(&ours), "/s"),
        Line::at_least(
            format!("{name}: durable ingest of the group-commit ceiling"),
            median(ratios),
            "%",
            CEILING_GOAL,
        ),
        Line::told(format!("{name}: p99 of the bare group commit"), p99(&few), "ms"),
        Line::told(format!("{name}: p99 of the acknowledgement"), p99(&ours), "ms"),
        Line::at_most(
            format!("{name}: p99 of the acknowledgement against the bare group commit's"),
            p99(&ours) / p99(&few),
            "×",
            P99_GOAL,
        ),
    ];
    Ok((lines, many.per_second))
}

async fn bare(data: &Path, database: &Database) -> Result<Bare> {
    match database.url() {
        Some(url) => Bare::postgres(&url).await,
        None => Bare::sqlite(&data.join("bare.sqlite")),
    }
}

async fn kept(data: &Path, database: &Database, round: u64) -> Result<Answers> {
    let tower = door::assembled(data, database.url()).await?;
    let messages = Arc::new(Prepared::new(round));
    let mut running = JoinSet::new();
    let from = Instant::now() + WARM_UP;
    for _ in 0..FEW {
        let (tower, messages) = (Arc::clone(&tower), Arc::clone(&messages));
        running.spawn(async move {
            let mut took_ms = Vec::new();
            loop {
                let begun = Instant::now();
                if begun >= from + LASTING {
                    return anyhow::Ok(took_ms);
                }
                keep(&tower, &messages).await?;
                if begun >= from {
                    took_ms.push(begun.elapsed().as_secs_f64() * 1000.0);
                }
            }
        });
    }
    let mut took_ms = Vec::new();
    while let Some(client) = running.join_next().await {
        took_ms.extend(client??);
    }
    Ok(Answers::new(took_ms, LASTING))
}

/// Messages that are there already.
struct Prepared {
    ready: Mutex<Vec<(Vec<u8>, String)>>,
    more: Messages,
}

impl Prepared {
    fn new(round: u64) -> Self {
        let more = Messages::new(round);
        Self { ready: Mutex::new((0..PREPARED).map(|_| more.next()).collect()), more }
    }

    fn next(&self) -> (Vec<u8>, String) {
        let ready = self.ready.lock().expect("no panic while held").pop();
        ready.unwrap_or_else(|| self.more.next())
    }
}

async fn keep(tower: &Tower, messages: &Prepared) -> Result<()> {
    let (body, signature) = messages.next();
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    headers.insert("aftership-hmac-sha256", HeaderValue::from_str(&signature)?);
    let path = "/ingest/aftership";
    let request = RawRequest { method: "POST", path, query: "", peer: None, headers: &headers, body: &body };
    let correlation = CorrelationId(tower.clock.id());
    let receipt = ingest::accept(tower, Delivery { source: load::SOURCE, request, correlation }).await?;
    ensure!(receipt.novelty == Novelty::New, "a message came twice");
    Ok(())
}

/// 64 clients over HTTP: messages that are kept against forged ones, which the same door verifies and refuses; and how many
/// of these and those in a second.
async fn with_door(engine: Engine, peaks: &mut Vec<f64>) -> Result<(Vec<Line>, f64, f64)> {
    let (mut kept, mut verified, mut barest, mut shares) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        {
            let verifying = Served::start(&["door", "verify"])?;
            barest.push(load::closed_loop(&verifying.address, MANY, LASTING, &Arc::new(Messages::new(round))).await?);
        }
        let (folder, database) = (tempfile::tempdir()?, Database::fresh(engine)?);
        let (data, url) = (folder.path().display().to_string(), database.url());
        let words: Vec<&str> = ["door", "alone", &data].into_iter().chain(url.as_deref()).collect();
        let tower = Served::start(&words)?;
        verified.push(load::closed_loop(&tower.address, MANY, LASTING, &Arc::new(Messages::forged(round))).await?);
        let share = Share::start();
        kept.push(load::closed_loop(&tower.address, MANY, LASTING, &Arc::new(Messages::new(round))).await?);
        shares.push(share.percent());
        peaks.push(tower.peak_mb());
    }
    let name = engine.name();
    let ratios = kept.iter().zip(&verified).map(|(k, v)| 100.0 * k.per_second / v.per_second).collect();
    let of = |answers: &[Answers], figure: fn(&Answers) -> f64| median(answers.iter().map(figure).collect());
    let (ratio, goal) = (median(ratios), door_goal(engine));
    let (verified, per_second) = (of(&verified, |a| a.per_second), of(&kept, |a| a.per_second));
    let lines = vec![
        Line::told(
            format!("{name}: a bare web server that only verifies, {MANY} clients"),
            of(&barest, |a| a.per_second),
            "/s",
        ),
        Line::told(format!("{name}: the tower's door, verify only, {MANY} clients"), verified, "/s"),
        Line::told(format!("{name}: the tower's door, durable, {MANY} clients"), per_second, "/s"),
        Line::at_least(format!("{name}: durable ingest over HTTP of verify-only HTTP"), ratio, "%", goal),
        Line::told(
            format!("{name}: p99 of the acknowledgement over HTTP, {MANY} clients"),
            of(&kept, |a| a.p99_ms),
            "ms",
        ),
        Line::told(format!("{name}: the load generator's share of the cores meanwhile"), median(shares), "%"),
    ];
    Ok((lines, verified, per_second))
}
