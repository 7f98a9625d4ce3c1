//! R16: one number, several parcels after each other.

use super::{property::any_said, *};

const DELIVERED: &str = "2025-03-04T10:00:00Z";

/// A list of a provider's tracker object.
fn list(id: u128, object: &str, stamp: &str) -> Snapshot {
    Snapshot { object: Some(object.into()), ..snapshot(id, stamp) }
}

fn with_lists(said: &[Said], lists: Vec<Snapshot>) -> FoldInput {
    together(FoldInput { snapshots: lists, ..input(said) })
}

fn bound(mut input: FoldInput, at: &str) -> FoldInput {
    input.bound.insert(TrackerId(Uuid::from_u128(1)), instant(at));
    input
}

/// When we first took it in.
fn heard(said: Said, at: &str) -> Said {
    Said { recorded: instant(at), ..said }
}

/// The parcel of the year before, as it was reported then.
fn before() -> [Said; 3] {
    [said("CP", "2025-03-02T10:00:00Z"), said("A9", "2025-03-03T10:00:00Z"), said("D1", DELIVERED)]
        .map(|s| heard(s, "2025-03-04T12:00:00Z"))
}

fn now_and_before(said: &[Said]) -> FoldInput {
    input(&[said, &before()].concat())
}

#[test]
fn a_long_silence_after_the_end_is_another_parcel() {
    let all = now_and_before(&[said("X6", &day("08:00"))]);
    let folded = fold(&all, now());
    assert_eq!((folded.state, folded.attempts, &folded.delivered_at), (State::InTransit, 0, &None));
    assert_eq!((folded.counts.active, folded.exceptions.len()), (1, 0), "the damage was another parcel's");
    assert_eq!(folded.verdicts.len(), 4);
    for fact in before() {
        assert_eq!(standing_of(&folded, &fact.fact()), (Standing::OtherUse, Rule::R16));
    }
    assert_eq!(folded.heard_at, Some(instant("2026-03-12T00:00:00Z")));
}

#[test]
fn the_end_and_the_length_of_the_silence_matter() {
    let uses = |first: &'static str, then: &'static str, at: &str| {
        let reported = [said(first, "2025-11-01T10:00:00Z"), said(then, at)];
        2 - folded(&reported).verdicts.iter().filter(|v| v.standing != Standing::OtherUse).count() + 1
    };
    assert_eq!(uses("D1", "CP", "2026-03-01T10:00:00Z"), 1, "120 days to the hour");
    assert_eq!(uses("D1", "CP", "2026-03-01T10:00:01Z"), 2);
    assert_eq!(uses("X6", "X4", "2026-03-12T10:00:00Z"), 1, "stuck for long, but it never ended");
    assert_eq!(uses("CA", "XB", "2026-03-12T10:00:00Z"), 2, "the label was void");
    assert_eq!(uses("Exception_013", "X4", "2026-03-12T10:00:00Z"), 2, "lost");
    assert_eq!(uses("D1", "D1", "2026-03-12T10:00:00Z"), 2, "all that is reported for the second is its delivery");
    assert_eq!(uses("D1", "A3", "2026-03-12T10:00:00Z"), 1, "nothing begins with its return");
    assert_eq!(uses("D1", "D1", "2026-05-12T10:00:00Z"), 1, "a time that cannot be begins nothing");
}

#[test]
fn what_is_found_again_has_not_ended() {
    let reported =
        [said("Exception_013", "2025-10-01T10:00:00Z"), said("X4", "2025-10-20T10:00:00Z"), said("D1", &day("10:00"))];
    assert_eq!(folded(&reported).counts.active, 3);
}

#[test]
fn a_straggler_of_the_parcel_before_changes_nothing() {
    let current = [said("CP", &day("08:00")), said("X6", &day("09:00"))];
    let straggler = heard(said("P1", "2025-03-04T18:00:00Z"), "2026-03-15T00:00:00Z");
    let before = fold(&now_and_before(&current), now());
    let after = fold(&now_and_before(&[current[0].clone(), current[1].clone(), straggler]), now());
    assert_eq!(before.hash, after.hash);
    assert_eq!(before.heard_at, after.heard_at, "it is no sign of life");
    assert_eq!(before.hash, folded(&current).hash, "as if there had been no parcel before");
}

#[test]
fn a_new_object_after_the_end_is_another_parcel() {
    let reported = [
        in_list(1, said("D1", "2026-02-01T10:00:00Z")),
        in_list(2, said("CP", &day("08:00"))),
        in_list(2, Said { position: 1, ..said("X6", &day("09:00")) }),
    ];
    let (one, two) = (list(1, "a", "2026-02-01T11:00:00Z"), list(2, "b", "2026-03-10T10:00:00Z"));
    let folded = fold(&with_lists(&reported, vec![one.clone(), two.clone()]), now());
    assert_eq!((folded.state, folded.counts.active), (State::InTransit, 2));
    let same = fold(&with_lists(&reported, vec![one, Snapshot { object: Some("a".into()), ..two.clone() }]), now());
    assert_eq!((same.state, same.counts.active), (State::Delivered, 3), "the same object");
    let unnamed = fold(&with_lists(&reported, vec![snapshot(1, "2026-02-01T11:00:00Z"), two]), now());
    assert_eq!(unnamed.state, State::Delivered, "nobody says that it is a new one");
}

#[test]
fn an_object_made_anew_for_the_same_parcel_is_no_new_use() {
    let delivered = in_list(1, said("D1", &day("10:00")));
    let lists = || vec![list(1, "a", "2026-03-10T11:00:00Z"), list(2, "b", "2026-03-12T11:00:00Z")];
    let again = [in_list(1, said("X6", &day("08:00"))), delivered.clone(), in_list(2, delivered.clone())];
    assert_eq!(fold(&with_lists(&again, lists()), now()).state, State::Delivered);
    let scanned = [delivered.clone(), in_list(2, delivered.clone()), in_list(2, said("P1", &day("18:00")))];
    assert_eq!(fold(&with_lists(&scanned, lists()), now()).state, State::Delivered, "it has the delivery too");
    let corrected = [delivered.clone(), in_list(2, said("D1", &day("10:07")))];
    assert_eq!(fold(&with_lists(&corrected, lists()), now()).counts.active, 2, "a delivery begins nothing");
    let back = [delivered, in_list(2, said("A3", "2026-03-11T10:00:00Z"))];
    assert_eq!(fold(&with_lists(&back, lists()), now()).state, State::Returned);
}

#[test]
fn a_new_object_after_a_long_silence_is_another_parcel_though_nobody_told_the_end() {
    let reported = [in_list(1, said("X6", "2025-03-02T10:00:00Z")), in_list(2, said("XB", &day("08:00")))];
    let lists = vec![list(1, "a", "2025-03-02T11:00:00Z"), list(2, "b", "2026-03-10T10:00:00Z")];
    assert_eq!(fold(&with_lists(&reported, lists), now()).state, State::Registered);
}

#[test]
fn an_earlier_binding_keeps_its_parcel_and_says_that_the_number_is_in_use_again() {
    let then = fold(&bound(input(&before()), "2025-03-01T00:00:00Z"), now());
    let since = fold(
        &bound(now_and_before(&[said("CP", &day("08:00")), said("AH", &day("09:00"))]), "2025-03-01T00:00:00Z"),
        now(),
    );
    assert_eq!((since.state, &since.hash, since.heard_at), (State::Delivered, &then.hash, then.heard_at));
    let [next] = since.next_uses[..] else { panic!("one use follows: {:?}", since.next_uses) };
    assert_eq!(next.begins, instant(&day("08:00")));
    assert_eq!(next.since, instant(DELIVERED) + SignedDuration::from_hours(120 * 24));
    assert!(then.next_uses.is_empty());
}

#[test]
fn a_later_binding_waits_for_its_own_parcel() {
    let waiting = bound(input(&before()), "2026-03-01T00:00:00Z");
    let mut folded = fold(&waiting, now());
    assert_eq!((folded.state, folded.heard_at, folded.counts.active), (State::Unknown, None, 0));
    assert_eq!(standing_of(&folded, &before()[2].fact()), (Standing::OtherUse, Rule::R16));
    folded = fold(&bound(now_and_before(&[said("CP", &day("08:00"))]), "2026-03-01T00:00:00Z"), now());
    assert_eq!((folded.state, folded.next_uses.len()), (State::PickedUp, 0));
    // bound soon after: a parcel that is still reported, or that was delivered just before its order was known
    assert_eq!(fold(&bound(input(&before()), "2025-04-01T00:00:00Z"), now()).state, State::Delivered);
}

#[test]
fn an_old_story_that_is_only_told_now_is_meant_for_the_shipment() {
    let reported = before().map(|s| heard(s, "2026-03-05T00:00:00Z"));
    assert_eq!(fold(&bound(input(&reported), "2026-03-01T00:00:00Z"), now()).state, State::Delivered);
    let with_another = [&reported[..], &[said("CP", &day("08:00"))]].concat();
    assert_eq!(fold(&bound(input(&with_another), "2026-03-01T00:00:00Z"), now()).state, State::PickedUp);
}

#[test]
fn an_order_known_shortly_before_its_parcel_has_the_parcel_that_follows() {
    let reported = [in_list(1, said("D1", "2026-01-20T10:00:00Z")), in_list(2, said("CP", &day("08:00")))];
    let lists = vec![list(1, "a", "2026-01-20T11:00:00Z"), list(2, "b", "2026-03-10T10:00:00Z")];
    let all = with_lists(&reported, lists);
    assert_eq!(fold(&bound(all.clone(), "2026-03-08T00:00:00Z"), now()).state, State::PickedUp);
    assert_eq!(fold(&bound(all, "2026-01-22T00:00:00Z"), now()).state, State::Delivered);
}

#[test]
fn what_has_no_time_is_of_the_parcel_that_its_list_tells_of() {
    let lists = vec![list(1, "a", "2025-03-05T00:00:00Z"), list(2, "b", "2026-03-10T10:00:00Z")];
    let expired = |id| in_list(id, said("Expired_001", ""));
    let reported = [
        in_list(1, said("D1", DELIVERED)),
        in_list(1, Said { classifier: Classifier::Estimated, ..said("AG", "2025-03-04T17:00:00Z") }),
        in_list(2, said("X6", &day("08:00"))),
        expired(1),
    ];
    let folded = fold(&with_lists(&reported, lists.clone()), now());
    assert_eq!((folded.state, folded.visibility, folded.eta), (State::InTransit, Visibility::Live, None));
    // the same words in both lists are said of both parcels
    let twice = [&reported[..], &[expired(2)]].concat();
    let both = with_lists(&twice, lists);
    assert_eq!(fold(&both, now()).visibility, Visibility::Stale);
    assert_eq!(standing_of(&fold(&both, now()), &reported[3].fact()).0, Standing::Feed);
}

#[test]
fn the_summary_of_the_parcel_before_stands_though_the_provider_has_a_newer_list() {
    let mut reported = with_lists(
        &[
            in_list(1, said("X6", "2025-03-02T10:00:00Z")),
            in_list(1, said("D1", "")),
            in_list(2, said("CP", &day("08:00"))),
        ],
        vec![snapshot(1, DELIVERED), snapshot(2, "2026-03-10T10:00:00Z")],
    );
    reported.facts[1].observation.origin = Origin::Summary;
    assert_eq!(fold(&reported, now()).state, State::PickedUp);
    assert_eq!(fold(&bound(reported, "2025-03-01T00:00:00Z"), now()).state, State::Delivered);
}

#[test]
fn a_retracted_end_is_none() {
    let delivered = Said { event: Some("e1"), ..said("D1", DELIVERED) };
    let reported = [said("X6", "2025-03-03T10:00:00Z"), delivered, said("X4", &day("08:00"))];
    assert_eq!(folded(&reported).counts.active, 1);
    let retraction = Said { retracts: Some("e1"), ..said("", &day("09:00")) };
    let after = folded(&[&reported[..], &[retraction]].concat());
    assert_eq!((after.state, after.counts.active, after.counts.corrections), (State::InTransit, 2, 1));
}

#[test]
fn three_parcels_and_two_numbers_are_kept_apart() {
    let mut all = now_and_before(&[said("D1", "2025-09-01T10:00:00Z"), said("CP", &day("08:00"))]);
    let other = TrackerId(Uuid::from_u128(2));
    all.facts.push(Fact { tracker: other, ..said("X1", &day("10:00")).fact() });
    let state = |at: &str| {
        let folded = fold(&bound(all.clone(), at), now());
        (folded.state, folded.counts.active, folded.next_uses.iter().map(|n| n.begins).collect::<Vec<_>>())
    };
    let second = instant("2025-09-01T10:00:00Z");
    assert_eq!(state("2025-03-01T00:00:00Z"), (State::Delivered, 4, vec![second]));
    assert_eq!(state("2025-08-30T00:00:00Z"), (State::Delivered, 2, vec![instant(&day("08:00"))]));
    assert_eq!(state("2026-03-09T00:00:00Z"), (State::OutForDelivery, 2, vec![]));
}

/// A year before.
fn a_year_before(said: Said) -> Said {
    Said { at: said.at.replace("2026-03", "2025-03"), snapshot: said.snapshot.map(|s| s + 10), ..said }
}

fn recycled_said() -> impl Strategy<Value = Said> {
    (any_said(), prop::bool::ANY).prop_map(|(said, old)| if old { a_year_before(said) } else { said })
}

pub(super) fn recycled_input() -> impl Strategy<Value = FoldInput> {
    let bindings = prop::sample::select(vec![None, Some("2025-02-20T00:00:00Z"), Some("2026-02-20T00:00:00Z")]);
    (prop::collection::vec(recycled_said(), 0..24), bindings).prop_map(|(all, at)| {
        let input = with_lists(&all, lists());
        match at {
            Some(at) => bound(input, at),
            None => input,
        }
    })
}

fn lists() -> Vec<Snapshot> {
    (1..4)
        .flat_map(|id| {
            let newer = list(id, "b", &format!("2026-03-{:02}T00:00:00Z", id * 4));
            [newer, list(id + 10, "a", &format!("2025-03-{:02}T00:00:00Z", id * 4))]
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn neither_parcel_knows_of_the_other(
        old in prop::collection::vec(any_said(), 0..16),
        new in prop::collection::vec(any_said(), 0..16),
    ) {
        let timed = |s: &Said| s.retracts.is_none() && s.at.starts_with("2026");
        let of = |said: Vec<Said>| said.into_iter().filter(timed).map(|s| Said { event: None, ..s });
        let old: Vec<Said> = of(old).map(a_year_before).chain([said("D1", "2025-03-31T00:00:00Z")]).collect();
        let new: Vec<Said> = of(new).chain([said("XB", "2026-02-28T00:00:00Z")]).collect();
        let both = with_lists(&[&old[..], &new[..]].concat(), lists());
        let alone = |said: &[Said], year: &str| {
            let lists = lists().into_iter().filter(|l| l.stamp.unwrap().to_string().starts_with(year)).collect();
            fold(&with_lists(said, lists), now())
        };
        let (first, second) = (fold(&bound(both.clone(), "2025-03-01T00:00:00Z"), now()), fold(&both, now()));
        prop_assert_eq!(first.hash, alone(&old, "2025").hash);
        prop_assert_eq!(first.next_uses.len(), 1);
        prop_assert_eq!(second.hash, alone(&new, "2026").hash);
        prop_assert_eq!(second.verdicts.len(), both.facts.len());
    }
}
