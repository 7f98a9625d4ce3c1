//! ShipEngine / ShipStation: webhook `API_TRACK` and tracking answers.

mod decode;
#[cfg(test)]
mod tests;

use super::{Carrier, DecodeError, Manifest, Scheme};
use domain::{fold::Trust, observation::Decoded};

/// The connector.
pub(super) struct Shipengine;

const MANIFEST: Manifest = Manifest {
    id: "shipengine",
    label: "ShipEngine / ShipStation",
    trust: Trust::Aggregator,
    schemes: &[Scheme::ShipengineRsa],
    max_body_bytes: 1024 * 1024,
};

impl Carrier for Shipengine {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn decode(&self, raw: &[u8]) -> Result<Decoded, DecodeError> {
        decode::decode(raw)
    }
}
