//! One database of Odoo under two spellings of its address is recognised; and what a connection brought ends when it is removed.

use super::{caller, odoo, put, refused, second_odoo};
use crate::world::systems::{Systems, delivery};
use application::{
    connections::{self, NewConnection},
    context::Context,
    odoo::{IMPORT_PAGES_MAX, OrderError, import},
    reconcile::{self, Started},
};
use domain::fold::DeliveryStanding;
use outbound::{Discard, ErrorClass, check::CheckOutcome};
use storage::{
    jobs::{JobFilter, JobSelection},
    reconciliations::{DifferenceQuery, Run, RunState, Which},
    shipments::{ShipmentQuery, ShipmentTab},
};

const OF_THE_TESTS: &str = "key-of-the-tests";

/// The first Odoo under another name of its host.
fn alias(systems: &Systems, name: &str) -> NewConnection {
    let url = systems.odoo.url().replace("127.0.0.1", "localhost");
    NewConnection { secret: Some(OF_THE_TESTS.to_owned().into()), ..odoo(name, &url) }
}

fn copy(new: NewConnection) -> NewConnection {
    let mut fields = new.fields.clone();
    fields.insert("is_copy".into(), "on".into());
    NewConnection { fields, ..new }
}

async fn imported(context: &Context, name: &str) -> Result<u32, OrderError> {
    let done = import(context, context.scope(), name, context.correlation(), IMPORT_PAGES_MAX, &Discard).await;
    done.map(|done| done.created)
}

/// A dry run from its start to its end.
async fn reconciled(systems: &Systems) -> Run {
    let context = &systems.world.context;
    let Started::Run(id) = reconcile::start(context, &caller(context), None, true).await.unwrap() else { panic!() };
    for _ in 0..60 {
        systems.advance(1).await;
        let run = context.store.reconciliations.run(context.scope(), id).await.unwrap().unwrap();
        if run.state == RunState::Done {
            return run;
        }
    }
    panic!("the run does not end")
}

/// How many shipments are open.
async fn open(context: &Context) -> usize {
    let query = ShipmentQuery { tab: ShipmentTab::Open, ..ShipmentQuery::default() };
    context.store.shipments.list(context.scope(), query, context.now()).await.unwrap().rows.len()
}

#[tokio::test]
async fn a_database_is_recognised_under_another_address() {
    let systems = Systems::new().await;
    let context = &systems.world.context;
    systems.order("DE1").await;
    let (field, message) = refused(context, alias(&systems, "odoo-2")).await;
    assert!(field == "url" && message.contains("the connection odoo ") && message.contains("is_copy"), "{message}");
    // as a draft it is kept, its test says what is wrong, and it is not enabled
    put(context, NewConnection { enabled: None, ..alias(&systems, "odoo-2") }).await.unwrap();
    let report = connections::test(context, &caller(context), "odoo-2").await.unwrap();
    let last = report.checks.last().unwrap();
    assert!(last.outcome == CheckOutcome::Failed && last.what.contains("the connection odoo"), "{report:?}");
    assert!(connections::switch(context, &caller(context), "odoo-2", true, "").await.is_err());
    assert!(connections::test(context, &caller(context), "odoo").await.unwrap().passed(), "it was there first");
    // a copy is one of its own: a person says so
    put(context, copy(alias(&systems, "odoo-2"))).await.unwrap();
    assert!(connections::test(context, &caller(context), "odoo-2").await.unwrap().passed());
    assert_eq!(imported(context, "odoo-2").await.unwrap(), 1);
    // another database has another mark
    let second = second_odoo().await;
    put(context, odoo("odoo-pl", &second.url())).await.unwrap();
    assert_eq!(imported(context, "odoo-pl").await.unwrap(), 0);
}

#[tokio::test]
async fn an_odoo_that_did_not_answer_when_it_was_enabled_is_recognised_before_the_first_import() {
    let systems = Systems::new().await;
    let context = &systems.world.context;
    systems.order("DE1").await;
    // Odoo says nothing of its users at that moment
    systems.odoo.fail(Some("res.users/search_read"), &simulator::faults::Fault::Page(503), 20);
    put(context, alias(&systems, "odoo-2")).await.unwrap();
    systems.odoo.clear_faults();
    let before = open(context).await;
    match imported(context, "odoo-2").await {
        Err(OrderError::Call(error)) => {
            assert_eq!(error.class, ErrorClass::Misconfigured);
            assert!(error.message.contains("the connection odoo "), "{}", error.message);
        }
        other => panic!("{other:?}"),
    }
    systems.import(IMPORT_PAGES_MAX).await;
    assert_eq!(open(context).await, before);
    // it is no system of its own to be compared either
    let run = reconciled(&systems).await;
    assert_eq!((run.counts.compared, run.counts.opened), (1, 0), "{run:?}");
}

#[tokio::test]
async fn what_a_removed_connection_brought_ends() {
    let systems = Systems::new().await;
    // those of the removed one wait until they are swept
    systems.world.leaves_jobs();
    let context = &systems.world.context;
    systems.order("DE1").await;
    put(context, copy(alias(&systems, "odoo-2"))).await.unwrap();
    imported(context, "odoo-2").await.unwrap();
    systems.world.settle().await;
    assert_eq!(open(context).await, 2);
    let who = caller(context);
    let differs = async || {
        let query = DifferenceQuery { which: Which::Open, ..DifferenceQuery::default() };
        let listed = reconcile::differences(context, &who, query).await.unwrap();
        listed.rows.into_iter().map(|row| row.difference.found.subject.system).collect::<Vec<_>>()
    };
    // one that Milepost does not have yet, of both
    systems.odoo.add_order(&delivery("DE2", context.clock.now()));
    reconciled(&systems).await;
    assert!(differs().await.contains(&"odoo-2".to_owned()), "{:?}", differs().await);
    assert!(connections::remove(context, &who, "odoo-2", "").await.is_err(), "it is in use");
    connections::switch(context, &who, "odoo-2", false, "twice").await.unwrap();
    connections::remove(context, &who, "odoo-2", "twice").await.unwrap();
    systems.world.settle().await;
    assert!(!differs().await.contains(&"odoo-2".to_owned()), "{:?}", differs().await);
    assert_eq!(open(context).await, 1, "that of the other connection");
    let listed = connections::list(context, &who).await.unwrap();
    assert!(listed.iter().all(|one| one.record.name != "odoo-2"));
    let trail = context.store.people.audit_trail(context.scope(), None, 5).await.unwrap();
    assert!(trail.iter().any(|line| line.entry.action == "connection.remove"), "{trail:?}");
    // work that came up since is swept
    systems.world.passes(1).await;
    let of_it = JobSelection { destination: Some("odoo-2".into()), ..JobSelection::default() };
    for filter in [JobFilter::Pending, JobFilter::Retrying, JobFilter::Failed] {
        let jobs = context.store.jobs.list(context.scope(), filter, of_it.clone(), None).await.unwrap();
        assert_eq!(jobs.rows.len(), 0, "{filter:?}: {:?}", jobs.rows);
    }
    // the name is free again, and what comes back counts
    put(context, copy(alias(&systems, "odoo-2"))).await.unwrap();
    imported(context, "odoo-2").await.unwrap();
    let shipments = context.store.shipments.find(context.scope(), "WH/OUT/DE1").await.unwrap();
    let mut standings = Vec::new();
    for id in shipments {
        let shipment = context.store.shipments.shipment(context.scope(), id).await.unwrap().unwrap();
        standings.push(shipment.plan.standing);
    }
    assert!(standings.len() == 2 && !standings.contains(&DeliveryStanding::Deleted), "{standings:?}");
}
