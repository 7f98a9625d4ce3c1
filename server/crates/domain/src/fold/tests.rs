//! The rules, one by one, and what holds for any set of facts.

mod derived;
mod exceptions;
mod property;
mod recycled;
mod sharing;

use self::exceptions::open_reasons;
use super::*;
use crate::{
    Classifier, ExceptionReason,
    event_time::ZoneSource,
    ids::{ExceptionId, SnapshotId, SourceId, TrackerId},
    mapping::Mapping,
    observation::{Codes, Location, Observation, ProviderCode, Stop},
    progress::{self, StepStanding},
    reading::Reader,
};
use jiff::{SignedDuration, tz::TimeZone};
use proptest::prelude::*;
use uuid::Uuid;

const DAY: &str = "2026-03-10";

fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    instant("2026-03-20T00:00:00Z")
}

/// A statement to be reported; what is not set is as usual.
#[derive(Clone, Debug)]
struct Said {
    code: &'static str,
    at: String,
    source: u128,
    recorded: Timestamp,
    position: u32,
    event: Option<&'static str>,
    retracts: Option<&'static str>,
    classifier: Classifier,
    stated: Option<Timestamp>,
    piece: Option<&'static str>,
    stop: Option<u32>,
    city: Option<&'static str>,
    snapshot: Option<u128>,
}

fn said(code: &'static str, at: &str) -> Said {
    Said {
        code,
        at: at.into(),
        source: 1,
        recorded: instant("2026-03-12T00:00:00Z"),
        position: 0,
        event: None,
        retracts: None,
        classifier: Classifier::Actual,
        stated: None,
        piece: None,
        stop: None,
        city: None,
        snapshot: None,
    }
}

impl Said {
    fn fact(&self) -> Fact {
        let mut time = match self.at.as_str() {
            "" => EventTime::unknown(""),
            at if at.ends_with('Z') => EventTime::instant(at, instant(at), Precision::Second),
            at if at.len() == 10 => EventTime::floating(at, format!("{at}T00:00").parse().unwrap(), Precision::Date),
            at => EventTime::floating(at, at.parse().unwrap(), Precision::Minute),
        };
        time.settle(|| self.city.map(|_| ("Europe/Paris", ZoneSource::Facility)));
        let observation = Observation {
            provider_event_id: self.event.map(Into::into),
            retracts: self.retracts.map(Into::into),
            codes: Codes {
                raw: self.code.into(),
                status: vec![ProviderCode::new(list_of(self.code), self.code)],
                reason: None,
                coarse: None,
            },
            classifier: self.classifier,
            time,
            stated_at: self.stated,
            location: self.city.map(|city| Location { city: Some(city.into()), ..Location::default() }),
            piece: None,
            stop: self.stop.map(|number| Stop { number }),
            origin: Origin::Event,
            description: None,
            signatory: None,
            documents: Vec::new(),
        };
        Fact {
            id: observation.id(&self.source.to_string(), "T"),
            reading: Mapping::base().read(&observation),
            tracker: TrackerId(Uuid::from_u128(1)),
            piece: self.piece.map(Into::into),
            source: SourceId(Uuid::from_u128(self.source)),
            trust: Trust::Carrier,
            sightings: vec![Sighting {
                snapshot: self.snapshot.map(|s| SnapshotId(Uuid::from_u128(s))),
                position: self.position,
                recorded_at: self.recorded,
            }],
            observation,
        }
    }
}

fn list_of(code: &str) -> &'static str {
    if code.contains('_') && code.starts_with(|c: char| c.is_ascii_uppercase()) {
        "aftership.subtag"
    } else {
        "x12.1650"
    }
}

use crate::event_time::Precision;

fn input(said: &[Said]) -> FoldInput {
    FoldInput { facts: said.iter().map(Said::fact).collect(), ..FoldInput::default() }
}

fn folded(all: &[Said]) -> Folded {
    fold(&input(all), now())
}

fn day(time: &str) -> String {
    format!("{DAY}T{time}:00Z")
}

fn standing_of(folded: &Folded, fact: &Fact) -> (Standing, Rule) {
    let verdict = folded.verdicts.iter().find(|v| v.fact == fact.id).expect("every fact has a verdict");
    (verdict.standing, verdict.rule)
}

#[test]
fn r1_the_newest_fact_by_event_time_decides_whatever_the_order_of_arrival() {
    let facts = [said("D1", &day("13:50")), said("X6", &day("08:00")), said("X1", &day("12:15"))];
    let folded = folded(&facts);
    assert_eq!(folded.state, State::Delivered);
    assert_eq!(standing_of(&folded, &facts[0].fact()), (Standing::Decides, Rule::R1));
    assert_eq!(standing_of(&folded, &facts[1].fact()).0, Standing::Overruled);
    assert!(folded.anomalies.is_empty());
}

/// Whether what a fact says is a step: its own; or, where some pieces are delivered, the sender got it back, or one of
/// several stops is done, that.
fn may_speak_for(fact: &Fact, plan: &Plan, step: State) -> bool {
    let said = fact.reading.milestone.state().or(fact.reading.floor);
    let stop = fact.observation.stop.map(|stop| stop.number);
    let on_the_way = plan.stops.zip(stop).is_some_and(|(stops, stop)| stop < stops);
    match said {
        Some(said) if on_the_way && step == State::InTransit => said >= State::InTransit,
        Some(State::Delivered) if matches!(step, State::PartiallyDelivered | State::Returned) => true,
        said => said == Some(step) && !(on_the_way && step == State::Delivered),
    }
}

#[test]
fn the_bar_says_what_happened_and_no_more() {
    use StepStanding::{Ahead, Current, Reached, Skipped};
    let bar = |all: &[Said]| {
        let steps = progress::steps(&folded(all), &input(all));
        steps.iter().map(|step| (step.state, step.standing)).collect::<Vec<_>>()
    };
    let standings = |all: &[Said]| bar(all).into_iter().map(|(_, standing)| standing).collect::<Vec<_>>();
    assert_eq!(standings(&[]), [Ahead; 5]);
    assert_eq!(standings(&[said("D1", &day("12:00"))]), [Skipped, Skipped, Skipped, Skipped, Current]);
    let on_the_way = [said("XB", &day("08:00")), said("X6", &day("10:00"))];
    assert_eq!(standings(&on_the_way), [Reached, Skipped, Current, Ahead, Ahead]);
    let estimated = Said { classifier: Classifier::Estimated, ..said("D1", &day("12:00")) };
    assert_eq!(standings(&[said("X6", &day("10:00")), estimated]), [Skipped, Skipped, Current, Ahead, Ahead]);
    // an attempt failed: it was out, and is on the way again
    let failed = [said("OutForDelivery_001", &day("08:00")), said("AttemptFail_001", &day("12:00"))];
    assert_eq!(standings(&failed), [Skipped, Skipped, Current, Reached, Ahead]);
    // a cancellation and a return end the bar where they came
    assert_eq!(
        bar(&[said("XB", &day("08:00")), said("CA", &day("09:00"))]),
        [(State::Registered, Reached), (State::Cancelled, Current)]
    );
    let back = [said("X6", &day("08:00")), said("Exception_010", &day("09:00"))];
    assert_eq!(
        bar(&back),
        [
            (State::Registered, Skipped),
            (State::PickedUp, Skipped),
            (State::InTransit, Reached),
            (State::Returning, Current)
        ]
    );
}

#[test]
fn r1_a_failed_attempt_goes_back_on_the_way() {
    assert_eq!(
        folded(&[said("OutForDelivery_001", &day("08:00")), said("AttemptFail_001", &day("12:00"))]).state,
        State::InTransit
    );
}

#[test]
fn r1_late_label_data_does_not_undo_movement() {
    assert_eq!(folded(&[said("X6", &day("08:00")), said("XB", &day("09:00"))]).state, State::InTransit);
}

#[test]
fn r3_r4_progress_never_leaves_delivered() {
    let facts = [said("D1", &day("10:00")), said("P1", &day("18:00"))];
    let folded = folded(&facts);
    assert_eq!(folded.state, State::Delivered);
    assert_eq!(folded.anomalies, [Anomaly::ProgressAfterDelivery]);
    assert_eq!(standing_of(&folded, &facts[1].fact()), (Standing::Overruled, Rule::R4));
}

#[test]
fn r5_a_delivery_on_the_way_back_is_the_returns() {
    let folded = folded(&[
        said("D1", "2026-03-04T15:00:00Z"),
        said("Exception_010", "2026-03-06T15:00:00Z"),
        said("D1", "2026-03-09T15:00:00Z"),
    ]);
    assert_eq!(folded.state, State::Returned);
    assert_eq!(folded.delivered_at.unwrap().utc, Some(instant("2026-03-04T15:00:00Z")));
    assert_eq!(folded.returned_at.unwrap().utc, Some(instant("2026-03-09T15:00:00Z")));
}

#[test]
fn r5_a_scan_after_a_cancellation_counts_and_is_odd() {
    let folded = folded(&[said("CA", &day("08:00")), said("X4", &day("12:00"))]);
    assert_eq!((folded.state, &folded.anomalies[..]), (State::InTransit, &[Anomaly::ScanAfterCancellation][..]));
}

#[test]
fn r6_a_retraction_removes_its_event_even_when_it_comes_first() {
    let retraction = Said { retracts: Some("e2"), ..said("", "") };
    let delivered = Said { event: Some("e2"), ..said("D1", &day("15:00")) };
    let folded = folded(&[retraction, said("X6", &day("08:00")), delivered.clone()]);
    assert_eq!((folded.state, folded.counts.corrections, folded.counts.active), (State::InTransit, 1, 1));
    assert_eq!(standing_of(&folded, &delivered.fact()), (Standing::Retracted, Rule::R6));
    let other_source = Said { source: 2, ..said("D1", &day("15:00")) };
    assert_eq!(
        tests::folded(&[Said { retracts: Some("e2"), ..said("", "") }, Said { event: Some("e2"), ..other_source }])
            .state,
        State::Delivered,
        "another source's event of that id"
    );
}

fn snapshot(id: u128, stamp: &str) -> Snapshot {
    Snapshot {
        id: SnapshotId(Uuid::from_u128(id)),
        source: SourceId(Uuid::from_u128(1)),
        tracker: TrackerId(Uuid::from_u128(1)),
        object: None,
        stamp: Some(instant(stamp)),
        digest: id.to_string(),
        recorded_at: instant("2026-03-12T00:00:00Z"),
    }
}

fn in_list(id: u128, said: Said) -> Said {
    Said { snapshot: Some(id), ..said }
}

#[test]
fn r7_a_newer_list_withdraws_what_it_no_longer_has() {
    let facts = [
        in_list(1, said("X6", &day("08:00"))),
        in_list(1, said("D1", &day("11:00"))),
        in_list(2, Said { position: 1, ..said("D1", &day("12:30")) }),
    ];
    let mut all = input(&facts);
    // the first event stands in both lists
    all.facts[0].sightings.push(Sighting {
        snapshot: Some(SnapshotId(Uuid::from_u128(2))),
        position: 0,
        recorded_at: facts[0].recorded,
    });
    all.snapshots = vec![snapshot(1, "2026-03-10T11:05:00Z"), snapshot(2, "2026-03-10T13:00:00Z")];
    let folded = fold(&all, now());
    assert_eq!((folded.counts.active, folded.counts.superseded), (2, 1));
    assert_eq!(folded.delivered_at.unwrap().utc, Some(instant(&day("12:30"))));
}

#[test]
fn r7_a_truncated_or_empty_list_withdraws_nothing_older_than_itself() {
    let facts = [
        in_list(1, said("CP", &day("08:00"))),
        in_list(1, said("X6", &day("10:00"))),
        in_list(2, said("X1", &day("12:00"))),
    ];
    let mut all = input(&facts);
    all.snapshots = vec![
        snapshot(1, "2026-03-10T11:00:00Z"),
        snapshot(2, "2026-03-10T13:00:00Z"),
        snapshot(3, "2026-03-10T14:00:00Z"),
    ];
    assert_eq!(fold(&all, now()).counts.active, 3);
}

#[test]
fn r6_a_newer_list_that_goes_back_behind_the_delivery_is_a_correction() {
    let on_the_way = in_list(1, said("OutForDelivery_001", &day("08:00")));
    let delivered = in_list(1, said("D1", &day("11:00")));
    let lists = || vec![snapshot(1, "2026-03-10T11:05:00Z"), snapshot(2, "2026-03-10T13:00:00Z")];
    let with = |said: &[Said]| fold(&together(FoldInput { snapshots: lists(), ..input(said) }), now());
    let again = in_list(2, on_the_way.clone());
    let vanished = with(&[on_the_way.clone(), delivered.clone(), again.clone()]);
    assert_eq!(
        (vanished.state, vanished.counts.superseded, vanished.counts.corrections),
        (State::OutForDelivery, 1, 1)
    );
    let revised = with(&[on_the_way, delivered, again, in_list(2, said("D1", &day("12:30")))]);
    assert_eq!((revised.state, revised.counts.superseded, revised.counts.corrections), (State::Delivered, 1, 0));
}

#[test]
fn r7_an_older_list_that_comes_late_changes_nothing() {
    let newer = [in_list(2, said("X6", &day("08:00"))), in_list(2, said("D1", &day("11:00")))];
    let mut all = input(&newer);
    all.snapshots = vec![snapshot(1, "2026-03-10T09:00:00Z"), snapshot(2, "2026-03-10T11:05:00Z")];
    let before = fold(&all, now());
    let late = Said { recorded: instant("2026-03-13T00:00:00Z"), ..said("X6", &day("08:00")) };
    all.facts.push(in_list(1, late).fact());
    let after = fold(&together(all), now());
    assert_eq!((before.state, &before.hash), (State::Delivered, &after.hash));
}

/// What a list says in its summary and in none of its events.
fn summary(id: u128, code: &'static str, stated: &str) -> Fact {
    let mut fact = in_list(id, Said { stated: Some(instant(stated)), ..said(code, "") }).fact();
    fact.observation.origin = Origin::Summary;
    fact
}

#[test]
fn r17_the_newest_event_goes_before_a_summary() {
    let state = |code| {
        let mut all = input(&[
            in_list(1, said("CP", &day("07:00"))),
            in_list(1, Said { position: 1, ..said("OutForDelivery_001", &day("08:00")) }),
        ]);
        all.snapshots = vec![snapshot(1, "2026-03-10T09:00:00Z"), snapshot(2, "2026-03-10T11:00:00Z")];
        // an empty list: nothing but a summary
        all.facts.push(summary(2, code, "2026-03-10T11:00:00Z"));
        let folded = fold(&all, now());
        (folded.state, folded.counts.active, folded.counts.superseded)
    };
    assert_eq!(state("OutForDelivery_001"), (State::OutForDelivery, 2, 0), "as the event says");
    assert_eq!(state("InTransit_001"), (State::OutForDelivery, 2, 0), "less than the event says");
    assert_eq!(state("Delivered_001"), (State::Delivered, 3, 0), "no event says it yet");
    assert_eq!(state("Exception_010"), (State::Returning, 3, 0));
    let alone = FoldInput { facts: vec![summary(1, "InTransit_001", &day("11:00"))], ..FoldInput::default() };
    assert_eq!(fold(&alone, now()).state, State::InTransit);
}

#[test]
fn r2_the_same_words_of_another_time_are_another_event() {
    let reported = [said("X4", &day("08:00")), said("X4", &day("09:00")), said("X4", &day("09:00"))];
    assert_eq!(folded(&reported).counts.active, 2);
}

#[test]
fn r3_a_second_delivery_days_later_revises_the_first_and_is_an_anomaly() {
    let first = said("D1", &day("10:00"));
    let picked_up = said("Delivered_002", "2026-03-11T15:00:00Z");
    let twice = folded(&[first.clone(), picked_up.clone()]);
    assert_eq!(twice.delivered_at, folded(std::slice::from_ref(&picked_up)).delivered_at);
    assert_eq!(twice.anomalies, [Anomaly::DeliveredAgain]);
    assert_eq!(folded(&[picked_up.clone(), first.clone()]).hash, twice.hash, "whatever comes first");
    assert_eq!(
        folded(&[first.clone(), said("Delivered_002", &day("15:00"))]).anomalies,
        [],
        "reported twice on one day"
    );
    let other = Said { source: 2, ..picked_up };
    assert_eq!(folded(&[first, other]).anomalies, [], "another source may be late");
}

#[test]
fn attempts_on_the_way_back_or_after_the_delivery_are_not_the_deliverys() {
    let back = folded(&[said("Exception_010", &day("08:00")), said("AH", &day("12:00"))]);
    assert_eq!((back.state, back.attempts), (State::Returning, 0));
    assert_eq!(folded(&[said("D1", &day("08:00")), said("AH", &day("12:00"))]).attempts, 1);
    let mut pieces = input(&["A", "B", "C"].map(|piece| Said { piece: Some(piece), ..said("AH", &day("09:00")) }));
    pieces.plan.pieces = vec!["A".into(), "B".into(), "C".into()];
    assert_eq!(fold(&pieces, now()).attempts, 1, "one tour with three pieces");
}

#[test]
fn r9_estimates_set_times_and_never_the_state() {
    let estimate = |at: &str, stated: &str| Said {
        classifier: Classifier::Estimated,
        stated: Some(instant(stated)),
        ..said("AG", at)
    };
    let facts = [
        estimate("2026-03-12T06:00:00Z", "2026-03-05T08:00:00Z"),
        estimate("2026-03-11T06:00:00Z", "2026-03-03T08:00:00Z"),
    ];
    let before = folded(&facts);
    assert_eq!(before.state, State::Unknown);
    assert_eq!(before.eta.unwrap().utc, Some(instant("2026-03-12T06:00:00Z")), "the latest by the provider's time");
    let late = estimate("2026-03-13T06:00:00Z", "2026-03-12T09:00:00Z");
    let actual = Said { stated: Some(instant("2026-03-12T05:30:00Z")), ..said("D1", "2026-03-12T05:10:00Z") };
    let after = folded(&[facts[0].clone(), facts[1].clone(), late, actual]);
    let entry = &after.schedule["DELIVERED"];
    assert_eq!(entry.estimated.as_ref().unwrap().utc, Some(instant("2026-03-12T06:00:00Z")), "frozen at the actual");
}

#[test]
fn r10_days_without_a_time_go_by_position() {
    let at = |code, position| Said { position, ..said(code, DAY) };
    let folded = folded(&[at("D1", 3), at("AF", 1), at("X3", 0), at("X1", 2)]);
    assert_eq!((folded.state, folded.delivered_at.unwrap().precision), (State::Delivered, Precision::Date));
    assert!(folded.anomalies.is_empty());
}

#[test]
fn r10_a_day_without_a_time_finds_its_place_among_the_times_of_that_day() {
    let delivered = folded(&[said("D1", DAY), said("OutForDelivery_001", &day("08:00")), said("X4", &day("06:00"))]);
    assert_eq!((delivered.state, &delivered.anomalies[..]), (State::Delivered, &[][..]));
    let on_the_way = folded(&[said("X4", DAY), said("OutForDelivery_001", &day("08:00"))]);
    assert_eq!(on_the_way.state, State::OutForDelivery);
    // the place in the list goes before the place on the journey
    let at = |position, said: Said| in_list(1, Said { position, ..said });
    let mut all = input(&[at(0, said("OutForDelivery_001", &day("08:00"))), at(1, said("X4", DAY))]);
    all.snapshots = vec![snapshot(1, "2026-03-10T20:00:00Z")];
    assert_eq!(fold(&all, now()).state, State::InTransit);
}

#[test]
fn r9_the_schedule_speaks_of_the_last_stop_and_of_the_way_there() {
    let estimate = |code, stop| Said {
        classifier: Classifier::Estimated,
        stated: Some(instant(&day("06:00"))),
        stop,
        ..said(code, &day("16:00"))
    };
    let at = |stop, time: &str| Said { stop: Some(stop), ..said("D1", &day(time)) };
    let mut all = input(&[estimate("AG", None), at(2, "09:00")]);
    all.plan.stops = Some(3);
    let before = fold(&all, now());
    assert_eq!(before.schedule["DELIVERED"].actual, None, "the second of three stops");
    assert_eq!(before.eta.unwrap().utc, Some(instant(&day("16:00"))));
    all.facts.push(at(3, "15:00").fact());
    all.facts.push(said("Exception_010", "2026-03-11T09:00:00Z").fact());
    all.facts.push(said("D1", "2026-03-12T09:00:00Z").fact());
    let after = fold(&all, now());
    assert_eq!(after.state, State::Returned);
    assert_eq!(after.schedule["DELIVERED"].actual.as_ref().unwrap().utc, Some(instant(&day("15:00"))));
    let mut legs = input(&[estimate("AG", Some(1))]);
    legs.plan.stops = Some(2);
    assert_eq!(fold(&legs, now()).eta, None, "an estimate for another stop");
}

#[test]
fn r9_departure_from_the_pick_up_says_that_it_was_picked_up() {
    let planned = Said { classifier: Classifier::Planned, ..said("AA", &day("07:00")) };
    let folded = folded(&[planned, said("AF", &day("08:00"))]);
    assert_eq!(folded.schedule["PICKED_UP"].actual.as_ref().unwrap().utc, Some(instant(&day("08:00"))));
    let reported: Vec<_> = folded.announcements.iter().map(|a| (a.milestone, a.ordinal)).collect();
    assert_eq!(reported, [(Milestone::PickedUp, 1)]);
    let both = tests::folded(&[said("CP", &day("07:30")), said("AF", &day("08:00"))]);
    assert_eq!(both.announcements.len(), 1);
}

#[test]
fn r11_what_two_sources_tell_is_told_once_with_all_its_evidence() {
    let of = |source, time: &str| Said { source, city: Some("Lyon"), ..said("A7", time) };
    let local = of(1, "2026-03-10T10:00");
    let (other, third) = (of(2, "2026-03-10T10:00:30Z"), of(3, &day("10:00")));
    let folded = folded(&[local.clone(), third.clone(), other.clone()]);
    assert_eq!((folded.counts.active, folded.counts.merged), (2, 1), "nobody says that 10:00 is UTC");
    let [one] = &folded.exceptions[..] else { panic!("one refusal") };
    assert_eq!(one.evidence.len(), 3, "all of them are evidence, so that the exception stays when another one speaks");
}

#[test]
fn r11_towns_of_one_name_in_two_countries_are_two_places() {
    let of = |source, country: &'static str| {
        let mut fact = Said { source, city: Some("Valencia"), ..said("X4", &day("10:00")) }.fact();
        fact.observation.location.as_mut().unwrap().country = Some(country.into());
        fact.id = fact.observation.id(&source.to_string(), "T");
        fact
    };
    let merged = |facts: Vec<Fact>| fold(&FoldInput { facts, ..FoldInput::default() }, now()).counts.merged;
    assert_eq!(merged(vec![of(1, "ES"), of(2, "VE")]), 0);
    assert_eq!(merged(vec![of(1, "ES"), of(2, "ES"), of(3, "VE")]), 1);
}

#[test]
fn r11_facts_of_one_source_meet_through_a_second() {
    let one = Said { city: Some("Lyon"), ..said("X4", &day("10:00")) };
    let again = Said { event: Some("e1"), ..one.clone() };
    let second = Said { source: 2, ..one.clone() };
    assert_eq!(folded(&[one.clone(), again.clone()]).counts.merged, 0);
    assert_eq!(folded(&[one, again, second]).counts.merged, 2);
}

#[test]
fn r11_the_carrier_itself_tells_when_it_was_delivered() {
    let platform = Said { source: 2, ..said("D1", &day("10:00")) };
    let mut all = input(&[platform, said("D1", &day("11:15"))]);
    all.facts[0].trust = Trust::Aggregator;
    let folded = fold(&all, now());
    assert_eq!(folded.delivered_at.unwrap().utc, Some(instant(&day("11:15"))));
    assert_eq!(folded.announcements.len(), 1, "one delivery");
}

#[test]
fn r11_two_sources_one_event() {
    let one = Said { city: Some("Köln"), ..said("D1", &day("10:00")) };
    let two = Said { city: Some("KOLN"), source: 2, ..one.clone() };
    let folded = folded(&[one.clone(), two.clone()]);
    let merged = [&one, &two].into_iter().filter(|s| standing_of(&folded, &s.fact()).0 == Standing::Merged).count();
    assert_eq!((merged, folded.attempts), (1, 1));
    let same_source = tests::folded(&[one.clone(), Said { code: "J1", ..one }]);
    assert!(same_source.verdicts.iter().all(|v| v.standing != Standing::Merged));
}

#[test]
fn r12_pieces_make_the_whole() {
    let of = |piece, time: &str| Said { piece: Some(piece), ..said("D1", &day(time)) };
    let mut all = input(&[of("A", "09:00"), of("B", "10:00")]);
    all.plan.pieces = vec!["A".into(), "B".into(), "C".into()];
    let folded = fold(&all, now());
    assert_eq!((folded.state, &folded.delivered_at), (State::PartiallyDelivered, &None));
    all.facts.push(of("C", "15:00").fact());
    let folded = fold(&all, now());
    assert_eq!((folded.state, folded.delivered_at.unwrap().utc), (State::Delivered, Some(instant(&day("15:00")))));
    all.facts.push(of("X", "16:00").fact());
    assert_eq!(fold(&all, now()).anomalies, [Anomaly::UnexpectedPiece]);
}

#[test]
fn r12_the_piece_that_sets_the_status_is_named() {
    let of = |piece, code: &'static str, time: &str| Said { piece: Some(piece), ..said(code, &day(time)) };
    let (behind, ahead) = (of("A", "XB", "09:00"), of("B", "X6", "11:00"));
    let mut all = input(&[behind.clone(), ahead.clone()]);
    all.plan.pieces = vec!["A".into(), "B".into()];
    let says = |of: &Said, folded: &Folded| {
        let id = of.fact().id;
        folded.verdicts.iter().find(|verdict| verdict.fact == id).map(|verdict| verdict.because.clone()).unwrap()
    };
    let folded = fold(&all, now());
    assert_eq!(folded.state, State::Registered);
    assert_eq!(says(&behind, &folded), "Latest status of piece A, which is furthest behind.");
    assert_eq!(says(&ahead, &folded), "Latest status of piece B alone: piece A is further behind.");
    let (first, last) = (of("A", "D1", "12:00"), of("B", "D1", "13:00"));
    all.facts.push(first.fact());
    assert_eq!(says(&first, &fold(&all, now())), "Some pieces are delivered, A as the latest.");
    all.facts.push(last.fact());
    assert_eq!(says(&last, &fold(&all, now())), "All pieces are delivered, B as the last one.");
    assert_eq!(says(&first, &fold(&all, now())), "Latest status of piece A alone.");
}

#[test]
fn r13_only_the_last_stops_delivery_is_the_shipments() {
    let at = |stop, time: &str| Said { stop: Some(stop), ..said("D1", &day(time)) };
    let mut all = input(&[at(2, "09:00")]);
    all.plan.stops = Some(3);
    assert_eq!(fold(&all, now()).state, State::InTransit);
    all.facts.push(at(3, "15:00").fact());
    assert_eq!(fold(&all, now()).state, State::Delivered);
}

#[test]
fn r14_messages_about_the_feed_change_only_visibility() {
    let stop = Said { recorded: instant("2026-03-13T00:00:00Z"), ..said("Expired_001", "") };
    let stale = folded(&[said("X6", &day("08:00")), stop.clone()]);
    assert_eq!((stale.state, stale.visibility, stale.counts.active), (State::InTransit, Visibility::Stale, 1));
    let later = Said { recorded: instant("2026-03-14T00:00:00Z"), ..said("X1", "2026-03-13T20:00:00Z") };
    assert_eq!(folded(&[said("X6", &day("08:00")), stop, later]).visibility, Visibility::Live);
}

#[test]
fn r15_impossible_times_are_kept_out() {
    let ahead = said("D1", "2026-03-15T00:00:00Z");
    let folded = folded(&[said("X6", &day("08:00")), ahead.clone(), said("D1", "1970-01-01T00:00:00Z")]);
    assert_eq!((folded.state, folded.counts.quarantined), (State::InTransit, 2));
    assert_eq!(standing_of(&folded, &ahead.fact()), (Standing::Quarantined, Rule::R15));
}

#[test]
fn r15_an_estimate_without_a_real_time_is_none() {
    let sentinel = Said { classifier: Classifier::Estimated, ..said("AG", "1970-01-01T00:00:00Z") };
    let folded = folded(&[sentinel]);
    assert_eq!((folded.eta, folded.counts.quarantined), (None, 1));
}

#[test]
fn r17_a_coarse_status_is_a_floor_and_never_a_ceiling() {
    let unknown = |tag: &str, time: &str| {
        let mut fact = said("InTransit_013", &day(time)).fact();
        fact.observation.codes.coarse = Some(ProviderCode::new("aftership.tag", tag));
        fact.reading = Mapping::base().read(&fact.observation);
        fact.id = fact.observation.id("1", "T");
        fact
    };
    let mut all = input(&[said("OutForDelivery_001", &day("08:00"))]);
    all.facts.push(unknown("InTransit", "09:00"));
    assert_eq!(fold(&all, now()).state, State::OutForDelivery);
    all.facts.push(unknown("Delivered", "10:00"));
    let folded = fold(&all, now());
    assert_eq!((folded.state, folded.counts.unmapped), (State::Delivered, 2));
    assert_eq!(folded.announcements.last().map(|a| a.milestone), Some(Milestone::Delivered));
}

#[test]
fn r17_an_unknown_code_moves_nothing_and_shows() {
    let folded = folded(&[said("X6", &day("08:00")), said("ZZ", &day("09:00"))]);
    assert_eq!(
        (folded.state, folded.counts.unmapped, &folded.anomalies[..]),
        (State::InTransit, 1, &[Anomaly::UnmappedCode][..])
    );
}

#[test]
fn the_clock_makes_late_and_silent_and_says_when_to_look_again() {
    let mut all = input(&[said("X6", &day("08:00"))]);
    all.plan.promised_by = Some(instant("2026-03-13T17:00:00Z"));
    all.plan.silence_after_hours = Some(72);
    let early = fold(&all, instant("2026-03-12T12:00:00Z"));
    assert!(early.exceptions.is_empty());
    assert_eq!(early.review_at, Some(instant("2026-03-13T17:00:01Z")));
    let late = fold(&all, early.review_at.unwrap());
    assert_eq!(late.exceptions.iter().map(|e| e.reason).collect::<Vec<_>>(), [ExceptionReason::Late]);
    assert_eq!(late.hash, early.hash, "the hash leaves out what only the clock decides");
    let silent = fold(&all, late.review_at.unwrap());
    assert_eq!(
        silent.exceptions.iter().map(|e| e.reason).collect::<Vec<_>>(),
        [ExceptionReason::Late, ExceptionReason::Silence]
    );
    all.facts.push(Said { recorded: instant("2026-03-13T18:05:00Z"), ..said("D1", "2026-03-13T18:00:00Z") }.fact());
    let over = fold(&all, now());
    assert!(matches!(
        over.exceptions[..],
        [FoldedException { reason: ExceptionReason::Late, closed: Some((_, Resolution::Delivered)), .. }]
    ));
}

/// A plan with a day of shipping, a day of grace, and a promise.
fn shipping(all: &mut FoldInput) {
    all.plan.promised_by = Some(instant("2026-03-13T17:00:00Z"));
    all.plan.ship_by = Some(instant("2026-03-10T12:00:00Z"));
    all.plan.ship_grace_hours = Some(24);
}

#[test]
fn what_has_not_left_the_house_is_late_to_ship_and_not_late() {
    let mut all = input(&[]);
    shipping(&mut all);
    let at = |all: &FoldInput, when: &str| {
        let folded = fold(all, instant(when));
        (open_reasons(&folded), folded.review_at)
    };
    assert_eq!(at(&all, "2026-03-11T12:00:00Z"), (vec![], Some(instant("2026-03-11T12:00:01Z"))), "within the grace");
    assert_eq!(at(&all, "2026-03-11T12:00:01Z"), (vec![ExceptionReason::LateToShip], None));
    assert_eq!(at(&all, "2026-03-19T00:00:00Z").0, [ExceptionReason::LateToShip], "past the promise too");
    let with = |change: &dyn Fn(&mut FoldInput)| {
        let mut all = all.clone();
        change(&mut all);
        let folded = fold(&all, now());
        let ended = folded.exceptions.iter().find(|e| e.reason == ExceptionReason::LateToShip);
        (
            open_reasons(&folded),
            ended.map(|e| e.closed.as_ref().map(|(at, how)| (at.sort_key().unwrap().to_string(), *how))),
        )
    };
    let ends = |at: &str, how| Some(Some((at.to_owned(), how)));
    let validated = |at: &'static str| move |all: &mut FoldInput| all.plan.expected_from = Some(instant(at));
    assert_eq!(with(&validated("2026-03-11T10:00:00Z")), (vec![ExceptionReason::Late], None), "in time");
    assert_eq!(
        with(&validated("2026-03-12T10:00:00Z")),
        (vec![ExceptionReason::Late], ends("2026-03-12T10:00:00Z", Resolution::Progress))
    );
    let picked_up = |all: &mut FoldInput| all.facts.push(said("AF", "2026-03-12T08:00:00Z").fact());
    assert_eq!(with(&picked_up), (vec![ExceptionReason::Late], ends("2026-03-12T08:00:00Z", Resolution::Progress)));
    let done = |all: &mut FoldInput| all.plan.standing = DeliveryStanding::Done;
    assert_eq!(with(&done), (vec![ExceptionReason::Late], None), "nobody says when");
    let cancelled = |all: &mut FoldInput| {
        all.plan.standing = DeliveryStanding::Cancelled;
        all.plan.standing_since = Some(instant("2026-03-15T08:00:00Z"));
    };
    assert_eq!(with(&cancelled), (vec![], ends("2026-03-15T08:00:00Z", Resolution::Cancelled)));
    let unwatched = |all: &mut FoldInput| all.plan.ship_grace_hours = None;
    assert_eq!(with(&unwatched), (vec![], None));
}

#[test]
fn a_delivery_that_was_called_off_is_cancelled_and_moves_only_by_its_events() {
    let called_off = |codes: &[Said], standing| {
        let mut all = input(codes);
        shipping(&mut all);
        all.plan.silence_after_hours = Some(24);
        (all.plan.standing, all.plan.standing_since) = (standing, Some(instant("2026-03-12T00:00:00Z")));
        all
    };
    let seen = |all: &FoldInput| {
        let folded = fold(all, now());
        (folded.state, open_reasons(&folded))
    };
    use DeliveryStanding::{Cancelled, Deleted};
    use ExceptionReason::TransitThoughCancelled;
    let trouble = said("AY", &day("09:00")); // the pick-up was missed
    for standing in [Cancelled, Deleted] {
        assert_eq!(seen(&called_off(&[], standing)), (State::Cancelled, vec![]));
        let folded = fold(&called_off(std::slice::from_ref(&trouble), standing), now());
        assert_eq!((folded.state.has_left(), open_reasons(&folded)), (false, vec![]), "its exceptions end with it");
    }
    let moving = [said("AF", &day("09:00"))];
    assert_eq!(seen(&called_off(&moving, Cancelled)), (State::InTransit, vec![TransitThoughCancelled]));
    assert_eq!(seen(&called_off(&moving, Deleted)), (State::InTransit, vec![]), "nobody's business any more");
    let later = Said { recorded: instant("2026-03-13T10:00:00Z"), ..said("D1", "2026-03-13T09:00:00Z") };
    let delivered = [said("AF", &day("09:00")), later];
    let folded = fold(&called_off(&delivered, Cancelled), now());
    let over = folded.exceptions.iter().find(|e| e.reason == TransitThoughCancelled).unwrap();
    assert_eq!(over.closed.as_ref().map(|(_, how)| *how), Some(Resolution::Delivered));
    let before = [said("AF", &day("09:00")), said("D1", &day("10:00"))];
    assert_eq!(seen(&called_off(&before, Cancelled)), (State::Delivered, vec![]), "it had arrived before");
}

#[test]
fn what_was_received_into_stock_has_arrived_unless_a_carrier_reports_another_end() {
    let received_at = "2026-03-14T08:00:00Z";
    let received = |codes: &[Said]| {
        let mut all = input(codes);
        all.plan.promised_by = Some(instant("2026-03-12T00:00:00Z"));
        all.plan.silence_after_hours = Some(24);
        (all.plan.standing, all.plan.received_at) = (DeliveryStanding::Done, Some(instant(received_at)));
        all
    };
    let seen = |codes: &[Said]| {
        let folded = fold(&received(codes), now());
        (folded.state, folded.delivered_at.as_ref().and_then(EventTime::sort_key), open_reasons(&folded))
    };
    let arrived = (State::Delivered, Some(instant(received_at)), vec![]);
    assert_eq!(seen(&[]), arrived, "without a carrier");
    assert_eq!(seen(&[said("AF", &day("09:00"))]), arrived, "the last scan is missing");
    assert_eq!(seen(&[said("AF", &day("09:00")), said("AY", &day("10:00"))]), arrived, "its trouble is over");
    let delivered = [said("AF", &day("09:00")), said("D1", "2026-03-11T09:00:00Z")];
    assert_eq!(seen(&delivered).1, Some(instant("2026-03-11T09:00:00Z")), "the carrier's time goes first");
    let all = received(&[said("AF", &day("09:00"))]);
    let folded = fold(&all, now());
    let late = folded.exceptions.iter().find(|e| e.reason == ExceptionReason::Late).unwrap();
    let ended = late.closed.as_ref().map(|(at, how)| (at.sort_key(), *how));
    assert_eq!(ended, Some((Some(instant(received_at)), Resolution::Delivered)));
    let step = progress::steps(&folded, &all).into_iter().find(|step| step.state == State::Delivered).unwrap();
    assert_eq!(step.at.as_ref().and_then(EventTime::sort_key), Some(instant(received_at)));
    assert_eq!(step.standing, StepStanding::Current);
}

#[test]
fn announcements_do_not_depend_on_what_came_first() {
    let attempts = [
        said("OutForDelivery_001", "2026-03-09T08:00"),
        said("AttemptFail_001", "2026-03-09T12:00"),
        said("OutForDelivery_001", "2026-03-10T08:00"),
        said("D1", &day("14:00")),
    ];
    let keys =
        |all: &[Said]| folded(all).announcements.iter().map(|a| (a.milestone.code(), a.ordinal)).collect::<Vec<_>>();
    assert_eq!(
        keys(&attempts),
        [("OUT_FOR_DELIVERY", 1), ("DELIVERY_ATTEMPTED", 1), ("OUT_FOR_DELIVERY", 2), ("DELIVERED", 1)]
    );
    // a delivery that is known before its tour is announced once, and the tour when it is known
    assert_eq!(keys(&attempts[3..]), [("DELIVERED", 1)]);
}

/// The store keeps each observation once, with all its sightings.
fn together(mut input: FoldInput) -> FoldInput {
    let mut facts: Vec<Fact> = Vec::new();
    for fact in input.facts {
        match facts.iter_mut().find(|f| f.id == fact.id) {
            Some(known) => known.sightings.extend(fact.sightings),
            None => facts.push(fact),
        }
    }
    input.facts = facts;
    input
}

#[test]
fn a_named_zone_that_is_ambiguous_leaves_the_instant_open() {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let twice = EventTime::zoned(
        "x",
        "2026-10-25T02:30".parse().unwrap(),
        &zone,
        "Europe/Berlin",
        Precision::Minute,
        ZoneSource::Facility,
    );
    assert_eq!(twice.utc, None);
    let once = EventTime::zoned(
        "x",
        "2026-10-25T04:30".parse().unwrap(),
        &zone,
        "Europe/Berlin",
        Precision::Minute,
        ZoneSource::Facility,
    );
    assert_eq!(once.utc, Some(instant("2026-10-25T03:30:00Z")));
}

#[test]
fn a_clock_without_a_zone_keeps_its_place_among_those_with_one() {
    let in_los_angeles = |code: &'static str, at: &'static str| {
        let mut fact = said(code, at).fact();
        fact.observation.time.settle(|| Some(("America/Los_Angeles", ZoneSource::Facility)));
        fact
    };
    let input = FoldInput {
        facts: vec![in_los_angeles("X4", "2026-03-10T10:00"), said("D1", "2026-03-10T13:00").fact()],
        ..FoldInput::default()
    };
    let folded = fold(&input, now());
    assert_eq!((folded.state, folded.anomalies), (State::Delivered, Vec::new()), "13:00 is after 10:00");
}
