//! The order system, Odoo: deliveries come in (`import`), status, notes and activities go out (`sync`).

mod import;
mod sync;

use super::UseCaseError;
use crate::config::Config;
use connectors::call::CallError;
use domain::ids::ShipmentId;

pub use import::{IMPORT_PAGES_MAX, import};
pub use sync::{Update, sync};

/// The place of a customer's data in the vault.
pub const CUSTOMER: &str = "shipment.customer";

/// Why a call to the order system did not end well.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// Odoo.
    #[error(transparent)]
    Call(#[from] CallError),
    /// Ourselves.
    #[error(transparent)]
    Ours(#[from] UseCaseError),
}

impl From<storage::StoreError> for OrderError {
    fn from(error: storage::StoreError) -> Self {
        Self::Ours(error.into())
    }
}

/// The page of a shipment, for people.
pub fn page_of(config: &Config, shipment: ShipmentId) -> String {
    format!("{}/shipments/{shipment}", config.public_url)
}
