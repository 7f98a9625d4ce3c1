//! Units of work and their leases.

use super::{
    World, at, seconds, text,
    world::{KINDS, wanted},
};
use crate::{
    Store, StoreError,
    jobs::{
        AttemptRecord, Cause, ClaimRequest, Finish, JobFilter, JobKind, JobSelection, JobStatus, Lane, LeasedJob,
        Outcome,
    },
    limits::{PAGE_ROWS, SETTLE},
    tally::Tally,
    upkeep::Old,
};
use domain::ids::JobId;
use std::{collections::BTreeSet, sync::Arc};
use tokio::task::JoinSet;

const SYNC: &[JobKind] = &[JobKind::SYNC_ORDER];

fn dead(class: &str) -> Finish {
    Finish::Dead { error: text("refused"), class: class.into() }
}

fn retry(minutes: i64) -> Finish {
    Finish::Retry { at: at(minutes), error: text("timed out"), class: "timeout".into() }
}

pub async fn a_claimed_job_is_nobody_elses(store: Store) {
    let world = World::new(store).await;
    let job = world.job(JobKind::SYNC_ORDER, "s1", 5);
    world.enqueue(&job).await;
    assert_eq!(world.claim("a", SYNC, at(4)).await, [], "not yet due");
    let leased = world.claim("a", SYNC, at(5)).await;
    assert_eq!(leased.len(), 1);
    assert_eq!((&leased[0].job, leased[0].attempts, leased[0].scope), (&job, 0, world.scope));
    assert_eq!(world.claim("b", SYNC, at(5)).await, []);
    world.store.jobs.finish("a", job.id, Finish::Done, at(5)).await.unwrap();
    assert_eq!(world.claim("b", SYNC, at(60)).await, []);
}

pub async fn a_deferred_attempt_does_not_count_and_waits_its_time(store: Store) {
    let world = World::new(store).await;
    world.enqueue(&world.job(JobKind::SYNC_ORDER, "s1", 1)).await;
    let first = world.claim("a", SYNC, at(2)).await.remove(0);
    world.enqueue(&world.job(JobKind::SYNC_ORDER, "s1", 2)).await;
    let deferred = Finish::Deferred { at: at(9), error: text("busy"), class: "unknown_outcome".into() };
    world.store.jobs.finish("a", first.job.id, deferred, at(3)).await.unwrap();
    let row = world.store.jobs.job(world.scope, first.job.id).await.unwrap().unwrap();
    assert_eq!((row.attempts, row.class.as_deref(), row.job.run_at), (0, Some("unknown_outcome"), at(9)));
    assert_eq!(world.claim("b", SYNC, at(8)).await, [], "what came meanwhile waits too");
    assert_eq!(world.claim("b", SYNC, at(9)).await.len(), 1);
}

pub async fn work_for_one_target_is_merged(store: Store) {
    let world = World::new(store).await;
    let mut first = world.job(JobKind::SYNC_ORDER, "s1", 20);
    (first.lane, first.cause) = (Lane::Batch, Cause::Import);
    let mut second = world.job(JobKind::SYNC_ORDER, "s1", 10);
    second.cause = Cause::Live;
    let mut third = world.job(JobKind::SYNC_ORDER, "s1", 30);
    (third.lane, third.cause) = (Lane::Batch, Cause::Replay);
    for job in [&first, &second, &third] {
        world.enqueue(job).await;
    }
    assert_eq!(world.store.jobs.next_due(Lane::RealTime).await.unwrap(), Some(at(10)));
    assert_eq!(world.store.jobs.next_due(Lane::Batch).await.unwrap(), None);
    let leased = world.claim("a", SYNC, at(10)).await;
    assert_eq!(leased.len(), 1);
    let job = &leased[0].job;
    assert_eq!(
        (job.id, job.lane, job.cause, job.run_at, job.correlation),
        (first.id, Lane::RealTime, Cause::Live, at(10), second.correlation)
    );
    world.enqueue(&world.job(JobKind::FOLD, "s1", 1)).await;
    assert_eq!(world.claim("a", &[JobKind::FOLD], at(10)).await.len(), 1, "another kind is other work");
    // whichever comes first, the stronger cause stays
    let weakest_first = [Cause::Replay, Cause::Reconcile, Cause::History, Cause::Import, Cause::Live];
    assert!(weakest_first.is_sorted_by_key(|cause| cause.strength()));
    for (n, (weak, strong)) in (0..5).flat_map(|a| (a + 1..5).map(move |b| (a, b))).enumerate() {
        for (m, order) in [[weak, strong], [strong, weak]].into_iter().enumerate() {
            let target = format!("pair {n} {m}");
            let jobs = order.map(|place| {
                let mut job = world.job(JobKind::SYNC_CASE, &target, 1);
                job.cause = weakest_first[place];
                job
            });
            world.enqueue(&jobs[0]).await;
            world.enqueue(&jobs[1]).await;
            let kept = world.claim("a", &[JobKind::SYNC_CASE], at(10)).await.remove(0).job;
            let stronger = jobs.iter().find(|job| job.cause == weakest_first[strong]).unwrap();
            assert_eq!((kept.cause, kept.correlation), (stronger.cause, stronger.correlation));
        }
    }
}

pub async fn news_bring_a_failed_try_forward_but_let_it_settle(store: Store) {
    let world = World::new(store).await;
    let job = world.job(JobKind::SYNC_ORDER, "s1", 1);
    world.enqueue(&job).await;
    world.claim("a", SYNC, at(1)).await;
    world.store.jobs.finish("a", job.id, retry(60), at(1)).await.unwrap();
    world.enqueue(&world.job(JobKind::SYNC_ORDER, "s1", 1)).await;
    let settled = at(1).checked_add(SETTLE).unwrap();
    assert_eq!(world.claim("a", SYNC, seconds(settled, -1)).await, [], "the try may have been applied");
    assert_eq!(world.claim("a", SYNC, settled).await.len(), 1, "not an hour later");
    world.store.jobs.finish("a", job.id, retry(2), settled).await.unwrap();
    world.enqueue(&world.job(JobKind::SYNC_ORDER, "s1", 30)).await;
    assert_eq!(world.claim("a", SYNC, at(2)).await.len(), 1, "later work puts nothing off");
}

pub async fn a_clock_that_jumps_ends_no_lease_of_ones_own(store: Store) {
    let world = World::new(store).await;
    let job = world.job(JobKind::SYNC_ORDER, "s1", 1);
    world.enqueue(&job).await;
    assert_eq!(world.claim("a", SYNC, at(1)).await.len(), 1);
    let later = at(90);
    assert_eq!(world.claim_holding("a", Lane::RealTime, SYNC, later, vec![job.id]).await, [], "it is being done");
    assert_eq!(world.claim_holding("b", Lane::RealTime, SYNC, later, vec![]).await.len(), 1, "nobody says so");
}

pub async fn work_that_comes_during_a_lease_waits_for_its_end(store: Store) {
    let world = World::new(store).await;
    let (first, second) = (world.job(JobKind::SYNC_ORDER, "s1", 1), world.job(JobKind::SYNC_ORDER, "s1", 2));
    world.enqueue(&first).await;
    world.claim("a", SYNC, at(1)).await;
    world.enqueue(&second).await;
    assert_eq!(world.claim("b", SYNC, seconds(at(1), 10)).await, []);
    world.store.jobs.finish("a", first.id, Finish::Done, at(1)).await.unwrap();
    let leased = world.claim("b", SYNC, at(2)).await;
    assert_eq!(leased.iter().map(|l| l.job.id).collect::<Vec<_>>(), [second.id]);
}

pub async fn of_one_target_only_one_is_leased(store: Store) {
    let world = World::new(store).await;
    let first = world.job(JobKind::SYNC_ORDER, "s1", 1);
    world.enqueue(&first).await;
    world.claim("a", SYNC, at(1)).await;
    world.enqueue(&world.job(JobKind::SYNC_ORDER, "s1", 1)).await;
    // the lease has ended: its job goes on, and the one that came meanwhile still waits
    let leased = world.claim("b", SYNC, at(10)).await;
    assert_eq!(leased.iter().map(|l| l.job.id).collect::<Vec<_>>(), [first.id]);
    assert_eq!(world.claim("c", SYNC, at(10)).await, []);
}

pub async fn parallel_claims_never_share_a_job(store: Store) {
    let world = Arc::new(World::new(store).await);
    for n in 0..60 {
        world.enqueue(&world.job(JobKind::SYNC_ORDER, n, 1)).await;
    }
    let mut workers = JoinSet::new();
    for n in 0..8 {
        let world = Arc::clone(&world);
        workers.spawn(async move { world.claim(&format!("w{n}"), SYNC, at(1)).await });
    }
    let leased: Vec<JobId> = workers.join_all().await.into_iter().flatten().map(|l| l.job.id).collect();
    assert_eq!(leased.len(), 60);
    assert_eq!(leased.iter().collect::<BTreeSet<_>>().len(), 60);
}

pub async fn an_ended_lease_is_taken_over_and_counts_as_a_try(store: Store) {
    let world = World::new(store).await;
    let job = world.job(JobKind::SYNC_ORDER, "s1", 1);
    world.enqueue(&job).await;
    world.claim("a", SYNC, at(1)).await;
    assert_eq!(world.claim("b", SYNC, seconds(at(1), 29)).await, []);
    let leased = world.claim("b", SYNC, seconds(at(1), 30)).await;
    assert_eq!(leased.iter().map(|l| (l.job.id, l.attempts)).collect::<Vec<_>>(), [(job.id, 1)]);
}

pub async fn only_the_owner_finishes(store: Store) {
    let world = World::new(store).await;
    let job = world.job(JobKind::SYNC_ORDER, "s1", 1);
    world.enqueue(&job).await;
    world.claim("a", SYNC, at(1)).await;
    world.claim("b", SYNC, at(3)).await;
    for finish in [Finish::Done, retry(4), dead("x"), Finish::Released, Finish::Later(at(4))] {
        world.store.jobs.finish("a", job.id, finish, at(3)).await.unwrap();
    }
    assert_eq!(world.store.jobs.renew("b", vec![job.id], at(60)).await.unwrap(), [job.id], "b still has it");
    world.store.jobs.finish("b", job.id, Finish::Done, at(3)).await.unwrap();
    world.store.jobs.finish("b", job.id, retry(4), at(3)).await.unwrap();
    assert_eq!(world.claim("c", SYNC, at(60)).await, [], "what is done stays done");
}

pub async fn a_retry_waits_and_takes_in_what_came_meanwhile(store: Store) {
    let world = World::new(store).await;
    let mut job = world.job(JobKind::SYNC_ORDER, "s1", 1);
    (job.lane, job.cause) = (Lane::Batch, Cause::Import);
    world.enqueue(&job).await;
    world.claim_in("a", Lane::Batch, SYNC, at(1)).await;
    let live = world.job(JobKind::SYNC_ORDER, "s1", 1);
    world.enqueue(&live).await;
    world.store.jobs.finish("a", job.id, retry(6), at(1)).await.unwrap();
    assert_eq!(world.claim("a", SYNC, at(5)).await, [], "the backoff holds for what came meanwhile");
    let leased = world.claim("a", SYNC, at(6)).await;
    assert_eq!(leased.len(), 1);
    let again = &leased[0];
    assert_eq!(
        (again.job.id, again.attempts, again.job.cause, again.job.correlation),
        (job.id, 1, Cause::Live, live.correlation)
    );
    assert_eq!(world.claim("b", SYNC, at(6)).await, []);
    world.store.jobs.finish("a", job.id, Finish::Done, at(6)).await.unwrap();
    assert_eq!(world.claim("b", SYNC, at(600)).await, [], "nothing is left over");
}

pub async fn released_and_later_do_not_count(store: Store) {
    let world = World::new(store).await;
    let job = world.job(JobKind::SYNC_ORDER, "s1", 1);
    world.enqueue(&job).await;
    world.claim("a", SYNC, at(1)).await;
    world.store.jobs.finish("a", job.id, Finish::Released, at(1)).await.unwrap();
    let leased = world.claim("a", SYNC, at(1)).await;
    assert_eq!((leased.len(), leased[0].attempts), (1, 0));
    world.store.jobs.finish("a", job.id, Finish::Later(at(9)), at(1)).await.unwrap();
    assert_eq!(world.claim("a", SYNC, at(8)).await, []);
    let leased = world.claim("a", SYNC, at(9)).await;
    assert_eq!((leased.len(), leased[0].attempts), (1, 0));
}

pub async fn lanes_and_kinds_are_separate(store: Store) {
    let world = World::new(store).await;
    let mut batch = world.job(JobKind::SYNC_ORDER, "b", 1);
    batch.lane = Lane::Batch;
    let case = world.job(JobKind::SYNC_CASE, "c", 1);
    world.enqueue(&batch).await;
    world.enqueue(&case).await;
    assert_eq!(world.claim("a", SYNC, at(1)).await, []);
    assert_eq!(world.claim_in("a", Lane::Batch, SYNC, at(1)).await.len(), 1);
    assert_eq!(world.claim("a", &[JobKind::SYNC_ORDER, JobKind::SYNC_CASE], at(1)).await.len(), 1);
}

/// Claims orders' jobs of the destinations given.
async fn claimed(world: &World, owner: &str, destinations: &[&str], minutes: i64) -> Vec<LeasedJob> {
    let wanted = destinations.iter().map(|name| wanted(JobKind::SYNC_ORDER, Some(*name))).collect();
    let (now, until) = (at(minutes), seconds(at(minutes), 30));
    let request = ClaimRequest { owner: owner.into(), lane: Lane::RealTime, wanted, now, until, held: Vec::new() };
    world.store.jobs.claim(request).await.unwrap()
}

pub async fn jobs_of_two_destinations_of_one_kind_are_claimed_apart(store: Store) {
    let world = World::new(store).await;
    let (one, two) = (world.job(JobKind::SYNC_ORDER, "1", 1), world.job(JobKind::SYNC_ORDER, "2", 2).to("odoo-eu"));
    world.enqueue(&one).await;
    world.enqueue(&two).await;
    let leased = claimed(&world, "a", &["odoo-eu"], 3).await;
    assert_eq!(leased.iter().map(|l| &l.job).collect::<Vec<_>>(), [&two]);
    assert_eq!(claimed(&world, "a", &["odoo-us"], 3).await, []);
    assert_eq!(claimed(&world, "a", &["odoo-eu", "odoo"], 3).await.len(), 1);
    world.enqueue(&world.job(JobKind::SYNC_ORDER, "3", 1)).await;
    world.enqueue(&world.job(JobKind::SYNC_ORDER, "4", 2).to("odoo-eu")).await;
    let both = claimed(&world, "a", &["odoo-eu", "odoo"], 3).await;
    assert_eq!(both.iter().map(|l| l.job.target.as_str()).collect::<Vec<_>>(), ["3", "4"], "and together");
}

pub async fn an_ended_lease_of_a_destination_that_is_not_wanted_stays(store: Store) {
    let world = World::new(store).await;
    let job = world.job(JobKind::SYNC_ORDER, "1", 1).to("odoo-eu");
    world.enqueue(&job).await;
    assert_eq!(claimed(&world, "a", &["odoo-eu"], 1).await.len(), 1);
    assert_eq!(claimed(&world, "b", &["odoo"], 5).await, []);
    let leased = claimed(&world, "b", &["odoo", "odoo-eu"], 5).await;
    assert_eq!(leased.iter().map(|l| (l.job.id, l.attempts)).collect::<Vec<_>>(), [(job.id, 1)]);
}

pub async fn the_newest_destination_counts_where_two_for_one_target_merge(store: Store) {
    let world = World::new(store).await;
    world.enqueue(&world.job(JobKind::SYNC_ORDER, "1", 1)).await;
    world.enqueue(&world.job(JobKind::SYNC_ORDER, "1", 1).to("odoo-eu")).await;
    assert_eq!(claimed(&world, "a", &["odoo"], 2).await, []);
    let leased = claimed(&world, "a", &["odoo-eu"], 2).await.remove(0);
    // what comes during the lease is merged at its end
    world.enqueue(&world.job(JobKind::SYNC_ORDER, "1", 1).to("odoo-us")).await;
    world.store.jobs.finish("a", leased.job.id, retry(4), at(2)).await.unwrap();
    assert_eq!(claimed(&world, "a", &["odoo-eu"], 5).await, []);
    let leased = claimed(&world, "a", &["odoo-us"], 5).await;
    assert_eq!(leased.iter().map(|l| l.job.destination.as_deref()).collect::<Vec<_>>(), [Some("odoo-us")]);
    // several of one command
    let together = ["odoo", "odoo-eu"].map(|name| world.job(JobKind::SYNC_ORDER, "2", 1).to(name));
    world.store.jobs.enqueue(world.scope, together.to_vec()).await.unwrap();
    assert_eq!(claimed(&world, "a", &["odoo-eu"], 5).await.len(), 1);
}

pub async fn finished_jobs_of_every_destination_are_listed_counted_and_pruned(store: Store) {
    let world = World::new(store).await;
    for (n, name) in ["only-once", "odoo", "odoo", "a-desk"].into_iter().enumerate() {
        let job = world.job(JobKind::SYNC_ORDER, n, 1).to(name);
        world.enqueue(&job).await;
        assert_eq!(claimed(&world, "a", &[name], 1).await.len(), 1);
        world.store.jobs.finish("a", job.id, Finish::Done, at(1)).await.unwrap();
    }
    let inside = world.job(JobKind::FOLD, "inside", 1);
    world.enqueue(&inside).await;
    world.claim("a", &[JobKind::FOLD], at(1)).await;
    world.store.jobs.finish("a", inside.id, Finish::Done, at(1)).await.unwrap();
    let done = async |which| world.store.jobs.list(world.scope, JobFilter::Done, which, None).await.unwrap().rows.len();
    assert_eq!(done(JobSelection::default()).await, 4, "work inside is not shown among them");
    assert_eq!((done(of("only-once")).await, done(of("odoo")).await, done(of("inside")).await), (1, 2, 1));
    assert_eq!(done(of("nothing")).await, 0);
    let figures = world.store.jobs.summary(world.scope, at(2)).await.unwrap();
    let figures: Vec<_> = figures.iter().map(|f| (f.destination.as_str(), f.done)).collect();
    assert_eq!(figures, [("a-desk", 1), ("inside", 1), ("odoo", 2), ("only-once", 1)]);
    let old = Old { jobs: Some(at(60)), ..Old::default() };
    let mut pruned = 0;
    loop {
        let step = world.store.upkeep.prune(old).await.unwrap();
        pruned += step.jobs;
        if !step.more {
            break;
        }
    }
    assert_eq!(pruned, 5);
    assert_eq!(world.store.jobs.summary(world.scope, at(2)).await.unwrap(), []);
}

pub async fn the_oldest_goes_first(store: Store) {
    let world = World::new(store).await;
    for minutes in [9, 3, 7, 1, 5] {
        world
            .enqueue(&world.job(if minutes % 4 == 1 { JobKind::FOLD } else { JobKind::SYNC_ORDER }, minutes, minutes))
            .await;
    }
    let leased = world.claim("a", KINDS, at(10)).await;
    assert_eq!(leased.iter().map(|l| l.job.target.as_str()).collect::<Vec<_>>(), ["1", "3", "5", "7", "9"]);
}

pub async fn renewal_keeps_only_what_is_still_held(store: Store) {
    let world = World::new(store).await;
    let (one, two) = (world.job(JobKind::SYNC_ORDER, "1", 1), world.job(JobKind::SYNC_ORDER, "2", 1));
    world.enqueue(&one).await;
    world.enqueue(&two).await;
    world.claim("a", SYNC, at(1)).await;
    world.store.jobs.finish("a", two.id, Finish::Done, at(1)).await.unwrap();
    assert_eq!(world.store.jobs.renew("a", vec![one.id, two.id], at(9)).await.unwrap(), [one.id]);
    assert_eq!(world.claim("b", SYNC, at(8)).await, []);
    assert_eq!(world.store.jobs.renew("b", vec![one.id], at(9)).await.unwrap(), []);
    assert_eq!(world.claim("b", SYNC, at(9)).await.len(), 1);
}

pub async fn dead_jobs_are_counted_retried_or_dropped(store: Store) {
    let world = World::new(store).await;
    let die = async |target: &str, kind: JobKind, minutes: i64| {
        let job = world.job(kind, target, minutes);
        world.enqueue(&job).await;
        world.claim("a", &[kind], at(minutes)).await;
        world.store.jobs.finish("a", job.id, dead("forbidden"), at(minutes)).await.unwrap();
        job.id
    };
    let early = die("early", JobKind::SYNC_ORDER, 1).await;
    let still = die("still", JobKind::SYNC_ORDER, 5).await;
    let other = die("other", JobKind::SYNC_CASE, 5).await;
    let later = die("later", JobKind::SYNC_ORDER, 6).await;
    let twice = (die("twice", JobKind::SYNC_ORDER, 7).await, die("twice", JobKind::SYNC_ORDER, 8).await);
    let waiting = die("waiting", JobKind::SYNC_ORDER, 9).await;
    world.enqueue(&world.job(JobKind::SYNC_ORDER, "waiting", 900)).await;
    let done = world.job(JobKind::SYNC_ORDER, "later", 10);
    world.enqueue(&done).await;
    world.claim("a", SYNC, at(10)).await;
    world.store.jobs.finish("a", done.id, Finish::Done, at(10)).await.unwrap();

    let since = |minutes, destination: Option<&str>| JobSelection {
        since: Some(at(minutes)),
        destination: destination.map(str::to_owned),
        ..JobSelection::default()
    };
    let count = async |which| world.store.jobs.count(world.scope, which).await.unwrap();
    assert_eq!(count(since(0, None)).await, Tally { take: 4, skip: 3 }, "early, still, other, twice");
    assert_eq!(count(since(5, Some("odoo"))).await, Tally { take: 2, skip: 3 }, "still, twice");
    assert_eq!(count(since(5, Some("inside"))).await, Tally::default());
    assert_eq!(count(JobSelection { until: Some(at(5)), ..since(0, None) }).await.take, 1, "early");
    assert_eq!(count(JobSelection { class: Some("forbidden".into()), ..since(0, None) }).await.take, 4);
    assert_eq!(count(JobSelection { class: Some("gone".into()), ..since(0, None) }).await, Tally::default());
    assert_eq!(count(JobSelection::one(other)).await.take, 1);
    let audit = || world.audit("job.retry", "jobs", 20);
    let retried = world.store.jobs.retry(world.scope, since(5, Some("odoo")), at(20), audit()).await.unwrap();
    assert_eq!(retried, Tally { take: 2, skip: 3 });
    let leased = world.claim("b", KINDS, at(20)).await;
    let ids: BTreeSet<_> = leased.iter().map(|l| l.job.id).collect();
    assert_eq!(ids, BTreeSet::from([still, twice.1]), "with their tries counted anew");
    assert!(leased.iter().all(|l| l.attempts == 1), "the tries begin anew, but it was tried");
    let left = world.store.jobs.list(world.scope, JobFilter::Failed, JobSelection::default(), None).await.unwrap();
    assert_eq!(left.rows.iter().map(|r| r.job.id).collect::<BTreeSet<_>>(), BTreeSet::from([early, other]));
    for gone in [later, twice.0, waiting] {
        let refused = world.store.jobs.retry(world.scope, JobSelection::one(gone), at(21), audit()).await;
        assert!(matches!(refused, Err(StoreError::NotFound(_))), "{refused:?}");
    }
    let one = world.store.jobs.retry(world.scope, JobSelection::one(early), at(21), audit()).await.unwrap();
    assert_eq!(one, Tally { take: 1, skip: 0 });
    assert_eq!(world.store.jobs.job(world.scope, early).await.unwrap().unwrap().status, JobStatus::Ready);
    assert_eq!(world.store.jobs.job(world.scope, later).await.unwrap(), None, "dropped");
}

pub async fn that_a_failed_job_succeeded_later_outlives_what_succeeded(store: Store) {
    let world = World::new(store).await;
    let end = async |kind: JobKind, finish: Finish, minutes: i64| {
        let job = world.job(kind, "s1", minutes);
        world.enqueue(&job).await;
        world.claim("a", &[kind], at(minutes)).await;
        world.store.jobs.finish("a", job.id, finish, at(minutes)).await.unwrap();
        job.id
    };
    let failed = end(JobKind::SYNC_ORDER, dead("forbidden"), 1).await;
    let another = end(JobKind::SYNC_CASE, dead("forbidden"), 1).await;
    end(JobKind::SYNC_ORDER, Finish::Done, 2).await;
    let old = Old { jobs: Some(at(60)), ..Old::default() };
    while world.store.upkeep.prune(old).await.unwrap().more {}
    let count = async |id| world.store.jobs.count(world.scope, JobSelection::one(id)).await.unwrap();
    assert_eq!(count(failed).await, Tally { take: 0, skip: 1 });
    assert_eq!(count(another).await, Tally { take: 1, skip: 0 }, "the same target, but other work");
    let again = end(JobKind::SYNC_ORDER, dead("forbidden"), 61).await;
    assert_eq!(count(again).await, Tally { take: 1, skip: 0 }, "it failed after that");
    let audit = world.audit("job.retry", "jobs", 62);
    world.store.jobs.retry(world.scope, JobSelection::one(again), at(62), audit).await.unwrap();
    world.claim("a", SYNC, at(62)).await;
    world.store.jobs.finish("a", again, dead("forbidden"), at(62)).await.unwrap();
    assert_eq!(count(again).await, Tally { take: 1, skip: 0 }, "and once more");
}

pub async fn attempts_are_kept_by_job_and_shipment(store: Store) {
    let world = World::new(store).await;
    let (job, shipment) = (world.id(), world.id());
    let attempt = |minutes: i64, outcome| AttemptRecord {
        id: world.id(),
        job,
        correlation: world.id(),
        shipment: Some(shipment),
        destination: "odoo".into(),
        operation: "stock.picking/write".into(),
        started_at: at(minutes),
        duration_ms: 12,
        status: Some(503),
        outcome,
        request: Some(text("{}")),
        response: Some(text("busy")),
    };
    // over the end of a month
    let (late, early) = (attempt(60 * 24 * 40, Outcome::Ok), attempt(1, Outcome::Unknown));
    for one in [&late, &early] {
        world.store.jobs.attempt(world.scope, one.clone()).await.unwrap();
    }
    let kept = world.store.jobs.attempts(world.scope, job).await.unwrap();
    assert_eq!(kept, [early.clone(), late.clone()]);
    assert_eq!(world.store.jobs.attempts_of(world.scope, shipment).await.unwrap(), [early, late]);
}

pub async fn figures_by_destination(store: Store) {
    let world = World::new(store).await;
    for (n, finish) in [Finish::Done, Finish::Done, retry(100), dead("forbidden"), dead("forbidden"), dead("gone")]
        .into_iter()
        .enumerate()
    {
        let job = world.job(JobKind::SYNC_ORDER, n, 1);
        world.enqueue(&job).await;
        world.claim("a", SYNC, at(1)).await;
        world.store.jobs.finish("a", job.id, finish, at(2)).await.unwrap();
    }
    world.enqueue(&world.job(JobKind::SYNC_ORDER, "waiting", 50)).await;
    world.enqueue(&world.job(JobKind::FOLD, "inside", 50)).await;
    let figures = world.store.jobs.summary(world.scope, at(3)).await.unwrap();
    let odoo = figures.iter().find(|f| f.destination == "odoo").unwrap();
    assert_eq!((odoo.done, odoo.pending, odoo.retrying, odoo.dead), (2, 1, 1, 3));
    let errors: Vec<_> = odoo.errors.iter().map(|e| (e.filter, e.class.as_str(), e.count)).collect();
    assert_eq!(
        errors,
        [(JobFilter::Failed, "forbidden", 2), (JobFilter::Failed, "gone", 1), (JobFilter::Retrying, "timeout", 1)]
    );
    assert_eq!(odoo.last_ok, Some(at(2)));
    assert_eq!(figures.iter().find(|f| f.destination == "inside").unwrap().pending, 1);
    let next_week = world.store.jobs.summary(world.scope, at(60 * 24 * 7)).await.unwrap();
    assert_eq!(next_week.iter().find(|f| f.destination == "odoo").unwrap().done, 0);
}

pub async fn jobs_are_paged(store: Store) {
    let world = World::new(store).await;
    let total = PAGE_ROWS + 5;
    for n in 0..total {
        world.enqueue(&world.job(JobKind::SYNC_ORDER, n, i64::from(n % 7))).await;
    }
    world.enqueue(&world.job(JobKind::FOLD, "inside", 1)).await;
    let list = async |cursor| world.store.jobs.list(world.scope, JobFilter::Pending, of("odoo"), cursor).await.unwrap();
    let first = list(None).await;
    let second = list(first.next.clone()).await;
    let all: BTreeSet<_> = first.rows.iter().chain(&second.rows).map(|r| r.job.id).collect();
    assert_eq!(
        (first.rows.len(), second.rows.len(), second.next, all.len()),
        (PAGE_ROWS as usize, 5, None, total as usize)
    );
    assert!(first.rows.windows(2).all(|w| w[0].updated_at >= w[1].updated_at));
    assert!(first.rows.iter().all(|r| r.status == JobStatus::Ready));
    assert_eq!(world.store.jobs.list(world.scope, JobFilter::Pending, of("desk"), None).await.unwrap().rows, []);
}

pub async fn one_leads_until_its_lease_ends(store: Store) {
    let jobs = &store.jobs;
    let (start, soon, end, late) = (at(0), at(20), at(30), at(40));
    assert!(jobs.acquire_leadership("schedule", "one", start, end).await.unwrap());
    assert!(!jobs.acquire_leadership("schedule", "two", soon, late).await.unwrap(), "somebody leads");
    assert!(jobs.acquire_leadership("other", "two", soon, late).await.unwrap(), "another name is another lease");
    assert!(jobs.acquire_leadership("schedule", "one", soon, end).await.unwrap(), "who leads goes on");
    assert!(jobs.acquire_leadership("schedule", "two", end, late).await.unwrap(), "a lease that has ended is free");
    assert!(!jobs.acquire_leadership("schedule", "one", end, late).await.unwrap());
    jobs.release_leadership("schedule", "one").await.unwrap();
    assert!(!jobs.acquire_leadership("schedule", "one", end, late).await.unwrap(), "nobody resigns for another");
    jobs.release_leadership("schedule", "two").await.unwrap();
    assert!(jobs.acquire_leadership("schedule", "one", end, late).await.unwrap());
}

fn of(destination: &str) -> JobSelection {
    JobSelection { destination: Some(destination.into()), ..JobSelection::default() }
}

pub async fn failed_work_inside_is_listed_too(store: Store) {
    let world = World::new(store).await;
    let job = world.job(JobKind::NORMALISE, "m", 1);
    world.enqueue(&job).await;
    world.claim("a", &[JobKind::NORMALISE], at(1)).await;
    world.store.jobs.finish("a", job.id, dead("internal"), at(1)).await.unwrap();
    for which in
        [JobSelection::default(), of("inside"), JobSelection { class: Some("internal".into()), ..of("inside") }]
    {
        let listed = world.store.jobs.list(world.scope, JobFilter::Failed, which, None).await.unwrap().rows;
        assert_eq!(listed.iter().map(|row| row.job.id).collect::<Vec<_>>(), [job.id]);
    }
    assert_eq!(world.store.jobs.list(world.scope, JobFilter::Failed, of("odoo"), None).await.unwrap().rows, []);
}
