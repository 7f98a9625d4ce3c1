//! ANSI X12 214, Transportation Carrier Shipment Status Message. Each message adds; it carries no id of its own that can
//! be trusted (control numbers repeat). A delivery at a stop that is certainly not the last one ends a leg.
//!
//! Sources: X12 004010 set 214, segments B10, L11, N1, N4, LX, AT7, MS1, MS2, MAN, Q7, K1; elements 33, 98, 128, 623,
//! 1650, 1651, 1652.

mod decode;
#[cfg(test)]
mod tests;

use super::{Carrier, DecodeError, Endpoint, Manifest, Scheme};
use domain::{fold::Trust, observation::Decoded};

/// The connector.
pub(super) struct X12214;

const MANIFEST: Manifest = Manifest {
    id: "x12_214",
    label: "X12 214",
    trust: Trust::Carrier,
    schemes: &[Scheme::Bearer, Scheme::Basic, Scheme::HmacHexPrefixed],
    usual: &[Scheme::HmacHexPrefixed],
    proof_header: None,
    max_body_bytes: super::FILE_MAX_BYTES,
    endpoint: Endpoint::USUAL,
};

impl Carrier for X12214 {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn decode(&self, raw: &[u8]) -> Result<Decoded, DecodeError> {
        decode::decode(raw)
    }
}
