//! Shipments.

#[cfg(feature = "ssr")]
use super::guard::authorise;
#[cfg(feature = "ssr")]
use crate::contract::session::Permission;
use crate::contract::{
    ApiError, Instant, ObservationId, ShipmentId,
    shipments::{Found, ListQuery, ListView, RawView, ShipmentView},
};
use leptos::{prelude::*, server};
use server_fn::codec::Json;

/// A page of the list.
#[server(prefix = "/api", endpoint = "shipments/list", input = Json)]
pub async fn list_shipments(query: ListQuery) -> Result<ListView, ApiError> {
    let (ports, viewer) = authorise(Permission::ReadShipments)?;
    ports.shipments.list(&viewer, query).await
}

/// One shipment, as known now or at a past moment.
#[server(prefix = "/api", endpoint = "shipments/get", input = Json)]
pub async fn get_shipment(id: ShipmentId, as_known_at: Option<Instant>) -> Result<ShipmentView, ApiError> {
    let (ports, viewer) = authorise(Permission::ReadShipments)?;
    ports.shipments.get(&viewer, &id, as_known_at).await
}

/// What a carrier sent, beside what we read in it.
#[server(prefix = "/api", endpoint = "shipments/raw", input = Json)]
pub async fn get_raw(id: ShipmentId, observation: ObservationId) -> Result<RawView, ApiError> {
    let (ports, viewer) = authorise(Permission::ReadRaw)?;
    ports.shipments.raw(&viewer, &id, &observation).await
}

/// What the search box leads to.
#[server(prefix = "/api", endpoint = "shipments/find", input = Json)]
pub async fn find_shipment(text: String) -> Result<Found, ApiError> {
    let (ports, viewer) = authorise(Permission::ReadShipments)?;
    ports.shipments.find(&viewer, text.trim()).await
}
