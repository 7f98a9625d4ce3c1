//! ShipEngine (today ShipStation API): webhooks `API_TRACK` and `TRACK_EVENT_V2`, and tracking answers of the API. A
//! snapshot provider: each message has the whole list, newest first.
//!
//! The status is coarse (`status_code`, 8) and fine (`status_detail_code`, 75); of some carriers only the coarse one
//! comes, and events of the older shape (`event_date`) have neither. Two times stand beside each other: `occurred_at`
//! is meant as UTC, `carrier_occurred_at` is the carrier's wall clock, with or without a `Z` that means nothing.
//! ShipEngine converts the second into the first and has to guess where it does not know the place, so the instant is
//! taken only where the place confirms it; see `when.rs`. ShipEngine gives a list no time of its own.
//!
//! Sources: docs.shipstation.com, Tracking and Webhook Payload Schemas; ShipEngine/shipengine-openapi (MIT).

mod client;
mod decode;
#[cfg(test)]
mod tests;
mod when;
mod wire;

use super::{Carrier, DecodeError, Endpoint, Manifest, Scheme};
use crate::{api::ApiManifest, formats::json};
use domain::{fold::Trust, observation::Decoded};

/// The connector.
pub(super) struct Shipengine;

const MANIFEST: Manifest = Manifest {
    id: "shipengine",
    label: "ShipEngine / ShipStation",
    trust: Trust::Aggregator,
    schemes: &[Scheme::ShipengineRsa],
    usual: &[Scheme::ShipengineRsa],
    proof_header: None,
    max_body_bytes: 1024 * 1024,
    endpoint: Endpoint::USUAL,
};

impl Carrier for Shipengine {
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
