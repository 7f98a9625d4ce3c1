//! AfterShip's answers, and what they mean.

use super::*;
use crate::composed::{agree, word};

#[test]
fn every_answer_means_what_is_documented() {
    agree(include_str!("answers.json"), |line| {
        let answer = line.answer();
        match line.of.as_str() {
            "registered" => match registered(&answer, "1Z") {
                Answered::New(of) => of.id.unwrap_or_default(),
                Answered::Exists => "exists".into(),
                Answered::Other(outcome) => word(&outcome, |_| "done".into()),
            },
            "stopped" => word(&stopped(&answer), |()| "stopped".into()),
            other => panic!("no call {other}"),
        }
    });
}

#[test]
fn the_tracking_of_exactly_this_number_and_carrier_is_taken() {
    let one = |id: &str, number: &str, slug: &str| json!({"id": id, "tracking_number": number, "slug": slug});
    let body = json!({"data": {"trackings": [one("a", "1Z1", "ups"), one("b", "1Z", "dhl"), one("c", "1Z", "ups")]}});
    let id = |number, slug| tracking_of(&body, number, slug).map(|of| of["id"].clone());
    assert_eq!((id("1Z", Some("ups")), id("1z", None), id("2Z", None)), (Some(json!("c")), Some(json!("b")), None));
}
