//! What may be kept of a request or an answer.

use super::secrets;
use serde_json::Value;

/// Maximum length of a kept request or response in characters.
pub const EXCERPT_CHARS_MAX: usize = 4_000;
/// A kept text inside has at most so many.
const TEXT_CHARS_MAX: usize = 400;
/// A kept list has at most so many items.
const LIST_ITEMS_MAX: usize = 20;
/// What stands in the place of something masked.
const MASK: &str = "***";
/// Fields that hold a person, an address, a secret or a link that is one, in any of the systems; compared in lower case.
const PERSONAL: &[&str] = &[
    "access_token",
    "address_from",
    "address_line1",
    "address_line2",
    "address_line3",
    "address_return",
    "address_to",
    "admincc",
    "api_key",
    "apikey",
    "authorization",
    "assignee",
    "buyer_address",
    "cc",
    "certify_signer",
    "client_secret",
    "commercial_invoice_url",
    "consignee",
    "contact_name",
    "creator",
    "customer",
    "customer_id",
    "datas",
    "customer_name",
    "customers",
    "customs_signer",
    "delivery_location",
    "destination_postal_code",
    "docs",
    "driver_name",
    "email",
    "email_from",
    "emailaddress",
    "form_download",
    "form_url",
    "from_address",
    "invoice_url",
    "key",
    "label_download",
    "label_epl2_url",
    "label_pdf_url",
    "label_url",
    "label_zpl_url",
    "lastupdatedby",
    "lat",
    "lng",
    "login",
    "mobile",
    "owner",
    "partner_id",
    "partner_name",
    "partner_shipping_id",
    "password",
    "phone",
    "postal_code",
    "qr_code_url",
    "realname",
    "recipient",
    "refresh_token",
    "requester",
    "requestor",
    "requestors",
    "return_address",
    "return_to",
    "secret",
    "ship_from",
    "ship_to",
    "shipper",
    "signature",
    "signed_by",
    "signer",
    "street",
    "street1",
    "street2",
    "subject",
    "to_address",
    "token",
    "user_id",
    "vat",
    "x-amz-credential",
    "x-amz-security-token",
    "x-amz-signature",
    "x-goog-credential",
    "x-goog-signature",
    "zip",
];
/// A text that has this in it holds a person's name: none of it is kept. A class name, so that it goes along in HTML.
pub const PERSONAL_MARK: &str = "milepost-personal";
/// Fields that are never kept: Odoo's `debug` is a whole traceback.
const NEVER: &[&str] = &["debug", "arguments"];

/// Masking of each kind of text.
pub mod masked {
    use super::*;

    /// A short text: e-mail addresses masked, cut; nothing of one that holds a person's name.
    pub fn text(text: &str) -> String {
        if text.contains(PERSONAL_MARK) {
            return MASK.into();
        }
        // before it is cut: half a secret would not be known any more
        let text = secrets::hidden(text);
        let words: Vec<_> = text.split(' ').map(|word| if is_mail(word) { MASK } else { word }).collect();
        cut(&words.join(" "), TEXT_CHARS_MAX)
    }

    /// An address: the query is kept where it names a search, and cut.
    pub fn query(url: &str) -> String {
        let url = reqwest::Url::parse(url);
        let Ok(url) = url else { return MASK.into() };
        let query = url.query().map(|_| {
            let shown = |name: &str, value: &str| if is_personal(name) { MASK.to_owned() } else { text(value) };
            let pairs: Vec<_> = url.query_pairs().map(|(k, v)| format!("{k}={}", shown(&k, &v))).collect();
            format!("?{}", pairs.join("&"))
        });
        secrets::hidden(&format!("{}{}", url.path(), query.unwrap_or_default())).into_owned()
    }

    /// A JSON body.
    pub fn body(body: Option<&Value>) -> String {
        body.map(|b| cut(&format!(" {}", value(b)), EXCERPT_CHARS_MAX)).unwrap_or_default()
    }

    /// An answer; what is no JSON is named by its length alone, since nobody knows what it holds.
    pub fn answer(body: &[u8]) -> String {
        match serde_json::from_slice::<Value>(body) {
            Ok(json) => cut(&value(&json).to_string(), EXCERPT_CHARS_MAX),
            Err(_) if body.is_empty() => String::new(),
            Err(_) => format!("({} bytes that are no JSON)", body.len()),
        }
    }

    /// An answer about people: no text of it is kept.
    pub fn people(body: &[u8]) -> String {
        match serde_json::from_slice::<Value>(body) {
            Ok(json) => cut(&texts_hidden(&value(&json)).to_string(), EXCERPT_CHARS_MAX),
            Err(_) => answer(body),
        }
    }

    /// The same with what is personal or secret masked.
    pub fn value(json: &Value) -> Value {
        match json {
            Value::Object(fields) => fields
                .iter()
                .filter(|(name, _)| !NEVER.contains(&name.as_str()))
                .map(|(name, inner)| (name.clone(), if is_personal(name) { hidden(inner) } else { value(inner) }))
                .collect(),
            Value::Array(items) => {
                let mut kept: Vec<_> = items.iter().take(LIST_ITEMS_MAX).map(value).collect();
                if items.len() > kept.len() {
                    kept.push(format!("… {} more", items.len() - kept.len()).into());
                }
                Value::Array(kept)
            }
            Value::String(inner) => text(inner).into(),
            other => other.clone(),
        }
    }
}

fn texts_hidden(json: &Value) -> Value {
    match json {
        Value::Object(fields) => fields.iter().map(|(name, inner)| (name.clone(), texts_hidden(inner))).collect(),
        Value::Array(items) => items.iter().map(texts_hidden).collect(),
        Value::String(_) => MASK.into(),
        other => other.clone(),
    }
}

fn is_personal(name: &str) -> bool {
    PERSONAL.contains(&name.to_ascii_lowercase().as_str())
}

/// Whether there was something stays visible.
fn hidden(json: &Value) -> Value {
    match json {
        Value::Null | Value::Bool(_) => json.clone(),
        Value::Array(items) if items.is_empty() => json.clone(),
        _ => MASK.into(),
    }
}

fn is_mail(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    word.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.contains('.'))
}

fn cut(text: &str, max: usize) -> String {
    let text = &*secrets::hidden(text);
    match text.char_indices().nth(max) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
