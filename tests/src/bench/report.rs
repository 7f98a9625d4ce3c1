//! The table: on the screen, in target/bench.json, and in docs/BENCHMARKS.md when everything was measured.

use super::{Bound, Line};
use crate::conformance::root;
use anyhow::{Context, Result};
use std::{fmt::Write as _, fs};

/// What stands around the table in docs/BENCHMARKS.md.
const MARKS: (&str, &str) = ("<!-- figures -->\n", "<!-- end of figures -->");

/// Prints a line.
pub fn print(line: &Line) {
    let missed = if line.ok { "" } else { "MISSED" };
    println!("{:<86} {:>11} {:<7} {:<14} {missed}", line.name, number(line.value), line.unit, goal(line));
}

/// Writes target/bench.json.
///
/// # Errors
/// When the file cannot be written.
pub fn to_json(lines: &[Line]) -> Result<()> {
    let target = root().join("target");
    fs::create_dir_all(&target)?;
    Ok(fs::write(target.join("bench.json"), serde_json::to_vec_pretty(lines)?)?)
}

/// Puts the table into docs/BENCHMARKS.md.
///
/// # Errors
/// When the page is not there or has no place for it.
pub fn to_document(lines: &[Line], machine: &str) -> Result<()> {
    let path = root().join("docs/BENCHMARKS.md");
    let page = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let (before, rest) = page.split_once(MARKS.0).context("docs/BENCHMARKS.md has no place for figures")?;
    let (_, after) = rest.split_once(MARKS.1).context("docs/BENCHMARKS.md has no end of figures")?;
    let mut table = format!("{machine}\n\n| what | figure | goal | |\n|---|---:|---|---|\n");
    for line in lines {
        let missed = if line.ok { "" } else { "**missed**" };
        let _ = writeln!(table, "| {} | {} {} | {} | {missed} |", line.name, number(line.value), line.unit, goal(line));
    }
    Ok(fs::write(path, format!("{before}{}{table}{}{after}", MARKS.0, MARKS.1))?)
}

fn goal(line: &Line) -> String {
    let Some(goal) = line.goal else { return String::new() };
    let sign = match line.bound {
        Bound::AtLeast => "≥",
        Bound::AtMost | Bound::Info => "≤",
    };
    format!("{sign} {} {}", number(goal), line.unit)
}

fn number(value: f64) -> String {
    if value.abs() >= 1000.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}

/// The machine, in a sentence.
pub fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let info = read("/proc/cpuinfo");
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map_or("", |(_, m)| m);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = read("/proc/meminfo");
    let kib: u64 = memory.split_whitespace().nth(1).and_then(|n| n.parse().ok()).unwrap_or(0);
    format!(
        "{cores} cores ({model}), {} GiB; load generator, installation and database on the same cores.",
        kib / 1024 / 1024
    )
}
