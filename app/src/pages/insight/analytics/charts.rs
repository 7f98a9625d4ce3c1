//! The charts of the page, out of what was counted.

use super::troubles_address;
use crate::{
    components::charts::{
        Bars, Distribution, Hatch, HeatCell, HeatMap, Mark, Marker, RankedBar, RankedChart, StackedChart, Tone,
    },
    contract::{
        analytics::{CountedView, TroublesQuery, TroublesView},
        figures::{AnnotationView, FiguresQuery},
    },
};

/// How the kinds are filled, from the axis upwards.
const FILLS: [(Tone, Option<Hatch>); 6] = [
    (Tone::Dark, None),
    (Tone::Paper, Some(Hatch::Rows)),
    (Tone::Middle, Some(Hatch::Diagonal)),
    (Tone::Light, None),
    (Tone::Light, Some(Hatch::Cross)),
    (Tone::Ink, None),
];
/// The days of the week.
pub(super) const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// Kinds of reasons over the trend.
pub(super) fn kinds(of: &TroublesView, annotations: &[AnnotationView]) -> StackedChart {
    let bars = of.kinds.iter().zip(FILLS.iter().cycle()).map(|(kind, (tone, hatch))| Bars {
        name: kind.label.clone(),
        values: kind.course.iter().map(|n| Some(*n as f64)).collect(),
        tone: *tone,
        hatch: *hatch,
    });
    StackedChart {
        name: "Exceptions that began, by kind".into(),
        of: of.of.clone(),
        labels: of.labels.clone(),
        bars: bars.collect(),
        notes: annotations.iter().map(|one| (one.from, one.words.clone())).collect(),
        ..StackedChart::default()
    }
}

/// Bars by size, each with its rows.
pub(super) fn ranked(
    name: &str,
    of: &str,
    counted: &[CountedView],
    href: impl Fn(&str) -> TroublesQuery,
) -> RankedChart {
    let bar = |(one, (tone, hatch)): (&CountedView, &(Tone, Option<Hatch>))| RankedBar {
        name: one.label.clone(),
        value: one.count as f64,
        tone: *tone,
        hatch: *hatch,
        href: Some(troubles_address(&href(&one.code))),
    };
    RankedChart {
        name: name.into(),
        of: of.into(),
        unit: String::new(),
        bars: counted
            .iter()
            .zip(std::iter::once(&(Tone::Dark, None)).chain(std::iter::repeat(&(Tone::Middle, None))))
            .map(bar)
            .collect(),
    }
}

/// Weekday and two hours.
pub(super) fn hours(of: &TroublesView) -> HeatMap {
    let most = of.hours.iter().flatten().copied().max().unwrap_or_default();
    let bounds = bounds(most);
    let cell = |n: &u64| Some(HeatCell { value: *n as f64, words: n.to_string(), mark: Mark::None });
    let mut from = 0;
    let mut keys: Vec<String> = Vec::new();
    for bound in &bounds {
        keys.push(if *bound == from + 1 { from.to_string() } else { format!("{from} to {}", bound - 1) });
        from = *bound;
    }
    keys.push(format!("{from} and more"));
    HeatMap {
        name: "Exceptions that began, by weekday and two hours".into(),
        side: "weekday".into(),
        head: "two hours from".into(),
        rows: DAYS.map(str::to_owned).to_vec(),
        columns: (0..12).map(|n| format!("{:02}", n * 2)).collect(),
        cells: of.hours.iter().map(|day| day.iter().map(cell).collect()).collect(),
        bounds: bounds.iter().map(|bound| *bound as f64).collect(),
        keys,
        few: String::new(),
    }
}

/// Where the shades begin: at fifths of the largest, each at least one more than the one before.
fn bounds(most: u64) -> Vec<u64> {
    let mut bounds: Vec<u64> = Vec::new();
    for fifth in 1..5 {
        let next = (most * fifth).div_ceil(5).max(bounds.last().map_or(1, |last| last + 1));
        bounds.push(next);
    }
    bounds
}

/// How long those that ended took.
pub(super) fn took(of: &TroublesView) -> Distribution {
    Distribution {
        name: "Time to resolve".into(),
        of: "exceptions".into(),
        unit: String::new(),
        along: "from known to ended".into(),
        edges: of.edges.clone(),
        values: of.took.iter().map(|n| *n as f64).collect(),
        markers: of.markers.iter().map(|(words, at)| Marker { at: *at, words: words.clone() }).collect(),
        second: None,
        tail: Some(5),
    }
}

/// The busiest cells: the code of the hours, in words, and how many.
pub(super) fn busiest(of: &TroublesView) -> Vec<(String, String, u64)> {
    let mut cells: Vec<(u64, usize, usize)> = Vec::new();
    for (day, hours) in of.hours.iter().enumerate() {
        cells.extend(hours.iter().enumerate().filter(|(_, n)| **n > 0).map(|(two, n)| (*n, day, two)));
    }
    cells.sort_by_key(|(n, day, two)| (std::cmp::Reverse(*n), *day, *two));
    let shown = |(n, day, two): &(u64, usize, usize)| {
        let hour = two * 2;
        (format!("{day}-{hour}"), format!("{} {hour:02} to {:02} h", DAYS[*day], hour + 2), *n)
    };
    cells.iter().take(3).map(shown).collect()
}

/// The question for rows of the same period and filters.
pub(super) fn rows_of(figures: &FiguresQuery) -> TroublesQuery {
    TroublesQuery { figures: figures.clone(), ..TroublesQuery::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shades_begin_at_rising_numbers_and_have_their_words() {
        for most in [0, 1, 2, 5, 29, 1_000] {
            let bounds = bounds(most);
            assert!(bounds.windows(2).all(|two| two[0] < two[1]) && bounds[0] >= 1, "{most}: {bounds:?}");
            let of = TroublesView { hours: vec![vec![most; 12]; 7], ..TroublesView::default() };
            let map = hours(&of);
            assert_eq!(map.keys.len(), map.bounds.len() + 1);
        }
    }

    #[test]
    fn the_busiest_hours_lead_to_their_rows() {
        let mut hours = vec![vec![0; 12]; 7];
        hours[4][8] = 24;
        hours[0][3] = 13;
        let of = TroublesView { hours, ..TroublesView::default() };
        let all = busiest(&of);
        assert_eq!(all[0], ("4-16".to_owned(), "Fri 16 to 18 h".to_owned(), 24));
        assert_eq!(all.len(), 2);
    }
}
