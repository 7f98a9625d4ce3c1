//! Until when a carrier takes a claim: rules by carrier and reason, each with the text that it is taken from.
//!
//! The rules that come with Milepost follow published terms and laws as of 2026. A contract with the carrier goes before them.

use super::ClaimReason;
use crate::carriers;
use jiff::{ToSpan, civil::Date};
use serde::{Deserialize, Serialize};

/// Days of a rule at most: two years.
pub const DAYS_MAX: u32 = 731;
/// Rules at most.
pub const RULES_MAX: usize = 200;
/// Characters of a source at most.
const SOURCE_CHARS_MAX: usize = 300;

/// What the days are counted from. Where that day is not known, from the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum From {
    /// The day of the delivery.
    Delivery,
    /// The day on which the carrier took the shipment over.
    Shipping,
    /// The day for which delivery was promised.
    Promise,
    /// The day of the event that the claim is about.
    Event,
}

impl From {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Delivery, Self::Shipping, Self::Promise, Self::Event];

    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Delivery => "delivery",
            Self::Shipping => "shipping",
            Self::Promise => "promise",
            Self::Event => "event",
        }
    }

    /// What a person reads behind a number of days.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Delivery => "after delivery",
            Self::Shipping => "after shipping",
            Self::Promise => "after the promised date",
            Self::Event => "after the event",
        }
    }
}

/// A rule: how many days a carrier gives for what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeadlineRule {
    /// The brand or family, as in the carrier directory: `dhl_express`; none: every carrier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// The reasons; none: every reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<ClaimReason>,
    /// From which day on.
    pub from: From,
    /// How many days.
    pub days: u32,
    /// Within how many days the carrier usually answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_days: Option<u32>,
    /// The text that says so.
    pub source: String,
    /// Whether the source is general terms or a law, so that the contract should be checked.
    #[serde(default)]
    pub check_contract: bool,
}

impl DeadlineRule {
    /// The rule in words: `30 days after shipping`.
    pub fn words(&self) -> String {
        let days = if self.days == 1 { "day" } else { "days" };
        format!("{} {days} {}", self.days, self.from.label())
    }

    /// The last day on which a claim can be filed.
    pub fn last_day(&self, moments: Moments) -> Date {
        let from = match self.from {
            From::Delivery => moments.delivered,
            From::Shipping => moments.shipped,
            From::Promise => moments.promised,
            From::Event => None,
        };
        from.unwrap_or(moments.event).saturating_add(i64::from(self.days).days())
    }
}

/// The days that rules count from, each as the calendar showed it where it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moments {
    /// When the carrier took it over.
    pub shipped: Option<Date>,
    /// When it was delivered.
    pub delivered: Option<Date>,
    /// For when delivery was promised.
    pub promised: Option<Date>,
    /// When the event happened that the claim is about.
    pub event: Date,
}

/// Why a rule cannot be used: which field, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnusableRule {
    /// An unknown carrier.
    #[error("rule {0}: the carrier directory has no {1}: write e.g. dhl_express, ups, gls")]
    Carrier(usize, String),
    /// Too few days, or too many.
    #[error("rule {0}: a rule gives 1 to {DAYS_MAX} days")]
    Days(usize),
    /// No source.
    #[error("rule {0}: name the source of the rule in 1 to {SOURCE_CHARS_MAX} characters")]
    Source(usize),
    /// Too many rules.
    #[error("there are more than {RULES_MAX} rules")]
    TooMany,
}

/// All rules. The most precise one counts: first by carrier (brand, then family, then all), then by reason; of equals the first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Deadlines(pub Vec<DeadlineRule>);

impl Default for Deadlines {
    /// As they come with Milepost.
    fn default() -> Self {
        serde_json::from_str(include_str!("deadlines.json")).expect("the rules that come with it are JSON")
    }
}

impl Deadlines {
    /// The rule for a claim against this carrier.
    pub fn rule(&self, brand: Option<&str>, family: Option<&str>, reason: ClaimReason) -> Option<&DeadlineRule> {
        let precision = |rule: &DeadlineRule| {
            let carrier = match rule.carrier.as_deref() {
                None => 0,
                Some(carrier) if Some(carrier) == brand => 2,
                Some(carrier) if Some(carrier) == family => 1,
                Some(_) => return None,
            };
            let is_for = rule.reasons.is_empty() || rule.reasons.contains(&reason);
            is_for.then_some((carrier, !rule.reasons.is_empty()))
        };
        let rated = self.0.iter().rev().filter_map(|rule| Some((precision(rule)?, rule)));
        // of equals the last of the reversed list: the first
        rated.max_by_key(|(precision, _)| *precision).map(|(_, rule)| rule)
    }

    /// The rules with their carriers as the directory writes them.
    ///
    /// # Errors
    /// When a rule cannot be used.
    pub fn checked(self) -> Result<Self, UnusableRule> {
        if self.0.len() > RULES_MAX {
            return Err(UnusableRule::TooMany);
        }
        let checked = (1..).zip(self.0).map(|(place, rule)| checked(place, rule));
        checked.collect::<Result<_, _>>().map(Self)
    }
}

fn checked(place: usize, rule: DeadlineRule) -> Result<DeadlineRule, UnusableRule> {
    let carrier = match rule.carrier.as_deref().map(str::trim).filter(|word| !word.is_empty()) {
        None => None,
        Some(word) => match carriers::known("odoo", word) {
            Some(entry) => Some(entry.code.clone()),
            None => return Err(UnusableRule::Carrier(place, word.chars().take(40).collect())),
        },
    };
    if !(1..=DAYS_MAX).contains(&rule.days) || rule.answer_days.is_some_and(|days| !(1..=DAYS_MAX).contains(&days)) {
        return Err(UnusableRule::Days(place));
    }
    let source = rule.source.trim().to_owned();
    if !(1..=SOURCE_CHARS_MAX).contains(&source.chars().count()) {
        return Err(UnusableRule::Source(place));
    }
    Ok(DeadlineRule { carrier, source, ..rule })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    const fn moments(event: Date) -> Moments {
        Moments { shipped: None, delivered: None, promised: None, event }
    }

    #[test]
    fn the_rules_that_come_with_it_can_be_used_and_cover_every_carrier() {
        let rules = Deadlines::default();
        assert_eq!(rules.clone().checked().as_ref(), Ok(&rules), "carriers are written as in the directory");
        for carrier in ["ups", "fedex", "dhl_express", "dhl_parcel_de", "dpd", "gls", "usps", "deutsche_post"] {
            for reason in ClaimReason::ALL {
                let rule = rules.rule(Some(carrier), None, *reason).unwrap();
                assert_eq!(rule.carrier.as_deref(), Some(carrier), "{carrier} {reason:?}");
            }
        }
        for reason in ClaimReason::ALL {
            let rule = rules.rule(Some("nowhere"), Some("nowhere"), *reason).unwrap();
            assert!(rule.carrier.is_none() && rule.check_contract, "{reason:?}: only general");
        }
    }

    #[test]
    fn the_last_day_is_counted_from_what_the_rule_names_else_from_the_event() {
        let known = Moments {
            shipped: Some(day("2026-10-20")),
            delivered: Some(day("2026-10-24")),
            promised: Some(day("2026-10-22")),
            event: day("2026-10-25"),
        };
        let rule = |from| DeadlineRule {
            carrier: None,
            reasons: Vec::new(),
            from,
            days: 7,
            answer_days: None,
            source: "x".into(),
            check_contract: false,
        };
        for (from, last) in [
            (From::Delivery, "2026-10-31"),
            (From::Shipping, "2026-10-27"),
            (From::Promise, "2026-10-29"),
            (From::Event, "2026-11-01"),
        ] {
            assert_eq!(rule(from).last_day(known), day(last), "{from:?}");
            assert_eq!(rule(from).last_day(moments(day("2028-02-25"))), day("2028-03-03"), "a leap year, {from:?}");
        }
        assert_eq!(rule(From::Delivery).words(), "7 days after delivery");
        assert_eq!(DeadlineRule { days: 1, ..rule(From::Event) }.words(), "1 day after the event");
    }

    #[test]
    fn the_most_precise_rule_counts() {
        let rule = |carrier: Option<&str>, reasons: &[ClaimReason], days| DeadlineRule {
            carrier: carrier.map(str::to_owned),
            reasons: reasons.to_vec(),
            from: From::Event,
            days,
            answer_days: None,
            source: "x".into(),
            check_contract: false,
        };
        let lost = [ClaimReason::Lost];
        let rules = Deadlines(vec![
            rule(None, &[], 1),
            rule(None, &lost, 2),
            rule(Some("dhl"), &[], 3),
            rule(Some("dhl"), &lost, 4),
            rule(Some("dhl_express"), &[], 5),
            rule(Some("dhl_express"), &[], 6),
        ]);
        for (brand, family, reason, days) in [
            (None, None, ClaimReason::Damaged, 1),
            (None, None, ClaimReason::Lost, 2),
            (Some("dhl_parcel_de"), Some("dhl"), ClaimReason::Damaged, 3),
            (Some("dhl_parcel_de"), Some("dhl"), ClaimReason::Lost, 4),
            (Some("dhl_express"), Some("dhl"), ClaimReason::Lost, 5),
            (Some("ups"), Some("ups"), ClaimReason::Lost, 2),
        ] {
            assert_eq!(rules.rule(brand, family, reason).unwrap().days, days, "{brand:?} {family:?} {reason:?}");
        }
        assert_eq!(Deadlines(Vec::new()).rule(None, None, ClaimReason::Lost), None);
    }

    #[test]
    fn a_rule_that_cannot_be_used_says_why() {
        let good = Deadlines::default().0.remove(0);
        let check = |rule: DeadlineRule| Deadlines(vec![rule]).checked().map(|rules| rules.0[0].carrier.clone());
        let named = |carrier: &str| DeadlineRule { carrier: Some(carrier.into()), ..good.clone() };
        assert_eq!(check(named("DHL Paket")), Ok(Some("dhl_parcel_de".into())));
        assert_eq!(check(named(" ")), Ok(None));
        assert_eq!(check(named("pigeon post")), Err(UnusableRule::Carrier(1, "pigeon post".into())));
        for days in [0, DAYS_MAX + 1] {
            assert_eq!(check(DeadlineRule { days, ..good.clone() }), Err(UnusableRule::Days(1)));
        }
        assert_eq!(check(DeadlineRule { source: " ".into(), ..good.clone() }), Err(UnusableRule::Source(1)));
        assert_eq!(Deadlines(vec![good; RULES_MAX + 1]).checked(), Err(UnusableRule::TooMany));
    }
}
