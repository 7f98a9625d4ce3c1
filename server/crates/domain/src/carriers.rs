//! The carrier directory: one list, with the words that sources use for a carrier, and how numbers are written.

use serde::Deserialize;
use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

/// Characters of the longest number that is taken.
const NUMBER_MAX: usize = 64;
/// Characters of the longest carrier word that is kept as a code of its own.
const WORD_MAX: usize = 40;

/// A carrier.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CarrierEntry {
    /// What trackers are told apart by: the brands of one network share their numbers.
    pub family: String,
    /// The brand.
    pub code: String,
    /// What a person reads.
    pub name: String,
    /// Words for it, whatever the source.
    #[serde(default)]
    aliases: Vec<String>,
    /// Words for it that only this source uses.
    #[serde(default)]
    sources: BTreeMap<String, Vec<String>>,
}

/// Why a number is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadNumber {
    /// Nothing is left of it.
    #[error("the number is empty")]
    Empty,
    /// It is no number.
    #[error("the number has more than {NUMBER_MAX} characters")]
    TooLong,
    /// It cannot be shown or searched.
    #[error("the number has a control character")]
    Control,
}

struct Directory {
    entries: Vec<CarrierEntry>,
    by_word: HashMap<String, usize>,
    by_source_word: HashMap<(String, String), usize>,
}

static DIRECTORY: LazyLock<Directory> = LazyLock::new(|| {
    let entries: Vec<CarrierEntry> =
        serde_json::from_str(include_str!("carriers.json")).expect("the shipped directory is JSON");
    let (mut by_word, mut by_source_word) = (HashMap::new(), HashMap::new());
    for (index, entry) in entries.iter().enumerate() {
        for word in [&entry.code, &entry.name].into_iter().chain(&entry.aliases) {
            by_word.entry(folded(word)).or_insert(index);
        }
        for (source, words) in &entry.sources {
            by_source_word.extend(words.iter().map(|word| ((source.clone(), folded(word)), index)));
        }
    }
    Directory { entries, by_word, by_source_word }
});

/// Letters and digits in lower case: `DHL-Express` and `dhl express` are one word.
fn folded(word: &str) -> String {
    word.chars().filter(|c| c.is_alphanumeric() || *c == '+').flat_map(char::to_lowercase).collect()
}

/// The carrier that a source means by a word, if the directory knows it.
pub fn known(source: &str, word: &str) -> Option<&'static CarrierEntry> {
    let word = folded(word);
    let index =
        DIRECTORY.by_source_word.get(&(source.to_owned(), word.clone())).or_else(|| DIRECTORY.by_word.get(&word))?;
    DIRECTORY.entries.get(*index)
}

/// The carrier that a source means by a word. An unknown word is a carrier of its own: never an error, never a guess.
pub fn resolve(source: &str, word: &str) -> CarrierEntry {
    if let Some(entry) = known(source, word) {
        return entry.clone();
    }
    let code: String = folded(word).chars().take(WORD_MAX).collect();
    let name: String = word.trim().chars().filter(|c| !c.is_control()).take(WORD_MAX).collect();
    CarrierEntry { family: code.clone(), code, name, aliases: Vec::new(), sources: BTreeMap::new() }
}

/// A number as it is compared: upper case, without blanks, hyphens, dots and marks that cannot be seen. Leading zeros
/// count.
///
/// # Errors
/// When it is empty, too long, or has control characters.
pub fn normalise_number(raw: &str) -> Result<String, BadNumber> {
    if raw.trim().chars().any(char::is_control) {
        return Err(BadNumber::Control);
    }
    let invisible = |c: char| matches!(c, '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FEFF}' | '\u{00AD}');
    let number: String = raw
        .chars()
        .filter(|c| !c.is_whitespace() && !invisible(*c) && !matches!(c, '-' | '.' | '\u{2010}'..='\u{2015}'))
        .flat_map(char::to_uppercase)
        .collect();
    match number.chars().count() {
        0 => Err(BadNumber::Empty),
        n if n > NUMBER_MAX => Err(BadNumber::TooLong),
        _ => Ok(number),
    }
}

/// The family of the only carrier that makes numbers of this form: its own prefix, and a check digit that is right where there
/// is one. Numbers that several networks carry (USPS', the S10 of posts) and mere lengths say nothing.
pub fn only_maker(number: &str) -> Option<&'static str> {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if let Some(rest) = number.strip_prefix("1Z") {
        let form = rest.len() == 16 && rest.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
        return (form && ups_check(rest)).then_some("ups");
    }
    let dhl = number.starts_with("00340434") && number.len() == 20 && digits(number) && gs1_check(&number[2..]);
    // the first J of JJD is the barcode's data identifier; JD0002 with 18 characters is Yodel's
    let piece = number.strip_prefix("JJD").or_else(|| number.strip_prefix("JD")).filter(|rest| digits(rest));
    let piece = piece.is_some_and(|rest| match rest.len() {
        18 => rest.starts_with("01") || rest.starts_with("0003"),
        11 => rest.starts_with("00"),
        _ => false,
    });
    (dhl || piece).then_some("dhl")
}

/// The last of the sixteen characters behind `1Z`: letters count as their ASCII code less 63, every second one double.
fn ups_check(rest: &str) -> bool {
    let value = |b: u8| if b.is_ascii_digit() { u32::from(b - b'0') } else { (u32::from(b) - 63) % 10 };
    let (body, check) = rest.as_bytes().split_at(15);
    let sum: u32 = body.iter().enumerate().map(|(i, b)| value(*b) * if i % 2 == 0 { 1 } else { 2 }).sum();
    check.first().is_some_and(|c| value(*c) == (10 - sum % 10) % 10)
}

/// GS1's last digit: from the right, weights 3 and 1.
fn gs1_check(digits: &str) -> bool {
    let Some((check, body)) = digits.as_bytes().split_last() else { return false };
    let weighted = body.iter().rev().enumerate().map(|(i, b)| u32::from(b - b'0') * if i % 2 == 0 { 3 } else { 1 });
    u32::from(check - b'0') == (10 - weighted.sum::<u32>() % 10) % 10
}

/// What people call a family.
pub fn family_name(family: &str) -> Option<&'static str> {
    DIRECTORY.entries.iter().find(|entry| entry.family == family).map(|entry| entry.name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_words_lead_to_one_carrier() {
        for word in ["DHLExpress", "dhl_express", "DHL Express", "dhl-express"] {
            assert_eq!(known("easypost", word).map(|e| e.code.as_str()), Some("dhl_express"), "{word}");
        }
        assert_eq!(known("17track", "100002").map(|e| e.family.as_str()), Some("ups"));
        assert_eq!(known("aftership", "100002"), None, "a number means something to its source only");
        assert_eq!(resolve("aftership", "Blue Bikes!").family, "bluebikes");
    }

    #[test]
    fn a_form_that_one_carrier_makes_names_it() {
        for (number, maker) in [
            ("1Z999AA10123456784", Some("ups")),
            ("1Z999AA10123456785", None), // the check digit is wrong
            ("1Z999AA1012345678", None),
            ("00340434161094042557", Some("dhl")),
            ("00340434161094042558", None),
            ("JD014600003889000000", Some("dhl")),
            ("JJD014600003889000000", Some("dhl")),
            ("JD00099999999", Some("dhl")),
            ("JD0002123456789012", None), // Yodel
            ("JJD0099999999", None),
            ("JD01", None),
            ("9400110200881234567890", None), // USPS carries for many
            ("RB123456785GB", None),
            ("123456789012", None),
            ("", None),
            ("1Zéééééééé", None),
            ("003404341610940425é7", None),
        ] {
            assert_eq!(only_maker(number), maker, "{number}");
            assert!(maker.is_none_or(|family| family_name(family).is_some()));
        }
    }

    #[test]
    fn words_are_unique() {
        let mut seen: HashMap<String, &str> = HashMap::new();
        for entry in &DIRECTORY.entries {
            for word in &entry.aliases {
                if let Some(other) = seen.insert(folded(word), &entry.code) {
                    assert_eq!(other, entry.code, "{word} is used twice");
                }
            }
        }
    }

    #[test]
    fn numbers_are_compared_without_their_dress() {
        assert_eq!(normalise_number(" 1z 999-aa1.01\u{200B} 2345 ").unwrap(), "1Z999AA1012345");
        assert_eq!(normalise_number("00340434").unwrap(), "00340434");
        assert_eq!(normalise_number(" - "), Err(BadNumber::Empty));
        assert_eq!(normalise_number("A\u{0}B"), Err(BadNumber::Control));
        assert_eq!(normalise_number(&"9".repeat(65)), Err(BadNumber::TooLong));
    }
}
