//! Asks Odoo whether a customer refuses mail, before a message by rule.

use super::{
    Finish, errors,
    kind::{Budget, Calls, Job, Kind, Start},
    retry,
};
use crate::rules::{message, wishes};
use futures::FutureExt as _;

pub(super) const KIND: Kind = Kind {
    name: message::ASK_CUSTOMER,
    label: "Ask whether a customer wants mail",
    calls: Calls::Orders,
    budget: Budget::Each { real_time: 2, batch: 1 },
    start: Start::OnDemand,
    run: |job| perform(job).boxed(),
};

async fn perform(job: Job<'_>) -> Finish {
    let Job { context, leased, calls, .. } = job;
    let Some(target) = message::target(&leased.job.target) else {
        return Finish::Dead { error: "the target is no message".into(), class: errors::INVALID.into() };
    };
    match wishes::ask(context, leased.scope, target, calls).await {
        Ok(()) => Finish::Done,
        Err(error) => retry::after_order(&error, leased.attempts, &*context.clock),
    }
}
