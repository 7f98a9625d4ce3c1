//! `milepost fold`: folds a scenario, as the installation would.

use anyhow::{Context, Result, anyhow};
use carriers::scenarios;
use clap::Args;
use std::{path::PathBuf, process::ExitCode};

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
        let folded = scenarios::fold(&self.file, &text).map_err(|e| anyhow!("{}: {e}", self.file.display()))?;
        say!("{folded}");
        Ok(ExitCode::SUCCESS)
    }
}
