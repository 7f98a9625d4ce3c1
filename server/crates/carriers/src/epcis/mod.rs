//! GS1 EPCIS: events of versions 1.x and 2.0, as JSON, JSON-LD or XML. A delta provider; events are never changed, only
//! declared to be errors. Sources: GS1 EPCIS 2.0 (ratified 2022), EPCIS 1.2 (2016), Core Business Vocabulary 2.0.
//!
//! What is delivered: `receiving` is a word for every warehouse along the way, so it is qualified by what the event
//! itself says of its destination (`receiving/destination`, `receiving/elsewhere`, `receiving/unsaid`).
//!
//! What is taken back: an event with an `errorDeclaration` repeats the wrong event, and becomes a retraction of it, by its id
//! where that is one outside of the document, and by what it says. Both are names under the sender and the unit: nobody
//! takes back what another party says, or what is said of another pallet. It carries no event id of its own, so that it
//! cannot take back itself.
//!
//! What it hangs on: each SSCC and each freight container, wherever the event has it; without any, the consignment, the shipment or despatch
//! advice, the bill of lading, the purchase order. Single items (SGTIN) name no shipment.

mod decode;
mod event;
mod from_json;
mod from_xml;
mod gs1;
#[cfg(test)]
mod tests;

use super::{Carrier, DecodeError, Endpoint, Manifest, Scheme};
use domain::{fold::Trust, observation::Decoded};

/// The connector.
pub(super) struct Epcis;

const MANIFEST: Manifest = Manifest {
    id: "epcis",
    label: "GS1 EPCIS 2.0",
    trust: Trust::Carrier,
    schemes: &[Scheme::Bearer, Scheme::Basic, Scheme::HmacHexPrefixed, Scheme::SharedSecretHeader],
    usual: &[],
    proof_header: None,
    max_body_bytes: super::FILE_MAX_BYTES,
    endpoint: Endpoint::USUAL,
};

impl Carrier for Epcis {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn decode(&self, raw: &[u8]) -> Result<Decoded, DecodeError> {
        decode::decode(raw)
    }
}
