//! A simulated Intercom: what of its tickets Milepost uses. No key is unique, the search lags and matches words, unknown attributes and
//! states are refused, a deleted ticket is gone for good, a merged one is closed and linked, limits are counted in windows of ten
//! seconds.

use super::{
    base::{AGENT, Base, CUSTOMER, Data, Stands, Text, Ticket, US},
    control::{Act, Report},
    frame::{Dialect, Running, Shared, authorization, followed_up, hex},
};
use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use ring::hmac;
use serde_json::{Map, Value, json};

const TOKEN: &str = "token-of-the-simulated-intercom";
const TYPE: &str = "Shipments";
const TYPE_ID: &str = "77";
const US_ID: &str = "814860";
const AGENT_ID: &str = "814861";
const US_EMAIL: &str = "milepost@shop.test";
const KEY: &str = "Shipment key";
const KEY_ID: &str = "101";
const CONTEXT: &str = "Shipment context";
/// The attributes of its tickets, beside the two that every type has.
const ATTRIBUTES: &[(&str, &str)] = &[
    (KEY, KEY_ID),
    (CONTEXT, "102"),
    ("Severity", "103"),
    ("Tracking number", "104"),
    ("Carrier", "105"),
    ("Exception code", "106"),
];
/// State and category.
const STATES: &[(&str, &str)] =
    &[("1", "submitted"), ("2", "in_progress"), ("3", "waiting_on_customer"), ("4", "resolved")];

/// A running Intercom.
pub type Intercom = Running<Api>;

/// How it speaks.
#[derive(Default)]
pub struct Api;

type Here = State<Shared<Api>>;

impl Dialect for Api {
    const CONNECTOR: &'static str = "intercom";
    const SECRET: &'static str = TOKEN;
    const QUEUE: &'static str = TYPE;
    const SEARCH_LAGS: bool = true;

    fn routes() -> Router<Shared<Self>> {
        Router::new()
            .route("/me", get(me))
            .route("/admins/{id}", get(admin))
            .route("/teams/{id}", get(admin))
            .route("/ticket_types", get(types))
            .route("/ticket_states", get(states))
            .route("/tags", post(tag))
            .route("/tickets", post(create))
            .route("/tickets/search", post(search))
            .route("/tickets/{id}", get(ticket).put(change))
            .route("/tickets/{id}/reply", post(reply))
            .route("/tickets/{id}/tags", post(tagged))
    }

    fn refusal(_data: &Data, headers: &HeaderMap) -> Option<Response> {
        if authorization(headers) != format!("Bearer {TOKEN}") {
            return Some(refused(StatusCode::UNAUTHORIZED, "unauthorized", "Access Token Invalid"));
        }
        if headers.get("intercom-version").and_then(|value| value.to_str().ok()) != Some("2.16") {
            let text = "The requested version could not be found";
            return Some(refused(StatusCode::BAD_REQUEST, "intercom_version_invalid", text));
        }
        None
    }

    fn completed(mut answer: Response) -> Response {
        if answer.status() != StatusCode::TOO_MANY_REQUESTS {
            answer.headers_mut().insert("x-ratelimit-limit", HeaderValue::from_static("166"));
            answer.headers_mut().insert("x-ratelimit-remaining", HeaderValue::from_static("165"));
        }
        answer
    }

    fn act(base: &Base, number: &str, act: &Act) -> bool {
        !matches!(act, Act::CloseForGood | Act::Hide) && base.act(number, act)
    }

    fn report(number: &str, secret: &str, at: i64) -> Report {
        let body = json!({
            "type": "notification_event", "id": format!("notif_{number}"), "topic": "ticket.state.updated", "created_at": at,
            "data": {"type": "notification_event_data", "item": {"type": "ticket", "id": number}},
        });
        let body = body.to_string();
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
        let signature = format!("sha1={}", hex(&hmac::sign(&key, body.as_bytes())));
        Report { headers: vec![("x-hub-signature", signature)], body: body.into_bytes() }
    }
}

fn refused(status: StatusCode, code: &str, message: &str) -> Response {
    let errors = json!([{"code": code, "message": message}]);
    (status, Json(json!({"type": "error.list", "request_id": "1", "errors": errors}))).into_response()
}

fn not_found() -> Response {
    refused(StatusCode::NOT_FOUND, "ticket_not_found", "Ticket not found")
}

fn readable(data: &Data, id: u64) -> Option<&Ticket> {
    data.tickets.get(&id).filter(|ticket| ticket.stands != Stands::Deleted)
}

fn author(by: &str) -> Value {
    let (id, name) = if by == US { (US_ID, US) } else { (AGENT_ID, AGENT) };
    json!({"type": if by == CUSTOMER { "user" } else { "admin" }, "id": id, "name": name})
}

fn part(text: &Text) -> Value {
    let kind = if text.public { "comment" } else { "note" };
    json!({
        "type": "ticket_part", "id": text.id.to_string(), "part_type": kind, "body": text.body, "author": author(&text.by),
        "created_at": text.at.as_second(),
    })
}

/// What happened in a ticket; its description is no part.
fn parts(ticket: &Ticket) -> Vec<Value> {
    let mut parts: Vec<_> = ticket.texts.iter().skip(1).map(part).collect();
    let moved = |kind: &str| json!({"type": "ticket_part", "part_type": kind, "author": author(&ticket.by), "created_at": ticket.updated.as_second()});
    match ticket.stands {
        Stands::Merged(_) => parts.push(moved("merged_secondary_conversation")),
        Stands::Open if ticket.by == US => {}
        _ => parts.push(moved("ticket_state_updated_by_admin")),
    }
    parts
}

fn whole(ticket: &Ticket) -> Value {
    let state = if ticket.stands == Stands::Open { STATES[1] } else { STATES[3] };
    let linked: Vec<_> = match ticket.stands {
        Stands::Merged(other) => vec![json!({"type": "ticket", "id": other.to_string(), "category": "Back-office"})],
        _ => Vec::new(),
    };
    let mut attributes: Map<_, _> = ticket.fields.clone().into_iter().filter(|(name, _)| name != "context").collect();
    attributes.insert(KEY.into(), json!(ticket.key));
    attributes.insert(CONTEXT.into(), ticket.fields.get("context").cloned().unwrap_or_default());
    let assignee = ticket.assignee.as_ref().map_or("0", |_| AGENT_ID);
    json!({
        "type": "ticket", "id": ticket.id.to_string(), "ticket_id": (ticket.id + 90_000).to_string(), "ticket_attributes": attributes,
        "ticket_type": {"id": TYPE_ID, "name": TYPE}, "ticket_state": {"id": state.0, "category": state.1},
        "open": ticket.stands == Stands::Open, "admin_assignee_id": assignee, "team_assignee_id": "5",
        "linked_objects": {"type": "list", "data": linked, "total_count": linked.len()},
        "ticket_parts": {"type": "ticket_part.list", "ticket_parts": parts(ticket)},
        "created_at": ticket.id, "updated_at": ticket.updated.as_second(),
    })
}

async fn me(State(desk): Here) -> Response {
    let body = json!({"type": "admin", "id": US_ID, "email": US_EMAIL, "name": US, "app": {"type": "app", "id_code": "simulated"}});
    desk.answer("me", |_| Json(body).into_response()).await
}

async fn admin(State(desk): Here, Path(id): Path<String>) -> Response {
    let name = if id == AGENT_ID { AGENT } else { "Support" };
    desk.answer("admin", |_| Json(json!({"id": id, "name": name})).into_response()).await
}

async fn types(State(desk): Here) -> Response {
    let attributes: Value =
        ATTRIBUTES.iter().map(|(name, id)| json!({"name": name, "id": id, "archived": false})).collect();
    let kind = json!({
        "type": "ticket_type", "id": TYPE_ID, "name": TYPE, "category": "Back-office", "archived": false,
        "ticket_type_attributes": {"type": "list", "data": attributes},
    });
    desk.answer("types", |_| Json(json!({"type": "list", "data": [kind]})).into_response()).await
}

async fn states(State(desk): Here) -> Response {
    let states: Value =
        STATES.iter().map(|(id, category)| json!({"id": id, "category": category, "archived": false})).collect();
    desk.answer("states", |_| Json(json!({"type": "list", "data": states})).into_response()).await
}

/// A tag's id is its name here.
async fn tag(State(desk): Here, Json(body): Json<Value>) -> Response {
    desk.answer("tag", |_| Json(json!({"type": "tag", "id": body["name"], "name": body["name"]})).into_response()).await
}

async fn tagged(State(desk): Here, Path(id): Path<u64>, Json(body): Json<Value>) -> Response {
    desk.answer("change", |data| {
        let name = body["id"].as_str().unwrap_or_default().to_owned();
        if readable(data, id).is_none() || body["admin_id"] != US_ID {
            return not_found();
        }
        data.change(id, US, |ticket| ticket.add_tags(std::iter::once(name.as_str())));
        Json(json!({"type": "tag", "id": body["id"]})).into_response()
    })
    .await
}

/// An attribute that the type does not have is refused.
fn unknown(asked: &Value) -> Option<Response> {
    let given = asked["ticket_attributes"].as_object()?;
    let is_known = |name: &&String| name.starts_with("_default_") || ATTRIBUTES.iter().any(|(had, _)| had == name);
    let unknown = given.keys().find(|name| !is_known(name))?;
    Some(refused(StatusCode::BAD_REQUEST, "parameter_invalid", &format!("unknown attribute {unknown}")))
}

fn set_attributes(ticket: &mut Ticket, asked: &Value) {
    for (name, value) in asked["ticket_attributes"].as_object().into_iter().flatten() {
        let text = || value.as_str().unwrap_or_default().to_owned();
        match name.as_str() {
            KEY => ticket.key = text(),
            CONTEXT => drop(ticket.fields.insert("context".into(), value.clone())),
            "_default_title_" => ticket.subject = text(),
            "_default_description_" => {}
            "Severity" => ticket.priority = text(),
            other => drop(ticket.fields.insert(other.to_owned(), value.clone())),
        }
    }
}

async fn create(State(desk): Here, Json(body): Json<Value>) -> Response {
    desk.answer("create", |data| {
        if let Some(refused) = unknown(&body) {
            return refused;
        }
        let contacts = body["contacts"].as_array().map(Vec::as_slice).unwrap_or_default();
        let [contact] = contacts else {
            return refused(StatusCode::BAD_REQUEST, "parameter_invalid", "exactly one contact is needed");
        };
        if body["ticket_type_id"] != TYPE_ID {
            return refused(StatusCode::NOT_FOUND, "ticket_type_not_found", "Ticket type not found");
        }
        let description = body["ticket_attributes"]["_default_description_"].as_str().unwrap_or_default();
        let follows = followed_up(description);
        let requester = contact["email"].as_str().filter(|email| *email != US_EMAIL).map(str::to_owned);
        let mut ticket = Ticket { team: "Support".into(), requester, follows, ..Ticket::default() };
        set_attributes(&mut ticket, &body);
        let id = data.add(ticket);
        data.write(id, US, false, description, None);
        Json(whole(&data.tickets[&id])).into_response()
    })
    .await
}

/// Whether a ticket meets a condition, of those that are used.
fn meets(ticket: &Ticket, query: &Value) -> bool {
    if query["operator"] == "AND" {
        return query["value"].as_array().is_some_and(|all| all.iter().all(|one| meets(ticket, one)));
    }
    let (operator, value) = (query["operator"].as_str().unwrap_or_default(), &query["value"]);
    match (query["field"].as_str().unwrap_or_default(), operator) {
        // by word: a value of several words finds each of them
        ("ticket_attribute.101", "=") => {
            value.as_str().is_some_and(|value| value.split_whitespace().any(|word| ticket.key.contains(word)))
        }
        ("ticket_type_id", "=") => value == TYPE_ID,
        ("updated_at", ">") => value.as_i64().is_some_and(|at| ticket.updated.as_second() > at),
        ("id", "IN") => value.as_array().is_some_and(|ids| ids.contains(&json!(ticket.id.to_string()))),
        _ => false,
    }
}

async fn search(State(desk): Here, Json(body): Json<Value>) -> Response {
    let operation = if body["query"]["field"] == "ticket_attribute.101" { "find" } else { "search" };
    desk.answer(operation, |data| {
        let shown = |ticket: &&Ticket| ticket.indexed && ticket.stands != Stands::Deleted;
        let mut hits: Vec<_> =
            data.tickets.values().filter(shown).filter(|ticket| meets(ticket, &body["query"])).collect();
        hits.sort_by_key(|ticket| (ticket.updated, ticket.id));
        let number = |value: &Value| value.as_u64().and_then(|n| usize::try_from(n).ok());
        let size = number(&body["pagination"]["per_page"]).unwrap_or(20).clamp(1, 150);
        let after = body["pagination"]["starting_after"].as_str();
        let from = match after.map(str::parse::<usize>) {
            None => 0,
            Some(Ok(from)) => from,
            Some(Err(_)) => return refused(StatusCode::BAD_REQUEST, "parameter_invalid", "invalid cursor"),
        };
        let next =
            (from + size < hits.len()).then(|| json!({"per_page": size, "starting_after": (from + size).to_string()}));
        let here: Value = hits.into_iter().skip(from).take(size).map(whole).collect();
        Json(json!({"type": "ticket.list", "tickets": here, "pages": {"type": "pages", "next": next}})).into_response()
    })
    .await
}

async fn ticket(State(desk): Here, Path(id): Path<u64>) -> Response {
    desk.answer("ticket", |data| readable(data, id).map_or_else(not_found, |t| Json(whole(t)).into_response())).await
}

async fn change(State(desk): Here, Path(id): Path<u64>, Json(body): Json<Value>) -> Response {
    desk.answer("change", |data| {
        if readable(data, id).is_none() {
            return not_found();
        }
        if let Some(refused) = unknown(&body) {
            return refused;
        }
        let state = body["ticket_state_id"].as_str();
        let known = state.and_then(|state| STATES.iter().find(|(id, _)| *id == state));
        if state.is_some() && known.is_none() {
            return refused(StatusCode::BAD_REQUEST, "ticket_state_id_invalid", "Ticket state is invalid");
        }
        data.change(id, US, |ticket| {
            set_attributes(ticket, &body);
            match (known, body["open"].as_bool()) {
                (Some((_, "resolved")), _) | (None, Some(false)) => ticket.stands = Stands::Resolved,
                (Some(_), _) | (None, Some(true)) => ticket.stands = Stands::Open,
                (None, None) => {}
            }
        });
        Json(whole(&data.tickets[&id])).into_response()
    })
    .await
}

async fn reply(State(desk): Here, Path(id): Path<u64>, Json(body): Json<Value>) -> Response {
    desk.answer("change", |data| {
        if readable(data, id).is_none() {
            return not_found();
        }
        if body["type"] != "admin" || body["admin_id"] != US_ID {
            return refused(StatusCode::BAD_REQUEST, "parameter_mismatch", "users do not reply to back-office tickets");
        }
        let public = body["message_type"] != "note";
        let written = data.write(id, US, public, body["body"].as_str().unwrap_or_default(), None);
        Json(json!({"type": "ticket_part", "id": written.to_string()})).into_response()
    })
    .await
}
