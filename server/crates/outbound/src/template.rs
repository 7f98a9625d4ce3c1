//! What a person chooses a connector by: its purpose, its fields, what it reads and writes.

use crate::schema::Field;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// An order system: deliveries come in; status, notes and activities go out.
    Orders,
    /// A service desk: tickets go out, what agents do comes in.
    Desk,
    /// A carrier or platform that sends events.
    Carrier,
    /// The API of a platform: labels are booked and numbers registered there.
    Shipping,
    /// A channel: notifications go out.
    Channel,
}

impl Family {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Desk => "desk",
            Self::Carrier => "carrier",
            Self::Shipping => "shipping",
            Self::Channel => "channel",
        }
    }

    /// What a person reads.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Orders => "Order system",
            Self::Desk => "Service desk",
            Self::Carrier => "Carrier or platform",
            Self::Shipping => "Booking and tracking API",
            Self::Channel => "Notification channel",
        }
    }

    /// Which way it goes.
    pub const fn direction(self) -> Direction {
        match self {
            Self::Orders | Self::Desk | Self::Shipping => Direction::Both,
            Self::Carrier => Direction::In,
            Self::Channel => Direction::Out,
        }
    }
}

/// Which way data goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The other system sends to Milepost.
    In,
    /// Milepost sends to the other system.
    Out,
    /// Milepost reads from the other system and writes to it.
    Both,
}

impl Direction {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
            Self::Both => "both",
        }
    }

    /// What a person reads.
    pub const fn label(self) -> &'static str {
        match self {
            Self::In => "Source",
            Self::Out => "Notifications",
            Self::Both => "Both ways",
        }
    }
}

/// A connector as a person chooses it.
#[derive(Clone, Debug)]
pub struct Template {
    /// The connector.
    pub id: &'static str,
    /// What a person reads.
    pub label: &'static str,
    /// What it is for.
    pub family: Family,
    /// The version of its fields.
    pub version: u16,
    /// Its settings.
    pub fields: Vec<Field>,
    /// What its secret is called.
    pub secret_label: &'static str,
    /// Where the secret is found.
    pub secret_help: &'static str,
    /// What Milepost reads there.
    pub reads: &'static str,
    /// What Milepost writes there.
    pub writes: &'static str,
    /// How it signs in.
    pub signs_in: &'static str,
}
