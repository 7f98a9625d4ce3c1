//! The standard tests, and the 214's own habits.

use super::{super::checks, *};
use domain::observation::RefKind;

const BODY: &[u8] = include_bytes!("fixtures/a9_ak_damaged_rewrapped.edi");

#[test]
fn messages_are_read_as_expected() {
    assert_eq!(checks::agree_with_expectations(&X12214), 4);
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

#[test]
fn bad_messages_are_refused_with_a_reason() {
    assert!(X12214.decode(b"<xml/>").unwrap_err().to_string().contains("ISA"));
    let nameless = String::from_utf8_lossy(BODY).replace("B10*CMP0001*SHPCMP0001*CMPO", "B10***CMPO");
    assert!(X12214.decode(nameless.as_bytes()).unwrap_err().to_string().contains("B10"));
    checks::mutilate(&X12214, BODY);
}
