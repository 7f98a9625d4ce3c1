//! What is known of a person who is to be erased, and where a body has it: in the encodings and escapes that carriers
//! use, in any case of its letters.

use aho_corasick::{AhoCorasick, Input, MatchKind};
use odoo::Customer;
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fmt::Write as _,
    ops::Range,
};

/// The replacement for something erased. Letters alone: no format has a meaning for them.
pub(crate) const MARK: &str = "ERASED";
/// A shorter value is in half of all bodies.
const CHARS_MIN: usize = 3;
/// So many different words of statements are looked for.
const SAID_MAX: usize = 5_000;
/// A longer text between quotes is no key of a JSON object.
const KEY_BYTES_MAX: usize = 64;

/// A person.
#[derive(Default)]
pub(crate) struct Person {
    /// Whether it is the customer as the order system knows it, and not only what statements let guess.
    is_known: bool,
    /// Names, street, mail.
    names: BTreeSet<String>,
    /// Parts of names: by themselves, not within a word.
    parts: BTreeSet<String>,
    /// Carriers' texts about the shipment.
    said: BTreeSet<String>,
}

impl Person {
    /// The customer of a delivery.
    pub(crate) fn of(customer: &Customer) -> Self {
        let mut person = Self { is_known: true, ..Self::default() };
        person.name(customer.name.as_deref());
        for value in [&customer.street, &customer.email].into_iter().flatten() {
            person.names.extend(value.lines().map(|line| line.trim().to_owned()));
        }
        person
    }

    /// Who signed.
    pub(crate) fn signed(&mut self, name: Option<&str>) {
        self.name(name);
    }

    /// An observation of the shipment.
    pub(crate) fn said(&mut self, words: &str) {
        if self.said.len() < SAID_MAX {
            self.said.insert(words.trim().to_owned());
        }
    }

    fn name(&mut self, name: Option<&str>) {
        let Some(name) = name else { return };
        self.names.insert(name.trim().to_owned());
        let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() >= CHARS_MIN);
        self.parts.extend(words.map(str::to_owned));
    }

    /// What finds the person: made once, since it takes long.
    pub(crate) fn search(self) -> Search {
        let person = self.names.iter().chain(&self.parts);
        Search {
            is_known: self.is_known && !self.names.is_empty(),
            names: Finder::of(&self.names),
            person: Finder::of(person.clone()),
            all: Finder::of(person.chain(&self.said)),
            said: self.said.difference(&self.names.union(&self.parts).cloned().collect()).cloned().collect(),
        }
    }
}

/// Finds a person in texts.
pub(crate) struct Search {
    is_known: bool,
    names: Finder,
    person: Finder,
    all: Finder,
    /// Carriers' texts, without the person's name.
    said: BTreeSet<String>,
}

impl Search {
    /// Whether it is known whom to look for: else a text without what is found may name the person still.
    pub(crate) fn is_known(&self) -> bool {
        self.is_known
    }

    /// Whether anything names the person.
    pub(crate) fn has_names(&self) -> bool {
        self.names.finder.is_some()
    }

    /// Whether a text names the person.
    pub(crate) fn names_in(&self, text: &[u8]) -> bool {
        self.names.found(text, 0..text.len()).next().is_some()
    }

    /// A body without the person; what other observations have too stays, but for the person's name.
    pub(crate) fn removed(&self, body: &[u8], others_say: &[String]) -> Vec<u8> {
        let stays: HashSet<&str> =
            others_say.iter().map(|words| words.trim()).filter(|words| self.said.contains(*words)).collect();
        let (mut without, mut done) = (Vec::with_capacity(body.len()), 0);
        for (place, value) in self.all.found(body, 0..body.len()) {
            let inner: Vec<_> = if stays.contains(value) {
                self.person.found(body, place).map(|(place, _)| place).collect()
            } else {
                vec![place]
            };
            for place in inner {
                without.extend_from_slice(&body[done..place.start]);
                without.extend_from_slice(MARK.as_bytes());
                done = place.end;
            }
        }
        without.extend_from_slice(&body[done..]);
        without
    }
}

struct Finder {
    finder: Option<AhoCorasick>,
    /// Of each pattern which value it is a form of.
    forms: Vec<usize>,
    /// The values, and which are one word: found by themselves, not within another one nor as a key.
    values: Vec<(String, bool)>,
}

impl Finder {
    fn of<'a>(values: impl IntoIterator<Item = &'a String>) -> Self {
        let long = values.into_iter().filter(|value| value.chars().count() >= CHARS_MIN);
        let values: BTreeMap<String, bool> =
            long.map(|value| (value.clone(), value.chars().all(char::is_alphanumeric))).collect();
        let values: Vec<_> = values.into_iter().collect();
        let (patterns, forms): (Vec<_>, Vec<_>) = values
            .iter()
            .enumerate()
            .flat_map(|(n, (value, _))| forms(value).into_iter().map(move |form| (form, n)))
            .unzip();
        let finder = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .build(&patterns)
            .ok()
            .filter(|_| !patterns.is_empty());
        Self { finder, forms, values }
    }

    /// Where a part of a body has the values, and which.
    fn found<'a>(&'a self, body: &'a [u8], part: Range<usize>) -> impl Iterator<Item = (Range<usize>, &'a str)> {
        let matches = self.finder.iter().flat_map(move |finder| finder.find_iter(Input::new(body).range(part.clone())));
        matches.filter_map(move |found| {
            let (value, is_word) = self.values.get(*self.forms.get(found.pattern().as_usize())?)?;
            let place = found.start()..found.end();
            let goes_on = || body.get(place.end).is_some_and(u8::is_ascii_alphanumeric);
            let is_within = *is_word && (ends_in_word(&body[..place.start]) || goes_on() || is_key(body, &place));
            (!is_within).then_some((place, value.as_str()))
        })
    }
}

/// Whether a place lies in a key of a JSON object.
fn is_key(body: &[u8], place: &Range<usize>) -> bool {
    let is_json = matches!(body.trim_ascii_start().first(), Some(b'{' | b'['));
    let before = &body[place.start.saturating_sub(KEY_BYTES_MAX)..place.start];
    let after = &body[place.end..body.len().min(place.end + KEY_BYTES_MAX)];
    let Some((opens, closes)) = before.iter().rposition(|b| *b == b'"').zip(after.iter().position(|b| *b == b'"'))
    else {
        return false;
    };
    let follows = after[closes + 1..].trim_ascii_start().first();
    let precedes = before[..opens].trim_ascii_end().last();
    // an escaped quote belongs to a text
    let is_quoted = precedes != Some(&b'\\') && after[..closes].last() != Some(&b'\\');
    is_json && is_quoted && follows == Some(&b':') && matches!(precedes, Some(b'{' | b','))
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
        person.said("Left with neighbour Miller");
        person.said("Delivered");
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
            let without = String::from_utf8_lossy(&jane().search().removed(body, &[])).into_owned();
            assert!(without.contains(MARK), "{text} stays {without}");
            for left in ["Jan", "JAN", "Doe &", "DOE &", "Sons", "SONS", "lm S", "LM S", "xample", "SMITH", "Miller"] {
                assert!(!without.contains(left), "{left} is left of {text}: {without}");
            }
        }
    }

    #[test]
    fn others_keep_what_is_theirs() {
        let body = br#"[{"city":"Leipzig","to":"Janette Smithson","said":"Delivered"}]"#;
        let search = jane().search();
        assert_eq!(search.removed(body, &["Delivered".into()]), body);
        assert!(!search.names_in(body) && search.names_in(b"to: jane@EXAMPLE.com"));
        let theirs = br#"{"note":"Left with neighbour Miller for Smith"}"#;
        let without = search.removed(theirs, &["Left with neighbour Miller".into()]);
        assert_eq!(String::from_utf8_lossy(&without), r#"{"note":"Left with neighbour Miller for ERASED"}"#);
    }

    #[test]
    fn keys_stay_and_values_do_not() {
        let mut person = jane();
        person.signed(Some("Status GmbH"));
        let search = person.search();
        for (body, without) in [
            (
                r#"{"status":"in transit","a":1, "Delivered" : true}"#,
                r#"{"status":"in transit","a":1, "Delivered" : true}"#,
            ),
            (r#"["Smith","status"]"#, r#"["ERASED","ERASED"]"#),
            (r#"{"a":"\"Smith\": hello"}"#, r#"{"a":"\"ERASED\": hello"}"#),
            (r#"said "Smith": hello"#, r#"said "ERASED": hello"#),
            (r#"{"a":"x, \"Smith": 1}"#, r#"{"a":"x, \"ERASED": 1}"#),
        ] {
            assert_eq!(String::from_utf8_lossy(&search.removed(body.as_bytes(), &[])), without);
        }
    }

    #[test]
    fn nobody_is_known_by_what_statements_say() {
        let mut person = Person::default();
        person.signed(Some("SMITH"));
        person.said("Delivered");
        let search = person.search();
        assert!(!search.is_known() && search.has_names());
        assert!(jane().search().is_known() && !Person::of(&Customer::default()).search().is_known());
    }
}
