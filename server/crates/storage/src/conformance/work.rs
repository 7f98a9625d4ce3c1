//! Exceptions, cases, figures.

use super::{Said, World, at, text, world::exception};
use crate::{
    Actor, AuditEntry, Scope, Sealed, Store,
    figures::{AGES, CarrierFigures},
    jobs::{Finish, JobKind, Lane},
    limits::PAGE_ROWS,
    people::UserRecord,
    shipments::{Commit, Committed, LastEvent, ShipmentQuery, ShipmentTab, UnknownChange},
    work::{Agent, CaseRecord, CaseStatus, DeskReport, ExceptionAction, QueueQuery, QueueView, TicketFacts},
};
use domain::access::Role;
use domain::{
    Category, ExceptionReason, Milestone, Severity, State,
    calendar::Calendar,
    commit::ExceptionChange,
    event_time::{EventTime, Precision},
    exceptions::due_at,
    fold::{Choice, Decision, Resolution},
    ids::{ExceptionId, ShipmentId, UserId},
    unknown::Cause,
};
use jiff::tz::TimeZone;
use std::collections::BTreeSet;

async fn queue(world: &World, scope: Scope, view: QueueView, minutes: i64) -> Vec<ExceptionId> {
    let query = QueueQuery { view, ..QueueQuery::default() };
    world
        .store
        .work
        .queue(scope, query, at(minutes))
        .await
        .unwrap()
        .rows
        .into_iter()
        .map(|row| row.exception.id)
        .collect()
}

async fn user(world: &World, login: &str) -> Scope {
    let id: UserId = world.id();
    let user = UserRecord {
        id,
        company: world.scope.company,
        login: login.into(),
        name: login.to_uppercase(),
        password: "x".into(),
        roles: vec![Role::Agent],
        enabled: true,
        created_at: at(0),
    };
    world.store.people.put_user(world.scope, user, world.audit("user.put", format!("user:{id}"), 0)).await.unwrap();
    Scope { actor: Actor::User(id), ..world.scope }
}

fn case(world: &World, exception: ExceptionId, shipment: ShipmentId, minutes: i64) -> CaseRecord {
    CaseRecord {
        id: world.id(),
        exception,
        shipment,
        desk: "rt".into(),
        external_key: "key".into(),
        number: None,
        url: None,
        status: CaseStatus::Pending,
        opened_at: at(minutes),
        resolved_at: None,
        notes: Vec::new(),
        closed_by: None,
        follows: None,
        seen: None,
        ticket: TicketFacts::default(),
        revision: 0,
    }
}

async fn change(world: &World, shipment: ShipmentId, changes: Vec<ExceptionChange>, minutes: i64) {
    let revision = world.store.shipments.shipment(world.scope, shipment).await.unwrap().unwrap().revision;
    let mut commit = world.commit(shipment, revision, world.folded(State::InTransit), minutes);
    commit.exceptions = changes;
    assert!(matches!(world.store.shipments.commit(world.scope, commit).await.unwrap(), Committed::Done(_)));
}

pub async fn exceptions_open_go_on_and_close(store: Store) {
    let world = World::new(store).await;
    let shipment = world.import(world.order(1, &[]), 1).await;
    let id = world.trouble(shipment, &[ExceptionReason::Damaged], 5).await[0];
    let opened = world.store.work.exception(world.scope, id).await.unwrap().unwrap();
    assert_eq!(
        (opened.reason, opened.severity, opened.shipment),
        (ExceptionReason::Damaged, Severity::Critical, shipment)
    );
    assert_eq!(
        (opened.recorded_at, opened.due_at, opened.closed),
        (at(5), due_at(ExceptionReason::Damaged, Severity::Critical, at(5), &Calendar::default()), None)
    );

    let mut milder = exception(ExceptionReason::Damaged, 5, &[1, 2]);
    milder.severity = Severity::Minor;
    change(&world, shipment, vec![ExceptionChange::Keep { id, exception: milder }], 6).await;
    let kept = world.store.work.exception(world.scope, id).await.unwrap().unwrap();
    assert_eq!(
        (kept.severity, kept.evidence.len(), kept.due_at),
        (Severity::Minor, 2, due_at(ExceptionReason::Damaged, Severity::Minor, at(5), &Calendar::default()))
    );

    let ended = Some(EventTime::instant("", at(7), Precision::Second));
    // the next episode comes in the same commit, before the end of the first in the list
    let next: ExceptionId = world.id();
    let changes = vec![
        ExceptionChange::Open { id: next, exception: exception(ExceptionReason::Damaged, 8, &[3]) },
        ExceptionChange::Close { id, at: ended, resolution: Resolution::Progress },
    ];
    change(&world, shipment, changes, 9).await;
    let closed = world.store.work.exception(world.scope, id).await.unwrap().unwrap();
    assert_eq!(closed.closed, Some((at(7), Resolution::Progress)));

    // of one reason and piece one is open at a time
    let mut third = world.commit(shipment, 3, world.folded(State::InTransit), 10);
    third.exceptions =
        vec![ExceptionChange::Open { id: world.id(), exception: exception(ExceptionReason::Damaged, 8, &[4]) }];
    assert!(world.store.shipments.commit(world.scope, third).await.is_err());
    change(&world, shipment, vec![ExceptionChange::Close { id: next, at: None, resolution: Resolution::Cleared }], 11)
        .await;
    change(
        &world,
        shipment,
        vec![ExceptionChange::Keep { id: next, exception: exception(ExceptionReason::Damaged, 8, &[3]) }],
        12,
    )
    .await;
    let reopened = world.store.work.exception(world.scope, next).await.unwrap().unwrap();
    assert_eq!(
        (reopened.closed, reopened.due_at),
        (None, due_at(ExceptionReason::Damaged, Severity::Critical, at(12), &Calendar::default()))
    );
}

pub async fn the_queue_sorts_and_filters(store: Store) {
    let world = World::new(store).await;
    let (agent, other) = (user(&world, "agent").await, user(&world, "other").await);
    let shipment = world.import(world.order(1, &["NUM1"]), 1).await;
    let ids = world
        .trouble(
            shipment,
            &[
                ExceptionReason::Late,
                ExceptionReason::Damaged,
                ExceptionReason::Silence,
                ExceptionReason::CustomsDuties,
            ],
            5,
        )
        .await;
    let [late, damaged, silent, duties] = ids[..] else { panic!("four") };
    let act = async |id, action| {
        world
            .store
            .work
            .act(agent, id, action, world.audit("exception.act", format!("exception:{id}"), 6), Vec::new())
            .await
            .unwrap()
    };
    let Actor::User(owner) = agent.actor else { panic!("a user") };
    act(damaged, ExceptionAction::Assign { owner: Some(owner) }).await;
    act(late, ExceptionAction::Snooze { until: at(60) }).await;

    let open = queue(&world, agent, QueueView::Open, 10).await;
    assert_eq!(open[0], damaged);
    assert_eq!(open[1..].iter().collect::<BTreeSet<_>>(), BTreeSet::from([&silent, &duties]));
    assert_eq!(queue(&world, agent, QueueView::Mine, 10).await, [damaged]);
    assert_eq!(queue(&world, other, QueueView::Mine, 10).await, []);
    assert_eq!(queue(&world, agent, QueueView::Unassigned, 10).await.len(), 2);
    assert_eq!(queue(&world, agent, QueueView::Snoozed, 10).await, [late]);
    assert_eq!(queue(&world, agent, QueueView::Open, 60).await.len(), 4, "the snooze is over");
    assert_eq!(world.store.work.queue_counts(agent, at(10)).await.unwrap().iter().map(|(_, _, n)| n).sum::<u64>(), 3);

    change(
        &world,
        shipment,
        vec![ExceptionChange::Close { id: silent, at: None, resolution: Resolution::Progress }],
        11,
    )
    .await;
    assert_eq!(queue(&world, agent, QueueView::Closed, 12).await, [silent]);
    assert_eq!(queue(&world, agent, QueueView::Closed, 60 * 24 * 32).await, []);
    let customs = QueueQuery { category: Some(Category::Customs), ..QueueQuery::default() };
    assert_eq!(world.store.work.queue(agent, customs, at(12)).await.unwrap().rows[0].exception.id, duties);
    let critical = QueueQuery { severity: Some(Severity::Critical), ..QueueQuery::default() };
    let row = &world.store.work.queue(agent, critical, at(12)).await.unwrap().rows[0];
    assert_eq!((row.owner_name.as_deref(), row.state, row.numbers.len()), (Some("AGENT"), State::InTransit, 1));
    assert_eq!(row.origin.as_ref().unwrap().record, 1);
}

pub async fn the_queue_is_paged_without_gaps(store: Store) {
    let world = World::new(store).await;
    let total = PAGE_ROWS as usize + 9;
    for n in 0..total {
        let shipment = world.import(world.order(i64::try_from(n).unwrap() + 1, &[]), 1).await;
        let reason = if n % 2 == 0 { ExceptionReason::Damaged } else { ExceptionReason::Late };
        world.trouble(shipment, &[reason], i64::try_from(n % 5).unwrap() + 2).await;
    }
    let first = world.store.work.queue(world.scope, QueueQuery::default(), at(20)).await.unwrap();
    let second = world
        .store
        .work
        .queue(world.scope, QueueQuery { cursor: first.next.clone(), ..QueueQuery::default() }, at(20))
        .await
        .unwrap();
    assert_eq!((first.rows.len(), second.rows.len(), second.next), (PAGE_ROWS as usize, 9, None));
    let all: Vec<_> = first
        .rows
        .iter()
        .chain(&second.rows)
        .map(|r| (std::cmp::Reverse(r.exception.severity), r.exception.due_at, r.exception.id))
        .collect();
    assert!(all.windows(2).all(|w| w[0] < w[1]), "by severity, then due time, each once");
}

pub async fn people_act_and_the_fold_reads_it(store: Store) {
    let world = World::new(store).await;
    let agent = user(&world, "agent").await;
    let shipment = world.import(world.order(1, &[]), 1).await;
    let id = world.trouble(shipment, &[ExceptionReason::Damaged], 5).await[0];
    world.drain(Lane::Batch, JobKind::FOLD).await;
    let act = async |id: ExceptionId, action, minutes| {
        let job = world.job(JobKind::FOLD, shipment, minutes);
        world
            .store
            .work
            .act(agent, id, action, world.audit("exception.act", format!("exception:{id}"), minutes), vec![job])
            .await
    };
    act(id, ExceptionAction::Acknowledge, 6).await.unwrap();
    act(id, ExceptionAction::Acknowledge, 7).await.unwrap();
    act(id, ExceptionAction::Resolve, 8).await.unwrap();
    act(id, ExceptionAction::Reopen, 9).await.unwrap();
    assert!(act(world.id(), ExceptionAction::Resolve, 9).await.is_err());
    let loaded = world.store.shipments.load(world.scope, shipment, None).await.unwrap().unwrap();
    let evidence = loaded.exceptions[0].evidence.clone();
    assert_eq!(loaded.exceptions[0].acknowledged_at, Some(at(6)));
    assert_eq!(loaded.input.decisions.iter().map(|d| d.at).collect::<Vec<_>>(), [at(8), at(9)]);
    assert_eq!(loaded.input.decisions[0].what, Choice::Resolve { exception: id, evidence });
    assert_eq!(
        world.store.shipments.load(world.scope, shipment, Some(at(8))).await.unwrap().unwrap().input.decisions.len(),
        1
    );
    assert_eq!(world.drain(Lane::RealTime, JobKind::FOLD).await.len(), 1);
    assert_eq!(world.store.people.audit_of(world.scope, shipment).await.unwrap().len(), 4, "what failed left no line");
}

pub async fn teams_snoozing_and_answers_of_other_systems(store: Store) {
    let world = World::new(store).await;
    let shipment = world.import(world.order(1, &[]), 1).await;
    let id = world.trouble(shipment, &[ExceptionReason::OrderRefused], 5).await[0];
    world.drain(Lane::Batch, JobKind::FOLD).await;
    let work = &world.store.work;
    let act = async |action, minutes| {
        let audit = world.audit("exception.act", format!("exception:{id}"), minutes);
        work.act(world.scope, id, action, audit, Vec::new()).await.unwrap();
        work.exception(world.scope, id).await.unwrap().unwrap()
    };
    assert_eq!(act(ExceptionAction::Team { team: Some("Berlin".into()) }, 6).await.team.as_deref(), Some("Berlin"));
    assert_eq!(act(ExceptionAction::Team { team: None }, 7).await.team, None);
    assert_eq!(act(ExceptionAction::Snooze { until: at(90) }, 8).await.snoozed_until, Some(at(90)));
    assert_eq!(act(ExceptionAction::Unsnooze, 9).await.snoozed_until, None);
    let one = QueueQuery { view: QueueView::All, id: Some(id), ..QueueQuery::default() };
    assert_eq!(work.queue(world.scope, one, at(9)).await.unwrap().rows.len(), 1);
    let none = QueueQuery { view: QueueView::All, id: Some(world.id()), ..QueueQuery::default() };
    assert_eq!(work.queue(world.scope, none, at(9)).await.unwrap().rows.len(), 0);
    let reason = ExceptionReason::OrderRefused;
    assert!(work.open_since(world.scope, shipment, reason).await.unwrap().is_some());
    assert_eq!(work.open_since(world.scope, shipment, ExceptionReason::DeskRefused).await.unwrap(), None);
    assert_eq!(work.open_since(world.scope, world.id(), reason).await.unwrap(), None);
    let answer = Decision { at: at(10), what: Choice::Accepted { reason } };
    work.answered(world.scope, shipment, answer.clone(), world.job(JobKind::FOLD, shipment, 10)).await.unwrap();
    let loaded = world.store.shipments.load(world.scope, shipment, None).await.unwrap().unwrap();
    assert_eq!(loaded.input.decisions, [answer]);
    assert_eq!(world.drain(Lane::RealTime, JobKind::FOLD).await.len(), 1);
}

pub async fn a_team_gets_what_opens_and_has_a_queue(store: Store) {
    let world = World::new(store).await;
    let work = &world.store.work;
    let shipment = world.import(world.order(1, &[]), 1).await;
    let ids: [ExceptionId; 3] = [world.id(), world.id(), world.id()];
    let reasons = [ExceptionReason::Damaged, ExceptionReason::Late, ExceptionReason::Silence];
    let mut commit = world.commit(shipment, 0, world.folded(State::InTransit), 5);
    let opened = ids.iter().zip(reasons);
    let opened = opened.map(|(id, reason)| ExceptionChange::Open { id: *id, exception: exception(reason, 5, &[5]) });
    commit.exceptions = opened.collect();
    commit.teams = [(ids[0], "Berlin".to_owned()), (ids[1], "Claims".to_owned())].into_iter().collect();
    assert!(matches!(world.store.shipments.commit(world.scope, commit).await.unwrap(), Committed::Done(_)));
    let queue = async |team: Option<&str>| {
        let query = QueueQuery { team: team.map(str::to_owned), ..QueueQuery::default() };
        let page = work.queue(world.scope, query, at(6)).await.unwrap();
        page.rows.into_iter().map(|row| row.exception.id).collect::<Vec<_>>()
    };
    assert_eq!((queue(Some("Berlin")).await, queue(Some("Rome")).await), (vec![ids[0]], Vec::new()));
    assert_eq!(queue(None).await.len(), 3);
    let counts = async |minutes| work.team_counts(world.scope, at(minutes)).await.unwrap();
    let both = [("Berlin".to_owned(), 1), ("Claims".to_owned(), 1)];
    assert_eq!(counts(6).await, both.clone().into_iter().collect());
    let audit = world.audit("exception.act", format!("exception:{}", ids[1]), 7);
    work.act(world.scope, ids[1], ExceptionAction::Snooze { until: at(90) }, audit, Vec::new()).await.unwrap();
    assert_eq!(counts(8).await, both[..1].iter().cloned().collect(), "a snoozed one is not counted");
    assert_eq!(counts(91).await, both.clone().into_iter().collect());
    // a team that is removed has none, in the queue and in the counts
    assert_eq!(work.without_team(world.scope, "Berlin".into()).await.unwrap(), 1);
    assert_eq!((queue(Some("Berlin")).await, queue(None).await.len()), (Vec::new(), 2), "one is snoozed");
    assert_eq!(counts(91).await, both[1..].iter().cloned().collect());
}

pub async fn what_is_not_known_is_counted_and_listed(store: Store) {
    let world = World::new(store).await;
    let causes = [Cause::NeverSeen, Cause::NeverSeen, Cause::Mistyped];
    let mut shipments = Vec::new();
    for (record, cause) in (1..).zip(causes) {
        let shipment = world.import(world.order(record, &[]), 1).await;
        let commit = world.commit(shipment, 0, world.folded(State::Unknown), 2);
        let commit = Commit { unknown: Some(UnknownChange::Because(cause)), ..commit };
        assert!(matches!(world.store.shipments.commit(world.scope, commit).await.unwrap(), Committed::Done(_)));
        shipments.push(shipment);
    }
    let counted = async || world.store.work.figures(world.scope, at(3), &TimeZone::UTC).await.unwrap().unknown;
    let listed = async |cause| {
        let query = ShipmentQuery { tab: ShipmentTab::All, unknown: Some(cause), ..ShipmentQuery::default() };
        let page = world.store.shipments.list(world.scope, query, at(3)).await.unwrap();
        page.rows.into_iter().map(|row| row.id).collect::<BTreeSet<_>>()
    };
    assert_eq!(counted().await, [(Cause::NeverSeen, 2), (Cause::Mistyped, 1)]);
    assert_eq!(listed(Cause::NeverSeen).await, BTreeSet::from([shipments[0], shipments[1]]));
    assert_eq!(listed(Cause::SourceSilent).await, BTreeSet::new());
    for (shipment, change) in
        [(shipments[0], UnknownChange::Known), (shipments[2], UnknownChange::Because(Cause::NeverSeen))]
    {
        let commit = Commit { unknown: Some(change), ..world.commit(shipment, 1, world.folded(State::InTransit), 4) };
        assert!(matches!(world.store.shipments.commit(world.scope, commit).await.unwrap(), Committed::Done(_)));
    }
    assert_eq!(counted().await, [(Cause::NeverSeen, 2)]);
    assert_eq!(listed(Cause::NeverSeen).await, BTreeSet::from([shipments[1], shipments[2]]));
}

pub async fn cases_of_episodes(store: Store) {
    let world = World::new(store).await;
    let shipment = world.import(world.order(1, &[]), 1).await;
    let first = world.trouble(shipment, &[ExceptionReason::Damaged], 5).await[0];
    let context = world.store.work.case_context(world.scope, first).await.unwrap().unwrap();
    assert_eq!((context.exception.id, context.case, context.earlier), (first, None, None));
    let mut opened = case(&world, first, shipment, 6);
    world.store.work.put_case(world.scope, opened.clone(), Vec::new()).await.unwrap();
    (opened.number, opened.status, opened.notes) = (Some("42".into()), CaseStatus::Open, vec!["a".into(), "b".into()]);
    opened.revision = 1;
    world.store.work.put_case(world.scope, opened.clone(), Vec::new()).await.unwrap();
    assert!(
        world.store.work.put_case(world.scope, opened.clone(), Vec::new()).await.is_err(),
        "of two writers the second one fails"
    );
    opened.revision = 2;
    let second_for_it = case(&world, first, shipment, 7);
    assert!(
        world.store.work.put_case(world.scope, second_for_it, Vec::new()).await.is_err(),
        "never a second case for an exception"
    );
    change(&world, shipment, vec![ExceptionChange::Close { id: first, at: None, resolution: Resolution::Progress }], 8)
        .await;
    let second = world.trouble(shipment, &[ExceptionReason::Damaged], 9).await[0];
    let context = world.store.work.case_context(world.scope, second).await.unwrap().unwrap();
    assert_eq!((context.case, context.earlier.as_ref()), (None, Some(&opened)));
    let other = world.trouble(shipment, &[ExceptionReason::Late], 10).await[0];
    assert_eq!(world.store.work.case_context(world.scope, other).await.unwrap().unwrap().earlier, None);
    let follow = CaseRecord { id: world.id(), exception: second, revision: 0, ..opened.clone() };
    world.store.work.put_case(world.scope, follow.clone(), Vec::new()).await.unwrap();
    let both: BTreeSet<_> = world
        .store
        .shipments
        .load(world.scope, shipment, None)
        .await
        .unwrap()
        .unwrap()
        .cases
        .into_iter()
        .map(|c| c.id)
        .collect();
    assert_eq!(both, BTreeSet::from([opened.id, follow.id]));
    assert!(world.store.work.case_context(world.scope, world.id()).await.unwrap().is_none());
}

fn ticket_facts(assignee: Option<Sealed>) -> TicketFacts {
    TicketFacts {
        tried_at: Some(at(3)),
        context: Some("digest".into()),
        looked_at: Some(at(5)),
        replies: 2,
        notes: 1,
        agent_at: Some(at(4)),
        assignee,
        team: Some("Shipments".into()),
        severity: Some(Severity::Critical),
        closed_by_rule: "close-late".parse().ok(),
    }
}

pub async fn what_a_poll_sees_of_cases(store: Store) {
    let world = World::new(store).await;
    let shipment = world.import(world.order(1, &[]), 1).await;
    let reasons = [ExceptionReason::Damaged, ExceptionReason::Late, ExceptionReason::Silence, ExceptionReason::Lost];
    let ids = world.trouble(shipment, &reasons, 5).await;
    let work = &world.store.work;
    let numbers = ["1", "2", "3", "4"];
    let statuses = [CaseStatus::Open, CaseStatus::Hidden, CaseStatus::Deleted, CaseStatus::Rejected];
    let (ada, _) = world.sealed(b"ada, sealed");
    let named = |status| (status != CaseStatus::Hidden).then(|| ada.clone());
    let mut cases = Vec::new();
    for ((id, number), status) in ids.iter().zip(numbers).zip(statuses) {
        let made = CaseRecord {
            number: Some(number.into()),
            external_key: number.into(),
            status,
            closed_by: (status != CaseStatus::Open).then(|| Agent { name: named(status) }),
            follows: Some("9".into()),
            ticket: ticket_facts(named(status)),
            ..case(&world, *id, shipment, 6)
        };
        work.put_case(world.scope, made.clone(), Vec::new()).await.unwrap();
        cases.push(CaseRecord { revision: 1, ..made });
    }
    let by_number = async |wanted: &[&str]| {
        let wanted = wanted.iter().map(|n| (*n).to_owned()).collect();
        let mut found = work.cases_by_number(world.scope, "rt".into(), wanted).await.unwrap();
        found.sort_by_key(|case| case.number.clone());
        found
    };
    assert_eq!(by_number(&["1", "2", "3", "4", "77"]).await, cases);
    assert!(work.cases_by_number(world.scope, "other".into(), vec!["1".into()]).await.unwrap().is_empty());
    let to_poll = async |limit| {
        let found = work.cases_to_poll(world.scope, "rt".into(), limit).await.unwrap();
        found.into_iter().map(|case| case.id).collect::<Vec<_>>()
    };
    assert_eq!(to_poll(9).await.len(), 2, "at work, or out of sight");
    // a polled case goes behind the others
    let first = to_poll(1).await[0];
    work.polled(world.scope, vec![(first, None)], at(7), Vec::new()).await.unwrap();
    assert_ne!(to_poll(1).await[0], first);
    assert_eq!(to_poll(9).await.last(), Some(&first));

    let job = world.job(JobKind::SYNC_CASE, shipment, 8);
    work.polled(world.scope, vec![(cases[0].id, Some(CaseStatus::Resolved))], at(8), vec![job]).await.unwrap();
    let seen = by_number(&["1"]).await.remove(0);
    assert_eq!((seen.seen, seen.revision, seen.is_to_be_looked_at()), (Some(CaseStatus::Resolved), 2, true));
    assert_eq!(world.drain(Lane::RealTime, JobKind::SYNC_CASE).await.len(), 1);
    assert!(work.put_case(world.scope, cases[0].clone(), Vec::new()).await.is_err(), "a poll saw something meanwhile");

    let audit =
        || AuditEntry { after: Some(ada.clone()), ..world.audit("case.resolved", format!("exception:{}", ids[0]), 9) };
    let moved = CaseRecord {
        status: CaseStatus::Resolved,
        closed_by: Some(Agent { name: Some(ada.clone()) }),
        resolved_at: Some(at(9)),
        seen: None,
        ..seen.clone()
    };
    let fold = || vec![world.job(JobKind::FOLD, shipment, 9)];
    world.drain(Lane::Batch, JobKind::FOLD).await;
    work.move_case(world.scope, moved.clone(), Some(ExceptionAction::Resolve), audit(), fold()).await.unwrap();
    let late = work.move_case(world.scope, moved.clone(), Some(ExceptionAction::Resolve), audit(), fold()).await;
    assert!(late.is_err(), "all of it or nothing");
    let loaded = world.store.shipments.load(world.scope, shipment, None).await.unwrap().unwrap();
    assert_eq!(loaded.input.decisions.len(), 1);
    let lines = world.store.people.audit_of(world.scope, shipment).await.unwrap();
    assert_eq!(lines.iter().map(|(line, _)| line.entry.after.as_ref()).collect::<Vec<_>>(), [Some(&ada)]);
    assert_eq!(world.drain(Lane::RealTime, JobKind::FOLD).await.len(), 1);
    cases[0] = CaseRecord { revision: 3, ..moved };
    assert_eq!(by_number(&["1"]).await, cases[..1]);
    let mut loaded = loaded.cases;
    loaded.sort_by_key(|case| case.number.clone());
    assert_eq!(loaded, cases, "a shipment's cases are the same, names and all");

    // of several episodes in one ticket the newest speaks
    change(&world, shipment, vec![ExceptionChange::Close { id: ids[0], at: None, resolution: Resolution::Person }], 10)
        .await;
    let again = world.trouble(shipment, &[ExceptionReason::Damaged], 11).await[0];
    let newest = CaseRecord { id: world.id(), exception: again, revision: 0, ..by_number(&["1"]).await.remove(0) };
    work.put_case(world.scope, newest.clone(), Vec::new()).await.unwrap();
    assert_eq!(by_number(&["1"]).await.iter().map(|case| case.id).collect::<Vec<_>>(), [newest.id]);
}

pub async fn a_report_of_a_desk_is_taken_once(store: Store) {
    let world = World::new(store).await;
    let shipment = world.import(world.order(1, &[]), 1).await;
    let exception = world.trouble(shipment, &[ExceptionReason::Damaged], 5).await[0];
    let work = &world.store.work;
    let opened =
        CaseRecord { number: Some("1".into()), status: CaseStatus::Open, ..case(&world, exception, shipment, 6) };
    work.put_case(world.scope, opened.clone(), Vec::new()).await.unwrap();
    let take = async |desk: &str, delivery: Option<&str>, minutes| {
        let seen = vec![(opened.id, CaseStatus::Open)];
        let report = DeskReport { desk: desk.into(), delivery: delivery.map(str::to_owned), seen };
        let job = world.job(JobKind::SYNC_CASE, shipment, minutes);
        let new = work.take_report(world.scope, report, at(minutes), vec![job]).await.unwrap();
        (new, world.drain(Lane::RealTime, JobKind::SYNC_CASE).await.len())
    };
    let week = 7 * 24 * 60;
    for (desk, delivery, minutes, expected) in [
        ("rt", Some("a"), 7, (true, 1)),
        ("rt", Some("a"), 8, (false, 0)),
        ("rt", Some("b"), 9, (true, 1)),
        ("other", Some("a"), 10, (true, 1)),
        ("rt", None, 11, (true, 1)),
        ("rt", None, 12, (true, 1)),
        ("rt", Some("a"), 7 + week, (false, 0)),
        ("rt", Some("a"), 8 + week, (true, 1)),
    ] {
        assert_eq!(take(desk, delivery, minutes).await, expected, "{desk} {delivery:?} at {minutes}");
    }
    let looked_at = work.cases_by_number(world.scope, "rt".into(), vec!["1".into()]).await.unwrap();
    assert!(looked_at[0].is_to_be_looked_at());
}

pub async fn figures_add_up(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    world.say(source, Said::of("STRAY", &["A"], 1)).await;
    let utc = TimeZone::UTC;
    let empty = world.store.work.figures(world.scope, at(1), &utc).await.unwrap();
    assert_eq!((empty.open, empty.days.len(), empty.ageing.len()), (0, 14, AGES.len()));
    let day = 60 * 24;
    let mut made = Vec::new();
    for (record, state, event) in
        [(1, State::InTransit, 2 * day), (2, State::InTransit, 5), (3, State::Delivered, 2 * day)]
    {
        let shipment = world
            .import(world.order(record, &[["NUM1", "NUM2", "NUM3"][usize::try_from(record).unwrap() - 1], "SHARED"]), 1)
            .await;
        let mut folded = world.folded(state);
        // all of them were heard of lately
        folded.heard_at = Some(at(2 * day));
        folded.delivered_at = (state == State::Delivered).then(|| EventTime::instant("", at(day), Precision::Second));
        let mut commit = world.commit(shipment, 0, folded, day);
        commit.last_event = Some(event_at(event));
        world.store.shipments.commit(world.scope, commit).await.unwrap();
        made.push(shipment);
    }
    let healing = world.trouble(made[0], &[ExceptionReason::Damaged, ExceptionReason::Late], day).await[0];
    let opened = CaseRecord {
        status: CaseStatus::Resolved,
        resolved_at: Some(at(day + 5)),
        ..case(&world, healing, made[0], day)
    };
    world.store.work.put_case(world.scope, opened.clone(), Vec::new()).await.unwrap();
    let mut commit = world.commit(made[0], 2, world.folded(State::InTransit), day + 5);
    (commit.folded.heard_at, commit.last_event) = (Some(at(2 * day)), Some(event_at(2 * day)));
    commit.exceptions = vec![ExceptionChange::Close { id: healing, at: None, resolution: Resolution::Progress }];
    world.store.shipments.commit(world.scope, commit).await.unwrap();
    let failed = world.job(JobKind::SYNC_ORDER, made[0], day);
    world.enqueue(&failed).await;
    world.claim("a", &[JobKind::SYNC_ORDER], at(day)).await;
    world
        .store
        .jobs
        .finish("a", failed.id, Finish::Dead { error: text("e"), class: "c".into() }, at(day))
        .await
        .unwrap();

    let now = at(2 * day + 6 * 60);
    let figures = world.store.work.figures(world.scope, now, &utc).await.unwrap();
    assert_eq!((figures.open, figures.current, figures.received), (2, 1, 2), "what is current goes by the event");
    assert_eq!(figures.by_state, [(State::InTransit, 2), (State::Delivered, 1)]);
    assert_eq!((figures.exceptions, figures.overdue, figures.snoozed), (1, 0, 0));
    assert_eq!(figures.ageing.iter().map(|age| age.within).collect::<Vec<_>>(), [0, 0, 0, 1, 0, 0], "30 hours old");
    assert_eq!((figures.dead_jobs, figures.long_retrying), (1, 0));
    assert_eq!((figures.exceptions_7d, figures.cases_7d, figures.cases_self_healed_7d), (2, 1, 1));
    let by_agent = CaseRecord { closed_by: Some(Agent { name: None }), revision: 1, ..opened };
    world.store.work.put_case(world.scope, by_agent, Vec::new()).await.unwrap();
    let by_agent = world.store.work.figures(world.scope, now, &utc).await.unwrap();
    assert_eq!(by_agent.cases_self_healed_7d, 0, "an agent closed it");
    let dhl = CarrierFigures { carrier: "DHL".into(), shipments: 3, open: 2, current: 1, exceptions: 1, delivered: 1 };
    assert_eq!(figures.carriers, [dhl]);
    assert_eq!((figures.days[12].0.to_string(), figures.days[12].1), ("2026-03-02".into(), 1));
    // eight in the morning in UTC is the evening before in Honolulu
    let honolulu = TimeZone::get("Pacific/Honolulu").unwrap();
    let there = world.store.work.figures(world.scope, now, &honolulu).await.unwrap();
    assert_eq!((there.days[12].0.to_string(), there.days[12].1), ("2026-03-02".into(), 0));
    assert_eq!((there.days[11].0.to_string(), there.days[11].1), ("2026-03-01".into(), 1));
    let late = world.store.work.figures(world.scope, at(30 * day), &utc).await.unwrap();
    assert_eq!((late.exceptions_7d, late.exceptions, late.overdue, late.current), (0, 1, 1, 0));
}

fn event_at(minutes: i64) -> LastEvent {
    LastEvent {
        milestone: Milestone::InTransit,
        exception: None,
        code: None,
        place: None,
        place_in_parts: true,
        at: Some(at(minutes)),
        time: None,
    }
}
