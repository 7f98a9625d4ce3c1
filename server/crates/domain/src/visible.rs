//! Text from outside as people see it: what cannot be seen and changes how the rest is read gets a visible form.
//!
//! Bidirectional controls, C0 and C1 controls, zero-width and filler characters become `⟨U+202E⟩`. What real writing needs
//! stays: joiners inside Arabic, Indic scripts and emoji, breaks between Thai words, variation selectors, flags of regions.

use std::{borrow::Cow, fmt::Write as _};

/// The tags of a flag at most, without its end: `gbeng`, `usca`.
const FLAG_TAGS_MAX: usize = 6;
/// The flag that tags follow.
const BLACK_FLAG: char = '\u{1F3F4}';
/// The end of the tags.
const TAGS_END: char = '\u{E007F}';

/// A text with everything visible that deceives unseen. Line ends and tabs stay.
pub fn visible(text: &str) -> Cow<'_, str> {
    let Some(first) = first_hidden(text) else { return Cow::Borrowed(text) };
    let (mut out, mut before) = (String::with_capacity(text.len() + 16), None);
    out.push_str(&text[..first]);
    if let Some(last) = text[..first].chars().next_back() {
        before = Some(last);
    }
    let mut rest = &text[first..];
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        if is_hidden(before, c, after) {
            let _ = write!(out, "⟨U+{:04X}⟩", u32::from(c));
        } else {
            out.push(c);
        }
        let kept = if c == BLACK_FLAG { flag_tags(after) } else { 0 };
        out.push_str(&after[..kept]);
        before = Some(c);
        rest = &after[kept..];
    }
    Cow::Owned(out)
}

/// A text of one line: as [`visible`], and what would begin another line is a space.
pub fn visible_line(text: &str) -> Cow<'_, str> {
    let shown = visible(text);
    if shown.contains(['\n', '\r', '\t']) { Cow::Owned(shown.replace(['\n', '\r', '\t'], " ")) } else { shown }
}

/// Whether there is nothing in the text that [`visible`] changes.
pub fn is_plain(text: &str) -> bool {
    first_hidden(text).is_none()
}

/// Where the first character is that gets a visible form.
fn first_hidden(text: &str) -> Option<usize> {
    if text.bytes().all(|byte| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\n' | b'\t')) {
        return None;
    }
    let (mut before, mut at) = (None, 0);
    while let Some(c) = text[at..].chars().next() {
        let after = &text[at + c.len_utf8()..];
        if is_hidden(before, c, after) {
            return Some(at);
        }
        at += c.len_utf8() + if c == BLACK_FLAG { flag_tags(after) } else { 0 };
        before = Some(c);
    }
    None
}

fn is_hidden(before: Option<char>, c: char, after: &str) -> bool {
    let next = after.chars().next();
    match c {
        '\n' | '\t' => false,
        '\r' => next != Some('\n'),
        _ if c.is_control() => true,
        // inside words of scripts that join, and between the parts of an emoji
        '\u{200C}' | '\u{200D}' => !(before.is_some_and(joins) && next.is_some_and(joins)),
        // between words of scripts that write no spaces
        '\u{200B}' => !(before.is_some_and(writes_no_spaces) && next.is_some_and(writes_no_spaces)),
        '\u{FE00}'..='\u{FE0F}' => !before.is_some_and(has_variants),
        '\u{180B}'..='\u{180F}' => c == '\u{180E}' || !matches!(before, Some('\u{1820}'..='\u{18AA}')),
        '\u{E0100}'..='\u{E01EF}' => !before.is_some_and(is_ideograph),
        '\u{200E}' | '\u{200F}' | '\u{061C}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{206F}' => true,
        '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{2065}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' => true,
        '\u{00AD}' | '\u{034F}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{2800}' | '\u{3164}'
        | '\u{FFA0}' => true,
        '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}' => true,
        _ => false,
    }
}

/// A character beside which a joiner changes what is seen: no Latin, Greek or Cyrillic letter, no digit, no punctuation.
fn joins(c: char) -> bool {
    matches!(c, '\u{0590}'..='\u{1DFF}' | '\u{200C}' | '\u{200D}' | '\u{20D0}'..='\u{20FF}' | '\u{2190}'..='\u{27FF}'
        | '\u{2900}'..='\u{2BFF}' | '\u{3000}'..='\u{D7FF}' | '\u{FB1D}'..='\u{FE0F}' | '\u{FE70}'..='\u{FEFC}'
        | '\u{10A00}'..='\u{1BC9F}' | '\u{1F000}'..='\u{1FBFF}')
        && !matches!(c, '\u{1160}' | '\u{115F}' | '\u{180E}' | '\u{3164}')
}

/// Thai, Lao, Tibetan, Burmese, Khmer and their neighbours; Chinese and Japanese.
fn writes_no_spaces(c: char) -> bool {
    matches!(c, '\u{0E00}'..='\u{109F}' | '\u{1780}'..='\u{17B3}' | '\u{17B6}'..='\u{17FF}' | '\u{1950}'..='\u{1AAF}'
        | '\u{A9E0}'..='\u{A9FF}' | '\u{AA60}'..='\u{AADF}')
        || is_ideograph(c)
        || matches!(c, '\u{3040}'..='\u{30FF}')
}

/// What a variation selector may follow: emoji, keycaps, symbols, ideographs, letters of scripts beyond the Latin ones; never
/// another selector.
fn has_variants(c: char) -> bool {
    matches!(c, '0'..='9' | '#' | '*' | '\u{A9}' | '\u{AE}' | '\u{203C}' | '\u{2049}' | '\u{2100}'..='\u{2BFF}')
        || (joins(c) && !matches!(c, '\u{200C}' | '\u{200D}' | '\u{FE00}'..='\u{FE0F}'))
        || is_ideograph(c)
}

fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

/// Bytes of the tags that make a flag of what is before them; none where these are not the tags of a flag.
fn flag_tags(after: &str) -> usize {
    let mut bytes = 0;
    for (n, c) in after.chars().take(FLAG_TAGS_MAX + 1).enumerate() {
        bytes += c.len_utf8();
        match c {
            TAGS_END if n > 0 => return bytes,
            '\u{E0030}'..='\u{E0039}' | '\u{E0061}'..='\u{E007A}' if n < FLAG_TAGS_MAX => {}
            _ => return 0,
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_deceives_unseen_is_seen() {
        for (text, shown) in [
            ("T7\u{202E}gpj.exe", "T7⟨U+202E⟩gpj.exe"),
            ("a\u{2066}b\u{2069}", "a⟨U+2066⟩b⟨U+2069⟩"),
            ("a\u{200E}\u{200F}\u{061C}", "a⟨U+200E⟩⟨U+200F⟩⟨U+061C⟩"),
            ("\u{FEFF}a\u{0}\u{1B}[2J\u{9B}", "⟨U+FEFF⟩a⟨U+0000⟩⟨U+001B⟩[2J⟨U+009B⟩"),
            ("pay\u{200B}pal, a\u{200D}b, 1\u{200C}2", "pay⟨U+200B⟩pal, a⟨U+200D⟩b, 1⟨U+200C⟩2"),
            ("а\u{200D}б", "а⟨U+200D⟩б"),
            ("so\u{AD}ft \u{2060}\u{3164}\u{2800}", "so⟨U+00AD⟩ft ⟨U+2060⟩⟨U+3164⟩⟨U+2800⟩"),
            ("hi\u{E0068}\u{E0069}", "hi⟨U+E0068⟩⟨U+E0069⟩"),
            ("a\u{FE0F}", "a⟨U+FE0F⟩"),
            ("🙂\u{FE0F}\u{FE00}", "🙂\u{FE0F}⟨U+FE00⟩"),
            ("x\u{E0100}", "x⟨U+E0100⟩"),
            ("\u{1F3F4}\u{E0068}\u{E0069}", "\u{1F3F4}⟨U+E0068⟩⟨U+E0069⟩"),
            ("a\u{2028}b\rc", "a⟨U+2028⟩b⟨U+000D⟩c"),
        ] {
            assert_eq!(visible(text), shown, "{text:?}");
            assert_eq!(visible(shown), shown, "seen once is enough");
            assert!(is_plain(shown) && !is_plain(text));
        }
    }

    #[test]
    fn what_people_write_stays() {
        for text in [
            "1Z 999 <b> & 'x'",
            "two\nlines\tand\r\nmore",
            "السلام عليكم",
            "می\u{200C}خواهم",
            "שָׁלוֹם עולם",
            "สวัสดี\u{200B}ครับ",
            "क्\u{200D}ष श्री",
            "こんにちは 葛\u{E0100}城",
            "👩\u{200D}👩\u{200D}👧 ❤\u{FE0F}\u{200D}🔥 1\u{FE0F}\u{20E3} ©\u{FE0F} 👍🏽",
            "\u{1F3F4}\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F} team",
            "ᠮᠣᠩᠭᠣᠯ\u{180B}",
            "e\u{301}n Łódź Ærø",
            "",
        ] {
            assert_eq!(visible(text), text, "{text:?}");
        }
    }

    #[test]
    fn one_line_stays_one() {
        assert_eq!(visible_line("a\nb\tc\u{202E}"), "a b c⟨U+202E⟩");
        assert_eq!(visible_line("plain"), "plain");
    }
}
