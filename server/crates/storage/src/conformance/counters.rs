//! Counts are kept where rows change: after any sequence of commands they are what going through all rows gives.

use super::{Said, World, at, world::exception};
use crate::{
    Store,
    counted::{Rows, walk},
    orders::OriginStanding,
    shipments::{LastEvent, ShipmentQuery, ShipmentRow, ShipmentTab},
    work::{CaseRecord, CaseStatus, ExceptionAction, QueueCounts, QueueQuery, QueueView, TicketFacts},
};
use domain::{
    ExceptionReason, Milestone, Severity, State,
    commit::ExceptionChange,
    event_time::{EventTime, Precision},
    fold::Resolution,
    ids::{ShipmentId, SourceId},
};
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};

/// Commands of the long sequence, and after how many of them everything is compared.
const COMMANDS: u64 = 240;
const COMPARED_EVERY: u64 = 30;
/// When it is asked, in minutes.
const NOW: i64 = 20_000;
/// Records of the order system, and numbers that carriers speak of.
const RECORDS: u64 = 7;
const NUMBERS: [&str; 6] = ["NUM1", "NUM2", "NUM3", "NUM4", "NUM5", "NUM6"];
const TEAMS: [&str; 2] = ["Berlin", "Claims"];
const CARRIERS: [Option<&str>; 3] = [Some("dhl"), Some("ups"), None];

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn up_to(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn minutes(&mut self) -> i64 {
        i64::try_from(self.up_to(19_900)).unwrap()
    }

    fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.up_to(of.len() as u64)).unwrap()]
    }
}

/// Every row of a list, page by page.
pub(super) async fn rows(world: &World, query: ShipmentQuery) -> Vec<ShipmentRow> {
    let (mut cursor, mut rows) = (None, Vec::new());
    loop {
        let query = ShipmentQuery { cursor, ..query.clone() };
        let page = world.store.shipments.list(world.scope, query, at(NOW)).await.unwrap();
        rows.extend(page.rows);
        cursor = page.next;
        if cursor.is_none() {
            return rows;
        }
    }
}

async fn command(world: &World, dice: &mut Dice, source: SourceId, made: u64) {
    let all = rows(world, ShipmentQuery { tab: ShipmentTab::All, ..ShipmentQuery::default() }).await;
    let any: Vec<ShipmentId> = all.iter().map(|row| row.id).collect();
    match dice.up_to(8) {
        0 => {
            let (number, carrier) = (dice.one_of(&NUMBERS), dice.one_of(&CARRIERS));
            let codes: &[&str] = if dice.up_to(2) == 0 { &["A", "BB"] } else { &["CCC"] };
            world.say(source, Said::of(number, codes, dice.minutes()).by(carrier)).await;
        }
        1 => {
            let record = i64::try_from(1 + dice.up_to(RECORDS)).unwrap();
            let numbers: Vec<&str> = NUMBERS.into_iter().filter(|_| dice.up_to(3) == 0).collect();
            let mut order = world.order(record, &numbers);
            order.standing = dice.one_of(&[
                OriginStanding::Open,
                OriginStanding::Done,
                OriginStanding::Done,
                OriginStanding::Cancelled,
            ]);
            order.digest = format!("{made}");
            world.store.shipments.import(world.scope, vec![order], at(dice.minutes())).await.unwrap();
        }
        2 | 3 if !any.is_empty() => {
            let id = dice.one_of(&any);
            let revision = world.store.shipments.shipment(world.scope, id).await.unwrap().unwrap().revision;
            let mut folded = world.folded(dice.one_of(State::ALL));
            folded.heard_at = Some(at(dice.minutes())).filter(|_| dice.up_to(4) > 0);
            folded.delivered_at = (folded.state == State::Delivered)
                .then(|| EventTime::instant("", at(dice.minutes()), Precision::Second));
            let mut commit = world.commit(id, revision, folded, dice.minutes());
            commit.last_event = (dice.up_to(4) > 0).then(|| LastEvent {
                milestone: Milestone::InTransit,
                exception: None,
                code: None,
                place: None,
                place_in_parts: true,
                at: Some(at(dice.minutes())),
                time: None,
            });
            world.store.shipments.commit(world.scope, commit).await.unwrap();
        }
        4 if !any.is_empty() => {
            let id = dice.one_of(&any);
            trouble(world, dice, id).await;
        }
        5 if !any.is_empty() => {
            let id = dice.one_of(&any);
            let loaded = world.store.shipments.load(world.scope, id, None).await.unwrap().unwrap();
            let Some(exception) = loaded.exceptions.first() else { return };
            let until = at(if dice.up_to(2) == 0 { NOW + 60 } else { NOW - 60 });
            let audit = world.audit("exception.act", format!("exception:{}", exception.id), 1);
            let action = match dice.up_to(3) {
                0 => ExceptionAction::Team { team: None },
                1 => ExceptionAction::Team { team: Some(dice.one_of(&TEAMS).to_owned()) },
                _ => ExceptionAction::Snooze { until },
            };
            world.store.work.act(world.scope, exception.id, action, audit, Vec::new()).await.unwrap();
        }
        6 if !any.is_empty() => {
            let id = dice.one_of(&any);
            ticket(world, dice, id).await;
        }
        _ => {}
    }
}

/// Opens, keeps or closes an exception.
async fn trouble(world: &World, dice: &mut Dice, id: ShipmentId) {
    let loaded = world.store.shipments.load(world.scope, id, None).await.unwrap().unwrap();
    let reason = dice.one_of(&[ExceptionReason::Damaged, ExceptionReason::Late, ExceptionReason::Silence]);
    let open = loaded.exceptions.iter().find(|e| e.reason == reason && e.closed.is_none());
    let minutes = dice.minutes();
    let change = match open {
        Some(open) if dice.up_to(2) == 0 => {
            ExceptionChange::Close { id: open.id, at: None, resolution: Resolution::Progress }
        }
        Some(open) => {
            let exception = exception(reason, minutes, &[minutes]);
            let severity = dice.one_of(&[Severity::Minor, Severity::Critical]);
            ExceptionChange::Keep { id: open.id, exception: domain::fold::FoldedException { severity, ..exception } }
        }
        None => ExceptionChange::Open { id: world.id(), exception: exception(reason, minutes, &[minutes]) },
    };
    let mut commit = world.commit(id, loaded.shipment.revision, world.folded(State::InTransit), minutes);
    if let ExceptionChange::Open { id, .. } = &change {
        commit.teams = [(*id, dice.one_of(&TEAMS).to_owned())].into_iter().collect();
    }
    commit.exceptions = vec![change];
    world.store.shipments.commit(world.scope, commit).await.unwrap();
}

/// Makes or moves the case of an exception, where there is one.
async fn ticket(world: &World, dice: &mut Dice, id: ShipmentId) {
    let loaded = world.store.shipments.load(world.scope, id, None).await.unwrap().unwrap();
    let Some(exception) = loaded.exceptions.first() else { return };
    let known = loaded.cases.iter().find(|case| case.exception == exception.id).cloned();
    let case = known.unwrap_or_else(|| CaseRecord {
        id: world.id(),
        exception: exception.id,
        shipment: id,
        desk: "rt".into(),
        external_key: "key".into(),
        number: None,
        url: None,
        status: CaseStatus::Open,
        opened_at: at(dice.minutes()),
        resolved_at: None,
        notes: Vec::new(),
        closed_by: None,
        follows: None,
        seen: None,
        ticket: TicketFacts::default(),
        revision: 0,
    });
    let status = dice.one_of(&[CaseStatus::Pending, CaseStatus::Open, CaseStatus::Resolved]);
    world.store.work.put_case(world.scope, CaseRecord { status, ..case }, Vec::new()).await.unwrap();
}

/// What is counted from the rows of the queue.
async fn waiting(world: &World) -> BTreeMap<(&'static str, Severity), u64> {
    let (mut cursor, mut counts) = (None, BTreeMap::new());
    loop {
        let query = QueueQuery { view: QueueView::Open, cursor, ..QueueQuery::default() };
        let page = world.store.work.queue(world.scope, query, at(NOW)).await.unwrap();
        for row in page.rows {
            *counts.entry((row.exception.reason.category().code(), row.exception.severity)).or_insert(0) += 1;
        }
        cursor = page.next;
        if cursor.is_none() {
            return counts;
        }
    }
}

/// The exceptions of each team are those of its queue.
async fn teams(world: &World, when: &str) {
    let counts = world.store.work.team_counts(world.scope, at(NOW)).await.unwrap();
    for team in TEAMS {
        let rows = Rows::Exceptions(QueueQuery { team: Some(team.into()), ..QueueQuery::default() });
        let walked = walk(&world.store, world.scope, &rows, at(NOW), u64::MAX).await.unwrap();
        assert_eq!(counts.get(team).copied().unwrap_or(0), walked, "team {team} {when}");
    }
}

pub(super) async fn compare(world: &World, when: &str) {
    let counts = world.store.shipments.counts(world.scope, at(NOW)).await.unwrap();
    for (count, tab) in [
        (counts.open, ShipmentTab::Open),
        (counts.exceptions, ShipmentTab::Exceptions),
        (counts.late, ShipmentTab::Late),
        (counts.silent, ShipmentTab::Silent),
        (counts.delivered, ShipmentTab::Delivered),
        (counts.unclaimed, ShipmentTab::Unclaimed),
        (counts.all, ShipmentTab::All),
    ] {
        let rows = rows(world, ShipmentQuery { tab, ..ShipmentQuery::default() }).await;
        assert_eq!(count, rows.len() as u64, "{tab:?} {when}");
    }
    let counts: QueueCounts = world.store.work.queue_counts(world.scope, at(NOW)).await.unwrap();
    let counts: BTreeMap<_, _> =
        counts.into_iter().map(|(category, severity, n)| ((category.code(), severity), n)).collect();
    assert_eq!(counts, waiting(world).await, "queue {when}");
    teams(world, when).await;
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let figures = world.store.work.figures(world.scope, at(NOW), &zone).await.unwrap();
    for figure in figures.each(at(NOW), &zone) {
        let walked = walk(&world.store, world.scope, &figure.rows, at(NOW), u64::MAX).await.unwrap();
        assert_eq!(figure.count, walked, "{} {when}", figure.name);
    }
    // the carriers of a row are those of its numbers
    let mut carriers: BTreeMap<String, u64> = BTreeMap::new();
    for row in rows(world, ShipmentQuery { tab: ShipmentTab::All, ..ShipmentQuery::default() }).await {
        let named = row.numbers.into_iter().filter_map(|number| number.carrier_label.or(number.carrier));
        let named: BTreeSet<String> = named.filter(|_| row.origin.is_some()).collect();
        named.into_iter().for_each(|carrier| *carriers.entry(carrier).or_insert(0) += 1);
    }
    let counted: BTreeMap<_, _> = figures.carriers.into_iter().map(|of| (of.carrier, of.shipments)).collect();
    assert_eq!(counted, carriers, "carriers {when}");
}

pub async fn counts_are_what_the_rows_give(store: Store) {
    let world = World::new(store).await;
    let source = world.source("shop").await;
    let mut dice = Dice(16);
    for made in 0..COMMANDS {
        command(&world, &mut dice, source, made).await;
        if (made + 1) % COMPARED_EVERY == 0 {
            compare(&world, &format!("after {made} commands")).await;
        }
    }
}

/// More shipments than a search sorts go under one word: every page of it comes, and what is rare among them is found.
pub async fn a_common_word_is_looked_for_along_the_list(store: Store) {
    let world = World::new(store).await;
    let total = 2_100;
    for from in (0..total).step_by(300) {
        let orders = (from..from + 300).map(|n| world.order(n + 1, &[])).collect();
        world.store.shipments.import(world.scope, orders, at(1)).await.unwrap();
    }
    let query = |text: &str, tab| ShipmentQuery { tab, text: Some(text.into()), ..ShipmentQuery::default() };
    let found = rows(&world, query("WH/OUT", ShipmentTab::All)).await;
    let mut ids: Vec<_> = found.iter().map(|row| row.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((found.len(), ids.len()), (usize::try_from(total).unwrap(), found.len()), "each once");
    let one = found[700].id;
    world.trouble(one, &[ExceptionReason::Damaged], 3).await;
    let page = |text, tab| world.store.shipments.list(world.scope, query(text, tab), at(5));
    assert!(page("WH", ShipmentTab::Open).await.unwrap().rows.is_empty(), "two letters are no prefix");
    assert_eq!(page("WHO", ShipmentTab::Open).await.unwrap().rows[0].id, one, "by need for action");
    let troubled = rows(&world, query("WHO", ShipmentTab::Exceptions)).await;
    assert_eq!(troubled.iter().map(|row| row.id).collect::<Vec<_>>(), [one]);
    assert_eq!(rows(&world, query("WHO S01", ShipmentTab::Unclaimed)).await.len(), 0);
}
