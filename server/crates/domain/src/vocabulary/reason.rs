//! Exception reasons: overlays that open and close over the state, never a state of their own.

use crate::words::words;
use serde::{Deserialize, Serialize};

/// How much a person is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Severity {
    /// Shown and listed; no ticket.
    Info,
    /// Visible; a case only if it lasts.
    Minor,
    /// A person should look; a case after a grace time.
    Major,
    /// A person must act; a case at once, closed only by a person.
    Critical,
}

impl Severity {
    /// Every severity, mildest first.
    pub const ALL: &'static [Self] = &[Self::Info, Self::Minor, Self::Major, Self::Critical];

    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Minor => "MINOR",
            Self::Major => "MAJOR",
            Self::Critical => "CRITICAL",
        }
    }

    /// The severity with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|s| s.code() == code)
    }

    /// What a person reads.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Info => "Info",
            Self::Minor => "Minor",
            Self::Major => "Major",
            Self::Critical => "Critical",
        }
    }
}

words! {
    /// The kind of trouble.
    Category {
        Delay = "DELAY", "Delay";
        ForceMajeure = "FORCE_MAJEURE", "Force majeure";
        Routing = "ROUTING", "Routing";
        Pickup = "PICKUP", "Pick-up";
        Consignee = "CONSIGNEE", "Recipient";
        Address = "ADDRESS", "Address";
        Hold = "HOLD", "On hold";
        Payment = "PAYMENT", "Payment";
        Customs = "CUSTOMS", "Customs";
        Damage = "DAMAGE", "Damage";
        Loss = "LOSS", "Loss";
        Data = "DATA", "Data";
        Regulatory = "REGULATORY", "Regulatory";
        Cancel = "CANCEL", "Cancellation";
        Integration = "INTEGRATION", "Integration";
        Visibility = "VISIBILITY", "Visibility";
        Unspecified = "UNSPECIFIED", "Unspecified";
    }
}

words! {
    /// Who is responsible by default; a contract may differ.
    Party {
        Carrier = "CARRIER", "Carrier";
        OtherCarrier = "OTHER_CARRIER", "Connecting carrier";
        Shipper = "SHIPPER", "Shipper";
        Consignee = "CONSIGNEE", "Recipient";
        Customs = "CUSTOMS", "Customs";
        Authority = "AUTHORITY", "Authority";
        ThirdParty = "THIRD_PARTY", "Third party";
        Nobody = "NOBODY", "Nobody";
        Unknown = "UNKNOWN", "Not known";
    }
}

/// What closes an exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClosedBy {
    /// The next physical milestone.
    NextPhysical,
    /// An explicit resolution, the delivery or the return.
    Resolution,
    /// A person, or a closed claim; survives the delivery.
    Human,
    /// A physical scan later than the report, or a closed claim.
    Found,
}

/// Whether the carrier's on-time clock runs on while the exception is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// Time counts against the carrier.
    Running,
    /// The cause lies outside the carrier: time does not count.
    Stopped,
}

/// Who has to act for the exception to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acting {
    /// The shipper or customer has to do something.
    Person,
    /// It heals by itself or by the carrier.
    Nobody,
}

macro_rules! reasons {
    ($($variant:ident, $code:literal, $category:ident, $party:ident, $severity:ident, $clock:ident, $acting:ident, $closed:ident, $label:literal;)*) => {
        /// Why something is wrong: reported by a carrier, or (from `Late` on) derived by the fold.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum ExceptionReason {
            $(#[doc = $label] #[serde(rename = $code)] $variant,)*
        }

        impl ExceptionReason {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable code.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The reason with this code.
            pub fn from_code(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }

            /// What a person reads.
            pub const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)* }
            }

            /// The kind of trouble.
            pub const fn category(self) -> Category {
                match self { $(Self::$variant => Category::$category,)* }
            }

            /// Who is responsible by default.
            pub const fn responsible(self) -> Party {
                match self { $(Self::$variant => Party::$party,)* }
            }

            /// How much a person is needed, by default.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }

            /// Whether the carrier's clock runs on.
            pub const fn clock(self) -> Clock {
                match self { $(Self::$variant => Clock::$clock,)* }
            }

            /// Who has to act.
            pub const fn acting(self) -> Acting {
                match self { $(Self::$variant => Acting::$acting,)* }
            }

            /// What closes it.
            pub const fn closed_by(self) -> ClosedBy {
                match self { $(Self::$variant => ClosedBy::$closed,)* }
            }
        }
    };
}

impl ExceptionReason {
    /// Whether it only matters while it lasts: derived, and where it was over before it was known there is nothing to keep.
    pub fn is_only_watched(self) -> bool {
        self == Self::LateToShip || self >= Self::SlowTransit
    }

    /// Whether a person settles it, so that an agent who resolves the ticket settles the exception: damage, loss, a refusal,
    /// a wrong address. A delay, missing updates or customs end by the clock, the carrier or the authority; a person cannot settle them.
    pub const fn settled_by_person(self) -> bool {
        match self.closed_by() {
            ClosedBy::Human | ClosedBy::Found => true,
            ClosedBy::NextPhysical | ClosedBy::Resolution => {
                matches!(self.acting(), Acting::Person)
                    && !matches!(self.category(), Category::Delay | Category::Customs | Category::Visibility)
            }
        }
    }
}

reasons! {
    DelayUnspecified, "DELAY_UNSPECIFIED", Delay, Unknown, Minor, Running, Nobody, NextPhysical, "Delayed";
    DelayCarrier, "DELAY_CARRIER", Delay, Carrier, Minor, Running, Nobody, NextPhysical, "Carrier delay";
    DelayMechanical, "DELAY_MECHANICAL", Delay, Carrier, Minor, Running, Nobody, NextPhysical, "Vehicle breakdown";
    DelayAccident, "DELAY_ACCIDENT", Delay, Carrier, Major, Running, Nobody, NextPhysical, "Accident";
    DelayDriver, "DELAY_DRIVER", Delay, Carrier, Minor, Running, Nobody, NextPhysical, "Driver delay";
    DelayCapacity, "DELAY_CAPACITY", Delay, Carrier, Minor, Running, Nobody, NextPhysical, "Capacity shortage";
    DelayInterline, "DELAY_INTERLINE", Delay, OtherCarrier, Minor, Running, Nobody, NextPhysical, "Missed connection";
    DelayShipper, "DELAY_SHIPPER", Delay, Shipper, Minor, Stopped, Nobody, NextPhysical, "Delayed by shipper";
    DelayWeather, "DELAY_WEATHER", ForceMajeure, Nobody, Minor, Stopped, Nobody, NextPhysical, "Weather delay";
    DelayForceMajeure, "DELAY_FORCE_MAJEURE", ForceMajeure, Nobody, Major, Stopped, Nobody, NextPhysical, "Force majeure";
    DelayStrike, "DELAY_STRIKE", ForceMajeure, Nobody, Major, Stopped, Nobody, NextPhysical, "Strike";
    DelayRoad, "DELAY_ROAD", ForceMajeure, Nobody, Minor, Stopped, Nobody, NextPhysical, "Road closure";
    DelayHoliday, "DELAY_HOLIDAY", Delay, Nobody, Info, Stopped, Nobody, NextPhysical, "Public holiday";
    Misrouted, "MISROUTED", Routing, Carrier, Minor, Running, Nobody, NextPhysical, "Misrouted";
    PickupMissed, "PICKUP_MISSED", Pickup, Carrier, Major, Running, Person, NextPhysical, "Pick-up missed";
    PickupNotReady, "PICKUP_NOT_READY", Pickup, Shipper, Minor, Stopped, Person, NextPhysical, "Goods not ready for pick-up";
    ConsigneeNotAvailable, "CONSIGNEE_NOT_AVAILABLE", Consignee, Consignee, Minor, Stopped, Nobody, NextPhysical, "Recipient not available";
    ConsigneeClosed, "CONSIGNEE_CLOSED", Consignee, Consignee, Minor, Stopped, Nobody, NextPhysical, "Business closed";
    ConsigneeRefused, "CONSIGNEE_REFUSED", Consignee, Consignee, Major, Stopped, Person, Resolution, "Refused by recipient";
    ConsigneeRequestedLater, "CONSIGNEE_REQUESTED_LATER", Consignee, Consignee, Info, Stopped, Nobody, NextPhysical, "Later delivery requested";
    ConsigneeUnclaimed, "CONSIGNEE_UNCLAIMED", Consignee, Consignee, Major, Stopped, Person, Resolution, "Not collected";
    ConsigneeIdFailed, "CONSIGNEE_ID_FAILED", Consignee, Consignee, Minor, Stopped, Nobody, NextPhysical, "ID check failed";
    ConsigneeCancelled, "CONSIGNEE_CANCELLED", Consignee, Consignee, Major, Stopped, Person, Resolution, "Recipient cancelled";
    ConsigneeFacility, "CONSIGNEE_FACILITY", Consignee, Consignee, Minor, Stopped, Nobody, NextPhysical, "Recipient site issue";
    ConsigneeOther, "CONSIGNEE_OTHER", Consignee, Consignee, Minor, Stopped, Nobody, NextPhysical, "Other recipient issue";
    AppointmentNeeded, "APPOINTMENT_NEEDED", Consignee, Consignee, Info, Stopped, Person, NextPhysical, "Appointment needed";
    DeliveryMissed, "DELIVERY_MISSED", Delay, Carrier, Major, Running, Nobody, NextPhysical, "Delivery missed";
    AttemptFailed, "ATTEMPT_FAILED", Consignee, Unknown, Minor, Running, Nobody, NextPhysical, "Delivery attempt failed";
    AddressIncorrect, "ADDRESS_INCORRECT", Address, Shipper, Major, Stopped, Person, Resolution, "Address incorrect";
    AddressCorrected, "ADDRESS_CORRECTED", Address, Shipper, Info, Running, Nobody, NextPhysical, "Address corrected";
    AddressMoved, "ADDRESS_MOVED", Address, Consignee, Major, Stopped, Person, Resolution, "Recipient moved";
    AddressNotFound, "ADDRESS_NOT_FOUND", Address, Unknown, Major, Running, Person, Resolution, "Address not found";
    AddressNoAccess, "ADDRESS_NO_ACCESS", Address, Consignee, Minor, Stopped, Nobody, NextPhysical, "No access to address";
    OutOfServiceArea, "OUT_OF_SERVICE_AREA", Address, Shipper, Major, Stopped, Person, Resolution, "Out of service area";
    HoldCarrier, "HOLD_CARRIER", Hold, Carrier, Minor, Running, Nobody, NextPhysical, "Held by carrier";
    HoldShipper, "HOLD_SHIPPER", Hold, Shipper, Minor, Stopped, Nobody, NextPhysical, "Held by shipper";
    HoldInstructions, "HOLD_INSTRUCTIONS", Hold, Shipper, Major, Stopped, Person, Resolution, "Awaiting instructions";
    HoldPayment, "HOLD_PAYMENT", Payment, Consignee, Major, Stopped, Person, Resolution, "Held for payment";
    HoldSecurity, "HOLD_SECURITY", Hold, Authority, Major, Stopped, Nobody, Resolution, "Security hold";
    HoldRegulatory, "HOLD_REGULATORY", Hold, Authority, Major, Stopped, Person, Resolution, "Regulatory hold";
    CustomsDelay, "CUSTOMS_DELAY", Customs, Customs, Minor, Stopped, Nobody, NextPhysical, "Customs delay";
    CustomsInspection, "CUSTOMS_INSPECTION", Customs, Customs, Minor, Stopped, Nobody, NextPhysical, "Customs inspection";
    CustomsDocuments, "CUSTOMS_DOCUMENTS", Customs, Shipper, Major, Stopped, Person, Resolution, "Customs documents missing";
    CustomsDuties, "CUSTOMS_DUTIES", Customs, Consignee, Major, Stopped, Person, Resolution, "Duties unpaid";
    CustomsRefused, "CUSTOMS_REFUSED", Customs, Shipper, Critical, Stopped, Person, Human, "Rejected by customs";
    Damaged, "DAMAGED", Damage, Carrier, Critical, Running, Person, Human, "Damaged";
    DamagedRepacked, "DAMAGED_REPACKED", Damage, Carrier, Major, Running, Person, Human, "Damaged, repacked";
    Packaging, "PACKAGING", Damage, Shipper, Major, Stopped, Person, Resolution, "Inadequate packaging";
    Lost, "LOST", Loss, Carrier, Critical, Running, Person, Found, "Lost";
    MissingPieces, "MISSING_PIECES", Loss, Carrier, Critical, Running, Person, Human, "Missing pieces";
    Stolen, "STOLEN", Loss, ThirdParty, Critical, Running, Person, Human, "Stolen";
    UnderInvestigation, "UNDER_INVESTIGATION", Loss, Carrier, Major, Running, Nobody, Resolution, "Under investigation";
    Disposed, "DISPOSED", Loss, Carrier, Critical, Running, Person, Human, "Disposed of";
    Overage, "OVERAGE", Loss, Carrier, Minor, Running, Nobody, Human, "Overage";
    DocumentsMissing, "DOCUMENTS_MISSING", Data, Shipper, Major, Stopped, Person, Resolution, "Documents missing";
    DataError, "DATA_ERROR", Data, Unknown, Minor, Running, Nobody, NextPhysical, "Data error";
    DataErrorCarrier, "DATA_ERROR_CARRIER", Data, Carrier, Minor, Running, Nobody, NextPhysical, "Data error at the carrier";
    Discrepancy, "DISCREPANCY", Data, Shipper, Minor, Stopped, Person, Resolution, "Discrepancy";
    ProhibitedGoods, "PROHIBITED_GOODS", Regulatory, Shipper, Critical, Stopped, Person, Human, "Prohibited goods";
    CarrierRejected, "CARRIER_REJECTED", Pickup, Carrier, Major, Running, Person, Resolution, "Refused by carrier";
    CancelledByShipper, "CANCELLED_BY_SHIPPER", Cancel, Shipper, Info, Stopped, Nobody, Human, "Cancelled by shipper";
    Unspecified, "UNSPECIFIED", Unspecified, Unknown, Minor, Running, Nobody, NextPhysical, "Unspecified problem";
    Late, "LATE", Delay, Carrier, Minor, Running, Person, Resolution, "Late";
    Silence, "SILENCE", Visibility, Carrier, Major, Running, Nobody, NextPhysical, "No updates";
    RepeatedAttempts, "REPEATED_ATTEMPTS", Consignee, Carrier, Major, Running, Person, Resolution, "Repeated failed attempts";
    LateToShip, "LATE_TO_SHIP", Delay, Shipper, Info, Stopped, Person, NextPhysical, "Late to ship";
    ImportIncomplete, "IMPORT_INCOMPLETE", Integration, Shipper, Info, Stopped, Person, Resolution, "Order data incomplete";
    TransitThoughCancelled, "TRANSIT_THOUGH_CANCELLED", Cancel, Shipper, Major, Running, Person, Resolution, "In transit though cancelled";
    SlowTransit, "SLOW_TRANSIT", Delay, Carrier, Minor, Running, Nobody, Resolution, "Slower than usual";
    PredictedLate, "PREDICTED_LATE", Delay, Carrier, Minor, Running, Nobody, Resolution, "Expected late";
    NotShipped, "NOT_SHIPPED", Pickup, Shipper, Major, Running, Person, NextPhysical, "Label made, never scanned";
    CustomsStuck, "CUSTOMS_STUCK", Customs, Customs, Major, Running, Person, NextPhysical, "Stuck at customs";
    ReturnToOrigin, "RETURN_TO_ORIGIN", Consignee, Unknown, Minor, Stopped, Person, Resolution, "Returning to sender";
    WrongDestination, "WRONG_DESTINATION", Routing, Carrier, Major, Running, Person, Resolution, "Wrong destination country";
    MilestoneMissing, "MILESTONE_MISSING", Visibility, Carrier, Minor, Running, Nobody, Resolution, "Milestone missing";
    IdentifierMismatch, "IDENTIFIER_MISMATCH", Data, Unknown, Minor, Running, Person, Resolution, "Identifiers do not match";
    TrackingStopped, "TRACKING_STOPPED", Visibility, Carrier, Major, Running, Person, NextPhysical, "Tracking stopped";
    UnmappedCode, "UNMAPPED_CODE", Integration, Shipper, Info, Running, Person, Resolution, "Unmapped code";
    PresumedLost, "PRESUMED_LOST", Loss, Carrier, Critical, Running, Person, Found, "Presumed lost";
    OrderRefused, "ORDER_REFUSED", Integration, Shipper, Major, Running, Person, Resolution, "Update refused by the order system";
    DeskRefused, "DESK_REFUSED", Integration, Shipper, Major, Running, Person, Resolution, "Update refused by the service desk";
}
