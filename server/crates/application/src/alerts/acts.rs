//! What people do with alerts: acknowledge, take over, snooze, resolve. Each is in the audit trail.

use super::{
    change::{keep, over, quiet},
    reasons,
};
use crate::{
    audit,
    caller::Caller,
    context::Context,
    error::{Result, UseCaseError},
};
use domain::{
    access::Permission,
    ids::{AlertId, UserId},
};
use jiff::{SignedDuration, Timestamp};
use storage::alerts::{AlertChange, AlertEvent, AlertRecord, EventKind, Resolved};

/// The longest snooze.
const SNOOZE_MAX: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Until when an alert is snoozed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// For so long.
    For(SignedDuration),
    /// Until then.
    At(Timestamp),
}

async fn open_one(context: &Context, caller: &Caller, id: AlertId) -> Result<AlertRecord> {
    let found = context.store.alerts.one(caller.scope(), id).await?.ok_or(UseCaseError::NotFound("alert"))?;
    match found.resolved {
        None => Ok(found),
        Some(_) => Err(UseCaseError::Conflict("the alert is resolved already".into())),
    }
}

/// Keeps what a person did.
async fn act(context: &Context, caller: &Caller, change: AlertChange) -> Result<()> {
    match keep(context, caller.scope(), change).await? {
        true => Ok(()),
        false => Err(UseCaseError::Conflict("the alert changed meanwhile: look again".into())),
    }
}

fn done(
    context: &Context,
    caller: &Caller,
    (before, after): (&AlertRecord, AlertRecord),
    (what, detail): (EventKind, &str),
    audit: storage::AuditEntry,
) -> AlertChange {
    let now = context.now();
    let event = AlertEvent { at: now, what, by: caller.scope().actor, detail: detail.to_owned() };
    AlertChange { events: vec![event], audit: Some(audit), ..quiet(before.revision, after, now) }
}

/// A person has seen it and looks after it: it escalates no further. Who acknowledges an alert that has no owner owns it.
///
/// # Errors
/// When the caller may not, or there is no such open alert.
pub async fn acknowledge(context: &Context, caller: &Caller, id: AlertId) -> Result<()> {
    caller.require(Permission::Operate)?;
    let before = open_one(context, caller, id).await?;
    if before.standing.acknowledged_at.is_some() {
        return Ok(());
    }
    let mut after = before.clone();
    after.standing.acknowledged_at = Some(context.now());
    after.acknowledged_by = Some(caller.scope().actor);
    after.owner = after.owner.or(caller.user());
    let audit = context.audit("alert.acknowledge", format!("alert:{id}"));
    let mut change = done(context, caller, (&before, after), (EventKind::Acknowledged, ""), audit);
    // an escalation that waits for the end of quiet hours is not needed any more
    change.drops_waiting = before.standing.escalated > 0;
    act(context, caller, change).await
}

/// Acknowledges every alert that is neither acknowledged nor snoozed; how many. What opened or grew more severe after `seen`, when
/// the caller looked at them, is left: it goes on to escalate.
///
/// # Errors
/// When the caller may not, or the store fails. One that changed meanwhile is left.
pub async fn acknowledge_all(context: &Context, caller: &Caller, seen: Timestamp) -> Result<u64> {
    caller.require(Permission::Operate)?;
    let now = context.now();
    let mut number = 0;
    for open in context.store.alerts.open(caller.scope()).await? {
        let waits = open.standing.acknowledged_at.is_none() && open.standing.snoozed_until.is_none_or(|at| at <= now);
        if !waits || open.standing.raised_at > seen {
            continue;
        }
        match acknowledge(context, caller, open.id).await {
            Ok(()) => number += 1,
            Err(UseCaseError::Conflict(_) | UseCaseError::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(number)
}

/// A person takes an alert over, or gives it up.
///
/// # Errors
/// When the caller may not, or there is no such open alert.
pub async fn assign(context: &Context, caller: &Caller, id: AlertId, owner: Option<UserId>) -> Result<()> {
    caller.require(Permission::Operate)?;
    let before = open_one(context, caller, id).await?;
    if before.owner == owner {
        return Ok(());
    }
    let after = AlertRecord { owner, ..before.clone() };
    let audit = context.audit("alert.assign", format!("alert:{id}"));
    let detail = if owner.is_some() { "taken over" } else { "given up" };
    let change = done(context, caller, (&before, after), (EventKind::Assigned, detail), audit);
    act(context, caller, change).await
}

/// No notifications of an alert until then; it stays open, and comes back when it is still there.
///
/// # Errors
/// When the caller may not, there is no such open alert, or the time is over or too far away.
pub async fn snooze(context: &Context, caller: &Caller, id: AlertId, until: Until, why: Option<String>) -> Result<()> {
    caller.require(Permission::Operate)?;
    let why = audit::given(why)?;
    let before = open_one(context, caller, id).await?;
    let now = context.now();
    let until = match until {
        Until::For(span) => now.checked_add(span).unwrap_or(Timestamp::MAX),
        Until::At(at) => at,
    };
    if until <= now || until.duration_since(now) > SNOOZE_MAX {
        let message = format!("an alert is snoozed for {} days at most", SNOOZE_MAX.as_hours() / 24);
        return Err(UseCaseError::Invalid { field: "until", message });
    }
    let text = reasons::sealed(context, why.as_deref().unwrap_or_default());
    let mut after = before.clone();
    after.standing.snoozed_until = Some(until);
    after.snoozed = Some((caller.scope().actor, text.clone()));
    let audit = reasoned(context, caller, "alert.snooze", id, why).await?;
    let mut change = done(context, caller, (&before, after), (EventKind::Snoozed, &text), audit);
    change.drops_waiting = true;
    act(context, caller, change).await
}

/// A person ends an alert. Where its condition still holds, the next look opens another one.
///
/// # Errors
/// When the caller may not, or there is no such open alert.
pub async fn resolve(context: &Context, caller: &Caller, id: AlertId, why: Option<String>) -> Result<()> {
    caller.require(Permission::Operate)?;
    let why = audit::given(why)?;
    let before = open_one(context, caller, id).await?;
    let audit = reasoned(context, caller, "alert.resolve", id, why.clone()).await?;
    let why = reasons::sealed(context, why.as_deref().unwrap_or_default());
    let resolved = Resolved { at: context.now(), by: caller.scope().actor, why };
    match over(context, caller.scope(), before, resolved, Some(audit)).await? {
        true => Ok(()),
        false => Err(UseCaseError::Conflict("the alert changed meanwhile: look again".into())),
    }
}

async fn reasoned(
    context: &Context,
    caller: &Caller,
    action: &'static str,
    id: AlertId,
    why: Option<String>,
) -> Result<storage::AuditEntry> {
    let entry = context.audit(action, format!("alert:{id}"));
    Ok(match why {
        Some(why) => entry.why(Some(audit::reason(context, caller.scope(), &why).await?)),
        None => entry,
    })
}
