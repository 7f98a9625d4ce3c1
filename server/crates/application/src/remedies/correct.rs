//! A person corrects a number that looks mistyped: in the delivery's tracking reference in the order system, where it belongs.

use super::find::found;
use crate::{
    caller::Caller,
    context::Context,
    error::{Result, UseCaseError},
    keys::sealed_audit,
    odoo::{self, OrderError},
};
use ::odoo::{Fields, RecordKind};
use domain::{access::Permission, ids::ShipmentId, unknown::Cause};
use outbound::Discard;

/// Puts the right number in the place of the wrong one, beside the other numbers that the delivery has, and reads the delivery again.
///
/// # Errors
/// When the caller may not; `Invalid` where the new text is no number either; `Conflict` where the shipment is of no delivery, or the
/// delivery has not got the wrong number any more; `Unavailable` where the order system does not answer.
pub async fn correct(context: &Context, caller: &Caller, id: ShipmentId, wrong: &str, right: &str) -> Result<()> {
    caller.require(Permission::Act)?;
    let scope = caller.scope();
    let loaded = context.store.shipments.load(scope, id, None).await?.ok_or(UseCaseError::NotFound("shipment"))?;
    let right = right.trim();
    let known = loaded.shipment.numbers.iter().find(|number| number.number == wrong);
    if let Some(why) = odoo::wrong_with(right, known.and_then(|number| number.carrier_label.as_deref())) {
        return Err(UseCaseError::Invalid { field: "number", message: why });
    }
    let is_doubted = found(context, scope, &loaded).await?.is_some_and(|known| known.cause == Cause::Mistyped);
    let Some(origin) = loaded.shipment.origin.as_ref().filter(|_| is_doubted && known.is_some()) else {
        return Err(UseCaseError::Conflict("this number is not in doubt any more: look at the shipment again".into()));
    };
    let client = context.odoo(&origin.system).ok_or_else(|| {
        UseCaseError::Unavailable(format!("{} is not in use: resume it under Connections first", origin.system))
    })?;
    let written = client.tracking_reference_of(origin.record, &Discard).await.map_err(|e| unavailable(e.into()))?;
    if !written.iter().any(|number| number == wrong) {
        let message = format!(
            "{} does not have {wrong} in its tracking reference: correct it in Odoo, on the delivery or its packages",
            origin.name
        );
        return Err(UseCaseError::Conflict(message));
    }
    let numbers: Vec<&str> = written.iter().map(|one| if one == wrong { right } else { one.as_str() }).collect();
    let values = |number: &str| serde_json::json!({ "number": number });
    let audit = context
        .audit("shipment.correct", format!("shipment:{id}"))
        .before(sealed_audit(context, scope, &values(wrong)).await?)
        .after(sealed_audit(context, scope, &values(right)).await?);
    // who began it is kept before anything is changed, whatever becomes of the request
    context.store.people.audit(scope, audit).await?;
    let fields = Fields::from_iter([("carrier_tracking_ref".to_owned(), numbers.join(", ").into())]);
    let gone = client.write_fields_of(RecordKind::Delivery, &[origin.record], &fields, &Discard).await;
    if !gone.map_err(|e| unavailable(e.into()))?.is_empty() {
        return Err(UseCaseError::Conflict(format!("{} is not in Odoo any more", origin.name)));
    }
    let (system, records, correlation) = (&origin.system, [origin.record], context.correlation());
    odoo::import_these(context, scope, system, &records, correlation, &Discard).await.map_err(unavailable)?;
    context.notifier.all_work();
    Ok(())
}

fn unavailable(error: OrderError) -> UseCaseError {
    match error {
        OrderError::Ours(error) => error,
        other => UseCaseError::Unavailable(format!("Odoo did not do it: {other}. Try again, or correct it in Odoo")),
    }
}
