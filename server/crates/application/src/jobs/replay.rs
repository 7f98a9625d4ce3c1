//! The next step of a replay.

use super::{Finish, retry};
use crate::{context::Context, error::UseCaseError, operations::replays};
use storage::jobs::LeasedJob;

pub(super) async fn perform(context: &Context, leased: &LeasedJob) -> Finish {
    let step = async {
        let unknown = |_| UseCaseError::NotFound("replay");
        replays::step(context, leased.scope, leased.job.target.parse().map_err(unknown)?).await
    };
    match step.await {
        Ok(()) => Finish::Done,
        Err(error) => retry::after_ours(&error, leased.attempts, &*context.clock),
    }
}
