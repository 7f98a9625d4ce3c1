//! Which connections a person should look at, who paused one, and names for new ones.

use super::{
    activity::Names,
    overview::{Overview, StateKind, report_of, state_of, with_failures},
};
use crate::{caller::Caller, context::Context, error::Result};
use domain::access::Permission;
use std::collections::BTreeSet;
use storage::destinations::Breaker;

/// Whether a person should look: it or what it was called for fails, or soon will, or the other system limits the rate.
pub const fn needs_attention(state: StateKind) -> bool {
    matches!(state, StateKind::Broken | StateKind::RateLimited | StateKind::Failing | StateKind::Expiring)
}

/// How many connections need attention: the number beside the navigation.
///
/// # Errors
/// When the store fails.
pub async fn attention(context: &Context, caller: &Caller) -> Result<u64> {
    caller.require(Permission::Operate)?;
    let (now, live) = (context.now(), context.connections.now());
    let breakers = context.store.destinations.breakers(caller.scope()).await?;
    let jobs = context.store.jobs.summary(caller.scope(), now).await?;
    // what a test found is kept without the connection becoming another one
    let kept = context.store.connections.all(caller.scope()).await?;
    let healthy = Breaker::default();
    let states = live.all().iter().map(|connection| {
        let known = kept.iter().find(|record| record.id == connection.record.id);
        let report = known.and_then(report_of);
        let breaker = breakers.get(&connection.record.name).unwrap_or(&healthy);
        let of_jobs = jobs.iter().find(|one| one.destination == connection.record.name);
        let state = state_of(&connection.record, connection.unusable(), breaker, now);
        with_failures(state, known.unwrap_or(&connection.record), of_jobs, report.as_ref(), now).is
    });
    Ok(states.filter(|state| needs_attention(*state)).count() as u64)
}

/// The names of those who paused one of these.
///
/// # Errors
/// When the store fails.
pub async fn pausing<'a>(context: &Context, of: impl Iterator<Item = &'a Overview>) -> Result<Names> {
    Names::read(context, of.filter_map(|one| one.breaker.paused.as_ref()).map(|pause| pause.by)).await
}

/// A name that no connection has, for a new one with this connector.
pub fn free_name<'a>(connector: &str, taken: impl Iterator<Item = &'a str>) -> String {
    let taken: BTreeSet<&str> = taken.collect();
    let first = connector.replace('_', "-");
    let more = (2..).map(|n: u32| format!("{first}-{n}"));
    let mut names = std::iter::once(first.clone()).chain(more);
    names.find(|name| !taken.contains(name.as_str())).unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_connection_gets_a_name_that_is_free() {
        assert_eq!(free_name("request_tracker", [].into_iter()), "request-tracker");
        assert_eq!(free_name("odoo", ["odoo", "odoo-2", "desk"].into_iter()), "odoo-3");
    }
}
