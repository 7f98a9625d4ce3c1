//! Connections: how many, for how long, and what is no request. Nothing that comes slowly, or not at all, holds one for
//! ever, and nobody holds all of them.

use super::{peer, problem::Problem};
use crate::config::Proxies;
use application::clock::{Clock as _, SystemClock};
use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
    http::{HeaderValue, StatusCode, Version, header, uri::Authority},
    response::{IntoResponse, Response},
};
use domain::ids::CorrelationId;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::{
    collections::HashMap,
    convert::Infallible,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Sleep, sleep},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;

/// Connections at once, where so many files may be open; the next one waits until one of them ends.
const CONNECTIONS_MAX: usize = 4000;
/// Of them those of one address that is no trusted proxy's.
const OF_ONE_ADDRESS: usize = 200;
/// Files that may be open, where the system lets us.
const FILES_MAX: u64 = 16_384;
/// What nobody waits for longer.
const PATIENCE: Patience =
    Patience { idle: Duration::from_secs(75), head: Duration::from_secs(20), write: Duration::from_secs(30) };
/// Bytes of a request's head.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Bytes of a connection that are read ahead.
const BUFFER_BYTES_MAX: usize = 2 * HEAD_BYTES_MAX;
/// Headers of a request: as many as hyper reads.
const HEADERS_MAX: usize = 100;
/// After a connection could not be taken (no more files may be open), before the next try.
const PAUSE: Duration = Duration::from_secs(1);

/// For how long a connection is waited for.
#[derive(Clone, Copy)]
struct Patience {
    /// A request is there so long after the connection, or the answer before it. Reverse proxies keep connections for a
    /// minute: one that ends earlier costs them a request.
    idle: Duration,
    /// The head of a request is there so long after its first byte.
    head: Duration,
    /// Something of an answer is taken within this time.
    write: Duration,
}

/// Lets this process have as many files open as it may, connections among them.
pub fn allow_files() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(FILES_MAX, |most| most.min(FILES_MAX));
    if limit.current.is_some_and(|now| now < wanted)
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum })
    {
        tracing::warn!("no more than {:?} files may be open: {error}", limit.current);
    }
}

/// Connections at once: what is left of the files that may be open is for the database and for calls.
pub fn connections_max() -> usize {
    let files = getrlimit(Resource::Nofile).current.and_then(|files| usize::try_from(files).ok());
    files.map_or(CONNECTIONS_MAX, |files| CONNECTIONS_MAX.min(files / 4 * 3))
}

/// Serves until the stop signal, then ends the connections after the answers that are under way.
pub async fn serve(listener: TcpListener, router: Router, shutdown: CancellationToken, proxies: Proxies) {
    let places = Places::new(connections_max(), OF_ONE_ADDRESS, proxies);
    serve_with(listener, router, shutdown, places, PATIENCE).await;
}

async fn serve_with(
    listener: TcpListener,
    router: Router,
    shutdown: CancellationToken,
    places: Places,
    patience: Patience,
) {
    let places = Arc::new(places);
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let Some((stream, peer, place)) = accepted else { continue };
        let (router, shutdown) = (router.clone(), shutdown.clone());
        connections.spawn(async move {
            connection(stream, peer, router, shutdown, patience).await;
            drop(place);
        });
    }
    connections.close();
    connections.wait().await;
}

async fn accept(listener: &TcpListener, places: &Arc<Places>) -> Option<(TcpStream, SocketAddr, Permit)> {
    let place = Arc::clone(&places.all).acquire_owned().await.ok()?;
    match listener.accept().await {
        // what has no place is closed at once
        Ok((stream, peer)) => Some((stream, peer, places.of(peer.ip(), place)?)),
        // one that went away before it was taken
        Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) => None,
        Err(error) => {
            tracing::error!("no connection can be taken: {error}");
            sleep(PAUSE).await;
            None
        }
    }
}

/// The places for connections, and who has them.
struct Places {
    all: Arc<Semaphore>,
    of_one: usize,
    proxies: Proxies,
    taken: Mutex<HashMap<String, Taken>>,
}

/// Places of one address.
#[derive(Default)]
struct Taken {
    places: usize,
    /// Whether the log has it that there are too many.
    said: bool,
}

/// The place of one connection, until it is dropped.
struct Permit {
    places: Arc<Places>,
    /// None for a trusted proxy's.
    counted: Option<String>,
    _of_all: OwnedSemaphorePermit,
}

impl Places {
    fn new(all: usize, of_one: usize, proxies: Proxies) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), of_one, proxies, taken: Mutex::default() }
    }

    /// A place for a connection from this address; none where it has its share.
    fn of(self: &Arc<Self>, address: IpAddr, of_all: OwnedSemaphorePermit) -> Option<Permit> {
        let address = address.to_canonical();
        let counted = (!self.proxies.are(address)).then(|| peer::counted(address));
        if let Some(name) = &counted {
            let mut all = self.taken.lock().expect("no panic while held");
            let own = all.entry(name.clone()).or_default();
            if own.places >= self.of_one {
                metrics::counter!("milepost_refused_connections_total").increment(1);
                if !std::mem::replace(&mut own.said, true) {
                    tracing::warn!(
                        "{name} has {} connections, and gets no more; if it is a reverse proxy, set --trusted-proxy",
                        self.of_one
                    );
                }
                return None;
            }
            own.places += 1;
        }
        Some(Permit { places: Arc::clone(self), counted, _of_all: of_all })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let Some(name) = &self.counted else { return };
        let mut all = self.places.taken.lock().expect("no panic while held");
        if let Some(own) = all.get_mut(name) {
            own.places -= 1;
            if own.places == 0 {
                all.remove(name);
            }
        }
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    shutdown: CancellationToken,
    patience: Patience,
) {
    // an answer goes out at once
    let _ = stream.set_nodelay(true);
    let heads = Heads::default();
    let (ambiguous, stream) =
        (Arc::clone(&heads.ambiguous), Watched { stream, heads, patience, head_end: None, stalled: None });
    let service = service_fn(move |request| answer(router.clone(), peer, ambiguous.load(Ordering::Relaxed), request));
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.idle)
        .max_header_size(HEAD_BYTES_MAX)
        .max_buf_size(BUFFER_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = shutdown.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("a connection ended: {error}");
    }
}

async fn answer(
    router: Router,
    peer: SocketAddr,
    ambiguous: bool,
    mut request: Request<Incoming>,
) -> Result<Response, Infallible> {
    if ambiguous {
        let detail = "Content-Length and Transfer-Encoding stand in one request: send one of them";
        return Ok(refused(peer, StatusCode::BAD_REQUEST, "two_lengths", detail));
    }
    let codings = request.headers().get_all(header::TRANSFER_ENCODING);
    let chunked = codings.iter().next().is_some();
    if codings.iter().any(|coding| !coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked")) {
        let detail = "no other Transfer-Encoding than chunked is read: pack the body with Content-Encoding";
        return Ok(refused(peer, StatusCode::NOT_IMPLEMENTED, "transfer_encoding", detail));
    }
    if let Some(detail) = without_host(&request) {
        return Ok(refused(peer, StatusCode::BAD_REQUEST, "host", detail));
    }
    request.extensions_mut().insert(ConnectInfo(peer));
    let response = match router.oneshot(request.map(Body::new)).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    // where a chunked body ends is not followed here, so nothing may come behind it
    Ok(if chunked { closing(response) } else { response })
}

/// What is wrong with a request's Host (RFC 9112, 3.2); HTTP/1.0 may have none.
fn without_host<B>(request: &Request<B>) -> Option<&'static str> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let Some(host) = hosts.next() else {
        return (request.version() > Version::HTTP_10).then_some("there is no Host: HTTP/1.1 demands one");
    };
    if hosts.next().is_some() {
        return Some("there is more than one Host: send one");
    }
    let named = |host: &str| host.is_empty() || !host.contains('@') && host.parse::<Authority>().is_ok();
    (!host.to_str().is_ok_and(named)).then_some("Host is no name with or without a port")
}

/// For what is no request that the router could answer.
fn refused(peer: SocketAddr, status: StatusCode, code: &'static str, detail: &'static str) -> Response {
    let correlation = CorrelationId(SystemClock.id());
    tracing::info!(%correlation, from = %peer.ip(), "no request: {detail}");
    closing(Problem::new(status, code, detail).correlated(correlation).into_response())
}

fn closing(mut response: Response) -> Response {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Reads along where requests begin, to see what hyper leaves out of them: a Content-Length beside a Transfer-Encoding
/// (RFC 9112, 6.1: the means to smuggle a request past a proxy).
#[derive(Default)]
struct Heads {
    /// What is known of the head that is being read.
    head: Vec<u8>,
    /// Bytes of the body that are still to come before the next head.
    body_bytes: u64,
    /// Nothing more is read along: a body whose end is not known here, or no HTTP.
    ended: bool,
    ambiguous: Arc<AtomicBool>,
}

impl Heads {
    fn see(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && !self.ended {
            let skipped = usize::try_from(self.body_bytes).unwrap_or(usize::MAX).min(bytes.len());
            self.body_bytes -= skipped as u64;
            bytes = &bytes[skipped..];
            if bytes.is_empty() {
                return;
            }
            let before = self.head.len();
            self.head.extend_from_slice(bytes);
            // a head that comes byte by byte is not read from its beginning each time
            let new = &self.head[before.saturating_sub(3)..];
            if !new.windows(2).any(|end| end == b"\n\n") && !new.windows(3).any(|end| end == b"\n\r\n") {
                self.ended = self.head.len() >= BUFFER_BYTES_MAX;
                return;
            }
            let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
            let mut request = httparse::Request::new(&mut headers);
            match request.parse(&self.head) {
                Ok(httparse::Status::Complete(length)) => {
                    let lengths = Lengths::of(request.headers);
                    bytes = &bytes[length - before..];
                    self.head.clear();
                    self.take(lengths);
                }
                Ok(httparse::Status::Partial) if self.head.len() < BUFFER_BYTES_MAX => return,
                // hyper refuses it
                _ => self.ended = true,
            }
        }
    }

    /// Whether a head has begun and is not at its end.
    fn is_within_head(&self) -> bool {
        !self.ended && !self.head.is_empty()
    }

    fn take(&mut self, lengths: Lengths) {
        if lengths.encoded && lengths.given {
            self.ambiguous.store(true, Ordering::Relaxed);
        }
        match lengths.bytes {
            Some(bytes) if !lengths.encoded => self.body_bytes = bytes,
            _ => self.ended = lengths.encoded || lengths.given,
        }
    }
}

/// What a head says of its body's length.
struct Lengths {
    encoded: bool,
    given: bool,
    bytes: Option<u64>,
}

impl Lengths {
    fn of(headers: &[httparse::Header<'_>]) -> Self {
        let mut lengths = Self { encoded: false, given: false, bytes: None };
        for header in headers {
            if header.name.eq_ignore_ascii_case("transfer-encoding") {
                lengths.encoded = true;
            } else if header.name.eq_ignore_ascii_case("content-length") {
                lengths.given = true;
                lengths.bytes = std::str::from_utf8(header.value).ok().and_then(|value| value.trim().parse().ok());
            }
        }
        lengths
    }
}

/// A connection that is read along, and that ends when a head does not come to its end or nobody takes what is written.
struct Watched {
    stream: TcpStream,
    heads: Heads,
    patience: Patience,
    /// When the head that has begun has to be there.
    head_end: Option<Pin<Box<Sleep>>>,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Watched {
    /// What writing came to; an error once nothing went on for too long.
    fn written<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let time = self.patience.write;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(time)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, into);
        if matches!(read, Poll::Ready(Ok(()))) {
            self.heads.see(&into.filled()[before..]);
        }
        if !self.heads.is_within_head() {
            self.head_end = None;
            return read;
        }
        let time = self.patience.head;
        let end = self.head_end.get_or_insert_with(|| Box::pin(sleep(time)));
        if end.as_mut().poll(context).is_ready() { Poll::Ready(Err(io::ErrorKind::TimedOut.into())) } else { read }
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.written(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.written(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
