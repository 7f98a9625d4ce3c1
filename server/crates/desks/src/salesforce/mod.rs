//! Salesforce Service Cloud over its REST API
//! (<https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/intro_rest.htm>). Recorded from its documentation, not from a
//! running organisation.
//!
//! - A case is made by an upsert on a field that an administrator makes unique and an external id: Salesforce keeps one case a key. Where
//!   the field is not unique, two cases of one key are answered with 300 and nothing is written: a configuration error.
//! - A limit that is reached is answered with 403, a lock with 400: the error's code counts, not the status.
//! - Texts of comments cannot be searched: those of the case are read.
//! - Who gave a case its status is in `CaseHistory`, where the organisation keeps the history of that field.
//! - Of two merged cases the younger is deleted with `MasterRecordId` set; `queryAll` still shows it.

mod texts;

use crate::{
    Activity, Change, Changed, Closed, Desk, DeskCase, DeskConfig, DeskStatus, HookProof, KeyGuard, Labels, Look,
    Manifest, NewCase, PollFrom, Reopened, SHOWN_MAX, SOMEBODY,
    cursor::Cursor,
    hooks::{Hook, HookRefusal, HookReport, number_of},
    marks::{cut, joined, key as hashed, line, mark},
    oauth::{OAuth, TokenBody},
    once_made,
    rest::{self, Rest, SignIn, is_gone, text},
};
use async_trait::async_trait;
use domain::Severity;
use outbound::{
    CallError, CallLog, ErrorClass, Method,
    missing::Missing,
    schema::{Field, FieldKind},
    template::{Family, Template},
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use texts::{is_id, refusal, when};
use tokio::sync::OnceCell;

pub(super) static MANIFEST: Manifest = Manifest {
    id: "salesforce",
    label: "Salesforce Service Cloud",
    key: KeyGuard::Desk,
    find_lag: Duration::ZERO,
    closed: Closed::Reopens,
    hooks: HookProof::SharedSecret,
    queues: Some("queue"),
};

/// The field that holds our key, the one with the context, and the one with tags, of cases.
const KEY: &str = "Shipment_Key__c";
const CONTEXT: &str = "Shipment_Context__c";
const TAGS: &str = "Shipment_Tags__c";
/// Salesforce's limits, in characters.
const SUBJECT_CHARS_MAX: usize = 255;
const BODY_CHARS_MAX: usize = 20_000;
/// Comments have 4000 bytes.
const COMMENT_CHARS_MAX: usize = 1_300;
/// Cases of one page, and comments of a case that are read.
const PAGE: usize = 100;
const COMMENTS_MAX: usize = 500;
/// What is read of a case.
const FIELDS: &str = "Id, Status, IsClosed, IsDeleted, MasterRecordId, SystemModstamp, LastModifiedDate, LastModifiedBy.Username, ClosedDate, \
                      OwnerId, Owner.Name, Owner.Type, Shipment_Context__c, Shipment_Tags__c";

struct Salesforce {
    rest: Rest,
    /// `services/data/v62.0`.
    data: String,
    queue: String,
    open: String,
    closed: String,
    us: OnceCell<String>,
}

pub(super) fn template() -> Template {
    let pages: &[&str] = &["lightning", "services", "setup"];
    let url_help = "The address of My Domain, such as https://example.my.salesforce.com.";
    let fields = vec![
        Field::new("url", "URL", FieldKind::Url { pages }, url_help).required(),
        Field::new(
            "client_id",
            "Consumer key",
            FieldKind::Text,
            "Of the connected app, which has the flow for client credentials.",
        )
        .required(),
        Field::new(
            "queue",
            "Queue",
            FieldKind::Text,
            "The name (DeveloperName) of the queue that owns the cases; empty leaves it to Salesforce.",
        ),
        Field::new(
            "open_status",
            "Status of open cases",
            FieldKind::Text,
            "What a case is set to that is opened again.",
        )
        .or("New"),
        Field::new("closed_status", "Status of closed cases", FieldKind::Text, "What a settled case is set to.")
            .or("Closed"),
        Field::new("api_version", "API version", FieldKind::Text, "Such as 62.0.").or("62.0"),
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
        secret_label: "Consumer secret",
        secret_help: "In Salesforce: App Manager, the connected app, Manage Consumer Details. The app runs as the integration user.",
        reads: "Cases",
        writes: "Cases, private comments, status",
        signs_in: "OAuth client credentials",
    }
}

pub(super) fn connect(config: DeskConfig) -> Result<Arc<dyn Desk>, CallError> {
    let options = &config.options;
    let version = options.text("api_version").unwrap_or("62.0").trim_start_matches('v');
    if !version.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return Err(CallError::new(ErrorClass::Misconfigured, "the API version is a number such as 62.0"));
    }
    let (http, base) = (rest::client(&config)?, rest::base(&config, &["lightning", "services"])?);
    let endpoint = format!("{base}/services/oauth2/token");
    let oauth =
        OAuth::new(http.clone(), endpoint, TokenBody::Form, options.required("client_id")?, config.token.clone());
    let word = |name: &str, usual: &str| options.text(name).unwrap_or(usual).to_owned();
    Ok(Arc::new(Salesforce {
        // assignment rules of the organisation would take it out of the queue (REST API, Assignment Rule Header)
        rest: Rest::new(http, base, SignIn::OAuth(oauth), refusal).with_header("Sforce-Auto-Assign", "FALSE"),
        data: format!("services/data/v{version}"),
        queue: config.queue.trim().to_owned(),
        open: word("open_status", "New"),
        closed: word("closed_status", "Closed"),
        us: OnceCell::new(),
    }))
}

fn priority(severity: Severity) -> &'static str {
    match severity {
        Severity::Info | Severity::Minor => "Low",
        Severity::Major => "Medium",
        Severity::Critical => "High",
    }
}

fn status_of(case: &Value) -> DeskStatus {
    match (case["IsDeleted"].as_bool(), case["IsClosed"].as_bool()) {
        (Some(true), _) => DeskStatus::Gone,
        (_, Some(true)) => DeskStatus::Resolved,
        _ => DeskStatus::Open,
    }
}

impl Salesforce {
    fn case(&self, case: &Value) -> Option<DeskCase> {
        let number = number_of(&case["Id"])?;
        Some(DeskCase { url: self.page(&number), number, status: status_of(case) })
    }

    fn page(&self, number: &str) -> String {
        format!("{}/lightning/r/Case/{number}/view", self.rest.base())
    }

    async fn query(&self, how: &str, soql: &str, log: &dyn CallLog) -> Result<Vec<Value>, CallError> {
        let path = format!("{}/{how}", self.data);
        let rows = self.rest.get(&format!("Case/{how}"), &path, &[("q", soql)], log).await?;
        Ok(rows["records"].as_array().cloned().unwrap_or_default())
    }

    /// The login of the integration's user.
    async fn us(&self, log: &dyn CallLog) -> Result<&str, CallError> {
        let us = || async {
            let info = self.rest.get("userinfo", "services/oauth2/userinfo", &[], log).await?;
            Ok::<_, CallError>(text(&info, "/preferred_username").to_owned())
        };
        self.us.get_or_try_init(us).await.map(String::as_str)
    }

    /// A case by its id, deleted ones too; none where it is out of sight.
    async fn read(&self, number: &str, log: &dyn CallLog) -> Result<Option<Value>, CallError> {
        if !is_id(number) {
            return Ok(None);
        }
        let soql = format!("SELECT {FIELDS} FROM Case WHERE Id = '{number}'");
        match self.query("queryAll", &soql, log).await {
            Ok(mut rows) => Ok(rows.pop()),
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn writable(&self, number: &str, log: &dyn CallLog) -> Result<Option<Value>, CallError> {
        Ok(self.read(number, log).await?.filter(|case| status_of(case) != DeskStatus::Gone))
    }

    async fn patch(&self, operation: &str, number: &str, fields: Value, log: &dyn CallLog) -> Result<(), CallError> {
        let path = format!("{}/sobjects/Case/{number}", self.data);
        match self.rest.send(operation, Method::PATCH, &path, fields, log).await {
            Err(error) if error.class == ErrorClass::NotFound => Ok(()),
            done => done.map(drop),
        }
    }

    async fn comments(&self, number: &str, log: &dyn CallLog) -> Result<Vec<Value>, CallError> {
        let soql = format!(
            "SELECT Id, CommentBody, IsPublished, CreatedBy.Username, CreatedBy.UserType, CreatedDate FROM CaseComment WHERE ParentId = '{number}' \
             ORDER BY CreatedDate DESC LIMIT {COMMENTS_MAX}"
        );
        self.query("query", &soql, log).await
    }

    async fn post_once(&self, number: &str, key: &str, body: &str, log: &dyn CallLog) -> Result<(), CallError> {
        let mark = mark(key);
        if self.comments(number, log).await?.iter().any(|comment| text(comment, "/CommentBody").contains(&mark)) {
            return Ok(());
        }
        let comment = json!({
            "ParentId": number, "CommentBody": format!("{}\n{mark}", cut(body, COMMENT_CHARS_MAX)), "IsPublished": false,
        });
        let path = format!("{}/sobjects/CaseComment", self.data);
        self.rest.send("CaseComment/create", Method::POST, &path, comment, log).await.map(drop)
    }

    async fn put_status(&self, case: &Value, closed: bool, log: &dyn CallLog) -> Result<(), CallError> {
        if (status_of(case) == DeskStatus::Resolved) == closed {
            return Ok(());
        }
        let (number, wanted) = (text(case, "/Id"), if closed { &self.closed } else { &self.open });
        self.patch("Case/status", number, json!({"Status": wanted}), log).await?;
        let now = self.read(number, log).await?;
        match now.is_none_or(|now| (status_of(&now) == DeskStatus::Resolved) == closed) {
            true => Ok(()),
            false => {
                let text = format!("the status {wanted} does not {} a case", if closed { "close" } else { "open" });
                Err(CallError::new(ErrorClass::Misconfigured, text).advising("correct the statuses of the connection"))
            }
        }
    }

    /// The id of the queue that owns a case: of this one, else the connection's; none where none is set.
    async fn owner(&self, queue: Option<&str>, log: &dyn CallLog) -> Result<Option<String>, CallError> {
        let queue = queue.unwrap_or(&self.queue);
        if queue.is_empty() {
            return Ok(None);
        }
        let name = texts::escaped(queue);
        let soql = format!("SELECT Id FROM Group WHERE Type = 'Queue' AND DeveloperName = '{name}'");
        let found = self.query("query", &soql, log).await?;
        let none = || CallError::new(ErrorClass::Misconfigured, format!("there is no queue {queue}"));
        found.first().and_then(|queue| number_of(&queue["Id"])).map(Some).ok_or_else(none)
    }

    /// Who gave a case its status, unless that was us.
    async fn moved_by(&self, case: &Value, log: &dyn CallLog) -> Result<Option<String>, CallError> {
        let agent = || Ok(Some(SOMEBODY.to_owned()));
        if status_of(case) == DeskStatus::Gone {
            return agent();
        }
        let soql = format!(
            "SELECT CreatedBy.Username FROM CaseHistory WHERE CaseId = '{}' AND Field = 'Status' ORDER BY CreatedDate DESC LIMIT 1",
            text(case, "/Id")
        );
        let kept = match self.query("query", &soql, log).await {
            Err(error) if matches!(error.class, ErrorClass::Misconfigured | ErrorClass::Forbidden) => Vec::new(),
            kept => kept?,
        };
        let us = self.us(log).await?;
        if let Some(by) = kept.first().map(|change| text(change, "/CreatedBy/Username")).filter(|by| !by.is_empty()) {
            return Ok((by != us).then(|| by.to_owned()));
        }
        // without history: the last change was ours, and none came after the closing
        let is_last = case["ClosedDate"].is_null() || when(&case["ClosedDate"]) == when(&case["LastModifiedDate"]);
        if is_last && text(case, "/LastModifiedBy/Username") == us { Ok(None) } else { agent() }
    }

    async fn activity(&self, case: &Value, log: &dyn CallLog) -> Result<Activity, CallError> {
        let owner = Some(text(case, "/Owner/Name")).filter(|name| !name.is_empty()).map(str::to_owned);
        let of_queue = text(case, "/Owner/Type") == "Queue";
        let us = self.us(log).await?.to_owned();
        let is_ours = text(case, "/Owner/Username") == us;
        let mut activity = Activity { changed_at: when(&case["SystemModstamp"]), ..Activity::default() };
        match of_queue {
            true => activity.team = owner,
            false => activity.assignee = owner.filter(|_| !is_ours),
        }
        for comment in self.comments(text(case, "/Id"), log).await? {
            // customers and partners who sign in at a portal are users of other types
            let is_agent = matches!(text(&comment, "/CreatedBy/UserType"), "" | "Standard");
            if text(&comment, "/CreatedBy/Username") == us || !is_agent {
                continue;
            }
            match comment["IsPublished"].as_bool() {
                Some(true) => activity.replies += 1,
                _ => activity.notes += 1,
            }
            activity.last_at = activity.last_at.max(when(&comment["CreatedDate"]));
        }
        Ok(activity)
    }
}

#[async_trait]
impl Desk for Salesforce {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    async fn version(&self, log: &dyn CallLog) -> Result<Option<String>, CallError> {
        self.us(log).await?;
        Ok(Some(self.data.rsplit('/').next().unwrap_or_default().to_owned()))
    }

    async fn check(&self, log: &dyn CallLog) -> Result<Vec<Missing>, CallError> {
        let described =
            self.rest.get("Case/describe", &format!("{}/sobjects/Case/describe", self.data), &[], log).await?;
        let fields = described["fields"].as_array().cloned().unwrap_or_default();
        let field = |name: &str| fields.iter().find(|field| text(field, "/name") == name);
        let mut missing = Vec::new();
        let is = |field: &Value, what: &str| field[what].as_bool() == Some(true);
        if !field(KEY).is_some_and(|field| is(field, "externalId") && is(field, "unique")) {
            let todo = "add it to Case: text of 64 characters, External ID and Unique, case sensitive; give the integration user access";
            missing.push(Missing { what: format!("unique field {KEY}"), todo: todo.into() });
        }
        for (name, kind) in [(CONTEXT, "long text area"), (TAGS, "text of 255 characters")] {
            if field(name).is_none() {
                let todo = format!("add it to Case ({kind}), and give the integration user access");
                missing.push(Missing { what: format!("field {name}"), todo });
            }
        }
        match self.owner(None, log).await {
            Err(error) if error.class == ErrorClass::Misconfigured => {
                let todo = "write its DeveloperName, as Salesforce has it".to_owned();
                missing.push(Missing { what: format!("queue {}", self.queue), todo });
            }
            owner => drop(owner?),
        }
        Ok(missing)
    }

    async fn find(&self, external_key: &str, log: &dyn CallLog) -> Result<Option<DeskCase>, CallError> {
        let soql =
            format!("SELECT {FIELDS} FROM Case WHERE {KEY} = '{}' ORDER BY CreatedDate LIMIT 2", hashed(external_key));
        Ok(self.query("query", &soql, log).await?.first().and_then(|case| self.case(case)))
    }

    async fn create(&self, case: &NewCase, log: &dyn CallLog) -> Result<DeskCase, CallError> {
        let links = case.odoo_url.iter().map(|url| format!("\n\nOrder: {url}"));
        let body = format!("{}{}", cut(&case.body, BODY_CHARS_MAX), links.collect::<String>());
        let mut fields = json!({
            "Subject": line(&case.subject, SUBJECT_CHARS_MAX), "Description": body, "Priority": priority(case.severity),
            "Origin": "Web", TAGS: cut(&case.tags.join(";"), SUBJECT_CHARS_MAX),
        });
        if let Some(requester) = &case.requester {
            fields["SuppliedName"] = json!(cut(&requester.name, 80));
            fields["SuppliedEmail"] = json!(requester.email);
        }
        if let Some(owner) = self.owner(case.queue.as_deref(), log).await? {
            fields["OwnerId"] = json!(owner);
        }
        if let Some(earlier) = case.follows.as_deref().filter(|number| is_id(number)) {
            // one that is gone is no parent
            if self.writable(earlier, log).await?.is_some() {
                fields["ParentId"] = json!(earlier);
            }
        }
        let path = format!("{}/sobjects/Case/{KEY}/{}", self.data, hashed(&case.external_key));
        let made = self.rest.send("Case/upsert", Method::PATCH, &path, fields, log).await?;
        let number = match number_of(&made["id"]) {
            Some(number) => number,
            // an update may be answered without a body
            None => match self.find(&case.external_key, log).await.map_err(once_made)? {
                Some(found) => return Ok(found),
                None => return Err(CallError::new(ErrorClass::UnknownOutcome, "the upsert names no case")),
            },
        };
        match self.read(&number, log).await.map_err(once_made)?.and_then(|made| self.case(&made)) {
            Some(case) => Ok(case),
            None => {
                Err(CallError::new(ErrorClass::Misconfigured, "a case was made that the integration user may not see"))
            }
        }
    }

    async fn look(&self, number: &str, known: DeskStatus, log: &dyn CallLog) -> Result<Look, CallError> {
        let mut found = self.read(number, log).await?;
        if let Some(master) = found.as_ref().map(|case| text(case, "/MasterRecordId").to_owned()).filter(|id| is_id(id))
        {
            found = self.read(&master, log).await?;
        }
        let Some(found) = found else {
            let case = DeskCase { number: number.to_owned(), url: self.page(number), status: DeskStatus::Hidden };
            let by = (known != DeskStatus::Hidden).then(|| SOMEBODY.to_owned());
            return Ok(Look { case, activity: Activity::default(), by });
        };
        let odd = || CallError::new(ErrorClass::BadAnswer, "the answer is no case");
        let case = self.case(&found).ok_or_else(odd)?;
        let activity = self.activity(&found, log).await?;
        let by = if case.status == known { None } else { self.moved_by(&found, log).await? };
        Ok(Look { case, activity, by })
    }

    async fn changed(&self, from: &PollFrom, log: &dyn CallLog) -> Result<Changed, CallError> {
        let cursor = Cursor::of(from)?;
        let since = cursor.since.strftime("%Y-%m-%dT%H:%M:%SZ");
        let fresh = match cursor.after.as_deref() {
            None => format!("SystemModstamp >= {since}"),
            Some(after) if is_id(after) => {
                format!("(SystemModstamp > {since} OR (SystemModstamp = {since} AND Id > '{after}'))")
            }
            Some(_) => return Err(CallError::new(ErrorClass::Rejected, "the poll's cursor cannot be read")),
        };
        let soql = format!(
            "SELECT {FIELDS} FROM Case WHERE {KEY} LIKE 'mp-%' AND {fresh} ORDER BY SystemModstamp, Id LIMIT {PAGE}"
        );
        let rows = self.query("query", &soql, log).await?;
        let change = |row: &Value| Some(Change { case: self.case(row)?, at: when(&row["SystemModstamp"]) });
        let cases: Vec<_> = rows.iter().filter_map(change).collect();
        let last = cases.last().and_then(|change| Some((change.at?, change.case.number.clone())));
        let next =
            last.filter(|_| rows.len() >= PAGE).map(|(at, id)| Cursor { since: at, after: Some(id), page: 0 }.text());
        let newest = cases.iter().filter_map(|change| change.at).max();
        Ok(Changed { cases, next, newest })
    }

    async fn shown(&self, numbers: &[String], log: &dyn CallLog) -> Result<Vec<DeskCase>, CallError> {
        let ids: Vec<_> = numbers.iter().take(SHOWN_MAX).filter(|id| is_id(id)).map(|id| format!("'{id}'")).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let soql = format!("SELECT {FIELDS} FROM Case WHERE Id IN ({})", ids.join(", "));
        Ok(self.query("query", &soql, log).await?.iter().filter_map(|case| self.case(case)).collect())
    }

    async fn note(&self, number: &str, note_key: &str, body: &str, log: &dyn CallLog) -> Result<(), CallError> {
        match self.writable(number, log).await? {
            Some(_) => self.post_once(number, note_key, body, log).await,
            None => Ok(()),
        }
    }

    async fn resolve(&self, number: &str, note_key: &str, body: &str, log: &dyn CallLog) -> Result<(), CallError> {
        let Some(case) = self.writable(number, log).await? else { return Ok(()) };
        self.post_once(number, note_key, body, log).await?;
        self.put_status(&case, true, log).await
    }

    async fn reopen(&self, number: &str, note_key: &str, body: &str, log: &dyn CallLog) -> Result<Reopened, CallError> {
        let Some(case) = self.writable(number, log).await? else { return Ok(Reopened::FollowUp) };
        self.put_status(&case, false, log).await?;
        self.post_once(number, note_key, body, log).await?;
        Ok(Reopened::Open)
    }

    async fn label(&self, number: &str, labels: &Labels, log: &dyn CallLog) -> Result<(), CallError> {
        let Some(case) = self.writable(number, log).await? else { return Ok(()) };
        let mut fields = json!({});
        if let Some(severity) = labels.severity {
            fields["Priority"] = json!(priority(severity));
        }
        if let Some(tags) = joined(text(&case, "/Shipment_Tags__c"), &labels.tags, ";") {
            fields[TAGS] = json!(cut(&tags, SUBJECT_CHARS_MAX));
        }
        if fields == json!({}) {
            return Ok(());
        }
        self.patch("Case/labels", number, fields, log).await
    }

    async fn set_context(&self, number: &str, context: &str, log: &dyn CallLog) -> Result<(), CallError> {
        let Some(case) = self.writable(number, log).await? else { return Ok(()) };
        let context = cut(context, BODY_CHARS_MAX);
        if text(&case, "/Shipment_Context__c") == context {
            return Ok(());
        }
        self.patch("Case/context", number, json!({CONTEXT: context}), log).await
    }

    /// As a flow with an HTTP callout posts it: `{"id": "500…"}`, with our secret in a header.
    fn read_hook(&self, hook: &Hook<'_>) -> Result<HookReport, HookRefusal> {
        hook.has_secret()?;
        let body = hook.json()?;
        let number = number_of(&body["id"]).filter(|id| is_id(id)).ok_or(HookRefusal::Unreadable)?;
        Ok(HookReport { delivery: number_of(&body["delivery"]), numbers: vec![number] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use outbound::CallKind;

    #[test]
    fn the_code_counts_and_not_the_status() {
        for (status, code, expected) in [
            (403, "REQUEST_LIMIT_EXCEEDED", ErrorClass::RateLimited),
            (400, "UNABLE_TO_LOCK_ROW", ErrorClass::Conflict),
            (401, "INVALID_SESSION_ID", ErrorClass::Unauthorized),
            (400, "INVALID_FIELD", ErrorClass::Misconfigured),
            (400, "DUPLICATES_DETECTED", ErrorClass::Rejected),
            (404, "ENTITY_IS_DELETED", ErrorClass::NotFound),
            (403, "INSUFFICIENT_ACCESS_OR_READONLY", ErrorClass::Forbidden),
            (500, "UNKNOWN_EXCEPTION", ErrorClass::ServerError),
        ] {
            let answer = json!([{"message": "m", "errorCode": code}]);
            assert_eq!(refusal(status, &answer, CallKind::Command).0, expected, "{code}");
        }
        let several = json!(["/services/data/v62.0/sobjects/Case/500A", "/services/data/v62.0/sobjects/Case/500B"]);
        assert_eq!(refusal(300, &several, CallKind::Command).0, ErrorClass::Misconfigured);
    }

    #[test]
    fn only_ids_go_into_a_query() {
        for odd in ["", "1", "500' OR Id != '", "500000000000001AAA0"] {
            assert!(!is_id(odd), "{odd}");
        }
        assert!(is_id("500000000000001AAA") && is_id("500000000000001"));
        let at: Timestamp = "2026-03-10T12:00:00Z".parse().unwrap();
        assert_eq!(when(&json!("2026-03-10T12:00:00.000+0000")), Some(at));
    }
}
