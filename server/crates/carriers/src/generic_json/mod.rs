//! Any JSON, whose fields an admin maps by JSON pointers (RFC 6901). What an admin reads is `docs/GENERIC_JSON.md`.
//! Codes stay the source's own, in a list named after it (`generic.<name>`): their meaning is in the mapping.

mod decode;
mod fields;
mod format;
/// A text, or a whole number written as one: codes may be either. A number with a fraction names nothing.
fn word(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => (number.is_i64() || number.is_u64()).then(|| number.to_string()),
        other => json::plain(other),
    }
}

#[cfg(test)]
mod tests;
mod when;

use super::{Carrier, DecodeError, DeliveryKey, Endpoint, Handshake, Manifest, Scheme};
use crate::formats::json;
use domain::{fold::Trust, observation::Decoded};
use serde_json::Value;

pub use fields::{BadField, ClassifierField, EventFields, FeedKind, Fields, SummaryFields, TimeField};

/// The connector's id.
pub const ID: &str = "generic_json";

/// The connector, with the fields of one source.
pub struct GenericJson {
    /// Where that source has what.
    pub fields: Fields,
}

impl GenericJson {
    /// Before an admin has mapped any field: reads nothing, and reports that.
    pub const UNMAPPED: Self = Self { fields: Fields::NONE };
}

const MANIFEST: Manifest = Manifest {
    id: ID,
    label: "Generic JSON",
    trust: Trust::Aggregator,
    schemes: &[
        Scheme::StandardWebhooks,
        Scheme::StandardWebhooksV1a,
        Scheme::HmacHexPrefixed,
        Scheme::HmacHex,
        Scheme::HmacBase64,
        Scheme::Bearer,
        Scheme::Basic,
        Scheme::SharedSecretHeader,
    ],
    usual: &[],
    proof_header: None,
    max_body_bytes: 1024 * 1024,
    // the sender is not known beforehand: every question that platforms are known to ask
    endpoint: Endpoint {
        handshakes: &[
            Handshake::Probe,
            Handshake::Echo("challenge"),
            Handshake::Echo("hub.challenge"),
            Handshake::Echo("validationToken"),
            Handshake::CloudEvents,
        ],
        ..Endpoint::USUAL
    },
};

impl Carrier for GenericJson {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn delivery_key(&self, raw: &[u8]) -> DeliveryKey {
        let id = || word(json::body(raw, json::Keys::AsWritten)?.pointer(self.fields.delivery_id.as_deref()?)?);
        DeliveryKey(id())
    }

    fn decode(&self, raw: &[u8]) -> Result<Decoded, DecodeError> {
        let mapped = self.fields.check();
        mapped.map_err(|bad| DecodeError::Incomplete { at: format!("fields.{}", bad.field), reason: bad.reason })?;
        json::decode(raw, json::Keys::AsWritten, |body| decode::decode(&self.fields, body))
    }
}
