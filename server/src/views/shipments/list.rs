//! The list of shipments: its tabs, its filters and its rows.

use crate::views::{
    given,
    times::{Times, span_words},
};
use app::contract::shipments::{self as contract, Lateness, Linked, ListTab, Row, Tab};
use application::tracking::read;
use domain::{
    Milestone,
    punctuality::{Delay, Punctuality},
};
use jiff::{SignedDuration, tz::TimeZone};
use storage::{
    figures::Span,
    shipments::{Freshness, ShipmentQuery, ShipmentTab, TabCounts},
};

/// A promise missed by less than this is a warning.
const A_LITTLE_LATE: SignedDuration = SignedDuration::from_hours(24);

/// A question to the list, with days of this zone.
pub(super) fn question(query: contract::ListQuery, zone: &TimeZone) -> ShipmentQuery {
    ShipmentQuery {
        tab: match query.tab {
            ListTab::Open => ShipmentTab::Open,
            ListTab::Exceptions => ShipmentTab::Exceptions,
            ListTab::Late => ShipmentTab::Late,
            ListTab::Silent => ShipmentTab::Silent,
            ListTab::Delivered => ShipmentTab::Delivered,
            ListTab::Unclaimed => ShipmentTab::Unclaimed,
            ListTab::All => ShipmentTab::All,
        },
        text: given(query.text),
        tokens: Vec::new(),
        states: query.state.into_iter().collect(),
        direction: query.direction,
        linked: query.linked == Linked::Order,
        carrier: given(query.carrier),
        freshness: match query.fresh {
            contract::Freshness::Any => None,
            contract::Freshness::Current => Some(Freshness::Current),
            contract::Freshness::Outdated => Some(Freshness::Outdated),
            contract::Freshness::Received => Some(Freshness::Received),
            contract::Freshness::NotReceived => Some(Freshness::NotReceived),
        },
        labels: query.labels,
        unknown: query.unknown,
        delivered: query.delivered.parse().ok().map(|day| Span::day(day, zone)),
        cursor: given(query.cursor),
    }
}

pub(super) fn tabs(counts: TabCounts) -> Vec<Tab> {
    let all = [
        (ListTab::Open, counts.open),
        (ListTab::Exceptions, counts.exceptions),
        (ListTab::Late, counts.late),
        (ListTab::Silent, counts.silent),
        (ListTab::Delivered, counts.delivered),
        (ListTab::Unclaimed, counts.unclaimed),
        (ListTab::All, counts.all),
    ];
    all.into_iter().map(|(key, count)| Tab { key, count }).collect()
}

pub(super) fn row(row: read::Row, times: &Times) -> Row {
    let read::Row { shipment: row, punctuality } = row;
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
        direction: row.origin.as_ref().map_or_else(Default::default, |o| o.transfer.direction),
        destination: row.destination,
        eta: row.delivered_at.as_ref().or(row.eta.as_ref()).map(|time| times.event(time)),
        delivered: row.delivered_at.is_some(),
        promise: row.promised_by.map(|at| times.promise(at)),
        late: lateness(punctuality),
        last_event: last.as_ref().map(|e| match (&e.code, e.exception) {
            (Some(code), _) => format!("“{code}”, kept as received"),
            (None, Some(exception)) if e.milestone == Milestone::Info => exception.label().to_owned(),
            (None, _) => e.milestone.label().to_owned(),
        }),
        last_place: last.as_ref().and_then(|e| e.place.clone()),
        last_at: last.and_then(|e| match e.time {
            Some(time) => Some(times.event_ago(&time)),
            None => e.at.map(|at| times.ago(at)),
        }),
        case: row.case,
    }
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
