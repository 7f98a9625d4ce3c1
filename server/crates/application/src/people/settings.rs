//! Settings that people change: the value that was and the new one are in the audit trail.

use crate::{context::Context, error::Result, keys::sealed_audit};
use serde_json::Value;
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
