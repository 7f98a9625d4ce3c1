//! Parts that platforms' requests and answers have in common.

use crate::{
    booking::{Lookup, Parcel, Quiet},
    outcome::{Complaint, RefusalCode},
};
use domain::money::Money;
use outbound::Response;
use serde_json::{Map, Value};

/// Without what is empty: many platforms refuse an empty text where they take none.
pub(crate) fn compact(value: Value) -> Value {
    let is_empty = |value: &Value| match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    };
    match value {
        Value::Object(fields) => {
            let kept = fields.into_iter().map(|(name, inner)| (name, compact(inner)));
            Value::Object(kept.filter(|(_, inner)| !is_empty(inner)).collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(compact).collect()),
        other => other,
    }
}

/// The items of a list; none where there is no list.
pub(crate) fn items<'a>(body: &'a Value, name: &str) -> &'a [Value] {
    body.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A text that is there and not blank.
pub(crate) fn text(body: &Value, name: &str) -> Option<String> {
    body.get(name)?.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// A text or a number as text.
pub(crate) fn code(body: &Value, name: &str) -> Option<String> {
    match body.get(name)? {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// An amount, which some write as a number and some as a text, with its currency.
pub(crate) fn money(body: &Value, amount: &str, currency: &str) -> Option<Money> {
    Money::read(&code(body, amount)?, &text(body, currency)?).ok()
}

/// Days, where they are a plausible number.
pub(crate) fn days(body: &Value, name: &str) -> Option<u16> {
    body.get(name)?.as_u64().and_then(|days| u16::try_from(days).ok())
}

/// Whether the status is one of success.
pub(crate) fn is_success(answer: &Response) -> bool {
    (200..300).contains(&answer.status)
}

/// Whether an answer that has nothing to say is the platform's own: a success without a body, or with one of JSON without a complaint. A
/// page of a proxy is neither.
pub(crate) fn is_done(answer: &Response, complaint: Option<&Complaint>) -> bool {
    let is_own = answer.body.iter().all(u8::is_ascii_whitespace) || answer.value().is_some();
    is_success(answer) && is_own && complaint.is_none()
}

/// Whether a field of an answer is this text, in any case.
pub(crate) fn is_text(body: &Value, name: &str, wanted: &str) -> bool {
    code(body, name).is_some_and(|is| is.eq_ignore_ascii_case(wanted.trim()))
}

/// What it means that a purchase is not to be found: this, once the quiet period is over.
pub(crate) fn absent(quiet: Quiet, in_the_end: Lookup) -> Lookup {
    match quiet {
        Quiet::Waiting => Lookup::NotYet,
        Quiet::Over => in_the_end,
    }
}

/// What a code in words is about: every platform names the part that it complains of.
pub(crate) fn about(code: &str) -> RefusalCode {
    let code = code.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| code.contains(word));
    match () {
        () if has(&["address", "postal", "zip_code", "recipient", "ship_to"]) => RefusalCode::Address,
        () if has(&["customs", "tariff", "hs_code"]) => RefusalCode::Customs,
        () if has(&["parcel", "weight", "dimension", "package"]) => RefusalCode::Parcel,
        () if has(&["fund", "balance", "payment", "billing"]) => RefusalCode::Funds,
        () if has(&["account", "permission", "auth"]) => RefusalCode::Account,
        () if has(&["rate"]) => RefusalCode::Rate,
        () => RefusalCode::Content,
    }
}

/// Ounces, with one decimal, never too light.
pub(crate) fn ounces(grams: u32) -> f64 {
    // an ounce is 28.349523125 g
    let tenths = (u64::from(grams) * 10_000_000_000).div_ceil(28_349_523_125);
    f64::from(u32::try_from(tenths).unwrap_or(u32::MAX)) / 10.0
}

/// The sides in inches, with one decimal, never too small.
pub(crate) fn inches(parcel: &Parcel) -> Option<[f64; 3]> {
    let tenths = |mm: u32| f64::from(u32::try_from((u64::from(mm) * 100).div_ceil(254)).unwrap_or(u32::MAX));
    parcel.size_mm.map(|sides| sides.map(|mm| tenths(mm) / 10.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_empty_is_left_out_and_what_is_false_or_zero_stays() {
        let value =
            json!({"a": null, "b": "", "c": {"d": " "}, "e": [], "f": false, "g": 0, "h": [{"i": null, "j": 1}]});
        assert_eq!(compact(value), json!({"f": false, "g": 0, "h": [{"j": 1}]}));
    }

    #[test]
    fn amounts_are_numbers_or_texts() {
        let body = json!({"rate": "7.58", "total": 7.58, "whole": 7, "currency": "usd", "none": null});
        for amount in ["rate", "total"] {
            assert_eq!(money(&body, amount, "currency").unwrap().to_string(), "7.58 USD");
        }
        assert_eq!(money(&body, "whole", "currency").unwrap().minor, 700);
        assert_eq!((money(&body, "none", "currency"), money(&body, "rate", "none")), (None, None));
    }

    #[test]
    fn a_parcel_is_never_converted_to_less_than_it_is() {
        for (grams, oz) in [(1, 0.1), (28, 1.0), (29, 1.1), (1000, 35.3), (453, 16.0), (454, 16.1)] {
            assert!((ounces(grams) - oz).abs() < 1e-9, "{grams} g are {} oz", ounces(grams));
        }
        let parcel = Parcel { weight_g: 1, size_mm: Some([254, 255, 1]) };
        assert_eq!(inches(&parcel), Some([10.0, 10.1, 0.1]));
    }

    #[test]
    fn a_code_names_what_it_is_about() {
        for (word, about_what) in [
            ("ADDRESS.VERIFY.FAILURE", RefusalCode::Address),
            ("invalid_postal_code", RefusalCode::Address),
            ("CUSTOMS_INFO.INVALID", RefusalCode::Customs),
            ("PARCEL.WEIGHT.INVALID", RefusalCode::Parcel),
            ("insufficient_funds", RefusalCode::Funds),
            ("carrier_account_disabled", RefusalCode::Account),
            ("teapot", RefusalCode::Content),
        ] {
            assert_eq!(about(word), about_what, "{word}");
        }
    }
}
