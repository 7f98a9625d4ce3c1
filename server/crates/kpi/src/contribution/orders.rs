//! On time in full: the unit is an order with one promised day. All of its shipments stand or fall together.

use super::{
    on_time::{self, Judged},
    promise::{Deadline, in_force},
    row::{Bucket, Contributed, Part},
    shipment::{Closing, Story},
};
use crate::definition::Kpi;
use domain::punctuality::Moment;
use jiff::{civil::Date, tz::TimeZone};
use std::collections::BTreeMap;

/// What was ordered for one promised day, in the order's own units.
#[derive(Clone, Debug, PartialEq)]
pub struct Ordered {
    /// How much; none where that is not known.
    pub quantity: Option<f64>,
    /// Of that, what the customer cancelled.
    pub cancelled: f64,
    /// The zone of the place of delivery.
    pub place: TimeZone,
}

/// A shipment of an order.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// The shipment.
    pub story: &'a Story<'a>,
    /// How much it brings; none where that is not known.
    pub quantity: Option<f64>,
}

/// The figure of one order: what was ordered by promised day, and its shipments.
pub fn contribute(
    ordered: &BTreeMap<Date, Ordered>,
    deliveries: &[Delivery<'_>],
    company: &TimeZone,
    to: &mut Contributed,
) {
    for (day, ordered) in ordered {
        let promised_then =
            |delivery: &&Delivery<'_>| in_force(delivery.story).is_some_and(|due| due.day(company) == *day);
        let of_day: Vec<_> = deliveries.iter().filter(promised_then).collect();
        let Judged { part, late_from } = judge(*day, ordered, &of_day);
        match late_from {
            Some(minute) => to.binned(Kpi::Otif, part, Bucket::day(*day), minute),
            None => to.one(Kpi::Otif, part, Bucket::day(*day)),
        }
    }
}

/// What an order with a promised day counts as. While something may still come in time it is open, and late from the end of
/// that day on.
fn judge(day: Date, ordered: &Ordered, deliveries: &[&Delivery<'_>]) -> Judged {
    let end = Deadline::of(Moment::Day(day), &ordered.place).minute();
    let open = Judged { part: Part::Open, late_from: Some(end) };
    let going: Vec<_> = deliveries.iter().filter(|delivery| !delivery.story.is_cancelled()).collect();
    let (Some(wanted), true) = (ordered.quantity, going.iter().all(|delivery| delivery.quantity.is_some())) else {
        return Judged { part: Part::NotMeasurable, late_from: None };
    };
    if wanted - ordered.cancelled <= 0.0 {
        return Judged { part: Part::Cancelled, late_from: None };
    }
    let judged: Vec<Judged> = going.iter().filter_map(|delivery| of(delivery.story)).collect();
    if judged.iter().any(|one| one.part == Part::No) {
        return Judged { part: Part::No, late_from: None };
    }
    let delivered = |delivery: &&&&Delivery<'_>| matches!(delivery.story.closing, Some(Closing::Delivered(_)));
    let brought: f64 = going.iter().filter(delivered).filter_map(|delivery| delivery.quantity).sum();
    // the order system has quantities with rounding
    let in_full = brought + f64::EPSILON * wanted.abs() >= wanted - ordered.cancelled;
    match () {
        () if judged.iter().any(|one| one.part == Part::Open) || !in_full => open,
        () if judged.iter().any(|one| one.part == Part::Maybe) => Judged { part: Part::Maybe, late_from: None },
        () => Judged { part: Part::Yes, late_from: None },
    }
}

fn of(story: &Story<'_>) -> Option<Judged> {
    let due = in_force(story)?;
    Some(on_time::customer(story, Deadline::of(due, story.of.zone)))
}
