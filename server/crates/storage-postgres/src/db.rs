//! The connection as the areas of `storage-sql` see it.

use crate::{PostgresStore, codec::SqlError};
use async_trait::async_trait;
use sqlx::{
    Arguments, AssertSqlSafe, Column, PgConnection, Row as _, TypeInfo, ValueRef,
    postgres::{PgArguments, PgRow},
};
use std::sync::Arc;
use storage::{Result, StoreError, jobs::Lane, transfer};
use storage_sql::{BoxFuture, Db, Dialect, Engine, Query, Row, Value, codec::clean};
use uuid::Uuid;

/// A connection within a transaction.
pub(crate) struct Pg<'c>(pub(crate) &'c mut PgConnection);

#[async_trait]
impl Db for Pg<'_> {
    async fn all(&mut self, query: Query) -> Result<Vec<Row>> {
        let (text, values) = prepared(query)?;
        let rows = sqlx::query_with(text, values).fetch_all(&mut *self.0).await.map_err(SqlError::from)?;
        Ok(rows_of(&rows)?)
    }

    async fn execute(&mut self, query: Query) -> Result<u64> {
        let (text, values) = prepared(query)?;
        Ok(sqlx::query_with(text, values).execute(&mut *self.0).await.map_err(SqlError::from)?.rows_affected())
    }

    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }
}

/// The texts are the constants of `storage-sql`; values go beside them.
fn prepared(query: Query) -> Result<(AssertSqlSafe<Arc<str>>, PgArguments), SqlError> {
    let text = query.text_for(Dialect::Postgres);
    let mut values = PgArguments::default();
    for value in query.values {
        let added = match value {
            Value::Int(number) => values.add(number),
            Value::Flag(flag) => values.add(flag),
            Value::Text(text) => values.add(text.as_deref().map(clean).as_deref()),
            Value::Bytes(bytes) => values.add(bytes),
            Value::Id(id) => values.add(id),
            Value::Ids(ids) => values.add(ids),
            Value::Texts(texts) => values.add(texts.iter().map(|text| clean(text)).collect::<Vec<_>>()),
            Value::Ints(numbers) => values.add(numbers),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok((AssertSqlSafe(text), values))
}

/// Rows as the areas of `storage-sql` read them.
pub(crate) fn rows_of(rows: &[PgRow]) -> Result<Vec<Row>, SqlError> {
    let Some(first) = rows.first() else { return Ok(Vec::new()) };
    let names: Arc<[String]> = first.columns().iter().map(|column| column.name().to_owned()).collect();
    rows.iter()
        .map(|row| {
            let values = (0..names.len()).map(|column| value(row, column)).collect::<Result<_, SqlError>>()?;
            Ok(Row::new(Arc::clone(&names), values))
        })
        .collect()
}

/// As SQLite has them: yes and no are numbers, ids are bytes.
fn value(row: &PgRow, column: usize) -> Result<transfer::Value, SqlError> {
    let raw = row.try_get_raw(column)?;
    if raw.is_null() {
        return Ok(transfer::Value::Null);
    }
    Ok(match raw.type_info().name() {
        "INT8" => transfer::Value::Int(row.try_get(column)?),
        "INT4" => transfer::Value::Int(row.try_get::<i32, _>(column)?.into()),
        "BOOL" => transfer::Value::Int(row.try_get::<bool, _>(column)?.into()),
        "TEXT" => transfer::Value::Text(row.try_get(column)?),
        "BYTEA" => transfer::Value::Bytes(row.try_get(column)?),
        "UUID" => transfer::Value::Bytes(row.try_get::<Uuid, _>(column)?.as_bytes().to_vec()),
        // what a function without a value gives (an advisory lock)
        "VOID" => transfer::Value::Null,
        other => return Err(SqlError(StoreError::Damaged(format!("a column is of type {other}")))),
    })
}

#[async_trait]
impl Engine for PostgresStore {
    async fn read<T, F>(&self, question: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut dyn Db) -> BoxFuture<'c, T> + Send + 'static,
    {
        let mut moment = self.moment().await?;
        question(&mut Pg(&mut moment)).await
    }

    async fn look_up<T, F>(&self, question: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut dyn Db) -> BoxFuture<'c, T> + Send + 'static,
    {
        let mut conn = self.connections.acquire().await?;
        let answer = question(&mut Pg(&mut conn)).await?;
        conn.give_back();
        Ok(answer)
    }

    async fn write<T, F>(&self, lane: Lane, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut dyn Db) -> BoxFuture<'c, T> + Clone + Send + 'static,
    {
        PostgresStore::write(self, lane, move |conn| Box::pin(async move { Ok(work(&mut Pg(conn)).await?) })).await
    }

    /// That saves two of three trips.
    async fn write_one(&self, lane: Lane, query: Query) -> Result<u64> {
        self.write_alone(lane, move |conn| Box::pin(async move { Ok(query.execute(&mut Pg(conn)).await?) })).await
    }
}
