//! How EasyPost writes shipments and answers, pure. Source: docs.easypost.com (Shipments, Shipping Refund, Trackers, Errors); error
//! codes as its client libraries list them.

use crate::{
    answers::{about, absent, compact, days, inches, is_done, is_success, is_text, items, money, ounces, text},
    booking::{
        Address, Booked, BookingRef, CarrierMessage, Contents, Customs, LabelFormat, Lookup, Mode, Quiet, Rate,
        RateRequest, Rated, Undeliverable, VoidState,
    },
    outcome::{Complaint, Meaning, Outcome, Refusal, RefusalCode, failed},
    registering::Registered,
};
use outbound::Response;
use serde_json::{Value, json};

const LABEL: &str = "EasyPost";

/// Its complaint.
pub(super) fn complaint(body: &Value) -> Option<Complaint> {
    let error = body.get("error").filter(|error| error.is_object())?;
    let code = text(error, "code");
    let words = text(error, "message").unwrap_or_default();
    let means = code.as_deref().and_then(|code| meaning(code, &words));
    Some(Complaint { code, words, means })
}

fn meaning(code: &str, words: &str) -> Option<Meaning> {
    Some(match code {
        "RATE_LIMITED" => Meaning::NotSent,
        // bought, being bought, or the carrier may have it
        "SHIPMENT.POSTAGE.EXISTS"
        | "SHIPMENT.PURCHASE.IN_PROGRESS"
        | "SHIPMENT.POSTAGE.TIMED_OUT"
        | "SHIPMENT.POSTAGE.NO_RESPONSE" => Meaning::Unknown,
        _ if words.contains("currently in-flight") => Meaning::Unknown,
        "SHIPMENT.POSTAGE.FAILURE" => Meaning::Refused(RefusalCode::Content),
        "SHIPMENT.MISSING_RATE" => Meaning::Refused(RefusalCode::Rate),
        _ if code.starts_with("SHIPMENT.RATE.") || code.starts_with("RATE.") => Meaning::Refused(RefusalCode::Rate),
        _ if code.starts_with("SHIPMENT.REFUND.") => Meaning::Refused(RefusalCode::State),
        _ => match about(code) {
            // its own failures have codes too: only what it complains of is certain
            RefusalCode::Content | RefusalCode::Account | RefusalCode::Rate => return None,
            of => Meaning::Refused(of),
        },
    })
}

/// The body that creates a shipment.
pub(super) fn shipment(request: &RateRequest, accounts: &[String]) -> Value {
    let sides = inches(&request.parcel);
    let side = |n: usize| sides.map(|sides| sides[n]);
    let printed = |n: usize| request.references.get(n);
    compact(json!({"shipment": {
        "to_address": address(&request.to),
        "from_address": address(&request.from),
        "parcel": {"weight": ounces(request.parcel.weight_g), "length": side(0), "width": side(1), "height": side(2)},
        "customs_info": request.customs.as_ref().map(customs),
        "options": {
            "label_format": format_word(request.format),
            "print_custom_1": printed(0),
            "print_custom_2": printed(1),
            "delivery_confirmation": request.signature.then_some("SIGNATURE"),
            "label_date": request.ship_on.map(|day| format!("{day}T12:00:00Z")),
            "incoterm": request.customs.as_ref().and_then(|customs| customs.incoterm.as_ref()),
        },
        "reference": request.key.as_str(),
        "carrier_accounts": accounts,
    }}))
}

const fn format_word(format: LabelFormat) -> &'static str {
    match format {
        LabelFormat::Pdf => "PDF",
        LabelFormat::Png => "PNG",
        LabelFormat::Zpl => "ZPL",
    }
}

fn address(of: &Address) -> Value {
    json!({
        "name": of.name, "company": of.company, "street1": of.street1, "street2": of.street2, "city": of.city,
        "state": of.state, "zip": of.postal_code, "country": of.country, "phone": of.phone, "email": of.email,
        "residential": of.residential,
    })
}

fn customs(of: &Customs) -> Value {
    let lines = of.items.iter().map(|item| {
        let value = item.value();
        json!({
            "description": item.description, "quantity": item.quantity, "weight": ounces(item.net_weight_g),
            "value": value.amount(), "currency": item.unit_value.currency.code(), "hs_tariff_number": item.hs_code,
            "origin_country": item.origin, "code": item.sku,
        })
    });
    let contents = match of.contents {
        Contents::Merchandise => "merchandise",
        Contents::Gift => "gift",
        Contents::Documents => "documents",
        Contents::ReturnedGoods => "returned_goods",
        Contents::Sample => "sample",
    };
    json!({
        "contents_type": contents, "customs_certify": true,
        "customs_signer": of.signer, "restriction_type": "none", "invoice_number": of.invoice,
        "non_delivery_option": match of.undeliverable { Undeliverable::Return => "return", Undeliverable::Abandon => "abandon" },
        "customs_items": lines.collect::<Vec<_>>(),
    })
}

fn mode_of(body: &Value) -> Option<Mode> {
    match body.get("mode")?.as_str()? {
        "production" => Some(Mode::Live),
        "test" => Some(Mode::Test),
        _ => None,
    }
}

/// What creating a shipment answers.
pub(super) fn rated(answer: &Response, mode: Mode) -> Outcome<Rated> {
    let body = answer.value();
    let good = body.as_ref().filter(|_| is_success(answer)).and_then(|body| Some((body, text(body, "id")?)));
    let Some((body, shipment)) = good else {
        let complaint = body.as_ref().and_then(complaint);
        return if is_success(answer) && complaint.is_none() {
            Outcome::unreadable(LABEL, answer)
        } else {
            failed(LABEL, answer, complaint)
        };
    };
    if mode_of(body).is_some_and(|of_answer| of_answer != mode) {
        let text = format!("a {} booking, but the key of EasyPost is for other ones", mode.label());
        return Refusal::new(RefusalCode::Mode, text).into();
    }
    let rates = items(body, "rates").iter().filter_map(|rate| {
        Some(Rate {
            id: text(rate, "id")?,
            carrier: text(rate, "carrier")?,
            account: text(rate, "carrier_account_id"),
            service: text(rate, "service")?,
            price: money(rate, "rate", "currency")?,
            days: days(rate, "delivery_days"),
        })
    });
    let messages = items(body, "messages").iter().map(|message| CarrierMessage {
        carrier: text(message, "carrier"),
        code: text(message, "type"),
        said: text(message, "message").unwrap_or_default().into(),
    });
    Outcome::Done(Rated { shipment, rates: rates.collect(), messages: messages.collect() })
}

/// The purchase in a shipment; none where nothing is bought, or its number is not there yet.
fn purchase(body: &Value) -> Option<Booked> {
    let shipment = text(body, "id")?;
    let rate = body.get("selected_rate").unwrap_or(&Value::Null);
    Some(Booked {
        booking: BookingRef { label: shipment.clone(), shipment },
        tracking_number: text(body, "tracking_code")?,
        carrier: text(rate, "carrier"),
        service: text(rate, "service"),
        charged: money(rate, "rate", "currency"),
        tracker: body.get("tracker").and_then(|tracker| text(tracker, "id")),
    })
}

/// What a purchase answers.
pub(super) fn booked(answer: &Response, shipment: &str) -> Outcome<Booked> {
    let body = answer.value();
    let bought = body.as_ref().filter(|_| is_success(answer)).and_then(purchase);
    match bought {
        Some(booked) if booked.booking.shipment == shipment => Outcome::Done(booked),
        _ if is_success(answer) => Outcome::unreadable(LABEL, answer),
        _ => failed(LABEL, answer, body.as_ref().and_then(complaint)),
    }
}

/// What the shipment says of a purchase.
pub(super) fn found(body: &Value, quiet: Quiet) -> Lookup {
    let has_label = body.get("postage_label").is_some_and(Value::is_object);
    match purchase(body) {
        Some(booked) => Lookup::Found(booked),
        None if has_label => absent(quiet, Lookup::CannotTell),
        None => absent(quiet, Lookup::ProvenAbsent),
    }
}

/// Where the refund of a shipment stands; none where the body is no shipment.
pub(super) fn void_state(body: &Value) -> Option<VoidState> {
    text(body, "id")?;
    Some(match text(body, "refund_status").as_deref() {
        None => VoidState::NotRequested,
        Some("submitted") => VoidState::Requested,
        Some("refunded") => VoidState::Voided,
        Some("rejected") => VoidState::Rejected { said: String::new().into() },
        Some("not_applicable") => VoidState::NotApplicable,
        Some(_) => return None,
    })
}

/// What asking for a refund answers.
pub(super) fn voided(answer: &Response) -> Outcome<VoidState> {
    let body = answer.value();
    match body.as_ref().filter(|_| is_success(answer)).and_then(void_state) {
        Some(VoidState::NotRequested) | None if is_success(answer) => Outcome::unreadable(LABEL, answer),
        Some(state) => Outcome::Done(state),
        None => failed(LABEL, answer, body.as_ref().and_then(complaint)),
    }
}

/// Links to the label and to papers for customs.
pub(super) fn links(body: &Value) -> Option<(String, Vec<String>)> {
    let label = body.get("postage_label").and_then(|label| text(label, "label_url"))?;
    Some((label, items(body, "forms").iter().filter_map(|form| text(form, "form_url")).collect()))
}

/// What registering a number answers: its tracker.
pub(super) fn registered(answer: &Response, number: &str) -> Outcome<Registered> {
    let body = answer.value();
    let own = body.as_ref().filter(|body| is_success(answer) && is_text(body, "tracking_code", number));
    let id = own.and_then(|body| Some((text(body, "id")?, text(body, "carrier"))));
    match id {
        Some((id, carrier)) => Outcome::Done(Registered { id: Some(id), carrier, known: false }),
        None if is_success(answer) => Outcome::unreadable(LABEL, answer),
        None => failed(LABEL, answer, body.as_ref().and_then(complaint)),
    }
}

/// What stopping a tracker answers.
pub(super) fn stopped(answer: &Response) -> Outcome<()> {
    let complaint = answer.value().as_ref().and_then(complaint);
    match answer.status {
        _ if is_done(answer, complaint.as_ref()) => Outcome::Done(()),
        // it is not there: nothing is reported
        404 if complaint.is_some() => Outcome::Done(()),
        200..=299 if complaint.is_none() => Outcome::unreadable(LABEL, answer),
        _ => failed(LABEL, answer, complaint),
    }
}

/// The tracker of exactly this number in a list.
pub(super) fn tracker_of(body: &Value, number: &str, carrier: Option<&str>) -> Option<Value> {
    let fits = |tracker: &&Value| {
        let same = |name: &str, wanted: &str| text(tracker, name).is_some_and(|is| is.eq_ignore_ascii_case(wanted));
        same("tracking_code", number) && carrier.is_none_or(|carrier| same("carrier", carrier))
    };
    items(body, "trackers").iter().find(fits).cloned()
}

#[cfg(test)]
mod tests;
