//! The first order system and the first desk are made from the command line. Afterwards only what that says for the first time is
//! taken over, field by field: what a person changed stays, whichever node starts again.

use super::{
    catalogue, checks,
    command_line::{self, CONNECTOR, Given, SECRET, Seen},
    live::{DESK, ODOO},
    opened::{self, Opened, audit_of_change, opened, sealed, shown_in_audit, with_new},
    refresh::refresh,
    rotation,
    system::System,
};
use crate::{
    config::Mode,
    context::Context,
    error::{Result, UseCaseError},
};
use anyhow::ensure;
use domain::ids::SourceId;
use serde_json::Value;
use std::collections::BTreeMap;
use storage::{Actor, Scope, StoreError, connections::ConnectionRecord};

/// Makes or changes what the command line names. Where it names another system than a connection leads to whose records are kept,
/// or one that another connection leads to, the connection stays as it is, and the log says what to do.
///
/// # Errors
/// When the store fails, or one of the names is taken by something else.
pub async fn seed(context: &Context) -> anyhow::Result<()> {
    let scope = Scope { company: context.company, actor: Actor::Operator };
    for given in command_line::given(&context.config) {
        let known = opened(context, scope, given.name).await?;
        if let Some(known) = &known {
            check_family(&given, known)?;
        }
        put(context, scope, given, known).await?;
    }
    refresh(context).await?;
    Ok(())
}

/// The connections that were made from the command line, each with whether it still names them: those that it does not name any
/// more stay as they are.
pub fn seeded(context: &Context) -> Vec<(String, bool)> {
    let named = [(ODOO, context.config.odoo.is_some()), (DESK, context.config.desk.is_some())];
    let connections = context.connections.now();
    let seeded =
        named.into_iter().filter(|(name, _)| connections.get(name).is_some_and(|it| it.record.seeded.is_some()));
    seeded.map(|(name, is_named)| (name.to_owned(), is_named)).collect()
}

fn check_family(given: &Given, known: &Opened) -> anyhow::Result<()> {
    let (name, label, connector) = (given.name, given.label, &known.record.connector);
    ensure!(
        catalogue::family(connector) == catalogue::family(&given.connector),
        "--{name}-* names the {label} {name}, but there is a source {name} of {connector} already: put the source again under \
         another name, then start again"
    );
    Ok(())
}

async fn put(context: &Context, scope: Scope, given: Given, known: Option<Opened>) -> anyhow::Result<()> {
    let seen = known.as_ref().map(|known| Seen::of(&known.record)).unwrap_or_default();
    let mut new = given.digests(&context.vault);
    new.retain(|field, digest| !seen.has(field, digest));
    let is_another = known.as_ref().is_some_and(|known| known.record.connector != given.connector);
    if new.is_empty() {
        log_differences(&given, known.as_ref());
        return Ok(());
    }
    let settings = merged(&given, known.as_ref(), &new, is_another);
    let family = catalogue::family(&given.connector);
    let Some(system) = System::of(family, &settings) else { return Ok(()) };
    match check_system(context, scope, &given, known.as_ref(), &system, is_another).await {
        // messages are taken all the same: a server that does not start would lose them
        Err(UseCaseError::Invalid { message, .. }) => {
            tracing::error!(connection = given.name, "the command line is not taken over: {message}");
            return Ok(());
        }
        checked => checked?,
    }
    let secrets = secrets(context, &given, known.as_ref(), &system, new.contains_key(SECRET)).await;
    let now = context.now();
    let id = known.as_ref().map_or_else(|| SourceId(context.clock.id()), |known| known.record.id);
    let is_new_secret = secrets.first() != known.as_ref().and_then(|known| known.secrets().first());
    let (kept, key) = match &known {
        // without one that may be sent there it stays as it cannot be used
        Some(known) if secrets.is_empty() => (known.record.secrets.clone(), None),
        known => sealed(context, id, known.as_ref(), &secrets),
    };
    let before = known.map(|known| known.record);
    let record = before.clone().unwrap_or_else(|| ConnectionRecord {
        label: given.label.into(),
        owner: "Command line".into(),
        ..ConnectionRecord::new(id, given.name, &given.connector, kept.clone(), now)
    });
    let record = ConnectionRecord {
        connector: given.connector,
        settings: settings.to_string(),
        secrets: kept,
        secret_set_at: if is_new_secret { now } else { record.secret_set_at },
        sandbox: context.config.mode == Mode::Demo || record.sandbox,
        seeded: Some(seen.with(new.clone()).kept()),
        ..record
    };
    let audit = context.audit("connection.seed", format!("connection:{id}"));
    let mut after = shown_in_audit(&record);
    after["new_secret"] = is_new_secret.into();
    let audit = audit_of_change(context, scope, audit, before.as_ref(), &after).await?;
    match context.store.connections.put(scope, record, key, audit).await {
        // another node was faster
        Err(StoreError::Conflict(_)) => return Ok(()),
        kept => kept?,
    }
    let fields = new.into_keys().collect::<Vec<_>>().join(", ");
    tracing::info!(connection = given.name, fields, "taken over from the command line");
    Ok(())
}

/// The settings with what the command line says for the first time.
fn merged(given: &Given, known: Option<&Opened>, new: &BTreeMap<String, String>, is_another: bool) -> Value {
    let mut settings = match known.map(Opened::settings) {
        // those of another connector have other fields
        Some(Value::Object(settings)) if !is_another => settings,
        _ => return Value::Object(given.settings.clone()),
    };
    for (field, value) in &given.settings {
        if new.contains_key(field) {
            settings.insert(field.clone(), value.clone());
        }
    }
    Value::Object(settings)
}

/// Whether the connection may lead there; a person has to say why not.
async fn check_system(
    context: &Context,
    scope: Scope,
    given: &Given,
    known: Option<&Opened>,
    system: &System,
    is_another: bool,
) -> Result<()> {
    let family = catalogue::family(&given.connector);
    let elsewhere = match known {
        Some(known) if is_another && context.store.connections.is_used(scope, given.name).await? => {
            Some(checks::leads_elsewhere_message(known))
        }
        Some(known) => {
            let field = checks::leads_elsewhere(context, scope, known, system).await?;
            field.map(|_| checks::leads_elsewhere_message(known))
        }
        None => None,
    };
    if let Some(message) = elsewhere {
        let todo = format!("`milepost connection put {} --set url=… --moved`", given.name);
        return Err(checks::invalid(CONNECTOR, format!("it names {system}. {message}: {todo}")));
    }
    checks::does_own_work(context, scope, given.name, family, system).await
}

/// The secrets from now on: those of the same address, and the command line's where it is for that.
async fn secrets(
    context: &Context,
    given: &Given,
    known: Option<&Opened>,
    system: &System,
    is_new: bool,
) -> Vec<String> {
    let family = catalogue::family(&given.connector);
    let before = known.map(|known| opened::of_same_address(known, family, system)).unwrap_or_default();
    let is_for_it = given.system().is_some_and(|named| named.shares_secrets(system));
    if !is_for_it || !(is_new || before.is_empty()) {
        return before.to_vec();
    }
    let newest_is_proven = match (known, before) {
        (Some(known), [newest, older, ..]) => {
            let choice = rotation::is_newest_as_good(context, context.scope(), &known.record, (newest, older)).await;
            choice.unwrap_or(false)
        }
        _ => false,
    };
    with_new(&given.secret(), before, newest_is_proven)
}

/// What a person or another node set otherwise counts; the log says so.
fn log_differences(given: &Given, known: Option<&Opened>) {
    let fields = known.map(|known| differences(given, known)).unwrap_or_default();
    if !fields.is_empty() {
        tracing::warn!(
            connection = given.name,
            fields = fields.join(", "),
            "the connection was changed since the command line said this, and counts: `milepost connection put {}` changes it",
            given.name
        );
    }
}

/// The settings of which the command line says something else than the connection.
fn differences(given: &Given, known: &Opened) -> Vec<String> {
    let kept = known.settings();
    let set = |value: &Value| (!matches!(value, Value::Null | Value::Bool(false))).then(|| value.clone());
    let differs = |(field, value): &(&String, &Value)| set(&kept[field.as_str()]) != set(value);
    given.settings.iter().filter(differs).map(|(field, _)| field.clone()).collect()
}

/// The connections of which the command line says something else, each with the settings; the connection counts.
///
/// # Errors
/// When the store fails.
pub async fn overruled(context: &Context) -> Result<Vec<(&'static str, Vec<String>)>> {
    let mut overruled = Vec::new();
    for given in command_line::given(&context.config) {
        let known = opened(context, context.scope(), given.name).await?;
        let fields = known.map(|known| differences(&given, &known)).unwrap_or_default();
        overruled.extend((!fields.is_empty()).then_some((given.name, fields)));
    }
    Ok(overruled)
}
