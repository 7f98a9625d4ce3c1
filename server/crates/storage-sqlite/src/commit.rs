//! What a fold leaves: state, exceptions, effects, jobs and the change, together under the revision that was loaded.

use crate::db::{Run as _, Sqlite, drive};
use domain::{ExceptionReason, Severity, State, ids::ShipmentId};
use rusqlite::Connection;
use storage::{
    Result, Scope, StoreError,
    jobs::Cause,
    shipments::{Commit, Committed},
};
use storage_sql::{
    codec::{json, opt_micros, word},
    exceptions, jobs, query, rollups, shipments, unknown,
};

/// State, exceptions, effects, jobs and the change: together under the revision that was loaded, or not at all.
pub(crate) fn commit(conn: &mut Connection, scope: Scope, commit: &Commit) -> Result<Committed> {
    let row = query("SELECT revision, state, merged_into FROM shipment WHERE company_id = ? AND id = ?")
        .bind(scope.company.0)
        .bind(commit.shipment.0)
        .first(conn)?
        .ok_or(StoreError::NotFound("shipment"))?;
    let expected = i64::try_from(commit.expected).map_err(|_| StoreError::Damaged("revision".into()))?;
    let merged: Option<ShipmentId> = row.opt_id("merged_into")?;
    if row.int("revision")? != expected || merged.is_some() {
        return Ok(Committed::Conflict);
    }
    if commit.cause != Cause::Live
        && drive(jobs::is_stronger_fold_waiting(&mut Sqlite(conn), scope, commit.shipment, commit.cause))?
    {
        return Ok(Committed::Superseded);
    }
    let (before, revision): (State, i64) = (row.word("state")?, expected + 1);
    drive(exceptions::apply(&mut Sqlite(conn), scope, commit))?;
    drive(unknown::apply(&mut Sqlite(conn), scope, commit))?;
    for effect in &commit.effects {
        drive(shipments::put_effect(&mut Sqlite(conn), scope, (commit.shipment, commit.at), effect))?;
    }
    for job in &commit.jobs {
        drive(jobs::enqueue(&mut Sqlite(conn), scope, job, commit.at))?;
    }
    if before != commit.folded.state {
        put_state_change(conn, scope, commit, before, revision)?;
    }
    put_state(conn, commit, revision)?;
    put_fold(conn, scope, commit)?;
    for next in &commit.next_uses {
        drive(shipments::follow(&mut Sqlite(conn), scope, commit, next))?;
    }
    drive(shipments::note_change(&mut Sqlite(conn), scope, commit.shipment, revision, commit.at))?;
    Ok(Committed::Done(revision.unsigned_abs()))
}

fn put_state_change(conn: &mut Connection, scope: Scope, commit: &Commit, from: State, revision: i64) -> Result<()> {
    query("INSERT INTO state_change (shipment_id, revision, company_id, at, cause, correlation, from_state, to_state) VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(commit.shipment.0)
        .bind(revision)
        .bind(scope.company.0)
        .bind(commit.at)
        .bind(word(commit.cause))
        .bind(commit.correlation.0)
        .bind(from.code())
        .bind(commit.folded.state.code())
        .run(conn)?;
    Ok(())
}

/// What lists read of the open exceptions.
#[derive(Default)]
struct Trouble {
    worst: Option<(ExceptionReason, Severity)>,
    open: i64,
    late: bool,
    silent: bool,
}

impl Trouble {
    /// Sorts by severity, then lateness.
    fn need(&self) -> i64 {
        let severity = self.worst.map_or(0, |(_, severity)| exceptions::rank(severity) + 1);
        severity * 2 + i64::from(self.late)
    }
}

fn trouble(conn: &mut Connection, id: ShipmentId) -> Result<Trouble> {
    let rows = query(
        "SELECT reason, severity FROM exception WHERE shipment_id = ? AND closed_at IS NULL ORDER BY severity_rank DESC, opened_at, id",
    )
    .bind(id.0)
    .rows(conn)?;
    let mut trouble = Trouble::default();
    for row in &rows {
        let (reason, severity) = (row.word("reason")?, row.word("severity")?);
        trouble.worst.get_or_insert((reason, severity));
        trouble.open += 1;
        trouble.late |= reason == ExceptionReason::Late;
        trouble.silent |= reason == ExceptionReason::Silence;
    }
    Ok(trouble)
}

fn put_state(conn: &mut Connection, commit: &Commit, revision: i64) -> Result<()> {
    let (folded, trouble) = (&commit.folded, trouble(conn, commit.shipment)?);
    let last_event_at = commit.last_event.as_ref().and_then(|event| event.at);
    query(
        "UPDATE shipment SET revision = ?, updated_at = ?, state = ?, terminal = ?, visibility = ?, heard_at = ?, eta = ?,
             delivered_at = ?, last_event = ?, last_event_at = ?, review_at = ?, worst_reason = ?, worst_severity = ?, open_exceptions = ?,
             late = ?, silent = ?, need = ?, moved_at = ?, eta_time = ?, delivered_time = ?
         WHERE id = ?",
    )
    .bind(revision)
    .bind(commit.at)
    .bind(folded.state.code())
    .bind(folded.state.is_terminal())
    .bind(folded.visibility.code())
    .bind(folded.heard_at)
    .bind(opt_micros(folded.eta.as_ref().and_then(|t| t.sort_key())))
    .bind(opt_micros(folded.delivered_at.as_ref().and_then(|t| t.sort_key())))
    .bind(commit.last_event.as_ref().map(json))
    .bind(last_event_at)
    .bind(folded.review_at)
    .bind(trouble.worst.map(|(reason, _)| reason.code()))
    .bind(trouble.worst.map(|(_, severity)| severity.code()))
    .bind(trouble.open)
    .bind(trouble.late)
    .bind(trouble.silent)
    .bind(trouble.need())
    .bind(opt_micros(last_event_at.or(folded.heard_at)).unwrap_or(0))
    .bind(folded.eta.as_ref().map(json))
    .bind(folded.delivered_at.as_ref().map(json))
    .bind(commit.shipment.0)
    .run(conn)?;
    Ok(())
}

fn put_fold(conn: &mut Connection, scope: Scope, commit: &Commit) -> Result<()> {
    query(
        "INSERT INTO shipment_fold (shipment_id, company_id, folded, contributed) VALUES (?, ?, ?, ?)
         ON CONFLICT (shipment_id) DO UPDATE SET folded = excluded.folded, contributed = coalesce(excluded.contributed, contributed)",
    )
    .bind(commit.shipment.0)
    .bind(scope.company.0)
    .bind(json(&commit.folded))
    .bind(commit.contributed.as_ref().and_then(|new| new.after.0.clone()))
    .run(conn)?;
    if let Some(new) = &commit.contributed {
        drive(rollups::note(&mut Sqlite(conn), scope, (commit.shipment, commit.at), new))?;
    }
    Ok(())
}
