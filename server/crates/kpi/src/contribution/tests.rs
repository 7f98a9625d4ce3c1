//! The worked cases, and what holds for any shipment.

use super::{
    cases::{self, Case},
    current, exceptions,
    facts::{Latency, latency},
    first_attempt::{Attempt, first},
    orders::{self, Delivery, Ordered},
    row::{Contributed, Dims, Key, Part},
    shipment::{Closed, Closing, Shipment, Story, Trouble},
    *,
};
use crate::{
    definition::Kpi,
    figure::{Tally, minute},
};
use domain::{
    Classifier, ExceptionReason, Milestone,
    calendar::{Calendar, CompanyCalendar},
    event_time::{EventTime, Precision, ZoneSource},
    fold::{Fact, FoldInput, Folded, Plan, Promised, Sighting, Trust, fold},
    ids::{ObservationId, SourceId, TrackerId},
    observation::{Codes, Observation, Origin},
    punctuality::Moment,
    reading::Reading,
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

mod figures;
mod orders_and_order;

fn case(id: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("../../cases/cases.json")).unwrap();
    all["cases"].as_array().unwrap().iter().find(|case| case["id"] == id).unwrap_or_else(|| panic!("no {id}")).clone()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

fn instant(value: &Value) -> Timestamp {
    text(value).parse().unwrap()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A shipment of the cases, as it is known at a time.
struct World {
    id: String,
    linked: bool,
    test: bool,
    company_zone: TimeZone,
    zone: TimeZone,
    calendar: Calendar,
    input: FoldInput,
    folded: Folded,
    troubles: Vec<Trouble>,
    dims: Dims,
}

impl World {
    fn of(given: &Value, as_of: Timestamp) -> Self {
        let zone_of = |name: &str| {
            let name = given[name].as_str().unwrap_or("Europe/Berlin");
            TimeZone::get(name).unwrap()
        };
        let (company_zone, zone) = (zone_of("company_zone"), zone_of("zone"));
        let promises = list(&given["promises"]).filter(|one| instant(&one["recorded"]) <= as_of).map(|one| Promised {
            due: Some(match text(&one["kind"]) {
                "day" => Moment::committed(instant(&one["at"]), &company_zone),
                _ => Moment::Instant(instant(&one["at"])),
            }),
            recorded: instant(&one["recorded"]),
        });
        let plan = Plan {
            pieces: list(&given["pieces"]).map(|piece| text(piece).to_owned()).collect(),
            promises: promises.collect(),
            ..Plan::default()
        };
        let mut facts = Vec::new();
        for (n, one) in list(&given["facts"]).enumerate() {
            add_fact(&mut facts, (n, one), text(&given["zone"]), as_of);
        }
        let input = FoldInput { plan, facts, ..FoldInput::default() };
        let folded = fold(&input, as_of);
        let mut troubles: Vec<Trouble> = list(&given["exceptions"])
            .map(|reason| trouble(ExceptionReason::from_code(text(reason)).unwrap(), as_of, None))
            .collect();
        if let Some(minutes) = given["stopped_minutes"].as_i64() {
            let opened: Timestamp = "2026-03-25T00:00:00Z".parse().unwrap();
            let closed = opened + SignedDuration::from_mins(minutes);
            troubles.push(trouble(ExceptionReason::AddressIncorrect, opened, Some(closed)));
        }
        let dims = Dims { carrier: given["carrier"].as_str().map(str::to_owned), ..Dims::default() };
        Self {
            id: given["id"].as_str().unwrap_or_default().to_owned(),
            linked: given["unlinked"] != true,
            test: given["mode"] == "test",
            company_zone,
            zone,
            calendar: CompanyCalendar { cut_off: "18:00".parse().unwrap(), ..CompanyCalendar::default() }.own(),
            input,
            folded,
            troubles,
            dims,
        }
    }

    fn shipment(&self) -> Shipment<'_> {
        Shipment {
            linked: self.linked,
            test: self.test,
            inbound: false,
            company_zone: &self.company_zone,
            zone: &self.zone,
            origin: &self.calendar,
            destination: &self.calendar,
            plan: &self.input.plan,
            facts: &self.input.facts,
            folded: &self.folded,
            troubles: &self.troubles,
            cases: &[],
        }
    }

    fn story(&self) -> Story<'_> {
        Story::of(self.shipment())
    }

    fn contributed(&self) -> Contributed {
        of_shipment(self.shipment(), self.dims.clone())
    }
}

fn trouble(reason: ExceptionReason, opened: Timestamp, closed: Option<Timestamp>) -> Trouble {
    let closed = closed.map(|at| Closed { at, recorded: at, taken_back: false, by_person: false });
    Trouble { reason, severity: reason.severity(), opened, recorded: opened, closed, ticket: false }
}

fn event_time(text: &str, zone: &str) -> EventTime {
    if text.len() == 10 {
        let mut time = EventTime::floating(text, format!("{text}T00:00").parse().unwrap(), Precision::Date);
        time.settle(|| Some((zone, ZoneSource::Facility)));
        return time;
    }
    EventTime::instant(text, text.parse().unwrap(), Precision::Minute)
}

fn add_fact(facts: &mut Vec<Fact>, (n, given): (usize, &Value), zone: &str, as_of: Timestamp) {
    let recorded = instant(&given["recorded"]);
    if recorded > as_of {
        return;
    }
    let milestone = Milestone::from_code(text(&given["milestone"])).unwrap();
    let event = Some(format!("event {n}"));
    let mut fact = fact(n, milestone, event_time(text(&given["event"]), zone), recorded);
    fact.observation.provider_event_id.clone_from(&event);
    fact.piece = given["piece"].as_str().map(str::to_owned);
    facts.push(fact);
    if let Some(at) = given["retracted"].as_str().map(|at| at.parse::<Timestamp>().unwrap()).filter(|at| *at <= as_of) {
        let mut retraction = self::fact(1_000 + n, Milestone::Info, EventTime::unknown(""), at);
        retraction.observation.retracts = event;
        facts.push(retraction);
    }
}

fn fact(n: usize, milestone: Milestone, time: EventTime, recorded_at: Timestamp) -> Fact {
    Fact {
        id: ObservationId(Uuid::from_u128(n as u128 + 1)),
        observation: Observation {
            provider_event_id: None,
            retracts: None,
            codes: Codes { raw: milestone.code().into(), status: Vec::new(), reason: None, coarse: None },
            classifier: Classifier::Actual,
            time,
            stated_at: None,
            location: None,
            piece: None,
            stop: None,
            origin: Origin::Event,
            description: None,
            signatory: None,
            documents: Vec::new(),
        },
        reading: Reading {
            mapping: 0,
            milestone,
            schedules: None,
            exception: None,
            also: None,
            resolves: None,
            unmapped: false,
            floor: None,
            doubt: None,
        },
        tracker: TrackerId(Uuid::from_u128(1)),
        piece: None,
        source: SourceId(Uuid::from_u128(1)),
        trust: Trust::Carrier,
        sightings: vec![Sighting { snapshot: None, position: 0, recorded_at }],
    }
}

fn worlds(case: &Value, as_of: Timestamp) -> Vec<World> {
    list(&case["given"]).map(|given| World::of(given, as_of)).collect()
}

/// The rows of one figure.
fn rows_of(contributed: &Contributed, kpi: Kpi) -> Vec<(Key, i64)> {
    contributed.rows.iter().filter(|(key, _)| key.kpi == kpi).map(|(key, n)| (*key, *n)).collect()
}
