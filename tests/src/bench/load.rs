//! A carrier that posts as fast as it is answered: so many clients, each with one connection and one request under way.

use anyhow::{Context, Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::{body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use ring::hmac;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{net::TcpStream, task::JoinSet};

/// What the carrier signs with.
pub const SECRET: &str = "a secret of the bench";
/// The source that it posts to.
pub const SOURCE: &str = "aftership";
/// Checkpoints of a message; it then has about a kibibyte.
const CHECKPOINTS: usize = 3;
const WORDS: &str = "handed over to the driver of the local depot in the morning, as the carrier says it";
const ACKNOWLEDGED: u16 = 202;
const REFUSED: u16 = 401;
/// Before anything is counted.
const WARM_UP: Duration = Duration::from_millis(500);

/// Messages, each another one: signed, about a kibibyte.
pub struct Messages {
    key: hmac::Key,
    answer: u16,
    run: u64,
    next: AtomicU64,
}

impl Messages {
    /// Messages that no other run has.
    pub fn new(run: u64) -> Self {
        Self::signed_with(SECRET, ACKNOWLEDGED, run)
    }

    /// Messages signed by somebody else: they are verified and refused, and nothing is kept.
    pub fn forged(run: u64) -> Self {
        Self::signed_with("a secret of somebody else", REFUSED, run)
    }

    fn signed_with(secret: &str, answer: u16, run: u64) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), answer, run, next: AtomicU64::new(0) }
    }

    /// The next one, and its signature. Each is of a shipment of its own.
    pub fn next(&self) -> (Vec<u8>, String) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        signed(&self.key, body(&format!("B{:08}{number:010}", self.run), CHECKPOINTS))
    }
}

fn signed(key: &hmac::Key, body: Vec<u8>) -> (Vec<u8>, String) {
    let signature = STANDARD.encode(hmac::sign(key, &body).as_ref());
    (body, signature)
}

/// What AfterShip says of a number after so many checkpoints.
pub fn body(number: &str, checkpoints: usize) -> Vec<u8> {
    let subtags = ["InTransit_001", "InTransit_003", "OutForDelivery_001", "Delivered_001"];
    let list: Vec<_> = (0..checkpoints)
        .map(|n| {
            let subtag = subtags[n.min(subtags.len() - 1)];
            serde_json::json!({"tag": subtag.split('_').next(), "subtag": subtag, "message": WORDS, "city": "Lyon",
                "country_iso3": "FRA", "checkpoint_time": format!("2026-03-{:02}T10:{:02}:00", n / 60 % 28 + 1, n % 60)})
        })
        .collect();
    let subtag = subtags[checkpoints.saturating_sub(1).min(subtags.len() - 1)];
    serde_json::json!({"event_id": format!("{number}-{checkpoints}"), "msg": {"id": number, "tracking_number": number, "slug": "dhl",
        "tag": subtag.split('_').next(), "subtag": subtag, "updated_at": format!("2026-03-30T00:00:{checkpoints:02}Z"), "checkpoints": list}})
    .to_string()
    .into_bytes()
}

/// What a run of clients came to.
pub struct Answers {
    /// Acknowledged.
    pub number: u64,
    /// Acknowledged in a second.
    pub per_second: f64,
    /// The 99th percentile of the time to the acknowledgement, in milliseconds.
    pub p99_ms: f64,
}

impl Answers {
    /// Of so many seconds, from the time that each took, in milliseconds.
    pub fn new(mut took_ms: Vec<f64>, lasting: Duration) -> Self {
        let number = took_ms.len() as u64;
        Self { number, per_second: number as f64 / lasting.as_secs_f64(), p99_ms: super::p99(&mut took_ms) }
    }
}

/// So many clients at this endpoint for so long.
///
/// # Errors
/// When an answer is another than expected.
pub async fn closed_loop(
    address: &str,
    clients: usize,
    lasting: Duration,
    messages: &Arc<Messages>,
) -> Result<Answers> {
    let mut running = JoinSet::new();
    let from = Instant::now() + WARM_UP;
    for _ in 0..clients {
        let (mut client, messages) = (Client::connect(address).await?, Arc::clone(messages));
        running.spawn(async move {
            let mut took_ms = Vec::new();
            loop {
                let begun = Instant::now();
                if begun >= from + lasting {
                    return anyhow::Ok(took_ms);
                }
                client.post(messages.next(), messages.answer).await?;
                if begun >= from {
                    took_ms.push(begun.elapsed().as_secs_f64() * 1000.0);
                }
            }
        });
    }
    let mut took_ms = Vec::new();
    while let Some(client) = running.join_next().await {
        took_ms.extend(client??);
    }
    Ok(Answers::new(took_ms, lasting))
}

/// So many messages through this endpoint, by so many clients.
///
/// # Errors
/// When an answer is no acknowledgement.
pub async fn deliver(address: &str, clients: usize, number: u64, messages: &Arc<Messages>) -> Result<()> {
    let (mut running, left) = (JoinSet::new(), Arc::new(AtomicU64::new(number)));
    for _ in 0..clients {
        let (mut client, messages, left) = (Client::connect(address).await?, Arc::clone(messages), Arc::clone(&left));
        running.spawn(async move {
            while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok() {
                client.post(messages.next(), messages.answer).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(client) = running.join_next().await {
        client??;
    }
    Ok(())
}

/// One message.
///
/// # Errors
/// When the answer is no acknowledgement.
pub async fn post(address: &str, body: Vec<u8>) -> Result<()> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    Client::connect(address).await?.post(signed(&key, body), ACKNOWLEDGED).await
}

/// One connection.
struct Client {
    sender: http1::SendRequest<Full<Bytes>>,
    host: String,
}

impl Client {
    async fn connect(address: &str) -> Result<Self> {
        let host = address.strip_prefix("http://").context("an address")?.to_owned();
        let stream = TcpStream::connect(&host).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { sender, host })
    }

    async fn post(&mut self, (body, signature): (Vec<u8>, String), expected: u16) -> Result<()> {
        let request = Request::post(format!("/ingest/{SOURCE}"))
            .header("host", &self.host)
            .header("content-type", "application/json")
            .header("aftership-hmac-sha256", signature)
            .body(Full::new(Bytes::from(body)))?;
        self.sender.ready().await?;
        let answer = self.sender.send_request(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        ensure!(status == expected, "{status} {}", String::from_utf8_lossy(&body));
        Ok(())
    }
}
