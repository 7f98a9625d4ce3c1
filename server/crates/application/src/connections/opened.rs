//! A connection with its secrets in clear, and what becomes of them when a new one comes.

use super::{
    catalogue::{self, SCHEME},
    system::System,
};
use crate::{
    context::Context,
    error::{Result, UseCaseError},
    keys::sealed_audit,
    vault::{DataKey, VaultError},
};
use carriers::Settings;
use domain::ids::{SourceId, SubjectId};
use outbound::{schema, template::Family};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use storage::{AuditEntry, Scope, Sealed, WrappedKey, connections::ConnectionRecord};

/// The place of a connection's secrets in the vault.
pub const SECRETS: &str = "source.secrets";

/// What stands for the secret of a source whose networks are its only proof.
pub(super) const SECRETS_OF_NONE: &str = "";

/// A connection that is there.
pub(crate) struct Opened {
    /// As it is stored.
    pub(super) record: ConnectionRecord,
    /// Its secrets, newest first; none of one that was removed. Or why they cannot be opened.
    pub(super) secrets: std::result::Result<Vec<String>, &'static str>,
    key: Option<DataKey>,
}

impl Opened {
    /// The connection of a record and its key.
    pub(super) fn of(context: &Context, record: ConnectionRecord, kept: Option<WrappedKey>) -> Self {
        let Some(kept) = kept else {
            return Self { record, secrets: Err("its secret was destroyed: set a new one"), key: None };
        };
        let opened = context.vault.unwrap(&kept).and_then(|key| Ok((key.open(SECRETS, &record.secrets)?, key)));
        let read = opened.and_then(|(list, key)| {
            let list = serde_json::from_slice(&list).map_err(|_| VaultError::Undecipherable)?;
            Ok((list, key))
        });
        match read {
            Ok((list, key)) => Self { record, secrets: Ok(list), key: Some(key) },
            Err(_) => Self {
                record,
                secrets: Err("its secret cannot be opened with this master key: set a new one"),
                key: None,
            },
        }
    }

    /// The secrets, newest first; none where they cannot be opened.
    pub(super) fn secrets(&self) -> &[String] {
        self.secrets.as_deref().unwrap_or_default()
    }

    /// Whether it was removed: nothing of it is left but what came in.
    pub(super) fn is_removed(&self) -> bool {
        !self.record.enabled && self.secrets.as_ref().is_ok_and(Vec::is_empty)
    }

    /// The settings.
    pub(super) fn settings(&self) -> Value {
        settings_of(&self.record)
    }
}

/// The settings of a record; nothing where they cannot be read.
pub(super) fn settings_of(record: &ConnectionRecord) -> Value {
    serde_json::from_str(&record.settings).unwrap_or_default()
}

/// The settings of a connection as they are typed; none where this version has no such connector.
pub(super) fn fields_of(record: &ConnectionRecord) -> BTreeMap<String, String> {
    let Some(template) = catalogue::template(&record.connector) else { return BTreeMap::new() };
    let mut settings = settings_of(record).as_object().cloned().unwrap_or_default();
    if !record.scheme.is_empty() {
        settings.insert(SCHEME.to_owned(), record.scheme.clone().into());
    }
    schema::shown(&template.fields, &settings)
}

/// A record as the audit trail has it; every secret is left out.
pub(super) fn shown_in_audit(record: &ConnectionRecord) -> Value {
    let settings = settings_of(record);
    let takes: Value = serde_json::from_str(&record.takes).unwrap_or_default();
    json!({
        "name": record.name, "label": record.label, "connector": record.connector, "scheme": record.scheme,
        "settings": settings, "enabled": record.enabled, "sandbox": record.sandbox, "owner": record.owner,
        "purpose": record.purpose, "runbook": record.runbook, "data_classes": record.data_classes, "takes": takes,
    })
}

/// A change as the audit trail has it: as it was, where it was there, and as it is.
pub(super) async fn audit_of_change(
    context: &Context,
    scope: Scope,
    action: AuditEntry,
    before: Option<&ConnectionRecord>,
    after: &Value,
) -> Result<AuditEntry> {
    let audit = action.after(sealed_audit(context, scope, after).await?);
    Ok(match before {
        Some(before) => audit.before(sealed_audit(context, scope, &shown_in_audit(before)).await?),
        None => audit,
    })
}

/// The secrets of a connection that may be sent to this system: a secret belongs to the address for which it was given.
pub(super) fn of_same_address<'a>(known: &'a Opened, family: Option<Family>, system: &System) -> &'a [String] {
    match System::of(family, &known.settings()) {
        Some(before) if before.shares_secrets(system) => known.secrets(),
        _ => &[],
    }
}

/// The secrets of a source that count beside new ones: keys that were published at another address do not.
pub(super) fn of_same_publisher<'a>(known: &'a Opened, settings: &Settings) -> &'a [String] {
    match (known.settings()["keys_url"].as_str(), &settings.keys_url) {
        (Some(before), Some(now)) if before != now => &[],
        _ => known.secrets(),
    }
}

/// The connection of this name; none where there is none.
pub(super) async fn opened(context: &Context, scope: Scope, name: &str) -> Result<Option<Opened>> {
    let found = context.store.connections.by_name(name).await?;
    let found = found.filter(|(owner, ..)| owner.company == scope.company);
    Ok(found.map(|(_, record, key)| Opened::of(context, record, key)))
}

/// The connection of this name.
pub(super) async fn named(context: &Context, scope: Scope, name: &str) -> Result<Opened> {
    opened(context, scope, name).await?.ok_or(UseCaseError::NotFound("connection"))
}

/// Every connection, by name.
pub(super) async fn all(context: &Context, scope: Scope) -> storage::Result<Vec<Opened>> {
    let records = context.store.connections.all(scope).await?;
    let subjects = records.iter().map(|record| record.secrets.subject).collect();
    let mut keys = context.store.people.keys(scope, subjects).await?;
    let open = |record: ConnectionRecord| {
        let key = keys.remove(&record.secrets.subject).flatten();
        Opened::of(context, record, key)
    };
    Ok(records.into_iter().map(open).collect())
}

/// Secrets as they are kept, the same bytes where they are those that are kept; and the key that is to be kept with them, where
/// there is none yet or the one that there was is lost.
pub(super) fn sealed(
    context: &Context,
    id: SourceId,
    known: Option<&Opened>,
    secrets: &[String],
) -> (Sealed, Option<WrappedKey>) {
    let seal = |key: &DataKey| key.seal(SECRETS, &serde_json::to_vec(secrets).expect("plain data serialises"));
    match known {
        Some(known) if known.secrets.as_deref() == Ok(secrets) => (known.record.secrets.clone(), None),
        Some(Opened { key: Some(key), .. }) => (seal(key), None),
        other => {
            let subject = if other.is_some() { context.clock.id() } else { id.0 };
            let (key, wrapped) = context.vault.new_key(SubjectId(subject));
            (seal(&key), Some(wrapped))
        }
    }
}

/// The secrets from now on: a new one, and beside it the newest of those so far that is proven. An unproven one gives way.
pub(super) fn with_new(new: &str, before: &[String], newest_is_proven: bool) -> Vec<String> {
    let mut others: Vec<&String> = before.iter().filter(|one| *one != new).collect();
    if others.len() > 1 && !newest_is_proven {
        others.remove(0);
    }
    std::iter::once(new.to_owned()).chain(others.into_iter().take(1).cloned()).collect()
}

/// Whether the newest secret of a source is known to be what its platform signs with: a message came with it, or the platform
/// published it.
pub(super) fn is_proven(record: &ConnectionRecord) -> bool {
    record.secret_accepted_at.is_some() || settings_of(record)["keys_url"].is_string()
}

/// Why the older secret of a source stays.
pub(super) fn not_used_yet(name: &str) -> String {
    format!(
        "no message came with the newest secret of {name} yet, so the one before stays: enter the new one at the platform first. \
         If the old one is known to others, remove the source and put it again: then neither is left"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proven_secret_stays_beside_a_new_one() {
        let list = |secrets: &[&str]| secrets.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
        for (new, before, proven, after) in [
            ("a", &[][..], false, &["a"][..]),
            ("b", &["a"], false, &["b", "a"]),
            ("b", &["a"], true, &["b", "a"]),
            ("a", &["a"], true, &["a"]),
            ("c", &["typo", "a"], false, &["c", "a"]),
            ("c", &["b", "a"], true, &["c", "b"]),
            ("a", &["typo", "a"], false, &["a", "typo"]),
            ("b", &["b", "a"], false, &["b", "a"]),
        ] {
            assert_eq!(with_new(new, &list(before), proven), list(after), "{new} after {before:?}");
        }
    }
}
