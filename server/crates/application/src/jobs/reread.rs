//! Reads again what a published mapping concerns.

use super::{Finish, retry};
use crate::context::Context;
use storage::jobs::LeasedJob;

pub(super) async fn perform(context: &Context, leased: &LeasedJob) -> Finish {
    let (target, correlation) = (&leased.job.target, leased.job.correlation);
    match crate::tracking::mappings::reprocess(context, leased.scope, target, correlation).await {
        Ok(()) => Finish::Done,
        Err(error) => retry::after_ours(&error, leased.attempts, &*context.clock),
    }
}
