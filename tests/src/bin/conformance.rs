//! `make conformance`: compares, prints a table, writes target/conformance.json; fails where something is not as it
//! must be.

use anyhow::Result;
use std::{fs, process::ExitCode};
use tests::conformance::{self, AGREEMENT_MIN, Report};

fn main() -> Result<ExitCode> {
    let collection = conformance::collection();
    if collection.is_none() {
        println!(
            "the larger collection of payloads is not there (MILEPOST_CARRIER_DATA): only what ships is compared\n"
        );
    }
    let report = conformance::run(collection.as_deref())?;
    print(&report);
    let target = conformance::root().join("target");
    fs::create_dir_all(&target)?;
    fs::write(target.join("conformance.json"), serde_json::to_vec_pretty(&report)?)?;
    Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(report: &Report) {
    println!("provider            files decoded refused  events unmapped compared agreed");
    for p in &report.providers {
        println!(
            "{:<18} {:>6} {:>7} {:>7} {:>7} {:>8} {:>8} {:>6}",
            p.provider,
            p.files,
            p.decoded,
            p.refused.len(),
            p.events,
            p.unmapped,
            p.compared,
            p.agreed
        );
    }
    for p in &report.providers {
        for unread in &p.unread {
            println!("\nNOT READ {}: {}", unread.file, unread.reason);
        }
        for d in &p.disagreements {
            let reason = d.reason.as_deref().unwrap_or("NOT EXPLAINED");
            println!("\ndiffers: {} event {}: {}\n         {reason}", d.file, d.event, d.differs.join("; "));
        }
    }
    println!("\nrefused, with the reason:");
    for unread in report.providers.iter().flat_map(|p| &p.refused) {
        println!("  {}: {}", unread.file, unread.reason);
    }
    for (name, tally) in [
        ("scenarios", &report.scenarios),
        ("signature vectors", &report.signatures),
        ("hostile inputs", &report.hostile),
    ] {
        println!("\n{name}: {} of {}", tally.right, tally.total);
        tally.wrong.iter().for_each(|wrong| println!("  WRONG {wrong}"));
    }
    let verdict = if report.ok { "conforms" } else { "DOES NOT CONFORM" };
    println!(
        "\n{verdict}: {:.1} % of the compared events agree (at least {:.0} %), {} payloads are of platforms without a connector",
        report.agreement * 100.0,
        AGREEMENT_MIN * 100.0,
        report.without_connector
    );
}
