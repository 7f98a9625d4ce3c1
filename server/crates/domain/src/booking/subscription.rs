//! Platforms stop reporting about a number by themselves. When that was, and that it is started again while its shipment is open, once
//! for each end.

use super::machine::later;
use crate::{State, fold::Folded};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// So often one number is started again; then a person looks at it.
pub const RESTARTS_MAX: u32 = 12;

/// When a platform stops by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// When the parcel is delivered, or some days later.
    pub on_delivery: bool,
    /// When the carrier reports trouble.
    pub on_exception: bool,
    /// So many days after the registration.
    pub days: Option<u16>,
    /// After so many days without an event.
    pub silent_days: Option<u16>,
}

/// Why a platform stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// The parcel was delivered, and is not any more.
    Delivery,
    /// The carrier reported trouble.
    Exception,
    /// The platform tracks a number only for so long.
    Age,
    /// Nothing was reported for too long.
    Silence,
}

impl Ended {
    /// What a person reads, after *ended by the platform*.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Delivery => "on a delivery that was taken back",
            Self::Exception => "on an exception",
            Self::Age => "after its longest time",
            Self::Silence => "after a long time without an event",
        }
    }
}

/// What decides whether a number is still tracked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// When it was registered, or last started again.
    pub since: Timestamp,
    /// When anything was last received about its shipment.
    pub received: Option<Timestamp>,
    /// When the carrier last reported trouble.
    pub exception: Option<Timestamp>,
    /// When the shipment was last open again after it had ended.
    pub reopened: Option<Timestamp>,
}

impl Subscription {
    /// That of a number which was registered then, of a shipment that stands so.
    pub fn of(since: Timestamp, folded: &Folded, reopened: Option<Timestamp>) -> Self {
        let reported = folded.exceptions.iter().filter(|one| !one.evidence.is_empty());
        let exception = reported.map(|one| one.opened_recorded).max();
        Self { since, received: folded.heard_at, exception, reopened }
    }
}

impl Ends {
    /// Whether an event can be the end, beside the time.
    pub const fn by_events(&self) -> bool {
        self.on_delivery || self.on_exception
    }

    /// Why a number is not tracked any more; none while it is. A shipment that is over needs no further reports: ask only of one that is
    /// open.
    pub fn ended(&self, of: &Subscription, now: Timestamp) -> Option<Ended> {
        let since = |at: Option<Timestamp>| at.is_some_and(|at| at > of.since);
        match () {
            () if self.on_delivery && since(of.reopened) => Some(Ended::Delivery),
            () if self.on_exception && since(of.exception) => Some(Ended::Exception),
            () if self.aged_at(of).is_some_and(|at| at <= now) => Some(Ended::Age),
            () if self.silent_at(of).is_some_and(|at| at <= now) => Some(Ended::Silence),
            () => None,
        }
    }

    /// When the time alone may have ended it; none where it does not.
    pub fn look_at(&self, of: &Subscription) -> Option<Timestamp> {
        [self.aged_at(of), self.silent_at(of)].into_iter().flatten().min()
    }

    fn aged_at(&self, of: &Subscription) -> Option<Timestamp> {
        self.days.map(|days| after_days(of.since, days))
    }

    fn silent_at(&self, of: &Subscription) -> Option<Timestamp> {
        let last = of.received.map_or(of.since, |received| received.max(of.since));
        self.silent_days.map(|days| after_days(last, days))
    }
}

/// Whether a change of a shipment may be the end of a subscription: it is open, and trouble was reported or its end was taken back.
pub fn may_have_ended(before: &Folded, after: &Folded) -> bool {
    let newest = |of: &Folded| Subscription::of(Timestamp::MIN, of, None).exception;
    let reopened = before.state.is_terminal();
    is_open(after.state) && (reopened || newest(after) > newest(before))
}

/// Whether reports about a shipment in this state are still wanted.
pub const fn is_open(state: State) -> bool {
    !state.is_terminal()
}

fn after_days(at: Timestamp, days: u16) -> Timestamp {
    later(at, SignedDuration::from_hours(24 * i64::from(days)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ExceptionReason, event_time::EventTime, fold::FoldedException, ids::ObservationId};
    use uuid::Uuid;

    fn day(n: i64) -> Timestamp {
        "2026-03-01T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_hours(24 * n)
    }

    const SHIPENGINE: Ends = Ends { on_delivery: true, on_exception: true, days: None, silent_days: None };
    const AGED: Ends = Ends { on_delivery: false, on_exception: false, days: Some(120), silent_days: None };
    const SILENT: Ends = Ends { on_delivery: true, on_exception: false, days: None, silent_days: Some(30) };

    #[test]
    fn each_end_counts_once_and_only_what_came_after_the_registration() {
        let of = |since: i64, exception: Option<i64>, reopened: Option<i64>, received: Option<i64>| Subscription {
            since: day(since),
            received: received.map(day),
            exception: exception.map(day),
            reopened: reopened.map(day),
        };
        for (ends, subscription, now, wanted) in [
            (SHIPENGINE, of(0, None, None, None), 400, None),
            (SHIPENGINE, of(0, Some(3), None, None), 3, Some(Ended::Exception)),
            // started again on the third day: that exception is over
            (SHIPENGINE, of(3, Some(3), None, None), 9, None),
            (SHIPENGINE, of(3, Some(5), None, None), 9, Some(Ended::Exception)),
            (SHIPENGINE, of(3, Some(5), Some(6), None), 9, Some(Ended::Delivery)),
            (SHIPENGINE, of(7, Some(5), Some(6), None), 9, None),
            (AGED, of(0, Some(3), Some(4), Some(119)), 119, None),
            (AGED, of(0, None, None, Some(119)), 120, Some(Ended::Age)),
            (AGED, of(120, None, None, Some(119)), 239, None),
            (SILENT, of(0, None, None, None), 29, None),
            (SILENT, of(0, None, None, None), 30, Some(Ended::Silence)),
            (SILENT, of(0, Some(1), None, Some(20)), 49, None),
            (SILENT, of(0, None, None, Some(20)), 50, Some(Ended::Silence)),
            (SILENT, of(50, None, None, Some(20)), 79, None),
            (Ends::default(), of(0, Some(1), Some(2), None), 4_000, None),
        ] {
            assert_eq!(ends.ended(&subscription, day(now)), wanted, "{ends:?} {subscription:?} on day {now}");
        }
    }

    #[test]
    fn it_is_looked_at_when_the_time_may_have_ended_it_and_not_before() {
        let of = Subscription { since: day(0), received: Some(day(10)), exception: None, reopened: None };
        assert_eq!(AGED.look_at(&of), Some(day(120)));
        assert_eq!(SILENT.look_at(&of), Some(day(40)));
        assert_eq!(SHIPENGINE.look_at(&of), None);
        let both = Ends { silent_days: Some(30), ..AGED };
        let at = both.look_at(&of).unwrap();
        assert_eq!((at, both.ended(&of, at).is_some(), both.ended(&of, day(39))), (day(40), true, None));
    }

    #[test]
    fn a_reported_exception_or_a_reopened_shipment_is_a_reason_to_look_and_what_the_clock_makes_is_none() {
        let trouble = |evidence: &[u128], at: i64| FoldedException {
            reason: ExceptionReason::CustomsDelay,
            piece: None,
            severity: ExceptionReason::CustomsDelay.severity(),
            opened: EventTime::unknown(""),
            opened_recorded: day(at),
            closed: None,
            evidence: evidence.iter().map(|n| ObservationId(Uuid::from_u128(*n))).collect(),
            clock_stopped_minutes: 0,
        };
        let folded = |state, exceptions| Folded { state, exceptions, ..Folded::default() };
        let calm = folded(State::InTransit, Vec::new());
        let held = folded(State::InTransit, vec![trouble(&[1], 2)]);
        assert!(may_have_ended(&calm, &held));
        assert!(!may_have_ended(&held, &held));
        assert!(may_have_ended(&held, &folded(State::InTransit, vec![trouble(&[1], 2), trouble(&[2], 3)])));
        assert!(!may_have_ended(&calm, &folded(State::InTransit, vec![trouble(&[], 2)])), "late, by the clock");
        assert!(!may_have_ended(&calm, &folded(State::Delivered, vec![trouble(&[1], 2)])), "it is over");
        assert!(may_have_ended(&folded(State::Delivered, Vec::new()), &calm), "the delivery was taken back");
    }
}
