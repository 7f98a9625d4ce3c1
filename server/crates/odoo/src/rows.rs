//! Records of Odoo read field by field: an odd field costs itself, or its record where nothing can be made without it, and
//! never another record. What is odd is said by the field's name and the kind of value, never by the value.

use super::wire::{instant, short_text};
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Characters of a text field at most; a longer one is no name and no address.
pub(super) const TEXT_CHARS_MAX: usize = 500;
/// Characters of a field with tracking numbers at most.
pub(super) const NUMBERS_CHARS_MAX: usize = 4_000;
/// Things that are said of one record at most.
const PROBLEMS_MAX: usize = 20;

/// A record being read, with what could not be read of it.
pub(super) struct Row<'a> {
    fields: &'a Map<String, Value>,
    /// What to put before a field's name: `order: `.
    prefix: &'static str,
    pub problems: Vec<String>,
    /// The fields that could not be read, or not whole.
    odd: BTreeSet<&'static str>,
}

impl<'a> Row<'a> {
    pub(super) fn new(fields: &'a Map<String, Value>, prefix: &'static str) -> Self {
        Self { fields, prefix, problems: Vec::new(), odd: BTreeSet::new() }
    }

    /// Whether one of these fields could not be read, or not whole.
    pub(super) fn is_odd(&self, fields: &[&str]) -> bool {
        fields.iter().any(|field| self.odd.contains(field))
    }

    /// A text; none where it is empty, or odd.
    pub(super) fn text(&mut self, field: &'static str) -> Option<String> {
        self.kept(field, |value| text(value, TEXT_CHARS_MAX))
    }

    /// A text of that many characters at most, which the record cannot be without being right.
    pub(super) fn required_text(&self, field: &'static str, chars_max: usize) -> Result<Option<String>, String> {
        self.read(field, |value| text(value, chars_max))
    }

    /// A moment.
    pub(super) fn moment(&mut self, field: &'static str) -> Option<Timestamp> {
        self.kept(field, |value| match text(value, TEXT_CHARS_MAX)? {
            Some(text) => instant(&text).map(Some).ok_or("a text that is no time"),
            None => Ok(None),
        })
    }

    /// A number, as it is written.
    pub(super) fn number(&mut self, field: &'static str) -> Option<String> {
        self.kept(field, |value| match value {
            Value::Number(number) => Ok(number.as_f64().map(|number| number.to_string())),
            Value::Bool(false) | Value::Null => Ok(None),
            other => Err(kind(other)),
        })
    }

    /// Yes or no; no where it is empty, or odd.
    pub(super) fn flag(&mut self, field: &'static str) -> bool {
        let read = self.kept(field, |value| match value {
            Value::Bool(flag) => Ok(Some(*flag)),
            Value::Null => Ok(None),
            other => Err(kind(other)),
        });
        read.unwrap_or(false)
    }

    /// Another record: its id, and its name where that can be read.
    pub(super) fn link(&mut self, field: &'static str) -> Option<(i64, Option<String>)> {
        let (id, name) = self.kept(field, |value| match value {
            Value::Array(pair) => match pair.first().and_then(Value::as_i64) {
                Some(id) => Ok(Some((id, pair.get(1).cloned().unwrap_or(Value::Null)))),
                None => Err("a list that does not begin with an id"),
            },
            // some methods give the id alone
            Value::Number(number) => number.as_i64().map(|id| Some((id, Value::Null))).ok_or("a number that is no id"),
            Value::Bool(false) | Value::Null => Ok(None),
            other => Err(kind(other)),
        })?;
        let name = text(&name, TEXT_CHARS_MAX).ok().flatten();
        if name.is_none() {
            self.odd.insert(field);
            self.say(format!("{}{field}: it has no name that can be read", self.prefix));
        }
        Some((id, name))
    }

    /// Something else that could not be read.
    pub(super) fn say(&mut self, problem: String) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem);
        }
    }

    fn kept<T>(
        &mut self,
        field: &'static str,
        decode: impl FnOnce(&Value) -> Result<Option<T>, &'static str>,
    ) -> Option<T> {
        self.read(field, decode).unwrap_or_else(|problem| {
            self.odd.insert(field);
            self.say(problem);
            None
        })
    }

    fn read<T>(
        &self,
        field: &'static str,
        decode: impl FnOnce(&Value) -> Result<Option<T>, &'static str>,
    ) -> Result<Option<T>, String> {
        let value = self.fields.get(field).unwrap_or(&Value::Null);
        decode(value).map_err(|odd| format!("{}{field}: {odd}", self.prefix))
    }
}

fn text(value: &Value, chars_max: usize) -> Result<Option<String>, &'static str> {
    match value {
        Value::Bool(false) | Value::Null => Ok(None),
        Value::String(text) if text.chars().count() > chars_max => Err("a text that is far too long"),
        Value::String(text) => Ok(short_text(text)),
        other => Err(kind(other)),
    }
}

/// What kind of value it is, for people.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a yes or no where something else is expected",
        Value::Number(_) => "a number where something else is expected",
        Value::String(_) => "a text where something else is expected",
        Value::Array(_) => "a list where something else is expected",
        Value::Object(_) => "an object where something else is expected",
    }
}
