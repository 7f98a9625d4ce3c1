//! Every figure is the number of the rows that it leads to, in worlds made up at random.

use super::{Said, World, at, text, world::exception};
use crate::{
    Store,
    counted::{Figure, of_queue, walk},
    jobs::{Finish, JobKind},
    orders::OriginStanding,
    shipments::LastEvent,
    work::{Agent, CaseRecord, CaseStatus, ExceptionAction, TicketFacts},
};
use domain::{
    ExceptionReason, Milestone, State,
    commit::ExceptionChange,
    event_time::{EventTime, Precision},
    fold::Resolution,
    ids::{ExceptionId, ShipmentId},
};
use jiff::{Timestamp, tz::TimeZone};
use std::collections::BTreeSet;

/// Shipments of the world: more than one page of some lists.
const SHIPMENTS: i64 = 130;
/// The world's time of day is now so many minutes after its beginning: two weeks.
const NOW: i64 = 14 * 24 * 60 + 7;
/// More rows than any list has.
const WALKED: u64 = 10_000;
const REASONS: &[ExceptionReason] = &[
    ExceptionReason::Damaged,
    ExceptionReason::Late,
    ExceptionReason::Silence,
    ExceptionReason::CustomsDuties,
    ExceptionReason::DelayCarrier,
    ExceptionReason::Lost,
];

/// Numbers that are the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn one_in(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }

    fn minutes(&mut self, from: i64, until: i64) -> i64 {
        from + i64::try_from(self.below(u64::try_from(until - from).unwrap())).unwrap()
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }
}

pub async fn every_figure_counts_the_rows_of_its_list(store: Store) {
    let world = World::new(store).await;
    let mut chance = Chance(7);
    let source = world.source("shop").await;
    for number in ["STRAY1", "STRAY2", "STRAY3"] {
        world.say(source, Said::of(number, &["A"], 1)).await;
    }
    for record in 1..=SHIPMENTS {
        shipment(&world, &mut chance, record).await;
    }
    for n in 0..80 {
        job(&world, &mut chance, n).await;
    }
    let now = at(NOW);
    let mut names = BTreeSet::new();
    for zone in ["UTC", "Europe/Berlin", "Asia/Kolkata", "Pacific/Honolulu"] {
        let zone = TimeZone::get(zone).unwrap();
        let figures = world.store.work.figures(world.scope, now, &zone).await.unwrap();
        agree(&world, figures.each(now, &zone), &mut names).await;
    }
    let tabs = world.store.shipments.counts(world.scope, now).await.unwrap();
    agree(&world, tabs.each(), &mut names).await;
    let queue = world.store.work.queue_counts(world.scope, now).await.unwrap();
    agree(&world, of_queue(&queue), &mut names).await;
    for destination in world.store.jobs.summary(world.scope, now).await.unwrap() {
        agree(&world, destination.each(now), &mut names).await;
    }
    let sum: u64 = queue.iter().map(|(.., count)| count).sum();
    let figures = world.store.work.figures(world.scope, now, &TimeZone::UTC).await.unwrap();
    assert_eq!(figures.exceptions, sum, "the badge, the queue and the overview say the same");
    for some in ["current", "outdated", "overdue", "snoozed", "tickets resolved", "retrying", "failed jobs", "tab Late"]
    {
        assert!(names.contains(some), "the world has {some}");
    }
}

async fn agree(world: &World, figures: Vec<Figure>, names: &mut BTreeSet<String>) {
    for Figure { name, count, rows } in figures {
        let walked = walk(&world.store, world.scope, &rows, at(NOW), WALKED).await.unwrap();
        assert_eq!(count, walked, "{name}: {rows:?}");
        if count > 0 {
            names.insert(name);
        }
    }
}

async fn shipment(world: &World, chance: &mut Chance, record: i64) {
    let number: &'static str = Box::leak(format!("NUM{record}").into_boxed_str());
    let mut order = world.order(record, &[]);
    if !chance.one_in(8) {
        order.claims.push(world.claimed(Some(chance.of(&["dhl", "ups", "dpd"])), number));
    }
    if chance.one_in(5) {
        // a second piece, perhaps with another carrier
        let piece: &'static str = Box::leak(format!("PIECE{record}").into_boxed_str());
        order.claims.push(world.claimed(Some(chance.of(&["dhl", "ups"])), piece));
    }
    if chance.one_in(10) {
        order.standing = OriginStanding::Cancelled;
    }
    let id = world.import(order, 1).await;
    let mut folded = world.folded(chance.of(State::ALL));
    let heard = chance.minutes(0, NOW);
    folded.heard_at = (!chance.one_in(10)).then(|| at(heard));
    folded.delivered_at = (folded.state == State::Delivered)
        .then(|| EventTime::instant("", at(chance.minutes(0, NOW)), Precision::Second));
    let mut commit = world.commit(id, 0, folded.clone(), 2);
    commit.last_event = (!chance.one_in(10)).then(|| LastEvent {
        milestone: Milestone::InTransit,
        exception: None,
        code: None,
        place: None,
        place_in_parts: true,
        at: Some(at(heard - chance.minutes(0, 24 * 60 * 5))),
        time: None,
    });
    let last_event = commit.last_event.clone();
    world.store.shipments.commit(world.scope, commit).await.unwrap();
    if chance.one_in(3) {
        return;
    }
    let recorded = chance.minutes(10, NOW);
    let began = recorded - chance.minutes(0, 3000);
    let mut commit = world.commit(id, 1, folded.clone(), recorded);
    commit.last_event.clone_from(&last_event);
    let reasons: BTreeSet<_> = (0..=chance.below(3)).map(|_| chance.of(REASONS)).collect();
    let opened: Vec<_> = reasons.into_iter().map(|reason| (world.id(), exception(reason, began, &[record]))).collect();
    commit.exceptions =
        opened.iter().map(|(id, exception)| ExceptionChange::Open { id: *id, exception: exception.clone() }).collect();
    world.store.shipments.commit(world.scope, commit).await.unwrap();
    let mut revision = 2;
    for (exception, _) in opened {
        let closes = chance.one_in(3);
        if chance.one_in(4) {
            let until = at(NOW + chance.minutes(-60, 60));
            let audit = world.audit("exception.snooze", format!("exception:{exception}"), NOW - 90);
            let snooze = ExceptionAction::Snooze { until };
            world.store.work.act(world.scope, exception, snooze, audit, Vec::new()).await.unwrap();
        }
        if chance.one_in(2) {
            let opened = at(chance.minutes(recorded, NOW));
            let by_agent = closes && chance.one_in(3);
            let case = ticket(world, (id, exception), opened, closes, by_agent);
            world.store.work.put_case(world.scope, case, Vec::new()).await.unwrap();
        }
        if closes {
            let resolution = chance.of(&[Resolution::Progress, Resolution::Person, Resolution::Cleared]);
            let mut commit = world.commit(id, revision, folded.clone(), recorded.max(NOW - 100));
            commit.last_event.clone_from(&last_event);
            commit.exceptions = vec![ExceptionChange::Close { id: exception, at: None, resolution }];
            world.store.shipments.commit(world.scope, commit).await.unwrap();
            revision += 1;
        }
    }
}

fn ticket(
    world: &World,
    (shipment, exception): (ShipmentId, ExceptionId),
    opened_at: Timestamp,
    closes: bool,
    by_agent: bool,
) -> CaseRecord {
    CaseRecord {
        id: world.id(),
        exception,
        shipment,
        desk: "rt".into(),
        external_key: format!("{exception}"),
        number: Some("1".into()),
        url: None,
        status: if closes { CaseStatus::Resolved } else { CaseStatus::Open },
        opened_at,
        resolved_at: None,
        notes: Vec::new(),
        closed_by: by_agent.then_some(Agent { name: None }),
        follows: None,
        seen: None,
        ticket: TicketFacts::default(),
        revision: 0,
    }
}

async fn job(world: &World, chance: &mut Chance, n: u64) {
    let kind = chance.of(&[JobKind::SYNC_ORDER, JobKind::SYNC_CASE, JobKind::FOLD, JobKind::NORMALISE]);
    let made = chance.minutes(NOW - 3000, NOW - 1);
    let job = world.job(kind, format!("target {n}"), made);
    world.enqueue(&job).await;
    let class = chance.of(&["timeout", "forbidden"]).to_owned();
    let finish = match chance.below(5) {
        0 => return,
        1 => Finish::Dead { error: text("e"), class },
        2 => Finish::Retry { at: at(NOW + 5000), error: text("e"), class },
        _ => Finish::Done,
    };
    let leased = world.claim("a", &[kind], at(NOW - 1)).await;
    for job in leased {
        let ended = if chance.one_in(6) { Finish::Released } else { finish.clone() };
        world.store.jobs.finish("a", job.job.id, ended, at(chance.minutes(made, NOW))).await.unwrap();
    }
}
