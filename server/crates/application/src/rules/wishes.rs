//! Whether a customer refuses mail, asked of Odoo right before a message by rule: an address gets onto its blacklist without a change
//! of the customer, so that no import sees it.

use super::message;
use crate::{context::Context, odoo::OrderError};
use domain::{
    effects::{EffectBody, EffectOutcome},
    ids::{EffectId, ShipmentId},
    rule::Action,
};
use outbound::CallLog;
use storage::Scope;

/// Asks; then the message is handed on to its channel, or is not sent.
///
/// # Errors
/// When the connection is not in use, or Odoo or the store fails: nothing is sent then.
pub async fn ask(
    context: &Context,
    scope: Scope,
    (shipment, id): (ShipmentId, EffectId),
    calls: &dyn CallLog,
) -> Result<(), OrderError> {
    let Some(loaded) = context.store.shipments.load(scope, shipment, None).await? else { return Ok(()) };
    let pending = |outcome: &EffectOutcome| *outcome == EffectOutcome::Pending;
    let effect = loaded.effects.iter().find(|effect| effect.id == id && pending(&effect.outcome));
    let Some(EffectBody::ByRule { action: Action::MessageCustomer { channel, .. }, .. }) =
        effect.and_then(|effect| serde_json::from_str(&effect.body).ok())
    else {
        return Ok(());
    };
    let customer = loaded.shipment.origin.as_ref().and_then(|origin| Some((&origin.system, origin.customer_record?)));
    let refused = match customer {
        None => false,
        Some((system, record)) => context.odoo(system).ok_or(OrderError::NotInUse)?.refuses_mail(record, calls).await?,
    };
    let instead = match refused {
        true => Some(EffectOutcome::not_possible(message::OBJECTED)),
        false => message::hand_over(context, scope, (shipment, id), channel.as_deref()).await?,
    };
    if let Some(instead) = instead {
        context.store.shipments.effect_moved(scope, id, EffectOutcome::Pending, instead, context.now()).await?;
        context.notifier.changed();
    }
    Ok(())
}
