//! Fold a shipment: load everything known, fold (pure), commit state, exceptions, effects and jobs together.

use crate::{
    booking::renewal,
    cases::routing,
    connections::live::Snapshot,
    context::Context,
    error::{Result, UseCaseError},
    exceptions::{calendar, teams, watch},
    kpi::{keep, unit},
    rules::{
        book::Book,
        follow::{self, Admissions, Admitted},
        regard,
    },
};
use domain::{
    ExceptionReason,
    commit::{self, ExceptionChange},
    effects::{EffectOutcome, EffectTarget},
    fold::{self, Folded, NextUse},
    ids::{CorrelationId, ExceptionId, ShipmentId},
    rules::{self, Change, Intent},
};
use jiff::Timestamp;
use std::time::Instant;
use storage::{
    Scope,
    jobs::{Cause, JobKind, Lane, NewJob},
    rollups::NewContribution,
    shipments::{Commit, Committed, EffectRecord, LastEvent, Loaded, NewEffect, ShipmentRecord, UnknownChange},
    work::{CaseRecord, ExceptionRecord},
};

/// How often a fold is tried again when somebody else committed first.
const CONFLICTS_MAX: u32 = 8;

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
    let mut admissions = Admissions::default();
    for _ in 0..CONFLICTS_MAX {
        let Some(mut loaded) = context.store.shipments.load(scope, id, None).await? else {
            return Ok(FoldOutcome::Gone);
        };
        if loaded.shipment.merged_into.is_some() {
            return Ok(FoldOutcome::Gone);
        }
        let now = context.now();
        loaded.input.watch = watch::of(context, scope, &loaded).await?;
        let company = calendar::company(context, scope).await?;
        let mut folded = fold::fold(&loaded.input, now);
        let book = context.rules.book(&context.store, scope, context.now()).await?;
        let Ruled { exceptions, outcome } = ruled(context, &loaded, &book, &mut folded, (cause, now));
        let Admitted { intents, own, firings } =
            follow::admit((context, &mut admissions), &book, &loaded.effects, (id, outcome), &mut folded);
        let next_uses = next_uses(&loaded, &folded);
        let same = next_uses.is_empty() && unchanged(&loaded, &folded, &exceptions);
        let counting = Instant::now();
        let contributed = unit::of(context, &loaded, &folded, &exceptions, &company, now);
        let contributed = NewContribution::since(contributed, &loaded.contributed)?;
        keep::spent("count", counting.elapsed());
        if same && own.is_empty() {
            let revision = loaded.shipment.revision;
            if let Some(new) = contributed
                && !context.store.rollups.replace(scope, id, revision, new, now).await?
            {
                continue;
            }
            go_on(context, scope, &loaded, (cause, correlation)).await?;
            return Ok(FoldOutcome::Unchanged);
        }
        let intents = intents.into_iter().filter(|_| !same).chain(own).collect();
        let derivation = Derivation { context, loaded: &loaded, exceptions: &exceptions, cause, correlation };
        let Consequences { effects, mut jobs, withheld } = derivation.consequences(intents);
        jobs.extend(renewal::after_change(context, id, (&loaded.shipment.folded, &folded), correlation));
        let commit = Commit {
            shipment: id,
            expected: loaded.shipment.revision,
            cause,
            correlation,
            at: now,
            last_event: last_event(&loaded, &folded),
            teams: teams::of_new(context, scope, &loaded, &exceptions).await?,
            exceptions,
            effects,
            jobs,
            withheld,
            next_uses,
            calendar: company.own(),
            unknown: unknown(&loaded, &folded),
            contributed,
            folded,
        };
        match context.store.shipments.commit(scope, commit).await? {
            Committed::Done(revision) => {
                context.notifier.all_work();
                context.notifier.changed();
                context.rules.guard.count(id, firings, now);
                return Ok(FoldOutcome::Committed(revision));
            }
            Committed::Superseded => return Ok(FoldOutcome::Superseded),
            Committed::Conflict => {}
        }
    }
    Err(UseCaseError::Unavailable(format!("shipment {id} is committed by too many at once")))
}

/// What changes of why nothing current is known.
fn unknown(loaded: &Loaded, folded: &Folded) -> Option<UnknownChange> {
    let before = loaded.shipment.folded.unknown;
    (before != folded.unknown).then(|| folded.unknown.map_or(UnknownChange::Known, UnknownChange::Because))
}

fn unchanged(loaded: &Loaded, folded: &Folded, changes: &[ExceptionChange]) -> bool {
    let before = &loaded.shipment.folded;
    before.hash == folded.hash
        && before.review_at == folded.review_at
        && before.heard_at == folded.heard_at
        && before.unknown == folded.unknown
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

/// What the rules make of a fold: the exceptions with their severities by rule, and what follows.
struct Ruled {
    exceptions: Vec<ExceptionChange>,
    outcome: rules::Outcome,
}

fn ruled(
    context: &Context,
    loaded: &Loaded,
    book: &Book,
    folded: &mut Folded,
    (cause, now): (Cause, Timestamp),
) -> Ruled {
    let id = loaded.shipment.id;
    let committed: Vec<_> = loaded.exceptions.iter().map(ExceptionRecord::committed).collect();
    let about = regard::about(loaded, regard::steps(context, loaded));
    let change = Change {
        shipment: id,
        revision: loaded.shipment.revision,
        linked: loaded.shipment.origin.is_some(),
        cause,
        now,
        facts: &loaded.input.facts,
        bound_at: &loaded.bound_at,
        before: &loaded.shipment.folded,
        after: folded,
        committed: &committed,
        exceptions: &[],
        activities: &open_activities(loaded),
        cases: &newest_in_their_cases(loaded),
        invoiced: is_invoiced(loaded),
        about: &about,
    };
    let mut by_rule = folded.exceptions.clone();
    rules::severities(&book.running, &change, &mut by_rule);
    let exceptions = commit::reconcile(id, &committed, &by_rule);
    let outcome =
        rules::evaluate(&book.running, &context.config.rules.policy(), &Change { exceptions: &exceptions, ..change });
    folded.exceptions = by_rule;
    Ruled { exceptions, outcome }
}

/// Whether Milepost has made an invoice for it.
fn is_invoiced(loaded: &Loaded) -> bool {
    let invoice =
        |effect: &EffectRecord| effect.target == EffectTarget::OrderInvoice && effect.outcome.name().is_some();
    loaded.effects.iter().any(invoice)
}

/// What changes nothing of the state may still be for the order system: a delivery that changed there is compared with what it
/// shows, and a step that waits for the carrier's word, or for what people do there, goes on.
async fn go_on(
    context: &Context,
    scope: Scope,
    loaded: &Loaded,
    (cause, correlation): (Cause, CorrelationId),
) -> Result<()> {
    let waits = |effect: &EffectRecord| {
        effect.outcome == EffectOutcome::Pending
            && matches!(effect.target, EffectTarget::OrderProof | EffectTarget::OrderInvoice)
    };
    let goes_on = match cause {
        Cause::Import => true,
        Cause::Live => loaded.effects.iter().any(waits),
        Cause::History | Cause::Replay | Cause::Reconcile => false,
    };
    let connections = context.connections.now();
    let origin = loaded.shipment.origin.as_ref().filter(|origin| goes_on && connections.get(&origin.system).is_some());
    let Some(origin) = origin else { return Ok(()) };
    let id = loaded.shipment.id;
    let job = context.job(JobKind::SYNC_ORDER, id, cause, correlation, Some(id)).to(&origin.system);
    context.store.jobs.enqueue(scope, vec![job]).await?;
    context.notifier.all_work();
    Ok(())
}

/// The keys of the activities that are open in the order system.
fn open_activities(loaded: &Loaded) -> Vec<&str> {
    loaded.effects.iter().filter(|effect| effect.is_open_activity()).map(|effect| effect.key.as_str()).collect()
}

/// The exceptions that have a case; of several episodes in one case the newest reports it.
fn newest_in_their_cases(loaded: &Loaded) -> Vec<ExceptionId> {
    let newest = |case: &&CaseRecord| {
        let newest = loaded.cases.iter().rev().find(|other| other.external_key == case.external_key);
        newest.is_some_and(|newest| newest.id == case.id)
    };
    loaded.cases.iter().filter(newest).map(|case| case.exception).collect()
}

/// What a fold leads to, as it is committed.
#[derive(Default)]
struct Consequences {
    effects: Vec<NewEffect>,
    jobs: Vec<NewJob>,
    withheld: Vec<ExceptionId>,
}

/// What effects and jobs are made from.
struct Derivation<'a> {
    context: &'a Context,
    loaded: &'a Loaded,
    exceptions: &'a [ExceptionChange],
    cause: Cause,
    correlation: CorrelationId,
}

impl Derivation<'_> {
    /// Makes effects and jobs of what is to happen, for the systems that there are.
    fn consequences(&self, intents: Vec<Intent>) -> Consequences {
        let connections = self.context.connections.now();
        let shipment = self.loaded.shipment.id;
        let system = self.loaded.shipment.origin.as_ref().map(|origin| origin.system.as_str());
        let system = system.filter(|system| connections.get(system).is_some());
        let mut made = Consequences::default();
        for intent in intents {
            match intent {
                Intent::Withhold(exception) => made.withheld.push(exception),
                Intent::Effect { id, target, key, body, outcome } => {
                    let body = serde_json::to_string(&body).expect("plain data serialises");
                    made.effects.push(NewEffect { id, target, key, body, outcome });
                }
                // what was just refused is not sent again because of that
                Intent::UpdateOrder { .. } if self.opens(ExceptionReason::OrderRefused) => {}
                Intent::UpdateCase { .. } if self.opens(ExceptionReason::DeskRefused) => {}
                Intent::UpdateOrder { urgent } => {
                    made.jobs.extend(system.map(|system| self.job(JobKind::SYNC_ORDER, &shipment, system, urgent)));
                }
                Intent::Act => {
                    let job =
                        self.context.job(JobKind::RULE_ACTIONS, shipment, self.cause, self.correlation, Some(shipment));
                    made.jobs.push(job);
                }
                Intent::UpdateCase { exception, at, urgent, desk } => {
                    let desk = self.desk_of(&connections, exception, desk);
                    let job = |desk: String| self.job(JobKind::SYNC_CASE, &exception, &desk, urgent);
                    made.jobs.extend(desk.map(job).map(|job| NewJob { run_at: at, ..job }));
                }
            }
        }
        made
    }

    /// Whether an exception of a reason is open from now on.
    fn opens(&self, reason: ExceptionReason) -> bool {
        let open = |id: ExceptionId| self.loaded.exceptions.iter().any(|one| one.id == id && one.closed.is_none());
        self.exceptions.iter().any(|change| match change {
            ExceptionChange::Open { id, exception } | ExceptionChange::Keep { id, exception } => {
                exception.reason == reason && exception.closed.is_none() && !open(*id)
            }
            ExceptionChange::Close { .. } => false,
        })
    }

    fn job(&self, kind: JobKind, target: &dyn ToString, destination: &str, urgent: bool) -> NewJob {
        let shipment = Some(self.loaded.shipment.id);
        let job = self.context.job(kind, target.to_string(), self.cause, self.correlation, shipment).to(destination);
        if urgent { NewJob { lane: Lane::RealTime, ..job } } else { job }
    }

    /// The desk of an exception: that of its case, where it waits should that desk not be in use; else the one that takes it;
    /// none where none does.
    fn desk_of(&self, connections: &Snapshot, exception: ExceptionId, by_rule: Option<String>) -> Option<String> {
        let case = self.loaded.cases.iter().rev().find(|case| case.exception == exception);
        if let Some(case) = case {
            return Some(case.desk.clone());
        }
        if let Some(desk) = by_rule.filter(|desk| connections.get(desk).is_some()) {
            return Some(desk);
        }
        let opened = self.exceptions.iter().find_map(|change| match change {
            ExceptionChange::Open { id, exception: opened } | ExceptionChange::Keep { id, exception: opened }
                if *id == exception =>
            {
                Some(opened.severity)
            }
            _ => None,
        });
        let known = || self.loaded.exceptions.iter().find(|known| known.id == exception).map(|known| known.severity);
        let ShipmentRecord { origin, numbers, .. } = &self.loaded.shipment;
        let subject = routing::subject(origin.as_ref(), numbers, opened.or_else(known));
        connections.desk_for(&subject).map(str::to_owned)
    }
}
