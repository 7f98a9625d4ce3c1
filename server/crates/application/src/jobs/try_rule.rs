//! The next step of a dry run of a rule.

use super::{
    Finish, errors,
    kind::{Budget, Calls, Job, Kind, Start},
    retry,
};
use crate::rules::trial;
use futures::FutureExt as _;
use storage::jobs::JobKind;

pub(super) const KIND: Kind = Kind {
    name: JobKind::TRY_RULE,
    label: "Dry run of a rule",
    calls: Calls::Nothing,
    budget: Budget::Each { real_time: 1, batch: 1 },
    start: Start::OnDemand,
    run: |job| perform(job).boxed(),
};

async fn perform(job: Job<'_>) -> Finish {
    let Job { context, leased, .. } = job;
    let Ok(id) = leased.job.target.parse() else {
        return Finish::Dead { error: "the target is no dry run".into(), class: errors::INVALID.into() };
    };
    let finish = match trial::step(context, leased.scope, id).await {
        Ok(()) => return Finish::Done,
        Err(error) => retry::after_ours(&error, leased.attempts, &*context.clock),
    };
    if matches!(finish, Finish::Dead { .. })
        && let Err(error) = trial::fail(context, leased.scope, id).await
    {
        tracing::warn!(trial = %id, "the dry run failed and is still shown as running: {error}");
    }
    finish
}
