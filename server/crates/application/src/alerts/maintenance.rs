//! Maintenance: while a person works on a connection, what follows from that makes no alert, and those that are open stay as they are.

use super::reasons;
use crate::{
    audit,
    caller::Caller,
    connections::Names,
    context::Context,
    error::{Result, UseCaseError},
    people::settings,
};
use domain::access::Permission;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use storage::{Actor, Scope};

/// The setting that holds it.
const MAINTENANCE: &str = "alerts.maintenance";
/// It ends by itself after this time at the latest: what is forgotten must not stay silent.
const LONGEST: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The maintenance of one connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Maintenance {
    /// When it ends by itself.
    pub until: Timestamp,
    /// Why; sealed where it is kept.
    pub why: String,
    /// Who began it.
    pub by: Actor,
}

/// By the connection's name.
type Kept = BTreeMap<String, Maintenance>;

/// A connection under maintenance, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnderMaintenance {
    /// The connection's name.
    pub connection: String,
    /// What people call it.
    pub label: String,
    /// The maintenance.
    pub maintenance: Maintenance,
    /// The name of who began it.
    pub by: String,
}

/// The connections that are under maintenance now.
pub(super) async fn now(context: &Context, scope: Scope) -> Result<Kept> {
    let kept: Kept = settings::read(context, scope, MAINTENANCE).await?.unwrap_or_default();
    let now = context.now();
    Ok(kept.into_iter().filter(|(_, one)| one.until > now).collect())
}

/// The same, for who may see it; the first to end goes first.
///
/// # Errors
/// When the caller may not, or the store fails.
pub async fn maintained(context: &Context, caller: &Caller) -> Result<Vec<UnderMaintenance>> {
    caller.require(Permission::Operate)?;
    let kept = now(context, caller.scope()).await?;
    let names = Names::read(context, kept.values().map(|one| one.by)).await?;
    let connections = context.connections.now();
    let shown = |(connection, kept): (String, Maintenance)| UnderMaintenance {
        label: connections.label(&connection),
        by: names.of(kept.by),
        maintenance: Maintenance { why: reasons::opened(context, &kept.why), ..kept },
        connection,
    };
    let mut all: Vec<_> = kept.into_iter().map(shown).collect();
    all.sort_by_key(|one| one.maintenance.until);
    Ok(all)
}

/// A person works on a connection until then: it makes no alerts.
///
/// # Errors
/// When the caller may not, there is no such connection, no reason, or the time is over or too far away.
pub async fn maintain(context: &Context, caller: &Caller, connection: &str, until: Timestamp, why: &str) -> Result<()> {
    caller.require(Permission::Operate)?;
    let why = audit::given(Some(why.trim().to_owned()))?.ok_or_else(|| UseCaseError::Invalid {
        field: "why",
        message: "Say why, in 1 to 500 characters: others will ask.".into(),
    })?;
    let id = context.connections.now().get(connection).map(|one| one.record.id);
    let id = id.ok_or(UseCaseError::NotFound("connection"))?;
    let (begin, scope) = (context.now(), caller.scope());
    if until <= begin || until.duration_since(begin) > LONGEST {
        let message = format!("Maintenance ends within {} days.", LONGEST.as_hours() / 24);
        return Err(UseCaseError::Invalid { field: "until", message });
    }
    let set = Maintenance { until, why: reasons::sealed(context, &why), by: scope.actor };
    let audited = ("alert.maintenance", format!("connection:{id}"));
    settings::amend(context, scope, MAINTENANCE, audited, |kept: &mut Kept| {
        kept.retain(|_, one| one.until > begin);
        kept.insert(connection.to_owned(), set.clone());
        Ok(())
    })
    .await
}

/// Maintenance is over: the next look finds what is wrong.
///
/// # Errors
/// When the caller may not, the connection is under none, or the store fails.
pub async fn end_maintenance(context: &Context, caller: &Caller, connection: &str) -> Result<()> {
    caller.require(Permission::Operate)?;
    let id = context.connections.now().get(connection).map(|one| one.record.id.to_string());
    let audited = ("alert.maintenance_ended", format!("connection:{}", id.as_deref().unwrap_or(connection)));
    settings::amend(context, caller.scope(), MAINTENANCE, audited, |kept: &mut Kept| {
        kept.remove(connection).map(drop).ok_or(UseCaseError::NotFound("maintenance"))
    })
    .await
}
