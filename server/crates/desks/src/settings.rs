//! What a desk is set to.

use outbound::{CallError, ErrorClass, Key};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeMap, num::NonZeroU32};

/// What a desk is set to, beside its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Its address.
    pub url: String,
    /// The queue, group, team or project that takes the cases; empty where the connector has none.
    #[serde(default)]
    pub queue: String,
    /// Seconds between two looks at what agents did there.
    #[serde(default = "poll_seconds")]
    pub poll_seconds: u64,
    /// Whether cases name the customer.
    #[serde(default)]
    pub requester: bool,
    /// Jobs at once, in each lane and process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<NonZeroU32>,
    /// Calls a second at most, in each process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls_per_second: Option<NonZeroU32>,
    /// The connector's own fields, as its template names them.
    #[serde(flatten)]
    pub options: Options,
}

const fn poll_seconds() -> u64 {
    30
}

/// A connector's own settings, by the names of its template's fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Options(BTreeMap<String, Value>);

impl Options {
    /// The names of what is set.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// A text, without what surrounds it; none where it is empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
    }

    /// A text that has to be there.
    ///
    /// # Errors
    /// `misconfigured`, with the field's name.
    pub fn required(&self, name: &str) -> Result<&str, CallError> {
        let missing = || CallError::new(ErrorClass::Misconfigured, format!("the setting {name} is missing"));
        self.text(name).ok_or_else(missing)
    }

    /// Yes or no; no where nothing is set.
    pub fn flag(&self, name: &str) -> bool {
        self.0.get(name).and_then(Value::as_bool).unwrap_or_default()
    }

    /// A whole number.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.0.get(name).and_then(Value::as_u64)
    }
}

impl<const N: usize> From<[(&str, Value); N]> for Options {
    fn from(options: [(&str, Value); N]) -> Self {
        Self(options.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }
}

/// How to reach a desk.
#[derive(Clone, Debug)]
pub struct DeskConfig {
    /// Its address.
    pub url: String,
    /// The secret of the integration: a token, or the secret of an OAuth client.
    pub token: Key,
    /// The queue, group, team or project that takes the cases.
    pub queue: String,
    /// At most so many calls a second; none leaves it to the desk.
    pub calls_per_second: Option<NonZeroU32>,
    /// The connector's own settings.
    pub options: Options,
}

impl DeskConfig {
    /// A desk without further settings.
    pub fn new(url: impl Into<String>, token: impl Into<Key>, queue: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            token: token.into(),
            queue: queue.into(),
            calls_per_second: None,
            options: Options::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_connectors_own_fields_are_its_options() {
        let settings: Settings =
            serde_json::from_value(json!({"url": "https://x.example", "client_id": " abc ", "legacy": true, "lag": 7}))
                .unwrap();
        assert_eq!(settings.options.text("client_id"), Some("abc"));
        assert!(settings.options.flag("legacy") && !settings.options.flag("other"));
        assert_eq!((settings.options.number("lag"), settings.poll_seconds), (Some(7), 30));
        assert_eq!(settings.options.required("team").unwrap_err().class, ErrorClass::Misconfigured);
        assert_eq!(serde_json::from_value::<Settings>(serde_json::to_value(&settings).unwrap()).unwrap(), settings);
    }
}
