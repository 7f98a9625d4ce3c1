//! The review of one carrier.

use super::{
    findings::{finding, lane_name, on_lane},
    measure::{Shown, annotations, count, days_of, definitions},
};
use crate::views::{
    Asker,
    figures::{choice::asked, figure},
    words::sentence,
};
use app::{
    components::{charts::number, parts::grouped},
    contract::{
        ApiResult, Record,
        carriers::{
            CarrierQuery, CarrierView, LaneCell, LaneMap, LaneRow, Measure, PromisesView, ReasonsView, SplitBy,
        },
        figures::FiguresQuery,
    },
};
use application::{
    caller::Caller,
    installation,
    kpi::{
        analysis::{SHIPMENTS_MAX, Troubles, counted},
        carriers::{self, LaneFigures, Review},
    },
};
use kpi::{
    definition::Kpi,
    figure::{FEW, Tally},
    scorecard::{
        Goal, Share,
        findings::{Finding, Lane, base, centre},
    },
};
use std::collections::BTreeMap;

/// Columns of the map of lanes.
const COLUMNS_MAX: usize = 8;
/// Rows of the map of lanes.
const ROWS_MAX: usize = 8;
/// Rows of the table.
const TABLE_MAX: usize = 12;
/// What says how good a carrier's data is.
const DATA: &[Kpi] =
    &[Kpi::ConfirmationRate, Kpi::MilestonesComplete, Kpi::EventLatency, Kpi::UnmappedShare, Kpi::ImpossibleTimes];

/// The page.
///
/// # Errors
/// When the caller may not, there is no such carrier, the period is none, or the store fails.
pub(super) async fn view(asker: &Asker, caller: &Caller, query: CarrierQuery) -> ApiResult<CarrierView> {
    let refused = |error| asker.refused(error).of_page(Record::Carrier);
    let figures = FiguresQuery { carrier: query.code.clone(), ..query.figures };
    let asked = asked(asker, caller, figures).await?;
    let review = carriers::review(&asker.context, caller, &asked.question, &query.code).await.map_err(refused)?;
    let company = installation::company(&asker.context).await.map_err(|error| asker.refused(error))?.name;
    let times = asker.times();
    let of_it = &asked.view.query;
    let target = review.targets.get(&Kpi::OnTime).copied();
    let card =
        Shown { card: &review.card, targets: &review.targets, on: &asked.view.compared, days: days_of([&review.card]) };
    let card = card.view();
    let table = match query.by {
        SplitBy::Lane => review.lanes.clone(),
        SplitBy::Country => review.countries(),
        SplitBy::Warehouse => review.warehouses(),
    };
    let person = asker.user.as_ref().map(|user| user.name.clone()).unwrap_or_default();
    Ok(CarrierView {
        by: query.by,
        ranked: u32::try_from(review.ranked).unwrap_or(u32::MAX),
        target,
        base: base(review.card.weeks.len()),
        course_lead: course_lead(&review),
        annotations: annotations(&review.annotations, &review.card.weeks),
        reasons: reasons(&review.troubles),
        findings: review.findings.iter().map(|one| finding(one, of_it)).collect(),
        lanes: lane_map(&review.lanes, target),
        rows: rows((table.as_slice(), query.by), target, of_it, &review.troubles),
        rows_summary: rows_summary(&table, query.by),
        promises: promises(&review),
        data: data(&card.measures),
        definitions: definitions(),
        as_of: times.clock_or_date(review.counted_until),
        printed: format!("{company} · {} · {person}", times.exact(times.now)),
        card,
        choice: asked.view,
    })
}

fn data(measures: &[Measure]) -> Vec<Measure> {
    let is = |measure: &&Measure| DATA.iter().any(|kpi| kpi.id() == measure.kpi);
    measures.iter().filter(is).cloned().collect()
}

fn course_lead(review: &Review) -> String {
    let below = review.findings.iter().find_map(|finding| match finding {
        Finding::BelowLimit { weeks, .. } => Some(*weeks),
        _ => None,
    });
    match (below, centre(&review.card.weeks, &review.unusual)) {
        (Some(1), _) => "The last week is below the lower limit: chance alone does not explain it.".into(),
        (Some(weeks), _) => {
            format!("The last {weeks} weeks are below the lower limit: chance alone does not explain them.")
        }
        (None, Some(_)) => "The last week is not below the lower limit.".into(),
        (None, None) => "Nothing was due in the first weeks, so that there are no limits.".into(),
    }
}

/// Why its shipments had exceptions.
fn reasons(troubles: &Troubles) -> ReasonsView {
    let rows: Vec<(String, u64)> =
        troubles.reasons().into_iter().map(|(reason, n)| (reason.label().to_owned(), n)).collect();
    let all: u64 = rows.iter().map(|(_, n)| n).sum();
    let cut =
        if troubles.cut { format!(", of {} shipments at most", grouped(SHIPMENTS_MAX.into())) } else { String::new() };
    ReasonsView { summary: format!("{} that began in the period{cut}", grouped(all)), rows }
}

/// How all shipments of the period stand to their promises.
fn promises(review: &Review) -> PromisesView {
    let none = Tally::default();
    let tally = review.card.figures.get(&Kpi::OnTime).map_or(&none, |(now, _)| now);
    let outside: i64 = tally.outside.values().sum();
    let all = Share::of(tally).of + tally.pending + outside;
    let mut parts = figure::parts(Kpi::OnTime.definition(), tally);
    // they are among those in time
    parts.retain(|part| part.code != "undecided");
    parts.iter_mut().for_each(|part| part.label = sentence(&part.label));
    PromisesView { parts, all: count(all) }
}

fn is_missed(share: Share, target: Option<f64>) -> bool {
    let direction = Kpi::OnTime.definition().direction;
    target.is_some_and(|target| share.against(target, direction) == Goal::Missed)
}

fn lane_map(lanes: &[LaneFigures], target: Option<f64>) -> LaneMap {
    let names = |of: fn(&LaneFigures) -> &Option<String>, most: usize| {
        let mut due: BTreeMap<&Option<String>, i64> = BTreeMap::new();
        for lane in lanes {
            *due.entry(of(lane)).or_default() += lane.on_time().of;
        }
        let mut all: Vec<(&Option<String>, i64)> = due.into_iter().filter(|(_, due)| *due > 0).collect();
        all.sort_by_key(|(name, due)| (-due, *name));
        let more = all.len().saturating_sub(most);
        all.truncate(most);
        (all.into_iter().map(|(name, _)| name.clone()).collect::<Vec<_>>(), more)
    };
    let (warehouses, _) = names(|lane| &lane.lane.warehouse, ROWS_MAX);
    let (countries, more) = names(|lane| &lane.lane.country, COLUMNS_MAX);
    let cell = |warehouse: &Option<String>, country: &Option<String>| {
        let is = |lane: &&LaneFigures| lane.lane.warehouse == *warehouse && lane.lane.country == *country;
        let share = lanes.iter().find(is)?.on_time();
        Some(LaneCell { percent: share.percent()?, due: count(share.of), missed: is_missed(share, target) })
    };
    let row = |warehouse: &Option<String>| countries.iter().map(|country| cell(warehouse, country)).collect();
    let named = |name: &Option<String>| name.clone().unwrap_or_else(|| "?".to_owned());
    LaneMap {
        cells: warehouses.iter().map(row).collect(),
        rows: warehouses.iter().map(named).collect(),
        columns: countries.iter().map(named).collect(),
        more,
        few_under: count(FEW),
    }
}

fn rows(
    (lanes, by): (&[LaneFigures], SplitBy),
    target: Option<f64>,
    query: &FiguresQuery,
    troubles: &Troubles,
) -> Vec<LaneRow> {
    let late: i64 = lanes.iter().map(|lane| lane.on_time().rest()).sum();
    let percent =
        |value: Option<f64>| value.map_or_else(|| "No data".to_owned(), |value| format!("{} %", number(value)));
    let row = |lane: &LaneFigures| {
        let share = lane.on_time();
        let scale = figure::Scale::of(Kpi::TransitTime.definition(), &lane.value(Kpi::TransitTime));
        LaneRow {
            name: lane_name(&lane.lane, by),
            query: on_lane(query, &lane.lane, by),
            due: count(share.of),
            on_time: percent(share.percent()),
            missed: is_missed(share, target),
            few: share.is_of_few(),
            late: count(share.rest()),
            reason: main_reason(troubles, &lane.lane, by),
            of_late: format!("{} %", number((share.rest() as f64 * 100.0 / late.max(1) as f64).round())),
            p90: lane.value(Kpi::TransitTime).upper.map_or_else(|| "No data".to_owned(), |p90| scale.words(p90)),
            first_attempt: percent(lane.value(Kpi::FirstAttempt).main),
            exceptions: count(lane.figures.get(&Kpi::ExceptionRate).map_or(0, |tally| tally.yes)),
        }
    };
    lanes.iter().take(TABLE_MAX).map(row).collect()
}

/// The most frequent reason of exceptions on a lane, or on the part that it is split by.
fn main_reason(troubles: &Troubles, lane: &Lane, by: SplitBy) -> String {
    let on_it = troubles.rows.iter().filter(|row| {
        let (from, to) = (lane.warehouse == row.dims.warehouse, lane.country == row.dims.country);
        match by {
            SplitBy::Lane => from && to,
            SplitBy::Country => to,
            SplitBy::Warehouse => from,
        }
    });
    let most = counted(on_it.map(|row| row.exception.reason)).into_iter().next();
    most.map(|(reason, _)| reason.label().to_owned()).unwrap_or_default()
}

/// `332 of 548 late ones on 6 of 30 lanes`.
fn rows_summary(lanes: &[LaneFigures], by: SplitBy) -> String {
    let late = |lanes: &[LaneFigures]| lanes.iter().map(|lane| lane.on_time().rest()).sum::<i64>();
    let shown = &lanes[..lanes.len().min(TABLE_MAX)];
    let many = match by {
        SplitBy::Lane => "lanes",
        SplitBy::Country => "countries",
        SplitBy::Warehouse => "warehouses",
    };
    let late = (grouped(count(late(shown))), grouped(count(late(lanes))));
    format!("{} of {} late ones on {} of {} {many}", late.0, late.1, shown.len(), lanes.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;

    fn lane(warehouse: &str, country: Option<&str>, part: i64, of: i64) -> LaneFigures {
        let tally = Tally { yes: part, no: of - part, ..Tally::default() };
        LaneFigures {
            lane: Lane { warehouse: Some(warehouse.into()), country: country.map(str::to_owned) },
            figures: BTreeMap::from([(Kpi::OnTime, tally)]),
        }
    }

    #[test]
    fn the_map_has_the_busiest_first_and_says_what_is_left_out() {
        let mut lanes =
            vec![lane("WH", Some("DE"), 950, 1_000), lane("POZ", Some("DE"), 60, 100), lane("WH", None, 5, 5)];
        lanes.extend((0..9).map(|n| lane("WH", Some(&format!("C{n}")), 20, 20 + n)));
        let map = lane_map(&lanes, Some(95.0));
        assert_eq!(map.rows, ["WH", "POZ"]);
        assert_eq!((map.columns.len(), map.columns[0].as_str(), map.more), (8, "DE", 3));
        let cell = map.cells[1][0].unwrap();
        assert!((cell.percent - 60.0).abs() < 1e-9 && cell.due == 100 && cell.missed);
        assert!(!map.cells[0][0].unwrap().missed, "95.0 % reaches 95 %");
        assert_eq!(map.cells[1][1], None, "nothing was due");
    }

    #[test]
    fn the_table_leads_to_each_lane_and_says_how_much_it_has() {
        let lanes = vec![lane("POZ", Some("DE"), 60, 100), lane("WH", None, 990, 1_000)];
        let query = FiguresQuery { carrier: "gls".into(), ..FiguresQuery::default() };
        let troubles = Troubles { rows: Vec::new(), cut: false, zone: TimeZone::UTC };
        let rows = rows((lanes.as_slice(), SplitBy::Lane), Some(95.0), &query, &troubles);
        let first = &rows[0];
        assert_eq!(
            (first.name.as_str(), first.late, first.of_late.as_str(), first.missed),
            ("POZ → DE", 40, "80 %", true)
        );
        let asked = first.query.as_ref().unwrap();
        assert_eq!((asked.warehouse.as_str(), asked.country.as_str(), asked.carrier.as_str()), ("POZ", "DE", "gls"));
        assert_eq!((rows[1].name.as_str(), &rows[1].query), ("WH → not known", &None), "no list has exactly these");
        assert_eq!(rows_summary(&lanes, SplitBy::Lane), "50 of 50 late ones on 2 of 2 lanes");
    }
}
