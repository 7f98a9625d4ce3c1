//! Gorgias over its REST interface, `/api` (<https://developers.gorgias.com/reference>). Recorded from its documentation, not from a
//! running one.
//!
//! - `external_id` is free text, not unique, and whether the list by it lags is not stated: Milepost is the guard, and waits before it
//!   makes a second ticket. Lists have what is in the trash too.
//! - The first message is an internal note: of another channel it could be mailed to the customer.
//! - Messages have an `external_id`: a note is known by it before it is posted again. The context is one such note, whose text changes.
//! - A snoozed ticket counts as closed there, and as open here.
//! - A ticket that was merged into another disappears with its number.
//! - Reports are HTTP integrations, unsigned.

mod wire;

#[cfg(test)]
mod tests;

use crate::{
    Activity, Change, Changed, Closed, Desk, DeskCase, DeskConfig, DeskStatus, HookProof, KeyGuard, Labels, Look,
    Manifest, NewCase, PollFrom, Reopened, SHOWN_MAX, SOMEBODY,
    hooks::{Hook, HookRefusal, HookReport, number_of},
    marks::{CONTEXT_MARK, cut, html, is_ours, key as hashed, line, mark},
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
use std::{sync::Arc, time::Duration};
use tokio::sync::OnceCell;
use wire::{is_public, list, priority, refusal, status_of, updated};

pub(super) static MANIFEST: Manifest = Manifest {
    id: "gorgias",
    label: "Gorgias",
    key: KeyGuard::Milepost,
    find_lag: Duration::from_mins(10),
    closed: Closed::Reopens,
    hooks: HookProof::SharedSecret,
    queues: Some("team"),
};

/// Maximum length of a subject and of a text, in characters.
const SUBJECT_CHARS_MAX: usize = 250;
const BODY_CHARS_MAX: usize = 20_000;
/// Rows of one page.
const PAGE: &str = "100";
/// Pages of one ticket's messages that are read.
const MESSAGE_PAGES_MAX: usize = 10;

struct Gorgias {
    rest: Rest,
    team: String,
    /// Our own id there.
    us: OnceCell<u64>,
    team_id: OnceCell<u64>,
}

pub(super) fn template() -> Template {
    let pages: &[&str] = &["app", "api"];
    let fields = vec![
        Field::new("url", "URL", FieldKind::Url { pages }, "The address under which you open Gorgias.").required(),
        Field::new("email", "User's e-mail address", FieldKind::Text, "Of the user whose API key it is.").required(),
        Field::new(
            "queue",
            "Team",
            FieldKind::Text,
            "The team that takes the tickets; if empty, Gorgias' own rules route them.",
        ),
        Field::poll_seconds(),
        Field::requester(),
        Field::concurrency(),
        // 40 calls in 20 seconds, of all integrations with keys together
        Field::calls_per_second().or("2"),
    ];
    Template {
        id: MANIFEST.id,
        label: MANIFEST.label,
        family: Family::Desk,
        version: 1,
        fields,
        secret_label: "API key",
        secret_help: "Make one in Gorgias as the integration's user: Settings, REST API.",
        reads: "Tickets",
        writes: "Tickets, internal notes, status",
        signs_in: "API key",
    }
}

pub(super) fn connect(config: DeskConfig) -> Result<Arc<dyn Desk>, CallError> {
    let http = rest::client(&config)?;
    let base = rest::base(&config, &["app", "api"])?;
    let sign_in = SignIn::Key("Basic", config.token.behind(&format!("{}:", config.options.required("email")?)));
    Ok(Arc::new(Gorgias {
        rest: Rest::new(http, base, sign_in, refusal),
        team: config.queue.trim().to_owned(),
        us: OnceCell::new(),
        team_id: OnceCell::new(),
    }))
}

fn missing_team(name: &str) -> Missing {
    Missing { what: format!("team {name}"), todo: "spell it as Gorgias does".into() }
}

impl Gorgias {
    fn page(&self, number: &str) -> String {
        format!("{}/app/ticket/{number}", self.rest.base())
    }

    fn case(&self, ticket: &Value) -> Option<DeskCase> {
        let number = number_of(&ticket["id"])?;
        Some(DeskCase { url: self.page(&number), number, status: status_of(ticket) })
    }

    fn read(&self, ticket: &Value) -> Result<DeskCase, CallError> {
        self.case(ticket).ok_or_else(|| CallError::new(ErrorClass::BadAnswer, "the answer is no ticket"))
    }

    /// Our own id: user 0 is who asks.
    async fn us(&self, log: &dyn CallLog) -> Result<u64, CallError> {
        let me = || async {
            let me = self.rest.get("users/0", "api/users/0", &[], log).await?;
            let odd = || CallError::new(ErrorClass::BadAnswer, "the answer names no user");
            me["id"].as_u64().ok_or_else(odd)
        };
        self.us.get_or_try_init(me).await.copied()
    }

    async fn team(&self, name: &str, log: &dyn CallLog) -> Result<Option<u64>, CallError> {
        let answer = self.rest.get("teams", "api/teams", &[("limit", PAGE)], log).await?;
        let mut teams = list(&answer)?.iter();
        Ok(teams.find(|team| text(team, "/name") == name).and_then(|team| team["id"].as_u64()))
    }

    /// The team that takes a ticket: this one, else the connection's; none where none is set.
    async fn team_id(&self, name: Option<&str>, log: &dyn CallLog) -> Result<Option<u64>, CallError> {
        let name = name.unwrap_or(&self.team);
        if name.is_empty() {
            return Ok(None);
        }
        let id = || async {
            let error = || CallError::new(ErrorClass::Misconfigured, format!("missing: {}", missing_team(name)));
            self.team(name, log).await?.ok_or_else(error)
        };
        if name != self.team {
            return id().await.map(Some);
        }
        self.team_id.get_or_try_init(id).await.copied().map(Some)
    }

    async fn ticket(&self, number: &str, log: &dyn CallLog) -> Result<Value, CallError> {
        self.rest.get("ticket", &format!("api/tickets/{}", digits(number)?), &[], log).await
    }

    /// A ticket that can be written to; none where it is gone.
    async fn writable(&self, number: &str, log: &dyn CallLog) -> Result<Option<Value>, CallError> {
        match self.ticket(number, log).await {
            Ok(ticket) => Ok(Some(ticket).filter(|ticket| status_of(ticket) != DeskStatus::Gone)),
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn messages(&self, number: &str, log: &dyn CallLog) -> Result<Vec<Value>, CallError> {
        let path = format!("api/tickets/{}/messages", digits(number)?);
        let (mut all, mut cursor) = (Vec::new(), None::<String>);
        for _ in 0..MESSAGE_PAGES_MAX {
            let mut query = vec![("limit", PAGE)];
            if let Some(cursor) = &cursor {
                query.push(("cursor", cursor));
            }
            let answer = self.rest.get("messages", &path, &query, log).await?;
            all.extend_from_slice(list(&answer)?);
            cursor = answer["meta"]["next_cursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                break;
            }
        }
        Ok(all)
    }

    /// An internal note under a key of ours.
    async fn note_of(&self, key: &str, body: &str, log: &dyn CallLog) -> Result<Value, CallError> {
        let whole = format!("{}\n{key}", cut(body, BODY_CHARS_MAX));
        Ok(json!({
            "channel": "internal-note", "via": "api", "from_agent": true, "public": false, "sender": {"id": self.us(log).await?},
            "external_id": key, "body_text": whole, "body_html": html(&whole),
        }))
    }

    async fn post_once(&self, number: &str, key: &str, body: &str, log: &dyn CallLog) -> Result<(), CallError> {
        let mark = mark(key);
        if self.messages(number, log).await?.iter().any(|message| text(message, "/external_id") == mark) {
            return Ok(());
        }
        let (path, note) = (format!("api/tickets/{number}/messages"), self.note_of(&mark, body, log).await?);
        self.rest.send("message/create", Method::POST, &path, note, log).await.map(drop)
    }

    async fn put_status(&self, number: &str, wanted: &str, log: &dyn CallLog) -> Result<(), CallError> {
        let path = format!("api/tickets/{}", digits(number)?);
        let now = self.rest.send("ticket/status", Method::PUT, &path, json!({"status": wanted}), log).await?;
        if text(&now, "/status") == wanted {
            return Ok(());
        }
        Err(CallError::new(ErrorClass::Rejected, format!("ticket {number} does not become {wanted}")))
    }

    /// Who closed or opened a ticket last, unless that was us.
    async fn moved_by(&self, number: &str, log: &dyn CallLog) -> Result<Option<String>, CallError> {
        let query =
            [("object_type", "Ticket"), ("object_id", number), ("order_by", "created_datetime:desc"), ("limit", PAGE)];
        let events = match self.rest.get("events", "api/events", &query, log).await {
            // not every key may read them
            Err(error) if is_gone(&error) => return Ok(Some(SOMEBODY.to_owned())),
            events => events?,
        };
        let is_move = |event: &&Value| {
            matches!(text(event, "/type"), "ticket-closed" | "ticket-reopened" | "ticket-trashed" | "ticket-untrashed")
        };
        let by = list(&events)?.iter().find(is_move).and_then(|event| event["user_id"].as_u64());
        match by {
            Some(by) if by == self.us(log).await? => Ok(None),
            Some(by) => match self.rest.get("users", &format!("api/users/{by}"), &[], log).await {
                Ok(user) if !text(&user, "/name").is_empty() => Ok(Some(text(&user, "/name").to_owned())),
                Err(error) if !is_gone(&error) => Err(error),
                _ => Ok(Some(SOMEBODY.to_owned())),
            },
            None => Ok(Some(SOMEBODY.to_owned())),
        }
    }

    async fn activity(&self, ticket: &Value, number: &str, log: &dyn CallLog) -> Result<Activity, CallError> {
        let set = |pointer| Some(text(ticket, pointer)).filter(|name| !name.is_empty()).map(str::to_owned);
        let mut activity = Activity {
            assignee: set("/assignee_user/name"),
            team: set("/assignee_team/name"),
            changed_at: updated(ticket),
            ..Activity::default()
        };
        for message in self.messages(number, log).await? {
            let ours = is_ours(text(&message, "/external_id")) || is_ours(text(&message, "/body_text"));
            // what did not go out is no reply
            if ours || message["from_agent"] != json!(true) || !message["failed_datetime"].is_null() {
                continue;
            }
            match is_public(&message) {
                true => activity.replies += 1,
                false => activity.notes += 1,
            }
            activity.last_at = activity.last_at.max(wire::time(&message["created_datetime"]));
        }
        Ok(activity)
    }

    async fn new_ticket(&self, case: &NewCase, key: &str, log: &dyn CallLog) -> Result<Value, CallError> {
        let links = case.odoo_url.iter().map(|url| format!("\n\nOrder: {url}"));
        let body = format!("{}{}", case.body, links.collect::<String>());
        let subject = line(&case.subject, SUBJECT_CHARS_MAX);
        let mut ticket = json!({
            "external_id": key, "subject": subject, "channel": "api", "via": "api", "from_agent": true, "status": "open",
            "priority": priority(case.severity), "tags": case.tags.iter().map(|tag| json!({"name": tag})).collect::<Value>(),
            "meta": {
                "tracking_number": case.tracking_number, "carrier": case.carrier, "exception_code": case.exception_code,
                "milepost_url": case.milepost_url,
            },
            "messages": [self.note_of(&mark(&case.external_key), &body, log).await?],
        });
        if let Some(requester) = &case.requester {
            ticket["customer"] = json!({"email": requester.email, "name": requester.name});
        }
        if let Some(team) = self.team_id(case.queue.as_deref(), log).await? {
            ticket["assignee_team"] = json!({"id": team});
        }
        Ok(ticket)
    }
}

#[async_trait]
impl Desk for Gorgias {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    async fn version(&self, log: &dyn CallLog) -> Result<Option<String>, CallError> {
        self.us(log).await.map(|_| None)
    }

    async fn check(&self, log: &dyn CallLog) -> Result<Vec<Missing>, CallError> {
        self.us(log).await?;
        if self.team.is_empty() || self.team(&self.team, log).await?.is_some() {
            return Ok(Vec::new());
        }
        Ok(vec![missing_team(&self.team)])
    }

    async fn find(&self, external_key: &str, log: &dyn CallLog) -> Result<Option<DeskCase>, CallError> {
        let key = hashed(external_key);
        let query = [("external_id", key.as_str()), ("limit", PAGE)];
        let answer = self.rest.get("tickets", "api/tickets", &query, log).await?;
        let ours = |ticket: &&Value| text(ticket, "/external_id") == key && status_of(ticket) != DeskStatus::Gone;
        let first = list(&answer)?.iter().filter(ours).min_by_key(|ticket| ticket["id"].as_u64());
        Ok(first.and_then(|ticket| self.case(ticket)))
    }

    async fn create(&self, case: &NewCase, log: &dyn CallLog) -> Result<DeskCase, CallError> {
        let key = hashed(&case.external_key);
        let ticket = self.new_ticket(case, &key, log).await?;
        let made = self.rest.send("ticket/create", Method::POST, "api/tickets", ticket, log).await?;
        let made_case = self.read(&made).map_err(once_made)?;
        if text(&made, "/external_id") != key {
            self.put_status(&made_case.number, "closed", log).await.map_err(once_made)?;
            let message = "tickets do not keep their external id: no ticket would be found again";
            return Err(CallError::new(ErrorClass::Misconfigured, message));
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
        let by = if case.status == known { None } else { self.moved_by(number, log).await? };
        Ok(Look { activity: self.activity(&ticket, number, log).await?, case, by })
    }

    /// The newest come first: what changes while it is paged comes with the next poll.
    async fn changed(&self, from: &PollFrom, log: &dyn CallLog) -> Result<Changed, CallError> {
        let paging = Paging::of(from)?;
        let mut query = vec![("order_by", "updated_datetime:desc"), ("limit", PAGE), ("trashed", "true")];
        if let Some(cursor) = &paging.cursor {
            query.push(("cursor", cursor));
        }
        let answer = self.rest.get("tickets", "api/tickets", &query, log).await?;
        let tickets = list(&answer)?;
        let fresh = tickets.iter().filter(|ticket| updated(ticket).is_none_or(|at| at >= paging.since));
        let ours = fresh.filter(|ticket| text(ticket, "/external_id").starts_with("mp-"));
        let mut cases: Vec<_> =
            ours.filter_map(|ticket| Some(Change { case: self.case(ticket)?, at: updated(ticket) })).collect();
        cases.reverse();
        let more = tickets.iter().filter_map(updated).min().is_some_and(|oldest| oldest >= paging.since);
        let next = answer["meta"]["next_cursor"].as_str().filter(|_| more).map(|cursor| paging.next(cursor));
        Ok(Changed { cases, next, newest: tickets.iter().filter_map(updated).max() })
    }

    async fn shown(&self, numbers: &[String], log: &dyn CallLog) -> Result<Vec<DeskCase>, CallError> {
        let wanted: Vec<_> = numbers.iter().take(SHOWN_MAX).filter_map(|number| digits(number).ok()).collect();
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let ids = wanted.join(",");
        let query = [("ticket_ids", ids.as_str()), ("limit", PAGE), ("trashed", "false")];
        let answer = self.rest.get("tickets", "api/tickets", &query, log).await?;
        let shown = list(&answer)?.iter().filter_map(|ticket| self.case(ticket));
        Ok(shown.filter(|case| case.status != DeskStatus::Gone && wanted.contains(&case.number.as_str())).collect())
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
        self.put_status(number, "closed", log).await
    }

    async fn reopen(&self, number: &str, note_key: &str, body: &str, log: &dyn CallLog) -> Result<Reopened, CallError> {
        let Some(ticket) = self.writable(number, log).await? else { return Ok(Reopened::FollowUp) };
        if status_of(&ticket) == DeskStatus::Resolved {
            self.put_status(number, "open", log).await?;
        }
        self.post_once(number, note_key, body, log).await?;
        Ok(Reopened::Open)
    }

    async fn label(&self, number: &str, labels: &Labels, log: &dyn CallLog) -> Result<(), CallError> {
        if self.writable(number, log).await?.is_none() {
            return Ok(());
        }
        let path = format!("api/tickets/{}", digits(number)?);
        if !labels.tags.is_empty() {
            let body = json!({"names": labels.tags});
            self.rest.send("ticket/tags", Method::POST, &format!("{path}/tags"), body, log).await?;
        }
        if let Some(severity) = labels.severity {
            let body = json!({"priority": priority(severity)});
            self.rest.send("ticket/priority", Method::PUT, &path, body, log).await?;
        }
        Ok(())
    }

    async fn set_context(&self, number: &str, context: &str, log: &dyn CallLog) -> Result<(), CallError> {
        if self.writable(number, log).await?.is_none() {
            return Ok(());
        }
        let note = self.note_of(CONTEXT_MARK, context, log).await?;
        let messages = self.messages(number, log).await?;
        let kept = messages.iter().find(|message| text(message, "/external_id") == CONTEXT_MARK);
        let path = format!("api/tickets/{number}/messages");
        let (method, path) = match kept.and_then(|message| Some((message, message["id"].as_u64()?))) {
            Some((message, _)) if message["body_text"] == note["body_text"] => return Ok(()),
            Some((_, id)) => (Method::PUT, format!("{path}/{id}")),
            None => (Method::POST, path),
        };
        self.rest.send("message/context", method, &path, note, log).await.map(drop)
    }

    /// Of an HTTP integration whose body has `ticket_id`, or the ticket itself: docs/DESKS.md.
    fn read_hook(&self, hook: &Hook<'_>) -> Result<HookReport, HookRefusal> {
        hook.has_secret()?;
        let body = hook.json()?;
        let number = [&body["ticket_id"], &body["ticket"]["id"]].into_iter().find_map(number_of);
        let number = number.filter(|number| digits(number).is_ok());
        Ok(HookReport { delivery: None, numbers: number.into_iter().collect() })
    }
}
