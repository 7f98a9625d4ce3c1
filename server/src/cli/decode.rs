//! `milepost decode`: reads messages with a connector.

use anyhow::{Result, bail};
use clap::Args;
use connectors::carriers::{self, present};
use domain::mapping::Mapping;
use std::{path::PathBuf, process::ExitCode};

/// Exit code for a message that cannot be decoded.
const NOT_DECODABLE: u8 = 2;

/// Read messages with a connector and print what they say, one JSON object a file.
#[derive(Args)]
pub struct Decode {
    /// The connector: aftership, easypost, x12_214.
    #[arg(long)]
    connector: String,
    /// The messages.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

impl Decode {
    /// Prints one line a file; exit code 2 when one cannot be decoded.
    pub fn run(self) -> Result<ExitCode> {
        let Some(carrier) = carriers::by_id(&self.connector) else {
            let known: Vec<_> = carriers::ALL.iter().map(|c| c.manifest().id).collect();
            bail!("there is no connector {}: use one of {}", self.connector, known.join(", "));
        };
        let mapping = Mapping::base();
        let mut code = ExitCode::SUCCESS;
        for file in &self.files {
            let shown = file.display().to_string();
            let object = match std::fs::read(file) {
                Err(error) => bail!("{shown}: {error}"),
                Ok(bytes) => match carrier.decode(&bytes) {
                    Ok(decoded) => present::decoded(&shown, &self.connector, &decoded, &mapping),
                    Err(error) => {
                        eprintln!("{shown}: {error}");
                        code = ExitCode::from(NOT_DECODABLE);
                        present::undecodable(&shown, &self.connector, &error)
                    }
                },
            };
            println!("{object}");
        }
        Ok(code)
    }
}
