//! The payload of one event, and what was normalised from it.

use crate::views::{times::Times, words::verified};
use app::contract::shipments::RawView;
use application::tracking::read::Event;
use domain::ids::MessageId;

pub(super) fn view(event: Event, times: &Times) -> RawView {
    RawView {
        observation: event.id.to_string(),
        canonical: canonical(&event, times),
        raw: event.body.unwrap_or_else(|| "The message's body is no longer kept.".to_owned()),
        masked: event.masked,
        verified: verified(&event.verified_by),
        received: times.ago(event.received),
        message: event.message.to_string(),
        later: event.later.first().map(MessageId::to_string),
        later_messages: event.later.len(),
        correlation: event.correlation.to_string(),
        mapping: match event.reading.mapping {
            0 => "Built-in mapping".to_owned(),
            version => format!("Mapping version {version}"),
        },
    }
}

fn canonical(event: &Event, times: &Times) -> Vec<(String, String)> {
    let (said, reading) = (&event.said, &event.reading);
    let time = times.event(&said.time).full;
    let codes = said.codes.status.iter().chain(&said.codes.coarse).map(|code| format!("{}/{}", code.list, code.value));
    let rows = [
        ("Milestone", Some(format!("{} ({})", reading.milestone.label(), reading.milestone.code()))),
        ("Exception", reading.exception.map(|e| format!("{} ({})", e.label(), e.code()))),
        ("Second exception", reading.also.map(|e| format!("{} ({})", e.label(), e.code()))),
        ("Not mapped", reading.unmapped.then(|| format!("{}: no mapping", said.codes.raw))),
        ("Data warning", reading.doubt.clone()),
        ("Event type", Some(said.classifier.label().to_owned())),
        (
            "Event time",
            Some(match &event.time_as_received {
                Some(written) => format!("{time} (as received: {written})"),
                None => time,
            }),
        ),
        ("Location", event.place.clone()),
        ("Codes", Some(codes.collect::<Vec<_>>().join(", "))),
        ("Carrier text", event.description.clone()),
        ("Signed by", event.signatory.clone()),
        ("Number", Some(event.number.clone())),
    ];
    rows.into_iter().filter_map(|(label, value)| Some((label.to_owned(), value.filter(|v| !v.is_empty())?))).collect()
}
