//! The carriers: several clients that post signed messages, do not give up before the installation has acknowledged them, and
//! write down what it acknowledged.

use super::{outside::Outside, story::Story};
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use simulator::rng::Rng;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{sync::Semaphore, task::JoinSet};

/// Posts under way at once.
const CLIENTS: usize = 6;
/// A carrier waits for an answer so long at most.
const ANSWER: Duration = Duration::from_secs(15);
/// It comes again after this long.
const AGAIN: Duration = Duration::from_millis(10);
/// One message in so many is sent twice although it was acknowledged.
const TWICE: u64 = 10;
/// Of this number of stories one is sent in any order.
const SHUFFLED: u64 = 4;

/// A message to be sent: which story, and how much of it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Post {
    /// Which story.
    pub story: usize,
    /// After how many steps.
    pub known: usize,
}

/// An answer of the ingest endpoint.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The HTTP status.
    pub status: u16,
    /// How long it took.
    pub took: Duration,
    /// The `Retry-After` header.
    pub retry_after: Option<String>,
    /// The type of a problem+json answer.
    pub content_type: String,
    /// The body.
    pub body: String,
}

/// The carriers.
pub struct Crowd {
    outside: Arc<Outside>,
    endpoints: Vec<String>,
    http: reqwest::Client,
    waiting: Mutex<VecDeque<Post>>,
    released: Semaphore,
    left: AtomicUsize,
    sent: AtomicUsize,
    acknowledged: Mutex<Vec<String>>,
    refused: Mutex<BTreeMap<u16, u64>>,
}

impl Crowd {
    /// Every message of every story, mixed; nothing is sent before it is released.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(outside: &Arc<Outside>, endpoints: Vec<String>, rng: &mut Rng) -> Result<Arc<Self>> {
        let waiting = mixed(&outside.stories, rng);
        Ok(Arc::new(Self {
            endpoints,
            // a connection of its own for each: a killed server's would only be in the way
            http: reqwest::Client::builder().timeout(ANSWER).pool_max_idle_per_host(0).build()?,
            released: Semaphore::new(0),
            left: AtomicUsize::new(waiting.len()),
            sent: AtomicUsize::new(0),
            waiting: Mutex::new(waiting),
            acknowledged: Mutex::default(),
            refused: Mutex::default(),
            outside: Arc::clone(outside),
        }))
    }

    /// Starts the clients; they end with the set.
    pub fn start(self: &Arc<Self>, seed: u64) -> JoinSet<()> {
        let mut clients = JoinSet::new();
        for client in 0..CLIENTS {
            let (crowd, rng) = (Arc::clone(self), Rng::new(seed ^ client as u64));
            clients.spawn(async move { crowd.talk(rng).await });
        }
        clients
    }

    /// So many more messages may be sent.
    pub fn release(&self, messages: usize) {
        self.released.add_permits(messages);
    }

    /// Messages that are not acknowledged yet.
    pub fn left(&self) -> usize {
        self.left.load(Ordering::SeqCst)
    }

    /// The ids of the acknowledged messages.
    pub fn acknowledged(&self) -> Vec<String> {
        self.acknowledged.lock().expect("no panic while held").clone()
    }

    /// How often ingest refused, by status; 0 where nobody answered.
    pub fn refused(&self) -> BTreeMap<u16, u64> {
        self.refused.lock().expect("no panic while held").clone()
    }

    /// Waits until everything is acknowledged.
    ///
    /// # Errors
    /// When it is not in time.
    pub async fn all_sent(&self, patience: Duration) -> Result<()> {
        let end = Instant::now() + patience;
        while self.left() > 0 {
            ensure!(
                Instant::now() < end,
                "{} messages are not acknowledged after {patience:?}; answers {:?}",
                self.left(),
                self.refused()
            );
            tokio::time::sleep(AGAIN).await;
        }
        Ok(())
    }

    async fn talk(&self, mut rng: Rng) {
        loop {
            let Ok(permit) = self.released.acquire().await else { return };
            permit.forget();
            let Some(post) = self.waiting.lock().expect("no panic while held").pop_front() else { continue };
            if !self.may_be_sent(post) {
                self.put_back(post, Position::Last).await;
                continue;
            }
            match self.post(post).await {
                Ok(answer) if answer.status == 202 => {
                    self.left.fetch_sub(1, Ordering::SeqCst);
                    // doubled by the carrier; whatever comes of it must change nothing
                    if rng.one_in(TWICE) {
                        let _ = self.post(post).await;
                    }
                }
                Ok(_) | Err(_) => self.put_back(post, Position::First).await,
            }
        }
    }

    async fn put_back(&self, post: Post, turn: Position) {
        {
            let mut waiting = self.waiting.lock().expect("no panic while held");
            match turn {
                Position::First => waiting.push_front(post),
                Position::Last => waiting.push_back(post),
            }
        }
        tokio::time::sleep(AGAIN).await;
        self.released.add_permits(1);
    }

    /// What belongs in a ticket is sent once the ticket is there.
    fn may_be_sent(&self, post: Post) -> bool {
        let story = &self.outside.stories[post.story];
        let gated = story.plot.ends_after_ticket() && post.known == story.len();
        !gated || !self.outside.tickets(&self.outside.desk.tickets(), story).is_empty()
    }

    /// Posts a message once and writes down what is acknowledged.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn post(&self, post: Post) -> Result<Answered> {
        #[derive(Deserialize)]
        struct Receipt {
            message: String,
        }
        let message = self.outside.stories[post.story].message(post.known, &self.outside.secrets);
        let endpoint = &self.endpoints[self.sent.fetch_add(1, Ordering::Relaxed) % self.endpoints.len()];
        let mut request = self.http.post(format!("{endpoint}/ingest/{}", message.source)).body(message.body);
        for (name, value) in message.headers {
            request = request.header(name, value);
        }
        let begun = Instant::now();
        let answer = async {
            let answer = request.send().await?;
            let header = |name: &str| answer.headers().get(name)?.to_str().ok().map(str::to_owned);
            let (retry_after, content_type) = (header("retry-after"), header("content-type").unwrap_or_default());
            let status = answer.status().as_u16();
            // a status that came is no acknowledgement before its body is whole, but a promise all the same
            let body = answer.text().await?;
            anyhow::Ok(Answered { status, took: begun.elapsed(), retry_after, content_type, body })
        }
        .await;
        match &answer {
            Ok(answer) if answer.status == 202 => {
                let receipt: Receipt = serde_json::from_str(&answer.body).context("a receipt")?;
                self.acknowledged.lock().expect("no panic while held").push(receipt.message);
            }
            other => {
                let status = other.as_ref().map_or(0, |answer| answer.status);
                *self.refused.lock().expect("no panic while held").entry(status).or_default() += 1;
            }
        }
        answer
    }

    /// Takes a message out of those that wait and posts it until it is acknowledged; how it was answered each time.
    ///
    /// # Errors
    /// When it is not acknowledged in time.
    pub async fn insist(&self, post: Post, patience: Duration) -> Result<Vec<Answered>> {
        self.waiting.lock().expect("no panic while held").retain(|other| *other != post);
        let (end, mut answers) = (Instant::now() + patience, Vec::new());
        while Instant::now() < end {
            if let Ok(answer) = self.post(post).await {
                answers.push(answer);
                if answers.last().is_some_and(|a| a.status == 202) {
                    self.left.fetch_sub(1, Ordering::SeqCst);
                    return Ok(answers);
                }
            }
            tokio::time::sleep(AGAIN).await;
        }
        anyhow::bail!("a message is not acknowledged after {patience:?}: {answers:?}")
    }
}

enum Position {
    First,
    Last,
}

/// The messages of all stories, mixed: most stories in their order, some in any; what waits for a ticket comes last.
fn mixed(stories: &[Story], rng: &mut Rng) -> VecDeque<Post> {
    let mut placed = Vec::new();
    for (index, story) in stories.iter().enumerate() {
        let mut places: Vec<u64> = (0..story.len()).map(|_| rng.range(0, 1 << 32)).collect();
        if !rng.one_in(SHUFFLED) {
            places.sort_unstable();
        }
        if story.plot.ends_after_ticket() {
            places.sort_unstable();
        }
        placed.extend(places.into_iter().zip(1..).map(|(place, known)| (place, Post { story: index, known })));
    }
    placed.sort_unstable_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, post)| post).collect()
}
