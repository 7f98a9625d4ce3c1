//! What an administrator sets up in the sandbox Odoo: fields, views, actions, automation rules and users, as 19.0 has them; and
//! the webhooks of automation rules, which it sends after a change, once, without waiting longer than a second.

use super::{Data, Inner, OdooError, OdooResult, PICKING_FIELDS, Row, SandboxOdoo};
use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, net::IpAddr, sync::Arc, time::Duration};

/// Records that come with an installation lie behind all others.
const FIRST_ID: i64 = 9_000_000;
/// Odoo waits so long for the answer to a webhook.
const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(1);
/// Webhooks that wait to be sent at most, as a guard.
const WEBHOOKS_MAX: usize = 10_000;

/// Models whose records a set-up makes, changes and deletes.
const MODELS: &[&str] = &[
    "ir.model.fields",
    "ir.model.fields.selection",
    "ir.ui.view",
    "ir.actions.server",
    "base.automation",
    "res.users",
];

/// Fields of a sales order that automation rules watch.
const ORDER_FIELDS: &[(&str, &str)] = &[
    ("state", "selection"),
    ("commitment_date", "datetime"),
    ("partner_id", "many2one"),
    ("partner_shipping_id", "many2one"),
    ("user_id", "many2one"),
    ("name", "char"),
];

/// What an installation has of these.
pub(super) fn install(data: &mut Data) {
    let mut id = FIRST_ID;
    let mut put = |table: &str, mut row: Value| {
        id += 1;
        row["id"] = json!(id);
        let row = row.as_object().cloned().unwrap_or_default();
        data.tables.entry(table.to_owned()).or_default().insert(id, row);
        id
    };
    for model in ["sale.order", "base.automation"] {
        put("ir.model", json!({"model": model}));
    }
    let fields = [("stock.picking", PICKING_FIELDS), ("sale.order", ORDER_FIELDS)];
    for (model, fields) in fields {
        for (name, kind) in fields {
            put("ir.model.fields", json!({"model": model, "name": name, "ttype": kind, "state": "base"}));
        }
    }
    for (model, kind, arch) in [
        ("stock.picking", "list", r#"<list><field name="name"/><field name="state"/></list>"#),
        ("stock.picking", "search", "<search/>"),
        ("sale.order", "form", r#"<form><sheet><div name="button_box"/><notebook/></sheet></form>"#),
        ("sale.order", "list", r#"<list><field name="name"/><field name="state"/></list>"#),
        ("sale.order", "search", "<search/>"),
    ] {
        let row = json!({
            "name": format!("{model}.{kind}"), "model": model, "type": kind, "mode": "primary", "inherit_id": false,
            "priority": 16, "arch_db": arch, "active": true,
        });
        put("ir.ui.view", row);
    }
    for (module, name) in [
        ("base", "group_user"),
        ("stock", "group_stock_user"),
        ("sales_team", "group_sale_salesman_all_leads"),
        ("account", "group_account_invoice"),
    ] {
        let group = put("res.groups", json!({"name": name}));
        put("ir.model.data", json!({"module": module, "name": name, "model": "res.groups", "res_id": group}));
    }
}

/// Takes what a set-up added away again.
pub(super) fn remove_fields(data: &mut Data) {
    if let Some(fields) = data.tables.get_mut("ir.model.fields") {
        fields.retain(|_, row| row.get("state") != Some(&json!("manual")));
    }
    data.tables.remove("ir.model.fields.selection");
}

/// A method of what is set up; none where it is not about that.
pub(super) fn perform(data: &mut Data, model: &str, method: &str, body: &Value) -> Option<OdooResult> {
    match method {
        "fields_get" if model != "stock.picking" => Some(Ok(fields_get(model, body))),
        _ if !MODELS.contains(&model) => None,
        "create" => Some(create(data, model, body)),
        "write" => Some(write(data, model, body)),
        "unlink" => Some(unlink(data, model, body)),
        _ => None,
    }
}

fn fields_get(model: &str, body: &Value) -> Value {
    let there = match model {
        "ir.ui.view" => {
            json!({"type": {"type": "selection", "selection": [["list", "List"], ["form", "Form"], ["search", "Search"]]}})
        }
        "ir.actions.server" => json!({
            "state": {"type": "selection", "selection": [["code", "Execute Code"], ["webhook", "Send Webhook Notification"]]},
            "group_ids": {"type": "many2many"},
        }),
        "res.users" => json!({"group_ids": {"type": "many2many"}, "all_group_ids": {"type": "many2many"}}),
        _ => json!({}),
    };
    let there = there.as_object().cloned().unwrap_or_default();
    let asked: Vec<&str> = body["allfields"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let found: Map<String, Value> =
        there.into_iter().filter(|(name, _)| asked.is_empty() || asked.contains(&name.as_str())).collect();
    Value::Object(found)
}

/// There is no such record.
pub(super) fn missing(model: &str, id: i64) -> OdooError {
    let text = format!("Record does not exist or has been deleted.\n(Record: {model}({id},), User: 2)");
    OdooError(StatusCode::NOT_FOUND, "odoo.exceptions.MissingError", text)
}

/// The records that a method is called on.
pub(super) fn ids_of(body: &Value) -> Vec<i64> {
    body["ids"].as_array().into_iter().flatten().filter_map(Value::as_i64).collect()
}

fn refused(text: &str) -> OdooError {
    OdooError(StatusCode::UNPROCESSABLE_ENTITY, "odoo.exceptions.ValidationError", text.to_owned())
}

fn name_of_model(data: &Data, id: i64) -> Option<String> {
    let row = data.tables.get("ir.model")?.get(&id)?;
    Some(row.get("model")?.as_str()?.to_owned())
}

/// A link as it is read: the id and a name.
fn linked(row: &mut Map<String, Value>, field: &str) {
    if let Some(id) = row.get(field).and_then(Value::as_i64) {
        row.insert(field.into(), json!([id, "sandbox"]));
    }
}

fn create(data: &mut Data, model: &str, body: &Value) -> OdooResult {
    // one call is one transaction: nothing is made where one row is refused
    let rows: Vec<Map<String, Value>> =
        body["vals_list"].as_array().into_iter().flatten().filter_map(Value::as_object).cloned().collect();
    if model == "ir.model.fields" {
        for row in &rows {
            let of = row.get("model_id").and_then(Value::as_i64).and_then(|id| name_of_model(data, id));
            let known = data.tables.get(model).into_iter().flat_map(BTreeMap::values);
            let mut same = known.filter(|there| there.get("name") == row.get("name"));
            if same.any(|there| there.get("model").and_then(Value::as_str) == of.as_deref()) {
                return Err(refused("The operation cannot be completed: Field names must be unique per model."));
            }
        }
    }
    let made: Vec<i64> = rows.into_iter().map(|row| insert(data, model, row)).collect();
    Ok(json!(made))
}

fn insert(data: &mut Data, model: &str, mut row: Map<String, Value>) -> i64 {
    row.entry("active").or_insert(json!(true));
    let lines = ["selection_ids", "action_server_ids"].map(|field| (field, row.remove(field)));
    match model {
        "ir.model.fields" => {
            let of = row.get("model_id").and_then(Value::as_i64).and_then(|id| name_of_model(data, id));
            row.insert("model".into(), json!(of));
        }
        "base.automation" | "res.users" => {
            for field in ["trigger_field_ids", "group_ids"] {
                if let Some(commands) = row.remove(field) {
                    let ids = links(&[], &commands);
                    row.insert(field.into(), json!(ids));
                    if field == "group_ids" {
                        row.insert("all_group_ids".into(), json!(ids));
                    }
                }
            }
        }
        _ => {}
    }
    for field in ["inherit_id", "field_id"] {
        linked(&mut row, field);
    }
    if model != "ir.model.fields" {
        linked(&mut row, "model_id");
    }
    let id = data.insert(model, Value::Object(row));
    for (field, lines) in lines {
        let mut ids = Vec::new();
        for line in lines.as_ref().and_then(Value::as_array).into_iter().flatten() {
            let mut values = line[2].as_object().cloned().unwrap_or_default();
            if field == "selection_ids" {
                values.insert("field_id".into(), json!(id));
                insert(data, "ir.model.fields.selection", values);
            } else {
                ids.push(insert(data, "ir.actions.server", values));
            }
        }
        if model == "base.automation" && field == "action_server_ids" {
            set(data, model, id, field, json!(ids));
        }
    }
    id
}

fn set(data: &mut Data, model: &str, id: i64, field: &str, value: Value) {
    if let Some(row) = data.tables.get_mut(model).and_then(|table| table.get_mut(&id)) {
        row.insert(field.to_owned(), value);
    }
}

/// Ids after commands: 4 adds, 6 replaces.
fn links(before: &[i64], commands: &Value) -> Vec<i64> {
    let mut ids = before.to_vec();
    for command in commands.as_array().into_iter().flatten() {
        match command[0].as_i64() {
            Some(4) => ids.extend(command[1].as_i64()),
            Some(6) => ids = command[2].as_array().into_iter().flatten().filter_map(Value::as_i64).collect(),
            _ => {}
        }
    }
    ids
}

fn many(row: &Row, field: &str) -> Vec<i64> {
    row.get(field).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_i64).collect()
}

fn row_of<'a>(data: &'a Data, model: &str, id: i64) -> Result<&'a Row, OdooError> {
    data.tables.get(model).and_then(|table| table.get(&id)).ok_or_else(|| missing(model, id))
}

fn write(data: &mut Data, model: &str, body: &Value) -> OdooResult {
    for id in ids_of(body) {
        let before = row_of(data, model, id)?.clone();
        for (field, value) in body["vals"].as_object().into_iter().flatten() {
            match field.as_str() {
                "trigger_field_ids" => set(data, model, id, field, json!(links(&many(&before, field), value))),
                "group_ids" => {
                    let ids = links(&many(&before, field), value);
                    set(data, model, id, "all_group_ids", json!(ids));
                    set(data, model, id, field, json!(ids));
                }
                "action_server_ids" => write_actions(data, id, &before, value),
                "inherit_id" => set(data, model, id, field, json!([value, "sandbox"])),
                _ => set(data, model, id, field, value.clone()),
            }
        }
    }
    Ok(json!(true))
}

/// Commands on a rule's actions: 0 makes, 1 changes, 2 deletes.
fn write_actions(data: &mut Data, rule: i64, before: &Row, commands: &Value) {
    let mut ids = many(before, "action_server_ids");
    for command in commands.as_array().into_iter().flatten() {
        let (id, values) =
            (command[1].as_i64().unwrap_or_default(), command[2].as_object().cloned().unwrap_or_default());
        match command[0].as_i64() {
            Some(0) => ids.push(insert(data, "ir.actions.server", values)),
            Some(1) => values.into_iter().for_each(|(field, value)| set(data, "ir.actions.server", id, &field, value)),
            Some(2) => {
                ids.retain(|known| *known != id);
                data.tables.get_mut("ir.actions.server").map(|table| table.remove(&id));
            }
            _ => {}
        }
    }
    set(data, "base.automation", rule, "action_server_ids", json!(ids));
}

fn text<'a>(row: &'a Row, field: &str) -> Option<&'a str> {
    row.get(field).and_then(Value::as_str)
}

/// What hangs on a record goes with it. A field that a view shows stays.
fn unlink(data: &mut Data, model: &str, body: &Value) -> OdooResult {
    for id in ids_of(body) {
        let row = row_of(data, model, id)?.clone();
        if model == "ir.model.fields" {
            let name = format!("\"{}\"", row.get("name").and_then(Value::as_str).unwrap_or_default());
            let of = row.get("model");
            let mut views = data.tables.get("ir.ui.view").into_iter().flat_map(BTreeMap::values);
            let shows =
                |view: &&Row| view.get("arch_db").and_then(Value::as_str).is_some_and(|arch| arch.contains(&name));
            if row.get("state") != Some(&json!("manual")) || views.any(|view| view.get("model") == of && shows(&view)) {
                return Err(refused("Cannot rename/delete fields that are still present in views"));
            }
        }
        if let ("ir.model.fields", Some(name), Some(of)) = (model, text(&row, "name"), text(&row, "model")) {
            // the values go with the field
            data.tables
                .get_mut(of)
                .into_iter()
                .flat_map(BTreeMap::values_mut)
                .for_each(|record| drop(record.remove(name)));
        }
        for action in many(&row, "action_server_ids") {
            data.tables.get_mut("ir.actions.server").map(|table| table.remove(&action));
        }
        data.tables.get_mut(model).map(|table| table.remove(&id));
    }
    Ok(json!(true))
}

/// A webhook that waits to be sent.
pub(super) struct Webhook {
    url: String,
    body: Value,
}

/// A record was written: the rules that watch one of these fields post, one request for each rule.
pub(super) fn touched<'a>(data: &mut Data, model: &str, id: i64, fields: impl Iterator<Item = &'a str> + Clone) {
    let empty = BTreeMap::new();
    let known = data.tables.get("ir.model.fields").unwrap_or(&empty);
    let name = |field: &i64| known.get(field).and_then(|row| row.get("name")).and_then(Value::as_str);
    let rules = data.tables.get("base.automation").unwrap_or(&empty).values();
    let actions = data.tables.get("ir.actions.server").unwrap_or(&empty);
    let mut waiting = Vec::new();
    for rule in rules.filter(|rule| rule.get("active") == Some(&json!(true))) {
        let of = rule.get("model_id").and_then(|link| link[0].as_i64()).and_then(|id| name_of_model(data, id));
        let watched = many(rule, "trigger_field_ids");
        let fires = watched.iter().filter_map(name).any(|watched| fields.clone().any(|field| field == watched));
        if of.as_deref() != Some(model) || !fires {
            continue;
        }
        for action in many(rule, "action_server_ids").iter().filter_map(|id| actions.get(id)) {
            let text = |field: &str| action.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
            let body = json!({"_action": format!("{}(#{id})", text("name")), "_id": id, "_model": model});
            waiting.push(Webhook { url: text("webhook_url"), body });
        }
    }
    waiting.truncate(WEBHOOKS_MAX.saturating_sub(data.webhooks.len()));
    data.webhooks.extend(waiting);
}

/// Sends what waits, after the change. Nothing leaves this machine.
pub(super) fn send(inner: &Arc<Inner>) {
    let waiting = std::mem::take(&mut inner.lock().webhooks);
    if waiting.is_empty() {
        return;
    }
    let http = inner.http.get_or_init(|| reqwest::Client::builder().timeout(WEBHOOK_TIMEOUT).build().ok());
    let Some(http) = http.clone() else { return };
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    runtime.spawn(async move {
        for Webhook { url, body } in waiting.into_iter().filter(|webhook| is_here(&webhook.url)) {
            // sent and forgotten, as Odoo does
            drop(http.post(url).json(&body).send().await);
        }
    });
}

fn is_here(url: &str) -> bool {
    let host = reqwest::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.is_some_and(|host| host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()))
}

impl SandboxOdoo {
    /// The records of a model as they lie there, by id.
    pub fn all_records(&self, model: &str) -> Vec<Value> {
        let data = self.inner.lock();
        data.tables.get(model).into_iter().flat_map(BTreeMap::values).cloned().map(Value::Object).collect()
    }
}
