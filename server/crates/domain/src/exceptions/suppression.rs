//! Which derived exception is not raised because another one, or the state, explains it: one table.

use crate::{Category, ExceptionReason, State, fold::FoldedException};

/// What explains an exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The state of the shipment.
    State(State),
    /// Another open exception of this reason.
    Open(ExceptionReason),
    /// Another open exception of this category.
    OpenIn(Category),
}

use ExceptionReason as E;

/// What explains which. What people or other systems refuse is never hidden, nor is what a carrier reports.
pub const TABLE: &[(Cause, &[E])] = &[
    (Cause::State(State::Returning), &[E::SlowTransit, E::MilestoneMissing, E::CustomsStuck, E::PresumedLost]),
    (
        Cause::State(State::Failed),
        &[E::Silence, E::SlowTransit, E::MilestoneMissing, E::TrackingStopped, E::PresumedLost],
    ),
    (Cause::State(State::AvailableForPickup), &[E::Silence, E::SlowTransit, E::PresumedLost]),
    // who holds it says nothing new
    (Cause::OpenIn(Category::Customs), &[E::Silence, E::SlowTransit, E::PresumedLost]),
    (Cause::Open(E::HoldPayment), &[E::Silence, E::SlowTransit, E::PresumedLost]),
    (Cause::Open(E::HoldSecurity), &[E::Silence, E::SlowTransit, E::PresumedLost]),
    (Cause::Open(E::HoldRegulatory), &[E::Silence, E::SlowTransit, E::PresumedLost]),
    (Cause::Open(E::HoldInstructions), &[E::Silence, E::SlowTransit, E::PresumedLost]),
    (Cause::OpenIn(Category::Loss), &[E::Silence, E::SlowTransit, E::MilestoneMissing, E::TrackingStopped]),
    (Cause::Open(E::Lost), &[E::PresumedLost]),
    (Cause::Open(E::Stolen), &[E::PresumedLost]),
    (Cause::Open(E::Disposed), &[E::PresumedLost]),
    (Cause::Open(E::UnderInvestigation), &[E::PresumedLost]),
    (Cause::Open(E::NotShipped), &[E::Silence, E::MilestoneMissing]),
    (Cause::Open(E::TrackingStopped), &[E::Silence]),
    (Cause::Open(E::Late), &[E::SlowTransit]),
    (Cause::Open(E::Silence), &[E::MilestoneMissing]),
    (Cause::Open(E::ConsigneeRefused), &[E::ReturnToOrigin]),
    (Cause::Open(E::ConsigneeUnclaimed), &[E::ReturnToOrigin]),
    (Cause::Open(E::AddressIncorrect), &[E::ReturnToOrigin]),
    (Cause::Open(E::AddressNotFound), &[E::ReturnToOrigin]),
    (Cause::Open(E::AddressMoved), &[E::ReturnToOrigin]),
];

/// Whether an exception is explained by the state or by another one that is open.
pub fn is_suppressed(reason: E, state: State, open: impl Fn(Cause) -> bool) -> bool {
    let explains = |cause: Cause| match cause {
        Cause::State(of) => of == state,
        cause => open(cause),
    };
    TABLE.iter().any(|(cause, hidden)| hidden.contains(&reason) && explains(*cause))
}

/// Takes out the derived exceptions that others explain; what explains must itself be there.
pub fn suppress(reported: &[FoldedException], derived: &mut Vec<FoldedException>, state: State) {
    let all: Vec<E> = reported.iter().chain(derived.iter()).filter(|e| e.closed.is_none()).map(|e| e.reason).collect();
    derived.retain(|exception| {
        let others = |cause: Cause| {
            all.iter().any(|other| match cause {
                Cause::Open(reason) => *other == reason && *other != exception.reason,
                Cause::OpenIn(category) => other.category() == category && *other != exception.reason,
                Cause::State(_) => false,
            })
        };
        exception.closed.is_some() || !is_suppressed(exception.reason, state, others)
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden_by(reason: E, state: State, open: &[E]) -> bool {
        is_suppressed(reason, state, |cause| {
            open.iter().any(|other| match cause {
                Cause::Open(of) => *other == of,
                Cause::OpenIn(category) => other.category() == category,
                Cause::State(_) => false,
            })
        })
    }

    #[test]
    fn what_another_one_explains_is_not_raised() {
        for (reason, state, open, hidden) in [
            (E::Silence, State::InTransit, &[E::CustomsInspection][..], true),
            (E::Silence, State::InTransit, &[E::CustomsStuck], true),
            (E::Silence, State::InTransit, &[E::DelayWeather], false),
            (E::SlowTransit, State::InTransit, &[E::Late], true),
            (E::SlowTransit, State::Returning, &[], true),
            (E::Silence, State::Returning, &[], false),
            (E::PresumedLost, State::InTransit, &[E::Lost], true),
            (E::PresumedLost, State::InTransit, &[E::Silence], false),
            (E::Silence, State::InTransit, &[E::PresumedLost], true),
            (E::ReturnToOrigin, State::Returning, &[E::ConsigneeRefused], true),
            (E::ReturnToOrigin, State::Returning, &[E::DelayCarrier], false),
            (E::OrderRefused, State::Returning, &[E::Lost, E::Late], false),
        ] {
            assert_eq!(hidden_by(reason, state, open), hidden, "{reason:?} {state:?} {open:?}");
        }
    }

    #[test]
    fn no_two_hide_each_other_and_only_derived_ones_are_hidden() {
        for (cause, hidden) in TABLE {
            for reason in *hidden {
                assert!(*reason >= E::Late, "{reason:?} is reported by carriers");
                let Cause::Open(by) = cause else { continue };
                let back = TABLE.iter().any(|(other, hides)| *other == Cause::Open(*reason) && hides.contains(by));
                assert!(!back, "{by:?} and {reason:?} hide each other");
            }
        }
    }
}
