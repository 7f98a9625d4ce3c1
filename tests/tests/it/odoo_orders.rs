//! Fifty orders as Odoo's own users make them, on the real Odoo and the real desk: nothing is late that is not; and one
//! record that may not be read stops none of the others.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{Desk, Installation, Odoo, Surroundings, until};

const ORDERS: usize = 50;

/// How an order is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Nothing is promised: Odoo's deadline is the moment of confirmation.
    Plain,
    /// The product has a lead time of some days.
    LeadTime,
    /// The user chose a delivery date that is still to come.
    Promised,
    /// The user chose one that has passed.
    PromisedLongAgo,
}

const KINDS: [Kind; 4] = [Kind::Plain, Kind::LeadTime, Kind::Promised, Kind::PromisedLongAgo];

/// Numbers of this run alone, since the desk is shared.
fn number(n: usize) -> String {
    format!("ORD{:08}{n:04}", std::process::id())
}

async fn first(odoo: &Odoo, model: &str, domain: Value) -> Result<i64> {
    let found = odoo.call(model, "search", json!({"domain": domain, "limit": 1})).await?;
    found[0].as_i64().with_context(|| format!("a {model}"))
}

/// Confirms an order and types a number into its delivery: (partner, delivery).
async fn order(odoo: &Odoo, product: i64, kind: Kind, n: usize) -> Result<(i64, i64)> {
    let partner = json!({"vals_list": [{"name": format!("Customer {n}"), "city": "Lyon"}]});
    let partner = odoo.call("res.partner", "create", partner).await?[0].as_i64().context("a partner")?;
    let lead = if kind == Kind::LeadTime { 5 } else { 0 };
    let line = json!([0, 0, {"product_id": product, "product_uom_qty": 1, "customer_lead": lead}]);
    let mut values = json!({"partner_id": partner, "order_line": [line]});
    match kind {
        Kind::Promised => values["commitment_date"] = json!("2099-01-01 12:00:00"),
        Kind::PromisedLongAgo => values["commitment_date"] = json!("2020-01-01 12:00:00"),
        Kind::Plain | Kind::LeadTime => {}
    }
    let made = odoo.call("sale.order", "create", json!({"vals_list": [values]})).await?;
    let id = made[0].as_i64().context("an order")?;
    odoo.call("sale.order", "action_confirm", json!({"ids": [id]})).await?;
    let delivery = first(odoo, "stock.picking", json!([["sale_id", "=", id]])).await?;
    let number = json!({"carrier_tracking_ref": number(n)});
    odoo.call("stock.picking", "write", json!({"ids": [delivery], "vals": number})).await?;
    Ok((partner, delivery))
}

/// What the fields say once Milepost has written them.
async fn exception(odoo: &Odoo, delivery: i64) -> Result<Value> {
    until("the delivery to be imported", || async {
        let row = odoo.delivery(delivery, &["x_milepost_url", "x_milepost_exception"]).await?;
        Ok(row["x_milepost_url"].is_string().then(|| row["x_milepost_exception"].clone()))
    })
    .await
}

#[tokio::test]
async fn fifty_orders_and_nothing_is_late_that_is_not() -> Result<()> {
    let Some(around) = Surroundings::find("fifty_orders_and_nothing_is_late_that_is_not") else { return Ok(()) };
    let (odoo, desk) = (Odoo::clone_database(&around, "fifty_orders")?, Desk::new(&around));
    let mut installation = Installation::prepare(&around, [odoo.settings(), desk.settings()].concat())?;
    installation.command(&["odoo", "setup", "--admin-key-file", &odoo.admin_key_file.display().to_string()], None)?;
    let product =
        first(&odoo, "product.product", json!([["is_storable", "=", true], ["qty_available", ">", 20]])).await?;
    let mut orders = Vec::new();
    for n in 0..ORDERS {
        let kind = KINDS[n % KINDS.len()];
        let (partner, delivery) = order(&odoo, product, kind, n).await?;
        orders.push((kind, partner, delivery));
    }
    // one customer may not be read by the integration user
    let (_, hidden, odd) = orders[0];
    let model = first(&odoo, "ir.model", json!([["model", "=", "res.partner"]])).await?;
    let rule = json!({"name": "hidden", "model_id": model, "domain_force": format!("[('id', '!=', {hidden})]")});
    odoo.call("ir.rule", "create", json!({"vals_list": [rule]})).await?;
    installation.start().await?;
    for (kind, _, delivery) in &orders {
        let shown = exception(&odoo, *delivery).await.with_context(|| installation.log())?;
        let expected = match (kind, *delivery == odd) {
            (_, true) => json!("Order data incomplete"),
            // its day of shipping was years ago
            (Kind::PromisedLongAgo, _) => json!("Late to ship"),
            _ => json!(false),
        };
        ensure!(shown == expected, "{kind:?} before shipping: {shown}");
    }
    // they are validated
    let skip = json!({"skip_backorder": true, "skip_sms": true});
    for (_, _, delivery) in &orders {
        let done = odoo.call("stock.picking", "button_validate", json!({"ids": [delivery], "context": skip})).await?;
        ensure!(done == json!(true), "delivery {delivery}: {done}");
    }
    for (kind, _, delivery) in &orders {
        let expected = match (kind, *delivery == odd) {
            (_, true) => json!("Order data incomplete"),
            (Kind::PromisedLongAgo, _) => json!("Late"),
            _ => json!(false),
        };
        until("what the delivery shows after it was validated", || async {
            let row = odoo.delivery(*delivery, &["x_milepost_exception"]).await?;
            Ok((row["x_milepost_exception"] == expected).then_some(()))
        })
        .await
        .with_context(|| format!("{kind:?} after shipping\n{}", installation.log()))?;
    }
    for n in 0..ORDERS {
        let tickets = desk.tickets(&number(n)).await?;
        ensure!(tickets.is_empty(), "order {n} has a ticket: {tickets:?}");
    }
    Ok(())
}
