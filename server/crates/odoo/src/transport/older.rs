//! What versions before 19 name otherwise: every difference in one place, so that the rest of the crate writes calls as
//! the newest version takes them.

use serde::{Deserialize, Deserializer, de::Error};
use serde_json::{Value, json};

/// The first version with `has_access`.
const HAS_ACCESS: u32 = 18;
/// The first version that escapes what is posted unless it is said to be HTML.
const ESCAPES_BODIES: u32 = 17;

/// A call as this version takes it.
pub(super) fn as_of(major: u32, method: &str, mut named: Value) -> (&str, Value) {
    match method {
        "has_access" if major < HAS_ACCESS => {
            let operation = named["operation"].take();
            ("check_access_rights", json!({"operation": operation, "raise_exception": false}))
        }
        "message_post" if major < ESCAPES_BODIES => {
            if let Some(named) = named.as_object_mut() {
                named.remove("body_is_html");
            }
            (method, named)
        }
        _ => (method, named),
    }
}

/// The records that a method made or gave. Before 19 it is the id alone for some, and for others the records as Python
/// writes them: `mail.activity(5,)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Made(pub(crate) Vec<i64>);

impl<'de> Deserialize<'de> for Made {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(from)?;
        let ids = match &value {
            Value::Array(ids) => ids.iter().map(Value::as_i64).collect(),
            Value::Number(id) => id.as_i64().map(|id| vec![id]),
            Value::String(text) => printed(text),
            _ => None,
        };
        ids.map(Self).ok_or_else(|| D::Error::custom("neither an id nor a list of ids"))
    }
}

fn printed(text: &str) -> Option<Vec<i64>> {
    let (model, ids) = text.strip_suffix(')')?.split_once('(')?;
    let is_model = !model.is_empty() && model.bytes().all(|b| b.is_ascii_alphanumeric() || b"._".contains(&b));
    let ids = ids.split(',').map(str::trim).filter(|id| !id.is_empty());
    is_model.then(|| ids.map(|id| id.parse().ok()).collect()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_versions_get_the_calls_that_they_know() {
        let rights = json!({"ids": [], "operation": "write"});
        let old = json!({"operation": "write", "raise_exception": false});
        for (major, method, named, expected, by) in [
            (17, "has_access", rights.clone(), "check_access_rights", old),
            (18, "has_access", rights.clone(), "has_access", rights),
            (16, "message_post", json!({"ids": [1], "body_is_html": true}), "message_post", json!({"ids": [1]})),
            (17, "message_post", json!({"body_is_html": true}), "message_post", json!({"body_is_html": true})),
            (16, "write", json!({"ids": [1]}), "write", json!({"ids": [1]})),
        ] {
            assert_eq!(as_of(major, method, named), (expected, by), "{major}: {method}");
        }
    }

    #[test]
    fn made_records_are_read_as_every_version_writes_them() {
        let read = |text: &str| serde_json::from_str::<Made>(text).map(|made| made.0).ok();
        for (text, ids) in [
            ("[5]", Some(vec![5])),
            ("5", Some(vec![5])),
            ("\"mail.activity(5,)\"", Some(vec![5])),
            ("\"mail.activity(5, 6)\"", Some(vec![5, 6])),
            ("\"mail.activity()\"", Some(vec![])),
            ("false", None),
            ("\"5\"", None),
            ("\"<NewId>(x,)\"", None),
            ("[\"5\"]", None),
        ] {
            assert_eq!(read(text), ids, "{text}");
        }
    }
}
