//! The shipments of an order of the order system.

use crate::context::Context;
use domain::{Direction, fold::DeliveryStanding};
use storage::{Scope, StoreError, orders::Origin, shipments::ShipmentRecord};

/// What stands between the system and the record in the target of an order's job.
const BETWEEN: char = '/';

/// A sales order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SalesOrder<'a> {
    /// The name of the connection.
    pub(crate) system: &'a str,
    /// Its id there.
    pub(crate) record: i64,
    /// Its name there.
    pub(crate) name: &'a str,
}

impl<'a> SalesOrder<'a> {
    /// That of a delivery; none where it has none.
    pub(crate) fn of(origin: &'a Origin) -> Option<Self> {
        let (record, name) = (origin.sales_order()?, origin.order.as_deref().unwrap_or_default());
        Some(Self { system: &origin.system, record, name })
    }

    /// The target of the job that brings it up to date.
    pub(crate) fn target(&self) -> String {
        format!("{}{BETWEEN}{}", self.system, self.record)
    }

    /// Its shipments that go to the customer, by id: none that is deleted or comes back.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn shipments(&self, context: &Context, scope: Scope) -> Result<Vec<ShipmentRecord>, StoreError> {
        let shipments = &context.store.shipments;
        let mut found = Vec::new();
        for id in shipments.find(scope, self.name).await? {
            let Some(shipment) = shipments.shipment(scope, id).await? else { continue };
            let of_it = shipment.origin.as_ref().is_some_and(|origin| {
                origin.system == self.system
                    && origin.sales_order() == Some(self.record)
                    && matches!(origin.transfer.direction, Direction::Outbound | Direction::Dropship)
            });
            if of_it && shipment.plan.standing != DeliveryStanding::Deleted {
                found.push(shipment);
            }
        }
        Ok(found)
    }
}
