//! `milepost decode`: reads messages with a connector.

use anyhow::{Context, Result, anyhow, bail};
use carriers::{Configured, Settings, present};
use clap::Args;
use domain::mapping::Mapping;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Exit code for a message that cannot be decoded.
const NOT_DECODABLE: u8 = 2;

/// Read messages with a connector and print what they say, one JSON object a file.
#[derive(Args)]
pub struct Decode {
    /// The connector, e.g. aftership, x12_214, generic_json; a wrong one shows all.
    #[arg(long)]
    connector: String,
    /// File with the fields of a generic JSON source (docs/GENERIC_JSON.md).
    #[arg(long, value_name = "FILE")]
    fields: Option<PathBuf>,
    /// The messages.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

impl Decode {
    /// Prints one line a file; exit code 2 when one cannot be decoded.
    pub fn run(self) -> Result<ExitCode> {
        let settings = Settings { fields: self.fields.as_deref().map(fields_of).transpose()?, ..Settings::default() };
        let Some(configured) = Configured::new(&self.connector, &settings) else {
            let known: Vec<_> = carriers::ALL.iter().map(|c| c.manifest().id).collect();
            bail!("there is no connector {}: use one of {}", self.connector, known.join(", "));
        };
        let mapping = Mapping::base();
        let mut code = ExitCode::SUCCESS;
        for file in &self.files {
            let shown = file.display().to_string();
            let object = match std::fs::read(file) {
                Err(error) => bail!("{shown}: {error}"),
                Ok(bytes) => match carriers::read(configured.carrier(), &settings, &bytes) {
                    Ok(decoded) => present::decoded(&shown, &self.connector, &decoded, &mapping),
                    Err(error) => {
                        eprintln!("{shown}: {error}");
                        code = ExitCode::from(NOT_DECODABLE);
                        present::undecodable(&shown, &self.connector, &error)
                    }
                },
            };
            say!("{object}");
        }
        Ok(code)
    }
}

/// The fields of a generic JSON source, as they are kept.
///
/// # Errors
/// When the file cannot be read, or says what cannot work.
pub(super) fn fields_of(file: &Path) -> Result<carriers::generic_json::Fields> {
    let text = std::fs::read(file).with_context(|| file.display().to_string())?;
    let fields: carriers::generic_json::Fields =
        serde_json::from_slice(&text).with_context(|| file.display().to_string())?;
    fields.check().map_err(|bad| anyhow!("{}: {bad}", file.display()))?;
    Ok(fields)
}
