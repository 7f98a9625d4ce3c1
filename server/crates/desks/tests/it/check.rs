//! The test of a connection, against the simulated desk: for each thing that can be wrong a sentence and what to do.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use desks::{DeskConfig, Options, request_tracker::RequestTracker};
use jiff::Timestamp;
use outbound::{
    Discard,
    check::{CheckOutcome, Report, Subject},
};
use simulator::{Clock, desk::SandboxDesk, odoo::SandboxOdoo};
use std::sync::Arc;

fn now() -> Timestamp {
    "2026-03-10T12:00:00Z".parse().unwrap()
}

fn subject<'a>(label: &'a str, address: &'a str) -> Subject<'a> {
    Subject { label, address, secret_label: "API key", secret_help: "Make a new one." }
}

async fn tested(address: &str, token: &str, queue: &str) -> Report {
    let config = DeskConfig {
        url: address.to_owned(),
        token: token.into(),
        queue: queue.into(),
        calls_per_second: None,
        options: Options::default(),
    };
    desks::check(&RequestTracker::new(config).unwrap(), subject("Request Tracker", address), now(), &Discard).await
}

/// The failed checks, each as what and what to do; every one has both.
fn failed(report: &Report) -> Vec<String> {
    let failed = report.checks.iter().filter(|check| check.outcome == CheckOutcome::Failed);
    failed.map(|check| format!("{} | {}", check.what, check.todo.as_deref().unwrap())).collect()
}

fn install_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

#[tokio::test]
async fn a_desk_is_tested_too() {
    install_tls();
    let clock: Clock = Arc::new(now);
    let (sandbox, other) =
        (SandboxDesk::start("token").await.unwrap(), SandboxOdoo::start("key", clock).await.unwrap());
    let report = tested(&sandbox.url(), "token", "Shipments").await;
    assert!(report.passed(), "{report:?}");
    assert_eq!(report.system.as_deref(), Some("Request Tracker 5.0.7"));
    assert_eq!(
        failed(&tested(&sandbox.url(), "another", "Shipments").await),
        ["API key not accepted | Make a new one."]
    );
    let queue = failed(&tested(&sandbox.url(), "token", "Nowhere").await);
    assert!(queue.len() == 1 && queue[0].starts_with("Missing in Request Tracker: queue Nowhere | "), "{queue:?}");
    let wrong = failed(&tested(&other.url(), "token", "Shipments").await);
    assert!(wrong[0].starts_with(&format!("No Request Tracker answers at {}", other.url())), "{wrong:?}");
    let nothing = failed(&tested("http://127.0.0.1:1", "token", "Shipments").await);
    assert!(nothing[0].starts_with("Cannot reach"), "{nothing:?}");
}
