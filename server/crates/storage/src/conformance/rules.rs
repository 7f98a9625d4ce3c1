//! Rules: versions, counts, dry runs.

use super::{World, at};
use crate::{
    Actor, Scope, Store,
    jobs::JobKind,
    rules::{
        Draft, Halt, PublishedRule, RuleCount, RuleFigures, RuleRecord, Trial, TrialRow, TrialState, TrialSum,
        TrialWalk,
    },
};
use domain::{
    ids::{ShipmentId, TrialId},
    rule::{Action, Content, Limits, RuleId, Trigger},
};
use jiff::Timestamp;

fn id(name: &str) -> RuleId {
    name.parse().expect("it is an id")
}

fn content(name: &str) -> Content {
    Content {
        name: name.into(),
        trigger: Trigger::Exception,
        when: "exception.reason == \"LOST\"".into(),
        then: vec![Action::RaiseClaim],
        severity: None,
        limits: Limits { per_minute: Some(20), ..Limits::default() },
    }
}

fn record(name: &str) -> RuleRecord {
    RuleRecord {
        id: id(name),
        owner: None,
        active: None,
        halt: None,
        draft: Some(Draft { content: content(name), by: Actor::Operator, at: at(0), asked_at: None }),
        created_at: at(0),
        updated_at: at(0),
        revision: 0,
    }
}

fn published(name: &str, version: u32, minutes: i64) -> PublishedRule {
    PublishedRule {
        rule: id(name),
        version,
        content: content(&format!("{name} {version}")),
        by: Actor::Operator,
        approved_by: None,
        at: at(minutes),
        back_to: None,
    }
}

pub async fn a_rule_is_saved_from_what_was_read_and_its_versions_stay(store: Store) {
    let world = World::new(store).await;
    let (rules, scope) = (&world.store.rules, world.scope);
    let audit = || Some(world.audit("rule.save", "rule:lost", 0));
    assert!(rules.save(scope, record("lost"), None, audit()).await.unwrap());
    assert!(!rules.save(scope, record("lost"), None, audit()).await.unwrap(), "there is one");
    let first = rules.rule(scope, &id("lost")).await.unwrap().unwrap();
    assert_eq!(first, RuleRecord { revision: 1, ..record("lost") });
    let owner = Some(world.id());
    let next = RuleRecord { owner, active: Some(1), draft: None, updated_at: at(1), ..first.clone() };
    assert!(rules.save(scope, next.clone(), Some(published("lost", 1, 1)), audit()).await.unwrap());
    assert!(
        !rules.save(scope, first, Some(published("lost", 2, 1)), audit()).await.unwrap(),
        "it was read before that"
    );
    let halt = Some(Halt::Stopped { why: "it divides by 0".into(), at: at(2) });
    let second = RuleRecord { active: Some(2), halt, updated_at: at(2), revision: 2, ..next };
    assert!(rules.save(scope, second.clone(), Some(published("lost", 2, 2)), None).await.unwrap());
    let kept = RuleRecord { revision: 3, ..second };
    assert_eq!(rules.all(scope).await.unwrap(), [(kept, Some(published("lost", 2, 2)))]);
    assert_eq!(rules.history(scope, &id("lost")).await.unwrap(), [published("lost", 2, 2), published("lost", 1, 1)]);
    assert_eq!(rules.published(scope, 1).await.unwrap(), [published("lost", 2, 2)], "the newest of all rules");
    assert!(
        !rules.remove(scope, &id("lost"), world.audit("rule.discard", "rule:lost", 3)).await.unwrap(),
        "it was published"
    );
    rules.save(scope, record("draft"), None, None).await.unwrap();
    assert!(rules.remove(scope, &id("draft"), world.audit("rule.discard", "rule:draft", 3)).await.unwrap());
    let other = Scope { company: world.id(), ..scope };
    assert_eq!(rules.all(other).await.unwrap(), []);
}

pub async fn what_rules_did_adds_up(store: Store) {
    let world = World::new(store).await;
    let (rules, scope) = (&world.store.rules, world.scope);
    let day = at(0).as_microsecond() / (24 * 3600 * 1_000_000);
    let count = |name: &str, day, fired| RuleCount { rule: id(name), day, fired, failed: 1, delayed: 2 };
    let counts = vec![count("a", day, 3), count("b", day, 1)];
    rules.count(scope, counts, Vec::new(), Timestamp::MIN).await.unwrap();
    rules.count(scope, vec![count("a", day, 4), count("a", day - 9, 5)], Vec::new(), Timestamp::MIN).await.unwrap();
    let figures = |fired, failed, delayed| RuleFigures { fired, failed, delayed, ..RuleFigures::default() };
    let expected = [(id("a"), figures(7, 2, 4)), (id("b"), figures(1, 1, 2))];
    assert_eq!(rules.figures(scope, at(0)).await.unwrap(), expected);
    rules.count(scope, Vec::new(), Vec::new(), at(0)).await.unwrap();
    assert_eq!(rules.figures(scope, Timestamp::UNIX_EPOCH).await.unwrap(), expected, "what is older is forgotten");
}

pub async fn a_dry_run_goes_on_step_by_step(store: Store) {
    let world = World::new(store).await;
    let (rules, scope) = (&world.store.rules, world.scope);
    let trial = |n: i64| Trial {
        id: world.id(),
        rule: id("lost"),
        content: content("lost"),
        active: Some((1, content("before"))),
        days: 30,
        by: Actor::Operator,
        at: at(n),
        state: TrialState::Running,
        total: 2,
        shipments: 0,
        events: 0,
        draft_sum: TrialSum::default(),
        active_sum: TrialSum::default(),
        cursor: None,
        ended_at: None,
        step: 0,
    };
    let mut started = Vec::new();
    for n in 0..12 {
        let trial = trial(n);
        let job = world.job(JobKind::TRY_RULE, trial.id, n);
        rules.begin_trial(scope, trial.clone(), job, world.audit("rule.try", "rule:lost", n)).await.unwrap();
        started.push(trial);
    }
    assert_eq!(rules.trial(scope, started[0].id).await.unwrap(), None, "only the last ones are kept");
    let newest = started.pop().unwrap();
    assert_eq!(rules.newest_trial(scope, &id("lost")).await.unwrap(), Some(newest.clone()));
    let row = |needed, lasted_minutes| TrialRow {
        shipment: world.id(),
        number: "1Z1".into(),
        order: None,
        carrier: None,
        reason: Some("LOST".into()),
        at: at(1),
        lasted_minutes,
        needed,
        ended: None,
        active_too: false,
    };
    let rows = vec![row(false, Some(30)), row(true, Some(10)), row(true, None), row(false, Some(40))];
    let step = Trial { shipments: 2, state: TrialState::Done, step: 1, ..newest.clone() };
    assert!(rules.step_trial(scope, step.clone(), rows.clone(), None).await.unwrap());
    assert!(!rules.step_trial(scope, step.clone(), rows.clone(), None).await.unwrap(), "that step is done");
    assert_eq!(rules.trial(scope, newest.id).await.unwrap(), Some(step));
    let page = rules.trial_rows(scope, newest.id, None).await.unwrap();
    assert_eq!(page.rows, [&rows[2], &rows[1], &rows[3], &rows[0]].map(Clone::clone));
    assert_eq!(page.next, None);
    assert_eq!(rules.trial(scope, TrialId(world.id())).await.unwrap(), None);
}

pub async fn shipments_of_orders_are_walked(store: Store) {
    let world = World::new(store).await;
    let (rules, scope) = (&world.store.rules, world.scope);
    let mut known: Vec<ShipmentId> = Vec::new();
    for n in 1..4 {
        known.push(world.import(world.order(n, &[&format!("WALK{n}")]), 0).await);
    }
    known.sort_unstable();
    let walk = |after| TrialWalk { since: Timestamp::UNIX_EPOCH, after };
    assert_eq!(rules.walk(scope, walk(None), 2).await.unwrap(), known[..2]);
    assert_eq!(rules.walk(scope, walk(Some(known[1])), 2).await.unwrap(), known[2..]);
    assert_eq!(rules.walk_total(scope, Timestamp::UNIX_EPOCH).await.unwrap(), 3);
    let late = TrialWalk { since: Timestamp::MAX, after: None };
    assert_eq!(rules.walk(scope, late, 2).await.unwrap(), []);
    assert_eq!(rules.under_way(scope, None, 9).await.unwrap(), known);
    assert_eq!(rules.under_way(scope, Some(known[2]), 9).await.unwrap(), []);
}
