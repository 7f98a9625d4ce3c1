//! Fetches the keys that a platform publishes.

use super::{CallKeeper, Finish, retry};
use crate::{
    tower::Tower,
    usecases::sources::{self, KeysError},
};
use storage::jobs::LeasedJob;

pub(super) async fn perform(tower: &Tower, leased: &LeasedJob, calls: &CallKeeper) -> Finish {
    match sources::fetch_keys(tower, leased.scope, &leased.job.target, calls).await {
        Ok(()) => Finish::Done,
        Err(KeysError::Call(error)) => retry::after_call(&error, leased.attempts, &*tower.clock),
        Err(KeysError::Ours(error)) => retry::after_ours(&error, leased.attempts, &*tower.clock),
    }
}
