//! ANSI X12 856, Ship Notice/Manifest: that a shipment goes, and when it is to arrive. Purpose 01 cancels the notice, 05
//! replaces what the original said; every other one adds.
//!
//! Sources: X12 004010 (and 002001) set 856, segments BSN, HL, TD3, TD5, REF, PRF, MAN, DTM; elements 88, 128, 353, 374,
//! 735.

mod decode;
#[cfg(test)]
mod tests;

use super::{Carrier, DecodeError, Endpoint, Manifest, Scheme};
use domain::{fold::Trust, observation::Decoded};

/// The connector.
pub(super) struct X12856;

const MANIFEST: Manifest = Manifest {
    id: "x12_856",
    label: "X12 856",
    trust: Trust::Carrier,
    schemes: &[Scheme::Bearer, Scheme::Basic, Scheme::HmacHexPrefixed],
    usual: &[],
    proof_header: None,
    max_body_bytes: super::FILE_MAX_BYTES,
    endpoint: Endpoint::USUAL,
};

impl Carrier for X12856 {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn decode(&self, raw: &[u8]) -> Result<Decoded, DecodeError> {
        decode::decode(raw)
    }
}
