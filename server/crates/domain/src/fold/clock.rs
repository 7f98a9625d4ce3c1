//! What the clock and the order system decide, not the carrier: late, slower than usual, late to ship, never scanned, silent,
//! presumed lost, in transit though cancelled, and when to look again.

use super::{DeliveryStanding, FoldedException, Plan, Resolution, Watch};
use crate::{
    ExceptionReason, State,
    event_time::{EventTime, Precision},
    ids::{ObservationId, content_id},
    vocabulary::ClosedBy,
};
use jiff::{SignedDuration, Timestamp};

/// What the clock decides by.
pub(super) struct Asked<'a> {
    pub plan: &'a Plan,
    pub state: State,
    /// When the carrier first had the goods: sorting instant and time of that event.
    pub left: Option<(Timestamp, EventTime)>,
    /// When it ended, if it has: sorting instant and time of the deciding fact.
    pub ended: Option<(Timestamp, EventTime)>,
    /// When the return began, if it goes back or went back.
    pub returning: Option<(Timestamp, EventTime)>,
    /// When the carrier first had the data of it, and nothing but that.
    pub labelled: Option<Timestamp>,
    pub heard_at: Option<Timestamp>,
    /// What is usual; none where nothing is known of that.
    pub watch: Option<&'a Watch>,
    pub now: Timestamp,
}

/// What follows from the clock.
#[derive(Default)]
pub(super) struct Said {
    pub exceptions: Vec<FoldedException>,
    pub review_at: Option<Timestamp>,
}

pub(super) fn ask(asked: &Asked<'_>) -> Said {
    let mut said = Said::default();
    incomplete(asked, &mut said);
    late_to_ship(asked, &mut said);
    if asked.plan.is_called_off() {
        moves_though_cancelled(asked, &mut said);
    } else {
        late(asked, &mut said);
        silent(asked, &mut said);
        if let Some(watch) = asked.watch {
            slow(asked, watch, &mut said);
            expected_late(asked, watch, &mut said);
            never_scanned(asked, watch, &mut said);
            presumed_lost(asked, watch, &mut said);
        }
    }
    said
}

/// Ends what is open of a delivery that was called off.
pub(super) fn close_called_off(exceptions: &mut [FoldedException], plan: &Plan) {
    for exception in exceptions.iter_mut().filter(|e| e.closed.is_none()) {
        let at = plan.standing_since.map_or_else(|| exception.opened.clone(), event_time);
        exception.closed = Some((at, Resolution::Cancelled));
    }
}

/// Ends what is open of what was received, but for what only people end and what is ended when it is found.
pub(super) fn close_received(exceptions: &mut [FoldedException], at: Timestamp) {
    let ends = |reason: ExceptionReason| !matches!(reason.closed_by(), ClosedBy::Human | ClosedBy::Found);
    for exception in exceptions.iter_mut().filter(|e| e.closed.is_none() && ends(e.reason)) {
        exception.closed = Some((event_time(at), Resolution::Delivered));
    }
}

/// Against the day of shipping, with some hours of grace: ends when it left, by the order system or the carrier.
fn late_to_ship(asked: &Asked<'_>, said: &mut Said) {
    let plan = asked.plan;
    let (Some(by), Some(hours)) = (plan.ship_by, plan.ship_grace_hours) else { return };
    let Ok(due) = by.checked_add(SignedDuration::from_hours(i64::from(hours))) else { return };
    let validated = plan.expected_from.map(|at| (at, event_time(at)));
    let left = [validated, asked.left.clone()].into_iter().flatten().min_by_key(|(at, _)| *at);
    let called_off = plan.standing_since.filter(|_| plan.is_called_off()).map(|at| (at, event_time(at)));
    let ended = match (left, called_off) {
        (Some((at, time)), _) => Some((at, time, Resolution::Progress)),
        (None, Some((at, time))) => Some((at, time, Resolution::Cancelled)),
        // it has left, or ended, without a known time
        _ if has_left(asked) || asked.state.is_terminal() => return,
        _ => None,
    };
    let closed = match ended {
        Some((at, ..)) if at <= due => return,
        Some((_, time, how)) => Some((time, how)),
        None if asked.now <= due => return said.review(next(due)),
        None => None,
    };
    said.exceptions.push(raised(ExceptionReason::LateToShip, "late to ship", by, due, closed));
}

/// The parcel of a cancelled delivery is on its way, until it comes back or arrives. What was deleted is ignored.
fn moves_though_cancelled(asked: &Asked<'_>, said: &mut Said) {
    let Some(since) = asked.plan.standing_since.filter(|_| asked.plan.standing == DeliveryStanding::Cancelled) else {
        return;
    };
    let closed = match (&asked.ended, asked.state.is_terminal()) {
        _ if !asked.state.has_left() || asked.state == State::Returning => return,
        (Some((at, time)), true) if *at > since => Some((time.clone(), resolution(asked.state))),
        (_, true) => return,
        _ => None,
    };
    said.exceptions.push(once(ExceptionReason::TransitThoughCancelled, "moves though cancelled", since, closed));
}

/// Not all of the order could be read, over when it can; or its numbers are doubtful, over when a carrier reports them.
fn incomplete(asked: &Asked<'_>, said: &mut Said) {
    let plan = asked.plan;
    let doubtful = !plan.doubts.is_empty() && asked.heard_at.is_none();
    let lacks = (doubtful || !plan.unread.is_empty()) && plan.standing != DeliveryStanding::Deleted;
    let Some(since) = plan.unread_since.filter(|_| lacks) else { return };
    said.exceptions.push(once(ExceptionReason::ImportIncomplete, "incomplete", since, None));
}

/// One for each delivery, however often its condition is reported.
pub(super) fn once(
    reason: ExceptionReason,
    kind: &str,
    since: Timestamp,
    closed: Option<(EventTime, Resolution)>,
) -> FoldedException {
    let evidence = vec![ObservationId(content_id(kind, &[]))];
    FoldedException { evidence, ..raised(reason, kind, since, since, closed) }
}

/// By the order system or by the carrier.
fn has_left(asked: &Asked<'_>) -> bool {
    asked.state.has_left() || asked.plan.expected_from.is_some() || asked.plan.standing == DeliveryStanding::Done
}

pub(super) fn event_time(at: Timestamp) -> EventTime {
    EventTime::instant(at.to_string(), at, Precision::Second)
}

fn late(asked: &Asked<'_>, said: &mut Said) {
    // what has not left the house is late to ship
    let Some(promised) = asked.plan.promised_by.filter(|_| has_left(asked)) else { return };
    // what goes back is no longer expected
    let closed = match (&asked.returning, &asked.ended, asked.state.is_terminal()) {
        (Some((at, _)), ..) if *at <= promised => return,
        (Some((_, time)), ..) => Some((time.clone(), Resolution::Returned)),
        (None, Some((at, time)), true) if *at > promised => Some((time.clone(), resolution(asked.state))),
        (None, _, true) => return,
        _ => None,
    };
    if asked.now <= promised {
        said.review(next(promised));
        return;
    }
    said.exceptions.push(raised(ExceptionReason::Late, "late", promised, promised, closed));
}

/// Since when no update came, and by when one is due: after the longest usual gap of its lane, in working days; where that is not
/// known, after the hours that the plan says. None where the plan watches for no silence, or nothing is expected yet.
pub fn update_due(plan: &Plan, heard_at: Option<Timestamp>, watch: Option<&Watch>) -> Option<(Timestamp, Timestamp)> {
    let hours = plan.silence_after_hours?;
    let since = heard_at.max(plan.expected_from)?;
    let usual = watch.and_then(|watch| Some(watch.calendar.after_days(since, watch.usual?.gap)));
    let until = usual.or_else(|| since.checked_add(SignedDuration::from_hours(i64::from(hours))).ok())?;
    Some((since, until))
}

/// Without an update for longer than is usual.
fn silent(asked: &Asked<'_>, said: &mut Said) {
    let due = update_due(asked.plan, asked.heard_at, asked.watch);
    let Some((since, until)) = due.filter(|_| !asked.state.is_terminal()) else { return };
    if asked.now <= until {
        said.review(next(until));
        return;
    }
    said.exceptions.push(raised(ExceptionReason::Silence, "silence", since, until, None));
}

/// Longer on its way than is usual for the carrier and the lane, counted from the first scan.
fn slow(asked: &Asked<'_>, watch: &Watch, said: &mut Said) {
    let (Some((left, _)), Some(usual)) = (&asked.left, watch.usual) else { return };
    let due = watch.calendar.after_days(*left, usual.transit);
    let closed = match (&asked.returning, &asked.ended, asked.state.is_terminal()) {
        (Some((at, _)), ..) if *at <= due => return,
        (Some((_, time)), ..) => Some((time.clone(), Resolution::Returned)),
        (None, Some((at, time)), true) if *at > due => Some((time.clone(), resolution(asked.state))),
        (None, _, true) => return,
        _ if asked.now <= due => return said.review(next(due)),
        _ => None,
    };
    said.exceptions.push(raised(ExceptionReason::SlowTransit, "slower than usual", *left, due, closed));
}

/// Most shipments that waited as long at the same stage of this lane came after the promised date. Over at the next scan that makes
/// it less likely, and at the promise itself: then it is late.
fn expected_late(asked: &Asked<'_>, watch: &Watch, said: &mut Said) {
    let (Some(from), Some(promised)) = (watch.late_from, asked.plan.promised_by) else { return };
    let goes_on = has_left(asked) && !asked.state.is_terminal() && asked.returning.is_none();
    if !goes_on || asked.now > promised {
        return;
    }
    if asked.now <= from {
        return said.review(next(from));
    }
    said.exceptions.push(raised(ExceptionReason::PredictedLate, "expected late", promised, from, None));
}

/// Working days from the label to the first scan where the lane is not known.
const FIRST_SCAN_DAYS: u32 = 3;

/// The label is made, and the carrier never scanned the goods. An open delivery of the order system is late to ship instead.
fn never_scanned(asked: &Asked<'_>, watch: &Watch, said: &mut Said) {
    let Some(labelled) = asked.labelled else { return };
    let days = watch.usual.map_or(FIRST_SCAN_DAYS, |usual| usual.first_scan);
    let due = watch.calendar.after_hand_over(asked.plan.expected_from.unwrap_or(labelled).max(labelled), days);
    let closed = match (&asked.left, asked.state) {
        (Some((at, time)), _) if *at > due => Some((time.clone(), Resolution::Progress)),
        (None, State::Registered) if asked.now <= due => return said.review(next(due)),
        (None, State::Registered) => None,
        _ => return,
    };
    said.exceptions.push(raised(ExceptionReason::NotShipped, "never scanned", labelled, due, closed));
}

/// On its way and silent for so long that it will hardly be found.
fn presumed_lost(asked: &Asked<'_>, watch: &Watch, said: &mut Said) {
    let moves = asked.state.has_left() && !asked.state.is_terminal();
    let (Some(since), Some(usual)) = (asked.heard_at.filter(|_| moves), watch.usual) else { return };
    let due = watch.calendar.after_days(since, usual.lost);
    if asked.now <= due {
        return said.review(next(due));
    }
    said.exceptions.push(raised(ExceptionReason::PresumedLost, "presumed lost", since, due, None));
}

impl Said {
    /// What else follows.
    pub(super) fn add(&mut self, other: Self) {
        self.exceptions.extend(other.exceptions);
        if let Some(at) = other.review_at {
            self.review(at);
        }
    }

    pub(super) fn review(&mut self, at: Timestamp) {
        self.review_at = Some(self.review_at.map_or(at, |earlier| earlier.min(at)));
    }
}

/// The first moment at which the answer is another one.
pub(super) fn next(at: Timestamp) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(1)).unwrap_or(at)
}

pub(super) fn resolution(state: State) -> Resolution {
    match state {
        State::Delivered => Resolution::Delivered,
        State::Returned => Resolution::Returned,
        State::Cancelled => Resolution::Cancelled,
        _ => Resolution::Progress,
    }
}

/// The evidence is what the clock decided by, so that another promise or another gap in updates is another exception.
pub(super) fn raised(
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
        opened: event_time(opened),
        opened_recorded: opened,
        closed,
        evidence: vec![ObservationId(content_id(kind, &[about.to_string().as_bytes()]))],
        clock_stopped_minutes: 0,
    }
}
