//! A simulated Zendesk: what of `/api/v2` Milepost uses. `external_id` is not unique; an `Idempotency-Key` holds for two hours; access
//! tokens end; `closed` is for good (422); tags of an update replace those that are there; a merged ticket is closed with a tag and a
//! comment; a refusal for the rate of calls is plain text; a ticket is not solved without an agent.

use super::{
    base::{AGENT, Base, CUSTOMER, Data, Stands, Text, Ticket, US},
    control::{Act, Report},
    frame::{Dialect, Running, Shared, followed_up, has_token, options},
};
use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::{SignedDuration, Timestamp};
use ring::hmac;
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, PoisonError},
};

const CLIENT: &str = "milepost-of-the-simulated-zendesk";
const SECRET: &str = "client-secret-of-the-simulated-zendesk";
const GROUP: &str = "Shipments";
const GROUP_ID: u64 = 360_001;
const US_ID: u64 = 700_001;
const AGENT_ID: u64 = 700_002;
const CUSTOMER_ID: u64 = 700_003;
/// The custom fields, by title.
const FIELDS: &[(u64, &str)] = &[
    (27_641, "Subject"),
    (27_642, "Shipment context"),
    (27_643, "Tracking number"),
    (27_644, "Carrier"),
    (27_645, "Exception code"),
    (27_646, "Shipment link"),
];
const CONTEXT_ID: u64 = 27_642;
/// How long an `Idempotency-Key` holds.
const KEY_AGE: SignedDuration = SignedDuration::from_hours(2);
/// Tickets of a page of the export, whatever was asked for.
const EXPORT_PAGE: usize = 50;
/// A customer whose tickets are refused.
pub const SUSPENDED: &str = "suspended@customer.test";

/// A create under a key: what was asked, what it made, and when.
struct Made {
    asked: Value,
    ticket: u64,
    at: Timestamp,
}

/// A running Zendesk.
pub type Zendesk = Running<Api>;

/// How it speaks.
#[derive(Default)]
pub struct Api {
    keys: Mutex<BTreeMap<String, Made>>,
}

type Here = State<Shared<Api>>;

impl Zendesk {
    /// The desk's clock goes on by this much.
    pub fn pass(&self, time: SignedDuration) {
        self.base().lock().pass(time);
    }
}

impl Dialect for Api {
    const CONNECTOR: &'static str = "zendesk";
    const SECRET: &'static str = SECRET;
    const QUEUE: &'static str = GROUP;
    const TOKENS_END: bool = true;

    fn routes() -> Router<Shared<Self>> {
        Router::new()
            .route("/api/v2/users/me", get(me))
            .route("/api/v2/users/{id}/group_memberships", get(memberships))
            .route("/api/v2/groups", get(groups))
            .route("/api/v2/ticket_fields", get(fields))
            .route("/api/v2/tickets", get(list).post(create))
            .route("/api/v2/tickets/show_many", get(show_many))
            .route("/api/v2/tickets/{id}", get(ticket).put(change))
            .route("/api/v2/tickets/{id}/audits", get(audits))
            .route("/api/v2/tickets/{id}/tags", put(add_tags))
            .route("/api/v2/incremental/tickets/cursor", get(export))
    }

    fn open_routes() -> Router<Shared<Self>> {
        Router::new().route("/oauth/tokens", post(token))
    }

    fn options() -> Map<String, Value> {
        options([("client_id", CLIENT)])
    }

    fn refusal(data: &Data, headers: &HeaderMap) -> Option<Response> {
        let body = json!({"error": "invalid_token", "error_description": "The access token provided is expired, revoked, malformed or invalid."});
        (!has_token(data, headers)).then(|| (StatusCode::UNAUTHORIZED, Json(body)).into_response())
    }

    fn completed(answer: Response) -> Response {
        if answer.status() != StatusCode::TOO_MANY_REQUESTS {
            return answer;
        }
        let wait = answer.headers().get(header::RETRY_AFTER).cloned();
        let mut plain =
            (StatusCode::TOO_MANY_REQUESTS, "Number of allowed API requests per minute exceeded").into_response();
        plain.headers_mut().extend(wait.map(|wait| (header::RETRY_AFTER, wait)));
        plain
    }

    fn act(base: &Base, number: &str, act: &Act) -> bool {
        if let (Act::MergeInto(other), Ok(id)) = (act, number.parse()) {
            let text = format!("This request was closed and merged into request #{other}");
            let mut data = base.lock();
            data.write(id, AGENT, false, &text, Some("merge".into()));
            data.change(id, AGENT, |ticket| ticket.tags.push("closed_by_merge".into()));
        }
        base.act(number, act)
    }

    fn report(number: &str, secret: &str, at: i64) -> Report {
        let at = Timestamp::from_second(at).unwrap_or(Timestamp::MAX).to_string();
        let body = json!({
            "account_id": 1, "id": format!("event-{number}"), "type": "zen:event-type:ticket.status_changed", "time": at,
            "detail": {"id": number, "actor_id": AGENT_ID.to_string(), "external_id": "mp-x"},
            "event": {"current": "OPEN", "previous": "NEW"},
        });
        let body = body.to_string();
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let tag = STANDARD.encode(hmac::sign(&key, format!("{at}{body}").as_bytes()));
        let headers = vec![
            ("x-zendesk-webhook-signature", tag),
            ("x-zendesk-webhook-signature-timestamp", at),
            ("x-zendesk-webhook-invocation-id", format!("invocation-{number}")),
        ];
        Report { headers, body: body.into_bytes() }
    }
}

fn refused(status: StatusCode, error: &str, description: &str, details: &Value) -> Response {
    (status, Json(json!({"error": error, "description": description, "details": details}))).into_response()
}

fn invalid(field: &str, description: &str) -> Response {
    let details = json!({field: [{"description": description, "error": "InvalidValue"}]});
    refused(StatusCode::UNPROCESSABLE_ENTITY, "RecordInvalid", "Record validation errors", &details)
}

fn not_found() -> Response {
    refused(StatusCode::NOT_FOUND, "RecordNotFound", "Not found", &json!({}))
}

fn status(ticket: &Ticket) -> &'static str {
    match ticket.stands {
        Stands::Open | Stands::Hidden => "open",
        Stands::Resolved => "solved",
        Stands::Rejected | Stands::Closed | Stands::Merged(_) => "closed",
        Stands::Deleted => "deleted",
    }
}

fn whole(ticket: &Ticket) -> Value {
    let custom = FIELDS.iter().skip(1).map(|(id, _)| {
        let name = if *id == CONTEXT_ID { "context".to_owned() } else { id.to_string() };
        json!({"id": id, "value": ticket.fields.get(&name)})
    });
    let assignee = ticket.assignee.as_deref().map(|name| if name == US { US_ID } else { AGENT_ID });
    json!({
        "id": ticket.id, "external_id": ticket.key, "subject": ticket.subject, "status": status(ticket), "priority": ticket.priority,
        "tags": ticket.tags, "group_id": GROUP_ID, "assignee_id": assignee, "custom_fields": custom.collect::<Value>(),
        "updated_at": ticket.updated.to_string(), "is_public": false,
    })
}

fn person(id: u64, name: &str) -> Value {
    let role = if id == CUSTOMER_ID { "end-user" } else { "agent" };
    json!({"id": id, "name": name, "role": role})
}

fn readable(data: &Data, id: u64) -> Option<&Ticket> {
    data.tickets.get(&id).filter(|ticket| !matches!(ticket.stands, Stands::Deleted | Stands::Hidden))
}

async fn token(State(desk): Here, Json(body): Json<Value>) -> Response {
    let is_ours =
        body["grant_type"] == "client_credentials" && body["client_id"] == CLIENT && body["client_secret"] == SECRET;
    if !is_ours {
        let body = json!({"error": "invalid_client", "error_description": "Client authentication failed"});
        return (StatusCode::UNAUTHORIZED, Json(body)).into_response();
    }
    let token = desk.base.lock().give_token();
    Json(json!({"access_token": token, "token_type": "bearer", "scope": "read write", "expires_in": 7200}))
        .into_response()
}

async fn me(State(desk): Here) -> Response {
    desk.answer("me", |_| Json(json!({"user": person(US_ID, US)})).into_response()).await
}

async fn memberships(State(desk): Here) -> Response {
    let body = json!({"group_memberships": [{"id": 1, "user_id": US_ID, "group_id": GROUP_ID}]});
    desk.answer("memberships", |_| Json(body).into_response()).await
}

async fn groups(State(desk): Here) -> Response {
    desk.answer("groups", |_| Json(json!({"groups": [{"id": GROUP_ID, "name": GROUP}]})).into_response()).await
}

async fn fields(State(desk): Here) -> Response {
    let fields: Value = FIELDS.iter().map(|(id, title)| json!({"id": id, "title": title, "active": true})).collect();
    desk.answer("fields", |_| Json(json!({"ticket_fields": fields})).into_response()).await
}

async fn list(State(desk): Here, Query(query): Query<HashMap<String, String>>) -> Response {
    desk.answer("find", |data| {
        let key = query.get("external_id").map(String::as_str).unwrap_or_default();
        let hits = data.tickets.values().filter(|t| t.key == key && readable(data, t.id).is_some());
        Json(json!({"tickets": hits.map(whole).collect::<Value>(), "next_page": null})).into_response()
    })
    .await
}

fn followed(data: &Data, asked: &Value) -> Result<Option<String>, Box<Response>> {
    let Some(source) = asked["via_followup_source_id"].as_u64() else { return Ok(None) };
    match readable(data, source) {
        Some(ticket) if status(ticket) == "closed" => Ok(Some(source.to_string())),
        _ => Err(Box::new(invalid("base", "Followup source is not a closed ticket"))),
    }
}

fn made(data: &mut Data, asked: &Value) -> Result<u64, Box<Response>> {
    let text = |pointer: &str| asked.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    if text("/comment/body").is_empty() {
        return Err(Box::new(invalid("base", "Description: cannot be blank")));
    }
    if text("/requester/email") == SUSPENDED {
        return Err(Box::new(invalid("requester", "Requester: is suspended.")));
    }
    let follows = followed(data, asked)?;
    let tags = asked["tags"].as_array().into_iter().flatten().filter_map(|tag| tag.as_str().map(str::to_owned));
    let id = data.add(Ticket {
        key: text("/external_id"),
        subject: text("/subject"),
        tags: tags.collect(),
        priority: text("/priority"),
        team: GROUP.into(),
        requester: Some(text("/requester/email")).filter(|email| !email.is_empty()),
        follows: follows.or_else(|| followed_up(&text("/comment/body"))),
        ..Ticket::default()
    });
    set_fields(data, id, &asked["custom_fields"]);
    data.write(id, US, asked["comment"]["public"] != json!(false), &text("/comment/body"), None);
    Ok(id)
}

fn set_fields(data: &mut Data, id: u64, custom: &Value) {
    for field in custom.as_array().into_iter().flatten() {
        let name = if field["id"] == CONTEXT_ID { "context".to_owned() } else { field["id"].to_string() };
        data.change(id, US, |ticket| drop(ticket.fields.insert(name, field["value"].clone())));
    }
}

async fn create(State(desk): Here, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    desk.answer("create", |data| {
        let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).map(str::to_owned);
        let mut keys = desk.dialect.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let now = data.now();
        keys.retain(|_, made| now.duration_since(made.at) < KEY_AGE);
        if let Some(made) = key.as_ref().and_then(|key| keys.get(key)) {
            if made.asked != body {
                let text = "Idempotency-Key was used with other parameters";
                return refused(StatusCode::BAD_REQUEST, "IdempotentRequestError", text, &json!({}));
            }
            let body = json!({"ticket": data.tickets.get(&made.ticket).map(whole)});
            return (StatusCode::CREATED, [("x-idempotency-lookup", "hit")], Json(body)).into_response();
        }
        let ticket = match made(data, &body["ticket"]) {
            Ok(ticket) => ticket,
            Err(refused) => return *refused,
        };
        if let Some(key) = key {
            keys.insert(key, Made { asked: body.clone(), ticket, at: now });
        }
        let body = json!({"ticket": whole(&data.tickets[&ticket])});
        (StatusCode::CREATED, [("x-idempotency-lookup", "miss")], Json(body)).into_response()
    })
    .await
}

async fn ticket(State(desk): Here, Path(id): Path<u64>) -> Response {
    desk.answer("ticket", |data| match readable(data, id) {
        Some(ticket) => {
            let assignee =
                ticket.assignee.as_deref().map(|name| person(if name == US { US_ID } else { AGENT_ID }, name));
            let users: Vec<_> = assignee.into_iter().collect();
            Json(json!({"ticket": whole(ticket), "users": users, "groups": [{"id": GROUP_ID, "name": GROUP}]}))
                .into_response()
        }
        None => not_found(),
    })
    .await
}

async fn show_many(State(desk): Here, Query(query): Query<HashMap<String, String>>) -> Response {
    desk.answer("show_many", |data| {
        let ids = query.get("ids").map(String::as_str).unwrap_or_default().split(',').filter_map(|id| id.parse().ok());
        let tickets: Value = ids.filter_map(|id| readable(data, id)).map(whole).collect();
        Json(json!({"tickets": tickets})).into_response()
    })
    .await
}

async fn change(State(desk): Here, Path(id): Path<u64>, Json(body): Json<Value>) -> Response {
    desk.answer("change", |data| {
        let Some(ticket) = readable(data, id) else { return not_found() };
        if status(ticket) == "closed" {
            return invalid("status", "Status: closed prevents ticket update");
        }
        let asked = &body["ticket"];
        let has_agent = ticket.assignee.is_some() || !asked["assignee_id"].is_null();
        if asked["status"] == "solved" && !has_agent {
            return invalid("assignee", "Assignee: is required when solving a ticket");
        }
        let tags = asked["tags"].as_array();
        data.change(id, US, |ticket| {
            if asked["assignee_id"] == US_ID {
                ticket.assignee = Some(US.into());
            }
            // the list is replaced, not added to
            if let Some(tags) = tags {
                ticket.tags = tags.iter().filter_map(|tag| tag.as_str().map(str::to_owned)).collect();
            }
            if let Some(priority) = asked["priority"].as_str() {
                priority.clone_into(&mut ticket.priority);
            }
            match asked["status"].as_str() {
                Some("solved") => ticket.stands = Stands::Resolved,
                Some(_) => ticket.stands = Stands::Open,
                None => {}
            }
        });
        set_fields(data, id, &asked["custom_fields"]);
        if let Some(comment) = asked["comment"]["body"].as_str() {
            data.write(id, US, asked["comment"]["public"] != json!(false), comment, None);
        }
        Json(json!({"ticket": whole(&data.tickets[&id])})).into_response()
    })
    .await
}

/// Adds to the list, as a set.
async fn add_tags(State(desk): Here, Path(id): Path<u64>, Json(body): Json<Value>) -> Response {
    desk.answer("change", |data| {
        let Some(ticket) = readable(data, id) else { return not_found() };
        if status(ticket) == "closed" {
            return invalid("status", "Status: closed prevents ticket update");
        }
        let tags = body["tags"].as_array().into_iter().flatten().filter_map(Value::as_str);
        data.change(id, US, |ticket| ticket.add_tags(tags));
        Json(json!({"tags": data.tickets[&id].tags})).into_response()
    })
    .await
}

fn author(by: &str) -> u64 {
    match by {
        US => US_ID,
        CUSTOMER => CUSTOMER_ID,
        _ => AGENT_ID,
    }
}

fn comment(text: &Text) -> Value {
    let author = author(&text.by);
    let rel = text.key.as_deref();
    json!({
        "id": text.id, "author_id": author, "created_at": text.at.to_string(), "via": {"channel": "api", "source": {"rel": rel}},
        "events": [{"id": text.id, "type": "Comment", "author_id": author, "body": text.body, "public": text.public}],
    })
}

async fn audits(State(desk): Here, Path(id): Path<u64>, Query(query): Query<HashMap<String, String>>) -> Response {
    desk.answer("audits", |data| {
        let Some(ticket) = readable(data, id) else { return not_found() };
        let mut all: Vec<_> = ticket.texts.iter().map(comment).collect();
        if ticket.stands != Stands::Open || ticket.by != US {
            let event = json!({"id": 1, "type": "Change", "field_name": "status", "value": status(ticket)});
            all.push(json!({"id": 1, "author_id": author(&ticket.by), "created_at": ticket.updated.to_string(), "events": [event]}));
        }
        let number = |name: &str| query.get(name).and_then(|text| text.parse::<usize>().ok());
        let (from, size) = (number("page[after]").unwrap_or(0), number("page[size]").unwrap_or(100).clamp(1, 100));
        let (end, more) = (from + size, from + size < all.len());
        let here: Value = all.into_iter().skip(from).take(size).collect();
        let users = json!([person(US_ID, US), person(AGENT_ID, AGENT), person(CUSTOMER_ID, "Jane")]);
        let meta = json!({"has_more": more, "after_cursor": end.to_string()});
        Json(json!({"audits": here, "users": users, "meta": meta})).into_response()
    })
    .await
}

/// Behind which change a cursor is: `second-id`.
fn place(cursor: &str) -> Option<(Timestamp, u64)> {
    let (at, id) = cursor.split_once('-')?;
    Some((Timestamp::from_second(at.parse().ok()?).ok()?, id.parse().ok()?))
}

async fn export(State(desk): Here, Query(query): Query<HashMap<String, String>>) -> Response {
    desk.answer("export", |data| {
        let start = query
            .get("start_time")
            .and_then(|text| text.parse::<i64>().ok())
            .and_then(|at| Timestamp::from_second(at).ok());
        let from = match (query.get("cursor"), start) {
            (Some(cursor), _) => place(cursor),
            (None, Some(at)) if data.now().duration_since(at) >= SignedDuration::from_mins(1) => Some((at, 0)),
            _ => return invalid("start_time", "Too recent start_time. Use a start_time older than 60 seconds"),
        };
        let Some(from) = from else { return invalid("cursor", "invalid cursor") };
        let mut all: Vec<_> = data.tickets.values().filter(|t| t.stands != Stands::Hidden).collect();
        all.retain(|ticket| (ticket.updated, ticket.id) > from);
        all.sort_by_key(|ticket| (ticket.updated, ticket.id));
        let is_end = all.len() <= EXPORT_PAGE;
        all.truncate(EXPORT_PAGE);
        let cursor = all.last().map(|ticket| format!("{}-{}", ticket.updated.as_second(), ticket.id));
        let tickets: Value = all.into_iter().map(whole).collect();
        Json(json!({"tickets": tickets, "after_cursor": cursor, "end_of_stream": is_end})).into_response()
    })
    .await
}
