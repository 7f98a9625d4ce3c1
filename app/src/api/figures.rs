//! Figures.

#[cfg(feature = "ssr")]
use super::access::{ports, shown};
use crate::contract::{
    ApiError,
    figures::{FigureQuery, FiguresQuery, OneFigureView, OverviewView, SlaView},
};
use leptos::{prelude::*, server_fn::codec::GetUrl};

/// The overview.
#[server(prefix = "/api", endpoint = "overview", input = GetUrl)]
pub async fn get_overview(#[server(default)] query: FiguresQuery) -> Result<OverviewView, ApiError> {
    shown(ports()?.figures.overview(query).await)
}

/// The board of service levels.
#[server(prefix = "/api", endpoint = "sla", input = GetUrl)]
pub async fn get_sla(#[server(default)] query: FiguresQuery) -> Result<SlaView, ApiError> {
    shown(ports()?.figures.sla(query).await)
}

/// One figure with its rows.
#[server(prefix = "/api", endpoint = "figures/one", input = GetUrl)]
pub async fn get_figure(#[server(default)] query: FigureQuery) -> Result<OneFigureView, ApiError> {
    shown(ports()?.figures.one(query).await)
}
