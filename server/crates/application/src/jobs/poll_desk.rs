//! Learns what agents did at the service desk.

use super::{
    Finish,
    kind::{Calls, Job, Kind, ONE, Start},
    retry,
};
use crate::{cases::desk_poll, config::DESK_POLL_SECONDS, context::Context};
use futures::FutureExt as _;
use jiff::{SignedDuration, Timestamp};
use storage::jobs::JobKind;

pub(super) const KIND: Kind = Kind {
    name: JobKind::POLL_DESK,
    label: "Check tickets for changes",
    calls: Calls::Desks,
    budget: ONE,
    start: Start::Connection,
    run: |job| perform(job).boxed(),
};

async fn perform(job: Job<'_>) -> Finish {
    let Job { context, leased, calls, .. } = job;
    match desk_poll::poll(context, leased.scope, &leased.job.target, leased.job.correlation, calls).await {
        Ok(differing) => {
            if differing > 0 {
                tracing::info!(differing, "tickets were changed at the service desk");
            }
            Finish::Done
        }
        Err(error) => {
            poll_later(context, &leased.job.target, retry::after_case(&error, leased.attempts, &*context.clock))
        }
    }
}

/// A poll is never retried by hand: the next one looks, however this one failed.
fn poll_later(context: &Context, name: &str, finish: Finish) -> Finish {
    let Finish::Dead { error, class } = finish else { return finish };
    let seconds = context.connections.now().get(name).map_or(DESK_POLL_SECONDS, |desk| desk.seconds);
    let wait = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    Finish::Deferred { at: context.now().checked_add(wait).unwrap_or(Timestamp::MAX), error, class }
}
