//! Brings an exception to the service desk.

use super::{
    Finish, errors,
    kind::{Budget, Calls, Job, Kind, Start},
    leave_to, retry,
};
use crate::cases::{self, CaseOutcome};
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
    let desk = leased.job.destination.as_deref().unwrap_or_default();
    match cases::sync_case(context, leased.scope, id, desk, leased.job.correlation, calls).await {
        Ok(CaseOutcome::Agreed) => Finish::Done,
        Ok(CaseOutcome::NotBefore(at)) => Finish::Later(at),
        Ok(CaseOutcome::Elsewhere(desk)) => leave_to(context, leased, &desk).await,
        Err(error) => retry::after_case(&error, leased.attempts, &*context.clock),
    }
}
