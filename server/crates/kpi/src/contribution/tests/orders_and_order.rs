//! Orders, tickets, and that the order of arrival does not matter.

use super::*;
use proptest::prelude::*;

fn otif_case(id: &str) {
    let case = case(id);
    let as_of = instant(&case["params"]["as_of"]);
    let worlds = worlds(&case, as_of);
    let stories: Vec<Story<'_>> = worlds.iter().map(World::story).collect();
    let berlin = TimeZone::get("Europe/Berlin").unwrap();
    let mut tally = Tally::default();
    for (order, days) in case["params"]["orders"].as_object().unwrap() {
        let mut ordered = BTreeMap::new();
        for (day, wanted) in days.as_object().unwrap() {
            let cancelled = wanted["cancelled_by_customer"].as_f64().unwrap_or_default();
            let wanted = Ordered { quantity: wanted["ordered"].as_f64(), cancelled, place: berlin.clone() };
            ordered.insert(day.parse().unwrap(), wanted);
        }
        let of_order = list(&case["given"]).zip(&stories).filter(|(given, _)| text(&given["order"]) == order);
        let deliveries: Vec<_> =
            of_order.map(|(given, story)| Delivery { story, quantity: given["quantity"].as_f64() }).collect();
        let mut contributed = Contributed::default();
        orders::contribute(&ordered, &deliveries, &berlin, &mut contributed);
        for (key, n) in &contributed.rows {
            let mut own = Tally::default();
            own.add(key, *n, minute(as_of));
            let unit = &case["expect"]["units"][format!("{order}/{}", key.bucket.day)];
            assert_eq!(own.yes == 1, unit["otif"].as_bool().unwrap(), "{order} {unit}");
            assert_eq!(own.pending == 1, unit["pending"].as_bool().unwrap(), "{order} {unit}");
            tally.merge(&own);
        }
    }
    assert_eq!(Some(tally.yes), case["expect"]["numerator"].as_i64());
    assert_eq!(Some(tally.value(Kpi::Otif.definition()).of), case["expect"]["denominator"].as_i64());
}

#[test]
fn a_split_order_stands_or_falls_by_its_promised_day() {
    otif_case("otif-split-order");
}

#[test]
fn several_pieces_are_one_shipment() {
    otif_case("otif-several-pieces");
    let case = case("otif-several-pieces");
    let as_of = instant(&case["params"]["as_of"]);
    let mut tally = Tally::default();
    for world in worlds(&case, as_of) {
        rows_of(&world.contributed(), Kpi::OnTime).iter().for_each(|(key, n)| tally.add(key, *n, minute(as_of)));
    }
    let expect = &case["expect"]["on_time"];
    assert_eq!(Some(tally.yes), expect["numerator"].as_i64());
    assert_eq!(Some(tally.overdue + tally.no + tally.yes), expect["denominator"].as_i64());
    assert_eq!(tally.overdue, 1, "the one with a piece missing is open");
}

#[test]
fn in_full_is_what_was_ordered_less_what_was_cancelled() {
    otif_case("otif-quantities");
}

type Rollup = BTreeMap<(Dims, Key), i64>;

fn apply(rollup: &mut Rollup, after: &Contributed, before: &Contributed) {
    for change in after.since(before) {
        for (key, n) in &change.rows {
            let row = (change.dims.clone(), *key);
            let number = rollup.entry(row.clone()).or_default();
            *number += n;
            if *number == 0 {
                rollup.remove(&row);
            }
        }
    }
}

fn orders_of(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![Vec::new()];
    }
    let shorter = orders_of(n - 1);
    shorter.iter().flat_map(|order| (0..n).map(|place| [&order[..place], &[n - 1], &order[place..]].concat())).collect()
}

/// The state of the shipment of the case after some of the steps.
fn stepped(given: &[Value], steps: &[usize]) -> Contributed {
    let mut shipment = given[0].clone();
    for step in steps {
        let step = &given[*step + 1];
        match text(&step["set"]) {
            "delivered" => shipment["facts"].as_array_mut().unwrap().push(serde_json::json!({
                "milestone": "DELIVERED", "event": step["event"], "recorded": "2026-03-27T11:10:00Z"})),
            "carrier" => shipment["carrier"] = step["value"].clone(),
            "promise" => shipment["promises"][0]["at"] = step["at"].clone(),
            "unlinked" => shipment["unlinked"] = step["value"].clone(),
            other => panic!("{other}"),
        }
    }
    World::of(&shipment, "2026-04-10T00:00:00Z".parse().unwrap()).contributed()
}

#[test]
fn any_order_of_changes_ends_in_the_same_rows() {
    let case = case("rollup-any-order");
    let given: Vec<Value> = list(&case["given"]).cloned().collect();
    for (steps, tried) in [(3, "orders_tried"), (4, "orders_tried_with_four")] {
        let orders = orders_of(steps);
        assert_eq!(Some(orders.len() as u64), case["expect"][tried].as_u64());
        for order in orders {
            let mut rollup = Rollup::new();
            let mut before = Contributed::default();
            for taken in 0..=order.len() {
                let after = stepped(&given, &order[..taken]);
                apply(&mut rollup, &after, &before);
                before = after;
            }
            let of_kpi: Vec<_> = rollup.iter().filter(|((_, key), _)| key.kpi == Kpi::OnTime).collect();
            if steps == 4 {
                assert_eq!(rollup, Rollup::new(), "{order:?}");
                continue;
            }
            let [((dims, key), 1)] = &of_kpi[..] else { panic!("{order:?}: {of_kpi:?}") };
            let name = format!("{}|{}", key.bucket.day, dims.carrier.as_deref().unwrap());
            let expected = &case["expect"]["rollup_after_any_order_of_the_first_three"][name];
            assert_eq!((expected["late"].as_i64(), key.part), (Some(1), Part::No), "{order:?}");
        }
    }
}

#[test]
fn a_ticket_counts_when_it_was_decided_and_when_it_was_solved() {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let case = Case {
        decided: at("2026-03-27T23:30:00Z"),
        due: Some(at("2026-03-27T23:29:00Z")),
        made: Some(at("2026-03-27T23:30:10Z")),
        first_action: cases::FirstAction::At(at("2026-03-28T01:30:00Z")),
        solved: Some(at("2026-03-29T23:30:00Z")),
        cost: Some(750),
    };
    let berlin = TimeZone::get("Europe/Berlin").unwrap();
    let mut contributed = Contributed::default();
    cases::contribute(&case, &berlin, &mut contributed);
    let read = |kpi: Kpi| {
        let mut tally = Tally::default();
        let rows = rows_of(&contributed, kpi);
        rows.iter().for_each(|(key, n)| tally.add(key, *n, 0));
        (rows[0].0.bucket.day.to_string(), tally.value(kpi.definition()).main.unwrap())
    };
    let near = |(day, value): (String, f64), expected: f64| {
        assert!((value - expected).abs() <= expected * 0.011, "{value} {expected}");
        day
    };
    assert_eq!(near(read(Kpi::CaseFirstAction), 2.0), "2026-03-28");
    assert_eq!(near(read(Kpi::CaseResolution), 48.0), "2026-03-30");
    assert_eq!(near(read(Kpi::CaseLatency), 70.0), "2026-03-28");
    assert_eq!(read(Kpi::CaseCost), ("2026-03-30".into(), 750.0));
}

const MILESTONES: &[Milestone] = &[
    Milestone::PickedUp,
    Milestone::ArrivedFacility,
    Milestone::OutForDelivery,
    Milestone::DeliveryAttempted,
    Milestone::Delivered,
    Milestone::ReturnInTransit,
    Milestone::Lost,
];

/// Facts of a few days, each with its own id, some of which take another back.
fn any_facts() -> impl Strategy<Value = Vec<Fact>> {
    let one = (0..MILESTONES.len(), 0..10_000_i64, 0..600_i64, prop::option::of(0..8_usize));
    prop::collection::vec(one, 0..8).prop_map(|all| {
        let morning: Timestamp = "2026-03-24T08:00:00Z".parse().unwrap();
        let minutes = |n: i64| morning + SignedDuration::from_mins(n);
        let mut facts = Vec::new();
        for (n, (milestone, at, later, taken_back)) in all.into_iter().enumerate() {
            let time = EventTime::instant("", minutes(at), Precision::Minute);
            let mut one = fact(n, MILESTONES[milestone], time, minutes(at + later));
            one.observation.provider_event_id = Some(n.to_string());
            facts.push(one);
            if let Some(event) = taken_back.filter(|event| *event < n) {
                let mut retraction = fact(100 + n, Milestone::Info, EventTime::unknown(""), minutes(20_000 + at));
                retraction.observation.retracts = Some(event.to_string());
                facts.push(retraction);
            }
        }
        facts
    })
}

fn world_of(facts: Vec<Fact>) -> World {
    let given = serde_json::json!({"id": "p", "zone": "Europe/Berlin", "promises": [
        {"at": "2026-03-27T10:00:00Z", "kind": "day", "recorded": "2026-03-20T08:00:00Z"}]});
    let as_of = "2026-05-10T00:00:00Z".parse().unwrap();
    let mut world = World::of(&given, as_of);
    world.input.facts = facts;
    world.folded = fold(&world.input, as_of);
    world
}

proptest! {
    /// Whichever fact comes first, and whatever was folded in between, the roll-up ends with the rows of all of them.
    #[test]
    fn any_order_of_facts_ends_in_the_same_roll_up(
        (facts, shuffled) in any_facts().prop_flat_map(|facts| (Just(facts.clone()), Just(facts).prop_shuffle())),
    ) {
        let mut rollup = Rollup::new();
        let mut before = Contributed::default();
        for taken in 0..=shuffled.len() {
            let after = world_of(shuffled[..taken].to_vec()).contributed();
            apply(&mut rollup, &after, &before);
            before = after;
        }
        let last = world_of(facts).contributed();
        let expected: Rollup = last.rows.iter().map(|(key, n)| ((last.dims.clone(), *key), *n)).collect();
        prop_assert_eq!(rollup, expected);
    }

    /// A shipment is in each share once at most, and every part of it counts once.
    #[test]
    fn a_shipment_counts_once(facts in any_facts()) {
        let contributed = world_of(facts).contributed();
        for kpi in [Kpi::OnTime, Kpi::OnTimeCarrier, Kpi::FirstAttempt, Kpi::ReturnRate, Kpi::LossRate, Kpi::ConfirmationRate] {
            let n: i64 = rows_of(&contributed, kpi).iter().map(|(_, n)| n).sum();
            prop_assert!((0..=1).contains(&n), "{}: {}", kpi.id(), n);
        }
        let current: Vec<_> = rows_of(&contributed, Kpi::StatusCurrent);
        let mut running: BTreeMap<i32, (i64, i64)> = BTreeMap::new();
        for (key, n) in &current {
            let at = running.entry(key.bin.unwrap()).or_default();
            match key.part {
                Part::Yes => at.0 += n,
                _ => at.1 += n,
            }
        }
        let (mut yes, mut base) = (0, 0);
        for (more, base_more) in running.values() {
            (yes, base) = (yes + more, base + base_more);
            prop_assert!((0..=1).contains(&base) && (0..=base).contains(&yes), "{:?}", current);
        }
    }
}
