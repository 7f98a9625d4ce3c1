//! Headers that must be there once, and comparisons in constant time.

use super::super::{RawRequest, Rejected};
use ring::hmac;

/// A header's value; given twice with different values it proves nothing.
pub(super) fn header<'a>(request: &'a RawRequest<'_>, name: &'static str) -> Result<&'a str, Rejected> {
    optional_header(request, name)?.ok_or(Rejected::MissingHeader(name))
}

pub(super) fn optional_header<'a>(
    request: &'a RawRequest<'_>,
    name: &'static str,
) -> Result<Option<&'a str>, Rejected> {
    let mut values = request.headers.get_all(name).iter();
    let Some(first) = values.next() else { return Ok(None) };
    if values.any(|v| v != first) {
        return Err(Rejected::RepeatedHeader(name));
    }
    let text = first.to_str().map_err(|_| Rejected::MalformedHeader(name, "it is not ASCII"))?.trim();
    Ok((!text.is_empty()).then_some(text))
}

pub(super) fn hmac_matches(
    algorithm: hmac::Algorithm,
    key: &[u8],
    parts: &[&[u8]],
    tag: Vec<u8>,
) -> Result<(), Rejected> {
    let key = hmac::Key::new(algorithm, key);
    let mut context = hmac::Context::with_key(&key);
    parts.iter().for_each(|part| context.update(part));
    equal(context.sign().as_ref(), &tag).then_some(()).ok_or(Rejected::Mismatch("signature"))
}

pub(super) fn secret_matches(secret: &str, given: &str) -> Result<(), Rejected> {
    equal(secret.as_bytes(), given.as_bytes()).then_some(()).ok_or(Rejected::Mismatch("secret"))
}

/// Equality in constant time: their MACs under one key are compared, whose lengths
/// are always equal, by ring's constant-time comparison.
pub(super) fn equal(a: &[u8], b: &[u8]) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"milepost comparison");
    hmac::verify(&key, a, hmac::sign(&key, b).as_ref()).is_ok()
}
