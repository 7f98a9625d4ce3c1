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

/// A carrier on one way: from a warehouse to a country.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Way {
    carrier: String,
    warehouse: Option<String>,
    country: Option<String>,
}

impl Way {
    fn of(dims: &Dims) -> Vec<Self> {
        let carrier = dims.carrier.clone();
        let way =
            carrier.map(|carrier| Self { carrier, warehouse: dims.warehouse.clone(), country: dims.country.clone() });
        way.into_iter().collect()
    }

    fn words(&self) -> String {
        match (&self.warehouse, &self.country) {
            (Some(from), Some(to)) => format!("from {from} to {to}"),
            (Some(from), None) => format!("from {from}"),
            (None, Some(to)) => format!("to {to}"),
            (None, None) => String::new(),
        }
    }

    fn query(&self, query: &FiguresQuery) -> FiguresQuery {
        FiguresQuery {
            carrier: self.carrier.clone(),
            warehouse: self.warehouse.clone().unwrap_or_else(|| query.warehouse.clone()),
            country: self.country.clone().unwrap_or_else(|| query.country.clone()),
            ..query.clone()
        }
    }
}

/// The carrier's lane that makes most of what is missing to the target; none where the target is met, or no lane makes much of it.
pub(super) fn worst_way(cells: &[Cell], query: &FiguresQuery, target: f64) -> Option<Decision> {
    let ways = grouped_by(cells, Way::of);
    let (all, late) = cells
        .iter()
        .flat_map(|cell| &cell.tallies)
        .map(due_and_late)
        .fold((0, 0), |(due, late), one| (due + one.0, late + one.1));
    let allowed = |due: i64| due as f64 * (100.0 - target) / 100.0;
    let missing = late as f64 - allowed(all);
    if missing <= 0.0 || all < FEW {
        return None;
    }
    let over = |(due, late): (i64, i64)| late as f64 - allowed(due);
    let worst = ways
        .iter()
        .map(|(way, tally)| (way, due_and_late(tally)))
        .filter(|(_, (due, late))| *late >= LATE_MIN && *due >= FEW)
        .max_by(|a, b| over(a.1).partial_cmp(&over(b.1)).unwrap_or(Ordering::Equal))?;
    let (way, (due, of_way)) = worst;
    let rest = (all - due, late - of_way);
    let rest_share = (rest.0 > 0).then(|| 100.0 * (rest.0 - rest.1) as f64 / rest.0 as f64);
    if over((due, of_way)) < SHARE_MIN * missing {
        return None;
    }
    let carrier = carrier_name(&way.carrier);
    let without =
        rest_share.map_or_else(String::new, |share| format!("; without them {} % are in time", number(share)));
    Some(Decision {
        question: format!("Keep {carrier} {}?", way.words()).replace(" ?", "?"),
        because: format!(
            "{} % in time there: {} of {} late shipments{without}.",
            number(100.0 * (due - of_way) as f64 / due as f64),
            grouped(of_way.unsigned_abs()),
            grouped(late.unsigned_abs())
        ),
        page: Leads::Rows(FigureQuery {
            kpi: Kpi::OnTime.id().into(),
            tab: "against".into(),
            cursor: String::new(),
            figures: way.query(query),
        }),
        label: format!("Show {} late", grouped(of_way.unsigned_abs())),
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
    fn what_is_spread_evenly_or_of_few_is_no_decision() {
        let even: Vec<Cell> = (0..10).map(|n| cell(&format!("c{n}"), "DE", 90, 10)).collect();
        assert_eq!(worst_way(&even, &FiguresQuery::default(), 95.0), None);
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
