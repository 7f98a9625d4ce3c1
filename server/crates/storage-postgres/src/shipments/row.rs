//! Rows of shipments and of what belongs to them.

use crate::codec::{Columns, SqlError, json, micros};
use domain::{fold::Plan, ids::ShipmentId};
use jiff::Timestamp;
use sqlx::{PgConnection, postgres::PgRow};
use std::collections::HashMap;
use storage::{
    Result, Scope,
    shipments::{Change, SeenIn, ShipmentRecord, StateChange},
    trackers::NumberRecord,
};
use uuid::Uuid;

/// Makes a shipment for a tracker that nobody claims.
pub(crate) async fn make_unclaimed(
    conn: &mut PgConnection,
    scope: Scope,
    id: ShipmentId,
    at: Timestamp,
) -> Result<(), SqlError> {
    let folded = domain::fold::Folded::default();
    sqlx::query(
        "INSERT INTO shipment (id, company_id, plan, created_at, updated_at, state, visibility) VALUES ($1, $2, $3, $4, $4, $5, $6)",
    )
    .bind(id.0)
    .bind(scope.company.0)
    .bind(json(&Plan::default()))
    .bind(micros(at))
    .bind(folded.state.code())
    .bind(folded.visibility.code())
    .execute(conn)
    .await?;
    Ok(())
}

/// What a simulated source speaks about is simulated.
pub(crate) async fn mark_sandbox(conn: &mut PgConnection, id: ShipmentId) -> Result<(), SqlError> {
    sqlx::query("UPDATE shipment SET sandbox = true WHERE id = $1 AND NOT sandbox").bind(id.0).execute(conn).await?;
    Ok(())
}

/// Tells live streams.
pub(super) async fn note_change(
    conn: &mut PgConnection,
    scope: Scope,
    id: ShipmentId,
    revision: i64,
    at: Timestamp,
) -> Result<(), SqlError> {
    sqlx::query("INSERT INTO change (company_id, shipment_id, revision, at) VALUES ($1, $2, $3, $4)")
        .bind(scope.company.0)
        .bind(id.0)
        .bind(revision)
        .bind(micros(at))
        .execute(conn)
        .await?;
    Ok(())
}

/// A shipment alone.
pub(super) async fn shipment(
    conn: &mut PgConnection,
    scope: Scope,
    id: ShipmentId,
) -> Result<Option<ShipmentRecord>, SqlError> {
    let row = sqlx::query(
        "SELECT s.*, f.folded FROM shipment s LEFT JOIN shipment_fold f ON f.shipment_id = s.id WHERE s.company_id = $1 AND s.id = $2",
    )
    .bind(scope.company.0)
    .bind(id.0)
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let numbers = numbers(conn, [id.0]).await?.remove(&id).unwrap_or_default();
    Ok(Some(record(&row, numbers)?))
}

/// The numbers of open bindings, shipment by shipment.
pub(super) async fn numbers(
    conn: &mut PgConnection,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<HashMap<ShipmentId, Vec<NumberRecord>>, SqlError> {
    let rows =
        sqlx::query(numbers_of!("b.shipment_id = ANY ($1)")).bind(crate::codec::id_list(ids)).fetch_all(conn).await?;
    let mut numbers: HashMap<ShipmentId, Vec<NumberRecord>> = HashMap::new();
    for row in &rows {
        numbers.entry(row.id("shipment_id")?).or_default().push(number(row)?);
    }
    Ok(numbers)
}

pub(super) fn number(row: &impl Columns) -> Result<NumberRecord, SqlError> {
    Ok(NumberRecord {
        tracker: row.id("tracker_id")?,
        number: row.text("number_raw")?,
        carrier: row.opt_text("carrier")?,
        carrier_label: row.opt_text("carrier_label")?,
        piece: row.opt_text("piece")?,
    })
}

pub(super) fn record(row: &PgRow, numbers: Vec<NumberRecord>) -> Result<ShipmentRecord, SqlError> {
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
        sandbox: row.flag("sandbox")?,
        created_at: row.at("created_at")?,
        updated_at: row.at("updated_at")?,
        merged_into: row.opt_id("merged_into")?,
    })
}

pub(super) fn state_change(row: &PgRow) -> Result<StateChange, SqlError> {
    Ok(StateChange {
        revision: row.count("revision")?,
        at: row.at("at")?,
        cause: row.word("cause")?,
        correlation: row.id("correlation")?,
        from: row.word("from_state")?,
        to: row.word("to_state")?,
    })
}

pub(super) fn seen_in(row: &PgRow) -> Result<SeenIn, SqlError> {
    Ok(SeenIn {
        observation: row.id("observation_id")?,
        message: row.id("message_id")?,
        correlation: row.id("correlation")?,
        source_name: row.text("source_name")?,
    })
}

pub(super) fn change(row: &PgRow) -> Result<Change, SqlError> {
    Ok(Change {
        seq: row.count("seq")?,
        shipment: row.id("shipment_id")?,
        revision: row.count("revision")?,
        at: row.at("at")?,
    })
}
