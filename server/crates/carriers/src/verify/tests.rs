//! Every published and composed vector, and what must never be believed.

use super::*;
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use serde_json::Value;
use std::path::{Path, PathBuf};

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/verify/fixtures")
}

/// A file of the vectors; some bodies may not be shipped, and are read where the shared data lies beside the project.
fn file(name: &str) -> Option<Vec<u8>> {
    let name = name.strip_prefix("signatures/").unwrap_or(name);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data/signatures");
    [here(), beside].iter().find_map(|folder| std::fs::read(folder.join(name)).ok())
}

fn headers(value: &Value) -> HeaderMap {
    let pairs = value.as_object().into_iter().flatten();
    pairs
        .map(|(k, v)| (k.parse::<HeaderName>().unwrap(), HeaderValue::from_str(v.as_str().unwrap()).unwrap()))
        .collect()
}

#[test]
fn every_vector_is_verified_or_refused_as_it_must_be() {
    let all: Value = serde_json::from_slice(&std::fs::read(here().join("vectors.json")).unwrap()).unwrap();
    let (mut checked, mut skipped) = (0, 0);
    for vector in all["vectors"].as_array().unwrap() {
        let id = vector["id"].as_str().unwrap();
        let body = match vector["body_file"].as_str() {
            Some(name) => file(name),
            None => Some(vector["in_body"].to_string().into_bytes()),
        };
        let Some(body) = body else {
            println!("skipped: vector {id} (its body is not shipped)");
            skipped += 1;
            continue;
        };
        let material = match (vector["secret"].as_str(), vector["jwks_file"].as_str(), vector["public_key"].as_str()) {
            (Some(secret), ..) => Material::Secret(secret.to_owned().into()),
            (_, Some(name), _) => Material::Jwks(String::from_utf8(file(name).unwrap()).unwrap()),
            (.., Some(key)) => Material::PublicKey(key.to_owned()),
            _ => panic!("{id} has no key"),
        };
        let headers = headers(&vector["headers"]);
        let (method, path) =
            (vector["request"]["method"].as_str().unwrap_or("POST"), vector["request"]["path"].as_str().unwrap_or(""));
        let request = RawRequest { method, path, query: "", peer: None, headers: &headers, body: &body };
        let now = vector["now"].as_str().unwrap_or("2026-03-01T00:00:00Z").parse().unwrap();
        for scheme in [vector["scheme"].as_str(), None] {
            let verdict = verify_named(vector["provider"].as_str().unwrap(), scheme, &material, &request, now);
            assert_eq!(verdict.is_ok(), vector["valid"] == true, "{id} with scheme {scheme:?}: {verdict:?}");
        }
        checked += 1;
    }
    println!("{checked} vectors checked, {skipped} skipped");
    assert!(checked >= 24, "{checked}");
}

fn secrets(scheme: Scheme, active: &[&str]) -> Secrets {
    Secrets::new(scheme, active.iter().map(|s| (*s).to_owned().into()).collect())
}

fn bearer(value: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", HeaderValue::from_str(value).unwrap());
    headers
}

fn manifest(id: &str) -> &'static Manifest {
    crate::by_id(id).unwrap().manifest()
}

fn verified(secrets: &Secrets, headers: &HeaderMap) -> Result<(), Rejected> {
    let request = RawRequest { method: "POST", path: "/ingest/x", query: "", peer: None, headers, body: b"x" };
    with_secrets(manifest("x12_214"), secrets, &request, "2026-03-01T00:00:00Z".parse().unwrap()).map(|_| ())
}

#[test]
fn two_secrets_are_valid_while_one_is_rotated() {
    let both = secrets(Scheme::Bearer, &["new", "old"]);
    assert_eq!(verified(&both, &bearer("Bearer new")), Ok(()));
    assert_eq!(verified(&both, &bearer("bearer old")), Ok(()));
    assert_eq!(verified(&both, &bearer("Bearer older")), Err(Rejected::Mismatch("secret")));
    assert_eq!(verified(&secrets(Scheme::Basic, &["user:pass"]), &bearer("Basic dXNlcjpwYXNz")), Ok(()));
}

#[test]
fn what_is_missing_or_contradictory_fails_closed() {
    let one = secrets(Scheme::Bearer, &["s"]);
    assert_eq!(verified(&one, &HeaderMap::new()), Err(Rejected::MissingHeader("authorization")));
    assert!(matches!(verified(&secrets(Scheme::Bearer, &[]), &bearer("Bearer s")), Err(Rejected::NotConfigured(_))));
    assert!(matches!(verified(&secrets(Scheme::Bearer, &[""]), &bearer("Bearer ")), Err(Rejected::NotConfigured(_))));
    assert!(verified(&one, &bearer("Basic s")).is_err());
    let mut twice = bearer("Bearer s");
    twice.append("authorization", HeaderValue::from_static("Bearer t"));
    assert_eq!(verified(&one, &twice), Err(Rejected::RepeatedHeader("authorization")));
}

#[test]
fn a_token_in_the_address_is_compared_whole_and_once() {
    let one = secrets(Scheme::QueryToken, &["s3cret"]);
    let ask = |query| {
        let request =
            RawRequest { method: "POST", path: "/", query, peer: None, headers: &HeaderMap::new(), body: b"x" };
        with_secrets(manifest("shippo"), &one, &request, "2026-03-01T00:00:00Z".parse().unwrap()).map(|_| ())
    };
    assert_eq!(ask("a=b&token=s3cret"), Ok(()));
    for query in ["", "token=", "token=s3cre", "token=s3cret&token=s3cret", "atoken=s3cret"] {
        assert!(ask(query).is_err(), "{query}");
    }
}

#[test]
fn networks_are_a_proof_of_their_own_or_a_second_one() {
    let ask = |secrets: &Secrets, peer: Option<&str>, headers: &HeaderMap| {
        let peer = peer.map(|p| p.parse().unwrap());
        let request = RawRequest { method: "POST", path: "/", query: "", peer, headers, body: b"x" };
        with_secrets(manifest("fourkites"), secrets, &request, "2026-03-01T00:00:00Z".parse().unwrap()).map(|_| ())
    };
    let none = HeaderMap::new();
    let networks = vec!["10.1.0.0/16".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
    let alone = Secrets { networks: networks.clone(), ..secrets(Scheme::IpAllowList, &[]) };
    assert_eq!(ask(&alone, Some("10.1.2.3"), &none), Ok(()));
    assert_eq!(ask(&alone, Some("::ffff:10.1.2.3"), &none), Ok(()), "an IPv4 sender on an IPv6 socket");
    assert_eq!(ask(&alone, Some("2001:db8::7"), &none), Ok(()));
    assert!(matches!(ask(&alone, Some("10.2.0.1"), &none), Err(Rejected::Elsewhere(_))));
    assert!(ask(&alone, None, &none).is_err());
    assert!(ask(&secrets(Scheme::IpAllowList, &[]), Some("10.1.2.3"), &none).is_err(), "no networks, no proof");
    let both = Secrets { networks, ..secrets(Scheme::Bearer, &["s"]) };
    assert_eq!(ask(&both, Some("10.1.2.3"), &bearer("Bearer s")), Ok(()));
    assert!(ask(&both, Some("10.1.2.3"), &none).is_err());
    assert!(ask(&both, Some("10.2.0.1"), &bearer("Bearer s")).is_err());
}

#[test]
fn the_header_of_a_shared_secret_may_be_another() {
    let own = Secrets { header: Some("X-Our-Key".into()), ..secrets(Scheme::SharedSecretHeader, &["s", "t"]) };
    let mut headers = HeaderMap::new();
    assert_eq!(verified(&own, &headers), Err(Rejected::MissingHeader("with the shared secret")));
    headers.insert("x-our-key", HeaderValue::from_static("t"));
    assert_eq!(verified(&own, &headers), Ok(()));
    headers.append("x-our-key", HeaderValue::from_static("u"));
    assert!(verified(&own, &headers).is_err());
}

/// A time stamp that is signed without the body is good for minutes, and each has a name to be used up under.
#[test]
fn a_stamp_alone_is_good_for_minutes() {
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"a secret of the tests");
    let body = |stamp: &str, upper: bool| {
        let tag: String = hmac::sign(&key, stamp.as_bytes()).as_ref().iter().map(|b| format!("{b:02x}")).collect();
        let tag = if upper { tag.to_uppercase() } else { tag };
        format!("{{\"verifyInfo\":{{\"timeStr\":{stamp},\"signature\":\"{tag}\"}}}}")
    };
    let ask_of = |secrets: &Secrets, body: &str, now: &str| {
        let request = RawRequest {
            method: "POST",
            path: "/",
            query: "",
            peer: Some([192, 0, 2, 7].into()),
            headers: &HeaderMap::new(),
            body: body.as_bytes(),
        };
        with_secrets(manifest("trackingmore"), secrets, &request, now.parse().unwrap())
    };
    let alone = secrets(Scheme::Trackingmore, &["a secret of the tests"]);
    let ask = |body: &str, now: &str| ask_of(&alone, body, now);
    let stamp = "1773218400";
    let first = ask(&body(stamp, false), "2026-03-11T08:42:00Z").unwrap();
    assert!(first.is_some());
    assert_eq!(ask(&body(stamp, true), "2026-03-11T08:44:00Z").unwrap(), first, "the same proof in other letters");
    assert_ne!(ask(&body("1773218401", false), "2026-03-11T08:42:00Z").unwrap(), first);
    for now in ["2026-03-11T08:34:59Z", "2026-03-11T08:45:01Z", "2027-03-11T08:40:00Z"] {
        assert!(matches!(ask(&body(stamp, false), now), Err(Rejected::Stale(_, 300))), "{now}");
    }
    assert!(ask(&body("99999999999999", false), "2026-03-11T08:42:00Z").is_err(), "no time at all");
    // where networks say who sends, messages may share a second
    let from = |network: &str| Secrets { networks: vec![network.parse().unwrap()], ..alone.clone() };
    assert_eq!(ask_of(&from("192.0.2.0/24"), &body(stamp, false), "2026-03-11T08:42:00Z"), Ok(None));
    let stale = ask_of(&from("192.0.2.0/24"), &body(stamp, false), "2026-03-11T08:45:01Z");
    assert!(matches!(stale, Err(Rejected::Stale(_, 300))), "{stale:?}");
    let elsewhere = ask_of(&from("198.51.100.0/24"), &body(stamp, false), "2026-03-11T08:42:00Z");
    assert!(matches!(elsewhere, Err(Rejected::Elsewhere(_))), "{elsewhere:?}");
}

#[test]
fn names_lead_to_their_scheme() {
    for scheme in Scheme::ALL {
        assert_eq!(Scheme::from_name(scheme.name()), Some(*scheme));
    }
    assert_eq!(Scheme::from_name("none"), None);
}

proptest! {
    #[test]
    fn garbage_is_never_believed_and_never_panics(value in "[ -~]{0,80}", body in prop::collection::vec(any::<u8>(), 0..64)) {
        for scheme in Scheme::ALL {
            for name in ["aftership", "easypost", "x12_214", "standard_webhooks", "zammad", "shippo", "17track"] {
                let mut headers = HeaderMap::new();
                for header in ["authorization", "x-hub-signature-256", "x-hub-signature", "x-hmac-signature", "x-hmac-signature-v2", "x-timestamp", "x-path",
                    "webhook-id", "webhook-timestamp", "webhook-signature", "aftership-hmac-sha256", "shippo-auth-signature", "sign", "x-signature", "x-webhook-secret"] {
                    headers.insert(header, HeaderValue::from_str(&value).unwrap());
                }
                let request = RawRequest { method: "POST", path: "", query: "", peer: None, headers: &headers, body: &body };
                let secret = Material::Secret("a secret that nobody types".to_owned().into());
                prop_assert!(check(Platform::named(name), *scheme, &secret, &request, "2026-03-01T00:00:00Z".parse().unwrap()).is_err());
            }
        }
    }
}
