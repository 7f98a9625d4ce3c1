//! The test of a connection: its connector's own check, run once with the newest secret.

use super::{
    catalogue,
    command_line::newest_secret,
    inbound,
    live::{Client, Connection},
    opened::{Opened, named, settings_of},
};
use crate::{
    caller::Caller,
    context::Context,
    error::Result,
    odoo::{hints, same_database},
};
use carriers::{Settings, api_template, keys};
use channels::Message;
use domain::access::Permission;
use outbound::{
    Discard,
    check::{Check, CheckOutcome, Report, Subject},
};
use storage::{Scope, connections::ConnectionRecord, inbox::MessageSelection};

/// Tests a connection, whether it is in use or not, and keeps what was found. Where it passes, the jobs go that waited because it failed.
///
/// # Errors
/// Where there is no such connection, or the store fails.
pub async fn test(context: &Context, caller: &Caller, name: &str) -> Result<Report> {
    caller.require(Permission::Operate)?;
    let known = named(context, caller.scope(), name).await?;
    let (id, version) = (known.record.id, known.record.version);
    let report = of(context, caller.scope(), known).await;
    let audit = context.audit("connection.test", format!("connection:{id}"));
    let text = serde_json::to_string(&report).expect("plain data serialises");
    context.store.connections.tested(caller.scope(), id, version, text, audit).await?;
    if report.passed() && context.breakers.tested(caller.scope(), name).await?.closed {
        context.notifier.all_work();
    }
    Ok(report)
}

/// What a test finds; nothing is kept.
///
/// # Errors
/// Where there is no such connection, or the store fails.
pub async fn examine(context: &Context, caller: &Caller, name: &str) -> Result<Report> {
    caller.require(Permission::Operate)?;
    let known = named(context, caller.scope(), name).await?;
    Ok(of(context, caller.scope(), known).await)
}

async fn of(context: &Context, scope: Scope, known: Opened) -> Report {
    // of two secrets the newest: that is the one that is to be valid
    let newest = newest_secret(&context.config, &context.vault, &known);
    if let Err(why) = known.secrets {
        return report_of(context, failed(why, "Set its secret again."));
    }
    match newest.filter(|_| !known.is_removed()) {
        Some(newest) => {
            let mut report = with_secret(context, scope, &known.record, &newest).await;
            report.checks.extend(hints_of(context, scope, &known.record).await);
            if report.passed() {
                report.checks.extend(second_of(context, scope, &known.record, &newest).await);
            }
            report
        }
        None => report_of(context, failed("It has no secret", "Make it again, with its secret.")),
    }
}

/// Whether an Odoo reports changes as it was set up to do; nothing is said where it was not, or does.
async fn hints_of(context: &Context, scope: Scope, record: &ConnectionRecord) -> Option<Check> {
    let state = hints::state_of(context, scope, &record.name).await.ok()?;
    let todo = format!(
        "Check that Odoo reaches {}, then set Odoo up again; until then changes are found by the imports.",
        context.config.public_url
    );
    let silent = "Odoo was set up to report changes, and none came";
    state.is_silent(context.now()).then(|| check(silent, CheckOutcome::Warning, Some(todo)))
}

/// Whether another connection leads to the same database of Odoo.
async fn second_of(context: &Context, scope: Scope, record: &ConnectionRecord, secret: &str) -> Option<Check> {
    let connection = Connection::new(&context.config, record.clone(), vec![secret.to_owned()], None);
    let other = same_database::other(context, scope, &connection).await.ok()??;
    let todo = "Remove one of the two connections. A copy of a database (a test system restored from a backup) has the setting \
                \"A copy of another database\".";
    Some(failed(&format!("It leads to the database of the connection {other}"), todo))
}

fn report_of(context: &Context, check: Check) -> Report {
    Report { at: context.now(), system: None, secret_ends: None, clock_apart_s: None, checks: vec![check] }
}

/// What a test finds with this secret.
pub(super) async fn with_secret(context: &Context, scope: Scope, record: &ConnectionRecord, secret: &str) -> Report {
    let (template, settings) = (catalogue::template(&record.connector), settings_of(record));
    let address = settings["url"].as_str().unwrap_or_default();
    let connection = Connection::new(&context.config, record.clone(), vec![secret.to_owned()], None);
    match (&connection.client, &template) {
        (Client::Orders(odoo), Some(template)) => {
            odoo::check(odoo, Subject::of(template, address), context.now(), &Discard).await
        }
        (Client::Desk(desk), Some(template)) => {
            desks::check(&**desk, Subject::of(template, address), context.now(), &Discard).await
        }
        (Client::Shipping(platform), Some(template)) => {
            api_template::check(&**platform, Subject::of(template, address), context.now(), &Discard).await
        }
        (Client::Channel(channel, _), Some(template)) => {
            let id = context.clock.id().to_string();
            let message = Message::test(&id, &context.config.public_url, context.now());
            let address = channel.address();
            channels::check(&**channel, Subject::of(template, &address), &message, context.now(), &Discard).await
        }
        (Client::Inbound, _) => of_source(context, scope, &connection).await,
        (Client::Unusable(why), _) => report_of(context, failed(why, "Correct the settings.")),
        (_, None) => report_of(context, failed("This version has no such connector", "Update Milepost.")),
    }
}

fn failed(what: &str, todo: &str) -> Check {
    check(what, CheckOutcome::Failed, Some(todo.to_owned()))
}

fn check(what: &str, outcome: CheckOutcome, todo: Option<String>) -> Check {
    Check { what: what.to_owned(), outcome, detail: String::new(), todo, millis: 0 }
}

/// What can be said of a source before its next message.
async fn of_source(context: &Context, scope: Scope, connection: &Connection) -> Report {
    let record = &connection.record;
    let mut checks = Vec::new();
    match inbound::proof_of(context, scope, record).await {
        Ok(proof) if proof.weaknesses.is_empty() => {
            checks.push(check("Verification set up", CheckOutcome::Passed, None));
        }
        Ok(proof) => {
            let outcome = if proof.known { CheckOutcome::Warning } else { CheckOutcome::Failed };
            let todo = "Use a stronger secret, or name the networks that messages come from.";
            checks.extend(proof.weaknesses.iter().map(|weak| check(weak, outcome, Some(todo.into()))));
        }
        Err(error) => checks.push(failed(&format!("{error:#}"), "Save the connection again with its secret.")),
    }
    if let Some(url) = serde_json::from_str::<Settings>(&record.settings).ok().and_then(|settings| settings.keys_url) {
        checks.push(match keys::fetch(&url, &Discard).await {
            Ok(_) => check("Published keys fetched", CheckOutcome::Passed, None),
            Err(error) => {
                failed(&format!("Published keys cannot be fetched: {}", error.message), error.class.what_to_do())
            }
        });
    }
    let of_it = MessageSelection { source: Some(record.id), ..MessageSelection::default() };
    let came = context.store.inbox.messages(scope, of_it, None).await.is_ok_and(|page| !page.rows.is_empty());
    checks.push(match came {
        true => check("Messages arrive", CheckOutcome::Passed, None),
        false => {
            let todo = format!("Enter {}/ingest/{} at the platform.", context.config.public_url, record.name);
            check("Waiting for the first message", CheckOutcome::Warning, Some(todo))
        }
    });
    Report { at: context.now(), system: None, secret_ends: None, clock_apart_s: None, checks }
}
