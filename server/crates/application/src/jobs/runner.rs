//! The runner: claims due jobs of a lane under a lease, does them side by side, renews, and finishes or gives back.

use super::{
    Finish, Performed, conclude, errors, perform, registry,
    together::{self, Writing},
};
use crate::{
    context::Context,
    destinations::{self, breaker::Admission},
    texts::Slot,
};
use domain::ids::JobId;
use jiff::{SignedDuration, Timestamp};
use outbound::Foreign;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use storage::{
    StoreError,
    jobs::{ClaimRequest, INSIDE, JobKind, Lane, LeasedJob, Wanted},
    limits::SETTLE,
};
use tokio::{
    sync::Semaphore,
    task::{AbortHandle, JoinSet},
    time::MissedTickBehavior,
};
use tokio_util::sync::CancellationToken;

/// For how long a claimed job is its worker's.
const LEASE: SignedDuration = SignedDuration::from_secs(RENEW.as_secs() as i64 * RENEWALS as i64);
/// How often leases are renewed.
const RENEW: Duration = Duration::from_secs(10);
/// How often before a lease ends.
const RENEWALS: u32 = 3;
/// Looks for work at least this often, should a wake-up be lost.
const POLL: Duration = Duration::from_secs(1);
/// Claims are at least so far apart: what comes meanwhile is claimed together and then done together, at a fraction of what
/// each would cost by itself.
const APART: Duration = Duration::from_millis(10);
/// How long a shutdown waits for running jobs before it gives their leases back.
const DRAIN: Duration = Duration::from_secs(10);

/// A worker of one lane.
pub struct Runner {
    context: Arc<Context>,
    owner: String,
    lane: Lane,
    /// The budgets, as of a moment ago.
    budgets: Mutex<Option<Budgets>>,
    /// For each order system, how many calls deliveries may make at once, and a permit for each.
    order_calls: Mutex<HashMap<String, (usize, Arc<Semaphore>)>>,
}

/// Budgets, when they were read, and of which connections: jobs of one that is no longer in use are not claimed.
struct Budgets {
    read_at: Instant,
    connections: u64,
    wanted: Arc<[Wanted]>,
}

impl Runner {
    /// A worker.
    pub fn new(context: Arc<Context>, lane: Lane) -> Self {
        let owner = format!("{}-{:?}", context.clock.id().simple(), lane);
        Self { context, owner, lane, budgets: Mutex::default(), order_calls: Mutex::default() }
    }

    /// Works until shutdown; then finishes what runs, or gives its leases back.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut running = JoinSet::new();
        let held: Held = Arc::default();
        let (context, owner) = (Arc::clone(&self.context), self.owner.clone());
        let prolong = move |jobs| {
            let (context, owner) = (Arc::clone(&context), owner.clone());
            async move {
                let until = context.now().checked_add(LEASE).unwrap_or(context.now());
                context.store.jobs.renew(&owner, jobs, until).await
            }
        };
        let renewing = tokio::spawn(renew(Arc::clone(&held), RENEW, prolong, shutdown.child_token()));
        let mut turns = tokio::time::interval(APART);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !shutdown.is_cancelled() {
            turns.tick().await;
            let woken = self.context.notifier.lane(self.lane).notified();
            tokio::pin!(woken);
            woken.as_mut().enable();
            let claimed = self.fill(&mut running, &held).await;
            if claimed > 0 {
                while running.try_join_next().is_some() {}
                continue;
            }
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = &mut woken => {}
                Some(_) = running.join_next(), if !running.is_empty() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
        self.drain(running, &held).await;
        renewing.abort();
    }

    /// Does everything that is due now, and what follows from it, one after the other. For tests and the command line,
    /// where time is advanced and not slept.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn run_until_idle(&self) -> storage::Result<u32> {
        let mut done = 0;
        loop {
            let before = done;
            for wanted in self.read_budgets().await? {
                self.context.breakers.forget();
                let orders = wanted.destination.clone().filter(|_| together::is_written_together(wanted.kind));
                let claimed = self.claim(vec![wanted], &Held::default()).await?;
                let writing = orders.filter(|_| claimed.len() > 1).map(|destination| {
                    together::begin(&self.context, &destination, &claimed, &self.order_calls(&destination))
                });
                for job in claimed {
                    let performed = perform_order(&self.context, &job, writing.clone()).await;
                    conclude(&self.context, &self.owner, &job, performed).await?;
                    done += 1;
                }
            }
            if done == before {
                return Ok(done);
            }
        }
    }

    /// How many jobs of each kind and destination are done at once.
    async fn budgets(&self) -> storage::Result<Arc<[Wanted]>> {
        let connections = self.context.connections.now().version();
        if let Some(budgets) = &*self.budgets.lock().expect("no panic while held")
            && budgets.read_at.elapsed() < POLL
            && budgets.connections == connections
        {
            return Ok(Arc::clone(&budgets.wanted));
        }
        let wanted: Arc<[Wanted]> = self.read_budgets().await?.into();
        let budgets = Budgets { read_at: Instant::now(), connections, wanted: Arc::clone(&wanted) };
        *self.budgets.lock().expect("no panic while held") = Some(budgets);
        Ok(wanted)
    }

    async fn read_budgets(&self) -> storage::Result<Vec<Wanted>> {
        let mut budgets = Vec::with_capacity(registry::ALL.len());
        for kind in registry::ALL {
            for destination in kind.calls.destinations(&self.context).await? {
                let concurrency = destinations::concurrency(&self.context, destination.as_deref());
                let at_most = u32::try_from(kind.budget.in_lane(self.lane, concurrency)).unwrap_or(u32::MAX);
                budgets.push(Wanted { kind: kind.name, destination, at_most });
            }
        }
        Ok(budgets)
    }

    /// The permits for calls of deliveries to an order system.
    fn order_calls(&self, destination: &str) -> Arc<Semaphore> {
        let at_once = destinations::concurrency(&self.context, Some(destination));
        let mut calls = self.order_calls.lock().expect("no panic while held");
        let entry = calls.entry(destination.to_owned()).or_insert_with(|| (at_once, Arc::new(Semaphore::new(at_once))));
        if entry.0 != at_once {
            *entry = (at_once, Arc::new(Semaphore::new(at_once)));
        }
        Arc::clone(&entry.1)
    }

    /// Claims what the budgets leave free.
    async fn claim_free(&self, held: &Held) -> storage::Result<Vec<LeasedJob>> {
        let free = |budget: &Wanted| {
            let same = |held: &&HeldJob| held.kind == budget.kind && held.destination == budget.destination;
            let busy = held.lock().expect("no panic while held").values().filter(same).count();
            let busy = u32::try_from(busy).unwrap_or(u32::MAX);
            // a few at a time would find few of equal values
            let waits = together::is_written_together(budget.kind) && busy.saturating_mul(2) > budget.at_most;
            Wanted { at_most: if waits { 0 } else { budget.at_most.saturating_sub(busy) }, ..budget.clone() }
        };
        let wanted = self.budgets().await?.iter().map(free).filter(|wanted| wanted.at_most > 0).collect();
        self.claim(wanted, held).await
    }

    /// Claims as much as the budgets allow; how many.
    async fn fill(&self, running: &mut JoinSet<()>, held: &Held) -> usize {
        match self.claim_free(held).await {
            Ok(leased) => {
                let claimed = leased.len();
                self.start_all(leased, running, held);
                claimed
            }
            Err(error) => {
                tracing::warn!(lane = ?self.lane, "no jobs can be claimed: {error}");
                0
            }
        }
    }

    /// Claims what is wanted, and no more than the destinations' breakers allow.
    async fn claim(&self, wanted: Vec<Wanted>, held: &Held) -> storage::Result<Vec<LeasedJob>> {
        let (mut admitted, mut probes) = (Vec::with_capacity(wanted.len()), Vec::new());
        for wanted in wanted {
            let Some(destination) = wanted.destination.clone() else {
                admitted.push(wanted);
                continue;
            };
            match self.context.breakers.admission(self.context.scope(), &destination, wanted.kind).await? {
                Admission::All => admitted.push(wanted),
                Admission::Nobody => {}
                Admission::Probe => probes.push((wanted, destination)),
            }
        }
        let mut claimed = if admitted.is_empty() { Vec::new() } else { self.lease(admitted, held).await? };
        for (wanted, destination) in probes {
            match self.probe(wanted, &destination, held).await {
                Ok(found) => claimed.extend(found),
                Err(error) if claimed.is_empty() => return Err(error),
                // what is leased already is done all the same
                Err(error) => tracing::warn!(destination, "no probe can be made: {error}"),
            }
        }
        Ok(claimed)
    }

    /// A half-open probe: one job of a destination whose breaker is open, unless another node is faster.
    async fn probe(&self, wanted: Wanted, destination: &str, held: &Held) -> storage::Result<Vec<LeasedJob>> {
        let found = self.lease(vec![Wanted { at_most: 1, ..wanted }], held).await?;
        if found.is_empty() || self.context.breakers.probe(self.context.scope(), destination).await? {
            return Ok(found);
        }
        for job in &found {
            self.context
                .store
                .jobs
                .finish(&self.owner, job.job.id, storage::jobs::Finish::Released, self.context.now())
                .await?;
        }
        Ok(Vec::new())
    }

    async fn lease(&self, wanted: Vec<Wanted>, held: &Held) -> storage::Result<Vec<LeasedJob>> {
        let now = self.context.now();
        let request = ClaimRequest {
            owner: self.owner.clone(),
            lane: self.lane,
            wanted,
            now,
            until: now.checked_add(LEASE).unwrap_or(now),
            held: held.lock().expect("no panic while held").keys().copied().collect(),
        };
        self.context.store.jobs.claim(request).await
    }

    fn start_all(&self, leased: Vec<LeasedJob>, running: &mut JoinSet<()>, held: &Held) {
        let mut orders: BTreeMap<String, Vec<LeasedJob>> = BTreeMap::new();
        for job in leased {
            match &job.job.destination {
                Some(destination) if together::is_written_together(job.job.kind) => {
                    orders.entry(destination.clone()).or_default().push(job);
                }
                _ => self.start(job, None, running, held),
            }
        }
        for (destination, jobs) in orders {
            let calls = self.order_calls(&destination);
            let writing = (jobs.len() > 1).then(|| together::begin(&self.context, &destination, &jobs, &calls));
            for job in jobs {
                self.start(job, Some(Order { writing: writing.clone(), calls: Arc::clone(&calls) }), running, held);
            }
        }
    }

    fn start(&self, job: LeasedJob, order: Option<Order>, running: &mut JoinSet<()>, held: &Held) {
        let (context, owner, done) = (Arc::clone(&self.context), self.owner.clone(), Arc::clone(held));
        let (id, kind, destination) = (job.job.id, job.job.kind, job.job.destination.clone());
        // the entry is there before the task can remove it
        let mut guard = held.lock().expect("no panic while held");
        let task = running.spawn(async move {
            let _removed = Removed { held: done, id };
            work(&context, &owner, &job, order).await;
        });
        guard.insert(id, HeldJob { kind, destination, task });
    }

    async fn drain(&self, mut running: JoinSet<()>, held: &Held) {
        let finished = tokio::time::timeout(DRAIN, async { while running.join_next().await.is_some() {} }).await;
        if finished.is_err() {
            let left: Vec<(JobId, bool)> = held
                .lock()
                .expect("no panic while held")
                .iter()
                .map(|(id, job)| (*id, job.destination.is_some()))
                .collect();
            running.shutdown().await;
            for (id, calls) in left {
                // a call that was under way may still be applied: the next attempt checks after it has settled
                let finish = match calls {
                    true => Finish::Retry {
                        at: self.context.now().checked_add(SETTLE).unwrap_or(Timestamp::MAX),
                        error: "the server was stopped meanwhile".into(),
                        class: errors::STOPPED.into(),
                    },
                    false => Finish::Released,
                };
                let finish = finish.map(|error: Foreign| self.context.texts.seal(Slot::Error, error.open()));
                let released = self.context.store.jobs.finish(&self.owner, id, finish, self.context.now()).await;
                if let Err(error) = released {
                    tracing::warn!(job = %id, "lease not given back, it ends by itself: {error}");
                }
            }
        }
    }
}

type Held = Arc<Mutex<HashMap<JobId, HeldJob>>>;

struct HeldJob {
    kind: JobKind,
    destination: Option<String>,
    task: AbortHandle,
}

/// Takes the job off the list however its task ends.
struct Removed {
    held: Held,
    id: JobId,
}

impl Drop for Removed {
    fn drop(&mut self) {
        if let Ok(mut held) = self.held.lock() {
            held.remove(&self.id);
        }
    }
}

/// What a job for a delivery shares with those that were claimed with it.
struct Order {
    writing: Option<Writing>,
    /// A permit for each call at once.
    calls: Arc<Semaphore>,
}

impl Order {
    async fn perform(self, context: &Arc<Context>, job: &LeasedJob) -> Performed {
        if let Some(writing) = &self.writing {
            writing.clone().await;
        }
        let _permit = self.calls.acquire().await;
        perform_order(context, job, self.writing).await
    }
}

/// Does a job with what was written for it together with others. Where the destination was shut meanwhile, those others
/// are given back.
async fn perform_order(context: &Arc<Context>, job: &LeasedJob, writing: Option<Writing>) -> Performed {
    let Some(writing) = writing else { return perform(context, job, None).await };
    let written = writing.await.get(&job.job.id).cloned();
    // what is written already is to be kept
    if written.is_none()
        && let Some(destination) = job.job.destination.as_deref()
        && context.breakers.admission(job.scope, destination, job.job.kind).await.is_ok_and(|now| now != Admission::All)
    {
        return Finish::Released.into();
    }
    perform(context, job, written).await
}

async fn work(context: &Arc<Context>, owner: &str, job: &LeasedJob, order: Option<Order>) {
    let span = tracing::info_span!("job", kind = job.job.kind.code(), target = %job.job.target, correlation = %job.job.correlation);
    let inner = Arc::clone(context);
    let leased = job.clone();
    // a task of its own, so that a panic in one job is that job's failure and not the worker's
    let performing = async move {
        match order {
            Some(order) => order.perform(&inner, &leased).await,
            None => perform(&inner, &leased, None).await,
        }
    };
    let performed = tokio::spawn(tracing::Instrument::instrument(performing, span));
    let _stop_with_us = AbortOnDrop(performed.abort_handle());
    let done = match performed.await {
        Ok(done) => done,
        Err(error) if error.is_cancelled() => return,
        Err(_) => crate::jobs::retry::after_ours(
            &crate::error::UseCaseError::Internal("the job panicked".into()),
            job.attempts,
            &*context.clock,
        )
        .into(),
    };
    // the text is another system's, and may name people: it is on the job's page
    if let Finish::Retry { class, .. } | Finish::Deferred { class, .. } | Finish::Dead { class, .. } = &done.finish {
        let destination = job.job.destination.as_deref().unwrap_or(INSIDE);
        tracing::warn!(kind = job.job.kind.code(), destination, target = %job.job.target, correlation = %job.job.correlation, class, "job failed");
    }
    metrics::counter!("milepost_jobs_total", "kind" => job.job.kind.to_string(), "end" => end_word(&done.finish))
        .increment(1);
    if let Err(error) = conclude(context, owner, job, done).await {
        tracing::error!(job = %job.job.id, "a finished job could not be marked; it will run again: {error}");
    }
}

struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn end_word(finish: &Finish) -> &'static str {
    match finish {
        Finish::Done => "done",
        Finish::Retry { .. } => "retry",
        Finish::Dead { .. } => "dead",
        Finish::Released => "released",
        Finish::Later(_) => "later",
        Finish::Deferred { .. } => "deferred",
    }
}

/// Prolongs leases so often; a job whose lease was lost is cancelled, since another node may be doing it. So are all of
/// them when nothing could be prolonged until shortly before the leases end.
async fn renew<P, F>(held: Held, every: Duration, prolong: P, shutdown: CancellationToken)
where
    P: Fn(Vec<JobId>) -> F,
    F: Future<Output = storage::Result<Vec<JobId>>>,
{
    let mut renewed_at = Instant::now();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = tokio::time::sleep(every) => {}
        }
        let ids: Vec<JobId> = held.lock().expect("no panic while held").keys().copied().collect();
        if ids.is_empty() {
            if shutdown.is_cancelled() {
                return;
            }
            renewed_at = Instant::now();
            continue;
        }
        let asked_at = Instant::now();
        let prolonged = tokio::time::timeout(every, prolong(ids.clone())).await;
        match prolonged.unwrap_or_else(|_| Err(StoreError::Unavailable("the database does not answer".into()))) {
            Ok(kept) => {
                renewed_at = asked_at;
                let held = held.lock().expect("no panic while held");
                for lost in ids.iter().filter(|id| !kept.contains(id)) {
                    if let Some(job) = held.get(lost) {
                        tracing::warn!(job = %lost, "lease lost: cancelled");
                        job.task.abort();
                    }
                }
            }
            Err(error) => {
                tracing::warn!("leases not renewed: {error}");
                if renewed_at.elapsed() + every >= every * RENEWALS {
                    for job in held.lock().expect("no panic while held").values() {
                        job.task.abort();
                    }
                }
            }
        }
        if shutdown.is_cancelled() {
            tokio::time::sleep(every).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        future::pending,
        sync::atomic::{AtomicU32, Ordering},
    };
    use uuid::Uuid;

    const EVERY: Duration = Duration::from_millis(20);

    /// Jobs that end only when they are cancelled.
    fn holding(ids: &[JobId]) -> (Held, JoinSet<JobId>) {
        let (held, mut running) = (Held::default(), JoinSet::new());
        for id in ids.iter().copied() {
            let removed = Removed { held: Arc::clone(&held), id };
            let task = running.spawn(async move {
                let _removed = removed;
                pending::<()>().await;
                id
            });
            held.lock()
                .unwrap()
                .insert(id, HeldJob { kind: JobKind::SYNC_ORDER, destination: Some("odoo".into()), task });
        }
        (held, running)
    }

    async fn ends(running: &mut JoinSet<JobId>) {
        assert!(running.join_next().await.expect("one is running").unwrap_err().is_cancelled());
    }

    #[tokio::test]
    async fn what_cannot_be_renewed_is_stopped_before_its_lease_ends() {
        let (held, mut running) = holding(&[JobId(Uuid::from_u128(1)), JobId(Uuid::from_u128(2))]);
        let (begun, asked) = (Instant::now(), Arc::new(AtomicU32::new(0)));
        let silent = {
            let asked = Arc::clone(&asked);
            move |_| {
                asked.fetch_add(1, Ordering::Relaxed);
                async { Err(StoreError::Busy) }
            }
        };
        let renewing = tokio::spawn(renew(Arc::clone(&held), EVERY, silent, CancellationToken::new()));
        ends(&mut running).await;
        ends(&mut running).await;
        renewing.abort();
        assert!(begun.elapsed() >= EVERY * (RENEWALS - 1), "a lease is not given up after one failure");
        assert!(asked.load(Ordering::Relaxed) > 1);
        assert!(held.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_store_that_says_nothing_is_one_that_cannot_renew() {
        let (held, mut running) = holding(&[JobId(Uuid::from_u128(1))]);
        let hung = |_| pending::<storage::Result<Vec<JobId>>>();
        let renewing = tokio::spawn(renew(held, EVERY, hung, CancellationToken::new()));
        ends(&mut running).await;
        renewing.abort();
    }

    #[tokio::test]
    async fn whose_lease_is_lost_is_stopped_and_the_others_go_on() {
        let (kept, lost) = (JobId(Uuid::from_u128(1)), JobId(Uuid::from_u128(2)));
        let (held, mut running) = holding(&[kept, lost]);
        let prolong = move |_| async move { Ok(vec![kept]) };
        let renewing = tokio::spawn(renew(Arc::clone(&held), EVERY, prolong, CancellationToken::new()));
        ends(&mut running).await;
        tokio::time::timeout(EVERY * RENEWALS * 2, running.join_next()).await.expect_err("the other one is prolonged");
        renewing.abort();
        assert_eq!(held.lock().unwrap().keys().copied().collect::<Vec<_>>(), [kept]);
    }
}
