//! Keeping figures right: adding up what changed, and counting again what shipments add, from their facts: every night what
//! changed lately, and everything after a change of a definition. The figures of an older version stay where they are.

use super::unit;
use crate::{
    context::Context,
    error::Result,
    exceptions::{calendar, watch},
    people::settings,
};
use domain::{fold, ids::ShipmentId};
use jiff::{SignedDuration, Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use kpi::definition::Kpi;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};
use storage::{Scope, rollups::NewContribution};

/// Changes that are added up in one transaction.
const CHANGES_AT_ONCE: u32 = 256;
/// Shipments of one step.
const SHIPMENTS_AT_ONCE: u32 = 200;
/// What changed within this time is counted again every night.
const LATELY: SignedDuration = SignedDuration::from_hours(14 * 24);
/// Days that are compared every night.
const DAYS_COMPARED: i64 = 14;
/// Older days of which one week is compared every night.
const DAYS_BEFORE: i64 = 350;

const WALK: &str = "figures.walk";
const VERSIONS: &str = "figures.versions";

/// Whether there is more to do at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// No.
    Done,
    /// Yes.
    More,
}

/// How far counting again has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Walk {
    /// When it began.
    pub started: Timestamp,
    /// From when on shipments changed that are counted; none: every one.
    pub since: Option<Timestamp>,
    /// The last one that was counted.
    pub after: Option<ShipmentId>,
    /// How many were.
    pub done: u64,
    /// How many of them added something else than before.
    pub changed: u64,
    /// The versions of the definitions by which they are counted.
    pub versions: BTreeMap<Kpi, u16>,
}

/// What a step of keeping figures took: counting what a shipment adds, or adding up.
pub fn spent(step: &'static str, took: Duration) {
    metrics::histogram!("milepost_figures_seconds", "step" => step).record(took.as_secs_f64());
}

/// Adds up a step of what changed.
///
/// # Errors
/// When the store fails.
pub async fn add_up(context: &Context, scope: Scope) -> Result<Step> {
    let started = Instant::now();
    let taken = context.store.rollups.add_up(scope, CHANGES_AT_ONCE).await?;
    spent("add_up", started.elapsed());
    metrics::counter!("milepost_figure_changes_total").increment(taken);
    Ok(if taken == 0 { Step::Done } else { Step::More })
}

/// Counts a step again. The last one compares the roll-ups with the rows behind them.
///
/// # Errors
/// When the store fails.
pub async fn recount(context: &Context, scope: Scope) -> Result<Step> {
    let mut walk = match settings::read::<Walk>(context, scope, WALK).await? {
        Some(walk) if walk.versions == versions() => walk,
        _ => begin(context, scope).await?,
    };
    let store = &context.store.rollups;
    let ids = store.shipments_after(scope, walk.after, walk.since, SHIPMENTS_AT_ONCE).await?;
    for id in &ids {
        walk.changed += u64::from(refresh(context, scope, *id).await? == Refreshed::Changed);
        walk.done += 1;
        walk.after = Some(*id);
    }
    if ids.len() == SHIPMENTS_AT_ONCE as usize {
        keep(context, scope, WALK, &walk).await?;
        return Ok(Step::More);
    }
    let zone = TimeZone::get(&calendar::company(context, scope).await?.zone).unwrap_or(TimeZone::UTC);
    for days in compared(zone.to_datetime(context.now()).date()) {
        compare(context, scope, days).await?;
    }
    keep(context, scope, VERSIONS, &walk.versions).await?;
    context.store.people.take_setting(scope, WALK).await?;
    tracing::info!("figures: {} shipments counted again, {} changed", walk.done, walk.changed);
    Ok(Step::Done)
}

/// Compares the roll-ups of these days with the rows behind them, and makes those anew that differ.
///
/// # Errors
/// When the store fails.
pub async fn compare(context: &Context, scope: Scope, days: (Date, Date)) -> Result<()> {
    let (store, now) = (&context.store.rollups, context.now());
    for kpi in Kpi::ALL.iter().filter(|kpi| kpi.definition().is_listed()) {
        let kpi = (*kpi, kpi.version());
        for seen in store.differing(scope, kpi, days, now).await? {
            let Some(different) = store.mend(scope, kpi, seen.day, now).await? else { continue };
            metrics::counter!("milepost_figure_differences_total").increment(1);
            tracing::error!(
                "figure {} (version {}) of {}: rolled up {}, counted {}; it was made anew",
                kpi.0.id(),
                kpi.1,
                different.day,
                different.rolled_up,
                different.contributed
            );
        }
    }
    Ok(())
}

/// How far it has come; none while it does not run.
///
/// # Errors
/// When the store fails.
pub async fn progress(context: &Context, scope: Scope) -> Result<Option<Walk>> {
    settings::read(context, scope, WALK).await
}

/// The versions of all definitions in force.
fn versions() -> BTreeMap<Kpi, u16> {
    Kpi::ALL.iter().map(|kpi| (*kpi, kpi.version())).collect()
}

async fn begin(context: &Context, scope: Scope) -> Result<Walk> {
    let complete: Option<BTreeMap<Kpi, u16>> = settings::read(context, scope, VERSIONS).await?;
    let now = context.now();
    let since = (complete == Some(versions())).then(|| now.checked_sub(LATELY).unwrap_or(Timestamp::MIN));
    Ok(Walk { started: now, since, versions: versions(), ..Walk::default() })
}

async fn keep<T: Serialize>(context: &Context, scope: Scope, name: &str, value: &T) -> Result<()> {
    let text = serde_json::to_string(value).expect("plain data serialises");
    Ok(context.store.people.put_setting(scope, name, text).await?)
}

/// The last days, and a week of the past that is another one every night.
fn compared(today: Date) -> [(Date, Date); 2] {
    let before = |days: i64| today.saturating_sub(days.days());
    let night = i64::from(today.day_of_year()) + 366 * i64::from(today.year());
    let older = DAYS_COMPARED + 7 + (night * 7).rem_euclid(DAYS_BEFORE);
    [(before(DAYS_COMPARED), before(-2)), (before(older), before(older - 7))]
}

/// Whether a shipment added something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// It did.
    Changed,
    /// It did not.
    Same,
}

/// Counts what a shipment adds from its facts.
///
/// # Errors
/// When the store fails.
pub async fn refresh(context: &Context, scope: Scope, id: ShipmentId) -> Result<Refreshed> {
    let Some(mut loaded) = context.store.shipments.load(scope, id, None).await? else { return Ok(Refreshed::Same) };
    let revision = loaded.shipment.revision;
    if loaded.shipment.merged_into.is_some() || revision == 0 {
        return Ok(Refreshed::Same);
    }
    let now = context.now();
    loaded.input.watch = watch::of(context, scope, &loaded).await?;
    let folded = fold::fold(&loaded.input, now);
    let company = calendar::company(context, scope).await?;
    let after = unit::of(context, &loaded, &folded, &[], &company, now);
    let Some(new) = NewContribution::since(after, &loaded.contributed)? else { return Ok(Refreshed::Same) };
    // one that was committed meanwhile was counted by that
    let replaced = context.store.rollups.replace(scope, id, revision, new, now).await?;
    Ok(if replaced { Refreshed::Changed } else { Refreshed::Same })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn another_week_of_the_past_is_compared_every_night() {
        let mut weeks = std::collections::BTreeSet::new();
        let mut day = date(2026, 1, 1);
        for _ in 0..50 {
            let [lately, older] = compared(day);
            assert_eq!(lately, (day - 14.days(), day + 2.days()));
            assert_eq!(older.0 + 7.days(), older.1);
            assert!(older.1 <= lately.0);
            weeks.insert((day - older.0).get_days());
            day += 1.day();
        }
        assert_eq!(weeks.len(), 50);
    }
}
