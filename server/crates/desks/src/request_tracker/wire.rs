//! How REST 2.0 writes things.

use crate::DeskStatus;
use domain::Severity;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

/// A page of a list. `total` is null where counting was too dear.
#[derive(Debug, Deserialize)]
pub(super) struct Page<T> {
    #[serde(default = "Vec::new")]
    pub items: Vec<T>,
    #[serde(default)]
    pub total: Option<u64>,
}

/// A ticket.
#[derive(Debug, Deserialize)]
pub(super) struct Ticket {
    #[serde(deserialize_with = "either")]
    pub id: String,
    #[serde(rename = "Status")]
    pub status: String,
    #[serde(rename = "CustomFields", default)]
    pub fields: Vec<Field>,
    #[serde(rename = "LastUpdated", default)]
    pub last_updated: Option<String>,
    #[serde(rename = "Creator", default)]
    pub creator: Option<Person>,
    #[serde(rename = "Owner", default)]
    pub owner: Option<Person>,
    #[serde(rename = "Queue", default)]
    pub queue: Option<InQueue>,
    /// The customers whom it is about.
    #[serde(rename = "Requestor", default)]
    pub requestors: Vec<Person>,
    /// What may be done with it; not in lists.
    #[serde(rename = "_hyperlinks", default)]
    pub links: Option<Vec<Link>>,
}

impl Ticket {
    /// Whether it has a link of this kind, as far as is known.
    pub(super) fn offers(&self, kind: &str) -> bool {
        let is = |link: &Link| link.kind.as_deref() == Some(kind);
        self.links.as_ref().is_none_or(|links| links.iter().any(is))
    }
}

/// The queue that a ticket is in.
#[derive(Debug, Deserialize)]
pub(super) struct InQueue {
    #[serde(deserialize_with = "either")]
    pub id: String,
}

/// Where a ticket leads: `comment` where the user may comment, `lifecycle` for each status that the user may give it.
#[derive(Debug, Deserialize)]
pub(super) struct Link {
    #[serde(rename = "ref", default)]
    pub kind: Option<String>,
}

/// A user, by login.
#[derive(Debug, Deserialize)]
pub(super) struct Person {
    #[serde(deserialize_with = "either")]
    pub id: String,
}

/// A user's own page.
#[derive(Debug, Deserialize)]
pub(super) struct User {
    #[serde(rename = "Name")]
    pub name: String,
}

/// A change in a ticket's history.
#[derive(Debug, Deserialize)]
pub(super) struct Transaction {
    #[serde(rename = "Type", default)]
    pub kind: Option<String>,
    #[serde(rename = "Created", default)]
    pub created: Option<String>,
    #[serde(rename = "Creator", default)]
    pub creator: Option<Person>,
}

/// A field and, on a ticket, its values.
#[derive(Debug, Deserialize)]
pub(super) struct Field {
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub values: Vec<Value>,
}

/// What a create answers.
#[derive(Debug, Deserialize)]
pub(super) struct Made {
    #[serde(deserialize_with = "either")]
    pub id: String,
}

/// A queue.
#[derive(Debug, Deserialize)]
pub(super) struct Queue {
    #[serde(deserialize_with = "either")]
    pub id: String,
    #[serde(rename = "Name", default)]
    pub name: Option<String>,
    #[serde(rename = "TicketCustomFields", default)]
    pub fields: Vec<Field>,
}

impl Queue {
    /// Whether its tickets have this field.
    pub(super) fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name.as_deref() == Some(name))
    }
}

/// A text of a ticket's history; an attachment, in RT's words.
#[derive(Debug, Deserialize)]
pub(super) struct Text {
    #[serde(rename = "Subject", default)]
    pub subject: Option<String>,
}

/// What an error says.
#[derive(Debug, Deserialize)]
pub(super) struct Fault {
    pub message: String,
}

/// `id` is a number alone and a text in lists.
fn either<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Id {
        Number(u64),
        Text(String),
    }
    Ok(match Id::deserialize(from)? {
        Id::Number(number) => number.to_string(),
        Id::Text(text) => text,
    })
}

/// Whether a ticket's field has this value.
pub(super) fn has_field(ticket: &Ticket, name: &str, value: &str) -> bool {
    let named = ticket.fields.iter().filter(|f| f.name.as_deref() == Some(name));
    named.flat_map(|f| &f.values).any(|v| v.as_str() == Some(value))
}

/// A status of RT's default lifecycle; a site's own words count as open, so that nothing is taken for settled.
pub(super) fn status_of(status: &str) -> DeskStatus {
    match status {
        "resolved" => DeskStatus::Resolved,
        "rejected" => DeskStatus::Rejected,
        "deleted" => DeskStatus::Gone,
        _ => DeskStatus::Open,
    }
}

/// What answers.
#[derive(Debug, Deserialize)]
pub(super) struct About {
    #[serde(rename = "Version")]
    pub version: Option<String>,
}

/// The tickets that can be read: one odd row never stops the others.
pub(super) fn readable(items: Vec<Value>) -> Vec<Ticket> {
    items.into_iter().filter_map(|item| serde_json::from_value(item).ok()).collect()
}

/// The id of a token's user: `1-27-…` is user 27's.
pub(super) fn user_of(token: &str) -> Option<&str> {
    let id = token.split('-').nth(1)?;
    (!id.is_empty() && id.bytes().all(|b| b.is_ascii_digit())).then_some(id)
}

/// RT's priorities, of 0 to 100.
pub(super) fn priority(severity: Severity) -> Value {
    match severity {
        Severity::Info => json!(0),
        Severity::Minor => json!(30),
        Severity::Major => json!(60),
        Severity::Critical => json!(100),
    }
}
