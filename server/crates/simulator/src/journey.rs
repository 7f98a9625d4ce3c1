//! What happens to simulated shipments: plausible journeys, the same for the same seed.

use crate::{
    numbers::{mistyped, number},
    rng::Rng,
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

/// A town.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the parts of an address, named as such")]
pub struct Place {
    pub city: &'static str,
    pub state: Option<&'static str>,
    pub zip: &'static str,
    pub country: &'static str,
    pub country3: &'static str,
    pub zone: &'static str,
}

impl Place {
    pub(crate) const fn new(
        city: &'static str,
        state: Option<&'static str>,
        zip: &'static str,
        country: (&'static str, &'static str),
        zone: &'static str,
    ) -> Self {
        Self { city, state, zip, country: country.0, country3: country.1, zone }
    }

    /// The town's time zone.
    pub fn time_zone(&self) -> TimeZone {
        TimeZone::get(self.zone).unwrap_or(TimeZone::UTC)
    }
}

const DE: (&str, &str) = ("DE", "DEU");
const US: (&str, &str) = ("US", "USA");
const BERLIN: &str = "Europe/Berlin";
pub(crate) const HOME: Place = Place::new("Hannover", None, "30159", DE, BERLIN);
const HOME_US: Place = Place::new("Columbus", Some("OH"), "43004", US, "America/New_York");
const HUBS: &[Place] = &[
    Place::new("Leipzig", None, "04158", DE, BERLIN),
    Place::new("Köln", None, "51147", DE, BERLIN),
    Place::new("Hamburg", None, "21129", DE, BERLIN),
    Place::new("Neuenstein", None, "36286", DE, BERLIN),
];
const TOWNS: &[Place] = &[
    Place::new("München", None, "80331", DE, BERLIN),
    Place::new("Stuttgart", None, "70173", DE, BERLIN),
    Place::new("Dresden", None, "01067", DE, BERLIN),
    Place::new("Bremen", None, "28195", DE, BERLIN),
    Place::new("Nürnberg", None, "90402", DE, BERLIN),
    Place::new("Kassel", None, "34117", DE, BERLIN),
    Place::new("Freiburg im Breisgau", None, "79098", DE, BERLIN),
    Place::new("Rostock", None, "18055", DE, BERLIN),
];
const ABROAD: &[Place] = &[
    Place::new("Zürich", None, "8001", ("CH", "CHE"), "Europe/Zurich"),
    Place::new("Basel", None, "4051", ("CH", "CHE"), "Europe/Zurich"),
    Place::new("London", None, "EC1A 1BB", ("GB", "GBR"), "Europe/London"),
    Place::new("Oslo", None, "0150", ("NO", "NOR"), "Europe/Oslo"),
];
const NEAR: &[Place] = &[
    Place::new("Wien", None, "1010", ("AT", "AUT"), "Europe/Vienna"),
    Place::new("Utrecht", None, "3511", ("NL", "NLD"), "Europe/Amsterdam"),
    Place::new("Lyon", None, "69001", ("FR", "FRA"), "Europe/Paris"),
    Place::new("Poznań", None, "61-001", ("PL", "POL"), "Europe/Warsaw"),
];
const HUBS_US: &[Place] = &[
    Place::new("Memphis", Some("TN"), "38116", US, "America/Chicago"),
    Place::new("Indianapolis", Some("IN"), "46241", US, "America/Indiana/Indianapolis"),
];
const TOWNS_US: &[Place] = &[
    Place::new("Charlotte", Some("NC"), "28209", US, "America/New_York"),
    Place::new("Pittsburgh", Some("PA"), "15201", US, "America/New_York"),
    Place::new("Omaha", Some("NE"), "68102", US, "America/Chicago"),
    Place::new("Denver", Some("CO"), "80202", US, "America/Denver"),
    Place::new("Dallas", Some("TX"), "75201", US, "America/Chicago"),
    Place::new("Farmington", Some("CT"), "06032", US, "America/New_York"),
];

/// Who tells about a shipment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feed {
    /// AfterShip's webhooks.
    Aftership,
    /// EasyPost's webhooks.
    Easypost,
    /// X12 214 from a freight carrier.
    Freight,
}

/// A carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Carrier {
    /// As the shipping method in Odoo is called.
    pub label: &'static str,
    /// As the feed calls it: AfterShip's slug, EasyPost's name, the SCAC.
    pub word: &'static str,
    /// Who tells.
    pub feed: Feed,
}

const fn carrier(label: &'static str, word: &'static str, feed: Feed) -> Carrier {
    Carrier { label, word, feed }
}

const CARRIERS: &[Carrier] = &[
    carrier("DHL", "dhl", Feed::Aftership),
    carrier("GLS", "gls", Feed::Aftership),
    carrier("DPD", "dpd", Feed::Aftership),
    carrier("Hermes", "hermes-de", Feed::Aftership),
    carrier("DHL", "dhl", Feed::Aftership),
    carrier("UPS", "UPS", Feed::Easypost),
    carrier("FedEx", "FedEx", Feed::Easypost),
    carrier("UPS", "UPS", Feed::Easypost),
    carrier("FedEx Freight", "FXFE", Feed::Freight),
];

/// How a journey goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// As planned.
    Normal,
    /// Later than promised.
    Delayed,
    /// Nobody at home, then delivered.
    SecondAttempt,
    /// Left at a shop for collection.
    PickupPoint,
    /// Damaged on the way.
    Damaged,
    /// Not found again.
    Lost,
    /// Refused and returned.
    Refused,
    /// Held by customs.
    Customs,
    /// No word after the first hub.
    Silent,
    /// Odoo has a typing error in the number; it is corrected later.
    WrongNumber,
    /// No order claims it.
    Unclaimed,
    /// The carrier uses a code that nobody knows.
    Unmapped,
    /// Its label was booked: who booked it knows the order. It goes as planned.
    Booked,
}

/// How many of each.
const FATES: &[(Fate, usize)] = &[
    (Fate::Normal, 59),
    (Fate::Delayed, 12),
    (Fate::SecondAttempt, 9),
    (Fate::PickupPoint, 5),
    (Fate::Damaged, 5),
    (Fate::Lost, 3),
    (Fate::Refused, 5),
    (Fate::Customs, 6),
    (Fate::Silent, 5),
    (Fate::WrongNumber, 2),
    (Fate::Unclaimed, 4),
    (Fate::Unmapped, 5),
];

/// What happens at one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "plain words")]
pub enum What {
    Announced,
    PickedUp,
    Arrived,
    Departed,
    ArrivedAbroad,
    CustomsStarted,
    CustomsHold,
    CustomsCleared,
    OutForDelivery,
    NobodyHome,
    Closed,
    ReadyForPickup,
    Delivered,
    Delayed,
    Damaged,
    Lost,
    Refused,
    Returning,
    Returned,
    Unheard,
}

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: What,
    /// Where.
    pub place: Place,
}

/// One simulated shipment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shipment {
    /// Counts from 0; order and delivery are numbered after it.
    pub index: usize,
    /// Who carries it.
    pub carrier: Carrier,
    /// Its number.
    pub number: String,
    /// The number that Odoo has at first, where it is a wrong one.
    pub typed: Option<String>,
    /// How it goes.
    pub fate: Fate,
    /// Where to.
    pub destination: Place,
    /// To whom.
    pub customer: String,
    /// What was promised.
    pub promised: Timestamp,
    /// What the carrier expects.
    pub estimate: Timestamp,
    /// What happens, oldest first.
    pub steps: Vec<Step>,
}

impl Shipment {
    /// The order's name; none where the carrier does not know it.
    pub fn order(&self) -> Option<String> {
        (!matches!(self.fate, Fate::Unclaimed | Fate::Booked)).then(|| format!("S{:05}", 101 + self.index))
    }

    /// The delivery's name.
    pub fn picking(&self) -> String {
        format!("WH/OUT/{:05}", 42 + self.index)
    }

    /// When it left the house.
    pub fn picked_up(&self) -> Option<Timestamp> {
        self.steps.iter().find(|s| s.what == What::PickedUp).map(|s| s.at)
    }
}

/// The shipments of the last fourteen days.
pub fn shipments(seed: u64, now: Timestamp) -> Vec<Shipment> {
    let mut rng = Rng::new(seed);
    let mut fates: Vec<Fate> = FATES.iter().flat_map(|(fate, n)| std::iter::repeat_n(*fate, *n)).collect();
    for at in (1..fates.len()).rev() {
        let other = usize::try_from(rng.range(0, at as u64 + 1)).unwrap_or(0);
        fates.swap(at, other);
    }
    let mut all: Vec<_> = fates
        .iter()
        .enumerate()
        .map(|(index, fate)| shipment(&mut rng, index, *fate, begin(index, *fate, now)))
        .collect();
    // what the sandbox promised first was shipped first
    all.sort_by_key(|s| s.steps.first().map(|step| step.at));
    for (index, shipment) in all.iter_mut().enumerate() {
        shipment.index = index;
    }
    all
}

/// Another shipment that begins about now.
pub fn fresh(seed: u64, index: usize, now: Timestamp) -> Shipment {
    let mut rng = Rng::new(seed ^ (index as u64).wrapping_mul(0x2545_f491_4f6c_dd1d));
    let fates = [
        Fate::Normal,
        Fate::Normal,
        Fate::Normal,
        Fate::Delayed,
        Fate::SecondAttempt,
        Fate::PickupPoint,
        Fate::Damaged,
    ];
    let fate = *rng.pick(&fates);
    shipment(&mut rng, index, fate, now)
}

/// What is on a label that was booked.
#[derive(Clone, Copy, Debug)]
pub struct Booked<'a> {
    /// The carrier, as the shipping method in Odoo is called.
    pub carrier: &'a str,
    /// Its number.
    pub number: &'a str,
    /// Where to.
    pub to: Place,
}

/// The way of a parcel whose label was booked, to where the label says; none where no feed reports about the carrier.
pub fn booked(seed: u64, index: usize, label: &Booked<'_>, now: Timestamp) -> Option<Shipment> {
    let carrier = *CARRIERS.iter().find(|of| of.label == label.carrier && of.feed != Feed::Freight)?;
    let mut rng = Rng::new(seed ^ (index as u64).wrapping_mul(0x2545_f491_4f6c_dd1d));
    let way = Way { home: HOME, hub: *rng.pick(HUBS), to: label.to };
    let shipment = along(&mut rng, (index, Fate::Booked, now), carrier, way);
    Some(Shipment { number: label.number.to_owned(), ..shipment })
}

/// A town that the sandbox knows.
pub fn place_of(city: &str, country: &str) -> Option<Place> {
    let towns = [TOWNS, ABROAD, NEAR, TOWNS_US, HUBS, HUBS_US].into_iter().flatten().chain([&HOME, &HOME_US]);
    towns.copied().find(|place| place.city == city && place.country == country)
}

/// When a journey begins, so that its end is where the tale wants it.
fn begin(index: usize, fate: Fate, now: Timestamp) -> Timestamp {
    let spread = (index as u64).wrapping_mul(7919) % 1000;
    let (oldest, newest) = match fate {
        Fate::Silent | Fate::Lost => (13 * 24, 8 * 24),
        Fate::Customs | Fate::Refused => (7 * 24, 3 * 24),
        Fate::Damaged => (6 * 24, 40),
        Fate::WrongNumber => (6 * 24, 4 * 24),
        _ => (14 * 24, 0),
    };
    let hours = newest + (oldest - newest) * spread / 1000;
    later(now, -SignedDuration::from_hours(i64::try_from(hours).unwrap_or(0)))
}

fn shipment(rng: &mut Rng, index: usize, fate: Fate, begin: Timestamp) -> Shipment {
    let carrier = loop {
        let carrier = *rng.pick(CARRIERS);
        let fits = match fate {
            // an LTL carrier has no word for these
            Fate::Lost | Fate::Customs | Fate::PickupPoint => carrier.feed != Feed::Freight,
            _ => true,
        };
        if fits {
            break carrier;
        }
    };
    let way = match (carrier.feed, fate) {
        (Feed::Freight, _) => Way { home: HOME_US, hub: *rng.pick(HUBS_US), to: *rng.pick(TOWNS_US) },
        (_, Fate::Customs) => Way { home: HOME, hub: *rng.pick(HUBS), to: *rng.pick(ABROAD) },
        _ if rng.one_in(8) => Way { home: HOME, hub: *rng.pick(HUBS), to: *rng.pick(ABROAD) },
        _ if rng.one_in(4) => Way { home: HOME, hub: *rng.pick(HUBS), to: *rng.pick(NEAR) },
        _ => Way { home: HOME, hub: *rng.pick(HUBS), to: *rng.pick(TOWNS) },
    };
    along(rng, (index, fate, begin), carrier, way)
}

/// Where it goes through.
#[derive(Clone, Copy)]
struct Way {
    home: Place,
    hub: Place,
    to: Place,
}

fn along(rng: &mut Rng, (index, fate, begin): (usize, Fate, Timestamp), carrier: Carrier, way: Way) -> Shipment {
    let mut tale = Tale { rng, steps: Vec::new(), at: begin };
    tale.add_steps(fate, way.home, way.hub, way.to);
    // what a feed has no code for is not sent: EasyPost none for the end of a return, X12 214 none for its course
    let is_sent = |step: &Step| match carrier.feed {
        Feed::Aftership => true,
        Feed::Easypost => step.what != What::Returned,
        Feed::Freight => step.what != What::Returning,
    };
    let steps: Vec<_> = tale.steps.into_iter().filter(is_sent).collect();
    let usual = steps.first().map_or(begin, |s| later(s.at, SignedDuration::from_hours(96)));
    let delivered = steps.iter().find(|s| matches!(s.what, What::Delivered | What::ReadyForPickup)).map(|s| s.at);
    let promised = match (fate, delivered) {
        (Fate::Delayed, Some(at)) => later(at, SignedDuration::from_hours(-20)),
        (_, Some(at)) => later(at, SignedDuration::from_hours(26)),
        _ => usual,
    };
    let number = number(rng, carrier.label);
    let typed = (fate == Fate::WrongNumber).then(|| mistyped(&number));
    let customer = customer(rng);
    let estimate = delivered.unwrap_or(usual);
    Shipment { index, carrier, number, typed, fate, destination: way.to, customer, promised, estimate, steps }
}

struct Tale<'a> {
    rng: &'a mut Rng,
    steps: Vec<Step>,
    at: Timestamp,
}

impl Tale<'_> {
    fn then(&mut self, what: What, place: Place, low: u64, high: u64) {
        let wait = self.rng.minutes(low, high);
        self.at = later(self.at, wait);
        self.steps.push(Step { at: self.at, what, place });
    }

    fn add_steps(&mut self, fate: Fate, home: Place, hub: Place, to: Place) {
        self.then(What::Announced, home, 1, 30);
        self.then(What::PickedUp, home, 180, 900);
        self.then(What::Arrived, hub, 200, 600);
        if fate == Fate::Silent {
            return;
        }
        self.then(What::Departed, hub, 90, 400);
        match fate {
            Fate::Lost => return self.then(What::Lost, hub, 4000, 7000),
            Fate::Unmapped => self.then(What::Unheard, hub, 60, 200),
            Fate::Delayed => {
                self.then(What::Delayed, hub, 120, 500);
                self.then(What::Departed, hub, 1500, 2800);
            }
            _ => {}
        }
        if to.country != home.country && !matches!(to.country, "AT" | "NL" | "FR" | "PL") {
            self.then(What::ArrivedAbroad, to, 400, 900);
            self.then(What::CustomsStarted, to, 60, 200);
            if fate == Fate::Customs {
                self.then(What::CustomsHold, to, 100, 400);
                // the rest is for the days to come
                self.then(What::CustomsCleared, to, 7000, 9000);
            } else {
                self.then(What::CustomsCleared, to, 120, 600);
            }
        } else {
            self.then(What::Arrived, to, 300, 900);
        }
        self.last_mile(fate, home, hub, to);
    }

    fn last_mile(&mut self, fate: Fate, home: Place, hub: Place, to: Place) {
        if fate == Fate::Damaged {
            self.then(What::Damaged, to, 60, 400);
            if self.rng.one_in(2) {
                self.then(What::Returning, to, 900, 1500);
                self.then(What::Returned, home, 2000, 3000);
            }
            return;
        }
        self.then(What::OutForDelivery, to, 240, 900);
        match fate {
            Fate::Refused => {
                self.then(What::Refused, to, 120, 400);
                self.then(What::Returning, to, 600, 1400);
                self.then(What::Arrived, hub, 600, 1400);
                self.then(What::Returned, home, 900, 1800);
            }
            Fate::PickupPoint => {
                self.then(What::ReadyForPickup, to, 120, 400);
                self.then(What::Delivered, to, 900, 2500);
            }
            Fate::SecondAttempt => {
                let why = if self.rng.one_in(3) { What::Closed } else { What::NobodyHome };
                self.then(why, to, 120, 500);
                self.then(What::OutForDelivery, to, 1000, 1300);
                self.then(What::Delivered, to, 120, 400);
            }
            _ => self.then(What::Delivered, to, 90, 480),
        }
    }
}

/// This much later; the end of time where there is no such moment.
pub(crate) fn later(at: Timestamp, wait: SignedDuration) -> Timestamp {
    at.checked_add(wait).unwrap_or(Timestamp::MAX)
}

const FAMILIES: &[&str] = &[
    "Kellermann",
    "Brandt",
    "Vogelsang",
    "Lindqvist",
    "Okafor",
    "Moreau",
    "Petrov",
    "Santos",
    "Haugen",
    "Zielinski",
    "Ahrens",
    "Dupont",
];
const TRADES: &[&str] = &["Maschinenbau", "Elektrotechnik", "Möbel", "Sanitär", "Bikes", "Labs", "Werkzeuge", "Optik"];

/// An invented customer; the name says so.
fn customer(rng: &mut Rng) -> String {
    format!("{} {} (sandbox)", rng.pick(FAMILIES), rng.pick(TRADES))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn now() -> Timestamp {
        "2026-03-10T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn the_same_seed_makes_the_same_world() {
        assert_eq!(shipments(7, now()), shipments(7, now()));
        assert_ne!(shipments(7, now()), shipments(8, now()));
        assert_eq!(fresh(7, 130, now()), fresh(7, 130, now()));
    }

    #[test]
    fn every_fate_is_there_and_journeys_go_forward() {
        for seed in 0..20 {
            let all = shipments(seed, now());
            assert_eq!(all.len(), 120);
            let fates: HashSet<_> = all.iter().map(|s| s.fate).collect();
            assert_eq!(fates.len(), FATES.len());
            let numbers: HashSet<_> = all.iter().map(|s| &s.number).collect();
            assert_eq!(numbers.len(), all.len());
            for shipment in &all {
                assert!(shipment.steps.is_sorted_by_key(|s| s.at), "{shipment:?}");
                assert!(shipment.steps[0].at > now() - SignedDuration::from_hours(15 * 24));
                assert_ne!(shipment.typed.as_ref(), Some(&shipment.number));
            }
            let steps = all.iter().map(|s| s.steps.len()).sum::<usize>();
            let past = all.iter().flat_map(|s| &s.steps).filter(|s| s.at <= now()).count();
            assert!(past > 500 && steps - past > 60, "{past} of {steps}");
        }
    }

    #[test]
    fn a_booked_parcel_goes_where_its_label_says_with_the_carrier_that_it_names() {
        for place in [TOWNS, ABROAD, NEAR].into_iter().flatten() {
            let to = place_of(place.city, place.country).unwrap();
            for carrier in crate::booking::LABELS_OF {
                let number = number(&mut Rng::new(7), carrier);
                let shipment = booked(7, 3, &Booked { carrier, number: &number, to }, now()).unwrap();
                let last = shipment.steps.last().unwrap();
                assert_eq!((last.what, last.place, shipment.destination), (What::Delivered, *place, *place));
                assert_eq!((shipment.carrier.label, &shipment.number, shipment.order()), (*carrier, &number, None));
            }
        }
        assert_eq!(place_of("Nowhere", "DE"), None);
    }
}
