//! Freshdesk over its REST interface, `/api/v2` (<https://developers.freshdesk.com/api/>). Recorded from its documentation, not from a
//! running one.
//!
//! - Nothing keeps a key unique and the search lags by minutes: Milepost is the guard, and waits before it makes a second ticket. The
//!   key is a custom field.
//! - A customer sees the description of a ticket: where the ticket is the customer's, the text is in the context field alone, which
//!   agents see.
//! - Changes of fields leave no author: what status Milepost gave last is kept in a field of its own.
//! - `tags` of an update replace those that are there: those are given again with it, and other updates have none.
//! - There is no list by numbers: which tickets are still there is searched by tag and status, and the others are read one by one.
//! - Reports are calls of automation rules, unsigned.

mod setup;

#[cfg(test)]
mod tests;

use crate::{
    Activity, Change, Changed, Closed, Desk, DeskCase, DeskConfig, DeskStatus, HookProof, KeyGuard, Labels, Look,
    Manifest, NewCase, PollFrom, Reopened, SHOWN_MAX, SOMEBODY,
    cursor::Cursor,
    hooks::{Hook, HookRefusal, HookReport, number_of},
    marks::{cut, html, is_ours, key as hashed, line, mark},
    once_made,
    rest::{self, Rest, SignIn, digits, is_gone, text},
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
use setup::{CONTEXT, KEY, STATUS};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::sync::OnceCell;

pub(super) static MANIFEST: Manifest = Manifest {
    id: "freshdesk",
    label: "Freshdesk",
    key: KeyGuard::Milepost,
    find_lag: Duration::from_mins(10),
    closed: Closed::Reopens,
    hooks: HookProof::SharedSecret,
    queues: Some("group"),
};

/// Statuses of Freshdesk's own; those that a site adds are above.
const OPEN: u64 = 2;
const PENDING: u64 = 3;
const RESOLVED: u64 = 4;
const CLOSED: u64 = 5;
/// Maximum lengths, in characters.
const SUBJECT_CHARS_MAX: usize = 250;
const BODY_CHARS_MAX: usize = 20_000;
const TAG_CHARS_MAX: usize = 32;
/// Tickets and conversations of one page.
const PAGE: usize = 100;
/// Pages of conversations of one ticket that are read.
const CONVERSATION_PAGES_MAX: usize = 10;
/// What a search gives at most: pages of so many.
const SEARCH_PAGE: usize = 30;
const SEARCH_PAGES_MAX: usize = 10;
/// The tag of every ticket of ours.
const TAG: &str = "milepost";

struct Freshdesk {
    rest: Rest,
    group: String,
    me: OnceCell<setup::Me>,
    fields: OnceCell<BTreeSet<String>>,
    group_id: OnceCell<u64>,
}

pub(super) fn template() -> Template {
    let pages: &[&str] = &["a", "support", "api", "helpdesk"];
    let fields = vec![
        Field::new("url", "URL", FieldKind::Url { pages }, "The address under which you open Freshdesk.").required(),
        Field::new(
            "queue",
            "Group",
            FieldKind::Text,
            "The group that takes the tickets; if empty, Freshdesk's own rules route them.",
        ),
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
        secret_label: "API key",
        secret_help: "Sign in to Freshdesk as the integration's agent: Profile settings, View API key.",
        reads: "Tickets",
        writes: "Tickets, private notes, status, custom fields",
        signs_in: "API key",
    }
}

pub(super) fn connect(config: DeskConfig) -> Result<Arc<dyn Desk>, CallError> {
    let http = rest::client(&config)?;
    let base = rest::base(&config, &["a", "support", "api", "helpdesk"])?;
    let sign_in = SignIn::Key("Basic", config.token.ahead_of(":X"));
    Ok(Arc::new(Freshdesk {
        rest: Rest::new(http, base, sign_in, refusal),
        group: config.queue.trim().to_owned(),
        me: OnceCell::new(),
        fields: OnceCell::new(),
        group_id: OnceCell::new(),
    }))
}

/// `{"description", "errors": [{"field", "message", "code"}]}`, and `{"code", "message"}` where the key is refused.
fn refusal(status: u16, answer: &Value, kind: CallKind) -> (ErrorClass, String) {
    let whole = [text(answer, "/description"), text(answer, "/message")].into_iter().find(|text| !text.is_empty());
    let faults = answer["errors"].as_array().into_iter().flatten();
    let faults: String =
        faults.map(|fault| format!("; {}: {}", text(fault, "/field"), text(fault, "/message"))).collect();
    (rest::class(status, kind), format!("{}{faults}", whole.unwrap_or_default()))
}

fn status_of(ticket: &Value) -> DeskStatus {
    if [&ticket["deleted"], &ticket["spam"]].iter().any(|flag| **flag == json!(true)) {
        return DeskStatus::Gone;
    }
    match ticket["status"].as_u64() {
        Some(RESOLVED | CLOSED) => DeskStatus::Resolved,
        _ => DeskStatus::Open,
    }
}

fn priority(severity: Severity) -> u8 {
    match severity {
        Severity::Info => 1,
        Severity::Minor => 2,
        Severity::Major => 3,
        Severity::Critical => 4,
    }
}

fn custom<'a>(ticket: &'a Value, field: &str) -> &'a str {
    ticket["custom_fields"][field].as_str().unwrap_or_default()
}

fn updated(ticket: &Value) -> Option<Timestamp> {
    text(ticket, "/updated_at").parse().ok()
}

fn list(answer: &Value) -> Result<&[Value], CallError> {
    let odd = || CallError::new(ErrorClass::BadAnswer, "the answer is no list");
    answer.as_array().map(Vec::as_slice).ok_or_else(odd)
}

impl Freshdesk {
    fn page(&self, number: &str) -> String {
        format!("{}/a/tickets/{number}", self.rest.base())
    }

    fn case(&self, ticket: &Value) -> Option<DeskCase> {
        let number = number_of(&ticket["id"])?;
        Some(DeskCase { url: self.page(&number), number, status: status_of(ticket) })
    }

    fn read(&self, ticket: &Value) -> Result<DeskCase, CallError> {
        self.case(ticket).ok_or_else(|| CallError::new(ErrorClass::BadAnswer, "the answer is no ticket"))
    }

    async fn ticket(&self, number: &str, log: &dyn CallLog) -> Result<Value, CallError> {
        self.rest.get("ticket", &format!("api/v2/tickets/{}", digits(number)?), &[], log).await
    }

    /// A ticket that can be written to; none where it is gone.
    async fn writable(&self, number: &str, log: &dyn CallLog) -> Result<Option<Value>, CallError> {
        match self.ticket(number, log).await {
            Ok(ticket) => Ok(Some(ticket).filter(|ticket| status_of(ticket) != DeskStatus::Gone)),
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A page of what a search finds, from 1.
    async fn searched(&self, query: &str, page: usize, log: &dyn CallLog) -> Result<Vec<Value>, CallError> {
        let (query, page) = (format!("\"{query}\""), page.to_string());
        let query = [("query", query.as_str()), ("page", page.as_str())];
        let answer = self.rest.get("search/tickets", "api/v2/search/tickets", &query, log).await?;
        list(&answer["results"]).map(<[Value]>::to_vec)
    }

    async fn conversations(&self, number: &str, log: &dyn CallLog) -> Result<Vec<Value>, CallError> {
        let (path, per_page) = (format!("api/v2/tickets/{}/conversations", digits(number)?), PAGE.to_string());
        let mut all = Vec::new();
        for page in 1..=CONVERSATION_PAGES_MAX {
            let page = page.to_string();
            let query = [("per_page", per_page.as_str()), ("page", page.as_str())];
            let answer = self.rest.get("conversations", &path, &query, log).await?;
            let here = list(&answer)?;
            all.extend_from_slice(here);
            if here.len() < PAGE {
                break;
            }
        }
        Ok(all)
    }

    async fn post_once(&self, number: &str, key: &str, body: &str, log: &dyn CallLog) -> Result<(), CallError> {
        let mark = mark(key);
        let is_there = |conversation: &Value| text(conversation, "/body").contains(&mark);
        if self.conversations(number, log).await?.iter().any(is_there) {
            return Ok(());
        }
        let note = json!({"body": html(&format!("{}\n{mark}", cut(body, BODY_CHARS_MAX))), "private": true});
        let path = format!("api/v2/tickets/{number}/notes");
        self.rest.send("ticket/note", Method::POST, &path, note, log).await.map(drop)
    }

    async fn put(&self, operation: &str, number: &str, fields: Value, log: &dyn CallLog) -> Result<Value, CallError> {
        self.rest.send(operation, Method::PUT, &format!("api/v2/tickets/{}", digits(number)?), fields, log).await
    }

    /// Gives a ticket a status, and keeps that it was us.
    async fn put_status(&self, ticket: &Value, wanted: u64, log: &dyn CallLog) -> Result<(), CallError> {
        let number = self.read(ticket)?.number;
        let fields = json!({"status": wanted, "custom_fields": {STATUS: wanted.to_string()}});
        let now = self.put("ticket/status", &number, fields, log).await?;
        if now["status"].as_u64() == Some(wanted) {
            return Ok(());
        }
        Err(CallError::new(ErrorClass::Rejected, format!("ticket {number} does not take the status {wanted}")))
    }

    /// What a new ticket is made of.
    async fn new_ticket(&self, case: &NewCase, key: &str, log: &dyn CallLog) -> Result<Value, CallError> {
        let fields = self.fields(log).await?;
        let links = case.odoo_url.iter().map(|url| format!("\n\nOrder: {url}"));
        let body = cut(&format!("{}{}", case.body, links.collect::<String>()), BODY_CHARS_MAX);
        let tags: BTreeSet<String> =
            case.tags.iter().map(String::as_str).chain([TAG]).map(|tag| line(tag, TAG_CHARS_MAX)).collect();
        let description = match &case.requester {
            Some(_) => format!("Shipment {} with {}", case.tracking_number, case.carrier),
            None => body.clone(),
        };
        let mut ticket = json!({
            "subject": line(&case.subject, SUBJECT_CHARS_MAX), "description": html(&description), "status": OPEN,
            "priority": priority(case.severity), "tags": tags, "custom_fields": setup::values(&fields, case, key, &body),
        });
        match &case.requester {
            Some(requester) => {
                ticket["email"] = json!(requester.email);
                ticket["name"] = json!(requester.name);
            }
            None => ticket["email"] = json!(self.me(log).await?.email),
        }
        if let Some(group) = self.group_id(case.queue.as_deref(), log).await? {
            ticket["group_id"] = json!(group);
        }
        Ok(ticket)
    }

    async fn activity(&self, ticket: &Value, number: &str, log: &dyn CallLog) -> Result<Activity, CallError> {
        let mut activity = Activity {
            assignee: self.agent(&ticket["responder_id"], log).await?,
            team: self.group_name(&ticket["group_id"], log).await?,
            changed_at: updated(ticket),
            ..Activity::default()
        };
        for conversation in self.conversations(number, log).await? {
            if conversation["incoming"] == json!(true) || is_ours(text(&conversation, "/body")) {
                continue;
            }
            match conversation["private"].as_bool() {
                Some(true) => activity.notes += 1,
                _ => activity.replies += 1,
            }
            activity.last_at = activity.last_at.max(text(&conversation, "/created_at").parse().ok());
        }
        Ok(activity)
    }

    /// Of these, the tickets at work that a search finds. It lags: what it misses may be there.
    async fn at_work(
        &self,
        wanted: &BTreeSet<&str>,
        log: &dyn CallLog,
    ) -> Result<BTreeMap<String, DeskCase>, CallError> {
        let query = format!("tag:'{TAG}' AND (status:{OPEN} OR status:{PENDING})");
        let mut found = BTreeMap::new();
        for page in 1..=SEARCH_PAGES_MAX {
            let hits = self.searched(&query, page, log).await?;
            let cases =
                hits.iter().filter_map(|ticket| self.case(ticket)).filter(|case| wanted.contains(case.number.as_str()));
            found.extend(cases.map(|case| (case.number.clone(), case)));
            if hits.len() < SEARCH_PAGE || found.len() == wanted.len() {
                break;
            }
        }
        Ok(found)
    }
}

#[async_trait]
impl Desk for Freshdesk {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    async fn version(&self, log: &dyn CallLog) -> Result<Option<String>, CallError> {
        self.me(log).await.map(|_| None)
    }

    async fn check(&self, log: &dyn CallLog) -> Result<Vec<Missing>, CallError> {
        self.missing(log).await
    }

    async fn find(&self, external_key: &str, log: &dyn CallLog) -> Result<Option<DeskCase>, CallError> {
        let key = hashed(external_key);
        let mut hits = self.searched(&format!("{KEY}:'{key}'"), 1, log).await?;
        hits.retain(|ticket| custom(ticket, KEY) == key && status_of(ticket) != DeskStatus::Gone);
        hits.sort_by_key(|ticket| ticket["id"].as_u64());
        Ok(hits.first().and_then(|ticket| self.case(ticket)))
    }

    async fn create(&self, case: &NewCase, log: &dyn CallLog) -> Result<DeskCase, CallError> {
        let key = hashed(&case.external_key);
        let ticket = self.new_ticket(case, &key, log).await?;
        let made = self.rest.send("ticket/create", Method::POST, "api/v2/tickets", ticket, log).await?;
        let made_case = self.read(&made).map_err(once_made)?;
        if custom(&made, KEY) != key {
            self.put_status(&made, CLOSED, log).await.map_err(once_made)?;
            let message = format!("tickets do not keep the field {KEY}: no ticket would be found again");
            return Err(
                CallError::new(ErrorClass::Misconfigured, message).advising("check the field's type in Freshdesk")
            );
        }
        Ok(made_case)
    }

    async fn look(&self, number: &str, known: DeskStatus, log: &dyn CallLog) -> Result<Look, CallError> {
        let ticket = match self.ticket(number, log).await {
            Err(error) if is_gone(&error) => {
                let case = DeskCase { number: number.to_owned(), url: self.page(number), status: DeskStatus::Hidden };
                let by = (known != DeskStatus::Hidden).then(|| SOMEBODY.to_owned());
                return Ok(Look { case, activity: Activity::default(), by });
            }
            ticket => ticket?,
        };
        let case = self.read(&ticket)?;
        let is_by_us = ticket["status"].as_u64().is_some_and(|status| status.to_string() == custom(&ticket, STATUS));
        let by = (case.status != known && !(is_by_us && case.status != DeskStatus::Gone)).then(|| SOMEBODY.to_owned());
        // once an agent gave it a status, the same one again is an agent's too
        if by.is_some() && !is_by_us && !custom(&ticket, STATUS).is_empty() && case.status != DeskStatus::Gone {
            self.put("ticket/status", number, json!({"custom_fields": {STATUS: null}}), log).await?;
        }
        Ok(Look { activity: self.activity(&ticket, number, log).await?, case, by })
    }

    async fn changed(&self, from: &PollFrom, log: &dyn CallLog) -> Result<Changed, CallError> {
        let cursor = Cursor::of(from)?;
        let (since, page, size) = (cursor.before().to_string(), (cursor.page + 1).to_string(), PAGE.to_string());
        let query = [
            ("updated_since", since.as_str()),
            ("order_by", "updated_at"),
            ("order_type", "asc"),
            ("per_page", size.as_str()),
            ("page", page.as_str()),
        ];
        let answer = self.rest.get("tickets", "api/v2/tickets", &query, log).await?;
        let tickets = list(&answer)?;
        let timed: Vec<_> =
            tickets.iter().filter_map(|ticket| Some((ticket, self.case(ticket)?, updated(ticket)?))).collect();
        let last = timed.last().map(|(_, case, at)| (*at, case.number.as_str()));
        let next = (tickets.len() >= PAGE).then(|| cursor.next(last).text());
        let newest = timed.iter().map(|(.., at)| *at).max();
        let fresh = timed.into_iter().filter(|(ticket, case, at)| {
            custom(ticket, KEY).starts_with("mp-") && !cursor.is_behind(*at, &case.number)
        });
        Ok(Changed { cases: fresh.map(|(_, case, at)| Change { case, at: Some(at) }).collect(), next, newest })
    }

    async fn shown(&self, numbers: &[String], log: &dyn CallLog) -> Result<Vec<DeskCase>, CallError> {
        let wanted: BTreeSet<_> = numbers.iter().take(SHOWN_MAX).filter_map(|number| digits(number).ok()).collect();
        // a few are read as quickly as searched
        let mut found = match wanted.len() {
            0..=3 => BTreeMap::new(),
            _ => self.at_work(&wanted, log).await?,
        };
        for number in wanted {
            if found.contains_key(number) {
                continue;
            }
            if let Some(ticket) = self.writable(number, log).await? {
                found.insert(number.to_owned(), self.read(&ticket)?);
            }
        }
        Ok(found.into_values().collect())
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
        if status_of(&ticket) == DeskStatus::Resolved {
            return Ok(());
        }
        self.put_status(&ticket, RESOLVED, log).await
    }

    async fn reopen(&self, number: &str, note_key: &str, body: &str, log: &dyn CallLog) -> Result<Reopened, CallError> {
        let Some(ticket) = self.writable(number, log).await? else { return Ok(Reopened::FollowUp) };
        if status_of(&ticket) == DeskStatus::Resolved {
            self.put_status(&ticket, OPEN, log).await?;
        }
        self.post_once(number, note_key, body, log).await?;
        Ok(Reopened::Open)
    }

    async fn label(&self, number: &str, labels: &Labels, log: &dyn CallLog) -> Result<(), CallError> {
        let Some(ticket) = self.writable(number, log).await? else { return Ok(()) };
        let mut fields = json!({});
        if let Some(severity) = labels.severity {
            fields["priority"] = json!(priority(severity));
        }
        let had: Vec<&str> = ticket["tags"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let wanted = labels.tags.iter().map(|tag| line(tag, TAG_CHARS_MAX));
        let fresh: Vec<String> = wanted.filter(|tag| !had.contains(&tag.as_str())).collect();
        if !fresh.is_empty() {
            // an update replaces the list: what is there is given again
            let all: Vec<&str> = had.into_iter().chain(fresh.iter().map(String::as_str)).collect();
            fields["tags"] = json!(all);
        }
        if fields == json!({}) {
            return Ok(());
        }
        self.put("ticket/labels", number, fields, log).await.map(drop)
    }

    async fn set_context(&self, number: &str, context: &str, log: &dyn CallLog) -> Result<(), CallError> {
        let Some(ticket) = self.writable(number, log).await? else { return Ok(()) };
        let context = cut(context, BODY_CHARS_MAX);
        if custom(&ticket, CONTEXT) == context {
            return Ok(());
        }
        self.put("ticket/context", number, json!({"custom_fields": {CONTEXT: context}}), log).await.map(drop)
    }

    /// Of an automation rule whose body has `ticket_id`, or of the simple form that Freshdesk makes itself: docs/DESKS.md.
    fn read_hook(&self, hook: &Hook<'_>) -> Result<HookReport, HookRefusal> {
        hook.has_secret()?;
        let body = hook.json()?;
        let places = [&body["ticket_id"], &body["freshdesk_webhook"]["ticket_id"], &body["ticket"]["id"]];
        let number = places.into_iter().find_map(number_of).filter(|number| digits(number).is_ok());
        Ok(HookReport { delivery: None, numbers: number.into_iter().collect() })
    }
}
