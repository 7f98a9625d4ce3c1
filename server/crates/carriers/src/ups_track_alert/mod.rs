//! UPS Track Alert: one alert for each activity, which adds to what was said before. There is no signature; the
//! subscription carries a credential of one's own in a header.
//!
//! The type (`M`, `MV`, `X`, `I`, `U`, `D`) is coarse and published, the two-letter code is not published as a list: the
//! few whose meaning is plain are mapped, the others stay as they are above what their type vouches for.
//! Source: UPS-API/api-documentation, UPSTrackAlert.yaml (MIT).

mod decode;
#[cfg(test)]
mod tests;

use super::{Carrier, DecodeError, Endpoint, Manifest, Scheme};
use crate::formats::json;
use domain::{fold::Trust, observation::Decoded};

/// The connector.
pub(super) struct UpsTrackAlert;

const MANIFEST: Manifest = Manifest {
    id: "ups_track_alert",
    label: "UPS Track Alert",
    trust: Trust::Carrier,
    schemes: &[Scheme::SharedSecretHeader, Scheme::Bearer, Scheme::Basic],
    usual: &[],
    proof_header: None,
    max_body_bytes: 1024 * 1024,
    endpoint: Endpoint::USUAL,
};

impl Carrier for UpsTrackAlert {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn decode(&self, raw: &[u8]) -> Result<Decoded, DecodeError> {
        json::decode(raw, json::Keys::Snake, decode::decode)
    }
}
