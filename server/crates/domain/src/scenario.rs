//! Scenarios: messages in order of arrival, folded after each. Serves `milepost fold` and the tests of the rules.

use crate::{
    Severity, State, Visibility,
    event_time::{EventTime, Precision},
    fold::{Fact, FoldInput, Folded, Plan, Resolution, Sighting, Snapshot, Trust, fold},
    ids::{SnapshotId, SourceId, TrackerId, content_id},
    numbers,
    observation::{Decoded, Feed, RefKind, TrackerReport},
    reading::Reader,
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};

/// Decodes a payload of the provider of this name.
pub type Decode<'a> = dyn Fn(&str, &[u8]) -> Result<Decoded, String> + 'a;

/// What a scenario needs from outside: connectors, and files.
pub struct Surroundings<'a> {
    /// Reads codes.
    pub reader: &'a dyn Reader,
    /// Decodes a provider's payload.
    pub decode: &'a Decode<'a>,
    /// The provider's own id of a delivery, where the payload has one.
    pub delivery_key: &'a dyn Fn(&str, &[u8]) -> Option<String>,
    /// How far a provider is trusted; none where there is no connector.
    pub trust: &'a dyn Fn(&str) -> Option<Trust>,
    /// Reads a payload file.
    pub read: &'a dyn Fn(&str) -> Result<Vec<u8>, String>,
}

#[derive(Deserialize)]
struct Scenario {
    #[serde(default)]
    shipment: Planned,
    inputs: Vec<Input>,
}

#[derive(Default, Deserialize)]
struct Planned {
    #[serde(default)]
    pieces: Vec<String>,
    stops: Option<u32>,
    promised_by: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Input {
    received_at: Timestamp,
    provider: String,
    payload: Option<Value>,
    payload_file: Option<String>,
}

#[derive(Default)]
struct Running {
    input: FoldInput,
    places: HashMap<crate::ids::ObservationId, usize>,
    stored: HashSet<(String, Option<String>, Vec<u8>)>,
    duplicates: u32,
    last: Option<Timestamp>,
}

/// Folds a scenario: `{"state_after_each":[…],"final":{…}}`.
///
/// # Errors
/// When it cannot be read or a payload cannot be decoded.
pub fn run(text: &[u8], around: &Surroundings<'_>) -> Result<Value, String> {
    let scenario: Scenario = serde_json::from_slice(text).map_err(|e| format!("not a scenario: {e}"))?;
    let mut running = Running::default();
    running.input.plan = plan(&scenario.shipment);
    let mut after_each = Vec::with_capacity(scenario.inputs.len());
    let mut folded = Folded::default();
    for (n, input) in scenario.inputs.iter().enumerate() {
        running.take(input, around).map_err(|e| format!("input {}: {e}", n + 1))?;
        let now = running.last.map_or(input.received_at, |last| last.max(input.received_at));
        running.last = Some(now);
        folded = fold(&running.input, now);
        after_each.push(Value::from(folded.state.code()));
    }
    Ok(json!({ "state_after_each": after_each, "final": running.summary(&folded) }))
}

fn plan(planned: &Planned) -> Plan {
    let number = |p: &String| numbers::normalise(p).unwrap_or_else(|_| p.clone());
    Plan {
        pieces: planned.pieces.iter().map(number).collect(),
        stops: planned.stops,
        promised_by: planned.promised_by,
        ..Plan::default()
    }
}

impl Running {
    fn take(&mut self, input: &Input, around: &Surroundings<'_>) -> Result<(), String> {
        let bytes = payload(input, around)?;
        let key = (around.delivery_key)(&input.provider, &bytes);
        if !self.stored.insert((input.provider.clone(), key, bytes.clone())) {
            self.duplicates += 1;
            return Ok(());
        }
        let trust =
            (around.trust)(&input.provider).ok_or_else(|| format!("there is no connector {}", input.provider))?;
        let decoded = (around.decode)(&input.provider, &bytes)?;
        for report in decoded.reports {
            self.record(report, input, trust, around.reader);
        }
        Ok(())
    }

    fn record(&mut self, report: TrackerReport, input: &Input, trust: Trust, reader: &dyn Reader) {
        let source = SourceId(content_id("source", &[input.provider.as_bytes()]));
        let number = report.refs.tracker().map_or("-", |(_, number)| number);
        let number = numbers::normalise(number).unwrap_or_else(|_| number.to_owned());
        let tracker = TrackerId(content_id("tracker", &[number.as_bytes()]));
        let piece = self.input.plan.pieces.contains(&number).then(|| number.clone());
        let snapshot = self.snapshot(&report, source, tracker, input.received_at);
        let positions = report.positions();
        for (observation, position) in report.observations.into_iter().zip(positions) {
            let id = observation.id(&input.provider, &number);
            let sighting = Sighting { snapshot, position, recorded_at: input.received_at };
            match self.places.get(&id) {
                Some(place) => self.input.facts[*place].sightings.push(sighting),
                None => {
                    self.places.insert(id, self.input.facts.len());
                    let reading = reader.read(&observation);
                    self.input.facts.push(Fact {
                        id,
                        reading,
                        tracker,
                        piece: piece.clone(),
                        source,
                        trust,
                        sightings: vec![sighting],
                        observation,
                    });
                }
            }
        }
    }

    fn snapshot(
        &mut self,
        report: &TrackerReport,
        source: SourceId,
        tracker: TrackerId,
        recorded_at: Timestamp,
    ) -> Option<SnapshotId> {
        let Feed::Snapshot { stamp } = &report.feed else { return None };
        let digest = content_id("list", &[&serde_json::to_vec(&report.observations).ok()?]).simple().to_string();
        let object = report.refs.get(RefKind::TrackerObject).map(str::to_owned);
        let stamp_text = stamp.map(|s| s.to_string()).unwrap_or_default();
        let id = SnapshotId(content_id(
            "snapshot",
            &[source.0.as_bytes(), tracker.0.as_bytes(), stamp_text.as_bytes(), digest.as_bytes()],
        ));
        if !self.input.snapshots.iter().any(|s| s.id == id) {
            self.input.snapshots.push(Snapshot { id, source, tracker, object, stamp: *stamp, digest, recorded_at });
        }
        Some(id)
    }

    fn summary(&self, folded: &Folded) -> Value {
        let mut all = Map::new();
        let mut put = |key: &str, value: Value| drop(all.insert(key.to_owned(), value));
        put("state", folded.state.code().into());
        put("delivered_at", instant(folded.delivered_at.as_ref()));
        put("delivered_at_local", local(folded.delivered_at.as_ref()));
        put("delivered_precision", folded.delivered_at.as_ref().map(|t| precision(t.precision)).into());
        put("returned_at", instant(folded.returned_at.as_ref()));
        put("returned_at_local", local(folded.returned_at.as_ref()));
        put(
            "pieces",
            folded.pieces.iter().map(|(p, s)| (p.clone(), Value::from(s.code()))).collect::<Map<_, _>>().into(),
        );
        put("schedule", schedule(folded));
        put("attempts", folded.attempts.into());
        put("visibility", folded.visibility.code().into());
        put("events_active", folded.counts.active.into());
        put("events_superseded", folded.counts.superseded.into());
        put("events_retracted", folded.counts.retracted.into());
        put("events_quarantined", folded.counts.quarantined.into());
        put("events_unmapped", folded.counts.unmapped.into());
        put("corrections", folded.counts.corrections.into());
        put("incarnations", folded.incarnation.into());
        put("anomalies", serde_json::to_value(&folded.anomalies).unwrap_or_default());
        put("open_exceptions", exceptions(folded, Which::Open));
        put("closed_exceptions", exceptions(folded, Which::Closed));
        put("webhooks_stored", self.stored.len().into());
        put("duplicates", self.duplicates.into());
        put("oca_delivery_state", oca(folded).into());
        all.into()
    }
}

fn payload(input: &Input, around: &Surroundings<'_>) -> Result<Vec<u8>, String> {
    match (&input.payload, &input.payload_file) {
        (Some(Value::String(text)), _) => Ok(text.clone().into_bytes()),
        (Some(value), _) => serde_json::to_vec(value).map_err(|e| e.to_string()),
        (None, Some(file)) => (around.read)(file),
        (None, None) => Err("neither payload nor payload_file".into()),
    }
}

/// OCA's `delivery_state`: an open major or critical exception is an incident, a feed that stopped is `no_update`.
fn oca(folded: &Folded) -> Option<&'static str> {
    let ended = matches!(folded.state, State::Delivered | State::Cancelled);
    let worst = folded.exceptions.iter().filter(|e| e.closed.is_none()).map(|e| e.severity).max();
    if !ended && worst >= Some(Severity::Major) {
        return Some("incident");
    }
    if !folded.state.is_terminal() && folded.visibility == Visibility::Stopped {
        return Some("no_update");
    }
    folded.state.oca_delivery_state()
}

fn instant(time: Option<&EventTime>) -> Value {
    time.and_then(|t| t.utc).map(|utc| utc.to_string()).into()
}

fn local(time: Option<&EventTime>) -> Value {
    let text = |t: &EventTime| {
        let local = t.local?;
        Some(match t.precision {
            Precision::Date => local.date().to_string(),
            Precision::Minute => local.strftime("%Y-%m-%dT%H:%M").to_string(),
            _ => local.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
        })
    };
    time.and_then(text).into()
}

fn precision(precision: Precision) -> &'static str {
    match precision {
        Precision::None => "none",
        Precision::Date => "date",
        Precision::Minute => "minute",
        Precision::Second => "second",
    }
}

fn schedule(folded: &Folded) -> Value {
    let time = |t: &Option<EventTime>| match t {
        Some(t) if t.utc.is_some() => instant(Some(t)),
        other => local(other.as_ref()),
    };
    let entries = folded.schedule.iter().map(|(key, e)| {
        (key.clone(), json!({"planned": time(&e.planned), "estimated": time(&e.estimated), "actual": time(&e.actual)}))
    });
    entries.collect::<Map<_, _>>().into()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    Open,
    Closed,
}

fn exceptions(folded: &Folded, which: Which) -> Value {
    let of = folded.exceptions.iter().filter(|e| e.closed.is_some() == (which == Which::Closed));
    let all = of.map(|e| {
        let mut one = json!({"reason": e.reason.code(), "severity": e.severity.code().to_lowercase(), "piece": e.piece,
            "opened_at": instant(Some(&e.opened)), "opened_local": local(Some(&e.opened)), "clock_stopped_minutes": e.clock_stopped_minutes});
        if let Some((time, resolution)) = &e.closed {
            one["closed_at"] = instant(Some(time));
            one["closed_local"] = local(Some(time));
            one["resolution"] = word(*resolution).into();
        }
        one
    });
    all.collect::<Vec<_>>().into()
}

fn word(resolution: Resolution) -> &'static str {
    match resolution {
        Resolution::Progress => "progress",
        Resolution::Delivered => "delivered",
        Resolution::Returned => "returned",
        Resolution::Cancelled => "cancelled",
        Resolution::Explicit => "explicit",
        Resolution::Person => "person",
        Resolution::Cleared => "cleared",
    }
}
