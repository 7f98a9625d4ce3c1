//! A shipment as figures see it: what was reported and counts, in order, and the ends and beginnings that follow from it.

use super::{cases::Case, row::Bucket};
use domain::{
    Classifier, ExceptionReason, Milestone, Severity, State,
    calendar::Calendar,
    event_time::EventTime,
    fold::{Fact, Folded, Plan, Standing},
    ids::{IdMap, ObservationId},
    punctuality::Moment,
    vocabulary::{Nature, Phase},
};
use jiff::{Timestamp, tz::TimeZone};

/// Everything that the figures of a shipment are counted from.
#[derive(Clone, Copy, Debug)]
pub struct Shipment<'a> {
    /// Whether it is of an order; one of no order counts nowhere.
    pub linked: bool,
    /// Whether everything about it is simulated; it counts nowhere.
    pub test: bool,
    /// Whether it brings goods back, or in.
    pub inbound: bool,
    /// The company's zone: where buckets lie.
    pub company_zone: &'a TimeZone,
    /// The zone of the place of delivery: where promised days end.
    pub zone: &'a TimeZone,
    /// The working days of the place that it leaves, with the cut-off.
    pub origin: &'a Calendar,
    /// The working days of the place of delivery.
    pub destination: &'a Calendar,
    /// What was meant to happen.
    pub plan: &'a Plan,
    /// Every statement, those that do not count too.
    pub facts: &'a [Fact],
    /// What the fold makes of them.
    pub folded: &'a Folded,
    /// Its exceptions as they are kept.
    pub troubles: &'a [Trouble],
    /// Its tickets.
    pub cases: &'a [Case],
}

/// An exception as figures see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Why.
    pub reason: ExceptionReason,
    /// How much a person is needed.
    pub severity: Severity,
    /// When it began.
    pub opened: Timestamp,
    /// When that could first be known.
    pub recorded: Timestamp,
    /// How it ended.
    pub closed: Option<Closed>,
    /// Whether there is a ticket for it.
    pub ticket: bool,
}

/// How an exception ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// When, by the event.
    pub at: Timestamp,
    /// When that was recorded.
    pub recorded: Timestamp,
    /// Whether what it was opened by was taken back.
    pub taken_back: bool,
    /// Whether a person ended it.
    pub by_person: bool,
}

/// Something that was reported of the goods and counts.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// What.
    pub milestone: Milestone,
    /// When, as exactly as it is known.
    pub moment: Moment,
    /// When, to the instant that it is ordered by.
    pub key: Timestamp,
    /// When it was first received.
    pub recorded: Timestamp,
    /// The piece that it is about.
    pub piece: Option<&'a str>,
    /// The exception that it reports.
    pub exception: Option<ExceptionReason>,
}

impl Event<'_> {
    /// Whether the carrier has the goods by it.
    pub fn is_hand_over(&self) -> bool {
        self.milestone.nature() == Nature::Physical
            && self.milestone.state().is_some_and(State::has_left)
            && self.milestone.phase() != Phase::Return
    }

    /// Whether it begins the way back.
    pub fn goes_back(&self) -> bool {
        self.milestone.phase() == Phase::Return
    }

    /// Whether it ends as a loss.
    pub fn is_loss(&self) -> bool {
        matches!(self.milestone, Milestone::Lost | Milestone::Destroyed)
    }
}

/// How a shipment ended, by the first event that ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// Delivered, all pieces of it.
    Delivered(Moment),
    /// It went back to the sender before it was delivered.
    Returned(Moment),
    /// Lost or destroyed.
    Lost(Moment),
}

impl Closing {
    /// When.
    pub const fn moment(self) -> Moment {
        match self {
            Self::Delivered(at) | Self::Returned(at) | Self::Lost(at) => at,
        }
    }
}

/// What the counting functions share, worked out once for each shipment.
#[derive(Clone, Debug)]
pub struct Story<'a> {
    /// The shipment.
    pub of: Shipment<'a>,
    /// What was reported and counts, in order.
    pub events: Vec<Event<'a>>,
    /// The first physical hand-over.
    pub hand_over: Option<Event<'a>>,
    /// How it ended.
    pub closing: Option<Closing>,
    /// When the delivery was first recorded; of several pieces the last time.
    pub delivery_recorded: Option<Timestamp>,
    /// The standing of every statement.
    pub standings: IdMap<ObservationId, Standing>,
}

impl<'a> Story<'a> {
    /// Of a shipment.
    pub fn of(of: Shipment<'a>) -> Self {
        let standings: IdMap<ObservationId, Standing> =
            of.folded.verdicts.iter().map(|verdict| (verdict.fact, verdict.standing)).collect();
        let mut placed: Vec<_> = of
            .facts
            .iter()
            .filter(|fact| standings.get(&fact.id).is_some_and(|standing| counts(*standing)))
            .filter(|fact| fact.observation.classifier == Classifier::Actual)
            .filter_map(event)
            .collect();
        placed.sort_by_key(|(order, _)| *order);
        let events: Vec<Event<'a>> = placed.into_iter().map(|(_, event)| event).collect();
        let hand_over = events.iter().find(|event| event.is_hand_over()).copied();
        let delivered =
            || events.iter().filter(|event| event.milestone == Milestone::Delivered).map(|event| event.recorded);
        // several pieces are delivered with the last of them
        let delivery_recorded = if of.folded.pieces.len() > 1 { delivered().max() } else { delivered().min() };
        let closing = closing(&events, of.folded);
        Self { of, events, hand_over, closing, delivery_recorded, standings }
    }

    /// The day and hour of a moment, in the company's zone; a day is the local one.
    pub fn bucket(&self, moment: Moment) -> Bucket {
        match moment {
            Moment::Instant(at) => Bucket::at(at, self.of.company_zone),
            Moment::Day(day) => Bucket::day(day),
        }
    }

    /// When it was delivered.
    pub fn delivered(&self) -> Option<Moment> {
        match self.closing {
            Some(Closing::Delivered(at)) => Some(at),
            _ => None,
        }
    }

    /// Whether it was cancelled and did not move.
    pub fn is_cancelled(&self) -> bool {
        self.of.folded.state == State::Cancelled
    }
}

fn counts(standing: Standing) -> bool {
    matches!(standing, Standing::Decides | Standing::Counts | Standing::Overruled | Standing::Overlay)
}

/// By what events are ordered, as the fold orders them: time, place in the message, rank.
type Order = (Timestamp, u32, u16, ObservationId);

fn event(fact: &Fact) -> Option<(Order, Event<'_>)> {
    let time = &fact.observation.time;
    let recorded = first_receipt(fact)?;
    let key = time.sort_key()?;
    let milestone = match (fact.reading.milestone.state(), fact.reading.floor) {
        (None, Some(State::Delivered)) => Milestone::Delivered,
        _ => fact.reading.milestone,
    };
    let event = Event {
        milestone,
        moment: Moment::of(time)?,
        key,
        recorded,
        piece: fact.piece.as_deref().or(fact.observation.piece.as_deref()),
        exception: fact.reading.exception,
    };
    let position = fact.sightings.iter().map(|sighting| sighting.position).max().unwrap_or_default();
    Some(((key, position, milestone.rank(), fact.id), event))
}

/// When a statement was first received.
pub fn first_receipt(fact: &Fact) -> Option<Timestamp> {
    fact.sightings.iter().map(|sighting| sighting.recorded_at).min()
}

/// The latest instant at which something can have happened.
pub fn latest(time: &EventTime) -> Option<Timestamp> {
    match Moment::of(time)? {
        Moment::Instant(at) => Some(at),
        Moment::Day(_) => time.interval().map(|(_, until)| until),
    }
}

/// The first event that ends it. Several pieces end together, with the last; until then nothing has ended.
fn closing(events: &[Event<'_>], folded: &Folded) -> Option<Closing> {
    let delivered = || folded.delivered_at.as_ref().and_then(Moment::of).map(Closing::Delivered);
    if folded.pieces.len() > 1 {
        let back_or_lost = |event: &&Event<'_>| event.goes_back() || event.is_loss();
        return match folded.state {
            State::Delivered => delivered(),
            State::Returning | State::Returned | State::Failed => {
                events.iter().find(back_or_lost).map(end_of).or_else(delivered)
            }
            _ => None,
        };
    }
    for (place, event) in events.iter().enumerate() {
        let later_scan = || events[place + 1..].iter().any(|later| later.is_hand_over());
        match event.milestone {
            Milestone::Delivered => return Some(Closing::Delivered(event.moment)),
            _ if event.goes_back() => return Some(end_of(event)),
            // one that is found again was not lost
            _ if event.is_loss() && !later_scan() => return Some(end_of(event)),
            _ => {}
        }
    }
    // by the order system alone: received into stock
    delivered().filter(|_| folded.state == State::Delivered)
}

fn end_of(event: &Event<'_>) -> Closing {
    if event.is_loss() { Closing::Lost(event.moment) } else { Closing::Returned(event.moment) }
}
