//! Proofs of delivery: links to documents, and documents that a message brings along as Base64.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::documents::{Content, Document, DocumentKind, FileFormat};
use serde_json::Value;

/// The longest link in bytes.
const LINK_BYTES_MAX: usize = 2_000;
/// Documents of one delivery.
const DOCUMENTS_MAX: usize = 8;
/// The start of a file in characters of Base64, by which its format is known.
const START: usize = 24;

/// The documents in a value: a text, an object that has one (`url`, `data`), or a list of either. What is neither a web
/// address nor a file of a known format is left out.
pub fn documents(value: &Value, kind: Option<DocumentKind>) -> Vec<Document> {
    match value {
        Value::String(text) => document(text, kind.unwrap_or(DocumentKind::Other)).into_iter().collect(),
        Value::Array(list) => {
            let all = list.iter().filter(|item| !item.is_array()).flat_map(|item| documents(item, kind));
            all.take(DOCUMENTS_MAX).collect()
        }
        Value::Object(object) => {
            let named = object.get("type").or_else(|| object.get("kind")).and_then(Value::as_str);
            let kind = kind.unwrap_or_else(|| named.map_or(DocumentKind::Other, kind_of));
            let keys = ["url", "link", "data", "image", "content"].into_iter();
            let texts = keys.filter_map(|key| object.get(key)?.as_str());
            texts.filter_map(|text| document(text, kind)).take(1).collect()
        }
        _ => Vec::new(),
    }
}

fn kind_of(word: &str) -> DocumentKind {
    let word = word.to_ascii_lowercase();
    match word {
        _ if word.contains("signature") => DocumentKind::Signature,
        _ if word.contains("photo") || word.contains("picture") || word.contains("image") => DocumentKind::Photo,
        _ => DocumentKind::Other,
    }
}

fn document(text: &str, kind: DocumentKind) -> Option<Document> {
    let text = text.trim();
    let content = if is_web_address(text) { Content::Link(text.to_owned()) } else { file(text)? };
    Some(Document { kind, content })
}

fn is_web_address(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let host = host.and_then(|rest| rest.split(['/', '?', '#']).next());
    text.len() <= LINK_BYTES_MAX
        && host.is_some_and(|host| host.contains('.') && !host.contains('@'))
        && text.bytes().all(|b| b.is_ascii_graphic() && !b"\"<>\\`".contains(&b))
}

/// A file, also as a data URL (`data:image/png;base64,…`).
fn file(text: &str) -> Option<Content> {
    let encoded = match text.strip_prefix("data:") {
        Some(rest) => rest.split_once(";base64,")?.1,
        None => text,
    };
    let base64: String = encoded.split_ascii_whitespace().collect();
    let format = FileFormat::of(&STANDARD.decode(base64.get(..START)?).ok()?)?;
    STANDARD.decode(&base64).ok().map(|_| Content::File { base64, format })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const PNG: &str =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";

    #[test]
    fn what_is_a_document_is_taken_and_nothing_else() {
        let link = |text: &str| Content::Link(text.into());
        let png = || Content::File { base64: PNG.into(), format: FileFormat::Png };
        for (value, expected) in [
            (
                json!("https://pod.example.com/1?t=a"),
                vec![(DocumentKind::Other, link("https://pod.example.com/1?t=a"))],
            ),
            (json!(PNG), vec![(DocumentKind::Other, png())]),
            (json!(format!("data:image/png;base64,{PNG}")), vec![(DocumentKind::Other, png())]),
            (
                json!([{"type": "signature", "url": "https://a.example/s"}, {"type": "PHOTO", "data": PNG}]),
                vec![(DocumentKind::Signature, link("https://a.example/s")), (DocumentKind::Photo, png())],
            ),
            (json!("javascript:alert(1)"), vec![]),
            (json!("https://user:secret@a.example/"), vec![]),
            (json!("https://a.example/\" onclick=\"x"), vec![]),
            (json!(format!("https://a.example/{}", "x".repeat(LINK_BYTES_MAX))), vec![]),
            (json!("encoding Base64"), vec![]),
            (json!("PGh0bWw+PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg=="), vec![]),
            (json!(&PNG[..PNG.len() - 3]), vec![]),
            (json!(""), vec![]),
            (json!(null), vec![]),
            (json!(7), vec![]),
            (json!([[["https://a.example/"]]]), vec![]),
            (json!({"type": 7, "url": {"x": 1}}), vec![]),
        ] {
            let found: Vec<_> = documents(&value, None).into_iter().map(|one| (one.kind, one.content)).collect();
            assert_eq!(found, expected, "{value}");
        }
        let many = json!(vec!["https://a.example/"; 50]);
        assert_eq!(documents(&many, Some(DocumentKind::Photo)).len(), DOCUMENTS_MAX);
    }
}
