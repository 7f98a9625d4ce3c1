//! Sends a saved report by mail.

use super::{
    Finish, errors,
    kind::{Budget, Calls, Job, Kind, Start},
    retry,
};
use crate::reports::{self, SendError};
use domain::ids::ReportRunId;
use futures::FutureExt as _;
use storage::jobs::JobKind;

pub(super) const KIND: Kind = Kind {
    name: JobKind::SEND_REPORT,
    label: "Send a report",
    calls: Calls::Channels,
    budget: Budget::Each { real_time: 2, batch: 1 },
    start: Start::OnDemand,
    run: |job| perform(job).boxed(),
};

async fn perform(job: Job<'_>) -> Finish {
    let Job { context, leased, calls, .. } = job;
    let Ok(id) = leased.job.target.parse::<ReportRunId>() else {
        return Finish::Dead { error: "the target is no mailing of a report".into(), class: errors::INVALID.into() };
    };
    let channel = leased.job.destination.as_deref().unwrap_or_default();
    let finish = match reports::send(context, leased.scope, id, channel, calls).await {
        Ok(()) => return Finish::Done,
        Err(SendError::NotInUse) => return Finish::Released,
        Err(SendError::Call(error)) => retry::after_call(&error, leased.attempts, &*context.clock),
        Err(SendError::Ours(error)) => retry::after_ours(&error, leased.attempts, &*context.clock),
    };
    if let Finish::Dead { class, .. } = &finish
        && let Err(error) = reports::failed(context, leased.scope, id, channel, class).await
    {
        tracing::warn!(mailing = %id, "that a report was given up is not kept: {error}");
    }
    finish
}
