//! ANSI X12 322, Terminal Operations and Intermodal Ramp Activity: statuses (Q5) of containers and trailers (N7), one
//! report for each. Each message adds.
//!
//! Sources: X12 004010 set 322, segments Q5, N7, W2, DTM, R4, N1, N9; elements 115, 157, 374; ISO 6346.

mod decode;
#[cfg(test)]
mod tests;

use super::{Carrier, DecodeError, Endpoint, Manifest, Scheme};
use domain::{fold::Trust, observation::Decoded};

/// The connector.
pub(super) struct X12322;

const MANIFEST: Manifest = Manifest {
    id: "x12_322",
    label: "X12 322",
    trust: Trust::Carrier,
    schemes: &[Scheme::Bearer, Scheme::Basic, Scheme::HmacHexPrefixed],
    usual: &[],
    proof_header: None,
    max_body_bytes: super::FILE_MAX_BYTES,
    endpoint: Endpoint::USUAL,
};

impl Carrier for X12322 {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn decode(&self, raw: &[u8]) -> Result<Decoded, DecodeError> {
        decode::decode(raw)
    }
}
