//! Brings an exception to the service desk.

use super::{CallKeeper, Finish, errors, retry};
use crate::{
    cases::{self, CaseError, CaseOutcome},
    context::Context,
};
use domain::ids::ExceptionId;
use storage::jobs::LeasedJob;

pub(super) async fn perform(context: &Context, leased: &LeasedJob, calls: &CallKeeper) -> Finish {
    let Ok(id) = leased.job.target.parse::<ExceptionId>() else {
        return Finish::Dead { error: "the target is no exception".into(), class: errors::INVALID.into() };
    };
    match cases::sync_case(context, leased.scope, id, leased.job.correlation, calls).await {
        Ok(CaseOutcome::Agreed) => Finish::Done,
        Ok(CaseOutcome::NotBefore(at)) => Finish::Later(at),
        Err(CaseError::Call(error)) => retry::after_call(&error, leased.attempts, &*context.clock),
        Err(CaseError::Ours(error)) => retry::after_ours(&error, leased.attempts, &*context.clock),
    }
}
