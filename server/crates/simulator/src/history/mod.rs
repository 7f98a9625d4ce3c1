//! A world of any size with known ground truth: what was ordered, what carriers reported of it and when, and what is truly so. Each
//! shipment follows from the seed and its number alone, so that a million of them need no memory. Numbers go by time: a later one
//! was ordered later, but for the hour.
//!
//! [`map`] has carriers, warehouses and towns, [`lanes`] how long parcels take, [`days`] when carriers work, [`incidents`] what
//! happens to many at once, [`course`] what becomes of one parcel, [`reports`] what is received of it.

pub mod course;
pub mod days;
pub mod incidents;
pub mod lanes;
pub mod map;
pub mod reports;

use crate::{
    journey::{Carrier, Place},
    numbers::number,
    rng::Rng,
};
use course::{Course, Journey, Trouble, inducted, moment};
use incidents::{HeldUp, Incidents, volume};
use jiff::{SignedDuration, Timestamp, ToSpan, civil::Date, tz::TimeZone};
use lanes::{Lane, Took};
use map::{Class, HAULIERS, Haulier, SEGMENTS, Service, TOWNS, WAREHOUSES, Warehouse};
use reports::Report;
use serde::Serialize;

/// Each customer has so many shipments, about.
const SHIPMENTS_OF_A_CUSTOMER: u64 = 12;
/// Cancelled before they leave, of a thousand.
const CANCELLED: u64 = 9;
/// Without a promised date, of a hundred.
const UNPROMISED: u64 = 6;
/// Of several pieces, of a hundred.
const IN_PIECES: u64 = 6;
/// Pieces at most.
const PIECES_MAX: u64 = 4;
/// In what share of them one piece comes a day after the others, of a hundred.
const SPLIT: u64 = 20;

/// What is to be made.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// The same seed makes the same world.
    pub seed: u64,
    /// How many shipments.
    pub shipments: u64,
    /// Over how many days.
    pub days: u32,
    /// The end: nothing is known of what comes later.
    pub until: Timestamp,
    /// Of a hundred shipments, how many were ordered in the last two days; none: as many as on any other days.
    pub lately_percent: Option<u64>,
}

/// The world.
#[derive(Clone, Debug)]
pub struct History {
    wanted: Wanted,
    /// The days, each with the number of the first shipment that was not yet ordered before it.
    days: Vec<(Date, u64)>,
    incidents: Incidents,
}

/// A promise to the customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "at", rename_all = "snake_case")]
pub enum Promise {
    /// By the end of this day, at the place of delivery.
    Day(Date),
    /// By this moment.
    Instant(Timestamp),
}

impl Promise {
    /// The last moment that keeps it, there.
    pub fn by(self, zone: &TimeZone) -> Timestamp {
        match self {
            Self::Day(day) => crate::journey::later(moment(day, 24 * 60 - 1, zone), SignedDuration::from_secs(59)),
            Self::Instant(at) => at,
        }
    }

    /// Whether a delivery at this time keeps it.
    pub fn is_kept(self, delivered: Timestamp, zone: &TimeZone) -> bool {
        match self {
            Self::Day(day) => delivered.to_zoned(zone.clone()).date() <= day,
            Self::Instant(at) => delivered <= at,
        }
    }
}

/// A piece under a number of its own.
#[derive(Clone, Debug)]
pub struct Piece {
    /// The number.
    pub number: String,
    /// Its course, to the end; what comes after the end of the history is not reported.
    pub course: Course,
}

/// What a service desk makes of a trouble, if there is a ticket: minutes after it is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Desk {
    /// Until a person first acts.
    pub first_action: i64,
    /// Until it is solved.
    pub solved: i64,
}

/// A shipment.
#[derive(Clone, Debug)]
pub struct Shipment {
    /// Counted from 0.
    pub number: u64,
    /// Who carries it.
    pub haulier: &'static Haulier,
    /// By which service.
    pub service: &'static Service,
    /// From where.
    pub from: &'static Warehouse,
    /// Where to.
    pub to: Place,
    /// To whom.
    pub customer: u64,
    /// The customer's segment.
    pub segment: &'static str,
    /// When it was ordered, and its label made.
    pub ordered: Timestamp,
    /// The day of induction.
    pub inducted: Date,
    /// What was promised.
    pub promise: Option<Promise>,
    /// When it was cancelled.
    pub cancelled: Option<Timestamp>,
    /// Its pieces; one has the shipment as a whole.
    pub pieces: Vec<Piece>,
    /// What is received until the end, by time.
    pub reports: Vec<Report>,
    /// What a service desk would make of a trouble.
    pub desk: Desk,
    /// When the order was invoiced, where it is.
    pub invoiced: Option<Timestamp>,
}

/// What is truly so of a shipment, as a line of a file.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "named as they are in the file; the fields of `Shipment` say what they are")]
pub struct Truth {
    pub number: u64,
    pub delivery: String,
    pub order: String,
    pub company: &'static str,
    pub warehouse: &'static str,
    pub segment: &'static str,
    pub carrier: &'static str,
    pub service: &'static str,
    pub from_country: &'static str,
    pub from_area: &'static str,
    pub to_country: &'static str,
    pub to_area: &'static str,
    pub ordered: Timestamp,
    pub inducted: Option<Date>,
    pub promise: Option<Promise>,
    pub delivered: Option<Timestamp>,
    pub late: Option<bool>,
    /// What the lane gave it, in minutes of working time, before anything held it up.
    pub lane_minutes: u32,
    pub held_up: Option<HeldUp>,
    pub troubles: Vec<Trouble>,
    pub cancelled: Option<Timestamp>,
    pub numbers: Vec<String>,
    /// How many scans are reported until the end.
    pub facts: usize,
    pub invoiced: Option<Timestamp>,
}

impl History {
    /// A world as wanted.
    pub fn new(wanted: Wanted) -> Self {
        let wanted = Wanted { days: wanted.days.max(1), ..wanted };
        let last = wanted.until.to_zoned(WAREHOUSES[0].place.time_zone()).date();
        let dates: Vec<Date> =
            (0..wanted.days).rev().map(|back| last.checked_sub(i64::from(back).days()).unwrap_or(last)).collect();
        let mut shares: Vec<u64> = dates.iter().map(|day| volume(*day) * 1_000).collect();
        if let Some(percent) = wanted.lately_percent {
            let before = shares.len().saturating_sub(2);
            let (rest, of_both): (u64, u64) = (shares[..before].iter().sum(), 2);
            let lately = rest * percent.min(95) / (100 - percent.min(95)) / of_both;
            for share in &mut shares[before..] {
                *share = lately;
            }
        }
        let all = u128::from(shares.iter().sum::<u64>().max(1));
        let mut sum = 0;
        let days = dates.into_iter().zip(shares).map(|(day, share)| {
            let first = u64::try_from(u128::from(wanted.shipments) * sum / all).unwrap_or(u64::MAX);
            sum += u128::from(share);
            (day, first)
        });
        let days = days.collect();
        Self { days, incidents: Incidents::of(last, wanted.days), wanted }
    }

    /// How many shipments.
    pub fn len(&self) -> u64 {
        self.wanted.shipments
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.wanted.shipments == 0
    }

    /// What happens to many at once.
    pub fn incidents(&self) -> Incidents {
        self.incidents
    }

    /// Every shipment, in order; each is made when it is asked for.
    pub fn shipments(&self) -> impl Iterator<Item = Shipment> {
        (0..self.wanted.shipments).map(|number| self.shipment(number))
    }

    /// One of them.
    pub fn shipment(&self, number: u64) -> Shipment {
        self.shipment_known(number, self.wanted.until)
    }

    /// One of them with what is received of it until then, after the end of the history too.
    pub fn shipment_known(&self, number: u64, until: Timestamp) -> Shipment {
        let mut rng = Rng::new(self.wanted.seed ^ number.wrapping_add(1).wrapping_mul(0xd6e8_feb8_6659_fd93));
        let ordered = self.ordered(number, &mut rng);
        let haulier = one_of(&mut rng, HAULIERS, |of| of.share);
        let service = one_of(&mut rng, haulier.services, |of| of.share);
        let from = one_of(&mut rng, WAREHOUSES, |of| of.share);
        let (to, _) = *one_of(&mut rng, TOWNS, |(_, share)| *share);
        let lane = Lane { haulier, service, from, to };
        let inducted = inducted(haulier, &from.place, ordered);
        let customer = number % (self.wanted.shipments / SHIPMENTS_OF_A_CUSTOMER).max(1);
        let segment = one_of(&mut Rng::new(self.wanted.seed ^ customer), SEGMENTS, |(_, share)| *share).0;
        let promise = promised(&lane, inducted, &mut rng);
        let cancelled = (rng.range(0, 1_000) < CANCELLED).then(|| later(ordered, rng.range(20, 200)));
        let journey = Journey { lane: &lane, incidents: &self.incidents, labelled: ordered, inducted };
        let pieces =
            if cancelled.is_some() { vec![unsent(&lane, ordered, &mut rng)] } else { pieces(&journey, &mut rng) };
        let reports = reports::received(haulier, &pieces, &self.incidents, until, &mut rng);
        let desk = Desk { first_action: minutes(&mut rng, 20, 420), solved: minutes(&mut rng, 480, 4_320) };
        let delivered = whole(&pieces);
        let invoiced = delivered.map(|at| later(at, rng.range(60, 2_400))).filter(|at| *at <= until);
        Shipment {
            number,
            haulier,
            service,
            from,
            to,
            customer,
            segment,
            ordered,
            inducted,
            promise,
            cancelled,
            pieces,
            reports,
            desk,
            invoiced,
        }
    }

    /// When it was ordered: on its day, by day and in the evening.
    fn ordered(&self, number: u64, rng: &mut Rng) -> Timestamp {
        let day = self.days.partition_point(|(_, first)| *first <= number).saturating_sub(1);
        let day = self.days.get(day).map_or_else(|| self.wanted.until.to_zoned(TimeZone::UTC).date(), |(day, _)| *day);
        let minute = 6 * 60 + rng.range(0, 7 * 60) + rng.range(0, 8 * 60);
        let at = moment(day, u32::try_from(minute).unwrap_or(0), &WAREHOUSES[0].place.time_zone());
        // the last day is not over
        if at <= self.wanted.until {
            return at;
        }
        let of_today = self.wanted.until.duration_since(moment(day, 0, &WAREHOUSES[0].place.time_zone())).as_secs();
        let back = rng.range(0, u64::try_from(of_today).unwrap_or(0).max(60));
        self.wanted.until.checked_sub(SignedDuration::from_secs(i64::try_from(back).unwrap_or(0))).unwrap_or(at)
    }
}

impl Shipment {
    /// The name of its delivery: `WH/OUT/0000001`.
    pub fn delivery(&self) -> String {
        format!("{}/OUT/{:07}", self.from.code, self.number + 1)
    }

    /// The name of its order.
    pub fn order(&self) -> String {
        format!("S{:07}", self.number + 1)
    }

    /// The carrier, as messages and orders call it.
    pub fn carrier(&self) -> Carrier {
        self.haulier.carrier
    }

    /// When the last of its pieces is delivered, if ever.
    pub fn delivered(&self) -> Option<Timestamp> {
        whole(&self.pieces)
    }

    /// When the first of its pieces is handed over, where it is.
    pub fn handed_over(&self) -> Option<Timestamp> {
        let scans = self.pieces.iter().flat_map(|piece| &piece.course.steps);
        scans.filter(|step| step.what == crate::journey::What::PickedUp).map(|step| step.at).min()
    }

    /// Whether it comes, or does not come at all, after what was promised; none where nothing was, or it was cancelled.
    pub fn is_late(&self) -> Option<bool> {
        let promise = self.promise.filter(|_| self.cancelled.is_none())?;
        let zone = self.to.time_zone();
        Some(self.delivered().is_none_or(|delivered| !promise.is_kept(delivered, &zone)))
    }

    /// What is truly so.
    pub fn truth(&self) -> Truth {
        let mut troubles: Vec<Trouble> = self.pieces.iter().filter_map(|piece| piece.course.trouble).collect();
        troubles.sort_unstable();
        troubles.dedup();
        let course = self.pieces.first().map(|piece| &piece.course);
        Truth {
            number: self.number,
            delivery: self.delivery(),
            order: self.order(),
            company: self.from.company,
            warehouse: self.from.code,
            segment: self.segment,
            carrier: self.haulier.carrier.label,
            service: self.service.name,
            from_country: self.from.place.country,
            from_area: map::area(&self.from.place),
            to_country: self.to.country,
            to_area: map::area(&self.to),
            ordered: self.ordered,
            inducted: Some(self.inducted).filter(|_| self.cancelled.is_none()),
            promise: self.promise,
            delivered: self.delivered(),
            late: self.is_late(),
            lane_minutes: course.map_or(0, |course| course.drawn.minutes()),
            held_up: course.and_then(|course| course.held_up),
            troubles,
            cancelled: self.cancelled,
            numbers: self.pieces.iter().map(|piece| piece.number.clone()).collect(),
            facts: self.reports.iter().map(|report| report.news).sum(),
            invoiced: self.invoiced,
        }
    }
}

/// The delivery of the last piece.
fn whole(pieces: &[Piece]) -> Option<Timestamp> {
    let all: Option<Vec<Timestamp>> = pieces.iter().map(|piece| piece.course.delivered).collect();
    all?.into_iter().max()
}

fn later(at: Timestamp, minutes: u64) -> Timestamp {
    crate::journey::later(at, SignedDuration::from_mins(i64::try_from(minutes).unwrap_or(0)))
}

fn minutes(rng: &mut Rng, least: u64, most: u64) -> i64 {
    i64::try_from(rng.range(least, most)).unwrap_or(0)
}

/// One of these, by its share.
fn one_of<'a, T>(rng: &mut Rng, all: &'a [T], share: impl Fn(&T) -> u64) -> &'a T {
    let mut left = rng.range(0, all.iter().map(&share).sum());
    for one in all {
        match left.checked_sub(share(one)) {
            Some(rest) => left = rest,
            None => return one,
        }
    }
    &all[0]
}

fn promised(lane: &Lane, inducted: Date, rng: &mut Rng) -> Option<Promise> {
    if rng.range(0, 100) < UNPROMISED {
        return None;
    }
    let day = lane.haulier.days(lane.to.country).after(inducted, lane.promised_days());
    Some(match (lane.service.class, lane.reach()) {
        (Class::Express, map::Reach::Domestic) => Promise::Instant(moment(day, 12 * 60 + 30, &lane.to.time_zone())),
        _ => Promise::Day(day),
    })
}

/// A label that was made, and no more.
fn unsent(lane: &Lane, labelled: Timestamp, rng: &mut Rng) -> Piece {
    let steps =
        vec![crate::journey::Step { at: labelled, what: crate::journey::What::Announced, place: lane.from.place }];
    let drawn = Took { days: 0, minute: 0 };
    let course = Course { steps, trouble: None, held_up: None, drawn, delivered: None, odd: None };
    Piece { number: number(rng, lane.haulier.carrier.label), course }
}

fn pieces(journey: &Journey<'_>, rng: &mut Rng) -> Vec<Piece> {
    let count = if rng.range(0, 100) < IN_PIECES { rng.range(2, PIECES_MAX + 1) } else { 1 };
    let together = journey.draw(rng);
    (0..count)
        .map(|piece| {
            // the last of several may go alone
            let alone = (piece > 0 && piece + 1 == count && rng.range(0, 100) < SPLIT).then(|| journey.draw(rng));
            let number = number(rng, journey.lane.haulier.carrier.label);
            Piece { number, course: journey.course(alone.as_ref().unwrap_or(&together), rng) }
        })
        .collect()
}

#[cfg(test)]
mod tests;
