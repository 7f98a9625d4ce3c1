//! What holds for any set of facts.

use super::*;
use proptest::prelude::*;

fn zones() -> impl Strategy<Value = String> {
    prop_oneof![
        (0..15u8, 0..24u8, 0..60u8).prop_map(|(d, h, m)| format!("2026-03-{:02}T{h:02}:{m:02}:00Z", d + 1)),
        (0..15u8, 0..24u8, 0..60u8).prop_map(|(d, h, m)| format!("2026-03-{:02}T{h:02}:{m:02}", d + 1)),
        (0..15u8).prop_map(|d| format!("2026-03-{:02}", d + 1)),
        Just(String::new()),
        Just("1970-01-01T00:00:00Z".into()),
    ]
}

pub(super) fn any_said() -> impl Strategy<Value = Said> {
    let codes = prop::sample::select(vec![
        "D1",
        "X6",
        "X1",
        "CP",
        "A7",
        "A9",
        "AH",
        "AG",
        "CA",
        "A3",
        "J1",
        "ZZ",
        "SD",
        "Exception_010",
        "Exception_013",
        "Expired_001",
        "OutForDelivery_001",
        "InTransit_005",
    ]);
    let events = prop::sample::select(vec![None, Some("e1"), Some("e2")]);
    let kinds =
        prop::sample::select(vec![Classifier::Actual, Classifier::Actual, Classifier::Estimated, Classifier::Planned]);
    let pieces = prop::sample::select(vec![None, Some("A"), Some("B"), Some("X")]);
    let cities = prop::sample::select(vec![None, Some("Lyon"), Some("LYON")]);
    (
        (codes, zones(), 1..3u128, 0..400i64, 0..4u32),
        (events, kinds, pieces, cities),
        (prop::option::of(1..4u32), prop::option::of(1..4u128), prop::bool::weighted(0.1)),
    )
        .prop_map(
            |((code, at, source, recorded, position), (event, classifier, piece, city), (stop, snapshot, retracts))| {
                Said {
                    recorded: instant("2026-03-01T00:00:00Z") + SignedDuration::from_hours(recorded),
                    source,
                    position,
                    event: event.filter(|_| !retracts),
                    retracts: event.filter(|_| retracts),
                    classifier,
                    piece,
                    stop,
                    city,
                    snapshot: snapshot.filter(|_| source == 1),
                    ..said(code, &at)
                }
            },
        )
}

fn any_input() -> impl Strategy<Value = FoldInput> {
    prop_oneof![3 => one_parcel(), 1 => recycled::recycled_input()]
}

pub(super) fn one_parcel() -> impl Strategy<Value = FoldInput> {
    (prop::collection::vec(any_said(), 0..24), prop::bool::ANY, prop::option::of(2..4u32)).prop_map(
        |(all, pieces, stops)| {
            let mut input = input(&all);
            input.plan.pieces = if pieces { vec!["A".into(), "B".into()] } else { Vec::new() };
            input.plan.stops = stops;
            input.plan.silence_after_hours = Some(48);
            input.snapshots = vec![
                snapshot(1, "2026-03-03T00:00:00Z"),
                snapshot(2, "2026-03-06T00:00:00Z"),
                snapshot(3, "2026-03-09T00:00:00Z"),
            ];
            together(input)
        },
    )
}

/// What was recorded by then.
fn known_at(input: &FoldInput, at: Timestamp) -> FoldInput {
    let mut known = input.clone();
    for fact in &mut known.facts {
        fact.sightings.retain(|s| s.recorded_at <= at);
    }
    known.facts.retain(|f| !f.sightings.is_empty());
    known.snapshots.retain(|s| s.recorded_at <= at);
    known
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_order_and_any_repetition_give_the_same_state(input in any_input(), seed in any::<u64>()) {
        let once = fold(&input, now());
        let mut other = input.clone();
        let mut state = seed;
        let mut next = |bound: usize| { state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407); (state >> 33) as usize % bound.max(1) };
        for i in (1..other.facts.len()).rev() { let j = next(i + 1); other.facts.swap(i, j); }
        for fact in &mut other.facts { let again = fact.sightings[next(fact.sightings.len())]; fact.sightings.push(again); fact.sightings.rotate_left(1); }
        other.snapshots.rotate_left(next(3));
        let again = fold(&other, now());
        prop_assert_eq!(&once.hash, &again.hash);
        prop_assert_eq!(once.state, again.state);
        prop_assert_eq!(once.exceptions.len(), again.exceptions.len());
    }

    #[test]
    fn no_step_is_reached_without_an_active_actual_fact(input in any_input()) {
        let folded = fold(&input, now());
        let mut seen = std::collections::BTreeSet::new();
        for step in progress::steps(&folded, &input) {
            prop_assert!(seen.insert(step.state), "each step once");
            let spoken_for = input.facts.iter().any(|fact| {
                let standing = folded.verdicts.iter().find(|v| v.fact == fact.id).map(|v| v.standing);
                fact.observation.classifier == Classifier::Actual
                    && standing.is_some_and(|s| !progress::is_void(s))
                    && may_speak_for(fact, &input.plan, step.state)
            }) || step.state == State::Cancelled && folded.state == State::Cancelled;
            match step.standing {
                StepStanding::Reached | StepStanding::Current => prop_assert!(spoken_for, "{:?}", step),
                StepStanding::Skipped | StepStanding::Ahead => prop_assert_eq!(step.at, None),
            }
            prop_assert_eq!(step.standing == StepStanding::Current, step.state == folded.state);
        }
        let shown = folded.state == State::Unknown || seen.contains(&folded.state);
        prop_assert!(shown, "the status is on the bar");
    }

    #[test]
    fn every_fact_has_one_verdict(input in any_input()) {
        let folded = fold(&input, now());
        prop_assert_eq!(folded.verdicts.len(), input.facts.len());
        let deciding = folded.verdicts.iter().filter(|v| v.standing == Standing::Decides).count();
        prop_assert_eq!(deciding, usize::from(folded.decided_by.is_some()));
    }

    #[test]
    fn plans_and_estimates_never_touch_the_state(input in any_input()) {
        let mut actual = input.clone();
        actual.facts.retain(|f| f.observation.classifier == Classifier::Actual || f.observation.retracts.is_some());
        prop_assert_eq!(fold(&input, now()).state, fold(&actual, now()).state);
    }

    #[test]
    fn as_known_at_is_the_clock_stopped_then(input in any_input(), hours in 0..400i64) {
        let then = instant("2026-03-01T00:00:00Z") + SignedDuration::from_hours(hours);
        // somebody takes sighting after sighting in, and stops
        let mut arrivals: Vec<(Timestamp, &Fact, Sighting)> =
            input.facts.iter().flat_map(|f| f.sightings.iter().map(move |s| (s.recorded_at, f, *s))).collect();
        arrivals.sort_by_key(|(at, fact, sighting)| (*at, fact.id, *sighting));
        let mut stopped = FoldInput { facts: Vec::new(), snapshots: Vec::new(), ..input.clone() };
        for (_, fact, sighting) in arrivals.iter().take_while(|(at, ..)| *at <= then) {
            stopped.facts.push(Fact { sightings: vec![*sighting], ..(*fact).clone() });
            stopped = together(stopped);
        }
        stopped.snapshots = input.snapshots.iter().filter(|s| s.recorded_at <= then).cloned().collect();
        let (stopped, asked) = (fold(&stopped, then), fold(&known_at(&input, then), then));
        prop_assert_eq!(&stopped.hash, &asked.hash);
        prop_assert_eq!(stopped.review_at, asked.review_at);
        prop_assert_eq!(stopped.exceptions, asked.exceptions);
    }

    #[test]
    fn a_superseded_list_changes_nothing(input in one_parcel(), extra in prop::collection::vec(any_said(), 0..6)) {
        // the newest list reaches back to before everything
        let mut input = input;
        input.facts.push(Said { snapshot: Some(9), ..said("XB", "2026-02-01T00:00:00Z") }.fact());
        input.snapshots.push(snapshot(9, "2026-03-19T00:00:00Z"));
        let mut input = together(input);
        let before = fold(&input, now());
        let known: Vec<_> = input.facts.iter().map(|f| f.id).collect();
        let old = extra.iter().map(|s| Said { snapshot: Some(8), source: 1, retracts: None, ..s.clone() }.fact());
        // only what no other list or message has, and what has a time by which it can be withdrawn
        let timed = |f: &Fact| f.observation.classifier == Classifier::Actual && f.observation.time.sort_key().is_some();
        input.facts.extend(old.filter(|f| !known.contains(&f.id) && timed(f) && !f.observation.time.sentinel));
        input.snapshots.push(snapshot(8, "2026-03-18T00:00:00Z"));
        let after = fold(&together(input), now());
        prop_assert_eq!(before.state, after.state);
        // an old list is a sign of life all the same
        let reported = |f: &Folded| f.exceptions.iter().filter(|e| e.reason != ExceptionReason::Silence).cloned().collect::<Vec<_>>();
        prop_assert_eq!(reported(&before), reported(&after));
        prop_assert_eq!(before.counts.active, after.counts.active);
        prop_assert_eq!(before.announcements, after.announcements);
    }

    #[test]
    fn a_second_source_that_says_the_same_changes_nothing(input in any_input()) {
        // physical facts with a time, reported by one source that adds
        let mut input = input;
        input.facts.retain(|f| f.sightings.iter().all(|s| s.snapshot.is_none())
            && f.reading.milestone.is_physical()
            && f.observation.classifier == Classifier::Actual
            && f.observation.provider_event_id.is_none()
            && f.source == SourceId(Uuid::from_u128(1)));
        // and none twice
        let mut reported = std::collections::HashSet::new();
        input.facts.retain(|f| {
            let time = &f.observation.time;
            time.sort_key().is_some() && reported.insert((f.reading.milestone, f.piece.clone(), time.local, time.utc))
        });
        let once = fold(&input, now());
        let mut twice = input.clone();
        for fact in &input.facts {
            let id = fact.observation.id("another", "T");
            twice.facts.push(Fact { id, source: SourceId(Uuid::from_u128(7)), ..fact.clone() });
        }
        let both = fold(&twice, now());
        prop_assert_eq!(once.state, both.state);
        prop_assert_eq!(once.attempts, both.attempts);
        prop_assert_eq!(&once.delivered_at, &both.delivered_at);
        prop_assert_eq!(once.announcements.len(), both.announcements.len());
        let reasons = |f: &Folded| f.exceptions.iter().map(|e| (e.reason, e.piece.clone())).collect::<Vec<_>>();
        prop_assert_eq!(reasons(&once), reasons(&both));
    }

    #[test]
    fn never_two_open_exceptions_of_one_reason_and_piece(input in any_input()) {
        let folded = fold(&input, now());
        let mut open: Vec<_> = folded.exceptions.iter().filter(|e| e.closed.is_none()).map(|e| (e.reason, e.piece.clone())).collect();
        let all = open.len();
        open.sort();
        open.dedup();
        prop_assert_eq!(open.len(), all);
    }
}
