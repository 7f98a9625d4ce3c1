//! ANSI X12 214, Transportation Carrier Shipment Status Message. Each message adds; it carries no id of its own that can
//! be trusted (control numbers repeat). Source: X12 004010 set 214, segments B10, L11, LX, AT7, MS1, MS2.

mod decode;
#[cfg(test)]
mod tests;

use super::{Carrier, DecodeError, Manifest, Scheme};
use domain::{fold::Trust, observation::Decoded};

/// The connector.
pub(super) struct X12214;

const MANIFEST: Manifest = Manifest {
    id: "x12_214",
    label: "X12 214",
    trust: Trust::Carrier,
    schemes: &[Scheme::Bearer, Scheme::Basic, Scheme::HmacHexPrefixed],
    max_body_bytes: super::FILE_MAX_BYTES,
};

impl Carrier for X12214 {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn decode(&self, raw: &[u8]) -> Result<Decoded, DecodeError> {
        decode::decode(raw)
    }
}
