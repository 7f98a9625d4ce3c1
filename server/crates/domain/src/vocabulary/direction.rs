//! Which way a shipment goes, seen from the company whose order system has it.

use serde::{Deserialize, Serialize};

/// Which way a shipment goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From the company to a customer.
    #[default]
    Outbound,
    /// From a vendor to the company.
    Inbound,
    /// From a vendor straight to a customer.
    Dropship,
    /// Back: from a customer to the company, or from the company to a vendor.
    Return,
}

impl Direction {
    /// Every direction.
    pub const ALL: &'static [Self] = &[Self::Outbound, Self::Inbound, Self::Dropship, Self::Return];

    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Outbound => "outbound",
            Self::Inbound => "inbound",
            Self::Dropship => "dropship",
            Self::Return => "return",
        }
    }

    /// The direction with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|direction| direction.code() == code)
    }

    /// What a person reads.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Outbound => "Outbound",
            Self::Inbound => "Inbound",
            Self::Dropship => "Dropship",
            Self::Return => "Return",
        }
    }

    /// What most shipments are.
    pub const fn is_outbound(&self) -> bool {
        matches!(self, Self::Outbound)
    }
}
