//! Shipments.

#[cfg(feature = "ssr")]
use super::access::{ports, shown};
#[cfg(feature = "ssr")]
use crate::contract::unknown::Remedied;
use crate::contract::{
    ApiError,
    bookings::NewBooking,
    shipments::{ListPage, ListQuery, RawView, ShipmentView},
    unknown::RemedyAct,
};
use leptos::{prelude::*, server_fn::codec::GetUrl};

/// A page of the list.
#[server(prefix = "/api", endpoint = "shipments", input = GetUrl)]
pub async fn list_shipments(query: ListQuery) -> Result<ListPage, ApiError> {
    shown(ports()?.shipments.list(query).await)
}

/// Where a search leads: straight to the shipment that goes under exactly this.
#[server(prefix = "/api", endpoint = "shipments/find", input = GetUrl)]
pub async fn find_shipment(text: String) -> Result<Option<String>, ApiError> {
    let found = shown(ports()?.shipments.find(text).await)?;
    if let Some(id) = &found {
        leptos_axum::redirect(&format!("/shipments/{id}"));
    }
    Ok(found)
}

/// One shipment.
#[server(prefix = "/api", endpoint = "shipments/one", input = GetUrl)]
pub async fn get_shipment(id: String, as_known_at: Option<String>) -> Result<ShipmentView, ApiError> {
    shown(ports()?.shipments.get(id, as_known_at).await)
}

/// Links an order's shipment with an unlinked one of the same number.
#[server(prefix = "/api", endpoint = "shipments/link")]
pub async fn link_number(claimed: String, unlinked: String) -> Result<(), ApiError> {
    shown(ports()?.shipments.link(claimed, unlinked).await)
}

/// Does something about a shipment without a current status; its page says what was done.
#[server(prefix = "/api", endpoint = "shipments/remedy")]
pub async fn do_remedy(id: String, act: RemedyAct, #[server(default)] on: String) -> Result<(), ApiError> {
    shown(ports()?.shipments.remedy(id.clone(), act, on).await)?;
    leptos_axum::redirect(&format!("/shipments/{id}?done={}", Remedied::Act(act).code()));
    Ok(())
}

/// Corrects a number in the order system; the shipment's page says so.
#[server(prefix = "/api", endpoint = "shipments/correct")]
pub async fn correct_number(id: String, wrong: String, number: String) -> Result<(), ApiError> {
    shown(ports()?.shipments.correct(id.clone(), wrong, number).await)?;
    leptos_axum::redirect(&format!("/shipments/{id}?done={}", Remedied::Corrected.code()));
    Ok(())
}

/// Decides about a booking: `adopt` with its number, `again`, `give_up`, `void`.
#[server(prefix = "/api", endpoint = "shipments/booking")]
pub async fn decide_booking(id: String, decision: String, number: Option<String>) -> Result<(), ApiError> {
    shown(ports()?.shipments.decide_booking(id, decision, number.unwrap_or_default()).await)
}

/// Books a label beside the rules.
#[server(prefix = "/api", endpoint = "shipments/book")]
pub async fn book_shipment(#[server(default)] new: NewBooking) -> Result<(), ApiError> {
    shown(ports()?.shipments.book(new).await)
}

/// One event's raw message.
#[server(prefix = "/api", endpoint = "shipments/raw", input = GetUrl)]
pub async fn raw_event(id: String, observation: String) -> Result<RawView, ApiError> {
    shown(ports()?.shipments.raw(id, observation).await)
}
