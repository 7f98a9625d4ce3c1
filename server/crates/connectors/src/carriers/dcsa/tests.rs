//! The standard tests, and DCSA's own habits.

use super::{super::checks, *};
use domain::{mapping::Mapping, observation::RefKind, reading::Reader};

const BODY: &[u8] = include_bytes!("fixtures/vessel_arrival_2_estimated.json");

fn equipment(code: &str, empty: &str, facility: &str) -> &'static str {
    let body = format!(
        r#"[{{"eventID":"e1","eventCreatedDateTime":"2026-03-11T10:00:00Z","eventType":"EQUIPMENT","eventClassifierCode":"ACT","eventDateTime":"2026-03-11T10:00:00+01:00",
        "equipmentEventTypeCode":"{code}","equipmentReference":"CSQU3054383","emptyIndicatorCode":"{empty}","transportCall":{{"facilityTypeCode":"{facility}","UNLocationCode":"DEHAM"}}}}]"#
    );
    let decoded = Dcsa.decode(body.as_bytes()).unwrap();
    Mapping::base().read(&decoded.reports[0].observations[0]).milestone.code()
}

#[test]
fn messages_are_read_as_expected() {
    assert_eq!(checks::agree_with_expectations(&Dcsa), 2);
    checks::nothing_is_refused_without_a_reason(&Dcsa);
}

#[test]
fn what_a_move_is_depends_on_the_place_and_on_what_is_in_the_container() {
    assert_eq!(equipment("DROP", "LADEN", "CLOC"), "DELIVERED");
    assert_eq!(equipment("DROP", "LADEN", "DEPO"), "ARRIVED_FACILITY");
    assert_eq!(equipment("DROP", "EMPTY", "DEPO"), "EMPTY_RETURNED");
    assert_eq!(equipment("PICK", "EMPTY", "DEPO"), "EMPTY_RELEASED");
    assert_eq!(equipment("GTIN", "EMPTY", "DEPO"), "EMPTY_RETURNED");
    assert_eq!(equipment("GTOT", "EMPTY", "DEPO"), "EMPTY_RELEASED");
    assert_eq!(equipment("GTOT", "LADEN", "POTE"), "GATE_OUT");
}

#[test]
fn every_version_names_the_same_things() {
    let old = Dcsa.decode(include_bytes!("fixtures/cg_tnt_220_response.json")).unwrap();
    let beta = Dcsa.decode(include_bytes!("fixtures/tnt_v3_booking_example.json")).unwrap();
    let new = Dcsa.decode(include_bytes!("fixtures/cg_tnt_300_request_equipment.json")).unwrap();
    for decoded in [&old, &beta, &new] {
        assert!(decoded.reports.iter().any(|r| r.refs.get(RefKind::Container) == Some("APZU4812090")), "{decoded:?}");
    }
    assert!(old.reports.iter().any(|r| r.refs.get(RefKind::Booking) == Some("ABC123123123")));
    let loaded = &new.reports[0].observations[0];
    assert_eq!(loaded.location.as_ref().unwrap().unlocode.as_deref(), Some("NLRTM"));
    assert_eq!(loaded.provider_event_id.as_deref(), Some("evt-equip-001-2026-01-20T14:15:00Z"));
}

#[test]
fn a_cancelled_document_is_no_cancelled_shipment_unless_it_is_the_booking() {
    let of = |kind: &str| {
        let body = format!(
            r#"{{"eventID":"e","eventType":"SHIPMENT","eventClassifierCode":"ACT","eventDateTime":"2026-03-11T10:00:00Z","shipmentEventTypeCode":"CANC","documentTypeCode":"{kind}","documentID":"B1","references":[{{"referenceType":"EQ","referenceValue":"CSQU3054383"}}]}}"#
        );
        let decoded = Dcsa.decode(body.as_bytes()).unwrap();
        Mapping::base().read(&decoded.reports[0].observations[0]).milestone.code()
    };
    assert_eq!(of("BKG"), "CANCELLED");
    assert_eq!(of("SHI"), "INFO");
}

#[test]
fn a_retraction_has_no_payload() {
    let body = br#"[{"metadata":{"eventID":"e3","eventCreatedDateTime":"2026-03-11T18:20:00Z","eventType":"EQUIPMENT","retractedEventID":"e2"}}]"#;
    let decoded = Dcsa.decode(body).unwrap();
    assert_eq!(decoded.reports[0].observations[0].retracts.as_deref(), Some("e2"));
}

#[test]
fn other_standards_and_bad_messages_are_refused_with_a_reason() {
    assert!(matches!(
        Dcsa.decode(include_bytes!("fixtures/cg_portcall_api_200_get_response.json")),
        Err(DecodeError::NotTracking(_))
    ));
    let refused = |body: &str| Dcsa.decode(body.as_bytes()).unwrap_err().to_string();
    assert!(refused("{}").contains("event type"));
    assert!(refused("3").contains("neither"));
    assert!(
        refused(r#"{"eventClassifierCode":"ACT","eventDateTime":"soon","transportEventTypeCode":"ARRI"}"#)
            .contains("eventDateTime")
    );
    assert!(
        refused(
            r#"{"eventClassifierCode":"ACT","eventDateTime":"2026-03-11T10:00:00Z","transportEventTypeCode":"ARRI"}"#
        )
        .contains("equipment")
    );
    for name in ["truncated.json", "deep_nesting.json"] {
        assert!(Dcsa.decode(&checks::hostile(name)).is_err(), "{name}");
    }
    checks::mutilate(&Dcsa, BODY);
}
