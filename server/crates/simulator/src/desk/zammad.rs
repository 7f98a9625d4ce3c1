//! A simulated Zammad: what of `/api/v1` Milepost uses. A key is not unique, unknown attributes are dropped without a word, a merged
//! ticket stays under its number, reports are signed with SHA-1 over the body alone.

use super::{
    base::{Base, CUSTOMER, Data, Stands, Ticket, US},
    control::{Act, Report},
    frame::{Dialect, Running, Shared, authorization, hex},
};
use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use jiff::Timestamp;
use ring::hmac;
use serde_json::{Value, json};
use std::collections::HashMap;

const TOKEN: &str = "token-of-the-simulated-zammad";
const GROUP: &str = "Shipments";
const US_ID: u64 = 7;
const AGENT_ID: u64 = 8;

/// A running Zammad.
pub type Zammad = Running<Api>;

/// How it speaks.
#[derive(Default)]
pub struct Api;

type Here = State<Shared<Api>>;

impl Dialect for Api {
    const CONNECTOR: &'static str = "zammad";
    const SECRET: &'static str = TOKEN;
    const QUEUE: &'static str = GROUP;

    fn routes() -> Router<Shared<Self>> {
        Router::new()
            .route("/api/v1/users/me", get(me))
            .route("/api/v1/version", get(version))
            .route("/api/v1/groups", get(groups))
            .route("/api/v1/object_manager_attributes", get(attributes))
            .route("/api/v1/tickets", post(create))
            .route("/api/v1/tickets/search", post(search))
            .route("/api/v1/tickets/{id}", get(ticket).put(change))
            .route("/api/v1/ticket_articles", post(article))
            .route("/api/v1/ticket_articles/by_ticket/{id}", get(articles))
            .route("/api/v1/ticket_history/{id}", get(history))
            .route("/api/v1/tags/add", post(tag))
            .route("/api/v1/links", get(links))
            .route("/api/v1/links/add", post(link))
    }

    fn refusal(_data: &Data, headers: &HeaderMap) -> Option<Response> {
        let is_good = authorization(headers) == format!("Token token={TOKEN}");
        (!is_good).then(|| refused(StatusCode::UNAUTHORIZED, "Authentication required"))
    }

    fn act(base: &Base, number: &str, act: &Act) -> bool {
        // its closed tickets open again
        *act != Act::CloseForGood && base.act(number, act)
    }

    fn report(number: &str, secret: &str, _at: i64) -> Report {
        let body = json!({"ticket": {"id": number.parse::<u64>().unwrap_or_default(), "state": "open"}, "article": {}})
            .to_string();
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
        let headers = vec![
            ("x-hub-signature", format!("sha1={}", hex(&hmac::sign(&key, body.as_bytes())))),
            ("x-zammad-delivery", format!("delivery-{number}")),
            ("x-zammad-trigger", "Milepost".to_owned()),
        ];
        Report { headers, body: body.into_bytes() }
    }
}

fn refused(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({"error": error, "error_human": error}))).into_response()
}

fn not_found() -> Response {
    refused(StatusCode::NOT_FOUND, "No such object")
}

fn expanded(ticket: &Ticket) -> Value {
    let state = match ticket.stands {
        Stands::Resolved | Stands::Rejected | Stands::Closed => "closed",
        Stands::Merged(_) => "merged",
        Stands::Open | Stands::Deleted | Stands::Hidden => "open",
    };
    json!({
        "id": ticket.id, "number": (30_000 + ticket.id).to_string(), "title": ticket.subject, "state": state,
        "group": ticket.team, "priority": ticket.priority, "owner": ticket.assignee.as_deref().unwrap_or("-"),
        "customer": ticket.requester, "shipment_key": ticket.key, "shipment_context": ticket.fields.get("context"),
        "updated_at": ticket.updated.to_string(),
    })
}

fn readable(data: &Data, id: u64) -> Result<&Ticket, Box<Response>> {
    match data.tickets.get(&id) {
        Some(ticket) if ticket.stands == Stands::Hidden => {
            Err(Box::new(refused(StatusCode::FORBIDDEN, "Not authorized")))
        }
        Some(ticket) if ticket.stands != Stands::Deleted => Ok(ticket),
        _ => Err(Box::new(not_found())),
    }
}

async fn me(State(desk): Here) -> Response {
    desk.answer("me", |_| Json(json!({"id": US_ID, "login": US})).into_response()).await
}

async fn version(State(desk): Here) -> Response {
    desk.answer("version", |_| Json(json!({"version": "6.5.0"})).into_response()).await
}

async fn groups(State(desk): Here) -> Response {
    desk.answer("groups", |_| Json(json!([{"id": 1, "name": GROUP}])).into_response()).await
}

async fn attributes(State(desk): Here) -> Response {
    let known = json!([{"name": "title"}, {"name": "shipment_key"}, {"name": "shipment_context"}]);
    desk.answer("attributes", |_| Json(known).into_response()).await
}

async fn create(State(desk): Here, Json(body): Json<Value>) -> Response {
    desk.answer("create", |data| {
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        if text("/group") != GROUP || (text("/customer_id").is_empty() && body["customer_id"].is_null()) {
            return refused(StatusCode::UNPROCESSABLE_ENTITY, "Missing required value");
        }
        let requester = text("/customer_id").strip_prefix("guess:").map(str::to_owned);
        let id = data.add(Ticket {
            key: text("/shipment_key"),
            subject: text("/title"),
            tags: text("/tags").split(',').filter(|tag| !tag.is_empty()).map(str::to_owned).collect(),
            priority: text("/priority"),
            team: text("/group"),
            requester,
            ..Ticket::default()
        });
        let public = body["article"]["internal"] != json!(true);
        data.write(id, US, public, &text("/article/body"), Some(text("/article/subject")));
        (StatusCode::CREATED, Json(expanded(&data.tickets[&id]))).into_response()
    })
    .await
}

/// Whether a ticket meets a condition, of the operators that are used.
fn meets(ticket: &Ticket, condition: &Value) -> bool {
    let is = |name: &str, rule: &Value| {
        let value = &rule["value"];
        match (name, rule["operator"].as_str().unwrap_or_default()) {
            ("ticket.shipment_key", "is") => value.as_array().is_some_and(|any| any.contains(&json!(ticket.key))),
            ("ticket.shipment_key", "contains") => ticket.key.contains(value.as_str().unwrap_or("\0")),
            ("ticket.id", "is") => value.as_array().is_some_and(|any| any.contains(&json!(ticket.id.to_string()))),
            ("ticket.updated_at", "after (absolute)") => {
                value.as_str().and_then(|at| at.parse::<Timestamp>().ok()).is_some_and(|at| ticket.updated > at)
            }
            _ => false,
        }
    };
    condition.as_object().is_some_and(|rules| rules.iter().all(|(name, rule)| is(name, rule)))
}

async fn search(State(desk): Here, Json(body): Json<Value>) -> Response {
    desk.answer("find", |data| {
        let shown = |ticket: &&Ticket| !matches!(ticket.stands, Stands::Deleted | Stands::Hidden);
        let mut hits: Vec<_> = data.tickets.values().filter(shown).filter(|t| meets(t, &body["condition"])).collect();
        hits.sort_by_key(|ticket| (ticket.updated, ticket.id));
        let number = |name: &str| body[name].as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(1).max(1);
        let here = hits.into_iter().skip((number("page") - 1) * number("limit")).take(number("limit"));
        Json(here.map(expanded).collect::<Value>()).into_response()
    })
    .await
}

async fn ticket(State(desk): Here, Path(id): Path<u64>) -> Response {
    desk.answer("ticket", |data| match readable(data, id) {
        Ok(ticket) => Json(expanded(ticket)).into_response(),
        Err(refused) => *refused,
    })
    .await
}

async fn change(State(desk): Here, Path(id): Path<u64>, Json(body): Json<Value>) -> Response {
    desk.answer("change", |data| {
        if let Err(refused) = readable(data, id) {
            return *refused;
        }
        data.change(id, US, |ticket| {
            match body["state"].as_str() {
                Some("closed") => ticket.stands = Stands::Resolved,
                Some(_) => ticket.stands = Stands::Open,
                None => {}
            }
            if let Some(priority) = body["priority"].as_str() {
                priority.clone_into(&mut ticket.priority);
            }
            if let Some(context) = body.get("shipment_context") {
                ticket.fields.insert("context".into(), context.clone());
            }
        });
        Json(expanded(&data.tickets[&id])).into_response()
    })
    .await
}

async fn tag(State(desk): Here, Json(body): Json<Value>) -> Response {
    desk.answer("change", |data| {
        let id = body["o_id"].as_u64().unwrap_or_default();
        if let Err(refused) = readable(data, id) {
            return *refused;
        }
        data.change(id, US, |ticket| ticket.add_tags(body["item"].as_str().into_iter()));
        Json(json!(true)).into_response()
    })
    .await
}

async fn article(State(desk): Here, Json(body): Json<Value>) -> Response {
    desk.answer("change", |data| {
        let id = body["ticket_id"].as_u64().unwrap_or_default();
        if let Err(refused) = readable(data, id) {
            return *refused;
        }
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let written = data.write(id, US, body["internal"] != json!(true), &text("body"), Some(text("subject")));
        (StatusCode::CREATED, Json(json!({"id": written}))).into_response()
    })
    .await
}

async fn articles(State(desk): Here, Path(id): Path<u64>) -> Response {
    desk.answer("articles", |data| match readable(data, id) {
        Ok(ticket) => {
            let article = |text: &super::base::Text| {
                json!({
                    "id": text.id, "subject": text.key, "body": text.body, "internal": !text.public,
                    "sender": if text.by == CUSTOMER { "Customer" } else { "Agent" },
                    "created_by": text.by, "created_at": text.at.to_string(),
                })
            };
            // the first one is ours, and its subject has no mark
            Json(ticket.texts.iter().skip(1).map(article).collect::<Value>()).into_response()
        }
        Err(refused) => *refused,
    })
    .await
}

async fn history(State(desk): Here, Path(id): Path<u64>) -> Response {
    desk.answer("history", |data| match readable(data, id) {
        Ok(ticket) => {
            let by = if ticket.by == US { US_ID } else { AGENT_ID };
            let users = json!({"7": {"login": US}, "8": {"login": ticket.by}});
            let moved = json!([{"object": "Ticket", "attribute": "state", "created_by_id": by}]);
            Json(json!({"history": moved, "assets": {"User": users}})).into_response()
        }
        Err(refused) => *refused,
    })
    .await
}

async fn links(State(desk): Here, Query(query): Query<HashMap<String, String>>) -> Response {
    desk.answer("links", |data| {
        let id = query.get("link_object_value").and_then(|id| id.parse::<u64>().ok()).unwrap_or_default();
        let parent = match data.tickets.get(&id).map(|ticket| ticket.stands) {
            Some(Stands::Merged(other)) => {
                json!([{"link_type": "parent", "link_object": "Ticket", "link_object_value": other}])
            }
            _ => json!([]),
        };
        Json(json!({"links": parent, "assets": {}})).into_response()
    })
    .await
}

async fn link(State(desk): Here, Json(body): Json<Value>) -> Response {
    desk.answer("change", |data| {
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let earlier = text("link_object_source_value");
        if earlier.parse::<u64>().ok().is_none_or(|id| readable(data, id).is_err()) {
            return refused(StatusCode::UNPROCESSABLE_ENTITY, "No such object");
        }
        let id = text("link_object_target_value").parse::<u64>().unwrap_or_default();
        data.change(id, US, |ticket| ticket.follows = Some(earlier));
        (StatusCode::CREATED, Json(json!({"id": 1}))).into_response()
    })
    .await
}
