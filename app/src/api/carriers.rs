//! Carriers.

#[cfg(feature = "ssr")]
use super::access::{ports, shown};
use crate::contract::{
    ApiError,
    carriers::{CarrierQuery, CarrierView, CarriersQuery, CarriersView},
};
use leptos::{prelude::*, server_fn::codec::GetUrl};

/// All carriers.
#[server(prefix = "/api", endpoint = "carriers", input = GetUrl)]
pub async fn get_carriers(#[server(default)] query: CarriersQuery) -> Result<CarriersView, ApiError> {
    shown(ports()?.carriers.all(query).await)
}

/// One carrier.
#[server(prefix = "/api", endpoint = "carriers/one", input = GetUrl)]
pub async fn get_carrier(#[server(default)] query: CarrierQuery) -> Result<CarrierView, ApiError> {
    shown(ports()?.carriers.one(query).await)
}
