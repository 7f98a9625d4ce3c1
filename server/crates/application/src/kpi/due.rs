//! What is promised for today: delivered, on track, at risk, too late.

use super::{
    period::{Length, Period},
    read::{self, Question},
};
use crate::{caller::Caller, context::Context, error::Result};
use domain::{
    ExceptionReason, Severity,
    access::Permission,
    ids::ShipmentId,
    punctuality::{self, Moment, Punctuality, punctuality},
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use kpi::{
    contribution::row::Part,
    definition::Kpi,
    figure::{Tally, minute},
};
use storage::rollups::{DueRow, Filter, Open, UnitQuery};

/// Open shipments that are looked at for what is at risk; the shortest time left first.
const LOOKED_AT_MAX: u32 = 5_000;

/// Why an open shipment may not come in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Risk {
    /// An exception is open.
    Exception(ExceptionReason),
    /// The carrier's estimate is after the promise.
    EstimatedLate,
    /// The promise has passed.
    Over,
}

/// A shipment that is due today and may not come in time.
#[derive(Clone, Debug, PartialEq)]
pub struct AtRisk {
    /// The shipment.
    pub shipment: ShipmentId,
    /// When it is too late; none where that is not known to the minute.
    pub late_from: Option<Timestamp>,
    /// Why.
    pub risk: Risk,
}

impl AtRisk {
    /// The time that is left; none where none is.
    pub fn left(&self, now: Timestamp) -> Option<SignedDuration> {
        self.late_from.map(|at| at.duration_since(now)).filter(|left| !left.is_negative() && self.risk != Risk::Over)
    }
}

/// What is promised for today.
#[derive(Clone, Debug, Default)]
pub struct Due {
    /// Today's figure: in time, late, and open before and after the deadline.
    pub tally: Tally,
    /// Open ones at risk, and those whose promise has passed, the shortest time left first.
    pub at_risk: Vec<AtRisk>,
    /// Open ones that were looked at, where there are more.
    pub looked_at: Option<u32>,
}

impl Due {
    /// All that are due.
    pub const fn all(&self) -> i64 {
        self.tally.yes + self.tally.maybe + self.breached() + self.tally.pending
    }

    /// Delivered in time.
    pub const fn delivered(&self) -> i64 {
        self.tally.yes + self.tally.maybe
    }

    /// Too late: delivered late, ended without a delivery, or open past the promise.
    pub const fn breached(&self) -> i64 {
        self.tally.no + self.tally.overdue
    }

    /// Open and at risk, before the promise.
    pub fn risky(&self) -> i64 {
        let risky = self.at_risk.iter().filter(|one| one.risk != Risk::Over).count();
        i64::try_from(risky).unwrap_or(i64::MAX).min(self.tally.pending)
    }

    /// Open, and nothing speaks against the promise.
    pub fn on_track(&self) -> i64 {
        self.tally.pending - self.risky()
    }
}

/// What is promised for today, narrowed.
///
/// # Errors
/// When the caller may not, or the store fails.
pub async fn today(context: &Context, caller: &Caller, filter: &Filter) -> Result<Due> {
    caller.require(Permission::Figures)?;
    let (now, zone) = (context.now(), read::zone(context, caller).await?);
    let today = zone.to_datetime(now).date();
    let question = Question::of(Period::around(today, Length::Day), filter.clone());
    let answer = read::figures(context, caller, &[Kpi::OnTime], &question).await?;
    let tally = answer.figures.into_iter().next().map(|figure| figure.tally).unwrap_or_default();
    let open = |open: Open| UnitQuery {
        kpi: (Kpi::OnTime, Kpi::OnTime.version()),
        from: question.period.from,
        until: question.period.until,
        filter: filter.clone(),
        parts: vec![Part::Open],
        open: Some(open),
        cursor: None,
    };
    let (store, scope) = (&context.store.rollups, caller.scope());
    let late = store.due(scope, open(Open::LateBy(minute(now))), LOOKED_AT_MAX).await?;
    let before = store.due(scope, open(Open::NotLateBy(minute(now))), LOOKED_AT_MAX).await?;
    let looked_at = (before.len() == LOOKED_AT_MAX as usize).then_some(LOOKED_AT_MAX);
    let over = late.into_iter().map(|row| at_risk(&row, Risk::Over));
    let risky = before.iter().filter_map(|row| Some(at_risk(row, risk(row, now, &zone)?)));
    Ok(Due { at_risk: over.chain(risky).collect(), tally, looked_at })
}

fn at_risk(row: &DueRow, risk: Risk) -> AtRisk {
    let at = |minute: i32| Timestamp::from_second(i64::from(minute) * 60).ok();
    AtRisk { shipment: row.shipment, late_from: row.late_from.and_then(at), risk }
}

/// What speaks against the promise of an open shipment; none where nothing does.
fn risk(row: &DueRow, now: Timestamp, zone: &TimeZone) -> Option<Risk> {
    let serious = |(reason, severity): &(ExceptionReason, Severity)| {
        *severity >= Severity::Major || *reason == ExceptionReason::PredictedLate
    };
    if let Some((reason, _)) = row.exception.filter(serious) {
        return Some(Risk::Exception(reason));
    }
    let said = punctuality(&punctuality::Facts {
        state: row.state,
        in_trouble: false,
        promised: row.promised_by.map(|at| Moment::promised(at, zone)),
        delivered: None,
        eta: row.eta.as_ref().and_then(Moment::of),
        now,
        zone,
    });
    matches!(said, Punctuality::ExpectedLate(_)).then_some(Risk::EstimatedLate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{
        State,
        event_time::{EventTime, Precision},
    };
    use uuid::Uuid;

    fn now() -> Timestamp {
        "2026-03-05T12:00:00Z".parse().unwrap()
    }

    fn row() -> DueRow {
        DueRow {
            shipment: ShipmentId(Uuid::from_u128(1)),
            late_from: Some(minute(now()) + 90),
            state: State::InTransit,
            exception: None,
            eta: None,
            promised_by: Some(now() + SignedDuration::from_mins(90)),
        }
    }

    #[test]
    fn an_exception_or_a_late_estimate_is_a_risk() {
        let eta = |hours: i64| {
            let at = now() + SignedDuration::from_hours(hours);
            Some(EventTime::instant("", at, Precision::Second))
        };
        let of = |row: DueRow| risk(&row, now(), &TimeZone::UTC);
        assert_eq!(of(row()), None);
        assert_eq!(of(DueRow { eta: eta(1), ..row() }), None, "expected in time");
        assert_eq!(of(DueRow { eta: eta(30), ..row() }), Some(Risk::EstimatedLate));
        let with = |severity| DueRow { exception: Some((ExceptionReason::AddressNotFound, severity)), ..row() };
        assert_eq!(of(with(Severity::Major)), Some(Risk::Exception(ExceptionReason::AddressNotFound)));
        assert_eq!(of(with(Severity::Info)), None, "what needs no person is no risk");
        let predicted = (ExceptionReason::PredictedLate, Severity::Minor);
        let expected = Some(Risk::Exception(ExceptionReason::PredictedLate));
        assert_eq!(of(DueRow { exception: Some(predicted), ..row() }), expected, "what is learned says so");
    }

    #[test]
    fn the_parts_come_to_all_that_are_due() {
        let tally = Tally { yes: 5, maybe: 1, no: 2, overdue: 3, pending: 4, ..Tally::default() };
        let risky = |risk| at_risk(&row(), risk);
        let due = Due { tally, at_risk: vec![risky(Risk::Over), risky(Risk::EstimatedLate)], looked_at: None };
        assert_eq!((due.delivered(), due.on_track(), due.risky(), due.breached()), (6, 3, 1, 5));
        assert_eq!(due.delivered() + due.on_track() + due.risky() + due.breached(), due.all());
        assert_eq!(due.at_risk[1].left(now()), Some(SignedDuration::from_mins(90)));
        assert_eq!(due.at_risk[0].left(now()), None, "nothing is left of what is over");
    }
}
