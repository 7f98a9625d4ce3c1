//! Carriers side by side and the review of one: numbers counted by hand, numbers that their shipments add up to, and their pages.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::{World, site::Site};
use application::{
    caller::Caller,
    config::Mode,
    context::Context,
    kpi::{
        annotations::{self, NewAnnotation},
        carriers::{self, FIGURES, Scorecard, Scorecards},
        keep,
        read::{self, Period, Question, Tab},
    },
    operations::simulate::Simulation,
};
use domain::access::Role;
use http::StatusCode;
use jiff::{ToSpan as _, civil::Date, civil::date};
use kpi::{
    contribution::row::{Bucket, Contributed, Dims, Part},
    definition::Kpi,
    figure::{Tally, minute},
    learned::bins::Scale,
    scorecard::{
        Rank, Share,
        findings::{Finding, Lane},
    },
};
use server::{
    cli::history::{make_sources, story},
    config::Settings,
};
use simulator::history::{History, Wanted};
use std::{collections::BTreeMap, sync::Arc};
use storage::{
    reports::{AnnotationKind, Learning},
    rollups::{Filter, NewContribution},
};
use storage_sqlite::{Options, SqliteStore, fill::Fill};

const MONDAY: Date = date(2026, 2, 16);

fn week() -> Question {
    Question::of(Period { from: MONDAY, until: MONDAY + 7.days() }, Filter::default())
}

/// A lane of a carrier: on time and late in a week, and in the week before.
struct Sent {
    carrier: Option<&'static str>,
    lane: (&'static str, &'static str),
    now: (i64, i64),
    before: (i64, i64),
}

const fn sent(
    carrier: Option<&'static str>,
    lane: (&'static str, &'static str),
    now: (i64, i64),
    before: (i64, i64),
) -> Sent {
    Sent { carrier, lane, now, before }
}

/// Two that are ranked, one with too few, and one shipment whose carrier is not known.
const ALL: &[Sent] = &[
    sent(Some("dhl"), ("WH", "DE"), (950, 50), (940, 60)),
    sent(Some("gls"), ("WH", "DE"), (180, 20), (280, 20)),
    sent(Some("gls"), ("POZ", "PL"), (40, 60), (0, 0)),
    sent(Some("dpd"), ("WH", "DE"), (9, 0), (0, 0)),
    sent(None, ("WH", "DE"), (5, 0), (0, 0)),
];

fn contributed(sent: &Sent, monday: Date) -> Contributed {
    let (warehouse, country) = sent.lane;
    let dims = Dims {
        carrier: sent.carrier.map(str::to_owned),
        warehouse: Some(warehouse.into()),
        country: Some(country.into()),
        ..Dims::default()
    };
    let mut all = Contributed { dims, ..Contributed::default() };
    for ((on_time, late), day) in [(sent.now, monday + 2.days()), (sent.before, monday - 5.days())] {
        let bucket = Bucket::day(day);
        let mut add = |kpi, part, bin, n| {
            if n > 0 {
                all.add(kpi, part, bucket, bin, n);
            }
        };
        add(Kpi::OnTime, Part::Yes, None, on_time);
        add(Kpi::OnTime, Part::No, None, late);
        add(Kpi::ExceptionRate, Part::Base, None, on_time + late);
        add(Kpi::ExceptionRate, Part::Yes, None, late);
        add(Kpi::TransitTime, Part::Value, Some(Scale::WorkingHours.bin(36.0)), on_time);
        add(Kpi::TransitTime, Part::Value, Some(Scale::WorkingHours.bin(96.0)), late);
    }
    all
}

/// Gives some shipments of orders what the lanes come to in the week of a Monday and in the one before.
async fn compose(context: &Context, monday: Date) {
    let scope = context.scope();
    let shipments = context.store.rollups.shipments_after(scope, None, None, 20).await.unwrap();
    for (sent, id) in ALL.iter().zip(&shipments) {
        let loaded = context.store.shipments.load(scope, *id, None).await.unwrap().unwrap();
        let new = NewContribution::since(contributed(sent, monday), &loaded.contributed).unwrap().unwrap();
        assert!(context.store.rollups.replace(scope, *id, loaded.shipment.revision, new, context.now()).await.unwrap());
    }
    assert!(shipments.len() >= ALL.len(), "each lane has a shipment");
    while keep::add_up(context, scope).await.unwrap() == keep::Step::More {}
}

async fn composed() -> (World, Caller) {
    let world = World::new().await;
    for record in 1..=5 {
        world.order(record, &[&format!("N{record}")]).await;
    }
    world.settle().await;
    compose(&world.context, MONDAY).await;
    let caller = Caller::trusted(world.context.scope());
    (world, caller)
}

fn names(cards: &[Scorecard]) -> Vec<Option<&str>> {
    cards.iter().map(|card| card.carrier.as_deref()).collect()
}

#[tokio::test]
async fn scorecards_are_as_counted_by_hand() {
    let (world, caller) = composed().await;
    let Scorecards { cards, targets, .. } = carriers::scorecards(&world.context, &caller, &week()).await.unwrap();
    assert_eq!(names(&cards), [Some("dhl"), Some("gls"), Some("dpd"), None]);
    let ranks: Vec<_> = cards.iter().map(|card| (card.rank, card.rank_before)).collect();
    let place = |place| Some(Rank::Place(place));
    let few = Some(Rank::TooFew);
    assert_eq!(ranks, [(place(1), place(1)), (place(2), place(2)), (few, few), (None, None)]);
    let gls = &cards[1];
    assert_eq!(gls.on_time(), Share { part: 220, of: 300 });
    assert_eq!(gls.handed_over(), (300, 300));
    let (now, before) = gls.values(Kpi::OnTime);
    assert!((now.main.unwrap() - 73.333).abs() < 0.001 && (before.main.unwrap() - 93.333).abs() < 0.001);
    let (now, before) = gls.values(Kpi::TransitTime);
    assert_eq!((now.main, now.upper, before.upper), (Some(35.5), Some(95.5), Some(35.5)));
    let exceptions = gls.values(Kpi::ExceptionRate).0;
    assert_eq!((exceptions.main.map(f64::round), exceptions.of), (Some(267.0), 300));
    let last: Vec<_> = gls.weeks.iter().rev().take(3).copied().collect();
    let share = |part, of| Share { part, of };
    assert_eq!(
        last,
        [(MONDAY, share(220, 300)), (MONDAY - 7.days(), share(280, 300)), (MONDAY - 14.days(), share(0, 0))]
    );
    assert_eq!((gls.weeks.len(), targets[&Kpi::OnTime]), (13, 95.0));

    let filter = Filter { country: Some("DE".into()), carrier: Some("dpd".into()), ..Filter::default() };
    let narrowed = Question { filter, ..week() };
    let cards = carriers::scorecards(&world.context, &caller, &narrowed).await.unwrap().cards;
    assert_eq!(cards.len(), 4, "all carriers are compared, whatever the filter of one says");
    assert_eq!(cards[1].on_time(), share(180, 200));
    let none = Question::of(Period { from: date(2025, 6, 2), until: date(2025, 6, 9) }, Filter::default());
    assert!(carriers::scorecards(&world.context, &caller, &none).await.unwrap().cards.is_empty());
}

#[tokio::test]
async fn a_review_tells_lanes_apart_and_says_what_to_raise() {
    let (world, caller) = composed().await;
    let storm = NewAnnotation {
        kind: AnnotationKind::Storm,
        from: MONDAY - 6.days(),
        to: MONDAY - 5.days(),
        carrier: None,
        text: String::new(),
        learning: Learning::Learned,
    };
    annotations::add(&world.context, &caller, storm).await.unwrap();
    let review = carriers::review(&world.context, &caller, &week(), "gls").await.unwrap();
    assert_eq!((review.card.rank, review.ranked), (Some(Rank::Place(2)), 2));
    let lane =
        |warehouse: &str, country: &str| Lane { warehouse: Some(warehouse.into()), country: Some(country.into()) };
    let lanes: Vec<_> = review.lanes.iter().map(|one| (one.lane.clone(), one.on_time())).collect();
    let (worst, other) = (Share { part: 40, of: 100 }, Share { part: 180, of: 200 });
    assert_eq!(lanes, [(lane("POZ", "PL"), worst), (lane("WH", "DE"), other)]);
    assert_eq!(review.countries()[0].on_time(), worst);
    assert_eq!(review.warehouses()[1].on_time(), other);
    assert_eq!(review.unusual.iter().copied().collect::<Vec<_>>(), [MONDAY - 7.days()]);
    let all = Share { part: 220, of: 300 };
    let on_time = Finding::OnTime { share: all, target: 95.0 };
    assert_eq!(review.findings.first(), Some(&on_time), "{:?}", review.findings);
    let raised = Finding::Lane { lane: lane("POZ", "PL"), share: worst, all };
    assert!(review.findings.contains(&raised), "{:?}", review.findings);
    assert!(review.findings.iter().any(|one| matches!(one, Finding::Slower { .. })), "{:?}", review.findings);

    // the number is the number of its rows
    let of_it = Question { filter: Filter { carrier: Some("gls".into()), ..Filter::default() }, ..week() };
    let late = read::count_behind(&world.context, &caller, Kpi::OnTime, &of_it, Tab::Against).await.unwrap();
    assert_eq!(late, all.rest());

    let earlier = Question::of(Period { from: date(2025, 6, 2), until: date(2025, 6, 9) }, Filter::default());
    let empty = carriers::review(&world.context, &caller, &earlier, "gls").await.unwrap();
    assert_eq!((empty.card.rank, empty.findings.len(), empty.lanes.len()), (Some(Rank::TooFew), 0, 0));
    assert!(carriers::review(&world.context, &caller, &week(), "nothing").await.is_err(), "no such carrier");
}

/// What shipments add up to, row by row.
fn added_up(all: &[Contributed], (kpi, carrier): (Kpi, &Option<String>), period: Period, now: i32) -> Tally {
    let mut tally = Tally::default();
    for one in all.iter().filter(|one| one.dims.carrier == *carrier) {
        for (key, n) in one.rows.iter().filter(|(key, _)| key.kpi == kpi && period.contains(key.bucket.day)) {
            tally.add(key, *n, now);
        }
    }
    tally
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scorecards_of_a_simulated_history_are_what_its_shipments_add_up_to() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("milepost.sqlite");
    let mut fill = Fill::open(&file).await.unwrap();
    let mut config = Settings::default().resolve().unwrap();
    config.system.mode = Mode::Demo;
    let world = World::on(SqliteStore::open(&file, Options::tool()).await.unwrap(), config).await;
    let (context, scope, now) = (&world.context, world.context.scope(), world.context.now());
    let sources = make_sources(context, scope).await.unwrap();
    let history = History::new(Wanted { seed: 11, shipments: 700, days: 60, until: now, lately_percent: None });
    let simulation = Simulation::new(Arc::clone(context), "odoo", sources).await.unwrap();
    let made: Vec<_> =
        history.shipments().map(|shipment| simulation.filled(&story(&shipment, 0).unwrap()).unwrap()).collect();
    fill.add(scope, &made).unwrap();
    while keep::add_up(context, scope).await.unwrap() == keep::Step::More {}
    let mut all = Vec::new();
    for filled in &made {
        all.push(world.load(filled.shipment.id).await.contributed.read().unwrap());
    }

    let question = Question::of(Period { from: date(2026, 2, 1), until: date(2026, 3, 1) }, Filter::default());
    let caller = Caller::trusted(scope);
    let cards = carriers::scorecards(context, &caller, &question).await.unwrap().cards;
    assert_eq!(cards.len(), 6, "{:?}", names(&cards));
    let at = minute(now);
    let mut counted = 0;
    for card in &cards {
        for kpi in FIGURES {
            let (tally, before) = &card.figures[kpi];
            let of = |period| added_up(&all, (*kpi, &card.carrier), period, at);
            assert_eq!(*tally, of(question.period), "{:?} {}", card.carrier, kpi.id());
            assert_eq!(*before, of(question.compared), "{:?} {}", card.carrier, kpi.id());
            counted += tally.value(kpi.definition()).of;
        }
        for (monday, share) in &card.weeks {
            let week = Period { from: *monday, until: (*monday + 7.days()).min(question.period.until) };
            assert_eq!(*share, Share::of(&added_up(&all, (Kpi::OnTime, &card.carrier), week, at)), "{monday}");
        }
    }
    assert!(counted > 2_000, "there is something to compare: {counted}");
    let review = carriers::review(context, &caller, &question, "dhl").await.unwrap();
    let by_lane: Share = review.lanes.iter().map(carriers::LaneFigures::on_time).fold(Share::default(), Share::with);
    assert_eq!(by_lane, review.card.on_time(), "lanes add up to the carrier");
    let reasons: BTreeMap<_, _> = review.troubles.reasons().into_iter().collect();
    assert_eq!(
        i64::try_from(reasons.values().sum::<u64>()).unwrap(),
        review.card.figures[&Kpi::ExceptionRate].0.yes,
        "each exception of the rate has its reason: {reasons:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pages_show_them_to_who_may_see_figures() {
    let site = Site::start().await;
    let context = &site.world.context;
    let executive = site.sign_in_as(Role::Executive).await;
    let caller = Caller::trusted(context.scope());
    let monday =
        Period::last_over(read::today(context, &caller).await.unwrap(), application::kpi::period::Length::Week).from;
    compose(context, monday).await;
    let page = async |path: &str| site.page(path, Some(&executive)).await.unwrap();
    let all = page("/carriers").await;
    assert_eq!(all.status, StatusCode::OK);
    let cards: Vec<&str> = all.body.split("data-testid=\"scorecard\" data-code=\"").skip(1).collect();
    let codes: Vec<&str> = cards.iter().map(|card| card.split('"').next().unwrap()).collect();
    assert_eq!(codes, ["dhl", "gls"], "{}", all.body);
    assert!(all.body.contains("9 due: from 30 on a carrier is ranked"), "{}", all.body);
    let links: Vec<&str> = cards[1]
        .split("</article>")
        .next()
        .unwrap()
        .split("href=\"/figures/")
        .skip(1)
        .map(|link| link.split('"').next().unwrap())
        .collect();
    assert!(links.iter().all(|link| link.contains("carrier=gls")), "each number leads to its own rows: {links:?}");
    for figure in ["on_time?", "transit_time?", "exception_rate?"] {
        assert!(links.iter().any(|link| link.starts_with(figure)), "{figure}: {links:?}");
    }
    assert!(all.body.contains("GLS has 23 % of what was due and 62 % of the late ones."), "{}", all.body);
    let by_volume = page("/carriers?sort=exception_rate").await;
    let first = by_volume.body.split("data-code=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(first, "dhl", "the fewest exceptions first");

    let gls = page("/carriers/gls").await;
    assert_eq!(gls.status, StatusCode::OK);
    for words in ["rank 2 of 2", "To settle in the review", "POZ → PL", "80 of 300 due were late"] {
        assert!(gls.body.contains(words), "{words}: {}", gls.body);
    }
    assert_eq!(gls.body.matches("data-testid=\"lane\"").count(), 2);
    assert_eq!(page("/carriers/gls?by=warehouse").await.body.matches("data-testid=\"lane\"").count(), 2);
    let none = page("/carriers/nothing").await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
    assert!(none.body.contains("Back to carriers"), "{}", none.body);

    let csv = page("/carriers/export.csv").await;
    assert_eq!(csv.status, StatusCode::OK);
    let lines: Vec<&str> = csv.body.lines().collect();
    assert_eq!(lines.len(), 5, "{csv:?}");
    assert!(lines[2].starts_with("\"GLS\",\"2\",\"73.3\",\"300\",\"300\""), "{csv:?}");
    let agent = site.sign_in_as(Role::Agent).await;
    for path in ["/carriers", "/carriers/gls", "/carriers/export.csv"] {
        assert_eq!(site.page(path, Some(&agent)).await.unwrap().status, StatusCode::FORBIDDEN, "{path}");
    }
    site.stop().await;
}
