//! Text that a page sends back as it was: names of codes, carriers. What is only shown gets visible forms of what deceives
//! unseen before it crosses the wire; this does not, so that it crosses in a writing of its own.

use domain::visible::is_plain;
use serde::{Deserialize, Deserializer, Serializer};
use std::fmt::Write as _;

/// What begins the writing.
const MARK: &str = "%%";

/// Serialises a text.
///
/// # Errors
/// The serialiser's.
pub fn serialize<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    if is_plain(text) && !text.starts_with(MARK) {
        return serializer.serialize_str(text);
    }
    let mut written = MARK.to_owned();
    for byte in text.bytes() {
        let _ = write!(written, "{byte:02x}");
    }
    serializer.serialize_str(&written)
}

/// Reads it.
///
/// # Errors
/// The deserialiser's, and when the writing is none.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let Some(written) = text.strip_prefix(MARK) else { return Ok(text) };
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes = written.as_bytes().chunks(2).map(byte).collect::<Option<Vec<u8>>>();
    let read = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    read.ok_or_else(|| serde::de::Error::custom("not a text in its own writing"))
}
