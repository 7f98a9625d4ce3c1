//! Users, sessions, keys, settings, audit.

use super::{World, at};
use crate::{
    Actor, Scope, Store, StoreError, WrappedKey,
    people::{ChainCheck, RoleName, SessionRecord, SettingChange, UserRecord},
    shipments::ShipmentQuery,
};
use domain::{
    ExceptionReason,
    ids::{CompanyId, SubjectId, UserId},
};
use std::sync::Arc;
use tokio::task::JoinSet;
use uuid::Uuid;

fn user(world: &World, login: &str) -> UserRecord {
    UserRecord {
        id: world.id(),
        company: world.scope.company,
        login: login.into(),
        name: "Ada".into(),
        password: "$argon2id$".into(),
        roles: vec![RoleName::Admin, RoleName::Agent],
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

pub async fn sessions_end(store: Store) {
    let session = |key: &str, minutes| SessionRecord { key: key.into(), data: "{}".into(), expires_at: at(minutes) };
    for one in [session("a", 10), session("b", 20), session("a", 15)] {
        store.people.put_session(one).await.unwrap();
    }
    assert_eq!(store.people.session("a", at(14)).await.unwrap(), Some(session("a", 15)));
    assert_eq!(store.people.session("a", at(15)).await.unwrap(), None);
    assert_eq!(store.people.sweep(at(15)).await.unwrap(), 1);
    store.people.drop_session("b").await.unwrap();
    assert_eq!(store.people.session("b", at(1)).await.unwrap(), None);
}

pub async fn failures_are_counted_in_a_window(store: Store) {
    let hit = async |minutes, ends| store.people.throttle_hit("k", at(minutes), at(ends)).await.unwrap();
    assert_eq!((hit(0, 10).await, hit(1, 11).await, hit(2, 12).await), (1, 2, 3));
    assert_eq!(store.people.throttle_count("k", at(9)).await.unwrap(), 3);
    assert_eq!(store.people.throttle_count("k", at(10)).await.unwrap(), 0, "the window is the first failure's");
    assert_eq!(hit(10, 20).await, 1);
    store.people.throttle_clear("k").await.unwrap();
    assert_eq!(store.people.throttle_count("k", at(11)).await.unwrap(), 0);
    hit(11, 20).await;
    assert_eq!(store.people.sweep(at(20)).await.unwrap(), 1);
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
    let shipment = world.import(order, 1).await;
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
    let never = SubjectId(world.id());
    for _ in 0..2 {
        world.store.people.bury_key(world.scope, never, at(1)).await.unwrap();
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
        let change = SettingChange { name: "rules", from: from.map(str::to_owned), to: to.into() };
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
            let change = SettingChange { name: "rules", from: Some("two".into()), to: format!("three-{n}") };
            let audit = world.audit("rules.put", format!("three-{n}"), 2);
            world.store.people.change_setting(world.scope, change, audit).await.is_ok().then_some(n)
        });
    }
    let won: Vec<_> = writers.join_all().await.into_iter().flatten().collect();
    let [won] = won[..] else { panic!("one of them: {won:?}") };
    assert_eq!(value().await, Some(format!("three-{won}")));
    let lines = world.store.people.audit_trail(world.scope, None, 20).await.unwrap();
    let subjects: Vec<_> = lines.iter().rev().map(|line| line.entry.subject.clone()).collect();
    assert_eq!(subjects, ["one".to_owned(), "two".to_owned(), format!("three-{won}")]);
    assert_eq!(world.store.people.audit_check(world.scope).await.unwrap(), ChainCheck::Sound(3));
    let other = Scope { company: world.id(), ..world.scope };
    let foreign = SettingChange { name: "rules", from: value().await, to: "x".into() };
    assert!(world.store.people.change_setting(other, foreign, world.audit("rules.put", "x", 3)).await.is_err());
}

pub async fn the_audit_trail_is_a_chain(store: Store) {
    let world = Arc::new(World::new(store).await);
    assert_eq!(world.store.people.audit_check(world.scope).await.unwrap(), ChainCheck::Sound(0));
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
    assert_eq!(world.store.people.audit_check(world.scope).await.unwrap(), ChainCheck::Sound(20));
    let lines = world.store.people.audit_trail(world.scope, None, 5).await.unwrap();
    assert_eq!(lines.iter().map(|l| l.seq).collect::<Vec<_>>(), [20, 19, 18, 17, 16]);
    assert!(lines.windows(2).all(|w| w[0].previous == w[1].hash));
    assert_eq!((lines[0].actor, lines[0].entry.why.as_deref()), (Actor::System, Some("because")));
    assert_eq!(world.store.people.audit_trail(world.scope, Some("setting:1".into()), 100).await.unwrap().len(), 10);
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
}
