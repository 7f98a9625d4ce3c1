//! What the simulated carriers send: messages of the shapes that AfterShip, EasyPost and X12 214 really have, signed
//! as the real ones are.

use crate::{
    SourceSecrets,
    journey::{Feed, Place, Shipment, Step, What},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::{Timestamp, tz::TimeZone};
use ring::{
    digest::{SHA256, digest},
    hmac,
};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// A request as a carrier makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The source it goes to: `/ingest/{source}`.
    pub source: &'static str,
    /// The headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// The body of what the carrier says about a shipment at this time: a list of these steps, the newest last.
pub(crate) fn body(shipment: &Shipment, steps: &[Step], at: Timestamp) -> Vec<u8> {
    match shipment.carrier.feed {
        Feed::Aftership => aftership(shipment, steps, at).to_string().into_bytes(),
        Feed::Easypost => easypost(shipment, steps, at).to_string().into_bytes(),
        Feed::Freight => x12_214(shipment, steps, at).into_bytes(),
    }
}

/// What the carrier says about a shipment after its first `known` steps, at this time.
pub fn compose(shipment: &Shipment, known: usize, at: Timestamp, secrets: &SourceSecrets) -> Message {
    signed(shipment.carrier.feed, body(shipment, &shipment.steps[..known.min(shipment.steps.len())], at), secrets)
}

/// A body as its source sends it, with what proves it.
pub(crate) fn signed(feed: Feed, body: Vec<u8>, secrets: &SourceSecrets) -> Message {
    match feed {
        Feed::Aftership => {
            let signature = STANDARD.encode(hmac_sha256(&secrets.aftership, &body));
            let headers = vec![("content-type", "application/json".into()), ("aftership-hmac-sha256", signature)];
            Message { source: "aftership", headers, body }
        }
        Feed::Easypost => {
            let signature = format!("hmac-sha256-hex={}", hex(hmac_sha256(&secrets.easypost, &body).as_ref()));
            let headers = vec![("content-type", "application/json".into()), ("x-hmac-signature", signature)];
            Message { source: "easypost", headers, body }
        }
        Feed::Freight => {
            let headers = vec![
                ("content-type", "application/edi-x12".into()),
                ("authorization", format!("Bearer {}", secrets.x12_214)),
            ];
            Message { source: "freight-214", headers, body }
        }
    }
}

fn hmac_sha256(secret: &str, body: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), body)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, b| {
        let _ = write!(out, "{b:02x}");
        out
    })
}

/// An id that follows from what is said, as a provider's event id does.
fn event_id(shipment: &Shipment, steps: &[Step]) -> String {
    let newest = steps.last().map_or(Timestamp::UNIX_EPOCH, |s| s.at);
    hex(digest(&SHA256, format!("{}/{}/{newest}", shipment.number, steps.len()).as_bytes()).as_ref())
}

/// AfterShip's `tracking_update` (its webhook documentation, version 2026-07): the whole list of checkpoints each time.
fn aftership(shipment: &Shipment, steps: &[Step], at: Timestamp) -> Value {
    let id = event_id(shipment, steps);
    let words = |what| aftership_words(what);
    let (tag, subtag, message) = steps.last().map_or(("Pending", "Pending_001", "Pending"), |s| words(s.what));
    // Hermes tells local times without saying so
    let zoned = shipment.carrier.label != "Hermes";
    let checkpoints: Vec<_> = steps
        .iter()
        .map(|step| {
            let (tag, subtag, message) = words(step.what);
            let local = step.at.to_zoned(step.place.time_zone());
            let time = local.strftime(if zoned { "%Y-%m-%dT%H:%M:%S%:z" } else { "%Y-%m-%dT%H:%M:%S" }).to_string();
            json!({
                "location": step.place.city, "country_iso3": step.place.country3, "country_region": step.place.country3,
                "city": step.place.city, "state": step.place.state, "zip": step.place.zip, "message": message,
                "coordinates": [], "tag": tag, "subtag": subtag, "created_at": stamp(step.at), "checkpoint_time": time,
                "slug": shipment.carrier.word, "raw_tag": null,
            })
        })
        .collect();
    json!({
        "event_id": format!("{}-{}-4{}-8{}-{}", &id[..8], &id[8..12], &id[13..16], &id[17..20], &id[20..32]),
        "event": "tracking_update",
        "is_tracking_first_tag": steps.len() <= 1,
        "msg": {
            "id": format!("sandbox{}", &hex(digest(&SHA256, shipment.number.as_bytes()).as_ref())[..24]),
            "tracking_number": shipment.number,
            "slug": shipment.carrier.word,
            "title": format!("sandbox {}", shipment.number),
            "tag": tag, "subtag": subtag, "subtag_message": message,
            "order_id": shipment.order(),
            "source": "sandbox",
            "return_to_sender": steps.iter().any(|s| s.what == What::Returning),
            "expected_delivery": shipment.estimate.to_zoned(shipment.destination.time_zone()).strftime("%Y-%m-%d").to_string(),
            "signed_by": null, "shipment_package_count": 1,
            "origin_country_iso3": shipment.steps.first().map(|s| s.place.country3),
            "destination_country_iso3": shipment.destination.country3,
            "created_at": stamp(shipment.steps.first().map_or(at, |s| s.at)),
            "updated_at": stamp(at), "last_updated_at": stamp(at),
            "checkpoints": checkpoints,
        },
        "ts": at.as_second(),
    })
}

fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

fn aftership_words(what: What) -> (&'static str, &'static str, &'static str) {
    match what {
        What::Announced => ("InfoReceived", "InfoReceived_001", "Shipment information received"),
        What::PickedUp => ("InTransit", "InTransit_002", "Picked up"),
        What::Arrived => ("InTransit", "InTransit_003", "Arrived at sort facility"),
        What::Departed => ("InTransit", "InTransit_007", "Departed from sort facility"),
        What::ArrivedAbroad => ("InTransit", "InTransit_004", "Arrived in destination country"),
        What::CustomsStarted => ("InTransit", "InTransit_006", "Customs clearance started"),
        What::CustomsHold => ("Exception", "Exception_004", "Clearance event: held by customs"),
        What::CustomsCleared => ("InTransit", "InTransit_005", "Customs clearance completed"),
        What::OutForDelivery => ("OutForDelivery", "OutForDelivery_001", "Out for delivery"),
        What::NobodyHome => ("AttemptFail", "AttemptFail_002", "Delivery attempted, recipient not available"),
        What::Closed => ("AttemptFail", "AttemptFail_003", "Delivery attempted, business closed"),
        What::ReadyForPickup => {
            ("AvailableForPickup", "AvailableForPickup_001", "Ready for collection at the parcel shop")
        }
        What::Delivered => ("Delivered", "Delivered_001", "Delivered"),
        What::Delayed => ("Exception", "Exception_017", "Delayed by severe weather"),
        What::Damaged => ("Exception", "Exception_012", "Parcel damaged"),
        What::Lost => ("Exception", "Exception_013", "Parcel could not be located"),
        What::Refused => ("Exception", "Exception_003", "Recipient refused the parcel"),
        What::Returning => ("Exception", "Exception_010", "On the way back to the sender"),
        What::Returned => ("Exception", "Exception_011", "Returned to the sender"),
        What::Unheard => ("InTransit", "InTransit_012", "Processed at drone depot"),
    }
}

/// EasyPost's `tracker.updated` (EasyPost/examples, `official/fixtures/event-body.json`): the whole list each time.
fn easypost(shipment: &Shipment, steps: &[Step], at: Timestamp) -> Value {
    let id = event_id(shipment, steps);
    let (status, detail, _) = steps.last().map_or(("unknown", "unknown", ""), |s| easypost_words(s.what));
    let before = steps.len().checked_sub(2).map_or("unknown", |i| easypost_words(steps[i].what).0);
    let details: Vec<_> = steps
        .iter()
        .map(|step| {
            let (status, detail, message) = easypost_words(step.what);
            json!({
                "object": "TrackingDetail", "message": message, "description": message, "status": status,
                "status_detail": detail, "datetime": zulu(step.at), "source": shipment.carrier.word, "carrier_code": null,
                "tracking_location": location(&step.place),
            })
        })
        .collect();
    let tracker = &hex(digest(&SHA256, shipment.number.as_bytes()).as_ref())[..24];
    json!({
        "description": "tracker.updated", "mode": "production", "previous_attributes": {"status": before},
        "created_at": zulu(at), "pending_urls": [], "completed_urls": [], "updated_at": zulu(at),
        "id": format!("evt_{}", &id[..32]), "user_id": "user_sandbox", "status": "pending", "object": "Event",
        "result": {
            "id": format!("trk_{tracker}"), "object": "Tracker", "mode": "production", "tracking_code": shipment.number,
            "status": status, "status_detail": detail, "created_at": zulu(shipment.steps.first().map_or(at, |s| s.at)),
            "updated_at": zulu(at), "signed_by": null, "weight": 41.6, "est_delivery_date": zulu(shipment.estimate),
            "shipment_id": null, "carrier": shipment.carrier.word, "tracking_details": details,
            "carrier_detail": {
                "object": "CarrierDetail", "service": "sandbox", "container_type": null,
                "destination_tracking_location": location(&shipment.destination),
            },
            "finalized": matches!(status, "delivered" | "return_to_sender"), "is_return": status == "return_to_sender",
            "public_url": format!("https://track.easypost.example/sandbox/{tracker}"), "fees": [],
        },
    })
}

fn location(place: &Place) -> Value {
    json!({"object": "TrackingLocation", "city": place.city, "state": place.state, "country": place.country, "zip": place.zip})
}

fn zulu(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn easypost_words(what: What) -> (&'static str, &'static str, &'static str) {
    match what {
        What::Announced => ("pre_transit", "label_created", "Shipment information sent to the carrier"),
        What::PickedUp => ("in_transit", "received_at_origin_facility", "Origin scan"),
        What::Arrived | What::ArrivedAbroad => ("in_transit", "arrived_at_facility", "Arrived at facility"),
        What::Departed => ("in_transit", "departed_facility", "Departed from facility"),
        What::CustomsStarted => ("in_transit", "in_transit", "Clearance in progress"),
        What::CustomsHold => ("in_transit", "held", "Held by customs: documents needed"),
        What::CustomsCleared => ("in_transit", "in_transit", "Released by customs"),
        What::OutForDelivery => ("out_for_delivery", "out_for_delivery", "Out for delivery"),
        What::NobodyHome => ("in_transit", "delivery_exception", "Delivery attempted, nobody there"),
        What::Closed => ("in_transit", "delivery_exception", "Delivery attempted, business closed"),
        What::ReadyForPickup => ("available_for_pickup", "arrived_at_pickup_location", "Ready for pick-up"),
        What::Delivered => ("delivered", "arrived_at_destination", "Delivered"),
        What::Delayed => ("in_transit", "weather_delay", "Delayed by severe weather"),
        What::Damaged => ("failure", "damaged", "Package damaged"),
        What::Lost => ("failure", "lost", "Package lost"),
        What::Refused => ("failure", "refused", "Refused by recipient"),
        What::Returning | What::Returned => ("return_to_sender", "return", "Returning to sender"),
        What::Unheard => ("in_transit", "drone_depot_scan", "Processed at drone depot"),
    }
}

/// An X12 214 (004010), one step each; ISA15 says `T`: test.
fn x12_214(shipment: &Shipment, steps: &[Step], at: Timestamp) -> String {
    let control = 1 + shipment.index * 100 + steps.len();
    let sent = at.to_zoned(TimeZone::UTC);
    let (day, hour) = (sent.strftime("%Y%m%d").to_string(), sent.strftime("%H%M").to_string());
    let scac = shipment.carrier.word;
    let mut body =
        vec![format!("ST*214*{control:09}"), format!("B10*{}*SBX{}*{scac}", shipment.number, shipment.number)];
    if let Some(order) = shipment.order() {
        body.push(format!("L11*{order}*PO"));
    }
    if let Some(first) = shipment.steps.first() {
        body.push("N1*SH*NORTHWIND SANDBOX".into());
        body.push(n4("N4", &first.place, Some(first.place.zip)));
    }
    body.push("N1*CN*SANDBOX CONSIGNEE".into());
    body.push(n4("N4", &shipment.destination, Some(shipment.destination.zip)));
    body.push("LX*1".into());
    if let Some(step) = steps.last() {
        let (status, reason) = x12_words(step.what);
        let local = step.at.to_zoned(step.place.time_zone());
        body.push(format!("AT7*{status}*{reason}***{}*LT", local.strftime("%Y%m%d*%H%M")));
        body.push(n4("MS1", &step.place, None));
        if matches!(step.what, What::PickedUp | What::Departed) {
            let eta = shipment.estimate.to_zoned(shipment.destination.time_zone());
            body.push(format!("AT7*AG*NS***{}*LT", eta.strftime("%Y%m%d*%H%M")));
            body.push(n4("MS1", &shipment.destination, None));
        }
    }
    body.push(format!("SE*{}*{control:09}", body.len() + 1));
    let mut text = format!(
        "ISA*00*          *00*          *02*{scac:<15}*ZZ*{:<15}*{}*{hour}*U*00401*{control:09}*0*P*>~\n",
        "MILEPOSTSANDBOX",
        sent.strftime("%y%m%d"),
    );
    let _ = write!(text, "GS*QM*{scac}*MILEPOSTSANDBOX*{day}*{hour}*{control}*X*004010~\n{}~\n", body.join("~\n"));
    let _ = write!(text, "GE*1*{control}~\nIEA*1*{control:09}~\n");
    text
}

fn n4(segment: &str, place: &Place, zip: Option<&str>) -> String {
    let state = place.state.unwrap_or_default();
    let city = place.city.to_uppercase();
    match zip {
        Some(zip) => format!("{segment}*{city}*{state}*{zip}*{}", place.country),
        None => format!("{segment}*{city}*{state}*{}", place.country),
    }
}

/// Status (element 1650) and reason (1651).
fn x12_words(what: What) -> (&'static str, &'static str) {
    match what {
        What::Announced => ("XB", "NS"),
        What::PickedUp => ("AF", "NS"),
        What::Arrived | What::ArrivedAbroad => ("X4", "NS"),
        What::Departed => ("P1", "NS"),
        What::CustomsStarted | What::CustomsCleared => ("K1", "NS"),
        What::CustomsHold => ("PR", "CA"),
        What::OutForDelivery => ("X6", "NS"),
        What::NobodyHome => ("AH", "AQ"),
        What::Closed => ("AH", "B1"),
        What::ReadyForPickup => ("AV", "NS"),
        What::Delivered => ("D1", "NS"),
        What::Delayed => ("SD", "AO"),
        What::Damaged => ("A9", "NS"),
        What::Lost => ("SD", "A5"),
        What::Refused => ("A7", "BS"),
        What::Returning => ("A3", "BT"),
        What::Returned => ("A3", "NS"),
        What::Unheard => ("ZQ", "NS"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journey::shipments;

    fn secrets() -> SourceSecrets {
        SourceSecrets { aftership: "one".into(), easypost: "two".into(), x12_214: "three".into() }
    }

    fn of(feed: Feed) -> Shipment {
        let now = "2026-03-10T12:00:00Z".parse().unwrap();
        shipments(7, now).into_iter().find(|s| s.carrier.feed == feed && s.steps.len() >= 6).unwrap()
    }

    #[test]
    fn signatures_are_over_the_bytes_and_in_the_providers_form() {
        let at = "2026-03-10T12:00:00Z".parse().unwrap();
        let message = compose(&of(Feed::Aftership), 3, at, &secrets());
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"one");
        let signature = STANDARD.decode(&message.headers[1].1).unwrap();
        hmac::verify(&key, &message.body, &signature).unwrap();
        let message = compose(&of(Feed::Easypost), 3, at, &secrets());
        let expected = hex(hmac_sha256("two", &message.body).as_ref());
        assert_eq!(message.headers[1], ("x-hmac-signature", format!("hmac-sha256-hex={expected}")));
        let message = compose(&of(Feed::Freight), 3, at, &secrets());
        assert_eq!(message.headers[1], ("authorization", "Bearer three".to_owned()));
    }

    #[test]
    fn lists_grow_and_everything_says_sandbox() {
        let at = "2026-03-10T12:00:00Z".parse().unwrap();
        for feed in [Feed::Aftership, Feed::Easypost, Feed::Freight] {
            let shipment = of(feed);
            let texts: Vec<_> = (1..=shipment.steps.len())
                .map(|n| String::from_utf8(compose(&shipment, n, at, &secrets()).body).unwrap())
                .collect();
            assert!(texts.iter().all(|t| t.to_lowercase().contains("sandbox") && t.contains(&shipment.number)));
            if feed != Feed::Freight {
                assert!(texts.is_sorted_by_key(String::len));
            }
            assert_eq!(compose(&shipment, 2, at, &secrets()), compose(&shipment, 2, at, &secrets()));
        }
    }

    #[test]
    fn an_interchange_has_the_lengths_that_the_standard_fixes() {
        let shipment = of(Feed::Freight);
        let text = x12_214(&shipment, &shipment.steps[..2], "2026-03-10T12:00:00Z".parse().unwrap());
        assert_eq!(text.find('~'), Some(105), "an ISA segment has 106 characters");
        let segments: Vec<_> = text.split("~\n").collect();
        let from = segments.iter().position(|s| s.starts_with("ST*")).unwrap();
        let to = segments.iter().position(|s| s.starts_with("SE*")).unwrap();
        assert_eq!(segments[to].split('*').nth(1).unwrap(), (to - from + 1).to_string());
    }
}
