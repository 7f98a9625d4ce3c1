//! How Shippo writes shipments, transactions and refunds, pure. Source: docs.goshippo.com (API version 2018-02-08). A transaction is
//! answered with 201 whatever became of it: its status says that.

use crate::{
    answers::{about, absent, compact, days, is_success, is_text, items, money, text},
    booking::{
        Address, BookIntent, Booked, BookingRef, CarrierMessage, Contents, Customs, LabelFormat, Lookup, Mode, Parcel,
        Quiet, Rate, RateRequest, Rated, Undeliverable, VoidState,
    },
    outcome::{Complaint, Meaning, Outcome, Refusal, RefusalCode, failed},
    registering::{Registered, Standing, TrackedNumber},
};
use outbound::{CallError, ErrorClass, Response};
use serde_json::{Value, json};
use std::time::Duration;

const LABEL: &str = "Shippo";
/// How long after an answer that it is still working Shippo is asked again.
const POLL_AFTER: Duration = Duration::from_secs(5);
/// The carrier did not answer Shippo: it may have issued a number that Shippo does not know.
const CARRIER_TIMEOUT: &str = "carrier_timeout";

/// Its complaint: `detail`, or lists of complaints by field.
pub(super) fn complaint(body: &Value) -> Option<Complaint> {
    if let Some(words) = text(body, "detail") {
        return Some(Complaint { words, ..Complaint::default() });
    }
    let fields = body.as_object().filter(|fields| !fields.is_empty())?;
    let is_list = |value: &Value| {
        value.as_array().is_some_and(|all| !all.is_empty() && all.iter().all(|one| one.is_string() || one.is_object()))
    };
    if !fields.values().all(is_list) || fields.contains_key("results") {
        return None;
    }
    let code = fields.keys().cloned().collect::<Vec<_>>().join(", ");
    let words: Vec<&str> = fields.values().filter_map(Value::as_array).flatten().filter_map(Value::as_str).collect();
    let means = Some(Meaning::Refused(about(&code)));
    Some(Complaint { words: words.join(" "), means, code: Some(code) })
}

/// Errors by field certainly mean that nothing was done, unless the answer is a failure of Shippo's own.
fn refused<T>(answer: &Response) -> Outcome<T> {
    let mut complaint = answer.value().as_ref().and_then(complaint);
    if let Some(complaint) = complaint.as_mut().filter(|_| !matches!(answer.status, 400 | 422)) {
        complaint.means = None;
    }
    failed(LABEL, answer, complaint)
}

/// The body that creates a shipment.
pub(super) fn shipment(request: &RateRequest, accounts: &[String]) -> Value {
    let printed = |n: usize| request.references.get(n);
    compact(json!({
        "address_from": address(&request.from),
        "address_to": address(&request.to),
        "parcels": [parcel(&request.parcel)],
        "customs_declaration": request.customs.as_ref().map(customs),
        "carrier_accounts": accounts,
        "shipment_date": request.ship_on.map(|day| format!("{day}T12:00:00Z")),
        "metadata": request.key.as_str(),
        "extra": {
            "reference_1": printed(0),
            "reference_2": printed(1),
            "signature_confirmation": request.signature.then_some("STANDARD"),
        },
        "async": false,
    }))
}

fn address(of: &Address) -> Value {
    json!({
        "name": of.name.as_ref().or(of.company.as_ref()), "company": of.company, "street1": of.street1, "street2": of.street2,
        "city": of.city, "state": of.state, "zip": of.postal_code, "country": of.country, "phone": of.phone,
        "email": of.email, "is_residential": of.residential,
    })
}

fn parcel(of: &Parcel) -> Value {
    let [length, width, height] = of.size_mm.map(|sides| sides.map(|mm| Some(mm.to_string()))).unwrap_or_default();
    json!({
        "length": length, "width": width, "height": height, "distance_unit": "mm",
        "weight": of.weight_g.to_string(), "mass_unit": "g",
    })
}

fn customs(of: &Customs) -> Value {
    let lines = of.items.iter().map(|item| {
        json!({
            "description": item.description, "quantity": item.quantity, "net_weight": item.net_weight_g.to_string(),
            "mass_unit": "g", "value_amount": item.value().amount(), "value_currency": item.unit_value.currency.code(),
            "origin_country": item.origin, "tariff_number": item.hs_code, "sku_code": item.sku,
        })
    });
    json!({
        "contents_type": match of.contents {
            Contents::Merchandise => "MERCHANDISE",
            Contents::Gift => "GIFT",
            Contents::Documents => "DOCUMENTS",
            Contents::ReturnedGoods => "RETURN_MERCHANDISE",
            Contents::Sample => "SAMPLE",
        },
        "non_delivery_option": match of.undeliverable { Undeliverable::Return => "RETURN", Undeliverable::Abandon => "ABANDON" },
        "certify": true, "certify_signer": of.signer, "incoterm": of.incoterm, "invoice": of.invoice,
        "items": lines.collect::<Vec<_>>(),
    })
}

/// The body that buys.
pub(super) fn purchase(intent: &BookIntent) -> Value {
    let form = match intent.format {
        LabelFormat::Pdf => "PDF_4x6",
        LabelFormat::Png => "PNG",
        LabelFormat::Zpl => "ZPLII",
    };
    json!({"rate": intent.rate, "label_file_type": form, "async": false, "metadata": intent.key.as_str()})
}

fn is_of(body: &Value, mode: Mode) -> bool {
    body.get("test").and_then(Value::as_bool).is_none_or(|test| test == (mode == Mode::Test))
}

/// What creating a shipment answers.
pub(super) fn rated(answer: &Response, mode: Mode) -> Outcome<Rated> {
    let body = answer.value().filter(|_| is_success(answer));
    let Some((body, shipment)) = body.as_ref().and_then(|body| Some((body, text(body, "object_id")?))) else {
        return if is_success(answer) { Outcome::unreadable(LABEL, answer) } else { refused(answer) };
    };
    let all = items(body, "rates");
    if !is_of(body, mode) || !all.iter().all(|rate| is_of(rate, mode)) {
        let text = format!("a {} booking, but the token of Shippo is for other ones", mode.label());
        return Refusal::new(RefusalCode::Mode, text).into();
    }
    let rates = all.iter().filter_map(|rate| {
        let service = rate.get("servicelevel").and_then(|level| text(level, "token"));
        Some(Rate {
            id: text(rate, "object_id")?,
            carrier: text(rate, "provider")?,
            account: text(rate, "carrier_account"),
            service: service.or_else(|| text(rate, "servicelevel_token"))?,
            price: money(rate, "amount", "currency")?,
            days: days(rate, "estimated_days"),
        })
    });
    let rates = rates.collect();
    Outcome::Done(Rated { shipment, rates, messages: messages(body) })
}

fn messages(body: &Value) -> Vec<CarrierMessage> {
    let message = |message: &Value| CarrierMessage {
        carrier: text(message, "source"),
        code: text(message, "code"),
        said: text(message, "text").unwrap_or_default().into(),
    };
    items(body, "messages").iter().map(message).collect()
}

/// What a transaction is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Transaction {
    Bought(Booked),
    Working(String),
    Refused(Refusal),
    Unclear,
}

/// Reads a transaction; none where it is none.
pub(super) fn transaction(body: &Value, shipment: &str) -> Option<Transaction> {
    let label = text(body, "object_id")?;
    let rate = body.get("rate").filter(|rate| rate.is_object()).unwrap_or(&Value::Null);
    Some(match text(body, "status")?.as_str() {
        "SUCCESS" | "REFUNDED" | "REFUNDPENDING" | "REFUNDREJECTED" => match text(body, "tracking_number") {
            Some(tracking_number) => Transaction::Bought(Booked {
                booking: BookingRef { shipment: shipment.to_owned(), label },
                tracking_number,
                carrier: text(rate, "provider"),
                service: text(rate, "servicelevel_token"),
                charged: money(rate, "amount", "currency"),
                tracker: None,
            }),
            None => Transaction::Working(label),
        },
        "WAITING" | "QUEUED" => Transaction::Working(label),
        "ERROR" => {
            let said = messages(body);
            let codes: Vec<&str> = said.iter().filter_map(|message| message.code.as_deref()).collect();
            if codes.contains(&CARRIER_TIMEOUT) {
                Transaction::Unclear
            } else {
                let words: Vec<&str> = said.iter().map(|message| message.said.open()).collect();
                let text = format!("the carrier refused the label ({})", codes.join(", "));
                Transaction::Refused(Refusal::new(about(&codes.join(" ")), text).saying(&words.join(" ")))
            }
        }
        _ => Transaction::Unclear,
    })
}

/// What a purchase answers.
pub(super) fn booked(answer: &Response, intent: &BookIntent) -> Outcome<Booked> {
    let body = answer.value().filter(|_| is_success(answer));
    match body.as_ref().and_then(|body| transaction(body, &intent.shipment)) {
        Some(Transaction::Bought(booked)) => Outcome::Done(booked),
        Some(Transaction::Working(handle)) => Outcome::Pending { handle: Some(handle), poll_after: POLL_AFTER },
        Some(Transaction::Refused(refusal)) => Outcome::Refused(refusal),
        Some(Transaction::Unclear) => {
            let text = "the carrier did not answer Shippo: whether it took the shipment is not known";
            Outcome::Unknown(CallError::new(ErrorClass::UnknownOutcome, text).of(answer))
        }
        None if is_success(answer) => Outcome::unreadable(LABEL, answer),
        None => refused(answer),
    }
}

/// Whether a transaction is one of this intent: a rate is bought by one intent alone, and carries its key.
pub(super) fn is_ours(body: &Value, intent: &BookIntent) -> bool {
    let rate = body.get("rate");
    let of_rate = rate.and_then(Value::as_str).or_else(|| rate?.get("object_id")?.as_str());
    of_rate == Some(intent.rate.as_str()) || text(body, "metadata").as_deref() == Some(intent.key.as_str())
}

/// What the transactions of an intent say, oldest last as Shippo lists them. `in_the_end` is what it means that there is none.
pub(super) fn found(list: &[Value], intent: &BookIntent, quiet: Quiet, in_the_end: Lookup) -> Lookup {
    let (mut bought, mut refused) = (Vec::new(), None);
    let (mut working, mut unclear) = (false, false);
    for body in list.iter().rev().filter(|body| is_ours(body, intent)) {
        match transaction(body, &intent.shipment) {
            Some(Transaction::Bought(booked)) => bought.push(booked),
            Some(Transaction::Working(_)) => working = true,
            Some(Transaction::Refused(refusal)) => refused = Some(refusal),
            Some(Transaction::Unclear) | None => unclear = true,
        }
    }
    match (bought.len(), refused) {
        (1, _) => Lookup::Found(bought.remove(0)),
        (2.., _) => Lookup::Several(bought),
        _ if working || unclear => absent(quiet, Lookup::CannotTell),
        (_, Some(refusal)) => Lookup::Refused(refusal),
        _ => absent(quiet, in_the_end),
    }
}

/// What asking for a refund answers.
pub(super) fn voided(answer: &Response) -> Outcome<VoidState> {
    let body = answer.value().filter(|_| is_success(answer));
    match body.as_ref().and_then(|body| text(body, "status")).as_deref() {
        Some("QUEUED" | "PENDING") => Outcome::Done(VoidState::Requested),
        Some("SUCCESS") => Outcome::Done(VoidState::Voided),
        Some("ERROR") => {
            let said = body.as_ref().map(messages).unwrap_or_default();
            let words: Vec<&str> = said.iter().map(|message| message.said.open()).collect();
            Outcome::Done(VoidState::Rejected { said: words.join(" ").into() })
        }
        _ if is_success(answer) => Outcome::unreadable(LABEL, answer),
        _ => refused(answer),
    }
}

/// Where the refund of a transaction stands; none where the body is no transaction.
pub(super) fn void_state(body: &Value) -> Option<VoidState> {
    Some(match text(body, "status")?.as_str() {
        "REFUNDED" => VoidState::Voided,
        "REFUNDPENDING" => VoidState::Requested,
        "REFUNDREJECTED" => VoidState::Rejected { said: String::new().into() },
        "SUCCESS" | "WAITING" | "QUEUED" => VoidState::NotRequested,
        "ERROR" => VoidState::NotApplicable,
        _ => return None,
    })
}

/// Links to the label and to the invoice for customs.
pub(super) fn links(body: &Value) -> Option<(String, Option<String>)> {
    Some((text(body, "label_url")?, text(body, "commercial_invoice_url")))
}

/// The body that registers a number.
pub(super) fn track(number: &TrackedNumber) -> Value {
    compact(json!({"carrier": number.carrier, "tracking_number": number.number, "metadata": number.reference}))
}

/// What registering answers: the track of just this number and carrier.
pub(super) fn registered(answer: &Response, number: &TrackedNumber) -> Outcome<Registered> {
    let body = answer.value().filter(|_| is_success(answer));
    match body.as_ref().filter(|body| is_of_number(body, number)) {
        Some(track) => {
            Outcome::Done(Registered { id: text(track, "object_id"), carrier: text(track, "carrier"), known: false })
        }
        None if is_success(answer) => Outcome::unreadable(LABEL, answer),
        None => refused(answer),
    }
}

fn is_of_number(track: &Value, number: &TrackedNumber) -> bool {
    is_text(track, "tracking_number", &number.number)
        && number.carrier.as_ref().is_none_or(|carrier| is_text(track, "carrier", carrier))
}

/// What a track that is read says of a registration; none where the body is no track of this number. It is read for every number, so
/// that it is there says nothing: only the words that a registration brought along do.
pub(super) fn standing(track: &Value, number: &TrackedNumber) -> Option<Standing> {
    is_of_number(track, number).then(|| match &number.reference {
        Some(reference) if is_text(track, "metadata", reference) => Standing::Registered,
        _ => Standing::CannotTell,
    })
}

#[cfg(test)]
mod tests;
