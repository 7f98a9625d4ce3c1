//! Fields of a delivery or its order that were changed in Odoo: they are compared whenever the delivery comes in, written
//! again, with a note, once for each change. Where something changes them again and again, Milepost stops
//! after a while, with a note.

use crate::{
    context::Context,
    odoo::{OrderError, of_order::SalesOrder},
};
use domain::{
    effects::{EffectBody, EffectOutcome, EffectTarget, effect_id},
    ids::{CorrelationId, ShipmentId},
};
use jiff::SignedDuration;
use odoo::{OdooClient, RecordKind, StatusValues, changed_by_others};
use outbound::CallLog;
use std::collections::BTreeMap;
use storage::{
    Scope, StoreError,
    jobs::{Cause, JobKind},
    shipments::{EffectRecord, Loaded, NewEffect, SetBack, SetBackOn},
};

/// How often the fields of one delivery, or of one order, are set back within [`WINDOW`].
pub const REPAIRS_MAX: usize = 3;
/// After so long it begins to count anew.
const WINDOW: SignedDuration = SignedDuration::from_hours(24);
/// How the keys of these notes begin.
pub(crate) const KEY: &str = "set_back/";

/// What a comparison works with.
#[derive(Clone, Copy)]
pub(crate) struct Comparing<'a> {
    /// What every use case works with.
    pub(crate) context: &'a Context,
    /// The company.
    pub(crate) scope: Scope,
    /// The name of the connection.
    pub(crate) system: &'a str,
    /// Its client.
    pub(crate) odoo: &'a OdooClient,
    /// What the jobs are named after.
    pub(crate) correlation: CorrelationId,
    /// Where the calls are kept.
    pub(crate) calls: &'a dyn CallLog,
}

impl Comparing<'_> {
    /// Compares what deliveries show with what was last written there. What differs is written again by a job of its own;
    /// how many deliveries that were.
    ///
    /// # Errors
    /// When Odoo or the store fails.
    pub(crate) async fn deliveries(&self, records: Vec<i64>) -> Result<usize, OrderError> {
        let Self { context, scope, system, odoo, correlation, calls } = *self;
        // read before Odoo is: what is written meanwhile is no difference, and is seen when it is set back
        let written = context.store.shipments.written_of(scope, system, records).await?;
        let records: Vec<i64> = written.iter().map(|one| one.record).collect();
        let shown = odoo.shown(RecordKind::Delivery, &records, calls).await?;
        let mut set_back = 0;
        for one in written {
            let fields = changed(&one.values, shown.get(&one.record));
            if fields.is_empty() {
                continue;
            }
            let Some(loaded) = context.store.shipments.load(scope, one.shipment, None).await? else { continue };
            let job = context.job(JobKind::SYNC_ORDER, one.shipment, Cause::Reconcile, correlation, Some(one.shipment));
            let earlier = notes(&[loaded], EffectTarget::OrderNote);
            let repair =
                Repair { on: SetBackOn::Delivery, shipment: one.shipment, expected: one.values, fields, earlier };
            set_back += usize::from(repair.begin(self, job.to(system)).await?);
        }
        self.announce(set_back);
        Ok(set_back)
    }

    /// The same of sales orders, each with its name; their fields show what all of their shipments come to.
    ///
    /// # Errors
    /// When Odoo or the store fails.
    pub(crate) async fn orders(&self, orders: &BTreeMap<i64, String>) -> Result<usize, OrderError> {
        let Self { context, scope, system, odoo, correlation, calls } = *self;
        let written =
            context.store.shipments.written_of_orders(scope, system, orders.keys().copied().collect()).await?;
        let records: Vec<i64> = written.keys().copied().collect();
        let shown = odoo.shown(RecordKind::Order, &records, calls).await?;
        let mut set_back = 0;
        for (record, expected) in written {
            let fields = changed(&expected, shown.get(&record));
            let Some(name) = orders.get(&record).filter(|_| !fields.is_empty()) else { continue };
            let order = SalesOrder { system, record, name };
            let mut loaded = Vec::new();
            for shipment in order.shipments(context, scope).await? {
                loaded.extend(context.store.shipments.load(scope, shipment.id, None).await?);
            }
            let Some(shipment) = loaded.first().map(|one| one.shipment.id) else { continue };
            let kind = JobKind::SYNC_SALES_ORDER;
            let job = context.job(kind, order.target(), Cause::Reconcile, correlation, Some(shipment));
            let earlier = notes(&loaded, EffectTarget::SalesOrderNote);
            let on = SetBackOn::Order { system: system.to_owned(), record };
            let repair = Repair { on, shipment, expected, fields, earlier };
            set_back += usize::from(repair.begin(self, job.to(system)).await?);
        }
        self.announce(set_back);
        Ok(set_back)
    }

    fn announce(&self, set_back: usize) {
        if set_back > 0 {
            self.context.notifier.all_work();
        }
    }
}

/// The fields that show something else than these values, as they were written.
fn changed(values: &str, shown: Option<&odoo::Fields>) -> Vec<String> {
    let Some((values, shown)) = serde_json::from_str::<StatusValues>(values).ok().zip(shown) else { return Vec::new() };
    changed_by_others(shown, &values).into_iter().map(|changed| changed.field).collect()
}

/// The notes about earlier set-backs.
fn notes(loaded: &[Loaded], target: EffectTarget) -> Vec<EffectRecord> {
    let effects = loaded.iter().flat_map(|one| &one.effects);
    effects.filter(|effect| effect.target == target && effect.key.starts_with(KEY)).cloned().collect()
}

/// Fields that are to be set back.
struct Repair {
    on: SetBackOn,
    shipment: ShipmentId,
    expected: String,
    fields: Vec<String>,
    /// The notes about earlier ones.
    earlier: Vec<EffectRecord>,
}

impl Repair {
    /// Whether it was: not where a job writes, nor where they are left as they are.
    async fn begin(self, comparing: &Comparing<'_>, job: storage::jobs::NewJob) -> Result<bool, StoreError> {
        let Comparing { context, scope, .. } = *comparing;
        let Self { on, shipment, expected, fields, earlier } = self;
        let now = context.now();
        let recent = earlier.iter().filter(|effect| now.duration_since(effect.created_at) < WINDOW).count();
        // one more note: they are left as they are
        if recent > REPAIRS_MAX {
            return Ok(false);
        }
        let left = recent == REPAIRS_MAX;
        if left {
            tracing::warn!(%shipment, ?on, ?fields, "these fields are changed again and again in Odoo: they are left so");
            metrics::counter!("milepost_fields_left_changed_total").increment(1);
        }
        let target = match on {
            SetBackOn::Delivery => EffectTarget::OrderNote,
            SetBackOn::Order { .. } => EffectTarget::SalesOrderNote,
        };
        let key = format!("{KEY}{}", earlier.len() + 1);
        let body = if left { EffectBody::LeftChanged { fields } } else { EffectBody::SetBack { fields } };
        let effect = NewEffect {
            id: effect_id(shipment, target, &key),
            target,
            key,
            body: serde_json::to_string(&body).expect("plain data serialises"),
            outcome: EffectOutcome::Pending,
        };
        let after = left.then(|| expected.clone());
        context.store.shipments.set_back(scope, SetBack { on, shipment, expected, after, effect, job }, now).await
    }
}
