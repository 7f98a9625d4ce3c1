//! What a connector is set to: the fields of its form. Pages, command line and the stored settings all go by them.

use crate::{address::plain_url, site_of};
use domain::event_time::is_zone;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A field of a connector's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The name in the settings.
    pub name: &'static str,
    /// What a person reads.
    pub label: &'static str,
    /// What it takes.
    pub kind: FieldKind,
    /// Whether it must be given.
    pub required: bool,
    /// Whether a form shows it at once, and not among its further settings.
    pub upfront: bool,
    /// What it is for, and where its value is found.
    pub help: &'static str,
    /// What it is where nothing is given.
    pub default: Option<&'static str>,
}

/// What a field takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// A line of text.
    Text,
    /// The address of a system.
    Url {
        /// Path segments of the system's own pages: from one of them on an address is cut, as people copy it from the browser.
        pages: &'static [&'static str],
    },
    /// A whole number.
    Number {
        /// The least.
        least: u64,
        /// The most.
        most: u64,
    },
    /// Yes or no; no where nothing is given.
    Flag,
    /// One of several: value and label.
    Choice(Vec<(&'static str, &'static str)>),
    /// Several, separated by commas or lines.
    List,
    /// A time zone of the IANA database.
    Zone,
    /// A JSON value.
    Json,
}

/// What is wrong with a field, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The field's name.
    pub field: String,
    /// What is wrong.
    pub message: String,
}

impl Field {
    /// A field of this kind that may be left empty.
    pub const fn new(name: &'static str, label: &'static str, kind: FieldKind, help: &'static str) -> Self {
        Self { name, label, kind, required: false, upfront: false, help, default: None }
    }

    /// The same, which must be given.
    #[must_use]
    pub fn required(self) -> Self {
        Self { required: true, upfront: true, ..self }
    }

    /// The same, which a form shows at once although it may be left empty.
    #[must_use]
    pub fn upfront(self) -> Self {
        Self { upfront: true, ..self }
    }

    /// The same with a default.
    #[must_use]
    pub fn or(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }

    /// How many jobs call a system at once.
    pub const fn concurrency() -> Self {
        let kind = FieldKind::Number { least: 1, most: 64 };
        Self::new("concurrency", "Jobs at once", kind, "In each lane and process; 8 if empty.")
    }

    /// How often a system is called.
    pub const fn calls_per_second() -> Self {
        let kind = FieldKind::Number { least: 1, most: 10_000 };
        let help = "At most, in each process; if empty, the system's own limits count.";
        Self::new("calls_per_second", "Calls a second", kind, help)
    }

    /// How often a desk is asked what changed.
    pub fn poll_seconds() -> Self {
        let kind = FieldKind::Number { least: 1, most: 86_400 };
        Self::new("poll_seconds", "Seconds between polls", kind, "How often changed tickets are read.").or("30")
    }

    /// Whether cases of a desk name the customer.
    pub const fn requester() -> Self {
        let help = "Tickets are opened for the customer, by name and e-mail address. Milepost sends the customer nothing; check \
                    that the desk's own triggers do not either.";
        Self::new("requester", "Name the customer", FieldKind::Flag, help)
    }

    fn fault(&self, message: impl Into<String>) -> Fault {
        Fault { field: self.name.to_owned(), message: message.into() }
    }

    /// The value of what was typed.
    fn value(&self, text: &str) -> Result<Value, String> {
        match &self.kind {
            FieldKind::Text => Ok(text.into()),
            FieldKind::Url { .. } if !text.contains("://") => {
                Err("must be an address like https://system.example.com".into())
            }
            FieldKind::Url { pages } => plain_url(&site_of(text, pages)).map(Value::from),
            FieldKind::Number { least, most } => match text.parse::<u64>() {
                Ok(number) if (least..=most).contains(&&number) => Ok(number.into()),
                _ => Err(format!("must be a whole number from {least} to {most}")),
            },
            FieldKind::Flag => match text {
                "on" | "true" | "1" | "yes" => Ok(true.into()),
                "off" | "false" | "0" | "no" => Ok(false.into()),
                _ => Err("must be on or off".into()),
            },
            FieldKind::Choice(options) => match options.iter().any(|(value, _)| *value == text) {
                true => Ok(text.into()),
                false => {
                    let values: Vec<_> = options.iter().map(|(value, _)| *value).collect();
                    Err(format!("must be one of {}", values.join(", ")))
                }
            },
            FieldKind::List => {
                let parts = text.split([',', '\n']).map(str::trim).filter(|part| !part.is_empty());
                Ok(Value::Array(parts.map(Value::from).collect()))
            }
            FieldKind::Zone if is_zone(text) => Ok(text.into()),
            FieldKind::Zone => Err("must be the name of a zone in the IANA database, like Europe/Berlin".into()),
            FieldKind::Json => serde_json::from_str(text)
                .map_err(|error| format!("must be JSON (line {}, column {})", error.line(), error.column())),
        }
    }
}

/// Settings out of what was typed; what is empty is not given.
///
/// # Errors
/// Every fault, in the order of the fields; then names that are no field.
pub fn read(fields: &[Field], given: &BTreeMap<String, String>) -> Result<Map<String, Value>, Vec<Fault>> {
    let (mut settings, mut faults) = (Map::new(), Vec::new());
    // first, since a name that is mistyped is also why another is missing
    let known: Vec<_> = fields.iter().map(|field| field.name).collect();
    for name in given.keys().filter(|name| !known.contains(&name.as_str())) {
        let message = format!("there is no such field; there are {}", known.join(", "));
        faults.push(Fault { field: name.clone(), message });
    }
    for field in fields {
        let typed = given.get(field.name).map(|text| text.trim()).filter(|text| !text.is_empty());
        match typed.or(field.default).map(|text| field.value(text)) {
            None if field.required => faults.push(field.fault("is missing")),
            None => {}
            Some(Ok(Value::Bool(false))) => {}
            Some(Ok(value)) => drop(settings.insert(field.name.to_owned(), value)),
            Some(Err(message)) => faults.push(field.fault(message)),
        }
    }
    if faults.is_empty() { Ok(settings) } else { Err(faults) }
}

/// Settings as they are typed: what [`read`] makes the same settings of.
pub fn shown(fields: &[Field], settings: &Map<String, Value>) -> BTreeMap<String, String> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Bool(on) => if *on { "on" } else { "off" }.to_owned(),
        Value::Array(parts) => {
            let parts: Vec<_> = parts.iter().map(|part| part.as_str().unwrap_or_default()).collect();
            parts.join(", ")
        }
        other => other.to_string(),
    };
    let of = |field: &Field| {
        let value = settings.get(field.name).filter(|value| !value.is_null())?;
        let text = if field.kind == FieldKind::Json { value.to_string() } else { text(value) };
        Some((field.name.to_owned(), text))
    };
    fields.iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields() -> Vec<Field> {
        vec![
            Field::new("url", "Address", FieldKind::Url { pages: &["web"] }, "").required(),
            Field::new("seconds", "Seconds", FieldKind::Number { least: 1, most: 60 }, "").or("30"),
            Field::new("named", "Named", FieldKind::Flag, ""),
            Field::new("tests", "Tests", FieldKind::Choice(vec![("shown", "Shown"), ("taken", "Taken")]), ""),
            Field::new("networks", "Networks", FieldKind::List, ""),
            Field::new("zone", "Zone", FieldKind::Zone, ""),
            Field::new("fields", "Fields", FieldKind::Json, ""),
        ]
    }

    fn given(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn what_is_typed_becomes_settings_and_comes_back() {
        let typed = given(&[
            ("url", " https://odoo.example.com/web/login?db=x "),
            ("named", "on"),
            ("tests", "taken"),
            ("networks", "10.0.0.0/8,\n 192.0.2.0/24"),
            ("zone", "Europe/Berlin"),
            ("fields", r#"{"number": "/a"}"#),
        ]);
        let settings = read(&fields(), &typed).unwrap();
        assert_eq!(
            Value::Object(settings.clone()),
            json!({"url": "https://odoo.example.com", "seconds": 30, "named": true, "tests": "taken",
                   "networks": ["10.0.0.0/8", "192.0.2.0/24"], "zone": "Europe/Berlin", "fields": {"number": "/a"}})
        );
        assert_eq!(read(&fields(), &shown(&fields(), &settings)).unwrap(), settings);
    }

    #[test]
    fn every_fault_names_its_field() {
        let typed = given(&[
            ("seconds", "61"),
            ("named", "perhaps"),
            ("tests", "lost"),
            ("zone", "Berlin"),
            ("fields", "{"),
            ("colour", "red"),
        ]);
        let faults: Vec<_> = read(&fields(), &typed).unwrap_err().into_iter().map(|fault| fault.field).collect();
        assert_eq!(faults, ["colour", "url", "seconds", "named", "tests", "zone", "fields"]);
        for url in ["odoo.example.com", "ftp://odoo.example.com", "https://u:p@odoo.example.com", "https://x/?q=1"] {
            assert!(read(&fields(), &given(&[("url", url)])).is_err(), "{url}");
        }
    }

    #[test]
    fn a_flag_that_is_off_is_not_kept() {
        let settings = read(&fields(), &given(&[("url", "http://localhost"), ("named", "off")])).unwrap();
        assert!(!settings.contains_key("named"));
    }
}
