//! Fourth step: the state, by walking the facts in order (R1, R3–R5, R10, R13). Pieces are journeys of their own (R12).

use super::{Anomaly, Fact, Plan, Rule, Standing, Trust, merge::piece_of, standing::Examined};
use crate::{
    Milestone, State,
    event_time::EventTime,
    ids::{ObservationId, SourceId},
};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// What one source reports of a delivery so much later is another event: goods that were left somewhere and are picked up.
const ANOTHER_DAY: SignedDuration = SignedDuration::from_hours(24);

/// An end that was reached.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reached<'a> {
    /// Orders ends.
    pub at: Timestamp,
    /// When, as reported.
    pub time: &'a EventTime,
    /// The fact behind it.
    pub by: ObservationId,
    /// How far its source is trusted.
    trust: Trust,
}

/// Where walking the facts has led.
#[derive(Clone, Debug, Default)]
pub(super) struct Journey<'a> {
    pub state: State,
    pub decided_by: Option<ObservationId>,
    pub delivered: Option<Reached<'a>>,
    pub returned: Option<Reached<'a>>,
    pub failed_attempts: Vec<ObservationId>,
    pub anomalies: Vec<Anomaly>,
    /// The standing of each walked fact.
    pub steps: Vec<Step>,
    /// When each source first reported the delivery.
    delivery_reports: BTreeMap<SourceId, Timestamp>,
}

/// What a fact did to the state.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub fact: ObservationId,
    pub standing: Standing,
    pub rule: Rule,
    pub because: &'static str,
    /// The state before.
    pub before: State,
    /// The state after.
    pub after: State,
    /// The milestone as it counts here: a delivery on the way back is the return.
    pub milestone: Milestone,
    pub at: Timestamp,
}

/// The journey of the whole, or of one piece.
pub(super) fn walk<'a>(facts: &[&Examined<'a>], plan: &Plan) -> Journey<'a> {
    let mut journey = Journey { steps: Vec::with_capacity(facts.len()), ..Journey::default() };
    for examined in facts {
        journey.step(examined, plan);
    }
    // what came before the deciding fact and moved the state lost to it
    let decides = journey.decided_by;
    for step in journey.steps.iter_mut().filter(|s| s.standing == Standing::Decides && Some(s.fact) != decides) {
        (step.standing, step.because) = (Standing::Overruled, "Superseded by a newer event.");
    }
    journey
}

impl<'a> Journey<'a> {
    fn step(&mut self, examined: &Examined<'a>, plan: &Plan) {
        let before = self.state;
        let milestone = examined.fact.reading.milestone;
        let (effect, counted_as) = effect(examined, plan, before);
        let (standing, rule, because) = match effect {
            None => (Standing::Counts, Rule::R1, "Counts, but does not change the status."),
            Some((state, bearing)) => self.meet(examined, state, bearing),
        };
        if milestone == Milestone::DeliveryAttempted && !before.is_terminal() && before != State::Returning {
            self.failed_attempts.push(examined.fact.id);
        }
        let step = Step {
            fact: examined.fact.id,
            standing,
            rule,
            because,
            before,
            after: self.state,
            milestone: counted_as,
            at: examined.key,
        };
        self.steps.push(step);
    }

    /// A fact that would lead to `to` meets the state as it is.
    fn meet(&mut self, examined: &Examined<'a>, to: State, bearing: Bearing) -> (Standing, Rule, &'static str) {
        let physical = examined.fact.reading.milestone.is_physical();
        match (self.state, to) {
            (State::Delivered, State::Returning | State::Returned) => {
                self.go(examined, to, Rule::R5, "Returned after the delivery.")
            }
            (State::Delivered, State::Delivered) => self.delivered_again(examined),
            (State::Delivered, State::Cancelled | State::Failed) => {
                (Standing::Overruled, Rule::R5, "Already delivered; only a return or a retraction changes that.")
            }
            (State::Delivered, _) => self.after_delivery(examined),
            (State::Returning | State::Returned, State::Delivered) => {
                self.go(examined, State::Returned, Rule::R5, "A delivery during the return counts as the return.")
            }
            (State::Returned, State::Returning) => (Standing::Counts, Rule::R3, "Already returned."),
            (State::Returned, _) if to != State::Returned => {
                (Standing::Overruled, Rule::R5, "Already returned; only a retraction changes that.")
            }
            (State::Returning, State::Returned) => {
                self.go(examined, to, Rule::R1, "Latest event that changes the status.")
            }
            (State::Returning, State::Cancelled | State::Failed) => {
                self.go(examined, to, Rule::R1, "Latest event that changes the status.")
            }
            (State::Returning, State::Returning) => {
                self.go(examined, to, Rule::R1, "Latest event that changes the status.")
            }
            (State::Returning, _) => (Standing::Counts, Rule::R5, "Movement during the return; still returning."),
            (State::Cancelled, to) if to != State::Cancelled => self.after_end(
                examined,
                to,
                physical,
                Anomaly::ScanAfterCancellation,
                "Scanned after the cancellation: in transit after all.",
            ),
            (State::Failed, to) if to != State::Failed => self.after_end(
                examined,
                to,
                physical,
                Anomaly::ScanAfterLoss,
                "Scanned after it was reported lost: it was found.",
            ),
            (current, State::Registered) if current > State::Registered => {
                (Standing::Counts, Rule::R1, "Data about a shipment that is already in transit.")
            }
            _ => match bearing {
                Bearing::Moves => self.go(examined, to, Rule::R1, "Latest event that changes the status."),
                Bearing::EndsLeg => {
                    self.go(examined, to, Rule::R13, "Ends a leg; only the last stop's delivery is the shipment's.")
                }
                Bearing::Floor if to.rank() > self.state.rank() => {
                    self.go(examined, to, Rule::R17, "Unmapped code; its coarse status counts.")
                }
                Bearing::Floor => (Standing::Counts, Rule::R17, "Unmapped code: stored, not guessed."),
            },
        }
    }

    /// The first delivery counts, unless a source with more trust reports another time, or the same source reports it
    /// again a day or more later, as after a pick-up at a post office.
    fn delivered_again(&mut self, examined: &Examined<'a>) -> (Standing, Rule, &'static str) {
        if self.delivered.is_some_and(|first| examined.fact.trust > first.trust) {
            return self.go(
                examined,
                State::Delivered,
                Rule::R11,
                "The carrier's own delivery time comes before other sources.",
            );
        }
        let later = |since: Timestamp| examined.key.duration_since(since) >= ANOTHER_DAY;
        // a source that is late itself reports nothing again
        let reported = *self.delivery_reports.entry(examined.fact.source).or_insert(examined.key);
        if later(reported) && self.delivered.is_some_and(|delivered| later(delivered.at)) {
            self.anomalies.push(Anomaly::DeliveredAgain);
            return self.go(
                examined,
                State::Delivered,
                Rule::R3,
                "The same source reports the delivery again a day or more later: that is the handover.",
            );
        }
        (Standing::Counts, Rule::R3, "Already delivered; the first delivery counts.")
    }

    fn go(
        &mut self,
        examined: &Examined<'a>,
        to: State,
        rule: Rule,
        because: &'static str,
    ) -> (Standing, Rule, &'static str) {
        let (fact, at) = (examined.fact, examined.key);
        let reached = Reached { at, time: examined.time, by: fact.id, trust: fact.trust };
        match to {
            State::Delivered => {
                self.delivered = Some(reached);
                self.delivery_reports.entry(fact.source).or_insert(at);
            }
            State::Returned if self.state != State::Returned => self.returned = Some(reached),
            _ => {}
        }
        self.state = to;
        self.decided_by = Some(examined.fact.id);
        (Standing::Decides, rule, because)
    }

    fn after_delivery(&mut self, examined: &Examined<'_>) -> (Standing, Rule, &'static str) {
        let later = self.delivered.is_some_and(|delivered| examined.key > delivered.at);
        if !later {
            return (Standing::Overruled, Rule::R3, "Same time as the delivery, which comes later in the journey.");
        }
        if examined.fact.reading.milestone.is_physical() {
            self.anomalies.push(Anomaly::ProgressAfterDelivery);
        }
        (Standing::Overruled, Rule::R4, "Later progress events do not undo a delivery.")
    }

    fn after_end(
        &mut self,
        examined: &Examined<'a>,
        to: State,
        physical: bool,
        anomaly: Anomaly,
        because: &'static str,
    ) -> (Standing, Rule, &'static str) {
        if !physical {
            return (Standing::Overruled, Rule::R5, "Closed; only a physical scan or a retraction changes that.");
        }
        self.anomalies.push(anomaly);
        self.go(examined, to, Rule::R5, because)
    }
}

/// How a fact bears on the state.
#[derive(Clone, Copy)]
enum Bearing {
    /// It moves the state.
    Moves,
    /// Its place is the end of a leg, not of the journey.
    EndsLeg,
    /// Its meaning is unknown; the provider vouches for this much at least (R17).
    Floor,
}

/// The state that a fact would lead to, and the milestone that it counts as.
fn effect(examined: &Examined<'_>, plan: &Plan, before: State) -> (Option<(State, Bearing)>, Milestone) {
    let reading = &examined.fact.reading;
    let (state, bearing, milestone) = match (reading.milestone.state(), reading.floor) {
        (Some(state), _) => (state, Bearing::Moves, reading.milestone),
        (None, Some(floor)) => (floor, Bearing::Floor, end_of(floor).unwrap_or(reading.milestone)),
        (None, None) => return (None, reading.milestone),
    };
    if let Some(ends) = at_stop(examined.fact, plan, milestone) {
        return (Some((State::InTransit, Bearing::EndsLeg)), ends);
    }
    let on_the_way_back = matches!(before, State::Returning | State::Returned) && state == State::Delivered;
    (Some((state, bearing)), if on_the_way_back { Milestone::Returned } else { milestone })
}

/// What a milestone of the destination is at a stop before the last (R13).
pub(super) fn at_stop(fact: &Fact, plan: &Plan, milestone: Milestone) -> Option<Milestone> {
    let stop = fact.observation.stop.map(|s| s.number);
    plan.stops.zip(stop).filter(|(stops, stop)| stop < stops)?;
    match milestone.state()? {
        State::Delivered => Some(Milestone::Discharged),
        State::OutForDelivery | State::AvailableForPickup | State::PartiallyDelivered => {
            Some(Milestone::ArrivedFacility)
        }
        _ => None,
    }
}

/// The state that a fact reports by itself; at a stop before the last that is in transit (R13).
pub fn speaks_for(fact: &Fact, plan: &Plan) -> Option<State> {
    let reading = &fact.reading;
    let state = reading.milestone.state().or(reading.floor)?;
    let milestone = match reading.milestone.state() {
        Some(_) => reading.milestone,
        None => end_of(state).unwrap_or(reading.milestone),
    };
    Some(if at_stop(fact, plan, milestone).is_some() { State::InTransit } else { state })
}

/// The milestone of a state that people are notified of.
fn end_of(state: State) -> Option<Milestone> {
    match state {
        State::OutForDelivery => Some(Milestone::OutForDelivery),
        State::AvailableForPickup => Some(Milestone::AvailableForPickup),
        State::Delivered => Some(Milestone::Delivered),
        State::Returning => Some(Milestone::ReturnInTransit),
        State::Returned => Some(Milestone::Returned),
        State::Cancelled => Some(Milestone::Cancelled),
        _ => None,
    }
}

/// The whole of a shipment with pieces.
pub(super) struct Whole<'a> {
    pub state: State,
    pub decided_by: Option<ObservationId>,
    pub delivered: Option<Reached<'a>>,
    pub returned: Option<Reached<'a>>,
    pub pieces: BTreeMap<String, Journey<'a>>,
    pub unexpected: Vec<ObservationId>,
}

/// Walks each piece of the plan; a fact without a piece concerns all of them.
pub(super) fn walk_pieces<'a>(facts: &[&Examined<'a>], plan: &Plan) -> Whole<'a> {
    let mut by_piece: BTreeMap<&str, Vec<&Examined<'a>>> =
        plan.pieces.iter().map(|p| (p.as_str(), Vec::new())).collect();
    let mut unexpected = Vec::new();
    for examined in facts {
        match piece_of(examined) {
            None => by_piece.values_mut().for_each(|list| list.push(examined)),
            Some(piece) => match by_piece.get_mut(piece) {
                Some(list) => list.push(examined),
                None => unexpected.push(examined.fact.id),
            },
        }
    }
    let pieces: BTreeMap<String, Journey<'a>> =
        by_piece.into_iter().map(|(piece, facts)| (piece.to_owned(), walk(&facts, plan))).collect();
    let state = aggregate(pieces.values().map(|j| j.state));
    let latest = |end: fn(&Journey<'a>) -> Option<Reached<'a>>| {
        pieces.values().filter_map(end).max_by_key(|reached| (reached.at, reached.by))
    };
    let deciding = pieces
        .values()
        .filter(|j| j.state == state || state == State::PartiallyDelivered && j.state == State::Delivered);
    let decided_by = deciding
        .filter_map(|j| Some((j.steps.iter().find(|s| Some(s.fact) == j.decided_by)?.at, j.decided_by?)))
        .max()
        .map(|(_, id)| id);
    Whole {
        delivered: latest(|j| j.delivered)
            .filter(|_| state == State::Delivered || pieces.values().all(|j| j.delivered.is_some())),
        returned: latest(|j| j.returned).filter(|_| state == State::Returned),
        state,
        decided_by,
        pieces,
        unexpected,
    }
}

/// All delivered is delivered, some is partially delivered, else the least advanced of those with events.
fn aggregate(states: impl Iterator<Item = State>) -> State {
    let states: Vec<State> = states.collect();
    let delivered = states.iter().filter(|s| **s == State::Delivered).count();
    if delivered == states.len() && delivered > 0 {
        return State::Delivered;
    }
    if delivered > 0 || states.contains(&State::PartiallyDelivered) {
        return State::PartiallyDelivered;
    }
    states.into_iter().filter(|s| *s != State::Unknown).min_by_key(|s| s.rank()).unwrap_or_default()
}
