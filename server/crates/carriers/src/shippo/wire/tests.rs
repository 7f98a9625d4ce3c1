//! Shippo's answers, and what they mean.

use super::*;
use crate::{
    booking::BookingKey,
    composed::{agree, case, word},
};

const ANSWERS: &str = include_str!("answers.json");

fn intent() -> BookIntent {
    BookIntent {
        key: BookingKey::parse("0123456789abcdef0123456789abcdef").unwrap(),
        shipment: "ship1".into(),
        rate: "rate1".into(),
        mode: Mode::Live,
        format: LabelFormat::Pdf,
        handle: None,
    }
}

#[test]
fn every_answer_means_what_is_documented() {
    let number = TrackedNumber {
        number: "9205590164917312751089".into(),
        carrier: Some("usps".into()),
        reference: Some("WH/OUT/1".into()),
        ..TrackedNumber::default()
    };
    agree(ANSWERS, |line| {
        let answer = line.answer();
        match line.of.as_str() {
            "rated" => word(&rated(&answer, Mode::Live), |rated| {
                format!("{} rates, {} messages", rated.rates.len(), rated.messages.len())
            }),
            "booked" => word(&booked(&answer, &intent()), |booked| {
                let price = booked.charged.map(|price| format!(" for {price}")).unwrap_or_default();
                format!("bought {}{price}", booked.tracking_number)
            }),
            "voided" => {
                word(&voided(&answer), |state| format!("{state:?}").split(' ').next().unwrap_or_default().to_owned())
            }
            "registered" => word(&registered(&answer, &number), |of| of.carrier.clone().unwrap_or_default()),
            "standing" => match answer.value().as_ref().and_then(|body| standing(body, &number)) {
                Some(standing) => format!("{standing:?}"),
                None => "no track".into(),
            },
            other => panic!("no call {other}"),
        }
    });
}

#[test]
fn the_transactions_of_a_rate_say_what_became_of_a_purchase() {
    let body = |name: &str| case(ANSWERS, name).body;
    let of = |names: &[&str], quiet| {
        let list: Vec<Value> = names.iter().map(|name| body(name)).collect();
        found(&list, &intent(), quiet, Lookup::CannotTell)
    };
    assert!(matches!(of(&["bought"], Quiet::Waiting), Lookup::Found(_)));
    assert!(matches!(of(&["the carrier refused", "bought"], Quiet::Waiting), Lookup::Found(_)), "a success counts");
    assert_eq!(of(&["queued"], Quiet::Waiting), Lookup::NotYet);
    assert_eq!(of(&["queued", "the carrier refused"], Quiet::Over), Lookup::CannotTell);
    assert_eq!(of(&["the carrier did not answer"], Quiet::Over), Lookup::CannotTell);
    assert!(matches!(of(&["the carrier refused"], Quiet::Waiting), Lookup::Refused(_)));
    assert_eq!(of(&[], Quiet::Waiting), Lookup::NotYet);
    assert_eq!(of(&[], Quiet::Over), Lookup::CannotTell);
    let (mut other, mut second) = (body("bought"), body("bought"));
    (other["rate"], other["metadata"]) = (json!("rate7"), json!("another key"));
    second["object_id"] = json!("tx2");
    let list = [second.clone(), body("bought"), other.clone()];
    let Lookup::Several(all) = found(&list, &intent(), Quiet::Waiting, Lookup::CannotTell) else { panic!() };
    // Shippo lists the newest first
    assert_eq!(all.iter().map(|of| of.booking.label.as_str()).collect::<Vec<_>>(), ["tx1", "tx2"]);
    assert_eq!(found(&[other], &intent(), Quiet::Over, Lookup::ProvenAbsent), Lookup::ProvenAbsent, "another's");
    // where the rate is not said, the key is
    second["rate"] = Value::Null;
    assert!(matches!(found(&[second], &intent(), Quiet::Over, Lookup::CannotTell), Lookup::Found(_)));
}

#[test]
fn a_shipment_and_a_purchase_are_written_as_documented() {
    let body = shipment(&crate::composed::request(), &[]);
    assert_eq!((&body["async"], &body["address_to"]["zip"]), (&json!(false), &json!("69001")));
    let parcel = json!({"length": "302", "width": "200", "height": "100", "distance_unit": "mm", "weight": "1250", "mass_unit": "g"});
    assert_eq!(body["parcels"], json!([parcel]));
    assert_eq!(body.get("carrier_accounts"), None);
    let item = &body["customs_declaration"]["items"][0];
    assert_eq!((&item["value_amount"], &item["net_weight"]), (&json!("24.50"), &json!("900")));
    let bought = purchase(&intent());
    assert_eq!(
        bought,
        json!({"rate": "rate1", "label_file_type": "PDF_4x6", "async": false, "metadata": intent().key.as_str()})
    );
}
