//! A simulated Salesforce: tokens that end, upserts by external id, limits as 403, comments whose text cannot be searched, deleted and
//! merged cases that only `queryAll` shows.

use super::{
    base::{Base, CUSTOMER, Data, Stands, Ticket, US},
    control::{Act, Report},
    frame::{Desk, Dialect, Running, Shared, has_token, options, report_with_secret},
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

const CLIENT: &str = "client-of-the-simulated-salesforce";
const SECRET: &str = "secret-of-the-simulated-salesforce";
const QUEUE: &str = "Shipments";
const QUEUE_ID: &str = "00G000000000001AAA";

/// A running Salesforce.
pub type Salesforce = Running<Api>;

/// How it speaks.
pub struct Api {
    keeps_history: bool,
}

impl Default for Api {
    fn default() -> Self {
        Self { keeps_history: true }
    }
}

impl Salesforce {
    /// Starts one that keeps no history of cases, on a free port of this machine.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn without_history() -> std::io::Result<Self> {
        Self::speaking(Api { keeps_history: false }).await
    }
}

type Here = State<Shared<Api>>;

impl Dialect for Api {
    const CONNECTOR: &'static str = "salesforce";
    const SECRET: &'static str = SECRET;
    const QUEUE: &'static str = QUEUE;
    const TOKENS_END: bool = true;

    fn routes() -> Router<Shared<Self>> {
        Router::new()
            .route("/services/oauth2/userinfo", get(userinfo))
            .route("/services/data/v62.0/query", get(query))
            .route("/services/data/v62.0/queryAll", get(query_all))
            .route("/services/data/v62.0/sobjects/Case/describe", get(describe))
            .route("/services/data/v62.0/sobjects/Case/Shipment_Key__c/{key}", patch(upsert))
            .route("/services/data/v62.0/sobjects/Case/{id}", patch(change))
            .route("/services/data/v62.0/sobjects/CaseComment", post(comment))
    }

    fn open_routes() -> Router<Shared<Self>> {
        Router::new().route("/services/oauth2/token", post(token))
    }

    fn options() -> Map<String, Value> {
        options([("client_id", CLIENT)])
    }

    fn refusal(data: &Data, headers: &HeaderMap) -> Option<Response> {
        (!has_token(data, headers)).then(|| refused(StatusCode::UNAUTHORIZED, "INVALID_SESSION_ID"))
    }

    fn act(base: &Base, number: &str, act: &Act) -> bool {
        let Some(number) = number_of(number) else { return false };
        let act = match act {
            // its closed cases open again
            Act::CloseForGood => return false,
            Act::MergeInto(other) => Act::MergeInto(number_of(other).unwrap_or_default().to_string()),
            other => other.clone(),
        };
        base.act(&number.to_string(), &act)
    }

    fn number(id: u64) -> String {
        id_of(id)
    }

    fn report(number: &str, secret: &str, _at: i64) -> Report {
        report_with_secret(secret, &json!({"id": number, "delivery": "flow-1"}))
    }
}

fn id_of(number: u64) -> String {
    format!("500{number:012}AAA")
}

fn number_of(id: &str) -> Option<u64> {
    id.strip_prefix("500")?.strip_suffix("AAA")?.parse().ok()
}

fn refused(status: StatusCode, code: &str) -> Response {
    (status, Json(json!([{"message": code.to_lowercase(), "errorCode": code}]))).into_response()
}

async fn token(State(desk): Here, Form(form): Form<HashMap<String, String>>) -> Response {
    let is = |name: &str, value: &str| form.get(name).is_some_and(|given| given == value);
    if !is("grant_type", "client_credentials") || !is("client_id", CLIENT) || !is("client_secret", SECRET) {
        let body = json!({"error": "invalid_client", "error_description": "invalid client credentials"});
        return (StatusCode::BAD_REQUEST, Json(body)).into_response();
    }
    let token = desk.base.lock().give_token();
    Json(json!({"access_token": token, "token_type": "Bearer", "instance_url": "https://example.my.salesforce.com"}))
        .into_response()
}

async fn userinfo(State(desk): Here) -> Response {
    desk.answer("userinfo", |_| Json(json!({"user_id": "005", "preferred_username": US})).into_response()).await
}

async fn describe(State(desk): Here) -> Response {
    let fields = json!([
        {"name": "Subject"}, {"name": "Shipment_Key__c", "externalId": true, "unique": true},
        {"name": "Shipment_Context__c"}, {"name": "Shipment_Tags__c"},
    ]);
    desk.answer("describe", |_| Json(json!({"name": "Case", "fields": fields})).into_response()).await
}

fn shown(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.000+0000").to_string()
}

fn row(ticket: &Ticket) -> Value {
    let master = match ticket.stands {
        Stands::Merged(other) => json!(id_of(other)),
        _ => Value::Null,
    };
    let owner = match &ticket.assignee {
        Some(name) => json!({"Name": name, "Type": "User"}),
        None => json!({"Name": QUEUE, "Type": "Queue"}),
    };
    json!({
        "Id": id_of(ticket.id), "Status": "x", "IsClosed": matches!(ticket.stands, Stands::Resolved | Stands::Closed),
        "IsDeleted": matches!(ticket.stands, Stands::Deleted | Stands::Merged(_)), "MasterRecordId": master,
        "SystemModstamp": shown(ticket.updated), "LastModifiedDate": shown(ticket.updated),
        "LastModifiedBy": {"Username": ticket.writer}, "Owner": owner,
        "ClosedDate": matches!(ticket.stands, Stands::Resolved | Stands::Closed).then(|| shown(ticket.moved)),
        "Shipment_Context__c": ticket.fields.get("context"), "Shipment_Tags__c": ticket.tags.join(";"),
    })
}

/// What stands between two words of a query.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.split_once(before)?.1.split_once(after).map(|(inside, _)| inside)
}

fn records(rows: Vec<Value>) -> Response {
    Json(json!({"totalSize": rows.len(), "done": true, "records": rows})).into_response()
}

async fn query(State(desk): Here, Query(parameters): Query<HashMap<String, String>>) -> Response {
    selected(&desk, &parameters, false).await
}

async fn query_all(State(desk): Here, Query(parameters): Query<HashMap<String, String>>) -> Response {
    selected(&desk, &parameters, true).await
}

async fn selected(desk: &Desk<Api>, parameters: &HashMap<String, String>, all: bool) -> Response {
    let soql = parameters.get("q").cloned().unwrap_or_default();
    let operation = if soql.contains("Shipment_Key__c = ") { "find" } else { "query" };
    desk.answer(operation, |data| {
        if soql.contains("FROM Group") {
            let found = between(&soql, "DeveloperName = '", "'") == Some(QUEUE);
            return records(found.then(|| json!({"Id": QUEUE_ID})).into_iter().collect());
        }
        if soql.contains("FROM CaseHistory") {
            let id = number_of(between(&soql, "CaseId = '", "'").unwrap_or_default()).unwrap_or_default();
            let change = |ticket: &Ticket| json!({"CreatedBy": {"Username": ticket.by}});
            return match desk.dialect.keeps_history {
                true => records(data.tickets.get(&id).map(change).into_iter().collect()),
                false => refused(StatusCode::BAD_REQUEST, "INVALID_TYPE"),
            };
        }
        if soql.contains("FROM CaseComment") {
            return records(comments(data, between(&soql, "ParentId = '", "'").unwrap_or_default()));
        }
        let is_gone = |stands: Stands| matches!(stands, Stands::Deleted | Stands::Merged(_));
        let is_seen = |ticket: &&Ticket| ticket.stands != Stands::Hidden && (all || !is_gone(ticket.stands));
        let mut rows: Vec<_> = data.tickets.values().filter(is_seen).filter(|ticket| fits(ticket, &soql)).collect();
        rows.sort_by_key(|ticket| (ticket.updated, ticket.id));
        let limit = soql.rsplit("LIMIT ").next().and_then(|n| n.trim().parse().ok()).unwrap_or(2_000);
        records(rows.into_iter().take(limit).map(row).collect())
    })
    .await
}

fn fits(ticket: &Ticket, soql: &str) -> bool {
    if let Some(key) = between(soql, "Shipment_Key__c = '", "'") {
        return ticket.key == key;
    }
    if let Some(list) = between(soql, "Id IN (", ")") {
        return list.contains(&id_of(ticket.id));
    }
    if soql.contains("SystemModstamp >") {
        let at = shown(ticket.updated).replace(".000+0000", "Z");
        let since = between(soql, "SystemModstamp >= ", " ").or_else(|| between(soql, "SystemModstamp > ", " "));
        let since = since.unwrap_or_default().to_owned();
        return match between(soql, "Id > '", "'") {
            Some(after) => at > since || (at == since && id_of(ticket.id).as_str() > after),
            None => at >= since,
        };
    }
    between(soql, "Id = '", "'").is_some_and(|id| id == id_of(ticket.id))
}

fn comments(data: &Data, parent: &str) -> Vec<Value> {
    let ticket = number_of(parent).and_then(|number| data.tickets.get(&number));
    let texts = ticket.into_iter().flat_map(|ticket| ticket.texts.iter().skip(1));
    let of = |text: &super::base::Text| {
        json!({
            "Id": text.id, "CommentBody": text.body, "IsPublished": text.public,
            "CreatedBy": {"Username": text.by, "UserType": if text.by == CUSTOMER { "CspLitePortal" } else { "Standard" }},
            "CreatedDate": shown(text.at),
        })
    };
    texts.map(of).collect()
}

fn apply(ticket: &mut Ticket, body: &Value) {
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    match body["Status"].as_str() {
        Some("Closed") => ticket.stands = Stands::Resolved,
        Some(_) => ticket.stands = Stands::Open,
        None => {}
    }
    if let Some(context) = body.get("Shipment_Context__c") {
        ticket.fields.insert("context".into(), context.clone());
    }
    if let Some(tags) = text("Shipment_Tags__c") {
        ticket.tags = tags.split(';').map(str::to_owned).collect();
    }
    ticket.subject = text("Subject").unwrap_or_else(|| ticket.subject.clone());
    ticket.priority = text("Priority").unwrap_or_else(|| ticket.priority.clone());
    ticket.requester = text("SuppliedEmail").or_else(|| ticket.requester.clone());
    ticket.follows = text("ParentId").or_else(|| ticket.follows.clone());
}

async fn upsert(State(desk): Here, Path(key): Path<String>, Json(body): Json<Value>) -> Response {
    desk.answer("create", |data| {
        let same: Vec<_> = data
            .tickets
            .values()
            .filter(|ticket| ticket.key == key && !matches!(ticket.stands, Stands::Deleted | Stands::Merged(_)))
            .map(|ticket| ticket.id)
            .collect();
        let (id, created) = match same.as_slice() {
            [] => {
                let id = data.add(Ticket { key, ..Ticket::default() });
                data.write(id, US, false, body["Description"].as_str().unwrap_or_default(), None);
                (id, true)
            }
            [one] => (*one, false),
            several => {
                let addresses: Vec<_> =
                    several.iter().map(|id| format!("/services/data/v62.0/sobjects/Case/{}", id_of(*id))).collect();
                return (StatusCode::MULTIPLE_CHOICES, Json(json!(addresses))).into_response();
            }
        };
        data.change(id, US, |ticket| apply(ticket, &body));
        let status = if created { StatusCode::CREATED } else { StatusCode::OK };
        (status, Json(json!({"id": id_of(id), "success": true, "created": created, "errors": []}))).into_response()
    })
    .await
}

async fn change(State(desk): Here, Path(id): Path<String>, Json(body): Json<Value>) -> Response {
    desk.answer("change", |data| {
        let number = number_of(&id).unwrap_or_default();
        match data.tickets.get(&number).map(|ticket| ticket.stands) {
            None | Some(Stands::Hidden) => refused(StatusCode::NOT_FOUND, "NOT_FOUND"),
            Some(Stands::Deleted | Stands::Merged(_)) => refused(StatusCode::NOT_FOUND, "ENTITY_IS_DELETED"),
            Some(_) => {
                data.change(number, US, |ticket| apply(ticket, &body));
                StatusCode::NO_CONTENT.into_response()
            }
        }
    })
    .await
}

async fn comment(State(desk): Here, Json(body): Json<Value>) -> Response {
    desk.answer("change", |data| {
        let number = number_of(body["ParentId"].as_str().unwrap_or_default()).unwrap_or_default();
        if !data.tickets.contains_key(&number) {
            return refused(StatusCode::BAD_REQUEST, "INVALID_CROSS_REFERENCE_KEY");
        }
        let text = body["CommentBody"].as_str().unwrap_or_default().to_owned();
        let id = data.write(number, US, body["IsPublished"] == json!(true), &text, None);
        (StatusCode::CREATED, Json(json!({"id": id.to_string(), "success": true}))).into_response()
    })
    .await
}
