//! The worked cases of shipments, facts and exceptions.

use super::*;

/// What a shipment is in a case, as of its time.
fn class(world: &World, kpi: Kpi, as_of: Timestamp) -> String {
    let rows = rows_of(&world.contributed(), kpi);
    let [(key, 1)] = &rows[..] else {
        assert!(rows.is_empty(), "{}: {rows:?}", world.id);
        return if world.test { "excluded:test" } else { "excluded:unlinked" }.into();
    };
    match key.part {
        Part::Yes => "on_time",
        Part::Maybe => "undecided",
        Part::No => "late",
        Part::Open if key.bin.unwrap() <= minute(as_of) => "late_open",
        Part::Open => "pending",
        Part::NoPromise if world.input.plan.promises.is_empty() || world.id == "b" => "excluded:no_promise",
        Part::Cancelled => "excluded:cancelled",
        other => panic!("{}: {other:?}", world.id),
    }
    .into()
}

fn check_on_time(worlds: &[World], expect: &Value, kpi: Kpi, as_of: Timestamp) {
    let mut tally = Tally::default();
    let mut not_in_rows = 0;
    for world in worlds {
        let rows = rows_of(&world.contributed(), kpi);
        not_in_rows += u64::from(rows.is_empty());
        for (key, n) in rows {
            tally.add(&key, n, minute(as_of));
            if let Some(day) = expect["buckets"][&world.id].as_str() {
                assert_eq!(key.bucket.day.to_string(), day, "{}", world.id);
            }
        }
        assert_eq!(class(world, kpi, as_of), text(&expect["classes"][&world.id]), "{}", world.id);
    }
    let value = tally.value(kpi.definition());
    let outside: i64 = tally.outside.values().sum();
    assert_eq!(Some(tally.yes + tally.maybe), expect["numerator"].as_i64());
    assert_eq!(Some(value.of), expect["denominator"].as_i64());
    assert_eq!(Some(tally.pending), expect["pending"].as_i64());
    assert_eq!(Some(outside.unsigned_abs() + not_in_rows), expect["excluded"].as_u64());
    for (read, name) in [(value.main, "percent"), (value.lowest, "percent_lowest")] {
        let expected = expect[name].as_f64().unwrap();
        assert!((read.unwrap() - expected).abs() < 0.005, "{name}: {read:?}, {expected}");
    }
}

fn on_time_case(id: &str) {
    let case = case(id);
    let as_of = instant(&case["params"]["as_of"]);
    check_on_time(&worlds(&case, as_of), &case["expect"], Kpi::OnTime, as_of);
}

#[test]
fn a_promised_day_is_the_customers() {
    on_time_case("on-time-day-in-the-customers-zone");
}

#[test]
fn odoo_s_midnight_is_the_companys() {
    on_time_case("on-time-odoo-midnight");
}

#[test]
fn a_day_against_an_instant_is_undecided() {
    on_time_case("on-time-instant-promise-delivery-by-day");
}

#[test]
fn the_promise_at_the_hand_over_counts() {
    on_time_case("on-time-which-promise");
}

#[test]
fn a_day_of_25_hours_ends_with_its_midnight() {
    on_time_case("on-time-day-of-25-hours");
    let berlin = TimeZone::get("Europe/Berlin").unwrap();
    let deadline = promise::Deadline::of(Moment::Day("2026-10-25".parse().unwrap()), &berlin);
    assert_eq!(deadline.end, instant(&case("on-time-day-of-25-hours")["expect"]["deadline_excluded"]));
}

#[test]
fn what_never_arrives_is_late() {
    on_time_case("on-time-what-never-arrives");
}

#[test]
fn the_carrier_answers_for_its_own_time() {
    let case = case("on-time-customers-and-carriers-view");
    let as_of = instant(&case["params"]["as_of"]);
    let worlds = worlds(&case, as_of);
    check_on_time(&worlds, &case["expect"]["customer"], Kpi::OnTime, as_of);
    check_on_time(&worlds, &case["expect"]["carrier"], Kpi::OnTimeCarrier, as_of);
}

#[test]
fn a_delivery_that_is_taken_back_moves_the_right_rows() {
    let case = case("on-time-delivery-taken-back-a-week-later");
    let at = |time: Timestamp| World::of(&case["given"][0], time);
    for (time, expected) in case["expect"]["steps"].as_object().unwrap() {
        let time: Timestamp = time.parse().unwrap();
        assert_eq!(class(&at(time), Kpi::OnTime, time), text(expected), "{time}");
    }
    let before = at("2026-04-03T07:59:00Z".parse().unwrap()).contributed();
    let after = at("2026-04-03T08:00:00Z".parse().unwrap()).contributed();
    let mut moved: BTreeMap<(Kpi, Part, String), i64> = BTreeMap::new();
    for (key, n) in after.since(&before).iter().flat_map(|change| &change.rows) {
        *moved.entry((key.kpi, key.part, key.bucket.day.to_string())).or_default() += n;
    }
    let n = |kpi, part, day: &str| moved.get(&(kpi, part, day.to_owned())).copied();
    let promised = &case["expect"]["delta_at_correction"]["2026-03-27"];
    assert_eq!(n(Kpi::OnTime, Part::Yes, "2026-03-27"), promised["numerator"].as_i64());
    let due = n(Kpi::OnTime, Part::Yes, "2026-03-27").unwrap() + n(Kpi::OnTime, Part::No, "2026-03-27").unwrap();
    assert_eq!(Some(due), promised["denominator"].as_i64());
    for (day, delta) in case["expect"]["deliveries_by_day_delta"].as_object().unwrap() {
        assert_eq!(n(Kpi::TransitTime, Part::Value, day), delta.as_i64(), "{day}");
        assert_eq!(n(Kpi::ReturnRate, Part::No, day), delta.as_i64(), "{day}");
    }
    let early = |key: &Key| key.kpi == Kpi::StatusCurrent && key.bucket.day < "2026-04-03".parse().unwrap();
    assert!(!after.since(&before).iter().flat_map(|change| change.rows.keys()).any(early), "what was known then stays");
}

#[test]
fn a_stop_that_was_taken_back_stops_no_clock() {
    let case = case("on-time-customers-and-carriers-view");
    let as_of = instant(&case["params"]["as_of"]);
    let stopped = list(&case["given"]).find(|given| given["stopped_minutes"].is_i64()).unwrap();
    let class_with = |change: fn(&mut Vec<Trouble>)| {
        let mut world = World::of(stopped, as_of);
        change(&mut world.troubles);
        class(&world, Kpi::OnTimeCarrier, as_of)
    };
    let taken_back = class_with(|troubles| {
        for trouble in troubles {
            trouble.closed = trouble.closed.map(|closed| Closed { taken_back: true, ..closed });
        }
    });
    assert_eq!(taken_back, class_with(Vec::clear));
    assert_ne!(taken_back, class_with(|_| ()), "it stood still for that long");
}

#[test]
fn first_attempts() {
    let case = case("first-attempt");
    let as_of = "2026-04-10T00:00:00Z".parse().unwrap();
    let mut tally = Tally::default();
    for world in worlds(&case, as_of) {
        let said = match first(&world.story()) {
            Attempt::Succeeded(_) => "success",
            Attempt::Failed(_) => "failed",
            Attempt::Collected => "excluded",
            Attempt::None => "none",
        };
        assert_eq!(said, text(&case["expect"]["results"][&world.id]), "{}", world.id);
        rows_of(&world.contributed(), Kpi::FirstAttempt).iter().for_each(|(key, n)| tally.add(key, *n, 0));
    }
    let value = tally.value(Kpi::FirstAttempt.definition());
    assert_eq!(Some(tally.yes), case["expect"]["numerator"].as_i64());
    assert_eq!(Some(value.of), case["expect"]["denominator"].as_i64());
    assert_eq!(value.main, case["expect"]["percent"].as_f64());
}

#[test]
fn returned_damaged_lost() {
    let case = case("returned-damaged-lost");
    let worlds = worlds(&case, "2026-04-10T00:00:00Z".parse().unwrap());
    let mut tallies: BTreeMap<Kpi, Tally> = BTreeMap::new();
    for world in &worlds {
        let story = world.story();
        let said = story.closing.map(|closing| {
            let word = match closing {
                Closing::Delivered(_) => "delivered",
                Closing::Returned(_) => "returned",
                Closing::Lost(_) => "lost",
            };
            serde_json::json!([word, story.bucket(closing.moment()).day.to_string()])
        });
        assert_eq!(serde_json::json!(said), case["expect"]["closed_by"][&world.id], "{}", world.id);
        for (key, n) in &world.contributed().rows {
            tallies.entry(key.kpi).or_default().add(key, *n, 0);
        }
    }
    for kpi in [Kpi::ReturnRate, Kpi::LossRate, Kpi::DamageRate] {
        let tally = &tallies[&kpi];
        assert_eq!(Some(tally.yes), case["expect"][kpi.id()]["numerator"].as_i64(), "{}", kpi.id());
        assert_eq!(Some(tally.yes + tally.no), case["expect"]["closed"].as_i64(), "{}", kpi.id());
    }
}

#[test]
fn tracking_is_up_to_date_as_known_then() {
    let case = case("tracking-up-to-date-as-known-then");
    let as_of = "2026-03-30T00:00:00Z".parse().unwrap();
    for (name, hour) in [("at_12_00", "2026-03-27T12:00:00Z"), ("at_14_00", "2026-03-27T14:00:00Z")] {
        let at: Timestamp = hour.parse().unwrap();
        let hour = i32::try_from(at.as_second() / 3_600).unwrap();
        let mut tally = Tally::default();
        for (world, given) in worlds(&case, as_of).iter().zip(list(&case["given"])) {
            let gap = SignedDuration::from_hours(given["normal_gap_hours"].as_i64().unwrap());
            let mut contributed = Contributed::default();
            let story = world.story();
            current::contribute_with(&world.shipment(), &story.standings, gap, &mut contributed);
            let mut own = Tally::default();
            for (key, n) in contributed.rows.iter().filter(|(key, _)| key.bin.is_some_and(|bin| bin <= hour)) {
                own.add(key, *n, 0);
            }
            let expected = case["expect"][name]["rows"][&world.id].as_bool().unwrap();
            assert_eq!((own.yes, own.base), (i64::from(expected), 1), "{} {name}", world.id);
            tally.merge(&own);
        }
        assert_eq!(Some(tally.yes), case["expect"][name]["numerator"].as_i64());
        assert_eq!(Some(tally.base), case["expect"][name]["denominator"].as_i64());
    }
}

#[test]
fn exceptions_by_age_and_per_shipment() {
    let case = case("exceptions-ageing-and-rate");
    let hours = list(&case["given"]).map(|one| one["open_hours"].as_f64().unwrap()).collect();
    let ages = exceptions::ages(hours);
    assert_eq!(serde_json::json!(ages.buckets), case["expect"]["buckets"]);
    assert_eq!((ages.p50, ages.p90), (case["expect"]["p50_hours"].as_f64(), case["expect"]["p90_hours"].as_f64()));
    let edges: Vec<f64> = list(&case["params"]["edges_hours"]).map(|edge| edge.as_f64().unwrap()).collect();
    assert_eq!(exceptions::AGE_EDGES, edges);
    let (opened, shipments) = (&case["params"]["opened_in_period"], &case["params"]["handed_over_in_period"]);
    let tally = Tally { yes: opened.as_i64().unwrap(), base: shipments.as_i64().unwrap(), ..Tally::default() };
    let rate = tally.value(Kpi::ExceptionRate.definition()).main.unwrap();
    assert!((rate - case["expect"]["rate_per_1000"].as_f64().unwrap()).abs() < 0.005);
}

#[test]
fn one_instant_lies_on_the_days_of_two_companies() {
    let case = case("latency-two-companies-two-days");
    let (mut counted, mut impossible) = (0, 0);
    for (given, expected) in list(&case["given"]).zip(list(&case["expect"]["rows"])) {
        let received = instant(&given["received"]);
        let zone = text(&given["zone"]);
        let time = event_time(text(&given["event"]), zone);
        let said = match latency(&time, received) {
            Latency::Counted(late) => Some(late.as_secs_f64() / 60.0),
            Latency::ClockAhead => Some(0.0),
            Latency::NoMinute | Latency::Impossible => None,
        };
        assert_eq!(said, expected["latency_minutes"].as_f64(), "{given}");
        assert_eq!(latency(&time, received) == Latency::ClockAhead, expected["clock_ahead"] == true);
        counted += u64::from(said.is_some());
        impossible += u64::from(latency(&time, received) == Latency::Impossible);
        let given = serde_json::json!({"zone": zone, "company_zone": zone, "facts": [
            {"milestone": "IN_TRANSIT", "event": given["event"], "recorded": given["received"]}]});
        let contributed = World::of(&given, received).contributed();
        let rows = rows_of(&contributed, Kpi::UnmappedShare);
        assert_eq!(rows[0].0.bucket.day.to_string(), text(&expected["bucket_day"]), "{given}");
        let parts: Vec<Part> = rows_of(&contributed, Kpi::EventLatency).iter().map(|(key, _)| key.part).collect();
        let expected_parts: &[Part] = match (text(&expected["class"]), expected["clock_ahead"] == true) {
            ("counted", false) => &[Part::Value],
            ("counted", true) => &[Part::Value, Part::ClockAhead],
            ("no_minute", _) => &[Part::NoMinute],
            _ => &[],
        };
        assert_eq!(parts, expected_parts, "{given}");
        let quarantined = rows_of(&contributed, Kpi::ImpossibleTimes)[0].0.part == Part::Yes;
        assert_eq!(quarantined, text(&expected["class"]) == "impossible", "{given}");
    }
    assert_eq!(Some(counted), case["expect"]["counted"].as_u64());
    assert_eq!(Some(impossible), case["expect"]["impossible"].as_u64());
}
