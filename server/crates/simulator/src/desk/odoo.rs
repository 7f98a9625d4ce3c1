//! A simulated Odoo with a helpdesk, over JSON-2: OCA's fields or Odoo's own. `load` under an external id is an upsert, a note has a
//! `message_id`, a deleted ticket leaves its external id without a record, messages do not move `write_date`.

use super::{
    base::{AGENT, Base, CUSTOMER, Data, Stands, Ticket, US},
    control::{Act, Report},
    frame::{Dialect, Running, Shared, authorization, followed_up, options, report_with_secret},
};
use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

const KEY: &str = "key-of-the-simulated-helpdesk";
const DATABASE: &str = "helpdesk";
const TEAM: &str = "Shipments";
/// Ids of tags begin here.
const TAGS_FROM: usize = 11;
const US_ID: u64 = 7;
const AGENT_ID: u64 = 8;
/// Its stages: id, name, whether closed.
const STAGES: [(u64, &str, bool); 4] =
    [(1, "New", false), (2, "In Progress", false), (3, "Cancelled", true), (4, "Done", true)];

/// Which helpdesk it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edition {
    Oca,
    Enterprise,
}

/// A running Odoo.
pub type Helpdesk = Running<Api>;

/// How it speaks.
pub struct Api {
    edition: Edition,
}

type Here = State<Shared<Api>>;

impl Helpdesk {
    /// Starts one with OCA's helpdesk on a free port of this machine.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn oca() -> std::io::Result<Self> {
        Self::speaking(Api { edition: Edition::Oca }).await
    }

    /// The same with Odoo's own.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn enterprise() -> std::io::Result<Self> {
        Self::speaking(Api { edition: Edition::Enterprise }).await
    }
}

impl Dialect for Api {
    const CONNECTOR: &'static str = "odoo_helpdesk";
    const SECRET: &'static str = KEY;
    const QUEUE: &'static str = TEAM;

    fn routes() -> Router<Shared<Self>> {
        Router::new().route("/json/2/{model}/{method}", post(call))
    }

    fn open_routes() -> Router<Shared<Self>> {
        Router::new().route("/web/version", get(version))
    }

    fn options() -> Map<String, Value> {
        options([("database", DATABASE)])
    }

    fn refusal(_data: &Data, headers: &HeaderMap) -> Option<Response> {
        let is_good = authorization(headers) == format!("bearer {KEY}");
        (!is_good).then(|| fault(StatusCode::UNAUTHORIZED, "werkzeug.exceptions.Unauthorized", "Invalid apikey"))
    }

    fn act(base: &Base, number: &str, act: &Act) -> bool {
        match (act, number.parse()) {
            // its closed tickets open again, and merging is an add-on's
            (Act::CloseForGood | Act::MergeInto(_), _) => false,
            (Act::Reject, Ok(number)) => {
                base.lock().change(number, AGENT, |ticket| ticket.stands = Stands::Rejected);
                true
            }
            _ => base.act(number, act),
        }
    }

    fn report(number: &str, secret: &str, _at: i64) -> Report {
        let id = number.parse::<u64>().unwrap_or_default();
        report_with_secret(secret, &json!({"_model": "helpdesk.ticket", "_id": id, "_action": "x"}))
    }
}

async fn version() -> Response {
    Json(json!({"version": "19.0", "version_info": [19, 0, 0, "final", 0, ""]})).into_response()
}

fn fault(status: StatusCode, name: &str, message: &str) -> Response {
    (status, Json(json!({"name": name, "message": message, "arguments": [message], "context": {}, "debug": ""})))
        .into_response()
}

async fn call(State(desk): Here, Path((model, method)): Path<(String, String)>, Json(body): Json<Value>) -> Response {
    let operation = match (model.as_str(), method.as_str()) {
        (_, "load") => "create",
        (_, "write" | "message_post") => "change",
        ("ir.model.data", _) => "find",
        _ => "other",
    };
    let edition = desk.dialect.edition;
    desk.answer(operation, |data| answer(data, edition, (&model, &method), &body)).await
}

fn answer(data: &mut Data, edition: Edition, (model, method): (&str, &str), body: &Value) -> Response {
    let of_edition = |model: &str| match edition {
        Edition::Oca => model.starts_with("helpdesk.ticket."),
        Edition::Enterprise => model.starts_with("helpdesk.") && !model.starts_with("helpdesk.ticket."),
    };
    let result = match (model, method) {
        ("res.users", "context_get") => json!({"uid": US_ID, "lang": "en_US"}),
        ("res.users", "read") => json!([{"id": US_ID, "partner_id": [70, US]}]),
        ("helpdesk.ticket", "fields_get") => match edition {
            Edition::Oca => json!({"number": {}, "closed": {}, "unattended": {}, "last_stage_update": {}}),
            Edition::Enterprise => json!({"ticket_ref": {}, "sla_deadline": {}, "date_last_stage_update": {}}),
        },
        (_, "has_access") => json!(true),
        ("helpdesk.ticket", "load") => load(data, body),
        ("helpdesk.ticket", "search_read") => tickets(data, body),
        ("helpdesk.ticket", "write") => write(data, body),
        ("helpdesk.ticket", "message_post") => {
            let key = body["message_id"].as_str().map(str::to_owned);
            let public = body["subtype_xmlid"] != "mail.mt_note";
            let text = body["body"].as_str().unwrap_or_default().to_owned();
            let text = if key.as_deref().is_some_and(is_context) { format!("{text} [mp:context]") } else { text };
            json!([data.write(id_of(body), US, public, &text, key)])
        }
        ("mail.message", "search_read") => messages(data, body),
        ("mail.message", "write") => {
            let (id, text) = (id_of(body), body["vals"]["body"].as_str().unwrap_or_default());
            for written in data.tickets.values_mut().flat_map(|ticket| &mut ticket.texts).filter(|text| text.id == id) {
                written.body = format!("{text} [mp:context]");
            }
            json!(true)
        }
        ("mail.message.subtype", "search_read") => json!([{"id": 2}]),
        ("ir.model.data", "check_object_reference") => {
            let name = body["xml_id"].as_str().unwrap_or_default();
            let is_it = |ticket: &&Ticket| ticket.key == name && ticket.stands != Stands::Deleted;
            let Some(ticket) = data.tickets.values().find(is_it) else {
                let message = format!("External ID not found in the system: milepost.{name}");
                return fault(StatusCode::INTERNAL_SERVER_ERROR, "builtins.ValueError", &message);
            };
            json!(["helpdesk.ticket", ticket.id])
        }
        (stages, "search_read") if of_edition(stages) && stages.ends_with("stage") => {
            let stage = |(id, name, closed): &_| json!({"id": id, "name": name, "closed": closed, "fold": closed});
            STAGES.iter().map(stage).collect()
        }
        (teams, "search_read") if of_edition(teams) && teams.ends_with("team") => {
            if equals(body, "name") == json!(TEAM) { json!([{"id": 3}]) } else { json!([]) }
        }
        (tags, "search_read") if of_edition(tags) && tags.ends_with("tag") => {
            let name = equals(body, "name");
            let known = data.tags.iter().position(|known| name == known.as_str());
            known.map_or(json!([]), |at| json!([{"id": TAGS_FROM + at}]))
        }
        (tags, "create") if of_edition(tags) && tags.ends_with("tag") => {
            data.tags.push(body["vals_list"][0]["name"].as_str().unwrap_or_default().to_owned());
            json!([TAGS_FROM + data.tags.len() - 1])
        }
        _ => {
            let message = format!("the model or method {model}/{method} does not exist");
            return fault(StatusCode::NOT_FOUND, "werkzeug.exceptions.NotFound", &message);
        }
    };
    Json(result).into_response()
}

fn is_context(message_id: &str) -> bool {
    // the only note that is changed later; its key is that of the word
    message_id.starts_with("<mp-") && message_id.contains("context-note")
}

fn id_of(body: &Value) -> u64 {
    body["ids"][0].as_u64().unwrap_or_default()
}

/// The value of a condition of the domain with this field.
fn condition(body: &Value, field: &str, operator: &str) -> Value {
    let conditions = body["domain"].as_array().into_iter().flatten();
    let found = conditions.filter(|one| one[0] == field && one[1] == operator).map(|one| one[2].clone()).next();
    found.unwrap_or_default()
}

fn equals(body: &Value, field: &str) -> Value {
    condition(body, field, "=")
}

fn load(data: &mut Data, body: &Value) -> Value {
    let column = |name: &str| {
        let at = body["fields"].as_array().into_iter().flatten().position(|field| field == name)?;
        body["data"][0][at].as_str().map(str::to_owned)
    };
    let text = |name: &str| column(name).unwrap_or_default();
    let key = text("id").strip_prefix("milepost.").unwrap_or_default().to_owned();
    if text("description").is_empty() {
        return json!({"ids": false, "messages": [{"type": "error", "message": "Missing required value"}], "nextrow": 0});
    }
    let known =
        data.tickets.values().find(|ticket| ticket.key == key && ticket.stands != Stands::Deleted).map(|t| t.id);
    let id = known.unwrap_or_else(|| {
        let id = data.add(Ticket {
            key,
            priority: text("priority"),
            team: TEAM.into(),
            requester: column("partner_email"),
            follows: followed_up(&text("description")),
            ..Ticket::default()
        });
        data.write(id, US, false, &text("description"), None);
        id
    });
    data.change(id, US, |ticket| ticket.subject = text("name"));
    json!({"ids": [id], "messages": [], "nextrow": 0})
}

fn shown(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn row(ticket: &Ticket) -> Value {
    let stage = match ticket.stands {
        Stands::Rejected => 3,
        Stands::Resolved | Stands::Closed => 4,
        _ => 1,
    };
    let writer = if ticket.writer == US { json!([US_ID, US]) } else { json!([AGENT_ID, ticket.writer]) };
    // messages do not count
    let at =
        ticket.fields.get("written").and_then(Value::as_str).and_then(|at| at.parse().ok()).unwrap_or(ticket.updated);
    let assignee = ticket.assignee.as_ref().map_or(json!(false), |name| json!([9, name]));
    json!({
        "id": ticket.id, "stage_id": [stage, "Stage"], "active": true, "write_date": shown(at), "write_uid": writer,
        "user_id": assignee, "team_id": [3, ticket.team],
        "last_stage_update": shown(ticket.moved), "date_last_stage_update": shown(ticket.moved),
    })
}

fn tickets(data: &Data, body: &Value) -> Value {
    let is_shown = |ticket: &&Ticket| !matches!(ticket.stands, Stands::Deleted | Stands::Hidden);
    let listed = condition(body, "id", "in");
    let since = condition(body, "write_date", ">=");
    let behind = condition(body, "id", ">").as_u64();
    // `&, write_date >= S, |, write_date >= S + 1, id > N`
    let later = body["domain"].as_array().and_then(|domain| domain.get(3)).map(|one| one[2].clone());
    let fits = |ticket: &&Ticket| {
        let written = json!(row(ticket)["write_date"]);
        let at = written.as_str().unwrap_or_default();
        let is_listed = listed.as_array().is_none_or(|ids| ids.contains(&json!(ticket.id)));
        let is_one = equals(body, "id").as_u64().is_none_or(|id| id == ticket.id);
        let is_since = since.as_str().is_none_or(|since| at >= since);
        let is_behind = behind.or(body["domain"][4][2].as_u64()).is_none_or(|after| {
            ticket.id > after || later.as_ref().and_then(Value::as_str).is_some_and(|later| at >= later)
        });
        is_listed && is_one && is_since && is_behind
    };
    let mut found: Vec<_> = data.tickets.values().filter(is_shown).filter(fits).collect();
    found.sort_by_key(|ticket| (ticket.updated, ticket.id));
    let limit = body["limit"].as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(80);
    found.into_iter().take(limit).map(row).collect()
}

fn write(data: &mut Data, body: &Value) -> Value {
    let (id, vals) = (id_of(body), &body["vals"]);
    let tag = vals["tag_ids"][0][1].as_u64().and_then(|tag| usize::try_from(tag).ok());
    let tag = tag.and_then(|tag| data.tags.get(tag.checked_sub(TAGS_FROM)?).cloned());
    data.change(id, US, |ticket| {
        match vals["stage_id"].as_u64() {
            Some(4) => ticket.stands = Stands::Resolved,
            Some(_) => ticket.stands = Stands::Open,
            None => {}
        }
        ticket.add_tags(tag.as_deref().into_iter());
        if let Some(priority) = vals["priority"].as_str() {
            priority.clone_into(&mut ticket.priority);
        }
    });
    json!(true)
}

fn messages(data: &Data, body: &Value) -> Value {
    let (message_id, ticket) = (equals(body, "message_id"), equals(body, "res_id").as_u64());
    let since = condition(body, "date", ">=");
    let of_stage = condition(body, "message_type", "in").is_array();
    let of_others = !condition(body, "author_id", "!=").is_null();
    let of_staff = condition(body, "author_id.partner_share", "=") == json!(false);
    let texts = data.tickets.values().filter(|one| ticket.is_none_or(|id| id == one.id)).flat_map(|one| {
        let fits = |text: &&super::base::Text| {
            message_id.as_str().is_none_or(|wanted| text.key.as_deref() == Some(wanted))
                && since.as_str().is_none_or(|since| shown(text.at).as_str() >= since)
                && !(of_others && text.by == US)
                && !(of_staff && text.by == CUSTOMER)
                && (message_id.is_string() || of_stage || text.key.is_none())
        };
        let of_this = |text: &super::base::Text| {
            json!({
                "author_id": if text.by == US { json!([70, US]) } else { json!([71, text.by]) },
                "message_type": if text.by == US { "notification" } else { "comment" },
                "id": text.id, "res_id": one.id, "is_internal": !text.public, "date": shown(text.at),
                "subtype_id": [if text.public { 1 } else { 2 }, "x"],
            })
        };
        // a change of the stage has a line in the log, unless it was made without tracking, as ours are
        let line = (of_stage && one.by != US).then(|| {
            let author = json!([71, format!("YourCompany, {}", one.by)]);
            let user = json!([2, one.by]);
            let date = shown(one.moved);
            json!({"author_id": author, "create_uid": user, "message_type": "notification", "date": date})
        });
        one.texts.iter().skip(1).filter(fits).map(of_this).chain(line).collect::<Vec<_>>()
    });
    texts.collect()
}
