//! Who sends, who carries, and where to.

use super::days::Days;
use crate::journey::{Carrier, Feed, Place};

/// How fast a service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// The next day, by noon within the country.
    Express,
    /// The usual one.
    Standard,
    /// A day slower, and cheaper.
    Economy,
}

/// A service of a carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub name: &'static str,
    /// How fast it is.
    pub class: Class,
    /// Of a hundred parcels of the carrier.
    pub share: u64,
}

/// A carrier, and how good it is. What is of a thousand is of its parcels.
#[derive(Clone, Copy, Debug)]
pub struct Haulier {
    /// As orders and messages call it.
    pub carrier: Carrier,
    /// Its services.
    pub services: &'static [Service],
    /// Of a hundred parcels.
    pub share: u64,
    /// Whether it delivers on Saturdays.
    pub saturdays: bool,
    /// How many take a day longer than the lane says, of a thousand.
    pub slow: u64,
    /// How many are damaged, of a thousand.
    pub damaged: u64,
    /// How many have a scan in a code of its own, of a thousand.
    pub unmapped: u64,
    /// Minutes from an event to its message: from, to.
    pub reports_after: (u64, u64),
}

impl Haulier {
    /// When it works there.
    pub fn days(&self, country: &'static str) -> Days {
        Days { country, saturdays: self.saturdays }
    }
}

const fn service(name: &'static str, class: Class, share: u64) -> Service {
    Service { name, class, share }
}

const fn carrier(label: &'static str, word: &'static str, feed: Feed) -> Carrier {
    Carrier { label, word, feed }
}

/// The bad one: slow, careless, and late with its reports.
pub const BAD: &str = "Hermes";
/// The one whose transit times change.
pub const DRIFTS: &str = "GLS";
/// The one whose drivers strike.
pub const STRIKES: &str = "DPD";

/// All of them.
pub const HAULIERS: &[Haulier] = &[
    Haulier {
        carrier: carrier("DHL", "dhl", Feed::Aftership),
        services: &[service("Paket", Class::Standard, 85), service("Express", Class::Express, 15)],
        share: 34,
        saturdays: true,
        slow: 10,
        damaged: 4,
        unmapped: 1,
        reports_after: (4, 45),
    },
    Haulier {
        carrier: carrier("UPS", "UPS", Feed::Easypost),
        services: &[service("Standard", Class::Standard, 70), service("Express Saver", Class::Express, 30)],
        share: 17,
        saturdays: false,
        slow: 15,
        damaged: 4,
        unmapped: 1,
        reports_after: (2, 15),
    },
    Haulier {
        carrier: carrier("DPD", "dpd", Feed::Aftership),
        services: &[service("Classic", Class::Standard, 90), service("Express 12:00", Class::Express, 10)],
        share: 15,
        saturdays: true,
        slow: 10,
        damaged: 5,
        unmapped: 2,
        reports_after: (5, 60),
    },
    Haulier {
        carrier: carrier("GLS", "gls", Feed::Aftership),
        services: &[service("BusinessParcel", Class::Standard, 100)],
        share: 13,
        saturdays: false,
        slow: 10,
        damaged: 5,
        unmapped: 2,
        reports_after: (5, 60),
    },
    Haulier {
        carrier: carrier("Hermes", "hermes-de", Feed::Aftership),
        services: &[service("Standard", Class::Standard, 60), service("Economy", Class::Economy, 40)],
        share: 10,
        saturdays: true,
        slow: 320,
        damaged: 18,
        unmapped: 40,
        reports_after: (60, 840),
    },
    Haulier {
        carrier: carrier("FedEx", "FedEx", Feed::Easypost),
        services: &[service("Economy", Class::Standard, 55), service("Priority", Class::Express, 45)],
        share: 11,
        saturdays: false,
        slow: 10,
        damaged: 5,
        unmapped: 2,
        reports_after: (2, 20),
    },
];

/// Where parcels leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Warehouse {
    /// The short name in deliveries' names: `WH/OUT/0000001`.
    pub code: &'static str,
    /// The company.
    pub company: &'static str,
    /// Where it is.
    pub place: Place,
    /// Of a hundred parcels.
    pub share: u64,
}

const DE: (&str, &str) = ("DE", "DEU");
const BERLIN: &str = "Europe/Berlin";

const fn german(city: &'static str, zip: &'static str) -> Place {
    Place::new(city, None, zip, DE, BERLIN)
}

/// All of them.
pub const WAREHOUSES: &[Warehouse] = &[
    Warehouse { code: "WH", company: crate::COMPANY, place: german("Hannover", "30159"), share: 60 },
    Warehouse { code: "MUC", company: crate::COMPANY, place: german("München", "80939"), share: 28 },
    Warehouse {
        code: "POZ",
        company: "Northwind Polska",
        place: Place::new("Poznań", None, "61-001", ("PL", "POL"), "Europe/Warsaw"),
        share: 12,
    },
];

/// How far a parcel goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reach {
    /// Within the country.
    Domestic,
    /// To a neighbour, without customs.
    Neighbour,
    /// Through customs, within Europe.
    Customs,
    /// Over the ocean.
    Overseas,
}

/// Customers' towns: each is an area of its own, the first two characters of its postcode; how many parcels go there.
pub const TOWNS: &[(Place, u64)] = &[
    (german("Dresden", "01067"), 3),
    (german("Leipzig", "04109"), 4),
    (german("Berlin", "10115"), 10),
    (german("Rostock", "18055"), 2),
    (german("Hamburg", "20095"), 8),
    (german("Kiel", "24103"), 2),
    (german("Bremen", "28195"), 4),
    (german("Bielefeld", "33602"), 2),
    (german("Kassel", "34117"), 2),
    (german("Düsseldorf", "40213"), 5),
    (german("Dortmund", "44135"), 4),
    (german("Köln", "50667"), 6),
    (german("Mainz", "55116"), 2),
    (german("Frankfurt am Main", "60311"), 6),
    (german("Stuttgart", "70173"), 5),
    (german("Freiburg im Breisgau", "79098"), 2),
    (german("München", "80331"), 8),
    (german("Nürnberg", "90402"), 4),
    (german("Erfurt", "99084"), 2),
    (Place::new("Wien", None, "1010", ("AT", "AUT"), "Europe/Vienna"), 4),
    (Place::new("Graz", None, "8010", ("AT", "AUT"), "Europe/Vienna"), 1),
    (Place::new("Utrecht", None, "3511", ("NL", "NLD"), "Europe/Amsterdam"), 3),
    (Place::new("Rotterdam", None, "3011", ("NL", "NLD"), "Europe/Amsterdam"), 2),
    (Place::new("Antwerpen", None, "2000", ("BE", "BEL"), "Europe/Brussels"), 2),
    (Place::new("Lyon", None, "69001", ("FR", "FRA"), "Europe/Paris"), 3),
    (Place::new("Paris", None, "75001", ("FR", "FRA"), "Europe/Paris"), 3),
    (Place::new("Poznań", None, "61-001", ("PL", "POL"), "Europe/Warsaw"), 3),
    (Place::new("Warszawa", None, "00-001", ("PL", "POL"), "Europe/Warsaw"), 3),
    (Place::new("Zürich", None, "8001", ("CH", "CHE"), "Europe/Zurich"), 3),
    (Place::new("London", None, "EC1A 1BB", ("GB", "GBR"), "Europe/London"), 2),
    (Place::new("Oslo", None, "0150", ("NO", "NOR"), "Europe/Oslo"), 1),
    (Place::new("New York", Some("NY"), "10001", ("US", "USA"), "America/New_York"), 1),
];

/// Where parcels are sorted on their way, by the country that they leave.
pub const HUBS: &[Place] = &[
    german("Leipzig", "04158"),
    german("Köln", "51147"),
    german("Hamburg", "21129"),
    german("Neuenstein", "36286"),
    Place::new("Łódź", None, "90-001", ("PL", "POL"), "Europe/Warsaw"),
];

/// The area of a place: the first two characters of its postcode.
pub fn area(place: &Place) -> &'static str {
    place.zip.get(..2).unwrap_or(place.zip)
}

/// How far it is from one place to another.
pub fn reach(from: &Place, to: &Place) -> Reach {
    match to.country {
        country if country == from.country => Reach::Domestic,
        "CH" | "GB" | "NO" => Reach::Customs,
        "US" => Reach::Overseas,
        _ => Reach::Neighbour,
    }
}

/// Segments of customers: the name of the tag, and of how many customers of a hundred.
pub const SEGMENTS: &[(&str, u64)] = &[("Webshop", 60), ("B2B", 32), ("Key account", 8)];
