//! The standard tests, and GS1 EPCIS's own habits.

use super::{super::checks, *};
use domain::{
    State,
    fold::{Fact, FoldInput, Sighting, fold},
    mapping::Mapping,
    observation::{Feed, Observation, RefKind},
    reading::Reader,
};
use jiff::Timestamp;
use serde_json::{Value, json};

const JOURNEY: &[u8] = include_bytes!("fixtures/sscc_journey.json");
const DECLARED: &[u8] = include_bytes!("fixtures/error_declared.xml");

#[test]
fn messages_are_read_as_expected() {
    assert_eq!(checks::agree_with_expectations(&Epcis), 5);
    checks::nothing_is_refused_without_a_reason(&Epcis);
}

#[test]
fn events_hang_on_the_container_with_what_else_names_it() {
    let decoded = Epcis.decode(JOURNEY).unwrap();
    let [report] = &decoded.reports[..] else { panic!("one container: {:?}", decoded.problems) };
    assert_eq!(report.refs.get(RefKind::Sscc), Some("395211410000000176"));
    assert_eq!(report.refs.get(RefKind::Shipment), Some("DA-77"));
    assert_eq!(report.refs.get(RefKind::PurchaseOrder), Some("PO-4711"));
    assert_eq!((report.feed.clone(), report.observations.len()), (Feed::Delta, 5));
    let shipped = &report.observations[1];
    assert_eq!(
        shipped.provider_event_id.as_deref(),
        Some("urn:uuid:00000000-0000-4000-8000-000000000002/395211410000000176")
    );
    assert_eq!(shipped.time.local.map(|l| l.to_string()).as_deref(), Some("2026-03-02T11:30:00"));
    assert_eq!(shipped.stated_at.map(|t| t.to_string()).as_deref(), Some("2026-03-02T10:31:00Z"));
    assert_eq!(shipped.location.as_ref().and_then(|l| l.facility.as_deref()), Some("9521141000014"));
}

#[test]
fn each_version_and_format_says_the_same() {
    for (json, xml) in [
        (
            &include_bytes!("fixtures/json_documents_objectevent.json")[..],
            &include_bytes!("fixtures/xml20_objectevent.xml")[..],
        ),
        (
            include_bytes!("fixtures/json_documents_aggregationevent.json"),
            include_bytes!("fixtures/xml20_aggregationevent.xml"),
        ),
    ] {
        let [json, xml] = [json, xml].map(|raw| Epcis.decode(raw).unwrap());
        let said = |d: &Decoded| {
            let all = d.reports.iter().flat_map(|r| &r.observations);
            all.map(|o| (o.provider_event_id.clone(), o.codes.clone(), o.time.utc)).collect::<Vec<_>>()
        };
        assert_eq!(said(&json), said(&xml));
        assert!(!json.reports.is_empty() && json.reports.iter().zip(&xml.reports).all(|(j, x)| j.refs == x.refs));
    }
}

fn nil<Id: std::str::FromStr<Err: std::fmt::Debug>>() -> Id {
    "00000000-0000-0000-0000-000000000000".parse().unwrap()
}

/// The state by these statements in this order of arrival.
fn state(statements: &[&Observation]) -> State {
    let fact = |(n, observation): (i64, &&Observation)| Fact {
        id: observation.id("epcis", "-:395211410000000176"),
        observation: (*observation).clone(),
        reading: Mapping::base().read(observation),
        tracker: nil(),
        piece: None,
        source: nil(),
        trust: MANIFEST.trust,
        sightings: vec![Sighting {
            snapshot: None,
            position: 0,
            recorded_at: Timestamp::from_second(1_772_700_000 + n).unwrap(),
        }],
    };
    let facts = (0..).zip(statements).map(fact).collect();
    fold(&FoldInput { facts, ..FoldInput::default() }, "2026-03-06T00:00:00Z".parse().unwrap()).state
}

#[test]
fn a_declared_error_takes_the_event_back_whichever_comes_first() {
    let journey = Epcis.decode(JOURNEY).unwrap().reports.remove(0).observations;
    let declared = Epcis.decode(DECLARED).unwrap();
    assert_eq!(declared.reports.len(), 2, "the transformation is about what goes in and what comes out");
    let retraction = &declared.reports[0].observations[0];
    assert_eq!(
        retraction.retracts.as_deref(),
        Some("urn:uuid:00000000-0000-4000-8000-000000000005/395211410000000176")
    );
    let mut statements: Vec<&Observation> = journey.iter().collect();
    assert_eq!(state(&statements), State::Delivered);
    statements.push(retraction);
    assert_eq!(state(&statements), State::InTransit);
    statements.rotate_right(1);
    assert_eq!(state(&statements), State::InTransit);
}

#[test]
fn an_event_without_an_id_is_taken_back_by_what_it_says() {
    let mut event = json!({
        "type": "ObjectEvent", "eventTime": "2026-03-04T09:15:00Z", "action": "OBSERVE", "bizStep": "destroying",
        "epcList": ["urn:epc:id:sscc:9521141.3000000017"],
    });
    let only = |event: &Value| {
        let mut decoded = Epcis.decode(event.to_string().as_bytes()).unwrap();
        decoded.reports.remove(0).observations.remove(0)
    };
    let said = only(&event);
    event["errorDeclaration"] = json!({"declarationTime": "2026-03-04T10:00:00Z", "reason": "did_not_occur"});
    event["recordTime"] = json!("2026-03-04T10:00:01Z");
    let declared = only(&event);
    assert_eq!((said.provider_event_id, said.retracts), (declared.retracts, declared.provider_event_id));
}

#[test]
fn an_event_is_known_by_who_says_it_of_what() {
    let said = |sender: Option<&str>, id: &str, pallet: &str, error: bool| {
        let mut event = json!({
            "type": "ObjectEvent", "eventID": id, "eventTime": "2026-03-04T10:15:00+01:00", "action": "OBSERVE",
            "bizStep": "receiving", "epcList": [pallet],
        });
        if error {
            event["errorDeclaration"] = json!({"declarationTime": "2026-03-04T10:00:00Z"});
            event["eventTime"] = json!("2026-03-04T09:15:00Z");
        }
        let mut document = json!({"type": "EPCISDocument", "epcisBody": {"eventList": [event]}});
        if let Some(sender) = sender {
            document["sender"] = json!(sender);
        }
        let observations = Epcis.decode(document.to_string().as_bytes()).unwrap().reports.remove(0).observations;
        observations.into_iter().map(|o| o.retracts.or(o.provider_event_id).unwrap()).collect::<Vec<_>>()
    };
    let (pallet, other) = ("urn:epc:id:sscc:9521141.3000000017", "urn:epc:id:sscc:9521141.3000000024");
    let link = "https://id.gs1.org/00/395211410000000176";
    for (id, declared_as) in
        [("_:e1", "_:e7"), ("ni:///sha-256;11?ver=CBV2.0", "ni:///sha-256;22?ver=CBV2.0"), ("#1", "urn:x:1")]
    {
        let event = said(None, id, pallet, false).remove(0);
        assert!(
            said(None, declared_as, link, true).contains(&event),
            "{id}: however the pallet and the time are written"
        );
        assert!(!said(None, id, other, true).contains(&event), "{id}: another pallet");
        assert!(!said(Some("urn:b"), id, pallet, true).contains(&event), "{id}: another sender");
    }
    let event = said(Some("urn:a"), "urn:uuid:1", pallet, false).remove(0);
    assert!(said(Some("urn:a"), "urn:uuid:1", pallet, true).contains(&event));
    assert!(!said(Some("urn:b"), "urn:uuid:1", pallet, true).contains(&event));
    let header = json!({"type": "EPCISDocument", "epcisHeader": {"epcis:StandardBusinessDocumentHeader": {
        "sbdh:Sender": [{"sbdh:Identifier": {"value": "urn:a"}}]}}, "epcisBody": {"eventList": [{
        "type": "ObjectEvent", "eventID": "urn:uuid:1", "eventTime": "2026-03-04T10:15:00Z", "epcList": [pallet]}]}});
    let named = Epcis.decode(header.to_string().as_bytes()).unwrap().reports.remove(0).observations.remove(0);
    assert_eq!(named.provider_event_id, Some(event), "the header names the sender, too");
}

#[test]
fn deleting_says_that_something_did_not_happen_unless_the_step_takes_apart() {
    let deleted = |step: &str| {
        let event = json!({
            "isA": "AggregationEvent", "eventID": "e1", "eventTime": "2026-03-04T09:15:00Z", "action": "DELETE",
            "bizStep": step, "parentID": "https://id.gs1.org/00/395211410000000176",
        });
        let mut decoded = Epcis.decode(json!([event]).to_string().as_bytes()).unwrap();
        let only = decoded.reports.remove(0).observations.remove(0);
        (only.provider_event_id, only.retracts)
    };
    assert_eq!(deleted("receiving"), (None, Some("e1/395211410000000176".into())));
    assert_eq!(deleted("unpacking"), (Some("e1/395211410000000176".into()), None));
}

#[test]
fn what_names_no_shipment_is_a_problem_and_never_lost() {
    let decoded = Epcis.decode(include_bytes!("fixtures/xml20_transactionevent.xml")).unwrap();
    assert!(decoded.reports.is_empty());
    let problem = &decoded.problems[0];
    assert!(problem.at == "event 1" && problem.message.starts_with("2 event(s)"), "{problem:?}");
    let wrong =
        br#"{"type":"ObjectEvent","epcList":["https://id.gs1.org/00/395211410000000177"],"bizStep":"arriving"}"#;
    let decoded = Epcis.decode(wrong).unwrap();
    assert_eq!(decoded.reports[0].refs.get(RefKind::Sscc), Some("395211410000000177"));
    let problems: Vec<_> = decoded.problems.iter().map(|p| p.message.as_str()).collect();
    assert!(problems.iter().any(|p| p.contains("check digit")) && problems.iter().any(|p| p.contains("eventTime")));
}

#[test]
fn a_day_of_a_warehouse_is_one_report_for_each_container() {
    let event = |n: usize| {
        json!({"type": "ObjectEvent", "eventID": n.to_string(), "eventTime": "2026-03-04T09:15:00Z", "bizStep": "arriving",
               "epcList": [format!("urn:epc:id:sscc:9521141.3{:09}", n % 2000)]})
    };
    let body = json!({"type": "EPCISDocument", "epcisBody": {"eventList": (0..10_000).map(event).collect::<Vec<_>>()}});
    let decoded = Epcis.decode(body.to_string().as_bytes()).unwrap();
    assert_eq!(decoded.reports.len(), 2000);
    assert!(decoded.reports.iter().all(|r| r.observations.len() == 5) && decoded.problems.is_empty());
}

#[test]
fn bad_messages_are_refused_with_a_reason() {
    for (name, reason) in [
        ("truncated.json", "ends too early"),
        ("deep_nesting.json", "nested too deeply"),
        ("xxe.xml", "document type definition"),
    ] {
        let error = Epcis.decode(&checks::hostile(name)).unwrap_err().to_string();
        assert!(error.contains(reason), "{name}: {error}");
    }
    let nothing = Epcis.decode(br#"{"type":"EPCISDocument","epcisBody":{"eventList":[]}}"#);
    assert!(matches!(nothing, Err(DecodeError::NotTracking(_))));
    let master = Epcis.decode(b"<m:EPCISMasterDataDocument xmlns:m='urn:epcglobal:epcis-masterdata:xsd:1'/>");
    assert!(matches!(master, Err(DecodeError::NotTracking(_))));
    for bad in [&b"[]"[..], b"", b"{}", b"<a/>", b"\xEF\xBB\xBF <ObjectEvent", &[b"<a>".repeat(50_000)].concat()] {
        assert!(Epcis.decode(bad).is_err());
    }
    let nested = [b"<a>".repeat(50_000), b"</a>".repeat(50_000)].concat();
    assert!(Epcis.decode(&nested).is_err());
    checks::corrupt(&Epcis, JOURNEY);
    checks::corrupt(&Epcis, DECLARED);
}
