//! The one writer: a task that owns the only writing connection. Commands queue up while a transaction is being made
//! durable and then share the next one, so many requests cost one fsync. Each command has a savepoint: one that fails is
//! undone alone. Nobody is answered before COMMIT.

use crate::{checkpoints::Checkpoints, codec::Done};
use sqlx::{Connection, SqliteConnection};
use std::{future::Future, pin::Pin, time::Duration};
use storage::{Result, StoreError};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

/// Commands that may wait in one queue; one more is told that the store is busy.
const QUEUE_COMMANDS: usize = 1024;
/// Commands of one transaction.
const BATCH_COMMANDS: usize = 256;
/// A transaction takes in no more commands after this long.
const BATCH_TIME: Duration = Duration::from_millis(10);
/// How many commands of each queue are taken in one round, first come the first queue's. Ingest goes first and the others
/// still move under a flood; a command of ingest brings up to 64 messages (see [`crate::group`]).
const ROUND: [usize; Turn::ALL] = [1, 8, 2];

/// In which queue a command waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Somebody outside waits for the acknowledgement.
    Ingest,
    /// What happens now.
    RealTime,
    /// Imports, sweeping.
    Batch,
}

impl Turn {
    const ALL: usize = 3;
}

pub(crate) type BoxFuture<'c, T> = Pin<Box<dyn Future<Output = T> + Send + 'c>>;

/// Something to be written, with somebody who waits for the answer.
pub(crate) trait Command: Send {
    /// Does the work and keeps the result.
    fn run<'c>(&'c mut self, conn: &'c mut SqliteConnection) -> BoxFuture<'c, Effect>;
    /// Answers: the kept result, or why nothing of the transaction is stored.
    fn answer(self: Box<Self>, lost: Option<&str>);
}

/// What a command leaves in its savepoint.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// What it did.
    Keep,
    /// Nothing.
    Undo,
}

struct Waiting<T, F> {
    work: Option<F>,
    result: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> Command for Waiting<T, F>
where
    T: Send,
    F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Done<T>> + Send,
{
    fn run<'c>(&'c mut self, conn: &'c mut SqliteConnection) -> BoxFuture<'c, Effect> {
        Box::pin(async move {
            let Some(work) = self.work.take() else { return Effect::Undo };
            let result = work(conn).await.map_err(StoreError::from);
            let effect = if result.is_ok() { Effect::Keep } else { Effect::Undo };
            self.result = Some(result);
            effect
        })
    }

    fn answer(self: Box<Self>, lost: Option<&str>) {
        let answer = match (self.result, lost) {
            // an error stays what it is whether or not the others were stored
            (Some(Err(error)), _) => Err(error),
            (Some(result), None) => result,
            (_, Some(why)) => Err(StoreError::Unavailable(why.to_owned())),
            (None, None) => Err(StoreError::Unavailable("not done".to_owned())),
        };
        // nobody there any more: the work is done all the same
        drop(self.reply.send(answer));
    }
}

/// The queues in front of the writing task. The task ends when the last of these is dropped and the queues are empty.
pub(crate) struct Writer {
    queues: [mpsc::Sender<Box<dyn Command>>; Turn::ALL],
}

impl Writer {
    /// Starts the task. `held` is kept until it has ended: the lock of the file.
    pub(crate) fn start(conn: SqliteConnection, checkpoints: Option<Checkpoints>, held: impl Send + 'static) -> Self {
        let (ingest, from_ingest) = mpsc::channel(QUEUE_COMMANDS);
        let (real_time, from_real_time) = mpsc::channel(QUEUE_COMMANDS);
        let (batch, from_batch) = mpsc::channel(QUEUE_COMMANDS);
        let queues = Queues { queues: [from_ingest, from_real_time, from_batch], left: ROUND };
        tokio::spawn(async move {
            write(conn, queues, checkpoints).await;
            drop(held);
        });
        Self { queues: [ingest, real_time, batch] }
    }

    /// Does the work in the next transaction; answers once it is durable.
    pub(crate) async fn write<T, F>(&self, turn: Turn, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Done<T>> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.send(turn, Box::new(Waiting { work: Some(work), result: None, reply }))?;
        answer.await.unwrap_or_else(|_| Err(StoreError::Unavailable("the writer ended before the answer".to_owned())))
    }

    /// Queues a command; it answers whoever waits for it.
    pub(crate) fn send(&self, turn: Turn, command: Box<dyn Command>) -> Result<()> {
        self.queues[turn as usize].try_send(command).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Busy,
            mpsc::error::TrySendError::Closed(_) => StoreError::Unavailable("the writer has ended".to_owned()),
        })
    }
}

struct Queues {
    queues: [mpsc::Receiver<Box<dyn Command>>; Turn::ALL],
    left: [usize; Turn::ALL],
}

impl Queues {
    /// The next command, waiting for it; none when nobody can send any more.
    async fn wait(&mut self) -> Option<Box<dyn Command>> {
        let [ingest, real_time, batch] = &mut self.queues;
        tokio::select! {
            biased;
            Some(command) = ingest.recv() => Some(command),
            Some(command) = real_time.recv() => Some(command),
            Some(command) = batch.recv() => Some(command),
            else => None,
        }
    }

    /// The next command that is there already.
    fn next(&mut self) -> Option<Box<dyn Command>> {
        for _ in 0..2 {
            for (queue, left) in self.queues.iter_mut().zip(&mut self.left) {
                if *left > 0
                    && let Ok(command) = queue.try_recv()
                {
                    *left -= 1;
                    return Some(command);
                }
            }
            // the round is over
            self.left = ROUND;
        }
        None
    }
}

async fn write(mut conn: SqliteConnection, mut queues: Queues, checkpoints: Option<Checkpoints>) {
    while let Some(first) = queues.wait().await {
        let mut done = Vec::new();
        let outcome = transaction(&mut conn, first, &mut queues, &mut done).await;
        let lost = outcome.err().map(|error| {
            tracing::error!(commands = done.len(), "a transaction was lost: {error}");
            format!("nothing was stored: {error}")
        });
        for command in done {
            command.answer(lost.as_deref());
        }
        if let (None, Some(checkpoints)) = (&lost, &checkpoints) {
            checkpoints.committed();
        }
    }
    if let Some(checkpoints) = checkpoints {
        checkpoints.end().await;
    }
    if let Err(error) = conn.close().await {
        tracing::warn!("the database was not closed well: {error}");
    }
}

/// One transaction: the first command and whatever is waiting, up to the limits. Each statement to the database is a
/// trip to another thread, so what belongs together goes in one.
async fn transaction(
    conn: &mut SqliteConnection,
    first: Box<dyn Command>,
    queues: &mut Queues,
    done: &mut Vec<Box<dyn Command>>,
) -> sqlx::Result<()> {
    let began = Instant::now();
    if let Err(error) = execute(conn, "BEGIN IMMEDIATE; SAVEPOINT command").await {
        done.push(first);
        // whoever waits behind it would be told the same after the same wait, one after the other
        done.extend(std::iter::from_fn(|| queues.next()).take(QUEUE_COMMANDS * Turn::ALL));
        return Err(error);
    }
    let mut command = first;
    loop {
        let effect = command.run(conn).await;
        done.push(command);
        if effect == Effect::Undo {
            // leaves the savepoint open, for the next command
            undo(conn).await?;
        }
        let room = done.len() < BATCH_COMMANDS && began.elapsed() < BATCH_TIME;
        let Some(next) = room.then(|| queues.next()).flatten() else { break };
        command = next;
        if effect == Effect::Keep
            && let Err(error) = execute(conn, "RELEASE command; SAVEPOINT command").await
        {
            done.push(command);
            give_up(conn).await;
            return Err(error);
        }
    }
    if let Err(error) = execute(conn, "COMMIT").await {
        give_up(conn).await;
        return Err(error);
    }
    Ok(())
}

async fn undo(conn: &mut SqliteConnection) -> sqlx::Result<()> {
    let undone = execute(conn, "ROLLBACK TO command").await;
    if undone.is_err() {
        // the engine has given up the whole transaction (no space, I/O error): nothing of it is kept
        give_up(conn).await;
    }
    undone
}

/// Ends a transaction that cannot be kept, whether or not the engine has ended it already.
async fn give_up(conn: &mut SqliteConnection) {
    drop(execute(conn, "ROLLBACK").await);
}

pub(crate) async fn execute(conn: &mut SqliteConnection, sql: &'static str) -> sqlx::Result<()> {
    sqlx::query(sql).execute(conn).await.map(|_| ())
}
