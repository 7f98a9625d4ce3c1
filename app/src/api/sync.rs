//! Jobs, their calls, and quarantined messages.

#[cfg(feature = "ssr")]
use super::guard::authorise;
#[cfg(feature = "ssr")]
use crate::contract::session::Permission;
use crate::contract::{
    ApiError, JobId, MessageId,
    shipments::Destination,
    sync::{RetryAll, SyncQuery, SyncView},
};
use leptos::{prelude::*, server};
use server_fn::codec::Json;

/// The longest time that "failed since" reaches back, in hours.
pub const RETRY_HOURS_MAX: u32 = 720;

/// The page.
#[server(prefix = "/api", endpoint = "sync/read", input = Json)]
pub async fn read_sync(query: SyncQuery) -> Result<SyncView, ApiError> {
    let (ports, viewer) = authorise(Permission::ReadSync)?;
    ports.sync.sync(&viewer, query).await
}

/// Takes up one failed job again.
#[server(name = RetryJob, prefix = "/api", endpoint = "sync/retry")]
pub async fn retry_job(job: JobId) -> Result<(), ApiError> {
    let (ports, viewer) = authorise(Permission::OperateSync)?;
    ports.sync.retry(&viewer, &job).await
}

/// How many failed jobs would be taken up.
#[server(prefix = "/api", endpoint = "sync/count", input = Json)]
pub async fn count_failed(which: RetryAll) -> Result<u64, ApiError> {
    let (ports, viewer) = authorise(Permission::OperateSync)?;
    ports.sync.count_retry_all(&viewer, checked(which)?).await
}

/// Takes up failed jobs again, after they were counted.
#[server(name = RetryFailed, prefix = "/api", endpoint = "sync/retry-all")]
pub async fn retry_failed(hours: u32, #[server(default)] destination: Option<String>) -> Result<u64, ApiError> {
    let (ports, viewer) = authorise(Permission::OperateSync)?;
    let destination = destination.as_deref().and_then(Destination::from_code);
    let taken = ports.sync.retry_all(&viewer, checked(RetryAll { hours, destination })?).await?;
    leptos_axum::redirect(&format!("/sync?tab=pending&taken={taken}"));
    Ok(taken)
}

/// Reads a quarantined message again.
#[server(name = ReplayMessage, prefix = "/api", endpoint = "sync/replay")]
pub async fn replay_message(message: MessageId) -> Result<(), ApiError> {
    let (ports, viewer) = authorise(Permission::OperateSync)?;
    ports.sync.replay(&viewer, &message).await
}

#[cfg(feature = "ssr")]
fn checked(which: RetryAll) -> Result<RetryAll, ApiError> {
    if (1..=RETRY_HOURS_MAX).contains(&which.hours) { Ok(which) } else { Err(ApiError::invalid("hours", "Look back 1 hour to 30 days.")) }
}
