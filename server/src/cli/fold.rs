//! `milepost fold`: folds a scenario, as the tower would.

use anyhow::{Context, Result, anyhow};
use clap::Args;
use connectors::carriers;
use domain::{mapping::Mapping, scenario};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Fold a scenario and print the state after each input and at the end.
#[derive(Args)]
pub struct FoldScenario {
    /// The scenario (JSON: inputs in order of arrival).
    file: PathBuf,
}

impl FoldScenario {
    /// Prints `{"state_after_each":[…],"final":{…}}`.
    pub fn run(self) -> Result<ExitCode> {
        let text = std::fs::read(&self.file).with_context(|| self.file.display().to_string())?;
        println!("{}", fold_file(&self.file, &text)?);
        Ok(ExitCode::SUCCESS)
    }
}

/// Folds a scenario's text; payload files are looked up from the scenario's folder upwards.
///
/// # Errors
/// When the scenario cannot be read, or names a provider that has no connector.
pub fn fold_file(path: &Path, text: &[u8]) -> Result<serde_json::Value> {
    let decode = |provider: &str, payload: &[u8]| {
        let carrier = carriers::by_id(provider).ok_or_else(|| format!("there is no connector {provider}"))?;
        carrier.decode(payload).map_err(|e| e.to_string())
    };
    let trust = |provider: &str| carriers::by_id(provider).map(|c| c.manifest().trust);
    let read = |name: &str| {
        let found = path.ancestors().skip(1).map(|folder| folder.join(name)).find(|file| file.is_file());
        found
            .ok_or_else(|| format!("payload file {name} is not found"))
            .and_then(|file| std::fs::read(file).map_err(|e| e.to_string()))
    };
    let delivery_key =
        |provider: &str, payload: &[u8]| carriers::by_id(provider).and_then(|c| c.delivery_key(payload).0);
    let mapping = Mapping::base();
    let around = scenario::Surroundings {
        reader: &mapping,
        decode: &decode,
        delivery_key: &delivery_key,
        trust: &trust,
        read: &read,
    };
    scenario::run(text, &around).map_err(|e| anyhow!("{}: {e}", path.display()))
}
