//! A dry run on one shipment: its history is folded again, moment by moment, and rules are applied to each as they would have been.
//! Pure, and bounded.

use super::{About, Change, Intent, Policy, Running, evaluate};
use crate::{
    ExceptionReason, Severity,
    cause::Cause,
    commit::{self, ExceptionChange},
    exceptions::CommittedException,
    fold::{FoldInput, Folded, Resolution, fold},
    ids::{ExceptionId, ShipmentId, TrackerId},
    rule::{Action, Trigger},
};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// Moments of one shipment that are gone through.
const MOMENTS_MAX: usize = 300;
/// Within this time something is said to have healed by itself where neither rule nor severity says.
pub const HEALED_WITHIN: SignedDuration = SignedDuration::from_hours(4);

/// A shipment with what is needed to try rules on it.
#[derive(Clone, Copy, Debug)]
pub struct Tried<'a> {
    /// The shipment.
    pub shipment: ShipmentId,
    /// Everything known of it.
    pub input: &'a FoldInput,
    /// What is known beside its events.
    pub about: &'a About<'a>,
    /// Since when each tracker is its own.
    pub bound_at: &'a BTreeMap<TrackerId, Timestamp>,
    /// From when on rules act.
    pub since: Timestamp,
    /// Until when.
    pub now: Timestamp,
}

/// One thing that a rule would have done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// When.
    pub at: Timestamp,
    /// The reason of the exception that it is about; none where it is about none.
    pub reason: Option<ExceptionReason>,
    /// How long that lasted; none while it goes on, or where it is about none.
    pub lasted: Option<SignedDuration>,
    /// How it ended.
    pub ended: Option<Resolution>,
    /// Whether it ended by itself within the grace.
    pub healed: bool,
    /// Whether it needed a person.
    pub needed: bool,
    /// What makes it one.
    pub key: String,
}

/// What a rule would have done on a shipment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trial {
    /// In the order of time.
    pub hits: Vec<Hit>,
    /// Whether it could not be run at some moment.
    pub failed: bool,
    /// Moments that were gone through.
    pub moments: u64,
}

/// Tries a rule on a shipment.
pub fn try_on(tried: &Tried<'_>, rule: &Running, policy: &Policy) -> Trial {
    let rule = Running { since: tried.since, ..rule.clone() };
    let mut walk = Walk {
        tried,
        rule: &rule,
        policy,
        committed: Vec::new(),
        before: Folded::default(),
        seen: BTreeSet::new(),
        trial: Trial::default(),
        found: Vec::new(),
    };
    walk.go();
    let hits = walk.found.iter().map(|found| walk.hit(found)).collect();
    Trial { hits, ..walk.trial }
}

/// What was known by a time.
fn known_by(input: &FoldInput, at: Timestamp) -> FoldInput {
    let mut known = input.clone();
    for fact in &mut known.facts {
        fact.sightings.retain(|sighting| sighting.recorded_at <= at);
    }
    known.facts.retain(|fact| !fact.sightings.is_empty());
    known.snapshots.retain(|snapshot| snapshot.recorded_at <= at);
    known.decisions.retain(|decision| decision.at <= at);
    known
}

struct Found {
    at: Timestamp,
    exception: Option<ExceptionId>,
    key: String,
}

struct Walk<'a> {
    tried: &'a Tried<'a>,
    rule: &'a Running,
    policy: &'a Policy,
    committed: Vec<CommittedException>,
    before: Folded,
    seen: BTreeSet<String>,
    trial: Trial,
    found: Vec<Found>,
}

impl Walk<'_> {
    fn go(&mut self) {
        let received = self.tried.input.facts.iter().flat_map(|fact| fact.sightings.iter().map(|one| one.recorded_at));
        let decided = self.tried.input.decisions.iter().map(|decision| decision.at);
        let mut moments: BTreeSet<Timestamp> = received.chain(decided).filter(|at| *at <= self.tried.now).collect();
        while let Some(at) = moments.pop_first() {
            if self.trial.moments >= MOMENTS_MAX as u64 {
                return;
            }
            self.trial.moments += 1;
            let review = self.look(at).filter(|review| *review > at && *review <= self.tried.now);
            moments.extend(review);
        }
    }

    /// Folds and applies the rule as of a moment; when it is looked at again though nothing is received.
    fn look(&mut self, at: Timestamp) -> Option<Timestamp> {
        let known = known_by(self.tried.input, at);
        let after = fold(&known, at);
        let exceptions = commit::reconcile(self.tried.shipment, &self.committed, &after.exceptions);
        let change = Change {
            shipment: self.tried.shipment,
            revision: self.trial.moments,
            linked: true,
            cause: Cause::Live,
            now: at,
            facts: &known.facts,
            bound_at: self.tried.bound_at,
            before: &self.before,
            after: &after,
            committed: &self.committed,
            exceptions: &exceptions,
            activities: &[],
            cases: &[],
            invoiced: false,
            about: self.tried.about,
        };
        let outcome = evaluate(std::slice::from_ref(self.rule), self.policy, &change);
        let withheld: BTreeSet<ExceptionId> = outcome
            .always
            .iter()
            .filter_map(|intent| if let Intent::Withhold(id) = intent { Some(*id) } else { None })
            .collect();
        self.trial.failed |= !outcome.failed.is_empty();
        if at >= self.tried.since {
            for intent in outcome.fired.iter().flat_map(|fired| &fired.intents) {
                self.take(at, intent);
            }
        }
        self.keep(at, exceptions, &withheld);
        let review = after.review_at.into_iter().chain(outcome.look_at).min();
        self.before = after;
        review
    }

    fn take(&mut self, at: Timestamp, intent: &Intent) {
        let (key, exception) = match intent {
            Intent::UpdateCase { exception, urgent: true, .. } => (format!("case/{exception}"), Some(*exception)),
            Intent::Effect { key, body, outcome, .. } if *outcome == crate::effects::EffectOutcome::Pending => {
                let exception = match body {
                    crate::effects::EffectBody::ByRule { exception, .. } => *exception,
                    crate::effects::EffectBody::Exception { id } => Some(*id),
                    _ => None,
                };
                (key.clone(), exception)
            }
            _ => return,
        };
        // of several actions for one exception the first is counted
        let once = exception.map_or_else(|| key.clone(), |id| format!("exception/{id}"));
        if self.seen.insert(once.clone()) {
            self.found.push(Found { at, exception, key: once });
        }
    }

    /// Commits as the store would.
    fn keep(&mut self, at: Timestamp, exceptions: Vec<ExceptionChange>, withheld: &BTreeSet<ExceptionId>) {
        for change in exceptions {
            match change {
                ExceptionChange::Open { id, exception } | ExceptionChange::Keep { id, exception } => {
                    let before =
                        self.committed.iter().position(|one| one.id == id).map(|place| self.committed.remove(place));
                    let opened_at = exception.opened.sort_key().unwrap_or(at);
                    self.committed.push(CommittedException {
                        id,
                        reason: exception.reason,
                        piece: exception.piece,
                        severity: exception.severity,
                        evidence: exception.evidence,
                        opened_at,
                        recorded_at: before.as_ref().map_or(at, |one| one.recorded_at),
                        closed: exception.closed.map(|(_, how)| (at, how)),
                        withheld: withheld.contains(&id),
                    });
                }
                ExceptionChange::Close { id, resolution, .. } => {
                    let closed = self.committed.iter_mut().filter(|one| one.id == id);
                    closed.for_each(|one| one.closed = Some((at, resolution)));
                }
            }
        }
    }

    fn hit(&self, found: &Found) -> Hit {
        let exception = found.exception.and_then(|id| self.committed.iter().find(|one| one.id == id));
        let closed = exception.and_then(|one| one.closed);
        let lasted = exception.zip(closed).map(|(one, (at, _))| at.duration_since(one.recorded_at));
        let ended = closed.map(|(_, how)| how);
        let grace = exception.map_or(HEALED_WITHIN, |one| self.grace(one.severity));
        let healed = lasted.is_some_and(|lasted| lasted <= grace) && ended != Some(Resolution::Person);
        Hit {
            at: found.at,
            reason: exception.map(|one| one.reason),
            lasted,
            ended,
            healed,
            needed: exception.is_some() && !healed,
            key: found.key.clone(),
        }
    }

    /// How long the rule lets an exception heal.
    fn grace(&self, severity: Severity) -> SignedDuration {
        let of_case = self.rule.content.then.iter().find_map(|action| match action {
            Action::OpenCase { grace_minutes: Some(minutes), .. } => Some(SignedDuration::from_mins((*minutes).into())),
            Action::OpenCase { grace_minutes: None, .. } => self.policy.grace.of(severity),
            _ => None,
        });
        let open_for = match self.rule.content.trigger {
            Trigger::OpenFor { hours } => Some(SignedDuration::from_hours(hours.into())),
            _ => None,
        };
        of_case.into_iter().chain(open_for).max().unwrap_or(HEALED_WITHIN)
    }
}

/// The bucket of a length of time: under 1, 2, 3, 4, 8, 24 hours, longer.
pub fn bucket(lasted: Option<SignedDuration>) -> usize {
    const HOURS: [i64; 6] = [1, 2, 3, 4, 8, 24];
    let Some(lasted) = lasted else { return HOURS.len() };
    HOURS.iter().position(|hours| lasted < SignedDuration::from_hours(*hours)).unwrap_or(HOURS.len())
}
