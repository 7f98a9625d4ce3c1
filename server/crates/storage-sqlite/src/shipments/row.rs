//! Rows of shipments and of what belongs to them.

use crate::{
    codec::{SqlError, json, micros},
    sql::{Row, query},
};
use domain::{effects::EffectOutcome, fold::Plan, ids::ShipmentId};
use jiff::Timestamp;
use rusqlite::Connection;
use std::collections::HashMap;
use storage::{
    Result, Scope,
    shipments::{Change, EffectRecord, SeenIn, ShipmentRecord, StateChange},
    trackers::NumberRecord,
};
use uuid::Uuid;

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

/// Tells live streams.
pub(super) fn note_change(
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
pub(super) fn shipment(
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
pub(super) fn numbers(
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

pub(super) fn record(row: &Row, numbers: Vec<NumberRecord>) -> Result<ShipmentRecord, SqlError> {
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
        target: row.word("kind")?,
        key: row.text("key")?,
        body: row.text("body")?,
        created_at: row.at("created_at")?,
        outcome: EffectOutcome::from_external(row.opt_text("external")?),
        done_at: row.opt_at("done_at")?,
    })
}

pub(super) fn state_change(row: &Row) -> Result<StateChange, SqlError> {
    Ok(StateChange {
        revision: row.count("revision")?,
        at: row.at("at")?,
        cause: row.word("cause")?,
        correlation: row.id("correlation")?,
        from: row.word("from_state")?,
        to: row.word("to_state")?,
    })
}

pub(super) fn seen_in(row: &Row) -> Result<SeenIn, SqlError> {
    Ok(SeenIn {
        observation: row.id("observation_id")?,
        message: row.id("message_id")?,
        correlation: row.id("correlation")?,
        source_name: row.text("source_name")?,
    })
}

pub(super) fn change(row: &Row) -> Result<Change, SqlError> {
    Ok(Change {
        seq: row.count("seq")?,
        shipment: row.id("shipment_id")?,
        revision: row.count("revision")?,
        at: row.at("at")?,
    })
}
