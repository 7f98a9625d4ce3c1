//! When the API key ends. Keys of users who are no administrators live at most 90 days (`api_key_duration` of their groups), and
//! nothing goes out after that.
//!
//! A user may read the keys of their own: name, scope and end, but nothing of their values, and not which one a call came with. Where
//! there are several that it may be, the earliest end of them counts.

use super::{OdooClient, rows::Row};
use jiff::Timestamp;
use outbound::{CallError, CallLog, ErrorClass};
use serde_json::{Value, json};

/// The first version whose keys end.
const KEYS_END: u32 = 18;
/// Keys of one user that are looked at.
const KEYS_MAX: u32 = 200;
/// What a scope is called that leads to the APIs; without one a key leads everywhere.
const SCOPE: &str = "rpc";
/// Where a key's name has this word, it is the one that was made for Milepost.
const OURS: &str = "milepost";

/// When the key in use ends, as far as Odoo says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyEnd {
    /// Odoo does not say it.
    Unknown,
    /// Never.
    Never,
    /// Then.
    At {
        /// When.
        at: Timestamp,
        /// How many keys it may be: the end is the earliest of theirs.
        of: usize,
    },
}

impl OdooClient {
    /// When the key in use ends.
    ///
    /// # Errors
    /// When Odoo does not answer as it should.
    pub async fn key_end(&self, now: Timestamp, log: &dyn CallLog) -> Result<KeyEnd, CallError> {
        if self.major(log).await? < KEYS_END {
            return Ok(KeyEnd::Never);
        }
        let user = self.user(log).await?;
        let fields = ["name", "scope", "expiration_date"];
        let body = json!({"domain": [["user_id", "=", user]], "fields": fields, "order": "id", "limit": KEYS_MAX});
        match self.ask::<Vec<Value>>("res.users.apikeys", "search_read", body, log).await {
            Ok(keys) => Ok(end_of(&keys, now)),
            // it needs no right to work, only to say when it ends
            Err(error) if matches!(error.class, ErrorClass::Forbidden | ErrorClass::Misconfigured) => {
                Ok(KeyEnd::Unknown)
            }
            Err(error) => Err(error),
        }
    }
}

/// When one of these keys ends that the call can have come with.
fn end_of(keys: &[Value], now: Timestamp) -> KeyEnd {
    let mut possible: Vec<(bool, Option<Timestamp>)> = Vec::new();
    for key in keys.iter().filter_map(Value::as_object) {
        let mut row = Row::new(key, "");
        let scope = row.text("scope");
        let end = row.moment("expiration_date");
        // one that ended is not accepted any more
        if scope.is_none_or(|scope| scope == SCOPE) && end.is_none_or(|end| end > now) {
            let is_ours = row.text("name").is_some_and(|name| name.to_lowercase().contains(OURS));
            possible.push((is_ours, end));
        }
    }
    if possible.iter().any(|(is_ours, _)| *is_ours) {
        possible.retain(|(is_ours, _)| *is_ours);
    }
    match possible.iter().filter_map(|(_, end)| *end).min() {
        _ if possible.is_empty() => KeyEnd::Unknown,
        Some(at) => KeyEnd::At { at, of: possible.len() },
        None => KeyEnd::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_end_of_the_keys_that_it_may_be_counts() {
        let now: Timestamp = "2026-03-10T12:00:00Z".parse().unwrap();
        let key = |name: &str, scope: Value, end: Value| json!({"id": 1, "name": name, "scope": scope, "expiration_date": end});
        let (none, may, june) = (json!(false), json!("2026-05-01 00:00:00"), json!("2026-06-01 00:00:00"));
        let at = |text: &str, of| KeyEnd::At { at: text.parse().unwrap(), of };
        for (keys, end) in [
            (vec![], KeyEnd::Unknown),
            (vec![key("any", none.clone(), none.clone())], KeyEnd::Never),
            (vec![key("any", json!("rpc"), may.clone())], at("2026-05-01T00:00:00Z", 1)),
            (
                vec![key("a", none.clone(), june.clone()), key("b", none.clone(), may.clone())],
                at("2026-05-01T00:00:00Z", 2),
            ),
            (
                vec![key("a", none.clone(), none.clone()), key("b", none.clone(), may.clone())],
                at("2026-05-01T00:00:00Z", 2),
            ),
            // made for something else
            (
                vec![key("Milepost 2026", none.clone(), june.clone()), key("b", none.clone(), may.clone())],
                at("2026-06-01T00:00:00Z", 1),
            ),
            (
                vec![key("browser", json!("2fa"), may.clone()), key("b", none.clone(), june)],
                at("2026-06-01T00:00:00Z", 1),
            ),
            // over already: it cannot be the one that was accepted
            (vec![key("old", none.clone(), json!("2026-03-10 11:59:59"))], KeyEnd::Unknown),
        ] {
            assert_eq!(end_of(&keys, now), end, "{keys:?}");
        }
        assert_eq!(
            end_of(&[json!("odd"), json!({"id": 1, "name": 7})], now),
            KeyEnd::Never,
            "odd fields cost themselves"
        );
    }
}
