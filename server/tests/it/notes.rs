//! What notes and fields in Odoo say, how few calls they take, and what becomes of fields that others change. Against a
//! simulated Odoo, with time advanced.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::systems::Systems;
use application::{
    odoo::REPAIRS_MAX,
    texts::Slot,
    tracking::proof::{self, Proof},
};
use domain::Milestone;
use domain::access::Role;
use server::config::Settings;
use simulator::faults::Fault;

const DELIVERED: &[(&str, &str)] =
    &[("InTransit_003", "2026-03-05T01:00:00"), ("Delivered_001", "2026-03-05T11:00:00")];
const DAMAGED: &[(&str, &str)] = &[("InTransit_003", "2026-03-05T01:00:00"), ("Exception_012", "2026-03-05T08:00:00")];

impl Systems {
    async fn receives(&self, number: &str, checkpoints: &[(&str, &str)]) {
        self.world.deliver_to(&self.world.context, number, checkpoints).await;
        self.world.settle().await;
    }

    fn bodies(&self, picking: i64) -> Vec<String> {
        self.odoo.notes(picking).into_iter().map(|(_, body)| body).collect()
    }

    /// AfterShip tells a delivery, and who signed for it.
    async fn signed(&self, number: &str, event: &str, signed_by: Option<&str>) {
        let checkpoint = serde_json::json!({"tag": "Delivered", "subtag": "Delivered_001", "city": "Lyon", "checkpoint_time": "2026-03-05T11:00:00"});
        let msg = serde_json::json!({"id": format!("t-{number}"), "tracking_number": number, "slug": "dhl", "tag": "Delivered", "subtag": "Delivered_001",
            "updated_at": "2026-03-05T11:00:00+00:00", "signed_by": signed_by, "checkpoints": [checkpoint]});
        let body = serde_json::json!({"event_id": event, "msg": msg}).to_string();
        self.world.offer(body.as_bytes()).await.unwrap();
    }
}

#[tokio::test]
async fn a_note_names_the_number_of_the_piece_and_its_carrier() {
    let systems = Systems::new().await;
    let picking = systems.order("PIECE000001,PIECE000002").await;
    systems.receives("PIECE000002", DELIVERED).await;
    let posted = systems.bodies(picking);
    assert!(!posted.is_empty() && posted.iter().all(|note| note.contains(", PIECE000002, DHL")), "{posted:?}");
    assert!(posted.iter().all(|note| !note.contains("PIECE000001")), "{posted:?}");
    systems.receives("PIECE000001", DELIVERED).await;
    let posted = systems.bodies(picking);
    assert!(posted.last().unwrap().contains(", PIECE000001, DHL"), "{posted:?}");
}

#[tokio::test]
async fn five_hundred_deliveries_that_change_alike_take_few_writes() {
    let systems = Systems::new().await;
    let pickings: Vec<i64> = (0..500).map(|n| systems.add_order(&format!("MANY{n}"))).collect();
    systems.import(9).await;
    systems.world.settle().await;
    for (events, status) in [(&DELIVERED[..1], "IN_TRANSIT"), (DELIVERED, "DELIVERED")] {
        let before = systems.odoo.calls("stock.picking/write");
        for n in 0..500 {
            systems.world.deliver_to(&systems.world.context, &format!("MANY{n}"), events).await;
        }
        systems.world.settle().await;
        let writes = systems.odoo.calls("stock.picking/write") - before;
        assert!(writes <= 20, "{writes} writes");
        for picking in &pickings {
            assert_eq!(systems.status(*picking).as_deref(), Some(status));
            assert!(systems.odoo.value(*picking, "x_milepost_url").as_str().unwrap().contains("/shipments/"));
        }
    }
    let mut pages: Vec<_> = pickings.iter().map(|p| systems.odoo.value(*p, "x_milepost_url").to_string()).collect();
    pages.sort();
    pages.dedup();
    assert_eq!(pages.len(), 500, "each has its own");
    // each call stands in the timeline of each delivery that it was for
    let shipment = systems.shipment("MANY7").await;
    let context = &systems.world.context;
    let calls = context.store.jobs.attempts_of(context.scope(), shipment).await.unwrap();
    assert_eq!(calls.iter().filter(|call| call.operation == "stock.picking/write").count(), 3, "{calls:?}");
}

#[tokio::test]
async fn a_call_for_several_that_fails_is_split_or_waits_and_nothing_is_lost() {
    for fault in [
        Fault::Error("odoo.exceptions.ValidationError"),
        Fault::Error("odoo.exceptions.MissingError"),
        Fault::RateLimited(30),
        Fault::ResetAfterApply,
        Fault::Error("down"),
    ] {
        let systems = Systems::new().await;
        let pickings = systems.orders().await;
        systems.odoo.fail(Some("stock.picking/write"), &fault, 1);
        systems.say(DELIVERED).await;
        for _ in 0..20 {
            systems.advance(30).await;
        }
        for picking in &pickings {
            assert_eq!(systems.status(*picking).as_deref(), Some("DELIVERED"), "{fault:?}");
            let posted = systems.bodies(*picking);
            assert_eq!(posted.iter().filter(|note| note.contains("Delivered")).count(), 1, "{fault:?}: {posted:?}");
        }
        assert_eq!(systems.dead().await, 0, "{fault:?}");
    }
}

#[tokio::test]
async fn one_delivery_that_is_gone_does_not_hold_up_those_that_are_written_with_it() {
    let systems = Systems::new().await;
    let pickings = systems.orders().await;
    systems.odoo.delete(pickings[3]);
    systems.world.leaves_jobs();
    systems.say(DELIVERED).await;
    let delivered = pickings.iter().filter(|p| systems.status(**p).is_some_and(|s| s == "DELIVERED")).count();
    assert_eq!(delivered, pickings.len() - 1);
    assert_eq!(systems.dead().await, 1, "its job alone fails");
}

#[tokio::test]
async fn fields_changed_by_hand_are_set_back_and_that_is_said_once() {
    let systems = Systems::new().await;
    let picking = systems.order("HAND1").await;
    systems.receives("HAND1", DAMAGED).await;
    let before = systems.bodies(picking).len();
    for (field, typed, written) in [
        ("x_milepost_exception", serde_json::json!("nothing at all"), serde_json::json!("Damaged")),
        ("x_milepost_status", "DELIVERED".into(), "IN_TRANSIT".into()),
    ] {
        systems.odoo.edit(picking, field, typed.clone());
        for _ in 0..3 {
            systems.import(9).await;
            systems.world.settle().await;
        }
        assert_eq!(systems.odoo.value(picking, field), written, "{field}");
        let said = systems.bodies(picking);
        let about: Vec<_> = said.iter().filter(|note| note.contains(typed.as_str().unwrap())).collect();
        assert_eq!(about.len(), 1, "{said:?}");
        assert!(about[0].contains("changed by hand to") && about[0].contains(written.as_str().unwrap()), "{about:?}");
    }
    assert_eq!(systems.bodies(picking).len(), before + 2, "once each");

    // what Milepost itself has not written yet is no change of somebody else
    systems.receives("HAND1", &[DAMAGED[0], DAMAGED[1], ("OutForDelivery_001", "2026-03-05T11:00:00")]).await;
    systems.import(9).await;
    systems.world.settle().await;
    assert_eq!(systems.status(picking).as_deref(), Some("OUT_FOR_DELIVERY"));
    assert_eq!(systems.bodies(picking).iter().filter(|note| note.contains("changed by hand")).count(), 2);
}

#[tokio::test]
async fn an_exception_typed_by_hand_where_there_is_none_goes_away() {
    let systems = Systems::new().await;
    let picking = systems.order("HAND1").await;
    systems.odoo.edit(picking, "x_milepost_exception", "Lost".into());
    systems.import(9).await;
    systems.world.settle().await;
    assert_eq!(systems.odoo.value(picking, "x_milepost_exception"), false);
    assert_eq!(systems.bodies(picking).iter().filter(|note| note.contains("changed by hand to “Lost”")).count(), 1);
}

#[tokio::test]
async fn whoever_changes_them_again_and_again_is_not_fought() {
    let systems = Systems::new().await;
    let picking = systems.order("HAND1").await;
    systems.receives("HAND1", DAMAGED).await;
    let fights = async |times: usize| {
        for _ in 0..times {
            systems.odoo.edit(picking, "x_milepost_exception", "mine".into());
            systems.import(9).await;
            systems.world.settle().await;
        }
        let notes = systems.bodies(picking);
        let of = |words: &str| notes.iter().filter(|note| note.contains(words)).count();
        (of("set back to"), of("again and again"))
    };
    assert_eq!(fights(REPAIRS_MAX + 5).await, (REPAIRS_MAX, 1));
    assert_eq!(systems.odoo.value(picking, "x_milepost_exception"), "mine", "left so");
    systems.advance(86_400 + 60).await;
    assert_eq!(fights(1).await, (REPAIRS_MAX + 1, 1), "a day later it is tried again");
    assert_eq!(systems.odoo.value(picking, "x_milepost_exception"), "Damaged");
}

#[tokio::test]
async fn of_many_messages_about_a_delivery_few_are_opened() {
    // which of the messages names who signed, the oldest first, and whether that is found
    for (named, found) in [(0, true), (1, false), (5, false), (6, true), (8, true)] {
        let systems = Systems::new().await;
        systems.order("POD1").await;
        for n in 0..9 {
            systems.world.clock.advance(jiff::Span::new().seconds(1));
            systems.signed("POD1", &format!("e{n}"), (n == named).then_some("Jane Doe")).await;
        }
        let (context, shipment) = (&systems.world.context, systems.shipment("POD1").await);
        let loaded = systems.world.load(shipment).await;
        let delivered: Vec<_> = loaded.input.facts.iter().map(|fact| fact.sightings.len()).collect();
        assert_eq!(delivered, [9], "one delivery, and nine messages about it");
        let proofs = proof::of(context, context.scope(), &loaded, &loaded.shipment.folded).await.unwrap();
        assert_eq!(!proofs.named.is_empty(), found, "message {named}");
    }
}

#[tokio::test]
async fn one_message_of_each_piece_is_opened_first_and_what_is_left_out_is_counted() {
    let systems = Systems::new().await;
    let numbers: Vec<_> = (0..7).map(|n| format!("PIECE00000{n}")).collect();
    systems.order(&numbers.join(",")).await;
    let signed = async |n: usize, event: &str, by: Option<&str>| {
        systems.world.clock.advance(jiff::Span::new().seconds(1));
        systems.signed(&numbers[n], &format!("{event}{n}"), by).await;
    };
    let (context, shipment) = (&systems.world.context, systems.shipment(&numbers[0]).await);
    let read = async || {
        let loaded = systems.world.load(shipment).await;
        let proofs = proof::of(context, context.scope(), &loaded, &loaded.shipment.folded).await.unwrap();
        let mut names: Vec<_> = proofs.named.into_iter().map(|proof| proof.signed_by).collect();
        names.sort();
        (names.join(" "), proofs.unread)
    };
    for n in 0..4 {
        signed(n, "e", Some(&format!("Jane{n}"))).await;
    }
    for event in ["a", "b", "c"] {
        signed(4, event, None).await;
    }
    assert_eq!(
        read().await,
        ("Jane0 Jane1 Jane2 Jane3".to_owned(), 0),
        "one that nobody signed for is in nobody's way"
    );
    signed(4, "d", Some("Jane4")).await;
    assert_eq!(read().await, ("Jane0 Jane1 Jane2 Jane3 Jane4".to_owned(), 0));
    for n in [5, 6] {
        signed(n, "e", Some(&format!("Jane{n}"))).await;
    }
    let (names, unread) = read().await;
    assert_eq!((names.split(' ').count(), unread), (5, 2), "{names}");
}

#[tokio::test]
async fn who_signed_is_shown_to_whoever_may_see_it_and_named_in_odoo_only_if_wanted() {
    for wanted in [false, true] {
        let settings = Settings { odoo_signatory: wanted, ..Settings::default() };
        let systems = Systems::configured(settings).await;
        let picking = systems.order("POD1").await;
        // some carriers name it only in a later message about the same event
        let late = wanted;
        if late {
            systems.signed("POD1", "e1", None).await;
        }
        systems.signed("POD1", "e2", Some("Jane Doe")).await;
        let (context, shipment) = (&systems.world.context, systems.shipment("POD1").await);
        let loaded = systems.world.load(shipment).await;
        let proofs = proof::of(context, context.scope(), &loaded, &loaded.shipment.folded).await.unwrap();
        let fact = loaded.input.facts.iter().find(|f| f.reading.milestone == Milestone::Delivered).unwrap().id;
        assert_eq!(proofs.named, [Proof { fact, signed_by: "Jane Doe".into() }]);
        for (role, shown) in [(Role::Agent, "Jane Doe"), (Role::Executive, "J•••• D••••")] {
            let view = systems.world.ports(role).shipments.get(shipment.to_string(), None).await.unwrap();
            assert_eq!(view.proofs.iter().map(|p| p.signed_by.as_str()).collect::<Vec<_>>(), [shown]);
        }
        let posted = systems.bodies(picking);
        assert_eq!(posted.iter().any(|note| note.contains("Jane Doe")), wanted && !late, "{posted:?}");
        let calls = context.store.jobs.attempts_of(context.scope(), shipment).await.unwrap();
        let asked = calls.iter().filter_map(|call| context.texts.open(Slot::Request, call.request.as_ref()));
        let asked: Vec<String> = asked.collect();
        assert!(!asked.is_empty() && asked.iter().all(|request| !request.contains("Jane")), "{asked:?}");
    }
    let systems = Systems::configured(Settings { odoo_signatory: true, ..Settings::default() }).await;
    let picking = systems.order("POD2").await;
    systems.signed("POD2", "e1", Some("Jane Doe")).await;
    assert!(
        systems
            .bodies(picking)
            .iter()
            .any(|note| note.contains("signed by <span class=\"milepost-personal\">Jane Doe</span>"))
    );
}
