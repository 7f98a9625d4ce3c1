//! A simulated Jira Service Management: searches that lag and know times by the minute, transitions that a workflow offers, comments of
//! which the answer says whether customers see them, issues that are deleted for good.

use super::{
    base::{Base, CUSTOMER, Data, Stands, Ticket, US},
    control::{Act, Report},
    frame::{Dialect, Running, Shared, authorization, hex, options},
};
use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::{Timestamp, tz::TimeZone};
use ring::hmac;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

const LOGIN: &str = "milepost@shop.test";
const TOKEN: &str = "token-of-the-simulated-jira";
const KEY: &str = "customfield_10101";
const CONTEXT: &str = "customfield_10102";
/// The zone of the integration's account.
const ZONE: &str = "Europe/Berlin";

/// A running Jira.
pub type Jira = Running<Api>;

/// How it speaks.
#[derive(Default)]
pub struct Api;

type Here = State<Shared<Api>>;

impl Dialect for Api {
    const CONNECTOR: &'static str = "jira";
    const SECRET: &'static str = TOKEN;
    const QUEUE: &'static str = "SHIP";
    const SEARCH_LAGS: bool = true;
    const NAMES_CUSTOMERS: bool = false;

    fn routes() -> Router<Shared<Self>> {
        Router::new()
            .route("/rest/api/3/myself", get(myself))
            .route("/rest/servicedeskapi/servicedesk/1/requesttype/25/field", get(form))
            .route("/rest/servicedeskapi/request", post(create))
            .route("/rest/servicedeskapi/request/{id}/comment", get(comments).post(comment))
            .route("/rest/api/3/search/jql", post(search))
            .route("/rest/api/3/issue/{id}", get(issue).put(edit))
            .route("/rest/api/2/issue/{id}", put(edit))
            .route("/rest/api/3/issue/{id}/transitions", get(transitions).post(transition))
            .route("/rest/api/3/issueLink", post(link))
    }

    fn options() -> Map<String, Value> {
        options([
            ("login", LOGIN),
            ("service_desk", "1"),
            ("request_type", "25"),
            ("key_field", KEY),
            ("context_field", CONTEXT),
        ])
    }

    fn refusal(_data: &Data, headers: &HeaderMap) -> Option<Response> {
        let is_good = authorization(headers) == format!("Basic {}", STANDARD.encode(format!("{LOGIN}:{TOKEN}")));
        let text = "Client must be authenticated to access this resource.";
        (!is_good).then(|| refused(StatusCode::UNAUTHORIZED, text))
    }

    fn act(base: &Base, number: &str, act: &Act) -> bool {
        // it merges nothing
        !matches!(act, Act::MergeInto(_)) && base.act(number, act)
    }

    fn report(number: &str, secret: &str, at: i64) -> Report {
        let body = json!({"timestamp": at * 1_000, "webhookEvent": "jira:issue_updated", "issue": {"id": number, "key": format!("SHIP-{number}")}});
        let body = body.to_string();
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), body.as_bytes());
        let headers = vec![
            ("x-hub-signature", format!("sha256={}", hex(&tag))),
            ("x-atlassian-webhook-identifier", format!("identifier-{number}")),
        ];
        Report { headers, body: body.into_bytes() }
    }
}

fn refused(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({"errorMessages": [message], "errors": {}}))).into_response()
}

fn not_found() -> Response {
    refused(StatusCode::NOT_FOUND, "Issue does not exist or you do not have permission to see it.")
}

fn readable(data: &Data, id: u64) -> Option<&Ticket> {
    let is_there = |ticket: &&Ticket| !matches!(ticket.stands, Stands::Deleted | Stands::Hidden);
    data.tickets.get(&id).filter(is_there)
}

fn shown(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.000+0000").to_string()
}

fn row(ticket: &Ticket) -> Value {
    let done = matches!(ticket.stands, Stands::Resolved | Stands::Closed);
    json!({
        "id": ticket.id.to_string(), "key": format!("SHIP-{}", ticket.id),
        "fields": {
            "status": {"name": "x", "statusCategory": {"key": if done { "done" } else { "indeterminate" }}},
            "updated": shown(ticket.updated), KEY: ticket.key, CONTEXT: ticket.fields.get("context"),
            "assignee": ticket.assignee.as_ref().map(|name| json!({"displayName": name})),
        },
        "changelog": {"histories": [
            {"author": {"accountId": "other", "displayName": "Other"}, "items": [{"field": "labels"}]},
            {"author": {"accountId": ticket.by, "displayName": ticket.by}, "items": [{"field": "status"}]},
        ]},
    })
}

async fn myself(State(desk): Here) -> Response {
    let me = json!({"accountId": US, "emailAddress": LOGIN, "timeZone": ZONE});
    desk.answer("myself", |_| Json(me).into_response()).await
}

async fn form(State(desk): Here) -> Response {
    let fields = json!({"requestTypeFields": [{"fieldId": "summary"}, {"fieldId": KEY}, {"fieldId": CONTEXT}]});
    desk.answer("form", |_| Json(fields).into_response()).await
}

async fn create(State(desk): Here, Json(body): Json<Value>) -> Response {
    desk.answer("create", |data| {
        let text = |name: &str| body["requestFieldValues"][name].as_str().unwrap_or_default().to_owned();
        if body["serviceDeskId"] != "1" || body["requestTypeId"] != "25" || text("summary").contains('\n') {
            return refused(StatusCode::BAD_REQUEST, "Your request could not be created.");
        }
        let id = data.add(Ticket { key: text(KEY), subject: text("summary"), ..Ticket::default() });
        data.write(id, US, false, &text("description"), None);
        (StatusCode::CREATED, Json(json!({"issueId": id.to_string(), "issueKey": format!("SHIP-{id}")})))
            .into_response()
    })
    .await
}

async fn search(State(desk): Here, Json(body): Json<Value>) -> Response {
    let jql = body["jql"].as_str().unwrap_or_default().to_owned();
    let operation = if jql.starts_with("cf[10101]") { "find" } else { "search" };
    desk.answer(operation, |data| {
        let is_seen = |ticket: &&Ticket| ticket.indexed && !matches!(ticket.stands, Stands::Deleted | Stands::Hidden);
        let key = jql.split("\\\"").nth(1);
        let since = jql.split("updated >= \"").nth(1).and_then(|rest| rest.split('"').next());
        let fits = |ticket: &&Ticket| match (key, since) {
            (Some(key), _) => ticket.key == key,
            // by the minute, in the zone of the account
            (None, Some(since)) => {
                let zone = TimeZone::get(ZONE).unwrap_or(TimeZone::UTC);
                ticket.updated.to_zoned(zone).strftime("%Y-%m-%d %H:%M").to_string().as_str() >= since
            }
            (None, None) => false,
        };
        let mut found: Vec<_> = data.tickets.values().filter(is_seen).filter(fits).collect();
        found.sort_by_key(|ticket| (ticket.updated, ticket.id));
        let start = body["nextPageToken"].as_str().and_then(|token| token.parse().ok()).unwrap_or(0);
        let size = body["maxResults"].as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(50);
        let more = found.len() > start + size;
        let issues: Vec<_> = found.into_iter().skip(start).take(size).map(row).collect();
        let mut page = json!({"issues": issues, "isLast": !more});
        if more {
            page["nextPageToken"] = json!((start + size).to_string());
        }
        Json(page).into_response()
    })
    .await
}

async fn issue(State(desk): Here, Path(id): Path<u64>) -> Response {
    desk.answer("issue", |data| readable(data, id).map_or_else(not_found, |ticket| Json(row(ticket)).into_response()))
        .await
}

async fn edit(State(desk): Here, Path(id): Path<u64>, Json(body): Json<Value>) -> Response {
    desk.answer("change", |data| {
        if readable(data, id).is_none() {
            return not_found();
        }
        data.change(id, US, |ticket| {
            let labels = body["update"]["labels"].as_array().into_iter().flatten();
            ticket.add_tags(labels.filter_map(|label| label["add"].as_str()));
            if let Some(priority) = body["fields"]["priority"]["name"].as_str() {
                priority.clone_into(&mut ticket.priority);
            }
            if let Some(context) = body["fields"].get(CONTEXT) {
                ticket.fields.insert("context".into(), context.clone());
            }
        });
        StatusCode::NO_CONTENT.into_response()
    })
    .await
}

async fn transitions(State(desk): Here, Path(id): Path<u64>) -> Response {
    desk.answer("transitions", |data| {
        let Some(ticket) = readable(data, id) else { return not_found() };
        let offered = match ticket.stands {
            Stands::Resolved => {
                json!([{"id": "31", "name": "Reopen", "to": {"statusCategory": {"key": "indeterminate"}}}])
            }
            Stands::Closed => json!([]),
            _ => json!([
                {"id": "11", "name": "Wait", "to": {"statusCategory": {"key": "indeterminate"}}},
                {"id": "21", "name": "Resolve", "to": {"statusCategory": {"key": "done"}}},
            ]),
        };
        Json(json!({"transitions": offered})).into_response()
    })
    .await
}

async fn transition(State(desk): Here, Path(id): Path<u64>, Json(body): Json<Value>) -> Response {
    desk.answer("change", |data| {
        let stands = match (readable(data, id).map(|ticket| ticket.stands), body["transition"]["id"].as_str()) {
            (None, _) => return not_found(),
            (Some(Stands::Resolved), Some("31")) => Stands::Open,
            (Some(Stands::Open), Some("21")) => Stands::Resolved,
            _ => return refused(StatusCode::BAD_REQUEST, "Transition id is not valid for this issue."),
        };
        data.change(id, US, |ticket| ticket.stands = stands);
        StatusCode::NO_CONTENT.into_response()
    })
    .await
}

async fn comments(State(desk): Here, Path(id): Path<u64>, Query(query): Query<HashMap<String, String>>) -> Response {
    desk.answer("comments", |data| {
        let Some(ticket) = readable(data, id) else { return not_found() };
        let number = |name: &str, usual: usize| query.get(name).and_then(|n| n.parse().ok()).unwrap_or(usual);
        let (start, limit) = (number("start", 0), number("limit", 50));
        let comment = |text: &super::base::Text| {
            let kind = if text.by == CUSTOMER { "customer" } else { "atlassian" };
            json!({
                "id": text.id.to_string(), "body": text.body, "public": text.public,
                "author": {"accountId": text.by, "displayName": text.by, "accountType": kind}, "created": {"epochMillis": text.at.as_millisecond()},
            })
        };
        let all = ticket.texts.len().saturating_sub(1);
        let values: Vec<_> = ticket.texts.iter().skip(1 + start).take(limit).map(comment).collect();
        Json(json!({"values": values, "isLastPage": start + limit >= all})).into_response()
    })
    .await
}

async fn comment(State(desk): Here, Path(id): Path<u64>, Json(body): Json<Value>) -> Response {
    desk.answer("change", |data| {
        if readable(data, id).is_none() {
            return not_found();
        }
        let public = body["public"] != json!(false);
        let written = data.write(id, US, public, body["body"].as_str().unwrap_or_default(), None);
        (StatusCode::CREATED, Json(json!({"id": written.to_string(), "public": public}))).into_response()
    })
    .await
}

async fn link(State(desk): Here, Json(body): Json<Value>) -> Response {
    desk.answer("change", |data| {
        let id = |side: &str| body[side]["id"].as_str().and_then(|id| id.parse::<u64>().ok()).unwrap_or_default();
        if readable(data, id("inwardIssue")).is_none() {
            return not_found();
        }
        data.change(id("outwardIssue"), US, |ticket| ticket.follows = Some(id("inwardIssue").to_string()));
        StatusCode::CREATED.into_response()
    })
    .await
}
