//! The systems that jobs go out to: how each stands, and a person who stops one or lets it go on.

pub mod breaker;

use crate::caller::Caller;
use crate::{
    audit,
    config::CallLimits,
    connections::{inbound, live::Connection},
    context::Context,
    destinations::breaker::{Admission, admission},
    error::{Result, UseCaseError},
};
use domain::access::Permission;
use outbound::template::Family;
use std::sync::Arc;
use storage::{
    Scope,
    destinations::{Breaker, Pause},
    jobs::INSIDE,
};

pub use crate::connections::live::{DESK, ODOO};

/// Characters of a reason.
const WHY_CHARS_MAX: usize = 500;

/// A destination and how it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its name: `odoo`.
    pub name: String,
    /// Its circuit breaker.
    pub breaker: Breaker,
    /// Whether jobs may go out now.
    pub admission: Admission,
}

/// Every destination.
///
/// # Errors
/// When the store fails.
pub async fn standings(context: &Context, caller: &Caller) -> Result<Vec<Standing>> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    let mut breakers = context.store.destinations.breakers(scope).await?;
    let now = context.now();
    Ok(names(context, scope)
        .await?
        .into_iter()
        .map(|name| {
            let breaker = breakers.remove(&name).unwrap_or_default();
            Standing { name, admission: admission(&breaker, now), breaker }
        })
        .collect())
}

/// A person stops a destination: its jobs wait, nothing is lost.
///
/// # Errors
/// When there is no such destination, no reason, or the store fails.
pub async fn pause(context: &Context, caller: &Caller, name: &str, why: &str) -> Result<()> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    let why = why.trim();
    if why.is_empty() || why.chars().count() > WHY_CHARS_MAX {
        let message = format!("say why, in 1 to {WHY_CHARS_MAX} characters: others will ask");
        return Err(UseCaseError::Invalid { field: "why", message });
    }
    let pause = Pause { at: context.now(), by: scope.actor, why: why.to_owned() };
    set(context, scope, name, Some(pause), "destination.pause", Some(why.to_owned())).await
}

/// A person lets a destination go on.
///
/// # Errors
/// When there is no such destination, or the store fails.
pub async fn resume(context: &Context, caller: &Caller, name: &str) -> Result<()> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    set(context, scope, name, None, "destination.resume", None).await?;
    context.notifier.all_work();
    Ok(())
}

async fn set(
    context: &Context,
    scope: Scope,
    name: &str,
    pause: Option<Pause>,
    action: &'static str,
    why: Option<String>,
) -> Result<()> {
    let known = names(context, scope).await?;
    if !known.iter().any(|known| known == name) {
        let message = format!("there is no destination {name}: there are {}", known.join(", "));
        return Err(UseCaseError::Invalid { field: "destination", message });
    }
    let why = match why {
        Some(why) => Some(audit::reason(context, scope, &why).await?),
        None => None,
    };
    let audit = context.audit(action, format!("destination:{name}")).why(why);
    context.store.destinations.pause(scope, name, pause, audit).await?;
    context.breakers.forget();
    Ok(())
}

/// Destinations to which no connection leads, with the number of jobs that wait for one of this name: a ticket stays with its desk,
/// also after that is gone.
///
/// # Errors
/// When the store fails.
pub async fn without_connection(context: &Context, caller: &Caller) -> Result<Vec<(String, u64)>> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    let kept = context.store.connections.all(scope).await?;
    let summaries = context.store.jobs.summary(scope, context.now()).await?;
    let waiting = summaries.into_iter().map(|it| (it.destination, it.pending + it.retrying));
    let lacks = |name: &str| name != INSIDE && !kept.iter().any(|one| one.name == name);
    Ok(waiting.filter(|(name, jobs)| *jobs > 0 && lacks(name)).collect())
}

/// How many calls a destination may get at once, in each lane.
pub fn concurrency(context: &Context, destination: Option<&str>) -> usize {
    let connections = context.connections.now();
    let connection = destination.and_then(|name| connections.get(name));
    connection.map_or_else(CallLimits::default, |connection| connection.limits).at_once
}

/// Every name, once: order systems, desks, and the sources whose platforms publish their keys.
async fn names(context: &Context, scope: Scope) -> Result<Vec<String>> {
    let mut names = inbound::with_published_keys(context, scope).await?;
    let connections = context.connections.now();
    let called = |connection: &&Arc<Connection>| !matches!(connection.family, None | Some(Family::Carrier));
    names.extend(connections.all().iter().filter(called).map(|connection| connection.record.name.clone()));
    // the first ones may still be made: they can be paused before
    names.extend([ODOO, DESK].map(str::to_owned));
    names.sort_unstable();
    names.dedup();
    Ok(names)
}
