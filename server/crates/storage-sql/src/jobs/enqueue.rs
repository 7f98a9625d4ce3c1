//! How work comes into the queue.

use crate::{
    Db,
    codec::{micros, word},
    query,
    rows::{Rows, hex_id},
};
use domain::ids::{CorrelationId, JobId, ShipmentId, content_id_at};
use jiff::Timestamp;
use serde_json::json;
use std::collections::BTreeMap;
use storage::{
    Result, Scope, StoreError,
    jobs::{Cause, JobKind, Lane, NewJob},
    limits::SETTLE,
};

/// [`SETTLE`] as times are stored.
pub const SETTLE_US: i64 = SETTLE.as_secs() * 1_000_000;
/// How many equal names are passed over for a derived job id: more jobs for one target at one moment there never are.
const DERIVED_MAX: u32 = 10_000;

/// Whether one cause is stronger than another ([`Cause::strength`]): the list names the weakest first.
#[macro_export]
macro_rules! stronger_cause {
    ($one:literal, $other:literal) => {
        concat!(
            "{position}('replay reconcile history import live', ",
            $one,
            ") > {position}('replay reconcile history import live', ",
            $other,
            ")"
        )
    };
}

/// What becomes of a job for a target that has one waiting: the earlier time, the more urgent lane, the newest destination,
/// and the stronger cause with its correlation id. The value is [`SETTLE_US`].
#[macro_export]
macro_rules! merged_with_waiting {
    ($settle:literal) => {
        concat!(
            " ON CONFLICT (company_id, kind, target) WHERE status IN ('ready', 'retrying') DO UPDATE SET
                 destination = excluded.destination,
                 run_at = {min}(job.run_at, CASE WHEN job.status = 'retrying' THEN {max}(excluded.run_at, job.updated_at + ",
            $settle,
            ") ELSE excluded.run_at END),
                 lane = CASE WHEN excluded.lane = 'real_time' THEN excluded.lane ELSE job.lane END,
                 correlation = CASE WHEN ",
            $crate::stronger_cause!("excluded.cause", "job.cause"),
            " THEN excluded.correlation ELSE job.correlation END,
                 cause = CASE WHEN ",
            $crate::stronger_cause!("excluded.cause", "job.cause"),
            " THEN excluded.cause ELSE job.cause END"
        )
    };
}

/// Adds jobs that come as `{rows}`, or merges them with what waits: the values of the rows, of the company, of the time, of
/// [`SETTLE_US`], and what the rows `j` are joined with.
#[macro_export]
macro_rules! enqueueing {
    ($rows:literal, $company:literal, $at:literal, $settle:literal, $with:literal) => {
        concat!(
            "INSERT INTO job (id, company_id, kind, target, destination, lane, cause, run_at, correlation, shipment_id, created_at, updated_at)
             SELECT j.id, ",
            $company,
            ", j.kind, j.target, j.destination, j.lane, j.cause, j.run_at, j.correlation, j.shipment_id, ",
            $at,
            ", ",
            $at,
            " FROM {rows ",
            $rows,
            " j (place int, id id, kind text, target text, destination text, lane text, cause text, run_at int, correlation id, shipment_id id)}",
            $with,
            " WHERE NOT EXISTS (SELECT 1 FROM job WHERE job.id = j.id) ORDER BY j.place",
            $crate::merged_with_waiting!($settle)
        )
    };
}

/// Adds work, or merges it with what waits under the same target. A job whose id is there already is the same job.
///
/// # Errors
/// When the engine fails, as for the others.
pub async fn enqueue(db: &mut dyn Db, scope: Scope, job: &NewJob, at: Timestamp) -> Result<()> {
    query(concat!(
        "INSERT INTO job (id, company_id, kind, target, destination, lane, cause, run_at, correlation, shipment_id, created_at, updated_at)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11 WHERE NOT EXISTS (SELECT 1 FROM job WHERE id = ?1)",
        merged_with_waiting!("?12")
    ))
    .bind(job.id.0)
    .bind(scope.company.0)
    .bind(job.kind.code())
    .bind(&job.target)
    .bind(&job.destination)
    .bind(word(job.lane))
    .bind(word(job.cause))
    .bind(job.run_at)
    .bind(job.correlation.0)
    .bind(job.shipment.map(|id| id.0))
    .bind(at)
    .bind(SETTLE_US)
    .execute(db)
    .await
    .map(drop)
}

/// Adds work in one statement, in the order of kinds and targets: two transactions never wait for each other. How many jobs
/// now wait that may not have waited so.
///
/// # Errors
/// As [`enqueue`].
pub async fn enqueue_all(db: &mut dyn Db, scope: Scope, jobs: &[NewJob], at: Timestamp) -> Result<u64> {
    if jobs.is_empty() {
        return Ok(0);
    }
    query(enqueueing!("?1", "?2", "?3", "?4", ""))
        .bind(job_rows(&merged(jobs)))
        .bind(scope.company.0)
        .bind(at)
        .bind(SETTLE_US)
        .execute(db)
        .await
}

/// Jobs as [`enqueueing!`] takes them.
pub fn job_rows(jobs: &[NewJob]) -> Rows {
    let row = |(place, job): (usize, &NewJob)| {
        json!({
            "place": place,
            "id": hex_id(job.id.0),
            "kind": job.kind.code(),
            "target": job.target,
            "destination": job.destination,
            "lane": word(job.lane),
            "cause": word(job.cause),
            "run_at": micros(job.run_at),
            "correlation": hex_id(job.correlation.0),
            "shipment_id": job.shipment.map(|id| hex_id(id.0)),
        })
    };
    jobs.iter().enumerate().map(row).collect()
}

/// Of several for one target one, as they would merge in the table.
pub fn merged(jobs: &[NewJob]) -> Vec<NewJob> {
    let mut merged: BTreeMap<(&str, &str), NewJob> = BTreeMap::new();
    for job in jobs {
        merged
            .entry((job.kind.code(), &job.target))
            .and_modify(|kept| {
                kept.run_at = kept.run_at.min(job.run_at);
                kept.lane = kept.lane.min(job.lane);
                kept.destination.clone_from(&job.destination);
                if job.cause.strength() > kept.cause.strength() {
                    (kept.cause, kept.correlation) = (job.cause, job.correlation);
                }
            })
            .or_insert_with(|| job.clone());
    }
    merged.into_values().collect()
}

/// What a fold job is made from, where the caller gives no id for it.
#[derive(Clone, Copy, Debug)]
pub struct FoldJob {
    /// In which lane.
    pub lane: Lane,
    /// Why.
    pub cause: Cause,
    /// What asked for it.
    pub correlation: CorrelationId,
    /// When.
    pub at: Timestamp,
}

impl FoldJob {
    /// The job for a shipment. Its id follows from what it is for, so that nothing random is needed here; the number tells
    /// jobs apart that would have the same.
    pub fn of(&self, shipment: ShipmentId, number: u32) -> NewJob {
        let parts = [
            shipment.0.as_bytes().as_slice(),
            self.correlation.0.as_bytes(),
            &micros(self.at).to_be_bytes(),
            &number.to_be_bytes(),
        ];
        NewJob {
            id: JobId(content_id_at(self.at, "fold job", &parts)),
            kind: JobKind::FOLD,
            target: shipment.to_string(),
            destination: None,
            lane: self.lane,
            cause: self.cause,
            run_at: self.at,
            correlation: self.correlation,
            shipment: Some(shipment),
        }
    }
}

/// Adds a fold job for a shipment, whatever jobs of its name are over.
///
/// # Errors
/// As [`enqueue`]; `Conflict` where every name is taken.
pub async fn enqueue_fold(db: &mut dyn Db, scope: Scope, shipment: ShipmentId, fold: &FoldJob) -> Result<()> {
    for number in 0..DERIVED_MAX {
        let job = fold.of(shipment, number);
        let sql = "SELECT 1 AS taken FROM job WHERE id = ? AND status NOT IN ('ready', 'retrying')";
        if query(sql).bind(job.id.0).optional(db).await?.is_none() {
            return enqueue(db, scope, &job, fold.at).await;
        }
    }
    Err(StoreError::Conflict(format!("no id is left for a fold job of shipment {shipment}")))
}

/// Whether a fold of a shipment waits, or was left by a process that died, that something stronger asked for.
///
/// # Errors
/// As [`enqueue`].
pub async fn is_stronger_fold_waiting(
    db: &mut dyn Db,
    scope: Scope,
    shipment: ShipmentId,
    cause: Cause,
) -> Result<bool> {
    let waiting = query(concat!(
        "SELECT 1 AS stronger FROM job WHERE company_id = ?1 AND kind = ?2 AND target = ?3 AND status IN ('ready', 'retrying') AND ",
        stronger_cause!("cause", "?4"),
        " UNION ALL
         SELECT 1 AS stronger FROM job WHERE company_id = ?1 AND kind = ?2 AND target = ?3 AND status = 'leased' AND ",
        stronger_cause!("cause", "?4")
    ))
    .bind(scope.company.0)
    .bind(JobKind::FOLD.code())
    .bind(shipment.to_string())
    .bind(word(cause))
    .optional(db)
    .await?;
    Ok(waiting.is_some())
}
