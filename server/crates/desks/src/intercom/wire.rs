//! What Intercom's tickets, parts and errors look like.

use crate::{
    DeskStatus,
    rest::{self, text},
};
use jiff::Timestamp;
use outbound::{CallKind, ErrorClass};
use serde_json::Value;

/// `{"type": "error.list", "errors": [{"code", "message", "field"}]}`.
pub(super) fn refusal(status: u16, answer: &Value, kind: CallKind) -> (ErrorClass, String) {
    let faults = answer["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    let class = match faults.first().map(|fault| text(fault, "/code")) {
        Some("rate_limit_exceeded") => ErrorClass::RateLimited,
        _ => rest::class(status, kind),
    };
    let said: Vec<_> =
        faults.iter().map(|fault| format!("{}: {}", text(fault, "/code"), text(fault, "/message"))).collect();
    (class, said.join("; "))
}

/// A state of the category *resolved* is settled, and so is a ticket that is not open.
pub(super) fn status_of(ticket: &Value) -> DeskStatus {
    match text(ticket, "/ticket_state/category") {
        "resolved" => DeskStatus::Resolved,
        _ if ticket["open"] == Value::Bool(false) => DeskStatus::Resolved,
        _ => DeskStatus::Open,
    }
}

/// Times are seconds since 1970.
pub(super) fn time(value: &Value) -> Option<Timestamp> {
    Timestamp::from_second(value.as_i64()?).ok()
}

pub(super) fn updated(ticket: &Value) -> Option<Timestamp> {
    time(&ticket["updated_at"])
}

/// What happened in a ticket, oldest first.
pub(super) fn parts(ticket: &Value) -> impl Iterator<Item = &Value> {
    ticket.pointer("/ticket_parts/ticket_parts").and_then(Value::as_array).into_iter().flatten()
}
