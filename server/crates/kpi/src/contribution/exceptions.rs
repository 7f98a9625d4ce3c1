//! Exceptions: how many per shipment, how many open, how long they take, and which end by themselves.

use super::{
    current::full_hour,
    row::{Bucket, Contributed, Part},
    shipment::{Story, Trouble},
};
use crate::{
    definition::Kpi,
    learned::bins::{Percentile, Scale},
};
use domain::Severity;
use jiff::{Timestamp, tz::TimeZone};

/// The edges of the ages of open exceptions, in hours.
pub const AGE_EDGES: &[f64] = &[4.0, 8.0, 24.0, 48.0, 96.0];

/// All of them, and the hand-over that the rate is compared with.
pub fn contribute(story: &Story<'_>, to: &mut Contributed) {
    if let Some(hand_over) = story.hand_over {
        let bucket = story.bucket(hand_over.moment);
        to.one(Kpi::ExceptionRate, Part::Base, bucket);
        to.one(Kpi::CasesOpened, Part::Base, bucket);
    }
    for trouble in story.of.troubles.iter().filter(|trouble| trouble.severity >= Severity::Minor) {
        one(trouble, story.of.company_zone, to);
    }
}

fn one(trouble: &Trouble, zone: &TimeZone, to: &mut Contributed) {
    open_at(trouble.recorded, 1, zone, to);
    if let Some(closed) = trouble.closed {
        open_at(closed.recorded.max(trouble.recorded), -1, zone, to);
        if closed.taken_back {
            return;
        }
        let bucket = Bucket::at(closed.recorded, zone);
        let took = closed.recorded.duration_since(trouble.recorded);
        to.binned(Kpi::ExceptionTime, Part::Value, bucket, Scale::Relative.bin(took.as_secs_f64()));
        let by_itself = !trouble.ticket && !closed.by_person;
        to.one(Kpi::Deflection, if by_itself { Part::Yes } else { Part::No }, bucket);
    }
    to.one(Kpi::ExceptionRate, Part::Yes, Bucket::at(trouble.opened, zone));
}

/// One more, or one less, that is open from the first full hour on; its bin is that hour.
fn open_at(at: Timestamp, n: i64, zone: &TimeZone, to: &mut Contributed) {
    let hour = full_hour(at);
    let Ok(boundary) = Timestamp::from_second(hour * 3_600) else { return };
    let bin = i32::try_from(hour).unwrap_or(i32::MAX);
    to.add(Kpi::ExceptionsOpen, Part::Yes, Bucket::at(boundary, zone), Some(bin), n);
}

/// How old open exceptions are: how many of each age, and the ages at P50 and P90; none among none.
#[derive(Clone, Debug, PartialEq)]
pub struct Ages {
    /// One for each of [`AGE_EDGES`], and one for what is older.
    pub buckets: Vec<u64>,
    /// The median, in hours.
    pub p50: Option<f64>,
    /// P90, in hours.
    pub p90: Option<f64>,
}

/// The ages of open exceptions, given in hours.
pub fn ages(mut hours: Vec<f64>) -> Ages {
    let mut buckets = vec![0; AGE_EDGES.len() + 1];
    for age in &hours {
        buckets[AGE_EDGES.partition_point(|edge| edge <= age)] += 1;
    }
    Ages { buckets, p50: Percentile::P50.of(&mut hours), p90: Percentile::P90.of(&mut hours) }
}
