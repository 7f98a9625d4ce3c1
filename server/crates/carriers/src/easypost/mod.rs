//! EasyPost trackers: webhook events and API answers. A snapshot provider.
//! Source: docs.easypost.com, Trackers and Events; status codes from EasyPost/easypost-node (MIT).

mod client;
mod decode;
#[cfg(test)]
mod tests;
mod wire;

use super::{Carrier, DecodeError, DeliveryKey, Endpoint, Manifest, Scheme};
use crate::{api::ApiManifest, formats::json};
use domain::{fold::Trust, observation::Decoded};

/// The connector.
pub(super) struct Easypost;

const MANIFEST: Manifest = Manifest {
    id: "easypost",
    label: "EasyPost",
    trust: Trust::Aggregator,
    schemes: &[Scheme::EasypostV1, Scheme::EasypostV2],
    usual: &[Scheme::EasypostV2, Scheme::EasypostV1],
    proof_header: None,
    max_body_bytes: 1024 * 1024,
    endpoint: Endpoint::USUAL,
};

impl Carrier for Easypost {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn api(&self) -> Option<&'static ApiManifest> {
        Some(&client::API)
    }

    fn delivery_key(&self, raw: &[u8]) -> DeliveryKey {
        DeliveryKey(json::text_of(raw, "id").filter(|id| id.starts_with("evt_")))
    }

    fn decode(&self, raw: &[u8]) -> Result<Decoded, DecodeError> {
        json::decode(raw, json::Keys::AsWritten, decode::decode)
    }
}
