//! A simulated ServiceNow: its Table API with tokens that end, conditions on unknown fields left out, unknown fields dropped, journals
//! in a table of their own, and cases that are closed for good.

use super::{
    base::{Base, CUSTOMER, Data, Stands, Ticket, US},
    control::{Act, Report},
    frame::{Dialect, Running, Shared, has_token, options, report_with_secret},
};
use axum::{
    Form, Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, patch, post},
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

const CLIENT: &str = "client-of-the-simulated-servicenow";
const SECRET: &str = "secret-of-the-simulated-servicenow";
const TABLE: &str = "sn_customerservice_case";
const GROUP: &str = "Shipments";

/// A running ServiceNow.
pub type ServiceNow = Running<Api>;

/// How it speaks.
pub struct Api {
    audits: bool,
}

impl Default for Api {
    fn default() -> Self {
        Self { audits: true }
    }
}

impl ServiceNow {
    /// Starts one whose audit may not be read, on a free port of this machine.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn without_audit() -> std::io::Result<Self> {
        Self::speaking(Api { audits: false }).await
    }
}

type Here = State<Shared<Api>>;

impl Dialect for Api {
    const CONNECTOR: &'static str = "servicenow";
    const SECRET: &'static str = SECRET;
    const QUEUE: &'static str = GROUP;
    const TOKENS_END: bool = true;

    fn routes() -> Router<Shared<Self>> {
        Router::new()
            .route("/api/now/table/{table}", get(list).post(create))
            .route("/api/now/table/{table}/{id}", patch(change))
    }

    fn open_routes() -> Router<Shared<Self>> {
        Router::new().route("/oauth_token.do", post(token))
    }

    fn options() -> Map<String, Value> {
        options([("client_id", CLIENT)])
    }

    fn refusal(data: &Data, headers: &HeaderMap) -> Option<Response> {
        (!has_token(data, headers)).then(|| refused(StatusCode::UNAUTHORIZED, "User Not Authenticated"))
    }

    fn act(base: &Base, number: &str, act: &Act) -> bool {
        // it has no merging of cases
        !matches!(act, Act::MergeInto(_)) && base.act(&number_of(number).to_string(), act)
    }

    fn number(id: u64) -> String {
        id_of(id)
    }

    fn report(number: &str, secret: &str, _at: i64) -> Report {
        report_with_secret(secret, &json!({"sys_id": number, "delivery": "rule-1"}))
    }
}

fn id_of(number: u64) -> String {
    format!("c{number:031x}")
}

fn number_of(id: &str) -> u64 {
    id.strip_prefix('c').and_then(|rest| u64::from_str_radix(rest, 16).ok()).unwrap_or_default()
}

fn refused(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({"error": {"message": message, "detail": ""}, "status": "failure"}))).into_response()
}

async fn token(State(desk): Here, Form(form): Form<HashMap<String, String>>) -> Response {
    let is = |name: &str, value: &str| form.get(name).is_some_and(|given| given == value);
    if !is("client_id", CLIENT) || !is("client_secret", SECRET) {
        return (
            StatusCode::UNAUTHORIZED,
            Json(json!({"error": "server_error", "error_description": "access_denied"})),
        )
            .into_response();
    }
    let token = desk.base.lock().give_token();
    Json(json!({"access_token": token, "token_type": "Bearer", "expires_in": 1799})).into_response()
}

fn shown(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn row(ticket: &Ticket) -> Value {
    let (state, active) = match ticket.stands {
        Stands::Resolved => ("6", "true"),
        Stands::Closed => ("3", "false"),
        _ => ("10", "true"),
    };
    let ended = matches!(ticket.stands, Stands::Resolved | Stands::Closed);
    json!({
        "sys_id": id_of(ticket.id), "number": format!("CS{:07}", ticket.id), "state": state, "active": active,
        "correlation_id": ticket.key, "sys_updated_on": shown(ticket.updated), "sys_updated_by": ticket.writer,
        "resolved_by.user_name": if ended { ticket.by.as_str() } else { "" },
        "resolved_at": if ended { shown(ticket.moved) } else { String::new() },
        "closed_by.user_name": if active == "false" { ticket.by.as_str() } else { "" },
        "closed_at": if active == "false" { shown(ticket.moved) } else { String::new() },
        "assigned_to.user_name": ticket.assignee.clone().unwrap_or_default(), "assignment_group.name": ticket.team,
        "contact.user_name": ticket.requester.as_ref().map_or("", |_| CUSTOMER),
        "u_shipment_tags": ticket.tags.join(","), "u_shipment_context": ticket.fields.get("context").cloned().unwrap_or(json!("")),
    })
}

async fn list(
    State(desk): Here,
    Path(table): Path<String>,
    Query(parameters): Query<HashMap<String, String>>,
) -> Response {
    let query = parameters.get("sysparm_query").cloned().unwrap_or_default();
    let operation = if query.starts_with("correlation_id=") { "find" } else { "list" };
    desk.answer(operation, |data| {
        let number = |name: &str, usual: usize| parameters.get(name).and_then(|n| n.parse().ok()).unwrap_or(usual);
        let rows: Vec<Value> = match table.as_str() {
            TABLE => cases(data, &query),
            "sys_journal_field" => journal(data, &query),
            "sys_audit" if desk.dialect.audits => moves(data, &query),
            // rows that a user may not read are left out
            "sys_audit" => Vec::new(),
            "sys_user" => vec![json!({"user_name": US})],
            "sys_user_group" => vec![json!({"name": GROUP})],
            "sys_dictionary" => {
                ["u_shipment_context", "u_shipment_tags"].map(|name| json!({"name": TABLE, "element": name})).into()
            }
            "customer_contact" => vec![json!({"sys_id": id_of(9), "email": query.trim_start_matches("email=")})],
            _ => return refused(StatusCode::BAD_REQUEST, "Invalid table"),
        };
        let here = rows.into_iter().skip(number("sysparm_offset", 0)).take(number("sysparm_limit", 10_000));
        Json(json!({"result": here.collect::<Vec<_>>()})).into_response()
    })
    .await
}

fn cases(data: &Data, query: &str) -> Vec<Value> {
    let fits = |ticket: &&Ticket| {
        let mut conditions = query.split('^').filter(|condition| !condition.starts_with("ORDERBY"));
        conditions.all(|condition| {
            if let Some(key) = condition.strip_prefix("correlation_id=") {
                ticket.key == key
            } else if let Some(start) = condition.strip_prefix("correlation_idSTARTSWITH") {
                ticket.key.starts_with(start)
            } else if let Some(since) = condition.strip_prefix("sys_updated_on>=") {
                shown(ticket.updated).as_str() >= since
            } else if let Some(id) = condition.strip_prefix("sys_id=") {
                id_of(ticket.id) == id
            } else if let Some(ids) = condition.strip_prefix("sys_idIN") {
                ids.split(',').any(|id| id == id_of(ticket.id))
            } else {
                // a condition that it does not know is left out
                true
            }
        })
    };
    let is_seen = |ticket: &&Ticket| !matches!(ticket.stands, Stands::Deleted | Stands::Hidden);
    let mut found: Vec<_> = data.tickets.values().filter(is_seen).filter(fits).collect();
    found.sort_by_key(|ticket| (ticket.updated, ticket.id));
    found.into_iter().map(row).collect()
}

/// The newest change of a case's state.
fn moves(data: &Data, query: &str) -> Vec<Value> {
    let id = query.split('^').find_map(|condition| condition.strip_prefix("documentkey=")).map(number_of);
    id.and_then(|id| data.tickets.get(&id)).map(|ticket| json!({"user": ticket.by})).into_iter().collect()
}

fn journal(data: &Data, query: &str) -> Vec<Value> {
    let id = query.split('^').find_map(|condition| condition.strip_prefix("element_id=")).map(number_of);
    let texts = id.and_then(|id| data.tickets.get(&id)).into_iter().flat_map(|ticket| ticket.texts.iter().skip(1));
    let entry = |text: &super::base::Text| {
        json!({
            "element": if text.public { "comments" } else { "work_notes" }, "value": text.body,
            "sys_created_by": text.by, "sys_created_on": shown(text.at),
        })
    };
    texts.map(entry).collect()
}

async fn create(State(desk): Here, Path(table): Path<String>, Json(body): Json<Value>) -> Response {
    desk.answer("create", |data| {
        if table != TABLE {
            return refused(StatusCode::BAD_REQUEST, "Invalid table");
        }
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let id = data.add(Ticket {
            key: text("correlation_id"),
            subject: text("short_description"),
            tags: text("u_shipment_tags").split(',').map(str::to_owned).collect(),
            priority: text("priority"),
            team: text("assignment_group"),
            requester: (!text("contact").is_empty()).then(|| "jane@customer.test".to_owned()),
            follows: body["parent"].as_str().map(str::to_owned),
            ..Ticket::default()
        });
        data.write(id, US, false, &text("description"), None);
        (StatusCode::CREATED, Json(json!({"result": row(&data.tickets[&id])}))).into_response()
    })
    .await
}

async fn change(State(desk): Here, Path((_, id)): Path<(String, String)>, Json(body): Json<Value>) -> Response {
    desk.answer("change", |data| {
        let number = number_of(&id);
        let is_seen = |ticket: &Ticket| !matches!(ticket.stands, Stands::Deleted | Stands::Hidden);
        if !data.tickets.get(&number).is_some_and(is_seen) {
            return refused(StatusCode::NOT_FOUND, "No Record found");
        }
        if let Some(note) = body["work_notes"].as_str() {
            data.write(number, US, false, note, None);
        }
        data.change(number, US, |ticket| {
            match body["state"].as_str() {
                Some("6") => ticket.stands = Stands::Resolved,
                Some("10") => ticket.stands = Stands::Open,
                _ => {}
            }
            if let Some(priority) = body["priority"].as_str() {
                priority.clone_into(&mut ticket.priority);
            }
            if let Some(tags) = body["u_shipment_tags"].as_str() {
                ticket.tags = tags.split(',').map(str::to_owned).collect();
            }
            if let Some(context) = body.get("u_shipment_context") {
                ticket.fields.insert("context".into(), context.clone());
            }
        });
        Json(json!({"result": row(&data.tickets[&number])})).into_response()
    })
    .await
}
