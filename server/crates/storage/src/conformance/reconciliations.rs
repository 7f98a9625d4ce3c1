//! Reconciliation: runs and differences.

use super::{Said, World, at, text};
use crate::{
    Store,
    jobs::{Cause, Finish, JobKind, JobStatus, Lane, NewJob},
    reconciliations::{
        self, Counts, Decided, Decision, DifferenceQuery, Found, Look, NewRun, Resolution, RunState, Step, Subject,
        Walk, What, Which,
    },
    shipments::{Commit, Committed, LastEvent},
};
use domain::{
    Milestone, State,
    ids::{CorrelationId, DifferenceId, JobId, ReconciliationId, UserId},
    reconcile::{Cause as Why, Choice, Fix, Group, Topic},
};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

fn new_run(n: u128, now: Timestamp) -> NewRun {
    NewRun {
        id: ReconciliationId(Uuid::from_u128(n)),
        since: at(0),
        dry_run: false,
        total: 3,
        cursor: "first".into(),
        at: now,
    }
}

fn job(n: u128) -> NewJob {
    NewJob {
        id: JobId(Uuid::from_u128(n)),
        kind: JobKind::RECONCILE,
        target: format!("run {n}"),
        destination: None,
        lane: Lane::Batch,
        cause: Cause::Reconcile,
        run_at: at(0),
        correlation: CorrelationId(Uuid::from_u128(n)),
        shipment: None,
    }
}

fn subject(record: &str) -> Subject {
    Subject { system: "odoo".into(), record: record.into() }
}

fn found(n: u128, record: &str, topic: Topic, cause: Why, fix: Fix) -> Found {
    let words = |words: &str| reconciliations::Said { what: What::Words(words.into()), ..Default::default() };
    Found {
        id: DifferenceId(Uuid::from_u128(n)),
        subject: subject(record),
        topic,
        shipment: None,
        name: format!("N\0{record}"),
        order: Some("S1".into()),
        carrier: Some("DHL".into()),
        cause,
        fix,
        odoo: words("there"),
        ours: words("here"),
        desk: reconciliations::Said::default(),
        event_at: None,
    }
}

fn status(n: u128, record: &str) -> Found {
    found(n, record, Topic::Status, Why::NotSent, Fix::UpdateOdoo)
}

fn look(records: &[&str], found: Vec<Found>) -> Look {
    Look { subjects: records.iter().map(|record| subject(record)).collect(), found, ..Look::default() }
}

fn decision(id: DifferenceId, revision: u64, decided: Decided, jobs: Vec<NewJob>, at: Timestamp) -> Decision {
    Decision { id, revision, decided, jobs, audit: None, at }
}

pub async fn one_run_of_a_company_at_a_time(store: Store) {
    let world = World::new(store).await;
    let (runs, scope) = (&world.store.reconciliations, world.scope);
    assert!(runs.begin(scope, new_run(1, at(0)), vec![job(1)], None).await.unwrap());
    assert!(!runs.begin(scope, new_run(2, at(1)), vec![job(2)], None).await.unwrap(), "another one is running");
    let first = ReconciliationId(Uuid::from_u128(1));
    assert!(runs.end(scope, first, RunState::Stopped, at(2), None).await.unwrap());
    assert!(!runs.end(scope, first, RunState::Stalled, at(3), None).await.unwrap(), "it has ended");
    assert!(runs.begin(scope, new_run(2, at(4)), vec![job(2)], None).await.unwrap());
    let listed = runs.runs(scope).await.unwrap();
    let stands: Vec<_> = listed.iter().map(|run| (run.id, run.state, run.ended_at)).collect();
    let second = ReconciliationId(Uuid::from_u128(2));
    assert_eq!(stands, [(second, RunState::Running, None), (first, RunState::Stopped, Some(at(2)))]);
    let other = crate::Scope { company: world.id(), ..scope };
    assert!(runs.runs(other).await.unwrap().is_empty(), "of one company alone");
}

pub async fn a_step_counts_once_and_the_last_one_ends_the_run(store: Store) {
    let world = World::new(store).await;
    let (runs, scope) = (&world.store.reconciliations, world.scope);
    let id = ReconciliationId(Uuid::from_u128(1));
    runs.begin(scope, new_run(1, at(0)), Vec::new(), None).await.unwrap();
    let step = |from: &str, to: Option<&str>, look: Look| Step {
        from: from.into(),
        to: to.map(str::to_owned),
        look: Look { run: Some(id), ..look },
        counts: Counts { compared: 2, ..Counts::default() },
        at: at(1),
        jobs: Vec::new(),
    };
    let differing =
        || look(&["1", "2"], vec![status(1, "1"), found(2, "1", Topic::Eta, Why::NotSent, Fix::UpdateOdoo)]);
    let run = runs.step(scope, id, step("first", Some("second"), differing())).await.unwrap();
    assert_eq!((run.counts.compared, run.counts.differing, run.counts.opened), (2, 1, 2), "two topics of one record");
    let again = runs.step(scope, id, step("first", Some("second"), differing())).await.unwrap();
    assert_eq!(again.counts, run.counts, "a step that was made counts no more");
    let run = runs.step(scope, id, step("second", None, look(&["2"], Vec::new()))).await.unwrap();
    assert_eq!((run.state, run.ended_at, run.counts.compared), (RunState::Done, Some(at(1)), 4));
    let shares = runs.history(scope, at(0)).await.unwrap();
    assert_eq!(shares.iter().map(|s| (s.compared, s.differing)).collect::<Vec<_>>(), [(4, 1)]);
    assert!(runs.history(scope, at(2)).await.unwrap().is_empty());
    let closed =
        runs.close_unseen(scope, ReconciliationId(Uuid::from_u128(9)), vec!["odoo".into()], at(2), at(3)).await;
    assert_eq!(closed.unwrap(), 2, "a run that did not find them closes them");
}

pub async fn a_difference_opens_once_keeps_its_age_and_closes_by_itself(store: Store) {
    let world = World::new(store).await;
    let (store, scope) = (&world.store.reconciliations, world.scope);
    let counts = store.look(scope, look(&["1", "2"], vec![status(1, "1"), status(2, "2")]), at(0)).await.unwrap();
    assert_eq!((counts.opened, counts.closed, counts.differing), (2, 0, 2));
    let changed = Found { cause: Why::Refused, ..status(3, "1") };
    let counts = store.look(scope, look(&["1", "2"], vec![changed]), at(5)).await.unwrap();
    assert_eq!((counts.opened, counts.closed, counts.differing), (0, 1, 1));
    let page = store.list(scope, DifferenceQuery::default()).await.unwrap();
    let [one] = &page.rows[..] else { panic!("{page:?}") };
    assert_eq!((one.found.id, one.opened_at, one.seen_at), (DifferenceId(Uuid::from_u128(1)), at(0), at(5)));
    assert_eq!((one.found.cause, one.found.name.as_str()), (Why::Refused, "N\u{fffd}1"));
    let counts = store.counts(scope, at(0)).await.unwrap();
    assert_eq!((counts.open, counts.fixed, counts.oldest), (vec![(Group::Safe, Why::Refused, 1)], 0, Some(at(0))));
    let two = store.differences(scope, vec![DifferenceId(Uuid::from_u128(2))]).await.unwrap();
    assert_eq!(two[0].closed, Some((at(5), Resolution::Gone)));
    let counts = store.look(scope, look(&["1"], Vec::new()), at(6)).await.unwrap();
    assert_eq!(counts.closed, 1);
    assert_eq!(store.counts(scope, at(0)).await.unwrap().open, []);
    assert_eq!(store.counts(scope, at(0)).await.unwrap().oldest, None);
}

pub async fn what_a_run_could_not_read_stays_as_it_is(store: Store) {
    let world = World::new(store).await;
    let (store, scope) = (&world.store.reconciliations, world.scope);
    store.look(scope, look(&["1", "2"], vec![status(1, "1"), status(2, "2")]), at(0)).await.unwrap();
    let run = ReconciliationId(Uuid::from_u128(5));
    let unread = Look { run: Some(run), unread: vec![subject("1")], ..Look::default() };
    assert_eq!(store.look(scope, unread, at(5)).await.unwrap(), Counts::default());
    // what came since the run began is not its own to close
    store.look(scope, look(&["3"], vec![status(3, "3")]), at(4)).await.unwrap();
    assert_eq!(store.close_unseen(scope, run, vec!["odoo".into()], at(3), at(6)).await.unwrap(), 1);
    let page = store.list(scope, DifferenceQuery::default()).await.unwrap();
    let left: Vec<_> = page.rows.iter().map(|one| (one.found.id, one.opened_at, one.revision)).collect();
    assert_eq!(left, [(DifferenceId(Uuid::from_u128(1)), at(0), 0), (DifferenceId(Uuid::from_u128(3)), at(4), 0)]);
    // nor is what was not compared of a record
    let stays = vec![(subject("3"), Topic::Status)];
    let later = Look { run: Some(run), stays, ..look(&["1", "3"], Vec::new()) };
    assert_eq!(store.look(scope, later, at(7)).await.unwrap().closed, 1);
    assert_eq!(store.close_unseen(scope, run, vec!["odoo".into()], at(9), at(9)).await.unwrap(), 0);
    let page = store.list(scope, DifferenceQuery::default()).await.unwrap();
    assert_eq!(page.rows.iter().map(|one| one.opened_at).collect::<Vec<_>>(), [at(4)], "with its age");
}

pub async fn what_a_person_keeps_stays_away_until_a_value_or_an_event_changes(store: Store) {
    let world = World::new(store).await;
    let (store, scope) = (&world.store.reconciliations, world.scope);
    let carrier = |n: u128| found(n, "1", Topic::Carrier, Why::OtherCarrier, Fix::Decide);
    store.look(scope, look(&["1"], vec![carrier(1)]), at(0)).await.unwrap();
    let id = DifferenceId(Uuid::from_u128(1));
    let keep = |revision| store.decide(scope, decision(id, revision, Decided::Keep, Vec::new(), at(10)));
    assert!(!keep(7).await.unwrap(), "of another revision");
    assert!(keep(0).await.unwrap());
    assert!(!keep(1).await.unwrap(), "it is closed");
    let counts = store.look(scope, look(&["1"], vec![carrier(2)]), at(11)).await.unwrap();
    assert_eq!((counts.opened, counts.differing), (0, 0), "a person let it stand");
    let newer = Found { event_at: Some(at(11)), ..carrier(3) };
    assert_eq!(store.look(scope, look(&["1"], vec![newer]), at(12)).await.unwrap().opened, 1, "a newer event");
    let id = DifferenceId(Uuid::from_u128(3));
    assert!(store.decide(scope, decision(id, 0, Decided::Keep, Vec::new(), at(13))).await.unwrap());
    let other = reconciliations::Said { what: What::Words("elsewhere".into()), ..Default::default() };
    let other = Found { odoo: other, ..carrier(4) };
    assert_eq!(store.look(scope, look(&["1"], vec![other]), at(14)).await.unwrap().opened, 1, "another value");
}

pub async fn what_a_person_keeps_ends_with_its_cause_and_goes_with_the_others(store: Store) {
    let world = World::new(store).await;
    let (store, scope) = (&world.store.reconciliations, world.scope);
    let carrier = |n: u128, record: &str| found(n, record, Topic::Carrier, Why::OtherCarrier, Fix::Decide);
    let id = |n: u128| DifferenceId(Uuid::from_u128(n));
    let run = |n: u128| Some(ReconciliationId(Uuid::from_u128(n)));
    let all = ["1", "2", "3", "4"];
    let differing: Vec<_> = (1..).zip(all).map(|(n, record)| carrier(n, record)).collect();
    store.look(scope, look(&all, differing.clone()), at(0)).await.unwrap();
    for n in 1..=4 {
        assert!(store.decide(scope, decision(id(n), 0, Decided::Keep, Vec::new(), at(1))).await.unwrap());
    }
    let closed = async |n: u128| store.differences(scope, vec![id(n)]).await.unwrap().remove(0).closed;
    // of four that are let stand one is there, one is gone, one is not compared, and one cannot be read
    let mut second = look(&["1", "2", "3"], vec![carrier(11, "1")]);
    (second.run, second.stays, second.unread) = (run(5), vec![(subject("3"), Topic::Carrier)], vec![subject("4")]);
    let counts = store.look(scope, second, at(5)).await.unwrap();
    assert_eq!((counts.opened, counts.closed, counts.differing), (0, 0, 0));
    store.close_unseen(scope, run(5).unwrap(), vec!["odoo".into()], at(4), at(6)).await.unwrap();
    let kept = Some((at(1), Resolution::Kept));
    assert_eq!([closed(1).await, closed(3).await, closed(4).await], [kept; 3]);
    assert_eq!(closed(2).await, Some((at(5), Resolution::Gone)));
    // what comes again after its cause was gone is another one
    let again = store.look(scope, look(&["1", "2"], vec![carrier(21, "1"), carrier(22, "2")]), at(7)).await.unwrap();
    assert_eq!(again.opened, 1);
    // a record that no run finds any more
    let third = Look { run: run(6), ..look(&["1"], vec![carrier(31, "1")]) };
    store.look(scope, third, at(8)).await.unwrap();
    store.close_unseen(scope, run(6).unwrap(), vec!["odoo".into()], at(8), at(9)).await.unwrap();
    assert_eq!(closed(1).await, kept, "it is found still");
    assert_eq!(closed(3).await, Some((at(9), Resolution::Gone)));
    // what ended goes with the others; what is let stand does not
    let days = |days: i64| at(0) + SignedDuration::from_hours(24 * days);
    assert!(store.begin(scope, new_run(7, days(100)), Vec::new(), None).await.unwrap());
    let left = store.differences(scope, (1..=4).map(id).collect()).await.unwrap();
    assert_eq!(left.iter().map(|one| one.found.id).collect::<Vec<_>>(), [id(1)]);
}

pub async fn a_fix_is_requested_carried_out_and_looked_at(store: Store) {
    let world = World::new(store).await;
    let (differences, scope) = (&world.store.reconciliations, world.scope);
    let id = DifferenceId(Uuid::from_u128(1));
    let one = async || differences.differences(scope, vec![id]).await.unwrap().remove(0);
    differences.look(scope, look(&["1"], vec![status(1, "1")]), at(0)).await.unwrap();
    let owner = UserId(Uuid::from_u128(7));
    assert!(differences.decide(scope, decision(id, 0, Decided::Assign(Some(owner)), Vec::new(), at(1))).await.unwrap());
    let request = Decided::Request(Some(Choice::Write));
    assert!(differences.decide(scope, decision(id, 1, request, vec![job(5)], at(2))).await.unwrap());
    assert!(world.store.jobs.job(scope, JobId(Uuid::from_u128(5))).await.unwrap().is_some(), "its job comes with it");
    let requested = one().await.requested.unwrap();
    assert_eq!((requested.at, requested.choice, requested.applied), (at(2), Some(Choice::Write), false));
    assert!(differences.decide(scope, decision(id, 2, Decided::Applied, Vec::new(), at(3))).await.unwrap());
    // an update is on its way: the fix may still mend it
    let queued = Found { cause: Why::Queued, fix: Fix::Wait, ..status(2, "1") };
    differences.look(scope, look(&["1"], vec![queued]), at(4)).await.unwrap();
    assert!(one().await.requested.is_some_and(|requested| requested.applied));
    // it mended nothing
    differences.look(scope, look(&["1"], vec![status(3, "1")]), at(5)).await.unwrap();
    let after = one().await;
    assert_eq!((after.requested, after.owner, after.opened_at), (None, Some(owner), at(0)));
    let withdrawn = |revision| decision(id, revision, Decided::Withdrawn, Vec::new(), at(6));
    assert!(!differences.decide(scope, withdrawn(after.revision)).await.unwrap(), "nothing is requested");
    let request = Decided::Request(None);
    assert!(differences.decide(scope, decision(id, after.revision, request, Vec::new(), at(6))).await.unwrap());
    assert!(differences.decide(scope, withdrawn(after.revision + 1)).await.unwrap(), "it failed");
    assert_eq!(one().await.requested, None);
    let request = decision(id, after.revision + 2, Decided::Request(None), Vec::new(), at(6));
    assert!(differences.decide(scope, request).await.unwrap(), "once more");
    differences.look(scope, look(&["1"], Vec::new()), at(7)).await.unwrap();
    assert_eq!(one().await.closed, Some((at(7), Resolution::Fixed)));
    assert_eq!(differences.counts(scope, at(7)).await.unwrap().fixed, 1);
    let which = Which::FixedSince(at(7));
    let fixed = differences.list(scope, DifferenceQuery { which, ..DifferenceQuery::default() }).await.unwrap();
    assert_eq!(fixed.rows.len(), 1);
}

pub async fn the_list_is_narrowed_and_paged_oldest_first(store: Store) {
    let world = World::new(store).await;
    let (differences, scope) = (&world.store.reconciliations, world.scope);
    for n in 0..60_u32 {
        let record = n.to_string();
        let one = match n % 3 {
            0 => status(u128::from(n) + 1, &record),
            1 => found(u128::from(n) + 1, &record, Topic::Carrier, Why::OtherCarrier, Fix::Decide),
            _ => Found { carrier: None, ..found(u128::from(n) + 1, &record, Topic::Eta, Why::Queued, Fix::Wait) },
        };
        differences.look(scope, look(&[&record], vec![one]), at(i64::from(n))).await.unwrap();
    }
    let first = differences.list(scope, DifferenceQuery::default()).await.unwrap();
    let query = DifferenceQuery { cursor: first.next.clone(), ..DifferenceQuery::default() };
    let second = differences.list(scope, query).await.unwrap();
    let ages: Vec<_> = first.rows.iter().chain(&second.rows).map(|one| one.opened_at).collect();
    assert_eq!((ages.len(), second.next), (60, None));
    assert!(ages.is_sorted(), "oldest first, each once");
    let number = async |query: DifferenceQuery| differences.list(scope, query).await.unwrap().rows.len();
    let any = DifferenceQuery::default;
    assert_eq!(number(DifferenceQuery { which: Which::Of(Group::Decision), ..any() }).await, 20);
    assert_eq!(number(DifferenceQuery { topic: Some(Topic::Eta), ..any() }).await, 20);
    assert_eq!(number(DifferenceQuery { cause: Some(Why::Queued), carrier: Some("DHL".into()), ..any() }).await, 0);
    assert_eq!(number(DifferenceQuery { system: Some("elsewhere".into()), ..any() }).await, 0);
    assert_eq!(number(DifferenceQuery { owner: Some(None), opened_before: Some(at(10)), ..any() }).await, 10);
    assert_eq!(number(DifferenceQuery { opened_since: Some(at(50)), ..any() }).await, 10);
    assert_eq!(differences.carriers(scope).await.unwrap(), ["DHL"]);
    let other = crate::Scope { company: world.id(), ..scope };
    assert!(differences.list(other, any()).await.unwrap().rows.is_empty());
}

pub async fn a_run_walks_open_shipments_those_that_ended_lately_and_those_that_are_left(store: Store) {
    let world = World::new(store).await;
    let (store, scope) = (&world.store.reconciliations, world.scope);
    let mut ids = Vec::new();
    for record in 1..=4 {
        ids.push(world.import(world.order(record, &[&format!("WALK000{record}")]), 1).await);
    }
    for (n, minutes) in [(2, 10), (3, 50)] {
        let commit = world.commit(ids[n], 0, world.folded(State::Delivered), minutes);
        assert!(matches!(world.store.shipments.commit(scope, commit).await.unwrap(), Committed::Done(_)));
    }
    let records = async |walk: Walk, limit: u32| -> Vec<i64> {
        let page = store.subjects(scope, "odoo", walk, limit).await.unwrap();
        page.iter().map(|one| one.record).collect()
    };
    assert_eq!(records(Walk::Open(0), 10).await, [1, 2]);
    assert_eq!(records(Walk::Open(1), 10).await, [2]);
    assert_eq!(records(Walk::Open(0), 1).await, [1]);
    assert_eq!(records(Walk::Ended(at(0), None), 10).await, [3, 4]);
    assert_eq!(records(Walk::Ended(at(20), None), 10).await, [4]);
    let first = store.subjects(scope, "odoo", Walk::Ended(at(0), None), 1).await.unwrap().remove(0);
    assert_eq!(records(Walk::Ended(at(0), Some((first.updated_us, first.id))), 10).await, [4]);
    assert_eq!(store.total(scope, vec!["odoo".into()], at(20)).await.unwrap(), 3);
    assert_eq!(store.total(scope, vec!["another".into()], at(0)).await.unwrap(), 0);
    let run = ReconciliationId(Uuid::from_u128(1));
    let one = Found { shipment: Some(ids[2]), ..status(1, "3") };
    store.look(scope, look(&["3"], vec![one.clone()]), at(60)).await.unwrap();
    assert_eq!(records(Walk::Left(run), 10).await, [3], "however long ago it ended");
    store.look(scope, Look { run: Some(run), ..look(&["3"], vec![one]) }, at(61)).await.unwrap();
    assert_eq!(records(Walk::Left(run), 10).await, [] as [i64; 0], "this run has looked at it");
}

pub async fn numbers_without_an_order_are_walked_with_the_order_that_had_them(store: Store) {
    let world = World::new(store).await;
    let (store, scope) = (&world.store.reconciliations, world.scope);
    let source = world.source("aftership").await;
    assert!(store.unlinked(scope, None, 10).await.unwrap().is_empty());
    // a number of an order, which names another one later
    let order = world.import(world.order(1, &["HAD0000001"]), 1).await;
    world.say(source, Said::of("HAD0000001", &["picked-up"], 2)).await;
    world.import(world.order(1, &["NEW0000001"]), 3).await;
    world.say(source, Said::of("HAD0000001", &["on-the-way"], 4)).await;
    world.say(source, Said::of("NONE000001", &["on-the-way"], 5)).await;
    let mut unlinked = Vec::new();
    for number in ["HAD0000001", "NONE000001"] {
        let found = world.store.shipments.find(scope, number).await.unwrap();
        for id in found {
            let shipment = world.store.shipments.shipment(scope, id).await.unwrap().unwrap();
            if shipment.origin.is_none() {
                let commit = Commit {
                    last_event: Some(last_event(6)),
                    ..world.commit(id, shipment.revision, world.folded(State::InTransit), 6)
                };
                assert!(matches!(world.store.shipments.commit(scope, commit).await.unwrap(), Committed::Done(_)));
                unlinked.push(id);
            }
        }
    }
    let page = store.unlinked(scope, None, 10).await.unwrap();
    let before: Vec<_> = unlinked
        .iter()
        .map(|id| {
            page.iter()
                .find(|one| one.id == *id)
                .unwrap()
                .before
                .as_ref()
                .map(|(shipment, origin)| (*shipment, origin.record))
        })
        .collect();
    assert_eq!(before, [Some((order, 1)), None]);
    assert_eq!(store.before(scope, unlinked[0]).await.unwrap().map(|(shipment, _)| shipment), Some(order));
    assert_eq!(store.in_place_of(scope, unlinked[0], order).await.unwrap(), ["new0000001"]);
    world.import(world.order(1, &["NEW0000001", "MORE000001"]), 8).await;
    assert_eq!(store.in_place_of(scope, unlinked[0], order).await.unwrap(), ["new0000001"], "not what came later");
    let one = store.unlinked(scope, None, 1).await.unwrap();
    let rest = store.unlinked(scope, Some(one[0].cursor), 10).await.unwrap();
    assert_eq!((one.len(), rest.len()), (1, 1), "page by page");
}

fn last_event(minutes: i64) -> LastEvent {
    LastEvent {
        milestone: Milestone::InTransit,
        exception: None,
        code: None,
        place: None,
        place_in_parts: false,
        at: Some(at(minutes)),
        time: None,
    }
}

pub async fn updates_that_wait_or_failed_are_known_by_their_target(store: Store) {
    let world = World::new(store).await;
    let (store, scope) = (&world.store.reconciliations, world.scope);
    for target in ["waits", "fails", "done"] {
        world.enqueue(&world.job(JobKind::SYNC_ORDER, target, 1)).await;
    }
    let leased = world.claim("a", &[JobKind::SYNC_ORDER], at(1)).await;
    for one in leased {
        let finish = match one.job.target.as_str() {
            "fails" => Finish::Dead { error: text("no"), class: "forbidden".into() },
            "done" => Finish::Done,
            _ => Finish::Released,
        };
        world.store.jobs.finish("a", one.job.id, finish, at(1)).await.unwrap();
    }
    let targets = ["waits", "fails", "done", "unknown"].map(str::to_owned).to_vec();
    let mut found = store.updates(scope, JobKind::SYNC_ORDER, targets.clone()).await.unwrap();
    found.sort();
    assert_eq!(found, [("fails".to_owned(), JobStatus::Dead), ("waits".to_owned(), JobStatus::Ready)]);
    assert_eq!(store.updates(scope, JobKind::SYNC_CASE, targets).await.unwrap(), []);
}
