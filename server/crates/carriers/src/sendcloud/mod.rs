//! Sendcloud: webhooks of version 2 and 3 (`parcel_status_changed`), event subscriptions (`parcels.event.created`), and
//! tracking answers. A tracking answer is a list; webhooks and events add. The numbers of the v2 statuses are nowhere
//! complete, but each comes with its name, and the names are published: the name decides where the number is not known.
//! Source: sendcloud.dev, tracking statuses, webhooks v2 and v3, event subscriptions.

mod decode;
#[cfg(test)]
mod tests;

use super::{Carrier, DecodeError, Endpoint, Manifest, Scheme};
use crate::formats::json;
use domain::{fold::Trust, observation::Decoded};

/// The connector.
pub(super) struct Sendcloud;

const MANIFEST: Manifest = Manifest {
    id: "sendcloud",
    label: "Sendcloud",
    trust: Trust::Aggregator,
    schemes: &[Scheme::HmacHex, Scheme::Bearer, Scheme::Basic],
    usual: &[Scheme::HmacHex],
    proof_header: Some("sendcloud-signature"),
    max_body_bytes: 1024 * 1024,
    endpoint: Endpoint::USUAL,
};

impl Carrier for Sendcloud {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn decode(&self, raw: &[u8]) -> Result<Decoded, DecodeError> {
        json::decode(raw, json::Keys::AsWritten, decode::decode)
    }
}
