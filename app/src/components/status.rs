//! States and severities: shape, then word, then colour.

use super::{icon::Icon, time};
use crate::contract::{
    Severity, State,
    shipments::{ExceptionBadge, Lateness},
};
use leptos::prelude::*;

/// The name of a state in classes and symbols: `out-for-delivery`.
pub fn state_name(state: State) -> String {
    state.code().to_ascii_lowercase().replace('_', "-")
}

/// A state.
#[component]
pub fn StateMark(
    /// Which.
    state: State,
    /// Whether it is the head of a page.
    #[prop(optional)]
    size: Size,
) -> impl IntoView {
    let name = state_name(state);
    let class = match size {
        Size::Line => format!("st st--{name}"),
        Size::Head => format!("st st--{name} st--big"),
    };
    view! { <span class=class><Icon name=format!("st-{name}")/>{state.label()}</span> }
}

/// How large a mark is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Size {
    /// In a line.
    #[default]
    Line,
    /// In the head of a page.
    Head,
}

/// The name of a severity in classes and symbols.
pub fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::Major => "major",
        Severity::Minor => "minor",
        Severity::Info => "info",
    }
}

/// A severity, with its word or another.
#[component]
pub fn SeverityMark(
    /// Which.
    severity: Severity,
    /// The word beside the shape; the severity's own where none is given.
    #[prop(optional, into)]
    text: Option<String>,
) -> impl IntoView {
    let name = severity_name(severity);
    let hidden = text.is_some().then(|| view! { <span class="sr">{format!(" ({})", severity.label())}</span> });
    view! {
        <span class=format!("sev sev--{name}")>
            <Icon name=name/>
            <span>{text.unwrap_or_else(|| severity.label().to_owned())}{hidden}</span>
        </span>
    }
}

/// An exception in a line: its severity's shape, its reason's word.
#[component]
pub fn ExceptionMark(
    /// Which.
    badge: ExceptionBadge,
) -> impl IntoView {
    view! { <SeverityMark severity=badge.severity text=badge.reason.label()/> }
}

/// How a shipment stands against its promise.
#[component]
pub fn LateMark(
    /// How.
    lateness: Lateness,
) -> impl IntoView {
    match lateness {
        Lateness::Unknown => view! { <span class="late late--ok"><span aria-hidden="true">"–"</span><span class="sr">"no promise"</span></span> }.into_any(),
        Lateness::OnTime => view! { <span class="late late--ok">"on time"</span> }.into_any(),
        Lateness::Late(minutes) => {
            // from two days on somebody has to talk to the customer
            let class = if minutes >= 2 * 24 * 60 { "late late--bad" } else { "late late--warn" };
            let by = time::duration_short(minutes.saturating_mul(60_000));
            view! { <span class=class><span aria-hidden="true">"+"</span>{by}<span class="sr">" late"</span></span> }.into_any()
        }
    }
}

/// A number with separators: `1,284`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A word for so many things.
pub fn plural(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_separators() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1284), "1,284");
        assert_eq!(count(1_000_000), "1,000,000");
        assert_eq!(plural(1, "shipment", "shipments"), "1 shipment");
    }
}
