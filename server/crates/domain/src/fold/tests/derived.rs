//! What is derived from the facts, the clock, and what is usual.

use super::{
    exceptions::open_reasons,
    property::{any_said, one_parcel},
    *,
};
use crate::{
    calendar::CompanyCalendar,
    exceptions::usual::{Lane, ShippedTable, UsualTimes},
};
use ExceptionReason as E;

fn watch() -> Option<Watch> {
    let company =
        CompanyCalendar { country: Some("DE".into()), zone: "Europe/Berlin".into(), ..CompanyCalendar::default() };
    let lane = Lane { carrier: Some("dhl".into()), from: Some("DE".into()), to: Some("DE".into()) };
    Some(Watch { calendar: company.own(), usual: ShippedTable.usual(&lane), late_from: None, feed: Feed::Running })
}

/// Reported at once, each when it happened.
fn watched(all: &[Said]) -> FoldInput {
    let at_once = |one: &Said| Said { recorded: instant(&one.at), ..one.clone() };
    let mut input = FoldInput { watch: watch(), ..input(&all.iter().map(at_once).collect::<Vec<_>>()) };
    input.plan.silence_after_hours = Some(72);
    input.plan.to = Some("DE".into());
    input
}

fn open_at(input: &FoldInput, now: &str) -> Vec<E> {
    open_reasons(&fold(input, instant(now)))
}

fn at(day: u32, time: &str) -> String {
    format!("2026-03-{day:02}T{time}:00Z")
}

/// The 5th is a Thursday; a domestic parcel is silent after 3 working days, slow after 4, lost after 10.
#[test]
fn silence_slowness_and_loss_are_counted_in_working_days() {
    let scanned = watched(&[said("CP", &at(5, "09:00"))]);
    for (now, open) in [
        ("2026-03-09T12:00:00Z", &[][..]),
        ("2026-03-10T09:00:00Z", &[]),
        ("2026-03-10T09:00:01Z", &[E::Silence]),
        ("2026-03-11T09:00:01Z", &[E::Silence, E::SlowTransit]),
        ("2026-03-19T09:00:01Z", &[E::PresumedLost]),
    ] {
        let mut reasons = open_at(&scanned, now);
        reasons.sort_unstable();
        assert_eq!(reasons, open, "{now}");
    }
    let folded = fold(&scanned, instant("2026-03-09T12:00:00Z"));
    assert_eq!(folded.review_at, Some(instant("2026-03-10T09:00:01Z")), "it is looked at again when it may be silent");
}

#[test]
fn slower_than_usual_ends_with_the_delivery_and_is_not_said_of_what_is_late_or_comes_back() {
    let scanned = [said("CP", &at(5, "09:00")), said("X6", &at(11, "08:00"))];
    let late = watched(&scanned);
    assert_eq!(open_at(&late, "2026-03-11T10:00:00Z"), [E::SlowTransit]);
    let mut promised = late.clone();
    promised.plan.promised_by = Some(instant("2026-03-10T20:00:00Z"));
    promised.plan.expected_from = Some(instant("2026-03-05T09:00:00Z"));
    assert_eq!(open_at(&promised, "2026-03-11T10:00:00Z"), [E::Late]);
    let delivered = watched(&[&scanned[..], &[said("D1", &at(12, "09:00"))]].concat());
    let folded = fold(&delivered, instant("2026-03-12T10:00:00Z"));
    let [slow] = &folded.exceptions[..] else { panic!("{:?}", folded.exceptions) };
    assert_eq!((slow.reason, slow.closed.as_ref().map(|c| c.1)), (E::SlowTransit, Some(Resolution::Delivered)));
    let back = watched(&[said("CP", &at(5, "09:00")), said("A3", &at(9, "08:00"))]);
    assert_eq!(fold(&back, instant("2026-03-11T10:00:00Z")).state, State::Returned);
    assert_eq!(open_at(&back, "2026-03-11T10:00:00Z"), []);
}

#[test]
fn what_goes_back_is_not_late() {
    let mut back = watched(&[said("CP", &at(5, "09:00")), said("InTransit_008", &at(6, "08:00"))]);
    back.plan.expected_from = Some(instant("2026-03-05T09:00:00Z"));
    back.plan.promised_by = Some(instant("2026-03-09T20:00:00Z"));
    assert_eq!(open_at(&back, "2026-03-10T08:00:00Z"), [E::Late]);
    let mut turned = said("A3", &at(9, "08:00")).fact();
    turned.reading.milestone = Milestone::ReturnInitiated;
    turned.reading.exception = None;
    turned.sightings[0].recorded_at = instant("2026-03-09T08:00:00Z");
    back.facts.push(turned);
    assert_eq!(open_at(&back, "2026-03-10T08:00:00Z"), [E::ReturnToOrigin]);
    back.plan.promised_by = Some(instant("2026-03-06T20:00:00Z"));
    let folded = fold(&back, instant("2026-03-10T08:00:00Z"));
    let late = folded.exceptions.iter().find(|e| e.reason == E::Late).unwrap();
    assert_eq!(late.closed.as_ref().map(|c| c.1), Some(Resolution::Returned), "late until it turned back");
}

#[test]
fn a_label_that_is_never_scanned_is_not_silent() {
    let mut label = said("CP", &at(5, "09:00")).fact();
    label.reading.milestone = Milestone::InfoReceived;
    label.reading.exception = None;
    label.sightings[0].recorded_at = instant(&at(5, "09:00"));
    let mut labelled = watched(&[]);
    labelled.facts.push(label);
    assert_eq!(open_at(&labelled, "2026-03-09T09:00:00Z"), []);
    assert_eq!(open_at(&labelled, "2026-03-09T09:00:01Z"), [E::NotShipped]);
    assert_eq!(open_at(&labelled, "2026-03-12T09:00:00Z"), [E::NotShipped], "and not silent beside");
    labelled.facts.push(Said { recorded: instant(&at(12, "10:00")), ..said("X6", &at(12, "10:00")) }.fact());
    let folded = fold(&labelled, instant("2026-03-12T11:00:00Z"));
    let ended = folded.exceptions.iter().find(|e| e.reason == E::NotShipped).unwrap();
    assert_eq!(ended.closed.as_ref().map(|c| c.1), Some(Resolution::Progress));
}

#[test]
fn customs_have_their_time_and_explain_the_silence() {
    let mut held = watched(&[said("CP", &at(5, "09:00")), said("InTransit_006", &at(6, "09:00"))]);
    assert_eq!(open_at(&held, "2026-03-10T09:00:00Z"), []);
    assert_eq!(open_at(&held, "2026-03-10T09:00:01Z"), [E::CustomsStuck]);
    assert_eq!(open_at(&held, "2026-03-12T09:00:00Z"), [E::CustomsStuck], "neither silent nor slow beside");
    held.facts.push(Said { recorded: instant(&at(12, "10:00")), ..said("InTransit_005", &at(12, "10:00")) }.fact());
    let folded = fold(&held, instant("2026-03-12T11:00:00Z"));
    let ended = folded.exceptions.iter().find(|e| e.reason == E::CustomsStuck).unwrap();
    assert_eq!(ended.closed.as_ref().map(|c| c.1), Some(Resolution::Progress));
}

#[test]
fn another_country_than_the_orders_is_wrong_until_it_is_the_right_one() {
    let abroad = |code, day, country: &str| {
        let mut fact = Said { recorded: instant(&at(day, "09:00")), ..said(code, &at(day, "09:00")) }.fact();
        fact.observation.location = Some(Location { country: Some(country.into()), ..Location::default() });
        fact
    };
    for (country, wrong) in [("DE", false), ("FR", true), ("XX", false)] {
        let mut input = watched(&[said("CP", &at(5, "09:00"))]);
        input.facts.push(abroad("OutForDelivery_001", 6, country));
        assert_eq!(open_at(&input, "2026-03-06T10:00:00Z").contains(&E::WrongDestination), wrong, "{country}");
    }
    let mut input = watched(&[said("CP", &at(5, "09:00"))]);
    input.plan.to = Some("FR".into());
    input.facts.push(abroad("OutForDelivery_001", 6, "MC"));
    assert_eq!(open_at(&input, "2026-03-06T10:00:00Z"), [], "one network");
    input.facts.push(abroad("OutForDelivery_001", 7, "DE"));
    assert_eq!(open_at(&input, "2026-03-07T10:00:00Z"), [E::WrongDestination]);
    input.facts.push(abroad("OutForDelivery_001", 9, "FR"));
    assert_eq!(open_at(&input, "2026-03-09T10:00:00Z"), []);
}

#[test]
fn a_pick_up_that_was_planned_and_never_came_is_missing() {
    let plan = Said { classifier: Classifier::Planned, ..said("CP", &at(5, "09:00")) };
    let planned = watched(std::slice::from_ref(&plan));
    assert_eq!(open_at(&planned, "2026-03-06T09:00:00Z"), []);
    assert!(open_at(&planned, "2026-03-06T09:00:01Z").contains(&E::MilestoneMissing));
    let moved = watched(&[plan, said("X6", &at(5, "12:00"))]);
    assert_eq!(open_at(&moved, "2026-03-06T12:00:00Z"), [], "it moves: the scan is missing, not the pick-up");
}

#[test]
fn unmapped_codes_and_stopped_tracking_are_said_while_it_is_on_its_way() {
    let all = [said("CP", &at(5, "09:00")), said("ZZ", &at(5, "10:00"))];
    assert_eq!(open_at(&watched(&all), "2026-03-05T12:00:00Z"), [E::UnmappedCode]);
    let delivered = [&all[..], &[said("D1", &at(6, "09:00"))]].concat();
    assert_eq!(open_at(&watched(&delivered), "2026-03-06T12:00:00Z"), []);
    let mut stopped = watched(&all[..1]);
    let mut fact = said("Expired_001", &at(9, "09:00")).fact();
    fact.reading.milestone = Milestone::TrackingStopped;
    fact.sightings[0].recorded_at = instant(&at(9, "09:00"));
    stopped.facts.push(fact);
    assert_eq!(open_at(&stopped, "2026-03-09T12:00:00Z"), [E::TrackingStopped]);
    assert!(!open_at(&stopped, "2026-03-10T12:00:00Z").contains(&E::Silence), "that explains it");
}

#[test]
fn what_another_system_refused_is_open_until_it_is_accepted() {
    let mut input = watched(&[said("CP", &at(5, "09:00"))]);
    let word = |at: &str, what| Decision { at: instant(at), what };
    input.decisions.push(word("2026-03-05T10:00:00Z", Choice::Refused { reason: E::OrderRefused }));
    input.decisions.push(word("2026-03-05T11:00:00Z", Choice::Refused { reason: E::OrderRefused }));
    let folded = fold(&input, instant("2026-03-05T12:00:00Z"));
    assert_eq!(open_reasons(&folded), [E::OrderRefused]);
    assert_eq!(folded.exceptions[0].opened.sort_key(), Some(instant("2026-03-05T10:00:00Z")), "since the first time");
    input.decisions.push(word("2026-03-05T13:00:00Z", Choice::Accepted { reason: E::OrderRefused }));
    assert_eq!(open_at(&input, "2026-03-05T14:00:00Z"), []);
    input.decisions.push(word("2026-03-05T15:00:00Z", Choice::Refused { reason: E::OrderRefused }));
    assert_eq!(open_at(&input, "2026-03-05T16:00:00Z"), [E::OrderRefused], "and again");
    input.decisions.push(word("2026-03-05T15:00:00Z", Choice::Accepted { reason: E::OrderRefused }));
    assert_eq!(open_at(&input, "2026-03-05T16:00:00Z"), [], "at one moment, what was accepted ends it");
}

#[test]
fn nothing_is_derived_of_what_was_called_off_or_without_knowing_what_is_usual() {
    let mut input = watched(&[said("CP", &at(5, "09:00")), said("ZZ", &at(5, "10:00"))]);
    input.plan.standing = DeliveryStanding::Cancelled;
    input.plan.standing_since = Some(instant("2026-03-05T08:00:00Z"));
    assert_eq!(open_at(&input, "2026-03-19T12:00:00Z"), [E::TransitThoughCancelled]);
    input.plan.standing = DeliveryStanding::Done;
    input.watch = None;
    assert_eq!(open_at(&input, "2026-03-19T12:00:00Z"), [E::Silence]);
}

#[test]
fn what_is_open_grows_more_severe() {
    let damaged = watched(&[said("CP", &at(5, "09:00")), said("SD", &at(5, "10:00"))]);
    let severity = |now: &str| {
        let folded = fold(&damaged, instant(now));
        folded.exceptions.iter().filter(|e| e.closed.is_none()).map(|e| (e.reason, e.severity)).collect::<Vec<_>>()
    };
    let before = severity("2026-03-09T09:00:00Z");
    assert!(!before.is_empty());
    for (reason, first) in before {
        let later = severity("2026-04-20T09:00:00Z").into_iter().find(|(of, _)| *of == reason);
        assert!(later.is_none_or(|(_, later)| later >= first), "{reason:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever the order of arrival and however often: the same exceptions, with the same severity and evidence, and of one
    /// reason and piece no more than one that is open.
    #[test]
    fn derived_exceptions_do_not_depend_on_the_order(input in one_parcel(), more in any_said(), seed in any::<u64>()) {
        let mut once = FoldInput { watch: watch(), ..input };
        once.facts.push(more.fact());
        let once = together(once);
        let mut other = once.clone();
        let facts = other.facts.len();
        other.facts.rotate_left(usize::try_from(seed % 97).unwrap() % facts);
        other.facts.reverse();
        for fact in &mut other.facts {
            let again = fact.sightings[0];
            fact.sightings.push(again);
        }
        let (once, other) = (fold(&once, now()), fold(&other, now()));
        let all_of = |folded: &Folded| {
            let mut all: Vec<_> = folded.exceptions.iter().map(|e| {
                let mut evidence = e.evidence.clone();
                evidence.sort_unstable();
                (e.reason, e.piece.clone(), e.severity, e.opened.sort_key(), e.closed.is_some(), evidence)
            }).collect();
            all.sort();
            all
        };
        prop_assert_eq!(all_of(&once), all_of(&other));
        prop_assert_eq!(once.review_at, other.review_at);
        let mut open = std::collections::BTreeSet::new();
        for exception in once.exceptions.iter().filter(|e| e.closed.is_none() && e.reason >= E::SlowTransit) {
            prop_assert!(open.insert((exception.reason, exception.piece.clone())), "{:?} twice", exception.reason);
        }
    }

    /// What is committed step by step opens once, whatever comes when.
    #[test]
    fn a_condition_opens_one_row(input in one_parcel()) {
        let mut input = FoldInput { watch: watch(), ..input };
        let mut rows: Vec<crate::exceptions::CommittedException> = Vec::new();
        let shipment = crate::ids::ShipmentId(Uuid::from_u128(7));
        for hours in (0..900).step_by(36) {
            let now = instant("2026-03-05T00:00:00Z") + SignedDuration::from_hours(hours);
            let folded = fold(&input, now);
            for change in crate::commit::reconcile(shipment, &rows, &folded.exceptions) {
                use crate::commit::ExceptionChange as C;
                match change {
                    C::Open { id, exception } => {
                        prop_assert!(rows.iter().all(|row| row.id != id), "an id twice");
                        let twice = rows.iter().any(|row| {
                            row.closed.is_none() && row.reason == exception.reason && row.piece == exception.piece
                        });
                        prop_assert!(!twice || exception.closed.is_some() || exception.reason < E::SlowTransit,
                            "{:?} is opened twice", exception.reason);
                        rows.push(crate::exceptions::CommittedException {
                            id, reason: exception.reason, piece: exception.piece, severity: exception.severity,
                            evidence: exception.evidence, opened_at: exception.opened.sort_key().unwrap_or(now),
                            recorded_at: now, closed: exception.closed.map(|(_, how)| (now, how)), withheld: false,
                        });
                    }
                    C::Keep { id, exception } => {
                        let row = rows.iter_mut().find(|row| row.id == id).unwrap();
                        (row.severity, row.evidence) = (exception.severity, exception.evidence);
                        if exception.closed.is_none() { row.closed = None; }
                    }
                    C::Close { id, resolution, .. } => {
                        rows.iter_mut().find(|row| row.id == id).unwrap().closed = Some((now, resolution));
                    }
                }
            }
        }
        input.facts.clear();
        prop_assert!(fold(&input, now()).exceptions.iter().all(|e| e.reason >= E::Late));
    }
}

#[test]
fn what_left_without_a_number_has_a_cause_of_its_own() {
    use crate::unknown::Cause;
    let cause = |feed, left: bool| {
        let mut input = watched(&[]);
        input.watch = input.watch.map(|watch| Watch { feed, ..watch });
        input.plan.expected_from = left.then(|| instant("2026-03-05T10:00:00Z"));
        fold(&input, instant("2026-03-05T12:00:00Z")).unknown
    };
    assert_eq!(cause(Feed::Unnumbered, true), Some(Cause::NoNumber));
    assert_eq!(cause(Feed::Missing, true), Some(Cause::NotConnected));
    assert_eq!((cause(Feed::Unnumbered, false), cause(Feed::Missing, false)), (None, None), "it is not on its way");
}

/// Only what counts says whether all is unmapped: a copy of an unmapped event, or a former list, does not.
#[test]
fn a_mapped_event_beside_unmapped_ones_that_do_not_count_is_current() {
    let unmapped = |facts: &[Said]| fold(&watched(facts), instant("2026-03-05T12:00:00Z")).unknown;
    let scanned = said("CP", &at(5, "09:00"));
    let withdrawn = [
        Said { snapshot: Some(1), ..said("ZZ", &at(5, "09:10")) },
        Said { snapshot: Some(2), ..said("CP", &at(5, "09:00")) },
    ];
    let mut listed = watched(&withdrawn);
    listed.snapshots = vec![snapshot(1, &at(5, "09:20")), snapshot(2, &at(5, "09:30"))];
    let folded = fold(&listed, instant("2026-03-05T12:00:00Z"));
    assert_eq!((folded.counts.superseded, folded.counts.unmapped, folded.unknown), (1, 0, None));
    assert_eq!(unmapped(&[scanned.clone(), said("ZZ", &at(5, "10:00"))]), None);
    assert_eq!(unmapped(&[said("ZZ", &at(5, "10:00"))]), Some(crate::unknown::Cause::UnmappedCode));
}

proptest! {
    #[test]
    fn a_code_is_not_the_cause_where_a_mapped_event_counts_and_nothing_is_silent(input in one_parcel()) {
        let folded = fold(&FoldInput { watch: watch(), ..input.clone() }, instant("2026-03-20T12:00:00Z"));
        let open = |reason| folded.exceptions.iter().any(|e| e.reason == reason && e.closed.is_none());
        let counts = |fact: &&Fact| folded.verdicts.iter().any(|v| v.fact == fact.id && !progress::is_void(v.standing) && v.standing != Standing::Merged);
        let counting: Vec<_> = input.facts.iter().filter(counts).collect();
        prop_assert_eq!(folded.counts.unmapped as usize, counting.iter().filter(|fact| fact.reading.unmapped).count());
        let silent = open(E::Silence) || open(E::PresumedLost) || folded.visibility == Visibility::Stopped;
        if !silent && counting.iter().any(|fact| !fact.reading.unmapped) {
            prop_assert!(folded.unknown != Some(crate::unknown::Cause::UnmappedCode), "{:?}", folded.counts);
        }
    }

    /// However long it is silent: what explains another exception is open itself.
    #[test]
    fn what_is_on_its_way_back_and_silent_is_noticed(days in 1_i64..90) {
        let back = watched(&[said("CP", &at(5, "09:00")), said("Exception_010", &at(6, "08:00"))]);
        let later = instant("2026-03-06T08:00:00Z") + SignedDuration::from_hours(days * 24);
        let folded = fold(&back, later);
        prop_assert_eq!(folded.state, State::Returning);
        let open = open_reasons(&folded);
        let noticed = open.contains(&E::Silence) || open.contains(&E::PresumedLost);
        prop_assert_eq!(noticed, days > 5, "{} days: {:?}", days, open);
    }
}

/// From the moment on that was learned until the promised date; never of what was delivered, goes back, or has not left.
#[test]
fn what_waits_for_too_long_is_expected_late_until_it_is() {
    let scanned = [said("CP", &at(5, "09:00"))];
    let late_from = Some(instant("2026-03-06T10:00:00Z"));
    let expected = |facts: &[Said], left: Option<&str>| {
        let mut input = watched(facts);
        input.plan.promised_by = Some(instant("2026-03-06T20:00:00Z"));
        input.plan.expected_from = left.map(instant);
        input.watch = input.watch.map(|watch| Watch { late_from, ..watch });
        input
    };
    let left = Some("2026-03-05T09:00:00Z");
    let waits = expected(&scanned, left);
    let folded = fold(&waits, instant("2026-03-06T10:00:00Z"));
    assert_eq!((folded.exceptions.len(), folded.review_at), (0, Some(instant("2026-03-06T10:00:01Z"))));
    assert_eq!(open_at(&waits, "2026-03-06T10:00:01Z"), [E::PredictedLate]);
    assert_eq!(open_at(&waits, "2026-03-06T20:00:00Z"), [E::PredictedLate]);
    assert_eq!(open_at(&waits, "2026-03-06T20:00:01Z"), [E::Late]);
    let back = [&scanned[..], &[said("A3", &at(6, "08:00"))]].concat();
    let delivered = [&scanned[..], &[said("D1", &at(6, "08:00"))]].concat();
    for never in [expected(&back, left), expected(&delivered, left), expected(&[], None)] {
        assert!(!open_at(&never, "2026-03-06T12:00:00Z").contains(&E::PredictedLate));
    }
}
