//! A sandbox Odoo: behaves like a running Odoo 19.0 for what Milepost uses of its JSON-2 and JSON-RPC APIs, or like an older
//! one that has the latter alone. Empty is `false`, errors have Odoo's names and statuses, and every write moves
//! `write_date`, also our own.

mod admin;
mod api;
mod calls;
mod keys;
mod methods;
mod rpc;
mod steps;
mod transfers;
mod warehouse;

pub use keys::LOGIN;
pub use steps::Hindrance;
pub use transfers::{NewTransfer, Way};
pub use warehouse::NewGoods;

use crate::{
    Clock,
    faults::{Fault, Faults},
    journey::{Place, later},
    serve::{Change, Changes, Server, page},
};
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock,
        atomic::{AtomicI64, Ordering},
    },
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
    ("note", "html"),
    ("sale_id", "many2one"),
    ("purchase_id", "many2one"),
    ("return_id", "many2one"),
    ("backorder_id", "many2one"),
    ("is_dropship", "boolean"),
    ("location_dest_id", "many2one"),
    ("move_line_ids", "one2many"),
    ("user_id", "many2one"),
    ("partner_id", "many2one"),
    ("company_id", "many2one"),
    ("carrier_id", "many2one"),
    ("carrier_tracking_ref", "char"),
    ("picking_type_code", "selection"),
    ("scheduled_date", "datetime"),
    ("date_deadline", "datetime"),
    ("date_done", "datetime"),
    ("picking_type_id", "many2one"),
    ("weight", "float"),
    ("shipping_weight", "float"),
    ("weight_uom_name", "char"),
    ("carrier_price", "float"),
    ("write_date", "datetime"),
    ("create_date", "datetime"),
    ("write_uid", "many2one"),
];
/// How many were made.
static DATABASES: AtomicI64 = AtomicI64::new(0);
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
    /// Companies that the key's user does not belong to.
    hidden_companies: BTreeSet<i64>,
    /// The keys that it takes, and what their users lack.
    keys: BTreeMap<String, Rights>,
    /// Which Odoo it is.
    major: Major,
    calls: BTreeMap<String, usize>,
    changes: Changes,
    /// What automation rules are to post.
    webhooks: Vec<admin::Webhook>,
}

/// What a key's user may not do: model and operation.
pub type Rights = BTreeSet<(&'static str, &'static str)>;

struct Inner {
    data: Mutex<Data>,
    faults: Faults,
    key: String,
    now: Clock,
    /// What posts webhooks; made with the first one.
    http: OnceLock<Option<reqwest::Client>>,
}

/// A running sandbox Odoo; stops when dropped.
pub struct SandboxOdoo {
    inner: Arc<Inner>,
    server: Server,
}

/// Which Odoo it is.
struct Major(u32);

impl Default for Major {
    fn default() -> Self {
        Self(19)
    }
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
        data.insert("ir.ui.view", json!({"name": "stock.picking.form", "model": "stock.picking", "type": "form", "mode": "primary", "inherit_id": false, "priority": 12, "active": true, "arch_db": r#"<form><sheet><div name="button_box"/><notebook/></sheet></form>"#}));
        // as of a database that was made then: no other one has the same time
        let age = SignedDuration::from_hours(24 * 365)
            .saturating_add(SignedDuration::from_mins(DATABASES.fetch_add(1, Ordering::Relaxed)));
        let made = now().checked_sub(age).unwrap_or(Timestamp::MIN);
        data.insert("res.users", json!({"name": "Sandbox clerk", "login": "clerk", "create_date": datetime(made)}));
        data.insert("res.company", json!({"name": company}));
        warehouse::install(&mut data, company);
        admin::install(&mut data);
        data.take_key(key, Rights::default(), now());
        let (faults, key, http) = (Faults::default(), key.to_owned(), OnceLock::new());
        let inner = Arc::new(Inner { data: Mutex::new(data), faults, key, now, http });
        Ok(Self { server: Server::start(api::router(&inner)).await?, inner })
    }

    /// Its address.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// A key that it takes.
    pub fn key(&self) -> String {
        self.inner.key.clone()
    }

    /// An administrator removes what was added to deliveries.
    pub fn remove_fields(&self) {
        admin::remove_fields(&mut self.inner.lock());
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
        self.add_order_of(new, None)
    }

    /// The same with goods in it, before anything else sees it.
    pub(crate) fn add_order_of(&self, new: &NewOrder, goods: Option<&NewGoods<'_>>) -> i64 {
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
        let order = json!({"name": new.order, "state": "sale", "commitment_date": promised, "partner_id": partner, "user_id": user, "invoice_status": if new.shipped.is_some() { "to invoice" } else { "no" }, "invoice_ids": [], "amount_untaxed": 840.34, "amount_total": 1000.0, "currency_id": [1, "EUR"], "write_date": datetime(new.written)});
        let order = data.insert("sale.order", order);
        let mut picking = json!({
            "name": new.picking, "state": if new.shipped.is_some() { "done" } else { "assigned" }, "origin": new.order,
            "sale_id": [order, new.order], "partner_id": partner, "user_id": false, "picking_type_code": "outgoing",
            "company_id": company,
            "carrier_id": [1, new.carrier], "carrier_tracking_ref": new.tracking.as_deref().map_or(json!(false), |t| json!(t)),
            "scheduled_date": promised, "date_deadline": promised,
            "date_done": new.shipped.map_or(json!(false), |at| json!(datetime(at))), "write_date": datetime(new.written),
            "create_date": datetime(new.written), "write_uid": user,
        });
        warehouse::packed(&mut picking);
        let id = data.insert("stock.picking", picking);
        if let Some(goods) = goods {
            warehouse::put_goods(&mut data, id, goods, &datetime(new.written));
        }
        admin::touched(&mut data, "stock.picking", id, ["state"].into_iter());
        drop(data);
        admin::send(&self.inner);
        id
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
        admin::touched(&mut data, "stock.picking", picking, [field].into_iter());
        drop(data);
        admin::send(&self.inner);
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
        let model = transfers::model_of(&data, link);
        let row = data.tables.get("stock.picking").and_then(|t| t.get(&picking));
        let linked = row.and_then(|r| r.get(link)).and_then(|pair| pair[0].as_i64());
        let clerk = data.clerk();
        let Some(id) = linked else { return };
        if let Some(row) = data.tables.get_mut(model).and_then(|table| table.get_mut(&id)) {
            row.insert(field.to_owned(), value);
            row.insert("write_date".into(), json!(now));
            row.insert("write_uid".into(), clerk);
        }
        admin::touched(&mut data, model, id, [field].into_iter());
        drop(data);
        admin::send(&self.inner);
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

    /// Until when the activities of a delivery are due: summary and day.
    pub fn deadlines(&self, picking: i64) -> Vec<(String, String)> {
        let text = |row: &Row, field: &str| row.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let rows = self.rows("mail.activity", "res_id", picking);
        rows.iter().map(|row| (text(row, "summary"), text(row, "date_deadline"))).collect()
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
        let rows = self.added_fields().map(|(_, row)| row).take(FIELDS_MAX);
        rows.filter_map(|r| Some((r.get("name")?.as_str()?.to_owned(), r.get("ttype")?.as_str()?.to_owned()))).collect()
    }

    fn added_fields(&self) -> impl Iterator<Item = (&i64, &Row)> {
        let all = self.tables.get("ir.model.fields").into_iter().flatten();
        all.filter(|(_, row)| {
            row.get("model") == Some(&json!("stock.picking")) && row.get("state") == Some(&json!("manual"))
        })
    }

    fn knows(&self, field: &str) -> bool {
        field == "id"
            || PICKING_FIELDS.iter().any(|(name, _)| *name == field)
            || self.custom().iter().any(|(name, _)| name == field)
    }

    /// The values of a custom selection.
    fn selection(&self, field: &str) -> Vec<Value> {
        let named = self.added_fields().find(|(_, r)| r.get("name").is_some_and(|n| n == field));
        let Some(id) = named.map(|(id, _)| *id) else { return Vec::new() };
        let rows = self.tables.get("ir.model.fields.selection").into_iter().flat_map(BTreeMap::values);
        rows.filter(|r| r.get("field_id").is_some_and(|link| link[0] == id))
            .map(|r| json!([r.get("value"), r.get("name")]))
            .collect()
    }
}

fn datetime(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
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
