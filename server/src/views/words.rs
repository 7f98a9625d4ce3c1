//! Words that several pages share.

use application::cases::agents::Names;
use domain::fold::Resolution;
use storage::work::{CaseRecord, CaseStatus};

/// Carrier and destination, as far as they are known.
pub(super) fn route(carrier: Option<&str>, destination: Option<&str>) -> String {
    [destination.map(|d| format!("to {d}")), carrier.map(str::to_owned)]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" · ")
}

/// How an exception ended, in a word or two.
pub(super) fn resolution(how: Resolution) -> &'static str {
    match how {
        Resolution::Progress => "Cleared by later scan",
        Resolution::Delivered => "Auto-resolved by delivery",
        Resolution::Returned => "Auto-resolved by return",
        Resolution::Cancelled => "Auto-resolved by cancellation",
        Resolution::Explicit => "Resolved by carrier",
        Resolution::Person => "Resolved by a person",
        Resolution::Cleared => "Auto-resolved",
    }
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
