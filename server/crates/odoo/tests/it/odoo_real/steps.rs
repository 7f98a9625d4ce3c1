//! Validations, proofs, invoices and returns on a real Odoo, each once.

use super::{Peer, marker};
use domain::effects::InvoiceFor;
use jiff::{Timestamp, civil::date};
use odoo::{
    Activity, Content, Invoice, Invoiced, People, Record, RecordKind, Returning, StatusValues, Transport, Validation,
};
use outbound::{Discard, ErrorClass};
use serde_json::{Value, json};

const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";
const BOTH: [Transport; 2] = [Transport::Json2, Transport::JsonRpc];

impl Peer {
    async fn one(&self, model: &str, id: i64, fields: &[&str]) -> Value {
        self.raw(&self.key, &format!("{model}/read"), json!({"ids": [id], "fields": fields})).await[0].clone()
    }

    /// A confirmed order of a product of its own, whose stock is kept or not; its id and its delivery's. What is invoiced is
    /// what was delivered.
    async fn order_of(&self, is_storable: bool) -> (i64, i64) {
        let product =
            json!({"name": "Of a test", "is_storable": is_storable, "list_price": 10, "invoice_policy": "delivery"});
        let made = self.raw(&self.admin_key, "product.product/create", json!({"vals_list": [product]})).await;
        let partner = json!({"domain": [["is_company", "=", true]], "limit": 1});
        let partner = self.raw(&self.key, "res.partner/search", partner).await;
        let line = json!([0, 0, {"product_id": made[0], "product_uom_qty": 1}]);
        let vals = json!({"partner_id": partner[0], "order_line": [line]});
        let order = self.raw(&self.key, "sale.order/create", json!({"vals_list": [vals]})).await[0].as_i64().unwrap();
        self.raw(&self.key, "sale.order/action_confirm", json!({"ids": [order]})).await;
        let found = json!({"domain": [["sale_id", "=", order]]});
        (order, self.raw(&self.key, "stock.picking/search", found).await[0].as_i64().unwrap())
    }
}

#[tokio::test]
async fn a_delivery_is_validated_once() {
    for transport in BOTH {
        let Some(peer) = Peer::find("a_delivery_is_validated_once", transport) else { return };
        let (bot, (_, picking)) = (peer.bot(), peer.order_of(false).await);
        let Validation::Now(name) = bot.validate(picking, &Discard).await.unwrap() else { panic!("{transport:?}") };
        assert_eq!(peer.read(picking, &["state", "name"]).await["state"], "done");
        assert_eq!(bot.validate(picking, &Discard).await.unwrap(), Validation::Before(name));
        let (order, cancelled) = peer.order_of(false).await;
        peer.raw(&peer.admin_key, "sale.order/action_cancel", json!({"ids": [order]})).await;
        assert_eq!(bot.validate(cancelled, &Discard).await.unwrap(), Validation::Cancelled);
        assert_eq!(bot.validate(999_999_999, &Discard).await.unwrap_err().class, ErrorClass::NotFound);
    }
}

#[tokio::test]
async fn a_delivery_without_stock_is_refused_in_words() {
    let Some(peer) = Peer::find("a_delivery_without_stock_is_refused_in_words", Transport::Auto) else { return };
    let (_, picking) = peer.order_of(true).await;
    let error = peer.bot().validate(picking, &Discard).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Rejected, "{error}");
    assert!(error.message.starts_with("Odoo has no stock for WH/OUT/"), "{error}");
    assert_ne!(peer.read(picking, &["state"]).await["state"], "done");
}

#[tokio::test]
async fn an_order_is_invoiced_once_and_posted() {
    for transport in BOTH {
        let Some(peer) = Peer::find("an_order_is_invoiced_once_and_posted", transport) else { return };
        let (bot, (order, picking)) = (peer.bot(), peer.order_of(false).await);
        let posted = Invoice::Posted(Timestamp::UNIX_EPOCH);
        let invoice = async |how| bot.invoice((order, picking), how, InvoiceFor::Order, &Discard).await;
        let waits = invoice(posted).await.unwrap();
        assert!(matches!(&waits, Invoiced::Waits(name) if name.starts_with("WH/OUT/")), "{waits:?}");
        bot.validate(picking, &Discard).await.unwrap();
        let draft = invoice(Invoice::Draft).await.unwrap();
        let Invoiced::Made { id, name: None } = draft else { panic!("{draft:?}") };
        assert_eq!(peer.one("account.move", id, &["state"]).await["state"], "draft");
        let made = invoice(posted).await.unwrap();
        let Invoiced::Made { id: same, name: Some(name) } = made else { panic!("{made:?}") };
        assert_eq!(same, id, "the draft is posted");
        let row = peer.one("account.move", id, &["state", "name", "invoice_origin"]).await;
        assert_eq!((&row["state"], &row["name"]), (&json!("posted"), &json!(name)));
        assert_eq!(invoice(posted).await.unwrap(), Invoiced::Made { id, name: Some(name) });
        let sold = peer.one("sale.order", order, &["invoice_ids", "invoice_status"]).await;
        assert_eq!((&sold["invoice_ids"], &sold["invoice_status"]), (&json!([id]), &json!("invoiced")));
    }
}

#[tokio::test]
async fn two_who_invoice_an_order_at_once_make_one_invoice() {
    let Some(peer) = Peer::find("two_who_invoice_an_order_at_once_make_one_invoice", Transport::Auto) else { return };
    let (bot, (order, picking)) = (peer.bot(), peer.order_of(false).await);
    bot.validate(picking, &Discard).await.unwrap();
    let invoice = || bot.invoice((order, picking), Invoice::Draft, InvoiceFor::Order, &Discard);
    let (one, other) = tokio::join!(invoice(), invoice());
    assert!(one.is_ok() || other.is_ok(), "{one:?}, {other:?}");
    // one that met the other tries again
    invoice().await.unwrap();
    let sold = peer.one("sale.order", order, &["invoice_ids"]).await;
    assert_eq!(sold["invoice_ids"].as_array().unwrap().len(), 1, "{sold}");
}

#[tokio::test]
async fn an_invoice_that_somebody_else_made_is_left_alone() {
    let Some(peer) = Peer::find("an_invoice_that_somebody_else_made_is_left_alone", Transport::Auto) else { return };
    let (bot, (order, picking)) = (peer.bot(), peer.order_of(false).await);
    bot.validate(picking, &Discard).await.unwrap();
    let vals = json!({"advance_payment_method": "delivered", "sale_order_ids": [[6, 0, [order]]]});
    let wizard = peer.raw(&peer.admin_key, "sale.advance.payment.inv/create", json!({"vals_list": [vals]})).await;
    peer.raw(&peer.admin_key, "sale.advance.payment.inv/create_invoices", json!({"ids": wizard})).await;
    let found = bot
        .invoice((order, picking), Invoice::Posted(Timestamp::UNIX_EPOCH), InvoiceFor::Order, &Discard)
        .await
        .unwrap();
    assert_eq!(found, Invoiced::ByOthers);
    let sold = peer.one("sale.order", order, &["invoice_ids"]).await;
    let made = sold["invoice_ids"][0].as_i64().unwrap();
    assert_eq!(peer.one("account.move", made, &["state"]).await["state"], "draft", "a draft of a person");
}

#[tokio::test]
async fn a_return_is_made_once() {
    for transport in BOTH {
        let Some(peer) = Peer::find("a_return_is_made_once", transport) else { return };
        let (bot, (_, picking)) = (peer.bot(), peer.order_of(false).await);
        assert_eq!(bot.make_return(picking, &Discard).await.unwrap(), Returning::NotLeft);
        bot.validate(picking, &Discard).await.unwrap();
        let made = bot.make_return(picking, &Discard).await.unwrap();
        let Returning::Made { id, name } = &made else { panic!("{made:?}") };
        let row = peer.read(*id, &["name", "return_id", "picking_type_code", "state"]).await;
        assert_eq!((row["name"].as_str(), &row["return_id"][0]), (Some(name.as_str()), &json!(picking)));
        assert_eq!(row["picking_type_code"], "incoming");
        assert_eq!(bot.make_return(picking, &Discard).await.unwrap(), made);
    }
}

#[tokio::test]
async fn a_document_is_attached_once() {
    for transport in BOTH {
        let Some(peer) = Peer::find("a_document_is_attached_once", transport) else { return };
        let (bot, (_, picking)) = (peer.bot(), peer.order_of(false).await);
        let file = Content::File { base64: PNG, mimetype: "image/png" };
        let link = Content::Link("https://pod.example.com/1?t=a");
        for (what, name, content) in [("file", "Signature.png", file), ("link", "Photo", link)] {
            let marker = marker(what, picking);
            let attach = async || bot.attach(picking, &marker, (name, content), &Discard).await.unwrap();
            let first = attach().await;
            assert_eq!(attach().await, first, "{what}");
        }
        let domain = json!([["res_model", "=", "stock.picking"], ["res_id", "=", picking]]);
        let body = json!({"domain": domain, "fields": ["name", "type", "url", "mimetype", "datas"], "order": "id"});
        let found = peer.raw(&peer.key, "ir.attachment/search_read", body).await;
        let found = found.as_array().unwrap();
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!((&found[0]["datas"], &found[0]["mimetype"]), (&json!(PNG), &json!("image/png")));
        assert_eq!((&found[1]["type"], &found[1]["url"]), (&json!("url"), &json!("https://pod.example.com/1?t=a")));
    }
}

#[tokio::test]
async fn an_order_shows_fields_and_has_activities_for_accounting() {
    let Some(peer) = Peer::find("an_order_shows_fields_and_has_activities_for_accounting", Transport::Auto) else {
        return;
    };
    let bot = peer.ready().await;
    let (order, _) = peer.order_of(false).await;
    let eta = "2026-12-01T17:30:00Z".parse().ok();
    let values = StatusValues {
        status: "IN_TRANSIT".into(),
        eta,
        promised: eta,
        case: Some("#17".into()),
        case_url: Some("https://desk.example.com/17".into()),
        ..StatusValues::default()
    };
    let record = Record::order(order);
    assert!(!bot.fields_to_write(RecordKind::Order, &values, None, &Discard).await.unwrap().is_empty());
    bot.write_status(record, &values, None, &Discard).await.unwrap();
    let fields = ["x_milepost_status", "x_milepost_promised", "x_milepost_case", "x_milepost_case_url"];
    let row = peer.one("sale.order", order, &fields).await;
    let shown: Vec<_> = fields.iter().map(|field| row[*field].as_str().unwrap_or_default()).collect();
    assert_eq!(shown, ["IN_TRANSIT", "2026-12-01 17:30:00", "#17", "https://desk.example.com/17"]);
    let cleared = StatusValues { case: None, case_url: None, ..values.clone() };
    bot.write_status(record, &cleared, Some(&values), &Discard).await.unwrap();
    assert_eq!(peer.one("sale.order", order, &fields).await["x_milepost_case"], false);

    let marker = marker("invoice", order);
    let people = People { first: Some("admin"), ..People::default() };
    let (summary, note_html) = ("Invoice S00001", "<p>WH/OUT/00001 has arrived.</p>");
    let activity = Activity { summary, note_html, deadline: date(2026, 12, 1), people };
    let schedule = async || bot.schedule_activity(record, &marker, &activity, &Discard).await.unwrap();
    let first = schedule().await;
    assert_eq!(schedule().await, first);
    let asked = peer.one("mail.activity", first.parse().unwrap(), &["user_id", "res_model", "res_id"]).await;
    assert_eq!((&asked["res_model"], &asked["res_id"]), (&json!("sale.order"), &json!(order)));
    let admin = json!({"domain": [["login", "=", "admin"]]});
    assert_eq!(asked["user_id"][0], peer.raw(&peer.admin_key, "res.users/search", admin).await[0]);
}
