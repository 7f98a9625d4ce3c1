//! The storage areas that are the same SQL on every engine, written once over [`Db`]. An engine implements [`Db`] (one
//! statement) and [`Engine`] (one transaction) and wraps itself in [`Sql`], which implements the traits of `storage`.
//! What has to be fast, or is different by nature, stays in the engines.
//!
//! The text of a statement is written as SQLite takes it, with `?` or `?1` for values; [`dialect`] makes PostgreSQL's of it
//! and knows the few points where the two differ. No clock and no randomness here: times and ids are arguments.

pub mod codec;
pub mod dialect;
pub mod lock;
mod query;
mod row;

pub mod audit;
pub mod cases;
pub mod connections;
pub mod counter;
pub mod destinations;
pub mod erasure;
pub mod exceptions;
mod figures;
pub mod jobs;
pub mod keys;
pub mod mappings;
pub mod order_problems;
pub mod people;
mod queue;
pub mod replays;
mod schedules;
mod work;

pub use dialect::Dialect;
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

    /// See [`storage::erasure::Erasure::settle`].
    async fn settle(&self) -> Result<bool> {
        Ok(true)
    }
}

/// The traits of `storage` on an engine.
#[derive(Clone)]
pub struct Sql<E>(pub E);
