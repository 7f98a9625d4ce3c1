//! What a transfer, an invoice and a return go through in the sandbox: validation with its wizards, invoicing, returns, as 19.0
//! does them.

use super::{
    Data, KEY_USER, OdooError, OdooResult, Row, SandboxOdoo,
    admin::{ids_of, missing},
};
use axum::http::StatusCode;
use serde_json::{Value, json};

const PICKING: &str = "stock.picking";
const ORDER: &str = "sale.order";
const INVOICE: &str = "account.move";
const RETURN: &str = "stock.return.picking";
const NO_STOCK: &str = "Transfer trouble alert! Validating a zero quantity transfer? You're not moving invisible goods around \
                        are you?\nSet some quantities and let's get moving!";
const NOTHING_TO_INVOICE: &str = "Cannot create an invoice. No items are available to invoice.";
/// What a test sets of a delivery: there is no stock for it, only for a part of it, and Odoo asks about a text message.
const WITHOUT_STOCK: &str = "sandbox_without_stock";
const IN_PART: &str = "sandbox_in_part";
const ASKS_SMS: &str = "sandbox_asks_sms";

/// What stands in the way of a validation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hindrance {
    /// There is no stock.
    NoStock,
    /// There is stock for a part of it: Odoo asks about a backorder, unless the context says that it is made.
    InPart,
    /// Odoo asks about a text message, unless the context says that none is sent.
    AsksSms,
}

impl SandboxOdoo {
    /// From now on this stands in the way of validating a delivery.
    pub fn hinder(&self, picking: i64, hindrance: Hindrance) {
        let mut data = self.inner.lock();
        let Some(row) = data.tables.get_mut(PICKING).and_then(|table| table.get_mut(&picking)) else { return };
        let mark = match hindrance {
            Hindrance::NoStock => {
                row.insert("state".into(), json!("confirmed"));
                WITHOUT_STOCK
            }
            Hindrance::InPart => IN_PART,
            Hindrance::AsksSms => ASKS_SMS,
        };
        row.insert(mark.into(), json!(true));
    }

    /// Somebody books stock for a delivery.
    pub fn restock(&self, picking: i64) {
        let mut data = self.inner.lock();
        if let Some(row) = data.tables.get_mut(PICKING).and_then(|table| table.get_mut(&picking)) {
            row.remove(WITHOUT_STOCK);
        }
    }

    /// The records of a model that have this value, by id: invoices of an order, returns of a delivery.
    pub fn records_of(&self, model: &str, field: &str, value: &Value) -> Vec<Value> {
        let data = self.inner.lock();
        let rows = data.tables.get(model).into_iter().flatten().map(|(_, row)| row);
        let same = |row: &&Row| row.get(field).is_some_and(|have| have == value || have.get(0) == Some(value));
        rows.filter(same).map(|row| Value::Object(row.clone())).collect()
    }
}

/// A step; none where the method is none.
pub(super) fn perform(data: &mut Data, (model, method): (&str, &str), body: &Value, now: &str) -> Option<OdooResult> {
    Some(match (model, method) {
        (PICKING, "button_validate") => button_validate(data, body, now),
        (PICKING, "action_assign") => action_assign(data, body),
        ("stock.backorder.confirmation", "process") | ("confirm.stock.sms", "dont_send_sms") => {
            let pickings = &body["context"]["button_validate_picking_ids"];
            button_validate(data, &json!({"ids": pickings, "context": body["context"]}), now)
        }
        ("sale.advance.payment.inv", "create_invoices") => create_invoices(data, body, now),
        (INVOICE, "action_post") => action_post(data, body),
        (RETURN, "create") => create_return(data, body),
        (RETURN, "action_create_returns_all") => create_returns_all(data, body, now),
        (ORDER, "activity_schedule") => activity_schedule(data, body),
        _ => return None,
    })
}

fn user_error(text: impl Into<String>) -> OdooError {
    OdooError(StatusCode::UNPROCESSABLE_ENTITY, "odoo.exceptions.UserError", text.into())
}

fn row<'a>(data: &'a mut Data, model: &str, id: i64) -> Result<&'a mut Row, OdooError> {
    data.tables.get_mut(model).and_then(|table| table.get_mut(&id)).ok_or_else(|| missing(model, id))
}

fn is_set(row: &Row, field: &str) -> bool {
    row.get(field) == Some(&json!(true))
}

/// A wizard, as the web client opens it.
fn wizard(model: &str, picking: i64, id: Option<i64>) -> Value {
    let context = json!({"button_validate_picking_ids": [picking]});
    let mut action = json!({
        "name": model, "type": "ir.actions.act_window", "view_mode": "form", "res_model": model, "target": "new",
        "context": context,
    });
    if let Some(id) = id {
        action["res_id"] = json!(id);
    }
    action
}

fn button_validate(data: &mut Data, body: &Value, now: &str) -> OdooResult {
    let skips = |what: &str| body["context"][what] == json!(true);
    for id in ids_of(body) {
        let picking = row(data, PICKING, id)?;
        if picking.get("state") == Some(&json!("done")) {
            continue;
        }
        if is_set(picking, WITHOUT_STOCK) || picking.get("state") == Some(&json!("cancel")) {
            return Err(user_error(NO_STOCK));
        }
        let (in_part, asks_sms) = (is_set(picking, IN_PART), is_set(picking, ASKS_SMS));
        if in_part && !skips("skip_backorder") {
            return Ok(wizard("stock.backorder.confirmation", id, None));
        }
        if asks_sms && !skips("skip_sms") {
            let sms = data.insert("confirm.stock.sms", json!({"pick_ids": [id]}));
            return Ok(wizard("confirm.stock.sms", id, Some(sms)));
        }
        if in_part {
            backorder(data, id, now)?;
        }
        let picking = row(data, PICKING, id)?;
        for (field, value) in [("state", json!("done")), ("date_done", json!(now)), ("write_date", json!(now))] {
            picking.insert(field.into(), value);
        }
        picking.insert("write_uid".into(), json!([KEY_USER, "Milepost"]));
        let order = picking.get("sale_id").and_then(|order| order[0].as_i64());
        if let Some(order) = order.and_then(|order| row(data, ORDER, order).ok()) {
            order.insert("invoice_status".into(), json!("to invoice"));
        }
    }
    Ok(json!(true))
}

/// What is left of a delivery becomes one of its own: with its carrier, without its number.
fn backorder(data: &mut Data, id: i64, now: &str) -> Result<(), OdooError> {
    let mut rest = row(data, PICKING, id)?.clone();
    let name = rest.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    rest.remove(IN_PART);
    for (field, value) in [
        ("name", json!(format!("{name}-B"))),
        ("carrier_tracking_ref", json!(false)),
        ("backorder_id", json!([id, name])),
        ("write_date", json!(now)),
    ] {
        rest.insert(field.into(), value);
    }
    data.insert(PICKING, Value::Object(rest));
    Ok(())
}

fn action_assign(data: &mut Data, body: &Value) -> OdooResult {
    for id in ids_of(body) {
        let picking = row(data, PICKING, id)?;
        let waits = matches!(picking.get("state").and_then(Value::as_str), Some("confirmed" | "waiting"));
        if waits && !is_set(picking, WITHOUT_STOCK) {
            picking.insert("state".into(), json!("assigned"));
        }
    }
    Ok(json!(true))
}

fn create_invoices(data: &mut Data, body: &Value, now: &str) -> OdooResult {
    let mut last = json!(false);
    for id in ids_of(body) {
        let orders = row(data, "sale.advance.payment.inv", id)?.get("sale_order_ids").cloned().unwrap_or_default();
        let orders: Vec<i64> = orders[0][2].as_array().into_iter().flatten().filter_map(Value::as_i64).collect();
        for order in orders {
            let sold = row(data, ORDER, order)?;
            if sold.get("invoice_status") != Some(&json!("to invoice")) {
                return Err(user_error(NOTHING_TO_INVOICE));
            }
            let name = sold.get("name").cloned().unwrap_or_default();
            let invoice = json!({
                "name": false, "state": "draft", "move_type": "out_invoice", "payment_state": "not_paid",
                "invoice_origin": name, "create_uid": [KEY_USER, "Milepost"], "create_date": now,
            });
            let invoice = data.insert(INVOICE, invoice);
            let sold = row(data, ORDER, order)?;
            sold.insert("invoice_status".into(), json!("invoiced"));
            match sold.get_mut("invoice_ids").and_then(Value::as_array_mut) {
                Some(invoices) => invoices.push(json!(invoice)),
                None => drop(sold.insert("invoice_ids".into(), json!([invoice]))),
            }
            last = json!(invoice);
        }
    }
    Ok(json!({"name": "Invoices", "type": "ir.actions.act_window", "res_model": INVOICE, "res_id": last}))
}

fn action_post(data: &mut Data, body: &Value) -> OdooResult {
    for id in ids_of(body) {
        let posted = data.tables.get(INVOICE).into_iter().flat_map(|table| table.values());
        let number = posted.filter(|row| row.get("state") == Some(&json!("posted"))).count() + 1;
        let invoice = row(data, INVOICE, id)?;
        if invoice.get("state") != Some(&json!("draft")) {
            let name = invoice.get("name").and_then(Value::as_str).unwrap_or_default();
            return Err(user_error(format!("The entry {name} (id {id}) must be in draft.")));
        }
        invoice.insert("state".into(), json!("posted"));
        invoice.insert("name".into(), json!(format!("INV/2026/{number:05}")));
    }
    Ok(json!(false))
}

fn create_return(data: &mut Data, body: &Value) -> OdooResult {
    let mut made = Vec::new();
    for values in body["vals_list"].as_array().into_iter().flatten() {
        let picking = values["picking_id"].as_i64().unwrap_or_default();
        if row(data, PICKING, picking)?.get("state") != Some(&json!("done")) {
            return Err(user_error("You may only return Done pickings."));
        }
        made.push(data.insert(RETURN, values.clone()));
    }
    Ok(json!(made))
}

fn create_returns_all(data: &mut Data, body: &Value, now: &str) -> OdooResult {
    let mut last = json!(false);
    for id in ids_of(body) {
        let picking = row(data, RETURN, id)?.get("picking_id").and_then(Value::as_i64).unwrap_or_default();
        let mut back = row(data, PICKING, picking)?.clone();
        let name = back.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let number = data.tables.get(PICKING).map_or(0, |table| table.len());
        for (field, value) in [
            ("name", json!(format!("WH/IN/{number:05}"))),
            ("state", json!("assigned")),
            ("picking_type_code", json!("incoming")),
            ("origin", json!(format!("Return of {name}"))),
            ("return_id", json!([picking, name])),
            ("carrier_tracking_ref", json!(false)),
            ("date_done", json!(false)),
            ("write_date", json!(now)),
        ] {
            back.insert(field.into(), value);
        }
        back.retain(|field, _| !field.starts_with("x_"));
        last = json!(data.insert(PICKING, Value::Object(back)));
    }
    Ok(json!({"name": "Returned Picking", "type": "ir.actions.act_window", "res_model": PICKING, "res_id": last}))
}

fn activity_schedule(data: &mut Data, body: &Value) -> OdooResult {
    let mut made = Vec::new();
    for id in ids_of(body) {
        row(data, ORDER, id)?;
        let activity = json!({
            "res_model": ORDER, "res_id": id, "summary": body["summary"], "note": body["note"],
            "date_deadline": body["date_deadline"], "user_id": body["user_id"], "active": true,
        });
        made.push(data.insert("mail.activity", activity));
    }
    Ok(json!(made))
}
