//! The list of shipments, and the search that leads straight to one.

use crate::{caller::Caller, context::Context, error::Result, mask::Mask};
use domain::{
    ExceptionReason, Severity,
    access::Permission,
    ids::ShipmentId,
    numbers,
    punctuality::{self, Moment, Punctuality, punctuality},
};
use jiff::{Timestamp, tz::TimeZone};
use storage::{
    limits::PAGE_ROWS,
    shipments::{ShipmentQuery, ShipmentRow, TabCounts},
};

/// A shipment in a list.
#[derive(Clone, Debug)]
pub struct Row {
    /// The shipment, with an estimate only where a delivery may still come.
    pub shipment: ShipmentRow,
    /// Whether its promise is kept.
    pub punctuality: Punctuality,
}

impl Row {
    /// A shipment as a caller may read it, now and with days as in this zone.
    pub(super) fn of(mut shipment: ShipmentRow, mask: Mask, now: Timestamp, zone: &TimeZone) -> Self {
        let severe = |(reason, severity)| severity >= Severity::Major && reason != ExceptionReason::Late;
        let promised = shipment.promised_by.filter(|_| shipment.origin.is_some());
        let punctuality = punctuality(&punctuality::Facts {
            state: shipment.state,
            in_trouble: shipment.exception.is_some_and(severe),
            promised: promised.map(|at| Moment::promised(at, zone)),
            delivered: shipment.delivered_at.as_ref().and_then(Moment::of),
            eta: shipment.eta.as_ref().and_then(Moment::of),
            now,
            zone,
        });
        if shipment.state.is_off_the_way() {
            shipment.eta = None;
        }
        if let Some(last) = shipment.last_event.as_mut().filter(|_| mask.hides()) {
            last.code = last.code.as_deref().map(|code| mask.code(code).to_owned());
            last.place = last.place.take().filter(|_| last.place_in_parts);
        }
        Self { shipment, punctuality }
    }
}

/// A page of the list.
#[derive(Clone, Debug)]
pub struct Listed {
    /// How many shipments each tab has.
    pub counts: TabCounts,
    /// The rows.
    pub rows: Vec<Row>,
    /// Where the next page begins.
    pub next: Option<String>,
    /// The page is not full: the limit of shipments that one page searches was reached.
    pub cut_short: bool,
    /// When something was last received of one of them.
    pub newest: Option<Timestamp>,
    /// Whether a label was ever booked.
    pub labels: bool,
}

/// A page of the list; its days are those of this zone. The tokens of the question are made here: a person's name finds nothing
/// for a caller who may not read it.
///
/// # Errors
/// When the caller may not, or the store fails.
pub async fn list(context: &Context, caller: &Caller, query: ShipmentQuery, zone: &TimeZone) -> Result<Listed> {
    caller.require(Permission::See)?;
    let (scope, now, mask) = (caller.scope(), context.now(), Mask::of(caller));
    let text = query.text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let named = text.iter().filter(|_| !mask.hides());
    let tokens = named.map(|words| context.vault.token("customer", words)).collect();
    let query = ShipmentQuery { text, tokens, ..query };
    let counts = context.store.shipments.counts(scope, now).await?;
    let page = context.store.shipments.list(scope, query, now).await?;
    let labels = context.store.bookings.any(scope).await?;
    Ok(Listed {
        counts,
        labels,
        cut_short: page.next.is_some() && page.rows.len() < PAGE_ROWS as usize,
        newest: page.rows.iter().filter_map(|row| row.heard_at).max(),
        rows: page.rows.into_iter().map(|row| Row::of(row, mask, now, zone)).collect(),
        next: page.next,
    })
}

/// The shipment that goes under exactly this, if there is just one.
///
/// # Errors
/// When the caller may not, or the store fails.
pub async fn find(context: &Context, caller: &Caller, text: &str) -> Result<Option<ShipmentId>> {
    caller.require(Permission::See)?;
    // as the number is kept, then as a source that knows its carrier may keep it, then as a name
    let mut found = Vec::new();
    for words in numbers::kept_under(text, None).into_iter().chain([text.trim().to_owned()]) {
        found = context.store.shipments.find(caller.scope(), &words).await?;
        if !found.is_empty() {
            break;
        }
    }
    Ok(match &found[..] {
        [only] => Some(*only),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{
        Milestone, State, Visibility,
        event_time::{EventTime, Precision},
    };
    use jiff::SignedDuration;
    use storage::shipments::LastEvent;
    use uuid::Uuid;

    fn now() -> Timestamp {
        "2026-03-05T12:00:00Z".parse().unwrap()
    }

    fn row(state: State) -> ShipmentRow {
        ShipmentRow {
            id: ShipmentId(Uuid::from_u128(1)),
            revision: 0,
            origin: None,
            numbers: Vec::new(),
            destination: None,
            state,
            visibility: Visibility::default(),
            exception: None,
            eta: Some(EventTime::instant("", now() + SignedDuration::from_hours(30), Precision::Second)),
            promised_by: None,
            delivered_at: None,
            last_event: None,
            heard_at: None,
            case: None,
        }
    }

    #[test]
    fn no_arrival_is_estimated_of_what_is_not_on_its_way_to_the_recipient() {
        for state in State::ALL.iter().copied() {
            let ended = matches!(state, State::Returning | State::Returned | State::Cancelled | State::Failed);
            let shown = Row::of(row(state), Mask::NONE, now(), &TimeZone::UTC);
            assert_eq!(shown.shipment.eta.is_none(), ended, "{state:?}");
        }
    }

    #[test]
    fn free_text_of_the_last_event_is_masked() {
        let event = |code: &str, place: &str, in_parts| LastEvent {
            milestone: Milestone::Info,
            exception: None,
            code: Some(code.into()),
            place: Some(place.into()),
            place_in_parts: in_parts,
            at: None,
            time: None,
        };
        let shown = |last: LastEvent, mask| {
            let shipment = ShipmentRow { last_event: Some(last), ..row(State::InTransit) };
            let last = Row::of(shipment, mask, now(), &TimeZone::UTC).shipment.last_event.unwrap();
            (last.code.unwrap(), last.place)
        };
        let written = || event("left with Jane", "behind Jane's shed", false);
        assert_eq!(shown(written(), Mask::NONE), ("left with Jane".into(), Some("behind Jane's shed".into())));
        let (code, place) = shown(written(), Mask::FULL);
        assert!(!code.contains("Jane") && place.is_none(), "{code}");
        assert_eq!(shown(event("A_7", "Lyon, FR", true), Mask::FULL), ("A_7".into(), Some("Lyon, FR".into())));
    }
}
