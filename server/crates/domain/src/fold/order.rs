//! Third step (R1, R10): the order of the facts. A day without a time is an interval: among the facts of that day it
//! takes the place that its message gives it, else the place that its milestone has on a journey.

use super::{moments::align, standing::Examined};
use crate::{Milestone, event_time::Precision, ids::SnapshotId};
use jiff::{Timestamp, civil::Date};
use std::collections::{HashMap, HashSet};

/// Before, and after, everything of a moment.
const BEFORE: u8 = 0;
const AFTER: u8 = 2;

/// Sorts the facts, once each clock without a zone and each day without a time has its place.
pub(super) fn arrange(facts: &mut [Examined<'_>]) {
    align(facts);
    for (index, slot) in places(facts) {
        facts[index].slot = slot;
    }
    facts.sort_unstable_by_key(Examined::order);
}

fn places(facts: &[Examined<'_>]) -> Vec<(usize, (Timestamp, u8))> {
    let walked = |f: &Examined<'_>| f.counts() && f.is_actual();
    let days: Vec<(usize, Date)> = facts
        .iter()
        .enumerate()
        .filter(|(_, f)| walked(f) && f.time.precision == Precision::Date)
        .filter_map(|(i, f)| Some((i, f.time.local?.date())))
        .collect();
    if days.is_empty() {
        return Vec::new();
    }
    let open: HashSet<Date> = days.iter().map(|(_, day)| *day).collect();
    let mut timed: Vec<&Examined<'_>> =
        facts.iter().filter(|f| walked(f) && f.time.precision > Precision::Date).collect();
    timed.sort_unstable_by_key(|f| f.order());
    let mut company: HashMap<(Date, Option<SnapshotId>), Day> = HashMap::new();
    for examined in timed {
        let Some(day) = examined.time.wall_clock().map(|w| w.date()).filter(|day| open.contains(day)) else { continue };
        company.entry((day, None)).or_default().add(examined.key, along(examined));
        if let Some(list) = examined.list {
            company.entry((day, Some(list))).or_default().add(examined.key, (false, examined.position));
        }
    }
    days.into_iter()
        .filter_map(|(i, day)| {
            let listed = facts[i].list.and_then(|list| company.get(&(day, Some(list))));
            let slot = match listed {
                Some(list) => list.slot((false, facts[i].position)),
                None => company.get(&(day, None))?.slot(along(&facts[i])),
            };
            Some((i, slot?))
        })
        .collect()
}

/// How far along a journey. A message without a milestone may report an exception: it is not taken as settled by what the
/// day had before.
fn along(examined: &Examined<'_>) -> (bool, u32) {
    let milestone = examined.fact.reading.milestone;
    (milestone == Milestone::Info, milestone as u32)
}

type Mark = (bool, u32);

/// The facts of one day that have a time, in order: when, and the highest mark up to there.
#[derive(Default)]
struct Day(Vec<(Timestamp, Mark)>);

impl Day {
    fn add(&mut self, at: Timestamp, mark: Mark) {
        let highest = self.0.last().map_or(mark, |(_, highest)| mark.max(*highest));
        self.0.push((at, highest));
    }

    /// Before the first that is further on, else after all.
    fn slot(&self, mark: Mark) -> Option<(Timestamp, u8)> {
        let next = self.0.partition_point(|(_, highest)| *highest <= mark);
        match self.0.get(next) {
            Some((at, _)) => Some((*at, BEFORE)),
            None => self.0.last().map(|(at, _)| (*at, AFTER)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_goes_before_the_first_that_is_further_on() {
        let at = |hour: i64| Timestamp::from_second(hour * 3600).unwrap();
        let mut day = Day::default();
        for (hour, mark) in [(8, 10), (9, 30), (10, 20)] {
            day.add(at(hour), (false, mark));
        }
        assert_eq!(day.slot((false, 5)), Some((at(8), BEFORE)));
        assert_eq!(day.slot((false, 10)), Some((at(9), BEFORE)));
        assert_eq!(day.slot((false, 30)), Some((at(10), AFTER)));
        assert_eq!(Day::default().slot((false, 1)), None);
    }
}
