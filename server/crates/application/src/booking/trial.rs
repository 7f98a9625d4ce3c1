//! What the rules would do with a delivery, and why: it is read of Odoo as it is now; nothing is booked.

use super::{rules, work};
use crate::{
    caller::Caller,
    context::Context,
    error::{Result, UseCaseError},
};
use ::odoo::Readiness;
use domain::{
    access::Permission,
    booking::{BookingRule, Misfit},
    ids::ShipmentId,
};
use outbound::Discard;
use storage::shipments::ShipmentRecord;

/// A delivery as rules see it, and what each says.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// The delivery's name.
    pub delivery: String,
    /// Its shipment.
    pub shipment: ShipmentId,
    /// How far it is.
    pub readiness: Readiness,
    /// The shipping method.
    pub method: Option<String>,
    /// The warehouse's short name.
    pub warehouse: Option<String>,
    /// The country of destination.
    pub country: Option<String>,
    /// Its weight in grams.
    pub weight_g: Option<u32>,
    /// Its parcels.
    pub parcels: usize,
    /// Whether it has a tracking number that is not of a label booked here.
    pub has_number: bool,
    /// Whether it goes from stock to a customer: no other is booked.
    pub is_delivery: bool,
    /// Each rule, with why it does not fit.
    pub rules: Vec<(BookingRule, Vec<Misfit>)>,
}

impl Trial {
    /// The rule that decides.
    pub fn deciding(&self) -> Option<&BookingRule> {
        let fits = self.rules.iter().find(|(_, misfits)| misfits.is_empty()).map(|(rule, _)| rule);
        fits.filter(|_| self.is_delivery && self.readiness != Readiness::Cancelled)
    }
}

/// Tries the rules on the delivery of a name or number.
///
/// # Errors
/// When the caller may not; `Invalid` where no delivery goes under the text, or several do; `Unavailable` where Odoo does not answer.
pub async fn on(context: &Context, caller: &Caller, text: &str) -> Result<Trial> {
    caller.require(Permission::Operate)?;
    let scope = caller.scope();
    let invalid = |message: &str| UseCaseError::Invalid { field: "delivery", message: message.to_owned() };
    let (shipment, system, record) = find(context, caller, text.trim()).await?;
    let odoo = context.odoo(&system).ok_or_else(|| UseCaseError::Unavailable(format!("{system} is not in use")))?;
    let read = odoo.to_book(record, &Discard).await.map_err(|error| UseCaseError::Unavailable(error.message))?;
    let read = read.ok_or_else(|| invalid("Odoo does not have this delivery any more."))?;
    let bookings = context.store.bookings.of_records(scope, &system, vec![record]).await?;
    let parcels = work::parcels_of(&read, &shipment, &bookings);
    let rules = rules::rules(context, scope).await?;
    Ok(Trial {
        shipment: shipment.id,
        readiness: read.readiness,
        method: read.method.clone(),
        warehouse: parcels.warehouse.map(str::to_owned),
        country: read.to.country.clone(),
        weight_g: parcels.weight_g,
        parcels: read.parcels.len(),
        has_number: parcels.has_number,
        is_delivery: read.is_delivery,
        rules: rules.into_iter().map(|rule| (rule.clone(), rule.misfits(&parcels))).collect(),
        delivery: read.name,
    })
}

async fn find(context: &Context, caller: &Caller, text: &str) -> Result<(ShipmentRecord, String, i64)> {
    let invalid = |message: String| UseCaseError::Invalid { field: "delivery", message };
    let mut found = Vec::new();
    for id in context.store.shipments.find(caller.scope(), text).await? {
        let Some(shipment) = context.store.shipments.shipment(caller.scope(), id).await? else { continue };
        if let Some((system, record)) = shipment.origin.as_ref().map(|origin| (origin.system.clone(), origin.record)) {
            found.push((shipment, system, record));
        }
    }
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(invalid("No delivery of Odoo goes under this name or number.".to_owned())),
        n => Err(invalid(format!("{n} deliveries go under this: enter the name of one, like WH/OUT/00042."))),
    }
}
