//! A run, step by step in the batch lane: each step is one page, one transaction and the job of the next one, so that a stop or a
//! dead node loses nothing. One run of a company at a time.

use super::look::Looker;
use crate::{
    caller::Caller,
    context::Context,
    error::UseCaseError,
    keys::sealed_audit,
    odoo::{OrderError, same_database},
};
use domain::{
    access::Permission,
    ids::{CorrelationId, ReconciliationId, ShipmentId},
    reconcile::Group,
};
use jiff::{SignedDuration, Timestamp};
use outbound::{CallLog, template::Family};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use storage::{
    Scope,
    jobs::{Cause, JobKind, JobStatus, Lane, NewJob},
    reconciliations::{
        Counts, Decided, Decision, DifferenceQuery, Look, NewRun, OWN, Run, RunState, Step, Walk, Which,
    },
};

/// Shipments that ended within this time are compared beside the open ones, unless another time is asked for.
pub const WINDOW: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The longest time that may be asked for.
const WINDOW_MAX: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Shipments of one step.
const STEP_SHIPMENTS: u32 = 100;
/// Ids of deliveries of one step.
const STEP_DELIVERIES: u32 = 500;
/// Deliveries without a shipment of one step; the next one goes on behind them.
const STEP_MISSING: usize = 100;
/// Fixes of one step, and so of a second.
pub(super) const STEP_FIXES: usize = 20;
/// Between two steps, so that live work has its turn and a person has time to stop it.
const PAUSE: SignedDuration = SignedDuration::from_millis(250);
/// Between two steps of fixes.
const FIX_PAUSE: SignedDuration = SignedDuration::from_secs(1);
/// Steps that look again at what no page had.
const LEFT_STEPS_MAX: u32 = 50;
/// Steps of fixes in one run.
const FIX_STEPS_MAX: u32 = 500;
/// A run that came no further for so long is given up by the next one.
const STALLED: SignedDuration = SignedDuration::from_hours(1);

/// What a run is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    /// Shipments that are not over.
    Open,
    /// Those that ended lately.
    Ended,
    /// Those with differences that no page had.
    Left,
    /// Deliveries without a shipment.
    Missing,
    /// Numbers without an order.
    Unlinked,
    /// Fixes.
    Fix,
}

/// How far a run has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) phase: Phase,
    /// The order systems that it compares.
    pub(super) systems: Vec<String>,
    /// Which of them it is at.
    pub(super) at: usize,
    /// Records up to this one are done.
    record: i64,
    /// Shipments that ended up to this one are done.
    ended: Option<(i64, ShipmentId)>,
    /// Numbers up to this one are done.
    unlinked: Option<(i64, i64, ShipmentId)>,
    /// Pages of a phase that goes by none of these.
    pages: u32,
    /// Where the next page of fixes begins.
    fixes: Option<String>,
}

impl Place {
    fn first(systems: Vec<String>) -> Self {
        let phase = if systems.is_empty() { Phase::Unlinked } else { Phase::Open };
        Self { phase, systems, at: 0, record: 0, ended: None, unlinked: None, pages: 0, fixes: None }
    }

    pub(super) fn read(cursor: &str) -> Option<Self> {
        serde_json::from_str(cursor).ok()
    }

    fn text(&self) -> String {
        serde_json::to_string(self).expect("plain data serialises")
    }

    /// The order system that the step calls; none where it works inside.
    fn system(&self) -> Option<&str> {
        let calls = matches!(self.phase, Phase::Open | Phase::Ended | Phase::Left | Phase::Missing);
        self.systems.get(self.at).filter(|_| calls).map(String::as_str)
    }

    /// The beginning of what comes next.
    fn next_phase(&self, dry_run: bool) -> Option<Self> {
        let (phase, at) = match self.phase {
            Phase::Open => (Phase::Ended, self.at),
            Phase::Ended => (Phase::Left, self.at),
            Phase::Left => (Phase::Missing, self.at),
            Phase::Missing if self.at + 1 < self.systems.len() => (Phase::Open, self.at + 1),
            Phase::Missing => (Phase::Unlinked, self.at),
            Phase::Unlinked if !dry_run => (Phase::Fix, self.at),
            Phase::Unlinked | Phase::Fix => return None,
        };
        Some(Self { phase, at, ..Self::first(self.systems.clone()) })
    }
}

/// Whether a run was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Started {
    /// This one.
    Run(ReconciliationId),
    /// Another one is running.
    Running,
}

/// A person starts a run over what is open and what ended since then.
///
/// # Errors
/// When the caller may not, the time lies too far back, nothing is connected, or the store fails.
pub async fn start(
    context: &Context,
    caller: &Caller,
    since: Option<Timestamp>,
    dry_run: bool,
) -> crate::Result<Started> {
    caller.require(Permission::Operate)?;
    let (scope, now) = (caller.scope(), context.now());
    let since = since.unwrap_or_else(|| now.checked_sub(WINDOW).unwrap_or(now));
    if since > now || now.duration_since(since) > WINDOW_MAX {
        let message = "choose a time within the last 90 days, such as 7d".into();
        return Err(UseCaseError::Invalid { field: "since", message });
    }
    if systems(context).is_empty() {
        let message = "no order system is connected: connect Odoo under Connections first".into();
        return Err(UseCaseError::Invalid { field: "connection", message });
    }
    let what = serde_json::json!({"since": since.to_string(), "dry_run": dry_run});
    let what = sealed_audit(context, scope, &what).await?;
    let audited =
        |id: ReconciliationId| context.audit("reconciliation.start", format!("reconciliation:{id}")).after(what);
    begin(context, scope, since, dry_run, Some(audited)).await
}

/// The clock starts a run; one that came no further is given up first.
///
/// # Errors
/// When the store fails.
pub async fn scheduled(context: &Context, scope: Scope) -> crate::Result<Started> {
    let (store, now) = (&context.store.reconciliations, context.now());
    let newest = store.runs(scope).await?.into_iter().next();
    if let Some(run) = newest.filter(|run| run.state == RunState::Running)
        && now.duration_since(run.stepped_at) >= STALLED
    {
        store.end(scope, run.id, RunState::Stalled, now, None).await?;
    }
    if systems(context).is_empty() {
        return Ok(Started::Running);
    }
    let since = now.checked_sub(WINDOW).unwrap_or(now);
    let quiet = None::<fn(ReconciliationId) -> storage::AuditEntry>;
    begin(context, scope, since, false, quiet).await
}

/// The order systems that are in use.
fn systems(context: &Context) -> Vec<String> {
    context.connections.now().in_use(Family::Orders).map(|one| one.record.name.clone()).collect()
}

async fn begin(
    context: &Context,
    scope: Scope,
    since: Timestamp,
    dry_run: bool,
    audited: Option<impl FnOnce(ReconciliationId) -> storage::AuditEntry>,
) -> crate::Result<Started> {
    let store = &context.store.reconciliations;
    let (id, at) = (ReconciliationId(context.clock.id()), context.now());
    let mut own = Vec::new();
    for system in systems(context) {
        // what leads to the database of another connection has no deliveries of its own
        if same_database::is_alone(context, scope, &system).await? {
            own.push(system);
        }
    }
    let place = Place::first(own);
    let total = store.total(scope, place.systems.clone(), since).await?;
    let job = step_job(context, id, &place, at, context.correlation());
    let run = NewRun { id, since, dry_run, total, cursor: place.text(), at };
    if !store.begin(scope, run, vec![job], audited.map(|audited| audited(id))).await? {
        return Ok(Started::Running);
    }
    context.notifier.work(Lane::Batch);
    context.notifier.changed();
    Ok(Started::Run(id))
}

/// A person stops a run; what it found stays.
///
/// # Errors
/// When the caller may not, there is none of this id, it has ended, or the store fails.
pub async fn stop(context: &Context, caller: &Caller, id: ReconciliationId) -> crate::Result<()> {
    caller.require(Permission::Operate)?;
    let audit = context.audit("reconciliation.stop", format!("reconciliation:{id}"));
    let store = &context.store.reconciliations;
    if store.end(caller.scope(), id, RunState::Stopped, context.now(), Some(audit)).await? {
        context.notifier.changed();
        return Ok(());
    }
    match store.run(caller.scope(), id).await? {
        Some(_) => Err(UseCaseError::Invalid { field: "run", message: "the run has ended already".into() }),
        None => Err(UseCaseError::NotFound("run")),
    }
}

/// The job of a step.
fn step_job(
    context: &Context,
    id: ReconciliationId,
    place: &Place,
    at: Timestamp,
    correlation: CorrelationId,
) -> NewJob {
    let job = context.job(JobKind::RECONCILE, id, Cause::Reconcile, correlation, None);
    NewJob { lane: Lane::Batch, run_at: at, destination: place.system().map(str::to_owned), ..job }
}

/// What a step found, and where the next one begins; none where its phase is over.
struct Paged {
    look: Look,
    counts: Counts,
    next: Option<Place>,
    fixes: Vec<NewJob>,
}

/// Makes the next step of a run.
///
/// # Errors
/// When the order system is not in use or does not answer, or the store fails; the step is then made again.
pub async fn step(
    context: &Context,
    scope: Scope,
    id: ReconciliationId,
    destination: Option<&str>,
    correlation: CorrelationId,
    calls: &dyn CallLog,
) -> Result<(), OrderError> {
    let store = &context.store.reconciliations;
    let run = store.run(scope, id).await?.filter(|run| run.state == RunState::Running);
    let Some(run) = run else { return Ok(()) };
    let place =
        Place::read(&run.cursor).ok_or_else(|| UseCaseError::Internal("a run's place cannot be read".into()))?;
    let now = context.now();
    if place.system() != destination {
        // a step of before, made twice
        let job = step_job(context, id, &place, now, correlation);
        context.store.jobs.enqueue(scope, vec![job]).await?;
        return Ok(());
    }
    let looker = Looker { context, scope, calls };
    let walker = Walker { looker, run: &run };
    let Paged { mut look, counts, next, fixes } = walker.page(place.clone()).await?;
    look.run = Some(id);
    let ended = next.is_none() && place.phase == Phase::Unlinked;
    let next = next.or_else(|| place.next_phase(run.dry_run));
    let pause = if place.phase == Phase::Fix { FIX_PAUSE } else { PAUSE };
    let at = now.checked_add(pause).unwrap_or(now);
    let jobs = next.iter().map(|place| step_job(context, id, place, at, correlation)).chain(fixes).collect();
    let step = Step { from: run.cursor.clone(), to: next.map(|place| place.text()), look, counts, at: now, jobs };
    store.step(scope, id, step).await?;
    if ended {
        // what was of a record that is no longer there
        let systems = place.systems.iter().cloned().chain([OWN.to_owned()]).collect();
        store.close_unseen(scope, id, systems, run.started_at, now).await?;
    }
    context.notifier.work(Lane::Batch);
    context.notifier.changed();
    Ok(())
}

struct Walker<'a> {
    looker: Looker<'a>,
    run: &'a Run,
}

impl Walker<'_> {
    async fn page(&self, place: Place) -> Result<Paged, OrderError> {
        match place.phase {
            Phase::Open | Phase::Ended | Phase::Left => self.shipments(place).await,
            Phase::Missing => self.missing(place).await,
            Phase::Unlinked => self.unlinked(place).await,
            Phase::Fix => self.fixes(place).await,
        }
    }

    async fn shipments(&self, place: Place) -> Result<Paged, OrderError> {
        let Looker { context, scope, .. } = self.looker;
        let system = place.systems[place.at].clone();
        let walk = match place.phase {
            Phase::Open => Walk::Open(place.record),
            Phase::Ended => Walk::Ended(self.run.since, place.ended),
            _ => Walk::Left(self.run.id),
        };
        let page = context.store.reconciliations.subjects(scope, &system, walk, STEP_SHIPMENTS).await?;
        let Some(last) = page.last() else { return Ok(over()) };
        let more = page.len() >= STEP_SHIPMENTS as usize && place.pages < LEFT_STEPS_MAX;
        let next = more.then(|| Place {
            record: last.record,
            ended: Some((last.updated_us, last.id)),
            // the other phases go by their last shipment
            pages: place.pages + u32::from(place.phase == Phase::Left),
            ..place
        });
        let ids: Vec<ShipmentId> = page.iter().map(|one| one.id).collect();
        let (look, tickets) = self.looker.shipments(&system, &ids).await?;
        let counts = Counts { compared: ids.len() as u64, tickets, ..Counts::default() };
        Ok(Paged { look, counts, next, fixes: Vec::new() })
    }

    async fn missing(&self, place: Place) -> Result<Paged, OrderError> {
        let Looker { context, scope, calls } = self.looker;
        let system = place.systems[place.at].clone();
        let odoo = context.odoo(&system).ok_or(OrderError::NotInUse)?;
        let found = odoo.delivery_ids(place.record, STEP_DELIVERIES, calls).await?;
        let ids: Vec<i64> = found.iter().copied().flatten().collect();
        let known = context.store.shipments.known_records(scope, &system, ids.clone()).await?;
        let unknown = ids.iter().copied().filter(|id| !known.contains(id));
        let unknown: Vec<i64> = unknown.take(STEP_MISSING).collect();
        let cut = unknown.len() >= STEP_MISSING;
        let last = if cut { unknown.last() } else { ids.last() }.copied();
        let more = cut || found.len() >= STEP_DELIVERIES as usize;
        let next = last.filter(|_| more).map(|record| Place { record, ..place });
        let counts = Counts { compared: unknown.len() as u64, ..Counts::default() };
        let look = self.looker.missing(&system, &unknown).await?;
        Ok(Paged { look, counts, next, fixes: Vec::new() })
    }

    async fn unlinked(&self, place: Place) -> Result<Paged, OrderError> {
        let Looker { context, scope, .. } = self.looker;
        let page = context.store.reconciliations.unlinked(scope, place.unlinked, STEP_SHIPMENTS).await?;
        let Some(last) = page.last() else { return Ok(over()) };
        let more = page.len() >= STEP_SHIPMENTS as usize;
        let next = more.then_some(Place { unlinked: Some(last.cursor), ..place });
        let (look, tickets) = self.looker.unlinked(&page).await?;
        let counts = Counts { compared: page.len() as u64, tickets, ..Counts::default() };
        Ok(Paged { look, counts, next, fixes: Vec::new() })
    }

    /// Begins the fixes that need no decision, a few at a time.
    async fn fixes(&self, place: Place) -> Result<Paged, OrderError> {
        let Looker { context, scope, .. } = self.looker;
        let store = &context.store.reconciliations;
        let which = Which::Of(Group::Safe);
        let page =
            store.list(scope, DifferenceQuery { which, cursor: place.fixes.clone(), ..Default::default() }).await?;
        let (mut requested, mut more) = (0, None);
        let targets = page.rows.iter().map(|one| one.found.id.to_string()).collect();
        let jobs = store.updates(scope, JobKind::FIX_DIFFERENCE, targets).await?;
        // a fix that failed is for a person, in the list of failed jobs
        let failed: BTreeSet<String> =
            jobs.into_iter().filter(|(_, status)| *status == JobStatus::Dead).map(|(target, _)| target).collect();
        let healing = page.rows.iter().filter(|one| {
            one.found.cause.heals_itself() && one.requested.is_none() && !failed.contains(&one.found.id.to_string())
        });
        for one in healing {
            if requested >= STEP_FIXES {
                // the rest of the page comes with the next step: what was requested is no longer among them
                more = Some(place.fixes.clone());
                break;
            }
            let job = super::fix::job(context, one, Lane::Batch, context.correlation());
            let decision = Decision {
                id: one.found.id,
                revision: one.revision,
                decided: Decided::Request(None),
                jobs: vec![job],
                audit: None,
                at: context.now(),
            };
            let done = store.decide(scope, decision).await?;
            requested += usize::from(done);
        }
        let more = more.or_else(|| page.next.map(Some));
        let pages = place.pages + 1;
        let next = more.filter(|_| pages < FIX_STEPS_MAX).map(|fixes| Place { fixes, pages, ..place });
        let counts = Counts { fixes: requested as u64, ..Counts::default() };
        Ok(Paged { look: Look::default(), counts, next, fixes: Vec::new() })
    }
}

/// A phase is over.
fn over() -> Paged {
    Paged { look: Look::default(), counts: Counts::default(), next: None, fixes: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_goes_through_every_phase_of_every_system_and_ends() {
        for (systems, dry_run, phases) in [
            (0, false, vec![Phase::Unlinked, Phase::Fix]),
            (1, true, vec![Phase::Open, Phase::Ended, Phase::Left, Phase::Missing, Phase::Unlinked]),
            (
                2,
                false,
                vec![
                    Phase::Open,
                    Phase::Ended,
                    Phase::Left,
                    Phase::Missing,
                    Phase::Open,
                    Phase::Ended,
                    Phase::Left,
                    Phase::Missing,
                    Phase::Unlinked,
                    Phase::Fix,
                ],
            ),
        ] {
            let systems: Vec<String> = (0..systems).map(|n| format!("odoo{n}")).collect();
            let mut place = Some(Place::first(systems.clone()));
            let mut gone_through = Vec::new();
            while let Some(here) = place {
                assert_eq!(Place::read(&here.text()).as_ref(), Some(&here));
                assert_eq!((here.record, here.ended, here.pages), (0, None, 0), "each phase begins at its beginning");
                gone_through.push(here.phase);
                place = here.next_phase(dry_run);
            }
            assert_eq!(gone_through, phases);
        }
    }

    #[test]
    fn a_step_calls_the_system_that_it_is_at() {
        let place = Place::first(vec!["one".into(), "two".into()]);
        assert_eq!(place.system(), Some("one"));
        let second = Place { at: 1, ..place.clone() };
        assert_eq!(second.system(), Some("two"));
        let inside = Place { phase: Phase::Fix, ..place };
        assert_eq!(inside.system(), None);
    }
}
