//! How ShipEngine (ShipStation API) writes shipments, rates and labels, pure. Source: ShipEngine/shipengine-openapi, docs.shipstation.com.
//! `errors` may be filled in an answer of 200, and a refused void is one.

use crate::{
    answers::{about, absent, code, compact, days, is_done, is_success, items, text},
    booking::{
        Address, Booked, BookingRef, CarrierMessage, Contents, Customs, LabelFormat, Lookup, Quiet, Rate, RateRequest,
        Rated, Undeliverable, VoidState,
    },
    outcome::{Complaint, Meaning, Outcome, Refusal, RefusalCode, failed},
    registering::Registered,
};
use domain::money::Money;
use outbound::Response;
use serde_json::{Value, json};
use std::time::Duration;

const LABEL: &str = "ShipEngine";
/// How long after an answer that it is still working ShipEngine is asked again.
const POLL_AFTER: Duration = Duration::from_secs(5);

/// Its complaint: the first of `errors`.
pub(super) fn complaint(body: &Value) -> Option<Complaint> {
    let error = items(body, "errors").first()?;
    let source = text(error, "error_source");
    let by_carrier = source.as_deref() == Some("carrier");
    let code = text(error, "error_code");
    let kind = text(error, "error_type").unwrap_or_default();
    let means = match (code.as_deref(), kind.as_str()) {
        // the carrier limits ShipEngine's calls: what became of this one it does not say
        (Some("rate_limit_exceeded"), _) if by_carrier => Some(Meaning::Unknown),
        (Some("rate_limit_exceeded"), _) => Some(Meaning::NotSent),
        (Some("insufficient_funds"), _) => Some(Meaning::Refused(RefusalCode::Funds)),
        (_, "system" | "integrations") => None,
        (Some(code), "validation") => {
            let field = text(error, "field_name").or_else(|| text(error, "field")).unwrap_or_default();
            Some(Meaning::Refused(about(&format!("{code} {field}"))))
        }
        (Some(code), "business_rules") => Some(Meaning::Refused(about(code))),
        (_, "account_status") => Some(Meaning::Refused(RefusalCode::Account)),
        _ => None,
    };
    Some(Complaint { code, words: text(error, "message").unwrap_or_default(), means })
}

/// Whether a shipment was refused because one has its external id: by the field, never by the words.
pub(super) fn is_duplicate(answer: &Response) -> bool {
    let of_field = |error: &Value| {
        ["field_name", "field", "property"]
            .iter()
            .any(|name| text(error, name).is_some_and(|f| f.ends_with("external_shipment_id")))
    };
    !is_success(answer) && answer.value().is_some_and(|body| items(&body, "errors").iter().any(of_field))
}

/// The body that creates a shipment.
pub(super) fn shipment(request: &RateRequest) -> Value {
    let printed = |n: usize| request.references.get(n);
    let centimetres = |mm: u32| f64::from(mm) / 10.0;
    let dimensions = request.parcel.size_mm.map(|[length, width, height]| {
        json!({"unit": "centimeter", "length": centimetres(length), "width": centimetres(width), "height": centimetres(height)})
    });
    compact(json!({"shipments": [{
        "validate_address": "no_validation",
        "external_shipment_id": request.key.as_str(),
        "ship_to": address(&request.to),
        "ship_from": address(&request.from),
        "ship_date": request.ship_on.map(|day| day.to_string()),
        "confirmation": if request.signature { "signature" } else { "none" },
        "customs": request.customs.as_ref().map(customs),
        "packages": [{
            "weight": {"value": request.parcel.weight_g, "unit": "gram"},
            "dimensions": dimensions,
            "label_messages": {"reference1": printed(0), "reference2": printed(1)},
        }],
    }]}))
}

fn address(of: &Address) -> Value {
    let residential = match of.residential {
        Some(true) => "yes",
        Some(false) => "no",
        None => "unknown",
    };
    json!({
        "name": of.name.as_ref().or(of.company.as_ref()), "company_name": of.company, "phone": of.phone, "email": of.email,
        "address_line1": of.street1, "address_line2": of.street2, "city_locality": of.city, "state_province": of.state,
        "postal_code": of.postal_code, "country_code": of.country, "address_residential_indicator": residential,
    })
}

fn customs(of: &Customs) -> Value {
    let lines = of.items.iter().map(|item| {
        json!({
            "description": item.description, "quantity": item.quantity, "sku": item.sku,
            "value": {"currency": item.unit_value.currency.code().to_ascii_lowercase(), "amount": item.unit_value.amount()},
            "harmonized_tariff_code": item.hs_code, "country_of_origin": item.origin,
            "weight": {"value": item.net_weight_g, "unit": "gram"},
        })
    });
    json!({
        "contents": match of.contents {
            Contents::Merchandise => "merchandise",
            Contents::Gift => "gift",
            Contents::Documents => "documents",
            Contents::ReturnedGoods => "returned_goods",
            Contents::Sample => "sample",
        },
        "non_delivery": match of.undeliverable {
            Undeliverable::Return => "return_to_sender",
            Undeliverable::Abandon => "treat_as_abandoned",
        },
        "terms_of_trade_code": of.incoterm.as_ref().map(|term| term.to_ascii_lowercase()),
        "declaration": of.signer, "invoice_additional_details": {"invoice_number": of.invoice},
        "customs_items": lines.collect::<Vec<_>>(),
    })
}

/// The id of the created shipment.
pub(super) fn created(answer: &Response) -> Outcome<String> {
    let body = answer.value();
    let first = body.as_ref().map(|body| items(body, "shipments").first().unwrap_or(body));
    let id = first.filter(|_| is_success(answer)).and_then(|shipment| text(shipment, "shipment_id"));
    // each shipment of a 200 may have errors of its own
    let own = first.and_then(complaint).or_else(|| body.as_ref().and_then(complaint));
    match id {
        Some(id) if own.is_none() => Outcome::Done(id),
        _ if is_success(answer) => match own {
            Some(complaint) => business(&complaint),
            None => Outcome::unreadable(LABEL, answer),
        },
        _ => failed(LABEL, answer, own),
    }
}

/// A refusal inside an answer of success.
fn business<T>(complaint: &Complaint) -> Outcome<T> {
    let code = complaint.code.as_deref().unwrap_or("no code");
    match complaint.means {
        Some(Meaning::Refused(why)) => {
            Refusal::new(why, format!("ShipEngine refused it ({code})")).saying(&complaint.words).into()
        }
        _ => {
            let text = format!("ShipEngine answered with an error ({code}) that does not say what was done");
            Outcome::Unknown(
                outbound::CallError::new(outbound::ErrorClass::UnknownOutcome, text).saying(&complaint.words),
            )
        }
    }
}

/// Offers for a shipment.
pub(super) fn rated(answer: &Response, shipment: &str) -> Outcome<Rated> {
    let body = answer.value();
    let response = body.as_ref().filter(|_| is_success(answer)).and_then(|body| body.get("rate_response"));
    let Some(response) = response else {
        let complaint = body.as_ref().and_then(complaint);
        return match complaint {
            Some(complaint) if is_success(answer) => business(&complaint),
            None if is_success(answer) => Outcome::unreadable(LABEL, answer),
            complaint => failed(LABEL, answer, complaint),
        };
    };
    let rates = items(response, "rates").iter().filter_map(|rate| {
        Some(Rate {
            id: text(rate, "rate_id")?,
            carrier: text(rate, "carrier_code").or_else(|| text(rate, "carrier_id"))?,
            account: text(rate, "carrier_id"),
            service: text(rate, "service_code")?,
            price: total(
                rate,
                &["shipping_amount", "insurance_amount", "confirmation_amount", "other_amount", "tax_amount"],
            )?,
            days: days(rate, "delivery_days"),
        })
    });
    let of_carriers = items(response, "invalid_rates").iter().map(|rate| {
        let words: Vec<&str> = items(rate, "error_messages").iter().filter_map(Value::as_str).collect();
        let carrier = text(rate, "carrier_code").or_else(|| text(rate, "carrier_friendly_name"));
        CarrierMessage { carrier, code: None, said: words.join(" ").into() }
    });
    let errors = items(response, "errors").iter().map(|error| CarrierMessage {
        carrier: text(error, "carrier_name").or_else(|| text(error, "carrier_code")),
        code: text(error, "error_code"),
        said: text(error, "message").unwrap_or_default().into(),
    });
    let (rates, messages) = (rates.collect(), of_carriers.chain(errors).collect());
    Outcome::Done(Rated { shipment: shipment.to_owned(), rates, messages })
}

/// The sum of these amounts, of one currency.
fn total(body: &Value, parts: &[&str]) -> Option<Money> {
    let amount = |part: &Value| Money::read(&code(part, "amount")?, &text(part, "currency")?).ok();
    let mut sum: Option<Money> = None;
    for part in parts.iter().filter_map(|name| body.get(*name)).filter(|part| !part.is_null()) {
        let next = amount(part)?;
        sum = Some(match sum {
            None => next,
            Some(sum) if sum.currency == next.currency => Money { minor: sum.minor.checked_add(next.minor)?, ..sum },
            // what costs nothing has no currency to speak of
            Some(sum) if next.minor == 0 => sum,
            Some(_) => return None,
        });
    }
    sum
}

/// The body that buys a rate.
pub(super) fn purchase(format: LabelFormat) -> Value {
    json!({"label_format": format.extension(), "label_layout": "4x6", "label_download_type": "url", "validate_address": "no_validation"})
}

/// The bought label; none where it is not complete, or void.
fn label(body: &Value) -> Option<Booked> {
    let is_void = body.get("voided").and_then(Value::as_bool).unwrap_or(false);
    let status = text(body, "status")?;
    Some(Booked {
        booking: BookingRef { shipment: text(body, "shipment_id")?, label: text(body, "label_id")? },
        tracking_number: text(body, "tracking_number").filter(|_| status == "completed" && !is_void)?,
        carrier: text(body, "carrier_code"),
        service: text(body, "service_code"),
        charged: total(body, &["shipment_cost", "insurance_cost"]),
        tracker: None,
    })
}

/// What a purchase answers.
pub(super) fn booked(answer: &Response, shipment: &str) -> Outcome<Booked> {
    let body = answer.value();
    let complaint = body.as_ref().and_then(complaint);
    if !is_success(answer) {
        return failed(LABEL, answer, complaint);
    }
    let Some(body) = body else { return Outcome::unreadable(LABEL, answer) };
    match label(&body) {
        Some(booked) if booked.booking.shipment == shipment => return Outcome::Done(booked),
        _ => {}
    }
    if let Some(complaint) = complaint {
        return business(&complaint);
    }
    match text(&body, "status").as_deref() {
        Some("processing") => Outcome::Pending { handle: text(&body, "label_id"), poll_after: POLL_AFTER },
        _ => Outcome::unreadable(LABEL, answer),
    }
}

/// What the shipment's state and its labels say of a purchase.
pub(super) fn found(status: &str, labels: &[Value], quiet: Quiet) -> Lookup {
    let mut bought: Vec<(String, Booked)> =
        labels.iter().filter_map(|body| Some((text(body, "created_at").unwrap_or_default(), label(body)?))).collect();
    bought.sort_by(|one, other| one.0.cmp(&other.0));
    let mut bought: Vec<Booked> = bought.into_iter().map(|(_, booked)| booked).collect();
    let working = labels.iter().any(|body| text(body, "status").as_deref() == Some("processing"));
    match (bought.len(), status) {
        (1, _) => Lookup::Found(bought.remove(0)),
        (2.., _) => Lookup::Several(bought),
        (_, "cancelled") => {
            Lookup::Refused(Refusal::new(RefusalCode::State, "the shipment was cancelled at ShipEngine"))
        }
        (_, "pending") if !working => absent(quiet, Lookup::ProvenAbsent),
        _ => absent(quiet, Lookup::CannotTell),
    }
}

/// What asking for a void answers: `approved: false` is a refusal.
pub(super) fn voided(answer: &Response) -> Outcome<VoidState> {
    let body = answer.value();
    let approved = body.as_ref().filter(|_| is_success(answer)).and_then(|body| body.get("approved")?.as_bool());
    let words = body.as_ref().and_then(|body| text(body, "message")).unwrap_or_default();
    match approved {
        Some(true) => Outcome::Done(VoidState::Requested),
        Some(false) => Outcome::Done(VoidState::Rejected { said: words.into() }),
        None if is_success(answer) => Outcome::unreadable(LABEL, answer),
        None => failed(LABEL, answer, body.as_ref().and_then(complaint)),
    }
}

/// Where the void of a label stands; none where the body is no label.
pub(super) fn void_state(body: &Value) -> Option<VoidState> {
    text(body, "label_id")?;
    let is_void = body.get("voided").and_then(Value::as_bool).unwrap_or(false)
        || text(body, "status").as_deref() == Some("voided");
    let refund = body.get("refund_details").filter(|refund| refund.is_object()).unwrap_or(body);
    Some(match text(refund, "refund_status").as_deref() {
        Some("approved") => VoidState::Voided,
        Some("rejected") => VoidState::Rejected { said: String::new().into() },
        Some("request_scheduled" | "pending") => VoidState::Requested,
        Some("excluded") if is_void => VoidState::NotApplicable,
        _ if is_void => VoidState::Voided,
        _ => VoidState::NotRequested,
    })
}

/// Links to the label and to the papers for customs.
pub(super) fn links(body: &Value) -> Option<(String, Option<String>)> {
    let download = body.get("label_download")?;
    let own = text(body, "label_format").and_then(|format| text(download, &format));
    let label = own.or_else(|| text(download, "href")).or_else(|| text(download, "pdf"))?;
    Some((label, body.get("form_download").and_then(|form| text(form, "href"))))
}

/// What starting or stopping reports answers: nothing at all. `errors` in an answer of success are a refusal.
pub(super) fn switched(answer: &Response) -> Outcome<()> {
    let complaint = answer.value().as_ref().and_then(complaint);
    match complaint {
        of if is_done(answer, of.as_ref()) => Outcome::Done(()),
        Some(complaint) if is_success(answer) => business(&complaint),
        None if is_success(answer) => Outcome::unreadable(LABEL, answer),
        complaint => failed(LABEL, answer, complaint),
    }
}

/// The same as a registration.
pub(super) fn registered(answer: &Response, carrier: &str) -> Outcome<Registered> {
    switched(answer).map(|()| Registered { id: None, carrier: Some(carrier.to_owned()), known: false })
}

#[cfg(test)]
mod tests;
