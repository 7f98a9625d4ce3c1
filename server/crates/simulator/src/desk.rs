//! A sandbox service desk: the part of Request Tracker 5's REST 2.0 that Milepost uses, with its habits: ids as texts in
//! lists and numbers alone, unknown fields dropped without a word, refused changes answered with 200, searches on
//! unknown fields that find nothing.

mod agents;
pub mod base;
pub mod control;
pub mod frame;
pub mod freshdesk;
pub mod gorgias;
pub mod intercom;
pub mod jira;
pub mod odoo;
pub mod salesforce;
pub mod servicenow;
pub mod zammad;
pub mod zendesk;

use self::base::CUSTOMER;
use crate::{
    Clock,
    faults::{Fault, Faults, spoiled},
    serve::{Change, Changes, Server, page},
};
use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard},
};

/// The sandbox's only queue.
pub const QUEUE: &str = "Shipments";
const QUEUE_ID: u32 = 3;
/// The fields of its tickets.
const FIELDS: &[&str] = &[
    "External Id",
    "Tracking Number",
    "Carrier",
    "Exception Code",
    "Severity",
    "Order",
    "Tags",
    "Odoo URL",
    "Shipment Context",
];
/// The field with values that are unique.
const KEY: &str = "External Id";
/// What a ticket may be.
const STATUSES: &[&str] = &["new", "open", "stalled", "resolved", "rejected"];
/// Where the sandbox's own clock begins, 2100: a desk whose clock is not ours.
const OWN_CLOCK: i64 = 4_102_444_800;
/// RT cuts subjects here.
const SUBJECT_CHARS_MAX: usize = 200;

/// A ticket of the sandbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ticket {
    /// Its number.
    pub number: u64,
    /// Its subject.
    pub subject: String,
    /// `new`, `open`, `resolved`, …
    pub status: String,
    /// Its fields.
    pub fields: BTreeMap<String, Vec<String>>,
    /// Its texts, oldest first: subject and content. The first is the one it was made with.
    pub texts: Vec<(String, String)>,
    /// Who gave it its status, newest last.
    pub moves: Vec<(String, String)>,
    /// The tickets that it refers to.
    pub refers_to: Vec<String>,
    /// When it was changed.
    pub last_updated: Timestamp,
    /// Whether the integration may not see it: it was moved to another queue.
    pub hidden: bool,
    /// What agents wrote, oldest first: `Correspond` or `Comment`, and when.
    pub by_agents: Vec<(&'static str, Timestamp)>,
    /// When the customer wrote.
    pub by_customer: Vec<Timestamp>,
    /// The agent who has it.
    pub owner: Option<String>,
    /// The ticket that it was merged into.
    pub merged_into: Option<u64>,
    /// The address of the customer that it was opened for.
    pub requestor: Option<String>,
}

/// The login of the integration.
pub const INTEGRATION: &str = "milepost";

#[derive(Default)]
struct Data {
    tickets: BTreeMap<u64, Ticket>,
    calls: BTreeMap<String, usize>,
    changes: Changes,
    now: Option<Clock>,
    ticks: i64,
    /// The queue's name, where it is another one now.
    queue: Option<String>,
    /// Rights that the integration lacks.
    lacks: BTreeSet<&'static str>,
}

impl Data {
    /// The time of a change: the clock's, else one that moves by a second with each change.
    fn stamp(&mut self) -> Timestamp {
        self.ticks += 1;
        // RT's times have no fractions
        let second = self.now.as_ref().map_or(OWN_CLOCK + self.ticks, |now| now().as_second());
        Timestamp::from_second(second).unwrap_or(Timestamp::MAX)
    }

    fn may(&self, right: &str) -> bool {
        !self.lacks.contains(right)
    }

    fn queue(&self) -> &str {
        self.queue.as_deref().unwrap_or(QUEUE)
    }

    /// What a ticket's fields take of these values, without a word about the others.
    fn taken_fields(&self, given: &Value) -> BTreeMap<String, Vec<String>> {
        let mut fields = read_fields(given);
        if !self.may("ModifyCustomField") {
            fields.clear();
        }
        // a value that is unique and taken is lost
        let taken = |t: &Ticket| t.fields.get(KEY).is_some_and(|v| Some(v) == fields.get(KEY));
        if self.tickets.values().any(taken) {
            fields.remove(KEY);
        }
        fields
    }

    fn set_status(&mut self, number: u64, status: &str, by: &str) {
        let at = self.stamp();
        if let Some(ticket) = self.tickets.get_mut(&number) {
            status.clone_into(&mut ticket.status);
            ticket.moves.push((by.to_owned(), status.to_owned()));
            ticket.last_updated = at;
        }
    }
}

struct Inner {
    data: Mutex<Data>,
    faults: Faults,
    token: String,
}

/// A running sandbox desk; stops when dropped.
pub struct SandboxDesk {
    inner: Arc<Inner>,
    server: Server,
}

impl SandboxDesk {
    /// Starts one on a free port of this machine.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(token: &str) -> std::io::Result<Self> {
        Self::start_at(token, None).await
    }

    /// The same with this clock.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start_at(token: &str, now: Option<Clock>) -> std::io::Result<Self> {
        let data = Mutex::new(Data { now, ..Data::default() });
        let inner = Arc::new(Inner { data, faults: Faults::default(), token: token.to_owned() });
        let router = Router::new()
            .route("/REST/2.0/rt", get(about))
            .route("/REST/2.0/queue/{name}", get(queue))
            .route("/REST/2.0/tickets", get(search))
            .route("/REST/2.0/ticket", post(create))
            .route("/REST/2.0/ticket/{number}", get(ticket).put(change))
            .route("/REST/2.0/ticket/{number}/comment", post(comment))
            .route("/REST/2.0/ticket/{number}/attachments", get(texts))
            .route("/REST/2.0/transactions", get(transactions))
            .route("/REST/2.0/user/{id}", get(user))
            .route("/Ticket/Display.html", get(ticket_page))
            .with_state(Arc::clone(&inner));
        Ok(Self { inner, server: Server::start(router).await? })
    }

    /// Its address.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// A token that it takes.
    pub fn token(&self) -> String {
        self.inner.token.clone()
    }

    /// Orders faults: see [`Faults::order`]. An operation is `POST ticket`, `PUT ticket`, `GET tickets`, `POST comment`.
    pub fn fail(&self, operation: Option<&str>, fault: &Fault, count: usize) {
        self.inner.faults.order(operation, fault, count);
    }

    /// Nothing goes wrong any more.
    pub fn heal(&self) {
        self.inner.faults.clear();
    }

    /// Every ticket, oldest first.
    pub fn tickets(&self) -> Vec<Ticket> {
        self.inner.lock().tickets.values().cloned().collect()
    }

    /// Every change to tickets, oldest first: created, commented, moved to another status.
    pub fn changes(&self) -> Vec<Change> {
        self.inner.lock().changes.list()
    }

    /// An administrator gives the queue this name.
    pub fn rename_queue(&self, name: &str) {
        self.inner.lock().queue = Some(name.to_owned());
    }

    /// The integration lacks these rights from now on, and no others: `SeeCustomField`, `ModifyCustomField`, `CreateTicket`,
    /// `CommentOnTicket`, `ModifyTicket`.
    pub fn deny(&self, rights: impl IntoIterator<Item = &'static str>) {
        self.inner.lock().lacks = rights.into_iter().collect();
    }

    /// How often an operation was called.
    pub fn calls(&self, operation: &str) -> usize {
        self.inner.lock().calls.get(operation).copied().unwrap_or(0)
    }

    /// How often it was called at all.
    pub fn all_calls(&self) -> usize {
        self.inner.lock().calls.values().sum()
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Data> {
        self.data.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Answers a call of somebody who may.
    async fn answer(
        &self,
        headers: &HeaderMap,
        operation: &str,
        apply: impl FnOnce(&mut Data) -> Response + Send,
    ) -> Response {
        let given = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).unwrap_or_default();
        if given != format!("token {}", self.token) {
            return (StatusCode::UNAUTHORIZED, Json(json!({"message": "Unauthorized"}))).into_response();
        }
        *self.lock().calls.entry(operation.to_owned()).or_default() += 1;
        let fault = self.faults.take(operation);
        spoiled(fault, || apply(&mut self.lock())).await
    }
}

fn record(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, Json(json!({"message": "Not Found"}))).into_response()
}

fn forbidden() -> Response {
    (StatusCode::FORBIDDEN, Json(json!({"message": "Forbidden"}))).into_response()
}

fn list(items: &[Value], total: Value) -> Response {
    Json(json!({"items": items, "count": items.len(), "total": total, "page": 1, "pages": null, "per_page": 20}))
        .into_response()
}

fn fields_of(ticket: &Ticket) -> Value {
    FIELDS.iter().map(|name| json!({"type": "customfield", "name": name, "values": ticket.fields.get(*name).cloned().unwrap_or_default()})).collect()
}

/// Where a ticket leads, as far as the integration may go.
fn links(data: &Data) -> Value {
    let all = [("history", ""), ("comment", "CommentOnTicket"), ("lifecycle", "ModifyTicket")];
    all.iter().filter(|(_, right)| data.may(right)).map(|(kind, _)| json!({"ref": kind})).collect()
}

async fn about(State(inner): State<Arc<Inner>>, headers: HeaderMap) -> Response {
    inner.answer(&headers, "GET rt", |_| Json(json!({"Version": "5.0.7", "Plugins": []})).into_response()).await
}

/// The token's user.
async fn user(State(inner): State<Arc<Inner>>, headers: HeaderMap) -> Response {
    inner.answer(&headers, "GET user", |_| Json(json!({"id": "27", "Name": INTEGRATION})).into_response()).await
}

async fn queue(State(inner): State<Arc<Inner>>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    inner
        .answer(&headers, "GET queue", |data| {
            if name != data.queue() {
                return forbidden();
            }
            let seen = FIELDS.iter().filter(|_| data.may("SeeCustomField"));
            let fields: Vec<_> = seen.map(|name| json!({"type": "customfield", "name": name})).collect();
            Json(json!({"id": QUEUE_ID, "Name": name, "Description": "sandbox", "TicketCustomFields": fields}))
                .into_response()
        })
        .await
}

async fn search(
    State(inner): State<Arc<Inner>>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    inner
        .answer(&headers, "GET tickets", |data| {
            let text = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
            let asked = text("query");
            let mut hits: Vec<&Ticket> = data
                .tickets
                .values()
                .filter(|t| t.status != "deleted" && !t.hidden && t.merged_into.is_none() && is_hit(t, asked))
                .collect();
            if text("fields").contains("LastUpdated") {
                hits.sort_by_key(|t| (t.last_updated, t.number));
            }
            let per_page = text("per_page").parse().unwrap_or(20_usize).clamp(1, 100);
            let total = hits.len();
            let items: Vec<_> = hits
                .into_iter()
                .take(per_page)
                .map(|t| json!({"type": "ticket", "id": t.number.to_string(), "Status": t.status, "CustomFields": fields_of(t), "LastUpdated": t.last_updated.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()}))
                .collect();
            list(&items, json!(total))
        })
        .await
}

/// The three searches that are known: for a field's value, for numbers, for what changed.
fn is_hit(ticket: &Ticket, asked: &str) -> bool {
    if asked.contains("LastUpdated") {
        // `… LastUpdated >= 'A'`, and behind a page `AND (LastUpdated > 'A' OR id > N)`
        let time = asked.split("LastUpdated >= '").nth(1).and_then(|rest| rest.split('\'').next()).unwrap_or_default();
        let Ok(since) = format!("{}Z", time.trim_end_matches(" GMT").replacen(' ', "T", 1)).parse::<Timestamp>() else {
            return false;
        };
        let after = asked.split("id > ").nth(1).and_then(|rest| rest.trim_end_matches(')').parse::<u64>().ok());
        let ours = ticket.fields.get("External Id").is_some_and(|v| v.iter().any(|v| v.contains("mp-")));
        return ours
            && ticket.last_updated >= since
            && after.is_none_or(|after| ticket.last_updated > since || ticket.number > after);
    }
    match key_of(asked) {
        Some((field, value)) => ticket.fields.get(&field).is_some_and(|v| v.contains(&value)),
        None => {
            let number = ticket.number.to_string();
            asked.split(" OR ").any(|one| one.strip_prefix("id = ").is_some_and(|id| id == number))
        }
    }
}

/// Field and value of `'CF.{Field}' = 'value'`.
fn key_of(query: &str) -> Option<(String, String)> {
    let (_, rest) = query.split_once("'CF.{")?;
    let (field, rest) = rest.split_once("}'")?;
    let value = rest.trim_start().strip_prefix('=')?.trim().strip_prefix('\'')?.strip_suffix('\'')?;
    Some((field.to_owned(), value.replace("\\'", "'").replace("\\\\", "\\")))
}

async fn create(State(inner): State<Arc<Inner>>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    inner
        .answer(&headers, "POST ticket", |data| {
            if body["Queue"] != data.queue() {
                return (StatusCode::BAD_REQUEST, Json(json!({"message": "Unable to find queue"}))).into_response();
            }
            if !data.may("CreateTicket") {
                let text = format!("No permission to create tickets in the queue {}", body["Queue"]);
                return (StatusCode::FORBIDDEN, Json(json!({"message": text}))).into_response();
            }
            let number = data.tickets.keys().last().map_or(1, |n| n + 1);
            let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
            let subject: String = text("Subject").replace(['\n', '\r'], "").chars().take(SUBJECT_CHARS_MAX).collect();
            let fields = data.taken_fields(&body["CustomFields"]);
            let texts = vec![(subject.clone(), text("Content"))];
            data.changes.push("POST ticket", record(number));
            let refers_to =
                body["RefersTo"].as_array().into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned));
            let ticket = Ticket {
                number,
                subject,
                status: "new".into(),
                fields,
                texts,
                moves: Vec::new(),
                refers_to: refers_to.collect(),
                last_updated: data.stamp(),
                requestor: body["Requestor"][0].as_str().map(str::to_owned),
                ..Ticket::default()
            };
            data.tickets.insert(number, ticket);
            (StatusCode::CREATED, Json(json!({"type": "ticket", "id": number.to_string()}))).into_response()
        })
        .await
}

fn read_fields(given: &Value) -> BTreeMap<String, Vec<String>> {
    let values = |value: &Value| match value {
        Value::Array(list) => list.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect(),
        other => other.as_str().map(str::to_owned).into_iter().collect(),
    };
    let empty = Map::new();
    let given = given.as_object().unwrap_or(&empty);
    given
        .iter()
        .filter(|(name, _)| FIELDS.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), values(value)))
        .collect()
}

async fn ticket(State(inner): State<Arc<Inner>>, Path(number): Path<u64>, headers: HeaderMap) -> Response {
    inner
        .answer(&headers, "GET ticket", |data| {
            let Some(asked) = data.tickets.get(&number) else { return not_found() };
            let ticket = asked.merged_into.and_then(|into| data.tickets.get(&into)).unwrap_or(asked);
            if ticket.hidden {
                return forbidden();
            }
            let body = json!({
                "type": "ticket", "id": ticket.number, "Subject": ticket.subject, "Status": ticket.status,
                "CustomFields": fields_of(ticket), "Queue": {"id": QUEUE_ID.to_string(), "type": "queue"}, "Resolved": "1970-01-01T00:00:00Z",
                "Creator": {"id": INTEGRATION, "type": "user"}, "_hyperlinks": links(data), "LastUpdated": ticket.last_updated.to_string(),
                "Owner": {"id": ticket.owner.as_deref().unwrap_or("Nobody"), "type": "user"},
                "Requestor": ticket.requestor.iter().map(|id| json!({"id": id, "type": "user"})).collect::<Vec<_>>(),
            });
            Json(body).into_response()
        })
        .await
}

/// The newest change of a ticket's status, or what agents wrote in it.
async fn transactions(
    State(inner): State<Arc<Inner>>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let about = query.get("query").and_then(|q| q.split("ObjectId = ").nth(1)?.split(' ').next()?.parse::<u64>().ok());
    inner
        .answer(&headers, "GET transactions", |data| {
            let ticket = about.and_then(|number| data.tickets.get(&number));
            if query.get("query").is_some_and(|asked| asked.contains("Correspond")) {
                let by_agents = ticket.into_iter().flat_map(|ticket| &ticket.by_agents);
                let by_agents = by_agents.map(|(kind, at)| (*kind, *at, "agent"));
                let customer = ticket.and_then(|ticket| ticket.requestor.as_deref()).unwrap_or(CUSTOMER);
                let by_customer = ticket.into_iter().flat_map(|ticket| &ticket.by_customer);
                let written = by_agents.chain(by_customer.map(|at| ("Correspond", *at, customer)));
                let items: Vec<_> = written
                    .map(|(kind, at, by)| json!({"type": "transaction", "id": "1", "Type": kind, "Created": at.to_string(), "Creator": {"id": by, "type": "user"}}))
                    .collect();
                return list(&items, Value::Null);
            }
            let moves = about.and_then(|number| data.tickets.get(&number)).and_then(|ticket| ticket.moves.last());
            let items: Vec<_> = moves
                .map(|(by, status)| json!({"type": "transaction", "id": "1", "Type": "Status", "NewValue": status, "Creator": {"id": by, "type": "user"}}))
                .into_iter()
                .collect();
            list(&items, Value::Null)
        })
        .await
}

async fn change(
    State(inner): State<Arc<Inner>>,
    Path(number): Path<u64>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let operation = if body["Status"].is_null() { "PUT fields" } else { "PUT ticket" };
    inner
        .answer(&headers, operation, |data| {
            let Some(ticket) = data.tickets.get(&number) else { return not_found() };
            let before = ticket.status.clone();
            let fields = data.taken_fields(&body["CustomFields"]);
            if !fields.is_empty() {
                let at = data.stamp();
                data.tickets.entry(number).and_modify(|ticket| ticket.last_updated = at);
            }
            data.tickets.entry(number).and_modify(|ticket| ticket.fields.extend(fields));
            if let Some(requestor) = body["Requestor"][0].as_str() {
                data.tickets.entry(number).and_modify(|ticket| ticket.requestor = Some(requestor.to_owned()));
            }
            let said = match body["Status"].as_str() {
                None => format!("Ticket {number}: fields changed"),
                Some(_) if !data.may("ModifyTicket") => format!("Ticket {number}: Permission Denied"),
                Some(wanted) if STATUSES.contains(&wanted) => {
                    data.set_status(number, wanted, INTEGRATION);
                    data.changes.push("PUT ticket", record(number));
                    format!("Ticket {number}: Status changed from '{before}' to '{wanted}'")
                }
                Some(wanted) => format!("Ticket {number}: Status '{wanted}' isn't a valid status for this ticket."),
            };
            Json(json!([said])).into_response()
        })
        .await
}

async fn comment(
    State(inner): State<Arc<Inner>>,
    Path(number): Path<u64>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    inner
        .answer(&headers, "POST comment", |data| {
            if !data.may("CommentOnTicket") {
                return (StatusCode::BAD_REQUEST, Json(json!({"message": "Permission Denied"}))).into_response();
            }
            let Some(ticket) = data.tickets.get_mut(&number) else { return not_found() };
            let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
            ticket.texts.push((text("Subject"), text("Content")));
            let at = data.stamp();
            data.tickets.entry(number).and_modify(|ticket| ticket.last_updated = at);
            data.changes.push("POST comment", record(number));
            (StatusCode::CREATED, Json(json!(["Comments added"]))).into_response()
        })
        .await
}

async fn texts(
    State(inner): State<Arc<Inner>>,
    Path(number): Path<u64>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let number_of = |name: &str, default: usize| query.get(name).and_then(|v| v.parse().ok()).unwrap_or(default);
    let (page, per_page) = (number_of("page", 1), number_of("per_page", 20).clamp(1, 100));
    inner
        .answer(&headers, "GET attachments", |data| {
            let Some(ticket) = data.tickets.get(&number) else { return not_found() };
            let here = ticket.texts.iter().skip((page.max(1) - 1) * per_page).take(per_page);
            let items: Vec<_> =
                here.map(|(subject, _)| json!({"type": "attachment", "id": "1", "Subject": subject})).collect();
            list(&items, Value::Null)
        })
        .await
}

/// So that the demo's links lead somewhere.
async fn ticket_page(State(inner): State<Arc<Inner>>, Query(query): Query<HashMap<String, String>>) -> Response {
    let number = query.get("id").and_then(|id| id.parse().ok()).unwrap_or(0);
    let data = inner.lock();
    let Some(ticket) = data.tickets.get(&number) else { return StatusCode::NOT_FOUND.into_response() };
    let status = ("Status".to_owned(), ticket.status.clone());
    let fields =
        std::iter::once(status).chain(ticket.fields.iter().map(|(name, values)| (name.clone(), values.join(", "))));
    let notes = ticket
        .texts
        .iter()
        .map(|(_, text)| format!("<pre style=\"white-space:pre-wrap\">{}</pre>", page::escape(text)));
    Html(page::render("Request Tracker", &format!("#{number} {}", ticket.subject), fields, notes)).into_response()
}
