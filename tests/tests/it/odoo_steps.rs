//! The walk on a real Odoo: order, scan, delivery, proof, invoice, each step once, with messages doubled and a kill in the
//! middle; read back by Odoo's own API.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{
    Installation, Odoo, Platform, Surroundings,
    aftership::{self, Event},
    until,
};

const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";
const SCANNED: Event = ("InTransit", "InTransit_002", "2026-03-02T10:00:00");
const DELIVERED: Event = ("Delivered", "Delivered_001", "2026-03-04T11:00:00");
const RETURNING: Event = ("Exception", "Exception_010", "2026-03-04T11:00:00");

/// AfterShip's message with these events so far.
fn message(number: &str, events: &[Event], proof: Option<Value>) -> Vec<u8> {
    let further = proof.map_or(Value::Null, |proof| json!({"proof_of_delivery": proof}));
    aftership::message((number, "dhl"), events, &further)
}

async fn imported(odoo: &Odoo, delivery: i64) -> Result<()> {
    until("the delivery to be imported", || async {
        Ok(odoo.delivery(delivery, &["x_milepost_url"]).await?["x_milepost_url"].as_str().map(drop))
    })
    .await
}

async fn found(odoo: &Odoo, model: &str, domain: Value, fields: &[&str]) -> Result<Vec<Value>> {
    let rows = odoo.call(model, "search_read", json!({"domain": domain, "fields": fields, "order": "id"})).await?;
    Ok(rows.as_array().cloned().unwrap_or_default())
}

#[tokio::test]
async fn from_the_order_to_the_invoice_each_step_once() -> Result<()> {
    let Some(around) = Surroundings::find("from_the_order_to_the_invoice_each_step_once") else { return Ok(()) };
    let odoo = Odoo::clone_database(&around, "odoo_steps")?;
    let mut installation = Installation::prepare(&around, odoo.settings())?;
    // an Odoo that is busy takes a second for an import: it is to be idle between two
    installation.set("MILEPOST_ODOO_IMPORT_SECONDS", "10".into());
    installation.command(&["odoo", "setup", "--admin-key-file", &odoo.admin_key_file.display().to_string()], None)?;
    let platform = Platform::new("aftership", "whole-system-aftership");
    installation.command(&["source", "put", "aftership", "--connector", "aftership"], Some(platform.secret))?;
    installation.start().await?;
    let settings = ["validate_on=first_scan", "invoice=post", "invoice_on=pod", "returns=create"];
    let set = settings.iter().flat_map(|setting| ["--set", *setting]);
    let arguments: Vec<&str> = ["connection", "put", "odoo", "--keep-secret"].into_iter().chain(set).collect();
    installation.command(&arguments, None)?;
    installation.kill()?;
    installation.start().await?;

    let run = format!("{:09}", std::process::id());
    let numbers = [format!("0034043{run}7"), format!("0034043{run}8")];
    let (order, delivery) = odoo.order(&numbers[0]).await?;
    let (_, refused) = odoo.order(&numbers[1]).await?;
    imported(&odoo, delivery).await.with_context(|| installation.log())?;
    imported(&odoo, refused).await.with_context(|| installation.log())?;

    let proof = json!([{"type": "signature", "data": PNG}]);
    let messages = [
        message(&numbers[0], &[SCANNED], None),
        message(&numbers[1], &[SCANNED], None),
        message(&numbers[0], &[SCANNED, DELIVERED], None),
        message(&numbers[0], &[SCANNED, DELIVERED], Some(proof.clone())),
        message(&numbers[1], &[SCANNED, RETURNING], None),
    ];
    for (n, body) in messages.iter().chain(&messages).enumerate() {
        ensure!(platform.post(&installation.base(), body).await? == 202, "message {n}\n{}", installation.log());
        if n == 3 {
            installation.kill()?;
            installation.start().await?;
        }
    }
    installation.idle().await.with_context(|| installation.log())?;

    let state = odoo.delivery(delivery, &["state", "x_milepost_status"]).await?;
    ensure!((&state["state"], &state["x_milepost_status"]) == (&json!("done"), &json!("DELIVERED")), "{state}");
    let of_delivery = json!([["res_model", "=", "stock.picking"], ["res_id", "=", delivery]]);
    let attached = found(&odoo, "ir.attachment", of_delivery, &["name", "datas"]).await?;
    ensure!(attached.len() == 1 && attached[0]["datas"] == PNG, "one proof: {attached:?}");
    let fields = json!({"ids": [order], "fields": ["invoice_ids", "invoice_status", "x_milepost_status"]});
    let sold = odoo.call("sale.order", "read", fields).await?[0].clone();
    ensure!(sold["x_milepost_status"] == "DELIVERED" && sold["invoice_status"] == "invoiced", "{sold}");
    let invoices = found(&odoo, "account.move", json!([["id", "in", sold["invoice_ids"]]]), &["state", "name"]).await?;
    ensure!(invoices.len() == 1 && invoices[0]["state"] == "posted", "one invoice: {invoices:?}");
    let returns = found(&odoo, "stock.picking", json!([["return_id", "=", refused]]), &["name", "state"]).await?;
    ensure!(returns.len() == 1, "one return: {returns:?}");
    let none = found(&odoo, "stock.picking", json!([["return_id", "=", delivery]]), &["name"]).await?;
    ensure!(none.is_empty(), "what was delivered does not come back: {none:?}");

    // the delivery is retracted: the fields follow, the invoice stays, and somebody is asked
    let back = ("InTransit", "InTransit_003", "2026-03-04T12:00:00");
    ensure!(platform.post(&installation.base(), &message(&numbers[0], &[SCANNED, back], None)).await? == 202);
    until("the retraction to arrive", || async {
        let row = odoo.delivery(delivery, &["x_milepost_delivered_at"]).await?;
        Ok((row["x_milepost_delivered_at"] == json!(false)).then_some(()))
    })
    .await
    .with_context(|| installation.log())?;
    installation.idle().await?;
    let of_order = json!([["res_model", "=", "sale.order"], ["res_id", "=", order], ["note", "like", "milepost"]]);
    let asked = found(&odoo, "mail.activity", of_order, &["summary"]).await?;
    let expected = format!("Check invoice {}", invoices[0]["name"].as_str().unwrap_or_default());
    ensure!(asked.len() == 1 && asked[0]["summary"] == expected, "{asked:?}");
    let after = found(&odoo, "account.move", json!([["id", "in", sold["invoice_ids"]]]), &["state"]).await?;
    ensure!(after[0]["state"] == "posted", "{after:?}");
    Ok(())
}
