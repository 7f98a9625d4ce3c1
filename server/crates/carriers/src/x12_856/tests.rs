//! The standard tests, and the 856's own habits.

use super::{super::checks, *};
use domain::{mapping::Mapping, observation::RefKind, reading::Reader};

const BODY: &[u8] = include_bytes!("fixtures/x12types_test_856_with_carrier_details_5.edi");

/// A notice of this purpose with these segments at shipment level.
fn notice(purpose: &str, segments: &str) -> Decoded {
    let isa =
        "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RCV            *260310*1200*U*00401*000000001*0*T*>~";
    let count = segments.matches('~').count() + 4;
    let text = format!(
        "{isa}GS*SH*A*B*20260310*1200*1*X*004010~ST*856*1~BSN*{purpose}*SHIP1*20260310*1200~HL*1**S~{segments}SE*{count}*1~GE*1*1~IEA*1*1~"
    );
    X12856.decode(text.as_bytes()).unwrap()
}

#[test]
fn notices_are_read_or_say_why_they_tell_nothing() {
    assert_eq!(checks::agree_with_expectations(&X12856), 3);
    checks::nothing_is_refused_without_a_reason(&X12856);
    let nothing = X12856.decode(include_bytes!("fixtures/x12types_test_856_simple_1.edi")).unwrap_err();
    assert!(matches!(&nothing, DecodeError::NotTracking(what) if what.contains("date")), "{nothing}");
    let undated = X12856.decode(include_bytes!("fixtures/x12types_test_856_2_3.edi")).unwrap();
    assert!(undated.reports.is_empty() && undated.problems[0].message.contains("date"), "{:?}", undated.problems);
}

#[test]
fn a_shipment_goes_and_is_expected() {
    let decoded = notice(
        "00",
        "TD5*B*2*CMPO*M*GROUND~TD3*CN*CSQU*305438~REF*CN*PRO1~REF*BM*BL1~DTM*011*20260310~DTM*017*20260312*1200*ET~DTM*067*20260313~DTM*003*20260301~HL*2*1*O~PRF*PO9~DTM*011*20260101~HL*3*2*P~MAN*GM*00376123450000000011~HL*4*2*P~MAN*GM*00376123450000000028~",
    );
    let report = &decoded.reports[0];
    assert_eq!(report.carrier.as_deref(), Some("CMPO"));
    for (kind, value) in [
        (RefKind::TrackingNumber, "PRO1"),
        (RefKind::Shipment, "SHIP1"),
        (RefKind::Container, "CSQU3054383"),
        (RefKind::BillOfLading, "BL1"),
        (RefKind::PurchaseOrder, "PO9"),
    ] {
        assert_eq!(report.refs.get(kind), Some(value));
    }
    let said: Vec<_> = report
        .observations
        .iter()
        .map(|o| (Mapping::base().read(o).milestone.code(), o.classifier.code(), o.piece.as_deref().unwrap()))
        .collect();
    let pieces = ["376123450000000011", "376123450000000028"];
    let expected = [("DEPARTED_PICKUP", "ACT"), ("ETA_CHANGED", "EST"), ("DELIVERY_SCHEDULED", "PLN")];
    assert_eq!(said, expected.into_iter().flat_map(|(m, c)| pieces.map(|p| (m, c, p))).collect::<Vec<_>>());
    assert_eq!(report.observations[2].time.utc.map(|t| t.to_string()).as_deref(), Some("2026-03-12T16:00:00Z"));
}

#[test]
fn the_only_packages_number_is_the_shipments() {
    let decoded = X12856.decode(include_bytes!("fixtures/x12types_test_856_xx_7.edi")).unwrap();
    let report = &decoded.reports[0];
    assert_eq!(report.refs.get(RefKind::TrackingNumber), Some("1Z54242X0357922222"));
    assert_eq!(report.observations[0].piece, None);
    let pallet = X12856.decode(BODY).unwrap();
    assert_eq!(pallet.reports[0].observations[0].piece.as_deref(), Some("1234567890123456"));
}

#[test]
fn a_notice_is_cancelled_or_replaced() {
    let cancelled = notice("01", "DTM*011*20260310~");
    let said: Vec<_> =
        cancelled.reports[0].observations.iter().map(|o| Mapping::base().read(o).milestone.code()).collect();
    assert_eq!(said, ["CANCELLED"]);
    let original = notice("00", "DTM*011*20260310~").reports[0].observations[0].clone();
    let replacement = notice("05", "DTM*011*20260311~");
    let [said, retraction] = replacement.reports[0].observations.as_slice() else { panic!("{replacement:?}") };
    assert_eq!(retraction.retracts, original.provider_event_id);
    assert!(said.retracts.is_none() && said.provider_event_id != original.provider_event_id);
}

#[test]
fn a_notice_is_known_by_who_sends_it() {
    let id = |raw: &[u8]| X12856.decode(raw).unwrap().reports.remove(0).observations.pop().unwrap();
    let one = id(include_bytes!("fixtures/notice_1001_of_one_supplier.edi"));
    let other = id(include_bytes!("fixtures/notice_1001_of_another_supplier.edi"));
    assert!(one.provider_event_id.is_some() && other.retracts.is_some());
    assert_ne!(one.provider_event_id, other.retracts);
    // without an envelope a notice is only known with what it is about
    let bare = |purpose: &str, pro: &str| {
        id(format!("ST*856*1~BSN*{purpose}*1001*20260310*1200~REF*CN*{pro}~DTM*011*20260310~SE*5*1~").as_bytes())
    };
    assert_eq!(bare("00", "A").provider_event_id, bare("05", "A").retracts);
    assert_ne!(bare("00", "A").provider_event_id, bare("05", "B").retracts);
}

#[test]
fn bad_messages_are_refused_with_a_reason() {
    assert!(X12856.decode(b"UNB+").unwrap_err().to_string().contains("ISA"));
    let nameless = String::from_utf8_lossy(BODY).replace("BSN*00*SHIP002*", "BSN*00**").replace("REF*BM*REF123~", "");
    assert!(X12856.decode(nameless.as_bytes()).unwrap_err().to_string().contains("BSN"));
    checks::corrupt(&X12856, BODY);
}
