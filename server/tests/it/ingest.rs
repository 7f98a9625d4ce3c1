//! The ingest endpoint, over HTTP: which requests are taken, how senders are answered, bodies of every size and packing.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use crate::world::World;
use application::caller::Caller;
use application::{
    connections::{
        inbound,
        sources::{self, NewSource},
    },
    context::Context,
    tracking::ingest::{self, Delivery, Refused},
};
use axum::{body::Body, extract::ConnectInfo, http::Request};
use base64::{Engine, engine::general_purpose::STANDARD};
use carriers::{RawRequest, Rejected};
use http::{HeaderMap, HeaderName, StatusCode};
use http_body_util::BodyExt;
use metrics_exporter_prometheus::PrometheusBuilder;
use ring::hmac;
use serde_json::Value;
use server::http::peer;
use std::{
    io::{Read, Write},
    net::SocketAddr,
};
use storage::inbox::{MessageRecord, MessageSelection, MessageStatus, Novelty};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

async fn post(world: &World, source: &str, body: Vec<u8>) -> StatusCode {
    let request = Request::post(format!("/ingest/{source}"))
        .header("authorization", format!("Bearer {}", crate::world::SECRET))
        .body(Body::from(body))
        .unwrap();
    ask(world, request).await.status
}

/// What came for a request.
#[derive(Debug)]
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Reply {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// A problem for machines, with the correlation id of the log.
    fn is_problem(&self, status: u16, code: &str) -> bool {
        let body: Value = serde_json::from_str(&self.body).unwrap_or_default();
        let stated = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
        self.status == status
            && self.header("content-type") == "application/problem+json"
            && (self.body.is_empty()
                || stated("code") == code && stated("correlation") == self.header("x-correlation-id"))
            && !self.header("x-correlation-id").is_empty()
    }
}

async fn ask(world: &World, request: Request<Body>) -> Reply {
    let metrics = PrometheusBuilder::new().build_recorder().handle();
    let router = server::http::router(world.front(), metrics, CancellationToken::new());
    let answer = router.oneshot(request).await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    Reply { status, headers, body: String::from_utf8_lossy(&body).into_owned() }
}

async fn kept(world: &World) -> Vec<MessageRecord> {
    let scope = world.context.scope();
    world.context.store.inbox.messages(scope, MessageSelection::default(), None).await.unwrap().rows
}

fn hmac_of(bytes: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, crate::world::SECRET.as_bytes()), bytes).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

const BODY: &[u8] = br#"{"event_id":"e1","msg":{"id":"t1","tracking_number":"N1","slug":"dhl","tag":"InTransit","subtag":"InTransit_003","updated_at":"2026-03-05T01:00:00+00:00","checkpoints":[{"tag":"InTransit","subtag":"InTransit_003","checkpoint_time":"2026-03-05T01:00:00","city":"Lyon"}]}}"#;

/// A message of AfterShip to this address, signed over these bytes.
fn aftership(path: &str, signed: &[u8]) -> http::request::Builder {
    Request::post(path).header("aftership-hmac-sha256", STANDARD.encode(hmac_of(signed)))
}

/// Every connector's source: what asks, what posts, and what is no request at all.
#[tokio::test]
async fn every_source_answers_as_its_manifest_says() {
    let world = World::new().await;
    for manifest in carriers::ALL.iter().map(|carrier| carrier.manifest()) {
        let secret = match manifest.schemes[0] {
            carriers::Scheme::Basic => "somebody:a secret of the tests",
            carriers::Scheme::StandardWebhooks => "whsec_YSBzZWNyZXQgb2YgdGhlIHRlc3Rz",
            _ => crate::world::SECRET,
        };
        let source = format!("of-{}", manifest.id);
        world.source_of(&source, manifest.id, secret, Default::default()).await;
        let looks = manifest.endpoint.handshakes.contains(&carriers::Handshake::Probe);
        for method in ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "REPORT"] {
            let at = |source: &str| {
                let request = Request::builder().method(method).uri(format!("/ingest/{source}?x=%3Cb%3E"));
                request.body(Body::from("{}")).unwrap()
            };
            let answer = ask(&world, at(&source)).await;
            if looks && (method == "GET" || method == "HEAD") {
                assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, ""), "{method} {source}");
                assert!(answer.header("content-type").starts_with("text/plain"), "{answer:?}");
            } else {
                assert!(answer.is_problem(405, "method_not_allowed"), "{method} {source}: {answer:?}");
                assert_eq!(answer.header("allow"), manifest.endpoint.allow(), "{method} {source}");
            }
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            let unknown = ask(&world, at("nobody")).await;
            assert!(unknown.is_problem(404, "unknown_source"), "{method}: {unknown:?}");
        }
        let unsigned = Request::post(format!("/ingest/{source}")).body(Body::from("{}")).unwrap();
        let answer = ask(&world, unsigned).await;
        assert!(answer.is_problem(401, "not_verified"), "{source}: {answer:?}");
    }
    assert_eq!(kept(&world).await.len(), 0, "a question is no message");
}

#[tokio::test]
async fn a_challenge_is_given_back_as_plain_text() {
    let world = World::new().await;
    world.source_of("any", "generic_json", "whsec_YSBzZWNyZXQgb2YgdGhlIHRlc3Rz", Default::default()).await;
    let get = |query: &str| Request::get(format!("/ingest/any?{query}")).body(Body::empty()).unwrap();
    for query in ["challenge=abc-123", "hub.mode=subscribe&hub.challenge=abc-123", "validationToken=abc-123"] {
        let answer = ask(&world, get(query)).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "abc-123"), "{query}");
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    }
    let markup = ask(&world, get("challenge=%3Cscript%3Ealert(1)%3C/script%3E")).await;
    assert!(markup.is_problem(400, "not_plain") && !markup.body.contains("alert"), "{markup:?}");
    let options = |origin: &str| {
        let request = Request::options("/ingest/any").header("webhook-request-origin", origin);
        request.header("webhook-request-rate", "120").body(Body::empty()).unwrap()
    };
    let allowed = ask(&world, options("events.example.com")).await;
    assert_eq!((allowed.status.as_u16(), allowed.body.as_str()), (200, ""));
    assert_eq!(allowed.header("webhook-allowed-origin"), "events.example.com");
    assert_eq!(allowed.header("webhook-allowed-rate"), "*");
    assert!(ask(&world, options("<b>")).await.is_problem(400, "not_plain"));
    let elsewhere = Request::get("/ingest/aftership?challenge=abc").body(Body::empty()).unwrap();
    assert!(ask(&world, elsewhere).await.is_problem(405, "method_not_allowed"), "AfterShip asks nothing");
}

#[tokio::test]
async fn success_is_said_as_the_sender_understands_it() {
    let world = World::new().await;
    for (connector, status) in [("easyship", 200), ("ups_track_alert", 202)] {
        world.source_of(connector, connector, crate::world::SECRET, Default::default()).await;
        for _ in 0..2 {
            let request =
                Request::post(format!("/ingest/{connector}")).header("x-webhook-secret", crate::world::SECRET);
            let answer = ask(&world, request.body(Body::from("{}")).unwrap()).await;
            assert_eq!(answer.status.as_u16(), status, "{connector}, the repetition too: {answer:?}");
        }
    }
    world.source_of("17track", "17track", crate::world::SECRET, Default::default()).await;
    let sign = ring::digest::digest(&ring::digest::SHA256, format!("{{}}/{}", crate::world::SECRET).as_bytes());
    let request = Request::post("/ingest/17track").header("sign", hex(sign.as_ref())).body(Body::from("{}")).unwrap();
    assert_eq!(ask(&world, request).await.status, StatusCode::OK);
    assert_eq!(kept(&world).await.len(), 3);
}

#[tokio::test]
async fn slashes_make_no_other_address() {
    let world = World::new().await;
    for path in ["/ingest/aftership/", "//ingest//aftership", "/ingest/aftership//?a=b", "///ingest/aftership"] {
        let answer = ask(&world, aftership(path, BODY).body(Body::from(BODY)).unwrap()).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{path}: {answer:?}");
    }
    assert_eq!(kept(&world).await.len(), 1, "one message");
    for path in ["/ingest", "/ingest/", "/ingest//", "/ingest/aftership/more", "//ingest//aftership//more"] {
        for method in ["POST", "GET", "DELETE"] {
            let request = Request::builder().method(method).uri(path).body(Body::from("{}")).unwrap();
            let answer = ask(&world, request).await;
            assert!(answer.is_problem(404, "unknown_source"), "{method} {path}: {answer:?}");
        }
    }
    // who signs the path has signed the one that was asked
    let scheme = Some("easypost_v2".to_owned());
    world.put_source("easypost", "easypost", scheme, crate::world::SECRET, Default::default()).await;
    let stamp = "Thu, 05 Mar 2026 12:00:00 +0000";
    for (signed, asked, status) in [
        ("/ingest/easypost/", "/ingest/easypost/", 202),
        ("//ingest/easypost", "//ingest/easypost", 202),
        ("/ingest/easypost", "/ingest/easypost/", 401),
    ] {
        let tag = hex(&hmac_of(&[stamp.as_bytes(), b"POST", signed.as_bytes(), b"{}"].concat()));
        let request = Request::post(asked)
            .header("x-hmac-signature-v2", format!("hmac-sha256-hex={tag}"))
            .header("x-timestamp", stamp)
            .header("x-path", signed);
        let answer = ask(&world, request.body(Body::from("{}")).unwrap()).await;
        assert_eq!(answer.status.as_u16(), status, "{signed} {asked}: {answer:?}");
    }
}

#[tokio::test]
async fn wrong_addresses_are_told_to_machines_in_their_language() {
    let world = World::new().await;
    let asked = |method: &str, path: &str, accept: &str| {
        Request::builder().method(method).uri(path).header("accept", accept).body(Body::empty()).unwrap()
    };
    for (method, path) in
        [("GET", "/nothing/here"), ("GET", "/.env"), ("GET", "/wp-admin/x.php"), ("GET", "/pkg/no.js")]
    {
        for accept in ["*/*", "application/json", ""] {
            let answer = ask(&world, asked(method, path, accept)).await;
            assert!(answer.is_problem(404, "not_found"), "{method} {path} {accept}: {answer:?}");
        }
        let page = ask(&world, asked(method, path, "text/html,application/xhtml+xml")).await;
        assert!(page.status == 404 && page.header("content-type").starts_with("text/html"), "{path}: {page:?}");
    }
    let wrong = ask(&world, asked("POST", "/healthz", "*/*")).await;
    assert!(wrong.is_problem(405, "method_not_allowed") && wrong.header("allow").contains("GET"), "{wrong:?}");
}

/// Pages, server functions, live streams and what watchers ask: a method that an address does not take is answered with those that it takes.
#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let world = World::new().await;
    let pages = app::ssr::pages();
    let pages = pages.iter().map(|route| route.replace("{id}", "00000000-0000-0000-0000-000000000000"));
    let functions = app::ssr::functions().map(|(path, _)| path.to_owned());
    let others = ["/healthz", "/readyz", "/metrics", "/live/shipments", "/there/is/none"].map(str::to_owned);
    for path in pages.chain(functions).chain(others) {
        let asked = async |method: &str, accept: &str| {
            let request = Request::builder().method(method).uri(&path).header("accept", accept);
            ask(&world, request.body(Body::empty()).unwrap()).await
        };
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "REPORT"] {
            let answer = asked(method, "*/*").await;
            if answer.status != StatusCode::METHOD_NOT_ALLOWED {
                continue;
            }
            assert!(answer.is_problem(405, "method_not_allowed"), "{method} {path}: {answer:?}");
            let allow: Vec<_> = answer.header("allow").split(',').map(str::trim).collect();
            assert!(!allow.contains(&"") && !allow.contains(&method), "{method} {path}: {allow:?}");
            for right in allow {
                let answer = asked(right, "*/*").await;
                assert_ne!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{right} {path}");
            }
            let to_a_person = asked(method, "text/html").await;
            assert_eq!(to_a_person.header("allow"), answer.header("allow"), "{method} {path}");
        }
        assert_eq!(asked("DELETE", "*/*").await.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
}

/// A path that is no text is a wrong address like any other.
#[tokio::test]
async fn a_path_that_is_no_text_is_a_wrong_address() {
    let world = World::new().await;
    for source in ["%ff", "a%FFb", "%C3%28", "%ed%a0%80", "%ff/", "%ff/more", "aftership/%ff", "%00", "%F0%9F%93%A6"] {
        for method in ["POST", "GET", "DELETE"] {
            let request = Request::builder().method(method).uri(format!("/ingest/{source}")).body(Body::from("{}"));
            let answer = ask(&world, request.unwrap()).await;
            assert!(answer.is_problem(404, "unknown_source"), "{method} {source}: {answer:?}");
        }
    }
    for path in ["/%ff", "/shipments/%ff", "/sync/jobs/%C3%28", "/api/%ff", "/api/shipments/%ff", "/pkg/%ff.js"] {
        let answer = ask(&world, Request::get(path).body(Body::empty()).unwrap()).await;
        let is_a_page = answer.header("content-type").starts_with("text/html") || answer.status == StatusCode::FOUND;
        assert!(is_a_page || answer.is_problem(404, "not_found"), "{path}: {answer:?}");
    }
}

#[tokio::test]
async fn packed_bodies_are_unpacked_or_refused() {
    let world = World::new().await;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(BODY).unwrap();
    let gzip = gzip.finish().unwrap();
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    zlib.write_all(BODY).unwrap();
    let zlib = zlib.finish().unwrap();
    let mut br = Vec::new();
    brotli::CompressorReader::new(BODY, 4096, 9, 22).read_to_end(&mut br).unwrap();
    let to = |encoding: &str, signed: &[u8], sent: &[u8]| {
        let request = aftership("/ingest/aftership", signed).header("content-encoding", encoding);
        request.body(Body::from(sent.to_vec())).unwrap()
    };
    let plain = ask(&world, to("identity", BODY, BODY)).await;
    assert_eq!(plain.status, StatusCode::ACCEPTED);
    for (encoding, sent) in
        [("gzip", &gzip), ("x-gzip", &gzip), ("DEFLATE", &zlib), ("br", &br), ("identity, gzip", &gzip)]
    {
        for signed in [BODY, sent] {
            let answer = ask(&world, to(encoding, signed, sent)).await;
            assert!(answer.status == 202 && answer.body.contains("duplicate"), "{encoding}: {answer:?}");
        }
        let forged = ask(&world, to(encoding, b"something else", sent)).await;
        assert!(forged.is_problem(401, "not_verified"), "{forged:?}");
        let cut = &sent[..sent.len() - 3];
        assert!(ask(&world, to(encoding, cut, cut)).await.is_problem(400, "not_as_packed"), "{encoding}");
        assert!(ask(&world, to(encoding, BODY, BODY)).await.is_problem(400, "not_as_packed"), "{encoding}");
    }
    for other in ["zstd", "compress", "gzip, gzip", "gzip, br", "aes128gcm", "nonsense"] {
        let answer = ask(&world, to(other, BODY, BODY)).await;
        assert!(answer.is_problem(415, "packed"), "{other}: {answer:?}");
        assert_eq!(answer.header("accept-encoding"), "gzip, deflate, br");
    }
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    bomb.write_all(&vec![b' '; 64 << 20]).unwrap();
    let bomb = bomb.finish().unwrap();
    assert!(ask(&world, to("gzip", &bomb, &bomb)).await.is_problem(413, "too_large"));
    assert_eq!(
        world.context.room.available_permits(),
        application::context::ROOM_KIB,
        "what was taken up is given back"
    );
    // what was acknowledged is read
    world.settle().await;
    let kept = kept(&world).await;
    assert!(kept.len() == 1 && matches!(kept[0].status, MessageStatus::Normalised { observations: 1, .. }), "{kept:?}");
}

/// A message of TrackingMore about a number: it signs a time and nothing else.
fn trackingmore(stamp: i64, number: &str) -> Vec<u8> {
    let info = serde_json::json!({"timestamp": stamp, "signature": hex(&hmac_of(stamp.to_string().as_bytes()))});
    serde_json::json!({"code": 200, "data": {"tracking_number": number}, "verifyInfo": info}).to_string().into_bytes()
}

/// Anybody who saw one message may put another body to its proof, here or at another node, before and after a restart.
#[tokio::test]
async fn a_proof_without_the_body_is_good_for_one_message() {
    let world = World::new().await;
    world.source_of("tm", "trackingmore", crate::world::SECRET, Default::default()).await;
    let offer = async |context: &Context, body: Vec<u8>| {
        let headers = HeaderMap::new();
        let request = RawRequest { method: "POST", path: "/", query: "", peer: None, headers: &headers, body: &body };
        ingest::accept(context, Delivery { source: "tm", request, correlation: context.correlation() }).await
    };
    let now = world.context.now().as_second();
    let first = offer(&world.context, trackingmore(now, "N1")).await.unwrap();
    let again = offer(&world.context, trackingmore(now, "N1")).await.unwrap();
    assert_eq!(
        (again.message, again.novelty),
        (first.message, Novelty::Repeated),
        "the sender did not hear the answer"
    );
    let beside = world.beside().await;
    for node in [&world.context, &beside] {
        let forged = offer(node, trackingmore(now, "N2")).await.unwrap_err();
        assert!(matches!(forged, Refused::ProofUsed), "{forged}");
    }
    // an honest one is asked to retry, and does with a later stamp
    let request = Request::post("/ingest/tm").body(Body::from(trackingmore(now, "N2"))).unwrap();
    let answer = ask(&world, request).await;
    assert!(answer.is_problem(503, "proof_used") && answer.header("retry-after") == "1", "{answer:?}");
    offer(&beside, trackingmore(now + 1, "N2")).await.unwrap();
    for stale in [now - 301, now + 301] {
        let refused = offer(&world.context, trackingmore(stale, "N3")).await.unwrap_err();
        assert!(matches!(refused, Refused::NotVerified(Rejected::Stale(..))), "{refused}");
    }
    assert_eq!(kept(&world).await.len(), 2);
}

/// Many of a second share a stamp: where the networks say who sends, each is taken.
#[tokio::test]
async fn a_burst_of_one_second_is_taken_where_networks_are_named() {
    let world = World::new().await;
    let settings = carriers::Settings { networks: vec!["192.0.2.0/24".parse().unwrap()], ..Default::default() };
    world.source_of("tm", "trackingmore", crate::world::SECRET, settings).await;
    let now = world.context.now().as_second();
    let from = |address: [u8; 4], body: Vec<u8>| {
        let mut request = Request::post("/ingest/tm").body(Body::from(body)).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from((address, 4000))));
        request
    };
    for n in 0..20 {
        let body = trackingmore(now, &format!("N{n}"));
        for expected in ["accepted", "duplicate"] {
            let answer = ask(&world, from([192, 0, 2, 7], body.clone())).await;
            assert!(answer.status == 200 && answer.body.contains(expected), "{n}: {answer:?}");
        }
    }
    let replayed = ask(&world, from([198, 51, 100, 7], trackingmore(now, "N99"))).await;
    assert!(replayed.is_problem(401, "not_verified"), "{replayed:?}");
    let stale = ask(&world, from([192, 0, 2, 7], trackingmore(now - 301, "N99"))).await;
    assert!(stale.is_problem(401, "not_verified"), "{stale:?}");
    assert_eq!(kept(&world).await.len(), 20);
}

/// A source that cannot be opened keeps nobody from the others, and can be removed.
#[tokio::test]
async fn a_source_whose_secrets_are_lost_is_told_and_stops_no_other() {
    let world = World::new().await;
    let (context, scope) = (&world.context, world.context.scope());
    for name in ["good", "lost"] {
        world.source_of(name, "aftership", crate::world::SECRET, Default::default()).await;
    }
    let (_, good, _) = context.store.connections.by_name("good").await.unwrap().unwrap();
    let (_, mut lost, key) = context.store.connections.by_name("lost").await.unwrap().unwrap();
    // under another key
    lost.secrets = good.secrets;
    context.store.connections.put(scope, lost, key, context.audit("test", "source")).await.unwrap();
    let list = sources::kept(context, &Caller::trusted(scope)).await.unwrap();
    let stated: Vec<_> = list.iter().map(|(source, secrets)| (source.name.as_str(), secrets.is_ok())).collect();
    assert!(stated.contains(&("good", true)) && stated.contains(&("lost", false)), "{stated:?}");
    sources::disable(context, &Caller::trusted(scope), "good", None).await.unwrap();
    sources::enable(context, &Caller::trusted(scope), "good").await.unwrap();
    sources::drop_old_secret(context, &Caller::trusted(scope), "lost").await.unwrap_err();
    sources::disable(context, &Caller::trusted(scope), "lost", None).await.unwrap();
    sources::remove(context, &Caller::trusted(scope), "lost", None).await.unwrap();
    let left: Vec<_> = sources::kept(context, &Caller::trusted(scope))
        .await
        .unwrap()
        .into_iter()
        .map(|(source, _)| source.name)
        .collect();
    assert!(left.contains(&"good".to_owned()) && !left.contains(&"lost".to_owned()), "{left:?}");
}

/// A password is hidden without its user, too.
#[tokio::test]
async fn a_password_of_a_source_is_hidden_by_itself() {
    let world = World::new().await;
    world.source_of("p44", "project44", "somebody:the pass of project44", Default::default()).await;
    let request = Request::post("/ingest/p44").body(Body::from("{}")).unwrap();
    assert!(ask(&world, request).await.is_problem(401, "not_verified"));
    assert_eq!(outbound::secrets::hidden("x the pass of project44 y"), "x [secret] y");
}

/// Networks that a reverse proxy tells, in whatever way it writes them; what cannot be read is nobody's address.
#[tokio::test]
async fn an_address_that_cannot_be_read_is_no_proof_and_is_told() {
    let settings =
        server::config::Settings { trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()], ..Default::default() };
    let world = World::with(settings.resolve().unwrap()).await;
    let networks = ["10.0.0.0/8", "203.0.113.0/24", "2001:db8::/32"].map(|n| n.parse().unwrap()).to_vec();
    let scheme = Some("ip_allow_list".to_owned());
    let settings = carriers::Settings { networks, ..Default::default() };
    world.put_source("load", "x12_214", scheme, "", settings).await;
    let from = |name: &str, value: &str| {
        let mut request = Request::post("/ingest/load").body(Body::from("ISA")).unwrap();
        request.headers_mut().insert(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([10, 0, 0, 1], 4000))));
        request
    };
    for (name, value) in [
        ("x-forwarded-for", "203.0.113.7:5678"),
        ("x-forwarded-for", "[2001:db8::7]:443"),
        ("x-forwarded-for", "198.51.100.1, 203.0.113.7"),
        ("x-forwarded-for", "\", 203.0.113.7"),
    ] {
        assert_eq!(ask(&world, from(name, value)).await.status, StatusCode::ACCEPTED, "{name}: {value}");
    }
    assert_eq!(peer::last_fault(&world.context).await.unwrap(), None);
    assert_eq!(ask(&world, from("x-forwarded-for", "198.51.100.1")).await.status, StatusCode::UNAUTHORIZED);
    // the header that the proxy does not write
    let mut both = from("x-forwarded-for", "203.0.113.7");
    both.headers_mut().insert("forwarded", "for=9.9.9.9".parse().unwrap());
    assert_eq!(ask(&world, both).await.status, StatusCode::ACCEPTED);
    assert_eq!(peer::last_fault(&world.context).await.unwrap(), None);
    for (name, value) in [("x-forwarded-for", "unknown"), ("x-forwarded-for", "203.0.113.7:x")] {
        assert!(ask(&world, from(name, value)).await.is_problem(401, "not_verified"), "{name}: {value}");
    }
    let last = peer::last_fault(&world.context).await.unwrap().unwrap();
    assert_eq!((last.at, last.from.to_string().as_str()), (world.context.now(), "10.0.0.1"));
    assert!(last.fault.to_string().contains("X-Forwarded-For"), "{last:?}");
}

#[tokio::test]
async fn a_weak_proof_is_taken_only_in_writing() {
    let world = World::new().await;
    let (context, scope) = (&world.context, world.context.scope());
    let put = async |connector: &str, scheme: &str, secret: &str, networks: &[&str], known: bool| {
        let networks = networks.iter().map(|n| n.parse().unwrap()).collect();
        let settings = carriers::Settings { networks, weakness_known: known, ..Default::default() };
        let (name, connector, secret) = (format!("{connector}-{scheme}"), connector.to_owned(), secret.to_owned());
        sources::put(
            context,
            &Caller::trusted(scope),
            NewSource { name, connector, scheme: Some(scheme.into()), secret, settings },
        )
        .await
    };
    for carrier in carriers::ALL {
        let manifest = carrier.manifest();
        for scheme in manifest.schemes.iter().filter(|scheme| !scheme.covers().body) {
            let (name, secret) = (scheme.name(), "somebody:a secret of the tests");
            let error = put(manifest.id, name, secret, &[], false).await.unwrap_err().to_string();
            assert!(error.contains("--network") && error.contains("--i-know"), "{} {name}: {error}", manifest.id);
            assert!(!error.contains("a secret"), "{error}");
            put(manifest.id, name, secret, &["192.0.2.0/24"], false).await.unwrap();
            put(manifest.id, name, secret, &[], true).await.unwrap();
        }
    }
    let short = put("aftership", "hmac_base64", "short", &[], false).await.unwrap_err().to_string();
    assert!(short.contains("8 characters") && short.contains("--i-know"), "{short}");
    put("aftership", "hmac_base64", "short", &[], true).await.unwrap();
    for (secret, networks) in [("x", &[][..]), ("xxxxxxxxxxxxxxxxxxxx", &[]), (crate::world::SECRET, &["0.0.0.0/0"])] {
        put("aftership", "hmac_base64", secret, networks, true).await.unwrap_err();
    }
    for wide in [&[][..], &["0.0.0.0/0"], &["::/0"], &["0.0.0.0/1", "128.0.0.0/1"], &["2000::/3"]] {
        put("fourkites", "ip_allow_list", "", wide, true).await.unwrap_err();
    }
    put("fourkites", "ip_allow_list", "", &["192.0.2.0/24"], false).await.unwrap();
    for record in inbound::in_use(context, scope).await.unwrap() {
        let proof = inbound::proof_of(context, scope, &record).await.unwrap();
        assert!(proof.weaknesses.is_empty() || proof.known, "{}", record.name);
    }
    let keys_url = Some("http://localhost.evil.test/jwks".to_owned());
    let settings = carriers::Settings { keys_url, ..Default::default() };
    let source =
        NewSource { name: "se".into(), connector: "shipengine".into(), scheme: None, secret: String::new(), settings };
    let error = sources::put(context, &Caller::trusted(scope), source).await.unwrap_err().to_string();
    assert!(error.contains("https://"), "{error}");
}

#[tokio::test]
async fn files_are_taken_up_to_their_limit_and_only_so_many_at_once() {
    let world = World::new().await;
    world.source_of("edi", "x12_214", crate::world::SECRET, carriers::Settings::default()).await;
    let file = |bytes: usize| vec![b'x'; bytes];
    assert_eq!(post(&world, "edi", file(2 << 20)).await, StatusCode::ACCEPTED);
    assert_eq!(post(&world, "edi", file((64 << 20) + 1)).await, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(post(&world, "aftership", file((1 << 20) + 1)).await, StatusCode::PAYLOAD_TOO_LARGE, "one message");
    let others =
        world.context.files.acquire_many(u32::try_from(application::context::FILES_AT_ONCE).unwrap()).await.unwrap();
    assert_eq!(post(&world, "edi", file((2 << 20) + 1)).await, StatusCode::SERVICE_UNAVAILABLE, "it comes again");
    assert_eq!(post(&world, "edi", file(1000)).await, StatusCode::ACCEPTED, "messages do not wait for files");
    let room = world.context.room.acquire_many(u32::try_from(application::context::ROOM_KIB).unwrap()).await.unwrap();
    assert_eq!(post(&world, "edi", file(1001)).await, StatusCode::SERVICE_UNAVAILABLE, "nor have they any room");
    drop((others, room));
    assert_eq!(
        world.context.room.available_permits(),
        application::context::ROOM_KIB,
        "what was taken up is given back"
    );
    assert_eq!(post(&world, "edi", file((2 << 20) + 1)).await, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_source_that_is_removed_takes_nothing_more_and_keeps_its_messages() {
    let world = World::new().await;
    let (context, scope) = (&world.context, world.context.scope());
    let checkpoints = [("InTransit_003", "2026-03-05T01:00:00")];
    world.receives("N1", &checkpoints).await;
    let error = sources::remove(context, &Caller::trusted(scope), "aftersip", None).await.unwrap_err().to_string();
    assert!(error.contains("aftersip") && error.contains("aftership"), "{error}");
    sources::remove(context, &Caller::trusted(scope), "aftership", Some("mistyped".into())).await.unwrap();
    sources::remove(context, &Caller::trusted(scope), "aftership", None).await.unwrap_err();
    assert!(inbound::in_use(context, scope).await.unwrap().is_empty());
    world.clock.advance(jiff::Span::new().minutes(1));
    assert_eq!(post(&world, "aftership", b"{}".to_vec()).await, StatusCode::NOT_FOUND);
    let kept = context.store.inbox.messages(scope, MessageSelection::default(), None).await.unwrap();
    assert_eq!(kept.rows.len(), 1);
    let lines = context.store.people.audit_trail(scope, None, 10).await.unwrap();
    assert!(lines.iter().any(|line| line.entry.action == "source.remove"));

    // under the same name again, with another secret: the old one is forgotten
    world.source_of("aftership", "aftership", "another secret of the tests", carriers::Settings::default()).await;
    world.clock.advance(jiff::Span::new().minutes(1));
    assert!(world.deliver(br#"{"msg":{}}"#).await.is_err(), "signed with the secret of before");
    let kept = context.store.inbox.messages(scope, MessageSelection::default(), None).await.unwrap();
    assert_eq!(kept.rows.len(), 1);
}

#[tokio::test]
async fn commands_name_the_address_of_the_server_that_ran() {
    let world = World::new().await;
    let (context, scope) = (&world.context, world.context.scope());
    let (url, whence) = inbound::public_url(context, scope).await.unwrap();
    assert!(url == context.config.public_url && whence.contains("--public-url"), "{url} {whence}");
    let settings = server::config::Settings { public_url: Some("https://tower.test/".into()), ..Default::default() };
    let serving = World::on(context.store.clone(), settings.resolve().unwrap()).await;
    inbound::announce_public_url(&serving.context).await.unwrap();
    let (url, whence) = inbound::public_url(context, scope).await.unwrap();
    assert!(url == "https://tower.test" && whence.contains("last started"), "{url} {whence}");
    let (_, whence) = inbound::public_url(&serving.context, scope).await.unwrap();
    assert!(whence.contains("--public-url") && !whence.contains("no server"), "{whence}");
}
