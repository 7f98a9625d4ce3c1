//! Which derived exception is not raised because another one, or the state, explains it: one table.

use crate::{Category, ExceptionReason, State, fold::output::FoldedException};

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
    // it lies still until a person decides
    (Cause::OpenIn(Category::Damage), &[E::Silence, E::SlowTransit, E::MilestoneMissing]),
    (Cause::OpenIn(Category::Regulatory), &[E::Silence, E::SlowTransit, E::MilestoneMissing]),
    (Cause::Open(E::ConsigneeRefused), &[E::Silence, E::SlowTransit, E::MilestoneMissing]),
    (Cause::Open(E::ConsigneeUnclaimed), &[E::Silence, E::SlowTransit, E::MilestoneMissing]),
    (Cause::Open(E::ConsigneeCancelled), &[E::Silence, E::SlowTransit, E::MilestoneMissing]),
    (Cause::Open(E::AddressIncorrect), &[E::Silence, E::SlowTransit, E::MilestoneMissing]),
    (Cause::Open(E::AddressNotFound), &[E::Silence, E::SlowTransit, E::MilestoneMissing]),
    (Cause::Open(E::AddressMoved), &[E::Silence, E::SlowTransit, E::MilestoneMissing]),
    (Cause::Open(E::OutOfServiceArea), &[E::Silence, E::SlowTransit, E::MilestoneMissing]),
    (Cause::Open(E::CarrierRejected), &[E::Silence, E::SlowTransit, E::MilestoneMissing]),
    // it grows more severe by itself, and what is never seen again is presumed lost
    (Cause::Open(E::HoldCarrier), &[E::Silence, E::SlowTransit]),
    (Cause::Open(E::HoldShipper), &[E::Silence, E::SlowTransit]),
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

impl Cause {
    /// Whether an open exception of this reason is this cause.
    fn is(self, reason: E) -> bool {
        match self {
            Self::State(_) => false,
            Self::Open(of) => of == reason,
            Self::OpenIn(category) => reason.category() == category,
        }
    }
}

/// What is open, before anything is hidden.
struct Open {
    state: State,
    reported: Vec<E>,
    derived: Vec<E>,
}

impl Open {
    /// Whether a derived exception is explained, by the state or by another exception that is shown itself: what is hidden hides
    /// nothing, so that whatever is explained leads to something that people see. The table has no circles, so this ends.
    fn hides(&self, reason: E) -> bool {
        TABLE.iter().filter(|(_, hidden)| hidden.contains(&reason)).any(|(cause, _)| match cause {
            Cause::State(of) => *of == self.state,
            cause => {
                let explains = |other: &&E| **other != reason && cause.is(**other);
                self.reported.iter().any(|other| explains(&other))
                    || self.derived.iter().filter(explains).any(|other| !self.hides(*other))
            }
        })
    }
}

/// Takes out the derived exceptions that the state or others explain.
pub fn suppress(reported: &[FoldedException], derived: &mut Vec<FoldedException>, state: State) {
    let open_ones = |of: &[FoldedException]| of.iter().filter(|e| e.closed.is_none()).map(|e| e.reason).collect();
    let open = Open { state, reported: open_ones(reported), derived: open_ones(derived) };
    derived.retain(|exception| exception.closed.is_some() || !open.hides(exception.reason));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Those that the table can hide.
    fn hidable() -> BTreeSet<E> {
        TABLE.iter().flat_map(|(_, hidden)| hidden.iter().copied()).collect()
    }

    fn hidden_by(reason: E, state: State, others: &[E]) -> bool {
        let (derived, reported) = others.iter().partition(|other| hidable().contains(other));
        Open { state, reported, derived }.hides(reason)
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
            (E::Silence, State::InTransit, &[E::Damaged], true),
            (E::Silence, State::InTransit, &[E::ConsigneeRefused], true),
            (E::Silence, State::InTransit, &[E::HoldCarrier], true),
            (E::PresumedLost, State::InTransit, &[E::HoldCarrier, E::Damaged], false),
            (E::Silence, State::InTransit, &[E::Late], false),
            // what is hidden itself hides nothing
            (E::Silence, State::Returning, &[E::PresumedLost], false),
            (E::Silence, State::Returning, &[E::CustomsStuck], false),
            (E::MilestoneMissing, State::AvailableForPickup, &[E::Silence], false),
            (E::Silence, State::InTransit, &[E::PresumedLost, E::HoldPayment], true),
        ] {
            assert_eq!(hidden_by(reason, state, open), hidden, "{reason:?} {state:?} {open:?}");
        }
    }

    /// Every set of derived exceptions, in every state, with each reported one: what is hidden has the state, what was reported, or one
    /// that is shown as its explanation.
    #[test]
    fn whatever_hides_is_shown_itself() {
        let hidable: Vec<E> = hidable().into_iter().collect();
        let reported = TABLE.iter().filter_map(|(cause, _)| match cause {
            Cause::Open(reason) => Some(*reason).filter(|reason| !hidable.contains(reason)),
            Cause::OpenIn(Category::Customs) => Some(E::CustomsInspection),
            Cause::OpenIn(Category::Damage) => Some(E::Damaged),
            Cause::OpenIn(Category::Regulatory) => Some(E::ProhibitedGoods),
            _ => None,
        });
        for reported in reported.map(|reason| vec![reason]).chain([Vec::new()]) {
            for (state, set) in
                State::ALL.iter().flat_map(|state| (0_u32..1 << hidable.len()).map(move |set| (state, set)))
            {
                let derived = (0..hidable.len()).filter(|n| set & (1 << n) != 0).map(|n| hidable[n]).collect();
                let open = Open { state: *state, reported: reported.clone(), derived };
                let (hidden, shown): (Vec<E>, Vec<E>) = open.derived.iter().partition(|reason| open.hides(**reason));
                for reason in hidden {
                    let of_it = TABLE.iter().filter(|(_, hides)| hides.contains(&reason));
                    let explained = of_it.map(|(cause, _)| *cause).any(|cause| {
                        cause == Cause::State(*state)
                            || reported.iter().chain(&shown).any(|other| *other != reason && cause.is(*other))
                    });
                    assert!(explained, "{reason:?} in {state:?}: {:?}, reported {reported:?}", open.derived);
                }
            }
        }
    }

    #[test]
    fn nothing_hides_itself_by_way_of_others_and_only_derived_ones_are_hidden() {
        let hidden_by = |cause: E| {
            let of_it = TABLE.iter().filter(move |(by, _)| by.is(cause));
            of_it.flat_map(|(_, hides)| hides.iter().copied()).filter(move |hidden| *hidden != cause)
        };
        for reason in hidable() {
            assert!(reason >= E::Late, "{reason:?} is reported by carriers");
            let (mut reached, mut next) = (BTreeSet::new(), vec![reason]);
            while let Some(one) = next.pop() {
                next.extend(hidden_by(one).filter(|hidden| reached.insert(*hidden)));
            }
            assert!(!reached.contains(&reason), "{reason:?} hides itself");
        }
    }
}
