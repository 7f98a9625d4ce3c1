//! Many commands of one kind as one: those that wait at the same time are one command of the writer, in as few
//! statements as their kind allows. The room in which they wait is bounded: one more is told that the store is busy.

use crate::{
    codec::{Done, Fail},
    writer::{BoxFuture, Command, Effect, Turn, Writer, execute},
};
use async_trait::async_trait;
use sqlx::SqliteConnection;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use storage::{Result, StoreError};
use tokio::sync::oneshot;

/// Commands that may wait.
const ROOM: usize = 1024;
/// Commands that are done as one. Each number of them is a statement of its own that stays prepared.
pub(crate) const TOGETHER: usize = 64;

/// A command that can be done with others of its kind.
#[async_trait]
pub(crate) trait Grouped: Send + Sync + Sized + 'static {
    /// What each is answered.
    type Answer: Send + 'static;

    /// Does all of them; the answers in their order.
    async fn run(batch: &[Self], conn: &mut SqliteConnection) -> Done<Vec<Self::Answer>>;
}

/// Where commands of one kind wait for the writer.
pub(crate) struct Group<C: Grouped> {
    turn: Turn,
    room: Arc<Mutex<Room<C>>>,
}

struct Room<C: Grouped> {
    waiting: VecDeque<Waiting<C>>,
    /// Commands of the writer that will come for them; each takes up to [`TOGETHER`].
    called: usize,
}

type Waiting<C> = (C, oneshot::Sender<Result<<C as Grouped>::Answer>>);

impl<C: Grouped> Group<C> {
    pub(crate) fn new(turn: Turn) -> Self {
        Self { turn, room: Arc::new(Mutex::new(Room { waiting: VecDeque::new(), called: 0 })) }
    }

    /// Does the command with others; answers once it is durable.
    pub(crate) async fn join(&self, writer: &Writer, command: C) -> Result<C::Answer> {
        let answer = self.enter(writer, command)?;
        answer.await.unwrap_or_else(|_| Err(StoreError::Unavailable("the writer ended before the answer".to_owned())))
    }

    fn enter(&self, writer: &Writer, command: C) -> Result<oneshot::Receiver<Result<C::Answer>>> {
        let (reply, answer) = oneshot::channel();
        let mut room = lock(&self.room);
        if room.waiting.len() >= ROOM {
            return Err(StoreError::Busy);
        }
        if room.waiting.len() >= room.called * TOGETHER {
            writer.send(self.turn, Box::new(Together::of(&self.room)))?;
            room.called += 1;
        }
        room.waiting.push_back((command, reply));
        Ok(answer)
    }
}

/// Whoever panicked while holding it left it whole.
fn lock<C: Grouped>(room: &Mutex<Room<C>>) -> MutexGuard<'_, Room<C>> {
    room.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Those that wait when its turn comes.
struct Together<C: Grouped> {
    room: Option<Arc<Mutex<Room<C>>>>,
    taken: Vec<oneshot::Sender<Result<C::Answer>>>,
    done: Vec<Result<C::Answer>>,
}

impl<C: Grouped> Together<C> {
    fn of(room: &Arc<Mutex<Room<C>>>) -> Self {
        Self { room: Some(Arc::clone(room)), taken: Vec::new(), done: Vec::new() }
    }

    /// Comes for those that wait, once.
    fn come(&mut self) -> Vec<C> {
        let Some(room) = self.room.take() else { return Vec::new() };
        let mut room = lock(&room);
        room.called -= 1;
        let some = room.waiting.len().min(TOGETHER);
        let (commands, replies) = room.waiting.drain(..some).unzip();
        self.taken = replies;
        commands
    }
}

impl<C: Grouped> Drop for Together<C> {
    fn drop(&mut self) {
        // a writer that has ended comes for nobody: they are told so by their replies, which go with this
        self.come();
    }
}

impl<C: Grouped> Command for Together<C> {
    fn run<'c>(&'c mut self, conn: &'c mut SqliteConnection) -> BoxFuture<'c, Effect> {
        Box::pin(async move {
            let commands = self.come();
            let (done, effect) = all(&commands, conn).await;
            self.done = done;
            effect
        })
    }

    fn answer(mut self: Box<Self>, lost: Option<&str>) {
        // in a transaction that could not begin nobody has come for them
        self.come();
        let mut done = std::mem::take(&mut self.done).into_iter();
        for reply in std::mem::take(&mut self.taken) {
            let answer = match (done.next(), lost) {
                (Some(Err(error)), _) => Err(error),
                (Some(Ok(answer)), None) => Ok(answer),
                (_, lost) => Err(StoreError::Unavailable(lost.unwrap_or("not done").to_owned())),
            };
            // nobody there any more: the work is done all the same
            drop(reply.send(answer));
        }
    }
}

/// All at once; where one of several is at fault, each for itself.
async fn all<C: Grouped>(commands: &[C], conn: &mut SqliteConnection) -> (Vec<Result<C::Answer>>, Effect) {
    if commands.is_empty() {
        return (Vec::new(), Effect::Keep);
    }
    match C::run(commands, conn).await {
        Ok(answers) => (answers.into_iter().map(Ok).collect(), Effect::Keep),
        Err(Fail(error)) if commands.len() == 1 => (vec![Err(error)], Effect::Undo),
        Err(Fail(error)) => match each(commands, conn).await {
            Ok(answers) => (answers, Effect::Keep),
            Err(_) => (commands.iter().map(|_| Err(error.clone())).collect(), Effect::Undo),
        },
    }
}

async fn each<C: Grouped>(commands: &[C], conn: &mut SqliteConnection) -> sqlx::Result<Vec<Result<C::Answer>>> {
    execute(conn, "ROLLBACK TO command").await?;
    let mut answers = Vec::with_capacity(commands.len());
    for command in commands {
        execute(conn, "SAVEPOINT alone").await?;
        let answer = C::run(std::slice::from_ref(command), conn).await;
        if answer.is_err() {
            execute(conn, "ROLLBACK TO alone").await?;
        }
        execute(conn, "RELEASE alone").await?;
        answers.push(answer.map(|mut answers| answers.remove(0)).map_err(StoreError::from));
    }
    Ok(answers)
}
