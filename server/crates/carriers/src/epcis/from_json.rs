//! Events out of JSON and JSON-LD: a document, an answer to a query, a bare event, or a list of any of them.

use super::{
    event::{ErrorDeclaration, Event, KINDS},
    gs1::Word,
};
use crate::formats::json;
use serde_json::Value;

/// What events may lie in, folded as by [`folded`].
const CONTAINERS: &[&str] = &[
    "epcisbody",
    "queryresults",
    "resultsbody",
    "eventlist",
    "event",
    "events",
    "@graph",
    "epcisdocument",
    "epcisquerydocument",
];

/// Every event, in the order of the message; `at` grows from `""`.
pub(super) fn events(value: &Value, at: &str, found: &mut Vec<Event>) {
    match value {
        Value::Array(list) => {
            for (n, item) in list.iter().enumerate() {
                events(item, &format!("{at}/{n}"), found);
            }
        }
        Value::Object(fields) => match kind(value).filter(|kind| KINDS.contains(&kind.as_str())) {
            Some(kind) => found.push(event(value, kind, at)),
            None => {
                let before = found.len();
                for (key, inner) in fields.iter().filter(|(key, _)| CONTAINERS.contains(&folded(key).as_str())) {
                    events(inner, &format!("{at}/{key}"), found);
                }
                if let Some(sender) = sender(value) {
                    let own = found[before..].iter_mut().filter(|event| event.sender.is_none());
                    own.for_each(|event| event.sender = Some(sender.clone()));
                }
            }
        },
        _ => {}
    }
}

/// Who sends a document: `sender` of EPCIS 2.0, or the sender's identifier in a Standard Business Document Header.
fn sender(document: &Value) -> Option<String> {
    const WAY: &[&str] = &["epcisheader", "standardbusinessdocumentheader", "sender", "identifier"];
    let (_, inner) = document.as_object()?.iter().find(|(key, _)| {
        let key = folded(key.rsplit(':').next().unwrap_or(key));
        WAY.contains(&key.as_str())
    })?;
    match inner {
        Value::Array(list) => list.first().and_then(|first| one(first).or_else(|| sender(first))),
        Value::Object(_) => {
            let value = ["value", "#text", "_"].iter().find_map(|key| json::text(inner, key));
            value.or_else(|| one(inner)).or_else(|| sender(inner))
        }
        text => json::plain(text),
    }
}

/// What an object says it is: `type`, or `isA` of drafts.
pub(super) fn kind(value: &Value) -> Option<String> {
    let text = ["type", "isA", "@type"].iter().find_map(|key| json::text(value, key))?;
    text.rsplit([':', '/', '#']).next().map(str::to_owned)
}

/// A key as it is compared: without prefix, case and underscores.
fn folded(key: &str) -> String {
    let key = key.strip_prefix("epcis:").unwrap_or(key);
    key.chars().filter(|c| *c != '_').flat_map(char::to_lowercase).collect()
}

fn event(value: &Value, kind: String, at: &str) -> Event {
    let mut event = Event { at: at.to_owned(), kind, ..Event::default() };
    for (key, field) in value.as_object().into_iter().flatten() {
        match folded(key).as_str() {
            "eventid" => event.id = one(field),
            "eventtime" => event.time = one(field),
            "eventtimezoneoffset" => event.offset = one(field),
            "recordtime" => event.recorded = one(field),
            "errordeclaration" if field.is_object() => event.error = Some(error(field)),
            "action" => event.action = one(field),
            "parentid" => event.epcs.splice(0..0, one(field)).for_each(drop),
            "epclist" | "childepcs" | "inputepclist" | "outputepclist" => event.epcs.extend(several(field)),
            "bizstep" => event.step = one(field).as_deref().map(Word::new),
            "disposition" => event.disposition = one(field).as_deref().map(Word::new),
            "persistentdisposition" => {
                event.lasting =
                    field.get("set").map(several).unwrap_or_default().iter().map(|w| Word::new(w)).collect();
            }
            "readpoint" => event.read_point = one(field),
            "bizlocation" => event.location = one(field),
            "biztransactionlist" => event.transactions = list(field).filter_map(transaction).collect(),
            "destinationlist" => event.destinations = list(field).filter_map(one).collect(),
            _ => {}
        }
    }
    event
}

fn error(value: &Value) -> ErrorDeclaration {
    ErrorDeclaration {
        declared: json::text(value, "declarationTime"),
        reason: json::text(value, "reason").as_deref().map(Word::new),
    }
}

fn transaction(value: &Value) -> Option<(Option<Word>, String)> {
    Some((json::text(value, "type").as_deref().map(Word::new), one(value)?))
}

/// A text, or the text that an object is about.
fn one(value: &Value) -> Option<String> {
    match value {
        Value::String(_) => json::plain(value),
        Value::Object(_) => {
            ["id", "@id", "bizTransaction", "destination", "epc"].iter().find_map(|key| json::text(value, key))
        }
        _ => None,
    }
}

fn several(value: &Value) -> Vec<String> {
    list(value).filter_map(one).collect()
}

/// The items of a list; a thing that is no list is one of one.
fn list(value: &Value) -> std::slice::Iter<'_, Value> {
    match value {
        Value::Array(items) => items.iter(),
        Value::Null => [].iter(),
        other => std::slice::from_ref(other).iter(),
    }
}
