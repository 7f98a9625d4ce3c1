//! The connection as the areas of `storage-sql` see it. A statement is a call into the engine on the thread that has the
//! connection, so their futures are always ready and are driven without waiting.

use crate::{SqliteStore, codec::SqlError, writer::Priority};
use async_trait::async_trait;
use rusqlite::{Connection, params_from_iter, types};
use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};
use storage::{Result, StoreError, jobs::Lane, transfer};
use storage_sql::{BoxFuture, Db, Dialect, Engine, Query, Row, Value, codec::json};

/// A connection within a transaction. It is borrowed exclusively: only so may it go to another thread.
pub(crate) struct Sqlite<'c>(pub(crate) &'c mut Connection);

#[async_trait]
impl Db for Sqlite<'_> {
    async fn all(&mut self, query: Query) -> Result<Vec<Row>> {
        Ok(rows(self.0, query)?)
    }

    async fn execute(&mut self, query: Query) -> Result<u64> {
        let text = Dialect::Sqlite.of(&query.text);
        let values = params_from_iter(query.values.into_iter().map(value));
        let done = self.0.prepare_cached(&text).and_then(|mut statement| statement.execute(values));
        Ok(done.map_err(SqlError::from)? as u64)
    }

    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }
}

/// Does what an area of `storage-sql` says.
pub(crate) fn drive<T>(work: impl Future<Output = Result<T>>) -> Result<T, SqlError> {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done.map_err(SqlError),
        Poll::Pending => Err(SqlError(StoreError::Unavailable("a statement was not done at once".into()))),
    }
}

fn rows(conn: &Connection, query: Query) -> Result<Vec<Row>, SqlError> {
    let mut statement = conn.prepare_cached(&Dialect::Sqlite.of(&query.text))?;
    let names: Arc<[String]> = statement.column_names().into_iter().map(str::to_owned).collect();
    let mut rows = statement.query(params_from_iter(query.values.into_iter().map(value)))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let values = (0..names.len()).map(|column| Ok(read(row.get(column)?))).collect::<rusqlite::Result<_>>()?;
        found.push(Row::new(Arc::clone(&names), values));
    }
    Ok(found)
}

/// A value as the engine takes it; lists are JSON, for `json_each`.
fn value(value: Value) -> types::Value {
    let text = |text| Some(types::Value::Text(text));
    let value = match value {
        Value::Int(number) => number.map(types::Value::Integer),
        Value::Flag(flag) => Some(types::Value::Integer(flag.into())),
        Value::Text(text) => text.map(types::Value::Text),
        Value::Bytes(bytes) => bytes.map(types::Value::Blob),
        Value::Id(id) => id.map(|id| types::Value::Blob(id.as_bytes().to_vec())),
        Value::Ids(ids) => text(json(&ids.iter().map(|id| id.simple().to_string()).collect::<Vec<_>>())),
        Value::Texts(texts) => text(json(&texts)),
        Value::Ints(numbers) => text(json(&numbers)),
    };
    value.unwrap_or(types::Value::Null)
}

fn read(value: types::Value) -> transfer::Value {
    match value {
        types::Value::Null => transfer::Value::Null,
        types::Value::Integer(number) => transfer::Value::Int(number),
        types::Value::Text(text) => transfer::Value::Text(text),
        types::Value::Blob(bytes) => transfer::Value::Bytes(bytes),
        // no column of ours is one: all tables are STRICT
        types::Value::Real(number) => transfer::Value::Text(number.to_string()),
    }
}

#[async_trait]
impl Engine for SqliteStore {
    async fn read<T, F>(&self, question: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut dyn Db) -> BoxFuture<'c, T> + Send + 'static,
    {
        self.readers.ask(move |conn| drive(question(&mut Sqlite(conn)))).await
    }

    async fn write<T, F>(&self, lane: Lane, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut dyn Db) -> BoxFuture<'c, T> + Clone + Send + 'static,
    {
        let priority = match lane {
            Lane::RealTime => Priority::RealTime,
            Lane::Batch => Priority::Batch,
        };
        self.writer.write(priority, move |conn| drive(work.clone()(&mut Sqlite(conn)))).await
    }

    async fn settle(&self) -> Result<bool> {
        crate::erasure::settle(self).await
    }
}
