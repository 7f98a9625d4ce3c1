//! Figures added up. Changes wait in a table of their own, so that what changes them writes one row, and no transaction waits
//! for a row that many change; they are added up in batches, in one transaction with the rows behind them.

mod add;
mod compare;
mod due;
mod read;
mod row;
mod troubles;

pub(crate) use troubles::troubles;

use crate::{
    Db, Engine, Sql,
    codec::{json, micros},
    query,
};
use async_trait::async_trait;
use compare::{differing, mend};
use domain::ids::ShipmentId;
use due::due;
use jiff::{Timestamp, civil::Date};
use kpi::{contribution::row::Dims, definition::Kpi};
use read::{count, rows, units};
use row::{difference, dims_of, ids, rollup_row};
use std::sync::Arc;
use storage::{
    Page, Result, Scope, StoreError,
    jobs::Lane,
    rollups::{
        DueRow, Grain, NewContribution, RollupDifference, RollupQuery, RollupRow, Rollups, UnitQuery, UnitRow, Waiting,
    },
};
use uuid::Uuid;

#[async_trait]
impl<E: Engine> Rollups for Sql<E> {
    async fn add_up(&self, scope: Scope, limit: u32) -> Result<u64> {
        let batch = self.0.look_up(move |db| Box::pin(async move { add::batch(db, scope, limit).await })).await?;
        let changes = batch.changes() as u64;
        if changes > 0 {
            let batch = Arc::new(batch);
            self.0.write(Lane::Batch, move |db| Box::pin(async move { batch.put(db, scope).await })).await?;
        }
        Ok(changes)
    }

    async fn waiting(&self, scope: Scope) -> Result<Waiting> {
        let oldest =
            query("SELECT at FROM rollup_delta WHERE company_id = ? ORDER BY seq LIMIT 1").bind(scope.company.0);
        Ok(Waiting { since: self.row(oldest, |row| row.at("at")).await? })
    }

    async fn rows(&self, scope: Scope, query: RollupQuery) -> Result<Vec<RollupRow>> {
        self.0.read(move |db| Box::pin(async move { rows(db, scope, &query).await })).await
    }

    async fn hours(&self, scope: Scope, kpis: Vec<(Kpi, u16)>, day: Date) -> Result<Vec<RollupRow>> {
        let of_day = query(
            "SELECT kpi, version, part, day, hour, bin, n FROM rollup
             WHERE company_id = ?1 AND grain = ?2 AND kpi {in texts ?3} AND day = ?4",
        )
        .bind(scope.company.0)
        .bind(Grain::Hour.code())
        .bind(ids(&kpis))
        .bind(day.to_string());
        let rows = self.rows(of_day, rollup_row).await?;
        Ok(rows.into_iter().filter(|row| kpis.contains(&(row.key.kpi, row.key.version))).collect())
    }

    async fn units(&self, scope: Scope, query: UnitQuery) -> Result<Page<UnitRow>> {
        self.0.read(move |db| Box::pin(async move { units(db, scope, &query).await })).await
    }

    async fn count(&self, scope: Scope, query: UnitQuery) -> Result<i64> {
        self.0.read(move |db| Box::pin(async move { count(db, scope, &query).await })).await
    }

    async fn due(&self, scope: Scope, query: UnitQuery, limit: u32) -> Result<Vec<DueRow>> {
        self.0.read(move |db| Box::pin(async move { due(db, scope, &query, limit).await })).await
    }

    async fn dims(&self, scope: Scope) -> Result<Vec<Dims>> {
        let all = query(
            "SELECT company, warehouse, carrier, country, segments FROM rollup_dims WHERE company_id = ? ORDER BY id",
        );
        self.rows(all.bind(scope.company.0), dims_of).await
    }

    async fn shipments_after(
        &self,
        scope: Scope,
        after: Option<ShipmentId>,
        changed_since: Option<Timestamp>,
        limit: u32,
    ) -> Result<Vec<ShipmentId>> {
        let next = query(
            "SELECT id FROM shipment WHERE company_id = ?1 AND id > ?2 AND updated_at >= ?3 AND origin IS NOT NULL AND revision > 0
             ORDER BY id LIMIT ?4",
        )
        .bind(scope.company.0)
        .bind(after.map_or(Uuid::nil(), |id| id.0))
        .bind(changed_since.map_or(i64::MIN, micros))
        .bind(i64::from(limit));
        self.rows(next, |row| row.id("id")).await
    }

    async fn replace(
        &self,
        scope: Scope,
        shipment: ShipmentId,
        revision: u64,
        new: NewContribution,
        at: Timestamp,
    ) -> Result<bool> {
        self.0
            .write(Lane::Batch, move |db| {
                Box::pin(async move { replace(db, scope, (shipment, revision), &new, at).await })
            })
            .await
    }

    async fn differing(
        &self,
        scope: Scope,
        kpi: (Kpi, u16),
        (from, until): (Date, Date),
        at: Timestamp,
    ) -> Result<Vec<RollupDifference>> {
        self.0.read(move |db| Box::pin(async move { differing(db, scope, kpi, (from, until), at).await })).await
    }

    async fn mend(&self, scope: Scope, kpi: (Kpi, u16), day: Date, at: Timestamp) -> Result<Option<RollupDifference>> {
        self.0.write(Lane::Batch, move |db| Box::pin(async move { mend(db, scope, kpi, day, at).await })).await
    }

    async fn differences(&self, scope: Scope, limit: u32) -> Result<Vec<RollupDifference>> {
        let newest = query(
            "SELECT found_at, kpi, version, day, rolled_up, contributed FROM rollup_difference
             WHERE company_id = ? ORDER BY seq DESC LIMIT ?",
        );
        self.rows(newest.bind(scope.company.0).bind(i64::from(limit)), difference).await
    }
}

/// Keeps the change of what a shipment adds, until it is added up.
///
/// # Errors
/// When the engine fails.
pub async fn note(
    db: &mut dyn Db,
    scope: Scope,
    (shipment, at): (ShipmentId, Timestamp),
    new: &NewContribution,
) -> Result<()> {
    if new.changes.is_empty() {
        return Ok(());
    }
    query("INSERT INTO rollup_delta (company_id, unit, at, changes) VALUES (?, ?, ?, ?)")
        .bind(scope.company.0)
        .bind(shipment.0)
        .bind(at)
        .bind(json(&new.changes))
        .execute(db)
        .await
        .map(drop)
}

async fn replace(
    db: &mut dyn Db,
    scope: Scope,
    (shipment, revision): (ShipmentId, u64),
    new: &NewContribution,
    at: Timestamp,
) -> Result<bool> {
    let revision = i64::try_from(revision).map_err(|_| StoreError::Damaged("revision".into()))?;
    // whatever else read that revision counts from what was, and has to read again
    let held = query(
        "UPDATE shipment SET revision = revision + 1 WHERE company_id = ?1 AND id = ?2 AND revision = ?3 AND merged_into IS NULL",
    )
    .bind(scope.company.0)
    .bind(shipment.0)
    .bind(revision)
    .execute(db)
    .await?;
    if held == 0 {
        return Ok(false);
    }
    query("UPDATE shipment_fold SET contributed = ?1 WHERE company_id = ?2 AND shipment_id = ?3")
        .bind(new.after.0.clone())
        .bind(scope.company.0)
        .bind(shipment.0)
        .execute(db)
        .await?;
    note(db, scope, (shipment, at), new).await?;
    Ok(true)
}
