//! What XML connectors share: reading with limits. Document type definitions are refused, so that no entity is ever
//! expanded and nothing is fetched.

use super::DecodeError;
use roxmltree::{Document, Node, ParsingOptions};

/// Elements, attributes and texts of the largest document that is read.
const NODES_MAX: u32 = 4_000_000;

/// A body as text: UTF-8 with or without a byte order mark, or Latin-1 where the declaration says so.
pub(super) fn text(raw: &[u8]) -> Result<String, DecodeError> {
    let bytes = raw.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(raw);
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) if latin(bytes) => Ok(bytes.iter().map(|b| latin_char(*b)).collect()),
        Err(error) => Err(DecodeError::Malformed {
            expected: "XML",
            reason: format!("byte {} is not UTF-8, and no other encoding is declared", error.valid_up_to()),
        }),
    }
}

fn latin(bytes: &[u8]) -> bool {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(100)]).to_ascii_lowercase();
    head.split("?>").next().is_some_and(|d| d.contains("iso-8859-1") || d.contains("windows-1252"))
}

/// What Windows puts where ISO 8859-1 has control characters, from 0x80; who declares the one often writes the other
/// (WHATWG Encoding, label `iso-8859-1`).
const WINDOWS: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8D}Ž\u{8F}\u{90}‘’“”•–—˜™š›œ\u{9D}žŸ";

fn latin_char(byte: u8) -> char {
    let of_windows = byte.checked_sub(0x80).and_then(|at| WINDOWS.chars().nth(usize::from(at)));
    of_windows.unwrap_or_else(|| char::from(byte))
}

/// Reads a document.
pub(super) fn parse(text: &str) -> Result<Document<'_>, DecodeError> {
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

/// The first child element of this local name, whatever its namespace.
pub(super) fn child<'a>(node: Node<'a, 'a>, name: &str) -> Option<Node<'a, 'a>> {
    node.children().find(|c| c.is_element() && c.tag_name().name() == name)
}

/// The text of the first child element of this local name; none where it is blank.
pub(super) fn child_text<'a>(node: Node<'a, 'a>, name: &str) -> Option<&'a str> {
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

    #[test]
    fn encodings_and_namespaces() {
        let text = text(b"<?xml version='1.0' encoding='ISO-8859-1'?><a xmlns='urn:x'><b> K\xF6ln </b></a>").unwrap();
        let document = parse(&text).unwrap();
        assert_eq!(child_text(document.root_element(), "b"), Some("Köln"));
        let windows = super::text(b"<?xml version='1.0' encoding='windows-1252'?><a>\x80 5\x97\xFF</a>").unwrap();
        assert_eq!(parse(&windows).unwrap().root_element().text(), Some("€ 5—ÿ"));
        assert!(super::text(b"<a>\xF6</a>").is_err());
    }
}
