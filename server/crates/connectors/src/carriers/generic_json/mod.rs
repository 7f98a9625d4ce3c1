//! Any JSON, whose fields an admin maps by JSON pointers.

mod decode;
#[cfg(test)]
mod tests;

use super::{Carrier, DecodeError, Manifest, Scheme};
use domain::{fold::Trust, observation::Decoded};
use serde::{Deserialize, Serialize};

/// The connector's id.
pub const ID: &str = "generic_json";

/// The connector, with the fields of one source.
pub struct GenericJson {
    /// Where that source has what.
    pub fields: Fields,
}

/// Where a message has what: JSON pointers (RFC 6901).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fields {}

impl GenericJson {
    /// Before an admin has mapped any field: reads nothing.
    pub const UNMAPPED: Self = Self { fields: Fields {} };
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
    max_body_bytes: 1024 * 1024,
};

impl Carrier for GenericJson {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn decode(&self, raw: &[u8]) -> Result<Decoded, DecodeError> {
        decode::decode(raw)
    }
}
