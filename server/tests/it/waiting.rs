//! What waits while a connection is not in use, and goes on once it is again.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::{
    World,
    systems::{MANY, Systems},
};
use application::{
    caller::Caller,
    cases,
    clock::Clock,
    connections::{self, NewConnection, StateKind},
    context::Context,
    jobs::Runner,
};
use domain::ids::ShipmentId;
use server::config::Settings;
use simulator::{
    desk::SandboxDesk,
    faults::{Fault, Hold},
    odoo::{DATABASE, SandboxOdoo},
};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use storage::{
    connections::ConnectionRecord,
    jobs::{Cause, JobKind, JobStatus, Lane, NewJob},
    work::CaseRecord,
};
use tokio_util::sync::CancellationToken;

/// How often the store is looked at for what a running worker does, and how far apart.
const LOOKS_MAX: usize = 1000;
const LOOK: Duration = Duration::from_millis(10);

const KEY: &str = "the key of a second system";
const DAMAGED: &[(&str, &str)] = &[("InTransit_003", "2026-03-05T01:00:00"), ("Exception_012", "2026-03-05T08:00:00")];
const DELIVERED: &[(&str, &str)] = &[
    ("InTransit_003", "2026-03-05T01:00:00"),
    ("Exception_012", "2026-03-05T08:00:00"),
    ("Delivered_001", "2026-03-05T11:00:00"),
];

/// An exception that lasts until the carrier reports more, whatever an agent does with its ticket.
const CUSTOMS: &[(&str, &str)] = &[("InTransit_003", "2026-03-05T01:00:00"), ("Exception_004", "2026-03-05T09:00:00")];

/// Why a connection is not in use.
#[derive(Clone, Copy, Debug)]
enum Hindrance {
    /// A person disabled it.
    Disabled,
    /// A newer version made its settings.
    Settings,
    /// Its secrets cannot be opened.
    Secrets,
}

impl Hindrance {
    const ALL: [Self; 3] = [Self::Disabled, Self::Settings, Self::Secrets];

    fn applied(self, record: ConnectionRecord) -> ConnectionRecord {
        let mut hindered = record;
        match self {
            Self::Disabled => hindered.enabled = false,
            Self::Settings => hindered.settings = hindered.settings.replacen('{', "{\"of_a_newer_version\":1,", 1),
            Self::Secrets => hindered.secrets.bytes.clear(),
        }
        hindered
    }
}

/// Replaces what is stored of a connection; what was stored before.
async fn replace(
    context: &Context,
    name: &str,
    with: impl FnOnce(ConnectionRecord) -> ConnectionRecord,
) -> ConnectionRecord {
    let (scope, before, key) = context.store.connections.by_name(name).await.unwrap().unwrap();
    let record = ConnectionRecord { version: before.version, ..with(before.clone()) };
    let audit = context.audit("connection.put", format!("connection:{}", record.id));
    context.store.connections.put(scope, record, key, audit).await.unwrap();
    connections::refresh(context).await.unwrap();
    before
}

async fn switch(context: &Context, name: &str, on: bool) {
    connections::switch(context, &Caller::trusted(context.scope()), name, on, "an upgrade").await.unwrap();
}

async fn put(context: &Context, name: &str, connector: &str, fields: &[(&str, &str)]) {
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let (name, connector, secret) = (name.to_owned(), connector.to_owned(), Some(KEY.into()));
    let new = NewConnection { name, connector, fields, secret, enabled: Some(true), ..NewConnection::default() };
    connections::put(context, &Caller::trusted(context.scope()), new).await.unwrap();
}

async fn second_odoo(world: &World) -> SandboxOdoo {
    let now = world.clock.now();
    SandboxOdoo::start(KEY, Arc::new(move || now)).await.unwrap()
}

/// How many jobs of a destination wait, are tried again, and are dead.
async fn jobs(context: &Context, destination: &str) -> (u64, u64, u64) {
    let summary = context.store.jobs.summary(context.scope(), context.now()).await.unwrap();
    let found = summary.into_iter().find(|one| one.destination == destination);
    found.map_or((0, 0, 0), |one| (one.pending, one.retrying, one.dead))
}

fn job(context: &Context, kind: JobKind, target: impl ToString, destination: &str) -> NewJob {
    context.job(kind, target, Cause::Live, context.correlation(), None).to(destination)
}

/// How often a delivery has a note with these words.
fn noted(systems: &Systems, picking: i64, words: &str) -> usize {
    systems.odoo.notes(picking).iter().filter(|(_, html)| html.contains(words)).count()
}

#[tokio::test]
async fn what_is_for_a_connection_that_is_not_in_use_waits_and_goes_on() {
    for hindrance in Hindrance::ALL {
        let systems = Systems::new().await;
        let (world, context) = (&systems.world, &systems.world.context);
        let pickings = systems.orders().await;
        systems.say(DAMAGED).await;
        assert_eq!(systems.desk.tickets().len(), MANY);
        let mut before = Vec::new();
        for (name, kind) in [("odoo", JobKind::IMPORT_ORDERS), ("desk", JobKind::POLL_DESK)] {
            before.push(replace(context, name, |record| hindrance.applied(record)).await);
            context.store.jobs.enqueue(context.scope(), vec![job(context, kind, name, name)]).await.unwrap();
        }
        let calls = (systems.odoo.all_calls(), systems.desk.all_calls());
        world.leaves_jobs();
        systems.say(DELIVERED).await;
        systems.advance(86_400).await;
        assert_eq!((systems.odoo.all_calls(), systems.desk.all_calls()), calls, "{hindrance:?}: nothing is called");
        for name in ["odoo", "desk"] {
            let all = u64::try_from(MANY).unwrap() + 1;
            assert_eq!(jobs(context, name).await, (all, 0, 0), "{hindrance:?}: all of {name} waits, untried");
        }
        for record in before {
            let name = record.name.clone();
            replace(context, &name, |_| record).await;
        }
        world.leaves_jobs.store(false, Ordering::Relaxed);
        world.settle().await;
        for (n, picking) in pickings.into_iter().enumerate() {
            assert_eq!(systems.status(picking).as_deref(), Some("DELIVERED"), "{hindrance:?}");
            assert_eq!(noted(&systems, picking, "Delivered"), 1, "{hindrance:?}: noted once");
            let texts = systems.desk.tickets()[n].texts.clone();
            assert_eq!(texts.iter().filter(|(_, text)| text.ends_with(": Delivered.")).count(), 1, "{hindrance:?}");
        }
        assert_eq!(systems.desk.tickets().len(), MANY, "{hindrance:?}: no second ticket");
    }
}

#[tokio::test]
async fn what_is_begun_when_a_connection_is_disabled_is_ended() {
    let systems = Systems::new().await;
    let (world, context) = (&systems.world, &systems.world.context);
    let pickings = systems.orders().await;
    for n in 0..MANY {
        world.deliver_to(context, &format!("N{n}"), DELIVERED).await;
    }
    let hold = Hold::default();
    systems.odoo.fail(Some("stock.picking/write"), &Fault::Held(hold.clone()), 1);
    let meanwhile = async {
        hold.arrived().await;
        switch(context, "odoo", false).await;
        hold.release();
    };
    tokio::join!(world.work(Lane::RealTime), meanwhile);
    switch(context, "odoo", true).await;
    world.settle().await;
    for picking in pickings {
        assert_eq!(systems.status(picking).as_deref(), Some("DELIVERED"));
        assert_eq!(noted(&systems, picking, "Delivered"), 1, "{:?}", systems.odoo.notes(picking));
    }
}

#[tokio::test]
async fn what_is_claimed_and_not_begun_when_a_connection_is_disabled_is_given_back() {
    let systems = Systems::new().await;
    let (world, context) = (&systems.world, &systems.world.context);
    // each has an address of its own to be written, so that each is written by itself
    let pickings: Vec<i64> = (0..MANY).map(|n| systems.add_order(&format!("N{n}"))).collect();
    systems.import(1).await;
    let hold = Hold::default();
    systems.odoo.fail(Some("stock.picking/write"), &Fault::Held(hold.clone()), 1);
    let meanwhile = async {
        hold.arrived().await;
        switch(context, "odoo", false).await;
        hold.release();
    };
    tokio::join!(world.work(Lane::Batch), meanwhile);
    let shows = |picking: &i64| systems.odoo.value(*picking, "x_milepost_url").is_string();
    assert_eq!(pickings.iter().filter(|picking| shows(picking)).count(), 1, "the one that was begun");
    // the other deliveries, and the order of that one
    assert_eq!(jobs(context, "odoo").await, (u64::try_from(MANY).unwrap(), 0, 0));
    switch(context, "odoo", true).await;
    world.settle().await;
    assert!(pickings.iter().all(shows));
}

/// A worker that runs, and reads what may be claimed once in a while.
#[tokio::test]
async fn a_worker_claims_nothing_for_a_connection_from_the_moment_it_is_disabled() {
    let systems = Systems::new().await;
    let (world, context) = (&systems.world, &systems.world.context);
    systems.orders().await;
    let mut shipments = Vec::new();
    for n in 0..MANY {
        shipments.push(systems.shipment(&format!("N{n}")).await);
    }
    let stop = CancellationToken::new();
    let runner = tokio::spawn(Runner::new(Arc::clone(context), Lane::RealTime).run(stop.clone()));
    let done = async |job: &NewJob| {
        for _ in 0..LOOKS_MAX {
            let found = context.store.jobs.job(context.scope(), job.id).await.unwrap().unwrap();
            if found.status == JobStatus::Done {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
        panic!("{job:?} is not done");
    };
    let fold = || {
        let nothing = ShipmentId(world.clock.id());
        context.job(JobKind::FOLD, nothing, Cause::Live, context.correlation(), None)
    };
    let add = async |jobs: Vec<NewJob>| {
        context.store.jobs.enqueue(context.scope(), jobs).await.unwrap();
        context.notifier.work(Lane::RealTime);
    };
    let first = fold();
    add(vec![first.clone()]).await;
    done(&first).await;
    switch(context, "odoo", false).await;
    let second = fold();
    let orders: Vec<NewJob> = shipments.iter().map(|id| job(context, JobKind::SYNC_ORDER, id, "odoo")).collect();
    add(orders.iter().cloned().chain([second.clone()]).collect()).await;
    done(&second).await;
    for order in &orders {
        let waiting = context.store.jobs.job(context.scope(), order.id).await.unwrap().unwrap();
        assert_eq!((waiting.status, waiting.attempts), (JobStatus::Ready, 0));
    }
    switch(context, "odoo", true).await;
    for order in &orders {
        done(order).await;
    }
    stop.cancel();
    runner.await.unwrap();
}

/// Whom routing chose and who has it differ where a case is made while its exception is folded, and after an upgrade.
#[tokio::test]
async fn a_job_calls_its_own_destination_and_leaves_what_another_has_to_that_one() {
    let systems = Systems::new().await;
    let (world, context) = (&systems.world, &systems.world.context);
    let (odoo, desk) = (second_odoo(world).await, SandboxDesk::start(KEY).await.unwrap());
    put(context, "odoo-pl", "odoo", &[("url", &odoo.url()), ("database", DATABASE)]).await;
    put(context, "desk-urgent", "request_tracker", &[("url", &desk.url())]).await;
    let picking = systems.order("N0").await;
    world.receives("N0", DAMAGED).await;
    let shipment = systems.shipment("N0").await;
    let exception = world.load(shipment).await.exceptions[0].id;
    assert_eq!((systems.desk.tickets().len(), desk.tickets().len()), (1, 0));
    for name in ["odoo", "desk"] {
        connections::pause(context, &Caller::trusted(context.scope()), name, "an upgrade").await.unwrap();
    }
    world.leaves_jobs();
    world.receives("N0", DELIVERED).await;
    let calls = || [systems.odoo.all_calls(), systems.desk.all_calls(), odoo.all_calls(), desk.all_calls()];
    let before = calls();
    let elsewhere = vec![
        job(context, JobKind::SYNC_ORDER, shipment, "odoo-pl"),
        job(context, JobKind::SYNC_CASE, exception, "desk-urgent"),
    ];
    context.store.jobs.enqueue(context.scope(), elsewhere).await.unwrap();
    world.settle().await;
    assert_eq!(calls(), before, "neither those that are paused nor those that have nothing of it");
    for (name, waiting) in [("odoo", 1), ("desk", 1), ("odoo-pl", 0), ("desk-urgent", 0)] {
        assert_eq!(jobs(context, name).await, (waiting, 0, 0), "{name}");
    }
    for name in ["odoo", "desk"] {
        connections::resume(context, &Caller::trusted(context.scope()), name).await.unwrap();
    }
    world.leaves_jobs.store(false, Ordering::Relaxed);
    world.settle().await;
    assert_eq!(systems.status(picking).as_deref(), Some("DELIVERED"));
    assert!(systems.desk.tickets()[0].texts.iter().any(|(_, text)| text.ends_with(": Delivered.")));
    assert!(desk.tickets().is_empty());
}

/// A connection is not deleted; its name may still be missing where the flags that made it were replaced before it was kept.
#[tokio::test]
async fn a_case_whose_desk_is_gone_waits_for_it() {
    let systems = Systems::new().await;
    let (world, context) = (&systems.world, &systems.world.context);
    systems.order("N0").await;
    world.receives("N0", DAMAGED).await;
    let shipment = systems.shipment("N0").await;
    let exception = world.load(shipment).await.exceptions[0].id;
    let found = context.store.work.case_context(context.scope(), exception).await.unwrap().unwrap();
    let case = CaseRecord { desk: "desk-of-old".into(), ..found.case.unwrap() };
    context.store.work.put_case(context.scope(), case, Vec::new()).await.unwrap();
    world.leaves_jobs();
    let calls = systems.desk.all_calls();
    world.receives("N0", DELIVERED).await;
    assert_eq!((systems.desk.all_calls(), jobs(context, "desk-of-old").await), (calls, (1, 0, 0)));
    assert_eq!(systems.dead().await, 0);
}

#[tokio::test]
async fn an_address_in_clear_is_not_called_after_a_start_that_does_not_allow_it() {
    let allowed = Settings { allow_plain_http: true, ..Settings::default() }.resolve().unwrap();
    let world = World::with(allowed).await;
    let context = &world.context;
    put(context, "odoo-pl", "odoo", &[("url", "http://odoo.example.com"), ("database", "x")]).await;
    assert!(context.odoo("odoo-pl").is_some());
    let waits = job(context, JobKind::IMPORT_ORDERS, "odoo-pl", "odoo-pl");
    context.store.jobs.enqueue(context.scope(), vec![waits]).await.unwrap();
    let restarted = world.beside().await;
    let context = &restarted;
    connections::refresh(context).await.unwrap();
    assert!(context.odoo("odoo-pl").is_none());
    let shown = connections::one(context, &Caller::trusted(context.scope()), "odoo-pl").await.unwrap().overview;
    assert_eq!(shown.state.is, StateKind::Broken);
    assert!(shown.state.why.contains("--allow-plain-http"), "{}", shown.state.why);
    for lane in [Lane::RealTime, Lane::Batch] {
        Runner::new(Arc::clone(context), lane).run_until_idle().await.unwrap();
    }
    assert_eq!(jobs(context, "odoo-pl").await, (1, 0, 0));
}

#[tokio::test]
async fn what_a_desk_that_is_no_longer_in_use_had_goes_to_another_when_a_person_asks() {
    for (status, other, again) in [("rejected", true, Some(0)), ("rejected", false, None), ("resolved", true, None)] {
        let systems = Systems::new().await;
        let (world, context) = (&systems.world, &systems.world.context);
        let caller = Caller::trusted(context.scope());
        systems.order("N0").await;
        world.receives("N0", &DAMAGED[..1]).await;
        world.receives("N0", CUSTOMS).await;
        world.passes(25).await;
        assert_eq!(systems.desk.tickets().len(), 1);
        systems.desk.set_status(1, status);
        world.tick().await;
        world.settle().await;
        let shipment = systems.shipment("N0").await;
        let exception = world.load(shipment).await.exceptions[0].id;
        let desk = SandboxDesk::start(KEY).await.unwrap();
        if other {
            put(context, "desk-urgent", "request_tracker", &[("url", &desk.url())]).await;
        }
        switch(context, "desk", false).await;
        let asked = cases::ask_for_ticket(context, &caller, exception, None).await;
        world.settle().await;
        let Some(_) = again else {
            let refused = asked.unwrap_err().to_string();
            assert!(refused.contains("is not in use"), "{status}: {refused}");
            assert!(desk.tickets().is_empty());
            continue;
        };
        asked.unwrap();
        let tickets = desk.tickets();
        assert_eq!((tickets.len(), tickets[0].refers_to.len()), (1, 0), "its number is another desk's");
        assert!(tickets[0].texts[0].1.contains("Follows up ticket #1 at desk"), "{:?}", tickets[0].texts);
        let case = context.store.work.case_context(context.scope(), exception).await.unwrap().unwrap().case.unwrap();
        assert_eq!((case.desk.as_str(), case.number.as_deref()), ("desk-urgent", Some("1")));
        assert_eq!(systems.desk.tickets().len(), 1);
    }
}

/// Exceptions without a ticket, whatever the desk was missing for, and those that wait for a desk that is gone for good.
#[tokio::test]
async fn what_opened_while_no_desk_took_it_has_its_ticket_when_one_comes() {
    let systems = Systems::new().await;
    let (world, context) = (&systems.world, &systems.world.context);
    systems.orders().await;
    // these wait at the desk
    connections::pause(context, &Caller::trusted(context.scope()), "desk", "it moves").await.unwrap();
    world.leaves_jobs();
    world.deliver_to(context, "N0", DAMAGED).await;
    world.settle().await;
    assert_eq!(jobs(context, "desk").await, (1, 0, 0));
    // and these find none
    switch(context, "desk", false).await;
    for n in 1..MANY {
        world.deliver_to(context, &format!("N{n}"), DAMAGED).await;
    }
    world.settle().await;
    assert_eq!(jobs(context, "desk").await, (1, 0, 0));
    let desk = SandboxDesk::start(KEY).await.unwrap();
    put(context, "desk-urgent", "request_tracker", &[("url", &desk.url())]).await;
    world.leaves_jobs.store(false, Ordering::Relaxed);
    for _ in 0..3 {
        world.tick().await;
        world.settle().await;
    }
    assert_eq!((desk.tickets().len(), systems.desk.tickets().len()), (MANY, 0), "once each");
    // and what opened too long ago has none
    switch(context, "desk-urgent", false).await;
    systems.order("N99").await;
    world.receives("N99", DAMAGED).await;
    world.clock.advance(jiff::Span::new().hours(24 * 30));
    switch(context, "desk-urgent", true).await;
    let poll = job(context, JobKind::POLL_DESK, "desk-urgent", "desk-urgent");
    context.store.jobs.enqueue(context.scope(), vec![poll]).await.unwrap();
    world.settle().await;
    assert_eq!(desk.tickets().len(), MANY);
}
