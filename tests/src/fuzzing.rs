//! What invented input is tried on: every decoder and verifier and the reading of numbers, from the fuzz targets and over
//! the saved corpora.

use carriers::{Configured, Material, RawRequest, Scheme, Settings, generic_json::Fields, verify_named};
use domain::{
    fold::{Fact, FoldInput, Sighting, Trust, fold},
    ids::{SourceId, TrackerId, content_id},
    mapping::Mapping,
    numbers::{self, Number},
    reading::Reader,
};
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use std::sync::LazyLock;

/// The fields of the worked example in the documentation, for the connector that reads as its source is set.
static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    let page = include_str!("../../docs/GENERIC_JSON.md");
    let block =
        page.split("```json").nth(2).and_then(|rest| rest.split("```").next()).expect("the page has an example");
    serde_json::from_str(block).expect("the example is right")
});

/// A secret that no input holds.
const SECRET: &str = "a secret that nobody types";
/// Headers in which schemes look for their proof.
const HEADERS: &[&str] = &[
    "authorization",
    "aftership-hmac-sha256",
    "sendcloud-signature",
    "x-t49-webhook-signature",
    "notification-signature",
    "x-hub-signature",
    "x-hub-signature-256",
    "x-event-id",
    "x-webhook-secret",
    "x-signature",
    "x-hmac-signature",
    "x-hmac-signature-v2",
    "x-timestamp",
    "x-path",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
    "shippo-auth-signature",
    "sign",
    "x-shipengine-rsa-sha256-key-id",
    "x-shipengine-rsa-sha256-signature",
    "x-shipengine-timestamp",
    "x-zendesk-webhook-signature",
    "x-zendesk-webhook-signature-timestamp",
];

/// Decodes, maps and folds: nothing panics, the same bytes say the same, and what they say can be kept.
///
/// # Panics
/// When that is not so.
pub fn decode(connector: &str, bytes: &[u8]) {
    let settings = Settings { fields: Some(FIELDS.clone()), ..Settings::default() };
    let configured = Configured::new(connector, &settings).expect("the connector is one of ours");
    let carrier = configured.carrier();
    let _ = carrier.delivery_key(bytes);
    let first = carriers::read(carrier, &settings, bytes);
    assert_eq!(first, carriers::read(carrier, &settings, bytes), "decoding is pure");
    let Ok(decoded) = first else { return };
    let kept = serde_json::to_vec(&decoded).expect("what is decoded can be kept");
    assert_eq!(serde_json::from_slice(&kept).ok().as_ref(), Some(&decoded), "and is read again as it was");
    assert!(!String::from_utf8_lossy(&kept).contains("\\u0000"), "no database column takes a NUL");
    let now: Timestamp = "2026-06-01T00:00:00Z".parse().expect("a time");
    let mapping = Mapping::base();
    let facts = decoded.reports.into_iter().flat_map(|r| r.observations).zip(0..).map(|(observation, position)| Fact {
        id: observation.id(connector, "tracker"),
        reading: mapping.read(&observation),
        observation,
        tracker: TrackerId(content_id("tracker", &[])),
        piece: None,
        source: SourceId(content_id("source", &[])),
        trust: Trust::Carrier,
        sightings: vec![Sighting { snapshot: None, position, recorded_at: now }],
    });
    let _ = fold(&FoldInput { facts: facts.collect(), ..FoldInput::default() }, now);
}

/// Offers bytes as proof and body under every scheme: nothing panics and nothing is believed.
///
/// # Panics
/// When that is not so.
pub fn verify(bytes: &[u8]) {
    let (proof, body) = bytes.split_at(bytes.len().min(80));
    let text: String = proof.iter().map(|b| char::from(b % 95 + 32)).collect();
    let value = HeaderValue::from_str(&text).expect("printable ASCII is a header's value");
    let mut headers = HeaderMap::new();
    for name in HEADERS {
        headers.insert(*name, value.clone());
    }
    let request = RawRequest { method: "POST", path: "", query: &text, peer: None, headers: &headers, body };
    let now = "2026-03-01T00:00:00Z".parse().expect("a time");
    let materials = [
        Material::Secret(SECRET.to_owned().into()),
        Material::PublicKey(text.clone()),
        Material::Jwks(String::from_utf8_lossy(body).into_owned()),
    ];
    for platform in carriers::ALL.iter().map(|c| c.manifest().id).chain(["standard_webhooks", "zammad", "zendesk"]) {
        for scheme in Scheme::ALL {
            // keys that the input itself chooses are no secret: that nothing panics is all
            let verdicts = materials.iter().map(|m| verify_named(platform, Some(scheme.name()), m, &request, now));
            let verdicts: Vec<_> = verdicts.collect();
            assert!(verdicts[0].is_err(), "{platform} believes an invented proof under {}", scheme.name());
        }
    }
}

/// Reads a text as a number: nothing panics, what it is kept under is kept under itself, and each of its forms leads to it.
///
/// # Panics
/// When that is not so.
pub fn number(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let read = Number::read(&text);
    if let Ok(kept) = numbers::normalise(&text) {
        assert_eq!(numbers::normalise(&kept).as_deref(), Ok(kept.as_str()), "{text:?}");
    }
    if read.is_valid() {
        for form in read.forms() {
            assert_eq!(Number::read(&form).key(), read.key(), "{text:?} in the form {form:?}");
        }
    }
    assert!(numbers::split(&text).iter().all(|part| text.contains(part)), "{text:?}");
}
