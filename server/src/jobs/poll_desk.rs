//! Learns what agents did at the service desk.

use super::{CallKeeper, Finish, retry};
use crate::{
    config::DESK_POLL_SECONDS,
    tower::Tower,
    usecases::{cases::CaseError, desk_poll},
};
use jiff::{SignedDuration, Timestamp};
use storage::jobs::LeasedJob;

pub(super) async fn perform(tower: &Tower, leased: &LeasedJob, calls: &CallKeeper) -> Finish {
    match desk_poll::poll(tower, leased.scope, leased.job.correlation, calls).await {
        Ok(differing) => {
            if differing > 0 {
                tracing::info!(differing, "tickets were changed at the service desk");
            }
            Finish::Done
        }
        Err(CaseError::Call(error)) => poll_later(tower, retry::after_call(&error, leased.attempts, &*tower.clock)),
        Err(CaseError::Ours(error)) => poll_later(tower, retry::after_ours(&error, leased.attempts, &*tower.clock)),
    }
}

/// A poll is never retried by hand: whatever it failed with, the next one looks.
fn poll_later(tower: &Tower, finish: Finish) -> Finish {
    let Finish::Dead { error, class } = finish else { return finish };
    let seconds = tower.config.desk.as_ref().map_or(DESK_POLL_SECONDS, |desk| desk.poll_seconds);
    let wait = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    Finish::Deferred { at: tower.now().checked_add(wait).unwrap_or(Timestamp::MAX), error, class }
}
