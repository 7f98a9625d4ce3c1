//! UPS Track Alert.

mod decode;
#[cfg(test)]
mod tests;

use super::{Carrier, DecodeError, Manifest, Scheme};
use domain::{fold::Trust, observation::Decoded};

/// The connector.
pub(super) struct UpsTrackAlert;

const MANIFEST: Manifest = Manifest {
    id: "ups_track_alert",
    label: "UPS Track Alert",
    trust: Trust::Carrier,
    schemes: &[Scheme::SharedSecretHeader, Scheme::Bearer, Scheme::Basic],
    max_body_bytes: 1024 * 1024,
};

impl Carrier for UpsTrackAlert {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn decode(&self, raw: &[u8]) -> Result<Decoded, DecodeError> {
        decode::decode(raw)
    }
}
