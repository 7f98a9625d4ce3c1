//! Words that several pages share.

use app::components::parts::grouped;
use application::{cases::routing::NoTicket, exceptions::Resolver, people::Who};
use carriers::Scheme;
use domain::{fold::Resolution, money::Money};
use storage::work::{CaseRecord, CaseStatus};

/// Who did something.
pub(super) fn who(who: Who) -> String {
    match who {
        Who::Person(name) => name,
        Who::Former => "a former user".to_owned(),
        Who::Operator => "the command line".to_owned(),
        Who::System => "Milepost".to_owned(),
    }
}

/// Carrier and destination, as far as they are known.
pub(super) fn route(carrier: Option<&str>, destination: Option<&str>) -> String {
    [destination.map(|d| format!("to {d}")), carrier.map(str::to_owned)]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" · ")
}

/// How an exception ended, and where a person resolved it, who.
pub(super) fn resolution(how: Resolution, by: Option<Resolver>) -> String {
    let words = match how {
        Resolution::Progress => "Cleared by later scan",
        Resolution::Delivered => "Auto-resolved by delivery",
        Resolution::Returned => "Auto-resolved by return",
        Resolution::Cancelled => "Auto-resolved by cancellation",
        Resolution::Explicit => "Resolved by carrier",
        Resolution::Person => match by {
            Some(Resolver::Named(name)) => return format!("Resolved by {name}"),
            Some(Resolver::Agent) => "Resolved by an agent",
            None => "Resolved by a person",
        },
        Resolution::Cleared => "Auto-resolved",
    };
    words.to_owned()
}

/// How a message was verified. Simulated history was not, and a scheme that this version lacks has only its name.
pub(super) fn verified(scheme: &str) -> String {
    match Scheme::from_name(scheme) {
        Some(scheme) => scheme.verified().to_owned(),
        None if scheme.is_empty() => "Not verified".to_owned(),
        None => format!("Verified ({})", scheme.replace('_', " ")),
    }
}

/// An amount of money: `€ 1,140.00`.
pub(super) fn money(money: Money) -> String {
    let sign = if money.minor < 0 { "-" } else { "" };
    let amount = money.amount();
    let digits = amount.trim_start_matches('-');
    let (whole, rest) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let symbol = match money.currency.code() {
        "EUR" => "€",
        "USD" => "$",
        "GBP" => "£",
        code => code,
    };
    format!("{symbol} {sign}{}{rest}", grouped(whole.parse().unwrap_or_default()))
}

/// A text that stands alone: it begins with a capital letter, unless its first word is a name or an address.
pub(super) fn sentence(text: &str) -> String {
    let first = text.split_whitespace().next().unwrap_or_default();
    if !first.trim_end_matches([',', ':', ';', '.']).chars().all(|c| c.is_lowercase() || c == '’' || c == '\'') {
        return text.to_owned();
    }
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

/// An agent closed the ticket; the exception goes on.
pub(super) fn question(case: &CaseRecord, agent: Option<&str>) -> Option<String> {
    if !case.is_closed_by_agent() {
        return None;
    }
    let number = case.number.as_deref().unwrap_or_default();
    Some(format!("Ticket #{number} {}, problem goes on: decide", ticket_status(case, agent)))
}

/// Why an exception gets no ticket.
pub(super) fn no_ticket(why: NoTicket) -> String {
    match why {
        NoTicket::NoDesk => "No ticket: no service desk is connected.".to_owned(),
        NoTicket::NotTaken => "No ticket: none of the service desks takes it.".to_owned(),
        NoTicket::Led(by) => format!("No ticket of its own: it goes with \"{}\".", by.label()),
    }
}

/// How a ticket stands, and who closed it.
pub(super) fn ticket_status(case: &CaseRecord, agent: Option<&str>) -> String {
    let agent = agent.unwrap_or("an agent");
    let by_rule = || case.ticket.closed_by_rule.as_ref().map(|rule| format!(" by the rule {rule}"));
    let by = case.closed_by.as_ref().map(|_| format!(" by {agent}")).or_else(by_rule).unwrap_or_default();
    match case.status {
        CaseStatus::Pending => "being opened".into(),
        CaseStatus::Open => "open".into(),
        CaseStatus::Resolved => format!("resolved{by}"),
        CaseStatus::Rejected => format!("rejected{by}"),
        CaseStatus::Deleted => format!("deleted{by}"),
        CaseStatus::Hidden => "no longer readable".into(),
    }
}
