//! Every secret that this process knows, by value: wherever one stands in a text that is kept or logged, a mark stands
//! instead. In clear, and as it is written in JSON, HTML, addresses, base64 (at each of its three offsets, as in a `Basic`
//! authorization) and hexadecimal digits.

use aho_corasick::{AhoCorasick, MatchKind};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use std::{
    borrow::Cow,
    collections::BTreeSet,
    fmt::Write as _,
    sync::{PoisonError, RwLock},
};

/// What stands in the place of a secret.
pub const MARK: &str = "[secret]";
/// A shorter text is part of many a word: no secret is so short.
const BYTES_MIN: usize = 6;

static KNOWN: RwLock<Known> = RwLock::new(Known { forms: BTreeSet::new(), finder: None });

struct Known {
    forms: BTreeSet<String>,
    finder: Option<AhoCorasick>,
}

/// From now on this secret is known. One that was replaced stays known: it may be in old texts.
pub fn know(secret: &str) {
    let secret = secret.trim();
    if secret.len() < BYTES_MIN || KNOWN.read().unwrap_or_else(PoisonError::into_inner).forms.contains(secret) {
        return;
    }
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    known.forms.extend(forms(secret));
    // the longest one first, so that nothing of a secret is left that begins with another
    let built = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&known.forms);
    if let Ok(finder) = built {
        known.finder = Some(finder);
    }
}

/// From now on the password in an address is known, as it is written there and as it is.
pub fn know_address(address: &str) {
    let Ok(url) = reqwest::Url::parse(address) else { return };
    let mut plain = url.clone();
    if let Some(written) = url.password() {
        know(written);
        plain.set_query(Some(&format!("password={}", written.replace('+', "%2B"))));
    }
    for (name, value) in url.query_pairs().chain(plain.query_pairs()) {
        if name == "password" {
            know(&value);
        }
    }
}

/// The text without known secrets.
pub fn hidden(text: &str) -> Cow<'_, str> {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    let Some(finder) = known.finder.as_ref().filter(|finder| finder.is_match(text)) else { return Cow::Borrowed(text) };
    let mut without = String::with_capacity(text.len());
    finder.replace_all_with(text, &mut without, |_, _, to| {
        to.push_str(MARK);
        true
    });
    Cow::Owned(without)
}

/// How a secret may be written.
fn forms(secret: &str) -> impl Iterator<Item = String> {
    let json = serde_json::Value::from(secret).to_string();
    let json = json[1..json.len() - 1].to_owned();
    let html = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let mut forms = vec![
        secret.to_owned(),
        json.replace('/', "\\/"),
        html.replace('\'', "&#39;"),
        html.replace('\'', "&#x27;"),
        html,
        percent(secret, "-._~", false),
        percent(secret, "-._~", true),
        percent(secret, "-._~!$'()*,;:@/?", false),
        percent(secret, "*-._", false).replace("%20", "+"),
        hex(secret, false),
        hex(secret, true),
        json,
    ];
    for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
        for before in 0..3 {
            let mut bytes = vec![0; before];
            bytes.extend_from_slice(secret.as_bytes());
            let text = engine.encode(&bytes);
            // a digit that holds bits of what stands before or behind is another one each time
            let begin = (before * 8).div_ceil(6);
            let end = bytes.len() * 8 / 6;
            forms.push(text[begin..end].to_owned());
        }
    }
    forms.into_iter().filter(|form| form.len() >= BYTES_MIN)
}

fn percent(text: &str, plain: &str, lower: bool) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        let _ = match byte {
            _ if byte.is_ascii_alphanumeric() || plain.as_bytes().contains(&byte) => {
                write!(out, "{}", char::from(byte))
            }
            _ if lower => write!(out, "%{byte:02x}"),
            _ => write!(out, "%{byte:02X}"),
        };
        out
    })
}

fn hex(text: &str, upper: bool) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        let _ = if upper { write!(out, "{byte:02X}") } else { write!(out, "{byte:02x}") };
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;

    #[test]
    fn a_secret_is_found_in_every_form_and_its_neighbours_stay() {
        let secret = "s3cr\"t/+&<ü> key";
        know(secret);
        let json = serde_json::json!({ "key": secret }).to_string();
        let mut url = reqwest::Url::parse("https://odoo.example.com/").unwrap();
        url.query_pairs_mut().append_pair("key", secret);
        let mut texts = vec![format!("a {secret} b"), json, url.to_string(), format!("{secret:?}")];
        for user in ["", "a", "ab", "abc"] {
            texts.push(format!("Basic {}", STANDARD.encode(format!("{user}:{secret}"))));
            texts.push(URL_SAFE_NO_PAD.encode(format!("{user}{secret}x")));
        }
        texts.push("<b>s3cr&quot;t/+&amp;&lt;ü&gt; key</b>".into());
        for text in texts {
            let kept = hidden(&text);
            assert!(kept.contains(MARK), "{text} is kept as {kept}");
        }
        assert_eq!(hidden("a s3cr\"t/+&<ü> key b"), "a [secret] b");
    }

    #[test]
    fn a_password_in_an_address_is_known_as_it_is() {
        know_address("postgres://milepost:s%40fe-pass%2Bword@db.example.com/milepost");
        know_address("postgres://db.example.com/milepost?user=m&password=other-pass");
        assert_eq!(hidden("s%40fe-pass%2Bword, s@fe-pass+word, other-pass"), "[secret], [secret], [secret]");
    }

    #[test]
    fn of_two_that_begin_alike_nothing_is_left_and_a_short_word_is_none() {
        know("common-begin");
        know("common-begin-and-end");
        know("ok");
        assert_eq!(hidden("common-begin-and-end, common-begin. ok"), "[secret], [secret]. ok");
    }
}
