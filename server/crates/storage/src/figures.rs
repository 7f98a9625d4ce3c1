//! Figures, and the times that they are of; not what they count ([`crate::counted`]).
//!
//! Windows end now and begin on a full quarter of an hour, days
//! begin at midnight in the viewer's zone: every zone in use today is a multiple of a quarter of an hour away from UTC, so
//! that whatever counts by quarter hour can answer for all of them.

use crate::{Result, Scope};
use async_trait::async_trait;
use domain::{State, unknown::Cause};
use jiff::{SignedDuration, Timestamp, ToSpan, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// A shipment whose last event is not older than this is up to date.
pub const CURRENT: SignedDuration = SignedDuration::from_hours(48);
/// The window of weekly figures.
pub const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);
/// A job that retries for longer than this needs attention.
pub const LONG_RETRYING: SignedDuration = SignedDuration::from_hours(1);
/// Finished jobs are counted for this time.
pub const DONE: SignedDuration = SignedDuration::from_hours(24);
/// Days of the daily figures.
pub const DAYS: i32 = 14;
/// The ages of open exceptions: at least so many hours and less than the next.
pub const AGES: &[i64] = &[0, 4, 8, 24, 48, 96];
/// Windows begin on a full quarter of an hour.
const QUARTER: i64 = 15 * 60;

/// From when (included) to when (excluded).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// From when.
    pub from: Timestamp,
    /// Until before when.
    pub until: Timestamp,
}

impl Span {
    /// From a time on.
    pub const fn since(from: Timestamp) -> Self {
        Self { from, until: Timestamp::MAX }
    }

    /// The window of this length that ends now.
    pub fn last(window: SignedDuration, now: Timestamp) -> Self {
        Self::since(back(now, window))
    }

    /// A day in a zone.
    pub fn day(day: Date, zone: &TimeZone) -> Self {
        let midnight = |day: Date| {
            zone.to_timestamp(day.to_datetime(jiff::civil::Time::midnight())).unwrap_or(Timestamp::UNIX_EPOCH)
        };
        Self { from: midnight(day), until: day.tomorrow().map_or(Timestamp::MAX, midnight) }
    }

    /// What began at least so many hours ago, and less than the next of [`AGES`].
    pub fn age(hours: i64, now: Timestamp) -> Self {
        let older = AGES.iter().copied().find(|age| *age > hours);
        Self {
            from: older.map_or(Timestamp::MIN, |age| back(now, SignedDuration::from_hours(age))),
            until: if hours == 0 { Timestamp::MAX } else { back(now, SignedDuration::from_hours(hours)) },
        }
    }
}

/// So long before the last full quarter of an hour.
fn back(now: Timestamp, window: SignedDuration) -> Timestamp {
    let quarter = now.as_second().div_euclid(QUARTER) * QUARTER;
    Timestamp::from_second(quarter).ok().and_then(|at| at.checked_sub(window).ok()).unwrap_or(Timestamp::MIN)
}

/// From when on an event or a message counts as recent.
pub fn current_since(now: Timestamp) -> Timestamp {
    back(now, CURRENT)
}

/// The days of the daily figures in a zone, oldest first, the last one today.
pub fn days(now: Timestamp, zone: &TimeZone) -> Vec<Date> {
    let today = zone.to_datetime(now).date();
    (0..DAYS).rev().filter_map(|before| today.checked_sub(before.days()).ok()).collect()
}

/// Figures for the overview. What each counts is in [`Figures::each`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// In transit: linked to an order and not ended.
    pub open: u64,
    /// Of these, with a recent event.
    pub current: u64,
    /// Of these, of which something was received recently, be it of an older event.
    pub received: u64,
    /// Open exceptions, snoozed ones left out.
    pub exceptions: u64,
    /// Of these, overdue.
    pub overdue: u64,
    /// Open exceptions that are snoozed.
    pub snoozed: u64,
    /// Exceptions recorded in the last 7 days, open or closed.
    pub exceptions_7d: u64,
    /// Open exceptions by age, snoozed ones left out; one for each of [`AGES`].
    pub ageing: Vec<AgeFigures>,
    /// Failed jobs.
    pub dead_jobs: u64,
    /// Jobs that retry for longer than [`LONG_RETRYING`].
    pub long_retrying: u64,
    /// Tickets opened in the last 7 days.
    pub cases_7d: u64,
    /// Of these, resolved without a person.
    pub cases_self_healed_7d: u64,
    /// Linked shipments by status.
    pub by_state: Vec<(State, u64)>,
    /// Shipments without a current status, by why; the most frequent first.
    pub unknown: Vec<(Cause, u64)>,
    /// Linked shipments by carrier.
    pub carriers: Vec<CarrierFigures>,
    /// Linked shipments delivered, by day, oldest first: one for each of [`days`].
    pub days: Vec<(Date, u64)>,
}

/// Open exceptions of one age.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AgeFigures {
    /// Not yet due.
    pub within: u64,
    /// Overdue.
    pub over: u64,
}

/// Linked shipments of one carrier: with a number of that carrier. One with numbers of two carriers counts for both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CarrierFigures {
    /// The carrier as people read it.
    pub carrier: String,
    /// All of them.
    pub shipments: u64,
    /// In transit.
    pub open: u64,
    /// Of these, with a recent event.
    pub current: u64,
    /// With an open exception.
    pub exceptions: u64,
    /// Delivered.
    pub delivered: u64,
}

/// The overview.
#[async_trait]
pub trait Overview: Send + Sync {
    /// The figures of the overview, each the number of the rows that [`Figures::each`] names; days as in this zone.
    async fn figures(&self, scope: Scope, now: Timestamp, zone: &TimeZone) -> Result<Figures>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_touch_and_leave_nothing_out() {
        let now: Timestamp = "2026-03-02T10:07:00Z".parse().unwrap();
        let spans: Vec<Span> = AGES.iter().map(|hours| Span::age(*hours, now)).collect();
        assert_eq!((spans[0].until, spans[AGES.len() - 1].from), (Timestamp::MAX, Timestamp::MIN));
        assert!(spans.windows(2).all(|two| two[0].from == two[1].until));
        assert_eq!(spans[0].from.to_string(), "2026-03-02T06:00:00Z", "four hours before the last full quarter");
    }

    #[test]
    fn days_follow_the_zone() {
        let now: Timestamp = "2026-03-29T22:30:00Z".parse().unwrap();
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let days = days(now, &berlin);
        assert_eq!((days.len(), days[13].to_string()), (14, "2026-03-30".into()));
        let short = Span::day(days[12], &berlin);
        assert_eq!(short.until.duration_since(short.from).as_hours(), 23);
        let spans: Vec<Span> = days.iter().map(|day| Span::day(*day, &berlin)).collect();
        assert!(spans.windows(2).all(|two| two[0].until == two[1].from));
    }
}
