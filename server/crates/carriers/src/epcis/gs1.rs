//! GS1 keys and words as EPCIS writes them: EPC URNs, GS1 Digital Links, plain digits.
//! Sources: GS1 EPC Tag Data Standard (pure identity URIs), GS1 Digital Link URI syntax, GS1 General Specifications
//! (application identifiers 00, 253, 401, 402, 414, 417; check digit), Core Business Vocabulary 2.0.

use std::fmt;

/// The check digit of the digits before it: weights 3 and 1, from the right.
fn check_digit(digits: &str) -> char {
    let sum: u32 = digits.bytes().rev().zip([3, 1].into_iter().cycle()).map(|(b, w)| u32::from(b - b'0') * w).sum();
    char::from_digit((10 - sum % 10) % 10, 10).expect("less than ten")
}

fn is_digits(text: &str, len: usize) -> bool {
    text.len() == len && text.bytes().all(|b| b.is_ascii_digit())
}

/// Digits with their check digit, where there are as many as the key has.
fn checked(digits: &str, len: usize) -> Option<String> {
    is_digits(digits, len - 1).then(|| format!("{digits}{}", check_digit(digits)))
}

/// Whether the last digit is the check digit of the others.
pub(super) fn is_checked(number: &str) -> bool {
    number.len() > 1 && is_digits(number, number.len()) && number.ends_with(check_digit(&number[..number.len() - 1]))
}

/// What follows `urn:epc:id:<scheme>:`.
fn urn<'a>(uri: &'a str, scheme: &str) -> Option<&'a str> {
    let (head, rest) = uri.split_at_checked("urn:epc:id:".len())?;
    let (kind, rest) = rest.split_once(':')?;
    (head.eq_ignore_ascii_case("urn:epc:id:") && kind.eq_ignore_ascii_case(scheme)).then_some(rest)
}

/// What follows the application identifier in a GS1 Digital Link, whatever its domain and the path before it.
fn link<'a>(uri: &'a str, identifier: &str) -> Option<&'a str> {
    let path = uri.split_once("://")?.1.split(['?', '#']).next()?;
    let mut segments = path.split('/').skip(1);
    segments.find(|s| *s == identifier)?;
    segments.next()
}

/// The eighteen digits of a serial shipping container code. In the URN the extension digit stands behind the company
/// prefix, in the number before it. A wrong check digit is kept: see [`is_checked`].
pub(super) fn sscc(uri: &str) -> Option<String> {
    let tag = uri.strip_prefix("urn:epc:tag:sscc-96:").and_then(|tag| Some(tag.split_once('.')?.1));
    if let Some((company, serial)) = urn(uri, "sscc").or(tag).and_then(|rest| rest.split_once('.')) {
        let (extension, serial) = serial.split_at_checked(1)?;
        return checked(&format!("{extension}{company}{serial}"), 18);
    }
    let digits = link(uri, "00").unwrap_or_else(|| uri.strip_prefix("(00)").unwrap_or(uri));
    is_digits(digits, 18).then(|| digits.to_owned())
}

/// A freight container (ISO 6346): the owner's, category's and serial number with the check digit.
pub(super) fn container(uri: &str) -> Option<String> {
    urn(uri, "bic").filter(|code| code.len() == 11 && code.is_ascii()).map(str::to_ascii_uppercase)
}

/// The seventeen digits of a global shipment identification number.
pub(super) fn gsin(uri: &str) -> Option<String> {
    let of_urn = || checked(&urn(uri, "gsin")?.replace('.', ""), 17);
    of_urn().or_else(|| link(uri, "402").filter(|digits| is_digits(digits, 17)).map(str::to_owned))
}

/// A global identification number for consignment: the carrier's or forwarder's own number of it.
pub(super) fn ginc(uri: &str) -> Option<String> {
    let of_urn = || Some(urn(uri, "ginc")?.replacen('.', "", 1));
    of_urn().or_else(|| link(uri, "401").map(str::to_owned))
}

/// The thirteen digits of a global location number, of a place (SGLN, without its extension) or a party (PGLN).
pub(super) fn gln(uri: &str) -> Option<String> {
    if let Some(rest) = urn(uri, "sgln").or_else(|| urn(uri, "pgln")) {
        let mut parts = rest.split('.');
        return checked(&format!("{}{}", parts.next()?, parts.next()?), 13);
    }
    let digits = link(uri, "414").or_else(|| link(uri, "417")).unwrap_or(uri);
    is_digits(digits, 13).then(|| digits.to_owned())
}

/// The number of a business transaction as the parties know it: behind the GLN of `urn:epcglobal:cbv:bt:`, the serial
/// of a document type (GDTI), the last part of an address; else as it is written.
pub(super) fn transaction(uri: &str) -> &str {
    if let Some(rest) = uri.strip_prefix("urn:epcglobal:cbv:bt:") {
        return rest.split_once(':').map_or(rest, |(_, number)| number);
    }
    if let Some(rest) = urn(uri, "gdti") {
        return rest.splitn(3, '.').nth(2).unwrap_or(rest);
    }
    if let Some(document) = link(uri, "253") {
        return document.get(13..).filter(|serial| !serial.is_empty()).unwrap_or(document);
    }
    let path = uri.split_once("://").map(|(_, rest)| rest.split(['?', '#']).next().unwrap_or(rest));
    path.and_then(|p| p.rsplit('/').find(|s| !s.is_empty())).unwrap_or(uri)
}

/// A word of a vocabulary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// Of the Core Business Vocabulary, without its dress.
    Core(String),
    /// Of somebody's own vocabulary: the whole address.
    Own(String),
}

impl Word {
    /// Reads `receiving`, `urn:epcglobal:cbv:bizstep:receiving`, `https://ref.gs1.org/cbv/BizStep-receiving` or
    /// `cbv:BizStep-receiving`.
    pub(super) fn new(text: &str) -> Self {
        let lower = text.to_ascii_lowercase();
        let core = lower.starts_with("urn:epcglobal:cbv:")
            || lower.starts_with("cbv:")
            || lower.contains("gs1.org/cbv/")
            || lower.contains("gs1.org/voc/")
            || !lower.contains([':', '/']);
        match lower.rsplit([':', '/', '-']).next() {
            Some(word) if core && !word.is_empty() => Self::Core(word.to_owned()),
            _ => Self::Own(text.to_owned()),
        }
    }

    /// The word as the code lists have it.
    pub(super) fn as_str(&self) -> &str {
        let (Self::Core(word) | Self::Own(word)) = self;
        word
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_container_in_every_dress() {
        for dress in [
            "urn:epc:id:sscc:4012345.0000000333",
            "urn:epc:tag:sscc-96:2.4012345.0000000333",
            "https://id.gs1.org/00/040123450000003338",
            "https://shop.example/goods/00/040123450000003338?linkType=all",
            "040123450000003338",
            "(00)040123450000003338",
        ] {
            assert_eq!(sscc(dress).as_deref(), Some("040123450000003338"), "{dress}");
        }
        assert!(is_checked("040123450000003338") && !is_checked("040123450000003339") && !is_checked("4"));
        for other in ["urn:epc:id:sgtin:0614141.107346.2017", "urn:epc:id:sscc:06141.1", "urn:epc:id:sscc:é.é", ""] {
            assert_eq!(sscc(other), None, "{other}");
        }
    }

    #[test]
    fn places_parties_and_shipments() {
        assert_eq!(gln("urn:epc:id:sgln:0614141.00777.400").as_deref(), Some("0614141007776"));
        assert_eq!(gln("urn:epc:id:pgln:0614141.00777").as_deref(), Some("0614141007776"));
        assert_eq!(gln("https://id.gs1.org/414/0614141007776/254/400").as_deref(), Some("0614141007776"));
        assert_eq!(gln("https://id.gs1.org/417/0614141007776").as_deref(), Some("0614141007776"));
        assert_eq!(gln("geo:52.5,13.4"), None);
        assert_eq!(container("urn:epc:id:bic:CSQU3054383").as_deref(), Some("CSQU3054383"));
        assert_eq!(gsin("urn:epc:id:gsin:4012345.999987654").as_deref(), Some("40123459999876541"));
        assert_eq!(ginc("urn:epc:id:ginc:4012345.333").as_deref(), Some("4012345333"));
    }

    #[test]
    fn documents_by_the_number_that_people_know() {
        for (uri, number) in [
            ("urn:epcglobal:cbv:bt:9529999999991:XYZ567", "XYZ567"),
            ("http://transaction.acme.com/po/12345678", "12345678"),
            ("urn:epc:id:gdti:0614141.00001.1618034", "1618034"),
            ("https://id.gs1.org/253/06141410000161618034", "1618034"),
            ("PO-77", "PO-77"),
        ] {
            assert_eq!(transaction(uri), number, "{uri}");
        }
    }

    #[test]
    fn words_in_every_dress() {
        for dress in [
            "receiving",
            "urn:epcglobal:cbv:bizstep:receiving",
            "https://ref.gs1.org/cbv/BizStep-receiving",
            "cbv:BizStep-receiving",
        ] {
            assert_eq!(Word::new(dress), Word::Core("receiving".into()), "{dress}");
        }
        let own = "http://epcis.example.org/hc/bizstep/summarising_discharge";
        assert_eq!(Word::new(own), Word::Own(own.into()));
    }
}
