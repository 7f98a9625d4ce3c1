//! Intercom's tickets over its REST interface, version 2.16 (<https://developers.intercom.com/docs/references/2.16/rest-api/>). Recorded
//! from its documentation and its published OpenAPI file, not from a running one.
//!
//! - A ticket has no external id: the key is an attribute of the ticket type, and the search that finds it is an index. Milepost is the
//!   guard, and waits before it makes a second ticket.
//! - A ticket has `id` and `ticket_id`; the second is only what agents see.
//! - The ticket type is one for the back office: of others the customer is notified.
//! - A ticket needs a contact: without a customer it is the integration's own.
//! - A ticket that was merged into another is closed and linked to it.
//! - Reports are signed with SHA-1 over the body, without a time: the report's id is what makes a repetition known.

mod setup;
mod wire;

#[cfg(test)]
mod tests;

use crate::{
    Activity, Change, Changed, Closed, Desk, DeskCase, DeskConfig, DeskStatus, HookProof, KeyGuard, Labels, Look,
    Manifest, NewCase, PollFrom, Reopened, SHOWN_MAX, SOMEBODY,
    hooks::{Hash, Hook, HookRefusal, HookReport, number_of},
    marks::{cut, html, is_ours, key as hashed, line, mark},
    once_made,
    paging::Paging,
    rest::{self, Rest, SignIn, digits, is_gone, text},
};
use async_trait::async_trait;
use outbound::{
    CallError, CallLog, ErrorClass, Method,
    missing::Missing,
    schema::{Field, FieldKind},
    template::{Family, Template},
};
use serde_json::{Value, json};
use setup::{CONTEXT, KEY, Me, TicketType};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::OnceCell;
use wire::{parts, refusal, status_of, time, updated};

pub(super) static MANIFEST: Manifest = Manifest {
    id: "intercom",
    label: "Intercom",
    key: KeyGuard::Milepost,
    find_lag: Duration::from_mins(10),
    closed: Closed::Reopens,
    hooks: HookProof::Signature,
    queues: None,
};

/// The version of the interface that this connector speaks.
const VERSION: &str = "2.16";
/// Maximum length of a subject and of a text, in characters.
const SUBJECT_CHARS_MAX: usize = 250;
const BODY_CHARS_MAX: usize = 10_000;
/// Tickets of one page of a search.
const PAGE: usize = 100;

struct Intercom {
    rest: Rest,
    ticket_type: String,
    /// The address of the pages for people.
    app: String,
    me: OnceCell<Me>,
    kind: OnceCell<TicketType>,
    tags: tokio::sync::Mutex<BTreeMap<String, String>>,
}

pub(super) fn template() -> Template {
    let address = "https://api.intercom.io; for a workspace in Europe https://api.eu.intercom.io, in Australia https://api.au.intercom.io.";
    let fields = vec![
        Field::new("url", "URL", FieldKind::Url { pages: &[] }, address).or("https://api.intercom.io").required(),
        Field::new(
            "queue",
            "Ticket type",
            FieldKind::Text,
            "The back-office ticket type of the tickets, as Intercom names it.",
        )
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
        secret_help: "Of a private app: Intercom's Developer Hub, the app, Configure, Authentication. It needs the permissions to read and write tickets, tags and people, and to read admins.",
        reads: "Tickets",
        writes: "Tickets, internal notes, status, tags",
        signs_in: "Access token",
    }
}

pub(super) fn connect(config: DeskConfig) -> Result<Arc<dyn Desk>, CallError> {
    let ticket_type = config.queue.trim().to_owned();
    if ticket_type.is_empty() {
        return Err(CallError::new(ErrorClass::Misconfigured, "the desk needs the name of a ticket type"));
    }
    let http = rest::client(&config)?;
    let base = rest::base(&config, &[])?;
    let app = pages_of(&base);
    let sign_in = SignIn::Key("Bearer", config.token.clone());
    let rest = Rest::new(http, base, sign_in, refusal).with_header("Intercom-Version", VERSION);
    Ok(Arc::new(Intercom {
        rest,
        ticket_type,
        app,
        me: OnceCell::new(),
        kind: OnceCell::new(),
        tags: tokio::sync::Mutex::default(),
    }))
}

/// The address of the pages for people, of the same region.
fn pages_of(api: &str) -> String {
    api.replacen("://api.", "://app.", 1).replace(".intercom.io", ".intercom.com")
}

impl Intercom {
    fn page(&self, me: &Me, number: &str) -> String {
        format!("{}/a/inbox/{}/inbox/conversation/{number}", self.app, me.workspace)
    }

    fn case(&self, me: &Me, ticket: &Value) -> Option<DeskCase> {
        let number = number_of(&ticket["id"])?;
        Some(DeskCase { url: self.page(me, &number), number, status: status_of(ticket) })
    }

    async fn read(&self, ticket: &Value, log: &dyn CallLog) -> Result<DeskCase, CallError> {
        let odd = || CallError::new(ErrorClass::BadAnswer, "the answer is no ticket");
        self.case(self.me(log).await?, ticket).ok_or_else(odd)
    }

    async fn ticket(&self, number: &str, log: &dyn CallLog) -> Result<Value, CallError> {
        self.rest.get("ticket", &format!("tickets/{}", digits(number)?), &[], log).await
    }

    /// A ticket that can be written to: the one that it was merged into, where it was; none where it is gone.
    async fn writable(&self, number: &str, log: &dyn CallLog) -> Result<Option<Value>, CallError> {
        match self.ticket(number, log).await {
            Ok(ticket) => self.survivor(ticket, log).await.map(Some),
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The ticket that this one was merged into; itself where it was not. One that was merged is closed and linked to another of our
    /// type; links to a customer's ticket are of other types.
    async fn survivor(&self, ticket: Value, log: &dyn CallLog) -> Result<Value, CallError> {
        if status_of(&ticket) == DeskStatus::Open {
            return Ok(ticket);
        }
        let linked = ticket.pointer("/linked_objects/data").and_then(Value::as_array).cloned().unwrap_or_default();
        for other in
            linked.iter().filter(|other| text(other, "/type") == "ticket").filter_map(|other| number_of(&other["id"]))
        {
            match self.ticket(&other, log).await {
                Ok(other) if self.is_merge(&ticket, &other) => return Ok(other),
                Err(error) if !is_gone(&error) => return Err(error),
                _ => {}
            }
        }
        Ok(ticket)
    }

    fn is_merge(&self, from: &Value, into: &Value) -> bool {
        let is_of_type = text(into, "/ticket_type/name") == self.ticket_type;
        let moved = parts(from).any(|part| text(part, "/part_type").contains("merge"));
        is_of_type && moved && status_of(into) != DeskStatus::Gone
    }

    async fn searched(
        &self,
        query: Value,
        after: Option<&str>,
        log: &dyn CallLog,
    ) -> Result<(Vec<Value>, Option<String>), CallError> {
        let mut pagination = json!({"per_page": PAGE});
        if let Some(after) = after {
            pagination["starting_after"] = json!(after);
        }
        let sort = json!({"field": "updated_at", "order": "ascending"});
        let body = json!({"query": query, "pagination": pagination, "sort": sort});
        let answer = self.rest.search("tickets/search", "tickets/search", body, log).await?;
        let odd = || CallError::new(ErrorClass::BadAnswer, "the answer of a search is no list");
        let tickets = answer["tickets"].as_array().cloned().ok_or_else(odd)?;
        let next = text(&answer, "/pages/next/starting_after");
        Ok((tickets, Some(next.to_owned()).filter(|next| !next.is_empty())))
    }

    async fn post_once(&self, ticket: &Value, key: &str, body: &str, log: &dyn CallLog) -> Result<(), CallError> {
        let mark = mark(key);
        if parts(ticket).any(|part| text(part, "/body").contains(&mark)) {
            return Ok(());
        }
        let number = self.read(ticket, log).await?.number;
        let note = json!({
            "message_type": "note", "type": "admin", "admin_id": self.me(log).await?.id,
            "body": html(&format!("{}\n{mark}", cut(body, BODY_CHARS_MAX))),
        });
        self.rest.send("ticket/reply", Method::POST, &format!("tickets/{number}/reply"), note, log).await.map(drop)
    }

    async fn put_state(&self, ticket: &Value, wanted: DeskStatus, log: &dyn CallLog) -> Result<(), CallError> {
        if status_of(ticket) == wanted {
            return Ok(());
        }
        let number = self.read(ticket, log).await?.number;
        let state = self.state(wanted, log).await?;
        let is_open = wanted == DeskStatus::Open;
        let fields = json!({"ticket_state_id": state, "open": is_open, "admin_id": self.me(log).await?.id});
        let now = self.rest.send("ticket/state", Method::PUT, &format!("tickets/{number}"), fields, log).await?;
        if status_of(&now) == wanted {
            return Ok(());
        }
        Err(CallError::new(ErrorClass::Rejected, format!("ticket {number} does not take the state {state}")))
    }

    /// The id of a tag, which is made where there is none of the name.
    async fn tag(&self, name: &str, log: &dyn CallLog) -> Result<String, CallError> {
        let mut known = self.tags.lock().await;
        if let Some(id) = known.get(name) {
            return Ok(id.clone());
        }
        let made = self.rest.send("tags", Method::POST, "tags", json!({"name": name}), log).await?;
        let odd = || CallError::new(ErrorClass::BadAnswer, "the answer is no tag");
        let id = number_of(&made["id"]).ok_or_else(odd)?;
        known.insert(name.to_owned(), id.clone());
        Ok(id)
    }

    /// Tags a ticket. One that is without is there all the same: it would not be made again for its tags.
    async fn tag_all(&self, number: &str, tags: &[String], log: &dyn CallLog) {
        for tag in tags {
            let tagged = async {
                let (id, admin) = (self.tag(tag, log).await?, &self.me(log).await?.id);
                let body = json!({"id": id, "admin_id": admin});
                self.rest.send("ticket/tags", Method::POST, &format!("tickets/{number}/tags"), body, log).await
            };
            if let Err(error) = tagged.await {
                tracing::warn!(ticket = number, tag, "a ticket was not tagged: {error}");
            }
        }
    }

    /// What an id stands for: its name, where we may read it.
    async fn name(&self, path: &str, id: &Value, log: &dyn CallLog) -> Result<Option<String>, CallError> {
        let Some(id) = number_of(id).filter(|id| id != "0" && digits(id).is_ok()) else { return Ok(None) };
        match self.rest.get(path, &format!("{path}/{id}"), &[], log).await {
            Ok(answer) if !text(&answer, "/name").is_empty() => Ok(Some(text(&answer, "/name").to_owned())),
            Err(error) if !is_gone(&error) => Err(error),
            _ => Ok(Some(SOMEBODY.to_owned())),
        }
    }

    async fn activity(&self, ticket: &Value, log: &dyn CallLog) -> Result<Activity, CallError> {
        let mut activity = Activity {
            assignee: self.name("admins", &ticket["admin_assignee_id"], log).await?,
            team: self.name("teams", &ticket["team_assignee_id"], log).await?,
            changed_at: updated(ticket),
            ..Activity::default()
        };
        for part in parts(ticket) {
            if text(part, "/author/type") != "admin" || is_ours(text(part, "/body")) {
                continue;
            }
            match text(part, "/part_type") {
                "comment" => activity.replies += 1,
                "note" => activity.notes += 1,
                _ => continue,
            }
            activity.last_at = activity.last_at.max(time(&part["created_at"]));
        }
        Ok(activity)
    }
}

#[async_trait]
impl Desk for Intercom {
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
        let (key, kind) = (hashed(external_key), self.kind(log).await?);
        let query = json!({"field": format!("ticket_attribute.{}", kind.key), "operator": "=", "value": key});
        // it matches by words: only the whole key is ours
        let (mut hits, _) = self.searched(query, None, log).await?;
        hits.retain(|ticket| ticket["ticket_attributes"][KEY] == json!(key));
        hits.sort_by_key(|ticket| time(&ticket["created_at"]));
        let me = self.me(log).await?;
        Ok(hits.first().and_then(|ticket| self.case(me, ticket)))
    }

    async fn create(&self, case: &NewCase, log: &dyn CallLog) -> Result<DeskCase, CallError> {
        let (key, kind, me) = (hashed(&case.external_key), self.kind(log).await?, self.me(log).await?);
        let links = case.odoo_url.iter().map(|url| format!("\n\nOrder: {url}"));
        let body = cut(&format!("{}{}", case.body, links.collect::<String>()), BODY_CHARS_MAX);
        let mut attributes = kind.attributes_of(case, &key);
        attributes.insert("_default_title_".into(), json!(line(&case.subject, SUBJECT_CHARS_MAX)));
        attributes.insert("_default_description_".into(), json!(body));
        let contact = case.requester.as_ref().map_or(&me.email, |requester| &requester.email);
        let ticket =
            json!({"ticket_type_id": kind.id, "contacts": [{"email": contact}], "ticket_attributes": attributes});
        let made = self.rest.send("ticket/create", Method::POST, "tickets", ticket, log).await?;
        let made_case = self.read(&made, log).await.map_err(once_made)?;
        if made["ticket_attributes"][KEY] != json!(key) {
            self.put_state(&made, DeskStatus::Resolved, log).await.map_err(once_made)?;
            let message = format!("tickets do not keep the attribute \"{KEY}\": no ticket would be found again");
            return Err(
                CallError::new(ErrorClass::Misconfigured, message).advising("check the attribute's type in Intercom")
            );
        }
        self.tag_all(&made_case.number, &case.tags, log).await;
        Ok(made_case)
    }

    async fn look(&self, number: &str, known: DeskStatus, log: &dyn CallLog) -> Result<Look, CallError> {
        let me = self.me(log).await?;
        let Some(ticket) = self.writable(number, log).await? else {
            let case = DeskCase { number: number.to_owned(), url: self.page(me, number), status: DeskStatus::Hidden };
            let by = (known != DeskStatus::Hidden).then(|| SOMEBODY.to_owned());
            return Ok(Look { case, activity: Activity::default(), by });
        };
        let case = self.read(&ticket, log).await?;
        let moved = parts(&ticket).filter(|part| text(part, "/part_type").starts_with("ticket_state_updated")).last();
        let by = match moved {
            _ if case.status == known => None,
            Some(part) if number_of(&part["author"]["id"]).as_ref() == Some(&me.id) => None,
            Some(part) if !text(part, "/author/name").is_empty() => Some(text(part, "/author/name").to_owned()),
            _ => Some(SOMEBODY.to_owned()),
        };
        Ok(Look { activity: self.activity(&ticket, log).await?, case, by })
    }

    async fn changed(&self, from: &PollFrom, log: &dyn CallLog) -> Result<Changed, CallError> {
        let (paging, kind, me) = (Paging::of(from)?, self.kind(log).await?, self.me(log).await?);
        let query = json!({"operator": "AND", "value": [
            {"field": "ticket_type_id", "operator": "=", "value": kind.id},
            {"field": "updated_at", "operator": ">", "value": paging.since.as_second() - 1},
        ]});
        let (tickets, next) = self.searched(query, paging.cursor.as_deref(), log).await?;
        let fresh = tickets.iter().filter(|ticket| updated(ticket).is_none_or(|at| at >= paging.since));
        let ours = fresh.filter(|ticket| text(&ticket["ticket_attributes"], &format!("/{KEY}")).starts_with("mp-"));
        let cases = ours.filter_map(|ticket| Some(Change { case: self.case(me, ticket)?, at: updated(ticket) }));
        let newest = tickets.iter().filter_map(updated).max();
        Ok(Changed { cases: cases.collect(), next: next.map(|cursor| paging.next(&cursor)), newest })
    }

    async fn shown(&self, numbers: &[String], log: &dyn CallLog) -> Result<Vec<DeskCase>, CallError> {
        let ids: Vec<_> = numbers.iter().take(SHOWN_MAX).filter_map(|number| digits(number).ok()).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let me = self.me(log).await?;
        let (tickets, _) = self.searched(json!({"field": "id", "operator": "IN", "value": ids}), None, log).await?;
        // the index may have what was deleted since, and may lack what is new: those that are looked at one by one say for sure
        Ok(tickets.iter().filter_map(|ticket| self.case(me, ticket)).collect())
    }

    async fn note(&self, number: &str, note_key: &str, body: &str, log: &dyn CallLog) -> Result<(), CallError> {
        match self.writable(number, log).await? {
            Some(ticket) => self.post_once(&ticket, note_key, body, log).await,
            None => Ok(()),
        }
    }

    async fn resolve(&self, number: &str, note_key: &str, body: &str, log: &dyn CallLog) -> Result<(), CallError> {
        let Some(ticket) = self.writable(number, log).await? else { return Ok(()) };
        self.post_once(&ticket, note_key, body, log).await?;
        self.put_state(&ticket, DeskStatus::Resolved, log).await
    }

    async fn reopen(&self, number: &str, note_key: &str, body: &str, log: &dyn CallLog) -> Result<Reopened, CallError> {
        let Some(ticket) = self.writable(number, log).await? else { return Ok(Reopened::FollowUp) };
        self.put_state(&ticket, DeskStatus::Open, log).await?;
        self.post_once(&ticket, note_key, body, log).await?;
        Ok(Reopened::Open)
    }

    async fn label(&self, number: &str, labels: &Labels, log: &dyn CallLog) -> Result<(), CallError> {
        let Some(ticket) = self.writable(number, log).await? else { return Ok(()) };
        let number = self.read(&ticket, log).await?.number;
        let kind = self.kind(log).await?;
        if let Some(attributes) = labels.severity.and_then(|severity| kind.severity(severity)) {
            let body = json!({"ticket_attributes": attributes});
            self.rest.send("ticket/priority", Method::PUT, &format!("tickets/{number}"), body, log).await?;
        }
        self.tag_all(&number, &labels.tags, log).await;
        Ok(())
    }

    async fn set_context(&self, number: &str, context: &str, log: &dyn CallLog) -> Result<(), CallError> {
        let Some(ticket) = self.writable(number, log).await? else { return Ok(()) };
        let context = cut(context, BODY_CHARS_MAX);
        if ticket["ticket_attributes"][CONTEXT] == json!(context) {
            return Ok(());
        }
        let (number, fields) =
            (self.read(&ticket, log).await?.number, json!({"ticket_attributes": {CONTEXT: context}}));
        self.rest.send("ticket/context", Method::PUT, &format!("tickets/{number}"), fields, log).await.map(drop)
    }

    /// `{"type": "notification_event", "id", "topic", "data": {"item"}}`: the item is a ticket, or a part with its ticket.
    fn read_hook(&self, hook: &Hook<'_>) -> Result<HookReport, HookRefusal> {
        hook.signed_hex(Hash::Sha1, "X-Hub-Signature", "sha1=", &[hook.body])?;
        let body = hook.json()?;
        let item = &body["data"]["item"];
        let author = [&item["author"]["id"], &item["ticket_part"]["author"]["id"]].into_iter().find_map(number_of);
        let is_echo = author.is_some() && author.as_ref() == self.me.get().map(|me| &me.id);
        let own = if text(item, "/type") == "ticket" { &item["id"] } else { &Value::Null };
        let number = [own, &item["ticket"]["id"]].into_iter().find_map(number_of);
        let number = number.filter(|number| digits(number).is_ok() && !is_echo);
        Ok(HookReport { delivery: number_of(&body["id"]), numbers: number.into_iter().collect() })
    }
}
