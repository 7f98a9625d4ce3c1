//! Fold a shipment: load everything known, fold (pure), commit state, exceptions, effects and jobs together.

use crate::{
    context::Context,
    error::{Result, UseCaseError},
    odoo::{CORRECTED_WITHIN, taken_back_at},
};
use domain::{
    Severity,
    commit::{self, ExceptionChange},
    fold::{self, Announcement, Fact, Folded, FoldedException, NextUse},
    ids::{CorrelationId, EffectId, ExceptionId, ObservationId, ShipmentId, content_id},
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use storage::{
    Scope,
    jobs::{Cause, JobKind, Lane, NewJob},
    shipments::{
        Commit, Committed, EffectKind, EffectRecord, LastEvent, Loaded, NewEffect, Posting, exception_effect_key,
    },
    work::{CaseRecord, ExceptionRecord},
};

/// How often a fold is tried again when somebody else committed first.
const CONFLICTS_MAX: u32 = 8;

/// What a note in the order system says: codes and times; words are made when it is posted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EffectBody {
    /// A milestone was reached.
    Milestone {
        /// What is announced.
        announcement: Announcement,
    },
    /// What was announced before is retracted.
    Correction {
        /// The state announced before.
        from: domain::State,
        /// The state now.
        to: domain::State,
    },
    /// An exception needs somebody.
    Exception {
        /// Which.
        id: ExceptionId,
    },
    /// Fields that somebody else had changed were set back.
    SetBack {
        /// Their names.
        fields: Vec<String>,
    },
    /// Fields that somebody changes again and again are left so.
    LeftChanged {
        /// Their names.
        fields: Vec<String>,
    },
}

/// What identifies an announcement in every system.
pub(crate) fn announcement_key(announcement: &Announcement) -> String {
    let Announcement { milestone, piece, ordinal, .. } = announcement;
    format!("{}/{}/{ordinal}", milestone.code(), piece.as_deref().unwrap_or("-"))
}

/// What a fold did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoldOutcome {
    /// Nothing new.
    Unchanged,
    /// Committed under this revision.
    Committed(u64),
    /// A live fold waits and does it.
    Superseded,
    /// The shipment is gone or merged into another.
    Gone,
}

/// Folds a shipment until its commit takes.
///
/// # Errors
/// When the store fails, or too many others commit at the same time.
pub async fn fold_shipment(
    context: &Context,
    scope: Scope,
    id: ShipmentId,
    cause: Cause,
    correlation: CorrelationId,
) -> Result<FoldOutcome> {
    for _ in 0..CONFLICTS_MAX {
        let Some(loaded) = context.store.shipments.load(scope, id, None).await? else { return Ok(FoldOutcome::Gone) };
        if loaded.shipment.merged_into.is_some() {
            return Ok(FoldOutcome::Gone);
        }
        let now = context.now();
        let folded = fold::fold(&loaded.input, now);
        let changes = commit::reconcile(&committed(&loaded), &folded.exceptions);
        let next_uses = next_uses(&loaded, &folded);
        if next_uses.is_empty() && unchanged(&loaded, &folded, &changes) {
            return Ok(FoldOutcome::Unchanged);
        }
        let consequences = Consequences { context, cause, correlation, now, loaded: &loaded, folded: &folded };
        let exceptions = consequences.with_ids(changes);
        let announced: BTreeSet<ExceptionId> =
            exceptions.iter().filter_map(|change| consequences.announced(change)).collect();
        let commit = Commit {
            shipment: id,
            expected: loaded.shipment.revision,
            cause,
            correlation,
            at: now,
            last_event: last_event(&loaded, &folded),
            effects: consequences.effects(&exceptions, &announced),
            jobs: consequences.jobs(&exceptions, &announced),
            withheld: consequences.withheld(&exceptions, &announced),
            next_uses,
            exceptions,
            folded: folded.clone(),
        };
        match context.store.shipments.commit(scope, commit).await? {
            Committed::Done(revision) => {
                context.notifier.all_work();
                context.notifier.changed();
                return Ok(FoldOutcome::Committed(revision));
            }
            Committed::Superseded => return Ok(FoldOutcome::Superseded),
            Committed::Conflict => {}
        }
    }
    Err(UseCaseError::Unavailable(format!("shipment {id} is committed by too many at once")))
}

fn committed(loaded: &Loaded) -> Vec<commit::CommittedException> {
    loaded
        .exceptions
        .iter()
        .map(|e| commit::CommittedException {
            id: e.id,
            reason: e.reason,
            piece: e.piece.clone(),
            severity: e.severity,
            evidence: e.evidence.clone(),
            opened_at: e.opened_at,
            closed: e.closed.map(|(_, how)| how),
        })
        .collect()
}

fn unchanged(loaded: &Loaded, folded: &Folded, changes: &[ExceptionChange]) -> bool {
    let before = &loaded.shipment.folded;
    before.hash == folded.hash
        && before.review_at == folded.review_at
        && before.heard_at == folded.heard_at
        && changes.is_empty()
        && loaded.shipment.revision > 0
}

/// The later parcels under its numbers for which there is no shipment yet.
fn next_uses(loaded: &Loaded, folded: &Folded) -> Vec<NextUse> {
    let bound = |next: &NextUse| loaded.bound_last.get(&next.tracker).is_some_and(|last| *last >= next.since);
    folded.next_uses.iter().filter(|next| !bound(next)).copied().collect()
}

fn last_event(loaded: &Loaded, folded: &Folded) -> Option<LastEvent> {
    let fact = loaded.input.facts.iter().find(|f| Some(f.id) == folded.last_event)?;
    Some(LastEvent {
        milestone: fact.reading.milestone,
        exception: fact.reading.exception,
        code: fact.reading.unmapped.then(|| fact.observation.codes.raw.clone()),
        place: fact.observation.location.as_ref().map(domain::observation::Location::label).filter(|l| !l.is_empty()),
        place_in_parts: fact.observation.location.as_ref().is_some_and(domain::observation::Location::is_in_parts),
        at: fact.observation.time.sort_key(),
        time: Some(fact.observation.time.clone()),
    })
}

/// What follows from a fold. Fields are written whatever the cause; notes follow only what is said now. Activities and
/// tickets follow what is news to the company: an open exception that it was never notified of, and that could first be known
/// a few days ago at most. Which job happened to fold it does not matter, but replays tell nobody.
struct Consequences<'a> {
    context: &'a Context,
    cause: Cause,
    correlation: CorrelationId,
    now: Timestamp,
    loaded: &'a Loaded,
    folded: &'a Folded,
}

impl Consequences<'_> {
    /// Exceptions get their id when first committed. It follows from what they are, and so do the ids of effects: after a
    /// restore of an older backup the same ones come out, and what was posted under them is found.
    fn with_ids(&self, changes: Vec<ExceptionChange>) -> Vec<ExceptionChange> {
        let shipment = self.loaded.shipment.id.0;
        let mut opened = Vec::new();
        changes
            .into_iter()
            .map(|change| match change {
                ExceptionChange::Open { exception, .. } => {
                    let sort = (exception.reason, exception.piece.clone());
                    let before = self.loaded.exceptions.iter().filter(|e| (e.reason, &e.piece) == (sort.0, &sort.1));
                    let number = before.count() + opened.iter().filter(|other| **other == sort).count();
                    let name: [&[u8]; 4] = [
                        shipment.as_bytes(),
                        sort.0.code().as_bytes(),
                        sort.1.as_deref().unwrap_or_default().as_bytes(),
                        &(number as u64).to_be_bytes(),
                    ];
                    let id = ExceptionId(content_id("exception", &name));
                    opened.push(sort);
                    ExceptionChange::Open { id, exception }
                }
                other => other,
            })
            .collect()
    }

    fn before(&self, id: ExceptionId) -> Option<&ExceptionRecord> {
        self.loaded.exceptions.iter().find(|e| e.id == id)
    }

    /// The exception of a change, if people are to be notified now: it is newly open, open again, or was history until
    /// more was heard of it.
    fn announced(&self, change: &ExceptionChange) -> Option<ExceptionId> {
        let (ExceptionChange::Open { id, exception } | ExceptionChange::Keep { id, exception }) = change else {
            return None;
        };
        let news = match self.before(*id) {
            _ if self.loaded.shipment.origin.is_none() || exception.closed.is_some() => false,
            None => self.is_recent(exception, &[]),
            // what a person opens again, or the carrier, is news however old it is
            Some(before) if before.closed.is_some() => self.cause == Cause::Live || self.is_recent(exception, &[]),
            Some(before) => before.withheld && self.is_recent(exception, &before.evidence),
        };
        news.then_some(*id)
    }

    /// Whether something of an exception is news, what is known already left aside.
    fn is_recent(&self, exception: &FoldedException, known: &[ObservationId]) -> bool {
        let days = SignedDuration::from_hours(i64::from(self.context.config.rules.news_days) * 24);
        let since = self.now.checked_sub(days).unwrap_or(Timestamp::MIN);
        let new = |id: &&ObservationId| !known.contains(id);
        let facts = &self.loaded.input.facts;
        let heard = exception.evidence.iter().filter(new).filter_map(|id| facts.iter().find(|fact| fact.id == *id));
        // what is said otherwise of old trouble does not make it new
        let recent = |fact: &&Fact| known.is_empty() || fact.observation.time.sort_key().is_none_or(|at| at >= since);
        let heard = heard
            .filter(recent)
            .filter_map(|fact| fact.sightings.iter().map(|sighting| sighting.recorded_at).min())
            .max();
        // what only the clock makes
        let derived = known.is_empty().then_some(exception.opened_recorded);
        match self.cause {
            Cause::Live | Cause::Import => heard.or(derived).is_some_and(|at| at >= since),
            Cause::History => {
                heard.is_some_and(|at| at >= since) && exception.opened.sort_key().is_some_and(|at| at >= since)
            }
            Cause::Replay | Cause::Reconcile => false,
        }
    }

    /// What is recorded as history.
    fn withheld(&self, exceptions: &[ExceptionChange], announced: &BTreeSet<ExceptionId>) -> Vec<ExceptionId> {
        let unannounced = exceptions.iter().filter_map(|change| match change {
            ExceptionChange::Open { id, .. } => Some(*id),
            // one that goes on stays what it was; one that is open again is as new
            ExceptionChange::Keep { id, exception } => {
                let before = self.before(*id)?;
                let again = before.closed.is_some() && exception.closed.is_none();
                (again || before.withheld).then_some(*id)
            }
            ExceptionChange::Close { .. } => None,
        });
        unannounced.filter(|id| !announced.contains(id)).collect()
    }

    fn effects(&self, exceptions: &[ExceptionChange], announced: &BTreeSet<ExceptionId>) -> Vec<NewEffect> {
        if self.loaded.shipment.origin.is_none() {
            return Vec::new();
        }
        let note = if self.cause == Cause::Live { Posting::Wanted } else { Posting::Withheld };
        let notes = self.folded.announcements.iter().map(|a| {
            let body = EffectBody::Milestone { announcement: a.clone() };
            let posting = if self.is_history(a) { Posting::Withheld } else { note };
            self.effect(EffectKind::OrderNote, announcement_key(a), &body, posting)
        });
        let activities = exceptions.iter().filter_map(|change| {
            let (ExceptionChange::Open { id, exception } | ExceptionChange::Keep { id, exception }) = change else {
                return None;
            };
            if exception.severity < Severity::Major || exception.closed.is_some() {
                return None;
            }
            let posting = if announced.contains(id) { Posting::Wanted } else { Posting::Withheld };
            let key = match self.before(*id) {
                None => exception_effect_key(*id),
                Some(before) if self.has_its_activity(before) => return None,
                Some(before) if before.closed.is_some() || announced.contains(id) => {
                    format!("{}/{}", exception_effect_key(*id), self.loaded.shipment.revision)
                }
                Some(_) => return None,
            };
            Some(self.effect(EffectKind::OrderActivity, key, &EffectBody::Exception { id: *id }, posting))
        });
        notes.chain(activities).chain(self.correction(note)).collect()
    }

    /// Whether a milestone was heard of before its number was the shipment's.
    fn is_history(&self, announcement: &Announcement) -> bool {
        let fact = self.loaded.input.facts.iter().find(|fact| fact.id == announcement.fact);
        let heard = fact.and_then(|fact| fact.sightings.iter().map(|sighting| sighting.recorded_at).min());
        let bound = fact.and_then(|fact| self.loaded.bound_at.get(&fact.tracker));
        heard.zip(bound).is_some_and(|(heard, bound)| heard < *bound)
    }

    /// Whether an exception was taken back so shortly ago that its activity still stands.
    fn has_its_activity(&self, before: &ExceptionRecord) -> bool {
        let Some(at) = taken_back_at(self.loaded, before) else { return false };
        let key = exception_effect_key(before.id);
        let stands = |effect: &EffectRecord| {
            effect.kind == EffectKind::OrderActivity
                && effect.key.starts_with(&key)
                && effect.done.as_ref().is_some_and(|(_, external)| external.parse::<i64>().is_ok())
        };
        self.now.duration_since(at) <= CORRECTED_WITHIN && self.loaded.effects.iter().any(stands)
    }

    /// A retraction that changed the state back is announced once, numbered by how many there have been.
    fn correction(&self, posting: Posting) -> Option<NewEffect> {
        let before = &self.loaded.shipment.folded;
        let (from, to) = (before.state, self.folded.state);
        let withdrawn = before.announcements.iter().any(|announced| {
            !self.folded.announcements.iter().any(|a| {
                (a.milestone, &a.piece, a.ordinal) == (announced.milestone, &announced.piece, announced.ordinal)
            })
        });
        (withdrawn && from != to).then(|| {
            let key = format!("correction/{}", self.loaded.shipment.revision);
            self.effect(EffectKind::OrderNote, key, &EffectBody::Correction { from, to }, posting)
        })
    }

    fn effect(&self, kind: EffectKind, key: String, body: &EffectBody, posting: Posting) -> NewEffect {
        let shipment = self.loaded.shipment.id.0;
        let kind_word = serde_json::to_string(&kind).expect("plain data serialises");
        NewEffect {
            id: EffectId(content_id("effect", &[shipment.as_bytes(), kind_word.as_bytes(), key.as_bytes()])),
            kind,
            key,
            body: serde_json::to_string(body).expect("plain data serialises"),
            posting,
        }
    }

    fn jobs(&self, exceptions: &[ExceptionChange], announced: &BTreeSet<ExceptionId>) -> Vec<NewJob> {
        let shipment = &self.loaded.shipment;
        if shipment.origin.is_none() {
            return Vec::new();
        }
        let order = self.context.odoo.is_some().then(|| {
            let job = self.job(JobKind::SyncOrder, shipment.id);
            if announced.is_empty() { job } else { NewJob { lane: Lane::RealTime, ..job } }
        });
        let cases = self.context.desk.is_some().then(|| self.case_jobs(exceptions, announced)).into_iter().flatten();
        order.into_iter().chain(cases).collect()
    }

    /// A notified exception waits its grace time; one that has a case is reported at once, and so is one whose case may be
    /// in the making: the job that makes it may have looked before this commit.
    fn case_jobs(&self, exceptions: &[ExceptionChange], announced: &BTreeSet<ExceptionId>) -> Vec<NewJob> {
        let opened = exceptions.iter().filter_map(|change| match change {
            ExceptionChange::Open { id, exception } | ExceptionChange::Keep { id, exception }
                if announced.contains(id) =>
            {
                let wait = crate::cases::grace(&self.context.config.rules, exception.severity)?;
                let job = self.job(JobKind::SyncCase, id);
                Some(NewJob { lane: Lane::RealTime, run_at: self.now.checked_add(wait).unwrap_or(job.run_at), ..job })
            }
            _ => None,
        });
        // of several episodes in one case the newest tells it
        let newest = |case: &&CaseRecord| {
            let newest = self.loaded.cases.iter().rev().find(|other| other.external_key == case.external_key);
            newest.is_some_and(|newest| newest.id == case.id)
        };
        let known = self.loaded.cases.iter().filter(newest).map(|case| self.job(JobKind::SyncCase, case.exception));
        let grace_over = |exception: &&ExceptionRecord| {
            let wait = crate::cases::grace(&self.context.config.rules, exception.severity);
            wait.is_some_and(|wait| exception.recorded_at.checked_add(wait).is_ok_and(|due| due <= self.now))
        };
        let open = self.loaded.exceptions.iter().filter(|exception| exception.closed.is_none() && !exception.withheld);
        let in_the_making = open.filter(grace_over).map(|exception| self.job(JobKind::SyncCase, exception.id));
        opened.chain(known).chain(in_the_making).chain(self.over(exceptions)).collect()
    }

    /// What is over before its grace needs no case: the job that waits for tomorrow is done now, and finds that.
    fn over(&self, exceptions: &[ExceptionChange]) -> impl Iterator<Item = NewJob> {
        exceptions.iter().filter_map(|change| {
            let ExceptionChange::Close { id, .. } = change else { return None };
            let closed = self.loaded.exceptions.iter().find(|exception| exception.id == *id)?;
            crate::cases::grace(&self.context.config.rules, closed.severity)?;
            Some(self.job(JobKind::SyncCase, id))
        })
    }

    fn job(&self, kind: JobKind, target: impl ToString) -> NewJob {
        self.context.job(kind, target, self.cause, self.correlation, Some(self.loaded.shipment.id))
    }
}
