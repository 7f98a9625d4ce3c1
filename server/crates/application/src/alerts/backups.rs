//! When the database was last copied, and whether that failed: said by `milepost backup`, looked at by the clock.

use crate::{context::Context, error::Result};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use storage::Scope;

/// Where it is kept.
const SETTING: &str = "backup";

/// When the database was last copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backups {
    /// When a copy was last finished and checked; none: never.
    #[serde(default)]
    pub ok_at: Option<Timestamp>,
    /// When one last failed, since then.
    #[serde(default)]
    pub failed_at: Option<Timestamp>,
}

/// What is known of copies.
///
/// # Errors
/// When the store fails.
pub async fn last(context: &Context, scope: Scope) -> Result<Backups> {
    let kept = context.store.people.setting(scope, SETTING).await?;
    Ok(kept.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

/// A copy was finished and checked.
///
/// # Errors
/// When the store fails.
pub async fn finished(context: &Context, scope: Scope) -> Result<()> {
    keep(context, scope, Backups { ok_at: Some(context.now()), failed_at: None }).await
}

/// A copy failed.
///
/// # Errors
/// When the store fails.
pub async fn failed(context: &Context, scope: Scope) -> Result<()> {
    let last = last(context, scope).await?;
    keep(context, scope, Backups { failed_at: Some(context.now()), ..last }).await
}

async fn keep(context: &Context, scope: Scope, backups: Backups) -> Result<()> {
    let text = serde_json::to_string(&backups).map_err(|error| crate::UseCaseError::Internal(error.to_string()))?;
    Ok(context.store.people.put_setting(scope, SETTING, text).await?)
}
