//! Proof of delivery: who signed, and what documents there are. The name is personal data; it lies in the vault with the statement that named it, and is
//! shown to roles that may see personal data. Some carriers name it only in a later message about the same event: those are
//! read too.

use crate::{
    context::Context,
    error::{Result, UseCaseError},
    tracking::normalise::{self, StatementText},
    vault::DataKey,
};
use carriers::{Configured, Settings};
use domain::{
    Milestone,
    documents::Document,
    fold::{Fact, Folded, Standing},
    ids::{MessageId, ObservationId, ShipmentId, TrackerId},
    observation::Observation,
};
use std::{cmp::Reverse, collections::HashSet};
use storage::{Scope, facts::ObservationRecord, inbox::MessageRecord, shipments::Loaded};

/// Messages that are opened at most for a shipment: one of each delivery first, the last delivery first, then the rest.
const MESSAGES_MAX: usize = 5;
/// Messages that are opened at most for one delivery, the newest first.
const MESSAGES_OF_ONE_MAX: usize = 3;
/// A longer message is not read again for it.
const BODY_BYTES_MAX: usize = 256 * 1024;
/// The same for documents, which a message may bring along: the largest message of JSON that is taken.
const DOCUMENTS_BODY_BYTES_MAX: usize = 1024 * 1024;
/// Documents of one delivery.
const DOCUMENTS_MAX: usize = 8;

/// Who signed for a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The delivery.
    pub fact: ObservationId,
    /// The name, as the carrier gives it.
    pub signed_by: String,
}

/// Who signed for what of a shipment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proofs {
    /// The last delivery first; each name once for each piece.
    pub named: Vec<Proof>,
    /// Pieces that were delivered too and not looked at, since there is a limit.
    pub unread: usize,
}

/// A delivery, and what is read about it.
struct Look<'a> {
    fact: &'a Fact,
    record: ObservationRecord,
    messages: Vec<MessageId>,
    signed_by: Option<String>,
}

/// Who signed for what of a shipment.
///
/// # Errors
/// When the store fails or the master key is another one.
pub async fn of(context: &Context, scope: Scope, loaded: &Loaded, folded: &Folded) -> Result<Proofs> {
    let (facts, unread) = deliveries(loaded, folded);
    let mut looks = Vec::with_capacity(facts.len());
    for fact in facts {
        if let Some(record) = context.store.facts.observation(scope, loaded.shipment.id, fact.id).await? {
            looks.push(Look { fact, messages: messages(&record), record, signed_by: None });
        }
    }
    let mut left = MESSAGES_MAX;
    for round in 0..MESSAGES_OF_ONE_MAX {
        for look in looks.iter_mut().filter(|look| look.signed_by.is_none()) {
            let Some(message) = look.messages.get(round).filter(|_| left > 0) else { continue };
            left -= 1;
            look.signed_by = named_in(context, scope, &look.record, *message).await?;
        }
    }
    let mut seen = HashSet::new();
    let named = looks.into_iter().filter_map(|Look { fact, signed_by, .. }| {
        let signed_by = signed_by?;
        seen.insert((piece(fact), signed_by.clone())).then_some(Proof { fact: fact.id, signed_by })
    });
    Ok(Proofs { named: named.collect(), unread })
}

/// The deliveries that are looked at, the last one first; and how many pieces are left out. There are never more than messages may
/// be opened: one of each piece, then those that speak of the same piece.
fn deliveries<'a>(loaded: &'a Loaded, folded: &Folded) -> (Vec<&'a Fact>, usize) {
    let stands = |fact: ObservationId| {
        let verdict = folded.verdicts.iter().find(|verdict| verdict.fact == fact);
        verdict.is_some_and(|verdict| {
            use Standing as S;
            !matches!(verdict.standing, S::Superseded | S::Retracted | S::Retraction | S::Quarantined | S::OtherUse)
        })
    };
    let last_first = |fact: &&Fact| Reverse((folded.decided_by == Some(fact.id), fact.observation.time.sort_key()));
    let delivers = |milestone: Milestone| matches!(milestone, Milestone::Delivered | Milestone::DeliveredPart);
    let facts = loaded.input.facts.iter().filter(|fact| delivers(fact.reading.milestone) && stands(fact.id));
    let mut facts: Vec<_> = facts.collect();
    facts.sort_by_key(last_first);
    let mut pieces = HashSet::new();
    let (mut shown, others): (Vec<_>, Vec<_>) = facts.into_iter().partition(|fact| pieces.insert(piece(fact)));
    shown.extend(others);
    shown.truncate(MESSAGES_MAX);
    shown.sort_by_key(last_first);
    (shown, pieces.len().saturating_sub(MESSAGES_MAX))
}

fn piece(fact: &Fact) -> (TrackerId, Option<&str>) {
    (fact.tracker, fact.piece.as_deref())
}

/// Who signed for one delivery; none where no message that is still kept says so.
///
/// # Errors
/// As [`of`].
pub async fn signatory(
    context: &Context,
    scope: Scope,
    shipment: ShipmentId,
    fact: ObservationId,
) -> Result<Option<String>> {
    let Some(record) = context.store.facts.observation(scope, shipment, fact).await? else { return Ok(None) };
    for message in messages(&record) {
        if let Some(name) = named_in(context, scope, &record, message).await? {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// The documents that prove one delivery, each once; none where no message that is still kept has any.
///
/// # Errors
/// As [`of`].
pub async fn documents(
    context: &Context,
    scope: Scope,
    shipment: ShipmentId,
    fact: ObservationId,
) -> Result<Vec<Document>> {
    let Some(record) = context.store.facts.observation(scope, shipment, fact).await? else { return Ok(Vec::new()) };
    let mut found: Vec<Document> = Vec::new();
    for message in messages(&record) {
        let Some((kept, Some((_, body)))) = opened(context, scope, message).await? else { continue };
        for document in said_in(&record, &kept, &body, DOCUMENTS_BODY_BYTES_MAX, |said| Some(said.documents)).concat() {
            if !found.contains(&document) && found.len() < DOCUMENTS_MAX {
                found.push(document);
            }
        }
    }
    Ok(found)
}

type Opened = Option<(MessageRecord, Option<(DataKey, Vec<u8>)>)>;

/// A message with its body and key; none where it is damaged or gone.
async fn opened(context: &Context, scope: Scope, message: MessageId) -> Result<Opened> {
    match normalise::opened(context, scope, message).await {
        // a damaged message makes nothing else unreadable
        Err(UseCaseError::Internal(error)) => {
            tracing::warn!(%message, "a message cannot be opened: {error}");
            Ok(None)
        }
        opened => opened,
    }
}

/// Who signed for a delivery, by one message about it.
async fn named_in(
    context: &Context,
    scope: Scope,
    record: &ObservationRecord,
    message: MessageId,
) -> Result<Option<String>> {
    let Some((kept, Some((key, body)))) = opened(context, scope, message).await? else { return Ok(None) };
    let in_body = || said_in(record, &kept, &body, BODY_BYTES_MAX, |said| said.signatory).into_iter().next();
    Ok(recorded(record, message, &key).or_else(in_body))
}

/// The messages that are worth opening: the newest ones, and the one that the statement was recorded from, which has its text.
fn messages(record: &ObservationRecord) -> Vec<MessageId> {
    let mut messages: Vec<MessageId> = record.seen.iter().map(|(message, ..)| *message).collect();
    messages.dedup();
    messages.truncate(MESSAGES_OF_ONE_MAX);
    let recorded = record.text.as_ref().map(|text| MessageId(text.subject.0));
    if let Some(recorded) = recorded.filter(|recorded| !messages.contains(recorded)) {
        messages.truncate(MESSAGES_OF_ONE_MAX - 1);
        messages.push(recorded);
    }
    messages
}

/// As it was recorded with the statement.
fn recorded(record: &ObservationRecord, message: MessageId, key: &DataKey) -> Option<String> {
    let text = record.text.as_ref().filter(|text| text.subject.0 == message.0)?;
    StatementText::opened(key, text)?.signatory
}

/// What a message has of the statement.
fn said_in<T>(
    record: &ObservationRecord,
    message: &MessageRecord,
    body: &[u8],
    bytes_max: usize,
    what: impl Fn(Observation) -> Option<T>,
) -> Vec<T> {
    if body.len() > bytes_max {
        return Vec::new();
    }
    let read = || {
        let settings: Settings = serde_json::from_str(&message.settings).ok()?;
        let connector = Configured::new(&message.connector, &settings)?;
        carriers::read(connector.carrier(), &settings, body).ok()
    };
    let said = read().into_iter().flat_map(|decoded| decoded.reports).flat_map(|report| report.observations);
    let same = said.filter(|observation| observation.without_personal() == record.body.without_personal());
    same.filter_map(what).collect()
}
