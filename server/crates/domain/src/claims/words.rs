//! The words of claims.

use crate::ExceptionReason;
use serde::{Deserialize, Serialize};

macro_rules! coded {
    ($($name:ident)*) => {$(
        impl $name {
            /// The stable code.
            pub const fn code(self) -> &'static str {
                self.words().0
            }

            /// What a person reads.
            pub const fn label(self) -> &'static str {
                self.words().1
            }

            /// The value with this code.
            pub fn from_code(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.code() == code)
            }
        }
    )*};
}

coded! { ClaimReason ClaimStatus Stage StepKind EvidenceKind }

/// What a carrier owes for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimReason {
    /// The goods arrived damaged.
    Damaged,
    /// The shipment is lost.
    Lost,
    /// A part of it is missing.
    MissingPieces,
    /// It came later than the carrier guaranteed.
    LateGuaranteed,
}

impl ClaimReason {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Damaged, Self::Lost, Self::MissingPieces, Self::LateGuaranteed];

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Damaged => ("damaged", "Damaged"),
            Self::Lost => ("lost", "Lost"),
            Self::MissingPieces => ("missing_pieces", "Missing pieces"),
            Self::LateGuaranteed => ("late_guaranteed", "Late, guaranteed"),
        }
    }

    /// What can be claimed for an exception; none where it is no reason for a claim.
    pub const fn of(exception: ExceptionReason) -> Option<Self> {
        use ExceptionReason as E;
        Some(match exception {
            E::Damaged | E::DamagedRepacked => Self::Damaged,
            E::Lost | E::Stolen | E::Disposed => Self::Lost,
            E::MissingPieces => Self::MissingPieces,
            E::Late | E::DeliveryMissed => Self::LateGuaranteed,
            _ => return None,
        })
    }

    /// The evidence that carriers ask for.
    pub const fn evidence(self) -> &'static [EvidenceKind] {
        use EvidenceKind as K;
        match self {
            Self::Damaged => &[
                K::Events,
                K::Messages,
                K::CarrierReport,
                K::InvoiceValue,
                K::PackingList,
                K::Photos,
                K::InnerPackaging,
                K::Statement,
            ],
            Self::Lost => &[K::Events, K::Messages, K::CarrierReport, K::InvoiceValue, K::PackingList, K::Statement],
            Self::MissingPieces => {
                &[K::Events, K::Messages, K::Proof, K::InvoiceValue, K::PackingList, K::Photos, K::Statement]
            }
            Self::LateGuaranteed => &[K::Events, K::Messages, K::Promise, K::Proof, K::ShippingCost],
        }
    }
}

/// How a claim stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimStatus {
    /// To be filed with the carrier.
    Draft,
    /// Filed; the carrier has not answered.
    Filed,
    /// The carrier offers an amount.
    Offer,
    /// The offer is accepted; the money has not come.
    Accepted,
    /// The carrier paid.
    Paid,
    /// The carrier rejected it.
    Rejected,
    /// It is not pursued any more.
    Closed,
}

impl ClaimStatus {
    /// All of them.
    pub const ALL: &'static [Self] =
        &[Self::Draft, Self::Filed, Self::Offer, Self::Accepted, Self::Paid, Self::Rejected, Self::Closed];

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Draft => ("draft", "Draft"),
            Self::Filed => ("filed", "Filed"),
            Self::Offer => ("offer", "Offer"),
            Self::Accepted => ("accepted", "Accepted"),
            Self::Paid => ("paid", "Paid"),
            Self::Rejected => ("rejected", "Rejected"),
            Self::Closed => ("closed", "Closed"),
        }
    }

    /// Whether money may still come of it without anything being taken up anew.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Draft | Self::Filed | Self::Offer | Self::Accepted)
    }

    /// The list that it is in.
    pub const fn stage(self) -> Stage {
        match self {
            Self::Draft => Stage::ToFile,
            Self::Filed | Self::Offer | Self::Accepted => Stage::Waiting,
            Self::Paid => Stage::Paid,
            Self::Rejected => Stage::Rejected,
            Self::Closed => Stage::Closed,
        }
    }

    /// What can happen to it next.
    pub const fn steps(self) -> &'static [StepKind] {
        use StepKind as S;
        match self {
            Self::Draft => &[S::File, S::Close],
            Self::Filed => &[S::Offer, S::Pay, S::Reject, S::Close],
            Self::Offer => &[S::Accept, S::Offer, S::Pay, S::Reject, S::Close],
            Self::Accepted => &[S::Pay, S::Close],
            Self::Paid => &[],
            Self::Rejected => &[S::Contest, S::Close],
            Self::Closed => &[S::Reopen],
        }
    }
}

/// A list of claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Drafts.
    ToFile,
    /// Filed, and not over.
    Waiting,
    /// Paid.
    Paid,
    /// Rejected by the carrier.
    Rejected,
    /// Not pursued any more.
    Closed,
}

impl Stage {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::ToFile, Self::Waiting, Self::Paid, Self::Rejected, Self::Closed];

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::ToFile => ("to_file", "To file"),
            Self::Waiting => ("waiting", "Waiting for the carrier"),
            Self::Paid => ("paid", "Paid"),
            Self::Rejected => ("rejected", "Rejected"),
            Self::Closed => ("closed", "Closed"),
        }
    }

    /// Whether its claims are open.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::ToFile | Self::Waiting)
    }
}

/// What happens to a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// It is filed with the carrier.
    File,
    /// The carrier offers an amount.
    Offer,
    /// The offer is accepted.
    Accept,
    /// The carrier pays.
    Pay,
    /// The carrier rejects it.
    Reject,
    /// The rejection is contested.
    Contest,
    /// It is given up.
    Close,
    /// It is taken up anew.
    Reopen,
}

impl StepKind {
    /// All of them.
    pub const ALL: &'static [Self] =
        &[Self::File, Self::Offer, Self::Accept, Self::Pay, Self::Reject, Self::Contest, Self::Close, Self::Reopen];

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::File => ("file", "Mark as filed"),
            Self::Offer => ("offer", "Record offer"),
            Self::Accept => ("accept", "Accept offer"),
            Self::Pay => ("pay", "Record payment"),
            Self::Reject => ("reject", "Record rejection"),
            Self::Contest => ("contest", "Contest rejection"),
            Self::Close => ("close", "Close without payment"),
            Self::Reopen => ("reopen", "Reopen"),
        }
    }

    /// Whether it comes with an amount of money.
    pub const fn has_amount(self) -> bool {
        matches!(self, Self::Offer | Self::Pay)
    }

    /// Whether it comes with a day by which the next thing has to happen.
    pub const fn has_day(self) -> bool {
        matches!(self, Self::File | Self::Offer | Self::Contest)
    }
}

/// A piece of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// The carrier's events with their times and sources.
    Events,
    /// The messages that they came in: digests and signature results.
    Messages,
    /// By when delivery was promised, and how late it was.
    Promise,
    /// Who signed, or the carrier's proof.
    Proof,
    /// The carrier's own report of the damage or loss.
    CarrierReport,
    /// What the goods are worth.
    InvoiceValue,
    /// What was packed, and how heavy it was.
    PackingList,
    /// What the transport cost.
    ShippingCost,
    /// Photos of the damage and the outside.
    Photos,
    /// A photo of the inner packaging.
    InnerPackaging,
    /// The recipient's statement.
    Statement,
    /// Anything else.
    Other,
}

impl EvidenceKind {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Events,
        Self::Messages,
        Self::Promise,
        Self::Proof,
        Self::CarrierReport,
        Self::InvoiceValue,
        Self::PackingList,
        Self::ShippingCost,
        Self::Photos,
        Self::InnerPackaging,
        Self::Statement,
        Self::Other,
    ];

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Events => ("events", "Events with times and sources"),
            Self::Messages => ("messages", "Messages and signatures"),
            Self::Promise => ("promise", "Promised date and delay"),
            Self::Proof => ("proof", "Proof of delivery"),
            Self::CarrierReport => ("carrier_report", "Carrier’s report"),
            Self::InvoiceValue => ("invoice_value", "Invoice value"),
            Self::PackingList => ("packing_list", "Packing list and weight"),
            Self::ShippingCost => ("shipping_cost", "Shipping cost"),
            Self::Photos => ("photos", "Photos"),
            Self::InnerPackaging => ("inner_packaging", "Photo of the inner packaging"),
            Self::Statement => ("statement", "Customer’s statement"),
            Self::Other => ("other", "Other document"),
        }
    }

    /// Whether a file can be it; the others are what Milepost has recorded.
    pub const fn takes_files(self) -> bool {
        !matches!(self, Self::Events | Self::Messages | Self::Promise)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_code_leads_back_to_its_word() {
        macro_rules! check {
            ($($name:ident)*) => {$(
                let codes: BTreeSet<_> = $name::ALL.iter().map(|value| value.code()).collect();
                assert_eq!(codes.len(), $name::ALL.len());
                for value in $name::ALL.iter().copied() {
                    assert_eq!($name::from_code(value.code()), Some(value));
                    assert_eq!(serde_json::to_string(&value).unwrap(), format!("\"{}\"", value.code()));
                    assert!(!value.label().is_empty());
                }
                assert_eq!($name::from_code("nothing"), None);
            )*};
        }
        check!(ClaimReason ClaimStatus Stage StepKind EvidenceKind);
    }

    #[test]
    fn what_is_open_is_in_an_open_list() {
        for status in ClaimStatus::ALL {
            assert_eq!(status.is_open(), status.stage().is_open(), "{status:?}");
        }
    }

    #[test]
    fn each_kind_of_loss_has_its_claim() {
        use ExceptionReason as E;
        for (exception, claim) in [
            (E::Damaged, Some(ClaimReason::Damaged)),
            (E::DamagedRepacked, Some(ClaimReason::Damaged)),
            (E::Lost, Some(ClaimReason::Lost)),
            (E::Stolen, Some(ClaimReason::Lost)),
            (E::MissingPieces, Some(ClaimReason::MissingPieces)),
            (E::Late, Some(ClaimReason::LateGuaranteed)),
            (E::CustomsDelay, None),
            (E::Silence, None),
        ] {
            assert_eq!(ClaimReason::of(exception), claim, "{exception:?}");
        }
    }

    #[test]
    fn evidence_is_asked_for_once() {
        for reason in ClaimReason::ALL {
            let kinds: BTreeSet<_> = reason.evidence().iter().collect();
            assert_eq!(kinds.len(), reason.evidence().len(), "{reason:?}");
            assert!(!kinds.contains(&EvidenceKind::Other), "{reason:?}");
        }
    }
}
