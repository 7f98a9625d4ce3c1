//! How shipments end: returned, lost, damaged; whether the milestones on the way were reported, and whether the carrier reports
//! an end at all.

use super::{
    first_attempt::{self, Attempt},
    promise::minute_after,
    row::{Contributed, Part},
    shipment::{Closing, Event, Story},
};
use crate::definition::Kpi;
use domain::{ExceptionReason, Milestone, punctuality::Moment, vocabulary::Phase};
use jiff::SignedDuration;

/// For so long after the hand-over an end is not expected yet.
const RIPE: SignedDuration = SignedDuration::from_hours(14 * 24);

/// All of them.
pub fn contribute(story: &Story<'_>, to: &mut Contributed) {
    confirmation(story, to);
    let Some(closing) = story.closing else { return };
    let bucket = story.bucket(closing.moment());
    let mut rate = |kpi, yes| to.one(kpi, if yes { Part::Yes } else { Part::No }, bucket);
    rate(Kpi::ReturnRate, matches!(closing, Closing::Returned(_)));
    rate(Kpi::LossRate, matches!(closing, Closing::Lost(_)));
    rate(Kpi::DamageRate, is_damaged(story));
    if matches!(closing, Closing::Delivered(_)) && !story.events.is_empty() {
        let (present, missing) = milestones(story);
        to.add(Kpi::MilestonesComplete, Part::Yes, bucket, None, present);
        to.add(Kpi::MilestonesComplete, Part::No, bucket, None, missing);
    }
}

/// Whether a damage of it, or of one of its pieces, stands.
fn is_damaged(story: &Story<'_>) -> bool {
    story.of.troubles.iter().any(|trouble| {
        matches!(trouble.reason, ExceptionReason::Damaged | ExceptionReason::DamagedRepacked)
            && !trouble.closed.is_some_and(|closed| closed.taken_back)
    })
}

/// How many of the expected milestones were reported, and how many were not, over all pieces.
fn milestones(story: &Story<'_>) -> (i64, i64) {
    let collected = first_attempt::first(story) == Attempt::Collected;
    let expected: &[fn(&Event<'_>) -> bool] = if collected {
        &[is_taken_over, is_transit, is_delivered]
    } else {
        &[is_taken_over, is_transit, is_out, is_delivered]
    };
    let pieces = &story.of.folded.pieces;
    let of = |piece: Option<&str>| {
        let about = |event: &&Event<'_>| piece.is_none() || event.piece.is_none() || event.piece == piece;
        expected.iter().filter(|is| story.events.iter().filter(about).any(is)).count()
    };
    let (units, present) = match pieces.len() {
        0 | 1 => (1, of(None)),
        several => (several, pieces.keys().map(|piece| of(Some(piece))).sum()),
    };
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    (number(present), number(units * expected.len() - present))
}

fn is_taken_over(event: &Event<'_>) -> bool {
    matches!(event.milestone, Milestone::PickedUp | Milestone::Accepted | Milestone::DroppedOff)
}

fn is_transit(event: &Event<'_>) -> bool {
    matches!(event.milestone.phase(), Phase::Transit | Phase::Customs)
        || event.milestone == Milestone::ArrivedDestination
        || event.milestone == Milestone::DepartedPickup
}

fn is_out(event: &Event<'_>) -> bool {
    event.milestone == Milestone::OutForDelivery
}

fn is_delivered(event: &Event<'_>) -> bool {
    event.milestone == Milestone::Delivered
}

/// Of what was handed over, whether an end is reported.
fn confirmation(story: &Story<'_>, to: &mut Contributed) {
    let Some(hand_over) = story.hand_over.filter(|_| !story.is_cancelled()) else { return };
    let bucket = story.bucket(hand_over.moment);
    if story.closing.is_some() {
        to.one(Kpi::ConfirmationRate, Part::Yes, bucket);
        return;
    }
    let from = match hand_over.moment {
        Moment::Instant(at) => at,
        Moment::Day(_) => hand_over.key,
    };
    let ripe = minute_after(from.checked_add(RIPE).unwrap_or(from));
    to.binned(Kpi::ConfirmationRate, Part::Open, bucket, ripe);
}
