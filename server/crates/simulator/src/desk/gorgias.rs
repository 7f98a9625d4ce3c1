//! A simulated Gorgias: what of `/api` Milepost uses. `external_id` is not unique and its list lags, lists have what is in the trash
//! too, closed tickets open again, `PUT` of tags replaces, a merged ticket disappears with its number, every answer names what is left
//! of the limit.

use super::{
    base::{AGENT, Base, CUSTOMER, Data, Stands, Text, Ticket, US},
    control::{Act, Report},
    frame::{Dialect, Running, Shared, authorization, followed_up, options, report_with_secret},
};
use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

const EMAIL: &str = "milepost@shop.test";
const KEY: &str = "key-of-the-simulated-gorgias";
const TEAM: &str = "Shipments";
const TEAM_ID: u64 = 41;
const US_ID: u64 = 11;
const AGENT_ID: u64 = 12;

/// A running Gorgias.
pub type Gorgias = Running<Api>;

/// How it speaks.
#[derive(Default)]
pub struct Api;

type Here = State<Shared<Api>>;

impl Dialect for Api {
    const CONNECTOR: &'static str = "gorgias";
    const SECRET: &'static str = KEY;
    const QUEUE: &'static str = TEAM;
    const SEARCH_LAGS: bool = true;

    fn routes() -> Router<Shared<Self>> {
        Router::new()
            .route("/api/users/{id}", get(user))
            .route("/api/teams", get(teams))
            .route("/api/tickets", get(list).post(create))
            .route("/api/tickets/{id}", get(ticket).put(change))
            .route("/api/tickets/{id}/tags", post(add_tags))
            .route("/api/tickets/{id}/messages", get(messages).post(message))
            .route("/api/tickets/{id}/messages/{message}", put(edit))
            .route("/api/events", get(events))
    }

    fn options() -> Map<String, Value> {
        // this one has no limit of its own
        options([("email", EMAIL), ("calls_per_second", "1000")])
    }

    fn refusal(_data: &Data, headers: &HeaderMap) -> Option<Response> {
        let is_good = authorization(headers) == format!("Basic {}", STANDARD.encode(format!("{EMAIL}:{KEY}")));
        (!is_good).then(|| refused(StatusCode::UNAUTHORIZED, "Invalid credentials", &json!({})))
    }

    fn completed(mut answer: Response) -> Response {
        let used = if answer.status() == StatusCode::TOO_MANY_REQUESTS { "40/40" } else { "10/40" };
        answer.headers_mut().insert("x-gorgias-account-api-call-limit", HeaderValue::from_static(used));
        answer
    }

    fn act(base: &Base, number: &str, act: &Act) -> bool {
        let done = *act != Act::CloseForGood && base.act(number, act);
        // it can be merged, but where it went is not said
        done && !matches!(act, Act::MergeInto(_))
    }

    fn report(number: &str, secret: &str, _at: i64) -> Report {
        report_with_secret(secret, &json!({"ticket_id": number, "event": "ticket-updated"}))
    }
}

fn refused(status: StatusCode, text: &str, data: &Value) -> Response {
    (status, Json(json!({"error": {"msg": text, "data": data}}))).into_response()
}

fn not_found() -> Response {
    refused(StatusCode::NOT_FOUND, "Not found", &json!({}))
}

fn rows(rows: &[Value], next: Option<&str>) -> Response {
    Json(json!({"data": rows, "object": "list", "meta": {"next_cursor": next, "prev_cursor": null}})).into_response()
}

fn shown(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

fn whole(ticket: &Ticket) -> Value {
    let status = if ticket.stands == Stands::Resolved { "closed" } else { "open" };
    let assignee = ticket.assignee.as_deref().map(|name| json!({"id": AGENT_ID, "name": name}));
    json!({
        "id": ticket.id, "external_id": ticket.key, "subject": ticket.subject, "status": status, "priority": ticket.priority,
        "tags": ticket.tags.iter().map(|tag| json!({"name": tag})).collect::<Value>(), "assignee_user": assignee,
        "assignee_team": {"id": TEAM_ID, "name": ticket.team}, "snooze_datetime": null,
        "trashed_datetime": (ticket.stands == Stands::Deleted).then(|| shown(ticket.updated)),
        "updated_datetime": shown(ticket.updated),
    })
}

fn is_there(ticket: &Ticket) -> bool {
    !matches!(ticket.stands, Stands::Hidden | Stands::Merged(_))
}

fn readable(data: &Data, id: u64) -> Option<&Ticket> {
    data.tickets.get(&id).filter(|ticket| is_there(ticket))
}

async fn user(State(desk): Here, Path(id): Path<u64>) -> Response {
    let (id, name) = if matches!(id, 0 | US_ID) { (US_ID, US) } else { (AGENT_ID, AGENT) };
    desk.answer("user", |_| Json(json!({"id": id, "name": name})).into_response()).await
}

async fn teams(State(desk): Here) -> Response {
    desk.answer("teams", |_| rows(&[json!({"id": TEAM_ID, "name": TEAM})], None)).await
}

/// The lists that are used: by key, by numbers, by time of change.
async fn list(State(desk): Here, Query(query): Query<HashMap<String, String>>) -> Response {
    let operation = if query.contains_key("external_id") { "find" } else { "list" };
    desk.answer(operation, |data| {
        let text = |name: &str| query.get(name).map(String::as_str);
        let mut all: Vec<_> = data.tickets.values().filter(|ticket| is_there(ticket)).collect();
        if text("trashed") == Some("false") {
            all.retain(|ticket| ticket.stands != Stands::Deleted);
        }
        if let Some(key) = text("external_id") {
            all.retain(|ticket| ticket.indexed && ticket.key == key);
        }
        if let Some(ids) = text("ticket_ids") {
            all.retain(|ticket| ids.split(',').any(|id| id == ticket.id.to_string()));
        }
        all.sort_by_key(|ticket| std::cmp::Reverse((ticket.updated, ticket.id)));
        if let Some(cursor) = text("cursor") {
            let Some((at, id)) = place(cursor) else {
                return refused(StatusCode::BAD_REQUEST, "Invalid cursor", &json!({}));
            };
            all.retain(|ticket| (ticket.updated, ticket.id) < (at, id));
        }
        let size = text("limit").and_then(|limit| limit.parse().ok()).unwrap_or(30).clamp(1, 100);
        let more = all.len() > size;
        all.truncate(size);
        let next = all.last().filter(|_| more).map(|ticket| format!("{}-{}", ticket.updated.as_second(), ticket.id));
        let here: Vec<_> = all.into_iter().map(whole).collect();
        rows(&here, next.as_deref())
    })
    .await
}

fn place(cursor: &str) -> Option<(Timestamp, u64)> {
    let (at, id) = cursor.split_once('-')?;
    Some((Timestamp::from_second(at.parse().ok()?).ok()?, id.parse().ok()?))
}

fn names(tags: &Value) -> Vec<String> {
    tags.as_array().into_iter().flatten().filter_map(|tag| tag["name"].as_str().map(str::to_owned)).collect()
}

/// A message is written; none is public that is an internal note.
fn write(data: &mut Data, id: u64, message: &Value) -> u64 {
    let text = |name: &str| message[name].as_str().map(str::to_owned);
    let public = message["channel"] != "internal-note";
    data.write(id, US, public, &text("body_text").unwrap_or_default(), text("external_id"))
}

async fn create(State(desk): Here, Json(body): Json<Value>) -> Response {
    desk.answer("create", |data| {
        let Some(messages) = body["messages"].as_array().filter(|messages| !messages.is_empty()) else {
            let faults = json!({"messages": ["Missing data for required field."]});
            return refused(StatusCode::BAD_REQUEST, "Failed to create ticket", &faults);
        };
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let follows = followed_up(messages[0]["body_text"].as_str().unwrap_or_default());
        let team = if body["assignee_team"]["id"] == TEAM_ID { TEAM } else { "" };
        let id = data.add(Ticket {
            key: text("external_id"),
            subject: text("subject"),
            tags: names(&body["tags"]),
            priority: text("priority"),
            team: team.into(),
            requester: body["customer"]["email"].as_str().map(str::to_owned),
            follows,
            ..Ticket::default()
        });
        for message in messages {
            write(data, id, message);
        }
        (StatusCode::CREATED, Json(whole(&data.tickets[&id]))).into_response()
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
        data.change(id, US, |ticket| {
            match body["status"].as_str() {
                Some("closed") => ticket.stands = Stands::Resolved,
                Some(_) => ticket.stands = Stands::Open,
                None => {}
            }
            // the list is replaced, not added to
            if body["tags"].is_array() {
                ticket.tags = names(&body["tags"]);
            }
            if let Some(priority) = body["priority"].as_str() {
                priority.clone_into(&mut ticket.priority);
            }
        });
        (StatusCode::ACCEPTED, Json(whole(&data.tickets[&id]))).into_response()
    })
    .await
}

async fn add_tags(State(desk): Here, Path(id): Path<u64>, Json(body): Json<Value>) -> Response {
    desk.answer("change", |data| {
        if readable(data, id).is_none() {
            return not_found();
        }
        let tags = body["names"].as_array().into_iter().flatten().filter_map(Value::as_str);
        data.change(id, US, |ticket| ticket.add_tags(tags));
        StatusCode::CREATED.into_response()
    })
    .await
}

fn shown_message(text: &Text) -> Value {
    let sender = if text.by == US { US_ID } else { AGENT_ID };
    let channel = if text.public { "email" } else { "internal-note" };
    json!({
        "id": text.id, "channel": channel, "public": text.public, "from_agent": text.by != CUSTOMER, "sender": {"id": sender},
        "external_id": text.key, "body_text": text.body, "created_datetime": shown(text.at), "failed_datetime": null,
    })
}

async fn messages(State(desk): Here, Path(id): Path<u64>, Query(query): Query<HashMap<String, String>>) -> Response {
    desk.answer("messages", |data| {
        let Some(ticket) = readable(data, id) else { return not_found() };
        let number = |name: &str| query.get(name).and_then(|text| text.parse::<usize>().ok());
        let (from, size) = (number("cursor").unwrap_or(0), number("limit").unwrap_or(30).clamp(1, 100));
        let here: Vec<_> = ticket.texts.iter().skip(from).take(size).map(shown_message).collect();
        let next = (from + size < ticket.texts.len()).then(|| (from + size).to_string());
        rows(&here, next.as_deref())
    })
    .await
}

async fn message(State(desk): Here, Path(id): Path<u64>, Json(body): Json<Value>) -> Response {
    desk.answer("change", |data| {
        if readable(data, id).is_none() {
            return not_found();
        }
        let written = write(data, id, &body);
        (StatusCode::CREATED, Json(json!({"id": written, "sent_datetime": null}))).into_response()
    })
    .await
}

async fn edit(State(desk): Here, Path((id, message)): Path<(u64, u64)>, Json(body): Json<Value>) -> Response {
    desk.answer("change", |data| {
        if readable(data, id).is_none_or(|ticket| ticket.texts.iter().all(|text| text.id != message)) {
            return not_found();
        }
        data.change(id, US, |ticket| {
            let edited = ticket.texts.iter_mut().filter(|text| text.id == message);
            edited.for_each(|text| text.body = body["body_text"].as_str().unwrap_or_default().to_owned());
        });
        (StatusCode::ACCEPTED, Json(json!({"id": message}))).into_response()
    })
    .await
}

async fn events(State(desk): Here, Query(query): Query<HashMap<String, String>>) -> Response {
    desk.answer("events", |data| {
        let id = query.get("object_id").and_then(|id| id.parse().ok()).unwrap_or_default();
        let Some(ticket) = readable(data, id) else { return rows(&[], None) };
        let kind = match ticket.stands {
            Stands::Resolved | Stands::Closed => "ticket-closed",
            Stands::Deleted => "ticket-trashed",
            _ => "ticket-reopened",
        };
        let user = if ticket.by == US { US_ID } else { AGENT_ID };
        rows(&[json!({"id": 1, "type": kind, "user_id": user, "object_type": "Ticket", "object_id": id})], None)
    })
    .await
}
