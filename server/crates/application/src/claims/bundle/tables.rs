//! The facts of a bundle as tables: CSV for people and spreadsheets, JSON for programs.

use super::Parts;
use crate::{
    claims::evidence::{Presence, actual, promise, weight},
    words::csv_line,
};
use domain::{fold::Fact, reading::MappingVersion};
use serde_json::{Value, json};

/// The events of a bundle, in order: as exactly as the carrier gave their times.
pub(super) struct EventRow {
    pub(super) time: String,
    pub(super) zone: String,
    pub(super) event: String,
    pub(super) code: String,
    pub(super) place: String,
    pub(super) source: String,
    pub(super) message: String,
    pub(super) recorded: String,
}

pub(super) fn events(parts: &Parts<'_>) -> Vec<EventRow> {
    let mut facts: Vec<&Fact> = actual(parts.known).collect();
    facts.sort_by_key(|fact| (fact.observation.time.sort_key(), fact.id));
    facts.into_iter().map(|fact| row(parts, fact)).collect()
}

fn row(parts: &Parts<'_>, fact: &Fact) -> EventRow {
    let time = &fact.observation.time;
    let message = parts.known.said_in.get(&fact.id);
    let source = message.and_then(|id| parts.known.messages.iter().find(|message| message.id == *id));
    let event = match fact.reading.exception {
        Some(reason) => reason.label(),
        None => fact.reading.milestone.label(),
    };
    EventRow {
        time: time.wall_clock().map_or_else(|| time.raw.clone(), |wall| wall.to_string()),
        zone: time.zone.clone().unwrap_or_else(|| if time.utc.is_some() { "UTC".into() } else { String::new() }),
        event: event.to_owned(),
        code: fact.observation.codes.raw.clone(),
        place: fact.observation.location.as_ref().map(domain::observation::Location::label).unwrap_or_default(),
        source: source.map(|message| message.source.clone()).unwrap_or_default(),
        message: message.map(ToString::to_string).unwrap_or_default(),
        recorded: fact.sightings.iter().map(|seen| seen.recorded_at).min().map(|at| at.to_string()).unwrap_or_default(),
    }
}

pub(super) fn events_csv(parts: &Parts<'_>) -> String {
    let head = ["Time", "Zone", "Event", "Carrier code", "Place", "Source", "Message", "Recorded"];
    let mut text = csv_line(&head);
    for EventRow { time, zone, event, code, place, source, message, recorded } in events(parts) {
        text += &csv_line(&[time, zone, event, code, place, source, message, recorded]);
    }
    text
}

pub(super) fn events_json(parts: &Parts<'_>) -> Vec<u8> {
    let event = |row: EventRow| {
        json!({"time": row.time, "zone": row.zone, "event": row.event, "code": row.code, "place": row.place,
            "source": row.source, "message": row.message, "recorded": row.recorded})
    };
    let events: Vec<Value> = events(parts).into_iter().map(event).collect();
    pretty(&Value::Array(events))
}

pub(super) fn messages_csv(parts: &Parts<'_>) -> String {
    let mut text = csv_line(&["Message", "Source", "Received", "Bytes", "SHA-256", "Signature"]);
    for message in &parts.known.messages {
        text += &csv_line(&[
            message.id.to_string(),
            message.source.clone(),
            message.received_at.to_string(),
            message.size.to_string(),
            parts.digests.get(&message.id).cloned().unwrap_or_else(|| "no longer kept".into()),
            message.verified.clone().unwrap_or_else(|| "not signed".into()),
        ]);
    }
    text
}

pub(super) fn packing_csv(parts: &Parts<'_>) -> String {
    let mut text = csv_line(&["Article", "Number", "Quantity", "List price", "Weight"]);
    let goods = parts.record.about.goods.iter();
    for one in goods.clone().flat_map(|goods| &goods.lines) {
        text += &csv_line(&[
            one.name.clone(),
            one.sku.clone().unwrap_or_default(),
            one.quantity.to_string(),
            one.price.to_string(),
            weight(u64::from(one.weight_g)),
        ]);
    }
    for (place, grams) in (1..).zip(goods.flat_map(|goods| &goods.parcels_g)) {
        text += &csv_line(&[
            format!("Parcel {place}"),
            String::new(),
            "1".into(),
            String::new(),
            weight(u64::from(*grams)),
        ]);
    }
    text
}

pub(super) fn claim(parts: &Parts<'_>) -> Vec<u8> {
    let record = parts.record;
    let evidence = |piece: &super::Evidence| {
        let (there, said) = match &piece.presence {
            Presence::Present(what) => (true, what),
            Presence::Missing(what) => (false, what),
        };
        json!({"kind": piece.kind, "there": there, "detail": said})
    };
    let folded = &parts.known.folded;
    pretty(&json!({
        "claim": record.number.to_string(),
        "company": parts.company,
        "reason": record.claim.reason,
        "status": record.claim.status,
        "carrier": record.about.carrier,
        "tracking_number": record.about.tracking,
        "reference": record.claim.reference,
        "claimed": record.claim.claimed,
        "offered": record.claim.offered,
        "paid": record.claim.paid,
        "file_by": record.claim.file_by,
        "filed_on": record.claim.filed_on,
        "deadline_rule": record.about.rule,
        "promise": promise(parts.known),
        "promised_by": parts.known.loaded.input.plan.promised_by,
        "delivered_at": folded.delivered_at,
        "signed_by": parts.known.signed_by,
        "status_of_shipment": folded.state,
        "based_on": folded.hash,
        "mapping_versions": mapping_versions(parts),
        "goods": record.about.goods,
        "shipping": record.about.shipping,
        "evidence": parts.evidence.iter().map(evidence).collect::<Vec<_>>(),
        "links": parts.links.iter().map(|(kind, link)| json!({"kind": kind, "link": link})).collect::<Vec<_>>(),
        "note": parts.note,
        "raised_at": record.created_at,
        "made_at": parts.made_at,
    }))
}

/// The versions of the mapping that the events were read by.
fn mapping_versions(parts: &Parts<'_>) -> Vec<MappingVersion> {
    let mut versions: Vec<MappingVersion> = actual(parts.known).map(|fact| fact.reading.mapping).collect();
    versions.sort_unstable();
    versions.dedup();
    versions
}

fn pretty(value: &Value) -> Vec<u8> {
    serde_json::to_vec_pretty(value).expect("plain data serialises")
}
