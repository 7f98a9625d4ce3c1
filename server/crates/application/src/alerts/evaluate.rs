//! A look at every condition that is shipped, by the clock.

use super::{
    change::{self, Raised},
    conditions::{self, Looking},
    maintenance, rules,
};
use crate::{context::Context, error::Result};
use domain::alerts::AlertKind;
use jiff::SignedDuration;
use std::collections::{BTreeMap, BTreeSet};
use storage::Scope;

/// Alerts of one kind that findings open; more of them have one cause, which the first ones show. What has one goes on.
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
    let open = context.store.alerts.open(scope).await?;
    let is_open = |one: &Raised| open.iter().any(|open| open.kind == one.kind && open.subject == one.subject);
    let holds: BTreeSet<(AlertKind, String)> = found.iter().map(|one| (one.kind, one.subject.clone())).collect();
    for finding in within_limit(found, is_open) {
        let (kind, subject) = (finding.kind, finding.subject.clone());
        if let Err(error) = change::hold(context, scope, finding).await {
            tracing::warn!(kind = kind.code(), subject, "an alert cannot be raised: {error}");
        }
    }
    // those that were opened now are among them
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

/// The findings that have an open alert, and of the others as many of each kind as make it [`FINDINGS_MAX`].
fn within_limit(found: Vec<Raised>, is_open: impl Fn(&Raised) -> bool) -> Vec<Raised> {
    let (mut kept, new): (Vec<Raised>, Vec<Raised>) = found.into_iter().partition(is_open);
    let mut of_kind: BTreeMap<AlertKind, usize> = BTreeMap::new();
    for one in &kept {
        *of_kind.entry(one.kind).or_default() += 1;
    }
    for one in new {
        let count = of_kind.entry(one.kind).or_default();
        if *count < FINDINGS_MAX {
            *count += 1;
            kept.push(one);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(kind: AlertKind, subject: usize) -> Raised {
        Raised {
            kind,
            subject: subject.to_string(),
            severity: None,
            title: String::new(),
            detail: String::new(),
            count: change::Count::Total(1),
            unit: String::new(),
            link: String::new(),
            channels: Vec::new(),
        }
    }

    #[test]
    fn what_is_open_goes_on_whatever_its_place_and_new_ones_are_limited() {
        let codes = |n| finding(AlertKind::UnmappedCodes, n);
        for (findings, open, expected) in [
            (FINDINGS_MAX + 20, 0..0, (0..FINDINGS_MAX).collect::<Vec<_>>()),
            // the order of findings changes from look to look: the last ones are open here
            (
                FINDINGS_MAX + 20,
                FINDINGS_MAX..FINDINGS_MAX + 5,
                (FINDINGS_MAX..FINDINGS_MAX + 5).chain(0..FINDINGS_MAX - 5).collect(),
            ),
            (FINDINGS_MAX + 20, 0..FINDINGS_MAX + 10, (0..FINDINGS_MAX + 10).collect()),
        ] {
            let mut found: Vec<Raised> = (0..findings).map(codes).collect();
            found.push(finding(AlertKind::Backlog, 0));
            let is_open = |one: &Raised| {
                one.subject.parse().is_ok_and(|n: usize| open.contains(&n)) && one.kind == AlertKind::UnmappedCodes
            };
            let kept = within_limit(found, is_open);
            let of = |kind| {
                kept.iter()
                    .filter(|one| one.kind == kind)
                    .filter_map(|one| one.subject.parse().ok())
                    .collect::<Vec<usize>>()
            };
            assert_eq!(of(AlertKind::UnmappedCodes), expected, "{open:?}");
            assert_eq!(of(AlertKind::Backlog), [0], "another kind has its own");
        }
    }
}
