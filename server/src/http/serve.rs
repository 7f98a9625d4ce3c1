//! Connections: how many, for how long, and what is no request. Nothing that comes slowly, or not at all, holds one for
//! ever.

use super::problem::Problem;
use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{Sleep, sleep},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;

/// Connections at once; the next one waits until one of them ends.
pub const CONNECTIONS_MAX: usize = 1000;
/// What nobody waits for longer.
const PATIENCE: Patience = Patience { head: Duration::from_secs(20), write: Duration::from_secs(30) };
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
    /// The head of a request is there so long after the connection, or the answer before it: so an idle one ends too.
    head: Duration,
    /// Something of an answer is taken within this time.
    write: Duration,
}

/// Serves until told to stop, then ends the connections after the answers that are under way.
pub async fn serve(listener: TcpListener, router: Router, shutdown: CancellationToken) {
    serve_with(listener, router, shutdown, PATIENCE).await;
}

async fn serve_with(listener: TcpListener, router: Router, shutdown: CancellationToken, patience: Patience) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
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

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, peer, place)),
        // one that went away before it was taken
        Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) => None,
        Err(error) => {
            tracing::error!("no connection can be taken: {error}");
            sleep(PAUSE).await;
            None
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
        (Arc::clone(&heads.ambiguous), Watched { stream, heads, write_time: patience.write, stalled: None });
    let service = service_fn(move |request| answer(router.clone(), peer, ambiguous.load(Ordering::Relaxed), request));
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.head)
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
        let refused = Problem::new(StatusCode::BAD_REQUEST, "two_lengths", detail).into_response();
        return Ok(closing(refused));
    }
    let codings = request.headers().get_all(header::TRANSFER_ENCODING);
    let chunked = codings.iter().next().is_some();
    if codings.iter().any(|coding| !coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked")) {
        let detail = "no other Transfer-Encoding than chunked is read: pack the body with Content-Encoding";
        return Ok(closing(Problem::new(StatusCode::NOT_IMPLEMENTED, "transfer_encoding", detail).into_response()));
    }
    request.extensions_mut().insert(ConnectInfo(peer));
    let response = match router.oneshot(request.map(Body::new)).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    // where a chunked body ends is not followed here, so nothing may come behind it
    Ok(if chunked { closing(response) } else { response })
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

/// A connection that is read along, and that ends when nobody takes what is written.
struct Watched {
    stream: TcpStream,
    heads: Heads,
    write_time: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Watched {
    /// What writing came to; an error once nothing went on for too long.
    fn written<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(self.write_time)));
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
        read
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
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    /// Whether the requests of a connection are ambiguous, however they arrive.
    fn seen(bytes: &[u8], piece: usize) -> bool {
        let mut heads = Heads::default();
        bytes.chunks(piece).for_each(|part| heads.see(part));
        heads.ambiguous.load(Ordering::Relaxed)
    }

    #[test]
    fn two_lengths_are_seen_in_whatever_request_they_stand() {
        let both = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n";
        let other = "POST / HTTP/1.1\r\ncontent-length: 4\r\nTRANSFER-ENCODING: chunked\r\n\r\n0\r\n\r\n";
        let plain = "POST /a HTTP/1.1\r\nContent-Length: 42\r\n\r\nTransfer-Encoding: chunked\r\n\r\nPOST / HTTP/";
        let get = "GET / HTTP/1.1\nHost: x\n\n";
        for piece in [1, 7, 1000] {
            for ambiguous in [both.to_owned(), other.to_owned(), [plain, get, both].concat(), [get, other].concat()] {
                assert!(seen(ambiguous.as_bytes(), piece), "{ambiguous}");
            }
            let quoted = format!("POST /a HTTP/1.1\r\nContent-Length: {}\r\n\r\n{both}", both.len());
            let chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
            for right in [plain.to_owned(), [get, plain, get].concat(), quoted, chunked.to_owned()] {
                assert!(!seen(right.as_bytes(), piece), "{right}");
            }
        }
    }

    /// A server on loopback that waits for nobody longer than this.
    async fn impatient() -> (SocketAddr, CancellationToken, tokio::task::JoinHandle<()>) {
        let echo = |body: axum::body::Bytes| async move { body };
        let endless = || async { Body::from_stream(futures::stream::repeat(Ok::<_, Infallible>(vec![b'x'; 65_536]))) };
        let router = Router::new().route("/", axum::routing::any(echo)).route("/endless", axum::routing::get(endless));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let patience = Patience { head: Duration::from_millis(200), write: Duration::from_millis(200) };
        let served = tokio::spawn(serve_with(listener, router, shutdown.clone(), patience));
        (address, shutdown, served)
    }

    /// All that comes for these bytes until the server closes.
    async fn told(address: SocketAddr, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        // a connection that was reset is closed as well
        let _ = tokio::time::timeout(Duration::from_secs(10), read).await.expect("the connection is ended");
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[tokio::test]
    async fn requests_with_two_lengths_are_refused_and_the_connection_ends() {
        let (address, ..) = impatient().await;
        for lengths in [
            "Content-Length: 6\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\nContent-Length: 6",
            "transfer-encoding: chunked\r\nX-Other: 1\r\ncontent-length: 6",
        ] {
            let smuggled = "GET /endless HTTP/1.1\r\nHost: x\r\n\r\n";
            let request = format!("POST / HTTP/1.1\r\nHost: x\r\n{lengths}\r\n\r\n0\r\n\r\n{smuggled}");
            let answer = told(address, request.as_bytes()).await;
            assert!(answer.starts_with("HTTP/1.1 400 "), "{lengths}: {answer}");
            assert!(answer.contains("application/problem+json") && answer.contains("two_lengths"), "{answer}");
            assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
        }
        for lengths in [
            "Content-Length: 5\r\nContent-Length: 6",
            "Content-Length: 5, 5",
            "Content-Length: +5",
            "Content-Length: 0x5",
            "Transfer-Encoding: gzip",
            "Transfer-Encoding: chunked, identity",
            "Transfer-Encoding : chunked",
        ] {
            let request = format!("POST / HTTP/1.1\r\nHost: x\r\n{lengths}\r\n\r\nhello");
            let answer = told(address, request.as_bytes()).await;
            assert!(
                answer.starts_with("HTTP/1.1 400 ") && answer.matches("HTTP/1.1 ").count() == 1,
                "{lengths}: {answer}"
            );
        }
        let packed = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n";
        let answer = told(address, packed.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 501 ") && answer.contains("problem+json"), "{answer}");
        let chunked = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
        let answer = told(address, chunked.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("connection: close"), "{answer}");
        let two = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello".repeat(2);
        assert_eq!(told(address, two.as_bytes()).await.matches("HTTP/1.1 200 ").count(), 2, "one after the other");
    }

    #[tokio::test]
    async fn slow_and_idle_connections_end() {
        let (address, ..) = impatient().await;
        assert_eq!(told(address, b"").await, "", "nothing at all");
        told(address, b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow").await;
        let answer = told(address, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "and then nothing: {answer}");
        // one byte now and then is no way to stay either
        let mut stream = TcpStream::connect(address).await.unwrap();
        let dripping = async {
            for byte in "GET / HTTP/1.1\r\nX-Slow: ".bytes().chain(std::iter::repeat(b'x')) {
                if stream.write_all(&[byte]).await.is_err() {
                    return;
                }
                sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), dripping).await.expect("the connection is ended");
        // an answer that nobody takes
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let gone = async {
            while stream.write_all(b"x").await.is_ok() {
                sleep(Duration::from_millis(20)).await
            }
        };
        tokio::time::timeout(Duration::from_secs(10), gone).await.expect("the connection is ended");
    }

    #[tokio::test]
    async fn heads_have_a_size() {
        let (address, ..) = impatient().await;
        let many = "X-A: b\r\n".repeat(HEADERS_MAX + 1);
        let large = format!("X-A: {}\r\n", "b".repeat(HEAD_BYTES_MAX));
        for (headers, name) in [(many, "many"), (large, "large")] {
            let answer = told(address, format!("GET / HTTP/1.1\r\nHost: x\r\n{headers}\r\n").as_bytes()).await;
            assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{name}: {answer}");
        }
    }

    #[tokio::test]
    async fn a_stop_ends_idle_connections_at_once() {
        let (address, shutdown, served) = impatient().await;
        let _idle = TcpStream::connect(address).await.unwrap();
        shutdown.cancel();
        tokio::time::timeout(Duration::from_secs(10), served).await.expect("it ends").unwrap();
    }
}
