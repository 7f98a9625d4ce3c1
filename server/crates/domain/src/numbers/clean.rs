//! What a number is compared by: upper case, without what people and printers put between its characters.

/// Characters of the longest number that is taken.
pub(super) const NUMBER_MAX: usize = 64;
/// Bytes of the longest text that is looked through for a number: a full MaxiCode has under two hundred.
pub(super) const TEXT_MAX_BYTES: usize = 1024;

/// What cannot be seen and means nothing: zero width, soft hyphen, changes of direction.
fn invisible(c: char) -> bool {
    matches!(c,
        '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}' | '\u{00AD}')
}

/// What stands between the characters of a number.
fn separator(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || invisible(c)
        || matches!(c, '-' | '.' | '/' | '_' | '(' | ')' | '+' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// Full-width letters, digits and signs as ASCII.
fn narrow(c: char) -> char {
    match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).expect("ASCII"),
        c => c,
    }
}

/// A text as its number is compared: leading zeros count.
pub(super) fn clean(text: &str) -> String {
    if text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase()) {
        return text.to_owned();
    }
    let kept = text.chars().map(narrow).filter(|c| !separator(*c));
    let mut cleaned = String::with_capacity(text.len());
    for c in kept {
        if c.is_ascii() { cleaned.push(c.to_ascii_uppercase()) } else { cleaned.extend(c.to_uppercase()) }
    }
    // upper case can be more than one character, of which one may be a sign that is left out
    while let Some(rest) = without_symbology(&cleaned) {
        cleaned = rest.to_owned();
    }
    cleaned
}

/// What a cleaned number may have beside letters and digits; separators are gone by then.
const SIGNS: &str = "#*:&%=@,;";

/// The first character of a cleaned text that no number has.
pub(super) fn odd_sign(cleaned: &str) -> Option<char> {
    cleaned.chars().find(|c| !c.is_alphanumeric() && !SIGNS.contains(*c))
}

/// A text behind a scanner's mark of the kind of barcode (`]C0`), if it has one: ISO/IEC 15424.
pub(super) fn without_symbology(text: &str) -> Option<&str> {
    match text.as_bytes() {
        [b']', letter, digit, ..] if letter.is_ascii_alphabetic() && digit.is_ascii_alphanumeric() => text.get(3..),
        _ => None,
    }
}

/// What a spreadsheet has made of a number.
#[derive(Debug, PartialEq)]
pub(super) enum Spreadsheet<'a> {
    /// Digits and nothing else happened.
    Whole(&'a str),
    /// Its last digits are lost.
    Lost,
}

/// Digits that a spreadsheet keeps of a number.
const KEPT_DIGITS: usize = 15;

/// A number as a spreadsheet writes it: `1.23457E+21`, `732879858041.0`; nothing for any other text.
pub(super) fn spreadsheet(text: &str) -> Option<Spreadsheet<'_>> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\'' | '"'));
    if !text.as_bytes().first()?.is_ascii_digit() {
        return None;
    }
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let decimal = |text: &str| text.split_once(['.', ',']).is_some_and(|(one, rest)| digits(one) && digits(rest));
    if let Some((mantissa, exponent)) = text.split_once(['E', 'e']) {
        let signed = exponent.strip_prefix(['+', '-']);
        let power = digits(signed.unwrap_or(exponent)) && exponent.len() <= 4;
        let damaged = power && (decimal(mantissa) || (signed.is_some() && mantissa.len() == 1));
        return damaged.then_some(Spreadsheet::Lost);
    }
    let (whole, rest) = text.split_once('.')?;
    let only_zeros = !rest.is_empty() && rest.len() <= 2 && rest.bytes().all(|b| b == b'0');
    // fewer digits than a tracking number has may be a group of one that is written with dots
    if !digits(whole) || !only_zeros || whole.len() < 7 {
        return None;
    }
    Some(if whole.len() > KEPT_DIGITS { Spreadsheet::Lost } else { Spreadsheet::Whole(whole) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_without_their_dress() {
        for (raw, cleaned) in [
            (" 1z 999-aa1.01\u{200B} 2345 ", "1Z999AA1012345"),
            ("00340434", "00340434"),
            ("１Ｚ999/AA1_01（23）", "1Z999AA10123"),
            ("]C0JJD01", "JJD01"),
            ("]C0]C1 X+Y", "XY"),
            ("a\u{202E}b", "AB"),
            ("Straße#1", "STRASSE#1"),
            ("1Z999", "1Z999"),
            (" - ", ""),
        ] {
            assert_eq!(clean(raw), cleaned, "{raw:?}");
        }
    }

    #[test]
    fn a_spreadsheets_work_is_seen() {
        for lost in ["1.23457E+21", "9.30223E+21", "9,30223E+21", "9.30223e21", "1E+21", "9400100000000544944941.0"] {
            assert_eq!(spreadsheet(lost), Some(Spreadsheet::Lost), "{lost}");
        }
        assert_eq!(spreadsheet("732879858041.0"), Some(Spreadsheet::Whole("732879858041")));
        for whole in ["56.31 02.430 31 3", "1234E5678901", "99.00", "E10", "1Z999E12", "", "000.000"] {
            assert_eq!(spreadsheet(whole), None, "{whole}");
        }
    }
}
