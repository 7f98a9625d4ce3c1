//! Reads a kept message.

use super::{Finish, errors, retry};
use crate::context::Context;
use domain::ids::MessageId;
use storage::jobs::LeasedJob;

pub(super) async fn perform(context: &Context, leased: &LeasedJob) -> Finish {
    let Ok(id) = leased.job.target.parse::<MessageId>() else {
        return Finish::Dead { error: "the target is no message".into(), class: errors::INVALID.into() };
    };
    match crate::tracking::normalise::normalise(context, leased.scope, id, leased.job.cause).await {
        Ok(_) => Finish::Done,
        Err(error) => retry::after_ours(&error, leased.attempts, &*context.clock),
    }
}
