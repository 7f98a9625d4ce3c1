//! A look at every condition that is shipped, by the clock.

use super::{
    change::{self, Raised},
    conditions::{self, Looking},
    maintenance, rules,
};
use crate::{context::Context, error::Result};
use domain::alerts::AlertKind;
use jiff::SignedDuration;
use std::collections::BTreeSet;
use storage::Scope;

/// Findings of one kind that make alerts; more of them have one cause, which the first ones show.
const FINDINGS_MAX: usize = 50;

/// An alert by a rule is over when the rule raised it no more for so long: what it alerts of next is a new one, and teams are
/// notified again.
const RULE_ALERT_OVER: SignedDuration = SignedDuration::from_hours(2);

/// Looks at every condition that is on: alerts open, go on, escalate and resolve. A condition that cannot be looked at leaves its
/// alerts as they are and stops no other.
///
/// # Errors
/// When the alerts themselves cannot be read or kept.
pub async fn evaluate(context: &Context, scope: Scope) -> Result<()> {
    let rules = rules::read(context, scope).await?;
    let mut looked = BTreeSet::new();
    let mut found: Vec<Raised> = Vec::new();
    for condition in conditions::ALL {
        match (condition.look)(Looking { context, scope, rules: &rules }).await {
            Ok(findings) => {
                looked.extend(condition.kinds.iter().copied());
                found.extend(findings.into_iter().filter(|one| rules.is_on(one.kind)));
            }
            Err(error) => tracing::warn!(kinds = ?condition.kinds, "a condition cannot be looked at: {error}"),
        }
    }
    let maintained = maintenance::now(context, scope).await?;
    let is_quiet = |kind: AlertKind, subject: &str| kind.is_of_connection() && maintained.contains_key(subject);
    found.retain(|one| !is_quiet(one.kind, &one.subject));
    found = within_limit(found);
    let holds: BTreeSet<(AlertKind, String)> = found.iter().map(|one| (one.kind, one.subject.clone())).collect();
    for finding in found {
        let (kind, subject) = (finding.kind, finding.subject.clone());
        if let Err(error) = change::hold(context, scope, finding).await {
            tracing::warn!(kind = kind.code(), subject, "an alert cannot be raised: {error}");
        }
    }
    for open in context.store.alerts.open(scope).await? {
        if is_quiet(open.kind, &open.subject) {
            continue;
        }
        let is_clear = match looked.contains(&open.kind) {
            true => !holds.contains(&(open.kind, open.subject.clone())),
            // of what other areas raise only they know; once they cleared it, or it was switched off, time decides
            false => {
                let is_quiet = open.kind == AlertKind::RuleAlert
                    && context.now().duration_since(open.standing.seen_at) >= RULE_ALERT_OVER;
                let is_over = open.standing.clear_since.is_some() || !rules.is_on(open.kind) || is_quiet;
                is_over && !conditions::is_looked_at(open.kind)
            }
        };
        let done = match is_clear {
            true => change::cleared(context, scope, open).await.map(drop),
            false => change::waited(context, scope, open).await,
        };
        if let Err(error) = done {
            tracing::warn!("an alert does not go on, the next look tries again: {error}");
        }
    }
    Ok(())
}

fn within_limit(found: Vec<Raised>) -> Vec<Raised> {
    let mut kept: Vec<Raised> = Vec::new();
    for one in found {
        if kept.iter().filter(|other| other.kind == one.kind).count() < FINDINGS_MAX {
            kept.push(one);
        }
    }
    kept
}
