//! The first steps of an installation: what has to be connected before shipments appear, and how far that is.

use super::overview::{Overview, StateKind, list};
use crate::{
    caller::Caller,
    context::Context,
    error::{Result, UseCaseError},
    people::settings,
};
use domain::access::Permission;
use outbound::template::Family;
use storage::{Scope, people::SettingChange};

/// The setting that says that an admin wants no guide.
const SKIPPED: &str = "first_steps.skipped";

/// How far an installation is connected, as every page needs to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connected {
    /// Whether shipments can come in: an order system or a source of messages is in use.
    pub anything: bool,
    /// Whether an admin is led through what is missing: a source of messages or an order system, and nobody skipped that.
    pub guided: bool,
}

/// How far the installation is connected.
///
/// # Errors
/// When the store fails.
pub async fn connected(context: &Context, scope: Scope) -> Result<Connected> {
    let connections = context.connections.now();
    let [source, orders] = [Family::Carrier, Family::Orders].map(|family| connections.in_use(family).next().is_some());
    let begun = source && orders || is_skipped(context, scope).await? || has_shipments(context, scope).await?;
    Ok(Connected { anything: source || orders, guided: !begun })
}

/// An installation that has shipments was set up already, also while something is not in use.
async fn has_shipments(context: &Context, scope: Scope) -> Result<bool> {
    Ok(context.store.shipments.counts(scope, context.now()).await?.all > 0)
}

async fn is_skipped(context: &Context, scope: Scope) -> Result<bool> {
    Ok(context.store.people.setting(scope, SKIPPED).await?.is_some())
}

/// How far a step is.
#[derive(Clone, Debug)]
pub enum Progress {
    /// There is no connection of its kind.
    Missing,
    /// There is one, and it is not in use.
    Draft(Box<Overview>),
    /// It is in use, and works as far as is known.
    Done(Box<Overview>),
    /// It is in use, and does not work.
    Failing(Box<Overview>),
}

/// The steps with how far each is.
#[derive(Clone, Debug)]
pub struct FirstSteps {
    /// The first source of messages.
    pub source: Progress,
    /// The first order system.
    pub orders: Progress,
    /// The first service desk.
    pub desk: Progress,
    /// How far the installation is connected, as every page knows it.
    pub connected: Connected,
}

/// The steps, for an admin.
///
/// # Errors
/// When the caller may not, or the store fails.
pub async fn first_steps(context: &Context, caller: &Caller) -> Result<FirstSteps> {
    caller.require(Permission::Operate)?;
    let connections = list(context, caller).await?;
    let of =
        |family| progress(connections.iter().filter(|one| one.template.as_ref().map(|t| t.family) == Some(family)));
    Ok(FirstSteps {
        source: of(Family::Carrier),
        orders: of(Family::Orders),
        desk: of(Family::Desk),
        connected: connected(context, caller.scope()).await?,
    })
}

/// How far the one of these is that is furthest.
fn progress<'a>(connections: impl Iterator<Item = &'a Overview>) -> Progress {
    let rank = |one: &&Overview| match one.state.is {
        StateKind::Disabled => 0,
        StateKind::Broken => 1,
        StateKind::Active | StateKind::Failing | StateKind::Expiring | StateKind::Paused | StateKind::RateLimited => 2,
    };
    let Some(best) = connections.max_by_key(rank) else { return Progress::Missing };
    let it = Box::new(best.clone());
    match rank(&best) {
        0 => Progress::Draft(it),
        1 => Progress::Failing(it),
        _ => Progress::Done(it),
    }
}

/// An admin wants no guide: from now on no page leads to it.
///
/// # Errors
/// When the caller may not, or the store fails.
pub async fn skip(context: &Context, caller: &Caller) -> Result<()> {
    caller.require(Permission::Operate)?;
    let change = SettingChange { name: SKIPPED.into(), from: None, to: context.now().to_string() };
    match settings::change(context, caller.scope(), change, ("first_steps.skip", "installation".to_owned())).await {
        // another admin did it already
        Err(UseCaseError::Conflict(_)) => Ok(()),
        other => other,
    }
}
