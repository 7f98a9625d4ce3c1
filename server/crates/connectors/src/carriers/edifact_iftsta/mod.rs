//! UN/EDIFACT IFTSTA, International multimodal status report, D.96A to D.21B.

mod decode;
#[cfg(test)]
mod tests;

use super::{Carrier, DecodeError, Manifest, Scheme};
use domain::{fold::Trust, observation::Decoded};

/// The connector.
pub(super) struct Iftsta;

const MANIFEST: Manifest = Manifest {
    id: "edifact_iftsta",
    label: "UN/EDIFACT IFTSTA",
    trust: Trust::Carrier,
    schemes: &[Scheme::Bearer, Scheme::Basic, Scheme::HmacHexPrefixed],
    max_body_bytes: super::FILE_MAX_BYTES,
};

impl Carrier for Iftsta {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn decode(&self, raw: &[u8]) -> Result<Decoded, DecodeError> {
        decode::decode(raw)
    }
}
