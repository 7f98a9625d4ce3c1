//! One connection: how it stands in a sentence, errors, calls, messages and changes in words.

use super::super::times::Times;
use super::{
    Refused, form,
    list::{family, health, label_of, open_end, paused_by, row},
};
use app::{
    components::parts::grouped,
    contract::connections::{
        CallRow, ChangeView, CheckResult, CheckView, ConnectionView, ErrorRow, Health, MessageRow, RemovalView,
        ReportView, SavedView,
    },
};
use application::{
    connections::{Activity, Change, Details, Difference, Names, Overview, activity::Call, overview::HOURS},
    jobs::{errors, registry},
};
use domain::routing::Takes;
use jiff::{SignedDuration, Timestamp};
use outbound::{
    check::{Check, CheckOutcome, Report},
    template::{Family, Template},
};
use storage::{
    inbox::{MessageRecord, MessageStatus},
    jobs::{ErrorCount, JobFilter, Outcome},
};

/// Everything about a connection.
pub(super) fn one(
    details: Details,
    activity: Activity,
    pausing: &Names,
    typed: Option<Refused>,
    times: &Times,
) -> ConnectionView {
    let Details { overview, messages } = details;
    let row = row(&overview, pausing, times);
    let saved = saved(&overview, &activity, times);
    let Activity { quarantined, calls, changes, .. } = activity;
    let why = why(&overview, quarantined, &changes, pausing, times);
    let (form, fault) = form::taken_up(typed, || form::form_of(&overview));
    let template = overview.template.as_ref();
    let hour = SignedDuration::from_hours(i64::try_from(HOURS).unwrap_or(i64::MAX) - 1);
    let whole = Timestamp::from_second(times.now.as_second().div_euclid(3_600) * 3_600).unwrap_or(times.now);
    let first = whole.checked_sub(hour).unwrap_or(whole);
    ConnectionView {
        why,
        purpose: overview.record.purpose.clone(),
        runbook: overview.record.runbook.clone(),
        data_classes: overview.record.data_classes.join(", "),
        enabled: overview.record.enabled,
        retrying: overview.retrying,
        dead: overview.dead + quarantined,
        span: format!("{} to {}", times.dated(first).shown, times.clock(times.now).shown),
        as_of: times.clock(times.now),
        errors: error_rows(&overview.errors, quarantined),
        calls: calls.into_iter().map(|call| call_row(call, times)).collect(),
        messages: messages.into_iter().map(|message| message_row(message, times)).collect(),
        changes: change_views(changes, template, times),
        secret_set: times.dated(overview.record.secret_set_at),
        routing: (family(&overview) == Some(Family::Desk)).then(|| routing(&overview.takes)),
        settings: settings(&overview),
        form: template.map(|template| form::form_view(template, form, row.secrets, fault)),
        // what the session has of it, and what its removal would do, is put in by who reads that
        setup: None,
        removal: RemovalView::default(),
        saved,
        row,
    }
}

/// How it stands, in a sentence or two.
fn why(one: &Overview, quarantined: u64, changes: &[Change], pausing: &Names, times: &Times) -> String {
    let (ok, failed) = one.traffic();
    let called = family(one) != Some(Family::Carrier);
    let jobs_wait = |then: &str| match one.waiting + one.retrying {
        0 => String::new(),
        1 => format!(" 1 job waits{then}."),
        n => format!(" {} jobs wait{then}.", grouped(n)),
    };
    let since = |word: &str| match one.state.since {
        Some(at) => format!("{word} since {}", times.clock_or_date(at).shown),
        None => word.to_owned(),
    };
    let stopped = if called { "Its jobs wait" } else { "Its messages are refused" };
    match health(one) {
        Health::Suspended => {
            let why = if one.state.why.is_empty() { String::new() } else { format!(": {}", open_end(&one.state.why)) };
            format!("{}{why}.{}", since("Suspended"), jobs_wait(" until it answers"))
        }
        Health::Failing if one.dead > 0 => {
            format!("In use, but {}. Mend the cause, then retry what failed.", one.state.why)
        }
        Health::Failing => format!("In use, but {}. Mend the cause: what waits goes on by itself.", one.state.why),
        Health::Expiring => {
            format!("In use, but {}. Make a new one there and rotate it here: nothing pauses.", one.state.why)
        }
        Health::RateLimited => {
            let until = one.state.since.map(|until| format!(", resumes {}", times.relative(until))).unwrap_or_default();
            format!("The other system limits the rate of calls{until}.{}", jobs_wait(""))
        }
        Health::Paused => {
            let who = paused_by(one, pausing);
            format!("{} by {who}: {}.{}", since("Paused"), open_end(&one.state.why), jobs_wait("; nothing is lost"))
        }
        Health::Disabled => {
            let by = changes.iter().find(|change| is_disabling(change)).map(|change| match change.why.as_str() {
                "" => format!(" by {}", change.who),
                why => format!(" by {}: {}", change.who, open_end(why)),
            });
            format!("{}{}. {stopped}.", since("Disabled"), by.unwrap_or_default())
        }
        Health::Draft => "Never turned on: nothing is read or sent.".to_owned(),
        Health::NoTraffic => "In use; nothing has gone over it yet.".to_owned(),
        Health::Healthy => {
            let last = one
                .record
                .last_ok_at
                .map(|at| format!("Last success {}. ", just(times.relative(at))))
                .unwrap_or_default();
            let what = if called { "calls" } else { "messages" };
            let count = match (ok + failed, failed) {
                (0, _) => format!("No {what} in 24 hours"),
                (all, 0) => format!("None of {} {what} failed in 24 hours", grouped(all)),
                (all, failed) => format!("{} of {} {what} failed in 24 hours", grouped(failed), grouped(all)),
            };
            let yours = match (called, one.dead + quarantined) {
                (_, 0) => String::new(),
                (true, 1) => "; 1 job needs you".to_owned(),
                (true, n) => format!("; {} jobs need you", grouped(n)),
                (false, 1) => "; 1 message is in quarantine".to_owned(),
                (false, n) => format!("; {} messages are in quarantine", grouped(n)),
            };
            format!("{last}{count}{yours}.")
        }
    }
}

/// A time ago within a sentence.
fn just(ago: String) -> String {
    if ago == "now" { "just now".into() } else { ago }
}

/// What is known of its test and its turning on.
fn saved(one: &Overview, activity: &Activity, times: &Times) -> SavedView {
    SavedView {
        name: one.record.name.clone(),
        label: one.record.label.clone(),
        enabled: one.record.enabled,
        called: activity.ingest.is_none(),
        unusable: unusable(one, activity),
        report: one.report.as_ref().map(|report| report_view(&one.record.name, report, times)),
        ingest: activity.ingest.clone(),
        reports: activity.reports.clone(),
        last_ok: one.record.last_ok_at.map(|at| times.ago(at)),
    }
}

fn unusable(one: &Overview, activity: &Activity) -> String {
    match &one.template {
        None => format!("this version has no connector {}", one.record.connector),
        Some(_) => activity.unusable.clone().unwrap_or_default(),
    }
}

fn took(millis: u64) -> String {
    match millis {
        0 => String::new(),
        1..=999 => format!("{millis} ms"),
        _ => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
    }
}

/// What stands for the connection's name in what a connector says.
const NAME: &str = "--connection NAME";

fn report_view(name: &str, report: &Report, times: &Times) -> ReportView {
    let set_up = |todo: &str| todo.contains("milepost odoo setup").then(|| format!("/connections/{name}?tab=setup"));
    let check = |check: &Check| CheckView {
        what: check.what.clone(),
        result: match check.outcome {
            CheckOutcome::Passed => CheckResult::Passed,
            CheckOutcome::Failed => CheckResult::Failed,
            CheckOutcome::Warning => CheckResult::Warning,
            CheckOutcome::NotRun => CheckResult::NotRun,
        },
        detail: check.detail.clone(),
        href: check.todo.as_deref().and_then(set_up),
        todo: check.todo.as_deref().unwrap_or_default().replace(NAME, &format!("--connection {name}")),
        took: took(check.millis),
    };
    ReportView {
        at: times.ago(report.at),
        system: report.system.clone(),
        took: took(report.checks.iter().map(|check| check.millis).sum()),
        checks: report.checks.iter().map(check).collect(),
    }
}

fn error_rows(errors: &[ErrorCount], quarantined: u64) -> Vec<ErrorRow> {
    let row = |error: &ErrorCount| ErrorRow {
        class: error.class.clone(),
        meaning: errors::class(&error.class)
            .map_or_else(String::new, |class| format!("{} {}", class.meaning, class.what_to_do)),
        n: error.count,
        failed: error.filter == JobFilter::Failed,
    };
    let messages = (quarantined > 0).then(|| ErrorRow {
        class: "quarantined".into(),
        meaning: "Messages that cannot be read; each says why. Nothing is lost.".into(),
        n: quarantined,
        failed: true,
    });
    errors.iter().map(row).chain(messages).collect()
}

fn call_row(Call { kind, attempt }: Call, times: &Times) -> CallRow {
    let (word, ok) = match attempt.outcome {
        Outcome::Ok => ("Success", true),
        Outcome::Failed => ("Failed", false),
        Outcome::Unknown => ("Unknown", false),
    };
    let result = match attempt.status.filter(|_| !ok) {
        Some(status) => format!("{word}, {status}"),
        None => word.to_owned(),
    };
    CallRow {
        id: attempt.id.to_string(),
        at: times.ago(attempt.started_at),
        what: registry::of(kind).map_or_else(|| kind.to_string(), |kind| kind.label.to_owned()),
        operation: attempt.operation,
        shipment: attempt.shipment.map(|id| id.to_string()),
        result,
        ok,
        took: took(attempt.duration_ms.max(1)),
        job: attempt.job.to_string(),
        correlation: attempt.correlation.to_string(),
    }
}

fn message_row(message: MessageRecord, times: &Times) -> MessageRow {
    let events = |n: u32| if n == 1 { "1 event".to_owned() } else { format!("{n} events") };
    let (result, ok) = match message.status {
        MessageStatus::Received => ("Processing".to_owned(), true),
        MessageStatus::Normalised { observations, problems: 0 } => {
            (format!("Processed, {}", events(observations)), true)
        }
        MessageStatus::Normalised { observations, problems } => {
            (format!("Processed, {}, {problems} with warnings", events(observations)), true)
        }
        MessageStatus::Ignored { .. } => ("Ignored".to_owned(), true),
        MessageStatus::Quarantined { .. } => ("Quarantined".to_owned(), false),
    };
    MessageRow {
        id: message.id.to_string(),
        at: times.ago(message.received_at),
        result,
        ok,
        size: message.size,
        correlation: message.correlation.to_string(),
    }
}

/// Which exceptions a desk takes.
fn routing(takes: &Takes) -> Vec<(String, String)> {
    let any = |list: Vec<String>| if list.is_empty() { "any".to_owned() } else { list.join(", ") };
    let severities = takes.severities.iter().map(|severity| severity.label().to_owned()).collect();
    vec![
        ("Company".into(), any(takes.companies.clone())),
        ("Warehouse".into(), any(takes.warehouses.clone())),
        ("Carrier".into(), any(takes.carriers.clone())),
        ("Severity".into(), any(severities)),
    ]
}

/// The settings that are set, by their labels.
fn settings(one: &Overview) -> Vec<(String, String)> {
    let Some(template) = &one.template else { return Vec::new() };
    let fields = one.fields();
    let shown = template.fields.iter().filter_map(|field| {
        let value = fields.get(field.name)?;
        let label = match &field.kind {
            outbound::schema::FieldKind::Choice(options) => options.iter().find(|(option, _)| option == value),
            _ => None,
        };
        Some((field.label.to_owned(), label.map_or_else(|| value.clone(), |(_, label)| form::plain(label))))
    });
    let connector = std::iter::once(("Connector".to_owned(), label_of(one).to_owned()));
    connector.chain(shown).collect()
}

fn is_disabling(change: &Change) -> bool {
    matches!(change.action.as_str(), "connection.disable" | "source.disable")
}

/// The change log, newest first. What was disabled is enabled again; before that it was turned on.
fn change_views(changes: Vec<Change>, template: Option<&Template>, times: &Times) -> Vec<ChangeView> {
    let mut enabling = "Turned on";
    let view = |change: Change| {
        if is_disabling(&change) {
            enabling = "Enabled";
        }
        change_view(change, enabling, template, times)
    };
    let mut views: Vec<_> = changes.into_iter().rev().map(view).collect();
    views.reverse();
    views
}

fn change_view(change: Change, enabling: &str, template: Option<&Template>, times: &Times) -> ChangeView {
    let (icon, what) = match change.action.as_str() {
        _ if change.first => ("plus", "Connection created"),
        "connection.put" | "source.put" => ("pen", "Settings changed"),
        "connection.seed" => ("pen", "Set from the command line"),
        "connection.rotate" => ("key", "New secret set"),
        "connection.retire" | "source.secret.drop_old" => ("key", "Old secret retired"),
        "connection.enable" | "source.enable" => ("check", enabling),
        "connection.disable" | "source.disable" => ("lock", "Disabled"),
        "connection.test" => ("test", "Tested"),
        "destination.pause" => ("pause", "Paused"),
        "destination.resume" => ("right", "Resumed"),
        "source.remove" | "connection.remove" => ("x", "Removed"),
        "odoo.setup.start" => ("play", "Set-up of Odoo started"),
        "odoo.setup" => ("check", "Odoo set up"),
        "odoo.remove.start" => ("play", "Removal of the set-up started"),
        "odoo.remove" => ("x", "Set-up taken out of Odoo"),
        "source.keys" => ("key", "Published keys fetched"),
        other => ("doc", other),
    };
    let value = |Difference { field, before, after }| (field_label(&field, template), before, after);
    ChangeView {
        seq: change.seq,
        icon: icon.to_owned(),
        what: what.to_owned(),
        values: change.values.into_iter().map(value).collect(),
        who: if change.why.is_empty() { change.who } else { format!("{}, “{}”", change.who, change.why) },
        at: times.ago(change.at),
    }
}

/// What a person reads of a value's path.
fn field_label(path: &str, template: Option<&Template>) -> String {
    let of_schema = |name: &str| {
        let field = template.and_then(|template| template.fields.iter().find(|field| field.name == name));
        field.map_or_else(|| name.to_owned(), |field| field.label.to_owned())
    };
    match path {
        "label" => "Name".into(),
        "enabled" => "In use".into(),
        "secret" => template.map_or("Secret", |template| template.secret_label).to_owned(),
        "data_classes" => "Data classes".into(),
        path => match path.split_once('.') {
            Some(("settings", name)) => of_schema(name.split('.').next().unwrap_or(name)),
            Some(("takes", name)) => format!("Takes {name}"),
            Some((_, name)) => name.to_owned(),
            None if path == "scheme" => of_schema(path),
            None => path.get(..1).map_or_else(String::new, |first| first.to_uppercase() + &path[1..]),
        },
    }
}
