//! Shippo: webhook `track_updated` and the track object of the API. A snapshot provider: the whole history each time.
//!
//! A coarse status (6) and a substatus (27) make an event together; where they contradict each other the status decides.
//! `status_date` is documented as UTC and taken as that. Shippo names its history's events (`object_id`); the copy of the
//! newest one under `tracking_status` has another id, so that one is compared by what it says.
//!
//! Sources: docs.goshippo.com, Tracking, Webhooks and Tracking statuses; models of goshippo/shippo-python-sdk (MIT);
//! recorded answers of goshippo/shippo-python-client (MIT).

mod client;
mod decode;
#[cfg(test)]
mod tests;
mod wire;

use super::{Carrier, DecodeError, Endpoint, Manifest, Scheme};
use crate::{api::ApiManifest, formats::json};
use domain::{fold::Trust, observation::Decoded};

/// The connector.
pub(super) struct Shippo;

const MANIFEST: Manifest = Manifest {
    id: "shippo",
    label: "Shippo",
    trust: Trust::Aggregator,
    schemes: &[Scheme::Shippo, Scheme::QueryToken],
    usual: &[Scheme::Shippo],
    proof_header: None,
    max_body_bytes: 1024 * 1024,
    endpoint: Endpoint::USUAL,
};

impl Carrier for Shippo {
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
