//! The signed webhook, as its receiver sees it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use channels::{ChannelConfig, Kind, Message, Settings};
use domain::{Severity, alerts::machine::Notice};
use jiff::Timestamp;
use outbound::{Discard, ErrorClass};
use simulator::{channels::SandboxHooks, faults::Fault};

const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEW: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd";

fn now() -> Timestamp {
    "2026-03-10T12:00:00Z".parse().unwrap()
}

#[tokio::test]
async fn it_is_signed_with_every_valid_secret_and_has_one_id() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let hooks = SandboxHooks::start().await.unwrap();
    let config = ChannelConfig {
        settings: Settings { url: hooks.url("webhook"), ..Settings::default() },
        secrets: vec![NEW.into(), OLD.into()],
        public_url: "https://tower.example.com".into(),
    };
    let channel = channels::connect("webhook", config).unwrap().unwrap();
    let message = Message {
        id: "notice-1".into(),
        thread: "alert-1".into(),
        kind: Kind::Alert(Notice::Resolved),
        severity: Severity::Critical,
        about: "disk_space".into(),
        title: "Disk almost full".into(),
        lines: vec!["4 % free".into()],
        first_step: "Make room.".into(),
        link: "https://tower.example.com/alerts".into(),
        at: now(),
    };
    hooks.fail("webhook", &Fault::ResetAfterApply, 1);
    let error = channel.send(&message, now(), &Discard).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::UnknownOutcome);
    assert!(channel.knows_repeats());
    channel.send(&message, now(), &Discard).await.unwrap();
    let posts = hooks.posts("webhook");
    assert_eq!(posts.len(), 2);
    for post in &posts {
        assert_eq!(post.headers["webhook-id"], "notice-1");
        assert_eq!(post.headers["webhook-timestamp"], now().as_second().to_string());
        assert_eq!(post.headers["webhook-signature"].split(' ').count(), 2);
        assert!(post.headers["webhook-signature"].split(' ').all(|one| one.starts_with("v1,")));
        assert_eq!(post.body["type"], "alert.resolved");
        assert_eq!(post.body["data"]["kind"], "disk_space");
    }
    hooks.archive("webhook", true);
    assert_eq!(channel.send(&message, now(), &Discard).await.unwrap_err().class, ErrorClass::Misconfigured);
}
