//! What is kept of a shipment between two nights: what it adds to the counts, the estimate that was made of it, and what would have been
//! said of it. It follows from what was kept, its way, and the model in force since; so a night that is done again keeps the same.

use super::{
    annotation::Annotation,
    bins::Scale,
    count::{Count, Measure, Topic, What, day_number, score_of},
    course::{Course, End, Stay, hours_of},
    history::Week,
    late::{LEAD_HOURS_MIN, p_late},
    outlook::{Outlook, crosses},
};
use domain::punctuality::Moment;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// An estimate is made of what was handed over so long before a night: scans may come in late.
const LATE_SCANS: SignedDuration = SignedDuration::from_hours(48);
/// Hours up to which errors are distinguished, either way.
const ERROR_HOURS_MAX: f64 = 240.0;

/// What is kept of a shipment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// What it adds, in order.
    pub counts: Vec<Count>,
    /// The estimate at the hand-over, never made anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predicted: Option<Predicted>,
    /// What was said of it.
    pub said: Said,
    /// Whether it is still under way, so that it adds something else tomorrow.
    pub open: bool,
}

/// An estimate as it was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Predicted {
    /// The number of the model.
    pub model: u32,
    /// The level of the finest cell that it rests on.
    pub level: Option<u8>,
    /// The nine quantiles in working hours from the induction day.
    pub hours: [Option<f64>; 9],
    /// What the carrier said then, in the same hours.
    pub carrier: Option<f64>,
}

/// What was said of a shipment while it was under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Said {
    /// The highest probability of being late while it might have been flagged; none where it never might.
    pub highest: Option<f64>,
    /// Working hours before the deadline at which it was flagged first.
    pub flagged_before: Option<f64>,
    /// Whether silence alarmed.
    pub alarmed: bool,
}

/// A time between two nights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// After this.
    pub from: Timestamp,
    /// Up to this.
    pub to: Timestamp,
}

impl Kept {
    /// What is kept after an interval, in which a model was in force, if there was one. What is open is so at its
    /// end.
    pub fn after(
        &self,
        course: &Course<'_>,
        outlook: Option<&Outlook>,
        interval: Interval,
        left_out: &[Annotation],
    ) -> Self {
        let predicted = self.predicted.clone().or_else(|| predicted(course, outlook?, interval));
        let said = outlook.map_or(self.said, |outlook| self.said.after(course, outlook, interval));
        let mut counts = if is_left_out(course, left_out) { Vec::new() } else { learned(course, interval.to) };
        scored(course, predicted.as_ref(), &said, &mut counts);
        counts.sort_unstable();
        Self { counts, predicted, said, open: course.end.is_none() && !course.stays.is_empty() }
    }
}

/// Whether it was handed over on a day that was unlike others. Nothing is learned of it; how it did counts.
fn is_left_out(course: &Course<'_>, left_out: &[Annotation]) -> bool {
    let first = course.handed_over.or(course.stays.first().map(|stay| stay.from));
    let day = first.map(|first| course.way.induction_day(first));
    day.is_some_and(|day| left_out.iter().any(|note| note.leaves_out(day, course.carrier.as_deref(), &[])))
}

fn predicted(course: &Course<'_>, outlook: &Outlook, interval: Interval) -> Option<Predicted> {
    let handed_over = course.handed_over?;
    let lately = interval.from.checked_sub(LATE_SCANS).unwrap_or(Timestamp::MIN);
    let unknown_then = course.ended_at().is_none_or(|end| end > interval.from);
    if handed_over <= lately || !unknown_then {
        return None;
    }
    let (quantiles, depth) = outlook.at_hand_over()?;
    Some(Predicted {
        model: outlook.model,
        level: depth.and_then(|depth| u8::try_from(depth.level()).ok()),
        hours: quantiles.0,
        carrier: course.carrier_said,
    })
}

impl Said {
    fn after(self, course: &Course<'_>, outlook: &Outlook, interval: Interval) -> Self {
        let mut said = self;
        for stay in &course.stays {
            said.watched(course, outlook, stay, interval);
        }
        let ended_now = |end: Timestamp| end > interval.from && end <= interval.to;
        said.alarmed |= course
            .gaps(interval.to)
            .iter()
            .filter(|(_, end)| ended_now(*end))
            .any(|(gap, _)| gap.hours > outlook.silence(gap.stage, course.table_hours).hours);
        said
    }

    /// Looks at the part of a stay that lies in the interval. The probability only grows while it waits.
    fn watched(&mut self, course: &Course<'_>, outlook: &Outlook, stay: &Stay, interval: Interval) {
        let Some(promise) = course.promise else { return };
        let ends = [stay.until, course.ended_at(), promise.carrier_late, Some(interval.to)];
        let Some(until) = ends.into_iter().flatten().min() else { return };
        let from = stay.from.max(interval.from);
        let deadline = course.hours(stay.from, promise.end);
        let (begin, end) =
            (course.hours(stay.from, from), course.hours(stay.from, until).min(deadline - LEAD_HOURS_MIN));
        if until < from || end < begin {
            return;
        }
        let known = outlook.known(Topic::Left(stay.stage)).filter(super::eta::Known::is_shown);
        let Some(known) = known else { return };
        let highest = p_late(&known.mixture.curve, end, deadline);
        self.highest = Some(self.highest.map_or(highest, |before| before.max(highest)));
        let crossed = outlook.theta.and_then(|theta| crosses(&known.mixture.curve, theta, deadline));
        if let Some(waited) = crossed.filter(|waited| *waited <= end) {
            self.flagged_before.get_or_insert(deadline - waited.max(begin));
        }
    }
}

/// What a shipment adds to what is learned in its cells.
fn learned(course: &Course<'_>, at: Timestamp) -> Vec<Count> {
    let mut counts = Vec::new();
    let Some(first) = course.handed_over.or(course.stays.first().map(|stay| stay.from)) else { return counts };
    let week = Week::of(course.way.induction_day(first)).0;
    let mut add = |what: What, bin: i32| {
        let of_cell = |cell: &super::cell::Cell| Count { cell: cell.to_string(), what, period: week, bin };
        counts.extend(course.cells.iter().flatten().map(of_cell));
    };
    let bin = |hours: f64| Scale::WorkingHours.bin(hours);
    let timed = !matches!(course.end, Some(End::Arrived(Moment::Day(_))));
    let (arrived, until) = (course.arrived_at(), course.ended_at().unwrap_or(at).min(at));
    if let Some(handed_over) = course.handed_over.filter(|_| timed) {
        let hours = course.way.elapsed(handed_over, until);
        let what = if arrived.is_some() { What::Ended } else { What::Censored };
        add(what(Topic::Transit), bin(hours));
    }
    for stay in course.stays.iter().filter(|stay| timed && stay.from < until) {
        let what = if arrived.is_some() { What::Ended } else { What::Censored };
        add(what(Topic::Left(stay.stage)), bin(course.hours(stay.from, until)));
    }
    if matches!(course.end, Some(End::Lost(_))) {
        return counts;
    }
    let gaps = course.gaps(at);
    if course.end.is_some() && !gaps.is_empty() {
        add(What::Ended(Topic::Gapped), i32::try_from(gaps.len()).unwrap_or(i32::MAX));
    }
    for (gap, _) in gaps {
        let what = if gap.ended { What::Ended } else { What::Censored };
        add(what(Topic::Gap(gap.stage)), bin(gap.hours));
    }
    counts
}

/// How well what was said of it did.
fn scored(course: &Course<'_>, predicted: Option<&Predicted>, said: &Said, counts: &mut Vec<Count>) {
    let cell = score_of(course.carrier.as_deref());
    let ended = course.arrival_day().or(course.ended_at().map(|end| course.way.destination.day_of(end)));
    let Some(period) = ended.map(day_number) else { return };
    let mut add = |measure, bin: i32| {
        counts.push(Count { cell: cell.clone(), what: What::Scored(measure), period, bin });
    };
    if let (Some(predicted), Some(handed_over), Some(arrived)) = (predicted, course.handed_over, course.arrived_at()) {
        let actual = hours_of(course.way, handed_over, Moment::Instant(arrived));
        for (place, hours) in predicted.hours.iter().enumerate().filter_map(|(at, of)| Some((at, (*of)?))) {
            let place = i32::try_from(place).unwrap_or(i32::MAX);
            add(Measure::Made, place);
            if actual <= hours {
                add(Measure::Held, place);
            }
        }
        let error = |of: f64| (actual - of).clamp(-ERROR_HOURS_MAX, ERROR_HOURS_MAX).floor() as i32;
        if let Some(ours) = predicted.hours[4] {
            add(Measure::Ours, error(ours));
            if let Some(theirs) = predicted.carrier {
                add(Measure::Paired, error(ours));
                add(Measure::Theirs, error(theirs));
            }
        }
    }
    if let (Some(kept), Some(highest)) = (course.promise.and_then(|promise| promise.kept), said.highest) {
        let percent = (highest * 100.0 + 1e-9).floor() as i32;
        add(if kept { Measure::HighestInTime } else { Measure::HighestLate }, percent);
        let flagged = i32::from(said.flagged_before.is_some());
        if flagged == 1 {
            add(Measure::Flag, i32::from(!kept));
        }
        if !kept {
            add(Measure::Late, flagged);
        }
        if let Some(lead) = said.flagged_before.filter(|_| !kept) {
            add(Measure::Lead, lead.round() as i32);
        }
    }
    if predicted.is_some() && matches!(course.end, Some(End::Arrived(_))) {
        add(Measure::Quiet, i32::from(said.alarmed));
    }
}
