//! Shipments: load, commit, list.

use super::{Said, World, at, effects::effect, world::exception};
use crate::{
    Actor, Scope, Store,
    jobs::{Cause, JobKind, Lane},
    limits::PAGE_ROWS,
    shipments::{Committed, LastEvent, ShipmentQuery, ShipmentTab},
    work::{CaseRecord, CaseStatus, ExceptionAction, TicketFacts},
};
use domain::{
    ExceptionReason, Milestone, State,
    commit::ExceptionChange,
    effects::EffectOutcome,
    event_time::{EventTime, Precision},
    fold::FoldedException,
    ids::{CompanyId, ExceptionId, ShipmentId},
};
use std::collections::BTreeSet;
use uuid::Uuid;

pub(super) async fn tab(world: &World, tab: ShipmentTab) -> Vec<ShipmentId> {
    let query = ShipmentQuery { tab, ..ShipmentQuery::default() };
    world.store.shipments.list(world.scope, query, at(100)).await.unwrap().rows.into_iter().map(|row| row.id).collect()
}

pub(super) async fn search(world: &World, text: &str, tokens: &[&str]) -> BTreeSet<ShipmentId> {
    let tokens = tokens.iter().map(|&t| t.to_owned()).collect();
    let query = ShipmentQuery { tab: ShipmentTab::All, text: Some(text.into()), tokens, ..ShipmentQuery::default() };
    world.store.shipments.list(world.scope, query, at(100)).await.unwrap().rows.into_iter().map(|row| row.id).collect()
}

pub(super) async fn facts(world: &World, id: ShipmentId) -> Vec<String> {
    let loaded = world.store.shipments.load(world.scope, id, None).await.unwrap().unwrap();
    let mut said: Vec<_> = loaded.input.facts.iter().map(|f| f.observation.codes.raw.clone()).collect();
    said.sort();
    said
}

async fn commit(world: &World, id: ShipmentId, state: State, minutes: i64) -> Committed {
    let revision = world.store.shipments.shipment(world.scope, id).await.unwrap().unwrap().revision;
    world.store.shipments.commit(world.scope, world.commit(id, revision, world.folded(state), minutes)).await.unwrap()
}

pub async fn what_was_known_at_a_time(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    let shipment = world.import(world.order(1, &["NUM1"]), 1).await;
    world.say(source, Said { snapshot: Some(1), ..Said::of("NUM1", &["A"], 2) }).await;
    world.say(source, Said { snapshot: Some(2), ..Said::of("NUM1", &["A", "BB"], 4) }).await;
    let exception = world.trouble(shipment, &[ExceptionReason::Damaged], 5).await[0];
    let revision = world.store.shipments.shipment(world.scope, shipment).await.unwrap().unwrap().revision;
    let mut closing = world.commit(shipment, revision, world.folded(State::Delivered), 6);
    closing.exceptions.push(ExceptionChange::Close {
        id: exception,
        at: None,
        resolution: domain::fold::Resolution::Delivered,
    });
    world.store.shipments.commit(world.scope, closing).await.unwrap();
    let mut corrected = world.order(1, &["NUM2"]);
    corrected.plan.promised_by = Some(at(900));
    world.import(corrected, 8).await;

    let known =
        async |minutes| world.store.shipments.load(world.scope, shipment, Some(at(minutes))).await.unwrap().unwrap();
    let said = async |minutes| {
        let input = known(minutes).await.input;
        (
            input.facts.len(),
            input.facts.iter().map(|f| f.sightings.len()).sum::<usize>(),
            input.snapshots.len(),
            input.plan.promised_by,
        )
    };
    let promised = Some(at(600));
    assert_eq!(said(0).await, (0, 0, 0, None), "not yet there");
    assert_eq!(said(1).await, (0, 0, 0, promised));
    assert_eq!(said(3).await, (1, 1, 1, promised));
    assert_eq!(said(7).await, (2, 3, 2, promised));
    assert_eq!(said(8).await, (0, 0, 0, Some(at(900))), "the number was corrected");
    assert_eq!(known(4).await.exceptions, []);
    assert_eq!(known(5).await.exceptions[0].closed, None);
    assert!(known(6).await.exceptions[0].closed.is_some());
}

pub async fn commit_needs_the_loaded_revision(store: Store) {
    let world = World::new(store).await;
    let shipment = world.import(world.order(1, &[]), 1).await;
    let commit = |expected| {
        world.store.shipments.commit(world.scope, world.commit(shipment, expected, world.folded(State::InTransit), 2))
    };
    assert_eq!(commit(1).await.unwrap(), Committed::Conflict);
    assert_eq!(commit(0).await.unwrap(), Committed::Done(1));
    assert_eq!(commit(0).await.unwrap(), Committed::Conflict);
    let (one, two) = tokio::join!(commit(1), commit(1));
    let both = [one.unwrap(), two.unwrap()];
    assert!(both.contains(&Committed::Done(2)) && both.contains(&Committed::Conflict), "{both:?}");
    let record = world.store.shipments.shipment(world.scope, shipment).await.unwrap().unwrap();
    assert_eq!((record.revision, record.folded, record.updated_at), (2, world.folded(State::InTransit), at(2)));
}

pub async fn commit_is_all_or_nothing(store: Store) {
    let world = World::new(store).await;
    let shipment = world.import(world.order(1, &[]), 1).await;
    let newest = world.store.shipments.newest_change(world.scope).await.unwrap();
    let mut bad = world.commit(shipment, 0, world.folded(State::Delivered), 2);
    bad.jobs.push(world.job(JobKind::SYNC_ORDER, shipment, 2));
    bad.effects.push(effect(&world, "DELIVERED/-/1", EffectOutcome::Pending));
    // a row that is not there goes on
    bad.exceptions
        .push(ExceptionChange::Open { id: world.id(), exception: exception(ExceptionReason::Damaged, 1, &[1]) });
    bad.exceptions
        .push(ExceptionChange::Keep { id: world.id(), exception: exception(ExceptionReason::Damaged, 1, &[1]) });
    assert!(world.store.shipments.commit(world.scope, bad).await.is_err());
    let loaded = world.store.shipments.load(world.scope, shipment, None).await.unwrap().unwrap();
    assert_eq!(
        (loaded.shipment.revision, loaded.shipment.folded.state, loaded.exceptions.len()),
        (0, State::Unknown, 0)
    );
    assert_eq!(world.store.shipments.load(world.scope, shipment, None).await.unwrap().unwrap().effects, []);
    assert_eq!(world.drain(Lane::RealTime, JobKind::SYNC_ORDER).await, []);
    assert_eq!(world.store.shipments.newest_change(world.scope).await.unwrap(), newest);
}

pub async fn what_is_withheld_stays_so_until_it_is_told(store: Store) {
    let world = World::new(store).await;
    let shipment = world.import(world.order(1, &[]), 1).await;
    let (old, new): (ExceptionId, ExceptionId) = (world.id(), world.id());
    let mut first = world.commit(shipment, 0, world.folded(State::InTransit), 2);
    first.exceptions = vec![
        ExceptionChange::Open { id: old, exception: exception(ExceptionReason::Damaged, 1, &[1]) },
        ExceptionChange::Open { id: new, exception: exception(ExceptionReason::Late, 1, &[2]) },
    ];
    first.withheld = vec![old];
    world.store.shipments.commit(world.scope, first).await.unwrap();
    let withheld = async || {
        let loaded = world.store.shipments.load(world.scope, shipment, None).await.unwrap().unwrap();
        loaded.exceptions.iter().filter(|e| e.withheld).map(|e| e.id).collect::<Vec<_>>()
    };
    assert_eq!(withheld().await, [old]);
    assert!(world.store.work.exception(world.scope, old).await.unwrap().unwrap().withheld);
    for (revision, kept) in [(1, vec![old]), (2, vec![])] {
        let mut goes_on = world.commit(shipment, revision, world.folded(State::InTransit), 3);
        goes_on.exceptions =
            vec![ExceptionChange::Keep { id: old, exception: exception(ExceptionReason::Damaged, 1, &[1, 3]) }];
        goes_on.withheld.clone_from(&kept);
        world.store.shipments.commit(world.scope, goes_on).await.unwrap();
        assert_eq!(withheld().await, kept);
    }
}

pub async fn a_fold_gives_way_to_a_stronger_one(store: Store) {
    let world = World::new(store).await;
    let causes = [Cause::Replay, Cause::Reconcile, Cause::History, Cause::Import, Cause::Live];
    let mut record = 0;
    for waiting in causes {
        for leased in [false, true] {
            record += 1;
            let shipment = world.import(world.order(record, &[]), 1).await;
            world.drain(Lane::Batch, JobKind::FOLD).await;
            let mut job = world.job(JobKind::FOLD, shipment, 2);
            job.cause = waiting;
            world.enqueue(&job).await;
            if leased {
                // by a process that died over it
                assert_eq!(world.claim_in("dead", job.lane, &[JobKind::FOLD], at(3)).await.len(), 1);
            }
            let mut revision = 0;
            for cause in causes {
                for with_exception in [false, true] {
                    let mut commit = world.commit(shipment, revision, world.folded(State::InTransit), 4);
                    commit.cause = cause;
                    if with_exception {
                        let id: ExceptionId = world.id();
                        let piece = Some(id.to_string());
                        let exception = FoldedException { piece, ..exception(ExceptionReason::Damaged, 1, &[9]) };
                        commit.exceptions = vec![ExceptionChange::Open { id, exception }];
                    }
                    let done = world.store.shipments.commit(world.scope, commit).await.unwrap();
                    if waiting.strength() > cause.strength() {
                        assert_eq!(done, Committed::Superseded, "{cause:?} before {waiting:?}");
                    } else {
                        revision += 1;
                        assert_eq!(done, Committed::Done(revision), "{cause:?} before {waiting:?}");
                    }
                }
            }
            let _ = world.drain(Lane::RealTime, JobKind::FOLD).await;
        }
    }
}

pub async fn what_people_decided_comes_along_with_a_claim(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    let unclaimed = world.say(source, Said::of("NUM1", &["A"], 1)).await.shipments[0];
    let exception = world.trouble(unclaimed, &[ExceptionReason::Damaged], 2).await[0];
    let audit = world.audit("exception.resolve", exception.to_string(), 3);
    world.store.work.act(world.scope, exception, ExceptionAction::Resolve, audit, Vec::new()).await.unwrap();
    let claimed = world.import(world.order(1, &["NUM1"]), 4).await;
    let decisions =
        async |id| world.store.shipments.load(world.scope, id, None).await.unwrap().unwrap().input.decisions;
    assert_eq!(decisions(claimed).await.len(), 1);
    assert_eq!(decisions(claimed).await, decisions(unclaimed).await);
}

pub async fn state_changes_are_kept(store: Store) {
    let world = World::new(store).await;
    let shipment = world.import(world.order(1, &[]), 1).await;
    for (state, minutes) in [(State::InTransit, 2), (State::InTransit, 3), (State::Delivered, 4)] {
        commit(&world, shipment, state, minutes).await;
    }
    let history = world.store.shipments.history(world.scope, shipment).await.unwrap();
    let said: Vec<_> = history.iter().map(|c| (c.revision, c.at, c.from, c.to)).collect();
    assert_eq!(said, [(1, at(2), State::Unknown, State::InTransit), (3, at(4), State::InTransit, State::Delivered)]);
}

pub async fn reviews_come_due(store: Store) {
    let world = World::new(store).await;
    let mut due = Vec::new();
    for (record, minutes) in [(1, 30), (2, 10), (3, 20)] {
        let shipment = world.import(world.order(record, &[]), 1).await;
        let mut folded = world.folded(State::InTransit);
        folded.review_at = Some(at(minutes));
        world.store.shipments.commit(world.scope, world.commit(shipment, 0, folded, 2)).await.unwrap();
        due.push(shipment);
    }
    let look = async |minutes, limit| world.store.shipments.due(world.scope, at(minutes), limit).await.unwrap();
    assert_eq!(look(9, 10).await, []);
    assert_eq!(look(20, 10).await, [due[1], due[2]]);
    assert_eq!(look(60, 1).await, [due[1]]);
    commit(&world, due[1], State::Delivered, 61).await;
    assert_eq!(look(60, 10).await, [due[2], due[0]]);
}

pub async fn a_merged_shipment_refuses_commits(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    let unclaimed = world.say(source, Said::of("NUM1", &["A"], 1)).await.shipments[0];
    world.import(world.order(1, &["NUM1"]), 2).await;
    assert_eq!(commit(&world, unclaimed, State::Delivered, 3).await, Committed::Conflict);
    let unknown = world.commit(world.id(), 0, world.folded(State::Delivered), 3);
    assert!(world.store.shipments.commit(world.scope, unknown).await.is_err());
}

pub async fn the_list_sorts_by_need_for_action(store: Store) {
    let world = World::new(store).await;
    let mut made = Vec::new();
    let troubles: [&[ExceptionReason]; 6] = [
        &[],
        &[ExceptionReason::Damaged],
        &[ExceptionReason::DelayCarrier],
        &[ExceptionReason::Late],
        &[ExceptionReason::Silence],
        &[],
    ];
    for (record, reasons) in (1..).zip(troubles) {
        let shipment = world.import(world.order(record, &[]), 1).await;
        let mut commit = world.commit(shipment, 0, world.folded(State::InTransit), 2);
        commit.last_event = Some(LastEvent {
            milestone: Milestone::InTransit,
            exception: None,
            code: None,
            place: Some("Leipzig".into()),
            place_in_parts: true,
            at: Some(at(record)),
            time: Some(day_of_march(2)),
        });
        commit.exceptions = reasons
            .iter()
            .map(|reason| ExceptionChange::Open { id: world.id(), exception: exception(*reason, 1, &[record]) })
            .collect();
        (commit.folded.eta, commit.folded.delivered_at) = (Some(day_of_march(3)), Some(day_of_march(4)));
        world.store.shipments.commit(world.scope, commit).await.unwrap();
        made.push(shipment);
    }
    // critical, major, late minor, minor, then the newest event
    let by_need = [made[1], made[4], made[3], made[2], made[5], made[0]];
    assert_eq!(tab(&world, ShipmentTab::Open).await, by_need);
    assert_eq!(tab(&world, ShipmentTab::Exceptions).await, by_need[..4]);
    assert_eq!(tab(&world, ShipmentTab::Late).await, [made[3]]);
    assert_eq!(tab(&world, ShipmentTab::Silent).await, [made[4]]);
    let query = ShipmentQuery { tab: ShipmentTab::Exceptions, ..ShipmentQuery::default() };
    let row = &world.store.shipments.list(world.scope, query, at(5)).await.unwrap().rows[0];
    assert_eq!(row.exception, Some((ExceptionReason::Damaged, ExceptionReason::Damaged.severity())));
    assert_eq!(
        (row.last_event.as_ref().unwrap().at, row.promised_by, row.heard_at, row.revision),
        (Some(at(2)), Some(at(600)), Some(at(1)), 1)
    );
    // times come as certain as they are
    assert_eq!(row.last_event.as_ref().unwrap().time, Some(day_of_march(2)));
    assert_eq!((&row.eta, &row.delivered_at), (&Some(day_of_march(3)), &Some(day_of_march(4))));
}

fn day_of_march(day: i8) -> EventTime {
    EventTime::floating("", jiff::civil::date(2026, 3, day).at(0, 0, 0, 0), Precision::Date)
}

pub async fn the_list_is_paged_without_gaps(store: Store) {
    let world = World::new(store).await;
    let total = i64::from(PAGE_ROWS) * 2 + 3;
    let orders = (1..=total).map(|record| world.order(record, &[])).collect();
    world.store.shipments.import(world.scope, orders, at(1)).await.unwrap();
    let (mut cursor, mut seen) = (None, Vec::new());
    loop {
        let query = ShipmentQuery { cursor, ..ShipmentQuery::default() };
        let page = world.store.shipments.list(world.scope, query, at(2)).await.unwrap();
        if seen.is_empty() {
            // new rows before the first page do not move the later ones
            world.import(world.order(9999, &[]), 2).await;
            let changed = page.rows[0].id;
            world.trouble(changed, &[ExceptionReason::Lost], 2).await;
        }
        seen.extend(page.rows.into_iter().map(|row| row.id));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert!(seen.len() as i64 >= total);
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), seen.len(), "none twice");
}

pub async fn a_tampered_cursor_begins_at_the_first_page(store: Store) {
    let world = World::new(store).await;
    world.import(world.order(1, &[]), 1).await;
    for cursor in ["", "x", "'; DROP TABLE shipment", "5b5d", "ffff", "é"] {
        let cursor = Some(cursor.to_owned());
        let query = ShipmentQuery { cursor: cursor.clone(), ..ShipmentQuery::default() };
        match world.store.shipments.list(world.scope, query, at(2)).await {
            Ok(page) => assert_eq!(page.rows.len(), 1),
            Err(error) => panic!("{error}"),
        }
        world
            .store
            .jobs
            .list(world.scope, crate::jobs::JobFilter::Done, Default::default(), cursor.clone())
            .await
            .unwrap();
        world.store.inbox.messages(world.scope, Default::default(), cursor.clone()).await.unwrap();
        world
            .store
            .work
            .queue(world.scope, crate::work::QueueQuery { cursor, ..Default::default() }, at(1))
            .await
            .unwrap();
    }
}

pub async fn shipments_are_found_by_numbers_names_prefixes_and_customers(store: Store) {
    let world = World::new(store).await;
    let one = world.import(world.order(1, &["1Z999AA10123456784"]), 1).await;
    let two = world.import(world.order(2, &["JD0002", "JD0003"]), 1).await;
    let (only_one, both) = (BTreeSet::from([one]), BTreeSet::from([one, two]));
    for text in [
        "1Z999AA10123456784",
        "1z999aa10123456784",
        "1Z 999 AA1 0123 4567 84",
        "1Z999",
        "S00001",
        "s00001",
        "WH/OUT/00001",
        "wh/out/00001",
        " S00001\n",
    ] {
        assert_eq!(search(&world, text, &[]).await, only_one, "{text}");
    }
    for text in ["1Z999AA10123456784 JD0003", "S00001,S00002", "WH/OUT", "S00001; JD0002; nothing"] {
        assert_eq!(search(&world, text, &[]).await, both, "{text}");
    }
    for text in ["999AA1", "JD", "///", "%", "_", "token-1", "S00003"] {
        assert_eq!(search(&world, text, &[]).await, BTreeSet::new(), "{text}");
    }
    assert_eq!(search(&world, "Jane Doe", &["token-2"]).await, BTreeSet::from([two]));
    assert_eq!(search(&world, "Jane Doe", &["token"]).await, BTreeSet::new(), "tokens are whole");
    assert_eq!(world.store.shipments.find(world.scope, "JD0002").await.unwrap(), [two]);
    assert_eq!(world.store.shipments.find(world.scope, "wh/out/00002").await.unwrap(), [two]);
    assert_eq!(world.store.shipments.find(world.scope, "JD000").await.unwrap(), []);
    let query = ShipmentQuery { tab: ShipmentTab::All, states: vec![State::Delivered], ..ShipmentQuery::default() };
    assert_eq!(world.store.shipments.list(world.scope, query.clone(), at(2)).await.unwrap().rows.len(), 0);
    commit(&world, two, State::Delivered, 3).await;
    assert_eq!(world.store.shipments.list(world.scope, query, at(2)).await.unwrap().rows[0].id, two);
}

pub async fn tabs_and_counts_agree(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    world.say(source, Said::of("STRAY", &["A"], 1)).await;
    for (record, state) in (1..).zip([State::InTransit, State::Delivered, State::Returned, State::Unknown]) {
        let shipment = world.import(world.order(record, &[]), 1).await;
        commit(&world, shipment, state, 2).await;
        if record == 1 {
            let ids = world.trouble(shipment, &[ExceptionReason::Late, ExceptionReason::Silence], 3).await;
            let case = CaseRecord {
                id: world.id(),
                exception: ids[0],
                shipment,
                desk: "rt".into(),
                external_key: "k".into(),
                number: Some("42".into()),
                url: None,
                status: CaseStatus::Open,
                opened_at: at(4),
                resolved_at: None,
                notes: Vec::new(),
                closed_by: None,
                follows: None,
                seen: None,
                ticket: TicketFacts::default(),
                revision: 0,
            };
            world.store.work.put_case(world.scope, case, Vec::new()).await.unwrap();
        }
    }
    let counts = world.store.shipments.counts(world.scope, at(5)).await.unwrap();
    assert_eq!(
        (counts.open, counts.exceptions, counts.late, counts.silent, counts.delivered, counts.unclaimed, counts.all),
        (2, 1, 1, 1, 1, 1, 5)
    );
    let length = async |t| tab(&world, t).await.len() as u64;
    for (count, of) in [
        (counts.open, ShipmentTab::Open),
        (counts.exceptions, ShipmentTab::Exceptions),
        (counts.late, ShipmentTab::Late),
        (counts.silent, ShipmentTab::Silent),
        (counts.delivered, ShipmentTab::Delivered),
        (counts.unclaimed, ShipmentTab::Unclaimed),
        (counts.all, ShipmentTab::All),
    ] {
        assert_eq!(count, length(of).await, "{of:?}");
    }
    let query = ShipmentQuery { tab: ShipmentTab::Late, ..ShipmentQuery::default() };
    assert_eq!(
        world.store.shipments.list(world.scope, query, at(5)).await.unwrap().rows[0].case.as_deref(),
        Some("42")
    );
}

pub async fn changes_resume(store: Store) {
    let world = World::new(store).await;
    assert_eq!(world.store.shipments.newest_change(world.scope).await.unwrap(), 0);
    let shipment = world.import(world.order(1, &[]), 1).await;
    let from = world.store.shipments.newest_change(world.scope).await.unwrap();
    for minutes in 2..7 {
        commit(&world, shipment, State::InTransit, minutes).await;
    }
    let changes = world.store.shipments.changes(world.scope, from, 100).await.unwrap();
    assert_eq!(changes.iter().map(|c| c.revision).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert!(changes.windows(2).all(|w| w[0].seq < w[1].seq) && changes[0].seq > from);
    let rest = world.store.shipments.changes(world.scope, changes[1].seq, 2).await.unwrap();
    assert_eq!(rest, changes[2..4]);
    assert_eq!(world.store.shipments.newest_change(world.scope).await.unwrap(), changes[4].seq);
}

pub async fn first_messages_of_observations(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    let shipment = world.import(world.order(1, &["NUM1"]), 1).await;
    let first = world.recording(source, &[Said::of("NUM1", &["A"], 2)]).await;
    let (message, records) =
        (first.message, [first, world.recording(source, &[Said::of("NUM1", &["A", "BB"], 3)]).await]);
    // the later one is recorded first
    for recording in records.into_iter().rev() {
        world.store.facts.record(world.scope, recording).await.unwrap();
    }
    let seen = world.store.shipments.seen_in(world.scope, shipment).await.unwrap();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen.iter().filter(|s| s.message == message && s.source_name == "shop").count(), 1);
}

pub async fn no_company_sees_anothers(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    let shipment = world.import(world.order(1, &["NUM1"]), 1).await;
    world.say(source, Said::of("NUM1", &["?X"], 2)).await;
    let exception = world.trouble(shipment, &[ExceptionReason::Damaged], 3).await[0];
    let stranger = Scope { company: CompanyId(Uuid::from_u128(8)), actor: Actor::System };
    let store = &world.store;
    assert!(store.shipments.shipment(stranger, shipment).await.unwrap().is_none());
    assert!(store.shipments.load(stranger, shipment, None).await.unwrap().is_none());
    assert_eq!(store.shipments.find(stranger, "NUM1").await.unwrap(), []);
    assert_eq!(store.shipments.counts(stranger, at(4)).await.unwrap().all, 0);
    assert_eq!(store.shipments.changes(stranger, 0, 10).await.unwrap(), []);
    assert!(
        store
            .shipments
            .list(stranger, ShipmentQuery { tab: ShipmentTab::All, ..Default::default() }, at(4))
            .await
            .unwrap()
            .rows
            .is_empty()
    );
    assert!(store.work.exception(stranger, exception).await.unwrap().is_none());
    assert!(store.work.queue(stranger, crate::work::QueueQuery::default(), at(4)).await.unwrap().rows.is_empty());
    assert_eq!(store.mappings.unmapped(stranger).await.unwrap(), []);
    assert!(store.connections.all(stranger).await.unwrap().is_empty());
    assert!(store.inbox.messages(stranger, Default::default(), None).await.unwrap().rows.is_empty());
    assert_eq!(store.jobs.summary(stranger, at(4)).await.unwrap(), []);
}
