//! MFS-style XML status files.

mod decode;
#[cfg(test)]
mod tests;

use super::{Carrier, DecodeError, Manifest, Scheme};
use domain::{fold::Trust, observation::Decoded};

/// The connector.
pub(super) struct MfsXml;

const MANIFEST: Manifest = Manifest {
    id: "mfs_xml",
    label: "MFS XML",
    trust: Trust::Carrier,
    schemes: &[Scheme::Bearer, Scheme::Basic, Scheme::HmacHexPrefixed],
    max_body_bytes: super::FILE_MAX_BYTES,
};

impl Carrier for MfsXml {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn decode(&self, raw: &[u8]) -> Result<Decoded, DecodeError> {
        decode::decode(raw)
    }
}
