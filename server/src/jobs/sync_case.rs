//! Brings an exception to the service desk.

use super::{CallKeeper, Finish, errors, retry};
use crate::{
    tower::Tower,
    usecases::cases::{self, CaseError, CaseOutcome},
};
use domain::ids::ExceptionId;
use storage::jobs::LeasedJob;

pub(super) async fn perform(tower: &Tower, leased: &LeasedJob, calls: &CallKeeper) -> Finish {
    let Ok(id) = leased.job.target.parse::<ExceptionId>() else {
        return Finish::Dead { error: "the target is no exception".into(), class: errors::INVALID.into() };
    };
    match cases::sync_case(tower, leased.scope, id, leased.job.correlation, calls).await {
        Ok(CaseOutcome::Agreed) => Finish::Done,
        Ok(CaseOutcome::NotBefore(at)) => Finish::Later(at),
        Err(CaseError::Call(error)) => retry::after_call(&error, leased.attempts, &*tower.clock),
        Err(CaseError::Ours(error)) => retry::after_ours(&error, leased.attempts, &*tower.clock),
    }
}
