//! How TrackingMore writes trackings, pure. Source: TrackingMore's API v4 pages and status codes; codes of version 4 are not all
//! published, so a duplicate is known by its words too.

use crate::{
    answers::{code, compact, is_done, is_success, items, text},
    outcome::{Complaint, Meaning, Outcome, Refusal, RefusalCode, failed},
    registering::{Registered, TrackedNumber},
};
use outbound::Response;
use serde_json::{Value, json};

const LABEL: &str = "TrackingMore";

/// Its complaint: `meta`.
pub(super) fn complaint(body: &Value) -> Option<Complaint> {
    let meta = body.get("meta").filter(|meta| meta.is_object())?;
    let code = code(meta, "code").filter(|code| !matches!(code.as_str(), "200" | "201"))?;
    let words = text(meta, "message").unwrap_or_default();
    let means = meaning(&code, &words);
    Some(Complaint { code: Some(code), words, means })
}

fn meaning(code: &str, words: &str) -> Option<Meaning> {
    let has = |part: &str| words.to_ascii_lowercase().contains(part);
    Some(match code {
        "429" => Meaning::NotSent,
        "4021" | "4190" => Meaning::Refused(RefusalCode::Quota),
        _ if has("quota") || has("balance") => Meaning::Refused(RefusalCode::Quota),
        "4012" | "4015" | "4032" => Meaning::Refused(RefusalCode::Carrier),
        "4013" | "4014" => Meaning::Refused(RefusalCode::Number),
        _ => return None,
    })
}

fn is_duplicate(code: &str, words: &str) -> bool {
    matches!(code, "4016" | "4101") || words.to_ascii_lowercase().contains("already exist")
}

/// The body that registers numbers.
pub(super) fn registration(numbers: &[TrackedNumber]) -> Value {
    let one = |of: &TrackedNumber| {
        compact(json!({
            "tracking_number": of.number, "courier_code": of.carrier, "order_number": of.reference,
            "tracking_postal_code": of.postal_code, "tracking_ship_date": of.shipped_on.map(|day| day.to_string()),
            "tracking_destination_country": of.country,
        }))
    };
    Value::Array(numbers.iter().map(one).collect())
}

fn is_of(item: &Value, number: &str, carrier: Option<&str>) -> bool {
    let same = |name: &str, wanted: &str| text(item, name).is_none_or(|is| is.eq_ignore_ascii_case(wanted));
    text(item, "tracking_number").is_some_and(|is| is.eq_ignore_ascii_case(number))
        && carrier.is_none_or(|carrier| same("courier_code", carrier))
}

/// What registering says of each number.
pub(super) fn registered(answer: &Response, numbers: &[TrackedNumber]) -> Vec<Outcome<Registered>> {
    let body = answer.value();
    let data = body
        .as_ref()
        .and_then(|body| body.get("data"))
        .filter(|data| data.get("success").or(data.get("error")).is_some());
    let outcome = |of: &TrackedNumber| {
        let Some(data) = data.filter(|_| is_success(answer)) else {
            let complaint = body.as_ref().and_then(complaint);
            return if is_success(answer) && complaint.is_none() {
                Outcome::unreadable(LABEL, answer)
            } else {
                failed(LABEL, answer, complaint)
            };
        };
        let fits = |item: &&Value| is_of(item, &of.number, of.carrier.as_deref());
        if let Some(item) = items(data, "success").iter().find(fits) {
            let carrier = text(item, "courier_code").or_else(|| of.carrier.clone());
            return Outcome::Done(Registered { id: code(item, "id"), carrier, known: false });
        }
        match items(data, "error").iter().find(fits) {
            Some(item) => rejected(item, of),
            None => Outcome::unreadable(LABEL, answer),
        }
    };
    numbers.iter().map(outcome).collect()
}

fn rejected(item: &Value, of: &TrackedNumber) -> Outcome<Registered> {
    let code = code(item, "errorCode").unwrap_or_default();
    let words = text(item, "errorMessage").unwrap_or_default();
    if is_duplicate(&code, &words) {
        return Outcome::Done(Registered { id: code_of_id(item), carrier: of.carrier.clone(), known: true });
    }
    let why = match meaning(&code, &words) {
        Some(Meaning::Refused(why)) => why,
        _ => RefusalCode::Content,
    };
    Refusal::new(why, format!("TrackingMore refuses the number ({code})")).saying(&words).into()
}

fn code_of_id(item: &Value) -> Option<String> {
    code(item, "id")
}

/// The tracking of exactly this number in an answer.
pub(super) fn tracking_of(body: &Value, number: &str, carrier: Option<&str>) -> Option<Value> {
    items(body, "data").iter().find(|item| is_of(item, number, carrier)).cloned()
}

/// What starting a tracking again answers.
pub(super) fn restarted(answer: &Response, id: &str, of: &TrackedNumber) -> Outcome<Registered> {
    let body = answer.value();
    let complaint = body.as_ref().and_then(complaint);
    let is_own = body.as_ref().and_then(|body| code(body.get("meta")?, "code")).is_some();
    match (&complaint, is_own) {
        (None, true) if is_success(answer) => {
            Outcome::Done(Registered { id: Some(id.to_owned()), carrier: of.carrier.clone(), known: true })
        }
        (None, false) if is_success(answer) => Outcome::unreadable(LABEL, answer),
        _ => failed(LABEL, answer, complaint),
    }
}

/// What removing a tracking answers.
pub(super) fn stopped(answer: &Response) -> Outcome<()> {
    let complaint = answer.value().as_ref().and_then(complaint);
    let missing = |complaint: &Complaint| {
        matches!(complaint.code.as_deref(), Some("4017" | "4102" | "404"))
            || complaint.words.to_ascii_lowercase().contains("not exist")
    };
    match &complaint {
        None if is_done(answer, None) => Outcome::Done(()),
        Some(complaint) if missing(complaint) => Outcome::Done(()),
        None if is_success(answer) => Outcome::unreadable(LABEL, answer),
        _ => failed(LABEL, answer, complaint),
    }
}

#[cfg(test)]
mod tests;
