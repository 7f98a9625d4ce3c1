//! The texts that rules send: plain, with words in braces that stand for what is known of the shipment.

use std::collections::BTreeMap;

/// Characters of a text.
pub const CHARS_MAX: usize = 1000;

/// The words in braces, with what each stands for.
pub const WORDS: &[(&str, &str)] = &[
    ("order", "the order's number"),
    ("delivery", "the delivery's number"),
    ("number", "the tracking number and its carrier"),
    ("status", "the status"),
    ("reason", "the reason of the exception"),
    ("severity", "the severity of the exception"),
    ("place", "the place of the last event"),
    ("eta", "the ETA"),
    ("link", "the page of the shipment"),
];

/// The first word in braces that stands for nothing, or a brace that is not closed.
pub fn unknown(text: &str) -> Option<String> {
    let known: Vec<&str> = WORDS.iter().map(|(known, _)| *known).collect();
    not_among(text, &known)
}

/// The first word in braces that is none of these, or a brace that is not closed.
pub fn not_among(text: &str, words: &[&str]) -> Option<String> {
    parts(text).into_iter().find_map(|part| match part {
        Part::Word(word) => (!words.contains(&word)).then(|| format!("{{{word}}}")),
        Part::Open => Some("{".into()),
        Part::Plain(_) => None,
    })
}

/// The text with what its words stand for; a word without a value is left out.
pub fn fill(text: &str, values: &BTreeMap<&str, String>) -> String {
    let part = |part: &Part<'_>| match part {
        Part::Plain(plain) => (*plain).to_owned(),
        Part::Word(word) => values.get(word).cloned().unwrap_or_default(),
        Part::Open => "{".to_owned(),
    };
    parts(text).iter().map(part).collect()
}

enum Part<'a> {
    Plain(&'a str),
    Word(&'a str),
    Open,
}

fn parts(mut text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    while let Some(open) = text.find('{') {
        parts.push(Part::Plain(&text[..open]));
        let rest = &text[open + 1..];
        match rest.find('}') {
            Some(close) => {
                parts.push(Part::Word(rest[..close].trim()));
                text = &rest[close + 1..];
            }
            None => {
                parts.push(Part::Open);
                text = rest;
            }
        }
    }
    parts.push(Part::Plain(text));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_filled_in_once() {
        let values = BTreeMap::from([("order", "S1 {link}".to_owned()), ("status", "Delivered".to_owned())]);
        assert_eq!(fill("{order}: { status }{eta}.", &values), "S1 {link}: Delivered.");
        assert_eq!(fill("a { b", &values), "a { b");
        for (text, wrong) in [("{order} {link}", None), ("{ordr}", Some("{ordr}")), ("a { b", Some("{")), ("}", None)] {
            assert_eq!(unknown(text).as_deref(), wrong, "{text}");
        }
    }
}
