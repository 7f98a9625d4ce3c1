//! Where the systems differ.

#[cfg(feature = "ssr")]
use super::access::{ports, shown};
use crate::contract::{
    ApiError,
    reconciliation::{Chosen, ReconciliationQuery, ReconciliationView},
};
use leptos::{prelude::*, server_fn::codec::GetUrl};

/// The page.
#[server(prefix = "/api", endpoint = "reconciliation", input = GetUrl)]
pub async fn get_reconciliation(#[server(default)] query: ReconciliationQuery) -> Result<ReconciliationView, ApiError> {
    shown(ports()?.reconciliation.view(query).await)
}

/// Starts a run.
#[server(prefix = "/api", endpoint = "reconciliation/start")]
pub async fn start_reconciliation(#[server(default)] dry_run: bool) -> Result<(), ApiError> {
    shown(ports()?.reconciliation.start(dry_run).await)
}

/// Stops a run.
#[server(prefix = "/api", endpoint = "reconciliation/stop")]
pub async fn stop_reconciliation(run: String) -> Result<(), ApiError> {
    shown(ports()?.reconciliation.stop(run).await)
}

/// Has what is chosen mended; how many.
#[server(prefix = "/api", endpoint = "reconciliation/fix")]
pub async fn fix_differences(#[server(default)] chosen: Chosen) -> Result<u64, ApiError> {
    shown(ports()?.reconciliation.fix(chosen.ids).await)
}

/// Decides whose value counts.
#[server(prefix = "/api", endpoint = "reconciliation/decide")]
pub async fn decide_difference(id: String, revision: u64, choice: String) -> Result<(), ApiError> {
    shown(ports()?.reconciliation.decide(id, revision, choice).await)
}

/// Takes a difference over, or gives it up.
#[server(prefix = "/api", endpoint = "reconciliation/assign")]
pub async fn assign_difference(id: String, mine: bool) -> Result<(), ApiError> {
    shown(ports()?.reconciliation.assign(id, mine).await)
}
