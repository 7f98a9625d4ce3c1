//! Authentication of messages over their raw bytes: one table of schemes, fail closed, compared in constant time.
//! Sources: see each scheme; side by side in the vendors' webhook documentation.

mod platforms;
mod primitives;
#[cfg(test)]
mod tests;

use super::{Manifest, RawRequest, Rejected, Secrets};
use crate::formats::json;
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use platforms::Platform;
use primitives::{header, hmac_matches, optional_header, secret_matches};
use ring::{digest, hmac, signature};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

macro_rules! schemes {
    ($($variant:ident = $name:literal, $doc:literal;)*) => {
        /// How a source proves who it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Scheme {
            $(#[doc = $doc] $variant,)*
        }

        impl Scheme {
            /// Every scheme.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name, as configuration and the command line write it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it is, in a sentence.
            pub const fn about(self) -> &'static str {
                match self { $(Self::$variant => $doc,)* }
            }
        }
    };
}

schemes! {
    HmacBase64 = "hmac_base64", "HMAC-SHA256 of the body, base64.";
    HmacHex = "hmac_hex", "HMAC-SHA256 of the body, hex.";
    HmacHexPrefixed = "hmac_hex_prefixed", "HMAC of the body, hex after `sha256=` (or `sha1=`): GitHub's style.";
    EasypostV1 = "easypost_v1", "EasyPost: hex HMAC-SHA256 of the body, secret in NFKD.";
    EasypostV2 = "easypost_v2", "EasyPost: the same over time stamp, method, path and body.";
    StandardWebhooks = "standard_webhooks", "Standard Webhooks v1: base64 HMAC-SHA256 of id, time stamp and body.";
    StandardWebhooksV1a = "standard_webhooks_v1a", "Standard Webhooks v1a: ed25519 over the same.";
    Zendesk = "zendesk", "Zendesk: base64 HMAC-SHA256 of time stamp and body.";
    Trackingmore = "trackingmore", "TrackingMore: hex HMAC-SHA256 of the time stamp alone; the body is not covered.";
    Shippo = "shippo", "Shippo: hex HMAC-SHA256 of time stamp and body.";
    SeventeenTrack = "17track", "17TRACK: SHA-256 of body and API key.";
    ShipengineRsa = "shipengine_rsa", "ShipEngine: RSA PKCS#1 v1.5 SHA-256, keys by JWKS.";
    SharedSecretHeader = "shared_secret_header", "A shared secret in a header, in clear.";
    Bearer = "bearer", "`Authorization: Bearer`.";
    Basic = "basic", "`Authorization: Basic`.";
    QueryToken = "query_token", "A token in the address, `?token=`.";
    IpAllowList = "ip_allow_list", "The networks it comes from, and nothing else.";
}

/// What a scheme's proof is bound to. Anybody who saw one message can change the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Covers {
    /// The body: another one needs another proof.
    pub body: bool,
    /// A time, which has to be near.
    pub time: bool,
    /// Method and path.
    pub path: bool,
}

impl Scheme {
    /// What its proof is bound to.
    pub const fn covers(self) -> Covers {
        let (body, time, path) = match self {
            Self::HmacBase64 | Self::HmacHex | Self::HmacHexPrefixed | Self::EasypostV1 | Self::SeventeenTrack => {
                (true, false, false)
            }
            Self::EasypostV2 => (true, true, true),
            Self::StandardWebhooks | Self::StandardWebhooksV1a | Self::Shippo | Self::ShipengineRsa => {
                (true, true, false)
            }
            // its time is signed but not compared with ours
            Self::Zendesk => (true, false, false),
            Self::Trackingmore => (false, true, false),
            Self::SharedSecretHeader | Self::Bearer | Self::Basic | Self::QueryToken | Self::IpAllowList => {
                (false, false, false)
            }
        };
        Covers { body, time, path }
    }

    /// What was proved of a message that it was verified by, for people.
    pub const fn verified(self) -> &'static str {
        match self {
            Self::HmacBase64
            | Self::HmacHex
            | Self::HmacHexPrefixed
            | Self::EasypostV1
            | Self::EasypostV2
            | Self::StandardWebhooks
            | Self::Zendesk
            | Self::Trackingmore
            | Self::Shippo => "Signature verified (HMAC)",
            Self::StandardWebhooksV1a => "Signature verified (Ed25519)",
            Self::SeventeenTrack => "Signature verified (SHA-256)",
            Self::ShipengineRsa => "Signature verified (RSA)",
            Self::SharedSecretHeader => "Secret verified (header)",
            Self::Bearer => "Token verified (Bearer)",
            Self::QueryToken => "Token verified (address)",
            Self::Basic => "Password verified (Basic)",
            Self::IpAllowList => "Network verified (allow list)",
        }
    }

    /// The scheme of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "github_hmac" | "github" => Some(Self::HmacHexPrefixed),
            _ => Self::ALL.iter().copied().find(|s| s.name() == name),
        }
    }
}

/// What a message is verified with.
#[derive(Clone, Debug)]
pub enum Material {
    /// A shared secret.
    Secret(SecretString),
    /// Public keys as JWKS (RFC 7517).
    Jwks(String),
    /// One public key in the scheme's own writing.
    PublicKey(String),
}

impl Material {
    /// What a source's secret is to its scheme.
    fn of(scheme: Scheme, secret: &SecretString) -> Self {
        match scheme {
            Scheme::ShipengineRsa => Self::Jwks(secret.expose_secret().to_owned()),
            Scheme::StandardWebhooksV1a => Self::PublicKey(secret.expose_secret().to_owned()),
            _ => Self::Secret(secret.clone()),
        }
    }
}

/// Verifies as a platform's messages are, by its name; for the command line.
///
/// # Errors
/// Says why not.
pub fn verify_named(
    connector: &str,
    scheme: Option<&str>,
    material: &Material,
    request: &RawRequest<'_>,
    now: Timestamp,
) -> Result<(), Rejected> {
    let platform = Platform::named(connector);
    let scheme = match scheme {
        Some(name) => Scheme::from_name(name).ok_or(Rejected::NotConfigured("there is no scheme of this name"))?,
        None => platform
            .usual(request, material)
            .ok_or(Rejected::NotConfigured("the platform signs in no way that is known: name a --scheme"))?,
    };
    check(platform, scheme, material, request, now)
}

/// Verifies with each active secret; one that matches is enough. Where the source names networks, the request has to
/// come from one of them whatever its scheme. What is given back is good for one message only: a proof that is bound to a
/// time and not to the body, where no networks say who sends.
///
/// # Errors
/// Says why the first does not.
pub(super) fn with_secrets(
    manifest: &Manifest,
    secrets: &Secrets,
    request: &RawRequest<'_>,
    now: Timestamp,
) -> Result<Option<String>, Rejected> {
    from_known_network(secrets, request)?;
    let platform = Platform::of(manifest);
    if secrets.scheme == Scheme::IpAllowList {
        return if secrets.networks.is_empty() {
            Err(Rejected::NotConfigured("the source names no networks"))
        } else {
            Ok(None)
        };
    }
    let mut refused = Rejected::NotConfigured("the source has no secret");
    for (n, secret) in secrets.active.iter().enumerate() {
        let verdict = match &secrets.header {
            Some(name) if secrets.scheme == Scheme::SharedSecretHeader => own_header(name, secret, request),
            _ => check(platform, secrets.scheme, &Material::of(secrets.scheme, secret), request, now),
        };
        match verdict {
            Ok(()) if secrets.scheme == Scheme::Trackingmore => {
                let once = SignedStamp::of(request)?.once(platform, now)?;
                // the stamp is in whole seconds, which several honest messages may share
                return Ok(secrets.networks.is_empty().then_some(once));
            }
            Ok(()) => return Ok(None),
            Err(error) if n == 0 => refused = error,
            Err(_) => {}
        }
    }
    Err(refused)
}

fn from_known_network(secrets: &Secrets, request: &RawRequest<'_>) -> Result<(), Rejected> {
    if secrets.networks.is_empty() {
        return Ok(());
    }
    let peer = request.peer.ok_or(Rejected::NotConfigured("the sender's address is not known"))?.to_canonical();
    if secrets.networks.iter().any(|network| network.contains(&peer)) { Ok(()) } else { Err(Rejected::Elsewhere(peer)) }
}

/// The shared secret in a header of the admin's choice.
fn own_header(name: &str, secret: &SecretString, request: &RawRequest<'_>) -> Result<(), Rejected> {
    let shown = "with the shared secret";
    if secret.expose_secret().is_empty() {
        return Err(Rejected::NotConfigured("the secret is empty"));
    }
    let mut values = request.headers.get_all(name).iter();
    let given = values.next().ok_or(Rejected::MissingHeader(shown))?;
    if values.any(|v| v != given) {
        return Err(Rejected::RepeatedHeader(shown));
    }
    secret_matches(secret.expose_secret(), given.to_str().unwrap_or_default().trim())
}

fn check(
    platform: Platform,
    scheme: Scheme,
    material: &Material,
    request: &RawRequest<'_>,
    now: Timestamp,
) -> Result<(), Rejected> {
    let near = Near::of(platform, now);
    if scheme == Scheme::ShipengineRsa {
        let Material::Jwks(jwks) = material else {
            return Err(Rejected::NotConfigured("this scheme needs public keys (JWKS)"));
        };
        return shipengine(jwks, request, near);
    }
    if scheme == Scheme::StandardWebhooksV1a {
        let Material::PublicKey(key) = material else {
            return Err(Rejected::NotConfigured("this scheme needs a public key"));
        };
        return standard_webhooks_v1a(key, request, near);
    }
    let Material::Secret(secret) = material else {
        return Err(Rejected::NotConfigured("this scheme needs a shared secret"));
    };
    let secret = secret.expose_secret();
    if secret.is_empty() {
        return Err(Rejected::NotConfigured("the secret is empty"));
    }
    let name = platform.proof_header(scheme);
    match scheme {
        Scheme::HmacBase64 => {
            hmac_matches(hmac::HMAC_SHA256, secret.as_bytes(), &[request.body], base64(name, header(request, name)?)?)
        }
        Scheme::HmacHex => {
            hmac_matches(hmac::HMAC_SHA256, secret.as_bytes(), &[request.body], hex(name, header(request, name)?)?)
        }
        Scheme::HmacHexPrefixed => prefixed(name, secret, request),
        Scheme::EasypostV1 => easypost_v1(secret, request),
        Scheme::EasypostV2 => easypost_v2(secret, request, near),
        Scheme::StandardWebhooks => standard_webhooks(secret, request, near),
        Scheme::Zendesk => zendesk(secret, request),
        Scheme::Trackingmore => trackingmore(secret, request),
        Scheme::Shippo => shippo(secret, request, near),
        Scheme::SeventeenTrack => seventeen_track(secret, request),
        Scheme::SharedSecretHeader => secret_matches(secret, header(request, name)?),
        Scheme::Bearer => secret_matches(secret, authorization(request, "Bearer")?),
        Scheme::Basic => secret_matches(&STANDARD.encode(secret), authorization(request, "Basic")?),
        Scheme::QueryToken => secret_matches(secret, query_token(request)?),
        Scheme::IpAllowList => Err(Rejected::NotConfigured("networks are no secret: set them on the source")),
        Scheme::ShipengineRsa | Scheme::StandardWebhooksV1a => unreachable!("checked above"),
    }
}

fn base64(name: &'static str, text: &str) -> Result<Vec<u8>, Rejected> {
    STANDARD.decode(text).map_err(|_| Rejected::MalformedHeader(name, "it is not base64"))
}

fn hex(name: &'static str, text: &str) -> Result<Vec<u8>, Rejected> {
    let wrong = Rejected::MalformedHeader(name, "it is not hex");
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return Err(wrong);
    }
    (0..text.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&text[i..i + 2], 16))
        .collect::<Result<_, _>>()
        .map_err(|_| wrong)
}

/// Which times are near enough.
#[derive(Clone, Copy)]
struct Near {
    now: Timestamp,
    tolerance_seconds: i64,
}

impl Near {
    fn of(platform: Platform, now: Timestamp) -> Self {
        Self { now, tolerance_seconds: platform.tolerance_minutes * 60 }
    }

    fn check(self, stamp: Timestamp) -> Result<(), Rejected> {
        let away = self.now.duration_since(stamp).as_secs().abs();
        if away > self.tolerance_seconds { Err(Rejected::Stale(away, self.tolerance_seconds)) } else { Ok(()) }
    }
}

fn unix(name: &'static str, text: &str) -> Result<Timestamp, Rejected> {
    text.parse()
        .ok()
        .and_then(|s| Timestamp::from_second(s).ok())
        .ok_or(Rejected::MalformedHeader(name, "it is no time in seconds"))
}

fn prefixed(name: &'static str, secret: &str, request: &RawRequest<'_>) -> Result<(), Rejected> {
    let given = header(request, name)?;
    let (algorithm, tag) = match given.split_once('=') {
        Some(("sha256", tag)) => (hmac::HMAC_SHA256, tag),
        // SHA-1 only where the platform has nothing else (Zammad)
        Some(("sha1", tag)) if name == "x-hub-signature" => (hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, tag),
        _ => return Err(Rejected::MalformedHeader(name, "it does not begin with sha256=")),
    };
    hmac_matches(algorithm, secret.as_bytes(), &[request.body], hex(name, tag)?)
}

/// EasyPost takes the secret in Unicode's NFKD form (easypost-python `util.py`).
fn easypost_key(secret: &str) -> String {
    secret.nfkd().collect()
}

fn easypost_tag(name: &'static str, given: &str) -> Result<Vec<u8>, Rejected> {
    let tag = given
        .strip_prefix("hmac-sha256-hex=")
        .ok_or(Rejected::MalformedHeader(name, "it does not begin with hmac-sha256-hex="))?;
    hex(name, tag)
}

fn easypost_v1(secret: &str, request: &RawRequest<'_>) -> Result<(), Rejected> {
    let name = "x-hmac-signature";
    hmac_matches(
        hmac::HMAC_SHA256,
        easypost_key(secret).as_bytes(),
        &[request.body],
        easypost_tag(name, header(request, name)?)?,
    )
}

fn easypost_v2(secret: &str, request: &RawRequest<'_>, near: Near) -> Result<(), Rejected> {
    let name = "x-hmac-signature-v2";
    let (tag, stamp) = (easypost_tag(name, header(request, name)?)?, header(request, "x-timestamp")?);
    let signed_path = header(request, "x-path")?;
    if !request.path.is_empty() && request.path != signed_path {
        return Err(Rejected::Mismatch("path"));
    }
    let parts = [stamp.as_bytes(), request.method.as_bytes(), signed_path.as_bytes(), request.body];
    hmac_matches(hmac::HMAC_SHA256, easypost_key(secret).as_bytes(), &parts, tag)?;
    let at = jiff::fmt::rfc2822::parse(stamp)
        .map_err(|_| Rejected::MalformedHeader("x-timestamp", "it is no RFC 2822 time"))?;
    near.check(at.timestamp())
}

/// The parts that Standard Webhooks sign, under either family of header names (`webhook-…`, `svix-…`).
struct SignedMessage<'a> {
    id: &'a str,
    stamp: &'a str,
    signatures: &'a str,
}

impl<'a> SignedMessage<'a> {
    fn of(request: &'a RawRequest<'_>, near: Near) -> Result<Self, Rejected> {
        let names = match optional_header(request, "svix-id")? {
            Some(_) => ("svix-id", "svix-timestamp", "svix-signature"),
            None => ("webhook-id", "webhook-timestamp", "webhook-signature"),
        };
        let message = Self {
            id: header(request, names.0)?,
            stamp: header(request, names.1)?,
            signatures: header(request, names.2)?,
        };
        near.check(unix(names.1, message.stamp)?)?;
        Ok(message)
    }

    /// The signatures of one version, from the list that makes rotation possible.
    fn of_version(&self, version: &str) -> impl Iterator<Item = Vec<u8>> {
        let all = self.signatures.split(' ').filter_map(move |s| s.split_once(',').filter(|(v, _)| *v == version));
        all.filter_map(|(_, tag)| STANDARD.decode(tag).ok()).collect::<Vec<_>>().into_iter()
    }

    fn bytes(&self, body: &[u8]) -> Vec<u8> {
        [self.id.as_bytes(), b".", self.stamp.as_bytes(), b".", body].concat()
    }
}

fn standard_webhooks(secret: &str, request: &RawRequest<'_>, near: Near) -> Result<(), Rejected> {
    let message = SignedMessage::of(request, near)?;
    let key = STANDARD
        .decode(secret.strip_prefix("whsec_").unwrap_or(secret))
        .map_err(|_| Rejected::NotConfigured("the secret is not base64 after whsec_"))?;
    let signed = message.bytes(request.body);
    let matches = |tag| hmac_matches(hmac::HMAC_SHA256, &key, &[&signed], tag).is_ok();
    if message.of_version("v1").any(matches) { Ok(()) } else { Err(Rejected::Mismatch("signature")) }
}

fn standard_webhooks_v1a(key: &str, request: &RawRequest<'_>, near: Near) -> Result<(), Rejected> {
    let message = SignedMessage::of(request, near)?;
    let key = STANDARD
        .decode(key.strip_prefix("whpk_").unwrap_or(key))
        .map_err(|_| Rejected::NotConfigured("the key is not base64 after whpk_"))?;
    let key = signature::UnparsedPublicKey::new(&signature::ED25519, key);
    let signed = message.bytes(request.body);
    if message.of_version("v1a").any(|tag| key.verify(&signed, &tag).is_ok()) {
        Ok(())
    } else {
        Err(Rejected::Mismatch("signature"))
    }
}

/// Zendesk: the secret is used as written, although it looks like base64; there is no separator.
fn zendesk(secret: &str, request: &RawRequest<'_>) -> Result<(), Rejected> {
    let name = "x-zendesk-webhook-signature";
    let (tag, stamp) =
        (base64(name, header(request, name)?)?, header(request, "x-zendesk-webhook-signature-timestamp")?);
    hmac_matches(hmac::HMAC_SHA256, secret.as_bytes(), &[stamp.as_bytes(), request.body], tag)
}

/// What TrackingMore signs: a time stamp, in the body, and nothing else.
struct SignedStamp {
    stamp: String,
    tag: Vec<u8>,
}

impl SignedStamp {
    fn of(request: &RawRequest<'_>) -> Result<Self, Rejected> {
        let name = "signature";
        let body = json::body(request.body, json::Keys::AsWritten);
        let body = body.ok_or(Rejected::MalformedHeader("body", "it is not JSON"))?;
        let info = body.get("verifyInfo").unwrap_or(&body);
        let text = |key: &str| {
            info.get(key).and_then(|v| v.as_str().map(str::to_owned).or_else(|| v.as_i64().map(|n| n.to_string())))
        };
        let stamp = text("timeStr").or_else(|| text("timestamp")).ok_or(Rejected::MissingHeader("timestamp"))?;
        Ok(Self { stamp, tag: hex(name, &text(name).ok_or(Rejected::MissingHeader(name))?)? })
    }

    /// That the time is near, and the name under which this proof is used up: otherwise the proof of one message could be put
    /// with another body.
    fn once(&self, platform: Platform, now: Timestamp) -> Result<String, Rejected> {
        Near::of(platform, now).check(unix("timestamp", &self.stamp)?)?;
        Ok(format!("{}|{}", self.stamp, STANDARD.encode(&self.tag)))
    }
}

/// The signature alone. That it is new, and used once, is seen to where messages are taken in.
fn trackingmore(secret: &str, request: &RawRequest<'_>) -> Result<(), Rejected> {
    let SignedStamp { stamp, tag } = SignedStamp::of(request)?;
    hmac_matches(hmac::HMAC_SHA256, secret.as_bytes(), &[stamp.as_bytes()], tag)
}

fn shippo(secret: &str, request: &RawRequest<'_>, near: Near) -> Result<(), Rejected> {
    let name = "shippo-auth-signature";
    let given = header(request, name)?;
    let part = |key: &str| given.split(',').find_map(|p| p.trim().strip_prefix(key)?.strip_prefix('='));
    let (Some(stamp), Some(tag)) = (part("t"), part("v1")) else {
        return Err(Rejected::MalformedHeader(name, "it has no t= and v1="));
    };
    hmac_matches(hmac::HMAC_SHA256, secret.as_bytes(), &[stamp.as_bytes(), b".", request.body], hex(name, tag)?)?;
    near.check(unix(name, stamp)?)
}

fn seventeen_track(key: &str, request: &RawRequest<'_>) -> Result<(), Rejected> {
    let given = hex("sign", header(request, "sign")?)?;
    let signed = [request.body, b"/", key.as_bytes()].concat();
    let expected = digest::digest(&digest::SHA256, &signed);
    primitives::equal(&given, expected.as_ref()).then_some(()).ok_or(Rejected::Mismatch("signature"))
}

fn shipengine(jwks: &str, request: &RawRequest<'_>, near: Near) -> Result<(), Rejected> {
    let kid = header(request, "x-shipengine-rsa-sha256-key-id")?;
    let name = "x-shipengine-rsa-sha256-signature";
    let (tag, stamp) = (base64(name, header(request, name)?)?, header(request, "x-shipengine-timestamp")?);
    let keys: Value = serde_json::from_str(jwks).map_err(|_| Rejected::NotConfigured("the JWKS is not JSON"))?;
    let key = keys["keys"].as_array().into_iter().flatten().find(|k| k["kid"] == kid && k["kty"] == "RSA");
    let key = key.ok_or(Rejected::UnknownKey)?;
    let number = |field: &str| {
        base64::engine::general_purpose::URL_SAFE_NO_PAD
            .decode(key[field].as_str().unwrap_or_default())
            .map_err(|_| Rejected::NotConfigured("a key of the JWKS cannot be read"))
    };
    let public = signature::RsaPublicKeyComponents { n: number("n")?, e: number("e")? };
    let signed = [stamp.as_bytes(), b".", request.body].concat();
    public
        .verify(&signature::RSA_PKCS1_2048_8192_SHA256, &signed, &tag)
        .map_err(|_| Rejected::Mismatch("signature"))?;
    let at =
        stamp.parse().map_err(|_| Rejected::MalformedHeader("x-shipengine-timestamp", "it is no ISO 8601 time"))?;
    near.check(at)
}

/// The token as the admin put it into the address: compared as written, so it has to need no escapes.
fn query_token<'a>(request: &'a RawRequest<'_>) -> Result<&'a str, Rejected> {
    let mut tokens = request.query.split('&').filter_map(|pair| pair.strip_prefix("token="));
    match (tokens.next(), tokens.next()) {
        (Some(token), None) => Ok(token),
        (Some(_), Some(_)) => Err(Rejected::MalformedHeader("token", "it is there twice")),
        (None, _) => Err(Rejected::MalformedHeader("token", "the address has none")),
    }
}

fn authorization<'a>(request: &'a RawRequest<'_>, kind: &str) -> Result<&'a str, Rejected> {
    let given = header(request, "authorization")?;
    match given.split_once(' ') {
        Some((given, value)) if given.eq_ignore_ascii_case(kind) => Ok(value.trim()),
        _ => Err(Rejected::MalformedHeader("authorization", "it is of another kind")),
    }
}
