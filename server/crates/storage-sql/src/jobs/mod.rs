//! Units of work with leases, and the calls they made.

/// Whether everything holds that a selection says; its values are the first eight.
macro_rules! which_jobs {
    () => {
        "company_id = ?1 AND (?8 OR id {in ids ?2}) AND (?3 IS NULL OR coalesce(destination, 'inside') = ?3)
         AND (?4 IS NULL OR class = ?4) AND updated_at >= ?5 AND updated_at < ?6 AND created_at <= ?7"
    };
}

mod attempts;
mod enqueue;
mod finish;
mod list;
mod retry;
mod summary;

pub use self::{
    attempts::put as attempt,
    enqueue::{FoldJob, SETTLE_US, enqueue, enqueue_all, enqueue_fold, is_stronger_fold_waiting, job_rows, merged},
    finish::end_try,
    list::{job, leased},
    retry::retry,
    summary::done_destinations,
};

use self::{list::listed, summary::summary};
use crate::{
    HotPath, Query, Sql, audit,
    codec::{id_list, micros, word},
    query,
};
use async_trait::async_trait;
use domain::ids::{JobId, ShipmentId};
use jiff::Timestamp;
use storage::{
    AuditEntry, Page, Result, Scope, StoreError,
    jobs::{
        AttemptRecord, ClaimRequest, DestinationSummary, Finish, JobFilter, JobRow, JobSelection, Jobs, Lane,
        LeasedJob, NewJob,
    },
    tally::Tally,
};

/// A statement with the values of a selection.
fn chosen(sql: &'static str, scope: Scope, which: &JobSelection) -> Query {
    query(sql)
        .bind(scope.company.0)
        .bind(id_list(which.jobs.iter().map(|id| id.0)))
        .bind(&which.destination)
        .bind(&which.class)
        .bind(which.since.map_or(i64::MIN, micros))
        .bind(which.until.map_or(i64::MAX, micros))
        .bind(which.created_until.map_or(i64::MAX, micros))
        .bind(which.jobs.is_empty())
}

#[async_trait]
impl<E: HotPath> Jobs for Sql<E> {
    async fn enqueue(&self, scope: Scope, jobs: Vec<NewJob>) -> Result<()> {
        self.0.enqueue(scope, jobs).await
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Vec<LeasedJob>> {
        self.0.claim(request).await
    }

    async fn renew(&self, owner: &str, mut jobs: Vec<JobId>, until: Timestamp) -> Result<Vec<JobId>> {
        let owner = owner.to_owned();
        // as those that end are: rows are locked in the order of the list, and neither waits for the other
        jobs.sort_unstable();
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    let sql = db.dialect().pick(
                        "UPDATE job SET lease_until = ?1 WHERE id {in ids ?3} AND owner = ?2 RETURNING id",
                        "UPDATE job SET lease_until = ?1 FROM (SELECT unnest(?3::uuid[]) LIMIT cardinality(?3)) h (id)
                         WHERE job.id = h.id AND owner = ?2 RETURNING job.id",
                    );
                    let renew = query(sql).bind(until).bind(owner).bind(id_list(jobs.iter().map(|id| id.0)));
                    renew.all(db).await?.iter().map(|row| row.id("id")).collect()
                })
            })
            .await
    }

    async fn finish(&self, owner: &str, job: JobId, finish: Finish, now: Timestamp) -> Result<()> {
        self.0.finish(owner, job, finish, now).await
    }

    async fn attempt(&self, scope: Scope, attempt: AttemptRecord) -> Result<()> {
        self.0.attempt(scope, attempt).await
    }

    async fn next_due(&self, lane: Lane) -> Result<Option<Timestamp>> {
        let sql = "SELECT min(run_at) AS due FROM job WHERE lane = ? AND status IN ('ready', 'retrying')";
        self.0
            .look_up(move |db| Box::pin(async move { query(sql).bind(word(lane)).one(db).await?.opt_at("due") }))
            .await
    }

    async fn acquire_leadership(&self, name: &str, owner: &str, now: Timestamp, until: Timestamp) -> Result<bool> {
        let lead = query(
            "INSERT INTO lease (name, owner, ends_at) VALUES (?1, ?2, ?4)
             ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, ends_at = excluded.ends_at
             WHERE lease.owner = ?2 OR lease.ends_at <= ?3",
        );
        let lead = lead.bind(name).bind(owner).bind(now).bind(until);
        Ok(self.0.write_one(Lane::RealTime, lead).await? == 1)
    }

    async fn release_leadership(&self, name: &str, owner: &str) -> Result<()> {
        let release = query("DELETE FROM lease WHERE name = ? AND owner = ?").bind(name).bind(owner);
        self.0.write_one(Lane::RealTime, release).await.map(drop)
    }

    async fn summary(&self, scope: Scope, now: Timestamp) -> Result<Vec<DestinationSummary>> {
        self.0.read(move |db| Box::pin(async move { summary(db, scope, now).await })).await
    }

    async fn list(
        &self,
        scope: Scope,
        filter: JobFilter,
        which: JobSelection,
        cursor: Option<String>,
    ) -> Result<Page<JobRow>> {
        self.0
            .read(move |db| Box::pin(async move { list::list(db, scope, filter, &which, cursor.as_deref()).await }))
            .await
    }

    async fn job(&self, scope: Scope, id: JobId) -> Result<Option<JobRow>> {
        let sql = "SELECT * FROM job WHERE company_id = ? AND id = ?";
        self.row(query(sql).bind(scope.company.0).bind(id.0), listed).await
    }

    async fn attempts(&self, scope: Scope, job: JobId) -> Result<Vec<AttemptRecord>> {
        let sql = "SELECT * FROM attempt WHERE company_id = ? AND job_id = ? ORDER BY started_at DESC, id DESC LIMIT ?";
        self.0.read(move |db| Box::pin(async move { attempts::newest(db, sql, scope, job.0).await })).await
    }

    async fn attempts_of(&self, scope: Scope, shipment: ShipmentId) -> Result<Vec<AttemptRecord>> {
        let sql =
            "SELECT * FROM attempt WHERE company_id = ? AND shipment_id = ? ORDER BY started_at DESC, id DESC LIMIT ?";
        self.0.read(move |db| Box::pin(async move { attempts::newest(db, sql, scope, shipment.0).await })).await
    }

    async fn count(&self, scope: Scope, which: JobSelection) -> Result<Tally> {
        self.0.read(move |db| Box::pin(async move { retry::count(db, scope, &which).await })).await
    }

    async fn retry(&self, scope: Scope, which: JobSelection, now: Timestamp, audit: AuditEntry) -> Result<Tally> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    let retried = retry(db, scope, &which, None, now).await?;
                    if retried == Tally::default() && !which.jobs.is_empty() {
                        return Err(StoreError::NotFound("failed job"));
                    }
                    audit::append(db, scope, &audit).await?;
                    Ok(retried)
                })
            })
            .await
    }
}
