//! The systems that jobs go out to: how each stands, and a person who stops one or lets it go on.

use super::{Result, UseCaseError, audit};
use crate::{
    jobs::breaker::{Admission, admission},
    tower::Tower,
};
use storage::{
    Scope,
    destinations::{Breaker, Pause},
    jobs::JobKind,
};

/// Characters of a reason.
const WHY_CHARS_MAX: usize = 500;

/// A destination and how it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its name: `odoo`.
    pub name: &'static str,
    /// Its circuit breaker.
    pub breaker: Breaker,
    /// Whether jobs may go out now.
    pub admission: Admission,
}

/// Every destination.
///
/// # Errors
/// When the store fails.
pub async fn standings(tower: &Tower, scope: Scope) -> Result<Vec<Standing>> {
    let mut breakers = tower.store.destinations.breakers(scope).await?;
    let now = tower.now();
    Ok(names()
        .into_iter()
        .map(|name| {
            let breaker = breakers.remove(name).unwrap_or_default();
            Standing { name, admission: admission(&breaker, now), breaker }
        })
        .collect())
}

/// A person stops a destination: its jobs wait, nothing is lost.
///
/// # Errors
/// When there is no such destination, no reason, or the store fails.
pub async fn pause(tower: &Tower, scope: Scope, name: &str, why: &str) -> Result<()> {
    let why = why.trim();
    if why.is_empty() || why.chars().count() > WHY_CHARS_MAX {
        let message = format!("say why, in 1 to {WHY_CHARS_MAX} characters: others will ask");
        return Err(UseCaseError::Invalid { field: "why", message });
    }
    let pause = Pause { at: tower.now(), by: scope.actor, why: why.to_owned() };
    set(tower, scope, name, Some(pause), "destination.pause", Some(why.to_owned())).await
}

/// A person lets a destination go on.
///
/// # Errors
/// When there is no such destination, or the store fails.
pub async fn resume(tower: &Tower, scope: Scope, name: &str) -> Result<()> {
    set(tower, scope, name, None, "destination.resume", None).await?;
    tower.notifier.all_work();
    Ok(())
}

async fn set(
    tower: &Tower,
    scope: Scope,
    name: &str,
    pause: Option<Pause>,
    action: &'static str,
    why: Option<String>,
) -> Result<()> {
    let Some(name) = names().into_iter().find(|known| *known == name) else {
        let message = format!("there is no destination {name}: there are {}", names().join(", "));
        return Err(UseCaseError::Invalid { field: "destination", message });
    };
    let why = match why {
        Some(why) => Some(audit::reason(tower, scope, &why).await?),
        None => None,
    };
    let audit = tower.audit(action, format!("destination:{name}")).why(why);
    tower.store.destinations.pause(scope, name, pause, audit).await?;
    tower.breakers.forget();
    Ok(())
}

/// Every name, once.
fn names() -> Vec<&'static str> {
    let mut names: Vec<_> = JobKind::ALL.iter().filter_map(|kind| kind.destination()).collect();
    names.sort_unstable();
    names.dedup();
    names
}
