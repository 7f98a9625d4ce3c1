//! What people do with connections: make and change them, rotate their secrets, pause, disable.

use super::{
    address,
    catalogue::{self, SCHEME},
    live::{Connection, DESK, ODOO},
    refresh::{refresh, secrets_of},
    sources::{self, NewSource, SECRETS},
};
use crate::{
    audit,
    caller::Caller,
    config::Config,
    context::Context,
    destinations,
    error::{Result, UseCaseError},
    keys::sealed_audit,
    vault::DataKey,
};
use carriers::{Scheme, Settings, keys};
use domain::{
    access::Permission,
    ids::{SourceId, SubjectId},
    routing::Takes,
};
use outbound::{
    Discard,
    schema::{self, Fault},
    template::{Direction, Family, Template},
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use storage::{Scope, WrappedKey, connections::ConnectionRecord};

/// A connection as a person sets it.
#[derive(Clone, Debug, Default)]
pub struct NewConnection {
    /// Its name; one that is there is changed.
    pub name: String,
    /// What people call it; its name where this is empty.
    pub label: String,
    /// The connector.
    pub connector: String,
    /// Whether it leads to a test system.
    pub sandbox: bool,
    /// Who looks after it.
    pub owner: String,
    /// What it is for.
    pub purpose: String,
    /// Where it is written what to do when it fails: a link.
    pub runbook: String,
    /// Which kinds of data go over it.
    pub data_classes: Vec<String>,
    /// Which exceptions a desk takes.
    pub takes: Takes,
    /// The settings, as they are typed.
    pub fields: BTreeMap<String, String>,
    /// A new secret; none: as it is.
    pub secret: Option<String>,
    /// Whether it is in use; none: as it is, and a new one is not.
    pub enabled: Option<bool>,
}

/// Characters of a label, an owner, a purpose or a link.
const TEXT_CHARS_MAX: usize = 500;
/// Bytes of a secret.
const SECRET_BYTES_MAX: usize = 16 * 1024;
/// Valid secrets of one connection.
const SECRETS_MAX: usize = 2;

/// A connection that is there, with its secrets in clear.
pub(super) struct Opened {
    pub(super) record: ConnectionRecord,
    pub(super) secrets: Vec<String>,
    key: DataKey,
    wrapped: WrappedKey,
}

/// The connection of this name; none where there is none.
pub(super) async fn opened(context: &Context, scope: Scope, name: &str) -> Result<Option<Opened>> {
    let found = context.store.connections.by_name(name).await?;
    let Some((_, record, wrapped)) = found.filter(|(owner, ..)| owner.company == scope.company) else {
        return Ok(None);
    };
    let key = context.vault.unwrap(&wrapped).map_err(|error| UseCaseError::Internal(error.to_string()))?;
    let secrets = secrets_of(context, &record, &wrapped).unwrap_or_default();
    Ok(Some(Opened { record, secrets, key, wrapped }))
}

/// The connection of this name.
pub(super) async fn named(context: &Context, scope: Scope, name: &str) -> Result<Opened> {
    opened(context, scope, name).await?.ok_or(UseCaseError::NotFound("connection"))
}

/// Makes or changes a connection. A changed secret is valid beside the one before: that is how secrets are rotated.
///
/// # Errors
/// `Invalid` names the first field that is wrong; `Conflict` where it was changed meanwhile.
pub async fn put(context: &Context, caller: &Caller, new: NewConnection) -> Result<SourceId> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    let template = catalogue::template(&new.connector).ok_or_else(|| unknown_connector(&new.connector))?;
    let known = opened(context, scope, &new.name).await?;
    check(&new, &template, known.as_ref())?;
    let given = schema::read(&template.fields, &new.fields).map_err(|faults| of_faults(&template, faults))?;
    let given_secret = new.secret.as_deref().map(str::trim).filter(|secret| !secret.is_empty());
    let before = known.as_ref().map(|known| &known.secrets[..]).unwrap_or_default();
    let wanted = Wanted { name: &new.name, template: &template, given, secret: given_secret, before };
    let Checked { scheme, settings, secret } = match template.family {
        Family::Carrier => wanted.of_carrier().await?,
        Family::Orders | Family::Desk => wanted.of_system(&context.config, known.as_ref())?,
    };
    let now = context.now();
    let id = known.as_ref().map_or_else(|| SourceId(context.clock.id()), |known| known.record.id);
    let is_new_secret = secret.is_some();
    let mut secrets: Vec<String> = secret.into_iter().collect();
    let older: Vec<String> = before.iter().filter(|one| secrets.first() != Some(one)).cloned().collect();
    secrets.extend(older);
    secrets.truncate(SECRETS_MAX);
    let (key, wrapped, record) = match known {
        Some(Opened { record, key, wrapped, .. }) => (key, wrapped, Some(record)),
        None => {
            let (key, wrapped) = context.vault.new_key(SubjectId(id.0));
            (key, wrapped, None)
        }
    };
    let sealed = key.seal(SECRETS, &serde_json::to_vec(&secrets).expect("plain data serialises"));
    let record = record.unwrap_or_else(|| ConnectionRecord {
        enabled: false,
        ..ConnectionRecord::new(id, &new.name, &new.connector, sealed.clone(), now)
    });
    let enabled = new.enabled.unwrap_or(record.enabled);
    let record = ConnectionRecord {
        label: if new.label.trim().is_empty() { new.name.clone() } else { new.label.trim().to_owned() },
        scheme,
        settings: Value::Object(settings).to_string(),
        secrets: sealed,
        secret_set_at: if is_new_secret { now } else { record.secret_set_at },
        enabled,
        disabled_at: if enabled { None } else { record.disabled_at.or(Some(now)) },
        sandbox: new.sandbox,
        owner: new.owner.trim().to_owned(),
        purpose: new.purpose.trim().to_owned(),
        runbook: new.runbook.trim().to_owned(),
        data_classes: new.data_classes.iter().map(|class| class.trim().to_owned()).collect(),
        takes: serde_json::to_string(&new.takes).expect("plain data serialises"),
        ..record
    };
    if let Some(why) = Connection::new(&context.config, record.clone(), secrets, None).unusable() {
        return Err(UseCaseError::Invalid { field: "fields", message: why.to_owned() });
    }
    let after = sealed_audit(context, scope, &shown_in_audit(&record, is_new_secret)).await?;
    let audit = context.audit("connection.put", format!("connection:{id}")).after(after);
    context.store.connections.put(scope, record, wrapped, audit).await?;
    changed(context).await?;
    Ok(id)
}

/// Sets a new secret. The one before stays valid, so that nothing pauses, until [`retire_old`] or the next one.
///
/// # Errors
/// Where there is no such connection, or the secret is empty.
pub async fn rotate(context: &Context, caller: &Caller, name: &str, secret: &str) -> Result<()> {
    caller.require(Permission::Operate)?;
    let known = named(context, caller.scope(), name).await?;
    let secret = secret.trim();
    check_secret(secret)?;
    if let (Some(Family::Carrier), Some(scheme)) =
        (catalogue::family(&known.record.connector), Scheme::from_name(&known.record.scheme))
    {
        let settings: Settings = serde_json::from_str(&known.record.settings)
            .map_err(|error| UseCaseError::Internal(format!("the settings of {name}: {error}")))?;
        check_source(name, &known.record.connector, scheme, secret, &settings)?;
    }
    let mut secrets = vec![secret.to_owned()];
    secrets.extend(known.secrets.iter().filter(|one| **one != secret).take(SECRETS_MAX - 1).cloned());
    set_secrets(context, caller.scope(), known, secrets, "connection.rotate").await
}

/// Forgets the secret from before the last change.
///
/// # Errors
/// Where there is no such connection, or it has one secret only.
pub async fn retire_old(context: &Context, caller: &Caller, name: &str) -> Result<()> {
    caller.require(Permission::Operate)?;
    let mut known = named(context, caller.scope(), name).await?;
    if known.secrets.len() < SECRETS_MAX {
        let message = format!("{name} has one secret: rotate it first");
        return Err(UseCaseError::Invalid { field: "secret", message });
    }
    let newest = known.secrets.remove(0);
    set_secrets(context, caller.scope(), known, vec![newest], "connection.retire").await
}

async fn set_secrets(
    context: &Context,
    scope: Scope,
    known: Opened,
    secrets: Vec<String>,
    action: &'static str,
) -> Result<()> {
    let Opened { record, key, wrapped, secrets: before } = known;
    let is_new = secrets.first() != before.first();
    let sealed = key.seal(SECRETS, &serde_json::to_vec(&secrets).expect("plain data serialises"));
    let secret_set_at = if is_new && action == "connection.rotate" { context.now() } else { record.secret_set_at };
    let record = ConnectionRecord { secrets: sealed, secret_set_at, ..record };
    let audit = context.audit(action, format!("connection:{}", record.id));
    context.store.connections.put(scope, record, wrapped, audit).await?;
    changed(context).await
}

/// Jobs of a connection wait until it is resumed; nothing is lost.
///
/// # Errors
/// Where there is no such connection, nothing is called over it, or there is no reason.
pub async fn pause(context: &Context, caller: &Caller, name: &str, why: &str) -> Result<()> {
    callable(context, caller, name).await?;
    destinations::pause(context, caller, name, why).await
}

/// Jobs of a connection go on.
///
/// # Errors
/// Where there is no such connection, or nothing is called over it.
pub async fn resume(context: &Context, caller: &Caller, name: &str) -> Result<()> {
    callable(context, caller, name).await?;
    destinations::resume(context, caller, name).await
}

async fn callable(context: &Context, caller: &Caller, name: &str) -> Result<()> {
    caller.require(Permission::Operate)?;
    let known = named(context, caller.scope(), name).await?;
    match catalogue::family(&known.record.connector).map(Family::direction) {
        Some(Direction::In) => {
            let message = format!("{name} only sends to Milepost: disable it, and its messages are refused");
            Err(UseCaseError::Invalid { field: "name", message })
        }
        _ => Ok(()),
    }
}

/// Enables a connection, or disables it: its messages are refused, and its jobs wait.
///
/// # Errors
/// Where there is no such connection.
pub async fn switch(context: &Context, caller: &Caller, name: &str, on: bool, why: &str) -> Result<()> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    let Opened { record, wrapped, .. } = named(context, scope, name).await?;
    let why = why.trim();
    let why = if why.is_empty() { None } else { Some(audit::reason(context, scope, why).await?) };
    let action = if on { "connection.enable" } else { "connection.disable" };
    let audit = context.audit(action, format!("connection:{}", record.id)).why(why);
    let disabled_at = if on { None } else { record.disabled_at.or(Some(context.now())) };
    let record = ConnectionRecord { enabled: on, disabled_at, ..record };
    context.store.connections.put(scope, record, wrapped, audit).await?;
    changed(context).await
}

/// This node takes it up before the person has an answer, the others as soon as they notice.
async fn changed(context: &Context) -> Result<()> {
    refresh(context).await?;
    context.notifier.connections();
    Ok(())
}

fn unknown_connector(connector: &str) -> UseCaseError {
    let known: Vec<_> = catalogue::catalogue().iter().map(|template| template.id).collect();
    let message = format!("there is no connector {connector:?}: use one of {}", known.join(", "));
    UseCaseError::Invalid { field: "connector", message }
}

/// The first fault, by the field's name in the schema.
fn of_faults(template: &Template, faults: Vec<Fault>) -> UseCaseError {
    let first = faults.into_iter().next().unwrap_or(Fault { field: String::new(), message: String::new() });
    match template.fields.iter().find(|field| field.name == first.field) {
        Some(field) => {
            UseCaseError::Invalid { field: field.name, message: format!("{} {}", field.label, first.message) }
        }
        None => UseCaseError::Invalid { field: "fields", message: format!("{}: {}", first.field, first.message) },
    }
}

fn check(new: &NewConnection, template: &Template, known: Option<&Opened>) -> Result<()> {
    let wrong = |field: &'static str, message: String| Err(UseCaseError::Invalid { field, message });
    if let Err(error) = sources::check_name_form(&new.name) {
        return wrong("name", error.to_string());
    }
    let of_family = match new.name.as_str() {
        ODOO => Some(Family::Orders),
        DESK => Some(Family::Desk),
        "inside" | "keys" => None,
        _ => Some(template.family),
    };
    if of_family != Some(template.family) {
        return wrong("name", format!("the name {} is taken: choose another", new.name));
    }
    if let Some(known) = known.filter(|known| known.record.connector != new.connector) {
        let message =
            format!("{} is a connection to {}: give the new one another name", new.name, known.record.connector);
        return wrong("connector", message);
    }
    for (field, text) in
        [("label", &new.label), ("owner", &new.owner), ("purpose", &new.purpose), ("runbook", &new.runbook)]
    {
        if text.chars().count() > TEXT_CHARS_MAX {
            return wrong(field, format!("at most {TEXT_CHARS_MAX} characters"));
        }
    }
    let runbook = new.runbook.trim();
    if !(runbook.is_empty() || runbook.starts_with("https://") || runbook.starts_with("http://")) {
        return wrong("runbook", "must be a link that begins with https://".into());
    }
    new.secret.as_deref().map(str::trim).filter(|secret| !secret.is_empty()).map_or(Ok(()), check_secret)
}

fn check_secret(secret: &str) -> Result<()> {
    let message = match secret.len() {
        0 => "is missing".to_owned(),
        1..=SECRET_BYTES_MAX => return Ok(()),
        _ => format!("at most {SECRET_BYTES_MAX} bytes"),
    };
    Err(UseCaseError::Invalid { field: "secret", message })
}

fn check_source(name: &str, connector: &str, scheme: Scheme, secret: &str, settings: &Settings) -> Result<()> {
    let source = NewSource {
        name: name.to_owned(),
        connector: connector.to_owned(),
        scheme: None,
        secret: secret.to_owned(),
        settings: settings.clone(),
    };
    sources::check(&source, scheme)
        .map_err(|error| UseCaseError::Invalid { field: "secret", message: format!("{error:#}") })
}

/// What is to be checked before it is kept.
struct Wanted<'a> {
    name: &'a str,
    template: &'a Template,
    given: Map<String, Value>,
    secret: Option<&'a str>,
    before: &'a [String],
}

/// What may be kept.
struct Checked {
    scheme: String,
    settings: Map<String, Value>,
    /// The new secret; none: those before stay as they are.
    secret: Option<String>,
}

impl Wanted<'_> {
    async fn of_carrier(mut self) -> Result<Checked> {
        let scheme =
            self.given.remove(SCHEME).and_then(|scheme| scheme.as_str().map(str::to_owned)).unwrap_or_default();
        let known = Scheme::from_name(&scheme).ok_or_else(|| UseCaseError::Invalid {
            field: SCHEME,
            message: format!("there is no scheme {scheme:?}"),
        })?;
        let settings: Settings = serde_json::from_value(Value::Object(self.given.clone()))
            .map_err(|error| UseCaseError::Invalid { field: "fields", message: error.to_string() })?;
        let newest = self.secret.or(self.before.first().map(String::as_str)).unwrap_or_default();
        check_source(self.name, self.template.id, known, newest, &settings)?;
        let secret = match (&settings.keys_url, self.secret) {
            (Some(url), None) if self.before.is_empty() => {
                let fetched = keys::fetch(url, &Discard).await;
                Some(fetched.map_err(|error| UseCaseError::Invalid { field: "keys_url", message: error.message })?)
            }
            (_, given) => given.map(str::to_owned),
        };
        let Value::Object(settings) = serde_json::to_value(&settings).expect("plain data serialises") else {
            unreachable!("settings are an object")
        };
        Ok(Checked { scheme, settings, secret })
    }

    fn of_system(self, config: &Config, known: Option<&Opened>) -> Result<Checked> {
        let url = self.given.get("url").and_then(Value::as_str).unwrap_or_default();
        if let Some(message) = address::refused(config, url) {
            return Err(UseCaseError::Invalid { field: "url", message });
        }
        if self.secret.is_none() {
            let label = self.template.secret_label;
            let missing = |message: String| UseCaseError::Invalid { field: "secret", message };
            if self.before.is_empty() {
                return Err(missing(format!("{label} is missing. {}", self.template.secret_help)));
            }
            // otherwise the sealed key could be sent elsewhere
            let settings: Value =
                known.and_then(|known| serde_json::from_str(&known.record.settings).ok()).unwrap_or_default();
            if settings["url"].as_str() != Some(url) {
                return Err(missing(format!("give the {} again: the address changed", label.to_lowercase())));
            }
        }
        Ok(Checked { scheme: String::new(), settings: self.given, secret: self.secret.map(str::to_owned) })
    }
}

fn shown_in_audit(record: &ConnectionRecord, new_secret: bool) -> Value {
    let settings: Value = serde_json::from_str(&record.settings).unwrap_or_default();
    let takes: Value = serde_json::from_str(&record.takes).unwrap_or_default();
    json!({
        "name": record.name, "label": record.label, "connector": record.connector, "scheme": record.scheme,
        "settings": settings, "enabled": record.enabled, "sandbox": record.sandbox, "owner": record.owner,
        "purpose": record.purpose, "runbook": record.runbook, "data_classes": record.data_classes, "takes": takes,
        "new_secret": new_secret,
    })
}
