//! Reads a kept message.

use super::{Finish, errors, retry};
use crate::{tower::Tower, usecases};
use domain::ids::MessageId;
use storage::jobs::LeasedJob;

pub(super) async fn perform(tower: &Tower, leased: &LeasedJob) -> Finish {
    let Ok(id) = leased.job.target.parse::<MessageId>() else {
        return Finish::Dead { error: "the target is no message".into(), class: errors::INVALID.into() };
    };
    match usecases::normalise::normalise(tower, leased.scope, id, leased.job.cause).await {
        Ok(_) => Finish::Done,
        Err(error) => retry::after_ours(&error, leased.attempts, &*tower.clock),
    }
}
