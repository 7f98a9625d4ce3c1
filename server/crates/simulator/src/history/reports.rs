//! What is received of a shipment, and when: mostly each scan soon after it happened; some late, some twice, some taken back.

use super::{
    Piece, Shipment,
    course::{Course, Trouble},
    incidents::Incidents,
    map::Haulier,
};
use crate::{
    SourceSecrets, carrier,
    carrier::Message,
    journey::{self, Fate, Feed, Step, later},
    rng::Rng,
};
use jiff::{SignedDuration, Timestamp};
use std::ops::Range;

/// Days by which a scan with an impossible time is too early.
const TOO_EARLY: SignedDuration = SignedDuration::from_hours(24 * 400);
/// Lists that repeat the scan before, of a hundred.
const REPEATED: u64 = 5;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// When it is received.
    pub received: Timestamp,
    /// About which piece.
    pub piece: usize,
    /// Which of its scans it lists.
    pub steps: Range<usize>,
    /// How many of them are new.
    pub news: usize,
}

/// What is received of these pieces until then, by time.
pub(super) fn received(
    haulier: &Haulier,
    pieces: &[Piece],
    incidents: &Incidents,
    until: Timestamp,
    rng: &mut Rng,
) -> Vec<Report> {
    let mut reports = Vec::new();
    for (at, piece) in pieces.iter().enumerate() {
        let of = Reporting { haulier, incidents, piece: at, course: &piece.course };
        reports.extend(of.reports(rng).into_iter().filter(|report| report.received <= until));
    }
    reports.sort_by_key(|report| report.received);
    reports
}

struct Reporting<'a> {
    haulier: &'a Haulier,
    incidents: &'a Incidents,
    piece: usize,
    course: &'a Course,
}

impl Reporting<'_> {
    fn reports(&self, rng: &mut Rng) -> Vec<Report> {
        let late = self.course.odd.filter(|_| self.course.trouble == Some(Trouble::LateFact));
        let retracted = self.course.odd.filter(|_| self.course.trouble == Some(Trouble::RetractedDelivery));
        let impossible = self.course.odd.filter(|_| self.course.trouble == Some(Trouble::ImpossibleTime));
        let mut reports: Vec<Report> = Vec::new();
        for (at, step) in self.course.steps.iter().enumerate() {
            if late == Some(at) {
                continue;
            }
            let mut from = at;
            // what was reported already is reported again with it; a wrong delivery was taken back for good
            let repeats = at > 0 && late != Some(at - 1) && retracted != Some(at - 1);
            if repeats && rng.range(0, 100) < REPEATED {
                from = at - 1;
            }
            if impossible == Some(at) {
                from = 0;
            }
            let report = self.report(step.at, from..at + 1, 1, rng);
            // a source tells in order
            let after =
                reports.last().map_or(report.received, |last| later(last.received, SignedDuration::from_secs(1)));
            reports.push(Report { received: report.received.max(after), ..report });
            if retracted == Some(at) && at > 0 {
                let back = later(step.at, SignedDuration::from_hours(3));
                reports.push(self.report(back, at - 1..at, 0, rng));
            }
        }
        if let Some(at) = late {
            reports.extend(self.late(at, &reports, rng));
        }
        reports
    }

    /// A scan that is reported a day to six days after it happened, with all that has happened since.
    fn late(&self, at: usize, reports: &[Report], rng: &mut Rng) -> Option<Report> {
        let step = self.course.steps.get(at)?;
        let wait = SignedDuration::from_mins(i64::try_from(rng.range(24 * 60, 6 * 24 * 60)).unwrap_or(0));
        let report = self.report(later(step.at, wait), at..at + 1, 1, rng);
        let known = reports.iter().filter(|other| other.received < report.received).map(|other| other.steps.end).max();
        Some(Report { steps: at..known.unwrap_or(0).max(at + 1), ..report })
    }

    fn report(&self, happened: Timestamp, steps: Range<usize>, news: usize, rng: &mut Rng) -> Report {
        let (least, most) = self.haulier.reports_after;
        let wait = SignedDuration::from_mins(i64::try_from(rng.range(least, most + 1)).unwrap_or(0));
        let received = self.incidents.received(self.haulier.carrier.feed, later(happened, wait));
        Report { received, piece: self.piece, steps, news }
    }
}

impl Shipment {
    /// The body of a message, as its source sends it.
    pub fn body(&self, report: &Report) -> Option<Vec<u8>> {
        let piece = self.pieces.get(report.piece)?;
        let mut steps: Vec<Step> = piece.course.steps.clone();
        if let (Some(Trouble::ImpossibleTime), Some(odd)) = (piece.course.trouble, piece.course.odd) {
            let step = steps.get_mut(odd)?;
            step.at = later(step.at, -TOO_EARLY);
        }
        let listed = steps.get(report.steps.clone())?.to_vec();
        let zone = self.to.time_zone();
        let expected = self.promise.map_or(self.ordered, |promise| promise.by(&zone));
        let shipment = journey::Shipment {
            index: 0,
            carrier: self.haulier.carrier,
            number: piece.number.clone(),
            typed: None,
            // the carrier does not know the order
            fate: Fate::Booked,
            destination: self.to,
            customer: String::new(),
            promised: expected,
            estimate: expected,
            steps,
        };
        Some(carrier::body(&shipment, &listed, report.received))
    }

    /// A message as its source sends it, signed.
    pub fn message(&self, report: &Report, secrets: &SourceSecrets) -> Option<Message> {
        Some(carrier::signed(self.feed(), self.body(report)?, secrets))
    }

    /// The source of its messages.
    pub fn feed(&self) -> Feed {
        self.haulier.carrier.feed
    }
}
