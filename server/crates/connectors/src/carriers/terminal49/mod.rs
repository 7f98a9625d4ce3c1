//! Terminal49 webhook notifications (JSON:API).

mod decode;
#[cfg(test)]
mod tests;

use super::{Carrier, DecodeError, Manifest, Scheme};
use domain::{fold::Trust, observation::Decoded};

/// The connector.
pub(super) struct Terminal49;

const MANIFEST: Manifest = Manifest {
    id: "terminal49",
    label: "Terminal49",
    trust: Trust::Aggregator,
    schemes: &[Scheme::HmacHex],
    max_body_bytes: 1024 * 1024,
};

impl Carrier for Terminal49 {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn decode(&self, raw: &[u8]) -> Result<Decoded, DecodeError> {
        decode::decode(raw)
    }
}
