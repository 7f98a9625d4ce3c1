//! Reconciliation against a simulated Odoo and desk: what differs is found, mended or listed, and what a person decides holds.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::systems::Systems;
use app::contract::{
    ApiError,
    reconciliation::{Owned, ReconciliationPort, ReconciliationQuery, ReconciliationView, Tab},
};
use application::{
    caller::Caller,
    jobs,
    reconcile::{self, Started},
};
use domain::{
    access::Role,
    ids::ReconciliationId,
    reconcile::{Cause, Choice, Fix, Topic},
};
use serde_json::json;
use simulator::faults::Fault;
use std::sync::Arc;
use storage::reconciliations::{Difference, DifferenceQuery, Resolution, Run, RunState, Which};

const DELIVERED: &[(&str, &str)] =
    &[("InTransit_003", "2026-03-05T01:00:00"), ("Delivered_001", "2026-03-05T11:00:00")];
const MOVING: &[(&str, &str)] = &[("InTransit_003", "2026-03-05T01:00:00")];
const DAMAGED: &[(&str, &str)] = &[MOVING[0], ("Exception_012", "2026-03-05T08:00:00")];

impl Systems {
    async fn takes_in(&self, number: &str, checkpoints: &[(&str, &str)]) {
        self.world.deliver_to(&self.world.context, number, checkpoints).await;
        self.world.settle().await;
    }

    fn reconciler(&self) -> Caller {
        Caller::trusted(self.world.context.scope())
    }

    async fn run_of(&self, id: ReconciliationId) -> Run {
        let context = &self.world.context;
        context.store.reconciliations.run(context.scope(), id).await.unwrap().unwrap()
    }

    async fn start_run(&self, dry_run: bool) -> ReconciliationId {
        match reconcile::start(&self.world.context, &self.reconciler(), None, dry_run).await.unwrap() {
            Started::Run(id) => id,
            Started::Running => panic!("another one is running"),
        }
    }

    /// A run from its start to its end, and what it began.
    async fn reconciled(&self, dry_run: bool) -> Run {
        let id = self.start_run(dry_run).await;
        for _ in 0..60 {
            self.advance(1).await;
            let run = self.run_of(id).await;
            if run.state != RunState::Running {
                assert_eq!(run.state, RunState::Done);
                // what was begun is looked at again
                for _ in 0..4 {
                    self.advance(20).await;
                }
                return run;
            }
        }
        panic!("the run does not end: {:?}", self.run_of(id).await)
    }

    async fn differences_of(&self, which: Which) -> Vec<Difference> {
        let query = DifferenceQuery { which, ..DifferenceQuery::default() };
        let listed = reconcile::differences(&self.world.context, &self.reconciler(), query).await.unwrap();
        listed.rows.into_iter().map(|row| row.difference).collect()
    }

    async fn open_differences(&self) -> Vec<Difference> {
        self.differences_of(Which::Open).await
    }

    async fn differing_topics(&self) -> Vec<(Topic, String, Cause, Fix)> {
        let mut topics: Vec<_> = self
            .open_differences()
            .await
            .into_iter()
            .map(|one| (one.found.topic, one.found.name, one.found.cause, one.found.fix))
            .collect();
        topics.sort();
        topics
    }

    fn differences_page(&self) -> Arc<dyn ReconciliationPort> {
        self.world.ports(Role::Admin).reconciliation
    }

    async fn differences_view(&self, query: ReconciliationQuery) -> ReconciliationView {
        self.differences_page().view(query).await.unwrap()
    }
}

#[tokio::test]
async fn systems_that_agree_agree_on_everything() {
    let systems = Systems::new().await;
    systems.order("AGREE1").await;
    systems.order("AGREE2").await;
    systems.takes_in("AGREE1", MOVING).await;
    let empty = systems.differences_view(ReconciliationQuery::default()).await;
    assert_eq!((empty.share, empty.rows.len(), empty.connected), (None, 0, true));
    systems.advance(600).await;
    let run = systems.reconciled(false).await;
    assert_eq!((run.counts.compared, run.counts.differing, run.counts.fixes), (2, 0, 0));
    assert_eq!(systems.differing_topics().await, []);
    let share = systems.differences_view(ReconciliationQuery::default()).await.share.unwrap();
    assert_eq!((share.percent.as_str(), share.compared, share.missing), ("100", 2, None));
    let writes = systems.odoo.calls("stock.picking/write");
    systems.reconciled(false).await;
    assert_eq!(systems.odoo.calls("stock.picking/write"), writes, "nothing is written that agrees");
}

#[tokio::test]
async fn what_is_safe_is_mended_and_the_rest_is_listed_with_its_age() {
    let systems = Systems::new().await;
    let edited = systems.order("EDIT1").await;
    systems.takes_in("EDIT1", MOVING).await;
    let delivered = systems.order("DONE1").await;
    systems.takes_in("DONE1", DELIVERED).await;
    let gone = systems.order("GONE1").await;
    systems.takes_in("GONE1", MOVING).await;
    systems.takes_in("NOORDER1", MOVING).await;
    systems.advance(2 * 3600).await;
    systems.odoo.edit(edited, "x_milepost_status", json!("DELIVERED"));
    systems.odoo.delete(gone);
    let missing = systems.add_order("LATER1");
    let run = systems.reconciled(false).await;
    assert_eq!((run.counts.compared, run.counts.differing), (5, 5), "{run:?}");
    // mended: set back with a note, imported, noticed
    assert_eq!(systems.status(edited).as_deref(), Some("IN_TRANSIT"));
    let notes = systems.odoo.notes(edited);
    assert_eq!(notes.iter().filter(|(_, body)| body.contains("changed by hand")).count(), 1, "{notes:?}");
    let context = &systems.world.context;
    let known = context.store.shipments.known_records(context.scope(), "odoo", vec![missing]).await.unwrap();
    assert!(known.contains(&missing), "the delivery that was missing is imported");
    let mended = systems.differences_of(Which::FixedSince(context.now() - jiff::SignedDuration::from_hours(1))).await;
    let mut topics: Vec<_> = mended.iter().map(|one| one.found.topic).collect();
    topics.sort();
    assert_eq!(topics, [Topic::Missing, Topic::Status]);
    // the rest is for a person
    let left = systems.differing_topics().await;
    assert_eq!(
        left,
        [
            (Topic::Transfer, "DONE1".into(), Cause::NotValidated, Fix::Decide),
            (Topic::Gone, "GONE1".into(), Cause::DeletedInOdoo, Fix::Decide),
            (Topic::NoOrder, "NOORDER1".into(), Cause::NoOrder, Fix::LinkOrder),
        ]
    );
    let first: Vec<_> = systems.open_differences().await.into_iter().map(|one| (one.found.id, one.opened_at)).collect();
    systems.advance(3600).await;
    let run = systems.reconciled(false).await;
    assert_eq!((run.counts.opened, run.counts.closed), (0, 0), "each opens once");
    let again: Vec<_> = systems.open_differences().await.into_iter().map(|one| (one.found.id, one.opened_at)).collect();
    assert_eq!(again, first, "and keeps its age");
    // validated in Odoo: gone by itself
    systems.odoo.edit(delivered, "state", json!("done"));
    systems.import(9).await;
    systems.world.settle().await;
    systems.reconciled(false).await;
    assert!(!systems.differing_topics().await.iter().any(|(topic, ..)| *topic == Topic::Transfer));
}

#[tokio::test]
async fn a_dry_run_mends_nothing_and_a_persons_fix_is_counted_first() {
    let systems = Systems::new().await;
    let picking = systems.order("DRY1").await;
    systems.takes_in("DRY1", MOVING).await;
    systems.advance(600).await;
    systems.odoo.edit(picking, "x_milepost_exception", json!("call Jane Doe"));
    systems.reconciled(true).await;
    assert_eq!(systems.odoo.value(picking, "x_milepost_exception"), "call Jane Doe");
    let view =
        systems.differences_view(ReconciliationQuery { view: Tab::Safe, ..ReconciliationQuery::default() }).await;
    let [row] = &view.rows[..] else { panic!("{view:?}") };
    assert_eq!((row.cause, row.odoo.text.as_str(), row.choosable), (Cause::EditedInOdoo, "another text", true));
    assert!(!format!("{view:?}").contains("Jane"), "what people typed is not kept");
    let preview = ReconciliationQuery { preview: format!("{},nothing", row.id), ..ReconciliationQuery::default() };
    let preview = systems.differences_view(preview).await.preview.unwrap();
    assert_eq!((preview.updates, preview.skipped, preview.fixes()), (1, 0, 1));
    let all = systems
        .differences_view(ReconciliationQuery { preview: "safe".into(), ..Default::default() })
        .await
        .preview
        .unwrap();
    assert_eq!(all.ids, preview.ids);
    assert_eq!(systems.differences_page().fix(preview.ids.clone()).await.unwrap(), 1);
    assert_eq!(systems.differences_page().fix(preview.ids).await.unwrap(), 0, "it is being fixed");
    systems.advance(1).await;
    let checked = systems.differences_view(ReconciliationQuery::default()).await.rows.remove(0);
    assert_eq!((checked.state.as_str(), checked.choosable), ("Being checked", false));
    systems.advance(20).await;
    assert_eq!(systems.odoo.value(picking, "x_milepost_exception"), false);
    assert_eq!(systems.differing_topics().await, []);
    let fixed = systems.differences_view(ReconciliationQuery { view: Tab::Fixed, ..Default::default() }).await;
    assert_eq!((fixed.rows.len(), fixed.rows[0].state.as_str()), (1, "Fixed"));
}

/// What an import missed: another wrote the order since.
#[tokio::test]
async fn a_sales_order_that_shows_something_else_is_listed_once_and_set_back() {
    let systems = Systems::new().await;
    let picking = systems.order("SOLD1").await;
    systems.takes_in("SOLD1", MOVING).await;
    // the import has gone on to what is newer
    systems.advance(3600).await;
    systems.order("LATER1").await;
    systems.advance(3600).await;
    let order = systems.odoo.linked(picking, "sale_id").unwrap();
    systems.odoo.spoil("sale.order", order, "x_milepost_status", json!("FAILED"));
    systems.import(9).await;
    systems.world.settle().await;
    assert_eq!(systems.odoo.field("sale.order", order, "x_milepost_status"), "FAILED", "no change was seen");
    systems.reconciled(true).await;
    let row = systems.differences_view(ReconciliationQuery::default()).await.rows.remove(0);
    assert_eq!((row.topic, row.cause), (Topic::OrderFields, Cause::EditedInOdoo));
    assert_eq!((row.odoo.text.as_str(), row.ours.text.as_str()), ("Failed", "In transit"));
    systems.reconciled(false).await;
    assert_eq!(systems.odoo.field("sale.order", order, "x_milepost_status"), "IN_TRANSIT");
    let notes = systems.odoo.notes(order);
    assert!(notes.len() == 1 && notes[0].1.contains("changed by hand to"), "{notes:?}");
    assert_eq!(systems.differing_topics().await, []);
}

#[tokio::test]
async fn a_fix_that_failed_is_left_to_a_person_who_may_request_it_again() {
    let systems = Systems::new().await;
    systems.order("KNOWN1").await;
    systems.advance(600).await;
    systems.add_order("LATER1");
    systems.reconciled(true).await;
    let row = systems.differences_view(ReconciliationQuery::default()).await.rows.remove(0);
    assert_eq!((row.cause, row.choosable), (Cause::NotImported, true));
    systems.odoo.fail(Some("stock.picking/search"), &Fault::Error("odoo.exceptions.UserError"), 1);
    systems.world.leaves_jobs();
    assert_eq!(systems.differences_page().fix(vec![row.id.clone()]).await.unwrap(), 1);
    systems.advance(1).await;
    assert_eq!(systems.dead().await, 1);
    let failed = systems.differences_view(ReconciliationQuery::default()).await.rows.remove(0);
    assert_eq!((failed.state.as_str(), failed.choosable), ("", true), "it is not being fixed any more");
    assert_eq!(systems.reconciled(false).await.counts.fixes, 0, "no run repeats it");
    assert_eq!(systems.differences_page().fix(vec![row.id]).await.unwrap(), 1);
    systems.advance(1).await;
    systems.advance(20).await;
    assert_eq!(systems.differing_topics().await, []);
}

#[tokio::test]
async fn what_a_person_keeps_stays_until_a_newer_event() {
    let systems = Systems::new().await;
    let picking = systems.order("KEEP1").await;
    systems.takes_in("KEEP1", MOVING).await;
    systems.odoo.edit(picking, "state", json!("cancel"));
    systems.import(9).await;
    systems.world.settle().await;
    systems.advance(600).await;
    systems.reconciled(false).await;
    let listed = systems.differences_view(ReconciliationQuery { view: Tab::Decision, ..Default::default() }).await;
    let [row] = &listed.rows[..] else { panic!("{listed:?}") };
    assert_eq!((row.topic, row.choices.len()), (Topic::Cancelled, 1));
    let stale = systems.differences_page().decide(row.id.clone(), row.revision + 1, "keep".into()).await;
    assert!(matches!(stale, Err(ApiError::Conflict { .. })), "{stale:?}");
    let write = systems.differences_page().decide(row.id.clone(), row.revision, "write".into()).await;
    assert!(matches!(write, Err(ApiError::Invalid { .. })), "{write:?}");
    systems.differences_page().assign(row.id.clone(), true).await.unwrap();
    let mine = systems.differences_view(ReconciliationQuery { owner: Owned::Unassigned, ..Default::default() }).await;
    assert!(mine.rows.is_empty(), "it has an owner now");
    let row = systems.differences_view(ReconciliationQuery::default()).await.rows.remove(0);
    systems.differences_page().decide(row.id, row.revision, Choice::Keep.code().into()).await.unwrap();
    systems.reconciled(false).await;
    assert_eq!(systems.differing_topics().await, [], "it stands, and nothing changed");
    systems.takes_in("KEEP1", &[MOVING[0], ("OutForDelivery_001", "2026-03-05T12:14:00")]).await;
    systems.advance(3600).await;
    systems.reconciled(false).await;
    let topics = systems.differing_topics().await;
    assert_eq!(topics.len(), 1, "the parcel moved on: {topics:?}");
    let context = &systems.world.context;
    let lines = context.store.people.audit_trail(context.scope(), None, 50).await.unwrap();
    let kept = lines.iter().filter(|line| line.entry.action == "difference.keep").count();
    assert_eq!(kept, 1);
}

#[tokio::test]
async fn a_person_has_a_delivery_validated_and_its_order_invoiced() {
    let systems = Systems::new().await;
    systems.set_odoo(&[("invoice", "post"), ("invoice_on", "pod")]).await;
    let picking = systems.order("LAGS1").await;
    let order = systems.odoo.linked(picking, "sale_id").unwrap();
    systems.takes_in("LAGS1", DELIVERED).await;
    systems.advance(600).await;
    systems.reconciled(false).await;
    let decided = async |topic: Topic, expected: &str| {
        let rows = systems.differences_view(ReconciliationQuery::default()).await.rows;
        let row = rows.into_iter().find(|row| row.topic == topic).unwrap();
        assert_eq!(
            row.choices.iter().map(|(_, words)| words.as_str()).collect::<Vec<_>>(),
            ["Leave it as it is", expected]
        );
        systems.differences_page().decide(row.id, row.revision, "write".into()).await.unwrap();
        for _ in 0..3 {
            systems.advance(20).await;
        }
        assert!(!systems.differing_topics().await.iter().any(|(left, ..)| *left == topic), "{topic:?} is mended");
    };
    decided(Topic::Transfer, "Validate delivery").await;
    assert_eq!(systems.odoo.value(picking, "state"), "done");
    systems.reconciled(false).await;
    systems.odoo_clock_is_right();
    decided(Topic::Invoice, "Make invoice").await;
    let invoices = systems.odoo.records_of("account.move", "move_type", &json!("out_invoice"));
    assert!(invoices.len() == 1 && invoices[0]["state"] == "posted", "{invoices:?}");
    assert_eq!(systems.odoo.field("sale.order", order, "invoice_status"), "invoiced");
    // the step that waited for a proof finds the invoice
    systems.world.passes(1).await;
    assert_eq!(systems.odoo.records_of("account.move", "move_type", &json!("out_invoice")).len(), 1);
    let context = &systems.world.context;
    let lines = context.store.people.audit_trail(context.scope(), None, 50).await.unwrap();
    assert_eq!(lines.iter().filter(|line| line.entry.action == "difference.write").count(), 2);
}

#[tokio::test]
async fn the_target_is_a_setting_with_its_line_in_the_audit_trail() {
    let systems = Systems::new().await;
    systems.order("AIM1").await;
    systems.advance(600).await;
    systems.reconciled(false).await;
    let target = async || systems.differences_view(ReconciliationQuery::default()).await.target;
    assert_eq!(target().await, "99.5");
    let (context, caller) = (&systems.world.context, systems.reconciler());
    reconcile::set_target(context, &caller, 9_875).await.unwrap();
    assert_eq!(target().await, "98.75");
    for odd in [0, 10_001] {
        reconcile::set_target(context, &caller, odd).await.unwrap_err();
    }
    reconcile::set_target(context, &caller, 10_000).await.unwrap();
    assert_eq!(target().await, "100");
    let lines = context.store.people.audit_trail(context.scope(), None, 50).await.unwrap();
    assert_eq!(lines.iter().filter(|line| line.entry.action == "reconciliation.target").count(), 2);
}

#[tokio::test]
async fn a_number_taken_out_of_its_delivery_is_listed_once_the_carrier_reports_again() {
    let systems = Systems::new().await;
    let picking = systems.order("TAKEN1").await;
    systems.takes_in("TAKEN1", MOVING).await;
    systems.odoo.edit(picking, "carrier_tracking_ref", json!("OTHER1"));
    systems.import(9).await;
    systems.world.settle().await;
    systems.advance(600).await;
    systems.reconciled(false).await;
    assert_eq!(systems.differing_topics().await, [], "a person's change holds");
    systems.takes_in("TAKEN1", &[MOVING[0], ("OutForDelivery_001", "2026-03-05T12:05:00")]).await;
    systems.advance(60).await;
    systems.reconciled(false).await;
    assert_eq!(systems.differing_topics().await, [(Topic::Number, "TAKEN1".into(), Cause::EditedInOdoo, Fix::Decide)]);
    let row = systems.differences_view(ReconciliationQuery::default()).await.rows.remove(0);
    assert_eq!(row.choices.iter().map(|(choice, _)| *choice).collect::<Vec<_>>(), [Choice::Keep, Choice::Write]);
    systems.differences_page().decide(row.id, row.revision, "write".into()).await.unwrap();
    systems.advance(1).await;
    systems.advance(20).await;
    systems.advance(20).await;
    assert_eq!(systems.odoo.value(picking, "carrier_tracking_ref"), "TAKEN1");
    let shipment = systems.world.load(systems.shipment("TAKEN1").await).await.shipment;
    assert_eq!(shipment.origin.map(|origin| origin.record), Some(picking), "and it is the order's again");
    assert_eq!(systems.differing_topics().await, []);
}

#[tokio::test]
async fn a_number_is_written_back_beside_the_others_and_not_over_a_later_change() {
    let systems = Systems::new().await;
    let picking = systems.order("KEEPS1, LEAVES1").await;
    systems.takes_in("LEAVES1", MOVING).await;
    systems.advance(60).await;
    systems.odoo.edit(picking, "carrier_tracking_ref", json!("KEEPS1"));
    systems.import(9).await;
    systems.world.settle().await;
    systems.advance(600).await;
    systems.takes_in("LEAVES1", &[MOVING[0], ("OutForDelivery_001", "2026-03-05T12:05:00")]).await;
    systems.advance(60).await;
    systems.reconciled(false).await;
    let write = async || {
        let row = systems.differences_view(ReconciliationQuery::default()).await.rows.remove(0);
        assert_eq!((row.topic, row.odoo.text.as_str()), (Topic::Number, "KEEPS1"));
        systems.differences_page().decide(row.id, row.revision, "write".into()).await.unwrap();
        for _ in 0..3 {
            systems.advance(20).await;
        }
    };
    // a person changed it since: their change stays, and the fix says why it failed
    systems.world.leaves_jobs();
    systems.odoo.edit(picking, "carrier_tracking_ref", json!("KEEPS1, NEWER1"));
    write().await;
    assert_eq!(systems.odoo.value(picking, "carrier_tracking_ref"), "KEEPS1, NEWER1");
    assert_eq!(systems.dead().await, 1);
    systems.odoo.edit(picking, "carrier_tracking_ref", json!("KEEPS1"));
    write().await;
    assert_eq!(systems.odoo.value(picking, "carrier_tracking_ref"), "KEEPS1, LEAVES1");
    assert_eq!(systems.differing_topics().await, []);
}

#[tokio::test]
async fn a_ticket_that_an_agent_closed_is_reopened_on_request() {
    let systems = Systems::new().await;
    systems.order("AGENT1").await;
    systems.takes_in("AGENT1", DAMAGED).await;
    for _ in 0..5 {
        systems.advance(600).await;
    }
    let ticket = systems.desk.tickets().remove(0).number;
    systems.desk.set_status_as(ticket, "rejected", "agent");
    systems.world.tick().await;
    systems.world.settle().await;
    // the clock started a run: it ends before the next one
    for _ in 0..30 {
        systems.advance(1).await;
    }
    systems.reconciled(false).await;
    let row = systems.differences_view(ReconciliationQuery::default()).await.rows.remove(0);
    assert_eq!((row.topic, row.cause), (Topic::TicketClosed, Cause::ByAgent));
    assert!(row.desk.odd && row.desk.text.contains("rejected"), "{row:?}");
    assert_eq!(row.choices[1].1, "Reopen ticket");
    systems.differences_page().decide(row.id, row.revision, "write".into()).await.unwrap();
    for _ in 0..3 {
        systems.advance(20).await;
    }
    assert_eq!(systems.differing_topics().await, []);
    assert_eq!(systems.desk.tickets().len(), 2, "another one follows it up");
}

#[tokio::test]
async fn a_run_goes_on_after_an_outage_and_one_runs_at_a_time() {
    let systems = Systems::new().await;
    for n in 0..3 {
        systems.order(&format!("OUT{n}")).await;
    }
    systems.advance(600).await;
    let id = systems.start_run(false).await;
    let second = reconcile::start(&systems.world.context, &systems.reconciler(), None, false).await.unwrap();
    assert_eq!(second, Started::Running);
    systems.odoo.fail(None, &Fault::Error("down"), 3);
    let refused = systems.differences_page().start(false).await;
    assert!(matches!(refused, Err(ApiError::Conflict { .. })), "{refused:?}");
    let view = systems.differences_view(ReconciliationQuery::default()).await;
    assert!(view.running.is_some_and(|run| run.steps.len() == 4 && run.total == 3));
    for _ in 0..40 {
        systems.advance(30).await;
    }
    let run = systems.run_of(id).await;
    assert_eq!((run.state, run.counts.compared), (RunState::Done, 3), "nothing is lost, nothing doubled");
}

#[tokio::test]
async fn a_person_stops_a_run_and_one_that_hangs_is_given_up() {
    let systems = Systems::new().await;
    systems.order("STOP1").await;
    let id = systems.start_run(false).await;
    systems.differences_page().stop(id.to_string()).await.unwrap();
    let again = systems.differences_page().stop(id.to_string()).await;
    assert!(matches!(again, Err(ApiError::Invalid { .. })), "{again:?}");
    let nothing = systems.differences_page().stop(uuid::Uuid::nil().to_string()).await;
    assert_eq!(nothing, Err(ApiError::NotFound));
    let calls = systems.odoo.all_calls();
    systems.advance(60).await;
    assert_eq!(systems.odoo.all_calls(), calls, "what is stopped reads nothing more");
    let hangs = systems.start_run(false).await;
    let context = &systems.world.context;
    systems.world.clock.advance(jiff::Span::new().hours(2));
    reconcile::scheduled(context, context.scope()).await.unwrap();
    assert_eq!(systems.run_of(hangs).await.state, RunState::Stalled);
    let runs = systems.differences_view(ReconciliationQuery { view: Tab::Runs, ..Default::default() }).await.runs;
    let states: Vec<_> = runs.iter().map(|run| run.state.as_str()).collect();
    assert_eq!(states, ["Running", "Given up: no answer", "Stopped"]);
}

#[tokio::test]
async fn the_clock_starts_a_run_every_half_hour_where_an_order_system_is_connected() {
    let systems = Systems::new().await;
    let context = &systems.world.context;
    jobs::tick(context).await.unwrap();
    let schedules = jobs::schedules(context, &systems.reconciler()).await.unwrap();
    let schedule = schedules.iter().find(|schedule| schedule.name == "reconcile").unwrap();
    assert_eq!(schedule.expression, "every 1800 s");
    systems.world.settle().await;
    let runs = context.store.reconciliations.runs(context.scope()).await.unwrap();
    assert_eq!(runs.len(), 1);
    let without = crate::world::World::new().await;
    let schedules = jobs::schedules(&without.context, &Caller::trusted(without.context.scope())).await.unwrap();
    assert!(!schedules.iter().any(|schedule| schedule.name == "reconcile"));
}

#[tokio::test]
async fn more_shipments_than_a_step_has_are_compared_step_by_step_and_exported() {
    let systems = Systems::new().await;
    let pickings: Vec<i64> = (0..230).map(|n| systems.add_order(&format!("MANY{n:03}"))).collect();
    systems.import(9).await;
    systems.world.settle().await;
    systems.advance(600).await;
    for picking in &pickings[..70] {
        systems.odoo.edit(*picking, "x_milepost_status", json!("FAILED"));
    }
    let run = systems.reconciled(true).await;
    assert_eq!((run.total, run.counts.compared, run.counts.differing), (230, 230, 70));
    let first = systems.differences_view(ReconciliationQuery::default()).await;
    assert_eq!((first.rows.len(), first.total, first.tabs[0].1), (50, 70, Some(70)));
    let next = ReconciliationQuery { cursor: first.next.unwrap(), ..Default::default() };
    assert_eq!(systems.differences_view(next).await.rows.len(), 20);
    let share = first.share.unwrap();
    assert_eq!(share.percent, "69.56");
    assert!(share.missing.unwrap().starts_with("29.94 points below target; 69 more"));
    assert_eq!(first.causes, [(Cause::EditedInOdoo, 70)]);
    let file = systems.differences_page().export(ReconciliationQuery::default()).await.unwrap();
    assert_eq!(file.lines().count(), 71, "a head and a line for each");
    assert!(file.contains("\"Status differs\",\"MANY000\",\"S-MANY000\",\"Failed\""), "{}", &file[..400]);
    let run = systems.reconciled(false).await;
    assert_eq!(run.counts.fixes, 70);
    for _ in 0..10 {
        systems.advance(20).await;
    }
    assert_eq!(systems.differing_topics().await, []);
    let closed = systems.differences_of(Which::FixedSince(jiff::Timestamp::UNIX_EPOCH)).await;
    assert!(closed.iter().all(|one| one.closed.is_some_and(|(_, how)| how == Resolution::Fixed)));
}
