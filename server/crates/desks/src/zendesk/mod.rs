//! Zendesk Support over its REST interface, `/api/v2` (<https://developer.zendesk.com/api-reference/>). Recorded from its documentation
//! and from answers that its published OpenAPI file gives, not from a running one.
//!
//! - `external_id` is not unique. A create has an `Idempotency-Key`, which holds for two hours; beyond them Milepost is the guard. The
//!   list by `external_id` is consistent, the search is not: it is not used.
//! - An update has no such key: notes are looked for in the ticket's audits before they are posted.
//! - `closed` is for good. A ticket made with `via_followup_source_id` follows up one that is.
//! - A merged ticket is closed, with a tag and a comment that names the other one.
//! - A ticket that is solved needs an agent: the integration's own where nobody has it.
//! - The context is a custom field, found by its title; agents alone see it.

mod setup;
mod wire;

#[cfg(test)]
mod tests;

use crate::{
    Activity, Change, Changed, Closed, Desk, DeskCase, DeskConfig, DeskStatus, HookProof, KeyGuard, Labels, Look,
    Manifest, NewCase, PollFrom, Reopened, SHOWN_MAX, SOMEBODY,
    hooks::{Hash, Hook, HookRefusal, HookReport, number_of},
    marks::{cut, key as hashed, line, mark},
    oauth::{OAuth, TokenBody},
    paging::Paging,
    rest::{self, Rest, SignIn, digits, is_gone, text},
};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use outbound::{
    CallError, CallLog, ErrorClass, Method,
    missing::Missing,
    schema::{Field, FieldKind},
    template::{Family, Template},
};
use serde_json::{Value, json};
use setup::{CONTEXT, Fields};
use std::{sync::Arc, time::Duration};
use tokio::sync::OnceCell;
use wire::{History, custom, is_merged, people, priority, refusal, status_of, updated};

pub(super) static MANIFEST: Manifest = Manifest {
    id: "zendesk",
    label: "Zendesk",
    key: KeyGuard::Milepost,
    find_lag: Duration::ZERO,
    closed: Closed::FollowUp,
    hooks: HookProof::Signature,
    queues: Some("group"),
};

/// Maximum length of a subject and of a text, in characters; a comment takes 64 KiB.
const SUBJECT_CHARS_MAX: usize = 150;
const BODY_CHARS_MAX: usize = 15_000;
/// Tickets of one page of the export of changes.
const PAGE: &str = "500";
/// Pages of a ticket's audits that are read, of a hundred each.
const AUDIT_PAGES_MAX: usize = 10;
/// The export of changes takes no time that is less than a minute ago.
const EXPORT_AGE: SignedDuration = SignedDuration::from_secs(61);

struct Zendesk {
    rest: Rest,
    group: String,
    /// Our own id there.
    us: OnceCell<u64>,
    fields: OnceCell<Fields>,
    group_id: OnceCell<u64>,
}

pub(super) fn template() -> Template {
    let pages: &[&str] = &["agent", "admin", "hc", "api"];
    let client = "Of the OAuth client: Admin Center, Apps and integrations, APIs, OAuth clients. Leave it empty to sign in with an API token.";
    let email =
        "Only with an API token, which Zendesk ends on 2027-04-30: the e-mail address of the agent who made it.";
    let fields = vec![
        Field::new("url", "URL", FieldKind::Url { pages }, "The address under which you open Zendesk.").required(),
        Field::new("client_id", "Client identifier", FieldKind::Text, client),
        Field::new("email", "Agent's e-mail address", FieldKind::Text, email),
        Field::new(
            "queue",
            "Group",
            FieldKind::Text,
            "The group that takes the tickets; if empty, Zendesk's own rules route them.",
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
        secret_label: "Client secret or API token",
        secret_help: "The secret of a confidential OAuth client with the scopes read and write; or an API token, together with the agent's e-mail address.",
        reads: "Tickets",
        writes: "Tickets, internal notes, status, one custom field",
        signs_in: "OAuth client or API token",
    }
}

pub(super) fn connect(config: DeskConfig) -> Result<Arc<dyn Desk>, CallError> {
    let http = rest::client(&config)?;
    let base = rest::base(&config, &["agent", "admin", "hc", "api"])?;
    let sign_in = match (config.options.text("client_id"), config.options.text("email")) {
        (Some(client), _) => {
            let endpoint = format!("{base}/oauth/tokens");
            let oauth = OAuth::new(http.clone(), endpoint, TokenBody::Json, client, config.token.clone());
            SignIn::OAuth(oauth.asking("scope", "read write"))
        }
        (None, Some(email)) => SignIn::Key("Basic", config.token.behind(&format!("{email}/token:"))),
        (None, None) => {
            let text =
                "the desk needs the identifier of an OAuth client, or an agent's e-mail address for an API token";
            return Err(CallError::new(ErrorClass::Misconfigured, text));
        }
    };
    Ok(Arc::new(Zendesk {
        rest: Rest::new(http, base, sign_in, refusal),
        group: config.queue.trim().to_owned(),
        us: OnceCell::new(),
        fields: OnceCell::new(),
        group_id: OnceCell::new(),
    }))
}

impl Zendesk {
    fn page(&self, number: &str) -> String {
        format!("{}/agent/tickets/{number}", self.rest.base())
    }

    fn case(&self, ticket: &Value) -> Option<DeskCase> {
        let number = number_of(&ticket["id"])?;
        Some(DeskCase { url: self.page(&number), number, status: status_of(text(ticket, "/status")) })
    }

    fn read(&self, ticket: &Value) -> Result<DeskCase, CallError> {
        self.case(ticket).ok_or_else(|| CallError::new(ErrorClass::BadAnswer, "the answer is no ticket"))
    }

    /// A ticket with the people and the group that it names.
    async fn ticket(&self, number: &str, log: &dyn CallLog) -> Result<Value, CallError> {
        let path = format!("api/v2/tickets/{}", digits(number)?);
        self.rest.get("ticket", &path, &[("include", "users,groups")], log).await
    }

    /// A ticket that can be written to; none where it is gone or closed for good.
    async fn writable(&self, number: &str, log: &dyn CallLog) -> Result<Option<Value>, CallError> {
        match self.ticket(number, log).await {
            Ok(answer) => {
                Ok(Some(answer["ticket"].clone()).filter(|t| !matches!(text(t, "/status"), "closed" | "deleted")))
            }
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn history(&self, number: &str, log: &dyn CallLog) -> Result<History, CallError> {
        let path = format!("api/v2/tickets/{}/audits", digits(number)?);
        let (mut history, mut after) = (History::default(), None::<String>);
        for _ in 0..AUDIT_PAGES_MAX {
            let mut query = vec![("page[size]", "100"), ("include", "users")];
            if let Some(after) = &after {
                query.push(("page[after]", after));
            }
            let page = self.rest.get("ticket/audits", &path, &query, log).await?;
            history.people.extend(people(&page));
            history.audits.extend(page["audits"].as_array().cloned().unwrap_or_default());
            after = Some(text(&page, "/meta/after_cursor").to_owned());
            if page.pointer("/meta/has_more") != Some(&json!(true)) {
                break;
            }
        }
        Ok(history)
    }

    /// Changes a ticket; nothing where it was closed for good or deleted meanwhile.
    async fn put(&self, operation: &str, number: &str, ticket: Value, log: &dyn CallLog) -> Result<(), CallError> {
        let path = format!("api/v2/tickets/{}", digits(number)?);
        match self.rest.send(operation, Method::PUT, &path, json!({"ticket": ticket}), log).await {
            Ok(_) => Ok(()),
            Err(error) if matches!(error.class, ErrorClass::Rejected | ErrorClass::NotFound) => {
                if self.writable(number, log).await?.is_none() { Ok(()) } else { Err(error) }
            }
            Err(error) => Err(error),
        }
    }

    /// An internal note; none where it is there already.
    async fn unposted(
        &self,
        number: &str,
        key: &str,
        body: &str,
        log: &dyn CallLog,
    ) -> Result<Option<Value>, CallError> {
        let mark = mark(key);
        if self.history(number, log).await?.comments().any(|comment| comment.body.contains(&mark)) {
            return Ok(None);
        }
        Ok(Some(json!({"body": marked(body, &mark), "public": false})))
    }

    /// Posts an internal note, once, and gives the ticket these fields; no call where neither is left to do.
    async fn post_once(
        &self,
        number: &str,
        (key, body): (&str, &str),
        mut fields: Value,
        log: &dyn CallLog,
    ) -> Result<(), CallError> {
        let note = self.unposted(number, key, body, log).await?;
        if note.is_none() && fields.as_object().is_none_or(serde_json::Map::is_empty) {
            return Ok(());
        }
        if let Some(note) = note {
            fields["comment"] = note;
        }
        self.put("ticket/note", number, fields, log).await
    }

    /// Whether a ticket is closed for good: others cannot be followed up.
    async fn is_closed(&self, number: &str, log: &dyn CallLog) -> Result<bool, CallError> {
        match self.ticket(number, log).await {
            Ok(answer) => Ok(text(&answer, "/ticket/status") == "closed"),
            Err(error) if is_gone(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What a new ticket is made of.
    async fn new_ticket(&self, case: &NewCase, key: &str, log: &dyn CallLog) -> Result<Value, CallError> {
        let fields = self.fields(log).await?;
        let links = case.odoo_url.iter().map(|url| format!("\n\nOrder: {url}"));
        let body = format!("{}{}", case.body, links.collect::<String>());
        let mut ticket = json!({
            "external_id": key, "subject": line(&case.subject, SUBJECT_CHARS_MAX), "priority": priority(case.severity),
            "comment": {"body": marked(&body, &mark(&case.external_key)), "public": false},
            "tags": case.tags, "custom_fields": setup::values(&fields, case),
        });
        if let Some(group) = self.group_id(case.queue.as_deref(), log).await? {
            ticket["group_id"] = json!(group);
        }
        if let Some(earlier) = case.follows.as_deref().filter(|number| digits(number).is_ok())
            && self.is_closed(earlier, log).await?
        {
            ticket["via_followup_source_id"] = json!(earlier.parse::<u64>().unwrap_or_default());
        }
        Ok(ticket)
    }

    async fn post(&self, key: &str, ticket: &Value, log: &dyn CallLog) -> Result<DeskCase, CallError> {
        let body = json!({"ticket": ticket});
        let header = ("Idempotency-Key", key);
        let made = self.rest.send_with(header, "ticket/create", Method::POST, "api/v2/tickets", body, log).await?;
        self.read(&made["ticket"])
    }

    fn hidden(&self, number: &str, known: DeskStatus) -> Look {
        let case = DeskCase { number: number.to_owned(), url: self.page(number), status: DeskStatus::Hidden };
        let by = (known != DeskStatus::Hidden).then(|| SOMEBODY.to_owned());
        Look { case, activity: Activity::default(), by }
    }

    fn activity(answer: &Value, history: &History, us: u64) -> Activity {
        let ticket = &answer["ticket"];
        let group = answer["groups"].as_array().into_iter().flatten().find(|group| group["id"] == ticket["group_id"]);
        let assignee = ticket["assignee_id"].as_u64().filter(|id| *id != us);
        let named = people(answer).find(|(id, _)| Some(*id) == assignee).map(|(_, person)| person.name());
        let mut activity = Activity {
            assignee: assignee.map(|_| named.flatten().unwrap_or_else(|| SOMEBODY.to_owned())),
            team: group.map(|group| text(group, "/name").to_owned()),
            changed_at: updated(ticket),
            ..Activity::default()
        };
        for comment in history.of_agents() {
            match comment.public {
                true => activity.replies += 1,
                false => activity.notes += 1,
            }
            activity.last_at = activity.last_at.max(comment.at);
        }
        activity
    }
}

fn marked(body: &str, mark: &str) -> String {
    format!("{}\n\n{mark}", cut(body, BODY_CHARS_MAX))
}

#[async_trait]
impl Desk for Zendesk {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    async fn version(&self, log: &dyn CallLog) -> Result<Option<String>, CallError> {
        self.us(log).await.map(|_| None)
    }

    async fn check(&self, log: &dyn CallLog) -> Result<Vec<Missing>, CallError> {
        self.missing(log).await
    }

    async fn find(&self, external_key: &str, log: &dyn CallLog) -> Result<Option<DeskCase>, CallError> {
        let key = hashed(external_key);
        let query = [("external_id", key.as_str()), ("per_page", "100")];
        let answer = self.rest.get("tickets", "api/v2/tickets", &query, log).await?;
        let odd = || CallError::new(ErrorClass::BadAnswer, "the answer has no list of tickets");
        let tickets = answer["tickets"].as_array().ok_or_else(odd)?;
        let ours = |ticket: &&Value| text(ticket, "/external_id") == key && !is_merged(ticket);
        let first = tickets.iter().filter(ours).min_by_key(|ticket| ticket["id"].as_u64());
        Ok(first.and_then(|ticket| self.case(ticket)))
    }

    async fn create(&self, case: &NewCase, log: &dyn CallLog) -> Result<DeskCase, CallError> {
        let key = hashed(&case.external_key);
        let ticket = self.new_ticket(case, &key, log).await?;
        let mut made = match &case.requester {
            Some(requester) => {
                let mut named = ticket.clone();
                named["requester"] = json!({"name": requester.name, "email": requester.email});
                self.post(&key, &named, log).await
            }
            None => self.post(&key, &ticket, log).await,
        };
        // a customer who is suspended there is no reason for having no ticket
        if let Err(error) = &made
            && error.class == ErrorClass::Rejected
            && case.requester.is_some()
            && error.said.open().contains("requester: ")
        {
            made = self.post(&format!("{key}-unnamed"), &ticket, log).await;
        }
        match made {
            // an earlier try under this key was made with another text
            Err(error) if error.class == ErrorClass::Conflict => self.find(&case.external_key, log).await?.ok_or(error),
            made => made,
        }
    }

    async fn look(&self, number: &str, known: DeskStatus, log: &dyn CallLog) -> Result<Look, CallError> {
        let mut answer = match self.ticket(number, log).await {
            Err(error) if is_gone(&error) => return Ok(self.hidden(number, known)),
            answer => answer?,
        };
        let mut history = self.history(number, log).await?;
        if is_merged(&answer["ticket"])
            && let Some(other) = history.merged_into()
        {
            answer = match self.ticket(&other, log).await {
                Err(error) if is_gone(&error) => return Ok(self.hidden(number, known)),
                answer => answer?,
            };
            history = self.history(&other, log).await?;
        }
        let (case, us) = (self.read(&answer["ticket"])?, self.us(log).await?);
        let by = match history.moved_by() {
            _ if case.status == known => None,
            Some(by) if by == us => None,
            by => Some(by.and_then(|by| history.name(by)).unwrap_or_else(|| SOMEBODY.to_owned())),
        };
        Ok(Look { activity: Self::activity(&answer, &history, us), case, by })
    }

    async fn changed(&self, from: &PollFrom, log: &dyn CallLog) -> Result<Changed, CallError> {
        let paging = Paging::of(from)?;
        let start = paging.since.checked_sub(EXPORT_AGE).unwrap_or(paging.since).as_second().max(0).to_string();
        let place = match &paging.cursor {
            Some(cursor) => ("cursor", cursor.as_str()),
            None => ("start_time", start.as_str()),
        };
        let query = [place, ("per_page", PAGE)];
        let page = self.rest.get("incremental/tickets", "api/v2/incremental/tickets/cursor", &query, log).await?;
        let tickets = page["tickets"].as_array().map(Vec::as_slice).unwrap_or_default();
        let ours = tickets.iter().filter(|ticket| text(ticket, "/external_id").starts_with("mp-"));
        let fresh = ours.filter(|ticket| updated(ticket).is_none_or(|at| at >= paging.since));
        let cases = fresh.filter_map(|ticket| Some(Change { case: self.case(ticket)?, at: updated(ticket) })).collect();
        let more = page["end_of_stream"] == json!(false);
        let next = Some(text(&page, "/after_cursor")).filter(|cursor| more && !cursor.is_empty());
        Ok(Changed {
            cases,
            next: next.map(|cursor| paging.next(cursor)),
            newest: tickets.iter().filter_map(updated).max(),
        })
    }

    async fn shown(&self, numbers: &[String], log: &dyn CallLog) -> Result<Vec<DeskCase>, CallError> {
        let ids: Vec<_> = numbers.iter().take(SHOWN_MAX).filter_map(|number| digits(number).ok()).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let query = [("ids", ids.join(","))];
        let query: Vec<_> = query.iter().map(|(name, ids)| (*name, ids.as_str())).collect();
        let answer = self.rest.get("tickets/show_many", "api/v2/tickets/show_many", &query, log).await?;
        let tickets = answer["tickets"].as_array().into_iter().flatten();
        let shown = tickets.filter(|ticket| !is_merged(ticket) && text(ticket, "/status") != "deleted");
        Ok(shown.filter_map(|ticket| self.case(ticket)).collect())
    }

    async fn note(&self, number: &str, note_key: &str, body: &str, log: &dyn CallLog) -> Result<(), CallError> {
        match self.writable(number, log).await? {
            Some(_) => self.post_once(number, (note_key, body), json!({}), log).await,
            None => Ok(()),
        }
    }

    async fn resolve(&self, number: &str, note_key: &str, body: &str, log: &dyn CallLog) -> Result<(), CallError> {
        let Some(ticket) = self.writable(number, log).await? else { return Ok(()) };
        let mut fields = json!({});
        if text(&ticket, "/status") != "solved" {
            fields["status"] = json!("solved");
            if ticket["assignee_id"].is_null() {
                fields["assignee_id"] = json!(self.us(log).await?);
            }
        }
        self.post_once(number, (note_key, body), fields, log).await
    }

    async fn reopen(&self, number: &str, note_key: &str, body: &str, log: &dyn CallLog) -> Result<Reopened, CallError> {
        let Some(ticket) = self.writable(number, log).await? else { return Ok(Reopened::FollowUp) };
        let fields = match text(&ticket, "/status") {
            "solved" => json!({"status": "open"}),
            _ => json!({}),
        };
        self.post_once(number, (note_key, body), fields, log).await?;
        Ok(Reopened::Open)
    }

    async fn label(&self, number: &str, labels: &Labels, log: &dyn CallLog) -> Result<(), CallError> {
        if self.writable(number, log).await?.is_none() {
            return Ok(());
        }
        if !labels.tags.is_empty() {
            // a list of its own: tags of an update would replace those that are there
            let path = format!("api/v2/tickets/{}/tags", digits(number)?);
            self.rest.send("ticket/tags", Method::PUT, &path, json!({"tags": labels.tags}), log).await?;
        }
        match labels.severity {
            Some(severity) => self.put("ticket/priority", number, json!({"priority": priority(severity)}), log).await,
            None => Ok(()),
        }
    }

    async fn set_context(&self, number: &str, context: &str, log: &dyn CallLog) -> Result<(), CallError> {
        let Some(ticket) = self.writable(number, log).await? else { return Ok(()) };
        let fields = self.fields(log).await?;
        let id = *fields.get(CONTEXT).ok_or_else(setup::no_context)?;
        let context = cut(context, BODY_CHARS_MAX);
        if custom(&ticket, id) == Some(&context) {
            return Ok(());
        }
        self.put("ticket/context", number, json!({"custom_fields": [{"id": id, "value": context}]}), log).await
    }

    /// Of an event subscription (`detail.id`), or of a trigger whose body has `ticket.id`: docs/DESKS.md. The signature is over time
    /// and body, without anything between.
    fn read_hook(&self, hook: &Hook<'_>) -> Result<HookReport, HookRefusal> {
        let at = hook.header("X-Zendesk-Webhook-Signature-Timestamp").ok_or(HookRefusal::Unproven)?;
        hook.signed_base64(Hash::Sha256, "X-Zendesk-Webhook-Signature", &[at.as_bytes(), hook.body])?;
        hook.is_recent(at.parse::<Timestamp>().map_err(|_| HookRefusal::Unreadable)?)?;
        let invocation = hook.header("X-Zendesk-Webhook-Invocation-Id").map(str::to_owned);
        if hook.body.is_empty() {
            return Ok(HookReport { delivery: invocation, numbers: Vec::new() });
        }
        let body = hook.json()?;
        let external = text(&body, "/detail/external_id");
        let of_us = |actor: &Value| number_of(actor) == self.us.get().map(u64::to_string);
        let is_echo =
            !body["detail"]["actor_id"].is_null() && self.us.initialized() && of_us(&body["detail"]["actor_id"]);
        let is_foreign = !external.is_empty() && !external.starts_with("mp-");
        let number = [&body["detail"]["id"], &body["ticket"]["id"]].into_iter().find_map(number_of);
        let number = number.filter(|number| digits(number).is_ok() && !is_echo && !is_foreign);
        Ok(HookReport { delivery: number_of(&body["id"]).or(invocation), numbers: number.into_iter().collect() })
    }
}
