//! What a text is instead of a carrier's number, or what is wrong with it, as sentences.

use super::clean::NUMBER_MAX;

/// Why a text is not a carrier's number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotANumber {
    /// Nothing is left of it.
    #[error("the number is empty")]
    Empty,
    /// It is no number.
    #[error("the number has more than {NUMBER_MAX} characters")]
    TooLong,
    /// It cannot be shown or searched.
    #[error("the number has a control character")]
    Control,
    /// It has a sign that no carrier prints in a number: `<`, `"`, `{` and others.
    #[error("the number has the sign {0:?}: numbers are letters, digits and a few signs")]
    Sign(char),
    /// A spreadsheet turned it into a quantity.
    #[error("a spreadsheet has rounded this number, its last digits are lost: enter it again as text")]
    Damaged,
    /// One field, several numbers.
    #[error("the text holds several numbers: {}", .0.join(", "))]
    Several(Vec<String>),
    /// A GTIN.
    #[error("this is a product's number (GTIN), not a shipment's")]
    Product,
    /// A Leitcode, or a barcode with only the destination.
    #[error("this is a routing code for sorting machines: it says where to, not which shipment")]
    Routing,
    /// An IMO number.
    #[error("this number is a ship's, not a shipment's")]
    Vessel,
    /// One digit many times, digits that count up or down, a counter.
    #[error("digits that repeat or count are a placeholder or a counter, not a number")]
    Placeholder,
    /// An order, an invoice, a transfer.
    #[error("this looks like the number of an order or a document")]
    Document,
    /// A wrong check digit.
    #[error("the check digit is wrong: for {format} it should be {expected}{}", repair(.repaired.as_deref()))]
    CheckDigit {
        /// The format that it would have.
        format: String,
        /// The right character.
        expected: char,
        /// The number when usual slips of typing are undone, where the check digit is right then.
        repaired: Option<String>,
    },
    /// No format of the table.
    #[error("no known carrier writes numbers of this form")]
    UnknownForm,
}

impl NotANumber {
    /// Whether nothing can be kept under such a text: other numbers would be mistaken for it, or it cannot be shown.
    pub fn is_unusable(&self) -> bool {
        matches!(self, Self::Empty | Self::TooLong | Self::Control | Self::Sign(_) | Self::Damaged)
    }
}

fn repair(repaired: Option<&str>) -> String {
    repaired.map(|number| format!("; {number} would be right")).unwrap_or_default()
}

/// What a text of digits and letters plainly is, when it is no carrier's number.
pub(super) fn plainly(cleaned: &[u8]) -> Option<NotANumber> {
    let digits = cleaned.iter().all(u8::is_ascii_digit);
    if digits && cleaned.iter().all(|b| Some(b) == cleaned.first()) {
        return Some(NotANumber::Placeholder);
    }
    if digits && counted(cleaned) {
        return Some(NotANumber::Placeholder);
    }
    if digits && is_gtin_13(cleaned) {
        return Some(NotANumber::Product);
    }
    document(cleaned).then_some(NotANumber::Document)
}

/// Zeros in front of a short running number.
const COUNTER_ZEROS: &[u8] = b"0000";
/// Digits of the longest such number: carriers' own ranges are longer.
const COUNTER_MAX: usize = 9;

/// `123456789`, `987654321`, `000001234`.
fn counted(digits: &[u8]) -> bool {
    let by = |step: u8| digits.windows(2).all(|pair| (pair[0] - b'0' + step) % 10 == pair[1] - b'0');
    (digits.len() > 3 && (by(1) || by(9))) || (digits.len() <= COUNTER_MAX && digits.starts_with(COUNTER_ZEROS))
}

/// An EAN-13: prefixes of GS1 member organisations whose goods are common, books, and GTIN-12 with a zero in front.
fn is_gtin_13(digits: &[u8]) -> bool {
    let prefix = digits.get(..3).and_then(|p| std::str::from_utf8(p).ok()).and_then(|p| p.parse::<u16>().ok());
    let product = prefix.is_some_and(|p| {
        matches!(p, 0..=19 | 30..=39 | 60..=139 | 300..=440 | 450..=459 | 460..=469 | 471 | 490..=509 | 520..=521
            | 539..=549 | 560 | 569..=579 | 590 | 594 | 599..=601 | 640..=649 | 690..=709 | 729..=739 | 750 | 754..=769
            | 778..=790 | 800..=849 | 858..=859 | 867..=871 | 880 | 885 | 888 | 890 | 893 | 900..=919 | 930..=949
            | 955 | 978..=979)
    });
    let check = super::check::by_name("gs1_mod10").expect("a rule of ours");
    digits.len() == 13 && product && check(&digits[..12]) == Some(digits[12])
}

/// Words in front of the numbers of documents, in ERP systems.
const DOCUMENTS: [&str; 12] = ["SO", "PO", "INV", "WHOUT", "WHIN", "WHINT", "RMA", "RINV", "BILL", "ORDER", "DN", "S"];
/// Characters of the longest number of a document with such a word.
const DOCUMENT_MAX: usize = 16;

/// Letters and then digits, few or behind a document's word.
fn document(cleaned: &[u8]) -> bool {
    let letters = cleaned.iter().take_while(|b| b.is_ascii_uppercase()).count();
    let (word, rest) = cleaned.split_at(letters);
    let counted = !word.is_empty() && !rest.is_empty() && rest.iter().all(u8::is_ascii_digit);
    counted && (is_named_document(cleaned) || (cleaned.len() <= 8 && letters <= 4))
}

/// A document's word in front of a few characters.
pub(super) fn is_named_document(cleaned: &[u8]) -> bool {
    let letters = cleaned.iter().take_while(|b| b.is_ascii_uppercase()).count();
    DOCUMENTS.iter().any(|document| document.as_bytes() == &cleaned[..letters]) && cleaned.len() <= DOCUMENT_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_plainly_something_else() {
        for (text, what) in [
            ("4006381333931", Some(NotANumber::Product)),
            ("9780306406157", Some(NotANumber::Product)),
            ("4006381333932", None),
            ("123456789", Some(NotANumber::Placeholder)),
            ("987654321", Some(NotANumber::Placeholder)),
            ("000012345", Some(NotANumber::Placeholder)),
            ("000000000000", Some(NotANumber::Placeholder)),
            ("7777777770", None),
            ("SO12345", Some(NotANumber::Document)),
            ("WHOUT00012", Some(NotANumber::Document)),
            ("INV202600017", Some(NotANumber::Document)),
            ("PB1234567", None),
            ("RB123456785GB", None),
        ] {
            assert_eq!(plainly(text.as_bytes()), what, "{text}");
        }
    }

    #[test]
    fn reasons_are_sentences() {
        let wrong = NotANumber::CheckDigit { format: "ups_1z".into(), expected: '4', repaired: None };
        assert_eq!(wrong.to_string(), "the check digit is wrong: for ups_1z it should be 4");
        assert_eq!(NotANumber::Empty.to_string(), "the number is empty");
        assert!(NotANumber::Damaged.is_unusable() && !wrong.is_unusable());
    }
}
