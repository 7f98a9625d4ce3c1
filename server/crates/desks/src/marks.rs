//! What cases and notes are recognised by, and how texts are fitted to a desk's limits.

use ring::digest::{SHA256, digest};
use std::fmt::Write as _;

/// Our key in a short form of digits and letters: desks cut long values, match some by words, and one answers a search for a very
/// long one with every ticket.
pub fn key(external_key: &str) -> String {
    format!("mp-{}", hex(external_key, 20))
}

/// What a note is recognised by: `[mp:…]`.
pub fn mark(note_key: &str) -> String {
    format!("[mp:{}]", hex(note_key, 10))
}

/// What the note with the current context is recognised by.
pub const CONTEXT_MARK: &str = "[mp:context]";

/// Whether a text is one of ours.
pub fn is_ours(text: &str) -> bool {
    text.contains("[mp:")
}

/// At most this many characters.
pub fn cut(text: &str, max: usize) -> String {
    text.chars().take(max).collect()
}

/// A text in one line.
pub fn line(text: &str, max: usize) -> String {
    cut(&text.split_whitespace().collect::<Vec<_>>().join(" "), max)
}

/// A text as HTML: escaped, line by line.
pub fn html(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    escaped.lines().collect::<Vec<_>>().join("<br/>")
}

fn hex(text: &str, bytes: usize) -> String {
    digest(&SHA256, text.as_bytes()).as_ref().iter().take(bytes).fold(String::new(), |mut out, b| {
        let _ = write!(out, "{b:02x}");
        out
    })
}

/// A field that lists tags with these added to what it has; none where it has all of them.
pub fn joined(had: &str, tags: &[String], between: &str) -> Option<String> {
    let mut all: Vec<&str> = had.split(between).filter(|tag| !tag.is_empty()).collect();
    let before = all.len();
    for tag in tags {
        if !all.contains(&tag.as_str()) {
            all.push(tag);
        }
    }
    (all.len() > before).then(|| all.join(between))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_marks_are_short_and_texts_stay_texts() {
        assert_eq!(key(&"x".repeat(500)).len(), 43);
        assert_ne!(mark("a"), mark("b"));
        assert!(is_ours(&mark("a")) && is_ours(CONTEXT_MARK) && !is_ours("mp-"));
        assert_eq!(line(" a\n b\tc ", 4), "a b ");
        assert_eq!(html("<a href=\"x\">\nb & c"), "&lt;a href=&quot;x&quot;&gt;<br/>b &amp; c");
    }
}
