//! A person says whose number it is, where the order system names another carrier.

use crate::{
    tower::Tower,
    usecases::{Result, people::sealed_audit},
};
use domain::ids::{BindingId, ShipmentId};
use storage::{Scope, jobs::Lane, shipments::NewLink};

/// Links an order's shipment with an unlinked one of the same number; audited.
///
/// # Errors
/// When they have no number in common, one of them is linked already, or the store fails.
pub async fn link(tower: &Tower, scope: Scope, claimed: ShipmentId, unlinked: ShipmentId) -> Result<()> {
    let after = serde_json::json!({ "unlinked": unlinked });
    let after = sealed_audit(tower, scope, &after).await?;
    let audit = tower.audit("shipment.link", format!("shipment:{claimed}")).after(after);
    let binding = BindingId(tower.clock.id());
    let link = NewLink { claimed, unlinked, binding, correlation: tower.correlation() };
    tower.store.shipments.link(scope, link, audit).await?;
    tower.notifier.work(Lane::RealTime);
    tower.notifier.changed();
    Ok(())
}
