//! What people do with connections: make and change them, pause, disable.

use super::{
    catalogue::{self, SCHEME},
    checks,
    expected::Expected,
    inbound,
    live::Connection,
    opened::{self, Opened, SECRETS_OF_NONE, audit_of_change, named, opened, sealed, shown_in_audit},
    refresh::announce,
    rotation,
    system::System,
};
use crate::{
    audit,
    caller::Caller,
    context::Context,
    destinations,
    error::{Result, UseCaseError},
    odoo::same_database,
};
use carriers::{Scheme, Settings, keys};
use domain::{
    access::Permission,
    ids::SourceId,
    routing::{Takes, TakesFault},
};
use outbound::{
    Discard, schema,
    template::{Direction, Family, Template},
};
use secrecy::SecretString;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use storage::{Scope, connections::ConnectionRecord};

/// A connection as a person sets it.
#[derive(Clone, Debug, Default)]
pub struct NewConnection {
    /// What it expects to find.
    pub expected: Expected,
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
    pub secret: Option<SecretString>,
    /// Whether it is in use; none: as it is, and a new one is not.
    pub enabled: Option<bool>,
    /// Whether another address or database is the same system in another place, with the same records.
    pub moved: bool,
}

impl NewConnection {
    /// What leaves a connection as it is.
    pub fn of(record: &ConnectionRecord) -> Self {
        Self {
            name: record.name.clone(),
            label: record.label.clone(),
            connector: record.connector.clone(),
            sandbox: record.sandbox,
            owner: record.owner.clone(),
            purpose: record.purpose.clone(),
            runbook: record.runbook.clone(),
            data_classes: record.data_classes.clone(),
            takes: serde_json::from_str(&record.takes).unwrap_or_default(),
            fields: opened::fields_of(record),
            ..Self::default()
        }
    }
}

/// A connection that was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptAs {
    /// Its id.
    pub id: SourceId,
    /// The version that a further change is made to.
    pub version: u64,
    /// Whether it is in use.
    pub enabled: bool,
}

/// Makes or changes a connection. A changed secret is valid beside the one before: that is how secrets are rotated. A secret
/// belongs to the address for which it was given.
///
/// # Errors
/// `Invalid` names the first field that is wrong; `Conflict` where it was changed meanwhile.
pub async fn put(context: &Context, caller: &Caller, new: NewConnection) -> Result<KeptAs> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    let template = catalogue::template(&new.connector).ok_or_else(|| checks::unknown_connector(&new.connector))?;
    let known = opened(context, scope, &new.name).await?;
    new.expected.met_by(&new.name, known.as_ref())?;
    check(&new, &template, known.as_ref())?;
    let given = schema::read(&template.fields, &new.fields).map_err(|faults| checks::of_faults(&template, faults))?;
    let secret = checks::secret(new.secret.as_ref())?;
    let wanted = Wanted { context, scope, new: &new, template: &template, known: known.as_ref(), secret };
    let checked = match template.family {
        Family::Carrier => wanted.of_carrier(given).await?,
        Family::Orders | Family::Desk | Family::Shipping => wanted.of_system(given).await?,
        Family::Channel => wanted.of_channel(given).await?,
    };
    let now = context.now();
    let id = known.as_ref().map_or_else(|| SourceId(context.clock.id()), |known| known.record.id);
    let is_new_secret = checked.secrets.first() != known.as_ref().and_then(|known| known.secrets().first());
    let (secrets, key) = sealed(context, id, known.as_ref(), &checked.secrets);
    let before = known.map(|known| known.record);
    let record = before.clone().unwrap_or_else(|| {
        let fresh = ConnectionRecord::new(id, &new.name, &new.connector, secrets.clone(), now);
        ConnectionRecord { enabled: false, ..fresh }
    });
    let enabled = new.enabled.unwrap_or(record.enabled);
    let record = ConnectionRecord {
        label: if new.label.trim().is_empty() { new.name.clone() } else { new.label.trim().to_owned() },
        scheme: checked.scheme,
        settings: checked.settings,
        secrets,
        secret_set_at: if is_new_secret { now } else { record.secret_set_at },
        sandbox: new.sandbox,
        owner: new.owner.trim().to_owned(),
        purpose: new.purpose.trim().to_owned(),
        runbook: new.runbook.trim().to_owned(),
        data_classes: new.data_classes.iter().map(|class| class.trim().to_owned()).collect(),
        takes: serde_json::to_string(&new.takes).expect("plain data serialises"),
        ..record
    };
    let record = record.switched(enabled, now);
    is_usable(context, &record, &checked.secrets)?;
    let was = before.as_ref().filter(|before| before.enabled).map(|before| &before.settings);
    if record.enabled && was != Some(&record.settings) {
        has_own_database(context, scope, &record, &checked.secrets).await?;
    }
    let mut after = shown_in_audit(&record);
    after["new_secret"] = is_new_secret.into();
    after["moved"] = checked.moved.into();
    let audit = context.audit("connection.put", format!("connection:{id}"));
    let audit = audit_of_change(context, scope, audit, before.as_ref(), &after).await?;
    let version = record.version + 1;
    context.store.connections.put(scope, record, key, audit).await?;
    announce(context).await?;
    Ok(KeptAs { id, version, enabled })
}

fn check(new: &NewConnection, template: &Template, known: Option<&Opened>) -> Result<()> {
    checks::name(&new.name, template.family)?;
    if let Some(known) = known.filter(|known| known.record.connector != new.connector) {
        let is = &known.record.connector;
        let message = format!("{} is a connection to {is}: give the new one another name", new.name);
        return Err(checks::invalid("connector", message));
    }
    for (field, text) in [("label", &new.label), ("owner", &new.owner), ("purpose", &new.purpose)] {
        checks::text(field, text)?;
    }
    checks::data_classes(&new.data_classes)?;
    new.takes.check().map_err(|TakesFault { field, message }| checks::invalid(field, message))?;
    checks::link("runbook", &new.runbook)
}

fn is_usable(context: &Context, record: &ConnectionRecord, secrets: &[String]) -> Result<()> {
    match Connection::new(&context.config, record.clone(), secrets.to_vec(), None).unusable() {
        Some(why) => Err(checks::invalid("fields", why)),
        None => Ok(()),
    }
}

/// Refuses to enable a connection to the database of another one by another address, as far as Odoo answers now.
async fn has_own_database(
    context: &Context,
    scope: Scope,
    record: &ConnectionRecord,
    secrets: &[String],
) -> Result<()> {
    let record = ConnectionRecord { enabled: false, ..record.clone() };
    let connection = Connection::new(&context.config, record, secrets.to_vec(), None);
    match same_database::other(context, scope, &connection).await? {
        Some(other) => Err(checks::invalid("url", same_database::message(&connection.record.name, &other))),
        None => Ok(()),
    }
}

/// What is to be checked before it is kept.
struct Wanted<'a> {
    context: &'a Context,
    scope: Scope,
    new: &'a NewConnection,
    template: &'a Template,
    known: Option<&'a Opened>,
    secret: Option<String>,
}

/// What may be kept.
struct Checked {
    scheme: String,
    settings: String,
    /// Every valid secret, newest first.
    secrets: Vec<String>,
    /// Whether it is the same system in another place.
    moved: bool,
}

impl Wanted<'_> {
    async fn of_carrier(self, mut given: Map<String, Value>) -> Result<Checked> {
        let scheme = given.remove(SCHEME).and_then(|scheme| scheme.as_str().map(str::to_owned)).unwrap_or_default();
        let known_scheme = Scheme::from_name(&scheme)
            .ok_or_else(|| checks::invalid(SCHEME, format!("there is no scheme {scheme:?}")))?;
        let settings: Settings = serde_json::from_value(Value::Object(given))
            .map_err(|error| checks::invalid("fields", format!("the settings cannot be read: {error}")))?;
        let before = self.known.map(|known| opened::of_same_publisher(known, &settings)).unwrap_or_default();
        let newest = self.secret.as_ref().or(before.first()).map(String::as_str).unwrap_or_default();
        if newest.is_empty() && settings.keys_url.is_none() && known_scheme != Scheme::IpAllowList {
            return Err(missing(self.template, self.known));
        }
        checks::source(&self.context.config, known_scheme, newest, &settings)?;
        let new = match (&settings.keys_url, self.secret) {
            (Some(url), None) if before.is_empty() => {
                let fetched = keys::fetch(url, &Discard).await;
                Some(fetched.map_err(|error| checks::invalid("keys_url", error.to_string()))?)
            }
            // there is none, and an empty list would say that the source was removed
            (_, None) if before.is_empty() && known_scheme == Scheme::IpAllowList => Some(SECRETS_OF_NONE.to_owned()),
            (_, given) => given,
        };
        let secrets = match (new, self.known) {
            (None, _) => before.to_vec(),
            (Some(new), Some(known)) => rotation::beside(self.context, self.scope, &known.record, before, &new).await?,
            (Some(new), None) => vec![new],
        };
        let settings = serde_json::to_string(&settings).expect("plain data serialises");
        Ok(Checked { scheme, settings, secrets, moved: false })
    }

    async fn of_system(self, given: Map<String, Value>) -> Result<Checked> {
        let Self { context, scope, new, template, known, secret } = self;
        let settings = Value::Object(given);
        checks::address(&context.config, settings["url"].as_str().unwrap_or_default())?;
        let family = Some(template.family);
        let system = System::of(family, &settings).ok_or_else(|| checks::invalid("url", "the URL is no address"))?;
        let is_as_before = known.is_some_and(|known| {
            let is_enabled = known.record.enabled || new.enabled != Some(true);
            is_enabled && System::of(family, &known.settings()).is_some_and(|before| before.does_same_work(&system))
        });
        // what is booked at a platform goes by rules that name the connection
        if !is_as_before && family != Some(Family::Shipping) {
            checks::does_own_work(context, scope, &new.name, family, &system).await?;
        }
        let mut moved = false;
        if let Some(known) = known
            && let Some(field) = checks::leads_elsewhere(context, scope, known, &system).await?
        {
            if !new.moved {
                return Err(checks::invalid(field, checks::leads_elsewhere_message(known)));
            }
            moved = true;
        }
        let before = known.map(|known| opened::of_same_address(known, family, &system)).unwrap_or_default();
        let secrets = match (secret, known) {
            (Some(secret), Some(known)) => rotation::beside(context, scope, &known.record, before, &secret).await?,
            (Some(secret), None) => vec![secret],
            (None, Some(_)) if !before.is_empty() && !moved => before.to_vec(),
            (None, known) => return Err(missing(template, known)),
        };
        Ok(Checked { scheme: String::new(), settings: settings.to_string(), secrets, moved })
    }

    /// A channel keeps nothing under its name, so it may lead elsewhere; its secret goes to no other address than it was given for.
    async fn of_channel(self, given: Map<String, Value>) -> Result<Checked> {
        let Self { context, scope, template, known, secret, .. } = self;
        let (settings, family) = (Value::Object(given), Some(template.family));
        let system = System::of(family, &settings);
        let before: &[String] = match (known, &system) {
            (Some(known), _) if channels::secret_is_address(template.id) => known.secrets(),
            (Some(known), Some(system)) => opened::of_same_address(known, family, system),
            _ => &[],
        };
        let signs_in = settings["login"].as_str().is_some_and(|login| !login.is_empty());
        let secrets = match (secret, known) {
            (None, _) if channels::works_without_secret(template.id) && !signs_in => vec![SECRETS_OF_NONE.to_owned()],
            (Some(secret), Some(known)) => rotation::beside(context, scope, &known.record, before, &secret).await?,
            (Some(secret), None) => vec![secret],
            (None, Some(_)) if before.iter().any(|secret| !secret.is_empty()) => before.to_vec(),
            (None, known) => return Err(missing(template, known.filter(|_| !before.is_empty()))),
        };
        Ok(Checked { scheme: String::new(), settings: settings.to_string(), secrets, moved: false })
    }
}

/// Why a secret has to be given.
fn missing(template: &Template, known: Option<&Opened>) -> UseCaseError {
    match known.map(|known| &known.secrets) {
        Some(Err(why)) => checks::invalid("secret", *why),
        // otherwise the sealed key could be sent elsewhere
        Some(Ok(secrets)) if !secrets.is_empty() => {
            checks::invalid("secret", format!("{} is needed again: the address changed", template.secret_label))
        }
        _ => checks::no_secret(Some(template)),
    }
}

/// Jobs of a connection wait until it is resumed; nothing is lost.
///
/// # Errors
/// Where there is no such connection, nothing is called over it, or there is no reason.
pub async fn pause(context: &Context, caller: &Caller, name: &str, why: &str) -> Result<()> {
    caller.require(Permission::Operate)?;
    callable(context, caller.scope(), name).await?;
    destinations::pause(context, caller, name, why).await
}

/// Jobs of a connection go on, also where it was not paused but failed or was limited.
///
/// # Errors
/// Where there is no such connection, or nothing is called over it.
pub async fn resume(context: &Context, caller: &Caller, name: &str) -> Result<()> {
    caller.require(Permission::Operate)?;
    callable(context, caller.scope(), name).await?;
    destinations::resume(context, caller, name).await
}

async fn callable(context: &Context, scope: Scope, name: &str) -> Result<()> {
    let known = named(context, scope, name).await?;
    match catalogue::family(&known.record.connector).map(Family::direction) {
        Some(Direction::In) if inbound::keys_url(&known.record).is_none() => {
            let message = format!("{name} only sends to Milepost: disable it, and its messages are refused");
            Err(checks::invalid("name", message))
        }
        _ => Ok(()),
    }
}

/// Enables a connection, or disables it: its messages are refused, and its jobs wait.
///
/// # Errors
/// Where there is no such connection, or it is to be enabled and cannot be used as it is.
pub async fn switch(context: &Context, caller: &Caller, name: &str, on: bool, why: &str) -> Result<()> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    let known = named(context, scope, name).await?;
    if on {
        may_be_used(context, scope, &known).await?;
    }
    let record = known.record;
    let why = why.trim();
    let why = if why.is_empty() { None } else { Some(audit::reason(context, scope, why).await?) };
    let action = if on { "connection.enable" } else { "connection.disable" };
    let audit = context.audit(action, format!("connection:{}", record.id)).why(why);
    let record = record.switched(on, context.now());
    context.store.connections.put(scope, record, None, audit).await?;
    announce(context).await
}

async fn may_be_used(context: &Context, scope: Scope, known: &Opened) -> Result<()> {
    checks::is_kept(known)?;
    let record = &known.record;
    if let Err(why) = known.secrets {
        return Err(checks::invalid("secret", format!("{}: {why}", record.name)));
    }
    is_usable(context, record, known.secrets())?;
    let (family, settings) = (catalogue::family(&record.connector), known.settings());
    let Some(system) = System::of(family, &settings) else { return Ok(()) };
    checks::does_own_work(context, scope, &record.name, family, &system).await?;
    has_own_database(context, scope, record, known.secrets()).await
}
