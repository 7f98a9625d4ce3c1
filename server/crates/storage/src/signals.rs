//! Wake-ups between the nodes of one installation. They only make things sooner: those who wait poll, too.

use crate::jobs::Lane;
use tokio::sync::broadcast;

/// Something happened that another node may wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Signal {
    /// There is work in the real-time lane.
    RealTime,
    /// There is work in the batch lane.
    Batch,
    /// A shipment changed.
    Changed,
    /// A connection changed.
    Connections,
}

impl Signal {
    /// Every kind.
    pub const ALL: &'static [Self] = &[Self::RealTime, Self::Batch, Self::Changed, Self::Connections];

    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::RealTime => "real_time",
            Self::Batch => "batch",
            Self::Changed => "changed",
            Self::Connections => "connections",
        }
    }

    /// The signal with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|s| s.code() == code)
    }

    /// There is work in this lane.
    pub const fn work(lane: Lane) -> Self {
        match lane {
            Lane::RealTime => Self::RealTime,
            Lane::Batch => Self::Batch,
        }
    }
}

/// Wake-ups between nodes.
pub trait Signals: Send + Sync {
    /// Tells the other nodes; never waits, and may be lost.
    fn send(&self, signal: Signal);

    /// What the nodes tell from now on, this one included.
    fn subscribe(&self) -> broadcast::Receiver<Signal>;
}

/// Of an installation with one node: there is no other node to notify.
#[derive(Debug)]
pub struct Alone(broadcast::Sender<Signal>);

impl Default for Alone {
    fn default() -> Self {
        Self(broadcast::Sender::new(1))
    }
}

impl Signals for Alone {
    fn send(&self, _signal: Signal) {}

    fn subscribe(&self) -> broadcast::Receiver<Signal> {
        self.0.subscribe()
    }
}
