//! One event: what a message said, as it was received and as it was read.

use crate::{
    caller::Caller,
    context::Context,
    error::{Result, UseCaseError},
    governance::messages,
    mask::Mask,
    tracking::{
        normalise::{self, StatementText},
        proof,
    },
};
use domain::{
    Milestone,
    access::Permission,
    ids::{CorrelationId, MessageId, ObservationId, ShipmentId},
    observation::Observation,
    reading::Reading,
};
use jiff::Timestamp;

/// An event with the message that said it, as a caller may read them.
#[derive(Clone, Debug)]
pub struct Event {
    /// The statement.
    pub id: ObservationId,
    /// What was said.
    pub said: Observation,
    /// What it means.
    pub reading: Reading,
    /// The number that it was said of.
    pub number: String,
    /// Where, in the provider's words where they may be read.
    pub place: Option<String>,
    /// The time as the provider wrote it; none where that is hidden.
    pub time_as_received: Option<String>,
    /// The provider's words.
    pub description: Option<String>,
    /// Who signed.
    pub signatory: Option<String>,
    /// The message: the first that said it.
    pub message: MessageId,
    /// When it came.
    pub received: Timestamp,
    /// How it was verified.
    pub verified_by: String,
    /// Its correlation id.
    pub correlation: CorrelationId,
    /// Its body as text; none once it is no longer kept.
    pub body: Option<String>,
    /// Whether something is left out of the body for this caller.
    pub masked: bool,
    /// Later messages that said it again, the latest first.
    pub later: Vec<MessageId>,
}

/// One event of a shipment. Who reads personal data leaves a line in the audit trail.
///
/// # Errors
/// When the caller may not, there is no such event, or the store fails.
pub async fn event(
    context: &Context,
    caller: &Caller,
    shipment: ShipmentId,
    observation: ObservationId,
) -> Result<Event> {
    caller.require(Permission::See)?;
    let (scope, mask) = (caller.scope(), Mask::of(caller));
    let found = context.store.facts.observation(scope, shipment, observation).await?;
    let record = found.ok_or(UseCaseError::NotFound("event"))?;
    // the message that the timeline names
    let seen = context.store.shipments.seen_in(scope, shipment).await?;
    let first = seen.into_iter().find(|seen| seen.observation == observation).map(|seen| seen.message);
    // some carriers name who signed only in a later message
    let signed_by = match record.reading.milestone {
        Milestone::Delivered | Milestone::DeliveredPart => {
            proof::signatory(context, scope, shipment, observation).await?
        }
        _ => None,
    };
    let named = record.seen.iter().rfind(|(message, ..)| first.is_none_or(|first| first == *message));
    let (message, _, received) = named.or(record.seen.last()).copied().ok_or(UseCaseError::NotFound("message"))?;
    let mut later: Vec<MessageId> = record.seen.iter().map(|(later, ..)| *later).filter(|m| *m != message).collect();
    later.dedup();
    let (kept, body) = normalise::opened(context, scope, message).await?.ok_or(UseCaseError::NotFound("message"))?;
    if !mask.hides() {
        messages::note_read(context, scope, message).await?;
    }
    let masked = body.is_some() && mask.hides();
    let text = body.as_ref().and_then(|(key, _)| {
        let sealed = record.text.as_ref().filter(|text| text.subject.0 == message.0)?;
        StatementText::opened(key, sealed)
    });
    let text = text.unwrap_or_default();
    let place = text.location.as_ref().or(record.body.location.as_ref()).and_then(|location| mask.place(location));
    let time = text.time.unwrap_or_else(|| record.body.time.raw.clone());
    Ok(Event {
        id: record.id,
        said: mask.statement(&record.body),
        reading: record.reading,
        number: record.number,
        place,
        time_as_received: Some(time).filter(|_| !mask.hides()),
        description: mask.text(text.description),
        signatory: text.signatory.or(signed_by).map(|name| mask.name(name)),
        message,
        received,
        verified_by: kept.verified_by,
        correlation: kept.correlation,
        body: body.map(|(_, body)| mask.body(&body)),
        masked,
        later,
    })
}
