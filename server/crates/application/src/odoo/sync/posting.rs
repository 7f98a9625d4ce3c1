//! What posting the effects of a delivery works with.

use crate::{
    context::Context,
    error::UseCaseError,
    exceptions::calendar,
    odoo::{OrderError, number_of},
    words,
};
use domain::{
    effects::EffectOutcome,
    ids::{ExceptionId, ObservationId},
};
use jiff::{Timestamp, civil::Date};
use odoo::{Changed, OdooClient};
use outbound::CallLog;
use storage::{
    Scope,
    jobs::LeasedJob,
    orders::Origin,
    shipments::{EffectRecord, Loaded},
    work::ExceptionRecord,
};

/// What posting works with.
pub(super) struct Posting<'a> {
    pub(super) context: &'a Context,
    pub(super) scope: Scope,
    pub(super) odoo: &'a OdooClient,
    pub(super) calls: &'a dyn CallLog,
    pub(super) origin: &'a Origin,
    pub(super) loaded: &'a Loaded,
    pub(super) changed: &'a [Changed],
    /// How often the job was tried before: what is found done may be its own.
    pub(super) tries: u32,
    pub(super) leased: &'a LeasedJob,
    pub(super) settings: Option<&'a odoo::Settings>,
}

/// What became of an effect; none: it waits.
pub(super) type Posted = Result<Option<EffectOutcome>, OrderError>;

impl Posting<'_> {
    pub(super) fn exception(&self, id: ExceptionId) -> Option<&ExceptionRecord> {
        self.loaded.exceptions.iter().find(|e| e.id == id)
    }

    /// The day of a time where the company works, which is the one that Odoo shows as a deadline.
    pub(super) async fn day_of(&self, at: Timestamp) -> Result<Date, UseCaseError> {
        Ok(calendar::company(self.context, self.scope).await?.own().day_of(at))
    }

    /// The page of the shipment.
    pub(super) fn page(&self) -> String {
        self.context.config.page_of(self.loaded.shipment.id)
    }

    /// The number that something was reported for, and its carrier, as people read them.
    pub(super) fn number(&self, piece: Option<&str>, evidence: &[ObservationId]) -> Option<String> {
        number_of(self.loaded, piece, evidence).map(words::number)
    }
}

/// Under what an effect is found at the target.
pub(super) fn marker(effect: &EffectRecord) -> String {
    format!("milepost-{}", effect.id)
}
