//! The shipments of an order of the order system.

use crate::context::Context;
use domain::{Direction, fold::DeliveryStanding};
use storage::{Scope, StoreError, orders::Origin, shipments::ShipmentRecord};

/// What stands between the system and the record in the target of an order's job.
const BETWEEN: char = '/';

/// Pages of what goes under an order's name: an order of a year's daily deliveries is read whole.
const PAGES_MAX: usize = 40;

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
        let (mut found, mut after) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            let page = shipments.find_after(scope, self.name, after).await?;
            for id in &page {
                let Some(shipment) = shipments.shipment(scope, *id).await? else { continue };
                if self.has(&shipment) {
                    found.push(shipment);
                }
            }
            after = page.last().copied();
            if after.is_none() {
                return Ok(found);
            }
        }
        tracing::warn!(
            order = self.record,
            "the order has more shipments than are looked at: the first {}",
            found.len()
        );
        Ok(found)
    }

    fn has(&self, shipment: &ShipmentRecord) -> bool {
        let of_it = shipment.origin.as_ref().is_some_and(|origin| {
            origin.system == self.system
                && origin.sales_order() == Some(self.record)
                && matches!(origin.transfer.direction, Direction::Outbound | Direction::Dropship)
        });
        of_it && shipment.plan.standing != DeliveryStanding::Deleted
    }
}
