//! What the clock alone decides: late, silent, and when to look again.

use super::{FoldedException, Plan, Resolution};
use crate::{
    ExceptionReason, State,
    event_time::{EventTime, Precision},
    ids::{ObservationId, content_id},
};
use jiff::{SignedDuration, Timestamp};

/// What is known when the clock is asked.
pub(super) struct Asked<'a> {
    pub plan: &'a Plan,
    pub state: State,
    /// When it ended, if it has: sorting instant and time of the deciding fact.
    pub ended: Option<(Timestamp, EventTime)>,
    pub heard_at: Option<Timestamp>,
    pub now: Timestamp,
}

/// What the clock says.
#[derive(Default)]
pub(super) struct Said {
    pub exceptions: Vec<FoldedException>,
    pub review_at: Option<Timestamp>,
}

pub(super) fn ask(asked: &Asked<'_>) -> Said {
    let mut said = Said::default();
    late(asked, &mut said);
    silent(asked, &mut said);
    said
}

fn late(asked: &Asked<'_>, said: &mut Said) {
    let Some(promised) = asked.plan.promised_by else { return };
    let closed = match (&asked.ended, asked.state.is_terminal()) {
        (Some((at, time)), true) if *at > promised => Some((time.clone(), resolution(asked.state))),
        (_, true) => return,
        _ => None,
    };
    if asked.now <= promised {
        said.review(next(promised));
        return;
    }
    said.exceptions.push(exception(ExceptionReason::Late, "late", promised, promised, closed));
}

fn silent(asked: &Asked<'_>, said: &mut Said) {
    let Some(hours) = asked.plan.silence_after_hours.filter(|_| !asked.state.is_terminal()) else { return };
    let Some(since) = asked.heard_at.max(asked.plan.expected_from) else { return };
    let Ok(until) = since.checked_add(SignedDuration::from_hours(i64::from(hours))) else { return };
    if asked.now <= until {
        said.review(next(until));
        return;
    }
    said.exceptions.push(exception(ExceptionReason::Silence, "silence", since, until, None));
}

impl Said {
    fn review(&mut self, at: Timestamp) {
        self.review_at = Some(self.review_at.map_or(at, |earlier| earlier.min(at)));
    }
}

/// The first moment at which the answer is another one.
fn next(at: Timestamp) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(1)).unwrap_or(at)
}

fn resolution(state: State) -> Resolution {
    match state {
        State::Delivered => Resolution::Delivered,
        State::Returned => Resolution::Returned,
        State::Cancelled => Resolution::Cancelled,
        _ => Resolution::Progress,
    }
}

/// The evidence is what the clock was asked about, so that another promise or another silence is another exception.
fn exception(
    reason: ExceptionReason,
    kind: &str,
    about: Timestamp,
    opened: Timestamp,
    closed: Option<(EventTime, Resolution)>,
) -> FoldedException {
    FoldedException {
        reason,
        piece: None,
        severity: reason.severity(),
        opened: EventTime::instant(opened.to_string(), opened, Precision::Second),
        opened_recorded: opened,
        closed,
        evidence: vec![ObservationId(content_id(kind, &[about.to_string().as_bytes()]))],
        clock_stopped_minutes: 0,
    }
}
