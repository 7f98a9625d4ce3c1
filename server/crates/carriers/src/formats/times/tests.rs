use crate::formats::times::*;

#[test]
fn what_the_source_says_and_no_more() {
    let floating = iso("2026-03-02T10:00:00");
    assert_eq!((floating.local.is_some(), floating.utc, floating.precision), (true, None, Precision::Second));
    let utc = iso("2026-03-04T15:20:00.000Z");
    assert_eq!((utc.local, utc.utc.map(|t| t.to_string()).as_deref()), (None, Some("2026-03-04T15:20:00Z")));
    let offset = iso("2026-03-11T15:00:00+01:00");
    assert_eq!(
        (offset.local.map(|l| l.to_string()).as_deref(), offset.utc.map(|t| t.to_string()).as_deref()),
        (Some("2026-03-11T15:00:00"), Some("2026-03-11T14:00:00Z"))
    );
    assert_eq!(iso("2026-03-11T15:00-05:00").utc.map(|t| t.to_string()).as_deref(), Some("2026-03-11T20:00:00Z"));
    assert_eq!(iso("2026-03-11").precision, Precision::Date);
    assert_eq!(iso("yesterday"), EventTime::unknown("yesterday"));
    assert!(iso("9999-12-31T23:59:59").sentinel);
    assert_eq!(
        iso("2016-12-31T23:59:60").local.map(|l| l.second()),
        Some(59),
        "a leap second is the last one of the minute"
    );
}

/// Text, wall clock, instant, precision; `-` for none.
fn shown(text: &str) -> String {
    let time = iso(text);
    assert_eq!(time.raw, text);
    let part = |part: Option<String>| part.unwrap_or_else(|| "-".into());
    let (local, utc) = (part(time.local.map(|l| l.to_string())), part(time.utc.map(|u| u.to_string())));
    let sentinel = if time.sentinel { " sentinel" } else { "" };
    format!("{local} {utc} {:?}{sentinel}", time.precision)
}

#[test]
fn one_time_in_many_hands() {
    for (text, said) in [
        ("2026-03-02T10:00:00-0500", "2026-03-02T10:00:00 2026-03-02T15:00:00Z Second"),
        ("2026-03-02T10:00:00+01", "2026-03-02T10:00:00 2026-03-02T09:00:00Z Second"),
        ("2026-03-02 10:00:00 +0100", "2026-03-02T10:00:00 2026-03-02T09:00:00Z Second"),
        ("2026-03-02T10:00:00,5Z", "- 2026-03-02T10:00:00.5Z Second"),
        ("2026-03-02t10:00:00.123456789z", "- 2026-03-02T10:00:00.123456789Z Second"),
        ("2026-03-02 10:00:00 UTC", "- 2026-03-02T10:00:00Z Second"),
        ("2026-03-02T10:00:00-00:00", "- 2026-03-02T10:00:00Z Second"),
        ("2026-03-02T10:00+00:00", "2026-03-02T10:00:00 2026-03-02T10:00:00Z Minute"),
        ("2026-03-02T10:00+01:00[Europe/Berlin]", "2026-03-02T10:00:00 2026-03-02T09:00:00Z Minute"),
        ("2026-03-02T10:00[Europe/Berlin]", "2026-03-02T10:00:00 2026-03-02T09:00:00Z Minute"),
        ("2026-10-25T02:30[Europe/Berlin]", "2026-10-25T02:30:00 - Minute"),
        ("2026-10-25T02:30+01:00[Europe/Berlin]", "2026-10-25T02:30:00 2026-10-25T01:30:00Z Minute"),
        ("2026-03-02T10:00[Nowhere]", "2026-03-02T10:00:00 - Minute"),
        ("2026-03-02 9:05", "2026-03-02T09:05:00 - Minute"),
        ("2026-03-02 9:05:7", "2026-03-02T09:05:07 - Second"),
        ("2026-03-02T16:58:1Z", "- 2026-03-02T16:58:01Z Second"),
        ("2026-03-02 10:53 P.M.", "2026-03-02T22:53:00 - Minute"),
        ("2026-03-02 10:53:07 pm", "2026-03-02T22:53:07 - Second"),
        ("2026-03-02 10:53\u{202f}PM", "2026-03-02T22:53:00 - Minute"),
        ("2026-03-02 12:05 a. m. +01:00", "2026-03-02T00:05:00 2026-03-01T23:05:00Z Minute"),
        ("2026-03-02 下午10:53", "2026-03-02T22:53:00 - Minute"),
        ("2026-03-02 930", "2026-03-02T09:30:00 - Minute"),
        ("1771123100000", "- 2026-02-15T02:38:20Z Second"),
        ("20260302T100000Z", "- 2026-03-02T10:00:00Z Second"),
        ("20260302100000", "2026-03-02T10:00:00 - Second"),
        ("202603021000", "2026-03-02T10:00:00 - Minute"),
        ("20260302", "2026-03-02T00:00:00 - Date"),
        ("2026-03-02+01:00", "2026-03-02T00:00:00 - Date"),
        ("2026-03-02Z", "2026-03-02T00:00:00 - Date"),
        ("Mon, 02 Mar 2026 10:00:00 +0100", "2026-03-02T10:00:00 2026-03-02T09:00:00Z Second"),
        ("Mon, 2 Mar 2026 10:00:00 GMT", "- 2026-03-02T10:00:00Z Second"),
        ("1772445600", "- 2026-03-02T10:00:00Z Second"),
        ("1772445600000", "- 2026-03-02T10:00:00Z Second"),
        ("2026-12-31T24:00:00", "2027-01-01T00:00:00 - Second"),
        ("2026-12-31T24:00:00Z", "- 2027-01-01T00:00:00Z Second"),
        ("2026-06-30T23:59:60Z", "- 2026-06-30T23:59:59Z Second"),
        ("2026-06-30T23:59:60+02:00", "2026-06-30T23:59:59 2026-06-30T21:59:59Z Second"),
    ] {
        assert_eq!(shown(text), said, "{text}");
    }
}

#[test]
fn what_stands_for_unknown_is_no_time() {
    for text in [
        "0001-01-01T00:00:00",
        "0001-01-01T00:00:00Z",
        "00010101",
        "1970-01-01T00:00:00Z",
        "1970-01-01 00:00:00",
        "1969-12-31T19:00:00-05:00",
        "1970-01-01T01:00:00+01:00",
        "1900-01-01",
        "19000101000000",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "2100-01-01",
        "9999-12-31T23:59:59Z",
        "9999-12-31",
    ] {
        assert!(iso(text).sentinel, "{text}: {:?}", iso(text));
    }
    assert!(epoch("0").sentinel && epoch("-62135596800").sentinel);
    for text in [
        "",
        "0",
        "0000-00-00 00:00:00",
        "yesterday",
        "2026-13-01",
        "2026-03-02T25:00",
        "2026-03-02T10:00:61",
        "2026-03-02T24:01",
        "2026-03-02T10:00 CET",
        "2026-3-2",
        "2026/03/02 09:05",
        "02.03.2026",
        "2026030210",
        "2603021000",
        "ä026-03-02",
        "2026-03-02T10:00:00+99:00",
        "2026-03-02T1",
        "2026-03-02T10",
        "2026-03-02T10:53 QM",
        "20260302930",
        "[",
        "]",
        "2026-03-02T10:00:ä",
    ] {
        assert_eq!(iso(text), EventTime::unknown(text), "{text}");
    }
    assert_eq!(epoch("1.5e9"), EventTime::unknown("1.5e9"));
    assert_eq!(epoch("1772445600.25").utc.map(|t| t.to_string()).as_deref(), Some("2026-03-02T10:00:00Z"));
}

#[test]
fn times_of_day_by_themselves() {
    let read = |text: &str| time_of_day(text).map(|(time, precision)| format!("{time} {precision:?}"));
    for (text, said) in [
        ("08:02 AM", "08:02:00 Minute"),
        ("16:11 PM", "16:11:00 Minute"),
        ("12:30 AM", "00:30:00 Minute"),
        ("12:30PM", "12:30:00 Minute"),
        ("10:53 P.M.", "22:53:00 Minute"),
        ("10:53p", "22:53:00 Minute"),
        ("10.53 PM", "22:53:00 Minute"),
        ("22.53.07", "22:53:07 Second"),
        ("22:53:07.25", "22:53:07.25 Second"),
        ("PM 10:53", "22:53:00 Minute"),
        ("9 PM", "21:00:00 Minute"),
        ("930", "09:30:00 Minute"),
        ("0930", "09:30:00 Minute"),
        ("93015", "09:30:15 Second"),
        ("093015", "09:30:15 Second"),
        ("09301599", "09:30:15 Second"),
        ("9:5", "09:05:00 Minute"),
        ("9:05:7", "09:05:07 Second"),
        ("2400", "23:59:00 Minute"),
    ] {
        assert_eq!(read(text).as_deref(), Some(said), "{text}");
    }
    for nonsense in [
        "",
        "9",
        "25:00",
        "2024-06-10",
        "noon",
        "10:53 X",
        "09:30 CT",
        "1:2:3:4",
        "123456789",
        "PM",
        "9:",
        ":",
        "10.5 PM",
        "10:53.5",
        "10.533",
    ] {
        assert_eq!(read(nonsense), None, "{nonsense}");
    }
}

#[test]
fn days_by_themselves() {
    for text in ["20260310", "260310", "2026-03-10"] {
        assert_eq!(day(text).map(|d| d.to_string()).as_deref(), Some("2026-03-10"), "{text}");
    }
    assert!(["2026-3-10", "10.03.2026", "2026031", ""].iter().all(|text| day(text).is_none()));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_reading_panic(text in ".{0,30}", near in "[0-9]{4}-?[0-9]{2}-?[0-9]{2}[Tt ]?[0-9:.,]{0,12}[Zz+-]?[0-9:]{0,6}") {
        for text in [&text, &near] {
            proptest::prop_assert_eq!(&iso(text).raw, text);
            let _ = epoch(text);
        }
    }
}

#[test]
fn a_z_that_stands_for_nothing_leaves_the_wall_clock() {
    let time = disregarding_z("2026-03-10T08:02:00.000Z");
    assert_eq!((time.local.map(|l| l.to_string()).as_deref(), time.utc), (Some("2026-03-10T08:02:00"), None));
    assert_eq!(time.raw, "2026-03-10T08:02:00.000Z");
    assert!(disregarding_z("2026-03-10T08:02:00+01:00").utc.is_some());
    let day = day_if_midnight(iso("2026-03-10T00:00:00Z"));
    assert_eq!((day.precision, day.utc), (Precision::Date, None));
    assert_eq!(day_if_midnight(iso("2026-03-10T00:01:00Z")).precision, Precision::Second);
}

#[test]
fn offsets_by_themselves() {
    for (text, seconds) in [("+02:00", 7200), ("-0530", -19_800), ("+01", 3600), ("Z", 0)] {
        assert_eq!(offset(text).map(Offset::seconds), Some(seconds), "{text}");
    }
    assert!(["", "CET", "+2", "02:00", "+99:00", "+é"].iter().all(|text| offset(text).is_none()));
}

#[test]
fn general_time_codes_follow_daylight_saving() {
    let Zone::Known(zone, _) = x12_zone("ET") else { panic!("a zone") };
    let at = |text: &str| zone.to_timestamp(text.parse().unwrap()).unwrap().to_string();
    assert_eq!(at("2026-03-09T22:00"), "2026-03-10T02:00:00Z");
    assert_eq!(at("2026-01-09T22:00"), "2026-01-10T03:00:00Z");
    assert!(matches!(x12_zone("LT"), Zone::Local));
    assert!(matches!(x12_zone("QQ"), Zone::Unknown));
}
