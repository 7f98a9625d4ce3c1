//! One number under two carriers: an order's shipment and one that nobody claims, linked by a person.

use super::{
    bindings::{NewBinding, bind_by_person, close, renew_number_terms},
    import,
    row::note_change,
};
use crate::{
    Db, audit,
    jobs::{self, FoldJob},
    lock, query,
    rows::{Rows, hex_id},
};
use domain::ids::{BindingId, ShipmentId, TrackerId};
use storage::{
    AuditEntry, Result, Scope, StoreError,
    facts::TrackerKey,
    jobs::{Cause, Lane},
    shipments::{NewLink, SameNumber},
    trackers::Wanted,
};

/// Shipments of the same number that are shown.
const SAME_ROWS: i64 = 10;

/// The shipments under the same numbers of other carriers, of which one is linked to an order and the other is not.
pub(super) async fn same_number(db: &mut dyn Db, scope: Scope, id: ShipmentId) -> Result<Vec<SameNumber>> {
    let numbers = resembling(db, id).await?;
    let rows = query(
        "SELECT DISTINCT s.id, s.origin, ob.number_raw, o.carrier_label
         FROM {rows ?4 n (binding id, number text)}
         CROSS JOIN binding b
         CROSS JOIN tracker o
         JOIN binding ob ON ob.tracker_id = o.id
         JOIN shipment s ON s.id = ob.shipment_id
         JOIN shipment own ON own.id = b.shipment_id
         WHERE b.id = n.binding AND o.company_id = b.company_id AND o.number = n.number AND o.id <> b.tracker_id
           AND b.shipment_id = ?2 AND b.company_id = ?1 AND s.merged_into IS NULL AND own.merged_into IS NULL
           AND (s.origin IS NULL) <> (own.origin IS NULL)
           AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = ob.id)
         ORDER BY s.id LIMIT ?3",
    )
    .bind(scope.company.0)
    .bind(id.0)
    .bind(SAME_ROWS)
    .bind(numbers)
    .all(db)
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
async fn resembling(db: &mut dyn Db, id: ShipmentId) -> Result<Rows> {
    let rows = query(
        "SELECT b.id, t.number, t.carrier, t.number_raw FROM binding b JOIN tracker t ON t.id = b.tracker_id
         WHERE b.shipment_id = ? AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id)",
    )
    .bind(id.0)
    .all(db)
    .await?;
    let mut pairs = Rows::default();
    for row in &rows {
        let key = TrackerKey { carrier: row.opt_text("carrier")?, number: row.text("number")? };
        let binding: BindingId = row.id("id")?;
        for number in (Wanted { key: &key, number_raw: row.str("number_raw")? }).resembling() {
            pairs.push(serde_json::json!({ "binding": hex_id(binding.0), "number": number }));
        }
    }
    Ok(pairs)
}

/// The order's binding to its own tracker of the number ends, and one to the other's tracker begins.
pub(super) async fn link(db: &mut dyn Db, scope: Scope, link: &NewLink, entry: &AuditEntry) -> Result<()> {
    // an import of the order either sees the link or has its bindings seen here
    let trackers = query("SELECT tracker_id FROM binding WHERE company_id = ? AND shipment_id IN (?, ?)")
        .bind(scope.company.0)
        .bind(link.claimed.0)
        .bind(link.unlinked.0)
        .all(db)
        .await?;
    let trackers = trackers.iter().map(|row| row.id("tracker_id")).collect::<Result<Vec<_>>>()?;
    lock::numbers_of(db, scope.company, trackers).await?;
    let numbers = resembling(db, link.claimed).await?;
    let row = query(
        "SELECT b.id AS claimed, b.piece, coalesce(u.valid_from, u.recorded_at) AS since, u.id AS unlinked, o.id AS tracker, u.number_raw
         FROM {rows ?4 n (binding id, number text)}
         CROSS JOIN binding b
         CROSS JOIN tracker o
         JOIN binding u ON u.tracker_id = o.id
         JOIN shipment c ON c.id = b.shipment_id
         JOIN shipment s ON s.id = u.shipment_id
         WHERE b.id = n.binding AND o.company_id = b.company_id AND o.number = n.number AND o.id <> b.tracker_id
           AND b.company_id = ?1 AND b.shipment_id = ?2 AND u.shipment_id = ?3
           AND c.origin IS NOT NULL AND s.origin IS NULL AND c.merged_into IS NULL AND s.merged_into IS NULL
           AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = u.id)
         ORDER BY b.id LIMIT 1",
    )
    .bind(scope.company.0)
    .bind(link.claimed.0)
    .bind(link.unlinked.0)
    .bind(numbers)
    .optional(db)
    .await?
    .ok_or(StoreError::NotFound("number in common"))?;
    let at = entry.at;
    let (claimed, unlinked): (BindingId, BindingId) = (row.id("claimed")?, row.id("unlinked")?);
    for binding in [claimed, unlinked] {
        close(db, scope, binding, at).await?;
    }
    let binding = NewBinding {
        id: link.binding,
        tracker: row.id::<TrackerId>("tracker")?,
        shipment: link.claimed,
        piece: row.opt_str("piece")?,
        number_raw: row.str("number_raw")?,
        // the parcel that the unlinked one is about, whatever becomes of the number
        valid_from: Some(row.at("since")?),
    };
    bind_by_person(db, scope, &binding, at).await?;
    for shipment in [link.claimed, link.unlinked] {
        renew_number_terms(db, scope, shipment).await?;
    }
    import::give_up(db, scope, link.unlinked, link.claimed, at).await?;
    let fold = FoldJob { lane: Lane::RealTime, cause: Cause::Import, correlation: link.correlation, at };
    jobs::enqueue_fold(db, scope, link.claimed, &fold).await?;
    note_change(db, scope, link.claimed, 0, at).await?;
    audit::append(db, scope, entry).await
}
