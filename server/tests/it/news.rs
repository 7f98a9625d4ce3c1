//! What is notified of trouble that was known before, with or after its delivery: exactly one activity and, by severity, one
//! ticket; nothing of what is history. Against a simulated Odoo and desk, with time advanced.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::systems::Systems;
use application::caller::Caller;
use application::{
    clock::Clock,
    exceptions,
    operations::replays,
    tracking::mappings::{self, Change},
};
use domain::observation::ProviderCode;
use jiff::SignedDuration;
use simulator::odoo::Open;
use std::ops::Range;
use storage::{
    jobs::{ClaimRequest, JobKind, Lane, Wanted},
    work::ExceptionAction,
};

const NUMBER: &str = "N1";
const DAMAGED: &[(&str, &str)] = &[("InTransit_003", "2026-03-05T01:00:00"), ("Exception_012", "2026-03-05T08:00:00")];
const WRONG_ADDRESS: &[(&str, &str)] =
    &[("InTransit_003", "2026-03-05T01:00:00"), ("Exception_007", "2026-03-05T08:00:00")];
const ON_THE_WAY: (&str, &str) = ("InTransit_003", "2026-03-05T11:00:00");

impl Systems {
    /// A delivery without a number, not taken in.
    fn unnumbered(&self) -> i64 {
        let picking = self.add_order(NUMBER);
        self.odoo.edit(picking, "carrier_tracking_ref", false.into());
        picking
    }

    fn number_typed(&self, picking: i64) {
        self.odoo.edit(picking, "carrier_tracking_ref", NUMBER.into());
    }

    async fn message(&self, checkpoints: &[(&str, &str)]) {
        self.world.deliver_to(&self.world.context, NUMBER, checkpoints).await;
    }

    /// What was posted: activities, tickets.
    fn posted(&self, picking: i64) -> (usize, usize) {
        (self.odoo.activities(picking).len(), self.desk.tickets().len())
    }

    async fn hours(&self, hours: i64) {
        for part in [hours - hours / 2, hours / 2] {
            self.world.passes(part).await;
        }
    }

    /// Somebody claims a fold of this lane and dies; its lease ends.
    async fn dies_folding(&self, lane: Lane) {
        let now = self.world.clock.now();
        let request = ClaimRequest {
            owner: format!("dead {now}"),
            lane,
            wanted: vec![Wanted { kind: JobKind::FOLD, destination: None, at_most: 9 }],
            now,
            until: now + SignedDuration::from_secs(30),
            held: Vec::new(),
        };
        self.world.context.store.jobs.claim(request).await.unwrap();
        self.world.clock.advance(jiff::Span::new().seconds(31));
    }
}

#[tokio::test]
async fn trouble_told_before_with_or_after_the_number_is_told_once() {
    for (trouble, tickets_at_once) in [(DAMAGED, 1), (WRONG_ADDRESS, 0)] {
        for when in ["before the first import", "before", "with", "with, the import folded first", "after"] {
            let systems = Systems::new().await;
            if when != "before the first import" {
                systems.order("ANOTHER1").await;
            }
            let picking = systems.unnumbered();
            if when.starts_with("before") {
                systems.message(trouble).await;
                systems.world.settle().await;
            }
            if when == "with" {
                systems.message(trouble).await;
                systems.world.work(Lane::RealTime).await;
                systems.message(trouble).await;
            }
            systems.number_typed(picking);
            systems.import(9).await;
            if when == "with, the import folded first" {
                systems.message(trouble).await;
                systems.world.work(Lane::Batch).await;
            }
            systems.world.settle().await;
            if when == "after" {
                systems.message(trouble).await;
                systems.world.settle().await;
            }
            assert_eq!(systems.posted(picking), (1, tickets_at_once), "{when}: {trouble:?}");
            systems.hours(70).await;
            assert_eq!(systems.posted(picking), (1, 1), "{when}: {trouble:?}, later");
            systems.message(&[trouble[0], trouble[1], ON_THE_WAY]).await;
            systems.world.settle().await;
            systems.hours(3).await;
            assert_eq!(systems.posted(picking), (1, 1), "{when}: {trouble:?}, after another event");
        }
    }
}

#[tokio::test]
async fn old_trouble_is_shown_and_nobody_is_told_whatever_happens_later() {
    let systems = Systems::new().await;
    systems.order("ANOTHER1").await;
    let picking = systems.unnumbered();
    systems.message(DAMAGED).await;
    systems.world.settle().await;
    systems.hours(11 * 24).await;
    systems.number_typed(picking);
    systems.import(9).await;
    systems.world.settle().await;
    assert_eq!(systems.odoo.value(picking, "x_milepost_exception"), "Damaged");
    assert_eq!(systems.posted(picking), (0, 0));
    systems.message(&[DAMAGED[0], DAMAGED[1], ("InTransit_005", "2026-03-16T10:00:00")]).await;
    systems.world.settle().await;
    systems.hours(70).await;
    assert_eq!(systems.posted(picking), (0, 0), "an event that has nothing to do with it does not make it news");
    let again =
        [DAMAGED[0], DAMAGED[1], ("InTransit_005", "2026-03-16T10:00:00"), ("Exception_012", "2026-03-19T08:00:00")];
    systems.message(&again).await;
    systems.world.settle().await;
    assert_eq!(systems.posted(picking), (1, 1), "the carrier says it again: that is news");
    systems.message(&[again[0], again[1], again[2], again[3], ("InTransit_003", "2026-03-19T09:00:00")]).await;
    systems.world.settle().await;
    systems.hours(3).await;
    assert_eq!(systems.posted(picking), (1, 1), "once");
}

#[tokio::test]
async fn the_first_import_and_what_is_read_again_tell_nobody() {
    let systems = Systems::new().await;
    let late = systems.overdue("LATE1").await;
    let said = (systems.odoo.activities(late).len(), systems.desk.tickets().len());
    let shipment = systems.world.context.store.shipments.find(systems.world.context.scope(), "LATE1").await.unwrap()[0];
    let open = systems.world.load(shipment).await.exceptions;
    assert!(!open.is_empty() && open.iter().all(|e| e.withheld), "{open:?}");
    assert_eq!(said, (0, 0));

    let picking = systems.order(NUMBER).await;
    systems.message(&[("InTransit_003", "2026-03-05T01:00:00"), ("InTransit_777", "2026-03-05T09:00:00")]).await;
    systems.world.settle().await;
    let change = Change {
        code: ProviderCode::new("aftership.subtag", "InTransit_777"),
        meaning: Some("INFO|DAMAGED".into()),
        why: "their letter of 2 March".into(),
    };
    mappings::publish(&systems.world.context, &Caller::trusted(systems.world.context.scope()), change).await.unwrap();
    systems.world.settle().await;
    systems.hours(70).await;
    assert!(!systems.world.load(systems.shipment(NUMBER).await).await.exceptions.is_empty());
    assert_eq!(systems.posted(picking), (0, 0), "a new meaning of what was said is no news");
}

#[tokio::test]
async fn what_a_person_settled_before_the_delivery_was_known_stays_settled() {
    let systems = Systems::new().await;
    systems.order("ANOTHER1").await;
    systems.message(DAMAGED).await;
    systems.world.settle().await;
    let (context, shipment) = (&systems.world.context, systems.shipment(NUMBER).await);
    let id = systems.world.load(shipment).await.exceptions[0].id;
    exceptions::act(context, &Caller::trusted(context.scope()), id, ExceptionAction::Resolve, Some("a scratch".into()))
        .await
        .unwrap();
    systems.world.settle().await;
    let picking = systems.unnumbered();
    systems.number_typed(picking);
    systems.import(9).await;
    systems.world.settle().await;
    systems.hours(70).await;
    assert_eq!(systems.posted(picking), (0, 0));
}

/// Repeatable numbers.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, within: Range<usize>) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        within.start + usize::try_from(self.0 % (within.len() as u64)).unwrap()
    }
}

/// Whatever comes first, any node folds it and any node dies meanwhile: one activity, one ticket.
#[tokio::test]
async fn in_any_order_it_is_told_once() {
    for seed in 1..=40_u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let systems = Systems::new().await;
        if dice.throw(0..2) == 0 {
            systems.order("ANOTHER1").await;
        }
        let picking = systems.unnumbered();
        let (mut arrived, mut typed, mut trail) = (false, false, Vec::new());
        for step in 0..14 {
            let what = dice.throw(0..9);
            trail.push(what);
            match what {
                0 | 1 if step > 1 => {
                    arrived = true;
                    systems.message(DAMAGED).await;
                }
                2 if step > 1 => {
                    typed = true;
                    systems.number_typed(picking);
                }
                3 | 4 => drop(systems.import(9).await),
                5 => systems.world.work(Lane::RealTime).await,
                6 => systems.world.work(Lane::Batch).await,
                7 => systems.dies_folding([Lane::RealTime, Lane::Batch][dice.throw(0..2)]).await,
                _ => systems.reprocess().await,
            }
        }
        if !arrived {
            systems.message(DAMAGED).await;
        }
        if !typed {
            systems.number_typed(picking);
        }
        if dice.throw(0..2) == 0 {
            systems.world.settle().await;
        }
        systems.import(9).await;
        systems.world.settle().await;
        systems.advance(31).await;
        systems.advance(120).await;
        systems.advance(120).await;
        assert_eq!(systems.posted(picking), (1, 1), "seed {seed}: {trail:?}");
        systems.reprocess().await;
        systems.world.settle().await;
        systems.message(&[DAMAGED[0], DAMAGED[1], ON_THE_WAY]).await;
        systems.world.settle().await;
        systems.hours(4).await;
        assert_eq!(systems.posted(picking), (1, 1), "seed {seed}: {trail:?}, later");
        assert_eq!(systems.odoo.activities(picking)[0].1, Open::Todo);
        let notes = systems.odoo.notes(picking);
        let mut once: Vec<_> = notes.iter().map(|(_, body)| body).collect();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), notes.len(), "seed {seed}: {notes:?}");
    }
}

impl Systems {
    /// Every message so far is read again.
    async fn reprocess(&self) {
        let context = &self.world.context;
        let all = context.store.inbox.messages(context.scope(), Default::default(), None).await.unwrap();
        for message in all.rows {
            // one that waits for its first reading cannot be read again
            let _ = replays::reprocess(context, &Caller::trusted(context.scope()), message.id).await;
        }
    }
}

#[tokio::test]
async fn a_revised_time_is_the_same_trouble() {
    for (trouble, hours) in [(DAMAGED, 0), (WRONG_ADDRESS, 3)] {
        let systems = Systems::new().await;
        let picking = systems.order(NUMBER).await;
        for time in ["2026-03-05T08:00:00", "2026-03-05T08:01:00", "2026-03-05T07:30:00", "2026-03-04T08:01:00"] {
            systems.message(&[trouble[0], (trouble[1].0, time)]).await;
            systems.world.settle().await;
            systems.hours(hours).await;
            assert_eq!(systems.posted(picking), (1, 1), "{time}: {:?}", systems.odoo.activities(picking));
        }
        assert_eq!(systems.world.load(systems.shipment(NUMBER).await).await.exceptions.len(), 1);
        systems.hours(3).await;
        assert_eq!(systems.odoo.activities(picking)[0].1, Open::Todo);
    }
}

#[tokio::test]
async fn what_is_taken_back_and_said_again_keeps_its_activity() {
    let systems = Systems::new().await;
    let picking = systems.order(NUMBER).await;
    systems.message(DAMAGED).await;
    systems.world.settle().await;
    // a newer list without it, and one that has it again
    systems.message(&[DAMAGED[0], ("InTransit_005", "2026-03-05T08:30:00")]).await;
    systems.world.settle().await;
    systems.advance(300).await;
    systems
        .message(&[DAMAGED[0], ("InTransit_005", "2026-03-05T08:30:00"), ("Exception_012", "2026-03-05T08:31:00")])
        .await;
    systems.world.settle().await;
    systems.hours(2).await;
    assert_eq!(systems.posted(picking), (1, 1), "{:?}", systems.odoo.activities(picking));
    assert_eq!(systems.odoo.activities(picking)[0].1, Open::Todo);
    assert_eq!(systems.world.load(systems.shipment(NUMBER).await).await.exceptions.len(), 1);
    systems.message(&[DAMAGED[0], ("InTransit_005", "2026-03-05T08:40:00")]).await;
    systems.world.settle().await;
    systems.advance(16 * 60).await;
    assert_eq!(systems.odoo.activities(picking)[0].1, Open::Done, "taken back for good");
}
