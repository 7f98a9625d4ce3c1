//! How AfterShip writes trackings, pure. Source: aftership.com/docs/tracking (version 2026-07).

use crate::{
    answers::{code, compact, is_done, is_success, is_text, items, text},
    outcome::{Complaint, Meaning, Outcome, RefusalCode, failed},
    registering::{Registered, TrackedNumber},
};
use outbound::Response;
use serde_json::{Value, json};

const LABEL: &str = "AfterShip";
/// The number is registered already.
const EXISTS: &str = "4003";
/// There is no such tracking.
const MISSING: &str = "4004";

/// Its complaint: `meta`.
pub(super) fn complaint(body: &Value) -> Option<Complaint> {
    let meta = body.get("meta").filter(|meta| meta.is_object())?;
    let code = code(meta, "code").filter(|code| !matches!(code.as_str(), "200" | "201"))?;
    let means = match code.as_str() {
        "4001" | "4002" | "4005" => Some(Meaning::Refused(RefusalCode::Number)),
        "4010" | "4012" => Some(Meaning::Refused(RefusalCode::Carrier)),
        "4011" => Some(Meaning::Refused(RefusalCode::Content)),
        "429" => Some(Meaning::NotSent),
        _ => None,
    };
    Some(Complaint { words: text(meta, "message").unwrap_or_default(), means, code: Some(code) })
}

/// The body that registers a number.
pub(super) fn tracking(of: &TrackedNumber) -> Value {
    compact(json!({
        "tracking_number": of.number, "slug": of.carrier, "order_id": of.reference,
        "destination_postal_code": of.postal_code, "tracking_ship_date": of.shipped_on.map(|day| day.to_string()),
        "destination_country_region": of.country,
    }))
}

/// What registering says.
pub(super) enum Answered {
    /// It is registered under this id.
    New(Registered),
    /// It was registered before; its id is to be looked up.
    Exists,
    /// Something else.
    Other(Outcome<Registered>),
}

/// Reads the answer to a registration of this number.
pub(super) fn registered(answer: &Response, number: &str) -> Answered {
    let body = answer.value();
    let data = body.as_ref().filter(|_| is_success(answer)).and_then(|body| body.get("data"));
    let own = data.filter(|data| is_text(data, "tracking_number", number));
    if let Some(one) = own.and_then(|data| read(data, false)) {
        return Answered::New(one);
    }
    match body.as_ref().and_then(complaint) {
        Some(complaint) if complaint.code.as_deref() == Some(EXISTS) => Answered::Exists,
        None if is_success(answer) => Answered::Other(Outcome::unreadable(LABEL, answer)),
        complaint => Answered::Other(failed(LABEL, answer, complaint)),
    }
}

fn read(tracking: &Value, known: bool) -> Option<Registered> {
    Some(Registered { id: Some(text(tracking, "id")?), carrier: text(tracking, "slug"), known })
}

/// The tracking of exactly this number in a list.
pub(super) fn tracking_of<'a>(body: &'a Value, number: &str, slug: Option<&str>) -> Option<&'a Value> {
    let fits = |tracking: &&Value| {
        let same = |name: &str, wanted: &str| text(tracking, name).is_some_and(|is| is.eq_ignore_ascii_case(wanted));
        same("tracking_number", number) && slug.is_none_or(|slug| same("slug", slug))
    };
    items(body.get("data")?, "trackings").iter().find(fits)
}

/// The one that is registered already.
pub(super) fn known(tracking: &Value) -> Option<Registered> {
    read(tracking, true)
}

/// What removing a tracking answers.
pub(super) fn stopped(answer: &Response) -> Outcome<()> {
    let complaint = answer.value().as_ref().and_then(complaint);
    match &complaint {
        of if is_done(answer, of.as_ref()) => Outcome::Done(()),
        Some(Complaint { code: Some(code), .. }) if code == MISSING || code == "404" => Outcome::Done(()),
        None if is_success(answer) => Outcome::unreadable(LABEL, answer),
        _ => failed(LABEL, answer, complaint),
    }
}

#[cfg(test)]
mod tests;
