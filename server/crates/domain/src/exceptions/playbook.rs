//! The playbook: what to do next about an exception, by its reason. A company may have its own text for any of them.

use crate::{Category, ExceptionReason};
use std::collections::BTreeMap;

/// Characters of a text.
pub const TEXT_CHARS_MAX: usize = 500;

/// A company's own texts.
pub type Own = BTreeMap<ExceptionReason, String>;

/// The next step that counts: the company's own text, else the shipped one.
pub fn next_step(own: &Own, reason: ExceptionReason) -> &str {
    own.get(&reason).map_or_else(|| shipped(reason), String::as_str)
}

/// The text that comes with the product.
pub const fn shipped(reason: ExceptionReason) -> &'static str {
    use ExceptionReason as E;
    match reason {
        E::DelayWeather | E::DelayForceMajeure | E::DelayStrike | E::DelayRoad | E::DelayHoliday => {
            "None; clears at the next scan. Tell the customer if the promised date is at risk."
        }
        E::DelayShipper => "Find out in the warehouse what held it back, and hand it over.",
        E::Misrouted => "Wait one working day for a scan on the right route, then call the carrier.",
        E::PickupMissed => "Call the carrier and book a new pick-up.",
        E::PickupNotReady => "Get the goods ready, then book a new pick-up.",
        E::ConsigneeRefused => "Ask the customer why, confirm the return, prepare the credit note.",
        E::ConsigneeUnclaimed => "Ask the customer to collect it before the return date.",
        E::ConsigneeCancelled => "Confirm the cancellation with the customer and recall the parcel.",
        E::ConsigneeIdFailed => "Ask the customer to have the identity document ready, or to name another recipient.",
        E::AppointmentNeeded => "Agree on a delivery date with the customer and give it to the carrier.",
        E::AttemptFailed | E::ConsigneeNotAvailable | E::ConsigneeClosed => {
            "Wait for the next attempt; tell the customer when it is."
        }
        E::RepeatedAttempts => "Call the customer, agree on a date or a pick-up point, and instruct the carrier.",
        E::DeliveryMissed => "Ask the carrier for the new delivery date and tell the customer.",
        E::AddressIncorrect | E::AddressNotFound | E::AddressMoved => {
            "Ask the customer for the right address and give it to the carrier."
        }
        E::AddressCorrected => "None; correct the address in the order system.",
        E::AddressNoAccess => "Ask the customer how the driver gets in, and pass it on.",
        E::OutOfServiceArea => "Choose another carrier or a pick-up point, and recall the parcel.",
        E::HoldInstructions => "Ask the carrier what is missing and answer it today.",
        E::HoldPayment => "Ask the customer to pay what is open, or pay it on account.",
        E::HoldSecurity | E::HoldRegulatory => "Ask the carrier what the authority needs, and send it.",
        E::CustomsDelay | E::CustomsInspection => "Wait for the release; ask the carrier after the usual time.",
        E::CustomsDocuments | E::DocumentsMissing => {
            "Send the commercial invoice and what else is missing to the carrier."
        }
        E::CustomsDuties => "Ask the customer to pay the duties, or pay them on account.",
        E::CustomsRefused | E::ProhibitedGoods => "Decide with the customer: return, destroy, or appeal.",
        E::CustomsStuck => "Call the carrier's customs desk: which document or payment is missing?",
        E::Damaged | E::DamagedRepacked => "Ask for photos, send a replacement or a refund, file the claim.",
        E::Packaging => "Ask for photos, have it repacked, and improve the packaging.",
        E::Lost | E::Stolen | E::Disposed => "Send a replacement or a refund and file the claim.",
        E::PresumedLost => "Have the carrier search for it; after that, replace it and file the claim.",
        E::MissingPieces => "Ask the carrier to search for the missing piece.",
        E::UnderInvestigation => "Wait for the carrier's answer; tell the customer.",
        E::Overage => "Find out whose piece it is, and have it returned.",
        E::DataError | E::DataErrorCarrier | E::Discrepancy => {
            "Compare the shipment's data with the order and correct it."
        }
        E::CarrierRejected => "Ask the carrier why, correct it, and hand the parcel over again.",
        E::CancelledByShipper => "None; cancelled on purpose.",
        E::Late => "Tell the customer the new date; ask the carrier where it is.",
        E::PredictedLate => "Ask the carrier where it is, and tell the customer before the promised date.",
        E::SlowTransit => "Ask the carrier where it is before the customer does.",
        E::Silence => "Ask the carrier for the last scan that is not shown.",
        E::NotShipped => "Look in the warehouse whether the parcel was handed over; else hand it over.",
        E::LateToShip => "Ship it today, or agree on a new date.",
        E::ImportIncomplete => "Complete the order's data in the order system.",
        E::TransitThoughCancelled => "Recall the parcel at the carrier.",
        E::ReturnToOrigin => "Ask the customer and the carrier why; decide to send again or to refund.",
        E::WrongDestination => "Have the carrier send it on; compare the label's address with the order's.",
        E::MilestoneMissing => "Ask the carrier to confirm it.",
        E::IdentifierMismatch => "Compare the numbers on the label with those of the order and correct them.",
        E::TrackingStopped => "Register the number again, or look at the carrier's own page.",
        E::UnmappedCode => "Map the code.",
        E::OrderRefused => "Read the error, correct the record in the order system, and retry.",
        E::DeskRefused => "Read the error, correct the settings of the desk, and retry.",
        _ => of_category(reason.category()),
    }
}

const fn of_category(category: Category) -> &'static str {
    match category {
        Category::Delay | Category::ForceMajeure => "None; clears at the next scan. Ask the carrier if it lasts.",
        Category::Consignee => "Wait for the next attempt; ask the customer if it fails again.",
        Category::Hold => "Ask the carrier what it waits for.",
        Category::Routing
        | Category::Pickup
        | Category::Address
        | Category::Payment
        | Category::Customs
        | Category::Damage
        | Category::Loss
        | Category::Data
        | Category::Regulatory
        | Category::Cancel
        | Category::Integration
        | Category::Visibility
        | Category::Unspecified => "Ask the carrier what happened.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_next_step_and_the_companys_own_goes_before_it() {
        for reason in ExceptionReason::ALL {
            let text = shipped(*reason);
            assert!((5..=TEXT_CHARS_MAX).contains(&text.chars().count()), "{reason:?}");
            assert_eq!(next_step(&Own::new(), *reason), text);
        }
        let own = Own::from([(ExceptionReason::Late, "Call us".to_owned())]);
        assert_eq!(next_step(&own, ExceptionReason::Late), "Call us");
        assert_eq!(next_step(&own, ExceptionReason::Lost), shipped(ExceptionReason::Lost));
    }
}
