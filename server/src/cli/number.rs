//! `milepost number`: what a text is as a carrier's number.

use crate::log;
use anyhow::Result;
use clap::Args;
use domain::numbers::{self, NumberReport};
use std::{
    io::{BufWriter, Write, stdout},
    process::ExitCode,
};

/// Explain tracking numbers as they are typed, scanned or received, one JSON object each.
#[derive(Args)]
pub struct Number {
    /// The numbers: typed ones, barcodes with their marks, links, text with a number in it.
    #[arg(required = true, allow_hyphen_values = true)]
    numbers: Vec<String>,
}

impl Number {
    /// Prints one line a number, and on standard error why one is none or what is odd about it.
    pub fn run(self) -> Result<ExitCode> {
        let mut out = BufWriter::new(stdout().lock());
        for text in &self.numbers {
            let number = numbers::Number::read(text);
            serde_json::to_writer(&mut out, &NumberReport::new(text, &number))?;
            writeln!(out)?;
            for remark in number.problem().map(ToString::to_string).into_iter().chain(number.remarks()) {
                eprintln!("{}", log::shown(&format!("{text}: {remark}")));
            }
        }
        out.flush()?;
        Ok(ExitCode::SUCCESS)
    }
}
