//! What is usual on a lane: how long a shipment takes and how long it may be silent, in working days. Until enough deliveries of
//! a lane are known, [`ShippedTable`] has it by the kind of carrier and how far the lane goes.

use crate::promise::is_eu;

/// From where to where, and by whom; what is not known is left open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Lane {
    /// The carrier's family, as in the carrier directory.
    pub carrier: Option<String>,
    /// Country of origin, ISO 3166-1 alpha-2.
    pub from: Option<String>,
    /// Country of destination.
    pub to: Option<String>,
}

/// What is usual on a lane, each in working days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usual {
    /// From the first scan to the delivery, for 95 of 100 shipments.
    pub transit: u32,
    /// The longest usual gap between two updates.
    pub gap: u32,
    /// From the label to the first scan.
    pub first_scan: u32,
    /// At customs.
    pub customs: u32,
    /// Of silence, after which it is presumed lost.
    pub lost: u32,
}

/// Where usual times come from.
pub trait UsualTimes: Send + Sync {
    /// Those of a lane; none where this source does not know it.
    fn usual(&self, lane: &Lane) -> Option<Usual>;
}

/// The table that comes with the product. Its numbers are the carriers' published transit times (DHL Paket, DPD, GLS, UPS and
/// FedEx service guides, UPU delivery standards; read in 2026) with a margin, so that what is merely slow alarms no one.
#[derive(Clone, Copy, Debug, Default)]
pub struct ShippedTable;

/// How a carrier moves goods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Parcels, and every carrier that is not known as another kind.
    Parcel,
    /// Postal operators and consolidators.
    Post,
    /// Pallets and loads by road.
    Freight,
    /// Containers by sea.
    Ocean,
}

/// How far a lane goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    /// Within one country.
    Domestic,
    /// Within Europe, or within North America.
    Region,
    /// Any further.
    World,
}

const POSTS: &[&str] = &[
    "4px",
    "australia_post",
    "austrian_post",
    "bpost",
    "cainiao",
    "canada_post",
    "china_post",
    "correos",
    "ctt",
    "deutsche_post",
    "japan_post",
    "korea_post",
    "la_poste",
    "poczta_polska",
    "poste_italiane",
    "posti",
    "postnl",
    "postnord",
    "royal_mail",
    "singapore_post",
    "swiss_post",
    "usps",
    "yanwen",
    "yunexpress",
];
const FREIGHT: &[&str] = &[
    "a_duie_pyle",
    "aaa_cooper",
    "abf",
    "ait",
    "averitt",
    "bekins",
    "central_transport",
    "ceva",
    "ch_robinson",
    "dachser",
    "daylight",
    "dayton",
    "dbschenker",
    "dsv",
    "estes",
    "fedex_freight",
    "forward_air",
    "geodis",
    "holland",
    "hub_group",
    "jb_hunt",
    "kuehne_nagel",
    "landstar",
    "new_penn",
    "odfl",
    "pitt_ohio",
    "reddaway",
    "rlca",
    "saia",
    "schneider",
    "southeastern",
    "tforce",
    "ward",
    "wilson",
    "xpo",
    "yrc",
];
const OCEAN: &[&str] = &[
    "cma_cgm",
    "cosco",
    "evergreen",
    "hanjin",
    "hapag_lloyd",
    "hmm",
    "maersk",
    "msc",
    "one",
    "oocl",
    "yang_ming",
    "zim",
];

/// Of Europe beside the union: no customs union, but the same road networks.
const EUROPE: &[&str] = &["CH", "GB", "IS", "LI", "NO"];

impl Kind {
    /// That of a carrier family.
    pub fn of(carrier: Option<&str>) -> Self {
        let of = |list: &[&str]| carrier.is_some_and(|carrier| list.contains(&carrier));
        match () {
            () if of(POSTS) => Self::Post,
            () if of(FREIGHT) => Self::Freight,
            () if of(OCEAN) => Self::Ocean,
            () => Self::Parcel,
        }
    }
}

impl Reach {
    /// That of a lane; none where a country is not known.
    pub fn of(lane: &Lane) -> Option<Self> {
        let (from, to) = (lane.from.as_deref()?, lane.to.as_deref()?);
        let european = |country: &str| is_eu(country) || EUROPE.contains(&country);
        let american = |country: &str| matches!(country, "US" | "CA" | "MX");
        Some(match () {
            () if from == to => Self::Domestic,
            () if european(from) && european(to) || american(from) && american(to) => Self::Region,
            () => Self::World,
        })
    }
}

impl UsualTimes for ShippedTable {
    /// Of a lane whose countries are not both known, what is usual for the longest.
    fn usual(&self, lane: &Lane) -> Option<Usual> {
        let kind = Kind::of(lane.carrier.as_deref());
        let (transit, gap, first_scan, customs, lost) = match (kind, Reach::of(lane).unwrap_or(Reach::World)) {
            (Kind::Parcel, Reach::Domestic) => (4, 3, 2, 2, 10),
            (Kind::Parcel, Reach::Region) => (7, 4, 3, 3, 15),
            (Kind::Parcel, Reach::World) => (12, 6, 3, 4, 20),
            (Kind::Post, Reach::Domestic) => (6, 4, 3, 3, 15),
            (Kind::Post, Reach::Region) => (12, 8, 4, 5, 25),
            (Kind::Post, Reach::World) => (25, 12, 5, 8, 40),
            (Kind::Freight, Reach::Domestic) => (6, 4, 3, 3, 15),
            (Kind::Freight, Reach::Region) => (10, 5, 4, 4, 20),
            (Kind::Freight, Reach::World) => (25, 8, 5, 6, 30),
            (Kind::Ocean, Reach::Domestic | Reach::Region) => (30, 15, 10, 5, 45),
            (Kind::Ocean, Reach::World) => (60, 20, 10, 8, 60),
        };
        Some(Usual { transit, gap, first_scan, customs, lost })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carriers;

    fn lane(carrier: &str, from: &str, to: &str) -> Lane {
        let country = |code: &str| Some(code.to_owned()).filter(|code| !code.is_empty());
        Lane { carrier: country(carrier), from: country(from), to: country(to) }
    }

    #[test]
    fn the_further_and_the_slower_the_carrier_the_longer_it_takes() {
        let transit = |carrier, from, to| ShippedTable.usual(&lane(carrier, from, to)).unwrap().transit;
        assert!(transit("dhl", "DE", "DE") < transit("dhl", "DE", "FR"));
        assert!(transit("dhl", "DE", "CH") < transit("dhl", "DE", "US"));
        assert!(transit("dhl", "US", "CA") < transit("dhl", "US", "DE"));
        assert!(transit("dhl", "DE", "FR") < transit("deutsche_post", "DE", "FR"));
        assert!(transit("dachser", "DE", "US") < transit("maersk", "DE", "US"));
        assert_eq!(transit("dhl", "", "FR"), transit("dhl", "DE", "US"), "what is not known may be far");
        assert_eq!(transit("", "DE", "DE"), transit("bluebikes", "DE", "DE"));
    }

    #[test]
    fn what_is_presumed_lost_was_silent_before() {
        for carrier in ["dhl", "usps", "saia", "msc"] {
            for (from, to) in [("DE", "DE"), ("DE", "FR"), ("DE", "US")] {
                let usual = ShippedTable.usual(&lane(carrier, from, to)).unwrap();
                assert!(usual.gap < usual.lost && usual.first_scan < usual.lost, "{carrier} {from} {to}");
            }
        }
    }

    #[test]
    fn every_carrier_of_the_lists_is_in_the_directory() {
        for family in [POSTS, FREIGHT, OCEAN].into_iter().flatten() {
            assert!(carriers::family_name(family).is_some(), "{family}");
        }
    }
}
