//! The whole way on a real Odoo: an order is confirmed, its label booked at a simulated platform, its number in Odoo; the carrier scans and
//! delivers, the proof is attached and the invoice posted. Each step once, with messages doubled and a kill in the middle. And how few
//! writes a burst of events takes.

use anyhow::{Context, Result, ensure};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, Response, Uri},
};
use serde_json::{Value, json};
use simulator::booking::SandboxBooking;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tests::{
    Installation, Odoo, Platform, Surroundings,
    aftership::{self, Event},
    until,
};
use tokio::net::TcpListener;

const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";
const SCANNED: Event = ("InTransit", "InTransit_002", "2026-03-02T10:00:00");
const MOVED: Event = ("InTransit", "InTransit_003", "2026-03-03T01:10:00");
const DELIVERED: Event = ("Delivered", "Delivered_001", "2026-03-04T11:00:00");
/// Events of a burst.
const BURST: usize = 20;
/// Field writes that a burst may take.
const WRITES_MAX: usize = 3;

async fn found(odoo: &Odoo, model: &str, domain: Value, fields: &[&str]) -> Result<Vec<Value>> {
    let rows = odoo.call(model, "search_read", json!({"domain": domain, "fields": fields, "order": "id"})).await?;
    Ok(rows.as_array().cloned().unwrap_or_default())
}

/// An order of one stocked product, without a number; its id, and that of its delivery.
async fn order(odoo: &Odoo) -> Result<(i64, i64)> {
    let (order, delivery) = odoo.order("TO-BE-BOOKED").await?;
    let vals = json!({"ids": [delivery], "vals": {"carrier_tracking_ref": false}});
    odoo.call("stock.picking", "write", vals).await?;
    Ok((order, delivery))
}

async fn numbered(odoo: &Odoo, delivery: i64, other_than: &str) -> Result<String> {
    until("the number in Odoo", || async {
        let row = odoo.delivery(delivery, &["carrier_tracking_ref"]).await?;
        Ok(row["carrier_tracking_ref"].as_str().filter(|number| *number != other_than).map(str::to_owned))
    })
    .await
}

#[tokio::test]
async fn from_the_order_by_its_label_to_the_invoice_each_step_once() -> Result<()> {
    let Some(around) = Surroundings::find("odoo_walk") else { return Ok(()) };
    let odoo = Odoo::clone_database(&around, "odoo_walk")?;
    let labels = SandboxBooking::start(7, Arc::new(jiff_now)).await?;
    let mut installation = Installation::prepare(&around, odoo.settings())?;
    installation.set("MILEPOST_ODOO_IMPORT_SECONDS", "5".into());
    installation.command(&["odoo", "setup", "--admin-key-file", &odoo.admin_key_file.display().to_string()], None)?;
    let platform = Platform::new("aftership", "whole-system-aftership");
    installation.command(&["source", "put", "aftership", "--connector", "aftership"], Some(platform.secret))?;
    installation.start().await?;
    let settings = ["validate_on=first_scan", "invoice=post", "invoice_on=pod"];
    let set = settings.iter().flat_map(|setting| ["--set", *setting]);
    let arguments: Vec<&str> = ["connection", "put", "odoo", "--keep-secret"].into_iter().chain(set).collect();
    installation.command(&arguments, None)?;
    let url = format!("url={}", labels.url("easypost"));
    let put =
        ["connection", "put", "easypost", "--connector", "easypost_api", "--set", &url, "--set", "mode=test", "--on"];
    installation.command(&put, Some(labels.test_key("easypost")))?;
    let choice = json!({"do": "book", "connection": "easypost", "choice": {"carrier": "UPS"}});
    let rules = json!([{"name": "all", "warehouse": "WH", "action": choice}]);
    let file = installation.data().join("rules.json");
    std::fs::write(&file, rules.to_string())?;
    installation.command(&["booking", "rules", "put", &file.display().to_string()], None)?;
    installation.kill()?;
    installation.start().await?;

    let (order, delivery) = order(&odoo).await?;
    let number = numbered(&odoo, delivery, "TO-BE-BOOKED").await.with_context(|| installation.log())?;
    ensure!(labels.labels().iter().any(|label| label.number == number), "{number} is no label");
    installation.idle().await.with_context(|| installation.log())?;

    let proof = json!({"proof_of_delivery": [{"type": "signature", "data": PNG}]});
    let message = |events: &[Event], further: &Value| aftership::message((&number, "ups"), events, further);
    let messages = [
        message(&[SCANNED], &Value::Null),
        message(&[SCANNED, MOVED], &Value::Null),
        message(&[SCANNED, MOVED, DELIVERED], &Value::Null),
        message(&[SCANNED, MOVED, DELIVERED], &proof),
    ];
    for (n, body) in messages.iter().chain(&messages).enumerate() {
        ensure!(platform.post(&installation.base(), body).await? == 202, "message {n}\n{}", installation.log());
        if n == 2 {
            installation.kill()?;
            installation.start().await?;
        }
    }
    installation.idle().await.with_context(|| installation.log())?;
    each_once(&odoo, (order, delivery), &number).await.with_context(|| installation.log())?;
    let live = labels.labels().iter().filter(|label| label.number == number).count();
    ensure!((live, labels.labels().len()) == (1, 1), "one label was bought");
    Ok(())
}

fn jiff_now() -> jiff::Timestamp {
    application::clock::Clock::now(&application::clock::SystemClock)
}

/// What became of it in Odoo.
async fn each_once(odoo: &Odoo, (order, delivery): (i64, i64), number: &str) -> Result<()> {
    let fields = ["state", "x_milepost_status", "x_milepost_booking", "carrier_tracking_ref"];
    let row = odoo.delivery(delivery, &fields).await?;
    ensure!((&row["state"], &row["x_milepost_status"]) == (&json!("done"), &json!("DELIVERED")), "{row}");
    ensure!(row["carrier_tracking_ref"] == number, "{row}");
    ensure!(row["x_milepost_booking"].as_str().is_some_and(|text| text.starts_with("Booked at ")), "{row}");
    let notes = odoo.notes(delivery).await?;
    for said in ["Label booked", "Picked up", "<b>Delivered</b>"] {
        let times = notes.iter().filter(|note| note.contains(said)).count();
        ensure!(times == 1, "{said} {times} times: {notes:?}");
    }
    let of_delivery = json!([["res_model", "=", "stock.picking"], ["res_id", "=", delivery]]);
    let attached = found(odoo, "ir.attachment", of_delivery, &["name", "datas"]).await?;
    let proofs = attached.iter().filter(|file| file["datas"] == PNG).count();
    let labels = attached.iter().filter(|file| file["name"] == format!("Label {number}.pdf")).count();
    ensure!((proofs, labels, attached.len()) == (1, 1, 2), "{attached:?}");
    let fields = json!({"ids": [order], "fields": ["invoice_ids", "invoice_status", "x_milepost_status"]});
    let sold = odoo.call("sale.order", "read", fields).await?[0].clone();
    ensure!(sold["x_milepost_status"] == "DELIVERED" && sold["invoice_status"] == "invoiced", "{sold}");
    let invoices = found(odoo, "account.move", json!([["id", "in", sold["invoice_ids"]]]), &["state"]).await?;
    ensure!(invoices.len() == 1 && invoices[0]["state"] == "posted", "one invoice: {invoices:?}");
    Ok(())
}

/// Passes everything on to a real Odoo, and counts the writes of Milepost's fields of deliveries.
struct Counting {
    target: String,
    http: reqwest::Client,
    writes: AtomicUsize,
}

async fn pass_on(
    State(counting): State<Arc<Counting>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    if path.starts_with("/json/2/stock.picking/write") {
        let written: Value = serde_json::from_slice(&body).unwrap_or_default();
        let fields = written["vals"].as_object().into_iter().flatten();
        if fields.into_iter().any(|(name, _)| name.starts_with("x_milepost_")) {
            counting.writes.fetch_add(1, Ordering::Relaxed);
        }
    }
    let mut request = counting.http.request(method, format!("{}{path}", counting.target)).body(body);
    for name in ["authorization", "content-type", "x-odoo-database"] {
        if let Some(value) = headers.get(name) {
            request = request.header(name, value);
        }
    }
    let failed = |_| Response::builder().status(502).body(Body::empty()).expect("a plain answer");
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) => return failed(error),
    };
    let mut passed = Response::builder().status(answer.status());
    for name in ["content-type", "date"] {
        if let Some(value) = answer.headers().get(name) {
            passed = passed.header(name, value);
        }
    }
    match answer.bytes().await {
        Ok(bytes) => passed.body(Body::from(bytes)).expect("a plain answer"),
        Err(error) => failed(error),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_events_is_written_in_few_updates() -> Result<()> {
    let Some(around) = Surroundings::find("odoo_burst") else { return Ok(()) };
    let odoo = Odoo::clone_database(&around, "odoo_burst")?;
    let settings = odoo.settings();
    let target = settings.iter().find(|(name, _)| *name == "MILEPOST_ODOO_URL").context("its address")?.1.clone();
    let counting = Arc::new(Counting { target, http: reqwest::Client::new(), writes: AtomicUsize::new(0) });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    let router = Router::new().fallback(pass_on).with_state(Arc::clone(&counting));
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    let mut installation = Installation::prepare(&around, settings)?;
    installation.set("MILEPOST_ODOO_URL", address);
    installation.command(&["odoo", "setup", "--admin-key-file", &odoo.admin_key_file.display().to_string()], None)?;
    let platform = Platform::new("aftership", "whole-system-aftership");
    installation.command(&["source", "put", "aftership", "--connector", "aftership"], Some(platform.secret))?;
    let number = format!("0034043{:09}5", std::process::id());
    let (_, delivery) = odoo.order(&number).await?;
    installation.start().await?;
    until("the delivery to be imported", || async {
        Ok(odoo.delivery(delivery, &["x_milepost_url"]).await?["x_milepost_url"].as_str().map(drop))
    })
    .await
    .with_context(|| installation.log())?;
    installation.idle().await.with_context(|| installation.log())?;
    let before = counting.writes.load(Ordering::Relaxed);
    let times: Vec<String> =
        (0..BURST).map(|n| format!("2026-03-02T{:02}:{:02}:00", 8 + n / 4, 10 * (n % 4))).collect();
    let events: Vec<_> = times.iter().map(|time| ("InTransit", "InTransit_003", time.as_str())).collect();
    for n in 1..=events.len() {
        let body = aftership::message((&number, "dhl"), &events[..n], &Value::Null);
        ensure!(platform.post(&installation.base(), &body).await? == 202, "message {n}\n{}", installation.log());
    }
    installation.idle().await.with_context(|| installation.log())?;
    let row = odoo.delivery(delivery, &["x_milepost_last_event", "x_milepost_status"]).await?;
    ensure!(row["x_milepost_status"] == "IN_TRANSIT", "{row}");
    ensure!(row["x_milepost_last_event"].as_str().is_some_and(|text| text.contains("12:30")), "the newest: {row}");
    let writes = counting.writes.load(Ordering::Relaxed) - before;
    ensure!((1..=WRITES_MAX).contains(&writes), "{BURST} events took {writes} writes\n{}", installation.log());
    serving.abort();
    Ok(())
}
