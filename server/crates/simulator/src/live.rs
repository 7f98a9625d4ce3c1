//! What happens while the world runs: journeys go on, orders come, labels are booked, and people in Odoo do their part.

use crate::{
    SourceSecrets,
    booking::SandboxBooking,
    carrier::{Message, compose},
    journey::{Feed, Shipment, Step, What, fresh, later},
    odoo::{NewGoods, NewOrder, SandboxOdoo},
    orders::{Arrival, order_of},
    past::past_of,
    second::Second,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::collections::{HashSet, VecDeque};

/// A new order comes after so many live events.
const NEW_ORDER_EVERY: usize = 6;
/// Live events before somebody in Odoo corrects a wrong number.
const CORRECTION_AFTER: usize = 5;
/// Orders made live; a demo that runs for days does not grow without end.
const LIVE_ORDERS_MAX: usize = 20_000;
/// What orders are of: a parcel that crosses a border of customs has to say so.
const GOODS: NewGoods<'static> = NewGoods {
    name: "Bearing set",
    sku: "BRG-6204",
    hs_code: "848210",
    origin: "DE",
    weight_kg: 1.25,
    price: 840.34,
    sold: Some((840.34, "EUR")),
    packed: &[(1.0, None)],
};

/// What the live world is made of.
#[derive(Clone, Copy)]
pub(crate) struct Stage<'a> {
    pub(crate) seed: u64,
    pub(crate) sources: &'a SourceSecrets,
    pub(crate) begun: Timestamp,
    pub(crate) shipments: &'a [Shipment],
    pub(crate) arriving: &'a [Arrival],
    pub(crate) odoo: &'a SandboxOdoo,
    pub(crate) booking: &'a SandboxBooking,
    pub(crate) second: &'a Second,
}

/// Who in an Odoo has something to do when a journey comes so far.
#[derive(Clone, Debug)]
enum Clerk {
    /// Nothing is left to do: deliveries are validated by what carriers report.
    No,
    /// The transfer with this name is validated when its goods arrive.
    Receives(String),
    /// The second company's delivery with this name is validated when it leaves.
    Ships(String),
}

/// A journey that has not ended.
struct Moving {
    shipment: Shipment,
    /// How many of its steps are past.
    known: usize,
    clerk: Clerk,
}

/// The world while it runs.
pub struct Live<'a> {
    stage: Stage<'a>,
    under_way: VecDeque<Moving>,
    made: usize,
    wrong: VecDeque<&'a Shipment>,
    second: Option<&'a Second>,
    /// The numbers of booked labels whose parcels go.
    booked: HashSet<String>,
    ticks: usize,
}

impl<'a> Live<'a> {
    pub(crate) fn new(stage: Stage<'a>) -> Self {
        let sold = stage.shipments.iter().map(|shipment| (shipment, Clerk::No));
        let arriving = stage.arriving.iter().map(|arrival| (&arrival.shipment, Clerk::Receives(arrival.name())));
        let mut under_way: VecDeque<Moving> = under_way(sold.chain(arriving), stage.begun).collect();
        under_way.make_contiguous().sort_by_key(|moving| moving.shipment.steps[moving.known].at);
        let mut wrong: VecDeque<&Shipment> = stage.shipments.iter().filter(|s| s.typed.is_some()).collect();
        // the last one is left to who tries the demo
        wrong.pop_back();
        let made = stage.shipments.len();
        Self { stage, under_way, made, wrong, second: Some(stage.second), booked: HashSet::new(), ticks: 0 }
    }

    /// Whatever journey is next takes its next step now; what carriers report of all that. When few are under way, new
    /// orders come.
    pub fn tick(&mut self, now: Timestamp) -> Vec<Message> {
        self.ticks += 1;
        let stage = self.stage;
        if self.ticks.is_multiple_of(NEW_ORDER_EVERY) || self.under_way.is_empty() {
            self.order_comes(now);
        }
        let mut messages = Vec::new();
        // the second company's carriers report when somebody knows its deliveries
        if let Some(second) = self.second.take_if(|second| second.is_connected()) {
            messages.extend(past_of(stage.seed, stage.begun, &second.shipments, stage.sources));
            let ships = second.shipments.iter().map(|shipment| (shipment, Clerk::Ships(Second::picking(shipment))));
            self.under_way.extend(under_way(ships, stage.begun));
        }
        let booked = stage.booking.journeys(stage.seed, now);
        let new = booked.into_iter().filter(|shipment| self.booked.insert(shipment.number.clone()));
        self.under_way.extend(new.map(|shipment| Moving { shipment, known: 0, clerk: Clerk::No }));
        if self.ticks.is_multiple_of(CORRECTION_AFTER) {
            self.correct_number();
        }
        let Some(mut moving) = self.under_way.pop_front() else { return messages };
        step_now(&mut moving.shipment.steps, moving.known, now);
        moving.known += 1;
        messages.push(compose(&moving.shipment, moving.known, now, stage.sources));
        self.clerk_acts(&moving);
        if moving.known < moving.shipment.steps.len() {
            self.under_way.push_back(moving);
        }
        messages
    }

    fn order_comes(&mut self, now: Timestamp) {
        let stage = self.stage;
        if self.made >= stage.shipments.len() + LIVE_ORDERS_MAX {
            return;
        }
        let shipment = fresh(stage.seed, self.made, now);
        self.made += 1;
        // every other parcel comes without a number: its label is booked, and it goes then
        let is_booked = self.made.is_multiple_of(2) && shipment.carrier.feed != Feed::Freight;
        if let Some(order) = order_of(&shipment, now) {
            let tracking = order.tracking.clone().filter(|_| !is_booked);
            stage.odoo.add_order_of(&NewOrder { written: now, tracking, ..order }, Some(&GOODS));
        }
        if !is_booked {
            self.under_way.push_front(Moving { shipment, known: 0, clerk: Clerk::No });
        }
    }

    /// A person in Odoo does what a journey's last step leads to.
    fn clerk_acts(&self, moving: &Moving) {
        let what = moving.known.checked_sub(1).and_then(|last| moving.shipment.steps.get(last)).map(|step| step.what);
        match (&moving.clerk, what) {
            (Clerk::Receives(name), Some(What::Delivered)) => self.stage.odoo.validate_by_hand(name),
            (Clerk::Ships(name), Some(What::PickedUp)) => self.stage.second.odoo.validate_by_hand(name),
            _ => {}
        }
    }

    /// A person in Odoo notices the typing error.
    fn correct_number(&mut self) {
        let Some(shipment) = self.wrong.pop_front() else { return };
        if let Some(picking) = self.stage.odoo.picking(&shipment.picking()) {
            self.stage.odoo.edit(picking, "carrier_tracking_ref", json!(shipment.number));
        }
    }
}

/// The journeys that have not ended at this time.
fn under_way<'a>(
    shipments: impl Iterator<Item = (&'a Shipment, Clerk)>,
    begun: Timestamp,
) -> impl Iterator<Item = Moving> {
    let known = move |s: &Shipment| s.steps.iter().filter(|step| step.at <= begun).count();
    shipments
        .map(move |(s, clerk)| Moving { shipment: s.clone(), known: known(s), clerk })
        .filter(|moving| moving.known < moving.shipment.steps.len())
}

/// The next step happens now; those after it keep their distances.
fn step_now(steps: &mut [Step], known: usize, now: Timestamp) {
    let Some(next) = steps.get(known) else { return };
    // never before what was sent already
    let floor = known.checked_sub(1).map_or(now, |before| later(steps[before].at, SignedDuration::from_secs(1)));
    let shift = now.max(floor).duration_since(next.at);
    for step in &mut steps[known..] {
        step.at = later(step.at, shift);
    }
}
