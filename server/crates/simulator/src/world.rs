//! The whole world: the servers, what they hold at the start, and the carriers that go on telling.

use crate::{
    Clock, SourceSecrets,
    booking::SandboxBooking,
    carrier::Message,
    desk::{self, SandboxDesk},
    journey::{Fate, Shipment, shipments},
    live::{Live, Stage},
    odoo::{self, SandboxOdoo},
    orders::{Arrival, Arriving, arrivals, order_of, transfer_of},
    past::past_of,
    rng::Rng,
    second::Second,
};
use anyhow::{Context, Result};
use jiff::Timestamp;
use reqwest::StatusCode;
use std::{sync::Arc, time::Duration};
use tokio::task::JoinSet;

/// The company whose world it is.
pub const COMPANY: &str = "Northwind Parts GmbH";
/// Posts under way at once while the past is posted.
const POSTS_AT_ONCE: usize = 8;
/// Tries of one post, while the other side starts or is too busy.
const TRIES_MAX: u32 = 60;
/// Between two tries.
const TRY_AGAIN: Duration = Duration::from_millis(250);
/// A post has to be answered within this time.
const POST_TIMEOUT: Duration = Duration::from_secs(10);
/// Between two live events.
const LIVE_EVERY: Duration = Duration::from_secs(4);

/// How the world is made.
#[derive(Clone)]
pub struct WorldConfig {
    /// The same seed and time make the same world.
    pub seed: u64,
    /// What the carriers prove themselves with.
    pub sources: SourceSecrets,
    /// The time.
    pub now: Clock,
}

/// A running world.
pub struct World {
    config: WorldConfig,
    shipments: Vec<Shipment>,
    /// What comes from vendors and back from customers.
    arriving: Vec<Arrival>,
    begun: Timestamp,
    odoo: SandboxOdoo,
    desk: SandboxDesk,
    booking: SandboxBooking,
    second: Second,
}

impl World {
    /// Starts the sandbox Odoo and desk on free ports of this machine. Odoo holds the orders of the last fourteen days.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(config: WorldConfig) -> Result<Self> {
        let begun = (config.now)();
        let mut rng = Rng::new(config.seed ^ 0x6b65_7973);
        let key = format!("sandbox{:016x}{:016x}", rng.draw(), rng.draw());
        let token = format!("1-14-{:016x}{:016x}", rng.draw(), rng.draw());
        let odoo = SandboxOdoo::start_of(COMPANY, &key, Arc::clone(&config.now)).await.context("sandbox Odoo")?;
        let desk = SandboxDesk::start_at(&token, Some(Arc::clone(&config.now))).await.context("sandbox desk")?;
        let booking = SandboxBooking::start(config.seed, Arc::clone(&config.now)).await.context("sandbox platforms")?;
        let second = Second::start(config.seed, &config.now, begun).await?;
        let shipments = shipments(config.seed, begun);
        for shipment in &shipments {
            if let Some(order) = order_of(shipment, begun) {
                odoo.add_order(&order);
            }
        }
        let mut arriving = Vec::new();
        for arrival in arrivals(config.seed, begun) {
            let delivered = shipments.iter().filter(|shipment| shipment.fate == Fate::Normal).nth(arriving.len());
            let of = delivered.and_then(|shipment| odoo.picking(&shipment.picking()));
            odoo.add_transfer(&transfer_of(&arrival, of.filter(|_| arrival.way == Arriving::Return), begun));
            arriving.push(arrival);
        }
        Ok(Self { config, shipments, arriving, begun, odoo, desk, booking, second })
    }

    /// A world for tests: at a moment that stays, with secrets that are always the same.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn fixed(seed: u64, now: Timestamp) -> Result<Self> {
        let sources = SourceSecrets { aftership: "one".into(), easypost: "two".into(), x12_214: "three".into() };
        Self::start(WorldConfig { seed, sources, now: Arc::new(move || now) }).await
    }

    /// What its carriers prove themselves with.
    pub fn sources(&self) -> &SourceSecrets {
        &self.config.sources
    }

    /// The sandbox Odoo's address.
    pub fn odoo_url(&self) -> String {
        self.odoo.url()
    }

    /// Its database.
    pub fn odoo_database(&self) -> String {
        odoo::DATABASE.to_owned()
    }

    /// An API key of it.
    pub fn odoo_key(&self) -> String {
        self.odoo.key()
    }

    /// The sandbox desk's address.
    pub fn desk_url(&self) -> String {
        self.desk.url()
    }

    /// A token of it.
    pub fn desk_token(&self) -> String {
        self.desk.token()
    }

    /// Its queue.
    pub fn desk_queue(&self) -> String {
        desk::QUEUE.to_owned()
    }

    /// The sandbox Odoo, to look into and to spoil.
    pub fn odoo(&self) -> &SandboxOdoo {
        &self.odoo
    }

    /// The sandbox desk, to look into and to spoil.
    pub fn desk(&self) -> &SandboxDesk {
        &self.desk
    }

    /// The sandbox platforms that book and track; nothing is connected with them at the start.
    pub fn booking(&self) -> &SandboxBooking {
        &self.booking
    }

    /// The second company's systems; nothing is connected with them.
    pub fn second(&self) -> &Second {
        &self.second
    }

    /// The shipments at the start.
    pub fn shipments(&self) -> &[Shipment] {
        &self.shipments
    }

    /// Every message of the past in the order in which it arrives: mostly in time, some late, some twice.
    pub fn past(&self) -> Vec<Message> {
        let arriving = self.arriving.iter().map(|arrival| &arrival.shipment);
        past_of(self.config.seed, self.begun, self.shipments.iter().chain(arriving), &self.config.sources)
    }

    /// Where the carriers post to.
    ///
    /// # Errors
    /// When there can be no HTTP client.
    pub fn endpoint(ingest_base: &str) -> Result<Endpoint> {
        let http =
            reqwest::Client::builder().timeout(POST_TIMEOUT).build().context("the simulated carriers cannot call")?;
        Ok(Endpoint { http, base: ingest_base.trim_end_matches('/').to_owned() })
    }

    /// Posts every message of the past, within a few seconds.
    pub async fn post_past(&self, endpoint: &Endpoint) {
        let past = self.past();
        let (count, begun) = (past.len(), std::time::Instant::now());
        let mut posts = JoinSet::new();
        for message in past {
            if posts.len() >= POSTS_AT_ONCE {
                posts.join_next().await;
            }
            let endpoint = endpoint.clone();
            posts.spawn(async move { endpoint.post(&message).await });
        }
        while posts.join_next().await.is_some() {}
        tracing::info!(
            messages = count,
            seconds = begun.elapsed().as_secs_f64(),
            "the sandbox's past messages are posted"
        );
    }

    /// Live: what happens at each tick.
    pub fn live(&self) -> Live<'_> {
        Live::new(Stage {
            seed: self.config.seed,
            sources: &self.config.sources,
            begun: self.begun,
            shipments: &self.shipments,
            arriving: &self.arriving,
            odoo: &self.odoo,
            booking: &self.booking,
            second: &self.second,
        })
    }

    /// Live, without end.
    pub async fn go_on(&self, endpoint: &Endpoint) {
        let mut live = self.live();
        loop {
            tokio::time::sleep(LIVE_EVERY).await;
            for message in live.tick((self.config.now)()) {
                endpoint.post(&message).await;
            }
        }
    }
}

/// Where the simulated carriers post to.
#[derive(Clone)]
pub struct Endpoint {
    http: reqwest::Client,
    base: String,
}

impl Endpoint {
    /// Posts a message as a carrier does: again while the other side is not ready, and not when it says no.
    pub async fn post(&self, message: &Message) {
        for _ in 0..TRIES_MAX {
            let mut request =
                self.http.post(format!("{}/ingest/{}", self.base, message.source)).body(message.body.clone());
            for (name, value) in &message.headers {
                request = request.header(*name, value);
            }
            match request.send().await {
                Ok(answer) if answer.status().is_success() => return,
                Ok(answer)
                    if matches!(answer.status(), StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) => {}
                Ok(answer) => {
                    return tracing::warn!(
                        source = message.source,
                        status = answer.status().as_u16(),
                        "a sandbox message was refused"
                    );
                }
                Err(_) => {}
            }
            tokio::time::sleep(TRY_AGAIN).await;
        }
        tracing::warn!(source = message.source, "a sandbox message was given up");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{Router, body::Bytes, extract::Path, http::HeaderMap, routing::post};
    use std::{
        collections::HashSet,
        sync::{
            Mutex,
            atomic::{AtomicUsize, Ordering},
        },
    };

    async fn world(seed: u64) -> World {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let now: Timestamp = "2026-03-10T12:00:00Z".parse().unwrap();
        World::fixed(seed, now).await.unwrap()
    }

    #[tokio::test]
    async fn the_past_is_the_same_for_a_seed_repeats_itself_and_is_not_in_order() {
        let (one, other) = (world(7).await, world(7).await);
        let past = one.past();
        assert_eq!(past, other.past());
        assert_eq!((one.odoo_key(), one.desk_token()), (other.odoo_key(), other.desk_token()));
        assert!((300..800).contains(&past.len()), "{}", past.len());
        let different: HashSet<_> = past.iter().map(|m| &m.body).collect();
        assert!(past.len() - different.len() > 10, "some come twice");
        let shuffled = one.shipments().iter().any(|shipment| {
            let about = past.iter().filter(|m| String::from_utf8_lossy(&m.body).contains(&shipment.number));
            !about.map(|m| m.body.len()).collect::<Vec<_>>().is_sorted()
        });
        assert!(shuffled, "some come late");
        for source in ["aftership", "easypost", "freight-214"] {
            assert!(past.iter().any(|m| m.source == source));
        }
    }

    #[tokio::test]
    async fn the_past_is_posted_quickly_then_life_goes_on() {
        let world = world(7).await;
        let expected = world.past().len();
        let bodies: Arc<Mutex<Vec<(String, usize)>>> = Arc::default();
        let refused = Arc::new(AtomicUsize::new(5));
        let kept = Arc::clone(&bodies);
        let take = move |Path(source): Path<String>, _: HeaderMap, body: Bytes| {
            // busy at first: the carriers come again
            let busy = refused.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok();
            if !busy {
                kept.lock().unwrap().push((source, body.len()));
            }
            async move { if busy { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::ACCEPTED } }
        };
        let server = crate::serve::Server::start(Router::new().route("/ingest/{source}", post(take))).await.unwrap();
        let base = server.url();
        let begun = std::time::Instant::now();
        let life = tokio::spawn(async move {
            let endpoint = World::endpoint(&base).unwrap();
            world.post_past(&endpoint).await;
            world.go_on(&endpoint).await;
        });
        while bodies.lock().unwrap().len() < expected {
            assert!(begun.elapsed() < Duration::from_secs(20));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        while bodies.lock().unwrap().len() < expected + 1 {
            assert!(begun.elapsed() < Duration::from_secs(30));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        life.abort();
    }

    /// The browser's tests look for them (end2end/figures.test.mjs).
    #[tokio::test]
    async fn of_the_past_some_came_back_and_some_are_lost() {
        use crate::journey::What;
        let world = world(7).await;
        let last =
            |shipment: &Shipment| shipment.steps.iter().rfind(|step| step.at <= world.begun).map(|step| step.what);
        for what in [What::Returned, What::Lost] {
            let ended = world.shipments.iter().filter(|shipment| last(shipment) == Some(what)).count();
            assert!(ended > 0, "{what:?}");
        }
    }
}
