//! Shippo: webhook `track_updated` and tracks.

mod decode;
#[cfg(test)]
mod tests;

use super::{Carrier, DecodeError, Manifest, Scheme};
use domain::{fold::Trust, observation::Decoded};

/// The connector.
pub(super) struct Shippo;

const MANIFEST: Manifest = Manifest {
    id: "shippo",
    label: "Shippo",
    trust: Trust::Aggregator,
    schemes: &[Scheme::Shippo, Scheme::QueryToken],
    max_body_bytes: 1024 * 1024,
};

impl Carrier for Shippo {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn decode(&self, raw: &[u8]) -> Result<Decoded, DecodeError> {
        decode::decode(raw)
    }
}
