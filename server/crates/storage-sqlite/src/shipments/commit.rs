//! What a fold leaves: state, exceptions, effects, jobs and the change, together under the revision that was loaded.

use super::{recycled, row::note_change};
use crate::{
    codec::{SqlError, json, micros, opt_micros, word},
    db::{Sqlite, drive},
    jobs,
    sql::query,
};
use domain::{ExceptionReason, Severity, State, ids::ShipmentId};
use jiff::Timestamp;
use rusqlite::Connection;
use storage::{
    Scope, StoreError,
    jobs::{Cause, JobKind},
    shipments::{Commit, Committed, NewEffect, SetBack},
};
use storage_sql::exceptions;

/// State, exceptions, effects, jobs and the change: together under the revision that was loaded, or not at all.
pub(crate) fn commit(conn: &mut Connection, scope: Scope, commit: &Commit) -> Result<Committed, SqlError> {
    let row = query("SELECT revision, state, merged_into FROM shipment WHERE company_id = ? AND id = ?")
        .bind(scope.company.0)
        .bind(commit.shipment.0)
        .fetch_optional(conn)?
        .ok_or(StoreError::NotFound("shipment"))?;
    let expected = i64::try_from(commit.expected).map_err(|_| SqlError(StoreError::Damaged("revision".into())))?;
    let merged: Option<ShipmentId> = row.opt_id("merged_into")?;
    if row.int("revision")? != expected || merged.is_some() {
        return Ok(Committed::Conflict);
    }
    if commit.cause != Cause::Live && jobs::is_stronger_fold_waiting(conn, scope, commit.shipment, commit.cause)? {
        return Ok(Committed::Superseded);
    }
    let (before, revision): (State, i64) = (row.word("state")?, expected + 1);
    drive(exceptions::apply(&mut Sqlite(conn), scope, commit))?;
    for effect in &commit.effects {
        put_effect(conn, scope, (commit.shipment, commit.at), effect)?;
    }
    for job in &commit.jobs {
        jobs::enqueue(conn, scope, job, commit.at)?;
    }
    if before != commit.folded.state {
        put_state_change(conn, scope, commit, before, revision)?;
    }
    put_state(conn, commit, revision)?;
    put_fold(conn, scope, commit)?;
    for next in &commit.next_uses {
        recycled::follow(conn, scope, commit, next)?;
    }
    note_change(conn, scope, commit.shipment, revision, commit.at)?;
    Ok(Committed::Done(revision.unsigned_abs()))
}

/// Fields that somebody else changed, unless something else was written meanwhile or a job is about to.
pub(super) fn set_back(
    conn: &mut Connection,
    scope: Scope,
    set_back: &SetBack,
    at: Timestamp,
) -> Result<bool, SqlError> {
    let set = query(
        "UPDATE shipment SET written = ?1 WHERE company_id = ?2 AND id = ?3 AND written = ?4 AND merged_into IS NULL
           AND NOT EXISTS (SELECT 1 FROM job WHERE company_id = ?2 AND kind = ?5 AND target = ?6 AND status IN ('ready', 'retrying'))
           AND NOT EXISTS (SELECT 1 FROM job WHERE company_id = ?2 AND kind = ?5 AND target = ?6 AND status = 'leased')",
    )
    .bind(&set_back.after)
    .bind(scope.company.0)
    .bind(set_back.shipment.0)
    .bind(&set_back.expected)
    .bind(JobKind::SYNC_ORDER.code())
    .bind(set_back.shipment.to_string())
    .execute(conn)?;
    if set == 0 {
        return Ok(false);
    }
    put_effect(conn, scope, (set_back.shipment, at), &set_back.effect)?;
    jobs::enqueue(conn, scope, &set_back.job, at)?;
    Ok(true)
}

fn put_effect(
    conn: &mut Connection,
    scope: Scope,
    (shipment, at): (ShipmentId, Timestamp),
    effect: &NewEffect,
) -> Result<(), SqlError> {
    let external = effect.outcome.external();
    query(
        "INSERT INTO effect (id, company_id, shipment_id, kind, key, body, created_at, done_at, external) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (shipment_id, kind, key) DO NOTHING",
    )
    .bind(effect.id.0)
    .bind(scope.company.0)
    .bind(shipment.0)
    .bind(word(effect.target))
    .bind(&effect.key)
    .bind(&effect.body)
    .bind(micros(at))
    .bind(external.map(|_| micros(at)))
    .bind(external)
    .execute(conn)?;
    Ok(())
}

fn put_state_change(
    conn: &mut Connection,
    scope: Scope,
    commit: &Commit,
    from: State,
    revision: i64,
) -> Result<(), SqlError> {
    query("INSERT INTO state_change (shipment_id, revision, company_id, at, cause, correlation, from_state, to_state) VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(commit.shipment.0)
        .bind(revision)
        .bind(scope.company.0)
        .bind(micros(commit.at))
        .bind(word(commit.cause))
        .bind(commit.correlation.0)
        .bind(from.code())
        .bind(commit.folded.state.code())
        .execute(conn)?;
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

fn trouble(conn: &mut Connection, id: ShipmentId) -> Result<Trouble, SqlError> {
    let rows = query(
        "SELECT reason, severity FROM exception WHERE shipment_id = ? AND closed_at IS NULL ORDER BY severity_rank DESC, opened_at, id",
    )
    .bind(id.0)
    .fetch_all(conn)?;
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

fn put_state(conn: &mut Connection, commit: &Commit, revision: i64) -> Result<(), SqlError> {
    let (folded, trouble) = (&commit.folded, trouble(conn, commit.shipment)?);
    let last_event_at = commit.last_event.as_ref().and_then(|event| event.at);
    query(
        "UPDATE shipment SET revision = ?, updated_at = ?, state = ?, terminal = ?, visibility = ?, heard_at = ?, eta = ?,
             delivered_at = ?, last_event = ?, last_event_at = ?, review_at = ?, worst_reason = ?, worst_severity = ?, open_exceptions = ?,
             late = ?, silent = ?, need = ?, moved_at = ?, eta_time = ?, delivered_time = ?
         WHERE id = ?",
    )
    .bind(revision)
    .bind(micros(commit.at))
    .bind(folded.state.code())
    .bind(folded.state.is_terminal())
    .bind(folded.visibility.code())
    .bind(opt_micros(folded.heard_at))
    .bind(opt_micros(folded.eta.as_ref().and_then(|t| t.sort_key())))
    .bind(opt_micros(folded.delivered_at.as_ref().and_then(|t| t.sort_key())))
    .bind(commit.last_event.as_ref().map(json))
    .bind(opt_micros(last_event_at))
    .bind(opt_micros(folded.review_at))
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
    .execute(conn)?;
    Ok(())
}

fn put_fold(conn: &mut Connection, scope: Scope, commit: &Commit) -> Result<(), SqlError> {
    query(
        "INSERT INTO shipment_fold (shipment_id, company_id, folded) VALUES (?, ?, ?)
         ON CONFLICT (shipment_id) DO UPDATE SET folded = excluded.folded",
    )
    .bind(commit.shipment.0)
    .bind(scope.company.0)
    .bind(json(&commit.folded))
    .execute(conn)?;
    Ok(())
}
