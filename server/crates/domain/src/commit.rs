//! From folded exceptions to committed ones: which rows stay, which close, which open.

use crate::{
    ExceptionReason,
    event_time::EventTime,
    exceptions::{CommittedException, exception_id},
    fold::{FoldedException, Resolution},
    ids::{ExceptionId, ObservationId, ShipmentId},
};
use jiff::SignedDuration;

/// What happens to a committed exception, or to one that is new.
#[derive(Clone, Debug, PartialEq)]
pub enum ExceptionChange {
    /// A new row.
    Open {
        /// Its id.
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

/// What was retracted and is reported again within this time is the same exception, corrected.
const CORRECTED: SignedDuration = SignedDuration::from_hours(72);

/// Compares. A refold keeps the row whose evidence it shares. Where none is shared, the same trouble reported differently (a
/// time that was revised, an event that was replaced) keeps the row of what it replaces: one that is open and that the
/// facts no longer give, else one that was taken back before. Other rows that the facts no longer give are closed as
/// cleared. Rows that stay as they are give no change. A new row's id follows from what it is: after the restore of an
/// older backup the same one comes out.
pub fn reconcile(
    shipment: ShipmentId,
    existing: &[CommittedException],
    folded: &[FoldedException],
) -> Vec<ExceptionChange> {
    let mut taken = vec![false; existing.len()];
    let mut rows = vec![None; folded.len()];
    for find in [shares as Find, is_replaced, is_over] {
        for (row, exception) in rows.iter_mut().zip(folded).filter(|(row, _)| row.is_none()) {
            *row = find(existing, &taken, exception);
            if let Some(index) = *row {
                taken[index] = true;
            }
        }
    }
    let mut opened: Vec<(ExceptionReason, &Option<String>)> = Vec::new();
    let mut changes = Vec::new();
    for (row, exception) in rows.into_iter().zip(folded) {
        match row {
            Some(index) => changes.extend(change(&existing[index], exception)),
            // over before anybody watched: history, nothing to keep
            None if exception.reason.is_only_watched() && exception.closed.is_some() => {}
            None => {
                let kind = (exception.reason, &exception.piece);
                let before = existing.iter().filter(|row| (row.reason, &row.piece) == kind).count();
                let number = before + opened.iter().filter(|other| **other == kind).count();
                let id = exception_id(shipment, exception.reason, exception.piece.as_deref(), number as u64);
                changes.push(ExceptionChange::Open { id, exception: exception.clone() });
                opened.push(kind);
            }
        }
    }
    let vanished = existing.iter().zip(taken).filter(|(row, taken)| !taken && row.closed.is_none());
    changes.extend(vanished.map(|(row, _)| ExceptionChange::Close {
        id: row.id,
        at: None,
        resolution: Resolution::Cleared,
    }));
    changes
}

/// Finds the row of an exception among those that are not taken.
type Find = fn(&[CommittedException], &[bool], &FoldedException) -> Option<usize>;

/// The rows of the same reason and piece that are not taken.
fn alike<'a>(
    existing: &'a [CommittedException],
    taken: &'a [bool],
    exception: &'a FoldedException,
) -> impl Iterator<Item = (usize, &'a CommittedException)> {
    let alike = |row: &CommittedException| row.reason == exception.reason && row.piece == exception.piece;
    existing.iter().enumerate().filter(move |(i, row)| !taken[*i] && alike(row))
}

/// The row that shares most evidence.
fn shares(existing: &[CommittedException], taken: &[bool], exception: &FoldedException) -> Option<usize> {
    let shared = |row: &CommittedException| row.evidence.iter().filter(|id| exception.evidence.contains(id)).count();
    alike(existing, taken, exception)
        .filter(|(_, row)| shared(row) > 0)
        .max_by_key(|(i, row)| (shared(row), std::cmp::Reverse(*i)))
        .map(|(i, _)| i)
}

/// The row whose facts are gone and that this open exception goes on with: an open one, else of those taken back the one
/// that is nearest in time.
fn is_replaced(existing: &[CommittedException], taken: &[bool], exception: &FoldedException) -> Option<usize> {
    let opened = exception.opened.sort_key().unwrap_or(exception.opened_recorded);
    let apart = |row: &CommittedException| row.opened_at.duration_since(opened).abs();
    let goes_on = |row: &CommittedException| match row.closed {
        _ if exception.closed.is_some() => false,
        None => true,
        Some((_, Resolution::Cleared)) => apart(row) <= CORRECTED,
        Some(_) => false,
    };
    alike(existing, taken, exception)
        .filter(|(_, row)| goes_on(row))
        .min_by_key(|(i, row)| (row.closed.is_some(), apart(row), std::cmp::Reverse(*i)))
        .map(|(i, _)| i)
}

/// The open row whose facts are gone and that ends with this exception, which is over.
fn is_over(existing: &[CommittedException], taken: &[bool], exception: &FoldedException) -> Option<usize> {
    let open = |row: &CommittedException| row.closed.is_none() && exception.closed.is_some();
    alike(existing, taken, exception).find(|(_, row)| open(row)).map(|(i, _)| i)
}

fn change(row: &CommittedException, exception: &FoldedException) -> Option<ExceptionChange> {
    match (&exception.closed, row.closed.is_some()) {
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
    use jiff::Timestamp;
    use uuid::Uuid;

    const SHIPMENT: ShipmentId = ShipmentId(Uuid::from_u128(1));

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
            opened_at: from.opened.sort_key().unwrap_or(from.opened_recorded),
            recorded_at: from.opened_recorded,
            closed: from.closed.as_ref().map(|(_, how)| (from.opened_recorded, *how)),
            withheld: false,
        }
    }

    #[test]
    fn a_refold_keeps_the_row_whose_evidence_it_shares() {
        let before = folded(ExceptionReason::Damaged, &[1], None);
        let after = folded(ExceptionReason::Damaged, &[1, 2], None);
        let rows = [row(9, &before)];
        assert_eq!(reconcile(SHIPMENT, &rows, std::slice::from_ref(&before)), []);
        assert!(
            matches!(&reconcile(SHIPMENT, &rows, &[after])[..], [ExceptionChange::Keep { id, .. }] if *id == rows[0].id)
        );
    }

    #[test]
    fn what_ends_is_closed_and_what_vanishes_is_cleared() {
        let open = folded(ExceptionReason::CustomsDelay, &[1], None);
        let over = folded(ExceptionReason::CustomsDelay, &[1], Some(Resolution::Progress));
        let rows = [row(9, &open)];
        assert!(matches!(
            &reconcile(SHIPMENT, &rows, std::slice::from_ref(&over))[..],
            [ExceptionChange::Close { resolution: Resolution::Progress, .. }]
        ));
        assert!(matches!(
            &reconcile(SHIPMENT, &rows, &[])[..],
            [ExceptionChange::Close { resolution: Resolution::Cleared, .. }]
        ));
        assert_eq!(reconcile(SHIPMENT, &[row(9, &over)], &[]), [], "it has ended already");
    }

    /// The same trouble, begun at another minute and reported by another fact.
    fn reported_otherwise(evidence: u128, minutes: i64) -> FoldedException {
        let opened = "2026-03-01T08:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minutes);
        let opened = EventTime::instant(opened.to_string(), opened, crate::event_time::Precision::Minute);
        FoldedException { opened, ..folded(ExceptionReason::Damaged, &[evidence], None) }
    }

    #[test]
    fn a_revised_event_keeps_the_row() {
        let before = row(9, &reported_otherwise(1, 0));
        for minutes in [0, 1, -1, 60, 100_000] {
            let after = [reported_otherwise(2, minutes)];
            let changes = reconcile(SHIPMENT, std::slice::from_ref(&before), &after);
            assert!(matches!(&changes[..], [ExceptionChange::Keep { id, .. }] if *id == before.id), "{changes:?}");
        }
    }

    #[test]
    fn what_is_taken_back_and_said_again_is_the_same_row_while_it_is_about_the_same_time() {
        let at = reported_otherwise(1, 0).opened_recorded;
        let closed = |how| Some((at, how));
        let taken_back =
            CommittedException { closed: closed(Resolution::Cleared), ..row(9, &reported_otherwise(1, 0)) };
        for (minutes, same) in [(1, true), (-60, true), (72 * 60, true), (72 * 60 + 1, false)] {
            let changes = reconcile(SHIPMENT, std::slice::from_ref(&taken_back), &[reported_otherwise(2, minutes)]);
            let kept = matches!(&changes[..], [ExceptionChange::Keep { id, .. }] if *id == taken_back.id);
            assert_eq!(kept, same, "{minutes}: {changes:?}");
        }
        for how in [Resolution::Person, Resolution::Progress, Resolution::Explicit, Resolution::Delivered] {
            let ended = CommittedException { closed: closed(how), ..taken_back.clone() };
            let changes = reconcile(SHIPMENT, &[ended], &[reported_otherwise(2, 1)]);
            assert!(matches!(&changes[..], [ExceptionChange::Open { .. }]), "{how:?} is an episode of its own");
        }
    }

    #[test]
    fn of_two_rows_a_revised_event_takes_the_one_that_nobody_else_goes_on_with() {
        let (ended, open) =
            (folded(ExceptionReason::Damaged, &[1], Some(Resolution::Explicit)), reported_otherwise(2, 0));
        let rows = [row(7, &ended), row(9, &open)];
        let changes = reconcile(SHIPMENT, &rows, &[ended, reported_otherwise(3, 1)]);
        assert!(matches!(&changes[..], [ExceptionChange::Keep { id, .. }] if *id == rows[1].id), "{changes:?}");
    }

    #[test]
    fn new_rows_of_one_reason_and_piece_are_numbered_on() {
        let over = folded(ExceptionReason::Damaged, &[1], Some(Resolution::Progress));
        let of_piece = FoldedException { piece: Some("P1".into()), ..folded(ExceptionReason::Damaged, &[5], None) };
        let new = [2, 3].map(|n| folded(ExceptionReason::Damaged, &[n], Some(Resolution::Progress)));
        let late = folded(ExceptionReason::Late, &[4], None);
        let all = [over.clone(), new[0].clone(), new[1].clone(), late, of_piece];
        let ids: Vec<_> = reconcile(SHIPMENT, &[row(9, &over)], &all)
            .into_iter()
            .map(|change| match change {
                ExceptionChange::Open { id, .. } => id,
                other => panic!("{other:?}"),
            })
            .collect();
        let id = |reason, piece, number| exception_id(SHIPMENT, reason, piece, number);
        let wanted = [
            id(ExceptionReason::Damaged, None, 1),
            id(ExceptionReason::Damaged, None, 2),
            id(ExceptionReason::Late, None, 0),
            id(ExceptionReason::Damaged, Some("P1"), 0),
        ];
        assert_eq!(ids, wanted);
    }

    #[test]
    fn new_evidence_of_an_ended_exception_is_a_new_episode() {
        let over = folded(ExceptionReason::AttemptFailed, &[1], Some(Resolution::Progress));
        let again = folded(ExceptionReason::AttemptFailed, &[2], None);
        let changes = reconcile(SHIPMENT, &[row(9, &over)], &[over.clone(), again]);
        assert!(matches!(&changes[..], [ExceptionChange::Open { .. }]));
    }

    #[test]
    fn what_left_late_before_anybody_watched_is_history() {
        let over = folded(ExceptionReason::LateToShip, &[1], Some(Resolution::Progress));
        assert_eq!(reconcile(SHIPMENT, &[], std::slice::from_ref(&over)), []);
        let open = folded(ExceptionReason::LateToShip, &[1], None);
        assert!(matches!(&reconcile(SHIPMENT, &[row(9, &open)], &[over])[..], [ExceptionChange::Close { .. }]));
    }
}
