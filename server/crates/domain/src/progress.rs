//! The steps of a shipment's way, for a progress bar. A step is reached only where an active actual fact says so; what was
//! passed without an event is skipped, and the bar ends where the shipment ended.

use crate::{
    Classifier, State,
    event_time::EventTime,
    fold::{self, Fact, FoldInput, Folded, Standing},
};
use std::collections::BTreeMap;

/// The usual way.
const WAY: &[State] = &[State::Registered, State::PickedUp, State::InTransit, State::OutForDelivery, State::Delivered];

/// The standing of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepStanding {
    /// An event reports it.
    Reached,
    /// It is the current status, and an event reports it.
    Current,
    /// The shipment went on without an event for it.
    Skipped,
    /// It may still come.
    Ahead,
}

/// A step of the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The status that it stands for.
    pub state: State,
    /// Its standing.
    pub standing: StepStanding,
    /// When it was first reached, where the events have a time.
    pub at: Option<EventTime>,
}

/// The steps of a shipment, in order.
pub fn steps(folded: &Folded, input: &FoldInput) -> Vec<Step> {
    let mut reached = reached(folded, input);
    if input.plan.received_at.is_some() && folded.state == State::Delivered {
        // no carrier reports it where the goods were received all the same
        reached.entry(State::Delivered).or_insert_with(|| folded.delivered_at.clone());
    }
    let is_reached = |state: &State| reached.contains_key(state);
    let mut way = Vec::with_capacity(WAY.len() + 3);
    for state in WAY {
        if *state == State::Delivered {
            // these are steps only of the shipments that take them
            way.extend([State::AvailableForPickup, State::PartiallyDelivered].into_iter().filter(is_reached));
        }
        way.push(*state);
    }
    if folded.state.is_off_the_way() {
        // it does not go on: what was not reached and lies behind the last step taken is no step of this shipment
        way.truncate(way.iter().rposition(is_reached).map_or(0, |last| last + 1));
        way.extend([State::Returning].into_iter().filter(|back| is_reached(back) && folded.state != *back));
        way.push(folded.state);
    }
    let now = way.iter().position(|state| *state == folded.state);
    let last = way.iter().rposition(is_reached).max(now);
    let standing = |at: usize, state: State| match reached.contains_key(&state) {
        true if Some(at) == now => StepStanding::Current,
        true => StepStanding::Reached,
        false if Some(at) < last => StepStanding::Skipped,
        false => StepStanding::Ahead,
    };
    let step = |(at, state): (usize, State)| Step {
        state,
        standing: standing(at, state),
        at: reached.get(&state).cloned().flatten(),
    };
    way.into_iter().enumerate().map(step).collect()
}

/// The statuses that active actual events report, with the first known time.
fn reached(folded: &Folded, input: &FoldInput) -> BTreeMap<State, Option<EventTime>> {
    let mut reached: BTreeMap<State, Option<EventTime>> = BTreeMap::new();
    let standing = |fact: &Fact| folded.verdicts.iter().find(|v| v.fact == fact.id).map(|v| v.standing);
    let active =
        |fact: &&Fact| fact.observation.classifier == Classifier::Actual && standing(fact).is_some_and(|s| !is_void(s));
    for fact in input.facts.iter().filter(active) {
        let Some(state) = fold::speaks_for(fact, &input.plan) else { continue };
        let time = Some(&fact.observation.time).filter(|time| time.sort_key().is_some() && !time.sentinel);
        let first = reached.entry(state).or_default();
        if let Some(time) = time
            && first.as_ref().is_none_or(|first| time.sort_key() < first.sort_key())
        {
            *first = Some(time.clone());
        }
    }
    // what one piece or one stop reached is not the whole shipment's; the fold says when that was
    let part = reached.remove(&State::Delivered);
    if folded.state == State::PartiallyDelivered {
        // also where all had arrived and a piece went back
        reached.entry(State::PartiallyDelivered).or_insert(part.flatten());
    } else if folded.delivered_at.is_some() || folded.state == State::Delivered {
        reached.insert(State::Delivered, folded.delivered_at.clone());
    }
    if folded.state == State::Cancelled {
        // the order may have been cancelled without an event of the carrier
        reached.entry(State::Cancelled).or_insert(None);
    }
    if folded.returned_at.is_some() || folded.state == State::Returned {
        reached.insert(State::Returned, folded.returned_at.clone());
    }
    reached
}

/// Whether a fact of this standing does not count as something that happened to the shipment.
pub const fn is_void(standing: Standing) -> bool {
    matches!(
        standing,
        Standing::Superseded
            | Standing::Retracted
            | Standing::Quarantined
            | Standing::Retraction
            | Standing::Merged
            | Standing::OtherUse
    )
}
