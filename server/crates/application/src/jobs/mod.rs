//! Jobs: the runner with leases, how failures are tried again, and one file for each kind of job.

mod add_up_figures;
mod answers;
mod ask_customer;
mod ask_tracking;
mod book_shipment;
mod check_connection;
mod check_rules;
mod claim_deadlines;
pub mod errors;
mod evaluate_alerts;
mod expire_proofs;
mod fetch_keys;
mod fix_difference;
mod fold;
mod follow_erasures;
mod import_orders;
mod kind;
mod learn_transit;
mod message_customer;
mod next;
mod normalise;
mod plan_reports;
mod poll_desk;
mod prepare_claim;
mod prune;
mod read_order;
mod reconcile;
mod recount_figures;
mod register_tracking;
pub mod registry;
mod renew_tracking;
mod replay;
mod reread;
pub mod retry;
mod rule_actions;
pub mod runner;
mod schedule;
mod send_alert;
mod send_report;
mod sweep;
mod sync_booking;
mod sync_case;
mod sync_order;
mod together;
mod try_rule;
mod void_booking;

use crate::{context::Context, destinations::breaker, texts::Slot};
use domain::ids::{AttemptId, JobId};
use futures::future::join_all;
use outbound::{Call, CallKind, CallLog, Concerns, ErrorClass, Foreign, class_of_status};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use storage::{
    destinations::Health,
    jobs::{AttemptRecord, JobKind, LeasedJob, NewJob, Outcome},
};
use together::Written;

use kind::Job;
pub use kind::{Budget, Calls, Kind, Start};
pub use runner::Runner;
pub use schedule::{reschedule, run_schedule, run_upkeep, schedules, tick};

/// How a job ends. The text of its error may be another system's, and is sealed before it is kept.
pub type Finish = storage::jobs::Finish<Foreign>;

/// Does one leased job, of which something may have been done together with others; how it ended.
async fn perform(context: &Arc<Context>, leased: &LeasedJob, written: Option<Written>) -> Performed {
    if retry::is_hopeless(leased.attempts) {
        let error = format!("the process ended or lost its lease while it did this; {} tries", leased.attempts);
        return Finish::Dead { error: error.into(), class: errors::ENDED.into() }.into();
    }
    let calls = CallKeeper::new(Arc::clone(context), leased);
    let silent = written.as_ref().is_some_and(Written::is_anothers_failure);
    for call in written.iter().flat_map(|written| &written.calls) {
        calls.keep(call.clone());
    }
    let Some(kind) = registry::of(leased.job.kind) else {
        let error = format!("there is no kind of job {}: a newer version made it; start that one", leased.job.kind);
        return Finish::Dead { error: error.into(), class: errors::INVALID.into() }.into();
    };
    let finish = (kind.run)(Job { context, leased, calls: &calls, written }).await;
    let Kept { calls, wait } = calls.kept();
    let Some(destination) = leased.job.destination.as_deref() else { return Performed { finish, calls } };
    let outcome = outcome_of(&finish, calls.len());
    let counted = if silent { breaker::Outcome::NotCalled } else { outcome };
    let called = breaker::Called { kind: leased.job.kind, outcome: counted, class: class_of(&finish), wait };
    let finish = match context.breakers.record(leased.scope, destination, called).await {
        Ok(recorded) => {
            if recorded.closed {
                context.notifier.all_work();
            }
            match outcome {
                breaker::Outcome::Failure => deferred(finish, &recorded.health),
                _ => finish,
            }
        }
        Err(error) => {
            tracing::warn!(destination, "what its calls say of the destination is not kept: {error}");
            finish
        }
    };
    Performed { finish, calls }
}

/// Leaves work to the connection that has what it is about: a job calls its own destination alone.
async fn leave_to(context: &Context, leased: &LeasedJob, destination: &str) -> Finish {
    let job = NewJob { id: JobId(context.clock.id()), run_at: context.now(), ..leased.job.clone() }.to(destination);
    let lane = job.lane;
    match context.store.jobs.enqueue(leased.scope, vec![job]).await {
        Ok(()) => {
            context.notifier.work(lane);
            Finish::Done
        }
        Err(error) => retry::after_ours(&error.into(), leased.attempts, &*context.clock),
    }
}

/// A job that was done, and is not marked yet.
pub struct Performed {
    /// How it ended.
    pub finish: Finish,
    calls: Vec<AttemptRecord>,
}

impl From<Finish> for Performed {
    fn from(finish: Finish) -> Self {
        Self { finish, calls: Vec::new() }
    }
}

/// Keeps a job's calls, then marks it. Calls that cannot be kept are logged: the work itself is done.
///
/// # Errors
/// When the job cannot be marked; its lease then ends by itself.
pub async fn conclude(context: &Context, owner: &str, leased: &LeasedJob, done: Performed) -> storage::Result<()> {
    let jobs = &context.store.jobs;
    let kept = join_all(done.calls.into_iter().map(|call| jobs.attempt(leased.scope, call))).await;
    for error in kept.into_iter().filter_map(Result::err) {
        tracing::error!(job = %leased.job.id, "a call could not be kept: {error}");
    }
    if let Err(error) = answers::keep(context, leased, &done.finish).await {
        tracing::error!(job = %leased.job.id, "the answer of a system is not kept as an exception: {error}");
    }
    let finish = done.finish.map(|error| context.texts.seal(Slot::Error, error.open()));
    jobs.finish(owner, leased.job.id, finish, context.now()).await
}

fn class_of(finish: &Finish) -> Option<&str> {
    match finish {
        Finish::Retry { class, .. } | Finish::Deferred { class, .. } | Finish::Dead { class, .. } => Some(class),
        Finish::Done | Finish::Released | Finish::Later(_) => None,
    }
}

/// The outcome of a job for its destination.
fn outcome_of(finish: &Finish, calls: usize) -> breaker::Outcome {
    match class_of(finish).and_then(ErrorClass::from_code) {
        Some(class) if class.concerns() == Concerns::System => breaker::Outcome::Failure,
        // a rate limit is neither a success nor a failure
        Some(ErrorClass::RateLimited) => breaker::Outcome::NotCalled,
        _ if calls > 0 => breaker::Outcome::Success,
        _ => breaker::Outcome::NotCalled,
    }
}

/// While the breaker is open, a failure is not the job's: the attempt does not count. It waits behind the others, so
/// that another one is the next probe, should this one be what the destination cannot process.
fn deferred(finish: Finish, health: &Health) -> Finish {
    match (health.open_until, finish) {
        (Some(until), Finish::Retry { at, error, class } | Finish::Deferred { at, error, class }) => {
            Finish::Deferred { at: until.max(at), error, class }
        }
        (_, finish) => finish,
    }
}

/// Keeps every call that a job makes, for the sync page and the timeline.
pub struct CallKeeper {
    context: Arc<Context>,
    leased: LeasedJob,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    calls: Vec<AttemptRecord>,
    wait: Option<Duration>,
}

impl CallKeeper {
    fn new(context: Arc<Context>, leased: &LeasedJob) -> Self {
        Self { context, leased: leased.clone(), kept: Mutex::default() }
    }

    /// The calls so far, and for how long the destination limits the rate.
    fn kept(self) -> Kept {
        self.kept.into_inner().unwrap_or_default()
    }
}

impl CallLog for CallKeeper {
    fn correlation(&self) -> String {
        self.leased.job.correlation.to_string()
    }

    fn record(&self, call: Call) {
        count(&self.context, &call, &self.destination(&call), self.leased.job.kind);
        self.keep(call);
    }
}

impl CallKeeper {
    /// The connection that a call went to.
    fn destination(&self, call: &Call) -> String {
        self.leased.job.destination.clone().unwrap_or_else(|| call.destination.to_owned())
    }

    /// Keeps a call; one that was made for several jobs is each one's.
    fn keep(&self, call: Call) {
        let duration_ms = u64::try_from(call.duration.as_millis()).unwrap_or(u64::MAX);
        let span = jiff::SignedDuration::try_from(call.duration).unwrap_or_default();
        let attempt = AttemptRecord {
            id: AttemptId(self.context.clock.id()),
            job: self.leased.job.id,
            correlation: self.leased.job.correlation,
            shipment: self.leased.job.shipment,
            destination: self.destination(&call),
            operation: call.operation,
            started_at: self.context.now().checked_sub(span).unwrap_or(self.context.now()),
            duration_ms,
            status: call.status,
            outcome: match call.outcome {
                outbound::Outcome::Ok => Outcome::Ok,
                outbound::Outcome::Failed => Outcome::Failed,
                outbound::Outcome::Unknown => Outcome::Unknown,
            },
            request: Some(self.context.texts.seal(Slot::Request, call.request.open())),
            response: Some(self.context.texts.seal(Slot::Response, call.response.open())),
        };
        let mut kept = self.kept.lock().expect("no panic while held");
        kept.calls.push(attempt);
        kept.wait = kept.wait.max(call.wait);
    }
}

fn count(context: &Context, call: &Call, destination: &str, kind: JobKind) {
    let class = call.status.map_or(Some(ErrorClass::Unreachable), |status| class_of_status(status, CallKind::Query));
    let failed = class.unwrap_or(ErrorClass::Rejected).code();
    let failed = (call.outcome != outbound::Outcome::Ok).then_some(failed);
    // of a source its messages are counted, not how its platform's keys are fetched
    if kind != JobKind::FETCH_KEYS {
        context.connections.count(destination, failed, context.now());
    }
    let labels = [("destination", destination.to_owned()), ("outcome", outcome_word(call).to_owned())];
    metrics::counter!("milepost_calls_total", &labels).increment(1);
    metrics::histogram!("milepost_call_seconds", "destination" => destination.to_owned())
        .record(call.duration.as_secs_f64());
}

fn outcome_word(call: &Call) -> &'static str {
    match call.outcome {
        outbound::Outcome::Ok => "ok",
        outbound::Outcome::Failed => "failed",
        outbound::Outcome::Unknown => "unknown",
    }
}
