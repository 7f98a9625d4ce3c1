//! How platforms sign: of our connectors by their manifests, of others, which only `milepost verify` knows, by one small table.

use super::{Material, Scheme};
use crate::{Endpoint, Manifest, RawRequest, by_id};

/// How a platform proves its messages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Platform {
    usual: &'static [Scheme],
    proof_header: Option<&'static str>,
    pub(super) tolerance_minutes: i64,
}

/// Platforms that are no connector: names, usual schemes, header of the proof.
const OTHERS: &[(&[&str], &[Scheme], Option<&str>)] = &[
    (&["github", "github_style"], &[Scheme::HmacHexPrefixed], None),
    (&["standard_webhooks", "svix"], &[Scheme::StandardWebhooksV1a, Scheme::StandardWebhooks], None),
    (&["zammad"], &[Scheme::HmacHexPrefixed], Some("x-hub-signature")),
    (&["zendesk"], &[Scheme::Zendesk], None),
];

impl Platform {
    /// As a connector's manifest says.
    pub(super) const fn of(manifest: &Manifest) -> Self {
        Self {
            usual: manifest.usual,
            proof_header: manifest.proof_header,
            tolerance_minutes: manifest.endpoint.tolerance_minutes,
        }
    }

    /// The platform of this name. Of an unknown one nothing is usual: its scheme has to be named.
    pub(super) fn named(name: &str) -> Self {
        if let Some(carrier) = by_id(name) {
            return Self::of(carrier.manifest());
        }
        let other = OTHERS.iter().find(|(names, ..)| names.contains(&name));
        let (usual, proof_header) = other.map_or((&[] as &[Scheme], None), |(_, usual, header)| (*usual, *header));
        Self { usual, proof_header, tolerance_minutes: Endpoint::USUAL.tolerance_minutes }
    }

    /// The scheme that a message was signed by, where none is named: the first that fits.
    pub(super) fn usual(self, request: &RawRequest<'_>, material: &Material) -> Option<Scheme> {
        let fits = |scheme: &Scheme| match scheme {
            Scheme::EasypostV2 => request.headers.contains_key("x-hmac-signature-v2"),
            Scheme::StandardWebhooksV1a => matches!(material, Material::PublicKey(_)),
            _ => true,
        };
        self.usual.iter().copied().find(fits)
    }

    /// The header that carries the proof, where the scheme leaves its name to the platform.
    pub(super) fn proof_header(self, scheme: Scheme) -> &'static str {
        self.proof_header.unwrap_or(match scheme {
            Scheme::HmacHexPrefixed => "x-hub-signature-256",
            Scheme::SharedSecretHeader => "x-webhook-secret",
            _ => "x-signature",
        })
    }
}
