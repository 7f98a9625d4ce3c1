//! The storage areas that are the same SQL on every engine, written once over [`Db`]. An engine implements [`Db`] (one
//! statement), [`Engine`] (one transaction) and [`HotPath`] (what has to be fast), and wraps itself in [`Sql`], which implements
//! the traits of `storage`.
//!
//! The text of a statement is written as SQLite takes it, with `?` or `?1` for values; [`dialect`] makes PostgreSQL's of it
//! and knows the few points where the two differ. No clock and no randomness here: times and ids are arguments.

pub mod codec;
pub mod dialect;
pub mod lock;
mod query;
mod row;

mod alerts;
pub mod audit;
mod bookings;
pub mod cases;
mod claims;
pub mod connections;
pub mod counter;
pub mod destinations;
pub mod erasure;
pub mod exceptions;
pub mod facts;
mod figures;
mod hot;
pub mod inbox;
pub mod jobs;
pub mod keys;
mod learned;
pub mod mappings;
pub mod order_problems;
mod queue;
mod reconciliations;
pub mod replays;
mod reports;
pub mod rollups;
pub mod rows;
mod rules;
mod schedules;
mod sessions;
mod settings;
pub mod shipments;
pub mod trackers;
pub mod unknown;
mod users;

pub use dialect::Dialect;
pub use hot::HotPath;
pub use query::{Query, Value, query};
pub use row::Row;

use async_trait::async_trait;
use std::{future::Future, pin::Pin};
use storage::{Result, jobs::Lane};

/// A connection, within a transaction.
#[async_trait]
pub trait Db: Send {
    /// All rows that a statement gives.
    async fn all(&mut self, query: Query) -> Result<Vec<Row>>;

    /// Does a statement; how many rows it changed.
    async fn execute(&mut self, query: Query) -> Result<u64>;

    /// How the engine wants its SQL.
    fn dialect(&self) -> Dialect;
}

/// What is done on a connection.
pub type BoxFuture<'c, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'c>>;

/// An engine: transactions.
#[async_trait]
pub trait Engine: Send + Sync + 'static {
    /// Asks on behalf of a person. Everything that is asked sees one moment.
    async fn read<T, F>(&self, question: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut dyn Db) -> BoxFuture<'c, T> + Send + 'static;

    /// Asks on behalf of a job: not held up by people's questions. Each statement sees a moment of its own.
    async fn look_up<T, F>(&self, question: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut dyn Db) -> BoxFuture<'c, T> + Send + 'static,
    {
        self.read(question).await
    }

    /// Writes in one transaction. The work may be done more than once: all but the last time is rolled back.
    async fn write<T, F>(&self, lane: Lane, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut dyn Db) -> BoxFuture<'c, T> + Clone + Send + 'static;

    /// Writes by one statement, which is a transaction of its own; how many rows it changed.
    async fn write_one(&self, lane: Lane, query: Query) -> Result<u64> {
        self.write(lane, move |db| Box::pin(async move { query.execute(db).await })).await
    }

    /// See [`storage::erasure::Erasure::settle`].
    async fn settle(&self) -> Result<bool> {
        Ok(true)
    }
}

/// The traits of `storage` on an engine.
#[derive(Clone)]
pub struct Sql<E>(pub E);

impl<E: Engine> Sql<E> {
    /// The rows of one question, each as it is read.
    async fn rows<T: Send + 'static>(&self, question: Query, read: fn(&Row) -> Result<T>) -> Result<Vec<T>> {
        self.0.read(move |db| Box::pin(async move { question.all(db).await?.iter().map(read).collect() })).await
    }

    /// The first row of one question, as it is read.
    async fn row<T: Send + 'static>(&self, question: Query, read: fn(&Row) -> Result<T>) -> Result<Option<T>> {
        self.0
            .read(move |db| Box::pin(async move { question.optional(db).await?.as_ref().map(read).transpose() }))
            .await
    }
}
