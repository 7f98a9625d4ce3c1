//! Sends a message to a customer by rule.

use super::{
    Finish, errors,
    kind::{Budget, Calls, Job, Kind, Start},
    retry,
};
use crate::rules::message::{self, MessageError};
use futures::FutureExt as _;
use storage::jobs::JobKind;

pub(super) const KIND: Kind = Kind {
    name: JobKind::MESSAGE_CUSTOMER,
    label: "Message a customer",
    calls: Calls::Channels,
    budget: Budget::Each { real_time: 2, batch: 1 },
    start: Start::OnDemand,
    run: |job| perform(job).boxed(),
};

async fn perform(job: Job<'_>) -> Finish {
    let Job { context, leased, calls, .. } = job;
    let Some(target) = message::target(&leased.job.target) else {
        return Finish::Dead { error: "the target is no message".into(), class: errors::INVALID.into() };
    };
    let channel = leased.job.destination.as_deref().unwrap_or_default();
    match message::send(context, leased.scope, target, channel, calls).await {
        Ok(()) => Finish::Done,
        Err(MessageError::NotInUse) => Finish::Released,
        Err(MessageError::NotBefore(at)) => Finish::Later(at),
        Err(MessageError::Call(error)) => retry::after_call(&error, leased.attempts, &*context.clock),
        Err(MessageError::Ours(error)) => retry::after_ours(&error, leased.attempts, &*context.clock),
    }
}
