//! A carrier as a person chooses it, with the settings that every source of messages has.

use crate::{Manifest, Scheme, generic_json};
use outbound::{
    schema::{Field, FieldKind},
    template::{Family, Template},
};

/// The name of the field with the scheme, which is kept beside the settings.
pub const SCHEME: &str = "scheme";

/// A carrier as a person chooses it.
pub fn template(manifest: &'static Manifest) -> Template {
    let schemes = manifest.schemes.iter().copied().chain([Scheme::IpAllowList]);
    let mut options: Vec<(&str, &str)> = Vec::new();
    for scheme in schemes {
        if options.iter().all(|(name, _)| *name != scheme.name()) {
            options.push((scheme.name(), scheme.about()));
        }
    }
    let usual = manifest.schemes.first().map_or(Scheme::IpAllowList, |scheme| *scheme);
    let tests = vec![("shown", "Show them; they move no shipment"), ("taken", "Process them as if they had happened")];
    let mut fields = vec![
        Field::new(SCHEME, "Verification", FieldKind::Choice(options), "How each message proves who sent it.")
            .or(usual.name()),
        Field::new(
            "header",
            "Header",
            FieldKind::Text,
            "The header with the shared secret, where it is not the platform's usual one.",
        ),
        Field::new(
            "networks",
            "Networks",
            FieldKind::List,
            "The only networks (CIDR) from which messages are taken; empty for any.",
        ),
        Field::new("carrier", "Carrier", FieldKind::Text, "The carrier of messages that name none."),
        Field::new("zone", "Time zone", FieldKind::Zone, "The zone of local times that name none, like Europe/Berlin."),
        Field::new(
            "tests",
            "Test messages",
            FieldKind::Choice(tests),
            "What becomes of messages that are marked as tests.",
        )
        .or("shown"),
        Field::new(
            "keys_url",
            "Published keys",
            FieldKind::Url { pages: &[] },
            "Where the platform publishes its signing keys (JWKS).",
        ),
        Field::new(
            "weakness_known",
            "Accept weak verification",
            FieldKind::Flag,
            "The verification is weak, and you accept the risk.",
        ),
    ];
    if manifest.id == generic_json::ID {
        fields.push(Field::new(
            "fields",
            "Fields",
            FieldKind::Json,
            "Where each value is in the JSON; see the documentation of generic_json.",
        ));
    }
    Template {
        id: manifest.id,
        label: manifest.label,
        family: Family::Carrier,
        version: 1,
        fields,
        secret_label: "Secret",
        secret_help: "The secret that the platform signs its messages with: on the page of the platform where the webhook is set up.",
        reads: "Events",
        writes: "Nothing",
        signs_in: signs_in(usual),
    }
}

/// How a message proves who sent it, in short: which way exactly is a setting.
const fn signs_in(usual: Scheme) -> &'static str {
    match usual {
        Scheme::IpAllowList => "Webhook, from known networks",
        Scheme::SharedSecretHeader | Scheme::Bearer | Scheme::Basic | Scheme::QueryToken => "Webhook, with a secret",
        _ => "Webhook, signed",
    }
}
