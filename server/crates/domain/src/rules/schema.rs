//! The fields that a condition may read: one table, which also gives the completion, the documentation and the messages about unknown
//! fields.

use super::{Change, Moment};
use crate::{
    Category, Direction, ExceptionReason, Milestone, Party, Severity, State, Visibility,
    effects::Invoicing,
    fold::{Fact, Standing, update_due},
    money::Money,
};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Text.
    Text,
    /// A number.
    Number,
    /// Yes or no.
    Flag,
    /// One of these codes.
    Choice(Codes),
    /// Some of these codes.
    Codes(Codes),
    /// Some texts.
    Texts,
}

/// A list of codes with what people read.
pub type Codes = fn() -> Vec<(&'static str, &'static str)>;

impl Kind {
    /// Its codes, where it has some.
    pub fn codes(self) -> Vec<(&'static str, &'static str)> {
        match self {
            Self::Choice(codes) | Self::Codes(codes) => codes(),
            Self::Text | Self::Number | Self::Flag | Self::Texts => Vec::new(),
        }
    }

    /// Whether it is a number.
    pub const fn is_number(self) -> bool {
        matches!(self, Self::Number)
    }

    /// What people call it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Flag => "true or false",
            Self::Choice(_) => "code",
            Self::Codes(_) => "list of codes",
            Self::Texts => "list of texts",
        }
    }
}

/// The value of a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Not known of this shipment.
    Absent,
    /// Text or a code.
    Text(String),
    /// A number.
    Number(f64),
    /// Yes or no.
    Flag(bool),
    /// Texts or codes.
    Texts(Vec<String>),
}

/// A field.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// As it is written: `shipment.status`.
    pub path: &'static str,
    /// What people call it.
    pub label: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// What it means, in a sentence.
    pub about: &'static str,
    /// Reads it.
    pub(super) read: fn(&Moment<'_>) -> Value,
}

impl Field {
    /// What it holds at a moment, as text; none where that is not known.
    pub fn text(&self, moment: &Moment<'_>) -> Option<String> {
        match (self.read)(moment) {
            Value::Absent => None,
            Value::Text(text) => Some(text),
            Value::Number(number) => Some(number.to_string()),
            Value::Flag(flag) => Some(flag.to_string()),
            Value::Texts(texts) => Some(texts.join(", ")),
        }
    }
}

/// The variables.
pub const VARIABLES: &[&str] = &["shipment", "event", "exception", "order", "customer", "lane"];

/// The field of this path.
pub fn field(path: &str) -> Option<&'static Field> {
    FIELDS.iter().find(|field| field.path == path)
}

macro_rules! codes {
    ($name:ident, $of:ty) => {
        fn $name() -> Vec<(&'static str, &'static str)> {
            <$of>::ALL.iter().map(|one| (one.code(), one.label())).collect()
        }
    };
}

codes!(states, State);
codes!(milestones, Milestone);
codes!(reasons, ExceptionReason);
codes!(categories, Category);
codes!(severities, Severity);
codes!(parties, Party);

fn visibilities() -> Vec<(&'static str, &'static str)> {
    vec![("LIVE", "Live"), ("STALE", "No updates for long"), ("STOPPED", "Tracking stopped")]
}

fn directions() -> Vec<(&'static str, &'static str)> {
    Direction::ALL.iter().map(|one| (one.code(), one.label())).collect()
}

fn invoicings() -> Vec<(&'static str, &'static str)> {
    vec![("NEVER", "Not by Milepost"), ("RELEASE", "Accounting is asked"), ("DRAFT", "Draft"), ("POST", "Posted")]
}

macro_rules! fields {
    ($($path:literal, $label:literal, $kind:expr, $about:literal, $read:expr;)*) => {
        /// Every field.
        pub const FIELDS: &[Field] = &[
            $(Field { path: $path, label: $label, kind: $kind, about: $about, read: $read },)*
        ];
    };
}

fields! {
    "shipment.status", "Status", Kind::Choice(states), "Where the shipment is.",
        |m| code(m.change.after.state.code());
    "shipment.previous_status", "Previous status", Kind::Choice(states), "Where it was before this change.",
        |m| code(m.change.before.state.code());
    "shipment.milestones", "Events so far", Kind::Codes(milestones), "The milestones of every event that counts.",
        |m| Value::Texts(happened(m.change).into_iter().map(|one| one.code().to_owned()).collect());
    "shipment.exceptions", "Open exceptions", Kind::Codes(reasons), "The reasons of the exceptions that are open.",
        |m| Value::Texts(m.change.open_reasons().into_iter().map(|one| one.code().to_owned()).collect());
    "shipment.hours_without_update", "Hours without an update", Kind::Number, "Hours since something new was last received.",
        |m| hours_since(m.change.now, m.change.after.heard_at);
    "shipment.hours_in_status", "Hours in this status", Kind::Number, "Hours since the event that set the status.",
        |m| hours_since(m.change.now, m.change.after.decided_by.and_then(|id| event_at(m.change.fact(id)?)));
    "shipment.attempts", "Delivery attempts", Kind::Number, "Delivery attempts, the successful one included.",
        |m| Value::Number(f64::from(m.change.after.attempts));
    "shipment.pieces", "Pieces", Kind::Number, "Pieces of the delivery; 1 where it is one whole.",
        |m| count(m.change.after.pieces.len().max(1));
    "shipment.visibility", "Tracking", Kind::Choice(visibilities), "Whether the source still sends updates.",
        |m| code(Visibility::code(m.change.after.visibility));
    "shipment.has_eta", "Has an ETA", Kind::Flag, "Whether there is an estimate of the delivery.",
        |m| Value::Flag(m.change.after.eta.is_some());
    "shipment.hours_late", "Hours after the promised date", Kind::Number,
        "Hours by which the delivery, else the ETA, else now is after the promised date; below 0 before it.",
        |m| late(m);
    "shipment.direction", "Direction", Kind::Choice(directions), "Which way it goes.",
        |m| code(m.change.about.direction.code());
    "shipment.carrier", "Carrier", Kind::Text, "The carrier's name in the carrier directory, such as dhl.",
        |m| text(m.change.about.carriers.first().copied());
    "shipment.carriers", "Carriers", Kind::Texts, "All carriers of its numbers.",
        |m| Value::Texts(m.change.about.carriers.iter().map(|&one| one.to_owned()).collect());
    "event.milestone", "Last event", Kind::Choice(milestones), "The newest event.",
        |m| m.event().map_or(Value::Absent, |fact| code(fact.reading.milestone.code()));
    "event.reason", "Reason of the last event", Kind::Choice(reasons), "The exception that the newest event reports.",
        |m| m.event().and_then(|fact| fact.reading.exception).map_or(Value::Absent, |one| code(one.code()));
    "event.country", "Country of the last event", Kind::Text, "Two letters, such as DE.",
        |m| text(m.event().and_then(|fact| fact.observation.location.as_ref()?.country.as_deref()));
    "event.place", "Place of the last event", Kind::Text, "Town or site, where the carrier names it in parts.",
        |m| m.event().and_then(|fact| fact.observation.location.as_ref()).map(|at| at.in_parts().label())
            .filter(|label| !label.is_empty()).map_or(Value::Absent, Value::Text);
    "event.code", "Code of the last event", Kind::Text, "The carrier's own code.",
        |m| text(m.event().map(|fact| fact.observation.codes.raw.as_str()));
    "event.unmapped", "Last event unmapped", Kind::Flag, "Whether its code has no mapping.",
        |m| m.event().map_or(Value::Absent, |fact| Value::Flag(fact.reading.unmapped));
    "event.hours_ago", "Hours since the last event", Kind::Number, "By the event's own time.",
        |m| hours_since(m.change.now, m.event().and_then(event_at));
    "exception.reason", "Exception", Kind::Choice(reasons), "Why it is one.",
        |m| m.exception.map_or(Value::Absent, |one| code(one.reason.code()));
    "exception.category", "Category of the exception", Kind::Choice(categories), "The kind of trouble.",
        |m| m.exception.map_or(Value::Absent, |one| code(one.reason.category().code()));
    "exception.severity", "Severity", Kind::Choice(severities), "How much a person is needed.",
        |m| m.exception.map_or(Value::Absent, |one| code(one.severity.code()));
    "exception.responsible", "Responsible", Kind::Choice(parties), "Who is responsible by default.",
        |m| m.exception.map_or(Value::Absent, |one| code(one.reason.responsible().code()));
    "exception.hours_open", "Hours open", Kind::Number, "Hours since it was recorded.",
        |m| m.exception.map_or(Value::Absent, |one| hours_since(m.change.now, Some(one.recorded_at)));
    "order.name", "Order", Kind::Text, "The order's number, such as S00123.",
        |m| text(m.change.about.order);
    "order.delivery", "Delivery", Kind::Text, "The delivery's number, such as WH/OUT/00042.",
        |m| text(m.change.about.delivery);
    "order.warehouse", "Warehouse", Kind::Text, "The code of the warehouse, such as WH.",
        |m| text(m.change.about.warehouse);
    "order.company", "Company", Kind::Text, "The company whose order it is, as Odoo names it.",
        |m| text(m.change.about.company);
    "order.value", "Order value", Kind::Number, "What the order is worth, with taxes, in its currency.",
        |m| m.change.about.value.map_or(Value::Absent, major);
    "order.currency", "Currency of the order", Kind::Text, "Three letters, such as EUR.",
        |m| m.change.about.value.map_or(Value::Absent, |value| code(value.currency.code()));
    "order.has_promise", "Has a promised date", Kind::Flag, "Whether a delivery date is promised.",
        |m| Value::Flag(m.change.about.plan.promised_by.is_some());
    "order.is_purchase", "Is a purchase", Kind::Flag, "Whether it is the company's own order at a vendor.",
        |m| Value::Flag(m.change.about.is_purchase);
    "order.validates_at_first_scan", "Setting: validate at the first scan", Kind::Flag, "As set at the connection to its Odoo.",
        |m| Value::Flag(m.change.about.steps.validates_at_first_scan);
    "order.attaches_proofs", "Setting: attach proofs", Kind::Flag, "As set at the connection to its Odoo.",
        |m| Value::Flag(m.change.about.steps.attaches_proofs);
    "order.invoicing", "Setting: invoicing", Kind::Choice(invoicings), "As set at the connection to its Odoo.",
        |m| code(match m.change.about.steps.invoicing.map(|terms| terms.how) {
            None | Some(Invoicing::Never) => "NEVER",
            Some(Invoicing::Release) => "RELEASE",
            Some(Invoicing::Draft) => "DRAFT",
            Some(Invoicing::Post) => "POST",
        });
    "order.makes_returns", "Setting: make returns", Kind::Flag, "As set at the connection to its Odoo.",
        |m| Value::Flag(m.change.about.steps.makes_returns);
    "customer.record", "Customer", Kind::Number, "The id of the customer in Odoo.",
        |m| m.change.about.customer.map_or(Value::Absent, number);
    "customer.segment", "Segments of the customer", Kind::Texts,
        "The tags of the customer in Odoo and of its company, such as VIP.",
        |m| Value::Texts(m.change.about.segments.iter().map(|&one| one.to_owned()).collect());
    "customer.country", "Country of the customer", Kind::Text, "Two letters, such as DE.",
        |m| text(m.change.about.country.as_deref());
    "lane.from", "From", Kind::Text, "The country of the first event in the carrier's hands, two letters.",
        |m| text(from(m.change));
    "lane.to", "To", Kind::Text, "The country of destination, two letters.",
        |m| text(m.change.about.country.as_deref());
    "lane.crosses_border", "Crosses a border", Kind::Flag, "Whether it goes to another country than it comes from.",
        |m| from(m.change).zip(m.change.about.country.as_deref()).map_or(Value::Absent, |(from, to)| Value::Flag(from != to));
    "lane.usual_gap_hours", "Usual gap between updates", Kind::Number, "Hours without an update after which it is an exception.",
        |m| usual_gap(m.change);
}

impl<'a> Moment<'a> {
    fn event(&self) -> Option<&'a Fact> {
        self.change.after.last_event.and_then(|id| self.change.fact(id))
    }
}

fn code(code: &str) -> Value {
    Value::Text(code.to_owned())
}

fn text(text: Option<&str>) -> Value {
    text.filter(|text| !text.is_empty()).map_or(Value::Absent, code)
}

fn count(count: usize) -> Value {
    Value::Number(f64::from(u32::try_from(count).unwrap_or(u32::MAX)))
}

fn number(number: i64) -> Value {
    i32::try_from(number).map_or(Value::Absent, |number| Value::Number(f64::from(number)))
}

/// An amount in the currency itself: 7.58.
fn major(money: Money) -> Value {
    money.amount().parse().map_or(Value::Absent, Value::Number)
}

fn hours(of: SignedDuration) -> Value {
    Value::Number(of.as_secs_f64() / 3600.0)
}

fn hours_since(now: Timestamp, since: Option<Timestamp>) -> Value {
    since.map_or(Value::Absent, |since| hours(now.duration_since(since)))
}

/// From the last update, or where there is none from when one was expected, to when the next one is due.
fn usual_gap(change: &Change<'_>) -> Value {
    let (plan, heard_at) = (change.about.plan, change.after.heard_at);
    update_due(plan, heard_at, change.about.watch)
        .map_or(Value::Absent, |(since, due)| hours(due.duration_since(heard_at.unwrap_or(since))))
}

fn event_at(fact: &Fact) -> Option<Timestamp> {
    fact.observation.time.sort_key()
}

/// The milestones of the events that count.
fn happened(change: &Change<'_>) -> BTreeSet<Milestone> {
    let counts = |standing: Standing| {
        matches!(standing, Standing::Decides | Standing::Counts | Standing::Overruled | Standing::Overlay)
    };
    let counting = change.after.verdicts.iter().filter(|verdict| counts(verdict.standing));
    counting.filter_map(|verdict| change.fact(verdict.fact)).map(|fact| fact.reading.milestone).collect()
}

fn late(moment: &Moment<'_>) -> Value {
    let change = moment.change;
    let Some(promised) = change.about.plan.promised_by else { return Value::Absent };
    let time = change.after.delivered_at.as_ref().or(change.after.eta.as_ref());
    let at = time.and_then(crate::event_time::EventTime::sort_key).unwrap_or(change.now);
    hours(at.duration_since(promised))
}

fn from<'a>(change: &Change<'a>) -> Option<&'a str> {
    let has_left = |fact: &&Fact| fact.reading.milestone.state().is_some_and(State::has_left);
    let first = change.facts.iter().filter(has_left).min_by_key(|fact| event_at(fact));
    first.and_then(|fact| fact.observation.location.as_ref()?.country.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_every_field() {
        let document = include_str!("../../../../../docs/RULES.md");
        for field in FIELDS {
            let row = format!("| `{}` | {} | {} |", field.path, field.kind.label(), field.about);
            assert!(document.contains(&row), "docs/RULES.md lacks: {row}");
        }
    }

    #[test]
    fn every_field_is_of_a_variable_and_there_once() {
        let paths: BTreeSet<_> = FIELDS.iter().map(|field| field.path).collect();
        assert_eq!(paths.len(), FIELDS.len());
        for field in FIELDS {
            let (variable, name) = field.path.split_once('.').unwrap();
            assert!(VARIABLES.contains(&variable) && !name.contains('.'), "{}", field.path);
            assert!(!field.label.is_empty() && field.about.ends_with('.'), "{}", field.path);
        }
    }
}
