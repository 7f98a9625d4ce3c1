//! The work's connections. The one that was used last is used next, so that no more of them are warm than there is work
//! for. One that is given back is used again as it is: to ask the server whether it is well costs as much as a small
//! statement, and the work goes through thousands of them in a second. It is asked where somebody left without giving it
//! back (an error, a task that was cancelled), which takes back what was begun there; and where nobody used it for a while.

use crate::codec::SqlError;
use deadpool::{
    Runtime,
    managed::{self, Metrics, Object, Pool, PoolError, QueueMode, RecycleError, RecycleResult},
};
use sqlx::{Connection as _, PgConnection, postgres::PgConnectOptions};
use std::{
    ops::{Deref, DerefMut},
    time::Duration,
};
use storage::StoreError;

/// How long a command waits for a connection before the store is called busy.
pub(crate) const WAIT: Duration = Duration::from_secs(10);
/// A connection that was unused for longer is tried before it is used: the server may have been restarted.
pub(crate) const UNTRIED_IDLE: Duration = Duration::from_secs(1);
/// An older one is replaced: what the server keeps for it grows, and the address may lead to another server by then.
const LIFETIME: Duration = Duration::from_secs(30 * 60);

/// So many at most.
#[derive(Clone)]
pub(crate) struct Connections(Pool<Opener>);

impl Connections {
    /// None is opened yet.
    pub(crate) fn new(options: PgConnectOptions, at_most: u32) -> Self {
        let pool = Pool::builder(Opener(options))
            .max_size(at_most as usize)
            .queue_mode(QueueMode::Lifo)
            .wait_timeout(Some(WAIT))
            .create_timeout(Some(WAIT))
            .recycle_timeout(Some(WAIT))
            .runtime(Runtime::Tokio1)
            .build()
            .expect("a pool with time-outs has a runtime");
        Self(pool)
    }

    pub(crate) async fn acquire(&self) -> Result<Connection, SqlError> {
        match self.0.get().await {
            Ok(object) => Ok(Connection(Some(object))),
            Err(PoolError::Backend(error)) => Err(error.into()),
            Err(_) => Err(SqlError(StoreError::Unavailable("no connection to the database is to be had".into()))),
        }
    }
}

/// One of them, for a while.
pub(crate) struct Connection(Option<Object<Opener>>);

impl Connection {
    /// Nothing is under way on it.
    pub(crate) fn give_back(mut self) {
        drop(self.0.take());
    }
}

impl Deref for Connection {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.0.as_ref().expect("there until it is given back")
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.0.as_mut().expect("there until it is given back")
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let Some(mut object) = self.0.take() else { return };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(async move {
                if !matches!(tokio::time::timeout(WAIT, object.ping()).await, Ok(Ok(()))) {
                    drop(Object::take(object));
                }
            })),
            // with the runtime its connections end
            Err(_) => drop(Object::take(object)),
        }
    }
}

struct Opener(PgConnectOptions);

impl managed::Manager for Opener {
    type Type = PgConnection;
    type Error = sqlx::Error;

    async fn create(&self) -> sqlx::Result<PgConnection> {
        PgConnection::connect_with(&self.0).await
    }

    async fn recycle(&self, conn: &mut PgConnection, metrics: &Metrics) -> RecycleResult<sqlx::Error> {
        if metrics.age() > LIFETIME {
            return Err(RecycleError::message("it has served its time"));
        }
        if metrics.last_used() > UNTRIED_IDLE {
            conn.ping().await?;
        }
        Ok(())
    }
}
