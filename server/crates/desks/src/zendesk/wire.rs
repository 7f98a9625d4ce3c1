//! What Zendesk's tickets, audits and errors look like.

use crate::{
    DeskStatus,
    marks::is_ours,
    rest::{self, text},
};
use domain::Severity;
use jiff::Timestamp;
use outbound::{CallKind, ErrorClass};
use serde_json::Value;
use std::collections::BTreeMap;

/// The tag of tickets that were merged into another.
const MERGED: &str = "closed_by_merge";

/// `{"error", "description", "details": {field: [{"description", "error"}]}}`; `error` may be an object with title and message.
pub(super) fn refusal(status: u16, answer: &Value, kind: CallKind) -> (ErrorClass, String) {
    let class = match text(answer, "/error") {
        // the key was used for another text of the same ticket
        "IdempotentRequestError" => ErrorClass::Conflict,
        _ => rest::class(status, kind),
    };
    let whole = [text(answer, "/description"), text(answer, "/error/message"), text(answer, "/error/title")];
    let whole = whole.into_iter().find(|text| !text.is_empty()).unwrap_or(text(answer, "/error"));
    let of_field = |(field, faults): (&String, &Value)| {
        let faults: Vec<_> = faults.as_array().into_iter().flatten().map(|fault| text(fault, "/description")).collect();
        format!("; {field}: {}", faults.join(", "))
    };
    let fields: String = answer["details"].as_object().into_iter().flatten().map(of_field).collect();
    (class, format!("{whole}{fields}"))
}

pub(super) fn status_of(status: &str) -> DeskStatus {
    match status {
        "solved" | "closed" => DeskStatus::Resolved,
        "deleted" => DeskStatus::Gone,
        _ => DeskStatus::Open,
    }
}

pub(super) fn priority(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "low",
        Severity::Minor => "normal",
        Severity::Major => "high",
        Severity::Critical => "urgent",
    }
}

pub(super) fn updated(ticket: &Value) -> Option<Timestamp> {
    text(ticket, "/updated_at").parse().ok()
}

/// Whether a ticket was merged into another one.
pub(super) fn is_merged(ticket: &Value) -> bool {
    let tags = ticket["tags"].as_array().into_iter().flatten();
    text(ticket, "/status") == "closed" && tags.filter_map(Value::as_str).any(|tag| tag == MERGED)
}

/// The value of a custom field.
pub(super) fn custom(ticket: &Value, id: u64) -> Option<&str> {
    let fields = ticket["custom_fields"].as_array()?;
    fields.iter().find(|field| field["id"].as_u64() == Some(id))?["value"].as_str()
}

/// A person at the desk.
#[derive(Clone, Debug, Default)]
pub(super) struct Person {
    name: String,
    role: String,
}

impl Person {
    pub(super) fn name(&self) -> Option<String> {
        Some(self.name.clone()).filter(|name| !name.is_empty())
    }
}

/// People of an answer, by id.
pub(super) fn people(answer: &Value) -> impl Iterator<Item = (u64, Person)> {
    let users = answer["users"].as_array().into_iter().flatten();
    users.filter_map(|user| {
        let (name, role) = (text(user, "/name").to_owned(), text(user, "/role").to_owned());
        Some((user["id"].as_u64()?, Person { name, role }))
    })
}

/// What happened to a ticket: its audits, oldest first, and who they name.
#[derive(Debug, Default)]
pub(super) struct History {
    pub(super) audits: Vec<Value>,
    pub(super) people: BTreeMap<u64, Person>,
}

/// A comment in a ticket.
pub(super) struct Comment<'a> {
    pub(super) body: &'a str,
    pub(super) public: bool,
    pub(super) at: Option<Timestamp>,
    author: Option<u64>,
    is_of_merge: bool,
}

impl History {
    pub(super) fn comments(&self) -> impl DoubleEndedIterator<Item = Comment<'_>> {
        let of_audit = |audit| {
            let events = events_of(audit).filter(|event| text(event, "/type") == "Comment");
            events.map(move |event| Comment {
                body: text(event, "/body"),
                public: event["public"].as_bool().unwrap_or(true),
                at: text(audit, "/created_at").parse().ok(),
                author: event["author_id"].as_u64().or(audit["author_id"].as_u64()),
                is_of_merge: text(audit, "/via/source/rel") == "merge",
            })
        };
        self.audits.iter().flat_map(of_audit)
    }

    /// Comments of agents, without ours.
    pub(super) fn of_agents(&self) -> impl Iterator<Item = Comment<'_>> {
        let is_customer = |id: u64| self.people.get(&id).is_some_and(|person| person.role == "end-user");
        self.comments().filter(move |comment| {
            !is_ours(comment.body) && !comment.is_of_merge && !comment.author.is_some_and(is_customer)
        })
    }

    /// Who gave the ticket its status last.
    pub(super) fn moved_by(&self) -> Option<u64> {
        let moves = |audit: &&Value| {
            events_of(audit).any(|e| text(e, "/field_name") == "status" && text(e, "/type") == "Change")
        };
        self.audits.iter().rfind(moves)?["author_id"].as_u64()
    }

    pub(super) fn name(&self, id: u64) -> Option<String> {
        self.people.get(&id).and_then(Person::name)
    }

    /// The ticket that this one was merged into: "This request was closed and merged into request #27".
    pub(super) fn merged_into(&self) -> Option<String> {
        let number = |comment: Comment<'_>| {
            let digits = comment.body.rsplit_once('#')?.1;
            let digits: String = digits.chars().take_while(char::is_ascii_digit).collect();
            Some(digits).filter(|digits| !digits.is_empty())
        };
        self.comments().rev().filter(|comment| comment.is_of_merge).find_map(number)
    }
}

fn events_of(audit: &Value) -> impl DoubleEndedIterator<Item = &Value> {
    audit["events"].as_array().map(Vec::as_slice).unwrap_or_default().iter()
}
