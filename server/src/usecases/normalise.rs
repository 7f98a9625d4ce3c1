//! Normalise: a kept message becomes observations on trackers. Decoding is pure; everything it says is recorded in one
//! transaction, with a fold job for every shipment concerned.

use super::{Result, UseCaseError, ingest::BODY};
use crate::tower::Tower;
use crate::vault::DataKey;
use connectors::carriers::{self, Carrier, DecodeError};
use domain::{
    carriers as directory,
    ids::{BindingId, MessageId, ShipmentId, SnapshotId, TrackerId, content_id},
    observation::{Decoded, Feed, Observation, Problem, RefKind, TrackerReport},
    reading::Reader,
};
use serde::{Deserialize, Serialize};
use storage::{
    Scope,
    facts::{NewObservation, NewReport, NewSnapshot, Recorded, Recording, TrackerKey},
    inbox::{MessageRecord, MessageStatus},
};

/// The place of an observation's free text in the vault.
pub const TEXT: &str = "observation.text";

/// What of a statement belongs to the vault.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementText {
    /// The provider's words.
    pub description: Option<String>,
    /// Who signed.
    pub signatory: Option<String>,
}

/// Reads a message and records what it says. What cannot be read goes to quarantine, visible and replayable.
///
/// # Errors
/// When the store fails; the message then stays as it is.
pub async fn normalise(tower: &Tower, scope: Scope, id: MessageId) -> Result<Option<Recorded>> {
    let Some(message) = tower.store.inbox.message(scope, id).await? else { return Ok(None) };
    let Some((key, body)) = open_body(tower, scope, id).await? else {
        conclude(tower, scope, id, MessageStatus::Quarantined { reason: "the body is no longer kept".into() }).await?;
        return Ok(None);
    };
    let carrier = carriers::by_id(&message.connector)
        .ok_or_else(|| UseCaseError::Internal(format!("no connector {}", message.connector)))?;
    match carrier.decode(&body) {
        Ok(decoded) if decoded.reports.iter().any(|r| !r.observations.is_empty()) => {
            let recording = recording(tower, carrier, &message, decoded, &key);
            let recorded = tower.store.facts.record(scope, recording).await?;
            tower.wake.real_time.notify_waiters();
            Ok(Some(recorded))
        }
        Ok(decoded) => {
            conclude(tower, scope, id, nothing_said(&decoded.problems)).await?;
            Ok(None)
        }
        Err(DecodeError::NotTracking(what)) => {
            conclude(tower, scope, id, MessageStatus::Ignored { reason: what }).await?;
            Ok(None)
        }
        Err(error) => {
            tracing::warn!(id = %id, source = %message.source_name, correlation = %message.correlation, "quarantined: {error}");
            metrics::counter!("milepost_messages_quarantined_total", "source" => message.source_name.clone())
                .increment(1);
            conclude(tower, scope, id, MessageStatus::Quarantined { reason: error.to_string() }).await?;
            Ok(None)
        }
    }
}

/// A message's key and plain body; none once either is gone.
///
/// # Errors
/// When the store fails or the master key is another one.
pub async fn open_body(tower: &Tower, scope: Scope, id: MessageId) -> Result<Option<(DataKey, Vec<u8>)>> {
    let Some(stored) = tower.store.inbox.body(scope, id).await? else { return Ok(None) };
    let Some(wrapped) = stored.key else { return Ok(None) };
    let internal = |e: crate::vault::VaultError| UseCaseError::Internal(e.to_string());
    let key = tower.vault.unwrap(&wrapped).map_err(internal)?;
    let body = key.open(BODY, &stored.body).map_err(internal)?;
    Ok(Some((key, body)))
}

async fn conclude(tower: &Tower, scope: Scope, id: MessageId, status: MessageStatus) -> Result<()> {
    Ok(tower.store.inbox.conclude(scope, id, status).await?)
}

fn nothing_said(problems: &[Problem]) -> MessageStatus {
    match problems.first() {
        Some(problem) => MessageStatus::Quarantined { reason: format!("{}: {}", problem.at, problem.message) },
        None => MessageStatus::Ignored { reason: "no event in it".into() },
    }
}

fn recording(
    tower: &Tower,
    carrier: &dyn Carrier,
    message: &MessageRecord,
    decoded: Decoded,
    key: &DataKey,
) -> Recording {
    let observations = decoded.reports.iter().map(|r| r.observations.len()).sum::<usize>();
    let reports: Vec<_> = decoded
        .reports
        .into_iter()
        .filter(|report| !report.observations.is_empty())
        .filter_map(|report| new_report(tower, carrier, message, report, key))
        .collect();
    Recording {
        message: message.id,
        source: message.source,
        trust: carrier.manifest().trust,
        correlation: message.correlation,
        recorded_at: tower.now(),
        reports,
        status: MessageStatus::Normalised {
            observations: u32::try_from(observations).unwrap_or(u32::MAX),
            problems: u32::try_from(decoded.problems.len()).unwrap_or(u32::MAX),
        },
    }
}

/// The number that a report hangs on: the tracking number, else a container, an SSCC, or the shipper's own number; the
/// orders last, since one may have several shipments.
const TRACKER_REFS: &[RefKind] = &[
    RefKind::TrackingNumber,
    RefKind::Container,
    RefKind::Sscc,
    RefKind::Shipment,
    RefKind::Booking,
    RefKind::BillOfLading,
    RefKind::PurchaseOrder,
    RefKind::Order,
];

fn new_report(
    tower: &Tower,
    carrier: &dyn Carrier,
    message: &MessageRecord,
    report: TrackerReport,
    key: &DataKey,
) -> Option<NewReport> {
    let connector = carrier.manifest().id;
    let number_raw = TRACKER_REFS.iter().find_map(|kind| report.refs.get(*kind))?.to_owned();
    let entry = report.carrier.as_deref().map(|word| directory::resolve(connector, word));
    let tracker = TrackerKey {
        carrier: entry.as_ref().map(|e| e.family.clone()),
        number: directory::normalise_number(&number_raw).ok()?,
    };
    // what names the tracker for the statements' identity must not depend on what else is stored
    let named = format!("{}:{}", tracker.carrier.as_deref().unwrap_or("-"), tracker.number);
    let snapshot = match &report.feed {
        Feed::Delta => None,
        Feed::Snapshot { stamp } => {
            let digest =
                content_id("list", &[&serde_json::to_vec(&report.observations).expect("plain data serialises")])
                    .simple()
                    .to_string();
            let object = report.refs.get(RefKind::TrackerObject).map(str::to_owned);
            let stamp_text = stamp.map(|s| s.to_string()).unwrap_or_default();
            let parts = [
                message.source.0.as_bytes().as_slice(),
                named.as_bytes(),
                object.as_deref().unwrap_or("").as_bytes(),
                stamp_text.as_bytes(),
                digest.as_bytes(),
            ];
            Some(NewSnapshot { id: SnapshotId(content_id("snapshot", &parts)), object, stamp: *stamp, digest })
        }
    };
    let observations = report
        .observations
        .into_iter()
        .zip(0..)
        .map(|(o, position)| new_observation(&*tower.mapping, o, position, connector, &named, key))
        .collect();
    Some(NewReport {
        tracker,
        tracker_id: TrackerId(tower.clock.id()),
        number_raw,
        carrier_label: entry.map(|e| e.name),
        refs: report.refs,
        unclaimed_id: ShipmentId(tower.clock.id()),
        binding_id: BindingId(tower.clock.id()),
        snapshot,
        observations,
    })
}

fn new_observation(
    reader: &dyn Reader,
    observation: Observation,
    position: u32,
    connector: &str,
    tracker: &str,
    key: &DataKey,
) -> NewObservation {
    let text = StatementText { description: observation.description.clone(), signatory: observation.signatory.clone() };
    let text = (text != StatementText::default())
        .then(|| key.seal(TEXT, &serde_json::to_vec(&text).expect("plain data serialises")));
    NewObservation {
        id: observation.id(connector, tracker),
        position,
        reading: reader.read(&observation),
        body: observation.without_personal(),
        text,
    }
}
