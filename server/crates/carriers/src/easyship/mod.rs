//! Easyship: webhooks `shipment.tracking.*` and `shipment.cancelled`, trackings and shipments of the API.
//!
//! A checkpoint or a whole shipment has one status in words (`In Transit to Customer`); the API writes some of them as
//! `in_transit`, so that words are compared without case and punctuation. A message with checkpoints is a snapshot; one
//! with a status alone has no time at all, and adds. Checkpoints come as a list, or (1.0) as an object, empty or by
//! number. Their times are UTC by the documentation of 2024-09, whose messages have them under `data`; by that of 1.0
//! they are mostly the courier's local time, so there a `Z` means nothing. A shipment may have several trackings, one
//! for each leg: the delivery of a leg before the last is a handover. The meaning of `Liquidated` is not published.
//!
//! Sources: developers.easyship.com 1.0 (Track, webhooks), 2023-01 (shipment.tracking.status.changed) and 2024-09
//! (shipment.tracking.checkpoints.created); support.easyship.com, Understanding Shipment Tracking Statuses. The webhooks
//! guide of 1.0 takes nothing but 200 for success (that of 2024-09 any 2xx).

mod decode;
#[cfg(test)]
mod tests;

use super::{Carrier, DecodeError, Endpoint, Manifest, Scheme};
use crate::formats::json;
use domain::{fold::Trust, observation::Decoded};

/// The connector.
pub(super) struct Easyship;

const MANIFEST: Manifest = Manifest {
    id: "easyship",
    label: "Easyship",
    trust: Trust::Aggregator,
    schemes: &[Scheme::SharedSecretHeader, Scheme::Bearer, Scheme::Basic],
    usual: &[],
    proof_header: None,
    max_body_bytes: 1024 * 1024,
    endpoint: Endpoint::ONLY_OK,
};

impl Carrier for Easyship {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn decode(&self, raw: &[u8]) -> Result<Decoded, DecodeError> {
        json::decode(raw, json::Keys::Snake, decode::decode)
    }
}
