//! Jobs as they are read: pages of them, newest movement first.

use super::{chosen, summary::done_destinations};
use crate::{
    Db, Row,
    codec::{PAGE_AND_ONE, cursor, micros, page},
};
use std::cmp::Reverse;
use storage::{
    Actor, Page, Result, Scope,
    jobs::{INSIDE, JobFilter, JobRow, JobSelection, LeasedJob, NewJob},
};

// what is over along an index of its own, of what is not there is little; work inside is shown where it failed or retries
macro_rules! listed {
    ($status:literal) => {
        concat!(
            "SELECT * FROM job WHERE ",
            $status,
            " AND ",
            which_jobs!(),
            " AND (updated_at, seq) < (?9, ?10) ORDER BY updated_at DESC, seq DESC LIMIT ?11"
        )
    };
}

const FAILED: &str = listed!("status = 'dead' AND ?12 IS NULL");
const DONE: &str = listed!("status = 'done' AND coalesce(destination, 'inside') = ?12 AND updated_at <= ?9");
// along the index of what waits
const RETRYING: &str = listed!("status IN ('ready', 'retrying') AND status = 'retrying' AND ?12 IS NULL");
const WAITING: &str = listed!(
    "status IN ('ready', 'retrying') AND status = 'ready' AND (destination IS NOT NULL OR ?3 = 'inside') AND ?12 IS NULL"
);
const LEASED: &str = listed!("status = 'leased' AND (destination IS NOT NULL OR ?3 = 'inside') AND ?12 IS NULL");

pub(super) async fn list(
    db: &mut dyn Db,
    scope: Scope,
    filter: JobFilter,
    which: &JobSelection,
    cursor: Option<&str>,
) -> Result<Page<JobRow>> {
    let (at, seq): (i64, i64) = cursor::decode(cursor).unwrap_or((i64::MAX, i64::MAX));
    let lists: Vec<(&str, Option<String>)> = match (filter, &which.destination) {
        (JobFilter::Failed, _) => vec![(FAILED, None)],
        (JobFilter::Retrying, _) => vec![(RETRYING, None)],
        (JobFilter::Pending, _) => vec![(WAITING, None), (LEASED, None)],
        (JobFilter::Done, Some(name)) => vec![(DONE, Some(name.clone()))],
        (JobFilter::Done, None) => {
            let names = done_destinations(db, scope.company).await?;
            names.into_iter().filter(|name| name != INSIDE).map(|name| (DONE, Some(name))).collect()
        }
    };
    let mut found = Vec::new();
    for (sql, destination) in lists {
        let rows = chosen(sql, scope, which).bind(at).bind(seq).bind(PAGE_AND_ONE).bind(destination).all(db).await?;
        for row in &rows {
            found.push((row.int("seq")?, listed(row)?));
        }
    }
    // the newest of all of them
    found.sort_by_key(|(seq, row)| Reverse((row.updated_at, *seq)));
    let page = page(found, |(seq, last)| cursor::encode(&(micros(last.updated_at), seq)));
    Ok(Page { rows: page.rows.into_iter().map(|(_, row)| row).collect(), next: page.next })
}

/// A row of `job` as the work that it is.
///
/// # Errors
/// When a column is missing or of another type, as for the others.
pub fn job(row: &Row) -> Result<NewJob> {
    Ok(NewJob {
        id: row.id("id")?,
        kind: row.word("kind")?,
        target: row.text("target")?,
        destination: row.opt_text("destination")?,
        lane: row.word("lane")?,
        cause: row.word("cause")?,
        run_at: row.at("run_at")?,
        correlation: row.id("correlation")?,
        shipment: row.opt_id("shipment_id")?,
    })
}

/// The rows of `job` that were leased, the oldest first.
///
/// # Errors
/// As [`job`].
pub fn leased(rows: &[Row]) -> Result<Vec<LeasedJob>> {
    let leased = |row: &Row| {
        let scope = Scope { company: row.id("company_id")?, actor: Actor::System };
        Ok(LeasedJob { scope, job: job(row)?, attempts: row.count("attempts")? })
    };
    let mut leased = rows.iter().map(leased).collect::<Result<Vec<_>>>()?;
    leased.sort_by_key(|leased| (leased.job.run_at, leased.job.id));
    Ok(leased)
}

pub(super) fn listed(row: &Row) -> Result<JobRow> {
    Ok(JobRow {
        job: job(row)?,
        status: row.word("status")?,
        attempts: row.count("attempts")?,
        error: row.opt_packed("error")?,
        class: row.opt_text("class")?,
        created_at: row.at("created_at")?,
        updated_at: row.at("updated_at")?,
    })
}
