//! Karrio: webhooks `tracker_updated` and `tracker_created`, the tracker object, lists of trackers, and the bare
//! tracking details of its carrier modules. A snapshot provider.
//!
//! An event has the carrier's own code and Karrio's reading of it: a status (12) and, for trouble, a reason (35). Events
//! that Karrio could not read have the carrier's code alone, which stays a code. The `Z` of its timestamps means nothing:
//! Karrio formats the carrier's local time and drops the offset, so they are wall clocks; a numeric offset is one. Times
//! of day come in twelve or in twenty-four hours, the latter with a marker too (`16:11 PM`).
//!
//! Sources: docs.karrio.io, Webhooks and Trackers; the vocabulary of karrioapi/karrio (names only).

mod client;
mod decode;
#[cfg(test)]
mod tests;
mod wire;

use super::{Carrier, DecodeError, DeliveryKey, Endpoint, Manifest, Scheme};
use crate::{api::ApiManifest, formats::json};
use domain::{fold::Trust, observation::Decoded};

/// The connector.
pub(super) struct Karrio;

const MANIFEST: Manifest = Manifest {
    id: "karrio",
    label: "Karrio",
    trust: Trust::Aggregator,
    schemes: &[Scheme::SharedSecretHeader],
    usual: &[Scheme::SharedSecretHeader],
    proof_header: Some("x-event-id"),
    max_body_bytes: 1024 * 1024,
    endpoint: Endpoint::USUAL,
};

impl Carrier for Karrio {
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
        json::decode(raw, json::Keys::Snake, decode::decode)
    }
}
