//! Group commit: commands that wait at the same time share a transaction and its fsync; questions of the work that wait at
//! the same time share a trip. The more there is to do at once, the less each costs. Nobody is answered before it is
//! committed. The queue is bounded: one command more gets "busy".

use crate::{codec::SqlError, connections::Connections, partitions::Partitions};
use async_trait::async_trait;
use sqlx::PgConnection;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use storage::{Result, StoreError};
use tokio::{
    sync::{Mutex, Notify, mpsc, oneshot},
    time::Instant,
};

/// Commands that may wait.
const QUEUE_COMMANDS: usize = 1024;
/// Transactions of one group under way at once at most: while one waits for the disk another takes in. It begins when as
/// many commands wait as are under way, or none is: many small transactions cost more than few large ones.
const AT_ONCE: usize = 2;
/// The number of times that other tasks may run before a transaction begins: jobs that were claimed together ask for the
/// same at the same time.
const TURNS: usize = 2;
/// No longer than this does one wait for more commands, or for the other to end: that one may be hung.
const GATHERING: Duration = Duration::from_millis(50);
/// How often a transaction is tried that the database ended for another's sake.
const TRIES: usize = 5;

/// A command that can be done with others of its kind.
#[async_trait]
pub(crate) trait Grouped: Send + Sync + Sized + 'static {
    /// What each is answered.
    type Output: Send + 'static;

    /// Commands of one transaction at most.
    const TOGETHER: usize = 256;

    /// What has to be there before the transaction begins.
    async fn prepare(_batch: &[Self], _partitions: &Partitions) -> Result<(), SqlError> {
        Ok(())
    }

    /// Does all of them; the answers in their order. Most need one statement, which is a transaction of its own; those
    /// that need more begin one.
    async fn run(batch: &[Self], conn: &mut PgConnection) -> Result<Vec<Self::Output>, SqlError>;
}

type Waiting<C> = (C, oneshot::Sender<Result<<C as Grouped>::Output>>);

/// The queue in front of the workers; they end when it is dropped.
pub(crate) struct Group<C: Grouped> {
    queue: mpsc::Sender<Waiting<C>>,
}

impl<C: Grouped> Group<C> {
    pub(crate) fn start((connections, partitions): (Connections, Partitions)) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE_COMMANDS);
        let shared =
            Arc::new(Queue { waiting: Mutex::new(waiting), under_way: AtomicUsize::new(0), ended: Notify::new() });
        for _ in 0..AT_ONCE {
            tokio::spawn(work::<C>(connections.clone(), partitions.clone(), Arc::clone(&shared)));
        }
        Self { queue }
    }

    /// Does the command with others; answers once it is durable.
    pub(crate) async fn join(&self, command: C) -> Result<C::Output> {
        let (reply, answer) = oneshot::channel();
        self.queue.try_send((command, reply)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Busy,
            mpsc::error::TrySendError::Closed(_) => StoreError::Unavailable("the writers have ended".to_owned()),
        })?;
        answer.await.unwrap_or_else(|_| Err(StoreError::Unavailable("the writer ended before the answer".to_owned())))
    }
}

/// What the workers of a group share.
struct Queue<C: Grouped> {
    waiting: Mutex<mpsc::Receiver<Waiting<C>>>,
    /// Commands in transactions that are under way.
    under_way: AtomicUsize,
    /// One of these has ended.
    ended: Notify,
}

impl<C: Grouped> Queue<C> {
    /// The commands of the next transaction, which is under way from now on; none when nobody can come any more.
    async fn next(&self) -> (Vec<Waiting<C>>, UnderWay<'_, C>) {
        let mut waiting = self.waiting.lock().await;
        let mut batch = Vec::new();
        waiting.recv_many(&mut batch, C::TOGETHER).await;
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
            while batch.len() < C::TOGETHER
                && let Ok(more) = waiting.try_recv()
            {
                batch.push(more);
            }
        }
        let gathered = Instant::now() + GATHERING;
        while !batch.is_empty() && batch.len() < C::TOGETHER.min(self.under_way.load(Ordering::Acquire)) {
            let room = C::TOGETHER - batch.len();
            tokio::select! {
                () = self.ended.notified() => {}
                more = waiting.recv_many(&mut batch, room) => if more == 0 { break },
                () = tokio::time::sleep_until(gathered) => break,
            }
        }
        self.under_way.fetch_add(batch.len(), Ordering::AcqRel);
        let commands = batch.len();
        (batch, UnderWay { queue: self, commands })
    }
}

/// Commands that are under way, however their transaction ends.
struct UnderWay<'a, C: Grouped> {
    queue: &'a Queue<C>,
    commands: usize,
}

impl<C: Grouped> Drop for UnderWay<'_, C> {
    fn drop(&mut self) {
        self.queue.under_way.fetch_sub(self.commands, Ordering::AcqRel);
        self.queue.ended.notify_one();
    }
}

async fn work<C: Grouped>(connections: Connections, partitions: Partitions, queue: Arc<Queue<C>>) {
    loop {
        let (batch, _under_way) = queue.next().await;
        if batch.is_empty() {
            return;
        }
        let (commands, replies): (Vec<C>, Vec<_>) = batch.into_iter().unzip();
        match together(&connections, &partitions, &commands).await {
            Ok(answers) => {
                for (reply, answer) in replies.into_iter().zip(answers) {
                    // nobody there any more: the work is done all the same
                    drop(reply.send(Ok(answer)));
                }
            }
            // one of several is at fault: each for itself
            Err(SqlError(StoreError::Conflict(_) | StoreError::NotFound(_) | StoreError::Damaged(_)))
                if commands.len() > 1 =>
            {
                for (command, reply) in commands.into_iter().zip(replies) {
                    let alone = together(&connections, &partitions, &[command]).await;
                    let answer = alone.map(|mut answers| answers.remove(0)).map_err(StoreError::from);
                    drop(reply.send(answer));
                }
            }
            Err(SqlError(error)) => {
                for reply in replies {
                    drop(reply.send(Err(error.clone())));
                }
                // those behind them would get the same answer after the same wait, one batch after the other; where
                // another worker waits for the next, nobody does
                if let Ok(mut waiting) = queue.waiting.try_lock() {
                    while let Ok((_, reply)) = waiting.try_recv() {
                        drop(reply.send(Err(error.clone())));
                    }
                }
            }
        }
    }
}

async fn together<C: Grouped>(
    connections: &Connections,
    partitions: &Partitions,
    commands: &[C],
) -> Result<Vec<C::Output>, SqlError> {
    let mut tries = 1;
    loop {
        match crate::in_time(once(connections, partitions, commands)).await.map_err(SqlError) {
            Err(SqlError(StoreError::Busy)) if tries < TRIES => tries += 1,
            // what another transaction put in the way is there to be seen now
            Err(SqlError(StoreError::Conflict(_))) if commands.len() == 1 && tries < TRIES => tries += 1,
            done => return done,
        }
    }
}

async fn once<C: Grouped>(
    connections: &Connections,
    partitions: &Partitions,
    commands: &[C],
) -> Result<Vec<C::Output>, SqlError> {
    C::prepare(commands, partitions).await?;
    let mut conn = connections.acquire().await?;
    let answers = C::run(commands, &mut conn).await?;
    conn.give_back();
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nothing;

    #[async_trait]
    impl Grouped for Nothing {
        type Output = ();
        const TOGETHER: usize = 4;

        async fn run(batch: &[Self], _: &mut PgConnection) -> Result<Vec<()>, SqlError> {
            Ok(vec![(); batch.len()])
        }
    }

    fn queue() -> (mpsc::Sender<Waiting<Nothing>>, Queue<Nothing>) {
        let (queue, waiting) = mpsc::channel(QUEUE_COMMANDS);
        (queue, Queue { waiting: Mutex::new(waiting), under_way: AtomicUsize::new(0), ended: Notify::new() })
    }

    async fn come(queue: &mpsc::Sender<Waiting<Nothing>>, commands: usize) {
        for _ in 0..commands {
            queue.send((Nothing, oneshot::channel().0)).await.expect("somebody takes them");
        }
    }

    /// How many commands the next transaction has, if it begins without waiting for anything.
    async fn at_once<'a>(queue: &'a Queue<Nothing>) -> Option<(usize, UnderWay<'a, Nothing>)> {
        let patience = async {
            for _ in 0..=TURNS {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            (batch, under_way) = queue.next() => Some((batch.len(), under_way)),
            () = patience => None,
        }
    }

    #[tokio::test]
    async fn whoever_comes_in_the_same_turn_goes_together() {
        let (waiting, queue) = queue();
        let (batch, ()) = tokio::join!(at_once(&queue), async {
            come(&waiting, 1).await;
            tokio::task::yield_now().await;
            come(&waiting, 1).await;
        });
        assert_eq!(batch.map(|(commands, _)| commands), Some(2));
    }

    #[tokio::test]
    async fn where_nothing_is_under_way_nobody_waits() {
        let (waiting, queue) = queue();
        come(&waiting, 2).await;
        assert_eq!(at_once(&queue).await.map(|(commands, _)| commands), Some(2));
    }

    #[tokio::test]
    async fn a_transaction_that_hangs_holds_the_others_up_and_not_for_ever() {
        let (waiting, queue) = queue();
        come(&waiting, 3).await;
        let _hung = at_once(&queue).await;
        for _ in 0..2 {
            let begun = Instant::now();
            come(&waiting, 1).await;
            let (batch, _under_way) = queue.next().await;
            assert_eq!(batch.len(), 1);
            assert!(begun.elapsed() >= GATHERING, "it could have been joined by others");
        }
    }

    #[tokio::test]
    async fn as_many_as_are_under_way_begin_at_once_and_fewer_when_those_end() {
        let (waiting, queue) = queue();
        come(&waiting, 2).await;
        let first = at_once(&queue).await.unwrap().1;
        come(&waiting, 2).await;
        drop(at_once(&queue).await.expect("two wait and two are under way"));

        come(&waiting, 1).await;
        let ((batch, _under_way), ()) = tokio::join!(queue.next(), async {
            tokio::task::yield_now().await;
            drop(first);
        });
        assert_eq!(batch.len(), 1);
    }

    #[tokio::test]
    async fn no_more_go_together_than_the_kind_allows() {
        let (waiting, queue) = queue();
        come(&waiting, 7).await;
        assert_eq!(at_once(&queue).await.map(|(commands, _)| commands), Some(Nothing::TOGETHER));
        assert_eq!(at_once(&queue).await.map(|(commands, _)| commands), Some(3));
    }
}
