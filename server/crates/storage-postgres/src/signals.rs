//! Wake-ups between nodes by LISTEN and NOTIFY. A NOTIFY makes its transaction wait for every other one that has one, so
//! they are sent from a connection of their own, once for whatever came together. One that is lost is made good by
//! polling.

use crate::{codec::SqlError, connections::Connections};
use sqlx::{PgPool, postgres::PgListener};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};
use storage::signals::{Signal, Signals};
use tokio::{
    sync::{Notify, broadcast},
    task::AbortHandle,
};

/// The channel; databases do not share channels.
const CHANNEL: &str = "milepost";
/// What comes within this time goes out together: workers do not claim more often.
const TOGETHER: Duration = Duration::from_millis(10);
/// After a lost connection the next is tried so much later.
const AGAIN: Duration = Duration::from_secs(1);
/// Signals that a slow listener may be behind; it then takes all of them as given.
const BACKLOG: usize = 64;

/// The sender's and the listener's end.
#[derive(Clone)]
pub(crate) struct PgSignals {
    received: broadcast::Sender<Signal>,
    outgoing: Arc<Outgoing>,
    _tasks: Arc<Tasks>,
}

/// They end with the store.
struct Tasks([AbortHandle; 2]);

impl Drop for Tasks {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

#[derive(Default)]
struct Outgoing {
    /// One bit for each kind of signal that is to go out.
    due: AtomicU8,
    woken: Notify,
}

impl PgSignals {
    pub(crate) fn start(connections: Connections, for_listening: PgPool) -> Self {
        let (received, outgoing) = (broadcast::Sender::new(BACKLOG), Arc::<Outgoing>::default());
        let listening = tokio::spawn(listen(for_listening, received.clone()));
        let sending = tokio::spawn(send(connections, Arc::clone(&outgoing)));
        let tasks = Tasks([listening.abort_handle(), sending.abort_handle()]);
        Self { received, outgoing, _tasks: Arc::new(tasks) }
    }
}

impl Signals for PgSignals {
    fn send(&self, signal: Signal) {
        self.outgoing.due.fetch_or(1 << signal as u8, Ordering::AcqRel);
        self.outgoing.woken.notify_one();
    }

    fn subscribe(&self) -> broadcast::Receiver<Signal> {
        self.received.subscribe()
    }
}

async fn send(connections: Connections, outgoing: Arc<Outgoing>) {
    loop {
        outgoing.woken.notified().await;
        tokio::time::sleep(TOGETHER).await;
        let due = outgoing.due.swap(0, Ordering::AcqRel);
        for signal in Signal::ALL.iter().filter(|signal| due & (1 << **signal as u8) != 0) {
            if let Err(SqlError(error)) = notify(&connections, *signal).await {
                tracing::debug!("a wake-up was not sent, polling makes it good: {error}");
            }
        }
    }
}

async fn notify(connections: &Connections, signal: Signal) -> Result<(), SqlError> {
    let mut conn = connections.acquire().await?;
    sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(signal.code()).execute(&mut *conn).await?;
    conn.give_back();
    Ok(())
}

async fn listen(pool: PgPool, received: broadcast::Sender<Signal>) {
    loop {
        if let Err(error) = receive(&pool, &received).await {
            tracing::debug!("wake-ups of other nodes are not heard, polling makes it good: {error}");
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn receive(pool: &PgPool, received: &broadcast::Sender<Signal>) -> sqlx::Result<()> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    while let Some(notification) = listener.try_recv().await? {
        if let Some(signal) = Signal::from_code(notification.payload()) {
            // nobody listens yet
            drop(received.send(signal));
        }
    }
    Ok(())
}
