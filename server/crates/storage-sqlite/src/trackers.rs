//! Trackers: which one a number means.

use crate::{
    codec::{SqlError, micros},
    sql::{Row, query},
};
use domain::ids::TrackerId;
use jiff::Timestamp;
use rusqlite::Connection;
use storage::{
    Result, Scope,
    facts::TrackerKey,
    trackers::{KnownTracker, Wanted},
};

/// A tracker, should it have to be made.
pub(crate) struct NewTracker<'a> {
    pub(crate) key: &'a TrackerKey,
    pub(crate) id: TrackerId,
    pub(crate) number_raw: &'a str,
    pub(crate) carrier_label: Option<&'a str>,
    pub(crate) refs: String,
    pub(crate) at: Timestamp,
}

/// The tracker that is meant, see [`Wanted::chosen_of`], else a new one. A carrier that was missing is filled in.
pub(crate) fn find_or_make_tracker(
    conn: &mut Connection,
    scope: Scope,
    new: &NewTracker<'_>,
) -> Result<TrackerId, SqlError> {
    let wanted = Wanted { key: new.key, number_raw: new.number_raw };
    let mut known = kept_as(conn, scope, &new.key.number)?;
    // nearly always it is there as it is named: this is the one writer, and working out the other numbers takes time
    if wanted.exact_of(&known).is_none() {
        for number in wanted.kept_under().iter().filter(|number| **number != new.key.number) {
            known.extend(kept_as(conn, scope, number)?);
        }
    }
    if let Some(id) = wanted.chosen_of(&known) {
        fill_in(conn, id, new)?;
        return Ok(id);
    }
    query("INSERT INTO tracker (id, company_id, carrier, number, number_raw, carrier_label, refs, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(new.id.0)
        .bind(scope.company.0)
        .bind(&new.key.carrier)
        .bind(&new.key.number)
        .bind(new.number_raw)
        .bind(new.carrier_label)
        .bind(&new.refs)
        .bind(micros(new.at))
        .execute(conn)?;
    Ok(new.id)
}

/// The trackers that are kept under a number.
fn kept_as(conn: &mut Connection, scope: Scope, number: &str) -> Result<Vec<KnownTracker>, SqlError> {
    let rows =
        query("SELECT id, number, number_raw, carrier, carrier_label FROM tracker WHERE company_id = ? AND number = ?")
            .bind(scope.company.0)
            .bind(number)
            .fetch_all(conn)?;
    let known = |row: &Row| -> Result<KnownTracker, SqlError> {
        Ok(KnownTracker {
            id: row.id("id")?,
            number: row.text("number")?,
            number_raw: row.text("number_raw")?,
            carrier: row.opt_text("carrier")?,
            carrier_label: row.opt_text("carrier_label")?,
        })
    };
    rows.iter().map(known).collect()
}

fn fill_in(conn: &mut Connection, id: TrackerId, new: &NewTracker<'_>) -> Result<(), SqlError> {
    query(
        "UPDATE tracker SET carrier = coalesce(carrier, ?1), carrier_label = coalesce(carrier_label, ?2)
         WHERE id = ?3 AND ((carrier IS NULL AND ?1 IS NOT NULL) OR (carrier_label IS NULL AND ?2 IS NOT NULL))",
    )
    .bind(&new.key.carrier)
    .bind(new.carrier_label)
    .bind(id.0)
    .execute(conn)?;
    Ok(())
}
