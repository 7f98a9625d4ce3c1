//! Signing in and out, and the frame of every page.

#[cfg(feature = "ssr")]
use super::access::{ports, shown};
#[cfg(feature = "ssr")]
use crate::contract::session::local_page;
use crate::contract::{
    ApiError,
    session::{Frame, Installation},
};
use leptos::{prelude::*, server_fn::codec::GetUrl};

/// What everybody may know of the installation.
#[server(prefix = "/api", endpoint = "installation", input = GetUrl)]
pub async fn get_installation() -> Result<Installation, ApiError> {
    Ok(use_context::<Installation>().unwrap_or_default())
}

/// The frame of every page.
#[server(prefix = "/api", endpoint = "frame", input = GetUrl)]
pub async fn get_frame() -> Result<Frame, ApiError> {
    shown(ports()?.session.frame().await)
}

/// Signs in, and leads to the page that was asked for, else to the start page.
#[server(prefix = "/api", endpoint = "sign-in")]
pub async fn sign_in(login: String, password: String, next: Option<String>) -> Result<(), ApiError> {
    let home = shown(ports()?.session.sign_in(login, password).await)?;
    leptos_axum::redirect(next.as_deref().and_then(local_page).unwrap_or(&home));
    Ok(())
}

/// Signs out.
#[server(prefix = "/api", endpoint = "sign-out")]
pub async fn sign_out() -> Result<(), ApiError> {
    ports()?.session.sign_out().await?;
    leptos_axum::redirect("/sign-in");
    Ok(())
}

/// Whether the first admin can be made with this token.
#[server(prefix = "/api", endpoint = "set-up/open")]
pub async fn set_up_is_open(token: String) -> Result<bool, ApiError> {
    shown(ports()?.session.set_up_is_open(token).await)
}

/// Makes the first admin.
#[server(prefix = "/api", endpoint = "set-up")]
pub async fn set_up(token: String, login: String, name: String, password: String) -> Result<(), ApiError> {
    shown(ports()?.session.set_up(token, login, name, password).await)?;
    leptos_axum::redirect("/sign-in");
    Ok(())
}
