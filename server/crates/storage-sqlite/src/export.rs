//! All rows of a file, for another engine. The file must have no server.

use crate::{Access, Lock, connection, db::Run as _};
use rusqlite::Connection;
use std::path::Path;
use storage::{
    Result, StoreError,
    transfer::{Rows, Value},
};
use storage_sql::{Row, query};

/// Rows of one read.
const ROWS_AT_ONCE: i64 = 2_000;
/// What other engines do not have: a statement's tracker is kept with its readings so that they lie together here.
const OWN_COLUMNS: [(&str, &str); 1] = [("reading", "tracker_id")];

/// A file whose rows are read; no server can open it meanwhile.
pub struct Export {
    conn: Connection,
    chain_is_new: bool,
    _lock: Lock,
}

impl Export {
    /// Opens a file, brought up to date first, so that its tables are those of this version.
    ///
    /// # Errors
    /// `NotFound` when there is no such file; `Unavailable` when a server has it, or it cannot be read.
    pub async fn open(path: &Path) -> Result<Self> {
        if !path.exists() {
            return Err(StoreError::NotFound("SQLite file"));
        }
        let lock = Lock::of(path, Access::Server)?
            .ok_or_else(|| StoreError::Unavailable(format!("{} is in use", path.display())))?;
        let chain_is_new = connection::migrate(path).await?;
        let conn = connection::reading(path).map_err(|error| connection::unavailable(path, &error))?;
        Ok(Self { conn, chain_is_new, _lock: lock })
    }

    /// As [`storage::Store::chain_is_new`].
    pub const fn chain_is_new(&self) -> bool {
        self.chain_is_new
    }

    /// The names of its tables.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn tables(&self) -> Result<Vec<String>> {
        let rows = query("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '_sqlx_%' ORDER BY name")
            .rows(&self.conn)?;
        rows.iter().map(|row| row.text("name")).collect()
    }

    /// The next rows of a table behind those that were read.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn rows(&self, table: &str, after: &mut After) -> Result<Rows> {
        let mut columns = self.names("SELECT name FROM pragma_table_info(?) ORDER BY cid", table)?;
        columns.retain(|column| !OWN_COLUMNS.contains(&(table, column)));
        let mut rows = Vec::new();
        for row in self.read(table, &columns, after)? {
            let mut values = row.into_values();
            after.0 = values.split_off(columns.len());
            rows.push(values);
        }
        Ok(Rows { columns, rows })
    }

    /// The columns, and behind them the row's place in the order in which the table lies.
    fn read(&self, table: &str, columns: &[String], after: &After) -> Result<Vec<Row>> {
        let mut order = self.names(
            "SELECT i.name FROM pragma_table_list(?1) t JOIN pragma_table_info(?1) i WHERE t.wr AND i.pk > 0 ORDER BY i.pk",
            table,
        )?;
        if order.is_empty() {
            order.push("rowid".to_owned());
        }
        // all names are the schema's own
        let listed = |names: &[String]| format!("\"{}\"", names.join("\", \""));
        let (columns, order) = (listed(columns), listed(&order));
        let mut sql = query("SELECT ");
        sql.push(&format!("{columns}, {order} FROM \"{table}\""));
        for (index, place) in after.0.iter().enumerate() {
            let before = if index == 0 { format!(" WHERE ({order}) > (") } else { ", ".to_owned() };
            sql.push(&before).push_bind(place.clone());
        }
        if !after.0.is_empty() {
            sql.push(")");
        }
        sql.push(&format!(" ORDER BY {order} LIMIT {ROWS_AT_ONCE}"));
        sql.rows(&self.conn)
    }

    fn names(&self, sql: &'static str, table: &str) -> Result<Vec<String>> {
        query(sql).bind(table).rows(&self.conn)?.iter().map(|row| row.text("name")).collect()
    }
}

/// How far a table was read: the place of the last row.
#[derive(Clone, Debug, PartialEq)]
pub struct After(Vec<Value>);

impl After {
    /// Nothing yet.
    pub const START: Self = Self(Vec::new());
}
