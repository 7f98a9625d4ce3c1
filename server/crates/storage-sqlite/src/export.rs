//! All rows of a file, for another engine. The file must have no server.

use crate::{
    Access, Lock,
    codec::{Done, Fail},
    connection,
    sql::{Row, query},
};
use rusqlite::{Connection, types};
use std::path::Path;
use storage::{
    Result, StoreError,
    transfer::{Rows, Value},
};

/// Rows of one read.
const ROWS_AT_ONCE: i64 = 2_000;

/// A file whose rows are read; no server can open it meanwhile.
pub struct Export {
    conn: Connection,
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
        connection::migrate(path).await?;
        let conn = connection::reading(path).map_err(|error| connection::unavailable(path, &error))?;
        Ok(Self { conn, _lock: lock })
    }

    /// The names of its tables.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn tables(&self) -> Result<Vec<String>> {
        let rows = query("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '_sqlx_%' ORDER BY name")
            .fetch_all(&self.conn)?;
        Ok(rows.iter().map(|row| row.text("name")).collect::<Done<_>>()?)
    }

    /// The next rows of a table after so many.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn rows(&self, table: &str, after: &mut After) -> Result<Rows> {
        let rows = self.read(table, after)?;
        match after {
            After::Row(place) => {
                if let Some(last) = rows.last() {
                    *place = last.int(PLACE)?;
                }
            }
            After::Offset(offset) => *offset += i64::try_from(rows.len()).unwrap_or(i64::MAX),
        }
        let (mut columns, mut values) = (Vec::new(), Vec::with_capacity(rows.len()));
        for row in rows {
            let (names, mut fields) = row.into_parts();
            // it comes last
            let ours = names.iter().filter(|name| *name != PLACE);
            if columns.is_empty() {
                columns = ours.cloned().collect();
            }
            fields.truncate(columns.len());
            values.push(fields.into_iter().map(value).collect::<Done<_>>()?);
        }
        Ok(Rows { columns, rows: values })
    }

    fn read(&self, table: &str, after: &mut After) -> Done<Vec<Row>> {
        // the name is one of `tables`
        if let After::Row(place) = after {
            let by_row = format!("SELECT *, rowid AS {PLACE} FROM \"{table}\" WHERE rowid > ? ORDER BY rowid LIMIT ?");
            match query(&by_row).bind(*place).bind(ROWS_AT_ONCE).fetch_all(&self.conn) {
                // a table that is its own index has no row numbers
                Err(Fail(error)) if error.to_string().contains("rowid") => *after = After::Offset(0),
                rows => return rows,
            }
        }
        let After::Offset(offset) = after else { return Ok(Vec::new()) };
        let by_offset = format!("SELECT * FROM \"{table}\" LIMIT ? OFFSET ?");
        query(&by_offset).bind(ROWS_AT_ONCE).bind(*offset).fetch_all(&self.conn)
    }
}

/// The column that says where a row is.
const PLACE: &str = "place_of_row";

/// How far a table was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// To this row number.
    Row(i64),
    /// So many rows.
    Offset(i64),
}

impl After {
    /// Nothing yet.
    pub const START: Self = Self::Row(i64::MIN);
}

fn value(value: types::Value) -> Done<Value> {
    Ok(match value {
        types::Value::Null => Value::Null,
        types::Value::Integer(number) => Value::Int(number),
        types::Value::Text(text) => Value::Text(text),
        types::Value::Blob(bytes) => Value::Bytes(bytes),
        types::Value::Real(_) => return Err(Fail(StoreError::Damaged("a value is a real number".into()))),
    })
}
