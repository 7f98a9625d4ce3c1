//! Manna Freight Systems (MFS) status transmissions: XML, one shipment with everything that is known of it, pushed or
//! asked for, "slim" or "full". A snapshot provider. Source: github.com/MFSTech/EDIAPI, `GetStatuses` and `Codes`.
//!
//! Which times are used: a status has the wall clock of its place and no offset. `TransmissionDate` has one and
//! stamps the list; `TransmissionDateUTC` is written with a clock of twelve hours and so is half a day wrong in the
//! afternoon: it is used only where the other is missing.
//!
//! What is not read: activities repeat the statuses with the time of their entry, beside invoicing and pricing; calls
//! and charges do not concern the goods.

mod decode;
#[cfg(test)]
mod tests;

use super::{Carrier, DecodeError, DeliveryKey, Endpoint, Manifest, Scheme};
use crate::formats::xml;
use domain::{fold::Trust, observation::Decoded};

/// The connector.
pub(super) struct MfsXml;

const MANIFEST: Manifest = Manifest {
    id: "mfs_xml",
    label: "MFS XML",
    trust: Trust::Carrier,
    schemes: &[Scheme::Bearer, Scheme::Basic, Scheme::HmacHexPrefixed],
    usual: &[],
    proof_header: None,
    max_body_bytes: super::FILE_MAX_BYTES,
    endpoint: Endpoint::USUAL,
};

impl Carrier for MfsXml {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn delivery_key(&self, raw: &[u8]) -> DeliveryKey {
        let id = |text: String| {
            let document = xml::parse(&text).ok()?;
            xml::child_text(document.root_element(), "TransmissionID").map(str::to_owned)
        };
        DeliveryKey(xml::read(raw, &mut Vec::new()).ok().and_then(id))
    }

    fn decode(&self, raw: &[u8]) -> Result<Decoded, DecodeError> {
        decode::decode(raw)
    }
}
