//! Fields of a delivery that were changed in Odoo: they are compared whenever the delivery comes in, written
//! again, with a note, once for each change. Where something changes them again and again, Milepost stops
//! after a while, with a note.

use crate::{context::Context, odoo::OrderError};
use domain::{
    effects::{EffectBody, EffectOutcome, EffectTarget, effect_id},
    ids::{CorrelationId, ShipmentId},
};
use jiff::SignedDuration;
use odoo::{OdooClient, StatusValues, changed_by_others};
use outbound::CallLog;
use storage::{
    Scope,
    jobs::{Cause, JobKind},
    shipments::{NewEffect, SetBack},
};

/// How often the fields of one delivery are set back within [`WINDOW`].
pub const REPAIRS_MAX: usize = 3;
/// After so long it begins to count anew.
const WINDOW: SignedDuration = SignedDuration::from_hours(24);
/// How the keys of these notes begin.
pub(crate) const KEY: &str = "set_back/";

/// Compares what deliveries show with what was last written there. What differs is written again by a job of its own;
/// how many deliveries that were.
///
/// # Errors
/// When Odoo or the store fails.
pub(crate) async fn compare(
    context: &Context,
    scope: Scope,
    (system, odoo): (&str, &OdooClient),
    records: Vec<i64>,
    correlation: CorrelationId,
    calls: &dyn CallLog,
) -> Result<usize, OrderError> {
    // read before Odoo is: what is written meanwhile is no difference, and is seen when it is set back
    let written = context.store.shipments.written_of(scope, system, records).await?;
    if written.is_empty() {
        return Ok(0);
    }
    let records: Vec<i64> = written.iter().map(|one| one.record).collect();
    let shown = odoo.shown(&records, calls).await?;
    let mut set_back = 0;
    for one in written {
        let Ok(values) = serde_json::from_str::<StatusValues>(&one.values) else { continue };
        let Some(shown) = shown.get(&one.record) else { continue };
        let changed = changed_by_others(shown, &values);
        if !changed.is_empty() {
            let fields = changed.into_iter().map(|changed| changed.field).collect();
            set_back +=
                usize::from(repair(context, (scope, system), one.shipment, one.values, fields, correlation).await?);
        }
    }
    if set_back > 0 {
        context.notifier.all_work();
    }
    Ok(set_back)
}

async fn repair(
    context: &Context,
    (scope, system): (Scope, &str),
    shipment: ShipmentId,
    expected: String,
    fields: Vec<String>,
    correlation: CorrelationId,
) -> Result<bool, OrderError> {
    let Some(loaded) = context.store.shipments.load(scope, shipment, None).await? else { return Ok(false) };
    let now = context.now();
    let notes = || loaded.effects.iter().filter(|effect| effect.key.starts_with(KEY));
    let recent = notes().filter(|effect| now.duration_since(effect.created_at) < WINDOW).count();
    // one more note: they are left as they are
    if recent > REPAIRS_MAX {
        return Ok(false);
    }
    let left = recent == REPAIRS_MAX;
    if left {
        tracing::warn!(%shipment, ?fields, "somebody changes fields of the delivery again and again: they are left so");
        metrics::counter!("milepost_fields_left_changed_total").increment(1);
    }
    let key = format!("{KEY}{}", notes().count() + 1);
    let body = if left { EffectBody::LeftChanged { fields } } else { EffectBody::SetBack { fields } };
    let effect = NewEffect {
        id: effect_id(shipment, EffectTarget::OrderNote, &key),
        target: EffectTarget::OrderNote,
        key,
        body: serde_json::to_string(&body).expect("plain data serialises"),
        outcome: EffectOutcome::Pending,
    };
    let job = context.job(JobKind::SYNC_ORDER, shipment, Cause::Reconcile, correlation, Some(shipment)).to(system);
    let after = left.then(|| expected.clone());
    let set_back = SetBack { shipment, expected, after, effect, job };
    Ok(context.store.shipments.set_back(scope, set_back, now).await?)
}
