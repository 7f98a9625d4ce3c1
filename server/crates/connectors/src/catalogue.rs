//! Every connector that a connection can be made with.

use crate::{
    carriers::{self, Manifest, Scheme},
    desks, odoo,
    schema::{Field, FieldKind},
};

pub use crate::template::{Direction, Family, Template};

/// The name of the field with a carrier's scheme, which is kept beside the settings.
pub const SCHEME: &str = "scheme";

/// Every connector: order systems, desks, then carriers.
pub fn catalogue() -> Vec<Template> {
    let carriers = carriers::ALL.iter().map(|carrier| of_carrier(carrier.manifest()));
    std::iter::once(odoo::template()).chain(desks::templates()).chain(carriers).collect()
}

/// The connector of this id.
pub fn template(id: &str) -> Option<Template> {
    catalogue().into_iter().find(|template| template.id == id)
}

/// What a connector is for; none where there is no such connector.
pub fn family(id: &str) -> Option<Family> {
    if id == odoo::ID {
        Some(Family::Orders)
    } else if desks::names().contains(&id) {
        Some(Family::Desk)
    } else {
        carriers::by_id(id).map(|_| Family::Carrier)
    }
}

fn of_carrier(manifest: &'static Manifest) -> Template {
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
    if manifest.id == carriers::generic_json::ID {
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
        signs_in: usual.about(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{carriers::Settings, schema};
    use serde_json::Value;
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn every_connector_is_there_once() {
        let ids: Vec<_> = catalogue().iter().map(|template| template.id).collect();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
        for template in catalogue() {
            assert_eq!(family(template.id), Some(template.family), "{}", template.id);
            let names: BTreeSet<_> = template.fields.iter().map(|field| field.name).collect();
            assert_eq!(names.len(), template.fields.len(), "{}", template.id);
        }
        assert!(template("nothing").is_none() && family("nothing").is_none());
    }

    #[test]
    fn defaults_are_settings_that_each_connector_reads() {
        for template in catalogue() {
            let given = |field: &Field| match field.kind {
                FieldKind::Url { .. } => "https://system.example.com",
                _ => "Something",
            };
            let required = template.fields.iter().filter(|field| field.required);
            let given: BTreeMap<_, _> = required.map(|f| (f.name.to_owned(), given(f).to_owned())).collect();
            let mut settings = schema::read(&template.fields, &given).unwrap();
            match template.family {
                Family::Orders => drop(serde_json::from_value::<odoo::Settings>(Value::Object(settings)).unwrap()),
                Family::Desk => drop(serde_json::from_value::<desks::Settings>(Value::Object(settings)).unwrap()),
                Family::Carrier => {
                    let scheme = settings.remove(SCHEME).unwrap();
                    assert!(Scheme::from_name(scheme.as_str().unwrap()).is_some(), "{}", template.id);
                    serde_json::from_value::<Settings>(Value::Object(settings)).unwrap();
                }
            }
        }
    }
}
