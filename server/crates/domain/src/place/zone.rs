//! The time zone of a place, only where it follows from the place as reported.

use super::{
    country::{KNOWN, country, unlocode},
    name::words,
};
use crate::observation::Location;
use std::{collections::HashMap, sync::LazyLock};

/// Countries with several zones: regions, places, postal codes.
const ZONES: &str = include_str!("zones.tsv");

/// The IANA zone of a place: by its UN/LOCODE, its town and region, its postal code, its country; none where that leaves
/// it open, as in a state with two zones and a town that is not listed.
pub fn zone(location: &Location) -> Option<&'static str> {
    let code = location.unlocode.as_deref().and_then(unlocode);
    if let Some(found) = code.as_ref().and_then(|code| ATLAS.places.get(code)) {
        return found.known();
    }
    let of_place = code.as_ref().map(|code| &code[..2]);
    let alpha_2 = of_place.or_else(|| location.country.as_deref().and_then(country))?;
    ATLAS.zone(alpha_2, location).unwrap_or_else(|| KNOWN.zone(alpha_2))
}

/// What is known of a part of a country.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// All of it keeps this zone.
    Zone(&'static str),
    /// It has several, or one that is open.
    Open,
}

impl Part {
    fn of(zone: &'static str) -> Self {
        if zone == "-" { Self::Open } else { Self::Zone(zone) }
    }

    fn known(self) -> Option<&'static str> {
        match self {
            Self::Zone(zone) => Some(zone),
            Self::Open => None,
        }
    }
}

#[derive(Default)]
struct Atlas {
    /// By UN/LOCODE.
    places: HashMap<String, Part>,
    /// By country and words: the region's code, and what is known of it.
    regions: HashMap<(&'static str, String), (&'static str, Part)>,
    /// By country, region (empty where the name is sure without) and words.
    towns: HashMap<(&'static str, &'static str, String), Part>,
    /// By country: from, to.
    postal: HashMap<&'static str, Vec<(&'static str, &'static str, Part)>>,
}

static ATLAS: LazyLock<Atlas> = LazyLock::new(|| {
    let mut atlas = Atlas::default();
    for line in ZONES.lines().filter(|line| !line.starts_with('#')) {
        let mut fields = line.split('\t').map(|field| if field == "-" { "" } else { field });
        let [Some(country), Some(zone), Some(regions), Some(places), Some(postal)] = [(); 5].map(|()| fields.next())
        else {
            continue;
        };
        let zone = if zone.is_empty() { Part::Open } else { Part::of(zone) };
        atlas.add_regions(country, zone, regions);
        atlas.add_places(country, zone, places);
        atlas.add_postal(country, zone, postal);
    }
    atlas
});

impl Atlas {
    fn add_regions(&mut self, country: &'static str, zone: Part, regions: &'static str) {
        for region in list(regions, ';') {
            let names = region.split('=');
            let Some(code) = names.clone().next() else { continue };
            self.regions.extend(names.map(|name| ((country, words(name)), (code, zone))));
        }
    }

    fn add_places(&mut self, country: &'static str, zone: Part, places: &'static str) {
        for group in list(places, ';') {
            let (region, entries) = group.split_once(": ").unwrap_or(("", group));
            for entry in list(entries, ',') {
                self.add_place(country, region, zone, entry);
            }
        }
    }

    /// A place that is large enough to have its code here is known by its name alone.
    fn add_place(&mut self, country: &'static str, region: &'static str, zone: Part, entry: &'static str) {
        let is_code =
            |word: &str| word.len() == 3 && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        let large = entry.split('=').next().is_some_and(is_code);
        for word in entry.split('=') {
            if is_code(word) {
                self.places.insert(format!("{country}{word}"), zone);
                continue;
            }
            self.towns.insert((country, region, words(word)), zone);
            if large {
                self.towns.insert((country, "", words(word)), zone);
            }
        }
    }

    fn add_postal(&mut self, country: &'static str, zone: Part, ranges: &'static str) {
        let ranges = list(ranges, ' ').map(|range| range.split_once('-').unwrap_or((range, range)));
        self.postal.entry(country).or_default().extend(ranges.map(|(from, to)| (from, to, zone)));
    }

    /// The zones by the country's regions; none where the country has one zone.
    fn zone(&self, alpha_2: &str, location: &Location) -> Option<Option<&'static str>> {
        // the keys are borrowed from the tables
        let alpha_2 = country(alpha_2)?;
        let region = location.region.as_deref().and_then(|region| self.region(alpha_2, region));
        let town = location.city.as_deref().map(words);
        let town_in = |region: &'static str| {
            town.as_ref().and_then(|town| self.towns.get(&(alpha_2, region, town.clone())).copied())
        };
        let postal = || location.postal.as_deref().and_then(|postal| self.postal(alpha_2, postal));
        let found = match region {
            Some((code, whole)) => {
                let in_part = || whole.known().is_none().then(postal).flatten();
                town_in(code).or_else(in_part).unwrap_or(whole)
            }
            None => postal().or_else(|| town_in(""))?,
        };
        Some(found.known())
    }

    /// A region by its code, with or without the country's before it, or by name.
    fn region(&self, alpha_2: &'static str, text: &str) -> Option<(&'static str, Part)> {
        let text = text.trim();
        let bare = match text.split_once('-') {
            Some((before, rest)) if before.eq_ignore_ascii_case(alpha_2) => rest,
            _ => text,
        };
        self.regions.get(&(alpha_2, words(bare))).copied()
    }

    fn postal(&self, alpha_2: &str, text: &str) -> Option<Part> {
        let code = text.trim().to_ascii_uppercase();
        let within = |from: &str, to: &str| code.get(..from.len()).is_some_and(|part| from <= part && part <= to);
        self.postal.get(alpha_2)?.iter().find(|(from, to, _)| within(from, to)).map(|(.., part)| *part)
    }
}

fn list(text: &'static str, separator: char) -> impl Iterator<Item = &'static str> {
    text.split(separator).map(str::trim).filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;

    /// `city|region|postal|country|unlocode`.
    fn at(text: &str) -> Option<&'static str> {
        let mut parts = text.split('|').map(|part| Some(part.to_owned()).filter(|p| !p.is_empty()));
        let mut next = || parts.next().flatten();
        zone(&Location {
            city: next(),
            region: next(),
            postal: next(),
            country: next(),
            unlocode: next(),
            ..Location::default()
        })
    }

    #[test]
    fn a_country_with_one_zone_is_enough() {
        for (place, zone) in [
            ("|||DE|", "Europe/Berlin"),
            ("Leipzig|||Germany|", "Europe/Berlin"),
            ("||||DEHAM", "Europe/Berlin"),
            ("||||nl rtm", "Europe/Amsterdam"),
            ("|||CN|", "Asia/Shanghai"),
            ("||||CNSHA", "Asia/Shanghai"),
            ("|||IND|", "Asia/Kolkata"),
            ("Auckland|||NZ|", "Pacific/Auckland"),
            ("Kyiv|||UA|", "Europe/Kyiv"),
            ("Paris||75001|FR|", "Europe/Paris"),
        ] {
            assert_eq!(at(place), Some(zone), "{place}");
        }
    }

    #[test]
    fn a_region_with_one_zone_is_enough() {
        for (place, zone) in [
            ("San Pedro|CA||US|", "America/Los_Angeles"),
            ("|California||United States|", "America/Los_Angeles"),
            ("|US-NY||US|", "America/New_York"),
            ("|AZ||US|", "America/Phoenix"),
            ("Window Rock|AZ||US|", "America/Denver"),
            ("|QC||CA|", "America/Toronto"),
            ("Québec|Québec||CA|", "America/Toronto"),
            ("|NSW||AU|", "Australia/Sydney"),
            ("Broken Hill|NSW||AU|", "Australia/Broken_Hill"),
            ("|Sao Paulo||BR|", "America/Sao_Paulo"),
            ("|JAL||MX|", "America/Mexico_City"),
            ("|West Java||ID|", "Asia/Jakarta"),
            ("|Bali||ID|", "Asia/Makassar"),
            ("||Novosibirsk|RU|RUOVB", "Asia/Novosibirsk"),
            ("|Canarias||ES|", "Atlantic/Canary"),
            ("|Madeira||PT|", "Atlantic/Madeira"),
        ] {
            assert_eq!(at(place), Some(zone), "{place}");
        }
    }

    #[test]
    fn the_town_or_the_postal_code_decides_where_a_region_has_two() {
        for (place, zone) in [
            ("El Paso|TX||US|", "America/Denver"),
            ("HOUSTON|TX||US|", "America/Chicago"),
            ("Nowhere|TX|77001-1234|US|", "America/Chicago"),
            ("Nowhere|TX|79901|US|", "America/Denver"),
            ("Memphis|Tennessee||US|", "America/Chicago"),
            ("Knoxville|TN||US|", "America/New_York"),
            ("Indianapolis|IN||US|", "America/Indiana/Indianapolis"),
            ("Pensacola|FL||US|", "America/Chicago"),
            ("St. Petersburg|FL||US|", "America/New_York"),
            ("Mississauga|ON||CA|", "America/Toronto"),
            ("Somewhere|ON|L5T 2N7|CA|", "America/Toronto"),
            ("Burnaby|BC||CA|", "America/Vancouver"),
            ("Barcelona|||ES|", "Europe/Madrid"),
            ("||38001|ES|", "Atlantic/Canary"),
            ("||28001|ES|", "Europe/Madrid"),
            ("||1000-001|PT|", "Europe/Lisbon"),
            ("||97400|FR|", "Indian/Reunion"),
            ("Chicago|||US|", "America/Chicago"),
        ] {
            assert_eq!(at(place), Some(zone), "{place}");
        }
    }

    #[test]
    fn a_large_port_is_known_by_its_code() {
        for (codes, zone) in [
            ("USLAX USLGB USOAK USSEA USTIW", "America/Los_Angeles"),
            ("USNYC USEWR USSAV USCHS USORF USMIA", "America/New_York"),
            ("USHOU USCHI USMEM USDAL", "America/Chicago"),
            ("CAVAN CAPRR", "America/Vancouver"),
            ("CAMTR CATOR", "America/Toronto"),
            ("CAHAL", "America/Halifax"),
            ("AUSYD", "Australia/Sydney"),
            ("AUMEL", "Australia/Melbourne"),
            ("AUBNE", "Australia/Brisbane"),
            ("AUFRE", "Australia/Perth"),
            ("AUADL", "Australia/Adelaide"),
            ("BRSSZ", "America/Sao_Paulo"),
            ("MXZLO MXVER", "America/Mexico_City"),
            ("IDJKT IDTPP", "Asia/Jakarta"),
            ("RUVVO", "Asia/Vladivostok"),
            ("ESLPA", "Atlantic/Canary"),
            ("PTLIS", "Europe/Lisbon"),
        ] {
            for code in codes.split(' ') {
                assert_eq!(at(&format!("||||{code}")), Some(zone), "{code}");
            }
        }
    }

    #[test]
    fn what_is_open_stays_open() {
        for place in [
            "",
            "|||US|",
            "|TX||US|",
            "Somewhere|TX||US|",
            "Houston|AK||US|",
            "|IN||US|",
            "Springfield|||US|",
            "|||CA|",
            "|||ES|",
            "||3801|ES|",
            "|||PT|",
            "|||RU|",
            "|||BR|",
            "|||AU|",
            "|AM||BR|",
            "Sevastopol|||UA|",
            "||98701|FR|",
            "Berlin|||Atlantis|",
            "Los Angeles|CA|||",
            "||||USZZZ",
            "|||XK|",
        ] {
            assert_eq!(at(place), None, "{place}");
        }
    }

    #[test]
    fn every_zone_is_one_and_every_line_says_something() {
        let known = |name: &str| TimeZone::get(name).is_ok();
        for line in ZONES.lines().filter(|l| !l.starts_with('#')) {
            let fields: Vec<&str> = line.split('\t').collect();
            assert_eq!(fields.len(), 5, "{line}");
            assert!(country(fields[0]) == Some(fields[0]), "{line}");
            assert!(fields[1] == "-" || known(fields[1]), "{line}");
            assert!(fields[2..].iter().any(|f| *f != "-"), "{line}");
        }
        for line in include_str!("countries.tsv").lines().filter(|l| !l.starts_with('#')) {
            let zone = line.split('\t').nth(2).unwrap();
            assert!(zone == "-" || known(zone), "{line}");
        }
    }

    /// A name, a code or a postal code that two lines claim would be decided by their order.
    #[test]
    fn nothing_is_said_twice_with_two_meanings() {
        let mut said: HashMap<String, &str> = HashMap::new();
        for line in ZONES.lines().filter(|l| !l.starts_with('#')) {
            let fields: Vec<&str> = line.split('\t').collect();
            let (country, zone) = (fields[0], fields[1]);
            let mut say = |what: String| {
                let other = said.insert(what.clone(), zone);
                assert!(other.is_none_or(|other| other == zone), "{what}: {other:?} and {zone}");
            };
            for name in fields[2].split([';', '=']).map(str::trim).filter(|n| *n != "-") {
                say(format!("{country} region {}", words(name)));
            }
            for group in fields[3].split(';').map(str::trim).filter(|g| *g != "-") {
                let (region, entries) = group.split_once(": ").unwrap_or(("", group));
                for name in entries.split([',', '=']).map(str::trim) {
                    say(format!("{country} {region} place {}", words(name)));
                }
            }
        }
        for ranges in ATLAS.postal.values() {
            let mut ranges = ranges.clone();
            ranges.sort_unstable_by_key(|(from, ..)| *from);
            for pair in ranges.windows(2) {
                assert!(pair[0].1 < pair[1].0, "{pair:?}");
            }
        }
    }
}
