//! The whole way on a real Odoo: an order is confirmed, its delivery made ready, its label booked at a simulated platform, number, price
//! and label in Odoo; the carrier scans and delivers, the delivery is validated, the proof attached, the invoice posted. Each step
//! once, with messages doubled and a kill in the middle.

use anyhow::{Context, Result, ensure};
use application::clock::{Clock, SystemClock};
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use simulator::booking::{SandboxBooking, Void};
use std::sync::Arc;
use tests::{
    Installation, Odoo, Platform, Surroundings,
    aftership::{self, Event},
    until,
};

const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";
const SCANNED: Event = ("InTransit", "InTransit_002", "2026-03-02T10:00:00");
const MOVED: Event = ("InTransit", "InTransit_003", "2026-03-03T01:10:00");
const DELIVERED: Event = ("Delivered", "Delivered_001", "2026-03-04T11:00:00");
const LOGIN: (&str, &str) = ("walker@odoo.test", "a sentence for the walk");
/// What UPS offers the cheapest at the simulated platform.
const PRICE: &str = "7.58 USD";

/// An Odoo, the platform that sells labels, the one that tracks, and an installation between them.
struct Walk {
    odoo: Odoo,
    labels: SandboxBooking,
    platform: Platform,
    installation: Installation,
}

impl Walk {
    /// Everything is connected before the first start, so that nothing has to be started twice.
    async fn begin(around: &Surroundings) -> Result<Self> {
        let odoo = Odoo::clone_database(around, "odoo_walk")?;
        let labels = SandboxBooking::start(7, Arc::new(|| SystemClock.now())).await?;
        let installation = Installation::prepare(around, Vec::new())?;
        let key = std::fs::read_to_string(&odoo.key_file)?;
        let of = |name: &str| {
            let settings = odoo.settings();
            settings.into_iter().find(|(known, _)| *known == name).map(|(_, value)| value).context("a setting")
        };
        let mut put: Vec<String> =
            ["connection", "put", "odoo", "--connector", "odoo", "--on"].map(str::to_owned).into();
        let place =
            [format!("url={}", of("MILEPOST_ODOO_URL")?), format!("database={}", of("MILEPOST_ODOO_DATABASE")?)];
        let steps = ["import_seconds=5", "validate_on=first_scan", "invoice=post", "invoice_on=pod"].map(str::to_owned);
        put.extend(place.into_iter().chain(steps).flat_map(|set| ["--set".to_owned(), set]));
        installation.command(&put.iter().map(String::as_str).collect::<Vec<_>>(), Some(key.trim()))?;
        installation
            .command(&["odoo", "setup", "--admin-key-file", &odoo.admin_key_file.display().to_string()], None)?;
        let platform = Platform::new("aftership", "whole-system-aftership");
        installation.command(&["source", "put", "aftership", "--connector", "aftership"], Some(platform.secret))?;
        let url = format!("url={}", labels.url("easypost"));
        let put = ["connection", "put", "easypost", "--connector", "easypost_api", "--on", "--set", &url];
        installation.command(&[&put[..], &["--set", "mode=test"]].concat(), Some(labels.test_key("easypost")))?;
        let book = json!({"do": "book", "connection": "easypost", "choice": {"carrier": "UPS"}});
        let file = installation.data().join("rules.json");
        std::fs::write(&file, json!([{"name": "all", "warehouse": "WH", "action": book}]).to_string())?;
        installation.command(&["booking", "rules", "put", &file.display().to_string()], None)?;
        installation.command(&["user", "add", LOGIN.0, "--name", "Walker", "--role", "agent"], Some(LOGIN.1))?;
        Ok(Self { odoo, labels, platform, installation })
    }

    async fn make(&self, model: &str, values: Value) -> Result<i64> {
        let made = self.odoo.call(model, "create", json!({"vals_list": [values]})).await?;
        made[0].as_i64().with_context(|| format!("a {model}"))
    }

    async fn found(&self, model: &str, domain: Value, fields: &[&str]) -> Result<Vec<Value>> {
        let body = json!({"domain": domain, "fields": fields, "order": "id"});
        Ok(self.odoo.call(model, "search_read", body).await?.as_array().cloned().unwrap_or_default())
    }

    async fn only(&self, model: &str, domain: Value) -> Result<i64> {
        let found = self.found(model, domain, &["id"]).await?;
        let [one] = &found[..] else { anyhow::bail!("{} of {model}", found.len()) };
        one["id"].as_i64().context("an id")
    }

    /// What the installation has of it, for the message of a failure.
    fn so_far(&self) -> String {
        let command = |arguments: &[&str]| {
            self.installation.command(arguments, None).unwrap_or_else(|error| format!("{error:#}"))
        };
        let (bookings, failed) = (command(&["booking", "list"]), command(&["dead", "list"]));
        format!(
            "bookings:\n{bookings}\nfailed jobs:\n{failed}\nlabels: {:?}\nlog:\n{}",
            self.labels.labels(),
            self.installation.log()
        )
    }

    /// A customer orders one of a product that is not in stock: (product, order, delivery).
    async fn ordered(&self) -> Result<(i64, i64, i64)> {
        let product = json!({"name": "Walked", "is_storable": true, "weight": 1.5, "list_price": 20, "invoice_policy": "delivery"});
        let product = self.make("product.product", product).await?;
        let country = self.only("res.country", json!([["code", "=", "US"]])).await?;
        let state = self.only("res.country.state", json!([["code", "=", "IL"], ["country_id", "=", country]])).await?;
        let customer = json!({"name": "Walking Customer", "street": "1 State St", "city": "Chicago", "zip": "60601",
            "country_id": country, "state_id": state, "email": "customer@walk.test", "phone": "+1 312 555 0100"});
        let customer = self.make("res.partner", customer).await?;
        let line = json!([0, 0, {"product_id": product, "product_uom_qty": 1}]);
        let order = self.make("sale.order", json!({"partner_id": customer, "order_line": [line]})).await?;
        self.odoo.call("sale.order", "action_confirm", json!({"ids": [order]})).await?;
        let delivery = self.only("stock.picking", json!([["sale_id", "=", order]])).await?;
        Ok((product, order, delivery))
    }

    /// The goods come, and the delivery is ready.
    async fn made_ready(&self, product: i64, delivery: i64) -> Result<()> {
        let stock = self.odoo.delivery(delivery, &["location_id"]).await?["location_id"][0].clone();
        let quant = json!({"product_id": product, "location_id": stock, "inventory_quantity": 5});
        let quant =
            self.odoo.call("stock.quant", "create", json!({"vals_list": [quant], "context": {"inventory_mode": true}}));
        let quant = quant.await?[0].clone();
        self.odoo.call("stock.quant", "action_apply_inventory", json!({"ids": [quant]})).await?;
        self.odoo.call("stock.picking", "action_assign", json!({"ids": [delivery]})).await?;
        let state = self.odoo.delivery(delivery, &["state"]).await?;
        ensure!(state["state"] == "assigned", "the delivery is ready: {state}");
        Ok(())
    }

    /// The shipment as its page has it.
    async fn shown(&self, delivery: i64) -> Result<Value> {
        let url = self.odoo.delivery(delivery, &["x_milepost_url"]).await?;
        let id = url["x_milepost_url"].as_str().and_then(|url| url.rsplit('/').next()).context("a page")?.to_owned();
        let client = reqwest::Client::builder().redirect(Policy::none()).build()?;
        let body = format!("login={}&password={}", LOGIN.0.replace('@', "%40"), LOGIN.1.replace(' ', "+"));
        let base = self.installation.base();
        let request =
            client.post(format!("{base}/api/sign-in")).header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body(body).send().await?;
        let cookie = answer.headers().get("set-cookie").and_then(|cookie| cookie.to_str().ok());
        let cookie = cookie.and_then(|cookie| cookie.split(';').next()).context("a session")?.to_owned();
        let answer = client.get(format!("{base}/api/shipments/one?id={id}")).header("cookie", cookie).send().await?;
        Ok(answer.error_for_status()?.json().await?)
    }
}

fn times<'a>(texts: impl IntoIterator<Item = &'a str>, wanted: &str) -> usize {
    texts.into_iter().filter(|text| text.contains(wanted)).count()
}

#[tokio::test]
async fn from_the_order_by_its_label_to_the_invoice_each_step_once() -> Result<()> {
    let Some(around) = Surroundings::find("odoo_walk") else { return Ok(()) };
    let mut walk = Walk::begin(&around).await?;
    walk.installation.start().await?;
    // what the first import finds is history
    walk.installation.idle().await?;

    let (product, order, delivery) = walk.ordered().await?;
    until("the delivery to be imported", || async {
        Ok(walk.odoo.delivery(delivery, &["x_milepost_url"]).await?["x_milepost_url"].as_str().map(drop))
    })
    .await
    .with_context(|| walk.so_far())?;
    walk.installation.idle().await?;
    ensure!(walk.labels.labels().is_empty(), "what is not ready is not booked: {}", walk.so_far());

    walk.made_ready(product, delivery).await?;
    let number = until("the label's number in Odoo", || async {
        Ok(walk.odoo.delivery(delivery, &["carrier_tracking_ref"]).await?["carrier_tracking_ref"]
            .as_str()
            .map(str::to_owned))
    })
    .await
    .with_context(|| walk.so_far())?;
    walk.installation.idle().await?;

    let proof = json!({"proof_of_delivery": [{"type": "signature", "data": PNG}]});
    let message = |events: &[Event], further: &Value| aftership::message((&number, "ups"), events, further);
    let messages = [
        message(&[SCANNED], &Value::Null),
        message(&[SCANNED, MOVED], &Value::Null),
        message(&[SCANNED, MOVED, DELIVERED], &Value::Null),
        message(&[SCANNED, MOVED, DELIVERED], &proof),
    ];
    for (n, body) in messages.iter().chain(&messages).enumerate() {
        let status = walk.platform.post(&walk.installation.base(), body).await?;
        ensure!(status == 202, "message {n}: {status}\n{}", walk.so_far());
        if n == 2 {
            walk.installation.kill()?;
            walk.installation.start().await?;
        }
    }
    walk.installation.idle().await?;
    booked_once(&walk, delivery, &number).await.with_context(|| walk.so_far())?;
    delivered_once(&walk, order, delivery).await.with_context(|| walk.so_far())?;
    shown_once(&walk, delivery).await.with_context(|| walk.so_far())
}

/// One label was bought, and its delivery has it.
async fn booked_once(walk: &Walk, delivery: i64, number: &str) -> Result<()> {
    let labels = walk.labels.labels();
    let [label] = &labels[..] else { anyhow::bail!("{} labels were bought", labels.len()) };
    ensure!((label.number.as_str(), label.void) == (number, Void::None), "{number}: {label:?}");
    let row = walk.odoo.delivery(delivery, &["carrier_tracking_ref", "x_milepost_booking"]).await?;
    ensure!(row["carrier_tracking_ref"] == number, "{row}");
    let words = row["x_milepost_booking"].as_str().unwrap_or_default();
    ensure!(words.starts_with("Booked at ") && words.contains(PRICE), "{row}");
    let name = format!("Label {number}.pdf");
    let of_label = json!([["res_model", "=", "stock.picking"], ["res_id", "=", delivery], ["name", "=", name]]);
    let papers = walk.found("ir.attachment", of_label, &["mimetype", "file_size"]).await?;
    ensure!(papers.len() == 1 && papers[0]["mimetype"] == "application/pdf", "one label: {papers:?}");
    Ok(())
}

/// It was validated, shown, proven and invoiced.
async fn delivered_once(walk: &Walk, order: i64, delivery: i64) -> Result<()> {
    let row = walk.odoo.delivery(delivery, &["state", "x_milepost_status", "x_milepost_delivered_at"]).await?;
    ensure!((&row["state"], &row["x_milepost_status"]) == (&json!("done"), &json!("DELIVERED")), "{row}");
    ensure!(row["x_milepost_delivered_at"] == "2026-03-04 10:00:00", "{row}");
    let notes = walk.odoo.notes(delivery).await?;
    for said in ["Label booked", "Picked up", "<b>Delivered</b>"] {
        let times = times(notes.iter().map(String::as_str), said);
        ensure!(times == 1, "{said} {times} times: {notes:?}");
    }
    let of_delivery = json!([["res_model", "=", "stock.picking"], ["res_id", "=", delivery]]);
    let attached = walk.found("ir.attachment", of_delivery, &["name", "datas"]).await?;
    let proofs = attached.iter().filter(|file| file["datas"] == PNG).count();
    ensure!((proofs, attached.len()) == (1, 2), "a label and a proof: {attached:?}");
    let all = walk.found("stock.picking", json!([["sale_id", "=", order]]), &["name"]).await?;
    ensure!(all.len() == 1, "validated whole, without a backorder: {all:?}");
    let fields = json!({"ids": [order], "fields": ["invoice_ids", "invoice_status", "x_milepost_status"]});
    let sold = walk.odoo.call("sale.order", "read", fields).await?[0].clone();
    ensure!(sold["x_milepost_status"] == "DELIVERED" && sold["invoice_status"] == "invoiced", "{sold}");
    let invoices = walk.found("account.move", json!([["id", "in", sold["invoice_ids"]]]), &["state"]).await?;
    ensure!(invoices.len() == 1 && invoices[0]["state"] == "posted", "one invoice: {invoices:?}");
    Ok(())
}

/// The timeline has each step once.
async fn shown_once(walk: &Walk, delivery: i64) -> Result<()> {
    let shown = walk.shown(delivery).await?;
    let entries = shown["timeline"].as_array().context("a timeline")?;
    let titles: Vec<&str> = entries.iter().filter_map(|entry| entry["title"].as_str()).collect();
    for step in ["Label booked", "Accepted", "Delivered", "validated in Odoo", "Proof of delivery attached"] {
        let times = times(titles.iter().copied(), step);
        ensure!(times == 1, "{step} {times} times: {titles:?}");
    }
    let invoices =
        titles.iter().filter(|title| title.starts_with("Invoice ") && title.ends_with(" posted in Odoo")).count();
    ensure!(invoices == 1, "the invoice {invoices} times: {titles:?}");
    Ok(())
}
