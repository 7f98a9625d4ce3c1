//! Markup of notes.

use crate::words;

/// Foreign words as markup that shows them.
pub(crate) fn escape(text: &str) -> String {
    words::foreign(text).chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            _ => out.push(c),
        }
        out
    })
}
