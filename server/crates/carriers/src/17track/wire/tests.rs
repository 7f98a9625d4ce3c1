//! 17TRACK's answers, and what they mean.

use super::*;
use crate::composed::{agree, word};

fn tracked(number: &str) -> TrackedNumber {
    TrackedNumber { number: number.into(), reference: Some("x".repeat(150)), ..TrackedNumber::default() }
}

#[test]
fn every_answer_means_what_is_documented() {
    agree(include_str!("answers.json"), |line| {
        let answer = line.answer();
        match line.of.as_str() {
            "registered" => word(&registered(&answer, &[tracked("1Z")])[0], |of| match &of.carrier {
                _ if of.known => "known".into(),
                carrier => format!("new {}", carrier.clone().unwrap_or_default()),
            }),
            "stopped" => {
                let number = RegisteredNumber { number: "1Z".into(), ..RegisteredNumber::default() };
                word(&stopped(&answer, &[number])[0], |()| "stopped".into())
            }
            other => panic!("no call {other}"),
        }
    });
}

#[test]
fn carriers_are_numbers_and_tags_are_short() {
    let ups = TrackedNumber { carrier: Some("100002".into()), ..tracked("1Z") };
    let word = TrackedNumber { carrier: Some("ups".into()), ..tracked("1Y") };
    let body = registration(&[ups, word]);
    assert_eq!((&body[0]["carrier"], body[1].get("carrier")), (&json!(100_002), None));
    assert_eq!(body[0]["tag"].as_str().map(str::len), Some(TAG_CHARS_MAX));
}

#[test]
fn one_number_with_two_carriers_is_two() {
    let item = |carrier: u64| json!({"number": "1Z", "carrier": carrier});
    let body = json!({"code": 0, "data": {"accepted": [item(3011)], "rejected": [
        {"number": "1Z", "carrier": 100_002, "error": {"code": -18_019_903, "message": ""}}]}});
    let answer = Response { status: 200, headers: http::HeaderMap::new(), body: body.to_string().into_bytes() };
    let of = |carrier: &str| TrackedNumber { carrier: Some(carrier.into()), ..tracked("1Z") };
    let [post, ups] = &registered(&answer, &[of("3011"), of("100002")])[..] else { panic!() };
    assert!(matches!(post, Outcome::Done(_)) && matches!(ups, Outcome::Refused(_)), "{post:?} {ups:?}");
}
