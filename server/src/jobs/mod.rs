//! Jobs: the runner with leases, how failures are tried again, and one file for each kind of job.

mod fetch_keys;
mod fold;
mod import_orders;
mod normalise;
mod reread;
pub mod retry;
pub mod runner;
mod schedule;
mod sync_case;
mod sync_order;

use crate::tower::Tower;
use connectors::call::{Call, CallLog};
use domain::ids::AttemptId;
use std::sync::{Arc, Mutex};
use storage::jobs::{AttemptRecord, Finish, JobKind, LeasedJob, Outcome};

pub use runner::Runner;
pub use schedule::{Done, run_schedule, run_upkeep, tick};

/// Does one leased job; how it ended.
pub async fn perform(tower: &Arc<Tower>, leased: &LeasedJob) -> Finish {
    let calls = CallKeeper::new(Arc::clone(tower), leased);
    let finish = match leased.job.kind {
        JobKind::Normalise => normalise::perform(tower, leased).await,
        JobKind::Fold => fold::perform(tower, leased).await,
        JobKind::SyncOrder => sync_order::perform(tower, leased, &calls).await,
        JobKind::SyncCase => sync_case::perform(tower, leased, &calls).await,
        JobKind::ImportOrders => import_orders::perform(tower, leased, &calls).await,
        JobKind::FetchKeys => fetch_keys::perform(tower, leased, &calls).await,
        JobKind::Reread => reread::perform(tower, leased).await,
    };
    calls.keep().await;
    finish
}

/// Keeps every call that a job makes, for the sync page and the timeline.
pub struct CallKeeper {
    tower: Arc<Tower>,
    leased: LeasedJob,
    calls: Mutex<Vec<AttemptRecord>>,
}

impl CallKeeper {
    fn new(tower: Arc<Tower>, leased: &LeasedJob) -> Self {
        Self { tower, leased: leased.clone(), calls: Mutex::new(Vec::new()) }
    }

    /// Writes the calls down. A failure to do so is logged: the work itself is done.
    async fn keep(self) {
        let calls = self.calls.into_inner().unwrap_or_default();
        for call in calls {
            if let Err(error) = self.tower.store.jobs.attempt(self.leased.scope, call).await {
                tracing::error!(job = %self.leased.job.id, "a call could not be kept: {error}");
            }
        }
    }
}

impl CallLog for CallKeeper {
    fn correlation(&self) -> String {
        self.leased.job.correlation.to_string()
    }

    fn record(&self, call: Call) {
        let duration_ms = u64::try_from(call.duration.as_millis()).unwrap_or(u64::MAX);
        let span = jiff::SignedDuration::try_from(call.duration).unwrap_or_default();
        let labels = [("destination", call.destination.to_owned()), ("outcome", outcome_word(&call).to_owned())];
        metrics::counter!("milepost_calls_total", &labels).increment(1);
        metrics::histogram!("milepost_call_seconds", "destination" => call.destination.to_owned())
            .record(call.duration.as_secs_f64());
        let attempt = AttemptRecord {
            id: AttemptId(self.tower.clock.id()),
            job: self.leased.job.id,
            correlation: self.leased.job.correlation,
            shipment: self.leased.job.shipment,
            destination: call.destination.to_owned(),
            operation: call.operation,
            started_at: self.tower.now().checked_sub(span).unwrap_or(self.tower.now()),
            duration_ms,
            status: call.status,
            outcome: match call.outcome {
                connectors::call::Outcome::Ok => Outcome::Ok,
                connectors::call::Outcome::Failed => Outcome::Failed,
                connectors::call::Outcome::Unknown => Outcome::Unknown,
            },
            request: call.request,
            response: call.response,
        };
        self.calls.lock().expect("no panic while held").push(attempt);
    }
}

fn outcome_word(call: &Call) -> &'static str {
    match call.outcome {
        connectors::call::Outcome::Ok => "ok",
        connectors::call::Outcome::Failed => "failed",
        connectors::call::Outcome::Unknown => "unknown",
    }
}
