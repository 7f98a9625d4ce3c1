//! Why a shipment is folded.

use serde::{Deserialize, Serialize};

/// Why a shipment is folded. Only `Live` makes notes; `Live`, `Import` and `History` make activities and tickets, each of
/// what is recent to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A message was received, a person decided, or the clock moved on.
    Live,
    /// Messages or readings were replayed.
    Replay,
    /// A delivery was imported.
    Import,
    /// The first import of an order system: what it has is history.
    History,
    /// A comparison found a difference.
    Reconcile,
}

impl Cause {
    /// How much is announced, against others. Of two for one shipment the stronger one stays, so that nothing is withheld
    /// because of which came first.
    pub const fn strength(self) -> u8 {
        match self {
            Self::Replay => 0,
            Self::Reconcile => 1,
            Self::History => 2,
            Self::Import => 3,
            Self::Live => 4,
        }
    }
}
