use super::*;
use crate::journey::{Feed, What};
use std::collections::{BTreeMap, BTreeSet};

fn wanted(shipments: u64, days: u32) -> Wanted {
    Wanted { seed: 7, shipments, days, until: "2026-06-30T12:00:00Z".parse().unwrap(), lately_percent: None }
}

/// Shares of a hundred thousand.
fn share(part: usize, of: usize) -> usize {
    part * 100_000 / of.max(1)
}

#[test]
fn a_shipment_follows_from_the_seed_and_its_number() {
    let (one, other) = (History::new(wanted(5_000, 90)), History::new(Wanted { seed: 8, ..wanted(5_000, 90) }));
    for number in [0, 17, 4_999] {
        let (first, again) = (one.shipment(number), one.shipment(number));
        assert_eq!(serde_json::to_string(&first.truth()).unwrap(), serde_json::to_string(&again.truth()).unwrap());
        assert_eq!(first.reports, again.reports);
        assert_ne!(first.pieces[0].number, other.shipment(number).pieces[0].number);
    }
    let orders: Vec<Timestamp> = one.shipments().map(|shipment| shipment.ordered).collect();
    let days: Vec<Date> = orders.iter().map(|at| at.to_zoned(TimeZone::get("Europe/Berlin").unwrap()).date()).collect();
    assert!(days.is_sorted() && days.iter().collect::<BTreeSet<_>>().len() == 90);
    let numbers: BTreeSet<String> = one.shipments().flat_map(|s| s.pieces).map(|piece| piece.number).collect();
    let pieces = one.shipments().map(|s| s.pieces.len()).sum::<usize>();
    assert!(pieces - numbers.len() <= 2, "numbers are not used twice");
}

#[test]
fn courses_go_forward_and_reports_tell_of_them_in_time() {
    let history = History::new(wanted(4_000, 90));
    for shipment in history.shipments() {
        for piece in &shipment.pieces {
            assert!(piece.course.steps.is_sorted_by_key(|step| step.at), "{:?}", piece.course);
        }
        assert!(shipment.reports.is_sorted_by_key(|report| report.received));
        for report in &shipment.reports {
            let listed = &shipment.pieces[report.piece].course.steps[report.steps.clone()];
            assert!(report.received <= history.wanted.until && !listed.is_empty());
            assert!(listed.iter().all(|step| step.at <= report.received), "{report:?} {listed:?}");
            assert!(shipment.body(report).unwrap().len() > 200);
        }
    }
}

#[test]
fn about_93_of_a_hundred_come_in_time_and_the_bad_carrier_is_the_worst() {
    let history = History::new(wanted(30_000, 90));
    let mut of: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let (mut late_in_storm, mut because) = (0, BTreeMap::<_, usize>::new());
    for shipment in history.shipments() {
        let Some(late) = shipment.is_late() else { continue };
        let count = of.entry(shipment.haulier.carrier.label).or_default();
        count.0 += usize::from(!late);
        count.1 += 1;
        if late {
            let course = &shipment.pieces[0].course;
            *because.entry((course.held_up, course.trouble)).or_default() += 1;
        }
        late_in_storm += usize::from(late && shipment.pieces[0].course.held_up == Some(HeldUp::Storm));
    }
    let (kept, all) = of.values().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    let on_time = share(kept, all);
    assert!((92_000..94_500).contains(&on_time), "{on_time} of 100,000: {of:?} {because:?}");
    let worst = of.iter().min_by_key(|(_, (kept, all))| share(*kept, *all)).unwrap();
    assert_eq!(*worst.0, map::BAD);
    assert!(share(worst.1.0, worst.1.1) < on_time - 5_000, "{of:?}");
    assert!(late_in_storm > 100, "{late_in_storm}");
}

#[test]
fn every_trouble_happens_and_what_comes_late_or_is_taken_back_does() {
    let history = History::new(wanted(20_000, 90));
    let mut troubles: BTreeMap<Trouble, usize> = BTreeMap::new();
    let (mut facts, mut cancelled, mut pieces, mut scans) = (0, 0, 0, 0);
    for shipment in history.shipments() {
        for trouble in shipment.truth().troubles {
            *troubles.entry(trouble).or_default() += 1;
        }
        facts += shipment.truth().facts;
        cancelled += usize::from(shipment.cancelled.is_some());
        pieces += usize::from(shipment.pieces.len() > 1);
        scans += shipment.pieces.iter().map(|piece| piece.course.steps.len()).sum::<usize>();
        for piece in &shipment.pieces {
            let delivered = piece.course.steps.iter().filter(|step| step.what == What::Delivered).count();
            let wanted = match piece.course.trouble {
                Some(Trouble::Lost | Trouble::Refused | Trouble::Returned | Trouble::DamagedAndReturned) => 0,
                Some(Trouble::RetractedDelivery) => 2,
                _ if shipment.cancelled.is_some() => 0,
                _ => 1,
            };
            assert_eq!(delivered, wanted, "{:?}", piece.course);
        }
    }
    assert_eq!(troubles.len(), 13, "{troubles:?}");
    assert!(cancelled > 100 && pieces > 900, "{cancelled} {pieces}");
    assert!(facts > 7 * 20_000 && facts <= scans, "{facts} of {scans} scans");
}

#[test]
fn an_outage_holds_messages_back_and_loses_none() {
    let history = History::new(wanted(20_000, 90));
    let (from, until) = history.incidents().outage.unwrap();
    let (mut held, mut others) = (0, 0);
    for shipment in history.shipments() {
        for report in &shipment.reports {
            let within = (from..until).contains(&report.received);
            match shipment.feed() {
                Feed::Easypost => assert!(!within, "{report:?}"),
                _ => others += usize::from(within),
            }
            let happened = shipment.pieces[report.piece].course.steps[report.steps.end - 1].at;
            held += usize::from(report.received > until && (from..until).contains(&happened));
        }
    }
    assert!(held > 50 && others > 50, "{held} {others}");
}

#[test]
fn what_was_ordered_lately_is_as_much_as_is_wanted() {
    let history = History::new(Wanted { lately_percent: Some(10), ..wanted(10_000, 90) });
    let after = history.wanted.until.checked_sub(SignedDuration::from_hours(60)).unwrap();
    let lately = history.shipments().filter(|shipment| shipment.ordered > after).count();
    assert!((950..1_300).contains(&lately), "{lately}");
}
