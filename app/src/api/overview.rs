//! The overview.

#[cfg(feature = "ssr")]
use super::access::{ports, shown};
use crate::contract::{ApiError, overview::OverviewView};
use leptos::{prelude::*, server_fn::codec::GetUrl};

/// The overview.
#[server(prefix = "/api", endpoint = "overview", input = GetUrl)]
pub async fn get_overview() -> Result<OverviewView, ApiError> {
    shown(ports()?.overview.overview().await)
}
