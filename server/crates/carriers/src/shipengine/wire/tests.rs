//! ShipEngine's answers, and what they mean.

use super::*;
use crate::composed::{agree, case, table, word};

const ANSWERS: &str = include_str!("answers.json");

#[test]
fn every_answer_means_what_is_documented() {
    agree(ANSWERS, |line| {
        let answer = line.answer();
        match line.of.as_str() {
            "created" => word(&created(&answer), Clone::clone),
            "rated" => word(&rated(&answer, "se-2"), |rated| {
                format!("{} rates, {} messages", rated.rates.len(), rated.messages.len())
            }),
            "booked" => word(&booked(&answer, "se-2"), |booked| {
                let price = booked.charged.map(|price| format!(" for {price}")).unwrap_or_default();
                format!("bought {}{price}", booked.tracking_number)
            }),
            "voided" => {
                word(&voided(&answer), |state| format!("{state:?}").split(' ').next().unwrap_or_default().to_owned())
            }
            "registered" => word(&registered(&answer, "ups"), |of| of.carrier.clone().unwrap_or_default()),
            other => panic!("no call {other}"),
        }
    });
}

#[test]
fn a_rate_costs_all_its_parts_in_one_currency() {
    let Outcome::Done(rated) = rated(&case(ANSWERS, "rated").answer(), "se-2") else { panic!("not rated") };
    let [rate] = &rated.rates[..] else { panic!("a sum of two currencies is none") };
    assert_eq!((rate.price.to_string().as_str(), rate.service.as_str()), ("7.58 USD", "ups_ground"));
}

#[test]
fn a_duplicate_is_known_by_its_field() {
    for line in table(ANSWERS) {
        assert_eq!(is_duplicate(&line.answer()), line.case == "external id taken", "{}", line.case);
    }
}

#[test]
fn state_and_labels_say_what_became_of_a_purchase() {
    let label = case(ANSWERS, "bought").body;
    let mut void = label.clone();
    (void["voided"], void["status"]) = (json!(true), json!("voided"));
    let mut later = label.clone();
    (later["label_id"], later["created_at"]) = (json!("se-6"), json!("2026-03-10T12:00:01Z"));
    let mut working = label.clone();
    (working["status"], working["tracking_number"]) = (json!("processing"), Value::Null);
    assert!(matches!(found("label_purchased", &[label.clone(), void.clone()], Quiet::Waiting), Lookup::Found(_)));
    let Lookup::Several(all) = found("label_purchased", &[later, label], Quiet::Waiting) else { panic!() };
    assert_eq!(all.iter().map(|of| of.booking.label.as_str()).collect::<Vec<_>>(), ["se-5", "se-6"], "oldest first");
    for (status, labels, in_the_end) in [
        ("pending", &[][..], Lookup::ProvenAbsent),
        ("pending", &[void][..], Lookup::ProvenAbsent),
        ("pending", &[working][..], Lookup::CannotTell),
        ("processing", &[], Lookup::CannotTell),
        ("label_purchased", &[], Lookup::CannotTell),
    ] {
        assert_eq!(found(status, labels, Quiet::Waiting), Lookup::NotYet, "{status}");
        assert_eq!(found(status, labels, Quiet::Over), in_the_end, "{status}");
    }
    assert!(matches!(found("cancelled", &[], Quiet::Waiting), Lookup::Refused(_)));
}

#[test]
fn the_refund_decides_about_a_void_label() {
    let mut label = case(ANSWERS, "bought").body;
    assert_eq!(void_state(&label), Some(VoidState::NotRequested));
    label["voided"] = json!(true);
    assert_eq!(void_state(&label), Some(VoidState::Voided));
    for (status, state) in [
        ("pending", VoidState::Requested),
        ("request_scheduled", VoidState::Requested),
        ("approved", VoidState::Voided),
        ("excluded", VoidState::NotApplicable),
        ("rejected", VoidState::Rejected { said: String::new().into() }),
    ] {
        label["refund_details"] = json!({"refund_status": status});
        assert_eq!(void_state(&label), Some(state), "{status}");
    }
    assert_eq!(void_state(&json!({})), None);
}

#[test]
fn a_shipment_is_written_as_documented() {
    let body = shipment(&crate::composed::request());
    let shipment = &body["shipments"][0];
    assert_eq!(shipment["external_shipment_id"].as_str().map(str::len), Some(32));
    assert_eq!(shipment["packages"][0]["weight"], json!({"value": 1250, "unit": "gram"}));
    assert_eq!(shipment["packages"][0]["dimensions"]["length"], json!(30.2));
    assert_eq!(
        (&shipment["ship_to"]["postal_code"], &shipment["confirmation"]),
        (&json!("69001"), &json!("signature"))
    );
    let item = &shipment["customs"]["customs_items"][0];
    assert_eq!(item["value"], json!({"currency": "eur", "amount": "12.25"}), "of one piece");
}
