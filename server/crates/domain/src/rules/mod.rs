//! What follows from a change of a shipment. Rules are data ([`crate::rule`]) with a condition ([`condition`]); [`evaluate()`] applies
//! them to a change and yields intents. Who commits the change makes effects and jobs of them.
//!
//! The order system shows the status whatever the cause; notes follow only live folds. Activities and tickets follow what is
//! recent: an open exception that was never announced, and that could first be known a few days ago at most. Which job
//! happened to fold it does not matter, but replays announce nothing.

use crate::{
    Direction, ExceptionReason, Severity, State,
    cause::Cause,
    commit::ExceptionChange,
    effects::{EffectBody, EffectOutcome, EffectTarget, effect_id},
    exceptions::{CORRECTED_WITHIN, CommittedException, Grace, exception_key, taken_back_at},
    fold::{Announcement, Fact, Folded, FoldedException, Plan, Watch},
    ids::{EffectId, ExceptionId, ObservationId, ShipmentId, TrackerId},
    money::Money,
    rule::Steps,
};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

pub mod check;
pub mod condition;
mod evaluate;
pub mod form;
pub mod forms;
pub mod letter;
pub mod scan;
pub mod schema;
mod shipped;
mod steps;
pub mod text;
pub mod trial;
pub mod words;

pub use evaluate::{
    Failed, Fired, Outcome, Running, WantedCase, evaluate, severities, wanted_by_exception, wanted_case,
};
pub use shipped::shipped;

/// The numbers in the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Days for which an exception is announced after it could first be known.
    pub recent_days: u32,
    /// How long it may heal by itself.
    pub grace: Grace,
}

/// A change of a shipment: what a fold found, against what is committed.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// The shipment.
    pub shipment: ShipmentId,
    /// Its committed revision.
    pub revision: u64,
    /// Whether it is an order's; of others nothing is announced.
    pub linked: bool,
    /// Why it was folded.
    pub cause: Cause,
    /// When.
    pub now: Timestamp,
    /// Everything that is known of it.
    pub facts: &'a [Fact],
    /// When each of its trackers was recorded as its own: what was received before is history to it.
    pub bound_at: &'a BTreeMap<TrackerId, Timestamp>,
    /// As it is committed.
    pub before: &'a Folded,
    /// As it is now.
    pub after: &'a Folded,
    /// Its committed exceptions, open and closed.
    pub committed: &'a [CommittedException],
    /// What changes of them.
    pub exceptions: &'a [ExceptionChange],
    /// The keys of its activities that are open in the order system.
    pub activities: &'a [&'a str],
    /// The exceptions that have a case: of several in one ticket the newest.
    pub cases: &'a [ExceptionId],
    /// Whether Milepost has made an invoice for it.
    pub invoiced: bool,
    /// What is known of it beside its events.
    pub about: &'a About<'a>,
}

/// What is known of a shipment beside its events.
#[derive(Clone, Debug)]
pub struct About<'a> {
    /// The order's name.
    pub order: Option<&'a str>,
    /// The delivery's name.
    pub delivery: Option<&'a str>,
    /// The code of the warehouse.
    pub warehouse: Option<&'a str>,
    /// The company whose order it is.
    pub company: Option<&'a str>,
    /// What the order is worth, with taxes.
    pub value: Option<Money>,
    /// The customer's id in the order system.
    pub customer: Option<i64>,
    /// The segments of the customer.
    pub segments: Vec<&'a str>,
    /// Whether the order is the company's own at a vendor.
    pub is_purchase: bool,
    /// Which way it goes.
    pub direction: Direction,
    /// The carriers of its numbers, as the carrier directory has them.
    pub carriers: Vec<&'a str>,
    /// The country of destination, two letters.
    pub country: Option<String>,
    /// What was meant to happen.
    pub plan: &'a Plan,
    /// By what it is watched; none where it is not.
    pub watch: Option<&'a Watch>,
    /// What the connection to its order system says.
    pub steps: Steps,
}

/// An exception as rules regard it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regarded {
    /// Its id.
    pub id: ExceptionId,
    /// Why.
    pub reason: ExceptionReason,
    /// How much a person is needed.
    pub severity: Severity,
    /// When it was committed; now where that is to come.
    pub recorded_at: Timestamp,
    /// Whether it is open.
    pub open: bool,
    /// Whether it is history.
    pub withheld: bool,
}

/// What a condition looks at.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// The change.
    pub change: &'a Change<'a>,
    /// The exception; none where it is about the shipment alone.
    pub exception: Option<&'a Regarded>,
}

/// What is to happen.
#[derive(Clone, Debug, PartialEq)]
pub enum Intent {
    /// The exception is recorded as history.
    Withhold(ExceptionId),
    /// Something happens once; an effect that exists already is left alone.
    Effect {
        /// Its id.
        id: EffectId,
        /// Where it goes.
        target: EffectTarget,
        /// What makes it one.
        key: String,
        /// Its content.
        body: EffectBody,
        /// Whether it is posted: pending or withheld.
        outcome: EffectOutcome,
    },
    /// The order's record is brought up to date.
    UpdateOrder {
        /// Whether people are notified of something in it.
        urgent: bool,
    },
    /// What rules do outside of order systems and desks is done.
    Act,
    /// The exception's case is brought up to date.
    UpdateCase {
        /// Which.
        exception: ExceptionId,
        /// Not before.
        at: Timestamp,
        /// Whether people are notified of it.
        urgent: bool,
        /// The desk that a rule chooses for a new one; none: the desk that takes such shipments.
        desk: Option<String>,
    },
}

impl Change<'_> {
    /// Its exceptions, open and closed, as they are with this change.
    fn regarded(&self, announced: &BTreeSet<ExceptionId>) -> Vec<Regarded> {
        let mut all: Vec<Regarded> = self
            .committed
            .iter()
            .map(|one| Regarded {
                id: one.id,
                reason: one.reason,
                severity: one.severity,
                recorded_at: one.recorded_at,
                open: one.closed.is_none(),
                withheld: one.withheld,
            })
            .collect();
        for change in self.exceptions {
            match change {
                ExceptionChange::Open { id, exception } | ExceptionChange::Keep { id, exception } => {
                    let before = all.iter().position(|one| one.id == *id).map(|place| all.remove(place));
                    all.push(Regarded {
                        id: *id,
                        reason: exception.reason,
                        severity: exception.severity,
                        recorded_at: before.as_ref().map_or(self.now, |one| one.recorded_at),
                        open: exception.closed.is_none(),
                        // what opens, or opens again, without being announced is history
                        withheld: !announced.contains(id) && before.is_none_or(|one| one.withheld || !one.open),
                    });
                }
                ExceptionChange::Close { id, .. } => {
                    all.iter_mut().filter(|one| one.id == *id).for_each(|one| one.open = false);
                }
            }
        }
        all
    }

    /// The reasons of the exceptions that are open after this change.
    fn open_reasons(&self) -> BTreeSet<ExceptionReason> {
        self.after.exceptions.iter().filter(|one| one.closed.is_none()).map(|one| one.reason).collect()
    }

    fn committed(&self, id: ExceptionId) -> Option<&CommittedException> {
        self.committed.iter().find(|exception| exception.id == id)
    }

    /// The exception of a change, if it is announced now: it is newly open, open again, or was history until more was
    /// reported of it.
    fn announced(&self, policy: &Policy, change: &ExceptionChange) -> Option<ExceptionId> {
        let (ExceptionChange::Open { id, exception } | ExceptionChange::Keep { id, exception }) = change else {
            return None;
        };
        let announced = match self.committed(*id) {
            _ if !self.linked || exception.closed.is_some() => false,
            None => self.is_recent(policy, exception, &[]),
            // what a person or the carrier opens again is announced however old it is
            Some(before) if before.closed.is_some() => {
                self.cause == Cause::Live || self.is_recent(policy, exception, &[])
            }
            Some(before) => before.withheld && self.is_recent(policy, exception, &before.evidence),
        };
        announced.then_some(*id)
    }

    /// Whether an exception became known within the last days, evidence that was known before left aside.
    fn is_recent(&self, policy: &Policy, exception: &FoldedException, known: &[ObservationId]) -> bool {
        let days = SignedDuration::from_hours(i64::from(policy.recent_days) * 24);
        let since = self.now.checked_sub(days).unwrap_or(Timestamp::MIN);
        let new = exception.evidence.iter().filter(|id| !known.contains(id)).filter_map(|id| self.fact(*id));
        // another report of an old event does not make it recent
        let recent = |fact: &&Fact| known.is_empty() || fact.observation.time.sort_key().is_none_or(|at| at >= since);
        let received = new.filter(recent).filter_map(received_at).max();
        // what only the clock makes
        let derived = known.is_empty().then_some(exception.opened_recorded);
        match self.cause {
            Cause::Live | Cause::Import => received.or(derived).is_some_and(|at| at >= since),
            Cause::History => {
                received.is_some_and(|at| at >= since) && exception.opened.sort_key().is_some_and(|at| at >= since)
            }
            Cause::Replay | Cause::Reconcile => false,
        }
    }

    fn fact(&self, id: ObservationId) -> Option<&Fact> {
        self.facts.iter().find(|fact| fact.id == id)
    }

    /// What is recorded as history.
    fn withheld(&self, announced: &BTreeSet<ExceptionId>) -> Vec<Intent> {
        let candidates = self.exceptions.iter().filter_map(|change| match change {
            ExceptionChange::Open { id, .. } => Some(*id),
            // one that goes on stays what it was; one that is open again is as new
            ExceptionChange::Keep { id, exception } => {
                let before = self.committed(*id)?;
                let again = before.closed.is_some() && exception.closed.is_none();
                (again || before.withheld).then_some(*id)
            }
            ExceptionChange::Close { .. } => None,
        });
        candidates.filter(|id| !announced.contains(id)).map(Intent::Withhold).collect()
    }

    fn effect(&self, target: EffectTarget, key: String, body: EffectBody, posted: bool) -> Intent {
        let outcome = if posted { EffectOutcome::Pending } else { EffectOutcome::Withheld };
        Intent::Effect { id: effect_id(self.shipment, target, &key), target, key, body, outcome }
    }

    fn milestones(&self) -> impl Iterator<Item = Intent> {
        self.after.announcements.iter().map(|announcement| {
            let body = EffectBody::Milestone { announcement: announcement.clone() };
            let posted = self.cause == Cause::Live && !self.is_received_before(announcement.fact);
            self.effect(EffectTarget::OrderNote, announcement.key(), body, posted)
        })
    }

    /// Whether an event was received before its number was the shipment's.
    fn is_received_before(&self, fact: ObservationId) -> bool {
        let fact = self.fact(fact);
        let bound = fact.and_then(|fact| self.bound_at.get(&fact.tracker));
        fact.and_then(received_at).zip(bound).is_some_and(|(received, bound)| received < *bound)
    }

    fn activities(
        &self,
        about: &BTreeSet<ExceptionId>,
        announced: &BTreeSet<ExceptionId>,
    ) -> impl Iterator<Item = Intent> {
        self.exceptions.iter().filter_map(move |change| {
            let (ExceptionChange::Open { id, exception } | ExceptionChange::Keep { id, exception }) = change else {
                return None;
            };
            if !about.contains(id) || exception.closed.is_some() {
                return None;
            }
            let key = match self.committed(*id) {
                None => exception_key(*id),
                Some(before) if self.has_its_activity(before) => return None,
                Some(before) if before.closed.is_some() || announced.contains(id) => {
                    format!("{}/{}", exception_key(*id), self.revision)
                }
                // a new one takes the place of the one so far: once for each severity
                Some(_) if self.escalated(change).is_some() => {
                    format!("{}/{}", exception_key(*id), exception.severity.code())
                }
                Some(_) => return None,
            };
            let posted = announced.contains(id) || self.escalated(change).is_some();
            let body = EffectBody::Exception { id: *id };
            Some(self.effect(EffectTarget::OrderActivity, key, body, posted))
        })
    }

    /// The committed exception of a change by which it grows more severe; none where it is history, or nothing is announced.
    fn escalated(&self, change: &ExceptionChange) -> Option<&CommittedException> {
        let (ExceptionChange::Open { id, exception } | ExceptionChange::Keep { id, exception }) = change else {
            return None;
        };
        let before = self.committed(*id).filter(|before| before.closed.is_none() && !before.withheld)?;
        let grows = exception.closed.is_none() && exception.severity > before.severity;
        (grows && matches!(self.cause, Cause::Live | Cause::Import)).then_some(before)
    }

    /// Whether an exception was taken back so shortly ago that its activity is still open.
    fn has_its_activity(&self, before: &CommittedException) -> bool {
        let Some(at) = taken_back_at(self.facts, before) else { return false };
        let key = exception_key(before.id);
        self.now.duration_since(at) <= CORRECTED_WITHIN && self.activities.iter().any(|open| open.starts_with(&key))
    }

    /// A retraction that changed the state back is announced once, numbered by how many there have been.
    fn correction(&self) -> Option<Intent> {
        let (from, to) = self.retracted()?;
        let key = format!("correction/{}", self.revision);
        let body = EffectBody::Correction { from, to };
        Some(self.effect(EffectTarget::OrderNote, key, body, self.cause == Cause::Live))
    }

    /// The state before and after, where a milestone is retracted and the state changes by it.
    fn retracted(&self) -> Option<(State, State)> {
        let (from, to) = (self.before.state, self.after.state);
        let same = |a: &Announcement, b: &Announcement| {
            (a.milestone, &a.piece, a.ordinal) == (b.milestone, &b.piece, b.ordinal)
        };
        let withdrawn = self
            .before
            .announcements
            .iter()
            .any(|before| !self.after.announcements.iter().any(|after| same(before, after)));
        (withdrawn && from != to).then_some((from, to))
    }
}

/// When a fact was first received.
fn received_at(fact: &Fact) -> Option<Timestamp> {
    fact.sightings.iter().map(|sighting| sighting.recorded_at).min()
}

#[cfg(test)]
mod tests;
