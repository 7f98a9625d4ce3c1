//! A simulated Salesforce: tokens that end, upserts by external id, limits as 403, comments whose text cannot be searched, deleted and
//! merged cases that only `queryAll` shows.

use super::{
    base::{AGENT, Base, Data, Stands, Ticket, US},
    control::{Access, Act, Control, On, Report, Seen},
};
use crate::{faults::Fault, serve::Server};
use axum::{
    Form, Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, patch, post},
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::{collections::HashMap, sync::Arc};

const CLIENT: &str = "client-of-the-simulated-salesforce";
const SECRET: &str = "secret-of-the-simulated-salesforce";
const QUEUE: &str = "Shipments";
const QUEUE_ID: &str = "00G000000000001AAA";

/// A running Salesforce; stops when dropped.
pub struct Salesforce {
    base: Arc<Base>,
    server: Server,
}

impl Salesforce {
    /// Starts one on a free port of this machine.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> std::io::Result<Self> {
        let base = Arc::new(Base::default());
        let router = Router::new()
            .route("/services/oauth2/token", post(token))
            .route("/services/oauth2/userinfo", get(userinfo))
            .route("/services/data/v62.0/query", get(query))
            .route("/services/data/v62.0/queryAll", get(query_all))
            .route("/services/data/v62.0/sobjects/Case/describe", get(describe))
            .route("/services/data/v62.0/sobjects/Case/Shipment_Key__c/{key}", patch(upsert))
            .route("/services/data/v62.0/sobjects/Case/{id}", patch(change))
            .route("/services/data/v62.0/sobjects/CaseComment", post(comment))
            .with_state(Arc::clone(&base));
        Ok(Self { base, server: Server::start(router).await? })
    }
}

impl Control for Salesforce {
    fn access(&self) -> Access {
        Access {
            connector: "salesforce",
            url: self.server.url(),
            secret: SECRET.into(),
            queue: QUEUE.into(),
            options: Map::from_iter([("client_id".to_owned(), json!(CLIENT))]),
        }
    }

    fn seen(&self) -> Vec<Seen> {
        let mut seen = self.base.seen();
        for one in &mut seen {
            one.number = id_of(one.number.parse().unwrap_or_default());
        }
        seen
    }

    fn act(&self, number: &str, act: &Act) -> bool {
        let Some(number) = number_of(number) else { return false };
        let act = match act {
            // its closed cases open again
            Act::CloseForGood => return false,
            Act::MergeInto(other) => Act::MergeInto(number_of(other).unwrap_or_default().to_string()),
            other => other.clone(),
        };
        self.base.act(&number.to_string(), &act)
    }

    fn fail(&self, on: On, fault: &Fault, count: usize) {
        self.base.fail(on, fault, count);
    }

    fn expire_tokens(&self) -> bool {
        self.base.expire_tokens();
        true
    }

    fn lag(&self, _lags: bool) -> bool {
        false
    }

    fn report(&self, number: &str, secret: &str, _at: i64) -> Report {
        let body = json!({"id": number, "delivery": "flow-1"}).to_string();
        Report { headers: vec![("x-milepost-secret", secret.to_owned())], body: body.into_bytes() }
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

async fn token(State(base): State<Arc<Base>>, Form(form): Form<HashMap<String, String>>) -> Response {
    let is = |name: &str, value: &str| form.get(name).is_some_and(|given| given == value);
    if !is("grant_type", "client_credentials") || !is("client_id", CLIENT) || !is("client_secret", SECRET) {
        let body = json!({"error": "invalid_client", "error_description": "invalid client credentials"});
        return (StatusCode::BAD_REQUEST, Json(body)).into_response();
    }
    let token = base.lock().give_token();
    Json(json!({"access_token": token, "token_type": "Bearer", "instance_url": "https://example.my.salesforce.com"}))
        .into_response()
}

async fn answer(
    base: &Base,
    headers: &HeaderMap,
    operation: &str,
    apply: impl FnOnce(&mut Data) -> Response + Send,
) -> Response {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_good = given.strip_prefix("Bearer ").is_some_and(|token| base.lock().tokens.contains(token));
    if !is_good {
        return refused(StatusCode::UNAUTHORIZED, "INVALID_SESSION_ID");
    }
    base.answer(operation, apply).await
}

async fn userinfo(State(base): State<Arc<Base>>, headers: HeaderMap) -> Response {
    answer(&base, &headers, "userinfo", |_| Json(json!({"user_id": "005", "preferred_username": US})).into_response())
        .await
}

async fn describe(State(base): State<Arc<Base>>, headers: HeaderMap) -> Response {
    let fields = json!([
        {"name": "Subject"}, {"name": "Shipment_Key__c", "externalId": true, "unique": true},
        {"name": "Shipment_Context__c"}, {"name": "Shipment_Tags__c"},
    ]);
    answer(&base, &headers, "describe", |_| Json(json!({"name": "Case", "fields": fields})).into_response()).await
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
        "SystemModstamp": shown(ticket.updated), "LastModifiedBy": {"Username": ticket.by}, "Owner": owner,
        "Shipment_Context__c": ticket.fields.get("context"),
    })
}

/// What stands between two words of a query.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.split_once(before)?.1.split_once(after).map(|(inside, _)| inside)
}

fn records(rows: Vec<Value>) -> Response {
    Json(json!({"totalSize": rows.len(), "done": true, "records": rows})).into_response()
}

async fn query(
    State(base): State<Arc<Base>>,
    Query(parameters): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    selected(&base, &parameters, &headers, false).await
}

async fn query_all(
    State(base): State<Arc<Base>>,
    Query(parameters): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    selected(&base, &parameters, &headers, true).await
}

async fn selected(base: &Base, parameters: &HashMap<String, String>, headers: &HeaderMap, all: bool) -> Response {
    let soql = parameters.get("q").cloned().unwrap_or_default();
    let operation = if soql.contains("Shipment_Key__c = ") { "find" } else { "query" };
    answer(base, headers, operation, |data| {
        if soql.contains("FROM Group") {
            let found = between(&soql, "DeveloperName = '", "'") == Some(QUEUE);
            return records(found.then(|| json!({"Id": QUEUE_ID})).into_iter().collect());
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
            "CreatedBy": {"Username": if text.by == US { US } else { AGENT }}, "CreatedDate": shown(text.at),
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

async fn upsert(
    State(base): State<Arc<Base>>,
    Path(key): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    answer(&base, &headers, "create", |data| {
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

async fn change(
    State(base): State<Arc<Base>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    answer(&base, &headers, "change", |data| {
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

async fn comment(State(base): State<Arc<Base>>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    answer(&base, &headers, "change", |data| {
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
