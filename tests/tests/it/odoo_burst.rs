//! How few writes a burst of events takes in a real Odoo.

use anyhow::{Context, Result, ensure};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, Response, Uri},
};
use serde_json::Value;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tests::{Installation, Odoo, Platform, Surroundings, aftership, until};
use tokio::net::TcpListener;

/// Events of a burst.
const BURST: usize = 20;
/// Field writes that a burst may take.
const WRITES_MAX: usize = 3;

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
