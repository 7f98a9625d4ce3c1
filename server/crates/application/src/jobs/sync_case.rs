//! Brings an exception to the service desk.

use super::{
    Finish, errors,
    kind::{Budget, Calls, Job, Kind, Start},
    retry,
};
use crate::cases::{self, CaseError, CaseOutcome};
use domain::ids::ExceptionId;
use futures::FutureExt as _;
use storage::jobs::JobKind;

pub(super) const KIND: Kind = Kind {
    name: JobKind::SYNC_CASE,
    label: "Update ticket",
    calls: Calls::Desks,
    budget: Budget::Concurrency(1),
    start: Start::OnDemand,
    run: |job| perform(job).boxed(),
};

async fn perform(job: Job<'_>) -> Finish {
    let Job { context, leased, calls, .. } = job;
    let Ok(id) = leased.job.target.parse::<ExceptionId>() else {
        return Finish::Dead { error: "the target is no exception".into(), class: errors::INVALID.into() };
    };
    match cases::sync_case(
        context,
        leased.scope,
        id,
        leased.job.destination.as_deref().unwrap_or_default(),
        leased.job.correlation,
        calls,
    )
    .await
    {
        Ok(CaseOutcome::Agreed) => Finish::Done,
        Ok(CaseOutcome::NotBefore(at)) => Finish::Later(at),
        Err(CaseError::Call(error)) => retry::after_call(&error, leased.attempts, &*context.clock),
        Err(CaseError::Ours(error)) => retry::after_ours(&error, leased.attempts, &*context.clock),
    }
}
