//! Units of work with leases, and the calls they made.

use self::{
    attempts::attempt,
    retry::{chosen, count},
    summary::summary,
};
use crate::{
    PostgresStore, Priority,
    codec::{Columns, PAGE_AND_ONE, SqlError, cursor, id_list, micros, page, row_limit, word},
    db::Pg,
};
use async_trait::async_trait;
use domain::ids::{CorrelationId, JobId, ShipmentId, content_id_at};
use jiff::Timestamp;
use sqlx::{PgConnection, postgres::PgRow};
use std::collections::{BTreeMap, BTreeSet};
use storage::{
    Actor, AuditEntry, Page, Result, Scope, StoreError,
    jobs::{
        AttemptRecord, Cause, ClaimRequest, DestinationSummary, Finish, INSIDE, JobFilter, JobKind, JobRow,
        JobSelection, Jobs, Lane, LeasedJob, NewJob,
    },
    limits::{CLAIM_JOBS, SETTLE},
    tally::Tally,
};
use storage_sql::audit;

/// [`SETTLE`] as times are stored.
pub(crate) const SETTLE_US: i64 = SETTLE.as_secs() * 1_000_000;
/// Calls of one read.
const ATTEMPT_ROWS: i64 = 500;
/// How many equal names are passed over for a derived job id: more jobs for one target at one moment there never are.
const DERIVED_MAX: u32 = 10_000;

/// Whether everything holds that a selection says; its values are the first seven.
macro_rules! which_jobs {
    () => {
        "company_id = $1 AND (cardinality($2::uuid[]) = 0 OR id = ANY ($2)) AND ($3::text IS NULL OR coalesce(destination, 'inside') = $3)
         AND ($4::text IS NULL OR class = $4) AND updated_at >= $5 AND updated_at < $6 AND created_at <= $7"
    };
}

/// Whether the target of the dead job `d` has work that waits, is being done, or was finished after the job died.
macro_rules! succeeded_later {
    () => {
        "(d.succeeded_later
             OR EXISTS (SELECT 1 FROM job l WHERE l.target = d.target AND l.kind IS NOT DISTINCT FROM d.kind AND l.company_id IS NOT DISTINCT FROM d.company_id
                        AND l.status IN ('ready', 'retrying'))
             OR EXISTS (SELECT 1 FROM job l WHERE l.target = d.target AND l.kind IS NOT DISTINCT FROM d.kind AND l.company_id IS NOT DISTINCT FROM d.company_id
                        AND l.status = 'leased'))"
    };
}

/// Whether one cause is stronger than another ([`Cause::strength`]): it stands further behind here.
macro_rules! stronger {
    ($one:literal, $other:literal) => {
        concat!(
            "strpos('replay reconcile history import live', ",
            $one,
            ") > strpos('replay reconcile history import live', ",
            $other,
            ")"
        )
    };
}
pub(crate) use stronger;

/// Adds work, or merges it with what waits under the same target: the columns of the jobs as arrays, then the company,
/// the time, [`SETTLE_US`], and what it is to be joined with.
macro_rules! enqueueing {
    ($id:literal, $kind:literal, $target:literal, $destination:literal, $lane:literal, $cause:literal, $run_at:literal, $correlation:literal,
     $shipment:literal, $company:literal, $at:literal, $settle:literal, $with:literal) => {
        concat!(
            "INSERT INTO job (id, company_id, kind, target, destination, lane, cause, run_at, correlation, shipment_id, created_at, updated_at)
             SELECT g.id, ", $company, ", g.kind, g.target, g.destination, g.lane, g.cause, g.run_at, g.correlation, g.shipment_id, ", $at, ", ", $at, "
             FROM unnest(", $id, "::uuid[], ", $kind, "::text[], ", $target, "::text[], ", $destination, "::text[], ", $lane, "::text[], ", $cause, "::text[], ",
                         $run_at, "::bigint[], ", $correlation, "::uuid[], ", $shipment, "::uuid[])
                 WITH ORDINALITY g (id, kind, target, destination, lane, cause, run_at, correlation, shipment_id, place)", $with, "
             WHERE NOT EXISTS (SELECT 1 FROM job WHERE job.id = g.id)
             ORDER BY g.place
             ON CONFLICT (company_id, kind, target) WHERE status IN ('ready', 'retrying') DO UPDATE SET
                 destination = excluded.destination,
                 run_at = least(job.run_at, CASE WHEN job.status = 'retrying' THEN greatest(excluded.run_at, job.updated_at + ", $settle, ") ELSE excluded.run_at END),
                 lane = CASE WHEN excluded.lane = 'real_time' THEN excluded.lane ELSE job.lane END,
                 correlation = CASE WHEN ", $crate::jobs::stronger!("excluded.cause", "job.cause"), " THEN excluded.correlation ELSE job.correlation END,
                 cause = CASE WHEN ", $crate::jobs::stronger!("excluded.cause", "job.cause"), " THEN excluded.cause ELSE job.cause END"
        )
    };
}
pub(crate) use enqueueing;

mod attempts;
mod finish;
mod retry;
mod summary;

pub(crate) use self::{attempts::Called, finish::End, retry::retry, summary::done_destinations};

#[async_trait]
impl Jobs for PostgresStore {
    async fn enqueue(&self, scope: Scope, jobs: Vec<NewJob>) -> Result<()> {
        let priority =
            if jobs.iter().any(|job| job.lane == Lane::RealTime) { Priority::RealTime } else { Priority::Batch };
        self.write_one(priority, move |conn| {
            Box::pin(async move {
                let Some(at) = jobs.iter().map(|job| job.run_at).min() else { return Ok(()) };
                enqueue_all(conn, scope, &jobs, at).await.map(drop)
            })
        })
        .await
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Vec<LeasedJob>> {
        let priority = match request.lane {
            Lane::RealTime => Priority::RealTime,
            Lane::Batch => Priority::Batch,
        };
        self.write_one(priority, move |conn| Box::pin(async move { claim(conn, &request).await })).await
    }

    async fn renew(&self, owner: &str, mut jobs: Vec<JobId>, until: Timestamp) -> Result<Vec<JobId>> {
        let owner = owner.to_owned();
        // as those that end are: rows are locked in the order of the list, and neither waits for the other
        jobs.sort_unstable();
        self.write_one(Priority::RealTime, move |conn| {
            Box::pin(async move {
                let rows = sqlx::query(
                    "UPDATE job SET lease_until = $1
                     FROM (SELECT unnest($3::uuid[]) LIMIT cardinality($3)) h (id) WHERE job.id = h.id AND owner = $2 RETURNING job.id",
                )
                .bind(micros(until))
                .bind(owner)
                .bind(id_list(jobs.iter().map(|id| id.0)))
                .fetch_all(conn)
                .await?;
                rows.iter().map(|row| row.id("id")).collect()
            })
        })
        .await
    }

    async fn finish(&self, owner: &str, job: JobId, finish: Finish, now: Timestamp) -> Result<()> {
        self.finishing.join(End { owner: owner.to_owned(), job, finish, now }).await
    }

    async fn attempt(&self, scope: Scope, attempt: AttemptRecord) -> Result<()> {
        self.calling.join(Called { scope, attempt }).await
    }

    async fn next_due(&self, lane: Lane) -> Result<Option<Timestamp>> {
        let mut read = self.read_one().await?;
        let row = sqlx::query("SELECT min(run_at) AS due FROM job WHERE lane = $1 AND status IN ('ready', 'retrying')")
            .bind(word(lane))
            .fetch_one(&mut *read)
            .await
            .map_err(SqlError::from)?;
        read.give_back();
        Ok(row.opt_at("due")?)
    }

    async fn acquire_leadership(&self, name: &str, owner: &str, now: Timestamp, until: Timestamp) -> Result<bool> {
        let (name, owner) = (name.to_owned(), owner.to_owned());
        self.write_one(Priority::RealTime, move |conn| {
            Box::pin(async move {
                let led = sqlx::query(
                    "INSERT INTO lease (name, owner, ends_at) VALUES ($1, $2, $4)
                     ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, ends_at = excluded.ends_at
                     WHERE lease.owner = $2 OR lease.ends_at <= $3",
                )
                .bind(name)
                .bind(owner)
                .bind(micros(now))
                .bind(micros(until))
                .execute(conn)
                .await?;
                Ok(led.rows_affected() == 1)
            })
        })
        .await
    }

    async fn release_leadership(&self, name: &str, owner: &str) -> Result<()> {
        let (name, owner) = (name.to_owned(), owner.to_owned());
        self.write_one(Priority::RealTime, move |conn| {
            Box::pin(async move {
                sqlx::query("DELETE FROM lease WHERE name = $1 AND owner = $2")
                    .bind(name)
                    .bind(owner)
                    .execute(conn)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    async fn summary(&self, scope: Scope, now: Timestamp) -> Result<Vec<DestinationSummary>> {
        let mut read = self.moment().await?;
        Ok(summary(&mut read, scope, now).await?)
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
                    " AND (updated_at, seq) < ($8, $9) ORDER BY updated_at DESC, seq DESC LIMIT $10"
                )
            };
        }
        const DONE: &str = listed!("status = 'done' AND coalesce(destination, 'inside') = $11 AND updated_at <= $8");
        const RETRYING: &str = listed!("status IN ('ready', 'retrying') AND status = 'retrying' AND $11::text IS NULL");
        const WAITING: &str = listed!(
            "status IN ('ready', 'retrying') AND status = 'ready' AND (destination IS NOT NULL OR $3 = 'inside') AND $11::text IS NULL"
        );
        const LEASED: &str =
            listed!("status = 'leased' AND (destination IS NOT NULL OR $3 = 'inside') AND $11::text IS NULL");
        let (at, seq): (i64, i64) = cursor::decode(cursor.as_deref()).unwrap_or((i64::MAX, i64::MAX));
        let mut read = self.moment().await?;
        let lists: Vec<(&str, Option<String>)> = match (filter, &which.destination) {
            (JobFilter::Failed, _) => vec![(listed!("status = 'dead' AND $11::text IS NULL"), None)],
            // along the index of what waits
            (JobFilter::Retrying, _) => vec![(RETRYING, None)],
            (JobFilter::Pending, _) => vec![(WAITING, None), (LEASED, None)],
            (JobFilter::Done, Some(name)) => vec![(DONE, Some(name.clone()))],
            (JobFilter::Done, None) => {
                let names = done_destinations(&mut read, scope.company).await?;
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
                .fetch_all(&mut *read)
                .await
                .map_err(SqlError::from)?;
            for row in &rows {
                found.push((row.int("seq")?, listed(row)?));
            }
        }
        found.sort_by_key(|(seq, row)| std::cmp::Reverse((row.updated_at, *seq)));
        let page = page(found, |(seq, last)| cursor::encode(&(micros(last.updated_at), seq)));
        Ok(Page { rows: page.rows.into_iter().map(|(_, row)| row).collect(), next: page.next })
    }

    async fn job(&self, scope: Scope, id: JobId) -> Result<Option<JobRow>> {
        let mut read = self.moment().await?;
        let row = sqlx::query("SELECT * FROM job WHERE company_id = $1 AND id = $2")
            .bind(scope.company.0)
            .bind(id.0)
            .fetch_optional(&mut *read)
            .await
            .map_err(SqlError::from)?;
        Ok(row.as_ref().map(listed).transpose()?)
    }

    async fn attempts(&self, scope: Scope, job: JobId) -> Result<Vec<AttemptRecord>> {
        let mut read = self.moment().await?;
        let rows = sqlx::query(
            "SELECT * FROM attempt WHERE company_id = $1 AND job_id = $2 ORDER BY started_at DESC, id DESC LIMIT $3",
        )
        .bind(scope.company.0)
        .bind(job.0)
        .bind(ATTEMPT_ROWS)
        .fetch_all(&mut *read)
        .await
        .map_err(SqlError::from)?;
        Ok(rows.iter().rev().map(attempt).collect::<Result<_, SqlError>>()?)
    }

    async fn attempts_of(&self, scope: Scope, shipment: ShipmentId) -> Result<Vec<AttemptRecord>> {
        let mut read = self.moment().await?;
        let rows = sqlx::query(
            "SELECT * FROM attempt WHERE company_id = $1 AND shipment_id = $2 ORDER BY started_at DESC, id DESC LIMIT $3",
        )
        .bind(scope.company.0)
        .bind(shipment.0)
        .bind(ATTEMPT_ROWS)
        .fetch_all(&mut *read)
        .await
        .map_err(SqlError::from)?;
        Ok(rows.iter().rev().map(attempt).collect::<Result<_, SqlError>>()?)
    }

    async fn count(&self, scope: Scope, which: JobSelection) -> Result<Tally> {
        let mut read = self.moment().await?;
        Ok(count(&mut read, scope, &which).await?)
    }

    async fn retry(&self, scope: Scope, which: JobSelection, now: Timestamp, audit: AuditEntry) -> Result<Tally> {
        self.write(Priority::RealTime, move |conn| {
            Box::pin(async move {
                let retried = retry(conn, scope, &which, None, now).await?;
                if retried == Tally::default() && !which.jobs.is_empty() {
                    return Err(SqlError(StoreError::NotFound("failed job")));
                }
                audit::append(&mut Pg(conn), scope, &audit).await?;
                Ok(retried)
            })
        })
        .await
    }
}

/// Adds work, or merges it with what waits under the same target: the earlier time, the more urgent lane, the newest
/// destination, and the stronger cause with its correlation id. A job whose id is there already is the same job.
pub(crate) async fn enqueue(
    conn: &mut PgConnection,
    scope: Scope,
    job: &NewJob,
    at: Timestamp,
) -> Result<(), SqlError> {
    enqueue_all(conn, scope, std::slice::from_ref(job), at).await.map(drop)
}

/// Adds work in one statement, in the order of kinds and targets: two transactions never wait for each other. How many
/// jobs now wait that may not have waited so.
pub(crate) async fn enqueue_all(
    conn: &mut PgConnection,
    scope: Scope,
    jobs: &[NewJob],
    at: Timestamp,
) -> Result<u64, SqlError> {
    let jobs = merged(jobs);
    if jobs.is_empty() {
        return Ok(0);
    }
    macro_rules! column {
        (|$job:ident| $value:expr) => {
            jobs.iter().map(|$job| $value).collect::<Vec<_>>()
        };
    }
    let put = sqlx::query(enqueueing!("$1", "$2", "$3", "$4", "$5", "$6", "$7", "$8", "$9", "$10", "$11", "$12", ""))
        .bind(column!(|job| job.id.0))
        .bind(column!(|job| job.kind.code()))
        .bind(column!(|job| job.target.as_str()))
        .bind(column!(|job| job.destination.as_deref()))
        .bind(column!(|job| word(job.lane)))
        .bind(column!(|job| word(job.cause)))
        .bind(column!(|job| micros(job.run_at)))
        .bind(column!(|job| job.correlation.0))
        .bind(column!(|job| job.shipment.map(|id| id.0)))
        .bind(scope.company.0)
        .bind(micros(at))
        .bind(SETTLE_US)
        .execute(conn)
        .await?;
    Ok(put.rows_affected())
}

/// Of several for one target one, as they would merge in the table.
pub(crate) fn merged(jobs: &[NewJob]) -> Vec<NewJob> {
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
#[derive(Clone, Copy)]
pub(crate) struct FoldJob {
    pub(crate) lane: Lane,
    pub(crate) cause: Cause,
    pub(crate) correlation: CorrelationId,
    pub(crate) at: Timestamp,
}

impl FoldJob {
    /// The job for a shipment. Its id follows from what it is for, so that nothing random is needed here.
    fn of(&self, shipment: ShipmentId, number: u32) -> NewJob {
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

/// Adds fold jobs for shipments.
pub(crate) async fn enqueue_folds(
    conn: &mut PgConnection,
    scope: Scope,
    folds: &[(ShipmentId, FoldJob)],
) -> Result<(), SqlError> {
    let Some(at) = folds.iter().map(|(_, fold)| fold.at).min() else { return Ok(()) };
    let jobs: Vec<NewJob> = folds.iter().map(|(shipment, fold)| fold.of(*shipment, 0)).collect();
    let targets: BTreeSet<ShipmentId> = folds.iter().map(|(shipment, _)| *shipment).collect();
    if enqueue_all(conn, scope, &jobs, at).await? == targets.len() as u64 {
        return Ok(());
    }
    // of some there was one by this very name
    for (shipment, fold) in folds {
        enqueue_fold(conn, scope, *shipment, fold).await?;
    }
    Ok(())
}

/// Adds a fold job for a shipment, whatever jobs of its name are over.
pub(crate) async fn enqueue_fold(
    conn: &mut PgConnection,
    scope: Scope,
    shipment: ShipmentId,
    fold: &FoldJob,
) -> Result<(), SqlError> {
    for number in 0..DERIVED_MAX {
        let job = fold.of(shipment, number);
        let taken = sqlx::query("SELECT 1 FROM job WHERE id = $1 AND status NOT IN ('ready', 'retrying')")
            .bind(job.id.0)
            .fetch_optional(&mut *conn)
            .await?;
        if taken.is_none() {
            return enqueue(conn, scope, &job, fold.at).await;
        }
    }
    Err(SqlError(StoreError::Conflict(format!("no id is left for a fold job of shipment {shipment}"))))
}

/// Whether a fold of a shipment waits, or was left by a process that died, that something stronger asked for.
pub(crate) async fn is_stronger_fold_waiting(
    conn: &mut PgConnection,
    scope: Scope,
    shipment: ShipmentId,
    cause: Cause,
) -> Result<bool, SqlError> {
    let waiting = sqlx::query(concat!(
        "SELECT 1 FROM job WHERE company_id = $1 AND kind = $2 AND target = $3 AND status IN ('ready', 'retrying') AND ",
        stronger!("cause", "$4"),
        " UNION ALL
         SELECT 1 FROM job WHERE company_id = $1 AND kind = $2 AND target = $3 AND status = 'leased' AND ",
        stronger!("cause", "$4")
    ))
    .bind(scope.company.0)
    .bind(JobKind::FOLD.code())
    .bind(shipment.to_string())
    .bind(word(cause))
    .fetch_all(conn)
    .await?;
    Ok(!waiting.is_empty())
}

/// Leases, for each kind and destination along the index; leases that have ended are looked for once, among what is leased. What another
/// node is claiming is passed over.
async fn claim(conn: &mut PgConnection, request: &ClaimRequest) -> Result<Vec<LeasedJob>, SqlError> {
    let kinds: Vec<&str> = request.wanted.iter().map(|wanted| wanted.kind.code()).collect();
    let destinations: Vec<&str> =
        request.wanted.iter().map(|wanted| wanted.destination.as_deref().unwrap_or(INSIDE)).collect();
    let most: Vec<i64> = request.wanted.iter().map(|wanted| row_limit(wanted.at_most, CLAIM_JOBS)).collect();
    // an ended lease counts as a try
    let rows = sqlx::query(
        "WITH ended AS MATERIALIZED (
             SELECT kind, coalesce(destination, 'inside') AS destination, run_at, id, ctid AS place FROM job
             WHERE lane = $1 AND status = 'leased' AND lease_until <= $3 AND id <> ALL ($7) ORDER BY lease_until FOR UPDATE SKIP LOCKED),
         oldest AS (
             SELECT j.place FROM unnest($2::text[], $8::text[], $4::bigint[]) k (kind, destination, at_most) CROSS JOIN LATERAL (
                 SELECT * FROM (SELECT run_at, id, place FROM ended WHERE kind = k.kind AND destination = k.destination LIMIT k.at_most) ended
                 UNION ALL
                 SELECT * FROM (
                     SELECT run_at, id, ctid AS place FROM job w
                     WHERE lane = $1 AND kind = k.kind AND coalesce(destination, 'inside') = k.destination
                       AND status IN ('ready', 'retrying') AND run_at <= $3
                       AND NOT EXISTS (SELECT 1 FROM job l WHERE l.target = w.target AND l.kind IS NOT DISTINCT FROM w.kind
                                       AND l.company_id IS NOT DISTINCT FROM w.company_id AND l.status = 'leased')
                     ORDER BY run_at, id LIMIT k.at_most FOR UPDATE SKIP LOCKED) due
                 ORDER BY run_at, id LIMIT k.at_most) j)
         UPDATE job SET attempts = attempts + CASE WHEN status = 'leased' THEN 1 ELSE 0 END, status = 'leased', owner = $5, lease_until = $6, updated_at = $3
         FROM oldest WHERE job.ctid = oldest.place
         RETURNING company_id, id, kind, target, destination, lane, cause, run_at, correlation, shipment_id, attempts",
    )
    .bind(word(request.lane))
    .bind(kinds)
    .bind(micros(request.now))
    .bind(most)
    .bind(&request.owner)
    .bind(micros(request.until))
    .bind(id_list(request.held.iter().map(|id| id.0)))
    .bind(destinations)
    .fetch_all(conn)
    .await?;
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

fn job(row: &PgRow) -> Result<NewJob, SqlError> {
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

fn listed(row: &PgRow) -> Result<JobRow, SqlError> {
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
