//! The update of a delivery: its fields, then its notes, activities and steps.

use super::{
    Of, Update, Written, activities,
    effects::{self, Left},
    order,
    posting::Posting,
    values::values,
};
use crate::{
    context::Context,
    odoo::{OrderError, repair},
};
use domain::{
    effects::{EffectOutcome, EffectTarget},
    fold::DeliveryStanding,
    ids::ShipmentId,
};
use futures::future::join;
use jiff::Timestamp;
use odoo::{Changed, Fields, OdooClient, Record, StatusValues, changed_by_others};
use outbound::CallLog;
use std::sync::Arc;
use storage::{
    Scope, StoreError,
    jobs::{Cause, LeasedJob},
    orders::Origin,
    shipments::{EffectRecord, Loaded},
};

/// A delivery and all that is known of its shipment.
#[derive(Debug)]
pub(super) struct Delivery {
    loaded: Loaded,
    origin: Origin,
    /// What was changed in Odoo and is set back now, as far as it is known.
    changed: Vec<Changed>,
    /// How often the job was tried before.
    tries: u32,
    leased: LeasedJob,
}

/// The update of a shipment's delivery; none where it has none.
pub(super) async fn update(
    context: &Context,
    leased: &LeasedJob,
    id: ShipmentId,
    odoo: Arc<OdooClient>,
) -> Result<Option<Update>, StoreError> {
    // an effect that comes after this moment has a job of its own
    let Some(loaded) = context.store.shipments.load(leased.scope, id, None).await? else { return Ok(None) };
    let Some(origin) = loaded.shipment.origin.clone() else { return Ok(None) };
    if loaded.shipment.plan.standing == DeliveryStanding::Deleted {
        // there is nothing to write to, and the order is without it now
        order::follows(context, leased, &origin).await?;
        return Ok(None);
    }
    let values = values(context, &loaded);
    let written = loaded.shipment.written.clone();
    let written = Written { values: written.as_deref(), at: loaded.shipment.written_at };
    let (record, tries) = (Record::delivery(origin.record), leased.attempts);
    let delivery = Delivery { loaded, origin, changed: Vec::new(), tries, leased: leased.clone() };
    Ok(Some(Update::new(context, odoo, (record, values), written, tries, Of::Delivery(Box::new(delivery)))))
}

impl Delivery {
    pub(super) fn system(&self) -> &str {
        &self.origin.system
    }

    pub(super) fn sets_back(&self) -> bool {
        let waits = |effect: &EffectRecord| {
            effect.outcome == EffectOutcome::Pending
                && effect.target == EffectTarget::OrderNote
                && effect.key.starts_with(repair::KEY)
        };
        self.loaded.effects.iter().any(waits)
    }

    /// What it shows, where fields are to be set back.
    pub(super) fn shows(&mut self, shown: Option<Fields>, written: &StatusValues) {
        self.changed = shown.map(|shown| changed_by_others(&shown, written)).unwrap_or_default();
    }

    pub(super) async fn keep(&self, context: &Context, scope: Scope, values: Option<String>) -> Result<(), StoreError> {
        context.store.shipments.written(scope, self.loaded.shipment.id, values, context.now()).await
    }

    /// Keeps what was written, posts what is to be posted, takes the steps, and completes what is over; until when something
    /// else waits.
    pub(super) async fn finish(
        &self,
        context: &Context,
        scope: Scope,
        (odoo, written): (&OdooClient, Option<String>),
        calls: &dyn CallLog,
    ) -> Result<Option<Timestamp>, OrderError> {
        let kept = async {
            // first: after a crash the delivery is written again, and its order with it. A delivery that changed in Odoo may
            // count otherwise there, whatever it shows
            if written.is_some() || self.leased.job.cause == Cause::Import {
                order::follows(context, &self.leased, &self.origin).await?;
            }
            match written {
                Some(values) => self.keep(context, scope, Some(values)).await,
                None => Ok(()),
            }
        };
        let connections = context.connections.now();
        let posting = Posting {
            context,
            scope,
            odoo,
            calls,
            origin: &self.origin,
            loaded: &self.loaded,
            changed: &self.changed,
            tries: self.tries,
            leased: &self.leased,
            settings: connections.get(&self.origin.system).and_then(|system| system.orders.as_deref()),
        };
        let (kept, left) = join(kept, effects::post_all(&posting)).await;
        kept?;
        let Left { failed, later } = left?;
        let taken_back = activities::complete(&posting).await?;
        match failed {
            Some(failed) => Err(failed),
            None => Ok(later.into_iter().chain(taken_back).min()),
        }
    }
}
