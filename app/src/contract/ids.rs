//! Identifiers as the pages see them: opaque text, one type for each kind of thing.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident;)*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// The text of the id.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<T: Into<String>> From<T> for $name {
            fn from(text: T) -> Self {
                Self(text.into())
            }
        }
    )*};
}

ids! {
    /// A shipment.
    ShipmentId;
    /// An exception.
    ExceptionId;
    /// A statement of a carrier.
    ObservationId;
    /// A unit of work.
    JobId;
    /// A message as received.
    MessageId;
    /// The thread that runs from a carrier's request to what was written elsewhere.
    CorrelationId;
}
