//! What an event is called on a page: what happened by its milestone, what is only expected by a noun.

use domain::{
    Classifier, Milestone, Severity,
    observation::{Location, Observation},
    reading::Reading,
};

/// The title of an event.
pub(super) fn title(said: &Observation, reading: &Reading) -> String {
    match (reading.milestone, said.classifier) {
        _ if reading.unmapped => format!("“{}”, unmapped code", said.codes.raw),
        (Milestone::Info, _) => exceptions(reading).map_or_else(|| "Information".to_owned(), |(_, labels)| labels),
        (milestone, Classifier::Actual) => milestone.label().to_owned(),
        (milestone, Classifier::Estimated) => expected("Estimated", reading.schedules.unwrap_or(milestone)),
        (milestone, Classifier::Planned) => expected("Planned", reading.schedules.unwrap_or(milestone)),
    }
}

/// Where an event happened; none where nobody says.
pub(super) fn place(said: &Observation) -> Option<String> {
    said.location.as_ref().map(Location::label).filter(|label| !label.is_empty())
}

/// The exceptions that an event reports: the worst severity, and what they are called.
pub(super) fn exceptions(reading: &Reading) -> Option<(Severity, String)> {
    let worst = reading.exceptions().map(|exception| exception.severity()).max()?;
    let labels: Vec<_> = reading.exceptions().map(|exception| exception.label()).collect();
    Some((worst, labels.join(", ")))
}

fn expected(how: &str, milestone: Milestone) -> String {
    noun(milestone).map_or_else(|| milestone.label().to_owned(), |noun| format!("{how} {noun}"))
}

/// The milestone as something that is to come; none where its label does not say that anything happens.
const fn noun(milestone: Milestone) -> Option<&'static str> {
    use Milestone as M;
    Some(match milestone {
        M::Info
        | M::Position
        | M::EtaChanged
        | M::TrackingStarted
        | M::TrackingStopped
        | M::TrackingExpired
        | M::NotFound => return None,
        M::Booked => "booking",
        M::InfoReceived => "shipment data",
        M::PickupScheduled | M::PickedUp => "pick-up",
        M::Dispatched => "dispatch",
        M::EmptyReleased => "empty release",
        M::Stuffed => "stuffing",
        M::ArrivedPickup => "arrival at pick-up",
        M::Loading | M::Loaded => "loading",
        M::DroppedOff => "drop-off",
        M::Accepted => "acceptance",
        M::DepartedPickup => "departure from pick-up",
        M::GateInOrigin => "gate in at origin",
        M::InTransit => "transit",
        M::ArrivedFacility => "arrival at facility",
        M::ProcessedFacility => "processing at facility",
        M::DepartedFacility => "departure from facility",
        M::TransportDeparted => "transport departure",
        M::TransportArrived => "transport arrival",
        M::Discharged => "discharge",
        M::Transshipped => "transshipment",
        M::HandedOver => "handover",
        M::BorderCrossed => "border crossing",
        M::Redirected => "redirection",
        M::Stored => "storage",
        M::GateOut => "gate out",
        M::CustomsStarted => "start of customs clearance",
        M::CustomsInspection => "customs inspection",
        M::CustomsCleared => "customs clearance",
        M::ArrivedDestination => "arrival at destination",
        M::DeliveryScheduled | M::Delivered => "delivery",
        M::OutForDelivery => "departure for delivery",
        M::ArrivedDelivery => "arrival at delivery place",
        M::Unloading => "unloading",
        M::AvailableForPickup => "availability for pick-up",
        M::DeliveryAttempted => "delivery attempt",
        M::DeliveredPart => "partial delivery",
        M::PodAvailable => "proof of delivery",
        M::DepartedDelivery => "departure from delivery place",
        M::EmptyReturned => "empty return",
        M::Stripped => "stripping",
        M::ReturnInitiated => "start of return",
        M::ReturnInTransit => "return transit",
        M::Returned => "return",
        M::Cancelled => "cancellation",
        M::Lost => "loss",
        M::Destroyed => "destruction",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_expected_is_not_called_as_what_happened() {
        assert_eq!(expected("Estimated", Milestone::Delivered), "Estimated delivery");
        assert_eq!(expected("Planned", Milestone::PickedUp), "Planned pick-up");
        assert_eq!(expected("Estimated", Milestone::EtaChanged), "ETA changed");
        for milestone in Milestone::ALL.iter().copied().filter(|m| m.state().is_some()) {
            let title = expected("Estimated", milestone);
            assert!(title.starts_with("Estimated ") && !title.ends_with(milestone.label()), "{title}");
        }
    }
}
