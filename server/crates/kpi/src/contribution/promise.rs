//! Which promise counts, and when its time is over.

use super::{row::Bucket, shipment::Story};
use domain::{
    fold::{PromiseSource, Promised},
    punctuality::Moment,
};
use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, Time},
    tz::TimeZone,
};
use std::borrow::Cow;

/// The end of a promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// The first instant that is too late.
    pub end: Timestamp,
    /// The promised day, where a day was promised.
    pub day: Option<Date>,
}

/// How a deadline was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Met {
    /// In time.
    InTime,
    /// Late.
    Late,
    /// Known by day, promised by the hour: it may be either.
    Undecided,
}

/// The promise that counts: the one in force at the hand-over; else the first one that was made before the delivery was recorded;
/// of what is neither handed over nor delivered the last. None where that promises nothing.
pub fn in_force(story: &Story<'_>) -> Option<Moment> {
    let promises = history(story);
    let handed_over = story.hand_over.map(|event| event.key);
    let known_then = |at: Timestamp| promises.iter().rev().find(|promise| promise.recorded <= at);
    let chosen = match (handed_over.and_then(known_then), story.delivery_recorded) {
        (Some(promise), _) => Some(promise),
        (None, Some(delivered)) => {
            promises.iter().find(|promise| promise.recorded < delivered && promise.due.is_some())
        }
        (None, None) if handed_over.is_some() => promises.iter().find(|promise| promise.due.is_some()),
        (None, None) => promises.last(),
    };
    chosen?.due
}

/// What was promised since when. Of what an earlier build took in only the last promise is known, and counts as made in time.
fn history<'s>(story: &Story<'s>) -> Cow<'s, [Promised]> {
    let plan = story.of.plan;
    match plan.promised_by {
        Some(by) if plan.promises.is_empty() => {
            let zone = match plan.promise {
                // to the end of a working day of the place of delivery
                Some(PromiseSource::Rule { .. }) => story.of.zone,
                Some(PromiseSource::Commitment) | None => story.of.company_zone,
            };
            Cow::Owned(vec![Promised { due: Some(Moment::committed(by, zone)), recorded: Timestamp::MIN }])
        }
        _ => Cow::Borrowed(&plan.promises),
    }
}

impl Deadline {
    /// The end of a promise: of a day the next midnight at the place of delivery; of an instant, that instant itself is in time.
    pub fn of(due: Moment, place: &TimeZone) -> Self {
        match due {
            Moment::Day(day) => Self { end: end_of_day(day, place), day: Some(day) },
            Moment::Instant(at) => {
                Self { end: at.checked_add(SignedDuration::from_nanos(1)).unwrap_or(Timestamp::MAX), day: None }
            }
        }
    }

    /// Later by a time, in which the carrier's clock stood still.
    #[must_use]
    pub fn later_by(self, by: SignedDuration) -> Self {
        if by.is_zero() {
            return self;
        }
        Self { end: self.end.checked_add(by).unwrap_or(Timestamp::MAX), day: None }
    }

    /// Whether something was in time. A day of the place of delivery is taken as early and as late as possible.
    pub fn met(&self, at: Moment, place: &TimeZone) -> Met {
        match (at, self.day) {
            (Moment::Instant(at), _) if at < self.end => Met::InTime,
            (Moment::Instant(_), _) => Met::Late,
            (Moment::Day(day), Some(promised)) if day <= promised => Met::InTime,
            (Moment::Day(_), Some(_)) => Met::Late,
            (Moment::Day(day), None) if end_of_day(day, place) <= self.end => Met::InTime,
            (Moment::Day(day), None) if start_of_day(day, place) >= self.end => Met::Late,
            (Moment::Day(_), None) => Met::Undecided,
        }
    }

    /// The first full minute at which it is over, counted from 1970.
    pub fn minute(&self) -> i32 {
        minute_after(self.end)
    }
}

/// Where a promise lies: the promised day; of an instant its hour in the company's zone.
pub fn bucket(due: Moment, company: &TimeZone) -> Bucket {
    match due {
        Moment::Day(day) => Bucket::day(day),
        Moment::Instant(at) => Bucket::at(at, company),
    }
}

/// The first full minute that is not before an instant, counted from 1970.
pub fn minute_after(at: Timestamp) -> i32 {
    let seconds = at.as_second() + i64::from(at.subsec_nanosecond() > 0);
    i32::try_from(-(-seconds).div_euclid(60)).unwrap_or(i32::MAX)
}

fn start_of_day(day: Date, zone: &TimeZone) -> Timestamp {
    let midnight = zone.to_ambiguous_timestamp(day.to_datetime(Time::midnight())).compatible();
    midnight.unwrap_or(Timestamp::MAX)
}

/// The midnight that ends a day, whatever the day's length.
pub fn end_of_day(day: Date, zone: &TimeZone) -> Timestamp {
    day.tomorrow().map_or(Timestamp::MAX, |next| start_of_day(next, zone))
}
