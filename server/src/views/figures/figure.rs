//! A figure in words: its number, its change, its target, what it is made of.

use super::choice::Asked;
use crate::views::{Asker, times::Times};
use app::{
    components::charts::number,
    contract::{
        ApiResult,
        figures::{ChangeView, DefinitionView, FigureTab, FigureView, Standing, TargetView, TrendView, Way},
    },
};
use application::{
    caller::Caller,
    kpi::{
        period::{Length, Period},
        read::{self, Figure, Tab},
    },
};
use jiff::Timestamp;
use kpi::{
    contribution::row::Part,
    definition::{Definition, Direction, Formula, Kind, Kpi, Unit},
    figure::{Tally, Value},
    learned::bins::Percentile,
};

/// How far a figure may lie off a target that it should be near to.
const NEAR: f64 = 3.0;
/// What begins the code of a tab with what is outside.
const OUTSIDE: &str = "outside-";
/// Hours from which a duration is shown in days, minutes in hours, seconds in minutes.
const LONG: f64 = 120.0;

/// Figures with their change, target and trend, as they were asked for.
///
/// # Errors
/// When the caller may not, or the store fails.
pub(in crate::views) async fn figures(
    asker: &Asker,
    caller: &Caller,
    asked: &Asked,
    kpis: &[Kpi],
) -> ApiResult<Vec<FigureView>> {
    let refused = |error| asker.refused(error);
    let answer = read::figures(&asker.context, caller, kpis, &asked.question).await.map_err(refused)?;
    let periods = asked.course();
    let filter = &asked.question.filter;
    let courses = read::course(&asker.context, caller, kpis, filter, &periods).await.map_err(refused)?;
    let times = asker.times();
    let view = |(figure, values): (&Figure, Vec<Value>)| {
        let scale = Scale::of(figure.definition, &figure.value);
        FigureView {
            trend: trend(&scale, asked.length, &periods, &values),
            ..figure_view(figure, &asked.view.compared, answer.counted_until, &times)
        }
    };
    Ok(answer.figures.iter().zip(courses).map(view).collect())
}

/// A figure without its trend. `on` is what it is compared with.
pub(in crate::views) fn figure_view(figure: &Figure, on: &str, counted_until: Timestamp, times: &Times) -> FigureView {
    let Figure { definition, value, tally, before, target, .. } = figure;
    let (standing, scale) = (standing(definition, value), Scale::of(definition, value));
    FigureView {
        id: definition.kpi.id().to_owned(),
        title: definition.title.to_owned(),
        shown: match (standing, value.main) {
            (Standing::NotCounted, _) => "Not counted yet".to_owned(),
            (_, Some(main)) => number(scale.of_value(main)),
            (_, None) => "No data".to_owned(),
        },
        unit: if matches!(standing, Standing::Known | Standing::Few) { scale.unit.to_owned() } else { String::new() },
        value: value.main.map(|main| scale.of_value(main)),
        standing,
        of: u64::try_from(value.of).unwrap_or_default(),
        beside: beside(definition, value, tally, &scale),
        change: (standing == Standing::Known).then(|| change(definition, &scale, value, before, on)).flatten(),
        target: target.filter(|_| definition.is_counted()).map(|target| goal(definition, &scale, value, target)),
        trend: TrendView::default(),
        parts: parts(definition, tally),
        definition: definition_view(definition),
        as_of: times.clock_or_date(counted_until),
    }
}

/// The days of a figure within its period.
pub(super) fn days(figure: &Figure) -> TrendView {
    let scale = Scale::of(figure.definition, &figure.value);
    TrendView {
        of: "Day".into(),
        span: format!("{} days", figure.days.len()),
        labels: figure.days.iter().map(|(day, _)| day.strftime("%-d %b").to_string()).collect(),
        values: figure.days.iter().map(|(_, value)| value.main.map(|main| scale.of_value(main))).collect(),
    }
}

/// Over several periods.
pub(in crate::views) fn trend(scale: &Scale, length: Length, periods: &[Period], values: &[Value]) -> TrendView {
    let (one, many) = match length {
        Length::Day | Length::Days => ("Day", "days"),
        Length::Week => ("Week", "weeks"),
        Length::Month => ("Month", "months"),
        Length::Quarter => ("Quarter", "quarters"),
    };
    let whole_weeks = periods.iter().all(|period| period.days() == 7);
    let (one, many) = match (length, whole_weeks) {
        (Length::Days, true) => ("Week", "weeks"),
        (Length::Days, false) => ("Period", "periods"),
        _ => (one, many),
    };
    let label = |period: &Period| {
        let from = period.from;
        match length {
            Length::Day => from.strftime("%-d %b").to_string(),
            Length::Week => format!("W{}", from.iso_week_date().week()),
            Length::Month => from.strftime("%b").to_string(),
            Length::Quarter => format!("Q{} {}", (from.month() + 2) / 3, from.strftime("%y")),
            Length::Days => period.name(length),
        }
    };
    TrendView {
        of: one.to_owned(),
        span: format!("{} {many}", periods.len()),
        labels: periods.iter().map(label).collect(),
        values: values.iter().map(|value| value.main.map(|main| scale.of_value(main))).collect(),
    }
}

/// In what a figure's numbers are shown: all of them in one unit.
pub(in crate::views) struct Scale {
    divisor: f64,
    /// The unit behind the number.
    pub unit: &'static str,
}

impl Scale {
    /// By the size of the number.
    pub fn of(definition: &Definition, value: &Value) -> Self {
        let long = value.main.is_some_and(|main| main >= LONG);
        let (divisor, unit) = match definition.unit {
            Unit::Hours if definition.kpi == Kpi::TransitTime || long => (24.0, "d"),
            Unit::Minutes if long => (60.0, "h"),
            Unit::Seconds if long => (60.0, "min"),
            other => (1.0, other.sign()),
        };
        Self { divisor, unit }
    }

    /// A number in it.
    pub fn of_value(&self, value: f64) -> f64 {
        value / self.divisor
    }

    /// A number with its unit.
    pub fn words(&self, value: f64) -> String {
        let shown = number(self.of_value(value));
        if self.unit.is_empty() { shown } else { format!("{shown} {}", self.unit) }
    }

    /// The size of a difference; of shares to a tenth of a point.
    fn rounded(&self, by: f64) -> f64 {
        let by = self.of_value(by.abs());
        if self.unit == "%" { (by * 10.0).round() / 10.0 } else { by }
    }

    /// A difference: of shares in points.
    fn difference(&self, by: f64) -> String {
        let shown = number(self.rounded(by));
        match self.unit {
            "%" => format!("{shown} pt"),
            "" => shown,
            unit => format!("{shown} {unit}"),
        }
    }
}

fn standing(definition: &Definition, value: &Value) -> Standing {
    match value.main {
        _ if !definition.is_counted() => Standing::NotCounted,
        None => Standing::NoData,
        Some(_) if definition.is_of_sample() && value.is_of_few() => Standing::Few,
        Some(_) => Standing::Known,
    }
}

/// What stands beside the number.
fn beside(definition: &Definition, value: &Value, tally: &Tally, scale: &Scale) -> String {
    let counted = |n: i64, of: i64, what: &str| format!("{} of {} {what}", number(n as f64), number(of as f64));
    match definition.formula {
        Formula::Percentiles => value.upper.map_or_else(String::new, |upper| {
            let name = if definition.upper() == Percentile::P99 { "P99" } else { "P90" };
            format!("Median; {name} {}", scale.words(upper))
        }),
        Formula::Share if definition.kind == Kind::Snapshot && value.of > 0 => {
            counted(tally.yes, tally.base, "shipments")
        }
        Formula::Share => match (value.main, value.lowest) {
            (Some(main), Some(lowest)) if lowest < main => {
                format!("At least {} where undecided ones count as late", scale.words(lowest))
            }
            _ => String::new(),
        },
        _ => String::new(),
    }
}

/// How it changed; none where either is not known or of too few.
pub(in crate::views) fn change(
    definition: &Definition,
    scale: &Scale,
    value: &Value,
    before: &Value,
    on: &str,
) -> Option<ChangeView> {
    if definition.is_of_sample() && (before.is_of_few() || value.is_of_few()) {
        return None;
    }
    let by = value.main? - before.main?;
    let shown = scale.difference(by);
    // what rounds to nothing is no change
    let way = match number(scale.rounded(by)).as_str() {
        "0" => Way::Same,
        _ if by > 0.0 => Way::Up,
        _ => Way::Down,
    };
    let better = match (way, definition.direction) {
        (Way::Same, _) | (_, Direction::Near) => None,
        (way, Direction::Up) => Some(way == Way::Up),
        (way, Direction::Down) => Some(way == Way::Down),
    };
    Some(ChangeView {
        shown: if way == Way::Same { "no change".into() } else { shown },
        way,
        better,
        on: on.to_owned(),
    })
}

/// What should be reached, and by how much it is missed.
pub(in crate::views) fn goal(definition: &Definition, scale: &Scale, value: &Value, target: f64) -> TargetView {
    let of = definition.target.map_or(
        match (definition.formula, definition.direction) {
            (Formula::Percentiles, _) => "P50 at most",
            (_, Direction::Up) => "at least",
            (_, Direction::Down) => "at most",
            (_, Direction::Near) => "near",
        },
        |target| target.of,
    );
    let of_upper = definition.target.is_some_and(|target| target.is_of_upper());
    let measured = if of_upper { value.upper } else { value.main };
    let off = |value: f64| match definition.direction {
        Direction::Up => target - value,
        Direction::Down => value - target,
        Direction::Near => (value - target).abs() - NEAR,
    };
    let judged = measured.filter(|_| matches!(standing(definition, value), Standing::Known));
    let words = match of {
        "at least" => scale.words(target),
        // a limit says so itself
        "at most" => format!("at most {}", scale.words(target)),
        of => format!("{of} {}", scale.words(target)),
    };
    TargetView {
        value: scale.of_value(target),
        of_number: !of_upper,
        shown: words,
        met: judged.map(|value| off(value) <= 0.0),
        missed: judged
            .filter(|value| off(*value) > 0.0)
            .map(|value| format!("missed by {}", scale.difference(off(value))))
            .unwrap_or_default(),
    }
}

pub(in crate::views) fn definition_view(definition: &Definition) -> DefinitionView {
    DefinitionView {
        version: definition.version,
        reads: definition.reads.to_owned(),
        counts: definition.counts.to_owned(),
        bucket: definition.bucket.to_owned(),
        restated: definition.kind == Kind::Flow,
        source: definition.source.to_owned(),
    }
}

/// What a figure is made of: as many of each as its list has.
pub(in crate::views) fn parts(definition: &Definition, tally: &Tally) -> Vec<FigureTab> {
    if !definition.is_listed() || !definition.is_counted() {
        return Vec::new();
    }
    let (counts_for, against, base) = labels(definition.kpi);
    let bad_for = definition.direction == Direction::Down;
    let counted = match definition.formula {
        Formula::Percentiles => i64::try_from(tally.values.total()).unwrap_or(i64::MAX),
        _ => tally.yes + tally.maybe,
    };
    let open = if definition.formula == Formula::Percentiles { "open" } else { "pending" };
    let mut parts = vec![
        (Tab::For, counts_for, counted, bad_for && definition.formula != Formula::Percentiles),
        (Tab::Against, against, tally.no + tally.overdue, !bad_for),
        (Tab::Undecided, "undecided, counted in time", tally.maybe, false),
        (Tab::Pending, open, tally.pending, false),
        (Tab::Base, base, tally.base, false),
    ];
    parts.extend(tally.outside.iter().map(|(part, n)| (Tab::Outside(*part), outside(*part), *n, false)));
    let part = |(tab, label, n, bad): (Tab, &str, i64, bool)| {
        let count = u64::try_from(n).ok().filter(|n| *n > 0)?;
        Some(FigureTab { code: code(tab), label: label.to_owned(), count, bad })
    };
    parts.into_iter().filter_map(part).collect()
}

/// As in the address.
fn code(tab: Tab) -> String {
    match tab {
        Tab::For => "for".into(),
        Tab::Against => "against".into(),
        Tab::Undecided => "undecided".into(),
        Tab::Pending => "pending".into(),
        Tab::Base => "base".into(),
        Tab::Outside(part) => format!("{OUTSIDE}{}", part.code()),
    }
}

/// The rows that a word of the address asks for.
pub(super) fn tab(code: &str) -> Option<Tab> {
    match code {
        "for" => Some(Tab::For),
        "against" => Some(Tab::Against),
        "undecided" => Some(Tab::Undecided),
        "pending" => Some(Tab::Pending),
        "base" => Some(Tab::Base),
        other => Part::from_code(other.strip_prefix(OUTSIDE)?).filter(|part| part.is_outside()).map(Tab::Outside),
    }
}

/// What is outside, and why, without the word that it is.
fn outside(part: Part) -> &'static str {
    part.label().strip_prefix("outside: ").unwrap_or(part.label())
}

/// What counts for a figure, against it, and what it is compared with.
pub(super) const fn labels(kpi: Kpi) -> (&'static str, &'static str, &'static str) {
    match kpi {
        Kpi::OnTime | Kpi::OnTimeCarrier => ("in time", "late", ""),
        Kpi::Otif => ("in time and in full", "late or not in full", ""),
        Kpi::FirstAttempt => ("at first attempt", "not at first attempt", ""),
        Kpi::ReturnRate => ("returned", "not returned", ""),
        Kpi::LossRate => ("lost", "not lost", ""),
        Kpi::DamageRate => ("damaged", "not damaged", ""),
        Kpi::MilestonesComplete => ("reported", "missing", ""),
        Kpi::ConfirmationRate => ("confirmed", "without a closing event", ""),
        Kpi::ExceptionRate => ("exceptions", "", "handed over"),
        Kpi::CasesOpened => ("tickets", "", "handed over"),
        Kpi::NotificationReach => ("notified", "not notified", ""),
        Kpi::Deflection => ("without a ticket", "with a ticket or a person", ""),
        Kpi::TransitTime => ("delivered", "", ""),
        Kpi::ExceptionTime => ("ended", "", ""),
        Kpi::CaseFirstAction | Kpi::CaseResolution | Kpi::CaseLatency => ("tickets", "", ""),
        Kpi::InvoiceDelay => ("invoiced", "", ""),
        _ => ("counted", "counted against", "of all"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(main: f64, of: i64) -> Value {
        Value { main: Some(main), lowest: None, upper: None, of }
    }

    fn changed(kpi: Kpi, now: Value, before: Value) -> Option<(String, Option<bool>)> {
        let definition = kpi.definition();
        let change = change(definition, &Scale::of(definition, &now), &now, &before, "week 46")?;
        Some((change.shown, change.better))
    }

    #[test]
    fn a_change_says_whether_it_is_better() {
        let on_time = |now: f64, before: f64| changed(Kpi::OnTime, value(now, 900), value(before, 800));
        assert_eq!(on_time(93.9, 94.3), Some(("0.4 pt".into(), Some(false))));
        assert_eq!(on_time(95.0, 94.3), Some(("0.7 pt".into(), Some(true))));
        assert_eq!(on_time(95.0, 95.001), Some(("no change".into(), None)));
        let returned = changed(Kpi::ReturnRate, value(2.5, 900), value(2.0, 900));
        assert_eq!(returned, Some(("0.5 pt".into(), Some(false))), "less is better");
        let open = changed(Kpi::ExceptionsOpen, value(3.0, 3), value(8.0, 8));
        assert_eq!(open, Some(("5".into(), Some(true))), "a number is no sample");
    }

    #[test]
    fn few_are_neither_compared_nor_judged() {
        assert_eq!(changed(Kpi::OnTime, value(50.0, 29), value(94.0, 800)), None);
        assert_eq!(changed(Kpi::OnTime, value(50.0, 900), value(94.0, 4)), None);
        let definition = Kpi::OnTime.definition();
        let few = value(50.0, 29);
        assert_eq!(goal(definition, &Scale::of(definition, &few), &few, 95.0).met, None);
        let none = Value { main: None, lowest: None, upper: None, of: 0 };
        assert_eq!(changed(Kpi::OnTime, value(50.0, 900), none), None);
    }

    #[test]
    fn a_target_is_missed_by_so_much() {
        let of = |kpi: Kpi, value: Value, target: f64| {
            let definition = kpi.definition();
            let goal = goal(definition, &Scale::of(definition, &value), &value, target);
            (goal.shown, goal.met, goal.missed)
        };
        assert_eq!(of(Kpi::OnTime, value(93.9, 900), 95.0), ("95 %".into(), Some(false), "missed by 1.1 pt".into()));
        assert_eq!(of(Kpi::OnTime, value(95.0, 900), 95.0), ("95 %".into(), Some(true), String::new()));
        assert_eq!(of(Kpi::ReturnRate, value(1.5, 900), 2.0), ("at most 2 %".into(), Some(true), String::new()));
        let late = Value { upper: Some(1_440.0), ..value(300.0, 900) };
        let shown = of(Kpi::EventLatency, late, 720.0);
        assert_eq!(shown, ("P90 at most 12 h".into(), Some(false), "missed by 12 h".into()), "all in one unit");
        assert_eq!(of(Kpi::EtaCalibration, value(82.0, 900), 80.0).1, None, "what is not counted is not judged");
    }

    #[test]
    fn every_tab_has_a_word_that_leads_back() {
        let outside = Part::ALL.iter().copied().filter(|part| part.is_outside()).map(Tab::Outside);
        for one in [Tab::For, Tab::Against, Tab::Undecided, Tab::Pending, Tab::Base].into_iter().chain(outside) {
            assert_eq!(tab(&code(one)), Some(one));
        }
        for unknown in ["", "for ", "outside-", "outside-yes", "yes"] {
            assert_eq!(tab(unknown), None, "{unknown:?}");
        }
    }
}
