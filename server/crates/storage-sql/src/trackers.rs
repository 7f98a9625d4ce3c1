//! Trackers: which one a number means.

use crate::{Db, Row, codec::clean, query};
use domain::ids::TrackerId;
use jiff::Timestamp;
use storage::{
    Result, Scope,
    facts::TrackerKey,
    trackers::{KnownTracker, Wanted},
};

/// A row of `tracker`.
///
/// # Errors
/// When a column is missing or of another type.
pub fn known(row: &Row) -> Result<KnownTracker> {
    Ok(KnownTracker {
        id: row.id("id")?,
        number: row.text("number")?,
        number_raw: row.text("number_raw")?,
        carrier: row.opt_text("carrier")?,
        carrier_label: row.opt_text("carrier_label")?,
    })
}

/// A tracker, should it have to be made.
#[derive(Clone, Debug)]
pub struct NewTracker<'a> {
    /// What names it.
    pub key: &'a TrackerKey,
    /// Its id.
    pub id: TrackerId,
    /// The number as it was written.
    pub number_raw: &'a str,
    /// The carrier as a person reads it.
    pub carrier_label: Option<&'a str>,
    /// Every number that was named with it, as JSON.
    pub refs: String,
    /// When.
    pub at: Timestamp,
}

impl NewTracker<'_> {
    fn wanted(&self) -> Wanted<'_> {
        Wanted { key: self.key, number_raw: self.number_raw }
    }
}

/// The tracker that [`choose_or_make`] says.
///
/// # Errors
/// When the engine fails, as for the others.
pub async fn find_or_make(db: &mut dyn Db, scope: Scope, new: &NewTracker<'_>) -> Result<TrackerId> {
    let wanted = new.wanted();
    let mut known = kept_under(db, scope, vec![new.key.number.clone()]).await?;
    // nearly always it is there as it is named, and working out the other numbers takes time
    if wanted.exact_of(&known).is_none() {
        let mut others = wanted.kept_under();
        others.retain(|number| *number != new.key.number);
        if !others.is_empty() {
            known.extend(kept_under(db, scope, others).await?);
        }
    }
    Ok(choose_or_make(db, scope, known, new).await?.id)
}

/// The trackers that are kept under these numbers.
async fn kept_under(db: &mut dyn Db, scope: Scope, numbers: Vec<String>) -> Result<Vec<KnownTracker>> {
    let rows = query(
        "SELECT id, number, number_raw, carrier, carrier_label FROM tracker WHERE company_id = ?1 AND number {in texts ?2}",
    )
    .bind(scope.company.0)
    .bind(numbers)
    .all(db)
    .await?;
    rows.iter().map(known).collect()
}

/// The tracker that is meant, see [`Wanted::chosen_of`], else a new one. A carrier that was missing is filled in.
///
/// # Errors
/// As [`find_or_make`].
pub async fn choose_or_make(
    db: &mut dyn Db,
    scope: Scope,
    known: Vec<KnownTracker>,
    new: &NewTracker<'_>,
) -> Result<KnownTracker> {
    let chosen = new.wanted().chosen_of(&known);
    if let Some(mut chosen) = known.into_iter().find(|known| Some(known.id) == chosen) {
        fill_in(db, &mut chosen, new).await?;
        return Ok(chosen);
    }
    let (number_raw, carrier_label) = (clean(new.number_raw), new.carrier_label.map(clean));
    query("INSERT INTO tracker (id, company_id, carrier, number, number_raw, carrier_label, refs, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(new.id.0)
        .bind(scope.company.0)
        .bind(&new.key.carrier)
        .bind(&new.key.number)
        .bind(&*number_raw)
        .bind(carrier_label.as_deref())
        .bind(&new.refs)
        .bind(new.at)
        .execute(db)
        .await?;
    Ok(KnownTracker {
        id: new.id,
        number: new.key.number.clone(),
        number_raw: number_raw.into_owned(),
        carrier: new.key.carrier.clone(),
        carrier_label: carrier_label.map(Into::into),
    })
}

async fn fill_in(db: &mut dyn Db, known: &mut KnownTracker, new: &NewTracker<'_>) -> Result<()> {
    let carrier = known.carrier.clone().or_else(|| new.key.carrier.clone());
    let label = known.carrier_label.clone().or_else(|| new.carrier_label.map(|label| clean(label).into_owned()));
    if (&carrier, &label) == (&known.carrier, &known.carrier_label) {
        return Ok(());
    }
    query("UPDATE tracker SET carrier = coalesce(carrier, ?), carrier_label = coalesce(carrier_label, ?) WHERE id = ?")
        .bind(&carrier)
        .bind(&label)
        .bind(known.id.0)
        .execute(db)
        .await?;
    (known.carrier, known.carrier_label) = (carrier, label);
    Ok(())
}
