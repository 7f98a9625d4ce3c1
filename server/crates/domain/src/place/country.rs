//! Countries by code or name, and the codes of places in them.

use super::name::words;
use std::{collections::HashMap, sync::LazyLock};

/// ISO 3166-1, with names and the zone of the whole country.
const COUNTRIES: &str = include_str!("countries.tsv");

/// The whole countries: the zone of each, where it has one.
pub(super) struct Countries {
    /// By code and by the words of every name.
    by_word: HashMap<String, &'static str>,
    /// By alpha-2.
    zones: HashMap<&'static str, Option<&'static str>>,
}

pub(super) static KNOWN: LazyLock<Countries> = LazyLock::new(|| {
    let mut known = Countries { by_word: HashMap::new(), zones: HashMap::new() };
    for line in COUNTRIES.lines().filter(|line| !line.starts_with('#')) {
        let mut fields = line.split('\t');
        let [Some(alpha_2), Some(alpha_3), Some(zone), Some(names)] = [(); 4].map(|()| fields.next()) else { continue };
        known.zones.insert(alpha_2, Some(zone).filter(|zone| *zone != "-"));
        for word in [alpha_2, alpha_3].into_iter().chain(names.split('|')) {
            known.by_word.insert(words(word), alpha_2);
        }
    }
    known
});

impl Countries {
    /// The zone that all of the country keeps.
    pub(super) fn zone(&self, alpha_2: &str) -> Option<&'static str> {
        self.zones.get(alpha_2).copied().flatten()
    }

    fn code(&self, text: &str) -> Option<&'static str> {
        self.zones.get_key_value(text).map(|(code, _)| *code)
    }
}

/// ISO 3166-1 alpha-2 of a country by alpha-2, alpha-3, English short name or a usual other name, in whatever case, with
/// or without accents: `DEU`, `Germany`, `Deutschland`, `U.S.A.`, `Korea, Republic of`. None for anything else. `XK`, which
/// ISO leaves to its users, is Kosovo as everybody uses it.
pub fn country(word: &str) -> Option<&'static str> {
    KNOWN.code(word).or_else(|| KNOWN.by_word.get(&words(word)).copied())
}

/// A UN/LOCODE in its usual form, `DEHAM` of `DE HAM` or `deham`; none where it has not that shape (two letters of a
/// country, then three letters or digits from 2 to 9). Source: UNECE Recommendation 16.
pub fn unlocode(text: &str) -> Option<String> {
    let code: String =
        text.chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| c.to_ascii_uppercase()).take(6).collect();
    let place = |c: u8| c.is_ascii_uppercase() || matches!(c, b'2'..=b'9');
    // international waters have a code of their own
    let of_country = |code: &str| KNOWN.code(code).is_some() || code == "XZ";
    let (country, rest) = code.split_at_checked(2)?;
    (rest.len() == 3 && rest.bytes().all(place) && of_country(country)).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_is_found_by_what_it_is_called() {
        for (code, names) in [
            ("US", "us USA U.S.A. U.S. America"),
            ("DE", "DEU de Germany GERMANY Deutschland Allemagne"),
            ("GB", "UK U.K. GBR England Scotland"),
            ("NL", "NLD Holland Netherlands Niederlande"),
            ("TR", "Türkiye Turkiye TURKEY TUR"),
            ("VN", "Vietnam VNM"),
            ("CZ", "Czechia CZE"),
            ("RU", "Russia RUS Россия"),
            ("CN", "CHN China 中国"),
            ("CI", "CIV"),
            ("XK", "XK Kosovo"),
        ] {
            for name in names.split(' ') {
                assert_eq!(country(name), Some(code), "{name}");
            }
        }
        for (code, name) in [
            ("GB", "Great Britain"),
            ("GB", "United Kingdom of Great Britain and Northern Ireland (the)"),
            ("US", "United States of America (the)"),
            ("KR", "Korea, Republic of"),
            ("KR", "South Korea"),
            ("KP", "Korea, Democratic People's Republic of"),
            ("VN", "Viet Nam"),
            ("CZ", "Czech Republic"),
            ("BO", "Bolivia, Plurinational State of"),
            ("RU", "RUSSIAN FEDERATION"),
            ("CI", "COTE D'IVOIRE"),
            ("CI", "Côte d’Ivoire"),
            ("CD", "Congo, The Democratic Republic of the"),
            ("CG", "Congo"),
            ("MD", "Moldova, Republic of"),
            ("TW", "Taiwan, Province of China"),
            ("LC", "St. Lucia"),
            ("VG", "Virgin Islands, British"),
            ("VI", "Virgin Islands, U.S."),
            ("AX", "Aland Islands"),
            ("BQ", "Bonaire, Sint Eustatius and Saba"),
        ] {
            assert_eq!(country(name), Some(code), "{name}");
        }
        for nowhere in ["", "  ", "QQ", "ZZZ", "Atlantis", "the", "12", "Republic"] {
            assert_eq!(country(nowhere), None, "{nowhere}");
        }
    }

    #[test]
    fn a_name_names_one_country() {
        let mut named: HashMap<String, &str> = HashMap::new();
        let lines: Vec<Vec<&str>> =
            COUNTRIES.lines().filter(|l| !l.starts_with('#')).map(|l| l.split('\t').collect()).collect();
        assert_eq!(lines.len(), 250, "249 of ISO 3166-1, and XK");
        for fields in lines {
            assert_eq!((fields.len(), fields[0].len(), fields[1].len()), (4, 2, 3), "{fields:?}");
            for word in fields[..2].iter().copied().chain(fields[3].split('|')) {
                let other = named.insert(words(word), fields[0]);
                assert!(other.is_none_or(|other| other == fields[0]), "{word}: {other:?} and {}", fields[0]);
            }
        }
    }

    #[test]
    fn a_place_code_has_one_form() {
        for text in ["DE HAM", "deham", "DEHAM", " de-ham "] {
            assert_eq!(unlocode(text).as_deref(), Some("DEHAM"), "{text}");
        }
        assert_eq!(unlocode("US 2ES").as_deref(), Some("US2ES"));
        for text in ["", "DE", "DEHA", "DEHAMB", "QQHAM", "DEH1M", "DEH0M", "12345", "Hamburg", "ÄÖHAM", "DEHÄM"] {
            assert_eq!(unlocode(text), None, "{text}");
        }
    }
}
