//! How Salesforce writes times, ids and errors.

use crate::rest;
use jiff::Timestamp;
use outbound::{CallKind, ErrorClass};
use serde_json::Value;

/// `[{"message": …, "errorCode": …}]`; of several cases under one key their addresses.
pub(super) fn refusal(status: u16, answer: &Value, kind: CallKind) -> (ErrorClass, String) {
    let first = answer.get(0).unwrap_or(answer);
    let (code, said) = (rest::text(first, "/errorCode"), rest::text(first, "/message"));
    let class = match code {
        "REQUEST_LIMIT_EXCEEDED" | "TXN_SECURITY_METERING_ERROR" => ErrorClass::RateLimited,
        "UNABLE_TO_LOCK_ROW" => ErrorClass::Conflict,
        "INVALID_SESSION_ID" => ErrorClass::Unauthorized,
        "INVALID_FIELD" | "INVALID_TYPE" | "INVALID_FIELD_FOR_INSERT_UPDATE" => ErrorClass::Misconfigured,
        "ENTITY_IS_DELETED" | "NOT_FOUND" => ErrorClass::NotFound,
        "SERVER_UNAVAILABLE" => ErrorClass::ServerError,
        _ => rest::class(status, kind),
    };
    let said = if status == 300 { "several cases have one key: make the field unique" } else { said };
    (class, format!("{code} {said}"))
}

/// `2026-03-10T12:00:00.000+0000`.
pub(super) fn when(value: &Value) -> Option<Timestamp> {
    value.as_str()?.replace("+0000", "Z").parse().ok()
}

/// An id has 15 or 18 letters and digits.
pub(super) fn is_id(text: &str) -> bool {
    matches!(text.len(), 15 | 18) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// A text between quotes in SOQL.
pub(super) fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\'', "\\'")
}
