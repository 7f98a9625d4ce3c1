//! Numbers that carriers give out again (R16): whose the next use is.

use super::{
    bindings::{NewBinding, bind, renew_number_terms},
    load,
    row::{make_unclaimed, mark_sandbox, note_change},
};
use crate::{
    Db,
    jobs::{self, FoldJob},
    query,
};
use domain::{
    fold::{NextUse, same_use},
    ids::{BindingId, ShipmentId, TrackerId, content_id},
};
use jiff::Timestamp;
use storage::{
    Result, Scope,
    jobs::{Cause, Lane},
    shipments::Commit,
};

/// Makes a shipment for the next use of a number, unless one is bound to it by now. Where the use before ends may still
/// move with what is reported late; where this one begins stays within it.
///
/// # Errors
/// When the engine fails.
pub async fn follow(db: &mut dyn Db, scope: Scope, commit: &Commit, next: &NextUse) -> Result<()> {
    let row = query(
        "SELECT t.number_raw, (SELECT count(*) FROM binding WHERE tracker_id = t.id) AS bindings,
                (SELECT sandbox FROM shipment WHERE id = ?3) AS sandbox
         FROM tracker t
         WHERE t.company_id = ?1 AND t.id = ?2
           AND NOT EXISTS (SELECT 1 FROM binding b WHERE b.tracker_id = t.id AND coalesce(b.valid_from, b.recorded_at) >= ?4
                           AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id))",
    )
    .bind(scope.company.0)
    .bind(next.tracker.0)
    .bind(commit.shipment.0)
    .bind(next.since)
    .optional(db)
    .await?;
    let Some(row) = row else { return Ok(()) };
    // the same for every node that finds it, another for each time that the tracker is free again
    let bindings = row.int("bindings")?.to_be_bytes();
    let name = |what| content_id(what, &[next.tracker.0.as_bytes(), &bindings]);
    let (id, number_raw) = (ShipmentId(name("shipment of a use")), row.str("number_raw")?);
    make_unclaimed(db, scope, id, commit.at).await?;
    let binding = NewBinding {
        id: BindingId(name("binding of a use")),
        tracker: next.tracker,
        shipment: id,
        piece: None,
        number_raw,
        valid_from: Some(next.begins),
    };
    bind(db, scope, &binding, commit.at).await?;
    renew_number_terms(db, scope, id).await?;
    if row.flag("sandbox")? {
        mark_sandbox(db, id).await?;
    }
    let lane = if commit.cause == Cause::Live { Lane::RealTime } else { Lane::Batch };
    let fold = FoldJob { lane, cause: commit.cause, correlation: commit.correlation, at: commit.at };
    jobs::enqueue_fold(db, scope, id, &fold).await?;
    note_change(db, scope, id, 0, commit.at).await
}

/// A shipment that was made for a use of a number.
pub(super) struct Unclaimed {
    pub(super) shipment: ShipmentId,
    pub(super) binding: BindingId,
}

/// The unclaimed shipment with the parcel of the shipment that is bound to the tracker since then.
pub(super) async fn unclaimed_at(db: &mut dyn Db, tracker: TrackerId, since: Timestamp) -> Result<Option<Unclaimed>> {
    let rows = query(
        "SELECT b.id, coalesce(b.valid_from, b.recorded_at) AS since, s.id AS shipment_id
         FROM binding b JOIN shipment s ON s.id = b.shipment_id
         WHERE b.tracker_id = ? AND s.origin IS NULL AND s.merged_into IS NULL
           AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id)
         ORDER BY since DESC, b.id",
    )
    .bind(tracker.0)
    .all(db)
    .await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let known = load::facts_of(db, tracker).await?;
    for row in &rows {
        if same_use(&known, tracker, row.at("since")?, since) {
            return Ok(Some(Unclaimed { shipment: row.id("shipment_id")?, binding: row.id("id")? }));
        }
    }
    Ok(None)
}
