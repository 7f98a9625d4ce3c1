//! 17TRACK: webhooks `TRACKING_UPDATED` and `TRACKING_STOPPED` of version 2 and 2.2, answers of `gettrackinfo`, and the
//! track object of version 1. A snapshot provider: every event of every carrier on the way, newest first.
//!
//! Many events have words and no stage; the list of stages reached (`milestone`) names the moments, and the latest
//! status is that of the newest event. The carrier is a number of 17TRACK's own list.
//! Source: api.17track.net/en/doc, versions 1, 2 and 2.2.
//! Which answers count as success it does not publish: 200 is a cautious choice, since no sender takes it for a failure.

mod client;
mod decode;
#[cfg(test)]
mod tests;
mod wire;

use super::{Carrier, DecodeError, Endpoint, Manifest, Scheme};
use crate::{api::ApiManifest, formats::json};
use domain::{fold::Trust, observation::Decoded};

/// The connector.
pub(super) struct SeventeenTrack;

const MANIFEST: Manifest = Manifest {
    id: "17track",
    label: "17TRACK",
    trust: Trust::Aggregator,
    schemes: &[Scheme::SeventeenTrack],
    usual: &[Scheme::SeventeenTrack],
    proof_header: None,
    max_body_bytes: 1024 * 1024,
    endpoint: Endpoint::ONLY_OK,
};

impl Carrier for SeventeenTrack {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn api(&self) -> Option<&'static ApiManifest> {
        Some(&client::API)
    }

    fn decode(&self, raw: &[u8]) -> Result<Decoded, DecodeError> {
        json::decode(raw, json::Keys::AsWritten, decode::decode)
    }
}
