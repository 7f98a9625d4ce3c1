//! Rows of shipments and of what belongs to them.

use crate::{Db, Row, codec::json, query};
use domain::{fold::Plan, ids::ShipmentId};
use jiff::Timestamp;
use std::collections::HashMap;
use storage::{
    Result, Scope,
    shipments::{Change, SeenIn, ShipmentRecord, StateChange},
    trackers::NumberRecord,
};
use uuid::Uuid;

/// Makes a shipment for a tracker that nobody claims.
///
/// # Errors
/// When the engine fails, as for the others.
pub async fn make_unclaimed(db: &mut dyn Db, scope: Scope, id: ShipmentId, at: Timestamp) -> Result<()> {
    let folded = domain::fold::Folded::default();
    query(
        "INSERT INTO shipment (id, company_id, plan, created_at, updated_at, state, visibility) VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6)",
    )
    .bind(id.0)
    .bind(scope.company.0)
    .bind(json(&Plan::default()))
    .bind(at)
    .bind(folded.state.code())
    .bind(folded.visibility.code())
    .execute(db)
    .await
    .map(drop)
}

/// What a simulated source speaks about is simulated.
///
/// # Errors
/// As [`make_unclaimed`].
pub async fn mark_sandbox(db: &mut dyn Db, id: ShipmentId) -> Result<()> {
    let sql = "UPDATE shipment SET sandbox = TRUE WHERE id = ? AND {not sandbox}";
    query(sql).bind(id.0).execute(db).await.map(drop)
}

/// Makes a change known to live streams.
///
/// # Errors
/// As [`make_unclaimed`].
pub async fn note_change(db: &mut dyn Db, scope: Scope, id: ShipmentId, revision: i64, at: Timestamp) -> Result<()> {
    query("INSERT INTO change (company_id, shipment_id, revision, at) VALUES (?, ?, ?, ?)")
        .bind(scope.company.0)
        .bind(id.0)
        .bind(revision)
        .bind(at)
        .execute(db)
        .await
        .map(drop)
}

/// A shipment alone.
pub(super) async fn shipment(db: &mut dyn Db, scope: Scope, id: ShipmentId) -> Result<Option<ShipmentRecord>> {
    let row = query(
        "SELECT s.*, f.folded FROM shipment s LEFT JOIN shipment_fold f ON f.shipment_id = s.id WHERE s.company_id = ? AND s.id = ?",
    )
    .bind(scope.company.0)
    .bind(id.0)
    .optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let numbers = numbers(db, [id.0]).await?.remove(&id).unwrap_or_default();
    Ok(Some(record(&row, numbers)?))
}

/// The numbers of open bindings, shipment by shipment.
pub(crate) async fn numbers(
    db: &mut dyn Db,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<HashMap<ShipmentId, Vec<NumberRecord>>> {
    let ids: Vec<Uuid> = ids.into_iter().collect();
    let rows = query(
        "SELECT b.shipment_id, b.tracker_id, b.number_raw, b.piece, t.carrier, t.carrier_label
         FROM {ids ? s} CROSS JOIN binding b JOIN tracker t ON t.id = b.tracker_id
         WHERE b.shipment_id = s.value AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id)
         ORDER BY b.recorded_at, t.number, b.id",
    )
    .bind(ids)
    .all(db)
    .await?;
    let mut numbers: HashMap<ShipmentId, Vec<NumberRecord>> = HashMap::new();
    for row in &rows {
        numbers.entry(row.id("shipment_id")?).or_default().push(number(row)?);
    }
    Ok(numbers)
}

/// A number that a shipment goes under.
///
/// # Errors
/// When a column is missing or of another type, as for the others.
pub fn number(row: &Row) -> Result<NumberRecord> {
    Ok(NumberRecord {
        tracker: row.id("tracker_id")?,
        number: row.text("number_raw")?,
        carrier: row.opt_text("carrier")?,
        carrier_label: row.opt_text("carrier_label")?,
        piece: row.opt_text("piece")?,
    })
}

/// A row of `shipment` with its fold.
///
/// # Errors
/// As [`number`].
pub fn record(row: &Row, numbers: Vec<NumberRecord>) -> Result<ShipmentRecord> {
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
        written_at: row.opt_at("written_at")?,
        sandbox: row.flag("sandbox")?,
        created_at: row.at("created_at")?,
        updated_at: row.at("updated_at")?,
        merged_into: row.opt_id("merged_into")?,
    })
}

pub(super) fn state_change(row: &Row) -> Result<StateChange> {
    Ok(StateChange {
        revision: row.count("revision")?,
        at: row.at("at")?,
        cause: row.word("cause")?,
        correlation: row.id("correlation")?,
        from: row.word("from_state")?,
        to: row.word("to_state")?,
    })
}

pub(super) fn seen_in(row: &Row) -> Result<SeenIn> {
    Ok(SeenIn {
        observation: row.id("observation_id")?,
        message: row.id("message_id")?,
        correlation: row.id("correlation")?,
        source_name: row.text("source_name")?,
    })
}

pub(super) fn change(row: &Row) -> Result<Change> {
    Ok(Change {
        seq: row.count("seq")?,
        shipment: row.id("shipment_id")?,
        revision: row.count("revision")?,
        at: row.at("at")?,
    })
}
