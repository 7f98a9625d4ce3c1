//! `make chaos`: what must never happen, provoked. The real server runs as a process of its own; Odoo, the desk and the
//! carriers are simulated here and remember everything, so that "exactly once" can be asked.
//!
//! Times here are the machine's: a real process is waited for, always with a named limit. What is random follows from
//! the seed that each line prints.

pub mod crowd;
pub mod database;
pub mod engine;
pub mod faults;
pub mod findings;
pub mod kill;
pub mod lanes;
pub mod outside;
pub mod proxy;
pub mod story;

use findings::Findings;
use jiff::Timestamp;
use std::{fmt, path::PathBuf};

/// Findings of one kind that are printed.
const PRINTED: usize = 12;

/// What a run works with.
#[derive(Clone, Debug)]
pub struct Run {
    /// The server.
    pub binary: PathBuf,
    /// What everything random follows from.
    pub seed: u64,
}

/// What came of one part.
#[derive(Clone, Debug)]
pub struct Part {
    name: String,
    seed: u64,
    /// How often something was done to the installation.
    pub rounds: u32,
    /// What is wrong.
    pub findings: Findings,
    figures: Vec<(String, f64)>,
    notes: Vec<String>,
}

impl Part {
    /// One of which nothing is known yet.
    pub fn new(name: &str, seed: u64) -> Self {
        let (figures, notes) = (Vec::new(), Vec::new());
        Self { name: name.to_owned(), seed, rounds: 0, findings: Findings::default(), figures, notes }
    }

    /// Keeps a figure for the line.
    pub fn figure(&mut self, name: &str, value: f64) {
        self.figures.push((name.to_owned(), value));
    }

    /// Keeps a word for the line.
    pub fn note(&mut self, word: impl Into<String>) {
        self.notes.push(word.into());
    }

    /// Something that should not be so.
    pub fn wrong(&mut self, what: impl Into<String>) {
        self.findings.wrong.push(what.into());
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Findings { lost, doubled, wrong } = &self.findings;
        write!(
            f,
            "{}: rounds={} lost={} doubled={} wrong={}",
            self.name,
            self.rounds,
            lost.len(),
            doubled.len(),
            wrong.len()
        )?;
        for (name, value) in &self.figures {
            let digits = if value.fract() == 0.0 { 0 } else { 1 };
            write!(f, " {name}={value:.digits$}")?;
        }
        for note in &self.notes {
            write!(f, " {note}")?;
        }
        write!(f, " seed={}", self.seed)?;
        for (kind, list) in [("lost", lost), ("doubled", doubled), ("wrong", wrong)] {
            for finding in list.iter().take(PRINTED) {
                write!(f, "\n  {kind}: {finding}")?;
            }
            if list.len() > PRINTED {
                write!(f, "\n  {kind}: and {} more", list.len() - PRINTED)?;
            }
        }
        Ok(())
    }
}

/// The time, for orders and events: they are given to a server that runs by the machine's clock.
#[expect(clippy::disallowed_methods, reason = "the server under test is a process that runs by the machine's clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}
