//! Tickets at service desks: how many, how soon a person acts, how long they take, what they cost, and how soon they are made.

use super::row::{Bucket, Contributed, Part};
use crate::{definition::Kpi, learned::bins::Scale};
use jiff::{Timestamp, tz::TimeZone};

/// A ticket.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Case {
    /// When it was decided.
    pub decided: Timestamp,
    /// When its rule was due, the time to heal by itself over; none where it was not made by a live event.
    pub due: Option<Timestamp>,
    /// When it was made at the desk; none where that is not known yet.
    pub made: Option<Timestamp>,
    /// When a person first acted; none where that is not known, or did not happen.
    pub first_action: Option<Timestamp>,
    /// When it was last solved, where it is solved.
    pub solved: Option<Timestamp>,
    /// What it cost, in the smallest unit of the currency; none where no rate is set.
    pub cost: Option<i64>,
}

/// Its figures.
pub fn contribute(case: &Case, zone: &TimeZone, to: &mut Contributed) {
    let decided = Bucket::at(case.decided, zone);
    to.one(Kpi::CasesOpened, Part::Yes, decided);
    if let Some(at) = case.first_action {
        let hours = seconds(case.decided, at);
        to.binned(Kpi::CaseFirstAction, Part::Value, decided, Scale::Relative.bin(hours));
    } else if case.solved.is_none() {
        to.one(Kpi::CaseFirstAction, Part::Open, decided);
    } else {
        to.one(Kpi::CaseFirstAction, Part::NotMeasurable, decided);
    }
    if let Some(at) = case.solved {
        let solved = Bucket::at(at, zone);
        to.binned(Kpi::CaseResolution, Part::Value, solved, Scale::Relative.bin(seconds(case.decided, at)));
        if let Some(cost) = case.cost {
            to.add(Kpi::CaseCost, Part::Sum, solved, None, cost);
            to.one(Kpi::CaseCost, Part::Base, solved);
        }
    }
    if let (Some(due), Some(made)) = (case.due, case.made) {
        let late = Scale::Relative.bin(seconds(due, made));
        to.binned(Kpi::CaseLatency, Part::Value, Bucket::at(made, zone), late);
    }
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64().max(0.0)
}
