//! Shipments: what they are, their state, and what follows from it. Taking in orders is in [`import`], what a fold reads in
//! [`load`], numbers that are in use again in [`recycled`], the list in [`list`]. What a fold leaves is the engines'
//! ([`HotPath::commit`]).

/// The shipments of some records (`?1`) of an order system.
macro_rules! of_records {
    ($columns:literal, $and:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM shipment s
             WHERE s.company_id = ?2 AND s.origin_system = ?3 AND s.origin_model = 'stock.picking' AND s.origin_record {in ints ?1}
               AND s.origin IS NOT NULL",
            $and,
            " ORDER BY s.origin_record"
        )
    };
}

/// No job of this kind (`?4`) for this target (`?5`) waits or runs.
macro_rules! no_job_writes {
    () => {
        " AND NOT EXISTS (SELECT 1 FROM job WHERE company_id = ?2 AND kind = ?4 AND target = ?5 AND status IN ('ready', 'retrying'))
          AND NOT EXISTS (SELECT 1 FROM job WHERE company_id = ?2 AND kind = ?4 AND target = ?5 AND status = 'leased')"
    };
}

mod bindings;
mod import;
mod linked;
mod list;
mod load;
mod recycled;
mod row;

pub use self::{
    bindings::{NewBinding, bind, renew_number_terms},
    import::import,
    load::{FactRows, LoadedRows, load},
    recycled::follow,
    row::{make_unclaimed, mark_sandbox, note_change, number, record},
};
pub(crate) use row::numbers;

use self::{
    bindings::term,
    row::{change, seen_in, shipment, state_change},
};
use crate::{
    Db, HotPath, Query, Sql,
    codec::{micros, opt_micros, row_limit, word},
    jobs, keys, query,
};
use async_trait::async_trait;
use domain::{
    effects::EffectOutcome,
    ids::{EffectId, ShipmentId},
};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use storage::{
    AuditEntry, Page, Result, Scope, Sealed, StoreError, WrappedKey,
    jobs::Lane,
    limits::{CHANGE_ROWS, EXPIRED_ROWS},
    orders::{Amended, Imported, ImportedShipment},
    shipments::{
        Change, Commit, Committed, Loaded, NewEffect, NewLink, OrderFields, SameNumber, SeenIn, SetBack, SetBackOn,
        ShipmentQuery, ShipmentRecord, ShipmentRow, Shipments, StateChange, TabCounts, WrittenValues,
    },
};

/// Shipments of one look for reviews that are due.
const DUE_ROWS: u32 = 1000;
/// Shipments that one number may name.
const FIND_ROWS: i64 = 50;
/// Rows of one read of what belongs to a shipment (history, sightings): more than one ever has.
const OWN_ROWS: i64 = 10_000;

#[async_trait]
impl<E: HotPath> Shipments for Sql<E> {
    async fn import(&self, scope: Scope, shipments: Vec<ImportedShipment>, at: Timestamp) -> Result<Imported> {
        self.0.write(Lane::Batch, move |db| Box::pin(async move { import(db, scope, &shipments, at).await })).await
    }

    async fn amend(&self, scope: Scope, amended: Amended, at: Timestamp) -> Result<Option<ShipmentId>> {
        self.0.write(Lane::Batch, move |db| Box::pin(async move { import::amend(db, scope, &amended, at).await })).await
    }

    async fn same_number(&self, scope: Scope, id: ShipmentId) -> Result<Vec<SameNumber>> {
        self.0.read(move |db| Box::pin(async move { linked::same_number(db, scope, id).await })).await
    }

    async fn link(&self, scope: Scope, link: NewLink, audit: AuditEntry) -> Result<()> {
        self.0
            .write(Lane::RealTime, move |db| Box::pin(async move { linked::link(db, scope, &link, &audit).await }))
            .await
    }

    async fn known_records(&self, scope: Scope, system: &str, records: Vec<i64>) -> Result<BTreeSet<i64>> {
        let system = system.to_owned();
        self.0.read(move |db| Box::pin(async move { import::known_records(db, scope, &system, records).await })).await
    }

    async fn open_records(&self, scope: Scope, system: &str, after: i64, limit: u32) -> Result<Vec<i64>> {
        let system = system.to_owned();
        self.0
            .read(move |db| Box::pin(async move { import::open_records(db, scope, &system, after, limit).await }))
            .await
    }

    async fn load(&self, scope: Scope, id: ShipmentId, known_at: Option<Timestamp>) -> Result<Option<Loaded>> {
        self.0.load(scope, id, known_at).await
    }

    async fn shipment(&self, scope: Scope, id: ShipmentId) -> Result<Option<ShipmentRecord>> {
        self.0.read(move |db| Box::pin(async move { shipment(db, scope, id).await })).await
    }

    async fn commit(&self, scope: Scope, commit: Commit) -> Result<Committed> {
        self.0.commit(scope, commit).await
    }

    async fn due(&self, scope: Scope, now: Timestamp, limit: u32) -> Result<Vec<ShipmentId>> {
        let due = query(
            "SELECT id FROM shipment WHERE company_id = ? AND merged_into IS NULL AND review_at IS NOT NULL AND review_at <= ?
             ORDER BY review_at, id LIMIT ?",
        );
        let due = due.bind(scope.company.0).bind(now).bind(row_limit(limit, DUE_ROWS));
        self.rows(due, |row| row.id("id")).await
    }

    async fn list(&self, scope: Scope, query: ShipmentQuery, now: Timestamp) -> Result<Page<ShipmentRow>> {
        self.0.read(move |db| Box::pin(async move { list::list(db, scope, &query, now).await })).await
    }

    async fn rows_of(&self, scope: Scope, ids: Vec<ShipmentId>) -> Result<Vec<ShipmentRow>> {
        self.0.read(move |db| Box::pin(async move { list::rows_of(db, scope, ids).await })).await
    }

    async fn counts(&self, scope: Scope, _now: Timestamp) -> Result<TabCounts> {
        self.0.read(move |db| Box::pin(async move { list::counts(db, scope).await })).await
    }

    async fn find(&self, scope: Scope, text: &str) -> Result<Vec<ShipmentId>> {
        self.find_after(scope, text, None).await
    }

    async fn find_after(&self, scope: Scope, text: &str, after: Option<ShipmentId>) -> Result<Vec<ShipmentId>> {
        let find = query(
            "SELECT DISTINCT s.id FROM shipment_term t JOIN shipment s ON s.id = t.shipment_id
             WHERE t.company_id = ? AND t.term = ? AND t.kind <> 'customer' AND s.merged_into IS NULL AND s.id > ? ORDER BY s.id LIMIT ?",
        );
        let after = after.map_or(uuid::Uuid::nil(), |after| after.0);
        let find = find.bind(scope.company.0).bind(term(text)).bind(after).bind(FIND_ROWS);
        self.rows(find, |row| row.id("id")).await
    }

    async fn customer(&self, scope: Scope, id: ShipmentId) -> Result<Option<(Sealed, Option<WrappedKey>)>> {
        self.0.read(move |db| Box::pin(async move { customer(db, scope, id).await })).await
    }

    async fn effect_done(&self, scope: Scope, id: EffectId, outcome: EffectOutcome, at: Timestamp) -> Result<()> {
        self.0.effect_done(scope, id, outcome, at).await
    }

    async fn effect_moved(
        &self,
        scope: Scope,
        id: EffectId,
        from: EffectOutcome,
        to: EffectOutcome,
        at: Timestamp,
    ) -> Result<bool> {
        let moved = query(
            "UPDATE effect SET external = ?1, done_at = ?2
             WHERE company_id = ?3 AND id = ?4 AND external IS NOT DISTINCT FROM ?5",
        );
        let done_at = (to != EffectOutcome::Pending).then_some(at);
        let moved = moved.bind(to.external()).bind(opt_micros(done_at)).bind(scope.company.0).bind(id.0);
        let moved = moved.bind(from.external());
        self.0.write(Lane::RealTime, move |db| Box::pin(async move { Ok(moved.execute(db).await? > 0) })).await
    }

    async fn expire_proofs(&self, scope: Scope, before: Timestamp, at: Timestamp) -> Result<u64> {
        // the kind in words: the index of those that are awaited is used
        let expire = query(
            "UPDATE effect SET done_at = ?1, external = ?2 WHERE id IN
               (SELECT id FROM effect WHERE company_id = ?3 AND kind = 'order_proof' AND done_at IS NULL AND created_at < ?4
                ORDER BY created_at, id LIMIT ?5)",
        );
        let expire = expire.bind(at).bind(EffectOutcome::Expired.external()).bind(scope.company.0).bind(before);
        let expire = expire.bind(EXPIRED_ROWS);
        self.0.write(Lane::Batch, move |db| Box::pin(async move { expire.execute(db).await })).await
    }

    async fn written(&self, scope: Scope, id: ShipmentId, values: Option<String>, at: Timestamp) -> Result<()> {
        self.0.written(scope, id, values, at).await
    }

    async fn written_of(&self, scope: Scope, system: &str, records: Vec<i64>) -> Result<Vec<WrittenValues>> {
        let written = query(of_records!("s.id, s.origin_record, s.written", " AND s.written IS NOT NULL"));
        let written = written.bind(records).bind(scope.company.0).bind(system);
        self.rows(written, |row| {
            Ok(WrittenValues {
                record: row.int("origin_record")?,
                shipment: row.id("id")?,
                values: row.text("written")?,
            })
        })
        .await
    }

    async fn forget_written(&self, scope: Scope, system: &str) -> Result<()> {
        let system = system.to_owned();
        self.0
            .write(Lane::Batch, move |db| {
                Box::pin(async move {
                    for forget in [
                        "UPDATE shipment SET written = NULL, written_at = NULL
                         WHERE company_id = ?1 AND origin_system = ?2 AND written IS NOT NULL",
                        "UPDATE order_fields SET written = NULL
                         WHERE company_id = ?1 AND system = ?2 AND written IS NOT NULL",
                    ] {
                        query(forget).bind(scope.company.0).bind(&system).execute(db).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    async fn order_fields(&self, scope: Scope, system: &str, order: i64) -> Result<OrderFields> {
        let sql = "SELECT written, written_at FROM order_fields WHERE company_id = ? AND system = ? AND record = ?";
        let fields = query(sql).bind(scope.company.0).bind(system).bind(order);
        let found = self
            .rows(fields, |row| Ok(OrderFields { values: row.opt_text("written")?, at: row.opt_at("written_at")? }));
        Ok(found.await?.pop().unwrap_or_default())
    }

    async fn written_of_orders(&self, scope: Scope, system: &str, orders: Vec<i64>) -> Result<BTreeMap<i64, String>> {
        let written = query(
            "SELECT record, written FROM order_fields
             WHERE company_id = ?2 AND system = ?3 AND record {in ints ?1} AND written IS NOT NULL",
        );
        let written = written.bind(orders).bind(scope.company.0).bind(system);
        Ok(self.rows(written, |row| Ok((row.int("record")?, row.text("written")?))).await?.into_iter().collect())
    }

    async fn keep_order_fields(
        &self,
        scope: Scope,
        system: &str,
        order: i64,
        values: Option<String>,
        at: Timestamp,
    ) -> Result<()> {
        let keep = query(
            "INSERT INTO order_fields (company_id, system, record, written, written_at) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT (company_id, system, record) DO UPDATE SET written = excluded.written, written_at = excluded.written_at",
        );
        let keep = keep.bind(scope.company.0).bind(system).bind(order).bind(values).bind(at);
        self.0.write(Lane::RealTime, move |db| Box::pin(async move { keep.execute(db).await.map(drop) })).await
    }

    async fn set_back(&self, scope: Scope, set_back: SetBack, at: Timestamp) -> Result<bool> {
        self.0
            .write(Lane::Batch, move |db| Box::pin(async move { self::set_back(db, scope, &set_back, at).await }))
            .await
    }

    async fn history(&self, scope: Scope, id: ShipmentId) -> Result<Vec<StateChange>> {
        let sql = "SELECT * FROM state_change WHERE company_id = ? AND shipment_id = ? ORDER BY revision LIMIT ?";
        self.rows(query(sql).bind(scope.company.0).bind(id.0).bind(OWN_ROWS), state_change).await
    }

    async fn seen_in(&self, scope: Scope, id: ShipmentId) -> Result<Vec<SeenIn>> {
        self.0
            .read(move |db| {
                Box::pin(async move {
                    // of a group with min(), SQLite gives the other columns of the row that has it; CROSS JOIN keeps the order
                    // of the tables: begun at the source, all of its messages would be read
                    let first = db.dialect().pick(
                        "SELECT g.observation_id, g.message_id, min(g.recorded_at)
                         FROM binding b CROSS JOIN sighting g ON g.tracker_id = b.tracker_id
                         WHERE b.shipment_id = ?2 AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id)
                         GROUP BY g.observation_id",
                        "SELECT DISTINCT ON (g.observation_id) g.observation_id, g.message_id
                         FROM binding b JOIN sighting g ON g.tracker_id = b.tracker_id
                         WHERE b.shipment_id = ?2 AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id)
                         ORDER BY g.observation_id, g.recorded_at",
                    );
                    let rows = query(format!(
                        "SELECT f.observation_id, f.message_id, m.correlation, s.name AS source_name FROM ({first}) f
                         CROSS JOIN message m CROSS JOIN connection s
                         WHERE m.id = f.message_id AND m.company_id = ?1 AND s.id = m.source_id
                         ORDER BY f.observation_id LIMIT ?3"
                    ))
                    .bind(scope.company.0)
                    .bind(id.0)
                    .bind(OWN_ROWS)
                    .all(db)
                    .await?;
                    rows.iter().map(seen_in).collect()
                })
            })
            .await
    }

    async fn changes(&self, scope: Scope, after: u64, limit: u32) -> Result<Vec<Change>> {
        self.0.number_changes().await?;
        let changes = query("SELECT * FROM change WHERE company_id = ? AND seq > ? ORDER BY seq LIMIT ?");
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        self.rows(changes.bind(scope.company.0).bind(after).bind(row_limit(limit, CHANGE_ROWS)), change).await
    }

    async fn newest_change(&self, scope: Scope) -> Result<u64> {
        self.0.number_changes().await?;
        let newest = query("SELECT coalesce(max(seq), 0) AS newest FROM change WHERE company_id = ?");
        let found = self.rows(newest.bind(scope.company.0), |row| row.count("newest")).await?;
        Ok(found.first().copied().unwrap_or(0))
    }
}

async fn customer(db: &mut dyn Db, scope: Scope, id: ShipmentId) -> Result<Option<(Sealed, Option<WrappedKey>)>> {
    let row = query("SELECT customer_subject, customer FROM shipment WHERE company_id = ? AND id = ?")
        .bind(scope.company.0)
        .bind(id.0)
        .optional(db)
        .await?;
    let Some(sealed) = row.map(|row| row.opt_sealed("customer_subject", "customer")).transpose()?.flatten() else {
        return Ok(None);
    };
    let key = keys::key(db, scope, sealed.subject).await?;
    Ok(Some((sealed, key)))
}

/// Whether there was such a row.
///
/// # Errors
/// `NotFound` where there was none.
pub fn found(rows: u64, what: &'static str) -> Result<()> {
    if rows == 0 { Err(StoreError::NotFound(what)) } else { Ok(()) }
}

/// Keeps what became of an effect. The first answer stays: the message at the target is that one.
pub fn effect_done(scope: Scope, id: EffectId, outcome: &EffectOutcome, at: Timestamp) -> Query {
    query(
        "UPDATE effect SET done_at = coalesce(done_at, ?1), external = CASE WHEN ?2 = 'completed' THEN ?2 ELSE coalesce(external, ?2) END
         WHERE company_id = ?3 AND id = ?4",
    )
    .bind(at)
    .bind(outcome.external())
    .bind(scope.company.0)
    .bind(id.0)
}

/// Keeps what was written to the order system.
pub fn written(scope: Scope, id: ShipmentId, values: Option<String>, at: Timestamp) -> Query {
    let sql = "UPDATE shipment SET written = ?, written_at = ? WHERE company_id = ? AND id = ?";
    query(sql).bind(values).bind(at).bind(scope.company.0).bind(id.0)
}

/// Fields that somebody else changed, unless something else was written meanwhile or a job is about to.
async fn set_back(db: &mut dyn Db, scope: Scope, set_back: &SetBack, at: Timestamp) -> Result<bool> {
    let set = match &set_back.on {
        SetBackOn::Delivery => query(concat!(
            "UPDATE shipment SET written = ?1 WHERE company_id = ?2 AND written = ?3 AND id = ?6 AND merged_into IS NULL",
            no_job_writes!()
        )),
        SetBackOn::Order { .. } => query(concat!(
            "UPDATE order_fields SET written = ?1 WHERE company_id = ?2 AND written = ?3 AND system = ?6 AND record = ?7",
            no_job_writes!()
        )),
    };
    let set = set.bind(&set_back.after).bind(scope.company.0).bind(&set_back.expected);
    let set = set.bind(set_back.job.kind.code()).bind(&set_back.job.target);
    let set = match &set_back.on {
        SetBackOn::Delivery => set.bind(set_back.shipment.0),
        SetBackOn::Order { system, record } => set.bind(system).bind(*record),
    };
    if set.execute(db).await? == 0 {
        return Ok(false);
    }
    put_effect(db, scope, (set_back.shipment, at), &set_back.effect).await?;
    jobs::enqueue(db, scope, &set_back.job, at).await?;
    Ok(true)
}

/// Keeps an effect, unless there is one of this kind and key.
///
/// # Errors
/// When the engine fails.
pub async fn put_effect(
    db: &mut dyn Db,
    scope: Scope,
    (shipment, at): (ShipmentId, Timestamp),
    effect: &NewEffect,
) -> Result<()> {
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
    .bind(at)
    .bind(external.map(|_| micros(at)))
    .bind(external)
    .execute(db)
    .await
    .map(drop)
}
