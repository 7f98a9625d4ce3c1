//! What the clock starts, kept over a restart.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::World;
use application::{
    audit,
    caller::Caller,
    jobs::{self, reschedule},
};
use storage::jobs::{Cause, JobFilter, JobKind, JobSelection, JobStatus, Lane};

/// Kinds that these tests follow, of all that the clock starts.
const FOLLOWED: [&str; 3] = ["follow_erasures", "prune", "sweep"];

impl World {
    /// What was started inside since, by kind, of those that are followed.
    async fn started(&self) -> Vec<String> {
        self.settle().await;
        let inside = JobSelection {
            destination: Some("inside".into()),
            since: Some(self.context.now()),
            ..JobSelection::default()
        };
        let done = self.context.store.jobs.list(self.context.scope(), JobFilter::Done, inside, None).await.unwrap();
        let mut kinds: Vec<_> = done.rows.iter().map(|row| row.job.kind.to_string()).collect();
        kinds.retain(|kind| FOLLOWED.contains(&kind.as_str()));
        kinds.sort_unstable();
        kinds
    }

    fn caller(&self) -> Caller {
        Caller::trusted(self.context.scope())
    }
}

#[tokio::test]
async fn what_is_scheduled_starts_at_its_time_whichever_process_looks() {
    let world = World::new().await;
    jobs::tick(&world.context).await.unwrap();
    assert_eq!(world.started().await, ["follow_erasures", "prune", "sweep"]);
    let restarted = world.beside().await;
    world.clock.advance(jiff::Span::new().seconds(299));
    jobs::tick(&restarted).await.unwrap();
    assert_eq!(world.started().await, [] as [&str; 0], "a restart starts nothing early");
    world.clock.advance(jiff::Span::new().seconds(1));
    for node in [&restarted, &world.context] {
        jobs::tick(node).await.unwrap();
    }
    assert_eq!(world.started().await, ["sweep"], "once");
}

#[tokio::test]
async fn a_person_says_when_and_wrong_expressions_are_refused() {
    let world = World::new().await;
    jobs::tick(&world.context).await.unwrap();
    world.started().await;
    // the world's clock stands at noon in UTC
    let changed = reschedule(&world.context, &world.caller(), "prune", "30 13 * * *", "Europe/Berlin").await.unwrap();
    assert_eq!(changed.next_at.to_string(), "2026-03-05T12:30:00Z");
    let kept = jobs::schedules(&world.context, &world.caller()).await.unwrap();
    let kept = kept.iter().find(|schedule| schedule.name == "prune").unwrap();
    assert_eq!((kept.expression.as_str(), kept.zone.as_str()), ("30 13 * * *", "Europe/Berlin"));
    assert!(kept.last_at.is_some());
    let (context, scope) = (&world.context, world.context.scope());
    let trail = context.store.people.audit_trail(scope, Some("schedule:prune".into()), 1).await.unwrap();
    let opened = audit::Opened::read(context, scope, trail.iter().map(|line| &line.entry)).await.unwrap();
    let [before, after] =
        [&trail[0].entry.before, &trail[0].entry.after].map(|value| opened.value(value.as_ref()).unwrap());
    assert_eq!(before["expression"], "every 600 s");
    assert_eq!((after["expression"].as_str(), after["zone"].as_str()), (Some("30 13 * * *"), Some("Europe/Berlin")));
    world.clock.advance(jiff::Span::new().minutes(20));
    jobs::tick(&world.context).await.unwrap();
    assert_eq!(world.started().await, ["sweep"]);
    world.clock.advance(jiff::Span::new().minutes(10));
    jobs::tick(&world.context).await.unwrap();
    assert_eq!(world.started().await, ["prune", "sweep"]);
    for (name, expression, says) in
        [("prune", "every day", "is no schedule"), ("shred", "every 60 s", "plan_reports, prune, ")]
    {
        let refused = reschedule(&world.context, &world.caller(), name, expression, "UTC").await.unwrap_err();
        assert!(refused.to_string().contains(says), "{refused}");
    }
}

#[tokio::test]
async fn what_was_set_while_the_clock_was_ahead_starts_once_it_is_right_again() {
    let world = World::new().await;
    jobs::tick(&world.context).await.unwrap();
    world.started().await;
    world.clock.advance(jiff::Span::new().hours(365 * 24));
    reschedule(&world.context, &world.caller(), "prune", "30 12 * * *", "UTC").await.unwrap();
    world.clock.advance(jiff::Span::new().hours(-365 * 24));
    world.clock.advance(jiff::Span::new().seconds(1));
    jobs::tick(&world.context).await.unwrap();
    assert_eq!(world.started().await, ["prune"], "its time is not known: at once");
    world.clock.advance(jiff::Span::new().minutes(29));
    jobs::tick(&world.context).await.unwrap();
    assert_eq!(world.started().await, ["sweep"]);
    world.clock.advance(jiff::Span::new().minutes(1));
    jobs::tick(&world.context).await.unwrap();
    assert_eq!(world.started().await, ["prune"], "then as it was set");
}

#[tokio::test]
async fn jobs_of_a_newer_version_wait_for_it() {
    let world = World::new().await;
    let (store, scope) = (&world.context.store, world.context.scope());
    let newer = JobKind::new("of_a_newer_version");
    let job = world.context.job(newer, "target", Cause::Live, world.context.correlation(), None);
    store.jobs.enqueue(scope, vec![job.clone()]).await.unwrap();
    world.work(Lane::RealTime).await;
    assert_eq!(store.jobs.job(scope, job.id).await.unwrap().unwrap().status, JobStatus::Ready);
}
