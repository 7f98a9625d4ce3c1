//! Which numbers a shipment goes under, and the terms by which it is found.

use crate::codec::{Columns, SqlError, clean, micros, opt_micros};
use domain::ids::{BindingId, ShipmentId, TrackerId};
use jiff::Timestamp;
use sqlx::PgConnection;
use storage::{Result, Scope, facts::TrackerKey, trackers::Wanted};

/// Letters and digits in upper case: how numbers and names are compared when people look for them.
pub(super) fn term(text: &str) -> String {
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
pub(crate) async fn bind(
    conn: &mut PgConnection,
    scope: Scope,
    binding: &NewBinding<'_>,
    at: Timestamp,
) -> Result<(), SqlError> {
    sqlx::query("INSERT INTO binding (id, company_id, tracker_id, shipment_id, piece, number_raw, recorded_at, valid_from) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind(binding.id.0)
        .bind(scope.company.0)
        .bind(binding.tracker.0)
        .bind(binding.shipment.0)
        .bind(binding.piece.map(clean))
        .bind(clean(binding.number_raw))
        .bind(micros(at))
        .bind(opt_micros(binding.valid_from))
        .execute(conn)
        .await?;
    Ok(())
}

/// Brings the numbers under which a shipment is found in step with its open bindings: each as it is kept, and as it is written.
pub(crate) async fn renew_number_terms(conn: &mut PgConnection, scope: Scope, id: ShipmentId) -> Result<(), SqlError> {
    sqlx::query("DELETE FROM shipment_term WHERE shipment_id = $1 AND kind = 'number'")
        .bind(id.0)
        .execute(&mut *conn)
        .await?;
    let rows = sqlx::query(
        "SELECT DISTINCT t.number, t.carrier, b.number_raw FROM binding b JOIN tracker t ON t.id = b.tracker_id
         WHERE b.shipment_id = $1 AND NOT EXISTS (SELECT 1 FROM binding_end e WHERE e.binding_id = b.id)",
    )
    .bind(id.0)
    .fetch_all(&mut *conn)
    .await?;
    for row in &rows {
        let key = TrackerKey { carrier: row.opt_text("carrier")?, number: row.text("number")? };
        for number in (Wanted { key: &key, number_raw: &row.text("number_raw")? }).kept_under() {
            put_term(conn, scope, id, "number", &term(&number)).await?;
        }
    }
    Ok(())
}

pub(super) async fn put_term(
    conn: &mut PgConnection,
    scope: Scope,
    id: ShipmentId,
    kind: &'static str,
    term: &str,
) -> Result<(), SqlError> {
    if term.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO shipment_term (company_id, term, kind, shipment_id) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
    )
    .bind(scope.company.0)
    .bind(term)
    .bind(kind)
    .bind(id.0)
    .execute(conn)
    .await?;
    Ok(())
}
