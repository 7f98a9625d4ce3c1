//! How well estimates held, for its page.

use super::{
    learn::{self, Walk},
    model::{Model, in_force},
};
use crate::{
    caller::Caller,
    context::Context,
    error::Result,
    kpi::{
        period::{Length, Period},
        read::{Question, today},
    },
};
use domain::{access::Permission, carriers as directory};
use jiff::{ToSpan as _, civil::Date};
use kpi::learned::{
    cell::{Cell, Depth},
    count::{Measure, SCORES, Topic, What, day_number, numbered_day},
    history::Week,
    mixture::DEFAULT_K,
    score::{P80, Score},
    survival::Curve,
};
use std::collections::BTreeMap;
use storage::learned::Counted;

/// Months that are shown by carrier.
const MONTHS: i32 = 3;
/// Weeks of the line.
const WEEKS: i32 = 13;
/// Cells that are listed.
const CELLS_MAX: u32 = 30;

/// How well estimates held.
#[derive(Clone, Debug)]
pub struct Accuracy {
    /// The model in force.
    pub model: Option<Model>,
    /// What is learned now.
    pub running: Option<Walk>,
    /// Of the period.
    pub score: Score,
    /// Of the one that it is compared with.
    pub before: Score,
    /// Of the period, by carrier: those with the most deliveries first.
    pub by_carrier: Vec<(String, Score)>,
    /// How often P80 held in the weeks up to the period's end, by their Mondays.
    pub weeks: Vec<(Date, Score)>,
    /// The months up to the period's end, oldest first, each with the scores of carriers.
    pub by_month: Vec<(Date, BTreeMap<String, Score>)>,
    /// The largest cells.
    pub cells: Vec<LearnedCell>,
}

/// A cell of the model.
#[derive(Clone, Debug)]
pub struct LearnedCell {
    /// The carrier, as a person reads it; none of a cell of all carriers.
    pub carrier: Option<String>,
    /// How coarse it is.
    pub depth: Depth,
    /// What it is of, without the carrier.
    pub name: String,
    /// Deliveries in its window.
    pub deliveries: u64,
    /// How much they weigh, since older ones weigh less.
    pub effective: f64,
    /// By which half of them have arrived, in working hours.
    pub p50: Option<f64>,
    /// By which 80 of 100 have.
    pub p80: Option<f64>,
    /// How much the cell itself weighs in an estimate; the rest is of coarser cells.
    pub own: f64,
}

/// How well the estimates of what arrived in a period held, of all carriers or of the one that narrows it. Nothing else narrows: what
/// is counted does not know it.
///
/// # Errors
/// When the caller may not, or the store fails.
pub async fn accuracy(context: &Context, caller: &Caller, question: &Question) -> Result<Accuracy> {
    caller.require(Permission::Figures)?;
    let (scope, store) = (caller.scope(), &context.store.learned);
    let today = today(context, caller).await?;
    let carrier = question.filter.carrier.as_deref();
    let wanted = |family: &str| carrier.is_none_or(|carrier| carrier == family);
    let scores = async |period: Period| -> Result<BTreeMap<String, Score>> {
        let mut scores = by_carrier(store.scores(scope, days(period.from, period.last())).await?);
        scores.retain(|family, _| wanted(family));
        Ok(scores)
    };
    let now = scores(question.period).await?;
    let before = scores(question.of_compared(today).period).await?;
    let last = question.period.last().min(today);
    let mut by_month = Vec::new();
    for ago in (0..MONTHS).rev() {
        let month = Period::around(last.first_of_month().saturating_sub(ago.months()), Length::Month);
        by_month.push((month.from, scores(month).await?));
    }
    let model = in_force(context, scope).await?;
    let cells = match &model {
        Some(model) => cells(context, caller, model.number, carrier).await?,
        None => Vec::new(),
    };
    let sum = |scores: &BTreeMap<String, Score>| {
        let mut sum = Score::default();
        scores.values().for_each(|score| sum.merge(score));
        sum
    };
    let (score, before) = (sum(&now), sum(&before));
    let mut ranked: Vec<(String, Score)> = now.into_iter().filter(|(_, score)| score.deliveries() > 0).collect();
    ranked.sort_by_key(|(family, score)| (std::cmp::Reverse(score.deliveries()), family.clone()));
    Ok(Accuracy {
        running: learn::progress(context, scope).await?,
        weeks: weeks(context, caller, carrier, last).await?,
        by_carrier: ranked,
        model,
        score,
        before,
        by_month,
        cells,
    })
}

fn days(first: Date, last: Date) -> (i32, i32) {
    (day_number(first), day_number(last))
}

fn by_carrier(scores: Vec<Counted>) -> BTreeMap<String, Score> {
    let mut all: BTreeMap<String, Score> = BTreeMap::new();
    for of in scores {
        let (Some(family), What::Scored(measure)) = (of.count.cell.strip_prefix(SCORES), of.count.what) else {
            continue;
        };
        all.entry(family.to_owned()).or_default().add(measure, of.count.bin, of.n);
    }
    all
}

/// As a person reads a carrier's family.
pub fn carrier_name(family: &str) -> String {
    let unknown = if family.is_empty() { "Carrier not known" } else { family };
    directory::family_name(family).unwrap_or(unknown).to_owned()
}

async fn weeks(context: &Context, caller: &Caller, carrier: Option<&str>, until: Date) -> Result<Vec<(Date, Score)>> {
    let last = Week::of(until).0;
    let first = last - WEEKS + 1;
    let place = i32::try_from(P80).unwrap_or_default();
    let span = days(Week(first).monday(), Week(last).monday().saturating_add(6.days()));
    let what = vec![What::Scored(Measure::Made), What::Scored(Measure::Held)];
    let mut weeks: BTreeMap<i32, Score> = (first..=last).map(|week| (week, Score::default())).collect();
    for of in context.store.learned.scores_by_day(caller.scope(), what, place, span).await? {
        let (Some(family), What::Scored(measure)) = (of.count.cell.strip_prefix(SCORES), of.count.what) else {
            continue;
        };
        if carrier.is_none_or(|carrier| carrier == family) {
            let week = Week::of(numbered_day(of.count.period)).0;
            weeks.entry(week).or_default().add(measure, of.count.bin, of.n);
        }
    }
    Ok(weeks.into_iter().map(|(week, score)| (Week(week).monday(), score)).collect())
}

async fn cells(context: &Context, caller: &Caller, model: u32, carrier: Option<&str>) -> Result<Vec<LearnedCell>> {
    let transit = What::Ended(Topic::Transit);
    let largest = context.store.learned.largest(caller.scope(), model, transit, CELLS_MAX).await?;
    Ok(largest
        .into_iter()
        .filter_map(|of| {
            let cell = Cell::parse(&of.cell)?;
            let mut parts: Vec<&str> = cell.parts().collect();
            let family = (cell.depth() != Depth::Class).then(|| parts.remove(0));
            // a service that goes by the carrier's name says nothing more
            parts.retain(|part| family != Some(*part));
            if carrier.is_some_and(|carrier| family != Some(carrier)) {
                return None;
            }
            let quantile = |share| of.published.curve.as_ref().and_then(|curve: &Curve| curve.quantile(share));
            Some(LearnedCell {
                carrier: family.map(carrier_name),
                depth: cell.depth(),
                name: parts.join(" · "),
                deliveries: of.published.ended,
                effective: of.published.n,
                p50: quantile(0.5),
                p80: quantile(0.8),
                own: of.published.n / (of.published.n + DEFAULT_K),
            })
        })
        .collect())
}
