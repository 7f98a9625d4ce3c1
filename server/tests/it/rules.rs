//! Rules as data on simulated systems: written, tried, published, watched, rolled back; and what stops them.

use crate::world::systems::Systems;
use application::{
    caller::Caller,
    context::Context,
    error::UseCaseError,
    rules::{
        guard,
        manage::{self, FourEyes},
        read, trial, upkeep,
    },
};
use domain::{
    access::Role,
    alerts::AlertKind,
    effects::{EffectOutcome, EffectTarget},
    ids::{ShipmentId, UserId},
    rule::{Action, Content, Limits, RuleId, Trigger},
};
use std::sync::Arc;
use storage::{
    Scope,
    people::UserRecord,
    rules::{Halt, TrialState},
};

const DAMAGED: &[(&str, &str)] = &[("InTransit_003", "2026-03-05T01:00:00"), ("Exception_012", "2026-03-05T08:00:00")];
const DELIVERED: &[(&str, &str)] =
    &[("InTransit_003", "2026-03-05T01:00:00"), ("Delivered_001", "2026-03-05T11:00:00")];
const WRONG_ADDRESS: &[(&str, &str)] =
    &[("InTransit_003", "2026-03-05T01:00:00"), ("Exception_007", "2026-03-05T08:00:00")];
const MOVING: &[(&str, &str)] = &[("InTransit_003", "2026-03-05T01:00:00")];

fn content(name: &str, trigger: Trigger, when: &str, then: Vec<Action>) -> Content {
    Content { name: name.into(), trigger, when: when.into(), then, severity: None, limits: Limits::default() }
}

fn note() -> Action {
    Action::Note { text: "{order} is {status}".into() }
}

fn alert() -> Action {
    Action::Alert { channel: None, text: "{number}: {reason}".into() }
}

struct Rules {
    systems: Systems,
    context: Arc<Context>,
    person: Caller,
}

impl Rules {
    async fn new() -> Self {
        let systems = Systems::new().await;
        let context = Arc::clone(&systems.world.context);
        let person = Caller::trusted(Scope { actor: storage::Actor::Operator, ..context.scope() });
        Self { systems, context, person }
    }

    async fn publish(&self, content: Content) -> RuleId {
        let id = manage::create(&self.context, &self.person, content).await.expect("works");
        manage::publish(&self.context, &self.person, &id).await.expect("works");
        self.systems.advance(1).await;
        id
    }

    /// Effects of a target for a number, by key.
    async fn effects(&self, number: &str, target: EffectTarget) -> Vec<(String, EffectOutcome)> {
        let id = self.systems.shipment(number).await;
        let effects = self.systems.world.load(id).await.effects.into_iter();
        effects.filter(|one| one.target == target).map(|one| (one.key, one.outcome)).collect()
    }

    async fn halt(&self, id: &RuleId) -> Option<Halt> {
        upkeep::flush(&self.context).await.expect("works");
        self.context.store.rules.rule(self.context.scope(), id).await.expect("works").and_then(|rule| rule.halt)
    }

    async fn open_alerts(&self, kind: AlertKind, subject: &str) -> Option<u64> {
        let open = self.context.store.alerts.open_of(self.context.scope(), kind, subject).await.expect("works");
        open.map(|open| open.standing.affects)
    }
}

#[tokio::test]
async fn a_rule_is_written_published_watched_and_rolled_back() {
    let rules = Rules::new().await;
    let (context, person) = (&rules.context, &rules.person);
    rules.systems.order("N1").await;
    rules.systems.order("N2").await;
    let first = content("On the move", Trigger::Change, "shipment.status == \"IN_TRANSIT\"", vec![note()]);
    let id = manage::create(context, person, first.clone()).await.unwrap();
    assert_eq!(id.as_str(), "on-the-move");
    assert!(matches!(manage::create(context, person, first.clone()).await, Err(UseCaseError::Conflict(_))));
    rules.systems.world.receives("N1", MOVING).await;
    assert!(
        rules.effects("N1", EffectTarget::OrderNote).await.iter().all(|(key, _)| !key.starts_with("rule/")),
        "a draft runs nowhere"
    );
    assert_eq!(manage::publish(context, person, &id).await.unwrap(), 1);
    rules.systems.advance(1).await;
    rules.systems.world.receives("N2", MOVING).await;
    let notes = rules.effects("N2", EffectTarget::OrderNote).await;
    let own: Vec<_> = notes.iter().filter(|(key, _)| key.starts_with("rule/")).collect();
    assert!(
        matches!(&own[..], [(key, EffectOutcome::Posted(_))] if key == "rule/on-the-move/shipment/note/0"),
        "{notes:?}"
    );
    rules.systems.world.receives("N2", &[MOVING[0], ("InTransit_007", "2026-03-05T03:00:00")]).await;
    let again = rules.effects("N2", EffectTarget::OrderNote).await;
    assert_eq!(again.iter().filter(|(key, _)| key.starts_with("rule/")).count(), 1, "once for each shipment");

    let second = Content { when: "shipment.status == \"DELIVERED\"".into(), ..first.clone() };
    manage::save_draft(context, person, &id, second).await.unwrap();
    assert_eq!(manage::publish(context, person, &id).await.unwrap(), 2);
    assert_eq!(manage::roll_back(context, person, &id, 1).await.unwrap(), 3);
    let shown = read::show(context, person, &id).await.unwrap();
    assert_eq!(shown.rule.active.map(|(version, content, _)| (version, content)), Some((3, first)));
    assert_eq!(
        shown.history.iter().map(|one| (one.version, one.back_to)).collect::<Vec<_>>(),
        [(3, Some(1)), (2, None), (1, None)]
    );
    let trail = context.store.people.audit_trail(person.scope(), Some(format!("rule:{id}")), 20).await.unwrap();
    let actions: Vec<_> = trail.iter().rev().map(|line| line.entry.action.as_str()).collect();
    assert_eq!(actions, ["rule.draft", "rule.publish", "rule.draft", "rule.publish", "rule.roll_back"]);
}

#[tokio::test]
async fn the_shipped_policy_is_changed_and_restored_like_any_other_rule() {
    let rules = Rules::new().await;
    let (context, person) = (&rules.context, &rules.person);
    let cases: RuleId = "cases".parse().unwrap();
    let listed = read::list(context, person).await.unwrap();
    assert_eq!(listed.rules.len(), 9);
    assert!(
        listed
            .rules
            .iter()
            .all(|(rule, _)| rule.shipped && rule.active.as_ref().is_some_and(|(version, ..)| *version == 0))
    );
    let built_in = read::version(context, person, &cases, 0).await.unwrap();
    let none = Content { when: "exception.reason == \"LOST\"".into(), ..built_in };
    manage::save_draft(context, person, &cases, none).await.unwrap();
    manage::publish(context, person, &cases).await.unwrap();
    rules.systems.order("N1").await;
    rules.systems.world.receives("N1", DAMAGED).await;
    rules.systems.advance(3 * 3600).await;
    assert_eq!(rules.systems.desk.tickets().len(), 0, "only what is lost gets a case");
    manage::roll_back(context, person, &cases, 0).await.unwrap();
    rules.systems.order("N2").await;
    rules.systems.world.receives("N2", DAMAGED).await;
    rules.systems.advance(3 * 3600).await;
    assert_eq!(rules.systems.desk.tickets().len(), 1);
    manage::pause(context, person, &"note-milestones".parse().unwrap(), None).await.unwrap();
    rules.systems.order("N3").await;
    rules.systems.world.receives("N3", DELIVERED).await;
    assert_eq!(rules.effects("N3", EffectTarget::OrderNote).await, []);
    manage::resume(context, person, &"note-milestones".parse().unwrap()).await.unwrap();
    rules.systems.order("N4").await;
    rules.systems.world.receives("N4", DELIVERED).await;
    assert!(!rules.effects("N4", EffectTarget::OrderNote).await.is_empty());
}

#[tokio::test]
async fn a_rule_says_how_long_an_exception_may_heal() {
    let rules = Rules::new().await;
    let own = Action::OpenCase { desk: None, queue: None, grace_minutes: Some(6 * 60) };
    let cases: RuleId = "cases".parse().unwrap();
    let built_in = read::version(&rules.context, &rules.person, &cases, 0).await.unwrap();
    manage::save_draft(&rules.context, &rules.person, &cases, Content { then: vec![own], ..built_in }).await.unwrap();
    manage::publish(&rules.context, &rules.person, &cases).await.unwrap();
    rules.systems.order("N1").await;
    rules.systems.world.receives("N1", DAMAGED).await;
    rules.systems.advance(5 * 3600).await;
    assert_eq!(rules.systems.desk.tickets().len(), 0, "it is not over yet");
    rules.systems.advance(2 * 3600).await;
    assert_eq!(rules.systems.desk.tickets().len(), 1);
}

#[tokio::test]
async fn alerts_of_a_rule_are_put_together() {
    let rules = Rules::new().await;
    let grouped = Content {
        limits: Limits { group_by: Some("event.place".into()), ..Limits::default() },
        ..content("Damaged", Trigger::Exception, "exception.reason == \"DAMAGED\"", vec![alert()])
    };
    rules.publish(grouped).await;
    for number in ["N1", "N2", "N3"] {
        rules.systems.order(number).await;
        rules.systems.world.receives(number, DAMAGED).await;
    }
    let subject = "damaged/Lyon";
    assert_eq!(rules.open_alerts(AlertKind::RuleAlert, subject).await, Some(3), "one alert for all");
    let effects = rules.effects("N1", EffectTarget::Alert).await;
    assert!(matches!(&effects[..], [(_, EffectOutcome::Posted(_))]), "{effects:?}");
}

#[tokio::test]
async fn what_comes_above_the_rate_acts_later_if_it_is_still_so() {
    let rules = Rules::new().await;
    let paced = Content {
        limits: Limits { per_minute: Some(2), ..Limits::default() },
        ..content("Storm", Trigger::Change, "shipment.status == \"IN_TRANSIT\"", vec![alert()])
    };
    let id = rules.publish(paced).await;
    let numbers = ["N1", "N2", "N3", "N4", "N5"];
    for number in numbers {
        rules.systems.order(number).await;
    }
    for number in numbers {
        rules.systems.world.receives(number, MOVING).await;
    }
    assert_eq!(rules.open_alerts(AlertKind::RuleAlert, "storm").await, Some(2));
    // the clock starts other work too, which has nothing to do here
    rules.systems.world.leaves_jobs();
    for _ in 0..4 {
        rules.systems.advance(60).await;
        application::jobs::tick(&rules.context).await.unwrap();
        rules.systems.world.settle().await;
    }
    assert_eq!(rules.open_alerts(AlertKind::RuleAlert, "storm").await, Some(5), "nothing is lost");
    assert_eq!(rules.halt(&id).await, None);
}

#[tokio::test]
async fn a_rule_that_throws_is_stopped_shown_and_alarmed_and_stops_no_other() {
    let rules = Rules::new().await;
    let id =
        rules.publish(content("Throws", Trigger::Change, "1 / size(shipment.exceptions) == 1", vec![note()])).await;
    for number in ["N1", "N2", "N3", "N4", "N5"] {
        assert_eq!(rules.halt(&id).await, None, "{number}");
        let picking = rules.systems.order(number).await;
        rules.systems.world.receives(number, MOVING).await;
        // the same shipment fails again: that is no further one
        rules.systems.world.receives(number, &[MOVING[0], ("InTransit_007", "2026-03-05T03:00:00")]).await;
        assert!(rules.systems.status(picking).is_some_and(|s| s == "IN_TRANSIT"), "the shipped rules go on");
    }
    let Some(Halt::Stopped { why, .. }) = rules.halt(&id).await else { panic!("it is stopped") };
    assert!(why.starts_with("it divides by 0"), "{why}");
    assert_eq!(rules.open_alerts(AlertKind::RuleStopped, "throws").await, Some(1));
    manage::save_draft(&rules.context, &rules.person, &id, content("Throws", Trigger::Change, "true", vec![note()]))
        .await
        .unwrap();
    manage::publish(&rules.context, &rules.person, &id).await.unwrap();
    assert_eq!(rules.halt(&id).await, None, "published again, it runs again");
}

#[tokio::test]
async fn a_rule_that_acts_again_and_again_waits_on_that_shipment_and_is_stopped_where_it_does_so_on_several() {
    let rules = Rules::new().await;
    let id = rules.publish(content("Loops", Trigger::Event, "true", vec![alert()])).await;
    let moves = async |number: &str, times: u32| {
        rules.systems.order(number).await;
        let mut events: Vec<(&str, String)> = Vec::new();
        for minute in 0..times {
            events.push(("InTransit_007", format!("2026-03-05T03:{minute:02}:00")));
            let said: Vec<(&str, &str)> = events.iter().map(|(code, time)| (*code, time.as_str())).collect();
            rules.systems.world.receives(number, &said).await;
        }
        rules.effects(number, EffectTarget::Alert).await.len()
    };
    assert_eq!(moves("N1", 30).await, 20, "then it waits");
    assert_eq!(rules.halt(&id).await, None);
    assert_eq!(moves("N2", 1).await, 1, "the others go on");
    // the clock starts other work too, which has nothing to do here
    rules.systems.world.leaves_jobs();
    rules.systems.advance(3_600).await;
    application::jobs::tick(&rules.context).await.unwrap();
    rules.systems.world.settle().await;
    assert_eq!(rules.effects("N1", EffectTarget::Alert).await.len(), 21, "of the newest event, an hour later");
    let mut acted = Vec::new();
    for number in ["N3", "N4", "N5", "N6", "N7"] {
        acted.push(moves(number, 22).await);
    }
    assert_eq!(acted, [20; 5]);
    let Some(Halt::Stopped { why, .. }) = rules.halt(&id).await else { panic!("it is stopped") };
    assert!(why.contains("20 times within an hour on each of 5 shipments"), "{why}");
    assert_eq!(rules.open_alerts(AlertKind::RuleStopped, "loops").await, Some(1));
}

#[tokio::test]
async fn a_flood_stops_its_rule() {
    let rules = Rules::new().await;
    let flood = Content {
        limits: Limits { per_minute: Some(1), ..Limits::default() },
        ..content("Flood", Trigger::Event, "true", vec![alert()])
    };
    let id = rules.publish(flood).await;
    let now = rules.context.now();
    let another = || ShipmentId(rules.context.clock.id());
    let stopped =
        (0..1_000).any(|_| rules.context.rules.guard.admit(&id, another(), 1, now) == guard::Admission::Stopped);
    assert!(stopped, "a flood is noticed");
    rules.systems.order("N1").await;
    rules.systems.world.receives("N1", MOVING).await;
    assert_eq!(rules.effects("N1", EffectTarget::Alert).await, []);
    let Some(Halt::Stopped { why, .. }) = rules.halt(&id).await else { panic!("it is stopped") };
    assert!(why.contains("more than an hour's worth of its rate"), "{why}");
}

#[tokio::test]
async fn where_four_eyes_are_on_a_second_person_publishes() {
    let rules = Rules::new().await;
    let context = &rules.context;
    let admin = |login: &str| {
        let id = UserId(context.clock.id());
        let user = UserRecord {
            id,
            company: context.company,
            login: login.into(),
            name: login.into(),
            password: String::new(),
            roles: vec![Role::Admin],
            enabled: true,
            created_at: context.now(),
        };
        Caller::of(&user)
    };
    let (ines, jonas) = (admin("ines"), admin("jonas"));
    manage::set_four_eyes(context, &ines, FourEyes::On).await.unwrap();
    let draft = content("Lost", Trigger::Exception, "exception.reason == \"LOST\"", vec![Action::RaiseClaim]);
    let id = manage::create(context, &ines, draft.clone()).await.unwrap();
    manage::ask_for_approval(context, &ines, &id).await.unwrap();
    let operator = &rules.person;
    for one_person in [&ines, operator] {
        assert!(matches!(manage::publish(context, one_person, &id).await, Err(UseCaseError::Forbidden(_))));
    }
    manage::save_draft(context, operator, &id, draft.clone()).await.unwrap();
    assert!(matches!(manage::publish(context, &jonas, &id).await, Err(UseCaseError::Forbidden(_))), "by whom?");
    manage::save_draft(context, &ines, &id, draft.clone()).await.unwrap();
    let unseen = Content { then: vec![alert()], ..draft.clone() };
    assert!(
        matches!(manage::publish_seen(context, &jonas, &id, &unseen).await, Err(UseCaseError::Conflict(_))),
        "it says something else than what was seen"
    );
    assert_eq!(manage::publish_seen(context, &jonas, &id, &draft).await.unwrap(), 1);
    let shown = read::show(context, &ines, &id).await.unwrap();
    assert_eq!(shown.history[0].approved_by, Some(jonas.scope().actor));
    let wrong = Content { when: "exception.reson == \"LOST\"".into(), ..draft };
    manage::save_draft(context, &ines, &id, wrong).await.unwrap();
    let Err(UseCaseError::Invalid { message, .. }) = manage::publish(context, &jonas, &id).await else {
        panic!("it is wrong")
    };
    assert_eq!(message, "when: line 1, column 1: unknown field exception.reson. Did you mean exception.reason?");
}

#[tokio::test]
async fn an_agent_sees_rules_and_changes_none() {
    let rules = Rules::new().await;
    let context = &rules.context;
    let agent = Caller::of(&UserRecord {
        id: UserId(context.clock.id()),
        company: context.company,
        login: "agent".into(),
        name: "Agent".into(),
        password: String::new(),
        roles: vec![Role::Agent],
        enabled: true,
        created_at: context.now(),
    });
    let cases: RuleId = "cases".parse().unwrap();
    assert!(read::list(context, &agent).await.is_ok() && read::show(context, &agent, &cases).await.is_ok());
    let draft = content("x", Trigger::Change, "true", vec![note()]);
    assert!(matches!(manage::create(context, &agent, draft.clone()).await, Err(UseCaseError::NotPermitted(_))));
    assert!(matches!(manage::save_draft(context, &agent, &cases, draft).await, Err(UseCaseError::NotPermitted(_))));
    assert!(matches!(manage::publish(context, &agent, &cases).await, Err(UseCaseError::NotPermitted(_))));
    assert!(matches!(manage::roll_back(context, &agent, &cases, 0).await, Err(UseCaseError::NotPermitted(_))));
    assert!(matches!(manage::pause(context, &agent, &cases, None).await, Err(UseCaseError::NotPermitted(_))));
    assert!(matches!(manage::resume(context, &agent, &cases).await, Err(UseCaseError::NotPermitted(_))));
    assert!(matches!(trial::begin(context, &agent, &cases, 30).await, Err(UseCaseError::NotPermitted(_))));
}

#[tokio::test]
async fn a_dry_run_says_what_a_draft_would_have_done_and_sends_nothing() {
    let rules = Rules::new().await;
    let (context, person) = (&rules.context, &rules.person);
    for number in ["N1", "N2", "N3"] {
        rules.systems.order(number).await;
    }
    // one heals within the hour, one goes on, one has no trouble
    rules.systems.world.receives("N1", WRONG_ADDRESS).await;
    rules.systems.world.receives("N2", WRONG_ADDRESS).await;
    rules.systems.world.receives("N3", MOVING).await;
    rules.systems.advance(1800).await;
    let healed = [WRONG_ADDRESS, &[("Delivered_001", "2026-03-05T11:00:00")]].concat();
    rules.systems.world.receives("N1", &healed).await;
    rules.systems.advance(600).await;
    let (tickets, calls) = (rules.systems.desk.tickets().len(), rules.systems.odoo.all_calls());
    let wrong = "exception.reason == \"ADDRESS_INCORRECT\"";
    let draft = content("Wrong address", Trigger::Exception, wrong, vec![alert(), Action::RaiseClaim]);
    let id = manage::create(context, person, draft).await.unwrap();
    let trial = trial::begin(context, person, &id, 30).await.unwrap();
    rules.systems.world.settle().await;
    let done = context.store.rules.trial(context.scope(), trial).await.unwrap().unwrap();
    assert_eq!((done.state, done.total, done.shipments), (TrialState::Done, 3, 3));
    assert_eq!((done.draft_sum.fired, done.draft_sum.healed, done.draft_sum.needed), (2, 1, 1));
    assert_eq!((done.draft_sum.lasted[0], done.draft_sum.lasted[6]), (1, 1), "under an hour, and one goes on");
    let csv = read::trial_csv(context, person, &id).await.unwrap();
    assert_eq!(csv.lines().count(), 3, "{csv}");
    assert!(csv.contains("ADDRESS_INCORRECT"));
    assert_eq!(
        (rules.systems.desk.tickets().len(), rules.systems.odoo.all_calls()),
        (tickets, calls),
        "nothing was sent"
    );
    let shown = read::show(context, person, &id).await.unwrap();
    assert_eq!(shown.trial.map(|(trial, rows)| (trial.id, rows.len())), Some((trial, 2)));
}
