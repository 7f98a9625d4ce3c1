//! Which formats a cleaned text satisfies, the likeliest first, and whether that makes it a number.
//!
//! A carrier that the source names counts more than a prefix, a prefix more than a check digit, a check digit more than
//! a length.

use super::{
    formats::{self, Confidence, Format, Row},
    issuers,
};

/// What else is known when a number is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hints<'a> {
    /// The family of the carrier that the source names.
    pub carrier: Option<&'a str>,
    /// Where the shipper's account is: ISO 3166-1, two letters.
    pub country: Option<&'a str>,
}

/// The result of a check digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// It is right.
    Good,
    /// The format has none that is known.
    None,
    /// It is wrong.
    Bad,
}

/// A format that a text satisfies.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The row of the table.
    pub format: &'static Format,
    /// Whose number it is, in the table's words.
    pub carrier: &'static str,
    /// That carrier's family in the directory, if it is one.
    pub family: Option<&'static str>,
    /// The number as it is kept.
    pub canonical: String,
    /// The result of its check digit.
    pub check: Check,
    /// Class of evidence, see `Format::class`; 0 is a carrier that the source named.
    pub class: u8,
    /// The check digit that would be right, where it is wrong.
    pub(super) expected: Option<u8>,
    /// It belongs to the country of the account.
    home: bool,
    place: usize,
}

impl Candidate {
    /// The check digit that would be right, where it is wrong.
    pub fn expected(&self) -> Option<char> {
        self.expected.map(char::from)
    }

    /// The families of the carriers that hand it over, as far as the number shows: their systems know the same number.
    pub fn delivering(&self) -> Vec<&'static str> {
        let named = &self.format.delivered_by;
        if named.is_empty() {
            return self.family.into_iter().collect();
        }
        named.iter().filter_map(|carrier| formats::family(carrier)).collect()
    }
}

/// The class of a length alone.
const LENGTH: u8 = 5;
/// Classes that only say what a text could be, never that it is one.
const TOO_COMMON: u8 = 6;

/// The formats of a cleaned text, the likeliest first. Inside an envelope only what it can hold is considered.
pub(super) fn candidates(cleaned: &str, hints: Hints<'_>, inside: Option<&[&str]>) -> Vec<Candidate> {
    let number = cleaned.as_bytes();
    let mut found: Vec<Candidate> = Vec::new();
    for row in formats::of_length(number.len()) {
        let format = &row.format;
        let named = hints.carrier.is_some() && row.family == hints.carrier;
        let considered = match inside {
            Some(ids) => ids.contains(&format.id.as_str()),
            None => format.only_for.as_ref().is_none_or(|families| {
                hints.carrier.is_some_and(|carrier| families.iter().any(|family| family == carrier))
            }),
        };
        if considered && row.fits(number) {
            let mut candidate = candidate(row, cleaned, hints.country);
            if inside.is_some() {
                candidate.class = 1;
            } else if named {
                candidate.class = 0;
            }
            keep(&mut found, candidate, hints);
        }
    }
    found.sort_by_key(|c| (c.check == Check::Bad, c.class, !c.home, c.place));
    found
}

fn candidate(row: &'static Row, cleaned: &str, country: Option<&str>) -> Candidate {
    let format = &row.format;
    let expected = format.check_digit(cleaned.as_bytes());
    let check = match expected {
        None => Check::None,
        Some(_) if format.complete => Check::None,
        expected if expected == format.written_digit(cleaned.as_bytes()) => Check::Good,
        Some(_) => Check::Bad,
    };
    let (from, to) = format.number.map_or((0, cleaned.len()), |(from, to)| (from, to.unwrap_or(cleaned.len())));
    let kept = cleaned.get(from..to).unwrap_or(cleaned);
    let mut canonical = String::with_capacity(format.prefix.len() + kept.len() + 1);
    canonical.push_str(&format.prefix);
    canonical.push_str(kept);
    canonical.extend(expected.filter(|_| format.complete).map(char::from));
    Candidate {
        format,
        carrier: &format.carrier,
        family: row.family,
        canonical,
        check,
        class: format.class,
        expected: expected.filter(|_| check == Check::Bad),
        home: country.is_some_and(|country| format.countries.iter().any(|home| home == country)),
        place: row.place,
    }
}

/// Adds a candidate, one for each format: the one with the better evidence. S10 has one for the issuer as well.
fn keep(found: &mut Vec<Candidate>, new: Candidate, hints: Hints<'_>) {
    let evidence = |c: &Candidate| (c.check, c.class);
    if let Some(old) = found.iter_mut().find(|old| old.format.id == new.format.id) {
        if evidence(&new) < evidence(old) {
            *old = new;
        }
        return;
    }
    if new.format.id == issuers::FORMAT
        && let Some((carrier, family)) = issuers::issuer(&new.canonical)
    {
        let class = if hints.carrier.is_some() && family == hints.carrier { 0 } else { new.class };
        found.push(Candidate { carrier, family, class, ..new.clone() });
    }
    found.push(new);
}

/// Whether the candidates make the text a number: something is right, or fits, and no better evidence speaks against it.
pub(super) fn convincing(found: &[Candidate], hints: Hints<'_>) -> bool {
    if let Some(carrier) = hints.carrier {
        let mut own = found.iter().filter(|c| c.class <= 1 && c.family == Some(carrier)).peekable();
        if own.peek().is_some() {
            // the carrier is known: only a rule of its own refuses
            return own.any(|c| c.check != Check::Bad || c.format.confidence != Confidence::A || is_warning(c));
        }
    }
    let against = found.iter().filter(|c| c.check == Check::Bad && !is_warning(c)).map(|c| c.class).min();
    let unopposed = |c: &Candidate| against.is_none_or(|against| c.class <= against);
    found.iter().any(|c| match c.check {
        Check::Good => unopposed(c),
        Check::None => c.class < TOO_COMMON && unopposed(c),
        Check::Bad => is_warning(c) && unopposed(c),
    })
}

fn is_warning(candidate: &Candidate) -> bool {
    candidate.format.check.as_ref().is_some_and(|rule| rule.warn_only)
}

/// The candidate that stands alone or is two classes ahead of every other carrier's: no guess, and more than a length.
pub(super) fn certain(found: &[Candidate]) -> Option<&Candidate> {
    let first = found.first().filter(|c| c.check != Check::Bad)?;
    let rival = found[1..].iter().filter(|c| c.check != Check::Bad && c.carrier != first.carrier);
    let rival = rival.filter(|c| c.format.id != first.format.id && c.carrier != "gs1").map(|c| c.class).min();
    (first.class < LENGTH && rival.is_none_or(|rival| rival >= first.class + 2)).then_some(first)
}
