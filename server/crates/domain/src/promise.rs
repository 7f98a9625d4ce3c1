//! Promises by rule: by when a shipment should arrive, from the day it left, where the order itself promises nothing.
//!
//! Counted in working days of the destination, to the end of the last one; public holidays and the company's own days are left
//! out. Whatever leaves on a day counts from that day, after the company's cut-off hour from the following one.

use crate::{
    calendar::CompanyCalendar,
    observation::Location,
    place::{country, zone},
};
use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// Rules at most.
pub const RULES_MAX: usize = 200;
/// Working days of a rule at most.
pub const DAYS_MAX: u32 = 90;
/// The word for all countries of the European Union in a rule.
pub const EU: &str = "EU";

const EU_COUNTRIES: &[&str] = &[
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV",
    "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
];
/// Whether a country is of the European Union.
pub fn is_eu(country: &str) -> bool {
    EU_COUNTRIES.iter().any(|code| country.eq_ignore_ascii_case(code))
}

/// A rule: what it is for, and the working days it gives. What is left open fits everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromiseRule {
    /// What people call it; unique.
    pub name: String,
    /// The carrier's family, as in the carrier directory: `dhl`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// A word of the shipping method: `express`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Country of destination, two letters, or [`EU`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Working days after the day of shipping.
    pub days: u32,
}

/// All rules, and whether they count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromiseRules {
    /// Whether anything is promised by rule.
    pub on: bool,
    /// The rules.
    pub rules: Vec<PromiseRule>,
}

/// The rules and the calendar that they count by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promises {
    /// The rules.
    pub rules: PromiseRules,
    /// The calendar.
    pub calendar: CompanyCalendar,
}

impl Promises {
    /// The promised date and its rule; none where the rules are off or none fits.
    pub fn promise(&self, shipped: &Shipped<'_>) -> Option<(Timestamp, &PromiseRule)> {
        self.rules.promise(shipped, &self.calendar)
    }
}

/// What left the house.
#[derive(Clone, Copy, Debug)]
pub struct Shipped<'a> {
    /// When.
    pub at: Timestamp,
    /// The carrier's family, where it is known.
    pub carrier: Option<&'a str>,
    /// The shipping method as the order system names it.
    pub service: Option<&'a str>,
    /// Whereto.
    pub place: &'a Location,
}

impl Default for PromiseRules {
    /// As shipped: cautious, and off.
    fn default() -> Self {
        let rule = |name: &str, service: Option<&str>, country: Option<&str>, days| PromiseRule {
            name: name.into(),
            carrier: None,
            service: service.map(str::to_owned),
            country: country.map(str::to_owned),
            days,
        };
        Self {
            on: false,
            rules: vec![
                rule("express", Some("express"), None, 3),
                rule("european-union", None, Some(EU), 5),
                rule("everything-else", None, None, 10),
            ],
        }
    }
}

impl PromiseRules {
    /// The promised date and its rule; none where the rules are off or none fits.
    pub fn promise(&self, shipped: &Shipped<'_>, calendar: &CompanyCalendar) -> Option<(Timestamp, &PromiseRule)> {
        let to = shipped.place.country.as_deref().and_then(country);
        let fitting = self.rules.iter().filter(|rule| self.on && rule.fits(shipped, to));
        let rule = fitting.max_by_key(|rule| (rule.precision(), std::cmp::Reverse(&rule.name)))?;
        let zone = zone(shipped.place).and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC);
        let left = calendar.own().hand_over_day(shipped.at);
        let end = calendar.of_place(to, zone).end_after_days(left, rule.days.min(DAYS_MAX));
        Some((end, rule))
    }
}

impl PromiseRule {
    fn fits(&self, shipped: &Shipped<'_>, to: Option<&str>) -> bool {
        let carrier = self.carrier.as_deref().is_none_or(|family| shipped.carrier == Some(family));
        let service = self.service.as_deref().is_none_or(|word| {
            shipped.service.is_some_and(|service| service.to_lowercase().contains(&word.to_lowercase()))
        });
        let country = self
            .country
            .as_deref()
            .is_none_or(|country| to.is_some_and(|to| to == country || (country == EU && EU_COUNTRIES.contains(&to))));
        carrier && service && country
    }

    /// The carrier goes before the service, the service before the country, a country before a group of them.
    fn precision(&self) -> (bool, bool, u8) {
        let country = self.country.as_deref().map_or(0, |country| if country == EU { 1 } else { 2 });
        (self.carrier.is_some(), self.service.is_some(), country)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(country: &str) -> Location {
        Location { country: Some(country.into()), ..Location::default() }
    }

    fn on(rules: Vec<PromiseRule>) -> PromiseRules {
        PromiseRules { on: true, rules }
    }

    #[test]
    fn working_days_are_those_of_the_destination_to_the_end_of_the_last_one() {
        // 5 March 2026 is a Thursday
        for (left, days, country, by) in [
            ("2026-03-05T09:00:00Z", 1, "DE", "2026-03-06T22:59:59Z"),
            ("2026-03-05T09:00:00Z", 2, "DE", "2026-03-09T22:59:59Z"),
            ("2026-03-06T09:00:00Z", 1, "DE", "2026-03-09T22:59:59Z"),
            ("2026-03-06T23:30:00Z", 1, "DE", "2026-03-10T22:59:59Z"), // Saturday in Berlin
            ("2026-03-07T09:00:00Z", 1, "DE", "2026-03-10T22:59:59Z"),
            ("2026-03-08T09:00:00Z", 1, "DE", "2026-03-10T22:59:59Z"),
            ("2026-03-05T09:00:00Z", 0, "DE", "2026-03-05T22:59:59Z"),
            ("2026-03-07T09:00:00Z", 0, "DE", "2026-03-09T22:59:59Z"),
            ("2026-03-27T09:00:00Z", 1, "DE", "2026-03-30T21:59:59Z"), // summer time begins
            ("2026-03-05T09:00:00Z", 1, "SA", "2026-03-08T20:59:59Z"), // Friday and Saturday are free
            ("2026-03-05T09:00:00Z", 5, "GB", "2026-03-12T23:59:59Z"),
            ("2026-04-02T09:00:00Z", 1, "DE", "2026-04-07T21:59:59Z"), // Good Friday to Easter Monday
            ("2026-04-02T09:00:00Z", 1, "US", "2026-04-03T23:59:59Z"),
            ("2026-03-05T14:59:00Z", 1, "US", "2026-03-06T23:59:59Z"),
            ("2026-03-05T15:01:00Z", 1, "DE", "2026-03-09T22:59:59Z"), // after the cut-off hour: from Friday
            ("2026-03-05T15:01:00Z", 1, "US", "2026-03-09T23:59:59Z"),
            ("2026-03-05T09:00:00Z", 5, "XX", "2026-03-12T23:59:59Z"), // nobody knows its zone
        ] {
            let rules = on(vec![PromiseRule { name: "all".into(), carrier: None, service: None, country: None, days }]);
            let place = to(country);
            let shipped = Shipped { at: left.parse().unwrap(), carrier: None, service: None, place: &place };
            let (promised, _) = rules.promise(&shipped, &CompanyCalendar::default()).unwrap();
            assert_eq!(promised.to_string(), by, "{left} and {days} to {country}");
        }
    }

    #[test]
    fn the_most_precise_rule_counts_and_rules_that_are_off_promise_nothing() {
        let rule = |name: &str, carrier: Option<&str>, service: Option<&str>, country: Option<&str>| PromiseRule {
            name: name.into(),
            carrier: carrier.map(str::to_owned),
            service: service.map(str::to_owned),
            country: country.map(str::to_owned),
            days: 1,
        };
        let rules = on(vec![
            rule("any", None, None, None),
            rule("eu", None, None, Some(EU)),
            rule("germany", None, None, Some("DE")),
            rule("express", None, Some("express"), None),
            rule("dhl", Some("dhl"), None, None),
        ]);
        let named = |rules: &PromiseRules, carrier, service, country: &str| {
            let place = to(country);
            let at = "2026-03-05T09:00:00Z".parse().unwrap();
            let shipped = Shipped { at, carrier, service, place: &place };
            rules.promise(&shipped, &CompanyCalendar::default()).map(|(_, rule)| rule.name.clone())
        };
        for (carrier, service, country, expected) in [
            (None, None, "US", "any"),
            (None, None, "FR", "eu"),
            (None, None, "Germany", "germany"),
            (Some("ups"), Some("UPS Express Saver"), "DE", "express"),
            (Some("dhl"), Some("DHL Express"), "DE", "dhl"),
        ] {
            assert_eq!(
                named(&rules, carrier, service, country).as_deref(),
                Some(expected),
                "{carrier:?} {service:?} {country}"
            );
        }
        assert_eq!(named(&PromiseRules { on: false, ..rules }, None, None, "DE"), None);
        assert_eq!(named(&PromiseRules::default(), None, None, "DE"), None, "off as shipped");
        let shipped = PromiseRules { on: true, ..PromiseRules::default() };
        assert_eq!(named(&shipped, None, Some("DHL Express"), "DE").as_deref(), Some("express"));
        assert_eq!(named(&shipped, None, None, "DE").as_deref(), Some("european-union"));
        assert_eq!(named(&shipped, None, None, "US").as_deref(), Some("everything-else"));
    }
}
