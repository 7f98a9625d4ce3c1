//! Who issues S10 numbers, `issuers.tsv`: the country names the issuer; the destination's post delivers.

use super::formats;
use crate::place;
use std::{collections::HashMap, sync::LazyLock};

/// The format that posts share.
pub(super) const FORMAT: &str = "s10";

struct Issuer {
    /// The first two letters of its numbers; all, where none are given.
    services: Vec<&'static str>,
    carrier: &'static str,
    family: Option<&'static str>,
}

static ISSUERS: LazyLock<HashMap<&'static str, Vec<Issuer>>> = LazyLock::new(|| {
    let mut issuers: HashMap<&str, Vec<Issuer>> = HashMap::new();
    for line in include_str!("issuers.tsv").lines().filter(|line| !line.starts_with('#')) {
        let mut fields = line.split('\t');
        let [Some(country), Some(services), Some(carrier)] = [(); 3].map(|()| fields.next()) else { continue };
        let services = services.split_whitespace().collect();
        let issuer = Issuer { services, carrier, family: formats::family(carrier) };
        issuers.entry(country).or_default().push(issuer);
    }
    issuers
});

/// The carrier that issued an S10 number, and its family.
pub(super) fn issuer(number: &str) -> Option<(&'static str, Option<&'static str>)> {
    let (services, country) = (number.get(..2)?, number.get(11..)?);
    let issuer = ISSUERS.get(country)?.iter().find(|i| i.services.is_empty() || i.services.contains(&services))?;
    Some((issuer.carrier, issuer.family))
}

/// Whether the last two letters are a country's or an issuer's that is known.
pub(super) fn is_known(country: &str) -> bool {
    ISSUERS.contains_key(country) || place::country(country).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_issuer_is_in_the_directory() {
        for issuer in ISSUERS.values().flatten() {
            assert!(issuer.family.is_some(), "{}", issuer.carrier);
        }
        assert_eq!(issuer("LX995854810GB"), Some(("royalmail", Some("royal_mail"))));
        assert_eq!(issuer("XY881526140FR").map(|(carrier, _)| carrier), Some("chronopost"));
        assert_eq!(issuer("RB881526140FR").map(|(carrier, _)| carrier), Some("laposte"));
        assert_eq!(issuer("RB881526140ZZ"), None);
        assert!(is_known("YP") && is_known("MN") && !is_known("ZZ"));
    }
}
