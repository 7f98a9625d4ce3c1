//! Learning, a step at a time: what has happened to shipments since the model in force is counted, then a new model is published. The
//! first time it begins some weeks back and goes on week by week, so that every estimate of the past is made of what was known before
//! it; after a longer pause it catches up in the same way.

use super::{
    course::{Way, cut},
    model::{MODEL, Model, in_force, outlook},
};
use crate::{
    config::Mode,
    context::Context,
    error::{Result, UseCaseError},
    exceptions::calendar,
    people::settings,
};
use domain::{fold, ids::ShipmentId};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use kpi::learned::{
    annotation::Annotation,
    count::{Measure, Topic, What, day_number},
    history::{History, Outcome, Reading, WINDOW_WEEKS, Week},
    kept::{Interval, Kept},
    late::{Counted, Ending, choose_theta_of},
    outlook::Published,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use storage::{Scope, learned::PublishedCell, reports::Learning};

/// Shipments of one step.
const SHIPMENTS_AT_ONCE: u32 = 100;
/// Cells of one step.
const CELLS_AT_ONCE: u32 = 50;
/// How far back it begins the first time.
const LOOKS_BACK: SignedDuration = SignedDuration::from_hours(12 * WEEK_HOURS);
/// At most so much is learned at once.
const AT_ONCE: SignedDuration = SignedDuration::from_hours(WEEK_HOURS);
/// A model that is no older than this is up to date.
const UP_TO_DATE: SignedDuration = SignedDuration::from_hours(12);
/// What changed before the first model: its window.
const WINDOW: SignedDuration = SignedDuration::from_hours(WINDOW_WEEKS as i64 * WEEK_HOURS);
const WEEK_HOURS: i64 = 7 * 24;
/// Weeks of which counts are kept.
const KEPT_WEEKS: i32 = 2 * WINDOW_WEEKS + 8;
/// For how long what was said of a shipment is kept after its end.
const KEPT: SignedDuration = SignedDuration::from_hours(KEPT_WEEKS as i64 * WEEK_HOURS);
/// Rows that are removed in one step.
const FORGOTTEN_AT_ONCE: u32 = 500;
/// Warnings that would have been given, below which none is: whether they would be right is not known.
const WARNINGS_MIN: u64 = 30;
/// The least share that is warned from.
const LEAST_SHARE: f64 = 0.8;
/// Days of warnings that the next threshold is chosen from.
const JUDGED_DAYS: i32 = 60;

const WALK: &str = "learned.walk";

/// Whether there is more to do at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// No.
    Done,
    /// Yes.
    More,
}

/// How far learning has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Walk {
    /// What had happened by then is learned.
    pub as_of: Timestamp,
    /// What had happened by then is in the model in force.
    pub since: Timestamp,
    /// What changed since then is looked at.
    pub changed: Timestamp,
    /// The days that are left out.
    pub left_out: Vec<Annotation>,
    /// The number of the model that is made.
    pub model: u32,
    /// What is done now.
    pub at: At,
    /// How many shipments were looked at.
    pub shipments: u64,
}

/// A part of learning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "part", content = "after", rename_all = "snake_case")]
pub enum At {
    /// Shipments that changed, after this one.
    Changed(Option<ShipmentId>),
    /// Shipments that are still under way, after this one.
    Open(Option<ShipmentId>),
    /// Cells, after this one.
    Cells(String),
    /// What is no longer needed.
    Forget,
}

/// Learns a step.
///
/// # Errors
/// When the store fails.
pub async fn step(context: &Context, scope: Scope) -> Result<Step> {
    let mut walk = match settings::read::<Walk>(context, scope, WALK).await? {
        Some(walk) => walk,
        None => begin(context, scope).await?,
    };
    let store = &context.store;
    match walk.at.clone() {
        At::Changed(after) => {
            let ids = store.rollups.shipments_after(scope, after, Some(walk.changed), SHIPMENTS_AT_ONCE).await?;
            look_at(context, scope, &mut walk, &ids).await?;
            let full = ids.len() == SHIPMENTS_AT_ONCE as usize;
            walk.at = if full { At::Changed(ids.last().copied()) } else { At::Open(None) };
        }
        At::Open(after) => {
            let ids = store.learned.open_after(scope, after, walk.as_of, SHIPMENTS_AT_ONCE).await?;
            look_at(context, scope, &mut walk, &ids).await?;
            let full = ids.len() == SHIPMENTS_AT_ONCE as usize;
            walk.at = if full { At::Open(ids.last().copied()) } else { At::Cells(String::new()) };
        }
        At::Cells(after) => {
            let cells = store.learned.cells_after(scope, after, CELLS_AT_ONCE).await?;
            publish(context, scope, &walk, &cells).await?;
            match cells.last().filter(|_| cells.len() == CELLS_AT_ONCE as usize) {
                Some(last) => walk.at = At::Cells(last.clone()),
                None => {
                    put_in_force(context, scope, &walk).await?;
                    walk.at = At::Forget;
                }
            }
        }
        At::Forget => {
            // who read the model before a moment ago goes on with it
            let models = store.learned.forget_models(scope, walk.model.saturating_sub(1), FORGOTTEN_AT_ONCE).await?;
            let over = walk.as_of.checked_sub(KEPT).unwrap_or(Timestamp::MIN);
            let shipments = store.learned.forget_shipments(scope, over, FORGOTTEN_AT_ONCE).await?;
            if models.max(shipments) < u64::from(FORGOTTEN_AT_ONCE) {
                store.people.take_setting(scope, WALK).await?;
                let up_to_date = context.now().duration_since(walk.as_of) <= UP_TO_DATE;
                return Ok(if up_to_date { Step::Done } else { Step::More });
            }
        }
    }
    keep(context, scope, WALK, &walk).await?;
    Ok(Step::More)
}

/// How far it has come; none while it does not run.
///
/// # Errors
/// When the store fails.
pub async fn progress(context: &Context, scope: Scope) -> Result<Option<Walk>> {
    settings::read(context, scope, WALK).await
}

/// Begins from the start: after a history was loaded whose shipments changed long before the model in force was made.
///
/// # Errors
/// When the store fails.
pub async fn anew(context: &Context, scope: Scope) -> Result<()> {
    let before = in_force(context, scope).await?;
    context.store.people.take_setting(scope, MODEL).await?;
    context.learned.forget();
    let walk = begin(context, scope).await?;
    let model = before.map_or(walk.model, |model| model.number.saturating_add(1));
    keep(context, scope, WALK, &Walk { model, ..walk }).await
}

async fn begin(context: &Context, scope: Scope) -> Result<Walk> {
    let (now, before) = (context.now(), in_force(context, scope).await?);
    let earlier = |from: Timestamp, by: SignedDuration| from.checked_sub(by).unwrap_or(Timestamp::MIN);
    let (as_of, since) = match &before {
        Some(model) => (model.as_of.checked_add(AT_ONCE).unwrap_or(now).min(now), model.as_of),
        None => (earlier(now, LOOKS_BACK), earlier(now, LOOKS_BACK.saturating_add(WINDOW))),
    };
    let left_out = left_out(context, scope, as_of).await?;
    // what people remarked since then concerns all that is in the window
    let same = before.as_ref().is_none_or(|model| model.left_out == left_out);
    let changed = if same { since } else { earlier(as_of, WINDOW) };
    let model = before.map_or(1, |model| model.number.saturating_add(1));
    Ok(Walk { as_of, since, changed, left_out, model, at: At::Changed(None), shipments: 0 })
}

/// The days that remarks leave out of learning.
async fn left_out(context: &Context, scope: Scope, as_of: Timestamp) -> Result<Vec<Annotation>> {
    let last = TimeZone::UTC.to_datetime(as_of).date();
    let first = TimeZone::UTC.to_datetime(as_of.checked_sub(WINDOW).unwrap_or(Timestamp::MIN)).date();
    let remarks = context.store.reports.annotations(scope, first, last).await?;
    let leaves = remarks.into_iter().filter(|remark| remark.learning == Learning::LeftOut);
    Ok(leaves
        .map(|of| Annotation { from: of.from, until: of.to, carrier: of.carrier, country: None, leave_out: true })
        .collect())
}

async fn look_at(context: &Context, scope: Scope, walk: &mut Walk, ids: &[ShipmentId]) -> Result<()> {
    let before: BTreeMap<ShipmentId, Kept> =
        context.store.learned.kept(scope, ids.to_vec()).await?.into_iter().collect();
    let mut after = Vec::new();
    for id in ids {
        let known = before.get(id);
        let kept = match one(context, scope, walk, *id, known).await {
            Ok(kept) => kept,
            // one that cannot be read stops no other
            Err(UseCaseError::Internal(why)) => {
                metrics::counter!("milepost_learning_left_out_total").increment(1);
                tracing::warn!("transit times: nothing is learned of shipment {id}: {why}");
                continue;
            }
            Err(error) => return Err(error),
        };
        after.extend(kept.filter(|kept| known.is_some() || *kept != Kept::default()).map(|kept| (*id, kept)));
    }
    context.store.learned.keep(scope, after, walk.as_of).await?;
    walk.shipments += ids.len() as u64;
    Ok(())
}

/// What is kept of a shipment from now on; none of one that nothing is learned of.
async fn one(
    context: &Context,
    scope: Scope,
    walk: &Walk,
    id: ShipmentId,
    before: Option<&Kept>,
) -> Result<Option<Kept>> {
    let gone = || Ok(before.map(|_| Kept::default()));
    let Some(mut loaded) = context.store.shipments.load(scope, id, None).await? else { return gone() };
    let simulated = loaded.shipment.sandbox && context.config.mode != Mode::Demo;
    if loaded.shipment.merged_into.is_some() || simulated {
        return gone();
    }
    let company = calendar::company(context, scope).await?;
    cut(&mut loaded, walk.as_of);
    let Some(way) = Way::of(&loaded, &company) else { return gone() };
    let outlook = match in_force(context, scope).await? {
        Some(model) => Some(outlook(context, scope, &model, &way.cells()).await?),
        None => None,
    };
    let folded = fold::fold(&loaded.input, walk.as_of);
    let interval = Interval { from: walk.since, to: walk.as_of };
    let kept = before.cloned().unwrap_or_default();
    Ok(Some(
        way.read(&loaded, &folded, &company, |course| kept.after(course, outlook.as_ref(), interval, &walk.left_out)),
    ))
}

/// Adds cells to the model that is made.
async fn publish(context: &Context, scope: Scope, walk: &Walk, cells: &[String]) -> Result<()> {
    let week = week_of(context, scope, walk).await?;
    let weeks = (week.0 - WINDOW_WEEKS + 1, week.0);
    let mut published = Vec::new();
    for cell in cells {
        let mut topics: BTreeMap<Topic, History> = BTreeMap::new();
        let mut gapped = (0, 0);
        for of in context.store.learned.counts(scope, cell.clone(), weeks).await? {
            let (topic, outcome) = match of.count.what {
                What::Ended(Topic::Gapped) => {
                    gapped = (gapped.0 + of.n, gapped.1 + of.n * i64::from(of.count.bin));
                    continue;
                }
                What::Ended(topic) => (topic, Outcome::Ended),
                What::Censored(topic) => (topic, Outcome::Censored),
                What::Scored(_) => continue,
            };
            topics.entry(topic).or_default().add_bin(Week(of.count.period), outcome, of.count.bin, of.n);
        }
        let add = |topic, of| PublishedCell { cell: cell.clone(), what: What::Ended(topic), published: of };
        let reading = Reading::at(week);
        published.extend(topics.iter().filter_map(|(topic, history)| {
            let level = history.level(&reading)?;
            let ended = history.ended(week);
            Some(add(*topic, Published { curve: Some(level.curve.shortened()), n: level.n, ended }))
        }));
        if let Ok(ended @ 1..) = u64::try_from(gapped.0) {
            let n = gapped.1 as f64 / gapped.0 as f64;
            published.push(add(Topic::Gapped, Published { curve: None, n, ended }));
        }
    }
    context.store.learned.forget_weeks(scope, cells.to_vec(), week.0 - KEPT_WEEKS).await?;
    Ok(context.store.learned.publish(scope, walk.model, published).await?)
}

/// Puts the model into force.
async fn put_in_force(context: &Context, scope: Scope, walk: &Walk) -> Result<()> {
    let theta = theta(context, scope, walk).await?;
    let (number, as_of, now) = (walk.model, walk.as_of, context.now());
    let left_out = walk.left_out.clone();
    let model = Model { number, as_of, published: now, theta, shipments: walk.shipments, left_out };
    keep(context, scope, MODEL, &model).await?;
    context.learned.forget();
    tracing::info!("transit times: model {number} as of {as_of}, {} shipments looked at", walk.shipments);
    Ok(())
}

/// From which probability on shipments are flagged, by how often flags were right lately.
async fn theta(context: &Context, scope: Scope, walk: &Walk) -> Result<Option<f64>> {
    let today = day_number(TimeZone::UTC.to_datetime(walk.as_of).date());
    let scores = context.store.learned.scores(scope, (today - JUDGED_DAYS, today)).await?;
    let counted: Vec<Counted> = scores
        .iter()
        .filter_map(|of| {
            let ending = match of.count.what {
                What::Scored(Measure::HighestLate) => Ending::Late,
                What::Scored(Measure::HighestInTime) => Ending::InTime,
                _ => return None,
            };
            let n = u64::try_from(of.n).ok()?;
            Some(Counted { highest: f64::from(of.count.bin) / 100.0, ending, n })
        })
        .collect();
    let warned = |of: &&Counted| of.highest >= LEAST_SHARE;
    let warnings: u64 = counted.iter().filter(warned).map(|of| of.n).sum();
    Ok(if warnings < WARNINGS_MIN { None } else { choose_theta_of(&counted) })
}

async fn week_of(context: &Context, scope: Scope, walk: &Walk) -> Result<Week> {
    let zone = TimeZone::get(&calendar::company(context, scope).await?.zone).unwrap_or(TimeZone::UTC);
    Ok(Week::of(zone.to_datetime(walk.as_of).date()))
}

async fn keep<T: Serialize>(context: &Context, scope: Scope, name: &str, value: &T) -> Result<()> {
    let text = serde_json::to_string(value).expect("plain data serialises");
    Ok(context.store.people.put_setting(scope, name, text).await?)
}
