//! Exceptions: the queue that people read, and what they do. Settling one becomes a decision that the fold reads.

mod read;

pub use read::{CategoryCount, Queue, QueueEntry, Resolver, queue};

use crate::{
    audit,
    caller::Caller,
    context::Context,
    error::{Result, UseCaseError},
    keys::sealed_audit,
};
use domain::{access::Permission, ids::ExceptionId};
use jiff::{SignedDuration, Timestamp};
use storage::{
    jobs::{Cause, JobKind, Lane},
    work::{CaseRecord, CaseStatus, ExceptionAction},
};

/// A snoozed exception comes back after this time.
const SNOOZE: SignedDuration = SignedDuration::from_hours(24);

/// When an exception comes back that is snoozed now.
pub fn snoozed_until(now: Timestamp) -> Timestamp {
    now.checked_add(SNOOZE).unwrap_or(now)
}

/// A person acts; it is audited, and the shipment and the case follow.
///
/// # Errors
/// When the caller may not, the reason is too long, there is no such exception, or somebody else was faster.
pub async fn act(
    context: &Context,
    caller: &Caller,
    id: ExceptionId,
    action: ExceptionAction,
    why: Option<String>,
) -> Result<()> {
    caller.require(Permission::Act)?;
    let (scope, why) = (caller.scope(), audit::given(why)?);
    let Some(exception) = context.store.work.exception(scope, id).await? else {
        return Err(UseCaseError::NotFound("exception"));
    };
    let before = serde_json::json!({"owner": exception.owner, "acknowledged_at": exception.acknowledged_at, "snoozed_until": exception.snoozed_until, "closed": exception.closed.is_some()});
    let after = serde_json::to_value(&action).map_err(|e| UseCaseError::Internal(e.to_string()))?;
    let why = match why {
        Some(why) => Some(audit::reason_about(context, scope, exception.shipment, &why).await?),
        None => None,
    };
    let audit = context
        .audit(word(&action), format!("exception:{id}"))
        .before(sealed_audit(context, scope, &before).await?)
        .after(sealed_audit(context, scope, &after).await?)
        .why(why);
    let correlation = context.correlation();
    let settles = matches!(action, ExceptionAction::Resolve | ExceptionAction::Reopen);
    let fold = settles
        .then(|| context.job(JobKind::FOLD, exception.shipment, Cause::Live, correlation, Some(exception.shipment)));
    let jobs = fold.into_iter().collect();
    // the ticket that an agent resolved with the exception is reopened with it
    let case = match action {
        ExceptionAction::Reopen => context.store.work.case_context(scope, id).await?.and_then(|context| context.case),
        _ => None,
    };
    match case.filter(|case| case.status == CaseStatus::Resolved && case.closed_by.is_some()) {
        Some(case) => {
            let case = CaseRecord { closed_by: None, ..case };
            context.store.work.move_case(scope, case, Some(action), audit, jobs).await?;
        }
        None => context.store.work.act(scope, id, action, audit, jobs).await?,
    }
    context.notifier.work(Lane::RealTime);
    Ok(())
}

fn word(action: &ExceptionAction) -> &'static str {
    match action {
        ExceptionAction::Acknowledge => "exception.acknowledge",
        ExceptionAction::Assign { .. } => "exception.assign",
        ExceptionAction::Snooze { .. } => "exception.snooze",
        ExceptionAction::Resolve => "exception.resolve",
        ExceptionAction::Reopen => "exception.reopen",
    }
}
