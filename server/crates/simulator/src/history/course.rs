//! What becomes of one parcel: its scans from the label to its end, and what goes wrong with it.

use super::{
    days::next,
    incidents::{HeldUp, Incidents, slow_of_peak},
    lanes::{DAY, DRIFT, Lane, Took},
    map::{HUBS, Haulier, Reach},
};
use crate::{
    journey::{Place, Step, What, later},
    rng::Rng,
};
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

/// What goes wrong with a parcel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// It vanished; the carrier says so after a week and more.
    Lost,
    /// It was damaged, and delivered all the same.
    Damaged,
    /// It was damaged, and goes back.
    DamagedAndReturned,
    /// The recipient refused it; it goes back.
    Refused,
    /// The address was wrong; it goes back.
    Returned,
    /// Nobody was there the first time.
    FailedAttempt,
    /// It waited at a shop, since nobody was there.
    LeftAtShop,
    /// No scan for a week, then it goes on.
    Silent,
    /// Customs kept it for days.
    CustomsHold,
    /// A delivery was reported that had not happened; it was taken back.
    RetractedDelivery,
    /// A scan has a code that no list has.
    UnknownCode,
    /// A scan was reported days after others that came later.
    LateFact,
    /// A scan has a time that cannot be.
    ImpossibleTime,
}

/// What may go wrong, and with how many of ten thousand. What depends on the carrier is drawn apart.
const TROUBLES: &[(Trouble, u64)] = &[
    (Trouble::Lost, 25),
    (Trouble::Refused, 32),
    (Trouble::Returned, 25),
    (Trouble::FailedAttempt, 220),
    (Trouble::LeftAtShop, 50),
    (Trouble::Silent, 35),
    (Trouble::RetractedDelivery, 15),
    (Trouble::LateFact, 200),
    (Trouble::ImpossibleTime, 10),
];
const TEN_THOUSAND: u64 = 10_000;
/// Of a thousand that go through customs.
const CUSTOMS_HOLDS: u64 = 40;
const THOUSAND: u64 = 1_000;
/// Operating days that something adds at most.
const HELD_MAX: u32 = 20;

/// A parcel's course.
#[derive(Clone, Debug)]
pub struct Course {
    /// Its scans, by time.
    pub steps: Vec<Step>,
    /// What goes wrong.
    pub trouble: Option<Trouble>,
    /// What held it up.
    pub held_up: Option<HeldUp>,
    /// The working time that the lane gave it, before anything held it up.
    pub drawn: Took,
    /// When it was delivered, if ever.
    pub delivered: Option<Timestamp>,
    /// The step that is concerned by a late fact, an impossible time, a retraction.
    pub odd: Option<usize>,
}

/// A way to go.
pub struct Journey<'a> {
    /// From where to where.
    pub lane: &'a Lane,
    /// What happens to many at once.
    pub incidents: &'a Incidents,
    /// When its label was made.
    pub labelled: Timestamp,
    /// The operating day on which it was handed over, at the warehouse.
    pub inducted: Date,
}

/// Nothing that a single parcel draws: how it is drawn for one, alike for pieces that travel together.
pub struct Draw {
    took: Took,
    trouble: Option<Trouble>,
    held_up: Option<HeldUp>,
    /// The day of the first attempt.
    day: Date,
}

impl Journey<'_> {
    /// How it goes, but for the minutes.
    pub fn draw(&self, rng: &mut Rng) -> Draw {
        let haulier = self.lane.haulier;
        let (drifted, peak) = (self.incidents.has_drifted(haulier, self.inducted), slow_of_peak(self.inducted));
        let healthy = self.lane.transit(0);
        let slow = peak + if drifted { DRIFT } else { 0 };
        // the same luck for both: what is later is later because of them
        let luck = rng.clone();
        let took = self.lane.transit(slow).draw(rng);
        let usual = healthy.draw(&mut luck.clone());
        let mut held_up = match took.days > usual.days {
            true if drifted => Some(HeldUp::Drift),
            true => Some(HeldUp::Peak),
            false => None,
        };
        let days = haulier.days(self.lane.to.country);
        let mut day = days.after(self.inducted, took.days);
        for _ in 0..HELD_MAX {
            let Some(why) = self.incidents.holds(haulier, &self.lane.to, day) else { break };
            held_up = Some(why);
            day = days.first_from(next(day));
        }
        if matches!(held_up, Some(HeldUp::Storm | HeldUp::Strike))
            && self.incidents.holds(haulier, &self.lane.to, day).is_none()
        {
            // what waited is worked off over some days
            day = days.after(day, u32::try_from(rng.range(0, 3)).unwrap_or(0));
        }
        Draw { took, trouble: self.trouble(rng), held_up, day }
    }

    fn trouble(&self, rng: &mut Rng) -> Option<Trouble> {
        let haulier = self.lane.haulier;
        let mut left = rng.range(0, TEN_THOUSAND);
        for (trouble, share) in TROUBLES {
            match left.checked_sub(*share) {
                Some(rest) => left = rest,
                None => return Some(*trouble),
            }
        }
        if rng.range(0, THOUSAND) < haulier.damaged {
            return Some(if rng.one_in(2) { Trouble::Damaged } else { Trouble::DamagedAndReturned });
        }
        if rng.range(0, THOUSAND) < haulier.unmapped {
            return Some(Trouble::UnknownCode);
        }
        let customs = self.through_customs() && rng.range(0, THOUSAND) < CUSTOMS_HOLDS;
        customs.then_some(Trouble::CustomsHold)
    }

    fn through_customs(&self) -> bool {
        matches!(self.lane.reach(), Reach::Customs | Reach::Overseas)
    }

    /// The scans of a parcel that goes like this.
    pub fn course(&self, draw: &Draw, rng: &mut Rng) -> Course {
        let (lane, home) = (self.lane, self.lane.from.place);
        let hubs: Vec<&Place> = HUBS.iter().filter(|hub| hub.country == home.country).collect();
        let hub = hubs.get(usize::try_from(rng.range(0, hubs.len() as u64)).unwrap_or(0)).map_or(home, |hub| **hub);
        let mut scans = Scans { rng, steps: Vec::new(), at: self.labelled };
        scans.push(What::Announced, home);
        scans.on(self.inducted, (15 * 60 + 30, 150), What::PickedUp, home);
        scans.after((150, 420), What::Arrived, hub);
        scans.after((60, 300), What::Departed, hub);
        let mut course = Course {
            steps: Vec::new(),
            trouble: draw.trouble,
            held_up: draw.held_up,
            drawn: draw.took,
            delivered: None,
            odd: None,
        };
        match draw.trouble {
            Some(Trouble::Lost) => {
                scans.after((8 * DAY, 5 * DAY), What::Lost, hub);
            }
            _ => self.onward(draw, hub, &mut scans, &mut course),
        }
        course.steps = scans.steps;
        course.delivered = course.steps.iter().rfind(|step| step.what == What::Delivered).map(|step| step.at);
        debug_assert!(lane.to.city != home.city || !course.steps.is_empty(), "a course has a scan");
        course
    }

    /// From the first hub on.
    fn onward(&self, draw: &Draw, hub: Place, scans: &mut Scans<'_>, course: &mut Course) {
        let (to, haulier) = (self.lane.to, self.lane.haulier);
        let days = haulier.days(to.country);
        let mut day = draw.day;
        if let Some(HeldUp::Storm | HeldUp::Strike) = draw.held_up {
            scans.after((120, 300), What::Delayed, hub);
        }
        match draw.trouble {
            Some(Trouble::Silent) => day = days.after(day, 6 + u32::try_from(scans.rng.range(0, 3)).unwrap_or(0)),
            Some(Trouble::CustomsHold) => day = days.after(day, 3 + u32::try_from(scans.rng.range(0, 3)).unwrap_or(0)),
            Some(Trouble::UnknownCode) => scans.after((30, 120), What::Unheard, hub),
            _ => {}
        }
        // a scan at a hub on each operating day in between
        let mut between = days.first_from(next(self.inducted));
        while draw.trouble != Some(Trouble::Silent) && next(between) < day && scans.steps.len() < 16 {
            scans.on(between, (4 * 60, 240), What::Arrived, hub);
            scans.after((180, 300), What::Departed, hub);
            between = days.first_from(next(between));
        }
        let depot = day.yesterday().unwrap_or(day).max(self.inducted);
        if self.through_customs() {
            scans.on(depot, (5 * 60, 60), What::ArrivedAbroad, to);
            scans.after((60, 120), What::CustomsStarted, to);
            if draw.trouble == Some(Trouble::CustomsHold) {
                scans.after((60, 120), What::CustomsHold, to);
            }
            scans.after((90, 240), What::CustomsCleared, to);
        } else {
            scans.on(day, (4 * 60, 120), What::Arrived, to);
        }
        course.odd = match draw.trouble {
            Some(Trouble::LateFact | Trouble::ImpossibleTime) => scans.steps.len().checked_sub(1),
            _ => None,
        };
        self.last_mile(draw, day, scans, course);
    }

    fn last_mile(&self, draw: &Draw, mut day: Date, scans: &mut Scans<'_>, course: &mut Course) {
        let (to, home) = (self.lane.to, self.lane.from.place);
        let (days, back) = (self.lane.haulier.days(to.country), self.lane.haulier.days(home.country));
        let minute = draw.took.minute;
        if draw.trouble == Some(Trouble::DamagedAndReturned) {
            scans.on(day, (8 * 60, 180), What::Damaged, to);
            return self.send_back(back, day, scans);
        }
        if draw.trouble == Some(Trouble::Damaged) {
            scans.on(day, (5 * 60 + 30, 60), What::Damaged, to);
        }
        if draw.trouble == Some(Trouble::RetractedDelivery) {
            // scanned as delivered at the depot
            scans.on(day, (6 * 60, 60), What::Delivered, to);
            course.odd = scans.steps.len().checked_sub(1);
            day = days.after(day, 1);
        }
        let out = minute.saturating_sub(90 + u32::try_from(scans.rng.range(0, 90)).unwrap_or(0)).max(6 * 60);
        scans.at_minute(day, out, What::OutForDelivery, to);
        match draw.trouble {
            Some(Trouble::Refused) => {
                scans.at_minute(day, minute, What::Refused, to);
                self.send_back(back, day, scans);
            }
            Some(Trouble::Returned) => {
                scans.at_minute(day, minute, What::NobodyHome, to);
                self.send_back(back, day, scans);
            }
            Some(Trouble::FailedAttempt) => {
                scans.at_minute(day, minute, What::NobodyHome, to);
                let again = days.after(day, 1);
                scans.at_minute(again, out, What::OutForDelivery, to);
                scans.at_minute(again, minute, What::Delivered, to);
            }
            Some(Trouble::LeftAtShop) => {
                scans.at_minute(day, minute, What::NobodyHome, to);
                scans.after((60, 180), What::ReadyForPickup, to);
                let collected = days.after(day, 1 + u32::try_from(scans.rng.range(0, 4)).unwrap_or(0));
                scans.at_minute(collected, 17 * 60, What::Delivered, to);
            }
            _ => scans.at_minute(day, minute, What::Delivered, to),
        }
    }

    fn send_back(&self, days: super::days::Days, day: Date, scans: &mut Scans<'_>) {
        let (to, home) = (self.lane.to, self.lane.from.place);
        scans.at_minute(days.after(day, 1), 11 * 60, What::Returning, to);
        let home_on = days.after(day, 3 + u32::try_from(scans.rng.range(0, 3)).unwrap_or(0));
        scans.at_minute(home_on, 10 * 60, What::Returned, home);
    }
}

/// The operating day on which a parcel with a label is handed over: the same one before the cut-off.
pub fn inducted(haulier: &Haulier, from: &Place, labelled: Timestamp) -> Date {
    let local = labelled.to_zoned(from.time_zone());
    let (days, day) = (haulier.days(from.country), local.date());
    let in_time = (local.hour(), local.minute()) < (14, 30);
    days.first_from(if in_time { day } else { next(day) })
}

struct Scans<'a> {
    rng: &'a mut Rng,
    steps: Vec<Step>,
    at: Timestamp,
}

impl Scans<'_> {
    fn push(&mut self, what: What, place: Place) {
        self.steps.push(Step { at: self.at, what, place });
    }

    /// So many minutes later, and up to so many more.
    fn after(&mut self, (least, more): (u32, u32), what: What, place: Place) {
        let wait = self.rng.range(u64::from(least), u64::from(least + more));
        self.at = later(self.at, SignedDuration::from_mins(i64::try_from(wait).unwrap_or(0)));
        self.push(what, place);
    }

    /// On a day at this minute there, or up to so many later; never before what was before.
    fn on(&mut self, day: Date, (minute, more): (u32, u32), what: What, place: Place) {
        let minute = minute + u32::try_from(self.rng.range(0, u64::from(more.max(1)))).unwrap_or(0);
        self.at_minute(day, minute, what, place);
    }

    fn at_minute(&mut self, day: Date, minute: u32, what: What, place: Place) {
        let at = moment(day, minute, &place.time_zone());
        self.at = at.max(later(self.at, SignedDuration::from_mins(1)));
        self.push(what, place);
    }
}

/// A minute of a day there.
pub fn moment(day: Date, minute: u32, zone: &TimeZone) -> Timestamp {
    let (hour, minute) = (i8::try_from(minute / 60 % 24).unwrap_or(0), i8::try_from(minute % 60).unwrap_or(0));
    zone.to_zoned(day.at(hour, minute, 0, 0)).map_or(Timestamp::UNIX_EPOCH, |zoned| zoned.timestamp())
}
