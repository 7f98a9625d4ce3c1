//! What the rules would do with a delivery, and why: it is read of Odoo as it is now; nothing is booked.

use super::{rules, work};
use crate::{
    caller::Caller,
    context::Context,
    error::{Result, UseCaseError},
};
use ::odoo::{Readiness, ToBook};
use domain::{
    access::Permission,
    booking::{BookingRule, Misfit, Phase, is_covered},
    ids::ShipmentId,
};
use outbound::Discard;
use storage::{bookings::BookingRecord, shipments::ShipmentRecord};

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
    /// Its tracking reference in Odoo.
    pub number: Option<String>,
    /// Whether each parcel has a label that was booked here, or is being booked.
    pub is_booked: bool,
    /// Whether it goes from stock to a customer: no other is booked.
    pub is_delivery: bool,
    /// Each rule, with why it does not fit.
    pub rules: Vec<(BookingRule, Vec<Misfit>)>,
}

impl Trial {
    /// The rule that decides.
    pub fn deciding(&self) -> Option<&BookingRule> {
        let fits = self.covering().filter(|(_, misfits)| misfits.is_empty()).map(|(rule, _)| rule);
        fits.filter(|_| self.settled().is_none())
    }

    /// The rule that the delivery was ready before: it decides nothing, and so does none below it.
    pub fn too_late(&self) -> Option<&BookingRule> {
        self.covering().filter(|(_, misfits)| !misfits.is_empty()).map(|(rule, _)| rule)
    }

    fn covering(&self) -> Option<&(BookingRule, Vec<Misfit>)> {
        self.rules.iter().find(|(_, misfits)| is_covered(misfits))
    }

    /// Why nothing is done with it, whatever the rules say.
    pub const fn settled(&self) -> Option<&'static str> {
        match (self.is_delivery, self.readiness) {
            (false, _) => Some("the transfer does not go to a customer from stock"),
            (true, Readiness::Cancelled) => Some("the delivery is cancelled"),
            (true, _) if self.is_booked => Some("its label is booked already"),
            (true, _) => None,
        }
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
        number: read.number.clone(),
        is_booked: is_booked(&read, &bookings),
        is_delivery: read.is_delivery,
        rules: rules.into_iter().map(|rule| (rule.clone(), rule.misfits(&parcels))).collect(),
        delivery: read.name,
    })
}

/// Whether each parcel has a label that is there, or on its way.
fn is_booked(read: &ToBook, bookings: &[BookingRecord]) -> bool {
    let newest = work::newest(bookings.to_vec());
    let of_parcels = work::matched(&newest, read).of_parcels;
    let is_live = |n: &usize| !newest[*n].purchase.phase.has_no_label() && newest[*n].purchase.phase != Phase::Refused;
    !of_parcels.is_empty() && of_parcels.iter().all(|known| known.as_ref().is_some_and(is_live))
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
