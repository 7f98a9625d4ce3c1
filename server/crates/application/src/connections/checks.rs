//! What has to be right before a connection is kept or used.

use super::{
    address, catalogue, inbound,
    live::{DESK, ODOO},
    opened::{self, Opened},
    system::System,
};
use crate::{
    config::Config,
    context::Context,
    error::{Result, UseCaseError},
};
use carriers::{Scheme, Settings};
use outbound::{
    schema::Fault,
    template::{Family, Template},
};
use secrecy::{ExposeSecret, SecretString};
use storage::Scope;

/// Characters of a label, an owner, a purpose or a link.
const TEXT_CHARS_MAX: usize = 500;
/// Kinds of data that a connection names.
const DATA_CLASSES_MAX: usize = 50;
/// Bytes of a secret.
const SECRET_BYTES_MAX: usize = 16 * 1024;

pub(super) fn invalid(field: &'static str, message: impl Into<String>) -> UseCaseError {
    UseCaseError::Invalid { field, message: message.into() }
}

pub(super) fn unknown_connector(connector: &str) -> UseCaseError {
    let known: Vec<_> = catalogue::catalogue().iter().map(|template| template.id).collect();
    invalid("connector", format!("there is no connector {connector:?}: use one of {}", known.join(", ")))
}

/// The first fault, by the field's name in the schema.
pub(super) fn of_faults(template: &Template, faults: Vec<Fault>) -> UseCaseError {
    let first = faults.into_iter().next().unwrap_or(Fault { field: String::new(), message: String::new() });
    match template.fields.iter().find(|field| field.name == first.field) {
        Some(field) => invalid(field.name, format!("{} {}", field.label, first.message)),
        None => invalid("fields", format!("{}: {}", first.field, first.message)),
    }
}

/// Whether a connection of this family may have this name.
pub(super) fn name(name: &str, family: Family) -> Result<()> {
    inbound::check_name_form(name).map_err(|error| invalid("name", error.to_string()))?;
    let of_family = match name {
        ODOO => Some(Family::Orders),
        DESK => Some(Family::Desk),
        // the pages have `/connections/new`
        "inside" | "keys" | "new" => None,
        _ => Some(family),
    };
    if of_family == Some(family) {
        return Ok(());
    }
    Err(invalid("name", format!("the name {name} is taken: choose another")))
}

/// Whether a connection was not removed.
pub(super) fn is_kept(known: &Opened) -> Result<()> {
    if known.is_removed() {
        let name = &known.record.name;
        return Err(invalid("name", format!("{name} was removed: make it again, with its secret")));
    }
    Ok(())
}

/// Whether this is a text that a person wrote about a connection.
pub(super) fn text(field: &'static str, text: &str) -> Result<()> {
    if text.chars().count() > TEXT_CHARS_MAX {
        return Err(invalid(field, format!("{} has at most {TEXT_CHARS_MAX} characters", field.replace('_', " "))));
    }
    Ok(())
}

/// Whether these are kinds of data that a person named.
pub(super) fn data_classes(classes: &[String]) -> Result<()> {
    if classes.len() > DATA_CLASSES_MAX {
        let message = format!("there are at most {DATA_CLASSES_MAX} data classes, and these are {}", classes.len());
        return Err(invalid("data_classes", message));
    }
    classes.iter().try_for_each(|class| text("data_classes", class))
}

/// Whether this is a link, or nothing.
pub(super) fn link(field: &'static str, link: &str) -> Result<()> {
    let link = link.trim();
    if link.is_empty() || link.starts_with("https://") || link.starts_with("http://") {
        return text(field, link);
    }
    Err(invalid(field, format!("{field} must be a link that begins with https://")))
}

/// A secret as it was typed; an empty one is none.
pub(super) fn secret(given: Option<&SecretString>) -> Result<Option<String>> {
    match given.map(|secret| secret.expose_secret().trim()).filter(|secret| !secret.is_empty()) {
        Some(secret) if secret.len() > SECRET_BYTES_MAX => {
            Err(invalid("secret", format!("a secret has at most {SECRET_BYTES_MAX} bytes")))
        }
        secret => Ok(secret.map(str::to_owned)),
    }
}

/// That a secret is missing, and where it is found.
pub(super) fn no_secret(template: Option<&Template>) -> UseCaseError {
    let message = match template {
        Some(template) => format!("{} is missing. {}", template.secret_label, template.secret_help),
        None => "the secret is missing".to_owned(),
    };
    invalid("secret", message)
}

/// Whether a source can be verified so.
pub(super) fn source(config: &Config, scheme: Scheme, secret: &str, settings: &Settings) -> Result<()> {
    if let Some(url) = &settings.keys_url {
        inbound::check_keys_url(config, scheme, url).map_err(|error| invalid("keys_url", format!("{error:#}")))?;
    }
    inbound::check(config, scheme, secret, settings).map_err(|error| invalid("secret", format!("{error:#}")))
}

/// Whether the address of a system may be called.
pub(super) fn address(config: &Config, url: &str) -> Result<()> {
    address::refused(config, url).map_or(Ok(()), |message| Err(invalid("url", message)))
}

/// Refuses a connection that would do the work of another one: everything would be there twice. Of two that are not in use the one
/// goes on that was used before.
pub(super) async fn does_own_work(
    context: &Context,
    scope: Scope,
    name: &str,
    family: Option<Family>,
    system: &System,
) -> Result<()> {
    let connections = &context.store.connections;
    for other in connections.all(scope).await? {
        let of_family = catalogue::family(&other.connector) == family && other.name != name;
        let theirs = System::of(family, &opened::settings_of(&other));
        if !of_family || !theirs.is_some_and(|theirs| theirs.does_same_work(system)) {
            continue;
        }
        let is_its_work = other.enabled || connections.is_used(scope, &other.name).await?;
        if is_its_work && (other.enabled || !connections.is_used(scope, name).await?) {
            let message = format!(
                "the connection {} leads to {system} already, and everything would be done twice: change or enable that one",
                other.name
            );
            return Err(invalid("url", message));
        }
    }
    Ok(())
}

/// The setting by which a connection would lead to another system than the one whose deliveries or cases are kept under its
/// name; none where it leads to the same one, or nothing is kept yet.
pub(super) async fn leads_elsewhere(
    context: &Context,
    scope: Scope,
    known: &Opened,
    system: &System,
) -> Result<Option<&'static str>> {
    let before = System::of(catalogue::family(&known.record.connector), &known.settings());
    let differs = before.map_or(Some("url"), |before| before.differs(system));
    match differs {
        Some(_) if !context.store.connections.is_used(scope, &known.record.name).await? => Ok(None),
        differs => Ok(differs),
    }
}

/// Why a connection may not lead to another system.
pub(super) fn leads_elsewhere_message(known: &Opened) -> String {
    let before = System::of(catalogue::family(&known.record.connector), &known.settings());
    let before = before.map_or_else(|| "another system".to_owned(), |before| before.to_string());
    format!(
        "{} leads to {before}, and what came from there is kept under its name: make a new connection for another system. If it \
         is the same system under a new address, say that it moved",
        known.record.name
    )
}
