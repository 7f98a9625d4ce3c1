//! A person links a number to an order, where the order system names another carrier.

use crate::caller::Caller;
use crate::{context::Context, error::Result, keys::sealed_audit};
use domain::access::Permission;
use domain::ids::{BindingId, ShipmentId};
use storage::{jobs::Lane, shipments::NewLink};

/// Links an order's shipment with an unlinked one of the same number; audited.
///
/// # Errors
/// When they have no number in common, one of them is linked already, or the store fails.
pub async fn link(context: &Context, caller: &Caller, claimed: ShipmentId, unlinked: ShipmentId) -> Result<()> {
    caller.require(Permission::Act)?;
    let scope = caller.scope();
    let after = serde_json::json!({ "unlinked": unlinked });
    let after = sealed_audit(context, scope, &after).await?;
    let audit = context.audit("shipment.link", format!("shipment:{claimed}")).after(after);
    let binding = BindingId(context.clock.id());
    let link = NewLink { claimed, unlinked, binding, correlation: context.correlation() };
    context.store.shipments.link(scope, link, audit).await?;
    context.notifier.work(Lane::RealTime);
    context.notifier.changed();
    Ok(())
}
