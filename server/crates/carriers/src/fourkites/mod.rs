//! FourKites: callbacks about a load and its stops. Each message adds. There is no signature: an API key in a header,
//! Basic, or the networks it comes from.
//!
//! Statuses are those of X12 214; times are wall clocks with the zone beside them. Callbacks that only acknowledge the
//! creation of a load are no tracking. Field names are those of the published callback models; spelling drifts between
//! `LoadNumber` and `loadNumber`, and `Contry` is written so.

mod decode;
#[cfg(test)]
mod tests;

use super::{Carrier, DecodeError, Endpoint, Manifest, Scheme};
use crate::formats::json;
use domain::{fold::Trust, observation::Decoded};

/// The connector.
pub(super) struct Fourkites;

const MANIFEST: Manifest = Manifest {
    id: "fourkites",
    label: "FourKites",
    trust: Trust::Aggregator,
    schemes: &[Scheme::SharedSecretHeader, Scheme::Basic, Scheme::Bearer],
    usual: &[],
    proof_header: None,
    max_body_bytes: 1024 * 1024,
    endpoint: Endpoint::USUAL,
};

impl Carrier for Fourkites {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn decode(&self, raw: &[u8]) -> Result<Decoded, DecodeError> {
        json::decode(raw, json::Keys::Snake, decode::decode)
    }
}
