//! Against a real Odoo 19 (`tests/peers/odoo-peer.sh`). Each test makes its own order.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod booking;
mod keys;
mod steps;

use jiff::{Timestamp, civil::date};
use odoo::{
    Activity, DeliveryState, OdooClient, OdooConfig, People, Record, RecordKind, Since, StatusValues, Transport,
    changed_by_others,
};
use outbound::{Call, CallLog, Discard, ErrorClass, Outcome};
use serde_json::{Value, json};
use std::{io::Write, sync::Mutex};

/// Each test over both APIs: a real Odoo 19 has JSON-2 and the older JSON-RPC.
macro_rules! over_both {
    (@$module:ident, $transport:ident, $($test:ident,)*) => {
        mod $module {
            $(#[tokio::test]
            async fn $test() {
                let name = concat!(stringify!($module), "::", stringify!($test));
                if let Some(peer) = super::Peer::find(name, odoo::Transport::$transport) {
                    super::$test(peer).await;
                }
            })*
        }
    };
    ($($test:ident,)*) => {
        over_both!(@json2, Json2, $($test,)*);
        over_both!(@jsonrpc, JsonRpc, $($test,)*);
    };
}

over_both!(
    odoo_says_which_it_is_and_a_wrong_key_is_unauthorized,
    setup_makes_what_is_missing_once_and_needs_an_administrator,
    a_changed_delivery_comes_in_with_all_that_is_needed,
    changes_of_the_order_and_deletions_are_seen,
    status_is_written_where_it_differs_and_cleared_again,
    a_delivery_that_is_gone_does_not_hold_up_the_others,
    a_note_is_there_once_however_often_it_is_posted,
    an_activity_is_scheduled_once_and_completed_once,
    fields_that_somebody_changed_are_seen,
    equal_values_of_many_deliveries_are_one_call,
);

struct Peer {
    url: String,
    database: String,
    key: String,
    admin_key: String,
    transport: Transport,
}

impl Peer {
    fn find(test: &str, transport: Transport) -> Option<Self> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let var = |name: &str| std::env::var(name).ok();
        let file =
            |name: &str| var(name).and_then(|path| std::fs::read_to_string(path).ok()).map(|k| k.trim().to_owned());
        let found = (|| {
            Some(Self {
                url: var("MILEPOST_TEST_ODOO_URL")?,
                database: var("MILEPOST_TEST_ODOO_DATABASE")?,
                key: file("MILEPOST_TEST_ODOO_KEY_FILE")?,
                admin_key: file("MILEPOST_TEST_ODOO_ADMIN_KEY_FILE")?,
                transport,
            })
        })();
        if found.is_none() {
            skipped(test);
        }
        found
    }

    fn config(&self, key: &str) -> OdooConfig {
        let login = if key == self.admin_key { "admin" } else { "milepost-bot" };
        let config = OdooConfig::new(&self.url, &self.database, key);
        OdooConfig { login: Some(login.into()), transport: self.transport, ..config }
    }

    fn client(&self, key: &str) -> OdooClient {
        OdooClient::new(self.config(key)).unwrap()
    }

    fn bot(&self) -> OdooClient {
        self.client(&self.key)
    }

    /// A client whose Odoo has the fields.
    async fn ready(&self) -> OdooClient {
        // tests run at once: on a fresh database several make the fields, and all but one meet the other's
        for _ in 0..20 {
            if self.client(&self.admin_key).setup(&Discard).await.is_ok() {
                return self.bot();
            }
            tokio::time::sleep(std::time::Duration::from_millis(250)).await;
        }
        panic!("Odoo does not get its fields");
    }

    async fn raw(&self, key: &str, path: &str, body: Value) -> Value {
        let http = reqwest::Client::new();
        let request =
            http.post(format!("{}/json/2/{path}", self.url)).bearer_auth(key).header("X-Odoo-Database", &self.database);
        let answer = request.json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
        answer.json().await.unwrap()
    }

    /// A confirmed order; its id and its delivery's.
    async fn order(&self, commitment: Option<&str>) -> (i64, i64) {
        let product = self
            .raw(
                &self.key,
                "product.product/search",
                json!({"domain": [["type", "=", "consu"], ["sale_ok", "=", true]], "limit": 1}),
            )
            .await;
        let partner = self
            .raw(
                &self.key,
                "res.partner/search",
                json!({"domain": [["is_company", "=", true], ["city", "!=", false]], "limit": 1}),
            )
            .await;
        let mut vals =
            json!({"partner_id": partner[0], "order_line": [[0, 0, {"product_id": product[0], "product_uom_qty": 1}]]});
        if let Some(commitment) = commitment {
            vals["commitment_date"] = json!(commitment);
        }
        let order = self.raw(&self.key, "sale.order/create", json!({"vals_list": [vals]})).await[0].as_i64().unwrap();
        self.raw(&self.key, "sale.order/action_confirm", json!({"ids": [order]})).await;
        let picking = self.raw(&self.key, "stock.picking/search", json!({"domain": [["sale_id", "=", order]]})).await;
        (order, picking[0].as_i64().unwrap())
    }

    async fn read(&self, picking: i64, fields: &[&str]) -> Value {
        self.raw(&self.key, "stock.picking/read", json!({"ids": [picking], "fields": fields})).await[0].clone()
    }

    async fn messages(&self, picking: i64) -> Vec<Value> {
        let domain = json!([["model", "=", "stock.picking"], ["res_id", "=", picking]]);
        let found = self
            .raw(
                &self.key,
                "mail.message/search_read",
                json!({"domain": domain, "fields": ["body", "message_id", "subtype_id"]}),
            )
            .await;
        found.as_array().unwrap().clone()
    }

    async fn activities(&self, picking: i64) -> Vec<Value> {
        let domain = json!([["res_model", "=", "stock.picking"], ["res_id", "=", picking]]);
        let body =
            json!({"domain": domain, "fields": ["summary", "active", "user_id"], "context": {"active_test": false}});
        self.raw(&self.key, "mail.activity/search_read", body).await.as_array().unwrap().clone()
    }
}

/// Says that a test was skipped, also in a run of all tests. With CI=1 that is a failure.
fn skipped(test: &str) {
    let line = format!("{test} (MILEPOST_TEST_ODOO_* are not set)");
    assert!(std::env::var("CI").as_deref() != Ok("1"), "{line}: with CI=1 nothing is skipped");
    println!("skipped: {line}");
    if let Some(file) = std::env::var_os("MILEPOST_TEST_SKIPPED") {
        let file = std::fs::OpenOptions::new().append(true).create(true).open(file);
        writeln!(file.unwrap(), "{line}").unwrap();
    }
}

/// Tests run at once and share the Odoo: their markers must differ.
fn marker(test: &str, picking: i64) -> String {
    format!("milepost-{test}-{picking}")
}

#[derive(Default)]
struct Kept(Mutex<Vec<Call>>);

impl CallLog for Kept {
    fn correlation(&self) -> String {
        "test".into()
    }

    fn record(&self, call: Call) {
        self.0.lock().unwrap().push(call);
    }
}

async fn odoo_says_which_it_is_and_a_wrong_key_is_unauthorized(peer: Peer) {
    let version = peer.bot().version(&Discard).await.unwrap();
    assert!(version.version.starts_with("19"), "{version:?}");
    assert!(version.server_time.is_some());
    peer.bot().health(&Discard).await.unwrap();
    let error = peer.client("0000000000000000000000000000000000000000").health(&Discard).await.unwrap_err();
    let status = if peer.transport == Transport::JsonRpc { 200 } else { 401 };
    assert_eq!((error.class, error.status), (ErrorClass::Unauthorized, Some(status)));
    let elsewhere = OdooConfig { database: "no_such_database".into(), ..peer.config(&peer.key) };
    let error = OdooClient::new(elsewhere).unwrap().health(&Discard).await.unwrap_err();
    // JSON-2 answers with a page, which says no more than that no Odoo is there under this name
    let is_rpc = peer.transport == Transport::JsonRpc;
    let class = if is_rpc { ErrorClass::Misconfigured } else { ErrorClass::BadAnswer };
    assert_eq!(error.class, class, "{error}");
}

async fn setup_makes_what_is_missing_once_and_needs_an_administrator(peer: Peer) {
    let error = peer.bot().setup(&Discard).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Forbidden);
    let bot = peer.ready().await;
    assert_eq!(peer.client(&peer.admin_key).setup(&Discard).await.unwrap(), Vec::<String>::new());
    assert_eq!(bot.check(&Discard).await.unwrap(), []);
}

async fn a_changed_delivery_comes_in_with_all_that_is_needed(peer: Peer) {
    let (order, picking) = peer.order(Some("2026-12-24 12:00:00")).await;
    let vals = json!({"carrier_tracking_ref": "1Z999AA10123456784, 00340434161094042557", "carrier_id": 1});
    peer.raw(&peer.key, "stock.picking/write", json!({"ids": [picking], "vals": vals})).await;
    let bot = peer.bot();
    let kept = Kept::default();
    let delivery = bot.delivery(picking, &kept).await.unwrap().unwrap();
    assert_eq!((delivery.order_id, delivery.state), (Some(order), DeliveryState::Open));
    assert_eq!(delivery.tracking_numbers, ["1Z999AA10123456784", "00340434161094042557"]);
    assert_eq!(delivery.promised_by.unwrap().to_string(), "2026-12-24T12:00:00Z");
    let without = bot.delivery(peer.order(None).await.1, &Discard).await.unwrap().unwrap();
    assert_eq!(without.promised_by, None, "Odoo's deadline of a delivery is no promise");
    assert!(without.ship_by.is_some());
    assert!(delivery.name.starts_with("WH/OUT/") && delivery.carrier.is_some() && delivery.order_name.is_some());
    let name = delivery.customer.name.clone().unwrap();
    let call = kept.0.into_inner().unwrap().remove(0);
    assert!(call.outcome == Outcome::Ok && !call.response.open().contains(&name), "{}", call.response.open());
    let since = delivery.write_date.unwrap();
    let mut seen = Vec::new();
    let mut after = 0;
    loop {
        let page =
            bot.changed_deliveries(Some(Since { anybody: since, others: since }), after, 2, &Discard).await.unwrap();
        let page = page.deliveries;
        assert!(page.iter().is_sorted_by_key(|d| d.id));
        seen.extend(page.iter().map(|d| d.id));
        if page.len() < 2 {
            break;
        }
        after = page[1].id;
    }
    assert_eq!(seen.iter().filter(|id| **id == picking).count(), 1);
    let by_others = async || {
        let since = Since { anybody: "2100-01-01T00:00:00Z".parse().unwrap(), others: since };
        let page = bot.changed_deliveries(Some(since), picking - 1, 1, &Discard).await.unwrap();
        page.deliveries.iter().any(|d| d.id == picking)
    };
    assert!(!by_others().await, "the last who wrote is the bot itself");
    peer.raw(&peer.admin_key, "sale.order/action_cancel", json!({"ids": [order]})).await;
    assert!(by_others().await);
    assert_eq!(bot.delivery(picking, &Discard).await.unwrap().unwrap().state, DeliveryState::Cancelled);
    assert_eq!(bot.delivery(999_999_999, &Discard).await.unwrap(), None);
}

#[expect(clippy::disallowed_methods, reason = "Odoo writes by the machine's clock")]
async fn changes_of_the_order_and_deletions_are_seen(peer: Peer) {
    let bot = peer.bot();
    let (order, picking) = peer.order(None).await;
    let before = bot.delivery(picking, &Discard).await.unwrap().unwrap();
    assert_eq!((before.promised_by, before.problems.len()), (None, 0));
    // Odoo has whole seconds: the next one is later than what was written
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let now = Timestamp::now();
    // a field that Odoo does not carry on to the delivery
    let vals = json!({"client_order_ref": "changed later"});
    peer.raw(&peer.admin_key, "sale.order/write", json!({"ids": [order], "vals": vals})).await;
    let since = Since { anybody: now, others: now };
    let page = bot.changed_deliveries(Some(since), picking - 1, 1, &Discard).await.unwrap();
    assert_eq!(page.deliveries.iter().map(|d| d.id).collect::<Vec<_>>(), [picking]);
    assert_eq!(bot.deleted(&[picking, 999_999_999], &Discard).await.unwrap(), [999_999_999]);
    peer.raw(&peer.admin_key, "sale.order/action_cancel", json!({"ids": [order]})).await;
    peer.raw(&peer.admin_key, "stock.picking/unlink", json!({"ids": [picking]})).await;
    assert_eq!(bot.deleted(&[picking], &Discard).await.unwrap(), [picking]);
    assert!(bot.delivery_ids(0, 500, &Discard).await.unwrap().iter().all(|id| *id != Some(picking)));
}

async fn status_is_written_where_it_differs_and_cleared_again(peer: Peer) {
    let bot = peer.ready().await;
    let (_, picking) = peer.order(None).await;
    let eta: Timestamp = "2026-12-01T17:30:00Z".parse().unwrap();
    let first = StatusValues {
        status: "IN_TRANSIT".into(),
        last_event: Some("Departed, Köln, DE".into()),
        eta: Some(eta),
        exception: Some("Delayed".into()),
        url: Some("http://tower.example/shipments/1".into()),
        delivery_state: Some("in_transit".into()),
        ..StatusValues::default()
    };
    bot.write_status(Record::delivery(picking), &first, None, &Discard).await.unwrap();
    let fields = [
        "x_milepost_status",
        "x_milepost_last_event",
        "x_milepost_eta",
        "x_milepost_delivered_at",
        "x_milepost_exception",
    ];
    let row = peer.read(picking, &fields).await;
    assert_eq!(row["x_milepost_status"], "IN_TRANSIT");
    assert_eq!(row["x_milepost_last_event"], "Departed, Köln, DE");
    assert_eq!(row["x_milepost_eta"], "2026-12-01 17:30:00");
    assert_eq!(row["x_milepost_delivered_at"], false);
    let second = StatusValues {
        status: "DELIVERED".into(),
        eta: None,
        delivered_at: Some(eta),
        exception: None,
        ..first.clone()
    };
    let kept = Kept::default();
    bot.write_status(Record::delivery(picking), &second, Some(&first), &kept).await.unwrap();
    let write = kept.0.into_inner().unwrap().pop().unwrap();
    assert!(!write.request.open().contains("x_milepost_url"), "only what differs: {}", write.request.open());
    let row = peer.read(picking, &fields).await;
    assert_eq!((&row["x_milepost_eta"], &row["x_milepost_exception"]), (&json!(false), &json!(false)));
    assert_eq!(row["x_milepost_delivered_at"], "2026-12-01 17:30:00");
    let kept = Kept::default();
    bot.write_status(Record::delivery(picking), &second, Some(&second), &kept).await.unwrap();
    assert!(kept.0.into_inner().unwrap().is_empty(), "nothing differs, nothing is called");
}

async fn a_delivery_that_is_gone_does_not_hold_up_the_others(peer: Peer) {
    let bot = peer.ready().await;
    let (_, picking) = peer.order(None).await;
    let values = StatusValues { status: "PICKED_UP".into(), ..StatusValues::default() };
    let fields = bot.fields_to_write(RecordKind::Delivery, &values, None, &Discard).await.unwrap();
    let missing = bot.write_fields_of(RecordKind::Delivery, &[999_999_999, picking], &fields, &Discard).await.unwrap();
    assert_eq!(missing, [999_999_999]);
    assert_eq!(peer.read(picking, &["x_milepost_status"]).await["x_milepost_status"], "PICKED_UP");
    let error = bot.write_status(Record::delivery(999_999_999), &values, None, &Discard).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::NotFound);
    let wrong = StatusValues { status: "NO_SUCH_STATE".into(), ..StatusValues::default() };
    let error = bot.write_status(Record::delivery(picking), &wrong, None, &Discard).await.unwrap_err();
    // a 500 that will never work
    let status = if peer.transport == Transport::JsonRpc { 200 } else { 500 };
    assert_eq!((error.class, error.status), (ErrorClass::Rejected, Some(status)));
}

async fn a_note_is_there_once_however_often_it_is_posted(peer: Peer) {
    let bot = peer.bot();
    let (_, picking) = peer.order(None).await;
    let marker = marker("note", picking);
    let html = "<p><b>Delivered</b> · Müller &lt;Söhne&gt;</p>";
    let first = bot.post_note(Record::delivery(picking), &marker, html, &Discard).await.unwrap();
    assert_eq!(bot.post_note(Record::delivery(picking), &marker, html, &Discard).await.unwrap(), first);
    let messages = peer.messages(picking).await;
    let ours: Vec<_> = messages.iter().filter(|m| m["message_id"] == format!("<{marker}@milepost>")).collect();
    assert_eq!(ours.len(), 1);
    assert_eq!(ours[0]["body"], html);
    assert_eq!(ours[0]["subtype_id"][1], "Note");
    let error = bot.post_note(Record::delivery(999_999_999), &format!("{marker}-x"), html, &Discard).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::NotFound);
}

async fn an_activity_is_scheduled_once_and_completed_once(peer: Peer) {
    let bot = peer.bot();
    let (_, picking) = peer.order(None).await;
    let marker = marker("activity", picking);
    let schedule = async || {
        let activity = Activity {
            summary: "Critical: Damaged",
            note_html: "<p>Damaged in Köln</p>",
            deadline: date(2026, 12, 1),
            people: People::default(),
        };
        bot.schedule_activity(Record::delivery(picking), &marker, &activity, &Discard).await
    };
    let first = schedule().await.unwrap();
    assert!(first.parse::<i64>().is_ok());
    assert_eq!(schedule().await.unwrap(), first);
    let activities = peer.activities(picking).await;
    assert_eq!(activities.len(), 1);
    assert_eq!(activities[0]["summary"], "Critical: Damaged");
    assert_ne!(activities[0]["user_id"], false, "the person responsible for the order");
    bot.complete_activity(Record::delivery(picking), &marker, &Discard).await.unwrap();
    bot.complete_activity(Record::delivery(picking), &marker, &Discard).await.unwrap();
    assert_eq!(peer.activities(picking).await[0]["active"], false);
    // somebody dealt with it: it does not come back
    assert_eq!(schedule().await.unwrap(), first);
    assert_eq!(peer.activities(picking).await.len(), 1);
    let done = peer.messages(picking).await;
    assert_eq!(done.iter().filter(|m| m["body"].as_str().unwrap().contains(&marker)).count(), 1);
    // an older Odoo deletes done activities: the quotation in the chatter tells
    peer.raw(&peer.admin_key, "mail.activity/unlink", json!({"ids": [first.parse::<i64>().unwrap()]})).await;
    assert!(schedule().await.unwrap().starts_with("done "));
}

async fn fields_that_somebody_changed_are_seen(peer: Peer) {
    let bot = peer.ready().await;
    let (_, picking) = peer.order(None).await;
    let values = StatusValues {
        status: "IN_TRANSIT".into(),
        last_event: Some("Departed, Köln, DE · 2026-12-01".into()),
        eta: Some("2026-12-01T17:30:00Z".parse().unwrap()),
        exception: Some("Damaged".into()),
        url: Some("http://tower.example/shipments/1".into()),
        ..StatusValues::default()
    };
    bot.write_status(Record::delivery(picking), &values, None, &Discard).await.unwrap();
    let shown = async || bot.shown(RecordKind::Delivery, &[picking, 999_999_999], &Discard).await.unwrap();
    let before = shown().await;
    assert_eq!((before.len(), changed_by_others(&before[&picking], &values)), (1, vec![]));
    let vals = json!({"x_milepost_exception": false, "x_milepost_eta": "2026-12-02 08:00:00"});
    peer.raw(&peer.admin_key, "stock.picking/write", json!({"ids": [picking], "vals": vals})).await;
    let changed = changed_by_others(&shown().await[&picking], &values);
    let said: Vec<_> = changed.iter().map(|c| (c.field.as_str(), c.shows.as_deref(), c.written.as_deref())).collect();
    assert_eq!(
        said,
        [
            ("x_milepost_eta", Some("2026-12-02 08:00:00"), Some("2026-12-01 17:30:00")),
            ("x_milepost_exception", None, Some("Damaged")),
        ]
    );
}

async fn equal_values_of_many_deliveries_are_one_call(peer: Peer) {
    let bot = peer.ready().await;
    let mut pickings = Vec::new();
    for _ in 0..5 {
        pickings.push(peer.order(None).await.1);
    }
    let first = StatusValues { status: "PICKED_UP".into(), ..StatusValues::default() };
    for (n, picking) in pickings.iter().enumerate() {
        let own = StatusValues { url: Some(format!("http://tower.example/shipments/{n}")), ..first.clone() };
        bot.write_status(Record::delivery(*picking), &own, None, &Discard).await.unwrap();
    }
    let next = StatusValues { status: "IN_TRANSIT".into(), ..first.clone() };
    let kept = Kept::default();
    let fields = bot.fields_to_write(RecordKind::Delivery, &next, Some(&first), &kept).await.unwrap();
    assert_eq!(bot.write_fields_of(RecordKind::Delivery, &pickings, &fields, &kept).await.unwrap(), [0_i64; 0]);
    let calls = kept.0.into_inner().unwrap();
    assert_eq!(calls.iter().filter(|call| call.operation == "stock.picking/write").count(), 1, "{calls:?}");
    for (n, picking) in pickings.iter().enumerate() {
        let row = peer.read(*picking, &["x_milepost_status", "x_milepost_url"]).await;
        assert_eq!(row["x_milepost_status"], "IN_TRANSIT");
        assert_eq!(row["x_milepost_url"], format!("http://tower.example/shipments/{n}"), "untouched");
    }
}
