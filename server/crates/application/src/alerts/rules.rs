//! Which conditions are on, and from which number on they hold: as shipped, or as a person set it.

use crate::{
    caller::Caller,
    context::Context,
    error::{Result, UseCaseError},
    people::settings,
};
use domain::{access::Permission, alerts::AlertKind};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use storage::Scope;

/// Where they are kept.
const SETTING: &str = "alert_rules";
/// How often a kind fired is counted over so long.
const FIRED: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What a person set of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Set {
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    off: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    threshold: Option<u32>,
}

/// What is on, and from which number on it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rules(BTreeMap<String, Set>);

impl Rules {
    fn set(&self, kind: AlertKind) -> Set {
        self.0.get(kind.code()).copied().unwrap_or_default()
    }

    /// Whether alerts of this kind are made.
    pub fn is_on(&self, kind: AlertKind) -> bool {
        !self.set(kind).off
    }

    /// The number from which on a condition holds; 0 of a kind without one.
    pub fn threshold(&self, kind: AlertKind) -> u32 {
        let Some(shipped) = kind.shipped().threshold else { return 0 };
        self.set(kind).threshold.map_or(shipped.shipped, |set| set.clamp(shipped.least, shipped.most))
    }
}

/// One of them, as it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The kind.
    pub kind: AlertKind,
    /// Whether it is on.
    pub on: bool,
    /// The number from which on it holds; none where it has none.
    pub threshold: Option<u32>,
    /// How often it fired in the last 7 days.
    pub fired: u64,
}

/// What is to be set of a kind; what is none stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RuleChange {
    /// Whether it is on.
    pub on: Option<bool>,
    /// The number from which on it holds.
    pub threshold: Option<u32>,
}

/// What is set.
pub(super) async fn read(context: &Context, scope: Scope) -> Result<Rules> {
    Ok(settings::read(context, scope, SETTING).await?.unwrap_or_default())
}

/// Every rule.
///
/// # Errors
/// When the caller may not, or the store fails.
pub async fn rules(context: &Context, caller: &Caller) -> Result<Vec<Rule>> {
    caller.require(Permission::Operate)?;
    let rules = read(context, caller.scope()).await?;
    let since = context.now().checked_sub(FIRED).unwrap_or(Timestamp::MIN);
    let fired = context.store.alerts.fired(caller.scope(), since).await?;
    let rule = |kind: &AlertKind| Rule {
        kind: *kind,
        on: rules.is_on(*kind),
        threshold: kind.shipped().threshold.map(|_| rules.threshold(*kind)),
        fired: fired.iter().find(|(fired, _)| fired == kind).map_or(0, |(_, n)| *n),
    };
    Ok(AlertKind::ALL.iter().map(rule).collect())
}

/// Sets a rule.
///
/// # Errors
/// When the caller may not, the number is out of its limits, or somebody else set one meanwhile.
pub async fn set_rule(context: &Context, caller: &Caller, kind: AlertKind, change: RuleChange) -> Result<()> {
    caller.require(Permission::Operate)?;
    let invalid = |message| Err(UseCaseError::Invalid { field: "threshold", message });
    match (change.threshold, kind.shipped().threshold) {
        (Some(_), None) => return invalid(format!("{} has no number to set", kind.label())),
        (Some(set), Some(shipped)) if !(shipped.least..=shipped.most).contains(&set) => {
            return invalid(format!("the number must be from {} to {} {}", shipped.least, shipped.most, shipped.unit));
        }
        _ => {}
    }
    let audited = ("alert.rule", format!("alert_rule:{}", kind.code()));
    settings::amend(context, caller.scope(), SETTING, audited, |rules: &mut Rules| {
        let set = rules.0.entry(kind.code().to_owned()).or_default();
        set.off = change.on.map_or(set.off, |on| !on);
        set.threshold = change.threshold.or(set.threshold);
        Ok(())
    })
    .await
}
