//! The playbook: the company's own next step for a reason, beside the shipped ones.

use crate::{
    caller::Caller,
    context::Context,
    error::{Result, UseCaseError},
    people::settings,
};
use domain::{
    ExceptionReason,
    access::Permission,
    exceptions::playbook::{Own, TEXT_CHARS_MAX, next_step},
};
use storage::Scope;

/// The setting that holds the company's texts.
const PLAYBOOK: &str = "exceptions.playbook";

/// A reason and its next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The reason.
    pub reason: ExceptionReason,
    /// What to do.
    pub text: String,
    /// Whether it is the company's own text.
    pub own: bool,
}

/// The company's texts.
///
/// # Errors
/// When the store fails, or what it holds cannot be read.
pub async fn own(context: &Context, scope: Scope) -> Result<Own> {
    Ok(settings::read(context, scope, PLAYBOOK).await?.unwrap_or_default())
}

/// Every reason with its next step.
///
/// # Errors
/// When the caller may not, or the store fails.
pub async fn list(context: &Context, caller: &Caller) -> Result<Vec<Step>> {
    caller.require(Permission::See)?;
    let own = own(context, caller.scope()).await?;
    let step = |reason: &ExceptionReason| Step {
        reason: *reason,
        text: next_step(&own, *reason).to_owned(),
        own: own.contains_key(reason),
    };
    Ok(ExceptionReason::ALL.iter().map(step).collect())
}

/// Sets the next step of a reason; an empty text is the shipped one again.
///
/// # Errors
/// When the caller may not, the text is too long, or the store fails.
pub async fn set(context: &Context, caller: &Caller, reason: ExceptionReason, text: &str) -> Result<()> {
    caller.require(Permission::Operate)?;
    let text = text.trim();
    if text.chars().count() > TEXT_CHARS_MAX || text.chars().any(|c| c.is_control() && c != '\n') {
        let message = format!("a next step has {TEXT_CHARS_MAX} characters at most and no control characters");
        return Err(UseCaseError::Invalid { field: "text", message });
    }
    let audited = ("playbook.set", format!("playbook:{}", reason.code()));
    settings::amend(context, caller.scope(), PLAYBOOK, audited, |own: &mut Own| {
        match text {
            "" => drop(own.remove(&reason)),
            text => drop(own.insert(reason, text.to_owned())),
        }
        Ok(())
    })
    .await
}
