//! Words that several pages share.

use application::cases::agents::Names;
use carriers::Scheme;
use domain::{fold::Resolution, ids::ExceptionId};
use storage::{
    people::AuditRecord,
    work::{CaseRecord, CaseStatus},
};

/// Carrier and destination, as far as they are known.
pub(super) fn route(carrier: Option<&str>, destination: Option<&str>) -> String {
    [destination.map(|d| format!("to {d}")), carrier.map(str::to_owned)]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" · ")
}

/// How an exception ended, and where a person resolved it, who.
pub(super) fn resolution(how: Resolution, by: Option<String>) -> String {
    let words = match how {
        Resolution::Progress => "Cleared by later scan",
        Resolution::Delivered => "Auto-resolved by delivery",
        Resolution::Returned => "Auto-resolved by return",
        Resolution::Cancelled => "Auto-resolved by cancellation",
        Resolution::Explicit => "Resolved by carrier",
        Resolution::Person => return format!("Resolved by {}", by.as_deref().unwrap_or("a person")),
        Resolution::Cleared => "Auto-resolved",
    };
    words.to_owned()
}

/// Who resolved an exception last, by the audit lines about it: a person here, or an agent at the service desk.
pub(super) fn resolver(
    lines: &[(AuditRecord, Option<String>)],
    exception: ExceptionId,
    agents: &Names,
) -> Option<String> {
    let subject = format!("exception:{exception}");
    let resolved = |line: &AuditRecord| {
        line.entry.subject == subject && matches!(line.entry.action.as_str(), "exception.resolve" | "case.resolved")
    };
    let (line, who) = lines.iter().filter(|(line, _)| resolved(line)).max_by_key(|(line, _)| line.seq)?;
    let at_desk = || (line.entry.action == "case.resolved").then(|| "an agent".to_owned());
    who.clone().or_else(|| agents.of_line(&line.entry)).or_else(at_desk)
}

/// How a message was verified. Simulated history was not, and a scheme that this version lacks has only its name.
pub(super) fn verified(scheme: &str) -> String {
    match Scheme::from_name(scheme) {
        Some(scheme) => scheme.verified().to_owned(),
        None if scheme.is_empty() => "Not verified".to_owned(),
        None => format!("Verified ({})", scheme.replace('_', " ")),
    }
}

/// A text that stands alone: it begins with a capital letter.
pub(super) fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

/// An agent closed the ticket; the exception goes on.
pub(super) fn question(case: &CaseRecord, agents: &Names) -> Option<String> {
    if !case.is_closed_by_agent() {
        return None;
    }
    let number = case.number.as_deref().unwrap_or_default();
    Some(format!("Ticket #{number} {}, problem goes on: decide", ticket_status(case, agents)))
}

/// How a ticket stands, and who closed it.
pub(super) fn ticket_status(case: &CaseRecord, agents: &Names) -> String {
    let agent = || agents.of_case(case).unwrap_or_else(|| "an agent".into());
    let by = case.closed_by.as_ref().map(|_| format!(" by {}", agent())).unwrap_or_default();
    match case.status {
        CaseStatus::Pending => "being opened".into(),
        CaseStatus::Open => "open".into(),
        CaseStatus::Resolved => format!("resolved{by}"),
        CaseStatus::Rejected => format!("rejected{by}"),
        CaseStatus::Deleted => format!("deleted{by}"),
        CaseStatus::Hidden => "no longer readable".into(),
    }
}
