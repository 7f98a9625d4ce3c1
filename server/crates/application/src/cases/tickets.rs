//! Which call made which ticket.

use crate::{context::Context, error::Result};
use domain::ids::{AttemptId, ExceptionId, JobId};
use std::collections::HashMap;
use storage::{
    Scope,
    jobs::{AttemptRecord, Outcome},
    work::CaseRecord,
};

/// The call that makes a ticket.
const CREATE: &str = "ticket/create";

/// The numbers of the tickets that these calls made. A case names its ticket and the one that it follows up: what was made
/// before these, and by jobs that are no longer kept, has no number.
///
/// # Errors
/// When the store fails.
pub async fn created(
    context: &Context,
    scope: Scope,
    cases: &[CaseRecord],
    attempts: &[AttemptRecord],
) -> Result<HashMap<AttemptId, String>> {
    // one whose answer did not come may have made the ticket that was found later
    let made = attempts.iter().filter(|call| call.operation == CREATE && call.outcome != Outcome::Failed);
    let mut made: Vec<_> = made.collect();
    made.sort_by_key(|call| (call.started_at, call.id));
    let mut exceptions: HashMap<JobId, Option<ExceptionId>> = HashMap::new();
    let mut of_exception: HashMap<ExceptionId, Vec<AttemptId>> = HashMap::new();
    for call in made {
        let exception = match exceptions.get(&call.job) {
            Some(known) => *known,
            None => context.store.jobs.job(scope, call.job).await?.and_then(|row| row.job.target.parse().ok()),
        };
        exceptions.insert(call.job, exception);
        if let Some(exception) = exception {
            of_exception.entry(exception).or_default().push(call.id);
        }
    }
    let mut tickets = HashMap::new();
    for case in cases {
        let made = of_exception.remove(&case.exception).unwrap_or_default();
        let numbers = [&case.number, &case.follows].into_iter().flatten().cloned();
        tickets.extend(made.into_iter().rev().zip(numbers));
    }
    Ok(tickets)
}
