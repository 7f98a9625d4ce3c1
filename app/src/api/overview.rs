//! Executive figures.

#[cfg(feature = "ssr")]
use super::guard::authorise;
#[cfg(feature = "ssr")]
use crate::contract::session::Permission;
use crate::contract::{ApiError, overview::OverviewView};
use leptos::{prelude::*, server};

/// All of them.
#[server(prefix = "/api", endpoint = "overview", input = server_fn::codec::GetUrl)]
pub async fn read_overview() -> Result<OverviewView, ApiError> {
    let (ports, viewer) = authorise(Permission::ReadOverview)?;
    ports.overview.overview(&viewer).await
}
