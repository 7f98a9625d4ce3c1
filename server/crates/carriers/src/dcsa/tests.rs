//! The standard tests, and DCSA Track & Trace's own habits.

use super::{super::checks, *};
use domain::{
    Classifier, ExceptionReason, Milestone,
    mapping::Mapping,
    observation::{Feed, Observation, RefKind},
    reading::{Reader, Resolves},
};
use serde_json::{Value, json};

const LIST: &[u8] = include_bytes!("fixtures/cg_tnt_300_response.json");

fn decoded(body: &Value) -> Decoded {
    Dcsa.decode(body.to_string().as_bytes()).unwrap()
}

fn only(body: &Value) -> Observation {
    decoded(body).reports[0].observations[0].clone()
}

fn milestone(body: &Value) -> Milestone {
    Mapping::base().read(&only(body)).milestone
}

fn equipment(code: &str, load: &str, facility: &str) -> Value {
    json!({"eventID": "e", "eventType": "EQUIPMENT", "eventClassifierCode": "ACT", "eventDateTime": "2026-03-02T10:00:00Z",
        "equipmentEventTypeCode": code, "equipmentReference": "CSQU3054383", "emptyIndicatorCode": load,
        "eventLocation": {"UNLocationCode": "DEHAM", "facilityTypeCode": facility}})
}

fn shipment(code: &str, document: &str) -> Value {
    json!({"eventType": "SHIPMENT", "eventClassifierCode": "ACT", "eventDateTime": "2026-03-02T10:00:00Z",
        "shipmentEventTypeCode": code, "documentTypeCode": document, "documentID": "X1",
        "documentReferences": [{"documentReferenceType": "BKG", "documentReferenceValue": "BOOK1"}]})
}

#[test]
fn messages_are_read_as_expected() {
    assert_eq!(checks::agree_with_expectations(&Dcsa), 2);
    checks::nothing_is_refused_without_a_reason(&Dcsa);
}

#[test]
fn every_dialect_says_the_same() {
    let flat = equipment("GTIN", "LADEN", "POTE");
    let mut payload = flat.clone();
    let id = payload.as_object_mut().unwrap().remove("eventID");
    let beta = json!({"metadata": {"eventID": id, "eventType": "EQUIPMENT", "eventCreatedDateTime": "2026-03-02T11:00:00+01:00"}, "payload": payload});
    let release = json!({"events": [{"eventID": "e", "eventDateTime": "2026-03-02T10:00:00Z", "eventUpdatedDateTime": "2026-03-02T10:00:00Z",
        "eventLocation": {"UNLocationCode": "DEHAM", "facilityType": "PORT_TERMINAL"},
        "eventClassification": {"eventType": "EQUIPMENT", "eventClassifier": "ACTUAL", "equipmentEventType": "GATED_IN"},
        "equipmentDetails": {"equipmentReference": "CSQU3054383", "emptyIndicator": "LADEN"}}]});
    for body in [&flat, &beta, &release, &json!([flat])] {
        let report = &decoded(body).reports[0];
        assert_eq!((report.refs.get(RefKind::Container), &report.feed), (Some("CSQU3054383"), &Feed::Delta));
        let said = only(body);
        assert_eq!((said.codes.status, said.classifier), (only(&flat).codes.status, Classifier::Actual));
        assert_eq!(said.provider_event_id.as_deref(), Some("e"));
        assert_eq!(Dcsa.delivery_key(body.to_string().as_bytes()), DeliveryKey(Some("e".into())));
    }
    assert_eq!(only(&beta).stated_at.unwrap().to_string(), "2026-03-02T10:00:00Z");
    assert_eq!(only(&release).codes.raw, "GATED_IN", "as the source wrote it");
    assert_eq!(Dcsa.delivery_key(LIST), DeliveryKey(None));
}

#[test]
fn what_is_in_the_container_and_where_decides_the_meaning() {
    use Milestone as M;
    for (code, load, facility, expected) in [
        ("DROP", "LADEN", "CLOC", M::Delivered),
        ("DROP", "LADEN", "DEPO", M::ArrivedFacility),
        ("DROP", "LADEN", "COYA", M::ArrivedFacility),
        ("DROP", "EMPTY", "DEPO", M::EmptyReturned),
        ("DROP", "EMPTY", "CLOC", M::EmptyReleased),
        ("PICK", "EMPTY", "DEPO", M::EmptyReleased),
        ("PICK", "LADEN", "CLOC", M::PickedUp),
        ("GTIN", "EMPTY", "DEPO", M::EmptyReturned),
        ("GTIN", "LADEN", "POTE", M::GateInOrigin),
        ("GTOT", "EMPTY", "DEPO", M::EmptyReleased),
        ("GTOT", "LADEN", "POTE", M::GateOut),
        ("AVPU", "EMPTY", "DEPO", M::Info),
    ] {
        assert_eq!(milestone(&equipment(code, load, facility)), expected, "{code} {load} {facility}");
    }
    let mut import = equipment("GTIN", "LADEN", "INTE");
    import["movementType"] = "IMPORT".into();
    assert_eq!(milestone(&import), M::ArrivedFacility);
}

#[test]
fn what_happens_to_a_paper_does_not_happen_to_the_goods() {
    use Milestone as M;
    for (code, document, expected) in [
        ("CONF", "BKG", M::Booked),
        ("CONF", "SHI", M::Info),
        ("CANC", "BKG", M::Cancelled),
        ("CANC", "CBR", M::Cancelled),
        ("CANC", "SHI", M::Info),
        ("VOID", "TRD", M::Info),
        ("RELS", "CUC", M::CustomsCleared),
        ("RELS", "DEO", M::Info),
    ] {
        assert_eq!(milestone(&shipment(code, document)), expected, "{code} {document}");
    }
    let rejected = |document| Mapping::base().read(&only(&shipment("REJE", document))).exception;
    let over = Mapping::base().read(&only(&shipment("RELS", "TRD"))).resolves;
    assert_eq!(over, Some(Resolves::Reason(ExceptionReason::HoldCarrier)));
    assert_eq!((rejected("CBR"), rejected("TRD")), (Some(ExceptionReason::CarrierRejected), None));
}

#[test]
fn a_retraction_names_its_event() {
    let beta = Dcsa.decode(include_bytes!("fixtures/tnt_v3_transport_event_list_example.json")).unwrap();
    let [taken_back] = &beta.reports[0].observations[..] else { panic!("one statement") };
    assert_eq!(taken_back.retracts.as_deref(), Some("957e4966-dad0-4111-9f8f-fb7216c43907"));
    assert_eq!((beta.reports.len(), beta.problems.len()), (2, 0));
    let mut event = equipment("DROP", "LADEN", "CLOC");
    event["isRetracted"] = true.into();
    assert_eq!(only(&event).retracts.as_deref(), Some("e"), "all else in it is void");
    event["isRetracted"] = false.into();
    assert_eq!(only(&event).retracts, None);
}

#[test]
fn an_event_hangs_on_each_container_else_on_its_documents() {
    let event = |references: Value, documents: Value| {
        json!({"eventType": "TRANSPORT", "eventClassifierCode": "EST", "eventDateTime": "2026-03-02T10:00:00Z",
            "transportEventTypeCode": "ARRI", "references": references, "relatedDocumentReferences": documents})
    };
    let trackers = |body: &Value| -> Vec<Vec<(RefKind, String)>> {
        decoded(body).reports.into_iter().map(|r| r.refs.0.into_iter().collect()).collect()
    };
    let (b, c) = (json!({"type": "BKG", "value": "B1"}), json!({"type": "TRD", "value": "T1"}));
    let consignment = [(RefKind::BillOfLading, "T1".to_owned()), (RefKind::Booking, "B1".to_owned())];
    assert_eq!(trackers(&event(json!([]), json!([b, c]))), [consignment.to_vec()]);
    let two = event(json!([{"type": "EQ", "value": "C1"}, {"type": "EQ", "value": "C2"}]), json!([b, c]));
    assert_eq!(trackers(&two).len(), 2);
    assert!(trackers(&two)[1].contains(&(RefKind::Container, "C2".into())));
    assert!(trackers(&two)[1].contains(&consignment[0]));
    let several = event(json!([]), json!([b, c, {"type": "TRD", "value": "T2"}]));
    assert_eq!(trackers(&several).len(), 3, "nobody says which transport document belongs to the booking");
}

#[test]
fn wrong_values_are_problems() {
    let wrong = Dcsa.decode(include_bytes!("fixtures/cg_tnt_220_response_wrong_attribute_values.json")).unwrap();
    assert_eq!((wrong.reports.len(), wrong.problems.len()), (1, 2), "two events name nothing to hang on");
    for (field, value, problem) in [
        ("eventClassifierCode", json!("MAYBE"), "eventClassifierCode"),
        ("eventDateTime", json!("the day before"), "no time"),
        ("equipmentReference", json!(3054383), "as text"),
        ("eventLocation", json!({"UNLocationCode": "Hamburg"}), "UN/LOCODE"),
        ("equipmentEventTypeCode", json!(null), "no code"),
    ] {
        let mut event = equipment("GTIN", "LADEN", "POTE");
        event[field] = value;
        let read = decoded(&json!([event]));
        assert!(read.problems.iter().any(|p| p.message.contains(problem)), "{field}: {:?}", read.problems);
    }
    assert!(Mapping::base().read(&only(&equipment("QQQQ", "LADEN", "POTE"))).unmapped, "an unknown code is kept");
}

#[test]
fn other_standards_in_the_channel_are_no_tracking() {
    for body in [
        include_bytes!("fixtures/cg_portcall_api_200_get_response.json").as_slice(),
        include_bytes!("fixtures/cg_arrivalnotice_api_100_post_notification_request.json"),
        br#"{"portCallID": "p", "UNLocationCode": "NLAMS"}"#,
        br#"{"feedbackElements": []}"#,
        b"[]",
    ] {
        assert!(matches!(Dcsa.decode(body), Err(DecodeError::NotTracking(_))));
    }
}

#[test]
fn bad_messages_are_refused_with_a_reason() {
    for (name, reason) in [("truncated.json", "ends too early"), ("deep_nesting.json", "nested too deeply")] {
        let error = Dcsa.decode(&checks::hostile(name)).unwrap_err().to_string();
        assert!(error.contains(reason), "{name}: {error}");
    }
    let template = Dcsa.decode(b"{\n \"portCallID\": \"p\",\n \"isFYI\": IS_FYI_PLACEHOLDER\n}").unwrap_err();
    assert_eq!(template.to_string(), "not JSON: the syntax is wrong at line 3, column 11");
    assert!(Dcsa.decode(b"{}").unwrap_err().to_string().contains("is this a DCSA message?"));
    assert!(Dcsa.decode(b"7").is_err() && Dcsa.decode(b"").is_err());
    checks::corrupt(&Dcsa, LIST);
    checks::corrupt(&Dcsa, include_bytes!("fixtures/cg_tnt_220_response.json"));
}
