//! What goes out to Odoo: the fields of deliveries and of their orders, notes, activities, and the steps that a person has
//! set: validations, proofs of delivery, invoices, returns.

mod activities;
mod by_rule;
mod delivery;
mod effects;
pub(crate) mod html;
mod invoices;
mod notes;
mod order;
mod posting;
mod proofs;
mod siblings;
mod steps;
mod values;

use super::OrderError;
use crate::context::Context;
use delivery::Delivery;
use domain::ids::ShipmentId;
use jiff::{SignedDuration, Timestamp};
use odoo::{Fields, OdooClient, Record, StatusValues};
use order::Order;
use outbound::{CallError, CallLog};
use std::sync::Arc;
use storage::{
    Scope,
    jobs::{JobKind, LeasedJob},
};

pub use proofs::{PROOF_AWAITED, expire as expire_proofs};
pub(crate) use values::values as status_values;

/// What a job for a delivery or an order came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderOutcome {
    /// The record shows what it should.
    Agreed,
    /// Nothing to do before this time.
    NotBefore(Timestamp),
    /// The record is in this system, which was not called.
    Elsewhere(String),
}

/// Brings a shipment's state, notes, activities and steps to its delivery in an order system, or what its shipments come to
/// to an order; no other system is called. Writes only what differs from what was written before, and after tries whose end
/// nobody may have seen every field; each note, activity and step under its own id, so that none comes twice.
///
/// # Errors
/// When the connection is not in use, or Odoo or the store fails; what was done stays done and is not done again.
pub async fn sync(context: &Context, leased: &LeasedJob, calls: &dyn CallLog) -> Result<OrderOutcome, OrderError> {
    let system = leased.job.destination.as_deref().unwrap_or_default();
    let odoo = context.odoo(system).ok_or(OrderError::NotInUse)?;
    let Some(update) = Update::of(context, leased, odoo).await? else { return Ok(OrderOutcome::Agreed) };
    if update.system() != system {
        return Ok(OrderOutcome::Elsewhere(update.system().to_owned()));
    }
    let update = update.with_what_is_shown(calls).await?;
    let written = match update.writes {
        true => update.odoo.write_status(update.record, &update.values, update.before.as_ref(), calls).await,
        false => Ok(()),
    };
    update.finish(context, leased.scope, written, calls).await
}

/// What a record is to show, and what else is to be done there. It has one client from start to end, so that a change of the
/// connection does not split one update over two addresses.
#[derive(Debug)]
pub struct Update {
    odoo: Arc<OdooClient>,
    record: Record,
    values: StatusValues,
    /// What was written last, where that is known.
    before: Option<StatusValues>,
    /// Whether the values differ from it, and are to be written now.
    writes: bool,
    /// When they are to be written, where that is later.
    not_before: Option<Timestamp>,
    of: Of,
}

/// What an update is of.
#[derive(Debug)]
enum Of {
    Delivery(Box<Delivery>),
    Order(Box<Order>),
}

/// What was written to a record last.
struct Written<'a> {
    values: Option<&'a str>,
    at: Option<Timestamp>,
}

impl Update {
    /// That of a job, by this client; none where it has no record in Odoo.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn of(
        context: &Context,
        leased: &LeasedJob,
        odoo: Arc<OdooClient>,
    ) -> Result<Option<Self>, storage::StoreError> {
        if leased.job.kind == JobKind::SYNC_SALES_ORDER {
            return order::update(context, leased, odoo).await;
        }
        let Ok(id) = leased.job.target.parse::<ShipmentId>() else { return Ok(None) };
        delivery::update(context, leased, id, odoo).await
    }

    fn new(
        context: &Context,
        odoo: Arc<OdooClient>,
        (record, values): (Record, StatusValues),
        written: Written<'_>,
        tries: u32,
        of: Of,
    ) -> Self {
        let known = written.values.filter(|_| tries == 0);
        let differs = known != Some(text(&values).as_str());
        let before = known.and_then(|values| serde_json::from_str(values).ok());
        // a burst is written in few updates: the first at once, the rest together
        let spacing = SignedDuration::from_secs(i64::try_from(context.config.rules.update_seconds).unwrap_or(i64::MAX));
        let now = context.now();
        let last = written.at.filter(|at| known.is_some() && *at <= now);
        let not_before = last.and_then(|at| at.checked_add(spacing).ok()).filter(|next| differs && *next > now);
        Self { odoo, record, values, before, writes: differs && not_before.is_none(), not_before, of }
    }

    /// Whether fields that were changed in Odoo are to be set back.
    pub fn sets_back(&self) -> bool {
        match &self.of {
            Of::Delivery(delivery) => delivery.sets_back(),
            Of::Order(order) => order.sets_back(),
        }
    }

    /// Where fields are to be set back, with what they show now, for the note.
    async fn with_what_is_shown(mut self, calls: &dyn CallLog) -> Result<Self, CallError> {
        if self.sets_back() {
            let shown = self.odoo.shown(self.record.kind, &[self.record.id], calls).await?.remove(&self.record.id);
            match &mut self.of {
                Of::Delivery(delivery) => delivery.shows(shown, &self.values),
                Of::Order(order) => order.shows(shown, &self.values),
            }
        }
        Ok(self)
    }

    /// The name of the order system that has the record.
    pub fn system(&self) -> &str {
        match &self.of {
            Of::Delivery(delivery) => delivery.system(),
            Of::Order(order) => order.system(),
        }
    }

    /// The record in Odoo.
    pub const fn record(&self) -> Record {
        self.record
    }

    /// The fields to be written; none where it shows what it should.
    ///
    /// # Errors
    /// When Odoo does not say which fields it has.
    pub async fn fields(&self, calls: &dyn CallLog) -> Result<Fields, CallError> {
        match self.writes {
            true => self.odoo.fields_to_write(self.record.kind, &self.values, self.before.as_ref(), calls).await,
            false => Ok(Fields::new()),
        }
    }

    /// Keeps how the fields were written, and does what else is to be done.
    ///
    /// # Errors
    /// When Odoo or the store fails.
    pub async fn finish(
        &self,
        context: &Context,
        scope: Scope,
        written: Result<(), CallError>,
        calls: &dyn CallLog,
    ) -> Result<OrderOutcome, OrderError> {
        if let Err(error) = written {
            // what the record shows now is not known
            self.keep(context, scope, None).await?;
            return Err(error.into());
        }
        // fields that this Odoo lacks were not written: once they are set up they are
        let written = self.writes.then(|| text(&self.odoo.as_shown(self.record.kind, &self.values)));
        let later = match &self.of {
            Of::Delivery(delivery) => delivery.finish(context, scope, (&self.odoo, written), calls).await?,
            Of::Order(order) => {
                if written.is_some() {
                    self.keep(context, scope, written).await?;
                }
                order.post(context, scope, &self.odoo, calls).await?
            }
        };
        let next = [later, self.not_before].into_iter().flatten().min();
        Ok(next.map_or(OrderOutcome::Agreed, OrderOutcome::NotBefore))
    }

    async fn keep(&self, context: &Context, scope: Scope, values: Option<String>) -> Result<(), storage::StoreError> {
        match &self.of {
            Of::Delivery(delivery) => delivery.keep(context, scope, values).await,
            Of::Order(order) => {
                let (shipments, system) = (&context.store.shipments, order.system());
                shipments.keep_order_fields(scope, system, self.record.id, values, context.now()).await
            }
        }
    }
}

fn text(values: &StatusValues) -> String {
    serde_json::to_string(values).expect("plain data serialises")
}
