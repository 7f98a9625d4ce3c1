//! Trackers: which one a number means.

use crate::{Db, Row, codec::clean, query};
use domain::{carriers as directory, ids::TrackerId};
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

/// What a tracker is called after the order system named its carrier anew; none where it stays as it is. The name of the carrier whose
/// number it is holds against a shipping method that names no carrier; any other follows the order system.
fn followed(label: Option<&str>, carrier: Option<&str>, named: Option<&str>) -> Option<Option<String>> {
    let family = |text: &str| directory::known("odoo", text).map(|entry| entry.family.as_str());
    let own = |text: &str| family(text).is_some_and(|family| carrier.is_none_or(|carrier| carrier == family));
    if label == named || label.is_some_and(own) && !named.is_some_and(own) {
        return None;
    }
    let shown = named.or_else(|| directory::family_name(carrier?)).map(|text| clean(text).into_owned());
    (shown.as_deref() != label).then_some(shown)
}

/// The order system names the carrier of a tracker that its delivery has already.
///
/// # Errors
/// As [`find_or_make`].
pub async fn follow(db: &mut dyn Db, tracker: TrackerId, named: Option<&str>) -> Result<()> {
    let row = query("SELECT carrier, carrier_label FROM tracker WHERE id = ?").bind(tracker.0).one(db).await?;
    let (carrier, label) = (row.opt_text("carrier")?, row.opt_text("carrier_label")?);
    if let Some(label) = followed(label.as_deref(), carrier.as_deref(), named) {
        query("UPDATE tracker SET carrier_label = ? WHERE id = ?").bind(label).bind(tracker.0).execute(db).await?;
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_tracker_is_called_follows_the_order_system() {
        for (label, carrier, named, after) in [
            (Some("Local Delivery"), None, Some("The Poste"), Some(Some("The Poste"))),
            (Some("Local Delivery"), Some("ups"), Some("The Poste"), Some(Some("The Poste"))),
            (Some("Local Delivery"), Some("ups"), None, Some(Some("UPS"))),
            (Some("Local Delivery"), None, None, Some(None)),
            (None, None, Some("The Poste"), Some(Some("The Poste"))),
            (Some("UPS"), Some("ups"), Some("Standard delivery"), None),
            (Some("UPS"), Some("ups"), None, None),
            (Some("Standard delivery"), Some("ups"), Some("UPS"), Some(Some("UPS"))),
            (Some("The Poste"), None, Some("The Poste"), None),
            (None, None, None, None),
        ] {
            let after = after.map(|after: Option<&str>| after.map(str::to_owned));
            assert_eq!(followed(label, carrier, named), after, "{label:?} {carrier:?} {named:?}");
        }
    }
}
