//! Ids are types. Random ones come from the caller (randomness is an argument); content ids say what they name.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident;)*) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(s: &str) -> Result<Self, Self::Err> {
                s.parse().map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    )*};
}

ids! {
    /// A company: every row belongs to one.
    CompanyId;
    /// A configured source of messages.
    SourceId;
    /// One request or file as received.
    MessageId;
    /// Runs from a carrier's request to the Odoo write and the case.
    CorrelationId;
    /// What observations hang on.
    TrackerId;
    /// A statement; derived from what it says, so the same statement twice is one observation.
    ObservationId;
    /// A list of statements that a snapshot provider sent at once.
    SnapshotId;
    /// Says whom a tracker concerns.
    BindingId;
    /// A shipment.
    ShipmentId;
    /// An exception, given when first committed.
    ExceptionId;
    /// Something that must happen once.
    EffectId;
    /// A unit of work.
    JobId;
    /// One try at a call to another system.
    AttemptId;
    /// A case at the service desk.
    CaseId;
    /// A person who signs in.
    UserId;
    /// Whose key encrypts personal data.
    SubjectId;
}

/// A content id: the first 128 bits of the SHA-256 of length-prefixed parts. Equal parts give equal ids on every
/// machine and at every time.
pub fn content_id(domain: &str, parts: &[&[u8]]) -> Uuid {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    for part in std::iter::once(domain.as_bytes()).chain(parts.iter().copied()) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let digest = hash.finalize();
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    Uuid::from_bytes(id)
}
