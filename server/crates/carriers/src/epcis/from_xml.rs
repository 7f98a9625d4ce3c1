//! Events out of XML, of EPCIS 1.x and 2.0. What later versions added stands in `extension` and `baseExtension`.

use super::{
    event::{ErrorDeclaration, Event, KINDS},
    gs1::Word,
};
use crate::formats::xml::child_text;
use roxmltree::{Document, Node};

/// Every event, in the order of the document, wherever it lies.
pub(super) fn events(document: &Document<'_>) -> Vec<Event> {
    let events = document.descendants().filter(|n| ours(n) && KINDS.contains(&n.tag_name().name()));
    let sender = sender(document);
    events
        .enumerate()
        .map(|(n, node)| Event { sender: sender.clone(), ..event(node, format!("event {}", n + 1)) })
        .collect()
}

/// Who sends the document, by its Standard Business Document Header.
fn sender(document: &Document<'_>) -> Option<String> {
    let header = document.descendants().find(|n| n.tag_name().name() == "StandardBusinessDocumentHeader")?;
    let sender = header.children().find(|n| n.tag_name().name() == "Sender")?;
    child_text(sender, "Identifier").map(str::to_owned)
}

/// An element of the standard: others may use the same names for things of their own.
fn ours(node: &Node<'_, '_>) -> bool {
    node.is_element() && node.tag_name().namespace().is_none_or(|uri| uri.starts_with("urn:epcglobal:epcis"))
}

fn event(node: Node<'_, '_>, at: String) -> Event {
    let mut event = Event { at, kind: node.tag_name().name().to_owned(), ..Event::default() };
    for field in fields(node) {
        match field.tag_name().name() {
            "eventID" => event.id = text(field),
            "eventTime" => event.time = text(field),
            "eventTimeZoneOffset" => event.offset = text(field),
            "recordTime" => event.recorded = text(field),
            "errorDeclaration" => event.error = Some(error(field)),
            "action" => event.action = text(field),
            "parentID" => event.epcs.splice(0..0, text(field)).for_each(drop),
            "epcList" | "childEPCs" | "inputEPCList" | "outputEPCList" => {
                event.epcs.extend(field.children().filter_map(text));
            }
            "bizStep" => event.step = text(field).as_deref().map(Word::new),
            "disposition" => event.disposition = text(field).as_deref().map(Word::new),
            "persistentDisposition" => {
                let set = field.children().filter(|c| c.tag_name().name() == "set").filter_map(text);
                event.lasting = set.map(|word| Word::new(&word)).collect();
            }
            "readPoint" => event.read_point = child_text(field, "id").map(str::to_owned),
            "bizLocation" => event.location = child_text(field, "id").map(str::to_owned),
            "bizTransactionList" => {
                event.transactions = field.children().filter_map(|t| Some((kind(t), text(t)?))).collect();
            }
            "destinationList" => event.destinations = field.children().filter_map(text).collect(),
            _ => {}
        }
    }
    event
}

/// The elements of an event, those in its extensions too.
fn fields<'a, 'd>(event: Node<'a, 'd>) -> Vec<Node<'a, 'd>> {
    let (mut found, mut open) = (Vec::new(), vec![event]);
    while let Some(node) = open.pop() {
        for child in node.children().filter(ours) {
            match child.tag_name().name() {
                "extension" | "baseExtension" => open.push(child),
                _ => found.push(child),
            }
        }
    }
    found
}

fn error(node: Node<'_, '_>) -> ErrorDeclaration {
    ErrorDeclaration {
        declared: child_text(node, "declarationTime").map(str::to_owned),
        reason: child_text(node, "reason").map(Word::new),
    }
}

fn kind(node: Node<'_, '_>) -> Option<Word> {
    node.attribute("type").map(str::trim).filter(|t| !t.is_empty()).map(Word::new)
}

/// An element's text; none for anything that is no element, or is blank.
fn text(node: Node<'_, '_>) -> Option<String> {
    let text = node.is_element().then(|| node.text()).flatten()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
