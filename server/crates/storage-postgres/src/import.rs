//! Rows of another engine into an empty database, in one transaction.

use crate::{
    codec::{SqlError, clean, from_json},
    options, partitions, unavailable, upkeep,
};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, postgres::PgConnectOptions};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};
use storage::{
    Result, StoreError,
    transfer::{Rows, Value},
};
use storage_sql::mappings;
use uuid::Uuid;

/// What each engine makes for itself: nothing of it is taken over.
const OWN_TABLES: &[&str] = &["change", "counter", "lease"];
/// What keeps the carriers of shipments for each binding, one shipment after the other: they come along with the shipments.
const LEFT_OUT: &[(&str, &str)] = &[("binding", "binding_carriers"), ("binding_end", "binding_end_carriers")];
/// Bytes that are sent at once.
const SEND_BYTES: usize = 256 * 1024;

/// An empty database that takes rows. Nothing is kept before [`Import::finish`].
pub struct Import {
    conn: PgConnection,
    tables: BTreeMap<String, BTreeMap<String, String>>,
}

impl Import {
    /// Connects to a database that has the tables and nothing in them.
    ///
    /// # Errors
    /// `Conflict` when it is in use already; `Unavailable` when it cannot be reached.
    pub async fn begin(url: &str) -> Result<Self> {
        let (options, _) = options(url)?;
        // a large table takes as long as it takes
        let options: PgConnectOptions = options.options([("statement_timeout", "0")]);
        let mut conn = PgConnection::connect_with(&options).await.map_err(|error| unavailable(&error))?;
        if sqlx::query("SELECT 1 FROM company").fetch_optional(&mut conn).await.map_err(SqlError::from)?.is_some() {
            return Err(StoreError::Conflict("the PostgreSQL database is in use already: take an empty one".into()));
        }
        // a row may refer to one of its own table that comes later
        for sql in ["BEGIN", "SET CONSTRAINTS ALL DEFERRED"] {
            sqlx::query(sql).execute(&mut conn).await.map_err(SqlError::from)?;
        }
        switch(&mut conn, Triggers::Disable).await?;
        let tables = tables(&mut conn).await?;
        Ok(Self { conn, tables })
    }

    /// The tables to be filled, each after those that it refers to.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn order(&mut self) -> Result<Vec<String>> {
        let rows = sqlx::query(
            "SELECT c.conrelid::regclass::text AS referring, c.confrelid::regclass::text AS referred
             FROM pg_constraint c WHERE c.contype = 'f' AND c.conrelid <> c.confrelid",
        )
        .fetch_all(&mut self.conn)
        .await
        .map_err(SqlError::from)?;
        let mut waits: Vec<(String, String)> = Vec::new();
        for row in &rows {
            waits.push((
                row.try_get("referring").map_err(SqlError::from)?,
                row.try_get("referred").map_err(SqlError::from)?,
            ));
        }
        let mut left: BTreeSet<String> = self.tables.keys().cloned().collect();
        let mut order = Vec::new();
        while !left.is_empty() {
            let ready: Vec<String> = left
                .iter()
                .filter(|table| {
                    !waits.iter().any(|(referring, referred)| referring == *table && left.contains(referred))
                })
                .cloned()
                .collect();
            if ready.is_empty() {
                return Err(StoreError::Damaged("tables refer to each other in a circle".into()));
            }
            left.retain(|table| !ready.contains(table));
            order.extend(ready);
        }
        Ok(order)
    }

    /// Adds rows to a table.
    ///
    /// # Errors
    /// `Damaged` when they are not what the table takes.
    pub async fn add(&mut self, table: &str, rows: &Rows) -> Result<u64> {
        if rows.rows.is_empty() {
            return Ok(0);
        }
        Ok(self.copy(table, rows).await?)
    }

    async fn copy(&mut self, table: &str, rows: &Rows) -> Result<u64, SqlError> {
        let types = self
            .tables
            .get(table)
            .ok_or_else(|| StoreError::Damaged(format!("there is no table {table} here")))?
            .clone();
        if let Some(month) = rows.columns.iter().position(|column| column == "month") {
            for month in rows.rows.iter().filter_map(|row| number(&row[month])).collect::<BTreeSet<_>>() {
                partitions::make(&mut self.conn, table, month).await?;
            }
        }
        let codes = (table == "observation").then(|| rows.columns.iter().position(|column| column == "body")).flatten();
        let mut columns: Vec<String> = rows.columns.iter().map(|column| format!("\"{column}\"")).collect();
        columns.extend(codes.map(|_| "codes".to_owned()));
        // names of columns that both engines have
        let sql = format!("COPY \"{}\" ({}) FROM STDIN", table.trim_matches('"'), columns.join(", "));
        let mut sink = self.conn.copy_in_raw(&sql).await?;
        let mut text = String::new();
        for row in &rows.rows {
            for (index, (column, value)) in rows.columns.iter().zip(row).enumerate() {
                if index > 0 {
                    text.push('\t');
                }
                field(&mut text, types.get(column).map(String::as_str), value)?;
            }
            if let Some(Value::Text(body)) = codes.map(|index| &row[index]) {
                text.push('\t');
                escape(&mut text, &array(&mappings::codes_of(&from_json(body)?)));
            }
            text.push('\n');
            if text.len() >= SEND_BYTES {
                sink.send(text.as_bytes()).await?;
                text.clear();
            }
        }
        sink.send(text.as_bytes()).await?;
        Ok(sink.finish().await?)
    }

    /// Keeps all of it.
    ///
    /// # Errors
    /// When the database does not.
    pub async fn finish(mut self) -> Result<()> {
        // numbers go on behind those that were taken over, in each table that numbers its rows
        let numbered: Vec<(String, String)> = sqlx::query_as(
            "SELECT table_name::text, column_name::text FROM information_schema.columns
             WHERE table_schema = current_schema() AND is_identity = 'YES'",
        )
        .fetch_all(&mut self.conn)
        .await
        .map_err(SqlError::from)?;
        for (table, column) in numbered {
            let sql = format!(
                "SELECT setval(pg_get_serial_sequence('{table}', '{column}'), (SELECT coalesce(max({column}), 0) + 1 FROM {table}), false)"
            );
            sqlx::query(AssertSqlSafe(sql)).execute(&mut self.conn).await.map_err(SqlError::from)?;
        }
        // a table whose deferred constraints are not checked yet cannot be altered
        sqlx::query("SET CONSTRAINTS ALL IMMEDIATE").execute(&mut self.conn).await.map_err(SqlError::from)?;
        switch(&mut self.conn, Triggers::Enable).await?;
        upkeep::skip_change_numbers(&mut self.conn).await?;
        sqlx::query("COMMIT").execute(&mut self.conn).await.map_err(SqlError::from)?;
        sqlx::query("ANALYZE").execute(&mut self.conn).await.map_err(SqlError::from)?;
        self.conn.close().await.map_err(|error| unavailable(&error))
    }
}

#[derive(Clone, Copy)]
enum Triggers {
    Disable,
    Enable,
}

/// Within the transaction of the import: if that does not end well, they are as they were.
async fn switch(conn: &mut PgConnection, to: Triggers) -> Result<(), SqlError> {
    let word = match to {
        Triggers::Disable => "DISABLE",
        Triggers::Enable => "ENABLE",
    };
    for (table, trigger) in LEFT_OUT {
        let sql = format!("ALTER TABLE {table} {word} TRIGGER {trigger}");
        sqlx::query(AssertSqlSafe(sql)).execute(&mut *conn).await?;
    }
    Ok(())
}

/// The tables with the types of their columns, partitions left out.
async fn tables(conn: &mut PgConnection) -> Result<BTreeMap<String, BTreeMap<String, String>>, SqlError> {
    let rows = sqlx::query(
        "SELECT c.oid::regclass::text AS name, a.attname AS column, format_type(a.atttypid, NULL) AS type
         FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
         WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
           AND c.relname NOT LIKE '\\_sqlx\\_%' AND c.relname <> ALL ($1)",
    )
    .bind(OWN_TABLES.to_vec())
    .fetch_all(conn)
    .await?;
    let mut tables: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for row in &rows {
        tables.entry(row.try_get("name")?).or_default().insert(row.try_get("column")?, row.try_get("type")?);
    }
    Ok(tables)
}

/// A value as COPY's text format has it. <https://www.postgresql.org/docs/current/sql-copy.html>
fn field(text: &mut String, kind: Option<&str>, value: &Value) -> Result<(), SqlError> {
    let Some(kind) = kind else { return Err(SqlError(StoreError::Damaged("a column is not there".into()))) };
    match (kind, value) {
        (_, Value::Null) => text.push_str("\\N"),
        ("boolean", Value::Int(flag)) => text.push(if *flag == 0 { 'f' } else { 't' }),
        ("bigint", Value::Int(number)) => {
            let _ = write!(text, "{number}");
        }
        ("text", Value::Text(value)) => escape(text, &clean(value)),
        ("uuid", Value::Bytes(bytes)) => {
            let id =
                Uuid::from_slice(bytes).map_err(|_| SqlError(StoreError::Damaged("an id has not 16 bytes".into())))?;
            let _ = write!(text, "{id}");
        }
        ("bytea", Value::Bytes(bytes)) => {
            text.push_str("\\\\x");
            for byte in bytes {
                let _ = write!(text, "{byte:02x}");
            }
        }
        (kind, value) => {
            let what = match value {
                Value::Null => "nothing",
                Value::Int(_) => "a number",
                Value::Text(_) => "text",
                Value::Bytes(_) => "bytes",
            };
            return Err(SqlError(StoreError::Damaged(format!("{what} cannot be kept as {kind}"))));
        }
    }
    Ok(())
}

fn escape(text: &mut String, value: &str) {
    for c in value.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            c => text.push(c),
        }
    }
}

/// Texts as an array's text form.
fn array(values: &[String]) -> String {
    let quoted: Vec<String> =
        values.iter().map(|value| format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))).collect();
    format!("{{{}}}", quoted.join(","))
}

fn number(value: &Value) -> Option<i64> {
    if let Value::Int(number) = value { Some(*number) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_written_as_copy_reads_them() {
        let written = |kind, value| {
            let mut text = String::new();
            field(&mut text, Some(kind), &value).map(|()| text).ok()
        };
        assert_eq!(written("text", Value::Text("a\tb\\c\n\0".into())).as_deref(), Some("a\\tb\\\\c\\n\u{fffd}"));
        assert_eq!(written("bytea", Value::Bytes(vec![0, 255])).as_deref(), Some("\\\\x00ff"));
        assert_eq!(written("boolean", Value::Int(1)).as_deref(), Some("t"));
        assert_eq!(written("uuid", Value::Bytes(vec![1; 15])), None);
        assert_eq!(written("bigint", Value::Text("1".into())), None);
        assert_eq!(array(&["a b".into(), "c\"\\".into()]), r#"{"a b","c\"\\"}"#);
    }
}
