//! Settings that people change: the value that was and the new one are in the audit trail.

use crate::{
    context::Context,
    error::{Result, UseCaseError},
    keys::sealed_audit,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::borrow::Cow;
use storage::{Scope, people::SettingChange};

/// Changes a setting, with its line in the audit trail.
///
/// # Errors
/// `Conflict` where somebody else changed it meanwhile; when the store fails.
pub(crate) async fn change(
    context: &Context,
    scope: Scope,
    change: SettingChange,
    (action, subject): (&'static str, String),
) -> Result<()> {
    let structured = |text: &str| serde_json::from_str(text).ok().filter(Value::is_object);
    let shown = |text: &str| structured(text).unwrap_or_else(|| Value::String(text.to_owned()));
    let audit = context.audit(action, subject);
    let audit = audit.after(sealed_audit(context, scope, &shown(&change.to)).await?);
    let audit = match &change.from {
        Some(from) => audit.before(sealed_audit(context, scope, &shown(from)).await?),
        None => audit,
    };
    Ok(context.store.people.change_setting(scope, change, audit).await?)
}

/// Changes a setting that holds a sealed secret: the audit trail has whether there was one and is one, no secret, sealed or not.
///
/// # Errors
/// `Conflict` where another changed it meanwhile; when the store fails.
pub(crate) async fn change_secret(
    context: &Context,
    scope: Scope,
    change: SettingChange,
    (action, subject): (&'static str, String),
) -> Result<()> {
    let shown = |kept: &str| serde_json::json!({ "given": !kept.is_empty() });
    let before = sealed_audit(context, scope, &shown(change.from.as_deref().unwrap_or_default())).await?;
    let after = sealed_audit(context, scope, &shown(&change.to)).await?;
    let audit = context.audit(action, subject).before(before).after(after);
    Ok(context.store.people.change_setting(scope, change, audit).await?)
}

/// How often a change begins again because another change was faster.
const CHANGES_MAX: usize = 10;

/// What a setting holds as JSON; none where it was never set.
///
/// # Errors
/// When the store fails, or what it holds cannot be read.
pub(crate) async fn read<T: DeserializeOwned>(context: &Context, scope: Scope, name: &str) -> Result<Option<T>> {
    parsed(name, context.store.people.setting(scope, name).await?.as_deref())
}

fn parsed<T: DeserializeOwned>(name: &str, kept: Option<&str>) -> Result<Option<T>> {
    let parse =
        |kept| serde_json::from_str(kept).map_err(|e| UseCaseError::Internal(format!("the setting {name}: {e}")));
    kept.map(parse).transpose()
}

/// Changes what a setting holds as JSON, with its line in the audit trail; where it was changed meanwhile, the same
/// again on what it holds now.
///
/// # Errors
/// When `make` refuses, others are faster each time, or the store fails.
pub(crate) async fn amend<T: DeserializeOwned + Serialize + Default>(
    context: &Context,
    scope: Scope,
    name: impl Into<Cow<'static, str>>,
    (action, subject): (&'static str, String),
    make: impl Fn(&mut T) -> Result<()>,
) -> Result<()> {
    let name = name.into();
    for _ in 0..CHANGES_MAX {
        let from = context.store.people.setting(scope, &name).await?;
        let mut value: T = parsed(&name, from.as_deref())?.unwrap_or_default();
        make(&mut value)?;
        let to = serde_json::to_string(&value).expect("plain data serialises");
        match change(context, scope, SettingChange { name: name.clone(), from, to }, (action, subject.clone())).await {
            Err(UseCaseError::Conflict(_)) => {}
            other => return other,
        }
    }
    Err(UseCaseError::Conflict(format!("the setting {name} was changed by another at the same time: try again")))
}
