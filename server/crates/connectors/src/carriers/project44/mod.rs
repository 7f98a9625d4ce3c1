//! project44: visibility webhooks around a shipment with its stops and events, and the older status updates of truckload
//! and LTL. Each message adds. There is no signature; a tenant sets up Basic, a token or a header of its own.
//!
//! Where a load has several stops the code is qualified with the stop's place in the plan: arriving at the last stop is
//! something else than arriving at the first. An event has an actual time, and planned and estimated ones beside it.
//! Sources: developers.project44.com, Shipment Visibility webhooks; reason and status codes from the same pages.

mod decode;
#[cfg(test)]
mod tests;

use super::{Carrier, DecodeError, Manifest, Scheme, json};
use domain::{fold::Trust, observation::Decoded};

/// The connector.
pub(super) struct Project44;

const MANIFEST: Manifest = Manifest {
    id: "project44",
    label: "project44",
    trust: Trust::Aggregator,
    schemes: &[Scheme::Basic, Scheme::Bearer, Scheme::SharedSecretHeader],
    max_body_bytes: 1024 * 1024,
};

impl Carrier for Project44 {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn decode(&self, raw: &[u8]) -> Result<Decoded, DecodeError> {
        decode::decode(&json::parse_snake(raw)?)
    }
}
