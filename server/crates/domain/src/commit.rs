//! From folded exceptions to committed ones: which rows stay, which close, which open.

use crate::{
    ExceptionReason, Severity,
    event_time::EventTime,
    fold::{FoldedException, Resolution},
    ids::{ExceptionId, ObservationId},
};

/// An exception as committed before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedException {
    /// Its id.
    pub id: ExceptionId,
    /// Why.
    pub reason: ExceptionReason,
    /// The piece.
    pub piece: Option<String>,
    /// How much a person is needed.
    pub severity: Severity,
    /// The facts behind it.
    pub evidence: Vec<ObservationId>,
    /// Whether it has ended.
    pub closed: bool,
}

/// What happens to a committed exception, or to one that is new.
#[derive(Clone, Debug, PartialEq)]
pub enum ExceptionChange {
    /// A new row.
    Open {
        /// Given by whoever commits.
        id: ExceptionId,
        /// The exception; may be over already.
        exception: FoldedException,
    },
    /// The row goes on with other evidence or severity, or is open again.
    Keep {
        /// The row.
        id: ExceptionId,
        /// The exception.
        exception: FoldedException,
    },
    /// The row ends.
    Close {
        /// The row.
        id: ExceptionId,
        /// When, by the event.
        at: Option<EventTime>,
        /// How.
        resolution: Resolution,
    },
}

/// Compares. A refold keeps the row whose evidence it shares; a row that the facts no longer give (retraction) is closed
/// as cleared. Rows that stay as they are give no change.
pub fn reconcile(existing: &[CommittedException], folded: &[FoldedException]) -> Vec<ExceptionChange> {
    let mut taken = vec![false; existing.len()];
    let mut changes = Vec::new();
    for exception in folded {
        match best(existing, &taken, exception) {
            Some(index) => {
                taken[index] = true;
                changes.extend(change(&existing[index], exception));
            }
            // it left late before anybody watched: history, nothing to keep
            None if exception.reason == ExceptionReason::LateToShip && exception.closed.is_some() => {}
            None => {
                changes.push(ExceptionChange::Open { id: ExceptionId(uuid::Uuid::nil()), exception: exception.clone() })
            }
        }
    }
    let vanished = existing.iter().zip(taken).filter(|(row, taken)| !taken && !row.closed);
    changes.extend(vanished.map(|(row, _)| ExceptionChange::Close {
        id: row.id,
        at: None,
        resolution: Resolution::Cleared,
    }));
    changes
}

/// The row of the same reason and piece that shares most evidence.
fn best(existing: &[CommittedException], taken: &[bool], exception: &FoldedException) -> Option<usize> {
    let shared = |row: &CommittedException| row.evidence.iter().filter(|id| exception.evidence.contains(id)).count();
    existing
        .iter()
        .enumerate()
        .filter(|(i, row)| {
            !taken[*i] && row.reason == exception.reason && row.piece == exception.piece && shared(row) > 0
        })
        .max_by_key(|(i, row)| (shared(row), std::cmp::Reverse(*i)))
        .map(|(i, _)| i)
}

fn change(row: &CommittedException, exception: &FoldedException) -> Option<ExceptionChange> {
    match (&exception.closed, row.closed) {
        (Some((at, resolution)), false) => {
            Some(ExceptionChange::Close { id: row.id, at: Some(at.clone()), resolution: *resolution })
        }
        (None, true) => Some(ExceptionChange::Keep { id: row.id, exception: exception.clone() }),
        _ if row.severity == exception.severity && same(&row.evidence, &exception.evidence) => None,
        _ => Some(ExceptionChange::Keep { id: row.id, exception: exception.clone() }),
    }
}

fn same(a: &[ObservationId], b: &[ObservationId]) -> bool {
    a.len() == b.len() && a.iter().all(|id| b.contains(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn folded(reason: ExceptionReason, evidence: &[u128], closed: Option<Resolution>) -> FoldedException {
        FoldedException {
            reason,
            piece: None,
            severity: reason.severity(),
            opened: EventTime::unknown(""),
            opened_recorded: "2026-03-01T00:00:00Z".parse().unwrap(),
            closed: closed.map(|c| (EventTime::unknown(""), c)),
            evidence: evidence.iter().map(|n| ObservationId(Uuid::from_u128(*n))).collect(),
            clock_stopped_minutes: 0,
        }
    }

    fn row(id: u128, from: &FoldedException) -> CommittedException {
        CommittedException {
            id: ExceptionId(Uuid::from_u128(id)),
            reason: from.reason,
            piece: None,
            severity: from.severity,
            evidence: from.evidence.clone(),
            closed: from.closed.is_some(),
        }
    }

    #[test]
    fn a_refold_keeps_the_row_whose_evidence_it_shares() {
        let before = folded(ExceptionReason::Damaged, &[1], None);
        let after = folded(ExceptionReason::Damaged, &[1, 2], None);
        let rows = [row(9, &before)];
        assert_eq!(reconcile(&rows, std::slice::from_ref(&before)), []);
        assert!(matches!(&reconcile(&rows, &[after])[..], [ExceptionChange::Keep { id, .. }] if *id == rows[0].id));
    }

    #[test]
    fn what_ends_is_closed_and_what_vanishes_is_cleared() {
        let open = folded(ExceptionReason::CustomsDelay, &[1], None);
        let over = folded(ExceptionReason::CustomsDelay, &[1], Some(Resolution::Progress));
        let rows = [row(9, &open)];
        assert!(matches!(
            &reconcile(&rows, std::slice::from_ref(&over))[..],
            [ExceptionChange::Close { resolution: Resolution::Progress, .. }]
        ));
        assert!(matches!(&reconcile(&rows, &[])[..], [ExceptionChange::Close { resolution: Resolution::Cleared, .. }]));
        assert_eq!(reconcile(&[row(9, &over)], &[]), [], "it has ended already");
    }

    #[test]
    fn new_evidence_of_an_ended_exception_is_a_new_episode() {
        let over = folded(ExceptionReason::AttemptFailed, &[1], Some(Resolution::Progress));
        let again = folded(ExceptionReason::AttemptFailed, &[2], None);
        let changes = reconcile(&[row(9, &over)], &[over.clone(), again]);
        assert!(matches!(&changes[..], [ExceptionChange::Open { .. }]));
    }

    #[test]
    fn what_left_late_before_anybody_watched_is_history() {
        let over = folded(ExceptionReason::LateToShip, &[1], Some(Resolution::Progress));
        assert_eq!(reconcile(&[], std::slice::from_ref(&over)), []);
        let open = folded(ExceptionReason::LateToShip, &[1], None);
        assert!(matches!(&reconcile(&[row(9, &open)], &[over])[..], [ExceptionChange::Close { .. }]));
    }
}
