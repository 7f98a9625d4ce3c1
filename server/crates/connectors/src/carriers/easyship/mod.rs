//! Easyship: webhooks `shipment.tracking.*` and API answers.

mod decode;
#[cfg(test)]
mod tests;

use super::{Carrier, DecodeError, Manifest, Scheme};
use domain::{fold::Trust, observation::Decoded};

/// The connector.
pub(super) struct Easyship;

const MANIFEST: Manifest = Manifest {
    id: "easyship",
    label: "Easyship",
    trust: Trust::Aggregator,
    schemes: &[Scheme::SharedSecretHeader, Scheme::Bearer, Scheme::Basic],
    max_body_bytes: 1024 * 1024,
};

impl Carrier for Easyship {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn decode(&self, raw: &[u8]) -> Result<Decoded, DecodeError> {
        decode::decode(raw)
    }
}
