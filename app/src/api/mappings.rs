//! Mappings of codes.

#[cfg(feature = "ssr")]
use super::access::{ports, shown};
use crate::contract::{
    ApiError,
    mappings::{MappingQuery, MappingsView, NewMeaning},
};
use leptos::{prelude::*, server_fn::codec::GetUrl};

/// The page of unmapped codes.
#[server(prefix = "/api", endpoint = "mappings", input = GetUrl)]
pub async fn get_mappings(query: MappingQuery) -> Result<MappingsView, ApiError> {
    shown(ports()?.mappings.view(query).await)
}

/// Publishes what a code means.
#[server(prefix = "/api", endpoint = "mappings/publish")]
pub async fn publish_meaning(meaning: NewMeaning) -> Result<(), ApiError> {
    let version = shown(ports()?.mappings.publish(meaning).await)?;
    leptos_axum::redirect(&format!("/mappings/unmapped?published={version}"));
    Ok(())
}

/// Publishes an earlier version again.
#[server(prefix = "/api", endpoint = "mappings/roll-back")]
pub async fn roll_back_mapping(version: u32, why: String) -> Result<(), ApiError> {
    let version = shown(ports()?.mappings.roll_back(version, why).await)?;
    leptos_axum::redirect(&format!("/mappings/unmapped?published={version}"));
    Ok(())
}
