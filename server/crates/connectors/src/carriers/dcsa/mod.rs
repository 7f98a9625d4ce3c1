//! DCSA Track & Trace: events of equipment, transport and shipment documents, as 2.2 writes them (flat), as the beta of
//! 3.0 does (metadata and payload, with retractions), and as 3.0 does (classification, details). Each message adds; each
//! event has an id. An equipment event hangs on its container; the others on the booking or the transport document.
//!
//! What a gate move or a drop-off is depends on the kind of facility and on whether the container is laden; the code is
//! qualified with both. Events of other DCSA standards in the channel (port calls, arrival notices) are no tracking.
//! Source: dcsaorg/DCSA-OpenAPI, event domain 3.2.0 and tnt 2.2 and 3.0 (Apache-2.0).

mod decode;
#[cfg(test)]
mod tests;

use super::{Carrier, DecodeError, Manifest, Scheme, json};
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
        decode::decode(&json::parse(raw)?)
    }
}
