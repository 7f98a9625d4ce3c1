//! Trackers: which one a number means.

use crate::codec::{Columns, SqlError, clean, micros};
use domain::ids::TrackerId;
use jiff::Timestamp;
use sqlx::PgConnection;
use storage::{
    Result, Scope,
    facts::TrackerKey,
    trackers::{KnownTracker, Wanted},
};

pub(crate) fn known_tracker(row: &impl Columns) -> Result<KnownTracker, SqlError> {
    Ok(KnownTracker {
        id: row.id("id")?,
        number: row.text("number")?,
        number_raw: row.text("number_raw")?,
        carrier: row.opt_text("carrier")?,
        carrier_label: row.opt_text("carrier_label")?,
    })
}

/// A tracker, should it have to be made.
pub(crate) struct NewTracker<'a> {
    pub(crate) key: &'a TrackerKey,
    pub(crate) id: TrackerId,
    pub(crate) number_raw: &'a str,
    pub(crate) carrier_label: Option<&'a str>,
    pub(crate) refs: String,
    pub(crate) at: Timestamp,
}

impl NewTracker<'_> {
    fn wanted(&self) -> Wanted<'_> {
        Wanted { key: self.key, number_raw: self.number_raw }
    }
}

/// The tracker that [`choose_or_make`] says.
pub(crate) async fn find_or_make_tracker(
    conn: &mut PgConnection,
    scope: Scope,
    new: &NewTracker<'_>,
) -> Result<TrackerId, SqlError> {
    let rows = sqlx::query(
        "SELECT t.id, t.number, t.number_raw, t.carrier, t.carrier_label
         FROM unnest($2::text[]) n (number) CROSS JOIN LATERAL (SELECT * FROM tracker WHERE company_id = $1 AND number = n.number OFFSET 0) t",
    )
    .bind(scope.company.0)
    .bind(new.wanted().kept_under())
    .fetch_all(&mut *conn)
    .await?;
    let known = rows.iter().map(known_tracker).collect::<Result<Vec<_>, SqlError>>()?;
    Ok(choose_or_make(conn, scope, known, new).await?.id)
}

/// The tracker that is meant, see [`Wanted::chosen_of`], else a new one. A carrier that was missing is filled in.
pub(crate) async fn choose_or_make(
    conn: &mut PgConnection,
    scope: Scope,
    known: Vec<KnownTracker>,
    new: &NewTracker<'_>,
) -> Result<KnownTracker, SqlError> {
    let chosen = new.wanted().chosen_of(&known);
    if let Some(mut chosen) = known.into_iter().find(|known| Some(known.id) == chosen) {
        fill_in(conn, &mut chosen, new).await?;
        return Ok(chosen);
    }
    sqlx::query("INSERT INTO tracker (id, company_id, carrier, number, number_raw, carrier_label, refs, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind(new.id.0)
        .bind(scope.company.0)
        .bind(&new.key.carrier)
        .bind(&new.key.number)
        .bind(clean(new.number_raw))
        .bind(new.carrier_label.map(clean))
        .bind(&new.refs)
        .bind(micros(new.at))
        .execute(conn)
        .await?;
    Ok(KnownTracker {
        id: new.id,
        number: new.key.number.clone(),
        number_raw: new.number_raw.to_owned(),
        carrier: new.key.carrier.clone(),
        carrier_label: new.carrier_label.map(str::to_owned),
    })
}

async fn fill_in(conn: &mut PgConnection, known: &mut KnownTracker, new: &NewTracker<'_>) -> Result<(), SqlError> {
    let carrier = known.carrier.clone().or_else(|| new.key.carrier.clone());
    let label = known.carrier_label.clone().or_else(|| new.carrier_label.map(|label| clean(label).into_owned()));
    if (&carrier, &label) == (&known.carrier, &known.carrier_label) {
        return Ok(());
    }
    sqlx::query(
        "UPDATE tracker SET carrier = coalesce(carrier, $1), carrier_label = coalesce(carrier_label, $2) WHERE id = $3",
    )
    .bind(&carrier)
    .bind(&label)
    .bind(known.id.0)
    .execute(conn)
    .await?;
    (known.carrier, known.carrier_label) = (carrier, label);
    Ok(())
}
