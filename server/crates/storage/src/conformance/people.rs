//! Users, sessions, keys, settings, audit.

use super::{World, at, seconds};
use crate::{
    Actor, AuditKey, Scope, Store, StoreError, WrappedKey,
    chain::ChainCheck,
    orders::Origin,
    people::{Pace, SessionRecord, SettingChange, Try, UserRecord},
    shipments::ShipmentQuery,
};
use domain::access::Role;
use domain::{
    ExceptionReason,
    ids::{CompanyId, ExceptionId, SubjectId, UserId},
};
use jiff::{SignedDuration, Timestamp};
use std::{collections::BTreeSet, sync::Arc};
use tokio::task::JoinSet;
use uuid::Uuid;

fn user(world: &World, login: &str) -> UserRecord {
    UserRecord {
        id: world.id(),
        company: world.scope.company,
        login: login.into(),
        name: "Ada".into(),
        password: "$argon2id$".into(),
        roles: vec![Role::Admin, Role::Agent],
        enabled: true,
        created_at: at(0),
    }
}

pub async fn the_company_is_made_once(store: Store) {
    let first = store.people.company(CompanyId(Uuid::from_u128(1)), "Acme", at(0)).await.unwrap();
    let again = store.people.company(CompanyId(Uuid::from_u128(2)), "Other", at(1)).await.unwrap();
    assert_eq!((first, again), (CompanyId(Uuid::from_u128(1)), first));
}

pub async fn a_login_belongs_to_one_user(store: Store) {
    let world = World::new(store).await;
    let (ada, bob) = (user(&world, "ada"), user(&world, "bob"));
    let put = async |user: &UserRecord| {
        world.store.people.put_user(world.scope, user.clone(), world.audit("user.put", "user", 1)).await
    };
    put(&ada).await.unwrap();
    put(&bob).await.unwrap();
    let taken = UserRecord { id: bob.id, ..ada.clone() };
    assert!(matches!(put(&taken).await, Err(StoreError::Conflict(_))));
    assert_eq!(world.store.people.user_by_login("ada").await.unwrap(), Some(ada.clone()));
    assert_eq!(world.store.people.user_by_login("Ada").await.unwrap(), None);
    let disabled = UserRecord { enabled: false, roles: vec![], ..ada.clone() };
    put(&disabled).await.unwrap();
    assert_eq!(world.store.people.user(ada.id).await.unwrap(), Some(disabled.clone()));
    assert_eq!(world.store.people.users(world.scope).await.unwrap(), [disabled, bob]);
    assert_eq!(world.store.people.user(world.id::<UserId>()).await.unwrap(), None);
}

pub async fn a_user_is_changed_from_what_was_read(store: Store) {
    let world = Arc::new(World::new(store).await);
    let (ada, bob) = (user(&world, "ada"), user(&world, "bob"));
    let audit = || world.audit("user.change", "user", 1);
    for user in [&ada, &bob] {
        world.store.people.put_user(world.scope, user.clone(), audit()).await.unwrap();
    }
    let change = async |read: &UserRecord, to: &UserRecord| {
        world.store.people.change_user(world.scope, read.clone(), to.clone(), audit()).await
    };
    let disabled = UserRecord { enabled: false, ..bob.clone() };
    change(&bob, &disabled).await.unwrap();
    for stale in [
        UserRecord { password: "$other$".into(), ..bob.clone() },
        UserRecord { roles: vec![Role::Agent], ..bob.clone() },
        bob.clone(),
    ] {
        assert!(matches!(change(&bob, &stale).await, Err(StoreError::Conflict(_))), "{stale:?}");
    }
    assert_eq!(world.store.people.user(bob.id).await.unwrap(), Some(disabled.clone()));
    let nobody = user(&world, "carl");
    assert!(matches!(change(&nobody, &nobody).await, Err(StoreError::Conflict(_))));
    let lines = world.store.people.audit_trail(world.scope, Some("user".into()), 10).await.unwrap();
    assert_eq!(lines.len(), 3, "what did not happen is not in the audit trail");
    let mut writers = JoinSet::new();
    for n in 0..8 {
        let (world, read) = (Arc::clone(&world), disabled.clone());
        writers.spawn(async move {
            let to = UserRecord { name: format!("Bob {n}"), ..read.clone() };
            world.store.people.change_user(world.scope, read, to, world.audit("user.change", "user", 2)).await.is_ok()
        });
    }
    assert_eq!(writers.join_all().await.into_iter().filter(|done| *done).count(), 1, "of several at once one");
}

pub async fn somebody_runs_the_installation(store: Store) {
    let world = Arc::new(World::new(store).await);
    let (ada, bob) = (user(&world, "ada"), user(&world, "bob"));
    let put = async |user: UserRecord| {
        world.store.people.put_user(world.scope, user, world.audit("user.put", "user", 1)).await
    };
    put(ada.clone()).await.unwrap();
    let demoted = |user: &UserRecord| UserRecord { roles: vec![Role::Agent], ..user.clone() };
    for less in [UserRecord { enabled: false, ..ada.clone() }, demoted(&ada)] {
        assert!(matches!(put(less).await, Err(StoreError::Conflict(_))));
    }
    put(UserRecord { name: "Ada L.".into(), ..ada.clone() }).await.unwrap();
    put(UserRecord { enabled: false, ..bob.clone() }).await.unwrap();
    assert!(put(demoted(&ada)).await.is_err(), "one who may not sign in does not count");
    put(bob.clone()).await.unwrap();
    let mut both = JoinSet::new();
    for user in [demoted(&ada), UserRecord { enabled: false, ..bob }] {
        let world = Arc::clone(&world);
        both.spawn(async move {
            world.store.people.put_user(world.scope, user, world.audit("user.put", "user", 2)).await.is_ok()
        });
    }
    let done = both.join_all().await;
    assert_eq!(done.iter().filter(|done| **done).count(), 1, "of two who go at once one stays: {done:?}");
    let users = world.store.people.users(world.scope).await.unwrap();
    assert_eq!(users.iter().filter(|user| user.is_admin()).count(), 1);
}

fn session(key: &str, user: UserId, seen: i64, ends: i64) -> SessionRecord {
    let (made_at, seen_at, expires_at) = (at(0), at(seen), at(ends));
    SessionRecord { key: key.into(), user, made_at, seen_at, expires_at, data: format!("{{\"seen\":{seen}}}") }
}

pub async fn sessions_end(store: Store) {
    let world = World::new(store).await;
    let store = &world.store;
    let ada = user(&world, "ada");
    let of_ada = |key: &str, seen, ends| session(key, ada.id, seen, ends);
    for one in [of_ada("a", 0, 10), of_ada("b", 0, 20)] {
        store.people.put_session(one).await.unwrap();
    }
    store.people.renew_session(of_ada("a", 5, 15)).await.unwrap();
    assert_eq!(store.people.session("a", at(14)).await.unwrap(), Some(of_ada("a", 5, 15)));
    assert_eq!(store.people.session("a", at(15)).await.unwrap(), None);
    assert_eq!(store.people.sweep(at(15)).await.unwrap(), 1);
    store.people.drop_session("b").await.unwrap();
    assert_eq!(store.people.session("b", at(1)).await.unwrap(), None);
    store.people.renew_session(of_ada("b", 6, 30)).await.unwrap();
    assert_eq!(store.people.session("b", at(7)).await.unwrap(), None, "what was ended is not begun again");
}

pub async fn sessions_are_listed_and_ended(store: Store) {
    let world = World::new(store).await;
    let people = &world.store.people;
    let (ada, bob) = (user(&world, "ada"), user(&world, "bob"));
    let put = async |user: &UserRecord| {
        people.put_user(world.scope, user.clone(), world.audit("user.put", "user", 1)).await.unwrap();
    };
    put(&ada).await;
    put(&bob).await;
    for one in [session("a", ada.id, 0, 10), session("b", ada.id, 0, 20), session("c", bob.id, 0, 20)] {
        people.put_session(one).await.unwrap();
    }
    let keys = async |minutes| {
        let sessions = people.sessions(world.scope, at(minutes)).await.unwrap();
        sessions.into_iter().map(|session| session.key).collect::<Vec<_>>()
    };
    assert_eq!(
        (keys(5).await, keys(10).await),
        (vec!["a".to_owned(), "b".into(), "c".into()], vec!["b".into(), "c".into()])
    );
    let stranger = Scope { company: world.id(), ..world.scope };
    assert_eq!(people.sessions(stranger, at(5)).await.unwrap(), []);
    let end = async |scope, keys: &[&str]| {
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        people.end_sessions(scope, keys, world.audit("session.end", "users", 2)).await
    };
    assert!(matches!(end(stranger, &["a", "c"]).await, Ok(0) | Err(_)));
    assert_eq!(end(world.scope, &["a", "none"]).await.unwrap(), 1);
    assert_eq!(keys(5).await, ["b", "c"]);
    assert_eq!(people.audit_trail(world.scope, Some("users".into()), 5).await.unwrap().len(), 1);

    put(&UserRecord { name: "Ada L.".into(), ..ada.clone() }).await;
    assert_eq!(keys(5).await, ["b", "c"], "another name ends nothing");
    let ended_by = [
        UserRecord { password: "$other$".into(), ..ada.clone() },
        UserRecord { roles: vec![Role::Agent], ..ada.clone() },
        UserRecord { enabled: false, ..ada.clone() },
    ];
    for changed in ended_by {
        put(&changed).await;
        assert_eq!(keys(5).await, ["c"], "{changed:?}");
        put(&ada).await;
        people.put_session(session("b", ada.id, 0, 20)).await.unwrap();
    }
}

fn second(number: i64) -> Timestamp {
    seconds(at(0), number)
}

/// Two tries are free, then one waits 2, 4, 8, 8 … seconds; a minute without any, and it begins anew.
const PACE: Pace = Pace { free: 2, longest: SignedDuration::from_secs(8), window: SignedDuration::from_secs(60) };

pub async fn tries_are_counted_where_they_are_asked_for(store: Store) {
    let ask = async |now| store.people.throttle("k", PACE, second(now)).await.unwrap();
    let wait = |until| Try::Wait(second(until));
    assert_eq!((ask(0).await, ask(0).await), (Try::Free(1), Try::Free(2)));
    assert_eq!((ask(0).await, ask(1).await), (wait(2), wait(2)), "what is refused is not counted");
    assert_eq!((ask(2).await, ask(5).await), (Try::Free(3), wait(6)));
    assert_eq!((ask(6).await, ask(13).await, ask(14).await), (Try::Free(4), wait(14), Try::Free(5)));
    assert_eq!(
        (ask(21).await, ask(22).await, ask(29).await),
        (wait(22), Try::Free(6), wait(30)),
        "no longer than that"
    );
    assert_eq!(store.people.throttled("k", second(29)).await.unwrap(), Some((6, second(30))));
    assert_eq!(store.people.throttled("k", second(82)).await.unwrap(), None);
    assert_eq!(ask(82).await, Try::Free(1), "a minute without any");
    store.people.throttle_forgive("k", 1, second(82)).await.unwrap();
    assert_eq!((ask(82).await, ask(82).await, ask(82).await), (Try::Free(1), Try::Free(2), wait(84)));
    store.people.throttle_forgive("k", 2, second(82)).await.unwrap();
    assert_eq!((ask(82).await, ask(82).await), (Try::Free(2), wait(84)), "the time to wait is taken back, too");
    store.people.throttle_forgive("k", 1, second(82)).await.unwrap();
    assert_eq!(ask(83).await, wait(84), "but not the one of a later try");
    store.people.throttle_clear("k").await.unwrap();
    assert_eq!(store.people.throttled("k", second(82)).await.unwrap(), None);
    assert_eq!((ask(82).await, ask(82).await), (Try::Free(1), Try::Free(2)));
    assert_eq!(ask(1).await, Try::Free(3), "a clock that is set back makes nobody wait for longer");
    assert_eq!(store.people.sweep(second(82 + 60)).await.unwrap(), 1);
}

pub async fn of_parallel_tries_only_the_free_ones_go(store: Store) {
    let mut asking = JoinSet::new();
    for _ in 0..64 {
        let store = store.clone();
        asking.spawn(async move { store.people.throttle("k", PACE, at(0)).await.unwrap() });
    }
    let answers = asking.join_all().await;
    let free = answers.iter().filter(|answer| matches!(answer, Try::Free(_))).count();
    assert_eq!(free, 2, "{answers:?}");
}

pub async fn a_subject_keeps_its_first_key(store: Store) {
    let world = World::new(store).await;
    let subject = world.id();
    let key = |byte| WrappedKey { subject, bytes: vec![byte; 8] };
    let put = async |byte| world.store.people.put_key(world.scope, key(byte), at(1)).await.unwrap();
    assert_eq!(world.store.people.key(world.scope, subject).await.unwrap(), None);
    assert_eq!((put(1).await, put(2).await), (key(1), key(1)));
    world.store.people.destroy_key(world.scope, subject, world.audit("key.destroy", "subject", 2)).await.unwrap();
    assert_eq!(world.store.people.key(world.scope, subject).await.unwrap(), None);
    assert!(
        world.store.people.destroy_key(world.scope, subject, world.audit("key.destroy", "subject", 3)).await.is_err()
    );
    assert_eq!(put(3).await, key(3), "what comes after is under a new key");
}

pub async fn an_erased_customer_is_not_found_any_more(store: Store) {
    let world = World::new(store).await;
    let (sealed, key) = world.sealed(b"Jane");
    let mut order = world.order(1, &["N1"]);
    (order.customer, order.key, order.tokens) = (Some(sealed.clone()), Some(key), vec!["token-of-jane".into()]);
    order.origin.segments = ["Debtor".to_owned()].into();
    let origin = order.origin.clone();
    let shipment = world.import(order, 1).await;
    let kept = async || {
        let record = world.store.shipments.shipment(world.scope, shipment).await.unwrap().unwrap();
        record.origin.unwrap()
    };
    assert_eq!(kept().await, origin);
    let found = async || {
        let query =
            ShipmentQuery { tokens: vec!["token-of-jane".into()], text: Some("jane".into()), ..Default::default() };
        world.store.shipments.list(world.scope, query, at(2)).await.unwrap().rows.len()
    };
    assert_eq!(found().await, 1);
    let keys = async || world.store.people.keys(world.scope, vec![sealed.subject]).await.unwrap();
    assert!(keys().await[&sealed.subject].is_some());
    let audit = world.audit("customer.erase", "shipment", 3);
    world.store.people.destroy_key(world.scope, sealed.subject, audit).await.unwrap();
    assert_eq!(found().await, 0);
    assert_eq!(keys().await[&sealed.subject], None);
    assert_eq!(kept().await, Origin { segments: BTreeSet::new(), ..origin }, "a tag says something of a person");
    let never = SubjectId(world.id());
    for _ in 0..2 {
        world.store.people.tombstone_key(world.scope, never, at(1)).await.unwrap();
    }
    let buried = world.store.people.keys(world.scope, vec![never, SubjectId(world.id())]).await.unwrap();
    assert_eq!(buried.into_iter().collect::<Vec<_>>(), [(never, None)]);
    assert!(world.store.shipments.customer(world.scope, shipment).await.unwrap().is_none());
}

pub async fn a_setting_is_taken_once(store: Store) {
    let world = Arc::new(World::new(store).await);
    world.store.people.put_setting(world.scope, "link", "one".into()).await.unwrap();
    world.store.people.put_setting(world.scope, "link", "two".into()).await.unwrap();
    assert_eq!(world.store.people.setting(world.scope, "link").await.unwrap().as_deref(), Some("two"));
    let mut takers = JoinSet::new();
    for _ in 0..12 {
        let world = Arc::clone(&world);
        takers.spawn(async move { world.store.people.take_setting(world.scope, "link").await.unwrap() });
    }
    let taken: Vec<_> = takers.join_all().await.into_iter().flatten().collect();
    assert_eq!(taken, ["two"]);
    assert_eq!(world.store.people.setting(world.scope, "link").await.unwrap(), None);
}

pub async fn a_setting_changes_with_its_audit_line_or_not_at_all(store: Store) {
    let world = Arc::new(World::new(store).await);
    let change = async |from: Option<&str>, to: &str| {
        let change = SettingChange { name: "rules".into(), from: from.map(str::to_owned), to: to.into() };
        world.store.people.change_setting(world.scope, change, world.audit("rules.put", to, 1)).await
    };
    assert!(matches!(change(Some("none"), "x").await, Err(StoreError::Conflict(_))), "there is none yet");
    change(None, "one").await.unwrap();
    assert!(matches!(change(None, "x").await, Err(StoreError::Conflict(_))));
    assert!(matches!(change(Some("two"), "x").await, Err(StoreError::Conflict(_))));
    change(Some("one"), "two").await.unwrap();
    let value = async || world.store.people.setting(world.scope, "rules").await.unwrap();
    assert_eq!(value().await.as_deref(), Some("two"));
    let mut writers = JoinSet::new();
    for n in 0..12 {
        let world = Arc::clone(&world);
        writers.spawn(async move {
            let change = SettingChange { name: "rules".into(), from: Some("two".into()), to: format!("three-{n}") };
            let audit = world.audit("rules.put", format!("three-{n}"), 2);
            world.store.people.change_setting(world.scope, change, audit).await.is_ok().then_some(n)
        });
    }
    let won: Vec<_> = writers.join_all().await.into_iter().flatten().collect();
    let [won] = won[..] else { panic!("one of them: {won:?}") };
    assert_eq!(value().await, Some(format!("three-{won}")));
    let swap = async |from: Option<String>, to: &str| {
        let change = SettingChange { name: "rules".into(), from, to: to.into() };
        world.store.people.swap_setting(world.scope, change).await.unwrap()
    };
    let now = value().await;
    assert!(!swap(Some("two".into()), "four").await && !swap(None, "four").await, "it is another one by now");
    assert_eq!(value().await, now);
    assert!(swap(now.clone(), "four").await && swap(Some("four".into()), now.as_deref().unwrap()).await);
    let lines = world.store.people.audit_trail(world.scope, None, 20).await.unwrap();
    let subjects: Vec<_> = lines.iter().rev().map(|line| line.entry.subject.clone()).collect();
    assert_eq!(subjects, ["one".to_owned(), "two".to_owned(), format!("three-{won}")]);
    assert_eq!(
        crate::chain::check(&*world.store.people, world.scope, &world.audit_key()).await.unwrap(),
        ChainCheck::Sound(3)
    );
    let other = Scope { company: world.id(), ..world.scope };
    let foreign = SettingChange { name: "rules".into(), from: value().await, to: "x".into() };
    assert!(world.store.people.change_setting(other, foreign, world.audit("rules.put", "x", 3)).await.is_err());
}

pub async fn the_audit_trail_is_a_chain(store: Store) {
    let world = Arc::new(World::new(store).await);
    assert_eq!(
        crate::chain::check(&*world.store.people, world.scope, &world.audit_key()).await.unwrap(),
        ChainCheck::Sound(0)
    );
    let mut writers = JoinSet::new();
    for n in 0..20 {
        let world = Arc::clone(&world);
        writers.spawn(async move {
            let mut entry = world.audit("setting.put", format!("setting:{}", n % 2), n);
            entry.after = Some(world.sealed(b"after").0);
            world.store.people.audit(world.scope, entry).await.unwrap();
        });
    }
    writers.join_all().await;
    assert_eq!(
        crate::chain::check(&*world.store.people, world.scope, &world.audit_key()).await.unwrap(),
        ChainCheck::Sound(20)
    );
    let lines = world.store.people.audit_trail(world.scope, None, 5).await.unwrap();
    assert_eq!(lines.iter().map(|l| l.seq).collect::<Vec<_>>(), [20, 19, 18, 17, 16]);
    assert!(lines.iter().all(|line| line.mac.as_ref().is_some_and(|mac| mac.len() == 32)));
    let why = lines[0].entry.why.as_ref().map(|why| why.bytes.as_slice());
    assert_eq!((lines[0].actor, why), (Actor::System, Some(b"because".as_slice())));
    let other = AuditKey::new(|_| [0; 32]);
    assert_eq!(crate::chain::check(&*world.store.people, world.scope, &other).await.unwrap(), ChainCheck::Broken(1));
    let behind = world.store.people.audit_lines(world.scope, Some(12), 3).await.unwrap();
    assert_eq!(behind.iter().map(|line| line.seq).collect::<Vec<_>>(), [13, 14, 15]);
    let one = world.store.people.audit_trail(world.scope, Some("setting:1".into()), 100).await.unwrap();
    assert_eq!(one.len(), 10);
    let before = async |subject: Option<&str>, seq: u64, limit: u32| {
        let lines = world.store.people.audit_before(world.scope, subject.map(str::to_owned), Some(seq), limit).await;
        lines.unwrap().iter().map(|line| line.seq).collect::<Vec<_>>()
    };
    assert_eq!(before(None, 16, 3).await, [15, 14, 13], "page by page");
    assert_eq!(before(None, 2, 3).await, [1]);
    assert_eq!(before(None, 1, 3).await, [0; 0]);
    let rest: Vec<_> = one.iter().skip(4).map(|line| line.seq).collect();
    assert_eq!(before(Some("setting:1"), one[3].seq, 100).await, rest, "of one subject");
}

pub async fn audit_lines_about_a_shipment(store: Store) {
    let world = World::new(store).await;
    let shipment = world.import(world.order(1, &[]), 1).await;
    let exception = world.trouble(shipment, &[ExceptionReason::Damaged], 2).await[0];
    let ada = user(&world, "ada");
    world.store.people.put_user(world.scope, ada.clone(), world.audit("user.put", "user", 2)).await.unwrap();
    let by_ada = Scope { actor: Actor::User(ada.id), ..world.scope };
    world.store.people.audit(by_ada, world.audit("shipment.note", format!("shipment:{shipment}"), 3)).await.unwrap();
    world.store.people.audit(world.scope, world.audit("other", "shipment:other", 4)).await.unwrap();
    world
        .store
        .people
        .audit(world.scope, world.audit("exception.resolve", format!("exception:{exception}"), 5))
        .await
        .unwrap();
    let lines = world.store.people.audit_of(world.scope, shipment).await.unwrap();
    let said: Vec<_> = lines.iter().map(|(line, name)| (line.entry.action.as_str(), name.as_deref())).collect();
    assert_eq!(said, [("shipment.note", Some("Ada")), ("exception.resolve", None)]);
    let by_ada = world.audit("exception.reopen", format!("exception:{exception}"), 6);
    world.store.people.audit(Scope { actor: Actor::User(ada.id), ..world.scope }, by_ada).await.unwrap();
    let said: Vec<_> = world.store.people.audit_of(world.scope, shipment).await.unwrap();
    let said: Vec<_> = said.iter().map(|(_, name)| name.as_deref()).collect();
    assert_eq!(said, [Some("Ada"), None, Some("Ada")]);
}

/// However often an exception was resolved and reopened, and however many lines the others have.
pub async fn the_last_resolution_of_each_exception(store: Store) {
    let world = World::new(store).await;
    let mut exceptions = Vec::new();
    for n in 0..3 {
        let shipment = world.import(world.order(n, &[]), 1).await;
        exceptions.push(world.trouble(shipment, &[ExceptionReason::Damaged], 2).await[0]);
    }
    let (ada, gone) = (user(&world, "ada"), world.id::<UserId>());
    world.store.people.put_user(world.scope, ada.clone(), world.audit("user.put", "user", 2)).await.unwrap();
    let by = |actor| Scope { actor, ..world.scope };
    let line = async |actor, action, exception: ExceptionId| {
        let entry = world.audit(action, format!("exception:{exception}"), 3);
        world.store.people.audit(by(actor), entry).await.unwrap();
    };
    line(Actor::User(ada.id), "exception.resolve", exceptions[0]).await;
    for _ in 0..300 {
        line(Actor::System, "exception.reopen", exceptions[0]).await;
        line(Actor::System, "exception.resolve", exceptions[1]).await;
    }
    line(Actor::System, "case.resolved", exceptions[1]).await;
    line(Actor::User(gone), "exception.assign", exceptions[2]).await;
    let lines = world.store.people.resolutions(world.scope, exceptions.clone()).await.unwrap();
    let mut said: Vec<_> = lines
        .iter()
        .map(|(line, name)| (line.entry.subject.as_str(), line.entry.action.as_str(), name.as_deref()))
        .collect();
    let subjects: Vec<_> = exceptions.iter().map(|id| format!("exception:{id}")).collect();
    let mut expected =
        vec![(subjects[0].as_str(), "exception.resolve", Some("Ada")), (subjects[1].as_str(), "case.resolved", None)];
    said.sort_unstable();
    expected.sort_unstable();
    assert_eq!(said, expected, "the third was assigned, and not resolved");
    line(Actor::User(gone), "exception.resolve", exceptions[2]).await;
    let lines = world.store.people.resolutions(world.scope, vec![exceptions[2]]).await.unwrap();
    assert_eq!(
        lines.iter().map(|(line, name)| (line.actor, name.clone())).collect::<Vec<_>>(),
        [(Actor::User(gone), None)]
    );
    assert_eq!(world.store.people.resolutions(world.scope, Vec::new()).await.unwrap(), []);
}
