//! Proof of delivery: who signed. The name is personal data; it lies in the vault with the statement that named it, and is
//! opened for whoever may see it. Some carriers name it only in a later message about the same event: those are read too.

use super::{
    Result, UseCaseError,
    normalise::{self, StatementText, TEXT},
};
use crate::{tower::Tower, vault::DataKey};
use connectors::carriers::{self, Configured, Settings};
use domain::{
    Milestone,
    fold::{Folded, Standing},
    ids::{MessageId, ObservationId, ShipmentId},
};
use std::cmp::Reverse;
use storage::{Scope, facts::ObservationRecord, inbox::MessageRecord, shipments::Loaded};

/// Messages that one look opens at most: those of the last delivery first, of each delivery the newest first.
const MESSAGES_MAX: usize = 3;
/// A longer message is not read again for it.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// Who signed for a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The delivery.
    pub fact: ObservationId,
    /// The name, as the carrier tells it.
    pub signed_by: String,
}

/// Who signed for what of a shipment, the last delivery first; each name once for each piece.
///
/// # Errors
/// When the store fails or the master key is another one.
pub async fn of(tower: &Tower, scope: Scope, loaded: &Loaded, folded: &Folded) -> Result<Vec<Proof>> {
    let stands = |fact: ObservationId| {
        let verdict = folded.verdicts.iter().find(|verdict| verdict.fact == fact);
        verdict.is_some_and(|verdict| {
            use Standing as S;
            !matches!(verdict.standing, S::Superseded | S::Retracted | S::Retraction | S::Quarantined | S::OtherUse)
        })
    };
    let delivers = |milestone: Milestone| matches!(milestone, Milestone::Delivered | Milestone::DeliveredPart);
    let facts = loaded.input.facts.iter().filter(|fact| delivers(fact.reading.milestone) && stands(fact.id));
    let mut facts: Vec<_> = facts.collect();
    facts.sort_by_key(|fact| Reverse((folded.decided_by == Some(fact.id), fact.observation.time.sort_key())));
    let mut proofs: Vec<Proof> = Vec::new();
    let (mut named, mut left) = (Vec::new(), MESSAGES_MAX);
    for fact in facts {
        if left == 0 {
            break;
        }
        let signed_by = look(tower, scope, loaded.shipment.id, fact.id, &mut left).await?;
        let Some(signed_by) = signed_by else { continue };
        let one = (fact.tracker, fact.piece.clone(), signed_by.clone());
        if !named.contains(&one) {
            named.push(one);
            proofs.push(Proof { fact: fact.id, signed_by });
        }
    }
    Ok(proofs)
}

/// Who signed for one delivery; none where no message that is still kept says so.
///
/// # Errors
/// As [`of`].
pub async fn signatory(
    tower: &Tower,
    scope: Scope,
    shipment: ShipmentId,
    fact: ObservationId,
) -> Result<Option<String>> {
    look(tower, scope, shipment, fact, &mut { MESSAGES_MAX }).await
}

/// Opens the messages about one delivery until one names who signed; `left` counts down how many may still be opened.
async fn look(
    tower: &Tower,
    scope: Scope,
    shipment: ShipmentId,
    fact: ObservationId,
    left: &mut usize,
) -> Result<Option<String>> {
    let Some(record) = tower.store.facts.observation(scope, shipment, fact).await? else { return Ok(None) };
    for message in messages(&record, *left) {
        *left -= 1;
        let Some((kept, Some((key, body)))) = normalise::opened(tower, scope, message).await? else { continue };
        if let Some(name) = recorded(&record, message, &key)?.or_else(|| told(&record, &kept, &body)) {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// The messages that are worth opening: the newest ones, and the one that the statement was recorded from, which has its text.
fn messages(record: &ObservationRecord, at_most: usize) -> Vec<MessageId> {
    let mut messages: Vec<MessageId> = record.seen.iter().map(|(message, ..)| *message).collect();
    messages.dedup();
    let recorded = record.text.as_ref().map(|text| MessageId(text.subject.0));
    if let Some(recorded) = recorded.filter(|recorded| !messages.iter().take(at_most).any(|one| one == recorded)) {
        messages.truncate(at_most.saturating_sub(1));
        messages.push(recorded);
    }
    messages.truncate(at_most);
    messages
}

/// As it was recorded with the statement.
fn recorded(record: &ObservationRecord, message: MessageId, key: &DataKey) -> Result<Option<String>> {
    let Some(text) = record.text.as_ref().filter(|text| text.subject.0 == message.0) else { return Ok(None) };
    let text = key.open(TEXT, text).map_err(|e| UseCaseError::Internal(e.to_string()))?;
    let text: StatementText = serde_json::from_slice(&text).map_err(|e| UseCaseError::Internal(e.to_string()))?;
    Ok(text.signatory)
}

/// As a message tells it.
fn told(record: &ObservationRecord, message: &MessageRecord, body: &[u8]) -> Option<String> {
    if body.len() > BODY_BYTES_MAX {
        return None;
    }
    let settings: Settings = serde_json::from_str(&message.settings).ok()?;
    let connector = Configured::new(&message.connector, &settings)?;
    let decoded = carriers::read(connector.carrier(), &settings, body).ok()?;
    let said = decoded.reports.into_iter().flat_map(|report| report.observations);
    let same = said.filter(|observation| observation.without_personal() == record.body);
    same.filter_map(|observation| observation.signatory).next()
}
