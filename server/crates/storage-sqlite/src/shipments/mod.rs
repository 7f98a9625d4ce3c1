//! Shipments: what they are, their state, and what follows from it. Taking in orders is in [`import`], what a fold reads
//! in [`load`] and what it leaves in [`commit`], numbers that are in use again in [`recycled`], the list in [`list`].

mod bindings;
mod commit;
mod import;
mod linked;
mod list;
mod load;
mod recycled;
mod row;

pub(crate) use self::{
    bindings::{NewBinding, bind, renew_number_terms},
    commit::commit as commit_fold,
    import::import,
    row::{make_unclaimed, mark_sandbox},
};

use self::{
    bindings::term,
    row::{change, seen_in, shipment, state_change},
};
use crate::{
    SqliteStore,
    codec::{SqlError, json, micros, row_limit},
    db::{Sqlite, drive},
    sql::{Row, query},
    writer::Priority,
};
use async_trait::async_trait;
use domain::{
    effects::EffectOutcome,
    ids::{EffectId, ShipmentId},
};
use jiff::Timestamp;
use std::collections::BTreeSet;
use storage::{
    AuditEntry, Page, Result, Scope, Sealed, StoreError, WrappedKey,
    limits::CHANGE_ROWS,
    orders::{Amended, Imported, ImportedShipment},
    shipments::{
        Change, Commit, Committed, Loaded, NewLink, SameNumber, SeenIn, SetBack, ShipmentQuery, ShipmentRecord,
        ShipmentRow, Shipments, StateChange, TabCounts, WrittenValues,
    },
};
use storage_sql::keys;

/// Shipments of one look for reviews that are due.
const DUE_ROWS: u32 = 1000;
/// Shipments that one number may name.
const FIND_ROWS: i64 = 50;
/// Rows of one read of what belongs to a shipment (effects, history, sightings): more than one ever has.
pub(crate) const OWN_ROWS: i64 = 10_000;

#[async_trait]
impl Shipments for SqliteStore {
    async fn import(&self, scope: Scope, shipments: Vec<ImportedShipment>, at: Timestamp) -> Result<Imported> {
        self.write(Priority::Batch, move |conn| import(conn, scope, &shipments, at)).await
    }

    async fn amend(&self, scope: Scope, amended: Amended, at: Timestamp) -> Result<Option<ShipmentId>> {
        self.write(Priority::Batch, move |conn| import::amend(conn, scope, &amended, at)).await
    }

    async fn same_number(&self, scope: Scope, id: ShipmentId) -> Result<Vec<SameNumber>> {
        self.read(move |conn| linked::same_number(conn, scope, id)).await
    }

    async fn link(&self, scope: Scope, link: NewLink, audit: AuditEntry) -> Result<()> {
        self.write(Priority::RealTime, move |conn| linked::link(conn, scope, &link, &audit)).await
    }

    async fn known_records(&self, scope: Scope, system: &str, records: Vec<i64>) -> Result<BTreeSet<i64>> {
        let system = system.to_owned();
        self.read(move |conn| import::known_records(conn, scope, &system, &records)).await
    }

    async fn open_records(&self, scope: Scope, system: &str, after: i64, limit: u32) -> Result<Vec<i64>> {
        let system = system.to_owned();
        self.read(move |conn| import::open_records(conn, scope, &system, after, limit)).await
    }

    async fn load(&self, scope: Scope, id: ShipmentId, known_at: Option<Timestamp>) -> Result<Option<Loaded>> {
        self.read(move |conn| load::load(conn, scope, id, known_at)).await
    }

    async fn shipment(&self, scope: Scope, id: ShipmentId) -> Result<Option<ShipmentRecord>> {
        self.read(move |conn| shipment(conn, scope, id)).await
    }

    async fn commit(&self, scope: Scope, commit: Commit) -> Result<Committed> {
        self.write(Priority::RealTime, move |conn| commit_fold(conn, scope, &commit)).await
    }

    async fn due(&self, scope: Scope, now: Timestamp, limit: u32) -> Result<Vec<ShipmentId>> {
        self.read(move |conn| {
            let rows = query(
                "SELECT id FROM shipment WHERE company_id = ? AND merged_into IS NULL AND review_at IS NOT NULL AND review_at <= ?
                 ORDER BY review_at, id LIMIT ?",
            )
            .bind(scope.company.0)
            .bind(micros(now))
            .bind(row_limit(limit, DUE_ROWS))
            .fetch_all(conn)?;
            rows.iter().map(|row| row.id("id")).collect::<Result<_, SqlError>>()
        })
        .await
    }

    async fn list(&self, scope: Scope, query: ShipmentQuery, now: Timestamp) -> Result<Page<ShipmentRow>> {
        self.read(move |conn| list::list(conn, scope, &query, now)).await
    }

    async fn counts(&self, scope: Scope, _now: Timestamp) -> Result<TabCounts> {
        self.read(move |conn| list::counts(conn, scope)).await
    }

    async fn find(&self, scope: Scope, text: &str) -> Result<Vec<ShipmentId>> {
        let text = text.to_owned();
        self.read(move |conn| {
            let rows = query(
                "SELECT DISTINCT s.id FROM shipment_term t JOIN shipment s ON s.id = t.shipment_id
                 WHERE t.company_id = ? AND t.term = ? AND t.kind <> 'customer' AND s.merged_into IS NULL ORDER BY s.id LIMIT ?",
            )
            .bind(scope.company.0)
            .bind(term(&text))
            .bind(FIND_ROWS)
            .fetch_all(conn)?;
            rows.iter().map(|row| row.id("id")).collect::<Result<_, SqlError>>()
        })
        .await
    }

    async fn customer(&self, scope: Scope, id: ShipmentId) -> Result<Option<(Sealed, Option<WrappedKey>)>> {
        self.read(move |conn| {
            let row = query("SELECT customer_subject, customer FROM shipment WHERE company_id = ? AND id = ?")
                .bind(scope.company.0)
                .bind(id.0)
                .fetch_optional(conn)?;
            let Some(sealed) = row.map(|row| row.opt_sealed("customer_subject", "customer")).transpose()?.flatten()
            else {
                return Ok(None);
            };
            let key = drive(keys::key(&mut Sqlite(conn), scope, sealed.subject))?;
            Ok(Some((sealed, key)))
        })
        .await
    }

    async fn effect_done(&self, scope: Scope, id: EffectId, outcome: EffectOutcome, at: Timestamp) -> Result<()> {
        self.write(Priority::RealTime, move |conn| {
            // the first answer stays: the message at the target is that one
            let done = query(
                "UPDATE effect SET done_at = coalesce(done_at, ?1), external = CASE WHEN ?2 = 'completed' THEN ?2 ELSE coalesce(external, ?2) END
                 WHERE company_id = ?3 AND id = ?4",
            )
                .bind(micros(at))
                .bind(outcome.external())
                .bind(scope.company.0)
                .bind(id.0)
                .execute(conn)?;
            found(done, "effect")
        })
        .await
    }

    async fn written(&self, scope: Scope, id: ShipmentId, values: Option<String>, at: Timestamp) -> Result<()> {
        self.write(Priority::RealTime, move |conn| {
            let written = query("UPDATE shipment SET written = ?, written_at = ? WHERE company_id = ? AND id = ?")
                .bind(&values)
                .bind(micros(at))
                .bind(scope.company.0)
                .bind(id.0)
                .execute(conn)?;
            found(written, "shipment")
        })
        .await
    }

    async fn written_of(&self, scope: Scope, system: &str, records: Vec<i64>) -> Result<Vec<WrittenValues>> {
        let system = system.to_owned();
        self.read(move |conn| {
            let rows = query(
                "SELECT s.id, s.origin_record, s.written FROM json_each(?1) r
                 CROSS JOIN shipment s ON s.company_id = ?2 AND s.origin_system = ?3 AND s.origin_model = 'stock.picking'
                     AND s.origin_record = r.value AND s.origin IS NOT NULL
                 WHERE s.written IS NOT NULL ORDER BY s.origin_record",
            )
            .bind(json(&records))
            .bind(scope.company.0)
            .bind(&system)
            .fetch_all(conn)?;
            let written = |row: &Row| {
                Ok(WrittenValues {
                    record: row.int("origin_record")?,
                    shipment: row.id("id")?,
                    values: row.text("written")?,
                })
            };
            rows.iter().map(written).collect::<Result<_, SqlError>>()
        })
        .await
    }

    async fn set_back(&self, scope: Scope, set_back: SetBack, at: Timestamp) -> Result<bool> {
        self.write(Priority::Batch, move |conn| commit::set_back(conn, scope, &set_back, at)).await
    }

    async fn history(&self, scope: Scope, id: ShipmentId) -> Result<Vec<StateChange>> {
        self.read(move |conn| {
            let rows =
                query("SELECT * FROM state_change WHERE company_id = ? AND shipment_id = ? ORDER BY revision LIMIT ?")
                    .bind(scope.company.0)
                    .bind(id.0)
                    .bind(OWN_ROWS)
                    .fetch_all(conn)?;
            rows.iter().map(state_change).collect::<Result<_, SqlError>>()
        })
        .await
    }

    async fn seen_in(&self, scope: Scope, id: ShipmentId) -> Result<Vec<SeenIn>> {
        self.read(move |conn| {
            // of a group with min(), SQLite gives the other columns of the row that has it; CROSS JOIN keeps the order of the
            // tables: begun at the source, all of its messages would be read
            let rows = query(
                "SELECT f.observation_id, f.message_id, m.correlation, s.name AS source_name
                 FROM (SELECT g.observation_id, g.message_id, min(g.recorded_at)
                       FROM binding b CROSS JOIN sighting g ON g.tracker_id = b.tracker_id
                       WHERE b.shipment_id = ?2 AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id)
                       GROUP BY g.observation_id) f
                 CROSS JOIN message m ON m.id = f.message_id AND m.company_id = ?1
                 CROSS JOIN connection s ON s.id = m.source_id
                 ORDER BY f.observation_id LIMIT ?3",
            )
            .bind(scope.company.0)
            .bind(id.0)
            .bind(OWN_ROWS)
            .fetch_all(conn)?;
            rows.iter().map(seen_in).collect::<Result<_, SqlError>>()
        })
        .await
    }

    async fn changes(&self, scope: Scope, after: u64, limit: u32) -> Result<Vec<Change>> {
        self.read(move |conn| {
            let rows = query("SELECT * FROM change WHERE company_id = ? AND seq > ? ORDER BY seq LIMIT ?")
                .bind(scope.company.0)
                .bind(i64::try_from(after).unwrap_or(i64::MAX))
                .bind(row_limit(limit, CHANGE_ROWS))
                .fetch_all(conn)?;
            rows.iter().map(change).collect::<Result<_, SqlError>>()
        })
        .await
    }

    async fn newest_change(&self, scope: Scope) -> Result<u64> {
        self.read(move |conn| {
            let row = query("SELECT coalesce(max(seq), 0) AS newest FROM change WHERE company_id = ?")
                .bind(scope.company.0)
                .fetch_one(conn)?;
            row.count("newest")
        })
        .await
    }
}

fn found(rows: u64, what: &'static str) -> Result<(), SqlError> {
    if rows == 0 { Err(SqlError(StoreError::NotFound(what))) } else { Ok(()) }
}
