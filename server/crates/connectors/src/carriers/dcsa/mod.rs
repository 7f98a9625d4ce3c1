//! DCSA Track & Trace 2.2 and 3.0: events of equipment, transport and shipment.

mod decode;
#[cfg(test)]
mod tests;

use super::{Carrier, DecodeError, Manifest, Scheme};
use domain::{fold::Trust, observation::Decoded};

/// The connector.
pub(super) struct Dcsa;

const MANIFEST: Manifest = Manifest {
    id: "dcsa",
    label: "DCSA Track & Trace",
    trust: Trust::Carrier,
    schemes: &[Scheme::HmacHexPrefixed, Scheme::Bearer, Scheme::Basic],
    max_body_bytes: 1024 * 1024,
};

impl Carrier for Dcsa {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn decode(&self, raw: &[u8]) -> Result<Decoded, DecodeError> {
        decode::decode(raw)
    }
}
