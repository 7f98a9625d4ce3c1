//! DCSA Track & Trace: events of equipment, transport and shipment, as webhooks and as API answers. Four dialects of one
//! standard: 2.2 (flat events), 3.0 Beta (`metadata` and `payload`, retraction by `retractedEventID`), 3.0.0 with codes
//! and 3.0.0 with words (`eventClassification` and one object of details for each subject, retraction by `isRetracted`).
//! Each message adds. Equipment events hang on the container; the others on the containers they name, else on booking
//! and transport document. Other DCSA standards in the channel (port calls, arrival notices) are not about tracking.
//! Source: github.com/dcsaorg: DCSA-OpenAPI (`tnt/v2`, `tnt/v3`, `domain/event`), Conformance-Gateway (`TNT_v3.0.0.yaml`)
//! and DCSA-Information-Model (reference data, SMDG delay reasons); all Apache-2.0. Publishers look at the callback address
//! by HEAD before they take a subscription (the notification endpoint of DCSA's reference implementations).

mod decode;
mod refs;
#[cfg(test)]
mod tests;
mod words;

use super::{Carrier, DecodeError, DeliveryKey, Endpoint, Handshake, Manifest, Scheme};
use crate::formats::json;
use domain::{fold::Trust, observation::Decoded};

/// The connector.
pub(super) struct Dcsa;

const MANIFEST: Manifest = Manifest {
    id: "dcsa",
    label: "DCSA Track & Trace",
    trust: Trust::Carrier,
    schemes: &[Scheme::HmacHexPrefixed, Scheme::Bearer, Scheme::Basic],
    usual: &[Scheme::HmacHexPrefixed],
    proof_header: Some("notification-signature"),
    max_body_bytes: 1024 * 1024,
    endpoint: Endpoint { handshakes: &[Handshake::Probe], ..Endpoint::USUAL },
};

impl Carrier for Dcsa {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn delivery_key(&self, raw: &[u8]) -> DeliveryKey {
        DeliveryKey(json::body(raw, json::Keys::Snake).and_then(|body| decode::only_event_id(&body)))
    }

    fn decode(&self, raw: &[u8]) -> Result<Decoded, DecodeError> {
        json::decode(raw, json::Keys::Snake, decode::decode)
    }
}
