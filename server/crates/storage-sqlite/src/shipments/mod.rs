//! Shipments: what they are, their state, and what follows from it. Taking in orders is in [`import`], what a fold reads
//! and leaves in [`fold`], numbers that are in use again in [`recycled`], the list in [`list`].

mod fold;
mod import;
mod linked;
mod list;
mod recycled;

pub(crate) use fold::commit as commit_fold;
pub(crate) use import::import;

use crate::{
    SqliteStore,
    codec::{SqlError, json, micros, opt_micros, row_limit},
    db::{Sqlite, drive},
    sql::{Row, query},
    writer::Priority,
};
use async_trait::async_trait;
use domain::{
    fold::Plan,
    ids::{BindingId, EffectId, ShipmentId, TrackerId},
};
use jiff::Timestamp;
use rusqlite::Connection;
use std::collections::{BTreeSet, HashMap};
use storage::{
    AuditEntry, Page, Result, Scope, Sealed, StoreError, WrappedKey,
    facts::TrackerKey,
    limits::CHANGE_ROWS,
    shipments::{
        Amended, Change, Commit, Committed, EffectRecord, Imported, ImportedShipment, Loaded, NewLink, NumberRecord,
        SameNumber, SeenIn, SetBack, ShipmentQuery, ShipmentRecord, ShipmentRow, Shipments, StateChange, TabCounts,
        WrittenValues,
    },
    trackers::Wanted,
};
use storage_sql::people;
use uuid::Uuid;

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

    async fn known_records(&self, scope: Scope, records: Vec<i64>) -> Result<BTreeSet<i64>> {
        self.read(move |conn| import::known_records(conn, scope, &records)).await
    }

    async fn open_records(&self, scope: Scope, after: i64, limit: u32) -> Result<Vec<i64>> {
        self.read(move |conn| import::open_records(conn, scope, after, limit)).await
    }

    async fn load(&self, scope: Scope, id: ShipmentId, known_at: Option<Timestamp>) -> Result<Option<Loaded>> {
        self.read(move |conn| fold::load(conn, scope, id, known_at)).await
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
            let key = drive(people::key(&mut Sqlite(conn), scope, sealed.subject))?;
            Ok(Some((sealed, key)))
        })
        .await
    }

    async fn effect_done(&self, scope: Scope, id: EffectId, external: String, at: Timestamp) -> Result<()> {
        self.write(Priority::RealTime, move |conn| {
            // the first answer stays: the message at the target is that one
            let done = query(
                "UPDATE effect SET done_at = coalesce(done_at, ?1), external = CASE WHEN ?2 = 'completed' THEN ?2 ELSE coalesce(external, ?2) END
                 WHERE company_id = ?3 AND id = ?4",
            )
                .bind(micros(at))
                .bind(&external)
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
        self.write(Priority::Batch, move |conn| fold::set_back(conn, scope, &set_back, at)).await
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
                 CROSS JOIN source s ON s.id = m.source_id
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

/// Letters and digits in upper case: how numbers and names are compared when people look for them.
pub(crate) fn term(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}

/// A binding to be opened.
pub(crate) struct NewBinding<'a> {
    pub(crate) id: BindingId,
    pub(crate) tracker: TrackerId,
    pub(crate) shipment: ShipmentId,
    pub(crate) piece: Option<&'a str>,
    pub(crate) number_raw: &'a str,
    /// Since when it concerns the shipment, where that is not since now.
    pub(crate) valid_from: Option<Timestamp>,
}

/// Opens a binding.
pub(crate) fn bind(
    conn: &mut Connection,
    scope: Scope,
    binding: &NewBinding<'_>,
    at: Timestamp,
) -> Result<(), SqlError> {
    query("INSERT INTO binding (id, company_id, tracker_id, shipment_id, piece, number_raw, recorded_at, valid_from) VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(binding.id.0)
        .bind(scope.company.0)
        .bind(binding.tracker.0)
        .bind(binding.shipment.0)
        .bind(binding.piece)
        .bind(binding.number_raw)
        .bind(micros(at))
        .bind(opt_micros(binding.valid_from))
        .execute(conn)?;
    Ok(())
}

/// Makes a shipment for a tracker that nobody claims.
pub(crate) fn make_unclaimed(
    conn: &mut Connection,
    scope: Scope,
    id: ShipmentId,
    at: Timestamp,
) -> Result<(), SqlError> {
    let folded = domain::fold::Folded::default();
    query(
        "INSERT INTO shipment (id, company_id, plan, created_at, updated_at, state, visibility) VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6)",
    )
    .bind(id.0)
    .bind(scope.company.0)
    .bind(json(&Plan::default()))
    .bind(micros(at))
    .bind(folded.state.code())
    .bind(folded.visibility.code())
    .execute(conn)?;
    Ok(())
}

/// What a simulated source speaks about is simulated.
pub(crate) fn mark_sandbox(conn: &mut Connection, id: ShipmentId) -> Result<(), SqlError> {
    query("UPDATE shipment SET sandbox = 1 WHERE id = ? AND sandbox = 0").bind(id.0).execute(conn)?;
    Ok(())
}

/// Brings the numbers under which a shipment is found in step with its open bindings: each as it is kept, and as it is written.
pub(crate) fn renew_number_terms(conn: &mut Connection, scope: Scope, id: ShipmentId) -> Result<(), SqlError> {
    query("DELETE FROM shipment_term WHERE shipment_id = ? AND kind = 'number'").bind(id.0).execute(conn)?;
    let rows = query(
        "SELECT DISTINCT t.number, t.carrier, b.number_raw FROM binding b JOIN tracker t ON t.id = b.tracker_id
         WHERE b.shipment_id = ? AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id)",
    )
    .bind(id.0)
    .fetch_all(conn)?;
    for row in &rows {
        let key = TrackerKey { carrier: row.opt_text("carrier")?, number: row.text("number")? };
        for number in (Wanted { key: &key, number_raw: &row.text("number_raw")? }).kept_under() {
            put_term(conn, scope, id, "number", &term(&number))?;
        }
    }
    Ok(())
}

fn put_term(
    conn: &mut Connection,
    scope: Scope,
    id: ShipmentId,
    kind: &'static str,
    term: &str,
) -> Result<(), SqlError> {
    if term.is_empty() {
        return Ok(());
    }
    query("INSERT INTO shipment_term (company_id, term, kind, shipment_id) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING")
        .bind(scope.company.0)
        .bind(term)
        .bind(kind)
        .bind(id.0)
        .execute(conn)?;
    Ok(())
}

/// Tells live streams.
fn note_change(
    conn: &mut Connection,
    scope: Scope,
    id: ShipmentId,
    revision: i64,
    at: Timestamp,
) -> Result<(), SqlError> {
    query("INSERT INTO change (company_id, shipment_id, revision, at) VALUES (?, ?, ?, ?)")
        .bind(scope.company.0)
        .bind(id.0)
        .bind(revision)
        .bind(micros(at))
        .execute(conn)?;
    Ok(())
}

/// A shipment alone.
pub(crate) fn shipment(
    conn: &mut Connection,
    scope: Scope,
    id: ShipmentId,
) -> Result<Option<ShipmentRecord>, SqlError> {
    let row = query(
        "SELECT s.*, f.folded FROM shipment s LEFT JOIN shipment_fold f ON f.shipment_id = s.id WHERE s.company_id = ? AND s.id = ?",
    )
    .bind(scope.company.0)
    .bind(id.0)
    .fetch_optional(conn)?;
    let Some(row) = row else { return Ok(None) };
    let numbers = numbers(conn, [id.0])?.remove(&id).unwrap_or_default();
    Ok(Some(record(&row, numbers)?))
}

/// The numbers of open bindings, shipment by shipment.
pub(crate) fn numbers(
    conn: &mut Connection,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<HashMap<ShipmentId, Vec<NumberRecord>>, SqlError> {
    let rows = query(
        "SELECT b.shipment_id, b.tracker_id, b.number_raw, b.piece, t.carrier, t.carrier_label
         FROM json_each(?) s
         CROSS JOIN binding b ON b.shipment_id = unhex(s.value)
         JOIN tracker t ON t.id = b.tracker_id
         WHERE NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id)
         ORDER BY b.recorded_at, t.number, b.id",
    )
    .bind(crate::codec::id_list(ids))
    .fetch_all(conn)?;
    let mut numbers: HashMap<ShipmentId, Vec<NumberRecord>> = HashMap::new();
    for row in &rows {
        numbers.entry(row.id("shipment_id")?).or_default().push(NumberRecord {
            tracker: row.id("tracker_id")?,
            number: row.text("number_raw")?,
            carrier: row.opt_text("carrier")?,
            carrier_label: row.opt_text("carrier_label")?,
            piece: row.opt_text("piece")?,
        });
    }
    Ok(numbers)
}

fn record(row: &Row, numbers: Vec<NumberRecord>) -> Result<ShipmentRecord, SqlError> {
    Ok(ShipmentRecord {
        id: row.id("id")?,
        revision: row.count("revision")?,
        origin: row.opt_json("origin")?,
        standing: row.word("standing")?,
        numbers,
        destination: row.opt_text("destination")?,
        plan: row.json("plan")?,
        folded: row.opt_json("folded")?.unwrap_or_default(),
        written: row.opt_text("written")?,
        sandbox: row.int("sandbox")? == 1,
        created_at: row.at("created_at")?,
        updated_at: row.at("updated_at")?,
        merged_into: row.opt_id("merged_into")?,
    })
}

pub(super) fn effect(row: &Row) -> Result<EffectRecord, SqlError> {
    Ok(EffectRecord {
        id: row.id("id")?,
        kind: row.word("kind")?,
        key: row.text("key")?,
        body: row.text("body")?,
        created_at: row.at("created_at")?,
        done: row.opt_at("done_at")?.zip(row.opt_text("external")?),
    })
}

fn state_change(row: &Row) -> Result<StateChange, SqlError> {
    Ok(StateChange {
        revision: row.count("revision")?,
        at: row.at("at")?,
        cause: row.word("cause")?,
        correlation: row.id("correlation")?,
        from: row.word("from_state")?,
        to: row.word("to_state")?,
    })
}

fn seen_in(row: &Row) -> Result<SeenIn, SqlError> {
    Ok(SeenIn {
        observation: row.id("observation_id")?,
        message: row.id("message_id")?,
        correlation: row.id("correlation")?,
        source_name: row.text("source_name")?,
    })
}

fn change(row: &Row) -> Result<Change, SqlError> {
    Ok(Change {
        seq: row.count("seq")?,
        shipment: row.id("shipment_id")?,
        revision: row.count("revision")?,
        at: row.at("at")?,
    })
}
