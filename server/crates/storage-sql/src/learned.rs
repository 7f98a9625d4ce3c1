//! What is learned of transit times.

use crate::{
    Db, Engine, Row, Sql,
    codec::{from_json, json},
    query,
    rows::{Rows, hex_id},
};
use async_trait::async_trait;
use domain::ids::ShipmentId;
use jiff::Timestamp;
use kpi::learned::{
    count::{Count, SCORES, What, changes},
    kept::Kept,
};
use serde_json::json as object;
use std::{collections::BTreeMap, sync::Arc};
use storage::{
    Result, Scope, StoreError,
    jobs::Lane,
    learned::{Counted, Learned, Periods, PublishedCell},
};
use uuid::Uuid;

/// Rows of one statement.
const TOGETHER: usize = 2_000;
/// The first name behind those of scores.
const BEHIND_SCORES: &str = "s0";

#[async_trait]
impl<E: Engine> Learned for Sql<E> {
    async fn kept(&self, scope: Scope, shipments: Vec<ShipmentId>) -> Result<Vec<(ShipmentId, Kept)>> {
        self.0.look_up(move |db| Box::pin(async move { kept(db, scope, &shipments).await })).await
    }

    async fn keep(&self, scope: Scope, all: Vec<(ShipmentId, Kept)>, as_of: Timestamp) -> Result<()> {
        let ids = all.iter().map(|(id, _)| *id).collect();
        let before = self.kept(scope, ids).await?.into_iter().collect();
        let batch = Arc::new(Batch::of(&before, &all, as_of));
        self.0.write(Lane::Batch, move |db| Box::pin(async move { batch.put(db, scope).await })).await
    }

    async fn open_after(
        &self,
        scope: Scope,
        after: Option<ShipmentId>,
        before: Timestamp,
        limit: u32,
    ) -> Result<Vec<ShipmentId>> {
        let open = query(
            "SELECT shipment_id FROM learned_shipment
             WHERE company_id = ?1 AND shipment_id > ?2 AND is_open = 1 AND as_of < ?3 ORDER BY shipment_id LIMIT ?4",
        )
        .bind(scope.company.0)
        .bind(after.map_or(Uuid::nil(), |id| id.0))
        .bind(before)
        .bind(limit);
        self.rows(open, |row| row.id("shipment_id")).await
    }

    async fn cells_after(&self, scope: Scope, after: String, limit: u32) -> Result<Vec<String>> {
        let cells = query(
            "SELECT DISTINCT cell FROM learned_count WHERE company_id = ?1 AND cell > ?2 AND cell < ?3 ORDER BY cell LIMIT ?4",
        )
        .bind(scope.company.0)
        .bind(after)
        .bind(SCORES)
        .bind(limit);
        self.rows(cells, |row| row.text("cell")).await
    }

    async fn counts(&self, scope: Scope, cell: String, (from, to): Periods) -> Result<Vec<Counted>> {
        let counts = query(
            "SELECT cell, what, period, bin, n FROM learned_count
             WHERE company_id = ?1 AND cell = ?2 AND period >= ?3 AND period <= ?4 ORDER BY what, period, bin",
        )
        .bind(scope.company.0)
        .bind(cell)
        .bind(i64::from(from))
        .bind(i64::from(to));
        self.rows(counts, counted).await
    }

    async fn scores(&self, scope: Scope, (from, to): Periods) -> Result<Vec<Counted>> {
        let scores = query(
            "SELECT cell, what, CAST(?4 AS bigint) AS period, bin, CAST(sum(n) AS bigint) AS n FROM learned_count
             WHERE company_id = ?1 AND cell >= ?2 AND cell < ?3 AND period >= ?4 AND period <= ?5
             GROUP BY cell, what, bin ORDER BY cell, what, bin",
        )
        .bind(scope.company.0)
        .bind(SCORES)
        .bind(BEHIND_SCORES)
        .bind(i64::from(from))
        .bind(i64::from(to));
        self.rows(scores, counted).await
    }

    async fn scores_by_day(
        &self,
        scope: Scope,
        what: Vec<What>,
        bin: i32,
        (from, to): Periods,
    ) -> Result<Vec<Counted>> {
        let scores = query(
            "SELECT cell, what, period, bin, n FROM learned_count
             WHERE company_id = ?1 AND cell >= ?2 AND cell < ?3 AND what {in texts ?4} AND period >= ?5 AND period <= ?6
                 AND bin = ?7
             ORDER BY cell, what, period",
        )
        .bind(scope.company.0)
        .bind(SCORES)
        .bind(BEHIND_SCORES)
        .bind(what.into_iter().map(String::from).collect::<Vec<_>>())
        .bind(i64::from(from))
        .bind(i64::from(to))
        .bind(i64::from(bin));
        self.rows(scores, counted).await
    }

    async fn publish(&self, scope: Scope, model: u32, cells: Vec<PublishedCell>) -> Result<()> {
        self.0.write(Lane::Batch, move |db| Box::pin(async move { publish(db, scope, model, &cells).await })).await
    }

    async fn published(&self, scope: Scope, model: u32, cells: Vec<String>) -> Result<Vec<PublishedCell>> {
        let published = query(
            "SELECT cell, what, published FROM learned_cell
             WHERE company_id = ?1 AND model = ?2 AND cell {in texts ?3} ORDER BY cell, what",
        )
        .bind(scope.company.0)
        .bind(model)
        .bind(cells);
        self.0
            .look_up(move |db| {
                Box::pin(async move {
                    // what another build published and this one does not know is left out
                    Ok(published.all(db).await?.iter().filter_map(|row| published_cell(row).ok()).collect())
                })
            })
            .await
    }

    async fn largest(&self, scope: Scope, model: u32, what: What, limit: u32) -> Result<Vec<PublishedCell>> {
        let largest = query(
            "SELECT cell, what, published FROM learned_cell
             WHERE company_id = ?1 AND model = ?2 AND what = ?3 ORDER BY ended DESC, cell LIMIT ?4",
        )
        .bind(scope.company.0)
        .bind(model)
        .bind(String::from(what))
        .bind(limit);
        self.rows(largest, published_cell).await
    }

    async fn forget_models(&self, scope: Scope, model: u32, limit: u32) -> Result<u64> {
        let forget = query(
            "DELETE FROM learned_cell WHERE company_id = ?1 AND (model, cell, what) IN
             (SELECT model, cell, what FROM learned_cell WHERE company_id = ?1 AND model < ?2 ORDER BY model, cell, what LIMIT ?3)",
        )
        .bind(scope.company.0)
        .bind(model)
        .bind(limit);
        self.0.write_one(Lane::Batch, forget).await
    }

    async fn forget_weeks(&self, scope: Scope, cells: Vec<String>, week: i32) -> Result<()> {
        let forget = query("DELETE FROM learned_count WHERE company_id = ?1 AND cell {in texts ?2} AND period < ?3")
            .bind(scope.company.0)
            .bind(cells)
            .bind(i64::from(week));
        self.0.write_one(Lane::Batch, forget).await.map(drop)
    }

    async fn forget_shipments(&self, scope: Scope, before: Timestamp, limit: u32) -> Result<u64> {
        let forget = query(
            "DELETE FROM learned_shipment WHERE company_id = ?1 AND shipment_id IN
             (SELECT shipment_id FROM learned_shipment WHERE company_id = ?1 AND as_of < ?2 AND is_open = 0 ORDER BY as_of LIMIT ?3)",
        )
        .bind(scope.company.0)
        .bind(before)
        .bind(limit);
        self.0.write_one(Lane::Batch, forget).await
    }
}

async fn kept(db: &mut dyn Db, scope: Scope, shipments: &[ShipmentId]) -> Result<Vec<(ShipmentId, Kept)>> {
    let rows =
        query("SELECT shipment_id, kept FROM learned_shipment WHERE company_id = ?1 AND shipment_id {in ids ?2}")
            .bind(scope.company.0)
            .bind(shipments.iter().map(|id| id.0).collect::<Vec<_>>())
            .all(db)
            .await?;
    let mut all = Vec::with_capacity(rows.len());
    for row in &rows {
        // of what another build wrote the counts stay, which is better than to learn of no shipment
        if let Ok(kept) = from_json(row.str("kept")?) {
            all.push((row.id("shipment_id")?, kept));
        }
    }
    Ok(all)
}

/// What is written of some shipments, made up before the transaction.
struct Batch {
    as_of: Timestamp,
    shipments: Vec<serde_json::Value>,
    counts: Vec<serde_json::Value>,
}

impl Batch {
    fn of(before: &BTreeMap<ShipmentId, Kept>, all: &[(ShipmentId, Kept)], as_of: Timestamp) -> Self {
        let mut sums: BTreeMap<&Count, i64> = BTreeMap::new();
        for (id, after) in all {
            let before = before.get(id).map(|kept| kept.counts.as_slice()).unwrap_or_default();
            for (count, n) in changes(before, &after.counts) {
                *sums.entry(count).or_default() += n;
            }
        }
        sums.retain(|_, n| *n != 0);
        let count = |(count, n): (&Count, i64)| object!({"cell": count.cell, "what": String::from(count.what), "period": count.period, "bin": count.bin, "n": n});
        let shipment = |(id, kept): &(ShipmentId, Kept)| object!({"id": hex_id(id.0), "open": i64::from(kept.open), "kept": json(kept)});
        Self { as_of, shipments: all.iter().map(shipment).collect(), counts: sums.into_iter().map(count).collect() }
    }

    async fn put(&self, db: &mut dyn Db, scope: Scope) -> Result<()> {
        for sql in [PUT_COUNTS, DROP_COUNTS] {
            for chunk in self.counts.chunks(TOGETHER) {
                let rows = Rows::from_iter(chunk.iter().cloned());
                query(sql).bind(scope.company.0).bind(rows).execute(db).await?;
            }
        }
        for chunk in self.shipments.chunks(TOGETHER) {
            query(
                "INSERT INTO learned_shipment (company_id, shipment_id, is_open, as_of, kept)
                 SELECT ?1, r.id, r.open, ?2, r.kept FROM {rows ?3 r (id id, open int, kept text)}
                 WHERE true ON CONFLICT (company_id, shipment_id)
                 DO UPDATE SET is_open = excluded.is_open, as_of = excluded.as_of, kept = excluded.kept",
            )
            .bind(scope.company.0)
            .bind(self.as_of)
            .bind(Rows::from_iter(chunk.iter().cloned()))
            .execute(db)
            .await?;
        }
        Ok(())
    }
}

const PUT_COUNTS: &str = "INSERT INTO learned_count (company_id, cell, what, period, bin, n)
    SELECT ?1, r.cell, r.what, r.period, r.bin, r.n FROM {rows ?2 r (cell text, what text, period int, bin int, n int)}
    WHERE true ON CONFLICT (company_id, cell, what, period, bin) DO UPDATE SET n = learned_count.n + excluded.n";

const DROP_COUNTS: &str = "DELETE FROM learned_count WHERE company_id = ?1 AND n = 0 AND (cell, what, period, bin) IN
    (SELECT r.cell, r.what, r.period, r.bin FROM {rows ?2 r (cell text, what text, period int, bin int)})";

async fn publish(db: &mut dyn Db, scope: Scope, model: u32, cells: &[PublishedCell]) -> Result<()> {
    let rows: Vec<_> = cells
        .iter()
        .map(|of| {
            let (what, published) = (String::from(of.what), json(&of.published));
            object!({"cell": of.cell, "what": what, "ended": of.published.ended, "published": published})
        })
        .collect();
    for chunk in rows.chunks(TOGETHER) {
        query(
            "INSERT INTO learned_cell (company_id, model, cell, what, ended, published)
             SELECT ?1, ?2, r.cell, r.what, r.ended, r.published
             FROM {rows ?3 r (cell text, what text, ended int, published text)}
             WHERE true ON CONFLICT (company_id, model, cell, what) DO UPDATE SET ended = excluded.ended, published = excluded.published",
        )
        .bind(scope.company.0)
        .bind(model)
        .bind(Rows::from_iter(chunk.iter().cloned()))
        .execute(db)
        .await?;
    }
    Ok(())
}

fn what(row: &Row) -> Result<What> {
    What::try_from(row.text("what")?).map_err(|text| StoreError::Damaged(format!("{text} is nothing that is learned")))
}

fn counted(row: &Row) -> Result<Counted> {
    let count =
        Count { cell: row.text("cell")?, what: what(row)?, period: row.count("period")?, bin: row.count("bin")? };
    Ok(Counted { count, n: row.int("n")? })
}

fn published_cell(row: &Row) -> Result<PublishedCell> {
    Ok(PublishedCell { cell: row.text("cell")?, what: what(row)?, published: from_json(row.str("published")?)? })
}
