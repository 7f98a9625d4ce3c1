//! Request Tracker 5 over REST 2.0 (<https://docs.bestpractical.com/rt/5.0.5/RT/REST2.html>).
//!
//! What a running 5.0 does beyond its documentation, and what is done about it:
//! - A failed change may be answered with 200 and an explanation, in the user's language: every change is read back.
//! - Unknown fields and values are dropped without a word, and of two tickets with one unique value the second one
//!   silently loses it: a new ticket is read back, its key is searched for, and a second ticket closes itself in favour of the
//!   first. Where the field lacks *New values must be unique*, both keep the key, and the search alone finds the other one: of
//!   two writers at the very same time neither may see the other's ticket, and both stay. Within one installation the lease of
//!   the outbox prevents that: one job at a time makes the ticket of an exception.
//! - A search on a field that does not exist finds nothing, one on a very long value finds everything: [`Desk::check`]
//!   names missing fields, keys are hashed to a short form, and each hit is compared.
//! - `id` is a text in lists and a number alone; a merged ticket answers under the other's number; a deleted one is
//!   still there when it is requested by number; a search may count a hit that it does not show.
//! - A time in a search is read in the zone of the token's user unless it names one, and only in the form
//!   `YYYY-MM-DD hh:mm:ss GMT`: of an ISO time nothing but the day is taken. `=` means the whole day.

mod client;
mod setup;
mod wire;

use super::{
    Activity, Change, Changed, Closed, Desk, DeskCase, DeskConfig, DeskStatus, HookProof, KeyGuard, Labels, Look,
    Manifest, NewCase, PollFrom, Reopened, SHOWN_MAX, SOMEBODY,
    hooks::{Hash, Hook, HookRefusal, HookReport, number_of},
    marks::{cut, key as hashed, line, mark},
    once_made,
};
use async_trait::async_trait;
use client::{PAGES, RtClient};
use jiff::Timestamp;
use outbound::{
    CallError, CallLog, ErrorClass, Method,
    missing::Missing,
    schema::{Field, FieldKind},
    template::{Family, Template},
};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use setup::{KeyField, drops_key};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::OnceCell;
use wire::{Ticket, has_field, priority, readable, status_of, user_of};

pub(super) static MANIFEST: Manifest = Manifest {
    id: "request_tracker",
    label: "Request Tracker",
    key: KeyGuard::Milepost,
    find_lag: Duration::ZERO,
    closed: Closed::Reopens,
    hooks: HookProof::Signature,
    queues: Some("queue"),
};

/// The field that holds our key.
const KEY_FIELD: &str = "External Id";
/// The fields with the severity and the tags.
const SEVERITY_FIELD: &str = "Severity";
const TAGS_FIELD: &str = "Tags";
/// Every field that the queue's tickets must have.
const FIELDS: &[&str] =
    &[KEY_FIELD, "Tracking Number", "Carrier", "Exception Code", SEVERITY_FIELD, TAGS_FIELD, "Odoo URL", CONTEXT_FIELD];
/// The field that holds the current context.
const CONTEXT_FIELD: &str = "Shipment Context";
/// The header with a report's signature, and the one with its time in seconds since 1970.
const SIGNATURE: &str = "X-Desk-Signature";
const SIGNED_AT: &str = "X-Desk-Signature-Timestamp";
/// RT cuts subjects here.
const SUBJECT_CHARS_MAX: usize = 200;
/// Maximum length of the first text and of notes in characters.
const BODY_CHARS_MAX: usize = 20_000;
/// Hits of a search for one key that are compared.
const HITS_MAX: u32 = 20;
/// Texts of a ticket that are looked through for a note, a page at a time.
const HISTORY_PAGE: u32 = 100;
/// Pages of these at most.
const HISTORY_PAGES_MAX: u32 = 100;
/// Pages of texts that are counted.
const TEXTS_PAGES_MAX: u32 = 10;
/// The owner of a ticket that has none.
const UNOWNED: &str = "Nobody";
/// Tickets of one page of a poll.
const POLL_PAGE: usize = 100;

/// One queue of a Request Tracker.
#[derive(Debug)]
pub struct RequestTracker {
    client: RtClient,
    queue: String,
    /// Our own login, once it is known.
    login: OnceCell<Option<String>>,
    /// Whether tickets keep our key, by queue.
    key_fields: Mutex<BTreeMap<String, KeyField>>,
}

/// Request Tracker, as a person chooses it.
pub(super) fn template() -> Template {
    let fields = vec![
        Field::new("url", "URL", FieldKind::Url { pages: PAGES }, "The address under which you open Request Tracker.")
            .required(),
        Field::new("queue", "Queue", FieldKind::Text, "The queue that takes the tickets.").or("Shipments").upfront(),
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
        secret_label: "Token",
        secret_help: "Make one in Request Tracker as the integration user: Settings, Auth Tokens, Create.",
        reads: "Tickets",
        writes: "Tickets, comments, status",
        signs_in: "Token",
    }
}

pub(super) fn connect(config: DeskConfig) -> Result<Arc<dyn Desk>, CallError> {
    Ok(Arc::new(RequestTracker::new(config)?))
}

impl RequestTracker {
    /// A client; nothing is called yet.
    ///
    /// # Errors
    /// `misconfigured` where the address, the token or the queue cannot be used.
    pub fn new(config: DeskConfig) -> Result<Self, CallError> {
        let queue = config.queue.trim().to_owned();
        if queue.is_empty() || queue.contains(['/', '?', '#']) {
            return Err(CallError::new(ErrorClass::Misconfigured, "the desk needs a queue's name"));
        }
        Ok(Self { client: RtClient::new(&config)?, queue, login: OnceCell::new(), key_fields: Mutex::default() })
    }

    fn case(&self, ticket: &Ticket) -> DeskCase {
        DeskCase { number: ticket.id.clone(), url: self.client.page(&ticket.id), status: status_of(&ticket.status) }
    }

    async fn ticket(&self, number: &str, log: &dyn CallLog) -> Result<Ticket, CallError> {
        self.client.get("ticket", &format!("ticket/{}", digits(number)?), &[], log).await
    }

    /// The tickets with this (hashed) key, oldest first. Not only of our queue: people move tickets.
    async fn tickets_of(&self, key: &str, log: &dyn CallLog) -> Result<Vec<Ticket>, CallError> {
        let query = format!("'CF.{{{KEY_FIELD}}}' = '{}'", escaped(key));
        let per_page = HITS_MAX.to_string();
        let parameters =
            [("query", query.as_str()), ("fields", "Status,CustomFields"), ("orderby", "id"), ("per_page", &per_page)];
        let found: wire::Page<Ticket> = self.client.get("tickets", "tickets", &parameters, log).await?;
        if found.items.is_empty() && found.total.unwrap_or(0) > 0 {
            return Err(CallError::new(
                ErrorClass::Conflict,
                "the desk counts a ticket that it does not show: one is just being made, or the token may not see it",
            ));
        }
        let mut hits: Vec<_> = found.items.into_iter().filter(|t| has_field(t, KEY_FIELD, key)).collect();
        hits.sort_by_key(|t| t.id.parse::<u64>().unwrap_or(u64::MAX));
        Ok(hits)
    }

    /// The login of the token's user; none where it cannot be learned.
    async fn login(&self, log: &dyn CallLog) -> Result<Option<&str>, CallError> {
        let login = self
            .login
            .get_or_try_init(|| async {
                let token = self.client.token();
                let Some(id) = user_of(token.expose_secret()) else { return Ok(None) };
                match self.client.get::<wire::User>("user", &format!("user/{id}"), &[("fields", "Name")], log).await {
                    Ok(user) => Ok(Some(user.name)),
                    Err(e) if matches!(e.class, ErrorClass::Forbidden | ErrorClass::NotFound) => Ok(None),
                    Err(e) => Err(e),
                }
            })
            .await?;
        Ok(login.as_deref())
    }

    /// Who gave the ticket its status, unless that was us.
    async fn moved_by(&self, ticket: &Ticket, log: &dyn CallLog) -> Result<Option<String>, CallError> {
        let query = format!("ObjectType = 'RT::Ticket' AND ObjectId = {} AND Type = 'Status'", digits(&ticket.id)?);
        let parameters =
            [("query", query.as_str()), ("fields", "Creator"), ("orderby", "id"), ("order", "DESC"), ("per_page", "1")];
        let moves: wire::Page<wire::Transaction> =
            match self.client.get("transactions", "transactions", &parameters, log).await {
                Ok(moves) => moves,
                // the history of a ticket may be closed to a token that may see the ticket
                Err(e) if matches!(e.class, ErrorClass::Forbidden | ErrorClass::NotFound) => {
                    return Ok(Some(SOMEBODY.to_owned()));
                }
                Err(e) => return Err(e),
            };
        let by = moves.items.into_iter().next().and_then(|change| change.creator).map(|who| who.id);
        let by = by.or_else(|| Some(SOMEBODY.to_owned()));
        let us = match self.login(log).await? {
            Some(login) => Some(login),
            // the creator of our tickets is Milepost
            None => ticket.creator.as_ref().map(|who| who.id.as_str()),
        };
        Ok(by.filter(|by| Some(by.as_str()) != us))
    }

    /// What people did in a ticket; where its history is closed to the token, who has it alone.
    async fn activity(&self, ticket: &Ticket, log: &dyn CallLog) -> Result<Activity, CallError> {
        let assignee = ticket.owner.as_ref().map(|owner| owner.id.clone()).filter(|owner| owner != UNOWNED);
        let mut activity = Activity { assignee, changed_at: changed_at(ticket), ..Activity::default() };
        let us = self.login(log).await?.map(str::to_owned);
        let us = us.or_else(|| ticket.creator.as_ref().map(|who| who.id.clone()));
        let query = format!(
            "ObjectType = 'RT::Ticket' AND ObjectId = {} AND (Type = 'Correspond' OR Type = 'Comment')",
            digits(&ticket.id)?
        );
        let per_page = HISTORY_PAGE.to_string();
        for page in 1..=TEXTS_PAGES_MAX {
            let page = page.to_string();
            let parameters = [
                ("query", query.as_str()),
                ("fields", "Type,Creator,Created"),
                ("orderby", "id"),
                ("per_page", &per_page),
                ("page", &page),
            ];
            let texts: wire::Page<wire::Transaction> =
                match self.client.get("transactions/texts", "transactions", &parameters, log).await {
                    Ok(texts) => texts,
                    Err(e) if matches!(e.class, ErrorClass::Forbidden | ErrorClass::NotFound) => break,
                    Err(e) => return Err(e),
                };
            let by_agents = |text: &&wire::Transaction| {
                let who = text.creator.as_ref().map(|who| &who.id);
                who != us.as_ref() && ticket.requestors.iter().all(|customer| Some(&customer.id) != who)
            };
            for text in texts.items.iter().filter(by_agents) {
                match text.kind.as_deref() {
                    Some("Correspond") => activity.replies += 1,
                    Some("Comment") => activity.notes += 1,
                    _ => continue,
                }
                activity.last_at = activity.last_at.max(text.created.as_deref().and_then(|at| at.parse().ok()));
            }
            if texts.items.len() < HISTORY_PAGE as usize {
                break;
            }
        }
        Ok(activity)
    }

    /// The tickets that a search shows, by what it is ordered by.
    async fn listed(&self, query: &str, log: &dyn CallLog) -> Result<wire::Page<Value>, CallError> {
        let per_page = POLL_PAGE.to_string();
        let parameters = [
            ("query", query),
            ("fields", "Status,LastUpdated"),
            ("orderby", "LastUpdated"),
            ("order", "ASC"),
            ("orderby", "id"),
            ("order", "ASC"),
            ("per_page", &per_page),
        ];
        self.client.get("tickets/changed", "tickets", &parameters, log).await
    }

    /// Whether a note with this mark is there.
    async fn has_note(&self, number: &str, mark: &str, log: &dyn CallLog) -> Result<bool, CallError> {
        let per_page = HISTORY_PAGE.to_string();
        for page in 1..=HISTORY_PAGES_MAX {
            // the subjects alone: contents may be large files
            let page = page.to_string();
            let parameters = [("fields", "Subject"), ("per_page", per_page.as_str()), ("page", &page)];
            let texts: wire::Page<wire::Text> = self
                .client
                .get("ticket/attachments", &format!("ticket/{number}/attachments"), &parameters, log)
                .await?;
            if texts.items.iter().any(|t| t.subject.as_deref().is_some_and(|s| s.contains(mark))) {
                return Ok(true);
            }
            // a page may be short because of what the token may not see: only an empty one is the last
            if texts.items.is_empty() {
                return Ok(false);
            }
        }
        Err(CallError::new(
            ErrorClass::Rejected,
            format!("ticket {number} has a history too long to look through: close it"),
        ))
    }

    async fn post_once(&self, ticket: &Ticket, note_key: &str, body: &str, log: &dyn CallLog) -> Result<(), CallError> {
        let mark = mark(note_key);
        if self.has_note(&ticket.id, &mark, log).await? {
            return Ok(());
        }
        // a comment is internal and leaves the status alone; a reply would go to the requestor and reopen the ticket
        let comment = json!({"Subject": format!("Milepost {mark}"), "Content": cut(body, BODY_CHARS_MAX), "ContentType": "text/plain"});
        let path = format!("ticket/{}/comment", ticket.id);
        match self.client.change("ticket/comment", Method::POST, &path, comment, log).await {
            // a missing right is answered as what is wrong with the comment
            Err(error)
                if matches!(error.class, ErrorClass::Forbidden | ErrorClass::Rejected) && !ticket.offers("comment") =>
            {
                Err(self.refused_change(ticket, "CommentOnTicket", error, log).await)
            }
            done => done,
        }
    }

    /// Names the customer of a ticket that was just made. Not with its making: RT as installed answers requestors of a new ticket by mail
    /// (the scrip *On Create Autoreply To Requestors*). Where that is refused, the ticket stands without.
    async fn name_customer(&self, number: &str, email: &str, log: &dyn CallLog) -> Result<(), CallError> {
        let (path, body) = (format!("ticket/{number}"), json!({"Requestor": [email]}));
        match self.client.change("ticket/requestor", Method::PUT, &path, body, log).await {
            Err(error) if matches!(error.class, ErrorClass::Forbidden | ErrorClass::Rejected) => {
                tracing::warn!(ticket = number, "the desk did not take the customer: {error}");
                Ok(())
            }
            named => named.map_err(once_made),
        }
    }

    async fn put_status(&self, ticket: &Ticket, wanted: &str, log: &dyn CallLog) -> Result<(), CallError> {
        let path = format!("ticket/{}", ticket.id);
        self.client.change("ticket/status", Method::PUT, &path, json!({"Status": wanted}), log).await?;
        let now = self.ticket(&ticket.id, log).await?;
        if status_of(&now.status) == status_of(wanted) {
            return Ok(());
        }
        let text = format!(
            "ticket {} does not become {wanted}: the desk's lifecycle or the token's rights do not allow it",
            now.id
        );
        let error = CallError::new(ErrorClass::Rejected, text).saying(&now.status);
        match now.offers("lifecycle") {
            true => Err(error),
            false => Err(self.refused_change(&now, "ModifyTicket", error, log).await),
        }
    }

    /// Somebody was faster, or the queue does not keep the field.
    async fn give_way(
        &self,
        queue: &str,
        made: Ticket,
        first: Option<Ticket>,
        log: &dyn CallLog,
    ) -> Result<DeskCase, CallError> {
        // one that keeps another key did not keep this one because a ticket has it that is out of sight
        let dropped = first.is_none() && !self.keeps_key_now(&made.id, log).await.map_err(once_made)?;
        if dropped {
            self.remember_key(queue, KeyField::Dropped(made.id.clone()));
        }
        let body = match &first {
            Some(first) => format!("Made twice at the same time; ticket {} is the one.", first.id),
            None => format!("The queue did not keep the field \"{KEY_FIELD}\"."),
        };
        self.post_once(&made, "superfluous", &body, log).await.map_err(once_made)?;
        self.put_status(&made, "resolved", log).await.map_err(once_made)?;
        match first {
            Some(first) => Ok(self.case(&first)),
            None if dropped => Err(drops_key(queue)),
            None => {
                let text = format!("ticket {} lost its key to one that the token's user does not see", made.id);
                Err(CallError::new(ErrorClass::Rejected, text))
            }
        }
    }
}

#[async_trait]
impl Desk for RequestTracker {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    async fn version(&self, log: &dyn CallLog) -> Result<Option<String>, CallError> {
        match self.client.get::<wire::About>("rt", "rt", &[], log).await {
            Ok(about) => Ok(about.version),
            Err(error) if error.class == ErrorClass::Forbidden => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn check(&self, log: &dyn CallLog) -> Result<Vec<Missing>, CallError> {
        self.missing(log).await
    }

    async fn find(&self, external_key: &str, log: &dyn CallLog) -> Result<Option<DeskCase>, CallError> {
        let found = self.tickets_of(&hashed(external_key), log).await?;
        Ok(found.first().map(|t| self.case(t)))
    }

    async fn create(&self, case: &NewCase, log: &dyn CallLog) -> Result<DeskCase, CallError> {
        let (key, queue) = (hashed(&case.external_key), case.queue.as_deref().unwrap_or(&self.queue));
        let mut fields = json!({
            KEY_FIELD: key,
            "Tracking Number": case.tracking_number,
            "Carrier": case.carrier,
            "Exception Code": case.exception_code,
            SEVERITY_FIELD: case.severity.label(),
            TAGS_FIELD: case.tags,
        });
        if let Some(url) = &case.odoo_url {
            fields["Odoo URL"] = json!(url);
        }
        let mut body = json!({
            "Queue": queue,
            "Subject": line(&case.subject, SUBJECT_CHARS_MAX),
            "Content": cut(&case.body, BODY_CHARS_MAX),
            "ContentType": "text/plain",
            "Priority": priority(case.severity),
            "CustomFields": fields,
        });
        if let Some(earlier) = case.follows.as_deref().and_then(|number| digits(number).ok()) {
            body["RefersTo"] = json!([earlier]);
        }
        self.require_key(queue, log).await?;
        let made: wire::Made = match self.client.create("ticket/create", "ticket", body, log).await {
            Err(error) => return Err(self.refused_ticket(queue, error, log).await),
            Ok(made) => made,
        };
        let ticket = self.ticket(&made.id, log).await.map_err(once_made)?;
        // where the desk does not keep the values of the field unique, both have the key
        let first = self
            .tickets_of(&key, log)
            .await
            .map_err(once_made)?
            .into_iter()
            .next()
            .filter(|first| first.id != ticket.id);
        if first.is_some() || !has_field(&ticket, KEY_FIELD, &key) {
            return self.give_way(queue, ticket, first, log).await;
        }
        if let Some(requester) = &case.requester {
            self.name_customer(&ticket.id, &requester.email, log).await?;
        }
        // dropped values do no harm to us, but somebody will miss them
        for (name, value) in fields.as_object().into_iter().flatten() {
            if value.as_str().is_some_and(|v| !v.is_empty() && !has_field(&ticket, name, v)) {
                tracing::warn!(
                    ticket = ticket.id,
                    field = name,
                    "the desk did not keep a field: check its type and values"
                );
            }
        }
        Ok(self.case(&ticket))
    }

    async fn look(&self, number: &str, known: DeskStatus, log: &dyn CallLog) -> Result<Look, CallError> {
        let ticket = match self.ticket(number, log).await {
            Ok(ticket) => ticket,
            Err(e) if matches!(e.class, ErrorClass::Forbidden | ErrorClass::NotFound) => {
                let url = self.client.page(number);
                let case = DeskCase { number: number.to_owned(), url, status: DeskStatus::Hidden };
                return Ok(Look {
                    case,
                    activity: Activity::default(),
                    by: (known != DeskStatus::Hidden).then(|| SOMEBODY.to_owned()),
                });
            }
            Err(e) => return Err(e),
        };
        let case = self.case(&ticket);
        let by = if case.status == known { None } else { self.moved_by(&ticket, log).await? };
        let activity = self.activity(&ticket, log).await?;
        Ok(Look { case, activity, by })
    }

    async fn changed(&self, from: &PollFrom, log: &dyn CallLog) -> Result<Changed, CallError> {
        let page = self.listed(&query_of(from)?, log).await?;
        let (shown, total) = (page.items.len(), page.total);
        let tickets = readable(page.items);
        let newest = tickets.iter().filter_map(changed_at).max();
        let more = total.map_or(shown >= POLL_PAGE, |total| total > shown as u64);
        let next = tickets.last().zip(newest).filter(|_| more).map(|(last, newest)| cursor_of(newest, &last.id));
        let cases = tickets.iter().map(|t| Change { case: self.case(t), at: changed_at(t) }).collect();
        Ok(Changed { cases, next, newest })
    }

    async fn shown(&self, numbers: &[String], log: &dyn CallLog) -> Result<Vec<DeskCase>, CallError> {
        let ids: Vec<_> = numbers.iter().take(SHOWN_MAX).filter_map(|n| digits(n).ok()).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let query = ids.iter().map(|id| format!("id = {id}")).collect::<Vec<_>>().join(" OR ");
        let page = self.listed(&query, log).await?;
        Ok(readable(page.items).iter().map(|t| self.case(t)).collect())
    }

    async fn note(&self, number: &str, note_key: &str, body: &str, log: &dyn CallLog) -> Result<(), CallError> {
        let ticket = self.ticket(number, log).await?;
        match status_of(&ticket.status) {
            DeskStatus::Gone | DeskStatus::Hidden => Ok(()),
            DeskStatus::Open | DeskStatus::Resolved | DeskStatus::Rejected => {
                self.post_once(&ticket, note_key, body, log).await
            }
        }
    }

    async fn resolve(&self, number: &str, note_key: &str, body: &str, log: &dyn CallLog) -> Result<(), CallError> {
        let ticket = self.ticket(number, log).await?;
        if status_of(&ticket.status) == DeskStatus::Gone {
            return Ok(());
        }
        self.post_once(&ticket, note_key, body, log).await?;
        if matches!(status_of(&ticket.status), DeskStatus::Resolved | DeskStatus::Rejected) {
            return Ok(());
        }
        self.put_status(&ticket, "resolved", log).await
    }

    async fn reopen(&self, number: &str, note_key: &str, body: &str, log: &dyn CallLog) -> Result<Reopened, CallError> {
        let ticket = match self.ticket(number, log).await {
            Ok(ticket) => ticket,
            Err(e) if matches!(e.class, ErrorClass::Forbidden | ErrorClass::NotFound) => return Ok(Reopened::FollowUp),
            Err(e) => return Err(e),
        };
        match status_of(&ticket.status) {
            DeskStatus::Gone | DeskStatus::Hidden => return Ok(Reopened::FollowUp),
            DeskStatus::Resolved | DeskStatus::Rejected => self.put_status(&ticket, "open", log).await?,
            DeskStatus::Open => {}
        }
        self.post_once(&ticket, note_key, body, log).await?;
        Ok(Reopened::Open)
    }

    async fn label(&self, number: &str, labels: &Labels, log: &dyn CallLog) -> Result<(), CallError> {
        self.put_labels(number, labels, log).await
    }

    async fn set_context(&self, number: &str, context: &str, log: &dyn CallLog) -> Result<(), CallError> {
        let ticket = self.ticket(number, log).await?;
        let context = cut(context, BODY_CHARS_MAX);
        if status_of(&ticket.status) == DeskStatus::Gone || has_field(&ticket, CONTEXT_FIELD, &context) {
            return Ok(());
        }
        let fields = json!({"CustomFields": {CONTEXT_FIELD: context}});
        self.client.change("ticket/context", Method::PUT, &format!("ticket/{}", ticket.id), fields, log).await
    }

    /// As a scrip of the queue sends it (docs/DESKS.md has it): the signature is over time and body.
    fn read_hook(&self, hook: &Hook<'_>) -> Result<HookReport, HookRefusal> {
        let at = hook.header(SIGNED_AT).ok_or(HookRefusal::Unproven)?;
        hook.signed_base64(Hash::Sha256, SIGNATURE, &[at.as_bytes(), hook.body])?;
        let at = at.parse().ok().and_then(|at| Timestamp::from_second(at).ok()).ok_or(HookRefusal::Unreadable)?;
        hook.is_recent(at)?;
        let body = hook.json()?;
        let number = number_of(&body["ticket"]["id"]).filter(|number| digits(number).is_ok());
        Ok(HookReport { delivery: number_of(&body["event_id"]), numbers: number.into_iter().collect() })
    }
}

/// The search for what changed. Behind a page it goes on in the second of its last ticket: more than a page may have
/// changed within one.
fn query_of(from: &PollFrom) -> Result<String, CallError> {
    let ours = format!("'CF.{{{KEY_FIELD}}}' LIKE 'mp-'");
    match from {
        PollFrom::Since(at) => Ok(format!("{ours} AND LastUpdated >= '{}'", searched(*at))),
        PollFrom::After(cursor) => {
            let odd = || CallError::new(ErrorClass::Rejected, "the poll's cursor cannot be read");
            let (at, id) = cursor.split_once('/').ok_or_else(odd)?;
            let (at, id) = (searched(at.parse::<Timestamp>().map_err(|_| odd())?), digits(id)?);
            Ok(format!("{ours} AND LastUpdated >= '{at}' AND (LastUpdated > '{at}' OR id > {id})"))
        }
    }
}

fn changed_at(ticket: &Ticket) -> Option<Timestamp> {
    ticket.last_updated.as_deref()?.parse().ok()
}

fn cursor_of(at: Timestamp, id: &str) -> String {
    format!("{at}/{id}")
}

/// A time as a search reads it.
fn searched(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S GMT").to_string()
}

/// A text between quotes in TicketSQL.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\'', "\\'")
}

/// A ticket's number goes into an address.
fn digits(number: &str) -> Result<&str, CallError> {
    match !number.is_empty() && number.len() <= 18 && number.bytes().all(|b| b.is_ascii_digit()) {
        true => Ok(number),
        false => Err(CallError::new(ErrorClass::NotFound, "a ticket's number has digits only")),
    }
}

/// RT 5 as installed shows a priority as the word at or below it: Low 0, Medium 50, High 100 (`%PriorityAsString`).
#[cfg(test)]
mod tests;
