//! Updates of other systems: which fail, how soon they are acknowledged, and whether the systems agree.

use super::{
    current::full_hour,
    row::{Bucket, Contributed, Part},
};
use crate::{definition::Kpi, learned::bins::Scale};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

/// A job that retries for longer has failed, as far as people are concerned.
pub const LONG: SignedDuration = SignedDuration::from_hours(1);
/// After a change the other system gets this long before it disagrees.
pub const SETTLE: SignedDuration = SignedDuration::from_mins(5);

/// A job that updates another system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Update {
    /// Since when it waits.
    pub created: Timestamp,
    /// When it failed for good.
    pub dead: Option<Timestamp>,
    /// When it was done, or dropped.
    pub ended: Option<Timestamp>,
}

/// From when on it counts as failed, until it ended.
pub fn failed(update: &Update, zone: &TimeZone, to: &mut Contributed) {
    let late = update.created.checked_add(LONG).unwrap_or(Timestamp::MAX);
    let from = update.dead.map_or(late, |dead| dead.min(late));
    between(Kpi::SyncFailed, Part::Yes, (from, update.ended), zone, to);
}

/// A state that another system is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// When the event that changed it was received.
    pub received: Timestamp,
    /// When the other system acknowledged it, or a later one; none while it has not.
    pub acknowledged: Option<Timestamp>,
}

/// How soon it was acknowledged.
pub fn acknowledged(written: &Written, zone: &TimeZone, to: &mut Contributed) {
    if let Some(at) = written.acknowledged {
        let took = at.duration_since(written.received).as_secs_f64().max(0.0);
        to.binned(Kpi::OdooLatency, Part::Value, Bucket::at(at, zone), Scale::Relative.bin(took));
    }
}

/// Whether the other system has what was last decided, from the first write on: it does not from the end of the time to settle
/// until it is acknowledged.
pub fn agrees(first_written: Timestamp, changes: &[Written], zone: &TimeZone, to: &mut Contributed) {
    between(Kpi::Convergence, Part::Base, (first_written, None), zone, to);
    between(Kpi::Convergence, Part::Yes, (first_written, None), zone, to);
    let mut reached = first_written;
    for change in changes {
        let from = change.received.checked_add(SETTLE).unwrap_or(Timestamp::MAX).max(reached);
        let until = change.acknowledged.unwrap_or(Timestamp::MAX);
        if from < until {
            disagrees((from, change.acknowledged), zone, to);
            reached = until;
        }
    }
}

fn disagrees(span: (Timestamp, Option<Timestamp>), zone: &TimeZone, to: &mut Contributed) {
    step(Kpi::Convergence, Part::Yes, (span.0, -1), zone, to);
    if let Some(until) = span.1 {
        step(Kpi::Convergence, Part::Yes, (until, 1), zone, to);
    }
}

fn between(kpi: Kpi, part: Part, (from, until): (Timestamp, Option<Timestamp>), zone: &TimeZone, to: &mut Contributed) {
    if until.is_some_and(|until| until <= from) {
        return;
    }
    step(kpi, part, (from, 1), zone, to);
    if let Some(until) = until {
        step(kpi, part, (until, -1), zone, to);
    }
}

fn step(kpi: Kpi, part: Part, (at, n): (Timestamp, i64), zone: &TimeZone, to: &mut Contributed) {
    let hour = full_hour(at);
    let Ok(boundary) = Timestamp::from_second(hour * 3_600) else { return };
    to.add(kpi, part, Bucket::at(boundary, zone), Some(i32::try_from(hour).unwrap_or(i32::MAX)), n);
}
