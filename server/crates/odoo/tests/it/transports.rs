//! The two APIs of Odoo against the simulated one: which is chosen, what older versions take, keys that are refused.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use jiff::{SignedDuration, Timestamp};
use odoo::{KeyEnd, OdooClient, OdooConfig, Record, StatusValues, Transport};
use outbound::{
    Call, CallLog, Discard, ErrorClass, Key,
    check::{CheckOutcome, Report, Subject},
};
use simulator::{
    World,
    faults::Fault,
    odoo::{DATABASE, LOGIN, SandboxOdoo},
};
use std::sync::{Arc, Mutex};

const NOW: &str = "2026-03-10T12:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

async fn sandbox() -> SandboxOdoo {
    let _ = rustls::crypto::ring::default_provider().install_default();
    SandboxOdoo::start("key", Arc::new(now)).await.unwrap()
}

fn config(sandbox: &SandboxOdoo, key: impl Into<Key>) -> OdooConfig {
    OdooConfig { login: Some(LOGIN.into()), ..OdooConfig::new(sandbox.url(), DATABASE, key) }
}

fn client(sandbox: &SandboxOdoo, key: impl Into<Key>) -> OdooClient {
    OdooClient::new(config(sandbox, key)).unwrap()
}

async fn tested(client: &OdooClient, address: &str) -> Report {
    let subject = Subject { label: "Odoo", address, secret_label: "API key", secret_help: "Make a new one." };
    odoo::check(client, subject, now(), &Discard).await
}

fn failed(report: &Report) -> Vec<String> {
    let failed = report.checks.iter().filter(|check| check.outcome == CheckOutcome::Failed);
    failed.map(|check| format!("{} | {}", check.what, check.todo.as_deref().unwrap_or_default())).collect()
}

#[derive(Default)]
struct Kept(Mutex<Vec<Call>>);

impl CallLog for Kept {
    fn correlation(&self) -> String {
        "test".into()
    }

    fn record(&self, call: Call) {
        self.0.lock().unwrap().push(call);
    }
}

#[tokio::test]
async fn the_version_is_asked_once_and_says_which_api_is_called() {
    const LONG: &str = "a key of the usual length";
    let sandbox = sandbox().await;
    sandbox.add_key(LONG, []);
    for (major, requests) in [(19, "POST /json/2/res.users/context_get"), (18, "POST /jsonrpc")] {
        sandbox.become_version(major);
        let (client, kept) = (client(&sandbox, LONG), Kept::default());
        client.health(&kept).await.unwrap();
        client.health(&kept).await.unwrap();
        let calls = kept.0.into_inner().unwrap();
        let version = calls.iter().filter(|call| call.operation == "version").count();
        assert_eq!(version, if major == 19 { 1 } else { 2 }, "18 is asked by its page and by JSON-RPC, once");
        assert_eq!(calls.iter().filter(|call| call.operation == "common/login").count(), usize::from(major < 19));
        let last = calls.last().unwrap();
        assert_eq!(last.operation, "res.users/context_get");
        assert!(last.request.open().starts_with(requests), "{}", last.request.open());
        // the key goes in the body there, and is not kept
        assert!(calls.iter().all(|call| !call.request.open().contains(LONG)), "{calls:?}");
    }
}

#[tokio::test]
async fn an_upgrade_is_noticed_by_the_answer_that_is_of_no_api() {
    let sandbox = sandbox().await;
    let client = client(&sandbox, "key");
    client.health(&Discard).await.unwrap();
    sandbox.become_version(17);
    let error = client.health(&Discard).await.unwrap_err();
    assert_eq!((error.class, error.status), (ErrorClass::BadAnswer, Some(404)), "tried again later");
    client.health(&Discard).await.unwrap();
    assert_eq!(client.version(&Discard).await.unwrap().version, "17.0");
    assert!(client.page(7).ends_with("/web#id=7&model=stock.picking&view_type=form"));
    sandbox.become_version(19);
    assert_eq!(client.version(&Discard).await.unwrap().major, 19);
    assert!(client.page(7).ends_with("/odoo/stock.picking/7"));
    sandbox.become_version(15);
    let report = tested(&client, &sandbox.url()).await;
    assert_eq!(failed(&report), ["This Odoo cannot be used | Update Odoo."]);
}

#[tokio::test]
async fn before_19_the_login_goes_with_the_key_and_the_test_says_so() {
    let sandbox = sandbox().await;
    sandbox.become_version(17);
    let without = OdooConfig { login: None, ..config(&sandbox, "key") };
    let report = tested(&OdooClient::new(without).unwrap(), &sandbox.url()).await;
    assert_eq!(report.system.as_deref(), Some("Odoo 17.0"));
    assert_eq!(
        failed(&report),
        ["Odoo does not accept the settings | Enter the login of the integration user under User (login)."]
    );
    let other = OdooConfig { login: Some("somebody".into()), ..config(&sandbox, "key") };
    let report = tested(&OdooClient::new(other).unwrap(), &sandbox.url()).await;
    assert_eq!(failed(&report), ["API key not accepted | Make a new one."]);
    let elsewhere = OdooConfig { database: "another".into(), ..config(&sandbox, "key") };
    let report = tested(&OdooClient::new(elsewhere).unwrap(), &sandbox.url()).await;
    assert_eq!(failed(&report), ["Odoo does not accept the settings | Check the database's name."]);
}

/// A world's Odoo as this version, set up.
async fn old_world(major: u32) -> (World, OdooClient) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let world = World::fixed(7, now()).await.unwrap();
    let config = OdooConfig::new(world.odoo_url(), world.odoo_database(), world.odoo_key());
    // a set-up by the newest: which fields and views older ones take is not of the API
    OdooClient::new(config.clone()).unwrap().setup(&Discard).await.unwrap();
    world.odoo().become_version(major);
    let client = OdooClient::new(OdooConfig { login: Some(LOGIN.into()), ..config }).unwrap();
    (world, client)
}

#[tokio::test]
async fn every_version_does_the_same() {
    for major in [16, 17, 18, 19] {
        let (world, client) = old_world(major).await;
        assert!(client.check(&Discard).await.unwrap().is_empty(), "{major}");
        let page = client.changed_deliveries(None, 0, 500, &Discard).await.unwrap();
        assert!(!page.deliveries.is_empty() && page.unreadable.is_empty());
        let picking = page.deliveries[0].id;
        let values = StatusValues { status: "IN_TRANSIT".into(), ..StatusValues::default() };
        client.write_status(Record::delivery(picking), &values, None, &Discard).await.unwrap();
        assert_eq!(world.odoo().value(picking, "x_milepost_status"), "IN_TRANSIT");
        let post = || client.post_note(Record::delivery(picking), "milepost-1", "<p>x</p>", &Discard);
        assert_eq!(post().await.unwrap(), post().await.unwrap());
        let notes = world.odoo().notes(picking);
        assert_eq!((notes.len(), notes[0].1.as_str()), (1, "<p>x</p>"), "{major}");
        world.odoo().deny([("stock.picking", "write")]);
        let again = StatusValues { status: "DELIVERED".into(), ..values.clone() };
        let error = client.write_status(Record::delivery(picking), &again, Some(&values), &Discard).await.unwrap_err();
        assert_eq!(error.class, ErrorClass::MissingRight, "{major}: {error}");
        assert!(error.message.contains("right to write stock.picking"), "{error}");
    }
}

#[tokio::test]
async fn errors_mean_the_same_over_both_apis() {
    let sandbox = sandbox().await;
    for transport in [Transport::Json2, Transport::JsonRpc] {
        let client = OdooClient::new(OdooConfig { transport, ..config(&sandbox, "key") }).unwrap();
        for (fault, class) in [
            (Fault::Error("psycopg2.errors.SerializationFailure"), ErrorClass::Conflict),
            (Fault::Error("odoo.exceptions.LockError"), ErrorClass::Conflict),
            (Fault::Error("odoo.exceptions.AccessError"), ErrorClass::Forbidden),
            (Fault::Error("odoo.exceptions.UserError"), ErrorClass::Rejected),
            (Fault::Error("builtins.ValueError"), ErrorClass::Rejected),
            (Fault::Error("psycopg2.OperationalError"), ErrorClass::ServerError),
            (Fault::Page(503), ErrorClass::ServerError),
            (Fault::RateLimited(7), ErrorClass::RateLimited),
            (Fault::Reset, ErrorClass::Unreachable),
        ] {
            sandbox.fail(Some("res.users/context_get"), &fault, 1);
            let error = client.health(&Discard).await.unwrap_err();
            assert_eq!(error.class, class, "{transport:?} {fault:?}: {error}");
            assert!(client.health(&Discard).await.is_ok(), "{transport:?} {fault:?}");
        }
    }
}

#[tokio::test]
async fn of_two_keys_the_one_that_is_valid_is_used() {
    let sandbox = sandbox().await;
    sandbox.add_key("new", []);
    for major in [19, 17] {
        sandbox.become_version(major);
        let client = client(&sandbox, Key::first_of(vec!["new".into(), "key".into()], None));
        client.health(&Discard).await.unwrap();
        sandbox.revoke_key("new");
        client.health(&Discard).await.unwrap();
        sandbox.add_key("new", []);
        sandbox.revoke_key("key");
        client.health(&Discard).await.unwrap();
        sandbox.revoke_key("new");
        let error = client.health(&Discard).await.unwrap_err();
        assert_eq!(error.class, ErrorClass::Unauthorized, "{error}");
        sandbox.add_key("key", []);
        sandbox.add_key("new", []);
    }
}

#[tokio::test]
async fn the_end_of_the_key_and_the_clocks_are_part_of_the_test() {
    let sandbox = sandbox().await;
    let client = client(&sandbox, "key");
    client.setup(&Discard).await.unwrap();
    let report = tested(&client, &sandbox.url()).await;
    let found = |report: &Report, what: &str| report.checks.iter().any(|check| check.what == what);
    assert!(report.passed() && found(&report, "API key valid until 2026-06-08"), "{report:?}");
    assert!(found(&report, "Clock in step"), "{report:?}");
    let end = now() + SignedDuration::from_hours(9 * 24);
    sandbox.end_key("key", Some(end));
    let report = tested(&client, &sandbox.url()).await;
    assert_eq!(report.secret_ends, Some(end));
    assert!(report.passed() && found(&report, "API key ends on 2026-03-19, in 9 days"), "{report:?}");
    sandbox.end_key("key", None);
    assert_eq!(client.key_end(now(), &Discard).await.unwrap(), KeyEnd::Never);
    sandbox.become_version(17);
    assert_eq!(client.version(&Discard).await.unwrap().major, 17);
    assert_eq!(client.key_end(now(), &Discard).await.unwrap(), KeyEnd::Never, "keys do not end there");
    sandbox.become_version(19);
    sandbox.end_key("key", Some(now()));
    assert_eq!(failed(&tested(&client, &sandbox.url()).await), ["API key not accepted | Make a new one."]);
}

#[tokio::test]
async fn clocks_that_differ_are_said() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    for (apart, what) in [(-90, "The clocks differ by 90 s"), (90, "The clocks differ by 90 s"), (30, "Clock in step")]
    {
        let theirs = now() + SignedDuration::from_secs(apart);
        let sandbox = SandboxOdoo::start("key", Arc::new(move || theirs)).await.unwrap();
        let report = tested(&client(&sandbox, "key"), &sandbox.url()).await;
        assert!(report.checks.iter().any(|check| check.what == what), "{apart}: {report:?}");
    }
}

#[tokio::test]
async fn deliveries_of_a_company_that_the_key_may_not_see_are_no_error() {
    let (world, client) = old_world(19).await;
    let all = client.changed_deliveries(None, 0, 500, &Discard).await.unwrap().deliveries;
    let (first, hidden) = (all[0].id, all[1].id);
    world.odoo().move_to_company(hidden, "Another Company");
    world.odoo().hide_company("Another Company");
    let page = client.changed_deliveries(None, 0, 500, &Discard).await.unwrap();
    assert!(page.unreadable.is_empty() && page.deliveries.len() == all.len() - 1);
    let named = client.deliveries(&[first, hidden], &Discard).await.unwrap();
    assert_eq!((named.deliveries.len(), named.unreadable.len()), (1, 1));
    assert!(client.deleted(&[first, hidden], &Discard).await.unwrap().is_empty());
}
