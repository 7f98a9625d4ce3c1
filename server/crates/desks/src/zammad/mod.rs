//! Zammad 6 over its REST interface, `/api/v1` (<https://docs.zammad.org/en/latest/api/intro.html>). Recorded from its documentation and
//! published source, not from a running one.
//!
//! - Nothing keeps a key unique: the key is an attribute of tickets that an administrator adds, and Milepost is the guard. A ticket
//!   that did not keep the key is a configuration error, found when the first one is made.
//! - A ticket needs a customer: without one it is the integration's own.
//! - A note that is internal goes to no customer and does not change the status.
//! - A merged ticket keeps its number with the state `merged`; a link of the kind `parent` leads to the other one.
//! - Reports are signed with SHA-1 over the body, without a time: the delivery's id is what makes a repetition known.

use crate::{
    Activity, Change, Changed, Closed, Desk, DeskCase, DeskConfig, DeskStatus, HookProof, KeyGuard, Labels, Look,
    Manifest, NewCase, PollFrom, Reopened, SHOWN_MAX, SOMEBODY,
    cursor::Cursor,
    hooks::{Hash, Hook, HookRefusal, HookReport, number_of},
    marks::{cut, is_ours, key as hashed, line, mark},
    once_made,
    rest::{self, Rest, SignIn, is_gone, text},
};
use async_trait::async_trait;
use domain::Severity;
use jiff::Timestamp;
use outbound::{
    CallError, CallKind, CallLog, ErrorClass, Method,
    missing::Missing,
    schema::{Field, FieldKind},
    template::{Family, Template},
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::sync::OnceCell;

pub(super) static MANIFEST: Manifest = Manifest {
    id: "zammad",
    label: "Zammad",
    key: KeyGuard::Milepost,
    find_lag: Duration::ZERO,
    closed: Closed::Reopens,
    hooks: HookProof::Signature,
    queues: Some("group"),
};

/// The attribute that holds our key, and the one that holds the context.
const KEY: &str = "shipment_key";
const CONTEXT: &str = "shipment_context";
/// Maximum length of a subject and of a text, in characters.
const SUBJECT_CHARS_MAX: usize = 250;
const BODY_CHARS_MAX: usize = 20_000;
/// Tickets of one page, and hits of a search that are compared.
const PAGE: usize = 100;

struct Zammad {
    rest: Rest,
    group: String,
    /// Our own id there.
    us: OnceCell<u64>,
}

pub(super) fn template() -> Template {
    let pages: &[&str] = &["#", "api", "desktop", "mobile"];
    let fields = vec![
        Field::new("url", "URL", FieldKind::Url { pages }, "The address under which you open Zammad.").required(),
        Field::new("queue", "Group", FieldKind::Text, "The group that takes the tickets, as Zammad names it.")
            .required(),
        Field::poll_seconds(),
        Field::requester(),
        Field::concurrency(),
        Field::calls_per_second(),
    ];
    Template {
        id: MANIFEST.id,
        label: MANIFEST.label,
        family: Family::Desk,
        version: 1,
        fields,
        secret_label: "Access token",
        secret_help: "Make one in Zammad as the integration user, with the permission ticket.agent: Profile, Token Access, Create.",
        reads: "Tickets",
        writes: "Tickets, internal notes, status",
        signs_in: "Token",
    }
}

pub(super) fn connect(config: DeskConfig) -> Result<Arc<dyn Desk>, CallError> {
    let group = config.queue.trim().to_owned();
    if group.is_empty() {
        return Err(CallError::new(ErrorClass::Misconfigured, "the desk needs a group's name"));
    }
    let http = rest::client(&config)?;
    let base = rest::base(&config, &["#", "api"])?;
    let sign_in = SignIn::Key("Token", config.token.behind("token="));
    Ok(Arc::new(Zammad { rest: Rest::new(http, base, sign_in, refusal), group, us: OnceCell::new() }))
}

/// `{"error": …, "error_human": …}`.
fn refusal(status: u16, answer: &Value, kind: CallKind) -> (ErrorClass, String) {
    let said = [text(answer, "/error_human"), text(answer, "/error")].into_iter().find(|text| !text.is_empty());
    (rest::class(status, kind), said.unwrap_or_default().to_owned())
}

/// A state of Zammad's own; a site's own words count as open, so that nothing is taken for settled.
fn status_of(state: &str) -> DeskStatus {
    match state {
        "closed" => DeskStatus::Resolved,
        "removed" => DeskStatus::Gone,
        _ => DeskStatus::Open,
    }
}

fn digits(number: &str) -> Result<&str, CallError> {
    match !number.is_empty() && number.len() <= 18 && number.bytes().all(|b| b.is_ascii_digit()) {
        true => Ok(number),
        false => Err(CallError::new(ErrorClass::NotFound, "a ticket's id has digits only")),
    }
}

fn updated(ticket: &Value) -> Option<Timestamp> {
    text(ticket, "/updated_at").parse().ok()
}

fn priority(severity: Severity) -> &'static str {
    match severity {
        Severity::Info | Severity::Minor => "1 low",
        Severity::Major => "2 normal",
        Severity::Critical => "3 high",
    }
}

impl Zammad {
    fn case(&self, ticket: &Value) -> Option<DeskCase> {
        let number = number_of(&ticket["id"])?;
        let url = format!("{}/#ticket/zoom/{number}", self.rest.base());
        Some(DeskCase { number, url, status: status_of(text(ticket, "/state")) })
    }

    fn read(&self, ticket: &Value) -> Result<DeskCase, CallError> {
        let odd = || CallError::new(ErrorClass::BadAnswer, "the answer is no ticket");
        self.case(ticket).ok_or_else(odd)
    }

    async fn us(&self, log: &dyn CallLog) -> Result<u64, CallError> {
        let me = || async {
            let me = self.rest.get("users/me", "api/v1/users/me", &[], log).await?;
            let odd = || CallError::new(ErrorClass::BadAnswer, "the answer names no user");
            me["id"].as_u64().ok_or_else(odd)
        };
        self.us.get_or_try_init(me).await.copied()
    }

    async fn ticket(&self, number: &str, log: &dyn CallLog) -> Result<Value, CallError> {
        let path = format!("api/v1/tickets/{}", digits(number)?);
        self.rest.get("ticket", &path, &[("expand", "true")], log).await
    }

    /// A ticket that can be written to; none where it is gone.
    async fn writable(&self, number: &str, log: &dyn CallLog) -> Result<Option<Value>, CallError> {
        match self.ticket(number, log).await {
            Ok(ticket) if matches!(text(&ticket, "/state"), "removed" | "merged") => Ok(None),
            Ok(ticket) => Ok(Some(ticket)),
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn found(&self, condition: Value, page: u32, log: &dyn CallLog) -> Result<Vec<Value>, CallError> {
        let body = json!({
            "condition": condition, "expand": true, "limit": PAGE, "page": page + 1,
            "sort_by": ["updated_at", "id"], "order_by": ["asc", "asc"],
        });
        match self.rest.search("tickets/search", "api/v1/tickets/search", body, log).await? {
            Value::Array(tickets) => Ok(tickets),
            _ => Err(CallError::new(ErrorClass::BadAnswer, "the answer of a search is no list")),
        }
    }

    async fn articles(&self, number: &str, log: &dyn CallLog) -> Result<Vec<Value>, CallError> {
        let path = format!("api/v1/ticket_articles/by_ticket/{number}");
        let articles = self.rest.get("ticket_articles", &path, &[("expand", "true")], log).await?;
        Ok(articles.as_array().cloned().unwrap_or_default())
    }

    async fn post_once(&self, number: &str, key: &str, body: &str, log: &dyn CallLog) -> Result<(), CallError> {
        let mark = mark(key);
        if self.articles(number, log).await?.iter().any(|article| text(article, "/subject").contains(&mark)) {
            return Ok(());
        }
        let article = json!({
            "ticket_id": number.parse::<u64>().unwrap_or_default(), "subject": format!("Milepost {mark}"),
            "body": cut(body, BODY_CHARS_MAX), "content_type": "text/plain", "type": "note", "internal": true,
        });
        self.rest.send("ticket_articles/create", Method::POST, "api/v1/ticket_articles", article, log).await.map(drop)
    }

    async fn put(&self, operation: &str, number: &str, fields: Value, log: &dyn CallLog) -> Result<Value, CallError> {
        self.rest.send(operation, Method::PUT, &format!("api/v1/tickets/{number}?expand=true"), fields, log).await
    }

    async fn put_state(&self, ticket: &Value, wanted: &str, log: &dyn CallLog) -> Result<(), CallError> {
        let number = self.read(ticket)?.number;
        if status_of(text(ticket, "/state")) == status_of(wanted) {
            return Ok(());
        }
        let now = self.put("ticket/state", &number, json!({"state": wanted}), log).await?;
        if status_of(text(&now, "/state")) == status_of(wanted) {
            return Ok(());
        }
        Err(CallError::new(ErrorClass::Rejected, format!("ticket {number} does not become {wanted}")))
    }

    /// The ticket that a merged one went into; none where the desk does not say.
    async fn merged_into(&self, number: &str, log: &dyn CallLog) -> Result<Option<String>, CallError> {
        let query = [("link_object", "Ticket"), ("link_object_value", number)];
        let links = self.rest.get("links", "api/v1/links", &query, log).await?;
        let links = links["links"].as_array().cloned().unwrap_or_default();
        let parent = links.iter().find(|link| text(link, "/link_type") == "parent");
        Ok(parent.and_then(|link| number_of(&link["link_object_value"])))
    }

    /// Who gave a ticket its state, unless that was us.
    async fn moved_by(&self, number: &str, log: &dyn CallLog) -> Result<Option<String>, CallError> {
        let us = self.us(log).await?;
        let history = match self.rest.get("ticket_history", &format!("api/v1/ticket_history/{number}"), &[], log).await
        {
            Ok(history) => history,
            Err(error) if is_gone(&error) => return Ok(Some(SOMEBODY.to_owned())),
            Err(error) => return Err(error),
        };
        let mut moves = history["history"].as_array().into_iter().flatten();
        let last = moves.rfind(|change| text(change, "/attribute") == "state");
        let Some(by) = last.and_then(|change| change["created_by_id"].as_u64()) else {
            return Ok(Some(SOMEBODY.to_owned()));
        };
        if by == us {
            return Ok(None);
        }
        let login = text(&history, &format!("/assets/User/{by}/login")).to_owned();
        Ok(Some(if login.is_empty() { SOMEBODY.to_owned() } else { login }))
    }

    async fn activity(&self, ticket: &Value, number: &str, log: &dyn CallLog) -> Result<Activity, CallError> {
        let set = |pointer| Some(text(ticket, pointer)).filter(|name| !matches!(*name, "" | "-")).map(str::to_owned);
        let (assignee, team) = (set("/owner"), set("/group"));
        let mut activity = Activity { assignee, team, changed_at: updated(ticket), ..Activity::default() };
        for article in self.articles(number, log).await? {
            let of_agent = text(&article, "/sender") == "Agent" && !is_ours(text(&article, "/subject"));
            if !of_agent {
                continue;
            }
            match article["internal"].as_bool() {
                Some(true) => activity.notes += 1,
                _ => activity.replies += 1,
            }
            activity.last_at = activity.last_at.max(text(&article, "/created_at").parse().ok());
        }
        Ok(activity)
    }
}

#[async_trait]
impl Desk for Zammad {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    async fn version(&self, log: &dyn CallLog) -> Result<Option<String>, CallError> {
        self.us(log).await?;
        match self.rest.get("version", "api/v1/version", &[], log).await {
            Ok(version) => Ok(Some(text(&version, "/version").to_owned()).filter(|version| !version.is_empty())),
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn check(&self, log: &dyn CallLog) -> Result<Vec<Missing>, CallError> {
        let groups = self.rest.get("groups", "api/v1/groups", &[], log).await?;
        let mut missing = Vec::new();
        if !groups.as_array().into_iter().flatten().any(|group| text(group, "/name") == self.group) {
            let todo = "spell it as Zammad does, and give the integration user full access to it".to_owned();
            missing.push(Missing { what: format!("group {}", self.group), todo });
        }
        // only an administrator's token may list them; without, the first ticket shows whether the key is kept
        let attributes = match self.rest.get("attributes", "api/v1/object_manager_attributes", &[], log).await {
            Ok(attributes) => attributes.as_array().cloned().unwrap_or_default(),
            Err(error) if is_gone(&error) => return Ok(missing),
            Err(error) => return Err(error),
        };
        for (name, kind) in [(KEY, "text, at least 43 characters"), (CONTEXT, "text area")] {
            if !attributes.iter().any(|attribute| text(attribute, "/name") == name) {
                let todo = format!(
                    "add it in Zammad under Admin, System, Objects, Ticket ({kind}), and restart the database migration"
                );
                missing.push(Missing { what: format!("ticket attribute {name}"), todo });
            }
        }
        Ok(missing)
    }

    async fn find(&self, external_key: &str, log: &dyn CallLog) -> Result<Option<DeskCase>, CallError> {
        let key = hashed(external_key);
        let condition = json!({format!("ticket.{KEY}"): {"operator": "is", "value": [key]}});
        let mut hits = self.found(condition, 0, log).await?;
        hits.retain(|ticket| text(ticket, &format!("/{KEY}")) == key && text(ticket, "/state") != "merged");
        hits.sort_by_key(|ticket| ticket["id"].as_u64());
        Ok(hits.first().and_then(|ticket| self.case(ticket)))
    }

    async fn create(&self, case: &NewCase, log: &dyn CallLog) -> Result<DeskCase, CallError> {
        let key = hashed(&case.external_key);
        let customer = match &case.requester {
            Some(requester) => json!(format!("guess:{}", requester.email)),
            None => json!(self.us(log).await?),
        };
        let links = case.odoo_url.iter().map(|url| format!("\n\nOrder: {url}"));
        let body = format!("{}{}", case.body, links.collect::<String>());
        let subject = line(&case.subject, SUBJECT_CHARS_MAX);
        let ticket = json!({
            "title": subject, "group": case.queue.as_ref().unwrap_or(&self.group), "customer_id": customer, KEY: key, "tags": case.tags.join(","),
            "priority": priority(case.severity),
            "article": {
                "subject": subject, "body": cut(&body, BODY_CHARS_MAX), "content_type": "text/plain", "type": "note",
                "internal": true,
            },
        });
        let made = self.rest.send("ticket/create", Method::POST, "api/v1/tickets?expand=true", ticket, log).await?;
        let made_case = self.read(&made).map_err(once_made)?;
        if text(&made, &format!("/{KEY}")) != key {
            self.put_state(&made, "closed", log).await.map_err(once_made)?;
            let message = format!("tickets do not keep the attribute {KEY}: no ticket would be found again");
            return Err(CallError::new(ErrorClass::Misconfigured, message)
                .advising("add the attribute in Zammad under Admin, System, Objects, Ticket"));
        }
        if let Some(earlier) = case.follows.as_deref().and_then(|number| digits(number).ok()) {
            let link = json!({
                "link_type": "normal", "link_object_target": "Ticket", "link_object_target_value": made_case.number,
                "link_object_source": "Ticket", "link_object_source_value": earlier,
            });
            match self.rest.send("links/add", Method::POST, "api/v1/links/add", link, log).await {
                // one that is gone is not linked, and the ticket stands
                Err(error) if is_gone(&error) || error.class == ErrorClass::Rejected => {}
                linked => drop(linked.map_err(once_made)?),
            }
        }
        Ok(made_case)
    }

    async fn look(&self, number: &str, known: DeskStatus, log: &dyn CallLog) -> Result<Look, CallError> {
        let mut ticket = self.ticket(number, log).await;
        if let Ok(merged) = &ticket
            && text(merged, "/state") == "merged"
            && let Some(other) = self.merged_into(number, log).await?
        {
            ticket = self.ticket(&other, log).await;
        }
        let ticket = match ticket {
            Ok(ticket) => ticket,
            Err(error) if is_gone(&error) => {
                let url = format!("{}/#ticket/zoom/{number}", self.rest.base());
                let case = DeskCase { number: number.to_owned(), url, status: DeskStatus::Hidden };
                let by = (known != DeskStatus::Hidden).then(|| SOMEBODY.to_owned());
                return Ok(Look { case, activity: Activity::default(), by });
            }
            Err(error) => return Err(error),
        };
        let case = self.read(&ticket)?;
        let activity = self.activity(&ticket, &case.number, log).await?;
        let by = if case.status == known { None } else { self.moved_by(&case.number, log).await? };
        Ok(Look { case, activity, by })
    }

    async fn changed(&self, from: &PollFrom, log: &dyn CallLog) -> Result<Changed, CallError> {
        let cursor = Cursor::of(from)?;
        let condition = json!({
            "ticket.updated_at": {"operator": "after (absolute)", "value": cursor.before().to_string()},
            format!("ticket.{KEY}"): {"operator": "contains", "value": "mp-"},
        });
        let tickets = self.found(condition, cursor.page, log).await?;
        let timed = tickets.iter().filter_map(|ticket| Some((self.case(ticket)?, updated(ticket)?)));
        let timed: Vec<_> = timed.collect();
        let last = timed.last().map(|(case, at)| (*at, case.number.as_str()));
        let next = (tickets.len() >= PAGE).then(|| cursor.next(last).text());
        let newest = timed.iter().map(|(_, at)| *at).max();
        let fresh = timed.into_iter().filter(|(case, at)| !cursor.is_behind(*at, &case.number));
        Ok(Changed { cases: fresh.map(|(case, at)| Change { case, at: Some(at) }).collect(), next, newest })
    }

    async fn shown(&self, numbers: &[String], log: &dyn CallLog) -> Result<Vec<DeskCase>, CallError> {
        let ids: Vec<_> = numbers.iter().take(SHOWN_MAX).filter_map(|number| digits(number).ok()).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let tickets = self.found(json!({"ticket.id": {"operator": "is", "value": ids}}), 0, log).await?;
        let shown = tickets.iter().filter(|ticket| text(ticket, "/state") != "merged");
        Ok(shown.filter_map(|ticket| self.case(ticket)).collect())
    }

    async fn note(&self, number: &str, note_key: &str, body: &str, log: &dyn CallLog) -> Result<(), CallError> {
        match self.writable(number, log).await? {
            Some(_) => self.post_once(number, note_key, body, log).await,
            None => Ok(()),
        }
    }

    async fn resolve(&self, number: &str, note_key: &str, body: &str, log: &dyn CallLog) -> Result<(), CallError> {
        let Some(ticket) = self.writable(number, log).await? else { return Ok(()) };
        self.post_once(number, note_key, body, log).await?;
        self.put_state(&ticket, "closed", log).await
    }

    async fn reopen(&self, number: &str, note_key: &str, body: &str, log: &dyn CallLog) -> Result<Reopened, CallError> {
        let Some(ticket) = self.writable(number, log).await? else { return Ok(Reopened::FollowUp) };
        self.put_state(&ticket, "open", log).await?;
        self.post_once(number, note_key, body, log).await?;
        Ok(Reopened::Open)
    }

    async fn label(&self, number: &str, labels: &Labels, log: &dyn CallLog) -> Result<(), CallError> {
        if self.writable(number, log).await?.is_none() {
            return Ok(());
        }
        for tag in &labels.tags {
            let body = json!({"object": "Ticket", "o_id": number.parse::<u64>().unwrap_or_default(), "item": tag});
            self.rest.send("tags/add", Method::POST, "api/v1/tags/add", body, log).await?;
        }
        if let Some(severity) = labels.severity {
            self.put("ticket/priority", number, json!({"priority": priority(severity)}), log).await?;
        }
        Ok(())
    }

    async fn set_context(&self, number: &str, context: &str, log: &dyn CallLog) -> Result<(), CallError> {
        let Some(ticket) = self.writable(number, log).await? else { return Ok(()) };
        let context = cut(context, BODY_CHARS_MAX);
        if text(&ticket, &format!("/{CONTEXT}")) == context {
            return Ok(());
        }
        self.put("ticket/context", number, json!({CONTEXT: context}), log).await.map(drop)
    }

    fn read_hook(&self, hook: &Hook<'_>) -> Result<HookReport, HookRefusal> {
        hook.signed_hex(Hash::Sha1, "X-Hub-Signature", "sha1=", &[hook.body])?;
        let body = hook.json()?;
        let number = number_of(&body["ticket"]["id"]).filter(|number| digits(number).is_ok());
        let delivery = hook.header("X-Zammad-Delivery").map(str::to_owned);
        Ok(HookReport { delivery, numbers: number.into_iter().collect() })
    }
}
