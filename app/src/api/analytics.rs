//! Exceptions of a period, service impact, sync health.

#[cfg(feature = "ssr")]
use super::access::{ports, shown};
use crate::contract::{
    ApiError,
    analytics::{AnalyticsQuery, AnalyticsView, TroubleRowsView, TroublesQuery},
};
use leptos::{prelude::*, server_fn::codec::GetUrl};

/// The page.
#[server(prefix = "/api", endpoint = "analytics", input = GetUrl)]
pub async fn get_analytics(#[server(default)] query: AnalyticsQuery) -> Result<AnalyticsView, ApiError> {
    shown(ports()?.analytics.view(query).await)
}

/// Some exceptions of a period.
#[server(prefix = "/api", endpoint = "analytics/rows", input = GetUrl)]
pub async fn get_troubles(#[server(default)] query: TroublesQuery) -> Result<TroubleRowsView, ApiError> {
    shown(ports()?.analytics.rows(query).await)
}
