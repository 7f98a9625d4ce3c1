//! Exceptions: the queue that people read, and what they do. Settling one becomes a decision that the fold reads.

pub mod calendar;
mod history;
pub mod kept_calendar;
pub mod playbook;
mod read;
pub mod teams;
pub mod watch;

pub use history::{Happened, HistoryLine, OneException, one};
pub use read::{CategoryCount, Queue, QueueEntry, Resolver, queue};

use crate::{
    audit,
    caller::Caller,
    context::Context,
    error::{Result, UseCaseError},
    keys::sealed_audit,
};
use domain::{
    access::{Permission, Permissions},
    ids::ExceptionId,
};
use jiff::SignedDuration;
use storage::{
    jobs::{Cause, JobKind, Lane},
    people::UserRecord,
    work::{CaseRecord, CaseStatus, ExceptionAction, TicketFacts},
};

/// A snoozed exception comes back after this time at the latest.
const SNOOZED_MAX: SignedDuration = SignedDuration::from_hours(90 * 24);

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
    check(context, caller, &action).await?;
    let before = serde_json::json!({"owner": exception.owner, "acknowledged_at": exception.acknowledged_at, "team": exception.team, "snoozed_until": exception.snoozed_until, "closed": exception.closed.is_some()});
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
    match case.filter(|case| case.status == CaseStatus::Resolved && case.is_left_closed()) {
        Some(case) => {
            let ticket = TicketFacts { closed_by_rule: None, ..case.ticket };
            let case = CaseRecord { closed_by: None, ticket, ..case };
            context.store.work.move_case(scope, case, Some(action), audit, jobs).await?;
        }
        None => context.store.work.act(scope, id, action, audit, jobs).await?,
    }
    context.notifier.work(Lane::RealTime);
    Ok(())
}

/// Snoozing has an end, a team must be one, and who looks after it must be a user who may.
async fn check(context: &Context, caller: &Caller, action: &ExceptionAction) -> Result<()> {
    match action {
        ExceptionAction::Snooze { until } => {
            let days = until.duration_since(context.now());
            if days <= SignedDuration::ZERO || days > SNOOZED_MAX {
                let message = "snooze until a time between now and in 90 days".into();
                return Err(UseCaseError::Invalid { field: "until", message });
            }
        }
        ExceptionAction::Assign { owner: Some(owner) } if Some(*owner) != caller.user() => {
            let owner = context.store.people.user(*owner).await?;
            let may = |user: &UserRecord| {
                user.company == caller.scope().company
                    && user.enabled
                    && Permissions::of_roles(&user.roles).contains(Permission::Act)
            };
            if !owner.as_ref().is_some_and(may) {
                let message = "There is no such person, or they may not work on exceptions.".to_owned();
                return Err(UseCaseError::Invalid { field: "owner", message });
            }
        }
        ExceptionAction::Team { team: Some(team) }
            if !teams::all(context, caller.scope()).await?.contains_key(team) =>
        {
            let message = format!("There is no team {team}: choose one of those that there are.");
            return Err(UseCaseError::Invalid { field: "team", message });
        }
        _ => {}
    }
    Ok(())
}

fn word(action: &ExceptionAction) -> &'static str {
    match action {
        ExceptionAction::Acknowledge => "exception.acknowledge",
        ExceptionAction::Assign { .. } => "exception.assign",
        ExceptionAction::Team { .. } => "exception.team",
        ExceptionAction::Snooze { .. } => "exception.snooze",
        ExceptionAction::Unsnooze => "exception.unsnooze",
        ExceptionAction::Resolve => "exception.resolve",
        ExceptionAction::Reopen => "exception.reopen",
    }
}
