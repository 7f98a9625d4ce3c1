//! How well our estimates held, in words and numbers for people.

use super::{
    Asker,
    figures::{
        choice::{Asked, asked},
        figure::definition_view,
    },
    times::Times,
};
use app::{
    components::charts::number,
    contract::{
        ApiResult,
        calibration::{
            CalibrationView, CarrierAccuracy, CellView, ErrorsView, HeldView, MonthsView, NumberView, WorstView,
        },
        figures::{ChangeView, ChoiceView, FiguresQuery, Way},
        session::Permission,
    },
};
use application::learned::{
    learn::Walk,
    model::Model,
    read::{Accuracy, LearnedCell, accuracy, carrier_name},
};
use async_trait::async_trait;
use kpi::{
    definition::Kpi,
    learned::{
        bins::{Bins, Percentile},
        calibration::Share,
        cell::Depth,
        score::{P80, Score, between, median_error},
    },
};
use std::collections::BTreeMap;

/// Of fewer a share is not judged.
const FEW: u64 = 30;
/// Of a good P80.
const WANTED: std::ops::RangeInclusive<f64> = 0.77..=0.83;
/// Hours from which to which errors are drawn, and of one bar.
const ERRORS: (i32, i32, i32) = (-24, 48, 6);
/// Rows of carriers in the map of months.
const CARRIERS_MAX: usize = 12;

/// How well our estimates held.
pub struct CalibrationPort(pub Asker);

#[async_trait]
impl app::contract::calibration::CalibrationPort for CalibrationPort {
    async fn accuracy(&self, query: FiguresQuery) -> ApiResult<CalibrationView> {
        let caller = self.0.caller(Permission::Figures)?;
        // what is counted is known by carrier alone
        let query = FiguresQuery {
            company: String::new(),
            warehouse: String::new(),
            country: String::new(),
            segment: String::new(),
            ..query
        };
        let asked = asked(&self.0, &caller, query).await?;
        let accuracy = accuracy(&self.0.context, &caller, &asked.question).await;
        Ok(view(asked, &accuracy.map_err(|error| self.0.refused(error))?, &self.0.times()))
    }
}

fn view(asked: Asked, of: &Accuracy, times: &Times) -> CalibrationView {
    let on = asked.view.compared.clone();
    let alone = |family: &str| FiguresQuery { carrier: family.to_owned(), ..asked.view.query.clone() };
    let choice = ChoiceView {
        companies: Vec::new(),
        warehouses: Vec::new(),
        countries: Vec::new(),
        segments: Vec::new(),
        ..asked.view.clone()
    };
    CalibrationView {
        deliveries: of.score.deliveries(),
        as_of: of.model.as_ref().map(|model| times.clock_or_date(model.as_of)),
        model: of.model.as_ref().map(|model| model_words(model, times)).unwrap_or_default(),
        learning: of.running.as_ref().map(|walk| learning(walk, times)).unwrap_or_default(),
        numbers: numbers(&of.score, &of.before, &on),
        worst: worst(&of.by_carrier, &alone),
        weeks: of
            .weeks
            .iter()
            .map(|(monday, score)| (format!("W{}", monday.iso_week_date().week()), percent(score.held(P80))))
            .collect(),
        months: months(of),
        errors: errors(&of.score),
        held: (0..9).filter_map(|place| held(&of.score, place)).collect(),
        carriers: of.by_carrier.iter().map(|(family, score)| carrier(family, score, alone(family))).collect(),
        cells: of.cells.iter().map(cell).collect(),
        definition: definition_view(Kpi::EtaCalibration.definition()),
        choice,
    }
}

fn model_words(model: &Model, times: &Times) -> String {
    let warns = model.theta.map_or_else(
        || "no warnings: they were wrong too often".to_owned(),
        |theta| format!("warns from {} % on", number(theta * 100.0)),
    );
    format!("Model {}, learned {}; {warns}", model.number, times.dated(model.published).shown)
}

fn learning(walk: &Walk, times: &Times) -> String {
    format!(
        "Transit times are being learned: as of {}, {} shipments so far.",
        times.dated(walk.as_of).shown,
        walk.shipments
    )
}

fn percent(share: Option<Share>) -> Option<f64> {
    share.map(|share| share.share * 100.0)
}

/// A number at the top with its change: `good` is whether more is better; none where it should come near a number.
struct Top<'a> {
    id: &'a str,
    title: &'a str,
    definition: &'a str,
    unit: &'a str,
    now: Option<(f64, u64)>,
    before: Option<(f64, u64)>,
    good: Option<Way>,
    beside: String,
}

impl Top<'_> {
    fn view(self, on: &str) -> NumberView {
        let few = self.now.is_none_or(|(_, n)| n < FEW);
        let change = match (self.now, self.before) {
            (Some((now, n)), Some((before, m))) if n >= FEW && m >= FEW => Some(self.change(now - before, on)),
            _ => None,
        };
        let beside = match self.now {
            Some((_, n)) if few => format!("of {n}; {}", self.beside),
            _ => self.beside,
        };
        NumberView {
            id: self.id.to_owned(),
            title: self.title.to_owned(),
            shown: self.now.map_or_else(|| "No data".to_owned(), |(value, _)| number(value)),
            unit: if self.now.is_some() { self.unit.to_owned() } else { String::new() },
            weak: few,
            change,
            beside,
            definition: self.definition.to_owned(),
        }
    }

    fn change(&self, by: f64, on: &str) -> ChangeView {
        let amount = number(by.abs());
        let way = match amount.as_str() {
            "0" => Way::Same,
            _ if by > 0.0 => Way::Up,
            _ => Way::Down,
        };
        let unit = if self.unit == "%" { "pt" } else { self.unit };
        let shown = if way == Way::Same { "no change".to_owned() } else { format!("{amount} {unit}") };
        let better = self.good.filter(|_| way != Way::Same).map(|good| good == way);
        ChangeView { shown, way, better, on: on.to_owned() }
    }
}

fn numbers(now: &Score, before: &Score, on: &str) -> Vec<NumberView> {
    let share = |share: Option<Share>| share.map(|share| (share.share * 100.0, share.n));
    let error = |bins: &Bins| median_error(bins).map(|hours| (hours, bins.total()));
    let within = |bins: &Bins| share(between(bins, -6, 6));
    let lead = |score: &Score| score.lead.percentile(Percentile::P50).map(|bin| (f64::from(bin), score.lead.total()));
    let theirs = |value: Option<(f64, u64)>, unit: &str| {
        value.map_or_else(
            || "carriers gave none".to_owned(),
            |(value, _)| format!("carriers’ own {} {unit}", number(value)),
        )
    };
    let found = share(now.recall()).map(|(value, _)| format!(" · finds {} % of all late", number(value)));
    let tops = [
        Top {
            id: "p80",
            title: "P80 held",
            definition: "Share of deliveries that arrived by the P80 we gave at the first scan.",
            unit: "%",
            now: share(now.held(P80)),
            before: share(before.held(P80)),
            good: None,
            beside: "wanted 77 to 83 %".into(),
        },
        Top {
            id: "error",
            title: "Median error, ours",
            definition: "Median of the absolute difference between the delivery and our P50, in working hours.",
            unit: "h",
            now: error(compared(now)),
            before: error(compared(before)),
            good: Some(Way::Down),
            beside: theirs(error(&now.theirs), "h"),
        },
        Top {
            id: "within",
            title: "Within 6 hours, ours",
            definition: "Share of deliveries at most 6 working hours before or after our P50.",
            unit: "%",
            now: within(compared(now)),
            before: within(compared(before)),
            good: Some(Way::Up),
            beside: theirs(within(&now.theirs), "%"),
        },
        Top {
            id: "precision",
            title: "Late warnings, correct",
            definition: "Share of shipments that we expected late, before the carrier said so, and that came late.",
            unit: "%",
            now: share(now.precision()),
            before: share(before.precision()),
            good: Some(Way::Up),
            beside: format!("target 80 %{}", found.unwrap_or_default()),
        },
        Top {
            id: "lead",
            title: "Warned before the deadline",
            definition: "Median of the working hours by which a right warning came before the promised date.",
            unit: "h",
            now: lead(now),
            before: lead(before),
            good: Some(Way::Up),
            beside: "median head start".into(),
        },
        Top {
            id: "silence",
            title: "False silence alarms",
            definition: "Share of shipments that arrived and whose silence had alarmed.",
            unit: "%",
            now: share(now.false_silence()),
            before: share(before.false_silence()),
            good: Some(Way::Down),
            beside: "of healthy shipments, limit 2 %".into(),
        },
    ];
    tops.into_iter().map(|top| top.view(on)).collect()
}

fn held(score: &Score, place: usize) -> Option<HeldView> {
    let share = score.held(place)?;
    let predicted = u8::try_from((place + 1) * 10).ok()?;
    Some(HeldView { predicted, actual: share.share * 100.0, n: share.n })
}

/// The carrier of enough deliveries whose P80 was furthest outside of the wanted range, and surely so.
fn worst(carriers: &[(String, Score)], alone: &dyn Fn(&str) -> FiguresQuery) -> Option<WorstView> {
    let outside = |share: &Share| (WANTED.start() - share.share).max(share.share - WANTED.end());
    let surely = |share: &Share| share.band.high < *WANTED.start() || share.band.low > *WANTED.end();
    let judged = carriers.iter().filter_map(|(family, score)| Some((family, score.held(P80)?)));
    let (family, share) = judged
        .filter(|(_, share)| share.n >= FEW && surely(share))
        .max_by(|(_, a), (_, b)| outside(a).total_cmp(&outside(b)))?;
    let meaning = if share.share < *WANTED.start() {
        "It has become slower than its history says: customers are given too early a date until newer deliveries outweigh the older ones."
    } else {
        "It has become faster than its history says: estimates are later than need be until newer deliveries outweigh the older ones."
    };
    let fact = format!("{}’s 80 % ETA held for {} %.", carrier_name(family), number(share.share * 100.0));
    Some(WorstView { query: alone(family), fact, meaning: meaning.to_owned() })
}

fn months(of: &Accuracy) -> MonthsView {
    let mut sums: BTreeMap<&String, u64> = BTreeMap::new();
    for (family, score) in of.by_month.iter().flat_map(|(_, scores)| scores) {
        *sums.entry(family).or_default() += score.deliveries();
    }
    let mut families: Vec<(&String, u64)> = sums.into_iter().filter(|(_, n)| *n > 0).collect();
    families.sort_by_key(|(family, n)| (std::cmp::Reverse(*n), *family));
    families.truncate(CARRIERS_MAX);
    let shown =
        |score: Option<&Score>| score.and_then(|score| score.held(P80)).map(|share| (share.share * 100.0, share.n));
    let row = |family: &String| of.by_month.iter().map(|(_, scores)| shown(scores.get(family))).collect();
    MonthsView {
        months: of.by_month.iter().map(|(month, _)| month.strftime("%B").to_string()).collect(),
        carriers: families.iter().map(|(family, _)| carrier_name(family)).collect(),
        held: families.iter().map(|(family, _)| row(family)).collect(),
    }
}

/// Our errors: of the shipments that the carriers gave an estimate for, where they gave any, since theirs stand beside.
fn compared(score: &Score) -> &Bins {
    if score.theirs.is_empty() { &score.ours } else { &score.paired }
}

fn errors(score: &Score) -> ErrorsView {
    let (ours, has_theirs) = (compared(score), !score.theirs.is_empty());
    let (first, last, width) = ERRORS;
    let starts: Vec<i32> = (first..last).step_by(width.unsigned_abs() as usize).collect();
    let bars = |bins: &Bins| -> Vec<f64> {
        let share = |from: &i32| {
            let from = (*from, from + width);
            let from =
                (if from.0 == first { i32::MIN } else { from.0 }, if from.1 == last { i32::MAX } else { from.1 });
            percent(between(bins, from.0, from.1)).unwrap_or(0.0)
        };
        starts.iter().map(share).collect()
    };
    let edge = |hours: i32| if hours > 0 { format!("+{hours}") } else { hours.to_string().replace('-', "−") };
    let said = |from: i32, to: i32| {
        let of = |bins: &Bins| percent(between(bins, from, to)).map(|share| format!("{} %", number(share)));
        let ours = of(ours)?;
        Some(
            of(&score.theirs)
                .map_or_else(|| format!("ours {ours}"), |theirs| format!("ours {ours}, carriers {theirs}")),
        )
    };
    let words = match (said(-6, 6), said(24, i32::MAX)) {
        (Some(within), Some(late)) => format!("Within six hours: {within}. More than a day late: {late}."),
        _ => "No delivery with an estimate in this period.".to_owned(),
    };
    let none = ours.is_empty();
    ErrorsView {
        edges: starts.iter().copied().chain([last]).map(edge).collect(),
        ours: if none { Vec::new() } else { bars(ours) },
        theirs: if has_theirs { bars(&score.theirs) } else { Vec::new() },
        words,
    }
}

fn carrier(family: &str, score: &Score, query: FiguresQuery) -> CarrierAccuracy {
    let hours = |bins: &Bins| median_error(bins).map_or_else(|| "–".to_owned(), |hours| format!("{} h", number(hours)));
    let share = score.held(P80);
    let few = share.is_none_or(|share| share.n < FEW);
    let outside = share.is_some_and(|share| !WANTED.contains(&share.share));
    let remark = match share {
        _ if few => "Too few deliveries to judge",
        Some(share) if share.share < *WANTED.start() => "Too optimistic: slower than its history",
        Some(share) if share.share > *WANTED.end() => "Too careful: faster than its history",
        _ => "Wanted range",
    };
    CarrierAccuracy {
        name: carrier_name(family),
        query,
        deliveries: score.deliveries(),
        theirs: hours(&score.theirs),
        ours: hours(compared(score)),
        held: share.map_or_else(|| "–".to_owned(), |share| format!("{} %", number(share.share * 100.0))),
        outside: outside && !few,
        remark: remark.to_owned(),
    }
}

fn cell(of: &LearnedCell) -> CellView {
    let hours = |of: Option<f64>| of.map_or_else(|| "not reached".to_owned(), working_time);
    let level = match of.depth {
        Depth::Lane => "Lane",
        Depth::CountryPair => "Country pair",
        Depth::Reach => "Carrier, class and distance",
        Depth::Carrier => "Carrier",
        Depth::Class => "All carriers, class and distance",
    };
    let parts: Vec<&str> =
        of.carrier.as_deref().into_iter().chain([of.name.as_str()]).filter(|part| !part.is_empty()).collect();
    let own = (of.own * 100.0).round();
    CellView {
        name: parts.join(" · "),
        level: level.to_owned(),
        deliveries: of.deliveries,
        effective: number(of.effective.round()),
        p50: hours(of.p50),
        p80: hours(of.p80),
        own: if of.depth == Depth::Class {
            "nothing coarser".to_owned()
        } else {
            format!("itself {own} %, coarser cells {} %", 100.0 - own)
        },
    }
}

/// Working hours as the operating day and the hour of it: "day 2, 14:30".
fn working_time(hours: f64) -> String {
    let days = (hours / 24.0).floor();
    let minutes = ((hours - days * 24.0) * 60.0).round().min(24.0 * 60.0 - 1.0);
    format!("day {days}, {:02}:{:02}", (minutes / 60.0).floor(), minutes % 60.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kpi::learned::count::Measure;

    fn score(made: i64, held: i64) -> Score {
        let mut score = Score::default();
        score.add(Measure::Made, 7, made);
        score.add(Measure::Held, 7, held);
        score.add(Measure::Ours, 2, made);
        score
    }

    #[test]
    fn a_carrier_is_named_only_where_its_estimates_surely_missed() {
        let alone = |family: &str| FiguresQuery { carrier: family.to_owned(), ..FiguresQuery::default() };
        let named =
            |held: i64, of: i64| worst(&[("dhl".into(), score(100, 80)), ("gls".into(), score(of, held))], &alone);
        assert_eq!(named(15, 29), None, "too few");
        assert_eq!(named(75, 100), None, "that may be chance");
        let missed = named(620, 900).unwrap();
        assert_eq!((missed.query.carrier.as_str(), missed.fact.as_str()), ("gls", "GLS’s 80 % ETA held for 68.9 %."));
        assert!(missed.meaning.contains("slower") && named(890, 900).unwrap().meaning.contains("faster"));
    }

    #[test]
    fn few_are_neither_judged_nor_compared() {
        let shown = |now: &Score, before: &Score| numbers(now, before, "week 46").remove(0);
        let few = shown(&score(29, 20), &score(100, 80));
        assert!(few.weak && few.change.is_none() && few.beside.starts_with("of 29"));
        let many = shown(&score(100, 78), &score(100, 80));
        assert_eq!(
            many.change.map(|change| (change.shown, change.better)),
            Some(("2 pt".into(), None)),
            "near 80, not up"
        );
        assert_eq!(shown(&Score::default(), &score(100, 80)).shown, "No data");
        assert_eq!(carrier("dhl", &score(29, 20), FiguresQuery::default()).remark, "Too few deliveries to judge");
        assert!(carrier("dhl", &score(90, 60), FiguresQuery::default()).outside);
    }

    #[test]
    fn all_errors_are_in_the_bars() {
        let mut score = Score::default();
        for bin in [-200, -25, -1, 0, 5, 6, 47, 48, 200] {
            score.add(Measure::Ours, bin, 1);
        }
        let errors = errors(&score);
        assert_eq!(errors.edges.len(), errors.ours.len() + 1);
        assert!((errors.ours.iter().sum::<f64>() - 100.0).abs() < 1e-6, "{:?}", errors.ours);
        assert_eq!(
            (errors.theirs.len(), errors.words.as_str()),
            (0, "Within six hours: ours 33.3 %. More than a day late: ours 33.3 %.")
        );
    }

    #[test]
    fn working_hours_are_days_and_hours() {
        assert_eq!(
            (working_time(14.5), working_time(48.0), working_time(47.999)),
            ("day 0, 14:30".into(), "day 2, 00:00".into(), "day 1, 23:59".into())
        );
    }
}
