//! Figures: what their pages cost in a large database against a small one and against the bare query of the rows that they show, and
//! what keeping them costs beside folding the same events; in one run.

use super::{
    Line,
    pages::{Page, READERS, Sites, Statement, crowd_name},
};
use crate::chaos::engine::Engine;
use anyhow::Result;
use std::{path::Path, time::Duration};

const OVERVIEW: &str = "overview";
const CARRIERS: &str = "carriers";
const PAGES: &[Page] = &[
    (OVERVIEW, |_| "/overview".into()),
    ("service levels", |_| "/sla".into()),
    (CARRIERS, |_| "/carriers".into()),
    ("a carrier", |_| "/carriers/dhl".into()),
    ("exception analysis", |_| "/analytics".into()),
    ("ETA accuracy", |_| "/calibration".into()),
];

/// The roll-ups of the last four weeks, as both pages show them.
const ROWS: [(&str, Statement); 2] = [
    (OVERVIEW, {
        const TEXT: &str = "SELECT kpi, version, part, day, bin, n FROM rollup WHERE company_id = (SELECT id FROM company) AND grain = 0
             AND kpi IN ('on_time', 'transit_time', 'exception_rate', 'cases_opened') AND day >= (SELECT max(day) FROM rollup WHERE grain = 0 AND kpi = 'on_time' AND part = 'yes') LIMIT 5000";
        Statement { sqlite: TEXT, postgres: TEXT }
    }),
    (CARRIERS, {
        const TEXT: &str = "SELECT kpi, version, part, day, bin, dims, n FROM rollup WHERE company_id = (SELECT id FROM company) AND grain = 2
             AND kpi IN ('on_time', 'transit_time', 'first_attempt', 'return_rate') LIMIT 5000";
        Statement { sqlite: TEXT, postgres: TEXT }
    }),
];
/// Against the bare query.
const ROWS_GOAL: f64 = 5.0;
/// Events come in for so long while the cost of keeping figures is read.
const FED: Duration = Duration::from_secs(40);
/// What figures cost, of what folding the same events costs, in percent.
const SHARE_GOAL: f64 = 25.0;

/// What is simulated counts in a demo only: here it is taken for real.
const REAL: Statement =
    Statement { sqlite: "UPDATE shipment SET sandbox = 0", postgres: "UPDATE shipment SET sandbox = false" };

/// Each page at both sizes, and the cost of keeping them right.
///
/// # Errors
/// When a step fails, or a page is not answered as it should be.
pub async fn figures(engine: Engine, binary: &Path, shipments: u64, peaks: &mut Vec<f64>) -> Result<Vec<Line>> {
    let sites = Sites::new(engine, binary, shipments).await?;
    for site in [&sites.small, &sites.large] {
        site.change(&REAL).await?;
    }
    let took = sites.compare(PAGES).await?;
    let (name, mut lines) = (engine.name(), took.lines(engine, &sites));
    for (page, rows) in &ROWS {
        for (crowd, readers) in READERS.into_iter().enumerate() {
            let (bare, took) = (sites.large.bare(rows, readers).await?, took.of(page, crowd));
            let crowd = crowd_name(crowd);
            lines.push(Line::info(format!("{name}: the bare query of the roll-ups of {page}, {crowd}"), bare, "ms"));
            lines.push(Line::at_most(format!("{name}: the page against it, {crowd}"), took / bare, "×", ROWS_GOAL));
        }
    }
    let counting: &[&str] = &["step=\"count\""];
    let of =
        [("milepost_fold_seconds", &[][..]), ("milepost_figures_seconds", counting), ("milepost_figures_seconds", &[])];
    let [fold, counting, figures] = sites.large.spent(FED, of).await?;
    let fold = fold - counting;
    lines.push(Line::info(format!("{name}: folding, of each event"), fold * 1_000.0, "ms"));
    lines.push(Line::info(format!("{name}: keeping figures, of each event"), figures * 1_000.0, "ms"));
    lines.push(Line::at_most(format!("{name}: keeping figures, of folding"), 100.0 * figures / fold, "%", SHARE_GOAL));
    sites.peaks(peaks)?;
    Ok(lines)
}
