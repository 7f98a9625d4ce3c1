//! The cells in which is learned, from one lane of one service up to all carriers together. What is not known of a shipment
//! leaves out the cells that need it.

use domain::exceptions::usual::{Kind, Lane, Reach};
use std::fmt;

/// Digits of a postcode that make an area.
const AREA_CHARS: usize = 2;

/// What a customer pays for, as far as it decides how fast it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceClass {
    /// The next day or by an hour.
    Express,
    /// As the carrier moves goods otherwise.
    Standard(Kind),
}

/// Words of a service's name that say express. Source: the service names of DHL, UPS, FedEx, TNT, GLS, DPD and USPS.
const EXPRESS_WORDS: &[&str] = &[
    "express",
    "overnight",
    "next day",
    "nextday",
    "same day",
    "sameday",
    "next-day",
    "same-day",
    "priority mail express",
];

impl ServiceClass {
    /// That of a service by its name, and of its carrier's family.
    pub fn of(service: Option<&str>, carrier: Option<&str>) -> Self {
        let name = service.unwrap_or_default().to_lowercase();
        match EXPRESS_WORDS.iter().any(|word| name.contains(word)) {
            true => Self::Express,
            false => Self::Standard(Kind::of(carrier)),
        }
    }

    const fn code(self) -> &'static str {
        match self {
            Self::Express => "express",
            Self::Standard(Kind::Parcel) => "parcel",
            Self::Standard(Kind::Post) => "post",
            Self::Standard(Kind::Freight) => "freight",
            Self::Standard(Kind::Ocean) => "ocean",
        }
    }
}

/// Where a shipment comes from or goes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place<'a> {
    /// Country, ISO 3166-1 alpha-2.
    pub country: Option<&'a str>,
    /// Postcode.
    pub postcode: Option<&'a str>,
    /// What tells its area from others where no postcode is known: the city, a warehouse.
    pub area: Option<&'a str>,
}

/// What decides how long a shipment takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shipped<'a> {
    /// The carrier's family, as in the carrier directory.
    pub carrier: Option<&'a str>,
    /// The service, as the order system or the carrier names it.
    pub service: Option<&'a str>,
    /// From where.
    pub from: Place<'a>,
    /// Whereto.
    pub to: Place<'a>,
}

/// How coarse a cell is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Depth {
    /// Carrier, service, area of origin and of destination.
    Lane,
    /// Carrier, service, countries.
    CountryPair,
    /// Carrier, class of service, how far.
    Reach,
    /// Carrier.
    Carrier,
    /// Class of service, how far, of all carriers.
    Class,
}

impl Depth {
    /// All, the finest one first.
    pub const ALL: [Self; 5] = [Self::Lane, Self::CountryPair, Self::Reach, Self::Carrier, Self::Class];

    /// Its number, 0 for the finest. Above the last one is only what the carrier publishes.
    pub const fn level(self) -> usize {
        match self {
            Self::Lane => 0,
            Self::CountryPair => 1,
            Self::Reach => 2,
            Self::Carrier => 3,
            Self::Class => 4,
        }
    }

    /// What it is, after "on" or "of": "this lane".
    pub const fn words(self) -> &'static str {
        match self {
            Self::Lane => "this lane",
            Self::CountryPair => "this country pair",
            Self::Reach => "lanes of this carrier as far as this one",
            Self::Carrier => "this carrier",
            Self::Class => "services like this one",
        }
    }
}

/// A cell by its name, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    depth: Depth,
    key: String,
}

impl Cell {
    /// How coarse it is.
    pub const fn depth(&self) -> Depth {
        self.depth
    }

    /// By the name that it is stored by.
    pub fn parse(name: &str) -> Option<Self> {
        let (level, key) = name.split_once('/')?;
        let level: usize = level.parse().ok()?;
        let depth = Depth::ALL.into_iter().find(|depth| depth.level() == level)?;
        Some(Self { depth, key: key.to_owned() })
    }

    /// What it is of, each part as a person reads it, the carrier or the class of service first.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.key.split('/').filter(|part| !part.is_empty())
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.depth.level(), self.key)
    }
}

impl Shipped<'_> {
    /// Its lane, as the table of usual times knows it.
    pub fn lane(&self) -> Lane {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Lane { carrier: owned(self.carrier), from: owned(self.from.country), to: owned(self.to.country) }
    }

    /// The cells that it lies in, by level; none where a level needs what is not known.
    pub fn cells(&self) -> [Option<Cell>; 5] {
        Depth::ALL.map(|depth| Some(Cell { depth, key: self.key(depth)? }))
    }

    fn key(&self, depth: Depth) -> Option<String> {
        let carrier = part(self.carrier);
        // a service that is not named is one of its own
        let service = part(self.service).unwrap_or_default();
        let class = ServiceClass::of(self.service, self.carrier).code();
        let parts = match depth {
            Depth::Lane => vec![carrier?, service, self.from.area()?, self.to.area()?],
            Depth::CountryPair => vec![carrier?, service, self.from.country()?, self.to.country()?],
            Depth::Reach => vec![carrier?, class.into(), self.reach()?.into()],
            Depth::Carrier => vec![carrier?],
            Depth::Class => vec![class.into(), self.reach()?.into()],
        };
        Some(parts.join("/"))
    }

    fn reach(&self) -> Option<&'static str> {
        let lane = Lane { carrier: None, from: self.from.country(), to: self.to.country() };
        Some(match Reach::of(&lane)? {
            Reach::Domestic => "domestic",
            Reach::Region => "region",
            Reach::World => "world",
        })
    }
}

impl Place<'_> {
    fn country(&self) -> Option<String> {
        part(self.country).map(|code| code.to_uppercase())
    }

    fn area(&self) -> Option<String> {
        let letters = self.postcode.unwrap_or_default().chars().filter(|c| c.is_alphanumeric()).take(AREA_CHARS);
        let area: String = letters.flat_map(char::to_uppercase).collect();
        let area = if area.chars().count() == AREA_CHARS { area } else { part(self.area)? };
        Some(format!("{}-{area}", self.country()?))
    }
}

/// One part of a key: foreign text, so that no slash of it makes another cell of it.
fn part(text: Option<&str>) -> Option<String> {
    let text = text?.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase().replace('/', "_");
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place<'a>(country: &'a str, postcode: &'a str) -> Place<'a> {
        Place { country: Some(country), postcode: Some(postcode), area: None }
    }

    fn names(shipped: &Shipped<'_>) -> Vec<String> {
        shipped.cells().iter().map(|cell| cell.as_ref().map_or("-".into(), Cell::to_string)).collect()
    }

    #[test]
    fn cells_go_from_the_lane_to_all_carriers() {
        let shipped = Shipped {
            carrier: Some("dhl"),
            service: Some("DHL  Paket"),
            from: place("DE", "20095"),
            to: place("fr", " 75 001"),
        };
        assert_eq!(
            names(&shipped),
            ["0/dhl/dhl paket/DE-20/FR-75", "1/dhl/dhl paket/DE/FR", "2/dhl/parcel/region", "3/dhl", "4/parcel/region"]
        );
        let express = Shipped { service: Some("EXPRESS/12:00"), to: place("DE", "1"), ..shipped };
        assert_eq!(
            names(&express),
            ["-", "1/dhl/express_12:00/DE/DE", "2/dhl/express/domestic", "3/dhl", "4/express/domestic"]
        );
    }

    #[test]
    fn what_is_not_known_leaves_out_the_cells_that_need_it() {
        let shipped = Shipped { carrier: Some("usps"), to: place("US", "10001"), ..Shipped::default() };
        assert_eq!(names(&shipped), ["-", "-", "-", "3/usps", "-"]);
        let unknown = Shipped { from: place("CN", "51"), to: place("US", "10"), ..Shipped::default() };
        assert_eq!(names(&unknown), ["-", "-", "-", "-", "4/parcel/world"]);
        assert_eq!(names(&Shipped::default()), ["-"; 5]);
    }
}
