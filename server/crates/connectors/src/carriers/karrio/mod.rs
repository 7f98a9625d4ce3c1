//! Karrio: webhook `tracker_updated` and the tracker object.

mod decode;
#[cfg(test)]
mod tests;

use super::{Carrier, DecodeError, Manifest, Scheme};
use domain::{fold::Trust, observation::Decoded};

/// The connector.
pub(super) struct Karrio;

const MANIFEST: Manifest = Manifest {
    id: "karrio",
    label: "Karrio",
    trust: Trust::Aggregator,
    schemes: &[Scheme::SharedSecretHeader],
    max_body_bytes: 1024 * 1024,
};

impl Carrier for Karrio {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn decode(&self, raw: &[u8]) -> Result<Decoded, DecodeError> {
        decode::decode(raw)
    }
}
