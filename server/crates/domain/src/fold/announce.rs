//! Milestones to announce, each once. Ordinals count distinct events of a kind in the order of the journey, so
//! that the order of arrival does not matter.

use super::{Announcement, Rule, Standing, journey::Step};
use crate::{Milestone, State};
use std::collections::HashMap;

pub(super) fn announcements(steps: &[Step], piece: Option<&str>) -> Vec<Announcement> {
    let mut counted: HashMap<Milestone, u32> = HashMap::new();
    let mut announced = Vec::new();
    for step in steps.iter().filter(|step| happened(step)) {
        let Some((milestone, times)) = worth_telling(step) else { continue };
        let ordinal = counted.entry(milestone).or_default();
        if times == Times::Once && *ordinal > 0 {
            continue;
        }
        *ordinal += 1;
        announced.push(Announcement { piece: piece.map(str::to_owned), milestone, ordinal: *ordinal, fact: step.fact });
    }
    announced
}

/// What the rules set aside is no news.
fn happened(step: &Step) -> bool {
    step.standing != Standing::Overruled || !matches!(step.rule, Rule::R3 | Rule::R4 | Rule::R5)
}

#[derive(PartialEq, Eq)]
enum Times {
    Once,
    Each,
}

fn worth_telling(step: &Step) -> Option<(Milestone, Times)> {
    use Milestone as M;
    let moved = step.before != step.after;
    match step.milestone {
        // whichever comes first, the carrier has it: who has left the pick-up place loaded has picked up
        M::PickedUp | M::Accepted | M::DroppedOff | M::DepartedPickup
            if !matches!(step.before, State::Returning | State::Delivered) =>
        {
            Some((M::PickedUp, Times::Once))
        }
        // twice in a row is one tour
        M::OutForDelivery if moved => Some((M::OutForDelivery, Times::Each)),
        M::DeliveryAttempted => Some((M::DeliveryAttempted, Times::Each)),
        M::AvailableForPickup if moved => Some((M::AvailableForPickup, Times::Once)),
        M::DeliveredPart => Some((M::DeliveredPart, Times::Each)),
        M::Delivered if moved && step.after == State::Delivered => Some((M::Delivered, Times::Once)),
        M::ReturnInitiated | M::ReturnInTransit if moved => Some((M::ReturnInTransit, Times::Once)),
        M::Returned if step.after == State::Returned => Some((M::Returned, Times::Once)),
        M::Cancelled if moved => Some((M::Cancelled, Times::Once)),
        M::Lost if moved => Some((M::Lost, Times::Once)),
        M::Destroyed if moved => Some((M::Destroyed, Times::Once)),
        _ => None,
    }
}
