//! Terminal49: webhook notifications in JSON:API form. Each adds: one event of a container, a shipment or a tracking
//! request, with the records around it in `included`. Times are instants; the zone of the place stands beside them.
//! Notifications about terminal data (last free day, appointments) change no status: they are kept as information.
//! Source: docs of the Terminal49 API, webhook events and examples.

mod decode;
#[cfg(test)]
mod tests;

use super::{Carrier, DecodeError, DeliveryKey, Manifest, Scheme, json};
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

    fn delivery_key(&self, raw: &[u8]) -> DeliveryKey {
        DeliveryKey(json::parse(raw).ok().and_then(|body| json::text(body.get("data")?, "id")))
    }

    fn decode(&self, raw: &[u8]) -> Result<Decoded, DecodeError> {
        decode::decode(&json::parse(raw)?)
    }
}
