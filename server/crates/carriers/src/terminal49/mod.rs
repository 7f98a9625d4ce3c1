//! Terminal49 webhooks: JSON:API notifications of what happened to a container, a shipment or a tracking request. The
//! notification names its event and refers to the record of it under `included`, which in turn refers to container,
//! shipment and place. Each message adds. Instants are in UTC; the zone of the place is beside them.
//! Source: terminal49.com/docs: webhook event catalogue, webhook payloads, payload examples.

mod decode;
mod included;
#[cfg(test)]
mod tests;

use super::{Carrier, DecodeError, DeliveryKey, Endpoint, Manifest, Scheme};
use crate::formats::json;
use domain::{fold::Trust, observation::Decoded};

/// The connector.
pub(super) struct Terminal49;

const MANIFEST: Manifest = Manifest {
    id: "terminal49",
    label: "Terminal49",
    trust: Trust::Aggregator,
    schemes: &[Scheme::HmacHex],
    usual: &[Scheme::HmacHex],
    proof_header: Some("x-t49-webhook-signature"),
    max_body_bytes: 1024 * 1024,
    endpoint: Endpoint::USUAL,
};

impl Carrier for Terminal49 {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn delivery_key(&self, raw: &[u8]) -> DeliveryKey {
        let id = json::body(raw, json::Keys::Snake).and_then(|body| json::text(body.get("data")?, "id"));
        DeliveryKey(id)
    }

    fn decode(&self, raw: &[u8]) -> Result<Decoded, DecodeError> {
        json::decode(raw, json::Keys::Snake, decode::decode)
    }
}
