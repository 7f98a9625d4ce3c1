//! Saved reports, their mailings, annotations.

use super::{World, at};
use crate::{
    Actor, AuditEntry, Scope, Store,
    jobs::{Cause, Finish, JobKind, Lane, NewJob},
    reports::{
        AnnotationKind, AnnotationRecord, Format, Learning, Mailing, NewRun, RUNS_KEPT, ReportRecord, ReportRun,
        RunState, Sharing,
    },
};
use domain::ids::{AnnotationId, ReportId, ReportRunId};
use jiff::civil::Date;
use kpi::{
    definition::Kpi,
    report::{Content, Narrowed, Relative, Rhythm, Split},
};

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn annotation(world: &World, from: &str, to: &str) -> AnnotationRecord {
    AnnotationRecord {
        id: world.id(),
        kind: AnnotationKind::Strike,
        from: day(from),
        to: day(to),
        carrier: Some("gls".into()),
        text: "Depot strike, north".into(),
        learning: Learning::LeftOut,
        by: Actor::Operator,
        at: at(1),
    }
}

fn audit(world: &World, action: &'static str) -> AuditEntry {
    world.audit(action, "report:x", 1)
}

pub async fn annotations_are_read_by_their_days_and_removed(store: Store) {
    let world = World::new(store).await;
    let (reports, scope) = (&world.store.reports, world.scope);
    let strike = annotation(&world, "2026-03-02", "2026-03-04");
    let storm = AnnotationRecord {
        kind: AnnotationKind::Storm,
        carrier: None,
        learning: Learning::Learned,
        ..annotation(&world, "2026-03-10", "2026-03-10")
    };
    for new in [&strike, &storm] {
        reports.annotate(scope, new.clone(), audit(&world, "annotation.add")).await.unwrap();
    }
    let between = async |from, to| reports.annotations(scope, day(from), day(to)).await.unwrap();
    assert_eq!(between("2026-03-01", "2026-03-31").await, [storm.clone(), strike.clone()]);
    assert_eq!(between("2026-03-04", "2026-03-09").await, std::slice::from_ref(&strike));
    assert_eq!(between("2026-02-01", "2026-03-02").await, std::slice::from_ref(&strike));
    assert!(between("2026-03-05", "2026-03-09").await.is_empty());
    let remove = async |id| reports.remove_annotation(scope, id, audit(&world, "annotation.remove")).await.unwrap();
    assert!(remove(strike.id).await);
    assert!(!remove(strike.id).await);
    assert!(!remove(AnnotationId(world.id())).await);
    assert_eq!(between("2026-03-01", "2026-03-31").await, [storm]);
}

fn report(world: &World, name: &str) -> ReportRecord {
    let narrowed = Narrowed { carrier: Some("gls".into()), ..Narrowed::default() };
    ReportRecord {
        id: world.id(),
        owner: Some(world.id()),
        sharing: Sharing::Team,
        name: name.into(),
        content: Content {
            figures: vec![Kpi::OnTime, Kpi::TransitTime],
            period: Relative::LastWeek,
            narrowed,
            split: Some(Split::Country),
        },
        mailing: Some(Mailing {
            rhythm: Rhythm::Week { weekday: 1, hour: 7 },
            format: Format::Xlsx,
            to: world.sealed(b"duty@example.com").0,
            next_at: Some(at(60)),
        }),
        updated_at: at(1),
        revision: 0,
    }
}

async fn saved(world: &World, report: &ReportRecord) -> ReportRecord {
    let saved = world.store.reports.save(world.scope, report.clone(), audit(world, "report.save")).await.unwrap();
    assert!(saved, "{report:?}");
    ReportRecord { revision: report.revision + 1, ..report.clone() }
}

pub async fn a_report_is_saved_from_what_was_read(store: Store) {
    let world = World::new(store).await;
    let (reports, scope) = (&world.store.reports, world.scope);
    let weekly = saved(&world, &report(&world, "Weekly review")).await;
    let plain = ReportRecord { mailing: None, owner: None, sharing: Sharing::Private, ..report(&world, "Ad hoc") };
    let plain = saved(&world, &plain).await;
    assert_eq!(reports.all(scope).await.unwrap(), [plain.clone(), weekly.clone()]);
    assert_eq!(reports.report(scope, weekly.id).await.unwrap(), Some(weekly.clone()));

    let paused = Mailing { next_at: None, ..weekly.mailing.clone().unwrap() };
    let renamed = ReportRecord { name: "Monday review".into(), mailing: Some(paused), ..weekly.clone() };
    let renamed = saved(&world, &renamed).await;
    let late = reports.save(scope, weekly.clone(), audit(&world, "report.save")).await.unwrap();
    assert!(!late, "what another changed meanwhile is not overwritten");
    assert_eq!(reports.report(scope, weekly.id).await.unwrap(), Some(renamed));
    let again = reports.save(scope, ReportRecord { revision: 0, ..weekly }, audit(&world, "report.save")).await;
    assert!(!again.unwrap(), "an id is one report's");

    assert!(reports.remove(scope, plain.id, audit(&world, "report.remove")).await.unwrap());
    assert!(!reports.remove(scope, plain.id, audit(&world, "report.remove")).await.unwrap());
    assert_eq!(reports.report(scope, plain.id).await.unwrap(), None);
}

fn mailing(world: &World, report: &ReportRecord, minutes: i64) -> NewRun {
    let run = ReportRun {
        id: world.id(),
        report: report.id,
        due_at: at(minutes),
        state: RunState::Waiting,
        note: String::new(),
        at: at(minutes),
    };
    let job = NewJob {
        id: world.id(),
        kind: JobKind::SEND_REPORT,
        target: run.id.to_string(),
        destination: None,
        lane: Lane::RealTime,
        cause: Cause::Live,
        run_at: at(minutes),
        correlation: world.id(),
        shipment: None,
    };
    NewRun { run, job: Some(job) }
}

/// How many are there to be done; they are taken with that.
async fn jobs(world: &World) -> usize {
    let claimed = world.claim("one", &[JobKind::SEND_REPORT], at(100)).await;
    for job in &claimed {
        world.store.jobs.finish("one", job.job.id, Finish::Done, at(100)).await.unwrap();
    }
    claimed.len()
}

pub async fn of_two_who_begin_a_mailing_one_does(store: Store) {
    let world = World::new(store).await;
    let (reports, scope) = (&world.store.reports, world.scope);
    let one = saved(&world, &report(&world, "Weekly review")).await;
    assert!(reports.due(scope, at(59)).await.unwrap().is_empty());
    assert_eq!(reports.due(scope, at(60)).await.unwrap(), std::slice::from_ref(&one));
    let (first, second) = (mailing(&world, &one, 60), mailing(&world, &one, 60));
    assert!(reports.begin(scope, at(60), Some(at(600)), first.clone()).await.unwrap());
    assert!(!reports.begin(scope, at(60), Some(at(600)), second).await.unwrap());
    assert_eq!(reports.runs(scope, one.id).await.unwrap(), [first.run]);
    assert_eq!(jobs(&world).await, 1);
    assert!(reports.due(scope, at(599)).await.unwrap().is_empty());
    assert_eq!(reports.report(scope, one.id).await.unwrap().unwrap().mailing.unwrap().next_at, Some(at(600)));
    let by_hand = mailing(&world, &one, 61);
    let again = async || reports.send_now(scope, by_hand.clone(), audit(&world, "report.send")).await.unwrap();
    assert!(!again().await, "the first one is not sent yet");
    let first = reports.runs(scope, one.id).await.unwrap().remove(0);
    let sent = ReportRun { state: RunState::Sent, ..first };
    assert!(reports.run_moved(scope, RunState::Waiting, sent).await.unwrap());
    assert!(again().await);
    assert_eq!(reports.runs(scope, one.id).await.unwrap()[0], by_hand.run);
    assert_eq!(jobs(&world).await, 1);
}

pub async fn a_mailing_moves_on_once_and_the_newest_are_kept(store: Store) {
    let world = World::new(store).await;
    let (reports, scope) = (&world.store.reports, world.scope);
    let (one, other) = (saved(&world, &report(&world, "A")).await, saved(&world, &report(&world, "B")).await);
    for minutes in 0..i64::from(RUNS_KEPT) + 3 {
        let new = mailing(&world, &one, minutes);
        let (job, run) = (None, ReportRun { state: RunState::Failed, ..new.run });
        assert!(reports.send_now(scope, NewRun { run, job }, audit(&world, "report.send")).await.unwrap());
    }
    let kept = reports.runs(scope, one.id).await.unwrap();
    assert_eq!(kept.len(), RUNS_KEPT as usize);
    assert_eq!(kept[0].due_at, at(i64::from(RUNS_KEPT) + 2));
    assert!(reports.runs(scope, other.id).await.unwrap().is_empty());

    let sent = ReportRun { state: RunState::Sent, note: "3 recipients".into(), at: at(90), ..kept[0].clone() };
    assert!(reports.run_moved(scope, RunState::Failed, sent.clone()).await.unwrap());
    assert!(!reports.run_moved(scope, RunState::Failed, sent.clone()).await.unwrap());
    assert_eq!(reports.run(scope, sent.id).await.unwrap(), Some(sent.clone()));
    assert_eq!(reports.newest_runs(scope).await.unwrap(), std::slice::from_ref(&sent));
    assert!(reports.remove(scope, one.id, audit(&world, "report.remove")).await.unwrap());
    assert_eq!(reports.run(scope, sent.id).await.unwrap(), None);
    assert_eq!(reports.run(scope, ReportRunId(world.id())).await.unwrap(), None);
}

pub async fn reports_belong_to_their_company(store: Store) {
    let world = World::new(store).await;
    let (reports, scope) = (&world.store.reports, world.scope);
    let one = saved(&world, &report(&world, "Weekly review")).await;
    let new = mailing(&world, &one, 60);
    assert!(reports.send_now(scope, new.clone(), audit(&world, "report.send")).await.unwrap());
    let strike = annotation(&world, "2026-03-02", "2026-03-04");
    reports.annotate(scope, strike.clone(), audit(&world, "annotation.add")).await.unwrap();
    let other = Scope { company: world.id(), ..scope };
    assert!(reports.all(other).await.unwrap().is_empty());
    assert_eq!(reports.report(other, one.id).await.unwrap(), None);
    assert_eq!(reports.run(other, new.run.id).await.unwrap(), None);
    assert!(reports.runs(other, one.id).await.unwrap().is_empty());
    assert!(reports.newest_runs(other).await.unwrap().is_empty());
    assert!(reports.due(other, at(9_000)).await.unwrap().is_empty());
    assert!(reports.annotations(other, day("2026-01-01"), day("2026-12-31")).await.unwrap().is_empty());
    assert!(!reports.run_moved(other, RunState::Waiting, new.run.clone()).await.unwrap());
    assert_eq!(reports.report(scope, ReportId(world.id())).await.unwrap(), None);
    assert!(reports.report(scope, one.id).await.unwrap().is_some());
}
