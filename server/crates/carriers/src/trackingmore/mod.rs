//! TrackingMore: webhooks and answers of version 2 to 4. A snapshot provider: the events of both carriers, newest first.
//! The status is coarse; the meaning of some sub status codes differs between the language versions of the vendor's own
//! page, and those stay unmapped above the floor of the status. The signature covers a time stamp and not the body.
//! Source: trackingmore.com/docs, webhook, trackings and logistics status. Its page *Webhook* (trackingmore.com/webhook.html)
//! takes nothing but 200 for success where the callback is set to "true"; support.trackingmore.com takes 200 to 299, and has 14 tries.

mod client;
mod decode;
#[cfg(test)]
mod tests;
mod wire;

use super::{Carrier, DecodeError, Endpoint, Manifest, Scheme};
use crate::{api::ApiManifest, formats::json};
use domain::{fold::Trust, observation::Decoded};

/// The connector.
pub(super) struct Trackingmore;

const MANIFEST: Manifest = Manifest {
    id: "trackingmore",
    label: "TrackingMore",
    trust: Trust::Aggregator,
    schemes: &[Scheme::Trackingmore],
    usual: &[Scheme::Trackingmore],
    proof_header: None,
    max_body_bytes: 1024 * 1024,
    endpoint: Endpoint::ONLY_OK,
};

impl Carrier for Trackingmore {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn api(&self) -> Option<&'static ApiManifest> {
        Some(&client::API)
    }

    fn decode(&self, raw: &[u8]) -> Result<Decoded, DecodeError> {
        json::decode(raw, json::Keys::Snake, decode::decode)
    }
}
