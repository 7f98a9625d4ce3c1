//! What is derived from a month of shipments against what was truly wrong with them: troubles are found, little else is, and
//! nothing twice. The fold is run as the review does: every twelve hours over what had come in by then.

use domain::{
    Classifier, ExceptionReason as E,
    calendar::CompanyCalendar,
    commit::{self, ExceptionChange},
    event_time::{EventTime, Precision},
    exceptions::{
        CommittedException,
        usual::{Lane, ShippedTable, UsualTimes},
    },
    fold::{self, DeliveryStanding, Fact, Feed, FoldInput, Plan, Sighting, Trust, Watch},
    ids::{ShipmentId, SourceId, TrackerId},
    mapping::Mapping,
    observation::{Codes, Location, Observation, Origin, ProviderCode},
    reading::Reader,
};
use jiff::{SignedDuration, Timestamp};
use simulator::truth::{self, Report, Shipment, Trouble};
use std::collections::BTreeMap;
use uuid::Uuid;

const SHIPMENTS: u64 = 800;
const STEP: SignedDuration = SignedDuration::from_hours(12);
/// From the first label until everything has ended or was noticed.
const DAYS: i64 = 80;

/// How a trouble is noticed; any of these is it.
fn noticed_as(trouble: Trouble) -> &'static [E] {
    match trouble {
        Trouble::Late => &[E::Late],
        Trouble::Slow => &[E::SlowTransit],
        Trouble::Silent => &[E::Silence],
        Trouble::NotShipped => &[E::NotShipped],
        Trouble::Customs => &[E::CustomsStuck],
        Trouble::Returns => &[E::ReturnToOrigin],
        Trouble::WrongCountry => &[E::WrongDestination],
        Trouble::Lost => &[E::PresumedLost],
        Trouble::UnknownCode => &[E::UnmappedCode],
    }
}

/// What else is true of a shipment with a trouble: who vanishes is silent and slow before.
fn also_true(trouble: Trouble) -> &'static [E] {
    match trouble {
        Trouble::Lost => &[E::Silence, E::SlowTransit],
        Trouble::Silent => &[E::SlowTransit],
        Trouble::Slow | Trouble::Late | Trouble::Customs => &[E::SlowTransit],
        _ => &[],
    }
}

fn fact(shipment: &Shipment, report: &Report, position: u32) -> Fact {
    let observation = Observation {
        provider_event_id: None,
        retracts: None,
        codes: Codes {
            raw: report.code.into(),
            status: vec![ProviderCode::new("aftership.subtag", report.code)],
            reason: None,
            coarse: None,
        },
        classifier: Classifier::Actual,
        time: EventTime::instant(report.at.to_string(), report.at, Precision::Second),
        stated_at: None,
        location: Some(Location { country: Some(report.country.into()), ..Location::default() }),
        piece: None,
        stop: None,
        origin: Origin::Event,
        description: None,
        signatory: None,
        documents: Vec::new(),
    };
    Fact {
        id: observation.id("truth", &shipment.number.to_string()),
        reading: Mapping::base().read(&observation),
        tracker: TrackerId(Uuid::from_u128(u128::from(shipment.number) + 1)),
        piece: None,
        source: SourceId(Uuid::from_u128(1)),
        trust: Trust::Carrier,
        sightings: vec![Sighting { snapshot: None, position, recorded_at: report.at }],
        observation,
    }
}

/// Everything that was ever opened for a shipment, by reason and how often.
fn opened(shipment: &Shipment, begin: Timestamp) -> BTreeMap<E, usize> {
    let company =
        CompanyCalendar { country: Some("DE".into()), zone: "Europe/Berlin".into(), ..CompanyCalendar::default() };
    let lane = Lane { carrier: Some("dhl".into()), from: Some("DE".into()), to: Some(shipment.to.into()) };
    let facts: Vec<Fact> =
        (0_u32..).zip(&shipment.reports).map(|(place, report)| fact(shipment, report, place)).collect();
    let mut input = FoldInput {
        plan: Plan {
            promised_by: shipment.promised,
            standing: DeliveryStanding::Done,
            expected_from: Some(shipment.labelled),
            silence_after_hours: Some(72),
            to: Some(shipment.to.into()),
            ..Plan::default()
        },
        watch: Some(Watch {
            calendar: company.own(),
            usual: ShippedTable.usual(&lane),
            late_from: None,
            feed: Feed::Running,
        }),
        ..FoldInput::default()
    };
    let (mut rows, mut counts): (Vec<CommittedException>, BTreeMap<E, usize>) = Default::default();
    let mut now = begin;
    while now < begin + SignedDuration::from_hours(24 * DAYS) {
        now += STEP;
        input.facts = facts.iter().filter(|fact| fact.sightings[0].recorded_at <= now).cloned().collect();
        let folded = fold::fold(&input, now);
        for change in commit::reconcile(ShipmentId(Uuid::from_u128(9)), &rows, &folded.exceptions) {
            match change {
                ExceptionChange::Open { id, exception } => {
                    *counts.entry(exception.reason).or_default() += 1;
                    rows.push(CommittedException {
                        id,
                        reason: exception.reason,
                        piece: exception.piece,
                        severity: exception.severity,
                        evidence: exception.evidence,
                        opened_at: exception.opened.sort_key().unwrap_or(now),
                        recorded_at: now,
                        closed: exception.closed.map(|(_, how)| (now, how)),
                        withheld: false,
                    });
                }
                ExceptionChange::Keep { id, exception } => {
                    let row = rows.iter_mut().find(|row| row.id == id).expect("committed");
                    // one that comes and goes is opened again each time
                    if row.closed.is_some() && exception.closed.is_none() {
                        *counts.entry(exception.reason).or_default() += 1;
                    }
                    (row.severity, row.evidence) = (exception.severity, exception.evidence);
                    row.closed = row.closed.filter(|_| exception.closed.is_some());
                }
                ExceptionChange::Close { id, resolution, .. } => {
                    rows.iter_mut().find(|row| row.id == id).expect("committed").closed = Some((now, resolution));
                }
            }
        }
    }
    counts
}

#[test]
fn troubles_are_found_and_little_else_and_nothing_twice() {
    // a Monday; the weeks to come have no public holiday in Germany
    let begin: Timestamp = "2026-08-31T00:00:00Z".parse().unwrap();
    let (mut missed, mut true_ones, mut alarms, mut found_in_all, mut twice) =
        (Vec::new(), 0, Vec::new(), 0, Vec::new());
    for shipment in truth::month(begin, SHIPMENTS, 20) {
        let opened = opened(&shipment, begin);
        for trouble in &shipment.troubles {
            true_ones += 1;
            if !noticed_as(*trouble).iter().any(|reason| opened.contains_key(reason)) {
                missed.push((shipment.number, *trouble));
            }
        }
        for (reason, times) in &opened {
            found_in_all += 1;
            let is_true =
                |trouble: &Trouble| noticed_as(*trouble).contains(reason) || also_true(*trouble).contains(reason);
            if !shipment.troubles.iter().any(is_true) {
                alarms.push((shipment.number, *reason, shipment.troubles.clone()));
            }
            // another gap is another silence
            if *times > 1 {
                twice.push((shipment.number, *reason, *times));
            }
        }
    }
    assert!(true_ones > 120, "{true_ones} troubles");
    assert_eq!(twice, [], "opened twice");
    assert!(missed.len() * 20 <= true_ones, "{} of {true_ones} missed: {missed:?}", missed.len());
    assert!(alarms.len() * 20 <= found_in_all, "{} of {found_in_all} false: {alarms:?}", alarms.len());
}
