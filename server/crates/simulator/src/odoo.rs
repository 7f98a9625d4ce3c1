//! A sandbox Odoo: behaves like a running Odoo 19.0 for what Milepost uses of its JSON-2 API. Empty is `false`, errors
//! have Odoo's names and statuses, and every write moves `write_date`, also our own.

use crate::{
    faults::{Fault, Faults, spoiled},
    journey::{Place, later},
    serve::{Change, Changes, Server, page},
    world::Clock,
};
use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
};

/// The sandbox's only database.
pub const DATABASE: &str = "sandbox";
/// Rows of one search at most, as a guard; Odoo has none.
const ROWS_MAX: usize = 10_000;
/// Custom fields of one model at most.
const FIELDS_MAX: usize = 200;
/// What a delivery has before anybody adds fields.
const PICKING_FIELDS: &[(&str, &str)] = &[
    ("name", "char"),
    ("state", "selection"),
    ("origin", "char"),
    ("sale_id", "many2one"),
    ("user_id", "many2one"),
    ("partner_id", "many2one"),
    ("carrier_id", "many2one"),
    ("carrier_tracking_ref", "char"),
    ("picking_type_code", "selection"),
    ("scheduled_date", "datetime"),
    ("date_deadline", "datetime"),
    ("date_done", "datetime"),
    ("write_date", "datetime"),
    ("write_uid", "many2one"),
];
/// What a record shows in place of its id.
const SHOWN_ID: &str = "shown id";
/// The user of the key that the sandbox takes.
const KEY_USER: i64 = 2;

type Row = Map<String, Value>;

/// An order to be put in.
#[derive(Clone, Debug)]
pub struct NewOrder {
    /// `S00101`.
    pub order: String,
    /// `WH/OUT/00042`.
    pub picking: String,
    /// To whom.
    pub customer: String,
    /// Where to.
    pub place: Place,
    /// The shipping method.
    pub carrier: &'static str,
    /// The tracking reference, as typed in.
    pub tracking: Option<String>,
    /// What was promised.
    pub promised: Timestamp,
    /// When it left the house, if it has.
    pub shipped: Option<Timestamp>,
    /// When it was last written.
    pub written: Timestamp,
}

#[derive(Default)]
struct Data {
    tables: BTreeMap<String, BTreeMap<i64, Row>>,
    /// What hangs on a record, by its id: notes and activities are looked for by it, as Odoo does along an index.
    hanging: BTreeMap<(String, i64), Vec<i64>>,
    next: i64,
    /// Records that the key's user may not read.
    refused: BTreeSet<(String, i64)>,
    calls: BTreeMap<String, usize>,
    changes: Changes,
}

struct Inner {
    data: Mutex<Data>,
    faults: Faults,
    key: String,
    now: Clock,
}

/// A running sandbox Odoo; stops when dropped.
pub struct SandboxOdoo {
    inner: Arc<Inner>,
    server: Server,
}

/// An error as Odoo answers it.
struct OdooError(StatusCode, &'static str, String);

type OdooResult = Result<Value, OdooError>;

impl SandboxOdoo {
    /// Starts one on a free port of this machine.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(key: &str, now: Clock) -> std::io::Result<Self> {
        let mut data = Data { next: 1, ..Data::default() };
        data.insert("ir.model", json!({"model": "stock.picking"}));
        data.insert("ir.ui.view", json!({"name": "stock.picking.form", "model": "stock.picking", "type": "form", "mode": "primary", "inherit_id": false, "priority": 12, "arch_db": "<form/>"}));
        data.insert("res.users", json!({"name": "Sandbox clerk", "login": "clerk"}));
        let inner = Arc::new(Inner { data: Mutex::new(data), faults: Faults::default(), key: key.to_owned(), now });
        let router = Router::new()
            .route("/web/version", get(version))
            .route("/json/2/{model}/{method}", post(json2))
            .route("/odoo/stock.picking/{id}", get(picking_page))
            .with_state(Arc::clone(&inner));
        Ok(Self { inner, server: Server::start(router).await? })
    }

    /// Its address.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// A key that it takes.
    pub fn key(&self) -> String {
        self.inner.key.clone()
    }

    /// Orders faults: see [`Faults::order`]. An operation is `stock.picking/write`.
    pub fn fail(&self, operation: Option<&str>, fault: &Fault, count: usize) {
        self.inner.faults.order(operation, fault, count);
    }

    /// Takes back the faults that are still to come.
    pub fn clear_faults(&self) {
        self.inner.faults.clear();
    }

    /// Puts a confirmed order with its delivery in; the delivery's id.
    pub fn add_order(&self, new: &NewOrder) -> i64 {
        let mut data = self.inner.lock();
        let partner = data.insert(
            "res.partner",
            json!({
                "name": new.customer, "street": "Musterstraße 1", "city": new.place.city, "zip": new.place.zip,
                "country_code": new.place.country, "lang": "en_US", "tz": new.place.zone,
                "email": format!("orders@{}.sandbox.test", new.order.to_lowercase()),
                "write_date": datetime(new.written),
            }),
        );
        let partner = json!([partner, new.customer]);
        let user = data.clerk();
        let promised = datetime(new.promised);
        let order = json!({"name": new.order, "state": "sale", "commitment_date": promised, "partner_id": partner, "user_id": user, "write_date": datetime(new.written)});
        let order = data.insert("sale.order", order);
        let picking = json!({
            "name": new.picking, "state": if new.shipped.is_some() { "done" } else { "assigned" }, "origin": new.order,
            "sale_id": [order, new.order], "partner_id": partner, "user_id": false, "picking_type_code": "outgoing",
            "carrier_id": [1, new.carrier], "carrier_tracking_ref": new.tracking.as_deref().map_or(json!(false), |t| json!(t)),
            "scheduled_date": promised, "date_deadline": promised,
            "date_done": new.shipped.map_or(json!(false), |at| json!(datetime(at))), "write_date": datetime(new.written),
            "write_uid": user,
        });
        data.insert("stock.picking", picking)
    }

    /// What somebody types into a delivery.
    pub fn edit(&self, picking: i64, field: &str, value: Value) {
        let now = self.inner.now();
        let mut data = self.inner.lock();
        let clerk = data.clerk();
        if let Some(row) = data.tables.get_mut("stock.picking").and_then(|t| t.get_mut(&picking)) {
            row.insert(field.to_owned(), value);
            row.insert("write_date".into(), json!(now));
            row.insert("write_uid".into(), clerk);
        }
    }

    /// What somebody types into what a delivery leads to by a field: its order (`sale_id`), its customer (`partner_id`). The
    /// delivery itself is not written, as in Odoo.
    pub fn edit_linked(&self, picking: i64, link: &str, field: &str, value: Value) {
        let now = self.inner.now();
        let mut data = self.inner.lock();
        let model = if link == "sale_id" { "sale.order" } else { "res.partner" };
        let row = data.tables.get("stock.picking").and_then(|t| t.get(&picking));
        let linked = row.and_then(|r| r.get(link)).and_then(|pair| pair[0].as_i64());
        let clerk = data.clerk();
        if let Some(row) = linked.and_then(|id| data.tables.get_mut(model)?.get_mut(&id)) {
            row.insert(field.to_owned(), value);
            row.insert("write_date".into(), json!(now));
            row.insert("write_uid".into(), clerk);
        }
    }

    /// The key's user may no longer read a record of a model; an answer that would have it is refused as a whole, as in Odoo.
    pub fn refuse(&self, model: &str, id: i64) {
        self.inner.lock().refused.insert((model.to_owned(), id));
    }

    /// The key's user may read everything again.
    pub fn allow_all(&self) {
        self.inner.lock().refused.clear();
    }

    /// What a delivery leads to by a field: its order (`sale_id`), its customer (`partner_id`).
    pub fn linked(&self, picking: i64, link: &str) -> Option<i64> {
        self.value(picking, link)[0].as_i64()
    }

    /// A field of a record as it lies there, whatever it is; neither checked nor noted as a write. An id is only shown so: the
    /// record is found by its own.
    pub fn spoil(&self, model: &str, id: i64, field: &str, value: Value) {
        let field = if field == "id" { SHOWN_ID } else { field };
        if let Some(row) = self.inner.lock().tables.get_mut(model).and_then(|t| t.get_mut(&id)) {
            row.insert(field.to_owned(), value);
        }
    }

    /// A field of a record as it lies there.
    pub fn field(&self, model: &str, id: i64, field: &str) -> Value {
        let data = self.inner.lock();
        data.tables.get(model).and_then(|t| t.get(&id)).and_then(|r| r.get(field)).cloned().unwrap_or(json!(false))
    }

    /// Somebody deletes a delivery.
    pub fn delete(&self, picking: i64) {
        if let Some(table) = self.inner.lock().tables.get_mut("stock.picking") {
            table.remove(&picking);
        }
    }

    /// The delivery with this name.
    pub fn picking(&self, name: &str) -> Option<i64> {
        let data = self.inner.lock();
        data.tables
            .get("stock.picking")?
            .iter()
            .find(|(_, row)| row.get("name").is_some_and(|n| n == name))
            .map(|(id, _)| *id)
    }

    /// A delivery's field.
    pub fn value(&self, picking: i64, field: &str) -> Value {
        let data = self.inner.lock();
        let row = data.tables.get("stock.picking").and_then(|t| t.get(&picking));
        row.and_then(|r| r.get(field)).cloned().unwrap_or(json!(false))
    }

    /// The notes on a delivery: message id and body, oldest first.
    pub fn notes(&self, picking: i64) -> Vec<(String, String)> {
        let text = |row: &Row, name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        self.rows("mail.message", "res_id", picking).iter().map(|r| (text(r, "message_id"), text(r, "body"))).collect()
    }

    /// The activities of a delivery: summary, and whether it is still to be done.
    pub fn activities(&self, picking: i64) -> Vec<(String, Open)> {
        let rows = self.rows("mail.activity", "res_id", picking);
        let summary = |row: &Row| row.get("summary").and_then(Value::as_str).unwrap_or_default().to_owned();
        let open = |row: &Row| if row.get("active") == Some(&json!(true)) { Open::Todo } else { Open::Done };
        rows.iter().map(|r| (summary(r), open(r))).collect()
    }

    /// How often an operation was called: `stock.picking/write`.
    pub fn calls(&self, operation: &str) -> usize {
        self.inner.lock().calls.get(operation).copied().unwrap_or(0)
    }

    /// How often it was called at all.
    pub fn all_calls(&self) -> usize {
        self.inner.lock().calls.values().sum()
    }

    /// Every change to deliveries and activities, oldest first: writes, notes, activities and what ended them.
    pub fn changes(&self) -> Vec<Change> {
        self.inner.lock().changes.list()
    }

    fn rows(&self, table: &str, field: &str, id: i64) -> Vec<Row> {
        let data = self.inner.lock();
        data.candidates(table, &[json!([field, "=", id])])
            .filter(|r| r.get(field) == Some(&json!(id)))
            .cloned()
            .collect()
    }
}

/// Whether an activity is still to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// It is.
    Todo,
    /// It was done, and is archived.
    Done,
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Data> {
        // a panic while holding it leaves whole rows: go on
        self.data.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn now(&self) -> String {
        datetime((self.now)())
    }
}

impl Data {
    fn insert(&mut self, table: &str, row: Value) -> i64 {
        let id = self.next;
        self.next += 1;
        let mut row = row.as_object().cloned().unwrap_or_default();
        row.insert("id".into(), json!(id));
        if let Some(record) = row.get("res_id").and_then(Value::as_i64) {
            self.hanging.entry((table.to_owned(), record)).or_default().push(id);
        }
        self.tables.entry(table.to_owned()).or_default().insert(id, row);
        id
    }

    /// Who sells, and types into deliveries.
    fn clerk(&self) -> Value {
        let id = self.tables.get("res.users").and_then(|t| t.keys().next().copied()).unwrap_or(1);
        json!([id, "Sandbox clerk"])
    }

    /// The rows of a table that a domain may mean, by id.
    fn candidates<'a>(&'a self, table: &str, domain: &[Value]) -> Box<dyn Iterator<Item = &'a Row> + 'a> {
        let Some(rows) = self.tables.get(table) else { return Box::new(std::iter::empty()) };
        let all_hold = !domain.iter().any(Value::is_string);
        let equal = |field: &str| {
            let term = domain.iter().find(|term| all_hold && term[0] == field && term[1] == "=");
            term.and_then(|term| term[2].as_i64())
        };
        if let Some(record) = equal("res_id") {
            let ids = self.hanging.get(&(table.to_owned(), record)).into_iter().flatten();
            return Box::new(ids.filter_map(|id| rows.get(id)));
        }
        match equal("id") {
            Some(id) => Box::new(rows.get(&id).into_iter()),
            None => Box::new(rows.values()),
        }
    }

    /// What was added to deliveries: name, type.
    fn custom(&self) -> Vec<(String, String)> {
        let rows = self.tables.get("ir.model.fields").into_iter().flat_map(BTreeMap::values).take(FIELDS_MAX);
        rows.filter_map(|r| Some((r.get("name")?.as_str()?.to_owned(), r.get("ttype")?.as_str()?.to_owned()))).collect()
    }

    fn knows(&self, field: &str) -> bool {
        field == "id"
            || PICKING_FIELDS.iter().any(|(name, _)| *name == field)
            || self.custom().iter().any(|(name, _)| name == field)
    }

    /// The values of a custom selection.
    fn selection(&self, field: &str) -> Vec<Value> {
        let fields = self.tables.get("ir.model.fields").into_iter().flatten();
        let Some(id) = fields.into_iter().find(|(_, r)| r.get("name").is_some_and(|n| n == field)).map(|(id, _)| *id)
        else {
            return Vec::new();
        };
        let rows = self.tables.get("ir.model.fields.selection").into_iter().flat_map(BTreeMap::values);
        rows.filter(|r| r.get("field_id") == Some(&json!(id))).map(|r| json!([r.get("value"), r.get("name")])).collect()
    }
}

fn datetime(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

async fn version() -> Response {
    axum::Json(json!({"version_info": [19, 0, 0, "final", 0, ""], "version": "19.0"})).into_response()
}

async fn json2(
    State(inner): State<Arc<Inner>>,
    Path((model, method)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    if header("x-odoo-database") != DATABASE {
        let text = "<!DOCTYPE html>\n<title>404 Not Found</title>\n<p>No database is selected (sandbox)</p>\n";
        return (StatusCode::NOT_FOUND, Html(text)).into_response();
    }
    let authorization = header(header::AUTHORIZATION.as_str());
    if authorization
        .split_once(' ')
        .is_none_or(|(scheme, key)| !scheme.eq_ignore_ascii_case("bearer") || key != inner.key)
    {
        return OdooError(StatusCode::UNAUTHORIZED, "werkzeug.exceptions.Unauthorized", "Invalid apikey".into())
            .into_response();
    }
    let Ok(body) = serde_json::from_slice::<Value>(&body) else {
        return OdooError(StatusCode::BAD_REQUEST, "werkzeug.exceptions.BadRequest", "not JSON".into()).into_response();
    };
    let operation = format!("{model}/{method}");
    *inner.lock().calls.entry(operation.clone()).or_default() += 1;
    let fault = inner.faults.take(&operation);
    spoiled(fault, || match perform(&inner, &model, &method, &body) {
        Ok(value) => {
            if CHANGING.contains(&operation.as_str()) {
                let mut data = inner.lock();
                ids_of(&body).into_iter().for_each(|id| data.changes.push(&operation, id));
            }
            axum::Json(value).into_response()
        }
        Err(error) => error.into_response(),
    })
    .await
}

/// What changes a delivery or an activity.
const CHANGING: &[&str] = &[
    "stock.picking/write",
    "stock.picking/message_post",
    "stock.picking/activity_schedule",
    "mail.activity/action_feedback",
];

impl IntoResponse for OdooError {
    fn into_response(self) -> Response {
        let Self(status, name, message) = self;
        let body = json!({"name": name, "message": message, "arguments": [message], "context": {}, "debug": "Traceback (most recent call last):\n  sandbox\n"});
        (status, axum::Json(body)).into_response()
    }
}

fn value_error(text: String) -> OdooError {
    OdooError(StatusCode::INTERNAL_SERVER_ERROR, "builtins.ValueError", text)
}

fn missing(model: &str, id: i64) -> OdooError {
    let text = format!("Record does not exist or has been deleted.\n(Record: {model}({id},), User: 2)");
    OdooError(StatusCode::NOT_FOUND, "odoo.exceptions.MissingError", text)
}

fn ids_of(body: &Value) -> Vec<i64> {
    body["ids"].as_array().into_iter().flatten().filter_map(Value::as_i64).collect()
}

fn perform(inner: &Inner, model: &str, method: &str, body: &Value) -> OdooResult {
    let now = inner.now();
    let mut data = inner.lock();
    match (model, method) {
        ("res.users", "context_get") => Ok(json!({"lang": "en_US", "tz": "UTC", "uid": KEY_USER})),
        (_, "has_access") => Ok(json!(true)),
        ("ir.model.access", "call_cache_clearing_methods") => Ok(Value::Null),
        ("stock.picking", "fields_get") => Ok(fields_get(&data, body)),
        ("stock.picking", "message_post") => message_post(&mut data, body),
        ("stock.picking", "activity_schedule") => activity_schedule(&mut data, body),
        ("mail.activity", "action_feedback") => action_feedback(&mut data, body),
        (_, "search_read" | "search" | "search_count") => search(&data, model, method, body),
        (_, "read") => {
            known_fields(&data, model, &body["fields"])?;
            readable(&data, model, ids_of(body))?;
            let rows = data.tables.get(model);
            let found = ids_of(body).into_iter().filter_map(|id| rows.and_then(|t| t.get(&id)));
            Ok(Value::Array(found.map(|row| shown(row, &body["fields"])).collect()))
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
    let hits = data
        .candidates(model, &terms)
        .filter(|row| (all || row.get("active") != Some(&json!(false))) && within(data, row, &terms));
    // every order that Milepost asks for begins with what the sandbox sorts by: the id
    Ok(match method {
        "search_count" => json!(hits.count()),
        "search" => hits.take(limit).map(|row| shown_id(row).clone()).collect(),
        _ => {
            let hits: Vec<&Row> = hits.take(limit).collect();
            readable(data, model, hits.iter().filter_map(|row| row["id"].as_i64()))?;
            hits.into_iter().map(|r| shown(r, &body["fields"])).collect()
        }
    })
}

/// One record that may not be read refuses the whole answer.
fn readable(data: &Data, model: &str, ids: impl IntoIterator<Item = i64>) -> Result<(), OdooError> {
    match ids.into_iter().find(|id| data.refused.contains(&(model.to_owned(), *id))) {
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
    let have = match field.split_once('.') {
        Some((link, field)) => linked_field(data, row, link, field),
        None => row.get(field),
    };
    let have = have.unwrap_or(&Value::Bool(false));
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

/// A field of the order or the customer of a delivery, where that may be read.
fn linked_field<'a>(data: &'a Data, row: &Row, link: &str, field: &str) -> Option<&'a Value> {
    let model = if link == "sale_id" { "sale.order" } else { "res.partner" };
    let id = row.get(link)?.get(0)?.as_i64().filter(|id| !data.refused.contains(&(model.to_owned(), *id)))?;
    data.tables.get(model)?.get(&id)?.get(field)
}

fn shown_id(row: &Row) -> &Value {
    row.get(SHOWN_ID).unwrap_or(&row["id"])
}

fn shown(row: &Row, fields: &Value) -> Value {
    let mut out = Map::new();
    out.insert("id".into(), shown_id(row).clone());
    for field in fields.as_array().into_iter().flatten().filter_map(Value::as_str) {
        out.insert(field.to_owned(), row.get(field).cloned().unwrap_or(json!(false)));
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
    for id in ids {
        if let Some(row) = table.get_mut(&id) {
            row.extend(values.clone());
            row.insert("write_date".into(), json!(now));
            row.insert("write_uid".into(), json!([KEY_USER, "Milepost"]));
        }
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
        let mut values = values.clone();
        let lines = values.as_object_mut().and_then(|v| v.remove("selection_ids"));
        if model == "ir.model.fields" {
            values["model"] = json!("stock.picking");
            if data.custom().iter().any(|(name, _)| values["name"] == name.as_str()) {
                let text = "The operation cannot be completed: Field names must be unique per model.".to_owned();
                return Err(OdooError(StatusCode::UNPROCESSABLE_ENTITY, "odoo.exceptions.ValidationError", text));
            }
        }
        let id = data.insert(model, values);
        for line in lines.as_ref().and_then(Value::as_array).into_iter().flatten() {
            let mut line = line[2].clone();
            line["field_id"] = json!(id);
            data.insert("ir.model.fields.selection", line);
        }
        made.push(id);
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

/// The one delivery that a method is called on.
fn single(data: &Data, body: &Value) -> Result<i64, OdooError> {
    let ids = ids_of(body);
    let [id] = ids.as_slice() else { return Err(value_error(format!("Expected singleton: stock.picking{ids:?}"))) };
    match data.tables.get("stock.picking").is_some_and(|t| t.contains_key(id)) {
        true => Ok(*id),
        false => Err(missing("stock.picking", *id)),
    }
}

fn message_post(data: &mut Data, body: &Value) -> OdooResult {
    let picking = single(data, body)?;
    let text = body["body"].as_str().unwrap_or_default();
    let html =
        if body["body_is_html"] == json!(true) { text.to_owned() } else { format!("<p>{}</p>", page::escape(text)) };
    let message_id = body["message_id"].as_str().map_or_else(|| format!("<{}@sandbox>", data.next), str::to_owned);
    let id = data.insert(
        "mail.message",
        json!({"model": "stock.picking", "res_id": picking, "body": html, "message_id": message_id}),
    );
    Ok(json!([id]))
}

fn activity_schedule(data: &mut Data, body: &Value) -> OdooResult {
    let picking = single(data, body)?;
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

/// So that the demo's links lead somewhere.
async fn picking_page(State(inner): State<Arc<Inner>>, Path(id): Path<i64>) -> Response {
    let data = inner.lock();
    let Some(row) = data.tables.get("stock.picking").and_then(|t| t.get(&id)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let name = row.get("name").and_then(Value::as_str).unwrap_or_default();
    let fields = row.iter().filter(|(_, v)| **v != json!(false)).map(|(field, v)| {
        let value = v.as_array().and_then(|pair| pair.get(1)).unwrap_or(v);
        (field.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    });
    let messages = data.tables.get("mail.message").into_iter().flat_map(BTreeMap::values);
    let notes =
        messages.filter(|m| m.get("res_id") == Some(&json!(id))).filter_map(|m| m.get("body").and_then(Value::as_str));
    Html(page::render("Odoo", name, fields, notes.map(str::to_owned))).into_response()
}

/// The past of the sandbox reaches so far back.
pub(crate) fn written_before(now: Timestamp) -> Timestamp {
    later(now, SignedDuration::from_hours(-1))
}
