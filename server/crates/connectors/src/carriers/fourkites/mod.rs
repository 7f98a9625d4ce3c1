//! FourKites callbacks.

mod decode;
#[cfg(test)]
mod tests;

use super::{Carrier, DecodeError, Manifest, Scheme};
use domain::{fold::Trust, observation::Decoded};

/// The connector.
pub(super) struct Fourkites;

const MANIFEST: Manifest = Manifest {
    id: "fourkites",
    label: "FourKites",
    trust: Trust::Aggregator,
    schemes: &[Scheme::SharedSecretHeader, Scheme::Basic, Scheme::Bearer],
    max_body_bytes: 1024 * 1024,
};

impl Carrier for Fourkites {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn decode(&self, raw: &[u8]) -> Result<Decoded, DecodeError> {
        decode::decode(raw)
    }
}
