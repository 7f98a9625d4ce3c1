use super::*;
use serde_json::from_value;

#[test]
fn ids_are_numbers_or_texts() {
    let alone: Ticket = from_value(json!({"id": 7, "Status": "open"})).unwrap();
    let listed: wire::Page<Ticket> =
        from_value(json!({"items": [{"id": "7", "Status": "open"}], "total": 1, "pages": 0.0})).unwrap();
    assert_eq!(alone.id, listed.items[0].id);
    let uncounted: wire::Page<Ticket> = from_value(json!({"items": [], "total": null, "pages": null})).unwrap();
    assert_eq!(uncounted.total, None);
}

#[test]
fn keys_are_short_and_quotes_cannot_leave_a_search() {
    assert_eq!(hashed(&"x".repeat(500)).len(), 43);
    assert_ne!(mark("a"), mark("b"));
    assert_eq!(escaped(r"O'Brien \"), r"O\'Brien \\");
    for wrong in ["", "1/2", "-1", "12 OR 1=1", "1234567890123456789"] {
        assert_eq!(digits(wrong).unwrap_err().class, ErrorClass::NotFound, "{wrong}");
    }
}

#[test]
fn a_sites_own_status_counts_as_open() {
    assert_eq!(status_of("waiting-for-carrier"), DeskStatus::Open);
    assert_eq!(status_of("rejected"), DeskStatus::Resolved);
    assert_eq!(status_of("deleted"), DeskStatus::Gone);
}

#[test]
fn a_misspelt_queue_or_missing_token_is_noticed_at_once() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = |token: &str, queue: &str| DeskConfig {
        url: "http://127.0.0.1:1".into(),
        token: token.into(),
        queue: queue.into(),
        calls_per_second: None,
    };
    assert!(RequestTracker::new(config("t", "Shipments")).is_ok());
    for (token, queue) in [("", "Shipments"), ("t", " "), ("t", "a/b")] {
        assert_eq!(RequestTracker::new(config(token, queue)).unwrap_err().class, ErrorClass::Misconfigured);
    }
}
