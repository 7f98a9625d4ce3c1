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
    /// Whether a person has acted.
    pub first_action: FirstAction,
    /// When it was last solved, where it is solved.
    pub solved: Option<Timestamp>,
    /// What it cost, in the smallest unit of the currency; none where no rate is set.
    pub cost: Option<i64>,
}

/// The first act of a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FirstAction {
    /// The desk does not say when it was.
    #[default]
    NotKnown,
    /// There is none yet.
    Awaited,
    /// When it was.
    At(Timestamp),
}

/// Its figures.
pub fn contribute(case: &Case, zone: &TimeZone, to: &mut Contributed) {
    let decided = Bucket::at(case.decided, zone);
    to.one(Kpi::CasesOpened, Part::Yes, decided);
    match case.first_action {
        FirstAction::At(at) => {
            let took = seconds(case.decided, at);
            to.binned(Kpi::CaseFirstAction, Part::Value, decided, Scale::Relative.bin(took));
        }
        FirstAction::Awaited => to.one(Kpi::CaseFirstAction, Part::Open, decided),
        FirstAction::NotKnown => to.one(Kpi::CaseFirstAction, Part::NotMeasurable, decided),
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
