//! The standard tests, and the 214's own habits.

use super::{super::checks, *};
use domain::{mapping::Mapping, observation::RefKind, reading::Reader};

const BODY: &[u8] = include_bytes!("fixtures/a9_ak_damaged_rewrapped.edi");

#[test]
fn messages_are_read_as_expected() {
    assert_eq!(checks::agree_with_expectations(&X12214), 8);
    checks::nothing_is_refused_without_a_reason(&X12214);
}

#[test]
fn an_independent_reading_of_nineteen_sets_agrees_on_numbers_and_zones() {
    let decoded = X12214.decode(include_bytes!("fixtures/omniparser_canadapost_19st.edi")).unwrap();
    assert_eq!(decoded.reports.len(), 19);
    let of = |n: usize| {
        (decoded.reports[n].refs.get(RefKind::TrackingNumber).unwrap(), &decoded.reports[n].observations[0].time)
    };
    // omniparser's own snapshot: no code, Pacific, Mountain
    assert_eq!((of(0).0, of(0).1.utc), ("4343638097845589", None));
    assert_eq!((of(1).0, of(1).1.utc.unwrap().to_string().as_str()), ("4343638098050296", "2019-11-02T23:25:00Z"));
    assert_eq!((of(3).0, of(3).1.utc.unwrap().to_string().as_str()), ("4343638098146166", "2019-11-02T22:48:00Z"));
}

#[test]
fn other_sets_in_the_channel_are_no_tracking_and_a_cut_envelope_loses_nothing() {
    assert_eq!(
        X12214.decode(&checks::hostile("x12_997_in_214_channel.edi")),
        Err(DecodeError::NotTracking("X12 set 997".into()))
    );
    let cut = X12214.decode(&checks::hostile("x12_no_iea.edi")).unwrap();
    assert_eq!((cut.reports.len(), cut.problems.len()), (1, 1));
}

#[test]
fn stops_estimates_and_appointments() {
    let isa =
        "ISA*00*          *00*          *02*CMPO           *ZZ*RCV            *260310*1200*U*00401*000000001*0*T*>~";
    let text = format!(
        "{isa}ST*214*1~B10*PRO1*SHIP1*CMPO~L11*PO9*PO~LX*1~AT7*D1*NS***20260309*1600*ET~MS1*BECKLEY*WV*US~L11*2*QN~AT7*AG*NS***20260311*1200*ET~AT7***AB*NA*20260311*1300*ET~SE*10*1~GE*1*1~IEA*1*1~"
    );
    let decoded = X12214.decode(text.as_bytes()).unwrap();
    let report = &decoded.reports[0];
    let classifiers: Vec<_> = report.observations.iter().map(|o| o.classifier.code()).collect();
    assert_eq!(classifiers, ["ACT", "EST", "PLN"]);
    assert_eq!(report.observations[0].stop.map(|s| s.number), Some(2));
    assert_eq!(report.refs.get(RefKind::PurchaseOrder), Some("PO9"));
    assert_eq!(report.carrier.as_deref(), Some("CMPO"));
}

/// A set of these segments, for a consignee in Charlotte.
fn set(segments: &str) -> Decoded {
    let isa =
        "ISA*00*          *00*          *02*CMPO           *ZZ*RCV            *260310*1200*U*00401*000000001*0*T*>~";
    let text = format!(
        "{isa}GS*QM*A*B*20260310*1200*1*X*004010~ST*214*1~B10*PRO1*SHIP1*CMPO~N1*SH*A~N4*COLUMBUS*OH~N1*CN*B~N4*CHARLOTTE*NC~{segments}IEA*1*1~"
    );
    X12214.decode(text.as_bytes()).unwrap()
}

fn milestones(decoded: &Decoded) -> Vec<&'static str> {
    let all = decoded.reports.iter().flat_map(|r| &r.observations);
    all.map(|o| Mapping::base().read(o).milestone.code()).collect()
}

#[test]
fn a_delivery_that_is_certainly_not_the_last_ends_a_leg() {
    let d1 = |place: &str| format!("LX*1~AT7*D1*NS***20260309*1600*ET~MS1*{place}~");
    assert_eq!(milestones(&set(&d1("CHARLOTTE*NC"))), ["DELIVERED"]);
    assert_eq!(milestones(&set(&d1("MATTHEWS*NC"))), ["DELIVERED"], "towns are spelled in many ways");
    let elsewhere = set(&d1("BECKLEY*WV"));
    assert_eq!(milestones(&elsewhere), ["DISCHARGED"]);
    assert!(elsewhere.problems.iter().any(|p| p.message.contains("leg")), "{:?}", elsewhere.problems);
    let stops = set(&format!("{}L11*1*QN~{}L11*2*QN~", d1("CHARLOTTE*NC"), d1("CHARLOTTE*NC")));
    assert_eq!(milestones(&stops), ["DISCHARGED", "DELIVERED"]);
}

#[test]
fn a_stops_number_stands_behind_its_statuses_or_before_them() {
    let at = |decoded: &Decoded| -> Vec<_> {
        decoded.reports[0].observations.iter().map(|o| o.stop.map(|s| s.number)).collect()
    };
    let status = "AT7*X1*NS***20260309*1500*ET~AT7*D1*NS***20260309*1600*ET~";
    assert_eq!(at(&set(&format!("LX*1~{status}L11*2*QN~"))), [Some(2), Some(2)]);
    assert_eq!(at(&set(&format!("LX*1~L11*2*QN~{status}"))), [Some(2), Some(2)]);
    assert_eq!(at(&set(&format!("S5*3*CU~{status}LX*1~{status}"))), [Some(3), Some(3), None, None]);
}

#[test]
fn pieces_remarks_and_the_state_of_the_goods() {
    let decoded = set(
        "LX*1~AT7*D1*NS***20260310*1000*ET~MS2*CSQU*305438*CN~MAN*GM*00376123450000000011~MAN*CP*P2~K1*LEFT AT DOCK~Q7*D*CTN*1~LX*2~AT7*X6*NS***20260309*1000*ET~",
    );
    let report = &decoded.reports[0];
    let said: Vec<_> = report.observations.iter().map(|o| (o.piece.as_deref(), o.description.as_deref())).collect();
    let dock = Some("LEFT AT DOCK");
    assert_eq!(said, [(Some("376123450000000011"), dock), (Some("P2"), dock), (None, None)]);
    let delivered = Mapping::base().read(&report.observations[0]);
    assert_eq!((delivered.milestone.code(), delivered.exception.map(|e| e.code())), ("DELIVERED", Some("DAMAGED")));
    assert_eq!(report.refs.get(RefKind::Container), Some("CSQU3054383"));
}

#[test]
fn a_set_that_cannot_be_read_costs_no_other() {
    let decoded = set("LX*1~AT7*X6*NS***20260309*1000*ET~SE*9*1~ST*214*2~LX*1~AT7*X6*NS***20260309*1000*ET~SE*4*2~");
    assert_eq!(decoded.reports.len(), 1);
    assert!(decoded.problems.iter().any(|p| p.message.contains("B10")), "{:?}", decoded.problems);
}

#[test]
fn bad_messages_are_refused_with_a_reason() {
    assert!(X12214.decode(b"<xml/>").unwrap_err().to_string().contains("ISA"));
    let nameless = String::from_utf8_lossy(BODY).replace("B10*CMP0001*SHPCMP0001*CMPO", "B10***CMPO");
    assert!(X12214.decode(nameless.as_bytes()).unwrap_err().to_string().contains("B10"));
    checks::corrupt(&X12214, BODY);
}
