//! The tracking reference of a delivery: the numbers in it, each read as its carrier writes it, and what is none.

use domain::{
    carriers as directory,
    numbers::{self, Hints, NotANumber, Number},
};
use odoo::Delivery;
use storage::facts::TrackerKey;

/// Begins every problem of a tracking reference.
pub(super) const TRACKING: &str = "tracking reference: ";
/// Letters of the shortest word.
const WORD_CHARS_MIN: usize = 2;
/// So many words make a text of it.
const WORDS_MIN: usize = 2;

/// What a tracking reference has.
#[derive(Debug, Default)]
pub(super) struct Reference {
    /// Its numbers, each once.
    pub(super) numbers: Vec<TrackingNumber>,
    /// What is no number, a sentence each.
    pub(super) problems: Vec<String>,
    /// Doubts about its numbers, a sentence each.
    pub(super) doubts: Vec<String>,
}

/// A number of a delivery.
#[derive(Debug)]
pub(super) struct TrackingNumber {
    /// As it is written.
    pub(super) raw: String,
    /// What names its tracker.
    pub(super) tracker: TrackerKey,
    /// The carrier as a person reads it.
    pub(super) carrier_label: Option<String>,
}

impl Reference {
    /// Reads that of a delivery.
    pub(super) fn read(delivery: &Delivery) -> Self {
        let mut reference = Self::default();
        for raw in &delivery.tracking_numbers {
            match Number::read(raw).problem() {
                // a text with numbers in it that are right
                Some(NotANumber::Several(numbers)) => {
                    numbers.iter().for_each(|number| reference.add(number, delivery.carrier.as_deref()));
                }
                _ => reference.add(raw, delivery.carrier.as_deref()),
            }
        }
        reference
    }

    fn add(&mut self, raw: &str, method: Option<&str>) {
        let named = method.and_then(|word| directory::known("odoo", word)).map(|named| named.family.as_str());
        // where the wrong shipping method was chosen, the number shows its carrier
        let maker = numbers::only_maker(raw);
        let carrier = maker.or(named).or_else(|| Number::read(raw).carrier_in_text());
        let number = Number::read_with(raw, Hints { carrier, country: None });
        let problem = problem(raw, &number);
        if let Some((said, found)) = &problem {
            let list = if *found == Found::Nothing { &mut self.problems } else { &mut self.doubts };
            let said = format!("{TRACKING}{said}");
            if !list.contains(&said) {
                list.push(said);
            }
        }
        let Ok(key) = numbers::normalise_of(raw, carrier) else { return };
        let no_number = problem.is_some_and(|(_, found)| found == Found::Nothing);
        if no_number || self.numbers.iter().any(|other| other.tracker.number == key) {
            return;
        }
        let chosen = method.filter(|_| maker.is_none() || named.is_none_or(|named| maker == Some(named)));
        let carrier_label = chosen.or_else(|| directory::family_name(carrier?)).map(str::to_owned);
        let tracker = TrackerKey { carrier: carrier.map(str::to_owned), number: key };
        self.numbers.push(TrackingNumber { raw: raw.to_owned(), tracker, carrier_label });
    }
}

/// What is wrong with a text as a number of this carrier, in a sentence; none where nothing is.
pub(crate) fn wrong_with(text: &str, method: Option<&str>) -> Option<String> {
    let mut reference = Reference::default();
    reference.add(text, method);
    let said = reference.problems.into_iter().chain(reference.doubts).next();
    said.map(|said| said.trim_start_matches(TRACKING).to_owned())
}

/// Whether what is wrong with a text leaves a number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    Number,
    Nothing,
}

/// What is wrong with a text as a number, without the words in it, which may name people.
fn problem(raw: &str, number: &Number) -> Option<(String, Found)> {
    let what = number.problem()?;
    let link = raw.contains("://") || raw.trim_start().starts_with("www.");
    let said = match what {
        _ if link => None,
        NotANumber::Empty => return Some((no_number("signs"), Found::Nothing)),
        unusable if unusable.is_unusable() => return Some((unusable.to_string(), Found::Nothing)),
        NotANumber::CheckDigit { repaired, .. } => wrong_check_digit(number, repaired.as_deref()),
        NotANumber::Document if !number.names_document() => None,
        NotANumber::UnknownForm => None,
        other => Some(format!("{}: {other}", number.cleaned())),
    };
    if let Some(said) = said {
        return Some((said, Found::Number));
    }
    let words = raw.split_whitespace().filter(|word| is_word(word)).count();
    let nothing = if link {
        "a link"
    } else if words >= WORDS_MIN || !number.cleaned().chars().any(|c| c.is_ascii_digit()) {
        "words"
    } else {
        return None;
    };
    Some((no_number(nothing), Found::Nothing))
}

fn no_number(what: &str) -> String {
    format!("{what} in which no number was found")
}

fn is_word(word: &str) -> bool {
    let word = word.trim_matches(|c: char| c.is_ascii_punctuation());
    word.chars().count() >= WORD_CHARS_MIN && word.chars().all(char::is_alphabetic)
}

/// A wrong check digit, where the delivery's carrier or the number's own prefix says which one it should be.
fn wrong_check_digit(number: &Number, repaired: Option<&str>) -> Option<String> {
    const PREFIX: u8 = 2;
    let (wrong, expected) = number.formats().iter().find_map(|c| Some((c, c.expected()?)))?;
    if wrong.class > PREFIX {
        return None;
    }
    let carrier = wrong.family.and_then(directory::family_name).map(|name| format!(" of {name}")).unwrap_or_default();
    let right = match repaired {
        Some(repaired) => format!("{repaired} would be right"),
        None => format!("for these digits it would be {expected}"),
    };
    Some(format!("{} is no number{carrier}, its check digit is wrong; {right}", number.cleaned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(method: &str, texts: &[&str]) -> Reference {
        let mut reference = Reference::default();
        for text in texts.iter().flat_map(|text| numbers::split(text)) {
            reference.add(text, Some(method).filter(|method| !method.is_empty()));
        }
        reference
    }

    #[test]
    fn what_is_no_number_is_said() {
        for (method, text, said) in [
            ("UPS", "TBD", "words in which no number was found"),
            ("", "see email", "words in which no number was found"),
            ("", "Picked up by the customer 3.3.", "words in which no number was found"),
            ("UPS", "n/a", "words in which no number was found"),
            ("UPS", "-", "signs in which no number was found"),
            ("UPS", "https://www.ups.com/track?loc=en_US", "a link in which no number was found"),
            (
                "",
                "9.3001E+21",
                "a spreadsheet has rounded this number, its last digits are lost: enter it again as text",
            ),
            (
                "UPS",
                "1Z999AA10123456785",
                "1Z999AA10123456785 is no number of UPS, its check digit is wrong; for these digits it would be 4",
            ),
            (
                "UPS",
                "1Z999AA1O123456784",
                "1Z999AA1O123456784 is no number of UPS, its check digit is wrong; 1Z999AA10123456784 would be right",
            ),
            (
                "FedEx",
                "732879858042",
                "732879858042 is no number of FedEx, its check digit is wrong; for these digits it would be 1",
            ),
            ("", "S00123", "S00123: this looks like the number of an order or a document"),
            ("", "WH/OUT/00012", "WHOUT00012: this looks like the number of an order or a document"),
            (
                "DHL",
                "0000000000",
                "0000000000: digits that repeat or count are a placeholder or a counter, not a number",
            ),
        ] {
            let Reference { problems, doubts, .. } = read(method, &[text]);
            assert_eq!([problems, doubts].concat(), [format!("{TRACKING}{said}")], "{text}");
        }
        for (method, text) in [
            ("", "732879858042"),
            ("Standard", "N1"),
            ("DHL", "N1"),
            ("Local courier", "AB12-3456"),
            ("UPS", "UPS 1Z 999 AA1 01 2345 6784"),
            ("UPS", "https://www.ups.com/track?tracknum=1Z999AA10123456784"),
            ("DHL", "00340434161094042557"),
        ] {
            let read = read(method, &[text]);
            assert_eq!((read.problems, read.doubts, read.numbers.len()), (vec![], vec![], 1), "{text}");
        }
    }

    #[test]
    fn numbers_are_those_of_their_carrier_and_each_is_one() {
        let numbers = |method: &str, text: &str| -> Vec<(String, Option<String>)> {
            let read = read(method, &[text]).numbers.into_iter();
            read.map(|number| (number.tracker.number, number.tracker.carrier)).collect()
        };
        let one = |number: &str, carrier: Option<&str>| (number.to_owned(), carrier.map(str::to_owned));
        assert_eq!(numbers("GLS", "913411501389"), [one("91341150138", Some("gls"))]);
        assert_eq!(numbers("", "GLS 913411501389"), [one("91341150138", Some("gls"))]);
        assert_eq!(numbers("Standard", "1Z999AA10123456784"), [one("1Z999AA10123456784", Some("ups"))]);
        assert_eq!(numbers("UPS", "00340434161094042557"), [one("00340434161094042557", Some("dhl"))]);
        assert_eq!(
            numbers("UPS", "1Z999AA10123456784, 1Z 999 AA1 01 2345 6784"),
            [one("1Z999AA10123456784", Some("ups"))]
        );
        assert_eq!(numbers("UPS", "1Z999AA10123456784 + TBD").len(), 1);
        assert_eq!(read("UPS", &["00340434161094042557"]).numbers[0].carrier_label.as_deref(), Some("DHL"));
        assert_eq!(read("UPS Ground", &["1Z999AA10123456784"]).numbers[0].carrier_label.as_deref(), Some("UPS Ground"));
    }
}
