//! On time: against the promise as the customer has it, and with what the carrier answers for.

use super::{
    promise::{Deadline, Met, bucket, in_force},
    row::{Contributed, Part},
    shipment::{Closing, Event, Story, Trouble},
};
use crate::definition::Kpi;
use domain::{Milestone, punctuality::Moment, vocabulary::Clock};
use jiff::{SignedDuration, Timestamp};

/// What a shipment counts as; of one that is open also from when on it is late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// What it counts as.
    pub part: Part,
    /// Of [`Part::Open`]: the first full minute at which it is late, counted from 1970.
    pub late_from: Option<i32>,
}

const fn judged(part: Part) -> Judged {
    Judged { part, late_from: None }
}

/// Both figures.
pub fn contribute(story: &Story<'_>, to: &mut Contributed) {
    let Some(due) = in_force(story) else {
        let at = story.closing.map(Closing::moment).or(story.hand_over.map(|event| event.moment));
        if let Some(at) = at {
            for kpi in [Kpi::OnTime, Kpi::OnTimeCarrier] {
                to.one(kpi, Part::NoPromise, story.bucket(at));
            }
        }
        return;
    };
    for (kpi, judge) in [(Kpi::OnTime, customer as Judge), (Kpi::OnTimeCarrier, carrier)] {
        let bucket = bucket(due, story.of.company_zone);
        let Judged { part, late_from } = judge(story, Deadline::of(due, story.of.zone));
        match late_from {
            Some(minute) => to.binned(kpi, part, bucket, minute),
            None => to.one(kpi, part, bucket),
        }
    }
}

type Judge = fn(&Story<'_>, Deadline) -> Judged;

/// As the customer sees it.
pub fn customer(story: &Story<'_>, deadline: Deadline) -> Judged {
    if story.is_cancelled() {
        return judged(Part::Cancelled);
    }
    match story.closing {
        Some(Closing::Delivered(at)) => judged(part(deadline.met(at, story.of.zone))),
        Some(Closing::Returned(_) | Closing::Lost(_)) => judged(Part::No),
        None => Judged { part: Part::Open, late_from: Some(deadline.minute()) },
    }
}

/// As the carrier answers for it.
pub fn carrier(story: &Story<'_>, deadline: Deadline) -> Judged {
    if story.is_cancelled() {
        return judged(Part::Cancelled);
    }
    let handed_over = story.hand_over.map(|event| event.moment);
    if handed_over.is_some_and(|at| deadline.met(at, story.of.zone) == Met::Late) {
        return judged(Part::LateHandOver);
    }
    if let Some(arrived) = arrival(story) {
        let stopped = stopped_until(story, Some(latest(arrived, story)));
        return judged(part(deadline.later_by(stopped).met(arrived, story.of.zone)));
    }
    match story.closing {
        Some(Closing::Returned(_)) if stops_clock(story) => judged(Part::ClockStopped),
        Some(Closing::Returned(_) | Closing::Lost(_)) => judged(Part::No),
        _ if has_open_stop(story) => Judged { part: Part::Open, late_from: Some(i32::MAX) },
        _ => {
            let late_from = deadline.later_by(stopped_until(story, None)).minute();
            Judged { part: Part::Open, late_from: Some(late_from) }
        }
    }
}

const fn part(met: Met) -> Part {
    match met {
        Met::InTime => Part::Yes,
        Met::Late => Part::No,
        Met::Undecided => Part::Maybe,
    }
}

/// The first of delivery, attempt and ready for collection; of several pieces that of the piece that arrived last.
fn arrival(story: &Story<'_>) -> Option<Moment> {
    let arrives = |event: &&Event<'_>| {
        matches!(event.milestone, Milestone::Delivered | Milestone::DeliveryAttempted | Milestone::AvailableForPickup)
    };
    if story.of.folded.pieces.len() > 1 {
        let of_piece = |piece: &str| story.events.iter().filter(arrives).find(|event| event.piece == Some(piece));
        let firsts: Option<Vec<_>> = story.of.folded.pieces.keys().map(|piece| of_piece(piece)).collect();
        return firsts?.into_iter().max_by_key(|event| event.key).map(|event| event.moment);
    }
    let before_the_end = |event: &&Event<'_>| match story.closing {
        Some(Closing::Returned(end) | Closing::Lost(end)) => event.key <= latest(end, story),
        _ => true,
    };
    story.events.iter().filter(arrives).find(before_the_end).map(|event| event.moment).or_else(|| story.delivered())
}

fn latest(moment: Moment, story: &Story<'_>) -> Timestamp {
    match moment {
        Moment::Instant(at) => at,
        Moment::Day(day) => super::promise::end_of_day(day, story.of.zone),
    }
}

/// Whether a reason that it went back for stops the carrier's clock.
fn stops_clock(story: &Story<'_>) -> bool {
    stops(story).next().is_some()
}

/// What stopped the carrier's clock and was not taken back.
fn stops<'a>(story: &'a Story<'_>) -> impl Iterator<Item = &'a Trouble> {
    let stands = |trouble: &&Trouble| !trouble.closed.is_some_and(|closed| closed.taken_back);
    story.of.troubles.iter().filter(|trouble| trouble.reason.clock() == Clock::Stopped).filter(stands)
}

fn has_open_stop(story: &Story<'_>) -> bool {
    stops(story).any(|trouble| trouble.closed.is_none())
}

/// For how long the carrier's clock stood still until then: the union of what stopped it, so that no hour counts twice.
fn stopped_until(story: &Story<'_>, until: Option<Timestamp>) -> SignedDuration {
    let until = until.unwrap_or(Timestamp::MAX);
    let mut stops: Vec<(Timestamp, Timestamp)> = stops(story)
        .map(|trouble| (trouble.opened, trouble.closed.map_or(until, |closed| closed.at).min(until)))
        .filter(|(from, to)| from < to)
        .collect();
    stops.sort_unstable();
    let mut total = SignedDuration::ZERO;
    let mut reached = Timestamp::MIN;
    for (from, to) in stops {
        let from = from.max(reached);
        total += to.duration_since(from).max(SignedDuration::ZERO);
        reached = reached.max(to);
    }
    total
}
