//! A simulated Freshdesk: what of `/api/v2` Milepost uses. No key is unique, the search lags and gives thirty tickets a page, unknown
//! custom fields are refused, tags of an update replace those that are there, lists leave out what is deleted, changes of fields leave
//! no author.

use super::{
    base::{AGENT, Base, CUSTOMER, Data, Stands, Text, Ticket, US},
    control::{Act, Report},
    frame::{Dialect, Running, Shared, authorization, followed_up, report_with_secret},
};
use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

const KEY: &str = "key-of-the-simulated-freshdesk";
const GROUP: &str = "Shipments";
const GROUP_ID: u64 = 5_001;
const US_ID: u64 = 9_001;
const AGENT_ID: u64 = 9_002;
const US_EMAIL: &str = "milepost@shop.test";
/// The fields of its tickets.
const FIELDS: &[&str] = &[
    "cf_shipment_key",
    "cf_shipment_context",
    "cf_shipment_status",
    "cf_tracking_number",
    "cf_carrier",
    "cf_exception_code",
    "cf_shipment_link",
];
const SEARCH_PAGE: usize = 30;
/// Calls of a minute.
const LIMIT: u32 = 200;

/// A running Freshdesk.
pub type Freshdesk = Running<Api>;

/// How it speaks.
#[derive(Default)]
pub struct Api;

type Here = State<Shared<Api>>;

impl Freshdesk {
    /// The description of a ticket, which its customer sees.
    pub fn description(&self, number: &str) -> Option<String> {
        let id = number.parse().ok()?;
        self.base().lock().tickets.get(&id).and_then(|ticket| ticket.texts.first()).map(|text| text.body.clone())
    }
}

impl Dialect for Api {
    const CONNECTOR: &'static str = "freshdesk";
    const SECRET: &'static str = KEY;
    const QUEUE: &'static str = GROUP;
    const SEARCH_LAGS: bool = true;

    fn routes() -> Router<Shared<Self>> {
        Router::new()
            .route("/api/v2/agents/me", get(me))
            .route("/api/v2/agents/{id}", get(agent))
            .route("/api/v2/groups", get(groups))
            .route("/api/v2/groups/{id}", get(group))
            .route("/api/v2/ticket_fields", get(fields))
            .route("/api/v2/tickets", get(list).post(create))
            .route("/api/v2/search/tickets", get(search))
            .route("/api/v2/tickets/{id}", get(ticket).put(change))
            .route("/api/v2/tickets/{id}/notes", post(note))
            .route("/api/v2/tickets/{id}/conversations", get(conversations))
    }

    fn refusal(_data: &Data, headers: &HeaderMap) -> Option<Response> {
        if authorization(headers) == format!("Basic {}", STANDARD.encode(format!("{KEY}:X"))) {
            return None;
        }
        let body =
            json!({"code": "invalid_credentials", "message": "You have to be logged in to perform this action."});
        Some((StatusCode::UNAUTHORIZED, Json(body)).into_response())
    }

    fn completed(mut answer: Response) -> Response {
        let left = if answer.status() == StatusCode::TOO_MANY_REQUESTS { 0 } else { LIMIT - 1 };
        answer.headers_mut().insert("x-ratelimit-total", HeaderValue::from(LIMIT));
        answer.headers_mut().insert("x-ratelimit-remaining", HeaderValue::from(left));
        answer
    }

    fn act(base: &Base, number: &str, act: &Act) -> bool {
        // its closed tickets open again; one that was merged is closed, and does not say that it was
        !matches!(act, Act::CloseForGood | Act::MergeInto(_)) && base.act(number, act)
    }

    fn report(number: &str, secret: &str, _at: i64) -> Report {
        report_with_secret(secret, &json!({"ticket_id": number.parse::<u64>().unwrap_or_default()}))
    }
}

fn invalid(field: &str, message: &str, code: &str) -> Response {
    let errors = json!([{"field": field, "message": message, "code": code}]);
    (StatusCode::BAD_REQUEST, Json(json!({"description": "Validation failed", "errors": errors}))).into_response()
}

fn whole(ticket: &Ticket) -> Value {
    let status = match ticket.stands {
        Stands::Resolved => 4,
        Stands::Rejected | Stands::Closed | Stands::Merged(_) => 5,
        Stands::Open | Stands::Deleted | Stands::Hidden => 2,
    };
    let field = |name: &&str| {
        let value = match *name {
            "cf_shipment_key" => json!(ticket.key),
            "cf_shipment_context" => ticket.fields.get("context").cloned().unwrap_or_default(),
            other => ticket.fields.get(other).cloned().unwrap_or_default(),
        };
        ((*name).to_owned(), value)
    };
    json!({
        "id": ticket.id, "subject": ticket.subject, "status": status, "priority": ticket.priority.parse::<u64>().ok(),
        "tags": ticket.tags, "group_id": GROUP_ID, "responder_id": ticket.assignee.as_ref().map(|_| AGENT_ID), "spam": false,
        "deleted": ticket.stands == Stands::Deleted, "updated_at": ticket.updated.to_string(),
        "custom_fields": FIELDS.iter().map(field).collect::<Map<_, _>>(),
    })
}

fn readable(data: &Data, id: u64) -> Result<&Ticket, Box<Response>> {
    match data.tickets.get(&id) {
        Some(ticket) if ticket.stands == Stands::Hidden => {
            let body = json!({"code": "access_denied", "message": "You are not authorized to perform this action."});
            Err(Box::new((StatusCode::FORBIDDEN, Json(body)).into_response()))
        }
        Some(ticket) => Ok(ticket),
        None => Err(Box::new(StatusCode::NOT_FOUND.into_response())),
    }
}

/// A ticket that is not in the trash: those are not changed.
fn changeable(data: &Data, id: u64) -> Result<&Ticket, Box<Response>> {
    let ticket = readable(data, id)?;
    match ticket.stands {
        Stands::Deleted => Err(Box::new(
            (
                StatusCode::METHOD_NOT_ALLOWED,
                Json(json!({"message": "PUT method is not allowed. It should be one of these method(s): GET"})),
            )
                .into_response(),
        )),
        _ => Ok(ticket),
    }
}

async fn me(State(desk): Here) -> Response {
    let body = json!({"id": US_ID, "contact": {"name": US, "email": US_EMAIL}});
    desk.answer("me", |_| Json(body).into_response()).await
}

async fn agent(State(desk): Here, Path(id): Path<u64>) -> Response {
    let name = if id == US_ID { US } else { AGENT };
    desk.answer("agent", |_| Json(json!({"id": id, "contact": {"name": name}})).into_response()).await
}

async fn groups(State(desk): Here) -> Response {
    desk.answer("groups", |_| Json(json!([{"id": GROUP_ID, "name": GROUP}])).into_response()).await
}

async fn group(State(desk): Here, Path(id): Path<u64>) -> Response {
    desk.answer("group", |_| Json(json!({"id": id, "name": GROUP})).into_response()).await
}

async fn fields(State(desk): Here) -> Response {
    let fields: Value = ["subject", "status"].iter().chain(FIELDS).map(|name| json!({"name": name})).collect();
    desk.answer("fields", |_| Json(fields).into_response()).await
}

async fn list(State(desk): Here, Query(query): Query<HashMap<String, String>>) -> Response {
    desk.answer("list", |data| {
        let text = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
        let Ok(since) = text("updated_since").parse::<Timestamp>() else {
            return invalid("updated_since", "It should be in the ISO8601 format", "invalid_date");
        };
        let number = |name: &str, otherwise: usize| text(name).parse().unwrap_or(otherwise).max(1);
        let (page, size) = (number("page", 1), number("per_page", 30).min(100));
        let shown = |ticket: &&Ticket| !matches!(ticket.stands, Stands::Deleted | Stands::Hidden);
        let mut all: Vec<_> = data.tickets.values().filter(shown).filter(|t| t.updated >= since).collect();
        all.sort_by_key(|ticket| (ticket.updated, ticket.id));
        Json(all.into_iter().skip((page - 1) * size).take(size).map(whole).collect::<Value>()).into_response()
    })
    .await
}

/// What is between this and the next apostrophe.
fn quoted<'a>(query: &'a str, before: &str) -> Option<&'a str> {
    query.split_once(before)?.1.split('\'').next()
}

/// The two searches that are used: by key, and by tag of what is at work.
fn is_hit(ticket: &Ticket, query: &str) -> bool {
    match (quoted(query, "cf_shipment_key:'"), quoted(query, "tag:'")) {
        (Some(key), _) => ticket.key == key,
        (None, Some(tag)) => ticket.stands == Stands::Open && ticket.tags.iter().any(|had| had == tag),
        (None, None) => false,
    }
}

async fn search(State(desk): Here, Query(query): Query<HashMap<String, String>>) -> Response {
    desk.answer("find", |data| {
        let text = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
        let asked = text("query");
        if !(asked.starts_with('"') && asked.ends_with('"') && asked.len() <= 512) {
            return invalid("query", "Query should be enclosed in double quotes", "invalid_value");
        }
        let page: usize = text("page").parse().unwrap_or(1);
        if !(1..=10).contains(&page) {
            return invalid("page", "It should be a Positive Integer less than or equal to 10", "invalid_value");
        }
        let shown = |ticket: &&Ticket| ticket.indexed && !matches!(ticket.stands, Stands::Deleted | Stands::Hidden);
        let hits: Vec<_> = data.tickets.values().filter(shown).filter(|ticket| is_hit(ticket, asked)).collect();
        let total = hits.len();
        let here: Value = hits.into_iter().skip((page - 1) * SEARCH_PAGE).take(SEARCH_PAGE).map(whole).collect();
        Json(json!({"total": total, "results": here})).into_response()
    })
    .await
}

/// Custom fields that are not there are refused.
fn unknown_field(asked: &Value) -> Option<Response> {
    let given = asked["custom_fields"].as_object()?;
    let unknown = given.keys().find(|name| !FIELDS.contains(&name.as_str()))?;
    Some(invalid(unknown, "Unexpected/invalid field in request", "invalid_field"))
}

fn set_fields(ticket: &mut Ticket, asked: &Value) {
    for (name, value) in asked["custom_fields"].as_object().into_iter().flatten() {
        match name.as_str() {
            "cf_shipment_key" => ticket.key = value.as_str().unwrap_or_default().to_owned(),
            "cf_shipment_context" => drop(ticket.fields.insert("context".into(), value.clone())),
            other => drop(ticket.fields.insert(other.to_owned(), value.clone())),
        }
    }
}

async fn create(State(desk): Here, Json(body): Json<Value>) -> Response {
    desk.answer("create", |data| {
        if let Some(refused) = unknown_field(&body) {
            return refused;
        }
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        if text("email").is_empty() {
            return invalid(
                "requester_id",
                "One of the fields requester_id, phone, email or unique_external_id is needed",
                "missing_field",
            );
        }
        let mut ticket = Ticket {
            subject: text("subject"),
            tags: body["tags"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|tag| tag.as_str().map(str::to_owned))
                .collect(),
            priority: body["priority"].to_string(),
            team: GROUP.into(),
            requester: Some(text("email")).filter(|email| email != US_EMAIL),
            follows: followed(&body),
            ..Ticket::default()
        };
        set_fields(&mut ticket, &body);
        let id = data.add(ticket);
        data.write(id, US, false, &text("description"), None);
        (StatusCode::CREATED, Json(whole(&data.tickets[&id]))).into_response()
    })
    .await
}

/// A person reads in the text which ticket this one follows up.
fn followed(body: &Value) -> Option<String> {
    let texts = [body["description"].as_str(), body["custom_fields"]["cf_shipment_context"].as_str()];
    texts.into_iter().flatten().find_map(followed_up)
}

async fn ticket(State(desk): Here, Path(id): Path<u64>) -> Response {
    desk.answer("ticket", |data| match readable(data, id) {
        Ok(ticket) => Json(whole(ticket)).into_response(),
        Err(refused) => *refused,
    })
    .await
}

async fn change(State(desk): Here, Path(id): Path<u64>, Json(body): Json<Value>) -> Response {
    desk.answer("change", |data| {
        if let Err(refused) = changeable(data, id) {
            return *refused;
        }
        if let Some(refused) = unknown_field(&body) {
            return refused;
        }
        data.change(id, US, |ticket| {
            match body["status"].as_u64() {
                Some(4) => ticket.stands = Stands::Resolved,
                Some(5) => ticket.stands = Stands::Closed,
                Some(_) => ticket.stands = Stands::Open,
                None => {}
            }
            // the list is replaced, not added to
            if let Some(tags) = body["tags"].as_array() {
                ticket.tags = tags.iter().filter_map(|tag| tag.as_str().map(str::to_owned)).collect();
            }
            if let Some(priority) = body["priority"].as_u64() {
                ticket.priority = priority.to_string();
            }
            set_fields(ticket, &body);
        });
        Json(whole(&data.tickets[&id])).into_response()
    })
    .await
}

async fn note(State(desk): Here, Path(id): Path<u64>, Json(body): Json<Value>) -> Response {
    desk.answer("change", |data| {
        if let Err(refused) = changeable(data, id) {
            return *refused;
        }
        // private where nothing is said
        let public = body["private"] == json!(false);
        let written = data.write(id, US, public, body["body"].as_str().unwrap_or_default(), None);
        (StatusCode::CREATED, Json(json!({"id": written, "private": !public}))).into_response()
    })
    .await
}

async fn conversations(
    State(desk): Here,
    Path(id): Path<u64>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    desk.answer("conversations", |data| match readable(data, id) {
        Ok(ticket) => {
            let number = |name: &str, otherwise: usize| query.get(name).and_then(|text| text.parse().ok()).unwrap_or(otherwise).max(1);
            let (page, size) = (number("page", 1), number("per_page", 30).min(100));
            let conversation = |text: &Text| {
                let user = if text.by == US { US_ID } else { AGENT_ID };
                json!({
                    "id": text.id, "body": text.body, "private": !text.public, "incoming": text.by == CUSTOMER, "user_id": user,
                    "created_at": text.at.to_string(),
                })
            };
            // the first text is the description
            let here = ticket.texts.iter().skip(1).skip((page - 1) * size).take(size);
            Json(here.map(conversation).collect::<Value>()).into_response()
        }
        Err(refused) => *refused,
    })
    .await
}
