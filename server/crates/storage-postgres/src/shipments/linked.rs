//! One number under two carriers: an order's shipment and one that nobody claims, linked by a person.

use super::{bindings::renew_number_terms, import, row::note_change};
use crate::{
    codec::{Columns, SqlError, micros},
    db::Pg,
    jobs::{self, FoldJob},
    lock,
};
use domain::ids::{BindingId, ShipmentId, TrackerId};
use jiff::Timestamp;
use sqlx::PgConnection;
use storage::{
    AuditEntry, Scope, StoreError,
    facts::TrackerKey,
    jobs::{Cause, Lane},
    shipments::{NewLink, SameNumber},
    trackers::Wanted,
};
use storage_sql::audit;
use uuid::Uuid;

/// Shipments of the same number that are shown.
const SAME_ROWS: i64 = 10;

/// The shipments under the same numbers of other carriers, of which one is an order's and the other nobody's.
pub(super) async fn same_number(
    conn: &mut PgConnection,
    scope: Scope,
    id: ShipmentId,
) -> Result<Vec<SameNumber>, SqlError> {
    let (bindings, numbers) = resembling(conn, id).await?;
    let rows = sqlx::query(
        "SELECT DISTINCT s.id, s.origin, ob.number_raw, o.carrier_label
         FROM unnest($4::uuid[], $5::text[]) n (binding, number)
         JOIN binding b ON b.id = n.binding
         JOIN tracker o ON o.company_id = b.company_id AND o.number = n.number AND o.id <> b.tracker_id
         JOIN binding ob ON ob.tracker_id = o.id
         JOIN shipment s ON s.id = ob.shipment_id
         JOIN shipment own ON own.id = b.shipment_id
         WHERE b.shipment_id = $2 AND b.company_id = $1 AND s.merged_into IS NULL AND own.merged_into IS NULL
           AND (s.origin IS NULL) <> (own.origin IS NULL)
           AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = ob.id)
         ORDER BY s.id LIMIT $3",
    )
    .bind(scope.company.0)
    .bind(id.0)
    .bind(SAME_ROWS)
    .bind(bindings)
    .bind(numbers)
    .fetch_all(conn)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(SameNumber {
                shipment: row.id("id")?,
                origin: row.opt_json("origin")?,
                number: row.text("number_raw")?,
                carrier_label: row.opt_text("carrier_label")?,
            })
        })
        .collect()
}

/// The open bindings of a shipment, each with the numbers under which another carrier may have it.
async fn resembling(conn: &mut PgConnection, id: ShipmentId) -> Result<(Vec<Uuid>, Vec<String>), SqlError> {
    let rows = sqlx::query(
        "SELECT b.id, t.number, t.carrier, t.number_raw FROM binding b JOIN tracker t ON t.id = b.tracker_id
         WHERE b.shipment_id = $1 AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id)",
    )
    .bind(id.0)
    .fetch_all(conn)
    .await?;
    let (mut bindings, mut numbers) = (Vec::new(), Vec::new());
    for row in &rows {
        let key = TrackerKey { carrier: row.opt_text("carrier")?, number: row.text("number")? };
        let binding: BindingId = row.id("id")?;
        for number in (Wanted { key: &key, number_raw: &row.text("number_raw")? }).resembling() {
            bindings.push(binding.0);
            numbers.push(number);
        }
    }
    Ok((bindings, numbers))
}

/// The order's binding to its own tracker of the number ends, and one to the other's tracker begins.
pub(super) async fn link(
    conn: &mut PgConnection,
    scope: Scope,
    link: &NewLink,
    entry: &AuditEntry,
) -> Result<(), SqlError> {
    // an import of the order either sees the link or has its bindings seen here
    let numbers = sqlx::query_scalar::<_, String>(
        "SELECT t.number FROM binding b JOIN tracker t ON t.id = b.tracker_id WHERE b.company_id = $1 AND b.shipment_id IN ($2, $3)",
    )
    .bind(scope.company.0)
    .bind(link.claimed.0)
    .bind(link.unlinked.0)
    .fetch_all(&mut *conn)
    .await?;
    lock::numbers(conn, scope.company, numbers.iter().map(String::as_str)).await?;
    let (bindings, numbers) = resembling(conn, link.claimed).await?;
    let row = sqlx::query(
        "SELECT b.id AS claimed, b.piece, coalesce(u.valid_from, u.recorded_at) AS since, u.id AS unlinked, o.id AS tracker, u.number_raw
         FROM unnest($4::uuid[], $5::text[]) n (binding, number)
         JOIN binding b ON b.id = n.binding
         JOIN tracker o ON o.company_id = b.company_id AND o.number = n.number AND o.id <> b.tracker_id
         JOIN binding u ON u.tracker_id = o.id
         JOIN shipment c ON c.id = b.shipment_id
         JOIN shipment s ON s.id = u.shipment_id
         WHERE b.company_id = $1 AND b.shipment_id = $2 AND u.shipment_id = $3
           AND c.origin IS NOT NULL AND s.origin IS NULL AND c.merged_into IS NULL AND s.merged_into IS NULL
           AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = u.id)
         ORDER BY b.id LIMIT 1",
    )
    .bind(scope.company.0)
    .bind(link.claimed.0)
    .bind(link.unlinked.0)
    .bind(bindings)
    .bind(numbers)
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Err(SqlError(StoreError::NotFound("number in common"))) };
    let at = entry.at;
    let (claimed, unlinked): (BindingId, BindingId) = (row.id("claimed")?, row.id("unlinked")?);
    let tracker: TrackerId = row.id("tracker")?;
    // the parcel that the unlinked one is about, whatever becomes of the number
    let since: Timestamp = row.at("since")?;
    for binding in [claimed, unlinked] {
        import::close(conn, scope, binding, at).await?;
    }
    sqlx::query("INSERT INTO binding (id, company_id, tracker_id, shipment_id, piece, number_raw, recorded_at, valid_from, linked) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, true)")
        .bind(link.binding.0)
        .bind(scope.company.0)
        .bind(tracker.0)
        .bind(link.claimed.0)
        .bind(row.opt_text("piece")?)
        .bind(row.text("number_raw")?)
        .bind(micros(at))
        .bind(micros(since))
        .execute(&mut *conn)
        .await?;
    for shipment in [link.claimed, link.unlinked] {
        renew_number_terms(conn, scope, shipment).await?;
    }
    import::give_up(conn, scope, link.unlinked, link.claimed, at).await?;
    let fold = FoldJob { lane: Lane::RealTime, cause: Cause::Import, correlation: link.correlation, at };
    jobs::enqueue_fold(conn, scope, link.claimed, &fold).await?;
    note_change(conn, scope, link.claimed, 0, at).await?;
    Ok(audit::append(&mut Pg(conn), scope, entry).await?)
}
