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

/// The tags of customers by id: their own, and those of the company that they belong to.
#[derive(Default)]
pub(super) struct Tags(pub(super) BTreeMap<i64, BTreeSet<String>>);

/// The numbers of packages by transfer.
#[derive(Default)]
pub(super) struct Packed {
    pub(super) numbers: BTreeMap<i64, Vec<String>>,
    /// Transfers with a package that Odoo does not give.
    pub(super) unread: BTreeSet<i64>,
}

pub(super) fn name_of(row: &Fields) -> Option<String> {
    Row::new(row, "").text("name")
}

pub(super) fn written(row: &Fields) -> Option<Timestamp> {
    Row::new(row, "").moment("write_date")
}

/// The ids of the records that a field lists; none where it is odd.
pub(super) fn listed(row: &Fields, field: &str) -> Vec<i64> {
    row.get(field).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_i64).collect()
}

pub(super) fn linked(row: &Fields, field: &'static str) -> Option<i64> {
    Row::new(row, "").link(field).map(|(id, _)| id)
}
