//! The one writer: a thread that owns the only writing connection. Commands queue up while a transaction is being made
//! durable and then share the next one, so many requests cost one fsync. Where one of them fails, the transaction is
//! taken back and each is done again in a savepoint of its own, so that the one is undone alone. Nobody is answered
//! before COMMIT.

use crate::checkpoints::Checkpoints;
use rusqlite::Connection;
use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};
use storage::{Result, StoreError, jobs::Lane};
use tokio::{runtime::Handle, sync::oneshot};

/// Commands that may wait in one queue; one more gets "busy".
const QUEUE_COMMANDS: usize = 1024;
/// Commands of one transaction.
const BATCH_COMMANDS: usize = 256;
/// A transaction takes in no more commands after this long.
const BATCH_TIME: Duration = Duration::from_millis(10);
/// How many commands of each queue are taken in one round, first come the first queue's. Ingest goes first, and the others
/// still move under a flood.
const ROUND: [usize; Priority::ALL] = [64, 8, 2];

/// In which queue a command waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Priority {
    /// Somebody outside waits for the acknowledgement.
    Ingest,
    /// What happens now.
    RealTime,
    /// Imports, sweeping.
    Batch,
}

impl Priority {
    const ALL: usize = 3;

    /// Of a lane.
    pub(crate) const fn of(lane: Lane) -> Self {
        match lane {
            Lane::RealTime => Self::RealTime,
            Lane::Batch => Self::Batch,
        }
    }
}

/// Something to be written, with somebody who waits for the answer.
trait Command: Send {
    /// Does the work and keeps the result; whether it went well. What was done before may have been taken back.
    fn run(&mut self, conn: &mut Connection) -> bool;
    /// Answers: the kept result, or why nothing of the transaction is stored.
    fn answer(self: Box<Self>, lost: Option<&str>);
}

struct Waiting<T, F> {
    work: F,
    result: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> Command for Waiting<T, F>
where
    T: Send,
    F: Fn(&mut Connection) -> Result<T> + Send,
{
    fn run(&mut self, conn: &mut Connection) -> bool {
        // a panic is that command's failure and not the writer's: what it did is taken back
        let done = catch_unwind(AssertUnwindSafe(|| (self.work)(conn)));
        let panicked = |_| Err(StoreError::Unavailable("the command panicked".to_owned()));
        let result = done.unwrap_or_else(panicked);
        let well = result.is_ok();
        self.result = Some(result);
        well
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

/// The queues in front of the writing thread. It ends when this is dropped and the queues are empty.
pub(crate) struct Writer(Arc<Queues>);

impl Writer {
    /// Starts the thread, from within the runtime of those who wait. `held` is kept until it has ended: the lock of the file.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub(crate) fn start(
        conn: Connection,
        checkpoints: Option<Checkpoints>,
        held: impl Send + 'static,
    ) -> std::io::Result<Self> {
        let queues = Arc::<Queues>::default();
        let (served, runtime) = (Served(Arc::clone(&queues)), Handle::current());
        thread::Builder::new().name("sqlite-writer".into()).spawn(move || {
            write(conn, &served.0, checkpoints, &runtime);
            drop((served, held));
        })?;
        Ok(Self(queues))
    }

    /// Does the work in the next transaction; answers once it is durable. The work may be done more than once: all but the
    /// last time is taken back.
    pub(crate) async fn write<T, F>(&self, priority: Priority, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut Connection) -> Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.0.put(priority, Box::new(Waiting { work, result: None, reply }))?;
        answer.await.unwrap_or_else(|_| Err(StoreError::Unavailable("the writer ended before the answer".to_owned())))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.0.state().ending = true;
        self.0.more.notify_one();
    }
}

#[derive(Default)]
struct Queues {
    state: Mutex<State>,
    more: Condvar,
}

#[derive(Default)]
struct State {
    queues: [VecDeque<Box<dyn Command>>; Priority::ALL],
    /// Nobody can come any more, or nobody serves them any more.
    ending: bool,
    /// How many of each queue may still be taken in this round.
    left: [usize; Priority::ALL],
}

impl Queues {
    /// A panic while it is held leaves it whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, priority: Priority, command: Box<dyn Command>) -> Result<()> {
        let mut state = self.state();
        if state.ending {
            return Err(StoreError::Unavailable("the writer has ended".to_owned()));
        }
        let queue = &mut state.queues[priority as usize];
        if queue.len() >= QUEUE_COMMANDS {
            return Err(StoreError::Busy);
        }
        queue.push_back(command);
        drop(state);
        self.more.notify_one();
        Ok(())
    }

    /// The next command, waiting for it; none when nobody can come any more.
    fn wait(&self) -> Option<Box<dyn Command>> {
        let mut state = self.state();
        loop {
            if let Some(command) = state.next() {
                return Some(command);
            }
            if state.ending {
                return None;
            }
            state = self.more.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The next command that is there already.
    fn next(&self) -> Option<Box<dyn Command>> {
        self.state().next()
    }
}

impl State {
    fn next(&mut self) -> Option<Box<dyn Command>> {
        for _ in 0..2 {
            for (queue, left) in self.queues.iter_mut().zip(&mut self.left) {
                if *left > 0
                    && let Some(command) = queue.pop_front()
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

/// However the thread ends, those who wait get an answer, and no command is taken any more.
struct Served(Arc<Queues>);

impl Drop for Served {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.ending = true;
        let left = std::mem::take(&mut state.queues);
        drop(state);
        drop(left);
    }
}

fn write(mut conn: Connection, queues: &Queues, checkpoints: Option<Checkpoints>, runtime: &Handle) {
    while let Some(first) = queues.wait() {
        let mut done = Vec::new();
        let outcome = transaction(&mut conn, first, queues, &mut done);
        let lost = outcome.err().map(|error| {
            tracing::error!(commands = done.len(), "a transaction was lost: {error}");
            format!("nothing was stored: {error}")
        });
        if let (None, Some(checkpoints)) = (&lost, &checkpoints) {
            checkpoints.committed();
        }
        // waking one who tells the others costs a thread outside the runtime less than waking each of them
        runtime.spawn(async move { done.into_iter().for_each(|command| command.answer(lost.as_deref())) });
    }
    if let Some(checkpoints) = checkpoints {
        checkpoints.end();
    }
    if let Err((_, error)) = conn.close() {
        tracing::warn!("the database was not closed well: {error}");
    }
}

/// One transaction: the first command and whatever is waiting, up to the limits.
fn transaction(
    conn: &mut Connection,
    first: Box<dyn Command>,
    queues: &Queues,
    done: &mut Vec<Box<dyn Command>>,
) -> rusqlite::Result<()> {
    let began = Instant::now();
    if let Err(error) = execute(conn, "BEGIN IMMEDIATE") {
        done.push(first);
        // those behind it would get the same answer after the same wait, one after the other
        done.extend(std::iter::from_fn(|| queues.next()).take(QUEUE_COMMANDS * Priority::ALL));
        return Err(error);
    }
    let (mut next, mut well) = (Some(first), true);
    while let Some(mut command) = next.filter(|_| well) {
        well = command.run(conn);
        done.push(command);
        let room = well && done.len() < BATCH_COMMANDS && began.elapsed() < BATCH_TIME;
        next = room.then(|| queues.next()).flatten();
    }
    let kept = if well { Ok(()) } else { each(conn, done) };
    let kept = kept.and_then(|()| execute(conn, "COMMIT"));
    if kept.is_err() {
        // the engine may have ended it already (no space, I/O error)
        drop(execute(conn, "ROLLBACK"));
    }
    kept
}

/// Does the commands again, each in a savepoint, in a transaction that is begun anew: that is cheaper than a savepoint for
/// each command that goes well, for which the engine keeps a copy of every page that it changes.
fn each(conn: &mut Connection, commands: &mut [Box<dyn Command>]) -> rusqlite::Result<()> {
    if !conn.is_autocommit() {
        execute(conn, "ROLLBACK")?;
    }
    execute(conn, "BEGIN IMMEDIATE")?;
    for command in commands {
        execute(conn, "SAVEPOINT command")?;
        if !command.run(conn) {
            execute(conn, "ROLLBACK TO command")?;
        }
        execute(conn, "RELEASE command")?;
    }
    Ok(())
}

fn execute(conn: &Connection, sql: &str) -> rusqlite::Result<()> {
    conn.prepare_cached(sql)?.execute(()).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Run as _;
    use std::sync::{
        atomic::{AtomicU32, Ordering},
        mpsc::channel,
    };
    use storage_sql::query;

    fn writer() -> Writer {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch("CREATE TABLE kept (number INTEGER PRIMARY KEY)").unwrap();
        Writer::start(conn, None, ()).unwrap()
    }

    async fn put(writer: &Writer, number: i64) -> Result<u64> {
        let put = move |conn: &mut Connection| query("INSERT INTO kept VALUES (?)").bind(number).run(conn);
        writer.write(Priority::RealTime, put).await
    }

    async fn kept(writer: &Writer) -> Vec<i64> {
        let all = |conn: &mut Connection| query("SELECT number FROM kept ORDER BY 1").rows(conn);
        let numbers = move |conn: &mut Connection| all(conn)?.iter().map(|row| row.int("number")).collect();
        writer.write(Priority::Batch, numbers).await.unwrap()
    }

    #[tokio::test]
    async fn of_commands_that_share_a_transaction_one_that_fails_is_undone_alone() {
        let (writer, tries) = (writer(), Arc::new(AtomicU32::new(0)));
        let (all_wait, begin) = channel::<()>();
        let begin = Mutex::new(begin);
        let first = writer.write(Priority::RealTime, move |conn| {
            // the sender is gone when the others wait, and when this is done again
            let _ = begin.lock().unwrap().recv();
            query("INSERT INTO kept VALUES (1)").run(conn)
        });
        let counted = Arc::clone(&tries);
        let wrong = writer.write(Priority::RealTime, move |conn| -> Result<()> {
            counted.fetch_add(1, Ordering::Relaxed);
            query("INSERT INTO kept VALUES (2)").run(conn)?;
            Err(StoreError::NotFound("what it needs"))
        });
        let again = put(&writer, 1);
        let last = put(&writer, 3);
        let (first, wrong, again, last, ()) = tokio::join!(first, wrong, again, last, async { drop(all_wait) });
        assert!(matches!((first, last), (Ok(1), Ok(1))));
        assert!(matches!(wrong, Err(StoreError::NotFound("what it needs"))), "{wrong:?}");
        assert!(matches!(again, Err(StoreError::Conflict(_))), "{again:?}");
        assert_eq!(tries.load(Ordering::Relaxed), 2, "together with the first, and by itself");
        assert_eq!(kept(&writer).await, [1, 3]);
    }

    #[tokio::test]
    async fn a_command_that_panics_is_undone_and_the_writer_goes_on() {
        let writer = writer();
        let panics = writer.write(Priority::RealTime, |conn| -> Result<()> {
            query("INSERT INTO kept VALUES (1)").run(conn)?;
            panic!("on purpose")
        });
        let panics = panics.await;
        assert!(matches!(panics, Err(StoreError::Unavailable(_))), "{panics:?}");
        assert!(matches!(put(&writer, 2).await, Ok(1)));
        assert_eq!(kept(&writer).await, [2]);
    }
}
