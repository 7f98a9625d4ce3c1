//! What is known of a person who is to be erased, and where it stands in a body: in the encodings and escapes that carriers
//! use, in any case of its letters.

use aho_corasick::{AhoCorasick, MatchKind};
use connectors::odoo::Customer;
use std::{collections::BTreeSet, fmt::Write as _};

/// What stands in the place of something erased. Letters alone: no format has a meaning for them.
pub(super) const MARK: &str = "ERASED";
/// A shorter value is in half of all bodies.
const CHARS_MIN: usize = 3;
/// So many different words of statements are looked for.
const SAID_MAX: usize = 5_000;

/// A person.
#[derive(Default)]
pub(super) struct Person {
    /// Names, street, mail, telephone.
    names: BTreeSet<String>,
    /// Parts of names: by themselves, not within a word.
    parts: BTreeSet<String>,
    /// What carriers said of the shipment in their own words.
    said: BTreeSet<String>,
}

impl Person {
    /// The customer of a delivery.
    pub(super) fn of(customer: &Customer) -> Self {
        let mut person = Self::default();
        person.name(customer.name.as_deref());
        for value in [&customer.street, &customer.email].into_iter().flatten() {
            person.names.extend(value.lines().map(|line| line.trim().to_owned()));
        }
        person
    }

    /// Who signed.
    pub(super) fn signed(&mut self, name: Option<&str>) {
        self.name(name);
    }

    /// Something that was said of the shipment.
    pub(super) fn said(&mut self, words: Option<&str>) {
        if let Some(words) = words.filter(|_| self.said.len() < SAID_MAX) {
            self.said.insert(words.trim().to_owned());
        }
    }

    fn name(&mut self, name: Option<&str>) {
        let Some(name) = name else { return };
        self.names.insert(name.trim().to_owned());
        let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() >= CHARS_MIN);
        self.parts.extend(words.map(str::to_owned));
    }

    /// Whether there is anything to look for.
    pub(super) fn is_known(&self) -> bool {
        self.has_names() || !self.said.is_empty()
    }

    /// Whether anything names the person.
    pub(super) fn has_names(&self) -> bool {
        !self.names.is_empty()
    }

    /// Whether a text names the person.
    pub(super) fn names_in(&self, text: &[u8]) -> bool {
        Finder::of(self.names.iter(), []).found(text).next().is_some()
    }

    /// A body without the person; what others' statements say too stays.
    pub(super) fn removed(&self, body: &[u8], others_say: &[&str]) -> Vec<u8> {
        let said = self.said.iter().filter(|words| !others_say.contains(&words.as_str()));
        let finder = Finder::of(self.names.iter().chain(said), &self.parts);
        let (mut without, mut done) = (Vec::with_capacity(body.len()), 0);
        for (start, end) in finder.found(body) {
            without.extend_from_slice(&body[done..start]);
            without.extend_from_slice(MARK.as_bytes());
            done = end;
        }
        without.extend_from_slice(&body[done..]);
        without
    }
}

struct Finder {
    finder: Option<AhoCorasick>,
    /// Which patterns are one word: found by themselves, not within another one.
    words: Vec<bool>,
}

impl Finder {
    fn of<'a>(whole: impl IntoIterator<Item = &'a String>, parts: impl IntoIterator<Item = &'a String>) -> Self {
        let long = |value: &&String| value.chars().count() >= CHARS_MIN;
        let mut patterns = Vec::new();
        let mut words = Vec::new();
        for value in whole.into_iter().chain(parts).filter(long) {
            let is_word = value.chars().all(char::is_alphanumeric);
            for form in forms(value) {
                patterns.push(form);
                words.push(is_word);
            }
        }
        let built = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .build(&patterns)
            .ok()
            .filter(|_| !patterns.is_empty());
        Self { finder: built, words }
    }

    fn found<'a>(&'a self, body: &'a [u8]) -> impl Iterator<Item = (usize, usize)> + 'a {
        let matches = self.finder.iter().flat_map(move |finder| finder.find_iter(body));
        matches
            .filter(move |found| {
                let is_word = self.words.get(found.pattern().as_usize()).is_some_and(|is_word| *is_word);
                let goes_on = || body.get(found.end()).is_some_and(u8::is_ascii_alphanumeric);
                !(is_word && (ends_in_word(&body[..found.start()]) || goes_on()))
            })
            .map(|found| (found.start(), found.end()))
    }
}

/// Whether a word is under way; an escaped line end or blank begins another one.
fn ends_in_word(before: &[u8]) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_hexdigit();
    let is_escape = match before {
        [.., b'\\', b'n' | b't' | b'r'] => true,
        [.., b'%', a, b] => is_digit(a) && is_digit(b),
        [.., b'\\', b'u', a, b, c, d] => [a, b, c, d].into_iter().all(is_digit),
        _ => false,
    };
    before.last().is_some_and(u8::is_ascii_alphanumeric) && !is_escape
}

/// How a value may be written.
fn forms(value: &str) -> BTreeSet<Vec<u8>> {
    let mut texts = BTreeSet::new();
    for value in [value.to_owned(), value.to_uppercase(), value.to_lowercase()] {
        let quoted = serde_json::Value::from(value.as_str()).to_string();
        texts.insert(quoted[1..quoted.len() - 1].replace('/', "\\/"));
        texts.insert(quoted[1..quoted.len() - 1].to_owned());
        texts.insert(unicode_escaped(&quoted[1..quoted.len() - 1]));
        texts.insert(value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"));
        texts.insert(xml_escaped(&value));
        texts.insert(edifact_released(&value));
        texts.insert(query_encoded(&value));
        texts.insert(query_encoded(&value).replace('+', "%20"));
        texts.insert(value);
    }
    let latin: Vec<Vec<u8>> = texts
        .iter()
        .filter(|text| !text.is_ascii())
        .filter_map(|text| text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect())
        .collect();
    texts.into_iter().map(String::into_bytes).chain(latin).collect()
}

fn unicode_escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        if c.is_ascii() {
            out.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
        out
    })
}

fn xml_escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&apos;")
}

/// EDIFACT's release character before what separates.
fn edifact_released(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        if matches!(c, '+' | ':' | '\'' | '?') {
            out.push('?');
        }
        out.push(c);
        out
    })
}

fn query_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        let _ = match byte {
            b' ' => write!(out, "+"),
            _ if byte.is_ascii_alphanumeric() || b"*-._".contains(&byte) => write!(out, "{}", char::from(byte)),
            _ => write!(out, "%{byte:02X}"),
        };
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jane() -> Person {
        let mut person = Person::of(&Customer {
            name: Some("Jané O'Doe & Sons".into()),
            street: Some("Elm Street 7".into()),
            email: Some("jane@example.com".into()),
            city: Some("Leipzig".into()),
            ..Customer::default()
        });
        person.signed(Some("SMITH"));
        person.said(Some("Left with neighbour Miller"));
        person.said(Some("Delivered"));
        person
    }

    #[test]
    fn a_person_is_found_however_a_body_writes_it() {
        let latin: Vec<u8> = "NAD+CN+++JAN\u{e9} O?'DOE & SONS'".chars().map(|c| c as u8).collect();
        for body in [
            r#"{"name":"Jané O'Doe & Sons"}"#.as_bytes(),
            r#"{"name":"Jan\u00e9 O'Doe & Sons"}"#.as_bytes(),
            "<name>Jané O&apos;Doe &amp; Sons</name>".as_bytes(),
            "<name>JANÉ O'DOE &amp; SONS</name>".as_bytes(),
            b"name=Jan%C3%A9+O%27Doe+%26+Sons&x=1",
            &latin,
            br#"{"to":"ELM STREET 7","mail":"Jane@Example.com"}"#,
            br#"{"signed":"J SMITH","note":"Left with neighbour Miller"}"#,
            br#"{"signed":"by\nSmith\u000aSMITH"}"#,
            b"by=%20Smith",
        ] {
            let text = String::from_utf8_lossy(body);
            let without = String::from_utf8_lossy(&jane().removed(body, &[])).into_owned();
            assert!(without.contains(MARK), "{text} stays {without}");
            for left in ["Jan", "JAN", "Doe &", "DOE &", "Sons", "SONS", "lm S", "LM S", "xample", "SMITH", "Miller"] {
                assert!(!without.contains(left), "{left} is left of {text}: {without}");
            }
        }
    }

    #[test]
    fn others_keep_what_is_theirs() {
        let body = br#"[{"city":"Leipzig","to":"Janette Smithson","said":"Delivered"}]"#;
        assert_eq!(jane().removed(body, &["Delivered"]), body);
        assert!(!jane().names_in(body) && jane().names_in(b"to: jane@EXAMPLE.com"));
        assert!(!Person::default().is_known());
    }
}
