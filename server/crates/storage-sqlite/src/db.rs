//! The connection as the areas of `storage-sql` see it, and their statements as the hot path does them. A statement is a call
//! into the engine on the thread that has the connection, so the futures are always ready and are driven without waiting.

use crate::{SqliteStore, error::failed, writer::Priority};
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
        query.rows(self.0)
    }

    async fn execute(&mut self, query: Query) -> Result<u64> {
        query.run(self.0)
    }

    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }
}

/// Does what an area of `storage-sql` says.
pub(crate) fn drive<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => Err(StoreError::Unavailable("a statement was not done at once".into())),
    }
}

/// A statement, done on a connection.
pub(crate) trait Run: Sized {
    /// All rows that it gives.
    fn rows(self, conn: &Connection) -> Result<Vec<Row>>;

    /// The first row, where there is one.
    fn first(self, conn: &Connection) -> Result<Option<Row>> {
        Ok(self.rows(conn)?.into_iter().next())
    }

    /// Does it; how many rows it changed.
    fn run(self, conn: &Connection) -> Result<u64>;
}

impl Run for Query {
    fn rows(self, conn: &Connection) -> Result<Vec<Row>> {
        rows(conn, self).map_err(failed)
    }

    fn run(self, conn: &Connection) -> Result<u64> {
        let text = self.text_for(Dialect::Sqlite);
        let values = params_from_iter(self.values.into_iter().map(value));
        let done = conn.prepare_cached(&text).and_then(|mut statement| statement.execute(values));
        Ok(done.map_err(failed)? as u64)
    }
}

fn rows(conn: &Connection, query: Query) -> rusqlite::Result<Vec<Row>> {
    let mut statement = conn.prepare_cached(&query.text_for(Dialect::Sqlite))?;
    let mut names: Option<Arc<[String]>> = None;
    let mut rows = statement.query(params_from_iter(query.values.into_iter().map(value)))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let names = names.get_or_insert_with(|| row.as_ref().column_names().into_iter().map(str::to_owned).collect());
        let values = (0..names.len()).map(|column| Ok(read(row.get(column)?))).collect::<rusqlite::Result<_>>()?;
        found.push(Row::new(Arc::clone(names), values));
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
        self.writer.write(Priority::of(lane), move |conn| drive(work.clone()(&mut Sqlite(conn)))).await
    }

    async fn settle(&self) -> Result<bool> {
        crate::erasure::settle(self).await
    }
}
