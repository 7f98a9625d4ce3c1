//! A short form of each part of `make chaos`. They run side by side; most of their time is waiting, for leases of killed
//! workers (30 s) and for a file that somebody holds (10 s). A failure prints the seed that repeats it (MILEPOST_SEED).

use anyhow::{Result, ensure};
use std::{path::PathBuf, time::Duration};
use tests::{
    chaos::{
        Part, Run,
        database::{Trouble, clock, crashes, faketime, trouble},
        engine::Engine,
        faults::{Scale, faults},
        kill::{kills, nodes},
        proxy::Fault,
    },
    skipped,
};

/// Kills of one test.
const CRASHES: u32 = 3;
const ROUNDS: u32 = 5;

/// The server and the engine under test; none (and a noted skip) where there is no server.
fn surroundings(test: &str) -> Option<(Run, Engine)> {
    let Some(binary) = std::env::var_os("MILEPOST_TEST_BIN") else {
        skipped(test, "MILEPOST_TEST_BIN is not set");
        return None;
    };
    let seed = std::env::var("MILEPOST_SEED").ok().and_then(|s| s.parse().ok());
    let run = Run { binary: PathBuf::from(binary), seed: seed.unwrap_or(u64::from(std::process::id())) };
    let postgres = std::env::var("MILEPOST_TEST_ENGINE").is_ok_and(|engine| engine == "postgres");
    Some((run, if postgres { Engine::Postgres } else { Engine::Sqlite }))
}

fn nothing_wrong(part: Result<Part>) -> Result<()> {
    let part = part?;
    println!("{part}");
    ensure!(part.rounds > 0 && part.findings.is_empty(), "{part}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_under_load() -> Result<()> {
    let Some((run, engine)) = surroundings("killed_under_load") else { return Ok(()) };
    nothing_wrong(kills(&run, engine, ROUNDS).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn destinations_that_are_busy_or_gone() -> Result<()> {
    let Some((run, engine)) = surroundings("destinations_that_are_busy_or_gone") else { return Ok(()) };
    nothing_wrong(faults(&run, engine, &[Fault::Refused, Fault::RateLimitedInWords], Scale::SHORT).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn destinations_that_answer_nonsense() -> Result<()> {
    let Some((run, engine)) = surroundings("destinations_that_answer_nonsense") else { return Ok(()) };
    nothing_wrong(faults(&run, engine, &[Fault::Collision, Fault::HtmlInstead], Scale::SHORT).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_break_off_after_the_change() -> Result<()> {
    let Some((run, engine)) = surroundings("answers_that_break_off_after_the_change") else { return Ok(()) };
    nothing_wrong(faults(&run, engine, &[Fault::TornAnswer, Fault::CutAnswer], Scale::SHORT).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn database_stopped() -> Result<()> {
    let Some((run, engine)) = surroundings("database_stopped") else { return Ok(()) };
    nothing_wrong(trouble(&run, engine, Trouble::Stopped, Duration::from_secs(12)).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn database_crashes() -> Result<()> {
    match surroundings("database_crashes") {
        // a file has no server that could crash without the installation
        None | Some((_, Engine::Sqlite)) => Ok(()),
        Some((run, Engine::Postgres)) => nothing_wrong(crashes(&run, CRASHES).await),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn disk_full() -> Result<()> {
    match surroundings("disk_full") {
        // a PostgreSQL server's disk is not the installation's
        None | Some((_, Engine::Postgres)) => Ok(()),
        Some((run, engine)) => nothing_wrong(trouble(&run, engine, Trouble::DiskFull, Duration::from_secs(3)).await),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clock_jumps() -> Result<()> {
    let Some((run, engine)) = surroundings("clock_jumps") else { return Ok(()) };
    if faketime().is_none() {
        skipped("clock_jumps", "libfaketime is not there");
        return Ok(());
    }
    nothing_wrong(clock(&run, engine, &[3600, 3590]).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_two_nodes_killed() -> Result<()> {
    match surroundings("one_of_two_nodes_killed") {
        // SQLite takes one process
        None | Some((_, Engine::Sqlite)) => Ok(()),
        Some((run, Engine::Postgres)) => nothing_wrong(nodes(&run, ROUNDS).await),
    }
}
