//! A small HTTP/1.1 proxy between the installation and a destination that can spoil every call. One connection carries one call,
//! so that a fault hits exactly the calls that are made while it lasts.

use anyhow::{Context, Result, ensure};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

/// Maximum size of head and body of a request or response in bytes.
const BYTES_MAX: usize = 16 * 1024 * 1024;
/// A peer that does not answer holds a call for so long at most.
const SILENCE_MAX: Duration = Duration::from_secs(300);
/// Between two bytes of a trickle.
const BYTE_EVERY: Duration = Duration::from_secs(1);
/// How late a slow one is.
const LATE: Duration = Duration::from_secs(1);
/// A listener comes back within so many tries of this length.
const BIND_TRIES: u32 = 100;
const BIND_AGAIN: Duration = Duration::from_millis(20);

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nobody listens.
    Refused,
    /// The connection breaks once the call is read; nothing is applied.
    Reset,
    /// The call is read and never answered; nothing is applied.
    BlackHole,
    /// Applied; the answer comes a byte a second.
    Trickle,
    /// 429 that says when to come again; nothing is applied.
    RateLimited,
    /// 429 that does not say it.
    RateLimitedSilently,
    /// 429 as plain text, with a time.
    RateLimitedInWords,
    /// 500 with a name of Odoo's for what works the next time; nothing is applied.
    Collision,
    /// 500 with a name of Odoo's for what never works.
    NeverWorks,
    /// 503 with an HTML page; nothing is applied.
    Html,
    /// 200 with an HTML page, as of somebody else's login; nothing is applied.
    HtmlInstead,
    /// Applied; the connection breaks in the middle of the answer.
    TornAnswer,
    /// Applied; the answer ends in the middle as if that were all.
    CutAnswer,
    /// Applied; no answer.
    SilentAfterApply,
    /// Applied, and answered, but late: no fault, and what makes faults of others visible.
    Slow,
}

impl Fault {
    /// Every fault but slowness.
    pub const ALL: &'static [Self] = &[
        Self::Refused,
        Self::Reset,
        Self::BlackHole,
        Self::Trickle,
        Self::RateLimited,
        Self::RateLimitedSilently,
        Self::RateLimitedInWords,
        Self::Collision,
        Self::NeverWorks,
        Self::Html,
        Self::HtmlInstead,
        Self::TornAnswer,
        Self::CutAnswer,
        Self::SilentAfterApply,
    ];

    /// Whether it looks final to the caller, so that a person has to retry the work.
    pub fn looks_final(self) -> bool {
        matches!(self, Self::NeverWorks)
    }

    fn applies(self) -> bool {
        matches!(self, Self::Trickle | Self::TornAnswer | Self::CutAnswer | Self::SilentAfterApply | Self::Slow)
    }
}

/// A running proxy; ends when dropped.
pub struct Proxy {
    address: SocketAddr,
    fault: watch::Sender<Option<Fault>>,
    spoiled: Arc<Mutex<u64>>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// In front of this address (`http://HOST:PORT`).
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(upstream: &str) -> Result<Self> {
        let upstream: SocketAddr = upstream.trim_start_matches("http://").parse().context("an address and a port")?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (fault, ordered) = watch::channel(None);
        let spoiled = Arc::new(Mutex::new(0));
        let task = tokio::spawn(listen(listener, address, upstream, ordered, Arc::clone(&spoiled)));
        Ok(Self { address, fault, spoiled, task })
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on every call goes wrong like this; with none, all is well.
    pub fn set(&self, fault: Option<Fault>) {
        self.fault.send_replace(fault);
    }

    /// How many calls were spoiled; refused ones cannot be counted.
    pub fn spoiled(&self) -> u64 {
        *self.spoiled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(
    listener: TcpListener,
    address: SocketAddr,
    upstream: SocketAddr,
    mut ordered: watch::Receiver<Option<Fault>>,
    spoiled: Arc<Mutex<u64>>,
) {
    let mut listener = Some(listener);
    let mut calls = JoinSet::new();
    loop {
        let fault = *ordered.borrow_and_update();
        if fault == Some(Fault::Refused) {
            listener = None;
            if ordered.changed().await.is_err() {
                return;
            }
            continue;
        }
        let here = match listener.take() {
            Some(here) => here,
            None => match bind(address).await {
                Ok(here) => here,
                Err(error) => return eprintln!("the proxy does not get its port back: {error}"),
            },
        };
        tokio::select! {
            changed = ordered.changed() => if changed.is_err() { return },
            accepted = here.accept() => if let Ok((client, _)) = accepted {
                if fault.is_some() {
                    *spoiled.lock().unwrap_or_else(PoisonError::into_inner) += 1;
                }
                calls.spawn(async move {
                    // a side that goes away in the middle is what this is about
                    let _ = carry(client, upstream, fault).await;
                });
            },
        }
        while calls.try_join_next().is_some() {}
        listener = Some(here);
    }
}

async fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    for _ in 0..BIND_TRIES {
        if let Ok(listener) = TcpListener::bind(address).await {
            return Ok(listener);
        }
        tokio::time::sleep(BIND_AGAIN).await;
    }
    TcpListener::bind(address).await
}

async fn carry(mut client: TcpStream, upstream: SocketAddr, fault: Option<Fault>) -> Result<()> {
    let call = read_call(&mut client).await?;
    if fault == Some(Fault::Slow) {
        tokio::time::sleep(LATE).await;
    }
    let answer = match fault {
        Some(fault) if !fault.applies() => Vec::new(),
        _ => forward(upstream, &call).await?,
    };
    let Some(fault) = fault else { return Ok(client.write_all(&answer).await?) };
    match fault {
        Fault::Refused | Fault::Reset => reset(client),
        Fault::BlackHole | Fault::SilentAfterApply => {
            tokio::time::sleep(SILENCE_MAX).await;
            Ok(())
        }
        Fault::Trickle => trickle(client, &answer).await,
        Fault::Slow => Ok(client.write_all(&answer).await?),
        Fault::TornAnswer => {
            client.write_all(&answer[..middle(&answer)]).await?;
            reset(client)
        }
        Fault::CutAnswer => Ok(client.write_all(&cut(&answer)).await?),
        made_up => Ok(client.write_all(&invented(made_up)).await?),
    }
}

/// Ends a connection without a goodbye.
fn reset(client: TcpStream) -> Result<()> {
    client.set_zero_linger()?;
    drop(client);
    Ok(())
}

/// Reads a call, and asks that its connection be closed after the answer.
async fn read_call(client: &mut TcpStream) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let head = loop {
        ensure!(client.read_buf(&mut bytes).await? > 0 && bytes.len() < BYTES_MAX, "no whole call");
        if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break end;
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let whole = head + 4 + length.unwrap_or(0);
    ensure!(whole < BYTES_MAX, "too long");
    while bytes.len() < whole {
        ensure!(client.read_buf(&mut bytes).await? > 0, "no whole call");
    }
    let mut call = text.into_bytes();
    call.extend_from_slice(b"\r\nConnection: close\r\n\r\n");
    call.extend_from_slice(&bytes[head + 4..]);
    Ok(call)
}

async fn forward(upstream: SocketAddr, call: &[u8]) -> Result<Vec<u8>> {
    let mut there = TcpStream::connect(upstream).await?;
    there.write_all(call).await?;
    let mut answer = Vec::new();
    there.take(BYTES_MAX as u64).read_to_end(&mut answer).await?;
    Ok(answer)
}

async fn trickle(mut client: TcpStream, answer: &[u8]) -> Result<()> {
    for byte in answer {
        client.write_all(std::slice::from_ref(byte)).await?;
        tokio::time::sleep(BYTE_EVERY).await;
    }
    Ok(())
}

fn body_of(answer: &[u8]) -> usize {
    answer.windows(4).position(|w| w == b"\r\n\r\n").map_or(0, |head| head + 4)
}

/// In the middle of the body.
fn middle(answer: &[u8]) -> usize {
    let body = body_of(answer);
    body + (answer.len() - body) / 2
}

/// An answer whose body ends too early and says that it is whole.
fn cut(answer: &[u8]) -> Vec<u8> {
    let status = String::from_utf8_lossy(&answer[..body_of(answer)]).lines().next().unwrap_or_default().to_owned();
    made(&status, "application/json", "", &answer[body_of(answer)..middle(answer)])
}

fn made(status: &str, kind: &str, further: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "{status}\r\nContent-Type: {kind}\r\n{further}Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn invented(fault: Fault) -> Vec<u8> {
    const PAGE: &[u8] = b"<!DOCTYPE html><html><title>Sorry</title><p>Please sign in</p></html>";
    let json = "application/json";
    let named = |name: &str| {
        format!(r#"{{"name":"{name}","message":"sandbox","arguments":["sandbox"],"context":{{}},"debug":"Traceback"}}"#)
    };
    match fault {
        Fault::RateLimited => {
            made("HTTP/1.1 429 Too Many Requests", json, "Retry-After: 2\r\n", b"{\"message\":\"slower\"}")
        }
        Fault::RateLimitedSilently => made("HTTP/1.1 429 Too Many Requests", json, "", b"{\"message\":\"slower\"}"),
        Fault::RateLimitedInWords => {
            made("HTTP/1.1 429 Too Many Requests", "text/plain", "Retry-After: 2\r\n", b"slower, please")
        }
        Fault::Collision => made(
            "HTTP/1.1 500 Internal Server Error",
            json,
            "",
            named("psycopg2.errors.SerializationFailure").as_bytes(),
        ),
        Fault::NeverWorks => {
            made("HTTP/1.1 500 Internal Server Error", json, "", named("builtins.ValueError").as_bytes())
        }
        Fault::Html => made("HTTP/1.1 503 Service Unavailable", "text/html", "", PAGE),
        _ => made("HTTP/1.1 200 OK", "text/html", "", PAGE),
    }
}
