//! `make chaos`: see [`tests::chaos`]. Prints a line for each part and at the end
//! `chaos: rounds=N lost=0 doubled=0 seed=…`; fails unless nothing is lost, doubled or otherwise wrong.

use anyhow::{Context, Result, bail, ensure};
use std::{path::PathBuf, process::ExitCode, time::Duration};
use tests::chaos::{
    Part, Run,
    database::{Trouble, clock, crashes, faketime, trouble},
    engine::{self, Engine, POSTGRES},
    faults::{Scale, faults},
    kill::{kills, nodes},
    lanes::flood,
    proxy::Fault,
};

const USAGE: &str = "chaos [--rounds N] [--seed S] [--engine sqlite|postgres|both] [--only kill,faults,database,lanes,nodes] [--bin FILE]";
const ROUNDS: u32 = 200;
const PARTS: &[&str] = &["kill", "faults", "database", "lanes", "nodes"];
/// How long the database is away.
const AWAY: Duration = Duration::from_secs(60);
/// How often PostgreSQL crashes.
const CRASHES: u32 = 40;
/// How long the disk is full.
const FULL: Duration = Duration::from_secs(20);
/// Where the clock jumps to, in seconds from the right time: ahead by more than a lease and by hours, back by less and by
/// more than a lease.
const JUMPS: &[i64] = &[90, 70, 3600, 3540, 3600, 7200, 7190];

struct Wanted {
    rounds: u32,
    run: Run,
    engines: Vec<Engine>,
    only: Vec<String>,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let wanted = Wanted::read()?;
    let mut parts = Vec::new();
    for engine in &wanted.engines {
        if !engine.is_there() {
            println!("skipped: {} ({POSTGRES} is not set)", engine.name());
            continue;
        }
        all(&wanted, *engine, &mut parts).await;
    }
    let sum = |of: fn(&Part) -> usize| parts.iter().map(of).sum::<usize>();
    let (rounds, lost) = (sum(|p| p.rounds as usize), sum(|p| p.findings.lost.len()));
    let (doubled, wrong) = (sum(|p| p.findings.doubled.len()), sum(|p| p.findings.wrong.len()));
    if wrong > 0 {
        println!("chaos: {wrong} other findings, see above");
    }
    println!("chaos: rounds={rounds} lost={lost} doubled={doubled} seed={}", wanted.run.seed);
    let well = rounds > 0 && lost + doubled + wrong == 0;
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Every wanted part on this engine; each prints its line.
async fn all(wanted: &Wanted, engine: Engine, parts: &mut Vec<Part>) {
    let (run, is) = (&wanted.run, |part: &str| wanted.only.iter().any(|w| w == part));
    let mut keep = |name: &str, part: Result<Part>| {
        let part = part.unwrap_or_else(|error| {
            let mut broken = Part::new(name, run.seed);
            broken.wrong(format!("{error:#}"));
            broken
        });
        println!("{part}");
        parts.push(part);
    };
    if is("kill") {
        keep("kill", kills(run, engine, wanted.rounds).await);
    }
    if is("faults") {
        keep("faults", faults(run, engine, Fault::ALL, Scale::FULL).await);
    }
    if is("database") {
        keep("database stopped", trouble(run, engine, Trouble::Stopped, AWAY).await);
        if engine == Engine::Sqlite {
            keep("disk full", trouble(run, engine, Trouble::DiskFull, FULL).await);
        }
        if engine == Engine::Postgres {
            keep("database crashed", crashes(run, CRASHES.min(wanted.rounds)).await);
        }
        match faketime() {
            Some(_) => keep("clock", clock(run, engine, JUMPS).await),
            None => println!("skipped: clock {} (libfaketime is not there)", engine.name()),
        }
    }
    if is("lanes") {
        keep("lanes", flood(run, engine).await);
    }
    if is("nodes") && engine == Engine::Postgres {
        keep("nodes", nodes(run, wanted.rounds).await);
    }
}

impl Wanted {
    fn read() -> Result<Self> {
        let binary = std::env::var_os("MILEPOST_TEST_BIN").map(PathBuf::from);
        let mut wanted = Self {
            rounds: ROUNDS,
            run: Run { binary: binary.unwrap_or_default(), seed: u64::from(std::process::id()) },
            engines: engine::named("both")?,
            only: PARTS.iter().map(|p| (*p).to_owned()).collect(),
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("{word} needs a value\n{USAGE}"));
            match word.as_str() {
                "--rounds" => wanted.rounds = value()?.parse().context("--rounds")?,
                "--seed" => wanted.run.seed = value()?.parse().context("--seed")?,
                "--engine" => wanted.engines = engine::named(&value()?)?,
                "--bin" => wanted.run.binary = value()?.into(),
                "--only" => wanted.only = value()?.split(',').map(str::to_owned).collect(),
                _ => bail!("{USAGE}"),
            }
        }
        if let Some(unknown) = wanted.only.iter().find(|p| !PARTS.contains(&p.as_str())) {
            bail!("there is no part {unknown}\n{USAGE}");
        }
        ensure!(wanted.run.binary.is_file(), "no server: set MILEPOST_TEST_BIN or --bin\n{USAGE}");
        Ok(wanted)
    }
}
