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
use storage::{Scope, facts::ObservationRecord, inbox::MessageRecord, shipments::Loaded};

/// Deliveries of one shipment whose proof is looked for.
const DELIVERIES_MAX: usize = 10;
/// Messages about one delivery that are looked through.
const MESSAGES_MAX: usize = 4;
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

/// Who signed for what of a shipment, by the order of its facts; each name once for each piece.
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
    let mut proofs: Vec<Proof> = Vec::new();
    let mut named = Vec::new();
    for fact in facts.take(DELIVERIES_MAX) {
        let Some(signed_by) = signatory(tower, scope, loaded.shipment.id, fact.id).await? else { continue };
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
    let Some(record) = tower.store.facts.observation(scope, shipment, fact).await? else { return Ok(None) };
    let first = record.text.as_ref().map(|text| MessageId(text.subject.0));
    let newest = record.seen.iter().map(|(message, ..)| *message).filter(|message| Some(*message) != first);
    for message in first.into_iter().chain(newest).take(MESSAGES_MAX) {
        let Some((kept, Some((key, body)))) = normalise::opened(tower, scope, message).await? else { continue };
        if let Some(name) = recorded(&record, message, &key)?.or_else(|| told(&record, &kept, &body)) {
            return Ok(Some(name));
        }
    }
    Ok(None)
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
