//! Every kind of alert is provoked: it fires once, and once its cause is gone it resolves once. What other areas raise is provoked
//! there for real as well (rules, claims).

use super::Watched;
use crate::world::World;
use application::{
    alerts::{self, Count, Raised, RuleChange, backups},
    clock::{Clock as _, ManualClock},
    connections,
    machine::{Machine, Room},
    tracking::mappings,
};
use domain::{
    alerts::AlertKind,
    ids::{CorrelationId, JobId, ReconciliationId},
    observation::ProviderCode,
};
use futures::{FutureExt as _, future::BoxFuture};
use jiff::{SignedDuration, Span, Timestamp};
use outbound::check::Report;
use simulator::faults::Fault;
use std::{
    io,
    path::Path,
    sync::{Arc, Mutex},
};
use storage::{
    Store,
    alerts::Engine,
    connections::ConnectionRecord,
    destinations::Health,
    jobs::{Cause, ClaimRequest, Finish, JobKind, JobSelection, Lane, NewJob, Wanted},
    reconciliations::{Counts, Look, NewRun, Step},
};

/// A machine that says what the test sets.
pub(super) struct SetMachine {
    clock: Arc<ManualClock>,
    said: Mutex<Said>,
}

#[derive(Clone, Copy)]
struct Said {
    free_percent: u64,
    database_gb: u64,
    /// By how much the database's clock is ahead.
    ahead: SignedDuration,
}

impl SetMachine {
    pub(super) fn new(clock: Arc<ManualClock>) -> Self {
        let said = Said { free_percent: 50, database_gb: 1, ahead: SignedDuration::ZERO };
        Self { clock, said: Mutex::new(said) }
    }

    fn said(&self) -> Said {
        *self.said.lock().unwrap()
    }

    fn set(&self, change: impl FnOnce(&mut Said)) {
        change(&mut self.said.lock().unwrap());
    }
}

impl Machine for SetMachine {
    fn room<'a>(&'a self, _: &'a Path) -> BoxFuture<'a, io::Result<Room>> {
        let room = Room { free_bytes: self.said().free_percent, all_bytes: 100 };
        async move { Ok(room) }.boxed()
    }

    fn engine<'a>(&'a self, _: &'a Store) -> BoxFuture<'a, storage::Result<Engine>> {
        let Said { database_gb, ahead, .. } = self.said();
        let engine = Engine { bytes: database_gb * 1_000_000_000, clock: Some(self.clock.now() + ahead) };
        async move { Ok(engine) }.boxed()
    }
}

#[tokio::test]
async fn every_kind_fires_once_and_resolves_once() {
    for kind in AlertKind::ALL {
        let watched = Watched::new().await;
        watched.world.leaves_jobs();
        watched.channel("slack", "slack", &[("severity", "minor")]).await;
        provoke(&watched, *kind).await;
        watched.fires_and_resolves(*kind, async |watched: &Watched| mend(watched, *kind).await).await;
    }
}

async fn provoke(watched: &Watched, kind: AlertKind) {
    match kind {
        AlertKind::ConnectionSuspended => watched.suspend("aftership", true).await,
        AlertKind::RateLimited => limit(watched).await,
        AlertKind::SourceSilent => write_hourly(watched).await,
        AlertKind::ErrorRate => fail_often(watched).await,
        AlertKind::QueueOld => enqueue(watched, 1, SignedDuration::from_mins(11)).await,
        AlertKind::Backlog => {
            threshold(watched, kind, 10).await;
            enqueue(watched, 11, SignedDuration::ZERO).await;
        }
        AlertKind::DeadLetters => {
            enqueue(watched, 1, SignedDuration::ZERO).await;
            let error = watched.world.context.texts.seal(application::texts::Slot::Error, "refused");
            finish(watched, Finish::Dead { error, class: "rejected".into() }).await;
        }
        AlertKind::UnmappedCodes => {
            threshold(watched, kind, 1).await;
            watched.world.order(1, &["N1"]).await;
            watched.world.receives("N1", &[("InTransit_777", "2026-03-05T09:00:00")]).await;
        }
        AlertKind::SecretExpires => {
            let ends = watched.world.context.now() + SignedDuration::from_hours(9 * 24);
            tested(watched, Some(ends), None).await;
        }
        AlertKind::ConnectionUnusable => {
            watched.channel("mattermost", "mattermost", &[]).await;
            settings(watched, |settings| format!("!{settings}")).await;
        }
        AlertKind::DiskSpace => watched.machine.set(|said| said.free_percent = 5),
        AlertKind::DatabaseSize => watched.machine.set(|said| said.database_gb = 60),
        AlertKind::ClockOff => watched.machine.set(|said| said.ahead = SignedDuration::from_secs(90)),
        AlertKind::BackupFailed => {
            backups::failed(&watched.world.context, watched.world.context.scope()).await.unwrap();
        }
        AlertKind::AgreementLow => {
            compare(watched, 100).await;
            watched.world.clock.advance(Span::new().minutes(30));
            compare(watched, 100).await;
        }
        AlertKind::HeldAtHub => {
            threshold(watched, kind, 2).await;
            publish(watched, "InTransit_778", "INFO|HOLD_CARRIER").await;
            for (n, number) in [(1, "N1"), (2, "N2")] {
                watched.world.order(n, &[number]).await;
                watched.world.receives(number, &[("InTransit_778", "2026-03-05T09:00:00")]).await;
            }
        }
        AlertKind::RuleStopped | AlertKind::RuleAlert | AlertKind::ClaimDeadline => {
            raise(watched, kind, "x", &[]).await
        }
        AlertKind::ChannelFailed => {
            watched.channel("mattermost", "mattermost", &[]).await;
            watched.hooks.fail("mattermost", &Fault::Refused, 1);
            raise(watched, AlertKind::RuleAlert, "first", &["mattermost"]).await;
        }
    }
}

async fn mend(watched: &Watched, kind: AlertKind) {
    let (context, scope) = (&watched.world.context, watched.world.context.scope());
    match kind {
        AlertKind::ConnectionSuspended | AlertKind::RateLimited => watched.suspend("aftership", false).await,
        AlertKind::SourceSilent => {
            context.connections.count("aftership", None, context.now());
            connections::flush(context).await.unwrap();
        }
        AlertKind::ErrorRate => watched.world.clock.advance(Span::new().hours(3)),
        AlertKind::QueueOld | AlertKind::Backlog => finish(watched, Finish::Done).await,
        AlertKind::DeadLetters => {
            let audit = context.audit("job.retry", "jobs");
            context.store.jobs.retry(scope, JobSelection::default(), context.now(), audit).await.unwrap();
            finish(watched, Finish::Done).await;
        }
        AlertKind::UnmappedCodes => publish(watched, "InTransit_777", "IN_TRANSIT").await,
        AlertKind::SecretExpires => tested(watched, None, None).await,
        AlertKind::ConnectionUnusable => {
            settings(watched, |settings| settings.trim_start_matches('!').to_owned()).await
        }
        AlertKind::DiskSpace => watched.machine.set(|said| said.free_percent = 50),
        AlertKind::DatabaseSize => watched.machine.set(|said| said.database_gb = 1),
        AlertKind::ClockOff => watched.machine.set(|said| said.ahead = SignedDuration::ZERO),
        AlertKind::BackupFailed => backups::finished(context, scope).await.unwrap(),
        AlertKind::AgreementLow => compare(watched, 0).await,
        AlertKind::HeldAtHub => {
            let goes_on = [("InTransit_778", "2026-03-05T09:00:00"), ("InTransit_007", "2026-03-05T10:00:00")];
            for number in ["N1", "N2"] {
                watched.world.receives(number, &goes_on).await;
            }
        }
        AlertKind::RuleStopped | AlertKind::RuleAlert | AlertKind::ClaimDeadline => {
            alerts::clear(context, scope, kind, "x").await.unwrap();
        }
        AlertKind::ChannelFailed => {
            raise(watched, AlertKind::RuleAlert, "second", &["mattermost"]).await;
            watched.world.work(Lane::RealTime).await;
        }
    }
}

async fn threshold(watched: &Watched, kind: AlertKind, number: u32) {
    let change = RuleChange { threshold: Some(number), on: None };
    alerts::set_rule(&watched.world.context, &watched.caller(), kind, change).await.unwrap();
}

/// The platform limits the rate for six minutes by now.
async fn limit(watched: &Watched) {
    let (context, now) = (&watched.world.context, watched.world.context.now());
    let limited = Health {
        limited_until: Some(now + SignedDuration::from_mins(1)),
        limited_since: Some(now - SignedDuration::from_mins(6)),
        ..Health::default()
    };
    let set = context.store.destinations.set_health(context.scope(), "aftership", Health::default(), limited).await;
    assert!(set.unwrap());
}

/// A message each hour for two days, then none.
async fn write_hourly(watched: &Watched) {
    let (context, now) = (&watched.world.context, watched.world.context.now());
    for hour in 0..48 {
        context.connections.count("aftership", None, now - SignedDuration::from_hours(48 - hour));
    }
    connections::flush(context).await.unwrap();
    watched.world.clock.advance(Span::new().hours(4));
}

/// A third of the messages of this hour cannot be verified.
async fn fail_often(watched: &Watched) {
    let (context, now) = (&watched.world.context, watched.world.context.now());
    for n in 0..30 {
        context.connections.count("aftership", (n % 3 == 0).then_some("unauthorized"), now);
    }
    connections::flush(context).await.unwrap();
}

fn job(world: &World, run_at: Timestamp) -> NewJob {
    let id = world.context.clock.id();
    NewJob {
        id: JobId(id),
        kind: JobKind::READ_ORDER,
        target: id.to_string(),
        destination: None,
        lane: Lane::Batch,
        cause: Cause::Live,
        run_at,
        correlation: CorrelationId(id),
        shipment: None,
    }
}

/// Jobs that are due since then.
async fn enqueue(watched: &Watched, number: usize, since: SignedDuration) {
    let context = &watched.world.context;
    let jobs = (0..number).map(|_| job(&watched.world, context.now() - since)).collect();
    context.store.jobs.enqueue(context.scope(), jobs).await.unwrap();
}

/// Leases all of them and ends them so.
async fn finish(watched: &Watched, how: Finish) {
    let (jobs, now) = (&watched.world.context.store.jobs, watched.world.context.now());
    let request = ClaimRequest {
        owner: "tests".into(),
        lane: Lane::Batch,
        now,
        until: now + SignedDuration::from_mins(1),
        wanted: vec![Wanted { kind: JobKind::READ_ORDER, destination: None, at_most: 50 }],
        held: Vec::new(),
    };
    let leased = jobs.claim(request).await.unwrap();
    assert!(!leased.is_empty());
    for one in leased {
        jobs.finish("tests", one.job.id, how.clone(), now).await.unwrap();
    }
}

async fn publish(watched: &Watched, code: &str, meaning: &str) {
    let change = mappings::Change {
        code: ProviderCode::new("aftership.subtag", code),
        meaning: Some(meaning.into()),
        why: "their letter of 2 March".into(),
    };
    mappings::publish(&watched.world.context, &watched.caller(), change).await.unwrap();
    watched.world.settle().await;
}

/// What the newest test of a connection found.
async fn tested(watched: &Watched, secret_ends: Option<Timestamp>, clock_apart_s: Option<i64>) {
    let context = &watched.world.context;
    let (_, record, _) = context.store.connections.by_name("aftership").await.unwrap().unwrap();
    let report = Report { at: context.now(), system: None, secret_ends, clock_apart_s, checks: Vec::new() };
    let (report, audit) = (serde_json::to_string(&report).unwrap(), context.audit("connection.test", "connection:x"));
    context.store.connections.tested(context.scope(), record.id, record.version, report, audit).await.unwrap();
}

/// Another version of Milepost wrote the settings of a connection.
async fn settings(watched: &Watched, written: impl Fn(&str) -> String) {
    let context = &watched.world.context;
    let (_, record, _) = context.store.connections.by_name("mattermost").await.unwrap().unwrap();
    let changed = ConnectionRecord { settings: written(&record.settings), ..record };
    context.store.connections.put(context.scope(), changed, None, context.audit("test", "connection")).await.unwrap();
    connections::refresh(context).await.unwrap();
}

/// A comparison of a thousand shipments.
async fn compare(watched: &Watched, differing: u64) {
    let (context, scope) = (&watched.world.context, watched.world.context.scope());
    let (id, at) = (ReconciliationId(context.clock.id()), context.now());
    let new = NewRun { id, since: at, dry_run: true, total: 1_000, cursor: "x".into(), at };
    assert!(context.store.reconciliations.begin(scope, new, Vec::new(), None).await.unwrap());
    let counts = Counts { compared: 1_000, differing, ..Counts::default() };
    let step = Step { from: "x".into(), to: None, look: Look::default(), counts, jobs: Vec::new(), at };
    context.store.reconciliations.step(scope, id, step).await.unwrap();
}

/// As another area does.
async fn raise(watched: &Watched, kind: AlertKind, subject: &str, channels: &[&str]) {
    let raised = Raised {
        kind,
        subject: subject.into(),
        severity: None,
        title: format!("{} {subject}", kind.label()),
        detail: "why".into(),
        count: Count::Total(1),
        unit: "shipments".into(),
        link: "/alerts".into(),
        channels: channels.iter().map(|&channel| channel.to_owned()).collect(),
    };
    alerts::raise(&watched.world.context, watched.world.context.scope(), raised).await.unwrap();
}

#[tokio::test]
async fn a_clock_of_another_system_is_off_as_its_test_found_it() {
    let watched = Watched::with_slack().await;
    tested(&watched, None, Some(-90)).await;
    watched.look().await;
    let (alerts, scope) = (&watched.world.context.store.alerts, watched.world.context.scope());
    let off = alerts.open_of(scope, AlertKind::ClockOff, "aftership").await.unwrap().unwrap();
    assert!(off.detail.contains("90 s"), "{off:?}");
    tested(&watched, None, Some(1)).await;
    watched.pass(1).await;
    watched.pass(11).await;
    assert!(alerts.open_of(scope, AlertKind::ClockOff, "aftership").await.unwrap().is_none());
}

/// What another area raises while its kind is off makes no alert, and what is open then ends.
#[tokio::test]
async fn what_is_switched_off_is_not_raised_by_other_areas_either() {
    for kind in [AlertKind::RuleAlert, AlertKind::RuleStopped, AlertKind::ClaimDeadline, AlertKind::ChannelFailed] {
        let watched = Watched::with_slack().await;
        let switch = async |on| {
            let change = RuleChange { on: Some(on), threshold: None };
            alerts::set_rule(&watched.world.context, &watched.caller(), kind, change).await.unwrap();
        };
        switch(false).await;
        raise(&watched, kind, "x", &[]).await;
        watched.look().await;
        assert!(watched.open(kind).await.is_none() && watched.said("slack").is_empty(), "{kind:?}");
        switch(true).await;
        raise(&watched, kind, "x", &[]).await;
        assert!(watched.open(kind).await.is_some(), "{kind:?}");
        switch(false).await;
        watched.look().await;
        watched.pass(11).await;
        assert!(watched.open(kind).await.is_none(), "{kind:?}");
    }
}
