//! Runs, step by step.

use super::differences;
use crate::{
    Db, Row,
    codec::{json, micros, stored_count, word},
    jobs, query,
};
use domain::ids::ReconciliationId;
use jiff::Timestamp;
use storage::{
    Result, Scope, StoreError,
    reconciliations::{Counts, KEPT, NewRun, PRUNED_ROWS, Run, RunState, Step},
};

/// Whether the run began: another one may be running.
pub(super) async fn begin(db: &mut dyn Db, scope: Scope, run: &NewRun) -> Result<bool> {
    let begun = query(
        "INSERT INTO reconciliation (id, company_id, started_by, started_at, stepped_at, since, dry_run, cursor, total)
         VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (company_id) WHERE state = 'running' DO NOTHING",
    )
    .bind(run.id.0)
    .bind(scope.company.0)
    .bind(json(&scope.actor))
    .bind(run.at)
    .bind(run.since)
    .bind(run.dry_run)
    .bind(&run.cursor)
    .bind(stored_count(run.total))
    .execute(db)
    .await?;
    Ok(begun > 0)
}

/// Runs and closed differences of long ago go. What a person let stand stays until its cause is gone: then it is closed like any other.
pub(super) async fn drop_old(db: &mut dyn Db, scope: Scope, now: Timestamp) -> Result<()> {
    let before = micros(now.checked_sub(KEPT).unwrap_or(Timestamp::MIN));
    for sql in [
        "DELETE FROM reconciliation WHERE id IN (SELECT id FROM reconciliation WHERE company_id = ?1 AND state <> 'running' AND started_at < ?2
             ORDER BY started_at LIMIT ?3)",
        "DELETE FROM difference WHERE id IN (SELECT id FROM difference WHERE company_id = ?1 AND closed_at IS NOT NULL AND closed_at < ?2
             AND resolution <> 'kept' ORDER BY closed_at LIMIT ?3)",
    ] {
        query(sql).bind(scope.company.0).bind(before).bind(PRUNED_ROWS).execute(db).await?;
    }
    Ok(())
}

/// Keeps a step, unless the run has ended or is elsewhere.
pub(super) async fn step(db: &mut dyn Db, scope: Scope, id: ReconciliationId, step: &Step) -> Result<Run> {
    let row = query("SELECT * FROM reconciliation WHERE company_id = ?1 AND id = ?2 {for update}")
        .bind(scope.company.0)
        .bind(id.0)
        .optional(db)
        .await?;
    let mut run = row.as_ref().map(run).transpose()?.ok_or(StoreError::NotFound("reconciliation"))?;
    if run.state != RunState::Running || run.cursor != step.from {
        return Ok(run);
    }
    let found = differences::keep(db, scope, &step.look, step.at).await?;
    run.counts = run.counts.plus(found).plus(step.counts);
    run.stepped_at = step.at;
    match &step.to {
        Some(to) => run.cursor.clone_from(to),
        None => (run.state, run.ended_at) = (RunState::Done, Some(step.at)),
    }
    jobs::enqueue_all(db, scope, &step.jobs, step.at).await?;
    query(
        "UPDATE reconciliation SET state = ?1, stepped_at = ?2, ended_at = ?3, cursor = ?4, compared = ?5, differing = ?6, opened = ?7,
             closed = ?8, fixes = ?9, tickets = ?10 WHERE id = ?11",
    )
    .bind(word(run.state))
    .bind(run.stepped_at)
    .bind(run.ended_at)
    .bind(&run.cursor)
    .bind(stored_count(run.counts.compared))
    .bind(stored_count(run.counts.differing))
    .bind(stored_count(run.counts.opened))
    .bind(stored_count(run.counts.closed))
    .bind(stored_count(run.counts.fixes))
    .bind(stored_count(run.counts.tickets))
    .bind(id.0)
    .execute(db)
    .await?;
    Ok(run)
}

/// A row of `reconciliation`.
pub(super) fn run(row: &Row) -> Result<Run> {
    Ok(Run {
        id: row.id("id")?,
        state: row.word("state")?,
        by: row.json("started_by")?,
        started_at: row.at("started_at")?,
        stepped_at: row.at("stepped_at")?,
        ended_at: row.opt_at("ended_at")?,
        since: row.at("since")?,
        dry_run: row.flag("dry_run")?,
        cursor: row.text("cursor")?,
        total: row.count("total")?,
        counts: Counts {
            compared: row.count("compared")?,
            differing: row.count("differing")?,
            opened: row.count("opened")?,
            closed: row.count("closed")?,
            fixes: row.count("fixes")?,
            tickets: row.count("tickets")?,
        },
    })
}
