//! What the command line says of the first order system and the first desk, and what it said before.

use super::{
    catalogue,
    live::{DESK, ODOO},
    opened::{Opened, settings_of},
    system::System,
};
use crate::{
    config::{CallLimits, Config},
    vault::Vault,
};
use outbound::Key;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, num::NonZeroU32};
use storage::connections::ConnectionRecord;

/// Values of one field that are remembered.
const SEEN_MAX: usize = 16;
/// The secret among the fields.
pub(super) const SECRET: &str = "secret";
/// The connector among them.
pub(super) const CONNECTOR: &str = "connector";

/// What the command line says of a connection.
pub(super) struct Given {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) connector: String,
    /// What it names of the settings. How hard the other system may be worked is said for one process, and others may not: where
    /// it is not said, nothing follows from that.
    pub(super) settings: Map<String, Value>,
    pub(super) key: Key,
}

/// Everything that it says.
pub(super) fn given(config: &Config) -> Vec<Given> {
    let of_odoo = config.odoo.as_ref().map(|set| {
        let settings = [
            ("url", set.url.clone().into()),
            ("database", set.database.clone().into()),
            ("import_seconds", set.import_seconds.into()),
            ("signatory", config.rules.signatory_in_odoo.into()),
        ];
        let mut settings = with_limits(&settings, &set.limits);
        settings.extend(set.login.clone().map(|login| ("login".to_owned(), login.into())));
        Given { name: ODOO, label: "Odoo", connector: odoo::ID.into(), settings, key: set.key.clone() }
    });
    let of_desk = config.desk.as_ref().map(|set| {
        let settings = [
            ("url", set.url.clone().into()),
            ("queue", set.queue.clone().into()),
            ("poll_seconds", set.poll_seconds.into()),
        ];
        let settings = with_limits(&settings, &set.limits);
        let (connector, key) = (set.connector.clone(), set.token.clone());
        Given { name: DESK, label: "Service desk", connector, settings, key }
    });
    of_odoo.into_iter().chain(of_desk).collect()
}

fn with_limits(settings: &[(&str, Value)], limits: &CallLimits) -> Map<String, Value> {
    let usual = CallLimits::default();
    let at_once = Some(limits.at_once).filter(|at_once| *at_once != usual.at_once);
    let limits = [
        ("concurrency", at_once.map(Value::from)),
        ("calls_per_second", limits.calls_per_second.map(NonZeroU32::get).map(Value::from)),
    ];
    let limits = limits.into_iter().filter_map(|(field, limit)| Some((field, limit?)));
    settings.iter().cloned().chain(limits).map(|(field, value)| (field.to_owned(), value)).collect()
}

impl Given {
    /// The system that it leads to.
    pub(super) fn system(&self) -> Option<System> {
        System::of(catalogue::family(&self.connector), &Value::Object(self.settings.clone()))
    }

    /// The secret.
    pub(super) fn secret(&self) -> String {
        self.key.get().expose_secret().to_owned()
    }

    /// Every field with the digest of its value: keyed, since one is a secret.
    pub(super) fn digests(&self, vault: &Vault) -> BTreeMap<String, String> {
        let settings = self.settings.iter().map(|(field, value)| (field.clone(), value.to_string()));
        let others = [(CONNECTOR.to_owned(), self.connector.clone()), (SECRET.to_owned(), self.secret())];
        settings.chain(others).map(|(field, value)| digest(vault, &field, &value)).collect()
    }
}

fn digest(vault: &Vault, field: &str, value: &str) -> (String, String) {
    let digest = vault.digest(format!("{field}\0{value}").as_bytes());
    (field.to_owned(), digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect())
}

/// What the command lines of all nodes said so far of a connection, by field. A value that was said before says nothing new: a
/// node that starts with it again undoes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Seen(BTreeMap<String, Vec<String>>);

impl Seen {
    /// Of a connection.
    pub(super) fn of(record: &ConnectionRecord) -> Self {
        record.seeded.as_deref().and_then(|seen| serde_json::from_str(seen).ok()).unwrap_or_default()
    }

    /// Whether this was said before.
    pub(super) fn has(&self, field: &str, digest: &str) -> bool {
        self.0.get(field).is_some_and(|seen| seen.iter().any(|one| one == digest))
    }

    /// The same with this.
    pub(super) fn with(mut self, digests: BTreeMap<String, String>) -> Self {
        for (field, digest) in digests {
            if !self.has(&field, &digest) {
                let seen = self.0.entry(field).or_default();
                seen.push(digest);
                seen.drain(..seen.len().saturating_sub(SEEN_MAX));
            }
        }
        self
    }

    /// As it is kept.
    pub(super) fn kept(&self) -> String {
        serde_json::to_string(self).expect("plain data serialises")
    }
}

/// The key of the command line, which is read again where it is in a file: of a connection that was made from it, and still leads
/// to the address for which it was given.
pub(super) fn key_file(config: &Config, record: &ConnectionRecord) -> Option<Key> {
    record.seeded.as_ref()?;
    let given = given(config).into_iter().find(|given| given.name == record.name)?;
    let system = System::of(catalogue::family(&record.connector), &settings_of(record))?;
    given.system().filter(|named| named.shares_secrets(&system)).map(|_| given.key)
}

/// The secret that is to be valid: what the key file holds by now, where that was never taken up, else the newest.
pub(super) fn newest_secret(config: &Config, vault: &Vault, opened: &Opened) -> Option<String> {
    let record = &opened.record;
    let of_file = key_file(config, record).map(|key| key.latest().expose_secret().to_owned());
    let is_new = |secret: &String| {
        let (field, digest) = digest(vault, SECRET, secret);
        !secret.is_empty() && !Seen::of(record).has(&field, &digest)
    };
    of_file.filter(is_new).or_else(|| opened.secrets().first().cloned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(field: &str, digest: &str) -> BTreeMap<String, String> {
        BTreeMap::from([(field.to_owned(), digest.to_owned())])
    }

    #[test]
    fn what_was_said_before_is_known_and_the_list_has_an_end() {
        let seen = Seen::default().with(said("url", "a")).with(said("url", "b")).with(said("url", "a"));
        assert!(seen.has("url", "a") && seen.has("url", "b") && !seen.has("url", "c") && !seen.has("database", "a"));
        let many = (0..100).fold(seen, |seen, n| seen.with(said("url", &n.to_string())));
        assert!(many.has("url", "99") && !many.has("url", "a"));
        assert!(many.kept().len() < 200, "{}", many.kept());
    }

    #[test]
    fn usual_limits_say_nothing() {
        let usual = with_limits(&[("url", "x".into())], &CallLimits::default());
        assert_eq!(usual.keys().collect::<Vec<_>>(), ["url"]);
        let limits = CallLimits { at_once: 3, calls_per_second: NonZeroU32::new(9) };
        let limited = with_limits(&[], &limits);
        assert_eq!((limited["concurrency"].clone(), limited["calls_per_second"].clone()), (3.into(), 9.into()));
    }
}
