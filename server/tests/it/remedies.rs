//! *Why don't we know?*: each cause offers what can be done about it, to those who may do it, and doing it does it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::systems::{Systems, delivery};
use app::contract::{
    ApiError,
    unknown::{RemedyAct, RemedyView, UnknownView},
};
use application::{
    caller::Caller,
    clock::Clock,
    connections::{self, NewConnection},
    odoo::IMPORT_PAGES_MAX,
};
use domain::{access::Role, ids::ShipmentId};
use jiff::SignedDuration;
use simulator::{booking::SandboxBooking, faults::Fault, odoo::NewOrder};
use std::sync::Arc;
use storage::bookings::Tracking;

const NUMBER: &str = "00340434161094042557";
/// The same with another check digit.
const WRONG: &str = "1Z999AA10123456785";
const RIGHT: &str = "1Z999AA10123456784";
/// Longer than a first scan takes.
const LONG_AGO: i64 = -10 * 24;

/// A delivery that was shipped long ago, taken in; its id in Odoo and here.
async fn shipped(systems: &Systems, number: &str, carrier: &'static str) -> (i64, ShipmentId) {
    let now = systems.world.clock.now();
    let shipped = Some(now + SignedDuration::from_hours(LONG_AGO));
    let picking = systems.odoo.add_order(&NewOrder { shipped, carrier, ..delivery(number, now) });
    systems.import(IMPORT_PAGES_MAX).await;
    systems.world.settle().await;
    (picking, systems.shipment(&format!("WH/OUT/{number}")).await)
}

async fn page(systems: &Systems, role: Role, id: ShipmentId) -> Option<UnknownView> {
    systems.world.ports(role).shipments.get(id.to_string(), None).await.unwrap().unknown
}

async fn does(systems: &Systems, role: Role, id: ShipmentId, act: RemedyAct, on: &str) -> Result<(), ApiError> {
    let done = systems.world.ports(role).shipments.remedy(id.to_string(), act, on.into()).await;
    systems.world.settle().await;
    done
}

async fn connect(systems: &Systems, platform: &SandboxBooking) {
    let context = &systems.world.context;
    let new = NewConnection {
        name: "aftership-api".into(),
        connector: "aftership_api".into(),
        fields: [("url".to_owned(), platform.url("aftership"))].into_iter().collect(),
        secret: Some(platform.test_key("aftership").into()),
        enabled: Some(true),
        ..NewConnection::default()
    };
    connections::put(context, &Caller::trusted(context.scope()), new).await.unwrap();
}

async fn audited(systems: &Systems, id: ShipmentId, action: &str) -> usize {
    let context = &systems.world.context;
    let subject = Some(format!("shipment:{id}"));
    let lines = context.store.people.audit_trail(context.scope(), subject, 100).await.unwrap();
    lines.iter().filter(|line| line.entry.action == action).count()
}

#[tokio::test]
async fn a_number_that_the_carrier_never_saw_is_registered_and_asked_for() {
    let systems = Systems::new().await;
    let (_, id) = shipped(&systems, NUMBER, "DHL").await;
    let unknown = page(&systems, Role::Admin, id).await.unwrap();
    assert_eq!((unknown.cause.as_str(), unknown.owner.as_str()), ("Number never seen by the carrier", "Logistics"));
    let [RemedyView::Page { href, .. }] = &unknown.remedies[..] else { panic!("{unknown:?}") };
    assert_eq!(href, "/connections/new?connector=aftership_api", "no platform is connected");
    assert!(page(&systems, Role::Agent, id).await.unwrap().remedies.is_empty(), "an agent connects nothing");

    let clock = Arc::clone(&systems.world.clock);
    let platform = SandboxBooking::start(7, Arc::new(move || clock.now())).await.unwrap();
    connect(&systems, &platform).await;
    let unknown = page(&systems, Role::Agent, id).await.unwrap();
    let [RemedyView::Act { act: RemedyAct::Register, on, .. }] = &unknown.remedies[..] else { panic!("{unknown:?}") };
    let refused = does(&systems, Role::Executive, id, RemedyAct::Register, on).await;
    assert_eq!(refused, Err(ApiError::Forbidden));
    assert!(matches!(does(&systems, Role::Agent, id, RemedyAct::Ask, on).await, Err(ApiError::Conflict { .. })));
    does(&systems, Role::Agent, id, RemedyAct::Register, on).await.unwrap();
    let context = &systems.world.context;
    let known = context.store.bookings.registrations(context.scope(), id).await.unwrap();
    assert_eq!(known.iter().map(|one| one.tracking).collect::<Vec<_>>(), [Tracking::Registered]);
    assert_eq!(audited(&systems, id, "shipment.register").await, 1);

    let unknown = page(&systems, Role::Agent, id).await.unwrap();
    assert!(unknown.note.starts_with("Registered at"), "{unknown:?}");
    let [RemedyView::Act { act: RemedyAct::Ask, on, .. }] = &unknown.remedies[..] else { panic!("{unknown:?}") };
    does(&systems, Role::Agent, id, RemedyAct::Ask, on).await.unwrap();
    let loaded = systems.world.load(id).await;
    assert_eq!(loaded.input.facts.len(), 1, "what the platform knows is an event of the shipment");
    assert_eq!(page(&systems, Role::Agent, id).await, None, "something current is known");
}

#[tokio::test]
async fn a_mistyped_number_is_corrected_in_odoo_with_what_its_check_digit_says() {
    let systems = Systems::new().await;
    let (picking, id) = shipped(&systems, WRONG, "UPS").await;
    let unknown = page(&systems, Role::Agent, id).await.unwrap();
    assert_eq!((unknown.cause.as_str(), unknown.owner.as_str()), ("Number looks mistyped", "Warehouse"));
    let Some(RemedyView::Correct { number, suggestion }) = unknown.remedies.first() else { panic!("{unknown:?}") };
    assert_eq!((number.as_str(), suggestion.as_deref()), (WRONG, Some(RIGHT)));
    let correct = async |role, to: &str| {
        let ports = systems.world.ports(role);
        let done = ports.shipments.correct(id.to_string(), WRONG.into(), to.into()).await;
        systems.world.settle().await;
        done
    };
    assert_eq!(correct(Role::Executive, RIGHT).await, Err(ApiError::Forbidden));
    for none in ["", "TBD", WRONG, "1Z999AA10123456786"] {
        let refused = correct(Role::Agent, none).await;
        assert!(matches!(&refused, Err(ApiError::Invalid { field, .. }) if field == "number"), "{none}: {refused:?}");
    }
    assert_eq!(systems.odoo.value(picking, "carrier_tracking_ref"), WRONG);
    correct(Role::Agent, RIGHT).await.unwrap();
    assert_eq!(systems.odoo.value(picking, "carrier_tracking_ref"), RIGHT);
    let numbers: Vec<_> = systems.world.load(id).await.shipment.numbers.into_iter().map(|one| one.number).collect();
    assert_eq!(numbers, [RIGHT]);
    assert_eq!(audited(&systems, id, "shipment.correct").await, 1);
    assert!(matches!(correct(Role::Agent, RIGHT).await, Err(ApiError::Conflict { .. })), "it is right by now");
}

#[tokio::test]
async fn a_source_that_is_off_is_resumed_by_an_admin_and_its_shipments_are_looked_at_again() {
    let systems = Systems::new().await;
    let context = &systems.world.context;
    let operator = Caller::trusted(context.scope());
    connections::switch(context, &operator, "aftership", false, "maintenance").await.unwrap();
    let (_, id) = shipped(&systems, NUMBER, "DHL").await;
    let (_, other) = shipped(&systems, "00340434161094042564", "DHL").await;
    let unknown = page(&systems, Role::Agent, id).await.unwrap();
    assert_eq!((unknown.cause.as_str(), unknown.remedies.len()), ("Source paused", 0));
    assert!(unknown.note.contains("admin"), "{unknown:?}");
    let unknown = page(&systems, Role::Admin, id).await.unwrap();
    let [RemedyView::Act { act: RemedyAct::Resume, on, .. }] = &unknown.remedies[..] else { panic!("{unknown:?}") };
    assert_eq!(does(&systems, Role::Agent, id, RemedyAct::Resume, on).await, Err(ApiError::Forbidden));
    does(&systems, Role::Admin, id, RemedyAct::Resume, on).await.unwrap();
    for shipment in [id, other] {
        let unknown = page(&systems, Role::Admin, shipment).await.unwrap();
        assert_eq!(unknown.cause, "Number never seen by the carrier");
    }
}

#[tokio::test]
async fn a_code_that_no_mapping_knows_leads_to_the_form_with_that_code() {
    let systems = Systems::new().await;
    let (_, id) = shipped(&systems, NUMBER, "DHL").await;
    systems.world.receives(NUMBER, &[("Sorted_777", "2026-03-05T11:00:00")]).await;
    let unknown = page(&systems, Role::Admin, id).await.unwrap();
    assert_eq!(unknown.cause, "Unmapped code");
    let [RemedyView::Map { list, code }] = &unknown.remedies[..] else { panic!("{unknown:?}") };
    assert_eq!((list.as_str(), code.as_str()), ("aftership.subtag", "Sorted_777"));
}

#[tokio::test]
async fn an_update_that_odoo_refused_is_sent_again() {
    let systems = Systems::new().await;
    let (picking, id) = shipped(&systems, NUMBER, "DHL").await;
    systems.odoo.fail(Some("stock.picking/write"), &Fault::Error("odoo.exceptions.ValidationError"), 10_000);
    systems.world.leaves_jobs();
    systems.world.receives(NUMBER, &[("InTransit_003", "2026-03-05T11:00:00")]).await;
    assert_ne!(systems.dead().await, 0, "the update was given up");
    let unknown = page(&systems, Role::Agent, id).await.unwrap();
    assert_eq!(unknown.cause, "Order system refused the update");
    let [RemedyView::Act { act: RemedyAct::Retry, on, .. }] = &unknown.remedies[..] else { panic!("{unknown:?}") };
    systems.odoo.clear_faults();
    does(&systems, Role::Agent, id, RemedyAct::Retry, on).await.unwrap();
    assert_eq!(systems.status(picking).as_deref(), Some("IN_TRANSIT"));
    assert_eq!((systems.dead().await, page(&systems, Role::Agent, id).await), (0, None));
    assert_eq!(audited(&systems, id, "shipment.retry").await, 1);
}
