//! Late before the carrier says so: of the shipments that waited as long as this one at the same stage, the share that came after
//! the deadline.

use super::{
    bins::Percentile,
    cell::Depth,
    stage::Stage,
    survival::Curve,
    wilson::{ONE_SIDED_95, wilson},
};
use jiff::civil::{Date, DateTime};

/// The share from which a shipment is flagged, until one was chosen by how often flags were right.
pub const DEFAULT_THETA: f64 = 0.82;
/// How much the share has to fall below for the flag to go.
pub const HYSTERESIS: f64 = 0.2;
/// Working hours before the deadline after which no flag goes up: it would come too late to do anything.
pub const LEAD_HOURS_MIN: f64 = 2.0;
/// How often flags should be right.
pub const PRECISION_WANTED: f64 = 0.8;
/// Flags below which nothing is chosen.
const FLAGS_MIN: u64 = 30;
/// What θ is chosen from, in hundredths.
const THETAS: std::ops::RangeInclusive<u8> = 80..=99;
/// Days after which a weekday alone names no day.
const WEEKDAY_NAMES_DAYS: i32 = 6;

/// The probability of coming after the deadline: S(d) / S(a). `waited` are the working hours since the last milestone,
/// `to_deadline` those from it to the deadline. What waited longer than any other before is late.
pub fn p_late(curve: &Curve, waited: f64, to_deadline: f64) -> f64 {
    if to_deadline <= waited {
        return 1.0;
    }
    let left = curve.survival(waited);
    if left > 0.0 { (curve.survival(to_deadline) / left).clamp(0.0, 1.0) } else { 1.0 }
}

/// A shipment that is under way.
#[derive(Clone, Copy, Debug)]
pub struct UnderWay {
    /// Its probability of being late.
    pub p_late: f64,
    /// Working hours until its deadline.
    pub hours_left: f64,
    /// What the carrier says.
    pub carrier: CarrierSays,
    /// Whether it is flagged already.
    pub flag: Flag,
}

/// What the carrier's own estimate says of the promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CarrierSays {
    /// That it is kept, or nothing.
    NotLate,
    /// That it is not.
    Late,
}

/// Whether a shipment is flagged as predicted late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    /// It is.
    Up,
    /// It is not.
    Down,
}

impl UnderWay {
    /// The flag that it has from now on.
    pub fn flagged(&self, theta: f64) -> Flag {
        match self.flag {
            Flag::Up if self.p_late < theta - HYSTERESIS => Flag::Down,
            Flag::Up => Flag::Up,
            Flag::Down if self.may_be_flagged() && self.p_late >= theta => Flag::Up,
            Flag::Down => Flag::Down,
        }
    }

    /// Whether a flag would come before the carrier's word and in time.
    pub fn may_be_flagged(&self) -> bool {
        self.carrier == CarrierSays::NotLate && self.hours_left >= LEAD_HOURS_MIN
    }
}

/// A shipment whose promise is decided.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decided {
    /// The highest probability that it had while it might have been flagged.
    pub highest: f64,
    /// Whether it was late.
    pub ending: Ending,
    /// Working hours before the deadline at which the flag went up first; none where it never did.
    pub flagged_before: Option<f64>,
}

/// How a promise was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It came after its deadline, or not at all.
    Late,
    /// It came in time.
    InTime,
    /// It was cancelled or promised anew: neither right nor wrong.
    LeftOut,
}

/// The smallest θ from 0.8 on under which flags of the decided shipments were right as often as wanted, and surely so: the
/// lower bound of their share counts, since the smallest θ whose share itself suffices would disappoint every second month.
/// Where no bound suffices the share does; [`DEFAULT_THETA`] where too few would have gone up. None where no θ does it: then
/// nothing is flagged.
pub fn choose_theta(decided: &[Decided]) -> Option<f64> {
    let one = |one: &Decided| Counted { highest: one.highest, ending: one.ending, n: 1 };
    choose_theta_of(&decided.iter().map(one).collect::<Vec<_>>())
}

/// Shipments whose promise is decided, counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Counted {
    /// The highest probability that they had while they might have been flagged.
    pub highest: f64,
    /// How their promises were decided.
    pub ending: Ending,
    /// How many.
    pub n: u64,
}

/// The same as [`choose_theta`], of counted ones.
pub fn choose_theta_of(counted: &[Counted]) -> Option<f64> {
    let counted: Vec<&Counted> = counted.iter().filter(|one| one.ending != Ending::LeftOut).collect();
    let thetas = || THETAS.map(|theta| f64::from(theta) / 100.0);
    let right = |theta: f64| {
        let flags = counted.iter().filter(|one| one.highest >= theta);
        let (all, late) = flags
            .fold((0, 0), |(all, late), one| (all + one.n, late + if one.ending == Ending::Late { one.n } else { 0 }));
        (all > 0).then(|| (late as f64 / all as f64, all))
    };
    if thetas().next().and_then(right).is_none_or(|(_, all)| all < FLAGS_MIN) {
        return Some(DEFAULT_THETA);
    }
    let surely = |(share, all): (f64, u64)| wilson(share, all as f64, ONE_SIDED_95).low >= PRECISION_WANTED;
    let first = |enough: &dyn Fn((f64, u64)) -> bool| thetas().find(|theta| right(*theta).is_some_and(enough));
    first(&surely).or_else(|| first(&|(share, _)| share >= PRECISION_WANTED))
}

/// How well flags did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// Shipments that were flagged.
    pub flags: usize,
    /// Those that were late.
    pub late: usize,
    /// The share of flags that were right; none without flags.
    pub precision: Option<f64>,
    /// The share of late shipments that were flagged; none without late ones.
    pub recall: Option<f64>,
    /// How long before the deadline a right flag went up, in working hours, P50.
    pub lead_hours: Option<f64>,
}

/// How well flags did.
pub fn score(decided: &[Decided]) -> Score {
    let counted = || decided.iter().filter(|one| one.ending != Ending::LeftOut);
    let late = counted().filter(|one| one.ending == Ending::Late).count();
    let flags = counted().filter(|one| one.flagged_before.is_some()).count();
    let right = counted().filter(|one| one.ending == Ending::Late).filter_map(|one| one.flagged_before);
    let mut right: Vec<f64> = right.collect();
    let share = |of: usize| (of > 0).then(|| right.len() as f64 / of as f64);
    let (precision, recall) = (share(flags), share(late));
    Score { flags, late, precision, recall, lead_hours: Percentile::P50.of(&mut right) }
}

/// How many breaches are to be expected: those that are late already, and the probabilities of the others that are due.
pub fn breaches_expected(late_already: u64, due: impl IntoIterator<Item = f64>) -> f64 {
    late_already as f64 + due.into_iter().sum::<f64>()
}

/// Why a shipment is predicted late.
#[derive(Clone, Copy, Debug)]
pub struct Reason<'a> {
    /// Where it waits.
    pub stage: Stage,
    /// The place, as it is shown to people; none where the carrier names none.
    pub place: Option<&'a str>,
    /// Since when, by the place's clocks.
    pub since: DateTime,
    /// Today, there.
    pub today: Date,
    /// What the share is of.
    pub depth: Depth,
    /// The share that comes after the promised day.
    pub p_late: f64,
}

impl Reason<'_> {
    /// In a sentence, from the numbers: "still at Nürnberg since Tue 04:10; of shipments waiting there this long on this lane
    /// 81 % come after the promised day".
    pub fn words(&self) -> String {
        let days = self.today.since(self.since.date()).map_or(i32::MAX, |span| span.get_days());
        let since = match days <= WEEKDAY_NAMES_DAYS {
            true => self.since.strftime("%a %H:%M"),
            false => self.since.strftime("%-d %b %H:%M"),
        };
        let (here, there) = match (self.stage, self.place) {
            (Stage::OutForDelivery, _) => ("out for delivery".to_owned(), "out for delivery"),
            (Stage::Attempted, _) => {
                ("not delivered at the attempt, no other one".to_owned(), "waiting after an attempt")
            }
            (Stage::OnHold, Some(place)) => (format!("on hold at {place}"), "on hold"),
            (Stage::OnHold, None) => ("on hold".to_owned(), "on hold"),
            (Stage::Registered, _) => ("not handed over".to_owned(), "waiting to be handed over"),
            (_, Some(place)) => (format!("still at {place}"), "waiting there"),
            (Stage::Customs, None) => ("with customs".to_owned(), "waiting there"),
            (Stage::TakenOver, None) => ("no scan after it was taken over".to_owned(), "waiting"),
            (Stage::Hub | Stage::DestinationDepot | Stage::ReadyForCollection, None) => {
                ("no scan".to_owned(), "waiting")
            }
        };
        // never all of them unless it was all
        let percent = (self.p_late * 100.0 + 1e-9).floor();
        format!(
            "{here} since {since}; of shipments {there} this long on {} {percent:.0} % come after the promised day",
            self.depth.words()
        )
    }
}

#[cfg(test)]
mod tests;
