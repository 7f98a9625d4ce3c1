//! Reasons in the audit trail: sealed, shown to those who may read them, and gone with the customer.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::{World, systems::Systems};
use app::contract::shipments::EntryKind;
use application::caller::Caller;
use application::{
    audit::{self, Opened},
    clock::Clock,
    exceptions,
    governance::erasure,
};
use domain::access::Role;
use domain::ids::{ShipmentId, UserId};
use storage::{Actor, Scope, work::ExceptionAction};

const WHY: &str = "Jane Doe called: the parcel lies at 12 Canary Street";
const DAMAGED: [(&str, &str); 2] = [("InTransit_003", "2026-03-05T01:00:00"), ("Exception_012", "2026-03-05T08:00:00")];

/// Whether the timeline shows the reason to somebody with this role.
async fn shown(world: &World, role: Role, shipment: ShipmentId) -> bool {
    let view = world.ports(role).shipments.get(shipment.to_string(), None).await.unwrap();
    view.timeline.iter().any(|entry| entry.kind == EntryKind::Person && entry.detail.contains(WHY))
}

#[tokio::test]
async fn a_reason_is_sealed_shown_to_those_who_may_read_it_and_erased_with_the_customer() {
    let folder = tempfile::tempdir().unwrap();
    let settings = server::config::Settings {
        tombstones: Some(folder.path().join("tombstones")),
        ..server::config::Settings::default()
    };
    let systems = Systems::configured(settings).await;
    systems.order("N1").await;
    let (world, context) = (&systems.world, &systems.world.context);
    let scope = context.scope();
    let shipment = context.store.shipments.find(scope, "N1").await.unwrap()[0];
    world.deliver_to(context, "N1", &DAMAGED).await;
    world.settle().await;
    let exception = world.load(shipment).await.exceptions[0].id;
    let person = Scope { actor: Actor::User(UserId(world.clock.id())), ..scope };
    exceptions::act(context, &Caller::trusted(person), exception, ExceptionAction::Acknowledge, Some(WHY.into()))
        .await
        .unwrap();

    let lines = context.store.people.audit_of(scope, shipment).await.unwrap();
    let line = &lines.last().unwrap().0;
    let contains = |bytes: &[u8]| bytes.windows(8).any(|part| part == b"Jane Doe");
    assert!(!contains(&line.entry.why.as_ref().unwrap().bytes));
    for (role, may) in [(Role::Agent, true), (Role::Admin, true), (Role::Executive, false)] {
        assert_eq!(shown(world, role, shipment).await, may, "{role:?}");
    }
    erasure::erase_customer(context, &Caller::trusted(scope), shipment, "asked for it".into()).await.unwrap();
    assert!(!shown(world, Role::Admin, shipment).await);
    let opened = Opened::read(context, scope, [&line.entry].into_iter()).await.unwrap();
    assert_eq!(opened.why(line.entry.why.as_ref()), None);
    // of what is kept without a customer the reason stays
    let sealed = audit::reason_about(context, scope, shipment, WHY).await.unwrap();
    let opened = Opened::of(context, scope, vec![sealed.subject]).await.unwrap();
    assert_eq!(opened.why(Some(&sealed)).as_deref(), Some(WHY));
}
