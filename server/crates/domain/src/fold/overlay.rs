//! Exceptions (R8): overlays that facts open and other facts, or people, close.

use super::{Choice, FoldInput, FoldedException, Resolution, journey::Step, merge::piece_of, standing::Examined};
use crate::{
    ExceptionReason, State,
    event_time::EventTime,
    ids::ObservationId,
    vocabulary::{Clock, ClosedBy},
};
use jiff::Timestamp;
use std::collections::HashMap;

/// An exception in the making.
struct Making {
    exception: FoldedException,
    opened: Timestamp,
    closed: Option<Timestamp>,
    /// Settled by a person at this time.
    settled: Option<Timestamp>,
}

/// Walks the facts in order; `steps` says what each did to the state.
pub(super) fn exceptions(
    input: &FoldInput,
    facts: &[&Examined<'_>],
    steps: &HashMap<ObservationId, Step>,
    now: Timestamp,
) -> Vec<FoldedException> {
    let settled = settled(input);
    let mut all: Vec<Making> = Vec::new();
    for examined in facts {
        let step = steps.get(&examined.fact.id);
        close(&mut all, examined, step);
        open(&mut all, examined, step, settled.get(&examined.fact.id).copied());
    }
    all.into_iter().map(|making| finish(making, now)).collect()
}

/// What people settled: the facts whose exception is settled, by the newest decision about each.
fn settled(input: &FoldInput) -> HashMap<ObservationId, Timestamp> {
    let mut decisions: Vec<_> = input.decisions.iter().collect();
    decisions.sort_by_key(|d| d.at);
    let mut settled = HashMap::new();
    for decision in decisions {
        match &decision.what {
            Choice::Resolve { evidence, .. } => settled.extend(evidence.iter().map(|id| (*id, decision.at))),
            Choice::Reopen { evidence, .. } => settled.retain(|id, _| !evidence.contains(id)),
        }
    }
    settled
}

fn open(all: &mut Vec<Making>, examined: &Examined<'_>, step: Option<&Step>, settled: Option<Timestamp>) {
    let Some(reason) = examined.fact.reading.exception else { return };
    let piece = piece_of(examined).map(str::to_owned);
    let going_on = all.iter_mut().find(|m| {
        m.closed.is_none()
            && m.settled.is_some() == settled.is_some()
            && m.exception.reason == reason
            && m.exception.piece == piece
    });
    if let Some(making) = going_on {
        making.exception.evidence.push(examined.fact.id);
        making.exception.opened_recorded = making.exception.opened_recorded.min(examined.first);
        making.settled = making.settled.max(settled);
        return;
    }
    // once it has ended, only damage and the like are news
    let ended = step.is_some_and(|s| s.before.is_terminal() && s.after.is_terminal());
    let survives = matches!(reason.closed_by(), ClosedBy::Human | ClosedBy::Found);
    if ended && !survives {
        return;
    }
    let at_the_end = step.is_some_and(|s| s.after.is_terminal()) && !survives;
    let time = examined.fact.observation.time.clone();
    all.push(Making {
        opened: examined.key,
        closed: at_the_end.then_some(examined.key),
        settled,
        exception: FoldedException {
            reason,
            piece,
            severity: reason.severity(),
            opened: time.clone(),
            opened_recorded: examined.first,
            closed: at_the_end.then(|| (time, ended_as(step))),
            evidence: vec![examined.fact.id],
            clock_stopped_minutes: 0,
        },
    });
}

fn ended_as(step: Option<&Step>) -> Resolution {
    match step.map(|s| s.after) {
        Some(State::Delivered) => Resolution::Delivered,
        Some(State::Returned) => Resolution::Returned,
        Some(State::Cancelled) => Resolution::Cancelled,
        _ => Resolution::Progress,
    }
}

fn close(all: &mut [Making], examined: &Examined<'_>, step: Option<&Step>) {
    let physical = examined.fact.reading.milestone.is_physical();
    let reached = step.filter(|s| s.after.is_terminal() && s.before != s.after).map(|_| ended_as(step));
    if !physical && reached.is_none() {
        return;
    }
    for making in all.iter_mut().filter(|m| m.closed.is_none()) {
        // the same trouble again is the same exception going on
        if examined.fact.reading.exception == Some(making.exception.reason) || !concerns(making, examined) {
            continue;
        }
        let resolution = match (making.exception.reason.closed_by(), reached) {
            (ClosedBy::Human, _) | (ClosedBy::Resolution, None) => None,
            (ClosedBy::Found, _) => physical.then_some(Resolution::Progress),
            (ClosedBy::NextPhysical | ClosedBy::Resolution, Some(reached)) => Some(reached),
            (ClosedBy::NextPhysical, None) => Some(Resolution::Progress),
        };
        if let Some(resolution) = resolution {
            making.closed = Some(examined.key);
            making.exception.closed = Some((examined.fact.observation.time.clone(), resolution));
        }
    }
}

/// A fact of one piece says nothing about another's trouble.
fn concerns(making: &Making, examined: &Examined<'_>) -> bool {
    match (making.exception.piece.as_deref(), piece_of(examined)) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    }
}

fn finish(mut making: Making, now: Timestamp) -> FoldedException {
    if let (Some(at), None) = (making.settled, &making.exception.closed) {
        making.closed = Some(at.max(making.opened));
        making.exception.closed =
            Some((EventTime::instant(at.to_string(), at, crate::event_time::Precision::Second), Resolution::Person));
    }
    if making.exception.reason.clock() == Clock::Stopped {
        let end = making.closed.unwrap_or(now);
        making.exception.clock_stopped_minutes = end.duration_since(making.opened).as_mins().max(0);
    }
    making.exception
}

/// Three failed attempts without a delivery.
pub(super) fn repeated_attempts(
    journey_attempts: &[ObservationId],
    facts: &[&Examined<'_>],
    steps: &HashMap<ObservationId, Step>,
) -> Option<FoldedException> {
    const ATTEMPTS: usize = 3;
    let third = *journey_attempts.get(ATTEMPTS - 1)?;
    let third = facts.iter().find(|f| f.fact.id == third)?;
    let end = facts.iter().find(|f| {
        f.key >= third.key && steps.get(&f.fact.id).is_some_and(|s| s.after.is_terminal() && !s.before.is_terminal())
    });
    let reason = ExceptionReason::RepeatedAttempts;
    Some(FoldedException {
        reason,
        piece: None,
        severity: reason.severity(),
        opened: third.fact.observation.time.clone(),
        opened_recorded: third.first,
        closed: end.map(|f| (f.fact.observation.time.clone(), ended_as(steps.get(&f.fact.id)))),
        evidence: journey_attempts.to_vec(),
        clock_stopped_minutes: 0,
    })
}
