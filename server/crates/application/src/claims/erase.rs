//! What an erasure removes of a shipment's claims.

use super::sealing;
use crate::{context::Context, error::Result};
use domain::ids::ShipmentId;
use std::collections::BTreeSet;
use storage::Scope;

/// Removes notes and files, and destroys the key that they were sealed under where the shipment has no customer. Amounts,
/// dates and goods stay: they name no person.
///
/// # Errors
/// When the store fails.
pub async fn erase(context: &Context, scope: Scope, shipment: ShipmentId) -> Result<()> {
    let files = context.store.claims.erase(scope, shipment).await?;
    if files > 0 {
        tracing::info!(%shipment, files, "files of claims are erased");
    }
    // a shipment that this one took over had a key of its own
    let claims = context.store.claims.of_shipment(scope, shipment).await?;
    let shipments: BTreeSet<_> = claims.iter().map(|claim| claim.shipment).chain([shipment]).collect();
    for shipment in shipments {
        let own = sealing::own_subject(shipment);
        if context.store.people.key(scope, own).await?.is_some() {
            let audit = context.audit("claim.erase", format!("shipment:{shipment}"));
            context.store.people.destroy_key(scope, own, audit).await?;
        }
    }
    Ok(())
}
