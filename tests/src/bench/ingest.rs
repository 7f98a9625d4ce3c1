//! Durable ingest against what the engine and the web server can do at most.

use super::{
    Line,
    bare::Bare,
    child::{Served, Share},
    endpoint, load,
    load::{Answers, Messages},
    median,
};
use crate::chaos::engine::{Database, Engine};
use anyhow::{Result, ensure};
use application::{
    context::Context,
    tracking::ingest::{self, Delivery},
};
use carriers::RawRequest;
use domain::ids::CorrelationId;
use http::{HeaderMap, HeaderValue};
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
/// Additional bytes of a sealed message.
const SEAL_BYTES: usize = 28;
/// Of the group-commit ceiling, in percent.
const CEILING_GOAL: f64 = 60.0;
/// Times the bare loop's p99.
const P99_GOAL: f64 = 3.0;

/// Of what a endpoint does that only verifies, in percent.
fn endpoint_goal(engine: Engine) -> f64 {
    match engine {
        Engine::Sqlite => 40.0,
        Engine::Postgres => 25.0,
    }
}

/// All of it on one engine; the most memory an installation had, in MB, is added to `peaks`.
///
/// # Errors
/// When a step fails.
pub async fn ingest(engine: Engine, peaks: &mut Vec<f64>) -> Result<Vec<Line>> {
    let mut lines = with_engine(engine).await?;
    lines.extend(with_endpoint(engine, peaks).await?);
    Ok(lines)
}

/// 16 clients that verify, seal and keep, in this process, against 16 clients of a bare group-commit loop; and what that
/// loop commits for 64.
async fn with_engine(engine: Engine) -> Result<Vec<Line>> {
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
        Line::info(format!("{name}: bare group commit, {FEW} clients"), rate(&few), "/s"),
        Line::info(format!("{name}: bare group commit, {MANY} clients"), many.per_second, "/s"),
        Line::info(format!("{name}: durable ingest (verify, seal, commit), {FEW} clients"), rate(&ours), "/s"),
        Line::at_least(
            format!("{name}: durable ingest of the group-commit ceiling"),
            median(ratios),
            "%",
            CEILING_GOAL,
        ),
        Line::info(format!("{name}: p99 of the bare group commit"), p99(&few), "ms"),
        Line::info(format!("{name}: p99 of the acknowledgement"), p99(&ours), "ms"),
        Line::at_most(
            format!("{name}: p99 of the acknowledgement against the bare group commit's"),
            p99(&ours) / p99(&few),
            "×",
            P99_GOAL,
        ),
    ];
    Ok(lines)
}

async fn bare(data: &Path, database: &Database) -> Result<Bare> {
    match database.url() {
        Some(url) => Bare::postgres(&url).await,
        None => Bare::sqlite(&data.join("bare.sqlite")),
    }
}

async fn kept(data: &Path, database: &Database, round: u64) -> Result<Answers> {
    let context = endpoint::assembled(data, database.url()).await?;
    let messages = Arc::new(Prepared::new(round));
    let mut running = JoinSet::new();
    let from = Instant::now() + WARM_UP;
    for _ in 0..FEW {
        let (context, messages) = (Arc::clone(&context), Arc::clone(&messages));
        running.spawn(async move {
            let mut took_ms = Vec::new();
            loop {
                let begun = Instant::now();
                if begun >= from + LASTING {
                    return anyhow::Ok(took_ms);
                }
                keep(&context, &messages).await?;
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

async fn keep(context: &Context, messages: &Prepared) -> Result<()> {
    let (body, signature) = messages.next();
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    headers.insert("aftership-hmac-sha256", HeaderValue::from_str(&signature)?);
    let path = "/ingest/aftership";
    let request = RawRequest { method: "POST", path, query: "", peer: None, headers: &headers, body: &body };
    let correlation = CorrelationId(context.clock.id());
    let receipt = ingest::accept(context, Delivery { source: load::SOURCE, request, correlation }).await?;
    ensure!(receipt.novelty == Novelty::New, "a message came twice");
    Ok(())
}

/// 64 clients over HTTP: messages that are kept, against forged ones, which the same endpoint verifies and refuses, and against
/// the barest endpoints that verify, and that verify and commit.
async fn with_endpoint(engine: Engine, peaks: &mut Vec<f64>) -> Result<Vec<Line>> {
    let (mut kept, mut verified, mut shares) = (Vec::new(), Vec::new(), Vec::new());
    let (mut barest, mut committed) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let (folder, database) = (tempfile::tempdir()?, Database::fresh(engine)?);
        let (data, url) = (folder.path().display().to_string(), database.url());
        let start = |endpoint| {
            let words: Vec<&str> = ["endpoint", endpoint, &data].into_iter().chain(url.as_deref()).collect();
            Served::start(&words)
        };
        for (endpoint, figures) in [("verify", &mut barest), ("bare", &mut committed)] {
            let bare = start(endpoint)?;
            figures.push(load::closed_loop(&bare.address, MANY, LASTING, &Arc::new(Messages::new(round))).await?);
        }
        let installation = start("alone")?;
        verified
            .push(load::closed_loop(&installation.address, MANY, LASTING, &Arc::new(Messages::forged(round))).await?);
        let share = Share::start();
        kept.push(load::closed_loop(&installation.address, MANY, LASTING, &Arc::new(Messages::new(round))).await?);
        shares.push(share.percent());
        peaks.push(installation.peak_mb());
    }
    let name = engine.name();
    let ratio = |of: &[Answers], to: &[Answers]| {
        median(of.iter().zip(to).map(|(of, to)| 100.0 * of.per_second / to.per_second).collect())
    };
    let rate = |of: &[Answers]| median(of.iter().map(|a| a.per_second).collect());
    Ok(vec![
        Line::info(format!("{name}: a bare web server that only verifies, {MANY} clients"), rate(&barest), "/s"),
        Line::info(format!("{name}: a bare web server that commits two rows too"), rate(&committed), "/s"),
        Line::info(format!("{name}: that of the one that only verifies"), ratio(&committed, &barest), "%"),
        Line::info(format!("{name}: the ingest endpoint, verify only, {MANY} clients"), rate(&verified), "/s"),
        Line::info(format!("{name}: the ingest endpoint, durable, {MANY} clients"), rate(&kept), "/s"),
        Line::at_least(
            format!("{name}: durable ingest over HTTP of verify-only HTTP"),
            ratio(&kept, &verified),
            "%",
            endpoint_goal(engine),
        ),
        Line::info(format!("{name}: durable ingest over HTTP of the bare one"), ratio(&kept, &committed), "%"),
        Line::info(
            format!("{name}: p99 of the acknowledgement over HTTP, {MANY} clients"),
            median(kept.iter().map(|a| a.p99_ms).collect()),
            "ms",
        ),
        Line::info(format!("{name}: the load generator's share of the cores meanwhile"), median(shares), "%"),
    ])
}
