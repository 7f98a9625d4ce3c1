//! The standard tests, and IFTSTA's own habits.

use super::{super::checks, *};
use domain::{
    mapping::Mapping,
    observation::{Observation, Origin, RefKind, TrackerReport},
    reading::Reader,
};

const BODY: &[u8] = include_bytes!("fixtures/delivered_with_zone.edi");

/// A message of these segments.
fn message(segments: &str) -> String {
    let count = segments.matches('\'').count() + 2;
    format!("UNB+UNOC:3+CARR:ZZ+RCV:ZZ+260310:1200+1'UNH+1+IFTSTA:D:01B:UN'{segments}UNT+{count}+1'UNZ+1+1'")
}

fn read(segments: &str) -> Decoded {
    Iftsta.decode(message(segments).as_bytes()).unwrap()
}

fn milestone(observation: &Observation) -> &'static str {
    Mapping::base().read(observation).milestone.code()
}

fn number(report: &TrackerReport, kind: RefKind) -> Option<&str> {
    report.refs.get(kind)
}

#[test]
fn messages_are_read_as_expected() {
    assert_eq!(checks::agree_with_expectations(&Iftsta), 6);
    checks::nothing_is_refused_without_a_reason(&Iftsta);
}

#[test]
fn a_railway_tells_of_the_container_that_the_status_names_and_of_legs_to_come() {
    let decoded = Iftsta.decode(include_bytes!("fixtures/edifact_types_d00b_rail.edi")).unwrap();
    let report = &decoded.reports[0];
    assert_eq!(number(report, RefKind::Container), Some("TRHU4561222"), "not the one of the heading");
    assert_eq!(number(report, RefKind::Booking), Some("24O4023815"));
    assert_eq!(report.carrier.as_deref(), Some("ABCD"));
    let event = &report.observations[0];
    // the code is another agency's, and nobody published it
    assert_eq!((event.codes.status[0].list.as_str(), milestone(event)), ("edifact.9011.HS", "INFO"));
    assert_eq!(event.location.as_ref().and_then(|l| l.unlocode.as_deref()), Some("USSYR"));
    assert_eq!(event.time.local.map(|l| l.to_string()).as_deref(), Some("2022-11-19T07:10:00"));
    let expected: Vec<_> = report.observations[1..]
        .iter()
        .map(|o| (o.classifier.code(), o.origin, o.location.as_ref().and_then(|l| l.unlocode.as_deref()).unwrap()))
        .collect();
    assert_eq!(
        expected,
        ["USNYC", "USCHI", "USCHI", "USWOQ"].map(|place| ("EST", Origin::Summary, place)),
        "what has happened at the ports is no news"
    );
}

#[test]
fn an_expected_delivery_beside_a_delay_is_no_time_of_the_delay() {
    let decoded = read("BGM+23+1+9'DTM+137:202603101200:203'CNI+1+N1'STS+1+20+63'DTM+17:202603121200:203'");
    let [delay, expected] = &decoded.reports[0].observations[..] else { panic!("{decoded:?}") };
    let reading = Mapping::base().read(delay);
    assert_eq!((delay.classifier.code(), reading.exception.map(|e| e.code())), ("ACT", Some("DELAY_WEATHER")));
    assert_eq!(
        (delay.time.sort_key(), delay.stated_at.is_some()),
        (None, true),
        "when it was reported is all that is known"
    );
    assert_eq!((expected.classifier.code(), milestone(expected)), ("EST", "ETA_CHANGED"));
    assert!(!decoded.problems.is_empty());
    let arrival = read("CNI+1+N1'STS+1+1'DTM+132:202603121200:203'");
    assert_eq!(arrival.reports[0].observations[0].classifier.code(), "EST", "of an arrival it is the time");
}

#[test]
fn a_status_about_nothing_costs_no_other() {
    let decoded = read("CNI+1'STS+1+21'DTM+334:202603101330:203'CNI+2+N2'STS+1+21'DTM+334:202603101330:203'");
    assert_eq!(decoded.reports.len(), 1);
    assert!(decoded.problems.iter().any(|p| p.message.contains("names a number")), "{:?}", decoded.problems);
    let odd = read("CNI+1+N2'STS+1+21'DTM+334:202603101330EST:303'DTM+17:soon:203'");
    assert_eq!(odd.problems.len(), 2, "neither the zone nor the expectation is read: {:?}", odd.problems);
}

#[test]
fn a_cancelled_message_takes_back_only_its_senders_statements() {
    let of = |sender: &str, function: &str| {
        let text = message(&format!("BGM+23+1+{function}'CNI+1+N1'STS+1+21'DTM+334:202603101330:203'"));
        Iftsta.decode(text.replace("CARR:ZZ", sender).as_bytes()).unwrap().reports.remove(0).observations.remove(0)
    };
    assert_eq!(of("A:ZZ", "9").provider_event_id, of("A:ZZ", "1").retracts);
    assert_ne!(of("A:ZZ", "9").provider_event_id, of("B:ZZ", "1").retracts);
}

#[test]
fn ups_writes_the_event_into_the_category() {
    let text = message(
        "BGM+23:UPS::QVD+O4'NAD+DEQ+0A'RFF+CW:1Z0A0A006800000001'CNI+1'LOC+14+:::BRUSSELS+:::BE'STS+1:E1:101'DTM+78:20160714173339:204'FTX+AVA+02++DELIVERY WILL BE RESCHEDULED.:RESOLUTION'",
    );
    let decoded = Iftsta.decode(text.as_bytes()).unwrap();
    let (report, event) = (&decoded.reports[0], &decoded.reports[0].observations[0]);
    assert_eq!((number(report, RefKind::TrackingNumber), &event.piece), (Some("1Z0A0A006800000001"), &None));
    assert_eq!((report.carrier.as_deref(), event.codes.raw.as_str()), (Some("UPS"), "101"));
    assert_eq!(event.location.as_ref().map(|l| l.label()).as_deref(), Some("BRUSSELS, BE"));
    assert_eq!(event.description.as_deref(), Some("RESOLUTION: DELIVERY WILL BE RESCHEDULED."));
}

#[test]
fn a_status_without_an_event_is_no_milestone() {
    let decoded = read("BGM+132+D1+5'CNI+1'STS+1'EQD+CN+CONT1'RFF+CU:REF1'");
    assert!(decoded.reports.is_empty());
    assert!(decoded.problems[0].message.contains("no event"), "{:?}", decoded.problems);
    let worded = read("BGM+132+D1+9'CNI+1+N1'STS+1+:::Customs asks for papers'DTM+334:202603101512:203'");
    let event = &worded.reports[0].observations[0];
    assert_eq!((milestone(event), event.codes.status.len()), ("INFO", 0));
    assert_eq!(event.description.as_deref(), Some("Customs asks for papers"));
}

#[test]
fn the_qualifier_of_the_date_says_whether_it_has_happened() {
    for (dtm, classifier, milestone_code) in [
        ("78", "ACT", "TRANSPORT_DEPARTED"),
        ("334", "ACT", "TRANSPORT_DEPARTED"),
        ("186", "ACT", "TRANSPORT_DEPARTED"),
        ("133", "EST", "TRANSPORT_DEPARTED"),
        ("189", "PLN", "TRANSPORT_DEPARTED"),
    ] {
        let decoded = read(&format!("BGM+23+1+9'CNI+1+N1'STS+1+24'DTM+{dtm}:202603101512:203'"));
        let event = &decoded.reports[0].observations[0];
        assert_eq!((event.classifier.code(), milestone(event)), (classifier, milestone_code), "{dtm}");
    }
    let released = read("BGM+23+1+9'CNI+1+N1'STS+1+24'DTM+78:202603101512?+01:205'");
    let utc = released.reports[0].observations[0].time.utc.map(|t| t.to_string());
    assert_eq!(utc.as_deref(), Some("2026-03-10T14:12:00Z"));
    let silent = read("BGM+23+1+9'DTM+137:202603101200:203'CNI+1+N1'STS+1+21'");
    let event = &silent.reports[0].observations[0];
    assert_eq!((event.time.local, silent.problems.len()), (None, 1), "the message's time is not the event's");
    assert_eq!(event.stated_at.map(|t| t.to_string()).as_deref(), Some("2026-03-10T12:00:00Z"));
}

#[test]
fn arrivals_and_departures_depend_on_the_place_and_the_stage() {
    for (segments, expected) in [
        ("STS+1+1'LOC+175+DEHAM::6'", "ARRIVED_FACILITY"),
        ("STS+1+1'LOC+11+DEHAM::6'", "TRANSPORT_ARRIVED"),
        ("STS+1+1'LOC+8+DEHAM::6'", "ARRIVED_DESTINATION"),
        ("STS+1+1'TDT+20+V1+1'LOC+11+DEHAM::6'", "TRANSPORT_ARRIVED"),
        ("STS+1+24'LOC+88+DEHAM::6'", "DEPARTED_PICKUP"),
        ("STS+1+24'LOC+9+DEHAM::6'", "TRANSPORT_DEPARTED"),
        ("STS+2+24'", "INFO"),
    ] {
        let decoded = read(&format!("BGM+23+1+9'CNI+1+N1'{segments}DTM+178:202603101512:203'"));
        assert_eq!(milestone(&decoded.reports[0].observations[0]), expected, "{segments}");
    }
    let leg = read("BGM+23+1+9'CNI+1+N1'STS+1+24'TDT+20+V1+1'LOC+9+CNSHA:139:6:SHANGHAI'DTM+186:202603101512:203'");
    let event = &leg.reports[0].observations[0];
    assert_eq!(event.location.as_ref().and_then(|l| l.unlocode.as_deref()), Some("CNSHA"));
    assert_eq!(event.time.local.map(|l| l.to_string()).as_deref(), Some("2026-03-10T15:12:00"));
}

#[test]
fn consignments_pieces_and_containers() {
    let decoded = read(
        "BGM+23+1+9'RFF+BM:BL1'CNI+1+N1'STS+1+21'DTM+78:202603101512:203'RFF+CW:00376123450000000011'RFF+CW:P2'CNI+2+N2'STS+1+29'DTM+78:20260309:102'EQD+CN+MSKU1'STS+1+29'DTM+78:20260310:102'EQD+CN+MSKU2'",
    );
    let of = |n: &str| -> Vec<_> {
        let of_number = decoded.reports.iter().filter(|r| number(r, RefKind::TrackingNumber) == Some(n));
        of_number.flat_map(|r| &r.observations).map(|o| o.piece.clone().unwrap()).collect()
    };
    assert_eq!(of("N1"), ["376123450000000011", "P2"]);
    assert_eq!(of("N2"), ["MSKU1", "MSKU2"]);
    assert!(decoded.reports.iter().all(|r| number(r, RefKind::BillOfLading) == Some("BL1")));
    let packages = read("BGM+23+1+9'RFF+CW:P1'RFF+CW:P2'STS+1+21'DTM+78:202603101512:203'");
    let numbers: Vec<_> = packages.reports.iter().map(|r| number(r, RefKind::TrackingNumber).unwrap()).collect();
    assert_eq!(numbers, ["P1", "P2"]);
}

#[test]
fn a_cancellation_takes_back_what_it_says() {
    let said = |function: &str| {
        let decoded = read(&format!("BGM+23+77+{function}'CNI+1+N1'STS+1+21'DTM+78:202603101512:203'"));
        decoded.reports[0].observations[0].clone()
    };
    let (original, cancelled) = (said("9"), said("1"));
    assert!(cancelled.retracts.is_some());
    assert_eq!(cancelled.retracts, original.provider_event_id);
    assert_eq!((milestone(&cancelled), original.retracts.clone()), ("INFO", None));
    assert_eq!(said("5").id("edifact_iftsta", "N1"), original.id("edifact_iftsta", "N1"), "said again is not news");
}

#[test]
fn what_else_comes_through_the_channel() {
    let other = message("BGM+1'").replace("IFTSTA", "CONTRL");
    assert_eq!(Iftsta.decode(other.as_bytes()), Err(DecodeError::NotTracking("EDIFACT message CONTRL".into())));
    let wrong = Iftsta.decode(&checks::hostile("edifact_wrong_unt.edi")).unwrap();
    assert_eq!((wrong.reports.len(), wrong.problems.len()), (1, 1), "{:?}", wrong.problems);
    let latin = [&b"UNB+UNOC:3+C+R'UNH+1+IFTSTA:D:96A:UN'BGM+23'CNI+1+N1'LOC+7+:::K\xF6ln+DE'STS+1+1'"[..]].concat();
    let city = Iftsta.decode(&latin).unwrap().reports[0].observations[0].location.clone().unwrap().city;
    assert_eq!(city.as_deref(), Some("Köln"));
}

#[test]
fn bad_messages_are_refused_with_a_reason() {
    assert!(Iftsta.decode(b"<xml/>").unwrap_err().to_string().contains("UNB"));
    assert!(Iftsta.decode(b"UNB+UNOC:3+A+B'UNZ+0+1'").unwrap_err().to_string().contains("no message"));
    let nameless = message("BGM+23'CNI+1'STS+1+21'DTM+78:202603101512:203'");
    assert!(Iftsta.decode(nameless.as_bytes()).unwrap_err().to_string().contains("CNI"));
    checks::corrupt(&Iftsta, BODY);
    checks::corrupt(&Iftsta, include_bytes!("fixtures/edifact_types_d00b_rail.edi"));
}
