//! Records as Odoo gives them, and what each says of others.

use super::rows::Row;
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

pub(super) type Fields = Map<String, Value>;

/// Records that were asked for.
#[derive(Default)]
pub(super) struct Read {
    pub(super) rows: BTreeMap<i64, Fields>,
    /// Those that could not be read, and why.
    pub(super) refused: BTreeMap<i64, String>,
    /// Those that were not read, since others took all the calls.
    pub(super) waiting: BTreeSet<i64>,
    /// Records without an id, by name where they have one.
    pub(super) nameless: Vec<Option<String>>,
}

impl Read {
    pub(super) fn add(&mut self, rows: &[Value]) {
        for row in rows.iter().filter_map(Value::as_object) {
            match row.get("id").and_then(Value::as_i64) {
                Some(id) => drop(self.rows.insert(id, row.clone())),
                None => self.nameless.push(name_of(row)),
            }
        }
    }
}

pub(super) fn name_of(row: &Fields) -> Option<String> {
    Row::new(row, "").text("name")
}

pub(super) fn written(row: &Fields) -> Option<Timestamp> {
    Row::new(row, "").moment("write_date")
}

pub(super) fn linked(row: &Fields, field: &'static str) -> Option<i64> {
    Row::new(row, "").link(field).map(|(id, _)| id)
}

pub(super) fn related<'a>(row: &Fields, field: &'static str, read: &'a Read) -> Option<&'a Fields> {
    read.rows.get(&linked(row, field)?)
}
