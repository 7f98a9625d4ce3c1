//! Carriers side by side, and the review of one: what they did in a period, how that compares with the period before and with each
//! other, and what is worth raising. All from roll-ups, whatever the number of shipments.

use super::{
    analysis::{self, Troubles},
    annotations,
    period::{Length, Period},
    read::{self, Cell, Question},
};
use crate::{
    caller::Caller,
    context::Context,
    error::{Result, UseCaseError},
};
use domain::access::Permission;
use jiff::{Timestamp, civil::Date};
use kpi::{
    definition::{Direction, Formula, Kpi},
    figure::{Tally, Value, minute},
    scorecard::{
        Rank, Share,
        findings::{Evidence, Finding, Lane, findings},
        ranks,
    },
};
use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};
use storage::{
    reports::AnnotationRecord,
    rollups::{By, Filter, Monthly, RollupQuery, RollupRow},
};

/// What a scorecard has, in its order.
pub const FIGURES: &[Kpi] = &[
    Kpi::OnTime,
    Kpi::OnTimeCarrier,
    Kpi::TransitTime,
    Kpi::FirstAttempt,
    Kpi::ReturnRate,
    Kpi::DamageRate,
    Kpi::LossRate,
    Kpi::ExceptionRate,
    Kpi::ConfirmationRate,
    Kpi::MilestonesComplete,
    Kpi::EventLatency,
    Kpi::UnmappedShare,
    Kpi::ImpossibleTimes,
];
/// What is kept by lane.
const BY_LANE: &[Kpi] = &[Kpi::OnTime, Kpi::TransitTime, Kpi::FirstAttempt, Kpi::ExceptionRate];
/// Weeks of a course, at least and at most.
const WEEKS_MIN: i32 = 13;
const WEEKS_MAX: i32 = 53;

/// What a carrier did.
#[derive(Clone, Debug)]
pub struct Scorecard {
    /// Its family; none: shipments whose carrier is not known.
    pub carrier: Option<String>,
    /// Each of [`FIGURES`] in the period, and in the one that it is compared with.
    pub figures: BTreeMap<Kpi, (Tally, Tally)>,
    /// Its place by on time against promise; none of what is no carrier.
    pub rank: Option<Rank>,
    /// That in the period that it is compared with.
    pub rank_before: Option<Rank>,
    /// On time by week, each with its Monday, oldest first.
    pub weeks: Vec<(Date, Share)>,
}

/// All carriers.
#[derive(Clone, Debug)]
pub struct Scorecards {
    /// Those that did anything in the period, the first of the ranking first, those without a place after them by volume.
    pub cards: Vec<Scorecard>,
    /// What was unlike other weeks of their courses.
    pub annotations: Vec<AnnotationRecord>,
    /// What is to be reached.
    pub targets: BTreeMap<Kpi, f64>,
    /// Up to when it is counted.
    pub counted_until: Timestamp,
}

/// A lane of a carrier, or one of what lanes are made of.
#[derive(Clone, Debug)]
pub struct LaneFigures {
    /// Which.
    pub lane: Lane,
    /// On time, transit time, first attempt and exceptions, in the period.
    pub figures: BTreeMap<Kpi, Tally>,
}

/// One carrier.
#[derive(Clone, Debug)]
pub struct Review {
    /// What it did.
    pub card: Scorecard,
    /// How many have a place in the ranking.
    pub ranked: usize,
    /// What it did by lane, those with the most late ones first.
    pub lanes: Vec<LaneFigures>,
    /// What is worth raising.
    pub findings: Vec<Finding>,
    /// The exceptions that began in the period.
    pub troubles: Troubles,
    /// What was unlike other weeks.
    pub annotations: Vec<AnnotationRecord>,
    /// The Mondays of those weeks: they make no mean.
    pub unusual: BTreeSet<Date>,
    /// What is to be reached.
    pub targets: BTreeMap<Kpi, f64>,
    /// Up to when it is counted.
    pub counted_until: Timestamp,
}

impl Scorecard {
    fn empty(carrier: Option<String>, weeks: &[Period]) -> Self {
        Self {
            rank: None,
            rank_before: None,
            figures: FIGURES.iter().map(|kpi| (*kpi, <(Tally, Tally)>::default())).collect(),
            weeks: weeks.iter().map(|week| (week.from, Share::default())).collect(),
            carrier,
        }
    }

    /// What a figure comes to in the period, and in the one that it is compared with.
    pub fn values(&self, kpi: Kpi) -> (Value, Value) {
        let none = <(Tally, Tally)>::default();
        let (now, before) = self.figures.get(&kpi).unwrap_or(&none);
        (now.value(kpi.definition()), before.value(kpi.definition()))
    }

    /// On time against promise.
    pub fn on_time(&self) -> Share {
        self.figures.get(&Kpi::OnTime).map(|(now, _)| Share::of(now)).unwrap_or_default()
    }

    /// Shipments handed over in the period, and in the one that it is compared with.
    pub fn handed_over(&self) -> (i64, i64) {
        self.figures.get(&Kpi::ExceptionRate).map_or((0, 0), |(now, before)| (now.base, before.base))
    }

    fn is_empty(&self) -> bool {
        self.figures.values().all(|(now, _)| *now == Tally::default())
    }

    /// What a figure is sorted by: of percentiles the upper one. None where nothing was measured.
    fn sorted_by(&self, kpi: Kpi) -> Option<f64> {
        let value = self.values(kpi).0;
        if kpi.definition().formula == Formula::Percentiles { value.upper } else { value.main }
    }
}

/// The scorecards of all carriers.
///
/// # Errors
/// When the caller may not, the period is too long, or the store fails.
pub async fn scorecards(context: &Context, caller: &Caller, question: &Question) -> Result<Scorecards> {
    caller.require(Permission::Figures)?;
    read::check(question)?;
    let now = context.now();
    let today = read::zone(context, caller).await?.to_datetime(now).date();
    let filter = Filter { carrier: None, ..question.filter.clone() };
    let before = question.of_compared(today);
    let weeks = weeks(question.period);
    let course = Period { from: weeks[0].from, until: question.period.until };
    let rows = rows(context, caller, FIGURES, (question.period, &filter)).await?;
    let rows_before = self::rows(context, caller, FIGURES, (before.period, &filter)).await?;
    let rows_of_weeks = self::rows(context, caller, &[Kpi::OnTime], (course, &filter)).await?;
    let mut cards: BTreeMap<Option<String>, Scorecard> = BTreeMap::new();
    let at = minute(now);
    let mut of = |row: &RollupRow, add: &dyn Fn(&mut Scorecard)| {
        let carrier = row.dims.carrier.clone();
        add(cards.entry(carrier.clone()).or_insert_with(|| Scorecard::empty(carrier, &weeks)));
    };
    for row in &rows {
        of(row, &|card| card.figures.entry(row.key.kpi).or_default().0.add(&row.key, row.n, at));
    }
    for row in &rows_before {
        of(row, &|card| card.figures.entry(row.key.kpi).or_default().1.add(&row.key, row.n, at));
    }
    let mut of_weeks: BTreeMap<(Option<String>, Date), Tally> = BTreeMap::new();
    for row in &rows_of_weeks {
        let week = Period::around(row.key.bucket.day, Length::Week).from;
        of_weeks.entry((row.dims.carrier.clone(), week)).or_default().add(&row.key, row.n, at);
    }
    for ((carrier, week), tally) in &of_weeks {
        let place = cards.get_mut(carrier).and_then(|card| card.weeks.iter_mut().find(|(day, _)| day == week));
        if let Some((_, share)) = place {
            *share = Share::of(tally);
        }
    }
    let mut cards: Vec<Scorecard> = cards.into_values().filter(|card| !card.is_empty()).collect();
    place(&mut cards);
    cards.sort_by(by_rank);
    let course: Vec<(Date, Share)> = weeks.iter().map(|week| (week.from, Share::default())).collect();
    Ok(Scorecards {
        annotations: unlike(context, caller, &course, None).await?,
        cards,
        targets: targets(context, caller).await?,
        counted_until: context.store.rollups.waiting(caller.scope()).await?.since.unwrap_or(now).min(now),
    })
}

/// Orders scorecards by a figure, the best first; where it is of too few, or nothing was measured, last.
pub fn sort(cards: &mut [Scorecard], by: Kpi) {
    let direction = by.definition().direction;
    let key = |card: &Scorecard| {
        let few = card.values(by).0.is_of_few();
        card.sorted_by(by).map(|value| (few, if direction == Direction::Up { -value } else { value }))
    };
    cards.sort_by(|a, b| match (key(a), key(b)) {
        (Some((few, a)), Some((other, b))) => few.cmp(&other).then(a.total_cmp(&b)),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    });
}

/// Orders scorecards by the shipments handed over, the most first.
pub fn sort_by_volume(cards: &mut [Scorecard]) {
    cards.sort_by_key(|card| -card.handed_over().0);
}

/// The review of a carrier.
///
/// # Errors
/// When the caller may not, nothing was ever counted of this carrier, the period is too long, or the store fails.
pub async fn review(context: &Context, caller: &Caller, question: &Question, carrier: &str) -> Result<Review> {
    caller.require(Permission::Figures)?;
    let Scorecards { mut cards, targets, counted_until, .. } = scorecards(context, caller, question).await?;
    let ranked = cards.iter().filter(|card| matches!(card.rank, Some(Rank::Place(_)))).count();
    let of_it = |card: &Scorecard| card.carrier.as_deref() == Some(carrier);
    let card = match cards.iter().position(of_it) {
        Some(place) => cards.swap_remove(place),
        None => {
            let known = read::dims(context, caller).await?;
            if !known.iter().any(|dims| dims.carrier.as_deref() == Some(carrier)) {
                return Err(UseCaseError::NotFound("carrier"));
            }
            let mut card = Scorecard::empty(Some(carrier.to_owned()), &weeks(question.period));
            card.rank = Some(Rank::TooFew);
            card
        }
    };
    let filter = Filter { carrier: Some(carrier.to_owned()), ..question.filter.clone() };
    let asked = Question { filter, ..question.clone() };
    let cells = read::cells(context, caller, BY_LANE, &asked).await?;
    let lanes = by_lane(cells);
    let shares: Vec<(Lane, Share)> = lanes.iter().map(|lane| (lane.lane.clone(), lane.on_time())).collect();
    let annotations = unlike(context, caller, &card.weeks, Some(carrier)).await?;
    let unusual = unusual(&card.weeks, &annotations);
    let evidence =
        Evidence { figures: &card.figures, targets: &targets, weeks: &card.weeks, unusual: &unusual, lanes: &shares };
    let findings = findings(evidence);
    let troubles = analysis::troubles(context, caller, &asked).await?;
    Ok(Review { card, ranked, lanes, findings, troubles, annotations, unusual, targets, counted_until })
}

impl LaneFigures {
    /// On time against promise.
    pub fn on_time(&self) -> Share {
        self.figures.get(&Kpi::OnTime).map(Share::of).unwrap_or_default()
    }

    /// What a figure comes to.
    pub fn value(&self, kpi: Kpi) -> Value {
        self.figures.get(&kpi).unwrap_or(&Tally::default()).value(kpi.definition())
    }
}

impl Review {
    /// Lanes added up by warehouse alone.
    pub fn warehouses(&self) -> Vec<LaneFigures> {
        self.added_up(|lane| Lane { warehouse: lane.warehouse.clone(), country: None })
    }

    /// Lanes added up by country of destination alone.
    pub fn countries(&self) -> Vec<LaneFigures> {
        self.added_up(|lane| Lane { warehouse: None, country: lane.country.clone() })
    }

    fn added_up(&self, by: impl Fn(&Lane) -> Lane) -> Vec<LaneFigures> {
        let mut all: BTreeMap<Lane, BTreeMap<Kpi, Tally>> = BTreeMap::new();
        for lane in &self.lanes {
            let figures = all.entry(by(&lane.lane)).or_default();
            for (kpi, tally) in &lane.figures {
                figures.entry(*kpi).or_default().merge(tally);
            }
        }
        worst_first(all)
    }
}

/// What was unlike other weeks of a course; of a carrier what concerns all, and it.
async fn unlike(
    context: &Context,
    caller: &Caller,
    weeks: &[(Date, Share)],
    carrier: Option<&str>,
) -> Result<Vec<AnnotationRecord>> {
    let (Some((first, _)), Some((last, _))) = (weeks.first(), weeks.last()) else { return Ok(Vec::new()) };
    let days = (*first, Period::around(*last, Length::Week).last());
    let listed = annotations::list(context, caller, days, carrier).await?;
    Ok(listed.into_iter().map(|one| one.record).collect())
}

/// The Mondays of weeks in which something was unlike other weeks.
fn unusual(weeks: &[(Date, Share)], annotations: &[AnnotationRecord]) -> BTreeSet<Date> {
    let is = |monday: &Date| {
        let week = Period::around(*monday, Length::Week);
        annotations.iter().any(|one| one.from <= week.last() && one.to >= week.from)
    };
    weeks.iter().map(|(monday, _)| *monday).filter(is).collect()
}

/// What cells add up to by lane.
fn by_lane(cells: Vec<Cell>) -> Vec<LaneFigures> {
    let mut all: BTreeMap<Lane, BTreeMap<Kpi, Tally>> = BTreeMap::new();
    for Cell { dims, tallies } in cells {
        let figures = all.entry(Lane { warehouse: dims.warehouse, country: dims.country }).or_default();
        for (kpi, tally) in BY_LANE.iter().zip(tallies) {
            figures.entry(*kpi).or_default().merge(&tally);
        }
    }
    worst_first(all)
}

/// Those with the most late ones first, of equals the busiest.
fn worst_first(all: BTreeMap<Lane, BTreeMap<Kpi, Tally>>) -> Vec<LaneFigures> {
    let mut all: Vec<LaneFigures> = all.into_iter().map(|(lane, figures)| LaneFigures { lane, figures }).collect();
    all.sort_by_key(|lane| (-lane.on_time().rest(), -lane.on_time().of));
    all
}

/// The weeks of a course: up to the last one that the period has whole (of less than a week the one that it lies in), and as many as
/// it has, but at least a quarter's.
fn weeks(period: Period) -> Vec<Period> {
    let last = Period::around(period.last(), Length::Week);
    let is_whole = last.until <= period.until || period.days() < 7;
    let last = if is_whole { last } else { last.moved(Length::Week, -1) };
    let wanted = ((period.days() + 6) / 7).clamp(WEEKS_MIN, WEEKS_MAX);
    (0..wanted).rev().map(|back| last.moved(Length::Week, -back)).collect()
}

async fn rows(
    context: &Context,
    caller: &Caller,
    kpis: &[Kpi],
    (period, filter): (Period, &Filter),
) -> Result<Vec<RollupRow>> {
    let query = RollupQuery {
        kpis: kpis.iter().map(|kpi| (*kpi, kpi.version())).collect(),
        from: period.from,
        until: period.until,
        filter: filter.clone(),
        by: By::Carrier,
        monthly: Monthly::Days,
    };
    Ok(context.store.rollups.rows(caller.scope(), query).await?)
}

/// The target of each figure of a scorecard that has one: the one that a person set, else the definition's.
async fn targets(context: &Context, caller: &Caller) -> Result<BTreeMap<Kpi, f64>> {
    let set = read::targets(context, caller).await?;
    let target = |kpi: &Kpi| {
        let own = kpi.definition().target.map(|target| target.value);
        Some((*kpi, set.get(kpi).copied().or(own)?))
    };
    Ok(FIGURES.iter().filter_map(target).collect())
}

/// Gives each carrier its place; shipments of an unknown one have none.
fn place(cards: &mut [Scorecard]) {
    let shares = |of: fn(&(Tally, Tally)) -> &Tally| -> Vec<Share> {
        let named = cards.iter().filter(|card| card.carrier.is_some());
        named.map(|card| card.figures.get(&Kpi::OnTime).map(|both| Share::of(of(both))).unwrap_or_default()).collect()
    };
    let (now, before) = (ranks(&shares(|both| &both.0)), ranks(&shares(|both| &both.1)));
    let named = cards.iter_mut().filter(|card| card.carrier.is_some());
    for (card, (now, before)) in named.zip(now.into_iter().zip(before)) {
        (card.rank, card.rank_before) = (Some(now), Some(before));
    }
}

fn by_rank(a: &Scorecard, b: &Scorecard) -> Ordering {
    let place = |card: &Scorecard| match card.rank {
        Some(Rank::Place(place)) => place,
        Some(Rank::TooFew) => usize::MAX - 1,
        None => usize::MAX,
    };
    place(a).cmp(&place(b)).then(b.handed_over().0.cmp(&a.handed_over().0)).then(a.carrier.cmp(&b.carrier))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn card(carrier: &str, part: i64, of: i64) -> Scorecard {
        let mut card = Scorecard::empty(Some(carrier.to_owned()), &[]);
        let on_time = Tally { yes: part, no: of - part, ..Tally::default() };
        card.figures.insert(Kpi::OnTime, (on_time, Tally::default()));
        card.figures
            .insert(Kpi::DamageRate, (Tally { yes: of - part, no: part, ..Tally::default() }, Tally::default()));
        card.figures.insert(Kpi::ExceptionRate, (Tally { base: of, ..Tally::default() }, Tally::default()));
        card
    }

    fn names(cards: &[Scorecard]) -> Vec<&str> {
        cards.iter().map(|card| card.carrier.as_deref().unwrap_or("unknown")).collect()
    }

    #[test]
    fn carriers_are_ordered_by_place_and_those_without_one_by_volume() {
        let mut cards = [card("few", 9, 9), card("more", 20, 20), card("bad", 70, 100), card("good", 95, 100)];
        let mut unknown = card("", 100, 100);
        unknown.carrier = None;
        let mut cards: Vec<Scorecard> = cards.iter_mut().map(|card| card.clone()).chain([unknown]).collect();
        place(&mut cards);
        cards.sort_by(by_rank);
        assert_eq!(names(&cards), ["good", "bad", "more", "few", "unknown"]);
        let ranks: Vec<_> = cards.iter().map(|card| card.rank).collect();
        let place = |place| Some(Rank::Place(place));
        assert_eq!(ranks, [place(1), place(2), Some(Rank::TooFew), Some(Rank::TooFew), None]);
        assert!(cards.iter().take(4).all(|card| card.rank_before == Some(Rank::TooFew)), "nothing before");
    }

    #[test]
    fn any_figure_orders_them_the_best_first() {
        let mut cards = [card("a", 90, 100), card("b", 99, 100), card("few", 9, 9)];
        sort(&mut cards, Kpi::DamageRate);
        assert_eq!(names(&cards), ["b", "a", "few"], "less is better, and few come last");
        sort(&mut cards, Kpi::OnTime);
        assert_eq!(names(&cards), ["b", "a", "few"]);
        sort_by_volume(&mut cards);
        assert_eq!(names(&cards), ["b", "a", "few"]);
        sort(&mut cards, Kpi::TransitTime);
        assert_eq!(names(&cards), ["b", "a", "few"], "nothing measured changes nothing");
    }

    #[test]
    fn a_course_has_a_quarter_of_weeks_and_ends_with_the_period() {
        let monday = date(2026, 11, 16);
        let of = |from: Date, until: Date| weeks(Period { from, until });
        let week = of(monday, date(2026, 11, 23));
        assert_eq!((week.len(), week[12].from, week[0].from), (13, monday, date(2026, 8, 24)));
        assert_eq!(of(monday, date(2026, 11, 18)).last().unwrap().from, monday, "a part of a week");
        let year = of(date(2025, 11, 1), date(2026, 11, 1));
        assert_eq!((year.len(), year[52].from), (53, date(2026, 10, 19)), "its last week has a day of November");
    }
}
