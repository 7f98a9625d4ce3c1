//! Every connector that a connection can be made with.

use outbound::template::{Family, Template};

use carriers::api_template;

pub use carriers::template::SCHEME;

/// Every connector: order systems, desks, APIs of platforms, channels, then carriers.
pub fn catalogue() -> Vec<Template> {
    let carriers = carriers::ALL.iter().map(|carrier| carriers::template::template(carrier.manifest()));
    let systems = std::iter::once(odoo::template()).chain(desks::templates());
    systems.chain(api_template::templates()).chain(channels::templates()).chain(carriers).collect()
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
    } else if api_template::manifest(id).is_some() {
        Some(Family::Shipping)
    } else if channels::names().contains(&id) {
        Some(Family::Channel)
    } else {
        carriers::by_id(id).map(|_| Family::Carrier)
    }
}

/// Whether a connection of this connector has to be given a secret.
pub fn needs_secret(template: &Template) -> bool {
    template.family != Family::Carrier && !channels::works_without_secret(template.id)
}

/// What people call a connector; its id where there is no such connector.
pub fn label(id: &str) -> &str {
    match carriers::by_id(id) {
        Some(carrier) => carrier.manifest().label,
        None => template(id).map_or(id, |template| template.label),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use carriers::{Scheme, Settings};
    use outbound::schema::{self, Field, FieldKind};
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
                Family::Shipping => {
                    drop(serde_json::from_value::<carriers::api::ApiSettings>(Value::Object(settings)).unwrap());
                }
                Family::Channel => {
                    drop(serde_json::from_value::<channels::Settings>(Value::Object(settings)).unwrap());
                }
                Family::Carrier => {
                    let scheme = settings.remove(SCHEME).unwrap();
                    assert!(Scheme::from_name(scheme.as_str().unwrap()).is_some(), "{}", template.id);
                    serde_json::from_value::<Settings>(Value::Object(settings)).unwrap();
                }
            }
        }
    }
}
