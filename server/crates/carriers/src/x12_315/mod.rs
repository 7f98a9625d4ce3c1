//! ANSI X12 315, Status Details (Ocean): one status of a container (B4, SG), the ports of its transport (R4) and what is
//! expected at them (DTM). Each message adds. Actual dates at the ports repeat what other messages said as their status,
//! and are not read again.
//!
//! Sources: X12 004010 set 315, segments B4, N9, Q2, SG, R4, DTM, V9; elements 115, 128, 157, 309, 374; ISO 6346.

mod decode;
#[cfg(test)]
mod tests;

use super::{Carrier, DecodeError, Endpoint, Manifest, Scheme};
use domain::{fold::Trust, observation::Decoded};

/// The connector.
pub(super) struct X12315;

const MANIFEST: Manifest = Manifest {
    id: "x12_315",
    label: "X12 315",
    trust: Trust::Carrier,
    schemes: &[Scheme::Bearer, Scheme::Basic, Scheme::HmacHexPrefixed],
    usual: &[],
    proof_header: None,
    max_body_bytes: super::FILE_MAX_BYTES,
    endpoint: Endpoint::USUAL,
};

impl Carrier for X12315 {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn decode(&self, raw: &[u8]) -> Result<Decoded, DecodeError> {
        decode::decode(raw)
    }
}
