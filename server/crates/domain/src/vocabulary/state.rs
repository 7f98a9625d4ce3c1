//! The status of a shipment, and how reliable its feed is.

use serde::{Deserialize, Serialize};

macro_rules! states {
    ($($(#[$meta:meta])* $variant:ident, $code:literal, $rank:literal, $label:literal, $oca:expr, $doc:literal;)*) => {
        /// The state of a shipment: a fold over its active actual facts.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum State {
            $(#[doc = $doc] #[serde(rename = $code)] $(#[$meta])* $variant,)*
        }

        impl State {
            /// Every state, by rank.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable code.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The state with this code.
            pub fn from_code(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }

            /// Breaks ties only; progress follows event time.
            pub const fn rank(self) -> u16 {
                match self { $(Self::$variant => $rank,)* }
            }

            /// What a person reads.
            pub const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)* }
            }

            /// The value of OCA's `delivery_state` selection (module delivery_state, 16.0 and later).
            pub const fn oca_delivery_state(self) -> Option<&'static str> {
                match self { $(Self::$variant => $oca,)* }
            }
        }
    };
}

states! {
    #[default] Unknown, "UNKNOWN", 0, "Unknown", None, "nothing actual is known";
    Registered, "REGISTERED", 10, "Registered", Some("shipping_recorded_in_carrier"), "the carrier has the data, not the goods";
    PickedUp, "PICKED_UP", 20, "Picked up", Some("in_transit"), "the carrier has the goods";
    InTransit, "IN_TRANSIT", 30, "In transit", Some("in_transit"), "on the way";
    OutForDelivery, "OUT_FOR_DELIVERY", 40, "Out for delivery", Some("in_transit"), "on the last vehicle";
    AvailableForPickup, "AVAILABLE_FOR_PICKUP", 45, "Available for pick-up", Some("warehouse_delivered"), "waiting to be collected";
    PartiallyDelivered, "PARTIALLY_DELIVERED", 50, "Partially delivered", Some("in_transit"), "some pieces are delivered";
    Delivered, "DELIVERED", 60, "Delivered", Some("customer_delivered"), "handed over to the recipient";
    Returning, "RETURNING", 70, "Returning", Some("incident"), "on the way back to the sender";
    Returned, "RETURNED", 80, "Returned", Some("incident"), "back at the sender";
    Cancelled, "CANCELLED", 90, "Cancelled", Some("canceled_shipment"), "ended before it began";
    Failed, "FAILED", 95, "Failed", Some("incident"), "lost or destroyed";
}

impl State {
    /// Nothing more is expected to happen.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Delivered | Self::Returned | Self::Cancelled | Self::Failed)
    }

    /// It does not go to the recipient any more.
    pub const fn is_off_the_way(self) -> bool {
        matches!(self, Self::Returning | Self::Returned | Self::Cancelled | Self::Failed)
    }

    /// The delivery is still to come: an estimate or a plan may come true.
    pub const fn awaits_delivery(self) -> bool {
        !self.is_off_the_way() && !matches!(self, Self::Delivered)
    }

    /// The carrier has the goods, or had them.
    pub const fn has_left(self) -> bool {
        !matches!(self, Self::Unknown | Self::Registered | Self::Cancelled)
    }
}

/// What kind of statement a fact is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Classifier {
    /// A plan or an appointment.
    #[serde(rename = "PLN")]
    Planned,
    /// An estimate.
    #[serde(rename = "EST")]
    Estimated,
    /// It happened.
    #[serde(rename = "ACT")]
    Actual,
}

impl Classifier {
    /// The three-letter code (the one DCSA uses).
    pub const fn code(self) -> &'static str {
        match self {
            Self::Planned => "PLN",
            Self::Estimated => "EST",
            Self::Actual => "ACT",
        }
    }

    /// What a person reads.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Estimated => "estimated",
            Self::Actual => "actual",
        }
    }
}

/// Whether a provider still tracks the shipment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Visibility {
    /// The feed sends updates.
    #[default]
    Live,
    /// The feed reports that it has had no updates for long.
    Stale,
    /// The platform gave up, or cannot find the number.
    Stopped,
}

impl Visibility {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Live => "LIVE",
            Self::Stale => "STALE",
            Self::Stopped => "STOPPED",
        }
    }

    /// The value with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Live, Self::Stale, Self::Stopped].into_iter().find(|v| v.code() == code)
    }
}
