//! Helpdesk in Odoo: Odoo's own app (Enterprise) and OCA's `helpdesk_mgmt`, which share the model `helpdesk.ticket`. What differs is in
//! `edition`.
//!
//! - A ticket is made with `load` under an external id, which Odoo keeps unique: a second one changes the first ticket instead. Where
//!   that was deleted, `load` makes another: the link is checked for a ticket that is there.
//! - Every write goes without tracking, since a stage may have a template that is mailed to the customer; notes are internal.
//! - Archived tickets are asked for too: else they would look deleted. Record rules hide tickets: the integration's user needs all of
//!   a team's.
//! - A note has a `message_id` of ours, by which it is found before it is posted. The context is one such note, whose text changes.
//! - Milepost's writes leave no line in a ticket's log, an agent's change of the stage does: who gave a ticket its stage is the author of
//!   the line of that time.
//! - Messages do not move a ticket's `write_date`: a poll asks for both.

mod edition;

use crate::{
    Activity, Change, Changed, Closed, Desk, DeskCase, DeskConfig, DeskStatus, HookProof, KeyGuard, Labels, Look,
    Manifest, NewCase, PollFrom, Reopened, SHOWN_MAX, SOMEBODY,
    cursor::Cursor,
    hooks::{Hook, HookRefusal, HookReport, number_of},
    marks::{cut, html, key as hashed, line},
    once_made,
};
use async_trait::async_trait;
use domain::Severity;
use edition::{Edition, MODEL};
use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};
use odoo::{OdooClient, OdooConfig};
use outbound::{
    CallError, CallLog, ErrorClass,
    missing::Missing,
    schema::{Field, FieldKind},
    template::{Family, Template},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::{OnceCell, RwLock};

pub(super) static MANIFEST: Manifest = Manifest {
    id: "odoo_helpdesk",
    label: "Odoo Helpdesk",
    key: KeyGuard::Desk,
    find_lag: Duration::ZERO,
    closed: Closed::Reopens,
    hooks: HookProof::SharedSecret,
    queues: Some("team"),
};

/// The module of our external ids.
const MODULE: &str = "milepost";
/// Maximum length of a subject and of a text, in characters.
const SUBJECT_CHARS_MAX: usize = 250;
const BODY_CHARS_MAX: usize = 20_000;
/// Tickets of one page of a poll.
const PAGE: usize = 100;
/// Messages that one poll reads.
const MESSAGES_MAX: usize = 500;
/// So far from the time of a stage is the line about it, or our note that came with it.
const NEAR: SignedDuration = SignedDuration::from_secs(5);
/// Names of stages of rejected tickets, as both helpdesks are installed.
const REJECTED: &str = "Cancelled, Rejected";

struct Helpdesk {
    odoo: OdooClient,
    team: String,
    rejected: Vec<String>,
    edition: RwLock<Option<Arc<Edition>>>,
    us: OnceCell<Us>,
}

/// The integration's user.
#[derive(Clone, Copy)]
struct Us {
    user: i64,
    partner: i64,
}

pub(super) fn template() -> Template {
    let pages: &[&str] = &["web", "odoo", "jsonrpc", "json"];
    let fields = vec![
        Field::new("url", "URL", FieldKind::Url { pages }, "The address under which you open Odoo.").required(),
        Field::new("database", "Database", FieldKind::Text, "The name of the database.").required(),
        Field::new("login", "Login", FieldKind::Text, "The login of the integration user; Odoo 16 to 18 want it."),
        Field::new("queue", "Team", FieldKind::Text, "The helpdesk team that takes the tickets.").required(),
        Field::new(
            "rejected_stages",
            "Stages of rejected tickets",
            FieldKind::Text,
            "Names of closed stages, as the integration user reads them: nothing is done about a ticket there, and the exception stays open.",
        )
        .or(REJECTED),
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
        secret_help: "Make one in Odoo as the integration user: Preferences, Account Security, New API Key.",
        reads: "Helpdesk tickets",
        writes: "Tickets, internal notes, stage",
        signs_in: "API key",
    }
}

pub(super) fn connect(config: DeskConfig) -> Result<Arc<dyn Desk>, CallError> {
    let team = config.queue.trim().to_owned();
    if team.is_empty() {
        return Err(CallError::new(ErrorClass::Misconfigured, "the desk needs a team's name"));
    }
    let database = config.options.required("database")?;
    let odoo = OdooClient::new(OdooConfig {
        login: config.options.text("login").map(str::to_owned),
        calls_per_second: config.calls_per_second,
        ..OdooConfig::new(config.url.clone(), database, config.token)
    })?;
    let rejected = config.options.text("rejected_stages").unwrap_or(REJECTED);
    let rejected = rejected.split(',').map(|name| name.trim().to_lowercase()).collect();
    Ok(Arc::new(Helpdesk { odoo, team, rejected, edition: RwLock::default(), us: OnceCell::new() }))
}

/// No mail, no follower, no log line, and archived records too.
fn silently() -> Value {
    json!({
        "active_test": false, "tracking_disable": true, "mail_notrack": true, "mail_create_nosubscribe": true,
        "mail_create_nolog": true, "mail_auto_subscribe_no_notify": true,
    })
}

/// A ticket, as it is read.
struct Ticket {
    id: i64,
    stage: i64,
    moved: Option<Timestamp>,
    active: bool,
    at: Option<Timestamp>,
    writer: Option<(i64, String)>,
    assignee: Option<String>,
    team: Option<String>,
}

fn named(value: &Value) -> Option<(i64, String)> {
    Some((value.get(0)?.as_i64()?, value.get(1)?.as_str()?.to_owned()))
}

/// Odoo's times are UTC without saying so.
fn time(value: &Value) -> Option<Timestamp> {
    let at: DateTime = value.as_str()?.replacen(' ', "T", 1).parse().ok()?;
    at.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

fn written(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn ticket_of(row: &Value, moved: Option<&str>) -> Option<Ticket> {
    Some(Ticket {
        id: row["id"].as_i64()?,
        stage: named(&row["stage_id"]).map_or(0, |(id, _)| id),
        moved: moved.and_then(|field| time(&row[field])),
        active: row["active"].as_bool().unwrap_or(true),
        at: time(&row["write_date"]),
        writer: named(&row["write_uid"]),
        assignee: named(&row["user_id"]).map(|(_, name)| name),
        team: named(&row["team_id"]).map(|(_, name)| name),
    })
}

/// What is read of a ticket.
const FIELDS: &[&str] = &["stage_id", "active", "write_date", "write_uid", "user_id", "team_id"];

fn digits(number: &str) -> Result<i64, CallError> {
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    let number = if is_number { number.parse().ok() } else { None };
    number.ok_or_else(|| CallError::new(ErrorClass::NotFound, "a ticket's id has digits only"))
}

/// Odoo's priorities: 0 to 3.
fn priority(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "0",
        Severity::Minor => "1",
        Severity::Major => "2",
        Severity::Critical => "3",
    }
}

impl Helpdesk {
    async fn edition(&self, log: &dyn CallLog) -> Result<Arc<Edition>, CallError> {
        let known = self.edition.read().await.clone();
        match known {
            Some(known) => Ok(known),
            None => self.read_edition(log).await,
        }
    }

    async fn read_edition(&self, log: &dyn CallLog) -> Result<Arc<Edition>, CallError> {
        let read = Arc::new(Edition::read(&self.odoo, &self.rejected, log).await?);
        *self.edition.write().await = Some(Arc::clone(&read));
        Ok(read)
    }

    /// Where a ticket in a stage stands; one that was added later is read.
    async fn status(&self, stage: i64, log: &dyn CallLog) -> Result<DeskStatus, CallError> {
        let status = match self.edition(log).await?.status(stage) {
            Some(known) => Some(known),
            None => self.read_edition(log).await?.status(stage),
        };
        Ok(status.unwrap_or(DeskStatus::Open))
    }

    async fn us(&self, log: &dyn CallLog) -> Result<Us, CallError> {
        let us = || async {
            let user = self.odoo.own_user(log).await?;
            let body = json!({"ids": [user], "fields": ["partner_id"]});
            let rows = self.odoo.query("res.users", "read", body, log).await?;
            let partner = rows.get(0).and_then(|row| named(&row["partner_id"])).map_or(0, |(id, _)| id);
            Ok::<_, CallError>(Us { user, partner })
        };
        self.us.get_or_try_init(us).await.copied()
    }

    async fn search(
        &self,
        model: &str,
        domain: Value,
        fields: &[&str],
        (order, limit): (&str, usize),
        log: &dyn CallLog,
    ) -> Result<Vec<Value>, CallError> {
        let body = json!({
            "domain": domain, "fields": fields, "order": order, "limit": limit, "context": {"active_test": false},
        });
        let rows = self.odoo.query(model, "search_read", body, log).await?;
        Ok(rows.as_array().cloned().unwrap_or_default())
    }

    async fn tickets(&self, domain: Value, limit: usize, log: &dyn CallLog) -> Result<Vec<Ticket>, CallError> {
        let moved = self.edition(log).await?.moved;
        let fields: Vec<_> = FIELDS.iter().copied().chain(moved).collect();
        let rows = self.search(MODEL, domain, &fields, ("write_date, id", limit), log).await?;
        Ok(rows.iter().filter_map(|row| ticket_of(row, moved)).collect())
    }

    /// A ticket that is there; none where it was deleted or is out of sight.
    async fn ticket(&self, number: &str, log: &dyn CallLog) -> Result<Option<Ticket>, CallError> {
        let Ok(id) = digits(number) else { return Ok(None) };
        Ok(self.tickets(json!([["id", "=", id]]), 1, log).await?.pop())
    }

    /// One that takes notes.
    async fn writable(&self, number: &str, log: &dyn CallLog) -> Result<Option<Ticket>, CallError> {
        Ok(self.ticket(number, log).await?.filter(|ticket| ticket.active))
    }

    async fn case(&self, ticket: &Ticket, log: &dyn CallLog) -> Result<DeskCase, CallError> {
        let status = match ticket.active {
            true => self.status(ticket.stage, log).await?,
            false => DeskStatus::Gone,
        };
        Ok(DeskCase { number: ticket.id.to_string(), url: self.page(ticket.id), status })
    }

    fn page(&self, id: i64) -> String {
        format!("{}/web#id={id}&model={MODEL}&view_type=form", self.odoo.place().0)
    }

    async fn write(&self, id: i64, values: Value, log: &dyn CallLog) -> Result<(), CallError> {
        let body = json!({"ids": [id], "vals": values, "context": silently()});
        self.odoo.command(MODEL, "write", body, log).await.map(drop)
    }

    /// Closes or opens a ticket, unless it is.
    async fn put_stage(&self, ticket: &Ticket, wanted: DeskStatus, log: &dyn CallLog) -> Result<(), CallError> {
        let is_open = |status| status == DeskStatus::Open;
        if is_open(self.status(ticket.stage, log).await?) == is_open(wanted) {
            return Ok(());
        }
        let stage = self.edition(log).await?.stage(wanted)?;
        self.write(ticket.id, json!({"stage_id": stage}), log).await
    }

    /// Who gave a ticket its stage, unless that was us: of what was written at that time the nearest says it.
    async fn moved_by(&self, ticket: &Ticket, log: &dyn CallLog) -> Result<Option<String>, CallError> {
        let us = self.us(log).await?;
        let is_last_ours = ticket.writer.as_ref().is_some_and(|(user, _)| *user == us.user);
        let agent = || Some(SOMEBODY.to_owned());
        let Some(moved) = ticket.moved.filter(|_| ticket.active) else {
            return Ok(if is_last_ours && ticket.active { None } else { agent() });
        };
        let around = |by: SignedDuration| written(moved.checked_add(by).unwrap_or(moved));
        let domain = json!([
            ["model", "=", MODEL],
            ["res_id", "=", ticket.id],
            ["message_type", "in", ["notification", "comment"]],
            ["date", ">=", around(-NEAR)],
            ["date", "<=", around(NEAR)],
        ]);
        // an author's name has the company before it, a user's has not
        let fields = ["author_id", "create_uid", "message_type", "date"];
        let rows = self.search("mail.message", domain, &fields, ("id", MESSAGES_MAX), log).await?;
        let said = |row: &Value| {
            let (author, full) = named(&row["author_id"])?;
            let name = named(&row["create_uid"]).map_or(full, |(_, name)| name);
            let is_ours = author == us.partner;
            let is_of_it = is_ours || row["message_type"] == "notification";
            is_of_it.then_some((time(&row["date"])?.duration_since(moved).abs(), is_ours, name))
        };
        Ok(match rows.iter().filter_map(said).min() {
            Some((_, true, _)) => None,
            Some((_, false, name)) => Some(name),
            None if is_last_ours && ticket.at.is_some_and(|at| at.duration_since(moved).abs() <= NEAR) => None,
            None => agent(),
        })
    }

    /// The message of ours with this `message_id`.
    async fn message(&self, id: i64, message_id: &str, log: &dyn CallLog) -> Result<Option<i64>, CallError> {
        let domain = json!([["message_id", "=", message_id], ["model", "=", MODEL], ["res_id", "=", id]]);
        let found = self.search("mail.message", domain, &["id"], ("id", 1), log).await?;
        Ok(found.first().and_then(|row| row["id"].as_i64()))
    }

    async fn post_once(&self, id: i64, key: &str, body: &str, log: &dyn CallLog) -> Result<(), CallError> {
        let message_id = format!("<{}-{id}@milepost>", hashed(key));
        match self.message(id, &message_id, log).await? {
            Some(_) => Ok(()),
            None => self.post(id, &message_id, body, log).await,
        }
    }

    async fn post(&self, id: i64, message_id: &str, body: &str, log: &dyn CallLog) -> Result<(), CallError> {
        let body = json!({
            "ids": [id], "body": html(&cut(body, BODY_CHARS_MAX)), "body_is_html": true, "message_id": message_id,
            "subtype_xmlid": "mail.mt_note", "context": {"mail_create_nosubscribe": true},
        });
        self.odoo.command(MODEL, "message_post", body, log).await.map(drop)
    }

    /// Adds tags by name; one that is not there is made where the user may.
    async fn tag(&self, id: i64, tags: &[String], log: &dyn CallLog) -> Result<(), CallError> {
        let model = self.edition(log).await?.tags;
        // a ticket without a tag is better than none
        let may_make = edition::may(&self.odoo, model, "create", log).await?;
        for tag in tags {
            let found = self.search(model, json!([["name", "=", tag]]), &["id"], ("id", 1), log).await?;
            let made = match found.first().and_then(|row| row["id"].as_i64()) {
                Some(known) => Some(known),
                None if !may_make => None,
                None => {
                    let made = self.odoo.command(model, "create", json!({"vals_list": [{"name": tag}]}), log).await?;
                    made.as_i64().or_else(|| made.get(0).and_then(Value::as_i64))
                }
            };
            if let Some(tag) = made {
                self.write(id, json!({"tag_ids": [[4, tag]]}), log).await?;
            }
        }
        Ok(())
    }

    async fn activity(&self, ticket: &Ticket, log: &dyn CallLog) -> Result<Activity, CallError> {
        let us = self.us(log).await?;
        let of_agents = json!([
            ["model", "=", MODEL],
            ["res_id", "=", ticket.id],
            ["message_type", "=", "comment"],
            ["author_id", "!=", us.partner],
            ["author_id.partner_share", "=", false],
        ]);
        let rows =
            self.search("mail.message", of_agents, &["is_internal", "subtype_id", "date"], ("id", MESSAGES_MAX), log);
        let (assignee, team) = (ticket.assignee.clone(), ticket.team.clone());
        let mut activity = Activity { assignee, team, changed_at: ticket.at, ..Activity::default() };
        let internal = self.edition(log).await?.note_subtypes.clone();
        for row in rows.await? {
            let is_note = row["is_internal"].as_bool() == Some(true)
                || named(&row["subtype_id"]).is_some_and(|(id, _)| internal.contains(&id));
            match is_note {
                true => activity.notes += 1,
                false => activity.replies += 1,
            }
            let at = time(&row["date"]);
            (activity.last_at, activity.changed_at) = (activity.last_at.max(at), activity.changed_at.max(at));
        }
        Ok(activity)
    }

    /// The tickets in which somebody wrote since, with the time.
    async fn written_since(&self, since: Timestamp, log: &dyn CallLog) -> Result<BTreeMap<i64, Timestamp>, CallError> {
        let domain = json!([["model", "=", MODEL], ["message_type", "=", "comment"], ["date", ">=", written(since)]]);
        let rows = self.search("mail.message", domain, &["res_id", "date"], ("date, id", MESSAGES_MAX), log).await?;
        let timed = rows.iter().filter_map(|row| Some((row["res_id"].as_i64()?, time(&row["date"])?)));
        Ok(timed.collect())
    }
}

#[async_trait]
impl Desk for Helpdesk {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    async fn version(&self, log: &dyn CallLog) -> Result<Option<String>, CallError> {
        self.odoo.health(log).await?;
        Ok(Some(self.odoo.version(log).await?.version))
    }

    async fn check(&self, log: &dyn CallLog) -> Result<Vec<Missing>, CallError> {
        let mut missing = edition::missing(&self.odoo, &self.team, log).await?;
        if missing.is_empty() {
            // anew: what was missing may just have been added
            missing.extend(self.read_edition(log).await?.lacks_stages());
        }
        Ok(missing)
    }

    async fn find(&self, external_key: &str, log: &dyn CallLog) -> Result<Option<DeskCase>, CallError> {
        // the model of external ids is closed to users who are no administrators; this asks it on their behalf
        let body = json!({"module": MODULE, "xml_id": hashed(external_key)});
        let found = match self.odoo.query("ir.model.data", "check_object_reference", body, log).await {
            Ok(found) => found,
            // so Odoo answers of one that is not there
            Err(error) if error.class == ErrorClass::Rejected => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(id) = found.get(1).and_then(Value::as_i64) else { return Ok(None) };
        match self.writable(&id.to_string(), log).await? {
            Some(ticket) => self.case(&ticket, log).await.map(Some),
            None => Ok(None),
        }
    }

    async fn create(&self, case: &NewCase, log: &dyn CallLog) -> Result<DeskCase, CallError> {
        let edition = self.edition(log).await?;
        let name = case.queue.as_deref().unwrap_or(&self.team);
        let team = edition::team(&self.odoo, &edition, name, log).await?;
        let Some(team) = team else {
            let text = format!("there is no helpdesk team {name}");
            return Err(CallError::new(ErrorClass::Misconfigured, text));
        };
        let links = case.odoo_url.iter().map(|url| format!("\n\nOrder: {url}"));
        let body = format!("{}{}", cut(&case.body, BODY_CHARS_MAX), links.collect::<String>());
        // without an agent: Odoo would give it to the user who makes it
        let mut columns = vec!["id", "name", "description", "team_id/.id", "priority", "user_id/.id"];
        let mut row = vec![
            json!(format!("{MODULE}.{}", hashed(&case.external_key))),
            json!(line(&case.subject, SUBJECT_CHARS_MAX)),
            json!(html(&body)),
            json!(team.to_string()),
            json!(priority(case.severity)),
            json!(""),
        ];
        if let Some(requester) = &case.requester {
            columns.extend(["partner_name", "partner_email"]);
            row.extend([json!(requester.name), json!(requester.email)]);
        }
        let body = json!({"fields": columns, "data": [row], "context": silently()});
        let loaded = self.odoo.command(MODEL, "load", body, log).await?;
        let Some(id) = loaded.pointer("/ids/0").and_then(Value::as_i64) else {
            // a missing right is a message like any other here
            let (class, text) = match edition::missing_rights(&self.odoo, log).await?.first() {
                Some(missing) => (ErrorClass::MissingRight, format!("Odoo made no ticket; missing: {missing}")),
                None => (ErrorClass::Rejected, "Odoo made no ticket".to_owned()),
            };
            let said = loaded.pointer("/messages/0/message").and_then(Value::as_str).unwrap_or_default();
            return Err(CallError::new(class, text).saying(said));
        };
        self.tag(id, &case.tags, log).await.map_err(once_made)?;
        let ticket = self.ticket(&id.to_string(), log).await.map_err(once_made)?;
        let hidden = || {
            let text = "Odoo made a ticket that the integration's user may not see";
            CallError::new(ErrorClass::Misconfigured, text)
                .advising("give the user all tickets of the team, and every company of it")
        };
        self.case(&ticket.ok_or_else(hidden)?, log).await.map_err(once_made)
    }

    async fn look(&self, number: &str, known: DeskStatus, log: &dyn CallLog) -> Result<Look, CallError> {
        let Some(ticket) = self.ticket(number, log).await? else {
            let url = self.page(digits(number).unwrap_or_default());
            let case = DeskCase { number: number.to_owned(), url, status: DeskStatus::Hidden };
            let by = (known != DeskStatus::Hidden).then(|| SOMEBODY.to_owned());
            return Ok(Look { case, activity: Activity::default(), by });
        };
        let case = self.case(&ticket, log).await?;
        let activity = self.activity(&ticket, log).await?;
        let by = if case.status == known { None } else { self.moved_by(&ticket, log).await? };
        Ok(Look { case, activity, by })
    }

    async fn changed(&self, from: &PollFrom, log: &dyn CallLog) -> Result<Changed, CallError> {
        let cursor = Cursor::of(from)?;
        let since = written(cursor.since);
        let mut domain = json!([["write_date", ">=", since]]);
        if let Some(after) = cursor.after.as_deref() {
            // a stored time has parts of a second that it is not read with
            let until = written(cursor.since.checked_add(SignedDuration::from_secs(1)).unwrap_or(cursor.since));
            domain = json!([
                "&",
                ["write_date", ">=", since],
                "|",
                ["write_date", ">=", until],
                ["id", ">", digits(after)?]
            ]);
        }
        let tickets = self.tickets(domain, PAGE, log).await?;
        let mut at: BTreeMap<i64, Timestamp> =
            tickets.iter().filter_map(|ticket| Some((ticket.id, ticket.at?))).collect();
        let last =
            tickets.last().filter(|_| tickets.len() >= PAGE).and_then(|last| Some((last.at?, last.id.to_string())));
        let next = last.map(|(at, id)| Cursor { since: at, after: Some(id), page: 0 }.text());
        let mut all = tickets;
        if cursor.after.is_none() {
            let written = self.written_since(cursor.since, log).await?;
            let others: Vec<_> = written.keys().filter(|id| !at.contains_key(id)).copied().collect();
            if !others.is_empty() {
                all.extend(self.tickets(json!([["id", "in", others]]), MESSAGES_MAX, log).await?);
            }
            for (id, time) in written {
                let known = at.entry(id).or_insert(time);
                *known = time.max(*known);
            }
        }
        let mut changed = Changed { cases: Vec::new(), next, newest: None };
        for ticket in &all {
            let at = at.get(&ticket.id).copied();
            changed.newest = changed.newest.max(at);
            changed.cases.push(Change { case: self.case(ticket, log).await?, at });
        }
        Ok(changed)
    }

    async fn shown(&self, numbers: &[String], log: &dyn CallLog) -> Result<Vec<DeskCase>, CallError> {
        let ids: Vec<_> = numbers.iter().take(SHOWN_MAX).filter_map(|number| digits(number).ok()).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut shown = Vec::new();
        for ticket in self.tickets(json!([["id", "in", ids]]), SHOWN_MAX, log).await? {
            shown.push(self.case(&ticket, log).await?);
        }
        Ok(shown)
    }

    async fn note(&self, number: &str, note_key: &str, body: &str, log: &dyn CallLog) -> Result<(), CallError> {
        match self.writable(number, log).await? {
            Some(ticket) => self.post_once(ticket.id, note_key, body, log).await,
            None => Ok(()),
        }
    }

    async fn resolve(&self, number: &str, note_key: &str, body: &str, log: &dyn CallLog) -> Result<(), CallError> {
        let Some(ticket) = self.writable(number, log).await? else { return Ok(()) };
        self.post_once(ticket.id, note_key, body, log).await?;
        self.put_stage(&ticket, DeskStatus::Resolved, log).await
    }

    async fn reopen(&self, number: &str, note_key: &str, body: &str, log: &dyn CallLog) -> Result<Reopened, CallError> {
        let Some(ticket) = self.writable(number, log).await? else { return Ok(Reopened::FollowUp) };
        self.put_stage(&ticket, DeskStatus::Open, log).await?;
        self.post_once(ticket.id, note_key, body, log).await?;
        Ok(Reopened::Open)
    }

    async fn label(&self, number: &str, labels: &Labels, log: &dyn CallLog) -> Result<(), CallError> {
        let Some(ticket) = self.writable(number, log).await? else { return Ok(()) };
        if let Some(severity) = labels.severity {
            self.write(ticket.id, json!({"priority": priority(severity)}), log).await?;
        }
        self.tag(ticket.id, &labels.tags, log).await
    }

    async fn set_context(&self, number: &str, context: &str, log: &dyn CallLog) -> Result<(), CallError> {
        let Some(ticket) = self.writable(number, log).await? else { return Ok(()) };
        let message_id = format!("<mp-context-note-{}@milepost>", ticket.id);
        let found = self.message(ticket.id, &message_id, log).await?;
        let Some(message) = found else { return self.post(ticket.id, &message_id, context, log).await };
        let body = json!({"ids": [message], "vals": {"body": html(&cut(context, BODY_CHARS_MAX))}});
        self.odoo.command("mail.message", "write", body, log).await.map(drop)
    }

    /// As Odoo's automation rules post it; they sign nothing, so our secret is in the address.
    fn read_hook(&self, hook: &Hook<'_>) -> Result<HookReport, HookRefusal> {
        hook.has_secret()?;
        let body = hook.json()?;
        if body["_model"] != MODEL {
            return Err(HookRefusal::Unreadable);
        }
        // nothing names the delivery
        Ok(HookReport { delivery: None, numbers: number_of(&body["_id"]).into_iter().collect() })
    }
}
