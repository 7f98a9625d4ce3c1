//! What senders write and JSON does not have: halves of characters (JavaScript, Python and PHP cut texts in the middle of
//! an emoji), raw control characters, bytes that are not UTF-8, `NaN`. It is mended in a second reading, so that one odd
//! field costs none of the others, and every kind of mending is a problem. Structure is never mended.

use domain::observation::Problem;
use std::collections::BTreeMap;

/// A kind of oddity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Oddity {
    Bytes,
    Half,
    Control,
    Escape,
    NoNumber,
}

impl Oddity {
    fn message(self) -> &'static str {
        match self {
            Self::Bytes => "bytes that are not UTF-8 are read as U+FFFD",
            Self::Half => "half of a character (a lone surrogate) is read as U+FFFD",
            Self::Control => "a control character inside a text is read as if it were escaped",
            Self::Escape => "a backslash that escapes nothing is read as a backslash",
            Self::NoNumber => "NaN, Infinity or a number beyond all bounds is read as null",
        }
    }
}

/// The text with everything mended, and what was; none where there is nothing to mend.
pub(crate) fn mended(raw: &[u8]) -> Option<(String, Vec<Problem>)> {
    let text = String::from_utf8_lossy(raw);
    let mut mending = Mending { out: String::with_capacity(text.len() + 16), found: BTreeMap::new() };
    if let Err(error) = std::str::from_utf8(raw) {
        mending.note(Oddity::Bytes, error.valid_up_to());
    }
    mending.all(&text);
    if mending.found.is_empty() {
        return None;
    }
    let problem = |(oddity, (first, times)): (Oddity, (usize, usize))| Problem {
        at: format!("byte {first}"),
        message: format!("{} ({times} in the message, this one first)", oddity.message()),
    };
    Some((mending.out, mending.found.into_iter().map(problem).collect()))
}

struct Mending {
    out: String,
    /// The first place of each kind, and how often it occurs.
    found: BTreeMap<Oddity, (usize, usize)>,
}

impl Mending {
    fn note(&mut self, oddity: Oddity, at: usize) {
        self.found.entry(oddity).or_insert((at, 0)).1 += 1;
    }

    fn all(&mut self, text: &str) {
        let mut at = 0;
        while let Some(c) = text[at..].chars().next() {
            at = match c {
                '"' => self.string(text, at),
                c if c.is_ascii_alphanumeric() || matches!(c, '-' | '+') => self.word(text, at),
                c => {
                    self.out.push(c);
                    at + c.len_utf8()
                }
            };
        }
    }

    /// A number or a word, and where it ends.
    fn word(&mut self, text: &str, at: usize) -> usize {
        let of_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.' | '_');
        let end = text[at..].find(|c: char| !of_word(c)).map_or(text.len(), |length| at + length);
        let word = &text[at..end];
        // Rust reads `NaN`, `inf` and `infinity` of any case as numbers, too
        match word.parse::<f64>() {
            Ok(number) if !number.is_finite() => {
                self.note(Oddity::NoNumber, at);
                self.out.push_str("null");
            }
            _ => self.out.push_str(word),
        }
        end
    }

    /// A text in quotes, and where it ends.
    fn string(&mut self, text: &str, at: usize) -> usize {
        self.out.push('"');
        let mut at = at + 1;
        while let Some(c) = text[at..].chars().next() {
            match c {
                '\\' => at = self.escape(text, at),
                c if u32::from(c) < 0x20 => {
                    self.note(Oddity::Control, at);
                    self.out.push_str(&format!("\\u{:04x}", u32::from(c)));
                    at += 1;
                }
                c => {
                    self.out.push(c);
                    at += c.len_utf8();
                    if c == '"' {
                        break;
                    }
                }
            }
        }
        at
    }

    /// A backslash and what it escapes, and where that ends.
    fn escape(&mut self, text: &str, at: usize) -> usize {
        let rest = &text[at + 1..];
        let (whole, end) = match (rest.chars().next(), unit(&text[at..])) {
            (Some('"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't'), _) => (true, at + 2),
            (_, Some(0xD800..=0xDBFF)) => match text.get(at + 6..).and_then(unit) {
                Some(0xDC00..=0xDFFF) => (true, at + 12),
                _ => (false, at + 6),
            },
            (_, Some(0xDC00..=0xDFFF)) => (false, at + 6),
            (_, Some(_)) => (true, at + 6),
            (_, None) => {
                self.note(Oddity::Escape, at);
                self.out.push_str("\\\\");
                return at + 1;
            }
        };
        if whole {
            self.out.push_str(&text[at..end]);
        } else {
            self.note(Oddity::Half, at);
            self.out.push('\u{FFFD}');
        }
        end
    }
}

/// The unit of UTF-16 of an escape at the beginning of the text.
fn unit(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let digits = Some(digits).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(raw: &[u8]) -> (Value, usize) {
        let (text, problems) = mended(raw).expect("there is something to mend");
        (serde_json::from_str(&text).unwrap(), problems.len())
    }

    #[test]
    fn what_is_odd_is_mended_and_the_rest_is_as_it_was() {
        for (raw, value) in [
            (&br#"{"a":"x \ud83c","b":1}"#[..], json!({"a": "x \u{fffd}", "b": 1})),
            (br#"{"a":"\udf81 \ud83c\udf81 \ud83cx"}"#, json!({"a": "\u{fffd} \u{1f381} \u{fffd}x"})),
            (br#"{"a":NaN,"b":[-Infinity,1e999,"NaN"]}"#, json!({"a": null, "b": [null, null, "NaN"]})),
            (b"{\"a\":\"x\ty\\n\x01\"}", json!({"a": "x\ty\n\u{1}"})),
            (b"{\"a\":\"K\xF6ln\"}", json!({"a": "K\u{fffd}ln"})),
            (b"{\"a\":\"\xF0\x9F\x8E\"}", json!({"a": "\u{fffd}"})),
            (br#"{"a":"C:\dir \u12","b":"\\"}"#, json!({"a": "C:\\dir \\u12", "b": "\\"})),
        ] {
            assert_eq!(read(raw), (value, 1), "{}", String::from_utf8_lossy(raw));
        }
        assert_eq!(mended(br#"{"a":[1,-2.5e3,true,null,"\ud83c\udf81"]}"#), None);
        assert_eq!(mended(br#"{"a":tru}"#), None, "structure is not mended");
    }

    proptest::proptest! {
        #[test]
        fn what_needs_no_mending_is_left_alone(text in ".{0,40}", number in proptest::num::f64::NORMAL) {
            let value = json!({text.clone(): [text, number, null, true]});
            proptest::prop_assert_eq!(mended(value.to_string().as_bytes()), None);
        }

        #[test]
        fn nothing_makes_mending_panic(raw in proptest::collection::vec(proptest::num::u8::ANY, 0..60), near in r#"[{"\\ud83c\n:,NaI]{0,40}"#) {
            let _ = (mended(&raw), mended(near.as_bytes()));
        }
    }
}
