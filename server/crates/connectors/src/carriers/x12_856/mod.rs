//! ANSI X12 856, Ship Notice/Manifest: its status-bearing parts.

mod decode;
#[cfg(test)]
mod tests;

use super::{Carrier, DecodeError, Manifest, Scheme};
use domain::{fold::Trust, observation::Decoded};

/// The connector.
pub(super) struct X12856;

const MANIFEST: Manifest = Manifest {
    id: "x12_856",
    label: "X12 856",
    trust: Trust::Carrier,
    schemes: &[Scheme::Bearer, Scheme::Basic, Scheme::HmacHexPrefixed],
    max_body_bytes: super::FILE_MAX_BYTES,
};

impl Carrier for X12856 {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn decode(&self, raw: &[u8]) -> Result<Decoded, DecodeError> {
        decode::decode(raw)
    }
}
