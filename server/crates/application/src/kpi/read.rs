//! What pages read of figures: each with its definition, the period before, its days, its target and how current it is; one figure
//! split by carrier and the like; and the shipments behind a number.

use super::keep::{self, Walk};
pub use super::period::{DAYS_MAX, Period};
use crate::{
    caller::Caller,
    context::Context,
    error::{Result, UseCaseError},
    exceptions::calendar,
    people::settings,
};
use domain::{access::Permission, ids::ShipmentId};
use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use kpi::{
    contribution::row::{Dims, Key, Part},
    definition::{Definition, Formula, Kind, Kpi},
    figure::{Tally, Value, minute},
};
use std::collections::BTreeMap;
use storage::{
    Page,
    rollups::{By, Filter, Monthly, Open, RollupQuery, RollupRow, UnitQuery, UnitRow},
    shipments::ShipmentRow,
};

/// The setting with the targets that people set.
const TARGETS: &str = "figures.targets";

/// Which period, and what narrows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The period.
    pub period: Period,
    /// What narrows it.
    pub filter: Filter,
    /// The period that it is compared with.
    pub compared: Period,
}

impl Question {
    /// About a period, compared with the one before it.
    pub fn of(period: Period, filter: Filter) -> Self {
        Self { compared: period.before(), period, filter }
    }

    /// The same about the period that it is compared with: of one that is not over as much of it as has passed.
    #[must_use]
    pub fn of_compared(&self, today: Date) -> Self {
        Self { period: elapsed(self.period, self.compared, today), ..self.clone() }
    }
}

/// A figure.
#[derive(Clone, Debug)]
pub struct Figure {
    /// What it is.
    pub definition: &'static Definition,
    /// The number. Of what is known at an hour the one at the end of the period, or now.
    pub value: Value,
    /// What it is made of: pending, outside by reason.
    pub tally: Tally,
    /// The number of the period before; of a period that is not over up to the same day.
    pub before: Value,
    /// The number of each day, oldest first.
    pub days: Vec<(Date, Value)>,
    /// The value to reach: the one that a person set, else the definition's.
    pub target: Option<f64>,
}

/// Some figures.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The figures, as they were asked for.
    pub figures: Vec<Figure>,
    /// Up to when they are counted.
    pub counted_until: Timestamp,
    /// How far counting again has come, while a definition changes or every night.
    pub recount: Option<Walk>,
}

/// By what a figure is split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is what it is named by")]
pub enum Dimension {
    Company,
    Warehouse,
    Carrier,
    Country,
    Segment,
}

/// Figures of one carrier, or of one of what they are split by.
#[derive(Clone, Debug)]
pub struct Slice {
    /// Which; none: not known.
    pub name: Option<String>,
    /// Its figures, as they were asked for: the number, and that of the period before.
    pub figures: Vec<(Value, Value)>,
}

/// Which of the units behind a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    /// Those that count for it, undecided ones too; of percentiles all values.
    For,
    /// Those that count against it: late, and open past the deadline.
    Against,
    /// Those that are undecided.
    Undecided,
    /// Those that are open, before a deadline or without one.
    Pending,
    /// What a rate is compared with.
    Base,
    /// Outside, for a reason.
    Outside(Part),
}

/// The company's zone.
pub(super) async fn zone(context: &Context, caller: &Caller) -> Result<TimeZone> {
    let company = calendar::company(context, caller.scope()).await?;
    Ok(TimeZone::get(&company.zone).unwrap_or(TimeZone::UTC))
}

pub(super) fn check(question: &Question) -> Result<()> {
    if (1..=DAYS_MAX).contains(&question.period.days()) {
        return Ok(());
    }
    let message = format!("a period has 1 to {DAYS_MAX} days: choose a first and a last day within that");
    Err(UseCaseError::Invalid { field: "period", message })
}

/// Figures of a period.
///
/// # Errors
/// When the caller may not, the period is too long, or the store fails.
pub async fn figures(context: &Context, caller: &Caller, kpis: &[Kpi], question: &Question) -> Result<Answer> {
    caller.require(Permission::Figures)?;
    check(question)?;
    let (now, zone) = (context.now(), zone(context, caller).await?);
    let before = question.of_compared(zone.to_datetime(now).date());
    let clock = Clock { now, zone: &zone };
    let rows = Rows::read(context, caller, kpis, question).await?;
    let rows_before = Rows::read(context, caller, kpis, &before).await?;
    let targets = targets(context, caller).await?;
    let figures = kpis.iter().map(|kpi| {
        let definition = kpi.definition();
        let tally = rows.tally(*kpi, question.period, &clock);
        let tally_before = rows_before.tally(*kpi, before.period, &clock);
        Figure {
            definition,
            value: tally.value(definition),
            before: tally_before.value(definition),
            days: rows.days(*kpi, question.period, &clock),
            target: targets.get(kpi).copied().or(definition.target.map(|target| target.value)),
            tally,
        }
    });
    Ok(Answer {
        figures: figures.collect(),
        counted_until: context.store.rollups.waiting(caller.scope()).await?.since.unwrap_or(now).min(now),
        recount: keep::progress(context, caller.scope()).await?,
    })
}

/// The period that another is compared with; of one that is not over only the days whose counterparts are over, and today's.
fn elapsed(period: Period, compared: Period, today: Date) -> Period {
    if today >= period.last() {
        return compared;
    }
    let passed = today.saturating_add(1.day()).since(period.from).map_or(0, |span| span.get_days()).max(1);
    Period { from: compared.from, until: compared.from.saturating_add(passed.days()).min(compared.until) }
}

/// The company's day.
///
/// # Errors
/// When the caller may not, or the store fails.
pub async fn today(context: &Context, caller: &Caller) -> Result<Date> {
    caller.require(Permission::Figures)?;
    Ok(zone(context, caller).await?.to_datetime(context.now()).date())
}

/// Figures over several periods that follow each other, oldest first: for each figure the number of each period.
///
/// # Errors
/// As [`figures`].
pub async fn course(
    context: &Context,
    caller: &Caller,
    kpis: &[Kpi],
    filter: &Filter,
    periods: &[Period],
) -> Result<Vec<Vec<Value>>> {
    caller.require(Permission::Figures)?;
    let (Some(first), Some(last)) = (periods.first(), periods.last()) else { return Ok(vec![Vec::new(); kpis.len()]) };
    let question = Question::of(Period { from: first.from, until: last.until }, filter.clone());
    check(&question)?;
    let (now, zone) = (context.now(), zone(context, caller).await?);
    let clock = Clock { now, zone: &zone };
    let rows = Rows::read(context, caller, kpis, &question).await?;
    let of =
        |kpi: &Kpi| periods.iter().map(|period| rows.tally(*kpi, *period, &clock).value(kpi.definition())).collect();
    Ok(kpis.iter().map(of).collect())
}

/// What figures add up to for each combination of what they can be narrowed by.
#[derive(Clone, Debug)]
pub struct Cell {
    /// By what.
    pub dims: Dims,
    /// The figures, as they were asked for.
    pub tallies: Vec<Tally>,
}

/// Figures of a period by everything that narrows, for boards that split them in several ways from one reading.
///
/// # Errors
/// As [`figures`].
pub async fn cells(context: &Context, caller: &Caller, kpis: &[Kpi], question: &Question) -> Result<Vec<Cell>> {
    caller.require(Permission::Figures)?;
    check(question)?;
    let (now, zone) = (context.now(), zone(context, caller).await?);
    let clock = Clock { now, zone: &zone };
    let rows = Rows::read_by(context, caller, kpis, question, By::Dims).await?;
    let mut cells: BTreeMap<Dims, Rows> = BTreeMap::new();
    for (months, rows) in [(Months::Whole, rows.months), (Months::Days, rows.rows)] {
        for row in rows {
            cells.entry(row.dims.clone()).or_default().push(months, row);
        }
    }
    let cell = |(dims, rows): (Dims, Rows)| Cell {
        tallies: kpis.iter().map(|kpi| rows.tally(*kpi, question.period, &clock)).collect(),
        dims,
    };
    Ok(cells.into_iter().map(cell).collect())
}

/// Figures split, by name; what is not known last.
///
/// # Errors
/// As [`figures`].
pub async fn by(
    context: &Context,
    caller: &Caller,
    kpis: &[Kpi],
    question: &Question,
    dimension: Dimension,
) -> Result<Vec<Slice>> {
    caller.require(Permission::Figures)?;
    check(question)?;
    let (now, zone) = (context.now(), zone(context, caller).await?);
    let clock = Clock { now, zone: &zone };
    let before = question.of_compared(zone.to_datetime(now).date());
    let how = if dimension == Dimension::Carrier { By::Carrier } else { By::Dims };
    let mut slices: BTreeMap<Option<String>, [Rows; 2]> = BTreeMap::new();
    for (place, asked) in [question, &before].into_iter().enumerate() {
        let rows = Rows::read_by(context, caller, kpis, asked, how).await?;
        for (months, rows) in [(Months::Whole, rows.months), (Months::Days, rows.rows)] {
            for row in rows {
                for name in names(&row.dims, dimension) {
                    let slice = slices.entry(name).or_default();
                    slice[place].push(months, row.clone());
                }
            }
        }
    }
    let mut all: Vec<Slice> = slices
        .into_iter()
        .map(|(name, [rows, rows_before])| {
            let of = |kpi: &Kpi| {
                let value = |rows: &Rows, period| rows.tally(*kpi, period, &clock).value(kpi.definition());
                (value(&rows, question.period), value(&rows_before, before.period))
            };
            Slice { figures: kpis.iter().map(of).collect(), name }
        })
        .collect();
    all.sort_by(|a, b| (a.name.is_none(), &a.name).cmp(&(b.name.is_none(), &b.name)));
    Ok(all)
}

/// Under which names a row counts: a customer may have several segments.
fn names(dims: &Dims, dimension: Dimension) -> Vec<Option<String>> {
    match dimension {
        Dimension::Company => vec![dims.company.clone()],
        Dimension::Warehouse => vec![dims.warehouse.clone()],
        Dimension::Carrier => vec![dims.carrier.clone()],
        Dimension::Country => vec![dims.country.clone()],
        Dimension::Segment if dims.segments.is_empty() => vec![None],
        Dimension::Segment => dims.segments.iter().cloned().map(Some).collect(),
    }
}

/// A page of the shipments behind a figure; what each adds to it stands beside.
///
/// # Errors
/// When the caller may not, the figure has no list of its own, or the store fails.
pub async fn behind(
    context: &Context,
    caller: &Caller,
    kpi: Kpi,
    question: &Question,
    (tab, cursor): (Tab, Option<String>),
) -> Result<Page<UnitRow>> {
    caller.require(Permission::Figures)?;
    let query = UnitQuery { cursor, ..units(kpi, question, tab, context.now())? };
    Ok(context.store.rollups.units(caller.scope(), query).await?)
}

/// How many those are: the number that the figure shows for it.
///
/// # Errors
/// As [`behind`].
pub async fn count_behind(context: &Context, caller: &Caller, kpi: Kpi, question: &Question, tab: Tab) -> Result<i64> {
    caller.require(Permission::Figures)?;
    let query = units(kpi, question, tab, context.now())?;
    Ok(context.store.rollups.count(caller.scope(), query).await?)
}

/// The predicate of a figure's list.
fn units(kpi: Kpi, question: &Question, tab: Tab, now: Timestamp) -> Result<UnitQuery> {
    check(question)?;
    let definition = kpi.definition();
    if !definition.is_listed() {
        let message =
            format!("{} is counted of what is known at an hour, or of events: see its live list", definition.title);
        return Err(UseCaseError::Invalid { field: "kpi", message });
    }
    let (parts, open) = match tab {
        Tab::For if definition.formula == Formula::Percentiles => (vec![Part::Value], None),
        Tab::For => (vec![Part::Yes, Part::Maybe], None),
        Tab::Against => (vec![Part::No, Part::Open], Some(Open::LateBy(minute(now)))),
        Tab::Undecided => (vec![Part::Maybe], None),
        Tab::Pending => (vec![Part::Open], Some(Open::NotLateBy(minute(now)))),
        Tab::Base => (vec![Part::Base], None),
        Tab::Outside(part) => (vec![part], None),
    };
    Ok(UnitQuery {
        kpi: (kpi, definition.version),
        from: question.period.from,
        until: question.period.until,
        filter: question.filter.clone(),
        parts,
        open,
        cursor: None,
    })
}

/// The shipments of a page of units, as lists have them.
///
/// # Errors
/// When the caller may not, or the store fails.
pub async fn shipments(context: &Context, caller: &Caller, ids: Vec<ShipmentId>) -> Result<Vec<ShipmentRow>> {
    caller.require(Permission::Figures)?;
    Ok(context.store.shipments.rows_of(caller.scope(), ids).await?)
}

/// Everything that figures can be narrowed by.
///
/// # Errors
/// When the caller may not, or the store fails.
pub async fn dims(context: &Context, caller: &Caller) -> Result<Vec<Dims>> {
    caller.require(Permission::Figures)?;
    Ok(context.store.rollups.dims(caller.scope()).await?)
}

/// The targets that people set, in the units of the figures.
///
/// # Errors
/// When the caller may not, or the store fails.
pub async fn set_targets(context: &Context, caller: &Caller) -> Result<BTreeMap<Kpi, f64>> {
    caller.require(Permission::Figures)?;
    targets(context, caller).await
}

pub(super) async fn targets(context: &Context, caller: &Caller) -> Result<BTreeMap<Kpi, f64>> {
    Ok(settings::read(context, caller.scope(), TARGETS).await?.unwrap_or_default())
}

/// Sets the target of a figure, in its unit; none: the definition's again.
///
/// # Errors
/// When the caller may not, the target is no number that the figure can have, or the store fails.
pub async fn set_target(context: &Context, caller: &Caller, kpi: Kpi, target: Option<f64>) -> Result<()> {
    caller.require(Permission::Operate)?;
    if target.is_some_and(|target| !target.is_finite() || target < 0.0) {
        let message = "a target is a number of 0 or more, in the figure's unit".to_owned();
        return Err(UseCaseError::Invalid { field: "target", message });
    }
    let audited = ("figure.target", format!("figure:{}", kpi.id()));
    settings::amend(context, caller.scope(), TARGETS, audited, |targets: &mut BTreeMap<Kpi, f64>| {
        match target {
            Some(target) => targets.insert(kpi, target),
            None => targets.remove(&kpi),
        };
        Ok(())
    })
    .await
}

/// Now, and where days lie.
struct Clock<'a> {
    now: Timestamp,
    zone: &'a TimeZone,
}

impl Clock<'_> {
    /// The last full hour before the end of a day, counted from 1970. Of a day that goes on the next one: what was received
    /// by now is in it.
    fn hour_at_end(&self, day: Date) -> i32 {
        let end = storage::figures::Span::day(day, self.zone).until;
        // in some zones days end at half an hour of UTC
        let last = if end <= self.now { end.as_second() - 1 } else { self.now.as_second() + 3_600 };
        i32::try_from(last.div_euclid(3_600)).unwrap_or(i32::MAX)
    }
}

/// Rows of roll-ups: of the period; of what is known at an hour from the begin of its first month, and whole months before.
#[derive(Default)]
struct Rows {
    rows: Vec<RollupRow>,
    months: Vec<RollupRow>,
}

/// Of which rows.
#[derive(Clone, Copy)]
enum Months {
    Whole,
    Days,
}

impl Rows {
    async fn read(context: &Context, caller: &Caller, kpis: &[Kpi], question: &Question) -> Result<Self> {
        Self::read_by(context, caller, kpis, question, By::Nothing).await
    }

    async fn read_by(context: &Context, caller: &Caller, kpis: &[Kpi], question: &Question, by: By) -> Result<Self> {
        let (store, scope) = (&context.store.rollups, caller.scope());
        let of = |kind: Kind| {
            let of_kind = kpis.iter().filter(move |kpi| kpi.definition().kind == kind);
            of_kind.map(|kpi| (*kpi, kpi.version())).collect::<Vec<_>>()
        };
        let (flow, snapshots) = (of(Kind::Flow), of(Kind::Snapshot));
        let Period { from, until } = question.period;
        let query = |kpis: Vec<(Kpi, u16)>, from: Date, until: Date, monthly| RollupQuery {
            kpis,
            from,
            until,
            filter: question.filter.clone(),
            by,
            monthly,
        };
        let mut rows = Self::default();
        if !flow.is_empty() {
            rows.rows = store.rows(scope, query(flow, from, until, Monthly::Days)).await?;
        }
        if !snapshots.is_empty() {
            let month = from.first_of_month();
            rows.months = store.rows(scope, query(snapshots.clone(), Date::MIN, month, Monthly::Months)).await?;
            rows.rows.extend(store.rows(scope, query(snapshots, month, until, Monthly::Days)).await?);
        }
        Ok(rows)
    }

    fn push(&mut self, months: Months, row: RollupRow) {
        match months {
            Months::Whole => self.months.push(row),
            Months::Days => self.rows.push(row),
        }
    }

    /// What a figure adds up to in a period.
    fn tally(&self, kpi: Kpi, period: Period, clock: &Clock<'_>) -> Tally {
        match kpi.definition().kind {
            Kind::Flow => {
                let within = |key: &Key| key.bucket.day >= period.from && key.bucket.day < period.until;
                self.sum(kpi, clock, within)
            }
            Kind::Snapshot => self.as_known(kpi, period.until.saturating_sub(1.day()), clock),
        }
    }

    /// A figure day by day.
    fn days(&self, kpi: Kpi, period: Period, clock: &Clock<'_>) -> Vec<(Date, Value)> {
        let definition = kpi.definition();
        let today = clock.zone.to_datetime(clock.now).date();
        let days = (0..period.days()).map(|n| period.from.saturating_add(n.days()));
        let mut by_day: BTreeMap<Date, Tally> = BTreeMap::new();
        if definition.kind == Kind::Flow {
            for row in self.rows.iter().filter(|row| row.key.kpi == kpi) {
                by_day.entry(row.key.bucket.day).or_default().add(&row.key, row.n, minute(clock.now));
            }
        }
        let none = Tally::default();
        days.filter(|day| *day <= today)
            .map(|day| match definition.kind {
                Kind::Flow => (day, by_day.get(&day).unwrap_or(&none).value(definition)),
                Kind::Snapshot => (day, self.as_known(kpi, day, clock).value(definition)),
            })
            .collect()
    }

    /// What was known at the end of a day, or is known now: everything up to then, added up.
    fn as_known(&self, kpi: Kpi, day: Date, clock: &Clock<'_>) -> Tally {
        let hour = clock.hour_at_end(day);
        let mut tally = self.sum(kpi, clock, |key| key.bin.is_some_and(|bin| bin <= hour));
        for row in self.months.iter().filter(|row| row.key.kpi == kpi) {
            tally.add(&row.key, row.n, 0);
        }
        tally
    }

    fn sum(&self, kpi: Kpi, clock: &Clock<'_>, within: impl Fn(&Key) -> bool) -> Tally {
        let mut tally = Tally::default();
        for row in self.rows.iter().filter(|row| row.key.kpi == kpi && within(&row.key)) {
            tally.add(&row.key, row.n, minute(clock.now));
        }
        tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_period_that_is_not_over_is_compared_with_as_much() {
        let week = Period { from: date(2026, 3, 16), until: date(2026, 3, 23) };
        let compared = |today| elapsed(week, week.before(), today);
        assert_eq!(compared(date(2026, 3, 18)), Period { from: date(2026, 3, 9), until: date(2026, 3, 12) });
        assert_eq!(compared(date(2026, 3, 25)), week.before());
        assert_eq!(compared(date(2026, 3, 22)), week.before(), "its last day");
        assert_eq!(compared(date(2026, 1, 1)).days(), 1, "all of it is still to come");
        let (march, february) = (Period { from: date(2026, 3, 1), until: date(2026, 4, 1) }, date(2026, 2, 1));
        let short = elapsed(march, Period { from: february, until: date(2026, 3, 1) }, date(2026, 3, 30));
        assert_eq!(short, Period { from: february, until: date(2026, 3, 1) }, "no more than there is of it");
    }
}
