//! Connections to other systems.

#[cfg(feature = "ssr")]
use super::access::{ports, shown};
#[cfg(feature = "ssr")]
use crate::contract::connections::AndThen;
use crate::contract::{
    ApiError,
    connections::{ConnectionForm, ConnectionView, ConnectionsQuery, ConnectionsView, GuideView, Kept, SetupForm},
};
use leptos::{prelude::*, server_fn::codec::GetUrl};

/// The list.
#[server(prefix = "/api", endpoint = "connections", input = GetUrl)]
pub async fn list_connections(#[server(default)] query: ConnectionsQuery) -> Result<ConnectionsView, ApiError> {
    shown(ports()?.connections.list(query).await)
}

/// One connection; `refused`: with what was typed last, which was refused.
#[server(prefix = "/api", endpoint = "connections/one", input = GetUrl)]
pub async fn get_connection(name: String, #[server(default)] refused: bool) -> Result<ConnectionView, ApiError> {
    shown(ports()?.connections.one(name, refused).await)
}

/// The guide to a new connection, or to one that was saved.
#[server(prefix = "/api", endpoint = "connections/templates", input = GetUrl)]
pub async fn get_guide(
    #[server(default)] connector: String,
    #[server(default)] connection: String,
    #[server(default)] refused: bool,
) -> Result<GuideView, ApiError> {
    shown(ports()?.connections.guide(connector, connection, refused).await)
}

/// Makes or changes a connection; leads to the guide where a draft is tested, else to its page.
#[server(prefix = "/api", endpoint = "connections/put")]
pub async fn put_connection(connection: ConnectionForm) -> Result<Kept, ApiError> {
    let then = connection.then;
    let kept = shown(ports()?.connections.put(connection).await)?;
    match then {
        AndThen::Show => leptos_axum::redirect(&format!("/connections/{}", kept.name)),
        // what is in use is no draft that the guide goes on with
        AndThen::Test if kept.enabled => leptos_axum::redirect(&format!("/connections/{}?tab=settings", kept.name)),
        AndThen::Test => leptos_axum::redirect(&format!("/connections/new?connection={}", kept.name)),
    }
    Ok(kept)
}

/// Tests a connection.
#[server(prefix = "/api", endpoint = "connections/test")]
pub async fn test_connection(name: String) -> Result<(), ApiError> {
    shown(ports()?.connections.test(name).await)
}

/// Sets a new secret.
#[server(prefix = "/api", endpoint = "connections/rotate")]
pub async fn rotate_connection(name: String, secret: String) -> Result<(), ApiError> {
    shown(ports()?.connections.rotate(name, secret).await)
}

/// Forgets the secret from before the last change.
#[server(prefix = "/api", endpoint = "connections/retire")]
pub async fn retire_secret(name: String) -> Result<(), ApiError> {
    shown(ports()?.connections.retire(name).await)
}

/// Lets the jobs of a connection wait.
#[server(prefix = "/api", endpoint = "connections/pause")]
pub async fn pause_connection(name: String, why: String) -> Result<(), ApiError> {
    shown(ports()?.connections.pause(name, why).await)
}

/// Lets them go on.
#[server(prefix = "/api", endpoint = "connections/resume")]
pub async fn resume_connection(name: String) -> Result<(), ApiError> {
    shown(ports()?.connections.resume(name).await)
}

/// Sets an Odoo up, takes that away, or says what either would do.
#[server(prefix = "/api", endpoint = "connections/set-up")]
pub async fn set_up_odoo(setup: SetupForm) -> Result<(), ApiError> {
    shown(ports()?.connections.set_up(setup).await)
}

/// Turns a connection on or off; one that was turned on is shown.
#[server(prefix = "/api", endpoint = "connections/switch")]
pub async fn switch_connection(name: String, on: bool, #[server(default)] why: String) -> Result<(), ApiError> {
    shown(ports()?.connections.switch(name.clone(), on, why).await)?;
    leptos_axum::redirect(&format!("/connections/{name}"));
    Ok(())
}

/// Removes a connection that is disabled, and leads to the list.
#[server(prefix = "/api", endpoint = "connections/remove")]
pub async fn remove_connection(name: String, #[server(default)] why: String) -> Result<(), ApiError> {
    shown(ports()?.connections.remove(name, why).await)?;
    leptos_axum::redirect("/connections");
    Ok(())
}
