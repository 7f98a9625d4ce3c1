//! A connection whose system lacks something that Milepost needs: its jobs wait, none fails, and they go on once it is there.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::systems::{MANY, Systems};
use application::{
    caller::Caller,
    connections::{self, StateKind},
    destinations::breaker::Admission,
    texts::Slot,
};
use outbound::Discard;
use simulator::{desk::QUEUE, odoo::Open};
use storage::jobs::{Cause, JobFilter, JobKind, JobRow, JobSelection, JobStatus};

const DAMAGED: &[(&str, &str)] = &[("InTransit_003", "2026-03-05T01:00:00"), ("Exception_012", "2026-03-05T08:00:00")];
const DELIVERED: &[(&str, &str)] = &[
    ("InTransit_003", "2026-03-05T01:00:00"),
    ("Exception_012", "2026-03-05T08:00:00"),
    ("Delivered_001", "2026-03-05T11:00:00"),
];
/// Longer than any job waits for a set-up, and longer than a breaker is open.
const SOON: i64 = 75;

/// What an Odoo or a desk lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lack {
    Fields,
    RightToWrite,
    Queue,
    FieldsOfQueue,
    RightToFields,
    RightToCreate,
}

impl Lack {
    fn begins(self, systems: &Systems) {
        match self {
            Self::Fields => systems.odoo.remove_fields(),
            Self::RightToWrite => systems.odoo.deny([("stock.picking", "write")]),
            Self::Queue => systems.desk.rename_queue("Parcels"),
            Self::FieldsOfQueue => systems.desk.deny(["SeeCustomField", "ModifyCustomField"]),
            Self::RightToFields => systems.desk.deny(["ModifyCustomField"]),
            Self::RightToCreate => systems.desk.deny(["CreateTicket"]),
        }
    }

    async fn ends(self, systems: &Systems) {
        systems.odoo.deny([]);
        systems.desk.deny([]);
        systems.desk.rename_queue(QUEUE);
        if self == Self::Fields {
            systems.world.context.odoo("odoo").unwrap().setup(&Discard).await.unwrap();
        }
    }

    /// The class of the jobs' error, and words of what people read.
    fn shown(self) -> (&'static str, &'static str) {
        match self {
            Self::Fields => ("misconfigured", "milepost odoo setup --connection odoo"),
            Self::Queue | Self::FieldsOfQueue | Self::RightToFields => ("misconfigured", "The queue or its fields"),
            Self::RightToWrite | Self::RightToCreate => ("missing_right", "lacks a right"),
        }
    }
}

fn caller(systems: &Systems) -> Caller {
    Caller::trusted(systems.world.context.scope())
}

/// The jobs of a destination that are tried again.
async fn retried(systems: &Systems, destination: &str) -> Vec<JobRow> {
    let context = &systems.world.context;
    let which = JobSelection { destination: Some(destination.into()), ..JobSelection::default() };
    context.store.jobs.list(context.scope(), JobFilter::Retrying, which, None).await.unwrap().rows
}

/// Suspended with this class of error, with no job that failed and no try that counts.
async fn waits(systems: &Systems, name: &str, lack: Lack) {
    let (class, words) = lack.shown();
    assert_eq!(systems.dead().await, 0, "{lack:?}");
    let standing = systems.standing(name).await;
    assert_ne!(standing.admission, Admission::All, "{lack:?}");
    assert_eq!(standing.breaker.health.last_error.as_deref(), Some(class), "{lack:?}");
    let shown = connections::one(&systems.world.context, &caller(systems), name).await.unwrap().overview;
    assert_eq!(shown.state.is, StateKind::Broken, "{lack:?}");
    assert!(shown.state.why.contains(words), "{lack:?}: {}", shown.state.why);
    let rows = retried(systems, name).await;
    assert!(!rows.is_empty() && rows.iter().all(|row| row.attempts == 0), "{lack:?}: {rows:?}");
}

async fn an_hour_passes(systems: &Systems) {
    for _ in 0..60 {
        systems.advance(60).await;
    }
}

#[tokio::test]
async fn an_odoo_that_lacks_fields_or_a_right_fails_no_job_and_goes_on_by_itself() {
    for lack in [Lack::Fields, Lack::RightToWrite] {
        let systems = Systems::new().await;
        let context = &systems.world.context;
        let pickings = systems.orders().await;
        systems.world.leaves_jobs();
        lack.begins(&systems);
        systems.say(DELIVERED).await;
        waits(&systems, "odoo", lack).await;
        let asked = systems.odoo.all_calls();
        an_hour_passes(&systems).await;
        waits(&systems, "odoo", lack).await;
        let probes = systems.odoo.all_calls() - asked;
        assert!((30..=300).contains(&probes), "{lack:?}: {probes} calls in an hour");
        // what can be read says nothing of what cannot be written
        let import = context.job(JobKind::IMPORT_ORDERS, "odoo", Cause::Import, context.correlation(), None).to("odoo");
        context.store.jobs.enqueue(context.scope(), vec![import.clone()]).await.unwrap();
        for _ in 0..6 {
            systems.advance(15).await;
        }
        let import = context.store.jobs.job(context.scope(), import.id).await.unwrap().unwrap();
        assert_eq!(import.status, JobStatus::Done, "{lack:?}");
        waits(&systems, "odoo", lack).await;
        lack.ends(&systems).await;
        for _ in 0..4 {
            systems.advance(SOON).await;
        }
        assert_eq!(systems.standing("odoo").await.admission, Admission::All, "{lack:?}");
        for picking in pickings {
            assert_eq!(systems.status(picking).as_deref(), Some("DELIVERED"), "{lack:?}");
            let notes = systems.odoo.notes(picking);
            assert_eq!(notes.iter().filter(|(_, html)| html.contains("Delivered")).count(), 1, "{lack:?}: {notes:?}");
        }
    }
}

#[tokio::test]
async fn a_test_that_passes_lets_what_waits_go_on_at_once() {
    let systems = Systems::new().await;
    let context = &systems.world.context;
    let pickings = systems.orders().await;
    systems.world.leaves_jobs();
    Lack::Fields.begins(&systems);
    systems.say(DELIVERED).await;
    an_hour_passes(&systems).await;
    assert!(!connections::test(context, &caller(&systems), "odoo").await.unwrap().passed());
    waits(&systems, "odoo", Lack::Fields).await;
    Lack::Fields.ends(&systems).await;
    waits(&systems, "odoo", Lack::Fields).await;
    assert!(connections::test(context, &caller(&systems), "odoo").await.unwrap().passed());
    assert_eq!(systems.standing("odoo").await.admission, Admission::All);
    systems.advance(SOON).await;
    assert!(pickings.iter().all(|picking| systems.status(*picking).as_deref() == Some("DELIVERED")));
    assert_eq!(
        connections::one(context, &caller(&systems), "odoo").await.unwrap().overview.state.is,
        StateKind::Active
    );
}

#[tokio::test]
async fn a_right_that_few_jobs_need_stops_these_alone() {
    let systems = Systems::new().await;
    let (world, context) = (&systems.world, &systems.world.context);
    let picking = systems.order("N0").await;
    systems.odoo.deny([("mail.activity", "create")]);
    world.receives("N0", DELIVERED).await;
    assert_eq!(systems.status(picking).as_deref(), Some("DELIVERED"));
    assert!(!systems.odoo.notes(picking).is_empty(), "notes need another right");
    assert_eq!(systems.odoo.activities(picking), []);
    assert_eq!(systems.standing("odoo").await.admission, Admission::All);
    let shown = connections::one(context, &caller(&systems), "odoo").await.unwrap().overview;
    assert_eq!((shown.state.is, shown.state.why.as_str()), (StateKind::Failing, "1 job waits for a field or a right"));
    assert_eq!(connections::attention(context, &caller(&systems)).await.unwrap(), 1);
    let waiting = retried(&systems, "odoo").await.remove(0);
    let error = context.texts.open(Slot::Error, waiting.error.as_ref()).unwrap();
    assert!(error.contains("right to create mail.activity"), "{error}");
    systems.odoo.deny([]);
    systems.advance(SOON).await;
    let activities = systems.odoo.activities(picking);
    assert!(matches!(activities.as_slice(), [(_, Open::Todo)]), "{activities:?}");
}

#[tokio::test]
async fn a_desk_that_lacks_its_queue_a_field_or_a_right_fails_no_job_and_goes_on_by_itself() {
    for lack in [Lack::Queue, Lack::FieldsOfQueue, Lack::RightToFields, Lack::RightToCreate] {
        let systems = Systems::new().await;
        systems.orders().await;
        systems.world.leaves_jobs();
        lack.begins(&systems);
        systems.say(DAMAGED).await;
        waits(&systems, "desk", lack).await;
        an_hour_passes(&systems).await;
        waits(&systems, "desk", lack).await;
        // one shows that tickets do not keep their key, and no other is made meanwhile
        let superfluous = usize::from(lack == Lack::RightToFields);
        assert_eq!(systems.desk.tickets().len(), superfluous, "{lack:?}");
        lack.ends(&systems).await;
        for _ in 0..4 {
            systems.advance(SOON).await;
        }
        assert_eq!(systems.standing("desk").await.admission, Admission::All, "{lack:?}");
        let open = systems.desk.tickets().iter().filter(|ticket| ticket.status != "resolved").count();
        assert_eq!((open, systems.desk.tickets().len()), (MANY, MANY + superfluous), "{lack:?}");
    }
}

#[tokio::test]
async fn a_desk_that_refuses_comments_gets_each_of_them_later_once() {
    let systems = Systems::new().await;
    systems.orders().await;
    systems.say(DAMAGED).await;
    systems.world.leaves_jobs();
    systems.desk.deny(["CommentOnTicket"]);
    systems.say(DELIVERED).await;
    an_hour_passes(&systems).await;
    assert_eq!(systems.dead().await, 0);
    assert_eq!(systems.standing("desk").await.breaker.health.last_error.as_deref(), Some("missing_right"));
    systems.desk.deny([]);
    for _ in 0..4 {
        systems.advance(SOON).await;
    }
    for ticket in systems.desk.tickets() {
        let delivered = ticket.texts.iter().filter(|(_, text)| text.ends_with(": Delivered.")).count();
        assert_eq!(delivered, 1, "{:?}", ticket.texts);
    }
}
