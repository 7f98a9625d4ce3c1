//! Estimates on known distributions: made worlds, learned from day by day, and judged by what came later.

use super::*;
use crate::learned::{cell::Shipped, mixture::DEFAULT_K, stage::Stage, testing::Random};
use jiff::{
    ToSpan,
    civil::{Date, date},
};

/// A lane of a made world: which shares arrive after 1, 2, … days, the mean hour of delivery, and how many a day.
struct Lane {
    days: Vec<f64>,
    hour: f64,
    a_day: usize,
}

struct Shipment {
    lane: usize,
    day: i32,
    hours: f64,
}

/// Two carriers with seven lanes each, of which some are small.
fn world(random: &mut Random) -> Vec<Lane> {
    (0..14)
        .map(|i| {
            let quick = 0.25 + 0.5 * random.uniform();
            let second = (1.0 - quick) * (0.5 + 0.3 * random.uniform());
            let third = (1.0 - quick - second) * 0.7;
            let days = vec![quick, second, third, 1.0 - quick - second - third];
            Lane { days, hour: 11.0 + 4.0 * random.uniform(), a_day: [2, 4, 8, 12, 20, 30, 40][i % 7] }
        })
        .collect()
}

fn shipments(world: &[Lane], days: std::ops::Range<i32>, random: &mut Random) -> Vec<Shipment> {
    let mut all = Vec::new();
    for day in days {
        for (lane, of) in world.iter().enumerate() {
            for _ in 0..of.a_day {
                let mut share = random.uniform();
                let taken = of.days.iter().position(|part| {
                    share -= part;
                    share < 0.0
                });
                let taken = taken.unwrap_or(of.days.len() - 1) + 1;
                let hour = (of.hour + 6.0 * (random.uniform() + random.uniform() - 1.0)).clamp(0.0, 24.0);
                all.push(Shipment { lane, day, hours: taken as f64 * DAY_HOURS + hour });
            }
        }
    }
    all
}

const FIRST_DAY: Date = date(2026, 1, 5);

fn week_of(day: i32) -> Week {
    Week::of(FIRST_DAY.saturating_add(day.days()))
}

/// The histories at the begin of a day, by lane, carrier and all: what arrived, and what was open then.
fn learned(all: &[Shipment], today: i32) -> Vec<History> {
    let mut histories = vec![History::default(); 14 + 2 + 1];
    for one in all.iter().filter(|one| one.day < today) {
        let until_now = f64::from(today - one.day) * DAY_HOURS;
        let (outcome, hours) = match one.hours <= until_now {
            true => (Outcome::Ended, one.hours),
            false => (Outcome::Censored, until_now),
        };
        for cell in [one.lane, 14 + one.lane / 7, 16] {
            histories[cell].add(week_of(one.day), outcome, hours, 1);
        }
    }
    histories
}

fn estimate(histories: &[History], lane: usize, today: i32) -> Quantiles {
    let cells = [Some(&histories[lane]), None, None, Some(&histories[14 + lane / 7]), Some(&histories[16])];
    let known = Known::read(cells, &Reading::at(week_of(today)), None, DEFAULT_K).unwrap();
    Quantiles::of(&known.mixture.curve, 0.0)
}

/// How often P50 and P80 held for what was handed over on some days, learned anew each day.
fn held(all: &[Shipment], days: std::ops::Range<i32>) -> (f64, f64) {
    let (mut n, mut p50, mut p80) = (0.0, 0.0, 0.0);
    for today in days {
        let histories = learned(all, today);
        let estimates: Vec<Quantiles> = (0..14).map(|lane| estimate(&histories, lane, today)).collect();
        for one in all.iter().filter(|one| one.day == today) {
            let within = |quantile: Option<f64>| f64::from(u8::from(quantile.is_some_and(|q| one.hours <= q)));
            n += 1.0;
            p50 += within(estimates[one.lane].p50());
            p80 += within(estimates[one.lane].p80());
        }
    }
    (p50 / n, p80 / n)
}

#[test]
fn after_sixty_days_p80_holds_for_80_of_100() {
    for seed in [1, 2, 3] {
        let mut random = Random::new(seed);
        let world = world(&mut random);
        let all = shipments(&world, 0..70, &mut random);
        let (p50, p80) = held(&all, 60..70);
        assert!((0.77..=0.83).contains(&p80), "seed {seed}: P80 held {p80}");
        assert!((0.46..=0.54).contains(&p50), "seed {seed}: P50 held {p50}");
    }
}

/// Of the first days only the fast ones have arrived: without the open ones P80 would promise too much.
#[test]
fn open_shipments_make_the_first_days_honest() {
    let mut random = Random::new(4);
    let world = world(&mut random);
    let all = shipments(&world, 0..4, &mut random);
    let judged = shipments(&world, 3..4, &mut random);
    let histories = learned(&all, 3);
    let arrived = |history: &History| {
        let mut only = History::default();
        for (week, seen) in history.weeks() {
            seen.ended.iter().for_each(|(bin, n)| only.add_bin(week, Outcome::Ended, bin, n));
        }
        only
    };
    let coverage = |histories: &[History]| {
        let within = |one: &&Shipment| estimate(histories, one.lane, 3).p80().is_none_or(|q| one.hours <= q);
        judged.iter().filter(within).count() as f64 / judged.len() as f64
    };
    let naive: Vec<History> = histories.iter().map(arrived).collect();
    assert!(coverage(&naive) < 0.7, "arrivals alone: {}", coverage(&naive));
    assert!(coverage(&histories) > 0.74, "with the open ones: {}", coverage(&histories));
}

#[test]
fn an_estimate_is_shown_from_thirty_deliveries_on_and_says_what_it_rests_on() {
    let of = |n: i64| {
        let mut history = History::default();
        history.add(Week(10), Outcome::Ended, 30.0, n);
        history
    };
    let (one, some, many) = (of(1), of(29), of(400));
    let read = |cells| Known::read(cells, &Reading::at(Week(10)), None, DEFAULT_K).unwrap();
    let few = read([None, Some(&one), None, Some(&some), Some(&many)]);
    assert!(!few.is_shown());
    assert_eq!(few.words(), "1 delivery on this country pair, 29 on this carrier, 400 on services like this one");
    assert_eq!(few.finest, Some(Depth::CountryPair));
    let thirty = of(30);
    assert!(read([None, None, None, Some(&thirty), Some(&many)]).is_shown());
    assert!(Known::read([None; 5], &Reading::at(Week(10)), None, DEFAULT_K).is_none());
}

#[test]
fn what_the_carrier_publishes_stands_in_until_more_is_known() {
    let prior = published(2);
    assert!((1.0 - prior.survival(2.0 * DAY_HOURS + 18.0) - 0.95).abs() < 1e-9);
    assert!((1.0 - prior.survival(DAY_HOURS + 18.0) - 0.475).abs() < 1e-9, "as many on each day");
    assert_eq!(prior.quantile(0.96), None, "of the rest nothing is said");
    let known = Known::read([None; 5], &Reading::at(Week(10)), Some(&prior), DEFAULT_K).unwrap();
    assert!(!known.is_shown() && known.finest.is_none() && known.words().is_empty());
}

#[test]
fn what_has_waited_takes_longer_and_the_first_estimate_stays() {
    let mut history = History::default();
    for (hours, n) in [(34.0, 60), (58.0, 30), (82.0, 10)] {
        history.add(Week(10), Outcome::Ended, hours, n);
    }
    let curve = history.level(&Reading::at(Week(10))).unwrap().curve;
    let (fresh, waiting) = (Quantiles::of(&curve, 0.0), Quantiles::of(&curve, 48.0));
    assert!(fresh.p50().unwrap() < 34.0 && waiting.p50().unwrap() > 57.0);
    assert!(waiting.p50() <= waiting.p80());
    let prediction = |quantiles| Prediction { model: 1, depth: Some(Depth::Lane), quantiles, carrier: None };
    let mut frozen = Frozen::default();
    frozen.freeze(Horizon::HandOver, prediction(fresh));
    frozen.freeze(Horizon::HandOver, prediction(waiting));
    frozen.freeze(Horizon::Stage(Stage::Hub), prediction(waiting));
    assert_eq!(frozen.get(Horizon::HandOver), Some(&prediction(fresh)));
    assert_eq!(frozen.get(Horizon::Stage(Stage::Hub)), Some(&prediction(waiting)));
    assert_eq!(frozen.get(Horizon::DayBefore), None);
}

#[test]
fn open_ones_are_counted_in_a_copy() {
    let mut history = History::default();
    history.add(Week(10), Outcome::Ended, 20.0, 1);
    let with = with_open(&history, [(Week(10), 30.0), (Week(9), 60.0)]);
    let reading = Reading { half_life: f64::INFINITY, ..Reading::at(Week(10)) };
    assert!((with.level(&reading).unwrap().curve.survival(20.0) - 2.0 / 3.0).abs() < 1e-9);
    assert_eq!(history.level(&reading).unwrap().curve.survival(20.0), 0.0);
}

/// Lanes alike lean on each other; lanes that differ much do not.
#[test]
fn k_is_chosen_week_by_week() {
    let chosen = |apart: f64| {
        let mut random = Random::new(5);
        let (mut lanes, mut all) = (vec![History::default(); 8], History::default());
        for week in 0..6 {
            for (i, lane) in lanes.iter_mut().enumerate() {
                for _ in 0..2 {
                    let hours = 24.0 + apart * i as f64 + random.gamma(3, 24.0);
                    lane.add(Week(week), Outcome::Ended, hours, 1);
                    all.add(Week(week), Outcome::Ended, hours, 1);
                }
            }
        }
        let chains: Vec<_> = lanes.iter().map(|lane| [Some(lane), None, None, Some(&all), None]).collect();
        choose_k_by_week(&chains, &Reading::at(Week(5)), None)
    };
    assert!(chosen(0.0) >= 40.0, "{}", chosen(0.0));
    assert!(chosen(40.0) <= 10.0, "{}", chosen(40.0));
    assert_eq!(choose_k_by_week(&[], &Reading::at(Week(5)), None), DEFAULT_K);
}

#[test]
fn a_shipment_has_a_history_for_each_of_its_cells() {
    let shipped = Shipped { carrier: Some("dhl"), ..Shipped::default() };
    let known: Vec<usize> = shipped.cells().iter().flatten().map(|cell| cell.depth().level()).collect();
    assert_eq!(known, [Depth::Carrier.level()]);
}
