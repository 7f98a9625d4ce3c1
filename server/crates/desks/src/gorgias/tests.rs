//! What only Gorgias has: snoozed tickets, the trash in lists, times without a zone.

use super::*;
use domain::Severity;
use outbound::{CallKind, Discard};
use simulator::desk::{
    control::{Act, Control},
    gorgias::Gorgias as Simulated,
};

#[test]
fn snoozed_is_open_and_what_is_in_the_trash_is_gone() {
    for (ticket, status) in [
        (json!({"status": "open"}), DeskStatus::Open),
        (json!({"status": "closed", "snooze_datetime": null, "trashed_datetime": null}), DeskStatus::Resolved),
        (json!({"status": "closed", "snooze_datetime": "2026-03-12T08:00:00"}), DeskStatus::Open),
        (json!({"status": "open", "trashed_datetime": "2026-03-12T08:00:00"}), DeskStatus::Gone),
        (json!({}), DeskStatus::Open),
    ] {
        assert_eq!(status_of(&ticket), status, "{ticket}");
    }
}

#[test]
fn times_are_in_utc_with_and_without_an_offset() {
    let at = Some("2026-03-12T08:00:00Z".parse().unwrap());
    for text in
        ["2026-03-12T08:00:00", "2026-03-12T08:00:00+00:00", "2026-03-12T09:00:00+01:00", "2026-03-12T08:00:00.000000"]
    {
        assert_eq!(wire::time(&json!(text)), at, "{text}");
    }
    assert_eq!(wire::time(&json!("soon")), None);
}

#[test]
fn refusals_name_their_fields() {
    let answer = json!({"error": {"msg": "Failed to create ticket", "data": {"messages": ["Missing data for required field."]}}});
    let said = "Failed to create ticket; messages: [\"Missing data for required field.\"]".to_owned();
    assert_eq!(refusal(400, &answer, CallKind::Command), (ErrorClass::Rejected, said));
}

#[tokio::test]
async fn a_ticket_in_the_trash_is_not_found_again_and_is_seen_as_gone() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let simulated = Simulated::start().await.unwrap();
    let access = simulated.access();
    let options = serde_json::from_value(access.options.into()).unwrap();
    let desk =
        connect(DeskConfig { options, ..DeskConfig::new(access.url, access.secret.as_str(), access.queue) }).unwrap();
    let case = NewCase {
        external_key: "k".into(),
        subject: "Lost".into(),
        body: "Lost".into(),
        tracking_number: "JD014600006281230704".into(),
        carrier: "DHL".into(),
        exception_code: "LOST".into(),
        severity: Severity::Critical,
        odoo_url: None,
        milepost_url: "http://tower.example/shipments/1".into(),
        tags: Vec::new(),
        queue: None,
        follows: None,
        requester: None,
    };
    let made = desk.create(&case, &Discard).await.unwrap();
    simulated.act(&made.number, &Act::Delete);
    assert_eq!(desk.find("k", &Discard).await.unwrap(), None);
    let since = PollFrom::Since("2026-02-01T00:00:00Z".parse().unwrap());
    let changed = desk.changed(&since, &Discard).await.unwrap();
    assert_eq!(changed.cases.iter().map(|change| change.case.status).collect::<Vec<_>>(), [DeskStatus::Gone]);
    assert_ne!(desk.create(&case, &Discard).await.unwrap().number, made.number);
}
