//! All rows of a file, for another engine. The file must have no server.

use crate::{Access, Durability, Lock, MIGRATIONS, codec::Fail, reading, writing};
use sqlx::{
    AssertSqlSafe, Column, Connection, Row, SqliteConnection, TypeInfo, ValueRef,
    sqlite::{SqliteRow, SqliteValueRef},
};
use std::path::Path;
use storage::{
    Result, StoreError,
    transfer::{Rows, Value},
};

/// Rows of one read.
const ROWS_AT_ONCE: i64 = 2_000;

/// A file whose rows are read; no server can open it meanwhile.
pub struct Export {
    conn: SqliteConnection,
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
        let unavailable =
            |error: &dyn std::fmt::Display| StoreError::Unavailable(format!("{}: {error}", path.display()));
        let lock = Lock::of(path, Access::Server)?
            .ok_or_else(|| StoreError::Unavailable(format!("{} is in use", path.display())))?;
        let mut conn =
            SqliteConnection::connect_with(&writing(path, Durability::Full)).await.map_err(|e| unavailable(&e))?;
        MIGRATIONS.run_direct(None, &mut conn, false).await.map_err(|e| unavailable(&e))?;
        conn.close().await.map_err(|e| unavailable(&e))?;
        let conn = SqliteConnection::connect_with(&reading(path)).await.map_err(|e| unavailable(&e))?;
        Ok(Self { conn, _lock: lock })
    }

    /// The names of its tables.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn tables(&mut self) -> Result<Vec<String>> {
        sqlx::query_scalar(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '_sqlx_%' ORDER BY name",
        )
        .fetch_all(&mut self.conn)
        .await
        .map_err(|error| Fail::from(error).into())
    }

    /// The next rows of a table after so many.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn rows(&mut self, table: &str, after: &mut After) -> Result<Rows> {
        let rows = self.read(table, after).await.map_err(Fail::from)?;
        let columns = rows.first().map_or_else(Vec::new, |row| {
            row.columns().iter().map(|column| column.name().to_owned()).filter(|name| name != PLACE).collect()
        });
        match after {
            After::Row(place) => {
                if let Some(last) = rows.last() {
                    *place = last.try_get(PLACE).map_err(Fail::from)?;
                }
            }
            After::Offset(offset) => *offset += i64::try_from(rows.len()).unwrap_or(i64::MAX),
        }
        let rows =
            rows.iter().map(|row| values(row, columns.len())).collect::<sqlx::Result<_>>().map_err(Fail::from)?;
        Ok(Rows { columns, rows })
    }

    async fn read(&mut self, table: &str, after: &mut After) -> sqlx::Result<Vec<SqliteRow>> {
        // the name is one of `tables`
        let by_row = format!("SELECT *, rowid AS {PLACE} FROM \"{table}\" WHERE rowid > ? ORDER BY rowid LIMIT ?");
        if let After::Row(place) = after {
            match sqlx::query(AssertSqlSafe(by_row)).bind(*place).bind(ROWS_AT_ONCE).fetch_all(&mut self.conn).await {
                // a table that is its own index has no row numbers
                Err(sqlx::Error::Database(error)) if error.message().contains("rowid") => *after = After::Offset(0),
                rows => return rows,
            }
        }
        let After::Offset(offset) = after else { return Ok(Vec::new()) };
        let by_offset = format!("SELECT * FROM \"{table}\" LIMIT ? OFFSET ?");
        sqlx::query(AssertSqlSafe(by_offset)).bind(ROWS_AT_ONCE).bind(*offset).fetch_all(&mut self.conn).await
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

fn values(row: &SqliteRow, columns: usize) -> sqlx::Result<Vec<Value>> {
    (0..columns).map(|index| value(row.try_get_raw(index)?)).collect()
}

fn value(value: SqliteValueRef<'_>) -> sqlx::Result<Value> {
    use sqlx::{Decode, Sqlite};
    let decoded = if value.is_null() {
        Value::Null
    } else {
        let kind = value.type_info().name().to_owned();
        match kind.as_str() {
            "INTEGER" => Value::Int(<i64 as Decode<'_, Sqlite>>::decode(value).map_err(sqlx::Error::Decode)?),
            "TEXT" => Value::Text(<String as Decode<'_, Sqlite>>::decode(value).map_err(sqlx::Error::Decode)?),
            "BLOB" => Value::Bytes(<Vec<u8> as Decode<'_, Sqlite>>::decode(value).map_err(sqlx::Error::Decode)?),
            other => return Err(sqlx::Error::Decode(format!("a value is of type {other}").into())),
        }
    };
    Ok(decoded)
}
