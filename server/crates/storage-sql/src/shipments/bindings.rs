//! Which numbers a shipment goes under, and the terms by which it is found.

use crate::{Db, codec::clean, query};
use domain::ids::{BindingId, ShipmentId, TrackerId};
use jiff::Timestamp;
use storage::{Result, Scope, facts::TrackerKey, trackers::Wanted};

/// Letters and digits in upper case: how numbers and names are compared when people look for them.
pub(super) fn term(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}

/// A binding to be opened.
#[derive(Clone, Copy, Debug)]
pub struct NewBinding<'a> {
    /// Its id.
    pub id: BindingId,
    /// The tracker.
    pub tracker: TrackerId,
    /// Whom it concerns.
    pub shipment: ShipmentId,
    /// The piece.
    pub piece: Option<&'a str>,
    /// The number as it was written.
    pub number_raw: &'a str,
    /// Since when it concerns the shipment, where that is not since now.
    pub valid_from: Option<Timestamp>,
}

/// Opens a binding.
///
/// # Errors
/// When the engine fails, as for the others.
pub async fn bind(db: &mut dyn Db, scope: Scope, binding: &NewBinding<'_>, at: Timestamp) -> Result<()> {
    put(db, scope, binding, at, false).await
}

/// Opens a binding that a person asked for.
pub(super) async fn bind_by_person(
    db: &mut dyn Db,
    scope: Scope,
    binding: &NewBinding<'_>,
    at: Timestamp,
) -> Result<()> {
    put(db, scope, binding, at, true).await
}

async fn put(db: &mut dyn Db, scope: Scope, binding: &NewBinding<'_>, at: Timestamp, by_person: bool) -> Result<()> {
    query("INSERT INTO binding (id, company_id, tracker_id, shipment_id, piece, number_raw, recorded_at, valid_from, linked) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(binding.id.0)
        .bind(scope.company.0)
        .bind(binding.tracker.0)
        .bind(binding.shipment.0)
        .bind(binding.piece.map(clean).as_deref())
        .bind(&*clean(binding.number_raw))
        .bind(at)
        .bind(binding.valid_from)
        .bind(by_person)
        .execute(db)
        .await
        .map(drop)
}

/// Ends a binding.
pub(super) async fn close(db: &mut dyn Db, scope: Scope, binding: BindingId, at: Timestamp) -> Result<()> {
    let sql = "INSERT INTO binding_end (binding_id, company_id, recorded_at) VALUES (?, ?, ?)";
    query(sql).bind(binding.0).bind(scope.company.0).bind(at).execute(db).await.map(drop)
}

/// Brings the numbers under which a shipment is found in step with its open bindings: each as it is kept, and as it is written.
///
/// # Errors
/// As [`bind`].
pub async fn renew_number_terms(db: &mut dyn Db, scope: Scope, id: ShipmentId) -> Result<()> {
    query("DELETE FROM shipment_term WHERE shipment_id = ? AND kind = 'number'").bind(id.0).execute(db).await?;
    let rows = query(
        "SELECT DISTINCT t.number, t.carrier, b.number_raw FROM binding b JOIN tracker t ON t.id = b.tracker_id
         WHERE b.shipment_id = ? AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id)",
    )
    .bind(id.0)
    .all(db)
    .await?;
    for row in &rows {
        let key = TrackerKey { carrier: row.opt_text("carrier")?, number: row.text("number")? };
        for number in (Wanted { key: &key, number_raw: row.str("number_raw")? }).kept_under() {
            put_term(db, scope, id, "number", &term(&number)).await?;
        }
    }
    Ok(())
}

pub(super) async fn put_term(
    db: &mut dyn Db,
    scope: Scope,
    id: ShipmentId,
    kind: &'static str,
    term: &str,
) -> Result<()> {
    if term.is_empty() {
        return Ok(());
    }
    query("INSERT INTO shipment_term (company_id, term, kind, shipment_id) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING")
        .bind(scope.company.0)
        .bind(term)
        .bind(kind)
        .bind(id.0)
        .execute(db)
        .await
        .map(drop)
}
