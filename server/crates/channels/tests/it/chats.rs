//! The webhooks of chats: what goes out, and what each answer means.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use channels::{Channel, ChannelConfig, Kind, Message, Settings};
use domain::{Severity, alerts::machine::Notice};
use jiff::Timestamp;
use outbound::{
    Call, CallLog, Discard, ErrorClass,
    check::{CheckOutcome, Subject},
};
use simulator::{channels::SandboxHooks, faults::Fault};
use std::sync::{Arc, Mutex};

const CHATS: [&str; 3] = ["slack", "teams", "mattermost"];

fn now() -> Timestamp {
    "2026-03-10T12:00:00Z".parse().unwrap()
}

fn message() -> Message {
    Message {
        id: "notice-1".into(),
        thread: "alert-1".into(),
        kind: Kind::Alert(Notice::Opened),
        severity: Severity::Critical,
        about: "connection_suspended".into(),
        title: "Warehouse TV is suspended".into(),
        lines: vec!["61 updates wait".into()],
        first_step: "Test the connection.".into(),
        link: "https://tower.example.com/alerts".into(),
        at: now(),
    }
}

async fn hooks() -> SandboxHooks {
    let _ = rustls::crypto::ring::default_provider().install_default();
    SandboxHooks::start().await.unwrap()
}

fn connect(id: &str, secret: &str) -> Arc<dyn Channel> {
    let config = ChannelConfig {
        settings: Settings { calls_per_second: std::num::NonZeroU32::new(10_000), ..Settings::default() },
        secrets: vec![secret.into()],
        public_url: "https://tower.example.com".into(),
    };
    channels::connect(id, config).unwrap().unwrap()
}

/// Keeps calls, as the call log of a job does.
#[derive(Default)]
struct Kept(Mutex<Vec<Call>>);

impl CallLog for Kept {
    fn correlation(&self) -> String {
        "correlation".into()
    }

    fn record(&self, call: Call) {
        self.0.lock().unwrap().push(call);
    }
}

#[tokio::test]
async fn each_chat_gets_the_message_in_its_own_form() {
    let hooks = hooks().await;
    for id in CHATS {
        connect(id, &hooks.url(id)).send(&message(), now(), &Discard).await.unwrap();
        let posts = hooks.posts(id);
        assert_eq!(posts.len(), 1, "{id}");
        let text = posts[0].body.to_string();
        for part in ["Critical", "Warehouse TV is suspended", "61 updates wait", "https://tower.example.com/alerts"] {
            assert!(text.contains(part), "{id}: {part} in {text}");
        }
    }
    assert!(
        channels::connect(
            "pigeon",
            ChannelConfig { settings: Settings::default(), secrets: Vec::new(), public_url: String::new() }
        )
        .unwrap()
        .is_none()
    );
}

#[tokio::test]
async fn what_a_chat_answers_says_what_a_job_does() {
    let hooks = hooks().await;
    for id in CHATS {
        let channel = connect(id, &hooks.url(id));
        hooks.fail(id, &Fault::RateLimited(7), 1);
        let error = channel.send(&message(), now(), &Discard).await.unwrap_err();
        assert_eq!(
            (error.class, error.retry_after.map(|wait| wait.as_secs())),
            (ErrorClass::RateLimited, Some(7)),
            "{id}"
        );
        hooks.fail(id, &Fault::ResetAfterApply, 1);
        let error = channel.send(&message(), now(), &Discard).await.unwrap_err();
        assert_eq!(error.class, ErrorClass::UnknownOutcome, "{id}");
        assert!(!channel.knows_repeats(), "so it is not sent again");
        hooks.fail(id, &Fault::Page(500), 1);
        let error = channel.send(&message(), now(), &Discard).await.unwrap_err();
        assert_eq!(error.class, ErrorClass::ServerError, "{id}");
        hooks.archive(id, true);
        let error = channel.send(&message(), now(), &Discard).await.unwrap_err();
        assert_eq!(error.class, ErrorClass::Misconfigured, "{id}: {error}");
        assert!(error.advice.is_some());
    }
    let nothing = connect("slack", "http://127.0.0.1:1/slack/T0").send(&message(), now(), &Discard).await.unwrap_err();
    assert_eq!(nothing.class, ErrorClass::Unreachable);
}

#[tokio::test]
async fn the_secret_address_is_in_no_call_and_no_error() {
    let hooks = hooks().await;
    for id in CHATS {
        let (kept, secret) = (Kept::default(), hooks.url(id));
        let channel = connect(id, &secret);
        channel.send(&message(), now(), &kept).await.unwrap();
        hooks.archive(id, true);
        let error = channel.send(&message(), now(), &kept).await.unwrap_err();
        assert!(!error.whole().open().contains("T0-sandbox-secret"), "{id}");
        for call in kept.0.lock().unwrap().iter() {
            let all = format!("{} {} {}", call.operation, call.request.open(), call.response.open());
            assert!(!all.contains("T0-sandbox-secret"), "{id}: {all}");
        }
        assert!(!channel.address().contains("T0-sandbox-secret"));
    }
}

#[tokio::test]
async fn an_address_that_is_none_is_refused() {
    for id in CHATS {
        for secret in ["", "not an address", "ftp://example.com/x", "https://hooks.example.com"] {
            let config = ChannelConfig {
                settings: Settings::default(),
                secrets: vec![secret.into()],
                public_url: String::new(),
            };
            assert_eq!(channels::connect(id, config).err().unwrap().class, ErrorClass::Misconfigured, "{id} {secret}");
        }
    }
}

#[tokio::test]
async fn the_test_of_a_channel_sends_a_message_or_says_what_to_do() {
    let hooks = hooks().await;
    let test = Message::test("test-1", "https://tower.example.com", now());
    let subject =
        Subject { label: "Slack", address: "https://hooks", secret_label: "Webhook URL", secret_help: "Copy it." };
    let channel = connect("slack", &hooks.url("slack"));
    let report = channels::check(&*channel, subject, &test, now(), &Discard).await;
    assert!(report.passed(), "{report:?}");
    assert!(hooks.posts("slack")[0].body["text"].as_str().unwrap().starts_with("Test: "));
    hooks.archive("slack", true);
    let report = channels::check(&*channel, subject, &test, now(), &Discard).await;
    let failed: Vec<_> = report.checks.iter().filter(|check| check.outcome == CheckOutcome::Failed).collect();
    assert_eq!(failed.len(), 1);
    assert!(failed[0].todo.as_deref().unwrap().contains("new webhook"), "{failed:?}");
}
