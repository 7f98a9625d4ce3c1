//! The standard tests, and MFS XML's own habits.

use super::{super::checks, *};
use domain::{
    Classifier,
    observation::{Feed, Origin, RefKind},
};

const REFUSED: &[u8] = include_bytes!("fixtures/refused.xml");
const SLIM: &str = include_str!("fixtures/delivered_slim.xml");

#[test]
fn messages_are_read_as_expected() {
    assert_eq!(checks::agree_with_expectations(&MfsXml), 2);
    checks::nothing_is_refused_without_a_reason(&MfsXml);
}

#[test]
fn the_list_is_stamped_by_the_time_with_an_offset() {
    let decoded = MfsXml.decode(REFUSED).unwrap();
    let report = &decoded.reports[0];
    assert_eq!(report.feed, Feed::Snapshot { stamp: Some("2026-03-06T21:10:00Z".parse().unwrap()) });
    assert!(
        decoded.problems[0].at == "TransmissionDateUTC",
        "nine in the morning is not three in the afternoon plus six"
    );
    assert_eq!(report.refs.get(RefKind::TrackingNumber), Some("K20000007"));
    assert_eq!(report.refs.get(RefKind::TrackerObject), Some("20000007"));
    assert_eq!(report.refs.get(RefKind::Order), Some("SO-815"));
    assert_eq!(MfsXml.delivery_key(REFUSED), DeliveryKey(Some("70000001".into())));
}

#[test]
fn the_newest_event_wins_over_the_current_status_and_the_milestone() {
    let decoded = MfsXml.decode(REFUSED).unwrap();
    let said = &decoded.reports[0].observations;
    let raw: Vec<&str> = said.iter().map(|o| o.codes.raw.as_str()).collect();
    assert_eq!(raw, ["Damaged - Refused", "OutForDel", "DelToAgt/D0", "Xray", "Pickup", "D6", "Schedule"]);
    assert_eq!(said[0].provider_event_id, None, "-1 stands for the closure of every shipment");
    assert_eq!(said[2].signatory.as_deref(), Some("A. Sample"));
    assert_eq!((said[6].classifier, said[6].origin), (Classifier::Planned, Origin::Summary));
}

#[test]
fn an_end_that_only_the_summary_tells_is_a_statement_of_its_own() {
    let list = SLIM.find("<StatusList>").unwrap()..SLIM.find("</Shipment>").unwrap();
    let mut without = SLIM.to_owned();
    without.replace_range(list, "");
    let decoded = MfsXml.decode(without.as_bytes()).unwrap();
    let [only] = &decoded.reports[0].observations[..] else { panic!("one statement: no appointment in 1900") };
    assert_eq!((only.codes.raw.as_str(), only.origin), ("Delivered", Origin::Summary));
    assert_eq!(only.time.local.map(|l| l.to_string()).as_deref(), Some("2026-03-07T08:20:00"));
    let refused = MfsXml.decode(without.replace("Delivered", "Exception: Refused").as_bytes()).unwrap();
    assert_eq!(refused.reports[0].observations[0].codes.status[0].list, "mfs.close_type");
}

#[test]
fn bad_messages_are_refused_with_a_reason() {
    let error = MfsXml.decode(&checks::hostile("xxe.xml")).unwrap_err().to_string();
    assert!(error.contains("document type definition"), "{error}");
    let error = MfsXml.decode(&REFUSED[..REFUSED.len() / 2]).unwrap_err().to_string();
    assert!(error.contains("syntax is wrong"), "{error}");
    let nobody = SLIM.replace("<BOL>K20000008</BOL>", "").replace("<TranID>20000008</TranID>", "");
    assert!(MfsXml.decode(nobody.as_bytes()).unwrap_err().to_string().contains("BOL"));
    assert!(matches!(MfsXml.decode(b"<InvoiceTransmission/>"), Err(DecodeError::NotTracking(_))));
    assert!(matches!(MfsXml.decode(b"<StatusTransmission/>"), Err(DecodeError::NotTracking(_))));
    assert!(MfsXml.decode(b"<html/>").is_err() && MfsXml.decode(b"").is_err() && MfsXml.decode(b"{}").is_err());
    checks::corrupt(&MfsXml, REFUSED);
}
