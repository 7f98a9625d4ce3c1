//! The first steps of an installation.

#[cfg(feature = "ssr")]
use super::access::{ports, shown};
use crate::contract::{ApiError, start::StartView};
use leptos::{prelude::*, server_fn::codec::GetUrl};

/// The steps that lead to the first shipments.
#[server(prefix = "/api", endpoint = "start", input = GetUrl)]
pub async fn get_start() -> Result<StartView, ApiError> {
    shown(ports()?.start.steps().await)
}

/// Names the company.
#[server(prefix = "/api", endpoint = "start/company")]
pub async fn name_company(name: String) -> Result<(), ApiError> {
    shown(ports()?.start.name_company(name).await)
}

/// Pages lead to the steps no more.
#[server(prefix = "/api", endpoint = "start/skip")]
pub async fn skip_start() -> Result<(), ApiError> {
    shown(ports()?.start.skip().await)?;
    leptos_axum::redirect("/shipments");
    Ok(())
}
