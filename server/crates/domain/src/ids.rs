//! Ids are types. Random ones come from the caller (randomness is an argument); content ids follow from the content.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{
    collections::{HashMap, HashSet},
    fmt,
    hash::{BuildHasherDefault, Hasher},
    str::FromStr,
};
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
    /// An observation; derived from its content, so that the same one twice is one.
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
    /// A bulk retry of jobs or messages.
    ReplayId;
    /// A reconciliation run.
    ReconciliationId;
    /// A dry run of a rule.
    TrialId;
    /// A difference between systems.
    DifferenceId;
    /// An operational alert.
    AlertId;
    /// One notification of an alert over one channel.
    NoticeId;
    /// The booking of one parcel.
    BookingId;
    /// A claim against a carrier.
    ClaimId;
    /// A file that belongs to a claim.
    ClaimFileId;
    /// A remark about some days on charts.
    AnnotationId;
    /// A saved report.
    ReportId;
    /// One mailing of a saved report.
    ReportRunId;
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

/// A [`content_id`] that sorts by a time, as random ids of that time do (version 7 of
/// [RFC 9562](https://www.rfc-editor.org/rfc/rfc9562#section-5.7)): what comes at one time lies together in an index.
pub fn content_id_at(at: Timestamp, domain: &str, parts: &[&[u8]]) -> Uuid {
    let mut digest = [0; 10];
    digest.copy_from_slice(&content_id(domain, parts).as_bytes()[..10]);
    let millis = u64::try_from(at.as_millisecond()).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(millis, &digest).into_uuid()
}

/// Hashes ids: their bytes are random already, or digests.
#[derive(Clone, Copy, Debug, Default)]
pub struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..part.len()].copy_from_slice(part);
            self.0 = self.0.rotate_left(7) ^ u64::from_ne_bytes(word);
        }
    }

    // the length of an id is that of all
    fn write_usize(&mut self, _: usize) {}
}

/// A map by id.
pub type IdMap<K, V> = HashMap<K, V, BuildHasherDefault<IdHasher>>;
/// A set of ids.
pub type IdSet<K> = HashSet<K, BuildHasherDefault<IdHasher>>;

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    #[test]
    fn a_dated_content_id_says_what_it_names_and_sorts_by_its_time() {
        let at = Timestamp::from_second(1_764_000_000).unwrap();
        let id = |at, part: u8| content_id_at(at, "job", &[&[part]]);
        assert_eq!(id(at, 1), id(at, 1));
        assert_ne!(id(at, 1), id(at, 2));
        let later = at + SignedDuration::from_millis(1);
        assert!((0..64).all(|part| id(at, part) < id(later, 63 - part)));
        assert_eq!(id(at, 1).get_version_num(), 7);
    }
}
