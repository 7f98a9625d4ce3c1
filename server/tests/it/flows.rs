//! Messages and orders in awkward sequences, through the real inbox, jobs and store; only the clock is ours.

use crate::world::{World, systems::Systems};
use application::{
    clock::Clock,
    tracking::ingest::{self, Delivery, Refused},
};
use carriers::RawRequest;
use domain::{State, ids::CorrelationId};
use http::HeaderMap;
use storage::{
    inbox::{MessageSelection, MessageState, Novelty},
    shipments::{ShipmentQuery, ShipmentTab},
};

const ON_THE_WAY: &[(&str, &str)] =
    &[("InTransit_002", "2026-03-02T10:00:00"), ("InTransit_003", "2026-03-03T01:10:00")];
const DELIVERED: &[(&str, &str)] = &[
    ("InTransit_002", "2026-03-02T10:00:00"),
    ("InTransit_003", "2026-03-03T01:10:00"),
    ("Delivered_001", "2026-03-04T12:30:00"),
];

#[tokio::test]
async fn an_event_that_comes_before_its_order_is_there_when_the_order_comes() {
    let world = World::new().await;
    world.receives("N1", DELIVERED).await;
    assert_eq!(world.unclaimed().await, 1, "visible and counted, nobody's");
    let shipment = world.order(1, &["N1"]).await;
    assert_eq!(world.state(shipment).await, State::Delivered);
    assert_eq!(world.unclaimed().await, 0, "its history came along");
    let effects = world.load(shipment).await.effects;
    assert!(!effects.is_empty() && effects.iter().all(|e| e.done_at.is_some()), "history is not notified: {effects:?}");
}

#[tokio::test]
async fn a_corrected_number_takes_its_delivery_away_again() {
    let world = World::new().await;
    let shipment = world.order(1, &["WRONG1"]).await;
    world.receives("WRONG1", DELIVERED).await;
    assert_eq!(world.state(shipment).await, State::Delivered);
    assert_eq!(world.order(1, &["RIGHT2"]).await, shipment);
    assert_eq!(world.state(shipment).await, State::Unknown, "the delivery was another shipment's");
    world.receives("RIGHT2", ON_THE_WAY).await;
    assert_eq!(world.state(shipment).await, State::InTransit);
}

#[tokio::test]
async fn one_container_moves_two_orders() {
    let world = World::new().await;
    let (first, second) = (world.order(1, &["BOX1"]).await, world.order(2, &["BOX1"]).await);
    world.receives("BOX1", ON_THE_WAY).await;
    assert_eq!((world.state(first).await, world.state(second).await), (State::InTransit, State::InTransit));
    world.receives("BOX1", DELIVERED).await;
    assert_eq!((world.state(first).await, world.state(second).await), (State::Delivered, State::Delivered));
}

#[tokio::test]
async fn an_older_list_that_comes_late_changes_nothing() {
    let world = World::new().await;
    let shipment = world.order(1, &["N1"]).await;
    world.receives("N1", DELIVERED).await;
    let before = world.load(shipment).await.shipment.folded.hash;
    world.receives("N1", ON_THE_WAY).await;
    let after = world.load(shipment).await.shipment;
    assert_eq!((after.folded.state, after.folded.hash), (State::Delivered, before));
}

#[tokio::test]
async fn the_same_message_twice_is_kept_once_and_answered_with_the_first_ones_thread() {
    let world = World::new().await;
    let first = world.receives("N1", ON_THE_WAY).await;
    let again = world.receives("N1", ON_THE_WAY).await;
    assert_eq!(
        (again.novelty, again.message, again.correlation),
        (Novelty::Repeated, first.message, first.correlation)
    );
}

#[tokio::test]
async fn authentic_bytes_that_cannot_be_read_wait_in_quarantine() {
    let world = World::new().await;
    let receipt = world.offer(br#"{"event_id":"x","msg":{"tracking_number":12345678901234567890}}"#).await.unwrap();
    let quarantined = MessageSelection { state: Some(MessageState::Quarantined), ..MessageSelection::default() };
    let page = world.context.store.inbox.messages(world.context.scope(), quarantined, None).await.unwrap();
    assert_eq!(page.rows.iter().map(|m| m.id).collect::<Vec<_>>(), [receipt.message]);
}

#[tokio::test]
async fn a_forged_message_is_refused_and_nothing_of_it_is_kept() {
    let world = World::new().await;
    let headers = HeaderMap::new();
    let request =
        RawRequest { method: "POST", path: "/ingest/aftership", query: "", peer: None, headers: &headers, body: b"{}" };
    let delivery = Delivery { source: "aftership", request, correlation: CorrelationId(world.clock.id()) };
    assert!(matches!(ingest::accept(&world.context, delivery).await, Err(Refused::NotVerified(_))));
    let delivery = Delivery { source: "nobody", request, correlation: CorrelationId(world.clock.id()) };
    assert!(matches!(ingest::accept(&world.context, delivery).await, Err(Refused::UnknownSource)));
    assert!(
        world
            .context
            .store
            .inbox
            .messages(world.context.scope(), MessageSelection::default(), None)
            .await
            .unwrap()
            .rows
            .is_empty()
    );
}

#[tokio::test]
async fn the_list_finds_a_shipment_by_its_number() {
    let world = World::new().await;
    world.order(1, &["N1"]).await;
    let other = world.order(2, &["N2"]).await;
    let question = ShipmentQuery { tab: ShipmentTab::All, text: Some("N2".into()), ..ShipmentQuery::default() };
    let page = world.context.store.shipments.list(world.context.scope(), question, world.context.now()).await.unwrap();
    assert_eq!(page.rows.iter().map(|r| r.id).collect::<Vec<_>>(), [other]);
}

#[tokio::test]
async fn an_import_of_more_pages_than_one_job_takes_goes_on_where_it_was() {
    let systems = Systems::new().await;
    let pickings: Vec<i64> = (0..1_250).map(|n| systems.add_order(&format!("N{n}"))).collect();
    assert_eq!(systems.import(1).await.created, 500);
    // changed behind the place where it goes on, and before it
    systems.odoo.edit(pickings[0], "carrier_tracking_ref", "CHANGED1".into());
    systems.odoo.edit(pickings[1_249], "carrier_tracking_ref", "LAST1".into());
    let second = systems.import(1).await;
    assert_eq!((second.created, second.changed, second.unchanged), (500, 0, 0));
    let third = systems.import(1).await;
    assert_eq!((third.created, third.changed, third.unchanged), (250, 0, 0));
    for _ in 0..3 {
        systems.import(1).await;
    }
    systems.world.settle().await;
    let found = async |number: &str| {
        let context = &systems.world.context;
        context.store.shipments.find(context.scope(), number).await.unwrap().len()
    };
    assert_eq!(found("CHANGED1").await, 1, "the next import takes in what was changed meanwhile");
    assert_eq!((found("N0").await, found("N1249").await, found("LAST1").await), (0, 0, 1));
}

/// A container's delivery, and the retraction of it, which names nothing but the event.
const DELIVERY: &str = r#"[{"metadata":{"eventID":"e-2","eventCreatedDateTime":"2026-03-04T15:20:00Z","eventType":"EQUIPMENT"},"payload":{"eventType":"EQUIPMENT",
    "eventClassifierCode":"ACT","eventDateTime":"2026-03-04T15:00:00+01:00","equipmentEventTypeCode":"DROP","equipmentReference":"CSQU3054383",
    "emptyIndicatorCode":"LADEN","facilityTypeCode":"CLOC","eventLocation":{"UNLocationCode":"DEBRE"}}}]"#;
const TAKEN_BACK: &str = r#"[{"metadata":{"eventID":"e-3","eventCreatedDateTime":"2026-03-04T18:20:00Z","eventType":"EQUIPMENT","retractedEventID":"e-2"}}]"#;

#[tokio::test]
async fn what_a_carrier_takes_back_is_taken_back_even_if_it_comes_first() {
    for order in [[DELIVERY, TAKEN_BACK], [TAKEN_BACK, DELIVERY]] {
        let world = World::new().await;
        world.source_with("line", "dcsa", "bearer").await;
        let shipment = world.order(1, &["CSQU3054383"]).await;
        for message in order {
            world.bring("line", message.as_bytes()).await;
            world.settle().await;
        }
        let folded = world.load(shipment).await.shipment.folded;
        assert_eq!((folded.state, folded.counts.retracted), (State::Unknown, 1));
        assert_eq!(world.unclaimed().await, 0, "a retraction is nobody's shipment");
    }
}
