//! The API keys of the sandbox, which version it is, and whom its user does not belong to.

use super::{Data, KEY_USER, Major, Rights, SandboxOdoo, datetime};
use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};
use serde_json::json;

/// The login of the user whose keys they are; JSON-RPC wants it.
pub const LOGIN: &str = "milepost-bot";
/// The model of keys.
const KEYS: &str = "res.users.apikeys";
/// How long a key of a user who is no administrator lives.
const KEY_LIFE: SignedDuration = SignedDuration::from_hours(90 * 24);

impl SandboxOdoo {
    /// Takes this key too, of a user who may not do this.
    pub fn add_key(&self, key: &str, lacks: impl IntoIterator<Item = (&'static str, &'static str)>) {
        let now = (self.inner.now)();
        self.inner.lock().take_key(key, lacks.into_iter().collect(), now);
    }

    /// Somebody removes this key: from the next call on it is refused.
    pub fn revoke_key(&self, key: &str) {
        let mut data = self.inner.lock();
        data.keys.remove(key);
        if let Some(rows) = data.tables.get_mut(KEYS) {
            rows.retain(|_, row| row.get("key").is_none_or(|kept| kept != key));
        }
    }

    /// This key ends then; without a time never.
    pub fn end_key(&self, key: &str, at: Option<Timestamp>) {
        let mut data = self.inner.lock();
        let rows = data.tables.get_mut(KEYS).into_iter().flatten();
        for (_, row) in rows.filter(|(_, row)| row.get("key").is_some_and(|kept| kept == key)) {
            row.insert("expiration_date".into(), at.map_or(json!(false), |at| json!(datetime(at))));
        }
    }

    /// The user of its first key lacks these rights from now on, and no others.
    pub fn deny(&self, rights: impl IntoIterator<Item = (&'static str, &'static str)>) {
        let (key, lacks) = (self.inner.key.clone(), rights.into_iter().collect());
        self.inner.lock().keys.insert(key, lacks);
    }

    /// It is this version from now on: before 19 it has JSON-RPC alone.
    pub fn become_version(&self, major: u32) {
        self.inner.lock().major = Major(major);
    }

    /// The key's user does not belong to this company: its deliveries are not found, and refused where they are named.
    pub fn hide_company(&self, company: &str) {
        let mut data = self.inner.lock();
        let known = data.tables.get("res.company").into_iter().flatten();
        let hidden: Vec<i64> =
            known.filter(|(_, row)| row.get("name").is_some_and(|name| name == company)).map(|(id, _)| *id).collect();
        data.hidden_companies.extend(hidden);
    }
}

impl Data {
    /// Takes a key. Its row does not count among the ids of other records.
    pub(super) fn take_key(&mut self, key: &str, lacks: Rights, now: Timestamp) {
        self.keys.insert(key.to_owned(), lacks);
        let ends = now.checked_add(KEY_LIFE).unwrap_or(now);
        let rows = self.tables.entry(KEYS.to_owned()).or_default();
        let id = rows.keys().next_back().map_or(1, |last| last + 1);
        let row = json!({
            "id": id, "name": "Milepost", "scope": false, "user_id": [KEY_USER, LOGIN], "create_date": datetime(now),
            "expiration_date": datetime(ends), "key": key,
        });
        rows.insert(id, row.as_object().cloned().unwrap_or_default());
    }

    /// What the user of this key lacks; none where it is not taken, or ended.
    pub(super) fn lacks_of(&self, key: &str, now: Timestamp) -> Option<Rights> {
        let rows = self.tables.get(KEYS)?;
        let row = rows.values().find(|row| row.get("key").is_some_and(|kept| kept == key))?;
        let ends = row.get("expiration_date").and_then(|ends| ends.as_str());
        let ends = ends.and_then(|ends| DateTime::strptime("%Y-%m-%d %H:%M:%S", ends).ok());
        let ends = ends.and_then(|ends| ends.to_zoned(TimeZone::UTC).ok()).map(|ends| ends.timestamp());
        if ends.is_some_and(|ends| ends <= now) {
            return None;
        }
        self.keys.get(key).cloned()
    }
}
