//! The test of a connection, against the simulated Odoo: for each thing that can be wrong a sentence and what to do.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use jiff::Timestamp;
use odoo::{OdooClient, OdooConfig};
use outbound::{
    Discard, Key,
    check::{CheckOutcome, Report, Subject},
};
use simulator::{Clock, desk::SandboxDesk, odoo::SandboxOdoo};
use std::sync::Arc;

const DATABASE: &str = "sandbox";

fn now() -> Timestamp {
    "2026-03-10T12:00:00Z".parse().unwrap()
}

fn subject<'a>(label: &'a str, address: &'a str) -> Subject<'a> {
    Subject { label, address, secret_label: "API key", secret_help: "Make a new one." }
}

async fn tested(address: &str, key: impl Into<Key>) -> Report {
    tested_in(address, DATABASE, key).await
}

async fn tested_in(address: &str, database: &str, key: impl Into<Key>) -> Report {
    let config = OdooConfig::new(address, database, key);
    odoo::check(&OdooClient::new(config).unwrap(), subject("Odoo", address), now(), &Discard).await
}

/// The failed checks, each as what and what to do; every one has both.
fn failed(report: &Report) -> Vec<String> {
    let failed = report.checks.iter().filter(|check| check.outcome == CheckOutcome::Failed);
    failed.map(|check| format!("{} | {}", check.what, check.todo.as_deref().unwrap())).collect()
}

fn not_run(report: &Report) -> usize {
    report.checks.iter().filter(|check| check.outcome == CheckOutcome::NotRun).count()
}

fn install_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

#[tokio::test]
async fn an_odoo_is_tested_from_the_address_to_the_last_right() {
    install_tls();
    let clock: Clock = Arc::new(now);
    let sandbox = SandboxOdoo::start("key", clock).await.unwrap();
    let report = tested(&sandbox.url(), "key").await;
    assert_eq!(report.system.as_deref(), Some("Odoo 19.0"));
    let missing = failed(&report);
    // one command makes all six: one fault
    assert_eq!(
        missing,
        [
            "Missing in Odoo: field x_milepost_status of stock.picking and 5 more | Run `milepost odoo setup --connection NAME` with an administrator's key"
        ]
    );
    let lists = report.checks.iter().any(|check| check.detail.ends_with("field x_milepost_url of stock.picking"));
    assert!(lists, "{report:?}");
    sandbox.add_key("limited", [("stock.picking", "write")]);
    let missing = failed(&tested(&sandbox.url(), "limited").await);
    assert_eq!(
        missing[1],
        "Missing in Odoo: right to write stock.picking | Give the integration's user the group \"Inventory: User\""
    );
    let config = OdooConfig::new(sandbox.url(), DATABASE, "key");
    OdooClient::new(config).unwrap().setup(&Discard).await.unwrap();
    let report = tested(&sandbox.url(), "key").await;
    assert!(report.passed() && not_run(&report) == 0, "{report:?}");
    // it is kept as it is
    let kept = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&kept).unwrap(), report);
}

#[tokio::test]
async fn a_wrong_key_a_wrong_address_and_no_address_are_three_sentences() {
    install_tls();
    let clock: Clock = Arc::new(now);
    let (sandbox, other) =
        (SandboxOdoo::start("key", clock).await.unwrap(), SandboxDesk::start("token").await.unwrap());
    let wrong_key = tested(&sandbox.url(), "another").await;
    assert_eq!(failed(&wrong_key), ["API key not accepted | Make a new one."]);
    assert_eq!(not_run(&wrong_key), 1);
    let wrong_address = tested(&other.url(), "key").await;
    assert!(
        failed(&wrong_address)[0].starts_with(&format!("No Odoo answers at {} | ", other.url())),
        "{wrong_address:?}"
    );
    assert_eq!(not_run(&wrong_address), 2);
    let nothing = tested("http://127.0.0.1:1", "key").await;
    assert!(failed(&nothing)[0].starts_with("Cannot reach http://127.0.0.1:1 | "), "{nothing:?}");
    let wrong_database = tested_in(&sandbox.url(), "another", "key").await;
    assert_eq!(
        failed(&wrong_database),
        ["Odoo does not accept the settings | Check the settings, first the name of the database or queue."]
    );
    let details = |report: &Report| report.checks.iter().map(|check| check.detail.clone()).collect::<Vec<_>>().concat();
    assert!(details(&wrong_database).ends_with("Odoo answered 404"), "said once: {wrong_database:?}");
    for report in [wrong_key, wrong_address, wrong_database, nothing] {
        assert!(!report.passed());
    }
}
