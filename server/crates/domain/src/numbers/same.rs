//! When two sources mean one number. Each text is read as the carrier would read it that is named with it; one with which
//! none is named, as the carrier of the other would.

use super::{Candidate, Check, Hints, NotANumber, Number, clean::odd_sign, formats::Kind, forms};
use std::borrow::Cow;

/// Characters of the shortest number whose prefix and check digit leave no doubt.
const UNMISTAKABLE_CHARS: usize = 13;

/// A number as a source writes it.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    /// The text.
    pub text: &'a str,
    /// The family of the carrier that the source names.
    pub carrier: Option<&'a str>,
}

/// A text as a number is compared and kept by a source that knows its carrier; see [`super::normalise`].
///
/// # Errors
/// As there.
pub fn normalise_of(text: &str, carrier: Option<&str>) -> Result<String, NotANumber> {
    let number = Number::read_with(text, Hints { carrier, country: None });
    match number.problem {
        Some(problem) if problem.is_unusable() => Err(problem),
        _ => {
            let key = number.into_tracked();
            odd_sign(&key).map_or(Ok(key), |sign| Err(NotANumber::Sign(sign)))
        }
    }
}

/// Whether two texts are one number of one parcel: what only may be the same is not.
pub fn same(one: Written<'_>, other: Written<'_>) -> bool {
    let (first, second) = match (one.carrier, other.carrier) {
        (Some(a), Some(b)) => (a, b),
        (None, None) => return normalise_of(one.text, None).is_ok_and(|key| normalise_of(other.text, None) == Ok(key)),
        (a, b) => {
            let carrier = a.or(b);
            return normalise_of(one.text, carrier).is_ok_and(|key| normalise_of(other.text, carrier) == Ok(key));
        }
    };
    normalise_of(one.text, Some(first)).is_ok_and(|key| {
        normalise_of(other.text, Some(second)).as_ref() == Ok(&key) && network(&key, first) == network(&key, second)
    })
}

/// The carrier as which another one counts under a number: that of its form, where the other hands such parcels over, or
/// where the form leaves no doubt which parcel it is, any carrier named; else the other itself.
pub fn network<'a>(number: &str, carrier: &'a str) -> Cow<'a, str> {
    let read = Number::read(number);
    let found = read.formats.iter().find(|c| read.valid && c.check != Check::Bad && is_known_to(c, carrier));
    found.map_or(Cow::Borrowed(carrier), |c| Cow::Borrowed(c.family.unwrap_or(c.format.id.as_str())))
}

/// Whether a carrier's systems know a number of this form, as one of one parcel.
fn is_known_to(candidate: &Candidate, carrier: &str) -> bool {
    let format = candidate.format;
    let unmistakable = format.own
        || candidate.check == Check::Good
            && candidate.class <= super::PREFIXED
            && candidate.canonical.len() >= UNMISTAKABLE_CHARS;
    let delivering = candidate.delivering();
    // by the local post
    let by_others = delivering.len() < format.delivered_by.len();
    format.kind == Kind::Shipment
        && (unmistakable || by_others || candidate.family == Some(carrier) || delivering.contains(&carrier))
}

/// Everything under which a number may be kept that is the same: by a source that names the same carrier, another one that knows
/// the number, or none. Nearly always one.
pub fn kept_under(text: &str, carrier: Option<&str>) -> Vec<String> {
    let number = Number::read_with(text, Hints { carrier, country: None });
    let mut keys = Vec::new();
    let mut add = |key: String| {
        if !key.is_empty() && !keys.contains(&key) {
            keys.push(key);
        }
    };
    add(number.tracked());
    let forms = number.formats.iter().take(1).flat_map(forms::written).chain([text.to_owned(), number.cleaned.clone()]);
    forms.filter_map(|form| super::normalise(&form).ok()).for_each(&mut add);
    // a carrier that is named elsewhere may read the text otherwise
    let readings = number.formats.iter().filter(|c| carrier.is_none() || c.class == 0);
    readings.filter(|c| c.check != Check::Bad).map(|c| c.canonical.clone()).for_each(&mut add);
    add(number.cleaned);
    keys
}

/// Every form under which a number may be kept that a person would take for the same, for any carrier.
pub fn resembling(text: &str, carrier: Option<&str>) -> Vec<String> {
    let mut keys = kept_under(text, carrier);
    let read = [carrier, None].map(|carrier| Number::read_with(text, Hints { carrier, country: None }));
    let written =
        read.iter().flat_map(|number| &number.formats).filter(|c| c.check != Check::Bad).flat_map(forms::written);
    for key in kept_under(text, None).into_iter().chain(written.map(|form| super::clean(&form))) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}
