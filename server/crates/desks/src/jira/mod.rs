//! Jira Service Management, Cloud: requests over its service desk API and the platform's
//! (<https://developer.atlassian.com/cloud/jira/service-desk/rest/>, <https://developer.atlassian.com/cloud/jira/platform/rest/v3/>).
//! Recorded from its documentation, not from a running site.
//!
//! - The search by our key lags by minutes and a key is not unique: Milepost is the guard, and waits before a second try.
//! - A moved issue keeps its id and gets another key: the id is kept.
//! - A status is reached by a transition that the workflow offers; one that leads back may be missing: then another request follows up.
//! - Whether a comment is internal depends on the caller's licence: the answer is read, and a public one stops everything.
//! - Raising a request on a customer's behalf mails the customer: requests name nobody but the integration.

mod wire;

use crate::{
    Activity, Change, Changed, Closed, Desk, DeskCase, DeskConfig, DeskStatus, HookProof, KeyGuard, Labels, Look,
    Manifest, NewCase, PollFrom, Reopened, SHOWN_MAX, SOMEBODY,
    hooks::{Hash, Hook, HookRefusal, HookReport, number_of},
    marks::{cut, is_ours, key as hashed, line, mark},
    once_made,
    rest::{self, Rest, SignIn, is_gone, text},
};
use async_trait::async_trait;
use domain::Severity;
use jiff::{Timestamp, tz::TimeZone};
use outbound::{
    CallError, CallLog, ErrorClass, Method,
    missing::Missing,
    schema::{Field, FieldKind},
    template::{Family, Template},
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::sync::OnceCell;
use wire::{Page, digits, epoch, refusal, when};

pub(super) static MANIFEST: Manifest = Manifest {
    id: "jira",
    label: "Jira Service Management",
    key: KeyGuard::Milepost,
    find_lag: Duration::from_secs(10 * 60),
    closed: Closed::FollowUp,
    hooks: HookProof::Signature,
    queues: None,
};

/// Jira's limits, in characters.
const SUBJECT_CHARS_MAX: usize = 250;
const BODY_CHARS_MAX: usize = 30_000;
/// Issues of one page, and comments of one page.
const PAGE: usize = 100;
/// Pages of comments that are read.
const COMMENT_PAGES_MAX: usize = 10;

struct Jira {
    rest: Rest,
    project: String,
    service_desk: String,
    request_type: String,
    /// The field with our key: `customfield_10101`.
    key: String,
    /// The field with the context; none: it is kept in no field.
    context: String,
    us: OnceCell<Us>,
}

/// The integration's account.
struct Us {
    id: String,
    /// The zone in which its searches read times.
    zone: TimeZone,
}

pub(super) fn template() -> Template {
    let pages: &[&str] = &["jira", "browse", "servicedesk", "rest", "projects"];
    let fields = vec![
        Field::new(
            "url",
            "URL",
            FieldKind::Url { pages },
            "The address of the site, such as https://example.atlassian.net.",
        )
        .required(),
        Field::new(
            "login",
            "E-mail address",
            FieldKind::Text,
            "Of the integration's account, which needs an agent's licence.",
        )
        .required(),
        Field::new("queue", "Project key", FieldKind::Text, "The key of the service project, such as SHIP.").required(),
        Field::new(
            "service_desk",
            "Service desk id",
            FieldKind::Text,
            "The number in the address of the project's portal.",
        )
        .required(),
        Field::new(
            "request_type",
            "Request type id",
            FieldKind::Text,
            "The number of the request type that has the key field.",
        )
        .required(),
        Field::new(
            "key_field",
            "Key field",
            FieldKind::Text,
            "The custom field (short text) for Milepost's key, such as customfield_10101.",
        )
        .required(),
        Field::new(
            "context_field",
            "Context field",
            FieldKind::Text,
            "The custom field (paragraph) for the shipment's context.",
        )
        .required(),
        Field::poll_seconds(),
        Field::concurrency(),
        Field::calls_per_second(),
    ];
    Template {
        id: MANIFEST.id,
        label: MANIFEST.label,
        family: Family::Desk,
        version: 1,
        fields,
        secret_label: "API token",
        secret_help: "Make one at id.atlassian.com as the integration's account: Security, API tokens. It ends after a year at most.",
        reads: "Requests",
        writes: "Requests, internal comments, transitions",
        signs_in: "API token",
    }
}

pub(super) fn connect(config: DeskConfig) -> Result<Arc<dyn Desk>, CallError> {
    let options = &config.options;
    let number = |name: &str| {
        let value = options.required(name)?;
        match value.bytes().all(|b| b.is_ascii_digit()) {
            true => Ok(value.to_owned()),
            false => Err(CallError::new(ErrorClass::Misconfigured, format!("the setting {name} is a number"))),
        }
    };
    let field = |name: &str| {
        let value = options.required(name)?;
        match value
            .strip_prefix("customfield_")
            .is_some_and(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()))
        {
            true => Ok(value.to_owned()),
            false => {
                Err(CallError::new(ErrorClass::Misconfigured, format!("the setting {name} is like customfield_10101")))
            }
        }
    };
    let project = config.queue.trim().to_owned();
    if project.is_empty() || !project.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Err(CallError::new(ErrorClass::Misconfigured, "a project's key has letters and digits only"));
    }
    let login = options.required("login")?;
    let sign_in = SignIn::Key("Basic", config.token.behind(&format!("{login}:")));
    let base = rest::base(&config, &["jira", "browse", "servicedesk", "rest"])?;
    Ok(Arc::new(Jira {
        rest: Rest::new(rest::client(&config)?, base, sign_in, refusal),
        project,
        service_desk: number("service_desk")?,
        request_type: number("request_type")?,
        key: field("key_field")?,
        context: field("context_field")?,
        us: OnceCell::new(),
    }))
}

fn priority(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "Highest",
        Severity::Major => "High",
        Severity::Minor => "Medium",
        Severity::Info => "Low",
    }
}

/// Whether a note of ours stayed with the agents; no more are written where one did not.
fn internal(comment: &Value) -> Result<(), CallError> {
    match comment["public"].as_bool() {
        Some(true) => Err(CallError::new(ErrorClass::Misconfigured, "Jira published an internal note").advising(
            "give the integration's account an agent's licence and the role Service Desk Team, and delete the note",
        )),
        _ => Ok(()),
    }
}

impl Jira {
    fn case(&self, issue: &Value) -> Option<DeskCase> {
        let number = number_of(&issue["id"])?;
        let done = text(issue, "/fields/status/statusCategory/key") == "done";
        let status = if done { DeskStatus::Resolved } else { DeskStatus::Open };
        Some(DeskCase { number, url: self.page(text(issue, "/key")), status })
    }

    fn page(&self, key: &str) -> String {
        format!("{}/browse/{key}", self.rest.base())
    }

    fn fields(&self) -> String {
        format!("status,updated,assignee,{},{}", self.key, self.context)
    }

    async fn us(&self, log: &dyn CallLog) -> Result<&Us, CallError> {
        let us = || async {
            let me = self.rest.get("myself", "rest/api/3/myself", &[], log).await?;
            let zone = TimeZone::get(text(&me, "/timeZone")).unwrap_or(TimeZone::UTC);
            Ok::<_, CallError>(Us { id: text(&me, "/accountId").to_owned(), zone })
        };
        self.us.get_or_try_init(us).await
    }

    async fn read(&self, number: &str, log: &dyn CallLog) -> Result<Option<Value>, CallError> {
        let Ok(number) = digits(number) else { return Ok(None) };
        let path = format!("rest/api/3/issue/{number}");
        match self.rest.get("issue", &path, &[("fields", &self.fields())], log).await {
            Ok(issue) => Ok(Some(issue)),
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn search(&self, jql: &str, token: Option<&str>, log: &dyn CallLog) -> Result<Page, CallError> {
        let fields: Vec<_> = self.fields().split(',').map(str::to_owned).collect();
        let mut body = json!({"jql": jql, "fields": fields, "maxResults": PAGE});
        if let Some(token) = token {
            body["nextPageToken"] = json!(token);
        }
        let page = self.rest.search("search/jql", "rest/api/3/search/jql", body, log).await?;
        Page::of(&page)
    }

    /// Comments of a request, oldest first.
    async fn comments(&self, number: &str, log: &dyn CallLog) -> Result<Vec<Value>, CallError> {
        let (path, limit) = (format!("rest/servicedeskapi/request/{number}/comment"), PAGE.to_string());
        let mut all = Vec::new();
        for page in 0..COMMENT_PAGES_MAX {
            let start = (page * PAGE).to_string();
            let read = self.rest.get("request/comments", &path, &[("start", &start), ("limit", &limit)], log).await?;
            let values = read["values"].as_array().cloned().unwrap_or_default();
            let is_last = values.is_empty() || read["isLastPage"].as_bool() != Some(false);
            all.extend(values);
            if is_last {
                break;
            }
        }
        Ok(all)
    }

    async fn post_once(&self, number: &str, key: &str, body: &str, log: &dyn CallLog) -> Result<(), CallError> {
        let mark = mark(key);
        let there = self.comments(number, log).await?;
        if let Some(there) = there.iter().find(|comment| text(comment, "/body").contains(&mark)) {
            return internal(there);
        }
        let body = format!("{}\n{mark}", wire::escaped(&cut(body, BODY_CHARS_MAX)));
        let path = format!("rest/servicedeskapi/request/{number}/comment");
        let comment = json!({"body": body, "public": false});
        internal(&self.rest.send("request/comment", Method::POST, &path, comment, log).await?)
    }

    /// Leads an issue to a status that is done, or to one that is not; whether the workflow offers that.
    async fn lead(&self, issue: &Value, done: bool, log: &dyn CallLog) -> Result<bool, CallError> {
        if (text(issue, "/fields/status/statusCategory/key") == "done") == done {
            return Ok(true);
        }
        let path = format!("rest/api/3/issue/{}/transitions", text(issue, "/id"));
        let offered = self.rest.get("issue/transitions", &path, &[], log).await?;
        let fits = |one: &&Value| (text(one, "/to/statusCategory/key") == "done") == done;
        let offered = offered["transitions"].as_array().cloned().unwrap_or_default();
        let Some(id) = offered.iter().find(fits).map(|one| text(one, "/id")) else { return Ok(false) };
        self.rest.send("issue/transition", Method::POST, &path, json!({"transition": {"id": id}}), log).await?;
        Ok(true)
    }

    /// Adds labels, and sets the priority; a field that is not on the project's screen is left out.
    async fn put_labels(&self, number: &str, labels: &Labels, log: &dyn CallLog) -> Result<(), CallError> {
        let add: Vec<_> = labels.tags.iter().map(|tag| json!({"add": tag.replace(char::is_whitespace, "-")})).collect();
        let tags = (!add.is_empty()).then(|| json!({"update": {"labels": add}}));
        let priority = labels.severity.map(|severity| json!({"fields": {"priority": {"name": priority(severity)}}}));
        for body in [tags, priority].into_iter().flatten() {
            match self.rest.send("issue/edit", Method::PUT, &format!("rest/api/3/issue/{number}"), body, log).await {
                Err(error) if error.class == ErrorClass::Rejected => {}
                done => drop(done?),
            }
        }
        Ok(())
    }

    /// What a request's form does not take: labels, priority, what it follows up.
    async fn complete(&self, number: &str, case: &NewCase, log: &dyn CallLog) -> Result<(), CallError> {
        let labels = Labels { severity: Some(case.severity), tags: case.tags.clone() };
        self.put_labels(number, &labels, log).await?;
        let Some(earlier) = case.follows.as_deref().and_then(|number| digits(number).ok()) else { return Ok(()) };
        let link = json!({"type": {"name": "Relates"}, "inwardIssue": {"id": earlier}, "outwardIssue": {"id": number}});
        match self.rest.send("issueLink", Method::POST, "rest/api/3/issueLink", link, log).await {
            // one that is gone is not linked
            Err(error) if is_gone(&error) || error.class == ErrorClass::Rejected => Ok(()),
            done => done.map(drop),
        }
    }

    /// Who gave an issue its status, unless that was us.
    async fn moved_by(&self, number: &str, log: &dyn CallLog) -> Result<Option<String>, CallError> {
        let path = format!("rest/api/3/issue/{number}");
        let read =
            self.rest.get("issue/changelog", &path, &[("expand", "changelog"), ("fields", "status")], log).await?;
        let histories = read.pointer("/changelog/histories").and_then(Value::as_array).cloned().unwrap_or_default();
        let moves = |history: &&Value| {
            history["items"].as_array().into_iter().flatten().any(|item| text(item, "/field") == "status")
        };
        // the newest is first
        let Some(last) = histories.iter().find(moves) else { return Ok(Some(SOMEBODY.to_owned())) };
        if text(last, "/author/accountId") == self.us(log).await?.id {
            return Ok(None);
        }
        let name = Some(text(last, "/author/displayName")).filter(|name| !name.is_empty()).unwrap_or(SOMEBODY);
        Ok(Some(name.to_owned()))
    }

    async fn activity(&self, issue: &Value, log: &dyn CallLog) -> Result<Activity, CallError> {
        let set = |pointer| Some(text(issue, pointer)).filter(|name| !name.is_empty()).map(str::to_owned);
        let changed_at = when(&issue["fields"]["updated"]);
        let mut activity =
            Activity { assignee: set("/fields/assignee/displayName"), changed_at, ..Activity::default() };
        let us = &self.us(log).await?.id;
        for comment in self.comments(text(issue, "/id"), log).await? {
            let by_other = text(&comment, "/author/accountId") != us && !is_ours(text(&comment, "/body"));
            // customers are of a kind of their own
            if !by_other || text(&comment, "/author/accountType") == "customer" {
                continue;
            }
            match comment["public"].as_bool() {
                Some(true) => activity.replies += 1,
                _ => activity.notes += 1,
            }
            activity.last_at = activity.last_at.max(epoch(&comment["created"]));
        }
        Ok(activity)
    }
}

#[async_trait]
impl Desk for Jira {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    async fn version(&self, log: &dyn CallLog) -> Result<Option<String>, CallError> {
        self.us(log).await.map(|_| None)
    }

    async fn check(&self, log: &dyn CallLog) -> Result<Vec<Missing>, CallError> {
        let path =
            format!("rest/servicedeskapi/servicedesk/{}/requesttype/{}/field", self.service_desk, self.request_type);
        let form = match self.rest.get("requesttype/field", &path, &[], log).await {
            Ok(form) => form,
            Err(error) if is_gone(&error) => {
                let todo = "correct the ids, and let the integration's account see the project".to_owned();
                return Ok(vec![Missing { what: format!("request type {}", self.request_type), todo }]);
            }
            Err(error) => return Err(error),
        };
        let fields = form["requestTypeFields"].as_array().cloned().unwrap_or_default();
        let has = |name: &str| fields.iter().any(|field| text(field, "/fieldId") == name);
        let missing = [&self.key, &self.context].into_iter().filter(|name| !has(name)).map(|name| Missing {
            what: format!("field {name} of request type {}", self.request_type),
            todo: "add it to the request type's form (hidden is enough): else no request is found again".into(),
        });
        Ok(missing.collect())
    }

    async fn find(&self, external_key: &str, log: &dyn CallLog) -> Result<Option<DeskCase>, CallError> {
        let key = hashed(external_key);
        let field = self.key.trim_start_matches("customfield_");
        // not of one project only: people move issues. Texts match by word, so each hit is compared
        let page = self.search(&format!("cf[{field}] ~ \"\\\"{key}\\\"\" ORDER BY created ASC"), None, log).await?;
        let same = page.issues.iter().find(|issue| issue["fields"][&self.key] == json!(key));
        Ok(same.and_then(|issue| self.case(issue)))
    }

    async fn create(&self, case: &NewCase, log: &dyn CallLog) -> Result<DeskCase, CallError> {
        let key = hashed(&case.external_key);
        let links = case.odoo_url.iter().map(|url| format!("\n\nOrder: {url}"));
        let body = format!("{}{}", wire::escaped(&cut(&case.body, BODY_CHARS_MAX)), links.collect::<String>());
        let request = json!({
            "serviceDeskId": self.service_desk, "requestTypeId": self.request_type, "isAdfRequest": false,
            "requestFieldValues": {"summary": line(&case.subject, SUBJECT_CHARS_MAX), "description": body, self.key.as_str(): key},
        });
        let made = self.rest.send("request/create", Method::POST, "rest/servicedeskapi/request", request, log).await?;
        let odd = || CallError::new(ErrorClass::UnknownOutcome, "the answer names no request");
        let number = number_of(&made["issueId"]).ok_or_else(odd)?;
        self.complete(&number, case, log).await.map_err(once_made)?;
        let read =
            self.read(&number, log).await.map_err(once_made)?.filter(|issue| issue["fields"][&self.key] == json!(key));
        let dropped = || {
            let text =
                format!("a request was made that does not keep the field {}: none would be found again", self.key);
            CallError::new(ErrorClass::Misconfigured, text)
        };
        read.and_then(|issue| self.case(&issue)).ok_or_else(dropped)
    }

    async fn look(&self, number: &str, known: DeskStatus, log: &dyn CallLog) -> Result<Look, CallError> {
        let found = self.read(number, log).await?;
        let Some((issue, case)) = found.as_ref().and_then(|issue| Some((issue, self.case(issue)?))) else {
            let case = DeskCase { number: number.to_owned(), url: self.page(number), status: DeskStatus::Hidden };
            let by = (known != DeskStatus::Hidden).then(|| SOMEBODY.to_owned());
            return Ok(Look { case, activity: Activity::default(), by });
        };
        let activity = self.activity(issue, log).await?;
        let by = if case.status == known { None } else { self.moved_by(&case.number, log).await? };
        Ok(Look { case, activity, by })
    }

    /// A search knows times by the minute, in the account's zone. Where it goes on is Jira's own token.
    async fn changed(&self, from: &PollFrom, log: &dyn CallLog) -> Result<Changed, CallError> {
        let odd = || CallError::new(ErrorClass::Rejected, "the poll's cursor cannot be read");
        let (since, token) = match from {
            PollFrom::Since(at) => (*at, None),
            PollFrom::After(cursor) => {
                let (at, token) = cursor.split_once('~').ok_or_else(odd)?;
                (at.parse::<Timestamp>().map_err(|_| odd())?, Some(token))
            }
        };
        let minute = since.to_zoned(self.us(log).await?.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
        let jql = format!("project = \"{}\" AND updated >= \"{minute}\" ORDER BY updated ASC, id ASC", self.project);
        let page = self.search(&jql, token, log).await?;
        let change = |issue: &Value| Some(Change { case: self.case(issue)?, at: when(&issue["fields"]["updated"]) });
        let ours = page.issues.iter().filter(|issue| text(issue, &format!("/fields/{}", self.key)).starts_with("mp-"));
        let cases: Vec<_> = ours.filter_map(change).filter(|change| change.at.is_none_or(|at| at >= since)).collect();
        let newest = page.issues.iter().filter_map(|issue| when(&issue["fields"]["updated"])).max();
        Ok(Changed { cases, next: page.next.map(|token| format!("{since}~{token}")), newest })
    }

    async fn shown(&self, numbers: &[String], log: &dyn CallLog) -> Result<Vec<DeskCase>, CallError> {
        let mut shown = Vec::new();
        // a search lags, and would show what was deleted: each is read
        for number in numbers.iter().take(SHOWN_MAX) {
            shown.extend(self.read(number, log).await?.and_then(|issue| self.case(&issue)));
        }
        Ok(shown)
    }

    async fn note(&self, number: &str, note_key: &str, body: &str, log: &dyn CallLog) -> Result<(), CallError> {
        match self.read(number, log).await? {
            Some(_) => self.post_once(number, note_key, body, log).await,
            None => Ok(()),
        }
    }

    async fn resolve(&self, number: &str, note_key: &str, body: &str, log: &dyn CallLog) -> Result<(), CallError> {
        let Some(issue) = self.read(number, log).await? else { return Ok(()) };
        self.post_once(number, note_key, body, log).await?;
        match self.lead(&issue, true, log).await? {
            true => Ok(()),
            false => {
                let text = format!("the workflow leads request {number} to no status that is done");
                Err(CallError::new(ErrorClass::Rejected, text)
                    .advising("add a transition that the integration's account may use"))
            }
        }
    }

    async fn reopen(&self, number: &str, note_key: &str, body: &str, log: &dyn CallLog) -> Result<Reopened, CallError> {
        let Some(issue) = self.read(number, log).await? else { return Ok(Reopened::FollowUp) };
        if !self.lead(&issue, false, log).await? {
            return Ok(Reopened::FollowUp);
        }
        self.post_once(number, note_key, body, log).await?;
        Ok(Reopened::Open)
    }

    async fn label(&self, number: &str, labels: &Labels, log: &dyn CallLog) -> Result<(), CallError> {
        match self.read(number, log).await? {
            Some(issue) => self.put_labels(text(&issue, "/id"), labels, log).await,
            None => Ok(()),
        }
    }

    async fn set_context(&self, number: &str, context: &str, log: &dyn CallLog) -> Result<(), CallError> {
        let Some(issue) = self.read(number, log).await? else { return Ok(()) };
        // the second version of the interface takes plain text
        let fields = json!({"fields": {self.context.as_str(): wire::escaped(&cut(context, BODY_CHARS_MAX))}});
        let path = format!("rest/api/2/issue/{}?notifyUsers=false", text(&issue, "/id"));
        self.rest.send("issue/context", Method::PUT, &path, fields, log).await.map(drop)
    }

    fn read_hook(&self, hook: &Hook<'_>) -> Result<HookReport, HookRefusal> {
        hook.signed_hex(Hash::Sha256, "X-Hub-Signature", "sha256=", &[hook.body])?;
        let body = hook.json()?;
        let number = number_of(&body["issue"]["id"]).filter(|number| digits(number).is_ok());
        let delivery = hook.header("X-Atlassian-Webhook-Identifier").map(str::to_owned);
        Ok(HookReport { delivery, numbers: number.into_iter().collect() })
    }
}
