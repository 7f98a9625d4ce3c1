//! TrackingMore's answers, and what they mean.

use super::*;
use crate::composed::{agree, word};

#[test]
fn every_answer_means_what_is_documented() {
    let number = TrackedNumber { number: "1Z".into(), carrier: Some("ups".into()), ..TrackedNumber::default() };
    agree(include_str!("answers.json"), |line| {
        let answer = line.answer();
        match line.of.as_str() {
            "registered" => word(&registered(&answer, std::slice::from_ref(&number))[0], |of| match &of.id {
                _ if of.known => "known".into(),
                id => id.clone().unwrap_or_default(),
            }),
            "restarted" => word(&restarted(&answer, "t1", &number), |of| of.id.clone().unwrap_or_default()),
            "stopped" => word(&stopped(&answer), |()| "stopped".into()),
            other => panic!("no call {other}"),
        }
    });
}
