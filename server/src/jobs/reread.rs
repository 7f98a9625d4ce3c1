//! Reads again what a published mapping concerns.

use super::{Finish, retry};
use crate::{tower::Tower, usecases};
use storage::jobs::LeasedJob;

pub(super) async fn perform(tower: &Tower, leased: &LeasedJob) -> Finish {
    let (target, correlation) = (&leased.job.target, leased.job.correlation);
    match usecases::mappings::reprocess(tower, leased.scope, target, correlation).await {
        Ok(()) => Finish::Done,
        Err(error) => retry::after_ours(&error, leased.attempts, &*tower.clock),
    }
}
