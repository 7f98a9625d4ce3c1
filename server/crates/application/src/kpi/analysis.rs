//! The exceptions of a period, one by one: what the pages count by reason, by who is responsible, by place, by hour. They are those
//! that count for the rate of exceptions, so that each number is the number of its rows.

use super::read::{Period, Question, check, zone};
use crate::{caller::Caller, context::Context, error::Result};
use domain::{ExceptionReason, Party, access::Permission, fold::Resolution};
use jiff::{ToSpan as _, civil::Date, tz::TimeZone};
use kpi::learned::bins::Percentile;
use std::collections::BTreeMap;
use storage::{
    figures::Span,
    reports::{TroubleQuery, TroubleRow},
};

/// Shipments whose exceptions are read at most; a page that is cut says so.
pub const SHIPMENTS_MAX: u32 = 20_000;
/// So many exceptions make a customer a repeated one.
pub const REPEATED: u64 = 3;

/// The exceptions of a period.
#[derive(Clone, Debug)]
pub struct Troubles {
    /// They, newest first.
    pub rows: Vec<TroubleRow>,
    /// Whether there are more than were read.
    pub cut: bool,
    /// The company's zone.
    pub zone: TimeZone,
}

/// Reads them.
///
/// # Errors
/// When the caller may not, the period is too long, or the store fails.
pub async fn troubles(context: &Context, caller: &Caller, question: &Question) -> Result<Troubles> {
    caller.require(Permission::Figures)?;
    check(question)?;
    let (zone, Period { from, until }) = (zone(context, caller).await?, question.period);
    let query = TroubleQuery {
        from,
        until,
        begin: Span::day(from, &zone).from,
        end: Span::day(until.saturating_sub(1.day()), &zone).until,
        filter: question.filter.clone(),
        shipments: SHIPMENTS_MAX,
    };
    let found = context.store.reports.troubles(caller.scope(), query).await?;
    Ok(Troubles { rows: found.rows, cut: found.cut, zone })
}

/// How many there are of each, the most frequent first; of equal ones in their own order.
pub fn counted<K: Ord>(keys: impl Iterator<Item = K>) -> Vec<(K, u64)> {
    let mut counts: BTreeMap<K, u64> = BTreeMap::new();
    for key in keys {
        *counts.entry(key).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    counts
}

impl Troubles {
    /// By reason.
    pub fn reasons(&self) -> Vec<(ExceptionReason, u64)> {
        counted(self.rows.iter().map(|row| row.exception.reason))
    }

    /// By who is responsible.
    pub fn parties(&self) -> Vec<(Party, u64)> {
        counted(self.rows.iter().map(|row| row.exception.responsible))
    }

    /// By weekday (0 is Monday) and hour of the company's zone when they began.
    pub fn hours(&self) -> [[u64; 24]; 7] {
        let mut hours = [[0; 24]; 7];
        for row in &self.rows {
            let local = self.zone.to_datetime(row.exception.opened_at);
            let day = usize::try_from(local.weekday().to_monday_zero_offset()).unwrap_or_default();
            hours[day][usize::try_from(local.hour()).unwrap_or_default()] += 1;
        }
        hours
    }

    /// The local day on which one began.
    pub fn day(&self, row: &TroubleRow) -> Date {
        self.zone.to_datetime(row.exception.opened_at).date()
    }

    /// How long those that ended took, in hours.
    pub fn durations(&self) -> Vec<f64> {
        self.rows.iter().filter_map(hours_to_end).collect()
    }
}

/// The hours from when it could first be known to when its end was; none of one that is open.
pub fn hours_to_end(row: &TroubleRow) -> Option<f64> {
    let ended = row.exception.closed_recorded_at.filter(|_| row.exception.closed.is_some())?;
    Some(ended.duration_since(row.exception.recorded_at).as_secs_f64().max(0.0) / 3_600.0)
}

/// Whether it ended without a ticket and without a person.
pub fn ended_by_itself(row: &TroubleRow) -> bool {
    row.exception.closed.is_some_and(|(_, how)| how != Resolution::Person) && !row.ticket
}

/// The median and P90; none of none.
pub fn percentiles(mut hours: Vec<f64>) -> (Option<f64>, Option<f64>) {
    (Percentile::P50.of(&mut hours), Percentile::P90.of(&mut hours))
}
