//! Reconciliation: the runs, what a look found, and the lists.

mod differences;
mod runs;
mod subjects;

use crate::{
    Engine, Sql, audit,
    codec::{id_list, micros, word},
    counter, jobs, query,
};
use async_trait::async_trait;
use domain::{
    ids::{DifferenceId, ReconciliationId, ShipmentId},
    reconcile::{Cause, Group},
};
use jiff::Timestamp;
use storage::{
    AuditEntry, Page, Result, Scope,
    jobs::{JobKind, JobStatus, Lane, NewJob},
    orders::Origin,
    reconciliations::{
        Compared, Counts, Decision, Difference, DifferenceCounts, DifferenceQuery, HISTORY_ROWS, Look, NewRun,
        RUN_ROWS, Reconciliations, Run, RunState, Share, Step, Unlinked, Walk,
    },
};

/// Carriers that are offered to filter by.
const CARRIER_ROWS: i64 = 50;
/// Differences of one read by their ids.
const CHOSEN_ROWS: usize = 500;

#[async_trait]
impl<E: Engine> Reconciliations for Sql<E> {
    async fn begin(&self, scope: Scope, run: NewRun, jobs: Vec<NewJob>, audit: Option<AuditEntry>) -> Result<bool> {
        self.0
            .write(Lane::Batch, move |db| {
                Box::pin(async move {
                    if !runs::begin(db, scope, &run).await? {
                        return Ok(false);
                    }
                    runs::drop_old(db, scope, run.at).await?;
                    jobs::enqueue_all(db, scope, &jobs, run.at).await?;
                    if let Some(audit) = &audit {
                        audit::append(db, scope, audit).await?;
                    }
                    Ok(true)
                })
            })
            .await
    }

    async fn step(&self, scope: Scope, id: ReconciliationId, step: Step) -> Result<Run> {
        self.0.write(Lane::Batch, move |db| Box::pin(async move { runs::step(db, scope, id, &step).await })).await
    }

    async fn look(&self, scope: Scope, look: Look, at: Timestamp) -> Result<Counts> {
        self.0
            .write(Lane::Batch, move |db| Box::pin(async move { differences::keep(db, scope, &look, at).await }))
            .await
    }

    async fn end(
        &self,
        scope: Scope,
        id: ReconciliationId,
        state: RunState,
        at: Timestamp,
        audit: Option<AuditEntry>,
    ) -> Result<bool> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    let sql = "UPDATE reconciliation SET state = ?1, ended_at = ?2 WHERE company_id = ?3 AND id = ?4 AND state = 'running'";
                    let end = query(sql).bind(word(state)).bind(at).bind(scope.company.0).bind(id.0);
                    if end.execute(db).await? == 0 {
                        return Ok(false);
                    }
                    if let Some(audit) = &audit {
                        audit::append(db, scope, audit).await?;
                    }
                    Ok(true)
                })
            })
            .await
    }

    async fn run(&self, scope: Scope, id: ReconciliationId) -> Result<Option<Run>> {
        let one = query("SELECT * FROM reconciliation WHERE company_id = ? AND id = ?");
        self.row(one.bind(scope.company.0).bind(id.0), runs::run).await
    }

    async fn runs(&self, scope: Scope) -> Result<Vec<Run>> {
        let newest =
            query("SELECT * FROM reconciliation WHERE company_id = ? ORDER BY started_at DESC, id DESC LIMIT ?");
        self.rows(newest.bind(scope.company.0).bind(RUN_ROWS), runs::run).await
    }

    async fn history(&self, scope: Scope, since: Timestamp) -> Result<Vec<Share>> {
        let shares = query(
            "SELECT ended_at, compared, differing FROM reconciliation
             WHERE company_id = ? AND state = 'done' AND ended_at >= ? ORDER BY ended_at DESC LIMIT ?",
        );
        let shares = shares.bind(scope.company.0).bind(since).bind(HISTORY_ROWS);
        let mut shares = self
            .rows(shares, |row| {
                Ok(Share {
                    at: row.at("ended_at")?,
                    compared: row.count("compared")?,
                    differing: row.count("differing")?,
                })
            })
            .await?;
        shares.reverse();
        Ok(shares)
    }

    async fn subjects(&self, scope: Scope, system: &str, walk: Walk, limit: u32) -> Result<Vec<Compared>> {
        self.rows(subjects::page(scope, system, &walk, limit), subjects::compared).await
    }

    async fn total(&self, scope: Scope, systems: Vec<String>, since: Timestamp) -> Result<u64> {
        self.0.read(move |db| Box::pin(async move { subjects::total(db, scope, systems, since).await })).await
    }

    async fn unlinked(&self, scope: Scope, after: Option<(i64, i64, ShipmentId)>, limit: u32) -> Result<Vec<Unlinked>> {
        self.0.read(move |db| Box::pin(async move { subjects::unlinked(db, scope, after, limit).await })).await
    }

    async fn close_unseen(
        &self,
        scope: Scope,
        run: ReconciliationId,
        systems: Vec<String>,
        began: Timestamp,
        at: Timestamp,
    ) -> Result<u64> {
        let close = query(
            "UPDATE difference SET closed_at = ?1, revision = revision + 1,
                 resolution = CASE WHEN requested_at IS NULL THEN 'gone' ELSE 'fixed' END
             WHERE company_id = ?2 AND closed_at IS NULL AND seen_run IS DISTINCT FROM ?3 AND system {in texts ?4}
               AND opened_at <= ?5",
        );
        let close = close.bind(at).bind(scope.company.0).bind(run.0).bind(systems.clone()).bind(began);
        // what a person let stand of a record that is no longer there ends too
        let kept = query(
            "UPDATE difference SET closed_at = ?1, resolution = 'gone', revision = revision + 1
             WHERE company_id = ?2 AND resolution = 'kept' AND seen_run IS DISTINCT FROM ?3 AND system {in texts ?4} AND closed_at <= ?5",
        );
        let kept = kept.bind(at).bind(scope.company.0).bind(run.0).bind(systems).bind(began);
        self.0
            .write(Lane::Batch, move |db| {
                Box::pin(async move {
                    kept.execute(db).await?;
                    close.execute(db).await
                })
            })
            .await
    }

    async fn updates(&self, scope: Scope, kind: JobKind, targets: Vec<String>) -> Result<Vec<(String, JobStatus)>> {
        // each status along its own index
        let found = query(
            "SELECT j.target, j.status FROM {texts ?3 t} CROSS JOIN job j WHERE j.company_id = ?1 AND j.kind = ?2 AND j.target = t.value AND j.status IN ('ready', 'retrying')
             UNION ALL
             SELECT j.target, j.status FROM {texts ?3 t} CROSS JOIN job j WHERE j.company_id = ?1 AND j.kind = ?2 AND j.target = t.value AND j.status = 'leased'
             UNION ALL
             SELECT j.target, j.status FROM job j WHERE j.company_id = ?1 AND j.status = 'dead' AND j.kind = ?2 AND j.target {in texts ?3}",
        );
        let found = found.bind(scope.company.0).bind(kind.code()).bind(targets);
        self.rows(found, |row| Ok((row.text("target")?, row.word("status")?))).await
    }

    async fn before(&self, scope: Scope, unlinked: ShipmentId) -> Result<Option<(ShipmentId, Origin)>> {
        self.0.read(move |db| Box::pin(async move { subjects::before_of(db, scope, unlinked).await })).await
    }

    async fn in_place_of(&self, scope: Scope, unlinked: ShipmentId, before: ShipmentId) -> Result<Vec<String>> {
        self.rows(subjects::in_place_of(scope, unlinked, before), |row| row.text("number_raw")).await
    }

    async fn list(&self, scope: Scope, query: DifferenceQuery) -> Result<Page<Difference>> {
        self.0.read(move |db| Box::pin(async move { differences::list(db, scope, &query).await })).await
    }

    async fn counts(&self, scope: Scope, fixed_since: Timestamp) -> Result<DifferenceCounts> {
        self.0
            .read(move |db| {
                Box::pin(async move {
                    let kept = counter::read(db, scope, "difference").await?;
                    let open = kept.into_iter().filter_map(|(key, n)| {
                        let (group, cause) = key.split_once('/')?;
                        // what a newer version counts is not ours to name
                        Some((Group::from_code(group)?, Cause::from_code(cause)?, n))
                    });
                    let fixed = query(
                        "SELECT count(*) AS n FROM difference WHERE company_id = ?1 AND resolution = 'fixed' AND closed_at >= ?2",
                    );
                    let fixed = fixed.bind(scope.company.0).bind(micros(fixed_since)).one(db).await?.count("n")?;
                    let oldest = query(
                        "SELECT opened_at FROM difference WHERE company_id = ?1 AND closed_at IS NULL ORDER BY opened_at, id LIMIT 1",
                    );
                    let oldest = oldest.bind(scope.company.0).optional(db).await?;
                    let oldest = oldest.map(|row| row.at("opened_at")).transpose()?;
                    Ok(DifferenceCounts { open: open.collect(), fixed, oldest })
                })
            })
            .await
    }

    async fn carriers(&self, scope: Scope) -> Result<Vec<String>> {
        // from one carrier to the next along its index, not through all differences
        let carriers = query(
            "WITH RECURSIVE c (carrier) AS (
                 SELECT min(carrier) FROM difference WHERE company_id = ?1 AND closed_at IS NULL AND carrier IS NOT NULL
                 UNION ALL
                 SELECT (SELECT min(d.carrier) FROM difference d
                     WHERE d.company_id = ?1 AND d.closed_at IS NULL AND d.carrier IS NOT NULL AND d.carrier > c.carrier)
                 FROM c WHERE c.carrier IS NOT NULL)
             SELECT carrier FROM c WHERE carrier IS NOT NULL LIMIT ?2",
        );
        self.rows(carriers.bind(scope.company.0).bind(CARRIER_ROWS), |row| row.text("carrier")).await
    }

    async fn differences(&self, scope: Scope, mut ids: Vec<DifferenceId>) -> Result<Vec<Difference>> {
        ids.truncate(CHOSEN_ROWS);
        let some = query(
            "SELECT d.* FROM {ids ?1 i} JOIN difference d ON d.id = i.value WHERE d.company_id = ?2 ORDER BY d.opened_at, d.id",
        );
        let some = some.bind(id_list(ids.into_iter().map(|id| id.0))).bind(scope.company.0);
        self.rows(some, differences::difference).await
    }

    async fn decide(&self, scope: Scope, decision: Decision) -> Result<bool> {
        self.0
            .write(Lane::RealTime, move |db| {
                Box::pin(async move {
                    if !differences::decide(db, scope, &decision).await? {
                        return Ok(false);
                    }
                    jobs::enqueue_all(db, scope, &decision.jobs, decision.at).await?;
                    if let Some(audit) = &decision.audit {
                        audit::append(db, scope, audit).await?;
                    }
                    Ok(true)
                })
            })
            .await
    }
}
