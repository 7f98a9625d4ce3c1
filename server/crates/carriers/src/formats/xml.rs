//! What XML connectors share: reading with limits. Document type definitions are refused, so that no entity is ever
//! expanded and nothing is fetched.

use crate::DecodeError;
use domain::observation::Problem;
use encoding_rs::WINDOWS_1252;
use roxmltree::{Document, Node, ParsingOptions};

/// Elements, attributes and texts of the largest document that is read.
const NODES_MAX: u32 = 4_000_000;

/// A body as text that can be parsed: UTF-8 with or without a byte order mark, or Latin-1 where the declaration names it.
/// What XML does not allow and senders write (control characters, bytes of no letter, an ampersand that begins nothing)
/// is mended where the document cannot be parsed otherwise, with a problem.
pub(crate) fn read(raw: &[u8], problems: &mut Vec<Problem>) -> Result<String, DecodeError> {
    let bytes = raw.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(raw);
    let mut say = |message: &str| problems.push(Problem { at: String::new(), message: message.to_owned() });
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) if latin(bytes) => WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(),
        Err(error) => {
            say(&format!(
                "byte {} is not UTF-8, and no other encoding is declared: read as U+FFFD",
                error.valid_up_to()
            ));
            String::from_utf8_lossy(bytes).into_owned()
        }
    };
    // a comment may have any ampersand
    let Some(again) = mended(&text).filter(|again| parse(&text).is_err() && parse(again).is_ok()) else {
        return Ok(text);
    };
    say("control characters or ampersands that XML does not allow are read as U+FFFD and as text");
    Ok(again)
}

fn latin(bytes: &[u8]) -> bool {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(100)]).to_ascii_lowercase();
    head.split("?>").next().is_some_and(|d| d.contains("iso-8859-1") || d.contains("windows-1252"))
}

/// With characters that XML 1.0 has not (section 2.2) as U+FFFD, and ampersands that begin no reference escaped, but for
/// character data as it is (CDATA); none where there is nothing to mend.
fn mended(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c == '&' || !is_char(c) || c == '<') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = match rest.chars().next() {
            Some('<') => match rest.strip_prefix("<![CDATA[").and_then(|data| data.find("]]>")) {
                Some(end) => "<![CDATA[".len() + end,
                None => 1,
            },
            Some('&') => match reference(rest) {
                Some(Reference::Good(length)) => length,
                Some(Reference::Bad(length)) => {
                    out.push('\u{FFFD}');
                    rest = &rest[length..];
                    continue;
                }
                None => {
                    out.push_str("&amp;");
                    rest = &rest[1..];
                    continue;
                }
            },
            odd => {
                out.push('\u{FFFD}');
                rest = &rest[odd.map_or(0, char::len_utf8)..];
                continue;
            }
        };
        out.extend(rest[..length].chars().map(|c| if is_char(c) { c } else { '\u{FFFD}' }));
        rest = &rest[length..];
    }
    out.push_str(rest);
    (out != text).then_some(out)
}

fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

/// What an ampersand begins, and its length.
enum Reference {
    Good(usize),
    /// To a character that XML has not.
    Bad(usize),
}

fn reference(text: &str) -> Option<Reference> {
    let end = text.find(';').filter(|end| *end < 12)?;
    let name = &text[1..end];
    if matches!(name, "amp" | "lt" | "gt" | "quot" | "apos") {
        return Some(Reference::Good(end + 1));
    }
    let digits = name.strip_prefix('#')?;
    let code = match digits.strip_prefix('x') {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => digits.parse().ok()?,
    };
    Some(match char::from_u32(code).filter(|c| is_char(*c)) {
        Some(_) => Reference::Good(end + 1),
        None => Reference::Bad(end + 1),
    })
}

/// Reads a document.
pub(crate) fn parse(text: &str) -> Result<Document<'_>, DecodeError> {
    let options = ParsingOptions { allow_dtd: false, nodes_limit: NODES_MAX, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).map_err(|error| {
        let reason = match error {
            roxmltree::Error::DtdDetected => "it has a document type definition, which is not taken".to_owned(),
            roxmltree::Error::NodesLimitReached => format!("it has more than {NODES_MAX} nodes"),
            other => format!("the syntax is wrong at line {}, column {}", other.pos().row, other.pos().col),
        };
        DecodeError::Malformed { expected: "XML", reason }
    })
}

/// The first child element of this local name, in any namespace.
pub(crate) fn child<'a>(node: Node<'a, 'a>, name: &str) -> Option<Node<'a, 'a>> {
    node.children().find(|c| c.is_element() && c.tag_name().name() == name)
}

/// The text of the first child element of this local name; none where it is blank.
pub(crate) fn child_text<'a>(node: Node<'a, 'a>, name: &str) -> Option<&'a str> {
    child(node, name)?.text().map(str::trim).filter(|t| !t.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities_are_never_expanded() {
        let bomb = "<!DOCTYPE a [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><a>&e;</a>";
        assert!(parse(bomb).unwrap_err().to_string().contains("document type"));
        assert!(parse("<a>").unwrap_err().to_string().contains("line 1"));
    }

    fn read(raw: &[u8]) -> (Option<String>, usize) {
        let mut problems = Vec::new();
        let text = super::read(raw, &mut problems).unwrap();
        (parse(&text).unwrap().root_element().text().map(str::to_owned), problems.len())
    }

    #[test]
    fn encodings_and_namespaces() {
        let latin = b"<?xml version='1.0' encoding='ISO-8859-1'?><a xmlns='urn:x'><b> K\xF6ln </b></a>";
        let text = super::read(latin, &mut Vec::new()).unwrap();
        let document = parse(&text).unwrap();
        assert_eq!(child_text(document.root_element(), "b"), Some("Köln"));
        let windows = b"<?xml version='1.0' encoding='windows-1252'?><a>\x80 5\x97\xFF</a>";
        assert_eq!(read(windows), (Some("€ 5—ÿ".into()), 0));
    }

    #[test]
    fn what_xml_does_not_allow_is_mended_and_said() {
        for (raw, text) in [
            (&b"<a>K\xF6ln</a>"[..], "K\u{FFFD}ln"),
            (b"<a>left\x01at door</a>", "left\u{FFFD}at door"),
            (b"<a>half &#xD83C; or &#1; but &#x20AC;</a>", "half \u{FFFD} or \u{FFFD} but €"),
            (b"<a>Fish & Chips &amp; &nbsp;</a>", "Fish & Chips & &nbsp;"),
            (b"<a>\x02<![CDATA[Fish & Chips]]></a>", "\u{FFFD}Fish & Chips"),
        ] {
            assert_eq!(read(raw), (Some(text.to_owned()), 1), "{}", String::from_utf8_lossy(raw));
        }
        for refused in ["<a>Fish & Chips", "<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>"] {
            let text = super::read(refused.as_bytes(), &mut Vec::new()).unwrap();
            assert!(parse(&text).is_err(), "structure is not mended: {refused}");
        }
    }
}
