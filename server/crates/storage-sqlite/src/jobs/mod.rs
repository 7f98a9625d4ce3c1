//! Units of work with leases, and the calls they made.

use self::{
    attempts::{attempts, put_attempt},
    finish::end_try,
    retry::{chosen, count},
    summary::summary,
};
use crate::{
    SqliteStore,
    codec::{PAGE_AND_ONE, SqlError, cursor, id_list, json, micros, page, row_limit, word},
    db::{Sqlite, drive},
    sql::{Row, query},
    writer::Priority,
};
use async_trait::async_trait;
use domain::ids::{CorrelationId, JobId, ShipmentId, content_id_at};
use jiff::Timestamp;
use rusqlite::Connection;
use storage::{
    Actor, AuditEntry, Page, Result, Scope, StoreError,
    jobs::{
        AttemptRecord, Cause, ClaimRequest, DestinationSummary, Finish, INSIDE, JobFilter, JobKind, JobRow,
        JobSelection, Jobs, Lane, LeasedJob, NewJob, Wanted,
    },
    limits::{CLAIM_JOBS, SETTLE},
    tally::Tally,
};
use storage_sql::audit;

/// [`SETTLE`] as times are stored.
const SETTLE_US: i64 = SETTLE.as_secs() * 1_000_000;
/// Calls of one read.
const ATTEMPT_ROWS: i64 = 500;
/// How many equal names are passed over for a derived job id: more jobs for one target at one moment there never are.
const DERIVED_MAX: u32 = 10_000;

/// Whether everything holds that a selection says; its values are the first seven.
macro_rules! which_jobs {
    () => {
        "company_id = ?1 AND (?2 = '[]' OR id IN (SELECT unhex(value) FROM json_each(?2))) AND (?3 IS NULL OR coalesce(destination, 'inside') = ?3)
         AND (?4 IS NULL OR class = ?4) AND updated_at >= ?5 AND updated_at < ?6 AND created_at <= ?7"
    };
}

/// Whether the target of the dead job `d` has work that waits, is being done, or was finished after the job died.
macro_rules! succeeded_later {
    () => {
        "(d.succeeded_later = 1
             OR EXISTS (SELECT 1 FROM job l WHERE l.company_id = d.company_id AND l.kind = d.kind AND l.target = d.target AND l.status IN ('ready', 'retrying'))
             OR EXISTS (SELECT 1 FROM job l WHERE l.company_id = d.company_id AND l.kind = d.kind AND l.target = d.target AND l.status = 'leased'))"
    };
}

mod attempts;
mod finish;
mod retry;
mod summary;

pub(crate) use self::{retry::retry, summary::done_destinations};

#[async_trait]
impl Jobs for SqliteStore {
    async fn enqueue(&self, scope: Scope, jobs: Vec<NewJob>) -> Result<()> {
        let priority =
            if jobs.iter().any(|job| job.lane == Lane::RealTime) { Priority::RealTime } else { Priority::Batch };
        self.write(priority, move |conn| {
            let Some(at) = jobs.iter().map(|job| job.run_at).min() else { return Ok(()) };
            jobs.iter().try_for_each(|job| enqueue(conn, scope, job, at))
        })
        .await
    }

    async fn claim(&self, mut request: ClaimRequest) -> Result<Vec<LeasedJob>> {
        // most looks find nothing: those need no turn of the writer
        let (lane, now, pairs) = (request.lane, request.now, pairs(&request.wanted));
        let due = self.read(move |conn| due(conn, lane, now, &pairs)).await?;
        let mut place = 0..;
        request.wanted.retain(|_| place.next().is_some_and(|place| due.contains(&place)));
        if request.wanted.is_empty() {
            return Ok(Vec::new());
        }
        let priority = match request.lane {
            Lane::RealTime => Priority::RealTime,
            Lane::Batch => Priority::Batch,
        };
        self.write(priority, move |conn| claim(conn, &request)).await
    }

    async fn renew(&self, owner: &str, jobs: Vec<JobId>, until: Timestamp) -> Result<Vec<JobId>> {
        let owner = owner.to_owned();
        self.write(Priority::RealTime, move |conn| {
            let rows = query(
                "UPDATE job SET lease_until = ? WHERE owner = ? AND status = 'leased' AND id IN (SELECT unhex(value) FROM json_each(?))
                 RETURNING id",
            )
            .bind(micros(until))
            .bind(&owner)
            .bind(id_list(jobs.iter().map(|id| id.0)))
            .fetch_all(conn)?;
            rows.iter().map(|row| row.id("id")).collect()
        })
        .await
    }

    async fn finish(&self, owner: &str, job: JobId, finish: Finish, now: Timestamp) -> Result<()> {
        let owner = owner.to_owned();
        self.write(Priority::RealTime, move |conn| end_try(conn, &owner, job, &finish, now)).await
    }

    async fn attempt(&self, scope: Scope, attempt: AttemptRecord) -> Result<()> {
        self.write(Priority::RealTime, move |conn| put_attempt(conn, scope, &attempt)).await
    }

    async fn next_due(&self, lane: Lane) -> Result<Option<Timestamp>> {
        self.read(move |conn| {
            let row = query("SELECT min(run_at) AS due FROM job WHERE lane = ?1 AND status IN ('ready', 'retrying')")
                .bind(word(lane))
                .fetch_one(conn)?;
            row.opt_at("due")
        })
        .await
    }

    async fn acquire_leadership(&self, name: &str, owner: &str, now: Timestamp, until: Timestamp) -> Result<bool> {
        let (name, owner) = (name.to_owned(), owner.to_owned());
        self.write(Priority::RealTime, move |conn| {
            let led = query(
                "INSERT INTO lease (name, owner, ends_at) VALUES (?1, ?2, ?4)
                 ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, ends_at = excluded.ends_at
                 WHERE owner = ?2 OR ends_at <= ?3",
            )
            .bind(&name)
            .bind(&owner)
            .bind(micros(now))
            .bind(micros(until))
            .execute(conn)?;
            Ok(led == 1)
        })
        .await
    }

    async fn release_leadership(&self, name: &str, owner: &str) -> Result<()> {
        let (name, owner) = (name.to_owned(), owner.to_owned());
        self.write(Priority::RealTime, move |conn| {
            query("DELETE FROM lease WHERE name = ?1 AND owner = ?2").bind(&name).bind(&owner).execute(conn)?;
            Ok(())
        })
        .await
    }

    async fn summary(&self, scope: Scope, now: Timestamp) -> Result<Vec<DestinationSummary>> {
        self.read(move |conn| summary(conn, scope, now)).await
    }

    async fn list(
        &self,
        scope: Scope,
        filter: JobFilter,
        which: JobSelection,
        cursor: Option<String>,
    ) -> Result<Page<JobRow>> {
        // what is over along an index of its own, of what is not there is little; work inside is shown where it failed or retries
        macro_rules! listed {
            ($status:literal) => {
                concat!(
                    "SELECT * FROM job WHERE ",
                    $status,
                    " AND ",
                    which_jobs!(),
                    " AND (updated_at, seq) < (?8, ?9) ORDER BY updated_at DESC, seq DESC LIMIT ?10"
                )
            };
        }
        const DONE: &str = listed!("status = 'done' AND coalesce(destination, 'inside') = ?11 AND updated_at <= ?8");
        const RETRYING: &str = listed!("status IN ('ready', 'retrying') AND status = 'retrying' AND ?11 IS NULL");
        const WAITING: &str = listed!(
            "status IN ('ready', 'retrying') AND status = 'ready' AND (destination IS NOT NULL OR ?3 = 'inside') AND ?11 IS NULL"
        );
        const LEASED: &str =
            listed!("status = 'leased' AND (destination IS NOT NULL OR ?3 = 'inside') AND ?11 IS NULL");
        let (at, seq): (i64, i64) = cursor::decode(cursor.as_deref()).unwrap_or((i64::MAX, i64::MAX));
        self.read(move |conn| {
            let lists: Vec<(&str, Option<String>)> = match (filter, &which.destination) {
                (JobFilter::Failed, _) => vec![(listed!("status = 'dead' AND ?11 IS NULL"), None)],
                // along the index of what waits
                (JobFilter::Retrying, _) => vec![(RETRYING, None)],
                (JobFilter::Pending, _) => vec![(WAITING, None), (LEASED, None)],
                (JobFilter::Done, Some(name)) => vec![(DONE, Some(name.clone()))],
                (JobFilter::Done, None) => {
                    let names = done_destinations(conn, scope.company)?;
                    names.into_iter().filter(|name| name != INSIDE).map(|name| (DONE, Some(name))).collect()
                }
            };
            let mut found = Vec::new();
            // the newest of all of them
            for (sql, destination) in lists {
                let rows = chosen(sql, scope, &which)
                    .bind(at)
                    .bind(seq)
                    .bind(PAGE_AND_ONE)
                    .bind(destination)
                    .fetch_all(conn)?;
                for row in &rows {
                    found.push((row.int("seq")?, listed(row)?));
                }
            }
            found.sort_by_key(|(seq, row)| std::cmp::Reverse((row.updated_at, *seq)));
            let page = page(found, |(seq, last)| cursor::encode(&(micros(last.updated_at), seq)));
            Ok(Page { rows: page.rows.into_iter().map(|(_, row)| row).collect(), next: page.next })
        })
        .await
    }

    async fn job(&self, scope: Scope, id: JobId) -> Result<Option<JobRow>> {
        self.read(move |conn| {
            let row = query("SELECT * FROM job WHERE company_id = ?1 AND id = ?2")
                .bind(scope.company.0)
                .bind(id.0)
                .fetch_optional(conn)?;
            row.as_ref().map(listed).transpose()
        })
        .await
    }

    async fn attempts(&self, scope: Scope, job: JobId) -> Result<Vec<AttemptRecord>> {
        let sql = "SELECT * FROM attempt WHERE company_id = ? AND job_id = ? ORDER BY started_at DESC, id DESC LIMIT ?";
        self.read(move |conn| attempts(conn, sql, scope, job.0)).await
    }

    async fn attempts_of(&self, scope: Scope, shipment: ShipmentId) -> Result<Vec<AttemptRecord>> {
        let sql =
            "SELECT * FROM attempt WHERE company_id = ? AND shipment_id = ? ORDER BY started_at DESC, id DESC LIMIT ?";
        self.read(move |conn| attempts(conn, sql, scope, shipment.0)).await
    }

    async fn count(&self, scope: Scope, which: JobSelection) -> Result<Tally> {
        self.read(move |conn| count(conn, scope, &which)).await
    }

    async fn retry(&self, scope: Scope, which: JobSelection, now: Timestamp, audit: AuditEntry) -> Result<Tally> {
        self.write(Priority::RealTime, move |conn| {
            let retried = retry(conn, scope, &which, None, now)?;
            if retried == Tally::default() && !which.jobs.is_empty() {
                return Err(SqlError(StoreError::NotFound("failed job")));
            }
            drive(audit::append(&mut Sqlite(conn), scope, &audit))?;
            Ok(retried)
        })
        .await
    }
}

/// Adds work, or merges it with what waits under the same target: the earlier time, the more urgent lane, the newest
/// destination, and the stronger cause with its correlation id. A job whose id is there already is the same job.
pub(crate) fn enqueue(conn: &mut Connection, scope: Scope, job: &NewJob, at: Timestamp) -> Result<(), SqlError> {
    query(
        "INSERT INTO job (id, company_id, kind, target, destination, lane, cause, run_at, correlation, shipment_id, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11)
         ON CONFLICT (id) DO NOTHING
         ON CONFLICT (company_id, kind, target) WHERE status IN ('ready', 'retrying') DO UPDATE SET
             destination = excluded.destination,
             run_at = min(run_at, CASE WHEN status = 'retrying' THEN max(excluded.run_at, updated_at + ?12) ELSE excluded.run_at END),
             lane = CASE WHEN excluded.lane = 'real_time' THEN excluded.lane ELSE lane END,
             correlation = CASE WHEN instr(?13, excluded.cause) > instr(?13, cause) THEN excluded.correlation ELSE correlation END,
             cause = CASE WHEN instr(?13, excluded.cause) > instr(?13, cause) THEN excluded.cause ELSE cause END",
    )
    .bind(job.id.0)
    .bind(scope.company.0)
    .bind(job.kind.code())
    .bind(&job.target)
    .bind(&job.destination)
    .bind(word(job.lane))
    .bind(word(job.cause))
    .bind(micros(job.run_at))
    .bind(job.correlation.0)
    .bind(job.shipment.map(|id| id.0))
    .bind(micros(at))
    .bind(SETTLE_US)
    .bind(CAUSES)
    .execute(conn)?;
    Ok(())
}

/// What a fold job is made from, where the caller gives no id for it.
pub(crate) struct FoldJob {
    pub(crate) lane: Lane,
    pub(crate) cause: Cause,
    pub(crate) correlation: CorrelationId,
    pub(crate) at: Timestamp,
}

/// Adds a fold job for a shipment. Its id follows from what it is for, so that nothing random is needed here.
pub(crate) fn enqueue_fold(
    conn: &mut Connection,
    scope: Scope,
    shipment: ShipmentId,
    fold: &FoldJob,
) -> Result<(), SqlError> {
    for number in 0..DERIVED_MAX {
        let parts = [
            shipment.0.as_bytes().as_slice(),
            fold.correlation.0.as_bytes(),
            &micros(fold.at).to_be_bytes(),
            &number.to_be_bytes(),
        ];
        let id = JobId(content_id_at(fold.at, "fold job", &parts));
        let taken = query("SELECT 1 FROM job WHERE id = ? AND status NOT IN ('ready', 'retrying')")
            .bind(id.0)
            .fetch_optional(conn)?;
        if taken.is_none() {
            let job = NewJob {
                id,
                kind: JobKind::FOLD,
                target: shipment.to_string(),
                destination: None,
                lane: fold.lane,
                cause: fold.cause,
                run_at: fold.at,
                correlation: fold.correlation,
                shipment: Some(shipment),
            };
            return enqueue(conn, scope, &job, fold.at);
        }
    }
    Err(SqlError(StoreError::Conflict(format!("no id is left for a fold job of shipment {shipment}"))))
}

/// The causes, the weakest first ([`Cause::strength`]): where one stands in it tells which of two stays.
const CAUSES: &str = "replay reconcile history import live";

/// Whether a fold of a shipment waits, or was left by a process that died, that something stronger asked for.
pub(crate) fn is_stronger_fold_waiting(
    conn: &mut Connection,
    scope: Scope,
    shipment: ShipmentId,
    cause: Cause,
) -> Result<bool, SqlError> {
    let waiting = query(
        "SELECT 1 FROM job WHERE company_id = ?1 AND kind = ?2 AND target = ?3 AND status IN ('ready', 'retrying') AND instr(?4, cause) > instr(?4, ?5)
         UNION ALL
         SELECT 1 FROM job WHERE company_id = ?1 AND kind = ?2 AND target = ?3 AND status = 'leased' AND instr(?4, cause) > instr(?4, ?5)",
    )
    .bind(scope.company.0)
    .bind(JobKind::FOLD.code())
    .bind(shipment.to_string())
    .bind(CAUSES)
    .bind(word(cause))
    .fetch_all(conn)?;
    Ok(!waiting.is_empty())
}

/// Kinds with their destinations, as a list.
fn pairs(wanted: &[Wanted]) -> String {
    json(&wanted.iter().map(|w| (w.kind.code(), w.destination.as_deref().unwrap_or(INSIDE))).collect::<Vec<_>>())
}

/// The places of those pairs of which something in a lane can be claimed now, as far as a look tells: those whose jobs all
/// wait for a target that somebody has are named too.
fn due(conn: &mut Connection, lane: Lane, now: Timestamp, pairs: &str) -> Result<Vec<i64>, SqlError> {
    let rows = query(
        "SELECT k.key AS place FROM json_each(?3) k
         WHERE EXISTS (SELECT 1 FROM job INDEXED BY job_due
                       WHERE lane = ?1 AND kind = k.value ->> 0 AND coalesce(destination, 'inside') = k.value ->> 1
                         AND status IN ('ready', 'retrying') AND run_at <= ?2)
            OR EXISTS (SELECT 1 FROM job INDEXED BY job_lease
                       WHERE lane = ?1 AND kind = k.value ->> 0 AND status = 'leased' AND lease_until <= ?2
                         AND coalesce(destination, 'inside') = k.value ->> 1)",
    )
    .bind(word(lane))
    .bind(micros(now))
    .bind(pairs)
    .fetch_all(conn)?;
    rows.iter().map(|row| row.int("place")).collect()
}

/// Leases, for each kind and destination along the index.
fn claim(conn: &mut Connection, request: &ClaimRequest) -> Result<Vec<LeasedJob>, SqlError> {
    let held = id_list(request.held.iter().map(|id| id.0));
    let mut candidates = Vec::new();
    for wanted in &request.wanted {
        let at_most = row_limit(wanted.at_most, CLAIM_JOBS);
        let rows = query(
            "SELECT * FROM (
                 SELECT seq, run_at, id FROM job INDEXED BY job_lease
                 WHERE lane = ?1 AND kind = ?2 AND status = 'leased' AND lease_until <= ?3 AND coalesce(destination, 'inside') = ?6
                   AND id NOT IN (SELECT unhex(value) FROM json_each(?5))
                 ORDER BY lease_until LIMIT ?4)
             UNION ALL
             SELECT * FROM (
                 SELECT seq, run_at, id FROM job w INDEXED BY job_due
                 WHERE lane = ?1 AND kind = ?2 AND coalesce(destination, 'inside') = ?6 AND status IN ('ready', 'retrying') AND run_at <= ?3
                   AND NOT EXISTS (SELECT 1 FROM job l WHERE l.company_id = w.company_id AND l.kind = w.kind AND l.target = w.target AND l.status = 'leased')
                 ORDER BY run_at, id LIMIT ?4)
             ORDER BY run_at, id LIMIT ?4",
        )
        .bind(word(request.lane))
        .bind(wanted.kind.code())
        .bind(micros(request.now))
        .bind(at_most)
        .bind(&held)
        .bind(wanted.destination.as_deref().unwrap_or(INSIDE))
        .fetch_all(conn)?;
        for row in &rows {
            candidates.push(row.int("seq")?);
        }
    }
    // an ended lease counts as a try
    let rows = query(
        "UPDATE job SET attempts = attempts + (status = 'leased'), status = 'leased', owner = ?, lease_until = ?, updated_at = ?
         WHERE seq IN (SELECT value FROM json_each(?)) RETURNING *",
    )
    .bind(&request.owner)
    .bind(micros(request.until))
    .bind(micros(request.now))
    .bind(json(&candidates))
    .fetch_all(conn)?;
    let mut leased = rows
        .iter()
        .map(|row| {
            let scope = Scope { company: row.id("company_id")?, actor: Actor::System };
            Ok(LeasedJob { scope, job: job(row)?, attempts: row.count("attempts")? })
        })
        .collect::<Result<Vec<_>, SqlError>>()?;
    leased.sort_by_key(|leased| (leased.job.run_at, leased.job.id));
    Ok(leased)
}

fn job(row: &Row) -> Result<NewJob, SqlError> {
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

fn listed(row: &Row) -> Result<JobRow, SqlError> {
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
