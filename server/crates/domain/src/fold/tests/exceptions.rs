//! R8: exceptions open, close and stay.

use super::*;

#[test]
fn r8_damage_stays_with_its_piece() {
    let of = |piece, code, time: &str| Said { piece: Some(piece), ..said(code, &day(time)) };
    let mut all = input(&[of("A", "A9", "08:00"), of("A", "D1", "12:00"), of("B", "D1", "12:30")]);
    all.plan.pieces = vec!["A".into(), "B".into()];
    let folded = fold(&all, now());
    let [one] = &folded.exceptions[..] else { panic!("one exception: {:?}", folded.exceptions) };
    assert_eq!((folded.state, one.piece.as_deref(), &one.closed), (State::Delivered, Some("A"), &None));
}

#[test]
fn r8_exceptions_open_close_and_stop_the_clock() {
    let folded = folded(&[
        said("InTransit_003", "2026-03-04T01:00"),
        said("Exception_004", "2026-03-04T07:30"),
        said("InTransit_005", "2026-03-05T09:00"),
    ]);
    assert_eq!(folded.state, State::InTransit);
    let [one] = &folded.exceptions[..] else { panic!("one exception: {:?}", folded.exceptions) };
    assert_eq!((one.reason, one.clock_stopped_minutes), (ExceptionReason::CustomsDelay, 1530));
    assert!(matches!(one.closed, Some((_, Resolution::Progress))));
}

#[test]
fn r8_damage_survives_the_delivery_and_a_refusal_ends_with_the_return() {
    let damaged = folded(&[said("A9", &day("08:00")), said("D1", &day("12:00"))]);
    assert!(damaged.exceptions[0].closed.is_none());
    let refused = folded(&[said("A7", &day("08:00")), said("X6", &day("10:00")), said("A3", "2026-03-11T13:00:00Z")]);
    assert!(
        matches!(refused.exceptions[..], [FoldedException { closed: Some((_, Resolution::Returned)), .. }]),
        "{:?}",
        refused.exceptions
    );
}

#[test]
fn r8_the_same_trouble_again_is_one_exception_and_a_third_attempt_another() {
    let folded = folded(&[
        said("AH", "2026-03-08T10:00:00Z"),
        said("AH", "2026-03-09T10:00:00Z"),
        said("AH", "2026-03-10T10:00:00Z"),
    ]);
    let reasons: Vec<_> = folded.exceptions.iter().map(|e| (e.reason, e.evidence.len())).collect();
    // the repetition has a mark of its own beside the attempts
    assert_eq!(reasons, [(ExceptionReason::AttemptFailed, 3), (ExceptionReason::RepeatedAttempts, 4)]);
    assert_eq!(folded.attempts, 3);
}

#[test]
fn r8_damaged_and_refused_are_two_exceptions_and_each_is_settled_by_itself() {
    let mut all = input(&[said("A9", &day("08:00"))]);
    let fact = &mut all.facts[0];
    fact.observation.codes.reason = Some(ProviderCode::new("x12.1651", "BS"));
    fact.reading = Mapping::base().read(&fact.observation);
    let reasons = |all: &FoldInput| -> Vec<_> {
        fold(all, now()).exceptions.iter().map(|e| (e.reason, e.closed.is_some())).collect()
    };
    let (damaged, refused) = (ExceptionReason::Damaged, ExceptionReason::ConsigneeRefused);
    assert_eq!(reasons(&all), [(refused, false), (damaged, false)]);
    let evidence = |all: &FoldInput, reason| {
        fold(all, now()).exceptions.iter().find(|e| e.reason == reason).unwrap().evidence.clone()
    };
    let (of_refusal, of_damage) = (evidence(&all, refused), evidence(&all, damaged));
    settle(&mut all, "2026-03-11T08:00:00Z", &of_refusal);
    assert_eq!(reasons(&all), [(refused, true), (damaged, false)]);
    all.decisions.clear();
    settle(&mut all, "2026-03-11T08:00:00Z", &of_damage);
    assert_eq!(reasons(&all), [(refused, false), (damaged, true)]);
}

#[test]
fn r8_derived_exceptions_are_settled_by_people_too() {
    let attempt = |day: u32| said("AH", &format!("2026-03-{day:02}T10:00:00Z"));
    let mut all = input(&[attempt(8), attempt(9), attempt(10)]);
    all.plan.promised_by = Some(instant("2026-03-11T00:00:00Z"));
    let before = fold(&all, now());
    use ExceptionReason as E;
    assert_eq!(open_reasons(&before), [E::AttemptFailed, E::RepeatedAttempts, E::Late]);
    let evidence = |reason| before.exceptions.iter().find(|e| e.reason == reason).unwrap().evidence.clone();
    settle(&mut all, "2026-03-12T09:00:00Z", &evidence(E::Late));
    assert_eq!(open_reasons(&fold(&all, now())), [E::AttemptFailed, E::RepeatedAttempts]);
    let mut one = all.clone();
    settle(&mut one, "2026-03-12T10:00:00Z", &evidence(E::AttemptFailed));
    assert_eq!(open_reasons(&fold(&one, now())), [E::RepeatedAttempts], "another matter");
    settle(&mut all, "2026-03-12T10:00:00Z", &evidence(E::RepeatedAttempts));
    assert_eq!(open_reasons(&fold(&all, now())), [], "the attempts are part of it");
    all.facts.push(attempt(11).fact());
    assert!(open_reasons(&fold(&all, now())).contains(&E::RepeatedAttempts), "a fourth one is news");
}

#[test]
fn r8_what_the_carrier_says_is_over_is_over_and_nothing_else() {
    let trouble = [said("Exception_007", &day("08:00")), said("Exception_012", &day("08:30"))];
    let folded = folded(&[&trouble[..], &[said("InTransit_008", &day("09:00"))]].concat());
    let closed: Vec<_> = folded.exceptions.iter().map(|e| (e.reason, e.closed.as_ref().map(|c| c.1))).collect();
    assert_eq!(
        closed,
        [(ExceptionReason::AddressIncorrect, Some(Resolution::Explicit)), (ExceptionReason::Damaged, None)],
        "damage is for people to close"
    );
}

#[test]
fn r8_what_the_carrier_settles_is_over() {
    let ends = |facts: &[Said]| match &folded(facts).exceptions[..] {
        [one] => one.closed.as_ref().map(|(_, how)| *how),
        other => panic!("one exception: {other:?}"),
    };
    let (address, missing) = (said("Exception_007", &day("08:00")), said("Exception_018", &day("08:00")));
    assert_eq!(ends(&[address.clone(), said("X4", &day("09:00"))]), None, "a scan settles no address");
    assert_eq!(ends(&[address, said("AI", &day("10:00"))]), Some(Resolution::Explicit), "a new destination does");
    assert_eq!(ends(&[missing, said("InTransit_005", &day("10:00"))]), Some(Resolution::Explicit));
}

#[test]
fn r8_what_was_lost_and_is_delivered_is_found() {
    let folded = folded(&[said("Exception_013", &day("08:00")), said("D1", &day("12:00"))]);
    assert_eq!((folded.state, &folded.anomalies[..]), (State::Delivered, &[Anomaly::ScanAfterLoss][..]));
    assert!(matches!(folded.exceptions[0].closed, Some((_, Resolution::Delivered))));
}

#[test]
fn r8_what_a_person_settled_stays_settled_until_something_new_happens() {
    let facts = [said("A9", &day("08:00"))];
    let mut all = input(&facts);
    let evidence = vec![facts[0].fact().id];
    let exception = ExceptionId(Uuid::from_u128(5));
    all.decisions =
        vec![Decision { at: instant(&day("09:00")), what: Choice::Resolve { exception, evidence: evidence.clone() } }];
    assert!(matches!(
        fold(&all, now()).exceptions[..],
        [FoldedException { closed: Some((_, Resolution::Person)), .. }]
    ));
    all.facts.push(said("A9", &day("10:00")).fact());
    assert_eq!(fold(&all, now()).exceptions.iter().filter(|e| e.closed.is_none()).count(), 1);
    all.decisions.push(Decision { at: instant(&day("11:00")), what: Choice::Reopen { exception, evidence } });
    assert_eq!(
        fold(&all, now()).exceptions.iter().filter(|e| e.closed.is_none()).count(),
        1,
        "one again, with both as evidence"
    );
}

fn settle(all: &mut FoldInput, at: &str, evidence: &[ObservationId]) {
    let what = Choice::Resolve { exception: ExceptionId(Uuid::from_u128(5)), evidence: evidence.to_vec() };
    all.decisions.push(Decision { at: instant(at), what });
}

pub(super) fn open_reasons(folded: &Folded) -> Vec<ExceptionReason> {
    folded.exceptions.iter().filter(|e| e.closed.is_none()).map(|e| e.reason).collect()
}
