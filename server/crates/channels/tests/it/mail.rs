//! Mail: what goes out, and what each step of a failed delivery means.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use channels::{Attachment, Channel, ChannelConfig, Kind, Late, Letter, Mailing, Message, Security, Settings};
use domain::{Severity, alerts::machine::Notice};
use jiff::Timestamp;
use outbound::{Discard, ErrorClass};
use simulator::channels::{MailFault, SandboxMail};
use std::sync::Arc;

fn now() -> Timestamp {
    "2026-03-10T12:00:00Z".parse().unwrap()
}

fn message(kind: Kind) -> Message {
    Message {
        id: "notice-1".into(),
        thread: "alert-1".into(),
        kind,
        severity: Severity::Major,
        about: "held_at_hub".into(),
        title: "37 shipments held in Düsseldorf\r\nBcc: all@example.com".into(),
        lines: vec!["Größere Störung".into(), ".a line that begins with a dot".into()],
        first_step: String::new(),
        link: "https://tower.example.com/alerts".into(),
        at: now(),
    }
}

fn channel(server: &SandboxMail, change: impl FnOnce(&mut Settings)) -> Arc<dyn Channel> {
    let mut settings = Settings {
        host: "127.0.0.1".into(),
        port: Some(server.port()),
        security: Security::None,
        login: server.login().0.into(),
        from: "Milepost <milepost@example.com>".into(),
        to: vec!["duty@example.com".into(), "ops@example.com".into()],
        ..Settings::default()
    };
    change(&mut settings);
    let secrets = vec![server.login().1.into()];
    let public_url = "https://tower.example.com".into();
    channels::connect("mail", ChannelConfig { settings, secrets, public_url }).unwrap().unwrap()
}

#[tokio::test]
async fn a_mail_has_its_id_its_thread_and_no_header_that_a_title_adds() {
    let server = SandboxMail::start().await.unwrap();
    let channel = channel(&server, |_| ());
    channel.send(&message(Kind::Alert(Notice::Resolved)), now(), &Discard).await.unwrap();
    let mails = server.mails();
    assert_eq!(mails.len(), 1);
    let mail = &mails[0];
    assert_eq!(
        (mail.from.as_str(), mail.to.as_slice()),
        ("milepost@example.com", &["duty@example.com".to_owned(), "ops@example.com".into()][..])
    );
    let (head, text) = mail.text.split_once("\r\n\r\n").unwrap();
    for header in [
        "Message-ID: <notice-1@tower.example.com>",
        "In-Reply-To: <alert-1@tower.example.com>",
        "Auto-Submitted: auto-generated",
        "From: Milepost <milepost@example.com>",
        "Date: Tue, 10 Mar 2026 12:00:00 +0000",
    ] {
        assert!(head.lines().any(|line| line == header), "{header} in {head}");
    }
    assert!(!head.lines().any(|line| line.starts_with("Bcc:")), "{head}");
    assert!(mail.text.is_ascii());
    assert!(text.contains("https://tower.example.com/alerts"), "{text}");
}

#[tokio::test]
async fn each_failure_has_the_class_that_says_what_to_do() {
    let server = SandboxMail::start().await.unwrap();
    let channel = channel(&server, |_| ());
    for (fault, class) in [
        (MailFault::Unauthorized, ErrorClass::Unauthorized),
        (MailFault::SenderRefused, ErrorClass::Misconfigured),
        (MailFault::Greylisted, ErrorClass::RateLimited),
        (MailFault::MessageRefused, ErrorClass::Rejected),
        (MailFault::Busy, ErrorClass::ServerError),
        (MailFault::EndsAfterMessage, ErrorClass::UnknownOutcome),
    ] {
        server.fail(fault, 1);
        let error = channel.send(&message(Kind::Test), now(), &Discard).await.unwrap_err();
        assert_eq!(error.class, class, "{fault:?}: {error}");
        assert!(!error.to_string().contains("no such user"), "the server's words are foreign");
    }
    // what was taken without an answer goes out again under the same id
    assert!(channel.knows_repeats());
    channel.send(&message(Kind::Test), now(), &Discard).await.unwrap();
    let ids: Vec<_> = server
        .mails()
        .iter()
        .map(|mail| mail.text.lines().find(|line| line.starts_with("Message-ID")).unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], ids[1]);
}

#[tokio::test]
async fn one_recipient_who_is_refused_does_not_stop_the_others() {
    let server = SandboxMail::start().await.unwrap();
    let channel = channel(&server, |_| ());
    server.fail(MailFault::FirstRecipientRefused, 1);
    channel.send(&message(Kind::Test), now(), &Discard).await.unwrap();
    assert_eq!(server.mails()[0].to, ["ops@example.com"]);
}

#[tokio::test]
async fn a_server_without_starttls_gets_neither_the_password_nor_the_mail() {
    let server = SandboxMail::start().await.unwrap();
    let channel = channel(&server, |settings| settings.security = Security::Starttls);
    let error = channel.send(&message(Kind::Test), now(), &Discard).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Misconfigured);
    assert!(error.to_string().contains("STARTTLS"), "{error}");
    assert!(server.mails().is_empty());
}

#[tokio::test]
async fn a_server_that_is_not_there_cannot_be_reached() {
    let server = SandboxMail::start().await.unwrap();
    let channel = channel(&server, |settings| settings.port = Some(1));
    let error = channel.send(&message(Kind::Test), now(), &Discard).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Unreachable, "{error}");
}

fn letter(to: &str) -> Letter {
    Letter {
        id: "effect-1".into(),
        to: to.into(),
        subject: "Ihre Sendung\r\nBcc: all@example.com".into(),
        text: "Guten Tag,\n\nsie ist verspätet.".into(),
        language: Some("de_DE".into()),
        at: now(),
    }
}

#[tokio::test]
async fn a_customer_alone_gets_what_is_meant_for_the_customer() {
    let server = SandboxMail::start().await.unwrap();
    let channel = channel(&server, |_| ());
    channel.send_letter(&letter("jane@customer.test"), &Discard).await.unwrap();
    let [mail] = &server.mails()[..] else { panic!("one mail") };
    assert_eq!(mail.to, ["jane@customer.test"], "none of the channel's own recipients");
    let (head, _) = mail.text.split_once("\r\n\r\n").unwrap();
    for header in
        ["Message-ID: <effect-1@tower.example.com>", "Auto-Submitted: auto-generated", "Content-Language: de-DE"]
    {
        assert!(head.lines().any(|line| line == header), "{header} in {head}");
    }
    assert!(!head.lines().any(|line| line.starts_with("Bcc:")), "{head}");
    assert_eq!(format!("{:?}", letter("jane@customer.test")), "Letter { id: \"effect-1\", .. }");
}

#[tokio::test]
async fn what_hinders_a_letter_names_no_customer() {
    let server = SandboxMail::start().await.unwrap();
    let channel = channel(&server, |_| ());
    for (fault, class) in [
        (MailFault::FirstRecipientRefused, ErrorClass::Rejected),
        (MailFault::Greylisted, ErrorClass::RateLimited),
        (MailFault::Unauthorized, ErrorClass::Unauthorized),
        (MailFault::SenderRefused, ErrorClass::Misconfigured),
        (MailFault::EndsAfterMessage, ErrorClass::UnknownOutcome),
    ] {
        server.fail(fault, 1);
        let error = channel.send_letter(&letter("jane@customer.test"), &Discard).await.unwrap_err();
        assert_eq!(error.class, class, "{fault:?}");
        assert!(!format!("{error:?} {}", error.whole().open()).contains("jane"), "{error:?}");
    }
    for odd in ["", "jane", "jane@", "a@b\r\nRCPT TO:<all@example.com>"] {
        let error = channel.send_letter(&letter(odd), &Discard).await.unwrap_err();
        assert_eq!(
            (error.class, error.message.contains(odd) && !odd.is_empty()),
            (ErrorClass::Rejected, false),
            "{odd}"
        );
    }
}

#[tokio::test]
async fn a_report_goes_to_several_with_both_texts_and_its_file() {
    let server = SandboxMail::start().await.unwrap();
    let channel = channel(&server, |_| ());
    let file = Attachment { name: "report.csv".into(), media_type: "text/csv", bytes: b"a,b\r\n".to_vec() };
    let mailing = Mailing {
        id: "run-1".into(),
        to: vec!["ines@example.com".into(), "omar@example.com".into()],
        subject: "Weekly review\r\nBcc: all@example.com".into(),
        text: "On time 93.9 %".into(),
        html: "<p>On time 93.9 %</p>".into(),
        file: Some(file),
        at: now(),
        late: Late::No,
    };
    assert_eq!(channel.send_mailing(&mailing, &Discard).await.unwrap(), 0);
    assert_eq!(channel.send_mailing(&mailing, &Discard).await.unwrap(), 0);
    let mails = server.mails();
    assert_eq!(mails[0].text, mails[1].text, "sent again it is the same mail");
    assert_eq!(mails[0].to, mailing.to);
    let (head, body) = mails[0].text.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("Message-ID: <run-1@tower.example.com>"), "{head}");
    assert!(!head.lines().any(|line| line.starts_with("Bcc:")), "{head}");
    for part in ["text/plain", "text/html", "text/csv", "filename=\"report.csv\""] {
        assert!(body.contains(part), "{part} in {body}");
    }
    let odd = Mailing { to: vec!["nowhere".into()], ..mailing };
    assert_eq!(channel.send_mailing(&odd, &Discard).await.unwrap_err().class, ErrorClass::Rejected);
}
