//! project44 visibility webhooks and API answers. Two shapes: tracked shipments with `events`, `state` and `exceptions`;
//! and the older status of a truckload or LTL shipment with `latestStatusUpdate`, `statusUpdates` and
//! `latestStopStatuses`. Each message adds: what it repeats is the same statement. Where a stop stands among the stops
//! decides what an arrival there means.
//! Source: developers.project44.com, API reference v4 (TrackedShipmentEvent, TrackedShipmentDateTime,
//! TruckloadShipmentStatus, LtlShipmentStatusReason, ShipmentException); no capture of a webhook is public.

mod decode;
mod stops;
#[cfg(test)]
mod tests;

use super::{Carrier, DecodeError, Endpoint, Manifest, Scheme};
use crate::formats::json;
use domain::{fold::Trust, observation::Decoded};

/// The connector.
pub(super) struct Project44;

const MANIFEST: Manifest = Manifest {
    id: "project44",
    label: "project44",
    trust: Trust::Aggregator,
    schemes: &[Scheme::Basic, Scheme::Bearer, Scheme::SharedSecretHeader],
    usual: &[],
    proof_header: None,
    max_body_bytes: 1024 * 1024,
    endpoint: Endpoint::USUAL,
};

impl Carrier for Project44 {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn decode(&self, raw: &[u8]) -> Result<Decoded, DecodeError> {
        json::decode(raw, json::Keys::Snake, decode::decode)
    }
}
