//! Operational alerts.

use super::{World, at};
use crate::{
    Actor, Store,
    alerts::{AlertChange, AlertEvent, AlertRecord, EventKind, KEPT, NewNotice, NoticeState, Resolved},
    jobs::{Cause, JobKind, Lane, NewJob},
};
use domain::{
    Severity,
    alerts::{
        AlertKind,
        machine::{Notice, Standing},
    },
    ids::{AlertId, CorrelationId, JobId, NoticeId},
};
use jiff::Timestamp;
use uuid::Uuid;

fn alert(n: u128, kind: AlertKind, subject: &str, severity: Severity, opened: Timestamp) -> AlertRecord {
    AlertRecord {
        id: AlertId(Uuid::from_u128(n)),
        kind,
        subject: subject.into(),
        standing: Standing {
            severity,
            affects: 61,
            opened_at: opened,
            seen_at: opened,
            clear_since: None,
            escalated: 0,
            raised_at: opened,
            acknowledged_at: None,
            snoozed_until: None,
        },
        title: "Warehouse\0 TV is suspended".into(),
        detail: "It does not answer.".into(),
        unit: "updates".into(),
        link: "/connections/odoo".into(),
        channels: vec!["slack".into()],
        owner: None,
        acknowledged_by: None,
        snoozed: None,
        resolved: None,
        notices: 0,
        revision: 0,
    }
}

fn opening(alert: AlertRecord, notices: &[u128]) -> AlertChange {
    let at = alert.standing.opened_at;
    let new = |n: &u128| NewNotice {
        id: NoticeId(Uuid::from_u128(*n)),
        notice: Notice::Opened,
        channel: format!("channel-{n}"),
        due_at: at,
    };
    AlertChange {
        expected: None,
        after: alert,
        events: vec![AlertEvent { at, what: EventKind::Opened, by: Actor::System, detail: "61 updates".into() }],
        notices: notices.iter().map(new).collect(),
        drops_waiting: false,
        jobs: notices.iter().map(|n| job(*n, at)).collect(),
        audit: None,
        at,
    }
}

fn job(n: u128, at: Timestamp) -> NewJob {
    NewJob {
        id: JobId(Uuid::from_u128(n)),
        kind: JobKind::SEND_ALERT,
        target: format!("notice {n}"),
        destination: Some(format!("channel-{n}")),
        lane: Lane::RealTime,
        cause: Cause::Live,
        run_at: at,
        correlation: CorrelationId(Uuid::from_u128(n)),
        shipment: None,
    }
}

fn ending(before: AlertRecord, at: Timestamp) -> AlertChange {
    let expected = Some(before.revision);
    let by = Actor::Operator;
    let after = AlertRecord { resolved: Some(Resolved { at, by, why: "restarted".into() }), ..before };
    AlertChange {
        expected,
        events: vec![AlertEvent { at, what: EventKind::Resolved, by, detail: String::new() }],
        drops_waiting: true,
        notices: Vec::new(),
        jobs: Vec::new(),
        audit: None,
        after,
        at,
    }
}

pub async fn of_one_kind_and_subject_one_is_open(store: Store) {
    let world = World::new(store).await;
    let (alerts, scope) = (&world.store.alerts, world.scope);
    let suspended = |n| alert(n, AlertKind::ConnectionSuspended, "odoo", Severity::Critical, at(10));
    assert!(alerts.change(scope, opening(suspended(1), &[101])).await.unwrap());
    assert!(!alerts.change(scope, opening(suspended(2), &[102])).await.unwrap(), "it is open already");
    assert_eq!(alerts.notice(scope, NoticeId(Uuid::from_u128(102))).await.unwrap(), None);
    let open = alerts.open_of(scope, AlertKind::ConnectionSuspended, "odoo").await.unwrap().unwrap();
    assert_eq!((open.id, open.revision, open.notices), (AlertId(Uuid::from_u128(1)), 1, 1));
    assert_eq!(open.title, "Warehouse\u{fffd} TV is suspended");
    assert_eq!(alerts.one(scope, open.id).await.unwrap().as_ref(), Some(&open));
    assert!(alerts.change(scope, ending(open, at(20))).await.unwrap());
    assert_eq!(alerts.open_of(scope, AlertKind::ConnectionSuspended, "odoo").await.unwrap(), None);
    assert!(alerts.change(scope, opening(suspended(3), &[])).await.unwrap(), "the other one ended");
    let ended = alerts.resolved(scope, at(20)).await.unwrap();
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0].resolved, Some(Resolved { at: at(20), by: Actor::Operator, why: "restarted".into() }));
    assert!(alerts.resolved(scope, at(21)).await.unwrap().is_empty());
    assert_eq!(alerts.fired(scope, at(10)).await.unwrap(), [(AlertKind::ConnectionSuspended, 2)]);
    let other = crate::Scope { company: world.id(), ..scope };
    assert!(alerts.open(other).await.unwrap().is_empty() && alerts.resolved(other, at(0)).await.unwrap().is_empty());
}

pub async fn a_change_is_made_to_what_was_read(store: Store) {
    let world = World::new(store).await;
    let (alerts, scope) = (&world.store.alerts, world.scope);
    let new = alert(1, AlertKind::Backlog, "batch", Severity::Major, at(10));
    assert!(alerts.change(scope, opening(new, &[])).await.unwrap());
    let read = alerts.open(scope).await.unwrap().remove(0);
    let mut seen = read.clone();
    seen.standing.acknowledged_at = Some(at(12));
    seen.acknowledged_by = Some(Actor::Operator);
    let change = |after: AlertRecord, n| AlertChange {
        expected: Some(n),
        events: vec![AlertEvent {
            at: at(12),
            what: EventKind::Acknowledged,
            by: Actor::Operator,
            detail: String::new(),
        }],
        drops_waiting: false,
        ..ending(after, at(12))
    };
    let mut acknowledged = change(seen.clone(), read.revision);
    acknowledged.after.resolved = None;
    assert!(alerts.change(scope, acknowledged.clone()).await.unwrap());
    assert!(!alerts.change(scope, acknowledged).await.unwrap(), "somebody else was faster");
    let now = alerts.one(scope, read.id).await.unwrap().unwrap();
    assert_eq!((now.revision, now.standing, now.acknowledged_by), (2, seen.standing, seen.acknowledged_by));
    let history = alerts.events(scope, vec![read.id]).await.unwrap();
    let kinds: Vec<_> = history.iter().map(|(_, event)| event.what).collect();
    assert_eq!(kinds, [EventKind::Acknowledged, EventKind::Opened]);
}

pub async fn a_notice_moves_on_once_and_is_dropped_when_it_is_not_true_any_more(store: Store) {
    let world = World::new(store).await;
    let (alerts, scope) = (&world.store.alerts, world.scope);
    let new = alert(1, AlertKind::Backlog, "batch", Severity::Major, at(10));
    assert!(alerts.change(scope, opening(new, &[101, 102])).await.unwrap());
    let [first, second] = [101, 102].map(|n| NoticeId(Uuid::from_u128(n)));
    let moved = async |from, to| alerts.notice_moved(scope, first, from, to, at(11)).await.unwrap();
    assert!(moved(NoticeState::Waiting, NoticeState::Sending).await);
    assert!(!moved(NoticeState::Waiting, NoticeState::Sending).await, "another one sends it");
    assert!(moved(NoticeState::Sending, NoticeState::Sent).await);
    let open = alerts.open(scope).await.unwrap().remove(0);
    assert!(alerts.change(scope, ending(open.clone(), at(20))).await.unwrap());
    let notices = alerts.notices(scope, vec![open.id]).await.unwrap();
    let states: Vec<_> = notices.iter().map(|notice| (notice.id, notice.state, notice.ended_at)).collect();
    assert_eq!(states, [(first, NoticeState::Sent, Some(at(11))), (second, NoticeState::Dropped, Some(at(20)))]);
}

pub async fn those_that_are_open_are_listed_by_severity_and_counted(store: Store) {
    let world = World::new(store).await;
    let (alerts, scope) = (&world.store.alerts, world.scope);
    let mut acknowledged = alert(3, AlertKind::DiskSpace, "data", Severity::Critical, at(12));
    acknowledged.standing.acknowledged_at = Some(at(13));
    let mut snoozed = alert(4, AlertKind::UnmappedCodes, "dhl/77", Severity::Minor, at(13));
    snoozed.standing.snoozed_until = Some(at(100));
    snoozed.snoozed = Some((Actor::Operator, "known".into()));
    for one in [
        alert(1, AlertKind::Backlog, "batch", Severity::Major, at(10)),
        alert(2, AlertKind::Backlog, "real-time", Severity::Major, at(11)),
        acknowledged,
        snoozed.clone(),
    ] {
        assert!(alerts.change(scope, opening(one, &[])).await.unwrap());
    }
    let open: Vec<_> = alerts.open(scope).await.unwrap().iter().map(|alert| alert.id.0.as_u128()).collect();
    assert_eq!(open, [3, 2, 1, 4]);
    let counts = async |now| {
        let counts = alerts.counts(scope, now).await.unwrap();
        (counts.unacknowledged, counts.acknowledged, counts.snoozed)
    };
    assert_eq!(counts(at(50)).await, (2, 1, 1));
    assert_eq!(counts(at(100)).await, (3, 1, 0), "the snooze is over");
    let kept = alerts.one(scope, snoozed.id).await.unwrap().unwrap();
    assert_eq!(kept.snoozed, snoozed.snoozed);
}

pub async fn due_jobs_are_counted_by_lane_and_destination(store: Store) {
    let world = World::new(store).await;
    let scope = world.scope;
    let jobs =
        [(1, 10), (2, 20), (3, 90)].map(|(n, due)| NewJob { destination: Some("slack".into()), ..job(n, at(due)) });
    world.store.jobs.enqueue(scope, jobs.to_vec()).await.unwrap();
    let inside = NewJob { destination: None, lane: Lane::Batch, ..job(4, at(5)) };
    world.store.jobs.enqueue(scope, vec![inside]).await.unwrap();
    let mut due = world.store.alerts.due_jobs(scope, at(50)).await.unwrap();
    due.sort_by_key(|one| one.oldest);
    let shown: Vec<_> = due.iter().map(|one| (one.lane, one.destination.as_str(), one.number, one.oldest)).collect();
    assert_eq!(shown, [(Lane::Batch, crate::jobs::INSIDE, 1, at(5)), (Lane::RealTime, "slack", 2, at(10))]);
}

pub async fn what_ended_long_ago_goes(store: Store) {
    let world = World::new(store).await;
    let (alerts, scope) = (&world.store.alerts, world.scope);
    let old = alert(1, AlertKind::Backlog, "batch", Severity::Major, at(10));
    assert!(alerts.change(scope, opening(old, &[101])).await.unwrap());
    let open = alerts.open(scope).await.unwrap().remove(0);
    assert!(alerts.change(scope, ending(open, at(20))).await.unwrap());
    let later = at(21).checked_add(KEPT).unwrap();
    let new = alert(2, AlertKind::Backlog, "batch", Severity::Major, later);
    assert!(alerts.change(scope, opening(new, &[])).await.unwrap());
    assert_eq!(alerts.one(scope, AlertId(Uuid::from_u128(1))).await.unwrap(), None);
    assert_eq!(alerts.notice(scope, NoticeId(Uuid::from_u128(101))).await.unwrap(), None);
    assert_eq!(alerts.open(scope).await.unwrap().len(), 1);
}

pub async fn the_engine_says_its_size(store: Store) {
    let engine = store.alerts.engine().await.unwrap();
    assert!(engine.bytes > 10_000, "{engine:?}");
    assert!(store.alerts.held(World::new(store.clone()).await.scope).await.unwrap().is_empty());
}
