//! How Karrio writes shipments and trackers, pure. Source: karrioapi/karrio at deea10f8 (serializers, views, error handler).

use crate::{
    answers::{about, absent, code, compact, days, is_done, is_success, is_text, items, money, text},
    booking::{
        Address, BookIntent, Booked, BookingRef, CarrierMessage, Contents, Customs, LabelFormat, Lookup, Mode, Quiet,
        Rate, RateRequest, Rated, VoidState,
    },
    outcome::{Complaint, Meaning, Outcome, Refusal, RefusalCode, failed},
    registering::Registered,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use outbound::Response;
use serde_json::{Value, json};

const LABEL: &str = "Karrio";
/// The carriers whose connector asks the carrier when a shipment is cancelled; of all others Karrio says that it is cancelled
/// without asking.
const CANCEL_AT_CARRIER: &[&str] = &[
    "asendia",
    "australiapost",
    "bpost",
    "canadapost",
    "chronopost",
    "dhl_parcel_de",
    "dhl_poland",
    "fedex",
    "gls",
    "landmark",
    "parcelone",
    "postat",
    "purolator",
    "seko",
    "sendle",
    "smartkargo",
    "spring",
    "teleship",
    "ups",
    "usps",
    "usps_international",
];

/// Its complaint: `errors` of its own, `messages` of carriers. A carrier's without a code may be anything, a time-out too.
pub(super) fn complaint(body: &Value) -> Option<Complaint> {
    if let Some(error) = items(body, "errors").first() {
        let code = code(error, "code");
        let fields = error.get("details").and_then(Value::as_object);
        let fields = fields.map(|fields| fields.keys().cloned().collect::<Vec<_>>().join(" ")).unwrap_or_default();
        let is_of_content = matches!(code.as_deref(), Some("validation" | "invalid" | "required"));
        let means = is_of_content.then(|| Meaning::Refused(about(&fields)));
        return Some(Complaint { code, words: text(error, "message").unwrap_or_default(), means });
    }
    let message = items(body, "messages").first()?;
    let code = code(message, "code").filter(|_| text(message, "carrier_name").is_some());
    let means = match code.as_deref() {
        Some(code) if !is_of_karrio(code) => Meaning::Refused(about(code)),
        _ => Meaning::Unknown,
    };
    Some(Complaint { code, words: text(message, "message").unwrap_or_default(), means: Some(means) })
}

/// Whether what stands in the place of a carrier's code is Karrio's own: it stopped at some error, a time-out perhaps, or passes on the
/// HTTP status of a failure.
fn is_of_karrio(code: &str) -> bool {
    let is_failure = code.len() == 3 && (code.starts_with('5') || matches!(code, "408" | "429"));
    code == "SHIPPING_SDK_INTERNAL_ERROR" || is_failure && code.bytes().all(|b| b.is_ascii_digit())
}

/// The body that creates a shipment. Never with a service: that would buy at once, and lose the label of a failure.
pub(super) fn shipment(request: &RateRequest, accounts: &[String]) -> Value {
    let centimetres = |mm: u32| f64::from(mm) / 10.0;
    let [length, width, height] =
        request.parcel.size_mm.map_or([None; 3], |sides| sides.map(|mm| Some(centimetres(mm))));
    compact(json!({
        "recipient": address(&request.to),
        "shipper": address(&request.from),
        "parcels": [{
            "weight": kilograms(request.parcel.weight_g), "weight_unit": "KG",
            "length": length, "width": width, "height": height, "dimension_unit": length.map(|_| "CM"),
            "reference_number": request.references.first(),
        }],
        "options": {
            "signature_confirmation": request.signature.then_some(true),
            "shipping_date": request.ship_on.map(|day| format!("{day}T12:00")),
        },
        "customs": request.customs.as_ref().map(customs),
        "reference": request.references.first(),
        "order_id": request.references.get(1),
        "label_type": format_word(request.format),
        "metadata": {"milepost": request.key.as_str()},
        "carrier_ids": accounts,
    }))
}

fn kilograms(grams: u32) -> f64 {
    f64::from(grams) / 1000.0
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
        "person_name": of.name, "company_name": of.company, "address_line1": of.street1, "address_line2": of.street2,
        "city": of.city, "state_code": of.state, "postal_code": of.postal_code, "country_code": of.country,
        "phone_number": of.phone, "email": of.email, "residential": of.residential,
    })
}

fn customs(of: &Customs) -> Value {
    let lines = of.items.iter().map(|item| {
        json!({
            "title": item.description, "description": item.description, "quantity": item.quantity, "sku": item.sku,
            "weight": kilograms(item.net_weight_g), "weight_unit": "KG", "hs_code": item.hs_code,
            "value_amount": item.value().amount().parse::<f64>().ok(), "value_currency": item.unit_value.currency.code(),
            "origin_country": item.origin,
        })
    });
    json!({
        "content_type": match of.contents {
            Contents::Merchandise => "merchandise",
            Contents::Gift => "gift",
            Contents::Documents => "documents",
            Contents::ReturnedGoods => "return_merchandise",
            Contents::Sample => "sample",
        },
        "incoterm": of.incoterm, "invoice": of.invoice, "commercial_invoice": true, "certify": true, "signer": of.signer,
        "commodities": lines.collect::<Vec<_>>(),
    })
}

/// The body that buys.
pub(super) fn purchase(intent: &BookIntent) -> Value {
    json!({"selected_rate_id": intent.rate, "label_type": format_word(intent.format)})
}

/// What creating a shipment answers.
pub(super) fn rated(answer: &Response, mode: Mode) -> Outcome<Rated> {
    let body = answer.value();
    let good = body.as_ref().filter(|_| is_success(answer)).and_then(|body| Some((body, text(body, "id")?)));
    let Some((body, shipment)) = good else {
        return if is_success(answer) {
            Outcome::unreadable(LABEL, answer)
        } else {
            failed(LABEL, answer, body.as_ref().and_then(complaint))
        };
    };
    if body.get("test_mode").and_then(Value::as_bool) != Some(mode == Mode::Test) {
        let text = format!("a {} booking, but the key of Karrio is for other ones", mode.label());
        return Refusal::new(RefusalCode::Mode, text).into();
    }
    let rates = items(body, "rates").iter().filter_map(|rate| {
        Some(Rate {
            id: text(rate, "id")?,
            carrier: text(rate, "carrier_name")?,
            account: text(rate, "carrier_id"),
            service: text(rate, "service")?,
            price: money(rate, "total_charge", "currency")?,
            days: days(rate, "transit_days"),
        })
    });
    let messages = items(body, "messages").iter().map(|message| CarrierMessage {
        carrier: text(message, "carrier_name"),
        code: text(message, "code"),
        said: text(message, "message").unwrap_or_default().into(),
    });
    Outcome::Done(Rated { shipment, rates: rates.collect(), messages: messages.collect() })
}

/// The purchase in a shipment; none where nothing is bought.
fn bought(body: &Value) -> Option<Booked> {
    let shipment = text(body, "id")?;
    let rate = body.get("selected_rate").unwrap_or(&Value::Null);
    (!matches!(text(body, "status")?.as_str(), "draft" | "cancelled")).then_some(())?;
    Some(Booked {
        booking: BookingRef { label: shipment.clone(), shipment },
        tracking_number: text(body, "tracking_number")?,
        carrier: text(body, "carrier_name").or_else(|| text(rate, "carrier_name")),
        service: text(body, "service").or_else(|| text(rate, "service")),
        charged: money(rate, "total_charge", "currency"),
        tracker: text(body, "tracker_id"),
    })
}

/// What a purchase answers.
pub(super) fn booked(answer: &Response, shipment: &str) -> Outcome<Booked> {
    let body = answer.value();
    match body.as_ref().filter(|_| is_success(answer)).and_then(bought) {
        Some(booked) if booked.booking.shipment == shipment => Outcome::Done(booked),
        _ if is_success(answer) => Outcome::unreadable(LABEL, answer),
        _ => failed(LABEL, answer, body.as_ref().and_then(complaint)),
    }
}

/// What the shipment says of a purchase. A draft proves nothing: the carrier may have answered before the record was kept.
pub(super) fn found(body: &Value, quiet: Quiet) -> Lookup {
    match (bought(body), text(body, "status").as_deref()) {
        (Some(booked), _) => Lookup::Found(booked),
        (None, Some("cancelled")) => {
            Lookup::Refused(Refusal::new(RefusalCode::State, "the shipment was cancelled at Karrio"))
        }
        _ => absent(quiet, Lookup::CannotTell),
    }
}

/// Where the void of a shipment stands; none where the body is no shipment.
pub(super) fn void_state(body: &Value) -> Option<VoidState> {
    text(body, "id")?;
    if text(body, "status")? != "cancelled" {
        return Some(VoidState::NotRequested);
    }
    let carrier = text(body, "carrier_name")
        .or_else(|| body.get("selected_rate").and_then(|rate| text(rate, "carrier_name")))
        .unwrap_or_default();
    // what was never bought has no label to be voided at a carrier
    let at_carrier = text(body, "tracking_number").is_none() || CANCEL_AT_CARRIER.contains(&carrier.as_str());
    Some(if at_carrier { VoidState::Voided } else { VoidState::NotAtCarrier })
}

/// What asking for a void answers.
pub(super) fn voided(answer: &Response) -> Outcome<VoidState> {
    let body = answer.value();
    if let Some(state) = body.as_ref().filter(|_| is_success(answer)).and_then(void_state) {
        return match state {
            VoidState::NotRequested => Outcome::unreadable(LABEL, answer),
            state => Outcome::Done(state),
        };
    }
    let mut complaint = body.as_ref().and_then(complaint);
    if let Some(complaint) = complaint.as_mut().filter(|c| c.code.as_deref() == Some("state_error")) {
        complaint.means = Some(Meaning::Refused(RefusalCode::State));
    }
    if is_success(answer) { Outcome::unreadable(LABEL, answer) } else { failed(LABEL, answer, complaint) }
}

/// A paper's bytes.
pub(super) fn paper(body: &Value) -> Option<Vec<u8>> {
    STANDARD.decode(text(body, "base64")?).ok()
}

/// What registering a number answers: its tracker. `errors` in an answer of success mean that none was made.
pub(super) fn registered(answer: &Response, number: &str) -> Outcome<Registered> {
    let body = answer.value();
    let own = body.as_ref().filter(|body| is_success(answer) && is_text(body, "tracking_number", number));
    match own.and_then(|body| Some((body, text(body, "id")?))) {
        Some((tracker, id)) => {
            Outcome::Done(Registered { id: Some(id), carrier: text(tracker, "carrier_name"), known: false })
        }
        None if is_success(answer) => Outcome::unreadable(LABEL, answer),
        None => failed(LABEL, answer, body.as_ref().and_then(complaint)),
    }
}

/// What stopping a tracker answers.
pub(super) fn stopped(answer: &Response) -> Outcome<()> {
    let complaint = answer.value().as_ref().and_then(complaint);
    match answer.status {
        _ if is_done(answer, complaint.as_ref()) => Outcome::Done(()),
        404 if complaint.is_some() => Outcome::Done(()),
        200..=299 if complaint.is_none() => Outcome::unreadable(LABEL, answer),
        _ => failed(LABEL, answer, complaint),
    }
}

/// The tracker of exactly this number: the filter of the list finds longer ones too.
pub(super) fn tracker_of(body: &Value, number: &str) -> Option<Value> {
    items(body, "results").iter().find(|tracker| text(tracker, "tracking_number").as_deref() == Some(number)).cloned()
}

#[cfg(test)]
mod tests;
