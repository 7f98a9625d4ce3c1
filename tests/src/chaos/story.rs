//! What the carriers report about one shipment, and what must be posted in the end. No step depends on the
//! order in which the messages come in.

use domain::ExceptionReason;
use jiff::{SignedDuration, Timestamp};
use simulator::{
    SourceSecrets,
    carrier::{Message, compose},
    journey::{Carrier, Fate, Feed, Place, Shipment, Step, What},
    odoo::NewOrder,
};

/// How a journey goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plot {
    /// As planned.
    Plain,
    /// Nobody at home, then delivered.
    SecondAttempt,
    /// Refused: somebody has to look.
    Refused,
    /// Damaged on the way, and delivered all the same: a critical case that a person closes.
    Damaged,
}

impl Plot {
    /// Every plot.
    pub const ALL: &'static [Self] = &[Self::Plain, Self::SecondAttempt, Self::Refused, Self::Damaged];

    fn steps(self) -> &'static [What] {
        match self {
            Self::Plain => &[What::PickedUp, What::Departed, What::Arrived, What::OutForDelivery, What::Delivered],
            Self::SecondAttempt => {
                &[What::PickedUp, What::OutForDelivery, What::NobodyHome, What::OutForDelivery, What::Delivered]
            }
            Self::Refused => &[What::PickedUp, What::Arrived, What::OutForDelivery, What::Refused],
            Self::Damaged => &[What::PickedUp, What::Damaged, What::OutForDelivery, What::Delivered],
        }
    }

    /// The delivery's notes, each once, where the carrier's codes can say it all.
    fn notes(self) -> &'static [&'static str] {
        match self {
            Self::Plain | Self::Damaged => &["Picked up", "Out for delivery", "Delivered"],
            Self::SecondAttempt => {
                &["Picked up", "Out for delivery", "Delivery attempted", "Out for delivery (number 2)", "Delivered"]
            }
            Self::Refused => &["Picked up", "Out for delivery", "Delivery attempted"],
        }
    }

    /// The delivery's state.
    pub fn state(self) -> &'static str {
        if self == Self::Refused { "IN_TRANSIT" } else { "DELIVERED" }
    }

    /// The worst exception that is still open.
    pub fn exception(self) -> Option<&'static str> {
        match self {
            Self::Plain | Self::SecondAttempt => None,
            Self::Refused => Some(ExceptionReason::ConsigneeRefused.label()),
            Self::Damaged => Some(ExceptionReason::Damaged.label()),
        }
    }

    /// How many activities and how many tickets there may be, at least and at most. What heals by itself may have been
    /// over before anybody was asked.
    pub fn calls_for(self) -> (std::ops::RangeInclusive<usize>, std::ops::RangeInclusive<usize>) {
        match self {
            Self::Plain => (0..=0, 0..=0),
            Self::SecondAttempt => (0..=0, 0..=1),
            Self::Refused | Self::Damaged => (1..=1, 1..=1),
        }
    }

    /// Whether the message after this many steps changes something at the desk: its step calls somebody, or is worth
    /// telling the called system.
    pub fn reaches_desk(self, known: usize) -> bool {
        match self {
            Self::Refused => known == 4,
            Self::Damaged => matches!(known, 2 | 3),
            Self::Plain | Self::SecondAttempt => false,
        }
    }

    /// Whether the last message waits for the ticket, so that it has to be added to the ticket.
    pub fn ends_after_ticket(self) -> bool {
        self == Self::Damaged
    }
}

/// One shipment.
#[derive(Clone, Debug)]
pub struct Story {
    /// How it goes.
    pub plot: Plot,
    /// The shipment.
    pub shipment: Shipment,
    /// The delivery's id in Odoo.
    pub picking: i64,
}

const TOWN: Place =
    Place { city: "Leipzig", state: None, zip: "04158", country: "DE", country3: "DEU", zone: "Europe/Berlin" };
const TOWN_US: Place =
    Place { city: "Memphis", state: Some("TN"), zip: "38116", country: "US", country3: "USA", zone: "America/Chicago" };
/// The journeys began so long ago; their steps are hours apart.
const BEGAN: SignedDuration = SignedDuration::from_hours(48);
/// The promise lies so far ahead that nothing is late.
const PROMISED: SignedDuration = SignedDuration::from_hours(30 * 24);

impl Story {
    /// The story of this index. Snapshots, signed, of two platforms; single events of a freight carrier.
    pub fn new(plot: Plot, index: usize, run: u64, now: Timestamp) -> Self {
        let exceptional = matches!(plot, Plot::Refused | Plot::Damaged);
        // only AfterShip says refused and damaged in the words that the plots expect
        let feed = match index % 3 {
            _ if exceptional => Feed::Aftership,
            0 => Feed::Aftership,
            1 => Feed::Easypost,
            _ => Feed::Freight,
        };
        let (carrier, number, place) = match feed {
            Feed::Aftership => (("DHL", "dhl"), format!("0034043{:05}{index:08}", run % 100_000), TOWN),
            Feed::Easypost => (("UPS", "UPS"), format!("1Z{:06}{index:010}", run % 1_000_000), TOWN_US),
            Feed::Freight => (("FedEx Freight", "FXFE"), format!("7{:03}{index:06}", run % 1000), TOWN_US),
        };
        let begin = after(now, -BEGAN);
        let steps = plot.steps().iter().zip(1_i64..).map(|(what, n)| Step {
            at: after(begin, SignedDuration::from_hours(5 * n)),
            what: *what,
            place,
        });
        let shipment = Shipment {
            index,
            carrier: Carrier { label: carrier.0, word: carrier.1, feed },
            number,
            typed: None,
            fate: Fate::Normal,
            destination: place,
            customer: format!("Sandbox Customer {index}"),
            promised: after(now, PROMISED),
            estimate: after(now, PROMISED),
            steps: steps.collect(),
        };
        Self { plot, shipment, picking: 0 }
    }

    /// The order in Odoo.
    pub fn order(&self, now: Timestamp) -> NewOrder {
        let shipment = &self.shipment;
        NewOrder {
            order: shipment.order().unwrap_or_default(),
            picking: shipment.picking(),
            customer: shipment.customer.clone(),
            place: shipment.destination,
            carrier: shipment.carrier.label,
            tracking: Some(shipment.number.clone()),
            promised: shipment.promised,
            shipped: Some(after(now, -BEGAN)),
            written: now,
        }
    }

    /// The delivery's notes, each once. A freight carrier's code for the last leg is no delivery tour.
    pub fn notes(&self) -> Vec<&'static str> {
        let said = |note: &&&str| self.shipment.carrier.feed != Feed::Freight || !note.starts_with("Out for delivery");
        self.plot.notes().iter().filter(said).copied().collect()
    }

    /// How many messages it has.
    pub fn len(&self) -> usize {
        self.shipment.steps.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The message after this many steps, signed.
    pub fn message(&self, known: usize, secrets: &SourceSecrets) -> Message {
        let at = self.shipment.steps.get(known - 1).map_or(self.shipment.promised, |step| step.at);
        compose(&self.shipment, known, after(at, SignedDuration::from_mins(1)), secrets)
    }
}

fn after(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(at)
}
