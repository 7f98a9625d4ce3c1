//! What is the same about units of work: adding one, reading them, taking up again what failed.

use crate::{
    Db,
    codec::{id_list, micros, word},
    query,
};
use domain::ids::MessageId;
use jiff::Timestamp;
use std::collections::BTreeMap;
use storage::{
    Result, Scope,
    jobs::{JobSelection, Lane, NewJob},
    limits::{RETRY_JOBS, SETTLE},
    tally::Tally,
};

/// [`SETTLE`] as times are stored.
pub const SETTLE_US: i64 = SETTLE.as_secs() * 1_000_000;
/// The causes, the stronger the further behind ([`storage::jobs::Cause::strength`]).
pub const CAUSES: &str = "replay reconcile history import live";

/// Whether everything holds that a selection says; its values are the first seven.
macro_rules! which_jobs {
    () => {
        "company_id = ?1 AND (?8 OR id IN (SELECT value FROM {ids ?2 i})) AND (?3 IS NULL OR coalesce(destination, 'inside') = ?3)
         AND (?4 IS NULL OR class = ?4) AND updated_at >= ?5 AND updated_at < ?6 AND created_at <= ?7"
    };
}

/// Whether the target of the dead job `d` has work that waits, is being done, or was finished after the job died.
macro_rules! succeeded_later {
    () => {
        "({is d.succeeded_later}
             OR EXISTS (SELECT 1 FROM job l WHERE l.company_id = d.company_id AND l.kind = d.kind AND l.target = d.target AND l.status IN ('ready', 'retrying'))
             OR EXISTS (SELECT 1 FROM job l WHERE l.company_id = d.company_id AND l.kind = d.kind AND l.target = d.target AND l.status = 'leased'))"
    };
}

/// Adds work, or merges it with what waits under the same target: the earlier time, the more urgent lane, the newest
/// destination, and the stronger cause with its correlation id. A job whose id is there already is the same job.
pub async fn enqueue(db: &mut dyn Db, scope: Scope, job: &NewJob, at: Timestamp) -> Result<()> {
    query(
        "INSERT INTO job (id, company_id, kind, target, destination, lane, cause, run_at, correlation, shipment_id, created_at, updated_at)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11 WHERE NOT EXISTS (SELECT 1 FROM job WHERE id = ?1)
         ON CONFLICT (company_id, kind, target) WHERE status IN ('ready', 'retrying') DO UPDATE SET
             destination = excluded.destination,
             run_at = {min}(job.run_at, CASE WHEN job.status = 'retrying' THEN {max}(excluded.run_at, job.updated_at + ?12) ELSE excluded.run_at END),
             lane = CASE WHEN excluded.lane = 'real_time' THEN excluded.lane ELSE job.lane END,
             correlation = CASE WHEN {position}(?13, excluded.cause) > {position}(?13, job.cause) THEN excluded.correlation ELSE job.correlation END,
             cause = CASE WHEN {position}(?13, excluded.cause) > {position}(?13, job.cause) THEN excluded.cause ELSE job.cause END",
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
    .execute(db)
    .await
    .map(drop)
}

/// Adds work in the order of kinds and targets: two transactions never wait for each other.
pub async fn enqueue_all(db: &mut dyn Db, scope: Scope, jobs: &[NewJob], at: Timestamp) -> Result<()> {
    for job in merged(jobs) {
        enqueue(db, scope, &job, at).await?;
    }
    Ok(())
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

/// Takes up the newest dead jobs, in the lane given or the one that they had. That they were tried is remembered: what the
/// last try left behind may not be known.
pub async fn retry(
    db: &mut dyn Db,
    scope: Scope,
    which: &JobSelection,
    lane: Option<Lane>,
    now: Timestamp,
) -> Result<Tally> {
    let dead = query(concat!(
        "SELECT id FROM job WHERE status = 'dead' AND ",
        which_jobs!(),
        " ORDER BY updated_at DESC, seq DESC LIMIT ?9 {for update}"
    ))
    .bind(scope.company.0)
    .bind(id_list(which.jobs.iter().map(|id| id.0)))
    .bind(&which.destination)
    .bind(&which.class)
    .bind(which.since.map_or(i64::MIN, micros))
    .bind(which.until.map_or(i64::MAX, micros))
    .bind(which.created_until.map_or(i64::MAX, micros))
    .bind(which.jobs.is_empty())
    .bind(RETRY_JOBS)
    .all(db)
    .await?;
    let mut tally = Tally::default();
    for row in &dead {
        let id: uuid::Uuid = row.id("id")?;
        let sql = concat!("SELECT ", succeeded_later!(), " AS later FROM job d WHERE d.id = ?");
        if query(sql).bind(id).one(db).await?.flag("later")? {
            query("DELETE FROM job WHERE id = ?").bind(id).execute(db).await?;
            tally.skip += 1;
            continue;
        }
        query("UPDATE job SET status = 'ready', attempts = 1, run_at = ?1, updated_at = ?1, lane = coalesce(?2, lane) WHERE id = ?3")
            .bind(micros(now))
            .bind(lane.map(word))
            .bind(id)
            .execute(db)
            .await?;
        tally.take += 1;
    }
    Ok(tally)
}

/// Reads messages again whose bodies are kept; how many.
pub async fn replay_messages(
    db: &mut dyn Db,
    scope: Scope,
    messages: &[(MessageId, NewJob)],
    at: Timestamp,
) -> Result<u32> {
    let mut replayed = 0;
    for (id, job) in messages {
        let found = query(
            "UPDATE message AS m SET status = 'received', reason = NULL, cursor = 0 WHERE m.company_id = ?1 AND m.id = ?2
               AND {not m.rewritten} AND EXISTS (SELECT 1 FROM message_body b WHERE b.month = {month m.received_at} AND b.message_id = m.id)",
        )
        .bind(scope.company.0)
        .bind(id.0)
        .execute(db)
        .await?;
        if found == 1 {
            enqueue(db, scope, job, at).await?;
            replayed += 1;
        }
    }
    Ok(replayed)
}
