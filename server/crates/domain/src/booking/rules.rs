//! Which deliveries are booked where, and which of the offers is taken; which numbers are registered for tracking.

use crate::{
    money::Money,
    place::country,
    promise::{EU, is_eu},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Rules at most.
pub const RULES_MAX: usize = 200;

/// A rule: the first that fits decides. What is left open fits everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BookingRule {
    /// What people call it; unique.
    pub name: String,
    /// A word of the shipping method in Odoo: `express`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The warehouse's short name: `WH`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warehouse: Option<String>,
    /// Countries of destination, two letters each, or `EU`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub countries: Vec<String>,
    /// From this weight on, in grams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_g: Option<u32>,
    /// Below this weight, in grams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below_g: Option<u32>,
    /// What is done.
    pub action: Action,
    /// When it was switched on, or last changed: what was ready before is not booked by it. None of rules of before that was kept, which
    /// book whatever is ready. It is set by the system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

/// What a rule does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Book a label.
    Book {
        /// The connection.
        connection: String,
        /// Which offer.
        #[serde(default)]
        choice: Choice,
        /// The label's form: pdf, png, zpl.
        #[serde(default = "pdf")]
        format: String,
        /// When.
        #[serde(default)]
        when: When,
        /// Length, width and height of parcels whose package type has none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        size_mm: Option<[u32; 3]>,
    },
    /// Register the number that the delivery has, for tracking.
    Register {
        /// The connection.
        connection: String,
    },
    /// Neither.
    Nothing,
}

fn pdf() -> String {
    "pdf".to_owned()
}

/// When a delivery is booked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// As soon as its goods are reserved.
    #[default]
    Ready,
    /// Once it is validated.
    Done,
}

/// Which of the offers is taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Choice {
    /// Only of this carrier, as the platform calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// Only of this carrier account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Only this service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Only with at most so many days to delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<u16>,
    /// The fastest instead of the cheapest.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub fastest: bool,
}

/// Why a rule does not fit a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// It books, and the delivery has a tracking number.
    Numbered,
    /// It registers, and the delivery has no tracking number.
    NotNumbered,
    /// Another shipping method, or none.
    Method,
    /// Another warehouse, or none.
    Warehouse,
    /// Another country of destination, or none.
    Country,
    /// Less weight, or none is known.
    TooLight,
    /// More weight, or none is known.
    TooHeavy,
    /// It was ready before the rule was switched on.
    Earlier,
}

impl Misfit {
    /// What a person reads.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Numbered => "the delivery has a tracking number already",
            Self::NotNumbered => "the delivery has no tracking number",
            Self::Method => "another shipping method",
            Self::Warehouse => "another warehouse",
            Self::Country => "another country of destination",
            Self::TooLight => "it weighs less, or its weight is not known",
            Self::TooHeavy => "it weighs more, or its weight is not known",
            Self::Earlier => "it was ready before the rule was switched on: book it by hand if it needs a label",
        }
    }
}

/// What of a delivery rules look at.
#[derive(Clone, Copy, Debug)]
pub struct Parcels<'a> {
    /// The shipping method.
    pub method: Option<&'a str>,
    /// The warehouse's short name.
    pub warehouse: Option<&'a str>,
    /// The country of destination, two letters.
    pub country: Option<&'a str>,
    /// The weight of all of it, in grams; none where it is not known.
    pub weight_g: Option<u32>,
    /// Whether it has a tracking number already.
    pub has_number: bool,
    /// When its goods were reserved; none where they are not, or it is not known.
    pub ready_at: Option<Timestamp>,
    /// When it was validated.
    pub done_at: Option<Timestamp>,
}

/// An offer.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    /// The carrier, as the platform calls it.
    pub carrier: &'a str,
    /// The carrier account.
    pub account: Option<&'a str>,
    /// The service.
    pub service: &'a str,
    /// What it costs.
    pub price: Money,
    /// Days to delivery.
    pub days: Option<u16>,
}

impl BookingRule {
    /// Whether it fits a delivery: what has a number is only registered, what has none only booked.
    pub fn fits(&self, parcels: &Parcels<'_>) -> bool {
        self.misfits(parcels).is_empty()
    }

    /// Why it does not fit a delivery; nothing where it fits.
    pub fn misfits(&self, parcels: &Parcels<'_>) -> Vec<Misfit> {
        let is = |wanted: &Option<String>, have: Option<&str>, same: fn(&str, &str) -> bool| {
            wanted
                .as_deref()
                .is_none_or(|wanted| have.is_some_and(|have| same(&wanted.to_lowercase(), &have.to_lowercase())))
        };
        let here = |wanted: &String| {
            parcels.country.is_some_and(|have| match wanted.eq_ignore_ascii_case(EU) {
                true => is_eu(have),
                false => country(wanted).is_some_and(|wanted| country(have) == Some(wanted)),
            })
        };
        let weighs = |with: fn(u32, u32) -> bool, bound: Option<u32>| {
            bound.is_none_or(|bound| parcels.weight_g.is_some_and(|weight| with(weight, bound)))
        };
        let came = match &self.action {
            Action::Book { when: When::Ready, .. } => parcels.ready_at,
            Action::Book { when: When::Done, .. } => parcels.done_at,
            Action::Register { .. } | Action::Nothing => None,
        };
        let fits = [
            (Misfit::Numbered, !(matches!(self.action, Action::Book { .. }) && parcels.has_number)),
            (Misfit::NotNumbered, !matches!(self.action, Action::Register { .. }) || parcels.has_number),
            (Misfit::Method, is(&self.method, parcels.method, |wanted, have| have.contains(wanted))),
            (Misfit::Warehouse, is(&self.warehouse, parcels.warehouse, |wanted, have| have == wanted)),
            (Misfit::Country, self.countries.is_empty() || self.countries.iter().any(here)),
            (Misfit::TooLight, weighs(|weight, from| weight >= from, self.from_g)),
            (Misfit::TooHeavy, weighs(|weight, below| weight < below, self.below_g)),
            // Odoo's moments are whole seconds: what came later in the second of the rule reads as if it came before it
            (Misfit::Earlier, self.since.zip(came).is_none_or(|(since, came)| came.as_second() >= since.as_second())),
        ];
        fits.into_iter().filter(|(_, fits)| !fits).map(|(why, _)| why).collect()
    }
}

/// The first rule that is for a delivery; none where there is none, or that one came too late: what it is for no rule below it decides.
pub fn matching<'a>(rules: &'a [BookingRule], parcels: &Parcels<'_>) -> Option<&'a BookingRule> {
    let covers = |rule: &&BookingRule| is_covered(&rule.misfits(parcels));
    rules.iter().find(covers).filter(|rule| rule.fits(parcels))
}

/// Whether a rule with these misfits is for the delivery, in time or not.
pub fn is_covered(misfits: &[Misfit]) -> bool {
    misfits.iter().all(|misfit| *misfit == Misfit::Earlier)
}

/// The offer that is taken, by its place; none where none fits. Prices in different currencies are not compared: those in the
/// currency of the first that fits are.
pub fn choose(choice: &Choice, offers: &[Offer<'_>]) -> Option<usize> {
    let same = |wanted: &Option<String>, have: Option<&str>| {
        wanted.as_deref().is_none_or(|wanted| have.is_some_and(|have| have.eq_ignore_ascii_case(wanted)))
    };
    let fits = |offer: &&(usize, &Offer<'_>)| {
        let (_, offer) = offer;
        same(&choice.carrier, Some(offer.carrier))
            && same(&choice.account, offer.account)
            && same(&choice.service, Some(offer.service))
            && choice.days.is_none_or(|days| offer.days.is_some_and(|have| have <= days))
    };
    let all: Vec<(usize, &Offer<'_>)> = offers.iter().enumerate().collect();
    let fitting: Vec<&(usize, &Offer<'_>)> = all.iter().filter(fits).collect();
    let currency = fitting.first()?.1.price.currency;
    let compared = fitting.into_iter().filter(|(_, offer)| offer.price.currency == currency);
    let order = |(place, offer): &&(usize, &Offer<'_>)| {
        let days = if choice.fastest { offer.days.map_or(u32::MAX, u32::from) } else { 0 };
        (days, offer.price.minor, *place)
    };
    compared.min_by_key(order).map(|(place, _)| *place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(action: Action) -> BookingRule {
        let (name, method, warehouse) = ("r".into(), None, None);
        BookingRule { name, method, warehouse, countries: Vec::new(), from_g: None, below_g: None, action, since: None }
    }

    fn book() -> Action {
        Action::Book {
            connection: "easypost".into(),
            choice: Choice::default(),
            format: pdf(),
            when: When::Ready,
            size_mm: None,
        }
    }

    const PARCELS: Parcels<'_> = Parcels {
        method: Some("DHL Paket Express"),
        warehouse: Some("WH"),
        country: Some("FR"),
        weight_g: Some(2_000),
        has_number: false,
        ready_at: None,
        done_at: None,
    };

    #[test]
    fn what_is_left_open_fits_and_what_is_set_must() {
        assert!(rule(book()).fits(&PARCELS));
        let with = |change: fn(&mut BookingRule)| {
            let mut rule = rule(book());
            change(&mut rule);
            rule.fits(&PARCELS)
        };
        assert!(with(|r| r.method = Some("express".into())) && !with(|r| r.method = Some("ups".into())));
        assert!(with(|r| r.warehouse = Some("wh".into())) && !with(|r| r.warehouse = Some("WH2".into())));
        assert!(with(|r| r.countries = vec!["DE".into(), "fr".into()]) && !with(|r| r.countries = vec!["DE".into()]));
        assert!(with(|r| r.countries = vec!["EU".into()]));
        assert!(with(|r| r.from_g = Some(2_000)) && !with(|r| r.below_g = Some(2_000)));
        let weightless = Parcels { weight_g: None, ..PARCELS };
        assert!(!BookingRule { from_g: Some(0), ..rule(book()) }.fits(&weightless));
    }

    #[test]
    fn the_first_that_fits_decides_and_a_number_is_registered_not_booked() {
        let nothing = BookingRule { countries: vec!["FR".into()], ..rule(Action::Nothing) };
        let register = rule(Action::Register { connection: "aftership".into() });
        let rules = [nothing, register, rule(book())];
        assert_eq!(matching(&rules, &PARCELS).map(|r| &r.action), Some(&Action::Nothing));
        let abroad = Parcels { country: Some("US"), ..PARCELS };
        assert_eq!(matching(&rules, &abroad), Some(&rules[2]));
        let numbered = Parcels { has_number: true, ..abroad };
        assert_eq!(matching(&rules, &numbered), Some(&rules[1]));
    }

    #[test]
    fn a_rule_says_everything_that_does_not_fit_and_fits_where_there_is_nothing() {
        let demanding = BookingRule {
            method: Some("ups".into()),
            warehouse: Some("WH2".into()),
            countries: vec!["DE".into()],
            from_g: Some(3_000),
            below_g: Some(4_000),
            ..rule(book())
        };
        let none =
            Parcels { method: None, warehouse: None, country: None, weight_g: None, has_number: true, ..PARCELS };
        let all = [Misfit::Numbered, Misfit::Method, Misfit::Warehouse, Misfit::Country, Misfit::TooLight];
        assert_eq!(demanding.misfits(&none), [&all[..], &[Misfit::TooHeavy]].concat());
        assert_eq!(demanding.misfits(&PARCELS), all[1..]);
        let heavy = Parcels { weight_g: Some(4_000), ..PARCELS };
        assert_eq!(
            BookingRule { from_g: Some(3_000), below_g: Some(4_000), ..rule(book()) }.misfits(&heavy),
            [Misfit::TooHeavy]
        );
        let register = rule(Action::Register { connection: "aftership".into() });
        assert_eq!(register.misfits(&PARCELS), [Misfit::NotNumbered]);
        assert_eq!(rule(Action::Nothing).misfits(&none), []);
    }

    #[test]
    fn what_was_ready_before_a_rule_is_not_booked_by_it() {
        let at = |minute: i64| Some(Timestamp::from_second(minute * 60).unwrap());
        let misfits = |action: Action, since, ready_at, done_at| {
            BookingRule { since, ..rule(action) }.misfits(&Parcels { ready_at, done_at, ..PARCELS })
        };
        let done = Action::Book {
            connection: "easypost".into(),
            choice: Choice::default(),
            format: pdf(),
            when: When::Done,
            size_mm: None,
        };
        let within = |minute: i64| Some(Timestamp::new(minute * 60, 700_000_000).unwrap());
        for (action, since, ready_at, done_at, fits) in [
            (book(), at(10), at(9), None, false),
            (book(), within(10), at(10), None, true),
            (book(), within(10), at(9), None, false),
            (book(), at(10), at(10), None, true),
            (book(), at(10), None, None, true),
            (book(), None, at(9), None, true),
            (book(), at(10), at(9), at(11), false),
            (done.clone(), at(10), at(9), at(11), true),
            (done.clone(), at(10), at(9), at(9), false),
            (done.clone(), within(10), at(9), at(10), true),
            (done, at(10), at(9), None, true),
            (Action::Nothing, at(10), at(9), at(9), true),
        ] {
            let expected: &[Misfit] = if fits { &[] } else { &[Misfit::Earlier] };
            assert_eq!(misfits(action, since, ready_at, done_at), expected, "{since:?} {ready_at:?} {done_at:?}");
        }
    }

    #[test]
    fn what_a_rule_is_for_no_rule_below_it_books() {
        let at = |minute: i64| Some(Timestamp::from_second(minute * 60).unwrap());
        let late = BookingRule { method: Some("express".into()), since: at(10), ..rule(book()) };
        let everything = BookingRule { since: at(1), ..rule(book()) };
        let rules = [late, everything];
        let ready = |minute| Parcels { ready_at: at(minute), ..PARCELS };
        assert_eq!(matching(&rules, &ready(9)), None, "it was ready before the rule was changed");
        assert_eq!(matching(&rules, &ready(11)), Some(&rules[0]));
        let other = Parcels { method: Some("Standard"), ..ready(9) };
        assert_eq!(matching(&rules, &other), Some(&rules[1]));
    }

    #[test]
    fn rules_are_plain_json() {
        let text = r#"{"name":"EU","countries":["EU"],"action":{"do":"book","connection":"easypost","choice":{"fastest":true}}}"#;
        let rule: BookingRule = serde_json::from_str(text).unwrap();
        let Action::Book { choice, format, when, .. } = &rule.action else { panic!("books") };
        assert_eq!((choice.fastest, format.as_str(), *when), (true, "pdf", When::Ready));
        assert!(serde_json::from_str::<BookingRule>(r#"{"name":"x","wieght":1,"action":{"do":"nothing"}}"#).is_err());
    }

    #[test]
    fn the_cheapest_or_the_fastest_of_what_fits() {
        let offer = |carrier, service, amount: &str, days| {
            let price = Money::read(amount, "USD").unwrap();
            Offer { carrier, account: None, service, price, days }
        };
        let offers = [
            offer("UPS", "Air", "20.00", Some(1)),
            offer("USPS", "Ground", "7.58", Some(4)),
            offer("DHL", "X", "5", None),
        ];
        let chosen = |choice: Choice| choose(&choice, &offers);
        assert_eq!(chosen(Choice::default()), Some(2));
        assert_eq!(chosen(Choice { fastest: true, ..Choice::default() }), Some(0));
        assert_eq!(chosen(Choice { days: Some(5), ..Choice::default() }), Some(1));
        assert_eq!(chosen(Choice { carrier: Some("ups".into()), ..Choice::default() }), Some(0));
        assert_eq!(chosen(Choice { service: Some("Sea".into()), ..Choice::default() }), None);
        let euro = Offer { price: Money::read("1.00", "EUR").unwrap(), ..offers[0] };
        assert_eq!(
            choose(&Choice::default(), &[offers[1], euro]),
            Some(0),
            "one currency is not compared with another"
        );
    }
}
