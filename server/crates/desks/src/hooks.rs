//! Reports of changes that desks send: proofs over the raw bytes, compared in constant time. A report says which cases to read
//! again, and nothing else of it is believed.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

/// The header in which a platform that does not sign sends our secret.
pub const SECRET_HEADER: &str = "X-Milepost-Secret";
/// A signed time may differ from ours by this much.
pub const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);
/// Cases that one report may name.
pub const NUMBERS_MAX: usize = 100;

/// A report as it came.
#[derive(Clone, Copy, Debug)]
pub struct Hook<'a> {
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body.
    pub body: &'a [u8],
    /// The secret of the connection's reports.
    pub secret: &'a SecretString,
    /// When it came.
    pub now: Timestamp,
}

/// What a report is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HookReport {
    /// What the platform calls this delivery; the same when it is sent again.
    pub delivery: Option<String>,
    /// The numbers of the cases to read again; none where it is about nothing of ours, or our own change.
    pub numbers: Vec<String>,
}

/// Why a report is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HookRefusal {
    /// There is no proof, or it is wrong.
    #[error("the proof is missing or wrong")]
    Unproven,
    /// The signed time is too far from ours.
    #[error("its time differs too much from ours")]
    Stale,
    /// It cannot be read.
    #[error("it cannot be read")]
    Unreadable,
}

/// Which hash a signature is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// SHA-1, which some platforms still use for HMACs.
    Sha1,
    /// SHA-256.
    Sha256,
}

impl<'a> Hook<'a> {
    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.get(name)?.to_str().ok().map(str::trim).filter(|text| !text.is_empty())
    }

    /// The HMAC over these parts is this, in hex behind a prefix such as `sha1=`.
    ///
    /// # Errors
    /// `Unproven` where it is not.
    pub fn signed_hex(&self, hash: Hash, header: &str, prefix: &str, parts: &[&[u8]]) -> Result<(), HookRefusal> {
        let given = self.header(header).and_then(|text| text.strip_prefix(prefix)).and_then(unhex);
        self.signed(hash, given, parts)
    }

    /// The same in base64.
    ///
    /// # Errors
    /// `Unproven` where it is not.
    pub fn signed_base64(&self, hash: Hash, header: &str, parts: &[&[u8]]) -> Result<(), HookRefusal> {
        let given = self.header(header).and_then(|text| STANDARD.decode(text).ok());
        self.signed(hash, given, parts)
    }

    fn signed(&self, hash: Hash, given: Option<Vec<u8>>, parts: &[&[u8]]) -> Result<(), HookRefusal> {
        let secret = self.secret.expose_secret();
        let given = given.filter(|_| !secret.is_empty()).ok_or(HookRefusal::Unproven)?;
        let algorithm = match hash {
            Hash::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Hash::Sha256 => hmac::HMAC_SHA256,
        };
        let key = hmac::Key::new(algorithm, secret.as_bytes());
        hmac::verify(&key, &parts.concat(), &given).map_err(|_| HookRefusal::Unproven)
    }

    /// Our secret is in [`SECRET_HEADER`].
    ///
    /// # Errors
    /// `Unproven` where it is not.
    pub fn has_secret(&self) -> Result<(), HookRefusal> {
        let given = self.header(SECRET_HEADER).filter(|given| !given.is_empty()).ok_or(HookRefusal::Unproven)?;
        let secret = self.secret.expose_secret();
        if secret.is_empty() {
            return Err(HookRefusal::Unproven);
        }
        // the tags under the two secrets are the same only where these are; how long that takes says nothing of them
        let tag =
            |secret: &str| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), SECRET_HEADER.as_bytes());
        let expected = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        hmac::verify(&expected, SECRET_HEADER.as_bytes(), tag(given).as_ref()).map_err(|_| HookRefusal::Unproven)
    }

    /// This time is near ours.
    ///
    /// # Errors
    /// `Stale` where it is not.
    pub fn is_recent(&self, at: Timestamp) -> Result<(), HookRefusal> {
        if self.now.duration_since(at).abs() <= TOLERANCE { Ok(()) } else { Err(HookRefusal::Stale) }
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// `Unreadable` where it is not.
    pub fn json(&self) -> Result<Value, HookRefusal> {
        serde_json::from_slice(self.body).map_err(|_| HookRefusal::Unreadable)
    }
}

/// A number of a case, written as a number or a text.
pub fn number_of(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => number.as_u64().map(|number| number.to_string()),
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty() && text.len() <= 64),
        _ => None,
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let bytes = text.as_bytes();
    (bytes.len().is_multiple_of(2) && bytes.iter().all(u8::is_ascii_hexdigit)).then_some(())?;
    let pair = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    (0..bytes.len()).step_by(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook<'a>(headers: &'a HeaderMap, secret: &'a SecretString) -> Hook<'a> {
        Hook { headers, body: b"{\"id\":7}", secret, now: "2026-03-10T12:00:00Z".parse().unwrap() }
    }

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(http::HeaderName::from_static(name), value.parse().unwrap())])
    }

    #[test]
    fn a_signature_covers_every_byte() {
        // made with: printf '{"id":7}' | openssl dgst -sha1 -hmac secret
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, b"secret");
        let tag: String = hmac::sign(&key, b"{\"id\":7}").as_ref().iter().map(|b| format!("{b:02x}")).collect();
        let signed = headers("x-hub-signature", &format!("sha1={tag}"));
        let (right, wrong, none) = ("secret".into(), "other".into(), String::new().into());
        let verify = |secret: &SecretString, parts: &[&[u8]]| {
            hook(&signed, secret).signed_hex(Hash::Sha1, "X-Hub-Signature", "sha1=", parts)
        };
        assert_eq!(verify(&right, &[b"{\"id\"", b":7}"]), Ok(()));
        assert_eq!(verify(&right, &[b"{\"id\":8}"]), Err(HookRefusal::Unproven));
        for secret in [&wrong, &none] {
            assert_eq!(verify(secret, &[b"{\"id\":7}"]), Err(HookRefusal::Unproven));
        }
        let odd = headers("x-hub-signature", "sha1=zz");
        let refused = hook(&odd, &right).signed_hex(Hash::Sha1, "X-Hub-Signature", "sha1=", &[b""]);
        assert_eq!(refused, Err(HookRefusal::Unproven));
    }

    #[test]
    fn a_shared_secret_is_compared_whole_and_an_empty_one_proves_nothing() {
        let secret = SecretString::from("secret");
        let has = |given: &str, secret: &SecretString| hook(&headers("x-milepost-secret", given), secret).has_secret();
        assert_eq!(has("secret", &secret), Ok(()));
        for given in ["secre", "secrets", "", "Secret"] {
            assert_eq!(has(given, &secret), Err(HookRefusal::Unproven), "{given}");
        }
        assert_eq!(has("", &String::new().into()), Err(HookRefusal::Unproven));
        assert_eq!(hook(&HeaderMap::new(), &secret).has_secret(), Err(HookRefusal::Unproven));
    }

    #[test]
    fn a_time_may_differ_by_minutes_in_either_direction() {
        let (headers, secret) = (HeaderMap::new(), SecretString::from("secret"));
        for (at, taken) in [("11:55:00", true), ("12:05:00", true), ("11:54:59", false), ("12:05:01", false)] {
            let at = format!("2026-03-10T{at}Z").parse().unwrap();
            assert_eq!(hook(&headers, &secret).is_recent(at).is_ok(), taken, "{at}");
        }
    }
}
