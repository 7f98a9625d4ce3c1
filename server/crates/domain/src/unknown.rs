//! Why there is no current status: one cause for each shipment of which nothing current is known, who looks after it, and what to
//! do about it. The fold finds the cause; the words build for the browser too.

use crate::words::words;

words! {
    /// Why nothing current is known of a shipment.
    Cause {
        /// The number does not pass its own check, or has no carrier's form.
        Mistyped = "mistyped", "Number looks mistyped";
        /// It has left, and the order system has no number for it.
        NoNumber = "no_number", "No tracking number";
        /// No connection brings updates of carriers.
        NotConnected = "not_connected", "Carrier not connected";
        /// The connections that would bring them are paused.
        SourcePaused = "source_paused", "Source paused";
        /// All that was reported has a time that cannot be.
        FutureTimes = "future_times", "Event times in the future";
        /// The newest events have codes that the mapping does not know.
        UnmappedCode = "unmapped_code", "Unmapped code";
        /// Nothing was ever reported of the number, for longer than the first scan usually takes.
        NeverSeen = "never_seen", "Number never seen by the carrier";
        /// Nothing was reported for longer than is usual, or tracking was stopped.
        SourceSilent = "source_silent", "No updates from the source";
        /// The status is known here, and the order system refused it.
        OrderRefused = "order_refused", "Order system refused the update";
    }
}

words! {
    /// Who looks after it.
    Owner {
        /// Who enters and packs the goods.
        Warehouse = "warehouse", "Warehouse";
        /// Who looks after the connections.
        Integration = "integration", "Integration";
        /// Who talks to the carriers.
        Logistics = "logistics", "Logistics";
    }
}

words! {
    /// What to do about it.
    Action {
        /// The order's number is corrected.
        Correct = "correct", "Correct the number";
        /// The number is entered in the order system.
        Enter = "enter", "Enter the number";
        /// The carrier or a platform is connected.
        Connect = "connect", "Connect a carrier";
        /// The source is switched on again.
        Resume = "resume", "Resume the source";
        /// What came in is looked at.
        Inspect = "inspect", "Look at the events";
        /// The code is mapped.
        Map = "map", "Map the code";
        /// The number is registered at a platform.
        Register = "register", "Register the number";
        /// The update is tried again.
        Retry = "retry", "Retry the update";
    }
}

impl Cause {
    /// Who looks after it.
    pub const fn owner(self) -> Owner {
        match self {
            Self::Mistyped | Self::NoNumber => Owner::Warehouse,
            Self::NeverSeen | Self::SourceSilent => Owner::Logistics,
            Self::NotConnected | Self::SourcePaused | Self::FutureTimes | Self::UnmappedCode | Self::OrderRefused => {
                Owner::Integration
            }
        }
    }

    /// What to do about it.
    pub const fn action(self) -> Action {
        match self {
            Self::Mistyped => Action::Correct,
            Self::NoNumber => Action::Enter,
            Self::NotConnected => Action::Connect,
            Self::SourcePaused => Action::Resume,
            Self::FutureTimes => Action::Inspect,
            Self::UnmappedCode => Action::Map,
            Self::NeverSeen | Self::SourceSilent => Action::Register,
            Self::OrderRefused => Action::Retry,
        }
    }
}
