//! What Milepost does in Odoo beside fields and notes: validations, proofs of delivery, invoices and returns, each once; and
//! what the order of several deliveries shows. Against a simulated Odoo, with time advanced.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::systems::Systems;
use app::contract::shipments::ShipmentView;
use application::odoo::{PROOF_AWAITED, REPAIRS_MAX};
use domain::access::Role;
use serde_json::{Value, json};
use simulator::{faults::Fault, odoo::Hindrance};

const SCANNED: &[(&str, &str)] = &[("InTransit_002", "2026-03-05T01:00:00")];
const DELIVERED: &[(&str, &str)] =
    &[("InTransit_002", "2026-03-05T01:00:00"), ("Delivered_001", "2026-03-05T11:00:00")];
const RETURNING: &[(&str, &str)] =
    &[("InTransit_002", "2026-03-05T01:00:00"), ("Exception_010", "2026-03-05T11:00:00")];
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";

impl Systems {
    async fn carrier_says(&self, number: &str, events: &[(&str, &str)]) {
        self.world.deliver_to(&self.world.context, number, events).await;
        self.world.settle().await;
    }

    fn state(&self, picking: i64) -> Value {
        self.odoo.value(picking, "state")
    }

    fn order_of(&self, picking: i64) -> i64 {
        self.odoo.linked(picking, "sale_id").unwrap()
    }

    fn order_field(&self, picking: i64, field: &str) -> Value {
        self.odoo.field("sale.order", self.order_of(picking), field)
    }

    fn invoices(&self) -> Vec<Value> {
        self.odoo.records_of("account.move", "move_type", &json!("out_invoice"))
    }

    /// A delivery that is received with a proof.
    async fn proved(&self, number: &str, event: &str, proof: Value) {
        let checkpoint = json!({"tag": "Delivered", "subtag": "Delivered_001", "city": "Lyon", "checkpoint_time": "2026-03-05T11:00:00"});
        let msg = json!({"id": format!("t-{number}"), "tracking_number": number, "slug": "dhl", "tag": "Delivered", "subtag": "Delivered_001",
            "updated_at": "2026-03-05T11:00:00+00:00", "proof_of_delivery": proof, "checkpoints": [checkpoint]});
        let body = json!({"event_id": event, "msg": msg}).to_string();
        self.world.offer(body.as_bytes()).await.unwrap();
    }

    fn attached(&self, picking: i64) -> Vec<Value> {
        self.odoo.records_of("ir.attachment", "res_id", &json!(picking))
    }

    async fn page(&self, number: &str) -> ShipmentView {
        let shipment = self.shipment(number).await;
        self.world.ports(Role::Agent).shipments.get(shipment.to_string(), None).await.unwrap()
    }

    async fn titles(&self, number: &str) -> Vec<String> {
        self.page(number).await.timeline.into_iter().map(|entry| entry.title).collect()
    }

    /// Odoo has a confirmed order with two deliveries.
    async fn two_deliveries(&self, first: &str, second: &str) -> (i64, i64) {
        let (one, other) = (self.add_order(first), self.add_order(second));
        let (order, name) = (self.order_of(one), self.odoo.value(one, "origin"));
        self.odoo.edit(other, "sale_id", json!([order, name]));
        self.odoo.edit(other, "origin", name);
        self.import(9).await;
        self.world.settle().await;
        (one, other)
    }
}

#[tokio::test]
async fn the_first_scan_validates_the_delivery_once_and_only_if_it_is_wanted() {
    for (wanted, state) in [("never", "assigned"), ("first_scan", "done")] {
        let systems = Systems::new().await;
        systems.set_odoo(&[("validate_on", wanted)]).await;
        let picking = systems.order("SCAN1").await;
        systems.carrier_says("SCAN1", &[("Pending_001", "2026-03-04T01:00:00")]).await;
        assert_eq!(systems.state(picking), "assigned", "nothing was scanned yet");
        systems.carrier_says("SCAN1", SCANNED).await;
        assert_eq!(systems.state(picking), state, "{wanted}");
        systems.carrier_says("SCAN1", DELIVERED).await;
        let validated = usize::from(wanted != "never");
        assert_eq!(systems.odoo.calls("stock.picking/button_validate"), validated, "{wanted}");
        let said = systems.titles("SCAN1").await;
        assert_eq!(
            said.iter().filter(|title| *title == "WH/OUT/SCAN1 validated in Odoo").count(),
            validated,
            "{said:?}"
        );
    }
}

#[tokio::test]
async fn what_stands_in_the_way_of_a_validation_is_dealt_with_or_said() {
    for (hindrance, backorders) in [(Hindrance::InPart, 1), (Hindrance::AsksSms, 0)] {
        let systems = Systems::new().await;
        systems.set_odoo(&[("validate_on", "first_scan")]).await;
        let picking = systems.order("SCAN1").await;
        systems.odoo.hinder(picking, hindrance);
        systems.carrier_says("SCAN1", SCANNED).await;
        assert_eq!(systems.state(picking), "done", "{hindrance:?}");
        let rest = systems.odoo.records_of("stock.picking", "backorder_id", &json!(picking));
        assert_eq!(rest.len(), backorders, "{hindrance:?}");
    }
    let systems = Systems::new().await;
    systems.set_odoo(&[("validate_on", "first_scan")]).await;
    let picking = systems.order("SCAN1").await;
    systems.odoo.hinder(picking, Hindrance::NoStock);
    systems.world.leaves_jobs();
    systems.carrier_says("SCAN1", SCANNED).await;
    assert_eq!((systems.state(picking), systems.dead().await), (json!("confirmed"), 1));
    assert_eq!(systems.status(picking).as_deref(), Some("PICKED_UP"), "the fields are written all the same");
    let context = &systems.world.context;
    let filter = storage::jobs::JobFilter::Failed;
    let failed = context.store.jobs.list(context.scope(), filter, Default::default(), None).await.unwrap().rows;
    let why =
        failed[0].error.as_ref().and_then(|error| context.texts.open(application::texts::Slot::Error, Some(error)));
    assert!(why.unwrap().contains("Odoo has no stock for WH/OUT/SCAN1, though the carrier has scanned it"));
    // somebody books the stock: with the next event it goes on
    systems.odoo.restock(picking);
    systems.carrier_says("SCAN1", DELIVERED).await;
    assert_eq!(systems.state(picking), "done");
}

#[tokio::test]
async fn a_validation_whose_answer_is_lost_is_looked_up() {
    let systems = Systems::new().await;
    systems.set_odoo(&[("validate_on", "first_scan")]).await;
    let picking = systems.order("SCAN1").await;
    systems.odoo.fail(Some("button_validate"), &Fault::ResetAfterApply, 1);
    systems.carrier_says("SCAN1", SCANNED).await;
    for _ in 0..10 {
        systems.advance(30).await;
    }
    assert_eq!((systems.state(picking), systems.dead().await), (json!("done"), 0));
    assert_eq!(systems.odoo.calls("stock.picking/button_validate"), 1);
    assert!(systems.titles("SCAN1").await.contains(&"WH/OUT/SCAN1 validated in Odoo".to_owned()));
}

#[tokio::test]
async fn history_validates_invoices_and_returns_nothing() {
    let systems = Systems::new().await;
    systems.set_odoo(&[("validate_on", "first_scan"), ("invoice", "post"), ("returns", "create")]).await;
    systems.order("ANOTHER1").await;
    systems.carrier_says("LATE1", DELIVERED).await;
    let picking = systems.order("LATE1").await;
    assert_eq!(systems.status(picking).as_deref(), Some("DELIVERED"));
    systems.odoo.edit(picking, "state", json!("done"));
    systems.import(9).await;
    systems.world.settle().await;
    systems.carrier_says("LATE1", &[DELIVERED[0], DELIVERED[1], ("Delivered_002", "2026-03-05T11:30:00")]).await;
    assert_eq!(systems.odoo.calls("stock.picking/button_validate"), 0);
    assert_eq!(systems.invoices().len(), 0);
}

#[tokio::test]
async fn a_proof_is_attached_once_when_it_comes() {
    let systems = Systems::new().await;
    let picking = systems.order("POD1").await;
    systems.carrier_says("POD1", DELIVERED).await;
    assert_eq!(systems.attached(picking), Vec::<Value>::new(), "nothing is made up");
    let proofs = json!([{"type": "signature", "data": PNG}, {"type": "photo", "url": "https://pod.example.com/1"}]);
    systems.odoo.fail(Some("ir.attachment/create"), &Fault::ResetAfterApply, 1);
    systems.proved("POD1", "e1", proofs.clone()).await;
    for _ in 0..10 {
        systems.advance(30).await;
    }
    systems.proved("POD1", "e2", proofs).await;
    let attached = systems.attached(picking);
    let of = |field: &str| attached.iter().map(|one| one[field].clone()).collect::<Vec<_>>();
    assert_eq!(of("name"), [json!("Signature POD1.png"), json!("Photo POD1 (2)")]);
    assert_eq!((of("datas")[0].clone(), of("url")[1].clone()), (json!(PNG), json!("https://pod.example.com/1")));
    let said = systems.titles("POD1").await;
    assert_eq!(said.iter().filter(|title| *title == "Proof of delivery attached in Odoo").count(), 1, "{said:?}");
    // neither picture nor link lies in what is recorded of the calls
    let (context, shipment) = (&systems.world.context, systems.shipment("POD1").await);
    let calls = context.store.jobs.attempts_of(context.scope(), shipment).await.unwrap();
    let asked =
        calls.iter().filter_map(|call| context.texts.open(application::texts::Slot::Request, call.request.as_ref()));
    assert!(asked.into_iter().all(|request| !request.contains(&PNG[..40])));

    let systems = Systems::new().await;
    systems.set_odoo(&[("proofs", "never")]).await;
    let picking = systems.order("POD1").await;
    systems.proved("POD1", "e1", json!(PNG)).await;
    assert_eq!(systems.attached(picking), Vec::<Value>::new());
}

#[tokio::test]
async fn a_proof_that_comes_later_is_attached_with_the_same_events_and_with_one_more() {
    for more in [None, Some(("Delivered_001", "2026-03-05T11:20:00"))] {
        let systems = Systems::new().await;
        systems.set_odoo(&[("validate_on", "first_scan"), ("invoice", "post"), ("invoice_on", "pod")]).await;
        let picking = systems.order("POD2").await;
        systems.carrier_says("POD2", DELIVERED).await;
        for _ in 0..3 {
            systems.advance(30).await;
        }
        assert_eq!((systems.attached(picking).len(), systems.invoices().len()), (0, 0), "{more:?}: it is awaited");
        let events: Vec<_> = DELIVERED.iter().copied().chain(more).collect();
        let checkpoint = |(subtag, time): &(&str, &str)| json!({"tag": subtag.split('_').next(), "subtag": subtag, "checkpoint_time": time, "city": "Lyon"});
        let (last, stamp) = events.last().copied().unwrap();
        let checkpoints: Vec<Value> = events.iter().map(checkpoint).collect();
        let msg = json!({"id": "t-POD2", "tracking_number": "POD2", "slug": "dhl", "tag": "Delivered", "subtag": last,
            "updated_at": format!("{stamp}+00:00"), "signed_by": "Jane Doe", "checkpoints": checkpoints,
            "proof_of_delivery": [{"type": "signature", "data": PNG}]});
        for event in ["later", "later still"] {
            let body = json!({"event_id": event, "msg": msg}).to_string();
            systems.world.offer(body.as_bytes()).await.unwrap();
            for _ in 0..3 {
                systems.advance(30).await;
            }
        }
        assert_eq!((systems.attached(picking).len(), systems.invoices().len()), (1, 1), "{more:?}");
    }
}

#[tokio::test]
async fn a_proof_that_does_not_come_is_awaited_for_thirty_days() {
    let systems = Systems::new().await;
    let picking = systems.order("NEVER1").await;
    systems.carrier_says("NEVER1", DELIVERED).await;
    let line = format!("No proof of delivery came within {} days", PROOF_AWAITED.as_hours() / 24);
    let said = async || systems.titles("NEVER1").await.iter().filter(|title| **title == line).count();
    systems.advance(PROOF_AWAITED.as_secs() - 3_600).await;
    systems.world.tick().await;
    systems.world.settle().await;
    assert_eq!(said().await, 0, "it may still come");
    systems.advance(2 * 3_600).await;
    systems.world.tick().await;
    systems.world.settle().await;
    assert_eq!(said().await, 1);
    systems.proved("NEVER1", "late", json!([{"type": "signature", "data": PNG}])).await;
    systems.world.settle().await;
    assert_eq!(systems.attached(picking), Vec::<Value>::new(), "it is not attached any more");
}

#[tokio::test]
async fn an_order_is_invoiced_once_when_all_of_it_has_arrived() {
    let systems = Systems::new().await;
    systems.set_odoo(&[("validate_on", "first_scan"), ("invoice", "post")]).await;
    let (one, other) = systems.two_deliveries("INV1", "INV2").await;
    systems.carrier_says("INV1", DELIVERED).await;
    assert_eq!(systems.state(one), "done");
    assert_eq!(systems.invoices().len(), 0, "the other has not arrived");
    systems.odoo.fail(Some("create_invoices"), &Fault::ResetAfterApply, 1);
    systems.carrier_says("INV2", DELIVERED).await;
    for _ in 0..10 {
        systems.advance(30).await;
    }
    let invoices = systems.invoices();
    assert_eq!(invoices.len(), 1, "{invoices:?}");
    assert_eq!((&invoices[0]["state"], &invoices[0]["name"]), (&json!("posted"), &json!("INV/2026/00001")));
    assert_eq!(systems.odoo.calls("account.move/action_post"), 1);
    for number in ["INV1", "INV2"] {
        let said = systems.titles(number).await;
        let lines = said.iter().filter(|title| *title == "Invoice INV/2026/00001 posted in Odoo").count();
        assert_eq!(lines, 1, "{number}: {said:?}");
    }
    // a later event, and a return that makes the order due again, make no second one
    systems.odoo.edit_linked(other, "sale_id", "invoice_status", json!("to invoice"));
    systems.carrier_says("INV2", &[DELIVERED[0], DELIVERED[1], ("Delivered_002", "2026-03-05T11:40:00")]).await;
    assert_eq!(systems.invoices().len(), 1);
}

#[tokio::test]
async fn what_is_made_of_an_invoice_follows_the_settings() {
    for (settings, invoices, state) in [
        (vec![("invoice", "draft")], 1, "draft"),
        (vec![("invoice", "post")], 1, "posted"),
        (vec![("invoice", "post"), ("invoice_on", "pod")], 0, ""),
        (vec![("invoice", "release")], 0, ""),
        (vec![], 0, ""),
    ] {
        let systems = Systems::new().await;
        systems.set_odoo(&settings).await;
        systems.set_odoo(&[("validate_on", "first_scan")]).await;
        let picking = systems.order("INV1").await;
        systems.carrier_says("INV1", DELIVERED).await;
        let made = systems.invoices();
        assert_eq!(
            (made.len(), made.first().map_or("", |one| one["state"].as_str().unwrap())),
            (invoices, state),
            "{settings:?}"
        );
        let asked = systems.odoo.records_of("mail.activity", "res_id", &json!(systems.order_of(picking)));
        assert_eq!(asked.len(), usize::from(settings == [("invoice", "release")]), "{settings:?}");
        // the proof that was waited for
        systems.proved("INV1", "e9", json!("https://pod.example.com/1")).await;
        let expected = if settings.len() == 2 { 1 } else { invoices };
        assert_eq!(systems.invoices().len(), expected, "{settings:?}, with a proof");
    }
}

#[tokio::test]
async fn an_invoice_waits_for_the_validation_and_nothing_to_invoice_is_said() {
    let systems = Systems::new().await;
    systems.set_odoo(&[("invoice", "post")]).await;
    let picking = systems.order("INV1").await;
    systems.carrier_says("INV1", DELIVERED).await;
    assert_eq!((systems.invoices().len(), systems.dead().await), (0, 0), "it is not validated in Odoo");
    systems.odoo.edit(picking, "state", json!("done"));
    systems.odoo.edit_linked(picking, "sale_id", "invoice_status", json!("to invoice"));
    systems.import(9).await;
    systems.world.settle().await;
    assert_eq!(systems.invoices().len(), 1, "somebody has validated it");

    let systems = Systems::new().await;
    systems.set_odoo(&[("invoice", "post")]).await;
    let picking = systems.order("INV2").await;
    systems.odoo.edit(picking, "state", json!("done"));
    systems.import(9).await;
    systems.world.leaves_jobs();
    systems.carrier_says("INV2", DELIVERED).await;
    assert_eq!((systems.invoices().len(), systems.dead().await), (0, 1), "Odoo says that there is nothing to invoice");
}

#[tokio::test]
async fn a_delivery_that_is_retracted_after_the_invoice_leaves_it_and_asks_to_check_it() {
    let systems = Systems::new().await;
    systems.set_odoo(&[("validate_on", "first_scan"), ("invoice", "post"), ("accounting_user", "clerk")]).await;
    let picking = systems.order("INV1").await;
    systems.carrier_says("INV1", DELIVERED).await;
    assert_eq!(systems.invoices().len(), 1);
    assert_eq!(systems.order_field(picking, "x_milepost_status"), "DELIVERED");
    // a newer list without it
    systems.carrier_says("INV1", &[DELIVERED[0], ("InTransit_003", "2026-03-05T11:30:00")]).await;
    assert_eq!(systems.status(picking).as_deref(), Some("IN_TRANSIT"));
    assert_eq!(systems.odoo.value(picking, "x_milepost_delivered_at"), false);
    assert_eq!(systems.order_field(picking, "x_milepost_delivered_at"), false);
    let invoices = systems.invoices();
    assert_eq!((invoices.len(), &invoices[0]["state"]), (1, &json!("posted")), "it is left alone");
    let asked = systems.odoo.records_of("mail.activity", "res_id", &json!(systems.order_of(picking)));
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!(asked[0]["summary"], "Check invoice INV/2026/00001");
    assert!(systems.odoo.notes(picking).iter().any(|(_, note)| note.contains("Correction by the carrier")));
}

#[tokio::test]
async fn a_return_is_made_once_for_what_comes_back() {
    for wanted in ["never", "create"] {
        let systems = Systems::new().await;
        systems.set_odoo(&[("validate_on", "first_scan"), ("returns", wanted)]).await;
        let picking = systems.order("BACK1").await;
        systems.odoo.fail(Some("action_create_returns_all"), &Fault::ResetAfterApply, 1);
        systems.carrier_says("BACK1", RETURNING).await;
        for _ in 0..10 {
            systems.advance(30).await;
        }
        assert_eq!(systems.status(picking).as_deref(), Some("RETURNING"));
        let returns = systems.odoo.records_of("stock.picking", "return_id", &json!(picking));
        assert_eq!(returns.len(), usize::from(wanted == "create"), "{wanted}: {returns:?}");
        let said = systems.titles("BACK1").await;
        let line = |title: &&String| title.starts_with("Return WH/IN/") && title.ends_with("created in Odoo");
        assert_eq!(said.iter().filter(line).count(), returns.len(), "{said:?}");
    }
}

#[tokio::test]
async fn an_order_shows_what_its_deliveries_come_to() {
    let systems = Systems::new().await;
    let (one, other) = systems.two_deliveries("PART1", "PART2").await;
    assert_eq!(systems.order_field(one, "x_milepost_status"), "UNKNOWN");
    systems.carrier_says("PART1", DELIVERED).await;
    assert_eq!(systems.status(one).as_deref(), Some("DELIVERED"));
    assert_eq!(systems.order_field(one, "x_milepost_status"), "UNKNOWN", "the other has not left");
    systems.carrier_says("PART2", SCANNED).await;
    assert_eq!(systems.order_field(one, "x_milepost_status"), "PICKED_UP");
    systems.carrier_says("PART2", &[SCANNED[0], ("Exception_012", "2026-03-05T08:00:00")]).await;
    assert_eq!(systems.order_field(one, "x_milepost_exception"), "Damaged");
    // the other is cancelled: what is left has arrived
    systems.odoo.edit(other, "state", json!("cancel"));
    systems.import(9).await;
    systems.world.settle().await;
    assert_eq!(systems.order_field(one, "x_milepost_status"), "DELIVERED");
    assert_eq!(systems.order_field(one, "x_milepost_exception"), false);
    assert_ne!(systems.order_field(one, "x_milepost_delivered_at"), false);
}

#[tokio::test]
async fn a_ticket_is_shown_on_the_delivery_and_its_order_while_it_is_open() {
    let systems = Systems::new().await;
    let picking = systems.order("CASE1").await;
    systems.carrier_says("CASE1", &[SCANNED[0], ("Exception_012", "2026-03-05T08:00:00")]).await;
    systems.advance(3 * 3_600).await;
    let ticket = systems.page("CASE1").await;
    assert!(!ticket.timeline.is_empty());
    for field in ["x_milepost_case", "x_milepost_case_url"] {
        let shown = systems.odoo.value(picking, field);
        assert!(shown.is_string(), "{field}: {shown}");
        assert_eq!(systems.order_field(picking, field), shown);
    }
    systems
        .carrier_says(
            "CASE1",
            &[SCANNED[0], ("Exception_012", "2026-03-05T08:00:00"), ("Delivered_001", "2026-03-05T14:00:00")],
        )
        .await;
}

#[tokio::test]
async fn fields_of_an_order_changed_by_hand_are_set_back_and_that_is_said_on_the_order_once() {
    let systems = Systems::new().await;
    let (one, other) = systems.two_deliveries("PART1", "PART2").await;
    systems.carrier_says("PART1", SCANNED).await;
    systems.carrier_says("PART2", SCANNED).await;
    let said =
        || -> Vec<String> { systems.odoo.notes(systems.order_of(one)).into_iter().map(|(_, body)| body).collect() };
    for (field, typed, written) in [
        ("x_milepost_status", json!("DELIVERED"), json!("PICKED_UP")),
        ("x_milepost_exception", json!("all is well"), json!(false)),
    ] {
        let before = said().len();
        systems.odoo.edit_linked(one, "sale_id", field, typed.clone());
        for _ in 0..3 {
            systems.import(9).await;
            systems.world.settle().await;
        }
        assert_eq!(systems.order_field(one, field), written, "{field}");
        let notes = said();
        assert_eq!(notes.len(), before + 1, "once: {notes:?}");
        let note = notes.last().unwrap();
        assert!(note.contains("changed by hand to") && note.contains(typed.as_str().unwrap()), "{note}");
    }
    for picking in [one, other] {
        let notes = systems.odoo.notes(picking);
        assert!(!notes.iter().any(|(_, body)| body.contains("changed by hand")), "on the order alone: {notes:?}");
    }
    // what Milepost itself writes there is no change of another
    systems.carrier_says("PART1", DELIVERED).await;
    systems.carrier_says("PART2", DELIVERED).await;
    systems.import(9).await;
    systems.world.settle().await;
    assert_eq!(systems.order_field(one, "x_milepost_status"), "DELIVERED");
    assert_eq!(said().len(), 2);
}

#[tokio::test]
async fn an_order_that_is_changed_again_and_again_is_left_after_a_while() {
    let systems = Systems::new().await;
    let (one, _) = systems.two_deliveries("PART1", "PART2").await;
    systems.carrier_says("PART1", SCANNED).await;
    let edits = async |times: usize| {
        for _ in 0..times {
            systems.odoo.edit_linked(one, "sale_id", "x_milepost_status", json!("FAILED"));
            systems.import(9).await;
            systems.world.settle().await;
        }
        let notes = systems.odoo.notes(systems.order_of(one));
        let of = |words: &str| notes.iter().filter(|(_, body)| body.contains(words)).count();
        (of("set back to"), of("again and again"))
    };
    assert_eq!(edits(REPAIRS_MAX + 3).await, (REPAIRS_MAX, 1));
    assert_eq!(systems.order_field(one, "x_milepost_status"), "FAILED", "left so");
    systems.advance(86_400 + 60).await;
    assert_eq!(edits(1).await, (REPAIRS_MAX + 1, 1), "a day later it is tried again");
    assert_ne!(systems.order_field(one, "x_milepost_status"), "FAILED");
}

#[tokio::test]
async fn a_burst_of_events_takes_few_updates() {
    let systems = Systems::paced().await;
    let picking = systems.order("BURST1").await;
    systems.advance(60).await;
    let before = systems.odoo.calls("stock.picking/write");
    let mut events = Vec::new();
    let times: Vec<String> = (0..20).map(|n| format!("2026-03-05T10:{n:02}:00")).collect();
    for time in &times {
        events.push(("InTransit_003", time.as_str()));
        systems.carrier_says("BURST1", &events).await;
        systems.world.clock.advance(jiff::Span::new().seconds(1));
    }
    for _ in 0..5 {
        systems.advance(10).await;
    }
    let writes = systems.odoo.calls("stock.picking/write") - before;
    assert!((1..=3).contains(&writes), "{writes} writes");
    let last = systems.odoo.value(picking, "x_milepost_last_event");
    assert!(last.as_str().unwrap().contains("10:19"), "{last}");
}

#[tokio::test]
async fn an_activity_is_for_the_salesperson_the_warehouse_or_the_fallback() {
    for (salesperson, settings, expected) in [
        (true, vec![("warehouse_users", "WH=clerk")], "order"),
        (false, vec![("warehouse_users", "PL=nobody, WH=clerk"), ("fallback_user", "other")], "clerk"),
        (false, vec![("warehouse_users", "PL=clerk"), ("fallback_user", "clerk")], "clerk"),
        (false, vec![("fallback_user", "unknown")], "nobody"),
    ] {
        let systems = Systems::new().await;
        systems.set_odoo(&settings).await;
        let picking = systems.add_order("WHO1");
        let clerk = systems.odoo.field("sale.order", systems.order_of(picking), "user_id")[0].clone();
        if !salesperson {
            systems.odoo.edit_linked(picking, "sale_id", "user_id", json!(false));
        }
        systems.import(9).await;
        systems.world.settle().await;
        systems.carrier_says("WHO1", &[SCANNED[0], ("Exception_012", "2026-03-05T08:00:00")]).await;
        let asked = systems.odoo.records_of("mail.activity", "res_id", &json!(picking));
        let user = &asked[0]["user_id"];
        assert_eq!(*user == clerk, expected != "nobody", "{settings:?}: {asked:?}");
    }
}
