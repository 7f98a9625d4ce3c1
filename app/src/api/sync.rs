//! Updates sent to other systems; messages received.

#[cfg(feature = "ssr")]
use super::access::{ports, shown};
use crate::contract::{
    ApiError,
    sync::{Chosen, JobView, MessagePage, Planned, SyncQuery, SyncView},
};
use leptos::{prelude::*, server_fn::codec::GetUrl};

/// The sync page.
#[server(prefix = "/api", endpoint = "sync", input = GetUrl)]
pub async fn get_sync(query: SyncQuery) -> Result<SyncView, ApiError> {
    shown(ports()?.sync.view(query).await)
}

/// Takes one dead job up again.
#[server(prefix = "/api", endpoint = "sync/retry")]
pub async fn retry_job(job: String) -> Result<(), ApiError> {
    shown(ports()?.sync.retry(job).await)
}

/// Tries to read deliveries again that could not be read.
#[server(prefix = "/api", endpoint = "sync/read-deliveries")]
pub async fn read_deliveries() -> Result<(), ApiError> {
    shown(ports()?.sync.read_deliveries().await)
}

/// A job with every call that it made.
#[server(prefix = "/api", endpoint = "sync/job", input = GetUrl)]
pub async fn get_job(id: String) -> Result<JobView, ApiError> {
    shown(ports()?.sync.job(id).await)
}

/// A message as received.
#[server(prefix = "/api", endpoint = "sync/message", input = GetUrl)]
pub async fn get_message(id: String) -> Result<MessagePage, ApiError> {
    shown(ports()?.sync.message(id).await)
}

/// Starts a bulk retry of what is selected.
#[server(prefix = "/api", endpoint = "sync/start-replay")]
pub async fn start_replay(chosen: Chosen) -> Result<Planned, ApiError> {
    shown(ports()?.sync.start_replay(chosen).await)
}

/// Stops that.
#[server(prefix = "/api", endpoint = "sync/stop-replay")]
pub async fn stop_replay(replay: String) -> Result<(), ApiError> {
    shown(ports()?.sync.stop_replay(replay).await)
}

/// Stops a destination: its jobs wait.
#[server(prefix = "/api", endpoint = "sync/pause")]
pub async fn pause_destination(destination: String, why: String) -> Result<(), ApiError> {
    shown(ports()?.sync.pause(destination, why).await)
}

/// Lets a destination go on.
#[server(prefix = "/api", endpoint = "sync/resume")]
pub async fn resume_destination(destination: String) -> Result<(), ApiError> {
    shown(ports()?.sync.resume(destination).await)
}

/// Reads a message again.
#[server(prefix = "/api", endpoint = "sync/replay")]
pub async fn replay_message(message: String) -> Result<(), ApiError> {
    shown(ports()?.sync.replay(message).await)
}
