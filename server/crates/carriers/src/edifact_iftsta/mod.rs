//! UN/EDIFACT IFTSTA, International multimodal status report, directories D.96A to D.21B. Each message adds: interchange
//! references repeat and identify nothing. Messages with function 1 (cancellation) or 3 (deletion) take back what they
//! say; a replacement (5) says its statuses anew, and partners who always send 5 mean no more than that.
//!
//! Sources: UN/EDIFACT directories D.96A and D.21B (segments BGM, CNI, STS, RFF, DTM, LOC, TDT, EQD; code lists 1153,
//! 1225, 2005, 2379, 3227, 9011, 9013, 9015), UNECE Recommendation 24 (trade and transport status codes), GS1 General
//! Specifications (SSCC). UPS Quantum View Data is an IFTSTA D.07B whose STS carries the event in its category.

mod decode;
#[cfg(test)]
mod tests;

use super::{Carrier, DecodeError, Endpoint, Manifest, Scheme};
use domain::{fold::Trust, observation::Decoded};

/// The connector.
pub(super) struct Iftsta;

const MANIFEST: Manifest = Manifest {
    id: "edifact_iftsta",
    label: "UN/EDIFACT IFTSTA",
    trust: Trust::Carrier,
    schemes: &[Scheme::Bearer, Scheme::Basic, Scheme::HmacHexPrefixed],
    usual: &[],
    proof_header: None,
    max_body_bytes: super::FILE_MAX_BYTES,
    endpoint: Endpoint::USUAL,
};

impl Carrier for Iftsta {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn decode(&self, raw: &[u8]) -> Result<Decoded, DecodeError> {
        decode::decode(raw)
    }
}
