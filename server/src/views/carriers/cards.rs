//! Carriers side by side.

use super::measure::{Shown, annotations, count, days_of, definitions, targets};
use crate::views::{
    Asker,
    figures::choice::{asked, carrier_name},
};
use app::{
    components::{charts::number, parts::grouped},
    contract::{
        ApiResult,
        carriers::{CardView, CarriersQuery, CarriersView, ExcessView, Measure, SortBy},
    },
};
use application::{
    caller::Caller,
    kpi::carriers::{self, Scorecard, Scorecards},
    words::csv_line,
};
use jiff::civil::Date;
use kpi::{
    definition::Kpi,
    scorecard::{Goal, Share},
};
use std::collections::BTreeMap;

/// The page.
///
/// # Errors
/// When the caller may not, the period is none, or the store fails.
pub(super) async fn view(asker: &Asker, caller: &Caller, query: CarriersQuery) -> ApiResult<CarriersView> {
    let asked = asked(asker, caller, query.figures).await?;
    let found = carriers::scorecards(&asker.context, caller, &asked.question).await;
    let Scorecards { mut cards, annotations: unlike, targets: goals, counted_until, .. } =
        found.map_err(|error| asker.refused(error))?;
    let target = goals.get(&Kpi::OnTime).copied();
    let excess = target.and_then(|target| excess(&cards, target));
    let worst = target.and_then(|target| worst(&cards, target)).map(|card| card.carrier.clone());
    order(&mut cards, query.sort);
    let days = days_of(&cards);
    let (mut shown, mut others) = (Vec::new(), Vec::new());
    for card in &cards {
        let view = Shown { card, targets: &goals, on: &asked.view.compared, days }.view();
        let view = CardView { attention: worst.as_ref() == Some(&card.carrier), ..view };
        if view.rank.is_some() { shown.push(view) } else { others.push(view) }
    }
    let named = cards.iter().filter(|card| card.carrier.is_some()).count();
    let handed_over = cards.iter().map(|card| card.handed_over().0).sum();
    Ok(CarriersView {
        sort: query.sort,
        summary: format!("{} handed over to {}", shipments(handed_over), plural(named, "carrier")),
        targets: targets(&goals),
        cards: shown,
        others,
        excess,
        target,
        annotations: annotations(&unlike, weeks(&cards)),
        definitions: definitions(),
        as_of: asker.times().clock_or_date(counted_until),
        choice: asked.view,
    })
}

/// The weeks of the courses, which all cards share.
fn weeks(cards: &[Scorecard]) -> &[(Date, Share)] {
    cards.first().map_or(&[], |card| &card.weeks)
}

fn order(cards: &mut [Scorecard], by: SortBy) {
    match by {
        // as they come
        SortBy::Rank => {}
        SortBy::Volume => carriers::sort_by_volume(cards),
        by => {
            if let Some(kpi) = Kpi::from_id(by.code()) {
                carriers::sort(cards, kpi);
            }
        }
    }
}

/// The one that keeps the company from its target by most, where chance alone does not explain that it misses it.
fn worst(cards: &[Scorecard], target: f64) -> Option<&Scorecard> {
    let missed = |card: &&Scorecard| {
        let direction = Kpi::OnTime.definition().direction;
        card.carrier.is_some() && card.on_time().against(target, direction) == Goal::Missed
    };
    let by = |card: &&Scorecard| card.on_time().excess(target);
    cards.iter().filter(missed).max_by(|a, b| by(a).total_cmp(&by(b)))
}

/// How many more are late than the target allows, by carrier, the most first; none where nothing was due.
fn excess(cards: &[Scorecard], target: f64) -> Option<ExcessView> {
    let due = |card: &&Scorecard| card.on_time().of > 0;
    let all = cards.iter().map(Scorecard::on_time).fold(Share::default(), Share::with);
    let mut bars: Vec<(String, String, f64)> = cards
        .iter()
        .filter(due)
        .map(|card| {
            let code = card.carrier.clone().unwrap_or_default();
            let name = if code.is_empty() { "Unknown carrier".to_owned() } else { carrier_name(&code) };
            (code, name, card.on_time().excess(target).round())
        })
        .collect();
    bars.sort_by(|a, b| b.2.total_cmp(&a.2));
    let allowed = all.rest() as f64 - all.excess(target);
    let lead = match worst(cards, target) {
        Some(card) => {
            let (name, share) = (carrier_name(card.carrier.as_deref().unwrap_or_default()), card.on_time());
            let of = |part: i64, whole: i64| number((part as f64 * 100.0 / whole.max(1) as f64).round());
            format!(
                "{name} has {} % of what was due and {} % of the late ones.",
                of(share.of, all.of),
                of(share.rest(), all.rest())
            )
        }
        None => "No carrier misses the target by more than chance explains.".to_owned(),
    };
    (all.of > 0).then(|| ExcessView {
        target: format!("{} %", number(target)),
        summary: format!("{} late, {} allowed", grouped(count(all.rest())), number(allowed.round())),
        lead,
        bars,
    })
}

/// `1 shipment`, `1,240 shipments`.
pub(super) fn shipments(n: i64) -> String {
    plural(usize::try_from(n).unwrap_or_default(), "shipment")
}

fn plural(n: usize, one: &str) -> String {
    format!("{} {one}{}", grouped(n as u64), if n == 1 { "" } else { "s" })
}

/// The scorecards as comma-separated values: a line for each carrier.
pub(super) fn csv(view: &CarriersView) -> String {
    let cards: Vec<&CardView> = view.cards.iter().chain(&view.others).collect();
    let labels: Vec<&str> =
        cards.first().map(|card| card.measures.iter().map(|one| one.label.as_str()).collect()).unwrap_or_default();
    // a column has one unit: a number in another one stands with it
    let units: Vec<&str> =
        (0..labels.len()).map(|at| usual_unit(cards.iter().filter_map(|card| card.measures.get(at)))).collect();
    let heads = labels.iter().zip(&units).map(|(label, unit)| match *unit {
        "" => (*label).to_owned(),
        unit => format!("{label} ({unit})"),
    });
    let head: Vec<String> =
        ["Carrier", "Rank", "On time (%)", "Due"].map(str::to_owned).into_iter().chain(heads).collect();
    let mut text = csv_line(&head);
    for card in &cards {
        let own = |(unit, measure): (&&str, &Measure)| match *unit == measure.unit || measure.unit.is_empty() {
            true => measure.shown.clone(),
            false => format!("{} {}", measure.shown, measure.unit),
        };
        let rank = card.rank.map_or_else(|| "not ranked".to_owned(), |rank| rank.to_string());
        let head = [card.name.clone(), rank, card.on_time.shown.clone(), card.on_time.of.to_string()];
        let line: Vec<String> = head.into_iter().chain(units.iter().zip(&card.measures).map(own)).collect();
        text.push_str(&csv_line(&line));
    }
    text
}

/// The unit that most of some numbers have.
fn usual_unit<'a>(measures: impl Iterator<Item = &'a Measure>) -> &'a str {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for measure in measures.filter(|measure| !measure.unit.is_empty()) {
        *counts.entry(&measure.unit).or_default() += 1;
    }
    counts.into_iter().max_by_key(|(_, n)| *n).map_or("", |(unit, _)| unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kpi::figure::Tally;

    fn card(carrier: &str, part: i64, of: i64) -> Scorecard {
        let on_time = Tally { yes: part, no: of - part, ..Tally::default() };
        Scorecard {
            carrier: Some(carrier.into()),
            figures: BTreeMap::from([(Kpi::OnTime, (on_time, Tally::default()))]),
            rank: None,
            rank_before: None,
            weeks: Vec::new(),
        }
    }

    #[test]
    fn what_keeps_from_the_target_adds_up() {
        let cards = [card("dhl", 970, 1_000), card("gls", 80, 100), card("dpd", 2, 2)];
        let excess = excess(&cards, 95.0).unwrap();
        assert_eq!(excess.summary, "50 late, 55 allowed");
        assert_eq!(excess.lead, "GLS has 9 % of what was due and 40 % of the late ones.");
        let bars: Vec<_> = excess.bars.iter().map(|(code, _, value)| (code.as_str(), *value)).collect();
        assert_eq!(bars, [("gls", 15.0), ("dpd", -0.0), ("dhl", -20.0)]);
        assert!(super::excess(&[card("dhl", 0, 0)], 95.0).is_none());
        assert_eq!(worst(&[card("dhl", 93, 100)], 95.0).map(|card| card.on_time().of), None, "chance may be why");
    }

    #[test]
    fn a_column_of_the_file_has_the_unit_of_most_of_its_numbers() {
        let card = |name: &str, shown: &str, unit: &str| CardView {
            name: name.into(),
            measures: vec![Measure {
                label: "Latency P90".into(),
                shown: shown.into(),
                unit: unit.into(),
                ..Measure::default()
            }],
            ..CardView::default()
        };
        let cards = vec![
            card("Hermes", "13", "h"),
            card("DHL", "41", "min"),
            card("UPS", "15", "min"),
            card("X", "No data", ""),
        ];
        let text = csv(&CarriersView { cards, ..CarriersView::default() });
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].ends_with("\"Latency P90 (min)\""), "{text}");
        let ends = ["\"13 h\"", "\"41\"", "\"15\"", "\"No data\""];
        assert!(lines[1..].iter().zip(ends).all(|(line, end)| line.ends_with(end)), "{text}");
        assert_eq!(csv(&CarriersView::default()).lines().count(), 1, "without carriers the heads alone");
    }

    #[test]
    fn every_order_is_of_a_figure_or_known_by_name() {
        for sort in SortBy::ALL.iter().filter(|sort| !matches!(sort, SortBy::Rank | SortBy::Volume)) {
            let kpi = Kpi::from_id(sort.code()).unwrap();
            assert!(carriers::FIGURES.contains(&kpi), "{}", sort.code());
        }
    }
}
