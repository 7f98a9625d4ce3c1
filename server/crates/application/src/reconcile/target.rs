//! The share of shipments that should agree: a setting, which the page measures the last run against.

use crate::{
    caller::Caller,
    context::Context,
    error::{Result, UseCaseError},
    people::settings,
};
use domain::access::Permission;
use serde::{Deserialize, Serialize};
use storage::Scope;

/// The setting.
const NAME: &str = "reconcile.target";
/// All of it, in hundredths of a percent.
const WHOLE: u64 = 10_000;

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Target {
    /// In hundredths of a percent.
    basis_points: u64,
}

impl Default for Target {
    fn default() -> Self {
        Self { basis_points: 9_950 }
    }
}

/// The target, in hundredths of a percent.
///
/// # Errors
/// When the store fails.
pub async fn target(context: &Context, scope: Scope) -> Result<u64> {
    let target: Option<Target> = settings::read(context, scope, NAME).await?;
    Ok(target.unwrap_or_default().basis_points)
}

/// A person sets the target, in hundredths of a percent.
///
/// # Errors
/// When the caller may not, it is more than all, or the store fails.
pub async fn set_target(context: &Context, caller: &Caller, basis_points: u64) -> Result<()> {
    caller.require(Permission::Operate)?;
    if basis_points == 0 || basis_points > WHOLE {
        let message = "give a share above 0 and up to 100 percent, such as 99.5".into();
        return Err(UseCaseError::Invalid { field: "target", message });
    }
    let audited = ("reconciliation.target", "reconciliation:target".to_owned());
    settings::amend(context, caller.scope(), NAME, audited, |target: &mut Target| {
        target.basis_points = basis_points;
        Ok(())
    })
    .await?;
    context.notifier.changed();
    Ok(())
}
