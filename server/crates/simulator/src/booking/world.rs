//! The shipments, labels and trackers of all simulated platforms: one world, which each of them shows in its own shapes.

use super::customs::Declared;
use crate::{
    journey::{Place, place_of},
    numbers::number,
    rng::Rng,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A recipient in this city has an address that every platform refuses.
pub const REFUSED_CITY: &str = "Nowhere";
/// What is offered: the carrier's label, the word of a platform in small letters, service, cents, days.
const OFFERS: &[Offer] = &[
    Offer { carrier: "UPS", word: "ups", service: "ground", cents: 758, days: 2 },
    Offer { carrier: "UPS", word: "ups", service: "next_day", cents: 2410, days: 1 },
    Offer { carrier: "DHL", word: "dhl_express", service: "worldwide", cents: 1999, days: 3 },
    Offer { carrier: "GLS", word: "gls", service: "business", cents: 815, days: 2 },
    Offer { carrier: "DPD", word: "dpd", service: "classic", cents: 840, days: 2 },
    Offer { carrier: "Hermes", word: "hermes_de", service: "standard", cents: 795, days: 3 },
    Offer { carrier: "FedEx", word: "fedex", service: "economy", cents: 1290, days: 2 },
];
/// Whose labels can be bought, as shipping methods in Odoo are called.
pub const LABELS_OF: &[&str] = &["DHL", "UPS", "GLS", "DPD", "Hermes", "FedEx"];

/// What a carrier offers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offer {
    pub carrier: &'static str,
    pub word: &'static str,
    pub service: &'static str,
    pub cents: i64,
    pub days: u16,
}

impl Offer {
    /// The price as a platform writes it.
    pub fn price(&self) -> String {
        format!("{}.{:02}", self.cents / 100, self.cents % 100)
    }
}

/// A shipment that was created at a platform.
#[derive(Clone, Debug)]
pub(super) struct Shipment {
    pub id: String,
    pub platform: &'static str,
    pub live: bool,
    /// Our key, wherever the platform keeps it.
    pub key: Option<String>,
    pub format: String,
    pub rates: Vec<(String, Offer)>,
    pub cancelled: bool,
    pub declared: Vec<Declared>,
    pub to: Option<Place>,
}

/// Where a label's void stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Void {
    /// It was not asked for.
    None,
    /// It was asked for.
    Requested,
    /// It is void.
    Voided,
    /// The carrier refused.
    Rejected,
}

/// How far a label is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The carrier works on it.
    Working,
    /// It is bought.
    Bought,
    /// The carrier refused it, with this code.
    Failed(&'static str),
}

/// A label that was bought, or tried to be.
#[derive(Clone, Debug)]
pub struct Label {
    /// The platform's id.
    pub id: String,
    /// The platform.
    pub platform: &'static str,
    /// The platform's id of the shipment.
    pub shipment: String,
    /// The booking key, wherever the platform keeps it.
    pub key: Option<String>,
    /// The rate that was bought.
    pub rate: String,
    /// The carrier's number.
    pub number: String,
    /// The carrier, as an order in Odoo calls it.
    pub carrier: &'static str,
    /// How far it is.
    pub progress: Progress,
    /// Where its void stands.
    pub void: Void,
    /// Whether it is paid.
    pub live: bool,
    /// What was declared to customs.
    pub declared: Vec<Declared>,
    /// The town on the label; none where the sandbox does not know it.
    pub to: Option<Place>,
    pub(super) offer: Offer,
    pub(super) format: String,
    pub(super) created: Timestamp,
}

/// A number that is registered at a platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracker {
    /// The platform's id.
    pub id: String,
    /// The platform.
    pub platform: &'static str,
    /// The number.
    pub number: String,
    /// The carrier in the platform's word.
    pub carrier: Option<String>,
    /// The words that came with its registration, where the platform keeps any.
    pub words: Option<String>,
    /// How often it was registered.
    pub registrations: usize,
    /// Whether reports are stopped.
    pub stopped: bool,
    /// Whether it was removed, where the platform has no stop but that.
    pub removed: bool,
    /// How often reports were started again after they had ended.
    pub restarts: u32,
}

/// Everything.
pub(super) struct World {
    rng: Rng,
    made: u64,
    pub shipments: BTreeMap<String, Shipment>,
    /// In the order of their purchase.
    pub labels: Vec<Label>,
    pub trackers: Vec<Tracker>,
    /// Whether carriers take long.
    pub slow: bool,
    /// Whether carriers refuse voids.
    pub refuses_voids: bool,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let (shipments, labels, trackers) = (BTreeMap::new(), Vec::new(), Vec::new());
        Self { rng: Rng::new(seed), made: 0, shipments, labels, trackers, slow: false, refuses_voids: false }
    }

    /// An id of a platform: a prefix and hexadecimal digits, the same for the same seed.
    pub fn id(&mut self, prefix: &str) -> String {
        self.made += 1;
        format!("{prefix}{:08x}{:016x}", self.made, self.rng.draw())
    }

    /// An id in digits, larger than those before.
    pub fn serial(&mut self, prefix: &str) -> String {
        self.made += 1;
        format!("{prefix}{}", 800_000 + self.made)
    }

    /// A shipment with its rates.
    pub fn create(
        &mut self,
        platform: &'static str,
        id: String,
        rate_prefix: &str,
        (live, key, format): (bool, Option<String>, String),
        (declared, to): (Vec<Declared>, Option<Place>),
    ) -> &Shipment {
        let rates = OFFERS.iter().map(|offer| (self.id(rate_prefix), *offer)).collect();
        let shipment = Shipment { id: id.clone(), platform, live, key, format, rates, cancelled: false, declared, to };
        self.shipments.entry(id).or_insert(shipment)
    }

    /// The shipment of this mode that has this rate.
    pub fn by_rate(&self, rate: &str, live: bool) -> Option<&Shipment> {
        self.shipments
            .values()
            .find(|shipment| shipment.live == live && shipment.rates.iter().any(|(id, _)| id == rate))
    }

    /// The shipment of this platform and mode.
    pub fn shipment(&self, platform: &str, id: &str, live: bool) -> Option<&Shipment> {
        self.shipments.get(id).filter(|shipment| shipment.platform == platform && shipment.live == live)
    }

    /// Buys a rate of a shipment: a number is issued each time.
    pub fn buy(
        &mut self,
        shipment: &Shipment,
        rate: &str,
        label: String,
        key: Option<String>,
        now: Timestamp,
    ) -> Option<Label> {
        let (_, offer) = shipment.rates.iter().find(|(id, _)| id == rate)?;
        let number = number(&mut self.rng, offer.carrier);
        let progress = if self.slow { Progress::Working } else { Progress::Bought };
        let label = Label {
            id: label,
            platform: shipment.platform,
            shipment: shipment.id.clone(),
            key: key.or_else(|| shipment.key.clone()),
            rate: rate.to_owned(),
            number,
            carrier: offer.carrier,
            progress,
            void: Void::None,
            live: shipment.live,
            declared: shipment.declared.clone(),
            to: shipment.to,
            offer: *offer,
            format: shipment.format.clone(),
            created: now,
        };
        self.labels.push(label.clone());
        Some(label)
    }

    /// The labels of a shipment.
    pub fn labels_of(&self, shipment: &str) -> impl Iterator<Item = &Label> {
        self.labels.iter().filter(move |label| label.shipment == shipment)
    }

    /// Asks for a label's void.
    pub fn void(&mut self, label: &str) {
        if let Some(label) = self.labels.iter_mut().find(|of| of.id == label && of.void != Void::Voided) {
            label.void = Void::Requested;
        }
    }

    /// Carriers decide about what was asked of them.
    pub fn settle(&mut self) {
        let decided = if self.refuses_voids { Void::Rejected } else { Void::Voided };
        for label in &mut self.labels {
            if label.void == Void::Requested {
                label.void = decided;
            }
            if label.progress == Progress::Working {
                label.progress = Progress::Bought;
            }
        }
    }

    /// The tracker of this number; a number may be with several carriers.
    pub fn tracker(&mut self, platform: &str, number: &str, carrier: Option<&str>) -> Option<&mut Tracker> {
        let same = |of: &&mut Tracker| {
            let carriers = carrier.zip(of.carrier.as_deref());
            of.platform == platform
                && of.number == number
                && carriers.is_none_or(|(one, other)| one.eq_ignore_ascii_case(other))
        };
        self.trackers.iter_mut().find(same)
    }

    /// Registers a number; where it is registered, what that was.
    pub fn register(
        &mut self,
        platform: &'static str,
        number: &str,
        carrier: Option<&str>,
        id: &str,
    ) -> (Tracker, bool) {
        if let Some(known) = self.tracker(platform, number, carrier) {
            known.registrations += 1;
            known.restarts += u32::from(known.stopped && !known.removed);
            (known.stopped, known.removed) = (false, false);
            return (known.clone(), true);
        }
        let tracker = Tracker {
            id: id.to_owned(),
            platform,
            number: number.to_owned(),
            carrier: carrier.map(str::to_owned),
            words: None,
            registrations: 1,
            stopped: false,
            removed: false,
            restarts: 0,
        };
        self.trackers.push(tracker.clone());
        (tracker, false)
    }
}

/// What every platform's tracking shape needs of a time.
pub(super) fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The town of an address; none where the sandbox does not know it.
pub(super) fn town(address: Option<&Value>) -> Option<Place> {
    let word = |names: [&str; 2]| names.iter().find_map(|name| address?.get(name)?.as_str());
    place_of(word(["city", "city_locality"])?, word(["country", "country_code"])?)
}

/// Whether an address is one that is refused.
pub(super) fn is_refused(address: Option<&Value>) -> bool {
    let city = |name: &str| address.and_then(|address| address.get(name)).and_then(Value::as_str);
    city("city").or_else(|| city("city_locality")) == Some(REFUSED_CITY)
}

/// A text of a body.
pub(super) fn text<'a>(body: &'a Value, name: &str) -> Option<&'a str> {
    body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// Words that every description of the sandbox has.
pub(super) fn words() -> Value {
    json!("sandbox: simulated, nothing here is real")
}
