//! Exceptions (R8): overlays that facts open and other facts, or people, close.

use super::{Choice, FoldInput, FoldedException, Resolution, journey::Step, merge::piece_of, standing::Examined};
use crate::{
    ExceptionReason, Milestone, State,
    event_time::{EventTime, Precision},
    ids::{IdMap, ObservationId, content_id},
    reading::Resolves,
    vocabulary::{Clock, ClosedBy},
};
use jiff::Timestamp;

/// An exception in the making.
struct Making {
    exception: FoldedException,
    opened: Timestamp,
    closed: Option<Timestamp>,
    /// Settled by a person at this time.
    settled: Option<Timestamp>,
}

/// What people settled: the evidence whose exception is settled, by the newest decision about each.
pub(super) struct Settled(IdMap<ObservationId, Timestamp>);

impl Settled {
    pub(super) fn of(input: &FoldInput) -> Self {
        let mut decisions: Vec<_> = input.decisions.iter().collect();
        decisions.sort_by_key(|d| (d.at, matches!(d.what, Choice::Reopen { .. })));
        let mut settled = IdMap::default();
        for decision in decisions {
            match &decision.what {
                Choice::Resolve { evidence, .. } => settled.extend(meant(evidence).map(|id| (id, decision.at))),
                Choice::Reopen { evidence, .. } => meant(evidence).for_each(|id| _ = settled.remove(&id)),
                Choice::Refused { .. } | Choice::Accepted { .. } => {}
            }
        }
        Self(settled)
    }

    /// When an exception that a fact reports was settled, if it was.
    fn fact(&self, examined: &Examined<'_>, which: Which) -> Option<Timestamp> {
        let id = |id| if which == Which::Second { second(id) } else { id };
        examined.evidence().filter_map(|fact| self.0.get(&id(fact)).copied()).max()
    }

    /// A derived exception is settled while nothing is new in its evidence.
    pub(super) fn derived(&self, mut exception: FoldedException) -> FoldedException {
        let all: Option<Vec<Timestamp>> = exception.evidence.iter().map(|id| self.0.get(id).copied()).collect();
        if let (None, Some(at)) = (&exception.closed, all.and_then(|all| all.into_iter().max())) {
            exception.closed = Some(by_person(at));
        }
        exception
    }
}

/// Which of the exceptions that a fact reports.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    First,
    Second,
}

/// The mark of a fact's second exception among its evidence: to settle the one is not to settle the other.
fn second(fact: ObservationId) -> ObservationId {
    ObservationId(content_id("second exception", &[fact.0.as_bytes()]))
}

/// What a decision is about: where the evidence has the mark of a fact's second exception, that and not the first.
fn meant(evidence: &[ObservationId]) -> impl Iterator<Item = ObservationId> {
    evidence.iter().copied().filter(move |id| !evidence.contains(&second(*id)))
}

fn by_person(at: Timestamp) -> (EventTime, Resolution) {
    (EventTime::instant(at.to_string(), at, Precision::Second), Resolution::Person)
}

/// Walks the facts in order; `steps` has what each did to the state.
pub(super) fn exceptions(
    settled: &Settled,
    facts: &[&Examined<'_>],
    steps: &IdMap<ObservationId, Step>,
    now: Timestamp,
) -> Vec<FoldedException> {
    let mut overlays = Overlays::default();
    for examined in facts {
        let step = steps.get(&examined.fact.id);
        overlays.close(examined, step);
        let reading = &examined.fact.reading;
        for (which, reason) in [(Which::First, reading.exception), (Which::Second, reading.also)] {
            if let Some(reason) = reason {
                overlays.open(examined, step, which, reason, settled.fact(examined, which));
            }
        }
    }
    overlays.all.into_iter().map(|making| finish(making, now)).collect()
}

/// All exceptions so far, and which of them are open.
#[derive(Default)]
struct Overlays {
    all: Vec<Making>,
    open: Vec<usize>,
}

impl Overlays {
    fn open(
        &mut self,
        examined: &Examined<'_>,
        step: Option<&Step>,
        which: Which,
        reason: ExceptionReason,
        settled: Option<Timestamp>,
    ) {
        let piece = piece_of(examined);
        let marks = examined.evidence().filter(|_| which == Which::Second).map(second);
        let evidence: Vec<ObservationId> = marks.chain(examined.evidence()).collect();
        let same = |m: &Making| {
            m.settled.is_some() == settled.is_some()
                && m.exception.reason == reason
                && m.exception.piece.as_deref() == piece
        };
        if let Some(index) = self.open.iter().copied().find(|i| same(&self.all[*i])) {
            let making = &mut self.all[index];
            making.exception.evidence.extend(evidence);
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
        if !at_the_end {
            self.open.push(self.all.len());
        }
        self.all.push(Making {
            opened: examined.key,
            closed: at_the_end.then_some(examined.key),
            settled,
            exception: FoldedException {
                reason,
                piece: piece.map(str::to_owned),
                severity: reason.severity(),
                opened: examined.time.clone(),
                opened_recorded: examined.first,
                closed: at_the_end.then(|| (examined.time.clone(), ended_as(step))),
                evidence,
                clock_stopped_minutes: 0,
            },
        });
    }

    fn close(&mut self, examined: &Examined<'_>, step: Option<&Step>) {
        let (open, all) = (&mut self.open, &mut self.all);
        open.retain(|index| {
            let making = &mut all[*index];
            let Some(resolution) = ends(making, examined, step) else { return true };
            making.closed = Some(examined.key);
            making.exception.closed = Some((examined.time.clone(), resolution));
            false
        });
    }
}

/// How a fact ends an open exception, if it does.
fn ends(making: &Making, examined: &Examined<'_>, step: Option<&Step>) -> Option<Resolution> {
    let reading = &examined.fact.reading;
    let reason = making.exception.reason;
    // the same trouble again is the same exception going on
    if reading.exceptions().any(|said| said == reason) || !concerns(making, examined) {
        return None;
    }
    if says_over(reading.resolves, reason) {
        return Some(Resolution::Explicit);
    }
    let physical = reading.milestone.is_physical();
    let reached = step.filter(|s| s.after.is_terminal() && s.before != s.after).map(|_| ended_as(step));
    match reason.closed_by() {
        ClosedBy::Human => None,
        ClosedBy::Found => physical.then(|| reached.unwrap_or(Resolution::Progress)),
        ClosedBy::NextPhysical => reached.or(physical.then_some(Resolution::Progress)),
        ClosedBy::Resolution => {
            let explicit =
                reading.exceptions().map(Some).chain([None]).any(|said| settles(reading.milestone, said, reason));
            reached.or(explicit.then_some(Resolution::Explicit))
        }
    }
}

/// Whether a carrier reports that an exception is over; those that only people close are left open.
fn says_over(resolves: Option<Resolves>, reason: ExceptionReason) -> bool {
    match resolves {
        Some(Resolves::Reason(over)) => over == reason && reason.closed_by() != ClosedBy::Human,
        Some(Resolves::Everything) => matches!(reason.closed_by(), ClosedBy::NextPhysical | ClosedBy::Resolution),
        None => false,
    }
}

/// Reports of a carrier that end an exception.
fn settles(milestone: Milestone, said: Option<ExceptionReason>, reason: ExceptionReason) -> bool {
    use {ExceptionReason as E, Milestone as M};
    match reason {
        E::CustomsDocuments | E::CustomsDuties | E::DocumentsMissing => milestone == M::CustomsCleared,
        E::AddressIncorrect | E::AddressNotFound | E::AddressMoved | E::OutOfServiceArea => {
            milestone == M::Redirected || said == Some(E::AddressCorrected)
        }
        E::CarrierRejected => matches!(milestone, M::PickedUp | M::Accepted | M::DroppedOff | M::DepartedPickup),
        E::HoldInstructions => milestone == M::DeliveryScheduled,
        _ => false,
    }
}

fn ended_as(step: Option<&Step>) -> Resolution {
    match step.map(|s| s.after) {
        Some(State::Delivered) => Resolution::Delivered,
        Some(State::Returned) => Resolution::Returned,
        Some(State::Cancelled) => Resolution::Cancelled,
        _ => Resolution::Progress,
    }
}

/// An event of one piece does not concern the exceptions of another.
fn concerns(making: &Making, examined: &Examined<'_>) -> bool {
    match (making.exception.piece.as_deref(), piece_of(examined)) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    }
}

fn finish(mut making: Making, now: Timestamp) -> FoldedException {
    if let (Some(at), None) = (making.settled, &making.exception.closed) {
        let at = at.max(making.opened);
        making.closed = Some(at);
        making.exception.closed = Some(by_person(at));
    }
    if making.exception.reason.clock() == Clock::Stopped {
        let end = making.closed.unwrap_or(now);
        making.exception.clock_stopped_minutes = end.duration_since(making.opened).as_mins().max(0);
    }
    making.exception
}

/// Failed attempts that are one exception of their own.
const ATTEMPTS: usize = 3;

/// Three failed attempts without a delivery.
pub(super) fn repeated_attempts(
    attempts: &[ObservationId],
    facts: &[&Examined<'_>],
    steps: &IdMap<ObservationId, Step>,
) -> Option<FoldedException> {
    let third = *attempts.get(ATTEMPTS - 1)?;
    let third = facts.iter().find(|f| f.fact.id == third)?;
    let end = facts.iter().find(|f| {
        f.key >= third.key && steps.get(&f.fact.id).is_some_and(|s| s.after.is_terminal() && !s.before.is_terminal())
    });
    let reason = ExceptionReason::RepeatedAttempts;
    // a mark of its own: that a person settled the attempts one by one does not settle that there are so many
    let mark = ObservationId(content_id("repeated attempts", &[third.fact.tracker.0.as_bytes()]));
    Some(FoldedException {
        reason,
        piece: None,
        severity: reason.severity(),
        opened: third.time.clone(),
        opened_recorded: third.first,
        closed: end.map(|f| (f.time.clone(), ended_as(steps.get(&f.fact.id)))),
        evidence: std::iter::once(mark).chain(attempts.iter().copied()).collect(),
        clock_stopped_minutes: 0,
    })
}
