//! How 17TRACK writes requests and answers, pure. Source: help.17track.net (API v2.2). Every answer is a 200; what became of a number
//! stands under `accepted` or `rejected`.

use crate::{
    answers::{code, compact, is_success, items, text},
    outcome::{Complaint, Meaning, Outcome, Refusal, RefusalCode, failed},
    registering::{Registered, RegisteredNumber, TrackedNumber},
};
use outbound::{CallError, ErrorClass, Response};
use serde_json::{Value, json};

const LABEL: &str = "17TRACK";
/// Characters of a tag.
const TAG_CHARS_MAX: usize = 100;

/// Its complaint about a whole call: a code other than 0, or errors instead of numbers.
pub(super) fn complaint(body: &Value) -> Option<Complaint> {
    let data = body.get("data").unwrap_or(&Value::Null);
    let first = items(data, "errors").first();
    let own = code(body, "code").filter(|code| code != "0");
    let code = first.and_then(|error| code(error, "code")).or(own)?;
    let words = first.and_then(|error| text(error, "message")).or_else(|| text(body, "message")).unwrap_or_default();
    let means = match code.as_str() {
        "-18010011" | "-18010012" | "-18010013" | "-18010014" => Some(Meaning::Refused(RefusalCode::Content)),
        "-18019908" => Some(Meaning::Refused(RefusalCode::Quota)),
        _ => None,
    };
    Some(Complaint { code: Some(code), words, means })
}

/// The key, or the address that it is used from, is not accepted.
fn is_of_key(complaint: &Complaint) -> bool {
    matches!(complaint.code.as_deref(), Some("-18010001" | "-18010002" | "-18010004"))
}

/// The body that registers numbers.
pub(super) fn registration(numbers: &[TrackedNumber]) -> Value {
    let one = |of: &TrackedNumber| {
        let tag = of.reference.as_ref().map(|text| text.chars().take(TAG_CHARS_MAX).collect::<String>());
        compact(json!({"number": of.number, "carrier": carrier(of.carrier.as_deref()), "tag": tag}))
    };
    Value::Array(numbers.iter().map(one).collect())
}

/// The body that names registered numbers.
pub(super) fn named(numbers: &[RegisteredNumber]) -> Value {
    let one = |of: &RegisteredNumber| compact(json!({"number": of.number, "carrier": carrier(of.carrier.as_deref())}));
    Value::Array(numbers.iter().map(one).collect())
}

/// Carriers are numbers there.
fn carrier(word: Option<&str>) -> Option<u64> {
    word?.trim().parse().ok()
}

/// What became of each of these numbers. `settled` says what a code of a rejected one means beside a refusal.
fn each<T: Clone>(
    answer: &Response,
    numbers: &[(&str, Option<&str>)],
    accepted: impl Fn(&Value) -> T,
    settled: impl Fn(&str) -> Option<T>,
) -> Vec<Outcome<T>> {
    let body = answer.value();
    let complaint = body.as_ref().and_then(complaint);
    let data = body.as_ref().filter(|_| is_success(answer) && complaint.is_none()).and_then(|body| body.get("data"));
    let whole = || match &complaint {
        Some(complaint) if is_of_key(complaint) => {
            let text = format!("17TRACK does not accept the key ({})", complaint.code.as_deref().unwrap_or_default());
            Outcome::Unauthorised(CallError::new(ErrorClass::Unauthorized, text).saying(&complaint.words).of(answer))
        }
        _ if is_success(answer) && complaint.is_none() => Outcome::unreadable(LABEL, answer),
        _ => failed(LABEL, answer, complaint.clone()),
    };
    let outcome = |(number, carrier): &(&str, Option<&str>)| {
        let Some(data) = data else { return whole() };
        let fits = |item: &&Value| {
            let same = text(item, "number").is_some_and(|is| is.eq_ignore_ascii_case(number));
            let of_carrier = carrier.is_none() || code(item, "carrier").is_none_or(|is| Some(is.as_str()) == *carrier);
            same && of_carrier
        };
        if let Some(item) = items(data, "accepted").iter().find(fits) {
            return Outcome::Done(accepted(item));
        }
        let Some(item) = items(data, "rejected").iter().find(fits) else { return Outcome::unreadable(LABEL, answer) };
        rejected(item.get("error").unwrap_or(&Value::Null), answer, &settled)
    };
    numbers.iter().map(outcome).collect()
}

fn rejected<T>(error: &Value, answer: &Response, settled: &impl Fn(&str) -> Option<T>) -> Outcome<T> {
    let code = code(error, "code").unwrap_or_default();
    if let Some(done) = settled(&code) {
        return Outcome::Done(done);
    }
    let why = match code.as_str() {
        "-18019903" | "-18019910" => RefusalCode::Carrier,
        "-18019908" => RefusalCode::Quota,
        "-18019905" => RefusalCode::State,
        "-18010012" | "-18010013" => RefusalCode::Number,
        // its own failure: to be sent again
        "-18010003" | "" => return Outcome::unreadable(LABEL, answer),
        _ => RefusalCode::Content,
    };
    let words = text(error, "message").unwrap_or_default();
    Refusal::new(why, format!("17TRACK rejects the number ({code})")).saying(&words).into()
}

/// What registering says of each number.
pub(super) fn registered(answer: &Response, numbers: &[TrackedNumber]) -> Vec<Outcome<Registered>> {
    let of = |item: &Value, known| Registered { id: None, carrier: code(item, "carrier"), known };
    let asked: Vec<_> = numbers.iter().map(|of| (of.number.as_str(), of.carrier.as_deref())).collect();
    let known = |code: &str| (code == "-18019901").then(|| of(&Value::Null, true));
    each(answer, &asked, |item| of(item, false), known)
}

/// What starting again says of each number. It does so once for each: one that it refuses for that (-18019905) is for a person, since
/// deleting and registering it again is charged. One that was never stopped (-18019904) is tracked.
pub(super) fn restarted(answer: &Response, numbers: &[TrackedNumber]) -> Vec<Outcome<Registered>> {
    let of = |item: &Value| Registered { id: None, carrier: code(item, "carrier"), known: true };
    let asked: Vec<_> = numbers.iter().map(|of| (of.number.as_str(), of.carrier.as_deref())).collect();
    each(answer, &asked, of, |code| (code == "-18019904").then(|| of(&Value::Null)))
}

/// What stopping says of each number: one that is not registered is stopped, and so is one that is stopped already.
pub(super) fn stopped(answer: &Response, numbers: &[RegisteredNumber]) -> Vec<Outcome<()>> {
    each(answer, &asked(numbers), |_| (), |code| matches!(code, "-18019902" | "-18019906").then_some(()))
}

/// What is known of each number.
pub(super) fn snapshots(answer: &Response, numbers: &[RegisteredNumber]) -> Vec<Outcome<Value>> {
    each(answer, &asked(numbers), Value::clone, |_| None)
}

fn asked(numbers: &[RegisteredNumber]) -> Vec<(&str, Option<&str>)> {
    numbers.iter().map(|of| (of.number.as_str(), of.carrier.as_deref())).collect()
}

#[cfg(test)]
mod tests;
