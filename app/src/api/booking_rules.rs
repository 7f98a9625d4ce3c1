//! Booking rules.

#[cfg(feature = "ssr")]
use super::access::{ports, shown};
use crate::contract::{
    ApiError,
    booking_rules::{BookingRulesQuery, BookingRulesView, RuleForm},
};
use leptos::{prelude::*, server_fn::codec::GetUrl};

/// The page.
#[server(prefix = "/api", endpoint = "booking-rules", input = GetUrl)]
pub async fn get_booking_rules(#[server(default)] query: BookingRulesQuery) -> Result<BookingRulesView, ApiError> {
    shown(ports()?.booking_rules.view(query).await)
}

/// Keeps a rule that was added or edited, and leads back to the list.
#[server(prefix = "/api", endpoint = "booking-rules/save")]
pub async fn save_booking_rule(#[server(default)] rule: RuleForm) -> Result<(), ApiError> {
    shown(ports()?.booking_rules.save(rule).await)?;
    leptos_axum::redirect("/booking-rules");
    Ok(())
}

/// Moves or removes a rule: `raise`, `lower`, `remove`.
#[server(prefix = "/api", endpoint = "booking-rules/change")]
pub async fn change_booking_rule(version: String, name: String, act: String) -> Result<(), ApiError> {
    shown(ports()?.booking_rules.change(version, name, act).await)
}
