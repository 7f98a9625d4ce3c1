//! What happened on a connection last: calls and their jobs, errors by class, and who changed what.

use super::overview::Details;
use crate::{audit::Opened, caller::Caller, context::Context, error::Result};
use domain::{
    access::Permission,
    ids::{SourceId, UserId},
};
use jiff::Timestamp;
use outbound::template::Family;
use serde_json::Value;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};
use storage::{
    Actor, Scope,
    inbox::{MessageSelection, MessageState},
    jobs::{AttemptRecord, JobFilter, JobKind, JobSelection},
    people::AuditRecord,
};

/// Where desks report to, before the connection's name.
pub const REPORTS: &str = "/hooks/desk";
/// Audit lines that are read.
const CHANGES: u32 = 50;
/// Jobs whose calls are read.
const JOBS_WITH_CALLS: usize = 15;
/// Calls that are shown.
const CALLS: usize = 50;

/// What happened on a connection last.
#[derive(Clone, Debug)]
pub struct Activity {
    /// How many messages of a source cannot be read.
    pub quarantined: u64,
    /// The newest calls.
    pub calls: Vec<Call>,
    /// The newest changes, newest first.
    pub changes: Vec<Change>,
    /// Where a platform sends its messages; none for what Milepost calls.
    pub ingest: Option<String>,
    /// Where a desk reports that tickets changed; none for others.
    pub reports: Option<String>,
    /// Why it cannot be used at all.
    pub unusable: Option<String>,
}

/// A call, and the kind of the job that made it.
#[derive(Clone, Debug)]
pub struct Call {
    /// The job's kind.
    pub kind: JobKind,
    /// The call.
    pub attempt: AttemptRecord,
}

/// A change of a connection.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Its place in the audit trail.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// What was done, as in the audit trail: `connection.put`.
    pub action: String,
    /// Who.
    pub who: String,
    /// Why; empty where no reason was given, or it was erased.
    pub why: String,
    /// Whether the connection was made by it.
    pub first: bool,
    /// What changed.
    pub values: Vec<Difference>,
}

/// A value that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which: `label`, `settings.url`, `takes.carriers`.
    pub field: String,
    /// Before; empty where it was not set.
    pub before: String,
    /// After; empty where it is not set any more.
    pub after: String,
}

/// What happened on this connection last.
///
/// # Errors
/// When the store fails.
pub async fn activity(context: &Context, caller: &Caller, of: &Details) -> Result<Activity> {
    caller.require(Permission::Operate)?;
    let (scope, record) = (caller.scope(), &of.overview.record);
    let live = context.connections.now();
    let mut activity = Activity {
        quarantined: 0,
        calls: Vec::new(),
        changes: changes(context, scope, record.id, &record.name).await?,
        ingest: None,
        reports: None,
        unusable: live.get(&record.name).and_then(|connection| connection.unusable()).map(str::to_owned),
    };
    if of.overview.template.as_ref().is_some_and(|template| template.family == Family::Carrier) {
        let state = Some(MessageState::Quarantined);
        let unread = MessageSelection { source: Some(record.id), state, ..MessageSelection::default() };
        activity.quarantined = context.store.inbox.count(scope, unread).await?.take;
        activity.ingest = Some(format!("{}/ingest/{}", context.config.public_url, record.name));
        return Ok(activity);
    }
    if of.overview.template.as_ref().is_some_and(|template| template.family == Family::Desk) {
        activity.reports = Some(format!("{}{REPORTS}/{}", context.config.public_url, record.name));
    }
    activity.calls = calls(context, scope, &record.name).await?;
    Ok(activity)
}

/// The newest calls of the jobs that moved last, whatever became of them.
async fn calls(context: &Context, scope: Scope, name: &str) -> Result<Vec<Call>> {
    let mut jobs = Vec::new();
    for filter in [JobFilter::Failed, JobFilter::Retrying, JobFilter::Done] {
        let which = JobSelection { destination: Some(name.to_owned()), ..JobSelection::default() };
        jobs.extend(context.store.jobs.list(scope, filter, which, None).await?.rows);
    }
    jobs.sort_by_key(|row| Reverse(row.updated_at));
    let mut calls = Vec::new();
    for row in jobs.iter().take(JOBS_WITH_CALLS) {
        let attempts = context.store.jobs.attempts(scope, row.job.id).await?;
        calls.extend(attempts.into_iter().map(|attempt| Call { kind: row.job.kind, attempt }));
    }
    calls.sort_by_key(|call| Reverse(call.attempt.started_at));
    calls.truncate(CALLS);
    Ok(calls)
}

/// The newest changes, newest first.
async fn changes(context: &Context, scope: Scope, id: SourceId, name: &str) -> Result<Vec<Change>> {
    let mut lines: Vec<AuditRecord> = Vec::new();
    for subject in [format!("connection:{id}"), format!("source:{id}"), format!("destination:{name}")] {
        lines.extend(context.store.people.audit_trail(scope, Some(subject), CHANGES).await?);
    }
    lines.sort_by_key(|line| line.seq);
    let opened = Opened::read(context, scope, lines.iter().map(|line| &line.entry)).await?;
    let names = Names::read(context, lines.iter().map(|line| line.actor)).await?;
    let mut changes = Vec::new();
    for AuditRecord { seq, actor, entry, .. } in lines {
        let values = match (opened.value(entry.before.as_ref()), opened.value(entry.after.as_ref())) {
            (Some(before), Some(after)) => differences(&before, &after),
            _ => Vec::new(),
        };
        let made = matches!(entry.action.as_str(), "connection.put" | "connection.seed" | "source.put");
        changes.push(Change {
            seq,
            at: entry.at,
            who: names.of(actor),
            why: opened.why(entry.why.as_ref()).unwrap_or_default(),
            first: made && entry.before.is_none(),
            values,
            action: entry.action,
        });
    }
    changes.reverse();
    changes.truncate(CHANGES as usize);
    Ok(changes)
}

/// What people call those who did something.
pub struct Names(BTreeMap<UserId, String>);

impl Names {
    /// Reads the names of these.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn read(context: &Context, actors: impl Iterator<Item = Actor>) -> Result<Self> {
        let mut names = BTreeMap::new();
        for actor in actors {
            if let Actor::User(id) = actor
                && !names.contains_key(&id)
            {
                let user = context.store.people.user(id).await?;
                names.insert(id, user.map_or_else(|| "somebody".to_owned(), |user| user.name));
            }
        }
        Ok(Self(names))
    }

    /// What people call this one.
    pub fn of(&self, actor: Actor) -> String {
        match actor {
            Actor::User(id) => self.0.get(&id).cloned().unwrap_or_default(),
            Actor::Operator => "command line".to_owned(),
            Actor::System => "Milepost".to_owned(),
        }
    }
}

/// What is not the same in two values of the audit trail. A new secret is in it as such, never its text.
fn differences(before: &Value, after: &Value) -> Vec<Difference> {
    let (before, after) = (flat(before), flat(after));
    let fields: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let of = |values: &BTreeMap<String, String>, field: &String| values.get(field).cloned().unwrap_or_default();
    let differ = fields.into_iter().map(|field| Difference {
        before: of(&before, field),
        after: of(&after, field),
        field: field.clone(),
    });
    // these say what the change did, not how it is
    let of_change = |field: &str| ["new_secret", "moved"].contains(&field);
    // what is off may as well not be there
    let is_off = |value: &str| value.is_empty() || value == "off";
    let is_same = |one: &Difference| one.before == one.after || is_off(&one.before) && is_off(&one.after);
    let differ = differ.filter(|difference| !is_same(difference) && !of_change(&difference.field));
    let secret = after.get("new_secret").is_some_and(|new| new == "on").then(|| Difference {
        field: "secret".into(),
        before: String::new(),
        after: "replaced".into(),
    });
    differ.chain(secret).collect()
}

/// The values of an object by their paths, as text.
fn flat(value: &Value) -> BTreeMap<String, String> {
    fn walk(path: &str, value: &Value, flat: &mut BTreeMap<String, String>) {
        let text = match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    walk(&path, value, flat);
                }
                return;
            }
            Value::Null => return,
            Value::Bool(on) => if *on { "on" } else { "off" }.to_owned(),
            Value::String(text) => text.clone(),
            Value::Array(list) => list
                .iter()
                .map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned))
                .collect::<Vec<_>>()
                .join(", "),
            Value::Number(number) => number.to_string(),
        };
        flat.insert(path.to_owned(), text);
    }
    let mut values = BTreeMap::new();
    walk("", value, &mut values);
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_changed_is_named_with_both_values() {
        let before = json!({"label": "Odoo", "settings": {"url": "https://a", "seconds": 30}, "takes": {}, "enabled": true, "new_secret": true});
        let after = json!({"label": "Odoo", "settings": {"url": "https://b", "seconds": 30, "signatory": true},
            "takes": {"carriers": ["dhl", "ups"]}, "enabled": true, "new_secret": true, "moved": true});
        let difference = |field: &str, before: &str, after: &str| Difference {
            field: field.into(),
            before: before.into(),
            after: after.into(),
        };
        assert_eq!(
            differences(&before, &after),
            [
                difference("settings.signatory", "", "on"),
                difference("settings.url", "https://a", "https://b"),
                difference("takes.carriers", "", "dhl, ups"),
                difference("secret", "", "replaced"),
            ]
        );
        let same = json!({"label": "Odoo", "new_secret": false});
        assert_eq!(differences(&same, &same), []);
        let off = json!({"label": "Odoo", "settings": {"signatory": false}, "new_secret": false, "moved": false});
        assert_eq!((differences(&same, &off), differences(&off, &same)), (vec![], vec![]));
    }
}
