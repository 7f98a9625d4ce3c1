//! What needs a person's decision, in sentences out of the numbers.

use super::choice::carrier_name;
use app::{
    components::{charts::number, parts::grouped},
    contract::figures::{Decision, FigureQuery, FiguresQuery, Leads},
};
use application::kpi::{
    due::{AtRisk, Due, Risk},
    read::Cell,
};
use jiff::{SignedDuration, Timestamp};
use kpi::{
    contribution::row::Dims,
    definition::Kpi,
    figure::{FEW, Tally},
};
use std::{cmp::Ordering, collections::BTreeMap};

/// Late shipments from which a carrier's lane is worth a decision.
const LATE_MIN: i64 = 5;
/// The share of what is missing to the target that a lane makes at least.
const SHARE_MIN: f64 = 0.25;
/// Points by which the rest is better without it, at least: what is large is not bad for that.
const BETTER_MIN: f64 = 0.5;
/// What is at risk has to be seen to within this time.
const SOON: SignedDuration = SignedDuration::from_hours(1);

/// Numbers of some cells, by what they have in common.
pub(super) fn grouped_by<K: Ord>(cells: &[Cell], key: impl Fn(&Dims) -> Vec<K>) -> BTreeMap<K, Tally> {
    let mut groups: BTreeMap<K, Tally> = BTreeMap::new();
    for cell in cells {
        for name in key(&cell.dims) {
            let tally = groups.entry(name).or_default();
            cell.tallies.iter().for_each(|one| tally.merge(one));
        }
    }
    groups
}

/// All that are due, and those of them that are late.
pub(super) const fn due_and_late(tally: &Tally) -> (i64, i64) {
    let late = tally.no + tally.overdue;
    (tally.yes + tally.maybe + late, late)
}

/// A carrier, a lane from a warehouse to a country, or a carrier on one lane.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Way {
    carrier: Option<String>,
    warehouse: Option<String>,
    country: Option<String>,
}

impl Way {
    fn carrier_on_lane(dims: &Dims) -> Vec<Self> {
        let lane = Self::lane(dims).into_iter();
        lane.filter_map(|lane| Some(Self { carrier: Some(dims.carrier.clone()?), ..lane })).collect()
    }

    fn carrier(dims: &Dims) -> Vec<Self> {
        dims.carrier.iter().map(|carrier| Self { carrier: Some(carrier.clone()), ..Self::default() }).collect()
    }

    fn lane(dims: &Dims) -> Vec<Self> {
        let (warehouse, country) = (dims.warehouse.clone(), dims.country.clone());
        let known = warehouse.is_some() && country.is_some();
        known.then_some(Self { carrier: None, warehouse, country }).into_iter().collect()
    }

    fn question(&self) -> String {
        let carrier = self.carrier.as_deref().map(carrier_name);
        let lane = self.warehouse.as_ref().zip(self.country.as_ref()).map(|(from, to)| format!("from {from} to {to}"));
        match (carrier, lane) {
            (Some(carrier), Some(lane)) => format!("Keep {carrier} {lane}?"),
            (Some(carrier), None) => format!("Keep {carrier}?"),
            (None, lane) => format!("What makes shipments {} late?", lane.unwrap_or_default()),
        }
    }

    fn query(&self, query: &FiguresQuery) -> FiguresQuery {
        let or = |own: &Option<String>, other: &String| own.clone().unwrap_or_else(|| other.clone());
        FiguresQuery {
            carrier: or(&self.carrier, &query.carrier),
            warehouse: or(&self.warehouse, &query.warehouse),
            country: or(&self.country, &query.country),
            ..query.clone()
        }
    }
}

/// What makes most of what is missing to the target: a carrier on one lane, else a carrier, else a lane; none where the target is
/// met, or none of them makes much of it.
pub(super) fn worst_way(cells: &[Cell], query: &FiguresQuery, target: f64) -> Option<Decision> {
    let all = cells.iter().flat_map(|cell| &cell.tallies).map(due_and_late);
    let (due, late) = all.fold((0, 0), |(due, late), one| (due + one.0, late + one.1));
    let over = |(due, late): (i64, i64)| late as f64 - due as f64 * (100.0 - target) / 100.0;
    let missing = over((due, late));
    if missing <= 0.0 || due < FEW {
        return None;
    }
    let in_time = |(due, late): (i64, i64)| 100.0 * (due - late) as f64 / due.max(1) as f64;
    let without = |of: (i64, i64)| (due > of.0).then(|| in_time((due - of.0, late - of.1)));
    let better = |of: (i64, i64)| without(of).is_none_or(|rest| rest - in_time((due, late)) >= BETTER_MIN);
    let worst = |names: fn(&Dims) -> Vec<Way>| {
        grouped_by(cells, names)
            .into_iter()
            .map(|(way, tally)| (way, due_and_late(&tally)))
            // what is chosen already is not asked about
            .filter(|(way, counted)| way.query(query) != *query && counted.1 >= LATE_MIN && counted.0 >= FEW)
            .max_by(|a, b| over(a.1).partial_cmp(&over(b.1)).unwrap_or(Ordering::Equal))
            .filter(|(_, counted)| over(*counted) >= SHARE_MIN * missing && better(*counted))
    };
    let (way, (of_due, of_late)) =
        worst(Way::carrier_on_lane).or_else(|| worst(Way::carrier)).or_else(|| worst(Way::lane))?;
    let rest = without((of_due, of_late));
    let rest = rest.map_or_else(String::new, |share| format!("; without them {} % are in time", number(share)));
    Some(Decision {
        question: way.question(),
        because: format!(
            "{} % in time there: {} of {} late shipments{rest}.",
            number(in_time((of_due, of_late))),
            grouped(of_late.unsigned_abs()),
            grouped(late.unsigned_abs())
        ),
        page: Leads::Rows(FigureQuery {
            kpi: Kpi::OnTime.id().into(),
            tab: "against".into(),
            cursor: String::new(),
            figures: way.query(query),
        }),
        label: format!("Show {} late", grouped(of_late.unsigned_abs())),
    })
}

/// Shipments that are due today and may not come.
pub(super) fn at_risk(due: &Due, query: &FiguresQuery, now: Timestamp) -> Option<Decision> {
    let over = due.at_risk.iter().filter(|one| one.risk == Risk::Over).count() as u64;
    let risky = u64::try_from(due.risky()).unwrap_or_default();
    if risky + over == 0 {
        return None;
    }
    let soon = |one: &&AtRisk| one.left(now).is_some_and(|left| left <= SOON);
    let soon = due.at_risk.iter().filter(soon).count();
    let question = match (risky, over) {
        (0, 1) => "Tell 1 customer that the shipment is late?".to_owned(),
        (0, over) => format!("Tell {} customers that their shipments are late?", grouped(over)),
        (1, _) => "Warn 1 customer today?".to_owned(),
        (risky, _) => format!("Warn {} customers today?", grouped(risky)),
    };
    let mut said = Vec::new();
    if risky > 0 {
        said.push(format!("{} due today at risk", counted(risky, "shipment")));
    }
    if soon > 0 {
        said.push(format!("{soon} with less than an hour left"));
    }
    if over > 0 {
        said.push(format!("{} open past the promise", grouped(over)));
    }
    Some(Decision {
        question,
        because: format!("{}.", said.join(", ")),
        page: Leads::Sla(query.clone()),
        label: "Service levels".into(),
    })
}

/// Updates of other systems that failed for good.
pub(super) fn failing(failing: &[(String, u64)], operates: bool) -> Option<Decision> {
    let (worst, most) = failing.first()?;
    let all: u64 = failing.iter().map(|(_, dead)| dead).sum();
    let because = if *most == all {
        format!(
            "{} for good.",
            if all == 1 { "1 update failed".to_owned() } else { format!("{} updates failed", grouped(all)) }
        )
    } else {
        format!("It has {} of the {} updates that failed for good.", grouped(*most), grouped(all))
    };
    Some(Decision {
        question: format!("Who mends the connection to {worst}?"),
        because,
        page: Leads::Page(if operates { "/sync".into() } else { String::new() }),
        label: "Integrations".into(),
    })
}

/// Exceptions that no one acted on in time.
pub(super) fn overdue(overdue: u64) -> Option<Decision> {
    (overdue > 0).then(|| Decision {
        question: format!("Who takes the {}?", counted(overdue, "overdue exception")),
        because: "Their time to act is over.".into(),
        page: Leads::Page("/exceptions?due=over".into()),
        label: "Exceptions".into(),
    })
}

fn counted(n: u64, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{} {what}s", grouped(n)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::ShipmentId;
    use uuid::Uuid;

    fn cell(carrier: &str, country: &str, in_time: i64, late: i64) -> Cell {
        let dims = Dims {
            carrier: Some(carrier.into()),
            warehouse: Some("WH".into()),
            country: Some(country.into()),
            ..Dims::default()
        };
        Cell { dims, tallies: vec![Tally { yes: in_time, no: late, ..Tally::default() }] }
    }

    #[test]
    fn the_lane_that_makes_the_miss_is_asked_about() {
        let cells = [cell("gls", "DE", 80, 20), cell("gls", "AT", 99, 1), cell("dpd", "DE", 485, 15)];
        let said = worst_way(&cells, &FiguresQuery::default(), 95.0).unwrap();
        assert!(said.question.starts_with("Keep GLS from WH to DE"), "{said:?}");
        assert_eq!(said.because, "80 % in time there: 20 of 36 late shipments; without them 97.3 % are in time.");
        let Leads::Rows(rows) = said.page else { panic!("it leads to rows") };
        let figures = &rows.figures;
        assert_eq!((rows.tab.as_str(), figures.carrier.as_str(), figures.country.as_str()), ("against", "gls", "DE"));
        assert_eq!(worst_way(&cells, &FiguresQuery::default(), 90.0), None, "the target is met");
    }

    #[test]
    fn a_carrier_or_a_lane_is_asked_about_where_no_carrier_stands_out_on_one_lane() {
        let asked = |cells: &[Cell], query: &FiguresQuery| worst_way(cells, query, 95.0).map(|said| said.question);
        let spread: Vec<Cell> = (0..6).map(|n| cell("gls", &format!("L{n}"), 16, 4)).collect();
        assert_eq!(
            asked(&[&spread[..], &[cell("dpd", "DE", 200, 0)]].concat(), &FiguresQuery::default()),
            Some("Keep GLS?".into())
        );
        let lane: Vec<Cell> = (0..6).map(|n| cell(&format!("c{n}"), "DE", 16, 4)).collect();
        let said = Some("What makes shipments from WH to DE late?".to_owned());
        assert_eq!(asked(&[&lane[..], &[cell("dpd", "AT", 100, 0)]].concat(), &FiguresQuery::default()), said);
        let chosen = FiguresQuery { carrier: "gls".into(), ..FiguresQuery::default() };
        assert_eq!(asked(&spread, &chosen), None, "what is chosen is not asked about");
    }

    #[test]
    fn a_lane_of_which_a_part_is_not_known_is_not_led_to() {
        let mut of_no_country = cell("gls", "DE", 60, 40);
        of_no_country.dims.country = None;
        let mut of_no_carrier = cell("gls", "DE", 60, 40);
        of_no_carrier.dims.carrier = None;
        let good = cell("dpd", "AT", 500, 0);
        let asked = |bad: &Cell| worst_way(&[bad.clone(), good.clone()], &FiguresQuery::default(), 95.0);
        assert_eq!(asked(&of_no_country).unwrap().question, "Keep GLS?", "the carrier as a whole has an address");
        assert_eq!(asked(&of_no_carrier).unwrap().question, "What makes shipments from WH to DE late?");
        let mut of_nothing = of_no_country;
        of_nothing.dims.carrier = None;
        assert_eq!(asked(&of_nothing), None, "no address has exactly its rows");
    }

    #[test]
    fn what_is_spread_evenly_or_of_few_is_no_decision() {
        let even: Vec<Cell> = (0..10).map(|n| cell(&format!("c{n}"), &format!("L{n}"), 90, 10)).collect();
        assert_eq!(worst_way(&even, &FiguresQuery::default(), 95.0), None);
        let large = [cell("dhl", "DE", 360, 40), cell("dpd", "AT", 90, 10), cell("ups", "FR", 91, 9)];
        assert_eq!(worst_way(&large, &FiguresQuery::default(), 95.0), None, "the largest is as good as the others");
        assert_eq!(worst_way(&[cell("gls", "DE", 5, 20)], &FiguresQuery::default(), 95.0), None, "25 are few");
        assert_eq!(worst_way(&[], &FiguresQuery::default(), 95.0), None);
    }

    #[test]
    fn numbers_are_said_as_people_say_them() {
        let now: Timestamp = "2026-03-05T12:00:00Z".parse().unwrap();
        let one = |minutes: i64, risk: Risk| AtRisk {
            shipment: ShipmentId(Uuid::from_u128(1)),
            late_from: Some(now + SignedDuration::from_mins(minutes)),
            risk,
        };
        let tally = Tally { pending: 9, overdue: 1, ..Tally::default() };
        let at_risk_of = |list: Vec<AtRisk>| {
            let due = Due { tally: tally.clone(), at_risk: list, looked_at: None };
            at_risk(&due, &FiguresQuery::default(), now).map(|said| (said.question, said.because))
        };
        assert_eq!(at_risk_of(Vec::new()), None);
        let all = vec![one(-30, Risk::Over), one(30, Risk::EstimatedLate), one(300, Risk::EstimatedLate)];
        let (question, because) = at_risk_of(all).unwrap();
        assert_eq!(question, "Warn 2 customers today?");
        assert_eq!(because, "2 shipments due today at risk, 1 with less than an hour left, 1 open past the promise.");
        let (question, _) = at_risk_of(vec![one(-30, Risk::Over)]).unwrap();
        assert_eq!(question, "Tell 1 customer that the shipment is late?");
        let desk = failing(&[("Desk".into(), 5), ("Odoo".into(), 2)], false).unwrap();
        assert_eq!(desk.because, "It has 5 of the 7 updates that failed for good.");
        assert_eq!(desk.page, Leads::Page(String::new()), "who may not see them is not led to them");
        assert_eq!(failing(&[], true), None);
        assert_eq!(overdue(1).unwrap().question, "Who takes the 1 overdue exception?");
        assert_eq!(overdue(0), None);
    }
}
