//! What a run compares: shipments of an order system, and numbers that no order names.

use crate::{Db, Query, Row, codec::row_limit, query};
use domain::ids::ShipmentId;
use jiff::Timestamp;
use std::collections::HashMap;
use storage::{
    Result, Scope,
    orders::Origin,
    reconciliations::{Compared, SUBJECT_ROWS, Unlinked, Walk},
};
use uuid::Uuid;

/// A page of the shipments of a system.
pub(super) fn page(scope: Scope, system: &str, walk: &Walk, limit: u32) -> Query {
    let limit = row_limit(limit, SUBJECT_ROWS);
    match walk {
        Walk::Open(after) => query(
            "SELECT s.id, s.origin_record, s.updated_at FROM shipment s
             WHERE s.company_id = ?1 AND s.origin_system = ?2 AND s.origin_record > ?3 AND s.origin IS NOT NULL AND s.merged_into IS NULL
               AND ({not s.terminal} OR s.open_exceptions > 0)
             ORDER BY s.origin_record LIMIT ?4",
        )
        .bind(scope.company.0)
        .bind(system)
        .bind(*after)
        .bind(limit),
        Walk::Ended(since, after) => {
            let (at, id) = after.map_or((since.as_microsecond(), Uuid::nil()), |(at, id)| (at, id.0));
            query(
                "SELECT s.id, s.origin_record, s.updated_at FROM shipment s
                 WHERE s.company_id = ?1 AND s.origin_system = ?2 AND (s.updated_at, s.id) > (?3, ?4) AND s.origin IS NOT NULL
                   AND s.merged_into IS NULL AND {is s.terminal} AND s.open_exceptions = 0
                 ORDER BY s.updated_at, s.id LIMIT ?5",
            )
            .bind(scope.company.0)
            .bind(system)
            .bind(at)
            .bind(id)
            .bind(limit)
        }
        Walk::Left(run) => query(
            "SELECT DISTINCT s.id, s.origin_record, s.updated_at FROM difference d JOIN shipment s ON s.id = d.shipment_id
             WHERE d.company_id = ?1 AND d.closed_at IS NULL AND d.seen_run IS DISTINCT FROM ?3 AND s.origin_system = ?2
               AND s.origin IS NOT NULL AND s.merged_into IS NULL
             ORDER BY s.origin_record LIMIT ?4",
        )
        .bind(scope.company.0)
        .bind(system)
        .bind(run.0)
        .bind(limit),
    }
}

/// A row of [`page`].
pub(super) fn compared(row: &Row) -> Result<Compared> {
    Ok(Compared { id: row.id("id")?, record: row.int("origin_record")?, updated_us: row.int("updated_at")? })
}

/// How many shipments there are to compare.
pub(super) async fn total(db: &mut dyn Db, scope: Scope, systems: Vec<String>, since: Timestamp) -> Result<u64> {
    let row = query(
        "SELECT (SELECT count(*) FROM {texts ?2 y} JOIN shipment s ON s.origin_system = y.value
                 WHERE s.company_id = ?1 AND s.origin IS NOT NULL AND s.merged_into IS NULL AND ({not s.terminal} OR s.open_exceptions > 0))
              + (SELECT count(*) FROM {texts ?2 y} JOIN shipment s ON s.origin_system = y.value
                 WHERE s.company_id = ?1 AND s.updated_at >= ?3 AND s.origin IS NOT NULL AND s.merged_into IS NULL AND {is s.terminal}
                   AND s.open_exceptions = 0) AS n",
    )
    .bind(scope.company.0)
    .bind(systems)
    .bind(since)
    .one(db)
    .await?;
    row.count("n")
}

/// A page of the numbers that were reported and belong to no order.
pub(super) async fn unlinked(
    db: &mut dyn Db,
    scope: Scope,
    after: Option<(i64, i64, ShipmentId)>,
    limit: u32,
) -> Result<Vec<Unlinked>> {
    let (need, moved, id) = after.map_or((i64::MIN, i64::MIN, Uuid::nil()), |(need, moved, id)| (need, moved, id.0));
    let rows = query(
        "SELECT s.id, s.created_at, s.need, s.moved_at FROM shipment s {indexed by shipment_unclaimed}
         WHERE s.company_id = ?1 AND s.merged_into IS NULL AND s.origin IS NULL AND (s.need, s.moved_at, s.id) > (?2, ?3, ?4)
           AND {not s.terminal} AND s.last_event_at IS NOT NULL
         ORDER BY s.need, s.moved_at, s.id LIMIT ?5",
    )
    .bind(scope.company.0)
    .bind(need)
    .bind(moved)
    .bind(id)
    .bind(row_limit(limit, SUBJECT_ROWS))
    .all(db)
    .await?;
    let ids = rows.iter().map(|row| row.id::<Uuid>("id")).collect::<Result<Vec<_>>>()?;
    let mut before = before(db, scope, ids).await?;
    rows.iter()
        .map(|row| {
            let id: ShipmentId = row.id("id")?;
            Ok(Unlinked {
                id,
                created_at: row.at("created_at")?,
                before: before.remove(&id),
                cursor: (row.int("need")?, row.int("moved_at")?, id),
            })
        })
        .collect()
}

/// The shipment of an order that had the number of an unlinked one before.
pub(super) async fn before_of(
    db: &mut dyn Db,
    scope: Scope,
    unlinked: ShipmentId,
) -> Result<Option<(ShipmentId, Origin)>> {
    Ok(before(db, scope, vec![unlinked.0]).await?.remove(&unlinked))
}

/// What was bound in the moment in which the number of an unlinked shipment was taken, and is bound yet.
pub(super) fn in_place_of(scope: Scope, unlinked: ShipmentId, before: ShipmentId) -> Query {
    query(
        "SELECT DISTINCT n.number_raw FROM binding b JOIN binding o ON o.tracker_id = b.tracker_id JOIN binding_end e ON e.binding_id = o.id
         JOIN binding n ON n.shipment_id = o.shipment_id
         WHERE b.company_id = ?1 AND b.shipment_id = ?2 AND o.shipment_id = ?3 AND n.recorded_at = e.recorded_at
           AND NOT EXISTS (SELECT 1 FROM binding_end l WHERE l.binding_id = n.id)
           -- one that it had before, and is bound anew because its piece changed, took no place
           AND NOT EXISTS (SELECT 1 FROM binding p WHERE p.tracker_id = n.tracker_id AND p.shipment_id = n.shipment_id
                                                   AND p.recorded_at < n.recorded_at)
         ORDER BY n.number_raw",
    )
    .bind(scope.company.0)
    .bind(unlinked.0)
    .bind(before.0)
}

/// The shipments of orders that had the numbers before, the latest of each.
async fn before(db: &mut dyn Db, scope: Scope, ids: Vec<Uuid>) -> Result<HashMap<ShipmentId, (ShipmentId, Origin)>> {
    let rows = query(
        "SELECT b.shipment_id AS unlinked, s.id, s.origin
         FROM {ids ? x} CROSS JOIN binding b JOIN binding o ON o.tracker_id = b.tracker_id JOIN shipment s ON s.id = o.shipment_id
         WHERE b.shipment_id = x.value AND s.company_id = ? AND o.shipment_id <> b.shipment_id AND s.origin IS NOT NULL AND s.merged_into IS NULL
           AND EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = o.id)
         ORDER BY o.recorded_at, o.id",
    )
    .bind(ids)
    .bind(scope.company.0)
    .all(db)
    .await?;
    let mut before = HashMap::new();
    for row in &rows {
        // the later one takes the place of the earlier one
        before.insert(row.id("unlinked")?, (row.id("id")?, row.json("origin")?));
    }
    Ok(before)
}
