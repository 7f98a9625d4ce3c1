//! Does what rules do outside of order systems and desks.

use super::{
    Finish, errors,
    kind::{Budget, Calls, Job, Kind, Start},
    retry,
};
use crate::rules::act;
use futures::FutureExt as _;
use storage::jobs::JobKind;

pub(super) const KIND: Kind = Kind {
    name: JobKind::RULE_ACTIONS,
    label: "Alerts and claims by rule",
    calls: Calls::Nothing,
    budget: Budget::Each { real_time: 4, batch: 2 },
    start: Start::OnDemand,
    run: |job| perform(job).boxed(),
};

async fn perform(job: Job<'_>) -> Finish {
    let Job { context, leased, .. } = job;
    let Ok(id) = leased.job.target.parse() else {
        return Finish::Dead { error: "the target is no shipment".into(), class: errors::INVALID.into() };
    };
    match act::act(context, leased.scope, id).await {
        Ok(None) => Finish::Done,
        Ok(Some(at)) => Finish::Later(at),
        Err(error) => retry::after_ours(&error, leased.attempts, &*context.clock),
    }
}
