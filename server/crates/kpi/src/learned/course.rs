//! The way of one shipment as learning sees it: where it waited and since when, what was received when, how it ended.

use super::{
    cell::{Cell, Shipped},
    silence::{Gap, Receipt, gaps},
    stage::{Hold, Stage},
    transit::{Way, working_hours_between},
};
use crate::contribution::{
    promise::{Deadline, Met, in_force},
    shipment::{Closing, Event, Story, first_receipt},
};
use domain::{
    Category, Classifier, Milestone,
    exceptions::usual::{ShippedTable, UsualTimes},
    fold::Fact,
    punctuality::Moment,
    vocabulary::Phase,
};
use jiff::{Timestamp, civil::Date};

/// Hours of a working day of the table of usual times.
const TABLE_DAY_HOURS: f64 = 24.0;

/// The way of one shipment.
#[derive(Clone, Debug)]
pub struct Course<'a> {
    /// The cells that it lies in, the finest one first.
    pub cells: [Option<Cell>; 5],
    /// The carrier's family.
    pub carrier: Option<String>,
    /// The calendars of its way.
    pub way: Way<'a>,
    /// When it was handed over, at its origin and to the minute; none where that is not known.
    pub handed_over: Option<Timestamp>,
    /// Where it waited from the hand-over on, in order.
    pub stays: Vec<Stay>,
    /// When something new was received of it, and where it was from then on.
    pub receipts: Vec<Receipt>,
    /// How it ended.
    pub end: Option<End>,
    /// The promise that counts: its end, and whether it was kept.
    pub promise: Option<Promise>,
    /// The carrier's estimate at the hand-over, in working hours; a date without a time is the end of its day.
    pub carrier_said: Option<f64>,
    /// Operating hours after which silence alarms by the table.
    pub table_hours: f64,
}

/// A time in one stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stay {
    /// Where.
    pub stage: Stage,
    /// Since when.
    pub from: Timestamp,
    /// Until when; none where it is still there, or that was the last one.
    pub until: Option<Timestamp>,
}

/// How a shipment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It was delivered, or ready for collection where it was never out for delivery.
    Arrived(Moment),
    /// It went back, or was cancelled.
    Left(Timestamp),
    /// It was lost.
    Lost(Timestamp),
}

/// A promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promise {
    /// The first instant that is too late.
    pub end: Timestamp,
    /// Whether it was kept; none where that is not decided by the facts, or it was promised anew.
    pub kept: Option<bool>,
    /// Since when the carrier itself says that it will not be kept.
    pub carrier_late: Option<Timestamp>,
}

impl<'a> Course<'a> {
    /// Of a shipment that is counted.
    pub fn of(story: &Story<'a>, shipped: &Shipped<'_>) -> Self {
        let way = Way { origin: story.of.origin, destination: story.of.destination };
        let scanned = story.hand_over.filter(|event| event.milestone.phase() == Phase::Origin);
        let handed_over = scanned.and_then(|event| match event.moment {
            Moment::Instant(at) => Some(at),
            Moment::Day(_) => None,
        });
        let end = end_of(story, way);
        let usual = ShippedTable.usual(&shipped.lane());
        Self {
            cells: shipped.cells(),
            carrier: shipped.carrier.map(str::to_owned),
            way,
            handed_over,
            stays: stays(story),
            receipts: receipts(&story.events),
            end,
            promise: promise(story, end),
            carrier_said: handed_over.and_then(|at| {
                let known = scanned.map_or(at, |event| event.recorded);
                let said = estimates(story.of.facts).filter(|(received, _)| *received <= known).last()?;
                Some(hours_of(way, at, said.1))
            }),
            table_hours: usual.map_or(0.0, |usual| f64::from(usual.gap) * TABLE_DAY_HOURS),
        }
    }

    /// When it ended, to the instant that it is compared by.
    pub fn ended_at(&self) -> Option<Timestamp> {
        Some(match self.end? {
            End::Arrived(Moment::Instant(at)) | End::Left(at) | End::Lost(at) => at,
            End::Arrived(Moment::Day(day)) => self.way.destination.instant(day, jiff::civil::Time::MAX),
        })
    }

    /// The instant of its arrival; none of what is known by day only.
    pub fn arrived_at(&self) -> Option<Timestamp> {
        match self.end {
            Some(End::Arrived(Moment::Instant(at))) => Some(at),
            _ => None,
        }
    }

    /// The day of its arrival, there.
    pub fn arrival_day(&self) -> Option<Date> {
        match self.end? {
            End::Arrived(Moment::Instant(at)) => Some(self.way.destination.day_of(at)),
            End::Arrived(Moment::Day(day)) => Some(day),
            End::Left(_) | End::Lost(_) => None,
        }
    }

    /// Where it waits now; none before the hand-over and after its end.
    pub fn waits(&self) -> Option<&Stay> {
        self.stays.last().filter(|_| self.end.is_none())
    }

    /// The gaps between receipts with the instant at which each ended, as far as they are known at `at`.
    pub fn gaps(&self, at: Timestamp) -> Vec<(Gap, Timestamp)> {
        let until = self.ended_at().map_or(at, |end| end.min(at));
        let mut all = Vec::new();
        for (place, receipt) in self.receipts.iter().enumerate() {
            let next = self.receipts.get(place + 1).map(|next| next.at).filter(|next| *next <= at);
            let end = next.unwrap_or(until);
            let gap = gaps(&[*receipt], end, self.way.destination, &[]).pop();
            all.extend(gap.map(|gap| (Gap { ended: next.is_some(), ..gap }, end)));
        }
        all
    }

    /// The working hours at its destination between two instants.
    pub fn hours(&self, from: Timestamp, to: Timestamp) -> f64 {
        working_hours_between(self.way.destination, from, to)
    }
}

fn end_of(story: &Story<'_>, way: Way<'_>) -> Option<End> {
    let instant = |moment| match moment {
        Moment::Instant(at) => at,
        Moment::Day(day) => way.destination.instant(day, jiff::civil::Time::MAX),
    };
    let out = story.events.iter().position(|event| event.milestone == Milestone::OutForDelivery);
    let ready = story.events.iter().position(|event| event.milestone == Milestone::AvailableForPickup);
    let ready = ready.filter(|ready| out.is_none_or(|out| *ready < out)).map(|ready| story.events[ready].moment);
    match story.closing {
        Some(Closing::Delivered(at)) => Some(End::Arrived(ready.unwrap_or(at))),
        Some(Closing::Returned(at)) => Some(ready.map_or(End::Left(instant(at)), End::Arrived)),
        Some(Closing::Lost(at)) => Some(End::Lost(instant(at))),
        None if story.is_cancelled() => {
            let since = story.of.plan.standing_since.or(story.events.last().map(|event| event.key));
            since.map(End::Left)
        }
        None => ready.map(End::Arrived),
    }
}

/// Where an event leaves the goods. A hold of customs, of a payment, of instructions is a stage of its own.
fn stage_of(event: &Event<'_>) -> Option<Stage> {
    let holds = |category| matches!(category, Category::Customs | Category::Hold | Category::Payment);
    let held = event.exception.is_some_and(|reason| holds(reason.category()));
    Stage::of(event.milestone, if held { Hold::Open } else { Hold::None })
}

fn stays(story: &Story<'_>) -> Vec<Stay> {
    let Some(handed_over) = story.hand_over else { return Vec::new() };
    let mut all: Vec<Stay> = Vec::new();
    for event in story.events.iter().filter(|event| event.key >= handed_over.key) {
        let (Some(stage), Moment::Instant(from)) = (stage_of(event), event.moment) else { continue };
        match all.last_mut() {
            Some(last) if last.stage == stage => continue,
            Some(last) => last.until = Some(from),
            None => {}
        }
        all.push(Stay { stage, from, until: None });
    }
    all
}

/// What came in together is one.
fn receipts(events: &[Event<'_>]) -> Vec<Receipt> {
    let mut by_receipt: Vec<&Event<'_>> = events.iter().collect();
    by_receipt.sort_by_key(|event| (event.recorded, event.key));
    let mut all: Vec<Receipt> = Vec::new();
    let mut newest: Option<(Timestamp, Stage)> = None;
    for event in by_receipt {
        if let Some(stage) = stage_of(event).filter(|_| newest.is_none_or(|(key, _)| event.key >= key)) {
            newest = Some((event.key, stage));
        }
        let Some((_, stage)) = newest else { continue };
        match all.last_mut() {
            Some(last) if last.at == event.recorded => last.stage = stage,
            _ => all.push(Receipt { at: event.recorded, stage }),
        }
    }
    all
}

/// What the carrier said of the delivery, by when that was received.
fn estimates(facts: &[Fact]) -> impl Iterator<Item = (Timestamp, Moment)> {
    let said = |fact: &Fact| {
        let about = fact.observation.classifier == Classifier::Estimated;
        let about = about && fact.reading.milestone == Milestone::Delivered;
        about.then(|| Some((first_receipt(fact)?, Moment::of(&fact.observation.time)?))).flatten()
    };
    let mut all: Vec<(Timestamp, Moment)> = facts.iter().filter_map(said).collect();
    all.sort_by_key(|(received, _)| *received);
    all.into_iter()
}

/// A moment in working hours from the hand-over; a day is its end.
pub fn hours_of(way: Way<'_>, handed_over: Timestamp, moment: Moment) -> f64 {
    let transit = way.transit(handed_over, moment);
    let end_of_day = f64::from(transit.operating_days + 1) * TABLE_DAY_HOURS;
    transit.working_hours().unwrap_or(end_of_day)
}

fn promise(story: &Story<'_>, end: Option<End>) -> Option<Promise> {
    let deadline = Deadline::of(in_force(story)?, story.of.zone);
    let handed_over = story.hand_over.map(|event| event.recorded);
    let anew = story.of.plan.promises.iter().any(|promise| handed_over.is_some_and(|at| promise.recorded > at));
    let kept = match end {
        Some(End::Arrived(at)) => match deadline.met(at, story.of.zone) {
            Met::InTime => Some(true),
            Met::Late => Some(false),
            Met::Undecided => None,
        },
        Some(End::Lost(_)) => Some(false),
        Some(End::Left(_)) if story.is_cancelled() => None,
        Some(End::Left(_)) => Some(false),
        None => None,
    };
    let late = |(_, moment): &(Timestamp, Moment)| deadline.met(*moment, story.of.zone) == Met::Late;
    Some(Promise {
        end: deadline.end,
        kept: kept.filter(|_| !anew),
        carrier_late: estimates(story.of.facts).find(late).map(|(received, _)| received),
    })
}
