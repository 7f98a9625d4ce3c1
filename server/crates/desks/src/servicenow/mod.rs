//! ServiceNow over its Table API
//! (<https://www.servicenow.com/docs/bundle/zurich-api-reference/page/integrate/inbound-rest/concept/c_TableAPI.html>): customer service
//! cases, or another table that extends tasks. Recorded from its documentation, not from a running instance.
//!
//! - Our key is `correlation_id`, which ServiceNow does not keep unique: Milepost is the guard.
//! - A condition on a field that does not exist is left out of a query, so that everything is found: each hit is compared.
//! - Fields that do not exist are dropped without a word.
//! - Who gave a case its state is in `sys_audit`, where that can be read; else the case names who resolved or closed it.
//! - Work notes are internal, comments go to the customer; both are journals, which are read in a table of their own.

use crate::{
    Activity, Change, Changed, Closed, Desk, DeskCase, DeskConfig, DeskStatus, HookProof, KeyGuard, Labels, Look,
    Manifest, NewCase, PollFrom, Reopened, SHOWN_MAX, SOMEBODY,
    cursor::Cursor,
    hooks::{Hook, HookRefusal, HookReport, number_of},
    marks::{cut, is_ours, joined, key as hashed, line, mark},
    oauth::{OAuth, TokenBody},
    once_made,
    rest::{self, Rest, SignIn, is_gone, text},
};
use async_trait::async_trait;
use domain::Severity;
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
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
    id: "servicenow",
    label: "ServiceNow",
    key: KeyGuard::Milepost,
    find_lag: Duration::ZERO,
    closed: Closed::FollowUp,
    hooks: HookProof::SharedSecret,
    queues: Some("assignment group"),
};

/// The fields of the context and of tags, which an administrator adds.
const CONTEXT: &str = "u_shipment_context";
const TAGS: &str = "u_shipment_tags";
/// Maximum length of a subject and of a text, in characters.
const SUBJECT_CHARS_MAX: usize = 160;
const BODY_CHARS_MAX: usize = 4_000;
/// Cases of one page, and journal entries of a case that are read.
const PAGE: usize = 100;
const ENTRIES_MAX: usize = 500;
/// What is read of a case.
const FIELDS: &str = "sys_id,number,state,active,correlation_id,sys_updated_on,sys_updated_by,closed_at,resolved_at,\
                      closed_by.user_name,resolved_by.user_name,assigned_to.user_name,\
                      assignment_group.name,contact.user_name,caller_id.user_name,u_shipment_context,u_shipment_tags";

struct ServiceNow {
    rest: Rest,
    table: String,
    group: String,
    open: String,
    resolved: String,
    us: OnceCell<String>,
}

pub(super) fn template() -> Template {
    let pages: &[&str] = &["now", "nav_to.do", "api", "login.do"];
    let fields = vec![
        Field::new(
            "url",
            "URL",
            FieldKind::Url { pages },
            "The address of the instance, such as https://example.service-now.com.",
        )
        .required(),
        Field::new(
            "client_id",
            "OAuth client id",
            FieldKind::Text,
            "Of an OAuth API endpoint for external clients; empty signs in by login.",
        ),
        Field::new("login", "Login", FieldKind::Text, "The integration user; needed where no OAuth client is given."),
        Field::new("table", "Table", FieldKind::Text, "Where cases live, such as sn_customerservice_case or incident.")
            .or("sn_customerservice_case"),
        Field::new(
            "queue",
            "Assignment group",
            FieldKind::Text,
            "The group that takes the cases; empty leaves it to ServiceNow.",
        ),
        Field::new(
            "open_state",
            "State of reopened cases",
            FieldKind::Text,
            "The number of the state: 10 is Open of a case, 2 is In Progress of an incident.",
        )
        .or("10"),
        Field::new(
            "resolved_state",
            "State of settled cases",
            FieldKind::Text,
            "The number of the state: 6 is Resolved.",
        )
        .or("6"),
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
        secret_label: "Client secret or password",
        secret_help: "The secret of the OAuth client, or the integration user's password where a login is given.",
        reads: "Cases",
        writes: "Cases, work notes, state",
        signs_in: "OAuth client credentials, or login and password",
    }
}

pub(super) fn connect(config: DeskConfig) -> Result<Arc<dyn Desk>, CallError> {
    let options = &config.options;
    let table = options.text("table").unwrap_or("sn_customerservice_case").to_owned();
    if !table.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Err(CallError::new(ErrorClass::Misconfigured, "a table's name has letters, digits and _ only"));
    }
    let (http, base) = (rest::client(&config)?, rest::base(&config, &["now", "api"])?);
    let sign_in = match (options.text("client_id"), options.text("login")) {
        (Some(client), _) => {
            let endpoint = format!("{base}/oauth_token.do");
            SignIn::OAuth(OAuth::new(http.clone(), endpoint, TokenBody::Form, client, config.token.clone()))
        }
        (None, Some(login)) => SignIn::Key("Basic", config.token.behind(&format!("{login}:"))),
        (None, None) => {
            return Err(CallError::new(ErrorClass::Misconfigured, "give an OAuth client id, or a login"));
        }
    };
    let word = |name: &str, usual: &str| options.text(name).unwrap_or(usual).to_owned();
    Ok(Arc::new(ServiceNow {
        rest: Rest::new(http, base, sign_in, refusal),
        table,
        group: config.queue.trim().to_owned(),
        open: word("open_state", "10"),
        resolved: word("resolved_state", "6"),
        us: OnceCell::new(),
    }))
}

/// `{"error": {"message": …, "detail": …}, "status": "failure"}`.
fn refusal(status: u16, answer: &Value, kind: CallKind) -> (ErrorClass, String) {
    let class = match (status, text(answer, "/error/message")) {
        (400, message) if message.starts_with("Invalid table") => ErrorClass::Misconfigured,
        _ => rest::class(status, kind),
    };
    (class, format!("{} {}", text(answer, "/error/message"), text(answer, "/error/detail")))
}

/// ServiceNow's times are UTC without saying so.
fn when(value: &Value) -> Option<Timestamp> {
    let at: DateTime = value.as_str()?.replacen(' ', "T", 1).parse().ok()?;
    at.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

fn is_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// A value of a condition: what divides conditions has no way to be escaped.
fn plain(text: &str) -> String {
    text.replace('^', " ")
}

fn priority(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "1",
        Severity::Major => "2",
        Severity::Minor => "3",
        Severity::Info => "4",
    }
}

impl ServiceNow {
    fn case(&self, row: &Value) -> Option<DeskCase> {
        let number = Some(text(row, "/sys_id")).filter(|id| is_id(id))?.to_owned();
        Some(DeskCase { url: self.page(&number), number, status: self.status_of(row) })
    }

    fn page(&self, number: &str) -> String {
        format!("{}/nav_to.do?uri={}.do?sys_id={number}", self.rest.base(), self.table)
    }

    fn status_of(&self, row: &Value) -> DeskStatus {
        match text(row, "/state") == self.resolved || is_closed(row) {
            true => DeskStatus::Resolved,
            false => DeskStatus::Open,
        }
    }

    async fn rows(
        &self,
        table: &str,
        query: &str,
        (fields, limit, offset): (&str, usize, usize),
        log: &dyn CallLog,
    ) -> Result<Vec<Value>, CallError> {
        let (limit, offset) = (limit.to_string(), offset.to_string());
        let parameters = [
            ("sysparm_query", query),
            ("sysparm_fields", fields),
            ("sysparm_limit", &limit),
            ("sysparm_offset", &offset),
            ("sysparm_exclude_reference_link", "true"),
        ];
        let answer = self.rest.get(table, &format!("api/now/table/{table}"), &parameters, log).await;
        match answer {
            Ok(rows) => Ok(rows["result"].as_array().cloned().unwrap_or_default()),
            // so an empty list is answered
            Err(error) if error.class == ErrorClass::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    async fn us(&self, log: &dyn CallLog) -> Result<&str, CallError> {
        let us = || async {
            let query = "sys_id=javascript:gs.getUserID()";
            let rows = self.rows("sys_user", query, ("user_name", 1, 0), log).await?;
            Ok::<_, CallError>(rows.first().map(|user| text(user, "/user_name").to_owned()).unwrap_or_default())
        };
        self.us.get_or_try_init(us).await.map(String::as_str)
    }

    async fn read(&self, number: &str, log: &dyn CallLog) -> Result<Option<Value>, CallError> {
        if !is_id(number) {
            return Ok(None);
        }
        match self.rows(&self.table, &format!("sys_id={number}"), (FIELDS, 1, 0), log).await {
            Ok(mut rows) => Ok(rows.pop().filter(|row| text(row, "/sys_id") == number)),
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A case that takes notes.
    async fn writable(&self, number: &str, log: &dyn CallLog) -> Result<Option<Value>, CallError> {
        Ok(self.read(number, log).await?.filter(|row| !is_closed(row)))
    }

    async fn patch(&self, operation: &str, number: &str, fields: Value, log: &dyn CallLog) -> Result<(), CallError> {
        let path = format!("api/now/table/{}/{number}", self.table);
        self.rest.send(&format!("{}/{operation}", self.table), Method::PATCH, &path, fields, log).await.map(drop)
    }

    async fn journal(&self, number: &str, log: &dyn CallLog) -> Result<Vec<Value>, CallError> {
        let query = format!("element_id={number}^elementINwork_notes,comments^ORDERBYDESCsys_created_on");
        let fields = "element,value,sys_created_by,sys_created_on";
        self.rows("sys_journal_field", &query, (fields, ENTRIES_MAX, 0), log).await
    }

    async fn post_once(&self, number: &str, key: &str, body: &str, log: &dyn CallLog) -> Result<(), CallError> {
        let mark = mark(key);
        if self.journal(number, log).await?.iter().any(|entry| text(entry, "/value").contains(&mark)) {
            return Ok(());
        }
        let note = json!({"work_notes": format!("{}\n{mark}", cut(body, BODY_CHARS_MAX))});
        self.patch("note", number, note, log).await
    }

    async fn put_state(&self, row: &Value, wanted: &str, log: &dyn CallLog) -> Result<(), CallError> {
        let resolved = wanted == self.resolved;
        if (self.status_of(row) == DeskStatus::Resolved) == resolved {
            return Ok(());
        }
        let number = text(row, "/sys_id");
        let mut fields = json!({"state": wanted});
        if resolved {
            // an incident is not resolved without them
            fields["close_code"] = json!("Solution provided");
            fields["close_notes"] = json!("Settled by Milepost");
        }
        self.patch("state", number, fields, log).await?;
        let now = self.read(number, log).await?;
        match now.is_none_or(|now| (self.status_of(&now) == DeskStatus::Resolved) == resolved) {
            true => Ok(()),
            false => {
                let text = format!("the case does not get the state {wanted}");
                Err(CallError::new(ErrorClass::Rejected, text)
                    .advising("check the connection's states and the instance's policies"))
            }
        }
    }

    async fn has_group(&self, name: &str, log: &dyn CallLog) -> Result<bool, CallError> {
        let groups = self.rows("sys_user_group", &format!("name={}", plain(name)), ("name", 1, 0), log).await?;
        Ok(groups.iter().any(|group| text(group, "/name") == name))
    }

    /// The contact with this address; none where there is none.
    async fn contact(&self, email: &str, log: &dyn CallLog) -> Result<Option<String>, CallError> {
        let query = format!("email={}", plain(email));
        match self.rows("customer_contact", &query, ("sys_id,email", 2, 0), log).await {
            Ok(rows) => {
                let same = rows.iter().find(|row| text(row, "/email").eq_ignore_ascii_case(email));
                Ok(same.map(|row| text(row, "/sys_id").to_owned()))
            }
            Err(error) if is_gone(&error) || error.class == ErrorClass::Misconfigured => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Who gave a case its state, unless that was us.
    async fn moved_by(&self, row: &Value, log: &dyn CallLog) -> Result<Option<String>, CallError> {
        let query = format!(
            "tablename={}^documentkey={}^fieldname=state^ORDERBYDESCsys_created_on",
            self.table,
            text(row, "/sys_id")
        );
        let kept = match self.rows("sys_audit", &query, ("user", 1, 0), log).await {
            Err(error) if matches!(error.class, ErrorClass::Misconfigured | ErrorClass::Forbidden) => Vec::new(),
            kept => kept?,
        };
        let us = self.us(log).await?;
        let ended = match (self.status_of(row), is_closed(row)) {
            (DeskStatus::Resolved, true) => Some(("closed_by.user_name", "closed_at")),
            (DeskStatus::Resolved, false) => Some(("resolved_by.user_name", "resolved_at")),
            _ => None,
        };
        let field = |name: &str| row[name].as_str().filter(|value| !value.is_empty());
        let of_case = || ended.and_then(|(by, _)| field(by));
        let by = kept.first().map(|change| text(change, "/user")).filter(|by| !by.is_empty()).or_else(of_case);
        if let Some(by) = by {
            return Ok((by != us).then(|| by.to_owned()));
        }
        // without either: the last change was ours, and none came after the closing
        let is_last = ended.and_then(|(_, at)| field(at)).is_none_or(|at| Some(at) == field("sys_updated_on"));
        let is_ours = is_last && text(row, "/sys_updated_by") == us;
        Ok((!is_ours).then(|| SOMEBODY.to_owned()))
    }

    async fn activity(&self, row: &Value, log: &dyn CallLog) -> Result<Activity, CallError> {
        let set = |pointer: &str| Some(row[pointer].as_str()?.to_owned()).filter(|name| !name.is_empty());
        let us = self.us(log).await?;
        let mut activity = Activity {
            assignee: set("assigned_to.user_name").filter(|name| name != us),
            team: set("assignment_group.name"),
            changed_at: when(&row["sys_updated_on"]),
            ..Activity::default()
        };
        for entry in self.journal(text(row, "/sys_id"), log).await? {
            let by = text(&entry, "/sys_created_by");
            let is_customer = ["contact.user_name", "caller_id.user_name"].iter().any(|field| row[*field] == json!(by));
            if by == us || is_customer || is_ours(text(&entry, "/value")) {
                continue;
            }
            match text(&entry, "/element") {
                "comments" => activity.replies += 1,
                _ => activity.notes += 1,
            }
            activity.last_at = activity.last_at.max(when(&entry["sys_created_on"]));
        }
        Ok(activity)
    }
}

fn missing_group(name: &str) -> Missing {
    Missing { what: format!("assignment group {name}"), todo: "spell it as ServiceNow does".to_owned() }
}

fn is_closed(row: &Value) -> bool {
    text(row, "/active") == "false"
}

#[async_trait]
impl Desk for ServiceNow {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    async fn version(&self, log: &dyn CallLog) -> Result<Option<String>, CallError> {
        self.us(log).await.map(|_| None)
    }

    async fn check(&self, log: &dyn CallLog) -> Result<Vec<Missing>, CallError> {
        let mut missing = Vec::new();
        let query = format!("name={}^elementIN{CONTEXT},{TAGS}", self.table);
        let columns = self.rows("sys_dictionary", &query, ("name,element", 10, 0), log).await?;
        for (name, kind) in [(CONTEXT, "a string of 4000 characters"), (TAGS, "a string of 255 characters")] {
            if !columns.iter().any(|column| text(column, "/element") == name) {
                let todo = format!(
                    "add it to the table {} as {kind}, readable and writable for the integration user",
                    self.table
                );
                missing.push(Missing { what: format!("field {name}"), todo });
            }
        }
        if !self.group.is_empty() && !self.has_group(&self.group, log).await? {
            missing.push(missing_group(&self.group));
        }
        Ok(missing)
    }

    async fn find(&self, external_key: &str, log: &dyn CallLog) -> Result<Option<DeskCase>, CallError> {
        let key = hashed(external_key);
        let query = format!("correlation_id={key}^ORDERBYsys_created_on");
        let rows = self.rows(&self.table, &query, (FIELDS, PAGE, 0), log).await?;
        let same = rows.iter().find(|row| text(row, "/correlation_id") == key);
        Ok(same.and_then(|row| self.case(row)))
    }

    async fn create(&self, case: &NewCase, log: &dyn CallLog) -> Result<DeskCase, CallError> {
        let key = hashed(&case.external_key);
        let links = case.odoo_url.iter().map(|url| format!("\n\nOrder: {url}"));
        let body = format!("{}{}", cut(&case.body, BODY_CHARS_MAX), links.collect::<String>());
        let mut fields = json!({
            "short_description": line(&case.subject, SUBJECT_CHARS_MAX), "description": body, "correlation_id": key,
            "correlation_display": "Milepost", "priority": priority(case.severity), TAGS: case.tags.join(","),
        });
        if let Some(group) = &case.queue {
            // ServiceNow would leave one aside that it does not know
            if !self.has_group(group, log).await? {
                let text = format!("missing: {}", missing_group(group));
                return Err(CallError::new(ErrorClass::Misconfigured, text));
            }
            fields["assignment_group"] = json!(group);
        } else if !self.group.is_empty() {
            fields["assignment_group"] = json!(self.group);
        }
        if let Some(requester) = &case.requester
            && let Some(contact) = self.contact(&requester.email, log).await?
        {
            fields["contact"] = json!(contact);
        }
        if let Some(earlier) = case.follows.as_deref()
            && self.read(earlier, log).await?.is_some()
        {
            fields["parent"] = json!(earlier);
        }
        // names of groups are written as people read them
        let path = format!("api/now/table/{}?sysparm_input_display_value=true", self.table);
        let made = self.rest.send(&format!("{}/create", self.table), Method::POST, &path, fields, log).await?;
        let odd = || CallError::new(ErrorClass::UnknownOutcome, "the answer names no case");
        let id = Some(text(&made, "/result/sys_id")).filter(|id| is_id(id)).ok_or_else(odd)?;
        let hidden = || {
            let text =
                "a case was made that does not keep its correlation id, or that the integration user may not see";
            CallError::new(ErrorClass::Misconfigured, text)
        };
        let read = self.read(id, log).await.map_err(once_made)?.filter(|row| text(row, "/correlation_id") == key);
        read.and_then(|row| self.case(&row)).ok_or_else(hidden)
    }

    async fn look(&self, number: &str, known: DeskStatus, log: &dyn CallLog) -> Result<Look, CallError> {
        let found = self.read(number, log).await?;
        let Some((row, case)) = found.as_ref().and_then(|row| Some((row, self.case(row)?))) else {
            let case = DeskCase { number: number.to_owned(), url: self.page(number), status: DeskStatus::Hidden };
            let by = (known != DeskStatus::Hidden).then(|| SOMEBODY.to_owned());
            return Ok(Look { case, activity: Activity::default(), by });
        };
        let activity = self.activity(row, log).await?;
        let by = if case.status == known { None } else { self.moved_by(row, log).await? };
        Ok(Look { case, activity, by })
    }

    async fn changed(&self, from: &PollFrom, log: &dyn CallLog) -> Result<Changed, CallError> {
        let cursor = Cursor::of(from)?;
        let since = cursor.since.strftime("%Y-%m-%d %H:%M:%S");
        let query = format!("correlation_idSTARTSWITHmp-^sys_updated_on>={since}^ORDERBYsys_updated_on^ORDERBYsys_id");
        let offset = PAGE * usize::try_from(cursor.page).unwrap_or_default();
        let rows = self.rows(&self.table, &query, (FIELDS, PAGE, offset), log).await?;
        let timed = rows.iter().filter(|row| text(row, "/correlation_id").starts_with("mp-"));
        let timed: Vec<_> = timed.filter_map(|row| Some((self.case(row)?, when(&row["sys_updated_on"])?))).collect();
        let last = timed.last().map(|(case, at)| (*at, case.number.as_str()));
        let next = (rows.len() >= PAGE).then(|| cursor.next(last).text());
        let newest = timed.iter().map(|(_, at)| *at).max();
        let fresh = timed.into_iter().filter(|(case, at)| !cursor.is_behind(*at, &case.number));
        Ok(Changed { cases: fresh.map(|(case, at)| Change { case, at: Some(at) }).collect(), next, newest })
    }

    async fn shown(&self, numbers: &[String], log: &dyn CallLog) -> Result<Vec<DeskCase>, CallError> {
        let ids: Vec<_> = numbers.iter().take(SHOWN_MAX).filter(|id| is_id(id)).map(String::as_str).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self.rows(&self.table, &format!("sys_idIN{}", ids.join(",")), (FIELDS, SHOWN_MAX, 0), log).await?;
        Ok(rows.iter().filter_map(|row| self.case(row)).filter(|case| ids.contains(&case.number.as_str())).collect())
    }

    async fn note(&self, number: &str, note_key: &str, body: &str, log: &dyn CallLog) -> Result<(), CallError> {
        match self.writable(number, log).await? {
            Some(_) => self.post_once(number, note_key, body, log).await,
            None => Ok(()),
        }
    }

    async fn resolve(&self, number: &str, note_key: &str, body: &str, log: &dyn CallLog) -> Result<(), CallError> {
        let Some(row) = self.writable(number, log).await? else { return Ok(()) };
        self.post_once(number, note_key, body, log).await?;
        self.put_state(&row, &self.resolved, log).await
    }

    async fn reopen(&self, number: &str, note_key: &str, body: &str, log: &dyn CallLog) -> Result<Reopened, CallError> {
        let Some(row) = self.writable(number, log).await? else { return Ok(Reopened::FollowUp) };
        self.put_state(&row, &self.open, log).await?;
        self.post_once(number, note_key, body, log).await?;
        Ok(Reopened::Open)
    }

    async fn label(&self, number: &str, labels: &Labels, log: &dyn CallLog) -> Result<(), CallError> {
        let Some(row) = self.writable(number, log).await? else { return Ok(()) };
        let mut fields = json!({});
        if let Some(severity) = labels.severity {
            fields["priority"] = json!(priority(severity));
        }
        if let Some(tags) = joined(text(&row, "/u_shipment_tags"), &labels.tags, ",") {
            fields[TAGS] = json!(tags);
        }
        if fields == json!({}) {
            return Ok(());
        }
        self.patch("labels", number, fields, log).await
    }

    async fn set_context(&self, number: &str, context: &str, log: &dyn CallLog) -> Result<(), CallError> {
        let Some(row) = self.writable(number, log).await? else { return Ok(()) };
        let context = cut(context, BODY_CHARS_MAX);
        if text(&row, "/u_shipment_context") == context {
            return Ok(());
        }
        self.patch("context", number, json!({CONTEXT: context}), log).await
    }

    /// As a business rule with a REST message posts it: `{"sys_id": …}`, with our secret in a header.
    fn read_hook(&self, hook: &Hook<'_>) -> Result<HookReport, HookRefusal> {
        hook.has_secret()?;
        let body = hook.json()?;
        let number = number_of(&body["sys_id"]).filter(|id| is_id(id)).ok_or(HookRefusal::Unreadable)?;
        Ok(HookReport { delivery: number_of(&body["delivery"]), numbers: vec![number] })
    }
}
