//! What happens to many parcels at once, by the part of the history in which it does: a storm, a strike, an outage of a source, a
//! carrier whose times change, the weeks before Christmas.

use super::map::{DRIFTS, Haulier, STRIKES, area};
use crate::journey::{Feed, Place};
use jiff::{
    SignedDuration, Timestamp, ToSpan,
    civil::{Date, date},
    tz::TimeZone,
};

/// A history of fewer days has neither storm nor strike, drift nor outage.
pub const DAYS_LEAST: u32 = 28;
/// Days of the storm.
const STORM_DAYS: i32 = 4;
/// Days of the strike.
const STRIKE_DAYS: i32 = 3;
/// Hours of the outage.
const OUTAGE: SignedDuration = SignedDuration::from_hours(30);
/// German areas under the storm: the coast and the lowlands.
const STORMY: std::ops::RangeInclusive<&str> = "17"..="29";
/// Of a hundred, how much more comes in the weeks before Christmas.
const PEAK_PERCENT: u64 = 160;
/// How many more of a thousand take a day longer then.
const PEAK_SLOW: u64 = 60;

/// From the first day to the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first.
    pub first: Date,
    /// The last.
    pub last: Date,
}

impl Span {
    /// Whether a day is one of them.
    pub fn has(&self, day: Date) -> bool {
        (self.first..=self.last).contains(&day)
    }
}

/// Why a parcel was held up that would have come in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldUp {
    /// By the storm.
    Storm,
    /// By the strike.
    Strike,
    /// The carrier's times have changed.
    Drift,
    /// It was before Christmas.
    Peak,
}

/// The incidents of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incidents {
    /// Deliveries in the stormy areas wait for its end.
    pub storm: Option<Span>,
    /// Deliveries of the carrier that strikes wait for its end.
    pub strike: Option<Span>,
    /// From this day on the drifting carrier takes longer.
    pub drift_from: Option<Date>,
    /// Messages of the source about UPS and FedEx wait for its end.
    pub outage: Option<(Timestamp, Timestamp)>,
}

impl Incidents {
    /// Those of so many days that end on this one: the strike after a third, the storm a bit after the middle, the drift and the
    /// outage in the last third.
    pub fn of(last: Date, days: u32) -> Self {
        if days < DAYS_LEAST {
            return Self { storm: None, strike: None, drift_from: None, outage: None };
        }
        let at = |percent: u32| {
            let back = days - days * percent / 100;
            monday(last.checked_sub(i64::from(back).days()).unwrap_or(last))
        };
        let span = |first: Date, days: i32| Span { first, last: first.checked_add((days - 1).days()).unwrap_or(first) };
        let from = at(78).at(15, 0, 0, 0).to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp()).ok();
        Self {
            storm: Some(span(at(58), STORM_DAYS)),
            strike: Some(span(at(35), STRIKE_DAYS)),
            drift_from: Some(at(70)),
            outage: from.map(|from| (from, from.checked_add(OUTAGE).unwrap_or(from))),
        }
    }

    /// Why nothing is delivered there on this day.
    pub fn holds(&self, haulier: &Haulier, to: &Place, day: Date) -> Option<HeldUp> {
        if self.storm.is_some_and(|storm| storm.has(day)) && is_stormy(to) {
            return Some(HeldUp::Storm);
        }
        let strikes = haulier.carrier.label == STRIKES && to.country == "DE";
        (strikes && self.strike.is_some_and(|strike| strike.has(day))).then_some(HeldUp::Strike)
    }

    /// Whether the carrier's times have changed by this day.
    pub fn has_drifted(&self, haulier: &Haulier, day: Date) -> bool {
        haulier.carrier.label == DRIFTS && self.drift_from.is_some_and(|from| day >= from)
    }

    /// When a message of this source comes that would have come now.
    pub fn received(&self, feed: Feed, at: Timestamp) -> Timestamp {
        match self.outage {
            Some((from, until)) if feed == Feed::Easypost && (from..until).contains(&at) => {
                // in the order in which they would have come, a hundred times faster
                let after = at.duration_since(from).as_secs() / 100;
                until.checked_add(SignedDuration::from_secs(after)).unwrap_or(until)
            }
            _ => at,
        }
    }
}

fn monday(day: Date) -> Date {
    day.checked_sub(i64::from(day.weekday().to_monday_zero_offset()).days()).unwrap_or(day)
}

fn is_stormy(to: &Place) -> bool {
    to.country == "NL" || (to.country == "DE" && STORMY.contains(&area(to)))
}

/// Whether a day is in the weeks before Christmas: from the Monday of ISO week 47 on.
pub fn is_peak(day: Date) -> bool {
    day <= date(day.year(), 12, 24) && day.month() >= 11 && day.iso_week_date().week() >= 47
}

/// How many more of a thousand take a day longer at that time.
pub fn slow_of_peak(day: Date) -> u64 {
    if is_peak(day) { PEAK_SLOW } else { 0 }
}

/// How much is ordered on a day, against others.
pub fn volume(day: Date) -> u64 {
    let of_weekday = match day.weekday().to_monday_zero_offset() {
        0 => 130,
        1..=3 => 110,
        4 => 95,
        5 => 35,
        _ => 25,
    };
    if is_peak(day) { of_weekday * PEAK_PERCENT / 100 } else { of_weekday }
}
