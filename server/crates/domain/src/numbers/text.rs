//! Numbers inside other text: `UPS 1Z…`, `Tracking no.: …`, a carrier's link, and fields that hold several.

use super::{
    clean::clean,
    rank::{self, Candidate, Check, Hints},
};
use crate::carriers;
use std::ops::Range;

/// Words of a text that are looked at.
const WORDS_MAX: usize = 24;
/// Characters of what is put together of several words: no bare number is longer.
const JOINED_MAX: usize = 40;
/// Numbers of one field.
const NUMBERS_MAX: usize = 32;
/// Characters that a number has which stands beside another with a blank between them.
const APART_MIN: usize = 10;
/// With a right check digit, or a prefix that only one carrier has, this class is a number wherever it stands.
const DISTINCT: u8 = 3;
/// What has this class or a better one is a number where it stands alone between separators.
const LIKELY: u8 = 4;

/// Words before a number.
const LABELS: &str = "tracking track trace trackingnumber trackingno trackingid tracknum trknbr number num no nr ref id code awb \
    mawb hawb waybill pro sscc imo container barcode label parcel parcels package shipment consignment via by \
    with paket paketnummer sendung sendungsnummer sendungsnr colis suivi envio seguimiento spedizione zending numero";

/// What separates words.
fn between(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            ',' | ';'
                | '|'
                | ':'
                | '#'
                | '='
                | '?'
                | '&'
                | '/'
                | '+'
                | '"'
                | '\''
                | '<'
                | '>'
                | '['
                | ']'
                | '{'
                | '}'
                | '*'
                | '!'
        )
}

/// What separates numbers in a field that holds several.
fn listed(c: char) -> bool {
    matches!(c, ',' | ';' | '|' | '/' | '+' | '\n' | '\r' | '\t')
}

/// The numbers of a field that holds several, each as it is written there; nothing when it is not surely a list.
pub(super) fn several(text: &str) -> Option<Vec<&str>> {
    let by_signs: Vec<_> =
        text.split(listed).map(str::trim).filter(|part| !part.is_empty()).take(NUMBERS_MAX).collect();
    if by_signs.len() > 1 {
        return by_signs.iter().all(|part| stands_alone(part)).then_some(by_signs);
    }
    let by_blanks: Vec<_> = text.split_whitespace().take(NUMBERS_MAX).collect();
    let apart = |part: &&str| part.chars().count() >= APART_MIN && stands_alone(part);
    (by_blanks.len() > 1 && by_blanks.iter().all(apart)).then_some(by_blanks)
}

fn stands_alone(part: &str) -> bool {
    let found = rank::candidates(&clean(part), Hints::default(), None);
    rank::convincing(&found, Hints::default()) && found.first().is_some_and(|c| c.class <= LIKELY)
}

/// A number that a text holds: its clean text, its formats, and the carrier that the text names.
pub(super) struct Found {
    pub(super) cleaned: String,
    pub(super) candidates: Vec<Candidate>,
    pub(super) carrier: Option<&'static str>,
}

/// The family of the carrier whose name is the first of several words.
pub(super) fn begins_with_carrier(text: &str) -> Option<&'static str> {
    text.split_once(between).and_then(|(first, _)| carrier_named(first))
}

/// What a text holds.
pub(super) enum Search {
    One(Found),
    /// Several numbers that differ.
    Several(Vec<String>),
    Nothing,
}

/// Looks through a text.
pub(super) fn number_in(text: &str, hints: Hints<'_>) -> Search {
    let words = text.split(between).flat_map(apart).filter(|word| !word.is_empty());
    let words: Vec<&str> = words.take(WORDS_MAX + 1).collect();
    if words.is_empty() || words.len() > WORDS_MAX || words == [text] {
        return Search::Nothing;
    }
    let carrier = words.iter().find_map(|word| carrier_named(word));
    let mut hits = distinct(&words, hints);
    // one with a right check digit goes first, then the longest
    hits.sort_by_key(|hit| (hit.candidates[0].check, std::cmp::Reverse(hit.cleaned.len())));
    let number = |hit: &Hit| hit.candidates[0].canonical.clone();
    if let Some(best) = hits.first() {
        let apart = hits.iter().filter(|hit| hit.at.end <= best.at.start || best.at.end <= hit.at.start);
        let mut numbers: Vec<String> = std::iter::once(best).chain(apart).map(number).collect();
        numbers.dedup();
        if numbers.len() > 1 {
            return Search::Several(numbers);
        }
    }
    match hits.into_iter().next() {
        Some(Hit { cleaned, candidates, .. }) => Search::One(Found { cleaned, candidates, carrier }),
        None => named(&words, text, hints, carrier).map_or(Search::Nothing, Search::One),
    }
}

/// Words that together are a number.
struct Hit {
    at: Range<usize>,
    cleaned: String,
    candidates: Vec<Candidate>,
}

/// A word, and the carrier's name in front of it: `UPS-1Z…`.
fn apart(word: &str) -> [&str; 2] {
    match word.split_once(['-', '_']) {
        Some((head, rest)) if head.bytes().all(|b| b.is_ascii_alphabetic()) && carrier_named(head).is_some() => {
            [head, rest]
        }
        _ => ["", word],
    }
}

/// Numbers with a form that only numbers have, anywhere in the text.
fn distinct(words: &[&str], hints: Hints<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for start in 0..words.len() {
        let mut cleaned = String::new();
        for (end, word) in words.iter().enumerate().skip(start) {
            cleaned.push_str(&clean(word));
            if cleaned.len() > JOINED_MAX {
                break;
            }
            let candidates = rank::candidates(&cleaned, hints, None);
            let sure = |c: &Candidate| {
                c.class <= DISTINCT && (c.check == Check::Good || c.format.own && c.check != Check::Bad)
            };
            if candidates.first().is_some_and(sure) {
                hits.push(Hit { at: start..end + 1, cleaned: cleaned.clone(), candidates });
            }
        }
    }
    hits
}

/// The rest of a text whose other words are a carrier's name or say that a number follows; or a value in a carrier's link.
fn named(words: &[&str], text: &str, hints: Hints<'_>, carrier: Option<&'static str>) -> Option<Found> {
    let read = |part: &[&str]| {
        let cleaned = clean(&part.concat());
        let hints = Hints { carrier: carrier.or(hints.carrier), ..hints };
        let candidates = rank::candidates(&cleaned, hints, None);
        let likely = candidates.first().is_some_and(|c| c.class <= LIKELY);
        (likely && rank::convincing(&candidates, hints)).then_some(Found { cleaned, candidates, carrier })
    };
    if text.contains("://") {
        let value = words.iter().rev().find(|word| word.len() >= 8 && word.bytes().any(|b| b.is_ascii_digit()))?;
        return carrier.and_then(|_| read(&[value]));
    }
    let first = words.iter().position(|word| !is_known(word))?;
    let last = words.iter().rposition(|word| !is_known(word))?;
    let beside = first > 0 || last + 1 < words.len() || words.len() == 1;
    if beside { read(&words[first..=last]) } else { None }
}

fn is_known(word: &str) -> bool {
    carrier_named(word).is_some() || is_label(word)
}

fn is_label(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    LABELS.split(' ').any(|label| label.eq_ignore_ascii_case(word)) || word.is_empty()
}

/// The family of a carrier that a word, or a part of a link's host, names.
fn carrier_named(word: &str) -> Option<&'static str> {
    let name = |word: &str| {
        let letters = word.bytes().any(|b| b.is_ascii_alphabetic());
        letters.then(|| carriers::known("", word)).flatten().map(|entry| entry.family.as_str())
    };
    name(word).or_else(|| word.split(['.', '-', '_']).filter(|part| part.len() >= 3).find_map(name))
}
