//! A sandbox Odoo: behaves like a running Odoo 19.0 for what Milepost uses of its JSON-2 API. Empty is `false`, errors
//! have Odoo's names and statuses, and every write moves `write_date`, also our own.

mod methods;

use self::methods::{ids_of, perform};
use crate::{
    Clock,
    faults::{Fault, Faults, spoiled},
    journey::{Place, later},
    serve::{Change, Changes, Server, page},
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
/// The company whose deliveries they are, unless it is said otherwise.
pub const COMPANY: &str = "Sandbox Company";
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
    ("company_id", "many2one"),
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
    /// Keys of users who lack rights: model and operation.
    limited: BTreeMap<String, Rights>,
    /// What the user of the first key lacks.
    lacks: Rights,
    calls: BTreeMap<String, usize>,
    changes: Changes,
}

/// What a key's user may not do: model and operation.
pub type Rights = BTreeSet<(&'static str, &'static str)>;

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
        Self::start_of(COMPANY, key, now).await
    }

    /// The same of this company.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start_of(company: &str, key: &str, now: Clock) -> std::io::Result<Self> {
        let mut data = Data { next: 1, ..Data::default() };
        data.insert("ir.model", json!({"model": "stock.picking"}));
        data.insert("ir.ui.view", json!({"name": "stock.picking.form", "model": "stock.picking", "type": "form", "mode": "primary", "inherit_id": false, "priority": 12, "arch_db": "<form/>"}));
        data.insert("res.users", json!({"name": "Sandbox clerk", "login": "clerk"}));
        data.insert("res.company", json!({"name": company}));
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

    /// Takes this key too, of a user who may not do this.
    pub fn add_key(&self, key: &str, lacks: impl IntoIterator<Item = (&'static str, &'static str)>) {
        self.inner.lock().limited.insert(key.to_owned(), lacks.into_iter().collect());
    }

    /// The user of its first key lacks these rights from now on, and no others.
    pub fn deny(&self, rights: impl IntoIterator<Item = (&'static str, &'static str)>) {
        self.inner.lock().lacks = rights.into_iter().collect();
    }

    /// An administrator removes what was added to deliveries.
    pub fn remove_fields(&self) {
        let mut data = self.inner.lock();
        data.tables.remove("ir.model.fields");
        data.tables.remove("ir.model.fields.selection");
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
        let (user, company) = (data.clerk(), data.company());
        let promised = datetime(new.promised);
        let order = json!({"name": new.order, "state": "sale", "commitment_date": promised, "partner_id": partner, "user_id": user, "write_date": datetime(new.written)});
        let order = data.insert("sale.order", order);
        let picking = json!({
            "name": new.picking, "state": if new.shipped.is_some() { "done" } else { "assigned" }, "origin": new.order,
            "sale_id": [order, new.order], "partner_id": partner, "user_id": false, "picking_type_code": "outgoing",
            "company_id": company,
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

    /// The delivery is this company's.
    pub fn move_to_company(&self, picking: i64, company: &str) {
        let mut data = self.inner.lock();
        let known = data.tables.get("res.company").into_iter().flatten();
        let known =
            known.filter(|(_, row)| row.get("name").is_some_and(|name| name == company)).map(|(id, _)| *id).next();
        let id = known.unwrap_or_else(|| data.insert("res.company", json!({"name": company})));
        drop(data);
        self.edit(picking, "company_id", json!([id, company]));
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

    /// Whose deliveries they are, unless it is said otherwise.
    fn company(&self) -> Value {
        let first = self.tables.get("res.company").and_then(|t| t.iter().next());
        first.map_or(json!(false), |(id, row)| json!([id, row.get("name")]))
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
    let bearer = authorization.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let lacks = match bearer {
        Some((_, key)) if key == inner.key => Some(inner.lock().lacks.clone()),
        Some((_, key)) => inner.lock().limited.get(key).cloned(),
        None => None,
    };
    let Some(lacks) = lacks else {
        return OdooError(StatusCode::UNAUTHORIZED, "werkzeug.exceptions.Unauthorized", "Invalid apikey".into())
            .into_response();
    };
    let Ok(body) = serde_json::from_slice::<Value>(&body) else {
        return OdooError(StatusCode::BAD_REQUEST, "werkzeug.exceptions.BadRequest", "not JSON".into()).into_response();
    };
    let operation = format!("{model}/{method}");
    *inner.lock().calls.entry(operation.clone()).or_default() += 1;
    let fault = inner.faults.take(&operation);
    spoiled(fault, || match perform(&inner, &lacks, &model, &method, &body) {
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
