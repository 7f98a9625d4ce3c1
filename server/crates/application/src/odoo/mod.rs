//! The order system, Odoo: deliveries come in (`import`), status, notes and activities go out (`sync`), what others changed
//! of that is set back (`repair`).

mod import;
mod link;
mod reference;
mod repair;
mod sync;

use crate::{config::Config, error::UseCaseError};
use connectors::call::CallError;
use domain::{
    fold::Resolution,
    ids::{ObservationId, ShipmentId},
};
use jiff::{SignedDuration, Timestamp};
use storage::{
    shipments::{Loaded, NumberRecord},
    work::ExceptionRecord,
};

pub use import::{IMPORT_PAGES_MAX, import, reimport, what_to_do};
pub use link::link;
pub use repair::REPAIRS_MAX;
pub use sync::{Update, sync};

/// What a carrier takes back and says again within so long keeps its activity.
pub const CORRECTED_WITHIN: SignedDuration = SignedDuration::from_mins(10);
/// So long after it was taken back the activity is completed: later than [`CORRECTED_WITHIN`], so that no fold counts on one
/// that is just being completed.
pub const TAKEN_BACK_AFTER: SignedDuration = SignedDuration::from_mins(15);

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

/// The number of a shipment that something is reported for: the piece's, else that on which it was reported, else the only one.
pub fn number_of<'a>(loaded: &'a Loaded, piece: Option<&str>, evidence: &[ObservationId]) -> Option<&'a NumberRecord> {
    let numbers = &loaded.shipment.numbers;
    let of_piece = piece.and_then(|piece| numbers.iter().find(|number| number.piece.as_deref() == Some(piece)));
    let facts = || loaded.input.facts.iter().filter(|fact| evidence.contains(&fact.id));
    let reported = || numbers.iter().find(|number| facts().any(|fact| fact.tracker == number.tracker));
    of_piece.or_else(reported).or_else(|| numbers.first().filter(|_| numbers.len() == 1))
}

/// When the carrier took back what an exception was about, if that is how it ended; one that only the clock made is not
/// taken back.
pub fn taken_back_at(loaded: &Loaded, exception: &ExceptionRecord) -> Option<Timestamp> {
    let (at, how) = exception.closed?;
    let reported = loaded.input.facts.iter().any(|fact| exception.evidence.contains(&fact.id));
    (how == Resolution::Cleared && reported).then_some(at)
}

/// The page of a shipment, for people.
pub fn page_of(config: &Config, shipment: ShipmentId) -> String {
    format!("{}/shipments/{shipment}", config.public_url)
}
