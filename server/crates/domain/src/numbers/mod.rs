//! Carriers' numbers: from any text to the number as it is kept, the formats it satisfies, and the other forms of it.
//!
//! A text is opened (`envelopes`: barcodes, links), cleaned (`clean`), compared with the table of formats (`formats.json`:
//! `shape`, `check`), ranked (`rank`), and if it is no number as a whole, looked through for one (`text`). What it is
//! instead, or what is wrong with it, is a sentence (`refusal`). A wrong check digit is a finding: the number is kept all
//! the same, see [`normalise`]. Whose shipment a number is, and when it is another one's, is decided elsewhere.

mod check;
mod clean;
mod envelopes;
pub mod formats;
mod forms;
mod issuers;
mod rank;
mod refusal;
mod report;
mod same;
mod shape;
#[cfg(test)]
mod tests;
mod text;

pub use rank::{Candidate, Check, Hints};
pub use refusal::NotANumber;
pub use report::NumberReport;
pub use same::{Written, kept_under, network, normalise_of, resembling, same};

use clean::{NUMBER_MAX, Spreadsheet, TEXT_MAX_BYTES, clean, odd_sign, spreadsheet};
use envelopes::Inside;
use formats::Kind;
use text::{Found, Search};

/// A text that was read as a number.
#[derive(Clone, Debug)]
pub struct Number {
    cleaned: String,
    formats: Vec<Candidate>,
    valid: bool,
    problem: Option<NotANumber>,
    carrier: Option<&'static str>,
}

/// A text as a number is compared and kept: the canonical number where it is one, or the number under which its network
/// delivers it; else the text without what people put between characters. Leading zeros count.
///
/// # Errors
/// When nothing can be kept under it: it is empty, too long, has control characters, or a spreadsheet has rounded it.
pub fn normalise(raw: &str) -> Result<String, NotANumber> {
    normalise_of(raw, None)
}

/// The family of the only carrier that makes numbers of this form: its own prefix, and a check digit that is right where
/// there is one. Numbers that several networks carry (USPS', the S10 of posts) and mere lengths decide nothing.
pub fn only_maker(number: &str) -> Option<&'static str> {
    let number = Number::read(number);
    let first = number.formats.first().filter(|_| number.valid)?;
    first.family.filter(|_| first.format.own && first.check != Check::Bad)
}

/// The numbers of a field that holds several, each as it is written there; the field itself when it is not surely a list.
pub fn split(field: &str) -> Vec<&str> {
    text::several(field).unwrap_or_else(|| vec![field])
}

impl Number {
    /// Reads a text of which nothing else is known.
    pub fn read(raw: &str) -> Self {
        Self::read_with(raw, Hints::default())
    }

    /// Reads a text, with what is known beside it.
    pub fn read_with(raw: &str, hints: Hints<'_>) -> Self {
        if raw.len() > TEXT_MAX_BYTES {
            return Self::unusable(NotANumber::TooLong);
        }
        if raw.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Self::of_clean(clean(raw), hints, None);
        }
        if let Some(read) = Self::opened(raw, hints) {
            return read;
        }
        let raw = raw.trim();
        if raw.chars().any(|c| c.is_control() && !c.is_whitespace()) {
            return Self::unusable(NotANumber::Control);
        }
        if let Some(numbers) = text::several(raw) {
            return Self::listed(raw, &numbers, hints);
        }
        let read = Self::of_clean(clean(raw), hints, None);
        if read.valid && !read.contradicted(raw) { read } else { read.or_inside(raw, hints) }
    }

    /// What a spreadsheet, a barcode or a link has made of a number.
    fn opened(raw: &str, hints: Hints<'_>) -> Option<Self> {
        match spreadsheet(raw.trim()) {
            Some(Spreadsheet::Lost) => return Some(Self::unusable(NotANumber::Damaged)),
            Some(Spreadsheet::Whole(whole)) => return Some(Self::of_clean(clean(whole), hints, None)),
            None => {}
        }
        match envelopes::open(raw)? {
            Inside::Nothing(_, elements) if elements.len() > NUMBER_MAX => Some(Self::unusable(NotANumber::TooLong)),
            Inside::Nothing(what, elements) => Some(Self { problem: Some(what), ..Self::kept(elements) }),
            Inside::Number(number, formats) => {
                let read = Self::of_clean(number, hints, Some(formats).filter(|ids| !ids.is_empty()));
                Some(read).filter(|read| !read.formats.is_empty())
            }
        }
    }

    /// A field with several numbers; the same number twice is one number.
    fn listed(raw: &str, numbers: &[&str], hints: Hints<'_>) -> Self {
        let first = clean(numbers[0]);
        if numbers.iter().all(|number| clean(number) == first) {
            return Self::of_clean(first, hints, None);
        }
        let numbers = numbers.iter().map(|number| (*number).to_owned()).collect();
        Self { problem: Some(NotANumber::Several(numbers)), ..Self::kept(clean(raw)) }
    }

    /// Whether only a prefix makes a number of it, and that is a carrier's name: another one's (`TNT 957332973`), or that of
    /// the one whose numbers may be anything (`GLS 913411501389`).
    fn contradicted(&self, raw: &str) -> bool {
        let prefixed = self.formats.first().filter(|first| first.check == Check::None);
        let named = |first: &Candidate, named| first.family != Some(named) || first.format.only_for.is_some();
        prefixed.is_some_and(|first| text::begins_with_carrier(raw).is_some_and(|carrier| named(first, carrier)))
    }

    /// The number inside a text that is none as a whole.
    fn or_inside(self, raw: &str, hints: Hints<'_>) -> Self {
        // what is kept of a text must be read as the text itself is: so what is clean is looked through as well
        let found = match text::number_in(raw, hints) {
            Search::Nothing => text::number_in(&self.cleaned, hints),
            found => found,
        };
        match found {
            Search::One(Found { cleaned, candidates, carrier }) => {
                Self { carrier, ..Self::judged(cleaned, candidates, hints_of(hints, carrier)) }
            }
            Search::Several(numbers) => Self { problem: Some(NotANumber::Several(numbers)), ..self },
            Search::Nothing => self,
        }
    }

    /// The number as it is kept; nothing when it is not one.
    pub fn canonical(&self) -> Option<&str> {
        self.formats.first().filter(|_| self.valid).map(|first| first.canonical.as_str())
    }

    /// What the text is kept under: the canonical number; the number inside an envelope or behind a prefix even if its check
    /// digit is wrong; else the clean text.
    pub fn key(&self) -> &str {
        match self.formats.first() {
            Some(first) if self.valid || first.class <= PREFIXED => &first.canonical,
            _ => &self.cleaned,
        }
    }

    /// What a tracker of the number is kept under: of two numbers that go together, the one that the network delivers by.
    fn tracked(&self) -> String {
        let delivered = self.formats.first().filter(|_| self.valid).and_then(forms::delivered_as);
        delivered.unwrap_or_else(|| self.key().to_owned())
    }

    fn into_tracked(mut self) -> String {
        let own = self.formats.first().is_some_and(|first| self.valid && forms::delivered_as(first).is_none());
        if own { self.formats.swap_remove(0).canonical } else { self.tracked() }
    }

    /// The text without what people put between characters.
    pub fn cleaned(&self) -> &str {
        &self.cleaned
    }

    /// Whether it is a number: a check digit is right, or the form is a carrier's and nothing better speaks against it.
    pub fn is_valid(&self) -> bool {
        self.valid
    }

    /// The formats it satisfies, the likeliest first; those with a wrong check digit last.
    pub fn formats(&self) -> &[Candidate] {
        &self.formats
    }

    /// The format that is no guess: it stands alone, or two classes of evidence ahead of any other carrier's.
    pub fn certain(&self) -> Option<&Candidate> {
        rank::certain(&self.formats).filter(|_| self.valid)
    }

    /// The family of the carrier that the text itself names, as in `UPS 1Z…`.
    pub fn carrier_in_text(&self) -> Option<&'static str> {
        self.carrier
    }

    /// Why it is no number of a shipment, or what the text is instead.
    pub fn problem(&self) -> Option<&NotANumber> {
        self.problem.as_ref()
    }

    /// Whether it is an order's, an invoice's or a transfer's number, as the word in front of it says.
    pub fn names_document(&self) -> bool {
        self.problem == Some(NotANumber::Document) && refusal::is_named_document(self.cleaned.as_bytes())
    }

    /// Remarks about an accepted number: a sentence each.
    pub fn remarks(&self) -> Vec<String> {
        self.formats.first().filter(|_| self.valid).and_then(forms::remark).into_iter().collect()
    }

    /// The number in the groups in which its carrier prints it.
    pub fn printed(&self) -> Option<String> {
        let first = self.formats.first().filter(|_| self.valid)?;
        forms::printed(&first.canonical, &first.format.groups)
    }

    /// The ways in which the same number is written; each leads back to it. Of what is no number, the clean text.
    pub fn forms(&self) -> Vec<String> {
        let Some(first) = self.formats.first().filter(|_| self.valid) else {
            return Some(self.cleaned.clone()).filter(|text| !text.is_empty()).into_iter().collect();
        };
        let mut forms = Vec::new();
        for form in forms::written(first).into_iter().chain([self.cleaned.clone()]) {
            // another carrier's check digit can be right for a longer form
            if !forms.contains(&form) && Self::read(&form).key() == first.canonical {
                forms.push(form);
            }
        }
        forms
    }

    /// Another number of the same parcel that follows from this one, in another network.
    pub fn twin(&self) -> Option<String> {
        self.formats.first().and_then(forms::twin)
    }

    /// Everything under which the number may be kept already: its forms, its twin, and what it is in each other format whose
    /// check digit is right.
    pub fn keys(&self) -> Vec<String> {
        let mut keys = self.forms();
        let others = self.formats.iter().filter(|c| c.check != Check::Bad).map(|c| c.canonical.clone());
        for key in others.chain(self.twin()).chain([self.cleaned.clone()]) {
            if !key.is_empty() && !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
    }

    fn unusable(problem: NotANumber) -> Self {
        Self { problem: Some(problem), ..Self::kept(String::new()) }
    }

    fn kept(cleaned: String) -> Self {
        Self { cleaned, formats: Vec::new(), valid: false, problem: None, carrier: None }
    }

    fn of_clean(cleaned: String, hints: Hints<'_>, inside: Option<&[&str]>) -> Self {
        if cleaned.is_empty() {
            return Self::unusable(NotANumber::Empty);
        }
        if inside.is_none() {
            if let Some(Inside::Number(number, formats)) = envelopes::open_clean(&cleaned) {
                return Self { cleaned, ..Self::of_clean(number, hints, Some(formats)) };
            }
            if cleaned.chars().count() > NUMBER_MAX {
                return Self::unusable(NotANumber::TooLong);
            }
            if let Some(sign) = odd_sign(&cleaned) {
                return Self { problem: Some(NotANumber::Sign(sign)), ..Self::kept(cleaned) };
            }
            if let Some(plainly) = refusal::plainly(cleaned.as_bytes()) {
                return Self { problem: Some(plainly), ..Self::kept(cleaned) };
            }
        }
        let candidates = rank::candidates(&cleaned, hints, inside);
        Self::judged(cleaned, candidates, hints)
    }

    fn judged(cleaned: String, formats: Vec<Candidate>, hints: Hints<'_>) -> Self {
        let valid = rank::convincing(&formats, hints);
        let mut number = Self { valid, formats, ..Self::kept(cleaned) };
        number.problem = number.judgement();
        number
    }

    /// Remarks about the formats that were found.
    fn judgement(&self) -> Option<NotANumber> {
        let Some(first) = self.formats.first() else { return Some(NotANumber::UnknownForm) };
        match first.format.kind {
            Kind::Routing if self.valid => return Some(NotANumber::Routing),
            Kind::Vessel if self.valid => return Some(NotANumber::Vessel),
            _ if self.valid => return None,
            _ => {}
        }
        let wrong = self.formats.iter().filter(|c| c.class < 6).find_map(|c| Some((c, c.expected?)));
        Some(match wrong {
            Some((wrong, expected)) => NotANumber::CheckDigit {
                format: wrong.format.id.clone(),
                expected: char::from(expected),
                repaired: repaired(&self.cleaned),
            },
            None => NotANumber::UnknownForm,
        })
    }
}

/// Classes in which a prefix or an envelope says what a number is, and a wrong check digit does not hide it.
const PREFIXED: u8 = 2;

fn hints_of<'a>(hints: Hints<'a>, carrier: Option<&'a str>) -> Hints<'a> {
    Hints { carrier: hints.carrier.or(carrier), ..hints }
}

/// The number with the usual slips undone, where that makes it right: the letters O and I for the digits 0 and 1.
fn repaired(cleaned: &str) -> Option<String> {
    let zeros = cleaned.replace('O', "0");
    [zeros.replace('I', "1"), zeros].into_iter().find(|repaired| {
        let found = rank::candidates(repaired, Hints::default(), None);
        repaired != cleaned && found.first().is_some_and(|c| c.check == Check::Good && c.class <= PREFIXED)
    })
}
