//! What the simulated Odoos know of the simulated shipments.

use crate::{
    journey::{Fate, HOME, Shipment, What, fresh, later},
    odoo::{NewOrder, NewTransfer, Way, written_before},
};
use jiff::{SignedDuration, Timestamp};

/// The order in Odoo as it is at this time.
pub(crate) fn order_of(shipment: &Shipment, now: Timestamp) -> Option<NewOrder> {
    let announced = shipment.steps.first().is_some_and(|s| s.at <= now) || shipment.fate == Fate::WrongNumber;
    Some(NewOrder {
        order: shipment.order()?,
        picking: shipment.picking(),
        customer: shipment.customer.clone(),
        place: shipment.destination,
        carrier: shipment.carrier.label,
        tracking: Some(shipment.typed.clone().unwrap_or_else(|| shipment.number.clone())),
        promised: shipment.promised,
        shipped: shipment.picked_up().filter(|at| announced && *at <= now),
        written: written_before(now),
    })
}

/// What comes to the company, or from a vendor to its customers.
pub(crate) struct Arrival {
    pub(crate) way: Arriving,
    pub(crate) shipment: Shipment,
}

impl Arrival {
    /// The transfer's name in Odoo.
    pub(crate) fn name(&self) -> String {
        let number = self.number();
        match self.way {
            Arriving::Dropship => format!("DS/{number:05}"),
            Arriving::Receipt | Arriving::Return => format!("WH/IN/{number:05}"),
        }
    }

    /// Counted from 1.
    fn number(&self) -> usize {
        self.shipment.index - FIRST + 1
    }
}

/// How it comes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arriving {
    /// From a vendor.
    Receipt,
    /// From a vendor to a customer.
    Dropship,
    /// Back from a customer.
    Return,
}

/// What there is of these at the start.
const ARRIVING: &[(Arriving, usize)] = &[(Arriving::Receipt, 6), (Arriving::Dropship, 2), (Arriving::Return, 2)];
/// Hours between the begins of two of them.
const APART_HOURS: i64 = 13;
/// They are numbered from here on.
const FIRST: usize = 50_000;

/// Journeys of the last days that end here, or begin at a vendor.
pub(crate) fn arrivals(seed: u64, now: Timestamp) -> Vec<Arrival> {
    let ways = ARRIVING.iter().flat_map(|(way, count)| std::iter::repeat_n(*way, *count));
    let begin = |index: usize| {
        let hours = APART_HOURS * (i64::try_from(index).unwrap_or_default() + 1);
        later(now, -SignedDuration::from_hours(hours))
    };
    ways.enumerate()
        .map(|(index, way)| {
            let mut shipment = fresh(seed ^ 0x6172_7269, FIRST + index, begin(index));
            if way != Arriving::Dropship {
                turn(&mut shipment);
            }
            Arrival { way, shipment }
        })
        .collect()
}

/// The same way, the other way round: from where it would have gone to.
fn turn(shipment: &mut Shipment) {
    let (from, to) = (shipment.steps.first().map_or(HOME, |step| step.place), shipment.destination);
    for step in &mut shipment.steps {
        if step.place == from {
            step.place = to;
        } else if step.place == to {
            step.place = from;
        }
    }
    shipment.destination = from;
}

/// The transfer in Odoo as it is at this time; a return is of this delivery.
pub(crate) fn transfer_of(arrival: &Arrival, of: Option<i64>, now: Timestamp) -> NewTransfer {
    let (Arrival { way, shipment }, number) = (arrival, arrival.number());
    let vendor = shipment.steps.first().map_or(shipment.destination, |step| step.place);
    let arrived = shipment.steps.last().filter(|step| step.what == What::Delivered && step.at <= now);
    let way = match (way, of) {
        (Arriving::Return, Some(of)) => Way::Return(of),
        (Arriving::Dropship, _) => Way::Dropship,
        _ => Way::Receipt,
    };
    NewTransfer {
        way,
        name: arrival.name(),
        order: format!("P{number:05}"),
        partner: format!("{} Components", vendor.city),
        place: if way == Way::Dropship { shipment.destination } else { vendor },
        carrier: shipment.carrier.label,
        tracking: Some(shipment.number.clone()),
        planned: shipment.promised,
        done: arrived.map(|step| step.at),
        written: written_before(now),
    }
}
