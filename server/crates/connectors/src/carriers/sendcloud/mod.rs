//! Sendcloud: v2 and v3 webhooks, event subscriptions and tracking answers.

mod decode;
#[cfg(test)]
mod tests;

use super::{Carrier, DecodeError, Manifest, Scheme};
use domain::{fold::Trust, observation::Decoded};

/// The connector.
pub(super) struct Sendcloud;

const MANIFEST: Manifest = Manifest {
    id: "sendcloud",
    label: "Sendcloud",
    trust: Trust::Aggregator,
    schemes: &[Scheme::HmacHex, Scheme::Bearer, Scheme::Basic],
    max_body_bytes: 1024 * 1024,
};

impl Carrier for Sendcloud {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn decode(&self, raw: &[u8]) -> Result<Decoded, DecodeError> {
        decode::decode(raw)
    }
}
