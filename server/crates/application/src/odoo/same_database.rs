//! Two connections that lead to one database of Odoo by two addresses: an alias, another name of the host, with and without TLS.
//! Everything would be done twice, so one of them gives way. What a database says of itself is kept with its connection.

use super::OrderError;
use crate::{
    connections::{Client, Connection},
    context::Context,
};
use ::odoo::{OdooClient, Settings};
use jiff::{SignedDuration, Timestamp};
use outbound::{CallLog, Discard, template::Family};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use storage::{Scope, connections::ConnectionRecord};

/// For so long it is believed that the address leads to the same database.
const BELIEVED: SignedDuration = SignedDuration::from_hours(24);
/// A connection that is enabled does not wait longer for an Odoo to say which it is; the first import asks again.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// What a database said of itself.
#[derive(Debug, Serialize, Deserialize)]
struct Known {
    url: String,
    database: String,
    /// None where Odoo does not say it.
    mark: Option<String>,
    at: Timestamp,
}

fn key(connection: &str) -> String {
    format!("{connection}.database")
}

/// How a connection stands where two lead to one database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Claim<'a> {
    enabled: bool,
    /// Deliveries came from there.
    used: bool,
    made_at: Timestamp,
    name: &'a str,
}

impl Claim<'_> {
    /// Whether the other one goes on instead. One that is to be enabled counts as not enabled.
    fn gives_way_to(&self, other: &Self) -> bool {
        let order = |one: &Self| (!one.used, one.made_at);
        match (self.enabled, other.enabled) {
            (true, true) => (order(other), other.name) < (order(self), self.name),
            (false, true) => true,
            (_, false) => other.used && !self.used,
        }
    }
}

/// Refuses the work of a connection in use that leads to the database of another one.
///
/// # Errors
/// `misconfigured` where it does; else when Odoo or the store fails.
pub(super) async fn refuse_second(
    context: &Context,
    scope: Scope,
    name: &str,
    odoo: &OdooClient,
    calls: &dyn CallLog,
) -> Result<(), OrderError> {
    let connections = context.connections.now();
    let Some(own) = connections.get(name) else { return Ok(()) };
    let Some(settings) = own.orders.as_deref().filter(|settings| !settings.is_copy) else { return Ok(()) };
    let known = known(context, scope, name, settings).await?;
    let mark = match known {
        Some(known) if is_believed(context, &known) => known.mark,
        _ => ask(context, scope, (name, settings), odoo, calls).await?,
    };
    let Some(mark) = mark else { return Ok(()) };
    match first(context, scope, &own.record, &mark).await? {
        Some(other) => {
            let error = outbound::CallError::new(outbound::ErrorClass::Misconfigured, message(name, &other));
            Err(error.into())
        }
        None => Ok(()),
    }
}

/// The connection that leads to the database of this one already, as far as its Odoo answers now; none where it is the only one.
///
/// # Errors
/// When the store fails.
pub(crate) async fn other(context: &Context, scope: Scope, own: &Connection) -> storage::Result<Option<String>> {
    let Some(settings) = own.orders.as_deref().filter(|settings| !settings.is_copy) else { return Ok(None) };
    let Client::Orders(odoo) = &own.client else { return Ok(None) };
    if rivals(context, &own.record.name).is_empty() {
        return Ok(None);
    }
    match tokio::time::timeout(ANSWER_WITHIN, odoo.database_mark(&Discard)).await {
        Ok(Ok(Some(mark))) => {
            let said = Known::of(settings, Some(mark.clone()), context.now());
            keep(context, scope, &own.record.name, &said).await?;
            first(context, scope, &own.record, &mark).await
        }
        _ => Ok(None),
    }
}

/// Whether nothing that is known says that another connection leads to the database of this one. Nothing is asked.
///
/// # Errors
/// When the store fails.
pub(crate) async fn is_alone(context: &Context, scope: Scope, name: &str) -> storage::Result<bool> {
    let connections = context.connections.now();
    let Some(own) = connections.get(name) else { return Ok(true) };
    let Some(settings) = own.orders.as_deref().filter(|settings| !settings.is_copy) else { return Ok(true) };
    match known(context, scope, name, settings).await?.and_then(|known| known.mark) {
        Some(mark) => Ok(first(context, scope, &own.record, &mark).await?.is_none()),
        None => Ok(true),
    }
}

/// What a person reads.
pub(crate) fn message(name: &str, other: &str) -> String {
    format!(
        "{name} leads to the database of the connection {other} by another address, and everything would be done twice: use one of \
         them. If it is a copy of it (a test system restored from a backup), set \"A copy of another database\" (is_copy=on)"
    )
}

impl Known {
    fn of(settings: &Settings, mark: Option<String>, at: Timestamp) -> Self {
        Self { url: settings.url.clone(), database: settings.database.clone(), mark, at }
    }
}

fn is_believed(context: &Context, known: &Known) -> bool {
    let age = context.now().duration_since(known.at);
    !age.is_negative() && age < BELIEVED
}

/// What was asked of the place where a connection leads to.
async fn known(context: &Context, scope: Scope, name: &str, settings: &Settings) -> storage::Result<Option<Known>> {
    let kept = context.store.people.setting(scope, &key(name)).await?;
    let kept = kept.and_then(|text| serde_json::from_str::<Known>(&text).ok());
    Ok(kept.filter(|kept| (&kept.url, &kept.database) == (&settings.url, &settings.database)))
}

async fn keep(context: &Context, scope: Scope, name: &str, known: &Known) -> storage::Result<()> {
    let text = serde_json::to_string(known).expect("plain data serialises");
    context.store.people.put_setting(scope, &key(name), text).await
}

async fn ask(
    context: &Context,
    scope: Scope,
    (name, settings): (&str, &Settings),
    odoo: &OdooClient,
    calls: &dyn CallLog,
) -> Result<Option<String>, OrderError> {
    let mark = odoo.database_mark(calls).await?;
    keep(context, scope, name, &Known::of(settings, mark.clone(), context.now())).await?;
    Ok(mark)
}

/// The other connections to an Odoo that may do its work: not copies, and not those that were removed.
fn rivals(context: &Context, name: &str) -> Vec<std::sync::Arc<Connection>> {
    let connections = context.connections.now();
    let others = connections.all().iter().filter(|other| {
        let settings = other.orders.as_deref();
        other.record.name != name
            && other.family == Some(Family::Orders)
            && settings.is_some_and(|settings| !settings.is_copy)
            && (other.record.enabled || other.unusable().is_none())
    });
    others.cloned().collect()
}

/// The connection that this one gives way to.
async fn first(context: &Context, scope: Scope, own: &ConnectionRecord, mark: &str) -> storage::Result<Option<String>> {
    for other in rivals(context, &own.name) {
        let Some(settings) = other.orders.as_deref() else { continue };
        let theirs = match known(context, scope, &other.record.name, settings).await? {
            Some(known) => known.mark,
            // it was in use before this was asked for; where it does not answer now its own import asks it
            None => match &other.client {
                Client::Orders(odoo) => {
                    let asked = ask(context, scope, (&other.record.name, settings), odoo, &Discard);
                    tokio::time::timeout(ANSWER_WITHIN, asked).await.ok().and_then(Result::ok).flatten()
                }
                _ => None,
            },
        };
        if theirs.as_deref() != Some(mark) {
            continue;
        }
        let (own, theirs) = (claim(context, scope, own).await?, claim(context, scope, &other.record).await?);
        if own.gives_way_to(&theirs) {
            return Ok(Some(other.record.name.clone()));
        }
    }
    Ok(None)
}

async fn claim<'a>(context: &Context, scope: Scope, record: &'a ConnectionRecord) -> storage::Result<Claim<'a>> {
    let used = context.store.connections.is_used(scope, &record.name).await?;
    Ok(Claim { enabled: record.enabled, used, made_at: record.created_at, name: &record.name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_that_lead_to_one_database_one_goes_on() {
        let mut all = Vec::new();
        for (enabled, used) in [(true, true), (true, false), (false, true), (false, false)] {
            for (second, name) in [(1, "a"), (1, "b"), (2, "c")] {
                all.push(Claim { enabled, used, made_at: Timestamp::from_second(second).unwrap(), name });
            }
        }
        for one in &all {
            assert!(!(one.enabled && one.gives_way_to(one)), "{one:?}");
            for other in all.iter().filter(|other| other.name != one.name) {
                let (gives_way, goes_first) = (one.gives_way_to(other), other.gives_way_to(one));
                if one.enabled && other.enabled {
                    assert_ne!(gives_way, goes_first, "one of both: {one:?} {other:?}");
                    assert!(
                        one.used == other.used || gives_way == other.used,
                        "the one that was used: {one:?} {other:?}"
                    );
                }
                // one that is to be enabled beside one in use
                assert!(one.enabled || !other.enabled || gives_way, "{one:?} {other:?}");
                // one that was never used and is not in use changes nothing
                assert!(other.enabled || other.used || !gives_way, "{one:?} {other:?}");
            }
        }
    }
}
