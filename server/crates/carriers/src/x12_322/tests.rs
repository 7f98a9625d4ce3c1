//! The standard tests, and the 322's own habits.

use super::{super::checks, *};
use domain::{
    mapping::Mapping,
    observation::{Origin, RefKind},
    reading::Reader,
};

const BODY: &[u8] = include_bytes!("fixtures/x12types_parse_322_1_1.edi");

#[test]
fn nothing_is_refused() {
    checks::nothing_is_refused_without_a_reason(&X12322);
}

#[test]
fn a_container_arrives_at_a_ramp() {
    let decoded = X12322.decode(BODY).unwrap();
    let report = &decoded.reports[0];
    assert_eq!(report.refs.get(RefKind::Container), Some("HASU4316170"));
    assert_eq!(report.refs.get(RefKind::Booking), Some("6PHLSA1234"));
    assert_eq!(report.carrier.as_deref(), Some("BNSF"));
    let [arrival, arrives, delivery] = report.observations.as_slice() else { panic!("{:?}", report.observations) };
    assert_eq!(Mapping::base().read(arrival).milestone.code(), "ARRIVED_FACILITY");
    assert_eq!(arrival.time.local.map(|l| l.to_string()).as_deref(), Some("2016-05-26T21:45:20"));
    let place = arrival.location.as_ref().unwrap();
    assert_eq!((place.label().as_str(), place.unlocode.as_deref()), ("SAINT PAUL, MN, US", Some("USSTP")));
    for (expected, raw) in [(arrives, "371"), (delivery, "017")] {
        assert_eq!(
            (expected.codes.raw.as_str(), expected.classifier.code(), expected.origin),
            (raw, "EST", Origin::Summary)
        );
    }
}

#[test]
fn a_unit_without_a_number_costs_no_other() {
    let isa =
        "ISA*00*          *00*          *02*CMPO           *ZZ*RCV            *260310*1200*U*00401*000000001*0*P*>~";
    let text = format!(
        "{isa}GS*IO*A*B~ST*322*1~N7*****~Q5*A*20260310*0930~N7*CSQU*305438~Q5*A*20260310*0930~SE*6*1~GE*1*1~IEA*1*1~"
    );
    let decoded = X12322.decode(text.as_bytes()).unwrap();
    assert_eq!(decoded.reports.len(), 1);
    assert!(decoded.problems.iter().any(|p| p.at == "N7"), "{:?}", decoded.problems);
}

#[test]
fn out_of_the_gate_and_onto_the_train() {
    let of = |body: &[u8]| {
        let decoded = X12322.decode(body).unwrap();
        Mapping::base().read(&decoded.reports[0].observations[0]).milestone.code()
    };
    assert_eq!(of(include_bytes!("fixtures/x12types_parse_322_2_2.edi")), "GATE_OUT");
    assert_eq!(of(include_bytes!("fixtures/x12types_parse_322_4_4.edi")), "LOADED");
}

#[test]
fn the_destination_ramp_and_empty_equipment() {
    let changed = |from: &str, to: &str| {
        let text = String::from_utf8_lossy(BODY).replace(from, to);
        let decoded = X12322.decode(text.as_bytes()).unwrap();
        Mapping::base().read(&decoded.reports[0].observations[0]).milestone.code()
    };
    assert_eq!(changed("R4*7*UN*USCHI", "R4*7*UN*USSTP"), "ARRIVED_DESTINATION");
    assert_eq!(changed("Q5*A*", "Q5*I*"), "GATE_IN_ORIGIN");
    let text = String::from_utf8_lossy(BODY).replace("Q5*A*", "Q5*I*").replace("*CC*L*", "*CC*E*");
    let decoded = X12322.decode(text.as_bytes()).unwrap();
    assert_eq!(Mapping::base().read(&decoded.reports[0].observations[0]).milestone.code(), "EMPTY_RETURNED");
}

#[test]
fn each_unit_is_reported_for_itself() {
    let text = String::from_utf8_lossy(BODY).replace("M7*", "N7*CSQU*305438*********CN*CSXT~M7*");
    let decoded = X12322.decode(text.as_bytes()).unwrap();
    let units = decoded.reports.iter().map(|r| (r.refs.get(RefKind::Container).unwrap(), r.observations.len()));
    // the dates stand between the two, with the first
    assert_eq!(units.collect::<Vec<_>>(), [("HASU4316170", 3), ("CSQU3054383", 1)]);
}

#[test]
fn bad_messages_are_refused_with_a_reason() {
    assert!(X12322.decode(b"").unwrap_err().to_string().contains("ISA"));
    let nameless: String = String::from_utf8_lossy(BODY)
        .split_inclusive('~')
        .filter(|s| !["N7", "W2", "N9"].iter().any(|t| s.contains(&format!("\n{t}*"))))
        .collect();
    assert!(X12322.decode(nameless.as_bytes()).unwrap_err().to_string().contains("N7"));
    checks::corrupt(&X12322, BODY);
}
