//! Shipments: many held at one place, and how far the systems agree.

use super::{Condition, Looking};
use crate::{
    alerts::{Count, Raised},
    error::Result,
    reconcile,
};
use domain::{Severity, alerts::AlertKind, visible::visible_line};
use futures::FutureExt as _;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use storage::reconciliations::Share;

/// Runs of the last days decide.
const RUNS_SINCE: SignedDuration = SignedDuration::from_hours(2 * 24);
/// Twice as many as the threshold are critical.
const CRITICAL_TIMES: u64 = 2;

pub(super) const HELD: Condition = Condition { kinds: &[AlertKind::HeldAtHub], look: |looking| held(looking).boxed() };

pub(super) const AGREEMENT: Condition =
    Condition { kinds: &[AlertKind::AgreementLow], look: |looking| agreement(looking).boxed() };

async fn held(looking: Looking<'_>) -> Result<Vec<Raised>> {
    let least = u64::from(looking.rules.threshold(AlertKind::HeldAtHub)).max(2);
    let mut places = BTreeMap::<String, u64>::new();
    for (_, last) in looking.context.store.alerts.held(looking.scope).await? {
        // a place in free text may be a person's
        if let Some(place) = last.filter(|last| last.place_in_parts).and_then(|last| last.place) {
            *places.entry(visible_line(&place).into_owned()).or_default() += 1;
        }
    }
    let many = places.into_iter().filter(|(_, number)| *number >= least);
    Ok(many.map(|(place, number)| at(place, number, least)).collect())
}

fn at(place: String, number: u64, least: u64) -> Raised {
    let severity = if number >= least * CRITICAL_TIMES { Severity::Critical } else { Severity::Major };
    Raised {
        kind: AlertKind::HeldAtHub,
        severity: Some(severity),
        title: format!("Shipments held at {place}"),
        detail: "Each has an open exception of the category hold; the last event of each is from there".into(),
        count: Count::Total(number),
        unit: "shipments".into(),
        link: "/exceptions?category=HOLD".into(),
        channels: Vec::new(),
        subject: place,
    }
}

async fn agreement(looking: Looking<'_>) -> Result<Vec<Raised>> {
    let Looking { context, scope, rules } = looking;
    let since = context.now().checked_sub(RUNS_SINCE).unwrap_or(Timestamp::MIN);
    let runs = context.store.reconciliations.history(scope, since).await?;
    let least = usize::try_from(rules.threshold(AlertKind::AgreementLow)).unwrap_or(usize::MAX).max(1);
    let target = reconcile::target(context, scope).await?;
    Ok(below(&runs, target, least).into_iter().collect())
}

/// The share of shipments that agree, in hundredths of a percent.
fn share(run: &Share) -> u64 {
    (run.compared.saturating_sub(run.differing) * 10_000).checked_div(run.compared).unwrap_or(10_000)
}

fn below(runs: &[Share], target: u64, least: usize) -> Option<Raised> {
    let low = runs.iter().rev().take_while(|run| share(run) < target).count();
    let last = runs.last().filter(|_| low >= least)?;
    let percent = |points: u64| format!("{}.{:02} %", points / 100, points % 100);
    Some(Raised {
        kind: AlertKind::AgreementLow,
        subject: "agreement".into(),
        severity: None,
        title: "Agreement below target".into(),
        detail: format!("{}, target {}, {low} runs in a row", percent(share(last)), percent(target)),
        count: Count::Total(last.differing),
        unit: "shipments".into(),
        link: "/reconciliation".into(),
        channels: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agreement_is_low_after_some_runs_in_a_row() {
        let run = |differing| Share { at: Timestamp::UNIX_EPOCH, compared: 1_000, differing };
        assert!(below(&[], 9_950, 2).is_none());
        assert!(below(&[run(100)], 9_950, 2).is_none(), "one run may be a burst");
        assert!(below(&[run(100), run(0)], 9_950, 2).is_none());
        let low = below(&[run(0), run(100), run(73)], 9_950, 2).unwrap();
        assert_eq!(low.detail, "92.70 %, target 99.50 %, 2 runs in a row");
        let none = Share { compared: 0, ..run(0) };
        assert!(below(&[none, none], 9_950, 2).is_none(), "nothing was compared");
    }

    #[test]
    fn twice_as_many_held_are_critical() {
        assert_eq!(at("Leipzig, DE".into(), 19, 10).severity, Some(Severity::Major));
        assert_eq!(at("Leipzig, DE".into(), 20, 10).severity, Some(Severity::Critical));
    }
}
