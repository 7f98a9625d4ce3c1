//! Where a shipment waits, as far as it decides how long it still takes and how quiet it may be.

use domain::{Milestone, vocabulary::Phase};

/// The class of the last milestone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The label is made, nothing was handed over.
    Registered,
    /// Taken over at the place of origin.
    TakenOver,
    /// At or between hubs.
    Hub,
    /// With customs.
    Customs,
    /// At the depot of the destination.
    DestinationDepot,
    /// On the delivery vehicle.
    OutForDelivery,
    /// An attempt failed.
    Attempted,
    /// At a pick-up point.
    ReadyForCollection,
    /// Held: customs, payment, instructions.
    OnHold,
}

impl Stage {
    /// All.
    pub const ALL: [Self; 9] = [
        Self::Registered,
        Self::TakenOver,
        Self::Hub,
        Self::Customs,
        Self::DestinationDepot,
        Self::OutForDelivery,
        Self::Attempted,
        Self::ReadyForCollection,
        Self::OnHold,
    ];

    /// That of the last milestone that says where the goods are; none of others. What is on hold waits for something else
    /// than the carrier.
    pub fn of(milestone: Milestone, hold: Hold) -> Option<Self> {
        let stage = match (milestone, milestone.phase()) {
            (_, Phase::Pre) => Self::Registered,
            (Milestone::OutForDelivery | Milestone::ArrivedDelivery | Milestone::Unloading, _) => Self::OutForDelivery,
            (Milestone::DeliveryAttempted, _) => Self::Attempted,
            (Milestone::AvailableForPickup, _) => Self::ReadyForCollection,
            (_, Phase::Meta | Phase::End | Phase::Return | Phase::Void) => return None,
            _ if !milestone.is_physical() => return None,
            (_, Phase::Origin) => Self::TakenOver,
            (_, Phase::Transit) => Self::Hub,
            (_, Phase::Customs) => Self::Customs,
            (_, Phase::Destination) => Self::DestinationDepot,
        };
        Some(if hold == Hold::Open { Self::OnHold } else { stage })
    }

    /// The one with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.code() == code)
    }

    /// The stable code, as stored.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::TakenOver => "taken_over",
            Self::Hub => "hub",
            Self::Customs => "customs",
            Self::DestinationDepot => "destination_depot",
            Self::OutForDelivery => "out_for_delivery",
            Self::Attempted => "attempted",
            Self::ReadyForCollection => "ready_for_collection",
            Self::OnHold => "on_hold",
        }
    }
}

/// Whether a hold is open: customs, payment, instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// None is.
    None,
    /// One is.
    Open,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_milestone_says_where_it_waits() {
        for (milestone, stage) in [
            (Milestone::InfoReceived, Some(Stage::Registered)),
            (Milestone::PickedUp, Some(Stage::TakenOver)),
            (Milestone::ArrivedPickup, None),
            (Milestone::ArrivedFacility, Some(Stage::Hub)),
            (Milestone::Redirected, None),
            (Milestone::CustomsStarted, Some(Stage::Customs)),
            (Milestone::ArrivedDestination, Some(Stage::DestinationDepot)),
            (Milestone::DeliveryScheduled, None),
            (Milestone::OutForDelivery, Some(Stage::OutForDelivery)),
            (Milestone::DeliveryAttempted, Some(Stage::Attempted)),
            (Milestone::AvailableForPickup, Some(Stage::ReadyForCollection)),
            (Milestone::Delivered, None),
            (Milestone::ReturnInTransit, None),
            (Milestone::Info, None),
        ] {
            assert_eq!(Stage::of(milestone, Hold::None), stage, "{milestone:?}");
            assert_eq!(Stage::of(milestone, Hold::Open), stage.map(|_| Stage::OnHold), "{milestone:?}");
        }
        let codes: std::collections::BTreeSet<_> = Stage::ALL.into_iter().map(Stage::code).collect();
        assert_eq!(codes.len(), Stage::ALL.len());
    }
}
