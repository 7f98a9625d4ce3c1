//! AfterShip Tracking: webhooks `tracking_update` and API answers. A snapshot provider: the whole list each time.
//! Source: aftership.com/docs/tracking, webhook and enum pages.

mod client;
mod decode;
#[cfg(test)]
mod tests;
mod wire;

use super::{Carrier, DecodeError, DeliveryKey, Endpoint, Manifest, Scheme};
use crate::{api::ApiManifest, formats::json};
use domain::{fold::Trust, observation::Decoded};

/// The connector.
pub(super) struct Aftership;

const MANIFEST: Manifest = Manifest {
    id: "aftership",
    label: "AfterShip",
    trust: Trust::Aggregator,
    schemes: &[Scheme::HmacBase64],
    usual: &[Scheme::HmacBase64],
    proof_header: Some("aftership-hmac-sha256"),
    max_body_bytes: 1024 * 1024,
    endpoint: Endpoint::USUAL,
};

impl Carrier for Aftership {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn api(&self) -> Option<&'static ApiManifest> {
        Some(&client::API)
    }

    fn delivery_key(&self, raw: &[u8]) -> DeliveryKey {
        DeliveryKey(json::text_of(raw, "event_id"))
    }

    fn decode(&self, raw: &[u8]) -> Result<Decoded, DecodeError> {
        json::decode(raw, json::Keys::AsWritten, decode::decode)
    }
}
