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
    "partner_email",
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
/// Fields that name a person where people write to each other, compared in lower case; elsewhere a name is that of a record.
const NAMES: &[&str] = &[
    "assigned_to",
    "author",
    "contact",
    "contacts",
    "createdby",
    "display_name",
    "displayname",
    "first_name",
    "firstname",
    "from",
    "last_name",
    "lastmodifiedby",
    "lastname",
    "name",
    "opened_by",
    "real_name",
    "sender",
    "suppliedemail",
    "suppliedname",
    "sys_created_by",
    "sys_updated_by",
    "to",
    "user_name",
    "username",
    "users",
];
/// Fields that hold what people write to each other, compared in lower case.
const TEXTS: &[&str] = &[
    "body",
    "body_html",
    "body_text",
    "commentbody",
    "content",
    "description",
    "description_text",
    "html_body",
    "plain_body",
    "stripped_html",
    "stripped_text",
    "text",
    "value",
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

    /// A JSON body; with these fields masked too.
    pub fn body(body: Option<&Value>, also: &[&[&str]]) -> String {
        body.map(|b| cut(&format!(" {}", value(b, also)), EXCERPT_CHARS_MAX)).unwrap_or_default()
    }

    /// What is masked besides of what is sent to people's conversations: our own texts are kept.
    pub const SENT: &[&[&str]] = &[NAMES];
    /// What is masked besides of what is read of people's conversations.
    pub const READ: &[&[&str]] = &[NAMES, TEXTS];

    /// An answer, with these fields masked too; what is no JSON is named by its length alone: it may hold anything.
    pub fn answer(body: &[u8], also: &[&[&str]]) -> String {
        match serde_json::from_slice::<Value>(body) {
            Ok(json) => cut(&value(&json, also).to_string(), EXCERPT_CHARS_MAX),
            Err(_) if body.is_empty() => String::new(),
            Err(_) => format!("({} bytes that are no JSON)", body.len()),
        }
    }

    /// An answer about people: no text of it is kept.
    pub fn people(body: &[u8]) -> String {
        match serde_json::from_slice::<Value>(body) {
            Ok(json) => cut(&texts_hidden(&value(&json, &[])).to_string(), EXCERPT_CHARS_MAX),
            Err(_) => answer(body, &[]),
        }
    }

    /// The same with what is personal or secret masked, and these fields too.
    pub fn value(json: &Value, also: &[&[&str]]) -> Value {
        let is_masked = |name: &str| {
            is_personal(name) || also.iter().any(|list| list.contains(&name.to_ascii_lowercase().as_str()))
        };
        let kept = |name: &String, inner: &Value, rows: &[bool]| match inner {
            Value::Array(items) if name == "data" && !rows.is_empty() => table(items, rows),
            inner if is_masked(name) => hidden(inner),
            inner => value(inner, also),
        };
        match json {
            Value::Object(fields) => {
                let columns = fields.get("fields").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                let masked: Vec<bool> = columns.iter().map(|name| name.as_str().is_none_or(is_masked)).collect();
                fields
                    .iter()
                    .filter(|(name, _)| !NEVER.contains(&name.as_str()))
                    .map(|(name, inner)| (name.clone(), kept(name, inner, &masked)))
                    .collect()
            }
            Value::Array(items) => {
                let mut kept: Vec<_> = items.iter().take(LIST_ITEMS_MAX).map(|item| value(item, also)).collect();
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

/// Rows of a table whose columns are named beside it (Odoo's `load`), with the masked columns hidden.
fn table(rows: &[Value], masked: &[bool]) -> Value {
    let cell = |(at, cell): (usize, &Value)| match masked.get(at) {
        Some(false) => masked::value(cell, &[]),
        _ => hidden(cell),
    };
    let row = |row: &Value| match row {
        Value::Array(cells) => cells.iter().enumerate().map(cell).collect(),
        other => masked::value(other, &[]),
    };
    rows.iter().take(LIST_ITEMS_MAX).map(row).collect()
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
