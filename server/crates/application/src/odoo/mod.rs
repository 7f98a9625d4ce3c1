//! The order system, Odoo: deliveries come in (`import`), status, notes and activities go out (`sync`), what others changed
//! of that is set back (`repair`).

pub mod hints;
mod import;
mod link;
pub(crate) mod of_order;
pub mod pace;
mod reference;
mod refill;
mod repair;
pub(crate) mod same_database;
pub mod setup;
mod sync;
mod taking;

use crate::error::UseCaseError;
use domain::ids::ObservationId;
use outbound::CallError;
use storage::{shipments::Loaded, trackers::NumberRecord};

pub use import::{IMPORT_PAGES_MAX, import, import_these, reimport, what_to_do};
pub use link::link;
pub(crate) use of_order::SalesOrder;
pub(crate) use reference::wrong_with;
pub use repair::REPAIRS_MAX;
pub(crate) use repair::{Comparing, KEY as SET_BACK};
pub(crate) use sync::html::escape;
pub(crate) use sync::status_values;
pub use sync::{OrderOutcome, PROOF_AWAITED, Update, expire_proofs, sync};

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
    /// The connection is not in use: its work waits.
    #[error("the connection is not in use")]
    NotInUse,
}

impl From<storage::StoreError> for OrderError {
    fn from(error: storage::StoreError) -> Self {
        Self::Ours(error.into())
    }
}

/// The numbers of a delivery, as an import reads them: each as written, with its carrier's family.
pub(crate) fn numbers_of(delivery: &::odoo::Delivery) -> Vec<(String, Option<String>)> {
    let reference = reference::Reference::read(delivery);
    reference.numbers.into_iter().map(|number| (number.raw, number.tracker.carrier)).collect()
}

/// The number of a shipment that something is reported for: the piece's, else that on which it was reported, else the only one.
pub fn number_of<'a>(loaded: &'a Loaded, piece: Option<&str>, evidence: &[ObservationId]) -> Option<&'a NumberRecord> {
    let numbers = &loaded.shipment.numbers;
    let of_piece = piece.and_then(|piece| numbers.iter().find(|number| number.piece.as_deref() == Some(piece)));
    let facts = || loaded.input.facts.iter().filter(|fact| evidence.contains(&fact.id));
    let reported = || numbers.iter().find(|number| facts().any(|fact| fact.tracker == number.tracker));
    of_piece.or_else(reported).or_else(|| numbers.first().filter(|_| numbers.len() == 1))
}
