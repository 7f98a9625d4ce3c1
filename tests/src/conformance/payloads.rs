//! Payloads by provider: decoded or refused with a reason, and compared where somebody else has read them too.

use super::{Tally, compare, root};
use anyhow::{Context, Result};
use carriers::{Carrier, DecodeError, Settings, present};
use domain::mapping::Mapping;
use serde::Serialize;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Why our reading is right where it differs from the independent one.
const REASONS: &str = include_str!("reasons.json");

/// What became of a provider's payloads.
#[derive(Debug, Default, Serialize)]
pub struct Provider {
    /// The connector.
    pub provider: String,
    /// Files.
    pub files: usize,
    /// Files that say something.
    pub decoded: usize,
    /// Files that are not about tracking, or cannot be read, each with the reason.
    pub refused: Vec<Unread>,
    /// Files that an independent reading covers and that we cannot read.
    pub unread: Vec<Unread>,
    /// Events read.
    pub events: usize,
    /// Events whose code no mapping knows.
    pub unmapped: usize,
    /// Events with an independent reading.
    pub compared: usize,
    /// Of these, the ones that agree.
    pub agreed: usize,
    /// The others.
    pub disagreements: Vec<Disagreement>,
}

/// A payload that says nothing.
#[derive(Debug, Serialize)]
pub struct Unread {
    /// The file.
    pub file: String,
    /// Why.
    pub reason: String,
}

/// An event that others read differently.
#[derive(Debug, Serialize)]
pub struct Disagreement {
    /// The file.
    pub file: String,
    /// Which event, counted from 0.
    pub event: usize,
    /// What differs: field, theirs, ours.
    pub differs: Vec<String>,
    /// Why ours is right; none where nobody has looked yet.
    pub reason: Option<String>,
}

/// A payload to be looked at.
struct Payload {
    file: String,
    bytes: Vec<u8>,
    expected: Option<Value>,
}

/// The fixtures that ship with the connectors.
pub(super) fn shipped() -> Result<Vec<Provider>> {
    carriers::ALL.iter().map(|carrier| of_folder(*carrier)).collect()
}

fn of_folder(carrier: &dyn Carrier) -> Result<Provider> {
    let id = carrier.manifest().id;
    let folder = root().join("server/crates/carriers/src").join(id).join("fixtures");
    let mut provider = Provider { provider: id.to_owned(), ..Provider::default() };
    for file in payload_files(&folder)? {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let payload = Payload { expected: expectation(&file)?, bytes: read(&file)?, file: format!("{id}/{name}") };
        look(carrier, &payload, &mut provider);
    }
    Ok(provider)
}

fn payload_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    if !folder.exists() {
        return Ok(files);
    }
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let name = path.to_string_lossy();
        if !name.ends_with(".expected.json") && [".json", ".edi", ".xml"].iter().any(|ending| name.ends_with(ending)) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn expectation(file: &Path) -> Result<Option<Value>> {
    let expected = file.with_extension("expected.json");
    if !expected.is_file() {
        return Ok(None);
    }
    Ok(Some(serde_json::from_slice(&read(&expected)?).with_context(|| expected.display().to_string())?))
}

/// The collection: by connector, and how many payloads have none.
pub(super) fn collected(folder: &Path) -> Result<(Vec<Provider>, usize)> {
    let index: Vec<Value> = serde_json::from_slice(&read(&folder.join("index.json"))?)?;
    let composed: Value = serde_json::from_slice(&read(&folder.join("composed/index.json"))?)?;
    let composed = composed["items"].as_array().cloned().unwrap_or_default();
    let mut all: BTreeMap<&str, Provider> = BTreeMap::new();
    let mut without = 0;
    for item in index.iter().chain(composed.iter().filter(|i| i["kind"] == "payload")) {
        let (provider, file) =
            (item["provider"].as_str().unwrap_or_default(), item["file"].as_str().unwrap_or_default());
        let path = folder.join(file.strip_prefix("carriers/").unwrap_or(file));
        let expected = expectation(&path)?;
        let mut payloads = Vec::new();
        if let (true, Some(expected)) = (provider.starts_with("karrio_"), &expected) {
            payloads.extend(karrio_objects(file, expected).into_iter().map(|payload| ("karrio", payload)));
        }
        let connector = connector_of(provider);
        if carriers::by_id(connector).is_some() {
            payloads.push((connector, Payload { expected, bytes: read(&path)?, file: file.to_owned() }));
        }
        without += usize::from(payloads.is_empty());
        for (connector, payload) in payloads {
            let carrier = carriers::by_id(connector).context("the connector")?;
            let id = carrier.manifest().id;
            let entry = all.entry(id).or_insert_with(|| Provider { provider: id.to_owned(), ..Provider::default() });
            look(carrier, &payload, entry);
        }
    }
    Ok((all.into_values().collect(), without))
}

/// Karrio's own tests hold answers of other platforms, which their connectors read.
fn connector_of(provider: &str) -> &str {
    match provider {
        "karrio_easypost" => "easypost",
        "karrio_easyship" => "easyship",
        "karrio_shipengine" => "shipengine",
        other => other,
    }
}

fn look(carrier: &dyn Carrier, payload: &Payload, provider: &mut Provider) {
    provider.files += 1;
    let shown = match carriers::read(carrier, &Settings::default(), &payload.bytes) {
        Ok(decoded) => present::decoded(&payload.file, carrier.manifest().id, &decoded, &Mapping::base()),
        Err(error) => return refuse(&error, payload, provider),
    };
    let events = shown["events"].as_array().cloned().unwrap_or_default();
    if events.is_empty() && payload.expected.is_none() {
        let problems = shown["problems"].as_array().into_iter().flatten().filter_map(|p| p["message"].as_str());
        let reason = problems.collect::<Vec<_>>().join("; ");
        let reason =
            if reason.is_empty() { "it takes another event back and says nothing else".into() } else { reason };
        provider.refused.push(Unread { file: payload.file.clone(), reason });
        return;
    }
    provider.decoded += 1;
    provider.events += events.len();
    provider.unmapped += events.iter().filter(|e| e["unmapped"] == true).count();
    let Some(expected) = &payload.expected else { return };
    for (event, differs) in compare::events(expected, &shown) {
        provider.compared += 1;
        if differs.is_empty() {
            provider.agreed += 1;
        } else {
            let reason = reason(&payload.file, event);
            provider.disagreements.push(Disagreement { file: payload.file.clone(), event, differs, reason });
        }
    }
}

fn refuse(error: &DecodeError, payload: &Payload, provider: &mut Provider) {
    let unread = Unread { file: payload.file.clone(), reason: error.to_string() };
    if payload.expected.as_ref().is_some_and(compare::has_events) {
        provider.unread.push(unread);
    } else {
        provider.refused.push(unread);
    }
}

/// Why ours is right, where somebody has looked: by file, and by event where the file has several.
fn reason(file: &str, event: usize) -> Option<String> {
    let reasons: Value = serde_json::from_str(REASONS).expect("the reasons are JSON");
    let of_file = &reasons[file];
    of_file.as_str().or_else(|| of_file[event.to_string()].as_str()).map(str::to_owned)
}

/// Hostile inputs with what their index expects: those that ship, or the collection's.
pub(super) fn hostile(collection: Option<&Path>) -> Result<Tally> {
    let shipped = root().join("server/crates/carriers/src/fixtures/hostile");
    let (folder, index) = match collection {
        Some(folder) => (folder.to_owned(), folder.join("composed/index.json")),
        None => (shipped.clone(), shipped.join("index.json")),
    };
    let index: Value = serde_json::from_slice(&read(&index)?)?;
    let mut tally = Tally::default();
    for item in index["hostile"].as_array().into_iter().flatten() {
        let file = item["file"].as_str().unwrap_or_default();
        let bytes = read(&folder.join(file))?;
        tally.add(file, examine(meant_for(file), &bytes, item["expect"].as_str().unwrap_or_default()));
    }
    Ok(tally)
}

/// What Karrio made of other carriers' answers: tracker objects as its webhooks send them, with Karrio's own reading of
/// each event beside the carrier's code.
fn karrio_objects(file: &str, expected: &Value) -> Vec<Payload> {
    let objects = expected["details"].as_array().into_iter().flatten().enumerate();
    let with_events = objects.filter(|(_, object)| object["events"].as_array().is_some_and(|e| !e.is_empty()));
    with_events
        .map(|(n, object)| Payload {
            file: format!("{file} object {n}"),
            bytes: object.to_string().into_bytes(),
            expected: Some(serde_json::json!({ "details": [object] })),
        })
        .collect()
}

/// The channel of a hostile file: its name says so, or the first whose connector knows its shape.
fn meant_for(file: &str) -> &'static str {
    let name = file.rsplit('/').next().unwrap_or_default();
    match name.rsplit('.').next() {
        Some("edi") if name.starts_with("edifact") => "edifact_iftsta",
        Some("edi") => "x12_214",
        Some("xml") => "mfs_xml",
        _ => "easypost",
    }
}

fn examine(connector: &str, bytes: &[u8], expect: &str) -> Result<(), String> {
    let carrier = carriers::by_id(connector).ok_or_else(|| format!("there is no connector {connector}"))?;
    let outcome = carriers::read(carrier, &Settings::default(), bytes);
    let got = match &outcome {
        Ok(decoded) if decoded.reports.iter().all(|r| r.observations.is_empty()) => "dead_letter",
        Ok(decoded) if decoded.problems.is_empty() => "accept",
        Ok(_) => "accept_flag",
        Err(DecodeError::NotTracking(_)) => "ignore",
        Err(_) => "dead_letter",
    };
    let fits = match expect {
        "accept" => got.starts_with("accept"),
        "accept_or_dead_letter" => got.starts_with("accept") || got == "dead_letter",
        other => got == other,
    };
    if fits { Ok(()) } else { Err(format!("expected {expect}, got {got}")) }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| path.display().to_string())
}
