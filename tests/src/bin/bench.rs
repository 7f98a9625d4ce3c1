//! `make bench`: prints the table, writes target/bench.json, and docs/BENCHMARKS.md when everything was measured. See
//! [`tests::bench`].

use anyhow::{Context, Result, bail, ensure};
use server::cli::serve::NodeRole;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};
use tests::{
    OdooPeer,
    bench::{Line, endpoint, figures, import, ingest, latency, outbox, pages, queue, reading, report, volume},
    chaos::engine::{self, Engine, POSTGRES},
};

/// As in the server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str =
    "bench [--only reading,import,ingest,outbox,latency,pages,queue,figures,volume] [--engine sqlite|postgres|both]";
const PARTS: &[&str] = &["reading", "import", "ingest", "outbox", "latency", "pages", "queue", "figures", "volume"];
/// The most memory that an installation may have had, in MB.
const MEMORY_GOAL: f64 = 250.0;

struct Wanted {
    only: Vec<String>,
    engines: Vec<Engine>,
}

fn main() -> Result<ExitCode> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Runtime::new()?;
    if let ["endpoint", kind, rest @ ..] = words.as_slice() {
        return runtime.block_on(serve(kind, rest)).map(|()| ExitCode::SUCCESS);
    }
    let wanted = Wanted::read(&words)?;
    let mut lines = Vec::new();
    let mut keep = |new: Vec<Line>| {
        new.iter().for_each(report::print);
        lines.extend(new);
    };
    if wanted.part("reading") {
        keep(reading::reading()?);
    }
    if wanted.part("import") {
        match OdooPeer::find() {
            Ok(peer) => {
                let count = number("MILEPOST_BENCH_DELIVERIES", import::DELIVERIES)?;
                keep(runtime.block_on(import::import(&peer, count))?);
            }
            Err(missing) => println!("skipped: import from Odoo ({missing})"),
        }
    }
    runtime.block_on(measure(&wanted, &mut keep))?;
    if cfg!(debug_assertions) {
        println!("\nthis is a debug build: its figures say nothing");
    }
    report::to_json(&lines)?;
    if wanted.everything() {
        report::to_document(&lines, &report::machine())?;
    }
    let missed = lines.iter().filter(|line| !line.ok).count();
    println!("bench: {} figures, {missed} goals missed", lines.len());
    Ok(if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What this program is when the bench starts it again.
async fn serve(kind: &str, rest: &[&str]) -> Result<()> {
    let url = rest.get(1).map(|url| (*url).to_owned());
    let data = || rest.first().map(Path::new).context("a folder");
    match kind {
        "verify" => endpoint::verifying(None).await,
        "bare" => endpoint::committing(data()?, url).await,
        "alone" => endpoint::installation(NodeRole::Web, data()?, url).await,
        "whole" => endpoint::installation(NodeRole::All, data()?, url).await,
        _ => bail!("there is no endpoint {kind}"),
    }
}

/// The parts that need an engine.
async fn measure(wanted: &Wanted, keep: &mut impl FnMut(Vec<Line>)) -> Result<()> {
    let binary = std::env::var_os("MILEPOST_TEST_BIN").map(PathBuf::from).unwrap_or_default();
    let serves = ["latency", "pages", "queue", "figures"].iter().any(|part| wanted.part(part));
    ensure!(!serves || binary.is_file(), "no server: set MILEPOST_TEST_BIN");
    let shipments = number("MILEPOST_BENCH_SHIPMENTS", latency::SHIPMENTS)?;
    let listed = number("MILEPOST_BENCH_LISTED", pages::SHIPMENTS)?;
    let observations = number("MILEPOST_BENCH_OBSERVATIONS", volume::OBSERVATIONS)?;
    let mut peaks = Vec::new();
    for engine in &wanted.engines {
        if !engine.is_there() {
            println!("skipped: {} ({POSTGRES} is not set)", engine.name());
            continue;
        }
        if wanted.part("ingest") {
            keep(ingest::ingest(*engine, &mut peaks).await?);
        }
        if wanted.part("outbox") {
            keep(outbox::outbox(*engine).await?);
        }
        if wanted.part("latency") {
            keep(latency::latency(*engine, &binary, shipments, &mut peaks).await?);
        }
        if wanted.part("pages") {
            keep(pages::pages(*engine, &binary, listed, &mut peaks).await?);
        }
        if wanted.part("queue") {
            keep(queue::queue(*engine, &binary, listed, &mut peaks).await?);
        }
        if wanted.part("figures") {
            keep(figures::figures(*engine, &binary, listed, &mut peaks).await?);
        }
        if wanted.part("volume") {
            keep(volume::volume(*engine, observations, &mut peaks).await?);
        }
    }
    if let Some(peak) = peaks.into_iter().reduce(f64::max) {
        keep(vec![Line::at_most("most memory that any of these installations had", peak, "MB", MEMORY_GOAL)]);
    }
    Ok(())
}

fn number<T>(variable: &'static str, usual: T) -> Result<T>
where
    T: std::str::FromStr<Err = std::num::ParseIntError>,
{
    std::env::var(variable).map_or(Ok(usual), |given| given.parse().context(variable))
}

impl Wanted {
    fn read(words: &[&str]) -> Result<Self> {
        let mut wanted = Self { only: Vec::new(), engines: engine::named("both")? };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("{word} needs a value\n{USAGE}"));
            match *word {
                "--only" => wanted.only = value()?.split(',').map(str::to_owned).collect(),
                "--engine" => wanted.engines = engine::named(value()?)?,
                _ => bail!("{USAGE}"),
            }
        }
        if let Some(unknown) = wanted.only.iter().find(|part| !PARTS.contains(&part.as_str())) {
            bail!("there is no part {unknown}\n{USAGE}");
        }
        Ok(wanted)
    }

    fn part(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == part)
    }

    fn everything(&self) -> bool {
        self.only.is_empty() && self.engines.len() > 1 && self.engines.iter().all(|engine| engine.is_there())
    }
}
