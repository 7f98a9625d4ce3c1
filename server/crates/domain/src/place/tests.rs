use super::*;
use crate::{
    Classifier,
    event_time::{EventTime, Precision},
    observation::{Codes, Feed, Origin, References, TrackerReport},
};
use jiff::civil::DateTime;
use proptest::prelude::*;

fn said(time: EventTime, location: Option<Location>) -> Decoded {
    let codes = Codes { raw: "X".into(), status: Vec::new(), reason: None, coarse: None };
    let observation = Observation { location, ..Observation::new(codes, Classifier::Actual, time, Origin::Event) };
    let report = TrackerReport {
        refs: References::default(),
        carrier: None,
        feed: Feed::Delta,
        observations: vec![observation],
        test: false,
    };
    Decoded { reports: vec![report], problems: Vec::new() }
}

fn observation(decoded: &Decoded) -> &Observation {
    &decoded.reports[0].observations[0]
}

fn in_country(country: &str) -> Option<Location> {
    Some(Location { country: Some(country.into()), ..Location::default() })
}

fn floating(local: &str) -> EventTime {
    EventTime::floating(local, local.parse().unwrap(), Precision::Minute)
}

#[test]
fn the_place_goes_before_the_source() {
    let zone_of = |location: Option<Location>, default: Option<&str>| {
        let mut decoded = said(floating("2026-03-02T10:00"), location);
        settle(&mut decoded, default);
        let time = &observation(&decoded).time;
        assert_eq!(time.utc, None);
        time.zone.clone().zip(time.zone_source)
    };
    assert_eq!(zone_of(in_country("Germany"), None), Some(("Europe/Berlin".into(), ZoneSource::Facility)));
    assert_eq!(zone_of(in_country("DEU"), Some("Asia/Tokyo")), Some(("Europe/Berlin".into(), ZoneSource::Facility)));
    assert_eq!(zone_of(in_country("US"), Some("Asia/Tokyo")), Some(("Asia/Tokyo".into(), ZoneSource::CarrierDefault)));
    assert_eq!(zone_of(None, Some("Asia/Tokyo")), Some(("Asia/Tokyo".into(), ZoneSource::CarrierDefault)));
    assert_eq!(zone_of(None, None), None);
    assert_eq!(zone_of(None, Some("no zone")), None);
}

#[test]
fn codes_of_places_have_one_form() {
    let location = Location {
        country: Some("Deutschland".into()),
        unlocode: Some("de ham".into()),
        facility: Some("EUROGATE".into()),
        ..Location::default()
    };
    let mut decoded = said(floating("2026-03-02T10:00"), Some(location));
    settle(&mut decoded, None);
    let settled = observation(&decoded).location.clone().unwrap();
    assert_eq!((settled.country.as_deref(), settled.unlocode.as_deref()), (Some("DE"), Some("DEHAM")));
    let odd = Location { country: Some("Atlantis".into()), unlocode: Some("?".into()), ..Location::default() };
    let mut decoded = said(floating("2026-03-02T10:00"), Some(odd.clone()));
    settle(&mut decoded, None);
    assert_eq!(observation(&decoded).location, Some(odd), "what is not known is kept");
}

fn any_word() -> impl Strategy<Value = Option<String>> {
    let real =
        vec!["DE", "US", "us", "Spain", "DE HAM", "USLAX", "TX", "CA", "Houston", "38001", "L5T 2N7", "México", "-"];
    proptest::option::of(prop_oneof![proptest::sample::select(real).prop_map(str::to_owned), ".{0,12}"])
}

prop_compose! {
    fn any_location()(city in any_word(), region in any_word(), postal in any_word(), country in any_word(),
        unlocode in any_word(), facility in any_word(), raw in any_word()) -> Location {
        Location { city, region, postal, country, unlocode, facility, raw }
    }
}

fn any_wall_clock() -> impl Strategy<Value = DateTime> {
    (-9999_i16..=9999, 1_i8..=12, 1_i8..=28, 0_i8..24, 0_i8..60)
        .prop_map(|(year, month, day, hour, minute)| jiff::civil::datetime(year, month, day, hour, minute, 0, 0))
}

fn any_time() -> impl Strategy<Value = EventTime> {
    let precision = prop_oneof![Just(Precision::Date), Just(Precision::Minute), Just(Precision::Second)];
    (any_wall_clock(), precision, proptest::option::of(prop_oneof!["[+-][0-9]{2}:[0-9]{2}", ".{0,9}"])).prop_map(
        |(local, precision, zone)| {
            let mut time = EventTime::floating("x", local, precision);
            time.zone_source = zone.as_ref().map(|_| ZoneSource::Payload);
            time.zone = zone;
            time
        },
    )
}

proptest! {
    #[test]
    fn settling_twice_is_settling_once_and_makes_no_instant(
        location in proptest::option::of(any_location()),
        time in any_time(),
        default in proptest::option::of(prop_oneof![Just("Europe/Berlin".to_owned()), ".{0,12}"]),
    ) {
        let mut once = said(time, location);
        settle(&mut once, default.as_deref());
        prop_assert_eq!(observation(&once).time.utc, None);
        let _ = (observation(&once).time.interval(), observation(&once).time.candidates());
        let mut twice = once.clone();
        settle(&mut twice, default.as_deref());
        prop_assert_eq!(once, twice);
    }

    #[test]
    fn the_order_of_wall_clocks_in_one_zone_is_kept_outside_of_folds_and_gaps(
        minutes in (0_i64..525_600, 0_i64..525_600),
        zone in proptest::sample::select(&["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"][..]),
    ) {
        let clock = |minutes: i64| {
            let local = jiff::civil::datetime(2026, 1, 1, 0, 0, 0, 0) + jiff::SignedDuration::from_mins(minutes);
            let mut time = EventTime::floating("x", local, Precision::Minute);
            time.settle(|| Some((zone, ZoneSource::Facility)));
            time
        };
        let (a, b) = (clock(minutes.0), clock(minutes.1));
        // a clock in a gap sorts an hour on, one in a fold at the earlier of its two
        let plain = |t: &EventTime| {
            let known = jiff::tz::TimeZone::get(zone).unwrap();
            t.local.is_some_and(|local| !known.to_ambiguous_timestamp(local).is_ambiguous())
        };
        prop_assume!(plain(&a) && plain(&b));
        prop_assert_eq!(a.local.cmp(&b.local), a.sort_key().cmp(&b.sort_key()));
    }

    #[test]
    fn the_sorting_instant_lies_in_the_interval(time in any_time(), country in any_word()) {
        let mut decoded = said(time, country.as_deref().and_then(in_country));
        settle(&mut decoded, None);
        let time = &observation(&decoded).time;
        if let (Some((from, until)), Some(at)) = (time.interval(), time.sort_key()) {
            prop_assert!(from <= at && at < until, "{:?}", time);
        }
    }

    #[test]
    fn any_word_is_read_or_not(word in ".{0,40}") {
        if let Some(code) = country(&word) {
            prop_assert_eq!(country(code), Some(code));
        }
        if let Some(code) = unlocode(&word) {
            prop_assert_eq!(unlocode(&code), Some(code.clone()));
        }
    }
}
