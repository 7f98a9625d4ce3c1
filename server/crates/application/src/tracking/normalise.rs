//! Normalise: a kept message becomes observations on trackers. Decoding is pure; everything it says is recorded in one
//! transaction, with a fold job for every shipment concerned.

use super::{ingest::BODY, mappings};
use crate::{
    context::Context,
    error::{Result, UseCaseError},
    texts::Slot,
    vault::DataKey,
};
use carriers::{Carrier, Configured, DecodeError, Settings};
use domain::{
    carriers as directory,
    ids::{BindingId, MessageId, ShipmentId, SnapshotId, TrackerId, content_id},
    numbers,
    observation::{Decoded, Feed, Location, Observation, Problem, RefKind, TrackerReport},
    reading::Reader,
};
use serde::{Deserialize, Serialize};
use storage::{
    Scope, Sealed, StoreError,
    facts::{NewObservation, NewReport, NewSnapshot, Progress, Recorded, Recording, TrackerKey},
    inbox::{MessageRecord, MessageStatus},
    jobs::{Cause, JobKind, Lane},
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
    /// Where, where more is written there than a place's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// What is written where a time is expected, and is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
}

impl StatementText {
    /// A text under the key of its message; none, with a line in the log, where it is damaged: what is kept in clear counts then,
    /// and one text makes no page unreadable.
    pub(crate) fn opened(key: &DataKey, sealed: &Sealed) -> Option<Self> {
        let text = key.open(TEXT, sealed).ok().and_then(|plain| serde_json::from_slice(&plain).ok());
        if text.is_none() {
            tracing::warn!(message = %MessageId(sealed.subject.0), "the text of an event cannot be opened");
        }
        text
    }

    /// What the provider wrote of its own accord, but for who signed.
    pub(crate) fn words(&self) -> impl Iterator<Item = &str> {
        let places = self.location.iter().flat_map(Location::personal);
        self.description.as_deref().into_iter().chain(self.time.as_deref()).chain(places)
    }
}

/// Reports that one transaction records. A message with more is an interchange: it is recorded in parts, whose cursor
/// survives a stop, and its shipments are folded in the batch lane, so that live messages do not wait for it.
const PART_REPORTS: usize = 200;
/// Numbers of one message whose proofs are looked at although nothing else changed.
const PROVED_MAX: usize = 20;
/// A body of more bytes is decoded on a thread of its own, so that requests do not wait for it.
const DECODED_ASIDE_BYTES: usize = 256 * 1024;

/// Reads a message and records what it says. What cannot be read goes to quarantine, visible and replayable.
///
/// # Errors
/// When the store fails; the message then stays as it is, and what is recorded of it stays recorded.
pub async fn normalise(context: &Context, scope: Scope, id: MessageId, cause: Cause) -> Result<Option<Recorded>> {
    let Some((message, body)) = opened(context, scope, id).await? else { return Ok(None) };
    let Some((key, body)) = body else {
        conclude(context, scope, id, quarantined(context, "the body is no longer kept")).await?;
        return Ok(None);
    };
    let (connector, decoded) = decode(&message, body).await?;
    match decoded {
        Ok(decoded) if decoded.reports.iter().any(|r| !r.observations.is_empty()) => {
            record(context, scope, &Reading { message, carrier: connector.carrier(), key, cause }, decoded)
                .await
                .map(Some)
        }
        Ok(decoded) => {
            conclude(context, scope, id, nothing_said(context, &decoded.problems)).await?;
            Ok(None)
        }
        Err(DecodeError::NotTracking(what)) => {
            conclude(context, scope, id, ignored(context, &what)).await?;
            Ok(None)
        }
        Err(error) => {
            tracing::warn!(id = %id, source = %message.source_name, correlation = %message.correlation, class = error.class(), "quarantined");
            metrics::counter!("milepost_messages_quarantined_total", "source" => message.source_name.clone())
                .increment(1);
            conclude(context, scope, id, quarantined(context, &error.to_string())).await?;
            Ok(None)
        }
    }
}

async fn decode(
    message: &MessageRecord,
    body: Vec<u8>,
) -> Result<(Configured, std::result::Result<Decoded, DecodeError>)> {
    let internal = |what: String| UseCaseError::Internal(format!("source {}: {what}", message.source_name));
    let settings: Settings = serde_json::from_str(&message.settings).map_err(|e| internal(e.to_string()))?;
    let connector = Configured::new(&message.connector, &settings)
        .ok_or_else(|| internal(format!("no connector {}", message.connector)))?;
    if body.len() <= DECODED_ASIDE_BYTES {
        let decoded = read(&connector, &settings, &body);
        return Ok((connector, decoded));
    }
    let aside = tokio::task::spawn_blocking(move || {
        let decoded = read(&connector, &settings, &body);
        (connector, decoded)
    });
    aside.await.map_err(|_| internal("the decoder panicked".into()))
}

/// What a message says that moves shipments.
fn read(connector: &Configured, settings: &Settings, body: &[u8]) -> std::result::Result<Decoded, DecodeError> {
    Ok(numbered(carriers::moving(carriers::read(connector.carrier(), settings, body)?, settings)?))
}

/// Without the reports under what is no number of a shipment: the message keeps them, and a problem says so.
fn numbered(mut decoded: Decoded) -> Decoded {
    let Decoded { reports, problems, .. } = &mut decoded;
    reports.retain(|report| {
        let refused = report.refs.tracker().and_then(|(_, number)| numbers::normalise(number).err());
        problems.extend(refused.iter().map(|why| Problem { at: "tracking number".into(), message: why.to_string() }));
        refused.is_none()
    });
    decoded
}

/// A message that is being recorded.
pub(crate) struct Reading<'a> {
    pub(crate) message: MessageRecord,
    pub(crate) carrier: &'a dyn Carrier,
    pub(crate) key: DataKey,
    pub(crate) cause: Cause,
}

/// Records a message, an interchange part by part from where it was left.
async fn record(context: &Context, scope: Scope, reading: &Reading<'_>, decoded: Decoded) -> Result<Recorded> {
    let status = MessageStatus::Normalised {
        observations: count(decoded.reports.iter().map(|r| r.observations.len()).sum()),
        problems: count(decoded.problems.len()),
    };
    let reports: Vec<_> = decoded.reports.into_iter().filter(|report| !report.observations.is_empty()).collect();
    let proved = proved(reading, &reports);
    let lane = if reports.len() > PART_REPORTS || reading.cause != Cause::Live { Lane::Batch } else { Lane::RealTime };
    let mut done = (reading.message.cursor as usize).min(reports.len().saturating_sub(1));
    let mut all = Recorded { shipments: Vec::new(), new_observations: 0 };
    let (total, rest) = (reports.len(), reports.into_iter().skip(done));
    let mut rest = rest.peekable();
    while rest.peek().is_some() {
        let part: Vec<_> = rest.by_ref().take(PART_REPORTS).collect();
        done += part.len();
        let progress = if done == total { Progress::Whole(status.clone()) } else { Progress::Part(count(done)) };
        let recorded = context.store.facts.record(scope, recording(context, reading, part, lane, progress)).await;
        if matches!(recorded, Err(StoreError::Conflict(_))) {
            // perhaps a mapping was published meanwhile, by a command: the next try reads by it
            mappings::refresh(context).await?;
        }
        let recorded = recorded?;
        all.shipments.extend(recorded.shipments);
        all.new_observations += recorded.new_observations;
        context.notifier.work(lane);
    }
    look_at_proofs(context, scope, reading, &proved, &all).await?;
    Ok(all)
}

/// Numbers of which a live message brings a proof of delivery: it may come with events that are known already, so that nothing else
/// changes.
fn proved(reading: &Reading<'_>, reports: &[TrackerReport]) -> Vec<String> {
    if reading.cause != Cause::Live {
        return Vec::new();
    }
    let has_proof = |report: &&TrackerReport| {
        report.observations.iter().any(|said| said.signatory.is_some() || !said.documents.is_empty())
    };
    let with_proof = reports.iter().filter(has_proof).take(PROVED_MAX);
    with_proof.filter_map(|report| report.refs.tracker().map(|(_, number)| number.to_owned())).collect()
}

/// Folds shipments whose events did not change by a message that proves their delivery: what waits for a proof goes on.
async fn look_at_proofs(
    context: &Context,
    scope: Scope,
    reading: &Reading<'_>,
    proved: &[String],
    recorded: &Recorded,
) -> Result<()> {
    let mut jobs = Vec::new();
    for number in proved {
        let found = context.store.shipments.find(scope, number).await?;
        let same = found.into_iter().filter(|id| !recorded.shipments.contains(id));
        let correlation = reading.message.correlation;
        jobs.extend(same.map(|id| context.job(JobKind::FOLD, id, Cause::Live, correlation, Some(id))));
    }
    if !jobs.is_empty() {
        context.store.jobs.enqueue(scope, jobs).await?;
        context.notifier.work(Lane::RealTime);
    }
    Ok(())
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// A message, and its key and plain body; neither once one is gone.
///
/// # Errors
/// When the store fails or the master key is another one.
pub async fn opened(
    context: &Context,
    scope: Scope,
    id: MessageId,
) -> Result<Option<(MessageRecord, Option<(DataKey, Vec<u8>)>)>> {
    let Some((message, stored)) = context.store.inbox.message_and_body(scope, id).await? else { return Ok(None) };
    let Some(stored) = stored else { return Ok(Some((message, None))) };
    let internal = |e: crate::vault::VaultError| UseCaseError::Internal(e.to_string());
    let key = context.vault.unwrap(&stored.key).map_err(internal)?;
    let body = key.open(BODY, &stored.body).map_err(internal)?;
    Ok(Some((message, Some((key, body)))))
}

async fn conclude(context: &Context, scope: Scope, id: MessageId, status: MessageStatus) -> Result<()> {
    Ok(context.store.inbox.conclude(scope, id, status).await?)
}

fn quarantined(context: &Context, reason: &str) -> MessageStatus {
    MessageStatus::Quarantined { reason: Some(context.texts.seal(Slot::Reason, reason)) }
}

fn ignored(context: &Context, reason: &str) -> MessageStatus {
    MessageStatus::Ignored { reason: Some(context.texts.seal(Slot::Reason, reason)) }
}

fn nothing_said(context: &Context, problems: &[Problem]) -> MessageStatus {
    match problems.first() {
        Some(problem) => quarantined(context, &format!("{}: {}", problem.at, problem.message)),
        None => ignored(context, "no event in it"),
    }
}

pub(crate) fn recording(
    context: &Context,
    reading: &Reading<'_>,
    reports: Vec<TrackerReport>,
    lane: Lane,
    progress: Progress,
) -> Recording {
    Recording {
        message: reading.message.id,
        source: reading.message.source,
        trust: reading.carrier.manifest().trust,
        correlation: reading.message.correlation,
        recorded_at: context.now(),
        reports: reports.into_iter().filter_map(|report| new_report(context, reading, report)).collect(),
        cause: reading.cause,
        lane,
        progress,
    }
}

/// What only takes back need not name what it is about: it hangs on the event's id, and is found by it.
fn taken_back(report: &TrackerReport) -> Option<String> {
    let event = report.observations.iter().find_map(|o| o.retracts.as_deref())?;
    Some(format!("retraction of {}", content_id("event", &[event.as_bytes()]).simple()))
}

fn new_report(context: &Context, reading: &Reading<'_>, report: TrackerReport) -> Option<NewReport> {
    let connector = reading.carrier.manifest().id;
    let number_raw = report.refs.tracker().map(|(_, number)| number.to_owned()).or_else(|| taken_back(&report))?;
    let entry = report.carrier.as_deref().map(|word| directory::resolve(connector, word));
    let named_carrier = entry.as_ref().map(|entry| entry.family.as_str());
    let number = numbers::normalise_of(&number_raw, named_carrier).ok()?;
    // what names the tracker for the statements' identity must not depend on what else is stored, nor on which of the
    // carriers that know the number is named
    let network = named_carrier.map(|carrier| numbers::network(&number, carrier));
    let named = format!("{}:{number}", network.as_deref().unwrap_or("-"));
    let tracker = TrackerKey { carrier: named_carrier.map(str::to_owned), number };
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
                reading.message.source.0.as_bytes().as_slice(),
                named.as_bytes(),
                object.as_deref().unwrap_or("").as_bytes(),
                stamp_text.as_bytes(),
                digest.as_bytes(),
            ];
            Some(NewSnapshot { id: SnapshotId(content_id("snapshot", &parts)), object, stamp: *stamp, digest })
        }
    };
    let mapping = context.mapping();
    // what two sources say alike is two statements: neither takes back the other's
    let source = reading.message.source.0.simple().to_string();
    let positions = report.positions();
    let observations = report
        .observations
        .into_iter()
        .zip(positions)
        .map(|(o, position)| new_observation(&*mapping, o, position, &source, &named, &reading.key))
        .collect();
    Some(NewReport {
        tracker,
        tracker_id: TrackerId(context.clock.id()),
        number_raw,
        carrier_label: entry.map(|e| e.name),
        refs: report.refs,
        unclaimed_id: ShipmentId(context.clock.id()),
        binding_id: BindingId(context.clock.id()),
        snapshot,
        observations,
    })
}

fn new_observation(
    reader: &dyn Reader,
    observation: Observation,
    position: u32,
    source: &str,
    tracker: &str,
    key: &DataKey,
) -> NewObservation {
    let body = observation.without_personal();
    let text = StatementText {
        description: observation.description.clone(),
        signatory: observation.signatory.clone(),
        location: observation.location.clone().filter(|_| observation.location != body.location),
        time: Some(observation.time.raw.clone()).filter(|_| observation.time != body.time),
    };
    let text = (text != StatementText::default())
        .then(|| key.seal(TEXT, &serde_json::to_vec(&text).expect("plain data serialises")));
    NewObservation { id: observation.id(source, tracker), position, reading: reader.read(&observation), body, text }
}
