use super::*;
use crate::learned::{
    history::{History, Outcome, Reading, Week},
    mixture::DEFAULT_K,
    survival::{Curve, Observed, kaplan_meier},
    testing::{Random, case},
};
use domain::calendar::CompanyCalendar;

fn curve(seen: impl Iterator<Item = (f64, bool)>) -> Curve {
    let observed =
        seen.map(|(x, ended)| Observed { x, ended: f64::from(u8::from(ended)), censored: f64::from(u8::from(!ended)) });
    kaplan_meier(observed.collect(), 0.0).unwrap()
}

#[test]
fn silence_is_judged_per_shipment() {
    let case = case("silence-is-judged-per-shipment");
    let expect = &case["expect"];
    let given = case["given"].as_array().unwrap();
    let curve = curve(given.iter().map(|row| (row["gap_hours"].as_f64().unwrap(), row["ended"].as_bool().unwrap())));
    for (hours, left) in expect["survival_after_hours"].as_object().unwrap() {
        assert!((curve.survival(hours.parse().unwrap()) - left.as_f64().unwrap()).abs() < 1e-6, "{hours}");
    }
    for (gaps, level) in expect["per_gap_level_for_gaps_per_shipment"].as_object().unwrap() {
        assert!((level_per_gap(gaps.parse().unwrap()) - level.as_f64().unwrap()).abs() < 1e-6, "{gaps}");
    }
    let alarmed = 1.0 - (1.0 - ALARMED_SHARE).powi(6);
    let expected = expect["alarms_per_healthy_shipment_if_2_percent_each_of_6_gaps"].as_f64().unwrap();
    assert!((alarmed - expected).abs() < 1e-4);
    assert_eq!(curve.quantile(1.0 - 0.15), expect["threshold_hours_at_level_15_percent"].as_f64());
}

fn calendar() -> Calendar {
    CompanyCalendar::default().own()
}

fn receipt(at: &str) -> Receipt {
    Receipt { at: at.parse().unwrap(), stage: Stage::Hub }
}

#[test]
fn gaps_leave_out_weekends_and_outages() {
    // 20 March 2026 is a Friday
    let receipts = ["2026-03-20T20:00:00Z", "2026-03-20T20:00:00Z", "2026-03-23T02:00:00Z", "2026-03-23T12:00:00Z"];
    let receipts = receipts.map(receipt);
    let until = "2026-03-24T12:00:00Z".parse().unwrap();
    let hours = |outages: &[Outage]| -> Vec<(f64, bool)> {
        gaps(&receipts, until, &calendar(), outages).iter().map(|gap| (gap.hours, gap.ended)).collect()
    };
    assert_eq!(hours(&[]), [(6.0, true), (10.0, true), (24.0, false)], "of one receipt there is no gap");
    let outage = |from: &str, until: &str| Outage { from: from.parse().unwrap(), until: until.parse().unwrap() };
    let during = outage("2026-03-23T06:00:00Z", "2026-03-23T07:00:00Z");
    assert_eq!(hours(&[during]), [(6.0, true), (4.0, false), (24.0, false)], "at least until it began");
    let all_along = outage("2026-03-20T19:00:00Z", "2026-03-23T01:00:00Z");
    assert_eq!(hours(&[all_along]), [(10.0, true), (24.0, false)]);
}

fn level(gaps: usize, hours: f64) -> Option<Level> {
    let seen = (0..gaps).map(|i| (hours * (i + 1) as f64 / gaps as f64, true));
    Some(Level { curve: curve(seen), n: gaps as f64 })
}

#[test]
fn the_table_counts_until_enough_is_known_and_bounds_what_is_learned() {
    let of = |levels| threshold(&levels, 6.0, DEFAULT_K, 48.0);
    let few = [level(800, 60.0), None, None, level(850, 60.0), None];
    assert_eq!(of(few), Threshold { hours: 48.0, because: Because::Table });
    let enough = of([level(100, 60.0), None, None, level(1_000, 60.0), None]);
    let Because::Seen { depth, .. } = enough.because else { panic!("{enough:?}") };
    assert_eq!((depth, enough.hours), (Depth::Carrier, 60.0), "of a thousand only the longest is beyond");
    assert_eq!(
        of([None, None, None, level(5_000, 900.0), None]).hours,
        144.0,
        "never later than three times the table"
    );
    assert_eq!(of([None, None, None, level(5_000, 2.0), None]).hours, EARLIEST_HOURS);
    assert_eq!(
        enough.words(),
        "a healthy shipment on this carrier is this quiet in fewer than 0.4 % of its gaps (2 % of shipments)"
    );
    assert_eq!(
        Threshold { hours: 48.0, because: Because::Table }.words(),
        "too few gaps are known to say what is usual: after 48 operating hours, as for all shipments of this kind"
    );
}

#[test]
fn what_is_fresh_is_read_from_sixty_gaps_on() {
    let few = [level(59, 100.0), None, None, None, None];
    assert_eq!(fresh_hours(&few, DEFAULT_K), FRESH_HOURS);
    let enough = [level(3, 500.0), level(60, 100.0), None, None, None];
    assert_eq!(fresh_hours(&enough, DEFAULT_K), 95.0);
}

#[test]
fn the_table_says_how_quiet_which_shipment_may_be() {
    let of = |class, reach, stage| Circumstances { class, reach, stage, to_arrival: None, stored_for: None };
    let (parcel, post) = (ServiceClass::Standard(Kind::Parcel), ServiceClass::Standard(Kind::Post));
    let (freight, ocean) = (ServiceClass::Standard(Kind::Freight), ServiceClass::Standard(Kind::Ocean));
    let (here, near, far) = (Some(Reach::Domestic), Some(Reach::Region), Some(Reach::World));
    for (circumstances, hours) in [
        (of(ServiceClass::Express, here, Stage::Hub), 24.0),
        (of(parcel, here, Stage::Hub), 48.0),
        (of(parcel, here, Stage::Customs), 120.0),
        (of(parcel, near, Stage::Hub), 120.0),
        (of(ServiceClass::Express, near, Stage::Hub), 120.0),
        (of(parcel, far, Stage::Hub), 240.0),
        (of(parcel, None, Stage::Hub), 240.0),
        (of(post, here, Stage::Hub), 240.0),
        (of(freight, far, Stage::Hub), 48.0),
        (of(ocean, far, Stage::Hub), 168.0),
        (Circumstances { to_arrival: Some(500.0), ..of(ocean, far, Stage::Hub) }, 524.0),
        (of(post, far, Stage::Registered), 48.0),
        (of(parcel, here, Stage::ReadyForCollection), 168.0),
        (Circumstances { stored_for: Some(240.0), ..of(parcel, here, Stage::ReadyForCollection) }, 240.0),
    ] {
        assert_eq!(circumstances.table_hours(), hours, "{circumstances:?}");
    }
}

/// The gaps of a healthy shipment: four to eight, each with a mean of its own.
fn healthy(random: &mut Random) -> Vec<f64> {
    (0..4 + random.below(5)).map(|i| random.gamma(2, if i % 2 == 0 { 6.0 } else { 14.0 })).collect()
}

#[test]
fn of_a_hundred_healthy_shipments_two_alarm_at_most() {
    for (shipments, seed) in [(200, 1), (1_000, 2), (1_000, 3), (4_000, 4)] {
        let mut random = Random::new(seed);
        let mut history = History::default();
        let mut gaps = 0;
        for i in 0..shipments {
            for hours in healthy(&mut random) {
                history.add(Week(i % 8), Outcome::Ended, hours, 1);
                gaps += 1;
            }
        }
        let levels = [None, None, None, history.level(&Reading::at(Week(7))), None];
        let quiet = threshold(&levels, f64::from(gaps) / f64::from(shipments), DEFAULT_K, 48.0);
        let judged = 8_000;
        let alarmed = (0..judged).filter(|_| healthy(&mut random).iter().any(|hours| *hours > quiet.hours)).count();
        let share = alarmed as f64 / f64::from(judged);
        assert!(share <= ALARMED_SHARE, "{shipments} shipments: {share} at {quiet:?}");
        if shipments >= 1_000 {
            assert!(matches!(quiet.because, Because::Seen { depth: Depth::Carrier, .. }), "{quiet:?}");
            assert!(share > 0.002, "an alarm that never comes is none: {share} at {quiet:?}");
        }
    }
}
