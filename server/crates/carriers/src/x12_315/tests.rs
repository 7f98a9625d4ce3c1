//! The standard tests, and the 315's own habits.

use super::{super::checks, *};
use domain::{
    mapping::Mapping,
    observation::{Observation, Origin, RefKind},
    reading::Reader,
};

const BODY: &[u8] = include_bytes!("fixtures/x12types_test_2_2.edi");

/// A set of these segments.
fn set(segments: &str) -> String {
    let isa =
        "ISA*00*          *00*          *ZZ*CMPO           *ZZ*RCV            *260310*1200*U*00401*000000001*0*T*>~";
    let count = segments.matches('~').count() + 2;
    format!("{isa}GS*QO*A*B*20260310*1200*1*X*004010~ST*315*1~{segments}SE*{count}*1~GE*1*1~IEA*1*1~")
}

fn first(segments: &str) -> Observation {
    X12315.decode(set(segments).as_bytes()).unwrap().reports[0].observations[0].clone()
}

fn milestone(observation: &Observation) -> &'static str {
    Mapping::base().read(observation).milestone.code()
}

#[test]
fn nothing_is_refused() {
    checks::nothing_is_refused_without_a_reason(&X12315);
}

#[test]
fn a_vessel_arrives_at_the_port_of_transshipment_and_is_expected_at_the_next() {
    let decoded = X12315.decode(BODY).unwrap();
    let report = &decoded.reports[0];
    assert_eq!(report.refs.get(RefKind::Container), Some("TCKU7248807"), "with its check digit, not N9's");
    assert_eq!(report.refs.get(RefKind::Booking), Some("2BUE013415"));
    assert_eq!(report.refs.get(RefKind::BillOfLading), Some("52BUE013415X"));
    let [arrival, expected] = report.observations.as_slice() else { panic!("{:?}", report.observations) };
    assert_eq!((milestone(arrival), arrival.classifier.code()), ("TRANSPORT_ARRIVED", "ACT"));
    assert_eq!(arrival.time.local.map(|l| l.to_string()).as_deref(), Some("2022-11-14T14:50:00"));
    assert_eq!(arrival.location.as_ref().map(|l| l.label()).as_deref(), Some("MAPTM, MA"));
    assert_eq!((expected.classifier.code(), expected.origin), ("EST", Origin::Summary));
    let reading = Mapping::base().read(expected);
    assert_eq!(reading.schedules.map(|m| m.code()), Some("TRANSPORT_ARRIVED"));
    assert_eq!(expected.location.as_ref().and_then(|l| l.unlocode.as_deref()), Some("DEHAM"));
}

#[test]
fn published_codes_have_their_meaning_and_others_none() {
    for (code, expected) in [
        ("VD", "TRANSPORT_DEPARTED"),
        ("VA", "TRANSPORT_ARRIVED"),
        ("AE", "LOADED"),
        ("UV", "DISCHARGED"),
        ("AL", "LOADED"),
        ("UR", "DISCHARGED"),
        ("RL", "TRANSPORT_DEPARTED"),
        ("AR", "ARRIVED_DESTINATION"),
        ("I", "GATE_IN_ORIGIN"),
        ("OA", "GATE_OUT"),
        ("AV", "AVAILABLE_FOR_PICKUP"),
        ("CT", "CUSTOMS_CLEARED"),
        ("D", "DELIVERED"),
        ("EE", "EMPTY_RELEASED"),
        ("RD", "EMPTY_RETURNED"),
        ("CA", "CANCELLED"),
    ] {
        let observation = first(&format!("B4***{code}*20260310*1200**CSQU*305438*L~"));
        assert_eq!(milestone(&observation), expected, "{code}");
    }
    let unknown = first("B4***Q7*20260310*1200**CSQU*305438*L~");
    assert!(Mapping::base().read(&unknown).unmapped);
}

#[test]
fn a_gate_means_something_else_for_an_empty_container_and_at_the_end() {
    let ports = "R4*L*UN*CNSHA*SHANGHAI*CN~R4*D*UN*DEHAM*HAMBURG*DE~";
    let at = |code: &str, state: &str, place: &str| {
        let b4 = format!("B4***{code}*20260310*1200**CSQU*305438*{state}**{place}*UN*3~");
        milestone(&first(&format!("{b4}{ports}")))
    };
    assert_eq!(at("I", "L", "CNSHA"), "GATE_IN_ORIGIN");
    assert_eq!(at("I", "L", "DEHAM"), "ARRIVED_FACILITY");
    assert_eq!(at("I", "E", "DEHAM"), "EMPTY_RETURNED");
    assert_eq!(at("OA", "E", "CNSHA"), "EMPTY_RELEASED");
    assert_eq!(at("D", "E", "CNSHA"), "INFO", "an empty container at the shipper's is no delivery");
}

#[test]
fn estimates_events_of_partners_and_a_check_digit_left_out() {
    let text = set("B4***AG*20260312*1200**CSQU*305438*L~SG*PA*ABC**20260310*0900*ET~V9*XYZ*Rolled*20260310*0800~");
    let report = &X12315.decode(text.as_bytes()).unwrap().reports[0];
    assert_eq!(report.refs.get(RefKind::Container), Some("CSQU3054383"));
    let classifiers: Vec<_> = report.observations.iter().map(|o| (o.classifier.code(), o.codes.raw.as_str())).collect();
    assert_eq!(classifiers, [("EST", "AG"), ("ACT", "PA/ABC"), ("ACT", "XYZ")]);
    let hold = Mapping::base().read(&report.observations[1]);
    assert_eq!(hold.exception.map(|e| e.code()), Some("CUSTOMS_INSPECTION"));
    assert_eq!(report.observations[1].time.utc.map(|t| t.to_string()).as_deref(), Some("2026-03-10T13:00:00Z"));
}

#[test]
fn other_sets_are_no_tracking() {
    assert_eq!(
        X12315.decode(&checks::hostile("x12_997_in_214_channel.edi")),
        Err(DecodeError::NotTracking("X12 set 997".into()))
    );
}

#[test]
fn bad_messages_are_refused_with_a_reason() {
    assert!(X12315.decode(b"{}").unwrap_err().to_string().contains("ISA"));
    let nameless = set("B4***VA*20260310*1200~");
    assert!(X12315.decode(nameless.as_bytes()).unwrap_err().to_string().contains("B4"));
    checks::corrupt(&X12315, BODY);
}
