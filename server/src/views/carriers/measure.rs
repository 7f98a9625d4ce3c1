//! The numbers of a carrier in words.

use crate::views::figures::{
    choice::carrier_name,
    figure::{Scale, change, goal},
};
use app::{
    components::charts::number,
    contract::{
        carriers::{CardView, CourseView, Measure, TransitView},
        figures::{AnnotationView, ChangeView, DefinitionView, Way},
    },
};
use application::kpi::{
    annotations,
    carriers::{FIGURES, Scorecard},
    period::{Length, Period},
};
use jiff::civil::Date;
use kpi::{
    definition::{Formula, Kpi},
    figure::{FEW, Tally, Value},
    learned::bins::Percentile,
    scorecard::{Goal, Rank, Share},
};
use std::collections::BTreeMap;
use storage::reports::AnnotationRecord;

/// Days that the distribution of transit times has, at least and at most.
const DAYS_MIN: usize = 4;
const DAYS_MAX: usize = 12;
const HOURS_OF_A_DAY: i32 = 24;

/// What of a figure is shown.
#[derive(Clone, Copy, PartialEq)]
enum Of {
    /// Its number, or the median.
    Number,
    /// The upper percentile.
    Upper,
    /// What a rate is compared with.
    Base,
}

/// The numbers of a card: figure, what of it, the tab of its rows that it leads to, what it is called.
const CARD: &[(Kpi, Of, &str, &str)] = &[
    (Kpi::ExceptionRate, Of::Base, "base", "Shipments"),
    (Kpi::OnTimeCarrier, Of::Number, "against", "Carrier’s part"),
    (Kpi::TransitTime, Of::Number, "", "Transit P50"),
    (Kpi::TransitTime, Of::Upper, "", "Transit P90"),
    (Kpi::FirstAttempt, Of::Number, "against", "First attempt"),
    (Kpi::ReturnRate, Of::Number, "for", "Returned"),
    (Kpi::DamageRate, Of::Number, "for", "Damaged"),
    (Kpi::LossRate, Of::Number, "for", "Lost"),
    (Kpi::ExceptionRate, Of::Number, "for", "Exceptions"),
    (Kpi::ConfirmationRate, Of::Number, "against", "Confirmed"),
    (Kpi::MilestonesComplete, Of::Number, "", "Milestones"),
    (Kpi::EventLatency, Of::Number, "", "Latency P50"),
    (Kpi::EventLatency, Of::Upper, "", "Latency P90"),
    (Kpi::UnmappedShare, Of::Number, "", "Unmapped"),
    (Kpi::ImpossibleTimes, Of::Number, "", "Impossible times"),
];

/// A scorecard with what its words need.
pub(super) struct Shown<'a> {
    /// It.
    pub card: &'a Scorecard,
    /// What is to be reached.
    pub targets: &'a BTreeMap<Kpi, f64>,
    /// What it is compared with: `week 46`.
    pub on: &'a str,
    /// Days of the distribution of transit times.
    pub days: usize,
}

impl Shown<'_> {
    /// All of it.
    pub fn view(&self) -> CardView {
        let card = self.card;
        let (rank, unranked) = match card.rank {
            Some(Rank::Place(place)) => (u32::try_from(place).ok(), String::new()),
            Some(Rank::TooFew) => (None, format!("{} due: from {FEW} on a carrier is ranked", card.on_time().of)),
            None => (None, "The carrier of these shipments is not known".to_owned()),
        };
        let rank_before = match card.rank_before {
            Some(Rank::Place(place)) if rank.is_some() => format!("was {place}"),
            _ => String::new(),
        };
        let share = card.on_time();
        CardView {
            code: card.carrier.clone().unwrap_or_default(),
            name: card.carrier.as_deref().map_or_else(|| "Unknown carrier".to_owned(), carrier_name),
            rank,
            unranked,
            rank_before,
            on_time: self.measure(&(Kpi::OnTime, Of::Number, "against", "On time")),
            sure: if share.is_of_few() { String::new() } else { sure(share) },
            course: course(&card.weeks),
            transit: self.transit(),
            measures: CARD.iter().map(|one| self.measure(one)).collect(),
            attention: false,
        }
    }

    fn tallies(&self, kpi: Kpi) -> (Tally, Tally) {
        self.card.figures.get(&kpi).cloned().unwrap_or_default()
    }

    fn measure(&self, (kpi, of, tab, label): &(Kpi, Of, &'static str, &'static str)) -> Measure {
        let definition = kpi.definition();
        let measure = Measure {
            kpi: kpi.id().to_owned(),
            tab: (*tab).to_owned(),
            label: (*label).to_owned(),
            ..Measure::default()
        };
        let (tally, tally_before) = self.tallies(*kpi);
        if *of == Of::Base {
            let (now, before) = (tally.base, tally_before.base);
            let shown = number(now as f64);
            return Measure { shown, of: count(now), change: self.counted(now, before), ..measure };
        }
        let (whole, whole_before) = (tally.value(definition), tally_before.value(definition));
        let upper = |value: Value| Value { main: value.upper, ..value };
        let (value, before) =
            if *of == Of::Upper { (upper(whole), upper(whole_before)) } else { (whole, whole_before) };
        let Some(main) = value.main else {
            return Measure { shown: "No data".into(), ..measure };
        };
        let scale = Scale::of(definition, &value);
        let target = self.targets.get(kpi).map(|target| (*target, goal(definition, &scale, &whole, *target)));
        // the target of a percentile is that of one of them
        let is_of_this = |of_number: bool| of_number == (*of == Of::Number);
        let target = target.filter(|(_, view)| is_of_this(view.of_number));
        let missed = target.as_ref().is_some_and(|(target, view)| match definition.formula {
            Formula::Share => Share::of(&tally).against(*target, definition.direction) == Goal::Missed,
            _ => view.met == Some(false),
        });
        Measure {
            shown: number(scale.of_value(main)),
            unit: scale.unit.to_owned(),
            of: count(value.of),
            few: value.is_of_few(),
            change: change(definition, &scale, &value, &before, self.on),
            target: target.map(|(_, view)| view),
            missed,
            ..measure
        }
    }

    /// How a number of shipments changed; more of them is neither better nor worse.
    fn counted(&self, now: i64, before: i64) -> Option<ChangeView> {
        let way = match now.cmp(&before) {
            std::cmp::Ordering::Less => Way::Down,
            std::cmp::Ordering::Equal => Way::Same,
            std::cmp::Ordering::Greater => Way::Up,
        };
        let shown = if way == Way::Same { "no change".to_owned() } else { number((now - before).abs() as f64) };
        (now > 0 || before > 0).then(|| ChangeView { shown, way, better: None, on: self.on.to_owned() })
    }

    fn transit(&self) -> TransitView {
        let (now, before) = self.tallies(Kpi::TransitTime);
        let value = now.value(Kpi::TransitTime.definition());
        let place = |hours: Option<f64>, name: &str| {
            hours.map(|hours| {
                let days = hours / f64::from(HOURS_OF_A_DAY);
                (days.min(self.days as f64), format!("{name} {} d", number(days)))
            })
        };
        TransitView {
            edges: edges(self.days),
            shares: shares(&now, self.days),
            before: shares(&before, self.days),
            p50: place(value.main, "P50"),
            p90: place(value.upper, "P90"),
        }
    }
}

/// Between what a share lies.
pub(super) fn sure(share: Share) -> String {
    let interval = share.interval();
    format!("{} and {} %", number(interval.low), number(interval.high))
}

fn course(weeks: &[(Date, Share)]) -> CourseView {
    CourseView {
        labels: weeks.iter().map(|(monday, _)| format!("W{}", monday.iso_week_date().week())).collect(),
        points: weeks.iter().map(|(_, share)| Some((share.percent()?, count(share.of)))).collect(),
    }
}

/// How many days a distribution of transit times has, so that few took longer.
pub(super) fn days_of<'a>(cards: impl IntoIterator<Item = &'a Scorecard>) -> usize {
    let longest = |card: &Scorecard| {
        let (tally, _) = card.figures.get(&Kpi::TransitTime)?;
        let bin = tally.values.percentile(Percentile::P95)?;
        usize::try_from(bin / HOURS_OF_A_DAY + 1).ok()
    };
    cards.into_iter().filter_map(longest).max().unwrap_or(DAYS_MIN).clamp(DAYS_MIN, DAYS_MAX)
}

fn edges(days: usize) -> Vec<String> {
    (0..=days).map(|day| if day == days { format!("{day} d") } else { day.to_string() }).collect()
}

/// The share of each day in per cent, the last one with what took longer; empty where nothing was measured.
fn shares(tally: &Tally, days: usize) -> Vec<f64> {
    let mut counts = vec![0_i64; days];
    let by_hour = tally.values.iter().map(|(bin, n)| (bin / HOURS_OF_A_DAY, n));
    for (day, n) in by_hour.chain(tally.days.iter()) {
        let day = usize::try_from(day).unwrap_or_default().min(days - 1);
        counts[day] += n;
    }
    let all: i64 = counts.iter().sum();
    if all <= 0 {
        return Vec::new();
    }
    counts.into_iter().map(|n| n as f64 * 100.0 / all as f64).collect()
}

/// Each target in words: `First attempt 95 %`.
pub(super) fn targets(goals: &BTreeMap<Kpi, f64>) -> Vec<String> {
    let words = |(kpi, label): (Kpi, &str)| {
        let (definition, target) = (kpi.definition(), *goals.get(&kpi)?);
        // in the unit that the target itself is read in
        let value = Value { main: Some(target), lowest: None, upper: None, of: 0 };
        let shown = goal(definition, &Scale::of(definition, &value), &value, target).shown;
        Some(format!("{label} {shown}"))
    };
    let mut all = vec![(Kpi::OnTime, "On time")];
    for (kpi, of, _, label) in CARD.iter().filter(|(_, of, ..)| *of != Of::Base) {
        let label = if *of == Of::Upper { label.trim_end_matches(" P90") } else { label };
        all.retain(|(known, _)| known != kpi);
        all.push((*kpi, label));
    }
    all.into_iter().filter_map(words).collect()
}

/// The definitions of what cards show.
pub(super) fn definitions() -> Vec<(String, DefinitionView)> {
    let one = |kpi: &Kpi| {
        let definition = kpi.definition();
        (definition.title.to_owned(), crate::views::figures::figure::definition_view(definition))
    };
    FIGURES.iter().map(one).collect()
}

/// What was unlike other weeks, by the places of the weeks; of one carrier with its name.
pub(super) fn annotations(all: &[AnnotationRecord], weeks: &[(Date, Share)]) -> Vec<AnnotationView> {
    let one = |record: &AnnotationRecord| {
        let is = |(monday, _): &(Date, Share)| {
            let week = Period::around(*monday, Length::Week);
            record.from <= week.last() && record.to >= week.from
        };
        let words = annotations::words(record);
        let words = record.carrier.as_deref().map_or(words.clone(), |of| format!("{}: {words}", carrier_name(of)));
        Some(AnnotationView { from: weeks.iter().position(is)?, until: weeks.iter().rposition(is)?, words })
    };
    all.iter().filter_map(one).collect()
}

/// A number of the store, which is never negative once it is added up.
pub(super) fn count(n: i64) -> u64 {
    u64::try_from(n).unwrap_or_default()
}
