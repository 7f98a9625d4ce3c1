//! Keeps what the guard of this process counted, and that rules are stopped.

use super::act;
use crate::context::Context;
use domain::rule::RuleId;
use jiff::{SignedDuration, Timestamp};
use storage::{
    Result, Scope,
    rules::{Halt, RuleRecord},
};

/// For how long counts are kept.
const COUNTS_KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Keeps what was counted, and that rules are stopped. What a process that dies had counted in the last seconds is lost; what the
/// rules did is not.
///
/// # Errors
/// When the store fails; the next time tries again.
pub async fn flush(context: &Context) -> Result<()> {
    let (guard, scope, now) = (&context.rules.guard, context.scope(), context.now());
    for (rule, why) in guard.halted() {
        if halt(context, scope, &rule, why, now).await? {
            guard.renew(&rule);
            context.rules.forget();
        }
    }
    let Some((counts, firings)) = guard.take(now) else { return Ok(()) };
    let forget = now.checked_sub(COUNTS_KEPT).unwrap_or(now);
    let kept = context.store.rules.count(scope, counts.clone(), firings.clone(), forget).await;
    if kept.is_err() {
        guard.give_back(counts, firings);
    }
    kept
}

/// Keeps that a rule is stopped; whether it is by now.
async fn halt(context: &Context, scope: Scope, rule: &RuleId, why: String, now: Timestamp) -> Result<bool> {
    let store = &context.store.rules;
    let kept = store.rule(scope, rule).await?;
    if kept.as_ref().is_some_and(|kept| matches!(kept.halt, Some(Halt::Stopped { .. }))) {
        return Ok(true);
    }
    let record = kept.unwrap_or_else(|| RuleRecord {
        id: rule.clone(),
        owner: None,
        active: Some(0),
        halt: None,
        draft: None,
        created_at: now,
        updated_at: now,
        revision: 0,
    });
    tracing::warn!(%rule, "the rule is stopped: {why}");
    // before it is kept: a process that ends in between stops it again, and raises nothing twice
    act::alarm(context, scope, rule, &why).await;
    let record = RuleRecord { halt: Some(Halt::Stopped { why, at: now }), updated_at: now, ..record };
    let audit = context.audit("rule.stopped", format!("rule:{rule}"));
    store.save(scope, record, None, Some(audit)).await
}
