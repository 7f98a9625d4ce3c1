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

const SOON: Duration = Duration::from_millis(200);
const NEVER: Duration = Duration::from_secs(600);
/// A test that waits longer has failed.
const WAITED: Duration = Duration::from_secs(10);

type Server = (SocketAddr, CancellationToken, tokio::task::JoinHandle<()>);

/// A server on loopback that waits for nobody.
async fn impatient() -> Server {
    serving(Patience { idle: SOON, head: SOON, write: SOON }, Places::new(100, 100, Proxies::default())).await
}

async fn serving(patience: Patience, places: Places) -> Server {
    let echo = |body: axum::body::Bytes| async move { body };
    let endless = || async { Body::from_stream(futures::stream::repeat(Ok::<_, Infallible>(vec![b'x'; 65_536]))) };
    let router = Router::new().route("/", axum::routing::any(echo)).route("/endless", axum::routing::get(endless));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let served = tokio::spawn(serve_with(listener, router, shutdown.clone(), places, patience));
    (address, shutdown, served)
}

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";

/// The answer to a request on a connection that goes on; none where it ended.
async fn asked(stream: &mut TcpStream, head: &[u8]) -> Option<String> {
    stream.write_all(head).await.ok()?;
    let mut answer = vec![0; 4096];
    let read = tokio::time::timeout(WAITED, stream.read(&mut answer)).await.expect("an answer or an end").ok()?;
    (read > 0).then(|| String::from_utf8_lossy(&answer[..read]).into_owned())
}

/// Whether the server ends the connection.
async fn ends(stream: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    tokio::time::timeout(WAITED, stream.read_to_end(&mut rest)).await.is_ok()
}

/// All that comes for these bytes until the server closes.
async fn reply_to(address: SocketAddr, bytes: &[u8]) -> String {
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
        let answer = reply_to(address, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{lengths}: {answer}");
        assert!(answer.contains("application/problem+json") && answer.contains("two_lengths"), "{answer}");
        assert!(answer.contains("x-correlation-id: ") && answer.contains("\"correlation\":"), "{answer}");
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
        let answer = reply_to(address, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.matches("HTTP/1.1 ").count() == 1, "{lengths}: {answer}");
    }
    let packed = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n";
    let answer = reply_to(address, packed.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 501 ") && answer.contains("problem+json"), "{answer}");
    let chunked = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    let answer = reply_to(address, chunked.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("connection: close"), "{answer}");
    let two = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello".repeat(2);
    assert_eq!(reply_to(address, two.as_bytes()).await.matches("HTTP/1.1 200 ").count(), 2, "one after the other");
}

#[tokio::test]
async fn a_request_names_one_host() {
    let (address, ..) = impatient().await;
    for (hosts, version, good) in [
        ("Host: tower.test\r\n", "1.1", true),
        ("Host: tower.test:8080\r\n", "1.1", true),
        ("host:192.0.2.1\r\n", "1.1", true),
        ("Host: [2001:db8::1]:80\r\n", "1.1", true),
        ("Host:\r\n", "1.1", true),
        ("", "1.0", true),
        ("Host: x\r\n", "1.0", true),
        ("", "1.1", false),
        ("X-Host: x\r\n", "1.1", false),
        ("Host: x\r\nHost: x\r\n", "1.1", false),
        ("Host: x\r\nX-A: b\r\nHOST: y\r\n", "1.1", false),
        ("Host: x\r\nHost: y\r\n", "1.0", false),
        ("Host: x, y\r\n", "1.1", false),
        ("Host: x y\r\n", "1.1", false),
        ("Host: x/y\r\n", "1.1", false),
        ("Host: a@x\r\n", "1.1", false),
        ("Host: \u{e9}\r\n", "1.1", false),
    ] {
        for (method, path) in [("GET", "/"), ("POST", "/"), ("GET", "http://x/")] {
            let answer = reply_to(address, format!("{method} {path} HTTP/{version}\r\n{hosts}\r\n").as_bytes()).await;
            let status = answer.split(' ').nth(1).unwrap_or_default();
            assert_eq!(status, if good { "200" } else { "400" }, "{method} {path} {hosts:?} {version}: {answer}");
            assert_eq!(good, !answer.contains("application/problem+json"), "{hosts:?}: {answer}");
            assert_eq!(good, !answer.contains("\"code\":\"host\""), "{hosts:?}: {answer}");
        }
    }
}

#[tokio::test]
async fn slow_and_idle_connections_end() {
    let (address, ..) = impatient().await;
    assert_eq!(reply_to(address, b"").await, "", "nothing at all");
    reply_to(address, b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow").await;
    let answer = reply_to(address, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
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

/// Between two requests longer than a reverse proxy keeps a connection; not within one.
#[tokio::test]
async fn a_connection_is_kept_between_requests() {
    assert!(PATIENCE.idle > Duration::from_secs(60), "as long as nginx and most load balancers keep one");
    let places = Places::new(100, 100, Proxies::default());
    let (address, ..) = serving(Patience { idle: NEVER, head: SOON, write: SOON }, places).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    for _ in 0..2 {
        sleep(2 * SOON).await;
        let answer = asked(&mut stream, GET).await.expect("it is kept");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&GET[..20]).await.unwrap();
    assert!(ends(&mut stream).await, "a head that has begun");
    let mut stream = TcpStream::connect(address).await.unwrap();
    asked(&mut stream, GET).await.unwrap();
    stream.write_all(&GET[..20]).await.unwrap();
    assert!(ends(&mut stream).await, "a later one");
}

#[tokio::test]
async fn nobody_has_all_connections() {
    let patience = Patience { idle: NEVER, head: NEVER, write: NEVER };
    let (address, ..) = serving(patience, Places::new(100, 3, Proxies::default())).await;
    let mut own = Vec::new();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        assert!(asked(&mut stream, GET).await.is_some());
        own.push(stream);
    }
    for _ in 0..3 {
        assert_eq!(asked(&mut TcpStream::connect(address).await.unwrap(), GET).await, None, "closed at once");
    }
    assert!(asked(&mut own[0], GET).await.is_some(), "those before are served");
    // somebody else
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 2], 0))).unwrap();
    assert!(asked(&mut socket.connect(address).await.unwrap(), GET).await.is_some());
    drop(own);
    let again = async { while asked(&mut TcpStream::connect(address).await.unwrap(), GET).await.is_none() {} };
    tokio::time::timeout(WAITED, again).await.expect("their places are free again");

    let trusted = Proxies { trusted: vec!["127.0.0.0/8".parse().unwrap()], ..Proxies::default() };
    let (address, ..) = serving(patience, Places::new(100, 3, trusted)).await;
    let mut of_a_proxy = Vec::new();
    for _ in 0..10 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        assert!(asked(&mut stream, GET).await.is_some());
        of_a_proxy.push(stream);
    }
}

#[tokio::test]
async fn an_ipv6_sender_has_one_share() {
    let places = Arc::new(Places::new(100, 2, Proxies::default()));
    let taken = |address: &str| {
        let of_all = Arc::clone(&places.all).try_acquire_owned().unwrap();
        places.of(address.parse().unwrap(), of_all)
    };
    let (one, two) = (taken("2001:db8::1"), taken("2001:db8::2:0:0:1"));
    assert!(one.is_some() && two.is_some() && taken("2001:db8::3").is_none());
    assert!(taken("2001:db8:0:1::1").is_some() && taken("::ffff:192.0.2.1").is_some());
    drop(one);
    assert!(taken("2001:db8::3").is_some());
    drop(two);
    assert!(places.taken.lock().unwrap().is_empty() && places.all.available_permits() == 100);
}

#[test]
fn there_are_files_left_for_the_rest() {
    allow_files();
    let files = getrlimit(Resource::Nofile).current.map_or(usize::MAX, |files| usize::try_from(files).unwrap());
    assert!(connections_max() <= CONNECTIONS_MAX && connections_max() <= files / 4 * 3);
}

#[tokio::test]
async fn heads_have_a_size() {
    let (address, ..) = impatient().await;
    let head = |headers: &str| format!("GET / HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
    let large = |bytes: usize| head(&format!("X-A: {}\r\n", "b".repeat(bytes)));
    for (good, name) in [(head(&"X-A: b\r\n".repeat(HEADERS_MAX - 1)), "many"), (large(HEAD_BYTES_MAX - 100), "large")]
    {
        let answer = reply_to(address, good.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{name}: {answer}");
    }
    for (bad, name) in [(head(&"X-A: b\r\n".repeat(HEADERS_MAX)), "many"), (large(HEAD_BYTES_MAX), "large")] {
        let answer = reply_to(address, bad.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{name}: {answer}");
    }
}

#[tokio::test]
async fn a_stop_ends_idle_connections_at_once() {
    let patience = Patience { idle: NEVER, head: NEVER, write: NEVER };
    let (address, shutdown, served) = serving(patience, Places::new(100, 100, Proxies::default())).await;
    let _fresh = TcpStream::connect(address).await.unwrap();
    let mut used = TcpStream::connect(address).await.unwrap();
    asked(&mut used, GET).await.unwrap();
    shutdown.cancel();
    tokio::time::timeout(WAITED, served).await.expect("it ends").unwrap();
}
