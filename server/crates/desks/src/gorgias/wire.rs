//! What Gorgias' tickets, messages and errors look like.

use crate::{
    DeskStatus,
    rest::{self, text},
};
use domain::Severity;
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use outbound::{CallError, CallKind, ErrorClass};
use serde_json::Value;

/// `{"error": {"msg", "data": {field: […]}}}`.
pub(super) fn refusal(status: u16, answer: &Value, kind: CallKind) -> (ErrorClass, String) {
    let fields = answer["error"]["data"].as_object().into_iter().flatten();
    let fields: String = fields.map(|(field, faults)| format!("; {field}: {faults}")).collect();
    (rest::class(status, kind), format!("{}{fields}", text(answer, "/error/msg")))
}

/// A list's rows.
pub(super) fn list(answer: &Value) -> Result<&[Value], CallError> {
    let odd = || CallError::new(ErrorClass::BadAnswer, "the answer is no list");
    answer["data"].as_array().map(Vec::as_slice).ok_or_else(odd)
}

/// Snoozed counts as closed there, but comes back by itself.
pub(super) fn status_of(ticket: &Value) -> DeskStatus {
    let is_set = |name: &str| ticket.get(name).is_some_and(|at| !at.is_null());
    match text(ticket, "/status") {
        _ if is_set("trashed_datetime") => DeskStatus::Gone,
        "closed" if !is_set("snooze_datetime") => DeskStatus::Resolved,
        _ => DeskStatus::Open,
    }
}

pub(super) fn priority(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "low",
        Severity::Minor => "normal",
        Severity::Major => "high",
        Severity::Critical => "critical",
    }
}

/// Times are in UTC, and not all of them say so.
pub(super) fn time(value: &Value) -> Option<Timestamp> {
    let text = value.as_str()?;
    text.parse().ok().or_else(|| text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp()))
}

pub(super) fn updated(ticket: &Value) -> Option<Timestamp> {
    time(&ticket["updated_datetime"])
}

/// Whether the customer sees a message.
pub(super) fn is_public(message: &Value) -> bool {
    text(message, "/channel") != "internal-note" && message["public"] != Value::Bool(false)
}
