//! TrackingMore v2 to v4: webhooks and answers.

mod decode;
#[cfg(test)]
mod tests;

use super::{Carrier, DecodeError, Manifest, Scheme};
use domain::{fold::Trust, observation::Decoded};

/// The connector.
pub(super) struct Trackingmore;

const MANIFEST: Manifest = Manifest {
    id: "trackingmore",
    label: "TrackingMore",
    trust: Trust::Aggregator,
    schemes: &[Scheme::Trackingmore],
    max_body_bytes: 1024 * 1024,
};

impl Carrier for Trackingmore {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn decode(&self, raw: &[u8]) -> Result<Decoded, DecodeError> {
        decode::decode(raw)
    }
}
