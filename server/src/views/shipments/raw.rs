//! The payload of one event, and what was normalised from it.

use crate::views::{times::Times, words::verified};
use app::contract::shipments::RawView;
use application::{
    context::Context,
    error::UseCaseError,
    governance::messages,
    tracking::normalise::{self, StatementText, TEXT},
};
use domain::ids::MessageId;
use storage::{Scope, facts::ObservationRecord};

pub(super) async fn view(
    context: &Context,
    scope: Scope,
    record: ObservationRecord,
    (first, signed_by): (Option<MessageId>, Option<String>),
    times: &Times,
) -> Result<RawView, UseCaseError> {
    let named = record.seen.iter().rfind(|(message, ..)| first.is_none_or(|first| first == *message));
    let (message, _, received) = named.or(record.seen.last()).copied().ok_or(UseCaseError::NotFound("message"))?;
    let mut later: Vec<MessageId> =
        record.seen.iter().map(|(message, ..)| *message).filter(|m| *m != message).collect();
    later.dedup();
    let (kept, body) = normalise::opened(context, scope, message).await?.ok_or(UseCaseError::NotFound("message"))?;
    if !times.mask.hides() {
        messages::note_read(context, scope, message).await?;
    }
    let ((raw, masked), text) = match body {
        None => (("The message's body is no longer kept.".to_owned(), false), None),
        Some((key, body)) => {
            let text = record.text.as_ref().filter(|t| t.subject.0 == message.0).and_then(|t| key.open(TEXT, t).ok());
            (
                (times.mask.body(&body), times.mask.hides()),
                text.and_then(|t| serde_json::from_slice::<StatementText>(&t).ok()),
            )
        }
    };
    let mut text = text.unwrap_or_default();
    text.signatory = text.signatory.or(signed_by);
    Ok(RawView {
        observation: record.id.to_string(),
        raw,
        masked,
        verified: verified(&kept.verified_by),
        received: times.ago(received),
        message: message.to_string(),
        later: later.first().map(MessageId::to_string),
        later_messages: later.len(),
        correlation: kept.correlation.to_string(),
        canonical: canonical(&record, text, times),
        mapping: match record.reading.mapping {
            0 => "Built-in mapping".to_owned(),
            version => format!("Mapping version {version}"),
        },
    })
}

fn canonical(record: &ObservationRecord, text: StatementText, times: &Times) -> Vec<(String, String)> {
    let (said, reading, mask) = (&record.body, &record.reading, times.mask);
    let time = times.event(&said.time);
    let as_received = text.time.as_ref().unwrap_or(&said.time.raw);
    let location = text.location.as_ref().or(said.location.as_ref());
    let signatory = text.signatory.map(|name| mask.name(name));
    let rows = [
        ("Milestone", Some(format!("{} ({})", reading.milestone.label(), reading.milestone.code()))),
        ("Exception", reading.exception.map(|e| format!("{} ({})", e.label(), e.code()))),
        ("Second exception", reading.also.map(|e| format!("{} ({})", e.label(), e.code()))),
        ("Not mapped", reading.unmapped.then(|| format!("{}: no mapping", mask.code(&said.codes.raw)))),
        ("Data warning", reading.doubt.clone()),
        ("Event type", Some(said.classifier.label().to_owned())),
        (
            "Event time",
            Some(if mask.hides() { time.full } else { format!("{} (as received: {as_received})", time.full) }),
        ),
        ("Location", location.and_then(|location| mask.place(location))),
        (
            "Codes",
            Some(
                said.codes
                    .status
                    .iter()
                    .chain(&said.codes.coarse)
                    .map(|c| format!("{}/{}", c.list, mask.code(&c.value)))
                    .collect::<Vec<_>>()
                    .join(", "),
            ),
        ),
        ("Carrier text", mask.text(text.description)),
        ("Signed by", signatory),
        ("Number", Some(record.number.clone())),
    ];
    rows.into_iter().filter_map(|(label, value)| Some((label.to_owned(), value.filter(|v| !v.is_empty())?))).collect()
}
