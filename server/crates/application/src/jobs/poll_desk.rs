//! Learns what agents did at the service desk.

use super::{CallKeeper, Finish, retry};
use crate::{
    cases::{CaseError, desk_poll},
    config::DESK_POLL_SECONDS,
    context::Context,
};
use jiff::{SignedDuration, Timestamp};
use storage::jobs::LeasedJob;

pub(super) async fn perform(context: &Context, leased: &LeasedJob, calls: &CallKeeper) -> Finish {
    match desk_poll::poll(context, leased.scope, leased.job.correlation, calls).await {
        Ok(differing) => {
            if differing > 0 {
                tracing::info!(differing, "tickets were changed at the service desk");
            }
            Finish::Done
        }
        Err(CaseError::Call(error)) => poll_later(context, retry::after_call(&error, leased.attempts, &*context.clock)),
        Err(CaseError::Ours(error)) => poll_later(context, retry::after_ours(&error, leased.attempts, &*context.clock)),
    }
}

/// A poll is never retried by hand: whatever it failed with, the next one looks.
fn poll_later(context: &Context, finish: Finish) -> Finish {
    let Finish::Dead { error, class } = finish else { return finish };
    let seconds = context.config.desk.as_ref().map_or(DESK_POLL_SECONDS, |desk| desk.poll_seconds);
    let wait = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    Finish::Deferred { at: context.now().checked_add(wait).unwrap_or(Timestamp::MAX), error, class }
}
