//! The methods of the sandbox, and how it searches and shows records.

use super::admin::{ids_of, missing};
use super::{
    Data, Inner, KEY_USER, OdooError, OdooResult, PICKING_FIELDS, ROWS_MAX, Rights, Row, SHOWN_ID, admin, steps,
    transfers,
};
use crate::serve::page;
use axum::http::StatusCode;
use serde_json::{Map, Value, json};

fn value_error(text: String) -> OdooError {
    OdooError(StatusCode::INTERNAL_SERVER_ERROR, "builtins.ValueError", text)
}

/// The right that a method needs: on which model, and which.
fn right<'a>(model: &'a str, method: &str) -> (&'a str, &'static str) {
    match method {
        "write" | "message_post" => (model, "write"),
        "create" => (model, "create"),
        "activity_schedule" => ("mail.activity", "create"),
        "action_feedback" | "unlink" => (model, "unlink"),
        _ => (model, "read"),
    }
}

/// How models are called of the apps that it has.
const APPS: &[&str] =
    &["account.", "base.", "confirm.", "delivery.", "ir.", "mail.", "product.", "purchase.", "res.", "sale.", "stock."];

/// What no method gets as far as.
fn callable(model: &str, method: &str, body: &Value) -> Result<(), OdooError> {
    let error = |status, name, text| Err(OdooError(status, name, text));
    let unprocessable = |text| error(StatusCode::UNPROCESSABLE_ENTITY, "werkzeug.exceptions.UnprocessableEntity", text);
    match method {
        _ if !APPS.iter().any(|app| model.starts_with(app)) => {
            let text = format!("the model '{model}' does not exist");
            error(StatusCode::NOT_FOUND, "werkzeug.exceptions.NotFound", text)
        }
        _ if method.starts_with('_') => {
            let text = format!("Private methods (such as '{model}.{method}') cannot be called remotely.");
            error(StatusCode::FORBIDDEN, "odoo.exceptions.AccessError", text)
        }
        "search" | "search_read" | "search_count" if body.get("ids").is_some() => {
            unprocessable(format!("cannot call {model}.{method} with ids"))
        }
        "write" if body.get("vals").is_none() => unprocessable("missing a required argument: 'vals'".into()),
        _ => Ok(()),
    }
}

pub(super) fn perform(inner: &Inner, lacks: &Rights, model: &str, method: &str, body: &Value) -> OdooResult {
    callable(model, method, body)?;
    let may = |of: &str, operation: &str| !lacks.contains(&(of, operation));
    let (of, needed) = right(model, method);
    if !matches!(method, "has_access" | "fields_get") && !may(of, needed) {
        let text = format!("You are not allowed to {needed} '{of}' records.");
        return Err(OdooError(StatusCode::FORBIDDEN, "odoo.exceptions.AccessError", text));
    }
    let now = inner.now();
    let mut data = inner.lock();
    if method == "fields_get"
        && let Some(found) = transfers::fields_get(&data, model, body)
    {
        return Ok(found);
    }
    if let Some(done) = admin::perform(&mut data, model, method, body) {
        return done;
    }
    if let Some(done) = steps::perform(&mut data, (model, method), body, &now) {
        return done;
    }
    match (model, method) {
        ("res.users", "context_get") => Ok(json!({"lang": "en_US", "tz": "UTC", "uid": KEY_USER})),
        (_, "has_access") => Ok(json!(body["operation"].as_str().is_none_or(|operation| may(model, operation)))),
        ("ir.model.access", "call_cache_clearing_methods") => Ok(Value::Null),
        ("stock.picking", "fields_get") => Ok(fields_get(&data, body)),
        ("stock.picking" | "sale.order", "message_post") => message_post(&mut data, model, body),
        ("stock.picking", "activity_schedule") => activity_schedule(&mut data, body),
        ("mail.activity", "action_feedback") => action_feedback(&mut data, body),
        (_, "search_read" | "search" | "search_count") => search(&data, model, method, body),
        (_, "read") => {
            known_fields(&data, model, &body["fields"])?;
            readable(&data, model, ids_of(body))?;
            let rows = data.tables.get(model);
            let found = ids_of(body).into_iter().filter_map(|id| rows.and_then(|t| t.get(&id)));
            Ok(Value::Array(found.map(|row| shown(&data, row, &body["fields"])).collect()))
        }
        (_, "write") => write(&mut data, model, body, &now),
        (_, "create") => create(&mut data, model, body),
        _ => Err(OdooError(
            StatusCode::NOT_FOUND,
            "werkzeug.exceptions.NotFound",
            format!("the sandbox has no {model}/{method}"),
        )),
    }
}

fn known_fields(data: &Data, model: &str, fields: &Value) -> Result<(), OdooError> {
    let mut named = fields.as_array().into_iter().flatten().filter_map(Value::as_str);
    match named.find(|field| model == "stock.picking" && !data.knows(field)) {
        Some(unknown) => Err(value_error(format!("Invalid field '{unknown}' on 'stock.picking'"))),
        None => Ok(()),
    }
}

fn search(data: &Data, model: &str, method: &str, body: &Value) -> OdooResult {
    let terms = body["domain"].as_array().cloned().unwrap_or_default();
    if model == "stock.picking" {
        let named = terms
            .iter()
            .filter_map(|t| t[0].as_str())
            .chain(body["fields"].as_array().into_iter().flatten().filter_map(Value::as_str));
        let own = named.map(|field| field.split('.').next().unwrap_or_default());
        if let Some(unknown) = own.into_iter().find(|f| !data.knows(f)) {
            return Err(value_error(format!("Invalid field '{unknown}' on 'stock.picking'")));
        }
    }
    // archived records are left out unless asked for
    let all = body["context"]["active_test"] == json!(false);
    let limit = body["limit"].as_u64().and_then(|l| usize::try_from(l).ok()).unwrap_or(ROWS_MAX);
    let hits = data.candidates(model, &terms).filter(|row| {
        (all || row.get("active") != Some(&json!(false))) && !is_hidden(data, row) && within(data, row, &terms)
    });
    // every order that Milepost asks for begins with what the sandbox sorts by: the id
    let is_backwards = body["order"].as_str().is_some_and(|order| order.starts_with("id desc"));
    let hits: Box<dyn Iterator<Item = &Row>> = match is_backwards {
        true => Box::new(hits.collect::<Vec<_>>().into_iter().rev()),
        false => Box::new(hits),
    };
    Ok(match method {
        "search_count" => json!(hits.count()),
        "search" => hits.take(limit).map(|row| shown_id(row).clone()).collect(),
        _ => {
            let hits: Vec<&Row> = hits.take(limit).collect();
            readable(data, model, hits.iter().filter_map(|row| row["id"].as_i64()))?;
            hits.into_iter().map(|r| shown(data, r, &body["fields"])).collect()
        }
    })
}

/// Whether a record is of a company that the key's user does not belong to.
fn is_hidden(data: &Data, row: &Row) -> bool {
    let company = row.get("company_id").and_then(|company| company.get(0)).and_then(Value::as_i64);
    company.is_some_and(|company| data.hidden_companies.contains(&company))
}

/// One record that may not be read refuses the whole answer.
fn readable(data: &Data, model: &str, ids: impl IntoIterator<Item = i64>) -> Result<(), OdooError> {
    let is_refused = |id: i64| {
        let row = data.tables.get(model).and_then(|rows| rows.get(&id));
        data.refused.contains(&(model.to_owned(), id)) || row.is_some_and(|row| is_hidden(data, row))
    };
    match ids.into_iter().find(|id| is_refused(*id)) {
        None => Ok(()),
        Some(_) => {
            let text = format!("You are not allowed to access '{model}' records.");
            Err(OdooError(StatusCode::FORBIDDEN, "odoo.exceptions.AccessError", text))
        }
    }
}

/// Whether a row is within a domain: terms that all hold, each alone or two behind an operator.
fn within(data: &Data, row: &Row, domain: &[Value]) -> bool {
    let mut terms = domain.iter();
    let mut all = true;
    while !terms.as_slice().is_empty() {
        all &= holds(data, row, &mut terms);
    }
    all
}

/// Whether the next term holds, which is taken with all that belongs to it.
fn holds(data: &Data, row: &Row, terms: &mut std::slice::Iter<Value>) -> bool {
    match terms.next() {
        Some(Value::String(operator)) => {
            let (first, second) = (holds(data, row, terms), holds(data, row, terms));
            if operator == "|" { first || second } else { first && second }
        }
        Some(term) => fits(data, row, term),
        None => false,
    }
}

fn fits(data: &Data, row: &Row, term: &Value) -> bool {
    let (Some(field), Some(operator)) = (term[0].as_str(), term[1].as_str()) else { return false };
    let wanted = &term[2];
    match &transfers::follow(data, row, field)[..] {
        [] => compares(&Value::Bool(false), operator, wanted),
        several => several.iter().any(|have| compares(have, operator, wanted)),
    }
}

fn compares(have: &Value, operator: &str, wanted: &Value) -> bool {
    // a link compares by its id
    let have = have.as_array().and_then(|pair| pair.first()).unwrap_or(have);
    let order = match (have, wanted) {
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (a, b) => a.as_i64().zip(b.as_i64()).map(|(a, b)| a.cmp(&b)),
    };
    match operator {
        "=" => have == wanted,
        "!=" => have != wanted,
        "in" => wanted.as_array().is_some_and(|list| list.contains(have)),
        ">" => order.is_some_and(std::cmp::Ordering::is_gt),
        ">=" => order.is_some_and(std::cmp::Ordering::is_ge),
        "ilike" => {
            have.as_str().zip(wanted.as_str()).is_some_and(|(a, b)| a.to_lowercase().contains(&b.to_lowercase()))
        }
        _ => false,
    }
}

fn shown_id(row: &Row) -> &Value {
    row.get(SHOWN_ID).unwrap_or(&row["id"])
}

/// Fields that lead to another record, and the model of that: a write gives the id alone.
const LINKS: &[(&str, &str)] =
    &[("user_id", "res.users"), ("carrier_id", "delivery.carrier"), ("partner_id", "res.partner")];

/// A value as it is read: a link with the name of what it leads to.
fn as_read(data: &Data, field: &str, value: &Value) -> Value {
    let model = LINKS.iter().find(|(name, _)| *name == field).map(|(_, model)| *model);
    let Some((model, id)) = model.zip(value.as_i64()) else { return value.clone() };
    let name = data.tables.get(model).and_then(|rows| rows.get(&id)).and_then(|row| row.get("name")).cloned();
    json!([id, name.unwrap_or_else(|| format!("{model},{id}").into())])
}

fn shown(data: &Data, row: &Row, fields: &Value) -> Value {
    let mut out = Map::new();
    out.insert("id".into(), shown_id(row).clone());
    for field in fields.as_array().into_iter().flatten().filter_map(Value::as_str) {
        out.insert(field.to_owned(), row.get(field).map_or(json!(false), |value| as_read(data, field, value)));
    }
    Value::Object(out)
}

fn write(data: &mut Data, model: &str, body: &Value, now: &str) -> OdooResult {
    let values = body["vals"].as_object().cloned().unwrap_or_default();
    if model == "stock.picking" {
        for (field, value) in &values {
            check_value(data, field, value)?;
        }
    }
    let ids = ids_of(body);
    let table = data.tables.entry(model.to_owned()).or_default();
    if let Some(gone) = ids.iter().find(|id| !table.contains_key(id)) {
        return Err(missing(model, *gone));
    }
    for id in &ids {
        if let Some(row) = table.get_mut(id) {
            row.extend(values.clone());
            row.insert("write_date".into(), json!(now));
            row.insert("write_uid".into(), json!([KEY_USER, "Milepost"]));
        }
    }
    for id in ids {
        admin::touched(data, model, id, values.keys().map(String::as_str));
    }
    Ok(json!(true))
}

fn check_value(data: &Data, field: &str, value: &Value) -> Result<(), OdooError> {
    if !data.knows(field) {
        return Err(value_error(format!("Invalid field '{field}' on 'stock.picking'")));
    }
    let selection = data.selection(field);
    if value != &json!(false) && !selection.is_empty() && !selection.iter().any(|pair| &pair[0] == value) {
        return Err(value_error(format!("Wrong value for stock.picking.{field}: {value}")));
    }
    let kind = data.custom().into_iter().find(|(name, _)| name == field).map(|(_, kind)| kind);
    if kind.as_deref() == Some("datetime") && value.as_str().is_some_and(|t| t.contains('T') || t.len() != 19) {
        return Err(value_error(format!("time data {value} does not match format '%Y-%m-%d %H:%M:%S'")));
    }
    Ok(())
}

fn create(data: &mut Data, model: &str, body: &Value) -> OdooResult {
    let mut made = Vec::new();
    for values in body["vals_list"].as_array().into_iter().flatten() {
        made.push(data.insert(model, values.clone()));
    }
    Ok(json!(made))
}

fn fields_get(data: &Data, body: &Value) -> Value {
    let asked: Vec<_> = body["allfields"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut out = Map::new();
    let base = PICKING_FIELDS.iter().map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned()));
    for (name, kind) in base.chain(data.custom()).filter(|(name, _)| asked.is_empty() || asked.contains(&name.as_str()))
    {
        let mut about = json!({"type": kind});
        if kind == "selection" {
            about["selection"] = Value::Array(data.selection(&name));
        }
        out.insert(name, about);
    }
    Value::Object(out)
}

/// The one record that a method is called on.
fn single(data: &Data, model: &str, body: &Value) -> Result<i64, OdooError> {
    let ids = ids_of(body);
    let [id] = ids.as_slice() else { return Err(value_error(format!("Expected singleton: {model}{ids:?}"))) };
    match data.tables.get(model).is_some_and(|t| t.contains_key(id)) {
        true => Ok(*id),
        false => Err(missing(model, *id)),
    }
}

fn message_post(data: &mut Data, model: &str, body: &Value) -> OdooResult {
    let record = single(data, model, body)?;
    let text = body["body"].as_str().unwrap_or_default();
    let html =
        if body["body_is_html"] == json!(true) { text.to_owned() } else { format!("<p>{}</p>", page::escape(text)) };
    let message_id = body["message_id"].as_str().map_or_else(|| format!("<{}@sandbox>", data.next), str::to_owned);
    let id =
        data.insert("mail.message", json!({"model": model, "res_id": record, "body": html, "message_id": message_id}));
    Ok(json!([id]))
}

fn activity_schedule(data: &mut Data, body: &Value) -> OdooResult {
    let picking = single(data, "stock.picking", body)?;
    let activity = json!({
        "res_model": "stock.picking", "res_id": picking, "summary": body["summary"], "note": body["note"],
        "date_deadline": body["date_deadline"], "user_id": body["user_id"], "active": true,
    });
    Ok(json!([data.insert("mail.activity", activity)]))
}

fn action_feedback(data: &mut Data, body: &Value) -> OdooResult {
    let mut message = json!(false);
    for id in ids_of(body) {
        let Some(row) = data.tables.get_mut("mail.activity").and_then(|t| t.get_mut(&id)) else {
            return Err(missing("mail.activity", id));
        };
        row.insert("active".into(), json!(false));
        let note = row.get("note").and_then(Value::as_str).unwrap_or_default().to_owned();
        let body = format!("<div>To-Do done: {note}</div>");
        let said = json!({"model": "stock.picking", "res_id": row["res_id"], "body": body, "message_id": format!("<done-{id}@sandbox>")});
        message = json!(data.insert("mail.message", said));
    }
    Ok(message)
}
