//! Whether a shipment keeps its promised date: nothing is called late or on time that is not, and not
//! more exactly than the times are known.

use crate::{
    State,
    event_time::{EventTime, Precision},
};
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// A time as exactly as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// An instant.
    Instant(Timestamp),
    /// A day.
    Day(Date),
}

impl Moment {
    /// The time of an event. A wall clock without a known zone counts for its day only.
    pub fn of(time: &EventTime) -> Option<Self> {
        if time.sentinel {
            return None;
        }
        match (time.precision, &time.candidates()[..]) {
            (Precision::None, _) => None,
            (Precision::Minute | Precision::Second, [instant]) => Some(Self::Instant(*instant)),
            _ => time.wall_clock().map(|wall| Self::Day(wall.date())),
        }
    }

    /// What an order promises (Odoo's `commitment_date`): an instant in UTC whose time of day means nothing, so the day of it in
    /// the company's zone.
    pub fn committed(at: Timestamp, company: &TimeZone) -> Self {
        Self::Day(company.to_datetime(at).date())
    }

    /// A promise, which is kept as an instant: midnight and the last second of a day stand for the day.
    pub fn promised(at: Timestamp, zone: &TimeZone) -> Self {
        let second = at.as_second();
        if second.rem_euclid(86_400) == 0 {
            Self::Day(TimeZone::UTC.to_datetime(at).date())
        } else if second.rem_euclid(3_600) == 3_599 {
            Self::Day(zone.to_datetime(at).date())
        } else {
            Self::Instant(at)
        }
    }

    /// The day in a zone.
    pub fn day(self, zone: &TimeZone) -> Date {
        match self {
            Self::Instant(at) => zone.to_datetime(at).date(),
            Self::Day(day) => day,
        }
    }
}

/// By how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delay {
    /// Both times are instants.
    Exact(SignedDuration),
    /// One of them is a day.
    Days(i32),
}

/// What is known of a shipment.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Its status.
    pub state: State,
    /// Whether an exception is open that matters more than the time: damage, loss, a refusal.
    pub in_trouble: bool,
    /// By when it was promised.
    pub promised: Option<Moment>,
    /// When it was delivered.
    pub delivered: Option<Moment>,
    /// When it is expected.
    pub eta: Option<Moment>,
    /// Now.
    pub now: Timestamp,
    /// Where instants become days.
    pub zone: &'a TimeZone,
}

/// Whether the promise is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Punctuality {
    /// Nobody promised anything.
    NoPromise,
    /// The question does not arise: it is on its way back, was returned, cancelled or lost, or something worse is wrong.
    NotApplicable,
    /// Not decided yet.
    Open,
    /// Delivered in time.
    OnTime,
    /// Delivered late.
    Late(Delay),
    /// On its way, and expected in time.
    ExpectedOnTime,
    /// On its way, and expected late.
    ExpectedLate(Delay),
    /// On its way, and the promise has passed.
    Overdue(Delay),
}

/// Whether a shipment keeps its promise.
pub fn punctuality(of: &Facts<'_>) -> Punctuality {
    let Some(promised) = of.promised else { return Punctuality::NoPromise };
    if of.state.is_off_the_way() {
        return Punctuality::NotApplicable;
    }
    let good = |word| if of.in_trouble { Punctuality::NotApplicable } else { word };
    if of.state == State::Delivered {
        return match of.delivered.map(|delivered| delay(delivered, promised, of.zone)) {
            None => Punctuality::NotApplicable,
            Some(Some(late)) => Punctuality::Late(late),
            Some(None) => good(Punctuality::OnTime),
        };
    }
    let now = Moment::Instant(of.now);
    // an estimate that has passed is none
    let eta = of.eta.filter(|eta| match *eta {
        Moment::Instant(at) => at >= of.now,
        Moment::Day(day) => day >= now.day(of.zone),
    });
    let late = |at: Moment| delay(at, promised, of.zone);
    match (late(now), eta.map(late)) {
        (Some(overdue), expected) => Punctuality::Overdue(expected.flatten().unwrap_or(overdue)),
        (None, Some(Some(late))) => Punctuality::ExpectedLate(late),
        (None, Some(None)) => good(Punctuality::ExpectedOnTime),
        (None, None) => Punctuality::Open,
    }
}

/// By how much a time is after the promise; none where it is not. Where either is a day, so is the answer.
fn delay(at: Moment, promised: Moment, zone: &TimeZone) -> Option<Delay> {
    if let (Moment::Instant(at), Moment::Instant(promised)) = (at, promised) {
        let late = at.duration_since(promised);
        return late.is_positive().then_some(Delay::Exact(late));
    }
    let days = at.day(zone).since(promised.day(zone)).ok()?.get_days();
    (days > 0).then_some(Delay::Days(days))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn instant(text: &str) -> Option<Moment> {
        Some(Moment::Instant(text.parse().unwrap()))
    }

    fn day(text: &str) -> Option<Moment> {
        Some(Moment::Day(text.parse().unwrap()))
    }

    fn facts(zone: &TimeZone) -> Facts<'_> {
        Facts {
            state: State::InTransit,
            in_trouble: false,
            promised: instant("2026-03-10T12:00:00Z"),
            delivered: None,
            eta: None,
            now: "2026-03-09T12:00:00Z".parse().unwrap(),
            zone,
        }
    }

    #[test]
    fn what_is_said() {
        let utc = TimeZone::UTC;
        let said = |change: &dyn Fn(&mut Facts<'_>)| {
            let mut facts = facts(&utc);
            change(&mut facts);
            punctuality(&facts)
        };
        let exact = |minutes| Delay::Exact(SignedDuration::from_mins(minutes));
        let delivered = |at: Option<Moment>| move |f: &mut Facts<'_>| (f.state, f.delivered) = (State::Delivered, at);
        assert_eq!(said(&|f| f.promised = None), Punctuality::NoPromise);
        assert_eq!(said(&|_| ()), Punctuality::Open, "no estimate");
        assert_eq!(said(&|f| f.eta = instant("2026-03-10T11:00:00Z")), Punctuality::ExpectedOnTime);
        assert_eq!(said(&|f| f.eta = instant("2026-03-10T12:30:00Z")), Punctuality::ExpectedLate(exact(30)));
        assert_eq!(said(&|f| f.eta = day("2026-03-10")), Punctuality::ExpectedOnTime, "a day is no half hour");
        assert_eq!(said(&|f| f.eta = day("2026-03-11")), Punctuality::ExpectedLate(Delay::Days(1)));
        assert_eq!(said(&|f| f.eta = day("2026-03-08")), Punctuality::Open, "an estimate that has passed is none");
        assert_eq!(said(&|f| f.promised = instant("2026-03-09T11:00:00Z")), Punctuality::Overdue(exact(60)));
        assert_eq!(said(&|f| f.promised = day("2026-03-09")), Punctuality::Open, "the day is not over");
        assert_eq!(said(&delivered(instant("2026-03-10T11:59:00Z"))), Punctuality::OnTime);
        assert_eq!(said(&delivered(day("2026-03-10"))), Punctuality::OnTime);
        assert_eq!(said(&delivered(instant("2026-03-10T13:00:00Z"))), Punctuality::Late(exact(60)));
        assert_eq!(said(&delivered(None)), Punctuality::NotApplicable);
    }

    #[test]
    fn a_day_is_a_day_and_a_wall_clock_without_a_zone_is_one_too() {
        let floating = |precision| EventTime::floating("", "2026-03-02T10:00".parse().unwrap(), precision);
        assert_eq!(Moment::of(&floating(Precision::Minute)), day("2026-03-02"));
        assert_eq!(Moment::of(&floating(Precision::Date)), day("2026-03-02"));
        assert_eq!(Moment::of(&EventTime::unknown("x")), None);
        let known = EventTime::instant("", "2026-03-02T10:00:00Z".parse().unwrap(), Precision::Second);
        assert_eq!(Moment::of(&known), instant("2026-03-02T10:00:00Z"));
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let promised = |at: &str| Some(Moment::promised(at.parse().unwrap(), &berlin));
        assert_eq!(promised("2026-03-02T00:00:00Z"), day("2026-03-02"));
        assert_eq!(promised("2026-03-02T22:59:59Z"), day("2026-03-02"), "the end of the day in Berlin");
        assert_eq!(promised("2026-03-02T22:30:00Z"), instant("2026-03-02T22:30:00Z"));
    }

    fn any_moment() -> impl Strategy<Value = Option<Moment>> {
        let from = 1_772_000_000i64;
        prop_oneof![
            Just(None),
            (0..3_000_000i64).prop_map(move |s| Some(Moment::Instant(Timestamp::from_second(from + s).unwrap()))),
            (1..28i8).prop_map(|d| Some(Moment::Day(jiff::civil::date(2026, 3, d)))),
        ]
    }

    proptest! {
        #[test]
        fn nothing_is_called_what_it_is_not(
            state in prop::sample::select(State::ALL),
            in_trouble: bool,
            promised in any_moment(),
            delivered in any_moment(),
            eta in any_moment(),
            now in 0..3_000_000i64,
        ) {
            let now = Timestamp::from_second(1_772_000_000 + now).unwrap();
            let of = Facts { state, in_trouble, promised, delivered, eta, now, zone: &TimeZone::UTC };
            let said = punctuality(&of);
            prop_assert_eq!(said == Punctuality::NoPromise, promised.is_none());
            let good = matches!(said, Punctuality::OnTime | Punctuality::ExpectedOnTime);
            prop_assert!(!(good && in_trouble));
            let back = matches!(state, State::Returning | State::Returned | State::Cancelled | State::Failed);
            prop_assert!(!back || matches!(said, Punctuality::NotApplicable | Punctuality::NoPromise));
            let delivered = matches!(said, Punctuality::OnTime | Punctuality::Late(_));
            prop_assert!(!delivered || state == State::Delivered);
            if let Punctuality::Late(late) | Punctuality::ExpectedLate(late) | Punctuality::Overdue(late) = said {
                let exact = matches!(promised, Some(Moment::Instant(_)));
                match late {
                    Delay::Exact(late) => prop_assert!(exact && late.is_positive()),
                    Delay::Days(days) => prop_assert!(days > 0),
                }
            }
        }
    }
}
