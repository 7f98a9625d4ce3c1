//! Figures, and what waits for a person.

use crate::{alerts, caller::Caller, claims, connections, context::Context, error::Result};
use domain::access::Permission;
use jiff::tz::TimeZone;
use storage::figures::Figures;

/// The figures that a caller may read.
#[derive(Clone, Debug)]
pub struct Overview {
    /// The figures.
    pub figures: Figures,
    /// Codes without a mapping; none for a caller who may not map them.
    pub unmapped: u64,
    /// Whether the caller may read the jobs behind the figures.
    pub operates: bool,
    /// Failed jobs by the name of their connection, the most first.
    pub failing: Vec<(String, u64)>,
}

/// The figures, with days as in this zone.
///
/// # Errors
/// When the caller may not, or the store fails.
pub async fn overview(context: &Context, caller: &Caller, zone: &TimeZone) -> Result<Overview> {
    caller.require(Permission::Figures)?;
    let figures = context.store.work.figures(caller.scope(), context.now(), zone).await?;
    let jobs = context.store.jobs.summary(caller.scope(), context.now()).await?;
    let connections = context.connections.now();
    let dead = jobs.into_iter().filter(|one| one.dead > 0).map(|one| (connections.label(&one.destination), one.dead));
    let mut failing: Vec<_> = dead.collect();
    failing.sort_by_key(|(_, dead)| std::cmp::Reverse(*dead));
    let operates = caller.may(Permission::Operate);
    Ok(Overview { figures, unmapped: unmapped(context, caller).await?, operates, failing })
}

/// What waits for a person: the numbers beside the pages' names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attention {
    /// Open exceptions, snoozed ones left out.
    pub exceptions: u64,
    /// Connections that need attention; none for a caller who may not change them.
    pub connections: u64,
    /// Failed jobs: as many as their list has.
    pub failed: u64,
    /// Differences between the systems; none for a caller who may not see them.
    pub differences: u64,
    /// Open claims.
    pub claims: u64,
    /// Open alerts, snoozed ones left out; none for a caller who may not see them.
    pub alerts: u64,
    /// Codes without a mapping; none for a caller who may not map them.
    pub unmapped: u64,
}

/// What waits for a person.
///
/// # Errors
/// When the caller may not, or the store fails.
pub async fn attention(context: &Context, caller: &Caller) -> Result<Attention> {
    caller.require(Permission::See)?;
    let (scope, now) = (caller.scope(), context.now());
    let exceptions = context.store.work.queue_counts(scope, now).await?;
    let jobs = context.store.jobs.summary(scope, now).await?;
    let operates = caller.may(Permission::Operate);
    Ok(Attention {
        connections: if operates { connections::attention(context, caller).await? } else { 0 },
        exceptions: exceptions.iter().map(|(_, _, n)| n).sum(),
        claims: claims::open_count(context, caller).await?,
        failed: jobs.iter().map(|destination| destination.dead).sum(),
        alerts: if operates { alerts::count(context, caller).await? } else { 0 },
        differences: if operates { differences(context, caller).await? } else { 0 },
        unmapped: unmapped(context, caller).await?,
    })
}

async fn differences(context: &Context, caller: &Caller) -> Result<u64> {
    let counts = context.store.reconciliations.counts(caller.scope(), context.now()).await?;
    Ok(counts.open.iter().map(|(_, _, n)| n).sum())
}

async fn unmapped(context: &Context, caller: &Caller) -> Result<u64> {
    if !caller.may(Permission::Operate) {
        return Ok(0);
    }
    Ok(context.store.mappings.unmapped_count(caller.scope()).await?)
}
