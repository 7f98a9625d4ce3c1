//! Milestones: what a carrier can report, in one vocabulary for all carriers.

use super::State;
use serde::{Deserialize, Serialize};

/// The part of a journey that a milestone belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Phase {
    /// About the feed or the schedule, not about the goods.
    Meta,
    /// Before the carrier has the goods.
    Pre,
    /// At the place of origin.
    Origin,
    /// Between origin and destination.
    Transit,
    /// With customs.
    Customs,
    /// At the destination, not yet handed over.
    Destination,
    /// Handed over, and what follows.
    End,
    /// On the way back.
    Return,
    /// Ended without delivery.
    Void,
}

/// Whether a milestone proves that the goods were handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// A scan or handling of the goods themselves.
    Physical,
    /// A statement about the shipment.
    Administrative,
}

macro_rules! milestones {
    ($($variant:ident, $code:literal, $phase:ident, $state:expr, $nature:ident, $label:literal, $text:literal;)*) => {
        /// The canonical milestones. Source: the project's own model, composed from sixteen carrier and platform
        /// vocabularies; each variant's documentation is its definition.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Milestone {
            $(#[doc = $text] #[serde(rename = $code)] $variant,)*
        }

        impl Milestone {
            /// Every milestone, in the order of a journey.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable code, as stored and as exchanged.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The milestone with this code.
            pub fn from_code(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }

            /// What a person reads.
            pub const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)* }
            }

            /// What the milestone means, in a phrase.
            pub const fn definition(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The part of the journey it belongs to.
            pub const fn phase(self) -> Phase {
                match self { $(Self::$variant => Phase::$phase,)* }
            }

            /// The state that an actual fact of this milestone leads to; none where it never moves the state.
            pub const fn state(self) -> Option<State> {
                match self { $(Self::$variant => $state,)* }
            }

            /// Whether the goods were handled.
            pub const fn nature(self) -> Nature {
                match self { $(Self::$variant => Nature::$nature,)* }
            }
        }
    };
}

milestones! {
    Info, "INFO", Meta, None, Administrative, "Information", "message without a physical meaning, or an unknown code (raw code kept)";
    Position, "POSITION", Meta, None, Administrative, "Position", "position report";
    EtaChanged, "ETA_CHANGED", Meta, None, Administrative, "ETA changed", "new estimate only";
    TrackingStarted, "TRACKING_STARTED", Meta, None, Administrative, "Tracking started", "provider began tracking";
    TrackingStopped, "TRACKING_STOPPED", Meta, None, Administrative, "Tracking stopped", "provider stopped tracking";
    TrackingExpired, "TRACKING_EXPIRED", Meta, None, Administrative, "Tracking expired", "no updates for long";
    NotFound, "NOT_FOUND", Meta, None, Administrative, "Not found by the carrier", "carrier does not know the number (yet)";
    Booked, "BOOKED", Pre, Some(State::Registered), Administrative, "Booked", "order / booking confirmed";
    InfoReceived, "INFO_RECEIVED", Pre, Some(State::Registered), Administrative, "Shipment data received", "label made, carrier has the data only";
    PickupScheduled, "PICKUP_SCHEDULED", Pre, Some(State::Registered), Administrative, "Pick-up scheduled", "pick-up planned or appointment made";
    Dispatched, "DISPATCHED", Pre, Some(State::Registered), Administrative, "Dispatched", "vehicle assigned / on the way to pick-up";
    EmptyReleased, "EMPTY_RELEASED", Pre, Some(State::Registered), Administrative, "Empty released", "empty container left depot for stuffing";
    Stuffed, "STUFFED", Pre, Some(State::Registered), Physical, "Stuffed", "container stuffed / goods packed";
    ArrivedPickup, "ARRIVED_PICKUP", Origin, Some(State::Registered), Administrative, "Arrived at pick-up", "vehicle at the pick-up place, goods not yet taken over";
    Loading, "LOADING", Origin, Some(State::Registered), Administrative, "Loading", "loading going on";
    DroppedOff, "DROPPED_OFF", Origin, Some(State::PickedUp), Physical, "Dropped off", "shipper dropped off at access point";
    PickedUp, "PICKED_UP", Origin, Some(State::PickedUp), Physical, "Picked up", "carrier took the goods over";
    Accepted, "ACCEPTED", Origin, Some(State::PickedUp), Physical, "Accepted", "acceptance scan";
    DepartedPickup, "DEPARTED_PICKUP", Origin, Some(State::InTransit), Physical, "Departed pick-up", "left the pick-up place loaded";
    GateInOrigin, "GATE_IN_ORIGIN", Origin, Some(State::InTransit), Physical, "Gate in at origin", "full container in at the port / ramp of loading";
    InTransit, "IN_TRANSIT", Transit, Some(State::InTransit), Physical, "In transit", "on the way, no detail";
    ArrivedFacility, "ARRIVED_FACILITY", Transit, Some(State::InTransit), Physical, "Arrived at facility", "arrived at hub, terminal, sort centre";
    ProcessedFacility, "PROCESSED_FACILITY", Transit, Some(State::InTransit), Physical, "Processed at facility", "sorted / processed";
    DepartedFacility, "DEPARTED_FACILITY", Transit, Some(State::InTransit), Physical, "Departed facility", "left a hub or terminal";
    Loaded, "LOADED", Transit, Some(State::InTransit), Physical, "Loaded", "loaded on vessel, aircraft, train, truck";
    TransportDeparted, "TRANSPORT_DEPARTED", Transit, Some(State::InTransit), Physical, "Transport departed", "main means of transport departed";
    TransportArrived, "TRANSPORT_ARRIVED", Transit, Some(State::InTransit), Physical, "Transport arrived", "main means of transport arrived";
    Discharged, "DISCHARGED", Transit, Some(State::InTransit), Physical, "Discharged", "unloaded from the main means of transport";
    Transshipped, "TRANSSHIPPED", Transit, Some(State::InTransit), Physical, "Transshipped", "moved to another means of transport";
    HandedOver, "HANDED_OVER", Transit, Some(State::InTransit), Physical, "Handed over", "given to another carrier";
    BorderCrossed, "BORDER_CROSSED", Transit, Some(State::InTransit), Physical, "Border crossed", "crossed a border";
    Redirected, "REDIRECTED", Transit, Some(State::InTransit), Administrative, "Redirected", "new destination";
    Stored, "STORED", Transit, Some(State::InTransit), Physical, "Stored", "in storage";
    GateOut, "GATE_OUT", Transit, Some(State::InTransit), Physical, "Gate out", "full container left the terminal";
    CustomsStarted, "CUSTOMS_STARTED", Customs, Some(State::InTransit), Physical, "Customs clearance started", "customs processing";
    CustomsInspection, "CUSTOMS_INSPECTION", Customs, Some(State::InTransit), Physical, "Customs inspection", "selected for scan or inspection";
    CustomsCleared, "CUSTOMS_CLEARED", Customs, Some(State::InTransit), Physical, "Customs cleared", "released by customs";
    ArrivedDestination, "ARRIVED_DESTINATION", Destination, Some(State::InTransit), Physical, "Arrived at destination", "arrived at destination terminal / depot / country";
    DeliveryScheduled, "DELIVERY_SCHEDULED", Destination, None, Administrative, "Delivery scheduled", "delivery appointment or date agreed";
    OutForDelivery, "OUT_FOR_DELIVERY", Destination, Some(State::OutForDelivery), Physical, "Out for delivery", "on the delivery vehicle";
    ArrivedDelivery, "ARRIVED_DELIVERY", Destination, Some(State::OutForDelivery), Physical, "Arrived at delivery place", "vehicle at the delivery place, not yet delivered";
    Unloading, "UNLOADING", Destination, Some(State::OutForDelivery), Physical, "Unloading", "unloading or tendered at consignee";
    AvailableForPickup, "AVAILABLE_FOR_PICKUP", Destination, Some(State::AvailableForPickup), Physical, "Available for pick-up", "consignee can collect";
    DeliveryAttempted, "DELIVERY_ATTEMPTED", Destination, Some(State::InTransit), Physical, "Delivery attempted", "attempt without success; always with a reason";
    DeliveredPart, "DELIVERED_PART", End, Some(State::PartiallyDelivered), Physical, "Partially delivered", "delivered incomplete";
    Delivered, "DELIVERED", End, Some(State::Delivered), Physical, "Delivered", "delivered (qualifier: signed, neighbour, safe place, locker, collected, damaged, COD)";
    PodAvailable, "POD_AVAILABLE", End, None, Administrative, "Proof of delivery available", "proof of delivery document";
    DepartedDelivery, "DEPARTED_DELIVERY", End, None, Administrative, "Departed delivery place", "vehicle left the delivery place (no proof of delivery by itself)";
    EmptyReturned, "EMPTY_RETURNED", End, None, Administrative, "Empty returned", "empty container back at depot";
    Stripped, "STRIPPED", End, None, Administrative, "Stripped", "container stripped";
    ReturnInitiated, "RETURN_INITIATED", Return, Some(State::Returning), Administrative, "Return initiated", "return ordered / announced";
    ReturnInTransit, "RETURN_IN_TRANSIT", Return, Some(State::Returning), Physical, "Return in transit", "on the way back";
    Returned, "RETURNED", Return, Some(State::Returned), Physical, "Returned", "back at the shipper";
    Cancelled, "CANCELLED", Void, Some(State::Cancelled), Administrative, "Cancelled", "shipment cancelled / label void";
    Lost, "LOST", Void, Some(State::Failed), Administrative, "Lost", "declared lost";
    Destroyed, "DESTROYED", Void, Some(State::Failed), Administrative, "Destroyed", "destroyed / disposed";
}

impl Milestone {
    /// Breaks ties between facts of one moment: a later part of the journey wins.
    pub fn rank(self) -> u16 {
        self.state().map_or(0, State::rank) * 100 + self as u16
    }

    /// A scan or handling of the goods themselves.
    pub fn is_physical(self) -> bool {
        self.nature() == Nature::Physical
    }
}
