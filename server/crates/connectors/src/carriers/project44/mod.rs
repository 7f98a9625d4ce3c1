//! project44 shipment visibility webhooks.

mod decode;
#[cfg(test)]
mod tests;

use super::{Carrier, DecodeError, Manifest, Scheme};
use domain::{fold::Trust, observation::Decoded};

/// The connector.
pub(super) struct Project44;

const MANIFEST: Manifest = Manifest {
    id: "project44",
    label: "project44",
    trust: Trust::Aggregator,
    schemes: &[Scheme::Basic, Scheme::Bearer, Scheme::SharedSecretHeader],
    max_body_bytes: 1024 * 1024,
};

impl Carrier for Project44 {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn decode(&self, raw: &[u8]) -> Result<Decoded, DecodeError> {
        decode::decode(raw)
    }
}
