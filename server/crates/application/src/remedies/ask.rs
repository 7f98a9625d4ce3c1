//! Asks a platform what it knows of a number now, without waiting for its next message. The answer is taken in as a message of the
//! platform's source: it is kept, read by the mapping and folded like any other.

use super::find::source_of;
use crate::{
    context::Context,
    error::UseCaseError,
    odoo::OrderError,
    tracking::ingest::{self, Refused},
};
use carriers::registering::RegisteredNumber;
use domain::ids::CorrelationId;
use outbound::CallLog;
use storage::{Scope, bookings::Tracking, jobs::JobKind};

/// Ask a platform what it knows of a number (target: the connection and the number).
pub const ASK_TRACKING: JobKind = JobKind::new("ask_tracking");

/// Asks; what is not registered there any more, or has no source that could read the answer, is not asked for.
///
/// # Errors
/// When the connection is not in use, or the platform or the store fails.
pub async fn ask(
    context: &Context,
    scope: Scope,
    (connection, number): (&str, &str),
    correlation: CorrelationId,
    calls: &dyn CallLog,
) -> Result<(), OrderError> {
    let known = context.store.bookings.registration(scope, connection, number).await?;
    let Some(known) = known.filter(|known| known.tracking == Tracking::Registered) else { return Ok(()) };
    let (platform, _) = context.platform(connection).ok_or(OrderError::NotInUse)?;
    let connections = context.connections.now();
    let source = connections.get(connection).and_then(|one| source_of(&connections, one));
    let (Some(registering), Some(source)) = (platform.registering(), source) else { return Ok(()) };
    let number = RegisteredNumber { number: known.number, carrier: known.about.carrier, id: known.about.id };
    let Some(answer) = registering.fetch(&[number], calls).await.into_iter().next() else { return Ok(()) };
    ingest::take_fetched(context, &source, &answer?.0, correlation).await.map(drop).map_err(of_ours)
}

fn of_ours(refused: Refused) -> OrderError {
    let text = format!("the platform's answer cannot be kept: {refused}");
    OrderError::Ours(match refused {
        Refused::UnknownSource | Refused::Unavailable => UseCaseError::Unavailable(text),
        _ => UseCaseError::Internal(text),
    })
}
