use super::*;
use outbound::{CallKind, Response};
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
    assert_eq!(status_of("rejected"), DeskStatus::Rejected);
    assert_eq!(status_of("deleted"), DeskStatus::Gone);
}

#[test]
fn a_misspelt_queue_or_missing_token_is_noticed_at_once() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = |token: &str, queue: &str| DeskConfig::new("http://127.0.0.1:1", token, queue);
    assert!(RequestTracker::new(config("t", "Shipments")).is_ok());
    for (token, queue) in [("", "Shipments"), ("t", " "), ("t", "a/b")] {
        assert_eq!(RequestTracker::new(config(token, queue)).unwrap_err().class, ErrorClass::Misconfigured);
    }
}

#[test]
fn a_poll_goes_on_behind_the_last_ticket_of_a_second() {
    let second: Timestamp = "2026-11-29T15:39:13Z".parse().unwrap();
    assert_eq!(
        query_of(&PollFrom::Since(second)).unwrap(),
        "'CF.{External Id}' LIKE 'mp-' AND LastUpdated >= '2026-11-29 15:39:13 GMT'"
    );
    let cursor = cursor_of(second, "42");
    assert_eq!(
        query_of(&PollFrom::After(cursor)).unwrap(),
        "'CF.{External Id}' LIKE 'mp-' AND LastUpdated >= '2026-11-29 15:39:13 GMT' \
         AND (LastUpdated > '2026-11-29 15:39:13 GMT' OR id > 42)"
    );
    for odd in ["", "x", "1 OR 1=1", "2026-11-29T15:39:13Z/1 OR 1=1"] {
        assert!(query_of(&PollFrom::After(odd.into())).is_err(), "{odd}");
    }
}

#[test]
fn one_odd_ticket_does_not_hide_the_others() {
    let page: wire::Page<Value> =
        from_value(json!({"items": [{"id": false}, {"id": "7", "Status": "open"}, null], "total": 3})).unwrap();
    assert_eq!(readable(page.items).iter().map(|t| t.id.as_str()).collect::<Vec<_>>(), ["7"]);
}

#[test]
fn a_tokens_user_stands_in_it() {
    assert_eq!(user_of("1-27-abcdef"), Some("27"));
    for odd in ["", "abc", "1-x-2", "1--2"] {
        assert_eq!(user_of(odd), None, "{odd}");
    }
}

#[test]
fn an_error_that_is_a_page_is_the_connections_fault() {
    let class = |status: u16, body: &str| {
        let answer = Response { status, headers: Default::default(), body: body.as_bytes().to_vec() };
        client::good(&answer, CallKind::Query).unwrap_err().class
    };
    for (status, of_the_api) in [(403, ErrorClass::Forbidden), (404, ErrorClass::NotFound)] {
        assert_eq!(class(status, r#"{"message":"no"}"#), of_the_api);
        assert_eq!(class(status, "<!DOCTYPE html>"), ErrorClass::BadAnswer);
    }
    assert_eq!(class(301, ""), ErrorClass::BadAnswer);
    assert_eq!(class(401, ""), ErrorClass::Unauthorized);
}
