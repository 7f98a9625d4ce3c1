//! Delivered at the first attempt.

use super::{
    row::{Contributed, Part},
    shipment::{Event, Story},
};
use crate::definition::Kpi;
use domain::{ExceptionReason, Milestone, punctuality::Moment};
use jiff::civil::Date;

/// How the first attempt went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// Delivered.
    Succeeded(Moment),
    /// Not delivered, or not all.
    Failed(Moment),
    /// It was sent to a place to be collected: no attempt is made.
    Collected,
    /// None was made yet, or ever.
    None,
}

/// The figure.
pub fn contribute(story: &Story<'_>, to: &mut Contributed) {
    match first(story) {
        Attempt::Succeeded(at) => to.one(Kpi::FirstAttempt, Part::Yes, story.bucket(at)),
        Attempt::Failed(at) => to.one(Kpi::FirstAttempt, Part::No, story.bucket(at)),
        Attempt::Collected | Attempt::None => {}
    }
}

/// The first attempt; of several pieces the first that failed of any, since they succeed only all at once.
pub fn first(story: &Story<'_>) -> Attempt {
    let pieces = &story.of.folded.pieces;
    if pieces.len() < 2 {
        return of_events(story.events.iter().collect(), story);
    }
    let attempts: Vec<Attempt> = pieces
        .keys()
        .map(|piece| {
            let of_piece = |event: &&Event<'_>| event.piece.is_none_or(|named| named == piece);
            of_events(story.events.iter().filter(of_piece).collect(), story)
        })
        .collect();
    if let Some(failed) = attempts.iter().find(|attempt| matches!(attempt, Attempt::Failed(_))) {
        return *failed;
    }
    let days = attempts.iter().filter_map(|attempt| match attempt {
        Attempt::Succeeded(at) => Some(at.day(story.of.zone)),
        _ => None,
    });
    let days: std::collections::BTreeSet<Date> = days.collect();
    match (days.len(), &attempts[..]) {
        (0 | 1, [first, rest @ ..]) => {
            if rest.contains(&Attempt::None) {
                Attempt::None
            } else {
                *first
            }
        }
        // delivered in part, and the rest on another day
        _ => attempts.into_iter().next().map_or(Attempt::None, |attempt| match attempt {
            Attempt::Succeeded(at) => Attempt::Failed(at),
            other => other,
        }),
    }
}

fn of_events(events: Vec<&Event<'_>>, story: &Story<'_>) -> Attempt {
    let day = |event: &Event<'_>| event.moment.day(story.of.zone);
    let mut out: Option<&Event<'_>> = None;
    for event in events {
        let refused = event.exception == Some(ExceptionReason::ConsigneeRefused);
        match (event.milestone, out) {
            (Milestone::OutForDelivery, Some(first)) if day(event) > day(first) => {
                return Attempt::Failed(first.moment);
            }
            (Milestone::OutForDelivery, None) => out = Some(event),
            (Milestone::Delivered, _) => return Attempt::Succeeded(event.moment),
            (Milestone::DeliveryAttempted | Milestone::DeliveredPart, _) => return Attempt::Failed(event.moment),
            (Milestone::AvailableForPickup, Some(_)) => return Attempt::Failed(event.moment),
            // it was never meant to be brought home
            (Milestone::AvailableForPickup, None) => return Attempt::Collected,
            _ if refused => return Attempt::Failed(event.moment),
            _ if event.goes_back() || event.is_loss() => {
                return out.map_or(Attempt::None, |first| Attempt::Failed(first.moment));
            }
            _ => {}
        }
    }
    Attempt::None
}
