//! Until when carriers take claims, as data: the rules that come with Milepost, or those that an admin put in their place.

use crate::{
    caller::Caller,
    context::Context,
    error::{Result, UseCaseError},
    people::settings,
};
use domain::{access::Permission, claims::Deadlines};
use storage::{Scope, people::SettingChange};

/// The setting that holds them.
const RULES: &str = "claims.deadlines";

/// The rules, and whether they are those that come with Milepost.
///
/// # Errors
/// When the caller may not, the store fails, or what it holds cannot be read.
pub async fn rules(context: &Context, caller: &Caller) -> Result<(Deadlines, bool)> {
    caller.require(Permission::See)?;
    let kept = context.store.people.setting(caller.scope(), RULES).await?;
    Ok((parsed(kept.as_deref())?, kept.is_none()))
}

/// The same for a job.
pub(super) async fn kept(context: &Context, scope: Scope) -> Result<Deadlines> {
    parsed(context.store.people.setting(scope, RULES).await?.as_deref())
}

fn parsed(kept: Option<&str>) -> Result<Deadlines> {
    let Some(kept) = kept else { return Ok(Deadlines::default()) };
    serde_json::from_str(kept).map_err(|error| UseCaseError::Internal(format!("the deadlines of claims: {error}")))
}

/// Puts rules in place of those that are there. They count for claims that are raised from then on; open ones keep their
/// deadline.
///
/// # Errors
/// When the caller may not, a rule cannot be used, or the store fails.
pub async fn put(context: &Context, caller: &Caller, rules: Deadlines) -> Result<()> {
    caller.require(Permission::Operate)?;
    let invalid =
        |error: domain::claims::UnusableRule| UseCaseError::Invalid { field: "rules", message: error.to_string() };
    let rules = rules.checked().map_err(invalid)?;
    let scope = caller.scope();
    let from = context.store.people.setting(scope, RULES).await?;
    let to = serde_json::to_string(&rules).expect("plain data serialises");
    let change = SettingChange { name: RULES.into(), from, to };
    settings::change(context, scope, change, ("claim.deadlines", "claims:deadlines".into())).await
}

/// Puts the rules of this text in place of those that are there.
///
/// # Errors
/// As [`put`]; when it is no list of rules.
pub async fn put_text(context: &Context, caller: &Caller, text: &str) -> Result<()> {
    caller.require(Permission::Operate)?;
    let rules = serde_json::from_str(text).map_err(|error| UseCaseError::Invalid {
        field: "rules",
        message: format!("This is no list of rules: {error}."),
    })?;
    put(context, caller, rules).await
}
