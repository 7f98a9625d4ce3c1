//! Sends a notice of an alert over a channel.

use super::{
    Finish, errors,
    kind::{Budget, Calls, Job, Kind, Start},
    retry,
};
use crate::alerts::{self, SendError};
use domain::ids::NoticeId;
use futures::FutureExt as _;
use storage::jobs::JobKind;

pub(super) const KIND: Kind = Kind {
    name: JobKind::SEND_ALERT,
    label: "Send a notification",
    calls: Calls::Channels,
    budget: Budget::Each { real_time: 2, batch: 1 },
    start: Start::OnDemand,
    run: |job| perform(job).boxed(),
};

async fn perform(job: Job<'_>) -> Finish {
    let Job { context, leased, calls, .. } = job;
    let Ok(id) = leased.job.target.parse::<NoticeId>() else {
        return Finish::Dead { error: "the target is no notice".into(), class: errors::INVALID.into() };
    };
    let finish = match alerts::send(context, leased.scope, id, calls).await {
        Ok(_) => return Finish::Done,
        Err(SendError::NotInUse) => return Finish::Released,
        Err(SendError::NotBefore(at)) => return Finish::Later(at),
        Err(SendError::Call(error)) => retry::after_call(&error, leased.attempts, &*context.clock),
        Err(SendError::Ours(error)) => retry::after_ours(&error, leased.attempts, &*context.clock),
    };
    if let Finish::Dead { class, .. } = &finish
        && let Err(error) = alerts::failed(context, leased.scope, id, class).await
    {
        tracing::warn!(notice = %id, "that a notification was given up is not kept: {error}");
    }
    finish
}
