//! How well the connectors and the fold agree with what others say: independent readings of real payloads, composed
//! expectations, scenarios, signature vectors, hostile inputs. Reads what ships with the project and, where it lies
//! beside it, the larger collection of payloads.

mod compare;
mod payloads;
mod scenarios;
mod signatures;

use serde::Serialize;
use std::path::{Path, PathBuf};

pub use payloads::{Disagreement, Provider, Unread};

/// What of the events with an independent milestone has to agree.
pub const AGREEMENT_MIN: f64 = 0.98;

/// Everything that was compared.
#[derive(Debug, Serialize)]
pub struct Report {
    /// By provider.
    pub providers: Vec<Provider>,
    /// Scenarios of the precedence rules.
    pub scenarios: Tally,
    /// Signature vectors.
    pub signatures: Tally,
    /// Hostile inputs.
    pub hostile: Tally,
    /// Payloads of platforms for which there is no connector.
    pub without_connector: usize,
    /// The share of the events with an independent milestone that agree.
    pub agreement: f64,
    /// Whether all of it is as it must be.
    pub ok: bool,
}

/// How many of some kind are as they must be.
#[derive(Debug, Default, Serialize)]
pub struct Tally {
    /// All.
    pub total: usize,
    /// As they must be.
    pub right: usize,
    /// What is wrong with the others.
    pub wrong: Vec<String>,
}

impl Tally {
    fn add(&mut self, name: &str, verdict: Result<(), String>) {
        self.total += 1;
        match verdict {
            Ok(()) => self.right += 1,
            Err(reason) => self.wrong.push(format!("{name}: {reason}")),
        }
    }

    fn ok(&self) -> bool {
        self.total == self.right
    }
}

/// The project's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The larger collection, where there is one: `MILEPOST_CARRIER_DATA`, else beside the project.
pub fn collection() -> Option<PathBuf> {
    let folder =
        std::env::var_os("MILEPOST_CARRIER_DATA").map_or_else(|| root().join("../shared/data/carriers"), PathBuf::from);
    folder.join("index.json").is_file().then_some(folder)
}

/// Compares what ships with the project, and the collection where it is given.
///
/// # Errors
/// When a file that must be there cannot be read.
pub fn run(collection: Option<&Path>) -> anyhow::Result<Report> {
    let mut all = payloads::shipped()?;
    let hostile = payloads::hostile(collection)?;
    let mut scenarios = scenarios::run(&root().join("tests/fixtures/scenarios"))?;
    let mut without_connector = 0;
    if let Some(folder) = collection {
        (all, without_connector) = payloads::collected(folder)?;
        scenarios = scenarios::run(&folder.join("composed/scenarios"))?;
    }
    let signatures = signatures::run(collection)?;
    let (compared, agreed) = all.iter().fold((0, 0), |(all, right), p| (all + p.compared, right + p.agreed));
    let agreement = if compared == 0 { 1.0 } else { agreed as f64 / compared as f64 };
    let explained = all.iter().all(|p| p.disagreements.iter().all(|d| d.reason.is_some()) && p.unread.is_empty());
    let ok = agreement >= AGREEMENT_MIN && explained && scenarios.ok() && signatures.ok() && hostile.ok();
    Ok(Report { providers: all, scenarios, signatures, hostile, without_connector, agreement, ok })
}
