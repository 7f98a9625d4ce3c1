//! The simulated carriers' messages through our own connectors: signatures hold, nothing is left unread, and each tale
//! is read as it is meant.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use carriers::{RawRequest, Secrets};
use domain::{
    Classifier, ExceptionReason, Milestone,
    mapping::Mapping,
    observation::{Origin, RefKind},
};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use simulator::{
    SourceSecrets,
    carrier::{Message, compose},
    journey::{Feed, What, shipments},
};

const NOW: &str = "2026-03-10T12:00:00Z";

fn sources() -> SourceSecrets {
    SourceSecrets { aftership: "one".into(), easypost: "two".into(), x12_214: "three".into() }
}

fn verify(message: &Message, now: Timestamp) {
    let (id, secret, scheme) = match message.source {
        "aftership" => ("aftership", "one", None),
        "easypost" => ("easypost", "two", None),
        _ => ("x12_214", "three", Some("bearer")),
    };
    let mut headers = http::HeaderMap::new();
    for (name, value) in &message.headers {
        headers.insert(*name, value.parse().unwrap());
    }
    let carrier = carriers::by_id(id).unwrap();
    let scheme = match scheme {
        Some(name) => carriers::Scheme::from_name(name).unwrap(),
        None => carrier.manifest().schemes[0],
    };
    let path = format!("/ingest/{}", message.source);
    let request =
        RawRequest { method: "POST", path: &path, query: "", peer: None, headers: &headers, body: &message.body };
    let secrets = |secret: &str| Secrets::new(scheme, vec![SecretString::from(secret)]);
    carrier.verify(&secrets(secret), &request, now).unwrap_or_else(|e| panic!("{}: {e}", message.source));
    carrier.verify(&secrets("another"), &request, now).unwrap_err();
}

#[test]
fn every_message_is_believed_and_read_without_a_problem() {
    let now: Timestamp = NOW.parse().unwrap();
    let mapping = Mapping::base();
    for shipment in shipments(7, now) {
        let id = match shipment.carrier.feed {
            Feed::Aftership => "aftership",
            Feed::Easypost => "easypost",
            Feed::Freight => "x12_214",
        };
        for known in 1..=shipment.steps.len() {
            let step = shipment.steps[known - 1];
            let message = compose(&shipment, known, step.at, &sources());
            verify(&message, step.at + SignedDuration::from_secs(20));
            let decoded = carriers::by_id(id).unwrap().decode(&message.body).unwrap();
            assert_eq!(decoded.problems, [], "{id} {:?}", step.what);
            assert_eq!(decoded.reports.len(), 1);
            let report = &decoded.reports[0];
            assert_eq!(report.refs.get(RefKind::TrackingNumber), Some(shipment.number.as_str()));
            let carrier = report.carrier.as_deref().unwrap();
            let heard = domain::carriers::known(id, carrier).unwrap_or_else(|| panic!("{id} {carrier}"));
            let typed = domain::carriers::known("odoo", shipment.carrier.label).unwrap();
            assert_eq!(heard.family, typed.family, "the order and the feed mean one carrier");
            let mut events =
                report.observations.iter().filter(|o| o.classifier == Classifier::Actual && o.origin == Origin::Event);
            let newest = events.next_back().unwrap_or_else(|| panic!("{id} {:?}: no event", step.what));
            let meaning = newest.codes.status.iter().find_map(|code| mapping.look_up(code));
            let refined = newest.codes.reason.as_ref().and_then(|code| mapping.look_up(code)).and_then(|m| m.reason);
            let meant = (meaning.map(|m| m.milestone), refined.or(meaning.and_then(|m| m.reason)));
            is_expected(shipment.carrier.feed, step.what, meant);
        }
    }
}

/// The heart of each tale; how finely a feed tells the rest is its own affair.
fn is_expected(feed: Feed, what: What, meant: (Option<Milestone>, Option<ExceptionReason>)) {
    let (milestone, reason) = meant;
    let freight = feed == Feed::Freight;
    match what {
        What::Announced => assert!(matches!(milestone, Some(Milestone::InfoReceived | Milestone::Booked))),
        What::PickedUp => assert!(matches!(milestone, Some(Milestone::Accepted | Milestone::DepartedPickup))),
        What::OutForDelivery if !freight => assert_eq!(milestone, Some(Milestone::OutForDelivery)),
        What::ReadyForPickup => assert_eq!(milestone, Some(Milestone::AvailableForPickup)),
        What::Delivered => assert_eq!(meant, (Some(Milestone::Delivered), None)),
        What::NobodyHome | What::Closed => {
            assert_eq!((milestone, reason.is_some()), (Some(Milestone::DeliveryAttempted), true))
        }
        What::Delayed => assert_eq!(reason, Some(ExceptionReason::DelayWeather)),
        What::Damaged => assert_eq!(reason, Some(ExceptionReason::Damaged)),
        What::Lost => assert_eq!(reason, Some(ExceptionReason::Lost)),
        What::Refused => assert_eq!(reason, Some(ExceptionReason::ConsigneeRefused), "{feed:?}"),
        What::CustomsHold => assert!(reason.is_some()),
        What::Returning => assert_eq!(milestone, Some(Milestone::ReturnInTransit)),
        What::Returned => assert_eq!(milestone, Some(Milestone::Returned)),
        What::Unheard => assert_eq!(meant, (None, None)),
        _ => assert!(milestone.is_some(), "{feed:?} {what:?}"),
    }
}
