//! The queue of exceptions in a large database against that in a small one, and against the bare query of its rows, in one run, while
//! events come in: each view and filter of it.

use super::{
    Line,
    pages::{Page, READERS, Sites, Statement, crowd_name},
};
use crate::chaos::engine::Engine;
use anyhow::Result;
use std::path::Path;

/// The queue as it opens.
const OPEN: &str = "exceptions";
const PAGES: &[Page] = &[
    (OPEN, |_| "/exceptions".into()),
    ("exceptions, mine", |_| "/exceptions?view=mine".into()),
    ("exceptions, unassigned", |_| "/exceptions?view=unassigned".into()),
    ("exceptions, snoozed", |_| "/exceptions?view=snoozed".into()),
    ("exceptions, closed", |_| "/exceptions?view=closed".into()),
    ("exceptions of a category", |_| "/exceptions?category=DELAY".into()),
    ("exceptions of a severity", |_| "/exceptions?severity=MAJOR".into()),
    ("exceptions of a team", |_| "/exceptions?team=Berlin".into()),
    ("exceptions, overdue", |_| "/exceptions?due=over".into()),
    ("playbooks, teams", |_| "/playbooks?tab=teams".into()),
];

/// What is simulated belongs to nobody. One in sixteen has an owner, one a team, and one in 256 is put off.
const WORKED_ON: Statement = Statement {
    sqlite: "UPDATE exception SET owner_id = (SELECT id FROM \"user\" LIMIT 1) WHERE substr(hex(id), 1, 1) = '0';
             UPDATE exception SET team = 'Berlin' WHERE substr(hex(id), 1, 1) = '1';
             UPDATE exception SET snoozed_until = 4102444800000000 WHERE closed_at IS NULL AND substr(hex(id), 1, 2) = '20'",
    postgres: "UPDATE exception SET owner_id = (SELECT id FROM \"user\" LIMIT 1) WHERE substr(id::text, 1, 1) = '0';
             UPDATE exception SET team = 'Berlin' WHERE substr(id::text, 1, 1) = '1';
             UPDATE exception SET snoozed_until = 4102444800000000 WHERE closed_at IS NULL AND substr(id::text, 1, 2) = '20'",
};

/// The rows of the queue: exceptions with their shipments.
const ROWS: &str = "SELECT x.id, x.reason, x.severity, x.responsible, x.opened_at, x.due_at, x.owner_id, s.state, s.origin, s.destination
     FROM exception x JOIN shipment s ON s.id = x.shipment_id
     WHERE x.company_id = (SELECT id FROM company) AND x.closed_at IS NULL ORDER BY x.severity_rank DESC, x.due_at, x.id LIMIT 50";
const BARE: Statement = Statement { sqlite: ROWS, postgres: ROWS };
/// The queue's page takes no more than so many times its bare query.
const GOAL: f64 = 5.0;

/// Each view of the queue at both sizes.
///
/// # Errors
/// When a step fails, or a page is not answered as it should be.
pub async fn queue(engine: Engine, binary: &Path, shipments: u64, peaks: &mut Vec<f64>) -> Result<Vec<Line>> {
    let sites = Sites::new(engine, binary, shipments).await?;
    for site in [&sites.small, &sites.large] {
        site.change(&WORKED_ON).await?;
    }
    let took = sites.compare(PAGES).await?;
    let (name, mut lines) = (engine.name(), took.lines(engine, &sites));
    for (crowd, readers) in READERS.into_iter().enumerate() {
        let (bare, page) = (sites.large.bare(&BARE, readers).await?, took.of(OPEN, crowd));
        let crowd = crowd_name(crowd);
        lines.push(Line::info(format!("{name}: the bare indexed query of the queue's rows, {crowd}"), bare, "ms"));
        lines.push(Line::at_most(format!("{name}: the queue's page against it, {crowd}"), page / bare, "×", GOAL));
    }
    sites.peaks(peaks)?;
    Ok(lines)
}
