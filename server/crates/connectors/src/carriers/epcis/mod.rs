//! GS1 EPCIS 1.2 and 2.0, JSON-LD and XML.

mod decode;
#[cfg(test)]
mod tests;

use super::{Carrier, DecodeError, Manifest, Scheme};
use domain::{fold::Trust, observation::Decoded};

/// The connector.
pub(super) struct Epcis;

const MANIFEST: Manifest = Manifest {
    id: "epcis",
    label: "GS1 EPCIS 2.0",
    trust: Trust::Carrier,
    schemes: &[Scheme::Bearer, Scheme::Basic, Scheme::HmacHexPrefixed, Scheme::SharedSecretHeader],
    max_body_bytes: super::FILE_MAX_BYTES,
};

impl Carrier for Epcis {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn decode(&self, raw: &[u8]) -> Result<Decoded, DecodeError> {
        decode::decode(raw)
    }
}
