//! EasyPost's answers, and what they mean.

use super::*;
use crate::composed::{agree, case, word};

const ANSWERS: &str = include_str!("answers.json");

fn price(booked: &Booked) -> String {
    let price = booked.charged.map(|price| format!(" for {price}")).unwrap_or_default();
    format!("bought {}{price}", booked.tracking_number)
}

fn name(state: &VoidState) -> String {
    format!("{state:?}").split(' ').next().unwrap_or_default().to_owned()
}

#[test]
fn every_answer_means_what_is_documented() {
    agree(ANSWERS, |line| {
        let answer = line.answer();
        match line.of.as_str() {
            "rated" => word(&rated(&answer, Mode::Live), |rated| {
                format!("{} rates, {} messages", rated.rates.len(), rated.messages.len())
            }),
            "booked" => word(&booked(&answer, "shp_1"), price),
            "voided" => word(&voided(&answer), name),
            "registered" => word(&registered(&answer, "EZ1000000001"), |of| of.id.clone().unwrap_or_default()),
            "stopped" => word(&stopped(&answer), |()| "stopped".into()),
            other => panic!("no call {other}"),
        }
    });
}

#[test]
fn a_rate_has_what_a_person_chooses_by() {
    let Outcome::Done(rated) = rated(&case(ANSWERS, "created").answer(), Mode::Live) else { panic!("not rated") };
    let [rate] = &rated.rates[..] else { panic!("the one without a price is left out") };
    assert_eq!((rate.id.as_str(), rate.carrier.as_str(), rate.service.as_str()), ("rate_1", "USPS", "Priority"));
    assert_eq!(
        (rate.price.to_string().as_str(), rate.days, rate.account.as_deref()),
        ("7.58 USD", Some(2), Some("ca_1"))
    );
    assert_eq!((rated.shipment.as_str(), rated.messages[0].carrier.as_deref()), ("shp_1", Some("UPS")));
    assert_eq!(rated.messages[0].said.open(), "Unable to retrieve rates");
}

#[test]
fn the_shipment_says_what_became_of_a_purchase() {
    let body = |name: &str| case(ANSWERS, name).body;
    assert!(matches!(found(&body("bought"), Quiet::Waiting), Lookup::Found(_)));
    assert_eq!(found(&body("created"), Quiet::Waiting), Lookup::NotYet);
    assert_eq!(found(&body("created"), Quiet::Over), Lookup::ProvenAbsent);
    let mut unnumbered = body("bought");
    unnumbered["tracking_code"] = Value::Null;
    assert_eq!(found(&unnumbered, Quiet::Over), Lookup::CannotTell, "there is a label");
}

#[test]
fn what_a_complaint_says_is_for_those_who_may_read_it() {
    let Outcome::Refused(refusal) = rated(&case(ANSWERS, "address refused").answer(), Mode::Live) else { panic!() };
    assert_eq!(refusal.error.said.open(), "Unable to verify address");
    assert!(!format!("{refusal:?} {}", refusal.error).contains("verify address"));
    assert_eq!(refusal.error.message, "EasyPost answered 422 (ADDRESS.VERIFY.FAILURE)");
}

#[test]
fn a_shipment_is_written_as_documented() {
    let body = shipment(&crate::composed::request(), &["ca_1".into()]);
    let shipment = &body["shipment"];
    assert_eq!(shipment["parcel"], json!({"weight": 44.1, "length": 11.9, "width": 7.9, "height": 4.0}));
    assert_eq!(shipment["to_address"]["zip"], "69001");
    assert_eq!(shipment["to_address"].get("street2"), None, "what is empty is left out");
    assert_eq!(shipment["options"]["label_format"], "PDF");
    assert_eq!(
        (&shipment["options"]["print_custom_1"], &shipment["options"]["incoterm"]),
        (&json!("WH/OUT/1"), &json!("DAP"))
    );
    assert_eq!(shipment["options"]["delivery_confirmation"], "SIGNATURE");
    assert_eq!(shipment["carrier_accounts"], json!(["ca_1"]));
    let item = &shipment["customs_info"]["customs_items"][0];
    assert_eq!(
        (&item["value"], &item["quantity"], &item["origin_country"]),
        (&json!("24.50"), &json!(2), &json!("DE"))
    );
    assert_eq!(shipment["reference"].as_str().map(str::len), Some(32));
}
