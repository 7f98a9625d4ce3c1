//! ANSI X12 322, Terminal Operations and Intermodal Ramp Activity.

mod decode;
#[cfg(test)]
mod tests;

use super::{Carrier, DecodeError, Manifest, Scheme};
use domain::{fold::Trust, observation::Decoded};

/// The connector.
pub(super) struct X12322;

const MANIFEST: Manifest = Manifest {
    id: "x12_322",
    label: "X12 322",
    trust: Trust::Carrier,
    schemes: &[Scheme::Bearer, Scheme::Basic, Scheme::HmacHexPrefixed],
    max_body_bytes: super::FILE_MAX_BYTES,
};

impl Carrier for X12322 {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn decode(&self, raw: &[u8]) -> Result<Decoded, DecodeError> {
        decode::decode(raw)
    }
}
