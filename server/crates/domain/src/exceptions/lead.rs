//! Which of several open exceptions of a shipment is worked on: a delay whose cause is an exception of its own needs no case of its own.

use crate::{Category, ExceptionReason, vocabulary::ClosedBy};
use ExceptionReason as E;

/// Whether an exception says no more than that it takes longer.
fn follows(reason: E) -> bool {
    matches!(reason.category(), Category::Delay | Category::ForceMajeure | Category::Visibility)
}

/// Whether an exception says why nothing moves, and is worked on itself.
fn leads(reason: E) -> bool {
    match reason.category() {
        Category::Customs | Category::Damage | Category::Loss | Category::Regulatory => true,
        Category::Hold | Category::Payment => reason.closed_by() != ClosedBy::NextPhysical,
        Category::Consignee | Category::Address | Category::Routing | Category::Pickup => reason.settled_by_person(),
        _ => false,
    }
}

/// Of the other open exceptions of its shipment the one that is worked on instead of this one: the most severe; none where it is worked
/// on itself. What is late and silent is looked for because it is silent.
pub fn leader(reason: E, others: impl IntoIterator<Item = E>) -> Option<E> {
    let others: Vec<E> = others.into_iter().filter(|other| *other != reason).collect();
    let first = |leads: fn(E) -> bool| {
        let leading = others.iter().copied().filter(|other| leads(*other));
        leading.max_by_key(|other| (other.severity(), std::cmp::Reverse(*other)))
    };
    match reason {
        _ if !follows(reason) => None,
        E::Late => first(leads).or_else(|| first(|other| matches!(other, E::Silence | E::TrackingStopped))),
        _ => first(leads),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_led_by_what_causes_it() {
        for (reason, others, by) in [
            (E::Late, &[E::Damaged, E::Silence][..], Some(E::Damaged)),
            (E::Late, &[E::Silence], Some(E::Silence)),
            (E::Silence, &[E::Late], None),
            (E::Late, &[E::ConsigneeRefused], Some(E::ConsigneeRefused)),
            (E::Late, &[E::CustomsDelay, E::CustomsRefused], Some(E::CustomsRefused)),
            (E::Late, &[E::HoldCarrier], None),
            (E::Late, &[E::HoldPayment], Some(E::HoldPayment)),
            (E::Late, &[E::DelayWeather, E::UnmappedCode, E::ImportIncomplete, E::DeskRefused], None),
            (E::DelayCarrier, &[E::Lost], Some(E::Lost)),
            (E::Damaged, &[E::Lost], None),
            (E::Late, &[E::Late], None),
        ] {
            assert_eq!(leader(reason, others.iter().copied()), by, "{reason:?} {others:?}");
        }
    }

    /// One of them always stays: of any that are open together, some are worked on.
    #[test]
    fn whoever_leads_is_not_led_by_the_one_it_leads() {
        for reason in E::ALL {
            for other in E::ALL {
                let both = leader(*reason, [*other]).is_some() && leader(*other, [*reason]).is_some();
                assert!(!both, "{reason:?} and {other:?}");
            }
        }
    }
}
