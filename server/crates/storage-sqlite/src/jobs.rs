//! Units of work with leases, and the calls they made.

use crate::{
    SqliteStore,
    codec::{
        PAGE_AND_ONE, SqlError, cursor, id_list, json, micros, month, opt_micros, page, row_limit, stored_count, word,
    },
    db::{Sqlite, drive},
    sql::{Query, Row, query},
    writer::Priority,
};
use async_trait::async_trait;
use domain::ids::{CompanyId, CorrelationId, JobId, ShipmentId, content_id_at};
use jiff::Timestamp;
use rusqlite::Connection;
use storage::{
    Actor, AuditEntry, Page, Result, Scope, Sealed, StoreError, figures,
    jobs::{
        AttemptRecord, Cause, ClaimRequest, Counted, DestinationSummary, Finish, INSIDE, JobFilter, JobKind, JobRow,
        JobSelection, Jobs, Lane, LeasedJob, NewJob, Wanted,
    },
    limits::{CLAIM_JOBS, DONE_COUNTED, RETRY_JOBS, SETTLE},
    tally::Tally,
};
use storage_sql::audit;
use uuid::Uuid;

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

/// A try that ended. Where somebody else has the job now, that one will finish it.
fn end_try(conn: &mut Connection, owner: &str, id: JobId, finish: &Finish, now: Timestamp) -> Result<(), SqlError> {
    let ours = || {
        query("SELECT * FROM job WHERE id = ? AND owner = ? AND status = 'leased'")
            .bind(id.0)
            .bind(owner)
            .fetch_optional(conn)
    };
    match finish {
        Finish::Done => {
            if over(conn, owner, id, "done", None, now)? == 1 {
                overtake(conn, id)?;
            }
            Ok(())
        }
        Finish::Dead { error, class } => over(conn, owner, id, "dead", Some((error, class)), now).map(drop),
        Finish::Released => ours()?.map_or(Ok(()), |row| give_back(conn, &row, None, now)),
        Finish::Later(at) => ours()?.map_or(Ok(()), |row| give_back(conn, &row, Some(*at), now)),
        Finish::Retry { at, error, class } | Finish::Deferred { at, error, class } => {
            let Some(row) = ours()? else { return Ok(()) };
            // what came meanwhile waits for the same other side: its time is that of the retry
            merge_waiting(conn, &row, Some(*at))?;
            let counts = i64::from(matches!(finish, Finish::Retry { .. }));
            query(
                "UPDATE job SET status = 'retrying', attempts = attempts + ?, run_at = ?, error = ?, class = ?, owner = NULL, lease_until = NULL, updated_at = ?
                 WHERE seq = ?",
            )
            .bind(counts)
            .bind(micros(*at))
            .bind(error.packed())
            .bind(class)
            .bind(micros(now))
            .bind(row.int("seq")?)
            .execute(conn)?;
            Ok(())
        }
    }
}

/// It was tried for the last time, unless somebody else has it now; how many jobs that changed.
fn over(
    conn: &mut Connection,
    owner: &str,
    id: JobId,
    status: &'static str,
    failure: Option<(&Sealed, &String)>,
    now: Timestamp,
) -> Result<u64, SqlError> {
    query(
        "UPDATE job SET status = ?1, attempts = attempts + 1, error = ?2, class = ?3, owner = NULL, lease_until = NULL, updated_at = ?4, succeeded_later = 0
         WHERE id = ?5 AND owner = ?6 AND status = 'leased'",
    )
    .bind(status)
    .bind(failure.map(|(error, _)| error.packed()))
    .bind(failure.map(|(_, class)| class))
    .bind(micros(now))
    .bind(id.0)
    .bind(owner)
    .execute(conn)
}

/// What failed before for the target of a job that is done has succeeded later.
fn overtake(conn: &mut Connection, done: JobId) -> Result<(), SqlError> {
    query(
        "UPDATE job AS d SET succeeded_later = 1 FROM job j
         WHERE j.id = ? AND d.target = j.target AND d.kind = j.kind AND d.company_id = j.company_id AND d.status = 'dead'",
    )
    .bind(done.0)
    .execute(conn)?;
    Ok(())
}

/// Back to waiting; the try does not count.
fn give_back(conn: &mut Connection, row: &Row, at: Option<Timestamp>, now: Timestamp) -> Result<(), SqlError> {
    let merged = merge_waiting(conn, row, at)?;
    query(
        "UPDATE job SET status = CASE WHEN attempts > 0 THEN 'retrying' ELSE 'ready' END, run_at = coalesce(?, run_at),
             owner = NULL, lease_until = NULL, updated_at = ?
         WHERE seq = ?",
    )
    .bind(opt_micros(merged.or(at)))
    .bind(micros(now))
    .bind(row.int("seq")?)
    .execute(conn)?;
    Ok(())
}

/// A leased job that goes back to waiting takes in the one that came for its target meanwhile: one waits for a target.
/// Returns the earlier of both times, where there was one.
fn merge_waiting(conn: &mut Connection, leased: &Row, at: Option<Timestamp>) -> Result<Option<Timestamp>, SqlError> {
    let waiting = query("DELETE FROM job WHERE company_id = ? AND kind = ? AND target = ? AND status IN ('ready', 'retrying') RETURNING *")
        .bind(leased.id::<CompanyId>("company_id")?.0)
        .bind(leased.text("kind")?)
        .bind(leased.text("target")?)
        .fetch_optional(conn)?;
    let Some(waiting) = waiting else { return Ok(None) };
    let (mine, other) = (job(leased)?, job(&waiting)?);
    let stronger = if other.cause.strength() > mine.cause.strength() { &other } else { &mine };
    query("UPDATE job SET destination = ?, lane = ?, cause = ?, correlation = ? WHERE seq = ?")
        .bind(&other.destination)
        .bind(word(mine.lane.min(other.lane)))
        .bind(word(stronger.cause))
        .bind(stronger.correlation.0)
        .bind(leased.int("seq")?)
        .execute(conn)?;
    Ok(Some(at.unwrap_or(mine.run_at).min(other.run_at)))
}

fn chosen<'q>(sql: &'static str, scope: Scope, which: &JobSelection) -> Query<'q> {
    query(sql)
        .bind(scope.company.0)
        .bind(id_list(which.jobs.iter().map(|id| id.0)))
        .bind(which.destination.clone())
        .bind(which.class.clone())
        .bind(which.since.map_or(i64::MIN, micros))
        .bind(which.until.map_or(i64::MAX, micros))
        .bind(which.created_until.map_or(i64::MAX, micros))
}

fn count(conn: &mut Connection, scope: Scope, which: &JobSelection) -> Result<Tally, SqlError> {
    // of several for one target the newest is the one to take up
    let sql = concat!(
        "WITH dead AS (SELECT *, row_number() OVER (PARTITION BY kind, target ORDER BY updated_at DESC, seq DESC) AS place
                       FROM job WHERE status = 'dead' AND ",
        which_jobs!(),
        ") SELECT count(*) AS number, coalesce(sum(CASE WHEN place > 1 OR ",
        succeeded_later!(),
        " THEN 1 ELSE 0 END), 0) AS skip FROM dead d"
    );
    let row = chosen(sql, scope, which).fetch_one(conn)?;
    let (number, skip): (u64, u64) = (row.count("number")?, row.count("skip")?);
    Ok(Tally { take: number.saturating_sub(skip), skip })
}

/// Takes up the newest dead jobs, in the lane given or the one that they had. That they were tried is remembered: what the
/// last try left behind may not be known.
pub(crate) fn retry(
    conn: &mut Connection,
    scope: Scope,
    which: &JobSelection,
    lane: Option<Lane>,
    now: Timestamp,
) -> Result<Tally, SqlError> {
    let sql = concat!(
        "SELECT seq FROM job WHERE status = 'dead' AND ",
        which_jobs!(),
        " ORDER BY updated_at DESC, seq DESC LIMIT ?8"
    );
    let dead = chosen(sql, scope, which).bind(i64::from(RETRY_JOBS)).fetch_all(conn)?;
    let mut tally = Tally::default();
    for row in &dead {
        let seq = row.int("seq")?;
        let sql = concat!("SELECT ", succeeded_later!(), " AS later FROM job d WHERE d.seq = ?1");
        if query(sql).bind(seq).fetch_one(conn)?.int("later")? == 1 {
            query("DELETE FROM job WHERE seq = ?1").bind(seq).execute(conn)?;
            tally.skip += 1;
            continue;
        }
        query(
            "UPDATE job SET status = 'ready', attempts = 1, run_at = ?1, updated_at = ?1, lane = coalesce(?2, lane) WHERE seq = ?3",
        )
        .bind(micros(now))
        .bind(lane.map(word))
        .bind(seq)
        .execute(conn)?;
        tally.take += 1;
    }
    Ok(tally)
}

/// The newest calls of a job or a shipment, in their order.
fn attempts(conn: &mut Connection, sql: &str, scope: Scope, of: Uuid) -> Result<Vec<AttemptRecord>, SqlError> {
    let rows = query(sql).bind(scope.company.0).bind(of).bind(ATTEMPT_ROWS).fetch_all(conn)?;
    rows.iter().rev().map(attempt).collect()
}

fn put_attempt(conn: &mut Connection, scope: Scope, attempt: &AttemptRecord) -> Result<(), SqlError> {
    query(
        "INSERT INTO attempt (month, id, company_id, job_id, correlation, shipment_id, destination, operation, started_at, duration_ms, status, outcome, request, response)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(month(attempt.started_at))
    .bind(attempt.id.0)
    .bind(scope.company.0)
    .bind(attempt.job.0)
    .bind(attempt.correlation.0)
    .bind(attempt.shipment.map(|id| id.0))
    .bind(&attempt.destination)
    .bind(&attempt.operation)
    .bind(micros(attempt.started_at))
    .bind(stored_count(attempt.duration_ms))
    .bind(attempt.status)
    .bind(word(attempt.outcome))
    .bind(attempt.request.as_ref().map(Sealed::packed))
    .bind(attempt.response.as_ref().map(Sealed::packed))
    .execute(conn)?;
    Ok(())
}

/// The destinations that have finished jobs, each found by one step along their index.
pub(crate) fn done_destinations(conn: &mut Connection, company: CompanyId) -> Result<Vec<String>, SqlError> {
    let rows = query(
        "WITH RECURSIVE names (name) AS (
             SELECT * FROM (SELECT coalesce(destination, 'inside') FROM job WHERE company_id = ?1 AND status = 'done'
                            ORDER BY coalesce(destination, 'inside') LIMIT 1) first
             UNION ALL
             SELECT (SELECT coalesce(destination, 'inside') FROM job
                     WHERE company_id = ?1 AND status = 'done' AND coalesce(destination, 'inside') > names.name
                     ORDER BY coalesce(destination, 'inside') LIMIT 1) FROM names WHERE names.name IS NOT NULL)
         SELECT name FROM names WHERE name IS NOT NULL",
    )
    .bind(company.0)
    .fetch_all(conn)?;
    rows.iter().map(|row| row.text("name")).collect()
}

/// What is not over is counted along the indexes of what is not over; of what is done, so much as is worth counting.
fn summary(conn: &mut Connection, scope: Scope, now: Timestamp) -> Result<Vec<DestinationSummary>, SqlError> {
    macro_rules! counted {
        ($status:literal) => {
            concat!(
                "SELECT coalesce(destination, 'inside') AS destination, status, class, count(*) AS number
                 FROM job WHERE company_id = ?1 AND ",
                $status,
                " GROUP BY 1, 2, 3"
            )
        };
    }
    let rows = query(concat!(
        counted!("status IN ('ready', 'retrying')"),
        " UNION ALL ",
        counted!("status = 'leased'"),
        " UNION ALL ",
        counted!("status = 'dead'")
    ))
    .bind(scope.company.0)
    .fetch_all(conn)?;
    let mut counts = Vec::with_capacity(rows.len());
    for row in &rows {
        counts.push(Counted {
            destination: row.text("destination")?,
            status: row.word("status")?,
            class: row.opt_text("class")?,
            number: row.count("number")?,
        });
    }
    let names = done_destinations(conn, scope.company)?;
    let rows = query(
        "SELECT d.value AS name,
                (SELECT count(*) FROM (SELECT 1 FROM job WHERE company_id = ?1 AND coalesce(destination, 'inside') = d.value
                                       AND status = 'done' AND updated_at >= ?3 LIMIT ?4)) AS done,
                (SELECT max(updated_at) FROM job WHERE company_id = ?1 AND coalesce(destination, 'inside') = d.value AND status = 'done') AS last_ok
         FROM json_each(?2) d",
    )
    .bind(scope.company.0)
    .bind(json(&names))
    .bind(micros(now.checked_sub(figures::DONE).unwrap_or(now)))
    .bind(DONE_COUNTED)
    .fetch_all(conn)?;
    let done = rows.iter().map(|row| Ok((row.text("name")?, row.count("done")?, row.opt_at("last_ok")?)));
    Ok(DestinationSummary::of(counts, done.collect::<Result<_, SqlError>>()?))
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

fn attempt(row: &Row) -> Result<AttemptRecord, SqlError> {
    Ok(AttemptRecord {
        id: row.id("id")?,
        job: row.id("job_id")?,
        correlation: row.id("correlation")?,
        shipment: row.opt_id("shipment_id")?,
        destination: row.text("destination")?,
        operation: row.text("operation")?,
        started_at: row.at("started_at")?,
        duration_ms: row.count("duration_ms")?,
        status: row
            .opt_int("status")?
            .map(u16::try_from)
            .transpose()
            .map_err(|_| StoreError::Damaged("HTTP status".into()))?,
        outcome: row.word("outcome")?,
        request: row.opt_packed("request")?,
        response: row.opt_packed("response")?,
    })
}
