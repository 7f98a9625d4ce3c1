//! Karrio's answers, and what they mean.

use super::*;
use crate::composed::{agree, case, word};

const ANSWERS: &str = include_str!("answers.json");

#[test]
fn every_answer_means_what_is_documented() {
    agree(ANSWERS, |line| {
        let answer = line.answer();
        match line.of.as_str() {
            "rated" => word(&rated(&answer, Mode::Live), |rated| {
                format!("{} rates, {} messages", rated.rates.len(), rated.messages.len())
            }),
            "booked" => word(&booked(&answer, "shp_1"), |booked| {
                let price = booked.charged.map(|price| format!(" for {price}")).unwrap_or_default();
                format!("bought {}{price}", booked.tracking_number)
            }),
            "voided" => {
                word(&voided(&answer), |state| format!("{state:?}").split(' ').next().unwrap_or_default().to_owned())
            }
            "registered" => word(&registered(&answer, "1Z"), |of| of.id.clone().unwrap_or_default()),
            "stopped" => word(&stopped(&answer), |()| "stopped".into()),
            other => panic!("no call {other}"),
        }
    });
}

#[test]
fn a_draft_proves_nothing() {
    let body = |name: &str| case(ANSWERS, name).body;
    assert_eq!(found(&body("created"), Quiet::Waiting), Lookup::NotYet);
    assert_eq!(found(&body("created"), Quiet::Over), Lookup::CannotTell);
    assert!(matches!(found(&body("bought"), Quiet::Waiting), Lookup::Found(_)));
    assert!(matches!(found(&body("a draft cancelled"), Quiet::Waiting), Lookup::Refused(_)));
    let mut moving = body("bought");
    moving["status"] = json!("in_transit");
    assert!(matches!(found(&moving, Quiet::Waiting), Lookup::Found(_)), "it was bought, and is on its way");
}

#[test]
fn a_shipment_names_no_service_so_that_nothing_is_bought_with_it() {
    let body = shipment(&crate::composed::request(), &["ups-de".into()]);
    assert_eq!((body.get("service"), &body["carrier_ids"]), (None, &json!(["ups-de"])));
    let parcel = &body["parcels"][0];
    assert_eq!((&parcel["weight"], &parcel["weight_unit"]), (&json!(1.25), &json!("KG")));
    assert_eq!((&parcel["length"], &parcel["dimension_unit"]), (&json!(30.2), &json!("CM")));
    assert_eq!((&body["recipient"]["postal_code"], &body["label_type"]), (&json!("69001"), &json!("PDF")));
    assert_eq!(body["customs"]["commodities"][0]["value_amount"], json!(24.5));
}

#[test]
fn a_longer_number_is_another_one() {
    let list =
        json!({"results": [{"id": "trk_1", "tracking_number": "1Z12"}, {"id": "trk_2", "tracking_number": "1Z1"}]});
    assert_eq!(tracker_of(&list, "1Z1").unwrap()["id"], "trk_2");
    assert_eq!(tracker_of(&list, "1Z"), None);
}
