//! Why nothing current is known of a shipment: one cause, the nearest to the root first.

use super::{Feed, Folded, Plan, Watch};
use crate::{ExceptionReason as E, Visibility, unknown::Cause};
use jiff::Timestamp;

/// The cause, and when that may change by the clock alone. None of what has ended, was called off, is not yet on its way, or
/// is known.
pub(super) fn cause(plan: &Plan, folded: &Folded, watch: &Watch, now: Timestamp) -> (Option<Cause>, Option<Timestamp>) {
    let open = |reason| folded.exceptions.iter().any(|e| e.reason == reason && e.closed.is_none());
    if folded.state.is_terminal() || plan.is_called_off() {
        return (None, None);
    }
    let silent = open(E::Silence) || open(E::PresumedLost) || folded.visibility == Visibility::Stopped;
    let counts = folded.counts;
    let received = folded.heard_at.is_some();
    match () {
        () if !received && !plan.doubts.is_empty() => (Some(Cause::Mistyped), None),
        () if counts.quarantined > 0 && (counts.active == counts.unmapped || silent) => {
            (Some(Cause::FutureTimes), None)
        }
        () if counts.unmapped > 0 && (counts.active == counts.unmapped || silent) => (Some(Cause::UnmappedCode), None),
        () if silent || !received => match (watch.feed, received) {
            (Feed::Unnumbered, _) => (plan.expected_from.map(|_| Cause::NoNumber), None),
            (Feed::Missing, false) if plan.expected_from.is_some() => (Some(Cause::NotConnected), None),
            (Feed::Paused, false) if plan.expected_from.is_some() => (Some(Cause::SourcePaused), None),
            (Feed::Missing | Feed::Paused, true) => (Some(Cause::SourcePaused), None),
            (_, true) => (Some(Cause::SourceSilent), None),
            (_, false) => never_seen(plan, watch, now),
        },
        () if open(E::OrderRefused) => (Some(Cause::OrderRefused), None),
        () => (None, None),
    }
}

/// Working days from the label to the first scan where the lane is not known.
const FIRST_SCAN_DAYS: u32 = 3;

fn never_seen(plan: &Plan, watch: &Watch, now: Timestamp) -> (Option<Cause>, Option<Timestamp>) {
    let Some(since) = plan.expected_from else { return (None, None) };
    let due = watch.calendar.after_hand_over(since, watch.usual.map_or(FIRST_SCAN_DAYS, |usual| usual.first_scan));
    if now > due {
        (Some(Cause::NeverSeen), None)
    } else {
        (None, due.checked_add(jiff::SignedDuration::from_secs(1)).ok())
    }
}
