//! The whole way on a real Odoo: an order is confirmed, its label booked at a simulated platform, its number in Odoo; the carrier scans and
//! delivers, the proof is attached and the invoice posted. Each step once, with messages doubled and a kill in the middle.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use simulator::booking::SandboxBooking;
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
