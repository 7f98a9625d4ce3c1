//! The list of shipments: its tabs, its filters and its rows.

use crate::views::times::{Times, span_words};
use app::contract::shipments::{Lateness, Row, Tab};
use domain::{
    ExceptionReason, Milestone, Severity, State,
    punctuality::{self, Delay, Moment, Punctuality, punctuality},
};
use jiff::SignedDuration;
use storage::shipments::{Freshness, ShipmentRow, ShipmentTab, TabCounts};

/// A promise missed by less than this is a warning.
const A_LITTLE_LATE: SignedDuration = SignedDuration::from_hours(24);

pub(super) fn tab(text: &str) -> ShipmentTab {
    match text {
        "exceptions" => ShipmentTab::Exceptions,
        "late" => ShipmentTab::Late,
        "silent" => ShipmentTab::Silent,
        "delivered" => ShipmentTab::Delivered,
        "unclaimed" => ShipmentTab::Unclaimed,
        "all" => ShipmentTab::All,
        _ => ShipmentTab::Open,
    }
}

pub(super) fn freshness(text: &str) -> Option<Freshness> {
    Some(match text {
        "current" => Freshness::Current,
        "outdated" => Freshness::Outdated,
        "received" => Freshness::Received,
        "not_received" => Freshness::NotReceived,
        _ => return None,
    })
}

pub(super) fn tabs(counts: TabCounts) -> Vec<Tab> {
    let all = [
        ("open", "Open", counts.open),
        ("exceptions", "Exceptions", counts.exceptions),
        ("late", "Late", counts.late),
        ("silent", "No updates", counts.silent),
        ("delivered", "Delivered", counts.delivered),
        ("unclaimed", "Unlinked", counts.unclaimed),
        ("all", "All", counts.all),
    ];
    all.into_iter().map(|(key, label, count)| Tab { key: key.into(), label: label.into(), count }).collect()
}

pub(super) fn row(row: ShipmentRow, times: &Times) -> Row {
    let severe =
        row.exception.is_some_and(|(reason, severity)| severity >= Severity::Major && reason != ExceptionReason::Late);
    let late = lateness(punctuality(&punctuality::Facts {
        state: row.state,
        in_trouble: severe,
        promised: row.promised_by.filter(|_| row.origin.is_some()).map(|at| Moment::promised(at, &times.zone)),
        delivered: row.delivered_at.as_ref().and_then(Moment::of),
        eta: row.eta.as_ref().and_then(Moment::of),
        now: times.now,
        zone: &times.zone,
    }));
    let delivered = row.delivered_at.is_some();
    let eta = row.eta.as_ref().filter(|_| !off_the_way(row.state));
    let number = row.numbers.first();
    let last = row.last_event;
    Row {
        id: row.id.to_string(),
        state: row.state,
        visibility: row.visibility,
        exception: row.exception.map(|(reason, severity)| (severity, reason.label().to_owned())),
        number: number.map_or_else(|| "no number yet".into(), |n| n.number.clone()),
        more_numbers: row.numbers.len().saturating_sub(1),
        carrier: number.and_then(|n| n.carrier_label.clone()).unwrap_or_else(|| "Unknown carrier".into()),
        order: row.origin.as_ref().and_then(|o| o.order.clone()),
        transfer: row.origin.as_ref().map(|o| o.name.clone()),
        destination: row.destination,
        eta: row.delivered_at.as_ref().or(eta).map(|time| times.event(time)),
        delivered,
        promise: row.promised_by.map(|at| times.promise(at)),
        late,
        last_event: last.as_ref().map(|e| match (&e.code, e.exception) {
            (Some(code), _) => format!("“{}”, kept as received", times.mask.code(code)),
            (None, Some(exception)) if e.milestone == Milestone::Info => exception.label().to_owned(),
            (None, _) => e.milestone.label().to_owned(),
        }),
        last_place: last.as_ref().filter(|e| !times.mask.hides() || e.place_in_parts).and_then(|e| e.place.clone()),
        last_at: last.and_then(|e| match e.time {
            Some(time) => Some(times.event_ago(&time)),
            None => e.at.map(|at| times.ago(at)),
        }),
        case: row.case,
    }
}

/// It does not go to the recipient any more: an estimate of that is past.
pub(super) const fn off_the_way(state: State) -> bool {
    matches!(state, State::Returning | State::Returned | State::Cancelled | State::Failed)
}

/// No estimate and no plan is to come true any more.
pub(super) const fn nothing_is_expected(state: State) -> bool {
    off_the_way(state) || matches!(state, State::Delivered)
}

/// A promise that is kept or not, in a word or two; none where there is nothing to say.
fn lateness(said: Punctuality) -> Option<(Lateness, String)> {
    let words = |delay: Delay| match delay {
        Delay::Exact(span) => span_words(span),
        Delay::Days(days) => format!("{days} d"),
    };
    let how_bad = |delay: Delay| match delay {
        Delay::Exact(span) if span < A_LITTLE_LATE => Lateness::Warn,
        Delay::Exact(_) | Delay::Days(_) => Lateness::Bad,
    };
    Some(match said {
        Punctuality::NotApplicable | Punctuality::Open => return None,
        Punctuality::NoPromise => (Lateness::None, "no promise".into()),
        Punctuality::OnTime => (Lateness::OnTime, "on time".into()),
        Punctuality::ExpectedOnTime => (Lateness::OnTime, "on schedule".into()),
        Punctuality::Late(delay) => (how_bad(delay), format!("{} late", words(delay))),
        Punctuality::ExpectedLate(delay) => (how_bad(delay), format!("{} late expected", words(delay))),
        Punctuality::Overdue(delay) => (how_bad(delay), format!("{} overdue", words(delay))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use application::mask::Mask;
    use domain::{
        event_time::{EventTime, Precision},
        ids::ShipmentId,
    };
    use jiff::Timestamp;

    #[test]
    fn no_arrival_is_estimated_of_what_is_not_on_its_way_to_the_recipient() {
        let now: Timestamp = "2026-03-05T12:00:00Z".parse().unwrap();
        let times = Times { now, zone: jiff::tz::TimeZone::UTC, mask: Mask::NONE };
        let eta = EventTime::instant("", now + SignedDuration::from_hours(30), Precision::Second);
        for state in State::ALL.iter().copied() {
            let row = ShipmentRow {
                id: ShipmentId(uuid::Uuid::from_u128(1)),
                revision: 0,
                origin: None,
                numbers: Vec::new(),
                destination: None,
                state,
                visibility: domain::Visibility::default(),
                exception: None,
                eta: Some(eta.clone()),
                promised_by: None,
                delivered_at: None,
                last_event: None,
                heard_at: None,
                case: None,
            };
            let ended = matches!(state, State::Returning | State::Returned | State::Cancelled | State::Failed);
            assert_eq!(super::row(row, &times).eta.is_none(), ended, "{state:?}");
        }
    }
}
