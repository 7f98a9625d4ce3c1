//! 17TRACK v1, v2 and v2.2: webhooks and `gettrackinfo` answers.

mod decode;
#[cfg(test)]
mod tests;

use super::{Carrier, DecodeError, Manifest, Scheme};
use domain::{fold::Trust, observation::Decoded};

/// The connector.
pub(super) struct SeventeenTrack;

const MANIFEST: Manifest = Manifest {
    id: "17track",
    label: "17TRACK",
    trust: Trust::Aggregator,
    schemes: &[Scheme::SeventeenTrack],
    max_body_bytes: 1024 * 1024,
};

impl Carrier for SeventeenTrack {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn decode(&self, raw: &[u8]) -> Result<Decoded, DecodeError> {
        decode::decode(raw)
    }
}
