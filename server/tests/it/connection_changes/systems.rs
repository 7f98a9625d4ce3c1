//! Which system a connection leads to: not another one once something of it is kept, and not the one of another connection.

use super::{KEY, caller, fields, odoo, put, record, refused, second_odoo};
use crate::world::systems::{Systems, delivery};
use ::odoo::{OdooClient, OdooConfig};
use application::{
    connections::{self, NewConnection},
    context::Context,
    destinations::breaker::Admission,
    error::UseCaseError,
};
use jiff::SignedDuration;
use outbound::Discard;
use simulator::{
    desk::SandboxDesk,
    odoo::{DATABASE, NewOrder, SandboxOdoo},
};
use storage::{destinations::Health, jobs::JobKind};

fn desk(name: &str, url: &str, queue: &str) -> NewConnection {
    NewConnection {
        name: name.into(),
        connector: "request_tracker".into(),
        fields: fields(&[("url", url), ("queue", queue)]),
        ..odoo(name, url)
    }
}

/// A delivery that was written two days ago.
fn old_delivery(systems: &Systems, odoo: &SandboxOdoo, number: &str) -> i64 {
    let now = application::clock::Clock::now(&*systems.world.clock);
    odoo.add_order(&NewOrder { written: now - SignedDuration::from_hours(48), ..delivery(number, now) })
}

async fn health(context: &Context, name: &str) -> Health {
    context.store.destinations.breakers(context.scope()).await.unwrap().remove(name).unwrap_or_default().health
}

#[tokio::test]
async fn a_connection_that_was_used_leads_to_no_other_system() {
    let systems = Systems::new().await;
    let context = &systems.world.context;
    let (first, second) = (systems.odoo.url(), second_odoo().await);
    let here = systems.order("DE1").await;
    let shipment = systems.shipment("DE1").await;
    let to = |url: &str, database: &str| NewConnection {
        fields: fields(&[("url", url), ("database", database)]),
        ..odoo("odoo", url)
    };
    let (field, message) = refused(context, to(&first, "staging")).await;
    assert!(field == "database" && message.contains("make a new connection"), "{field}: {message}");
    assert_eq!(refused(context, to(&second.url(), DATABASE)).await.0, "url");
    // where it moved, its secret is given again, for it goes to another place
    let moved = NewConnection { moved: true, ..to(&second.url(), DATABASE) };
    assert_eq!(refused(context, NewConnection { secret: None, ..moved.clone() }).await.0, "secret");
    let moved_database = NewConnection { moved: true, secret: None, ..to(&first, "prod_2026") };
    assert_eq!(refused(context, moved_database).await.0, "secret");
    assert!(record(context, "odoo").await.settings.contains(&first));
    // everything is read there, whenever it was changed
    let config = OdooConfig::new(second.url(), DATABASE, KEY);
    OdooClient::new(config).unwrap().setup(&Discard).await.unwrap();
    let there = old_delivery(&systems, &second, "PL1");
    old_delivery(&systems, &second, "PL2");
    systems.world.passes(1).await;
    put(context, moved).await.unwrap();
    systems.world.tick().await;
    systems.world.settle().await;
    assert_eq!(there, here, "the first one has a record of this id too");
    assert_eq!(systems.shipment("PL1").await, shipment);
    assert_ne!(systems.shipment("PL2").await, shipment);
}

#[tokio::test]
async fn a_desk_with_tickets_leads_to_no_other_desk() {
    let systems = Systems::new().await;
    let (context, second) = (&systems.world.context, SandboxDesk::start(KEY).await.unwrap());
    let first = systems.desk.url();
    put(context, desk("desk", &second.url(), "Shipments")).await.unwrap();
    let back = NewConnection { secret: Some("key-of-the-tests".into()), ..desk("desk", &first, "Shipments") };
    put(context, back).await.unwrap();
    systems.order("N1").await;
    let damaged = [("InTransit_003", "2026-03-05T01:00:00"), ("Exception_012", "2026-03-05T08:00:00")];
    systems.world.receives("N1", &damaged).await;
    assert_eq!(systems.desk.tickets().len(), 1);
    assert_eq!(refused(context, desk("desk", &second.url(), "Shipments")).await.0, "url");
    // another queue of it is the same system
    put(context, NewConnection { secret: None, ..desk("desk", &first, "Claims") }).await.unwrap();
}

#[tokio::test]
async fn two_connections_do_not_do_the_same_work() {
    let systems = Systems::new().await;
    let context = &systems.world.context;
    let (first, tickets) = (systems.odoo.url(), systems.desk.url());
    let spelled = first.replace("127.0.0.1", "127.0.0.1.");
    for url in [first.clone(), format!("{first}/"), format!("{first}/web/login"), spelled] {
        for enabled in [None, Some(true)] {
            let (field, message) = refused(context, NewConnection { enabled, ..odoo("odoo-main", &url) }).await;
            assert!(field == "url" && message.contains("the connection odoo "), "{url}: {field}: {message}");
        }
    }
    assert_eq!(refused(context, desk("desk-main", &tickets, "shipments")).await.0, "url");
    put(context, desk("desk-claims", &tickets, "Claims")).await.unwrap();
    // two drafts may lead to one system until one of them is turned on
    let second = second_odoo().await;
    put(context, NewConnection { enabled: None, ..odoo("odoo-draft", &second.url()) }).await.unwrap();
    put(context, odoo("odoo-pl", &second.url())).await.unwrap();
    let enable = async |name: &str| connections::switch(context, &caller(context), name, true, "").await;
    assert!(matches!(enable("odoo-draft").await, Err(UseCaseError::Invalid { field: "url", .. })));
    // of two that are not in use the one goes on that was used
    old_delivery(&systems, &second, "PL1");
    context.odoo("odoo-pl").unwrap().setup(&Discard).await.unwrap();
    systems.world.tick().await;
    systems.world.settle().await;
    connections::switch(context, &caller(context), "odoo-pl", false, "a pause").await.unwrap();
    assert!(enable("odoo-draft").await.is_err());
    enable("odoo-pl").await.unwrap();
}

#[tokio::test]
async fn a_new_address_or_secret_is_called_at_once() {
    let systems = Systems::new().await;
    let context = &systems.world.context;
    let (scope, second) = (context.scope(), second_odoo().await);
    put(context, odoo("odoo-pl", "http://127.0.0.1:1")).await.unwrap();
    let later = context.now().checked_add(SignedDuration::from_hours(11)).unwrap();
    let held = Health { limited_until: Some(later), open_until: Some(later), failures: 9, ..Health::default() };
    let hold = async || {
        let before = health(context, "odoo-pl").await;
        assert!(context.store.destinations.set_health(scope, "odoo-pl", before, held.clone()).await.unwrap());
        context.breakers.forget();
        assert_eq!(context.breakers.admission(scope, "odoo-pl", JobKind::SYNC_ORDER).await.unwrap(), Admission::Nobody);
    };
    hold().await;
    put(context, odoo("odoo-pl", &second.url())).await.unwrap();
    assert_eq!(context.breakers.admission(scope, "odoo-pl", JobKind::SYNC_ORDER).await.unwrap(), Admission::All);
    hold().await;
    connections::rotate(context, &caller(context), "odoo-pl", "another").await.unwrap();
    assert_eq!(health(context, "odoo-pl").await, Health::default());
    hold().await;
    connections::resume(context, &caller(context), "odoo-pl").await.unwrap();
    assert_eq!(context.breakers.admission(scope, "odoo-pl", JobKind::SYNC_ORDER).await.unwrap(), Admission::All);
    hold().await;
    let renamed = NewConnection { label: "Odoo Poland".into(), secret: None, ..odoo("odoo-pl", &second.url()) };
    put(context, renamed).await.unwrap();
    assert_eq!(health(context, "odoo-pl").await, held, "its label is not why it was held");
}
