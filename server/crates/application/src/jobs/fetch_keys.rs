//! Fetches the keys that a platform publishes.

use super::{CallKeeper, Finish, retry};
use crate::{
    connections::sources::{self, KeysError},
    context::Context,
};
use storage::jobs::LeasedJob;

pub(super) async fn perform(context: &Context, leased: &LeasedJob, calls: &CallKeeper) -> Finish {
    match sources::fetch_keys(context, leased.scope, &leased.job.target, calls).await {
        Ok(()) => Finish::Done,
        Err(KeysError::Call(error)) => retry::after_call(&error, leased.attempts, &*context.clock),
        Err(KeysError::Ours(error)) => retry::after_ours(&error, leased.attempts, &*context.clock),
    }
}
