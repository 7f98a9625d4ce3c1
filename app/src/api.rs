//! Server functions: authorise, call the port. Their addresses are fixed, since pages may be older than the server.
#![expect(missing_docs, reason = "the macro makes a struct of each function's arguments, which the function documents")]

use crate::contract::{
    ApiError,
    exceptions::{Act, QueuePage, QueueQuery},
    mappings::{MappingQuery, MappingsView, NewMeaning},
    overview::OverviewView,
    session::{Frame, Installation},
    shipments::{ListPage, ListQuery, RawView, ShipmentView},
    sync::{Chosen, JobView, MessagePage, Planned, SyncQuery, SyncView},
};
use leptos::{prelude::*, server_fn::codec::GetUrl};

#[cfg(feature = "ssr")]
mod access {
    use crate::contract::{
        ApiError, Ports,
        session::{Permission, Viewer},
    };
    use leptos::prelude::use_context;
    use std::sync::Arc;

    /// The ports, for everybody.
    pub fn ports() -> Result<Arc<Ports>, ApiError> {
        use_context().ok_or_else(|| ApiError::Unavailable { message: "the page has no server behind it".into() })
    }

    /// The ports, if the signed-in person has the permission.
    pub fn allowed(permission: Permission) -> Result<Arc<Ports>, ApiError> {
        let viewer = use_context::<Option<Viewer>>().flatten().ok_or(ApiError::Unauthenticated)?;
        if viewer.may(permission) { ports() } else { Err(ApiError::Forbidden) }
    }
}
#[cfg(feature = "ssr")]
use crate::contract::session::{Permission, local_path};
#[cfg(feature = "ssr")]
use access::{allowed, ports};

/// What everybody may know of the installation.
#[server(prefix = "/api", endpoint = "installation", input = GetUrl)]
pub async fn get_installation() -> Result<Installation, ApiError> {
    Ok(use_context::<Installation>().unwrap_or_default())
}

/// The frame of every page.
#[server(prefix = "/api", endpoint = "frame", input = GetUrl)]
pub async fn get_frame() -> Result<Frame, ApiError> {
    allowed(Permission::See)?.session.frame().await
}

/// Signs in, and leads to the page that was asked for, else to the start page.
#[server(prefix = "/api", endpoint = "sign-in")]
pub async fn sign_in(login: String, password: String, next: Option<String>) -> Result<(), ApiError> {
    let home = ports()?.session.sign_in(login, password).await?;
    leptos_axum::redirect(next.as_deref().and_then(local_path).unwrap_or(&home));
    Ok(())
}

/// Signs out.
#[server(prefix = "/api", endpoint = "sign-out")]
pub async fn sign_out() -> Result<(), ApiError> {
    ports()?.session.sign_out().await?;
    leptos_axum::redirect("/sign-in");
    Ok(())
}

/// Makes the first admin.
#[server(prefix = "/api", endpoint = "set-up")]
pub async fn set_up(token: String, login: String, name: String, password: String) -> Result<(), ApiError> {
    ports()?.session.set_up(token, login, name, password).await?;
    leptos_axum::redirect("/sign-in");
    Ok(())
}

/// A page of the list.
#[server(prefix = "/api", endpoint = "shipments", input = GetUrl)]
pub async fn list_shipments(query: ListQuery) -> Result<ListPage, ApiError> {
    allowed(Permission::See)?.shipments.list(query).await
}

/// Where a search leads: straight to the shipment that goes under exactly this.
#[server(prefix = "/api", endpoint = "shipments/find", input = GetUrl)]
pub async fn find_shipment(text: String) -> Result<Option<String>, ApiError> {
    let found = allowed(Permission::See)?.shipments.find(text).await?;
    if let Some(id) = &found {
        leptos_axum::redirect(&format!("/shipments/{id}"));
    }
    Ok(found)
}

/// One shipment.
#[server(prefix = "/api", endpoint = "shipments/one", input = GetUrl)]
pub async fn get_shipment(id: String, as_known_at: Option<String>) -> Result<ShipmentView, ApiError> {
    allowed(Permission::See)?.shipments.get(id, as_known_at).await
}

/// Links an order's shipment with an unlinked one of the same number.
#[server(prefix = "/api", endpoint = "shipments/link")]
pub async fn link_number(claimed: String, unlinked: String) -> Result<(), ApiError> {
    allowed(Permission::Act)?.shipments.link(claimed, unlinked).await
}

/// One event's raw message.
#[server(prefix = "/api", endpoint = "shipments/raw", input = GetUrl)]
pub async fn raw_event(id: String, observation: String) -> Result<RawView, ApiError> {
    allowed(Permission::See)?.shipments.raw(id, observation).await
}

/// A page of the queue.
#[server(prefix = "/api", endpoint = "exceptions", input = GetUrl)]
pub async fn exception_queue(query: QueueQuery) -> Result<QueuePage, ApiError> {
    allowed(Permission::See)?.exceptions.queue(query).await
}

/// A person acts on an exception.
#[server(prefix = "/api", endpoint = "exceptions/act")]
pub async fn act_on_exception(id: String, act: Act, why: Option<String>) -> Result<(), ApiError> {
    allowed(Permission::Act)?.exceptions.act(id, act, why.unwrap_or_default()).await
}

/// The overview.
#[server(prefix = "/api", endpoint = "overview", input = GetUrl)]
pub async fn get_overview() -> Result<OverviewView, ApiError> {
    allowed(Permission::Figures)?.overview.overview().await
}

/// The sync page.
#[server(prefix = "/api", endpoint = "sync", input = GetUrl)]
pub async fn get_sync(query: SyncQuery) -> Result<SyncView, ApiError> {
    allowed(Permission::Operate)?.sync.view(query).await
}

/// Takes one dead job up again.
#[server(prefix = "/api", endpoint = "sync/retry")]
pub async fn retry_job(job: String) -> Result<(), ApiError> {
    allowed(Permission::Operate)?.sync.retry(job).await
}

/// Tries to read deliveries again that could not be read.
#[server(prefix = "/api", endpoint = "sync/read-deliveries")]
pub async fn read_deliveries() -> Result<(), ApiError> {
    allowed(Permission::Operate)?.sync.read_deliveries().await
}

/// A job with every call that it made.
#[server(prefix = "/api", endpoint = "sync/job", input = GetUrl)]
pub async fn get_job(id: String) -> Result<JobView, ApiError> {
    allowed(Permission::Operate)?.sync.job(id).await
}

/// A message as received.
#[server(prefix = "/api", endpoint = "sync/message", input = GetUrl)]
pub async fn get_message(id: String) -> Result<MessagePage, ApiError> {
    allowed(Permission::Operate)?.sync.message(id).await
}

/// Begins to take up again what is chosen.
#[server(prefix = "/api", endpoint = "sync/start-replay")]
pub async fn start_replay(chosen: Chosen) -> Result<Planned, ApiError> {
    allowed(Permission::Operate)?.sync.start_replay(chosen).await
}

/// Stops that.
#[server(prefix = "/api", endpoint = "sync/stop-replay")]
pub async fn stop_replay(replay: String) -> Result<(), ApiError> {
    allowed(Permission::Operate)?.sync.stop_replay(replay).await
}

/// Stops a destination: its jobs wait.
#[server(prefix = "/api", endpoint = "sync/pause")]
pub async fn pause_destination(destination: String, why: String) -> Result<(), ApiError> {
    allowed(Permission::Operate)?.sync.pause(destination, why).await
}

/// Lets a destination go on.
#[server(prefix = "/api", endpoint = "sync/resume")]
pub async fn resume_destination(destination: String) -> Result<(), ApiError> {
    allowed(Permission::Operate)?.sync.resume(destination).await
}

/// Reads a message again.
#[server(prefix = "/api", endpoint = "sync/replay")]
pub async fn replay_message(message: String) -> Result<(), ApiError> {
    allowed(Permission::Operate)?.sync.replay(message).await
}

/// The page of unmapped codes.
#[server(prefix = "/api", endpoint = "mappings", input = GetUrl)]
pub async fn get_mappings(query: MappingQuery) -> Result<MappingsView, ApiError> {
    allowed(Permission::Operate)?.mappings.view(query).await
}

/// Publishes what a code means.
#[server(prefix = "/api", endpoint = "mappings/publish")]
pub async fn publish_meaning(meaning: NewMeaning) -> Result<(), ApiError> {
    let version = allowed(Permission::Operate)?.mappings.publish(meaning).await?;
    leptos_axum::redirect(&format!("/mappings/unmapped?published={version}"));
    Ok(())
}

/// Publishes an earlier version again.
#[server(prefix = "/api", endpoint = "mappings/roll-back")]
pub async fn roll_back_mapping(version: u32, why: String) -> Result<(), ApiError> {
    let version = allowed(Permission::Operate)?.mappings.roll_back(version, why).await?;
    leptos_axum::redirect(&format!("/mappings/unmapped?published={version}"));
    Ok(())
}
