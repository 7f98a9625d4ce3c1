//! Keys of Odoo that end or are revoked, clocks that differ, and companies that a key may not see.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::systems::{Systems, delivery};
use application::{
    caller::Caller,
    clock::Clock,
    connections::{self, NewConnection, Overview, StateKind},
    odoo::{self, IMPORT_PAGES_MAX},
};
use jiff::SignedDuration;
use outbound::Discard;
use simulator::odoo::{DATABASE, LOGIN, SandboxOdoo};
use std::sync::Arc;
use storage::jobs::{JobFilter, JobKind, JobSelection};

const TRANSIT: &[(&str, &str)] = &[("InTransit_003", "2026-03-05T01:00:00")];
const DELIVERED: &[(&str, &str)] =
    &[("InTransit_003", "2026-03-05T01:00:00"), ("Delivered_001", "2026-03-05T11:00:00")];

impl Systems {
    fn operator(&self) -> Caller {
        Caller::trusted(self.world.context.scope())
    }

    async fn shown(&self) -> Overview {
        connections::one(&self.world.context, &self.operator(), "odoo").await.unwrap().overview
    }

    /// The daily test of the connection was run so often.
    async fn tested(&self) -> usize {
        let of_odoo = JobSelection { destination: Some("odoo".into()), ..JobSelection::default() };
        let (scope, jobs) = (self.world.context.scope(), &self.world.context.store.jobs);
        let done = jobs.list(scope, JobFilter::Done, of_odoo, None).await.unwrap();
        done.rows.iter().filter(|row| row.job.kind == JobKind::CHECK_CONNECTION).count()
    }

    async fn waiting(&self) -> u64 {
        let (scope, now) = (self.world.context.scope(), self.world.context.now());
        let summary = self.world.context.store.jobs.summary(scope, now).await.unwrap();
        summary.into_iter().find(|one| one.destination == "odoo").map_or(0, |one| one.pending + one.retrying)
    }
}

#[tokio::test]
async fn a_revoked_key_is_replaced_and_what_waits_goes_out() {
    let systems = Systems::new().await;
    let (world, context) = (&systems.world, &systems.world.context);
    let picking = systems.order("N0").await;
    let before = systems.status(picking);
    systems.odoo.revoke_key(&systems.odoo.key());
    world.leaves_jobs();
    world.receives("N0", TRANSIT).await;
    assert_eq!((systems.status(picking), systems.waiting().await), (before.clone(), 1));
    // the wrong one first: with two that are refused nothing goes out, and nothing is given up
    connections::rotate(context, &systems.operator(), "odoo", "a typing error").await.unwrap();
    systems.advance(3_600).await;
    assert_eq!((systems.status(picking), systems.dead().await), (before, 0));
    systems.odoo.add_key("the new key", []);
    connections::rotate(context, &systems.operator(), "odoo", "the new key").await.unwrap();
    assert!(connections::test(context, &systems.operator(), "odoo").await.unwrap().passed());
    systems.advance(3_600).await;
    assert_eq!(systems.status(picking).as_deref(), Some("IN_TRANSIT"));
    assert_eq!((systems.waiting().await, systems.dead().await), (0, 0));
}

#[tokio::test]
async fn while_two_keys_are_set_the_one_that_works_is_used() {
    let systems = Systems::new().await;
    let (world, context) = (&systems.world, &systems.world.context);
    let picking = systems.order("N0").await;
    systems.odoo.add_key("the new key", []);
    connections::rotate(context, &systems.operator(), "odoo", "the new key").await.unwrap();
    // somebody removes the new one instead of the old one
    systems.odoo.revoke_key("the new key");
    world.receives("N0", TRANSIT).await;
    assert_eq!(systems.status(picking).as_deref(), Some("IN_TRANSIT"), "nothing pauses");
}

#[tokio::test]
async fn a_key_that_ends_is_announced_two_weeks_ahead() {
    let systems = Systems::new().await;
    let (world, context) = (&systems.world, &systems.world.context);
    let ends = world.clock.now() + SignedDuration::from_hours(16 * 24);
    systems.odoo.end_key(&systems.odoo.key(), Some(ends));
    world.tick().await;
    world.settle().await;
    assert_eq!(
        (systems.tested().await, systems.shown().await.state.is),
        (0, StateKind::Active),
        "the first a day later"
    );
    world.passes(25).await;
    assert_eq!(systems.tested().await, 1);
    let shown = systems.shown().await;
    assert_eq!(shown.report.unwrap().secret_ends, Some(ends));
    assert_eq!(shown.state.is, StateKind::Active, "15 days ahead");
    assert_eq!(connections::attention(context, &systems.operator()).await.unwrap(), 0);
    // no test is needed for it: the end is known
    world.passes(24).await;
    let shown = systems.shown().await;
    assert_eq!(
        (shown.state.is, shown.state.why.as_str()),
        (StateKind::Expiring, "its API key ends on 2026-03-21, in 13 days")
    );
    assert_eq!(connections::attention(context, &systems.operator()).await.unwrap(), 1);
    // a new key takes its place
    systems.odoo.add_key("the new key", []);
    systems.odoo.revoke_key(&systems.odoo.key());
    connections::rotate(context, &systems.operator(), "odoo", "the new key").await.unwrap();
    let report = connections::test(context, &systems.operator(), "odoo").await.unwrap();
    assert!(report.passed() && report.secret_ends > Some(ends), "{report:?}");
    assert_eq!(systems.shown().await.state.is, StateKind::Active);
}

#[tokio::test]
async fn an_odoo_that_does_not_answer_is_tested_later_and_keeps_what_was_found() {
    let systems = Systems::new().await;
    let world = &systems.world;
    connections::test(&world.context, &systems.operator(), "odoo").await.unwrap();
    world.tick().await;
    world.settle().await;
    world.leaves_jobs();
    systems.odoo.fail(Some("res.users/context_get"), &simulator::faults::Fault::Page(503), 100);
    world.passes(25).await;
    assert_eq!(systems.tested().await, 0);
    assert!(systems.shown().await.report.unwrap().passed(), "what was found before stays");
    systems.odoo.clear_faults();
    systems.advance(3_600).await;
    assert_eq!(systems.tested().await, 1);
}

/// An Odoo of its own whose clock differs from ours by so many seconds, connected as `odoo-pl`.
async fn apart(systems: &Systems, seconds: i64) -> SandboxOdoo {
    const KEY: &str = "the key of a second system";
    let clock = Arc::clone(&systems.world.clock);
    let theirs = Arc::new(move || clock.now() + SignedDuration::from_secs(seconds));
    let odoo = SandboxOdoo::start(KEY, theirs).await.unwrap();
    let fields = [("url", odoo.url()), ("database", DATABASE.to_owned()), ("login", LOGIN.to_owned())];
    let new = NewConnection {
        name: "odoo-pl".into(),
        connector: "odoo".into(),
        fields: fields.map(|(name, value)| (name.to_owned(), value)).into_iter().collect(),
        secret: Some(KEY.into()),
        enabled: Some(true),
        ..NewConnection::default()
    };
    connections::put(&systems.world.context, &systems.operator(), new).await.unwrap();
    systems.world.context.odoo("odoo-pl").unwrap().setup(&Discard).await.unwrap();
    odoo
}

async fn import(systems: &Systems) {
    let context = &systems.world.context;
    let (scope, correlation) = (context.scope(), context.correlation());
    odoo::import(context, scope, "odoo-pl", correlation, IMPORT_PAGES_MAX, &Discard).await.unwrap();
    systems.world.settle().await;
}

#[tokio::test]
async fn with_clocks_90_seconds_apart_no_import_loses_anything_and_the_test_says_it() {
    for seconds in [-90, 90] {
        let systems = Systems::new().await;
        let world = &systems.world;
        let second = apart(&systems, seconds).await;
        let report = connections::test(&world.context, &systems.operator(), "odoo-pl").await.unwrap();
        assert!(report.checks.iter().any(|check| check.what == "The clocks differ by 90 s"), "{report:?}");
        let now = || world.clock.now() + SignedDuration::from_secs(seconds);
        // each is written between two imports, some of them in the same second as one
        for round in 0..6 {
            let number = format!("SKEW{round}");
            let picking = second.add_order(&delivery(&number, now()));
            import(&systems).await;
            assert!(!world.context.store.shipments.find(world.context.scope(), &number).await.unwrap().is_empty());
            second.edit(picking, "carrier_tracking_ref", format!("EDITED{round}").into());
            world.clock.advance(jiff::Span::new().seconds(7 * round));
            import(&systems).await;
            let found = world.context.store.shipments.find(world.context.scope(), &format!("EDITED{round}")).await;
            assert!(!found.unwrap().is_empty(), "{seconds} s, round {round}");
        }
    }
}

#[tokio::test]
async fn deliveries_of_a_company_that_the_key_may_not_see_are_left_alone() {
    let systems = Systems::new().await;
    let world = &systems.world;
    let (seen, moved) = (systems.order("N0").await, systems.order("N1").await);
    let hidden = systems.add_order("N2");
    systems.odoo.move_to_company(hidden, "Another Company");
    systems.odoo.hide_company("Another Company");
    systems.import(IMPORT_PAGES_MAX).await;
    world.settle().await;
    let find = async |number: &str| world.context.store.shipments.find(world.context.scope(), number).await.unwrap();
    assert!(find("N2").await.is_empty());
    // one that was known and is handed to that company stays as it was: it was not deleted
    systems.odoo.move_to_company(moved, "Another Company");
    world.passes(2).await;
    systems.import(IMPORT_PAGES_MAX).await;
    world.receives("N0", TRANSIT).await;
    assert_eq!((find("N0").await.len(), find("N1").await.len()), (1, 1));
    assert_eq!(systems.status(seen).as_deref(), Some("IN_TRANSIT"));
    assert_eq!(world.context.store.order_problems.list(world.context.scope()).await.unwrap(), []);
}

#[tokio::test]
async fn an_odoo_17_is_connected_by_json_rpc() {
    let systems = Systems::new().await;
    let world = &systems.world;
    let second = apart(&systems, 0).await;
    second.become_version(17);
    // another one answers under the address: the first call notices it
    world.context.odoo("odoo-pl").unwrap().health(&Discard).await.unwrap_err();
    let report = connections::test(&world.context, &systems.operator(), "odoo-pl").await.unwrap();
    assert!(report.passed() && report.system.as_deref() == Some("Odoo 17.0"), "{report:?}");
    let picking = second.add_order(&delivery("RPC1", world.clock.now()));
    import(&systems).await;
    world.receives("RPC1", DELIVERED).await;
    assert_eq!(second.value(picking, "x_milepost_status"), "DELIVERED");
    assert_eq!(second.notes(picking).len(), 1, "{:?}", second.notes(picking));
}
